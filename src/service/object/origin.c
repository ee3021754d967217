/* origin.c - requests from pages of other sites: what their browsers are told of the bucket's rules
 *
 * A request with Origin has the bucket's row read before anything else is looked at, so that the
 * page can read errors, too. Nobody is told that a bucket is there by that, unless it has a rule
 * for that origin: a preflight, which nobody signs, is answered alike where there is no bucket and
 * where there is none with rules.
 */
#include "service/object/cors.h"
#include "service/object/private.h"

#include <string.h>

#define ARENA_BYTES_MAX SLV_MIB(4) /* of rules while they are read */

/* Views into `rules`. False: there are no rules in it, or they are damaged. */
static bool read_rules(struct slv_arena *rules, slv_str body, struct slv_object_cors *ret_cors)
{
	slv_str document = object_config(body, OBJECT_CORS);
	return document.len &&
	       !slv_object_failed(slv_object_document_cors(rules, document, ret_cors));
}

static slv_str join(struct slv_arena *arena, const struct slv_object_texts *texts)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_OBJECT_CONFIG_BYTES_MAX);
	for (uint32_t i = 0; i < texts->count; i++) {
		if (i)
			slv_buf_add(&buf, SLV_STR(", "));
		slv_buf_add(&buf, texts->at[i]);
	}
	slv_str text = slv_str_copy(arena, slv_buf_str(&buf));
	slv_buf_done(&buf);
	return text;
}

/* --- what every reply tells --- */

slv_err object_origin_fields(const struct object_ask *ask, struct slv_fields *fields)
{
	slv_err err = SLV_OK;
	if (ask->origin.allowed.len)
		err = slv_fields_add(fields, SLV_STR("access-control-allow-origin"),
				ask->origin.allowed);
	if (!slv_failed(err) && ask->origin.credentials)
		err = slv_fields_add(fields, SLV_STR("access-control-allow-credentials"),
				SLV_STR("true"));
	if (!slv_failed(err) && ask->origin.exposed.len && slv_field_value_ok(ask->origin.exposed))
		err = slv_fields_add(fields, SLV_STR("access-control-expose-headers"),
				ask->origin.exposed);
	if (!slv_failed(err) && ask->origin.varies)
		err = slv_fields_add_id(fields, SLV_FIELD_VARY,
				SLV_STR("Origin, Access-Control-Request-Headers, "
					"Access-Control-Request-Method"));
	return err;
}

static void allow(struct object_ask *ask, const struct object_cors_found *found)
{
	ask->origin.allowed = found->any_origin ? SLV_STR("*") : object_field(ask, "origin");
	ask->origin.credentials = !found->any_origin;
	ask->origin.exposed = join(ask->req->arena, &found->rule->exposed);
}

/* --- requests --- */

static void look(struct object_ask *ask, slv_str body)
{
	struct object_cors_ask wanted = { object_field(ask, "origin"), ask->req->method_name,
		{ 0 } };
	struct object_cors_found found;
	struct slv_object_cors cors;
	struct slv_arena rules;
	slv_arena_init(&rules, SLV_KIB(16), ARENA_BYTES_MAX);
	ask->origin.varies = object_config(body, OBJECT_CORS).len > 0;
	if (read_rules(&rules, body, &cors) && object_cors_find(&cors, &wanted, &found))
		allow(ask, &found);
	slv_arena_done(&rules);
}

static void bucket_read(struct slv_omap_recall *recall, slv_err err)
{
	struct object_ask *ask = SLV_CONTAINER(recall, struct object_ask, recall);
	if (!slv_failed(err)) { /* else the request fails at it, too */
		look(ask, recall->row->body);
		recall->hold->drop(recall->hold);
	}
	ask->origin.then(ask);
}

void object_origin_find(struct object_ask *ask, void (*then)(struct object_ask *ask))
{
	ask->origin.then = then;
	if (!object_field(ask, "origin").len || !object_bucket_name_is_ok(ask->bucket)) {
		then(ask);
		return;
	}
	if (object_bucket_recall(ask, bucket_read))
		bucket_read(&ask->recall, SLV_OK);
}

/* --- preflights --- */

static void forbid(struct object_ask *ask, const char *what)
{
	struct slv_object_error_detail details[] = {
		{ "Method", object_field(ask, "access-control-request-method") },
		{ "ResourceType", ask->key.len ? SLV_STR("OBJECT") : SLV_STR("BUCKET") },
	};
	object_fail_with(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_FORBIDDEN, what), details,
			SLV_COUNT(details));
}

static slv_err preflight_fields(struct object_ask *ask, const struct slv_object_cors_rule *rule,
		struct slv_fields *fields)
{
	struct slv_arena *arena = ask->req->arena;
	slv_str headers = object_field(ask, "access-control-request-headers");
	slv_err err = slv_fields_add(fields, SLV_STR("access-control-allow-methods"),
			join(arena, &rule->methods));
	if (!slv_failed(err) && headers.len)
		err = slv_fields_add(fields, SLV_STR("access-control-allow-headers"),
				slv_str_copy_lower(arena, headers));
	if (!slv_failed(err) && rule->has_max_age)
		err = slv_fields_add(fields, SLV_STR("access-control-max-age"),
				slv_str_printf(arena, "%u", rule->max_age_s));
	return err;
}

static void allow_preflight(struct object_ask *ask, const struct object_cors_found *found)
{
	struct slv_reply reply;
	allow(ask, found);
	slv_err err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = preflight_fields(ask, found->rule, &reply.fields);
	if (slv_failed(err))
		object_fail(ask, object_err(err));
	else
		slv_req_reply(ask->req, &reply);
}

static void answer(struct object_ask *ask, slv_str body)
{
	struct object_cors_ask wanted = {
		.origin = object_field(ask, "origin"),
		.method = object_field(ask, "access-control-request-method"),
		.headers = object_field(ask, "access-control-request-headers"),
	};
	struct object_cors_found found;
	struct slv_object_cors cors;
	struct slv_arena rules;
	slv_arena_init(&rules, SLV_KIB(16), ARENA_BYTES_MAX);
	ask->origin.varies = true;
	if (!read_rules(&rules, body, &cors))
		forbid(ask, "CORSResponse: CORS is not enabled for this bucket.");
	else if (!object_cors_find(&cors, &wanted, &found))
		forbid(ask, "CORSResponse: This CORS request is not allowed: no rule has this "
			    "origin with this method and these headers.");
	else
		allow_preflight(ask, &found);
	slv_arena_done(&rules);
}

static void preflight_read(struct slv_omap_recall *recall, slv_err err)
{
	struct object_ask *ask = SLV_CONTAINER(recall, struct object_ask, recall);
	if (slv_failed(err)) {
		object_fail(ask, object_err(err));
		return;
	}
	struct slv_hold *hold =
			recall->hold; /* the reply may end the request, and `recall` with it */
	answer(ask, recall->row->body);
	hold->drop(hold);
}

void object_preflight(struct object_ask *ask)
{
	if (!object_field(ask, "origin").len)
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_REQUEST,
						 "Insufficient information. Origin request "
						 "header needed."));
	else if (!object_field(ask, "access-control-request-method").len)
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_REQUEST,
						 "Access-Control-Request-Method is missing."));
	else if (!object_bucket_name_is_ok(ask->bucket))
		answer(ask, (slv_str){ 0 });
	else if (object_bucket_recall(ask, preflight_read))
		preflight_read(&ask->recall, SLV_OK);
}
