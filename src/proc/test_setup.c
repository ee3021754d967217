#include "base/testing.h"
#include "proc/setup.h"

#include "base/fd.h"
#include "base/mem.h"
#include "proc/channel.h"
#include "proc/message.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct slv_arena arena;
	struct slv_parent_conf conf;
	struct slv_listeners listeners;
	slv_str address[3];
	size_t address_count;
	uint32_t loops;
	size_t text_len;
};

static slv_err load(void *arg, struct slv_arena *arena, struct slv_parent_plan *ret_plan)
{
	struct fixture *f = arg;
	char *text = slv_arena_bytes(arena, f->text_len);
	assert_non_null(text);
	memset(text, '#', f->text_len);
	*ret_plan = (struct slv_parent_plan){
		.config_text = { text, f->text_len },
		.config_name = SLV_STR("x.yaml"),
		.config_folder = SLV_STR("/x"),
		.addresses = f->address,
		.address_count = f->address_count,
		.loops = f->loops,
		.backlog = 8,
		.ready_ms = 1,
		.ticket_key_s = 1,
	};
	return SLV_OK;
}

static int prepare(void **state)
{
	struct fixture *f = SLV_ALLOC(struct fixture);
	slv_arena_init(&f->arena, 4096, 65536);
	f->conf = (struct slv_parent_conf){ .load = load, .arg = f };
	f->address[0] = SLV_STR("127.0.0.1:0");
	f->address[1] = SLV_STR("127.0.0.2:0");
	f->address_count = 2;
	f->loops = 2;
	f->text_len = 100;
	*state = f;
	return 0;
}

static int finish(void **state)
{
	struct fixture *f = *state;
	slv_listeners_done(&f->listeners);
	slv_arena_done(&f->arena);
	slv_free(f);
	return 0;
}

static struct slv_setup *load_one(struct fixture *f)
{
	struct slv_setup *setup;
	slv_err err = slv_setup_load(&f->arena, &f->conf, &f->listeners, &setup);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	return setup;
}

static void expect_listener(const struct fixture *f, size_t index, const char *name, uint32_t count)
{
	assert_true(index < f->listeners.count);
	assert_string_equal(f->listeners.at[index].name, name);
	assert_int_equal(f->listeners.at[index].count, count);
}

static void settling_closes_what_is_not_wanted_any_more(void **state)
{
	struct fixture *f = *state;
	struct slv_setup *first = load_one(f);
	slv_listeners_settle(&f->listeners, first);
	int kept = f->listeners.at[1].fd[0];
	f->address[0] = SLV_STR("127.0.0.3:0");
	f->loops = 3;
	struct slv_setup *second = load_one(f);
	assert_int_equal(f->listeners.count, 3); /* both setups' */
	expect_listener(f, 0, "127.0.0.1:0", 2);
	expect_listener(f, 1, "127.0.0.2:0", 3);
	expect_listener(f, 2, "127.0.0.3:0", 3);
	slv_listeners_settle(&f->listeners, second);
	assert_int_equal(f->listeners.count, 2);
	expect_listener(f, 0, "127.0.0.2:0", 3);
	expect_listener(f, 1, "127.0.0.3:0", 3);
	assert_int_equal(f->listeners.at[0].fd[0], kept);
	slv_setup_free(first);
	slv_setup_free(second);
}

static void unsettling_takes_back_what_was_opened(void **state)
{
	struct fixture *f = *state;
	struct slv_setup *first = load_one(f);
	slv_listeners_settle(&f->listeners, first);
	f->address[0] = SLV_STR("127.0.0.3:0");
	f->loops = 3;
	struct slv_setup *second = load_one(f);
	slv_listeners_unsettle(&f->listeners);
	assert_int_equal(f->listeners.count, 2);
	expect_listener(f, 0, "127.0.0.1:0", 2);
	expect_listener(f, 1, "127.0.0.2:0", 2);
	slv_setup_free(first);
	slv_setup_free(second);
}

static void a_failed_load_leaves_the_sockets_as_they_were(void **state)
{
	struct fixture *f = *state;
	struct slv_setup *first = load_one(f), *second = NULL;
	slv_listeners_settle(&f->listeners, first);
	f->address[1] = SLV_STR("127.0.0.3:0");
	f->address[2] = SLV_STR("192.0.2.1:0");
	f->address_count = 3;
	f->loops = 4;
	slv_err err = slv_setup_load(&f->arena, &f->conf, &f->listeners, &second);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_not_equal(err.sys, 0);
	assert_null(second);
	assert_int_equal(f->listeners.count, 2);
	expect_listener(f, 0, "127.0.0.1:0", 2);
	expect_listener(f, 1, "127.0.0.2:0", 2);
	slv_setup_free(first);
	slv_setup_free(NULL);
}

static void a_port_of_ours_may_change_its_address(void **state)
{
	struct fixture *f = *state;
	char text[2][32];
	f->address_count = 1;
	struct slv_setup *first = load_one(f);
	slv_listeners_settle(&f->listeners, first);
	/* From a port of one address to that port of all, while the first is still open. */
	(void)snprintf(text[0], sizeof(text[0]), "%u", slv_listener_port(&f->listeners.at[0]));
	f->address[0] = slv_str_from(text[0]);
	struct slv_setup *second = load_one(f);
	assert_int_equal(f->listeners.count, 2);
	slv_listeners_settle(&f->listeners, second);
	/* But not twice in one configuration: one would never get a connection. */
	(void)snprintf(text[1], sizeof(text[1]), "127.0.0.1:%.5s", text[0]);
	slv_listeners_done(&f->listeners);
	f->address[1] = slv_str_from(text[1]);
	f->address_count = 2;
	struct slv_setup *third;
	slv_err err = slv_setup_load(&f->arena, &f->conf, &f->listeners, &third);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_non_null(strstr(err.what, text[1]));
	slv_setup_free(first);
	slv_setup_free(second);
}

static slv_err boot(struct fixture *f, size_t text_len, int *ret_fd, size_t *ret_count)
{
	int fds[SLV_SETUP_FDS_MAX];
	const struct slv_ticket_keys tickets = { .count = 1 };
	f->text_len = text_len;
	struct slv_setup *setup = load_one(f);
	slv_listeners_settle(&f->listeners, setup);
	slv_err err = slv_setup_boot(
			&f->arena, setup, &f->listeners, &tickets, ret_fd, fds, ret_count);
	slv_setup_free(setup);
	return err;
}

static void what_an_edge_is_started_with_is_bounded(void **state)
{
	struct fixture *f = *state;
	int fd = -1;
	size_t count = 0;
	uint64_t bytes;
	size_t fixed = sizeof(struct slv_channel_boot) + 2 * sizeof(struct slv_channel_listener) +
	               6 + 2;
	slv_err err = boot(f, SLV_CHANNEL_BOOT_MAX - fixed, &fd, &count);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_int_equal(count, 4);
	err = slv_memfd_check(fd, SLV_CHANNEL_BOOT_MAX, &bytes);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_int_equal(bytes, SLV_CHANNEL_BOOT_MAX);
	slv_fd_done(&fd);
	err = boot(f, SLV_CHANNEL_BOOT_MAX - fixed + 1, &fd, &count);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_string_equal(err.what, "the configuration has more than 4194304 bytes");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, prepare, finish)
	const struct CMUnitTest tests[] = {
		T(settling_closes_what_is_not_wanted_any_more),
		T(unsettling_takes_back_what_was_opened),
		T(a_failed_load_leaves_the_sockets_as_they_were),
		T(a_port_of_ours_may_change_its_address),
		T(what_an_edge_is_started_with_is_bounded),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
