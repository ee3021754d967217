/* client.h - fetching from other people's servers, guarded
 *
 * For control traffic and for the sources of pictures: whole documents of bounded size, over
 * HTTP(S) by libcurl. A fetch may send a body, too: so commands upload. What may be reached is
 * decided by the address that a name resolves to, at every hop and for the very address that is
 * connected to, so that neither a redirect nor a name that resolves twice (rebinding) leads inside.
 * One client per loop. Bodies are in memory files, so that all that are being fetched at once have
 * a bound, 1 GiB, beside each one's own.
 *
 * Thread: its loop.
 */
#ifndef SLV_CLIENT_CLIENT_H
#define SLV_CLIENT_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "conf/schema.h"
#include "http/addr.h"
#include "http/field.h"
#include "loop/loop.h"
#include "loop/metric.h"

struct slv_client;

/* What each request says in CDN-Loop (RFC 8586), so that one that comes back is known. */
#define SLV_CLIENT_LOOP_ID "selvedge"

struct slv_client_conf {
	int64_t connect_ms;               /* 5000 */
	int64_t total_ms;                 /* 15000: of one fetch, redirects included */
	int64_t floor_bytes_s;            /* 1024: slower than that for 10 s is given up */
	int64_t redirects_max;            /* 3 */
	int64_t fetches_max;              /* 64 at once per loop; past it SLV_E_BUSY */
	int64_t connections_per_host_max; /* 8 */
	bool private_networks; /* allow loopback, private, link-local and kin: for tests and
	                          closed networks; off */
	bool verify_tls;       /* on */
	slv_str ca_path;       /* PEM; empty: the system's */
};

extern const struct slv_conf_key slv_client_keys[];

struct slv_client *slv_client_new(struct slv_loop *loop, const struct slv_client_conf *conf,
		struct slv_metrics *metrics);

/* Cancels what is under way (its callbacks come with SLV_E_CANCELLED first). NULL is fine. */
void slv_client_free(struct slv_client *client);

/* May `ip` be connected to? False for everything but public unicast: loopback, private, shared
 * (RFC 6598), link-local, multicast, reserved, documentation, and IPv4 of those kinds inside
 * IPv6: mapped, NAT64, ISATAP. Embeddings that no public server lives in are refused whatever
 * is inside: compatible, 6to4, Teredo, local NAT64. `*ret_why` gets the kind. */
bool slv_client_address_ok(const uint8_t ip[16], const char **ret_why);

/* What came. */
struct slv_fetched {
	int status;               /* 200 … 599: of the last hop */
	struct slv_fields fields; /* of the last hop, in the fetch's arena */
	int body_fd; /* a memfd with the body, not sealed yet; the receiver's. -1: none */
	uint64_t body_bytes;
};

struct slv_fetch {
	/* Set by the caller; all of it stays valid until the callback. */
	slv_str url;             /* http or https; no user information */
	slv_str if_none_match;   /* empty: unconditional */
	uint64_t body_bytes_max; /* past it SLV_E_LIMIT, as soon as the length is known */
	uint32_t deadline_ms;    /* 0: the client's total_ms */
	/* What is sent besides; a GET of nothing if nothing is told. With any of it a redirect is
	 * a reply like others: what is sent is for who was asked. */
	slv_str method;                  /* "POST"; a token */
	const struct slv_fields *fields; /* added to those of every request */
	uint64_t send_bytes;             /* of the body, which send() gives from any place on */
	/* Put 1 to `len` bytes of it, from `offset` on, into `room`; returns how many. 0: they
	 * cannot be had, and the fetch ends with SLV_E_SYS. Never waits for long. */
	size_t (*send)(struct slv_fetch *fetch, uint64_t offset, char *room, size_t len);
	struct slv_arena *arena; /* fields, texts of errors */
	/* Asked for every hop before it is connected; false ends it with SLV_E_DENIED. May be NULL.
	 * `host` is in lower case, without port. */
	bool (*allow)(struct slv_fetch *fetch, slv_str scheme, slv_str host, uint16_t port,
			slv_str path);
	/* Comes once. `err`: SLV_E_SOURCE a URL that is none, SLV_E_DENIED, SLV_E_LIMIT,
	 * SLV_E_TIMEOUT, SLV_E_UPSTREAM (did not resolve, connect, or speak HTTP; too many
	 * redirects), SLV_E_BUSY (fetches_max, or the GiB), SLV_E_CANCELLED, SLV_E_SYS (the body
	 * could not be kept). A status of 400 and above is no error here.
	 * `fetched` is NULL when there is one; else it lives as long as the call. */
	void (*done)(struct slv_fetch *fetch, slv_err err, struct slv_fetched *fetched);
	bool body_is_too_large; /* set by then: SLV_E_LIMIT is for body_bytes_max */
	void *private_transfer;
};

void slv_fetch_start(struct slv_client *client, struct slv_fetch *fetch);

/* The callback comes with SLV_E_CANCELLED, later in this turn. */
void slv_fetch_cancel(struct slv_client *client, struct slv_fetch *fetch);

#endif
