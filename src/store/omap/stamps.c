/* stamps.c - whether what is kept of a row is still true
 *
 * A table of slots, found by a digest of the map's name and the key; rows may share one. A slot
 * counts the writes that were begun, and those that are under way: it is begun before the first
 * moment at which others may see the write, and ended before anybody is told of it. The empty key
 * stands for all rows of a map. All counts only grow, so their sum tells whether one of them did.
 */
#include "base/mem.h"
#include "store/omap/private.h"

#include <string.h>
#include <xxhash.h>

/* Under way: the low bits, which do not flow over; the rest are the writes that were begun. */
#define BEGUN_SHIFT 24
#define UNDER_WAY ((UINT64_C(1) << BEGUN_SHIFT) - 1)
#define BEGIN ((UINT64_C(1) << BEGUN_SHIFT) + 1)

static size_t slot_of(const struct slv_omap *map, slv_str key)
{
	return XXH3_64bits_withSeed(key.at ? key.at : "", key.len, map->seed) %
	       SLV_OMAP_STAMPS_COUNT;
}

uint64_t slv_omap_stamp(struct slv_omap *map, slv_str key)
{
	const struct slv_omaps *omaps = map->omaps;
	struct slv_omap_slot *slots = atomic_load(&omaps->stamps);
	if (!slots)
		return 0;
	uint64_t row = atomic_load(&slots[slot_of(map, key)].writes);
	uint64_t all = atomic_load(&slots[slot_of(map, (slv_str){ 0 })].writes);
	if ((row | all) & UNDER_WAY)
		return 0;
	uint64_t age_s = omaps->stamps_age ? slv_crew_now_ms() / 1000 : 0;
	return 1 + (row >> BEGUN_SHIFT) + (all >> BEGUN_SHIFT) + age_s;
}

uint64_t slv_omap_stamps_seed(slv_str name)
{
	return XXH3_64bits(name.at, name.len);
}

enum deed { BEGINS, ENDS, STAYS_IN_DOUBT };

/* A slot that is in doubt already is under way as it is. */
static void doubt(struct slv_omap *map, struct slv_omap_slot *slots, size_t slot)
{
	if (!map->doubts)
		map->doubts = slv_alloc(SLV_OMAP_STAMPS_COUNT / 8);
	uint8_t *bits = &map->doubts[slot / 8], bit = (uint8_t)(1u << slot % 8);
	if (*bits & bit)
		atomic_fetch_sub(&slots[slot].writes, 1);
	*bits |= bit;
}

static void each(struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count,
		enum deed deed)
{
	struct slv_omap_slot *slots = atomic_load(&map->omaps->stamps);
	for (size_t i = 0; slots && i < count; i++) {
		for (size_t k = 0; k < batches[i]->count; k++) {
			const struct slv_omap_change *change = &batches[i]->changes[k];
			size_t slot = slot_of(map, change->key);
			if (change->what == SLV_OMAP_CHECK)
				continue;
			if (deed == BEGINS)
				atomic_fetch_add(&slots[slot].writes, BEGIN);
			else if (deed == ENDS)
				atomic_fetch_sub(&slots[slot].writes, 1);
			else
				doubt(map, slots, slot);
		}
	}
}

void slv_omap_stamps_begin(
		struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count)
{
	each(map, batches, count, BEGINS);
}

void slv_omap_stamps_doubt(
		struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count)
{
	each(map, batches, count, STAYS_IN_DOUBT);
}

void slv_omap_stamps_end(struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count)
{
	struct slv_omap_slot *slots = atomic_load(&map->omaps->stamps);
	each(map, batches, count, ENDS);
	for (size_t slot = 0; map->doubts && slot < SLV_OMAP_STAMPS_COUNT; slot++)
		if (map->doubts[slot / 8] & 1u << slot % 8)
			atomic_fetch_sub(&slots[slot].writes, 1);
	slv_free(map->doubts);
	map->doubts = NULL;
}
