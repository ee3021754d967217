#include "service/image/told.h"

#include "base/testing.h"

#include <string.h>

static void nothing_is_told_of_what_is_behind_a_name(void **state)
{
	static const int32_t codes[] = { SLV_E_DENIED, SLV_E_TIMEOUT, SLV_E_UPSTREAM, SLV_E_SOURCE,
		SLV_E_BUSY };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(codes); i++) {
		const char *text = slv_image_told(codes[i]);
		assert_non_null(text);
		assert_null(strpbrk(text, "%0123456789"));
	}
}

static void other_errors_have_no_text_here(void **state)
{
	(void)state;
	assert_null(slv_image_told(SLV_E_NONE));
	assert_null(slv_image_told(SLV_E_LIMIT));
	assert_null(slv_image_told(-1));
	assert_null(slv_image_told(SLV_E_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_told_of_what_is_behind_a_name),
		cmocka_unit_test(other_errors_have_no_text_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
