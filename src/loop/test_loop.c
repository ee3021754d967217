#include "loop/loop.h"

#include "base/mem.h"
#include "base/testing.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a world of our own --- */

struct world {
	uint64_t now_ms;
	int64_t wall_ms;
	uint8_t next_byte;
};

static uint64_t world_now_ms(void *arg)
{
	return ((struct world *)arg)->now_ms;
}

static int64_t world_wall_ms(void *arg)
{
	return ((struct world *)arg)->wall_ms;
}

static void world_random(void *arg, void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = ((struct world *)arg)->next_byte++;
}

static struct slv_loop *world_loop(struct world *world)
{
	struct slv_loop_world hooks = { world_now_ms, world_wall_ms, world_random, world };
	return slv_loop_new(7, NULL, &hooks);
}

static void time_and_randomness_are_the_worlds(void **state)
{
	(void)state;
	struct world world = { .now_ms = 5, .wall_ms = 1999, .next_byte = 0 };
	struct slv_loop *loop = world_loop(&world);
	assert_int_equal(slv_loop_index(loop), 7);
	assert_null(slv_loop_log(loop));
	assert_int_equal(slv_loop_now_ms(loop), 5);
	assert_int_equal(slv_loop_fresh_ns(loop), 5000000);
	assert_int_equal(slv_loop_wall_ms(loop), 1999);
	assert_int_equal(slv_loop_wall_s(loop), 1);
	world.wall_ms = -1;
	assert_int_equal(slv_loop_wall_s(loop), -1);

	uint8_t first[3], second[100], third[2];
	struct slv_hash_key key = slv_loop_hash_key(loop);
	assert_memory_equal(&key, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
	slv_loop_random(loop, first, sizeof(first));
	assert_memory_equal(first, "\x10\x11\x12", 3);
	slv_loop_random(loop, second, sizeof(second)); /* past the pool, which holds 512 bytes */
	assert_int_equal(second[99], 99);
	slv_loop_random(loop, third, sizeof(third));
	assert_memory_equal(third, "\x13\x14", 2);
	char digits[16];
	slv_loop_random_hex(loop, digits, sizeof(digits));
	assert_memory_equal(digits, "56789abcdef01234", sizeof(digits));
	slv_loop_free(loop);
}

static void real_randomness_does_not_repeat(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	uint8_t drawn[100][16];
	for (int i = 0; i < 100; i++)
		slv_loop_random(loop, drawn[i], sizeof(drawn[i]));
	for (int i = 0; i < 100; i++) {
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(drawn[i], drawn[j], sizeof(drawn[i]));
	}
	slv_loop_free(loop);
}

/* --- tasks --- */

struct probe {
	struct slv_loop *loop;
	struct slv_task task;
	struct world *world;
	int runs, again;
	bool stops; /* ends run when it does not start itself again */
	struct probe *other;
	uint64_t seen_ms[2];
};

static void probe_run(struct slv_task *task)
{
	struct probe *probe = SLV_CONTAINER(task, struct probe, task);
	probe->runs++;
	if (probe->again-- > 0)
		slv_task_start(probe->loop, task);
	else if (probe->stops)
		slv_loop_stop(probe->loop);
	if (probe->other)
		slv_task_stop(&probe->other->task);
}

static void a_task_runs_once_in_the_next_turn_without_sleep(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct probe probe = { .loop = loop, .task.run = probe_run };
	slv_task_start(loop, &probe.task);
	slv_task_start(loop, &probe.task);
	assert_int_equal(probe.runs, 0);
	slv_loop_turn(loop, true);
	assert_int_equal(probe.runs, 1);
	slv_loop_turn(loop, false);
	assert_int_equal(probe.runs, 1);
	slv_loop_free(loop);
}

static void a_stopped_task_does_not_run(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct probe second = { .loop = loop, .task.run = probe_run };
	struct probe first = { .loop = loop, .task.run = probe_run, .other = &second };
	slv_task_start(loop, &first.task);
	slv_task_start(loop, &second.task);
	slv_loop_turn(loop, true);
	assert_int_equal(first.runs, 1);
	assert_int_equal(second.runs, 0);
	slv_loop_free(loop);
}

static void a_task_that_starts_itself_for_ever_leaves_room_for_others(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct probe probe = { .loop = loop, .task.run = probe_run, .again = INT32_MAX };
	slv_task_start(loop, &probe.task);
	slv_loop_turn(loop, true);
	int after_one = probe.runs;
	slv_loop_turn(loop, true);
	assert_true(probe.runs > after_one);
	slv_task_stop(&probe.task);
	slv_loop_free(loop);
}

static void run_does_not_sleep_while_tasks_wait(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct probe probe = { .loop = loop, .task.run = probe_run, .again = 5000, .stops = true };
	slv_task_start(loop, &probe.task);
	slv_loop_run(loop); /* more of them than one callback is followed by */
	assert_int_equal(probe.runs, 5001);
	slv_loop_free(loop);
}

static void look_at_clock(struct slv_task *task)
{
	struct probe *probe = SLV_CONTAINER(task, struct probe, task);
	probe->seen_ms[0] = slv_loop_now_ms(probe->loop);
	probe->world->now_ms += 1000;
	probe->seen_ms[1] = slv_loop_now_ms(probe->loop);
}

static void the_clock_stands_still_within_a_callback(void **state)
{
	(void)state;
	struct world world = { .now_ms = 50 };
	struct slv_loop *loop = world_loop(&world);
	struct probe probe = { .loop = loop, .world = &world, .task.run = look_at_clock };
	slv_task_start(loop, &probe.task);
	slv_loop_turn(loop, false);
	assert_int_equal(probe.seen_ms[0], 50);
	assert_int_equal(probe.seen_ms[1], 50);
	assert_int_equal(slv_loop_now_ms(loop), 1050);
	slv_loop_free(loop);
}

/* --- posts --- */

#define STORM_THREADS 4
#define STORM_POSTS 20000

struct storm {
	struct slv_loop *loop;
	int next[STORM_THREADS];
	int left;
	bool disordered;
	struct slv_task task; /* started by each post */
	int tasks;
};

struct storm_post {
	struct slv_post post;
	struct storm *storm;
	int sender, number;
};

struct storm_sender {
	struct storm *storm;
	int sender;
};

static void storm_task(struct slv_task *task)
{
	SLV_CONTAINER(task, struct storm, task)->tasks++;
}

static void storm_received(struct slv_post *post)
{
	struct storm_post *mine = SLV_CONTAINER(post, struct storm_post, post);
	struct storm *storm = mine->storm;
	slv_loop_assert(storm->loop);
	if (storm->next[mine->sender]++ != mine->number)
		storm->disordered = true;
	slv_task_start(storm->loop, &storm->task);
	slv_free(mine);
	if (--storm->left == 0)
		slv_loop_stop(storm->loop);
}

static void storm_send(void *arg)
{
	struct storm_sender *sender = arg;
	for (int i = 0; i < STORM_POSTS; i++) {
		struct storm_post *post = SLV_ALLOC(struct storm_post);
		post->post.run = storm_received;
		post->storm = sender->storm;
		post->sender = sender->sender;
		post->number = i;
		slv_loop_post(sender->storm->loop, &post->post);
	}
}

static void posts_of_many_threads_all_come_in_order_of_their_sender(void **state)
{
	(void)state;
	struct storm storm = { .left = STORM_THREADS * STORM_POSTS, .task.run = storm_task };
	storm.loop = slv_loop_new(0, NULL, NULL);
	struct storm_sender senders[STORM_THREADS];
	struct slv_thread *threads[STORM_THREADS];
	for (int i = 0; i < STORM_THREADS; i++) {
		senders[i] = (struct storm_sender){ &storm, i };
		slv_err err = slv_thread_start(storm_send, &senders[i], &threads[i]);
		assert_false(slv_failed(err));
	}
	slv_loop_run(storm.loop);
	/* At once: senders may still be on their way out of the last post. */
	slv_loop_free(storm.loop);
	for (int i = 0; i < STORM_THREADS; i++) {
		slv_thread_join(threads[i]);
		assert_int_equal(storm.next[i], STORM_POSTS);
	}
	assert_false(storm.disordered);
	assert_int_equal(storm.left, 0);
	assert_int_equal(storm.tasks, STORM_THREADS * STORM_POSTS);
}

struct note {
	struct slv_post post;
	struct slv_task task;
	struct slv_loop *loop;
	int posts, tasks;
};

static void note_task(struct slv_task *task)
{
	SLV_CONTAINER(task, struct note, task)->tasks++;
}

static void note_received(struct slv_post *post)
{
	struct note *note = SLV_CONTAINER(post, struct note, post);
	note->posts++;
	slv_task_start(note->loop, &note->task);
}

static void what_is_posted_to_an_ended_loop_runs_when_it_is_freed(void **state)
{
	(void)state;
	struct note note = { .post.run = note_received, .task.run = note_task };
	note.loop = slv_loop_new(0, NULL, NULL);
	slv_loop_stop(note.loop);
	slv_loop_run(note.loop);
	slv_loop_post(note.loop, &note.post);
	assert_int_equal(note.posts, 0);
	slv_loop_free(note.loop);
	assert_int_equal(note.posts, 1);
	assert_int_equal(note.tasks, 1);
}

/* --- jobs --- */

struct chore {
	struct slv_job job;
	struct slv_loop *loop;
	atomic_bool *gate;  /* work waits until it is open; may be NULL */
	atomic_bool *opens; /* done opens it; may be NULL */
	int *order, *done_count;
	int number;
	bool worked;
};

static void chore_work(struct slv_job *job)
{
	struct chore *chore = SLV_CONTAINER(job, struct chore, job);
	while (chore->gate && !atomic_load(chore->gate))
		(void)usleep(100);
	chore->worked = true;
}

static void chore_done(struct slv_job *job)
{
	struct chore *chore = SLV_CONTAINER(job, struct chore, job);
	slv_loop_assert(chore->loop);
	chore->order[(*chore->done_count)++] = chore->number;
	if (chore->opens)
		atomic_store(chore->opens, true);
	if (chore->gate && !chore->opens)
		slv_loop_stop(chore->loop);
}

static void jobs_report_in_the_order_in_which_they_end(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	int order[3], done_count = 0;
	atomic_bool second_gate = false, third_gate = false;
	/* The first waits for the second's report, which waits for the third's. */
	struct chore chores[3] = {
		{ .number = 0, .gate = &second_gate },
		{ .number = 1, .gate = &third_gate, .opens = &second_gate },
		{ .number = 2, .opens = &third_gate },
	};
	for (int i = 0; i < 3; i++) {
		chores[i].job = (struct slv_job){ .work = chore_work, .done = chore_done };
		chores[i].loop = loop;
		chores[i].order = order;
		chores[i].done_count = &done_count;
		slv_job_start(loop, &chores[i].job);
	}
	assert_int_equal(done_count, 0);
	slv_loop_run(loop);
	assert_int_equal(done_count, 3);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 0);
	slv_loop_free(loop);
}

struct stopper {
	struct slv_task task;
	atomic_bool gate;
};

static void open_gate(struct slv_task *task)
{
	atomic_store(&SLV_CONTAINER(task, struct stopper, task)->gate, true);
}

static void run_ends_only_when_jobs_have_reported(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct stopper stopper = { .task.run = open_gate };
	int order[1], done_count = 0;
	struct chore chore = { .job = { .work = chore_work, .done = chore_done },
		.loop = loop,
		.gate = &stopper.gate,
		.order = order,
		.done_count = &done_count };
	slv_job_start(loop, &chore.job);
	slv_loop_stop(loop); /* before the job can end: the task opens its gate */
	slv_task_start(loop, &stopper.task);
	slv_loop_run(loop);
	assert_true(chore.worked);
	assert_int_equal(done_count, 1);
	slv_loop_free(loop);
}

static void free_waits_for_jobs(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	int order[1], done_count = 0;
	struct chore chore = { .job = { .work = chore_work, .done = chore_done },
		.loop = loop,
		.order = order,
		.done_count = &done_count };
	slv_job_start(loop, &chore.job);
	slv_loop_free(loop);
	assert_int_equal(done_count, 1);
}

/* --- life --- */

static void run_loop(void *arg)
{
	slv_loop_run(arg);
}

static void stop_from_another_thread_ends_run(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
		struct slv_thread *thread;
		slv_err err = slv_thread_start(run_loop, loop, &thread);
		assert_false(slv_failed(err));
		slv_loop_stop(loop);
		slv_thread_join(thread);
		slv_loop_free(loop);
	}
}

struct fuse {
	struct slv_timer timer;
	struct slv_loop *loop;
	int left;
};

static void fuse_blow(struct slv_timer *timer)
{
	struct fuse *fuse = SLV_CONTAINER(timer, struct fuse, timer);
	if (--fuse->left > 0)
		slv_timer_start(fuse->loop, timer, 1);
	else
		slv_loop_stop(fuse->loop);
}

static void a_stop_counts_for_one_run(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct fuse fuse = { .timer.fire = fuse_blow, .loop = loop, .left = 3 };
	slv_loop_stop(loop);
	slv_loop_run(loop);
	slv_timer_start(loop, &fuse.timer, 1);
	slv_loop_run(loop); /* several turns */
	assert_int_equal(fuse.left, 0);
	slv_loop_free(loop);
	slv_loop_free(NULL);
}

struct trespass {
	struct slv_loop *loop;
	struct slv_post post;
	atomic_bool runs;
};

static void trespass_seen(struct slv_post *post)
{
	atomic_store(&SLV_CONTAINER(post, struct trespass, post)->runs, true);
}

/* In a child of its own: touch a loop from the wrong thread. */
_Noreturn static void trespass(void)
{
	struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)close(STDERR_FILENO);
	struct trespass trespass = { .post.run = trespass_seen };
	trespass.loop = slv_loop_new(0, NULL, NULL);
	struct slv_thread *thread;
	slv_loop_assert(trespass.loop); /* it does not run yet */
	slv_loop_post(trespass.loop, &trespass.post);
	slv_err err = slv_thread_start(run_loop, trespass.loop, &thread);
	while (!slv_failed(err) && !atomic_load(&trespass.runs))
		(void)usleep(100);
	slv_loop_assert(trespass.loop);
	_exit(0);
}

static void the_wrong_thread_is_an_abort(void **state)
{
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		trespass();
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void cores_are_those_that_we_may_use(void **state)
{
	(void)state;
	cpu_set_t before, one;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(slv_loop_cores(), CPU_COUNT(&before));
	int first = 0;
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(slv_loop_cores(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cores_are_those_that_we_may_use),
		cmocka_unit_test(the_wrong_thread_is_an_abort),
		cmocka_unit_test(time_and_randomness_are_the_worlds),
		cmocka_unit_test(real_randomness_does_not_repeat),
		cmocka_unit_test(a_task_runs_once_in_the_next_turn_without_sleep),
		cmocka_unit_test(a_stopped_task_does_not_run),
		cmocka_unit_test(a_task_that_starts_itself_for_ever_leaves_room_for_others),
		cmocka_unit_test(run_does_not_sleep_while_tasks_wait),
		cmocka_unit_test(the_clock_stands_still_within_a_callback),
		cmocka_unit_test(posts_of_many_threads_all_come_in_order_of_their_sender),
		cmocka_unit_test(what_is_posted_to_an_ended_loop_runs_when_it_is_freed),
		cmocka_unit_test(jobs_report_in_the_order_in_which_they_end),
		cmocka_unit_test(run_ends_only_when_jobs_have_reported),
		cmocka_unit_test(free_waits_for_jobs),
		cmocka_unit_test(stop_from_another_thread_ends_run),
		cmocka_unit_test(a_stop_counts_for_one_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
