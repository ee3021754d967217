/* private.h - a connection, and what connections of one loop share */
#ifndef SLV_LISTEN_PRIVATE_H
#define SLV_LISTEN_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "listen/listen.h"

/*
 *	PROXY ──▶ HANDSHAKE ──▶ SNIFF ──▶ OPEN ──▶ FLUSH ──▶ LINGER ──▶ DEAD
 *
 * Each step is left out where it does not apply, and each may fall to DEAD.
 */
enum conn_state {
	CONN_PROXY,     /* a PROXY header is due */
	CONN_HANDSHAKE, /* TLS */
	CONN_SNIFF,     /* HTTP/1 or HTTP/2? */
	CONN_OPEN,      /* a session is on it */
	CONN_FLUSH,     /* the session has ended; output waits */
	CONN_LINGER,    /* the peer may still send; it is read and dropped */
	CONN_DEAD,      /* ends in this turn */
	CONN_STATES,
};

/* One address, for as long as it has connections. An IPv6 client has a whole /64 to choose from,
 * so that counts as one. */
struct client {
	uint8_t ip[16];
	uint32_t connections;
};

struct port {
	struct slv_listen *listen;
	const struct slv_listen_conf *conf;
	struct slv_session_conf session;
	struct slv_edge *edge;
	struct slv_tls *tls;
	struct slv_net *proxies;
	size_t proxies_count;
	uint32_t connections, connections_max;
	struct slv_list idle; /* of conn by port_link, the one idle for longest first */
	struct slv_io **ios;  /* of the listening sockets */
	const int *fds;
	size_t fd_count;
};

struct slv_listen {
	struct slv_loop *loop;
	struct slv_arena arena;
	struct port *ports;
	size_t count;
	uint32_t connections, connections_max; /* of all ports */
	struct slv_list idle;                  /* of conn, the one idle for longest first */
	struct slv_list busy;                  /* of conn */
	struct slv_map clients;
	struct slv_timer retry; /* accepts again after the process ran out of descriptors */
	void (*drained)(void *arg);
	void *drained_arg;
	struct slv_timer grace; /* while draining: then idle connections are closed */
	bool draining;
	struct slv_metric *open, *accepted, *refused, *reclaimed;
};

struct conn {
	struct slv_transport transport;
	struct port *port;
	struct slv_list link;      /* on listen->idle or ->busy */
	struct slv_list port_link; /* on port->idle, while on listen->idle */
	struct client *client;     /* NULL until a PROXY header has told */
	struct slv_tls_conn *tls;
	struct slv_io *io;
	struct slv_timer timer; /* handshake, flush, linger */
	struct slv_task end;    /* frees it, later in this turn */
	int fd;
	enum conn_state state;
	bool want_input; /* the session takes more */
	bool blocked;    /* the socket takes no more */
	bool linger, peer_eof;
	struct slv_task pump; /* hands on what TLS still holds */
	char *early;          /* read before there is a session; EARLY_BYTES, NULL with TLS */
	size_t early_len, lingered;
};

/* listen.c: on the lists of those that are idle (from now on), or busy */
void listen_place(struct conn *conn, bool busy);

/* listen.c: a connection is gone */
void listen_forget(struct conn *conn);

/* listen.c: it is known whose it is. False if that client has too many. */
bool listen_client(struct conn *conn);

/* conn.c */
void conn_new(struct port *port, int fd, const struct slv_addr *peer);
void conn_drain(struct conn *conn);
void conn_end(struct conn *conn); /* close now; memory goes later in this turn */

/* settings.c */
void listen_session_conf(const struct slv_listen_conf *conf, struct slv_session_conf *ret_conf);

#endif
