/* key.h - the names of a source and of a variant in the cache
 *
 * A source key is the digest of site and source. A variant key is the digest of the source
 * key, the pictures that are drawn over it, and the plan: not of the options' text, so all
 * ways to say the same share one entry; and not of the client's class, which is in the plan
 * as far as it matters: an explicit format has one entry for all classes. The whole plan
 * counts, settings and limits that it carries included, so that changed settings never serve
 * what older ones made. Bump SLV_IMAGE_KEY_VERSION when the jail makes other pixels of the same
 * plan.
 *
 * Thread: any. Allocates nothing.
 */
#ifndef SLV_SERVICE_IMAGE_KEY_H
#define SLV_SERVICE_IMAGE_KEY_H

#include "base/digest.h"
#include "proc/pixel.h"

#define SLV_IMAGE_KEY_VERSION 2

/* The longest canonical form of a plan. */
#define SLV_IMAGE_PLAN_BYTES_MAX (sizeof(struct slv_pixel_plan) / 8 * 9)

/* `site` is the name of the site; `source` the path of the site or the whole URL, as it will
 * be fetched. */
struct slv_digest slv_image_source_key(slv_str site, slv_str source);

/* `draws` are the URLs of the plan's overlays, plan->draw_count of them. */
struct slv_digest slv_image_variant_key(const struct slv_digest *source,
		const struct slv_pixel_plan *plan, const slv_str *draws);

/* The canonical form that is hashed: the plan's words that are not zero, each behind its
 * index. Needs padding to be zero, as slv_image_plan_make() leaves it. Returns its length. */
size_t slv_image_plan_bytes(
		const struct slv_pixel_plan *plan, uint8_t ret_bytes[SLV_IMAGE_PLAN_BYTES_MAX]);

#endif
