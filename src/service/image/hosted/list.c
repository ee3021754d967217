/* list.c - pictures in the order of their upload, and how many there are
 *
 *	the variants → rows of times → the pictures that they are about → rows of times → …
 *
 * A list by page begins at the first picture each time, and passes over those before its page; one
 * with a token goes on behind the row of a time that was looked at last, which the token names. A
 * page ends by the number of its pictures, or by their bytes: each is made whole, with its links,
 * and the next is not begun if there is no room for it.
 */
#include "base/assert.h"
#include "http/query.h"
#include "service/image/hosted/filter.h"
#include "service/image/hosted/private.h"

#include <string.h>

#define PASS_ROWS SLV_OMAP_ROWS_MAX /* that are only counted, at once */
#define LOOK_ROWS 500               /* pictures that are read at once */
#define IMAGE_BYTES_MAX SLV_MIB(1)  /* as JSON: of 101 links with the longest ids */
#define TOKEN_BYTES_MAX (2 * HOSTED_KEY_BYTES_MAX)

struct list {
	struct hosted_call call;
	struct hosted_filter filter;
	bool by_token; /* and not by page */
	char kind;     /* 'n' or 'o' */
	uint64_t page, per_page;
	uint64_t pass; /* pictures that come before the page, and were not passed over yet */
	uint64_t looked_at;
	char from[HOSTED_KEY_BYTES_MAX + 1], until[1]; /* rows that were not looked at yet */
	size_t from_len;
	bool more;          /* there are some */
	struct slv_buf ids; /* of pictures that are being read, as keys of their rows */
	slv_str keys[LOOK_ROWS];
	int64_t times_ms[LOOK_ROWS]; /* by which they were found */
	json_t *variants, *images;
	struct slv_buf text;             /* of a picture */
	size_t bytes;                    /* of all pictures, as text */
	char last[HOSTED_KEY_BYTES_MAX]; /* row of a time that was looked at */
	size_t last_len;
	uint64_t total; /* of stats */
};

static void list_drop(void *arg)
{
	struct list *list = arg;
	json_decref(list->variants);
	json_decref(list->images);
	slv_buf_done(&list->ids);
	slv_buf_done(&list->text);
}

static void scan(struct list *list);

/* --- what is asked for --- */

static slv_err read_token(struct list *list, slv_str token)
{
	if (!token.len)
		return SLV_OK;
	if (token.len % 2 || token.len > TOKEN_BYTES_MAX ||
			!slv_str_unhex(token, (uint8_t *)list->from, token.len / 2) ||
			list->from[0] != list->kind)
		return SLV_ERR(SLV_E_SYNTAX,
				"continuation_token is none that was handed out for this list");
	list->from[token.len / 2] = 0; /* the next key that can be */
	list->from_len = token.len / 2 + 1;
	return SLV_OK;
}

static slv_err param(struct list *list, const char *name, slv_str *ret_value)
{
	struct slv_req *req = list->call.ask->req;
	return slv_query_get(
			req->arena, req->uri.query, slv_str_from(name), SLV_QUERY_SPACE, ret_value);
}

static slv_err read_order(struct list *list)
{
	slv_str order;
	slv_err err = param(list, "sort_order", &order);
	if (slv_failed(err) || !order.len || slv_str_eq(order, SLV_STR("desc")))
		return err;
	if (!slv_str_eq(order, SLV_STR("asc")))
		return SLV_ERR(SLV_E_SYNTAX, "sort_order is asc or desc");
	list->kind = 'o';
	return SLV_OK;
}

static slv_err read_ask(struct list *list)
{
	struct slv_req *req = list->call.ask->req;
	struct slv_api_page page;
	slv_str token;
	slv_err err = list->by_token ? slv_api_page_read(req, 1000, 10, 10000, &page)
	                             : slv_api_page_read(req, 50, 10, 100, &page);
	if (slv_failed(err))
		return err;
	list->page = page.page;
	list->per_page = page.per_page;
	list->kind = 'n';
	if (!list->by_token)
		list->pass = (page.page - 1) * page.per_page;
	else
		err = read_order(list);
	list->from[0] = list->kind;
	list->from_len = 1;
	list->until[0] = (char)(list->kind + 1);
	if (!slv_failed(err) && list->by_token) {
		err = param(list, "continuation_token", &token);
		if (!slv_failed(err))
			err = read_token(list, token);
	}
	return slv_failed(err) ? err
	                       : hosted_filter_read(&list->filter, req->arena, req->uri.query);
}

/* --- the answer --- */

/* `more`: behind the row of a time that was looked at last. */
static slv_err answer(struct list *list, bool more)
{
	json_t *result = json_object(), *info = NULL;
	size_t count = json_array_size(list->images);
	json_object_set_new(result, "images", list->images);
	list->images = NULL;
	if (!list->by_token) {
		info = json_pack("{s:I, s:I, s:I}", "page", (json_int_t)list->page, "per_page",
				(json_int_t)list->per_page, "count", (json_int_t)count);
	} else if (more) {
		char token[TOKEN_BYTES_MAX];
		slv_str_hex((const uint8_t *)list->last, list->last_len, token);
		json_object_set_new(result, "continuation_token",
				slv_api_text((slv_str){ token, 2 * list->last_len }));
	} else {
		json_object_set_new(result, "continuation_token", json_null());
	}
	slv_api_reply(list->call.ask->req, result, info);
	return SLV_OK;
}

/* Pictures that one request may look at. */
static uint64_t looks_max(const struct list *list)
{
	const struct hosted_list_limits *limits = &list->call.hosted->list_limits;
	return list->by_token ? limits->looked_at : limits->looked_at_by_page;
}

/* `*ret_full`: there is no room for it on this page. */
static slv_err show(struct list *list, slv_str id, const struct hosted_image *image, bool *ret_full)
{
	size_t count = json_array_size(list->images);
	size_t max = list->call.hosted->list_limits.page_bytes;
	*ret_full = count == list->per_page;
	if (*ret_full)
		return SLV_OK; /* one more than was asked for: there is another page */
	json_t *shown = hosted_shown(id, image);
	hosted_add_links(&list->call, shown, list->variants);
	slv_buf_clear(&list->text);
	slv_api_dump(shown, &list->text);
	slv_assert(!list->text.overflow);
	list->bytes += list->text.len;
	*ret_full = count && list->bytes > max;
	if (!*ret_full) {
		json_array_append_new(list->images, shown);
		return SLV_OK;
	}
	json_decref(shown);
	if (list->by_token)
		return SLV_OK;
	return slv_err_printf(list->call.ask->req->arena, SLV_E_LIMIT,
			"the pictures of a page have %zu bytes at most, as JSON: ask for fewer "
			"(per_page), or by images/v2",
			max);
}

/* Likewise. */
static slv_err look_at(
		struct list *list, size_t index, const struct slv_omap_row *row, bool *ret_full)
{
	struct hosted_image image = { 0 };
	slv_str id = slv_str_from_index(list->keys[index], 1);
	int64_t time_ms = list->times_ms[index];
	slv_err err = row->version ? hosted_image_read(row->value, &image) : SLV_OK;
	/* What was removed since the times were read is none; what was then uploaded anew stands
	 * somewhere else by now. */
	bool fits = row->version && !image.is_draft && image.uploaded_ms == time_ms &&
	            hosted_filter_fits(&list->filter, &image);
	if (!slv_failed(err) && fits && list->pass)
		list->pass--;
	else if (!slv_failed(err) && fits)
		err = show(list, id, &image, ret_full);
	if (slv_failed(err) || *ret_full)
		return err;
	list->last_len = hosted_time_key(list->kind, time_ms, id, list->last).len;
	list->looked_at++;
	return SLV_OK;
}

static slv_err images_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct list *list = SLV_CONTAINER(call, struct list, call);
	bool is_full = false;
	for (size_t i = 0; i < rows->count && !is_full; i++) {
		slv_err err = look_at(list, i, &rows->at[i], &is_full);
		if (slv_failed(err))
			return err;
	}
	if (is_full || !list->more)
		return answer(list, is_full);
	if (hosted_filter_is_empty(&list->filter) || list->looked_at < looks_max(list)) {
		scan(list);
		return SLV_OK;
	}
	return list->by_token ? answer(list, true)
	                      : SLV_ERR(SLV_E_LIMIT, "that many pictures are listed by images/v2 "
						     "only");
}

/* Where the next scan begins: behind that row. */
static void go_behind(struct list *list, slv_str key)
{
	memcpy(list->from, key.at, key.len);
	list->from[key.len] = 0;
	list->from_len = key.len + 1;
}

static slv_err take_ids(struct list *list, const struct slv_omap_rows *rows)
{
	slv_buf_clear(&list->ids);
	for (size_t i = 0; i < rows->count; i++) {
		slv_str id;
		if (!hosted_time_read(rows->at[i].key, &list->times_ms[i], &id))
			return SLV_ERR(SLV_E_CORRUPT, "a row of the list of pictures is damaged");
		slv_buf_add_char(&list->ids, 'i');
		slv_buf_add(&list->ids, id);
		list->keys[i].len = 1 + id.len;
	}
	const char *at = list->ids.at;
	for (size_t i = 0; i < rows->count; i++) {
		list->keys[i].at = at;
		at += list->keys[i].len;
	}
	return SLV_OK;
}

static bool only_counts(const struct list *list)
{
	return list->pass && hosted_filter_is_empty(&list->filter);
}

static slv_err times_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct list *list = SLV_CONTAINER(call, struct list, call);
	list->more = rows->more;
	if (!rows->count)
		return answer(list, false);
	go_behind(list, rows->at[rows->count - 1].key);
	if (only_counts(list)) {
		list->pass -= rows->count;
		if (!rows->more)
			return answer(list, false);
		scan(list);
		return SLV_OK;
	}
	slv_err err = take_ids(list, rows);
	if (!slv_failed(err))
		hosted_get(call, list->keys, rows->count, images_read);
	return err;
}

static void scan(struct list *list)
{
	uint64_t rows_max = list->per_page - json_array_size(list->images) + 1;
	if (only_counts(list))
		rows_max = list->pass < PASS_ROWS ? list->pass : PASS_ROWS;
	else if (!hosted_filter_is_empty(&list->filter))
		rows_max = looks_max(list) - list->looked_at;
	if (!only_counts(list) && rows_max > LOOK_ROWS)
		rows_max = LOOK_ROWS;
	hosted_scan(&list->call, (slv_str){ list->from, list->from_len },
			(slv_str){ list->until, 1 }, (uint32_t)rows_max, times_read);
}

static slv_err variants_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct list *list = SLV_CONTAINER(call, struct list, call);
	list->variants = hosted_variant_names(rows);
	list->images = json_array();
	scan(list);
	return SLV_OK;
}

static slv_err begin(struct hosted_call *call)
{
	slv_err err = read_ask(SLV_CONTAINER(call, struct list, call));
	if (!slv_failed(err))
		hosted_scan_variants(call, variants_read);
	return err;
}

static struct list *list_new(struct slv_api_ask *ask)
{
	struct list *list = SLV_NEW(ask->req->arena, struct list);
	if (!list || !slv_arena_defer(ask->req->arena, list_drop, list))
		return NULL;
	slv_buf_init(&list->ids, LOOK_ROWS * (1 + (size_t)HOSTED_ID_BYTES_MAX));
	slv_buf_init(&list->text, IMAGE_BYTES_MAX);
	return list;
}

static slv_err serve(struct slv_api_ask *ask, bool by_token)
{
	struct list *list = list_new(ask);
	if (!list)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	list->by_token = by_token;
	return hosted_begin(&list->call, ask, begin);
}

slv_err hosted_serve_list(struct slv_api_ask *ask)
{
	return serve(ask, false);
}

slv_err hosted_serve_list_v2(struct slv_api_ask *ask)
{
	return serve(ask, true);
}

/* --- how many --- */

static slv_err count_more(struct hosted_call *call);

static slv_err counted(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct list *list = SLV_CONTAINER(call, struct list, call);
	list->total += rows->count;
	if (rows->more) {
		go_behind(list, rows->at[rows->count - 1].key);
		return count_more(call);
	}
	call->hosted->count = list->total;
	slv_api_reply(call->ask->req,
			json_pack("{s:{s:I, s:I}}", "count", "current", (json_int_t)list->total,
					"allowed", (json_int_t)call->hosted->settings->images_max),
			NULL);
	return SLV_OK;
}

static slv_err count_more(struct hosted_call *call)
{
	struct list *list = SLV_CONTAINER(call, struct list, call);
	hosted_scan(call, (slv_str){ list->from, list->from_len }, SLV_STR("p"), PASS_ROWS,
			counted);
	return SLV_OK;
}

slv_err hosted_serve_stats(struct slv_api_ask *ask)
{
	struct list *list = list_new(ask);
	if (!list)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	list->from[0] = 'o';
	list->from_len = 1;
	return hosted_begin(&list->call, ask, count_more);
}
