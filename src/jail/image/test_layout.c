#include "base/testing.h"

#include "jail/image/layout.h"

#include <string.h>

static struct slv_arena arena;

static struct slv_pixel_plan plan_of(enum slv_fit fit, uint32_t width, uint32_t height)
{
	return (struct slv_pixel_plan){ .magic = SLV_PIXEL_MAGIC,
		.fit = (uint8_t)fit,
		.width = width,
		.height = height,
		.dpr = 1,
		.point = { 0.5, 0.5 },
		.limits = { .output_pixels_max = 1000000000, .output_side_max = 16384 } };
}

static struct slv_layout made(const struct slv_pixel_plan *plan, uint32_t width, uint32_t height)
{
	struct slv_layout layout = { 0 };
	slv_err err = slv_layout_make(&arena, plan, width, height, 1, &layout);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	return layout;
}

/* Source, box, and what comes out: scaled, crop and canvas, worked out by hand. */
static const struct {
	enum slv_fit fit;
	uint32_t source[2], box[2];
	uint32_t scaled[2], crop[4], canvas[4]; /* left, top, width, height */
} fits[] = {
	/* inside, never larger */
	{ SLV_FIT_SCALE_DOWN, { 400, 200 }, { 100, 100 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	{ SLV_FIT_SCALE_DOWN, { 40, 20 }, { 100, 100 }, { 40, 20 }, { 0, 0, 40, 20 },
			{ 0, 0, 40, 20 } },
	{ SLV_FIT_SCALE_DOWN, { 400, 200 }, { 0, 0 }, { 400, 200 }, { 0, 0, 400, 200 },
			{ 0, 0, 400, 200 } },
	{ SLV_FIT_SCALE_DOWN, { 400, 200 }, { 100, 0 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	{ SLV_FIT_SCALE_DOWN, { 400, 200 }, { 0, 100 }, { 200, 100 }, { 0, 0, 200, 100 },
			{ 0, 0, 200, 100 } },
	/* 3 px at a hundredth are none: at least one is left */
	{ SLV_FIT_SCALE_DOWN, { 1000, 3 }, { 10, 10 }, { 10, 1 }, { 0, 0, 10, 1 },
			{ 0, 0, 10, 1 } },
	/* inside, larger too */
	{ SLV_FIT_CONTAIN, { 40, 20 }, { 100, 100 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	{ SLV_FIT_CONTAIN, { 40, 20 }, { 0, 100 }, { 200, 100 }, { 0, 0, 200, 100 },
			{ 0, 0, 200, 100 } },
	/* over the box, cut in the middle */
	{ SLV_FIT_COVER, { 400, 200 }, { 100, 100 }, { 200, 100 }, { 50, 0, 100, 100 },
			{ 0, 0, 100, 100 } },
	{ SLV_FIT_COVER, { 40, 20 }, { 100, 100 }, { 200, 100 }, { 50, 0, 100, 100 },
			{ 0, 0, 100, 100 } },
	{ SLV_FIT_COVER, { 200, 400 }, { 100, 50 }, { 100, 200 }, { 0, 75, 100, 50 },
			{ 0, 0, 100, 50 } },
	{ SLV_FIT_COVER, { 400, 200 }, { 100, 0 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	/* as cover, not larger: cut to what there is */
	{ SLV_FIT_CROP, { 400, 200 }, { 100, 100 }, { 200, 100 }, { 50, 0, 100, 100 },
			{ 0, 0, 100, 100 } },
	{ SLV_FIT_CROP, { 40, 20 }, { 100, 100 }, { 40, 20 }, { 0, 0, 40, 20 }, { 0, 0, 40, 20 } },
	{ SLV_FIT_CROP, { 400, 50 }, { 100, 100 }, { 400, 50 }, { 150, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	/* as crop, but the ratio holds: 40 x 20 to 2:1, 1:1 */
	{ SLV_FIT_ASPECT_CROP, { 400, 200 }, { 100, 100 }, { 200, 100 }, { 50, 0, 100, 100 },
			{ 0, 0, 100, 100 } },
	{ SLV_FIT_ASPECT_CROP, { 40, 20 }, { 100, 100 }, { 40, 20 }, { 10, 0, 20, 20 },
			{ 0, 0, 20, 20 } },
	{ SLV_FIT_ASPECT_CROP, { 400, 50 }, { 100, 100 }, { 400, 50 }, { 175, 0, 50, 50 },
			{ 0, 0, 50, 50 } },
	/* inside, not larger, and background up to the box */
	{ SLV_FIT_PAD, { 400, 200 }, { 100, 100 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 25, 100, 100 } },
	{ SLV_FIT_PAD, { 40, 20 }, { 100, 100 }, { 40, 20 }, { 0, 0, 40, 20 },
			{ 30, 40, 100, 100 } },
	{ SLV_FIT_PAD, { 400, 200 }, { 100, 0 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	/* exactly the box */
	{ SLV_FIT_SQUEEZE, { 400, 200 }, { 30, 90 }, { 30, 90 }, { 0, 0, 30, 90 },
			{ 0, 0, 30, 90 } },
	{ SLV_FIT_SQUEEZE, { 400, 200 }, { 100, 0 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	/* inside, never smaller */
	{ SLV_FIT_SCALE_UP, { 40, 20 }, { 100, 100 }, { 100, 50 }, { 0, 0, 100, 50 },
			{ 0, 0, 100, 50 } },
	{ SLV_FIT_SCALE_UP, { 400, 200 }, { 100, 100 }, { 400, 200 }, { 0, 0, 400, 200 },
			{ 0, 0, 400, 200 } },
};

static void each_fit_gives_the_numbers_of_its_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		struct slv_pixel_plan plan = plan_of(fits[i].fit, fits[i].box[0], fits[i].box[1]);
		struct slv_layout got = made(&plan, fits[i].source[0], fits[i].source[1]);
		uint32_t canvas[4] = { got.canvas_left, got.canvas_top, got.canvas_width,
			got.canvas_height };
		uint32_t scaled[2] = { got.scaled_width, got.scaled_height };
		if (memcmp(scaled, fits[i].scaled, sizeof(scaled)) != 0 ||
				memcmp(&got.crop, fits[i].crop, sizeof(got.crop)) != 0 ||
				memcmp(canvas, fits[i].canvas, sizeof(canvas)) != 0)
			fail_msg("case %zu: %ux%u, crop %u,%u %ux%u, canvas %u,%u %ux%u", i,
					scaled[0], scaled[1], got.crop.left, got.crop.top,
					got.crop.width, got.crop.height, canvas[0], canvas[1],
					canvas[2], canvas[3]);
		assert_int_equal(got.width, fits[i].canvas[2]);
		assert_int_equal(got.height, fits[i].canvas[3]);
	}
}

static void a_point_of_the_source_falls_on_the_same_point_of_the_box(void **state)
{
	(void)state;
	/* 400 x 200 over 100 x 100: scaled to 200 x 100, 100 px to spare */
	struct slv_pixel_plan plan = plan_of(SLV_FIT_COVER, 100, 100);
	static const double at[] = { 0, 0.25, 0.5, 0.751, 1 };
	static const uint32_t left[] = { 0, 25, 50, 75, 100 };
	for (int i = 0; i < 5; i++) {
		plan.point = (struct slv_point){ at[i], 0.9 };
		struct slv_layout got = made(&plan, 400, 200);
		assert_int_equal(got.crop.left, left[i]);
		assert_int_equal(got.crop.top, 0);
	}
	/* Pads go by it as well: 50 px to spare above and below. */
	plan = plan_of(SLV_FIT_PAD, 100, 100);
	plan.point = (struct slv_point){ 0, 1 };
	assert_int_equal(made(&plan, 400, 200).canvas_top, 50);
	plan.point.y = 0;
	assert_int_equal(made(&plan, 400, 200).canvas_top, 0);
}

static void dpr_multiplies_box_and_border(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_COVER, 101, 50);
	plan.dpr = 1.5;
	plan.border_top = 1;
	plan.border_right = 2;
	plan.border_bottom = 3;
	plan.border_left = 5;
	struct slv_layout got = made(&plan, 1000, 1000);
	assert_int_equal(got.canvas_width, 152); /* 151.5 */
	assert_int_equal(got.canvas_height, 75);
	assert_int_equal(got.border_top, 2); /* 1.5 */
	assert_int_equal(got.border_right, 3);
	assert_int_equal(got.border_bottom, 5); /* 4.5 */
	assert_int_equal(got.border_left, 8);   /* 7.5 */
	assert_int_equal(got.width, 152 + 3 + 8);
	assert_int_equal(got.height, 75 + 2 + 5);
	/* Without a box there is nothing to multiply. */
	plan = plan_of(SLV_FIT_SCALE_DOWN, 0, 0);
	plan.dpr = 2;
	assert_int_equal(made(&plan, 70, 50).width, 70);
}

static void smart_gravity_is_left_to_the_pixels_only_when_there_is_a_choice(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_COVER, 100, 100);
	plan.gravity = SLV_GRAVITY_ENTROPY;
	assert_true(made(&plan, 400, 200).smart);
	assert_false(made(&plan, 200, 200).smart);
	plan.gravity = SLV_GRAVITY_POINT;
	assert_false(made(&plan, 400, 200).smart);
}

/* What each orientation makes of the corner that is stored first. TIFF 6.0: 1 top left, 2 top
 * right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom. */
static void turns_take_the_stored_corner_where_exif_says(void **state)
{
	(void)state;
	static const struct slv_rect shown[] = { [1] = { 0, 0, 1, 1 },
		[2] = { 3, 0, 1, 1 },
		[3] = { 3, 1, 1, 1 },
		[4] = { 0, 1, 1, 1 },
		[5] = { 0, 0, 1, 1 },
		[6] = { 1, 0, 1, 1 },
		[7] = { 1, 3, 1, 1 },
		[8] = { 0, 3, 1, 1 } };
	for (int i = 1; i <= 8; i++) {
		/* stored 4 x 2 */
		struct slv_turn turn = slv_turn_exif(i);
		uint32_t width = i < 5 ? 4 : 2, height = i < 5 ? 2 : 4;
		struct slv_rect stored = slv_turn_back(turn, shown[i], width, height);
		assert_int_equal(stored.left, 0);
		assert_int_equal(stored.top, 0);
		assert_int_equal(turn.swap, i >= 5);
	}
	struct slv_turn none = slv_turn_exif(0), wrong = slv_turn_exif(9);
	assert_false(none.swap || none.flip_h || none.flip_v);
	assert_false(wrong.swap || wrong.flip_h || wrong.flip_v);
}

static void a_flip_comes_before_the_rotation(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_SCALE_DOWN, 0, 0);
	plan.flip = SLV_FLIP_H;
	plan.rotate = 90;
	/* 4 x 2: the stored left top goes right top by the flip, right bottom by the turn (2 x 4).
	 */
	struct slv_turn turn = slv_turn_plan(slv_turn_exif(1), &plan);
	struct slv_rect stored = slv_turn_back(turn, (struct slv_rect){ 1, 3, 1, 1 }, 2, 4);
	assert_int_equal(stored.left, 0);
	assert_int_equal(stored.top, 0);
	/* Four quarters are none. */
	plan = plan_of(SLV_FIT_SCALE_DOWN, 0, 0);
	plan.rotate = 270;
	turn = slv_turn_plan(slv_turn_exif(6), &plan); /* a quarter, and three */
	assert_false(turn.swap || turn.flip_h || turn.flip_v);
}

static void trims_cut_sides_or_a_box(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_SCALE_DOWN, 0, 0);
	struct slv_rect rect;
	assert_false(slv_failed(slv_layout_trim(&arena, &plan, 100, 50, &rect)));
	assert_memory_equal(&rect, (&(struct slv_rect){ 0, 0, 100, 50 }), sizeof(rect));
	plan.trim = SLV_TRIM_SIDES;
	plan.trim_top = 1;
	plan.trim_right = 2;
	plan.trim_bottom = 3;
	plan.trim_left = 4;
	assert_false(slv_failed(slv_layout_trim(&arena, &plan, 100, 50, &rect)));
	assert_memory_equal(&rect, (&(struct slv_rect){ 4, 1, 94, 46 }), sizeof(rect));
	plan.trim = SLV_TRIM_BOX;
	plan.trim_width = 20;
	plan.trim_height = 0;
	assert_false(slv_failed(slv_layout_trim(&arena, &plan, 100, 50, &rect)));
	assert_memory_equal(&rect, (&(struct slv_rect){ 4, 1, 20, 49 }), sizeof(rect));
	plan.trim_width = 4000; /* to the end */
	assert_false(slv_failed(slv_layout_trim(&arena, &plan, 100, 50, &rect)));
	assert_int_equal(rect.width, 96);
}

static void a_trim_that_leaves_nothing_is_an_error(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_SCALE_DOWN, 0, 0);
	struct slv_rect rect;
	plan.trim = SLV_TRIM_SIDES;
	plan.trim_left = 60;
	plan.trim_right = 39;
	assert_false(slv_failed(slv_layout_trim(&arena, &plan, 100, 50, &rect)));
	assert_int_equal(rect.width, 1);
	plan.trim_right = 40;
	assert_int_equal(slv_layout_trim(&arena, &plan, 100, 50, &rect).code, SLV_E_OPTION);
	plan.trim = SLV_TRIM_BOX;
	plan.trim_left = 100;
	assert_int_equal(slv_layout_trim(&arena, &plan, 100, 50, &rect).code, SLV_E_OPTION);
}

static void outputs_are_bounded_by_side_and_by_area(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_CONTAIN, 100, 100);
	struct slv_layout layout;
	plan.limits.output_side_max = 100;
	plan.limits.output_pixels_max = 5000;
	assert_false(slv_failed(slv_layout_make(&arena, &plan, 40, 20, 1, &layout)));
	slv_err err = slv_layout_make(&arena, &plan, 40, 20, 2, &layout);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_non_null(strstr(err.what, "10000"));
	assert_non_null(strstr(err.what, "5000"));
	plan.limits.output_pixels_max = 10000;
	assert_false(slv_failed(slv_layout_make(&arena, &plan, 40, 20, 2, &layout)));
	plan.border_left = 1;
	err = slv_layout_make(&arena, &plan, 40, 20, 1, &layout);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_non_null(strstr(err.what, "101"));
	plan.border_left = 0;
	plan.fit = SLV_FIT_PAD;
	plan.height = 101;
	assert_int_equal(slv_layout_make(&arena, &plan, 40, 20, 1, &layout).code, SLV_E_LIMIT);
}

static void a_strip_blown_up_to_be_cropped_is_bounded(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_COVER, 1000, 1000);
	struct slv_layout layout;
	assert_false(slv_failed(slv_layout_make(&arena, &plan, 1000, 1, 1, &layout)));
	assert_int_equal(layout.scaled_width, 1000000);
	assert_int_equal(slv_layout_make(&arena, &plan, 1001, 1, 1, &layout).code, SLV_E_LIMIT);
	/* The interesting part is looked for in all of it. */
	plan.gravity = SLV_GRAVITY_ATTENTION;
	plan.limits.output_pixels_max = 100000000;
	assert_int_equal(slv_layout_make(&arena, &plan, 101, 1, 1, &layout).code, SLV_E_LIMIT);
	assert_false(slv_failed(slv_layout_make(&arena, &plan, 100, 1, 1, &layout)));
}

static void a_shrunk_layout_keeps_its_proportions(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = plan_of(SLV_FIT_PAD, 400, 400);
	struct slv_layout layout = made(&plan, 800, 400);
	slv_layout_shrink(&layout, 0.25);
	assert_int_equal(layout.scaled_width, 100);
	assert_int_equal(layout.scaled_height, 50);
	assert_int_equal(layout.canvas_width, 100);
	assert_int_equal(layout.canvas_height, 100);
	assert_int_equal(layout.canvas_top, 25);
	/* Whatever the numbers, all parts stay within each other. */
	for (uint32_t w = 1; w < 60; w += 7)
		for (uint32_t h = 1; h < 60; h += 5)
			for (int fit = 0; fit < SLV_FIT_COUNT; fit++) {
				plan = plan_of((enum slv_fit)fit, 33, 47);
				plan.point = (struct slv_point){ 1, 0.7 };
				layout = made(&plan, w, h);
				slv_layout_shrink(&layout, 0.13);
				assert_true(layout.crop.left + layout.crop.width <=
						layout.scaled_width);
				assert_true(layout.crop.top + layout.crop.height <=
						layout.scaled_height);
				assert_true(layout.canvas_left + layout.crop.width <=
						layout.canvas_width);
				assert_true(layout.canvas_top + layout.crop.height <=
						layout.canvas_height);
				assert_true(layout.crop.width > 0 && layout.crop.height > 0);
			}
}

static void overlays_are_placed_from_an_edge_or_centred(void **state)
{
	(void)state;
	assert_int_equal(slv_layout_offset(100, 20, true, 7, false, 0), 7);
	assert_int_equal(slv_layout_offset(100, 20, false, 0, true, 7), 73);
	assert_int_equal(slv_layout_offset(100, 20, false, 0, false, 0), 40);
	assert_int_equal(slv_layout_offset(100, 120, false, 0, false, 0), -10);
	assert_int_equal(slv_layout_offset(100, 120, false, 0, true, 0), -20);
}

int main(void)
{
	slv_arena_init(&arena, 4096, 65536);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fit_gives_the_numbers_of_its_definition),
		cmocka_unit_test(a_point_of_the_source_falls_on_the_same_point_of_the_box),
		cmocka_unit_test(dpr_multiplies_box_and_border),
		cmocka_unit_test(smart_gravity_is_left_to_the_pixels_only_when_there_is_a_choice),
		cmocka_unit_test(turns_take_the_stored_corner_where_exif_says),
		cmocka_unit_test(a_flip_comes_before_the_rotation),
		cmocka_unit_test(trims_cut_sides_or_a_box),
		cmocka_unit_test(a_trim_that_leaves_nothing_is_an_error),
		cmocka_unit_test(outputs_are_bounded_by_side_and_by_area),
		cmocka_unit_test(a_strip_blown_up_to_be_cropped_is_bounded),
		cmocka_unit_test(a_shrunk_layout_keeps_its_proportions),
		cmocka_unit_test(overlays_are_placed_from_an_edge_or_centred),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	slv_arena_done(&arena);
	return failed;
}
