/* pace.c - pace PORT PATH RATE SECONDS: how long one request takes, at a fixed rate
 *
 * Sends RATE requests a second in all over CONNECTIONS kept connections to 127.0.0.1, each at a
 * time set beforehand, and prints "COUNT P50 P99 MAX" in ms. A latency counts from the time set,
 * not from the sending: when an answer is late, those that had to wait for it are late too, as
 * they would be for clients who do not know of one another.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 4
#define HEAD_BYTES_MAX 8192
#define NS_PER_S 1000000000ull

struct probe {
	uint16_t port;
	const char *path;
	uint64_t begin_ns, interval_ns;
	size_t count;
	uint64_t *took_ns;
};

static void fail(const char *what)
{
	fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t at_ns)
{
	struct timespec at = { (time_t)(at_ns / NS_PER_S), (long)(at_ns % NS_PER_S) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		fail("setsockopt");
	return fd;
}

static size_t receive(int fd, char *at, size_t room)
{
	ssize_t len = recv(fd, at, room, 0);
	if (len == 0)
		errno = ECONNRESET;
	if (len <= 0)
		fail("recv");
	return (size_t)len;
}

/* One answer, whole. It must be 200 and tell its length. */
static void read_answer(int fd)
{
	char head[HEAD_BYTES_MAX + 1];
	size_t len = 0;
	char *end = NULL;
	while (!end && len < HEAD_BYTES_MAX) {
		len += receive(fd, head + len, HEAD_BYTES_MAX - len);
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	char *length = end ? strcasestr(head, "\r\ncontent-length:") : NULL;
	if (!length || length > end || strncmp(head, "HTTP/1.1 200 ", 13) != 0) {
		fprintf(stderr, "pace: not a good answer: %.100s\n", head);
		exit(1);
	}
	size_t body = strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
	size_t have = len - (size_t)(end + 4 - head);
	while (have < body)
		have += receive(fd, head, sizeof(head) < body - have ? sizeof(head) : body - have);
}

static void *ask(void *arg)
{
	struct probe *probe = arg;
	char request[HEAD_BYTES_MAX];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			probe->path);
	int fd = connect_to(probe->port);
	for (size_t i = 0; i < probe->count; i++) {
		uint64_t at_ns = probe->begin_ns + i * probe->interval_ns;
		sleep_until(at_ns);
		if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
			fail("send");
		read_answer(fd);
		probe->took_ns[i] = now_ns() - at_ns;
	}
	close(fd);
	return NULL;
}

static int order(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;
	return *left < *right ? -1 : *left > *right;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: pace PORT PATH RATE SECONDS\n");
		return 2;
	}
	uint64_t rate = strtoul(argv[3], NULL, 10), seconds = strtoul(argv[4], NULL, 10);
	if (rate < CONNECTIONS || seconds < 1) {
		fprintf(stderr, "pace: RATE is at least %d, SECONDS at least 1\n", CONNECTIONS);
		return 2;
	}
	size_t each = rate * seconds / CONNECTIONS, count = each * CONNECTIONS;
	uint64_t *took_ns = calloc(count, sizeof(*took_ns));
	if (!took_ns)
		fail("calloc");
	struct probe probes[CONNECTIONS];
	pthread_t threads[CONNECTIONS];
	uint64_t begin_ns = now_ns() + NS_PER_S / 10, interval_ns = NS_PER_S * CONNECTIONS / rate;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		probes[i] = (struct probe){ .port = (uint16_t)strtoul(argv[1], NULL, 10),
			.path = argv[2],
			.begin_ns = begin_ns + i * interval_ns / CONNECTIONS,
			.interval_ns = interval_ns,
			.count = each,
			.took_ns = took_ns + i * each };
		errno = pthread_create(&threads[i], NULL, ask, &probes[i]);
		if (errno)
			fail("thread");
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		pthread_join(threads[i], NULL);
	qsort(took_ns, count, sizeof(*took_ns), order);
	printf("%zu %.3f %.3f %.3f\n", count, (double)took_ns[count / 2] / 1e6,
			(double)took_ns[count * 99 / 100] / 1e6, (double)took_ns[count - 1] / 1e6);
	free(took_ns);
	return 0;
}
