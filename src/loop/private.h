/* private.h - what the files of this folder share; nobody else includes it
 *
 * A turn of the loop is: prepare (tasks left, set the alarm), poll (descriptors,
 * posts, jobs), check (timers that are due), closings. Every callback from libuv
 * begins with slv_loop_enter() and ends with slv_loop_leave(), which runs the tasks
 * that it started; so a task waits for no other descriptor and for no system call.
 */
#ifndef SLV_LOOP_PRIVATE_H
#define SLV_LOOP_PRIVATE_H

#include "loop/loop.h"

#include <stdatomic.h>
#include <uv.h>

/* Tasks run behind one callback; past it descriptors get a look first. */
#define SLV_LOOP_TASKS_MAX 1024u

#define SLV_LOOP_RANDOM_BYTES 512u

/* A place in the heap. `at_ms` may lie before the timer's own: see timer.c. */
struct slv_timer_entry {
	uint64_t at_ms;
	struct slv_timer *timer;
};

struct slv_timer_heap {
	struct slv_timer_entry *entries; /* each behind its parent, at (index - 1) / 4 */
	uint32_t count, cap;
	uint64_t alarm_at_ms; /* what the alarm is set to; UINT64_MAX: it is not */
};

struct slv_loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t awake; /* runs while tasks wait, so that poll does not sleep */
	uv_timer_t alarm;

	unsigned index;
	struct slv_log *log;
	struct slv_loop_world world;
	struct slv_hash_key hash_key;

	bool running;    /* in slv_loop_run() */
	bool turning;    /* in slv_loop_run() or slv_loop_turn() */
	bool fresh;      /* the clocks were read in this turn */
	uint64_t now_ms; /* as of this turn */
	int64_t wall_ms;

	struct slv_list tasks;
	struct slv_timer_heap timers;
	size_t awaited; /* jobs that run, and posts that are owed */

	size_t random_left; /* bytes at the end of `random` that nobody had yet */
	uint8_t random[SLV_LOOP_RANDOM_BYTES];

	/* What other threads touch, on cache lines of its own. */
	char apart[64];
	_Atomic(uintptr_t) home;          /* pthread_self() of who turns it; 0: nobody */
	_Atomic(struct slv_post *) posts; /* newest first */
	atomic_uint senders;              /* threads inside post or stop */
	atomic_bool stopping;
};

/* Around every callback from libuv. */
void slv_loop_enter(struct slv_loop *loop);
void slv_loop_leave(struct slv_loop *loop);

/* Monotonic milliseconds, read now. */
uint64_t slv_loop_clock_ms(const struct slv_loop *loop);
void slv_loop_read_clocks(struct slv_loop *loop);

/* Run tasks, until none waits or SLV_LOOP_TASKS_MAX have run. */
void slv_task_run_waiting(struct slv_loop *loop);

/* Fire what is due at loop->now_ms. */
void slv_timer_fire_due(struct slv_loop *loop);

/* Make poll wake up when the first timer is due. */
void slv_timer_set_alarm(struct slv_loop *loop);

void slv_post_on_wake(uv_async_t *wake);

/* Close callback of the handle in a struct slv_io. */
void slv_io_on_closed(uv_handle_t *handle);

#endif
