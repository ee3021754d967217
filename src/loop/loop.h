/* loop.h - an event loop, one per core, one thread each
 *
 * A thin layer on libuv with our words. Everything that waits, waits here: on
 * descriptors, timers, jobs and messages of other loops. Time and randomness come
 * from the loop too, so that tests own them.
 *
 * Rules: an object is touched only on its home loop. An operation ends in exactly
 * one callback, never before the call that started it returns. What a handle was
 * given to stays valid until it is stopped or freed.
 */
#ifndef SLV_LOOP_LOOP_H
#define SLV_LOOP_LOOP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/str.h"

#include <stdint.h>

struct slv_loop;
struct slv_log;

/* --- life --- */

/* What tests may replace; a NULL takes the real one. */
struct slv_loop_world {
	uint64_t (*now_ms)(void *arg); /* monotonic */
	int64_t (*wall_ms)(void *arg); /* since 1970 */
	void (*random)(void *arg, void *bytes, size_t len);
	void *arg;
};

/* `log` (may be NULL: nothing is logged) and `world` (may be NULL) must outlive the loop.
 * `index` tells loops of one process apart: 0, 1, … The thread that calls run becomes home. */
struct slv_loop *slv_loop_new(
		unsigned index, struct slv_log *log, const struct slv_loop_world *world);

/* Handle events until slv_loop_stop(), and then until nothing is left that owes a callback
 * (jobs, what is awaited, frees). */
void slv_loop_run(struct slv_loop *loop);

/* Handle what is ready and return; with `wait` sleep for the first event. For tests, and
 * for commands that do one thing after the other. */
void slv_loop_turn(struct slv_loop *loop, bool wait);

/* Make run return. Thread: any. */
void slv_loop_stop(struct slv_loop *loop);

/* After run has returned, on any thread. Runs the tasks and messages that are left, waits for jobs,
 * frees what still watches descriptors. NULL is fine. */
void slv_loop_free(struct slv_loop *loop);

/* Abort unless the caller is on the loop's thread (or it does not run yet). */
void slv_loop_assert(const struct slv_loop *loop);

unsigned slv_loop_index(const struct slv_loop *loop);
struct slv_log *slv_loop_log(const struct slv_loop *loop);

/* --- time and randomness --- */

/* As of this turn; read now when no turn is under way. */
uint64_t slv_loop_now_ms(const struct slv_loop *loop);   /* monotonic */
uint64_t slv_loop_fresh_ns(const struct slv_loop *loop); /* monotonic; read now, for measuring */
int64_t slv_loop_wall_s(const struct slv_loop *loop);    /* since 1970 */
int64_t slv_loop_wall_ms(const struct slv_loop *loop);
void slv_loop_random(struct slv_loop *loop, void *bytes, size_t len);        /* fit for keys */
void slv_loop_random_hex(struct slv_loop *loop, char *digits, size_t count); /* lower-case ones */

/* A secret of this loop, for the tables whose keys a peer chooses. */
struct slv_hash_key slv_loop_hash_key(const struct slv_loop *loop);

/* --- timers: embedded, cancelled at once, never allocate beyond the loop's heap --- */

struct slv_timer {
	void (*fire)(struct slv_timer *timer);
	uint64_t at_ms;
	uint32_t slot; /* place in the loop's heap + 1; 0: not running */
};

/* (Re)arm: `fire` comes once, `after_ms` from now, not before this returns. */
void slv_timer_start(struct slv_loop *loop, struct slv_timer *timer, uint64_t after_ms);
void slv_timer_stop(struct slv_loop *loop, struct slv_timer *timer);
static inline bool slv_timer_running(const struct slv_timer *timer)
{
	return timer->slot != 0;
}

/* --- tasks: run `run` later in this turn, after the current callback --- */

/* Those that tasks start run at once, too, but past 1024 descriptors get a look first. */

struct slv_task {
	void (*run)(struct slv_task *task);
	struct slv_list link; /* zero when not waiting */
};

void slv_task_start(struct slv_loop *loop, struct slv_task *task); /* nothing if it waits already */
void slv_task_stop(struct slv_task *task);

/* --- descriptors --- */

enum {
	SLV_IO_READ = 1,
	SLV_IO_WRITE = 2,
};

struct slv_io;

/* Watch a non-blocking descriptor, level-triggered. `ready` gets the events that hold
 * (an error or hang-up shows as those asked for). The descriptor stays the caller's. */
slv_err slv_io_new(struct slv_loop *loop, int fd, void (*ready)(void *arg, int events), void *arg,
		struct slv_io **ret_io);
void slv_io_want(struct slv_io *io, int events); /* 0: none. Cheap if unchanged */

/* Stop watching; no callback follows, and the descriptor may be closed at once. NULL is fine. */
void slv_io_free(struct slv_io *io);

/* --- messages between loops --- */

struct slv_post {
	void (*run)(struct slv_post *post); /* on the receiving loop; owns `post` from then on */
	struct slv_post *next;              /* private */
};

/* Hand `post` to `loop`. Keeps order per sender. Thread: any. What is posted to a loop that has
 * ended is run by slv_loop_free(). */
void slv_loop_post(struct slv_loop *loop, struct slv_post *post);

/* What another thread will post is owed: the loop does not end before it has come, which the post's
 * run() says. Jobs do the same by themselves. */
void slv_loop_await(struct slv_loop *loop);
void slv_loop_came(struct slv_loop *loop);

/* --- jobs: what blocks, on a thread of the pool --- */

struct slv_job {
	void (*work)(struct slv_job *job); /* on another thread; touches nothing but the job */
	void (*done)(struct slv_job *job); /* on the loop; comes always, and owns `job` from then on
	                                    */
	void *private_uv;
};

void slv_job_start(struct slv_loop *loop, struct slv_job *job);

/* --- threads --- */

struct slv_thread;

/* Start a thread that calls run(arg). For loops and crews; jobs have their own. */
slv_err slv_thread_start(void (*run)(void *arg), void *arg, struct slv_thread **ret_thread);
void slv_thread_join(struct slv_thread *thread); /* and free it */

/* Cores that this process may run on: fewer than the machine's in a container, or under taskset. At
 * least 1. Thread: any. */
uint32_t slv_loop_cores(void);

#endif
