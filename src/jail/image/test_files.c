/* test_files.c - formats, animations, metadata, hashes: what kind of file comes out of a jail */
#include "base/testing.h"

#include "base/attr.h"
#include "base/fd.h"
#include "jail/image/testjail.h"
#include "jail/image/testpicture.h"
#include "proc/message.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct slv_testjail jail;
static const char *jail_path;

/* Takes `source`. */
static struct slv_testjail_answer answer_to(const struct slv_pixel_plan *plan, slv_str source)
{
	struct slv_testjail_answer answer;
	if (!slv_testjail_ask(&jail, plan, source, NULL, &answer))
		fail_msg("the jail died");
	slv_testpicture_free(source);
	return answer;
}

static struct slv_testjail_answer good(const struct slv_pixel_plan *plan, slv_str source)
{
	struct slv_testjail_answer answer = answer_to(plan, source);
	if (answer.result.code != 0)
		fail_msg("%s", answer.result.what);
	return answer;
}

static slv_str quarters(const char *suffix, bool opaque)
{
	return slv_testpicture_file(slv_testpicture_quarters(80, 40), suffix, opaque);
}

static bool holds(slv_str bytes, const char *text, size_t len)
{
	return slv_str_find_str(bytes, (slv_str){ text, len }) < bytes.len;
}

#define HOLDS(bytes, literal) holds(bytes, literal, sizeof(literal) - 1)

static void every_format_is_written_and_read(void **state)
{
	(void)state;
	static const char *const suffixes[SLV_FORMAT_COUNT] = { [SLV_FORMAT_JPEG] = ".jpg[Q=95]",
		[SLV_FORMAT_PNG] = ".png",
		[SLV_FORMAT_WEBP] = ".webp[Q=95]",
		[SLV_FORMAT_AVIF] = ".avif[Q=95,effort=0]",
		[SLV_FORMAT_GIF] = ".gif",
		[SLV_FORMAT_TIFF] = ".tiff" };
	for (int from = 1; from < SLV_FORMAT_COUNT; from++)
		for (int to = SLV_FORMAT_JPEG; to <= SLV_FORMAT_GIF && suffixes[from]; to++) {
			struct slv_pixel_plan plan = slv_testjail_plan();
			plan.format = (uint8_t)to;
			plan.width = 40;
			memset(plan.quality, 95, sizeof(plan.quality));
			struct slv_testjail_answer answer =
					good(&plan, quarters(suffixes[from], true));
			assert_int_equal(slv_format_sniff(answer.bytes), to);
			assert_int_equal(answer.result.format, to);
			assert_int_equal(answer.result.source_format, from);
			VipsImage *image = slv_testpicture_decode(answer.bytes);
			assert_int_equal(image->Xsize, 40);
			assert_int_equal(image->Ysize, 20);
			slv_testpicture_pixel(image, 10, 5, SLV_RED, 12);
			slv_testpicture_pixel(image, 30, 5, SLV_GREEN, 12);
			slv_testpicture_pixel(image, 10, 15, SLV_BLUE, 12);
			slv_testpicture_pixel(image, 30, 15, SLV_YELLOW, 12);
			g_object_unref(image);
			slv_testjail_answer_done(&answer);
		}
}

static void the_same_format_or_one_that_can_be_written(void **state)
{
	(void)state;
	static const struct {
		const char *suffix;
		bool opaque;
		enum slv_format want;
	} cases[] = { { ".jpg", true, SLV_FORMAT_JPEG }, { ".png", true, SLV_FORMAT_PNG },
		{ ".webp", true, SLV_FORMAT_WEBP }, { ".avif[effort=0]", true, SLV_FORMAT_AVIF },
		{ ".gif", true, SLV_FORMAT_GIF }, { ".tiff", true, SLV_FORMAT_JPEG },
		{ ".tiff", false, SLV_FORMAT_PNG } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		struct slv_testjail_answer answer =
				good(&plan, quarters(cases[i].suffix, cases[i].opaque));
		assert_int_equal(answer.result.format, cases[i].want);
		assert_int_equal(slv_format_sniff(answer.bytes), cases[i].want);
		slv_testjail_answer_done(&answer);
	}
}

static void an_avif_past_its_area_falls_back(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_AVIF;
	plan.limits.avif_pixels_max = 80 * 40;
	struct slv_testjail_answer answer = good(&plan, quarters(".png", true));
	assert_int_equal(answer.result.format, SLV_FORMAT_AVIF);
	assert_false(answer.result.fell_back);
	slv_testjail_answer_done(&answer);
	plan.limits.avif_pixels_max--;
	static const enum slv_format fallbacks[] = { SLV_FORMAT_WEBP, SLV_FORMAT_JPEG,
		SLV_FORMAT_PNG };
	for (int i = 0; i < 3; i++) {
		plan.fallback = (uint8_t)fallbacks[i];
		answer = good(&plan, quarters(".png", true));
		assert_int_equal(answer.result.format, fallbacks[i]);
		assert_int_equal(slv_format_sniff(answer.bytes), fallbacks[i]);
		assert_true(answer.result.fell_back);
		slv_testjail_answer_done(&answer);
	}
}

/* The start of frame of a JPEG: 0xc0 baseline, 0xc2 progressive. */
static int frame_type(slv_str jpeg)
{
	const uint8_t *at = (const uint8_t *)jpeg.at;
	for (size_t i = 2; i + 4 < jpeg.len; i += 2 + ((size_t)at[i + 2] << 8 | at[i + 3]))
		if (at[i + 1] == 0xc0 || at[i + 1] == 0xc2)
			return at[i + 1];
	return 0;
}

static void jpeg_is_progressive_where_that_pays(void **state)
{
	(void)state;
	static const struct {
		int width, height, type;
		bool baseline, fast;
	} cases[] = { { 50, 50, 0xc2, false, false }, { 49, 50, 0xc0, false, false },
		{ 50, 49, 0xc0, false, false }, { 3000, 50, 0xc2, false, false },
		{ 3001, 50, 0xc0, false, false }, { 100, 100, 0xc0, true, false },
		{ 100, 100, 0xc0, false, true } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = SLV_FORMAT_JPEG;
		plan.baseline = cases[i].baseline;
		plan.fast = cases[i].fast;
		struct slv_testjail_answer answer = good(
				&plan, slv_testpicture_file(slv_testpicture_quarters(cases[i].width,
									    cases[i].height),
						       ".png", true));
		assert_int_equal(frame_type(answer.bytes), cases[i].type);
		slv_testjail_answer_done(&answer);
	}
}

static void quality_100_of_webp_loses_nothing_and_palettes_are_made(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.quality[SLV_FORMAT_WEBP] = 100;
	struct slv_testjail_answer answer = good(&plan, quarters(".png", true));
	assert_true(HOLDS(answer.bytes, "VP8L"));
	slv_testjail_answer_done(&answer);
	plan.quality[SLV_FORMAT_WEBP] = 99;
	answer = good(&plan, quarters(".png", true));
	assert_false(HOLDS(answer.bytes, "VP8L"));
	slv_testjail_answer_done(&answer);

	plan.format = SLV_FORMAT_PNG;
	answer = good(&plan, quarters(".png", true));
	assert_int_equal(answer.bytes.at[25], 2); /* IHDR: truecolour */
	slv_testjail_answer_done(&answer);
	plan.palette = true;
	answer = good(&plan, quarters(".png", true));
	assert_int_equal(answer.bytes.at[25], 3);
	slv_testjail_answer_done(&answer);
}

/* `count` frames of 40 x 20: red, green, blue, yellow, red, … each shown 70 + 10 i ms. */
static slv_str animation(const char *suffix, int count)
{
	const struct slv_testcolour colours[] = { SLV_RED, SLV_GREEN, SLV_BLUE, SLV_YELLOW };
	VipsImage **frames = g_new0(VipsImage *, count), *joined, *roll;
	int *delays = g_new0(int, count);
	for (int i = 0; i < count; i++) {
		frames[i] = slv_testpicture_plain(40, 20, colours[i % 4]);
		delays[i] = 70 + 10 * (i % 4);
	}
	vips_arrayjoin(frames, &joined, count, "across", 1, NULL);
	vips_copy(joined, &roll, NULL);
	g_object_unref(joined);
	vips_image_set_int(roll, VIPS_META_PAGE_HEIGHT, 20);
	vips_image_set_array_int(roll, "delay", delays, count);
	vips_image_set_int(roll, "loop", 3);
	for (int i = 0; i < count; i++)
		g_object_unref(frames[i]);
	g_free(frames);
	g_free(delays);
	return slv_testpicture_file(roll, suffix, false);
}

static void check_animation(slv_str bytes, int count, int width, int height)
{
	const struct slv_testcolour colours[] = { SLV_RED, SLV_GREEN, SLV_BLUE, SLV_YELLOW };
	VipsImage *roll = vips_image_new_from_buffer(bytes.at, bytes.len, "", "n", -1, NULL);
	assert_non_null(roll);
	assert_int_equal(vips_image_get_n_pages(roll), count);
	assert_int_equal(vips_image_get_page_height(roll), height);
	assert_int_equal(roll->Xsize, width);
	int *delays, delay_count, loop;
	assert_int_equal(vips_image_get_array_int(roll, "delay", &delays, &delay_count), 0);
	assert_int_equal(delay_count, count);
	assert_int_equal(vips_image_get_int(roll, "loop", &loop), 0);
	assert_int_equal(loop, 3);
	VipsImage *memory = vips_image_copy_memory(roll), *rgba = memory;
	if (!vips_image_hasalpha(memory)) {
		vips_addalpha(memory, &rgba, NULL);
		g_object_unref(memory);
		memory = vips_image_copy_memory(rgba);
		g_object_unref(rgba);
	}
	for (int i = 0; i < count; i++) {
		assert_int_equal(delays[i], 70 + 10 * (i % 4));
		/* First and last line: nothing of the neighbours. */
		slv_testpicture_pixel(memory, width / 2, i * height, colours[i % 4], 12);
		slv_testpicture_pixel(memory, 0, i * height + height - 1, colours[i % 4], 12);
	}
	g_object_unref(memory);
	g_object_unref(roll);
}

static void animations_keep_frames_times_and_loops(void **state)
{
	(void)state;
	static const enum slv_format formats[] = { SLV_FORMAT_GIF, SLV_FORMAT_WEBP };
	for (int from = 0; from < 2; from++)
		for (int to = 0; to < 2; to++) {
			struct slv_pixel_plan plan = slv_testjail_plan();
			plan.format = (uint8_t)formats[to];
			plan.width = 20;
			struct slv_testjail_answer answer = good(
					&plan, animation(from ? ".webp[lossless]" : ".gif", 5));
			assert_int_equal(answer.result.frames, 5);
			assert_int_equal(answer.result.source_frames, 5);
			assert_int_equal(answer.result.width, 20);
			assert_int_equal(answer.result.height, 10);
			check_animation(answer.bytes, 5, 20, 10);
			slv_testjail_answer_done(&answer);
		}
}

static void each_frame_is_turned_cropped_and_padded(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.quality[SLV_FORMAT_WEBP] = 100;
	plan.trim = SLV_TRIM_SIDES;
	plan.trim_left = 10;
	plan.rotate = 90; /* 30 x 20 → 20 x 30 */
	plan.flip = SLV_FLIP_V;
	plan.fit = SLV_FIT_COVER;
	plan.width = plan.height = 16;
	struct slv_testjail_answer answer = good(&plan, animation(".gif", 6));
	check_animation(answer.bytes, 6, 16, 16);
	slv_testjail_answer_done(&answer);
	plan.gravity = SLV_GRAVITY_ENTROPY;
	answer = good(&plan, animation(".gif", 6));
	check_animation(answer.bytes, 6, 16, 16);
	slv_testjail_answer_done(&answer);
}

static void frames_past_the_limits_are_dropped(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	plan.limits.frames_max = 4;
	struct slv_testjail_answer answer = good(&plan, animation(".gif", 5));
	assert_int_equal(answer.result.frames, 4);
	assert_int_equal(answer.result.source_frames, 5);
	check_animation(answer.bytes, 4, 40, 20);
	slv_testjail_answer_done(&answer);
	/* More pixels than allowed: the first frame alone. */
	plan.limits.frames_pixels_max = 40 * 20 * 4 - 1;
	answer = good(&plan, animation(".gif", 5));
	assert_int_equal(answer.result.frames, 1);
	slv_testjail_answer_done(&answer);
	plan.limits.frames_pixels_max = 40 * 20 * 4;
	answer = good(&plan, animation(".gif", 5));
	assert_int_equal(answer.result.frames, 4);
	slv_testjail_answer_done(&answer);
	/* And those of the output count together. */
	plan.limits.output_pixels_max = 40 * 20 * 4 - 1;
	answer = answer_to(&plan, animation(".gif", 5));
	assert_int_equal(answer.result.code, SLV_E_LIMIT);
}

static void where_frames_cannot_be_kept_there_is_one(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_JPEG;
	struct slv_testjail_answer answer = good(&plan, animation(".gif", 3));
	assert_int_equal(answer.result.frames, 1);
	assert_int_equal(answer.result.height, 20);
	VipsImage *image = slv_testpicture_decode(answer.bytes);
	slv_testpicture_pixel(image, 20, 10, SLV_RED, 8);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);

	plan.format = SLV_FORMAT_WEBP;
	plan.animate = false;
	answer = good(&plan, animation(".gif", 3));
	assert_int_equal(answer.result.frames, 1);
	slv_testjail_answer_done(&answer);

	/* AVIF gives way to a fallback that moves. */
	plan.format = SLV_FORMAT_AVIF;
	plan.animate = true;
	answer = good(&plan, animation(".gif", 3));
	assert_int_equal(answer.result.format, SLV_FORMAT_WEBP);
	assert_int_equal(answer.result.frames, 3);
	assert_true(answer.result.fell_back);
	slv_testjail_answer_done(&answer);
	plan.fallback = SLV_FORMAT_JPEG;
	answer = good(&plan, animation(".gif", 3));
	assert_int_equal(answer.result.format, SLV_FORMAT_AVIF);
	assert_int_equal(answer.result.frames, 1);
	slv_testjail_answer_done(&answer);
}

/* A client that shows AVIF and no WebP gets what one gets that shows neither. */
static void a_fallback_as_the_source_keeps_transparency_and_frames(void **state)
{
	(void)state;
	static const struct {
		const char *suffix;
		bool opaque;
		enum slv_format want;
	} cases[] = { { ".jpg", true, SLV_FORMAT_JPEG }, { ".png", false, SLV_FORMAT_PNG },
		{ ".gif", true, SLV_FORMAT_GIF }, { ".webp", true, SLV_FORMAT_JPEG },
		{ ".webp", false, SLV_FORMAT_PNG }, { ".avif[effort=0]", true, SLV_FORMAT_JPEG },
		{ ".avif[effort=0]", false, SLV_FORMAT_PNG } };
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_AVIF;
	plan.fallback = SLV_FORMAT_SAME;
	plan.avoid = SLV_BIT(SLV_FORMAT_AVIF) | SLV_BIT(SLV_FORMAT_WEBP);
	plan.limits.avif_pixels_max = 80 * 40 - 1;
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		VipsImage *right = slv_testpicture_on(
				slv_testpicture_plain(40, 40, SLV_RED), 40, 0, 80, 40, SLV_CLEAR);
		slv_str source = slv_testpicture_file(right, cases[i].suffix, cases[i].opaque);
		struct slv_testjail_answer answer = good(&plan, source);
		assert_int_equal(answer.result.format, cases[i].want);
		assert_int_equal(slv_format_sniff(answer.bytes), cases[i].want);
		assert_true(answer.result.fell_back);
		VipsImage *image = slv_testpicture_decode(answer.bytes);
		slv_testpicture_pixel(image, 70, 20, SLV_RED, 12);
		assert_int_equal(VIPS_IMAGE_ADDR(image, 10, 20)[3], cases[i].opaque ? 255 : 0);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
	}
	/* What moves becomes no AVIF of any size, if it can go on moving. */
	plan.limits.avif_pixels_max = 80 * 40;
	struct slv_testjail_answer answer = good(&plan, animation(".gif", 3));
	assert_int_equal(answer.result.format, SLV_FORMAT_GIF);
	assert_true(answer.result.fell_back);
	check_animation(answer.bytes, 3, 40, 20);
	slv_testjail_answer_done(&answer);
	answer = good(&plan, animation(".webp[lossless]", 3));
	assert_int_equal(answer.result.format, SLV_FORMAT_AVIF);
	assert_int_equal(answer.result.frames, 1);
	slv_testjail_answer_done(&answer);
}

/* A picture with an owner, a place and a comment. */
static slv_str tagged(const char *suffix)
{
	VipsImage *plain = slv_testpicture_quarters(80, 40), *image;
	vips_copy(plain, &image, NULL);
	g_object_unref(plain);
	vips_image_set_string(image, "exif-ifd0-Copyright", "(c) Jane");
	vips_image_set_string(image, "exif-ifd0-Artist", "Jane Roe");
	vips_image_set_string(image, "exif-ifd0-Model", "SecretCam");
	vips_image_set_string(image, "exif-ifd3-GPSLatitude", "47/1 11/1 13/1");
	vips_image_set_string(image, "exif-ifd3-GPSMapDatum", "WGS-SECRET");
	const char xmp[] = "<x:xmpmeta>hidden</x:xmpmeta>";
	vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp, sizeof(xmp));
	return slv_testpicture_file(image, suffix, true);
}

static void metadata_goes_unless_it_is_asked_for(void **state)
{
	(void)state;
	static const char *const suffixes[] = { ".jpg", ".png", ".webp", ".tiff" };
	for (int from = 0; from < 4; from++)
		for (int to = SLV_FORMAT_JPEG; to <= SLV_FORMAT_GIF; to++)
			for (int keep = 0; keep < SLV_METADATA_COUNT; keep++) {
				if (to == SLV_FORMAT_JPEG && keep == SLV_METADATA_KEEP)
					continue;
				struct slv_pixel_plan plan = slv_testjail_plan();
				plan.format = (uint8_t)to;
				plan.metadata = (uint8_t)keep;
				slv_str source = tagged(suffixes[from]);
				/* PNG may pack it. */
				assert_true(from == 1 || HOLDS(source, "hidden"));
				/* TIFF has no EXIF block. */
				assert_int_equal(HOLDS(source, "SecretCam"), from != 3);
				struct slv_testjail_answer answer = good(&plan, source);
				assert_false(HOLDS(answer.bytes, "SecretCam"));
				assert_false(HOLDS(answer.bytes, "WGS-SECRET"));
				assert_false(HOLDS(answer.bytes, "hidden"));
				bool owned = from != 3 && to == SLV_FORMAT_JPEG &&
				             keep == SLV_METADATA_COPYRIGHT;
				assert_int_equal(HOLDS(answer.bytes, "(c) Jane"), owned);
				assert_int_equal(HOLDS(answer.bytes, "Jane Roe"), owned);
				slv_testjail_answer_done(&answer);
			}
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.metadata = SLV_METADATA_KEEP;
	struct slv_testjail_answer answer = good(&plan, tagged(".jpg"));
	assert_true(HOLDS(answer.bytes, "SecretCam") && HOLDS(answer.bytes, "WGS-SECRET"));
	assert_false(HOLDS(answer.bytes, "hidden"));
	slv_testjail_answer_done(&answer);
}

static void kept_metadata_does_not_turn_the_picture_twice(void **state)
{
	(void)state;
	VipsImage *plain = slv_testpicture_quarters(80, 40), *image;
	vips_copy(plain, &image, NULL);
	g_object_unref(plain);
	vips_image_set_int(image, VIPS_META_ORIENTATION, 6);
	vips_image_set_string(image, "exif-ifd0-Model", "Cam");
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.metadata = SLV_METADATA_KEEP;
	struct slv_testjail_answer answer = good(&plan, slv_testpicture_file(image, ".jpg", true));
	VipsImage *out = vips_image_new_from_buffer(answer.bytes.at, answer.bytes.len, "", NULL);
	assert_int_equal(out->Xsize, 40);
	assert_int_equal(vips_image_get_orientation(out), 1);
	assert_true(HOLDS(answer.bytes, "Cam"));
	g_object_unref(out);
	slv_testjail_answer_done(&answer);
}

static void info_decodes_nothing_and_tells_sizes(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.info_only = true;
	plan.format = SLV_FORMAT_WEBP;
	plan.fit = SLV_FIT_COVER;
	plan.width = plan.height = 30;
	plan.border_left = 2;
	struct slv_testjail_answer answer = good(&plan, animation(".gif", 3));
	assert_int_equal(answer.bytes.len, 0);
	assert_int_equal(answer.result.width, 32);
	assert_int_equal(answer.result.height, 30);
	assert_int_equal(answer.result.frames, 3);
	assert_int_equal(answer.result.source_width, 40);
	assert_int_equal(answer.result.source_frames, 3);
	assert_string_equal(answer.result.blurhash, "");

	/* Hashes need pixels, and are those of the picture itself. */
	plan = slv_testjail_plan();
	plan.want_blurhash = plan.want_thumbhash = true;
	answer = good(&plan, quarters(".png", true));
	struct slv_pixel_result full = answer.result;
	slv_testjail_answer_done(&answer);
	plan.info_only = true;
	answer = good(&plan, quarters(".png", true));
	assert_int_equal(answer.bytes.len, 0);
	assert_int_equal(strlen(full.blurhash), 28);
	assert_string_equal(answer.result.blurhash, full.blurhash);
	assert_true(strlen(full.thumbhash) > 20);
	assert_string_equal(answer.result.thumbhash, full.thumbhash);

	/* One colour: the mean is it. 0x0000ff = 255 = 0 0 3 6 in base 83. */
	answer = good(&plan, slv_testpicture_file(slv_testpicture_plain(300, 200, SLV_BLUE), ".png",
					     true));
	assert_memory_equal(answer.result.blurhash + 2, "0036", 4);
}

static const char drawing[] = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'>"
			      "<rect width='20' height='20' fill='#f00'/>"
			      "<rect x='20' width='20' height='20' fill='#00f'/>"
			      "<text x='2' y='15' font-family='Mono'>text</text></svg>";

static slv_str copy_of(const char *text, size_t len)
{
	return (slv_str){ g_memdup2(text, len), len };
}

static void svg_is_drawn_at_the_size_asked_for_if_at_all(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_PNG;
	plan.fit = SLV_FIT_CONTAIN;
	plan.width = 400;
	struct slv_testjail_answer answer = answer_to(&plan, copy_of(drawing, sizeof(drawing) - 1));
	assert_int_equal(answer.result.code, SLV_E_MEDIA);
	plan.allow_svg = true;
	answer = good(&plan, copy_of(drawing, sizeof(drawing) - 1));
	VipsImage *image = slv_testpicture_decode(answer.bytes);
	assert_int_equal(image->Xsize, 400);
	assert_int_equal(image->Ysize, 200);
	/* A sharp seam: it was not drawn small and enlarged. */
	slv_testpicture_pixel(image, 198, 2, SLV_RED, 2);
	slv_testpicture_pixel(image, 201, 2, SLV_BLUE, 2);
	g_object_unref(image);
	slv_testjail_answer_done(&answer);
}

/* The status of a jail after one message. */
static int ends_with(struct slv_message_head head, const void *body, uint32_t fd_count)
{
	struct slv_testjail other;
	slv_testjail_start(&other, jail_path);
	int fds[SLV_MESSAGE_FDS_MAX];
	for (uint32_t i = 0; i < fd_count; i++)
		assert_false(slv_failed(slv_memfd_of(SLV_STR("x"), &fds[i])));
	assert_false(slv_failed(slv_message_send(other.socket_fd, head, body, fds, fd_count)));
	for (uint32_t i = 0; i < fd_count; i++)
		slv_fd_done(&fds[i]);
	struct slv_message got = { 0 };
	assert_int_equal(slv_message_receive(other.socket_fd, &got).code, SLV_E_CLOSED);
	return slv_testjail_stop(&other);
}

static void a_jail_that_is_not_spoken_to_properly_ends(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	struct slv_message_head head = { SLV_MESSAGE_PIXEL_JOB, sizeof(plan), 1 };
	assert_int_equal(WEXITSTATUS(ends_with(head, &plan, 0)), 1);
	assert_int_equal(WEXITSTATUS(ends_with(head, &plan, 2)), 1);
	plan.dpr = -1;
	assert_int_equal(WEXITSTATUS(ends_with(head, &plan, 1)), 1);
	plan.dpr = 1;
	head.len--;
	assert_int_equal(WEXITSTATUS(ends_with(head, &plan, 1)), 1);
	head.len++;
	head.type = SLV_MESSAGE_PIXEL_RESULT;
	assert_int_equal(WEXITSTATUS(ends_with(head, &plan, 1)), 1);
}

/* An SVG that is passed on as it is, of `len` bytes. */
static slv_str long_svg(size_t len)
{
	static const char head[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"><desc>";
	static const char tail[] = "</desc></svg>";
	char *text = g_malloc(len);
	memset(text, 'x', len);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
	return (slv_str){ text, len };
}

static void a_result_is_as_long_as_the_jail_may_answer(void **state)
{
	(void)state;
	struct slv_testjail other;
	slv_testjail_start_bounded(&other, jail_path, "1");
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_SVG;
	for (size_t more = 0; more < 2; more++) {
		slv_str svg = long_svg(SLV_MIB(1) + more);
		struct slv_testjail_answer answer;
		assert_true(slv_testjail_ask(&other, &plan, svg, NULL, &answer));
		assert_int_equal(answer.result.code, more ? SLV_E_LIMIT : 0);
		assert_int_equal(answer.bytes.len, more ? 0 : SLV_MIB(1));
		if (more)
			assert_string_equal(answer.result.what,
					"the result is longer than a jail may answer");
		slv_testjail_answer_done(&answer);
		slv_testpicture_free(svg);
	}
	assert_int_equal(slv_testjail_stop(&other), 0);
}

/* How nice the session is, as the kernel writes it; empty where it does not group them. */
static void read_group(char text[64])
{
	memset(text, 0, 64);
	SLV_CLEANUP(slv_fd_done) int fd = open("/proc/self/autogroup", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, 63) < 0)
		text[0] = '\0';
}

static bool leaves_the_group(void)
{
	char before[64], after[64];
	struct slv_testjail other;
	struct slv_testjail_answer answer;
	struct slv_pixel_plan plan = slv_testjail_plan();
	if (setsid() < 0)
		return false;
	read_group(before);
	slv_testjail_start(&other, jail_path);
	bool answers = slv_testjail_ask(&other, &plan, SLV_STR("x"), NULL, &answer);
	read_group(after);
	return slv_testjail_stop(&other) == 0 && answers && strcmp(before, after) == 0;
}

static void a_jail_in_the_session_of_others_does_not_slow_them(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(leaves_the_group() ? 0 : 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	jail_path = argv[1];
	slv_testjail_start(&jail, jail_path);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_written_and_read),
		cmocka_unit_test(the_same_format_or_one_that_can_be_written),
		cmocka_unit_test(an_avif_past_its_area_falls_back),
		cmocka_unit_test(jpeg_is_progressive_where_that_pays),
		cmocka_unit_test(quality_100_of_webp_loses_nothing_and_palettes_are_made),
		cmocka_unit_test(animations_keep_frames_times_and_loops),
		cmocka_unit_test(each_frame_is_turned_cropped_and_padded),
		cmocka_unit_test(frames_past_the_limits_are_dropped),
		cmocka_unit_test(where_frames_cannot_be_kept_there_is_one),
		cmocka_unit_test(a_fallback_as_the_source_keeps_transparency_and_frames),
		cmocka_unit_test(metadata_goes_unless_it_is_asked_for),
		cmocka_unit_test(kept_metadata_does_not_turn_the_picture_twice),
		cmocka_unit_test(info_decodes_nothing_and_tells_sizes),
		cmocka_unit_test(svg_is_drawn_at_the_size_asked_for_if_at_all),
		cmocka_unit_test(a_result_is_as_long_as_the_jail_may_answer),
		cmocka_unit_test(a_jail_in_the_session_of_others_does_not_slow_them),
		cmocka_unit_test(a_jail_that_is_not_spoken_to_properly_ends),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
