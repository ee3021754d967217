/* test_sequence.c - AVIF image sequences: by the module itself, and through the jail that has it */
#include "base/testing.h"

#include "base/attr.h"
#include "base/mem.h"
#include "jail/image/sequence.h"
#include "jail/image/testclip.h"
#include "jail/image/testjail.h"
#include "jail/image/testmovie.h"

#include <stdlib.h>
#include <string.h>

#define SLACK 6

static struct slv_testjail jail;
static const struct slv_testcolour colours[] = { SLV_RED, SLV_GREEN, SLV_BLUE, SLV_YELLOW,
	SLV_INK(128, 64, 32, 255) };

#define FRAMES 5
#define WIDTH 48
#define HEIGHT 20

static slv_str five(bool only_track)
{
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, FRAMES, colours);
	clip.only_track = only_track;
	return slv_testclip_file(&clip);
}

/* --- the module --- */

/* All rows of the first `frames` frames; NULL if it fails. The caller frees. */
static uint8_t *decode(
		slv_str file, uint32_t frames, struct slv_sequence_head *head, slv_err *ret_err)
{
	struct slv_sequence *sequence;
	*ret_err = slv_sequence_open(file, 1000000, &sequence, head);
	if (slv_failed(*ret_err))
		return NULL;
	if (frames > head->frames)
		frames = head->frames;
	size_t stride = (size_t)head->width * (head->alpha ? 4 : 3);
	uint8_t *rows = slv_alloc(stride * head->height * frames);
	for (uint32_t row = 0; row < head->height * frames && !slv_failed(*ret_err); row++)
		*ret_err = slv_sequence_read(sequence, row, rows + row * stride, stride, 1);
	slv_sequence_free(sequence);
	if (!slv_failed(*ret_err))
		return rows;
	slv_free(rows);
	return NULL;
}

static void expect_pixel(const uint8_t *rows, const struct slv_sequence_head *head, uint32_t x,
		uint32_t y, struct slv_testcolour colour, int slack)
{
	uint32_t channels = head->alpha ? 4 : 3;
	const uint8_t *pixel = rows + (y * head->width + x) * channels;
	for (uint32_t i = 0; i < channels; i++)
		if (abs(pixel[i] - colour.c[i]) > slack)
			fail_msg("%u,%u: channel %u is %d and should be %d", x, y, i, pixel[i],
					colour.c[i]);
}

/* In the middle of each quarter of each frame, as it comes. */
static void expect_clip(const struct slv_testclip *clip, int slack)
{
	slv_err err;
	struct slv_sequence_head head;
	slv_str file = slv_testclip_file(clip);
	uint8_t *rows = decode(file, clip->frames, &head, &err);
	if (!rows)
		fail_msg("%s", err.what);
	assert_int_equal(head.width, clip->width);
	assert_int_equal(head.height, clip->height);
	assert_int_equal(head.frames, clip->frames);
	assert_int_equal(head.alpha, clip->alpha);
	assert_int_equal(head.plays, 0);
	for (uint32_t i = 0; i < clip->frames; i++)
		for (uint32_t q = 0; q < 4; q++)
			expect_pixel(rows, &head, head.width / 4 * (1 + q % 2 * 2),
					i * head.height + head.height / 4 * (1 + q / 2 * 2),
					clip->quarters[i][q], slack);
	slv_free(rows);
	slv_testclip_free(file);
}

static void each_frame_has_its_pixels(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, FRAMES, colours);
	expect_clip(&clip, SLACK);
	clip.only_track = true;
	expect_clip(&clip, SLACK);
	/* Odd sides, halved colour, limited range. */
	clip.width = 47;
	clip.height = 21;
	clip.format = AVIF_PIXEL_FORMAT_YUV420;
	clip.limited = true;
	expect_clip(&clip, SLACK);
	clip.format = AVIF_PIXEL_FORMAT_YUV422;
	expect_clip(&clip, SLACK);
	for (int i = 0; i < 4; i++)
		clip.quarters[1][i] = colours[i];
	clip.format = AVIF_PIXEL_FORMAT_YUV444;
	expect_clip(&clip, 12);
}

static void a_frame_is_kept_until_the_next(void **state)
{
	(void)state;
	slv_str file = five(true);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	uint8_t rows[4][WIDTH * 3];
	assert_int_equal(slv_sequence_open(file, 10000, &sequence, &head).code, 0);
	/* Over two frames at once, and some are passed over. */
	slv_err err = slv_sequence_read(sequence, 3 * HEIGHT - 2, rows[0], sizeof(rows[0]), 4);
	assert_int_equal(err.code, 0);
	for (uint32_t i = 0; i < 4; i++)
		expect_pixel(rows[i], &head, 0, 0, colours[2 + i / 2], SLACK);
	err = slv_sequence_read(sequence, 3 * HEIGHT, rows[0], sizeof(rows[0]), 2);
	assert_int_equal(err.code, 0);
	expect_pixel(rows[0], &head, 0, 0, colours[3], SLACK);
	err = slv_sequence_read(sequence, 3 * HEIGHT - 1, rows[0], sizeof(rows[0]), 1);
	assert_int_equal(err.code, SLV_E_INTERNAL);
	slv_sequence_free(sequence);
	slv_testclip_free(file);
}

static void grey_has_three_channels(void **state)
{
	(void)state;
	const struct slv_testcolour greys[] = { SLV_BLACK, SLV_INK(90, 90, 90, 255), SLV_WHITE };
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 3, greys);
	clip.format = AVIF_PIXEL_FORMAT_YUV400;
	expect_clip(&clip, SLACK);
}

static void ten_and_twelve_bits_become_eight(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, FRAMES, colours);
	clip.depth = 10;
	expect_clip(&clip, SLACK);
	clip.limited = true;
	clip.format = AVIF_PIXEL_FORMAT_YUV420;
	expect_clip(&clip, SLACK);
	clip.depth = 12;
	expect_clip(&clip, SLACK);
	clip.alpha = true;
	expect_clip(&clip, SLACK);
}

static void alpha_is_kept(void **state)
{
	(void)state;
	const struct slv_testcolour inks[] = { SLV_INK(200, 100, 40, 255),
		SLV_INK(40, 200, 100, 128), SLV_INK(100, 40, 200, 200) };
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 3, inks);
	clip.alpha = true;
	expect_clip(&clip, SLACK);
	clip.premultiplied = true;
	expect_clip(&clip, 2 * SLACK);
	clip.quarters[1][2] = SLV_INK(0, 0, 0, 0);
	expect_clip(&clip, 2 * SLACK);
}

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
		struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 2, colours);
		memcpy(clip.quarters[1], colours, sizeof(clip.quarters[1]));
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
					height + height / 4 * (1 + q / 2 * 2), colours[quarters[q]],
					24);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
		slv_testclip_free(file);
	}
}

static void a_clean_aperture_is_cut_out(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 2, colours);
	memcpy(clip.quarters[1], colours, sizeof(clip.quarters[1]));
	/* The right bottom quarter of 48 × 20: its centre is 12 and 5 px off. */
	clip.transforms = AVIF_TRANSFORM_CLAP;
	clip.clap = (avifCleanApertureBox){ 24, 1, 10, 1, 12, 1, 5, 1 };
	struct slv_sequence_head head;
	slv_err err;
	slv_str file = slv_testclip_file(&clip);
	uint8_t *rows = decode(file, 2, &head, &err);
	assert_non_null(rows);
	assert_int_equal(head.width, 24);
	assert_int_equal(head.height, 10);
	expect_pixel(rows, &head, 12, 5, SLV_RED, SLACK);
	for (uint32_t i = 0; i < 4; i++)
		expect_pixel(rows, &head, 4 + i % 2 * 18, 12 + i / 2 * 6, SLV_YELLOW, 12);
	slv_free(rows);
	/* The limit is for what is decoded, not for what is left. */
	struct slv_sequence *sequence;
	assert_int_equal(slv_sequence_open(file, WIDTH * HEIGHT - 1, &sequence, &head).code,
			SLV_E_LIMIT);
	/* One that is past the picture is no aperture. */
	slv_str box = slv_testmovie_box(
			slv_str_from_index(file, slv_str_find_str(file, SLV_STR("moov"))), "clap");
	slv_testmovie_set_u32((char *)(uintptr_t)box.at + 8, 100);
	assert_null(decode(file, 2, &head, &err));
	assert_int_equal(err.code, SLV_E_CORRUPT);
	slv_testclip_free(file);
}

static void expect_delays(const struct slv_testclip *clip, const int *want)
{
	slv_str file = slv_testclip_file(clip);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	int delays[SLV_TESTCLIP_FRAMES_MAX] = { 0 };
	assert_int_equal(slv_sequence_open(file, 1000000, &sequence, &head).code, 0);
	slv_sequence_delays(sequence, delays, clip->frames);
	for (uint32_t i = 0; i < clip->frames; i++)
		assert_int_equal(delays[i], want[i]);
	slv_sequence_free(sequence);
	slv_testclip_free(file);
}

static void times_are_in_milliseconds(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(16, 16, FRAMES, colours);
	expect_delays(&clip, (const int[]){ 100, 100, 100, 100, 100 });
	/* A thirtieth of a second; what is rounded off comes back. */
	clip.timescale = 30;
	expect_delays(&clip, (const int[]){ 33, 34, 33, 33, 34 });
	const uint64_t mixed[] = { 1, 60, 3, 30, 900 };
	memcpy(clip.durations, mixed, sizeof(mixed));
	expect_delays(&clip, (const int[]){ 33, 2000, 100, 1000, 30000 });
	/* As long as WebP can say, and longer. */
	clip.timescale = 1000;
	const uint64_t slow[] = { 0xfffffe, 0xffffff, 0x1000000, 0xffffffff, 1 };
	memcpy(clip.durations, slow, sizeof(slow));
	expect_delays(&clip, (const int[]){ 0xfffffe, 0xffffff, 0xffffff, 0xffffff, 1 });
	/* No unit of time. */
	slv_str file = slv_testclip_file(&clip);
	slv_str box = slv_testmovie_box(file, "mdhd");
	bool wide = box.at[8] == 1;
	slv_testmovie_set_u32((char *)(uintptr_t)box.at + (wide ? 28 : 20), 0);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	int delays[FRAMES] = { 1, 1, 1, 1, 1 };
	assert_int_equal(slv_sequence_open(file, 1000000, &sequence, &head).code, 0);
	slv_sequence_delays(sequence, delays, FRAMES);
	for (int i = 0; i < FRAMES; i++)
		assert_int_equal(delays[i], 0);
	slv_sequence_free(sequence);
	slv_testclip_free(file);
}

/* The sides in the header of the first track, in whole px. */
static void set_sides(slv_str file, uint32_t width, uint32_t height)
{
	slv_str box = slv_testmovie_box(file, "tkhd");
	char *end = (char *)(uintptr_t)box.at + box.len;
	slv_testmovie_set_u32(end - 8, width << 16);
	slv_testmovie_set_u32(end - 4, height << 16);
}

static void too_many_pixels_are_refused_before_decoding(void **state)
{
	(void)state;
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	slv_err err;
	slv_str file = five(true);
	assert_int_equal(slv_sequence_open(file, WIDTH * HEIGHT, &sequence, &head).code, 0);
	slv_sequence_free(sequence);
	err = slv_sequence_open(file, WIDTH * HEIGHT - 1, &sequence, &head);
	assert_int_equal(err.code, SLV_E_LIMIT);
	set_sides(file, 16384, 16384);
	err = slv_sequence_open(file, UINT64_MAX, &sequence, &head);
	assert_int_equal(err.code, 0);
	slv_sequence_free(sequence);
	set_sides(file, 16384, 16385);
	assert_int_equal(slv_sequence_open(file, UINT64_MAX, &sequence, &head).code, SLV_E_LIMIT);
	set_sides(file, 65535, 65535);
	assert_int_equal(slv_sequence_open(file, UINT64_MAX, &sequence, &head).code, SLV_E_LIMIT);
	set_sides(file, 0, HEIGHT);
	assert_int_equal(slv_sequence_open(file, UINT64_MAX, &sequence, &head).code, SLV_E_CORRUPT);
	/* Frames of more pixels than the track has told of. */
	set_sides(file, WIDTH - 8, HEIGHT);
	assert_null(decode(file, 1, &head, &err));
	assert_int_equal(err.code, SLV_E_CORRUPT);
	slv_testclip_free(file);
}

static slv_err open_movie(struct slv_testmovie movie)
{
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	struct slv_buf file;
	slv_testmovie(&file, &movie);
	slv_err err = slv_sequence_open(slv_buf_str(&file), 10000, &sequence, &head);
	if (!slv_failed(err)) {
		assert_int_equal(head.frames, movie.frames);
		slv_sequence_free(sequence);
	}
	slv_buf_done(&file);
	return err;
}

static void what_is_counted_has_limits(void **state)
{
	(void)state;
	const struct {
		struct slv_testmovie movie;
		const char *what; /* NULL: it is read */
	} cases[] = {
		{ { .frames = SLV_SEQUENCE_FRAMES_MAX }, NULL },
		{ { .frames = SLV_SEQUENCE_FRAMES_MAX + 1 }, "10000 frames" },
		{ { .frames = 2, .empty = SLV_SEQUENCE_TRACKS_MAX - 1 }, NULL },
		{ { .frames = 2, .empty = SLV_SEQUENCE_TRACKS_MAX }, "16 tracks" },
		{ { .frames = 2, .moov_bytes = SLV_SEQUENCE_MOOV_BYTES_MAX }, NULL },
		{ { .frames = 2, .moov_bytes = SLV_SEQUENCE_MOOV_BYTES_MAX + 1 }, "2 MiB" },
		{ { .frames = 2, .meta_bytes = SLV_SEQUENCE_META_BYTES_MAX }, NULL },
		{ { .frames = 2, .meta_bytes = SLV_SEQUENCE_META_BYTES_MAX + 1 }, "256 KiB" },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		slv_err err = open_movie(cases[i].movie);
		if (!cases[i].what && slv_failed(err))
			fail_msg("%zu: %s", i, err.what);
		if (!cases[i].what)
			continue;
		assert_int_equal(err.code, SLV_E_LIMIT);
		assert_non_null(strstr(err.what, cases[i].what));
	}
}

static void what_has_no_track_is_damaged(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 1, colours);
	slv_str file = slv_testclip_file(&clip);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	assert_int_equal(slv_sequence_open(file, 10000, &sequence, &head).code, SLV_E_CORRUPT);
	assert_int_equal(slv_sequence_open((slv_str){ 0 }, 10000, &sequence, &head).code,
			SLV_E_CORRUPT);
	slv_sequence_warm(file); /* any bytes will do */
	slv_sequence_warm((slv_str){ "x", 1 });
	slv_testclip_free(file);
}

/* --- through the jail --- */

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
		slv_str file = five(i % 2);
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
			slv_testpicture_pixel(
					image, 12, frame * HEIGHT / 2 + 5, colours[frame], 12);
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
		slv_testmovie(&file, &(struct slv_testmovie){ .frames = 3, .plays = plays });
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
	slv_str file = five(false);
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
	slv_str file = five(true);
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
	slv_str file = five(false);
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
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	assert_int_equal(slv_sequence_open(file, 10000, &sequence, &head).code, 0);
	assert_true(slv_str_eq(slv_sequence_icc(sequence), clip.icc));
	slv_sequence_free(sequence);

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
	slv_str file = five(false);
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.limits.source_pixels_max = WIDTH * HEIGHT;
	struct slv_testjail_answer answer = ask_well(&plan, file);
	slv_testjail_answer_done(&answer);
	plan.limits.source_pixels_max--;
	answer = ask(&plan, file);
	assert_int_equal(answer.result.code, SLV_E_LIMIT);
	assert_string_equal(
			answer.result.what, "picture of 48 x 20 px: at most 959 px are allowed");
	set_sides(file, 65535, 65535);
	plan.info_only = true;
	assert_int_equal(ask(&plan, file).result.code, SLV_E_LIMIT);
	slv_testclip_free(file);
}

/* A brand promises a track; without one the still picture is read. */
static void a_sequence_without_a_track_is_a_still(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 1, colours);
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

/* --- bad files --- */

static void a_cut_file_fails_or_gives_the_same(void **state)
{
	(void)state;
	for (int only_track = 0; only_track < 2; only_track++) {
		struct slv_sequence_head head, cut_head;
		slv_err err;
		slv_str file = five(only_track);
		uint8_t *whole = decode(file, FRAMES, &head, &err);
		assert_non_null(whole);
		uint32_t failures = 0;
		for (size_t len = 0; len < file.len; len++) {
			/* Of its own, so that a byte past it is seen by the sanitizer. */
			char *copy = slv_alloc(len ? len : 1);
			memcpy(copy, file.at, len);
			uint8_t *rows = decode((slv_str){ copy, len }, FRAMES, &cut_head, &err);
			failures += !rows;
			if (rows)
				assert_memory_equal(rows, whole, WIDTH * HEIGHT * 3 * FRAMES);
			else
				assert_int_equal(err.code, SLV_E_CORRUPT);
			slv_free(rows);
			slv_free(copy);
		}
		assert_int_equal(failures, file.len);
		slv_free(whole);
		slv_testclip_free(file);
	}
}

static void a_cut_file_makes_no_picture(void **state)
{
	(void)state;
	slv_str file = five(true);
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
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 3, colours);
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

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame_has_its_pixels),
		cmocka_unit_test(a_frame_is_kept_until_the_next),
		cmocka_unit_test(grey_has_three_channels),
		cmocka_unit_test(ten_and_twelve_bits_become_eight),
		cmocka_unit_test(alpha_is_kept),
		cmocka_unit_test(turned_and_mirrored_frames_are_upright),
		cmocka_unit_test(a_clean_aperture_is_cut_out),
		cmocka_unit_test(times_are_in_milliseconds),
		cmocka_unit_test(too_many_pixels_are_refused_before_decoding),
		cmocka_unit_test(what_is_counted_has_limits),
		cmocka_unit_test(what_has_no_track_is_damaged),
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
		cmocka_unit_test(a_cut_file_fails_or_gives_the_same),
		cmocka_unit_test(a_cut_file_makes_no_picture),
		cmocka_unit_test(a_spoilt_file_gives_the_same_twice),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
