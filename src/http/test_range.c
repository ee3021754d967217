#include "http/range.h"

#include "base/attr.h"
#include "base/testing.h"

static void one_range_is_a_part(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint64_t length, first, count;
	} cases[] = {
		{ "bytes=0-0", 100, 0, 1 },
		{ "bytes=0-99", 100, 0, 100 },
		{ "bytes=0-100", 100, 0, 100 },
		{ "bytes=99-", 100, 99, 1 },
		{ "bytes=10-19", 100, 10, 10 },
		{ "bytes=-1", 100, 99, 1 },
		{ "bytes=-100", 100, 0, 100 },
		{ "bytes=-101", 100, 0, 100 },
		{ "BYTES=1-2", 100, 1, 2 },
		{ "bytes=,, 5-6 ,", 100, 5, 2 },
		{ "bytes=0000000000000000000000001-2", 100, 1, 2 },
		{ "bytes=5-18446744073709551615", 100, 5, 95 },
		{ "bytes=5-18446744073709551616", 100, 5, 95 },
		{ "bytes=5-99999999999999999999999999", 100, 5, 95 },
		{ "bytes=-99999999999999999999999999", 100, 0, 100 },
		{ "bytes=0-", UINT64_MAX, 0, UINT64_MAX },
		{ "bytes=18446744073709551614-", UINT64_MAX, UINT64_MAX - 1, 1 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_range range;
		assert_int_equal(slv_range_parse(slv_str_from(cases[i].value), cases[i].length,
						 &range),
				SLV_RANGE_PART);
		assert_true(range.first == cases[i].first && range.count == cases[i].count);
	}
}

static void a_range_behind_the_end_is_bad(void **state)
{
	(void)state;
	static const char *const cases[] = { "bytes=100-", "bytes=100-200", "bytes=-0",
		"bytes=18446744073709551615-", "bytes=18446744073709551616-",
		"bytes=99999999999999999999-99999999999999999999" };
	struct slv_range range = { 7, 7 };
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(slv_range_parse(slv_str_from(cases[i]), 100, &range),
				SLV_RANGE_BAD);
	assert_int_equal(slv_range_parse(SLV_STR("bytes=0-"), 0, &range), SLV_RANGE_BAD);
	assert_int_equal(slv_range_parse(SLV_STR("bytes=-0"), 0, &range), SLV_RANGE_BAD);
	assert_true(range.first == 7 && range.count == 7);
}

static void several_ranges_or_none_that_parses_mean_the_whole(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "bytes", "bytes=", "bytes=,", "bytes=-",
		"bytes=a-b", "bytes=1", "bytes=1-2-3", "bytes=--1", "bytes=+1-2", "bytes=1 -2",
		"bytes=1- 2", "bytes=0x1-2", "bytes=2-1", "bytes =0-1", "bits=0-1", "items=0-1",
		"bytes:0-1", "bytes=0-1,3-4", "bytes=0-0,200-", "bytes=1-2,a", "bytes=1.0-2" };
	struct slv_range range = { 7, 7 };
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(slv_range_parse(slv_str_from(cases[i]), 100, &range),
				SLV_RANGE_WHOLE);
	assert_int_equal(slv_range_parse(SLV_STR("bytes=-5"), 0, &range), SLV_RANGE_WHOLE);
	assert_int_equal(slv_range_parse((slv_str){ 0 }, 100, &range), SLV_RANGE_WHOLE);
	assert_true(range.first == 7 && range.count == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_range_is_a_part),
		cmocka_unit_test(a_range_behind_the_end_is_bad),
		cmocka_unit_test(several_ranges_or_none_that_parses_mean_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
