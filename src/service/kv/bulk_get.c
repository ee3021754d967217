/* bulk_get.c - up to 100 values in one answer, as texts or as JSON */
#include "base/mem.h"
#include "service/kv/private.h"

#include <string.h>

struct get {
	struct kv_call call;
	bool as_json, with_metadata;
	size_t count;
	slv_str *row_keys; /* of all that are asked for */
	struct slv_omap_read read;
	struct slv_omap_rows *rows;
	json_t *values;
	size_t bytes;

	size_t next;                 /* of the rows */
	struct slv_omap_rows *again; /* that row, read once more; or NULL */
	uint64_t version;            /* of the row before that */
	struct slv_blob_reader *reader;
	struct slv_buf blob;
};

static void get_run(struct get *get);

static void drop_rows(struct slv_omap_rows **rows)
{
	if (*rows)
		(*rows)->hold.drop(&(*rows)->hold);
	*rows = NULL;
}

static void get_drop(void *arg)
{
	struct get *get = arg;
	drop_rows(&get->rows);
	drop_rows(&get->again);
	json_decref(get->values);
	slv_blob_reader_free(get->reader);
	slv_buf_done(&get->blob);
}

static slv_err value_shown(const struct get *get, slv_str value, json_t **ret_shown)
{
	*ret_shown = get->as_json ? slv_api_json(value) : slv_api_text(value);
	if (*ret_shown)
		return SLV_OK;
	return get->as_json ? SLV_ERR(SLV_E_SYNTAX, "type is json, and a value is none")
	                    : SLV_ERR(SLV_E_SYNTAX, "a value is no text; get it by itself");
}

static slv_err add(struct get *get, slv_str key, const struct kv_meta *meta, slv_str value)
{
	json_t *shown;
	get->bytes += value.len;
	if (get->bytes > SLV_KV_BULK_GET_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "the values have more than 25 MiB together");
	slv_err err = value_shown(get, value, &shown);
	if (slv_failed(err))
		return err;
	if (get->with_metadata) {
		json_t *metadata = meta->metadata.len ? slv_api_json(meta->metadata) : NULL;
		shown = json_pack("{s:o, s:o}", "value", shown, "metadata",
				metadata ? metadata : json_null());
		if (meta->expires_s)
			json_object_set_new(shown, "expiration", json_integer(meta->expires_s));
	}
	json_object_setn_new(get->values, key.at, key.len, shown);
	return SLV_OK;
}

/* The row whose turn it is. */
static const struct slv_omap_row *row_of(const struct get *get)
{
	return get->again ? &get->again->at[0] : &get->rows->at[get->next];
}

static void go_on(struct get *get)
{
	drop_rows(&get->again);
	get->version = 0;
	get->next++;
}

static void row_read_again(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct get *get = SLV_CONTAINER(read, struct get, read);
	drop_rows(&get->again);
	get->again = rows;
	if (slv_failed(err))
		kv_fail(&get->call, err);
	else
		get_run(get);
}

/* Somebody has replaced the value since its row was read: read it again. */
static slv_err read_again(struct get *get)
{
	uint64_t version = row_of(get)->version;
	if (version == get->version)
		return SLV_ERR(SLV_E_CORRUPT, "the file of a value is missing");
	get->version = version;
	get->read = (struct slv_omap_read){
		.map = get->call.map,
		.what = SLV_OMAP_GET,
		.bodies = true,
		.keys = &get->row_keys[get->next],
		.count = 1,
		.rows_max = 1,
		.done = row_read_again,
	};
	slv_omap_read(get->call.kv->loop, &get->read);
	return SLV_OK;
}

static void blob_came(void *arg, slv_err err, slv_str bytes)
{
	struct get *get = arg;
	struct kv_meta meta;
	const struct slv_omap_row *row = row_of(get);
	slv_buf_add(&get->blob, bytes);
	if (!slv_failed(err))
		err = kv_meta_read(row->value, &meta);
	if (!slv_failed(err) && get->blob.len < meta.len) {
		uint64_t left = meta.len - get->blob.len;
		slv_blob_read(get->reader, get->blob.len,
				left < SLV_BLOB_READ_BYTES_MAX ? (size_t)left
							       : SLV_BLOB_READ_BYTES_MAX,
				blob_came, get);
		return;
	}
	slv_blob_reader_free(get->reader);
	get->reader = NULL;
	if (!slv_failed(err))
		err = add(get, slv_str_from_index(row->key, 1), &meta, slv_buf_str(&get->blob));
	slv_buf_clear(&get->blob);
	if (err.code == SLV_E_MISSING) {
		err = read_again(get);
		if (!slv_failed(err))
			return;
	}
	if (slv_failed(err)) {
		kv_fail(&get->call, err);
		return;
	}
	go_on(get);
	get_run(get);
}

/* Begin to read the value of row `next`. */
static slv_err read_blob(struct get *get, const struct kv_meta *meta)
{
	struct slv_blob_ref ref = { .id = meta->blob, .len = meta->len };
	if (get->bytes + meta->len > SLV_KV_BULK_GET_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "the values have more than 25 MiB together");
	slv_err err = slv_blob_reader_new(
			get->call.kv->loop, get->call.kv->blobs, &ref, &get->reader);
	if (slv_failed(err))
		return err;
	slv_blob_read(get->reader, 0,
			meta->len < SLV_BLOB_READ_BYTES_MAX ? (size_t)meta->len
							    : SLV_BLOB_READ_BYTES_MAX,
			blob_came, get);
	return SLV_OK;
}

/* One row; `*ret_waits`: its value is being read. */
static slv_err step(struct get *get, int64_t now_s, bool *ret_waits)
{
	const struct slv_omap_row *row = row_of(get);
	struct kv_meta meta;
	slv_str key = slv_str_from_index(row->key, 1);
	slv_err err = row->version ? kv_meta_read(row->value, &meta) : SLV_OK;
	*ret_waits = false;
	if (slv_failed(err))
		return err;
	if (!row->version || kv_expired(&meta, now_s)) {
		json_object_setn_new(get->values, key.at, key.len, json_null());
		return SLV_OK;
	}
	*ret_waits = meta.has_blob;
	return meta.has_blob ? read_blob(get, &meta) : add(get, key, &meta, row->body);
}

static void get_run(struct get *get)
{
	int64_t now_s = slv_loop_wall_s(get->call.kv->loop);
	for (; get->next < get->rows->count; go_on(get)) {
		bool waits;
		slv_err err = step(get, now_s, &waits);
		if (slv_failed(err)) {
			kv_fail(&get->call, err);
			return;
		}
		if (waits)
			return;
	}
	json_t *values = get->values;
	get->values = NULL;
	slv_api_reply(get->call.ask->req, json_pack("{s:o}", "values", values), NULL);
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct get *get = SLV_CONTAINER(read, struct get, read);
	get->rows = rows;
	if (slv_failed(err))
		kv_fail(&get->call, err);
	else
		get_run(get);
}

static slv_err begin(struct kv_call *call)
{
	struct get *get = SLV_CONTAINER(call, struct get, call);
	get->read = (struct slv_omap_read){
		.map = call->map,
		.what = SLV_OMAP_GET,
		.bodies = true,
		.keys = get->row_keys,
		.count = get->count,
		.rows_max = (uint32_t)get->count,
		.done = rows_read,
	};
	slv_omap_read(call->kv->loop, &get->read);
	return SLV_OK;
}

static slv_err keys_read(struct get *get, const json_t *keys)
{
	struct slv_arena *arena = get->call.ask->req->arena;
	get->count = json_array_size(keys);
	if (!get->count)
		return SLV_ERR(SLV_E_SYNTAX, "keys is a list of 1 key at least");
	if (get->count > SLV_KV_BULK_GET_MAX)
		return SLV_ERR(SLV_E_LIMIT, "keys is a list of 100 keys at most");
	get->row_keys = SLV_NEW_ARRAY(arena, slv_str, get->count);
	char(*room)[KV_ROW_KEY_BYTES_MAX] =
			slv_arena_take(arena, get->count, KV_ROW_KEY_BYTES_MAX, 1);
	if (!get->row_keys || !room)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	for (size_t i = 0; i < get->count; i++) {
		const json_t *key = json_array_get(keys, i);
		slv_str text = { json_string_value(key), json_string_length(key) };
		slv_err err = kv_key_check(text);
		if (slv_failed(err))
			return err;
		get->row_keys[i] = kv_row_key(text, room[i]);
	}
	return SLV_OK;
}

slv_err kv_serve_bulk_get(struct slv_api_ask *ask)
{
	struct get *get = SLV_NEW(ask->req->arena, struct get);
	if (!get)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	slv_str type = slv_api_member(ask->json, "type");
	get->call.ask = ask;
	get->as_json = slv_str_eq(type, SLV_STR("json"));
	get->with_metadata = json_is_true(json_object_get(ask->json, "withMetadata"));
	if (type.at && !get->as_json && !slv_str_eq(type, SLV_STR("text")))
		return SLV_ERR(SLV_E_SYNTAX, "type is text or json");
	slv_err err = keys_read(get, json_object_get(ask->json, "keys"));
	if (slv_failed(err))
		return err;
	slv_buf_init(&get->blob, SLV_KV_VALUE_BYTES_MAX);
	get->values = json_object();
	if (!slv_arena_defer(ask->req->arena, get_drop, get)) {
		get_drop(get);
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	}
	return kv_begin(&get->call, ask, begin);
}
