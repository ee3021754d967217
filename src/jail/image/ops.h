/* ops.h - what is done to pixels
 *
 * Each function replaces the image it is given. Up to slv_ops_pull() images are streams that can
 * be read once, from top to bottom; from there on they are in memory, 8-bit sRGB with or
 * without alpha, and small.
 *
 * They fail with SLV_E_INTERNAL, and where pixels are pulled through a decoder with
 * SLV_E_CORRUPT.
 */
#ifndef SLV_JAIL_IMAGE_OPS_H
#define SLV_JAIL_IMAGE_OPS_H

#include "base/err.h"
#include "jail/image/layout.h"
#include "proc/pixel.h"

#include <vips/vips.h>

/* Cut `rect` out. */
slv_err slv_ops_crop(VipsImage **image, struct slv_rect rect);

/* Resize to `width` x `height`, keep `rect` of that, make it plain. */
slv_err slv_ops_scale(VipsImage **image, uint32_t width, uint32_t height, struct slv_rect rect);

/* 8-bit sRGB, by the picture's colour profile if it has one. */
slv_err slv_ops_plain(VipsImage **image);

/* Compute the pixels, into memory. */
slv_err slv_ops_pull(VipsImage **image);

slv_err slv_ops_turn(VipsImage **image, struct slv_turn turn);

/* Where in `image`, which is in memory, the most interesting part of the size of `rect` is. */
slv_err slv_ops_interesting(VipsImage *image, enum slv_gravity gravity, struct slv_rect *rect);

slv_err slv_ops_add_alpha(VipsImage **image);  /* opaque, if there is none */
slv_err slv_ops_drop_alpha(VipsImage **image); /* if there is one */

/* Lay it on a canvas of `colour`, with its left top there. */
slv_err slv_ops_embed(VipsImage **image, int32_t left, int32_t top, uint32_t width, uint32_t height,
		struct slv_colour colour);

/* Put `colour` behind what is transparent; opaque afterwards if `colour` is. */
slv_err slv_ops_flatten(VipsImage **image, struct slv_colour colour);

/* In this order: blur (a radius of two standard deviations), sharpen (unsharp mask of 3 x 3 px,
 * weight sharpen / 2), brightness (factor), contrast (factor around the middle), gamma (above 1
 * lightens), saturation. */
slv_err slv_ops_filter(VipsImage **image, const struct slv_pixel_plan *plan);

#endif
