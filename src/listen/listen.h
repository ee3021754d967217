/* listen.h - sockets and the connections they yield
 *
 * One per loop. Accepts on the sockets that the parent opened, reads a PROXY header
 * where one is due, does TLS, tells HTTP/1 from HTTP/2, and is the transport of the
 * session that follows. Connections are bounded per listener, per client, and all of
 * them together by the limit of open files; when nine tenths of a bound are used, those
 * idle for longest are closed for the newcomers.
 *
 * Thread: its loop.
 */
#ifndef SLV_LISTEN_LISTEN_H
#define SLV_LISTEN_LISTEN_H

#include "conf/schema.h"
#include "edge/edge.h"
#include "loop/loop.h"
#include "proto/session.h"
#include "tls/tls.h"

struct slv_listen;

/* Settings of one listener; `keys` describes them. */
struct slv_listen_conf {
	slv_str address;
	struct slv_conf_list tls; /* of struct slv_tls_certificate; empty: no TLS */
	int64_t tls_least;        /* enum slv_tls_version */
	bool http2;
	bool proxy_protocol;            /* each connection begins with a PROXY header */
	struct slv_conf_list proxies;   /* of slv_str: networks that may send one */
	int64_t connections_max;        /* of all loops; 0: only by RLIMIT_NOFILE */
	int64_t client_connections_max; /* of one address, per loop */
	int64_t handshake_ms;
	int64_t backlog;
	struct slv_listen_limits {
		int64_t header_ms, body_idle_ms, body_floor_bytes_s, write_idle_ms;
		int64_t write_floor_bytes_s, keep_alive_ms;
		int64_t requests_max, age_s;
		int64_t target_bytes, field_bytes, head_bytes, fields_max, body_bytes;
		int64_t request_memory_bytes;
		int64_t h2_streams_max, h2_window_bytes, h2_connection_window_bytes;
	} limits;
};

extern const struct slv_conf_key slv_listen_keys[];

/* What the types do not say: networks that parse, proxies given where proxy_protocol is set. */
slv_err slv_listen_check(struct slv_arena *scratch, const struct slv_listen_conf *conf);

/* One listener of this loop. */
struct slv_listen_port {
	const struct slv_listen_conf *conf;
	const int *fds; /* sockets that this loop accepts on; they stay the caller's */
	size_t fd_count;
	struct slv_edge *edge; /* whom its requests go to */
	struct slv_tls *tls;   /* NULL: plain; stays the caller's */
};

/* Begin to accept. `loops` divides connections_max. */
slv_err slv_listen_new(struct slv_arena *scratch, struct slv_loop *loop,
		struct slv_metrics *metrics, const struct slv_listen_port *ports, size_t count,
		uint32_t loops, struct slv_listen **ret_listen);

/* Stop accepting, let each connection finish what it has begun, and call back once none is left. */
void slv_listen_drain(struct slv_listen *listen, void (*done)(void *arg), void *arg);

/* Close all that is left. NULL is fine. Requests under way are cancelled; their services must still
 * be able to answer. */
void slv_listen_free(struct slv_listen *listen);

#endif
