/* cache_mem.h - the memory tier: a sharded table in front of S3-FIFO's queues
 *
 * A look-up takes the lock of one of 16 shards, for the time of a table look-up. All that moves
 * entries (insert, evict, purge) takes the order lock, and for the moment of the change the
 * shard's too; so the queues are one, and the byte bound is exact. No lock is held across a
 * system call: what leaves is collected, and given up after.
 *
 *	            again asked for
 *	new ─> small ────────────> main ─┐ asked for since
 *	         │ a tenth          │ ^──┘ it was queued
 *	         v                  v
 *	  gone, but in the ghost   gone
 *
 * The ghost is a table of fingerprints of those that left `small`; a newcomer found in it goes to
 * `main` at once. It remembers about as many as there are entries.
 *
 * Thread: any.
 */
#ifndef SLV_STORE_CACHE_MEM_H
#define SLV_STORE_CACHE_MEM_H

#include "store/cache_claim.h"
#include "store/cache_entry.h"

struct slv_cache_mem;

struct slv_cache_mem *slv_cache_mem_new(uint64_t bytes_max, struct slv_hash_key hash_key);
void slv_cache_mem_free(struct slv_cache_mem *mem);

/* The entry, with a reference for the caller, or NULL. Counts as a use. */
struct slv_cache_entry *slv_cache_mem_get(
		struct slv_cache_mem *mem, const struct slv_cache_key *key, int64_t now_ms);

/* Whether it is there; counts as nothing. */
bool slv_cache_mem_holds(struct slv_cache_mem *mem, const struct slv_cache_key *key);

/* What costs more is not kept: one entry should not push out all others. */
uint64_t slv_cache_mem_cost_max(const struct slv_cache_mem *mem);

/* Add or replace; takes a reference of its own. An entry past cost_max only takes away what was
 * there. */
void slv_cache_mem_put(struct slv_cache_mem *mem, struct slv_cache_entry *entry);

/* Add what was read from the disk, if `claim` holds and nothing newer is there. Takes the caller's
 * reference, and returns the newer of the two with one. */
struct slv_cache_entry *slv_cache_mem_add(struct slv_cache_mem *mem, struct slv_cache_entry *entry,
		struct slv_cache_claims *claims, const struct slv_cache_claim *claim);

void slv_cache_mem_remove(struct slv_cache_mem *mem, const struct slv_cache_key *key);
void slv_cache_mem_remove_source(struct slv_cache_mem *mem, const struct slv_digest *source);

/* Forget all at once, and put the entries onto `ret_gone` (a list that is set up) for
 * slv_cache_mem_drop(), which takes long. */
void slv_cache_mem_remove_all(struct slv_cache_mem *mem, struct slv_list *ret_gone);
void slv_cache_mem_drop(struct slv_list *gone);

struct slv_cache_mem_stats {
	uint64_t bytes, entries, hits, evictions;
};
struct slv_cache_mem_stats slv_cache_mem_stats(struct slv_cache_mem *mem);

#endif
