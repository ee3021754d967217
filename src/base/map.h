/* map.h - a table from text to pointer
 *
 * Open addressing with a keyed hash, growing by itself. Keys are views that must
 * live as long as their entry (point them into the value). The map owns neither
 * keys nor values.
 */
#ifndef SLV_BASE_MAP_H
#define SLV_BASE_MAP_H

#include "base/hash.h"
#include "base/str.h"

#include <stddef.h>

struct slv_map_slot {
	slv_str key;
	void *value; /* NULL: free */
	uint64_t hash;
};

struct slv_map {
	struct slv_map_slot *slots;
	size_t count, cap; /* entries; slots, zero or a power of two */
	struct slv_hash_key key;
};

/* Allocates nothing yet. Take `key` from the loop's random source. */
void slv_map_init(struct slv_map *map, struct slv_hash_key key);
void slv_map_done(struct slv_map *map);

/* NULL when there is none. */
void *slv_map_get(const struct slv_map *map, slv_str key);

/* Add or replace; `value` is not NULL. Returns the value that was there, or NULL. */
void *slv_map_put(struct slv_map *map, slv_str key, void *value);

/* Returns the value that was there, or NULL. */
void *slv_map_remove(struct slv_map *map, slv_str key);

#endif
