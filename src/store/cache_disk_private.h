/* cache_disk_private.h - what cache_disk.c and cache_sweep.c share */
#ifndef SLV_STORE_CACHE_DISK_PRIVATE_H
#define SLV_STORE_CACHE_DISK_PRIVATE_H

#include "store/cache_disk.h"
#include "store/cache_index.h"

#include <stdatomic.h>

#define SLV_CACHE_ENTRIES "entries" /* the folder of them all */
#define SLV_CACHE_GONE "gone-"      /* begins what was purged */
#define SLV_CACHE_NEW "new-"        /* begins what is being written */

#define SLV_CACHE_TOP_BYTES 3   /* "ab" and its NUL */
#define SLV_CACHE_NAME_BYTES 65 /* a digest in hexadecimal and its NUL */

/* Where the scan is: in the folder of a source, in one of the 256 above, or between those. */
struct slv_cache_scan {
	unsigned top; /* the one above to open next */
	int top_fd, source_fd;
	struct slv_disk_dir *top_dir, *source_dir; /* NULL: not in it */
	struct slv_cache_key key;                  /* its source */
	uint64_t purges;                           /* when the folders were opened */
};

struct slv_cache_disk {
	struct slv_cache_disk_conf conf;
	struct slv_hash_key hash_key;
	char *folder;
	struct slv_cache_index *index;
	_Atomic int root_fd;            /* -1 until it was opened */
	_Atomic bool left;              /* it is another's now */
	_Atomic uint64_t names;         /* makes them differ */
	_Atomic uint64_t waiting;       /* entries to be written */
	_Atomic uint64_t waiting_bytes; /* and their bytes */
	_Atomic uint64_t evictions, errors;

	/* Monotonic times. */
	_Atomic uint64_t write_after_ms, sweep_after_ms;
	_Atomic uint64_t tell_after_ms[SLV_CACHE_TROUBLE_COUNT];

	_Atomic uint64_t purges; /* that took away; a scan opens its folders anew then */

	/* Of the sweep; the flags are also set by others. */
	_Atomic bool has_gone;   /* there may be folders to remove */
	_Atomic bool is_scanned; /* the index knows what was there at the start */
	struct slv_cache_scan scan;
	bool evicting;
	struct slv_cache_index_walk walk;
};

/* The folder of the cache, made if need be; stays the tier's. Or -errno, told. */
int slv_cache_disk_root(struct slv_cache_disk *disk, uint64_t mono_ms);

/* A folder in `dir_fd`, which the caller closes; made if need be when `make` is set. */
int slv_cache_disk_open(struct slv_cache_disk *disk, int dir_fd, const char *name, bool make);

/* The folder above those of the sources that begin with `top`; the caller closes it. */
int slv_cache_disk_open_top(struct slv_cache_disk *disk, int root_fd, const char *top, bool make);

/* Remove the file of `key`, and its source's folder if that is empty then. 0 also if there is
 * none. */
int slv_cache_disk_remove(
		struct slv_cache_disk *disk, int root_fd, const struct slv_cache_key *key);

void slv_cache_disk_trouble(struct slv_cache_disk *disk, enum slv_cache_trouble kind, int result,
		uint64_t mono_ms);

void slv_cache_disk_top(const struct slv_digest *source, char ret_top[SLV_CACHE_TOP_BYTES]);
void slv_cache_disk_name(const struct slv_digest *digest, char ret_name[SLV_CACHE_NAME_BYTES]);

/* What a file of so many bytes takes on the disk, about. */
uint64_t slv_cache_disk_cost(uint64_t file_bytes);

bool slv_cache_disk_is_over(const struct slv_cache_disk *disk);

#endif
