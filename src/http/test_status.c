#include "http/status.h"

#include "base/err.h"
#include "base/testing.h"

static void methods_are_known_by_their_names(void **state)
{
	(void)state;
#define X(name)                                                                                    \
	assert_int_equal(slv_method_from(SLV_STR(#name)), SLV_METHOD_##name);                      \
	assert_true(slv_str_eq(slv_method_name(SLV_METHOD_##name), SLV_STR(#name)));
	SLV_METHOD_TABLE(X)
#undef X
}

static void methods_mind_their_case(void **state)
{
	(void)state;
	assert_int_equal(slv_method_from(SLV_STR("get")), SLV_METHOD_OTHER);
	assert_int_equal(slv_method_from(SLV_STR("GETS")), SLV_METHOD_OTHER);
	assert_int_equal(slv_method_from(SLV_STR("OTHER")), SLV_METHOD_OTHER);
	assert_int_equal(slv_method_from((slv_str){ 0 }), SLV_METHOD_OTHER);
}

static void statuses_have_their_phrases(void **state)
{
	(void)state;
	assert_true(slv_str_eq(slv_status_reason(200), SLV_STR("OK")));
	assert_true(slv_str_eq(slv_status_reason(404), SLV_STR("Not Found")));
	assert_true(slv_str_eq(slv_status_reason(416), SLV_STR("Range Not Satisfiable")));
	assert_true(slv_str_eq(slv_status_reason(599), SLV_STR("Unknown")));
	assert_true(slv_str_eq(slv_status_reason(-1), SLV_STR("Unknown")));
}

static void every_status_of_an_error_has_a_phrase(void **state)
{
	(void)state;
	for (int32_t code = 0; code < SLV_E_COUNT; code++)
		assert_false(slv_str_eq(
				slv_status_reason(slv_code_status(code)), SLV_STR("Unknown")));
}

static void bare_statuses_are_1xx_204_and_304(void **state)
{
	(void)state;
	for (int status = 0; status < 1000; status++)
		assert_int_equal(slv_status_is_bare(status),
				status / 100 == 1 || status == 204 || status == 304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_known_by_their_names),
		cmocka_unit_test(methods_mind_their_case),
		cmocka_unit_test(statuses_have_their_phrases),
		cmocka_unit_test(every_status_of_an_error_has_a_phrase),
		cmocka_unit_test(bare_statuses_are_1xx_204_and_304),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
