/* put.c - PutObject: a body, then the row that makes it an object */
#include "service/object/target.h"

#include <string.h>

struct put {
	struct object_ask *ask;
	struct object_intake intake;
	struct object_meta meta;
	struct object_target target;
	struct slv_buf row;
	struct slv_omap_change changes[2]; /* the row, and that the bucket is open */
	struct slv_omap_batch batch;
};

static void put_drop(void *arg)
{
	struct put *put = arg;
	slv_buf_done(&put->row);
}

/* --- what is said of the object --- */

/* Of the fields that are kept, those that are no x-amz-meta-. */
static const char *const kept_fields[] = { "cache-control", "content-disposition",
	"content-encoding", "content-language", "content-type", "expires" };

#define META_PREFIX SLV_STR("x-amz-meta-")

/* Content-Encoding without aws-chunked, which was of the way here only. */
static slv_str without_chunked(struct slv_arena *arena, slv_str value)
{
	struct slv_buf kept;
	slv_buf_init(&kept, value.len + 1);
	slv_str rest = value;
	while (rest.at) {
		slv_str coding = slv_str_trim(slv_str_cut(&rest, ','));
		if (!coding.len || slv_str_eq_nocase(coding, SLV_STR("aws-chunked")))
			continue;
		if (kept.len)
			slv_buf_add_char(&kept, ',');
		slv_buf_add(&kept, coding);
	}
	slv_str text = slv_str_copy(arena, slv_buf_str(&kept));
	slv_buf_done(&kept);
	return text;
}

static bool is_kept(slv_str name)
{
	for (size_t i = 0; i < SLV_COUNT(kept_fields); i++)
		if (slv_str_eq(name, slv_str_from(kept_fields[i])))
			return true;
	return slv_str_starts(name, META_PREFIX);
}

slv_object_err object_fields_read(struct object_ask *ask, struct object_meta *meta)
{
	struct slv_arena *arena = ask->req->arena;
	const struct slv_fields *fields = &ask->req->fields;
	size_t metadata = 0;
	slv_fields_init(&meta->fields, arena);
	for (uint32_t i = 0; i < fields->count; i++) {
		slv_str name = slv_str_copy_lower(arena, fields->at[i].name),
			value = fields->at[i].value;
		if (!name.at)
			return object_no_memory();
		if (!is_kept(name))
			continue;
		if (slv_str_starts(name, META_PREFIX))
			metadata += name.len - META_PREFIX.len + value.len;
		if (slv_str_eq(name, SLV_STR("content-encoding")))
			value = without_chunked(arena, value);
		if (!value.len && !slv_str_starts(name, META_PREFIX))
			continue;
		if (slv_failed(slv_fields_add(&meta->fields, name, value)))
			return object_no_memory();
	}
	if (metadata > SLV_OBJECT_METADATA_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL);
	return SLV_OBJECT_OK;
}

/* Headers that ask for what is not done: to pass over them would store something else than what was
 * meant. `x-amz-acl: private` is what there is. */
static slv_object_err check_foreign(const struct object_ask *ask)
{
	static const char *const foreign[] = { "x-amz-grant-full-control", "x-amz-grant-read",
		"x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp",
		"x-amz-object-lock-legal-hold", "x-amz-object-lock-mode",
		"x-amz-object-lock-retain-until-date", "x-amz-server-side-encryption",
		"x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-customer-algorithm",
		"x-amz-server-side-encryption-customer-key", "x-amz-tagging",
		"x-amz-website-redirect-location", "x-amz-write-offset-bytes" };
	slv_str acl = object_field(ask, "x-amz-acl");
	slv_str class = object_field(ask, "x-amz-storage-class");
	for (size_t i = 0; i < SLV_COUNT(foreign); i++)
		if (object_field(ask, foreign[i]).at)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, foreign[i]);
	if (acl.len && !slv_str_eq(acl, SLV_STR("private")))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "x-amz-acl other than private");
	if (class.len && !slv_str_eq(class, SLV_STR("STANDARD")) &&
			!slv_str_eq(class, SLV_STR("STANDARD_IA")))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_STORAGE_CLASS, NULL);
	return SLV_OBJECT_OK;
}

slv_object_err object_upload_check(struct object_ask *ask, struct object_meta *meta)
{
	slv_object_err err = check_foreign(ask);
	return slv_object_failed(err) ? err : object_fields_read(ask, meta);
}

/* --- the row --- */

static void answer(struct put *put)
{
	struct object_ask *ask = put->ask;
	struct slv_reply reply;
	char room[OBJECT_ETAG_BYTES_MAX];
	slv_str etag = slv_str_copy(ask->req->arena, object_etag(&put->meta, room));
	slv_err err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_ETAG, etag);
	if (!slv_failed(err) && put->meta.has_checksum)
		err = object_reply_checksum(ask, &reply, &put->meta);
	if (slv_failed(err))
		object_fail(ask, object_err(err));
	else
		slv_req_reply(ask->req, &reply);
}

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct put *put = SLV_CONTAINER(batch, struct put, batch);
	struct object *self = put->ask->self;
	if (slv_failed(err)) {
		if (put->intake.has_blob && !batch->in_doubt)
			object_clean_blob(self, put->intake.ref.id);
		object_fail(put->ask, object_target_err(&put->target, batch, err));
		return;
	}
	object_clean(self, batch->map, batch->old);
	batch->old->hold.drop(&batch->old->hold);
	answer(put);
}

static slv_object_err write(struct put *put)
{
	struct object_ask *ask = put->ask;
	const struct object_intake *intake = &put->intake;
	put->meta.len = intake->len;
	put->meta.modified_ms = slv_loop_wall_ms(ask->self->loop);
	memcpy(put->meta.md5, intake->md5, OBJECT_MD5_BYTES);
	put->meta.has_checksum = intake->has_checksum;
	put->meta.checksum = intake->checksum;
	put->meta.where = intake->has_blob ? OBJECT_BLOB : OBJECT_INLINE;
	put->meta.blob = intake->ref.id;
	slv_err err = object_meta_write(&put->meta, &put->row);
	if (slv_failed(err))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL);
	put->changes[0] = object_target_change(&put->target);
	put->changes[0].value = slv_buf_str(&put->row);
	put->changes[0].body = intake->has_blob ? (slv_str){ 0 } : slv_buf_str(&intake->bytes);
	put->changes[1] = object_open_check();
	put->batch = (struct slv_omap_batch){
		.map = ask->map,
		.changes = put->changes,
		.count = 2,
		.wants_old = true,
		.done = written,
	};
	slv_omap_write(ask->self->loop, &put->batch);
	return SLV_OBJECT_OK;
}

static void took(struct object_intake *intake, slv_object_err err)
{
	struct put *put = SLV_CONTAINER(intake, struct put, intake);
	if (!slv_object_failed(err))
		err = write(put);
	if (!slv_object_failed(err))
		return;
	if (intake->has_blob)
		object_clean_blob(put->ask->self, intake->ref.id);
	object_fail(put->ask, err);
}

/* --- the beginning --- */

static void may_be_put(struct object_target *target, slv_object_err err)
{
	struct put *put = SLV_CONTAINER(target, struct put, target);
	if (!slv_object_failed(err))
		err = object_intake_start(&put->intake);
	if (slv_object_failed(err))
		object_fail(put->ask, err);
}

slv_object_err object_put(struct object_ask *ask)
{
	struct put *put = SLV_NEW(ask->req->arena, struct put);
	if (!put || !slv_arena_defer(ask->req->arena, put_drop, put))
		return object_no_memory();
	slv_buf_init(&put->row, OBJECT_ROW_BYTES_MAX);
	put->ask = ask;
	put->intake = (struct object_intake){
		.ask = ask, .bytes_max = SLV_OBJECT_PUT_BYTES_MAX, .done = took
	};
	put->target = (struct object_target){
		.ask = ask, .conditions = &ask->req->fields, .done = may_be_put
	};
	slv_object_err err = object_upload_check(ask, &put->meta);
	if (!slv_object_failed(err))
		object_target_find(&put->target);
	return err;
}
