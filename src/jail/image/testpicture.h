/* testpicture.h - pictures whose every pixel is known; for tests only */
#ifndef SLV_JAIL_IMAGE_TESTPICTURE_H
#define SLV_JAIL_IMAGE_TESTPICTURE_H

#include "base/str.h"
#include "proc/pixel.h"

#include <vips/vips.h>

struct slv_testcolour {
	uint8_t c[4];
};

#define SLV_INK(r, g, b, a) ((struct slv_testcolour){ { (r), (g), (b), (a) } })
#define SLV_RED ((struct slv_testcolour){ { 255, 0, 0, 255 } })
#define SLV_GREEN ((struct slv_testcolour){ { 0, 255, 0, 255 } })
#define SLV_BLUE ((struct slv_testcolour){ { 0, 0, 255, 255 } })
#define SLV_YELLOW ((struct slv_testcolour){ { 255, 255, 0, 255 } })
#define SLV_WHITE ((struct slv_testcolour){ { 255, 255, 255, 255 } })
#define SLV_BLACK ((struct slv_testcolour){ { 0, 0, 0, 255 } })
#define SLV_CLEAR ((struct slv_testcolour){ { 0, 0, 0, 0 } })

/* Red, green over blue, yellow; each a quarter of `width` x `height`. RGBA. */
VipsImage *slv_testpicture_quarters(int width, int height);

/* All of one colour. RGBA. */
VipsImage *slv_testpicture_plain(int width, int height, struct slv_testcolour colour);

/* `inner` at `left`, `top` on a larger one of `colour`. Takes `inner`. */
VipsImage *slv_testpicture_on(VipsImage *inner, int left, int top, int width, int height,
		struct slv_testcolour colour);

/* The bytes of a file by the saver for `suffix` (".png", ".jpg[Q=90]", …); alpha is dropped if
 * `opaque`. Takes `image`. Free with slv_testpicture_free(). */
slv_str slv_testpicture_file(VipsImage *image, const char *suffix, bool opaque);
void slv_testpicture_free(slv_str file);

/* Decode to 8-bit sRGB with alpha, in memory. The test fails if it cannot. */
VipsImage *slv_testpicture_decode(slv_str bytes);

/* The pixel is `colour`, give or take `slack` in each channel; else the test fails. */
#define slv_testpicture_pixel(image, x, y, colour, slack)                                          \
	slv_testpicture_pixel_at(image, x, y, colour, slack, __FILE__, __LINE__)
void slv_testpicture_pixel_at(VipsImage *image, int x, int y, struct slv_testcolour colour,
		int slack, const char *file, int line);

#endif
