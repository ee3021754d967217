#include "http/token.h"

#include "base/testing.h"

static void tokens_end_where_another_character_stands(void **state)
{
	(void)state;
	assert_int_equal(slv_token_len(SLV_STR("gzip, br")), 4);
	assert_int_equal(slv_token_len(SLV_STR("gzip")), 4);
	assert_int_equal(slv_token_len(SLV_STR(" gzip")), 0);
	assert_int_equal(slv_token_len((slv_str){ 0 }), 0);
}

static void quoted_strings_end_at_their_own_quote(void **state)
{
	(void)state;
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"a\" b")), 3);
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"\"")), 2);
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"a\\\"b\"c")), 6);
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"a\\\\\"c")), 5);
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"a")), 0);
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"a\\\"")), 0);
	assert_int_equal(slv_token_quoted_len(SLV_STR("\"a\\")), 0);
	assert_int_equal(slv_token_quoted_len(SLV_STR("a\"b\"")), 0);
	assert_int_equal(slv_token_quoted_len((slv_str){ 0 }), 0);
}

static void check_list(slv_str list, const char *const *expected)
{
	slv_str element;
	while (slv_token_next(&list, &element)) {
		assert_non_null(*expected);
		assert_true(slv_str_eq(element, slv_str_from(*expected)));
		expected++;
	}
	assert_null(*expected);
}

static void lists_split_at_commas_outside_of_quotes(void **state)
{
	(void)state;
	check_list(SLV_STR("a, b\t,c"), (const char *[]){ "a", "b", "c", NULL });
	check_list(SLV_STR(",, a ,,"), (const char *[]){ "a", NULL });
	check_list(SLV_STR("x=\"1,2\", y"), (const char *[]){ "x=\"1,2\"", "y", NULL });
	check_list(SLV_STR("x=\"\\\",\",y"), (const char *[]){ "x=\"\\\",\"", "y", NULL });
	check_list(SLV_STR("a, \"b, c"), (const char *[]){ "a", "\"b, c", NULL });
	check_list(SLV_STR(" , "), (const char *[]){ NULL });
	check_list((slv_str){ 0 }, (const char *[]){ NULL });
}

static void space_is_skipped_at_the_head_only(void **state)
{
	(void)state;
	assert_true(slv_str_eq(slv_token_skip_space(SLV_STR(" \t a ")), SLV_STR("a ")));
	assert_int_equal(slv_token_skip_space(SLV_STR(" \t")).len, 0);
	assert_int_equal(slv_token_skip_space((slv_str){ 0 }).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_end_where_another_character_stands),
		cmocka_unit_test(quoted_strings_end_at_their_own_quote),
		cmocka_unit_test(lists_split_at_commas_outside_of_quotes),
		cmocka_unit_test(space_is_skipped_at_the_head_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
