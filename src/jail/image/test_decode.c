#include "jail/image/decode.h"

#include "base/attr.h"
#include "base/testing.h"

static void an_animation_is_cut_or_becomes_a_picture_at_its_bounds(void **state)
{
	(void)state;
	static const struct {
		uint32_t width, height, total, want;
	} table[] = {
		{ 10, 10, 99, 99 },
		{ 10, 10, 100, 100 },
		{ 10, 10, 101, 100 },   /* frames_max */
		{ 1000, 1000, 20, 20 }, /* frames_pixels_max */
		{ 1000, 1000, 21, 1 },
		{ 1, 1000000, 10, 10 }, /* rows that libvips counts to */
		{ 1, 1000000, 11, 1 },
		{ 1, 100000, 101, 100 },
		{ 1, 100001, 100, 1 },
	};
	const struct slv_pixel_limits limits = { .frames_max = 100, .frames_pixels_max = 20000000 };
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_source source = { .format = SLV_FORMAT_GIF,
			.width = table[i].width,
			.height = table[i].height,
			.frames = 1,
			.frames_total = table[i].total };
		slv_decode_animate(&source, &limits);
		assert_int_equal(source.frames, table[i].want);
	}
}

static void a_format_without_frames_has_one(void **state)
{
	(void)state;
	const struct slv_pixel_limits limits = { .frames_max = 100, .frames_pixels_max = 20000000 };
	struct slv_source source = {
		.format = SLV_FORMAT_TIFF, .width = 1, .height = 1, .frames = 1, .frames_total = 9
	};
	slv_decode_animate(&source, &limits);
	assert_int_equal(source.frames, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_animation_is_cut_or_becomes_a_picture_at_its_bounds),
		cmocka_unit_test(a_format_without_frames_has_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
