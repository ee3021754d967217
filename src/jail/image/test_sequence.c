/* test_sequence.c - AVIF image sequences by the module itself */
#include "base/testing.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/mem.h"
#include "jail/image/sequence.h"
#include "jail/image/testclip.h"
#include "jail/image/testmovie.h"

#include <stdlib.h>
#include <string.h>

#define SLACK 6

static struct slv_arena arena;

#define FRAMES SLV_TESTCLIP_FIVE_FRAMES
#define WIDTH SLV_TESTCLIP_FIVE_WIDTH
#define HEIGHT SLV_TESTCLIP_FIVE_HEIGHT

/* It ends with the arena. */
static slv_err open_file(slv_str file, uint64_t pixels_max, struct slv_sequence **ret_sequence,
		struct slv_sequence_head *ret_head)
{
	struct slv_boxes boxes = slv_boxes_read(file);
	slv_err err = slv_sequence_open(&arena, file, &boxes, pixels_max, ret_sequence);
	if (!slv_failed(err))
		*ret_head = *slv_sequence_head(*ret_sequence);
	return err;
}

/* All rows of the first `frames` frames; NULL if it fails. The caller frees. */
static uint8_t *decode(
		slv_str file, uint32_t frames, struct slv_sequence_head *head, slv_err *ret_err)
{
	struct slv_sequence *sequence;
	*ret_err = open_file(file, 1000000, &sequence, head);
	if (slv_failed(*ret_err))
		return NULL;
	if (frames > head->frames)
		frames = head->frames;
	size_t stride = (size_t)head->width * (head->alpha ? 4 : 3);
	uint8_t *rows = slv_alloc(stride * head->height * frames);
	for (uint32_t row = 0; row < head->height * frames && !slv_failed(*ret_err); row++)
		*ret_err = slv_sequence_read(sequence, row, rows + row * stride, stride, 1);
	if (!slv_failed(*ret_err)) {
		slv_arena_reset(&arena);
		return rows;
	}
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
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, FRAMES, slv_testclip_colours);
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
		clip.quarters[1][i] = slv_testclip_colours[i];
	clip.format = AVIF_PIXEL_FORMAT_YUV444;
	expect_clip(&clip, 12);
}

static void a_frame_is_kept_until_the_next(void **state)
{
	(void)state;
	slv_str file = slv_testclip_five(true);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	uint8_t rows[4][WIDTH * 3];
	assert_int_equal(open_file(file, 10000, &sequence, &head).code, 0);
	/* Over two frames at once, and some are passed over. */
	slv_err err = slv_sequence_read(sequence, 3 * HEIGHT - 2, rows[0], sizeof(rows[0]), 4);
	assert_int_equal(err.code, 0);
	for (uint32_t i = 0; i < 4; i++)
		expect_pixel(rows[i], &head, 0, 0, slv_testclip_colours[2 + i / 2], SLACK);
	err = slv_sequence_read(sequence, 3 * HEIGHT, rows[0], sizeof(rows[0]), 2);
	assert_int_equal(err.code, 0);
	expect_pixel(rows[0], &head, 0, 0, slv_testclip_colours[3], SLACK);
	err = slv_sequence_read(sequence, 3 * HEIGHT - 1, rows[0], sizeof(rows[0]), 1);
	assert_int_equal(err.code, SLV_E_INTERNAL);
	slv_arena_reset(&arena);
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
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, FRAMES, slv_testclip_colours);
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

static void a_clean_aperture_is_cut_out(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 2, slv_testclip_colours);
	memcpy(clip.quarters[1], slv_testclip_colours, sizeof(clip.quarters[1]));
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
	assert_int_equal(open_file(file, WIDTH * HEIGHT - 1, &sequence, &head).code, SLV_E_LIMIT);
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
	assert_int_equal(open_file(file, 1000000, &sequence, &head).code, 0);
	slv_sequence_delays(sequence, delays, clip->frames);
	for (uint32_t i = 0; i < clip->frames; i++)
		assert_int_equal(delays[i], want[i]);
	slv_arena_reset(&arena);
	slv_testclip_free(file);
}

static void times_are_in_milliseconds(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(16, 16, FRAMES, slv_testclip_colours);
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
	assert_int_equal(open_file(file, 1000000, &sequence, &head).code, 0);
	slv_sequence_delays(sequence, delays, FRAMES);
	for (int i = 0; i < FRAMES; i++)
		assert_int_equal(delays[i], 0);
	slv_arena_reset(&arena);
	slv_testclip_free(file);
}

static void too_many_pixels_are_refused_before_decoding(void **state)
{
	(void)state;
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	slv_err err;
	slv_str file = slv_testclip_five(true);
	assert_int_equal(open_file(file, WIDTH * HEIGHT, &sequence, &head).code, 0);
	slv_arena_reset(&arena);
	err = open_file(file, WIDTH * HEIGHT - 1, &sequence, &head);
	assert_int_equal(err.code, SLV_E_LIMIT);
	slv_testmovie_set_sides(file, 16384, 16384);
	err = open_file(file, UINT64_MAX, &sequence, &head);
	assert_int_equal(err.code, 0);
	slv_arena_reset(&arena);
	slv_testmovie_set_sides(file, 16384, 16385);
	assert_int_equal(open_file(file, UINT64_MAX, &sequence, &head).code, SLV_E_LIMIT);
	slv_testmovie_set_sides(file, 65535, 65535);
	assert_int_equal(open_file(file, UINT64_MAX, &sequence, &head).code, SLV_E_LIMIT);
	slv_testmovie_set_sides(file, 0, HEIGHT);
	assert_int_equal(open_file(file, UINT64_MAX, &sequence, &head).code, SLV_E_CORRUPT);
	/* Frames of more pixels than the track has told of. */
	slv_testmovie_set_sides(file, WIDTH - 8, HEIGHT);
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
	slv_err err = open_file(slv_buf_str(&file), 10000, &sequence, &head);
	if (!slv_failed(err))
		assert_int_equal(head.frames, movie.frames);
	slv_arena_reset(&arena); /* the texts are static */
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
		{ { .frames = 2, .formats = SLV_SEQUENCE_FORMATS_MAX }, NULL },
		{ { .frames = 2, .formats = SLV_SEQUENCE_FORMATS_MAX + 1 }, "one format" },
		{ { .frames = 2, .format_bytes = SLV_SEQUENCE_FORMAT_BYTES_MAX }, NULL },
		{ { .frames = 2, .format_bytes = SLV_SEQUENCE_FORMAT_BYTES_MAX + 1 }, "256 KiB" },
		{ { .frames = 2, .moov_bytes = SLV_SEQUENCE_MOOV_BYTES_MAX }, NULL },
		{ { .frames = 2, .moov_bytes = SLV_SEQUENCE_MOOV_BYTES_MAX + 1 }, "2 MiB" },
		{ { .frames = 2, .meta_bytes = SLV_SEQUENCE_META_BYTES_MAX }, NULL },
		{ { .frames = 2, .meta_bytes = SLV_SEQUENCE_META_BYTES_MAX + 1 }, "64 KiB" },
		{ { .frames = 10000, .runs = 100 }, NULL },
		{ { .frames = 10000, .runs = 101 }, "different times" },
		{ { .frames = 2154, .runs = 2154 }, NULL },
		{ { .frames = 2155, .runs = 2155 }, "different times" },
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

static void times_of_no_frame_and_times_told_twice_are_damage(void **state)
{
	(void)state;
	const struct slv_testmovie movie = { .frames = 3, .runs = 3 };
	struct slv_testmovie empty_run = movie, again = movie;
	empty_run.empty_runs = 1;
	again.times_again = true;
	assert_int_equal(open_movie(movie).code, 0);
	assert_int_equal(open_movie(empty_run).code, SLV_E_CORRUPT);
	assert_int_equal(open_movie(again).code, SLV_E_CORRUPT);
}

static void the_last_time_is_that_of_all_frames_left(void **state)
{
	(void)state;
	const int want[] = { 200, 400, 600, 600, 600 };
	struct slv_testmovie movie = { .frames = 5, .runs = 3 };
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	struct slv_buf file;
	slv_testmovie(&file, &movie);
	/* As many as there are, fewer, and more. */
	for (uint32_t samples = 3; samples > 0; samples = samples == 1 ? 0 : samples == 3 ? 9 : 1) {
		slv_str box = slv_testmovie_box(slv_buf_str(&file), "stts");
		slv_testmovie_set_u32((char *)(uintptr_t)box.at + box.len - 8, samples);
		int delays[5] = { 0 };
		slv_err err = open_file(slv_buf_str(&file), 10000, &sequence, &head);
		assert_int_equal(err.code, 0);
		slv_sequence_delays(sequence, delays, 5);
		assert_memory_equal(delays, want, sizeof(want));
		slv_arena_reset(&arena);
	}
	slv_buf_done(&file);
}

/* The still picture beside the track is not looked at, so that it may be larger than the frames,
 * up to what is allowed. */
static void the_still_picture_may_be_larger_than_the_frames(void **state)
{
	(void)state;
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	slv_err err;
	slv_str file = slv_testclip_five(false);
	slv_str box = slv_testmovie_box(file, "ispe");
	assert_int_equal(slv_testmovie_u32(box, 12), WIDTH);
	slv_testmovie_set_u32((char *)(uintptr_t)box.at + 12, 2 * WIDTH);
	slv_testmovie_set_u32((char *)(uintptr_t)box.at + 16, 2 * HEIGHT);
	uint8_t *rows = decode(file, FRAMES, &head, &err);
	assert_non_null(rows);
	expect_pixel(rows, &head, WIDTH / 2, HEIGHT / 2, slv_testclip_colours[0], SLACK);
	slv_free(rows);
	err = open_file(file, (uint64_t)4 * WIDTH * HEIGHT, &sequence, &head);
	assert_int_equal(err.code, 0);
	slv_arena_reset(&arena);
	err = open_file(file, 4 * WIDTH * HEIGHT - 1, &sequence, &head);
	assert_int_equal(err.code, SLV_E_CORRUPT);
	slv_arena_reset(&arena);
	slv_testclip_free(file);
}

static void it_begins_again(void **state)
{
	(void)state;
	slv_str file = slv_testclip_five(true);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	uint8_t row[WIDTH * 3];
	assert_int_equal(open_file(file, 10000, &sequence, &head).code, 0);
	for (uint32_t last = 0; last < FRAMES; last++) {
		for (uint32_t i = 0; i <= last; i++) {
			slv_err err = slv_sequence_read(sequence, i * HEIGHT, row, sizeof(row), 1);
			assert_int_equal(err.code, 0);
			expect_pixel(row, &head, 0, 0, slv_testclip_colours[i], SLACK);
		}
		slv_sequence_rewind(sequence);
		slv_sequence_rewind(sequence);
	}
	slv_arena_reset(&arena);
	slv_testclip_free(file);
}

static void a_full_arena_has_no_room_for_it(void **state)
{
	(void)state;
	slv_str file = slv_testclip_five(true);
	struct slv_boxes boxes = slv_boxes_read(file);
	struct slv_sequence *sequence;
	struct slv_arena small;
	slv_arena_init(&small, 64, 64);
	slv_err err = SLV_OK;
	for (int i = 0; i < 8 && !slv_failed(err); i++)
		err = slv_sequence_open(&small, file, &boxes, 10000, &sequence);
	assert_int_equal(err.code, SLV_E_LIMIT);
	slv_arena_done(&small);
	slv_testclip_free(file);
}

static void what_has_no_track_is_damaged(void **state)
{
	(void)state;
	struct slv_testclip clip = slv_testclip_plain(WIDTH, HEIGHT, 1, slv_testclip_colours);
	slv_str file = slv_testclip_file(&clip);
	struct slv_sequence *sequence;
	struct slv_sequence_head head;
	assert_int_equal(open_file(file, 10000, &sequence, &head).code, SLV_E_CORRUPT);
	assert_int_equal(open_file((slv_str){ 0 }, 10000, &sequence, &head).code, SLV_E_CORRUPT);
	slv_sequence_warm(file); /* any bytes will do */
	slv_sequence_warm((slv_str){ "x", 1 });
	slv_testclip_free(file);
}

static void a_cut_file_fails(void **state)
{
	(void)state;
	for (int only_track = 0; only_track < 2; only_track++) {
		struct slv_sequence_head head;
		slv_err err;
		slv_str file = slv_testclip_five(only_track);
		uint8_t *whole = decode(file, FRAMES, &head, &err);
		assert_non_null(whole);
		slv_free(whole);
		for (size_t len = 0; len < file.len; len++) {
			/* Of its own, so that a byte past it is seen by the sanitizer. */
			char *copy = slv_alloc(len ? len : 1);
			memcpy(copy, file.at, len);
			assert_null(decode((slv_str){ copy, len }, FRAMES, &head, &err));
			assert_int_equal(err.code, SLV_E_CORRUPT);
			slv_arena_reset(&arena);
			slv_free(copy);
		}
		slv_testclip_free(file);
	}
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 1);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_arena_init(&arena, SLV_KIB(4), SLV_KIB(64));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame_has_its_pixels),
		cmocka_unit_test(a_frame_is_kept_until_the_next),
		cmocka_unit_test(grey_has_three_channels),
		cmocka_unit_test(ten_and_twelve_bits_become_eight),
		cmocka_unit_test(alpha_is_kept),
		cmocka_unit_test(a_clean_aperture_is_cut_out),
		cmocka_unit_test(times_are_in_milliseconds),
		cmocka_unit_test(too_many_pixels_are_refused_before_decoding),
		cmocka_unit_test(what_is_counted_has_limits),
		cmocka_unit_test(times_of_no_frame_and_times_told_twice_are_damage),
		cmocka_unit_test(the_last_time_is_that_of_all_frames_left),
		cmocka_unit_test(the_still_picture_may_be_larger_than_the_frames),
		cmocka_unit_test(it_begins_again),
		cmocka_unit_test(a_full_arena_has_no_room_for_it),
		cmocka_unit_test(what_has_no_track_is_damaged),
		cmocka_unit_test(a_cut_file_fails),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	slv_arena_done(&arena);
	vips_shutdown();
	return failed;
}
