/* testing.h - blobs in a folder or below a prefix of their own, on the disk, on one of the test's,
 * or at an endpoint; for tests only
 */
#ifndef SLV_STORE_BLOB_TESTING_H
#define SLV_STORE_BLOB_TESTING_H

#include "base/testing.h"
#include "store/blob/private.h"

struct blobs_kit {
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	const char *url;                    /* of S3, with {} for the prefix; NULL: files */
	struct slv_log *log;                /* NULL: none */
	struct slv_disk *disk;              /* NULL: the real one */
	const struct slv_loop_world *world; /* NULL: the real one */
	char folder[48];                    /* of the blobs, in one that is made for it */
	const struct slv_blob_id *as;       /* that a put is to have; NULL: a random one */
	unsigned pending;
	slv_err err; /* of the last call */
	slv_str bytes;
	struct slv_blob_ref ref;
};

/* `*state` is the URL at first, or NULL. The secret is in SELVEDGE_S3_SECRET. */
int blobs_kit_set_up(void **state);
int blobs_kit_tear_down(void **state);
void blobs_kit_open(struct blobs_kit *kit);
void blobs_kit_close(struct blobs_kit *kit);
void blobs_kit_wait(struct blobs_kit *kit); /* until nothing is pending */

/* Byte `i` of the blob `number`. */
char blobs_kit_byte(unsigned number, uint64_t i);

/* Write the blob `number` of `len` bytes in parts of `part`, and finish it. kit->err and kit->ref.
 */
void blobs_kit_put(struct blobs_kit *kit, unsigned number, uint64_t len, size_t part);

/* Read some bytes of `ref`: kit->err, and what comes is what blobs_kit_byte() says. */
void blobs_kit_read(struct blobs_kit *kit, const struct slv_blob_ref *ref, unsigned number,
		uint64_t offset, size_t len);

/* Remove what has `id`, as one who does not know whether it was finished, or as one who knows that
 * it was only begun; kit->err. */
void blobs_kit_remove(struct blobs_kit *kit, const struct slv_blob_id *id);
void blobs_kit_remove_begun(struct blobs_kit *kit, const struct slv_blob_id *id);

/* The blobs of a shard, at most `max`; returns how many. */
size_t blobs_kit_list(
		struct blobs_kit *kit, unsigned shard, struct slv_blob_listed *listed, size_t max);

/* --- behind the back of the store --- */

/* Where the file of `id` is. */
void blobs_kit_path(const struct blobs_kit *kit, const struct slv_blob_id *id, char path[120]);

/* All that is stored as `id`, appended to `bytes`; and put there. */
void blobs_kit_fetch(struct blobs_kit *kit, const struct slv_blob_id *id, struct slv_buf *bytes);
void blobs_kit_store(struct blobs_kit *kit, const struct slv_blob_id *id, slv_str bytes);

/* As a process leaves it that dies while it writes. False: nobody would see that. */
bool blobs_kit_begin(struct blobs_kit *kit, const struct slv_blob_id *id);

/* There are so many, finished or not, of whatever name. */
void blobs_kit_has(struct blobs_kit *kit, unsigned count);

#endif
