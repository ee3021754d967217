/* cache_disk.h - the disk tier: one file per entry
 *
 *	<folder>/entries/<2 hex>/<source hex>/<variant hex>    an entry (store/cache_file.h)
 *	<folder>/entries/<2 hex>/<source hex>/new-<16 hex>     one being written
 *	<folder>/gone-<16 hex>/                                purged; removed bit by bit
 *
 * The 2 hex are the source's first. So a source is one folder, and it and the whole are purged by
 * one rename. Nothing is synced or locked, and there is no index on the disk: two processes may
 * share the folder, and a crash leaves at worst files that their checksums give away.
 *
 * Nothing here fails a request. What goes wrong is counted and told; what went wrong with writing
 * also stops that for ten seconds.
 *
 * Thread: any of the pool, for all of it may wait; loops call slv_cache_disk_wants() and read
 * the counts.
 */
#ifndef SLV_STORE_CACHE_DISK_H
#define SLV_STORE_CACHE_DISK_H

#include "store/cache_claim.h"
#include "store/cache_mem.h"
#include "store/disk.h"

/* After an error of writing none is tried for so long, and one kind of trouble is told once in
 * this time. */
#define SLV_CACHE_BACK_OFF_MS 10000u
#define SLV_CACHE_TROUBLE_GAP_MS 60000u

#define SLV_CACHE_TROUBLES(X)                                                                      \
	X(FOLDER, "the cache folder cannot be opened")                                             \
	X(WRITE, "a cache file cannot be written")                                                 \
	X(READ, "a cache file cannot be read")                                                     \
	X(REMOVE, "a cache file cannot be removed")                                                \
	X(DAMAGE, "a damaged cache file was removed")

enum slv_cache_trouble {
#define X(name, what) SLV_CACHE_##name##_TROUBLE,
	SLV_CACHE_TROUBLES(X)
#undef X
			SLV_CACHE_TROUBLE_COUNT
};

/* What it needs of its cache. */
struct slv_cache_disk_conf {
	uint64_t bytes_max;
	uint64_t entry_bytes_max;
	slv_str folder;
	struct slv_disk *disk;
	struct slv_cache_mem *mem;       /* what it holds is not removed for being old */
	struct slv_cache_claims *claims; /* what may be read and written */
	struct slv_cache_fds *fds;       /* for what is read */
	void (*on_trouble)(void *arg, const char *what, int sys);
	void *arg;
};

struct slv_cache_disk;

struct slv_cache_disk *slv_cache_disk_new(
		const struct slv_cache_disk_conf *conf, struct slv_hash_key hash_key);
void slv_cache_disk_free(struct slv_cache_disk *disk);

/* In the calls below `mono_ms` is the loop's monotonic clock, `now_ms` the wall's. */

/* Whether to write an entry now; it is then counted as being written until the write, which must
 * follow. No, if it is too large, too much waits to be written, an error was not long ago, or the
 * disk was left. */
bool slv_cache_disk_wants(
		struct slv_cache_disk *disk, const struct slv_cache_entry *entry, uint64_t mono_ms);
void slv_cache_disk_write(struct slv_cache_disk *disk, const struct slv_cache_entry *entry,
		const struct slv_cache_claim *claim, uint64_t mono_ms);

/* The entry, whole and not too stale, with a reference for the caller; or NULL. What is damaged or
 * over is removed. */
struct slv_cache_entry *slv_cache_disk_read(struct slv_cache_disk *disk,
		const struct slv_cache_key *key, const struct slv_cache_claim *claim,
		int64_t now_ms, uint64_t mono_ms);

/* Make it that no file within `scope` is found any more. False when that did not succeed. */
bool slv_cache_disk_purge(struct slv_cache_disk *disk, enum slv_cache_scope scope,
		const struct slv_cache_key *key, uint64_t mono_ms);

/* Do a bit of the housekeeping: remove what was purged, learn what is there (once), remove what
 * was used longest ago when there is too much. True when there is more to do now. One at a
 * time. */
bool slv_cache_disk_sweep(struct slv_cache_disk *disk, int64_t now_ms, uint64_t mono_ms);

/* Whether there is something to sweep, and no error of it was not long ago. Never waits. */
bool slv_cache_disk_is_untidy(const struct slv_cache_disk *disk, uint64_t mono_ms);

/* Write and evict no more. What is being written is taken away again. */
void slv_cache_disk_leave(struct slv_cache_disk *disk);

struct slv_cache_disk_stats {
	uint64_t bytes, entries, evictions, errors;
};
struct slv_cache_disk_stats slv_cache_disk_stats(const struct slv_cache_disk *disk);

#endif
