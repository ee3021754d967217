/* testing.h - blobs in a folder of their own, on the disk or on one of the test's; for tests only
 */
#ifndef SLV_STORE_BLOB_TESTING_H
#define SLV_STORE_BLOB_TESTING_H

#include "base/testing.h"
#include "store/blob/private.h"

struct blobs_kit {
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	struct slv_disk *disk;              /* NULL: the real one */
	const struct slv_loop_world *world; /* NULL: the real one */
	char folder[48];                    /* of the blobs, in one that is made for it */
	const struct slv_blob_id *as;       /* that a put is to have; NULL: a random one */
	unsigned pending;
	slv_err err; /* of the last call */
	slv_str bytes;
	struct slv_blob_ref ref;
};

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

/* Where the file of `id` is. */
void blobs_kit_path(const struct blobs_kit *kit, const struct slv_blob_id *id, char path[120]);

/* In its folder there are so many. */
void blobs_kit_has_files(const struct blobs_kit *kit, unsigned count);

#endif
