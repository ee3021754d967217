#include "loop/loop.h"

#include "base/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a watched descriptor's owner does when it is told, and what it saw. */
struct eye {
	struct slv_loop *loop;
	struct slv_io *io;
	int fd;
	bool drains;           /* reads all there is */
	int wants;             /* set then; -1: left as it is */
	struct eye *frees;     /* freed then, may be itself; its descriptor is closed */
	struct eye *reopens;   /* watches a new descriptor then */
	struct slv_task *task; /* started then */
	int calls, events;     /* events of the last call */
	int *clock, place;
};

static void watch(struct eye *eye, int fd, int events);

static void eye_drain(int fd)
{
	char bytes[64];
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void eye_ready(void *arg, int events)
{
	struct eye *eye = arg;
	eye->calls++;
	eye->events = events;
	if (eye->clock)
		eye->place = ++*eye->clock;
	if (eye->drains)
		eye_drain(eye->fd);
	if (eye->wants >= 0)
		slv_io_want(eye->io, eye->wants);
	if (eye->task)
		slv_task_start(eye->loop, eye->task);
	if (eye->frees) {
		slv_io_free(eye->frees->io);
		assert_int_equal(close(eye->frees->fd), 0);
		eye->frees->io = NULL;
	}
	if (eye->reopens) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		watch(eye->reopens, pair[0], SLV_IO_READ);
		assert_int_equal(write(pair[1], "x", 1), 1);
		assert_int_equal(close(pair[1]), 0);
	}
}

static void watch(struct eye *eye, int fd, int events)
{
	eye->fd = fd;
	slv_err err = slv_io_new(eye->loop, fd, eye_ready, eye, &eye->io);
	assert_false(slv_failed(err));
	slv_io_want(eye->io, events);
}

static void unwatch(struct eye *eye)
{
	slv_io_free(eye->io);
	assert_int_equal(close(eye->fd), 0);
}

/* A loop with two ends of a socket, ours watched for `events`. */
struct scene {
	struct slv_loop *loop;
	struct eye eye;
	int peer;
};

static void scene_init(struct scene *scene, int events)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	scene->loop = slv_loop_new(0, NULL, NULL);
	scene->eye = (struct eye){ .loop = scene->loop, .wants = -1 };
	scene->peer = pair[1];
	watch(&scene->eye, pair[0], events);
}

static void scene_done(struct scene *scene)
{
	if (scene->eye.io)
		unwatch(&scene->eye);
	if (scene->peer >= 0)
		assert_int_equal(close(scene->peer), 0);
	slv_loop_free(scene->loop);
}

static void poke(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void what_is_not_read_is_told_again(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	slv_loop_turn(scene.loop, false);
	assert_int_equal(scene.eye.calls, 0);
	poke(scene.peer);
	slv_loop_turn(scene.loop, true);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.calls, 2);
	assert_int_equal(scene.eye.events, SLV_IO_READ);
	scene.eye.drains = true;
	slv_loop_turn(scene.loop, true);
	slv_loop_turn(scene.loop, false);
	assert_int_equal(scene.eye.calls, 3);
	scene_done(&scene);
}

static void only_what_is_wanted_is_told(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, 0);
	poke(scene.peer);
	slv_loop_turn(scene.loop, false);
	assert_int_equal(scene.eye.calls, 0);
	slv_io_want(scene.eye.io, SLV_IO_WRITE);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.events, SLV_IO_WRITE);
	slv_io_want(scene.eye.io, SLV_IO_READ | SLV_IO_WRITE);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.events, SLV_IO_READ | SLV_IO_WRITE);
	slv_io_want(scene.eye.io, SLV_IO_READ);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.events, SLV_IO_READ);
	assert_int_equal(scene.eye.calls, 3);
	slv_io_want(scene.eye.io, 0);
	for (int i = 0; i < 3; i++)
		slv_loop_turn(scene.loop, false);
	assert_int_equal(scene.eye.calls, 3);
	scene_done(&scene);
}

static void interest_that_pauses_loses_nothing(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	scene.eye.wants = 0; /* pause when told, as a server that answers before it reads on */
	scene.eye.drains = true;
	for (int i = 1; i <= 3; i++) {
		slv_io_want(scene.eye.io, SLV_IO_READ);
		poke(scene.peer);
		slv_loop_turn(scene.loop, true);
		assert_int_equal(scene.eye.calls, i);
		poke(scene.peer); /* comes while nobody wants it */
		slv_loop_turn(scene.loop, false);
		slv_loop_turn(scene.loop, false);
		assert_int_equal(scene.eye.calls, i);
	}
	slv_io_want(scene.eye.io, SLV_IO_READ);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.calls, 4);
	scene_done(&scene);
}

static void quit(struct slv_timer *timer)
{
	timer->fire = NULL;
}

static void unwanted_events_do_not_keep_the_loop_awake(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	slv_io_want(scene.eye.io, 0);
	assert_int_equal(close(scene.peer), 0); /* a hang-up, which stays */
	scene.peer = -1;
	slv_loop_turn(scene.loop, false); /* the watch is cut down here */

	/* A descriptor that is always ready would end thousands of turns before this fires. */
	struct slv_timer timer = { .fire = quit };
	slv_timer_start(scene.loop, &timer, 50);
	int turns = 0;
	while (timer.fire) {
		slv_loop_turn(scene.loop, true);
		turns++;
	}
	assert_in_range(turns, 1, 5);
	assert_int_equal(scene.eye.calls, 0);
	scene_done(&scene);
}

static void a_hang_up_shows_as_reading(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	assert_int_equal(close(scene.peer), 0);
	scene.peer = -1;
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.calls, 1);
	assert_int_equal(scene.eye.events, SLV_IO_READ);
	scene_done(&scene);
}

static void an_error_shows_as_what_was_asked_for_and_stays(void **state)
{
	(void)state;
	int pipe_fds[2];
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct eye eye = { .loop = loop, .wants = -1 };
	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	assert_int_equal(close(pipe_fds[0]), 0); /* nobody will read: EPOLLERR */
	watch(&eye, pipe_fds[1], SLV_IO_WRITE);
	for (int i = 1; i <= 3; i++) {
		slv_loop_turn(loop, true);
		assert_int_equal(eye.calls, i);
		assert_int_equal(eye.events, SLV_IO_WRITE);
	}
	eye.wants = 0;
	slv_loop_turn(loop, true);
	slv_loop_turn(loop, false);
	assert_int_equal(eye.calls, 4);
	unwatch(&eye);
	slv_loop_free(loop);
}

static void freed_in_its_own_callback_it_is_told_no_more(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ | SLV_IO_WRITE);
	scene.eye.frees = &scene.eye;
	poke(scene.peer);
	slv_loop_turn(scene.loop, true);
	slv_loop_turn(scene.loop, false);
	assert_int_equal(scene.eye.calls, 1);
	scene_done(&scene);
}

static void freed_when_it_is_told_of_an_error_it_is_told_no_more(void **state)
{
	(void)state;
	int pipe_fds[2];
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct eye eye = { .loop = loop, .wants = -1, .frees = &eye };
	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	assert_int_equal(close(pipe_fds[0]), 0);
	watch(&eye, pipe_fds[1], SLV_IO_WRITE);
	slv_loop_turn(loop, true);
	slv_loop_turn(loop, false);
	assert_int_equal(eye.calls, 1);
	slv_loop_free(loop);
}

static void freed_by_another_in_the_same_turn_it_is_not_told(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct eye other = { .loop = scene.loop, .wants = -1 };
	watch(&other, pair[0], SLV_IO_READ);
	/* Whichever is first frees the other. */
	other.frees = &scene.eye;
	scene.eye.frees = &other;
	poke(scene.peer);
	poke(pair[1]);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.calls + other.calls, 1);
	assert_true(!scene.eye.io != !other.io);
	if (other.io)
		unwatch(&other);
	assert_int_equal(close(pair[1]), 0);
	scene_done(&scene);
}

static void a_descriptor_number_used_again_at_once_is_a_new_one(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ | SLV_IO_WRITE);
	struct eye next = { .loop = scene.loop, .wants = -1, .drains = true };
	int old_fd = scene.eye.fd;
	scene.eye.frees = &scene.eye;
	scene.eye.reopens = &next;
	slv_loop_turn(scene.loop, true);
	assert_int_equal(next.fd, old_fd);
	assert_int_equal(next.calls, 0);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(scene.eye.calls, 1);
	assert_int_equal(next.calls, 1);
	assert_int_equal(next.events, SLV_IO_READ);
	unwatch(&next);
	scene_done(&scene);
}

struct note {
	struct slv_task task;
	int *clock, place;
};

static void note_run(struct slv_task *task)
{
	struct note *note = SLV_CONTAINER(task, struct note, task);
	note->place = ++*note->clock;
}

static void a_task_runs_before_the_next_descriptor_is_told(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	int pair[2], clock = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct eye other = { .loop = scene.loop, .wants = -1, .clock = &clock };
	struct note notes[2] = {
		{ .task.run = note_run, .clock = &clock },
		{ .task.run = note_run, .clock = &clock },
	};
	watch(&other, pair[0], SLV_IO_READ);
	other.task = &notes[0].task;
	scene.eye.task = &notes[1].task;
	scene.eye.clock = &clock;
	poke(scene.peer);
	poke(pair[1]);
	slv_loop_turn(scene.loop, true);
	assert_int_equal(notes[0].place, other.place + 1);
	assert_int_equal(notes[1].place, scene.eye.place + 1);
	assert_int_equal(clock, 4);
	unwatch(&other);
	assert_int_equal(close(pair[1]), 0);
	scene_done(&scene);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
	(void)state;
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	struct slv_io *io = NULL;
	FILE *file = tmpfile();
	assert_non_null(file);
	slv_err err = slv_io_new(loop, fileno(file), eye_ready, NULL, &io);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_equal(err.sys, EPERM); /* files are always ready */
	assert_non_null(err.what);
	assert_int_equal(fclose(file), 0);
	err = slv_io_new(loop, 1 << 20, eye_ready, NULL, &io);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_equal(err.sys, EBADF);
	assert_null(io);
	slv_io_free(NULL);
	slv_loop_free(loop);
}

static void what_is_left_ends_with_the_loop(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, SLV_IO_READ);
	int fd = scene.eye.fd;
	slv_loop_free(scene.loop);
	assert_int_equal(close(fd), 0); /* it stayed ours */
	assert_int_equal(close(scene.peer), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_read_is_told_again),
		cmocka_unit_test(only_what_is_wanted_is_told),
		cmocka_unit_test(interest_that_pauses_loses_nothing),
		cmocka_unit_test(unwanted_events_do_not_keep_the_loop_awake),
		cmocka_unit_test(a_hang_up_shows_as_reading),
		cmocka_unit_test(an_error_shows_as_what_was_asked_for_and_stays),
		cmocka_unit_test(freed_in_its_own_callback_it_is_told_no_more),
		cmocka_unit_test(freed_when_it_is_told_of_an_error_it_is_told_no_more),
		cmocka_unit_test(freed_by_another_in_the_same_turn_it_is_not_told),
		cmocka_unit_test(a_descriptor_number_used_again_at_once_is_a_new_one),
		cmocka_unit_test(a_task_runs_before_the_next_descriptor_is_told),
		cmocka_unit_test(what_cannot_be_watched_is_an_error),
		cmocka_unit_test(what_is_left_ends_with_the_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
