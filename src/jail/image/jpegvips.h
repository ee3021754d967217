/* jpegvips.h - plain JPEGs (jpeg.h) as libvips' images */
#ifndef SLV_JAIL_IMAGE_JPEGVIPS_H
#define SLV_JAIL_IMAGE_JPEGVIPS_H

#include "base/err.h"
#include "base/str.h"
#include "jail/image/jpeg.h"

#include <vips/vips.h>

/* A JPEG whose head is plain, each side divided by `shrink` (1, 2, 4, 8) and rounded down, with its
 * profile and EXIF block as metadata. Small ones are decoded at once, large ones as a stream that
 * is read once from top to bottom. `bytes` outlive the image. SLV_E_CORRUPT, SLV_E_LIMIT. */
slv_err slv_jpegvips_open(slv_str bytes, uint32_t shrink, VipsImage **ret_image);

/* Write 8-bit sRGB without alpha. The bytes are g_free()d by the caller. */
slv_err slv_jpegvips_write(VipsImage *image, const struct slv_jpeg_style *style, void **ret_bytes,
		size_t *ret_len);

#endif
