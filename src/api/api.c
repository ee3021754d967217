#include "api/api.h"

#include "api/body.h"
#include "api/keys.h"
#include "api/path.h"
#include "api/tokens.h"
#include "base/assert.h"
#include "base/mem.h"

/* Of all JSON bodies that one loop has in memory at once. */
#define BODIES_BYTES_MAX SLV_MIB(64)
#define METHODS_BYTES_MAX 256 /* of the names of all */

struct group {
	const struct slv_api_group *group;
	void *self;
};

struct api {
	struct slv_loop *loop;
	struct slv_api_keys *keys;
	struct slv_api_bodies bodies;
	struct group groups[SLV_API_GROUPS_MAX + 1];
	size_t count;
};

/* A request on its way to its call. */
struct asked {
	struct slv_api_ask ask;
	struct api *api;
	struct slv_api_find find;
	struct slv_api_body body;
};

static slv_err no_memory(void)
{
	return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
}

/* --- which call --- */

/* Whatever the method: who opens a link in his browser has not used it up. */
static void hide_path(struct slv_req *req, const struct slv_api_call *call)
{
	slv_str path = slv_str_printf(req->arena, SLV_API_PREFIX "%s", call->path);
	req->logged_path = path.at ? path : slv_str_from(call->path);
}

/* `*allowed` gathers the methods that the path has: a bit each. */
static slv_err find_in(struct group *group, slv_str path, struct asked *asked, uint32_t *allowed)
{
	struct slv_req *req = asked->ask.req;
	for (const struct slv_api_call *call = group->group->calls; call->path; call++) {
		bool fits;
		slv_err err = slv_api_path_fit(req->arena, slv_str_from(call->path), path,
				asked->ask.params, &fits);
		bool method = call->method == req->method ||
		              (call->method == SLV_METHOD_GET && req->method == SLV_METHOD_HEAD);
		if (fits && call->right == SLV_API_BY_PATH)
			hide_path(req, call);
		if (fits && method) {
			asked->ask.call = call;
			asked->ask.group = group->group;
			asked->ask.self = group->self;
			return err;
		}
		if (fits)
			*allowed |= SLV_BIT(call->method);
	}
	return SLV_OK;
}

static void refuse_method(struct slv_req *req, uint32_t allowed)
{
	struct slv_buf names;
	slv_buf_init(&names, METHODS_BYTES_MAX);
	if (allowed & SLV_BIT(SLV_METHOD_GET))
		allowed |= SLV_BIT(SLV_METHOD_HEAD);
	for (unsigned i = 0; i < SLV_METHOD_COUNT; i++) {
		if (!(allowed & SLV_BIT(i)))
			continue;
		slv_buf_add(&names, names.len ? SLV_STR(", ") : SLV_STR(""));
		slv_buf_add(&names, slv_method_name((enum slv_method)i));
	}
	slv_api_fail_method(req, slv_buf_str(&names));
	slv_buf_done(&names);
}

/* False: it was answered. */
static bool find_call(struct api *api, struct asked *asked)
{
	struct slv_req *req = asked->ask.req;
	slv_str path = slv_str_from_index(req->path, sizeof(SLV_API_PREFIX) - 1);
	uint32_t allowed = 0;
	slv_err err = SLV_OK;
	for (size_t i = 0; i < api->count && !asked->ask.call && !slv_failed(err); i++)
		err = find_in(&api->groups[i], path, asked, &allowed);
	if (!slv_failed(err) && asked->ask.call)
		return true;
	if (slv_failed(err))
		slv_api_fail(req, 400, SLV_API_E_ROUTE, err.what);
	else if (allowed)
		refuse_method(req, allowed);
	else
		slv_api_fail(req, 404, SLV_API_E_ROUTE,
				"Could not route to that URI, perhaps your object identifier is "
				"invalid?");
	return false;
}

/* --- its body, and the call --- */

static void serve(struct asked *asked)
{
	slv_err err = asked->ask.call->serve(&asked->ask);
	if (slv_failed(err))
		slv_api_fail_err(&asked->ask, err);
}

static void drop_json(void *arg)
{
	json_decref(arg);
}

static slv_err parse(struct asked *asked)
{
	struct slv_req *req = asked->ask.req;
	slv_str text = slv_buf_str(&asked->body.text);
	json_error_t why;
	json_t *root = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return slv_err_printf(
				req->arena, SLV_E_SYNTAX, "the body is no JSON: %s", why.text);
	if (!slv_arena_defer(req->arena, drop_json, root)) {
		json_decref(root);
		return no_memory();
	}
	asked->ask.json = root;
	return SLV_OK;
}

static void body_read(struct slv_api_body *body, slv_err err)
{
	struct asked *asked = SLV_CONTAINER(body, struct asked, body);
	if (!slv_failed(err))
		err = parse(asked);
	slv_api_body_done(body);
	if (slv_failed(err))
		slv_api_fail_err(&asked->ask, err);
	else
		serve(asked);
}

static void read_body(struct asked *asked)
{
	if (asked->ask.call->body != SLV_API_JSON) {
		serve(asked);
		return;
	}
	asked->body = (struct slv_api_body){
		.bodies = &asked->api->bodies,
		.req = asked->ask.req,
		.bytes_max = SLV_API_JSON_BYTES_MAX,
		.done = body_read,
	};
	slv_api_body_read(&asked->body);
}

/* --- its token --- */

void slv_api_refuse_token(struct slv_req *req)
{
	slv_api_fail(req, 403, SLV_API_E_TOKEN, "Authentication error");
}

bool slv_api_bearer(struct slv_req *req, const char *what, slv_str *ret_token)
{
	static const slv_str scheme = SLV_STR_INIT("Bearer ");
	const struct slv_field *first =
			slv_fields_find(&req->fields, SLV_FIELD_AUTHORIZATION, NULL);
	slv_str value = slv_fields_get(&req->fields, SLV_FIELD_AUTHORIZATION);
	if (!value.len) {
		slv_str text = slv_str_printf(
				req->arena, "Authorization: Bearer <%s> is missing", what);
		slv_api_fail(req, 401, SLV_API_E_TOKEN, text.at ? text.at : what);
		return false;
	}
	if (slv_fields_find(&req->fields, SLV_FIELD_AUTHORIZATION, first) ||
			!slv_str_eq_nocase(slv_str_head(value, scheme.len), scheme)) {
		slv_api_refuse_token(req);
		return false;
	}
	*ret_token = slv_str_from_index(value, scheme.len);
	return true;
}

bool slv_api_is_of_account(const struct slv_api_call *call)
{
	return slv_str_starts(slv_str_from(call->path), SLV_STR("/accounts/:"));
}

static void drop_token(void *arg)
{
	slv_api_found_drop(arg);
}

static void check_token(struct asked *asked)
{
	struct slv_req *req = asked->ask.req;
	const struct slv_api_call *call = asked->ask.call;
	const struct slv_api_token *token = asked->find.token;
	slv_str value = slv_fields_get(&req->fields, SLV_FIELD_AUTHORIZATION);
	char secret[SLV_API_SECRET_BYTES];
	slv_api_value_secret(slv_str_from_index(value, value.len - SLV_API_VALUE_BYTES), secret);
	bool holds = slv_str_eq_secret((slv_str){ secret, sizeof(secret) }, token->secret) &&
	             slv_api_token_status(token, slv_loop_wall_s(asked->api->loop)) ==
	                             SLV_API_ACTIVE &&
	             slv_api_token_from(token, &req->client);
	slv_wipe(secret, sizeof(secret));
	if (!slv_arena_defer(req->arena, drop_token, &asked->find)) {
		slv_api_found_drop(&asked->find);
		slv_api_fail_err(&asked->ask, no_memory());
		return;
	}
	if (!holds || (slv_api_is_of_account(call) &&
				      !slv_str_eq(asked->ask.params[0], asked->find.account))) {
		slv_api_refuse_token(req);
		return;
	}
	if (call->right < SLV_API_RIGHT_COUNT &&
			!slv_api_token_may(token, call->right, (slv_str){ 0 }, (slv_str){ 0 })) {
		slv_api_fail(req, 403, SLV_API_E_RIGHT,
				"Unauthorized to access requested resource");
		return;
	}
	asked->ask.token = token;
	slv_api_used(asked->api->keys, token);
	read_body(asked);
}

static void token_found(struct slv_api_find *find, slv_err err)
{
	struct asked *asked = SLV_CONTAINER(find, struct asked, find);
	if (err.code == SLV_E_MISSING)
		slv_api_refuse_token(asked->ask.req);
	else if (slv_failed(err))
		slv_api_fail_err(&asked->ask, err);
	else
		check_token(asked);
}

static void find_token(struct asked *asked)
{
	slv_str value, id;
	if (!slv_api_bearer(asked->ask.req, "API token", &value))
		return;
	if (!slv_api_value_parse(value, &id)) { /* what is no token at all is not looked for */
		slv_api_refuse_token(asked->ask.req);
		return;
	}
	asked->find = (struct slv_api_find){
		.keys = asked->api->keys, .id = id, .done = token_found
	};
	if (slv_api_find(&asked->find))
		check_token(asked);
}

/* --- the service --- */

static slv_err api_serve(void *me, struct slv_req *req)
{
	struct api *api = me;
	struct asked *asked = SLV_NEW(req->arena, struct asked);
	if (!asked)
		return no_memory();
	asked->api = api;
	asked->ask.req = req;
	asked->ask.loop = api->loop;
	if (!find_call(api, asked))
		return SLV_OK;
	enum slv_api_right right = asked->ask.call->right;
	if (right == SLV_API_OPEN || right == SLV_API_OWN_TOKEN || right == SLV_API_BY_PATH)
		read_body(asked);
	else
		find_token(asked);
	return SLV_OK;
}

static slv_err start_group(struct api *api, struct slv_service_env *env,
		const struct slv_api_group *group, const void *settings)
{
	struct group *at = &api->groups[api->count];
	slv_assert(api->count < SLV_COUNT(api->groups));
	slv_err err = group->start(env, api->keys, settings, &at->self);
	if (slv_failed(err))
		return err;
	at->group = group;
	api->count++;
	return SLV_OK;
}

static void api_stop(void *me)
{
	struct api *api = me;
	for (size_t i = 0; i < api->count; i++)
		api->groups[i].group->stop(api->groups[i].self);
	slv_api_keys_free(api->keys);
	slv_free(api);
}

static slv_err api_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	const struct slv_api_settings *settings = place->settings;
	struct api *api = SLV_ALLOC(struct api);
	api->loop = env->loop;
	api->bodies.bytes_max = BODIES_BYTES_MAX;
	api->keys = slv_api_keys_new(env->loop, env->maps);
	slv_err err = start_group(api, env, &slv_api_tokens, NULL);
	for (size_t i = 0; settings->groups[i] && !slv_failed(err); i++)
		err = start_group(api, env, settings->groups[i], settings->settings[i]);
	if (slv_failed(err)) {
		api_stop(api);
		return err;
	}
	*ret_self = api;
	return SLV_OK;
}

const struct slv_service slv_api_service = {
	.name = "api",
	.start = api_start,
	.serve = api_serve,
	.stop = api_stop,
};
