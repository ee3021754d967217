/* child.h - a process of ours, from its start to its end
 *
 * It gets exactly the descriptors named, ignores the signals that a terminal or a
 * service manager sends to the whole group, is a session of its own, and is killed by
 * the kernel when the thread that started it ends.
 *
 * Thread: the loop's.
 */
#ifndef SLV_PROC_CHILD_H
#define SLV_PROC_CHILD_H

#include "base/arena.h"
#include "base/err.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SLV_CHILD_FD_FIRST 3    /* the first of the descriptors passed on */
#define SLV_CHILD_FDS_MAX 4096  /* that can be passed on */
#define SLV_CHILD_REASON_MAX 96 /* bytes of slv_child_end.reason */

struct slv_child_spec {
	const char *path;
	const char *const *argv; /* ends with NULL */
	const char *const *env;  /* likewise; NULL: ours */
	const int *fds;          /* become 3, 4, … there; they stay the caller's */
	size_t fd_count;
	bool keep_output; /* stdout and stderr are ours, else /dev/null, as stdin is */
	int stderr_fd;    /* becomes stderr whatever keep_output says; 0: none. The caller's */
};

struct slv_child_end {
	bool clean;                        /* exit status 0 */
	int signal;                        /* that ended it, or 0 */
	char reason[SLV_CHILD_REASON_MAX]; /* as "exit status 3" or "signal 9 (Killed)" */
};

struct slv_child {
	/* Comes once, when it has ended and is reaped; not after slv_child_done(). */
	void (*exited)(struct slv_child *child, const struct slv_child_end *end);
	pid_t pid;  /* 0: none */
	int pid_fd; /* refers to it even when it is gone */
	struct slv_io *io;
};

/* Start it; `exited` is set. SLV_E_SYS or SLV_E_MISSING with the path and reason if it cannot be
 * executed (SLV_E_LIMIT: too many descriptors). */
slv_err slv_child_start(struct slv_arena *arena, struct slv_loop *loop,
		const struct slv_child_spec *spec, struct slv_child *child);

/* SIGKILL; `exited` follows. Nothing if it has ended. */
void slv_child_kill(struct slv_child *child);

/* Kill it if it runs, wait for its end, forget it. Accepts zeroes. */
void slv_child_done(struct slv_child *child);

#endif
