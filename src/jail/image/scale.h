/* scale.h - pixels made fewer
 *
 * Lanczos 3 in whole numbers, first down the columns, then across, with six bits behind the point
 * in between. Before it is rounded a result is less than a fiftieth of a step of 255 off the exact
 * sum, and less than an eighth in pictures that are made for that; and it costs less than libvips'
 * (docs/PERFORMANCE.md).
 *
 * Sizes are in px. Errors: none. Thread: any.
 */
#ifndef SLV_JAIL_IMAGE_SCALE_H
#define SLV_JAIL_IMAGE_SCALE_H

#include "jail/image/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLV_SCALE_RATIO_MAX 4 /* each side becomes at most so much smaller, and never larger */

struct slv_scale {
	const uint8_t *rgb;     /* three bytes a pixel */
	size_t stride;          /* bytes from one row to the next */
	uint32_t width, height; /* > 0 */
	uint32_t to_width, to_height;
	struct slv_rect rect; /* the part of the result that is wanted; within it */
};

/* Can it be done here? */
bool slv_scale_fits(uint32_t width, uint32_t height, uint32_t to_width, uint32_t to_height);

/* Write the wanted part, three bytes a pixel, `stride` bytes from one row to the next. It must
 * fit. */
void slv_scale_run(const struct slv_scale *scale, uint8_t *rgb, size_t stride);

#endif
