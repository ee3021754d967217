#include "client/endpoint.h"

#include "base/mem.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX SLV_MIB(16)
#define READ_BYTES SLV_KIB(64)

struct peer {
	struct endpoint *endpoint;
	struct slv_list link;
	int fd;
	struct slv_io *io;
	struct slv_buf in;
	struct slv_timer timer;
	const char *rest; /* said when the timer fires */
};

static void peer_free(struct peer *peer)
{
	slv_timer_stop(peer->endpoint->loop, &peer->timer);
	slv_io_free(peer->io);
	close(peer->fd);
	slv_buf_done(&peer->in);
	slv_list_remove(&peer->link);
	slv_free(peer);
}

/* Bytes of the request at the head of `in`, or 0: it is not all there. */
static size_t request_len(slv_str in, size_t *ret_head)
{
	uint64_t len = 0;
	size_t head = slv_str_find_str(in, SLV_STR("\r\n\r\n"));
	if (head == in.len)
		return 0;
	slv_str lines = slv_str_head(in, head);
	size_t at = slv_str_find_str(lines, SLV_STR("\r\nContent-Length: "));
	if (at < lines.len) {
		slv_str value = slv_str_from_index(lines, at + 18);
		value = slv_str_cut(&value, '\r');
		assert_true(slv_str_u64(value, REQUEST_BYTES_MAX, &len));
	}
	*ret_head = head;
	return in.len - head - 4 >= len ? head + 4 + (size_t)len : 0;
}

static void peer_say(struct peer *peer, const char *text)
{
	assert_int_equal(send(peer->fd, text, strlen(text), MSG_NOSIGNAL),
			strlen(text)); /* they are short */
}

static void say_rest(struct slv_timer *timer)
{
	struct peer *peer = SLV_CONTAINER(timer, struct peer, timer);
	peer_say(peer, peer->rest);
}

/* False: it is gone. */
static bool peer_answer(struct peer *peer, size_t head, size_t len)
{
	struct endpoint *endpoint = peer->endpoint;
	slv_str in = slv_buf_str(&peer->in);
	size_t i = endpoint->asked++;
	assert_true(i < ENDPOINT_ANSWERS_MAX && head < sizeof(endpoint->heads[i]));
	memcpy(endpoint->heads[i], in.at, head);
	endpoint->body_lens[i] = len - head - 4;
	slv_buf_clear(&endpoint->body);
	slv_buf_add(&endpoint->body, (slv_str){ in.at + head + 4, len - head - 4 });
	slv_buf_clear(&peer->in);
	const char *answer = i < endpoint->answers_count ? endpoint->answers[i] : NULL;
	if (answer)
		peer_say(peer, answer);
	if (answer && endpoint->rests[i]) {
		peer->rest = endpoint->rests[i];
		slv_timer_start(endpoint->loop, &peer->timer, endpoint->late_ms[i]);
	}
	if (answer && !strstr(answer, "Connection: close"))
		return true;
	peer_free(peer);
	return false;
}

static void peer_ready(void *arg, int events)
{
	struct peer *peer = arg;
	(void)events;
	for (;;) {
		size_t head;
		char *room = slv_buf_room(&peer->in, READ_BYTES);
		assert_non_null(room);
		ssize_t len = recv(peer->fd, room, READ_BYTES, MSG_DONTWAIT);
		if (len < 0)
			return; /* more comes later */
		if (len == 0) {
			peer_free(peer);
			return;
		}
		slv_buf_grown(&peer->in, (size_t)len);
		size_t whole = request_len(slv_buf_str(&peer->in), &head);
		if (whole > 0 && !peer_answer(peer, head, whole))
			return;
	}
}

static void accept_one(void *arg, int events)
{
	struct endpoint *endpoint = arg;
	(void)events;
	int fd = accept4(endpoint->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct peer *peer = SLV_ALLOC(struct peer);
	peer->endpoint = endpoint;
	peer->timer.fire = say_rest;
	peer->fd = fd;
	slv_buf_init(&peer->in, REQUEST_BYTES_MAX);
	slv_list_push(&endpoint->peers, &peer->link);
	endpoint->accepted++;
	assert_false(slv_failed(slv_io_new(endpoint->loop, fd, peer_ready, peer, &peer->io)));
	slv_io_want(peer->io, SLV_IO_READ);
}

struct endpoint *endpoint_new(struct slv_loop *loop)
{
	struct endpoint *endpoint = SLV_ALLOC(struct endpoint);
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	endpoint->loop = loop;
	slv_list_init(&endpoint->peers);
	slv_buf_init(&endpoint->body, REQUEST_BYTES_MAX);
	endpoint->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(endpoint->fd >= 0);
	assert_int_equal(bind(endpoint->fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(endpoint->fd, 64), 0);
	assert_int_equal(getsockname(endpoint->fd, (struct sockaddr *)&addr, &len), 0);
	endpoint->port = ntohs(addr.sin_port);
	assert_false(slv_failed(
			slv_io_new(loop, endpoint->fd, accept_one, endpoint, &endpoint->io)));
	slv_io_want(endpoint->io, SLV_IO_READ);
	return endpoint;
}

void endpoint_free(struct endpoint *endpoint)
{
	if (!endpoint)
		return;
	SLV_LIST_EACH(link, &endpoint->peers)
	peer_free(SLV_CONTAINER(link, struct peer, link));
	slv_io_free(endpoint->io);
	close(endpoint->fd);
	slv_buf_done(&endpoint->body);
	slv_free(endpoint);
}

void endpoint_says(struct endpoint *endpoint, const char *answer)
{
	assert_true(endpoint->answers_count < ENDPOINT_ANSWERS_MAX);
	endpoint->answers[endpoint->answers_count++] = answer;
}

void endpoint_says_late(
		struct endpoint *endpoint, const char *answer, uint64_t late_ms, const char *rest)
{
	endpoint->rests[endpoint->answers_count] = rest;
	endpoint->late_ms[endpoint->answers_count] = late_ms;
	endpoint_says(endpoint, answer);
}
