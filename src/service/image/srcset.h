/* srcset.h - a `<picture>` element made of signed links
 *
 * One signature of scheme 3 (sign.h) covers all widths and formats. Newer formats become
 * `<source>` elements in the order AVIF, WebP; the `<img>` is format=auto, so that a page
 * from a cache still suits each client. Attribute values are HTML-escaped. Thread: any.
 */
#ifndef SLV_SERVICE_IMAGE_SRCSET_H
#define SLV_SERVICE_IMAGE_SRCSET_H

#include "service/image/sign.h"

struct slv_image_picture {
	slv_str origin;  /* "https://img.example", put before each link; may be empty */
	slv_str route;   /* "/cdn-cgi/image/" */
	slv_str options; /* without width and format; may be empty */
	slv_str source;  /* "/samples/cat.jpg" or "https://…"; its query behind '?' if any */
	slv_str widths;  /* "320,640,960" */
	slv_str sizes;   /* for the attribute; empty: "100vw" */
	slv_str alt;
	bool avif, webp; /* with a <source> each */
	uint64_t exp_s;
};

/* One link to `width` in `format`, without origin. SLV_E_OPTION as slv_image_sign_set(). */
slv_err slv_image_srcset_link(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, uint32_t width, slv_str format,
		struct slv_buf *buf);

/* The element, with a line break at its end. SLV_E_OPTION as slv_image_sign_set();
 * SLV_E_LIMIT past the buffer's maximum. */
slv_err slv_image_srcset_print(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, struct slv_buf *buf);

#endif
