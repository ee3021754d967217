#include "client/testing.h"

#include "base/mem.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the origin --- */

struct peer {
	struct stage *stage;
	struct slv_list link;
	int fd;
	struct slv_io *io;
	struct slv_tls_conn *tls;
	bool open;
	char in[8192];
	size_t in_len;
	const struct script *script; /* that is being sent */
	slv_str rest;
};

static void peer_free(struct peer *peer)
{
	slv_io_free(peer->io);
	slv_tls_conn_free(peer->tls);
	close(peer->fd);
	slv_list_remove(&peer->link);
	slv_free(peer);
}

static void peer_flush_tls(struct peer *peer)
{
	slv_str output;
	while (peer->tls && (output = slv_tls_output(peer->tls)).len) {
		ssize_t len = send(peer->fd, output.at, output.len, MSG_NOSIGNAL);
		if (len <= 0)
			return; /* the tests with TLS say little */
		slv_tls_sent(peer->tls, (size_t)len);
	}
}

static ssize_t peer_send(struct peer *peer, slv_str bytes)
{
	if (!peer->tls)
		return send(peer->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes.at, .iov_len = bytes.len };
	size_t len = slv_tls_write(peer->tls, &part, 1);
	peer_flush_tls(peer);
	return (ssize_t)len;
}

/* False: it is gone. */
static bool peer_write(struct peer *peer)
{
	while (peer->script) {
		if (!peer->rest.len && peer->script->after == AFTER_REPEAT)
			peer->rest = peer->script->repeat;
		if (!peer->rest.len && peer->script->after == AFTER_CLOSE) {
			peer_free(peer);
			return false;
		}
		if (!peer->rest.len) {
			if (peer->script->after == AFTER_KEEP)
				peer->script = NULL;
			slv_io_want(peer->io, SLV_IO_READ);
			break;
		}
		ssize_t len = peer_send(peer, peer->rest);
		if (len <= 0) {
			slv_io_want(peer->io, SLV_IO_READ | SLV_IO_WRITE);
			return true;
		}
		peer->rest = slv_str_from_index(peer->rest, (size_t)len);
	}
	return true;
}

static void peer_answer(struct peer *peer)
{
	struct stage *stage = peer->stage;
	static const struct script plain = { .reply = SLV_STR_INIT("HTTP/1.1 400 No TLS\r\n\r\n"),
		.after = AFTER_CLOSE };
	slv_str in = { peer->in, peer->in_len };
	if (slv_str_starts(in, SLV_STR("\x16"))) {
		peer->script = &plain;
		peer->rest = plain.reply;
		peer_write(peer);
		return;
	}
	size_t end = slv_str_find_str(in, SLV_STR("\r\n\r\n"));
	if (end == in.len)
		return;
	memcpy(stage->request, in.at, end);
	stage->request[end] = 0;
	stage->requests++;
	peer->in_len = 0; /* no client of ours sends more than one at once */
	in = slv_str_head(in, end);
	slv_str_cut(&in, ' ');
	slv_str path = slv_str_cut(&in, ' ');
	for (size_t i = 0; i < stage->scripts_count && !peer->script; i++)
		if (slv_str_eq(path, slv_str_from(stage->scripts[i].path)))
			peer->script = &stage->scripts[i];
	if (!peer->script)
		fail_msg("nobody expected %.*s", SLV_FMT(path));
	peer->rest = peer->script->reply;
	peer_write(peer);
}

/* Bytes of requests, or -1: it went away. */
static ssize_t peer_recv(struct peer *peer)
{
	char *at = peer->in + peer->in_len;
	size_t room = sizeof(peer->in) - peer->in_len, len = 0;
	if (!peer->tls) {
		ssize_t plain = recv(peer->fd, at, room, 0);
		return plain > 0 ? plain : -1;
	}
	char *to;
	size_t to_room = slv_tls_room(peer->tls, &to);
	ssize_t got = recv(peer->fd, to, to_room, 0);
	slv_tls_grown(peer->tls, got > 0 ? (size_t)got : 0);
	bool eof = false;
	slv_err err = peer->open ? SLV_OK : slv_tls_handshake(peer->tls, &peer->open);
	if (!slv_failed(err) && peer->open)
		err = slv_tls_read(peer->tls, at, room, &len, &eof);
	peer_flush_tls(peer);
	return got <= 0 || eof || slv_failed(err) ? -1 : (ssize_t)len;
}

static void peer_ready(void *arg, int events)
{
	struct peer *peer = arg;
	if (events & SLV_IO_WRITE && !peer_write(peer))
		return;
	if (!(events & SLV_IO_READ))
		return;
	ssize_t len = peer_recv(peer);
	if (len < 0) {
		peer_free(peer);
		return;
	}
	peer->in_len += (size_t)len;
	peer_answer(peer);
}

static void stage_accept(void *arg, int events)
{
	struct stage *stage = arg;
	(void)events;
	int fd = accept4(stage->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct peer *peer = SLV_ALLOC(struct peer);
	peer->stage = stage;
	peer->fd = fd;
	peer->tls = stage->tls ? slv_tls_conn_new(stage->tls) : NULL;
	slv_list_push(&stage->peers, &peer->link);
	stage->accepted++;
	assert_false(slv_failed(slv_io_new(stage->loop, fd, peer_ready, peer, &peer->io)));
	slv_io_want(peer->io, SLV_IO_READ);
}

static void stage_listen(struct stage *stage)
{
	/* All of 127/8. */
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	stage->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(stage->listen_fd >= 0);
	assert_int_equal(bind(stage->listen_fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(stage->listen_fd, 64), 0);
	assert_int_equal(getsockname(stage->listen_fd, (struct sockaddr *)&addr, &len), 0);
	stage->port = ntohs(addr.sin_port);
	assert_false(slv_failed(slv_io_new(
			stage->loop, stage->listen_fd, stage_accept, stage, &stage->listen_io)));
	slv_io_want(stage->listen_io, SLV_IO_READ);
}

/* --- the stage --- */

static uint64_t stage_now(void *arg)
{
	const struct stage *stage = arg;
	return slv_loop_now_ms(stage->clock) + stage->late_ms;
}

int stage_setup(void **state)
{
	struct stage *stage = SLV_ALLOC(struct stage);
	struct slv_loop_world world = { .now_ms = stage_now, .arg = stage };
	stage->clock = slv_loop_new(1, NULL, NULL);
	stage->loop = slv_loop_new(0, NULL, &world);
	stage->metrics = slv_metrics_new();
	slv_list_init(&stage->peers);
	slv_arena_init(&stage->arena, 4096, SLV_MIB(4));
	stage->conf = (struct slv_client_conf){ .connect_ms = 5000,
		.total_ms = 15000,
		.floor_bytes_s = 1024,
		.redirects_max = 3,
		.fetches_max = 64,
		.connections_per_host_max = 8,
		.private_networks = true,
		.verify_tls = true };
	stage_listen(stage);
	stage_client(stage);
	*state = stage;
	return 0;
}

int stage_teardown(void **state)
{
	struct stage *stage = *state;
	slv_client_free(stage->client);
	SLV_LIST_EACH(link, &stage->peers)
	peer_free(SLV_CONTAINER(link, struct peer, link));
	slv_io_free(stage->listen_io);
	close(stage->listen_fd);
	slv_tls_free(stage->tls);
	slv_loop_free(stage->loop);
	slv_loop_free(stage->clock);
	slv_metrics_free(stage->metrics);
	slv_arena_done(&stage->arena);
	slv_free(stage);
	return 0;
}

void stage_client(struct stage *stage)
{
	slv_client_free(stage->client);
	stage->client = slv_client_new(stage->loop, &stage->conf, stage->metrics);
}

void stage_says(struct stage *stage, const char *path, const char *reply, enum after after)
{
	assert_true(stage->scripts_count < SCRIPTS_MAX);
	stage->scripts[stage->scripts_count++] = (struct script){
		.path = path, .reply = slv_str_from(reply), .after = after
	};
}

void stage_repeats(struct stage *stage, const char *path, const char *reply, slv_str repeat)
{
	stage_says(stage, path, reply, AFTER_REPEAT);
	stage->scripts[stage->scripts_count - 1].repeat = repeat;
}

const char *stage_text(struct stage *stage, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	slv_str text = slv_str_vprintf(&stage->arena, fmt, args);
	va_end(args);
	const char *terminated = slv_cstr(&stage->arena, text);
	assert_non_null(terminated);
	return terminated;
}

void stage_settle(struct stage *stage)
{
	for (int i = 0; i < 100; i++)
		slv_loop_turn(stage->loop, false);
}

void stage_until_requests(struct stage *stage, size_t count)
{
	while (stage->requests < count)
		slv_loop_turn(stage->loop, true);
}

/* --- fetches --- */

static bool got_allow(
		struct slv_fetch *fetch, slv_str scheme, slv_str host, uint16_t port, slv_str path)
{
	struct got *got = (struct got *)fetch;
	if (got->asked < SLV_COUNT(got->hops))
		snprintf(got->hops[got->asked], sizeof(got->hops[0]), "%.*s %.*s %u %.*s",
				SLV_FMT(scheme), SLV_FMT(host), port, SLV_FMT(path));
	if (++got->asked == got->cancels_at_hop)
		slv_fetch_cancel(got->stage->client, fetch);
	return got->asked <= got->allowed_most;
}

static void got_done(struct slv_fetch *fetch, slv_err err, struct slv_fetched *fetched)
{
	struct got *got = (struct got *)fetch;
	got->called++;
	got->err = err;
	assert_true(slv_failed(err) == (fetched == NULL));
	if (got->starts)
		got_start(got->starts);
	if (!fetched)
		return;
	got->status = fetched->status;
	got->fields = fetched->fields;
	got->has_body = fetched->body_fd >= 0;
	got->body_bytes = fetched->body_bytes;
	if (!got->has_body)
		return;
	ssize_t len = pread(fetched->body_fd, got->body, sizeof(got->body) - 1, 0);
	assert_true(len >= 0);
	got->body[len] = 0;
	assert_int_equal(lseek(fetched->body_fd, 0, SEEK_END), (off_t)fetched->body_bytes);
	close(fetched->body_fd);
}

void got_init(struct got *got, struct stage *stage, const char *path)
{
	*got = (struct got){ .stage = stage, .allowed_most = SIZE_MAX };
	const char *url = path[0] == '/' ? stage_text(stage, "http://127.0.0.1:%u%s", stage->port,
							   path)
	                                 : path;
	got->fetch = (struct slv_fetch){ .url = slv_str_from(url),
		.body_bytes_max = SLV_MIB(1),
		.arena = &stage->arena,
		.allow = got_allow,
		.done = got_done };
}

void got_start(struct got *got)
{
	unsigned called = got->called;
	slv_fetch_start(got->stage->client, &got->fetch);
	assert_int_equal(got->called, called); /* never before that returns */
}

void got_wait(struct got *got)
{
	while (!got->called)
		slv_loop_turn(got->stage->loop, true);
}

void got_run(struct got *got)
{
	got_start(got);
	got_wait(got);
	assert_int_equal(got->called, 1);
}

void fetch_fails(struct stage *stage, const char *path, enum slv_code code, const char *part)
{
	struct got *got = SLV_ALLOC(struct got);
	got_init(got, stage, path);
	got_run(got);
	if (got->err.code != (int32_t)code || !strstr(got->err.what, part))
		fail_msg("%s: %s: %s", path,
				slv_failed(got->err) ? slv_code_name(got->err.code) : "ok",
				slv_failed(got->err) ? got->err.what : "");
	slv_free(got);
}

void fetch_gives(struct stage *stage, const char *path, int status, const char *body)
{
	struct got *got = SLV_ALLOC(struct got);
	got_init(got, stage, path);
	got_run(got);
	if (slv_failed(got->err))
		fail_msg("%s: %s", path, got->err.what);
	assert_int_equal(got->status, status);
	assert_int_equal(got->body_bytes, strlen(body));
	assert_int_equal(got->has_body, *body != 0);
	assert_string_equal(got->body, body);
	slv_free(got);
}
