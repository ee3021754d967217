#include "listen/listen.h"

#include "base/mem.h"
#include "base/testing.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS 2u
#define CLIENTS_MAX 64u

/* Answered at once; the connection stays busy until the body has come, which it does not. */
#define BUSY "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"

struct stage {
	struct slv_arena arena;
	struct slv_loop *loop;
	struct slv_metrics *metrics;
	struct slv_edge_conf edge_conf;
	struct slv_edge *edge;
	struct slv_listen_conf conf[PORTS];
	struct slv_listen_port ports[PORTS];
	struct sockaddr_in addresses[PORTS];
	int fds[PORTS];
	struct slv_listen *listen;
	int clients[CLIENTS_MAX];
	size_t clients_count;
};

static void open_port(struct stage *stage, size_t index)
{
	struct sockaddr_in *at = &stage->addresses[index];
	socklen_t len = sizeof(*at);
	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
	assert_int_equal(listen(fd, CLIENTS_MAX), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	stage->fds[index] = fd;
	stage->conf[index] = (struct slv_listen_conf){
		.address = SLV_STR("127.0.0.1:0"),
		.client_connections_max = CLIENTS_MAX,
		.handshake_ms = 60000,
		.limits = { .header_ms = 60000,
				.body_idle_ms = 60000,
				.write_idle_ms = 60000,
				.keep_alive_ms = 60000,
				.requests_max = 100,
				.age_s = 3600,
				.target_bytes = 1024,
				.field_bytes = 1024,
				.head_bytes = 4096,
				.fields_max = 10,
				.body_bytes = 1024,
				.request_memory_bytes = 65536 },
	};
	stage->ports[index] = (struct slv_listen_port){ .conf = &stage->conf[index],
		.fds = &stage->fds[index],
		.fd_count = 1,
		.edge = stage->edge };
}

static int setup(void **state)
{
	static const struct slv_service *const none[] = { NULL };
	struct stage *stage = SLV_ALLOC(struct stage);
	slv_arena_init(&stage->arena, SLV_KIB(4), SLV_KIB(64));
	stage->loop = slv_loop_new(0, NULL, NULL);
	stage->metrics = slv_metrics_new();
	stage->edge_conf.services = none;
	struct slv_service_env env = { .loop = stage->loop, .metrics = stage->metrics };
	slv_err err = slv_edge_new(&stage->arena, &env, &stage->edge_conf, NULL, &stage->edge);
	assert_false(slv_failed(err));
	for (size_t i = 0; i < PORTS; i++)
		open_port(stage, i);
	*state = stage;
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;
	slv_listen_free(stage->listen);
	for (size_t i = 0; i < stage->clients_count; i++)
		close(stage->clients[i]);
	for (size_t i = 0; i < PORTS; i++)
		close(stage->fds[i]);
	slv_edge_free(stage->edge);
	slv_metrics_free(stage->metrics);
	slv_loop_free(stage->loop);
	slv_arena_done(&stage->arena);
	slv_free(stage);
	return 0;
}

/* Begin to accept, as a program that may open `files`. */
static void start(struct stage *stage, rlim_t files)
{
	struct rlimit own;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
	struct rlimit told = { .rlim_cur = files, .rlim_max = own.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &told), 0);
	slv_err err = slv_listen_new(&stage->arena, stage->loop, stage->metrics, stage->ports,
			PORTS, 1, &stage->listen);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &own), 0);
	assert_false(slv_failed(err));
}

/* A counter or gauge that has no labels. */
static unsigned count_of(struct stage *stage, const char *name)
{
	char line[128];
	struct slv_buf text;
	slv_buf_init(&text, SLV_KIB(64));
	slv_metrics_print(&stage->metrics, 1, &text);
	slv_buf_add_char(&text, '\0');
	snprintf(line, sizeof(line), "\n%s ", name);
	const char *found = strstr(text.at, line);
	uint64_t count = 0;
	assert_non_null(found);
	slv_str rest = slv_str_from(found + strlen(line));
	assert_true(slv_str_u64(slv_str_cut(&rest, '\n'), UINT32_MAX, &count));
	slv_buf_done(&text);
	return (unsigned)count;
}

static unsigned decided(struct stage *stage)
{
	return count_of(stage, "selvedge_connections_total") +
	       count_of(stage, "selvedge_connections_refused_total");
}

/* Connect, wait until that is decided, and say `text`. Returns which client that is. */
static size_t join(struct stage *stage, size_t port, const char *text)
{
	unsigned before = decided(stage);
	assert_true(stage->clients_count < CLIENTS_MAX);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&stage->addresses[port],
					 sizeof(stage->addresses[port])),
			0);
	stage->clients[stage->clients_count] = fd;
	while (decided(stage) == before)
		slv_loop_turn(stage->loop, true);
	if (*text && send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
		for (int i = 0; i < 10; i++)
			slv_loop_turn(stage->loop, false);
	return stage->clients_count++;
}

/* The server has closed it; whatever it said before is dropped. */
static bool is_closed(struct stage *stage, size_t client)
{
	char dropped[1024];
	ssize_t len = 1;
	while (len > 0)
		len = recv(stage->clients[client], dropped, sizeof(dropped), MSG_DONTWAIT);
	return len == 0 || errno != EAGAIN;
}

static void past_connections_max_of_a_listener_another_still_accepts(void **state)
{
	struct stage *stage = *state;
	stage->conf[0].connections_max = 10;
	start(stage, 1000);
	for (size_t i = 0; i < 10; i++)
		assert_false(is_closed(stage, join(stage, 0, BUSY)));
	assert_true(is_closed(stage, join(stage, 0, "")));
	assert_int_equal(count_of(stage, "selvedge_connections_refused_total"), 1);
	assert_int_equal(count_of(stage, "selvedge_connections_reclaimed_total"), 0);
	assert_false(is_closed(stage, join(stage, 1, BUSY)));
}

static void a_listener_makes_room_among_its_own(void **state)
{
	struct stage *stage = *state;
	stage->conf[0].connections_max = 10;
	start(stage, 1000);
	size_t older = join(stage, 1, "");
	size_t busy = join(stage, 0, BUSY);
	size_t first = join(stage, 0, ""), second = join(stage, 0, "");
	for (size_t i = 3; i < 9; i++)
		join(stage, 0, "");
	assert_int_equal(count_of(stage, "selvedge_connections_reclaimed_total"), 0);
	assert_false(is_closed(stage, join(stage, 0, "")));
	assert_int_equal(count_of(stage, "selvedge_connections_reclaimed_total"), 1);
	assert_true(is_closed(stage, first));
	assert_false(is_closed(stage, second));
	assert_false(is_closed(stage, older));
	assert_false(is_closed(stage, busy));
}

/* Of 100 files two fifths, less 8 for each of two listeners: 24. */
static void listeners_share_what_the_limit_of_open_files_allows(void **state)
{
	struct stage *stage = *state;
	start(stage, 100);
	for (size_t i = 0; i < 24; i++)
		assert_false(is_closed(stage, join(stage, 0, BUSY)));
	assert_true(is_closed(stage, join(stage, 0, "")));
	for (size_t i = 0; i < 8; i++)
		assert_false(is_closed(stage, join(stage, 1, BUSY)));
	assert_true(is_closed(stage, join(stage, 1, "")));
	assert_int_equal(count_of(stage, "selvedge_connections"), 32);
	assert_int_equal(count_of(stage, "selvedge_connections_refused_total"), 2);
}

static void what_is_idle_for_longest_makes_room_for_any_listener(void **state)
{
	struct stage *stage = *state;
	start(stage, 100);
	size_t first = join(stage, 0, ""), second = join(stage, 1, "");
	for (size_t i = 2; i < 22; i++)
		join(stage, i % PORTS, "");
	assert_int_equal(count_of(stage, "selvedge_connections_reclaimed_total"), 0);
	assert_false(is_closed(stage, join(stage, 1, "")));
	assert_int_equal(count_of(stage, "selvedge_connections_reclaimed_total"), 1);
	assert_true(is_closed(stage, first));
	assert_false(is_closed(stage, second));
	join(stage, 0, "");
	assert_true(is_closed(stage, second));
}

static void a_client_has_a_bound_on_every_listener(void **state)
{
	struct stage *stage = *state;
	stage->conf[0].client_connections_max = stage->conf[1].client_connections_max = 3;
	start(stage, 1000);
	for (size_t i = 0; i < 3; i++)
		assert_false(is_closed(stage, join(stage, i % PORTS, "")));
	assert_true(is_closed(stage, join(stage, 1, "")));
	assert_int_equal(count_of(stage, "selvedge_connections_refused_total"), 1);
}

static void drained(void *arg)
{
	*(bool *)arg = true;
}

static void draining_ends_with_the_last_connection(void **state)
{
	struct stage *stage = *state;
	bool is_drained = false;
	start(stage, 1000);
	size_t client = join(stage, 0, BUSY);
	slv_listen_drain(stage->listen, drained, &is_drained);
	assert_false(is_drained);
	assert_int_equal(shutdown(stage->clients[client], SHUT_RDWR), 0);
	while (!is_drained)
		slv_loop_turn(stage->loop, true);
	assert_int_equal(count_of(stage, "selvedge_connections"), 0);
}

#define LISTEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTEN_TEST(past_connections_max_of_a_listener_another_still_accepts),
		LISTEN_TEST(a_listener_makes_room_among_its_own),
		LISTEN_TEST(listeners_share_what_the_limit_of_open_files_allows),
		LISTEN_TEST(what_is_idle_for_longest_makes_room_for_any_listener),
		LISTEN_TEST(a_client_has_a_bound_on_every_listener),
		LISTEN_TEST(draining_ends_with_the_last_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
