#include "wire/chunk.h"

#include "base/mem.h"
#include "base/testing.h"

#include <string.h>

static const struct slv_h1_limits limits = {
	.target_bytes_max = 1,
	.field_bytes_max = 20,
	.head_bytes_max = 64,
	.fields_max = 3,
};

struct decoding {
	struct slv_arena arena;
	struct slv_chunk_decoder decoder;
	struct slv_buf data;
	size_t used;
};

static int set_up(void **state)
{
	struct decoding *decoding = SLV_ALLOC(struct decoding);
	slv_arena_init(&decoding->arena, 1024, 16384);
	slv_buf_init(&decoding->data, 65536);
	*state = decoding;
	return 0;
}

static int tear_down(void **state)
{
	struct decoding *decoding = *state;
	slv_buf_done(&decoding->data);
	slv_arena_done(&decoding->arena);
	slv_free(decoding);
	return 0;
}

/* Decode all of `bytes` in pieces of `step`, or up to an error or the end. */
static slv_err decode(struct decoding *decoding, slv_str bytes, size_t step)
{
	slv_arena_reset(&decoding->arena);
	decoding->decoder =
			(struct slv_chunk_decoder){ .arena = &decoding->arena, .limits = &limits };
	decoding->used = 0;
	slv_buf_clear(&decoding->data);
	while (decoding->used < bytes.len && !decoding->decoder.done) {
		slv_str piece = slv_str_head(slv_str_from_index(bytes, decoding->used), step);
		size_t used;
		slv_str data;
		slv_err err = slv_chunk_decode(&decoding->decoder, piece, &used, &data);
		if (slv_failed(err))
			return err;
		assert_true(used > 0 && used <= piece.len);
		if (data.len)
			assert_true(data.at >= piece.at && data.at + data.len <= piece.at + used);
		slv_buf_add(&decoding->data, data);
		decoding->used += used;
	}
	return SLV_OK;
}

static void decodes(void **state, slv_str bytes, const char *want, size_t left)
{
	struct decoding *decoding = *state;
	const size_t steps[] = { SIZE_MAX, 1, 2, 3, 7 };
	for (size_t i = 0; i < SLV_COUNT(steps); i++) {
		slv_err err = decode(decoding, bytes, steps[i]);
		if (slv_failed(err))
			fail_msg("%.*s: %s", SLV_FMT(bytes), err.what);
		assert_true(decoding->decoder.done);
		assert_int_equal(decoding->used, bytes.len - left);
		assert_true(slv_str_eq(slv_buf_str(&decoding->data), slv_str_from(want)));
	}
}

static void fails(void **state, slv_str bytes, enum slv_code code, const char *part)
{
	const size_t steps[] = { SIZE_MAX, 1, 3 };
	for (size_t i = 0; i < SLV_COUNT(steps); i++) {
		slv_err err = decode(*state, bytes, steps[i]);
		if (err.code != (int32_t)code)
			fail_msg("%.*s: code %d", SLV_FMT(bytes), err.code);
		if (!strstr(err.what, part))
			fail_msg("'%s' does not tell of '%s'", err.what, part);
	}
}

static void chunks_become_their_data(void **state)
{
	decodes(state, SLV_STR("0\r\n\r\n"), "", 0);
	decodes(state, SLV_STR("000\r\n\r\n"), "", 0);
	decodes(state, SLV_STR("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), "hello!", 0);
	decodes(state, SLV_STR("a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n\r\n"),
			"0123456789abcdefghij", 0);
	decodes(state, SLV_STR("0000000000000002\r\n\r\n\r\n0\r\n\r\n"), "\r\n", 0);
}

static void what_follows_the_body_is_left(void **state)
{
	decodes(state, SLV_STR("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "a", 16);
	decodes(state, SLV_STR("1\r\na\r\n0\r\nA: b\r\n\r\n\r\n"), "a", 2);
}

static void sizes_are_1_to_16_hexadecimal_digits(void **state)
{
	struct decoding *decoding = *state;
	assert_false(slv_failed(decode(decoding, SLV_STR("ffffffffffffffff\r\nabc"), SIZE_MAX)));
	assert_true(decoding->decoder.left == UINT64_MAX - 3);
	fails(state, SLV_STR("00000000000000001\r\n"), SLV_E_SYNTAX, "16 digits");
	fails(state, SLV_STR("10000000000000000\r\n"), SLV_E_SYNTAX, "16 digits");
	fails(state, SLV_STR("\r\n"), SLV_E_SYNTAX, "without a size");
	fails(state, SLV_STR(";a\r\n"), SLV_E_SYNTAX, "without a size");
	fails(state, SLV_STR("-1\r\n"), SLV_E_SYNTAX, "without a size");
	fails(state, SLV_STR("+1\r\n"), SLV_E_SYNTAX, "without a size");
	fails(state, SLV_STR(" 1\r\n"), SLV_E_SYNTAX, "without a size");
	fails(state, SLV_STR("0x1\r\n"), SLV_E_SYNTAX, "not followed");
	fails(state, SLV_STR("1 \r\n"), SLV_E_SYNTAX, "not followed");
	fails(state, SLV_STR("1\t;a\r\n"), SLV_E_SYNTAX, "not followed");
	fails(state, SLV_STR("1_0\r\n"), SLV_E_SYNTAX, "not followed");
	fails(state, SLV_STR("1\0\r\n"), SLV_E_SYNTAX, "not followed");
}

static void lines_end_with_crlf_only(void **state)
{
	fails(state, SLV_STR("1\na\r\n"), SLV_E_SYNTAX, "not followed");
	fails(state, SLV_STR("1\ra\r\n"), SLV_E_SYNTAX, "CR without LF");
	fails(state, SLV_STR("1;x\na\r\n"), SLV_E_SYNTAX, "control byte");
	fails(state, SLV_STR("1;x\r\r\na\r\n"), SLV_E_SYNTAX, "CR without LF");
	fails(state, SLV_STR("1\r\na\n0\r\n\r\n"), SLV_E_SYNTAX, "not followed by CRLF");
	fails(state, SLV_STR("1\r\nab\r\n0\r\n\r\n"), SLV_E_SYNTAX, "not followed by CRLF");
	fails(state, SLV_STR("1\r\na\r0\r\n\r\n"), SLV_E_SYNTAX, "CR without LF");
	fails(state, SLV_STR("2\r\na\r\n0\r\n\r\n"), SLV_E_SYNTAX, "not followed by CRLF");
	fails(state, SLV_STR("0\r\n\n"), SLV_E_SYNTAX, "LF without CR");
	fails(state, SLV_STR("0\r\n\rX"), SLV_E_SYNTAX, "CR without LF");
	fails(state, SLV_STR("0\r\nA: b\n\r\n"), SLV_E_SYNTAX, "LF without CR");
}

static void extensions_are_skipped_within_their_bound(void **state)
{
	decodes(state, SLV_STR("1;a=b;c=\"d;e\"; \t\r\na\r\n0;z\r\n\r\n"), "a", 0);
	char bytes[400] = "1;";
	memset(bytes + 2, 'x', 256);
	memcpy(bytes + 258, "\r\na\r\n0\r\n\r\n", 11);
	decodes(state, slv_str_from(bytes), "a", 0);
	memcpy(bytes + 258, "x\r\na\r\n0\r\n\r\n", 12);
	fails(state, slv_str_from(bytes), SLV_E_SYNTAX, "256 bytes");
	fails(state, SLV_STR("1;a\0b\r\n"), SLV_E_SYNTAX, "control byte");
}

static void extensions_of_a_body_have_a_bound_in_all(void **state)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	for (int i = 0; i < 64; i++) {
		slv_buf_add(&buf, SLV_STR("1;"));
		for (int j = 0; j < 256; j++)
			slv_buf_add_char(&buf, 'x');
		slv_buf_add(&buf, SLV_STR("\r\na\r\n"));
	}
	size_t len = buf.len;
	slv_buf_add(&buf, SLV_STR("0\r\n\r\n"));
	slv_err err = decode(*state, slv_buf_str(&buf), SIZE_MAX);
	assert_false(slv_failed(err));
	assert_true(((struct decoding *)*state)->decoder.done);

	buf.len = len;
	slv_buf_add(&buf, SLV_STR("0;x\r\n\r\n"));
	fails(state, slv_buf_str(&buf), SLV_E_SYNTAX, "16384 bytes");
	slv_buf_done(&buf);
}

static void trailers_are_fields(void **state)
{
	struct decoding *decoding = *state;
	decodes(state, SLV_STR("1\r\na\r\n0\r\nETag: \"x\"\r\nX-Sum:  1 2 \r\n\r\n"), "a", 0);
	const struct slv_fields *trailers = &decoding->decoder.trailers;
	assert_int_equal(trailers->count, 2);
	assert_true(slv_str_eq(slv_fields_get(trailers, SLV_FIELD_ETAG), SLV_STR("\"x\"")));
	assert_true(slv_str_eq(trailers->at[1].value, SLV_STR("1 2")));
	decodes(state, SLV_STR("0\r\n\r\n"), "", 0);
	assert_int_equal(trailers->count, 0);
}

static void trailers_have_the_limits_of_fields(void **state)
{
	decodes(state, SLV_STR("0\r\nA: b\r\nB: c\r\nC: d\r\n\r\n"), "", 0);
	fails(state, SLV_STR("0\r\nA: b\r\nB: c\r\nC: d\r\nD: e\r\n\r\n"), SLV_E_HEADERS,
			"fields_max");
	decodes(state, SLV_STR("0\r\nA: 1234567890123456789\r\n\r\n"), "", 0);
	fails(state, SLV_STR("0\r\nA: 12345678901234567890\r\n\r\n"), SLV_E_HEADERS,
			"field_bytes_max");
	/* 64 bytes, with the empty line, and one more */
	decodes(state,
			SLV_STR("0\r\nA: 1234567890123456\r\nB: 1234567890123456\r\n"
				"C: 123456789012345\r\n\r\n"),
			"", 0);
	fails(state,
			SLV_STR("0\r\nA: 1234567890123456\r\nB: 1234567890123456\r\n"
				"C: 1234567890123456\r\n\r\n"),
			SLV_E_HEADERS, "head_bytes_max");
}

static void trailers_past_the_arenas_cap_fail(void **state)
{
	(void)state;
	struct slv_arena small;
	slv_arena_init(&small, 64, 128);
	struct slv_chunk_decoder decoder = { .arena = &small, .limits = &limits };
	size_t used;
	slv_str data;
	slv_err err = slv_chunk_decode(&decoder, SLV_STR("0\r\nA: b\r\n\r\n"), &used, &data);
	assert_int_equal(err.code, SLV_E_HEADERS);
	slv_arena_done(&small);
}

static void fields_that_may_not_come_late_are_refused(void **state)
{
	const char *names[] = { "Content-Length", "Transfer-Encoding", "Host", "Connection", "TE",
		"Trailer", "Expect", "Range", "If-Match", "Cookie", "Set-Cookie", "Authorization",
		"Content-Type", "Content-Encoding", "Content-Range", "Cache-Control", "Date", "Age",
		"Vary", "Location", "Upgrade", "Forwarded", "X-Forwarded-For", "WWW-Authenticate",
		"proxy-authorization", "MAX-FORWARDS", "Warning" };
	for (size_t i = 0; i < SLV_COUNT(names); i++) {
		struct slv_buf buf;
		slv_buf_init(&buf, 64);
		slv_buf_printf(&buf, "0\r\n%s:\r\n\r\n", names[i]);
		fails(state, slv_buf_str(&buf), SLV_E_SYNTAX,
				strlen(names[i]) > 20 ? "" : "may not be a trailer");
		slv_buf_done(&buf);
		slv_str name = slv_str_from(names[i]);
		assert_false(slv_chunk_trailer_ok(slv_field_id(name), name));
	}
	fails(state, SLV_STR("0\r\nA: b\r\n c\r\n\r\n"), SLV_E_SYNTAX, "folded");
	fails(state, SLV_STR("0\r\nA_b: c\r\n\r\n"), SLV_E_SYNTAX, "underscore");
	fails(state, SLV_STR("0\r\n: c\r\n\r\n"), SLV_E_SYNTAX, "name");
}

static void an_unfinished_body_is_not_done(void **state)
{
	struct decoding *decoding = *state;
	slv_str whole = SLV_STR("2;x\r\nab\r\n0\r\nA: b\r\n\r\n");
	for (size_t len = 0; len < whole.len; len++) {
		assert_false(slv_failed(decode(decoding, slv_str_head(whole, len), 3)));
		assert_int_equal(decoding->used, len);
		assert_false(decoding->decoder.done);
	}
}

static void chunks_are_written(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	slv_chunk_begin(&buf, 0x1af);
	slv_chunk_begin(&buf, UINT64_MAX);
	assert_false(slv_failed(slv_chunk_last(&buf, NULL)));
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("1af\r\nffffffffffffffff\r\n0\r\n\r\n")));
	slv_buf_done(&buf);
}

static void trailers_are_written_or_refused(void **state)
{
	struct decoding *decoding = *state;
	const struct {
		slv_str name, value;
		bool ok;
	} rows[] = {
		{ SLV_STR("etag"), SLV_STR("\"x\""), true },
		{ SLV_STR("x"), SLV_STR(""), true },
		{ SLV_STR("x y"), SLV_STR("z"), false },
		{ SLV_STR(""), SLV_STR("z"), false },
		{ SLV_STR("x"), SLV_STR("a\r\nb: c"), false },
		{ SLV_STR("x"), SLV_STR("a\nb"), false },
		{ SLV_STR("content-length"), SLV_STR("1"), false },
		{ SLV_STR("Proxy-Authorization"), SLV_STR("1"), false },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct slv_fields fields;
		slv_fields_init(&fields, &decoding->arena);
		assert_false(slv_failed(slv_fields_add(&fields, rows[i].name, rows[i].value)));
		slv_buf_clear(&decoding->data);
		slv_err err = slv_chunk_last(&decoding->data, &fields);
		assert_int_equal(err.code, rows[i].ok ? SLV_E_NONE : SLV_E_SYNTAX);
		assert_int_equal(decoding->data.len != 0, rows[i].ok);
		if (i == 0)
			assert_true(slv_str_eq(slv_buf_str(&decoding->data),
					SLV_STR("0\r\netag: \"x\"\r\n\r\n")));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(chunks_become_their_data),
		TEST(what_follows_the_body_is_left),
		TEST(sizes_are_1_to_16_hexadecimal_digits),
		TEST(lines_end_with_crlf_only),
		TEST(extensions_are_skipped_within_their_bound),
		TEST(extensions_of_a_body_have_a_bound_in_all),
		TEST(trailers_are_fields),
		TEST(trailers_have_the_limits_of_fields),
		TEST(trailers_past_the_arenas_cap_fail),
		TEST(fields_that_may_not_come_late_are_refused),
		TEST(an_unfinished_body_is_not_done),
		TEST(chunks_are_written),
		TEST(trailers_are_written_or_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
