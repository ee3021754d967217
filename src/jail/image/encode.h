/* encode.h - from pixels to the bytes of a file */
#ifndef SLV_JAIL_IMAGE_ENCODE_H
#define SLV_JAIL_IMAGE_ENCODE_H

#include "base/err.h"
#include "proc/pixel.h"

#include <stddef.h>
#include <vips/vips.h>

/* Write `image` in `format` with the plan's quality and effort. The bytes are g_free()d by the
 * caller. SLV_E_INTERNAL if the encoder fails. */
slv_err slv_encode(VipsImage *image, enum slv_format format, const struct slv_pixel_plan *plan,
		void **ret_bytes, size_t *ret_len);

#endif
