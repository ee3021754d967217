/* plan.h - from options to what the image jail is asked
 *
 * A quality is a number on JPEG's scale, whatever the format: it is mapped on the other
 * scales so that JPEG's default becomes that format's default and 100 stays 100 (in WebP:
 * lossless). So quality=85 is the same as none. An explicit quality makes a PNG one with a
 * palette.
 *
 * What cannot matter is set to one value (gravity where nothing is cropped, the quality of a
 * format that will not be written, …), so that different ways to say the same give the same
 * plan, and by key.h the same entry of the cache.
 *
 * format=auto by the client's class (negotiate.h):
 *
 *	AVIF_WEBP  AVIF, or WebP where AVIF is too large or cannot hold an animation
 *	AVIF       AVIF, or as PLAIN
 *	WEBP       WebP
 *	PLAIN      as the source, but JPEG or PNG of a WebP or AVIF
 *
 * Thread: any. Allocates nothing.
 */
#ifndef SLV_SERVICE_IMAGE_PLAN_H
#define SLV_SERVICE_IMAGE_PLAN_H

#include "proc/pixel.h"
#include "service/image/defaults.h"
#include "service/image/negotiate.h"
#include "service/image/options.h"

/* Every byte of `*ret_plan` is written, padding too. No border and no draws: those come by
 * slv_image_preset_apply(). */
void slv_image_plan_make(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, const struct slv_image_choice *choice,
		struct slv_pixel_plan *ret_plan);

#endif
