/* bucket.c - buckets: made, listed, looked for */
#include "base/mem.h"
#include "service/object/document.h"
#include "service/object/private.h"

#include <string.h>

struct bucket_work {
	struct object_ask *ask;
	struct object_document document;
	slv_str key;
	struct slv_buf row;
	struct slv_omap_read read;
	struct slv_omap_change change, opening[2];
	struct slv_omap_batch batch;
};

static void work_drop(void *arg)
{
	struct bucket_work *work = arg;
	slv_buf_done(&work->row);
}

static struct bucket_work *work_new(struct object_ask *ask)
{
	struct bucket_work *work = SLV_NEW(ask->req->arena, struct bucket_work);
	if (!work || !slv_arena_defer(ask->req->arena, work_drop, work))
		return NULL;
	slv_buf_init(&work->row, SLV_OMAP_VALUE_BYTES_MAX);
	work->ask = ask;
	return work;
}

/* --- ListBuckets --- */

/* Of a page: ?max-buckets=&prefix=&continuation-token=, or R2's cf- fields. */
static slv_str page_param(const struct object_ask *ask, const char *param, const char *field)
{
	slv_str value = object_param(ask, param);
	return value.at ? value : object_field(ask, field);
}

static void print_owner(const struct object_ask *ask, struct slv_buf *xml)
{
	slv_str account = slv_api_account(ask->self->keys);
	slv_object_xml_open(xml, "Owner");
	slv_object_xml_text(xml, "ID", account);
	slv_object_xml_text(xml, "DisplayName", account);
	slv_object_xml_close(xml, "Owner");
}

static void buckets_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct bucket_work *work = SLV_CONTAINER(read, struct bucket_work, read);
	struct object_ask *ask = work->ask;
	struct slv_buf xml;
	if (slv_failed(err)) {
		object_fail(ask, object_err(err));
		return;
	}
	slv_str prefix = page_param(ask, "prefix", "cf-prefix");
	slv_buf_init(&xml, SLV_MIB(8));
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, "ListAllMyBucketsResult");
	print_owner(ask, &xml);
	slv_object_xml_open(&xml, "Buckets");
	for (size_t i = 0; i < rows->count; i++) {
		struct object_bucket bucket = { 0 };
		(void)object_bucket_read(rows->at[i].value, &bucket); /* or its time is unknown */
		slv_object_xml_open(&xml, "Bucket");
		slv_object_xml_text(&xml, "Name", slv_str_from_index(rows->at[i].key, 2));
		slv_object_xml_time(&xml, "CreationDate", bucket.created_ms);
		slv_object_xml_close(&xml, "Bucket");
	}
	slv_object_xml_close(&xml, "Buckets");
	if (prefix.len)
		slv_object_xml_text(&xml, "Prefix", prefix);
	if (rows->more && rows->count)
		slv_object_xml_text(&xml, "ContinuationToken",
				slv_str_from_index(rows->at[rows->count - 1].key, 2));
	slv_object_xml_close(&xml, "ListAllMyBucketsResult");
	rows->hold.drop(&rows->hold);
	object_reply_xml(ask, &xml);
}

slv_object_err object_list_buckets(struct object_ask *ask)
{
	struct bucket_work *work = work_new(ask);
	uint64_t most = SLV_OBJECT_BUCKETS_MAX;
	slv_str prefix = page_param(ask, "prefix", "cf-prefix");
	slv_str after = page_param(ask, "continuation-token", "cf-continuation-token");
	slv_str count = page_param(ask, "max-buckets", "cf-max-keys");
	if (!work)
		return object_no_memory();
	if (count.len && (!slv_str_u64(count, SLV_OBJECT_BUCKETS_MAX, &most) || !most))
		return SLV_OBJECT_ERR(
				SLV_OBJECT_E_INVALID_ARGUMENT, "max-buckets is from 1 to 10000.");
	if (prefix.len > OBJECT_BUCKET_BYTES_MAX || after.len > OBJECT_BUCKET_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"A bucket's name has 63 bytes at most.");
	bool behind = after.len && slv_str_cmp(after, prefix) >= 0;
	slv_str from = behind ? after : prefix;
	/* Behind the last one of the page before: no name has a NUL. */
	slv_str key = slv_str_printf(ask->req->arena, "b/%.*s%c", SLV_FMT(from), 0);
	slv_str until = slv_str_printf(ask->req->arena, "b/%.*s\x7f", SLV_FMT(prefix));
	if (!key.at || !until.at)
		return object_no_memory();
	work->read = (struct slv_omap_read){
		.map = ask->self->buckets,
		.what = SLV_OMAP_SCAN,
		.from = behind ? key : slv_str_head(key, key.len - 1),
		.until = until,
		.rows_max = (uint32_t)most,
		.done = buckets_read,
	};
	slv_omap_read(ask->self->loop, &work->read);
	return SLV_OBJECT_OK;
}

/* --- CreateBucket --- */

static void opened(struct slv_omap_batch *batch, slv_err err)
{
	struct bucket_work *work = SLV_CONTAINER(batch, struct bucket_work, batch);
	struct object_ask *ask = work->ask;
	struct slv_reply reply;
	slv_str place = slv_str_printf(ask->req->arena, "/%.*s", SLV_FMT(ask->bucket));
	if (!slv_failed(err))
		err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_LOCATION, place);
	if (slv_failed(err))
		object_fail(ask, object_err(err));
	else
		slv_req_reply(ask->req, &reply);
}

/* It is there, but nothing can be put into it until it is open (meta.h). If that fails the sweep
 * does it later, and a second try tells that the bucket is there. */
static void created(struct slv_omap_batch *batch, slv_err err)
{
	struct bucket_work *work = SLV_CONTAINER(batch, struct bucket_work, batch);
	struct object *self = work->ask->self;
	if (slv_failed(err)) {
		slv_object_err why = object_err(err);
		if (err.code == SLV_E_PRECONDITION)
			why = SLV_OBJECT_ERR(SLV_OBJECT_E_BUCKET_ALREADY_OWNED_BY_YOU, NULL);
		object_fail(work->ask, why);
		return;
	}
	work->opening[0] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT, .when = SLV_OMAP_IF_ABSENT, .key = SLV_STR(OBJECT_OPEN_KEY)
	};
	work->opening[1] = (struct slv_omap_change){ .what = SLV_OMAP_CHECK,
		.when = SLV_OMAP_IF_ABSENT,
		.key = SLV_STR(OBJECT_CLOSED_KEY) };
	work->batch = (struct slv_omap_batch){ .map = object_map(self, slv_buf_str(&work->row)),
		.changes = work->opening,
		.count = 2,
		.done = opened };
	slv_omap_write(self->loop, &work->batch);
}

static void counted(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct bucket_work *work = SLV_CONTAINER(read, struct bucket_work, read);
	struct object *self = work->ask->self;
	struct object_bucket bucket = { .created_ms = slv_loop_wall_ms(self->loop) };
	bool full = rows && rows->count >= SLV_OBJECT_BUCKETS_MAX;
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_failed(err) || full) {
		object_fail(work->ask, full ? SLV_OBJECT_ERR(SLV_OBJECT_E_TOO_MANY_BUCKETS, NULL)
					    : object_err(err));
		return;
	}
	slv_loop_random_hex(self->loop, bucket.id, OBJECT_ID_BYTES);
	object_bucket_write(&bucket, &work->row);
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_ABSENT,
		.key = work->key,
		.value = slv_buf_str(&work->row) };
	work->batch = (struct slv_omap_batch){
		.map = self->buckets, .changes = &work->change, .count = 1, .done = created
	};
	slv_omap_write(self->loop, &work->batch);
}

static slv_object_err create(struct bucket_work *work)
{
	struct object_ask *ask = work->ask;
	work->key = slv_str_printf(ask->req->arena, "b/%.*s", SLV_FMT(ask->bucket));
	if (!work->key.at)
		return object_no_memory();
	work->read = (struct slv_omap_read){
		.map = ask->self->buckets,
		.what = SLV_OMAP_SCAN,
		.from = SLV_STR("b/"),
		.until = SLV_STR("b0"),
		.rows_max = SLV_OBJECT_BUCKETS_MAX,
		.done = counted,
	};
	slv_omap_read(ask->self->loop, &work->read);
	return SLV_OBJECT_OK;
}

static void location_came(struct object_document *document, slv_object_err err, slv_str text)
{
	struct bucket_work *work = SLV_CONTAINER(document, struct bucket_work, document);
	slv_str location;
	/* There is one place, whatever it is called. */
	if (!slv_object_failed(err) && text.len)
		err = slv_object_document_location(work->ask->req->arena, text, &location);
	if (!slv_object_failed(err))
		err = create(work);
	if (slv_object_failed(err))
		object_fail(work->ask, err);
}

slv_object_err object_create_bucket(struct object_ask *ask)
{
	struct bucket_work *work = work_new(ask);
	if (!work)
		return object_no_memory();
	if (!object_bucket_name_is_ok(ask->bucket))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_BUCKET_NAME, NULL);
	work->document = (struct object_document){
		.ask = ask, .bytes_max = SLV_OBJECT_CONFIG_BYTES_MAX, .done = location_came
	};
	return object_document_read(&work->document);
}

/* --- HeadBucket, GetBucketLocation, GetBucketEncryption --- */

slv_object_err object_head_bucket(struct object_ask *ask)
{
	struct slv_reply reply;
	slv_err err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = slv_fields_add(
				&reply.fields, SLV_STR("x-amz-bucket-region"), SLV_STR("auto"));
	if (slv_failed(err))
		return object_err(err);
	slv_req_reply(ask->req, &reply);
	return SLV_OBJECT_OK;
}

slv_object_err object_bucket_location(struct object_ask *ask)
{
	struct slv_buf xml;
	slv_buf_init(&xml, SLV_KIB(1));
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, "LocationConstraint");
	slv_buf_add(&xml, SLV_STR("auto"));
	slv_object_xml_close(&xml, "LocationConstraint");
	object_reply_xml(ask, &xml);
	return SLV_OBJECT_OK;
}

slv_object_err object_bucket_encryption(struct object_ask *ask)
{
	(void)ask;
	/* R2 tells that it encrypts; the disk here is as its owner has made it. */
	return SLV_OBJECT_ERR(SLV_OBJECT_E_NO_ENCRYPTION, NULL);
}
