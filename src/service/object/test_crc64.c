#include "service/object/crc64.h"

#include "base/testing.h"

static void the_check_value_holds(void **state)
{
	(void)state;
	assert_true(slv_object_crc64(0, SLV_STR("123456789")) == 0xae8b14860a799888);
	assert_true(slv_object_crc64_plain(0, SLV_STR("123456789")) == 0xae8b14860a799888);
	assert_true(slv_object_crc64(0, (slv_str){ 0 }) == 0);
	assert_true(slv_object_crc64(7, (slv_str){ 0 }) == 7);
}

/* What the checksum is by definition: a bit at a time. */
static uint64_t by_bits(uint64_t crc, slv_str bytes)
{
	crc = ~crc;
	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (uint8_t)bytes.at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ SLV_OBJECT_CRC64_POLY : crc >> 1;
	}
	return ~crc;
}

/* Of all lengths around the steps of the fast way, at all alignments, begun with anything. */
static void both_ways_are_the_definition(void **state)
{
	(void)state;
	char bytes[700];
	uint32_t seed = 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
	for (size_t len = 0; len < 600; len += len < 300 ? 1 : 37) {
		slv_str text = { bytes + len % 17, len };
		uint64_t before = seed * UINT64_C(0x123456789abcdef) * (len & 1);
		uint64_t expected = by_bits(before, text);
		assert_true(slv_object_crc64(before, text) == expected);
		assert_true(slv_object_crc64_plain(before, text) == expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_check_value_holds),
		cmocka_unit_test(both_ways_are_the_definition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
