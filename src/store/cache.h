/* cache.h - the response cache: bytes that can be made again
 *
 * Two tiers. Memory holds what is asked for; disk holds more and survives a restart.
 * An entry has a key, which begins with its source, so that a source is purged with
 * all that was made of it; a head (the caller's own bytes, small) and a body.
 *
 * Admission to memory: S3-FIFO (Yang et al., "FIFO queues are all you need for cache
 * eviction", SOSP 2023): a newcomer passes a small queue, and only what was asked for
 * again while there moves on to the main one; a ghost queue remembers who left early.
 * A scan therefore washes through a tenth of the memory and no more. The disk tier
 * removes what was used longest ago, in batches.
 *
 * The cache is never the only copy of anything: an error of the disk is counted, told
 * once a minute by `on_trouble`, and otherwise treated as a miss.
 *
 * One entry takes at most an eighth of a tier; a larger one is not kept there.
 *
 * Thread: look-ups, inserts and purges any; it is shared by the loops. The look-ups are
 * sharded, each shard with its lock; inserts and purges share one more. None is held across
 * a system call.
 */
#ifndef SLV_STORE_CACHE_H
#define SLV_STORE_CACHE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/hold.h"
#include "base/str.h"
#include "loop/loop.h"

struct slv_cache;
struct slv_disk;

/* An entry with a larger head is not kept. */
#define SLV_CACHE_HEAD_BYTES_MAX SLV_KIB(64)

struct slv_cache_conf {
	uint64_t memory_bytes_max;
	uint64_t disk_bytes_max;  /* 0: no disk tier */
	uint64_t entry_bytes_max; /* larger ones are not kept */
	slv_str folder;           /* of the disk tier; made if need be, mode 0700 */
	/* May be NULL. Thread: any. `what` is static. */
	void (*on_trouble)(void *arg, const char *what, int sys);
	void *arg;
};

struct slv_cache_key {
	struct slv_digest source;  /* what it was made of */
	struct slv_digest variant; /* what was made: of the source and the plan */
};

/* An entry as found: refcounted, immutable. */
struct slv_cache_hit {
	struct slv_hold hold; /* drop(&hit->hold) when done; a reply's body may take it along */
	slv_str head;         /* as put */
	slv_str body;
	int body_fd; /* a memfd with the body at `body_offset`, for sendfile; or -1 */
	uint64_t body_offset;
	int64_t stored_ms;      /* wall clock, since 1970 */
	int64_t fresh_until_ms; /* as put */
	int64_t stale_until_ms; /* as put: past it the entry is not found */
	bool kept;              /* a tier has taken it: others may find it. For Cache-Status */
};

/* `hash_key` is a secret. Waits for nothing: the folder is opened by the first job. */
struct slv_cache *slv_cache_new(const struct slv_cache_conf *conf, struct slv_hash_key hash_key);

/* The same on a disk of the test's own (store/disk.h), which must outlive it. */
struct slv_cache *slv_cache_new_on(const struct slv_cache_conf *conf, struct slv_hash_key hash_key,
		struct slv_disk *disk);

/* After the loops have ended. Entries still held live on until dropped. NULL is fine. */
void slv_cache_free(struct slv_cache *cache);

/* Find in memory; NULL on a miss. Counts as a use. Never waits. */
struct slv_cache_hit *slv_cache_get(
		struct slv_cache *cache, const struct slv_cache_key *key, int64_t now_ms);

/* Private (store/cache_claim.h): what tells a fetch of a purge meanwhile. */
struct slv_cache_claim {
	uint32_t source, variant; /* slots */
	uint64_t token;           /* sum of the counters that a purge moves */
	uint64_t put;             /* of a put: which one; else 0 */
};

/* Find on disk, as a job of `loop`; what is found whole (its checksum holds) also goes to memory.
 * The callback comes always; `hit` is NULL on a miss. Caller's memory until the callback. */
struct slv_cache_fetch {
	struct slv_cache_key key;
	void (*done)(struct slv_cache_fetch *fetch, struct slv_cache_hit *hit);
	struct slv_job job; /* private, as all below */
	struct slv_task task;
	struct slv_cache *cache;
	struct slv_loop *loop;
	struct slv_cache_hit *hit;
	struct slv_cache_claim claim;
	int64_t now_ms;
	uint64_t mono_ms;
};
void slv_cache_fetch(struct slv_cache *cache, struct slv_loop *loop, struct slv_cache_fetch *fetch,
		int64_t now_ms);

/* Add or replace, in memory at once and on disk by a job of `loop`. `body` is copied unless
 * `body_fd` is a memfd sealed against writing and shrinking that holds exactly it, and it is
 * larger than 16 KiB: then the cache maps the descriptor. It takes that over or closes it. Returns
 * the entry for the caller's use; never NULL, even if it is too large for both tiers: `kept` tells.
 * The disk is passed over while more than 256 entries or 64 MiB wait for it, and after an error. */
struct slv_cache_hit *slv_cache_put(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd,
		int64_t now_ms, int64_t fresh_until_ms, int64_t stale_until_ms);

/* The same in memory only: for what is as quickly had again. An entry of that key that is on disk
 * stays there, so put what has a key either here or there. */
struct slv_cache_hit *slv_cache_put_memory(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd,
		int64_t now_ms, int64_t fresh_until_ms, int64_t stale_until_ms);

/* One more reference, to be dropped like the first; returns `hit`. */
struct slv_cache_hit *slv_cache_ref(struct slv_cache_hit *hit);

/* As put, but an entry that is never kept: for what must not be stored. It is stale at once. */
struct slv_cache_hit *slv_cache_loose(slv_str head, slv_str body, int body_fd, int64_t now_ms);

/* Forget one variant; a source with all its variants; everything. From memory at once, from disk by
 * a job; an entry that a put or fetch under way brings in afterwards is not found either. `done`
 * (may be NULL) comes when nothing of it can be found on disk either. While the disk refuses it is
 * tried again every ten seconds; until then nothing of it is read there, and if the process ends
 * before, `done` does not come. */
void slv_cache_purge_variant(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, void (*done)(void *arg), void *arg);
void slv_cache_purge_source(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_digest *source, void (*done)(void *arg), void *arg);
void slv_cache_purge_all(
		struct slv_cache *cache, struct slv_loop *loop, void (*done)(void *arg), void *arg);

/* Bring nothing into the folder from now on, and remove nothing from it for being old: another
 * process has it now, whose purges we do not hear of. What is there is still read and purged, and
 * memory goes on. Thread: any. */
void slv_cache_leave_disk(struct slv_cache *cache);

struct slv_cache_stats {
	uint64_t memory_bytes, memory_entries, disk_bytes, disk_entries;
	uint64_t hits_memory;
	uint64_t hits_disk;
	uint64_t misses;    /* fetches that found nothing */
	uint64_t evictions; /* entries that left a tier to make room */
	uint64_t disk_errors;
};
struct slv_cache_stats slv_cache_stats(const struct slv_cache *cache);

#endif
