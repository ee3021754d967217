/* cache_loose.c - entries beside the cache: more references, and ones that are never kept */
#include "base/assert.h"
#include "store/cache_entry.h"

struct slv_cache_hit *slv_cache_ref(struct slv_cache_hit *hit)
{
	slv_cache_entry_ref(SLV_CONTAINER(hit, struct slv_cache_entry, hit));
	return hit;
}

struct slv_cache_hit *slv_cache_loose(slv_str head, slv_str body, int body_fd, int64_t now_ms)
{
	struct slv_cache_key key = { 0 };
	struct slv_cache_entry *entry = slv_cache_entry_make(NULL, &key, head, body, body_fd);
	entry->hit.stored_ms = entry->hit.fresh_until_ms = entry->hit.stale_until_ms = now_ms;
	return &entry->hit;
}
