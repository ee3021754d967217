#include "service/object/checksum.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

/* What the checksum is by definition: a bit at a time. */
static uint64_t crc_by_bits(uint64_t poly, int width, slv_str bytes)
{
	uint64_t ones = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1, crc = ones;
	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (uint8_t)bytes.at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ poly : crc >> 1;
	}
	return crc ^ ones;
}

static struct slv_object_checksum sum(enum slv_object_checksum_kind kind, slv_str bytes)
{
	struct slv_object_checksum_stream stream;
	struct slv_object_checksum checksum;
	slv_object_checksum_init(&stream, kind);
	slv_object_checksum_add(&stream, bytes);
	slv_object_checksum_finish(&stream, &checksum);
	return checksum;
}

static void is_text(const struct slv_object_checksum *checksum, const char *expected)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 128);
	slv_object_checksum_print(checksum, &buf);
	slv_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, expected);
	slv_buf_done(&buf);
}

/* Those of "123456789": the S3 reference's for CRCs; `sha1sum`, `sha256sum`, `base64` for others.
 */
static const struct {
	enum slv_object_checksum_kind kind;
	const char *name, *field, *digits, *nothing;
} table[] = {
	{ SLV_OBJECT_CRC32, "CRC32", "x-amz-checksum-crc32", "y/Q5Jg==", "AAAAAA==" },
	{ SLV_OBJECT_CRC32C, "CRC32C", "x-amz-checksum-crc32c", "4waSgw==", "AAAAAA==" },
	{ SLV_OBJECT_CRC64NVME, "CRC64NVME", "x-amz-checksum-crc64nvme",
			"rosUhgp5mIg=", "AAAAAAAAAAA=" },
	{ SLV_OBJECT_SHA1, "SHA1", "x-amz-checksum-sha1",
			"98O8HYCOBHMq32eZZczDTKeuNEE=", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=" },
	{ SLV_OBJECT_SHA256, "SHA256", "x-amz-checksum-sha256",
			"FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
			"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
};

static void each_has_its_value_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_checksum whole = sum(table[i].kind, SLV_STR("123456789"));
		struct slv_object_checksum none = sum(table[i].kind, (slv_str){ 0 });
		is_text(&whole, table[i].digits);
		is_text(&none, table[i].nothing);
		for (size_t cut = 0; cut <= 9; cut++) {
			struct slv_object_checksum_stream stream;
			struct slv_object_checksum parts;
			slv_object_checksum_init(&stream, table[i].kind);
			slv_object_checksum_add(&stream, slv_str_head(SLV_STR("123456789"), cut));
			slv_object_checksum_add(
					&stream, slv_str_from_index(SLV_STR("123456789"), cut));
			slv_object_checksum_finish(&stream, &parts);
			assert_true(slv_object_checksum_eq(&whole, &parts));
		}
	}
}

static void each_is_found_by_its_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		enum slv_object_checksum_kind kind = SLV_OBJECT_CHECKSUM_COUNT;
		assert_true(slv_object_checksum_of_name(slv_str_from(table[i].name), &kind));
		assert_int_equal(kind, table[i].kind);
		kind = SLV_OBJECT_CHECKSUM_COUNT;
		assert_true(slv_object_checksum_of_field(slv_str_from(table[i].field), &kind));
		assert_int_equal(kind, table[i].kind);
		assert_true(slv_str_eq(
				slv_object_checksum_name(kind), slv_str_from(table[i].name)));
		assert_true(slv_str_eq(
				slv_object_checksum_field(kind), slv_str_from(table[i].field)));
	}
	enum slv_object_checksum_kind kind;
	assert_true(slv_object_checksum_of_name(SLV_STR("crc32c"), &kind));
	assert_int_equal(kind, SLV_OBJECT_CRC32C);
	assert_true(slv_object_checksum_of_field(SLV_STR("X-Amz-Checksum-SHA1"), &kind));
	assert_int_equal(kind, SLV_OBJECT_SHA1);
	assert_false(slv_object_checksum_of_name(SLV_STR("MD5"), &kind));
	assert_false(slv_object_checksum_of_name(SLV_STR(""), &kind));
	assert_false(slv_object_checksum_of_field(SLV_STR("x-amz-checksum-algorithm"), &kind));
}

/* Of all lengths around the steps of the fast ways, at all alignments. */
static void crcs_are_those_of_the_definition(void **state)
{
	(void)state;
	static const struct {
		enum slv_object_checksum_kind kind;
		uint64_t poly;
		int width;
	} crcs[] = {
		{ SLV_OBJECT_CRC32, 0xedb88320, 32 },
		{ SLV_OBJECT_CRC32C, 0x82f63b78, 32 },
		{ SLV_OBJECT_CRC64NVME, 0x9a6c9329ac4bc9b5, 64 },
	};
	char bytes[700];
	uint32_t seed = 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
	for (size_t len = 0; len < 600; len += len < 300 ? 1 : 37) {
		slv_str text = { bytes + len % 17, len };
		for (size_t i = 0; i < SLV_COUNT(crcs); i++) {
			struct slv_object_checksum got = sum(crcs[i].kind, text);
			uint64_t crc = crc_by_bits(crcs[i].poly, crcs[i].width, text), value = 0;
			for (size_t k = 0; k < slv_object_checksum_bytes(crcs[i].kind); k++)
				value = value << 8 | got.bytes[k];
			assert_true(value == crc);
		}
	}
}

static void crcs_of_parts_join_to_that_of_the_whole(void **state)
{
	(void)state;
	char bytes[1000];
	memset(bytes, 'x', sizeof(bytes));
	bytes[0] = bytes[500] = bytes[999] = '\xff';
	slv_str all = { bytes, sizeof(bytes) };
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		enum slv_object_checksum_kind kind = table[i].kind;
		assert_true(slv_object_checksum_joins(kind) == (i < 3));
		if (!slv_object_checksum_joins(kind))
			continue;
		struct slv_object_checksum whole = sum(kind, all);
		for (size_t cut = 0; cut <= all.len; cut += 125) {
			struct slv_object_checksum left = sum(kind, slv_str_head(all, cut));
			slv_str rest = slv_str_from_index(all, cut);
			struct slv_object_checksum right = sum(kind, rest);
			slv_object_checksum_join(&left, &right, rest.len);
			assert_true(slv_object_checksum_eq(&left, &whole));
		}
	}
}

/* As long as parts may be: zlib's crc32_combine(1, 2, 5 << 30) says so. */
static void long_parts_join_too(void **state)
{
	(void)state;
	struct slv_object_checksum whole = { .kind = SLV_OBJECT_CRC32, .bytes = { 0, 0, 0, 1 } };
	struct slv_object_checksum part = { .kind = SLV_OBJECT_CRC32, .bytes = { 0, 0, 0, 2 } };
	slv_object_checksum_join(&whole, &part, UINT64_C(5) << 30);
	is_text(&whole, "8HlPBw==");
}

/* Two parts: what sha256sum says of its own output in bytes, and likewise. */
static void a_composite_is_that_of_its_parts(void **state)
{
	(void)state;
	static const struct {
		enum slv_object_checksum_kind kind;
		const char *text;
	} composites[] = {
		{ SLV_OBJECT_CRC32, "4zspdQ==-2" },
		{ SLV_OBJECT_SHA1, "UGmj5L5/K7lmsIeci6hTqydwTCs=-2" },
		{ SLV_OBJECT_SHA256, "/wiQ+jHXUUcr18tTEaeru5H1cBgrYDQGvfxkGFLzgl4=-2" },
	};
	for (size_t i = 0; i < SLV_COUNT(composites); i++) {
		struct slv_object_checksum a = sum(composites[i].kind, SLV_STR("12345"));
		struct slv_object_checksum b = sum(composites[i].kind, SLV_STR("6789"));
		struct slv_object_checksum_stream stream;
		struct slv_object_checksum got, again;
		slv_object_checksum_init(&stream, composites[i].kind);
		slv_object_checksum_add_part(&stream, &a);
		slv_object_checksum_add_part(&stream, &b);
		slv_object_checksum_finish(&stream, &got);
		assert_int_equal(got.parts, 2);
		is_text(&got, composites[i].text);
		assert_true(slv_object_checksum_parse(
				composites[i].kind, slv_str_from(composites[i].text), &again));
		assert_true(slv_object_checksum_eq(&got, &again));
		again.parts = 3;
		assert_false(slv_object_checksum_eq(&got, &again));
	}
}

static void a_text_is_read_strictly(void **state)
{
	(void)state;
	static const struct {
		enum slv_object_checksum_kind kind;
		const char *text;
		int parts; /* -1: refused */
	} texts[] = {
		{ SLV_OBJECT_CRC32, "y/Q5Jg==", 0 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-1", 1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-10000", 10000 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-10001", -1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-0", -1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-", -1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-1-1", -1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg==-x", -1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jg", -1 },
		{ SLV_OBJECT_CRC32, "y/Q5Jh==", -1 },
		{ SLV_OBJECT_CRC32, " y/Q5Jg==", -1 },
		{ SLV_OBJECT_CRC32, "rosUhgp5mIg=", -1 },
		{ SLV_OBJECT_CRC64NVME, "rosUhgp5mIg=", 0 },
		{ SLV_OBJECT_CRC64NVME, "y/Q5Jg==", -1 },
		{ SLV_OBJECT_SHA1, "", -1 },
	};
	for (size_t i = 0; i < SLV_COUNT(texts); i++) {
		struct slv_object_checksum checksum = { .parts = 77 };
		bool good = slv_object_checksum_parse(
				texts[i].kind, slv_str_from(texts[i].text), &checksum);
		assert_true(good == (texts[i].parts >= 0));
		assert_int_equal(checksum.parts, good ? texts[i].parts : 77);
		if (good)
			is_text(&checksum, texts[i].text);
	}
}

static void one_is_told_by_fields(void **state)
{
	struct slv_arena arena;
	struct slv_fields fields;
	struct slv_object_checksum told, nine = sum(SLV_OBJECT_CRC32, SLV_STR("123456789"));
	struct slv_object_checksum_stream stream;
	bool is_told = true;
	(void)state;
	slv_arena_init(&arena, 4096, SLV_KIB(64));
	slv_fields_init(&fields, &arena);
	assert_false(slv_object_failed(
			slv_object_checksum_told(&fields, &is_told, &told, &stream)));
	assert_false(is_told);
	assert_false(slv_failed(slv_fields_add(
			&fields, SLV_STR("X-Amz-Checksum-CRC32"), SLV_STR("y/Q5Jg=="))));
	assert_false(slv_object_failed(
			slv_object_checksum_told(&fields, &is_told, &told, &stream)));
	assert_true(is_told && slv_object_checksum_eq(&told, &nine));
	assert_int_equal(stream.kind, SLV_OBJECT_CRC32);

	static const char *const bad[] = { "", "y/Q5Jg", "y/Q5Jg==-1" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		fields.at[0].value = slv_str_from(bad[i]);
		assert_int_equal(slv_object_checksum_told(&fields, &is_told, &told, &stream).code,
				SLV_OBJECT_E_INVALID_REQUEST);
	}
	fields.at[0].value = SLV_STR("y/Q5Jg==");
	assert_false(slv_failed(slv_fields_add(
			&fields, SLV_STR("x-amz-checksum-crc32c"), SLV_STR("4waSgw=="))));
	assert_int_equal(slv_object_checksum_told(&fields, &is_told, &told, &stream).code,
			SLV_OBJECT_E_INVALID_REQUEST);
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_value_however_it_is_cut),
		cmocka_unit_test(each_is_found_by_its_names),
		cmocka_unit_test(crcs_are_those_of_the_definition),
		cmocka_unit_test(crcs_of_parts_join_to_that_of_the_whole),
		cmocka_unit_test(long_parts_join_too),
		cmocka_unit_test(a_composite_is_that_of_its_parts),
		cmocka_unit_test(a_text_is_read_strictly),
		cmocka_unit_test(one_is_told_by_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
