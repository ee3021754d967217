/* edge.h - the edge process's side of its parent
 *
 * The parent starts `selvedge edge` with a channel, a sealed memfd that describes the
 * rest, and the listening sockets, all at fixed descriptors. main asks here for the
 * configuration and the sockets, makes its loops, and says ready; from then on the
 * parent's wishes come as callbacks on the loop that the link was started on.
 *
 *	slv_edge_link_open → configuration, sockets, tickets → slv_edge_link_start(loop 0)
 *	→ slv_edge_link_ready or slv_edge_link_fail → … drain … → exit(0)
 *
 * Thread: open and the getters before loops run, or any that only reads; the rest on the
 * loop given to start.
 */
#ifndef SLV_PROC_EDGE_H
#define SLV_PROC_EDGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proc/lanes.h"
#include "proc/ticket.h"

#include <stdint.h>

struct slv_edge_link;

/* Take over what the parent passed. SLV_E_DENIED if no parent started this process (somebody
 * typed `selvedge edge`), SLV_E_CORRUPT if what it passed makes no sense. */
slv_err slv_edge_link_open(struct slv_arena *arena, struct slv_edge_link **ret_link);

/* NULL is fine. Not from within a callback of its own, and after those who ask its maker (lanes)
 * are freed. */
void slv_edge_link_free(struct slv_edge_link *link);

/* For slv_conf_parse(); they live as long as the link. */
slv_str slv_edge_link_config_text(const struct slv_edge_link *link);
slv_str slv_edge_link_config_name(const struct slv_edge_link *link);
slv_str slv_edge_link_config_folder(const struct slv_edge_link *link);

/* How many loops to run. */
uint32_t slv_edge_link_loops(const struct slv_edge_link *link);

/* The sockets of `address`, written as in the settings; 0 if it is none of them. They stay the
 * link's until it is freed; a draining edge just stops watching them. There are at least as many
 * as loops, and after a reload to fewer loops more: the loop `i` accepts from each `n` with
 * n % loops == i. */
size_t slv_edge_link_sockets(
		const struct slv_edge_link *link, slv_str address, const int **ret_fds);

/* The newest keys. Wiped when the link is freed. */
const struct slv_ticket_keys *slv_edge_link_tickets(const struct slv_edge_link *link);

struct slv_edge_events {
	/* The keys have changed. */
	void (*tickets)(void *arg, const struct slv_ticket_keys *keys);
	/* Stop accepting, finish what runs within `drain_ms`, then exit. `replaced`: another edge
	 * serves already, and has what two share. Comes at most once. */
	void (*drain)(void *arg, uint32_t drain_ms, bool replaced);
	/* The parent is gone or talks nonsense: exit now. Comes at most once, nothing after it. */
	void (*stop)(void *arg);
	void *arg;
};

/* Listen to the parent on `loop`. */
slv_err slv_edge_link_start(struct slv_arena *arena, struct slv_edge_link *link,
		struct slv_loop *loop, const struct slv_edge_events *events);

/* Every listener is accepting: tell the parent, who then lets the previous edge drain. */
void slv_edge_link_ready(struct slv_edge_link *link);

/* This edge cannot start: tell the parent why (it logs err.what), then exit. Works before start
 * as well. */
void slv_edge_link_fail(struct slv_edge_link *link, slv_err err);

/* Asks the parent for jails. At most 64 requests wait; past it and after the parent is gone the
 * answer is SLV_E_BUSY. Requests that wait when the link is freed are answered SLV_E_CANCELLED. */
struct slv_jail_maker *slv_edge_link_maker(struct slv_edge_link *link);

#endif
