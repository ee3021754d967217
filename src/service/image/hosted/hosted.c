#include "service/image/hosted/hosted.h"

#include "api/keys.h"
#include "base/assert.h"
#include "base/digest.h"
#include "base/mem.h"
#include "http/date.h"
#include "proc/lanes.h"
#include "service/image/hosted/private.h"

#include <stdio.h>
#include <string.h>

#define BODIES_BYTES_MAX SLV_MIB(16) /* of all JSON bodies of a loop, in memory at once */
#define MESSAGE_BYTES_MAX 1024
#define URL_BYTES_MAX SLV_KIB(8) /* of a picture's link: each byte of an id may become three */

/* --- answers --- */

void hosted_refuse(struct hosted_call *call, int status, int code, const char *message)
{
	slv_str text = slv_str_printf(call->ask->req->arena, "ERROR %d: %s", code, message);
	slv_api_fail(call->ask->req, status, code, text.at ? text.at : message);
}

void hosted_missing(struct hosted_call *call)
{
	hosted_refuse(call, 404, HOSTED_E_MISSING, "Image not found");
}

void hosted_fail(struct hosted_call *call, slv_err err)
{
	int status = slv_code_status(err.code);
	if (err.code == SLV_E_CORRUPT || status >= 499)
		slv_api_fail_err(call->ask, err);
	else
		hosted_refuse(call, status,
				err.code == SLV_E_LIMIT      ? HOSTED_E_LIMIT
				: err.code == SLV_E_MEDIA    ? HOSTED_E_MEDIA
				: err.code == SLV_E_DENIED   ? HOSTED_E_DENIED
				: err.code == SLV_E_MISSING  ? HOSTED_E_MISSING
				: err.code == SLV_E_CONFLICT ? HOSTED_E_TAKEN
							     : HOSTED_E_INPUT,
				err.what);
}

json_t *hosted_shown(slv_str id, const struct hosted_image *image)
{
	char when[SLV_DATE_ISO_BYTES], uploaded[SLV_DATE_ISO_BYTES + 8];
	int64_t ms = image->uploaded_ms;
	slv_date_print_iso(ms / 1000, when);
	int len = snprintf(uploaded, sizeof(uploaded), "%.*s.%03dZ", SLV_DATE_ISO_BYTES - 1, when,
			(int)(ms % 1000));
	json_t *shown = json_pack("{s:s%, s:s%, s:b}", "id", id.at, id.len, "uploaded", uploaded,
			(size_t)len, "requireSignedURLs", image->is_signed);
	if (image->filename.len)
		json_object_set_new(shown, "filename", slv_api_text(image->filename));
	if (image->creator.len)
		json_object_set_new(shown, "creator", slv_api_text(image->creator));
	if (image->metadata.len)
		json_object_set_new(shown, "meta", slv_api_json(image->metadata));
	if (image->is_draft)
		json_object_set_new(shown, "draft", json_true());
	return shown;
}

/* The links of one picture, with each of the variants. */
static json_t *links(const struct hosted_call *call, slv_str id, const json_t *variants)
{
	const struct hosted *hosted = call->hosted;
	const struct slv_hosted_settings *settings = hosted->settings;
	char hash[HOSTED_HASH_BYTES];
	struct slv_buf url;
	json_t *all = json_array();
	hosted_account_hash((slv_str){ hosted->account, sizeof(hosted->account) }, hash);
	slv_buf_init(&url, URL_BYTES_MAX);
	slv_buf_add(&url, settings->url.len ? settings->url : settings->own_url);
	slv_buf_add_char(&url, '/');
	slv_buf_add(&url, (slv_str){ hash, sizeof(hash) });
	slv_buf_add_char(&url, '/');
	slv_uri_encode(&url, id, SLV_STR("/"));
	slv_buf_add_char(&url, '/');
	size_t len = url.len;
	for (size_t i = 0; i < json_array_size(variants); i++) {
		const json_t *variant = json_array_get(variants, i);
		slv_buf_add(&url, (slv_str){ json_string_value(variant),
						  json_string_length(variant) });
		json_array_append_new(all, slv_api_text(slv_buf_str(&url)));
		url.len = len;
	}
	slv_buf_done(&url);
	return all;
}

void hosted_add_links(const struct hosted_call *call, json_t *shown, const json_t *variants)
{
	json_object_set_new(shown, "variants", links(call, slv_api_member(shown, "id"), variants));
}

json_t *hosted_variant_names(const struct slv_omap_rows *rows)
{
	json_t *names = json_array();
	bool has_public = false;
	for (size_t i = 0; i < rows->count; i++) {
		slv_str id = slv_str_from_index(rows->at[i].key, 1);
		has_public |= slv_str_eq(id, SLV_STR(HOSTED_PUBLIC_VARIANT));
		json_array_append_new(names, slv_api_text(id));
	}
	if (!has_public)
		json_array_insert_new(names, 0, json_string(HOSTED_PUBLIC_VARIANT));
	return names;
}

void hosted_scan_variants(struct hosted_call *call,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows))
{
	hosted_scan(call, SLV_STR("v"), SLV_STR("w"), HOSTED_VARIANTS_MAX + 1, then);
}

static slv_err variants_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	json_t *variants = hosted_variant_names(rows), *result = call->result;
	hosted_add_links(call, result, variants);
	json_decref(variants);
	call->result = NULL;
	slv_api_reply(call->ask->req, result, NULL);
	return SLV_OK;
}

void hosted_reply_image(struct hosted_call *call, json_t *shown)
{
	call->result = shown;
	hosted_scan_variants(call, variants_read);
}

/* --- rows --- */

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct hosted_call *call = SLV_CONTAINER(read, struct hosted_call, read);
	struct slv_hold *hold = rows ? &rows->hold : NULL;
	if (!slv_failed(err))
		err = call->then_rows(call, rows);
	if (slv_failed(err))
		hosted_fail(call, err);
	if (hold)
		hold->drop(hold);
}

void hosted_get(struct hosted_call *call, const slv_str *keys, size_t count,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows))
{
	call->then_rows = then;
	call->read = (struct slv_omap_read){
		.map = call->map,
		.what = SLV_OMAP_GET,
		.keys = keys,
		.count = count,
		.rows_max = (uint32_t)count,
		.done = rows_read,
	};
	slv_omap_read(call->hosted->loop, &call->read);
}

void hosted_scan(struct hosted_call *call, slv_str from, slv_str until, uint32_t rows_max,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows))
{
	call->then_rows = then;
	call->read = (struct slv_omap_read){
		.map = call->map,
		.what = SLV_OMAP_SCAN,
		.from = from,
		.until = until,
		.rows_max = rows_max,
		.done = rows_read,
	};
	slv_omap_read(call->hosted->loop, &call->read);
}

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct hosted_call *call = SLV_CONTAINER(batch, struct hosted_call, batch);
	call->then_written(call, err);
}

void hosted_write(struct hosted_call *call, const struct slv_omap_change *changes, size_t count,
		void (*then)(struct hosted_call *call, slv_err err))
{
	call->then_written = then;
	call->batch = (struct slv_omap_batch){
		.map = call->map, .changes = changes, .count = count, .done = written
	};
	slv_omap_write(call->hosted->loop, &call->batch);
}

/* --- whose pictures --- */

static void call_drop(void *arg)
{
	struct hosted_call *call = arg;
	json_decref(call->result);
}

/* The calls without the account in their path. */
static bool wants_batch_token(const struct hosted_call *call)
{
	return slv_str_starts(slv_str_from(call->ask->call->path), SLV_STR("/images/"));
}

static slv_err secret_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct slv_req *req = call->ask->req;
	slv_str token;
	if (!slv_api_bearer(req, "batch token", &token))
		return SLV_OK;
	if (hosted_batch_holds(rows->at[0].value, token, slv_loop_wall_s(call->hosted->loop)))
		return call->then(call);
	slv_api_refuse_token(req);
	return SLV_OK;
}

static slv_err go_on(struct hosted_call *call)
{
	struct hosted *hosted = call->hosted;
	call->map = hosted_map(hosted->maps, (slv_str){ hosted->account, HOSTED_ACCOUNT_BYTES });
	if (!call->map)
		return SLV_ERR(SLV_E_CORRUPT, "the account's id is damaged");
	if (!wants_batch_token(call))
		return call->then(call);
	call->key = SLV_STR(HOSTED_BATCH_KEY);
	hosted_get(call, &call->key, 1, secret_read);
	return SLV_OK;
}

bool hosted_account_take(struct hosted *hosted, const struct slv_omap_row *row)
{
	hosted->has_account = row->version &&
	                      !slv_failed(slv_api_account_read(row->value, hosted->account));
	return hosted->has_account;
}

static slv_err account_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	if (!hosted_account_take(call->hosted, &rows->at[0]))
		return SLV_ERR(SLV_E_BUSY, "there is no account yet; try again");
	return go_on(call);
}

slv_err hosted_begin(struct hosted_call *call, struct slv_api_ask *ask,
		slv_err (*then)(struct hosted_call *call))
{
	struct hosted *hosted = ask->self;
	call->ask = ask;
	call->hosted = hosted;
	call->params = ask->params;
	call->then = then;
	if (!slv_arena_defer(ask->req->arena, call_drop, call))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (slv_api_is_of_account(ask->call)) { /* and it is the account's id: api.c has looked */
		call->params++;
		memcpy(hosted->account, ask->params[0].at, HOSTED_ACCOUNT_BYTES);
		hosted->has_account = true;
	}
	if (hosted->has_account) {
		slv_err err = go_on(call);
		if (slv_failed(err))
			hosted_fail(call, err);
		return SLV_OK;
	}
	call->map = slv_api_account_map(hosted->keys);
	call->key = SLV_STR(SLV_API_ACCOUNT_KEY);
	hosted_get(call, &call->key, 1, account_read);
	return SLV_OK;
}

/* --- the rest --- */

static slv_err check_room(struct hosted_call *call, uint64_t count, const char *what, int64_t max,
		const char *setting)
{
	if (count < (uint64_t)max)
		return SLV_OK;
	return slv_err_printf(call->ask->req->arena, SLV_E_LIMIT,
			"an account has %lld %s at most (images_store.%s)", (long long)max, what,
			setting);
}

slv_err hosted_check_images(struct hosted_call *call)
{
	const struct hosted *hosted = call->hosted;
	return check_room(call, hosted->count, "pictures", hosted->settings->images_max,
			"images_max");
}

slv_err hosted_check_drafts(struct hosted_call *call)
{
	const struct hosted *hosted = call->hosted;
	return check_room(
			call, hosted->drafts, "drafts", hosted->settings->drafts_max, "drafts_max");
}

void hosted_secret_digest(slv_str secret, uint8_t ret_digest[static HOSTED_SECRET_BYTES])
{
	struct slv_digest digest = slv_sha256(&secret, 1);
	memcpy(ret_digest, digest.bytes, HOSTED_SECRET_BYTES);
}

static void hosted_stop(void *me)
{
	struct hosted *hosted = me;
	hosted_sweep_free(hosted->sweep);
	slv_free(hosted);
}

static slv_err hosted_start(struct slv_service_env *env, struct slv_api_keys *keys,
		const void *settings, void **ret_self)
{
	struct hosted *hosted = SLV_ALLOC(struct hosted);
	slv_assert(slv_lanes_loop(env->lanes) == env->loop); /* the API is on the first loop */
	hosted->loop = env->loop;
	hosted->maps = env->maps;
	hosted->blobs = env->blobs;
	hosted->cache = env->cache;
	hosted->client = env->client;
	hosted->lanes = env->lanes;
	hosted->keys = keys;
	hosted->settings = settings;
	hosted->list_limits = HOSTED_LIST_LIMITS;
	hosted->bodies.bytes_max = BODIES_BYTES_MAX;
	slv_list_init(&hosted->by_links);
	hosted->sweep = hosted_sweep_new(hosted);
	*ret_self = hosted;
	return SLV_OK;
}

#define V1 "/accounts/:/images/v1"
#define V2 "/accounts/:/images/v2"
#define VARIANTS V1 "/variants"
#define KEYS V1 "/keys"
#define READ SLV_API_IMAGES_READ
#define WRITE SLV_API_IMAGES_WRITE
#define OWN SLV_API_OWN_TOKEN
#define NONE SLV_API_NO_BODY

/* The first that fits counts: names of ours stand before ids. */
static const struct slv_api_call calls[] = {
	{ SLV_METHOD_GET, V1 "/stats", READ, NONE, hosted_serve_stats },
	{ SLV_METHOD_GET, VARIANTS, READ, NONE, hosted_serve_variants },
	{ SLV_METHOD_POST, VARIANTS, WRITE, SLV_API_JSON, hosted_serve_variant_new },
	{ SLV_METHOD_GET, VARIANTS "/:", READ, NONE, hosted_serve_variant },
	{ SLV_METHOD_PATCH, VARIANTS "/:", WRITE, SLV_API_JSON, hosted_serve_variant_edit },
	{ SLV_METHOD_DELETE, VARIANTS "/:", WRITE, NONE, hosted_serve_variant_remove },
	{ SLV_METHOD_GET, V1 "/config", READ, NONE, hosted_serve_config },
	{ SLV_METHOD_PATCH, V1 "/config", WRITE, SLV_API_JSON, hosted_serve_config_edit },
	{ SLV_METHOD_GET, KEYS, WRITE, NONE, hosted_serve_keys },
	{ SLV_METHOD_PUT, KEYS "/:", WRITE, NONE, hosted_serve_key_new },
	{ SLV_METHOD_DELETE, KEYS "/:", WRITE, NONE, hosted_serve_key_remove },
	{ SLV_METHOD_GET, V1 "/batch_token", WRITE, NONE, hosted_serve_batch_token },
	{ SLV_METHOD_POST, V2 "/direct_upload", WRITE, SLV_API_STREAM, hosted_serve_draft },
	{ SLV_METHOD_POST, V1, WRITE, SLV_API_STREAM, hosted_serve_upload },
	{ SLV_METHOD_GET, V1, READ, NONE, hosted_serve_list },
	{ SLV_METHOD_GET, V2, READ, NONE, hosted_serve_list_v2 },
	{ SLV_METHOD_GET, V1 "/:/blob", READ, NONE, hosted_serve_blob },
	{ SLV_METHOD_GET, V1 "/*", READ, NONE, hosted_serve_image },
	{ SLV_METHOD_PATCH, V1 "/*", WRITE, SLV_API_STREAM, hosted_serve_edit },
	{ SLV_METHOD_DELETE, V1 "/*", WRITE, NONE, hosted_serve_remove },
	/* With a batch token. */
	{ SLV_METHOD_POST, "/images/v2/direct_upload", OWN, SLV_API_STREAM, hosted_serve_draft },
	{ SLV_METHOD_POST, "/images/v1", OWN, SLV_API_STREAM, hosted_serve_upload },
	{ SLV_METHOD_GET, "/images/v2", OWN, NONE, hosted_serve_list_v2 },
	{ SLV_METHOD_GET, "/images/v1/:/blob", OWN, NONE, hosted_serve_blob },
	{ SLV_METHOD_GET, "/images/v1/*", OWN, NONE, hosted_serve_image },
	{ SLV_METHOD_PATCH, "/images/v1/*", OWN, SLV_API_STREAM, hosted_serve_edit },
	{ SLV_METHOD_DELETE, "/images/v1/*", OWN, NONE, hosted_serve_remove },
	/* With the secret of a draft. */
	{ SLV_METHOD_POST, "/upload/:", SLV_API_BY_PATH, SLV_API_STREAM, hosted_serve_upload_once },
	{ 0 },
};

const struct slv_api_group slv_hosted_calls = {
	.name = "images",
	.calls = calls,
	.limit_code = HOSTED_E_LIMIT,
	.start = hosted_start,
	.stop = hosted_stop,
};
