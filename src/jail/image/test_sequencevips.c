/* test_sequencevips.c - AVIF image sequences through the jail that has libavif */
#include "base/testing.h"

#include "base/attr.h"
#include "jail/image/sequence.h"
#include "jail/image/testclip.h"
#include "jail/image/testjail.h"
#include "jail/image/testmovie.h"

#include <string.h>

static struct slv_testjail jail;

#define FRAMES SLV_TESTCLIP_FIVE_FRAMES
#define WIDTH SLV_TESTCLIP_FIVE_WIDTH
#define HEIGHT SLV_TESTCLIP_FIVE_HEIGHT

/* What irot and imir do to the numbers of quarters, by their definition (ISO 23008-12 §6.5). */
static void turn(int quarters[4], const struct slv_testclip *clip)
{
	static const int left[4] = { 1, 3, 0, 2 }; /* a quarter turn to the left */
	static const int mirror[2][4] = { { 2, 3, 0, 1 }, { 1, 0, 3, 2 } };
	int old[4];
	for (int i = 0; i < clip->irot.angle; i++) {
		memcpy(old, quarters, sizeof(old));
		for (int q = 0; q < 4; q++)
			quarters[q] = old[left[q]];
	}
	memcpy(old, quarters, sizeof(old));
	for (int q = 0; q < 4 && clip->transforms & AVIF_TRANSFORM_IMIR; q++)
		quarters[q] = old[mirror[clip->imir.mode][q]];
}

static struct slv_testjail_answer ask(const struct slv_pixel_plan *plan, slv_str source)
{
	struct slv_testjail_answer answer;
	if (!slv_testjail_ask(&jail, plan, source, NULL, &answer))
		fail_msg("the jail died");
	return answer;
}

static struct slv_testjail_answer ask_well(const struct slv_pixel_plan *plan, slv_str source)
{
	struct slv_testjail_answer answer = ask(plan, source);
	if (answer.result.code != 0)
		fail_msg("%s", answer.result.what);
	assert_int_equal(answer.result.source_format, SLV_FORMAT_AVIF);
	return answer;
}

/* All frames of a WebP or GIF, below each other. */
static VipsImage *decode_all(slv_str bytes)
{
	VipsImage *image = vips_image_new_from_buffer(bytes.at, bytes.len, "n=-1", NULL), *out;
	if (!image)
		fail_msg("%s", vips_error_buffer());
	if (!vips_image_hasalpha(image)) {
		assert_int_equal(vips_addalpha(image, &out, NULL), 0);
		g_object_unref(image);
		image = out;
	}
	out = vips_image_copy_memory(image);
	assert_non_null(out);
	g_object_unref(image);
	return out;
}

static void turned_and_mirrored_frames_are_upright(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	for (int i = 0; i < 12; i++) {
		struct slv_testclip clip =
				slv_testclip_plain(WIDTH, HEIGHT, 2, slv_testclip_colours);
		memcpy(clip.quarters[1], slv_testclip_colours, sizeof(clip.quarters[1]));
		clip.irot.angle = (uint8_t)(i % 4);
		clip.transforms = i % 4 ? AVIF_TRANSFORM_IROT : AVIF_TRANSFORM_NONE;
		clip.imir.mode = (uint8_t)(i / 8);
		clip.transforms |= i < 4 ? AVIF_TRANSFORM_NONE : AVIF_TRANSFORM_IMIR;
		slv_str file = slv_testclip_file(&clip);
		struct slv_testjail_answer answer = ask_well(&plan, file);
		bool swap = i % 2;
		assert_int_equal(answer.result.source_width, swap ? HEIGHT : WIDTH);
		assert_int_equal(answer.result.width, swap ? HEIGHT : WIDTH);
		VipsImage *image = decode_all(answer.bytes);
		int quarters[4] = { 0, 1, 2, 3 };
		turn(quarters, &clip);
		int width = image->Xsize, height = image->Ysize / 2;
		for (int q = 0; q < 4; q++)
			slv_testpicture_pixel(image, width / 4 * (1 + q % 2 * 2),
					height + height / 4 * (1 + q / 2 * 2),
					slv_testclip_colours[quarters[q]], 24);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
		slv_testclip_free(file);
	}
}

static void expect_times(VipsImage *image, int frames, int want_ms, int want_loop)
{
	int *delays, count = 0, height = 0, loop = -1;
	assert_int_equal(vips_image_get_array_int(image, "delay", &delays, &count), 0);
	assert_int_equal(count, frames);
	for (int i = 0; i < count; i++)
		assert_int_equal(delays[i], want_ms);
	assert_int_equal(vips_image_get_int(image, VIPS_META_PAGE_HEIGHT, &height), 0);
	assert_int_equal(height * frames, image->Ysize);
	assert_int_equal(vips_image_get_int(image, "loop", &loop), 0);
	assert_int_equal(loop, want_loop);
}

static void all_frames_come_out(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = i / 2 ? SLV_FORMAT_GIF : SLV_FORMAT_WEBP;
		plan.width = WIDTH / 2;
		slv_str file = slv_testclip_five(i % 2);
		struct slv_testjail_answer answer = ask_well(&plan, file);
		assert_int_equal(slv_format_sniff(answer.bytes), plan.format);
		assert_int_equal(answer.result.frames, FRAMES);
		assert_int_equal(answer.result.source_frames, FRAMES);
		assert_int_equal(answer.result.source_width, WIDTH);
		assert_int_equal(answer.result.source_height, HEIGHT);
		assert_false(answer.result.source_alpha);
		VipsImage *image = decode_all(answer.bytes);
		assert_int_equal(image->Xsize, WIDTH / 2);
		assert_int_equal(image->Ysize, HEIGHT / 2 * FRAMES);
		for (int frame = 0; frame < FRAMES; frame++)
			slv_testpicture_pixel(image, 12, frame * HEIGHT / 2 + 5,
					slv_testclip_colours[frame], 12);
		expect_times(image, FRAMES, 100, 0);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
		slv_testclip_free(file);
	}
}

static void it_is_shown_as_often_as_the_file_says(void **state)
{
	(void)state;
	for (uint32_t plays = 0; plays < 4; plays++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = SLV_FORMAT_WEBP;
		struct slv_buf file;
		/* A track in front that shows nothing says nothing either. */
		slv_testmovie(&file, &(struct slv_testmovie){ .frames = 3,
						     .plays = plays,
						     .decoy = plays % 2 == 0 });
		struct slv_testjail_answer answer = ask_well(&plan, slv_buf_str(&file));
		VipsImage *image = decode_all(answer.bytes);
		expect_times(image, 3, 200, (int)plays);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
		slv_buf_done(&file);
	}
}

static uint32_t frames_with(slv_str file, uint32_t frames_max, uint64_t pixels_max)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.limits.frames_max = frames_max;
	plan.limits.frames_pixels_max = pixels_max;
	struct slv_testjail_answer answer = ask_well(&plan, file);
	assert_int_equal(answer.result.source_frames, FRAMES);
	VipsImage *image = decode_all(answer.bytes);
	assert_int_equal(image->Ysize, HEIGHT * (int)answer.result.frames);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);
	return answer.result.frames;
}

static void frames_past_the_cap_are_dropped(void **state)
{
	(void)state;
	slv_str file = slv_testclip_five(false);
	assert_int_equal(frames_with(file, FRAMES + 1, 1000000), FRAMES);
	assert_int_equal(frames_with(file, FRAMES, 1000000), FRAMES);
	assert_int_equal(frames_with(file, FRAMES - 1, 1000000), FRAMES - 1);
	assert_int_equal(frames_with(file, 1, 1000000), 1);
	assert_int_equal(frames_with(file, FRAMES, WIDTH * HEIGHT * FRAMES), FRAMES);
	assert_int_equal(frames_with(file, FRAMES, WIDTH * HEIGHT * FRAMES - 1), 1);
	assert_int_equal(frames_with(file, 2, WIDTH * HEIGHT * 2), 2);
	/* What is dropped is not looked at. */
	slv_str spoilt = slv_testmovie_box(file, "mdat");
	memset((char *)(uintptr_t)spoilt.at + spoilt.len - 20, 0, 20);
	assert_int_equal(frames_with(file, 2, 1000000), 2);
	slv_testclip_free(file);
}

static void a_still_output_has_the_first_frame(void **state)
{
	(void)state;
	static const enum slv_format formats[] = { SLV_FORMAT_JPEG, SLV_FORMAT_PNG, SLV_FORMAT_WEBP,
		SLV_FORMAT_AVIF, SLV_FORMAT_SAME };
	slv_str file = slv_testclip_five(true);
	for (size_t i = 0; i < SLV_COUNT(formats); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = (uint8_t)formats[i];
		plan.animate = formats[i] == SLV_FORMAT_JPEG || formats[i] == SLV_FORMAT_PNG;
		struct slv_testjail_answer answer = ask_well(&plan, file);
		assert_int_equal(slv_format_sniff(answer.bytes),
				formats[i] ? formats[i] : SLV_FORMAT_AVIF);
		assert_int_equal(answer.result.frames, 1);
		assert_int_equal(answer.result.source_frames, FRAMES);
		VipsImage *image = slv_testpicture_decode(answer.bytes);
		assert_int_equal(image->Ysize, HEIGHT);
		slv_testpicture_pixel(image, WIDTH / 2, HEIGHT / 2, SLV_RED, 12);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
	}
	slv_testclip_free(file);
}

static void what_moves_is_not_written_as_avif(void **state)
{
	(void)state;
	static const enum slv_format formats[] = { SLV_FORMAT_AVIF, SLV_FORMAT_SAME };
	slv_str file = slv_testclip_five(false);
	for (size_t i = 0; i < SLV_COUNT(formats); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = (uint8_t)formats[i];
		struct slv_testjail_answer answer = ask_well(&plan, file);
		assert_int_equal(answer.result.format, SLV_FORMAT_WEBP);
		assert_true(answer.result.fell_back);
		assert_int_equal(answer.result.frames, FRAMES);
		slv_testjail_answer_done(&answer);
	}
	slv_testclip_free(file);
}

static void asked_about_it_tells(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.info_only = plan.want_blurhash = true;
	const struct slv_testcolour inks[] = { SLV_INK(200, 100, 40, 128), SLV_CLEAR };
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 2, inks);
	clip.alpha = true;
	slv_str file = slv_testclip_file(&clip);
	struct slv_testjail_answer answer = ask_well(&plan, file);
	assert_int_equal(answer.result.source_frames, 2);
	assert_int_equal(answer.result.frames, 2);
	assert_int_equal(answer.result.source_width, WIDTH);
	assert_true(answer.result.source_alpha);
	assert_true(answer.result.blurhash[0]);
	slv_testclip_free(file);
}

static void alpha_comes_out(void **state)
{
	(void)state;
	const struct slv_testcolour inks[] = { SLV_INK(200, 100, 40, 128), SLV_CLEAR,
		SLV_INK(40, 100, 200, 255) };
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 3, inks);
	clip.alpha = true;
	slv_str file = slv_testclip_file(&clip);
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	struct slv_testjail_answer answer = ask_well(&plan, file);
	VipsImage *image = decode_all(answer.bytes);
	for (int i = 0; i < 3; i++)
		slv_testpicture_pixel(image, WIDTH / 2, i * HEIGHT + HEIGHT / 2, inks[i], 12);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);
	slv_testclip_free(file);
}

/* Display P3 to sRGB: what has the same numbers in both is another colour. */
static void a_colour_profile_is_applied(void **state)
{
	(void)state;
	VipsBlob *profile;
	assert_int_equal(vips_profile_load("p3", &profile, NULL), 0);
	size_t len;
	const void *bytes = vips_blob_get(profile, &len);
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 2,
			(const struct slv_testcolour[]){ SLV_INK(120, 180, 100, 255), SLV_WHITE });
	clip.icc = (slv_str){ bytes, len };
	slv_str file = slv_testclip_file(&clip);
	struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(4), SLV_KIB(4));
	struct slv_boxes boxes = slv_boxes_read(file);
	struct slv_sequence *sequence;
	slv_err err = slv_sequence_open(&arena, file, &boxes, 10000, &sequence);
	assert_int_equal(err.code, 0);
	assert_true(slv_str_eq(slv_sequence_icc(sequence), clip.icc));
	slv_arena_done(&arena);

	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.quality[SLV_FORMAT_WEBP] = 100;
	struct slv_testjail_answer answer = ask_well(&plan, file);
	VipsImage *image = decode_all(answer.bytes);
	/* By the primaries of both, through linear light: 100.0, 182.0, 89.2. */
	slv_testpicture_pixel(image, WIDTH / 2, HEIGHT / 2, SLV_INK(100, 182, 89, 255), 5);
	slv_testpicture_pixel(image, WIDTH / 2, HEIGHT * 3 / 2, SLV_WHITE, 5);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);
	slv_testclip_free(file);
	vips_area_unref(VIPS_AREA(profile));
}

static void sizes_are_held_against_the_plan(void **state)
{
	(void)state;
	slv_str file = slv_testclip_five(false);
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.limits.source_pixels_max = WIDTH * HEIGHT;
	struct slv_testjail_answer answer = ask_well(&plan, file);
	slv_testjail_answer_done(&answer);
	plan.limits.source_pixels_max--;
	answer = ask(&plan, file);
	assert_int_equal(answer.result.code, SLV_E_LIMIT);
	assert_string_equal(
			answer.result.what, "picture of 48 x 20 px: at most 959 px are allowed");
	slv_testmovie_set_sides(file, 65535, 65535);
	plan.info_only = true;
	assert_int_equal(ask(&plan, file).result.code, SLV_E_LIMIT);
	slv_testclip_free(file);
}

/* A brand promises a track; without one the still picture is read. */
static void a_sequence_without_a_track_is_a_still(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 1, slv_testclip_colours);
	slv_str file = slv_testclip_file(&clip);
	memcpy((char *)(uintptr_t)file.at + 8, "avis", 4);
	assert_int_equal(slv_format_sniff(file), SLV_FORMAT_AVIS);
	struct slv_pixel_plan plan = slv_testjail_plan();
	struct slv_testjail_answer answer = ask_well(&plan, file);
	assert_int_equal(answer.result.format, SLV_FORMAT_AVIF);
	assert_int_equal(answer.result.source_frames, 1);
	slv_testjail_answer_done(&answer);
	slv_testclip_free(file);
}

static void a_cut_file_makes_no_picture(void **state)
{
	(void)state;
	slv_str file = slv_testclip_five(true);
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	for (size_t len = slv_testmovie_u32(file, 0); len < file.len; len += 11) {
		struct slv_testjail_answer answer = ask(&plan, slv_str_head(file, len));
		if (answer.result.code != SLV_E_CORRUPT && answer.result.code != SLV_E_MEDIA)
			fail_msg("cut at %zu: %s", len, slv_code_name(answer.result.code));
	}
	slv_testclip_free(file);
}

static void a_spoilt_file_gives_the_same_twice(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 3, slv_testclip_colours);
	clip.alpha = true;
	slv_str file = slv_testclip_file(&clip);
	char *bytes = (char *)(uintptr_t)file.at;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.limits.source_pixels_max = plan.limits.frames_pixels_max = 1000000;
	plan.effort[SLV_FORMAT_WEBP] = 0;
	uint32_t good = 0, bad = 0;
	for (size_t bit = 64; bit < file.len * 8; bit += 17) {
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		struct slv_testjail_answer once = ask(&plan, file), again = ask(&plan, file);
		int code = once.result.code;
		if (code != 0 && code != SLV_E_CORRUPT && code != SLV_E_MEDIA &&
				code != SLV_E_LIMIT)
			fail_msg("bit %zu: %s", bit, slv_code_name(code));
		assert_int_equal(code, again.result.code);
		assert_true(slv_str_eq(once.bytes, again.bytes));
		code ? bad++ : good++;
		slv_testjail_answer_done(&once);
		slv_testjail_answer_done(&again);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
	}
	/* Some are in what nobody reads, and some are seen. */
	assert_true(good > 10 && bad > 10);
	slv_testclip_free(file);
}

/* The border is found in the first frame, and the stream begins again for all. */
static void a_border_is_trimmed_off_all_frames(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 3, slv_testclip_colours);
	const struct slv_testcolour white = SLV_WHITE;
	for (int q = 0; q < 3; q++)
		clip.quarters[0][q] = white;
	clip.quarters[0][3] = slv_testclip_colours[0];
	slv_str file = slv_testclip_file(&clip);
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.trim = SLV_TRIM_BORDER;
	plan.trim_tolerance = 60;
	struct slv_testjail_answer answer = ask_well(&plan, file);
	assert_int_equal(answer.result.frames, 3);
	assert_in_range(answer.result.width, WIDTH / 2 - 1, WIDTH / 2 + 1);
	assert_in_range(answer.result.height, HEIGHT / 2 - 1, HEIGHT / 2 + 1);
	VipsImage *image = decode_all(answer.bytes);
	for (int i = 0; i < 3; i++)
		slv_testpicture_pixel(image, WIDTH / 4, i * (int)answer.result.height + HEIGHT / 4,
				slv_testclip_colours[i], 12);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);
	slv_testclip_free(file);
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turned_and_mirrored_frames_are_upright),
		cmocka_unit_test(all_frames_come_out),
		cmocka_unit_test(it_is_shown_as_often_as_the_file_says),
		cmocka_unit_test(frames_past_the_cap_are_dropped),
		cmocka_unit_test(a_still_output_has_the_first_frame),
		cmocka_unit_test(what_moves_is_not_written_as_avif),
		cmocka_unit_test(asked_about_it_tells),
		cmocka_unit_test(alpha_comes_out),
		cmocka_unit_test(a_colour_profile_is_applied),
		cmocka_unit_test(sizes_are_held_against_the_plan),
		cmocka_unit_test(a_sequence_without_a_track_is_a_still),
		cmocka_unit_test(a_cut_file_makes_no_picture),
		cmocka_unit_test(a_spoilt_file_gives_the_same_twice),
		cmocka_unit_test(a_border_is_trimmed_off_all_frames),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
