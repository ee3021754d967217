#include "base/map.h"

#include "base/assert.h"
#include "base/mem.h"

#define MAP_FIRST_SLOTS 16u

void slv_map_init(struct slv_map *map, struct slv_hash_key key)
{
	*map = (struct slv_map){ .key = key };
}

void slv_map_done(struct slv_map *map)
{
	slv_free(map->slots);
	*map = (struct slv_map){ .key = map->key };
}

/* The slot that holds `key`, or the free one where it would go. */
static struct slv_map_slot *map_slot(const struct slv_map *map, slv_str key, uint64_t hash)
{
	size_t mask = map->cap - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct slv_map_slot *slot = &map->slots[i];
		if (!slot->value || (slot->hash == hash && slv_str_eq(slot->key, key)))
			return slot;
	}
}

void *slv_map_get(const struct slv_map *map, slv_str key)
{
	return map->cap ? map_slot(map, key, slv_hash(map->key, key))->value : NULL;
}

static void map_grow(struct slv_map *map)
{
	struct slv_map old = *map;
	map->cap = old.cap ? old.cap * 2 : MAP_FIRST_SLOTS;
	map->slots = slv_alloc(map->cap * sizeof(*map->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			*map_slot(map, old.slots[i].key, old.slots[i].hash) = old.slots[i];
	slv_free(old.slots);
}

void *slv_map_put(struct slv_map *map, slv_str key, void *value)
{
	slv_assert(value);
	if (map->count * 4 >= map->cap * 3)
		map_grow(map);
	uint64_t hash = slv_hash(map->key, key);
	struct slv_map_slot *slot = map_slot(map, key, hash);
	void *before = slot->value;
	map->count += !before;
	*slot = (struct slv_map_slot){ .key = key, .value = value, .hash = hash };
	return before;
}

/* Close the gap at `hole`: move up each later entry of the run whose place that allows. */
static void map_close(struct slv_map *map, size_t hole)
{
	size_t mask = map->cap - 1;
	for (size_t i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct slv_map_slot){ 0 };
}

void *slv_map_remove(struct slv_map *map, slv_str key)
{
	if (!map->cap)
		return NULL;
	struct slv_map_slot *slot = map_slot(map, key, slv_hash(map->key, key));
	void *before = slot->value;
	if (!before)
		return NULL;
	map->count--;
	map_close(map, (size_t)(slot - map->slots));
	return before;
}
