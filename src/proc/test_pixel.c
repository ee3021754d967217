#include "base/testing.h"

#include "base/attr.h"
#include "proc/pixel.h"

#include <math.h>
#include <string.h>

/* A plan that is right, for tests to spoil. */
static struct slv_pixel_plan good_plan(void)
{
	struct slv_pixel_plan plan = { .magic = SLV_PIXEL_MAGIC,
		.fallback = SLV_FORMAT_WEBP,
		.dpr = 1,
		.brightness = 1,
		.contrast = 1,
		.saturation = 1,
		.gamma = 1,
		.draw_count = SLV_PIXEL_DRAWS_MAX,
		.limits = { 100, 100, 1, 100, SLV_PIXEL_SIDE_MAX, 100 } };
	memset(plan.quality, 80, sizeof(plan.quality));
	return plan;
}

static void a_plan_in_range_is_ok(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = good_plan();
	assert_true(slv_pixel_plan_ok(&plan));
	plan.width = plan.height = SLV_PIXEL_SIDE_MAX;
	plan.dpr = 8;
	plan.blur = 250;
	plan.sharpen = 10;
	plan.point = (struct slv_point){ 1, 1 };
	plan.rotate = 270;
	plan.flip = 3;
	memset(plan.quality, 100, sizeof(plan.quality));
	memset(plan.effort, 10, sizeof(plan.effort));
	plan.draw[3] = (struct slv_pixel_draw){ .opacity = 1, .edges = 3, .repeat = 3 };
	assert_true(slv_pixel_plan_ok(&plan));
	plan.fallback = SLV_FORMAT_SAME;
	plan.avoid = SLV_BIT(SLV_FORMAT_AVIF);
	assert_true(slv_pixel_plan_ok(&plan));
}

#define SPOILS(field, value)                                                                       \
	do {                                                                                       \
		struct slv_pixel_plan plan = good_plan();                                          \
		plan.field = (value);                                                              \
		if (slv_pixel_plan_ok(&plan))                                                      \
			fail_msg("%s = %s is accepted", #field, #value);                           \
	} while (0)

static void each_field_of_a_plan_out_of_range_spoils_it(void **state)
{
	(void)state;
	SPOILS(magic, 0);
	SPOILS(format, SLV_FORMAT_JXL);
	SPOILS(format, SLV_FORMAT_TIFF);
	SPOILS(format, SLV_FORMAT_COUNT);
	SPOILS(fallback, SLV_FORMAT_AVIF);
	SPOILS(fallback, SLV_FORMAT_SAME); /* unless that is no AVIF: a_plan_in_range_is_ok */
	SPOILS(metadata, SLV_METADATA_COUNT);
	SPOILS(quality[SLV_FORMAT_JPEG], 0);
	SPOILS(quality[SLV_FORMAT_GIF], 101);
	SPOILS(effort[SLV_FORMAT_AVIF], 11);
	SPOILS(width, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(height, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(dpr, 0);
	SPOILS(dpr, 8.01);
	SPOILS(dpr, (double)NAN);
	SPOILS(fit, SLV_FIT_COUNT);
	SPOILS(gravity, SLV_GRAVITY_COUNT);
	SPOILS(flip, 4);
	SPOILS(trim, SLV_TRIM_COUNT);
	SPOILS(rotate, 45);
	SPOILS(rotate, 360);
	SPOILS(point.x, -0.01);
	SPOILS(point.y, 1.01);
	SPOILS(blur, 250.1);
	SPOILS(blur, -1);
	SPOILS(sharpen, 10.1);
	SPOILS(brightness, -0.1);
	SPOILS(contrast, (double)INFINITY);
	SPOILS(saturation, (double)NAN);
	SPOILS(gamma, 0);
	SPOILS(border_top, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(border_right, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(border_bottom, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(border_left, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(draw_count, SLV_PIXEL_DRAWS_MAX + 1);
	SPOILS(limits.source_pixels_max, 0);
	SPOILS(limits.frames_pixels_max, 0);
	SPOILS(limits.frames_max, 0);
	SPOILS(limits.output_pixels_max, 0);
	SPOILS(limits.output_side_max, 0);
	SPOILS(limits.output_side_max, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(draw[3].width, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(draw[0].fit, SLV_FIT_COUNT);
	SPOILS(draw[0].gravity, SLV_GRAVITY_COUNT);
	SPOILS(draw[0].repeat, 4);
	SPOILS(draw[0].edges, SLV_EDGE_TOP | SLV_EDGE_BOTTOM);
	SPOILS(draw[0].edges, SLV_EDGE_LEFT | SLV_EDGE_RIGHT);
	SPOILS(draw[0].edges, 16);
	SPOILS(draw[0].composite, SLV_COMPOSITE_COUNT);
	SPOILS(draw[0].rotate, 1);
	SPOILS(draw[0].point.x, 2);
	SPOILS(draw[0].top, SLV_PIXEL_SIDE_MAX + 1);
	SPOILS(draw[0].opacity, 1.1);
}

static void a_result_is_ok_or_not(void **state)
{
	(void)state;
	const struct slv_pixel_result good = { .magic = SLV_PIXEL_MAGIC, .what = "no" };
	struct slv_pixel_result result = good;
	assert_true(slv_pixel_result_ok(&result));
	result.magic++;
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	memset(result.what, 'x', sizeof(result.what));
	assert_false(slv_pixel_result_ok(&result));
	result.what[sizeof(result.what) - 1] = '\0';
	assert_true(slv_pixel_result_ok(&result));
	result = good;
	result.what[1] = '\n';
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	memset(result.blurhash, 'x', sizeof(result.blurhash));
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	memset(result.thumbhash, 'x', sizeof(result.thumbhash));
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	result.code = SLV_E_COUNT;
	assert_false(slv_pixel_result_ok(&result));
	result.code = -1;
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	result.format = SLV_FORMAT_COUNT;
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	result.source_format = SLV_FORMAT_COUNT;
	assert_false(slv_pixel_result_ok(&result));
	result = good;
	result.orientation = 9;
	assert_false(slv_pixel_result_ok(&result));
}

static void formats_have_names_and_types(void **state)
{
	(void)state;
	assert_true(slv_str_eq(slv_format_name(SLV_FORMAT_JPEG), SLV_STR("jpeg")));
	assert_true(slv_str_eq(slv_format_type(SLV_FORMAT_SVG), SLV_STR("image/svg+xml")));
	assert_true(slv_str_eq(slv_format_name(SLV_FORMAT_SAME), SLV_STR("same")));
	assert_int_equal(slv_format_type(SLV_FORMAT_SAME).len, 0);
	assert_int_equal(slv_format_name(SLV_FORMAT_COUNT).len, 0);
}

#define IS(format, literal)                                                                        \
	do {                                                                                       \
		slv_str bytes = SLV_STR(literal);                                                  \
		assert_int_equal(slv_format_sniff(bytes), SLV_FORMAT_##format);                    \
	} while (0)

static void formats_are_told_by_their_first_bytes(void **state)
{
	(void)state;
	IS(JPEG, "\xff\xd8\xff\xe0");
	IS(SAME, "\xff\xd8");
	IS(PNG, "\x89PNG\r\n\x1a\n");
	IS(SAME, "\x89PNG\n\x1a\n");
	IS(WEBP, "RIFF\x10\0\0\0WEBPVP8X");
	IS(SAME, "RIFF\x10\0\0\0WAVEfmt ");
	IS(GIF, "GIF89a");
	IS(GIF, "GIF87a");
	IS(SAME, "GIF88a");
	IS(TIFF, "II*\0");
	IS(TIFF, "MM\0*");
	IS(JXL, "\xff\x0a");
	IS(JXL, "\0\0\0\x0cJXL \r\n\x87\n");
	IS(SAME, "");
	IS(SAME, "%PDF-1.7");
	IS(SAME, "BM");
}

static void avif_and_heic_are_told_by_their_brands(void **state)
{
	(void)state;
	IS(AVIF, "\0\0\0\x1c"
		 "ftypavif\0\0\0\0avifmif1miaf");
	IS(AVIF, "\0\0\0\x18"
		 "ftypmif1\0\0\0\0mif1avif");
	IS(AVIS, "\0\0\0\x18"
		 "ftypavis\0\0\0\0msf1iso8");
	IS(HEIC, "\0\0\0\x18"
		 "ftypheic\0\0\0\0mif1heic");
	IS(HEIC, "\0\0\0\x18"
		 "ftypmif1\0\0\0\0mif1heix");
	IS(SAME, "\0\0\0\x18"
		 "ftypmif1\0\0\0\0mif1miaf");
	IS(SAME, "\0\0\0\x18"
		 "ftypisom\0\0\0\0mp41mp42");
	/* The brand stands behind the end of the box. */
	IS(SAME, "\0\0\0\x14"
		 "ftypmif1\0\0\0\0mif1avif");
	/* Nothing is looked for behind 64 bytes. */
	char many[80] = "\0\0\0\x50"
			"ftypmif1";
	memcpy(many + 60, "avif", 4);
	assert_int_equal(slv_format_sniff((slv_str){ many, sizeof(many) }), SLV_FORMAT_AVIF);
	memcpy(many + 60, "xxxxavif", 8);
	assert_int_equal(slv_format_sniff((slv_str){ many, sizeof(many) }), SLV_FORMAT_SAME);
	/* The minor version is no brand. */
	IS(SAME, "\0\0\0\x14"
		 "ftypmif1avifmif1");
}

/* Who has both, a still picture and a track, says by its major brand which is to be shown. */
static void avif_sequences_are_told_by_their_brands(void **state)
{
	(void)state;
	IS(AVIS, "\0\0\0\x1c"
		 "ftypavis\0\0\0\0avifavismsf1");
	IS(AVIS, "\0\0\0\x1c"
		 "ftypmsf1\0\0\0\0avifavismif1");
	IS(AVIS, "\0\0\0\x18"
		 "ftypiso8\0\0\0\0msf1avis");
	IS(AVIF, "\0\0\0\x1c"
		 "ftypavif\0\0\0\0avifavismsf1");
	IS(AVIF, "\0\0\0\x1c"
		 "ftypmif1\0\0\0\0avisavifmsf1");
	IS(HEIC, "\0\0\0\x18"
		 "ftypmsf1\0\0\0\0hevcmsf1");
	for (int i = 0; i < SLV_FORMAT_COUNT; i++)
		assert_int_equal(slv_format_is_rare(i),
				i == SLV_FORMAT_HEIC || i == SLV_FORMAT_AVIS);
}

static void svg_is_told_by_its_first_element(void **state)
{
	(void)state;
	IS(SVG, "<svg>");
	IS(SVG, "\xef\xbb\xbf <svg xmlns='x'>");
	IS(SVG, "<?xml version='1.0'?>\n<!-- <b> -->\n<!DOCTYPE svg>\n<svg/>");
	IS(SVG, "<svg:svg xmlns:svg='x'>");
	IS(SAME, "<svgfoo>");
	IS(SAME, "<html><svg>");
	IS(SAME, "<!-- <svg>");
	IS(SAME, "svg");
	char text[2048];
	memset(text, ' ', sizeof(text));
	memcpy(text + 1019, "<svg>", 5);
	assert_int_equal(slv_format_sniff((slv_str){ text, sizeof(text) }), SLV_FORMAT_SVG);
	memset(text, ' ', sizeof(text));
	memcpy(text + 1020, "<svg>", 5);
	assert_int_equal(slv_format_sniff((slv_str){ text, sizeof(text) }), SLV_FORMAT_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_in_range_is_ok),
		cmocka_unit_test(each_field_of_a_plan_out_of_range_spoils_it),
		cmocka_unit_test(a_result_is_ok_or_not),
		cmocka_unit_test(formats_have_names_and_types),
		cmocka_unit_test(formats_are_told_by_their_first_bytes),
		cmocka_unit_test(avif_and_heic_are_told_by_their_brands),
		cmocka_unit_test(avif_sequences_are_told_by_their_brands),
		cmocka_unit_test(svg_is_told_by_its_first_element),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
