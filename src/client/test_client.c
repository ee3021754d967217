#include "client/testing.h"

#include "base/mem.h"
#include "conf/conf.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* --- what comes --- */

static void a_body_comes_with_its_fields(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/a?b=c",
			"HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 5\r\n"
			"Cache-Control: max-age=1\r\nCache-Control:\tpublic \r\nBad name: x\r\n"
			"Set-Cookie: a=b\r\n\r\nhello",
			AFTER_KEEP);
	got_init(got, stage, "/a?b=c");
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_int_equal(got->status, 200);
	assert_string_equal(got->body, "hello");
	assert_int_equal(got->fields.count, 5);
	assert_true(slv_str_eq(slv_fields_get(&got->fields, SLV_FIELD_ETAG), SLV_STR("\"x\"")));
	const struct slv_field *first =
			slv_fields_find(&got->fields, SLV_FIELD_CACHE_CONTROL, NULL);
	const struct slv_field *second =
			slv_fields_find(&got->fields, SLV_FIELD_CACHE_CONTROL, first);
	assert_true(slv_str_eq(second->value, SLV_STR("public")));
	slv_free(got);
}

static void a_request_says_little(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	fetch_gives(stage, "/a", 200, "hello");
	const char *expected = stage_text(stage,
			"GET /a HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: selvedge\r\n"
			"Accept: */*\r\nAccept-Encoding: identity\r\nCDN-Loop: selvedge",
			stage->port);
	assert_string_equal(stage->request, expected);
}

static void a_condition_is_sent(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/a", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99999999\r\n\r\n",
			AFTER_KEEP);
	got_init(got, stage, "/a");
	got->fetch.if_none_match = SLV_STR("W/\"x\"");
	got->fetch.body_bytes_max = 10;
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_int_equal(got->status, 304);
	assert_false(got->has_body);
	assert_non_null(strstr(stage->request, "\r\nIf-None-Match: W/\"x\""));

	/* One that would end the line is none. */
	got_init(got, stage, "/a");
	got->fetch.if_none_match = SLV_STR("\"x\"\r\nX: y");
	got_run(got);
	assert_null(strstr(stage->request, "If-None-Match"));
	assert_null(strstr(stage->request, "X: y"));
	slv_free(got);
}

static size_t send_text(struct slv_fetch *fetch, uint64_t offset, char *room, size_t len)
{
	static const char text[] = "what is sent, piece by piece";
	size_t piece = len < 7 ? len : 7;
	assert_true(offset < strlen(text) && len <= fetch->send_bytes - offset);
	memcpy(room, text + offset, piece);
	return piece;
}

static size_t send_nothing(struct slv_fetch *fetch, uint64_t offset, char *room, size_t len)
{
	(void)fetch;
	(void)offset;
	(void)room;
	(void)len;
	return 0;
}

static void a_body_is_sent_with_fields(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	struct slv_fields fields;
	slv_fields_init(&fields, &stage->arena);
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("X-A"), SLV_STR("b c"))));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("X-Bad"), SLV_STR("b\r\nc: d"))));
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	got_init(got, stage, "/a");
	got->fetch.method = SLV_STR("POST");
	got->fetch.fields = &fields;
	got->fetch.send = send_text;
	got->fetch.send_bytes = strlen("what is sent, piece by piece");
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_string_equal(got->body, "hello");
	assert_non_null(strstr(stage->request, "POST /a HTTP/1.1\r\n"));
	assert_non_null(strstr(stage->request, "\r\nX-A: b c"));
	assert_non_null(strstr(stage->request, "\r\nContent-Length: 28"));
	assert_null(strstr(stage->request, "X-Bad"));
	assert_null(strstr(stage->request, "Expect"));

	got_init(got, stage, "/a");
	got->fetch.send = send_nothing;
	got->fetch.send_bytes = 5;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_SYS);
	assert_non_null(strstr(got->err.what, "cannot be read"));
	slv_free(got);
}

static void what_is_sent_follows_no_redirect(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	struct slv_fields fields;
	slv_fields_init(&fields, &stage->arena);
	assert_false(slv_failed(slv_fields_add(
			&fields, SLV_STR("Authorization"), SLV_STR("Bearer secret"))));
	stage_says(stage, "/a", "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
			AFTER_KEEP);
	stage_says(stage, "/b", OK_HELLO, AFTER_KEEP);
	got_init(got, stage, "/a");
	got->fetch.fields = &fields;
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_int_equal(got->status, 302);
	assert_int_equal(stage->requests, 1);
	slv_free(got);
}

static void an_error_status_is_no_error(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/a", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!",
			AFTER_KEEP);
	stage_says(stage, "/b", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", AFTER_KEEP);
	fetch_gives(stage, "/a", 404, "no!");
	fetch_gives(stage, "/b", 599, "");
	assert_int_equal(stage->accepted, 1); /* the connection was kept */
}

static void bodies_have_three_framings(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/length", OK_HELLO, AFTER_KEEP);
	stage_says(stage, "/chunks",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			"3\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n",
			AFTER_KEEP);
	stage_says(stage, "/close", "HTTP/1.0 200 OK\r\n\r\nhello", AFTER_CLOSE);
	fetch_gives(stage, "/length", 200, "hello");
	fetch_gives(stage, "/chunks", 200, "hello");
	fetch_gives(stage, "/close", 200, "hello");
}

static void informational_replies_are_passed_over(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/a",
			"HTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: "
			"9999999\r\n\r\n" OK_HELLO,
			AFTER_KEEP);
	got_init(got, stage, "/a");
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_int_equal(got->status, 200);
	assert_int_equal(got->fields.count, 1);
	slv_free(got);
}

static void packed_bodies_stay_packed(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/a",
			"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
			"\x1f\x8b\x08!",
			AFTER_KEEP);
	got_init(got, stage, "/a");
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_string_equal(got->body, "\x1f\x8b\x08!");
	assert_true(slv_str_eq(
			slv_fields_get(&got->fields, SLV_FIELD_CONTENT_ENCODING), SLV_STR("gzip")));
	slv_free(got);
}

static void a_length_may_lie(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/long", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
			AFTER_CLOSE);
	stage_says(stage, "/short", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello",
			AFTER_KEEP);
	stage_says(stage, "/chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
			AFTER_CLOSE);
	stage_says(stage, "/size",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
			AFTER_KEEP);
	stage_says(stage, "/minus", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
			AFTER_KEEP);
	fetch_fails(stage, "/long", SLV_E_UPSTREAM, "127.0.0.1");
	fetch_gives(stage, "/short", 200, "hell");
	fetch_fails(stage, "/chunk", SLV_E_UPSTREAM, "127.0.0.1");
	fetch_fails(stage, "/size", SLV_E_UPSTREAM, "127.0.0.1");
	fetch_fails(stage, "/minus", SLV_E_UPSTREAM, "127.0.0.1");
}

static void what_is_not_http_is_refused(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/text", "hello\r\n\r\n", AFTER_CLOSE);
	stage_says(stage, "/nothing", "", AFTER_CLOSE);
	stage_says(stage, "/version", "HTTP/7.1 200 OK\r\n\r\n", AFTER_CLOSE);
	stage_says(stage, "/half", "HTTP/1.1 200 OK\r\nContent-Le", AFTER_CLOSE);
	stage_says(stage, "/colon", "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", AFTER_CLOSE);
	fetch_fails(stage, "/text", SLV_E_UPSTREAM, "127.0.0.1");
	fetch_fails(stage, "/nothing", SLV_E_UPSTREAM, "127.0.0.1");
	fetch_fails(stage, "/version", SLV_E_UPSTREAM, "127.0.0.1");
	fetch_fails(stage, "/half", SLV_E_UPSTREAM, "hung up within its header");
	fetch_fails(stage, "/colon", SLV_E_UPSTREAM, "127.0.0.1");
}

static void connections_are_kept(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	for (int i = 0; i < 5; i++)
		fetch_gives(stage, "/a", 200, "hello");
	assert_int_equal(stage->requests, 5);
	assert_int_equal(stage->accepted, 1);
}

/* --- bounds --- */

static void a_told_length_has_a_bound(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/at", OK_HELLO, AFTER_KEEP);
	stage_says(stage, "/past", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", AFTER_HOLD);
	stage_says(stage, "/none", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", AFTER_KEEP);
	got_init(got, stage, "/at");
	got->fetch.body_bytes_max = 5;
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_false(got->fetch.body_is_too_large);
	got_init(got, stage, "/past"); /* known before a byte of it came */
	got->fetch.body_bytes_max = 5;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_LIMIT);
	assert_true(got->fetch.body_is_too_large);
	got_init(got, stage, "/none");
	got->fetch.body_bytes_max = 0;
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_false(got->has_body);
	slv_free(got);
}

static void an_untold_length_has_a_bound(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/at", "HTTP/1.1 200 OK\r\n\r\nhello", AFTER_CLOSE);
	stage_says(stage, "/past", "HTTP/1.1 200 OK\r\n\r\nhello!", AFTER_CLOSE);
	stage_repeats(stage, "/endless", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			SLV_STR("10\r\n0123456789abcdef\r\n"));
	got_init(got, stage, "/at");
	got->fetch.body_bytes_max = 5;
	got_run(got);
	assert_false(slv_failed(got->err));
	got_init(got, stage, "/past");
	got->fetch.body_bytes_max = 5;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_LIMIT);
	assert_true(got->fetch.body_is_too_large);
	got_init(got, stage, "/endless");
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_LIMIT);
	assert_true(got->fetch.body_is_too_large);
	slv_free(got);
}

/* A reply whose header has exactly `len` bytes, in fields of 1 KiB at most. */
static const char *head_of(struct stage *stage, size_t len)
{
	char *text = slv_arena_bytes(&stage->arena, len + 1);
	size_t at = strlen("HTTP/1.1 204 No\r\n");
	memcpy(text, "HTTP/1.1 204 No\r\n", at);
	len -= 2;
	while (at < len) {
		size_t part = len - at < 2048 ? len - at : 1024;
		memset(text + at, 'x', part);
		memcpy(text + at, "X: ", 3);
		at += part;
		memcpy(text + at - 2, "\r\n", 2);
	}
	memcpy(text + at, "\r\n", 3);
	return text;
}

static void a_header_has_a_bound(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/at", head_of(stage, SLV_KIB(64)), AFTER_KEEP);
	stage_says(stage, "/past", head_of(stage, SLV_KIB(64) + 1), AFTER_KEEP);
	stage_repeats(stage, "/endless", "HTTP/1.1 200 OK\r\n", SLV_STR("X-Field: value\r\n"));
	stage_repeats(stage, "/line", "HTTP/1.1 200 OK\r\nX: ", SLV_STR("xxxxxxxxxxxxxxxx"));
	fetch_gives(stage, "/at", 204, "");
	fetch_fails(stage, "/past", SLV_E_LIMIT, "header is over 64 KiB");
	fetch_fails(stage, "/endless", SLV_E_LIMIT, "header is over 64 KiB");
	struct got *got = SLV_ALLOC(struct got);
	got_init(got, stage, "/line"); /* curl gives that one up itself */
	got_run(got);
	assert_true(slv_failed(got->err));
	slv_free(got);
}

static void the_arena_bounds_the_fields(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	struct slv_arena small;
	slv_arena_init(&small, 256, 512);
	stage_says(stage, "/a", head_of(stage, 2000), AFTER_KEEP);
	got_init(got, stage, "/a");
	got->fetch.arena = &small;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_LIMIT);
	assert_false(got->fetch.body_is_too_large);
	slv_arena_done(&small);
	slv_free(got);
}

static void fetches_have_a_bound(void **state)
{
	struct stage *stage = *state;
	struct got *gots = slv_alloc(3 * sizeof(*gots));
	stage->conf.fetches_max = 2;
	stage_client(stage);
	stage_says(stage, "/hold", "", AFTER_HOLD);
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	for (int i = 0; i < 3; i++) {
		got_init(&gots[i], stage, "/hold");
		got_start(&gots[i]);
	}
	got_wait(&gots[2]);
	assert_int_equal(gots[2].err.code, SLV_E_BUSY);
	assert_int_equal(gots[0].called + gots[1].called, 0);
	slv_fetch_cancel(stage->client, &gots[0].fetch);
	fetch_gives(stage, "/a", 200, "hello"); /* there is room at once */
	slv_fetch_cancel(stage->client, &gots[1].fetch);
	got_wait(&gots[1]);
	slv_free(gots);
}

static void bodies_under_way_have_a_bound_together(void **state)
{
	struct stage *stage = *state;
	struct got *gots = slv_alloc(2 * sizeof(*gots));
	stage->client->bytes_held_max = 10;
	stage_says(stage, "/half", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", AFTER_HOLD);
	stage_says(stage, "/at", OK_HELLO, AFTER_KEEP);
	stage_says(stage, "/past", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!",
			AFTER_KEEP);
	stage_says(stage, "/ten", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhellohello",
			AFTER_KEEP);
	got_init(&gots[0], stage, "/half");
	got_start(&gots[0]);
	while (stage->client->bytes_held < 5)
		slv_loop_turn(stage->loop, true);
	fetch_gives(stage, "/at", 200, "hello");
	fetch_fails(stage, "/past", SLV_E_BUSY, "bodies of more than 1 GiB");
	assert_int_equal(stage->client->bytes_held, 5);
	assert_int_equal(gots[0].called, 0);

	/* What has been handed on, or failed, counts no more. */
	slv_fetch_cancel(stage->client, &gots[0].fetch);
	got_wait(&gots[0]);
	fetch_gives(stage, "/ten", 200, "hellohello");
	assert_int_equal(stage->client->bytes_held, 0);
	slv_free(gots);
}

static void connections_to_one_host_have_a_bound(void **state)
{
	struct stage *stage = *state;
	struct got *gots = slv_alloc(4 * sizeof(*gots));
	stage->conf.connections_per_host_max = 2;
	stage_client(stage);
	stage_says(stage, "/hold", "", AFTER_HOLD);
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	for (int i = 0; i < 4; i++) {
		got_init(&gots[i], stage, i < 2 ? "/hold" : "/a");
		got_start(&gots[i]);
	}
	stage_until_requests(stage, 2);
	stage_settle(stage);
	assert_int_equal(stage->accepted, 2);
	assert_int_equal(stage->requests, 2);
	slv_fetch_cancel(stage->client, &gots[0].fetch);
	got_wait(&gots[2]);
	got_wait(&gots[3]);
	assert_false(slv_failed(gots[2].err));
	assert_false(slv_failed(gots[3].err));
	slv_fetch_cancel(stage->client, &gots[1].fetch);
	got_wait(&gots[1]);
	slv_free(gots);
}

/* --- time --- */

static void a_fetch_has_a_deadline(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage->conf.floor_bytes_s = 0;
	stage_client(stage);
	stage_says(stage, "/header", "HTTP/1.1 200 OK\r\nX-Slow: ", AFTER_HOLD);
	stage_says(stage, "/body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", AFTER_HOLD);
	got_init(got, stage, "/header");
	got_start(got);
	stage_until_requests(stage, 1);
	stage_settle(stage);
	stage->late_ms += 10000; /* of 15000 */
	stage_settle(stage);
	assert_int_equal(got->called, 0);
	stage->late_ms += 5000;
	got_wait(got);
	assert_int_equal(got->err.code, SLV_E_TIMEOUT);
	assert_string_equal(got->err.what, "the fetch took longer than its deadline");

	got_init(got, stage, "/body");
	got->fetch.deadline_ms = 100000;
	got_start(got);
	stage_until_requests(stage, 2);
	stage->late_ms += 90000;
	stage_settle(stage);
	assert_int_equal(got->called, 0);
	stage->late_ms += 10000;
	got_wait(got);
	assert_int_equal(got->err.code, SLV_E_TIMEOUT);
	slv_free(got);
}

static void a_slow_origin_is_given_up(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	char *text = slv_arena_bytes(&stage->arena, 10 * 1024 + 100);
	memset(text, 'x', 10 * 1024 + 99);
	text[10 * 1024 + 99] = 0;
	memcpy(text, "HTTP/1.1 200 OK\r\n\r\n", 19);
	stage_says(stage, "/some", text, AFTER_HOLD);
	stage_says(stage, "/none", "HTTP/1.1 200 OK\r\n", AFTER_HOLD);
	got_init(got, stage, "/none");
	got->fetch.deadline_ms = 1000000;
	got_start(got);
	stage_until_requests(stage, 1);
	stage_settle(stage);
	assert_int_equal(got->called, 0);
	stage->late_ms += 10000;
	got_wait(got);
	assert_int_equal(got->err.code, SLV_E_TIMEOUT);
	assert_non_null(strstr(got->err.what, "floor_bytes_s"));

	/* 10 KiB are enough for the first 10 s, and nothing not for the next. */
	got_init(got, stage, "/some");
	got->fetch.deadline_ms = 1000000;
	got_start(got);
	stage_until_requests(stage, 2);
	stage_settle(stage);
	stage->late_ms += 10000;
	stage_settle(stage);
	assert_int_equal(got->called, 0);
	stage->late_ms += 10000;
	got_wait(got);
	assert_int_equal(got->err.code, SLV_E_TIMEOUT);
	slv_free(got);
}

/* A socket that listens and whose queue is full: who connects waits. */
static int deaf(uint16_t *ret_port, int ret_fillers[static 2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	for (int i = 0; i < 2; i++) {
		ret_fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(ret_fillers[i], (struct sockaddr *)&addr, len);
	}
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static void connecting_has_a_bound(void **state)
{
	struct stage *stage = *state;
	uint16_t port;
	int fillers[2], fd = deaf(&port, fillers);
	stage->conf.connect_ms = 20;
	stage_client(stage);
	fetch_fails(stage, stage_text(stage, "http://127.0.0.1:%u/", port), SLV_E_TIMEOUT,
			"was not connected within connect_ms");
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
	fetch_fails(stage, stage_text(stage, "http://127.0.0.1:%u/", port), SLV_E_UPSTREAM,
			"connect");
}

static void a_body_that_cannot_be_kept_is_told_with_the_cause(void **state)
{
	struct stage *stage = *state;
	struct rlimit before, none;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	fetch_gives(stage, "/a", 200, "hello"); /* its connection is kept */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	int next = dup(STDIN_FILENO);
	assert_true(next >= 0);
	close(next);
	none = (struct rlimit){ .rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max };
	got_init(got, stage, "/a");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	got_run(got);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(got->err.code, SLV_E_SYS);
	assert_int_equal(got->err.sys, EMFILE);
	slv_free(got);
}

static void names_that_do_not_resolve_are_told(void **state)
{
	struct stage *stage = *state;
	/* A label of 64 bytes; nobody is asked for that one. */
	fetch_fails(stage,
			"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
			SLV_E_UPSTREAM, "does not resolve");
}

/* --- cancelling --- */

static void cancelled(struct got *got)
{
	slv_fetch_cancel(got->stage->client, &got->fetch);
	assert_int_equal(got->called, 0); /* later in this turn */
	stage_settle(got->stage);
	assert_int_equal(got->called, 1);
	assert_int_equal(got->err.code, SLV_E_CANCELLED);
}

static void a_fetch_can_be_cancelled_in_each_phase(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	uint16_t port;
	int fillers[2], fd = deaf(&port, fillers);
	stage_says(stage, "/header", "HTTP/1.1 200 OK\r\n", AFTER_HOLD);
	stage_says(stage, "/body", "HTTP/1.1 200 OK\r\n\r\nhello", AFTER_HOLD);
	stage_says(stage, "/done", OK_HELLO, AFTER_KEEP);

	got_init(got, stage, "/done"); /* begun */
	got_start(got);
	cancelled(got);

	got_init(got, stage, stage_text(stage, "http://localhost:%u/done", stage->port));
	got_start(got); /* resolving */
	slv_loop_turn(stage->loop, false);
	cancelled(got);

	got_init(got, stage, stage_text(stage, "http://127.0.0.1:%u/", port)); /* connecting */
	got_start(got);
	stage_settle(stage);
	cancelled(got);

	size_t seen = stage->requests;
	got_init(got, stage, "/header"); /* within the header */
	got_start(got);
	stage_until_requests(stage, seen + 1);
	stage_settle(stage);
	cancelled(got);

	got_init(got, stage, "/body"); /* within the body */
	got_start(got);
	stage_until_requests(stage, seen + 2);
	stage_settle(stage);
	cancelled(got);

	got_init(got, stage, "ftp://no"); /* over, and not told yet */
	got_start(got);
	cancelled(got);
	for (int i = 0; i < 2; i++)
		close(fillers[i]);
	close(fd);
	slv_free(got);
}

static void an_end_of_the_client_cancels_all(void **state)
{
	struct stage *stage = *state;
	struct got *gots = slv_alloc(4 * sizeof(*gots));
	stage_says(stage, "/hold", "HTTP/1.1 200 OK\r\n\r\nhello", AFTER_HOLD);
	for (int i = 0; i < 4; i++)
		got_init(&gots[i], stage, i < 3 ? "/hold" : "ftp://no");
	got_start(&gots[0]);
	stage_until_requests(stage, 1);
	got_start(&gots[1]);
	gots[1].starts = &gots[2]; /* too late for that one */
	got_start(&gots[3]);
	stage_client(stage); /* frees the old one first */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(gots[i].called, 1);
		assert_int_equal(gots[i].err.code, SLV_E_CANCELLED);
	}
	assert_int_equal(gots[3].err.code, SLV_E_SOURCE);
	slv_client_free(NULL);
	slv_free(gots);
}

/* --- settings and numbers --- */

static void defaults_are_those_of_the_header(void **state)
{
	struct stage *stage = *state;
	struct slv_conf *conf;
	slv_err err = slv_conf_parse(&stage->arena, SLV_STR("connect_ms: 5000\n"), "x", "/etc",
			slv_client_keys, sizeof(struct slv_client_conf), &conf);
	assert_false(slv_failed(err));
	const struct slv_client_conf *client = slv_conf_root(conf);
	assert_int_equal(client->connect_ms, 5000);
	assert_int_equal(client->total_ms, 15000);
	assert_int_equal(client->floor_bytes_s, 1024);
	assert_int_equal(client->redirects_max, 3);
	assert_int_equal(client->fetches_max, 64);
	assert_int_equal(client->connections_per_host_max, 8);
	assert_false(client->private_networks);
	assert_true(client->verify_tls);
	assert_int_equal(client->ca_path.len, 0);
	slv_conf_free(conf);
}

static void fetches_are_counted(void **state)
{
	struct stage *stage = *state;
	struct slv_buf text;
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	fetch_gives(stage, "/a", 200, "hello");
	fetch_gives(stage, "/a", 200, "hello");
	fetch_fails(stage, "ftp://no", SLV_E_SOURCE, "no http");
	slv_buf_init(&text, 65536);
	slv_metrics_print(&stage->metrics, 1, &text);
	slv_buf_add_char(&text, 0);
	assert_non_null(strstr(text.at, "\nselvedge_fetches_total{result=\"ok\"} 2\n"));
	assert_non_null(strstr(text.at, "\nselvedge_fetches_total{result=\"source\"} 1\n"));
	assert_non_null(strstr(text.at, "\nselvedge_fetches_in_flight 0\n"));
	assert_non_null(strstr(text.at, "\nselvedge_fetched_bytes_total 10\n"));
	slv_buf_done(&text);
}

static void proxies_of_the_environment_are_ignored(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	fetch_gives(stage, "/a", 200, "hello");
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(a_body_comes_with_its_fields),
		ON_STAGE(a_request_says_little),
		ON_STAGE(a_condition_is_sent),
		ON_STAGE(a_body_is_sent_with_fields),
		ON_STAGE(what_is_sent_follows_no_redirect),
		ON_STAGE(an_error_status_is_no_error),
		ON_STAGE(bodies_have_three_framings),
		ON_STAGE(informational_replies_are_passed_over),
		ON_STAGE(packed_bodies_stay_packed),
		ON_STAGE(a_length_may_lie),
		ON_STAGE(what_is_not_http_is_refused),
		ON_STAGE(connections_are_kept),
		ON_STAGE(a_told_length_has_a_bound),
		ON_STAGE(an_untold_length_has_a_bound),
		ON_STAGE(a_header_has_a_bound),
		ON_STAGE(the_arena_bounds_the_fields),
		ON_STAGE(fetches_have_a_bound),
		ON_STAGE(bodies_under_way_have_a_bound_together),
		ON_STAGE(a_body_that_cannot_be_kept_is_told_with_the_cause),
		ON_STAGE(connections_to_one_host_have_a_bound),
		ON_STAGE(a_fetch_has_a_deadline),
		ON_STAGE(a_slow_origin_is_given_up),
		ON_STAGE(connecting_has_a_bound),
		ON_STAGE(names_that_do_not_resolve_are_told),
		ON_STAGE(a_fetch_can_be_cancelled_in_each_phase),
		ON_STAGE(an_end_of_the_client_cancels_all),
		ON_STAGE(defaults_are_those_of_the_header),
		ON_STAGE(fetches_are_counted),
		ON_STAGE(proxies_of_the_environment_are_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
