/* upload.h - what the operations of uploads in parts share
 *
 * A part is written only while its upload is there, and each part writes the row of the upload
 * again, as it was: so that row's version tells who completes the upload whether the parts are
 * still those that he has seen.
 */
#ifndef SLV_SERVICE_OBJECT_UPLOAD_H
#define SLV_SERVICE_OBJECT_UPLOAD_H

#include "service/object/private.h"

/* The upload that a request names. NoSuchUpload: it is no upload's id. */
slv_object_err object_upload_param(const struct object_ask *ask, slv_str *ret_upload);

/* <ChecksumCRC32>…</ChecksumCRC32> and its like. */
void object_checksum_xml(const struct slv_object_checksum *checksum, struct slv_buf *xml);

/* A part that is being written: begin, then its bytes, then write. In the request's arena. */
struct object_part {
	struct object_ask *ask;
	/* Its upload is there, or not. */
	void (*found)(struct object_part *part, slv_object_err err);
	/* It is written; or it is not, and then its blob is gone, unless that is in doubt. */
	void (*done)(struct object_part *part, slv_object_err err);

	/* Known when it is found. */
	struct object_meta upload; /* without its fields */
	uint32_t number;

	struct object_meta meta; /* of the part; has its digests and its blob before the write */

	/* Private. */
	slv_str id, upload_row, key;
	char upload_key[OBJECT_ROW_KEY_BYTES_MAX], part_key[OBJECT_PART_KEY_BYTES];
	struct slv_buf row;
	struct slv_omap_read read;
	struct slv_omap_change changes[3];
	struct slv_omap_batch batch;
};

/* An error is the reply, and nothing calls back. */
slv_object_err object_part_begin(struct object_part *part);
void object_part_write(struct object_part *part);

#endif
