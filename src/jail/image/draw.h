/* draw.h - overlays
 *
 * An overlay is loaded once, as any picture, by a plan of its own that is made from its
 * slv_pixel_draw; then it is laid on every frame.
 */
#ifndef SLV_JAIL_IMAGE_DRAW_H
#define SLV_JAIL_IMAGE_DRAW_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "proc/pixel.h"

#include <vips/vips.h>

/* The overlay, with alpha, in memory, ready to be laid on. */
slv_err slv_draw_load(struct slv_arena *arena, slv_str bytes, const struct slv_pixel_plan *plan,
		const struct slv_pixel_draw *draw, VipsImage **ret_overlay);

/* Lay it on `image`, which has no alpha afterwards if it had none and cannot have got holes. */
slv_err slv_draw_onto(VipsImage **image, VipsImage *overlay, const struct slv_pixel_draw *draw);

#endif
