/* image.c - one picture: shown, changed, removed */
#include "service/image/hosted/fields.h"
#include "service/image/hosted/private.h"
#include "service/image/key.h"
#include "store/cache.h"

#include <string.h>

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	struct slv_api_body body;
	slv_str id, key;
	char key_room[HOSTED_KEY_BYTES_MAX];
	struct slv_blob_ref blob; /* of what is removed */
	bool has_blob;

	/* What shall be changed. */
	json_t *said;
	struct slv_buf metadata;

	char row[HOSTED_IMAGE_BYTES_MAX];
	char time_keys[2][HOSTED_KEY_BYTES_MAX];
	struct slv_omap_change changes[3];
	json_t *shown;
};

static void work_drop(void *arg)
{
	struct work *work = arg;
	slv_api_body_done(&work->body);
	slv_buf_done(&work->metadata);
	json_decref(work->said);
	json_decref(work->shown);
}

static slv_err serve(struct slv_api_ask *ask, slv_err (*then)(struct hosted_call *call))
{
	struct hosted *hosted = ask->self;
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	work->body.bodies = &hosted->bodies;
	slv_buf_init(&work->metadata, HOSTED_METADATA_BYTES_MAX);
	if (!slv_arena_defer(ask->req->arena, work_drop, work))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return hosted_begin(&work->call, ask, then);
}

/* Read the row of the picture that the path names. */
static slv_err find(struct work *work,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows))
{
	work->id = work->call.params[0];
	if (slv_failed(hosted_id_check(work->id))) {
		hosted_missing(&work->call);
		return SLV_OK;
	}
	work->key = hosted_row_key('i', work->id, work->key_room);
	hosted_get(&work->call, &work->key, 1, then);
	return SLV_OK;
}

/* False: there is no such picture any more, whether its row is there or not. */
static bool is_there(const struct work *work, const struct hosted_image *image)
{
	return !image->is_draft || image->expires_ms > slv_loop_wall_ms(work->call.hosted->loop);
}

/* `*ret_there` false: it was answered. */
static slv_err image_of(struct work *work, const struct slv_omap_rows *rows,
		struct hosted_image *ret_image, bool *ret_there)
{
	*ret_there = false;
	slv_err err = SLV_OK;
	if (rows->at[0].version)
		err = hosted_image_read(rows->at[0].value, ret_image);
	if (slv_failed(err))
		return err;
	*ret_there = rows->at[0].version && is_there(work, ret_image);
	if (!*ret_there)
		hosted_missing(&work->call);
	return SLV_OK;
}

/* Somebody else has written the row meanwhile: once more, from its reading on. False: no more. */
static bool may_retry(struct work *work, slv_err err)
{
	return err.code == SLV_E_PRECONDITION && ++work->call.retries < HOSTED_RETRIES_MAX;
}

static void failed(struct work *work, slv_err err)
{
	if (err.code == SLV_E_PRECONDITION)
		err = SLV_ERR(SLV_E_CONFLICT, "others change the picture, too; try again");
	hosted_fail(&work->call, err);
}

/* --- shown --- */

static slv_err show(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	struct hosted_image image;
	bool there;
	slv_err err = image_of(work, rows, &image, &there);
	if (!slv_failed(err) && there)
		hosted_reply_image(call, hosted_shown(work->id, &image));
	return err;
}

static slv_err get(struct hosted_call *call)
{
	return find(SLV_CONTAINER(call, struct work, call), show);
}

slv_err hosted_serve_image(struct slv_api_ask *ask)
{
	return serve(ask, get);
}

/* --- changed --- */

static slv_err edit(struct hosted_call *call, const struct slv_omap_rows *rows);

static void edited(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (may_retry(work, err)) {
		hosted_get(call, &work->key, 1, edit);
		return;
	}
	if (slv_failed(err)) {
		failed(work, err);
		return;
	}
	json_t *shown = work->shown;
	work->shown = NULL;
	hosted_reply_image(call, shown);
}

/* What was said of it replaces what there is. Texts stay where they are: in `work`. */
static void apply(struct work *work, struct hosted_image *image)
{
	const json_t *is_signed = json_object_get(work->said, "requireSignedURLs");
	if (json_object_get(work->said, "metadata"))
		image->metadata = slv_buf_str(&work->metadata);
	if (json_object_get(work->said, "creator"))
		image->creator = slv_api_member(work->said, "creator");
	if (is_signed)
		image->is_signed = json_is_true(is_signed);
}

static slv_err edit(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	struct hosted_image image;
	bool there;
	slv_err err = image_of(work, rows, &image, &there);
	if (slv_failed(err) || !there)
		return err;
	apply(work, &image);
	json_decref(work->shown);
	work->shown = hosted_shown(work->id, &image);
	work->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_VERSION,
		.version = rows->at[0].version,
		.key = work->key,
		.value = { work->row, hosted_image_write(&image, work->row) } };
	hosted_write(call, work->changes, 1, edited);
	return SLV_OK;
}

static slv_err check_said(struct work *work)
{
	const json_t *is_signed = json_object_get(work->said, "requireSignedURLs");
	const json_t *creator = json_object_get(work->said, "creator");
	if (!json_is_object(work->said))
		return SLV_ERR(SLV_E_SYNTAX, "the body is a JSON object");
	if (is_signed && !json_is_boolean(is_signed))
		return SLV_ERR(SLV_E_SYNTAX, "requireSignedURLs is true or false");
	if (creator && !json_is_string(creator) && !json_is_null(creator))
		return SLV_ERR(SLV_E_SYNTAX, "creator is a text");
	slv_err err = hosted_creator_check(slv_api_member(work->said, "creator"));
	if (slv_failed(err))
		return err;
	return hosted_metadata_check(json_object_get(work->said, "metadata"), &work->metadata);
}

static void body_read(struct slv_api_body *body, slv_err err)
{
	struct work *work = SLV_CONTAINER(body, struct work, body);
	if (!slv_failed(err)) {
		work->said = slv_api_json(slv_buf_str(&body->text));
		err = work->said ? check_said(work) : SLV_ERR(SLV_E_SYNTAX, "the body is no JSON");
	}
	slv_api_body_done(body);
	if (!slv_failed(err))
		err = find(work, edit);
	if (slv_failed(err))
		hosted_fail(&work->call, err);
}

static slv_err read_said(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->body = (struct slv_api_body){
		.bodies = &call->hosted->bodies,
		.req = call->ask->req,
		.bytes_max = SLV_API_JSON_BYTES_MAX,
		.done = body_read,
	};
	slv_api_body_read(&work->body);
	return SLV_OK;
}

slv_err hosted_serve_edit(struct slv_api_ask *ask)
{
	return serve(ask, read_said);
}

/* --- removed --- */

static slv_err take_away(struct hosted_call *call, const struct slv_omap_rows *rows);

/* Its bytes, and what was made of them. No request finds that any more; but it need not stay on a
 * disk until there is no room for it. */
static void forget(struct hosted *hosted, const struct slv_blob_ref *blob)
{
	char name[HOSTED_SOURCE_BYTES_MAX];
	struct slv_digest source =
			slv_image_source_key(SLV_STR(HOSTED_SITE), hosted_source_name(blob, name));
	slv_cache_purge_source(hosted->cache, hosted->loop, &source, NULL, NULL);
	slv_blob_discard(hosted->loop, hosted->blobs, &blob->id);
}

static void removed(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (may_retry(work, err)) {
		hosted_get(call, &work->key, 1, take_away);
		return;
	}
	if (slv_failed(err)) {
		failed(work, err);
		return;
	}
	if (work->has_blob) {
		hosted_image_ends(call->hosted);
		forget(call->hosted, &work->blob);
	} else {
		hosted_draft_ends(call->hosted);
	}
	slv_api_reply(call->ask->req, json_object(), NULL);
}

/* Its row goes first, with those that lead to it, then its bytes. */
static slv_err take_away(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	struct hosted_image image;
	bool there;
	slv_err err = image_of(work, rows, &image, &there);
	if (slv_failed(err) || !there)
		return err;
	work->has_blob = !image.is_draft;
	work->blob = image.blob;
	work->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.version = rows->at[0].version,
		.key = work->key };
	slv_str first = image.is_draft ? hosted_secret_key('u', image.upload, work->time_keys[0])
	                               : hosted_time_key('n', image.uploaded_ms, work->id,
							 work->time_keys[0]);
	slv_str second = image.is_draft ? hosted_time_key('x', image.expires_ms, work->key,
							  work->time_keys[1])
	                                : hosted_time_key('o', image.uploaded_ms, work->id,
							  work->time_keys[1]);
	work->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = first };
	work->changes[2] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = second };
	hosted_write(call, work->changes, 3, removed);
	return SLV_OK;
}

static slv_err remove_it(struct hosted_call *call)
{
	return find(SLV_CONTAINER(call, struct work, call), take_away);
}

slv_err hosted_serve_remove(struct slv_api_ask *ask)
{
	return serve(ask, remove_it);
}
