#include "loop/loop.h"

#include "base/mem.h"
#include "base/testing.h"

struct bell {
	struct slv_timer timer;
	struct slv_loop *loop;
	uint64_t again_ms;          /* started anew so when it fires; UINT64_MAX: not */
	struct bell *stops, *moves; /* done to these when it fires */
	uint64_t moves_ms;
	struct slv_task *task; /* likewise started */
	int rings;
	int *clock; /* counts all rings; may be NULL */
	int place;  /* its count when this rang last */
};

static uint64_t fake_now_ms(void *arg)
{
	return *(uint64_t *)arg;
}

static struct slv_loop *fake_loop(uint64_t *now_ms)
{
	struct slv_loop_world world = { .now_ms = fake_now_ms, .arg = now_ms };
	return slv_loop_new(0, NULL, &world);
}

static void ring(struct slv_timer *timer)
{
	struct bell *bell = SLV_CONTAINER(timer, struct bell, timer);
	bell->rings++;
	if (bell->clock)
		bell->place = ++*bell->clock;
	if (bell->again_ms != UINT64_MAX)
		slv_timer_start(bell->loop, timer, bell->again_ms);
	if (bell->stops)
		slv_timer_stop(bell->loop, &bell->stops->timer);
	if (bell->moves)
		slv_timer_start(bell->loop, &bell->moves->timer, bell->moves_ms);
	if (bell->task)
		slv_task_start(bell->loop, bell->task);
}

static struct bell make_bell(struct slv_loop *loop)
{
	return (struct bell){ .timer.fire = ring, .loop = loop, .again_ms = UINT64_MAX };
}

static void turn_at(struct slv_loop *loop, uint64_t *now_ms, uint64_t at_ms)
{
	*now_ms = at_ms;
	slv_loop_turn(loop, false);
}

static void a_timer_fires_once_when_its_time_has_come(void **state)
{
	(void)state;
	uint64_t now_ms = 1000;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop);
	assert_false(slv_timer_running(&bell.timer));
	slv_timer_start(loop, &bell.timer, 10);
	assert_true(slv_timer_running(&bell.timer));
	turn_at(loop, &now_ms, 1009);
	assert_int_equal(bell.rings, 0);
	turn_at(loop, &now_ms, 1010);
	assert_int_equal(bell.rings, 1);
	assert_false(slv_timer_running(&bell.timer));
	turn_at(loop, &now_ms, 9000);
	assert_int_equal(bell.rings, 1);
	slv_loop_free(loop);
}

static void zero_fires_in_the_next_turn_and_does_not_sleep(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct bell far = make_bell(loop), bell = make_bell(loop);
	slv_timer_start(loop, &far.timer, 3600000);
	slv_loop_turn(loop, false); /* sets the alarm */
	slv_timer_start(loop, &bell.timer, 0);
	assert_int_equal(bell.rings, 0);
	slv_loop_turn(loop, true);
	assert_int_equal(bell.rings, 1);
	assert_int_equal(far.rings, 0);
	slv_loop_free(loop);
}

static void a_clock_that_jumps_past_a_timer_does_not_sleep(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop);
	slv_timer_start(loop, &bell.timer, 3600000);
	slv_loop_turn(loop, false); /* sets the alarm, on a clock that does not jump */
	now_ms = 3600000;
	slv_loop_turn(loop, true);
	assert_int_equal(bell.rings, 1);
	slv_loop_free(loop);
}

static void put_off_it_fires_at_the_later_time(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop);
	slv_timer_start(loop, &bell.timer, 10);
	turn_at(loop, &now_ms, 5);
	slv_timer_start(loop, &bell.timer, 10);
	turn_at(loop, &now_ms, 14);
	assert_int_equal(bell.rings, 0);
	assert_true(slv_timer_running(&bell.timer));
	turn_at(loop, &now_ms, 15);
	assert_int_equal(bell.rings, 1);
	slv_loop_free(loop);
}

static void put_forward_it_fires_at_the_earlier_time(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop), other = make_bell(loop);
	slv_timer_start(loop, &other.timer, 50);
	slv_timer_start(loop, &bell.timer, 100);
	slv_timer_start(loop, &bell.timer, 200); /* put off before, too */
	slv_timer_start(loop, &bell.timer, 20);
	turn_at(loop, &now_ms, 20);
	assert_int_equal(bell.rings, 1);
	assert_int_equal(other.rings, 0);
	turn_at(loop, &now_ms, 200);
	assert_int_equal(bell.rings, 1);
	assert_int_equal(other.rings, 1);
	slv_loop_free(loop);
}

static void it_counts_from_now_even_long_after_the_last_turn(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop);
	slv_loop_turn(loop, false);
	now_ms = 5000;
	slv_timer_start(loop, &bell.timer, 10);
	slv_loop_turn(loop, false);
	assert_int_equal(bell.rings, 0);
	turn_at(loop, &now_ms, 5010);
	assert_int_equal(bell.rings, 1);
	slv_loop_free(loop);
}

static void a_stopped_timer_is_forgotten_at_once(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell *gone = SLV_ALLOC(struct bell);
	struct bell stays = make_bell(loop);
	*gone = make_bell(loop);
	slv_timer_stop(loop, &gone->timer); /* nothing: it does not run */
	slv_timer_start(loop, &gone->timer, 10);
	slv_timer_start(loop, &stays.timer, 10);
	slv_timer_stop(loop, &gone->timer);
	assert_false(slv_timer_running(&gone->timer));
	slv_free(gone);
	turn_at(loop, &now_ms, 10);
	assert_int_equal(stays.rings, 1);
	slv_loop_free(loop);
}

static void a_timer_stopped_by_one_that_fires_with_it_does_not_fire(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell second = make_bell(loop), third = make_bell(loop);
	struct bell first = make_bell(loop);
	first.stops = &second;
	first.moves = &third;
	first.moves_ms = 100;
	slv_timer_start(loop, &third.timer, 12);
	slv_timer_start(loop, &second.timer, 11);
	slv_timer_start(loop, &first.timer, 10);
	turn_at(loop, &now_ms, 20);
	assert_int_equal(first.rings, 1);
	assert_int_equal(second.rings, 0);
	assert_int_equal(third.rings, 0);
	turn_at(loop, &now_ms, 119);
	assert_int_equal(third.rings, 0);
	turn_at(loop, &now_ms, 120);
	assert_int_equal(third.rings, 1);
	assert_int_equal(second.rings, 0);
	slv_loop_free(loop);
}

static void a_timer_that_starts_itself_at_once_lets_the_turn_end(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop);
	bell.again_ms = 0;
	slv_timer_start(loop, &bell.timer, 0);
	for (int i = 1; i <= 5; i++) {
		slv_loop_turn(loop, true);
		assert_int_equal(bell.rings, i);
	}
	bell.again_ms = 30;
	slv_loop_turn(loop, true);
	turn_at(loop, &now_ms, 29);
	assert_int_equal(bell.rings, 6);
	turn_at(loop, &now_ms, 30);
	assert_int_equal(bell.rings, 7);
	slv_loop_free(loop);
}

static void timers_that_are_due_together_fire_in_order_of_their_times(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	int clock = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bells[100];
	for (int i = 0; i < 100; i++) {
		bells[i] = make_bell(loop);
		bells[i].clock = &clock;
		/* 37 and 100 have no divisor in common: every time once. */
		slv_timer_start(loop, &bells[i].timer, (uint64_t)(i * 37 % 100));
	}
	turn_at(loop, &now_ms, 1000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(bells[i].place, i * 37 % 100 + 1);
	slv_loop_free(loop);
}

struct note {
	struct slv_task task;
	int *clock;
	int place;
};

static void note_run(struct slv_task *task)
{
	struct note *note = SLV_CONTAINER(task, struct note, task);
	note->place = ++*note->clock;
}

static void a_task_runs_behind_the_timer_that_started_it(void **state)
{
	(void)state;
	uint64_t now_ms = 0;
	int clock = 0;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct note note = { .task.run = note_run, .clock = &clock };
	struct bell first = make_bell(loop), second = make_bell(loop);
	first.clock = second.clock = &clock;
	first.task = &note.task;
	slv_timer_start(loop, &first.timer, 1);
	slv_timer_start(loop, &second.timer, 2);
	turn_at(loop, &now_ms, 5);
	assert_int_equal(first.place, 1);
	assert_int_equal(note.place, 2);
	assert_int_equal(second.place, 3);
	slv_loop_free(loop);
}

static void a_time_past_the_end_of_the_clock_never_comes(void **state)
{
	(void)state;
	uint64_t now_ms = 1000;
	struct slv_loop *loop = fake_loop(&now_ms);
	struct bell bell = make_bell(loop);
	slv_timer_start(loop, &bell.timer, UINT64_MAX);
	turn_at(loop, &now_ms, UINT64_MAX / 2);
	assert_int_equal(bell.rings, 0);
	assert_true(slv_timer_running(&bell.timer));
	slv_timer_stop(loop, &bell.timer);
	slv_loop_free(loop);
}

/* --- against a table that is searched from end to end --- */

#define MODEL_TIMERS 300
#define MODEL_STEPS 20000

struct model {
	bool running;
	uint64_t at_ms;
	int rings;
};

static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*seed >> 33);
}

static void model_turn(struct model *models, uint64_t now_ms)
{
	for (int i = 0; i < MODEL_TIMERS; i++) {
		if (models[i].running && models[i].at_ms <= now_ms) {
			models[i].running = false;
			models[i].rings++;
		}
	}
}

static void any_sequence_of_starts_and_stops_fires_as_a_plain_table(void **state)
{
	(void)state;
	uint64_t now_ms = 0, seed = 20260102;
	struct slv_loop *loop = fake_loop(&now_ms);
	static struct bell bells[MODEL_TIMERS];
	static struct model models[MODEL_TIMERS];
	for (int i = 0; i < MODEL_TIMERS; i++)
		bells[i] = make_bell(loop);
	for (int step = 0; step < MODEL_STEPS; step++) {
		uint32_t which = draw(&seed) % MODEL_TIMERS, after = draw(&seed) % 1000;
		switch (draw(&seed) % 8) {
		case 0:
			turn_at(loop, &now_ms, now_ms + after / 20);
			model_turn(models, now_ms);
			break;
		case 1:
		case 2:
			slv_timer_stop(loop, &bells[which].timer);
			models[which].running = false;
			break;
		default:
			slv_timer_start(loop, &bells[which].timer, after);
			models[which].running = true;
			models[which].at_ms = now_ms + after;
		}
		assert_int_equal(slv_timer_running(&bells[which].timer), models[which].running);
		assert_int_equal(bells[which].rings, models[which].rings);
	}
	turn_at(loop, &now_ms, now_ms + 1000);
	model_turn(models, now_ms);
	int rings = 0;
	for (int i = 0; i < MODEL_TIMERS; i++) {
		assert_int_equal(bells[i].rings, models[i].rings);
		assert_false(slv_timer_running(&bells[i].timer));
		rings += bells[i].rings;
	}
	assert_true(rings > MODEL_TIMERS);
	slv_loop_free(loop);
}

/* --- on the real clock --- */

static void ring_out(struct slv_timer *timer)
{
	struct bell *bell = SLV_CONTAINER(timer, struct bell, timer);
	bell->rings++;
	slv_loop_stop(bell->loop);
}

static void a_sleeping_loop_wakes_up_for_the_first_timer(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct bell late = make_bell(loop), bell = make_bell(loop);
	bell.timer.fire = ring_out;
	uint64_t begin_ms = slv_loop_now_ms(loop);
	slv_timer_start(loop, &late.timer, 3600000);
	slv_timer_start(loop, &bell.timer, 1);
	slv_timer_start(loop, &bell.timer, 20);
	slv_loop_run(loop);
	assert_int_equal(bell.rings, 1);
	assert_int_equal(late.rings, 0);
	assert_true(slv_loop_now_ms(loop) - begin_ms >= 20);
	slv_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_fires_once_when_its_time_has_come),
		cmocka_unit_test(zero_fires_in_the_next_turn_and_does_not_sleep),
		cmocka_unit_test(a_clock_that_jumps_past_a_timer_does_not_sleep),
		cmocka_unit_test(put_off_it_fires_at_the_later_time),
		cmocka_unit_test(put_forward_it_fires_at_the_earlier_time),
		cmocka_unit_test(it_counts_from_now_even_long_after_the_last_turn),
		cmocka_unit_test(a_stopped_timer_is_forgotten_at_once),
		cmocka_unit_test(a_timer_stopped_by_one_that_fires_with_it_does_not_fire),
		cmocka_unit_test(a_timer_that_starts_itself_at_once_lets_the_turn_end),
		cmocka_unit_test(timers_that_are_due_together_fire_in_order_of_their_times),
		cmocka_unit_test(a_task_runs_behind_the_timer_that_started_it),
		cmocka_unit_test(a_time_past_the_end_of_the_clock_never_comes),
		cmocka_unit_test(any_sequence_of_starts_and_stops_fires_as_a_plain_table),
		cmocka_unit_test(a_sleeping_loop_wakes_up_for_the_first_timer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
