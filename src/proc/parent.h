/* parent.h - the process that starts the others
 *
 *	parent ──┬── edge            accepts and serves
 *	         ├── edge, draining  after a reload, until its last request
 *	         └── image jails     made when an edge asks
 *
 * It reads the configuration, opens the listening sockets and starts an edge with them.
 * An edge that dies is restarted: after 100 ms, then twice as long each time up to 10 s,
 * from the start again after one that lived 10 s. Connections that come meanwhile wait
 * in the sockets.
 *
 * SIGHUP: the configuration is read anew and a second edge started with it. When that
 * one is ready the first is told to drain. If the text is wrong, a socket cannot be
 * opened or the new edge does not become ready, the old one stays and the reason is
 * logged. There is never more than one edge starting; a reload meanwhile is remembered,
 * once.
 *
 * SIGTERM, SIGINT: the edges drain; what is left after drain_ms is killed. SIGINT again:
 * killed at once. Children ignore these signals, so that one sent to the whole group
 * drains as well, and they die with the parent.
 *
 * Logged: edge.start, edge.ready, edge.died, edge.restart, edge.drain, edge.refused,
 * edge.killed, config.refused, jail.died, jail.refused, parent.stop; jail.said for each line that a
 * jail writes to its stderr, within the bounds of proc/said.h (past them jail.muted); jail.sandbox
 * for what the sandbox lacks, once for all jails of an edge.
 *
 * Thread: the loop's, all of it.
 */
#ifndef SLV_PROC_PARENT_H
#define SLV_PROC_PARENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proc/sockets.h"

#define SLV_PARENT_EDGES_MAX 8   /* with those that drain; past it the oldest is killed */
#define SLV_PARENT_JAILS_MAX 320 /* of one edge, those that end included; past it: refused */

struct slv_parent;

/* What one reading of the configuration asks of the processes. Texts are in the arena that
 * `load` was given. */
struct slv_parent_plan {
	slv_str config_text;      /* what was validated; the edge reads this and no file */
	slv_str config_name;      /* for messages */
	slv_str config_folder;    /* where relative paths start */
	const slv_str *addresses; /* to listen on, each once */
	size_t address_count;     /* 1 to SLV_LISTENERS_MAX */
	uint32_t loops;           /* 1 to SLV_LISTENER_LOOPS_MAX */
	uint32_t backlog;         /* of a socket; usually 4096 */
	uint32_t jail_memory_mib; /* that a jail can have at all; 0: its own default */
	uint32_t ready_ms;        /* an edge that is not ready by then is killed */
	uint32_t drain_ms;        /* an edge that still drains by then is killed */
	uint32_t ticket_key_s;    /* age at which the TLS ticket key is replaced */
};

/* Everything in it must outlive the parent. */
struct slv_parent_conf {
	const char *edge_path;        /* as "/proc/self/exe" */
	const char *const *edge_argv; /* as { "selvedge", "edge", NULL } */
	const char *image_path;       /* the image jail, as "/usr/lib/selvedge/selvedge-image" */
	const char *rare_path;        /* the one for rare formats; NULL: image_path does */
	const char *const *jail_env;  /* environment of jails; NULL: empty */
	/* Read the configuration; called at the start and at each reload. The text of an error is
	 * in `arena`. */
	slv_err (*load)(void *arg, struct slv_arena *arena, struct slv_parent_plan *ret_plan);
	/* Optional: an edge has become ready; `listeners` are those it has. */
	void (*ready)(void *arg, const struct slv_listener *listeners, size_t count);
	void *arg; /* of both */
};

/* Block the signals above in this thread and all that it starts. Call it first of all, before
 * the log or a loop is made. */
void slv_parent_block_signals(void);

/* Load, open the sockets and start the first edge. Fails with the error of load or of a socket,
 * text in `arena`. From here on the loop does the work; it is stopped when all is over. */
slv_err slv_parent_new(struct slv_arena *arena, struct slv_loop *loop,
		const struct slv_parent_conf *conf, struct slv_parent **ret_parent);

/* As the signals do: for tests and for main. */
void slv_parent_reload(struct slv_parent *parent);
void slv_parent_stop(struct slv_parent *parent);

/* The exit status: 0, or 1 if the very first edge did not become ready (then there is nothing to
 * go back to, and who started us should know). */
int slv_parent_status(const struct slv_parent *parent);

/* Kill what still runs, close everything. After the loop has returned. NULL is fine. */
void slv_parent_free(struct slv_parent *parent);

#endif
