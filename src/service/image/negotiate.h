/* negotiate.h - what can be shown to this client
 *
 * Of all that a client may say of itself, only this reaches a cache key:
 *
 *  - a class, one of four: whether it shows AVIF, and whether it shows WebP. Only a type
 *    that is named counts, no wildcard (everybody sends one); q=0 is a refusal, and a type
 *    that is liked less than an older one is left out: a client that likes WebP better than
 *    AVIF is of class WEBP, one that likes JPEG better than both of class PLAIN.
 *  - for width=auto, one of the widths 320, 768, 960, 1200
 *  - for slow-connection-quality, whether it is slow: rtt > 150, save-data on, ect slow-2g,
 *    2g or 3g, or downlink < 5
 *
 * Thread: any.
 */
#ifndef SLV_SERVICE_IMAGE_NEGOTIATE_H
#define SLV_SERVICE_IMAGE_NEGOTIATE_H

#include "base/str.h"
#include "http/accept.h"
#include "http/field.h"

#include <stdint.h>

enum slv_image_class {
	SLV_IMAGE_CLASS_PLAIN = 0, /* JPEG, PNG, GIF */
	SLV_IMAGE_CLASS_WEBP = 1,
	SLV_IMAGE_CLASS_AVIF = 2, /* and no WebP */
	SLV_IMAGE_CLASS_AVIF_WEBP = 3,
	SLV_IMAGE_CLASS_COUNT
};

struct slv_image_choice {
	uint8_t class; /* enum slv_image_class */
	bool slow;
	uint32_t width; /* of width=auto; one of the four */
};

enum slv_image_class slv_image_class_of(const struct slv_accept *accept);

/* Does the client say that its connection is slow? */
bool slv_image_is_slow(const struct slv_fields *fields);

/* The bucket for width=auto: by Sec-CH-Width or Width (px of the device), else by
 * Sec-CH-Viewport-Width or Viewport-Width times Sec-CH-DPR or DPR (at most 8): the smallest
 * that is not smaller, or 1200. Else by User-Agent: a telephone 768 (few are as narrow as 320
 * px of the device), a tablet 960, others 1200. */
uint32_t slv_image_auto_width(const struct slv_fields *fields);

/* All of that. Fields that an option does not need are not looked at: `auto_width` and
 * `slow_quality` say whether the options name width=auto and slow-connection-quality. */
struct slv_image_choice slv_image_choose(
		const struct slv_fields *fields, bool auto_width, bool slow_quality);

/* The value for Vary of a reply to such options, and that for Accept-CH (empty if no hint is
 * wanted). Static. */
slv_str slv_image_vary(bool auto_width, bool slow_quality);
slv_str slv_image_accept_ch(bool auto_width, bool slow_quality);

#endif
