/* load.h - a picture decoded, cut, scaled and turned as a plan says
 *
 * The way from bytes to small pixels in memory; overlays take it as well as the picture they
 * are laid on.
 */
#ifndef SLV_JAIL_IMAGE_LOAD_H
#define SLV_JAIL_IMAGE_LOAD_H

#include "jail/image/decode.h"
#include "jail/image/layout.h"

struct slv_load {
	struct slv_source source;
	struct slv_turn turn;   /* raw → turned */
	uint32_t width, height; /* as shown: after EXIF rotation */
	struct slv_rect trim;   /* what is left of it, raw */
	struct slv_layout layout;
};

/* Read the header and look at nothing else. */
slv_err slv_load_head(struct slv_arena *arena, slv_str bytes, const struct slv_pixel_plan *plan,
		struct slv_load *ret_load);

/* Work out trim and layout. SLV_TRIM_BORDER decodes the first frame for it. */
slv_err slv_load_layout(
		struct slv_arena *arena, const struct slv_pixel_plan *plan, struct slv_load *load);

/* Decode; `load->source.frames` images in memory, 8-bit sRGB, each of layout.crop's size. On
 * failure none is left. */
slv_err slv_load_frames(struct slv_arena *arena, const struct slv_pixel_plan *plan,
		struct slv_load *load, VipsImage **ret_frames);

#endif
