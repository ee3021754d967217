/* sandbox.h - a process shuts itself in
 *
 * In two steps, because foreign libraries must read their files and start their threads in
 * between:
 *
 *	slv_sandbox_isolate   before any thread: descriptors, namespaces, limits
 *	… libraries are initialised and every codec is run once …
 *	slv_sandbox_lock      for ever: empty root, unprivileged user, system call filter
 *
 * Behind the lock a process can compute, use the descriptors it has, make memfds, map and
 * free memory that is not executable, start threads and exit. Any other system call (open,
 * socket, execve, fork, ptrace, kill, …) kills it at once. It dies with its parent.
 *
 * Descriptors, no_new_privs, limits and the filter are musts. Namespaces, the empty root
 * and the other user need rights that a container may lack: what could not be had is named
 * in `lacks`, and the filter alone holds.
 */
#ifndef SLV_PROC_SANDBOX_H
#define SLV_PROC_SANDBOX_H

/* What stands before `lacks` in the line that a jail writes to stderr; the parent looks for it. */
#define SLV_SANDBOX_LACKS "not permitted here: "

#include "base/err.h"

#include <stdint.h>

#define SLV_SANDBOX_CHANNEL 3  /* the descriptor that remains, beside 0, 1 and 2 */
#define SLV_SANDBOX_FDS_MAX 11 /* 0 to 3, one of ours, those of a message, an answer */
#define SLV_SANDBOX_THREADS 32 /* stacks that the limit of address space leaves room for */

enum {
	SLV_SANDBOX_NAMESPACES = 1, /* network, mounts, IPC of its own */
	SLV_SANDBOX_ROOT = 2,       /* an empty read-only root */
	SLV_SANDBOX_USER = 4        /* not root, no capabilities */
};

struct slv_sandbox {
	uint64_t memory_bytes_max; /* private memory; set it before isolate */
	uint64_t memfd_bytes_max;  /* of each memfd that it makes, past which it is killed; too */

	uint32_t holds;  /* SLV_SANDBOX_…, of those that need rights */
	char lacks[160]; /* what does not hold and why, one line; empty if all does */
	int statm_fd;    /* private; -1 if there is none */
};

/* Keep stderr and `channel_fd`, which becomes SLV_SANDBOX_CHANNEL; stdin and stdout become
 * /dev/null; all others are closed. Fails with SLV_E_SYS. */
slv_err slv_sandbox_isolate(struct slv_sandbox *sandbox, int channel_fd);

/* Fails with SLV_E_SYS; then the process must not touch foreign bytes. */
slv_err slv_sandbox_lock(struct slv_sandbox *sandbox);

/* Resident memory of this process, behind the lock too; 0 if /proc is not there. */
uint64_t slv_sandbox_rss_kib(const struct slv_sandbox *sandbox);

#endif
