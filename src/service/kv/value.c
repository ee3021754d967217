/* value.c - one key: its value, its metadata, its end */
#include "http/problem.h"
#include "service/blob_body.h"
#include "service/kv/private.h"

#include <string.h>

/* A call about one key. In the arena of the request. */
struct work {
	struct kv_call call;
	struct slv_omap_recall recall;
	slv_str key;
	char row_key[KV_ROW_KEY_BYTES_MAX];
	bool of_metadata;
	uint64_t version; /* of the row whose blob was gone */
	struct kv_meta meta;
	struct slv_body body; /* of a blob, until the reply has it */
	struct slv_omap_batch batch;
	struct slv_omap_change change;
};

/* --- reading --- */

static slv_err find_row(struct kv_call *call);

/* The row's body is `body`, or the blob that is open. */
static slv_err reply_value(struct work *work, struct slv_body *body)
{
	struct slv_req *req = work->call.ask->req;
	struct slv_reply reply;
	slv_reply_init(&reply, req, 200);
	slv_err err = slv_fields_add_id(
			&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("application/octet-stream"));
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_X_CONTENT_TYPE_OPTIONS,
				SLV_STR("nosniff"));
	if (!slv_failed(err) && work->meta.expires_s) {
		slv_str when = slv_str_printf(req->arena, "%lld", (long long)work->meta.expires_s);
		err = slv_fields_add(&reply.fields, SLV_STR("expiration"), when);
	}
	if (slv_failed(err)) {
		slv_body_done(body);
		return err;
	}
	reply.body = *body;
	slv_req_reply(req, &reply);
	return SLV_OK;
}

/* Somebody has replaced the value since its row was read: read it again. */
static slv_err read_again(struct work *work)
{
	uint64_t version = work->recall.row->version;
	if (version == work->version)
		return SLV_ERR(SLV_E_CORRUPT, "the file of a value is missing");
	work->version = version;
	work->recall.hold->drop(work->recall.hold);
	return find_row(&work->call);
}

/* The first piece of the blob was read, or cannot be. */
static void opened(void *arg, slv_err err)
{
	struct work *work = arg;
	struct slv_hold *hold = work->recall.hold; /* a reply may be the end of `work` */
	if (slv_failed(err)) {
		slv_body_done(&work->body);
		if (err.code == SLV_E_MISSING)
			err = read_again(work);
		if (!slv_failed(err))
			return;
	} else {
		err = reply_value(work, &work->body);
	}
	if (slv_failed(err))
		kv_fail(&work->call, err);
	hold->drop(hold);
}

static slv_err read_value(struct work *work)
{
	struct kv *kv = work->call.kv;
	const struct kv_meta *meta = &work->meta;
	struct slv_blob_ref ref = { .id = meta->blob, .len = meta->len };
	if (!meta->has_blob) {
		struct slv_body body = slv_body_bytes(work->recall.row->body, work->recall.hold);
		slv_err err = reply_value(work, &body);
		if (slv_failed(err))
			kv_fail(&work->call, err);
		return SLV_OK;
	}
	if (!meta->len)
		return SLV_ERR(SLV_E_CORRUPT, "a value without bytes is no blob");
	slv_err err = slv_blob_body_new(kv->loop, kv->blobs, &ref, 0, meta->len, &work->body);
	if (!slv_failed(err))
		slv_blob_body_open(&work->body, opened, work);
	return err;
}

static void reply_metadata(struct work *work)
{
	slv_str text = work->meta.metadata;
	json_t *metadata = text.len ? slv_api_json(text) : NULL;
	work->recall.hold->drop(work->recall.hold);
	slv_api_reply(work->call.ask->req, metadata, NULL);
}

/* The row was read; `recall.hold` is ours. */
static void row_found(struct work *work)
{
	struct kv_meta *meta = &work->meta;
	const struct slv_omap_row *row = work->recall.row;
	int64_t now_s = slv_loop_wall_s(work->call.kv->loop);
	slv_err err = row->version ? kv_meta_read(row->value, meta) : SLV_OK;
	if (!slv_failed(err) && row->version && !meta->has_blob && meta->len != row->body.len)
		err = SLV_ERR(SLV_E_CORRUPT, "a value is not as long as its row says");
	if (!slv_failed(err) && (!row->version || kv_expired(meta, now_s))) {
		work->recall.hold->drop(work->recall.hold);
		slv_api_fail(work->call.ask->req, 404, KV_E_KEY_MISSING, "get: 'key not found'");
		return;
	}
	if (!slv_failed(err) && work->of_metadata)
		reply_metadata(work);
	else if (!slv_failed(err))
		err = read_value(work);
	if (slv_failed(err)) {
		work->recall.hold->drop(work->recall.hold);
		kv_fail(&work->call, err);
	}
}

static void row_read(struct slv_omap_recall *recall, slv_err err)
{
	struct work *work = SLV_CONTAINER(recall, struct work, recall);
	if (slv_failed(err))
		kv_fail(&work->call, err);
	else
		row_found(work);
}

static slv_err find_row(struct kv_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->recall = (struct slv_omap_recall){
		.memory = call->kv->memory,
		.map = call->map,
		.key = kv_row_key(work->key, work->row_key),
		.done = row_read,
	};
	if (slv_omap_recall(&work->recall))
		row_found(work);
	return SLV_OK;
}

static slv_err serve(
		struct slv_api_ask *ask, bool of_metadata, slv_err (*then)(struct kv_call *call))
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	work->key = ask->params[2];
	work->of_metadata = of_metadata;
	slv_err err = kv_key_check(work->key);
	return slv_failed(err) ? err : kv_begin(&work->call, ask, then);
}

slv_err kv_serve_get(struct slv_api_ask *ask)
{
	return serve(ask, false, find_row);
}

slv_err kv_serve_metadata(struct slv_api_ask *ask)
{
	return serve(ask, true, find_row);
}

/* --- removing --- */

static void removed(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, batch);
	if (slv_failed(err)) {
		kv_fail(&work->call, err);
		return;
	}
	kv_clean(work->call.kv, batch);
	batch->old->hold.drop(&batch->old->hold);
	slv_api_reply(work->call.ask->req, json_object(), NULL);
}

static slv_err remove_row(struct kv_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.key = kv_row_key(work->key, work->row_key) };
	work->batch = (struct slv_omap_batch){
		.map = call->map,
		.changes = &work->change,
		.count = 1,
		.wants_old = true,
		.done = removed,
	};
	slv_omap_write(call->kv->loop, &work->batch);
	return SLV_OK;
}

slv_err kv_serve_remove(struct slv_api_ask *ask)
{
	return serve(ask, false, remove_row);
}
