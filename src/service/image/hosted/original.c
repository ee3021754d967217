/* original.c - the bytes of a picture as they were uploaded */
#include "http/condition.h"
#include "proc/pixel.h"
#include "service/blob_body.h"
#include "service/image/hosted/private.h"

#define ETAG_BYTES (2 + HOSTED_VERSION_BYTES)

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	slv_str key;
	char key_room[HOSTED_KEY_BYTES_MAX];
	uint64_t version;          /* of the row whose blob was gone */
	struct hosted_image image; /* its texts are gone */
	struct slv_reply reply;    /* while the first piece of its body is read */
	char etag[ETAG_BYTES];
};

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

static void opened(void *arg, slv_err err)
{
	struct work *work = arg;
	if (!slv_failed(err)) {
		slv_req_reply(work->call.ask->req, &work->reply);
		return;
	}
	slv_body_done(&work->reply.body);
	/* Somebody has removed it, or another is in its place: look again. */
	if (err.code == SLV_E_MISSING)
		err = find(work);
	if (slv_failed(err))
		hosted_fail(&work->call, err);
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
	struct hosted *hosted = work->call.hosted;
	err = slv_blob_body_new(hosted->loop, hosted->blobs, &work->image.blob, range.first,
			range.count, &work->reply.body);
	if (!slv_failed(err))
		slv_blob_body_open(&work->reply.body, opened, work);
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
