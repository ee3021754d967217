#include "http/query.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
	struct slv_arena *arena = SLV_ALLOC(struct slv_arena);
	slv_arena_init(arena, 1024, 16384);
	*state = arena;
	return 0;
}

static int tear_down(void **state)
{
	slv_arena_done(*state);
	slv_free(*state);
	return 0;
}

/* The parameters as "[name|value]", with '-' for a value that is not there. */
static void walks(const char *query, const char *want)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	slv_str rest = slv_str_from(query), name, value;
	while (slv_query_next(&rest, &name, &value)) {
		assert_non_null(name.at);
		slv_buf_add_char(&buf, '[');
		slv_buf_add(&buf, name);
		slv_buf_add_char(&buf, '|');
		slv_buf_add(&buf, value.at ? value : SLV_STR("-"));
		slv_buf_add_char(&buf, ']');
	}
	if (!slv_str_eq(slv_buf_str(&buf), slv_str_from(want)))
		fail_msg("%s: %.*s", query, SLV_FMT(slv_buf_str(&buf)));
	slv_buf_done(&buf);
}

static void parameters_come_in_order_and_raw(void **state)
{
	(void)state;
	walks("a=b&c=d", "[a|b][c|d]");
	walks("prefix=a%2Fb+c&delimiter=%2F", "[prefix|a%2Fb+c][delimiter|%2F]");
	walks("a=1&a=2&A=3", "[a|1][a|2][A|3]");
	walks("a=b=c==", "[a|b=c==]");
	walks("=v&=", "[|v][|]");
	walks("a;b=c", "[a;b|c]");
	walks("a?b=c/d", "[a?b|c/d]");
}

static void a_name_without_an_equals_sign_has_no_value(void **state)
{
	(void)state;
	walks("uploads", "[uploads|-]");
	walks("uploads=", "[uploads|]");
	walks("uploads&x=&y", "[uploads|-][x|][y|-]");
}

static void nothing_between_separators_is_no_parameter(void **state)
{
	(void)state;
	walks("", "");
	walks("&", "");
	walks("&&&", "");
	walks("&a&&b=&", "[a|-][b|]");
	slv_str rest = { 0 }, name, value;
	assert_false(slv_query_next(&rest, &name, &value));
}

static void gets(void **state, const char *query, const char *name, enum slv_query_plus plus,
		const char *want)
{
	slv_str value = SLV_STR("unset");
	slv_err err = slv_query_get(*state, slv_str_from(query), slv_str_from(name), plus, &value);
	if (slv_failed(err))
		fail_msg("%s: %s", query, err.what);
	assert_int_equal(value.at != NULL, want != NULL);
	if (!slv_str_eq(value, slv_str_from(want)))
		fail_msg("%s: %.*s", query, SLV_FMT(value));
}

static void a_parameter_is_found_by_what_its_name_means(void **state)
{
	static const char query[] = "prefix=a%2fb&max%2dkeys=10&%6C%C3%B6=%C3%A4&x&y=&%25=%26%3D";
	gets(state, query, "prefix", SLV_QUERY_PLUS, "a/b");
	gets(state, query, "max-keys", SLV_QUERY_PLUS, "10");
	gets(state, query, "l\xc3\xb6", SLV_QUERY_PLUS, "\xc3\xa4");
	gets(state, query, "x", SLV_QUERY_PLUS, "");
	gets(state, query, "y", SLV_QUERY_PLUS, "");
	gets(state, query, "%", SLV_QUERY_PLUS, "&=");
	gets(state, query, "max%2dkeys", SLV_QUERY_PLUS, NULL);
	gets(state, query, "Prefix", SLV_QUERY_PLUS, NULL);
	gets(state, query, "prefi", SLV_QUERY_PLUS, NULL);
	gets(state, query, "prefixx", SLV_QUERY_PLUS, NULL);
	gets(state, query, "", SLV_QUERY_PLUS, NULL);
	gets(state, "=v", "", SLV_QUERY_PLUS, "v");
	gets(state, "", "x", SLV_QUERY_PLUS, NULL);
	gets(state, NULL, "x", SLV_QUERY_PLUS, NULL);
}

static void a_plus_is_a_space_to_forms_only(void **state)
{
	gets(state, "a+b=c+d%2B%20", "a+b", SLV_QUERY_PLUS, "c+d+ ");
	gets(state, "a+b=c+d%2B%20", "a b", SLV_QUERY_PLUS, NULL);
	gets(state, "a+b=c+d%2B%20", "a b", SLV_QUERY_SPACE, "c d+ ");
	gets(state, "a+b=c+d%2B%20", "a+b", SLV_QUERY_SPACE, NULL);
	gets(state, "a%2Bb=%2b", "a+b", SLV_QUERY_SPACE, "+");
	gets(state, "a=+", "a", SLV_QUERY_SPACE, " ");
}

static void fails(void **state, const char *query, enum slv_code code, const char *part)
{
	slv_str value = SLV_STR("unset");
	for (int plus = SLV_QUERY_PLUS; plus <= SLV_QUERY_SPACE; plus++) {
		slv_err err = slv_query_get(*state, slv_str_from(query), SLV_STR("a"),
				(enum slv_query_plus)plus, &value);
		assert_int_equal(err.code, code);
		if (!strstr(err.what, part))
			fail_msg("'%s' does not tell of '%s'", err.what, part);
		assert_true(slv_str_eq(value, SLV_STR("unset")));
	}
}

static void a_parameter_given_twice_is_a_syntax_error(void **state)
{
	fails(state, "a=1&a=2", SLV_E_SYNTAX, "parameter 'a' is given twice");
	fails(state, "a=1&b&%61=1", SLV_E_SYNTAX, "parameter 'a' is given twice");
	fails(state, "a&a", SLV_E_SYNTAX, "parameter 'a' is given twice");
	gets(state, "b=1&a=3&b=2", "a", SLV_QUERY_PLUS, "3");
}

static void what_cannot_be_decoded_is_a_syntax_error(void **state)
{
	fails(state, "a=%", SLV_E_SYNTAX, "parameter 'a': ");
	fails(state, "a=+%2", SLV_E_SYNTAX, "parameter 'a': ");
	fails(state, "a=%0g", SLV_E_SYNTAX, "parameter 'a': ");
	fails(state, "a=%00", SLV_E_SYNTAX, "parameter 'a': ");
	fails(state, "a=1&b%", SLV_E_SYNTAX, "name of a parameter");
	fails(state, "a=1&b%6", SLV_E_SYNTAX, "name of a parameter");
	fails(state, "a=1&%6gb", SLV_E_SYNTAX, "name of a parameter");
	fails(state, "a=1&%g6b", SLV_E_SYNTAX, "name of a parameter");
	fails(state, "a=1&b%00", SLV_E_SYNTAX, "name of a parameter");
	gets(state, "b=%&a=1", "a", SLV_QUERY_PLUS, "1"); /* the value of another */

	slv_str value;
	slv_err err = slv_query_get(
			*state, SLV_STR("a=1&\0"), SLV_STR("a"), SLV_QUERY_PLUS, &value);
	assert_int_equal(err.code, SLV_E_SYNTAX);
}

static void parameters_past_128_are_a_limit_error(void **state)
{
	char query[600] = "a=1";
	for (int i = 1; i < SLV_QUERY_PARAMS_MAX; i++)
		memcpy(query + strlen(query), "&&b", 4);
	gets(state, query, "a", SLV_QUERY_PLUS, "1");
	gets(state, query, "c", SLV_QUERY_PLUS, NULL);
	memcpy(query + strlen(query), "&b", 3);
	fails(state, query, SLV_E_LIMIT, "128 parameters");
}

static void a_value_past_the_arena_is_a_limit_error(void **state)
{
	(void)state;
	char query[203] = "a=";
	memset(query + 2, '+', 200);
	for (int plus = SLV_QUERY_PLUS; plus <= SLV_QUERY_SPACE; plus++) {
		/* A form's value is copied once more. */
		for (size_t max = 64; max <= 512; max += 64) {
			struct slv_arena arena;
			slv_str value = { 0 };
			slv_arena_init(&arena, 64, max);
			slv_err err = slv_query_get(&arena, slv_str_from(query), SLV_STR("a"),
					(enum slv_query_plus)plus, &value);
			size_t need = plus == SLV_QUERY_SPACE ? 400 : 200;
			assert_int_equal(err.code, max < need ? SLV_E_LIMIT : SLV_E_NONE);
			assert_int_equal(value.len, max < need ? 0 : 200);
			slv_arena_done(&arena);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_come_in_order_and_raw),
		cmocka_unit_test(a_name_without_an_equals_sign_has_no_value),
		cmocka_unit_test(nothing_between_separators_is_no_parameter),
		cmocka_unit_test_setup_teardown(
				a_parameter_is_found_by_what_its_name_means, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_plus_is_a_space_to_forms_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				a_parameter_given_twice_is_a_syntax_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				what_cannot_be_decoded_is_a_syntax_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				parameters_past_128_are_a_limit_error, set_up, tear_down),
		cmocka_unit_test(a_value_past_the_arena_is_a_limit_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
