/* keys.c - what links to private pictures are signed with
 *
 * All keys of an account are one row, which is replaced if it is still what it was when it was
 * read. There is always one: "default" is made when somebody first asks, and the last one stays.
 */
#include "service/image/hosted/private.h"

#define VALUE_BYTES 64 /* hexadecimal digits */

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	/* Make `keys` what they shall be; NULL: they are only shown. */
	slv_err (*edit)(struct work *work, struct hosted_keys *keys);
	slv_str key;
	char values[2][VALUE_BYTES]; /* of new ones */
	size_t values_count;
	char row[HOSTED_KEYS_BYTES_MAX];
	struct slv_omap_change change;
};

static slv_err keys_read(struct hosted_call *call, const struct slv_omap_rows *rows);

static void read_keys(struct work *work)
{
	work->values_count = 0;
	hosted_get(&work->call, &work->key, 1, keys_read);
}

static void show(struct work *work, const struct hosted_keys *keys)
{
	json_t *shown = json_array();
	for (size_t i = 0; i < keys->count; i++) {
		slv_str name = keys->at[i].name, value = keys->at[i].value;
		json_array_append_new(shown, json_pack("{s:s%, s:s%}", "name", name.at, name.len,
							     "value", value.at, value.len));
	}
	slv_api_reply(work->call.ask->req, json_pack("{s:o}", "keys", shown), NULL);
}

static void written(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	struct hosted_keys keys;
	if (err.code == SLV_E_PRECONDITION && ++call->retries < HOSTED_RETRIES_MAX) {
		read_keys(work); /* somebody else has changed them meanwhile */
		return;
	}
	if (err.code == SLV_E_PRECONDITION)
		err = SLV_ERR(SLV_E_CONFLICT, "others change the signing keys, too; try again");
	if (!slv_failed(err))
		err = hosted_keys_read(work->change.value, &keys);
	if (slv_failed(err))
		hosted_fail(call, err);
	else
		show(work, &keys);
}

/* There is room for one more. */
static void add_key(struct work *work, struct hosted_keys *keys, slv_str name)
{
	char *value = work->values[work->values_count++];
	slv_loop_random_hex(work->call.hosted->loop, value, VALUE_BYTES);
	keys->at[keys->count++] = (struct hosted_key){ name, { value, VALUE_BYTES } };
}

static slv_err keys_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	const struct slv_omap_row *row = &rows->at[0];
	struct hosted_keys keys;
	slv_err err = hosted_keys_read(row->version ? row->value : (slv_str){ 0 }, &keys);
	if (slv_failed(err))
		return err;
	if (!keys.count)
		add_key(work, &keys, SLV_STR(HOSTED_DEFAULT_KEY));
	size_t count = keys.count;
	if (work->edit)
		err = work->edit(work, &keys);
	if (slv_failed(err))
		return err;
	if (row->version && keys.count == count) {
		show(work, &keys);
		return SLV_OK;
	}
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = row->version ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT,
		.version = row->version,
		.key = work->key,
		.value = { work->row, hosted_keys_write(&keys, work->row) } };
	hosted_write(call, &work->change, 1, written);
	return SLV_OK;
}

/* --- what is asked for --- */

static size_t find(const struct hosted_keys *keys, slv_str name)
{
	size_t i = 0;
	while (i < keys->count && !slv_str_eq(keys->at[i].name, name))
		i++;
	return i;
}

/* One that is there stays as it is: links have been signed with it. */
static slv_err add(struct work *work, struct hosted_keys *keys)
{
	slv_str name = work->call.params[0];
	slv_err err = hosted_key_name_check(name);
	if (slv_failed(err) || find(keys, name) < keys->count)
		return err;
	if (keys->count == HOSTED_KEYS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an account has 10 signing keys at most");
	add_key(work, keys, name);
	return SLV_OK;
}

static slv_err take_away(struct work *work, struct hosted_keys *keys)
{
	size_t at = find(keys, work->call.params[0]);
	if (at == keys->count)
		return SLV_ERR(SLV_E_MISSING, "Signing key not found");
	if (keys->count == 1)
		return SLV_ERR(SLV_E_CONFLICT, "the last signing key stays: add another first");
	keys->count--;
	for (size_t i = at; i < keys->count; i++)
		keys->at[i] = keys->at[i + 1];
	return SLV_OK;
}

static slv_err begin(struct hosted_call *call)
{
	read_keys(SLV_CONTAINER(call, struct work, call));
	return SLV_OK;
}

static slv_err serve(struct slv_api_ask *ask,
		slv_err (*edit)(struct work *work, struct hosted_keys *keys))
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	work->edit = edit;
	work->key = SLV_STR(HOSTED_KEYS_KEY);
	return hosted_begin(&work->call, ask, begin);
}

slv_err hosted_serve_keys(struct slv_api_ask *ask)
{
	return serve(ask, NULL);
}

slv_err hosted_serve_key_new(struct slv_api_ask *ask)
{
	return serve(ask, add);
}

slv_err hosted_serve_key_remove(struct slv_api_ask *ask)
{
	return serve(ask, take_away);
}
