/* setup.h - one reading of the configuration, and the sockets that it wants
 *
 * Private to the parent. The sockets outlive a setup: while a reload is under way those
 * of both setups are open, and when it is settled which one stays the rest is closed.
 */
#ifndef SLV_PROC_SETUP_H
#define SLV_PROC_SETUP_H

#include "base/arena.h"
#include "base/err.h"
#include "proc/parent.h"
#include "proc/sockets.h"
#include "proc/ticket.h"

#include <stddef.h>
#include <stdint.h>

struct slv_setup {
	struct slv_arena arena; /* what the plan points into */
	struct slv_parent_plan plan;
};

#define SLV_LISTENERS_BOTH_MAX (2 * SLV_LISTENERS_MAX)

/* All that is open; of two setups at most. Zeroes are none. */
struct slv_listeners {
	struct slv_listener at[SLV_LISTENERS_BOTH_MAX];
	uint32_t settled[SLV_LISTENERS_BOTH_MAX]; /* sockets of it that stay if a reload fails */
	size_t count;
};

/* Read the configuration and open what it wants. Fails as slv_parent_new(); then `listeners` are
 * as the last settling left them. */
slv_err slv_setup_load(struct slv_arena *arena, const struct slv_parent_conf *conf,
		struct slv_listeners *listeners, struct slv_setup **ret_setup);
void slv_setup_free(struct slv_setup *setup); /* NULL is fine */

/* `setup` is the one that stays: close what it does not want. */
void slv_listeners_settle(struct slv_listeners *listeners, const struct slv_setup *setup);

/* Close what was opened since the last settling. */
void slv_listeners_unsettle(struct slv_listeners *listeners);
void slv_listeners_done(struct slv_listeners *listeners);

/* What an edge of `setup` is started with: the sealed memfd of proc/channel.h, and how many
 * sockets of `listeners`, which are put into `ret_fds` of SLV_SETUP_FDS_MAX. */
#define SLV_SETUP_FDS_MAX (SLV_LISTENERS_MAX * SLV_LISTENER_LOOPS_MAX)
slv_err slv_setup_boot(struct slv_arena *arena, const struct slv_setup *setup,
		const struct slv_listeners *listeners, const struct slv_ticket_keys *tickets,
		int *ret_boot_fd, int *ret_fds, size_t *ret_count);

#endif
