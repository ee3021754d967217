/* service.h - what a service is, and what it may ask of the edge
 *
 * A service is one const table, listed by hand in main/services.c. Each loop has its
 * own instance per route that names the service, so that an instance needs no locks;
 * what instances share is in `store` or behind posts.
 */
#ifndef SLV_SERVICE_SERVICE_H
#define SLV_SERVICE_SERVICE_H

#include "conf/schema.h"
#include "http/message.h"
#include "loop/loop.h"
#include "loop/metric.h"

struct slv_service_env;
struct slv_image_lanes;
struct slv_cache;
struct slv_client;
struct slv_omaps;
struct slv_blobs;

/* What the edge does for a service. */
struct slv_service_env_ops {
	/* Route and serve a request that the program makes itself (its sink is the caller's), for
	 * the site that `req->site` or `req->host` names. Past a req->depth of 4 it is
	 * answered with SLV_E_CYCLE. */
	void (*dispatch)(struct slv_service_env *env, struct slv_req *req);
	/* Is what `site` answers at the decoded `path` the same for every query and spelling? See
	 * slv_service.path_only. Never waits. */
	bool (*path_only)(struct slv_service_env *env, uint32_t site, slv_str path);
};

/* One per loop; outlives the services. */
struct slv_service_env {
	const struct slv_service_env_ops *ops;
	struct slv_loop *loop;
	struct slv_metrics *metrics;
	struct slv_cache *cache;       /* shared by the loops; store/cache.h */
	struct slv_image_lanes *lanes; /* shared by the loops; proc/lanes.h */
	struct slv_client *client;     /* of this loop; client/client.h */
	struct slv_omaps *maps;        /* shared by the loops; store/omap/omap.h */
	struct slv_blobs *blobs;       /* likewise; store/blob/blob.h */
	void *const *shared;           /* by index of the service, as opened; or NULL */
};

/* What is to be forgotten. */
struct slv_purge {
	enum { SLV_PURGE_URL, SLV_PURGE_SOURCE, SLV_PURGE_ALL } what;
	slv_str host;   /* of URL and SOURCE: the site's; empty: every site's */
	slv_str target; /* of URL: a request target as in a link; of SOURCE: a path of the site, or
	                   the URL of an allowed origin */
};

/* Where an instance sits. */
struct slv_service_place {
	void *shared;         /* what slv_service.open() made, or NULL */
	slv_str route_path;   /* the prefix of its route, as "/samples/" */
	slv_str site_name;    /* the site's first host, which names it in keys */
	uint32_t site;        /* the same as a number from 1, on every loop, for slv_req.site */
	const void *settings; /* the struct that `keys` describe; of the configuration's life */
};

struct slv_service {
	const char *name;                /* config section, metric prefix */
	const struct slv_conf_key *keys; /* settings it accepts; ends with {0} */
	size_t settings_size;            /* of the struct that they fill */
	bool path_only; /* only req->path says what it answers: neither the query does nor how the
	                   path was spelled, so whoever names answers need not tell those apart */
	/* Optional: check the settings beyond their types, when they are read. `scratch` holds
	 * texts. */
	slv_err (*check)(struct slv_arena *scratch, const void *settings);
	/* Optional: once per process, before any start and on no loop yet: what the instances of
	 * all loops share. `home` is the loop that such things live on. */
	slv_err (*open)(struct slv_service_env *home, void **ret_shared);
	/* Once per loop and route. `*ret_self` is that loop's instance. All loops' instances are
	 * started before any loop runs. */
	slv_err (*start)(struct slv_service_env *env, const struct slv_service_place *place,
			void **ret_self);
	/* Optional: asked before routing; an error refuses `req`. Never waits. */
	slv_err (*admit)(void *self, struct slv_req *req);
	/* Owes `req` one reply, now or later. An error returned is that reply. */
	slv_err (*serve)(void *self, struct slv_req *req);
	/* Optional: forget what is cached. Asked of every instance of one loop. Returns how many
	 * cached things it named. */
	size_t (*purge)(void *self, const struct slv_purge *purge);
	void (*stop)(void *self);    /* after its last reply */
	void (*close)(void *shared); /* after every stop; on the home loop, which still runs */
};

#endif
