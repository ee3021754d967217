/* edge.h - the pipeline: what happens to a request between protocol and service
 *
 * One edge per loop, a file per stage:
 *
 *	begin    normalise host and path, find the client behind trusted proxies   edge.c
 *	admit    refuse what the program cannot take now                           admit.c
 *	route    host and path to one service                                      route.c
 *	dispatch hand over; an error becomes a reply                               edge.c
 *	finish   one line in the access log, counters                              log.c
 *
 * Thread: its loop.
 */
#ifndef SLV_EDGE_EDGE_H
#define SLV_EDGE_EDGE_H

#include "conf/schema.h"
#include "http/forwarded.h"
#include "http/message.h"
#include "loop/loop.h"
#include "loop/metric.h"
#include "service/service.h"

struct slv_edge;

#define SLV_SERVICES_MAX 8

/* A route has a path prefix and the settings of exactly one service. */
struct slv_edge_route {
	slv_str path;
	const void *settings[SLV_SERVICES_MAX]; /* by index in slv_edge_conf.services; all but one
	                                           NULL */
};

struct slv_edge_site {
	struct slv_conf_list hosts;  /* of slv_str: "example.com", "*.example.com", "*" */
	struct slv_conf_list routes; /* of struct slv_edge_route */
};

struct slv_edge_conf {
	const struct slv_service *const *services; /* ends with NULL */
	struct slv_conf_list sites;                /* of struct slv_edge_site */
	struct slv_conf_list trusted; /* of struct slv_net: whose forwarding fields we believe */
	enum slv_forwarded_family forwarded; /* and which of them they write */
	uint64_t rss_kib_max; /* above 85 % of it new requests are shed; 0: no mark */
	uint32_t lag_ms_max;  /* a loop that lags more sheds new requests */
	bool raw_paths; /* req->path is as sent, with all its escapes: for services that decode
	                   the names in it themselves, because any byte may be in them */
};

/* Settings beyond their types: hosts, prefixes, one service a route, trusted networks. The error
 * has no position; the reader adds it. */
slv_err slv_edge_conf_check(struct slv_arena *scratch, const struct slv_edge_conf *conf);

/* Start every route's service. `conf` outlives the edge; `env` is copied and its ops filled in.
 * `access` is where the access log goes; NULL: nowhere. */
slv_err slv_edge_new(struct slv_arena *scratch, const struct slv_service_env *env,
		const struct slv_edge_conf *conf, struct slv_log *access,
		struct slv_edge **ret_edge);

/* After the last request is finished. NULL is fine. */
void slv_edge_free(struct slv_edge *edge);

/* Ask every instance of this loop to forget; returns how much was named. `purge->host` may have
 * any case and a port; without one it is asked of every site. */
size_t slv_edge_purge(
		struct slv_edge *edge, struct slv_arena *scratch, const struct slv_purge *purge);

/* The header of `req` is complete. Owes one reply to its sink. `host` and `client` and `path` are
 * worked out here from what proto filled in: method, target, uri, fields, scheme, version, peer. */
void slv_edge_request(struct slv_edge *edge, struct slv_req *req);

/* Instead of slv_edge_request(): `req` is not served because of `err`, which is its reply: its
 * header did not parse, came too slowly, or is past a limit. Counted and logged as by
 * slv_edge_refused() and, as slv_edge_finish() is owed likewise, in the access log. Of what proto
 * fills in, arena, sink, peer and `fields` (with an arena) are needed; what was not understood is
 * empty. */
void slv_edge_refuse(struct slv_edge *edge, struct slv_req *req, slv_err err);

/* Sent, or given up: the last call for `req`. */
void slv_edge_finish(struct slv_edge *edge, struct slv_req *req);

/* The client of `req` is gone. Tells whoever holds it, if anybody does. */
void slv_edge_cancel(struct slv_edge *edge, struct slv_req *req);

/* Count what never became a request (a syntax error, a flood) and log it with its reason. */
void slv_edge_refused(struct slv_edge *edge, const struct slv_addr *peer, slv_err err);

/* How near the program is to its bounds of memory and lag, in percent, sampled twice a second.
 * From 85 on no new HTTP/2 streams are taken, from 92 on connections are not kept alive, from 97
 * on they are not accepted, from 100 on requests are refused. 0 where the edge has no marks. */
unsigned slv_edge_pressure(const struct slv_edge *edge);

/* The Date of replies sent now; valid until the next call. */
slv_str slv_edge_date(struct slv_edge *edge);

#endif
