/* testing.h - a cache in a folder of its own, on a disk that fails as told; for tests only */
#ifndef SLV_STORE_TESTING_H
#define SLV_STORE_TESTING_H

#include "base/testing.h"
#include "store/cache.h"
#include "store/disk.h"

#include <semaphore.h>

/* Where a thread of the pool stops on its way and waits for the test. */
struct gate {
	_Atomic bool closed; /* the next one stops */
	sem_t reached, go;
};

/* The real disk, unless told otherwise. */
struct faulty_disk {
	struct slv_disk disk; /* first */
	/* An errno that the call then gives; 0: none. */
	_Atomic int open_new, read, write, rename, unlink, mkdir;
	_Atomic uint64_t write_len_max; /* of one call; 0: no limit */
	_Atomic uint64_t write_left;    /* bytes until it is full; 0: no limit */
	_Atomic uint64_t reads, writes; /* calls so far */
	struct gate at_read, at_rename, at_unlink;
	struct gate at_scan; /* before a name is looked at */
};

struct kit {
	struct slv_loop *loop;
	struct slv_cache *cache;
	struct slv_cache_conf conf;
	struct faulty_disk disk;
	uint64_t mono_ms;
	int64_t wall_ms;
	char folder[64];
	_Atomic unsigned told;
	const char *_Atomic told_what;
	_Atomic int told_sys;
	unsigned done; /* purges that have called back */
};

/* A loop, an empty folder, and no cache yet: set `conf` and call kit_start(). */
void kit_init(struct kit *kit);
void kit_start(struct kit *kit);
void kit_stop(struct kit *kit); /* the cache only; the folder stays for the next start */
void kit_done(struct kit *kit);

/* Turn the loop until no job is under way. The clock stands. */
void kit_settle(struct kit *kit);

/* One turn, a millisecond later. */
void kit_turn(struct kit *kit);

/* Turn until the disk has `bytes`; until so many entries have left. */
void kit_until_disk_bytes(struct kit *kit, uint64_t bytes);
void kit_until_evictions(struct kit *kit, uint64_t count);

struct slv_cache_key kit_key(uint32_t source, uint32_t variant);

/* A body that tells its key, of a length that may be told from the others'. */
void kit_put(struct kit *kit, struct slv_cache_key key, size_t body_len, int64_t now_ms);

/* Whether it is found, and if so with the bytes that were put. */
bool kit_gets(struct kit *kit, struct slv_cache_key key, int64_t now_ms);
bool kit_fetches(struct kit *kit, struct slv_cache_key key, int64_t now_ms);
void kit_is_body_of(const struct slv_cache_hit *hit, struct slv_cache_key key);

/* The path of an entry's file, and whether it is there. */
void kit_path(const struct kit *kit, struct slv_cache_key key, char *ret_path, size_t len);
bool kit_has_file(const struct kit *kit, struct slv_cache_key key);

/* For purges: counts `done`. */
void kit_on_done(void *kit);

void gate_wait(struct gate *gate); /* until somebody stands there */
void gate_open(struct gate *gate); /* and let it go on */

#endif
