/* variants.c - named ways to show a picture, and the settings that the API changes
 *
 * A variant is kept as the options of a link, so that one grammar says what it may be (options.h).
 */
#include "base/mem.h"
#include "service/image/hosted/private.h"
#include "service/image/hosted/variant.h"

#include <string.h>

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	slv_str id, key;
	char key_room[HOSTED_KEY_BYTES_MAX];
	char row[HOSTED_VARIANT_BYTES_MAX];
	struct slv_buf options;
	struct hosted_variant variant; /* as it shall be */
	struct slv_omap_change change;
};

static void work_drop(void *arg)
{
	struct work *work = arg;
	slv_buf_done(&work->options);
}

static slv_err serve(struct slv_api_ask *ask, slv_err (*then)(struct hosted_call *call))
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work || !slv_arena_defer(ask->req->arena, work_drop, work))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	slv_buf_init(&work->options, HOSTED_OPTIONS_BYTES_MAX);
	return hosted_begin(&work->call, ask, then);
}

static void missing(struct work *work)
{
	hosted_refuse(&work->call, 404, HOSTED_E_MISSING, "Variant not found");
}

static bool is_public(slv_str id)
{
	return slv_str_eq(id, SLV_STR(HOSTED_PUBLIC_VARIANT));
}

static const struct hosted_variant public_variant = {
	.never_signed = false,
	.options = SLV_STR_INIT(HOSTED_PUBLIC_OPTIONS),
};

/* Read the row of the variant that the path names. */
static slv_err find(struct work *work,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows))
{
	work->id = work->call.params[0];
	if (slv_failed(hosted_variant_id_check(work->id))) {
		missing(work);
		return SLV_OK;
	}
	work->key = hosted_row_key('v', work->id, work->key_room);
	hosted_get(&work->call, &work->key, 1, then);
	return SLV_OK;
}

/* `*ret_there` false: it was answered. */
static slv_err variant_of(struct work *work, const struct slv_omap_row *row,
		struct hosted_variant *ret_variant, bool *ret_there)
{
	*ret_there = row->version || is_public(work->id);
	*ret_variant = public_variant;
	if (!*ret_there)
		missing(work);
	return row->version ? hosted_variant_read(row->value, ret_variant) : SLV_OK;
}

static void reply(struct work *work, const struct hosted_variant *variant)
{
	slv_api_reply(work->call.ask->req,
			json_pack("{s:o}", "variant", hosted_variant_shown(work->id, variant)),
			NULL);
}

/* --- shown --- */

static slv_err show(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	struct hosted_variant variant;
	bool there;
	slv_err err = variant_of(work, &rows->at[0], &variant, &there);
	if (!slv_failed(err) && there)
		reply(work, &variant);
	return err;
}

static slv_err get(struct hosted_call *call)
{
	return find(SLV_CONTAINER(call, struct work, call), show);
}

slv_err hosted_serve_variant(struct slv_api_ask *ask)
{
	return serve(ask, get);
}

static slv_err show_all(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	json_t *variants = json_object();
	json_object_set_new(variants, HOSTED_PUBLIC_VARIANT,
			hosted_variant_shown(SLV_STR(HOSTED_PUBLIC_VARIANT), &public_variant));
	for (size_t i = 0; i < rows->count; i++) {
		struct hosted_variant variant;
		slv_str id = slv_str_from_index(rows->at[i].key, 1);
		slv_err err = hosted_variant_read(rows->at[i].value, &variant);
		if (slv_failed(err)) {
			json_decref(variants);
			return err;
		}
		json_object_setn_new(variants, id.at, id.len, hosted_variant_shown(id, &variant));
	}
	slv_api_reply(call->ask->req, json_pack("{s:o}", "variants", variants), NULL);
	return SLV_OK;
}

static slv_err list(struct hosted_call *call)
{
	hosted_scan(call, SLV_STR("v"), SLV_STR("w"), HOSTED_VARIANTS_MAX + 1, show_all);
	return SLV_OK;
}

slv_err hosted_serve_variants(struct slv_api_ask *ask)
{
	return serve(ask, list);
}

/* --- made and changed --- */

static slv_err read_said(struct work *work, bool is_new)
{
	const json_t *said = work->call.ask->json;
	const json_t *never = json_object_get(said, "neverRequireSignedURLs");
	const json_t *options = json_object_get(said, "options");
	if (never && !json_is_boolean(never))
		return SLV_ERR(SLV_E_SYNTAX, "neverRequireSignedURLs is true or false");
	work->variant.never_signed = json_is_true(never);
	if (!is_new && !options && json_is_object(said))
		return SLV_OK; /* they stay */
	slv_err err = hosted_variant_options(work->call.ask->req->arena, options, &work->options);
	work->variant.options = slv_buf_str(&work->options);
	return err;
}

static void made(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (err.code == SLV_E_PRECONDITION)
		hosted_refuse(call, 409, HOSTED_E_TAKEN, "Resource already exists");
	else if (slv_failed(err))
		hosted_fail(call, err);
	else
		reply(work, &work->variant);
}

/* Instead of the row of that version; 0: there is none. */
static void put(struct work *work, uint64_t version,
		void (*then)(struct hosted_call *call, slv_err err))
{
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = version ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT,
		.version = version,
		.key = work->key,
		.value = { work->row, hosted_variant_write(&work->variant, work->row) } };
	hosted_write(&work->call, &work->change, 1, then);
}

static slv_err make(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	if (rows->count >= HOSTED_VARIANTS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an account has 100 variants at most");
	put(SLV_CONTAINER(call, struct work, call), 0, made);
	return SLV_OK;
}

static slv_err begin_new(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->id = slv_api_member(call->ask->json, "id");
	slv_err err = hosted_variant_id_check(work->id);
	if (!slv_failed(err))
		err = read_said(work, true);
	if (slv_failed(err))
		return err;
	work->key = hosted_row_key('v', work->id, work->key_room);
	hosted_scan(call, SLV_STR("v"), SLV_STR("w"), HOSTED_VARIANTS_MAX, make);
	return SLV_OK;
}

slv_err hosted_serve_variant_new(struct slv_api_ask *ask)
{
	return serve(ask, begin_new);
}

static slv_err edit(struct hosted_call *call, const struct slv_omap_rows *rows);

static void edited(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (err.code == SLV_E_PRECONDITION && ++call->retries < HOSTED_RETRIES_MAX) {
		hosted_get(call, &work->key, 1, edit); /* somebody else has written the row */
		return;
	}
	if (err.code == SLV_E_PRECONDITION)
		err = SLV_ERR(SLV_E_CONFLICT, "others change the variant, too; try again");
	if (slv_failed(err))
		hosted_fail(call, err);
	else
		reply(work, &work->variant);
}

/* What is not said stays. */
static slv_err edit(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	const json_t *said = call->ask->json;
	struct hosted_variant variant;
	bool there;
	slv_err err = variant_of(work, &rows->at[0], &variant, &there);
	if (slv_failed(err) || !there)
		return err;
	if (!json_object_get(said, "options")) {
		slv_buf_clear(&work->options);
		slv_buf_add(&work->options, variant.options);
		work->variant.options = slv_buf_str(&work->options);
	}
	if (!json_object_get(said, "neverRequireSignedURLs"))
		work->variant.never_signed = variant.never_signed;
	put(work, rows->at[0].version, edited);
	return SLV_OK;
}

static slv_err begin_edit(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	slv_err err = read_said(work, false);
	return slv_failed(err) ? err : find(work, edit);
}

slv_err hosted_serve_variant_edit(struct slv_api_ask *ask)
{
	return serve(ask, begin_edit);
}

/* --- removed --- */

static void removed(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	/* The public one is there without a row, too. */
	if (err.code == SLV_E_PRECONDITION && !is_public(work->id))
		missing(work);
	else if (slv_failed(err) && err.code != SLV_E_PRECONDITION)
		hosted_fail(call, err);
	else
		slv_api_reply(call->ask->req, json_object(), NULL);
}

static slv_err begin_remove(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->id = call->params[0];
	if (slv_failed(hosted_variant_id_check(work->id))) {
		missing(work);
		return SLV_OK;
	}
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_PRESENT,
		.key = hosted_row_key('v', work->id, work->key_room) };
	hosted_write(call, &work->change, 1, removed);
	return SLV_OK;
}

slv_err hosted_serve_variant_remove(struct slv_api_ask *ask)
{
	return serve(ask, begin_remove);
}

/* --- settings --- */

static void reply_config(struct hosted_call *call, const struct hosted_config *config)
{
	slv_api_reply(call->ask->req,
			json_pack("{s:b}", "flexible_variants", config->flexible_variants), NULL);
}

static slv_err config_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct hosted_config config;
	slv_err err = hosted_config_read(rows->at[0].value, &config);
	if (!slv_failed(err))
		reply_config(call, &config);
	return err;
}

static slv_err begin_config(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->key = SLV_STR(HOSTED_CONFIG_KEY);
	hosted_get(call, &work->key, 1, config_read);
	return SLV_OK;
}

slv_err hosted_serve_config(struct slv_api_ask *ask)
{
	return serve(ask, begin_config);
}

static void config_written(struct hosted_call *call, slv_err err)
{
	struct hosted_config config = {
		.flexible_variants =
				json_is_true(json_object_get(call->ask->json, "flexible_variants")),
	};
	if (slv_failed(err))
		hosted_fail(call, err);
	else
		reply_config(call, &config);
}

static slv_err begin_config_edit(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	const json_t *flexible = json_object_get(call->ask->json, "flexible_variants");
	struct hosted_config config = { .flexible_variants = json_is_true(flexible) };
	if (!json_is_boolean(flexible))
		return SLV_ERR(SLV_E_SYNTAX, "flexible_variants is true or false");
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = SLV_STR(HOSTED_CONFIG_KEY),
		.value = { work->row, hosted_config_write(&config, work->row) } };
	hosted_write(call, &work->change, 1, config_written);
	return SLV_OK;
}

slv_err hosted_serve_config_edit(struct slv_api_ask *ask)
{
	return serve(ask, begin_config_edit);
}
