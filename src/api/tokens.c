#include "api/tokens.h"

#include "api/keys.h"
#include "base/assert.h"
#include "base/mem.h"
#include "http/date.h"
#include "http/query.h"

#include <string.h>

#define RECORD_BYTES_MAX SLV_OMAP_VALUE_BYTES_MAX
#define KEY_BYTES (SLV_API_ID_BYTES + 2)

struct tokens {
	struct slv_loop *loop;
	struct slv_api_keys *keys;
};

/* A call that reads rows and may write some. In the request's arena. */
struct work {
	struct slv_api_ask *ask;
	struct tokens *self;
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[2];
	slv_str keys[2];
	char token_key[KEY_BYTES], used_key[KEY_BYTES];
	struct slv_buf text;
	json_t *record;
	char value[SLV_API_VALUE_BYTES];
	bool shows_value;
	/* What is done with the rows, once they are read. An error is the reply. */
	slv_err (*then)(struct work *work, const struct slv_omap_rows *rows);
};

static void work_drop(void *arg)
{
	struct work *work = arg;
	json_decref(work->record);
	slv_buf_done(&work->text);
	slv_wipe(work->value, sizeof(work->value));
}

static slv_err work_new(struct slv_api_ask *ask, struct work **ret_work)
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work || !slv_arena_defer(ask->req->arena, work_drop, work))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	work->ask = ask;
	work->self = ask->self;
	slv_buf_init(&work->text, RECORD_BYTES_MAX);
	*ret_work = work;
	return SLV_OK;
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(read, struct work, read);
	if (!slv_failed(err))
		err = work->then(work, rows);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_failed(err))
		slv_api_fail_err(work->ask, err);
}

static void scan(struct work *work, slv_str from, slv_str until, uint32_t rows_max)
{
	work->read = (struct slv_omap_read){
		.map = slv_api_account_map(work->self->keys),
		.what = SLV_OMAP_SCAN,
		.from = from,
		.until = until,
		.rows_max = rows_max,
		.done = rows_read,
	};
	slv_omap_read(work->self->loop, &work->read);
}

/* The row of the token that the path names, and when it was used. */
static slv_err get_token(struct work *work)
{
	slv_str id = work->ask->params[1];
	if (id.len != SLV_API_ID_BYTES)
		return SLV_ERR(SLV_E_MISSING, "no such token");
	memcpy(work->token_key, "t/", 2);
	memcpy(work->token_key + 2, id.at, id.len);
	memcpy(work->used_key, work->token_key, KEY_BYTES);
	work->used_key[0] = 'u';
	work->keys[0] = (slv_str){ work->token_key, KEY_BYTES };
	work->keys[1] = (slv_str){ work->used_key, KEY_BYTES };
	work->read = (struct slv_omap_read){
		.map = slv_api_account_map(work->self->keys),
		.what = SLV_OMAP_GET,
		.keys = work->keys,
		.count = 2,
		.rows_max = 2,
		.done = rows_read,
	};
	slv_omap_read(work->self->loop, &work->read);
	return SLV_OK;
}

/* --- as the API shows it --- */

/* A record without what is secret, as it stands now. NULL: it is damaged. */
static json_t *shown(struct slv_loop *loop, slv_str row)
{
	json_t *token = json_loadb(row.at ? row.at : "", row.len, 0, NULL);
	int64_t expires_s = 0;
	slv_str expires = slv_api_member(token, "expires_on");
	if (!json_is_object(token)) {
		json_decref(token);
		return NULL;
	}
	(void)json_object_del(token, "secret"); /* it is there */
	if (expires.at && slv_date_parse_iso(expires, &expires_s) &&
			slv_loop_wall_s(loop) >= expires_s)
		json_object_set_new(token, "status", json_string("expired"));
	return token;
}

static void show_use(json_t *token, slv_str row)
{
	uint64_t used_s;
	char text[SLV_DATE_ISO_BYTES];
	if (!slv_str_u64(row, INT64_MAX, &used_s))
		return;
	slv_date_print_iso((int64_t)used_s, text);
	json_object_set_new(token, "last_used_on", json_stringn(text, sizeof(text)));
}

static slv_err damaged(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "the record of a token is damaged");
}

/* --- reading --- */

static slv_err account_shown(struct work *work, const struct slv_omap_rows *rows)
{
	slv_str row = rows->count ? rows->at[0].value : (slv_str){ 0 };
	json_t *account = json_loadb(row.at ? row.at : "", row.len, 0, NULL);
	if (!account)
		return SLV_ERR(SLV_E_CORRUPT, "the record of the account is damaged");
	json_object_set_new(account, "type", json_string("standard"));
	json_object_set_new(account, "settings", json_object());
	if (slv_str_starts(slv_str_from(work->ask->call->path), SLV_STR("/accounts/"))) {
		slv_api_reply(work->ask->req, account, NULL);
		return SLV_OK;
	}
	struct slv_api_page page;
	slv_err err = slv_api_page_read(work->ask->req, 20, 5, 50, &page);
	if (slv_failed(err))
		json_decref(account);
	else
		slv_api_reply_page(work->ask->req, json_pack("[o]", account), &page);
	return err;
}

static slv_err serve_account(struct slv_api_ask *ask)
{
	struct work *work;
	slv_err err = work_new(ask, &work);
	if (slv_failed(err))
		return err;
	work->then = account_shown;
	scan(work, SLV_STR("account"), SLV_STR("account0"), 1);
	return SLV_OK;
}

static slv_err serve_groups(struct slv_api_ask *ask)
{
	static const char *const scopes[] = {
		[SLV_API_OF_ACCOUNT] = "com.cloudflare.api.account",
		[SLV_API_OF_BUCKET] = "com.cloudflare.edge.r2.bucket",
	};
	slv_str name, scope;
	slv_err err = slv_query_get(ask->req->arena, ask->req->uri.query, SLV_STR("name"),
			SLV_QUERY_SPACE, &name);
	if (!slv_failed(err))
		err = slv_query_get(ask->req->arena, ask->req->uri.query, SLV_STR("scope"),
				SLV_QUERY_SPACE, &scope);
	if (slv_failed(err))
		return err;
	json_t *groups = json_array();
	for (size_t i = 0; i < SLV_API_RIGHT_COUNT; i++) {
		const struct slv_api_right_info *info = &slv_api_rights[i];
		if ((name.at && !slv_str_eq(name, slv_str_from(info->name))) ||
				(scope.at && !slv_str_eq(scope, slv_str_from(scopes[info->scope]))))
			continue;
		json_array_append_new(
				groups, json_pack("{s:s, s:s, s:[s]}", "id", info->id, "name",
							info->name, "scopes", scopes[info->scope]));
	}
	slv_api_reply(ask->req, groups, NULL);
	return SLV_OK;
}

static slv_err serve_verify(struct slv_api_ask *ask)
{
	const struct slv_api_token *token = ask->token;
	char text[SLV_DATE_ISO_BYTES];
	json_t *result = json_pack("{s:s%, s:s}", "id", token->id.at, token->id.len, "status",
			slv_api_status_name(
					slv_api_token_status(token, slv_loop_wall_s(ask->loop))));
	if (token->expires_s) {
		slv_date_print_iso(token->expires_s, text);
		json_object_set_new(result, "expires_on", json_stringn(text, sizeof(text)));
	}
	if (token->not_before_s) {
		slv_date_print_iso(token->not_before_s, text);
		json_object_set_new(result, "not_before", json_stringn(text, sizeof(text)));
	}
	slv_api_reply(ask->req, result, NULL);
	return SLV_OK;
}

static slv_err tokens_listed(struct work *work, const struct slv_omap_rows *rows)
{
	struct slv_api_page page;
	slv_err err = slv_api_page_read(work->ask->req, 20, 5, 50, &page);
	if (slv_failed(err))
		return err;
	json_t *all = json_array(), *by_id = json_object();
	for (size_t i = 0; i < rows->count && !slv_failed(err); i++) {
		const struct slv_omap_row *row = &rows->at[i];
		char id[SLV_API_ID_BYTES + 1] = { 0 };
		memcpy(id, row->key.at + 2, SLV_API_ID_BYTES);
		if (row->key.at[0] == 'u') {
			show_use(json_object_get(by_id, id), row->value);
			continue;
		}
		json_t *token = shown(work->self->loop, row->value);
		if (!token)
			err = damaged();
		json_object_set(by_id, id, token);
		json_array_append_new(all, token);
	}
	json_decref(by_id);
	if (slv_failed(err))
		json_decref(all);
	else
		slv_api_reply_page(work->ask->req, all, &page);
	return err;
}

static slv_err serve_list(struct slv_api_ask *ask)
{
	struct work *work;
	slv_err err = work_new(ask, &work);
	if (slv_failed(err))
		return err;
	work->then = tokens_listed;
	scan(work, SLV_STR("t/"), SLV_STR("u0"), 2 * SLV_API_TOKENS_MAX);
	return SLV_OK;
}

static slv_err token_shown(struct work *work, const struct slv_omap_rows *rows)
{
	if (!rows->at[0].version)
		return SLV_ERR(SLV_E_MISSING, "no such token");
	json_t *token = shown(work->self->loop, rows->at[0].value);
	if (!token)
		return damaged();
	show_use(token, rows->at[1].value);
	slv_api_reply(work->ask->req, token, NULL);
	return SLV_OK;
}

/* A call about one token. */
static slv_err serve_one(struct slv_api_ask *ask,
		slv_err (*then)(struct work *work, const struct slv_omap_rows *rows))
{
	struct work *work;
	slv_err err = work_new(ask, &work);
	if (slv_failed(err))
		return err;
	work->then = then;
	return get_token(work);
}

static slv_err serve_get(struct slv_api_ask *ask)
{
	return serve_one(ask, token_shown);
}

/* --- writing --- */

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, batch);
	struct slv_req *req = work->ask->req;
	slv_str value = { work->value, SLV_API_VALUE_BYTES };
	if (err.code == SLV_E_PRECONDITION)
		err = SLV_ERR(SLV_E_CONFLICT, "the token was changed meanwhile; try again");
	if (slv_failed(err)) {
		slv_api_fail_err(work->ask, err);
		return;
	}
	json_t *result = shown(work->self->loop, slv_buf_str(&work->text));
	slv_assert(result); /* we have just made it */
	if (work->shows_value)
		json_object_set_new(result, "value", slv_api_text(value));
	slv_api_reply(req, result, NULL);
}

static void write(struct work *work, size_t count, void (*done)(struct slv_omap_batch *, slv_err))
{
	work->batch = (struct slv_omap_batch){
		.map = slv_api_account_map(work->self->keys),
		.changes = work->changes,
		.count = count,
		.done = done,
	};
	slv_omap_write(work->self->loop, &work->batch);
}

/* Nobody makes a token that may do more than the one it is made with. */
static slv_err check_reach(struct work *work)
{
	struct slv_api_token made;
	slv_err err = slv_api_token_read(work->ask->req->arena, slv_api_account(work->self->keys),
			slv_buf_str(&work->text), &made);
	if (!slv_failed(err) && !slv_api_token_covers(work->ask->token, &made))
		err = SLV_ERR(SLV_E_DENIED, "a token cannot give rights that it does not have");
	return err;
}

/* Put work->record; `version` 0: there must be none. */
static slv_err put_record(struct work *work, slv_str key, uint64_t version)
{
	slv_api_dump(work->record, &work->text);
	if (work->text.overflow)
		return SLV_ERR(SLV_E_LIMIT, "a token of more than 16 KiB");
	slv_err err = check_reach(work);
	if (slv_failed(err))
		return err;
	work->changes[0] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT,
		.when = version ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT,
		.version = version,
		.key = key,
		.value = slv_buf_str(&work->text),
	};
	write(work, 1, written);
	return SLV_OK;
}

static slv_err create(struct work *work, const struct slv_omap_rows *rows)
{
	struct slv_api_ask *ask = work->ask;
	char id[SLV_API_ID_BYTES];
	if (rows->count >= SLV_API_TOKENS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an account has at most 1000 tokens");
	work->record = json_object();
	slv_err err = slv_api_record_update(ask->req->arena, slv_api_account(work->self->keys),
			ask->json, true, work->record);
	if (slv_failed(err))
		return err;
	slv_api_token_new(work->self->loop, work->record, id, work->value);
	work->shows_value = true;
	memcpy(work->token_key, "t/", 2);
	memcpy(work->token_key + 2, id, sizeof(id));
	return put_record(work, (slv_str){ work->token_key, KEY_BYTES }, 0);
}

static slv_err serve_create(struct slv_api_ask *ask)
{
	struct work *work;
	slv_err err = work_new(ask, &work);
	if (slv_failed(err))
		return err;
	work->then = create;
	scan(work, SLV_STR("t/"), SLV_STR("t0"), SLV_API_TOKENS_MAX);
	return SLV_OK;
}

static slv_err load(struct work *work, const struct slv_omap_rows *rows)
{
	slv_str row = rows->at[0].value;
	if (!rows->at[0].version)
		return SLV_ERR(SLV_E_MISSING, "no such token");
	work->record = json_loadb(row.at ? row.at : "", row.len, 0, NULL);
	return work->record ? SLV_OK : damaged();
}

static slv_err update(struct work *work, const struct slv_omap_rows *rows)
{
	struct slv_api_ask *ask = work->ask;
	slv_err err = load(work, rows);
	if (!slv_failed(err))
		err = slv_api_record_update(ask->req->arena, slv_api_account(work->self->keys),
				ask->json, false, work->record);
	if (slv_failed(err))
		return err;
	slv_api_token_modified(work->self->loop, work->record);
	return put_record(work, work->keys[0], rows->at[0].version);
}

static slv_err serve_update(struct slv_api_ask *ask)
{
	return serve_one(ask, update);
}

static void rolled(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, batch);
	if (err.code == SLV_E_PRECONDITION)
		err = SLV_ERR(SLV_E_CONFLICT, "the token was changed meanwhile; try again");
	if (slv_failed(err))
		slv_api_fail_err(work->ask, err);
	else
		slv_api_reply(work->ask->req, json_stringn(work->value, SLV_API_VALUE_BYTES), NULL);
}

static slv_err roll(struct work *work, const struct slv_omap_rows *rows)
{
	slv_err err = load(work, rows);
	if (slv_failed(err))
		return err;
	slv_api_token_roll(work->self->loop, work->record, work->value);
	err = put_record(work, work->keys[0], rows->at[0].version);
	if (!slv_failed(err))
		work->batch.done = rolled;
	return err;
}

static slv_err serve_roll(struct slv_api_ask *ask)
{
	return serve_one(ask, roll);
}

static void removed(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, batch);
	slv_str id = work->ask->params[1];
	if (err.code == SLV_E_PRECONDITION)
		err = SLV_ERR(SLV_E_MISSING, "no such token");
	if (slv_failed(err))
		slv_api_fail_err(work->ask, err);
	else
		slv_api_reply(work->ask->req, json_pack("{s:s%}", "id", id.at, id.len), NULL);
}

static slv_err remove_it(struct work *work, const struct slv_omap_rows *rows)
{
	(void)rows;
	work->changes[0] = (struct slv_omap_change){
		.what = SLV_OMAP_REMOVE, .when = SLV_OMAP_IF_PRESENT, .key = work->keys[0]
	};
	work->changes[1] =
			(struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = work->keys[1] };
	write(work, 2, removed);
	return SLV_OK;
}

static slv_err serve_remove(struct slv_api_ask *ask)
{
	return serve_one(ask, remove_it);
}

/* --- the group --- */

static slv_err tokens_start(struct slv_service_env *env, struct slv_api_keys *keys,
		const void *settings, void **ret_self)
{
	struct tokens *self = SLV_ALLOC(struct tokens);
	(void)settings;
	self->loop = env->loop;
	self->keys = keys;
	*ret_self = self;
	return SLV_OK;
}

static void tokens_stop(void *self)
{
	slv_free(self);
}

#define TOKENS "/accounts/:/tokens"

static const struct slv_api_call calls[] = {
	{ SLV_METHOD_GET, "/accounts", SLV_API_ANY_TOKEN, SLV_API_NO_BODY, serve_account },
	{ SLV_METHOD_GET, "/accounts/:", SLV_API_ANY_TOKEN, SLV_API_NO_BODY, serve_account },
	{ SLV_METHOD_GET, "/user/tokens/verify", SLV_API_ANY_TOKEN, SLV_API_NO_BODY, serve_verify },
	{ SLV_METHOD_GET, TOKENS "/verify", SLV_API_ANY_TOKEN, SLV_API_NO_BODY, serve_verify },
	{ SLV_METHOD_GET, TOKENS "/permission_groups", SLV_API_TOKENS_READ, SLV_API_NO_BODY,
			serve_groups },
	{ SLV_METHOD_GET, TOKENS, SLV_API_TOKENS_READ, SLV_API_NO_BODY, serve_list },
	{ SLV_METHOD_POST, TOKENS, SLV_API_TOKENS_WRITE, SLV_API_JSON, serve_create },
	{ SLV_METHOD_GET, TOKENS "/:", SLV_API_TOKENS_READ, SLV_API_NO_BODY, serve_get },
	{ SLV_METHOD_PUT, TOKENS "/:", SLV_API_TOKENS_WRITE, SLV_API_JSON, serve_update },
	{ SLV_METHOD_DELETE, TOKENS "/:", SLV_API_TOKENS_WRITE, SLV_API_NO_BODY, serve_remove },
	{ SLV_METHOD_PUT, TOKENS "/:/value", SLV_API_TOKENS_WRITE, SLV_API_NO_BODY, serve_roll },
	{ 0 },
};

const struct slv_api_group slv_api_tokens = {
	.name = "tokens",
	.calls = calls,
	.start = tokens_start,
	.stop = tokens_stop,
};
