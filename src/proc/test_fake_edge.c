/* The edge of the parent's tests. The configuration says how it behaves; each connection is asked
 * one question of one byte, and closed after the answer.
 *
 *	first line   serve     is ready at once, drains at once
 *	             mute      is never ready
 *	             fail      cannot start, and says why
 *	             stubborn  serves, but does not drain
 *	question     p  process id        c  the configuration, its name and folder
 *	             k  ticket keys       l  loops, and sockets of the address asked
 *	             j  a jail's process id, or why there is none
 *	             f  makes jails until it is refused: their number and why
 *	             d  it dies           n  it talks nonsense to the parent
 *	             h  it hangs up
 */
#include "proc/edge.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/channel.h"
#include "proc/pixel.h"
#include "proc/test_jail.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JAILS_MAX 400

struct fake {
	struct slv_loop *loop;
	struct slv_edge_link *link;
	struct slv_ticket_keys keys;
	struct slv_io *ios[SLV_LISTENERS_MAX * SLV_LISTENER_LOOPS_MAX];
	size_t io_count;
	bool stubborn;
	int jail[JAILS_MAX]; /* sockets */
	size_t jail_count;
};

struct socket {
	struct fake *fake;
	int fd;
	size_t siblings; /* sockets of the same address */
};

/* A question whose answer waits for jails. */
struct asked {
	struct fake *fake;
	int client_fd;
	bool fill;
};

static void reply(int fd, slv_str text)
{
	slv_assert(send(fd, text.at, text.len, MSG_NOSIGNAL) == (ssize_t)text.len);
}

static void on_jail(void *arg, slv_err err, int socket_fd, int pid_fd)
{
	struct asked *asked = arg;
	struct fake *fake = asked->fake;
	char text[SLV_CHANNEL_WHAT_MAX + 32];
	slv_fd_done(&pid_fd);
	if (!slv_failed(err)) {
		slv_assert(fake->jail_count < JAILS_MAX);
		fake->jail[fake->jail_count++] = socket_fd;
		if (asked->fill) {
			struct slv_jail_maker *maker = slv_edge_link_maker(fake->link);
			maker->make(maker, SLV_FORMAT_SAME, asked, on_jail);
			return;
		}
		struct ucred peer;
		socklen_t len = sizeof(peer);
		/* The pair was made by the parent; who answers at the other end is asked. */
		slv_assert(getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0);
		struct slv_pixel_plan plan = { .magic = SLV_PIXEL_MAGIC,
			.fallback = SLV_FORMAT_WEBP,
			.info_only = true,
			.dpr = 1,
			.brightness = 1,
			.contrast = 1,
			.saturation = 1,
			.gamma = 1,
			.limits = { 1, 1, 1, 1, 1, 1 } };
		memset(plan.quality, 1, sizeof(plan.quality));
		struct slv_message message;
		struct slv_message_head head = { SLV_MESSAGE_PIXEL_JOB, sizeof(plan), 1 };
		slv_assert(!slv_failed(
				slv_message_send(socket_fd, head, &plan, &asked->client_fd, 1)));
		slv_assert(fcntl(socket_fd, F_SETFL, 0) == 0);
		slv_assert(!slv_failed(slv_message_receive(socket_fd, &message)));
		const struct slv_pixel_result *result =
				(const struct slv_pixel_result *)message.body;
		(void)snprintf(text, sizeof(text), "%u", result->width);
	} else if (asked->fill) {
		(void)snprintf(text, sizeof(text), "%zu %s", fake->jail_count, err.what);
	} else {
		(void)snprintf(text, sizeof(text), "%s", err.what);
	}
	reply(asked->client_fd, slv_str_from(text));
	slv_fd_done(&asked->client_fd);
	slv_free(asked);
}

static void ask_jail(struct fake *fake, int client_fd, bool fill)
{
	struct slv_jail_maker *maker = slv_edge_link_maker(fake->link);
	struct asked *asked = SLV_ALLOC(struct asked);
	*asked = (struct asked){ .fake = fake, .client_fd = client_fd, .fill = fill };
	maker->make(maker, SLV_FORMAT_SAME, asked, on_jail);
}

static void add_config(const struct fake *fake, struct slv_buf *buf)
{
	slv_buf_add(buf, slv_edge_link_config_text(fake->link));
	slv_buf_add_char(buf, '|');
	slv_buf_add(buf, slv_edge_link_config_name(fake->link));
	slv_buf_add_char(buf, '|');
	slv_buf_add(buf, slv_edge_link_config_folder(fake->link));
}

static void add_keys(const struct fake *fake, struct slv_buf *buf)
{
	for (uint32_t i = 0; i < fake->keys.count; i++) {
		slv_buf_add_hex(buf, fake->keys.key[i], SLV_TICKET_KEY_BYTES);
		slv_buf_add_char(buf, ' ');
	}
}

/* Answer `question`; the descriptor is then closed. */
static void answer(const struct socket *socket, char question, int client_fd)
{
	struct fake *fake = socket->fake;
	struct slv_message_head nonsense = { .type = 4711 };
	struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	switch (question) {
	case 'p':
		slv_buf_add_u64(&buf, (uint64_t)getpid());
		break;
	case 'c':
		add_config(fake, &buf);
		break;
	case 'k':
		add_keys(fake, &buf);
		break;
	case 'l':
		slv_buf_printf(&buf, "%u %zu", slv_edge_link_loops(fake->link), socket->siblings);
		break;
	case 'd':
		_exit(7);
	case 'n':
		slv_assert(!slv_failed(slv_message_send(SLV_CHANNEL_FD, nonsense, NULL, NULL, 0)));
		break;
	case 'h':
		slv_assert(shutdown(SLV_CHANNEL_FD, SHUT_WR) == 0);
		break;
	default:
		break;
	}
	reply(client_fd, slv_buf_str(&buf));
	slv_buf_done(&buf);
	slv_fd_done(&client_fd);
}

static void on_accept(void *arg, int events)
{
	(void)events;
	const struct socket *socket = arg;
	int fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC);
	char question;
	if (fd < 0)
		return;
	if (recv(fd, &question, 1, 0) != 1)
		slv_fd_done(&fd);
	else if (question == 'j' || question == 'f')
		ask_jail(socket->fake, fd, question == 'f');
	else
		answer(socket, question, fd);
}

static void on_tickets(void *arg, const struct slv_ticket_keys *keys)
{
	((struct fake *)arg)->keys = *keys;
}

static void on_drain(void *arg, uint32_t drain_ms, bool replaced)
{
	struct fake *fake = arg;
	(void)replaced;
	slv_assert(drain_ms > 0);
	if (!fake->stubborn)
		_exit(0);
}

static void on_stop(void *arg)
{
	(void)arg;
	_exit(9);
}

/* Every socket of the addresses, which are the lines of the configuration behind the first. */
static void listen_all(struct fake *fake, slv_str addresses)
{
	while (addresses.at) {
		const int *fds;
		slv_str address = slv_str_cut(&addresses, '\n');
		size_t count = slv_edge_link_sockets(fake->link, address, &fds);
		for (size_t i = 0; i < count; i++) {
			struct socket *socket = SLV_ALLOC(struct socket);
			*socket = (struct socket){ fake, fds[i], count };
			struct slv_io **io = &fake->ios[fake->io_count++];
			slv_assert(!slv_failed(
					slv_io_new(fake->loop, fds[i], on_accept, socket, io)));
			slv_io_want(*io, SLV_IO_READ);
		}
	}
}

int main(void)
{
	struct fake fake = { .loop = slv_loop_new(0, NULL, NULL) };
	struct slv_arena arena;
	slv_arena_init(&arena, 4096, 65536);
	slv_err err = slv_edge_link_open(&arena, &fake.link);
	if (slv_failed(err))
		return err.code;
	fake.keys = *slv_edge_link_tickets(fake.link);
	slv_str rest = slv_edge_link_config_text(fake.link);
	slv_str first = slv_str_cut(&rest, '\n');
	if (slv_str_eq(first, SLV_STR("fail"))) {
		slv_edge_link_fail(fake.link, SLV_ERR(SLV_E_MISSING, "no certificate at all"));
		slv_edge_link_free(fake.link);
		slv_loop_free(fake.loop);
		return 3;
	}
	const struct slv_edge_events events = {
		.tickets = on_tickets, .drain = on_drain, .stop = on_stop, .arg = &fake
	};
	fake.stubborn = slv_str_eq(first, SLV_STR("stubborn"));
	slv_assert(!slv_failed(slv_edge_link_start(&arena, fake.link, fake.loop, &events)));
	if (!slv_str_eq(first, SLV_STR("mute"))) {
		listen_all(&fake, rest);
		slv_edge_link_ready(fake.link);
	}
	slv_loop_run(fake.loop);
	return 0;
}
