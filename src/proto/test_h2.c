#include "base/testing.h"
#include "proto/testing.h"
#include "wire/h2.h"
#include "wire/h2_testing.h"

#include <string.h>

/* A bench with an HTTP/2 session on it, and a client at the other end. */
struct talk {
	struct bench *bench;
	struct slv_h2_test_client client;
};

/* Carry bytes both ways until nobody has anything to say. */
static void carry(struct talk *talk)
{
	struct bench *bench = talk->bench;
	for (;;) {
		slv_h2_test_output(&talk->client);
		if (!talk->client.out.len && !bench->out.len)
			return;
		if (talk->client.out.len && !bench->closed)
			bench_input(bench, slv_buf_str(&talk->client.out));
		slv_buf_clear(&talk->client.out);
		bench_turn(bench);
		if (bench->out.len)
			assert_true(slv_h2_test_input(&talk->client, slv_buf_str(&bench->out)));
		slv_buf_clear(&bench->out);
	}
}

static int begin(void **state)
{
	struct talk *talk = test_malloc(sizeof(*talk));
	talk->bench = bench_new();
	slv_h2_test_client_init(&talk->client);
	*state = talk;
	return 0;
}

static int end(void **state)
{
	struct talk *talk = *state;
	bench_free(talk->bench);
	slv_h2_test_client_done(&talk->client);
	test_free(talk);
	return 0;
}

static slv_str body_of(struct talk *talk, uint32_t id)
{
	return slv_buf_str(&slv_h2_test_answer(&talk->client, id)->body);
}

/* A line is among the answer's fields, or the begin of one. */
static bool tells(const struct slv_h2_test_answer *answer, const char *line)
{
	slv_str text = slv_buf_str(&answer->text);
	return slv_str_find_str(text, slv_str_from(line)) < text.len;
}

static void a_get_is_answered(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_int_equal(answer->status, 200);
	assert_true(answer->ended && answer->closed);
	assert_true(slv_str_eq(body_of(talk, id), SLV_STR("hello")));
	assert_true(tells(answer, "date: Sun, 06 Nov 1994 08:49:37 GMT\n"));
	assert_true(tells(answer, "content-length: 5\n"));
	assert_false(talk->bench->busy);
	assert_false(talk->bench->closed);
}

/* --- by hand: what no proper client sends --- */

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};
enum { END_STREAM = 1, END_HEADERS = 4 };

/* A head that HPACK takes literally. */
static void ask(struct slv_buf *buf, uint32_t id, uint8_t flags, const char *method,
		const char *path)
{
	struct slv_buf block;
	slv_buf_init(&block, SLV_KIB(64));
	slv_h2_test_field(&block, ":method", method);
	slv_h2_test_field(&block, ":scheme", "http");
	slv_h2_test_field(&block, ":authority", "a");
	slv_h2_test_field(&block, ":path", path);
	slv_h2_test_frame(buf, HEADERS, flags, id, slv_buf_str(&block));
	slv_buf_done(&block);
}

static void send_raw(struct bench *bench, struct slv_buf *buf)
{
	bench_input(bench, slv_buf_str(buf));
	slv_buf_clear(buf);
}

struct seen {
	unsigned count;
	uint32_t id, code; /* of the last one; the code of RST_STREAM and GOAWAY */
	uint8_t flags;
};

/* What frames of a type the session has written. */
static struct seen look(struct bench *bench, uint8_t type)
{
	struct seen seen = { 0 };
	const uint8_t *at = (const uint8_t *)bench->out.at;
	for (size_t i = 0; i + 9 <= bench->out.len;) {
		size_t len = (size_t)at[i] << 16 | (size_t)at[i + 1] << 8 | at[i + 2];
		const uint8_t *payload = at + i + 9;
		if (at[i + 3] == type) {
			size_t code = type == GOAWAY ? 4 : 0;
			seen.count++;
			seen.flags = at[i + 4];
			seen.id = (uint32_t)at[i + 7] << 8 | at[i + 8];
			if (len >= code + 4)
				seen.code = (uint32_t)payload[code + 2] << 8 | payload[code + 3];
		}
		i += 9 + len;
	}
	return seen;
}

static void begin_raw(struct bench *bench, struct slv_buf *buf)
{
	slv_buf_init(buf, SLV_MIB(4));
	slv_h2_test_preface(buf);
	bench_h2(bench, (slv_str){ 0 });
}

/* --- replies --- */

static void many_replies_leave_in_one_write(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	unsigned before = talk->bench->writes;
	for (int i = 0; i < 10; i++)
		slv_h2_test_get(&talk->client, "/static");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_int_equal(talk->bench->writes, before + 1);
	carry(talk);
	assert_int_equal(talk->client.ended, 10);
}

static void head_gets_the_length_and_no_body(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	const struct slv_h2_test_pair pairs[] = { { ":method", "HEAD" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/sized/5000" }, { 0 } };
	uint32_t id = slv_h2_test_ask(&talk->client, pairs, NULL);
	carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_true(answer->ended);
	assert_int_equal(answer->body.len, 0);
	assert_true(tells(answer, "content-length: 5000\n"));
	assert_int_equal(talk->bench->sources + talk->bench->pulls, 0);
}

static void a_304_and_a_204_have_no_body(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t unchanged = slv_h2_test_get(&talk->client, "/unchanged");
	uint32_t empty = slv_h2_test_get(&talk->client, "/empty");
	carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, unchanged)->status, 304);
	assert_int_equal(slv_h2_test_answer(&talk->client, empty)->status, 204);
	assert_false(tells(slv_h2_test_answer(&talk->client, empty), "content-length"));
	assert_int_equal(talk->client.ended, 2);
}

static void a_stream_ends_with_its_trailers(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/stream/2500");
	carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_int_equal(answer->body.len, 2500);
	assert_true(slv_str_ends(slv_buf_str(&answer->text), SLV_STR("\nx-sum: 42\n")));
	assert_true(tells(answer, "x-made-by: bench\n")); /* names in lower case */
	assert_false(tells(answer, "content-length"));
	assert_true(answer->closed);
	assert_int_equal(answer->code, 0);
}

static void a_source_that_tells_its_length_has_it(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/sized/2500");
	carry(talk);
	assert_int_equal(body_of(talk, id).len, 2500);
	assert_true(slv_h2_test_answer(&talk->client, id)->ended);
}

static void a_body_of_another_length_is_reset(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t ids[] = { slv_h2_test_get(&talk->client, "/short"),
		slv_h2_test_get(&talk->client, "/long"),
		slv_h2_test_get(&talk->client, "/broken") };
	carry(talk);
	for (size_t i = 0; i < SLV_COUNT(ids); i++) {
		struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, ids[i]);
		assert_int_equal(answer->code, SLV_H2_INTERNAL_ERROR);
		assert_true(answer->closed && !answer->ended);
	}
	assert_int_equal(talk->bench->sources, 0);
	assert_false(talk->client.goaway);
}

static void a_field_that_cannot_be_sent_gives_500(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/bad");
	carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, 500);
	assert_int_equal(body_of(talk, id).len, 0);
}

static void large_bodies_flow_as_windows_open(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t ids[] = { slv_h2_test_get(&talk->client, "/bytes/1000000"),
		slv_h2_test_get(&talk->client, "/sized/300000"),
		slv_h2_test_get(&talk->client, "/stream/300000"),
		slv_h2_test_get(&talk->client, "/file/200000") };
	carry(talk);
	const size_t lens[] = { 1000000, 300000, 300000, 200000 };
	for (size_t i = 0; i < SLV_COUNT(ids); i++) {
		slv_str body = body_of(talk, ids[i]);
		assert_int_equal(body.len, lens[i]);
		for (size_t k = 0; k < body.len; k++)
			assert_int_equal(body.at[k], 'a' + k % 26);
	}
}

/* Each amount of room at a time, so that every cut is met. */
static void a_transport_that_takes_little_gets_all(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	for (int i = 0; i < 5; i++) {
		slv_h2_test_get(&talk->client, "/bytes/3000");
		slv_h2_test_get(&talk->client, "/stream/3000");
		slv_h2_test_get(&talk->client, "/hello");
	}
	talk->bench->room = 0;
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_int_equal(talk->bench->out.len, 0);
	for (size_t room = 1; talk->bench->busy; room = room % 97 + 1)
		bench_room(talk->bench, room);
	bench_room(talk->bench, SIZE_MAX);
	carry(talk);
	assert_int_equal(talk->client.ended, 15);
	assert_int_equal(talk->client.body_bytes, 5 * 6005);
	assert_int_equal(talk->bench->holds + talk->bench->sources, 0);
}

static void a_more_urgent_reply_goes_first(void **state)
{
	struct talk *talk = *state;
	const struct slv_h2_test_pair slow[] = { { ":method", "GET" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/bytes/60000" }, { "priority", "u=5" }, { 0 } };
	const struct slv_h2_test_pair quick[] = { { ":method", "GET" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/bytes/1000" }, { "priority", "u=1, i" },
		{ 0 } };
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	slv_h2_test_ask(&talk->client, slow, NULL);
	uint32_t id = slv_h2_test_ask(&talk->client, quick, NULL);
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_true(slv_h2_test_input(
			&talk->client, slv_str_head(slv_buf_str(&talk->bench->out), 5000)));
	assert_true(slv_h2_test_answer(&talk->client, id)->ended);
}

static void bodies_on_their_way_are_bounded(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	carry(talk);
	bench->conf.write_idle_ms = 1000000000;
	/* A window that never opens again: each source gives what one stream may take. */
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(64));
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\0", 6 });
	send_raw(bench, &buf);
	bench->out.len = 0;
	for (uint32_t i = 0; i < 100; i++)
		ask(&buf, 1 + 2 * i, END_STREAM | END_HEADERS, "GET", "/stream/900000");
	send_raw(bench, &buf);
	bench_wait(bench, 1000);
	assert_int_equal(bench->sources, 100);
	assert_in_range(bench->pulls, 90, 262);
	slv_buf_done(&buf);
}

/* --- request bodies --- */

static const struct slv_h2_test_pair post_echo[] = { { ":method", "POST" }, { ":scheme", "http" },
	{ ":authority", "a" }, { ":path", "/echo" }, { 0 } };

static void an_upload_reaches_its_service(void **state)
{
	struct talk *talk = *state;
	slv_str body = SLV_STR("0123456789");
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_ask(&talk->client, post_echo, &body);
	carry(talk);
	assert_true(slv_str_eq(body_of(talk, id), SLV_STR("0123456789+0")));
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->code, 0);
}

static void a_large_upload_opens_the_windows(void **state)
{
	struct talk *talk = *state;
	static char bytes[3000000];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 26);
	slv_str body = { bytes, sizeof(bytes) };
	talk->bench->conf.body_bytes_max = sizeof(bytes);
	talk->bench->conf.request_arena_bytes = 8u << 20;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_ask(&talk->client, post_echo, &body);
	carry(talk);
	assert_int_equal(body_of(talk, id).len, sizeof(bytes) + 2);
	assert_memory_equal(body_of(talk, id).at, bytes, sizeof(bytes));
}

static void trailers_of_a_request_reach_its_service(void **state)
{
	struct talk *talk = *state;
	struct slv_buf buf;
	begin_raw(talk->bench, &buf);
	ask(&buf, 1, END_HEADERS, "POST", "/echo");
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abc"));
	slv_h2_test_frame(&buf, HEADERS, END_STREAM | END_HEADERS, 1,
			SLV_STR("\0\5x-sum\1"
				"1"));
	send_raw(talk->bench, &buf);
	assert_true(slv_str_ends(slv_buf_str(&talk->bench->out), SLV_STR("abc+1")));
	slv_buf_done(&buf);
}

static void an_upload_nobody_pulls_stops_at_the_window(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[16384];
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_HEADERS, "POST", "/later");
	for (int i = 0; i < 4; i++)
		slv_h2_test_frame(&buf, DATA, 0, 1,
				(slv_str){ block, i < 3 ? sizeof(block) : sizeof(block) - 1 });
	send_raw(bench, &buf);
	assert_int_equal(look(bench, RST_STREAM).count + look(bench, GOAWAY).count, 0);
	bench->out.len = 0;
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("x"));
	send_raw(bench, &buf);
	assert_int_equal(look(bench, WINDOW_UPDATE).count, 0);
	/* One byte past it is the client's fault: FLOW_CONTROL_ERROR. */
	assert_int_equal(look(bench, GOAWAY).code, SLV_H2_FLOW_CONTROL_ERROR);
	assert_true(bench->closed);
	bench_close(bench);
	assert_int_equal(bench->cancelled, 1);
	bench_answer(bench, 0);
	slv_buf_done(&buf);
}

static void an_upload_nobody_wants_is_waved_off(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[16384];
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_HEADERS, "POST", "/ignore");
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abc"));
	send_raw(bench, &buf);
	assert_int_equal(look(bench, RST_STREAM).code, SLV_H2_NO_ERROR);
	assert_int_equal(look(bench, RST_STREAM).count, 1);
	/* What was on its way is swallowed, and the connection's window opens again for it. */
	bench->out.len = 0;
	for (int i = 0; i < 40; i++)
		slv_h2_test_frame(&buf, DATA, 0, 1, (slv_str){ block, sizeof(block) });
	send_raw(bench, &buf);
	assert_int_equal(look(bench, GOAWAY).count, 0);
	assert_in_range(look(bench, WINDOW_UPDATE).count, 1, 2);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void what_a_service_leaves_unread_opens_the_connection_window(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[16000];
	struct slv_buf buf;
	begin_raw(bench, &buf);
	unsigned updates = 0;
	for (uint32_t id = 1; id < 400; id += 2) {
		ask(&buf, id, END_HEADERS, "POST", "/peek");
		slv_h2_test_frame(&buf, DATA, 0, id, (slv_str){ block, sizeof(block) });
		slv_h2_test_frame(&buf, DATA, 0, id, (slv_str){ block, sizeof(block) });
		send_raw(bench, &buf);
		updates += look(bench, WINDOW_UPDATE).count;
		assert_int_equal(look(bench, GOAWAY).count, 0);
		bench->out.len = 0;
	}
	/* 6.4 MB through a window of 1 MiB. */
	assert_in_range(updates, 6, 400);
	assert_int_equal(bench->served, 200);
	slv_buf_done(&buf);
}

static void who_expects_gets_100_once_somebody_reads(void **state)
{
	struct talk *talk = *state;
	struct slv_h2_test_pair pairs[] = { { ":method", "POST" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/echo" }, { "expect", "100-continue" }, { 0 } };
	slv_str body = SLV_STR("abc");
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(4));
	uint32_t id = slv_h2_test_ask(&talk->client, pairs, &body);
	carry(talk); /* this client does not wait, so none is sent or it comes first */
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, 200);
	assert_true(slv_str_eq(body_of(talk, id), SLV_STR("abc+0")));
	slv_buf_done(&buf);
}

static void a_100_precedes_the_body(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf, block;
	begin_raw(bench, &buf);
	slv_buf_init(&block, SLV_KIB(4));
	slv_h2_test_field(&block, ":method", "POST");
	slv_h2_test_field(&block, ":scheme", "http");
	slv_h2_test_field(&block, ":authority", "a");
	slv_h2_test_field(&block, ":path", "/echo");
	slv_h2_test_field(&block, "expect", "100-continue");
	slv_h2_test_frame(&buf, HEADERS, END_HEADERS, 1, slv_buf_str(&block));
	send_raw(bench, &buf);
	assert_int_equal(look(bench, HEADERS).count, 1);
	assert_int_equal(look(bench, HEADERS).flags & END_STREAM, 0);
	slv_h2_test_frame(&buf, DATA, END_STREAM, 1, SLV_STR("abc"));
	send_raw(bench, &buf);
	assert_int_equal(look(bench, HEADERS).count, 2);
	assert_true(slv_str_ends(slv_buf_str(&bench->out), SLV_STR("abc+0")));
	slv_buf_done(&block);
	slv_buf_done(&buf);
}

static void a_body_past_its_bound_is_413(void **state)
{
	struct talk *talk = *state;
	slv_str fits = SLV_STR("0123456789"), over = SLV_STR("0123456789a");
	struct slv_h2_test_pair told[] = { { ":method", "POST" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/echo" }, { "content-length", "11" }, { 0 } };
	talk->bench->conf.body_bytes_max = 10;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t first = slv_h2_test_ask(&talk->client, post_echo, &fits);
	uint32_t second = slv_h2_test_ask(&talk->client, post_echo, &over);
	uint32_t third = slv_h2_test_ask(&talk->client, told, &over);
	carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, first)->status, 200);
	assert_int_equal(slv_h2_test_answer(&talk->client, second)->status, 413);
	assert_int_equal(slv_h2_test_answer(&talk->client, third)->status, 413);
	assert_int_equal(talk->bench->served, 2);
}

static void an_upload_that_stands_still_is_408(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	bench->conf.body_floor_bytes_s = 0;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_HEADERS, "POST", "/echo");
	send_raw(bench, &buf);
	bench_wait(bench, 29000);
	assert_int_equal(bench->upload_error, 0);
	bench_wait(bench, 2000);
	assert_int_equal(bench->upload_error, SLV_E_SLOW);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void an_upload_that_crawls_is_408(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_HEADERS, "POST", "/echo");
	unsigned s = 0;
	for (; s < 60 && !bench->upload_error; s++) {
		slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abcdefghij"));
		send_raw(bench, &buf);
		bench_wait(bench, 1000);
	}
	assert_in_range(s, 10, 12);
	slv_buf_done(&buf);
}

/* --- clients that leave --- */

static void a_reset_cancels_its_request(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/later");
	carry(talk);
	slv_h2_test_reset(&talk->client, id, SLV_H2_CANCEL);
	carry(talk);
	assert_int_equal(talk->bench->cancelled, 1);
	assert_true(talk->bench->busy);
	bench_answer(talk->bench, 0);
	assert_false(talk->bench->busy);
	carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, 0);
}

static void a_reset_within_a_reply_ends_the_source(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	uint32_t id = slv_h2_test_get(&talk->client, "/stream/900000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_int_equal(talk->bench->sources, 1);
	slv_h2_test_reset(&talk->client, id, SLV_H2_CANCEL);
	carry(talk);
	assert_int_equal(talk->bench->sources, 0);
}

static void bytes_that_were_framed_outlive_their_stream(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	carry(talk);
	bench->room = 500;
	uint32_t id = slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	slv_h2_test_reset(&talk->client, id, SLV_H2_CANCEL);
	slv_h2_test_output(&talk->client);
	bench_input(bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_int_equal(bench->holds, 1);
	slv_h2_test_ping(&talk->client);
	bench_room(bench, SIZE_MAX);
	assert_int_equal(bench->holds, 0);
	carry(talk);
	assert_int_equal(talk->client.acks, 1);
}

static void a_connection_that_breaks_cancels_all(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/later");
	slv_h2_test_get(&talk->client, "/later");
	slv_h2_test_get(&talk->client, "/stream/900000");
	carry(talk);
	slv_h2_test_get(&talk->client, "/bytes/900000");
	slv_h2_test_output(&talk->client);
	bench_input(bench, slv_buf_str(&talk->client.out));
	bench_close(bench);
	assert_int_equal(bench->cancelled, 2);
	assert_int_equal(bench->holds + bench->sources, 0);
	bench_answer(bench, 1);
	bench_answer(bench, 0);
}

static void a_half_closed_client_gets_its_answers(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	slv_str body = SLV_STR("abc");
	bench_h2(bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/later");
	slv_h2_test_ask(&talk->client, post_echo, &body);
	carry(talk);
	bench_eof(bench);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	assert_true(slv_h2_test_input(&talk->client, slv_buf_str(&bench->out)));
	assert_true(slv_str_eq(body_of(talk, id), SLV_STR("late")));
	assert_true(bench->closed);
	assert_false(bench->linger);
}

static void an_upload_that_breaks_off_is_told_to_its_service(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_HEADERS, "POST", "/echo");
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abc"));
	send_raw(bench, &buf);
	slv_h2_test_frame(&buf, RST_STREAM, 0, 1, (slv_str){ "\0\0\0\10", 4 });
	send_raw(bench, &buf);
	assert_int_equal(bench->upload_error, SLV_E_CLOSED);
	assert_false(bench->busy);
	slv_buf_done(&buf);
}

/* --- what goes wrong --- */

static void errors_have_their_status(void **state)
{
	struct talk *talk = *state;
	static char target[8193 + 1], value[8192 + 1];
	memset(target, 'x', sizeof(target) - 1);
	target[0] = '/';
	memset(value, 'v', sizeof(value) - 1);
	const struct {
		const char *method, *path, *name, *value;
		int status;
	} rows[] = {
		{ "GET", "/missing", NULL, NULL, 404 },
		{ "GET", "/%zz", NULL, NULL, 400 },
		{ "GET", target, NULL, NULL, 414 },
		{ "GET", target + 1, "expect", "x", 0 },
		{ "GET", "/hello", "expect", "more", 417 },
		{ "GET", "/hello", "under_score", "x", 400 },
		{ "GET", "/hello", "x", value, 431 },
		{ "GET", "/hello", "x", value + 1, 200 },
	};
	bench_h2(talk->bench, (slv_str){ 0 });
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		const struct slv_h2_test_pair pairs[] = { { ":method", rows[i].method },
			{ ":scheme", "http" }, { ":authority", "a" }, { ":path", rows[i].path },
			{ rows[i].name, rows[i].value }, { 0 } };
		if (!rows[i].status)
			continue;
		uint32_t id = slv_h2_test_ask(&talk->client, pairs, NULL);
		carry(talk);
		assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, rows[i].status);
	}
	assert_false(talk->client.goaway);
}

static void a_malformed_head_is_reset(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "hello");
	ask(&buf, 3, END_STREAM | END_HEADERS, "GET", "/hello");
	send_raw(bench, &buf);
	assert_int_equal(look(bench, RST_STREAM).count, 1);
	assert_int_equal(look(bench, RST_STREAM).id, 1);
	assert_int_equal(look(bench, RST_STREAM).code, SLV_H2_PROTOCOL_ERROR);
	assert_true(slv_str_ends(slv_buf_str(&bench->out), SLV_STR("hello")));
	assert_int_equal(bench->served, 1);
	slv_buf_done(&buf);
}

static void what_is_not_http2_is_closed(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	bench_h2(bench, (slv_str){ 0 });
	bench_input(bench, SLV_STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(bench->closed);
}

static void a_broken_frame_ends_the_connection_with_its_reason(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	slv_h2_test_frame(&buf, PING, 0, 0, SLV_STR("short"));
	send_raw(bench, &buf);
	assert_int_equal(look(bench, GOAWAY).code, 6); /* FRAME_SIZE_ERROR */
	assert_true(bench->closed && bench->linger);
	slv_buf_done(&buf);
}

/* --- floods --- */

static void a_reset_frees_no_place_while_its_request_is_served(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	bench->conf.h2_streams_max = 10;
	begin_raw(bench, &buf);
	for (uint32_t id = 1; id < 30; id += 2) {
		ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
		slv_h2_test_frame(&buf, RST_STREAM, 0, id, (slv_str){ "\0\0\0\10", 4 });
	}
	send_raw(bench, &buf);
	assert_int_equal(bench->held_count, 10);
	assert_int_equal(bench->cancelled, 10);
	for (unsigned i = 0; i < 10; i++)
		bench_answer(bench, i);
	ask(&buf, 31, END_STREAM | END_HEADERS, "GET", "/later");
	send_raw(bench, &buf);
	assert_int_equal(bench->held_count, 11);
	bench_answer(bench, 10);
	slv_buf_done(&buf);
}

/* Feed `frame` until the session closes; returns how often. */
static unsigned flood(struct bench *bench, struct slv_buf *buf, slv_str frame, unsigned most)
{
	unsigned count = 0;
	send_raw(bench, buf);
	for (; count < most && !bench->closed; count++) {
		bench_input(bench, frame);
		if (bench->out.len > SLV_KIB(64))
			bench->out.len = 0;
	}
	return count;
}

static void floods_of_control_frames_are_stopped(void **state)
{
	static const struct {
		uint8_t type, flags;
		uint32_t id;
		slv_str payload;
	} rows[] = {
		{ PING, 0, 0, SLV_STR_INIT("12345678") },
		{ SETTINGS, 0, 0, SLV_STR_INIT("") },
		{ PRIORITY, 0, 1, SLV_STR_INIT("\0\0\0\3\1") },
		{ WINDOW_UPDATE, 0, 0, SLV_STR_INIT("\0\0\0\1") },
		{ DATA, 0, 1, SLV_STR_INIT("") },
		{ 0x42, 0, 0, SLV_STR_INIT("") },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct bench *bench = bench_new();
		struct slv_buf buf, frame;
		slv_buf_init(&frame, SLV_KIB(1));
		slv_h2_test_frame(&frame, rows[i].type, rows[i].flags, rows[i].id, rows[i].payload);
		begin_raw(bench, &buf);
		ask(&buf, 1, END_HEADERS, "POST", "/later");
		unsigned count = flood(bench, &buf, slv_buf_str(&frame), 5000);
		assert_in_range(count, 1900, 2100);
		assert_int_equal(look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
		bench_close(bench);
		bench_answer(bench, 0);
		slv_buf_done(&frame);
		slv_buf_done(&buf);
		bench_free(bench);
	}
}

static void a_keep_alive_ping_a_second_is_no_flood(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	bench->conf.keep_alive_ms = bench->conf.header_ms = 1000000000;
	begin_raw(bench, &buf);
	for (int i = 0; i < 5000; i++) {
		slv_h2_test_frame(&buf, PING, 0, 0, SLV_STR("12345678"));
		send_raw(bench, &buf);
		bench->now_ms += 1000;
		bench->out.len = 0;
	}
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void a_flood_of_continuations_is_stopped(void **state)
{
	(void)state;
	for (unsigned frames = 8; frames <= 9; frames++) {
		struct bench *bench = bench_new();
		struct slv_buf buf;
		begin_raw(bench, &buf);
		ask(&buf, 1, END_STREAM, "GET", "/hello");
		for (unsigned i = 1; i <= frames; i++)
			slv_h2_test_frame(&buf, CONTINUATION, i == frames ? END_HEADERS : 0, 1,
					SLV_STR("\0\1x\1y"));
		send_raw(bench, &buf);
		assert_int_equal(bench->closed, frames > 8);
		assert_int_equal(bench->served, frames == 8);
		if (bench->closed)
			assert_int_equal(look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
		slv_buf_done(&buf);
		bench_free(bench);
	}
}

/* A table entry of 4 KiB, named again and again by one byte. */
static void what_hpack_blows_up_is_431(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	struct slv_buf buf, block;
	begin_raw(bench, &buf);
	slv_buf_init(&block, SLV_KIB(32));
	slv_buf_add(&block, SLV_STR("\x82\x86\x84\x41\x01"
				    "a"));
	slv_buf_add(&block, SLV_STR("\x40\x01x\x7f\xa1\x1e")); /* 4000 bytes follow */
	for (int i = 0; i < 4000; i++)
		slv_buf_add_char(&block, 'v');
	for (int i = 0; i < 10000; i++)
		slv_buf_add_char(&block, '\xbe');
	slv_h2_test_frame(&buf, HEADERS, END_STREAM | END_HEADERS, 1, slv_buf_str(&block));
	ask(&buf, 3, END_STREAM | END_HEADERS, "GET", "/hello");
	bench->out.len = 0;
	send_raw(bench, &buf);
	slv_str out = slv_buf_str(&bench->out);
	assert_true(slv_str_find_str(out, SLV_STR("larger than head_bytes")) < out.len);
	assert_true(slv_str_ends(out, SLV_STR("hello")) ||
			slv_str_find_str(out, SLV_STR("hello")) < out.len);
	assert_int_equal(bench->served, 1);
	slv_buf_done(&block);
	slv_buf_done(&buf);
}

static void a_flood_of_resets_is_stopped(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	uint32_t id = 1;
	begin_raw(bench, &buf);
	for (; id < 20000 && !bench->closed; id += 2) {
		ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/bytes/100");
		slv_h2_test_frame(&buf, RST_STREAM, 0, id, (slv_str){ "\0\0\0\10", 4 });
		send_raw(bench, &buf);
	}
	assert_in_range(id / 2, 490, 510); /* most of 500 requests were reset at once */
	assert_int_equal(look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	slv_buf_done(&buf);
}

/* As that, but the client has us reset the streams: a window that overflows. */
static void resets_that_it_provokes_count(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	uint32_t id = 1;
	begin_raw(bench, &buf);
	for (; id < 20000 && !bench->closed; id += 2) {
		ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, id, SLV_STR("\x7f\xff\xff\xff"));
		send_raw(bench, &buf);
		if (bench->held_count)
			bench_answer(bench, 0);
		bench->held_count = 0;
	}
	assert_in_range(id / 2, 140, 510);
	assert_int_equal(look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	slv_buf_done(&buf);
}

static void requests_that_now_and_then_are_reset_go_on(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	for (uint32_t id = 1; id < 4000; id += 2) {
		ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/hello");
		if (id % 6 == 1)
			slv_h2_test_frame(&buf, RST_STREAM, 0, id, (slv_str){ "\0\0\0\10", 4 });
		send_raw(bench, &buf);
		bench->now_ms += 10;
		bench->out.len = 0;
	}
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void streams_past_their_number_are_refused_and_then_the_connection(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	bench->conf.h2_streams_max = 10;
	begin_raw(bench, &buf);
	uint32_t id = 1;
	for (; id < 20; id += 2)
		ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
	send_raw(bench, &buf);
	assert_int_equal(look(bench, RST_STREAM).count, 0);
	ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
	send_raw(bench, &buf);
	assert_int_equal(bench->held_count, 10);
	assert_true(look(bench, RST_STREAM).code == SLV_H2_REFUSED_STREAM ||
			look(bench, GOAWAY).code == SLV_H2_PROTOCOL_ERROR);
	for (; id < 20000 && !bench->closed; id += 2) {
		ask(&buf, id + 2, END_STREAM | END_HEADERS, "GET", "/later");
		send_raw(bench, &buf);
	}
	assert_in_range(id / 2, 20, 120);
	bench_close(bench);
	for (unsigned i = 0; i < 10; i++)
		bench_answer(bench, i);
	slv_buf_done(&buf);
}

static void who_sends_but_does_not_read_is_not_read_either(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	send_raw(bench, &buf);
	bench->room = 0;
	for (int i = 0; i < 1000 && bench->wants; i++) {
		slv_h2_test_frame(&buf, PING, 0, 0, SLV_STR("12345678"));
		send_raw(bench, &buf);
	}
	assert_false(bench->wants);
	assert_false(bench->closed);
	bench_room(bench, SIZE_MAX);
	assert_true(bench->wants);
	assert_in_range(look(bench, PING).count, 200, 999);
	slv_buf_done(&buf);
}

/* --- time --- */

static void a_head_has_an_absolute_deadline(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_STREAM, "GET", "/hello");
	send_raw(bench, &buf);
	for (int i = 0; i < 7; i++) {
		slv_h2_test_frame(&buf, CONTINUATION, 0, 1, SLV_STR("\0\1x\1y"));
		send_raw(bench, &buf);
		bench_wait(bench, 1300);
	}
	assert_false(bench->closed);
	bench_wait(bench, 1500);
	assert_true(bench->closed);
	assert_int_equal(look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	assert_int_equal(bench->served, 0);
	slv_buf_done(&buf);
}

static void a_connection_that_asks_nothing_is_closed(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	bench_wait(talk->bench, 9900);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 200);
	assert_true(talk->bench->closed);
	carry(talk);
	assert_true(talk->client.goaway);
	assert_int_equal(talk->client.goaway_code, SLV_H2_NO_ERROR);
}

static void an_idle_connection_has_its_time(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	bench_wait(talk->bench, 59500);
	assert_false(talk->bench->closed);
	slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	bench_wait(talk->bench, 59500);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 1100);
	assert_true(talk->bench->closed);
}

static void a_client_that_takes_nothing_is_closed(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	carry(talk);
	talk->bench->room = 100;
	slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	bench_wait(talk->bench, 29000);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 1600);
	assert_true(talk->bench->closed);
}

static void a_window_that_stays_shut_costs_its_stream(void **state)
{
	struct talk *talk = *state;
	slv_h2_test_client_done(&talk->client);
	slv_h2_test_client_init_window(&talk->client, 1000);
	bench_h2(talk->bench, (slv_str){ 0 });
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(4));
	carry(talk);
	uint32_t id = slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	bench_wait(talk->bench, 29000);
	assert_int_equal(look(talk->bench, RST_STREAM).count, 0);
	bench_wait(talk->bench, 2000);
	assert_int_equal(look(talk->bench, RST_STREAM).id, id);
	assert_int_equal(look(talk->bench, RST_STREAM).code, SLV_H2_CANCEL);
	assert_int_equal(talk->bench->holds, 0);
	assert_false(talk->bench->closed);
	slv_buf_done(&buf);
}

static void a_slow_source_is_not_the_clients_fault(void **state)
{
	struct talk *talk = *state;
	talk->bench->sources_stall = true;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/stream/9000");
	carry(talk);
	bench_wait(talk->bench, 120000);
	carry(talk);
	assert_int_equal(talk->client.resets, 0);
	assert_false(talk->bench->closed);
}

/* --- the end of connections --- */

static void draining_takes_what_is_on_its_way_and_finishes(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/later");
	carry(talk);
	/* This one was sent before the client heard of the drain. */
	uint32_t crossing = slv_h2_test_get(&talk->client, "/hello");
	slv_h2_test_output(&talk->client);
	bench->transport.session->ops->drain(bench->transport.session);
	bench_turn(bench);
	assert_int_equal(look(bench, GOAWAY).count, 1);
	carry(talk);
	assert_int_equal(talk->client.goaway_last, 0x7fffffff);
	assert_true(slv_str_eq(body_of(talk, crossing), SLV_STR("hello")));
	bench_wait(bench, 1100);
	carry(talk);
	assert_int_equal(talk->client.goaway_last, crossing);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	carry(talk);
	assert_int_equal(talk->client.ended, 2);
	assert_true(bench->closed);
}

static void an_idle_connection_drains_politely(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	bench_wait(talk->bench, 5000);
	talk->bench->transport.session->ops->drain(talk->bench->transport.session);
	bench_wait(talk->bench, 1100);
	assert_true(talk->bench->closed);
	carry(talk);
	assert_int_equal(talk->client.goaway_code, SLV_H2_NO_ERROR);
	assert_int_equal(talk->client.goaway_last, 1);
}

static void a_connection_ends_after_its_requests(void **state)
{
	struct talk *talk = *state;
	talk->bench->conf.requests_max = 3;
	bench_h2(talk->bench, (slv_str){ 0 });
	for (int i = 0; i < 3; i++) {
		assert_false(talk->client.goaway);
		slv_h2_test_get(&talk->client, "/hello");
		carry(talk);
	}
	assert_true(talk->client.goaway);
	assert_int_equal(talk->client.ended, 3);
	bench_wait(talk->bench, 1100);
	assert_true(talk->bench->closed);
}

static void an_old_connection_ends_after_its_request(void **state)
{
	struct talk *talk = *state;
	talk->bench->conf.age_ms = 5000;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	bench_wait(talk->bench, 5000);
	carry(talk);
	assert_false(talk->client.goaway);
	slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	assert_true(talk->client.goaway);
	assert_int_equal(talk->client.ended, 2);
}

static void under_pressure_new_streams_are_refused(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/later");
	carry(talk);
	bench->edge_conf.lag_ms_max = 100;
	bench_wait(bench, 1000);
	bench->now_ms += 588; /* the edge looks twice a second, and was late by 88 ms */
	bench_turn(bench);
	assert_in_range(slv_edge_pressure(bench->edge), 85, 91);
	uint32_t id = slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->code, SLV_H2_REFUSED_STREAM);
	assert_false(talk->client.goaway);
	bench_answer(bench, 0);
	carry(talk);
	assert_int_equal(talk->client.ended, 1);
	bench->edge_conf.lag_ms_max = 1000000;
	bench_wait(bench, 1000);
	slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	assert_int_equal(talk->client.ended, 2);
}

static void a_client_that_says_goaway_is_let_go(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	begin_raw(bench, &buf);
	ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/later");
	slv_h2_test_frame(&buf, GOAWAY, 0, 0, (slv_str){ "\0\0\0\0\0\0\0\0", 8 });
	send_raw(bench, &buf);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	assert_true(bench->closed);
	assert_true(slv_str_find_str(slv_buf_str(&bench->out), SLV_STR("late")) < bench->out.len);
	slv_buf_done(&buf);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_get_is_answered),
		ROW(many_replies_leave_in_one_write),
		ROW(head_gets_the_length_and_no_body),
		ROW(a_304_and_a_204_have_no_body),
		ROW(a_stream_ends_with_its_trailers),
		ROW(a_source_that_tells_its_length_has_it),
		ROW(a_body_of_another_length_is_reset),
		ROW(a_field_that_cannot_be_sent_gives_500),
		ROW(large_bodies_flow_as_windows_open),
		ROW(a_transport_that_takes_little_gets_all),
		ROW(a_more_urgent_reply_goes_first),
		ROW(bodies_on_their_way_are_bounded),
		ROW(an_upload_reaches_its_service),
		ROW(a_large_upload_opens_the_windows),
		ROW(trailers_of_a_request_reach_its_service),
		ROW(an_upload_nobody_pulls_stops_at_the_window),
		ROW(an_upload_nobody_wants_is_waved_off),
		ROW(what_a_service_leaves_unread_opens_the_connection_window),
		ROW(who_expects_gets_100_once_somebody_reads),
		ROW(a_100_precedes_the_body),
		ROW(a_body_past_its_bound_is_413),
		ROW(an_upload_that_stands_still_is_408),
		ROW(an_upload_that_crawls_is_408),
		ROW(a_reset_cancels_its_request),
		ROW(a_reset_within_a_reply_ends_the_source),
		ROW(bytes_that_were_framed_outlive_their_stream),
		ROW(a_connection_that_breaks_cancels_all),
		ROW(a_half_closed_client_gets_its_answers),
		ROW(an_upload_that_breaks_off_is_told_to_its_service),
		ROW(errors_have_their_status),
		ROW(a_malformed_head_is_reset),
		ROW(what_is_not_http2_is_closed),
		ROW(a_broken_frame_ends_the_connection_with_its_reason),
		ROW(a_reset_frees_no_place_while_its_request_is_served),
		ROW(floods_of_control_frames_are_stopped),
		ROW(a_keep_alive_ping_a_second_is_no_flood),
		ROW(a_flood_of_continuations_is_stopped),
		ROW(what_hpack_blows_up_is_431),
		ROW(a_flood_of_resets_is_stopped),
		ROW(resets_that_it_provokes_count),
		ROW(requests_that_now_and_then_are_reset_go_on),
		ROW(streams_past_their_number_are_refused_and_then_the_connection),
		ROW(who_sends_but_does_not_read_is_not_read_either),
		ROW(a_head_has_an_absolute_deadline),
		ROW(a_connection_that_asks_nothing_is_closed),
		ROW(an_idle_connection_has_its_time),
		ROW(a_client_that_takes_nothing_is_closed),
		ROW(a_window_that_stays_shut_costs_its_stream),
		ROW(a_slow_source_is_not_the_clients_fault),
		ROW(draining_takes_what_is_on_its_way_and_finishes),
		ROW(an_idle_connection_drains_politely),
		ROW(a_connection_ends_after_its_requests),
		ROW(an_old_connection_ends_after_its_request),
		ROW(under_pressure_new_streams_are_refused),
		ROW(a_client_that_says_goaway_is_let_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
