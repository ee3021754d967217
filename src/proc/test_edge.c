#include "base/testing.h"
#include "proc/edge.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/channel.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GIVE_UP_S 100
#define PASSED_MAX 8 /* descriptors at 3, 4, …: kept occupied by others until a test wants them */

/* The test is the parent of an edge in its own process. */
struct fixture {
	struct slv_arena arena;
	struct slv_loop *loop;
	int parent_fd; /* its end of the channel */
	struct slv_channel_boot boot;
	struct slv_channel_listener listeners[2];
	slv_str texts;
	size_t cut; /* bytes that are missing at the end of the boot */
	struct slv_edge_link *link;
	int drains, stops, tickets;
	uint32_t drain_ms;
	bool replaced;
	uint8_t key;       /* first byte of the newest */
	int made, refused; /* answers */
	slv_err made_err;  /* the last one's */
	char made_what[SLV_CHANNEL_WHAT_MAX];
	bool ask_again; /* when refused */
};

static void occupy(int fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(null_fd >= 0);
	if (null_fd == fd)
		return;
	assert_int_equal(dup3(null_fd, fd, O_CLOEXEC), fd);
	slv_fd_done(&null_fd);
}

static void occupy_all(void)
{
	for (int i = 0; i < PASSED_MAX; i++)
		occupy(SLV_CHANNEL_FD + i);
}

static int setup(void **state)
{
	struct fixture *f = SLV_ALLOC(struct fixture);
	slv_arena_init(&f->arena, 4096, 65536);
	f->loop = slv_loop_new(0, NULL, NULL);
	f->parent_fd = -1;
	f->boot = (struct slv_channel_boot){
		.magic = SLV_CHANNEL_MAGIC,
		.loops = 2,
		.listener_count = 2,
		.text_len = 4,
		.name_len = 1,
		.folder_len = 2,
		.tickets = { .count = 1, .key = { { 17 } } },
	};
	f->listeners[0] = (struct slv_channel_listener){ "127.0.0.1:80", 2 };
	f->listeners[1] = (struct slv_channel_listener){ "[::1]:443", 1 };
	f->texts = SLV_STR("textn/f");
	*state = f;
	(void)alarm(GIVE_UP_S); /* there is no earlier one */
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	slv_edge_link_free(f->link);
	slv_fd_done(&f->parent_fd);
	slv_loop_free(f->loop);
	slv_arena_done(&f->arena);
	slv_free(f);
	occupy_all();
	return 0;
}

/* Put what a parent passes to where it does, and open it. */
static slv_err open_link(struct fixture *f)
{
	int pair[2], boot_fd;
	struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	slv_buf_add(&buf, (slv_str){ (const char *)&f->boot, sizeof(f->boot) });
	slv_buf_add(&buf, (slv_str){ (const char *)&f->listeners, sizeof(f->listeners) });
	slv_buf_add(&buf, f->texts);
	slv_str bytes = slv_str_head(slv_buf_str(&buf), buf.len - f->cut);
	assert_false(slv_failed(slv_memfd_of(bytes, &boot_fd)));
	slv_buf_done(&buf);
	assert_false(slv_failed(slv_message_pair(pair)));
	f->parent_fd = pair[0];
	assert_int_equal(dup2(pair[1], SLV_CHANNEL_FD), SLV_CHANNEL_FD);
	assert_int_equal(dup2(boot_fd, SLV_CHANNEL_BOOT_FD), SLV_CHANNEL_BOOT_FD);
	slv_fd_done(&pair[1]);
	slv_fd_done(&boot_fd);
	return slv_edge_link_open(&f->arena, &f->link);
}

static void on_drain(void *arg, uint32_t drain_ms, bool replaced)
{
	struct fixture *f = arg;
	f->drains++;
	f->drain_ms = drain_ms;
	f->replaced = replaced;
}

static void on_stop(void *arg)
{
	((struct fixture *)arg)->stops++;
}

static void on_tickets(void *arg, const struct slv_ticket_keys *keys)
{
	struct fixture *f = arg;
	f->tickets++;
	f->key = keys->key[0][0];
}

static void start(struct fixture *f)
{
	const struct slv_edge_events events = {
		.tickets = on_tickets, .drain = on_drain, .stop = on_stop, .arg = f
	};
	assert_false(slv_failed(open_link(f)));
	assert_false(slv_failed(slv_edge_link_start(&f->arena, f->link, f->loop, &events)));
}

static void ask(struct fixture *f);

static void on_made(void *arg, slv_err err, int socket_fd, int pid_fd)
{
	struct fixture *f = arg;
	slv_fd_done(&socket_fd);
	slv_fd_done(&pid_fd);
	f->made_err = err;
	(void)snprintf(f->made_what, sizeof(f->made_what), "%s", err.what ? err.what : "");
	f->made += !slv_failed(err);
	f->refused += slv_failed(err);
	if (slv_failed(err) && f->ask_again) {
		f->ask_again = false;
		ask(f);
	}
}

static void ask(struct fixture *f)
{
	int before = f->made + f->refused;
	struct slv_jail_maker *maker = slv_edge_link_maker(f->link);
	maker->make(maker, SLV_FORMAT_HEIC, f, on_made);
	assert_int_equal(f->made + f->refused, before); /* never before make returns */
}

static void hear(struct fixture *f, struct slv_message *ret_message)
{
	slv_err err = slv_message_receive(f->parent_fd, ret_message);
	if (slv_failed(err))
		fail_msg("%s", err.what);
}

static void tell(struct fixture *f, uint32_t type, uint64_t id, const void *body, size_t len,
		uint32_t fd_count)
{
	const int fds[] = { f->parent_fd, f->parent_fd, f->parent_fd };
	struct slv_message_head head = { type, (uint32_t)len, id };
	assert_false(slv_failed(slv_message_send(f->parent_fd, head, body, fds, fd_count)));
}

static void turn_until(struct fixture *f, const int *number, int value)
{
	while (*number < value)
		slv_loop_turn(f->loop, true);
	assert_int_equal(*number, value);
}

/* --- opening --- */

static void without_a_parent_there_is_no_edge(void **state)
{
	struct fixture *f = *state;
	slv_err err = slv_edge_link_open(&f->arena, &f->link);
	assert_int_equal(err.code, SLV_E_DENIED);
	assert_non_null(strstr(err.what, "selvedge serve"));
	slv_edge_link_free(NULL);
}

static void what_was_passed_is_found(void **state)
{
	struct fixture *f = *state;
	const int *fds;
	assert_false(slv_failed(open_link(f)));
	assert_true(slv_str_eq(slv_edge_link_config_text(f->link), SLV_STR("text")));
	assert_true(slv_str_eq(slv_edge_link_config_name(f->link), SLV_STR("n")));
	assert_true(slv_str_eq(slv_edge_link_config_folder(f->link), SLV_STR("/f")));
	assert_int_equal(slv_edge_link_loops(f->link), 2);
	assert_int_equal(slv_edge_link_tickets(f->link)->count, 1);
	assert_int_equal(slv_edge_link_tickets(f->link)->key[0][0], 17);
	assert_int_equal(slv_edge_link_sockets(f->link, SLV_STR("127.0.0.1:80"), &fds), 2);
	assert_int_equal(fds[0], SLV_CHANNEL_SOCKETS_FD);
	assert_int_equal(fds[1], SLV_CHANNEL_SOCKETS_FD + 1);
	assert_int_equal(slv_edge_link_sockets(f->link, SLV_STR("[::1]:443"), &fds), 1);
	assert_int_equal(fds[0], SLV_CHANNEL_SOCKETS_FD + 2);
	assert_int_equal(slv_edge_link_sockets(f->link, SLV_STR("127.0.0.1:8"), &fds), 0);
	for (int i = 0; i < 5; i++) /* nothing leaks into what the edge may start */
		assert_true(fcntl(SLV_CHANNEL_FD + i, F_GETFD) & FD_CLOEXEC);
}

static void expect_corrupt(struct fixture *f)
{
	slv_err err = open_link(f);
	assert_int_equal(err.code, SLV_E_CORRUPT);
	assert_null(f->link);
	slv_fd_done(&f->parent_fd);
	occupy_all();
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct slv_channel_boot good = f->boot;
	const struct slv_channel_listener listener = f->listeners[0];
	f->boot.magic++;
	expect_corrupt(f);
	f->boot = good;
	f->boot.loops = 0;
	expect_corrupt(f);
	f->boot.loops = SLV_LISTENER_LOOPS_MAX + 1;
	expect_corrupt(f);
	f->boot = good;
	f->boot.listener_count = SLV_LISTENERS_MAX + 1;
	expect_corrupt(f);
	f->boot = good;
	f->boot.tickets.count = 0;
	expect_corrupt(f);
	f->boot.tickets.count = SLV_TICKET_KEYS + 1;
	expect_corrupt(f);
	f->boot = good;
	f->boot.folder_len++;
	expect_corrupt(f);
	f->boot.folder_len -= 2; /* now there is one byte too many */
	expect_corrupt(f);
	f->boot.text_len = UINT32_MAX;
	expect_corrupt(f);
	f->boot = good;
	f->listeners[0].count = 0;
	expect_corrupt(f);
	f->listeners[0].count = SLV_LISTENER_LOOPS_MAX + 1;
	expect_corrupt(f);
	f->listeners[0] = listener;
	memset(f->listeners[0].name, 'x', sizeof(f->listeners[0].name));
	expect_corrupt(f);
	f->listeners[0] = listener;
	assert_false(slv_failed(open_link(f)));
}

static void what_is_cut_anywhere_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t all = sizeof(f->boot) + sizeof(f->listeners) + f->texts.len;
	for (f->cut = 1; f->cut <= all; f->cut++)
		expect_corrupt(f);
}

static void sockets_that_are_not_there_are_missed(void **state)
{
	struct fixture *f = *state;
	f->listeners[1].count = SLV_LISTENER_LOOPS_MAX; /* far past what is open */
	expect_corrupt(f);
}

static void a_boot_that_can_change_is_refused(void **state)
{
	struct fixture *f = *state;
	int pair[2];
	assert_false(slv_failed(slv_message_pair(pair)));
	assert_int_equal(dup2(pair[1], SLV_CHANNEL_FD), SLV_CHANNEL_FD);
	slv_fd_done(&pair[1]);
	assert_int_equal(slv_edge_link_open(&f->arena, &f->link).code, SLV_E_CORRUPT);
	slv_fd_done(&pair[0]);
}

/* --- talking --- */

static void the_parent_hears_that_it_is_ready(void **state)
{
	struct fixture *f = *state;
	struct slv_message message;
	start(f);
	slv_edge_link_ready(f->link);
	hear(f, &message);
	assert_int_equal(message.head.type, SLV_CHANNEL_READY);
	assert_int_equal(message.head.len, 0);
}

static void the_parent_hears_why_it_cannot_start(void **state)
{
	struct fixture *f = *state;
	struct slv_message message;
	char *text = slv_arena_bytes(&f->arena, SLV_CHANNEL_FAILURE_MAX + 2);
	memset(text, 'x', SLV_CHANNEL_FAILURE_MAX + 1);
	text[SLV_CHANNEL_FAILURE_MAX + 1] = '\0';
	assert_false(slv_failed(open_link(f)));
	slv_edge_link_fail(f->link, SLV_ERR(SLV_E_MISSING, "no certificate"));
	hear(f, &message);
	assert_int_equal(message.head.type, SLV_CHANNEL_FAILED);
	assert_true(slv_str_eq((slv_str){ (char *)message.body, message.head.len },
			SLV_STR("no certificate")));
	slv_edge_link_fail(f->link, SLV_ERR(SLV_E_MISSING, text));
	hear(f, &message);
	assert_int_equal(message.head.len, SLV_CHANNEL_FAILURE_MAX);
}

static void it_is_told_to_drain_once(void **state)
{
	struct fixture *f = *state;
	struct slv_channel_drain body = { .drain_ms = 4711, .replaced = 1 };
	start(f);
	tell(f, SLV_CHANNEL_DRAIN, 0, &body, sizeof(body), 0);
	turn_until(f, &f->drains, 1);
	assert_int_equal(f->drain_ms, 4711);
	assert_true(f->replaced);
	tell(f, SLV_CHANNEL_DRAIN, 0, &body, sizeof(body), 0);
	slv_fd_done(&f->parent_fd);
	turn_until(f, &f->stops, 1);
	assert_int_equal(f->drains, 1);
}

static void new_keys_are_told_and_kept(void **state)
{
	struct fixture *f = *state;
	struct slv_ticket_keys keys = { .count = 2, .key = { { 42 }, { 17 } } };
	start(f);
	tell(f, SLV_CHANNEL_TICKETS, 0, &keys, sizeof(keys), 0);
	turn_until(f, &f->tickets, 1);
	assert_int_equal(f->key, 42);
	assert_memory_equal(slv_edge_link_tickets(f->link), &keys, sizeof(keys));
}

static void without_a_parent_it_stops(void **state)
{
	struct fixture *f = *state;
	start(f);
	ask(f);
	slv_fd_done(&f->parent_fd);
	turn_until(f, &f->stops, 1);
	turn_until(f, &f->refused, 1);
	assert_int_equal(f->made_err.code, SLV_E_BUSY);
	assert_string_equal(f->made_what, "the parent is gone");
	ask(f);
	turn_until(f, &f->refused, 2);
	slv_edge_link_ready(f->link); /* nobody hears it */
	assert_int_equal(f->stops, 1);
}

static void nonsense_stops_it(void **state)
{
	struct slv_channel_made made = { .code = SLV_E_NONE };
	struct slv_ticket_keys none = { .count = 0 };
	struct slv_channel_made open_end = { .code = SLV_E_SYS };
	memset(open_end.what, 'x', sizeof(open_end.what));
	const struct {
		uint32_t type;
		uint64_t id;
		const void *body;
		size_t len;
		uint32_t fd_count;
	} rows[] = {
		{ 4711, 0, NULL, 0, 0 },
		{ SLV_CHANNEL_DRAIN, 0, NULL, 0, 0 },
		{ SLV_CHANNEL_TICKETS, 0, &none, sizeof(none), 0 },
		{ SLV_CHANNEL_TICKETS, 0, &none, sizeof(none) - 1, 0 },
		{ SLV_CHANNEL_MADE, 2, &made, sizeof(made), 2 }, /* nobody asked */
		{ SLV_CHANNEL_MADE, 1, &made, sizeof(made), 1 },
		{ SLV_CHANNEL_MADE, 1, &made, sizeof(made), 3 },
		{ SLV_CHANNEL_MADE, 1, &made, sizeof(made) - 1, 2 },
		{ SLV_CHANNEL_MADE, 1, &open_end, sizeof(open_end), 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct fixture *f = *state;
		start(f);
		ask(f); /* request 1 */
		tell(f, rows[i].type, rows[i].id, rows[i].body, rows[i].len, rows[i].fd_count);
		turn_until(f, &f->stops, 1);
		turn_until(f, &f->refused, 1);
		assert_int_equal(f->made + f->tickets + f->drains, 0);
		assert_int_equal(teardown(state) | setup(state), 0);
	}
}

/* --- jails --- */

static void answers_find_their_requests_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct slv_message message[2];
	struct slv_channel_made good = { .code = SLV_E_NONE };
	struct slv_channel_made bad = { .code = SLV_E_SYS, .what = "no" };
	start(f);
	ask(f);
	ask(f);
	hear(f, &message[0]);
	hear(f, &message[1]);
	const struct slv_channel_make *make = (const struct slv_channel_make *)message[0].body;
	assert_int_equal(message[0].head.type, SLV_CHANNEL_MAKE);
	assert_int_equal(make->needs, SLV_FORMAT_HEIC);
	assert_int_not_equal(message[0].head.id, message[1].head.id);
	tell(f, SLV_CHANNEL_MADE, message[1].head.id, &bad, sizeof(bad), 0);
	turn_until(f, &f->refused, 1);
	assert_int_equal(f->made_err.code, SLV_E_SYS);
	assert_string_equal(f->made_what, "no");
	tell(f, SLV_CHANNEL_MADE, message[0].head.id, &good, sizeof(good), 2);
	turn_until(f, &f->made, 1);
	assert_int_equal(f->stops, 0);
}

static void requests_are_bounded(void **state)
{
	struct fixture *f = *state;
	start(f);
	for (int i = 0; i < SLV_CHANNEL_REQUESTS_MAX; i++)
		ask(f);
	slv_loop_turn(f->loop, false);
	assert_int_equal(f->refused, 0);
	ask(f);
	turn_until(f, &f->refused, 1);
	assert_int_equal(f->made_err.code, SLV_E_BUSY);
	assert_string_equal(f->made_what, "too many jails were asked for at once");
	f->ask_again = true; /* even by one who asks while being refused */
	slv_edge_link_free(f->link);
	f->link = NULL;
	assert_int_equal(f->refused, 1 + SLV_CHANNEL_REQUESTS_MAX + 1);
	assert_int_equal(f->made_err.code, SLV_E_CANCELLED);
}

int main(void)
{
	occupy_all();
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(without_a_parent_there_is_no_edge),
		T(what_was_passed_is_found),
		T(what_makes_no_sense_is_refused),
		T(what_is_cut_anywhere_is_refused),
		T(sockets_that_are_not_there_are_missed),
		T(a_boot_that_can_change_is_refused),
		T(the_parent_hears_that_it_is_ready),
		T(the_parent_hears_why_it_cannot_start),
		T(it_is_told_to_drain_once),
		T(new_keys_are_told_and_kept),
		T(without_a_parent_it_stops),
		T(nonsense_stops_it),
		T(answers_find_their_requests_in_any_order),
		T(requests_are_bounded),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
