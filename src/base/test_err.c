#include "base/arena.h"
#include "base/err.h"

#include "base/testing.h"

#include <errno.h>

static void an_error_is_wrapped_outwards(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 512, 512);
	slv_err err = slv_err_sys(&arena, ENOENT, "open '%s'", "x");
	assert_int_equal(err.code, SLV_E_MISSING);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.what, "open 'x': No such file or directory");
	err = slv_err_wrap(&arena, err, "route %d", 3);
	assert_string_equal(err.what, "route 3: open 'x': No such file or directory");
	assert_int_equal(slv_err_sys(&arena, EIO, "read").code, SLV_E_SYS);
	slv_arena_done(&arena);
}

static void without_memory_the_code_remains(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 4, 4);
	slv_err err = slv_err_printf(&arena, SLV_E_LIMIT, "%s", "longer than four");
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_string_equal(err.what, "(no memory for the reason)");
	slv_arena_done(&arena);
}

static void each_code_has_a_name_and_a_status(void **state)
{
	(void)state;
	for (int32_t code = 1; code < SLV_E_COUNT; code++) {
		assert_true(slv_code_status(code) >= 400 && slv_code_status(code) < 600);
		assert_non_null(slv_code_name(code));
	}
	assert_false(slv_failed(SLV_OK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_wrapped_outwards),
		cmocka_unit_test(without_memory_the_code_remains),
		cmocka_unit_test(each_code_has_a_name_and_a_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
