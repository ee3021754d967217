/* purges.h - what was purged lately
 *
 * A purge empties the cache, but not the hands of who is at work: what was fetched or made of what
 * is forgotten now must neither be stored nor be joined. So whoever begins keeps image_purges.count
 * of then, and asks before storing whether a purge since then covers his key. The last
 * IMAGE_PURGES_KEPT are known; who began before all of those is told that his was among them.
 *
 * Thread: one, the home loop. Allocates nothing.
 */
#ifndef SLV_SERVICE_IMAGE_PURGES_H
#define SLV_SERVICE_IMAGE_PURGES_H

#include "store/cache.h"

#define IMAGE_PURGES_KEPT 1024u

struct image_purge {
	enum { IMAGE_PURGE_ALL, IMAGE_PURGE_SOURCE, IMAGE_PURGE_VARIANT } what;
	struct slv_digest digest; /* of the source or variant */
};

/* Zeroed: nothing was. */
struct image_purges {
	uint64_t count; /* so far */
	struct image_purge kept[IMAGE_PURGES_KEPT];
};

void image_purges_add_all(struct image_purges *purges);

/* A source with all its variants. */
void image_purges_add_source(struct image_purges *purges, const struct slv_digest *source);

void image_purges_add_variant(struct image_purges *purges, const struct slv_digest *variant);

/* Was `key`, or its source, or everything purged after the first `since` purges? Once it is true
 * for a `since` it stays so. */
bool image_purges_cover(
		const struct image_purges *purges, uint64_t since, const struct slv_cache_key *key);

#endif
