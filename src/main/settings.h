/* settings.h - the whole configuration file as one struct */
#ifndef SLV_MAIN_SETTINGS_H
#define SLV_MAIN_SETTINGS_H

#include "base/arena.h"
#include "client/client.h"
#include "conf/conf.h"
#include "edge/edge.h"
#include "listen/listen.h"
#include "proc/lanes.h"
#include "proc/parent.h"
#include "service/image/hosted/hosted.h"
#include "store/cache.h"

struct settings {
	slv_str data;                         /* folder of all that lasts */
	int64_t loops;                        /* 0: one a core */
	struct slv_conf_list listen;          /* of struct slv_listen_conf */
	struct slv_conf_list sites;           /* of struct slv_edge_site */
	struct slv_conf_list trusted_proxies; /* of slv_str */
	int64_t trusted_field;                /* enum slv_forwarded_family, less its NONE */
	struct {
		struct slv_listen_conf listen;
		slv_str token;
		struct slv_conf_list hosts; /* of slv_str */
		bool enabled;
	} admin;
	struct {
		struct slv_listen_conf listen;
		struct slv_conf_list hosts; /* of slv_str */
		int64_t keep_replaced_s;
		bool enabled;
	} s3;
	struct {
		int64_t level; /* enum slv_level */
		bool access;
	} log;
	struct {
		int64_t memory_bytes, disk_bytes, entry_bytes;
	} cache;
	struct {
		int64_t count, queue_max, jobs_per_jail, memory_bytes, memory_limit_bytes;
	} jails;
	struct {
		slv_str maps, blobs; /* URLs; empty: in folders of `data` */
		slv_str blobs_secret;
	} store;
	struct slv_hosted_settings images_store;
	struct slv_client_conf client;
	struct {
		int64_t memory_bytes, lag_ms;
	} overload;
	int64_t ready_ms, drain_ms, ticket_key_s;
};

/* The rows of struct settings. */
extern const struct slv_conf_key settings_keys[];

/* The configuration that `selvedge serve` runs without a file. */
extern const char settings_builtin[];

/* Read and check everything that can be checked without opening sockets. `path` NULL: the built-in
 * text. The text of an error has a mistake a line, for people. */
slv_err settings_load(struct slv_arena *arena, const char *path, struct slv_conf **ret_conf);
slv_err settings_parse(struct slv_arena *arena, slv_str text, const char *name, const char *folder,
		struct slv_conf **ret_conf);

/* All listeners that there are: those of the sites, then S3's, then the admin's. Returns how many.
 */
size_t settings_listeners(const struct settings *settings,
		const struct slv_listen_conf *ret_listeners[static SLV_LISTENERS_MAX]);

/* How many loops there will be. */
uint32_t settings_loops(const struct settings *settings);

/* The networks of trusted_proxies, as struct slv_net in `arena`. */
slv_err settings_trusted(struct slv_arena *arena, const struct settings *settings,
		struct slv_conf_list *ret_nets);

/* URLs of the stores: what `store` says, or a folder of `data`. at == NULL: no memory. */
slv_str settings_maps(struct slv_arena *arena, const struct settings *settings);
slv_str settings_blobs(struct slv_arena *arena, const struct settings *settings);

#endif
