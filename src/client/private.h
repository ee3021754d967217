/* private.h - targets, and what the client and its transfers share */
#ifndef SLV_CLIENT_PRIVATE_H
#define SLV_CLIENT_PRIVATE_H

#include "base/buf.h"
#include "client/client.h"

#include <curl/curl.h>

#define CLIENT_URL_BYTES_MAX 4096u
#define CLIENT_HEAD_BYTES_MAX SLV_KIB(64) /* of one reply */
#define CLIENT_PACE_MS 10000u             /* over which floor_bytes_s is looked at */
#define CLIENT_BYTES_MAX SLV_MIB(1024)    /* of all bodies that are being fetched */

/* --- target.c: where a hop goes --- */

/* A URL in the one form that is both asked about and sent: scheme and host in lower case, no
 * user information, no default port, no fragment, no dot segments. The views are of `url`. */
struct target {
	char url[CLIENT_URL_BYTES_MAX + 1]; /* terminated */
	slv_str scheme, host, path, query;  /* `host` without brackets; `query` with its '?' */
	uint16_t port;
};

/* SLV_E_SOURCE: no http or https URL, with user information, longer than 4096 bytes, or with
 * dot segments hidden behind encoded slashes or a backslash. */
slv_err target_parse(slv_str url, struct target *ret_target);

/* Resolve a Location against the target that sent it (RFC 3986 section 5.2). SLV_E_DENIED: a
 * scheme other than http and https; SLV_E_UPSTREAM: whatever target_parse() refuses. */
slv_err target_follow(const struct target *base, slv_str location, struct target *ret_target);

/* --- client.c --- */

struct slv_client {
	struct slv_loop *loop;
	struct slv_client_conf conf;
	char *ca_path; /* terminated; NULL: the system's */
	CURLM *multi;
	struct slv_timer timer;    /* curl's */
	struct slv_list transfers; /* of struct transfer, until they have reported */
	int64_t count;             /* of those under way */
	uint64_t bytes_held;       /* of bodies that their fetch still has */
	bool closing;
	struct slv_metric *under_way, *bytes, *results[SLV_E_COUNT]; /* NULL without metrics */

	/* What tests put something else for. */
	bool (*address_ok)(const uint8_t ip[16], const char **ret_why);
	struct curl_slist *resolve; /* CURLOPT_RESOLVE(3) */
	uint64_t bytes_held_max;    /* CLIENT_BYTES_MAX */
};

/* --- transfer.c: one fetch --- */

struct transfer;

/* The hop that `easy` is on has ended. */
void transfer_hop_done(CURL *easy, CURLcode result);

/* Call the callbacks of all, those under way with SLV_E_CANCELLED. */
void transfers_end(struct slv_client *client);

#endif
