/* encode.h - from pixels to the bytes of a file
 *
 * Nothing of the source's metadata goes into the output but what the plan keeps of EXIF, in a
 * JPEG. Colour profiles are baked into the pixels before.
 */
#ifndef SLV_JAIL_IMAGE_ENCODE_H
#define SLV_JAIL_IMAGE_ENCODE_H

#include "base/err.h"
#include "proc/pixel.h"

#include <stdbool.h>
#include <stddef.h>
#include <vips/vips.h>

bool slv_encode_has_alpha(enum slv_format format);
bool slv_encode_has_frames(enum slv_format format);

/* Write `image`, 8-bit sRGB, in `format` with the plan's quality and effort. Frames are below each
 * other, as libvips' metadata says. The bytes are g_free()d by the caller. SLV_E_INTERNAL if
 * the encoder fails. */
slv_err slv_encode(VipsImage *image, enum slv_format format, const struct slv_pixel_plan *plan,
		void **ret_bytes, size_t *ret_len);

#endif
