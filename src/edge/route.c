#include "base/assert.h"
#include "edge/edge.h"
#include "edge/private.h"

#include <stdlib.h>

#define NO_MEMORY SLV_ERR(SLV_E_LIMIT, "too many routes for one edge (64 MiB)")

static const struct slv_service *service_of(const struct slv_edge_conf *conf,
		const struct slv_edge_route *route, size_t *ret_index)
{
	for (size_t i = 0; conf->services[i]; i++) {
		if (!route->settings[i])
			continue;
		*ret_index = i;
		return conf->services[i];
	}
	return NULL;
}

static slv_err check_route(struct slv_arena *scratch, const struct slv_edge_conf *conf,
		const struct slv_edge_route *route)
{
	if (!slv_str_starts(route->path, SLV_STR("/")))
		return slv_err_printf(scratch, SLV_E_SYNTAX,
				"route path '%.*s' must begin with '/'", SLV_FMT(route->path));
	if (slv_str_find_str(route->path, SLV_STR("//")) < route->path.len)
		return slv_err_printf(scratch, SLV_E_SYNTAX,
				"route path '%.*s' has two slashes in a row; requests have one "
				"there, however many were sent",
				SLV_FMT(route->path));
	size_t count = 0;
	for (size_t i = 0; conf->services[i]; i++) {
		if (!route->settings[i])
			continue;
		count++;
		if (!conf->services[i]->check)
			continue;
		slv_err err = conf->services[i]->check(scratch, route->settings[i]);
		if (slv_failed(err))
			return slv_err_wrap(scratch, err, "route '%.*s', %s", SLV_FMT(route->path),
					conf->services[i]->name);
	}
	if (count != 1)
		return slv_err_printf(scratch, SLV_E_SYNTAX,
				"route '%.*s' has %zu services; exactly one is needed",
				SLV_FMT(route->path), count);
	return SLV_OK;
}

static slv_err check_host(struct slv_arena *scratch, slv_str host)
{
	struct slv_host parsed;
	slv_str name = slv_str_starts(host, SLV_STR("*.")) ? slv_str_from_index(host, 2) : host;
	if (slv_str_eq(host, SLV_STR("*")))
		return SLV_OK;
	if (slv_failed(slv_host_parse(name, &parsed)) || parsed.port)
		return slv_err_printf(scratch, SLV_E_SYNTAX,
				"host '%.*s' is none; write a name without port, '*.name' or '*'",
				SLV_FMT(host));
	for (size_t i = 0; i < host.len; i++)
		if (host.at[i] != slv_lower(host.at[i]))
			return slv_err_printf(scratch, SLV_E_SYNTAX,
					"host '%.*s' must be in lower case", SLV_FMT(host));
	return SLV_OK;
}

static slv_err check_paths_differ(struct slv_arena *scratch, const struct slv_edge_site *site)
{
	const struct slv_edge_route *routes = site->routes.at;
	for (size_t k = 1; k < site->routes.count; k++)
		for (size_t m = 0; m < k; m++)
			if (slv_str_eq(routes[k].path, routes[m].path))
				return slv_err_printf(scratch, SLV_E_SYNTAX,
						"two routes have the path '%.*s'",
						SLV_FMT(routes[k].path));
	return SLV_OK;
}

static slv_err check_hosts_differ(
		struct slv_arena *scratch, const struct slv_edge_site *site, struct slv_map *hosts)
{
	const slv_str *names = site->hosts.at;
	for (size_t k = 0; k < site->hosts.count; k++)
		if (slv_map_put(hosts, names[k], hosts))
			return slv_err_printf(scratch, SLV_E_SYNTAX,
					"two sites have the host '%.*s'", SLV_FMT(names[k]));
	return SLV_OK;
}

static slv_err check_unique(struct slv_arena *scratch, const struct slv_edge_conf *conf)
{
	const struct slv_edge_site *sites = conf->sites.at;
	struct slv_map hosts;
	slv_err err = SLV_OK;
	slv_map_init(&hosts, (struct slv_hash_key){ 0 }); /* its keys are our own settings */
	for (size_t i = 0; i < conf->sites.count && !slv_failed(err); i++) {
		err = check_hosts_differ(scratch, &sites[i], &hosts);
		if (!slv_failed(err))
			err = check_paths_differ(scratch, &sites[i]);
	}
	slv_map_done(&hosts);
	return err;
}

slv_err slv_edge_conf_check(struct slv_arena *scratch, const struct slv_edge_conf *conf)
{
	const struct slv_edge_site *sites = conf->sites.at;
	for (size_t i = 0; i < conf->sites.count; i++) {
		const slv_str *hosts = sites[i].hosts.at;
		const struct slv_edge_route *routes = sites[i].routes.at;
		for (size_t k = 0; k < sites[i].hosts.count; k++) {
			slv_err err = check_host(scratch, hosts[k]);
			if (slv_failed(err))
				return err;
		}
		for (size_t k = 0; k < sites[i].routes.count; k++) {
			slv_err err = check_route(scratch, conf, &routes[k]);
			if (slv_failed(err))
				return err;
		}
	}
	return check_unique(scratch, conf);
}

static int longest_first(const void *a, const void *b)
{
	const struct edge_route *left = a, *right = b;
	return (left->path.len < right->path.len) - (left->path.len > right->path.len);
}

static slv_err start_route(struct slv_edge *edge, const struct slv_edge_site *site,
		const struct slv_edge_route *conf, struct edge_route *route)
{
	size_t index = 0;
	const slv_str *hosts = site->hosts.at;
	route->path = conf->path;
	const struct slv_service *service = service_of(edge->conf, conf, &index);
	slv_assert(service); /* slv_edge_conf_check() has seen to it */
	struct slv_service_place place = {
		.route_path = conf->path,
		.shared = edge->env->shared ? edge->env->shared[index] : NULL,
		.site_name = hosts[0],
		.site = (uint32_t)(site - (const struct slv_edge_site *)edge->conf->sites.at) + 1,
		.settings = conf->settings[index],
	};
	slv_err err = service->start(edge->env, &place, &route->self);
	if (slv_failed(err))
		return err;
	route->service = service;
	route->tally = &edge->tallies[index];
	return SLV_OK;
}

static slv_err start_site(struct slv_edge *edge, struct slv_arena *scratch,
		const struct slv_edge_site *conf, struct edge_site *site)
{
	const struct slv_edge_route *routes = conf->routes.at;
	site->routes = SLV_NEW_ARRAY(&edge->arena, struct edge_route, conf->routes.count);
	if (!site->routes)
		return NO_MEMORY;
	for (; site->count < conf->routes.count; site->count++) {
		slv_err err = start_route(
				edge, conf, &routes[site->count], &site->routes[site->count]);
		if (slv_failed(err))
			return slv_err_wrap(scratch, err, "route '%.*s'",
					SLV_FMT(routes[site->count].path));
	}
	qsort(site->routes, site->count, sizeof(*site->routes), longest_first);

	const slv_str *hosts = conf->hosts.at;
	for (size_t i = 0; i < conf->hosts.count; i++) {
		void *before = NULL;
		if (slv_str_eq(hosts[i], SLV_STR("*"))) {
			before = edge->any;
			edge->any = site;
		} else if (slv_str_starts(hosts[i], SLV_STR("*."))) {
			before = slv_map_put(
					&edge->suffixes, slv_str_from_index(hosts[i], 1), site);
		} else {
			before = slv_map_put(&edge->hosts, hosts[i], site);
		}
		if (before)
			return slv_err_printf(scratch, SLV_E_SYNTAX,
					"two sites have the host '%.*s'", SLV_FMT(hosts[i]));
	}
	return SLV_OK;
}

slv_err edge_routes_start(struct slv_edge *edge, struct slv_arena *scratch)
{
	const struct slv_edge_site *sites = edge->conf->sites.at;
	edge->sites = SLV_NEW_ARRAY(&edge->arena, struct edge_site, edge->conf->sites.count);
	if (!edge->sites)
		return NO_MEMORY;
	for (size_t i = 0; i < edge->conf->sites.count; i++) {
		edge->sites_count++;
		slv_err err = start_site(edge, scratch, &sites[i], &edge->sites[i]);
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

void edge_routes_stop(struct slv_edge *edge)
{
	for (size_t i = 0; i < edge->sites_count; i++)
		for (size_t k = 0; k < edge->sites[i].count; k++)
			edge->sites[i].routes[k].service->stop(edge->sites[i].routes[k].self);
}

const struct edge_site *edge_site_find(const struct slv_edge *edge, slv_str host)
{
	const struct edge_site *site = slv_map_get(&edge->hosts, host);
	/* "*.example.com" covers every depth below it; the longest one wins. */
	for (size_t dot = slv_str_find(host, '.'); !site && edge->suffixes.count && dot < host.len;
			dot += 1 + slv_str_find(slv_str_from_index(host, dot + 1), '.'))
		site = slv_map_get(&edge->suffixes, slv_str_from_index(host, dot));
	return site ? site : edge->any;
}

const struct edge_route *edge_route_find(const struct edge_site *site, slv_str path)
{
	for (size_t i = 0; i < site->count; i++)
		if (slv_str_starts(path, site->routes[i].path))
			return &site->routes[i];
	return NULL;
}

static size_t purge_site(const struct edge_site *site, const struct slv_purge *purge)
{
	size_t named = 0;
	for (size_t i = 0; i < site->count; i++)
		if (site->routes[i].service->purge)
			named += site->routes[i].service->purge(site->routes[i].self, purge);
	return named;
}

size_t slv_edge_purge(
		struct slv_edge *edge, struct slv_arena *scratch, const struct slv_purge *purge)
{
	size_t named = 0;
	slv_str host;
	uint16_t port;
	bool all = purge->what == SLV_PURGE_ALL || !purge->host.len;
	if (slv_failed(edge_host(scratch, purge->host, &host, &port)))
		return 0;
	const struct edge_site *site = all ? NULL : edge_site_find(edge, host);
	for (size_t i = 0; i < edge->sites_count; i++)
		if (all || &edge->sites[i] == site)
			named += purge_site(&edge->sites[i], purge);
	return named;
}
