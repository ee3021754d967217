/* sockets.h - the sockets that an edge accepts on
 *
 * The parent opens them and keeps them open, so that a connection that comes while no
 * edge runs waits in the kernel's queue. Each address has one socket per loop with
 * SO_REUSEPORT, and the kernel spreads connections over them. All are non-blocking and
 * close on exec; TCP_NODELAY is left to who accepts.
 *
 * An address is "127.0.0.1:8080", "[::1]:443", or a port alone, which means every
 * address of the machine, IPv4 and IPv6. "[::]:443" is IPv6 only. Port 0 lets the kernel
 * choose one.
 */
#ifndef SLV_PROC_SOCKETS_H
#define SLV_PROC_SOCKETS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SLV_LISTENERS_MAX 32      /* addresses */
#define SLV_LISTENER_LOOPS_MAX 64 /* sockets of one address */
#define SLV_LISTENER_NAME_MAX 64  /* bytes of an address's text, the NUL included */

/* An address with its sockets. A zeroed one is closed. */
struct slv_listener {
	char name[SLV_LISTENER_NAME_MAX]; /* as the settings had it */
	uint32_t count;                   /* sockets */
	int fd[SLV_LISTENER_LOOPS_MAX];   /* owned */
};

/* Is `address` of the grammar above? SLV_E_SYNTAX says what is wrong with it. */
slv_err slv_listener_check(struct slv_arena *arena, slv_str address);

/* Bind and listen with `count` sockets. SLV_E_SYNTAX as above; SLV_E_SYS names the address and
 * the reason. Unless `shared`, a port on which anybody listens already is refused: SO_REUSEPORT
 * alone would let a second program of the same user take half of the connections. */
slv_err slv_listener_open(struct slv_arena *arena, slv_str address, uint32_t count,
		uint32_t backlog, bool shared, struct slv_listener *ret_listener);

/* Add sockets up to `count`, for more loops than before. Fewer changes nothing: a socket that
 * is closed loses what waits in it. */
slv_err slv_listener_widen(struct slv_arena *arena, struct slv_listener *listener, uint32_t count,
		uint32_t backlog);

/* Close those beyond the first `count`, and what waits in them: to take back a widening. */
void slv_listener_narrow(struct slv_listener *listener, uint32_t count);
void slv_listener_close(struct slv_listener *listener);

/* The port that it has, which tells more than its name if that ends with ":0". */
uint16_t slv_listener_port(const struct slv_listener *listener);

/* Append the name with the port that it has: "127.0.0.1:43123" for "127.0.0.1:0". */
void slv_listener_print(const struct slv_listener *listener, struct slv_buf *buf);

#endif
