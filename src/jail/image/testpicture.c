#include "base/testing.h"

#include "base/assert.h"
#include "jail/image/testpicture.h"

#include <stdlib.h>
#include <string.h>

/* For the leak sanitizer: what foreign libraries keep for the process's life is their affair. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libx265\nleak:libglib\nleak:libheif\nleak:libvips\n";
}

static VipsImage *from_pixels(const uint8_t *rgba, int width, int height)
{
	VipsImage *raw = vips_image_new_from_memory_copy(rgba, (size_t)width * (size_t)height * 4,
			width, height, 4, VIPS_FORMAT_UCHAR);
	VipsImage *image;
	slv_assert(raw);
	slv_assert(vips_copy(raw, &image, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) == 0);
	g_object_unref(raw);
	return image;
}

VipsImage *slv_testpicture_quarters(int width, int height)
{
	const struct slv_testcolour colours[2][2] = { { SLV_RED, SLV_GREEN },
		{ SLV_BLUE, SLV_YELLOW } };
	uint8_t *rgba = g_malloc((size_t)width * (size_t)height * 4);
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			memcpy(rgba + (y * width + x) * 4, colours[y * 2 / height][x * 2 / width].c,
					4);
	VipsImage *image = from_pixels(rgba, width, height);
	g_free(rgba);
	return image;
}

VipsImage *slv_testpicture_plain(int width, int height, struct slv_testcolour colour)
{
	uint8_t *rgba = g_malloc((size_t)width * (size_t)height * 4);
	for (int i = 0; i < width * height; i++)
		memcpy(rgba + i * 4, colour.c, 4);
	VipsImage *image = from_pixels(rgba, width, height);
	g_free(rgba);
	return image;
}

VipsImage *slv_testpicture_on(VipsImage *inner, int left, int top, int width, int height,
		struct slv_testcolour colour)
{
	VipsImage *under = slv_testpicture_plain(width, height, colour), *out;
	slv_assert(vips_insert(under, inner, &out, left, top, NULL) == 0);
	g_object_unref(under);
	g_object_unref(inner);
	return out;
}

slv_str slv_testpicture_file(VipsImage *image, const char *suffix, bool opaque)
{
	void *bytes;
	size_t len;
	if (opaque && vips_image_hasalpha(image)) {
		VipsImage *out;
		slv_assert(vips_extract_band(image, &out, 0, "n", image->Bands - 1, NULL) == 0);
		g_object_unref(image);
		image = out;
	}
	if (vips_image_write_to_buffer(image, suffix, &bytes, &len, NULL) != 0)
		fail_msg("%s: %s", suffix, vips_error_buffer());
	g_object_unref(image);
	return (slv_str){ bytes, len };
}

void slv_testpicture_free(slv_str file)
{
	g_free((void *)(uintptr_t)file.at);
}

VipsImage *slv_testpicture_decode(slv_str bytes)
{
	VipsImage *image = vips_image_new_from_buffer(bytes.at, bytes.len, "", NULL), *out;
	if (!image)
		fail_msg("%s", vips_error_buffer());
	if (image->Type != VIPS_INTERPRETATION_sRGB) {
		slv_assert(vips_colourspace(image, &out, VIPS_INTERPRETATION_sRGB, NULL) == 0);
		g_object_unref(image);
		image = out;
	}
	if (!vips_image_hasalpha(image)) {
		slv_assert(vips_addalpha(image, &out, NULL) == 0);
		g_object_unref(image);
		image = out;
	}
	out = vips_image_copy_memory(image);
	slv_assert(out);
	g_object_unref(image);
	return out;
}

void slv_testpicture_pixel_at(VipsImage *image, int x, int y, struct slv_testcolour colour,
		int slack, const char *file, int line)
{
	slv_assert(x >= 0 && y >= 0 && x < image->Xsize && y < image->Ysize);
	const uint8_t *got = VIPS_IMAGE_ADDR(image, x, y);
	bool same = abs(got[3] - colour.c[3]) <= slack;
	/* Where nothing is seen any colour will do. */
	for (int i = 0; i < 3 && (colour.c[3] > 0 || !same); i++)
		same = same && abs(got[i] - colour.c[i]) <= slack;
	if (!same) {
		print_error("pixel %d,%d is %d,%d,%d,%d and should be %d,%d,%d,%d\n", x, y, got[0],
				got[1], got[2], got[3], colour.c[0], colour.c[1], colour.c[2],
				colour.c[3]);
		_fail(file, line);
	}
}
