/* ops.h - what is done to pixels
 *
 * Each function replaces the image it is given. Up to slv_ops_scale() images are streams
 * that can be read once; from there on they are in memory, 8-bit sRGB with or without
 * alpha, and small.
 *
 * All fail with SLV_E_CORRUPT (the decoder stumbled while pixels were pulled) or
 * SLV_E_INTERNAL.
 */
#ifndef SLV_JAIL_IMAGE_OPS_H
#define SLV_JAIL_IMAGE_OPS_H

#include "base/err.h"
#include "jail/image/layout.h"
#include "proc/pixel.h"

#include <vips/vips.h>

/* Cut `rect` out. */
slv_err slv_ops_crop(VipsImage **image, struct slv_rect rect);

/* Resize to `width` x `height`, keep `rect` of that, make it sRGB and pull it into memory. */
slv_err slv_ops_scale(VipsImage **image, uint32_t width, uint32_t height, struct slv_rect rect);

slv_err slv_ops_turn(VipsImage **image, struct slv_turn turn);

/* Lay it on a canvas of `colour`. */
slv_err slv_ops_embed(VipsImage **image, int32_t left, int32_t top, uint32_t width, uint32_t height,
		struct slv_colour colour);

/* Put `colour` behind what is transparent; the result is opaque if `colour` is. */
slv_err slv_ops_flatten(VipsImage **image, struct slv_colour colour);

/* Blur, sharpen, brightness, contrast, gamma, saturation. */
slv_err slv_ops_filter(VipsImage **image, const struct slv_pixel_plan *plan);

#endif
