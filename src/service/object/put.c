/* put.c - PutObject: a body, then the row that makes it an object */
#include "service/object/commit.h"

#include <string.h>

struct put {
	struct object_ask *ask;
	struct object_intake intake;
	struct object_meta meta;
	struct object_target target;
	struct object_commit commit;
};

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

static slv_object_err fields_read(
		struct slv_arena *arena, const struct slv_fields *fields, struct object_meta *meta)
{
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

static slv_str field(const struct slv_fields *fields, const char *name)
{
	const struct slv_field *found = slv_fields_find_name(fields, slv_str_from(name));
	return found ? found->value : (slv_str){ 0 };
}

/* Headers that ask for what is not done: to pass over them would store something else than what was
 * meant. `x-amz-acl: private` is what there is. */
static slv_object_err check_foreign(const struct slv_fields *fields)
{
	static const char *const foreign[] = { "x-amz-grant-full-control", "x-amz-grant-read",
		"x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp",
		"x-amz-object-lock-legal-hold", "x-amz-object-lock-mode",
		"x-amz-object-lock-retain-until-date", "x-amz-server-side-encryption",
		"x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-customer-algorithm",
		"x-amz-server-side-encryption-customer-key", "x-amz-tagging",
		"x-amz-website-redirect-location", "x-amz-write-offset-bytes" };
	slv_str acl = field(fields, "x-amz-acl"), class = field(fields, "x-amz-storage-class");
	for (size_t i = 0; i < SLV_COUNT(foreign); i++)
		if (field(fields, foreign[i]).at)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, foreign[i]);
	if (acl.len && !slv_str_eq(acl, SLV_STR("private")))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "x-amz-acl other than private");
	if (class.len && !slv_str_eq(class, SLV_STR("STANDARD")) &&
			!slv_str_eq(class, SLV_STR("STANDARD_IA")))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_STORAGE_CLASS, NULL);
	return SLV_OBJECT_OK;
}

slv_object_err object_upload_check(
		struct slv_arena *arena, const struct slv_fields *fields, struct object_meta *meta)
{
	slv_object_err err = check_foreign(fields);
	return slv_object_failed(err) ? err : fields_read(arena, fields, meta);
}

/* --- the row --- */

static void committed(struct object_commit *commit, slv_object_err err)
{
	struct object_ask *ask = commit->ask;
	struct slv_reply reply;
	if (!slv_object_failed(err))
		err = object_err(object_reply_init(ask, 200, &reply));
	if (!slv_object_failed(err))
		err = object_err(object_commit_fields(commit, &reply));
	if (slv_object_failed(err))
		object_fail(ask, err);
	else
		slv_req_reply(ask->req, &reply);
}

static void took(struct object_intake *intake, slv_object_err err)
{
	struct put *put = SLV_CONTAINER(intake, struct put, intake);
	if (slv_object_failed(err)) {
		object_fail(put->ask, err);
		return;
	}
	put->meta.len = intake->len;
	memcpy(put->meta.md5, intake->md5, OBJECT_MD5_BYTES);
	put->meta.has_checksum = intake->has_checksum;
	put->meta.checksum = intake->checksum;
	put->commit = (struct object_commit){ .ask = put->ask,
		.target = &put->target,
		.meta = &put->meta,
		.has_blob = intake->has_blob,
		.ref = intake->ref,
		.bytes = slv_buf_str(&intake->bytes),
		.done = committed };
	object_commit(&put->commit);
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
	if (!put)
		return object_no_memory();
	put->ask = ask;
	put->intake = (struct object_intake){
		.ask = ask, .bytes_max = SLV_OBJECT_PUT_BYTES_MAX, .done = took
	};
	put->target = (struct object_target){
		.ask = ask, .conditions = &ask->req->fields, .done = may_be_put
	};
	slv_object_err err = object_upload_check(ask->req->arena, &ask->req->fields, &put->meta);
	if (!slv_object_failed(err))
		object_target_find(&put->target);
	return err;
}
