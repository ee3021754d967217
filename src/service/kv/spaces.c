/* spaces.c - the namespaces themselves */
#include "base/mem.h"
#include "http/query.h"
#include "service/kv/private.h"

#include <stdlib.h>
#include <string.h>

#define TITLE_KEY_BYTES (2 + SLV_KV_TITLE_BYTES_MAX)

/* A call about namespaces. In the arena of the request. */
struct work {
	struct kv_call call;
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[4];
	slv_str keys[2];
	slv_str title; /* the new one */
	char id[KV_ID_BYTES];
	char space_key[2 + KV_ID_BYTES];
	char title_key[TITLE_KEY_BYTES], old_key[TITLE_KEY_BYTES];
	char removed[SLV_U64_DIGITS];
	struct slv_buf record, old_record;
	slv_err (*then)(struct work *work, const struct slv_omap_rows *rows);
};

static void work_drop(void *arg)
{
	struct work *work = arg;
	slv_buf_done(&work->record);
	slv_buf_done(&work->old_record);
}

static struct work *work_new(struct slv_api_ask *ask)
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work || !slv_arena_defer(ask->req->arena, work_drop, work))
		return NULL;
	work->call.ask = ask;
	work->call.kv = ask->self;
	slv_buf_init(&work->record, SLV_OMAP_VALUE_BYTES_MAX);
	slv_buf_init(&work->old_record, SLV_OMAP_VALUE_BYTES_MAX);
	return work;
}

static slv_err no_memory(void)
{
	return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(read, struct work, read);
	if (!slv_failed(err))
		err = work->then(work, rows);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_failed(err))
		kv_fail(&work->call, err);
}

static void scan(struct work *work, uint32_t rows_max)
{
	work->read = (struct slv_omap_read){
		.map = work->call.kv->spaces,
		.what = SLV_OMAP_SCAN,
		.from = SLV_STR("n/"),
		.until = SLV_STR("n0"),
		.rows_max = rows_max,
		.done = rows_read,
	};
	slv_omap_read(work->call.kv->loop, &work->read);
}

static slv_str prefixed(const char *prefix, slv_str text, char *room)
{
	memcpy(room, prefix, 2);
	if (text.len)
		memcpy(room + 2, text.at, text.len);
	return (slv_str){ room, 2 + text.len };
}

/* --- as the API shows them --- */

static json_t *shown(slv_str id, slv_str row)
{
	json_t *record = json_loadb(row.at ? row.at : "", row.len, 0, NULL);
	slv_str title = slv_api_member(record, "title");
	json_t *space = json_pack("{s:s%, s:s%, s:b}", "id", id.at, id.len, "title",
			title.at ? title.at : "", title.len, "supports_url_encoding", 1);
	json_decref(record);
	return space;
}

static int by_title(const void *a, const void *b)
{
	json_t *const *left = a, *const *right = b;
	return slv_str_cmp(slv_api_member(*left, "title"), slv_api_member(*right, "title"));
}

static int by_id(const void *a, const void *b)
{
	json_t *const *left = a, *const *right = b;
	return slv_str_cmp(slv_api_member(*left, "id"), slv_api_member(*right, "id"));
}

/* In the order that is asked for: ?order=id|title&direction=asc|desc. */
static slv_err sort(struct slv_req *req, json_t **spaces, size_t count)
{
	slv_str order, direction;
	slv_err err = slv_query_get(
			req->arena, req->uri.query, SLV_STR("order"), SLV_QUERY_SPACE, &order);
	if (!slv_failed(err))
		err = slv_query_get(req->arena, req->uri.query, SLV_STR("direction"),
				SLV_QUERY_SPACE, &direction);
	if (slv_failed(err))
		return err;
	bool title = slv_str_eq(order, SLV_STR("title"));
	bool down = slv_str_eq(direction, SLV_STR("desc"));
	if (order.at && !title && !slv_str_eq(order, SLV_STR("id")))
		return SLV_ERR(SLV_E_SYNTAX, "order is id or title");
	if (direction.at && !down && !slv_str_eq(direction, SLV_STR("asc")))
		return SLV_ERR(SLV_E_SYNTAX, "direction is asc or desc");
	qsort(spaces, count, sizeof(*spaces), title ? by_title : by_id);
	for (size_t i = 0; down && i < count / 2; i++) {
		json_t *swapped = spaces[i];
		spaces[i] = spaces[count - 1 - i];
		spaces[count - 1 - i] = swapped;
	}
	return SLV_OK;
}

static slv_err spaces_listed(struct work *work, const struct slv_omap_rows *rows)
{
	struct slv_req *req = work->call.ask->req;
	struct slv_api_page page;
	slv_err err = slv_api_page_read(req, 20, 1, 1000, &page);
	if (slv_failed(err))
		return err;
	json_t **spaces = slv_alloc((rows->count + 1) * sizeof(*spaces));
	for (size_t i = 0; i < rows->count; i++)
		spaces[i] = shown(slv_str_from_index(rows->at[i].key, 2), rows->at[i].value);
	err = sort(req, spaces, rows->count);
	json_t *all = json_array();
	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(all, spaces[i]);
	slv_free(spaces);
	if (slv_failed(err))
		json_decref(all);
	else
		slv_api_reply_page(req, all, &page);
	return err;
}

slv_err kv_serve_spaces(struct slv_api_ask *ask)
{
	struct work *work = work_new(ask);
	if (!work)
		return no_memory();
	work->then = spaces_listed;
	scan(work, SLV_KV_SPACES_MAX);
	return SLV_OK;
}

/* --- one --- */

static slv_err title_read(struct work *work)
{
	work->title = slv_api_member(work->call.ask->json, "title");
	if (!work->title.len)
		return SLV_ERR(SLV_E_SYNTAX, "title is a text of 1 byte at least");
	if (work->title.len > SLV_KV_TITLE_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "title has 512 bytes at most");
	json_t *record = json_pack("{s:s%}", "title", work->title.at, work->title.len);
	slv_api_dump(record, &work->record);
	json_decref(record);
	return SLV_OK;
}

static void space_written(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, batch);
	struct slv_req *req = work->call.ask->req;
	bool taken = err.code == SLV_E_PRECONDITION &&
	             batch->changes[batch->failed].when == SLV_OMAP_IF_ABSENT;
	if (taken)
		slv_api_fail(req, 400, KV_E_TITLE_TAKEN,
				"a namespace with this account ID and title already exists");
	else if (err.code == SLV_E_PRECONDITION)
		slv_api_fail(req, 404, KV_E_SPACE_MISSING, "namespace not found");
	else if (slv_failed(err))
		kv_fail(&work->call, err);
	else
		slv_api_reply(req,
				shown(slv_str_from_index(work->changes[0].key, 2),
						slv_buf_str(&work->record)),
				NULL);
}

static void write(struct work *work, size_t count, void (*done)(struct slv_omap_batch *, slv_err))
{
	work->batch = (struct slv_omap_batch){
		.map = work->call.kv->spaces,
		.changes = work->changes,
		.count = count,
		.done = done,
	};
	slv_omap_write(work->call.kv->loop, &work->batch);
}

static slv_err create(struct work *work, const struct slv_omap_rows *rows)
{
	if (rows->count >= SLV_KV_SPACES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an account has at most 10000 namespaces");
	slv_loop_random_hex(work->call.kv->loop, work->id, sizeof(work->id));
	slv_str id = { work->id, sizeof(work->id) };
	work->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = prefixed("n/", id, work->space_key),
		.value = slv_buf_str(&work->record) };
	work->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_ABSENT,
		.key = prefixed("i/", work->title, work->title_key),
		.value = id };
	write(work, 2, space_written);
	return SLV_OK;
}

slv_err kv_serve_space_new(struct slv_api_ask *ask)
{
	struct work *work = work_new(ask);
	if (!work)
		return no_memory();
	slv_err err = title_read(work);
	if (slv_failed(err))
		return err;
	work->then = create;
	scan(work, SLV_KV_SPACES_MAX);
	return SLV_OK;
}

/* Read the row of the namespace that the path names. */
static slv_err get(struct work *work,
		slv_err (*then)(struct work *work, const struct slv_omap_rows *rows))
{
	slv_str id = work->call.ask->params[1];
	if (id.len != KV_ID_BYTES) {
		slv_api_fail(work->call.ask->req, 404, KV_E_SPACE_MISSING, "namespace not found");
		return SLV_OK;
	}
	work->keys[0] = prefixed("n/", id, work->space_key);
	work->then = then;
	work->read = (struct slv_omap_read){
		.map = work->call.kv->spaces,
		.what = SLV_OMAP_GET,
		.keys = work->keys,
		.count = 1,
		.rows_max = 1,
		.done = rows_read,
	};
	slv_omap_read(work->call.kv->loop, &work->read);
	return SLV_OK;
}

/* False: there is none, and the request is answered. */
static bool is_there(struct work *work, const struct slv_omap_rows *rows)
{
	if (rows->at[0].version)
		return true;
	slv_api_fail(work->call.ask->req, 404, KV_E_SPACE_MISSING, "namespace not found");
	return false;
}

static slv_err space_shown(struct work *work, const struct slv_omap_rows *rows)
{
	if (is_there(work, rows))
		slv_api_reply(work->call.ask->req,
				shown(work->call.ask->params[1], rows->at[0].value), NULL);
	return SLV_OK;
}

slv_err kv_serve_space(struct slv_api_ask *ask)
{
	struct work *work = work_new(ask);
	return work ? get(work, space_shown) : no_memory();
}

/* The key of the title that it has now, in work->old_key. */
static slv_err old_title_key(struct work *work, slv_str row, slv_str *ret_key)
{
	json_t *record = json_loadb(row.at ? row.at : "", row.len, 0, NULL);
	slv_str title = slv_api_member(record, "title");
	slv_err err = SLV_ERR(SLV_E_CORRUPT, "the record of a namespace is damaged");
	if (title.len && title.len <= SLV_KV_TITLE_BYTES_MAX) {
		*ret_key = prefixed("i/", title, work->old_key);
		err = SLV_OK;
	}
	json_decref(record);
	return err;
}

static slv_err rename_it(struct work *work, const struct slv_omap_rows *rows)
{
	slv_str old_key, id = work->call.ask->params[1];
	if (!is_there(work, rows))
		return SLV_OK;
	slv_err err = old_title_key(work, rows->at[0].value, &old_key);
	if (slv_failed(err))
		return err;
	work->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_VERSION,
		.version = rows->at[0].version,
		.key = work->keys[0],
		.value = slv_buf_str(&work->record) };
	slv_str new_key = prefixed("i/", work->title, work->title_key);
	if (slv_str_eq(new_key, old_key)) {
		write(work, 1, space_written);
		return SLV_OK;
	}
	work->changes[1] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT, .when = SLV_OMAP_IF_ABSENT, .key = new_key, .value = id
	};
	work->changes[2] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = old_key };
	write(work, 3, space_written);
	return SLV_OK;
}

slv_err kv_serve_space_rename(struct slv_api_ask *ask)
{
	struct work *work = work_new(ask);
	if (!work)
		return no_memory();
	slv_err err = title_read(work);
	return slv_failed(err) ? err : get(work, rename_it);
}

/* --- removing one --- */

static void space_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, batch);
	struct slv_req *req = work->call.ask->req;
	if (!slv_failed(err))
		kv_sweep_soon(work->call.kv->sweep);
	if (err.code == SLV_E_PRECONDITION)
		slv_api_fail(req, 409, SLV_API_E_INPUT,
				"the namespace was changed meanwhile; try again");
	else if (slv_failed(err))
		kv_fail(&work->call, err);
	else
		slv_api_reply(req, json_object(), NULL);
}

/* Its row goes first: from then on it cannot be found. What was in it is swept away (sweep.c),
 * which the row of its removal sees to. */
static slv_err remove_it(struct work *work, const struct slv_omap_rows *rows)
{
	slv_str old_key, id = work->call.ask->params[1];
	if (!is_there(work, rows))
		return SLV_OK;
	slv_err err = old_title_key(work, rows->at[0].value, &old_key);
	if (slv_failed(err))
		return err;
	work->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.version = rows->at[0].version,
		.key = work->keys[0] };
	work->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = old_key };
	work->changes[2] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = prefixed("r/", id, work->title_key),
		.value = slv_str_of_u64(
				(uint64_t)slv_loop_wall_s(work->call.kv->loop), work->removed) };
	write(work, 3, space_removed);
	return SLV_OK;
}

slv_err kv_serve_space_remove(struct slv_api_ask *ask)
{
	struct work *work = work_new(ask);
	return work ? get(work, remove_it) : no_memory();
}
