#include "base/testing.h"
#include "proc/parent.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "loop/log.h"
#include "proc/test_client.h"
#include "proc/ticket.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIVE_UP_S 100
#define READY_MS 3000
#define DRAIN_MS 2000
#define TICKET_KEY_S 3600
#define ADDRESSES_MAX (SLV_LISTENERS_MAX + 1)

static const char *jail_path, *edge_path; /* from the command line */

/* A parent on a clock of ours, its log, and what its next reading of the configuration finds. */
struct fixture {
	uint64_t now_ms;
	struct slv_loop_world world;
	struct slv_loop *loop;
	int log_pipe[2];
	struct slv_log *log;
	struct slv_io *log_io;
	struct slv_buf logged;
	struct slv_arena arena;
	struct slv_parent_conf conf;
	struct slv_parent *parent;

	const char *text; /* its first line; the addresses follow */
	slv_str address[ADDRESSES_MAX];
	size_t address_count;
	uint32_t loops;
	slv_err load_err;

	uint32_t ready;   /* callbacks */
	uint16_t port[4]; /* of the listeners, at the last one */
	size_t port_count;
};

static uint64_t fixture_now(void *arg)
{
	return ((struct fixture *)arg)->now_ms;
}

static slv_err load(void *arg, struct slv_arena *arena, struct slv_parent_plan *ret_plan)
{
	struct fixture *f = arg;
	if (slv_failed(f->load_err))
		return slv_err_printf(
				arena, (enum slv_code)f->load_err.code, "%s", f->load_err.what);
	struct slv_buf text;
	slv_buf_init(&text, 65536);
	slv_buf_add(&text, slv_str_from(f->text));
	slv_str *addresses = SLV_NEW_ARRAY(arena, slv_str, f->address_count + 1);
	for (size_t i = 0; i < f->address_count; i++) {
		slv_buf_add_char(&text, '\n');
		slv_buf_add(&text, f->address[i]);
		addresses[i] = slv_str_copy(arena, f->address[i]);
	}
	*ret_plan = (struct slv_parent_plan){
		.config_text = slv_str_copy(arena, slv_buf_str(&text)),
		.config_name = SLV_STR("test.yaml"),
		.config_folder = SLV_STR("/somewhere"),
		.addresses = addresses,
		.address_count = f->address_count,
		.loops = f->loops,
		.backlog = 64,
		.ready_ms = READY_MS,
		.drain_ms = DRAIN_MS,
		.ticket_key_s = TICKET_KEY_S,
	};
	slv_buf_done(&text);
	return SLV_OK;
}

static void edge_ready(void *arg, const struct slv_listener *listeners, size_t count)
{
	struct fixture *f = arg;
	f->ready++;
	f->port_count = count;
	for (size_t i = 0; i < count && i < SLV_COUNT(f->port); i++)
		f->port[i] = slv_listener_port(&listeners[i]);
}

static void log_ready(void *arg, int events)
{
	(void)events;
	struct fixture *f = arg;
	char *room = slv_buf_room(&f->logged, 4096);
	assert_non_null(room);
	ssize_t got = read(f->log_pipe[0], room, 4096);
	assert_true(got > 0);
	slv_buf_grown(&f->logged, (size_t)got);
}

static int setup(void **state)
{
	static const char *const edge_argv[] = { "fake-edge", NULL };
	struct fixture *f = SLV_ALLOC(struct fixture);
	f->now_ms = 1000;
	f->world = (struct slv_loop_world){ .now_ms = fixture_now, .arg = f };
	assert_int_equal(pipe2(f->log_pipe, O_CLOEXEC), 0);
	f->log = slv_log_new(f->log_pipe[1], SLV_DEBUG);
	f->loop = slv_loop_new(0, f->log, &f->world);
	slv_buf_init(&f->logged, SLV_MIB(1));
	assert_false(slv_failed(slv_io_new(f->loop, f->log_pipe[0], log_ready, f, &f->log_io)));
	slv_io_want(f->log_io, SLV_IO_READ);
	slv_arena_init(&f->arena, 4096, 65536);
	f->conf = (struct slv_parent_conf){
		.edge_path = edge_path,
		.edge_argv = edge_argv,
		.image_path = jail_path,
		.load = load,
		.ready = edge_ready,
		.arg = f,
	};
	f->text = "serve";
	f->address[0] = SLV_STR("127.0.0.1:0");
	f->address_count = 1;
	f->loops = 1;
	*state = f;
	(void)alarm(GIVE_UP_S); /* there is no earlier one */
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	slv_parent_free(f->parent);
	slv_io_free(f->log_io);
	slv_log_free(f->log);
	slv_fd_done(&f->log_pipe[0]);
	slv_fd_done(&f->log_pipe[1]);
	slv_buf_done(&f->logged);
	slv_arena_done(&f->arena);
	slv_loop_free(f->loop);
	slv_free(f);
	return 0;
}

static void pass(struct fixture *f, uint64_t ms)
{
	f->now_ms += ms;
	slv_loop_turn(f->loop, false);
}

/* Wait until a line with both texts is logged, and forget the log up to its end. */
static void wait_for_log(struct fixture *f, const char *event, const char *text)
{
	for (;;) {
		slv_str rest = slv_buf_str(&f->logged);
		while (slv_str_find(rest, '\n') < rest.len) {
			slv_str line = slv_str_cut(&rest, '\n');
			if (slv_str_find_str(line, slv_str_from(event)) < line.len &&
					slv_str_find_str(line, slv_str_from(text)) < line.len) {
				memmove(f->logged.at, rest.at, rest.len);
				f->logged.len = rest.len;
				return;
			}
		}
		slv_loop_turn(f->loop, true);
	}
}

static size_t count_logged(const struct fixture *f, const char *text)
{
	size_t count = 0;
	slv_str rest = slv_buf_str(&f->logged);
	for (;;) {
		size_t at = slv_str_find_str(rest, slv_str_from(text));
		if (at == rest.len)
			return count;
		rest = slv_str_from_index(rest, at + 1);
		count++;
	}
}

static void wait_for_ready(struct fixture *f, uint32_t count)
{
	while (f->ready < count)
		slv_loop_turn(f->loop, true);
	assert_int_equal(f->ready, count);
}

static void start(struct fixture *f)
{
	slv_err err = slv_parent_new(&f->arena, f->loop, &f->conf, &f->parent);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	wait_for_ready(f, 1);
}

/* --- clients of the edge --- */

static void ask(struct fixture *f, char question, struct test_client *client)
{
	test_client_ask(f->loop, client, f->port[0], question);
	test_client_hear(f->loop, client);
}

static pid_t edge_pid(struct fixture *f)
{
	struct test_client client;
	ask(f, 'p', &client);
	return test_client_pid(&client);
}

/* Wait for the end of any process, be it ours or not. */
static void wait_for_end(int pid_fd)
{
	struct pollfd ended = { .fd = pid_fd, .events = POLLIN };
	assert_int_equal(poll(&ended, 1, GIVE_UP_S * 1000), 1);
	slv_fd_done(&pid_fd);
}

static int watch_pid(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	assert_true(fd >= 0);
	return fd;
}

/* --- starting --- */

static void an_edge_gets_what_was_loaded(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	f->address[1] = SLV_STR("[::1]:0");
	f->address_count = 2;
	f->loops = 3;
	start(f);
	assert_int_equal(f->port_count, 2);
	ask(f, 'c', &client);
	assert_string_equal(client.answer, "serve\n127.0.0.1:0\n[::1]:0|test.yaml|/somewhere");
	ask(f, 'l', &client);
	assert_string_equal(client.answer, "3 3");
}

static void expect_refused(struct fixture *f, enum slv_code code, const char *what)
{
	slv_err err = slv_parent_new(&f->arena, f->loop, &f->conf, &f->parent);
	assert_int_equal(err.code, code);
	if (!strstr(err.what, what))
		fail_msg("'%s' does not tell '%s'", err.what, what);
	assert_null(f->parent);
}

static void a_configuration_that_is_wrong_starts_nothing(void **state)
{
	struct fixture *f = *state;
	f->load_err = SLV_ERR(SLV_E_SYNTAX, "test.yaml:3:1: it is wrong");
	expect_refused(f, SLV_E_SYNTAX, "test.yaml:3:1: it is wrong");
}

static void addresses_are_checked_and_bounded(void **state)
{
	struct fixture *f = *state;
	char text[ADDRESSES_MAX][32];
	f->address_count = 0;
	expect_refused(f, SLV_E_LIMIT, "0 addresses to listen on, want 1 to 32");
	for (size_t i = 0; i < ADDRESSES_MAX; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "127.0.0.%zu:0", i + 1);
		f->address[i] = slv_str_from(text[i]);
	}
	f->address_count = ADDRESSES_MAX;
	expect_refused(f, SLV_E_LIMIT, "33 addresses to listen on, want 1 to 32");
	f->address_count = 2;
	f->address[1] = f->address[0];
	expect_refused(f, SLV_E_SYNTAX, "127.0.0.1:0 is listed twice to listen on");
	f->address[1] = SLV_STR("nowhere");
	expect_refused(f, SLV_E_SYNTAX, "nowhere: want a port");
	f->address[1] = SLV_STR("192.0.2.1:0");
	expect_refused(f, SLV_E_SYS, "listen on 192.0.2.1:0: ");
	for (size_t i = 0; i < SLV_LISTENERS_MAX; i++)
		f->address[i] = slv_str_from(text[i]);
	f->address_count = SLV_LISTENERS_MAX;
	f->loops = SLV_LISTENER_LOOPS_MAX;
	start(f);
	assert_int_equal(f->port_count, SLV_LISTENERS_MAX);
	assert_true(edge_pid(f) > 0);
}

static void loops_are_bounded(void **state)
{
	struct fixture *f = *state;
	f->loops = 0;
	expect_refused(f, SLV_E_LIMIT, "0 loops, want 1 to 64");
	f->loops = SLV_LISTENER_LOOPS_MAX + 1;
	expect_refused(f, SLV_E_LIMIT, "65 loops, want 1 to 64");
}

static void an_edge_that_cannot_be_executed_is_named(void **state)
{
	struct fixture *f = *state;
	f->conf.edge_path = "/nowhere/selvedge";
	expect_refused(f, SLV_E_MISSING, "start '/nowhere/selvedge': No such file or directory");
}

static void a_first_edge_that_fails_ends_it_all(void **state)
{
	struct fixture *f = *state;
	f->text = "fail";
	assert_false(slv_failed(slv_parent_new(&f->arena, f->loop, &f->conf, &f->parent)));
	slv_loop_run(f->loop);
	assert_int_equal(slv_parent_status(f->parent), 1);
	wait_for_log(f, "edge.refused", "no certificate at all");
	wait_for_log(f, "edge.died", "exit status 3");
}

/* --- restarting --- */

static void a_killed_edge_is_restarted_and_no_connection_is_refused(void **state)
{
	struct fixture *f = *state;
	struct test_client waiting[8];
	start(f);
	pid_t before = edge_pid(f);
	assert_int_equal(kill(before, SIGKILL), 0);
	wait_for_log(f, "edge.died", "signal 9 (Killed)");
	for (size_t i = 0; i < SLV_COUNT(waiting); i++) /* nobody is there to accept */
		test_client_ask(f->loop, &waiting[i], f->port[0], 'p');
	pass(f, 99);
	assert_int_equal(f->ready, 1);
	pass(f, 1);
	wait_for_ready(f, 2);
	for (size_t i = 0; i < SLV_COUNT(waiting); i++) {
		test_client_hear(f->loop, &waiting[i]);
		assert_int_not_equal(test_client_pid(&waiting[i]), before);
	}
}

static void one_that_dies_again_waits_longer_and_longer(void **state)
{
	struct fixture *f = *state;
	static const uint32_t pauses_ms[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct test_client client;
	char after[32];
	start(f);
	for (size_t i = 0; i < SLV_COUNT(pauses_ms); i++) {
		ask(f, 'd', &client);
		assert_string_equal(client.answer, "");
		wait_for_log(f, "edge.died", "exit status 7");
		(void)snprintf(after, sizeof(after), "\"after_ms\":%u}", pauses_ms[i]);
		wait_for_log(f, "edge.restart", after);
		pass(f, pauses_ms[i]);
		wait_for_ready(f, (uint32_t)i + 2);
	}
	pass(f, 10000); /* this one is good */
	ask(f, 'd', &client);
	wait_for_log(f, "edge.restart", "\"after_ms\":100}");
}

static void an_edge_that_talks_nonsense_is_killed(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	start(f);
	ask(f, 'n', &client);
	wait_for_log(f, "edge.killed", "it talks nonsense");
	wait_for_log(f, "edge.died", "signal 9");
	pass(f, 100);
	wait_for_ready(f, 2);
}

static void an_edge_that_hangs_up_must_end(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	start(f);
	ask(f, 'h', &client);
	for (int i = 0; i < 100 && count_logged(f, "edge.killed") == 0; i++)
		pass(f, DRAIN_MS); /* from when the parent has seen it */
	wait_for_log(f, "edge.killed", "it hung up and did not end");
	wait_for_log(f, "edge.died", "signal 9");
}

/* --- reloading --- */

static void a_reload_replaces_the_edge_when_the_next_is_ready(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	f->address[1] = SLV_STR("127.0.0.2:0");
	f->address_count = 2;
	start(f);
	pid_t before = edge_pid(f);
	uint16_t kept = f->port[0], gone = f->port[1];
	int old = watch_pid(before);
	f->text = "serve"; /* and other addresses */
	f->address[1] = SLV_STR("127.0.0.3:0");
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	wait_for_ready(f, 2);
	wait_for_end(old);
	wait_for_log(f, "edge.drain", "");
	wait_for_log(f, "edge.end", "exit status 0");
	assert_int_equal(f->port[0], kept);
	assert_int_equal(f->port_count, 2);
	ask(f, 'c', &client);
	assert_string_equal(client.answer, "serve\n127.0.0.1:0\n127.0.0.3:0|test.yaml|/somewhere");
	assert_int_not_equal(edge_pid(f), before);
	assert_int_equal(test_client_connect(gone), -1);
	assert_int_equal(count_logged(f, "edge.restart"), 0);
}

static void no_connection_is_lost_by_reloads(void **state)
{
	struct fixture *f = *state;
	struct test_client client[4];
	start(f);
	for (uint32_t i = 0; i < 10; i++) {
		slv_parent_reload(f->parent);
		while (f->ready < i + 2) {
			for (size_t n = 0; n < SLV_COUNT(client); n++)
				test_client_ask(f->loop, &client[n], f->port[0], 'p');
			for (size_t n = 0; n < SLV_COUNT(client); n++)
				test_client_hear(f->loop, &client[n]);
			for (size_t n = 0; n < SLV_COUNT(client); n++)
				assert_true(test_client_pid(&client[n]) > 0);
		}
	}
}

static void a_mistake_keeps_the_old_edge(void **state)
{
	struct fixture *f = *state;
	start(f);
	pid_t before = edge_pid(f);
	f->load_err = SLV_ERR(SLV_E_SYNTAX, "test.yaml:9:9: no such key");
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	wait_for_log(f, "config.refused", "test.yaml:9:9: no such key");
	assert_int_equal(edge_pid(f), before);
	f->load_err = SLV_OK;
	f->address[1] = SLV_STR("127.0.0.2:0");
	f->address[2] = SLV_STR("192.0.2.1:0");
	f->address_count = 3;
	slv_parent_reload(f->parent);
	wait_for_log(f, "config.refused", "listen on 192.0.2.1:0");
	assert_int_equal(edge_pid(f), before);
	f->address_count = 1;
	slv_parent_reload(f->parent);
	wait_for_ready(f, 2);
	assert_int_equal(f->port_count, 1); /* the second address went with the mistake */
	assert_int_not_equal(edge_pid(f), before);
}

static void an_edge_that_cannot_start_keeps_the_old_one(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	start(f);
	pid_t before = edge_pid(f);
	f->text = "fail";
	f->loops = 4;
	slv_parent_reload(f->parent);
	wait_for_log(f, "edge.refused", "no certificate at all");
	wait_for_log(f, "edge.died", "exit status 3");
	/* Its sockets are gone: one in four would get every connection of these otherwise. */
	for (int i = 0; i < 16; i++)
		assert_int_equal(edge_pid(f), before);
	f->text = "serve";
	f->loops = 1;
	slv_parent_reload(f->parent);
	wait_for_ready(f, 2);
	ask(f, 'l', &client);
	assert_string_equal(client.answer, "1 1");
}

static void an_edge_that_is_not_ready_in_time_is_killed(void **state)
{
	struct fixture *f = *state;
	start(f);
	pid_t before = edge_pid(f);
	f->text = "mute";
	slv_parent_reload(f->parent);
	pass(f, READY_MS - 1);
	assert_int_equal(count_logged(f, "edge.killed"), 0);
	pass(f, 1);
	wait_for_log(f, "edge.killed", "it was not ready in time (ready_ms)");
	wait_for_log(f, "edge.died", "signal 9");
	assert_int_equal(edge_pid(f), before);
}

static void reloads_during_a_reload_become_one(void **state)
{
	struct fixture *f = *state;
	start(f);
	f->text = "mute";
	slv_parent_reload(f->parent);
	f->text = "serve";
	for (int i = 0; i < 5; i++)
		slv_parent_reload(f->parent);
	pass(f, READY_MS);
	wait_for_ready(f, 2);
	slv_parent_stop(f->parent);
	slv_loop_run(f->loop);
	while (count_logged(f, "parent.stop") == 0)
		slv_loop_turn(f->loop, true);
	/* The first, the mute one, and one for all the rest. */
	assert_int_equal(count_logged(f, "edge.start"), 3);
}

static void more_loops_get_more_sockets(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	start(f);
	uint16_t port = f->port[0];
	f->loops = 5;
	slv_parent_reload(f->parent);
	wait_for_ready(f, 2);
	assert_int_equal(f->port[0], port);
	ask(f, 'l', &client);
	assert_string_equal(client.answer, "5 5");
	f->loops = 2;
	slv_parent_reload(f->parent);
	wait_for_ready(f, 3);
	ask(f, 'l', &client);
	assert_string_equal(client.answer, "2 5"); /* none is closed with what waits in it */
}

static void a_death_during_a_reload_waits_for_its_edge(void **state)
{
	struct fixture *f = *state;
	start(f);
	pid_t before = edge_pid(f);
	f->text = "mute";
	slv_parent_reload(f->parent);
	assert_int_equal(kill(before, SIGKILL), 0);
	wait_for_log(f, "edge.died", "signal 9");
	pass(f, 100);
	assert_int_equal(f->ready, 1); /* no second one is started beside it */
	pass(f, READY_MS);
	wait_for_log(f, "edge.killed", "ready_ms");
	wait_for_log(f, "edge.restart", "");
	pass(f, 100);
	wait_for_ready(f, 2); /* with the old configuration */
	assert_int_not_equal(edge_pid(f), before);
}

static void too_many_that_drain_make_room(void **state)
{
	struct fixture *f = *state;
	f->text = "stubborn";
	start(f);
	int first = watch_pid(edge_pid(f));
	for (uint32_t i = 1; i < SLV_PARENT_EDGES_MAX; i++) {
		slv_parent_reload(f->parent);
		wait_for_ready(f, i + 1);
	}
	assert_int_equal(count_logged(f, "edge.killed"), 0);
	slv_parent_reload(f->parent);
	wait_for_ready(f, SLV_PARENT_EDGES_MAX + 1);
	wait_for_log(f, "edge.killed", "too many edges drain at once");
	wait_for_end(first);
}

/* --- stopping --- */

static void termination_drains(void **state)
{
	struct fixture *f = *state;
	start(f);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	slv_loop_run(f->loop);
	assert_int_equal(slv_parent_status(f->parent), 0);
	wait_for_log(f, "edge.drain", "\"drain_ms\":2000}");
	wait_for_log(f, "edge.end", "exit status 0");
	wait_for_log(f, "parent.stop", "");
	assert_int_equal(test_client_connect(f->port[0]) >= 0, 1); /* until it is freed */
	slv_parent_free(f->parent);
	f->parent = NULL;
	assert_int_equal(test_client_connect(f->port[0]), -1);
}

static void what_does_not_drain_is_killed(void **state)
{
	struct fixture *f = *state;
	f->text = "stubborn";
	start(f);
	assert_int_equal(kill(getpid(), SIGINT), 0);
	wait_for_log(f, "edge.drain", "");
	pass(f, DRAIN_MS);
	assert_int_equal(count_logged(f, "edge.killed"), 0);
	pass(f, 500);
	wait_for_log(f, "edge.killed", "it did not drain in time (drain_ms)");
	wait_for_log(f, "parent.stop", "\"status\":0}");
	assert_int_equal(slv_parent_status(f->parent), 0);
}

static void a_second_interrupt_kills_at_once(void **state)
{
	struct fixture *f = *state;
	f->text = "stubborn";
	start(f);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	wait_for_log(f, "edge.drain", "");
	assert_int_equal(kill(getpid(), SIGINT), 0);
	slv_loop_run(f->loop);
	wait_for_log(f, "edge.killed", "interrupted again");
	assert_int_equal(slv_parent_status(f->parent), 0);
}

static void stopping_ends_a_reload(void **state)
{
	struct fixture *f = *state;
	start(f);
	f->text = "mute";
	slv_parent_reload(f->parent);
	slv_parent_reload(f->parent);
	slv_parent_stop(f->parent);
	slv_parent_reload(f->parent); /* too late */
	slv_loop_run(f->loop);
	assert_int_equal(slv_parent_status(f->parent), 0);
}

static void signals_to_the_edge_do_nothing(void **state)
{
	struct fixture *f = *state;
	start(f);
	pid_t pid = edge_pid(f);
	assert_int_equal(kill(pid, SIGTERM) | kill(pid, SIGINT) | kill(pid, SIGHUP), 0);
	assert_int_equal(edge_pid(f), pid);
}

/* Be a parent, tell the edge's and a jail's process id, and wait to be killed. */
static _Noreturn void be_a_parent(struct fixture *f, int tell_fd)
{
	struct test_client client;
	char text[64];
	start(f);
	ask(f, 'j', &client);
	int len = snprintf(text, sizeof(text), "%d %d", edge_pid(f), test_client_pid(&client));
	slv_assert(write(tell_fd, text, (size_t)len) == len);
	for (;;)
		(void)pause(); /* no signal is expected to end it */
}

static void children_die_with_their_parent(void **state)
{
	struct fixture *f = *state;
	int tell[2], edge, jail;
	char text[64] = { 0 };
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	pid_t parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		/* The loop's descriptors are shared with the one who made it. */
		f->loop = slv_loop_new(0, NULL, &f->world);
		be_a_parent(f, tell[1]);
	}
	assert_true(read(tell[0], text, sizeof(text) - 1) > 0);
	assert_int_equal(sscanf(text, "%d %d", &edge, &jail), 2);
	int edge_fd = watch_pid(edge), jail_fd = watch_pid(jail);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	wait_for_end(edge_fd);
	wait_for_end(jail_fd);
	slv_fd_done(&tell[0]);
	slv_fd_done(&tell[1]);
}

/* --- jails --- */

static void jails_are_made_for_an_edge_and_end_with_it(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	start(f);
	ask(f, 'j', &client);
	int jail = watch_pid(test_client_pid(&client));
	assert_int_equal(kill(edge_pid(f), SIGKILL), 0);
	wait_for_log(f, "edge.died", "");
	wait_for_end(jail);
}

static void a_jail_that_cannot_be_made_is_told(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	f->conf.image_path = "/nowhere/selvedge-image";
	start(f);
	ask(f, 'j', &client);
	assert_string_equal(client.answer,
			"start '/nowhere/selvedge-image': No such file or directory");
	wait_for_log(f, "jail.refused", "/nowhere/selvedge-image");
}

static void an_edge_has_only_so_many_jails(void **state)
{
	struct fixture *f = *state;
	struct test_client client;
	start(f);
	ask(f, 'f', &client);
	assert_string_equal(client.answer, "320 an edge may have 320 jails, and it has them");
}

/* --- TLS ticket keys --- */

/* The edge may accept before it reads what its parent has sent. */
static void ask_until_other_keys(
		struct fixture *f, const struct test_client *before, struct test_client *ret_now)
{
	do
		ask(f, 'k', ret_now);
	while (strcmp(ret_now->answer, before->answer) == 0);
}

static void ticket_keys_survive_edges_and_are_rotated(void **state)
{
	struct fixture *f = *state;
	struct test_client first, now;
	start(f);
	ask(f, 'k', &first);
	assert_int_equal(first.len, 2 * SLV_TICKET_KEY_BYTES + 1); /* one */
	slv_parent_reload(f->parent);
	wait_for_ready(f, 2);
	ask(f, 'k', &now);
	assert_string_equal(now.answer, first.answer);

	pass(f, TICKET_KEY_S * 1000ull - 1);
	ask(f, 'k', &now);
	assert_string_equal(now.answer, first.answer);
	pass(f, 1);
	ask_until_other_keys(f, &first, &now);
	assert_int_equal(now.len, 2 * first.len);
	assert_string_equal(now.answer + first.len, first.answer);
	assert_memory_not_equal(now.answer, first.answer, first.len);

	first = now;
	pass(f, TICKET_KEY_S * 1000ull);
	ask_until_other_keys(f, &first, &now);
	assert_int_equal(now.len, first.len);
	assert_memory_equal(now.answer + now.len / 2, first.answer, now.len / 2);
	ask(f, 'd', &first);
	wait_for_log(f, "edge.restart", "");
	pass(f, 100);
	wait_for_ready(f, 3);
	ask(f, 'k', &first);
	assert_string_equal(first.answer, now.answer);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		print_error("usage: test_proc_parent FAKE-JAIL FAKE-EDGE\n");
		return 1;
	}
	jail_path = argv[1];
	edge_path = argv[2];
	slv_parent_block_signals();
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_edge_gets_what_was_loaded),
		T(a_configuration_that_is_wrong_starts_nothing),
		T(addresses_are_checked_and_bounded),
		T(loops_are_bounded),
		T(an_edge_that_cannot_be_executed_is_named),
		T(a_first_edge_that_fails_ends_it_all),
		T(a_killed_edge_is_restarted_and_no_connection_is_refused),
		T(one_that_dies_again_waits_longer_and_longer),
		T(an_edge_that_talks_nonsense_is_killed),
		T(an_edge_that_hangs_up_must_end),
		T(a_reload_replaces_the_edge_when_the_next_is_ready),
		T(no_connection_is_lost_by_reloads),
		T(a_mistake_keeps_the_old_edge),
		T(an_edge_that_cannot_start_keeps_the_old_one),
		T(an_edge_that_is_not_ready_in_time_is_killed),
		T(reloads_during_a_reload_become_one),
		T(more_loops_get_more_sockets),
		T(a_death_during_a_reload_waits_for_its_edge),
		T(too_many_that_drain_make_room),
		T(termination_drains),
		T(what_does_not_drain_is_killed),
		T(a_second_interrupt_kills_at_once),
		T(stopping_ends_a_reload),
		T(signals_to_the_edge_do_nothing),
		T(children_die_with_their_parent),
		T(jails_are_made_for_an_edge_and_end_with_it),
		T(a_jail_that_cannot_be_made_is_told),
		T(an_edge_has_only_so_many_jails),
		T(ticket_keys_survive_edges_and_are_rotated),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
