/* private.h - what the parts of the object service share
 *
 *	object_serve → whose signature? (auth.c) → may it? → which bucket? → the operation
 *
 * A request is a struct object_ask in its own arena, which lasts until the reply is sent; the
 * state of an operation is beside it. Each operation owes one reply: by object_fail(),
 * object_reply_…() or slv_req_reply().
 */
#ifndef SLV_SERVICE_OBJECT_PRIVATE_H
#define SLV_SERVICE_OBJECT_PRIVATE_H

#include "api/keys.h"
#include "http/message.h"
#include "http/problem.h"
#include "http/query.h"
#include "http/sigv4.h"
#include "service/object/awschunk.h"
#include "service/object/error.h"
#include "service/object/meta.h"
#include "service/object/object.h"
#include "service/object/xml.h"
#include "store/omap/recall.h"

struct object {
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_omap *buckets;
	struct slv_omap_memory *memory;
	struct slv_api_keys *keys;
	const struct slv_object_settings *settings;
	struct object_sweep *sweep; /* on the first loop only */
};

struct auth;
struct object_ask;

/* An operation of S3. */
struct object_op {
	const char *name; /* as in the reference: "PutObject" */
	enum slv_method method;
	enum { OBJECT_OF_SERVICE, OBJECT_OF_BUCKET, OBJECT_OF_KEY } of;
	const char *param; /* must be in the query, as "uploads"; NULL: none needed */
	const char *field; /* must be in the header, as "x-amz-copy-source"; NULL: none needed */
	enum slv_api_right right;
	/* The right must be to the key or, if one of these is set, */
	bool of_all;         /* to the bucket, or some of it */
	bool by_prefix;      /* to all keys that begin with the parameter prefix */
	bool of_each;        /* to keys that the operation looks at itself */
	bool without_bucket; /* the bucket need not be there */
	/* If set, who asks stands in the body: read it, then object_known(). */
	void (*read)(struct object_ask *ask);
	slv_object_err (*serve)(struct object_ask *ask); /* an error is the reply */
};

/* A parameter of a query, decoded. */
struct object_param {
	slv_str name, value; /* a value that was not written has at != NULL, too */
};

struct object_ask {
	struct slv_req *req;
	const struct object_param *params; /* in the order of the query */
	size_t param_count;
	struct object *self;
	const struct object_op *op;
	slv_str id;            /* of the request, for people who look for it in a log */
	slv_str bucket, key;   /* decoded; empty: none was named */
	slv_str content_range; /* of a reply that fails with InvalidRange */

	bool is_public; /* of a route of a site: nobody signs, and errors are those of sites */

	/* Who asks. */
	struct auth *auth; /* auth.c's */
	struct post *post; /* post.c's */
	struct slv_api_find find;
	struct slv_sigv4 signature;
	struct slv_digest sign_key;
	enum slv_object_payload payload;
	slv_str sha256; /* x-amz-content-sha256 as sent */

	/* What the page of another site that asks may know of the reply (origin.c). */
	struct {
		void (*then)(struct object_ask *ask);
		slv_str allowed; /* who; empty: nobody */
		slv_str exposed; /* names of headers */
		bool credentials;
		bool varies; /* another origin would be told something else */
	} origin;

	/* The bucket, unless op->without_bucket. */
	struct slv_omap *map;
	struct slv_omap_recall recall; /* its row, held as long as the request */
	char row_key[OBJECT_BUCKET_KEY_BYTES_MAX];
};

/* --- asking --- */

/* The value of the first parameter of that name, decoded; at == NULL: it is not there. */
slv_str object_param(const struct object_ask *ask, const char *name);

/* A field's value; at == NULL: it is not there. */
slv_str object_field(const struct object_ask *ask, const char *name);

/* May the one who asks do `right` to that key of that bucket? */
bool object_may(const struct object_ask *ask, enum slv_api_right right, slv_str bucket,
		slv_str key);

/* Read the row b/<name> into ask->recall, as slv_omap_recall(). Only if a bucket may be called so.
 */
bool object_bucket_recall(
		struct object_ask *ask, void (*done)(struct slv_omap_recall *recall, slv_err err));

/* The map of the bucket of that id; NULL: it is none. Of the one whose row that is; NULL: the row
 * is damaged. */
struct slv_omap *object_map_of(struct object *self, slv_str id);
struct slv_omap *object_map(struct object *self, slv_str bucket_row);

/* Find ask->bucket, then go on with ask->op. */
void object_find_bucket(struct object_ask *ask);

/* auth.c: whose signature? Then done(), maybe before this returns; an error is the reply. */
void object_authenticate(
		struct object_ask *ask, void (*done)(struct object_ask *ask, slv_object_err err));

/* Who asks is known, or not: may he? Then the bucket, then the operation. */
void object_known(struct object_ask *ask, slv_object_err err);

/* An error of the store or of memory in S3's words. */
slv_object_err object_err(slv_err err);

static inline slv_object_err object_no_memory(void)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_SLOW_DOWN, "request_memory_bytes is used up");
}

/* Every batch that puts a row into a bucket's map has this change, too; else it could be into one
 * that was just removed (meta.h). */
static inline struct slv_omap_change object_open_check(void)
{
	return (struct slv_omap_change){
		.what = SLV_OMAP_CHECK, .when = SLV_OMAP_IF_PRESENT, .key = SLV_STR(OBJECT_OPEN_KEY)
	};
}

/* Did the batch fail because the bucket is closed? That is NoSuchBucket. */
bool object_is_closed(const struct slv_omap_batch *batch, slv_err err);

/* --- answering --- */

void object_fail(struct object_ask *ask, slv_object_err err);
void object_fail_with(struct object_ask *ask, slv_object_err err,
		const struct slv_object_error_detail *details, size_t count);

/* A reply with x-amz-request-id; fields may be added. */
slv_err object_reply_init(struct object_ask *ask, int status, struct slv_reply *ret_reply);
void object_reply_empty(struct object_ask *ask, int status);
/* `xml` is taken; past its maximum the reply is an error. */
void object_reply_xml(struct object_ask *ask, struct slv_buf *xml);

/* Fields of an object that every read tells: type and kin, and metadata. */
slv_err object_reply_meta(
		struct object_ask *ask, struct slv_reply *reply, const struct object_meta *meta);

/* x-amz-checksum-…, and of which type it is. */
slv_err object_reply_checksum(
		struct object_ask *ask, struct slv_reply *reply, const struct object_meta *meta);

/* public.c: an error, and fields of every reply, where a bucket is a route of a site. */
void object_fail_public(struct object_ask *ask, slv_object_err err);
slv_err object_public_fields(const struct object_ask *ask, struct slv_reply *reply);

/* --- pages of other sites (origin.c) --- */

/* What may the page know? Then then(), maybe before this returns. */
void object_origin_find(struct object_ask *ask, void (*then)(struct object_ask *ask));

/* Tell it. object_reply_init() does. */
slv_err object_origin_fields(const struct object_ask *ask, struct slv_fields *fields);

/* OPTIONS, which nobody signs. */
void object_preflight(struct object_ask *ask);

/* --- bodies that come (intake.c) --- */

/* The body of a request, checked as it comes: its length, its digests, its chunks' signatures. Up
 * to 64 KiB stay in memory, unless `to_blob`; more goes into a blob, which is on the disk when it
 * is told that all is well. What fails leaves nothing. */
struct object_intake {
	struct object_ask *ask;
	bool to_blob;   /* though it is small */
	bool in_memory; /* though it is large */
	/* This checksum is worked out, told or not, and no other may be told. */
	bool wants_checksum;
	enum slv_object_checksum_kind kind;
	bool ignores_checksum; /* what the header tells is not of these bytes */
	uint64_t bytes_max;
	void (*done)(struct object_intake *intake, slv_object_err err);

	/* Then these are known. */
	uint64_t len;
	uint8_t md5[OBJECT_MD5_BYTES];
	bool has_checksum; /* the client told one, and it holds; or it was wanted */
	struct slv_object_checksum checksum;
	struct slv_buf bytes; /* if it is no blob */
	bool has_blob;
	struct slv_blob_ref ref;

	struct object_intake_state *state;
};

/* In the request's arena. An error is the reply, and nothing calls back. */
slv_object_err object_intake_start(struct object_intake *intake);

#define OBJECT_DOCUMENT_BYTES_MAX SLV_MIB(4)

/* A small document of a request as a whole. `text` is valid until it returns. */
struct object_document {
	struct object_ask *ask;
	size_t bytes_max;
	bool ignores_checksum; /* as of struct object_intake */
	void (*done)(struct object_document *document, slv_object_err err, slv_str text);
	struct object_intake intake;
};
slv_object_err object_document_read(struct object_document *document);

/* --- bodies that go (outgo.c) --- */

/* Bytes `first` to `first + count` of an object as a body. `row` has its body and is held by
 * `hold`, which is taken unless this fails. One that is no bytes in memory is opened before
 * anything is answered (service/blob_body.h), because the object may be replaced at this moment, or
 * damaged; SLV_E_MISSING: then the row is to be read again. */
slv_err object_body(struct object *self, struct slv_omap *map, const struct object_meta *meta,
		const struct slv_omap_row *row, struct slv_hold *hold, uint64_t first,
		uint64_t count, struct slv_body *ret_body);

/* --- what replaced rows leave behind (clean.c): blobs, and parts. Not waited for. --- */

/* `old` are rows of before. Blobs go at once, parts when nobody reads them any more. */
void object_clean(struct object *self, struct slv_omap *map, const struct slv_omap_rows *old);
void object_clean_blob(struct object *self, struct slv_blob_id id);
/* Take the parts of an upload away, and then the row r<upload>, which was written before. */
void object_clean_parts(struct object *self, struct slv_omap *map, slv_str upload);

/* --- fields that an upload says of its object (put.c) --- */

/* Content-Type and kin, and x-amz-meta-…, into meta->fields (in the arena, or views), once it is
 * known that nothing is asked for that is not done here (ACLs, encryption, …). */
slv_object_err object_upload_check(
		struct slv_arena *arena, const struct slv_fields *fields, struct object_meta *meta);

/* --- operations --- */

extern const struct object_op object_ops[]; /* ends with {0}; the first that fits is it */

/* bucket.c */
slv_object_err object_list_buckets(struct object_ask *ask);
slv_object_err object_create_bucket(struct object_ask *ask);
slv_object_err object_head_bucket(struct object_ask *ask);
slv_object_err object_bucket_location(struct object_ask *ask);
slv_object_err object_bucket_encryption(struct object_ask *ask);
/* close.c */
slv_object_err object_delete_bucket(struct object_ask *ask);
/* config.c */
slv_object_err object_get_cors(struct object_ask *ask);
slv_object_err object_put_cors(struct object_ask *ask);
slv_object_err object_delete_cors(struct object_ask *ask);
slv_object_err object_get_lifecycle(struct object_ask *ask);
slv_object_err object_put_lifecycle(struct object_ask *ask);
slv_object_err object_delete_lifecycle(struct object_ask *ask);
/* list.c */
slv_object_err object_list(struct object_ask *ask);
slv_object_err object_list_v2(struct object_ask *ask);
slv_object_err object_list_uploads(struct object_ask *ask);
slv_object_err object_list_parts(struct object_ask *ask);
/* get.c */
slv_object_err object_get(struct object_ask *ask);
slv_object_err object_head(struct object_ask *ask);
/* put.c */
slv_object_err object_put(struct object_ask *ask);
/* copy.c */
slv_object_err object_copy(struct object_ask *ask);
slv_object_err object_copy_part(struct object_ask *ask);
/* delete.c */
slv_object_err object_delete(struct object_ask *ask);
slv_object_err object_delete_many(struct object_ask *ask);
/* parts.c, complete.c */
slv_object_err object_create_upload(struct object_ask *ask);
slv_object_err object_put_part(struct object_ask *ask);
slv_object_err object_complete(struct object_ask *ask);
slv_object_err object_abort(struct object_ask *ask);

/* sweep.c: lifecycle, and what is left of removed things. Turns come by themselves; memory goes
 * when the last one has ended. */
struct object_sweep *object_sweep_new(struct object *self);
void object_sweep_free(struct object_sweep *sweep);

#endif
