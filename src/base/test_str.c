#include "base/arena.h"
#include "base/str.h"

#include "base/attr.h"
#include "base/testing.h"

static void a_view_compares_by_bytes(void **state)
{
	(void)state;
	assert_true(slv_str_eq(SLV_STR(""), (slv_str){ 0 }));
	assert_true(slv_str_eq_nocase(SLV_STR("Content-Type"), SLV_STR("content-TYPE")));
	assert_false(slv_str_eq_nocase(SLV_STR("a["), SLV_STR("A{")));
	assert_true(slv_str_cmp(SLV_STR("ab"), SLV_STR("abc")) < 0);
	assert_true(slv_str_cmp(SLV_STR("b"), SLV_STR("abc")) > 0);
	assert_true(slv_str_eq_secret(SLV_STR("abc"), SLV_STR("abc")));
	assert_false(slv_str_eq_secret(SLV_STR("abc"), SLV_STR("abd")));
}

static void cut_walks_a_list_with_its_empty_parts(void **state)
{
	(void)state;
	slv_str rest = SLV_STR("a,,b");
	assert_true(slv_str_eq(slv_str_cut(&rest, ','), SLV_STR("a")));
	assert_true(slv_str_eq(slv_str_cut(&rest, ','), SLV_STR("")));
	assert_non_null(rest.at);
	assert_true(slv_str_eq(slv_str_cut(&rest, ','), SLV_STR("b")));
	assert_null(rest.at);
}

static void a_number_past_its_bound_is_refused(void **state)
{
	(void)state;
	uint64_t value = 7;
	assert_true(slv_str_u64(SLV_STR("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	value = 7;
	assert_false(slv_str_u64(SLV_STR("18446744073709551616"), UINT64_MAX, &value));
	assert_false(slv_str_u64(SLV_STR("11"), 10, &value));
	assert_false(slv_str_u64(SLV_STR(""), 10, &value));
	assert_false(slv_str_u64(SLV_STR("+1"), 10, &value));
	assert_int_equal(value, 7);
}

static void a_number_is_written_in_decimal(void **state)
{
	(void)state;
	char room[SLV_U64_DIGITS];
	assert_true(slv_str_eq(slv_str_of_u64(0, room), SLV_STR("0")));
	assert_true(slv_str_eq(slv_str_of_u64(304, room), SLV_STR("304")));
	assert_true(slv_str_eq(slv_str_of_u64(UINT64_MAX, room), SLV_STR("18446744073709551615")));
}

static void a_decimal_is_read_without_locale_or_exponent(void **state)
{
	(void)state;
	double value = 0;
	assert_true(slv_str_double(SLV_STR("-0.25"), &value));
	assert_true(value == -0.25);
	assert_true(slv_str_double(SLV_STR(".5"), &value));
	assert_true(value == 0.5);
	assert_false(slv_str_double(SLV_STR("1e3"), &value));
	assert_false(slv_str_double(SLV_STR("."), &value));
	assert_false(slv_str_double(SLV_STR("1.2.3"), &value));
	assert_false(slv_str_double(SLV_STR("1234567890123456"), &value));
}

static void hex_is_read_in_either_case(void **state)
{
	(void)state;
	uint8_t bytes[2] = { 0 };
	assert_true(slv_str_unhex(SLV_STR("fF01"), bytes, 2));
	assert_int_equal(bytes[0], 0xff);
	assert_int_equal(bytes[1], 1);
	assert_false(slv_str_unhex(SLV_STR("fF0"), bytes, 2));
	assert_false(slv_str_unhex(SLV_STR("fFg1"), bytes, 2));
}

static void hex_is_written_in_lower_case(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 0x00, 0x09, 0xaf, 0xf0 };
	char hex[9] = "________.";
	slv_str_hex(bytes, sizeof(bytes), hex);
	assert_memory_equal(hex, "0009aff0.", sizeof(hex));
}

static void only_utf8_has_a_length(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
	} table[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\xc3\xbc.", 2 },
		{ "\xe6\x97\xa5", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\x80", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xc3", 0 },
		{ "\xc3.", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xe6\x97", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++)
		assert_int_equal(slv_str_utf8_len(slv_str_from(table[i].text)), table[i].len);
}

static void finding_and_trimming(void **state)
{
	(void)state;
	assert_int_equal(slv_str_find(SLV_STR("abcb"), 'b'), 1);
	assert_int_equal(slv_str_find_last(SLV_STR("abcb"), 'b'), 3);
	assert_int_equal(slv_str_find(SLV_STR("abc"), 'x'), 3);
	assert_int_equal(slv_str_find_str(SLV_STR("hello"), SLV_STR("ll")), 2);
	assert_true(slv_str_eq(slv_str_trim(SLV_STR(" \ta b ")), SLV_STR("a b")));
	assert_int_equal(slv_str_trim(SLV_STR(" \t ")).len, 0);
	assert_true(slv_str_starts(SLV_STR("abc"), SLV_STR("ab")));
	assert_true(slv_str_ends(SLV_STR("abc"), SLV_STR("bc")));
	assert_false(slv_str_ends(SLV_STR("c"), SLV_STR("bc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_view_compares_by_bytes),
		cmocka_unit_test(cut_walks_a_list_with_its_empty_parts),
		cmocka_unit_test(a_number_past_its_bound_is_refused),
		cmocka_unit_test(a_number_is_written_in_decimal),
		cmocka_unit_test(a_decimal_is_read_without_locale_or_exponent),
		cmocka_unit_test(hex_is_read_in_either_case),
		cmocka_unit_test(hex_is_written_in_lower_case),
		cmocka_unit_test(only_utf8_has_a_length),
		cmocka_unit_test(finding_and_trimming),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
