/* meta.h - how buckets, objects and uploads are kept in rows
 *
 * In the map "s3", of all buckets:
 *
 *	b/<name>     when it was made, and its id; body: the documents of CORS and lifecycle as
 *	             they are told, or nothing, each with a NUL behind it
 *	r/<id>       a bucket that was removed, and what was in it is not yet all gone
 *
 * In the map "s3-<id>", of one:
 *
 *	a                             the bucket is open (below)
 *	c                             since when it is not, in milliseconds since 1970
 *	o<key>                        an object; body: itself, up to 64 KiB, or else its parts
 *	u<key>\0<upload>              an upload in parts that has begun; as an object without bytes
 *	p<upload><number, 2 bytes>    a part of an upload, or of the object that it became
 *	r<upload>                     the parts of that upload are to be taken away; if somebody may
 *	                              be reading them: since when, in milliseconds since 1970
 *
 * An upload's id is 32 hexadecimal digits; a key has no NUL. An object that was uploaded in parts
 * keeps the upload's id, so that nothing moves when it is completed. Its body lists them: for each
 * its number (2 bytes) and length (8 bytes), ascending.
 *
 * Who removes a bucket closes it first: `a` is replaced by `c` in one batch. So whoever puts a row
 * sees to it that `a` is there (object_open_check()), and what is told to be stored is never in a
 * bucket that is just then found empty. What is closed and stays is opened by the sweep.
 *
 * Whatever refers to blobs is in these rows: objects, and parts.
 */
#ifndef SLV_SERVICE_OBJECT_META_H
#define SLV_SERVICE_OBJECT_META_H

#include "base/arena.h"
#include "base/err.h"
#include "http/field.h"
#include "service/object/checksum.h"
#include "service/object/object.h"
#include "store/blob/blob.h"
#include "store/omap/omap.h"

#define OBJECT_INLINE_BYTES_MAX SLV_KIB(64) /* larger ones are blobs */
#define OBJECT_ID_BYTES 32                  /* of a bucket or upload: hexadecimal digits */
#define OBJECT_BUCKETS_MAP "s3"
#define OBJECT_BUCKET_BYTES_MAX 63 /* of a name */
#define OBJECT_BUCKET_KEY_BYTES_MAX (2 + OBJECT_BUCKET_BYTES_MAX)
#define OBJECT_MD5_BYTES 16
#define OBJECT_ROW_BYTES_MAX SLV_KIB(16)
#define OBJECT_ROW_KEY_BYTES_MAX (2 + SLV_OBJECT_KEY_BYTES_MAX + OBJECT_ID_BYTES)
#define OBJECT_PART_KEY_BYTES (1 + OBJECT_ID_BYTES + 2)

#define OBJECT_OPEN_KEY "a"
#define OBJECT_CLOSED_KEY "c"

/* May a bucket be called that? The rules of S3; R2's, which allow no dots, are part of them. */
bool object_bucket_name_is_ok(slv_str name);

/* The value of a bucket's row. */
struct object_bucket {
	char id[OBJECT_ID_BYTES];
	int64_t created_ms; /* since 1970 */
};
void object_bucket_write(const struct object_bucket *bucket, struct slv_buf *row);
bool object_bucket_read(slv_str row, struct object_bucket *ret_bucket); /* false: it is none */

enum object_config { OBJECT_CORS, OBJECT_LIFECYCLE, OBJECT_CONFIG_COUNT };

/* One of the documents of a bucket's row; empty: it has none. */
slv_str object_config(slv_str bucket_body, enum object_config which);

/* An object, an upload or a part. */
struct object_meta {
	uint64_t len;
	int64_t modified_ms; /* since 1970; of an upload, when it began */
	uint8_t md5[OBJECT_MD5_BYTES];
	uint16_t parts; /* its ETag ends with "-<parts>"; 0: it does not */
	bool has_checksum;
	struct slv_object_checksum checksum; /* of an upload: only its kind */
	bool full_object;                    /* an upload in parts whose checksum is of all bytes */
	enum { OBJECT_INLINE, OBJECT_BLOB, OBJECT_PARTS } where;
	struct slv_blob_id blob;      /* of OBJECT_BLOB */
	char upload[OBJECT_ID_BYTES]; /* of OBJECT_PARTS */
	struct slv_fields fields; /* Content-Type and kin, and x-amz-meta-…, lower-case names */
};

/* Append the row's value. SLV_E_LIMIT: it would be past OBJECT_ROW_BYTES_MAX. */
slv_err object_meta_write(const struct object_meta *meta, struct slv_buf *row);

/* Views into `row`; the list of fields is in `arena`, and left out if that is NULL.
 * SLV_E_CORRUPT: it is none. */
slv_err object_meta_read(struct slv_arena *arena, slv_str row, struct object_meta *ret_meta);

/* `"<md5>"` or `"<md5>-<parts>"`, quotes included. */
#define OBJECT_ETAG_BYTES_MAX (2 * OBJECT_MD5_BYTES + 8)
slv_str object_etag(const struct object_meta *meta, char room[static OBJECT_ETAG_BYTES_MAX]);

/* --- keys of rows, put into `room` --- */

slv_str object_row_key(slv_str key, char room[static OBJECT_ROW_KEY_BYTES_MAX]);
slv_str object_upload_key(slv_str key, slv_str upload, char room[static OBJECT_ROW_KEY_BYTES_MAX]);
slv_str object_part_key(slv_str upload, uint32_t number, char room[static OBJECT_PART_KEY_BYTES]);
slv_str object_remains_key(slv_str upload, char room[static OBJECT_PART_KEY_BYTES]);

/* What the row of an upload or of a part is about. */
void object_upload_read(slv_str row_key, slv_str *ret_key, slv_str *ret_upload);
uint32_t object_part_number(slv_str row_key);

/* --- the list of parts in an object's body --- */

#define OBJECT_PART_ITEM_BYTES 10
struct object_part_item {
	uint32_t number;
	uint64_t len;
};
void object_part_item_write(struct slv_buf *list, const struct object_part_item *item);
bool object_part_item_read(slv_str list, size_t index, struct object_part_item *ret_item);

#endif
