#include "wire/h2.h"

#include "base/mem.h"
#include "base/testing.h"
#include "wire/h2_testing.h"

#include <string.h>

/* --- a server that notes what it is told --- */

#define STREAMS_MAX 4

struct own {
	struct slv_h2_stream wire; /* first */
	struct slv_arena arena;
	bool used;
};

struct server {
	struct slv_h2 *h2;
	struct own streams[STREAMS_MAX + 1];
	unsigned opened, heads, ends, closed, drained, refused;
	slv_err head_err, refused_err;
	uint32_t close_code;
	struct slv_h2_stream *last;
	struct slv_buf data, out;
	bool opens, replies;
	struct slv_h2_test_client client;
	size_t arena_bytes_max;
};

static struct slv_h2_stream *on_open(void *arg)
{
	struct server *server = arg;
	for (size_t i = 0; server->opens && i < SLV_COUNT(server->streams); i++) {
		struct own *own = &server->streams[i];
		if (own->used)
			continue;
		memset(&own->wire, 0, sizeof(own->wire));
		own->used = true;
		own->wire.arena = &own->arena;
		slv_arena_init(&own->arena, 64, server->arena_bytes_max);
		server->opened++;
		return &own->wire;
	}
	return NULL;
}

static void on_head(void *arg, struct slv_h2_stream *stream, slv_err err)
{
	struct server *server = arg;
	server->heads++;
	server->head_err = err;
	server->last = stream;
	if (!server->replies)
		return;
	struct slv_h2_reply reply = { .status = 200, .length = 5 };
	slv_err failed = slv_h2_reply(server->h2, stream, &reply);
	assert_false(slv_failed(failed));
	slv_h2_send(server->h2, stream, SLV_STR("hello"), true, NULL);
}

static void on_data(void *arg, struct slv_h2_stream *stream, slv_str bytes)
{
	(void)stream;
	slv_buf_add(&((struct server *)arg)->data, bytes);
}

static void on_end(void *arg, struct slv_h2_stream *stream)
{
	(void)stream;
	((struct server *)arg)->ends++;
}

static void on_drained(void *arg, struct slv_h2_stream *stream)
{
	(void)stream;
	((struct server *)arg)->drained++;
}

static void on_closed(void *arg, struct slv_h2_stream *stream, uint32_t code)
{
	struct server *server = arg;
	struct own *own = SLV_CONTAINER(stream, struct own, wire);
	server->closed++;
	server->close_code = code;
	slv_h2_release(server->h2, stream);
	slv_arena_done(&own->arena);
	own->used = false;
	if (server->last == stream)
		server->last = NULL;
}

static void on_refused(void *arg, slv_err err)
{
	struct server *server = arg;
	server->refused++;
	server->refused_err = err;
}

static const struct slv_h2_events events = { on_open, on_head, on_data, on_end, on_drained,
	on_closed, on_refused };

static int begin(void **state)
{
	struct server *server = test_calloc(1, sizeof(*server));
	struct slv_h2_limits limits = {
		.streams_max = STREAMS_MAX,
		.window_bytes = 65535,
		.connection_window_bytes = 100000,
		.target_bytes_max = 100,
		.field_bytes_max = 120,
		.head_bytes_max = 1000,
		.fields_max = 10,
	};
	server->opens = true;
	server->arena_bytes_max = SLV_KIB(64);
	slv_buf_init(&server->data, SLV_MIB(1));
	slv_buf_init(&server->out, SLV_MIB(4));
	server->h2 = slv_h2_new(&limits, &events, server, 1000);
	slv_h2_test_client_init(&server->client);
	*state = server;
	return 0;
}

static int end(void **state)
{
	struct server *server = *state;
	slv_h2_free(server->h2);
	for (size_t i = 0; i < SLV_COUNT(server->streams); i++)
		slv_arena_done(&server->streams[i].arena);
	slv_buf_done(&server->data);
	slv_buf_done(&server->out);
	slv_h2_test_client_done(&server->client);
	test_free(server);
	return 0;
}

/* Take at most `most` bytes of the output. */
static size_t take(struct server *server, size_t most)
{
	const struct iovec *parts = NULL;
	size_t len = 0, taken = 0;
	int count = slv_h2_output(server->h2, &parts, &len);
	for (int i = 0; i < count && taken < most; i++) {
		size_t part = parts[i].iov_len < most - taken ? parts[i].iov_len : most - taken;
		slv_buf_add(&server->out, (slv_str){ parts[i].iov_base, part });
		taken += part;
	}
	slv_h2_sent(server->h2, taken, 1000);
	return taken;
}

static void carry(struct server *server)
{
	for (bool moved = true; moved;) {
		slv_h2_test_output(&server->client);
		moved = server->client.out.len > 0;
		slv_err err = slv_h2_input(server->h2, slv_buf_str(&server->client.out), 1000);
		assert_false(slv_failed(err));
		slv_buf_clear(&server->client.out);
		while (take(server, SIZE_MAX))
			moved = true;
		if (server->out.len)
			assert_true(slv_h2_test_input(&server->client, slv_buf_str(&server->out)));
		slv_buf_clear(&server->out);
	}
}

/* --- tests --- */

static void a_request_becomes_a_head_with_its_fields(void **state)
{
	struct server *server = *state;
	const struct slv_h2_test_pair pairs[] = { { ":method", "GET" }, { ":scheme", "https" },
		{ ":authority", "a.example" }, { ":path", "/x?y" }, { "cookie", "a=1" },
		{ "accept", "*/*" }, { "cookie", "b=2" }, { "cookie", "" }, { 0 } };
	slv_h2_test_ask(&server->client, pairs, NULL);
	carry(server);
	assert_int_equal(server->heads, 1);
	assert_int_equal(server->ends, 1);
	const struct slv_h2_head *head = &server->last->head;
	assert_int_equal(head->method, SLV_METHOD_GET);
	assert_true(slv_str_eq(head->method_name, SLV_STR("GET")));
	assert_true(slv_str_eq(head->scheme, SLV_STR("https")));
	assert_true(slv_str_eq(head->target, SLV_STR("/x?y")));
	assert_true(slv_str_eq(
			slv_fields_get(&head->fields, SLV_FIELD_HOST), SLV_STR("a.example")));
	assert_true(slv_str_eq(
			slv_fields_get(&head->fields, SLV_FIELD_COOKIE), SLV_STR("a=1; b=2")));
	assert_int_equal(head->fields.count, 3);
	assert_int_equal(head->length, 0);
	assert_int_equal(server->last->begun_ms, 1000);
	assert_true(server->last->input_ended);
}

static void frames_may_be_cut_anywhere(void **state)
{
	struct server *server = *state;
	server->replies = true;
	slv_str body = SLV_STR("abc");
	const struct slv_h2_test_pair pairs[] = { { ":method", "POST" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/" }, { 0 } };
	slv_h2_test_get(&server->client, "/");
	slv_h2_test_ask(&server->client, pairs, &body);
	slv_h2_test_output(&server->client);
	slv_str bytes = slv_buf_str(&server->client.out);
	for (size_t i = 0; i < bytes.len; i++) {
		slv_err err = slv_h2_input(server->h2, (slv_str){ bytes.at + i, 1 }, 1000);
		assert_false(slv_failed(err));
	}
	slv_buf_clear(&server->client.out);
	assert_int_equal(server->heads, 2);
	assert_int_equal(server->ends, 2);
	assert_true(slv_str_eq(slv_buf_str(&server->data), SLV_STR("abc")));
	while (take(server, 1))
		;
	assert_true(slv_h2_test_input(&server->client, slv_buf_str(&server->out)));
	assert_int_equal(server->client.ended, 2);
	assert_int_equal(server->closed, 2);
}

static void a_body_is_not_copied(void **state)
{
	struct server *server = *state;
	static char body[30000];
	slv_h2_test_get(&server->client, "/");
	carry(server);
	struct slv_h2_reply reply = { .status = 200, .length = sizeof(body) };
	slv_err err = slv_h2_reply(server->h2, server->last, &reply);
	assert_false(slv_failed(err));
	slv_h2_send(server->h2, server->last, (slv_str){ body, sizeof(body) }, true, NULL);
	const struct iovec *parts = NULL;
	size_t len = 0, own = 0;
	int count = slv_h2_output(server->h2, &parts, &len);
	for (int i = 0; i < count; i++)
		if ((char *)parts[i].iov_base >= body &&
				(char *)parts[i].iov_base < body + sizeof(body))
			own += parts[i].iov_len;
	assert_int_equal(own, sizeof(body));
	assert_in_range(len, sizeof(body) + 3 * 9, sizeof(body) + 200);
	assert_int_equal(server->closed, 0); /* the bytes are still in use */
	slv_h2_sent(server->h2, len, 1000);
	assert_int_equal(server->closed, 1);
	assert_int_equal(server->close_code, SLV_H2_NO_ERROR);
}

static void parts_follow_each_other_as_they_drain(void **state)
{
	struct server *server = *state;
	uint32_t id = slv_h2_test_get(&server->client, "/");
	carry(server);
	struct slv_fields trailers;
	slv_fields_init(&trailers, server->last->arena);
	slv_err err = slv_fields_add(&trailers, SLV_STR("X-Sum"), SLV_STR("1"));
	assert_false(slv_failed(err));
	struct slv_h2_reply reply = { .status = 200, .length = SLV_LENGTH_UNKNOWN };
	err = slv_h2_reply(server->h2, server->last, &reply);
	assert_false(slv_failed(err));
	carry(server);
	assert_int_equal(server->drained, 0);
	slv_h2_send(server->h2, server->last, SLV_STR("one"), false, NULL);
	carry(server);
	assert_int_equal(server->drained, 1);
	slv_h2_send(server->h2, server->last, SLV_STR("two"), false, NULL);
	carry(server);
	assert_int_equal(server->drained, 2);
	slv_h2_send(server->h2, server->last, (slv_str){ 0 }, true, &trailers);
	carry(server);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&server->client, id);
	assert_true(slv_str_eq(slv_buf_str(&answer->body), SLV_STR("onetwo")));
	assert_true(slv_str_ends(slv_buf_str(&answer->text), SLV_STR("x-sum: 1\n")));
	assert_true(answer->ended);
	assert_int_equal(server->closed, 1);
}

static void a_reply_that_cannot_be_sent_is_refused_whole(void **state)
{
	static const struct {
		slv_str name, value;
	} rows[] = {
		{ SLV_STR_INIT("a b"), SLV_STR_INIT("v") },
		{ SLV_STR_INIT(""), SLV_STR_INIT("v") },
		{ SLV_STR_INIT("a"), SLV_STR_INIT("v\nw") },
		{ SLV_STR_INIT("a"), SLV_STR_INIT(" v") },
		{ SLV_STR_INIT("a"), SLV_STR_INIT("v\t") },
		{ SLV_STR_INIT("Content-Length"), SLV_STR_INIT("1") },
		{ SLV_STR_INIT("connection"), SLV_STR_INIT("close") },
		{ SLV_STR_INIT("Transfer-Encoding"), SLV_STR_INIT("chunked") },
		{ SLV_STR_INIT("Keep-Alive"), SLV_STR_INIT("x") },
		{ SLV_STR_INIT("proxy-connection"), SLV_STR_INIT("x") },
		{ SLV_STR_INIT("upgrade"), SLV_STR_INIT("x") },
	};
	struct server *server = *state;
	uint32_t id = slv_h2_test_get(&server->client, "/");
	carry(server);
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct slv_fields fields;
		slv_fields_init(&fields, server->last->arena);
		slv_err err = slv_fields_add(&fields, rows[i].name, rows[i].value);
		assert_false(slv_failed(err));
		struct slv_h2_reply reply = { .status = 200, .fields = &fields, .bodiless = true };
		err = slv_h2_reply(server->h2, server->last, &reply);
		assert_int_equal(err.code, SLV_E_INTERNAL);
		const struct iovec *parts = NULL;
		size_t len = 0;
		assert_int_equal(slv_h2_output(server->h2, &parts, &len), 0);
	}
	struct slv_h2_reply reply = { .status = 204, .bodiless = true };
	slv_err err = slv_h2_reply(server->h2, server->last, &reply);
	assert_false(slv_failed(err));
	carry(server);
	assert_int_equal(slv_h2_test_answer(&server->client, id)->status, 204);
}

static void the_windows_open_by_what_is_consumed(void **state)
{
	struct server *server = *state;
	static char bytes[80000];
	slv_str body = { bytes, sizeof(bytes) };
	const struct slv_h2_test_pair pairs[] = { { ":method", "PUT" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/" }, { 0 } };
	slv_h2_test_ask(&server->client, pairs, &body);
	carry(server);
	assert_int_equal(server->data.len, 65535);
	slv_h2_consume(server->h2, server->last, 30000);
	carry(server);
	assert_int_equal(server->data.len, 65535); /* not for less than half a window */
	slv_h2_consume(server->h2, server->last, 10000);
	carry(server);
	assert_int_equal(server->data.len, 80000);
	assert_int_equal(server->ends, 1);
}

/* Bounds: `list` bytes as RFC 9113 section 6.5.2 counts them. */
static void bounds_of_a_head_are_held(void **state)
{
	static char long_value[1000], path[200];
	memset(long_value, 'v', sizeof(long_value) - 1);
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	static const struct {
		size_t path_len, field_len, fields;
		int32_t code;
	} rows[] = {
		{ 100, 1, 1, SLV_E_NONE },      /* target_bytes_max */
		{ 101, 1, 1, SLV_E_URI },       /* one past it */
		{ 1, 119, 1, SLV_E_NONE },      /* field_bytes_max, with the name */
		{ 1, 120, 1, SLV_E_HEADERS },   /* one past it */
		{ 1, 1, 6, SLV_E_NONE },        /* fields_max, with four pseudo-header fields */
		{ 1, 1, 7, SLV_E_HEADERS },     /* one past it */
		{ 99, 92, 5, SLV_E_NONE },      /* below head_bytes_max */
		{ 100, 110, 6, SLV_E_HEADERS }, /* past it */
	};
	struct server *server = *state;
	struct slv_buf buf, block;
	slv_buf_init(&buf, SLV_KIB(64));
	slv_buf_init(&block, SLV_KIB(64));
	slv_h2_test_preface(&buf);
	for (uint32_t i = 0; i < SLV_COUNT(rows); i++) {
		char value[1000] = { 0 }, target[200] = { 0 };
		memcpy(value, long_value, rows[i].field_len);
		memcpy(target, path, rows[i].path_len);
		slv_buf_clear(&block);
		slv_h2_test_field(&block, ":method", "GET");
		slv_h2_test_field(&block, ":scheme", "http");
		slv_h2_test_field(&block, ":authority", "a");
		slv_h2_test_field(&block, ":path", target);
		for (size_t k = 0; k < rows[i].fields; k++)
			slv_h2_test_field(&block, "x", value);
		slv_h2_test_frame(&buf, 1, 5, 1 + 2 * i, slv_buf_str(&block));
		slv_err err = slv_h2_input(server->h2, slv_buf_str(&buf), 1000);
		assert_false(slv_failed(err));
		slv_buf_clear(&buf);
		assert_int_equal(server->heads, i + 1);
		assert_int_equal(server->head_err.code, rows[i].code);
		slv_h2_reset(server->h2, server->last, SLV_H2_CANCEL);
		while (take(server, SIZE_MAX))
			;
		assert_int_equal(server->closed, i + 1);
	}
	slv_buf_done(&buf);
	slv_buf_done(&block);
}

static void an_arena_that_is_full_is_told_with_the_head(void **state)
{
	struct server *server = *state;
	server->arena_bytes_max = 64;
	slv_h2_test_get(&server->client, "/");
	carry(server);
	assert_int_equal(server->heads, 1);
	assert_int_equal(server->head_err.code, SLV_E_HEADERS);
}

static void a_stream_that_is_not_taken_is_refused(void **state)
{
	struct server *server = *state;
	server->opens = false;
	uint32_t id = slv_h2_test_get(&server->client, "/");
	carry(server);
	assert_int_equal(slv_h2_test_answer(&server->client, id)->code, SLV_H2_REFUSED_STREAM);
	assert_int_equal(server->heads, 0);
	server->opens = server->replies = true;
	id = slv_h2_test_get(&server->client, "/");
	carry(server);
	assert_int_equal(slv_h2_test_answer(&server->client, id)->status, 200);
}

static void what_is_not_http2_cannot_go_on(void **state)
{
	struct server *server = *state;
	slv_err err = slv_h2_input(server->h2, SLV_STR("GET / HTTP/1.1\r\n\r\n1234567890"), 1000);
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_int_equal(server->refused, 1);
	assert_true(slv_h2_is_over(server->h2));
}

static void a_flood_cannot_go_on_and_says_so(void **state)
{
	struct server *server = *state;
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_MIB(1));
	slv_h2_test_preface(&buf);
	for (int i = 0; i < 2000; i++)
		slv_h2_test_frame(&buf, 2, 0, 1, (slv_str){ "\0\0\0\3\1", 5 });
	slv_err err = slv_h2_input(server->h2, slv_buf_str(&buf), 1000);
	assert_int_equal(err.code, SLV_E_BUSY);
	assert_false(slv_h2_is_over(server->h2)); /* the GOAWAY */
	while (take(server, SIZE_MAX))
		;
	assert_true(slv_h2_is_over(server->h2));
	assert_true(slv_h2_test_input(&server->client, slv_buf_str(&server->out)));
	assert_int_equal(server->client.goaway_code, SLV_H2_ENHANCE_YOUR_CALM);
	/* Nobody listens any more. */
	err = slv_h2_input(server->h2, slv_buf_str(&buf), 1000);
	assert_false(slv_failed(err));
	slv_buf_done(&buf);
}

static void a_head_is_under_way_until_its_last_byte(void **state)
{
	struct server *server = *state;
	struct slv_buf buf, block;
	slv_buf_init(&buf, SLV_KIB(4));
	slv_buf_init(&block, SLV_KIB(4));
	slv_h2_test_preface(&buf);
	slv_h2_test_field(&block, ":method", "GET");
	slv_h2_test_frame(&buf, 1, 1, 1, slv_buf_str(&block));
	slv_h2_test_frame(&buf, 9, 4, 1, SLV_STR("\0\1x\1y"));
	slv_str bytes = slv_buf_str(&buf);
	size_t head_at = 24 + 9 + 9; /* behind the frame's own head */
	for (size_t i = 0; i < bytes.len; i++) {
		bool under_way = slv_h2_head_begun_ms(server->h2) != 0;
		assert_int_equal(under_way, i >= head_at);
		if (under_way)
			assert_int_equal(slv_h2_head_begun_ms(server->h2), 1000 + head_at - 1);
		slv_err err = slv_h2_input(server->h2, (slv_str){ bytes.at + i, 1 }, 1000 + i);
		assert_false(slv_failed(err));
	}
	assert_int_equal(slv_h2_head_begun_ms(server->h2), 0);
	slv_buf_done(&buf);
	slv_buf_done(&block);
}

static void goaway_takes_no_more_and_finishes_the_rest(void **state)
{
	struct server *server = *state;
	uint32_t first = slv_h2_test_get(&server->client, "/");
	carry(server);
	slv_h2_goaway(server->h2, SLV_H2_NO_ERROR);
	struct slv_h2_reply reply = { .status = 204, .bodiless = true };
	slv_err err = slv_h2_reply(server->h2, server->last, &reply);
	assert_false(slv_failed(err));
	carry(server);
	assert_int_equal(slv_h2_test_answer(&server->client, first)->status, 204);
	assert_true(server->client.goaway);
	assert_int_equal(server->client.goaway_last, first);
	assert_false(slv_h2_peer_leaves(server->h2));
	slv_h2_terminate(server->h2, SLV_H2_NO_ERROR);
	while (take(server, SIZE_MAX))
		;
	assert_true(slv_h2_is_over(server->h2));
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_request_becomes_a_head_with_its_fields),
		ROW(frames_may_be_cut_anywhere),
		ROW(a_body_is_not_copied),
		ROW(parts_follow_each_other_as_they_drain),
		ROW(a_reply_that_cannot_be_sent_is_refused_whole),
		ROW(the_windows_open_by_what_is_consumed),
		ROW(bounds_of_a_head_are_held),
		ROW(an_arena_that_is_full_is_told_with_the_head),
		ROW(a_stream_that_is_not_taken_is_refused),
		ROW(what_is_not_http2_cannot_go_on),
		ROW(a_flood_cannot_go_on_and_says_so),
		ROW(a_head_is_under_way_until_its_last_byte),
		ROW(goaway_takes_no_more_and_finishes_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
