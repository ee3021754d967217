#include "service/image/purges.h"

#include <string.h>

static void add(struct image_purges *purges, struct image_purge purge)
{
	purges->kept[purges->count++ % IMAGE_PURGES_KEPT] = purge;
}

void image_purges_add_all(struct image_purges *purges)
{
	add(purges, (struct image_purge){ .what = IMAGE_PURGE_ALL });
}

void image_purges_add_source(struct image_purges *purges, const struct slv_digest *source)
{
	add(purges, (struct image_purge){ .what = IMAGE_PURGE_SOURCE, .digest = *source });
}

void image_purges_add_variant(struct image_purges *purges, const struct slv_digest *variant)
{
	add(purges, (struct image_purge){ .what = IMAGE_PURGE_VARIANT, .digest = *variant });
}

static bool covers(const struct image_purge *purge, const struct slv_cache_key *key)
{
	if (purge->what == IMAGE_PURGE_ALL)
		return true;
	const struct slv_digest *own =
			purge->what == IMAGE_PURGE_SOURCE ? &key->source : &key->variant;
	return memcmp(&purge->digest, own, sizeof(*own)) == 0;
}

bool image_purges_cover(
		const struct image_purges *purges, uint64_t since, const struct slv_cache_key *key)
{
	if (purges->count - since > IMAGE_PURGES_KEPT)
		return true;
	for (uint64_t i = since; i < purges->count; i++)
		if (covers(&purges->kept[i % IMAGE_PURGES_KEPT], key))
			return true;
	return false;
}
