/* test_heic.c - the jail on the system's libvips reads HEIC, and all else as the other does */
#include "base/testing.h"

#include "jail/image/testjail.h"
#include "jail/image/testpicture.h"

#include <string.h>

static struct slv_testjail jail;

static void heic_becomes_what_is_asked_for(void **state)
{
	(void)state;
	static const enum slv_format formats[] = { SLV_FORMAT_SAME, SLV_FORMAT_WEBP,
		SLV_FORMAT_AVIF, SLV_FORMAT_PNG };
	slv_str file = slv_testpicture_file(
			slv_testpicture_quarters(160, 128), ".heic[Q=95,compression=hevc]", true);
	assert_int_equal(slv_format_sniff(file), SLV_FORMAT_HEIC);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = (uint8_t)formats[i];
		plan.width = 80;
		memset(plan.quality, 95, sizeof(plan.quality));
		struct slv_testjail_answer answer;
		assert_true(slv_testjail_ask(&jail, &plan, file, NULL, &answer));
		if (answer.result.code != 0)
			fail_msg("%s", answer.result.what);
		enum slv_format want = i ? formats[i] : SLV_FORMAT_JPEG;
		assert_int_equal(slv_format_sniff(answer.bytes), want);
		assert_int_equal(answer.result.source_format, SLV_FORMAT_HEIC);
		VipsImage *image = slv_testpicture_decode(answer.bytes);
		assert_int_equal(image->Xsize, 80);
		assert_int_equal(image->Ysize, 64);
		slv_testpicture_pixel(image, 20, 16, SLV_RED, 12);
		slv_testpicture_pixel(image, 60, 16, SLV_GREEN, 12);
		slv_testpicture_pixel(image, 20, 48, SLV_BLUE, 12);
		slv_testpicture_pixel(image, 60, 48, SLV_YELLOW, 12);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
	}
	slv_testpicture_free(file);
}

static void a_cut_heic_is_damaged(void **state)
{
	(void)state;
	slv_str file = slv_testpicture_file(
			slv_testpicture_quarters(160, 128), ".heic[Q=95,compression=hevc]", true);
	for (size_t len = 40; len < file.len / 2; len += file.len / 20) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		struct slv_testjail_answer answer;
		char *cut = g_malloc(len);
		memcpy(cut, file.at, len);
		assert_true(slv_testjail_ask(&jail, &plan, (slv_str){ cut, len }, NULL, &answer));
		assert_int_equal(answer.result.code, SLV_E_CORRUPT);
		g_free(cut);
	}
	slv_testpicture_free(file);
}

static void other_formats_pass_as_well(void **state)
{
	(void)state;
	static const char *const suffixes[] = { ".jpg", ".png", ".webp", ".gif", ".tiff",
		".heic[compression=av1,speed=8]" };
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = SLV_FORMAT_PNG;
		plan.metadata = SLV_METADATA_NONE;
		plan.blur = 1;
		slv_str file = slv_testpicture_file(
				slv_testpicture_quarters(80, 64), suffixes[i], true);
		struct slv_testjail_answer answer;
		assert_true(slv_testjail_ask(&jail, &plan, file, NULL, &answer));
		assert_int_equal(answer.result.code, 0);
		slv_testjail_answer_done(&answer);
		slv_testpicture_free(file);
	}
}

static void a_border_is_trimmed(void **state)
{
	(void)state;
	/* What stands out, how wide it is: of one pixel too. */
	static const struct {
		const char *suffix;
		int side, slack;
	} cases[] = { { ".heic[Q=95,compression=hevc]", 40, 1 }, { ".png", 40, 0 },
		{ ".png", 1, 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = SLV_FORMAT_PNG;
		plan.trim = SLV_TRIM_BORDER;
		plan.trim_tolerance = 60;
		slv_str file = slv_testpicture_file(
				slv_testpicture_on(slv_testpicture_plain(cases[i].side,
								   cases[i].side, SLV_RED),
						20, 8, 96, 64, SLV_WHITE),
				cases[i].suffix, true);
		struct slv_testjail_answer answer;
		assert_true(slv_testjail_ask(&jail, &plan, file, NULL, &answer));
		if (answer.result.code != 0)
			fail_msg("%s", answer.result.what);
		assert_in_range(answer.result.width, cases[i].side - cases[i].slack,
				cases[i].side + cases[i].slack);
		assert_in_range(answer.result.height, cases[i].side - cases[i].slack,
				cases[i].side + cases[i].slack);
		VipsImage *image = slv_testpicture_decode(answer.bytes);
		slv_testpicture_pixel(image, cases[i].side / 2, cases[i].side / 2, SLV_RED, 12);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
		slv_testpicture_free(file);
	}
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heic_becomes_what_is_asked_for),
		cmocka_unit_test(a_cut_heic_is_damaged),
		cmocka_unit_test(a_border_is_trimmed),
		cmocka_unit_test(other_formats_pass_as_well),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
