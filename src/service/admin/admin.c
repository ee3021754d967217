#include "service/admin/admin.h"

#include "base/mem.h"
#include "http/problem.h"

#include <jansson.h>
#include <string.h>

#define METRICS_BYTES_MAX SLV_MIB(4)
#define PURGE_BYTES_MAX SLV_KIB(64)

struct admin {
	const struct slv_admin_settings *settings;
};

/* The body of a purge, as it comes. */
struct purge {
	struct admin *self;
	struct slv_req *req;
	struct slv_body body;
	struct slv_pull pull;
	struct slv_buf text;
};

static slv_err reply_text(struct slv_req *req, int status, const char *type, slv_str text)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, status);
	slv_str kept = slv_str_copy(req->arena, text);
	slv_err err = slv_fields_add_id(&reply.fields, SLV_FIELD_CONTENT_TYPE, slv_str_from(type));
	if (!slv_failed(err))
		err = slv_fields_add_id(
				&reply.fields, SLV_FIELD_CACHE_CONTROL, SLV_STR("no-store"));
	if (!slv_failed(err) && !kept.at)
		err = SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (slv_failed(err))
		return err;
	reply.body = slv_body_bytes(kept, NULL);
	slv_req_reply(req, &reply);
	return SLV_OK;
}

/* --- metrics --- */

static slv_err serve_metrics(struct admin *self, struct slv_req *req)
{
	struct slv_reply reply;
	const struct slv_admin_settings *settings = self->settings;
	slv_reply_init(&reply, req, 200);
	slv_err err = slv_fields_add_id(&reply.fields, SLV_FIELD_CONTENT_TYPE,
			SLV_STR("text/plain; version=0.0.4; charset=utf-8"));
	if (slv_failed(err))
		return err;
	settings->refresh(settings->arg);
	struct slv_buf text;
	slv_buf_init(&text, METRICS_BYTES_MAX);
	slv_metrics_print(settings->metrics, settings->metrics_count, &text);
	reply.body = slv_body_take(&text);
	slv_req_reply(req, &reply);
	return SLV_OK;
}

/* --- purge --- */

static bool is_this_machine(const struct slv_addr *addr)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	return addr->known && (memcmp(addr->ip, loopback6, 16) == 0 ||
					      (slv_addr_is_v4(addr) && addr->ip[12] == 127));
}

/* A page in somebody's browser can send simple requests here, but not one of this media type
 * without being asked first (Fetch standard, CORS-safelisted request-header). */
static bool is_json(const struct slv_req *req)
{
	slv_str type = slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE);
	return slv_str_eq_nocase(
			slv_str_trim(slv_str_cut(&type, ';')), SLV_STR("application/json"));
}

static slv_err may_purge(const struct admin *self, const struct slv_req *req)
{
	slv_str token = self->settings->token;
	slv_str told = slv_fields_get(&req->fields, SLV_FIELD_AUTHORIZATION);
	if (!is_json(req))
		return SLV_ERR(SLV_E_MEDIA, "purge with Content-Type: application/json");
	if (!token.len && !is_this_machine(&req->client))
		return SLV_ERR(SLV_E_UNAUTHORIZED, "set admin.token to purge from another machine");
	if (!token.len)
		return SLV_OK;
	slv_str scheme = SLV_STR("Bearer ");
	if (!slv_str_eq_nocase(slv_str_head(told, scheme.len), scheme) ||
			!slv_str_eq_secret(slv_str_from_index(told, scheme.len), token))
		return SLV_ERR(SLV_E_UNAUTHORIZED,
				"purge with Authorization: Bearer <admin.token>");
	return SLV_OK;
}

static slv_str text_of(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);
	if (!json_is_string(value))
		return (slv_str){ 0 };
	return (slv_str){ json_string_value(value), json_string_length(value) };
}

/* "https://host/path" or "/path". */
static slv_err read_url(slv_str text, struct slv_purge *purge)
{
	struct slv_uri uri;
	slv_err err = slv_uri_parse(text, &uri);
	if (slv_failed(err) || !uri.authority.len)
		return err;
	if (purge->host.len)
		return SLV_ERR(SLV_E_SYNTAX, "the host is in the URL already");
	size_t host_end = (size_t)(uri.authority.at + uri.authority.len - text.at);
	purge->host = uri.authority;
	purge->target = slv_str_from_index(text, host_end);
	if (!slv_str_starts(purge->target, SLV_STR("/")))
		return SLV_ERR(SLV_E_SYNTAX, "a URL to purge has a path");
	return SLV_OK;
}

static slv_err read_purge(const json_t *root, struct slv_purge *purge)
{
	slv_str url = text_of(root, "url"), source = text_of(root, "source");
	bool all = json_is_true(json_object_get(root, "all"));
	if ((url.len > 0) + (source.len > 0) + all != 1)
		return SLV_ERR(SLV_E_SYNTAX, "say one of {\"url\": \"…\"}, {\"source\": \"…\"}, "
					     "{\"all\": true}");
	purge->what = all ? SLV_PURGE_ALL : url.len ? SLV_PURGE_URL : SLV_PURGE_SOURCE;
	purge->host = text_of(root, "host");
	purge->target = url.len ? url : source;
	if (all && purge->host.len)
		return SLV_ERR(SLV_E_SYNTAX, "\"all\" is of every site; leave \"host\" out");
	return url.len ? read_url(url, purge) : SLV_OK;
}

static slv_err purge_now(struct admin *self, struct slv_req *req, slv_str text)
{
	struct slv_purge purge = { 0 };
	json_error_t why;
	json_t *root = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(root)) {
		json_decref(root);
		return SLV_ERR(SLV_E_SYNTAX, "the body is no JSON object");
	}
	slv_err err = read_purge(root, &purge);
	size_t named = slv_failed(err) ? 0
	                               : self->settings->purge(
							 self->settings->arg, req->arena, &purge);
	json_decref(root);
	if (slv_failed(err))
		return err;
	if (!named)
		return SLV_ERR(SLV_E_MISSING, "no site or route of that name keeps anything");
	return reply_text(req, 200, "application/json",
			SLV_STR("{\"success\":true,\"errors\":[],\"messages\":[],\"result\":null}"
				"\n"));
}

static void purge_end(struct purge *purge, slv_err err)
{
	struct slv_req *req = purge->req;
	slv_body_done(&purge->body);
	if (!slv_failed(err))
		err = purge_now(purge->self, req, slv_buf_str(&purge->text));
	slv_buf_done(&purge->text);
	slv_free(purge);
	if (slv_failed(err))
		slv_problem_reply(req, err);
}

static void purge_part(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct purge *purge = SLV_CONTAINER(pull, struct purge, pull);
	slv_buf_add(&purge->text, bytes);
	if (!slv_failed(err) && purge->text.overflow)
		err = SLV_ERR(SLV_E_LIMIT, "the body of a purge is larger than 64 KiB");
	if (slv_failed(err) || !bytes.len)
		purge_end(purge, err);
	else
		slv_source_pull(purge->body.source, &purge->pull);
}

static slv_err serve_purge(struct admin *self, struct slv_req *req)
{
	slv_err err = may_purge(self, req);
	if (err.code == SLV_E_UNAUTHORIZED) {
		slv_problem_reply_with(req, err, SLV_STR("WWW-Authenticate"), SLV_STR("Bearer"));
		return SLV_OK;
	}
	if (slv_failed(err))
		return err;
	if (!req->body.source)
		return SLV_ERR(SLV_E_SYNTAX, "a purge has a body");
	struct purge *purge = SLV_ALLOC(struct purge);
	purge->self = self;
	purge->req = req;
	purge->body = req->body;
	purge->pull.done = purge_part;
	req->body = (struct slv_body){ 0 };
	slv_buf_init(&purge->text, PURGE_BYTES_MAX);
	slv_source_pull(purge->body.source, &purge->pull);
	return SLV_OK;
}

/* --- the service --- */

/* By address, as localhost, or by a name of the settings. A page in somebody's browser may have its
 * own name lead here (DNS rebinding); then that name is in Host. */
static bool is_our_host(const struct admin *self, slv_str host)
{
	struct slv_addr addr;
	const slv_str *names = self->settings->hosts.at;
	if (!host.len || slv_str_eq(host, SLV_STR("localhost")) || slv_addr_parse(host, &addr))
		return true;
	for (size_t i = 0; i < self->settings->hosts.count; i++)
		if (slv_str_eq(host, names[i]))
			return true;
	return false;
}

static slv_err admin_serve(void *me, struct slv_req *req)
{
	struct admin *self = me;
	if (!is_our_host(self, req->host))
		return SLV_ERR(SLV_E_MISDIRECTED, "not a name in admin.hosts");
	bool purges = slv_str_eq(req->path, SLV_STR("/purge"));
	bool reads = req->method == SLV_METHOD_GET || req->method == SLV_METHOD_HEAD;
	if (purges ? req->method != SLV_METHOD_POST : !reads) {
		slv_problem_reply_with(req,
				SLV_ERR(SLV_E_METHOD, "not with this method; see Allow"),
				SLV_STR("Allow"), purges ? SLV_STR("POST") : SLV_STR("GET, HEAD"));
		return SLV_OK;
	}
	if (purges)
		return serve_purge(self, req);
	if (slv_str_eq(req->path, SLV_STR("/healthz")))
		return reply_text(req, 200, "text/plain", SLV_STR("ok\n"));
	if (slv_str_eq(req->path, SLV_STR("/readyz")))
		return *self->settings->draining
		                       ? reply_text(req, 503, "text/plain", SLV_STR("draining\n"))
		                       : reply_text(req, 200, "text/plain", SLV_STR("ready\n"));
	if (slv_str_eq(req->path, SLV_STR("/metrics")))
		return serve_metrics(self, req);
	return SLV_ERR(SLV_E_MISSING, "there are /healthz, /readyz, /metrics and /purge here");
}

static slv_err admin_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	struct admin *self = SLV_ALLOC(struct admin);
	self->settings = place->settings;
	(void)env;
	*ret_self = self;
	return SLV_OK;
}

static void admin_stop(void *me)
{
	slv_free(me);
}

const struct slv_service slv_admin_service = {
	.name = "admin",
	.start = admin_start,
	.serve = admin_serve,
	.stop = admin_stop,
};
