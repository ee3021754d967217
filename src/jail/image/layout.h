/* layout.h - where pixels go
 *
 * Pure arithmetic, no pixels: from a plan and the size of a picture to the sizes and
 * offsets of each step. There are three spaces. Raw is what the file holds. Shown is raw
 * after EXIF rotation; trims are given in it. Turned is shown after trim, flip and rotate;
 * fit, gravity and all that follows are worked out in it. Resizing and cropping happen in
 * raw space nevertheless, on the stream from the decoder, and only the small result is
 * turned: slv_turn_back() brings rectangles there.
 */
#ifndef SLV_JAIL_IMAGE_LAYOUT_H
#define SLV_JAIL_IMAGE_LAYOUT_H

#include "base/arena.h"
#include "base/err.h"
#include "proc/pixel.h"

#include <stdbool.h>
#include <stdint.h>

struct slv_rect {
	uint32_t left, top, width, height;
};

/* One of the eight ways to lay a rectangle down: first `swap` rows and columns, then mirror. */
struct slv_turn {
	bool swap, flip_h, flip_v;
};

/* EXIF orientation 1…8; others are 1. */
struct slv_turn slv_turn_exif(int orientation);

/* `turn`, then the plan's flip, then its rotation. */
struct slv_turn slv_turn_plan(struct slv_turn turn, const struct slv_pixel_plan *plan);

/* The rectangle of the unturned picture that `turn` makes into `rect` of a turned one that is
 * `width` x `height`. */
struct slv_rect slv_turn_back(
		struct slv_turn turn, struct slv_rect rect, uint32_t width, uint32_t height);

/* What SLV_TRIM_SIDES and SLV_TRIM_BOX leave of a shown picture; all of it for the others.
 * SLV_E_OPTION if nothing is left. */
slv_err slv_layout_trim(struct slv_arena *arena, const struct slv_pixel_plan *plan, uint32_t width,
		uint32_t height, struct slv_rect *ret_rect);

struct slv_layout {
	uint32_t scaled_width, scaled_height; /* the whole picture is resized to that */
	struct slv_rect crop;                 /* and this part of it is kept */
	bool smart; /* where the crop lies is for the pixels to decide: only its size holds */
	uint32_t canvas_width, canvas_height;                          /* then padded to that */
	uint32_t canvas_left, canvas_top;                              /* with the picture there */
	uint32_t border_top, border_right, border_bottom, border_left; /* then that around it */
	uint32_t width, height;                                        /* of the output */
};

/* For a turned picture of `width` x `height` and `frames` frames. SLV_E_LIMIT, with the bound
 * and the number, when the output would be too large. */
slv_err slv_layout_make(struct slv_arena *arena, const struct slv_pixel_plan *plan, uint32_t width,
		uint32_t height, uint32_t frames, struct slv_layout *ret_layout);

/* All numbers of `layout` times `factor`, at least one px each: for a thumbnail of what would be
 * the output. */
void slv_layout_shrink(struct slv_layout *layout, double factor);

/* The offset of an overlay of `len` px on an axis of `room` px: `near` from the start, `far` from
 * the end, else centred. */
int32_t slv_layout_offset(uint32_t room, uint32_t len, bool has_near, uint32_t near, bool has_far,
		uint32_t far);

#endif
