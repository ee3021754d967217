/* object.c - which operation a request is, of which bucket and key, and its way there */
#include "service/object/object.h"

#include "base/assert.h"
#include "base/mem.h"
#include "service/object/post.h"

#include <string.h>

#define MEMORY_BYTES_MAX SLV_MIB(64) /* of rows, for each loop */
#define XML_BYTES_MAX SLV_KIB(16)    /* of an error */
#define REQUEST_ID_BYTES 16

/* --- asking --- */

slv_str object_param(const struct object_ask *ask, const char *name)
{
	slv_str wanted = slv_str_from(name);
	for (size_t i = 0; i < ask->param_count; i++)
		if (slv_str_eq(ask->params[i].name, wanted))
			return ask->params[i].value;
	return (slv_str){ 0 };
}

slv_str object_field(const struct object_ask *ask, const char *name)
{
	const struct slv_field *field = slv_fields_find_name(&ask->req->fields, slv_str_from(name));
	return field ? field->value : (slv_str){ 0 };
}

bool object_may(const struct object_ask *ask, enum slv_api_right right, slv_str bucket, slv_str key)
{
	return ask->find.token && slv_api_token_may(ask->find.token, right, bucket, key);
}

slv_object_err object_err(slv_err err)
{
	switch (err.code) {
	case SLV_E_NONE:
		return SLV_OBJECT_OK;
	case SLV_E_BUSY:
		return SLV_OBJECT_ERR(SLV_OBJECT_E_SLOW_DOWN, NULL);
	case SLV_E_TIMEOUT:
	case SLV_E_UPSTREAM: /* the endpoint of the blobs */
		return SLV_OBJECT_ERR(SLV_OBJECT_E_SERVICE_UNAVAILABLE, NULL);
	case SLV_E_LIMIT:
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST, err.what);
	case SLV_E_PRECONDITION:
		return SLV_OBJECT_ERR(SLV_OBJECT_E_PRECONDITION_FAILED, NULL);
	default:
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INTERNAL, NULL);
	}
}

bool object_is_closed(const struct slv_omap_batch *batch, slv_err err)
{
	return err.code == SLV_E_PRECONDITION &&
	       slv_str_eq(batch->changes[batch->failed].key, SLV_STR(OBJECT_OPEN_KEY));
}

/* --- answering --- */

slv_err object_reply_init(struct object_ask *ask, int status, struct slv_reply *ret_reply)
{
	slv_reply_init(ret_reply, ask->req, status);
	if (ask->is_public)
		return SLV_OK;
	slv_err err = slv_fields_add(&ret_reply->fields, SLV_STR("x-amz-request-id"), ask->id);
	return slv_failed(err) ? err : object_origin_fields(ask, &ret_reply->fields);
}

void object_fail_with(struct object_ask *ask, slv_object_err err,
		const struct slv_object_error_detail *details, size_t count)
{
	struct slv_reply reply;
	struct slv_buf xml;
	if (ask->is_public) {
		object_fail_public(ask, err);
		return;
	}
	if (ask->post)
		object_post_close(ask);
	struct slv_object_error error = {
		.err = err,
		.resource = ask->req->uri.path,
		.request_id = ask->id,
		.details = details,
		.detail_count = count,
	};
	const char *what = err.what ? err.what : slv_object_code_text(err.code);
	slv_err bad = object_reply_init(ask, slv_object_code_status(err.code), &reply);
	if (!slv_failed(bad))
		bad = slv_fields_add_id(
				&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("application/xml"));
	if (!slv_failed(bad) && reply.status == 503)
		bad = slv_fields_add_id(&reply.fields, SLV_FIELD_RETRY_AFTER, SLV_STR("1"));
	if (!slv_failed(bad) && reply.status == 416 && ask->content_range.len)
		bad = slv_fields_add_id(&reply.fields, SLV_FIELD_CONTENT_RANGE, ask->content_range);
	if (slv_failed(bad)) {
		slv_problem_reply(ask->req, bad);
		return;
	}
	reply.code = slv_object_code_name(err.code);
	ask->req->error_why = slv_str_copy(ask->req->arena, slv_str_from(what));
	if (!slv_status_is_bare(reply.status)) {
		slv_buf_init(&xml, XML_BYTES_MAX);
		slv_object_error_print(&error, &xml);
		reply.body = slv_body_take(&xml);
	}
	slv_req_reply(ask->req, &reply);
}

void object_fail(struct object_ask *ask, slv_object_err err)
{
	object_fail_with(ask, err, NULL, 0);
}

void object_reply_empty(struct object_ask *ask, int status)
{
	struct slv_reply reply;
	slv_err err = object_reply_init(ask, status, &reply);
	if (slv_failed(err))
		slv_problem_reply(ask->req, err);
	else
		slv_req_reply(ask->req, &reply);
}

void object_reply_xml(struct object_ask *ask, struct slv_buf *xml)
{
	struct slv_reply reply;
	slv_err err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = slv_fields_add_id(
				&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("application/xml"));
	if (slv_failed(err) || xml->overflow) {
		slv_buf_done(xml);
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_INTERNAL, NULL));
		return;
	}
	reply.body = slv_body_take(xml);
	slv_req_reply(ask->req, &reply);
}

/* --- the operations --- */

#define READ SLV_API_ITEM_READ
#define WRITE SLV_API_ITEM_WRITE
#define GET SLV_METHOD_GET
#define PUT SLV_METHOD_PUT
#define POST SLV_METHOD_POST
#define HEAD SLV_METHOD_HEAD
#define DELETE SLV_METHOD_DELETE
#define COPIES "x-amz-copy-source"

const struct object_op object_ops[] = {
	{ .name = "ListBuckets",
			.method = GET,
			.right = SLV_API_R2_READ,
			.without_bucket = true,
			.serve = object_list_buckets },

	{ .name = "GetBucketLocation",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.param = "location",
			.right = READ,
			.of_all = true,
			.serve = object_bucket_location },
	{ .name = "GetBucketEncryption",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.param = "encryption",
			.right = READ,
			.of_all = true,
			.serve = object_bucket_encryption },
	{ .name = "GetBucketCors",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.param = "cors",
			.right = SLV_API_R2_READ,
			.serve = object_get_cors },
	{ .name = "PutBucketCors",
			.method = PUT,
			.of = OBJECT_OF_BUCKET,
			.param = "cors",
			.right = SLV_API_R2_WRITE,
			.serve = object_put_cors },
	{ .name = "DeleteBucketCors",
			.method = DELETE,
			.of = OBJECT_OF_BUCKET,
			.param = "cors",
			.right = SLV_API_R2_WRITE,
			.serve = object_delete_cors },
	{ .name = "GetBucketLifecycleConfiguration",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.param = "lifecycle",
			.right = SLV_API_R2_READ,
			.serve = object_get_lifecycle },
	{ .name = "PutBucketLifecycleConfiguration",
			.method = PUT,
			.of = OBJECT_OF_BUCKET,
			.param = "lifecycle",
			.right = SLV_API_R2_WRITE,
			.serve = object_put_lifecycle },
	{ .name = "DeleteBucketLifecycle",
			.method = DELETE,
			.of = OBJECT_OF_BUCKET,
			.param = "lifecycle",
			.right = SLV_API_R2_WRITE,
			.serve = object_delete_lifecycle },
	{ .name = "ListMultipartUploads",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.param = "uploads",
			.right = READ,
			.by_prefix = true,
			.serve = object_list_uploads },
	{ .name = "DeleteObjects",
			.method = POST,
			.of = OBJECT_OF_BUCKET,
			.param = "delete",
			.right = WRITE,
			.of_each = true,
			.serve = object_delete_many },
	{ .name = "PostObject",
			.method = POST,
			.of = OBJECT_OF_BUCKET,
			.right = WRITE,
			.read = object_post_read,
			.serve = object_post },
	{ .name = "ListObjectsV2",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.param = "list-type",
			.right = READ,
			.by_prefix = true,
			.serve = object_list_v2 },
	{ .name = "ListObjects",
			.method = GET,
			.of = OBJECT_OF_BUCKET,
			.right = READ,
			.by_prefix = true,
			.serve = object_list },
	{ .name = "HeadBucket",
			.method = HEAD,
			.of = OBJECT_OF_BUCKET,
			.right = READ,
			.of_all = true,
			.serve = object_head_bucket },
	{ .name = "CreateBucket",
			.method = PUT,
			.of = OBJECT_OF_BUCKET,
			.right = SLV_API_R2_WRITE,
			.without_bucket = true,
			.serve = object_create_bucket },
	{ .name = "DeleteBucket",
			.method = DELETE,
			.of = OBJECT_OF_BUCKET,
			.right = SLV_API_R2_WRITE,
			.serve = object_delete_bucket },

	{ .name = "UploadPartCopy",
			.method = PUT,
			.of = OBJECT_OF_KEY,
			.param = "uploadId",
			.field = COPIES,
			.right = WRITE,
			.serve = object_copy_part },
	{ .name = "UploadPart",
			.method = PUT,
			.of = OBJECT_OF_KEY,
			.param = "uploadId",
			.right = WRITE,
			.serve = object_put_part },
	{ .name = "ListParts",
			.method = GET,
			.of = OBJECT_OF_KEY,
			.param = "uploadId",
			.right = READ,
			.serve = object_list_parts },
	{ .name = "CreateMultipartUpload",
			.method = POST,
			.of = OBJECT_OF_KEY,
			.param = "uploads",
			.right = WRITE,
			.serve = object_create_upload },
	{ .name = "CompleteMultipartUpload",
			.method = POST,
			.of = OBJECT_OF_KEY,
			.param = "uploadId",
			.right = WRITE,
			.serve = object_complete },
	{ .name = "AbortMultipartUpload",
			.method = DELETE,
			.of = OBJECT_OF_KEY,
			.param = "uploadId",
			.right = WRITE,
			.serve = object_abort },
	{ .name = "CopyObject",
			.method = PUT,
			.of = OBJECT_OF_KEY,
			.field = COPIES,
			.right = WRITE,
			.serve = object_copy },
	{ .name = "PutObject",
			.method = PUT,
			.of = OBJECT_OF_KEY,
			.right = WRITE,
			.serve = object_put },
	{ .name = "GetObject",
			.method = GET,
			.of = OBJECT_OF_KEY,
			.right = READ,
			.serve = object_get },
	{ .name = "HeadObject",
			.method = HEAD,
			.of = OBJECT_OF_KEY,
			.right = READ,
			.serve = object_head },
	{ .name = "DeleteObject",
			.method = DELETE,
			.of = OBJECT_OF_KEY,
			.right = WRITE,
			.serve = object_delete },
	{ 0 },
};

/* Parameters that make another operation of a request, one that is not done here: without a look at
 * them it would be taken for a plain one. */
static const slv_str foreign_params[] = { SLV_STR_INIT("accelerate"), SLV_STR_INIT("acl"),
	SLV_STR_INIT("analytics"), SLV_STR_INIT("attributes"), SLV_STR_INIT("intelligent-tiering"),
	SLV_STR_INIT("inventory"), SLV_STR_INIT("legal-hold"), SLV_STR_INIT("logging"),
	SLV_STR_INIT("metadataTable"), SLV_STR_INIT("metrics"), SLV_STR_INIT("notification"),
	SLV_STR_INIT("object-lock"), SLV_STR_INIT("ownershipControls"), SLV_STR_INIT("policy"),
	SLV_STR_INIT("policyStatus"), SLV_STR_INIT("publicAccessBlock"),
	SLV_STR_INIT("replication"), SLV_STR_INIT("requestPayment"), SLV_STR_INIT("restore"),
	SLV_STR_INIT("retention"), SLV_STR_INIT("select"), SLV_STR_INIT("tagging"),
	SLV_STR_INIT("torrent"), SLV_STR_INIT("versioning"), SLV_STR_INIT("versions"),
	SLV_STR_INIT("website") };

/* Of those that are done: a request has one of them at most. */
static const slv_str own_params[] = { SLV_STR_INIT("cors"), SLV_STR_INIT("delete"),
	SLV_STR_INIT("encryption"), SLV_STR_INIT("lifecycle"), SLV_STR_INIT("location"),
	SLV_STR_INIT("uploads") };

static bool is_one_of(slv_str name, const slv_str *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slv_str_eq(name, names[i]))
			return true;
	return false;
}

static bool has_param(const struct object_ask *ask, const char *name)
{
	return object_param(ask, name).at != NULL;
}

static bool fits(const struct object_ask *ask, const struct object_op *op)
{
	unsigned of = ask->key.len ? OBJECT_OF_KEY : ask->bucket.len ? OBJECT_OF_BUCKET : 0;
	return op->method == ask->req->method && op->of == of &&
	       (!op->param || has_param(ask, op->param)) &&
	       (!op->field || object_field(ask, op->field).at);
}

static slv_object_err find_op(struct object_ask *ask)
{
	for (size_t i = 0; i < ask->param_count; i++)
		if (is_one_of(ask->params[i].name, foreign_params, SLV_COUNT(foreign_params)))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, NULL);
	for (const struct object_op *op = object_ops; op->name && !ask->op; op++)
		if (fits(ask, op))
			ask->op = op;
	if (!ask->op)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_METHOD_NOT_ALLOWED, NULL);
	for (size_t i = 0; i < ask->param_count; i++) {
		slv_str name = ask->params[i].name;
		bool is_op = ask->op->param && slv_str_eq(name, slv_str_from(ask->op->param));
		if (!is_op && is_one_of(name, own_params, SLV_COUNT(own_params)))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_METHOD_NOT_ALLOWED, NULL);
	}
	return SLV_OBJECT_OK;
}

/* --- which bucket and key --- */

/* "photos" of "photos.s3.example.com"; empty: the bucket is in the path. By the host that was
 * asked, which is signed, and not by one that a proxy tells. */
static slv_str bucket_of_host(const struct object_ask *ask)
{
	const struct slv_conf_list *hosts = &ask->self->settings->hosts;
	const slv_str *names = hosts->at;
	const struct slv_req *req = ask->req;
	struct slv_host host;
	slv_str text = req->uri.authority.len ? req->uri.authority
	                                      : slv_fields_get(&req->fields, SLV_FIELD_HOST);
	if (!hosts->count || slv_failed(slv_host_parse(text, &host)))
		return (slv_str){ 0 };
	for (size_t i = 0; i < hosts->count; i++) {
		if (host.name.len < names[i].len + 2)
			continue;
		size_t dot = host.name.len - names[i].len - 1;
		if (host.name.at[dot] == '.' &&
				slv_str_eq_nocase(slv_str_from_index(host.name, dot + 1), names[i]))
			return slv_str_copy_lower(req->arena, slv_str_head(host.name, dot));
	}
	return (slv_str){ 0 };
}

static slv_err decode(struct slv_arena *arena, slv_str raw, slv_str *ret_text)
{
	*ret_text = raw.at ? raw : SLV_STR("");
	return slv_str_find(raw, '%') < raw.len
	                       ? slv_query_decode(arena, raw, SLV_QUERY_PLUS, ret_text)
	                       : SLV_OK;
}

/* All parameters once, for they are asked for by many names. */
static slv_object_err find_params(struct object_ask *ask)
{
	struct slv_arena *arena = ask->req->arena;
	slv_str rest = ask->req->uri.query, name, value;
	size_t count = 1;
	for (size_t i = 0; i < rest.len; i++)
		count += rest.at[i] == '&';
	if (count > SLV_QUERY_PARAMS_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_URI, "more than 128 parameters");
	struct object_param *params = SLV_NEW_ARRAY(arena, struct object_param, count);
	if (!params)
		return object_no_memory();
	ask->params = params;
	while (slv_query_next(&rest, &name, &value)) {
		struct object_param *param = &params[ask->param_count++];
		slv_err err = decode(arena, name, &param->name);
		if (!slv_failed(err))
			err = decode(arena, value, &param->value);
		if (slv_failed(err))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_URI, err.what);
	}
	return SLV_OBJECT_OK;
}

static slv_object_err find_names(struct object_ask *ask)
{
	struct slv_arena *arena = ask->req->arena;
	slv_str rest = slv_str_from_index(ask->req->uri.path, 1);
	slv_err err = SLV_OK;
	ask->bucket = bucket_of_host(ask);
	if (!ask->bucket.len)
		err = slv_uri_decode(arena, slv_str_cut(&rest, '/'), &ask->bucket);
	if (!slv_failed(err))
		err = slv_uri_decode(arena, rest, &ask->key);
	if (slv_failed(err))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_URI, NULL);
	if (ask->key.len > SLV_OBJECT_KEY_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_KEY_TOO_LONG, NULL);
	return find_params(ask);
}

/* --- the way through --- */

/* S3 takes a single entity tag without its quotes, too. It was signed as it came; this is after. */
static slv_err quote_etags(struct slv_req *req)
{
	for (uint32_t i = 0; i < req->fields.count; i++) {
		struct slv_field *field = &req->fields.at[i];
		slv_str tag = field->value;
		if ((field->id != SLV_FIELD_IF_MATCH && field->id != SLV_FIELD_IF_NONE_MATCH) ||
				!tag.len || slv_str_eq(tag, SLV_STR("*")) ||
				slv_str_find(tag, '"') < tag.len)
			continue;
		field->value = slv_str_printf(req->arena, "\"%.*s\"", SLV_FMT(tag));
		if (!field->value.at)
			return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	}
	return SLV_OK;
}

static void serve(struct object_ask *ask)
{
	slv_object_err err = object_err(quote_etags(ask->req));
	if (!slv_object_failed(err))
		err = ask->op->serve(ask);
	if (slv_object_failed(err))
		object_fail(ask, err);
}

struct slv_omap *object_map_of(struct object *self, slv_str id)
{
	char name[3 + OBJECT_ID_BYTES] = "s3-";
	if (id.len != OBJECT_ID_BYTES)
		return NULL;
	memcpy(name + 3, id.at, OBJECT_ID_BYTES);
	return slv_omap_named(self->maps, (slv_str){ name, sizeof(name) });
}

struct slv_omap *object_map(struct object *self, slv_str bucket_row)
{
	struct object_bucket bucket;
	return object_bucket_read(bucket_row, &bucket)
	                       ? object_map_of(self, (slv_str){ bucket.id, OBJECT_ID_BYTES })
	                       : NULL;
}

static void drop_row(void *arg)
{
	struct slv_hold *hold = arg;
	hold->drop(hold);
}

static void bucket_found(struct object_ask *ask)
{
	struct slv_omap_recall *recall = &ask->recall;
	if (!slv_arena_defer(ask->req->arena, drop_row, recall->hold)) {
		recall->hold->drop(recall->hold);
		object_fail(ask, object_no_memory());
		return;
	}
	if (!recall->row->version) {
		struct slv_object_error_detail name = { "BucketName", ask->bucket };
		object_fail_with(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_BUCKET, NULL), &name, 1);
		return;
	}
	ask->origin.varies = object_config(recall->row->body, OBJECT_CORS).len > 0;
	ask->map = object_map(ask->self, recall->row->value);
	if (ask->map)
		serve(ask);
	else
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_INTERNAL, NULL));
}

static void bucket_read(struct slv_omap_recall *recall, slv_err err)
{
	struct object_ask *ask = SLV_CONTAINER(recall, struct object_ask, recall);
	if (slv_failed(err))
		object_fail(ask, object_err(err));
	else
		bucket_found(ask);
}

bool object_bucket_recall(
		struct object_ask *ask, void (*done)(struct slv_omap_recall *recall, slv_err err))
{
	char *key = ask->row_key;
	memcpy(key, "b/", 2);
	memcpy(key + 2, ask->bucket.at, ask->bucket.len);
	ask->recall = (struct slv_omap_recall){
		.memory = ask->self->memory,
		.map = ask->self->buckets,
		.key = { key, 2 + ask->bucket.len },
		.done = done,
	};
	return slv_omap_recall(&ask->recall);
}

void object_find_bucket(struct object_ask *ask)
{
	if (!object_bucket_name_is_ok(ask->bucket))
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_BUCKET, NULL));
	else if (object_bucket_recall(ask, bucket_read))
		bucket_found(ask);
}

/* What a right of the operation is about. */
static bool is_allowed(const struct object_ask *ask)
{
	const struct object_op *op = ask->op;
	if (op->right == SLV_API_R2_READ || op->right == SLV_API_R2_WRITE)
		return object_may(ask, op->right, (slv_str){ 0 }, (slv_str){ 0 });
	if (op->of_each)
		return true;
	if (op->by_prefix)
		return slv_api_token_may_all(ask->find.token, op->right, ask->bucket,
				object_param(ask, "prefix"));
	if (op->of_all) /* who may read some of it may know that it is there */
		return slv_api_token_touches(ask->find.token, op->right, ask->bucket);
	return object_may(ask, op->right, ask->bucket, ask->key);
}

void object_known(struct object_ask *ask, slv_object_err err)
{
	if (slv_object_failed(err))
		object_fail(ask, err);
	else if (!is_allowed(ask))
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_DENIED, NULL));
	else if (ask->op->without_bucket)
		serve(ask);
	else
		object_find_bucket(ask);
}

static slv_str request_id(struct object *self, struct slv_arena *arena)
{
	char *id = slv_arena_bytes(arena, REQUEST_ID_BYTES);
	if (!id)
		return (slv_str){ 0 };
	slv_loop_random_hex(self->loop, id, REQUEST_ID_BYTES);
	return (slv_str){ id, REQUEST_ID_BYTES };
}

static void begin(struct object_ask *ask)
{
	slv_object_err err = find_op(ask);
	if (slv_object_failed(err))
		object_fail(ask, err);
	else if (ask->op->read)
		ask->op->read(ask);
	else
		object_authenticate(ask, object_known);
}

static slv_err object_serve(void *me, struct slv_req *req)
{
	struct object *self = me;
	struct object_ask *ask = SLV_NEW(req->arena, struct object_ask);
	if (!ask)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	ask->req = req;
	ask->self = self;
	ask->id = request_id(self, req->arena);
	slv_object_err err = find_names(ask);
	if (slv_object_failed(err))
		object_fail(ask, err);
	else if (req->method == SLV_METHOD_OPTIONS)
		object_preflight(ask);
	else
		object_origin_find(ask, begin);
	return SLV_OK;
}

/* --- the service --- */

static slv_err object_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	struct object *self = SLV_ALLOC(struct object);
	self->loop = env->loop;
	self->maps = env->maps;
	self->blobs = env->blobs;
	self->settings = place->settings;
	self->buckets = slv_omap_named(env->maps, SLV_STR(OBJECT_BUCKETS_MAP));
	self->memory = slv_omap_memory_new(env->loop, MEMORY_BYTES_MAX);
	self->keys = slv_api_keys_new(env->loop, env->maps);
	if (slv_loop_index(env->loop) == 0)
		self->sweep = object_sweep_new(self);
	*ret_self = self;
	return SLV_OK;
}

static void object_stop(void *me)
{
	struct object *self = me;
	object_sweep_free(self->sweep);
	slv_api_keys_free(self->keys);
	slv_omap_memory_free(self->memory);
	slv_free(self);
}

const struct slv_service slv_object_service = {
	.name = "s3",
	.start = object_start,
	.serve = object_serve,
	.stop = object_stop,
};
