#include "base/testing.h"
#include "proc/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct slv_arena arena;

static int setup(void **state)
{
	(void)state;
	slv_arena_init(&arena, 4096, 65536);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	slv_arena_done(&arena);
	return 0;
}

static void addresses_have_one_grammar(void **state)
{
	(void)state;
	static const char *const good[] = { "127.0.0.1:8080", "[::1]:443", "[::]:0", "8080",
		"0.0.0.0:65535", "0", "[::ffff:127.0.0.1]:1" };
	static const char *const bad[] = { "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
		":8080", "::1:8080", "[]:80", "[::1]", "[::1]:", "localhost:80", "127.1:80", "+80",
		"80 ", " 80", "[127.0.0.1]:80", "127.0.0.1:8080x", "[::1%lo]:80", "-1" };
	for (size_t i = 0; i < SLV_COUNT(good); i++)
		assert_int_equal(
				slv_listener_check(&arena, slv_str_from(good[i])).code, SLV_E_NONE);
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		slv_err err = slv_listener_check(&arena, slv_str_from(bad[i]));
		assert_int_equal(err.code, SLV_E_SYNTAX);
		assert_non_null(strstr(err.what, bad[i])); /* it names the address */
	}
}

static void an_address_has_at_most_63_bytes(void **state)
{
	(void)state;
	char text[SLV_LISTENER_NAME_MAX + 1];
	memset(text, '0', sizeof(text));
	text[SLV_LISTENER_NAME_MAX - 1] = '\0'; /* zeroes are a port */
	assert_int_equal(slv_listener_check(&arena, slv_str_from(text)).code, SLV_E_NONE);
	text[SLV_LISTENER_NAME_MAX - 1] = '0';
	text[SLV_LISTENER_NAME_MAX] = '\0';
	slv_err err = slv_listener_check(&arena, slv_str_from(text));
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_non_null(strstr(err.what, "1 to 63 bytes, not 64"));
	assert_int_equal(slv_listener_check(&arena, (slv_str){ "1\0:80", 5 }).code, SLV_E_SYNTAX);
}

static int connect_to(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(close(fd), 0);
	return -1;
}

/* How many connections wait in the socket. */
static int accept_all(int fd)
{
	int count = 0;
	for (int got; (got = accept(fd, NULL, NULL)) >= 0; count++)
		assert_int_equal(close(got), 0);
	assert_int_equal(errno, EAGAIN); /* non-blocking, and listening */
	return count;
}

static void one_port_is_shared_by_all_sockets(void **state)
{
	(void)state;
	struct slv_listener listener;
	assert_int_equal(slv_listener_open(&arena, SLV_STR("127.0.0.1:0"), 3, 64, false, &listener)
					 .code,
			SLV_E_NONE);
	assert_int_equal(listener.count, 3);
	assert_string_equal(listener.name, "127.0.0.1:0");
	uint16_t port = slv_listener_port(&listener);
	assert_int_not_equal(port, 0);
	int clients[24], total = 0;
	for (size_t i = 0; i < SLV_COUNT(clients); i++)
		clients[i] = connect_to(port);
	for (uint32_t i = 0; i < listener.count; i++) {
		assert_true(fcntl(listener.fd[i], F_GETFD) & FD_CLOEXEC);
		total += accept_all(listener.fd[i]);
	}
	assert_int_equal(total, SLV_COUNT(clients));
	for (size_t i = 0; i < SLV_COUNT(clients); i++)
		assert_int_equal(close(clients[i]), 0);

	struct slv_buf buf;
	char want[32];
	slv_buf_init(&buf, 64);
	slv_listener_print(&listener, &buf);
	(void)snprintf(want, sizeof(want), "127.0.0.1:%u", port);
	assert_true(slv_str_eq(slv_buf_str(&buf), slv_str_from(want)));
	slv_buf_done(&buf);

	slv_listener_close(&listener);
	assert_int_equal(listener.count, 0);
	assert_int_equal(connect_to(port), -1);
}

static void a_port_in_use_is_told_by_name(void **state)
{
	(void)state;
	struct slv_listener first, second;
	char address[32];
	assert_int_equal(slv_listener_open(&arena, SLV_STR("127.0.0.1:0"), 1, 64, false, &first)
					 .code,
			SLV_E_NONE);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", slv_listener_port(&first));
	slv_err err = slv_listener_open(&arena, slv_str_from(address), 1, 64, false, &second);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_equal(err.sys, EADDRINUSE);
	assert_non_null(strstr(err.what, address));
	assert_non_null(strstr(err.what, "in use"));
	/* Where we know that the other one is us, both may have it. */
	err = slv_listener_open(&arena, slv_str_from(address), 1, 64, true, &second);
	assert_int_equal(err.code, SLV_E_NONE);
	slv_listener_close(&first);
	slv_listener_close(&second);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
	(void)state;
	struct slv_listener listener;
	slv_err err = slv_listener_open(&arena, SLV_STR("192.0.2.1:0"), 1, 64, false, &listener);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_equal(err.sys, EADDRNOTAVAIL);
	assert_non_null(strstr(err.what, "192.0.2.1:0"));
}

static void a_port_alone_takes_every_address(void **state)
{
	(void)state;
	struct slv_listener listener;
	assert_int_equal(slv_listener_open(&arena, SLV_STR("0"), 1, 64, false, &listener).code,
			SLV_E_NONE);
	int client = connect_to(slv_listener_port(&listener));
	assert_true(client >= 0);
	assert_int_equal(accept_all(listener.fd[0]), 1);
	assert_int_equal(close(client), 0);
	slv_listener_close(&listener);
}

static void more_loops_get_more_sockets_and_lose_them_again(void **state)
{
	(void)state;
	struct slv_listener listener;
	assert_int_equal(slv_listener_open(&arena, SLV_STR("127.0.0.1:0"), 1, 64, false, &listener)
					 .code,
			SLV_E_NONE);
	uint16_t port = slv_listener_port(&listener);
	int first = listener.fd[0];
	assert_int_equal(slv_listener_widen(&arena, &listener, SLV_LISTENER_LOOPS_MAX, 64).code,
			SLV_E_NONE);
	assert_int_equal(listener.count, SLV_LISTENER_LOOPS_MAX);
	assert_int_equal(slv_listener_widen(&arena, &listener, 2, 64).code, SLV_E_NONE);
	assert_int_equal(listener.count, SLV_LISTENER_LOOPS_MAX); /* fewer changes nothing */
	slv_listener_narrow(&listener, 1);
	assert_int_equal(listener.count, 1);
	assert_int_equal(listener.fd[0], first);
	int client = connect_to(port);
	assert_int_equal(accept_all(first), 1); /* nobody else is there to get it */
	assert_int_equal(close(client), 0);
	slv_listener_close(&listener);
}

static void without_memory_the_code_remains(void **state)
{
	(void)state;
	struct slv_arena tiny;
	slv_arena_init(&tiny, 4, 4);
	slv_err err = slv_listener_check(&tiny, SLV_STR("nonsense"));
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_non_null(err.what);
	slv_arena_done(&tiny);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_grammar),
		cmocka_unit_test(an_address_has_at_most_63_bytes),
		cmocka_unit_test(one_port_is_shared_by_all_sockets),
		cmocka_unit_test(a_port_in_use_is_told_by_name),
		cmocka_unit_test(an_address_that_is_not_ours_is_refused),
		cmocka_unit_test(a_port_alone_takes_every_address),
		cmocka_unit_test(more_loops_get_more_sockets_and_lose_them_again),
		cmocka_unit_test(without_memory_the_code_remains),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
