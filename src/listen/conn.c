#include "base/assert.h"
#include "base/attr.h"
#include "base/mem.h"
#include "listen/private.h"
#include "wire/h1.h"
#include "wire/proxy.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define EARLY_BYTES (SLV_PROXY_V2_BYTES_MAX + 64u)
#define TLS_PARTS_MAX 16
#define READS_PER_EVENT 4 /* then others get their turn */
#define LINGER_MS 1000u   /* and no longer waits a peer for our last words */
#define LINGER_BYTES SLV_KIB(256)

static const slv_err too_many = { .code = SLV_E_BUSY,
	.what = "more connections of one address than client_connections_max" };

/* Which states may follow; the diagram is in private.h. */
static const uint8_t may[CONN_STATES] = {
	[CONN_PROXY] = SLV_BIT(CONN_HANDSHAKE) | SLV_BIT(CONN_SNIFF) | SLV_BIT(CONN_DEAD),
	[CONN_HANDSHAKE] = SLV_BIT(CONN_OPEN) | SLV_BIT(CONN_DEAD),
	[CONN_SNIFF] = SLV_BIT(CONN_OPEN) | SLV_BIT(CONN_DEAD),
	[CONN_OPEN] = SLV_BIT(CONN_FLUSH) | SLV_BIT(CONN_DEAD),
	[CONN_FLUSH] = SLV_BIT(CONN_LINGER) | SLV_BIT(CONN_DEAD),
	[CONN_LINGER] = SLV_BIT(CONN_DEAD),
};

static void conn_move(struct conn *conn, enum conn_state next)
{
	slv_assert(may[conn->state] & SLV_BIT(next));
	conn->state = next;
}

static void conn_watch(struct conn *conn)
{
	int events = 0;
	bool reads = conn->state == CONN_OPEN ? conn->want_input : conn->state != CONN_FLUSH;
	if (reads && !conn->peer_eof)
		events |= SLV_IO_READ;
	if (conn->blocked)
		events |= SLV_IO_WRITE;
	if (conn->io)
		slv_io_want(conn->io, events);
}

/* --- end --- */

static void conn_free(struct slv_task *task)
{
	struct conn *conn = SLV_CONTAINER(task, struct conn, end);
	if (conn->transport.session)
		conn->transport.session->ops->free(conn->transport.session);
	slv_task_stop(&conn->pump);
	slv_tls_conn_free(conn->tls);
	slv_free(conn->early);
	listen_forget(conn);
	slv_free(conn);
}

void conn_end(struct conn *conn)
{
	if (conn->state == CONN_DEAD)
		return;
	struct slv_loop *loop = conn->transport.loop;
	conn_move(conn, CONN_DEAD);
	slv_timer_stop(loop, &conn->timer);
	slv_io_free(conn->io);
	conn->io = NULL;
	(void)close(conn->fd); /* nothing can be done about a failure */
	conn->fd = -1;
	slv_task_start(loop, &conn->end);
}

static void conn_refuse(struct conn *conn, slv_err err)
{
	slv_edge_refused(conn->port->edge, &conn->transport.peer, err);
	conn_end(conn);
}

/* --- output --- */

/* What send(2) took; an error ends the connection and takes everything. */
static size_t taken_of(struct conn *conn, ssize_t sent, size_t len)
{
	if (sent >= 0) {
		conn->blocked |= (size_t)sent < len;
		return (size_t)sent;
	}
	if (errno == EAGAIN || errno == EINTR) {
		conn->blocked = true;
		return 0;
	}
	conn_end(conn);
	return len;
}

static size_t send_plain(struct conn *conn, const struct iovec *parts, int count, bool more)
{
	size_t len = 0;
	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
		.msg_iovlen = (size_t)count };
	ssize_t sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	return taken_of(conn, sent, len);
}

/* Send what TLS has made. */
static void flush_tls(struct conn *conn)
{
	slv_str output = slv_tls_output(conn->tls);
	while (output.len && !conn->blocked && conn->state != CONN_DEAD) {
		ssize_t sent = send(conn->fd, output.at, output.len, MSG_NOSIGNAL);
		slv_tls_sent(conn->tls, taken_of(conn, sent, output.len));
		output = slv_tls_output(conn->tls);
	}
}

/* Drop `taken` bytes from the front; returns the first part that still has some. */
static int skip_parts(struct iovec *parts, int first, int count, size_t taken)
{
	while (first < count && taken >= parts[first].iov_len) {
		taken -= parts[first].iov_len;
		first++;
	}
	if (taken) {
		parts[first].iov_base = (char *)parts[first].iov_base + taken;
		parts[first].iov_len -= taken;
	}
	return first;
}

/* All parts are given at once, so that small ones share a record. */
static size_t send_some_tls(struct conn *conn, const struct iovec *parts, int count)
{
	struct iovec rest[TLS_PARTS_MAX];
	size_t taken = 0;
	memcpy(rest, parts, (size_t)count * sizeof(*rest));
	for (int first = 0; first < count && !conn->blocked && conn->state != CONN_DEAD;) {
		size_t took = slv_tls_write(conn->tls, rest + first, count - first);
		flush_tls(conn);
		taken += took;
		first = skip_parts(rest, first, count, took);
	}
	return taken;
}

static size_t send_tls(struct conn *conn, const struct iovec *parts, int count)
{
	size_t taken = 0;
	for (int first = 0; first < count && !conn->blocked; first += TLS_PARTS_MAX) {
		int left = count - first;
		taken += send_some_tls(
				conn, parts + first, left < TLS_PARTS_MAX ? left : TLS_PARTS_MAX);
	}
	return taken;
}

static size_t transport_write(
		struct slv_transport *transport, const struct iovec *parts, int count, bool more)
{
	struct conn *conn = SLV_CONTAINER(transport, struct conn, transport);
	size_t taken = 0;
	if (conn->state != CONN_OPEN) {
		for (int i = 0; i < count; i++)
			taken += parts[i].iov_len;
		return taken; /* nobody will read it */
	}
	if (!conn->blocked)
		taken = conn->tls ? send_tls(conn, parts, count)
		                  : send_plain(conn, parts, count, more);
	conn_watch(conn);
	return taken;
}

static size_t transport_sendfile(
		struct slv_transport *transport, int fd, uint64_t offset, size_t len)
{
	struct conn *conn = SLV_CONTAINER(transport, struct conn, transport);
	if (conn->state != CONN_OPEN)
		return len;
	size_t taken = 0;
	off_t from = (off_t)offset;
	if (!conn->blocked) {
		ssize_t sent = sendfile(conn->fd, fd, &from, len);
		taken = taken_of(conn, sent, len);
		if (sent == 0) /* the file is shorter than it was */
			conn_end(conn);
	}
	conn_watch(conn);
	return taken;
}

static size_t transport_unacked(struct slv_transport *transport)
{
	const struct conn *conn = SLV_CONTAINER(transport, struct conn, transport);
	int bytes = 0;
	return ioctl(conn->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

/* --- closing --- */

static void conn_flushed(struct conn *conn)
{
	if (conn->linger && !conn->peer_eof && shutdown(conn->fd, SHUT_WR) == 0) {
		conn_move(conn, CONN_LINGER);
		slv_timer_start(conn->transport.loop, &conn->timer, LINGER_MS);
		conn_watch(conn);
		return;
	}
	conn_end(conn);
}

static void conn_flush(struct conn *conn)
{
	if (conn->tls)
		flush_tls(conn);
	if (conn->state != CONN_FLUSH)
		return;
	if (conn->tls && slv_tls_output(conn->tls).len)
		conn_watch(conn);
	else
		conn_flushed(conn);
}

static void transport_close(struct slv_transport *transport, bool linger)
{
	struct conn *conn = SLV_CONTAINER(transport, struct conn, transport);
	if (conn->state != CONN_OPEN)
		return;
	conn_move(conn, CONN_FLUSH);
	conn->linger = linger;
	if (conn->tls)
		slv_tls_shutdown(conn->tls);
	slv_timer_start(transport->loop, &conn->timer, conn->port->session.write_idle_ms);
	conn_flush(conn);
}

static void conn_linger(struct conn *conn)
{
	char dropped[4096];
	ssize_t len = recv(conn->fd, dropped, sizeof(dropped), 0);
	if (len > 0)
		conn->lingered += (size_t)len;
	bool waits = len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR));
	if (!waits || conn->lingered > LINGER_BYTES)
		conn_end(conn);
}

/* --- what the session asks --- */

static void conn_pump(struct slv_task *task);

static void transport_want_input(struct slv_transport *transport, bool want)
{
	struct conn *conn = SLV_CONTAINER(transport, struct conn, transport);
	if (conn->state != CONN_OPEN || conn->want_input == want)
		return;
	conn->want_input = want;
	if (want && conn->tls)
		slv_task_start(transport->loop, &conn->pump);
	conn_watch(conn);
}

static void transport_busy(struct slv_transport *transport, bool busy)
{
	struct conn *conn = SLV_CONTAINER(transport, struct conn, transport);
	listen_place(conn, busy);
}

static const struct slv_transport_ops plain_ops = {
	.write = transport_write,
	.sendfile = transport_sendfile,
	.unacked = transport_unacked,
	.want_input = transport_want_input,
	.busy = transport_busy,
	.close = transport_close,
};

static const struct slv_transport_ops tls_ops = {
	.write = transport_write,
	.unacked = transport_unacked,
	.want_input = transport_want_input,
	.busy = transport_busy,
	.close = transport_close,
};

/* --- input --- */

static void conn_open(struct conn *conn, bool h2)
{
	struct port *port = conn->port;
	slv_str early = { conn->early, conn->early_len };
	conn_move(conn, CONN_OPEN);
	conn->want_input = true;
	slv_timer_stop(conn->transport.loop, &conn->timer);
	if (h2)
		slv_h2_session_new(&conn->transport, port->edge, &port->session, early);
	else
		slv_h1_session_new(&conn->transport, port->edge, &port->session, early);
	slv_free(conn->early);
	conn->early = NULL;
	conn->early_len = 0;
	if (conn->transport.draining && conn->state == CONN_OPEN)
		conn->transport.session->ops->drain(conn->transport.session);
}

static void conn_sniff(struct conn *conn)
{
	enum slv_h1_preface preface = SLV_H1_PREFACE_NO;
	if (conn->port->conf->http2)
		preface = slv_h1_is_h2_preface((slv_str){ conn->early, conn->early_len });
	if (preface != SLV_H1_PREFACE_MORE)
		conn_open(conn, preface == SLV_H1_PREFACE_YES);
}

static void conn_eof(struct conn *conn, slv_err err)
{
	conn->peer_eof = true;
	conn->transport.session->ops->eof(conn->transport.session, err);
}

/* Hand the session what TLS has decrypted. */
static void pump_tls(struct conn *conn)
{
	while (conn->state == CONN_OPEN && conn->want_input) {
		char *at = NULL;
		size_t len = 0;
		bool eof = false;
		size_t room = conn->transport.session->ops->room(conn->transport.session, &at);
		if (!room) {
			conn->want_input = false;
			return;
		}
		slv_err err = slv_tls_read(conn->tls, at, room, &len, &eof);
		flush_tls(conn);
		if (slv_failed(err)) {
			conn_refuse(conn, err);
			return;
		}
		if (len)
			conn->transport.session->ops->input(conn->transport.session, len);
		else if (eof && !conn->peer_eof)
			conn_eof(conn, SLV_OK);
		if (!len)
			return;
	}
}

static void conn_pump(struct slv_task *task)
{
	struct conn *conn = SLV_CONTAINER(task, struct conn, pump);
	pump_tls(conn);
	conn_watch(conn);
}

static void handshake(struct conn *conn)
{
	bool open = false;
	slv_err err = slv_tls_handshake(conn->tls, &open);
	flush_tls(conn);
	if (conn->state == CONN_DEAD)
		return;
	if (slv_failed(err))
		conn_refuse(conn, err);
	else if (open)
		conn_open(conn, slv_tls_is_h2(conn->tls));
}

/* Bytes that came before there was a session: a PROXY header, then TLS or HTTP. */
static void early_step(struct conn *conn)
{
	if (conn->state == CONN_PROXY) {
		struct slv_proxy proxy;
		size_t used = 0;
		slv_err err = slv_proxy_parse(
				(slv_str){ conn->early, conn->early_len }, &proxy, &used);
		if (slv_failed(err)) {
			conn_refuse(conn, err);
			return;
		}
		if (!used)
			return;
		if (proxy.told)
			conn->transport.peer = proxy.source;
		if (!listen_client(conn)) {
			conn_refuse(conn, too_many);
			return;
		}
		conn->early_len -= used;
		memmove(conn->early, conn->early + used, conn->early_len);
		conn_move(conn, conn->tls ? CONN_HANDSHAKE : CONN_SNIFF);
	}
	if (conn->state == CONN_SNIFF && conn->early_len)
		conn_sniff(conn);
	while (conn->state == CONN_HANDSHAKE && conn->early_len) {
		char *at = NULL;
		size_t room = slv_tls_room(conn->tls, &at);
		size_t part = room < conn->early_len ? room : conn->early_len;
		memcpy(at, conn->early, part);
		slv_tls_grown(conn->tls, part);
		conn->early_len -= part;
		memmove(conn->early, conn->early + part, conn->early_len);
		handshake(conn);
	}
}

/* Where the next bytes of the socket belong. */
static size_t conn_room(struct conn *conn, char **ret_at)
{
	if (conn->state == CONN_PROXY || conn->state == CONN_SNIFF) {
		*ret_at = conn->early + conn->early_len;
		return EARLY_BYTES - conn->early_len;
	}
	if (conn->tls)
		return slv_tls_room(conn->tls, ret_at);
	return conn->transport.session->ops->room(conn->transport.session, ret_at);
}

static void conn_got(struct conn *conn, size_t len)
{
	if (conn->state == CONN_PROXY || conn->state == CONN_SNIFF) {
		conn->early_len += len;
		early_step(conn);
	} else if (conn->tls) {
		slv_tls_grown(conn->tls, len);
		if (conn->state == CONN_HANDSHAKE)
			handshake(conn);
		if (conn->state == CONN_OPEN)
			pump_tls(conn);
	} else {
		conn->transport.session->ops->input(conn->transport.session, len);
	}
}

static void conn_broken(struct conn *conn, ssize_t len)
{
	if (len == 0 && conn->state == CONN_OPEN) {
		/* Whoever is half closed may still want its answer. */
		conn->peer_eof = true;
		if (!conn->tls)
			conn_eof(conn, SLV_OK);
		else
			conn_end(conn); /* without close_notify: truncation, RFC 8446 section 6.1 */
		return;
	}
	conn_end(conn);
}

static void conn_readable(struct conn *conn)
{
	for (int i = 0; i < READS_PER_EVENT; i++) {
		bool reads = conn->state < CONN_OPEN ||
		             (conn->state == CONN_OPEN && conn->want_input);
		if (!reads || conn->peer_eof)
			return;
		char *at = NULL;
		size_t room = conn_room(conn, &at);
		if (!room && conn->state < CONN_OPEN) {
			conn_refuse(conn, SLV_ERR(SLV_E_SYNTAX, "connection began with too much"));
			return;
		}
		if (!room) {
			conn->want_input = false;
			return;
		}
		ssize_t len = recv(conn->fd, at, room, 0);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			conn_broken(conn, len);
			return;
		}
		conn_got(conn, (size_t)len);
		if ((size_t)len < room)
			return;
	}
}

static void conn_writable(struct conn *conn)
{
	conn->blocked = false;
	if (conn->state == CONN_FLUSH) {
		conn_flush(conn);
		return;
	}
	if (conn->tls)
		flush_tls(conn);
	if (conn->state == CONN_OPEN && !conn->blocked)
		conn->transport.session->ops->writable(conn->transport.session);
}

static void conn_ready(void *arg, int events)
{
	struct conn *conn = arg;
	if (events & SLV_IO_WRITE)
		conn_writable(conn);
	if (events & SLV_IO_READ && conn->state == CONN_LINGER)
		conn_linger(conn);
	else if (events & SLV_IO_READ)
		conn_readable(conn);
	if (conn->state != CONN_DEAD)
		conn_watch(conn);
}

static void timed_out(struct slv_timer *timer)
{
	struct conn *conn = SLV_CONTAINER(timer, struct conn, timer);
	if (conn->state < CONN_OPEN)
		conn_refuse(conn,
				SLV_ERR(SLV_E_SLOW, "connection began too slowly (handshake_ms)"));
	else
		conn_end(conn);
}

void conn_drain(struct conn *conn)
{
	conn->transport.draining = true;
	if (conn->state == CONN_OPEN)
		conn->transport.session->ops->drain(conn->transport.session);
}

void conn_new(struct port *port, int fd, const struct slv_addr *peer)
{
	struct slv_loop *loop = port->listen->loop;
	struct conn *conn = SLV_ALLOC(struct conn);
	conn->transport = (struct slv_transport){ .ops = port->tls ? &tls_ops : &plain_ops,
		.loop = loop,
		.peer = *peer,
		.secure = port->tls != NULL };
	conn->port = port;
	conn->fd = fd;
	conn->timer.fire = timed_out;
	conn->end.run = conn_free;
	conn->pump.run = conn_pump;
	conn->tls = port->tls ? slv_tls_conn_new(port->tls) : NULL;
	conn->state = port->conf->proxy_protocol ? CONN_PROXY
	              : port->tls                ? CONN_HANDSHAKE
	                                         : CONN_SNIFF;
	if (conn->state != CONN_HANDSHAKE)
		conn->early = slv_alloc(EARLY_BYTES);
	listen_place(conn, false);

	slv_err err = slv_io_new(loop, fd, conn_ready, conn, &conn->io);
	if (!slv_failed(err) && conn->state != CONN_PROXY && !listen_client(conn))
		err = too_many;
	if (slv_failed(err)) {
		conn_refuse(conn, err);
		return;
	}
	slv_timer_start(loop, &conn->timer,
			conn->state == CONN_SNIFF ? (uint64_t)port->session.header_ms
						  : (uint64_t)port->conf->handshake_ms);
	conn_watch(conn);
}
