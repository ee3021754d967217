/* admin.h - the service of the admin listener
 *
 *	GET  /healthz   200 while the process handles requests
 *	GET  /readyz    200 while it takes new ones, 503 while it drains
 *	GET  /metrics   Prometheus text, all loops summed
 *	POST /purge     {"url": "…"} | {"source": "…", "host": "…"} | {"all": true}
 *
 * A URL without a host, and a source without `host`, is forgotten by every site.
 *
 * It is no route of a site: main gives it an edge of its own, on loop 0, which has no marks
 * of overload, so that health can be asked while the program is busiest.
 */
#ifndef SLV_SERVICE_ADMIN_ADMIN_H
#define SLV_SERVICE_ADMIN_ADMIN_H

#include "service/service.h"

extern const struct slv_service slv_admin_service;

/* The settings of its route, made by main. Outlives the service. */
struct slv_admin_settings {
	struct slv_metrics *const *metrics; /* of all loops */
	size_t metrics_count;
	slv_str token;              /* of /purge; empty: only clients on this machine may */
	struct slv_conf_list hosts; /* of slv_str: names it answers to besides localhost and
	                               addresses */
	const bool *draining;
	/* Before metrics are printed: bring gauges up to date. */
	void (*refresh)(void *arg);
	/* Forget; returns how much was named. */
	size_t (*purge)(void *arg, struct slv_arena *scratch, const struct slv_purge *purge);
	void *arg;
};

#endif
