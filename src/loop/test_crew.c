#include "loop/crew.h"

#include "base/testing.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdatomic.h>

struct count_chore {
	struct slv_chore chore;
	struct slv_crew *crew;
	unsigned *done;
	unsigned at, again; /* which one it was; how many times it adds itself */
};

static void count_work(struct slv_chore *chore)
{
	struct count_chore *count = SLV_CONTAINER(chore, struct count_chore, chore);
	count->at = (*count->done)++;
	if (count->again-- > 0)
		slv_crew_add(count->crew, chore);
}

static void chores_are_done_in_their_order_before_the_end(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	static struct count_chore chores[COUNT];
	struct slv_crew *crew;
	unsigned done = 0;
	assert_false(slv_failed(slv_crew_new(1, &crew)));
	for (unsigned i = 0; i < COUNT; i++) {
		chores[i] = (struct count_chore){ { .work = count_work }, crew, &done, 0, 0 };
		slv_crew_add(crew, &chores[i].chore);
	}
	slv_crew_free(crew);
	assert_int_equal(done, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(chores[i].at, i);
}

static void what_a_chore_adds_is_done_too(void **state)
{
	(void)state;
	struct slv_crew *crew;
	unsigned done = 0;
	assert_false(slv_failed(slv_crew_new(1, &crew)));
	struct count_chore chore = { { .work = count_work }, crew, &done, 0, 99 };
	slv_crew_add(crew, &chore.chore);
	slv_crew_free(crew);
	assert_int_equal(done, 100);
}

struct meeting_chore {
	struct slv_chore chore;
	pthread_barrier_t *all;
};

static void meeting_work(struct slv_chore *chore)
{
	(void)pthread_barrier_wait(SLV_CONTAINER(chore, struct meeting_chore, chore)->all);
}

/* Each waits for the others: fewer threads would never end. */
static void threads_work_at_once(void **state)
{
	(void)state;
	struct meeting_chore chores[SLV_CREW_THREADS_MAX];
	pthread_barrier_t all;
	struct slv_crew *crew;
	assert_int_equal(pthread_barrier_init(&all, NULL, SLV_CREW_THREADS_MAX), 0);
	assert_false(slv_failed(slv_crew_new(SLV_CREW_THREADS_MAX, &crew)));
	for (unsigned i = 0; i < SLV_CREW_THREADS_MAX; i++) {
		chores[i] = (struct meeting_chore){ { .work = meeting_work }, &all };
		slv_crew_add(crew, &chores[i].chore);
	}
	slv_crew_free(crew);
	pthread_barrier_destroy(&all);
}

struct owed {
	struct slv_chore chore;
	struct slv_post post;
	struct slv_loop *loop;
	_Atomic bool *go;
	bool came;
};

static void owed_came(struct slv_post *post)
{
	struct owed *owed = SLV_CONTAINER(post, struct owed, post);
	slv_loop_came(owed->loop);
	owed->came = true;
}

static void owed_work(struct slv_chore *chore)
{
	struct owed *owed = SLV_CONTAINER(chore, struct owed, chore);
	while (!atomic_load(owed->go))
		continue;
	slv_loop_post(owed->loop, &owed->post);
}

static void stop_fire(struct slv_timer *timer)
{
	(void)timer;
}

static void a_loop_does_not_end_before_what_it_awaits(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++) {
		struct slv_crew *crew;
		struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
		struct slv_timer timer = { .fire = stop_fire };
		_Atomic bool go = false;
		struct owed owed = { .chore = { .work = owed_work },
			.post = { .run = owed_came },
			.loop = loop,
			.go = &go };
		assert_false(slv_failed(slv_crew_new(1, &crew)));
		slv_loop_await(loop);
		slv_crew_add(crew, &owed.chore);
		slv_timer_start(loop, &timer, 0);
		slv_loop_turn(loop, true);
		assert_false(owed.came);
		atomic_store(&go, true);
		if (how == 0) {
			slv_loop_stop(loop);
			slv_loop_run(loop);
			assert_true(owed.came);
		}
		slv_loop_free(loop);
		assert_true(owed.came);
		slv_crew_free(crew);
	}
}

static void the_wall_clock_is_that_of_loops(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	int64_t before_s = slv_loop_wall_s(loop), now_s = slv_crew_wall_s();
	assert_true(before_s <= now_s && now_s <= slv_loop_wall_s(loop));
	slv_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chores_are_done_in_their_order_before_the_end),
		cmocka_unit_test(what_a_chore_adds_is_done_too),
		cmocka_unit_test(threads_work_at_once),
		cmocka_unit_test(a_loop_does_not_end_before_what_it_awaits),
		cmocka_unit_test(the_wall_clock_is_that_of_loops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
