/* private.h - what blobs share with their drivers */
#ifndef SLV_STORE_BLOB_PRIVATE_H
#define SLV_STORE_BLOB_PRIVATE_H

#include "base/buf.h"
#include "store/blob/blob.h"
#include "store/cache.h"
#include "store/disk.h"

#include <stdatomic.h>
#include <xxhash.h>

/* What a writer or a reader has of its driver: the driver's own. */
struct blob_open;

/* All may wait, and come on threads of a crew; those of one blob_open one at a time. `slv_blobs` is
 * embedded first in the driver's own. */
struct blob_driver {
	unsigned readers, writers, removers; /* threads */

	void (*free)(struct slv_blobs *blobs);

	slv_err (*create)(struct slv_blobs *blobs, const struct slv_blob_id *id,
			struct blob_open **ret_open);
	slv_err (*append)(struct blob_open *open, slv_str bytes);
	/* On the disk, and found from then on. */
	slv_err (*commit)(struct blob_open *open);

	/* `size`: that it should have; what it has is told by the next. */
	slv_err (*open)(struct slv_blobs *blobs, const struct slv_blob_id *id, uint64_t size,
			struct blob_open **ret_open);
	slv_err (*size)(struct blob_open *open, uint64_t *ret_bytes);
	/* All of `len`. */
	slv_err (*read)(struct blob_open *open, uint64_t offset, char *bytes, size_t len);

	/* What was created and not committed is removed. */
	void (*close)(struct blob_open *open);

	slv_err (*remove)(struct slv_blobs *blobs, const struct slv_blob_id *id,
			enum slv_blob_begun begun);
	slv_err (*list)(struct slv_blobs *blobs, struct slv_blob_list *list);
};

#define BLOB_SEEN 8192u /* pieces whose being read is remembered; 32 KiB */

struct slv_blobs {
	const struct blob_driver *driver;
	struct slv_log *log;
	struct slv_crew *readers, *writers, *removers;
	_Atomic size_t under_way;
	_Atomic size_t discards;  /* that wait or are under way */
	_Atomic uint64_t left;    /* blobs that stay since that were too many */
	struct slv_cache *memory; /* of pieces that were read; may be NULL */
	_Atomic uint32_t seen[BLOB_SEEN];
};

/* --- memory.c: pieces of blobs in memory, by where they begin and end --- */

/* NULL if it is not there; the caller drops it. Thread: any. */
struct slv_cache_hit *blob_memory_get(struct slv_blobs *blobs, const struct slv_blob_ref *ref,
		uint64_t offset, size_t len);

/* `bytes` were read from `offset` on, and are what was written: keep them, if they are asked for
 * not for the first time. Thread: the loop's. */
void blob_memory_add(struct slv_blobs *blobs, struct slv_loop *loop, const struct slv_blob_ref *ref,
		uint64_t offset, slv_str bytes);

/* False when there is no room for more. */
bool blob_list_add(struct slv_blob_list *list, const struct slv_blob_listed *listed);

/* On `disk`, which must outlive it; NULL: the real one. */
struct slv_blobs *blob_files_new(slv_str folder, struct slv_disk *disk);

/* At a URL and with a secret that are good. */
slv_err blob_s3_check(slv_str url, slv_str secret);
struct slv_blobs *blob_s3_new(slv_str url, slv_str secret);

/* As slv_blobs_open() of files, on a disk of the test's own, which must outlive it. */
slv_err slv_blobs_open_on(slv_str folder, struct slv_disk *disk, struct slv_blobs **ret_blobs);

#endif
