/* tls.h - TLS 1.2 and 1.3 over byte buffers (OpenSSL)
 *
 * Knows certificates and records, not sockets: who owns a socket puts what it read
 * into slv_tls_room() and sends what slv_tls_output() shows. Plaintext goes the other
 * way. One struct slv_tls per loop and listener; connections belong to it.
 *
 * Certificates are chosen by server name (exact, then "*.name", then the first one).
 * They are read when they are added and again by slv_tls_refresh() once their files
 * have changed. Tickets are sealed with keys that the parent hands out and rotates.
 *
 * Thread: that of its loop.
 */
#ifndef SLV_TLS_TLS_H
#define SLV_TLS_TLS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proc/ticket.h"

#include <sys/uio.h>

struct slv_tls;
struct slv_tls_conn;

struct slv_tls_certificate {
	slv_str certificate_path; /* PEM, the chain behind it */
	slv_str key_path;         /* PEM */
};

enum slv_tls_version { SLV_TLS_1_2, SLV_TLS_1_3 };

struct slv_tls_conf {
	const struct slv_tls_certificate *certificates;
	size_t count;               /* ≥ 1 */
	enum slv_tls_version least; /* TLS 1.2 with AEAD and forward secrecy only */
	bool h2;                    /* offer HTTP/2 by ALPN before HTTP/1.1 */
};

/* Read all certificates. The error names the file and what is wrong with it: not PEM, key and
 * certificate do not match, no name in it. */
slv_err slv_tls_new(struct slv_arena *arena, struct slv_loop *loop, const struct slv_tls_conf *conf,
		const struct slv_ticket_keys *tickets, struct slv_tls **ret_tls);
void slv_tls_free(struct slv_tls *tls); /* after its connections; NULL is fine */

/* Take over new ticket keys; they are copied. */
void slv_tls_tickets(struct slv_tls *tls, const struct slv_ticket_keys *tickets);

/* Look (as a job, at most one at a time) whether a certificate's files have changed; if so and
 * if they are good use them for new connections, else log "tls.refresh" and keep the old ones. */
void slv_tls_refresh(struct slv_tls *tls);

struct slv_tls_conn *slv_tls_conn_new(struct slv_tls *tls);
void slv_tls_conn_free(struct slv_tls_conn *conn); /* NULL is fine */

/* Where to put what comes from the peer, and that `len` bytes were put there. Never 0 bytes of
 * room while everything that came was read. */
size_t slv_tls_room(struct slv_tls_conn *conn, char **ret_at);
void slv_tls_grown(struct slv_tls_conn *conn, size_t len);

/* What is to be sent to the peer, and that `len` bytes of it were. Look after every other call. */
slv_str slv_tls_output(const struct slv_tls_conn *conn);
void slv_tls_sent(struct slv_tls_conn *conn, size_t len);

/* Go on with the handshake. `*ret_open` once it is over. SLV_E_SYNTAX if the peer breaks the
 * protocol or shares no version or cipher with us; an alert may be in the output. */
slv_err slv_tls_handshake(struct slv_tls_conn *conn, bool *ret_open);

/* Decrypt into `at`. `*ret_len` is 0 when more must come first; `*ret_eof` when the peer has said
 * close_notify. */
slv_err slv_tls_read(
		struct slv_tls_conn *conn, char *at, size_t cap, size_t *ret_len, bool *ret_eof);

/* Encrypt from the parts, in order; returns how many bytes were taken: fewer than given once 64 KiB
 * of output wait. Small parts are joined into records of up to 16 KiB; the first records of a
 * connection and those after a second of silence are small (4 KiB), so that the first byte of a
 * page does not wait for a whole record. */
size_t slv_tls_write(struct slv_tls_conn *conn, const struct iovec *parts, int count);

/* Say close_notify. */
void slv_tls_shutdown(struct slv_tls_conn *conn);

/* After the handshake. */
bool slv_tls_is_h2(const struct slv_tls_conn *conn);

#endif
