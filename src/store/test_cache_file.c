#include "store/cache_file.h"

#include "base/testing.h"

#include <string.h>

static struct slv_cache_file example(void)
{
	struct slv_cache_file file = {
		.head_len = 5,
		.body_len = 1000000,
		.stored_ms = 1700000000123,
		.fresh_until_ms = -1,
		.stale_until_ms = INT64_MAX,
		.crc = 0xcbf43926,
	};
	memset(&file.key.source, 0xab, sizeof(file.key.source));
	memset(&file.key.variant, 0x12, sizeof(file.key.variant));
	return file;
}

static uint64_t bytes_of(const struct slv_cache_file *file)
{
	return SLV_CACHE_FILE_HEADER_BYTES + file->head_len + file->body_len;
}

/* The check value of CRC-32 as its catalogues give it. */
static void the_sum_is_that_of_gzip(void **state)
{
	(void)state;
	assert_int_equal(slv_cache_file_crc(0, SLV_STR("123456789")), 0xcbf43926);
	uint32_t crc = slv_cache_file_crc(0, SLV_STR("1234"));
	crc = slv_cache_file_crc(crc, SLV_STR(""));
	assert_int_equal(slv_cache_file_crc(crc, SLV_STR("56789")), 0xcbf43926);
}

static void the_layout_is_that_of_the_manual(void **state)
{
	(void)state;
	struct slv_cache_file file = example();
	char bytes[SLV_CACHE_FILE_HEADER_BYTES];
	slv_cache_file_print(&file, bytes);
	assert_memory_equal(bytes, "SLVCACHE\1\0\0\0\5\0\0\0\x40\x42\x0f\0\0\0\0\0", 24);
	assert_memory_equal(bytes + 32, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_memory_equal(bytes + 40, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
	assert_int_equal((uint8_t)bytes[48], 0xab);
	assert_int_equal((uint8_t)bytes[111], 0x12);
	assert_memory_equal(bytes + 112, "\x26\x39\xf4\xcb", 4);
}

static void what_was_printed_is_parsed(void **state)
{
	(void)state;
	struct slv_cache_file file = example(), back;
	memset(&back, 0x55, sizeof(back));
	char bytes[SLV_CACHE_FILE_HEADER_BYTES];
	slv_cache_file_print(&file, bytes);
	slv_str view = { bytes, sizeof(bytes) };
	assert_false(slv_failed(slv_cache_file_parse(view, bytes_of(&file), &back)));
	assert_int_equal(back.head_len, 5);
	assert_int_equal(back.body_len, 1000000);
	assert_int_equal(back.stored_ms, 1700000000123);
	assert_int_equal(back.fresh_until_ms, -1);
	assert_int_equal(back.stale_until_ms, INT64_MAX);
	assert_int_equal(back.crc, 0xcbf43926);
	assert_memory_equal(&back.key, &file.key, sizeof(file.key));
}

static void every_flipped_bit_is_seen(void **state)
{
	(void)state;
	struct slv_cache_file file = example(), back;
	char bytes[SLV_CACHE_FILE_HEADER_BYTES];
	slv_str view = { bytes, sizeof(bytes) };
	for (unsigned bit = 0; bit < 8 * sizeof(bytes); bit++) {
		slv_cache_file_print(&file, bytes);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
		slv_err err = slv_cache_file_parse(view, bytes_of(&file), &back);
		assert_int_equal(err.code, SLV_E_CORRUPT);
	}
}

static void every_other_length_is_seen(void **state)
{
	(void)state;
	struct slv_cache_file file = example(), back;
	char bytes[SLV_CACHE_FILE_HEADER_BYTES];
	slv_cache_file_print(&file, bytes);
	slv_str view = { bytes, sizeof(bytes) };
	const uint64_t lens[] = { 0, 119, 120, 124, 125, bytes_of(&file) - 1, bytes_of(&file) + 1,
		UINT64_MAX };
	for (size_t i = 0; i < SLV_COUNT(lens); i++)
		assert_int_equal(slv_cache_file_parse(view, lens[i], &back).code, SLV_E_CORRUPT);
	for (size_t len = 0; len < sizeof(bytes); len++)
		assert_int_equal(slv_cache_file_parse(
						 slv_str_head(view, len), bytes_of(&file), &back)
						 .code,
				SLV_E_CORRUPT);
}

/* With a sum that is right: who can write the folder gets no more than a miss. */
static void a_head_past_its_bound_is_refused(void **state)
{
	(void)state;
	struct slv_cache_file file = example(), back;
	char bytes[SLV_CACHE_FILE_HEADER_BYTES];
	slv_str view = { bytes, sizeof(bytes) };
	file.head_len = SLV_CACHE_HEAD_BYTES_MAX;
	slv_cache_file_print(&file, bytes);
	assert_false(slv_failed(slv_cache_file_parse(view, bytes_of(&file), &back)));

	file.head_len++;
	bytes[12] = 1; /* 65,537 little-endian */
	bytes[13] = 0;
	bytes[14] = 1;
	uint32_t crc = slv_cache_file_crc(0, slv_str_head(view, 116));
	for (int i = 0; i < 4; i++)
		bytes[116 + i] = (char)(crc >> (8 * i));
	slv_err err = slv_cache_file_parse(view, bytes_of(&file), &back);
	assert_string_equal(err.what, "cache file with a head past its bound");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_is_that_of_gzip),
		cmocka_unit_test(the_layout_is_that_of_the_manual),
		cmocka_unit_test(what_was_printed_is_parsed),
		cmocka_unit_test(every_flipped_bit_is_seen),
		cmocka_unit_test(every_other_length_is_seen),
		cmocka_unit_test(a_head_past_its_bound_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
