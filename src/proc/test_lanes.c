#include "base/testing.h"
#include "proc/lanes.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/message.h"
#include "proc/test_jail.h"
#include "proc/test_maker.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Nothing here takes long: a test that still waits after that waits for what never comes. */
#define GIVE_UP_S 100

static const char *jail_path; /* from the command line */

/* --- a loop with a clock of ours, lanes, and what came of jobs --- */

struct fixture {
	uint64_t now_ms;
	struct slv_loop_world world;
	struct slv_loop *loop;
	struct slv_metrics *metrics;
	struct test_maker maker;
	struct slv_image_lanes *lanes;
	int source_fd;
	int gate[2]; /* a pipe: each byte lets one gated job go */
	int done_count;
};

struct job {
	struct slv_pixel_job base; /* first */
	struct fixture *fixture;
	int done;  /* callbacks */
	int order; /* the n-th that was done */
	slv_err err;
	char what[200];
	struct slv_pixel_result result;
	int out_fd;
};

static uint64_t fixture_now(void *arg)
{
	return ((struct fixture *)arg)->now_ms;
}

static const struct slv_lanes_conf usual = {
	.jails = 1,
	.queue_max = 16,
	.job_ms = 5000,
	.jobs_per_jail = 1000,
	.jail_rss_kib_max = 2000,
};

static int setup(void **state)
{
	struct fixture *f = SLV_ALLOC(struct fixture);
	f->now_ms = 1000;
	f->world = (struct slv_loop_world){ .now_ms = fixture_now, .arg = f };
	f->loop = slv_loop_new(0, NULL, &f->world);
	f->metrics = slv_metrics_new();
	test_maker_init(&f->maker, f->loop, jail_path);
	if (slv_failed(slv_memfd_of(SLV_STR("source"), &f->source_fd)) || pipe(f->gate) != 0)
		return -1;
	*state = f;
	(void)alarm(GIVE_UP_S); /* there is no earlier one */
	return 0;
}

static void start(struct fixture *f, struct slv_lanes_conf conf)
{
	f->lanes = slv_lanes_new(f->loop, &conf, &f->maker.base, f->metrics);
	assert_ptr_equal(slv_lanes_loop(f->lanes), f->loop);
}

static void turn_until(struct fixture *f, const uint32_t *number, uint32_t value)
{
	while (*number < value)
		slv_loop_turn(f->loop, true);
	assert_int_equal(*number, value);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	slv_lanes_free(f->lanes);
	/* Every jail ends, be it killed or because nobody is at the other end. */
	f->maker.hold = false;
	slv_task_start(f->loop, &f->maker.hand_over);
	turn_until(f, &f->maker.ended, f->maker.fail ? f->maker.ended : f->maker.asked);
	slv_fd_done(&f->source_fd);
	slv_fd_done(&f->gate[0]);
	slv_fd_done(&f->gate[1]);
	slv_metrics_free(f->metrics);
	slv_loop_free(f->loop);
	slv_free(f);
	return 0;
}

static void job_done(struct slv_pixel_job *base, slv_err err, const struct slv_pixel_result *result,
		int out_fd)
{
	struct job *job = (struct job *)base;
	job->done++;
	job->order = ++job->fixture->done_count;
	job->err = err;
	(void)snprintf(job->what, sizeof(job->what), "%s", err.what ? err.what : "");
	if (result)
		job->result = *result;
	assert_true(!result == slv_failed(err));
	job->out_fd = out_fd;
}

static void submit(struct fixture *f, struct job *job, enum test_jail_verb verb)
{
	struct slv_pixel_plan *plan = &job->base.plan;
	*plan = (struct slv_pixel_plan){ .magic = SLV_PIXEL_MAGIC,
		.fallback = SLV_FORMAT_WEBP,
		.dpr = 1,
		.brightness = 1,
		.contrast = 1,
		.saturation = 1,
		.gamma = 1,
		.width = verb,
		.height = plan->height,
		.info_only = plan->info_only,
		.draw_count = verb == TEST_JAIL_GATED,
		.limits = { 100, 100, 1, 100, SLV_PIXEL_SIDE_MAX, 100 } };
	memset(plan->quality, 80, sizeof(plan->quality));
	job->fixture = f;
	job->out_fd = -1;
	job->base.source_fd = f->source_fd;
	job->base.draw_fd[0] = f->gate[0];
	job->base.done = job_done;
	slv_lanes_submit(f->lanes, &job->base);
	assert_int_equal(job->done, 0); /* never before submit returns */
}

static void wait_for(struct fixture *f, struct job *job)
{
	while (!job->done)
		slv_loop_turn(f->loop, true);
	assert_int_equal(job->done, 1);
}

static void open_gate(struct fixture *f, size_t jobs)
{
	while (jobs-- > 0)
		assert_int_equal(write(f->gate[1], "x", 1), 1);
}

static void expect_good(struct fixture *f, struct job *job)
{
	wait_for(f, job);
	if (slv_failed(job->err))
		fail_msg("%s", job->what);
	slv_fd_done(&job->out_fd);
}

static void expect_bad(struct fixture *f, struct job *job, enum slv_code code, const char *what)
{
	wait_for(f, job);
	assert_int_equal(job->err.code, code);
	assert_string_equal(job->what, what);
	assert_int_equal(job->out_fd, -1);
}

static void pass(struct fixture *f, uint64_t ms)
{
	f->now_ms += ms;
	slv_loop_turn(f->loop, false);
}

static bool metric_is(struct fixture *f, const char *line)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(64));
	slv_metrics_print(&f->metrics, 1, &buf);
	bool found = slv_str_find_str(slv_buf_str(&buf), slv_str_from(line)) < buf.len;
	slv_buf_done(&buf);
	return found;
}

static void expect_metric(struct fixture *f, const char *line)
{
	if (!metric_is(f, line))
		fail_msg("there is no metric %s", line);
}

static void wait_for_metric(struct fixture *f, const char *line)
{
	while (!metric_is(f, line))
		slv_loop_turn(f->loop, true);
}

/* --- what goes well --- */

static void a_job_comes_back_with_its_picture(void **state)
{
	struct fixture *f = *state;
	struct job job = { .done = 0 };
	slv_str bytes;
	start(f, usual);
	submit(f, &job, TEST_JAIL_ANSWERS);
	wait_for(f, &job);
	assert_int_equal(job.err.code, SLV_E_NONE);
	assert_int_equal(job.result.format, SLV_FORMAT_JPEG);
	assert_int_equal(job.result.bytes, sizeof(TEST_JAIL_BYTES) - 1);
	assert_false(slv_failed(slv_memfd_map(job.out_fd, job.result.bytes, &bytes)));
	assert_true(slv_str_eq(bytes, SLV_STR(TEST_JAIL_BYTES)));
	slv_memfd_unmap(bytes);
	slv_fd_done(&job.out_fd);
	expect_metric(f, "\nselvedge_image_jails 1\n");
	expect_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	expect_metric(f, "\nselvedge_image_job_ms_count 1\n");
}

static void information_alone_has_no_bytes(void **state)
{
	struct fixture *f = *state;
	struct job job = { .base.plan.info_only = true };
	start(f, usual);
	submit(f, &job, TEST_JAIL_ANSWERS);
	wait_for(f, &job);
	assert_int_equal(job.err.code, SLV_E_NONE);
	assert_int_equal(job.out_fd, -1);
}

static void what_the_jail_could_not_do_comes_with_its_code(void **state)
{
	struct fixture *f = *state;
	struct job job = { .done = 0 }, next = { .done = 0 };
	start(f, usual);
	submit(f, &job, TEST_JAIL_REFUSES);
	expect_bad(f, &job, SLV_E_CORRUPT, "torn");
	submit(f, &next, TEST_JAIL_ANSWERS);
	expect_good(f, &next);
	assert_int_equal(f->maker.asked, 1); /* the same jail */
}

static void as_many_run_as_there_are_jails(void **state)
{
	struct fixture *f = *state;
	struct slv_lanes_conf conf = usual;
	struct job jobs[4] = { { .done = 0 } };
	conf.jails = 3;
	start(f, conf);
	for (size_t i = 0; i < SLV_COUNT(jobs); i++)
		submit(f, &jobs[i], TEST_JAIL_GATED);
	wait_for_metric(f, "\nselvedge_image_jails 3\n");
	expect_metric(f, "selvedge_image_jobs_waiting{lane=\"small\"} 1\n");
	open_gate(f, SLV_COUNT(jobs));
	for (size_t i = 0; i < SLV_COUNT(jobs); i++)
		expect_good(f, &jobs[i]);
	assert_int_equal(f->maker.asked, 3);
}

static void jails_are_asked_for_a_few_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct slv_lanes_conf conf = usual;
	conf.jails = 40;
	f->maker.hold = true;
	start(f, conf);
	slv_loop_turn(f->loop, false);
	assert_int_equal(f->maker.asked, 16);
	f->maker.hold = false;
	slv_task_start(f->loop, &f->maker.hand_over);
	wait_for_metric(f, "\nselvedge_image_jails 40\n");
	assert_int_equal(f->maker.asked, 40);
}

/* --- lanes --- */

static void a_plan_out_of_range_reaches_no_jail(void **state)
{
	struct fixture *f = *state;
	struct job job = { .base.plan.height = SLV_PIXEL_SIDE_MAX + 1 };
	start(f, usual);
	submit(f, &job, TEST_JAIL_ANSWERS);
	expect_bad(f, &job, SLV_E_INTERNAL, "the plan for the picture is out of range");
}

static void a_lane_is_bounded_and_the_others_are_open(void **state)
{
	struct fixture *f = *state;
	struct slv_lanes_conf conf = usual;
	struct job running = { .done = 0 }, first = { .done = 0 }, last = { .done = 0 },
		   past = { .done = 0 }, large = { .base.source_bytes = SLV_KIB(512) + 1 };
	conf.queue_max = 2;
	start(f, conf);
	submit(f, &running, TEST_JAIL_GATED);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	first.base.source_bytes = last.base.source_bytes = SLV_KIB(512);
	submit(f, &first, TEST_JAIL_GATED);
	submit(f, &last, TEST_JAIL_GATED);
	submit(f, &past, TEST_JAIL_GATED);
	submit(f, &large, TEST_JAIL_GATED);
	expect_bad(f, &past, SLV_E_BUSY, "too many pictures wait (jails.queue_max)");
	expect_metric(f, "selvedge_image_jobs_waiting{lane=\"small\"} 2\n");
	expect_metric(f, "selvedge_image_jobs_waiting{lane=\"medium\"} 1\n");
	expect_metric(f, "\nselvedge_image_jobs_rejected_total 1\n");
	open_gate(f, 4);
	expect_good(f, &running);
	expect_good(f, &first);
	expect_good(f, &last);
	expect_good(f, &large);
	expect_metric(f, "selvedge_image_jobs_waiting{lane=\"small\"} 0\n");
}

static void lanes_take_turns(void **state)
{
	struct fixture *f = *state;
	struct job gate = { .done = 0 };
	struct job small[6] = { { .done = 0 } }, medium[3] = { { .done = 0 } },
		   large[3] = { { .done = 0 } };
	start(f, usual);
	submit(f, &gate, TEST_JAIL_GATED); /* takes the first turn */
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	for (size_t i = 0; i < SLV_COUNT(large); i++) {
		large[i].base.source_bytes = SLV_MIB(4) + 1;
		submit(f, &large[i], TEST_JAIL_ANSWERS);
	}
	for (size_t i = 0; i < SLV_COUNT(medium); i++) {
		medium[i].base.source_bytes = SLV_MIB(4);
		submit(f, &medium[i], TEST_JAIL_ANSWERS);
	}
	for (size_t i = 0; i < SLV_COUNT(small); i++)
		submit(f, &small[i], TEST_JAIL_ANSWERS);
	open_gate(f, 1);
	struct job *const want[] = { &gate, &medium[0], &small[0], &large[0], &small[1], &medium[1],
		&small[2], &large[1], &small[3], &medium[2], &small[4], &large[2], &small[5] };
	for (size_t i = 0; i < SLV_COUNT(want); i++) {
		expect_good(f, want[i]);
		assert_int_equal(want[i]->order, i + 1);
	}
}

/* --- deadlines --- */

static void a_job_may_not_wait_past_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct job running = { .done = 0 };
	struct job waiting = { .base.deadline_ms = 100 };
	start(f, usual);
	submit(f, &running, TEST_JAIL_GATED);
	submit(f, &waiting, TEST_JAIL_ANSWERS);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	pass(f, 99);
	assert_int_equal(waiting.done, 0);
	pass(f, 1);
	expect_bad(f, &waiting, SLV_E_TIMEOUT, "the picture waited for a jail until its deadline");
	assert_false(waiting.base.ran);
	assert_int_equal(waiting.base.ran_ms, 0);
	open_gate(f, 1);
	expect_good(f, &running);
	assert_int_equal(running.base.ran_ms, 100);
}

static void a_jail_past_the_deadline_is_killed_and_replaced(void **state)
{
	struct fixture *f = *state;
	struct job hung = { .base.deadline_ms = 300 }, next = { .done = 0 };
	f->maker.hold = true;
	start(f, usual);
	submit(f, &hung, TEST_JAIL_HANGS);
	pass(f, 200); /* waiting counts */
	f->maker.hold = false;
	slv_task_start(f->loop, &f->maker.hand_over);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	pass(f, 99);
	assert_int_equal(hung.done, 0);
	pass(f, 1);
	expect_bad(f, &hung, SLV_E_TIMEOUT, "the picture took longer than its deadline");
	assert_int_equal(hung.base.ran_ms, 100); /* not what it waited */
	submit(f, &next, TEST_JAIL_ANSWERS);
	expect_good(f, &next);
	turn_until(f, &f->maker.ended_by_kill, 1);
	assert_int_equal(f->maker.asked, 2);
	expect_metric(f, "\nselvedge_image_jail_kills_total 1\n");
	expect_metric(f, "\nselvedge_image_jail_deaths_total 0\n");
}

static void no_deadline_is_longer_than_the_settings_allow(void **state)
{
	struct fixture *f = *state;
	struct job asks_more = { .base.deadline_ms = 6000 }, asks_none = { .done = 0 };
	struct slv_lanes_conf conf = usual;
	conf.jails = 2;
	start(f, conf);
	submit(f, &asks_more, TEST_JAIL_HANGS);
	submit(f, &asks_none, TEST_JAIL_HANGS);
	pass(f, 4999);
	assert_int_equal(asks_more.done + asks_none.done, 0);
	pass(f, 1);
	wait_for(f, &asks_more);
	wait_for(f, &asks_none);
	assert_int_equal(asks_more.err.code, SLV_E_TIMEOUT);
	assert_int_equal(asks_none.err.code, SLV_E_TIMEOUT);
}

static void a_deadline_is_extended_where_the_job_waits_and_where_it_runs(void **state)
{
	struct fixture *f = *state;
	struct job running = { .base.deadline_ms = 100 }, waiting = { .base.deadline_ms = 100 };
	start(f, usual);
	submit(f, &running, TEST_JAIL_HANGS);
	submit(f, &waiting, TEST_JAIL_ANSWERS);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	pass(f, 50);
	slv_lanes_extend(f->lanes, &running.base, 200);
	slv_lanes_extend(f->lanes, &waiting.base, 100);
	pass(f, 99);
	assert_int_equal(running.done + waiting.done, 0);
	pass(f, 1);
	expect_bad(f, &waiting, SLV_E_TIMEOUT, "the picture waited for a jail until its deadline");
	pass(f, 99);
	assert_int_equal(running.done, 0);
	pass(f, 1);
	expect_bad(f, &running, SLV_E_TIMEOUT, "the picture took longer than its deadline");
}

static void a_deadline_is_extended_by_what_the_settings_allow_and_not_after_the_end(void **state)
{
	struct fixture *f = *state;
	struct job most = { .base.deadline_ms = 100 }, over = { .done = 0 };
	start(f, usual);
	submit(f, &most, TEST_JAIL_HANGS);
	slv_lanes_extend(f->lanes, &most.base, 6000);
	pass(f, 4999);
	assert_int_equal(most.done, 0);
	pass(f, 1);
	wait_for(f, &most);
	submit(f, &over, TEST_JAIL_ANSWERS);
	slv_lanes_cancel(f->lanes, &over.base);
	slv_lanes_extend(f->lanes, &over.base, 100);
	expect_bad(f, &over, SLV_E_CANCELLED, "nobody waits for the picture any more");
	pass(f, 100);
	assert_int_equal(over.done, 1);
}

/* --- bad jails --- */

static void a_jail_that_dies_fails_its_one_job(void **state)
{
	struct fixture *f = *state;
	struct job job = { .done = 0 }, next = { .done = 0 };
	start(f, usual);
	submit(f, &job, TEST_JAIL_DIES);
	submit(f, &next, TEST_JAIL_ANSWERS);
	expect_bad(f, &job, SLV_E_INTERNAL, "image jail died");
	expect_good(f, &next);
	expect_metric(f, "\nselvedge_image_jail_deaths_total 1\n");
}

static void a_jail_that_lies_is_killed(void **state)
{
	struct fixture *f = *state;
	uint32_t lies = 0;
	start(f, usual);
	for (int lie = TEST_JAIL_LIES; lie < TEST_JAIL_LIES_END; lie++, lies++) {
		struct job job = { .done = 0 }, next = { .done = 0 };
		submit(f, &job, (enum test_jail_verb)lie);
		expect_bad(f, &job, SLV_E_INTERNAL, "image jail answered nonsense");
		submit(f, &next, TEST_JAIL_ANSWERS);
		expect_good(f, &next);
	}
	turn_until(f, &f->maker.ended_by_kill, lies);
	assert_int_equal(lies, 12);
}

static void bytes_where_none_were_asked_for_are_a_lie(void **state)
{
	struct fixture *f = *state;
	struct job job = { .base.plan.info_only = true };
	start(f, usual);
	submit(f, &job, TEST_JAIL_LIES_UNASKED);
	expect_bad(f, &job, SLV_E_INTERNAL, "image jail answered nonsense");
}

static void a_jail_that_speaks_unasked_is_killed(void **state)
{
	struct fixture *f = *state;
	struct job job = { .done = 0 }, next = { .done = 0 };
	start(f, usual);
	submit(f, &job, TEST_JAIL_CHATTERS);
	expect_good(f, &job);
	turn_until(f, &f->maker.ended_by_kill, 1);
	submit(f, &next, TEST_JAIL_ANSWERS);
	expect_good(f, &next);
	assert_int_equal(f->maker.asked, 2);
}

static void a_jail_is_retired_after_its_number_of_jobs(void **state)
{
	struct fixture *f = *state;
	struct slv_lanes_conf conf = usual;
	struct job jobs[5] = { { .done = 0 } };
	conf.jobs_per_jail = 2;
	start(f, conf);
	for (size_t i = 0; i < SLV_COUNT(jobs); i++)
		submit(f, &jobs[i], TEST_JAIL_ANSWERS);
	for (size_t i = 0; i < SLV_COUNT(jobs); i++)
		expect_good(f, &jobs[i]);
	assert_int_equal(jobs[0].result.width, jobs[1].result.width); /* process ids */
	assert_int_not_equal(jobs[1].result.width, jobs[2].result.width);
	assert_int_equal(jobs[2].result.width, jobs[3].result.width);
	assert_int_not_equal(jobs[3].result.width, jobs[4].result.width);
	expect_metric(f, "\nselvedge_image_jail_retirements_total 2\n");
}

static void a_jail_is_retired_above_its_memory_mark(void **state)
{
	struct fixture *f = *state;
	struct job at = { .base.plan.height = 1000 }, above = { .base.plan.height = 1001 };
	struct job next = { .done = 0 };
	start(f, usual);
	submit(f, &at, TEST_JAIL_EATS);
	submit(f, &above, TEST_JAIL_EATS);
	submit(f, &next, TEST_JAIL_ANSWERS);
	expect_good(f, &at);
	expect_good(f, &above);
	expect_good(f, &next);
	assert_int_equal(at.result.width, above.result.width);
	assert_int_not_equal(above.result.width, next.result.width);
}

/* Kill every jail and return when they are dead, without a turn of the loop. */
static void kill_all(struct fixture *f)
{
	SLV_LIST_EACH(link, &f->maker.alive)
	{
		struct test_spawned *spawned = SLV_CONTAINER(link, struct test_spawned, link);
		struct pollfd dead = { .fd = spawned->child.pid_fd, .events = POLLIN };
		slv_child_kill(&spawned->child);
		assert_int_equal(poll(&dead, 1, GIVE_UP_S * 1000), 1);
	}
}

static void a_jail_found_dead_costs_no_job(void **state)
{
	struct fixture *f = *state;
	struct job first = { .done = 0 }, second = { .done = 0 };
	start(f, usual);
	submit(f, &first, TEST_JAIL_ANSWERS);
	expect_good(f, &first);
	kill_all(f);
	submit(f, &second, TEST_JAIL_ANSWERS);
	expect_good(f, &second);
	assert_int_equal(f->maker.asked, 2);
}

/* --- cancelling --- */

static void a_waiting_job_is_cancelled(void **state)
{
	struct fixture *f = *state;
	struct job running = { .done = 0 }, waiting = { .done = 0 };
	start(f, usual);
	submit(f, &running, TEST_JAIL_GATED);
	submit(f, &waiting, TEST_JAIL_ANSWERS);
	slv_lanes_cancel(f->lanes, &waiting.base);
	assert_int_equal(waiting.done, 0);
	expect_bad(f, &waiting, SLV_E_CANCELLED, "nobody waits for the picture any more");
	open_gate(f, 1);
	expect_good(f, &running);
	expect_metric(f, "selvedge_image_jobs_waiting{lane=\"small\"} 0\n");
}

static void a_running_job_is_let_finish_unseen(void **state)
{
	struct fixture *f = *state;
	struct job running = { .done = 0 }, next = { .done = 0 };
	start(f, usual);
	submit(f, &running, TEST_JAIL_GATED);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	slv_lanes_cancel(f->lanes, &running.base);
	expect_bad(f, &running, SLV_E_CANCELLED, "nobody waits for the picture any more");
	submit(f, &next, TEST_JAIL_ANSWERS);
	open_gate(f, 1);
	expect_good(f, &next);
	assert_int_equal(running.done, 1);
	assert_int_equal(f->maker.asked, 1); /* the jail lives on */
}

static void a_cancelled_job_still_has_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct job running = { .base.deadline_ms = 100 }, next = { .done = 0 };
	start(f, usual);
	submit(f, &running, TEST_JAIL_HANGS);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	slv_lanes_cancel(f->lanes, &running.base);
	wait_for(f, &running);
	submit(f, &next, TEST_JAIL_ANSWERS);
	pass(f, 100);
	expect_good(f, &next);
	assert_int_equal(running.done, 1);
	turn_until(f, &f->maker.ended_by_kill, 1);
}

static void a_job_whose_end_is_due_is_cancelled_once(void **state)
{
	struct fixture *f = *state;
	struct job job = { .base.plan.height = SLV_PIXEL_SIDE_MAX + 1 };
	start(f, usual);
	submit(f, &job, TEST_JAIL_ANSWERS);
	slv_lanes_cancel(f->lanes, &job.base);
	expect_bad(f, &job, SLV_E_CANCELLED, "nobody waits for the picture any more");
	slv_loop_turn(f->loop, false);
	assert_int_equal(job.done, 1);
}

static void freeing_ends_every_job(void **state)
{
	struct fixture *f = *state;
	struct job running = { .done = 0 }, waiting = { .done = 0 };
	struct job rare = { .base.source_format = SLV_FORMAT_HEIC };
	start(f, usual);
	submit(f, &running, TEST_JAIL_HANGS);
	wait_for_metric(f, "\nselvedge_image_wait_ms_count 1\n");
	f->maker.hold = true;
	submit(f, &waiting, TEST_JAIL_ANSWERS);
	submit(f, &rare, TEST_JAIL_ANSWERS); /* its jail is handed over after the end */
	slv_loop_turn(f->loop, false);
	slv_lanes_free(f->lanes);
	f->lanes = NULL;
	expect_bad(f, &running, SLV_E_CANCELLED, "the image jails are shut down");
	expect_bad(f, &waiting, SLV_E_CANCELLED, "the image jails are shut down");
	expect_bad(f, &rare, SLV_E_CANCELLED, "the image jails are shut down");
}

/* --- jails that keep dying --- */

static void crashing_jails_are_made_ever_more_slowly(void **state)
{
	struct fixture *f = *state;
	struct slv_lanes_conf conf = usual;
	struct job job = { .done = 0 }, late = { .done = 0 }, last = { .done = 0 };
	conf.jails = 2;
	f->maker.path = "/bin/false";
	start(f, conf);
	submit(f, &job, TEST_JAIL_ANSWERS);
	wait_for(f, &job); /* it may meet a jail, and die with it */
	/* Two are made at first and one for each of the first four that die. The fifth death brings
	 * the pause, the sixth doubles it. */
	wait_for_metric(f, "\nselvedge_image_jail_deaths_total 6\n");
	uint32_t asked = SLV_LANES_DEATHS_MAX + 1, pause_ms = 200;
	turn_until(f, &f->maker.ended, asked);
	submit(f, &late, TEST_JAIL_ANSWERS);
	expect_bad(f, &late, SLV_E_BUSY, "image jails keep dying");
	expect_metric(f, "\nselvedge_image_jobs_rejected_total 1\n");

	/* The pause doubles up to its maximum, and each ends with one try. */
	for (; pause_ms < 40000; pause_ms *= 2) {
		pass(f, (pause_ms < 10000 ? pause_ms : 10000) - 1);
		assert_int_equal(f->maker.asked, asked);
		pass(f, 1);
		assert_int_equal(f->maker.asked, ++asked);
		turn_until(f, &f->maker.ended, asked);
		wait_for_metric(f, "\nselvedge_image_jails 0\n");
	}

	/* One that lives and answers ends it. */
	f->maker.path = jail_path;
	pass(f, 10000);
	submit(f, &last, TEST_JAIL_ANSWERS);
	expect_good(f, &last);
	wait_for_metric(f, "\nselvedge_image_jails 2\n");
	assert_int_equal(f->maker.asked, asked + 2);
}

static void pictures_that_kill_cost_little(void **state)
{
	struct fixture *f = *state;
	struct job bad[SLV_LANES_DEATHS_MAX + 8] = { { .done = 0 } };
	struct job good = { .done = 0 };
	start(f, usual);
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		submit(f, &bad[i], TEST_JAIL_DIES);
		expect_bad(f, &bad[i], SLV_E_INTERNAL, "image jail died");
		if (i + 1 >= SLV_LANES_DEATHS_MAX)
			pass(f, 1000); /* never longer than that */
	}
	submit(f, &good, TEST_JAIL_ANSWERS);
	expect_good(f, &good);
}

static void what_waits_fails_when_no_jail_can_be_made(void **state)
{
	struct fixture *f = *state;
	struct job job = { .done = 0 };
	f->maker.fail = true;
	start(f, usual);
	submit(f, &job, TEST_JAIL_ANSWERS);
	expect_bad(f, &job, SLV_E_BUSY, "image jails keep dying");
	assert_int_equal(f->maker.asked, SLV_LANES_DEATHS_MAX);
}

static void many_that_have_worked_and_are_killed_at_once_are_no_loop(void **state)
{
	struct fixture *f = *state;
	struct slv_lanes_conf conf = usual;
	struct job before[8] = { { .done = 0 } }, after[8] = { { .done = 0 } };
	conf.jails = SLV_COUNT(before);
	start(f, conf);
	for (size_t i = 0; i < SLV_COUNT(before); i++)
		submit(f, &before[i], TEST_JAIL_GATED);
	wait_for_metric(f, "\nselvedge_image_jails 8\n");
	open_gate(f, SLV_COUNT(before));
	for (size_t i = 0; i < SLV_COUNT(before); i++)
		expect_good(f, &before[i]);
	kill_all(f);
	for (size_t i = 0; i < SLV_COUNT(after); i++)
		submit(f, &after[i], TEST_JAIL_ANSWERS);
	for (size_t i = 0; i < SLV_COUNT(after); i++)
		expect_good(f, &after[i]);
}

/* --- rare formats --- */

static void rare_formats_have_one_jail_when_it_is_wanted(void **state)
{
	struct fixture *f = *state;
	struct job plain = { .base.source_format = SLV_FORMAT_AVIF };
	struct job rare[3] = { { .base.source_format = SLV_FORMAT_HEIC },
		{ .base.source_format = SLV_FORMAT_AVIS },
		{ .base.source_format = SLV_FORMAT_HEIC } };
	start(f, usual);
	submit(f, &plain, TEST_JAIL_ANSWERS);
	expect_good(f, &plain);
	assert_int_equal(f->maker.rare, 0);
	submit(f, &rare[0], TEST_JAIL_ANSWERS);
	submit(f, &rare[1], TEST_JAIL_ANSWERS);
	expect_good(f, &rare[0]);
	expect_good(f, &rare[1]);
	assert_int_equal(f->maker.rare, 1);
	assert_int_equal(rare[0].result.width, rare[1].result.width);
	assert_int_not_equal(rare[0].result.width, plain.result.width);
	pass(f, SLV_LANES_RARE_IDLE_MS - 1);
	expect_metric(f, "\nselvedge_image_jails 2\n");
	pass(f, 1);
	expect_metric(f, "\nselvedge_image_jails 1\n");
	expect_metric(f, "\nselvedge_image_jail_retirements_total 1\n");
	submit(f, &rare[2], TEST_JAIL_ANSWERS);
	expect_good(f, &rare[2]);
	assert_int_equal(f->maker.rare, 2);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_error("usage: test_proc_lanes FAKE-JAIL …\n");
		return 1;
	}
	jail_path = argv[1];
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_job_comes_back_with_its_picture),
		T(information_alone_has_no_bytes),
		T(what_the_jail_could_not_do_comes_with_its_code),
		T(as_many_run_as_there_are_jails),
		T(jails_are_asked_for_a_few_at_a_time),
		T(a_plan_out_of_range_reaches_no_jail),
		T(a_lane_is_bounded_and_the_others_are_open),
		T(lanes_take_turns),
		T(a_job_may_not_wait_past_its_deadline),
		T(a_jail_past_the_deadline_is_killed_and_replaced),
		T(no_deadline_is_longer_than_the_settings_allow),
		T(a_deadline_is_extended_where_the_job_waits_and_where_it_runs),
		T(a_deadline_is_extended_by_what_the_settings_allow_and_not_after_the_end),
		T(a_jail_that_dies_fails_its_one_job),
		T(a_jail_that_lies_is_killed),
		T(bytes_where_none_were_asked_for_are_a_lie),
		T(a_jail_that_speaks_unasked_is_killed),
		T(a_jail_is_retired_after_its_number_of_jobs),
		T(a_jail_is_retired_above_its_memory_mark),
		T(a_jail_found_dead_costs_no_job),
		T(a_waiting_job_is_cancelled),
		T(a_running_job_is_let_finish_unseen),
		T(a_cancelled_job_still_has_its_deadline),
		T(a_job_whose_end_is_due_is_cancelled_once),
		T(freeing_ends_every_job),
		T(crashing_jails_are_made_ever_more_slowly),
		T(pictures_that_kill_cost_little),
		T(what_waits_fails_when_no_jail_can_be_made),
		T(many_that_have_worked_and_are_killed_at_once_are_no_loop),
		T(rare_formats_have_one_jail_when_it_is_wanted),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
