/* signals.h - signals as events of a loop, through signalfd(2)
 *
 * The signals must be blocked in every thread, so block them before the first one is
 * started. Children that are to get them must unblock them.
 */
#ifndef SLV_PROC_SIGNALS_H
#define SLV_PROC_SIGNALS_H

#include "base/err.h"
#include "loop/loop.h"

#include <stddef.h>

struct slv_signals;

/* Block `count` signals in this thread and those that it starts later. */
void slv_signals_block(const int *signals, size_t count);

/* Call got(arg, number) for each that arrives. They must be blocked. */
slv_err slv_signals_new(struct slv_loop *loop, const int *signals, size_t count,
		void (*got)(void *arg, int number), void *arg, struct slv_signals **ret_signals);
void slv_signals_free(struct slv_signals *signals); /* NULL is fine */

#endif
