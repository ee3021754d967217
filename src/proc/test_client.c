#include "proc/test_client.h"
#include "base/testing.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void client_ready(void *arg, int events)
{
	(void)events;
	struct test_client *client = arg;
	ssize_t got = recv(client->fd, client->answer + client->len,
			sizeof(client->answer) - 1 - client->len, 0);
	if (got > 0)
		client->len += (size_t)got;
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		client->is_done = true;
	client->answer[client->len] = '\0';
	if (client->is_done)
		slv_io_want(client->io, 0);
}

int test_client_connect(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	slv_fd_done(&fd);
	return -1;
}

void test_client_ask(
		struct slv_loop *loop, struct test_client *client, uint16_t port, char question)
{
	*client = (struct test_client){ .fd = test_client_connect(port) };
	assert_true(client->fd >= 0);
	assert_int_equal(send(client->fd, &question, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
	assert_false(slv_failed(slv_io_new(loop, client->fd, client_ready, client, &client->io)));
	slv_io_want(client->io, SLV_IO_READ);
}

void test_client_hear(struct slv_loop *loop, struct test_client *client)
{
	while (!client->is_done)
		slv_loop_turn(loop, true);
	slv_io_free(client->io);
	slv_fd_done(&client->fd);
}

pid_t test_client_pid(const struct test_client *client)
{
	uint64_t pid = 0;
	if (!slv_str_u64(slv_str_from(client->answer), INT32_MAX, &pid))
		fail_msg("'%s' is no process id", client->answer);
	return (pid_t)pid;
}
