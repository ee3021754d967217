/* test_still.c - AVIF image sequences where no tracks are read: their still picture is, or they are
 * refused */
#include "base/testing.h"

#include "base/attr.h"
#include "jail/image/testjail.h"
#include "jail/image/testmovie.h"
#include "jail/image/testpicture.h"

#include <string.h>

#define WIDTH SLV_TESTMOVIE_WIDTH
#define HEIGHT SLV_TESTMOVIE_HEIGHT

static struct slv_testjail jail;

static struct slv_testjail_answer ask(slv_str source, enum slv_format format)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = (uint8_t)format;
	struct slv_testjail_answer answer;
	if (!slv_testjail_ask(&jail, &plan, source, NULL, &answer))
		fail_msg("the jail died");
	return answer;
}

static void a_sequence_gives_its_still_picture(void **state)
{
	(void)state;
	static const enum slv_format formats[] = { SLV_FORMAT_PNG, SLV_FORMAT_WEBP,
		SLV_FORMAT_SAME };
	struct slv_buf file;
	slv_testmovie(&file, &(struct slv_testmovie){ .item = true, .frames = 2 });
	assert_int_equal(slv_format_sniff(slv_buf_str(&file)), SLV_FORMAT_AVIS);
	for (size_t i = 0; i < SLV_COUNT(formats); i++) {
		struct slv_testjail_answer answer = ask(slv_buf_str(&file), formats[i]);
		if (answer.result.code != 0)
			fail_msg("%s", answer.result.what);
		assert_int_equal(answer.result.source_format, SLV_FORMAT_AVIF);
		assert_int_equal(answer.result.frames, 1);
		VipsImage *image = slv_testpicture_decode(answer.bytes);
		assert_int_equal(image->Xsize, WIDTH);
		assert_int_equal(image->Ysize, HEIGHT);
		slv_testpicture_pixel(image, WIDTH / 2, HEIGHT / 2, SLV_RED, 12);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
	}
	slv_buf_done(&file);
}

static void one_without_a_still_picture_is_refused_by_name(void **state)
{
	(void)state;
	struct slv_buf file;
	slv_testmovie(&file, &(struct slv_testmovie){ .frames = 2 });
	assert_int_equal(slv_format_sniff(slv_buf_str(&file)), SLV_FORMAT_AVIS);
	struct slv_testjail_answer answer = ask(slv_buf_str(&file), SLV_FORMAT_PNG);
	assert_int_equal(answer.result.code, SLV_E_MEDIA);
	assert_string_equal(answer.result.what,
			"an image sequence without a still picture is not read here");

	/* A length of 64 bits, and one that means the rest of the file, are lengths too. */
	struct slv_buf longer;
	slv_buf_init(&longer, SLV_KIB(64));
	uint32_t head = slv_testmovie_u32(slv_buf_str(&file), 0);
	slv_buf_add(&longer, slv_str_head(slv_buf_str(&file), head));
	/* free, of 4 bytes */
	slv_buf_add(&longer, (slv_str){ "\0\0\0\1free\0\0\0\0\0\0\0\x14\0\0\0", 20 });
	slv_str movie = slv_testmovie_box(slv_buf_str(&file), "moov");
	slv_buf_add(&longer, movie);
	slv_testmovie_set_u32(longer.at + longer.len - movie.len, 0);
	answer = ask(slv_buf_str(&longer), SLV_FORMAT_PNG);
	assert_int_equal(answer.result.code, SLV_E_MEDIA);
	/* One that leads past the end: damaged, whatever would come. */
	slv_testmovie_set_u32(longer.at + head + 12, 0x7fffffff);
	answer = ask(slv_buf_str(&longer), SLV_FORMAT_PNG);
	assert_int_equal(answer.result.code, SLV_E_CORRUPT);
	slv_buf_done(&longer);
	slv_buf_done(&file);
}

static int code_of(slv_str source)
{
	struct slv_testjail_answer answer = ask(source, SLV_FORMAT_WEBP);
	slv_testjail_answer_done(&answer);
	return answer.result.code;
}

static void a_cut_or_spoilt_sequence_harms_nobody(void **state)
{
	(void)state;
	for (int item = 0; item < 2; item++) {
		struct slv_buf file;
		slv_testmovie(&file, &(struct slv_testmovie){ .item = item, .frames = 2 });
		/* From behind the brands on; without them it is no AVIF. */
		for (size_t i = slv_testmovie_u32(slv_buf_str(&file), 0); i < file.len; i += 7) {
			int code = code_of((slv_str){ file.at, i });
			if (code != SLV_E_CORRUPT && code != SLV_E_MEDIA && (code || !item))
				fail_msg("cut at %zu: %s", i, slv_code_name(code));
			file.at[i] = (char)~file.at[i];
			code = code_of(slv_buf_str(&file));
			if (code != 0 && code != SLV_E_CORRUPT && code != SLV_E_MEDIA &&
					code != SLV_E_LIMIT)
				fail_msg("spoilt at %zu: %s", i, slv_code_name(code));
			file.at[i] = (char)~file.at[i];
		}
		assert_int_equal(code_of(slv_buf_str(&file)), item ? 0 : SLV_E_MEDIA);
		slv_buf_done(&file);
	}
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sequence_gives_its_still_picture),
		cmocka_unit_test(one_without_a_still_picture_is_refused_by_name),
		cmocka_unit_test(a_cut_or_spoilt_sequence_harms_nobody),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
