/* test_pixels.c - what comes out of a real jail, pixel by pixel
 *
 * Sources are flat quarters, red and green over blue and yellow, so that each pixel of a result
 * is known. Results are PNG, exact; away from edges resampling leaves flat areas as they are.
 */
#include "base/testing.h"

#include "jail/image/testjail.h"
#include "jail/image/testpicture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct slv_testjail jail;

static slv_str quarters_png(int width, int height)
{
	return slv_testpicture_file(slv_testpicture_quarters(width, height), ".png", true);
}

static struct slv_pixel_plan png_plan(void)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_PNG;
	return plan;
}

/* Send, expect success, decode. Takes `source`. */
static VipsImage *done_with(const struct slv_pixel_plan *plan, slv_str source, const slv_str *draws,
		struct slv_pixel_result *ret_result)
{
	struct slv_testjail_answer answer;
	if (!slv_testjail_ask(&jail, plan, source, draws, &answer))
		fail_msg("the jail died");
	if (answer.result.code != 0)
		fail_msg("%s", answer.result.what);
	VipsImage *image = slv_testpicture_decode(answer.bytes);
	assert_int_equal(image->Xsize, answer.result.width);
	assert_int_equal(image->Ysize, answer.result.height * answer.result.frames);
	if (ret_result)
		*ret_result = answer.result;
	slv_testjail_answer_done(&answer);
	slv_testpicture_free(source);
	return image;
}

static VipsImage *done(const struct slv_pixel_plan *plan, slv_str source)
{
	return done_with(plan, source, NULL, NULL);
}

/* The four quarters of `image` within `left`, `top`, `width`, `height`: their middles and, away
 * from the seams, their corners. */
static void check_quarters(VipsImage *image, int left, int top, int width, int height,
		const struct slv_testcolour colours[4], int slack)
{
	for (int i = 0; i < 4; i++) {
		int x = left + (i % 2) * width / 2, y = top + (i / 2) * height / 2;
		int w = width / 2, h = height / 2;
		slv_testpicture_pixel(image, x + w / 2, y + h / 2, colours[i], slack);
		/* The outer corner of each. */
		int cx = i % 2 ? left + width - 1 : left, cy = i / 2 ? top + height - 1 : top;
		slv_testpicture_pixel(image, cx, cy, colours[i], slack);
	}
}

static const struct slv_testcolour upright[4] = { { { 255, 0, 0, 255 } }, { { 0, 255, 0, 255 } },
	{ { 0, 0, 255, 255 } }, { { 255, 255, 0, 255 } } };

static void size_is(VipsImage *image, int width, int height)
{
	assert_int_equal(image->Xsize, width);
	assert_int_equal(image->Ysize, height);
}

static void a_smaller_box_shrinks(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.width = 60;
	plan.height = 60;
	struct slv_pixel_result result;
	VipsImage *image = done_with(&plan, quarters_png(240, 120), NULL, &result);
	size_is(image, 60, 30);
	check_quarters(image, 0, 0, 60, 30, upright, 0);
	g_object_unref(image);
	assert_int_equal(result.format, SLV_FORMAT_PNG);
	assert_int_equal(result.source_format, SLV_FORMAT_PNG);
	assert_int_equal(result.source_width, 240);
	assert_int_equal(result.source_height, 120);
	assert_int_equal(result.source_frames, 1);
	assert_int_equal(result.orientation, 1);
	assert_false(result.source_alpha);
	assert_true(result.decode_us > 0 && result.encode_us > 0 && result.rss_kib > 0);
	assert_int_equal(result.jobs, jail.jobs);
}

static void cover_cuts_by_gravity(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.fit = SLV_FIT_COVER;
	plan.width = 40;
	plan.height = 80;
	/* 160 x 80 is not scaled; 40 of 160 columns are kept. */
	plan.point = (struct slv_point){ 0, 0.5 };
	VipsImage *image = done(&plan, quarters_png(160, 80));
	size_is(image, 40, 80);
	slv_testpicture_pixel(image, 39, 0, SLV_RED, 0);
	slv_testpicture_pixel(image, 39, 79, SLV_BLUE, 0);
	g_object_unref(image);
	plan.point.x = 1;
	image = done(&plan, quarters_png(160, 80));
	slv_testpicture_pixel(image, 0, 0, SLV_GREEN, 0);
	slv_testpicture_pixel(image, 0, 79, SLV_YELLOW, 0);
	g_object_unref(image);
	/* In the middle: from 60 on, with the seam at 80. */
	plan.point.x = 0.5;
	image = done(&plan, quarters_png(160, 80));
	slv_testpicture_pixel(image, 19, 39, SLV_RED, 0);
	slv_testpicture_pixel(image, 20, 39, SLV_GREEN, 0);
	slv_testpicture_pixel(image, 19, 40, SLV_BLUE, 0);
	slv_testpicture_pixel(image, 20, 40, SLV_YELLOW, 0);
	g_object_unref(image);
}

static void contain_and_scale_up_enlarge_others_do_not(void **state)
{
	(void)state;
	for (int fit = 0; fit < SLV_FIT_COUNT; fit++) {
		struct slv_pixel_plan plan = png_plan();
		plan.fit = (uint8_t)fit;
		plan.width = plan.height = 80;
		VipsImage *image = done(&plan, quarters_png(40, 20));
		bool over = fit == SLV_FIT_COVER || fit == SLV_FIT_SQUEEZE || fit == SLV_FIT_PAD;
		if (fit == SLV_FIT_CONTAIN || fit == SLV_FIT_SCALE_UP)
			size_is(image, 80, 40);
		else if (over)
			size_is(image, 80, 80);
		else if (fit == SLV_FIT_ASPECT_CROP)
			size_is(image, 20, 20);
		else
			size_is(image, 40, 20);
		if (fit != SLV_FIT_PAD)
			check_quarters(image, 0, 0, image->Xsize, image->Ysize, upright, 0);
		g_object_unref(image);
	}
}

static void pad_puts_background_around(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.fit = SLV_FIT_PAD;
	plan.width = 100;
	plan.height = 80;
	plan.background = (struct slv_colour){ 10, 20, 30, 255 };
	plan.point = (struct slv_point){ 0, 1 };
	const struct slv_testcolour back = { { 10, 20, 30, 255 } };
	VipsImage *image = done(&plan, quarters_png(40, 20));
	size_is(image, 100, 80);
	check_quarters(image, 0, 60, 40, 20, upright, 0);
	slv_testpicture_pixel(image, 0, 59, back, 0);
	slv_testpicture_pixel(image, 40, 79, back, 0);
	slv_testpicture_pixel(image, 99, 0, back, 0);
	g_object_unref(image);
	/* A translucent one stays so. */
	plan.background.a = 0;
	image = done(&plan, quarters_png(40, 20));
	slv_testpicture_pixel(image, 0, 59, SLV_CLEAR, 0);
	check_quarters(image, 0, 60, 40, 20, upright, 0);
	g_object_unref(image);
}

static void dpr_multiplies_the_size(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.width = 30;
	plan.dpr = 2;
	VipsImage *image = done(&plan, quarters_png(240, 120));
	size_is(image, 60, 30);
	check_quarters(image, 0, 0, 60, 30, upright, 0);
	g_object_unref(image);
}

static void rotate_and_flip_move_the_quarters(void **state)
{
	(void)state;
	/* r g / b y, by hand: what stands where after each */
	static const struct {
		int rotate, flip;
		const char *quarters;
	} cases[] = { { 0, 0, "rgby" }, { 90, 0, "bryg" }, { 180, 0, "ybgr" }, { 270, 0, "gyrb" },
		{ 0, SLV_FLIP_H, "gryb" }, { 0, SLV_FLIP_V, "byrg" },
		{ 0, SLV_FLIP_H | SLV_FLIP_V, "ybgr" },
		/* flipped first: g r / y b a quarter on; b y / r g a quarter back */
		{ 90, SLV_FLIP_H, "ygbr" }, { 270, SLV_FLIP_V, "ygbr" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slv_pixel_plan plan = png_plan();
		plan.rotate = (uint16_t)cases[i].rotate;
		plan.flip = (uint8_t)cases[i].flip;
		bool turned = cases[i].rotate % 180 != 0;
		plan.width = turned ? 30 : 60; /* of the turned picture */
		VipsImage *image = done(&plan, quarters_png(120, 60));
		struct slv_testcolour want[4];
		for (int k = 0; k < 4; k++)
			want[k] = upright[strchr("rgby", cases[i].quarters[k]) - "rgby"];
		size_is(image, turned ? 30 : 60, turned ? 60 : 30);
		check_quarters(image, 0, 0, image->Xsize, image->Ysize, want, 0);
		g_object_unref(image);
	}
}

static void sides_and_boxes_are_trimmed(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.trim = SLV_TRIM_SIDES;
	plan.trim_top = 10;
	plan.trim_right = 20;
	plan.trim_bottom = 10;
	plan.trim_left = 20;
	VipsImage *image = done(&plan,
			slv_testpicture_file(slv_testpicture_on(slv_testpicture_quarters(80, 40),
							     20, 10, 120, 60, SLV_BLACK),
					".png", true));
	size_is(image, 80, 40);
	check_quarters(image, 0, 0, 80, 40, upright, 0);
	g_object_unref(image);
	plan.trim = SLV_TRIM_BOX;
	plan.trim_width = 40;
	plan.trim_height = 20;
	plan.width = 20;
	image = done(&plan,
			slv_testpicture_file(slv_testpicture_on(slv_testpicture_quarters(80, 40),
							     20, 10, 120, 60, SLV_BLACK),
					".png", true));
	size_is(image, 20, 10);
	slv_testpicture_pixel(image, 10, 5, SLV_RED, 0);
	g_object_unref(image);
}

static void a_border_is_found_and_trimmed(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.trim = SLV_TRIM_BORDER;
	plan.trim_tolerance = 5;
	for (uint32_t keep = 0; keep <= 30; keep += 5) {
		plan.trim_keep = keep;
		VipsImage *image = done(&plan,
				slv_testpicture_file(
						slv_testpicture_on(slv_testpicture_quarters(80, 40),
								20, 10, 120, 60, SLV_WHITE),
						".png", true));
		uint32_t across = keep < 20 ? keep : 20, down = keep < 10 ? keep : 10;
		size_is(image, (int)(80 + 2 * across), (int)(40 + 2 * down));
		check_quarters(image, (int)across, (int)down, 80, 40, upright, 0);
		g_object_unref(image);
	}
	/* Of a colour that is not there: nothing is cut. */
	plan.trim_keep = 0;
	plan.trim_colour = (struct slv_colour){ 1, 2, 3, 255 };
	VipsImage *image = done(&plan, quarters_png(40, 20));
	size_is(image, 40, 20);
	g_object_unref(image);
	/* A picture of the border's colour alone is left as it is. */
	plan.trim_colour.a = 0;
	image = done(&plan,
			slv_testpicture_file(slv_testpicture_plain(9, 8, SLV_RED), ".png", true));
	size_is(image, 9, 8);
	g_object_unref(image);
	/* The tolerance is inclusive. */
	const struct slv_testcolour near = { { 250, 255, 255, 255 } };
	plan.trim_tolerance = 5;
	image = done(&plan,
			slv_testpicture_file(slv_testpicture_on(slv_testpicture_plain(9, 9, near),
							     3, 3, 20, 20, SLV_WHITE),
					".png", true));
	size_is(image, 20, 20);
	g_object_unref(image);
	plan.trim_tolerance = 4;
	image = done(&plan,
			slv_testpicture_file(slv_testpicture_on(slv_testpicture_plain(9, 9, near),
							     3, 3, 20, 20, SLV_WHITE),
					".png", true));
	size_is(image, 9, 9);
	g_object_unref(image);
}

/* `logo`, which it takes, at 15, 10 on 60 x 40 of nothing, whose hidden colour is `behind`. */
static slv_str on_nothing(VipsImage *logo, struct slv_testcolour behind)
{
	behind.c[3] = 0;
	return slv_testpicture_file(
			slv_testpicture_on(logo, 15, 10, 60, 40, behind), ".png", false);
}

static void a_border_that_is_not_seen_is_trimmed_by_its_opacity(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.trim = SLV_TRIM_BORDER;
	plan.trim_tolerance = 10;
	const struct slv_testcolour hidden[] = { SLV_CLEAR, SLV_WHITE, SLV_RED };
	for (int i = 0; i < 3; i++) {
		VipsImage *image = done(&plan,
				on_nothing(slv_testpicture_plain(30, 20, SLV_WHITE), hidden[i]));
		size_is(image, 30, 20);
		slv_testpicture_pixel(image, 0, 0, SLV_WHITE, 0);
		slv_testpicture_pixel(image, 29, 19, SLV_WHITE, 0);
		g_object_unref(image);
		/* Black, but its right third. */
		image = done(&plan, on_nothing(slv_testpicture_on(slv_testpicture_plain(
										  10, 20, SLV_RED),
							       20, 0, 30, 20, SLV_BLACK),
						    hidden[i]));
		size_is(image, 30, 20);
		slv_testpicture_pixel(image, 0, 0, SLV_BLACK, 0);
		slv_testpicture_pixel(image, 29, 19, SLV_RED, 0);
		g_object_unref(image);
		image = done(&plan,
				on_nothing(slv_testpicture_plain(30, 20, SLV_BLACK), hidden[i]));
		size_is(image, 30, 20);
		slv_testpicture_pixel(image, 29, 0, SLV_BLACK, 0);
		g_object_unref(image);
	}
	/* The tolerance is one of opacity then, and inclusive. */
	for (int opacity = 10; opacity <= 11; opacity++) {
		VipsImage *halo = slv_testpicture_on(slv_testpicture_plain(20, 10, SLV_BLACK), 5, 5,
				30, 20, SLV_INK(0, 0, 0, (uint8_t)opacity));
		VipsImage *image = done(&plan, on_nothing(halo, SLV_CLEAR));
		if (opacity > plan.trim_tolerance)
			size_is(image, 30, 20);
		else
			size_is(image, 20, 10);
		g_object_unref(image);
	}
	/* All of it unseen: nothing is cut. */
	VipsImage *image = done(
			&plan, on_nothing(slv_testpicture_plain(30, 20, SLV_CLEAR), SLV_WHITE));
	size_is(image, 60, 40);
	g_object_unref(image);
	/* With a colour named, that is border, and what is not seen as well. */
	plan.trim_colour = (struct slv_colour){ 0, 0, 0, 255 };
	image = done(&plan, on_nothing(slv_testpicture_on(slv_testpicture_plain(10, 20, SLV_RED),
						       20, 0, 30, 20, SLV_BLACK),
					    SLV_WHITE));
	size_is(image, 10, 20);
	slv_testpicture_pixel(image, 0, 0, SLV_RED, 0);
	g_object_unref(image);
}

static void jpeg_is_halved_while_decoding_and_trims_stay_exact(void **state)
{
	(void)state;
	/* 1600 x 800 → 100: decoded at a fraction. Flat areas of JPEG are right within 2. */
	struct slv_pixel_plan plan = png_plan();
	plan.width = 100;
	VipsImage *image = done(&plan, slv_testpicture_file(slv_testpicture_quarters(1600, 800),
						       ".jpg[Q=95,subsample_mode=off]", true));
	size_is(image, 100, 50);
	check_quarters(image, 0, 0, 100, 50, upright, 3);
	g_object_unref(image);
	/* Cut a block behind the seam: nothing of the left half may be seen. */
	plan.trim = SLV_TRIM_SIDES;
	plan.trim_left = 808;
	image = done(&plan, slv_testpicture_file(slv_testpicture_quarters(1600, 800),
					    ".jpg[Q=95,subsample_mode=off]", true));
	size_is(image, 100, 101);
	slv_testpicture_pixel(image, 0, 0, SLV_GREEN, 3);
	slv_testpicture_pixel(image, 0, 100, SLV_YELLOW, 3);
	g_object_unref(image);
}

static void exif_orientations_are_undone(void **state)
{
	(void)state;
	/* The quarters of a stored r g / b y as each orientation shows it. */
	static const char *const shown[] = { "", "rgby", "gryb", "ybgr", "byrg", "rbgy", "bryg",
		"ygbr", "gyrb" };
	for (int o = 1; o <= 8; o++) {
		VipsImage *stored = slv_testpicture_quarters(160, 80), *copy;
		vips_copy(stored, &copy, NULL);
		g_object_unref(stored);
		vips_image_set_int(copy, VIPS_META_ORIENTATION, o);
		slv_str file = slv_testpicture_file(copy, ".jpg[Q=95,subsample_mode=off]", true);
		struct slv_pixel_plan plan = png_plan();
		plan.width = o < 5 ? 80 : 40;
		struct slv_pixel_result result;
		VipsImage *image = done_with(&plan, file, NULL, &result);
		size_is(image, o < 5 ? 80 : 40, o < 5 ? 40 : 80);
		struct slv_testcolour want[4];
		for (int k = 0; k < 4; k++)
			want[k] = upright[strchr("rgby", shown[o][k]) - "rgby"];
		check_quarters(image, 0, 0, image->Xsize, image->Ysize, want, 3);
		g_object_unref(image);
		assert_int_equal(result.orientation, o);
		assert_int_equal(result.source_width, o < 5 ? 160 : 80);
		assert_int_equal(result.source_height, o < 5 ? 80 : 160);
	}
}

static void cmyk_becomes_rgb(void **state)
{
	(void)state;
	/* Full magenta and yellow is a red, in any profile: much red, little green and blue. */
	uint8_t cmyk[16 * 16 * 4];
	for (int i = 0; i < 16 * 16; i++)
		memcpy(cmyk + i * 4, (uint8_t[]){ 0, 255, 255, 0 }, 4);
	VipsImage *raw = vips_image_new_from_memory_copy(
			cmyk, sizeof(cmyk), 16, 16, 4, VIPS_FORMAT_UCHAR);
	VipsImage *image;
	vips_copy(raw, &image, "interpretation", VIPS_INTERPRETATION_CMYK, NULL);
	g_object_unref(raw);
	struct slv_pixel_plan plan = png_plan();
	VipsImage *out = done(&plan, slv_testpicture_file(image, ".jpg[Q=100]", false));
	const uint8_t *got = VIPS_IMAGE_ADDR(out, 8, 8);
	assert_true(got[0] > 200 && got[1] < 60 && got[2] < 60);
	g_object_unref(out);
}

static void sixteen_bits_become_eight(void **state)
{
	(void)state;
	VipsImage *eight = slv_testpicture_quarters(40, 20), *wide;
	assert_int_equal(vips_colourspace(eight, &wide, VIPS_INTERPRETATION_RGB16, NULL), 0);
	g_object_unref(eight);
	struct slv_pixel_plan plan = png_plan();
	slv_str file = slv_testpicture_file(wide, ".png[bitdepth=16]", true);
	assert_int_equal(file.at[24], 16); /* IHDR: depth */
	struct slv_testjail_answer answer;
	assert_true(slv_testjail_ask(&jail, &plan, file, NULL, &answer));
	assert_int_equal(answer.bytes.at[24], 8);
	VipsImage *image = slv_testpicture_decode(answer.bytes);
	check_quarters(image, 0, 0, 40, 20, upright, 0);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);
	slv_testpicture_free(file);
}

static void transparency_is_kept_or_filled(void **state)
{
	(void)state;
	const struct slv_testcolour half = { { 255, 0, 0, 128 } };
	struct slv_pixel_plan plan = png_plan();
	slv_str file = slv_testpicture_file(slv_testpicture_plain(20, 20, half), ".png", false);
	plan.width = 10;
	struct slv_pixel_result result;
	VipsImage *image = done_with(&plan, file, NULL, &result);
	assert_true(result.source_alpha);
	slv_testpicture_pixel(image, 5, 5, half, 1);
	g_object_unref(image);

	/* 128/255 of red over a blue: 128, 0, 127 */
	plan.has_background = true;
	plan.background = (struct slv_colour){ 0, 0, 255, 255 };
	file = slv_testpicture_file(slv_testpicture_plain(20, 20, half), ".png", false);
	image = done(&plan, file);
	slv_testpicture_pixel(image, 5, 5, SLV_INK(128, 0, 127, 255), 2);
	g_object_unref(image);

	/* Over a half blue: alpha 1 - 127/255 * 127/255 = 192; red share 128/192. */
	plan.background.a = 128;
	file = slv_testpicture_file(slv_testpicture_plain(20, 20, half), ".png", false);
	image = done(&plan, file);
	slv_testpicture_pixel(image, 5, 5, SLV_INK(170, 0, 85, 192), 3);
	g_object_unref(image);

	/* JPEG has no alpha: filled though nobody asked. */
	plan.has_background = false;
	plan.background = (struct slv_colour){ 255, 255, 255, 255 };
	plan.format = SLV_FORMAT_JPEG;
	file = slv_testpicture_file(slv_testpicture_plain(20, 20, half), ".png", false);
	image = done(&plan, file);
	slv_testpicture_pixel(image, 5, 5, SLV_INK(255, 127, 127, 255), 3);
	g_object_unref(image);
}

static void colours_do_not_bleed_out_of_transparent_pixels(void **state)
{
	(void)state;
	/* Left half a transparent green, right half an opaque red, shrunk: no green at the seam. */
	const struct slv_testcolour ghost = { { 0, 255, 0, 0 } };
	slv_str file = slv_testpicture_file(
			slv_testpicture_on(slv_testpicture_plain(100, 200, SLV_RED), 100, 0, 200,
					200, ghost),
			".png", false);
	struct slv_pixel_plan plan = png_plan();
	plan.width = 21;
	VipsImage *image = done(&plan, file);
	for (int x = 0; x < 21; x++) {
		const uint8_t *got = VIPS_IMAGE_ADDR(image, x, 10);
		if (got[3] > 16)
			assert_true(got[1] < 16 && got[0] > 239);
	}
	slv_testpicture_pixel(image, 1, 10, SLV_CLEAR, 2);
	slv_testpicture_pixel(image, 19, 10, SLV_RED, 2);
	g_object_unref(image);
}

static void a_border_goes_around(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = png_plan();
	plan.width = 40;
	plan.dpr = 1;
	plan.border_top = 1;
	plan.border_right = 2;
	plan.border_bottom = 3;
	plan.border_left = 4;
	plan.border_colour = (struct slv_colour){ 9, 8, 7, 255 };
	VipsImage *image = done(&plan, quarters_png(80, 40));
	size_is(image, 46, 24);
	check_quarters(image, 4, 1, 40, 20, upright, 0);
	const struct slv_testcolour ink = { { 9, 8, 7, 255 } };
	slv_testpicture_pixel(image, 3, 10, ink, 0);
	slv_testpicture_pixel(image, 44, 10, ink, 0);
	slv_testpicture_pixel(image, 20, 0, ink, 0);
	slv_testpicture_pixel(image, 20, 21, ink, 0);
	g_object_unref(image);
}

static VipsImage *drawn(const struct slv_pixel_draw *draw, struct slv_testcolour overlay, int width,
		int height)
{
	struct slv_pixel_plan plan = png_plan();
	plan.draw_count = 1;
	plan.draw[0] = *draw;
	slv_str over = slv_testpicture_file(
			slv_testpicture_plain(width, height, overlay), ".png", false);
	VipsImage *image = done_with(&plan,
			slv_testpicture_file(
					slv_testpicture_plain(100, 60, SLV_WHITE), ".png", true),
			&over, NULL);
	slv_testpicture_free(over);
	return image;
}

static void overlays_lie_where_they_should(void **state)
{
	(void)state;
	struct slv_pixel_draw draw = { .opacity = 1 };
	VipsImage *image = drawn(&draw, SLV_BLUE, 20, 10); /* centred: 40…59, 25…34 */
	slv_testpicture_pixel(image, 40, 25, SLV_BLUE, 0);
	slv_testpicture_pixel(image, 59, 34, SLV_BLUE, 0);
	slv_testpicture_pixel(image, 39, 25, SLV_WHITE, 0);
	slv_testpicture_pixel(image, 60, 34, SLV_WHITE, 0);
	slv_testpicture_pixel(image, 40, 24, SLV_WHITE, 0);
	g_object_unref(image);

	draw.edges = SLV_EDGE_RIGHT | SLV_EDGE_BOTTOM;
	draw.right = 5;
	draw.bottom = 7;
	draw.opacity = 0.5;
	draw.rotate = 90;
	image = drawn(&draw, SLV_BLACK, 20, 10); /* 10 x 20: 85…94, 33…52 */
	const struct slv_testcolour grey = { { 127, 127, 127, 255 } };
	slv_testpicture_pixel(image, 85, 33, grey, 1);
	slv_testpicture_pixel(image, 94, 52, grey, 1);
	slv_testpicture_pixel(image, 95, 52, SLV_WHITE, 0);
	slv_testpicture_pixel(image, 94, 53, SLV_WHITE, 0);
	g_object_unref(image);

	draw = (struct slv_pixel_draw){ .opacity = 1,
		.width = 10,
		.height = 10,
		.fit = SLV_FIT_PAD,
		.point = { 0.5, 0.5 },
		.edges = SLV_EDGE_LEFT | SLV_EDGE_TOP,
		.background = { 0, 255, 0, 255 } };
	image = drawn(&draw, SLV_BLUE, 20, 10); /* 10 x 5 in the middle of 10 x 10 of green */
	slv_testpicture_pixel(image, 0, 0, SLV_GREEN, 0);
	slv_testpicture_pixel(image, 5, 5, SLV_BLUE, 0);
	slv_testpicture_pixel(image, 9, 9, SLV_GREEN, 0);
	slv_testpicture_pixel(image, 10, 9, SLV_WHITE, 0);
	g_object_unref(image);
}

static void overlays_repeat(void **state)
{
	(void)state;
	/* 4 x 4 blue in 20 x 10: one at 3,1, then every 20 px, to both sides. */
	slv_str over = slv_testpicture_file(
			slv_testpicture_on(slv_testpicture_plain(4, 4, SLV_BLUE), 0, 0, 20, 10,
					SLV_CLEAR),
			".png", false);
	struct slv_pixel_plan plan = png_plan();
	plan.draw_count = 1;
	plan.draw[0] = (struct slv_pixel_draw){ .opacity = 1,
		.repeat = SLV_REPEAT_X | SLV_REPEAT_Y,
		.edges = SLV_EDGE_LEFT | SLV_EDGE_TOP,
		.left = 3,
		.top = 11 };
	for (int both = 1; both >= 0; both--) {
		if (!both)
			plan.draw[0].repeat = SLV_REPEAT_X;
		VipsImage *image = done_with(&plan,
				slv_testpicture_file(slv_testpicture_plain(100, 60, SLV_WHITE),
						".png", true),
				&over, NULL);
		for (int y = 0; y < 60; y += 1)
			for (int x = 0; x < 100; x += 1) {
				bool row = both ? (y + 9) % 10 < 4 : y >= 11 && y < 15;
				bool blue = (x + 17) % 20 < 4 && row;
				slv_testpicture_pixel(image, x, y, blue ? SLV_BLUE : SLV_WHITE, 0);
			}
		g_object_unref(image);
	}
	slv_testpicture_free(over);
}

static void overlays_compose_as_porter_and_duff_say(void **state)
{
	(void)state;
	/* An opaque blue, 20 x 10 in the middle of an opaque white: inside, outside. */
	const struct {
		enum slv_composite mode;
		struct slv_testcolour in, out;
	} cases[] = {
		{ SLV_COMPOSITE_OVER, SLV_BLUE, SLV_WHITE },
		{ SLV_COMPOSITE_IN, SLV_BLUE, SLV_CLEAR },
		{ SLV_COMPOSITE_ATOP, SLV_BLUE, SLV_WHITE },
		{ SLV_COMPOSITE_OUT, SLV_CLEAR, SLV_CLEAR },
		{ SLV_COMPOSITE_XOR, SLV_CLEAR, SLV_WHITE },
		{ SLV_COMPOSITE_LIGHTER, SLV_WHITE, SLV_WHITE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slv_pixel_draw draw = { .opacity = 1, .composite = (uint8_t)cases[i].mode };
		VipsImage *image = drawn(&draw, SLV_BLUE, 20, 10);
		slv_testpicture_pixel(image, 50, 30, cases[i].in, 0);
		slv_testpicture_pixel(image, 5, 5, cases[i].out, 0);
		g_object_unref(image);
	}
}

static void filters_do_what_their_numbers_say(void **state)
{
	(void)state;
	const struct slv_testcolour ink = { { 100, 150, 50, 255 } };
	struct {
		double brightness, contrast, saturation, gamma, sharpen, blur;
		double want[3];
	} cases[] = {
		{ 1.5, 1, 1, 1, 0, 0, { 150, 225, 75 } },
		{ 2, 1, 1, 1, 0, 0, { 200, 255, 100 } },
		{ 1, 2, 1, 1, 0, 0, { 72.5, 172.5, 0 } },
		{ 1, 1, 1, 2, 0, 0,
				{ 255 * sqrt(100 / 255.0), 255 * sqrt(150 / 255.0),
						255 * sqrt(50 / 255.0) } },
		/* luma 0.213 * 100 + 0.715 * 150 + 0.072 * 50 = 132.15 */
		{ 1, 1, 0, 1, 0, 0, { 132.15, 132.15, 132.15 } },
		{ 1, 1, 2, 1, 0, 0, { 67.85, 167.85, 0 } },
		/* flat areas have nothing to sharpen or to blur */
		{ 1, 1, 1, 1, 10, 0, { 100, 150, 50 } },
		{ 1, 1, 1, 1, 0, 10, { 100, 150, 50 } },
		{ 1, 1, 1, 1, 0, 250, { 100, 150, 50 } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slv_pixel_plan plan = png_plan();
		plan.brightness = cases[i].brightness;
		plan.contrast = cases[i].contrast;
		plan.saturation = cases[i].saturation;
		plan.gamma = cases[i].gamma;
		plan.sharpen = cases[i].sharpen;
		plan.blur = cases[i].blur;
		VipsImage *image =
				done(&plan, slv_testpicture_file(slv_testpicture_plain(64, 48, ink),
							    ".png", true));
		struct slv_testcolour want = { { (uint8_t)lround(cases[i].want[0]),
				(uint8_t)lround(cases[i].want[1]),
				(uint8_t)lround(cases[i].want[2]), 255 } };
		slv_testpicture_pixel(image, 0, 0, want, 1);
		slv_testpicture_pixel(image, 32, 24, want, 1);
		slv_testpicture_pixel(image, 63, 47, want, 1);
		g_object_unref(image);
	}
}

static void sharpening_overshoots_by_its_weight_and_keeps_alpha(void **state)
{
	(void)state;
	/* 100 beside 200: three of eight neighbours differ, so 100 - 2 / 16 * 3 * 100 = 62.5. */
	const struct slv_testcolour dark = { { 100, 100, 100, 200 } };
	const struct slv_testcolour light = { { 200, 200, 200, 200 } };
	struct slv_pixel_plan plan = png_plan();
	plan.sharpen = 2;
	VipsImage *image = done(&plan,
			slv_testpicture_file(slv_testpicture_on(slv_testpicture_plain(20, 20, dark),
							     0, 0, 40, 20, light),
					".png", false));
	slv_testpicture_pixel(image, 19, 10, SLV_INK(62, 62, 62, 200), 1);
	slv_testpicture_pixel(image, 20, 10, SLV_INK(238, 238, 238, 200), 1);
	slv_testpicture_pixel(image, 10, 10, dark, 0);
	g_object_unref(image);
}

static void blur_follows_the_normal_distribution(void **state)
{
	(void)state;
	/* A black and white edge: at distance d from it 255 * Phi(d / sigma), sigma = blur / 2. */
	for (double amount = 8; amount <= 80; amount += 36) {
		struct slv_pixel_plan plan = png_plan();
		plan.blur = amount;
		VipsImage *image = done(&plan,
				slv_testpicture_file(
						slv_testpicture_on(slv_testpicture_plain(300, 50,
										   SLV_BLACK),
								0, 0, 600, 50, SLV_WHITE),
						".png", true));
		size_is(image, 600, 50);
		for (int x = 250; x < 350; x += 7) {
			double phi = 0.5 * (1 + erf((x + 0.5 - 300) / (amount / 2) / sqrt(2)));
			uint8_t want = (uint8_t)lround(255 * phi);
			slv_testpicture_pixel(image, x, 25, SLV_INK(want, want, want, 255), 12);
		}
		g_object_unref(image);
	}
}

static void smart_crops_keep_what_is_there_to_see(void **state)
{
	(void)state;
	/* A detailed, colourful patch at the right end of a flat grey. */
	const struct slv_testcolour grey = { { 128, 128, 128, 255 } };
	for (int gravity = SLV_GRAVITY_ENTROPY; gravity < SLV_GRAVITY_COUNT; gravity++) {
		VipsImage *canvas = slv_testpicture_plain(300, 100, grey);
		for (int y = 30; y < 70; y += 4)
			for (int x = 230; x < 270; x += 4) {
				VipsImage *out;
				VipsImage *dot = slv_testpicture_plain(
						4, 4, (x + y) % 8 < 4 ? SLV_RED : SLV_YELLOW);
				vips_insert(canvas, dot, &out, x, y, NULL);
				g_object_unref(canvas);
				g_object_unref(dot);
				canvas = out;
			}
		struct slv_pixel_plan plan = png_plan();
		plan.fit = SLV_FIT_COVER;
		plan.gravity = (uint8_t)gravity;
		plan.width = plan.height = 100;
		VipsImage *out = done(&plan, slv_testpicture_file(canvas, ".png", true));
		size_is(out, 100, 100);
		int colourful = 0;
		for (int y = 0; y < 100; y++)
			for (int x = 0; x < 100; x++)
				colourful += VIPS_IMAGE_ADDR(out, x, y)[2] < 64;
		assert_true(colourful > 1500); /* of 1,600 */
		g_object_unref(out);
	}
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_smaller_box_shrinks),
		cmocka_unit_test(cover_cuts_by_gravity),
		cmocka_unit_test(contain_and_scale_up_enlarge_others_do_not),
		cmocka_unit_test(pad_puts_background_around),
		cmocka_unit_test(dpr_multiplies_the_size),
		cmocka_unit_test(rotate_and_flip_move_the_quarters),
		cmocka_unit_test(sides_and_boxes_are_trimmed),
		cmocka_unit_test(a_border_is_found_and_trimmed),
		cmocka_unit_test(a_border_that_is_not_seen_is_trimmed_by_its_opacity),
		cmocka_unit_test(jpeg_is_halved_while_decoding_and_trims_stay_exact),
		cmocka_unit_test(exif_orientations_are_undone),
		cmocka_unit_test(cmyk_becomes_rgb),
		cmocka_unit_test(sixteen_bits_become_eight),
		cmocka_unit_test(transparency_is_kept_or_filled),
		cmocka_unit_test(colours_do_not_bleed_out_of_transparent_pixels),
		cmocka_unit_test(a_border_goes_around),
		cmocka_unit_test(overlays_lie_where_they_should),
		cmocka_unit_test(overlays_repeat),
		cmocka_unit_test(overlays_compose_as_porter_and_duff_say),
		cmocka_unit_test(filters_do_what_their_numbers_say),
		cmocka_unit_test(sharpening_overshoots_by_its_weight_and_keeps_alpha),
		cmocka_unit_test(blur_follows_the_normal_distribution),
		cmocka_unit_test(smart_crops_keep_what_is_there_to_see),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
