/* cache_index.h - what is thought to be on the disk: sizes and last uses
 *
 * For accounting and for choosing what to remove; never asked whether something is there, for
 * another process may have written or removed it meanwhile. Wrong entries right themselves: a
 * file that is gone is dropped when it is looked for or chosen.
 *
 * At most SLV_CACHE_INDEX_MAX entries, of about 120 bytes each. Sharded, each shard with its
 * lock. Thread: any of the pool; loops read the sums only.
 */
#ifndef SLV_STORE_CACHE_INDEX_H
#define SLV_STORE_CACHE_INDEX_H

#include "store/cache.h"

#define SLV_CACHE_INDEX_MAX (1u << 20)

struct slv_cache_index;

struct slv_cache_index *slv_cache_index_new(struct slv_hash_key hash_key);
void slv_cache_index_free(struct slv_cache_index *index);

/* Add or replace. False (and nothing is kept) when it is full. */
bool slv_cache_index_put(struct slv_cache_index *index, const struct slv_cache_key *key,
		uint64_t bytes, int64_t used_ms);

/* Add, unless it is there: then all stays as it is. False when it is full. */
bool slv_cache_index_add(struct slv_cache_index *index, const struct slv_cache_key *key,
		uint64_t bytes, int64_t used_ms);

void slv_cache_index_remove(struct slv_cache_index *index, const struct slv_cache_key *key);
void slv_cache_index_clear(struct slv_cache_index *index);

uint64_t slv_cache_index_bytes(const struct slv_cache_index *index);
uint64_t slv_cache_index_count(const struct slv_cache_index *index);

/* The time such that what was used last then or before has at least `bytes` and is at least
 * `count` many. Walks over all and sorts them. */
int64_t slv_cache_index_cutoff(struct slv_cache_index *index, uint64_t bytes, uint64_t count);

/* A walk that takes out what was used last at `cutoff_ms` or before. */
struct slv_cache_index_walk {
	int64_t cutoff_ms;
	uint64_t bytes_goal, count_goal; /* it ends when no more than both is left */
	/* May be NULL: whether `key` is to stay. Then it counts as used at `spared_ms`. Called
	 * under a shard's lock. */
	bool (*spare)(void *arg, const struct slv_cache_key *key);
	void *arg;
	int64_t spared_ms;
	uint32_t shard, bucket; /* private: where it is; begin with zeroes */
};

/* Take out up to `max` more. False when that was the end of the walk or its goal. */
bool slv_cache_index_take(struct slv_cache_index *index, struct slv_cache_index_walk *walk,
		struct slv_cache_key *ret_keys, size_t max, size_t *ret_count);

#endif
