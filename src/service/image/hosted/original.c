/* original.c - the bytes of a picture as they were uploaded */
#include "base/mem.h"
#include "http/condition.h"
#include "http/date.h"
#include "proc/pixel.h"
#include "service/image/hosted/private.h"

#define READ_BYTES SLV_KIB(256)
#define ETAG_BYTES (2 + HOSTED_VERSION_BYTES)

/* A blob as a body. Its first piece is read before the reply begins: so a file that is damaged or
 * gone is an error like others, and one that is open can be removed. */
struct blob_source {
	struct slv_source source;
	struct slv_blob_reader *reader;
	struct slv_pull *pull;
	slv_str first; /* read, and not handed out yet */
	uint64_t at, end;
	struct slv_loop *loop;
	struct slv_task task;
};

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	slv_str key;
	char key_room[HOSTED_KEY_BYTES_MAX];
	uint64_t version; /* of the row whose blob was gone */
	struct hosted_image image;
	struct slv_reply reply;
	struct blob_source *blob; /* until the reply has it */
	uint64_t count;           /* of the bytes that are sent */
	char etag[ETAG_BYTES];
};

/* --- a blob as a body --- */

static void blob_step(struct slv_task *task)
{
	struct blob_source *blob = SLV_CONTAINER(task, struct blob_source, task);
	slv_str first = blob->first;
	blob->first = (slv_str){ 0 };
	blob->pull->done(blob->pull, SLV_OK, first); /* empty: the end */
}

static void blob_read(void *arg, slv_err err, slv_str bytes)
{
	struct blob_source *blob = arg;
	if (err.code == SLV_E_CANCELLED)
		return; /* closed: the source is gone */
	blob->at += bytes.len;
	blob->pull->done(blob->pull, err, bytes);
}

static void read_next(struct blob_source *blob, void (*done)(void *arg, slv_err err, slv_str bytes),
		void *arg)
{
	uint64_t left = blob->end - blob->at;
	slv_blob_read(blob->reader, blob->at, left < READ_BYTES ? (size_t)left : READ_BYTES, done,
			arg);
}

static void blob_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct blob_source *blob = SLV_CONTAINER(source, struct blob_source, source);
	blob->pull = pull;
	if (blob->first.len || blob->at == blob->end)
		slv_task_start(blob->loop, &blob->task);
	else
		read_next(blob, blob_read, blob);
}

static void blob_close(struct slv_source *source)
{
	struct blob_source *blob = SLV_CONTAINER(source, struct blob_source, source);
	slv_task_stop(&blob->task);
	slv_blob_reader_free(blob->reader);
	slv_free(blob);
}

static const struct slv_source_ops blob_ops = { .pull = blob_pull, .close = blob_close };

static slv_err blob_open(struct work *work, struct slv_range range)
{
	struct hosted *hosted = work->call.hosted;
	struct slv_blob_reader *reader;
	slv_err err = slv_blob_reader_new(hosted->loop, hosted->blobs, &work->image.blob, &reader);
	if (slv_failed(err))
		return err;
	struct blob_source *blob = SLV_ALLOC(struct blob_source);
	blob->source.ops = &blob_ops;
	blob->reader = reader;
	blob->at = range.first;
	blob->end = range.first + range.count;
	blob->loop = hosted->loop;
	blob->task.run = blob_step;
	work->blob = blob;
	work->count = range.count;
	return SLV_OK;
}

/* --- the reply --- */

static slv_err find(struct work *work);

static slv_err add_fields(struct work *work)
{
	struct slv_fields *fields = &work->reply.fields;
	slv_str type = slv_format_type((enum slv_format)work->image.format);
	slv_err err = slv_fields_add_id(fields, SLV_FIELD_CONTENT_TYPE, type);
	if (!slv_failed(err))
		err = slv_fields_add_id(
				fields, SLV_FIELD_X_CONTENT_TYPE_OPTIONS, SLV_STR("nosniff"));
	/* An SVG may hold scripts. */
	if (!slv_failed(err))
		err = slv_fields_add_id(fields, SLV_FIELD_CONTENT_SECURITY_POLICY,
				SLV_STR("default-src 'none'; sandbox"));
	return err;
}

static void first_read(void *arg, slv_err err, slv_str bytes)
{
	struct work *work = arg;
	struct slv_body body = { .length = work->count, .source = &work->blob->source };
	if (slv_failed(err)) {
		slv_body_done(&body);
		/* Somebody has removed it, or another is in its place: look again. */
		if (err.code == SLV_E_MISSING)
			err = find(work);
		if (slv_failed(err))
			hosted_fail(&work->call, err);
		return;
	}
	work->blob->first = bytes;
	work->blob->at += bytes.len;
	work->reply.body = body;
	slv_req_reply(work->call.ask->req, &work->reply);
}

static slv_err reply(struct work *work)
{
	struct slv_req *req = work->call.ask->req;
	struct slv_validator have = { .etag = { work->etag, ETAG_BYTES },
		.modified_s = work->image.uploaded_ms / 1000 };
	work->etag[0] = work->etag[ETAG_BYTES - 1] = '"';
	hosted_version(&work->image, work->etag + 1);
	slv_reply_init(&work->reply, req, 200);
	slv_err err = add_fields(work);
	if (slv_failed(err))
		return err;
	work->reply.body.length = work->image.blob.len;
	struct slv_range range = slv_condition_apply(
			req, &work->reply, &have, slv_loop_wall_s(work->call.hosted->loop));
	if (!range.count) {
		slv_req_reply(req, &work->reply);
		return SLV_OK;
	}
	err = blob_open(work, range);
	if (!slv_failed(err))
		read_next(work->blob, first_read, work);
	return err;
}

static slv_err found(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	const struct slv_omap_row *row = &rows->at[0];
	slv_err err = row->version ? hosted_image_read(row->value, &work->image) : SLV_OK;
	if (slv_failed(err))
		return err;
	if (!row->version || work->image.is_draft) {
		hosted_missing(call);
		return SLV_OK;
	}
	if (row->version == work->version)
		return SLV_ERR(SLV_E_CORRUPT, "the file of a picture is missing");
	work->version = row->version;
	return reply(work);
}

static slv_err find(struct work *work)
{
	slv_str id = work->call.params[0];
	if (slv_failed(hosted_id_check(id))) {
		hosted_missing(&work->call);
		return SLV_OK;
	}
	work->key = hosted_row_key('i', id, work->key_room);
	hosted_get(&work->call, &work->key, 1, found);
	return SLV_OK;
}

static slv_err begin(struct hosted_call *call)
{
	return find(SLV_CONTAINER(call, struct work, call));
}

slv_err hosted_serve_blob(struct slv_api_ask *ask)
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return hosted_begin(&work->call, ask, begin);
}
