#include "http/token.h"

#include "base/testing.h"

#include <string.h>

static void tokens_are_the_characters_of_the_rfc(void **state)
{
	(void)state;
	slv_str tchars = SLV_STR("!#$%&'*+-.^_`|~");
	size_t count = 0;
	for (int c = 0; c < 256; c++) {
		char ch = (char)c;
		bool letter = slv_lower(ch) >= 'a' && slv_lower(ch) <= 'z';
		bool expected = letter || slv_is_digit(ch) || slv_str_find(tchars, ch) < tchars.len;
		assert_int_equal(slv_token_has(ch), expected);
		count += slv_token_has(ch);
	}
	assert_int_equal(count, 77);
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

/* At every place of a text that is read in words and a rest. */
static void text_has_no_control_bytes_but_tab(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool control = (c < 0x20 && c != '\t') || c == 0x7f;
		for (size_t at = 0; at < 19; at++) {
			char text[19];
			memset(text, at % 2 ? 'a' : '\xff', sizeof(text));
			text[at] = (char)c;
			text[(at + 7) % 19] = '\t';
			assert_int_equal(slv_token_is_text((slv_str){ text, 19 }), !control);
		}
	}
	assert_true(slv_token_is_text((slv_str){ 0 }));
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
		cmocka_unit_test(tokens_are_the_characters_of_the_rfc),
		cmocka_unit_test(quoted_strings_end_at_their_own_quote),
		cmocka_unit_test(lists_split_at_commas_outside_of_quotes),
		cmocka_unit_test(text_has_no_control_bytes_but_tab),
		cmocka_unit_test(space_is_skipped_at_the_head_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
