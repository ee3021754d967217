#include "edge/edge.h"

#include "base/assert.h"
#include "base/mem.h"
#include "edge/private.h"
#include "http/problem.h"
#include "loop/log.h"

#define ARENA_BLOCK_BYTES SLV_KIB(16)
#define ARENA_BYTES_MAX SLV_MIB(64) /* routes and instances of one loop */
#define LINE_BYTES_MAX SLV_KIB(32)  /* of the access log */
#define HOST_BYTES_MAX 255u         /* RFC 1035 section 2.3.4 */
#define ADDRESS_BYTES_MAX 64u
#define DEPTH_MAX 4u /* requests inside requests */

static void env_dispatch(struct slv_service_env *env, struct slv_req *req);
static bool env_path_only(struct slv_service_env *env, uint32_t site, slv_str path);

static const struct slv_service_env_ops env_ops = { .dispatch = env_dispatch,
	.path_only = env_path_only };

/* The env's ops find their edge again through the object that holds both. */
struct edge_env {
	struct slv_service_env env;
	struct slv_edge *edge;
};

static slv_err edge_start(struct slv_edge *edge, struct slv_arena *scratch)
{
	slv_err err = edge_tallies_start(edge);
	if (slv_failed(err))
		return err;
	err = edge_routes_start(edge, scratch);
	if (slv_failed(err))
		return err;
	edge_sampler_start(edge);
	return SLV_OK;
}

slv_err slv_edge_new(struct slv_arena *scratch, const struct slv_service_env *env,
		const struct slv_edge_conf *conf, struct slv_log *access,
		struct slv_edge **ret_edge)
{
	struct slv_edge *edge = SLV_ALLOC(struct slv_edge);
	slv_arena_init(&edge->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	slv_buf_init(&edge->line, LINE_BYTES_MAX);
	slv_map_init(&edge->hosts, slv_loop_hash_key(env->loop));
	slv_map_init(&edge->suffixes, slv_loop_hash_key(env->loop));
	edge->conf = conf;
	edge->loop = env->loop;
	edge->access = access;

	struct edge_env *own = SLV_NEW(&edge->arena, struct edge_env);
	slv_assert(own);
	own->env = *env;
	own->env.ops = &env_ops;
	own->edge = edge;
	edge->env = &own->env;

	slv_err err = edge_start(edge, scratch);
	if (slv_failed(err)) {
		slv_edge_free(edge);
		return err;
	}
	*ret_edge = edge;
	return SLV_OK;
}

void slv_edge_free(struct slv_edge *edge)
{
	if (!edge)
		return;
	slv_loop_assert(edge->loop);
	edge_sampler_stop(edge);
	edge_routes_stop(edge);
	slv_map_done(&edge->hosts);
	slv_map_done(&edge->suffixes);
	slv_buf_done(&edge->line);
	slv_arena_done(&edge->arena);
	slv_free(edge);
}

slv_str slv_edge_date(struct slv_edge *edge)
{
	int64_t now_s = slv_loop_wall_s(edge->loop);
	if (now_s != edge->date_s) {
		slv_date_print(now_s, edge->date);
		edge->date_s = now_s;
	}
	return (slv_str){ edge->date, SLV_DATE_BYTES };
}

slv_err edge_host(struct slv_arena *arena, slv_str text, slv_str *ret_name, uint16_t *ret_port)
{
	struct slv_host host;
	*ret_name = (slv_str){ 0 };
	*ret_port = 0;
	if (!text.len)
		return SLV_OK;
	if (text.len > HOST_BYTES_MAX)
		return SLV_ERR(SLV_E_SYNTAX, "host is longer than 255 bytes");
	slv_err err = slv_host_parse(text, &host);
	if (slv_failed(err))
		return err;

	slv_str name = slv_str_copy_lower(arena, host.name);
	if (!name.at)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (slv_str_ends(name, SLV_STR(".")))
		name.len--; /* the same name, written fully */
	*ret_name = name;
	*ret_port = host.port;
	return SLV_OK;
}

/* Who the client is, and what host it asked for, as the nearest proxy that we trust tells. */
static slv_err find_client(struct slv_edge *edge, struct slv_req *req)
{
	slv_str host = req->uri.authority.len ? req->uri.authority
	                                      : slv_fields_get(&req->fields, SLV_FIELD_HOST);
	req->client = req->peer;
	if (edge->conf->trusted.count) {
		struct slv_forwarded told;
		slv_forwarded_find(&req->fields, edge->conf->forwarded, &req->peer,
				edge->conf->trusted.at, edge->conf->trusted.count, &told);
		req->client = told.client;
		if (told.scheme.len)
			req->scheme = told.scheme;
		if (told.host.len)
			host = told.host;
	}
	return edge_host(req->arena, host, &req->host, &req->host_port);
}

static slv_err admit_services(const struct edge_site *site, struct slv_req *req)
{
	for (size_t i = 0; i < site->count; i++) {
		const struct edge_route *route = &site->routes[i];
		if (!route->service->admit)
			continue;
		slv_err err = route->service->admit(route->self, req);
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

/* OPTIONS of the server as a whole (RFC 9110 section 9.3.7). */
static slv_err answer_for_all(struct slv_req *req)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, 204);
	slv_err err = slv_fields_add_id(
			&reply.fields, SLV_FIELD_ALLOW, SLV_STR("GET, HEAD, OPTIONS"));
	if (slv_failed(err))
		return err;
	slv_req_reply(req, &reply);
	return SLV_OK;
}

static slv_err dispatch(struct slv_edge *edge, struct slv_req *req)
{
	if (slv_str_eq(req->uri.path, SLV_STR("*")))
		return answer_for_all(req);
	slv_assert(req->site <= edge->sites_count);
	slv_err err = SLV_OK;
	req->path = req->uri.path;
	if (!edge->conf->raw_paths)
		err = slv_uri_decode_path(req->arena, req->uri.path, &req->path);
	if (slv_failed(err))
		return err;
	const struct edge_site *site =
			req->site ? &edge->sites[req->site - 1] : edge_site_find(edge, req->host);
	if (!site)
		return SLV_ERR(SLV_E_MISDIRECTED, "no site has this host");
	err = admit_services(site, req);
	if (slv_failed(err))
		return err;
	const struct edge_route *route = edge_route_find(site, req->path);
	if (!route)
		return SLV_ERR(SLV_E_MISSING, "no route leads there");

	req->service = route->tally->name;
	req->edge = route->tally;
	return route->service->serve(route->self, req);
}

void slv_edge_request(struct slv_edge *edge, struct slv_req *req)
{
	slv_loop_assert(edge->loop);
	slv_metric_add(edge->in_flight, 1);
	slv_err err = edge_admit(edge);
	slv_err told = find_client(edge, req); /* first of all, for the log */
	if (!slv_failed(err))
		err = told;
	if (!slv_failed(err))
		err = dispatch(edge, req);
	if (slv_failed(err))
		slv_problem_reply(req, err);
}

void slv_edge_refuse(struct slv_edge *edge, struct slv_req *req, slv_err err)
{
	slv_loop_assert(edge->loop);
	slv_metric_add(edge->in_flight, 1);
	slv_str target = req->target;
	if (!req->uri.path.at)
		req->uri.path = slv_str_cut(&target, '?');
	(void)find_client(edge, req); /* `err` is the earlier mistake */
	slv_edge_refused(edge, &req->peer, err);
	slv_problem_reply(req, err);
}

static void env_dispatch(struct slv_service_env *env, struct slv_req *req)
{
	struct edge_env *own = SLV_CONTAINER(env, struct edge_env, env);
	slv_err err = req->depth > DEPTH_MAX ? SLV_ERR(SLV_E_CYCLE, "the source leads back to "
								    "itself more than 4 times")
	                                     : find_client(own->edge, req);
	if (!slv_failed(err))
		err = dispatch(own->edge, req);
	if (slv_failed(err))
		slv_problem_reply(req, err);
}

static bool env_path_only(struct slv_service_env *env, uint32_t site, slv_str path)
{
	const struct slv_edge *edge = SLV_CONTAINER(env, struct edge_env, env)->edge;
	slv_assert(site && site <= edge->sites_count);
	const struct edge_route *route = edge_route_find(&edge->sites[site - 1], path);
	return route && route->service->path_only;
}

void slv_edge_finish(struct slv_edge *edge, struct slv_req *req)
{
	slv_loop_assert(edge->loop);
	slv_metric_sub(edge->in_flight, 1);
	edge_tally(edge, req);
	edge_access(edge, req);
	edge_failure(edge, req);
}

void slv_edge_cancel(struct slv_edge *edge, struct slv_req *req)
{
	slv_metric_add(edge->cancelled, 1);
	if (req->on_cancel)
		req->on_cancel(req);
}

void slv_edge_refused(struct slv_edge *edge, const struct slv_addr *peer, slv_err err)
{
	slv_metric_add(edge->refused, 1);
	struct slv_buf address;
	slv_buf_init(&address, ADDRESS_BYTES_MAX);
	slv_addr_print(peer, &address);
	slv_log(slv_loop_log(edge->loop), SLV_DEBUG, "edge.refused",
			SLV_KV("peer", slv_buf_str(&address)),
			SLV_KV("code", slv_code_name(err.code)), SLV_KV("why", err.what));
	slv_buf_done(&address);
}
