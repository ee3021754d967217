/* memory.c - pieces of blobs that are read again and again
 *
 * They lie in the memory tier of the response cache, as they were checked when they were read. A
 * blob never changes, so a piece is right for as long as it is there. What is read once leaves no
 * more than a fingerprint: to copy what nobody asks for again would make every first read dearer.
 */
#include "store/blob/private.h"

#include <string.h>

static struct slv_cache_key key_of(const struct slv_blob_ref *ref, uint64_t offset, size_t len)
{
	struct slv_cache_key key = { 0 };
	const uint64_t place[] = { offset, len };
	_Static_assert(SLV_BLOB_ID_BYTES + sizeof(place) <= SLV_SHA256_BYTES, "they are a key");
	memcpy(key.source.bytes, ref->id.bytes, SLV_BLOB_ID_BYTES);
	memcpy(key.variant.bytes, ref->id.bytes, SLV_BLOB_ID_BYTES);
	memcpy(key.variant.bytes + SLV_BLOB_ID_BYTES, place, sizeof(place));
	return key;
}

static bool is_remembered(const struct slv_blobs *blobs, const struct slv_blob_ref *ref)
{
	return blobs->memory && ref->len <= SLV_BLOB_REMEMBERED_BYTES_MAX;
}

struct slv_cache_hit *blob_memory_get(struct slv_blobs *blobs, const struct slv_blob_ref *ref,
		uint64_t offset, size_t len)
{
	if (!is_remembered(blobs, ref))
		return NULL;
	struct slv_cache_key key = key_of(ref, offset, len);
	return slv_cache_get(blobs->memory, &key, 0);
}

/* Whether the piece was read before, as far as is remembered. */
static bool see(struct slv_blobs *blobs, const struct slv_cache_key *key)
{
	uint64_t hash = XXH3_64bits(key->variant.bytes, sizeof(key->variant.bytes));
	uint32_t mark = (uint32_t)(hash >> 32) | 1;
	return atomic_exchange_explicit(
			       &blobs->seen[hash % BLOB_SEEN], mark, memory_order_relaxed) == mark;
}

void blob_memory_add(struct slv_blobs *blobs, struct slv_loop *loop, const struct slv_blob_ref *ref,
		uint64_t offset, slv_str bytes)
{
	if (!is_remembered(blobs, ref))
		return;
	struct slv_cache_key key = key_of(ref, offset, bytes.len);
	if (!see(blobs, &key))
		return;
	struct slv_cache_hit *hit = slv_cache_put_memory(blobs->memory, loop, &key, (slv_str){ 0 },
			bytes, -1, 0, INT64_MAX, INT64_MAX);
	hit->hold.drop(&hit->hold);
}
