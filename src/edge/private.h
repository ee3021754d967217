/* private.h - what the stages share of one edge */
#ifndef SLV_EDGE_PRIVATE_H
#define SLV_EDGE_PRIVATE_H

#include "base/map.h"
#include "edge/edge.h"
#include "http/date.h"

struct edge_route {
	slv_str path;
	const struct slv_service *service;
	void *self;               /* this loop's instance */
	struct edge_tally *tally; /* of its service */
};

struct edge_site {
	struct edge_route *routes; /* longest prefix first */
	size_t count;
};

enum { EDGE_CLASSES = 6 }; /* of statuses: none sent, 1xx … 5xx */

/* The counters of one service. */
struct edge_tally {
	slv_str name;
	struct slv_metric *requests[EDGE_CLASSES];
	struct slv_metric *sent_bytes;
	struct slv_metric *took_ms;
};

struct slv_edge {
	struct slv_service_env *env;
	const struct slv_edge_conf *conf;
	struct slv_loop *loop;
	struct slv_log *access;

	struct edge_site *sites; /* as in conf->sites */
	size_t sites_count;
	size_t services_count;
	struct slv_map hosts;    /* of struct edge_site by exact name */
	struct slv_map suffixes; /* likewise, by ".example.com" */
	struct edge_site *any;   /* of the host "*"; or NULL */

	struct edge_tally *tallies; /* one a service, and one behind for requests without */
	struct slv_metric *in_flight, *refused, *cancelled;

	struct slv_timer sampler;
	uint64_t sampled_ms; /* when the sampler should have run */
	unsigned pressure;   /* percent */

	int64_t date_s; /* what `date` says */
	char date[SLV_DATE_BYTES];

	struct slv_buf line; /* of the access log, reused */
	struct slv_arena arena;
};

/* route.c: the site of a host name in lower case; its route for a decoded path. NULL if none. */
slv_err edge_routes_start(struct slv_edge *edge, struct slv_arena *scratch);
void edge_routes_stop(struct slv_edge *edge);
const struct edge_site *edge_site_find(const struct slv_edge *edge, slv_str host);
const struct edge_route *edge_route_find(const struct edge_site *site, slv_str path);

/* edge.c: the name in lower case, without port and final dot, in `arena` */
slv_err edge_host(struct slv_arena *arena, slv_str text, slv_str *ret_name, uint16_t *ret_port);

/* admit.c */
void edge_sampler_start(struct slv_edge *edge);
void edge_sampler_stop(struct slv_edge *edge);
slv_err edge_admit(struct slv_edge *edge);

/* log.c */
slv_err edge_tallies_start(struct slv_edge *edge);
void edge_tally(struct slv_edge *edge, const struct slv_req *req);
void edge_access(struct slv_edge *edge, const struct slv_req *req);
void edge_failure(struct slv_edge *edge, const struct slv_req *req); /* tells why, of a 500 */

#endif
