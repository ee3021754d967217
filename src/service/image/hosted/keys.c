/* keys.c - what links to private pictures are signed with
 *
 * There is always one: "default" is made when somebody first asks, and anew when the last is taken
 * away.
 */
#include "service/image/hosted/private.h"

#define VALUE_BYTES 64 /* hexadecimal digits */

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	slv_err (*go_on)(struct work *work, const struct slv_omap_rows *rows);
	char keys[2][HOSTED_KEY_BYTES_MAX];
	char value[VALUE_BYTES];
	struct slv_omap_change changes[2];
};

static slv_err keys_read(struct hosted_call *call, const struct slv_omap_rows *rows);

static void scan(struct work *work)
{
	hosted_scan(&work->call, SLV_STR("s"), SLV_STR("t"), HOSTED_KEYS_MAX + 1, keys_read);
}

/* Written, or somebody else was faster: what there is now is shown. */
static void written(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (slv_failed(err) &&
			(err.code != SLV_E_PRECONDITION || ++call->retries == HOSTED_RETRIES_MAX))
		hosted_fail(call, err);
	else
		scan(work);
}

static struct slv_omap_change new_key(struct work *work, slv_str name, char *room)
{
	slv_loop_random_hex(work->call.hosted->loop, work->value, sizeof(work->value));
	return (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = hosted_row_key('s', name, room),
		.value = { work->value, sizeof(work->value) } };
}

static slv_err show(struct work *work, const struct slv_omap_rows *rows)
{
	json_t *keys = json_array();
	for (size_t i = 0; i < rows->count; i++) {
		slv_str name = slv_str_from_index(rows->at[i].key, 1), value = rows->at[i].value;
		json_array_append_new(keys, json_pack("{s:s%, s:s%}", "name", name.at, name.len,
							    "value", value.at, value.len));
	}
	slv_api_reply(work->call.ask->req, json_pack("{s:o}", "keys", keys), NULL);
	return SLV_OK;
}

static slv_err keys_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (rows->count)
		return work->go_on(work, rows);
	work->changes[0] = new_key(work, SLV_STR(HOSTED_DEFAULT_KEY), work->keys[0]);
	work->changes[0].when = SLV_OMAP_IF_ABSENT;
	hosted_write(call, work->changes, 1, written);
	return SLV_OK;
}

static size_t find(const struct slv_omap_rows *rows, slv_str name)
{
	size_t i = 0;
	while (i < rows->count && !slv_str_eq(slv_str_from_index(rows->at[i].key, 1), name))
		i++;
	return i;
}

/* One that is there stays as it is: links have been signed with it. */
static slv_err add(struct work *work, const struct slv_omap_rows *rows)
{
	slv_str name = work->call.params[0];
	work->go_on = show;
	if (find(rows, name) < rows->count)
		return show(work, rows);
	if (rows->count >= HOSTED_KEYS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an account has 10 signing keys at most");
	work->changes[0] = new_key(work, name, work->keys[0]);
	work->changes[0].when = SLV_OMAP_IF_ABSENT;
	hosted_write(&work->call, work->changes, 1, written);
	return SLV_OK;
}

static slv_err take_away(struct work *work, const struct slv_omap_rows *rows)
{
	slv_str name = work->call.params[0], own = SLV_STR(HOSTED_DEFAULT_KEY);
	size_t at = find(rows, name), count = 0;
	work->go_on = show;
	if (at == rows->count) {
		hosted_refuse(&work->call, 404, HOSTED_E_MISSING, "Signing key not found");
		return SLV_OK;
	}
	if (rows->count > 1 || !slv_str_eq(name, own))
		work->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = hosted_row_key('s', name, work->keys[0]) };
	if (rows->count == 1)
		work->changes[count++] = new_key(work, own, work->keys[1]);
	hosted_write(&work->call, work->changes, count, written);
	return SLV_OK;
}

static slv_err begin(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	slv_err err = work->go_on == show ? SLV_OK : hosted_key_name_check(call->params[0]);
	if (!slv_failed(err))
		scan(work);
	return err;
}

static slv_err serve(struct slv_api_ask *ask,
		slv_err (*then)(struct work *work, const struct slv_omap_rows *rows))
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	work->go_on = then;
	return hosted_begin(&work->call, ask, begin);
}

slv_err hosted_serve_keys(struct slv_api_ask *ask)
{
	return serve(ask, show);
}

slv_err hosted_serve_key_new(struct slv_api_ask *ask)
{
	return serve(ask, add);
}

slv_err hosted_serve_key_remove(struct slv_api_ask *ask)
{
	return serve(ask, take_away);
}
