/* pull.c - pull PORT TARGETS SECONDS: large answers, as fast as they come
 *
 * Asks over CONNECTIONS kept connections to 127.0.0.1 for the targets of a file (a line each:
 * "GET 0 TARGET", as targets.lua has them), one after the other, and prints "ANSWERS SECONDS".
 * Bodies are dropped by the kernel and never copied to here: a load that copies them costs as much
 * as who sends them, and on the same machine that is what would be measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64
#define HEAD_BYTES_MAX 8192
#define TARGETS_MAX 4096

struct connection {
	int fd;
	size_t left; /* of a body */
	size_t len;  /* of a head, or a part of one */
	char head[HEAD_BYTES_MAX + 1];
};

static char *requests[TARGETS_MAX];
static size_t request_count, asked, answered;

static void fail(const char *what)
{
	fprintf(stderr, "pull: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void read_targets(const char *path, const char *port)
{
	FILE *file = fopen(path, "r");
	char line[HEAD_BYTES_MAX];
	if (!file)
		fail(path);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "GET 0 ", 6) != 0 || request_count == TARGETS_MAX ||
				asprintf(&requests[request_count++],
						"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n\r\n",
						line + 6, port) < 0)
			fail(line);
	}
	fclose(file);
	if (!request_count)
		fail("no targets");
}

static void ask(struct connection *connection)
{
	const char *request = requests[asked++ % request_count];
	size_t len = strlen(request);
	if (send(connection->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		fail("send");
	connection->len = 0;
}

/* The head is whole: it must be a 200 that tells its length. */
static void begin_body(struct connection *connection, const char *end)
{
	char *length = strcasestr(connection->head, "\r\ncontent-length:");
	if (!length || length > end || strncmp(connection->head, "HTTP/1.1 200 ", 13) != 0) {
		fprintf(stderr, "pull: not a good answer: %.100s\n", connection->head);
		exit(1);
	}
	size_t body = strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
	size_t have = connection->len - (size_t)(end + 4 - connection->head);
	connection->left = body - have;
}

/* Takes what has come. */
static void take(struct connection *connection)
{
	while (1) {
		size_t room = HEAD_BYTES_MAX - connection->len;
		ssize_t len = connection->left ? recv(connection->fd, NULL, connection->left,
								 MSG_TRUNC)
		                               : recv(connection->fd,
								 connection->head + connection->len,
								 room < 1024 ? room : 1024, 0);
		if (len < 0 && errno == EAGAIN)
			return;
		if (len <= 0)
			fail("recv");
		if (connection->left) {
			connection->left -= (size_t)len;
		} else {
			connection->len += (size_t)len;
			connection->head[connection->len] = '\0';
			const char *end = strstr(connection->head, "\r\n\r\n");
			if (!end)
				continue;
			begin_body(connection, end);
		}
		if (!connection->left) {
			answered++;
			ask(connection);
		}
	}
}

static void open_connection(struct connection *connection, uint16_t port, int poll)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
			fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
			epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("set up");
	connection->fd = fd;
	ask(connection);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: pull PORT TARGETS SECONDS\n");
		return 2;
	}
	static struct connection connections[CONNECTIONS];
	read_targets(argv[2], argv[1]);
	int poll = epoll_create1(0);
	for (size_t i = 0; i < CONNECTIONS; i++)
		open_connection(&connections[i], (uint16_t)strtoul(argv[1], NULL, 10), poll);
	double begun = now_s(), until = begun + strtod(argv[3], NULL);
	while (now_s() < until) {
		struct epoll_event events[CONNECTIONS];
		int count = epoll_wait(poll, events, CONNECTIONS, 100);
		for (int i = 0; i < count; i++)
			take(events[i].data.ptr);
	}
	printf("%zu %.3f\n", answered, now_s() - begun);
	return 0;
}
