/* test_jpeg.c - what jpeg.h decodes and writes is what libvips would have; damage is told */
#include "base/testing.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/mem.h"
#include "jail/image/jpegvips.h"
#include "jail/image/picture.h"
#include "jail/image/testpicture.h"

#include <stdlib.h>
#include <string.h>

static const char *corpus; /* tests/corpus/jail_jpeg */

/* A file of the corpus; g_free() its bytes. */
static slv_str sample(const char *name)
{
	char *path = g_build_filename(corpus, name, NULL), *bytes;
	gsize len;
	if (!g_file_get_contents(path, &bytes, &len, NULL))
		fail_msg("%s cannot be read", path);
	g_free(path);
	return (slv_str){ bytes, len };
}

static void done(slv_str bytes)
{
	g_free((void *)(uintptr_t)bytes.at);
}

/* A picture with edges, colours and noise. */
static VipsImage *scene(int width, int height)
{
	uint8_t *rgb = g_malloc((size_t)width * (size_t)height * 3);
	uint32_t random = 1;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			uint8_t *pixel = rgb + (y * width + x) * 3;
			random = random * 1103515245 + 12345;
			int noise = (int)(random >> 28);
			pixel[0] = (uint8_t)((x * 3 + noise) & 255);
			pixel[1] = (uint8_t)(y * 255 / height / 2 + noise);
			pixel[2] = (x / 9 + y / 7) % 2 ? 230 : 20;
		}
	VipsImage *image = vips_image_new_from_memory_copy(rgb, (size_t)width * (size_t)height * 3,
			width, height, 3, VIPS_FORMAT_UCHAR);
	g_free(rgb);
	slv_assert(image);
	image->Type = VIPS_INTERPRETATION_sRGB;
	return image;
}

static slv_str file_of(int width, int height, const char *suffix)
{
	return slv_testpicture_file(scene(width, height), suffix, true);
}

static int largest_difference(VipsImage *a, VipsImage *b)
{
	assert_int_equal(a->Xsize, b->Xsize);
	assert_int_equal(a->Ysize, b->Ysize);
	assert_int_equal(a->Bands, b->Bands);
	assert_int_equal(a->Type, b->Type);
	int most = 0;
	for (int y = 0; y < a->Ysize; y++) {
		const uint8_t *p = VIPS_IMAGE_ADDR(a, 0, y), *q = VIPS_IMAGE_ADDR(b, 0, y);
		for (int i = 0; i < a->Xsize * a->Bands; i++)
			most = MAX(most, abs(p[i] - q[i]));
	}
	return most;
}

static bool is_smaller_than(slv_str file, int side)
{
	struct slv_jpeg *jpeg;
	struct slv_jpeg_head head;
	assert_false(slv_failed(slv_jpeg_open(file, &jpeg, &head)));
	slv_jpeg_free(jpeg);
	return head.width < (uint32_t)side || head.height < (uint32_t)side;
}

static void same_as_libvips(slv_str file, int shrink)
{
	SLV_CLEANUP(slv_picture_done) VipsImage *stream = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *ours = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *other = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *theirs = NULL;
	if (is_smaller_than(file, shrink))
		return; /* libvips refuses */
	slv_err err = slv_jpegvips_open(file, (uint32_t)shrink, &stream);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	ours = vips_image_copy_memory(stream);
	assert_int_equal(vips_jpegload_buffer((void *)(uintptr_t)file.at, file.len, &other,
					 "shrink", shrink, NULL),
			0);
	theirs = vips_image_copy_memory(other);
	assert_non_null(ours);
	assert_non_null(theirs);
	assert_in_range(largest_difference(ours, theirs), 0, 1);
}

static void pixels_are_those_of_libvips(void **state)
{
	(void)state;
	static const char *const options[] = { "Q=5", "Q=40", "Q=80", "Q=95", "Q=100",
		"Q=80,subsample_mode=off", "Q=80,interlace", "Q=50,interlace,subsample_mode=off",
		"Q=80,optimize_coding", "Q=80,restart_interval=3",
		"Q=80,interlace,restart_interval=5" };
	static const int sizes[][2] = { { 1, 1 }, { 7, 5 }, { 8, 8 }, { 16, 17 }, { 131, 97 },
		{ 200, 3 }, { 3, 200 } };
	for (size_t i = 0; i < SLV_COUNT(options); i++)
		for (size_t k = 0; k < SLV_COUNT(sizes); k++) {
			char suffix[64];
			g_snprintf(suffix, sizeof(suffix), ".jpg[%s]", options[i]);
			slv_str file = file_of(sizes[k][0], sizes[k][1], suffix);
			for (int shrink = 1; shrink <= 8; shrink *= 2)
				same_as_libvips(file, shrink);
			slv_testpicture_free(file);
		}
}

static void every_subsampling_and_kind_of_scan_is_read(void **state)
{
	(void)state;
	static const char *const names[] = { "ycc-420.jpg", "ycc-422.jpg", "ycc-440.jpg",
		"ycc-411.jpg", "ycc-444.jpg", "ycc-420-progressive.jpg", "ycc-420-restart.jpg",
		"ycc-scans.jpg", "ycc-one-pixel.jpg", "grey.jpg", "grey-progressive.jpg",
		"exif-icc.jpg" };
	for (size_t i = 0; i < SLV_COUNT(names); i++)
		for (int shrink = 1; shrink <= 8; shrink *= 2) {
			slv_str file = sample(names[i]);
			same_as_libvips(file, shrink);
			done(file);
		}
}

static void a_large_picture_is_a_stream_of_the_same_pixels(void **state)
{
	(void)state;
	slv_str file = file_of(2601, 2303, ".jpg[Q=70]");
	same_as_libvips(file, 1);
	same_as_libvips(file, 2);
	/* Rows that nobody wants are passed over. */
	VipsImage *whole, *part, *should, *got;
	assert_int_equal(vips_jpegload_buffer((void *)(uintptr_t)file.at, file.len, &whole, NULL),
			0);
	assert_int_equal(vips_extract_area(whole, &should, 1003, 1501, 700, 600, NULL), 0);
	assert_false(slv_failed(slv_jpegvips_open(file, 1, &part)));
	assert_int_equal(vips_extract_area(part, &got, 1003, 1501, 700, 600, NULL), 0);
	VipsImage *a = vips_image_copy_memory(should), *b = vips_image_copy_memory(got);
	assert_in_range(largest_difference(a, b), 0, 1);
	VipsImage *const used[] = { whole, part, should, got, a, b };
	for (size_t i = 0; i < SLV_COUNT(used); i++)
		g_object_unref(used[i]);

	/* A cut one fails when it is read, in the middle. */
	VipsImage *stream;
	slv_err err = slv_jpegvips_open((slv_str){ file.at, file.len / 2 }, 1, &stream);
	assert_false(slv_failed(err));
	assert_null(vips_image_copy_memory(stream));
	vips_error_clear();
	g_object_unref(stream);
	slv_testpicture_free(file);
}

static void what_is_not_plain_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool plain, grey;
	} cases[] = { { "ycc-420.jpg", true, false }, { "grey.jpg", true, true },
		{ "arithmetic.jpg", false, false }, { "rgb.jpg", false, false },
		{ "cmyk.jpg", false, false }, { "ycck.jpg", false, false } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		slv_str file = sample(cases[i].name);
		struct slv_jpeg *jpeg;
		struct slv_jpeg_head head;
		assert_false(slv_failed(slv_jpeg_open(file, &jpeg, &head)));
		assert_int_equal(head.plain, cases[i].plain);
		assert_int_equal(head.grey, cases[i].grey);
		slv_jpeg_free(jpeg);
		done(file);
	}
}

static void metadata_comes_along(void **state)
{
	(void)state;
	slv_str file = sample("exif-icc.jpg");
	VipsImage *image;
	const void *at;
	size_t len;
	assert_false(slv_failed(slv_jpegvips_open(file, 1, &image)));
	/* In the order of their numbers, not of the file. */
	assert_int_equal(vips_image_get_blob(image, VIPS_META_ICC_NAME, &at, &len), 0);
	assert_int_equal(len, 12);
	assert_memory_equal(at, "first second", 12);
	assert_int_equal(vips_image_get_blob(image, VIPS_META_EXIF_NAME, &at, &len), 0);
	assert_memory_equal(at, "Exif\0\0MM\0*", 10);
	g_object_unref(image);

	/* Without its first part a profile is none. */
	char *copy = g_memdup2(file.at, file.len);
	char *part = copy + slv_str_find_str(file, SLV_STR("first ")) - 2;
	*part = 2;
	assert_false(slv_failed(slv_jpegvips_open((slv_str){ copy, file.len }, 1, &image)));
	assert_int_equal(vips_image_get_typeof(image, VIPS_META_ICC_NAME), 0);
	g_object_unref(image);
	g_free(copy);
	done(file);
}

/* Decode all of it; the code of the error. */
static int code_of(slv_str file, uint32_t shrink)
{
	/* Of its own size: the sanitizer watches the end. */
	char *copy = slv_alloc(file.len + !file.len);
	memcpy(copy, file.at, file.len);
	VipsImage *image = NULL;
	slv_err err = slv_jpegvips_open((slv_str){ copy, file.len }, shrink, &image);
	g_clear_object(&image);
	slv_free(copy);
	return err.code;
}

static void a_cut_file_is_corrupt_wherever_it_is_cut(void **state)
{
	(void)state;
	static const char *const suffixes[] = { ".jpg[Q=80]", ".jpg[Q=80,interlace]",
		".jpg[Q=80,restart_interval=4]" };
	for (size_t i = 0; i < SLV_COUNT(suffixes); i++) {
		slv_str file = file_of(150, 110, suffixes[i]);
		assert_int_equal(code_of(file, 1), 0);
		for (size_t len = 0; len + 16 < file.len; len += 97) {
			assert_int_equal(code_of((slv_str){ file.at, len }, 1), SLV_E_CORRUPT);
			assert_int_equal(code_of((slv_str){ file.at, len }, 4), SLV_E_CORRUPT);
		}
		slv_testpicture_free(file);
	}
}

static void damaged_codes_are_corrupt(void **state)
{
	(void)state;
	slv_str file = sample("bad-code.jpg");
	assert_int_equal(code_of(file, 1), SLV_E_CORRUPT);
	done(file);
	/* An end in the middle; a restart that nobody announced. */
	static const uint8_t marks[] = { 0xd9, 0xd3 };
	for (size_t i = 0; i < SLV_COUNT(marks); i++) {
		file = file_of(150, 110, ".jpg[Q=80]");
		char *middle = (char *)(uintptr_t)file.at + file.len / 2;
		memcpy(middle, "\x00\xff", 2);
		middle[2] = (char)marks[i];
		assert_int_equal(code_of(file, 1), SLV_E_CORRUPT);
		slv_testpicture_free(file);
	}
	/* Restart markers out of order. */
	file = file_of(150, 110, ".jpg[Q=80,restart_interval=2]");
	size_t at = slv_str_find_str(file, SLV_STR("\xff\xd4"));
	assert_true(at < file.len);
	((char *)(uintptr_t)file.at)[at + 1] = '\xd7';
	assert_int_equal(code_of(file, 1), SLV_E_CORRUPT);
	slv_testpicture_free(file);
	assert_int_equal(code_of(SLV_STR(""), 1), SLV_E_CORRUPT);
	assert_int_equal(code_of(SLV_STR("\xff\xd8\xff\xd9"), 1), SLV_E_CORRUPT);
}

static void what_no_pixel_depends_on_is_passed_over(void **state)
{
	(void)state;
	static const char *const names[] = { "garbage-behind.jpg", "padded-end.jpg", "jfif-9.jpg" };
	slv_str good = sample("ycc-420.jpg");
	VipsImage *should, *image;
	assert_false(slv_failed(slv_jpegvips_open(good, 1, &should)));
	for (size_t i = 0; i < SLV_COUNT(names); i++) {
		slv_str file = sample(names[i]);
		assert_false(slv_failed(slv_jpegvips_open(file, 1, &image)));
		assert_int_equal(largest_difference(image, should), 0);
		g_object_unref(image);
		done(file);
	}
	g_object_unref(should);
	done(good);
}

static void a_bomb_is_told_by_its_header_or_its_memory(void **state)
{
	(void)state;
	struct slv_jpeg *jpeg;
	struct slv_jpeg_head head;
	uint32_t width, height;
	/* The largest sides that there are: the header says so, and no memory is taken for it. */
	slv_str file = sample("sides-64k.jpg");
	assert_false(slv_failed(slv_jpeg_open(file, &jpeg, &head)));
	assert_int_equal(head.width, 65500);
	assert_int_equal(head.height, 65500);
	slv_jpeg_free(jpeg);
	/* One past them. */
	char *sides = (char *)(uintptr_t)file.at +
	              slv_str_find_str(file, SLV_STR("\xff\xdc\xff\xdc"));
	sides[1]++;
	slv_err err = slv_jpeg_open(file, &jpeg, &head);
	assert_int_equal(err.code, SLV_E_LIMIT);
	done(file);

	file = sample("sides-64k-progressive.jpg");
	assert_false(slv_failed(slv_jpeg_open(file, &jpeg, &head)));
	err = slv_jpeg_start(jpeg, 8, &width, &height);
	assert_int_equal(err.code, SLV_E_LIMIT);
	slv_jpeg_free(jpeg);
	done(file);
}

/* The file with its first scan `count` times more. */
static slv_str with_scans(slv_str file, int count)
{
	size_t from = slv_str_find_str(file, SLV_STR("\xff\xda"));
	slv_str rest = slv_str_from_index(file, from + 2);
	size_t len = 2 + slv_str_find_str(rest, SLV_STR("\xff\xda"));
	GString *out = g_string_new_len(file.at, (gssize)from);
	for (int i = 0; i < count; i++)
		g_string_append_len(out, file.at + from, (gssize)len);
	g_string_append_len(out, file.at + from, (gssize)(file.len - from));
	size_t all = out->len;
	return (slv_str){ g_string_free(out, FALSE), all };
}

static void a_hundred_scans_are_enough(void **state)
{
	(void)state;
	slv_str file = sample("ycc-scans.jpg"); /* three */
	slv_str most = with_scans(file, SLV_JPEG_SCANS_MAX - 3);
	assert_int_equal(code_of(most, 1), 0);
	slv_str more = with_scans(file, SLV_JPEG_SCANS_MAX - 2);
	assert_int_equal(code_of(more, 1), SLV_E_LIMIT);
	done(file);
	done(most);
	done(more);
}

static slv_str written(VipsImage *image, int quality, bool progressive, bool optimised)
{
	struct slv_jpeg_style style = { quality, progressive, optimised };
	void *at;
	size_t len;
	assert_false(slv_failed(slv_jpegvips_write(image, &style, &at, &len)));
	return (slv_str){ at, len };
}

static void files_are_those_of_libvips_to_the_byte(void **state)
{
	(void)state;
	static const int qualities[] = { 1, 50, 80, 89, 90, 100 };
	VipsImage *image = scene(163, 117);
	for (size_t i = 0; i < SLV_COUNT(qualities); i++)
		for (int style = 0; style < 4; style++) {
			bool progressive = style & 1, optimised = style & 2;
			slv_str ours = written(image, qualities[i], progressive, optimised);
			void *at;
			size_t len;
			assert_int_equal(vips_jpegsave_buffer(image, &at, &len, "Q", qualities[i],
							 "interlace", progressive,
							 "optimize_coding", optimised, "keep",
							 VIPS_FOREIGN_KEEP_NONE, NULL),
					0);
			assert_int_equal(ours.len, len);
			assert_memory_equal(ours.at, at, len);
			bool marked = slv_str_find_str(ours, SLV_STR("\xff\xc2")) < ours.len;
			assert_int_equal(marked, progressive);
			g_free(at);
			done(ours);
		}
	g_object_unref(image);
}

static void a_full_buffer_is_told(void **state)
{
	(void)state;
	VipsImage *image = scene(160, 160);
	const struct slv_jpeg_style style = { 100, false, false };
	struct slv_buf out;
	slv_buf_init(&out, SLV_KIB(20));
	slv_err err = slv_jpeg_write(VIPS_IMAGE_ADDR(image, 0, 0), 160, 160, &style, &out);
	assert_int_equal(err.code, SLV_E_LIMIT);
	slv_buf_done(&out);
	slv_buf_init(&out, 0);
	err = slv_jpeg_write(VIPS_IMAGE_ADDR(image, 0, 0), 160, 160, &style, &out);
	assert_int_equal(err.code, SLV_E_LIMIT);
	slv_buf_done(&out);
	g_object_unref(image);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pixels_are_those_of_libvips),
		cmocka_unit_test(every_subsampling_and_kind_of_scan_is_read),
		cmocka_unit_test(a_large_picture_is_a_stream_of_the_same_pixels),
		cmocka_unit_test(what_is_not_plain_is_told),
		cmocka_unit_test(metadata_comes_along),
		cmocka_unit_test(a_cut_file_is_corrupt_wherever_it_is_cut),
		cmocka_unit_test(damaged_codes_are_corrupt),
		cmocka_unit_test(what_no_pixel_depends_on_is_passed_over),
		cmocka_unit_test(a_bomb_is_told_by_its_header_or_its_memory),
		cmocka_unit_test(a_hundred_scans_are_enough),
		cmocka_unit_test(files_are_those_of_libvips_to_the_byte),
		cmocka_unit_test(a_full_buffer_is_told),
	};
	if (argc != 2 || VIPS_INIT(argv[0]) != 0)
		return 2;
	corpus = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
