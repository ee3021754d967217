#include "loop/loop.h"

#include "base/assert.h"
#include "base/mem.h"
#include "loop/private.h"

#include <pthread.h>
#include <sched.h>

static void on_prepare(uv_prepare_t *handle)
{
	struct slv_loop *loop = handle->data;
	if (!slv_list_empty(&loop->tasks)) {
		slv_loop_enter(loop);
		slv_loop_leave(loop);
	}
	slv_timer_set_alarm(loop);
	loop->fresh = false;
}

static void on_awake(uv_idle_t *handle)
{
	/* Its being active is what keeps poll from sleeping. */
	(void)handle;
}

static void on_check(uv_check_t *handle)
{
	struct slv_loop *loop = handle->data;
	slv_loop_enter(loop);
	slv_timer_fire_due(loop);
	slv_loop_leave(loop);
	bool owes = loop->awaited || !slv_list_empty(&loop->tasks);
	/* Closings come behind this, still in the same turn. */
	if (loop->running && !owes && atomic_load(&loop->stopping))
		uv_stop(&loop->uv);
}

struct slv_loop *slv_loop_new(
		unsigned index, struct slv_log *log, const struct slv_loop_world *world)
{
	struct slv_loop *loop = SLV_ALLOC(struct slv_loop);
	loop->index = index;
	loop->log = log;
	if (world)
		loop->world = *world;
	slv_list_init(&loop->tasks);
	loop->timers.alarm_at_ms = UINT64_MAX;

	/* These fail when descriptors or memory are used up, and without a loop there is nothing
	 * that could be done about it. */
	slv_assert(uv_loop_init(&loop->uv) == 0);
	slv_assert(uv_async_init(&loop->uv, &loop->wake, slv_post_on_wake) == 0);
	slv_assert(uv_prepare_init(&loop->uv, &loop->prepare) == 0);
	slv_assert(uv_check_init(&loop->uv, &loop->check) == 0);
	slv_assert(uv_idle_init(&loop->uv, &loop->awake) == 0);
	slv_assert(uv_timer_init(&loop->uv, &loop->alarm) == 0);
	loop->wake.data = loop->prepare.data = loop->check.data = loop->alarm.data = loop;
	slv_assert(uv_prepare_start(&loop->prepare, on_prepare) == 0);
	slv_assert(uv_check_start(&loop->check, on_check) == 0);

	slv_loop_read_clocks(loop);
	slv_loop_random(loop, &loop->hash_key, sizeof(loop->hash_key));
	return loop;
}

static void turn_begin(struct slv_loop *loop)
{
	slv_loop_assert(loop);
	slv_assert(!loop->turning);
	loop->turning = true;
	atomic_store_explicit(&loop->home, (uintptr_t)pthread_self(), memory_order_relaxed);
	/* A clock of a test may have been moved since, past timers that are not due on uv's. */
	slv_loop_read_clocks(loop);
}

static void turn_end(struct slv_loop *loop)
{
	loop->turning = false;
	loop->fresh = false;
	atomic_store_explicit(&loop->home, 0, memory_order_relaxed);
}

void slv_loop_run(struct slv_loop *loop)
{
	turn_begin(loop);
	loop->running = true;
	/* Returns only by uv_stop(): our own handles are always active. */
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	loop->running = false;
	atomic_store(&loop->stopping, false);
	turn_end(loop);
}

void slv_loop_turn(struct slv_loop *loop, bool wait)
{
	turn_begin(loop);
	/* Waiting tasks are something to handle; uv does not know them. */
	bool sleep = wait && slv_list_empty(&loop->tasks);
	(void)uv_run(&loop->uv, sleep ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	turn_end(loop);
}

void slv_loop_stop(struct slv_loop *loop)
{
	atomic_fetch_add(&loop->senders, 1);
	atomic_store(&loop->stopping, true);
	slv_assert(uv_async_send(&loop->wake) == 0);
	atomic_fetch_sub(&loop->senders, 1);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, handle->type == UV_POLL ? slv_io_on_closed : NULL);
}

void slv_loop_free(struct slv_loop *loop)
{
	if (!loop)
		return;
	slv_loop_assert(loop);
	/* Who has posted may not be back from it: senders are looked at before the posts. */
	while (loop->awaited || atomic_load(&loop->senders) || atomic_load(&loop->posts) ||
			!slv_list_empty(&loop->tasks))
		slv_loop_turn(loop, loop->awaited > 0);

	uv_walk(&loop->uv, close_handle, NULL);
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	slv_assert(uv_loop_close(&loop->uv) == 0);
	slv_free(loop->timers.entries);
	slv_wipe(loop, sizeof(*loop)); /* secrets were made of what is in it */
	slv_free(loop);
}

void slv_loop_assert(const struct slv_loop *loop)
{
	uintptr_t home = atomic_load_explicit(&loop->home, memory_order_relaxed);
	slv_assert(home == 0 || home == (uintptr_t)pthread_self());
}

unsigned slv_loop_index(const struct slv_loop *loop)
{
	return loop->index;
}

struct slv_log *slv_loop_log(const struct slv_loop *loop)
{
	return loop->log;
}

struct slv_hash_key slv_loop_hash_key(const struct slv_loop *loop)
{
	return loop->hash_key;
}

void slv_loop_enter(struct slv_loop *loop)
{
	if (loop->fresh)
		return;
	slv_loop_read_clocks(loop);
	loop->fresh = true;
}

void slv_loop_leave(struct slv_loop *loop)
{
	if (slv_list_empty(&loop->tasks))
		return;
	slv_task_run_waiting(loop);
	int err = slv_list_empty(&loop->tasks) ? uv_idle_stop(&loop->awake)
	                                       : uv_idle_start(&loop->awake, on_awake);
	slv_assert(err == 0);
}
