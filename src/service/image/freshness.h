/* freshness.h - how long a source may be kept, from what its origin says of it
 *
 * RFC 9111: s-maxage before max-age before Expires (section 4.2.1), less the Age; no-cache before
 * all of them. Of a directive that is said twice the first counts; an age that is no number is 0,
 * for it was meant to bound something (likewise). An origin that says nothing leaves it to the
 * settings, and within their bounds is what it says.
 *
 * Thread: any. Allocates nothing.
 */
#ifndef SLV_SERVICE_IMAGE_FRESHNESS_H
#define SLV_SERVICE_IMAGE_FRESHNESS_H

#include "http/field.h"

/* The settings; least_s ≤ most_s. */
struct slv_image_ttl {
	uint32_t unsaid_s, least_s, most_s;
};

struct slv_image_freshness {
	uint32_t ttl_s;    /* from now on */
	bool private_data; /* private or no-store: it is not kept at all */
	bool never_stale;  /* no-cache, must-revalidate or proxy-revalidate: not shown past that */
};

/* What `fields` of a reply say that came at `now_s`, since 1970. */
struct slv_image_freshness slv_image_freshness_read(
		const struct slv_fields *fields, const struct slv_image_ttl *ttl, int64_t now_s);

#endif
