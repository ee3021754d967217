#include "service/kv/private.h"

#include "base/mem.h"

#include <string.h>

#define MEMORY_BYTES_MAX SLV_MIB(64) /* of rows, for each loop */
#define BULKS_BYTES_MAX SLV_MIB(384) /* of all bulk requests of a loop, in memory at once */

/* --- one namespace --- */

void kv_fail(struct kv_call *call, slv_err err)
{
	slv_api_fail_err(call->ask, err);
}

struct slv_omap *kv_map(struct slv_omaps *maps, slv_str id)
{
	char name[3 + KV_ID_BYTES];
	if (id.len != KV_ID_BYTES)
		return NULL;
	memcpy(name, "kv-", 3);
	memcpy(name + 3, id.at, id.len);
	return slv_omap_named(maps, (slv_str){ name, sizeof(name) });
}

static void space_found(struct kv_call *call)
{
	struct slv_omap_recall *recall = &call->recall;
	bool there = recall->row->version != 0;
	recall->hold->drop(recall->hold);
	if (!there) {
		slv_api_fail(call->ask->req, 404, KV_E_SPACE_MISSING, "namespace not found");
		return;
	}
	call->map = kv_map(call->kv->maps, call->ask->params[1]);
	slv_err err = call->then(call);
	if (slv_failed(err))
		kv_fail(call, err);
}

static void space_read(struct slv_omap_recall *recall, slv_err err)
{
	struct kv_call *call = SLV_CONTAINER(recall, struct kv_call, recall);
	if (slv_failed(err))
		kv_fail(call, err);
	else
		space_found(call);
}

slv_err kv_begin(struct kv_call *call, struct slv_api_ask *ask,
		slv_err (*then)(struct kv_call *call))
{
	slv_str id = ask->params[1];
	call->ask = ask;
	call->kv = ask->self;
	call->then = then;
	if (id.len != KV_ID_BYTES) {
		slv_api_fail(ask->req, 404, KV_E_SPACE_MISSING, "namespace not found");
		return SLV_OK;
	}
	memcpy(call->space_key, "n/", 2);
	memcpy(call->space_key + 2, id.at, id.len);
	call->recall = (struct slv_omap_recall){
		.memory = call->kv->memory,
		.map = call->kv->spaces,
		.key = { call->space_key, sizeof(call->space_key) },
		.done = space_read,
	};
	if (slv_omap_recall(&call->recall))
		space_found(call);
	return SLV_OK;
}

/* --- what is checked everywhere --- */

bool kv_is_text(slv_str text)
{
	json_t *string = json_stringn(text.at ? text.at : "", text.len);
	json_decref(string);
	return string != NULL;
}

slv_err kv_key_check(slv_str key)
{
	if (!key.len)
		return SLV_ERR(SLV_E_SYNTAX, "a key has 1 byte at least");
	if (key.len > SLV_KV_KEY_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "a key has 512 bytes at most");
	if (slv_str_eq(key, SLV_STR(".")) || slv_str_eq(key, SLV_STR("..")))
		return SLV_ERR(SLV_E_SYNTAX, "a key cannot be . or ..");
	if (slv_str_find(key, 0) < key.len)
		return SLV_ERR(SLV_E_SYNTAX, "a key has no byte 0");
	if (!kv_is_text(key))
		return SLV_ERR(SLV_E_SYNTAX, "a key is UTF-8");
	return SLV_OK;
}

slv_err kv_expiry(int64_t now_s, int64_t expiration_s, int64_t ttl_s, int64_t *ret_expires_s)
{
	*ret_expires_s = 0;
	if (ttl_s >= 0) {
		if (ttl_s < SLV_KV_TTL_S_MIN)
			return SLV_ERR(SLV_E_SYNTAX, "expiration_ttl is 60 seconds at least");
		*ret_expires_s = now_s + ttl_s;
	} else if (expiration_s >= 0) {
		if (expiration_s < now_s + SLV_KV_TTL_S_MIN)
			return SLV_ERR(SLV_E_SYNTAX,
					"expiration is 60 seconds from now at least, in seconds "
					"since 1970");
		*ret_expires_s = expiration_s;
	}
	return SLV_OK;
}

/* --- what replaced rows leave behind --- */

struct clean {
	struct slv_loop *loop;
	struct slv_omap_batch batch;
	struct slv_omap_change *changes;
	char (*keys)[KV_ROW_KEY_BYTES_MAX];
};

static void expiries_removed(struct slv_omap_batch *batch, slv_err err);

static void clean_run(struct clean *clean, struct slv_omap *map, size_t count)
{
	clean->batch = (struct slv_omap_batch){
		.map = map, .changes = clean->changes, .count = count, .done = expiries_removed
	};
	if (count) {
		slv_omap_write(clean->loop, &clean->batch);
		return;
	}
	slv_free(clean->changes);
	slv_free(clean->keys);
	slv_free(clean);
}

static void expiries_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct clean *clean = SLV_CONTAINER(batch, struct clean, batch);
	bool retry = err.code == SLV_E_PRECONDITION;
	/* One was written anew since, and stays. What else fails is found by the sweep, when the
	 * time of those rows has come. */
	if (retry)
		clean->changes[batch->failed] = clean->changes[batch->count - 1];
	clean_run(clean, batch->map, retry ? batch->count - 1 : 0);
}

/* The key of change `index` may expire when it did before: then the row is as it should be. It is
 * written behind its key (row.h). */
static bool is_put(const struct slv_omap_batch *batch, size_t index, slv_str expiry_key)
{
	return index + 1 < batch->count && slv_str_eq(batch->changes[index + 1].key, expiry_key);
}

static void clean_row(struct kv *kv, struct clean *clean, const struct slv_omap_batch *batch,
		size_t index, size_t *count)
{
	struct kv_meta meta;
	const struct slv_omap_row *row = &batch->old->at[index];
	if (!row->version || row->key.at[0] != 'k' || slv_failed(kv_meta_read(row->value, &meta)))
		return;
	if (meta.has_blob)
		slv_blob_discard(kv->loop, kv->blobs, &meta.blob);
	if (!meta.expires_s)
		return;
	slv_str key = kv_expiry_key(
			meta.expires_s, slv_str_from_index(row->key, 1), clean->keys[*count]);
	if (!is_put(batch, index, key))
		clean->changes[(*count)++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.when = SLV_OMAP_IF_VERSION,
			.version = row->version + 1,
			.key = key };
}

void kv_clean(struct kv *kv, const struct slv_omap_batch *batch)
{
	struct clean *clean = SLV_ALLOC(struct clean);
	const struct slv_omap_rows *old = batch->old;
	size_t count = 0;
	clean->loop = kv->loop;
	clean->changes = slv_alloc(old->count * sizeof(*clean->changes));
	clean->keys = slv_alloc(old->count * sizeof(*clean->keys));
	for (size_t i = 0; i < old->count; i++)
		clean_row(kv, clean, batch, i, &count);
	clean_run(clean, batch->map, count);
}

/* --- the group --- */

static void kv_stop(void *me)
{
	struct kv *kv = me;
	kv_sweep_free(kv->sweep);
	slv_omap_memory_free(kv->memory);
	slv_free(kv);
}

static slv_err kv_start(struct slv_service_env *env, struct slv_api_keys *keys,
		const void *settings, void **ret_self)
{
	struct kv *kv = SLV_ALLOC(struct kv);
	(void)keys;
	(void)settings;
	kv->loop = env->loop;
	kv->maps = env->maps;
	kv->blobs = env->blobs;
	kv->spaces = slv_omap_named(env->maps, SLV_STR(KV_SPACES_MAP));
	kv->bulks.bytes_max = BULKS_BYTES_MAX;
	kv->memory = slv_omap_memory_new(env->loop, MEMORY_BYTES_MAX);
	if (slv_loop_index(env->loop) == 0)
		kv->sweep = kv_sweep_new(kv);
	*ret_self = kv;
	return SLV_OK;
}

#define SPACES "/accounts/:/storage/kv/namespaces"
#define SPACE SPACES "/:"
#define READ SLV_API_KV_READ
#define WRITE SLV_API_KV_WRITE

static const struct slv_api_call calls[] = {
	{ SLV_METHOD_GET, SPACE "/values/*", READ, SLV_API_NO_BODY, kv_serve_get },
	{ SLV_METHOD_PUT, SPACE "/values/*", WRITE, SLV_API_STREAM, kv_serve_put },
	{ SLV_METHOD_DELETE, SPACE "/values/*", WRITE, SLV_API_NO_BODY, kv_serve_remove },
	{ SLV_METHOD_GET, SPACE "/metadata/*", READ, SLV_API_NO_BODY, kv_serve_metadata },
	{ SLV_METHOD_GET, SPACE "/keys", READ, SLV_API_NO_BODY, kv_serve_list },
	{ SLV_METHOD_PUT, SPACE "/bulk", WRITE, SLV_API_STREAM, kv_serve_bulk_put },
	{ SLV_METHOD_DELETE, SPACE "/bulk", WRITE, SLV_API_STREAM, kv_serve_bulk_remove },
	{ SLV_METHOD_POST, SPACE "/bulk/delete", WRITE, SLV_API_STREAM, kv_serve_bulk_remove },
	{ SLV_METHOD_POST, SPACE "/bulk/get", READ, SLV_API_JSON, kv_serve_bulk_get },
	{ SLV_METHOD_GET, SPACES, READ, SLV_API_NO_BODY, kv_serve_spaces },
	{ SLV_METHOD_POST, SPACES, WRITE, SLV_API_JSON, kv_serve_space_new },
	{ SLV_METHOD_GET, SPACE, READ, SLV_API_NO_BODY, kv_serve_space },
	{ SLV_METHOD_PUT, SPACE, WRITE, SLV_API_JSON, kv_serve_space_rename },
	{ SLV_METHOD_DELETE, SPACE, WRITE, SLV_API_NO_BODY, kv_serve_space_remove },
	{ 0 },
};

const struct slv_api_group slv_kv_calls = {
	.name = "kv",
	.calls = calls,
	.limit_code = KV_E_LIMIT,
	.start = kv_start,
	.stop = kv_stop,
};
