/* list.c - the keys of a namespace, by prefix, a page at a time */
#include "base/mem.h"
#include "http/query.h"
#include "service/kv/private.h"
#include "service/kv/range.h"

#define LIMIT_MIN 10
#define LIMIT_MAX 1000
#define ROWS_MIN 100 /* of a read: behind a full page there may be many that have expired */

struct list {
	struct kv_call call;
	slv_str prefix, cursor;
	slv_str last; /* the key in the cursor */
	uint64_t limit;
	struct kv_range range;
	size_t seen_len; /* of the last key that was looked at, in the range's `from` */
	struct slv_omap_read read;
	json_t *keys;
};

static void list_drop(void *arg)
{
	struct list *list = arg;
	json_decref(list->keys);
}

static slv_err read_more(struct list *list);

/* --- what is asked for --- */

static slv_err cursor_read(struct list *list)
{
	char *room = slv_arena_bytes(list->call.ask->req->arena, SLV_KV_KEY_BYTES_MAX);
	if (!room)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return kv_cursor_read(list->cursor, room, &list->last);
}

static slv_err ask_read(struct list *list)
{
	struct slv_req *req = list->call.ask->req;
	slv_str limit;
	slv_err err = slv_query_get(req->arena, req->uri.query, SLV_STR("prefix"), SLV_QUERY_SPACE,
			&list->prefix);
	if (!slv_failed(err))
		err = slv_query_get(req->arena, req->uri.query, SLV_STR("cursor"), SLV_QUERY_SPACE,
				&list->cursor);
	if (!slv_failed(err))
		err = slv_query_get(req->arena, req->uri.query, SLV_STR("limit"), SLV_QUERY_SPACE,
				&limit);
	if (slv_failed(err))
		return err;
	list->limit = LIMIT_MAX;
	if (limit.len && (!slv_str_u64(limit, LIMIT_MAX, &list->limit) || list->limit < LIMIT_MIN))
		return SLV_ERR(SLV_E_SYNTAX, "limit is a whole number from 10 to 1000");
	if (list->prefix.len > SLV_KV_KEY_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "a prefix has 512 bytes at most");
	return cursor_read(list);
}

/* --- the answer --- */

static json_t *key_shown(slv_str key, const struct kv_meta *meta)
{
	json_t *shown = json_object();
	json_object_set_new(shown, "name", slv_api_text(key));
	if (meta->expires_s)
		json_object_set_new(shown, "expiration", json_integer(meta->expires_s));
	if (meta->metadata.len)
		json_object_set_new(shown, "metadata", slv_api_json(meta->metadata));
	return shown;
}

static void answer(struct list *list, slv_str last)
{
	struct slv_buf cursor;
	slv_buf_init(&cursor, KV_CURSOR_BYTES_MAX);
	kv_cursor_write(last, &cursor);
	json_t *info = json_pack("{s:I}", "count", (json_int_t)json_array_size(list->keys));
	json_object_set_new(info, "cursor", slv_api_text(slv_buf_str(&cursor)));
	slv_buf_done(&cursor);
	json_t *keys = list->keys;
	list->keys = NULL;
	slv_api_reply(list->call.ask->req, keys, info);
}

static slv_err take(struct list *list, const struct slv_omap_rows *rows)
{
	int64_t now_s = slv_loop_wall_s(list->call.kv->loop);
	slv_str key = { list->range.from + 1, list->seen_len };
	for (size_t i = 0; i < rows->count; i++) {
		struct kv_meta meta;
		slv_err err = kv_meta_read(rows->at[i].value, &meta);
		if (slv_failed(err))
			return err;
		/* One more than was asked for: there is another page. */
		if (json_array_size(list->keys) == list->limit && !kv_expired(&meta, now_s)) {
			answer(list, key);
			return SLV_OK;
		}
		key = slv_str_from_index(rows->at[i].key, 1);
		if (!kv_expired(&meta, now_s))
			json_array_append_new(list->keys, key_shown(key, &meta));
	}
	if (!rows->more) {
		answer(list, (slv_str){ 0 });
		return SLV_OK;
	}
	kv_range_go_on(&list->range, key);
	list->seen_len = key.len;
	return read_more(list);
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct list *list = SLV_CONTAINER(read, struct list, read);
	if (!slv_failed(err))
		err = take(list, rows);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_failed(err))
		kv_fail(&list->call, err);
}

static slv_err read_more(struct list *list)
{
	uint64_t rows_max = list->limit - json_array_size(list->keys) + 1;
	list->read = (struct slv_omap_read){
		.map = list->call.map,
		.what = SLV_OMAP_SCAN,
		.from = { list->range.from, list->range.from_len },
		.until = { list->range.until, list->range.until_len },
		.rows_max = (uint32_t)(rows_max < ROWS_MIN ? ROWS_MIN : rows_max),
		.done = rows_read,
	};
	slv_omap_read(list->call.kv->loop, &list->read);
	return SLV_OK;
}

static slv_err begin(struct kv_call *call)
{
	struct list *list = SLV_CONTAINER(call, struct list, call);
	kv_range_init(&list->range, list->prefix, list->last);
	return read_more(list);
}

slv_err kv_serve_list(struct slv_api_ask *ask)
{
	struct list *list = SLV_NEW(ask->req->arena, struct list);
	if (!list)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	list->call.ask = ask;
	slv_err err = ask_read(list);
	if (slv_failed(err))
		return err;
	list->keys = json_array();
	if (!slv_arena_defer(ask->req->arena, list_drop, list)) {
		list_drop(list);
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	}
	return kv_begin(&list->call, ask, begin);
}
