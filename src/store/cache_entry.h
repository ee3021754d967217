/* cache_entry.h - one entry of the cache: bytes that many hold and nobody changes
 *
 * A small body lies behind its entry on the heap. A larger one is a memfd, sealed against
 * writing and mapped once, so that a server can send it without touching it. Descriptors are
 * scarce: past a number of them larger bodies go to the heap too.
 *
 * Made by _new, _append and _seal; from then on immutable but for the fields that say under
 * which lock they are. Thread: any.
 */
#ifndef SLV_STORE_CACHE_ENTRY_H
#define SLV_STORE_CACHE_ENTRY_H

#include "base/list.h"
#include "store/cache.h"

#include <stdatomic.h>

/* Bodies up to this size are on the heap. */
#define SLV_CACHE_HEAP_BODY_MAX SLV_KIB(16)

/* How many descriptors the entries of one cache have and may have. Counted by reference, for an
 * entry that is held outlives its cache. */
struct slv_cache_fds {
	_Atomic uint32_t refs;
	_Atomic uint32_t used;
	uint32_t max;
};

struct slv_cache_fds *slv_cache_fds_new(uint32_t max);
void slv_cache_fds_unref(struct slv_cache_fds *fds);

enum slv_cache_queue { SLV_CACHE_NOWHERE, SLV_CACHE_SMALL, SLV_CACHE_MAIN };

struct slv_cache_entry {
	struct slv_cache_hit hit; /* first: callers hold a pointer to it */

	/* What a look-up touches is side by side, up to `key`. */
	_Atomic uint32_t refs;
	_Atomic uint8_t uses;                /* look-ups since it was queued, at most 3 */
	uint8_t queue;                       /* enum slv_cache_queue; under the order lock */
	uint64_t hash;                       /* of key.variant; set by the memory tier */
	struct slv_cache_entry *bucket_next; /* under the shard's lock */
	struct slv_cache_key key;

	/* Of the memory tier, under its order lock. */
	struct slv_list link;
	struct slv_cache_entry *source_next, **source_at;

	uint64_t cost;             /* bytes of memory, all told */
	struct slv_cache_fds *fds; /* held while body_fd is open; else NULL */
	char *room;                /* the heap's, for a body that is not behind the entry */
	size_t filled;             /* bytes of the body appended */
	char bytes[];              /* head, then a small body */
};

/* With room for a head and a body of these lengths, and one reference. `fds` may be NULL: all on
 * the heap. Fill the head through slv_cache_entry_head(). */
struct slv_cache_entry *slv_cache_entry_new(struct slv_cache_fds *fds,
		const struct slv_cache_key *key, size_t head_len, size_t body_len);
char *slv_cache_entry_head(struct slv_cache_entry *entry);

/* The next bytes of the body; together at most body_len. */
void slv_cache_entry_append(struct slv_cache_entry *entry, slv_str bytes);

/* All of the body is there: make it readable. */
void slv_cache_entry_seal(struct slv_cache_entry *entry);

/* All at once, with the body of `body_fd` if that is a memfd sealed against writing and shrinking
 * that holds exactly `body` (a peer that could still write would change what was checked).
 * `body_fd` is owned by the entry or closed. */
struct slv_cache_entry *slv_cache_entry_make(struct slv_cache_fds *fds,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd);

static inline void slv_cache_entry_ref(struct slv_cache_entry *entry)
{
	atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
}

void slv_cache_entry_unref(struct slv_cache_entry *entry);

static inline struct slv_cache_entry *slv_cache_entry_of(struct slv_cache_hit *hit)
{
	return (struct slv_cache_entry *)hit;
}

#endif
