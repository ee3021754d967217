/* freshness.h - how long a source may be kept, from what its origin says of it
 *
 * RFC 9111: s-maxage before max-age before Expires (section 4.2.1), less the age (4.2.3): what Age
 * says, or the time since Date if that is more; no-cache before all of them. Of a directive that is
 * said twice the first counts, as of an Age with several members (5.1); an age that is no number is
 * 0, for it was meant to bound something. An origin that says nothing leaves it to the settings,
 * and within their bounds is what it says.
 *
 * A 304 replaces the fields that it carries; what the others said stays (3.2). So what was said is
 * kept beside a source, in struct slv_image_said.
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

/* What Cache-Control and Expires have said; begin with SLV_IMAGE_UNSAID. Has no padding, to be
 * stored as it is. */
struct slv_image_said {
	uint64_t max_age_s, s_maxage_s; /* SLV_IMAGE_UNSAID_S: not said */
	int64_t expires_s;              /* since 1970; INT64_MAX: not said */
	bool no_cache, private_data, revalidate;
	uint8_t pad[5];
};
#define SLV_IMAGE_UNSAID_S UINT64_MAX
#define SLV_IMAGE_UNSAID                                                                           \
	((struct slv_image_said){ SLV_IMAGE_UNSAID_S, SLV_IMAGE_UNSAID_S, INT64_MAX, false, false, \
			false, { 0 } })

struct slv_image_freshness {
	uint32_t ttl_s;    /* from now on */
	bool private_data; /* private or no-store: it is not kept at all */
	bool never_stale;  /* not shown past that: no-cache, must-revalidate, proxy-revalidate, or
	                      s-maxage, which means the latter (section 5.2.2.10) */
};

/* What `fields` of a reply say that came at `now_s`, since 1970, after what `said` knows of earlier
 * ones; updates that. */
struct slv_image_freshness slv_image_freshness_read(const struct slv_fields *fields,
		const struct slv_image_ttl *ttl, int64_t now_s, struct slv_image_said *said);

#endif
