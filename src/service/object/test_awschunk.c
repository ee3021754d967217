/* The signed examples are those of the S3 API reference, whose key is public. */
#include "service/object/awschunk.h"

#include "base/attr.h"
#include "base/mem.h"
#include "base/testing.h"
#include "service/object/checksum.h"

#include <string.h>

#define SECRET SLV_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define EXAMPLE_SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define EXAMPLE_1 "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define EXAMPLE_2 "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define EXAMPLE_3 "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define TRAILER_1 "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"
#define TRAILER_2 "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"
#define TRAILER_3 "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
#define TRAILER_4 "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
#define EXAMPLE_LEN 66560

struct kit {
	struct slv_arena arena;
	struct slv_sigv4 signature;
	struct slv_digest key;
	struct slv_object_awschunk decoder;
	struct slv_buf body, data;
	size_t used; /* of the body, by the last decode() */
};

/* `seed` NULL: unsigned. */
static void kit_init(struct kit *kit, const char *seed, bool has_trailer, uint64_t length)
{
	*kit = (struct kit){ 0 };
	slv_arena_init(&kit->arena, 1024, SLV_KIB(64));
	kit->signature = (struct slv_sigv4){ .date = SLV_STR("20130524"),
		.region = SLV_STR("us-east-1"),
		.service = SLV_STR("s3"),
		.time = SLV_STR("20130524T000000Z"),
		.signature = slv_str_from(seed) };
	kit->key = slv_sigv4_key(SECRET, kit->signature.date, SLV_STR("us-east-1"), SLV_STR("s3"));
	kit->decoder = (struct slv_object_awschunk){ .arena = &kit->arena,
		.signature = seed ? &kit->signature : NULL,
		.key = seed ? &kit->key : NULL,
		.has_trailer = has_trailer,
		.length = length };
	slv_buf_init(&kit->body, SLV_KIB(256));
	slv_buf_init(&kit->data, SLV_KIB(256));
}

static void kit_done(struct kit *kit)
{
	slv_buf_done(&kit->body);
	slv_buf_done(&kit->data);
	slv_arena_done(&kit->arena);
}

static void add_a(struct kit *kit, size_t count)
{
	for (size_t i = 0; i < count; i++)
		slv_buf_add_char(&kit->body, 'a');
}

/* Of both examples: 64 KiB, 1 KiB, the end. */
static void add_example(struct kit *kit, const char *one, const char *two, const char *three)
{
	slv_buf_printf(&kit->body, "10000;chunk-signature=%s\r\n", one);
	add_a(kit, 65536);
	slv_buf_printf(&kit->body, "\r\n400;chunk-signature=%s\r\n", two);
	add_a(kit, 1024);
	slv_buf_printf(&kit->body, "\r\n0;chunk-signature=%s\r\n", three);
}

/* In pieces of `step` bytes, each in memory of its own. */
static enum slv_object_code decode(struct kit *kit, size_t step)
{
	slv_str body = slv_buf_str(&kit->body);
	kit->used = 0;
	while (kit->used < body.len && !kit->decoder.done) {
		slv_str piece = slv_str_head(slv_str_from_index(body, kit->used), step), data;
		char *copy = slv_alloc(piece.len);
		size_t used;
		memcpy(copy, piece.at, piece.len);
		slv_object_err err = slv_object_awschunk_decode(
				&kit->decoder, (slv_str){ copy, piece.len }, &used, &data);
		if (!slv_object_failed(err))
			slv_buf_add(&kit->data, data);
		slv_free(copy);
		if (slv_object_failed(err))
			return err.code;
		kit->used += used;
	}
	return SLV_OBJECT_E_NONE;
}

static void is_example(struct kit *kit)
{
	assert_true(kit->decoder.done);
	assert_int_equal(kit->used, kit->body.len);
	assert_int_equal(kit->data.len, EXAMPLE_LEN);
	for (size_t i = 0; i < kit->data.len; i++)
		assert_int_equal(kit->data.at[i], 'a');
}

static const size_t steps[] = { 1, 7, 4096, SIZE_MAX };

static void the_signed_example_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(steps); i++) {
		struct kit kit;
		kit_init(&kit, EXAMPLE_SEED, false, EXAMPLE_LEN);
		add_example(&kit, EXAMPLE_1, EXAMPLE_2, EXAMPLE_3);
		slv_buf_add(&kit.body, SLV_STR("\r\n"));
		assert_int_equal(decode(&kit, steps[i]), SLV_OBJECT_E_NONE);
		is_example(&kit);
		assert_int_equal(kit.decoder.trailers.count, 0);
		kit_done(&kit);
	}
}

#define CRC_LINE "x-amz-checksum-crc32c:sOO8/Q=="
#define SIGNATURE_LINE "x-amz-trailer-signature:" TRAILER_4

/* The second as minio-go writes it. */
static void the_example_with_a_trailer_holds_with_each_end_of_a_line(void **state)
{
	(void)state;
	static const char *const trailers[] = {
		CRC_LINE "\r\n" SIGNATURE_LINE "\r\n\r\n",
		CRC_LINE "\n\r\n" SIGNATURE_LINE "\r\n\r\n",
		CRC_LINE "\n" SIGNATURE_LINE "\n\r\n\r\n",
		"X-Amz-Checksum-CRC32C:  sOO8/Q== \r\n" SIGNATURE_LINE "\r\n\r\n",
	};
	for (size_t i = 0; i < SLV_COUNT(trailers) * SLV_COUNT(steps); i++) {
		struct kit kit;
		kit_init(&kit, TRAILER_SEED, true, EXAMPLE_LEN);
		add_example(&kit, TRAILER_1, TRAILER_2, TRAILER_3);
		slv_buf_add(&kit.body, slv_str_from(trailers[i / SLV_COUNT(steps)]));
		assert_int_equal(decode(&kit, steps[i % SLV_COUNT(steps)]), SLV_OBJECT_E_NONE);
		is_example(&kit);
		assert_int_equal(kit.decoder.trailers.count, 1);
		const struct slv_field *field = &kit.decoder.trailers.at[0];
		assert_true(slv_str_eq_nocase(field->name, SLV_STR("x-amz-checksum-crc32c")));
		assert_true(slv_str_eq(field->value, SLV_STR("sOO8/Q==")));
		kit_done(&kit);
	}
}

static void what_is_changed_does_not_hold(void **state)
{
	(void)state;
	static const struct {
		size_t at; /* from the end, if past the body */
		char c;
		enum slv_object_code code;
	} changes[] = {
		{ 21, 'c', SLV_OBJECT_E_INVALID_REQUEST },          /* of "chunk-signature" */
		{ 22, 'f', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH }, /* of the first signature */
		{ 100, 'b', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ 65623, 'b', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ 66000, 'b', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ SIZE_MAX - 5, '0', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ SIZE_MAX - 100, 'R', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ SIZE_MAX - 150, '0', SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
	};
	for (size_t i = 0; i < SLV_COUNT(changes); i++) {
		struct kit kit;
		kit_init(&kit, TRAILER_SEED, true, EXAMPLE_LEN);
		add_example(&kit, TRAILER_1, TRAILER_2, TRAILER_3);
		slv_buf_add(&kit.body, SLV_STR(CRC_LINE "\r\n" SIGNATURE_LINE "\r\n\r\n"));
		size_t at = changes[i].at;
		if (at > kit.body.len)
			at = kit.body.len - (SIZE_MAX - at);
		assert_int_not_equal(kit.body.at[at], changes[i].c);
		kit.body.at[at] = changes[i].c;
		assert_int_equal(decode(&kit, SIZE_MAX), changes[i].code);
		assert_false(kit.decoder.done);
		kit_done(&kit);
	}
}

static void another_key_or_seed_does_not_hold(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++) {
		struct kit kit;
		kit_init(&kit, what == 1 ? TRAILER_SEED : EXAMPLE_SEED, false, EXAMPLE_LEN);
		kit.key.bytes[0] ^= what == 2;
		add_example(&kit, EXAMPLE_1, EXAMPLE_2, EXAMPLE_3);
		slv_buf_add(&kit.body, SLV_STR("\r\n"));
		assert_int_equal(decode(&kit, 1000),
				what ? SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH : SLV_OBJECT_E_NONE);
		kit_done(&kit);
	}
}

/* Sign what follows, and add it. */
static void add_signed(struct kit *kit, size_t count, char before[SLV_SIGV4_HEX_BYTES])
{
	struct slv_digest_stream stream;
	struct slv_digest digest;
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_digest_init(&stream, SLV_DIGEST_SHA256);
	for (size_t i = 0; i < count; i++)
		slv_digest_add(&stream, SLV_STR("a"));
	slv_digest_finish(&stream, digest.bytes);
	slv_sigv4_sign_chunk(&kit->signature, &kit->key, (slv_str){ before, SLV_SIGV4_HEX_BYTES },
			&digest, hex);
	slv_buf_printf(&kit->body, "%zx;chunk-signature=%.64s\r\n", count, hex);
	memcpy(before, hex, sizeof(hex));
	add_a(kit, count);
	if (count)
		slv_buf_add(&kit->body, SLV_STR("\r\n"));
}

static void only_the_last_signed_chunk_is_small(void **state)
{
	(void)state;
	static const struct {
		size_t sizes[3];
		enum slv_object_code code;
	} table[] = {
		{ { 8192, 8192, 1 }, SLV_OBJECT_E_NONE },
		{ { 1, 0, 0 }, SLV_OBJECT_E_NONE },
		{ { 0, 0, 0 }, SLV_OBJECT_E_NONE },
		{ { 8192, 8191, 1 }, SLV_OBJECT_E_INVALID_CHUNK_SIZE },
		{ { 1, 8192, 0 }, SLV_OBJECT_E_INVALID_CHUNK_SIZE },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		char before[SLV_SIGV4_HEX_BYTES + 1] = EXAMPLE_SEED;
		const size_t *sizes = table[i].sizes;
		kit_init(&kit, EXAMPLE_SEED, false, sizes[0] + sizes[1] + sizes[2]);
		for (size_t k = 0; k < 3 && sizes[k]; k++)
			add_signed(&kit, sizes[k], before);
		add_signed(&kit, 0, before);
		slv_buf_add(&kit.body, SLV_STR("\r\n"));
		assert_int_equal(decode(&kit, 100), table[i].code);
		assert_true(kit.decoder.done == !table[i].code);
		kit_done(&kit);
	}
}

/* As clients of 2026 send most bodies. */
static void unsigned_chunks_have_any_size_and_a_trailer(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(steps); i++) {
		struct kit kit;
		kit_init(&kit, NULL, true, 9);
		slv_buf_add(&kit.body, SLV_STR("3\r\n123\r\n01\r\n4\r\n00000005\r\n56789\r\n0\r\n"
					       "x-amz-checksum-crc32:y/Q5Jg==\r\nB: \r\n\r\nmore"));
		assert_int_equal(decode(&kit, steps[i]), SLV_OBJECT_E_NONE);
		assert_true(kit.decoder.done);
		assert_int_equal(kit.body.len - kit.used, 4);
		assert_true(slv_str_eq(slv_buf_str(&kit.data), SLV_STR("123456789")));
		assert_int_equal(kit.decoder.trailers.count, 2);
		assert_true(slv_str_eq(kit.decoder.trailers.at[0].value, SLV_STR("y/Q5Jg==")));
		assert_int_equal(kit.decoder.trailers.at[1].value.len, 0);
		kit_done(&kit);
	}
}

/* Of "hello world", by botocore 1.43.11; the checksums are of the data. */
static void bodies_of_botocore_are_read(void **state)
{
	(void)state;
	static const slv_str bodies[] = {
		SLV_STR_INIT("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"),
		SLV_STR_INIT("b\r\nhello world\r\n0\r\nx-amz-checksum-sha256:"
			     "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=\r\n\r\n"),
	};
	for (size_t i = 0; i < SLV_COUNT(bodies); i++) {
		struct kit kit;
		enum slv_object_checksum_kind kind;
		struct slv_object_checksum told, found;
		struct slv_object_checksum_stream stream;
		kit_init(&kit, NULL, true, 11);
		slv_buf_add(&kit.body, bodies[i]);
		assert_int_equal(decode(&kit, 5), SLV_OBJECT_E_NONE);
		assert_true(kit.decoder.done);
		assert_int_equal(kit.used, bodies[i].len);
		const struct slv_field *field = &kit.decoder.trailers.at[0];
		assert_true(slv_object_checksum_of_field(field->name, &kind));
		assert_true(slv_object_checksum_parse(kind, field->value, &told));
		slv_object_checksum_init(&stream, kind);
		slv_object_checksum_add(&stream, slv_buf_str(&kit.data));
		slv_object_checksum_finish(&stream, &found);
		assert_true(slv_object_checksum_eq(&told, &found));
		kit_done(&kit);
	}
}

static void what_is_not_of_the_grammar_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		bool is_signed;
		uint64_t length;
		enum slv_object_code code;
		bool done;
	} table[] = {
		{ "0\r\n\r\n", false, 0, SLV_OBJECT_E_NONE, true },
		{ "3\r\nabc\r\n0\r\n\r\n", false, 3, SLV_OBJECT_E_NONE, true },
		{ "3\r\nabc\r\n0\r\na:b\n\r\n\r\n", false, 3, SLV_OBJECT_E_NONE, true },
		{ "3\r\nabc\r\n0\r\n\r", false, 3, SLV_OBJECT_E_NONE, false },
		{ "3\r\nab", false, 3, SLV_OBJECT_E_NONE, false },
		{ "", false, 0, SLV_OBJECT_E_NONE, false },
		{ "0\r\n\r\n", false, 1, SLV_OBJECT_E_INCOMPLETE_BODY, false },
		{ "1\r\na\r\n0\r\n\r\n", false, 2, SLV_OBJECT_E_INCOMPLETE_BODY, false },
		{ "2\r\na", false, 1, SLV_OBJECT_E_INCOMPLETE_BODY, false },
		{ "1\r\na\r\n1\r\n", false, 1, SLV_OBJECT_E_INCOMPLETE_BODY, false },
		{ "ffffffffffffffff\r\n", false, 1, SLV_OBJECT_E_INCOMPLETE_BODY, false },
		{ "1\r\na\r\nffffffffffffffff\r\n", false, 2, SLV_OBJECT_E_INCOMPLETE_BODY, false },
		{ "0000000000000001\r\na", false, 1, SLV_OBJECT_E_NONE, false },
		{ "00000000000000001\r\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "\r\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "g\r\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "-1\r\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1 \r\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1\r\r", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1;a=b\r\n", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1\r\nab", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1\r\na\rb", false, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1\r\n", true, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1;", true, 1, SLV_OBJECT_E_NONE, false },
		{ "1;x", true, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1;chunk-signature=\r\n", true, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1;chunk-signature=g", true, 1, SLV_OBJECT_E_INVALID_REQUEST, false },
		{ "1;chunk-signature=" EXAMPLE_1, true, 1, SLV_OBJECT_E_NONE, false },
		{ "1;chunk-signature=" EXAMPLE_1 "0", true, 1, SLV_OBJECT_E_INVALID_REQUEST,
				false },
		{ "1;chunk-signature=" EXAMPLE_1 "\r\na", true, 1,
				SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH, false },
		{ "0\r\n\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\n:a\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na :b\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na:b\rc\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na:b\x01\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na:b\r\n c\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na:b\n\ra", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\na:b\n\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
		{ "0\r\n" SIGNATURE_LINE "\r\n", false, 0, SLV_OBJECT_E_MALFORMED_TRAILER, false },
	};
	for (size_t i = 0; i < SLV_COUNT(table) * 2; i++) {
		size_t row = i / 2;
		struct kit kit;
		kit_init(&kit, table[row].is_signed ? EXAMPLE_SEED : NULL, true, table[row].length);
		slv_buf_add(&kit.body, slv_str_from(table[row].body));
		assert_int_equal(decode(&kit, i % 2 ? 1 : SIZE_MAX), table[row].code);
		assert_true(kit.decoder.done == table[row].done);
		kit_done(&kit);
	}
}

/* A signed body without data, up to its trailer. */
static void add_signed_end(struct kit *kit)
{
	char before[SLV_SIGV4_HEX_BYTES + 1] = EXAMPLE_SEED;
	kit_init(kit, EXAMPLE_SEED, true, 0);
	add_signed(kit, 0, before);
}

static void a_signed_body_needs_a_signed_trailer(void **state)
{
	(void)state;
	static const struct {
		const char *trailer;
		enum slv_object_code code;
	} table[] = {
		{ "\r\n", SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ CRC_LINE "\r\n\r\n", SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ CRC_LINE "\r\n" SIGNATURE_LINE "\r\n\r\n",
				SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH },
		{ "x-amz-trailer-signature:abc\r\n", SLV_OBJECT_E_MALFORMED_TRAILER },
		{ SIGNATURE_LINE "\r\n" CRC_LINE "\r\n", SLV_OBJECT_E_MALFORMED_TRAILER },
		{ SIGNATURE_LINE "\r\n" SIGNATURE_LINE "\r\n", SLV_OBJECT_E_MALFORMED_TRAILER },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		add_signed_end(&kit);
		slv_buf_add(&kit.body, slv_str_from(table[i].trailer));
		assert_int_equal(decode(&kit, SIZE_MAX), table[i].code);
		assert_false(kit.decoder.done);
		kit_done(&kit);
	}
}

static void a_trailer_is_bounded(void **state)
{
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		struct kit kit;
		kit_init(&kit, NULL, true, 0);
		slv_buf_add(&kit.body, SLV_STR("0\r\n"));
		for (size_t i = 0; i < SLV_OBJECT_TRAILER_FIELDS_MAX + over; i++)
			slv_buf_add(&kit.body, SLV_STR("a:b\r\n"));
		slv_buf_add(&kit.body, SLV_STR("\r\n"));
		assert_int_equal(decode(&kit, SIZE_MAX),
				over ? SLV_OBJECT_E_MALFORMED_TRAILER : SLV_OBJECT_E_NONE);
		kit_done(&kit);

		/* "a:…\r" and the "\r" of the empty line count. */
		kit_init(&kit, NULL, true, 0);
		slv_buf_add(&kit.body, SLV_STR("0\r\na:"));
		add_a(&kit, SLV_OBJECT_TRAILER_BYTES_MAX - 4 + over);
		slv_buf_add(&kit.body, SLV_STR("\r\n\r\n"));
		assert_int_equal(decode(&kit, SIZE_MAX),
				over ? SLV_OBJECT_E_MALFORMED_TRAILER : SLV_OBJECT_E_NONE);
		kit_done(&kit);
	}
}

static void an_arena_may_end_in_the_trailer(void **state)
{
	(void)state;
	size_t failed = 0;
	for (size_t max = 64; max <= 8192; max += 32) {
		struct kit kit;
		struct slv_arena little;
		kit_init(&kit, NULL, true, 0);
		slv_arena_init(&little, 64, max);
		kit.decoder.arena = &little;
		slv_buf_add(&kit.body, SLV_STR("0\r\na:b\r\nc:d\r\ne:f\r\ng:h\r\n\r\n"));
		enum slv_object_code code = decode(&kit, SIZE_MAX);
		assert_true(code == SLV_OBJECT_E_NONE || code == SLV_OBJECT_E_MALFORMED_TRAILER);
		failed += code != SLV_OBJECT_E_NONE;
		slv_arena_done(&little);
		kit_done(&kit);
	}
	assert_in_range(failed, 100, 200);
}

static void the_kind_of_a_body_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int payload; /* -1: none */
	} table[] = {
		{ EXAMPLE_1, SLV_OBJECT_PAYLOAD_DIGEST },
		{ "UNSIGNED-PAYLOAD", SLV_OBJECT_PAYLOAD_UNSIGNED },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
				SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS_TRAILER },
		{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
				SLV_OBJECT_PAYLOAD_UNSIGNED_CHUNKS_TRAILER },
		{ "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", -1 },
		{ "unsigned-payload", -1 },
		{ "ad80c730", -1 },
		{ EXAMPLE_1 "0", -1 },
		{ "", -1 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		enum slv_object_payload payload = SLV_OBJECT_PAYLOAD_DIGEST;
		bool good = slv_object_payload_of(slv_str_from(table[i].text), &payload);
		assert_true(good == (table[i].payload >= 0));
		if (good)
			assert_int_equal(payload, table[i].payload);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_signed_example_holds),
		cmocka_unit_test(the_example_with_a_trailer_holds_with_each_end_of_a_line),
		cmocka_unit_test(what_is_changed_does_not_hold),
		cmocka_unit_test(another_key_or_seed_does_not_hold),
		cmocka_unit_test(only_the_last_signed_chunk_is_small),
		cmocka_unit_test(unsigned_chunks_have_any_size_and_a_trailer),
		cmocka_unit_test(bodies_of_botocore_are_read),
		cmocka_unit_test(what_is_not_of_the_grammar_is_refused),
		cmocka_unit_test(a_signed_body_needs_a_signed_trailer),
		cmocka_unit_test(a_trailer_is_bounded),
		cmocka_unit_test(an_arena_may_end_in_the_trailer),
		cmocka_unit_test(the_kind_of_a_body_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
