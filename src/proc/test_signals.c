#include "base/testing.h"
#include "proc/signals.h"

#include "base/attr.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_S 100

static const int numbers[] = { SIGUSR1, SIGUSR2 };

struct fixture {
	struct slv_loop *loop;
	struct slv_signals *signals;
	int got[8];
	size_t count;
	bool free_within;
};

static void got(void *arg, int number)
{
	struct fixture *f = arg;
	assert_true(f->count < SLV_COUNT(f->got));
	f->got[f->count++] = number;
	if (!f->free_within)
		return;
	slv_signals_free(f->signals);
	f->signals = NULL;
}

static void start(struct fixture *f)
{
	*f = (struct fixture){ .loop = slv_loop_new(0, NULL, NULL) };
	assert_false(slv_failed(slv_signals_new(
			f->loop, numbers, SLV_COUNT(numbers), got, f, &f->signals)));
	(void)alarm(GIVE_UP_S); /* there is no earlier one */
}

static void done(struct fixture *f)
{
	slv_signals_free(f->signals);
	slv_loop_free(f->loop);
}

static void each_signal_arrives_as_an_event(void **state)
{
	(void)state;
	struct fixture f;
	start(&f);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	while (f.count < 1)
		slv_loop_turn(f.loop, true);
	assert_int_equal(kill(getpid(), SIGUSR1) | kill(getpid(), SIGUSR2), 0);
	while (f.count < 3)
		slv_loop_turn(f.loop, true);
	slv_loop_turn(f.loop, false);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.got[0], SIGUSR2);
	assert_int_equal(f.got[1] + f.got[2], SIGUSR1 + SIGUSR2);
	done(&f);
}

static void it_may_be_freed_by_what_it_calls(void **state)
{
	(void)state;
	struct fixture f;
	start(&f);
	f.free_within = true;
	assert_int_equal(kill(getpid(), SIGUSR1) | kill(getpid(), SIGUSR2), 0);
	while (f.count < 1)
		slv_loop_turn(f.loop, true);
	slv_loop_turn(f.loop, false);
	assert_int_equal(f.count, 1);
	done(&f);
	/* The other one still waits; take it away. */
	sigset_t set;
	const struct timespec now = { 0 };
	assert_int_equal(
			sigemptyset(&set) | sigaddset(&set, SIGUSR1) | sigaddset(&set, SIGUSR2), 0);
	assert_true(sigtimedwait(&set, NULL, &now) > 0);
}

int main(void)
{
	slv_signals_block(numbers, SLV_COUNT(numbers));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_signal_arrives_as_an_event),
		cmocka_unit_test(it_may_be_freed_by_what_it_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
