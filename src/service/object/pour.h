/* pour.h - bytes of a body of ours into memory or into a blob, digested on their way
 *
 * Up to 64 KiB stay in memory, unless `to_blob`; more goes into a blob, a piece at a time: the next
 * is read once the last is written. What fails leaves nothing.
 */
#ifndef SLV_SERVICE_OBJECT_POUR_H
#define SLV_SERVICE_OBJECT_POUR_H

#include "service/object/private.h"

struct object_pour {
	struct object_ask *ask;
	struct slv_body body; /* taken; of a known length */
	bool to_blob;         /* though it is small */
	bool wants_md5;
	bool wants_checksum;
	enum slv_object_checksum_kind kind; /* of that */
	void (*done)(struct object_pour *pour, slv_object_err err);

	/* Then these are known. */
	uint8_t md5[OBJECT_MD5_BYTES];
	struct slv_object_checksum checksum;
	struct slv_buf bytes; /* if it is no blob; valid as long as the request */
	bool has_blob;
	struct slv_blob_ref ref;

	/* Private. */
	uint64_t left;
	struct slv_pull pull;
	struct slv_digest_stream md5_stream;
	struct slv_object_checksum_stream checksum_stream;
	struct slv_blob_writer *writer;
};

/* In the request's arena. Calls back before it returns if there is nothing to wait for. */
void object_pour_start(struct object_pour *pour);

#endif
