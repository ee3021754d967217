/* session.h - a server session and the transport below it
 *
 * `listen` owns a connection: socket, TLS, limits on how many there are. A session
 * (proto/h1.h, proto/h2.h) speaks a protocol over it and knows neither. This is the
 * whole of what they say to each other.
 *
 *	listen                          session
 *	  ── room(), input() ──────────▶  bytes came
 *	  ── writable() ───────────────▶  there is room again
 *	  ── eof(), drain() ───────────▶  no more will come; be done soon
 *	  ◀───────── write(), sendfile()  take these
 *	  ◀──────── want_input(), busy()  stop or go on reading; somebody is served
 *	  ◀───────────────────── close()  done: flush, close, then free()
 *
 * Thread: the connection's loop.
 */
#ifndef SLV_PROTO_SESSION_H
#define SLV_PROTO_SESSION_H

#include "edge/edge.h"
#include "http/addr.h"
#include "loop/loop.h"
#include "wire/h1.h"

#include <sys/uio.h>

struct slv_transport;
struct slv_session;

struct slv_transport_ops {
	/* Take as many of the bytes as there is room for, from the first on; fewer than given means
	 * that writable() will follow. `more`: further bytes come at once, a packet may wait for
	 * them. */
	size_t (*write)(struct slv_transport *transport, const struct iovec *parts, int count,
			bool more);

	/* As write, of an open file's bytes. NULL if the bytes must pass through memory (TLS). */
	size_t (*sendfile)(struct slv_transport *transport, int fd, uint64_t offset, size_t len);

	/* Of the bytes taken, those that have not reached the peer, in the system's own room: who
	 * reads slowly is seen by them, and not by how often there is room again. */
	size_t (*unacked)(struct slv_transport *transport);

	/* False: do not read until told otherwise. Begins as true. */
	void (*want_input)(struct slv_transport *transport, bool want);

	/* True while a request is on its way: such a connection is not reclaimed as idle. */
	void (*busy)(struct slv_transport *transport, bool busy);

	/* No more will be written. What was taken is flushed, then the session is freed, not before
	 * this returns. `linger`: the peer may still be sending; read and drop for a while, so that
	 * it gets to see our last words instead of a reset. */
	void (*close)(struct slv_transport *transport, bool linger);
};

/* A connection embeds it first. */
struct slv_transport {
	const struct slv_transport_ops *ops;
	struct slv_session *session;
	struct slv_loop *loop;
	struct slv_addr peer; /* the other end, or whom the PROXY header told */
	bool secure;          /* TLS */
	bool draining;        /* no further requests than those begun */
};

struct slv_session_ops {
	/* Where the next bytes shall go: sets `*ret_at` and returns how many fit; 0: not now, and
	 * want_input(true) will follow. */
	size_t (*room)(struct slv_session *session, char **ret_at);
	/* `len` bytes were put there. */
	void (*input)(struct slv_session *session, size_t len);
	void (*writable)(struct slv_session *session);
	/* The peer will send no more; `err`: because the connection broke, nothing can be sent
	 * either. */
	void (*eof)(struct slv_session *session, slv_err err);
	/* Finish what is begun, take no more, close() then. Idle ones close politely. */
	void (*drain)(struct slv_session *session);
	/* The last call, on the transport's decision or after close(). Requests under way are
	 * cancelled. */
	void (*free)(struct slv_session *session);
};

struct slv_session {
	const struct slv_session_ops *ops;
	struct slv_transport *transport;
};

/* A body may begin slowly: a floor holds once we have waited this long for the client. */
#define SLV_FLOOR_AFTER_MS 10000u

/* `bytes` came or went while we waited for the client for `waited_ms`, all in all. */
static inline bool slv_is_below_floor(uint64_t bytes, uint64_t waited_ms, uint64_t floor_bytes_s)
{
	return waited_ms > SLV_FLOOR_AFTER_MS && bytes * 1000 / waited_ms < floor_bytes_s;
}

/* Limits and times of both protocols; one per listener, shared by its sessions. The defaults are
 * those of the settings (listen/settings.c). */
struct slv_session_conf {
	struct slv_h1_limits h1;
	uint64_t body_bytes_max;     /* of a request */
	uint32_t header_ms;          /* from the first byte of a request to the end of its header */
	uint32_t body_idle_ms;       /* between two reads of a body */
	uint32_t body_floor_bytes_s; /* a body must come at least this fast; SLV_FLOOR_AFTER_MS */
	uint32_t write_idle_ms;      /* without any progress in sending */
	uint32_t write_floor_bytes_s; /* a client must take a reply this fast, as above; in HTTP/2
	                                 all that are under way together */
	uint32_t keep_alive_ms;       /* between requests */
	uint32_t requests_max;        /* on one connection */
	uint32_t age_ms;              /* of a connection; then it is closed after its request */
	uint32_t request_arena_bytes; /* cap of what a request may use */
	uint32_t h2_streams_max;
	uint32_t h2_window_bytes; /* of a stream */
	uint32_t h2_connection_window_bytes;
};

/* Put a session of its kind onto `transport`; `early` is what was read already (to tell the
 * protocol apart) and is copied. */
struct slv_session *slv_h1_session_new(struct slv_transport *transport, struct slv_edge *edge,
		const struct slv_session_conf *conf, slv_str early);
struct slv_session *slv_h2_session_new(struct slv_transport *transport, struct slv_edge *edge,
		const struct slv_session_conf *conf, slv_str early);

#endif
