#include "service/image/defaults.h"

#include "base/testing.h"
#include "proc/pixel.h"

#include <string.h>

static void fallbacks_fill_the_struct(void **state)
{
	(void)state;
	struct slv_image_defaults defaults;
	memset(&defaults, 0xaa, sizeof(defaults));
	slv_image_defaults_init(&defaults);
	assert_int_equal(defaults.fit, SLV_FIT_SCALE_DOWN);
	assert_int_equal(defaults.format, 0);
	assert_int_equal(defaults.metadata, SLV_METADATA_COPYRIGHT);
	assert_int_equal(defaults.quality_jpeg, 85);
	assert_int_equal(defaults.effort_avif, 0);
	assert_int_equal(defaults.width_max, SLV_PIXEL_SIDE_MAX);
	assert_true(defaults.dpr_max == 2);
	assert_false(defaults.allow_svg);
	assert_int_equal(defaults.source_pixels_max, 100000000);
	assert_int_equal(defaults.avif_pixels_max, 2500000);
}

static void every_fallback_is_in_its_bounds(void **state)
{
	(void)state;
	size_t rows = 0;
	struct slv_image_defaults defaults;
	slv_image_defaults_init(&defaults);
	for (const struct slv_conf_key *key = slv_image_defaults_keys; key->name; key++, rows++) {
		const void *field = (const char *)&defaults + key->offset;
		assert_non_null(key->help);
		if (key->type == SLV_CONF_INT) {
			assert_true((double)*(const int64_t *)field >= key->min);
			assert_true((double)*(const int64_t *)field <= key->max);
		}
		if (key->type == SLV_CONF_CHOICE)
			assert_int_equal(*(const int64_t *)field, key->fallback[0] == 'c');
	}
	assert_int_equal(rows, 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fallbacks_fill_the_struct),
		cmocka_unit_test(every_fallback_is_in_its_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
