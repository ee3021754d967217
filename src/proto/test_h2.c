#include "base/testing.h"
#include "proto/testing_h2.h"
#include "wire/h2.h"

#include <string.h>

static void a_get_is_answered(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_int_equal(answer->status, 200);
	assert_true(answer->ended && answer->closed);
	assert_true(slv_str_eq(talk_body(talk, id), SLV_STR("hello")));
	assert_true(talk_tells(answer, "date: Sun, 06 Nov 1994 08:49:37 GMT\n"));
	assert_true(talk_tells(answer, "content-length: 5\n"));
	assert_false(talk->bench->busy);
	assert_false(talk->bench->closed);
}

/* --- replies --- */

static void many_replies_leave_in_one_write(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	talk_carry(talk);
	unsigned before = talk->bench->writes;
	for (int i = 0; i < 10; i++)
		slv_h2_test_get(&talk->client, "/static");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_int_equal(talk->bench->writes, before + 1);
	talk_carry(talk);
	assert_int_equal(talk->client.ended, 10);
}

static void head_gets_the_length_and_no_body(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	const struct slv_h2_test_pair pairs[] = { { ":method", "HEAD" }, { ":scheme", "http" },
		{ ":authority", "a" }, { ":path", "/sized/5000" }, { 0 } };
	uint32_t id = slv_h2_test_ask(&talk->client, pairs, NULL);
	talk_carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_true(answer->ended);
	assert_int_equal(answer->body.len, 0);
	assert_true(talk_tells(answer, "content-length: 5000\n"));
	assert_int_equal(talk->bench->sources + talk->bench->pulls, 0);
}

static void a_304_and_a_204_have_no_body(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t unchanged = slv_h2_test_get(&talk->client, "/unchanged");
	uint32_t empty = slv_h2_test_get(&talk->client, "/empty");
	talk_carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, unchanged)->status, 304);
	assert_int_equal(slv_h2_test_answer(&talk->client, empty)->status, 204);
	assert_false(talk_tells(slv_h2_test_answer(&talk->client, empty), "content-length"));
	assert_int_equal(talk->client.ended, 2);
}

static void a_stream_ends_with_its_trailers(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/stream/2500");
	talk_carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_int_equal(answer->body.len, 2500);
	assert_true(slv_str_ends(slv_buf_str(&answer->text), SLV_STR("\nx-sum: 42\n")));
	assert_true(talk_tells(answer, "x-made-by: bench\n")); /* names in lower case */
	assert_false(talk_tells(answer, "content-length"));
	assert_true(answer->closed);
	assert_int_equal(answer->code, 0);
}

static void a_source_that_tells_its_length_has_it(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/sized/2500");
	talk_carry(talk);
	assert_int_equal(talk_body(talk, id).len, 2500);
	assert_true(slv_h2_test_answer(&talk->client, id)->ended);
}

static void a_body_of_another_length_is_reset(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t ids[] = { slv_h2_test_get(&talk->client, "/short"),
		slv_h2_test_get(&talk->client, "/long"),
		slv_h2_test_get(&talk->client, "/broken") };
	talk_carry(talk);
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
	talk_carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, 500);
	assert_int_equal(talk_body(talk, id).len, 0);
}

static void large_bodies_flow_as_windows_open(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t ids[] = { slv_h2_test_get(&talk->client, "/bytes/1000000"),
		slv_h2_test_get(&talk->client, "/sized/300000"),
		slv_h2_test_get(&talk->client, "/stream/300000"),
		slv_h2_test_get(&talk->client, "/file/200000") };
	talk_carry(talk);
	const size_t lens[] = { 1000000, 300000, 300000, 200000 };
	for (size_t i = 0; i < SLV_COUNT(ids); i++) {
		slv_str body = talk_body(talk, ids[i]);
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
	talk_carry(talk);
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
	talk_carry(talk);
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
	talk_carry(talk);
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
	talk_carry(talk);
	bench->conf.write_idle_ms = 1000000000;
	/* A window that never opens again: each source gives what one stream may take. */
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(64));
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\0", 6 });
	raw_send(bench, &buf);
	bench->out.len = 0;
	for (uint32_t i = 0; i < 100; i++)
		raw_ask(&buf, 1 + 2 * i, END_STREAM | END_HEADERS, "GET", "/stream/900000");
	raw_send(bench, &buf);
	bench_wait(bench, 1000);
	assert_int_equal(bench->sources, 100);
	assert_int_equal(bench->pulls, 100);
	slv_buf_done(&buf);
}

/* Four parts may be on their way, and a part that is only asked for is on its way. */
static void bodies_that_are_asked_for_are_bounded(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	bench->sources_stall = true;
	for (uint32_t i = 0; i < 4; i++)
		raw_ask(&buf, 1 + 2 * i, END_STREAM | END_HEADERS, "GET", "/stream/900000");
	raw_send(bench, &buf);
	assert_int_equal(bench->asked, 4);
	raw_ask(&buf, 9, END_STREAM | END_HEADERS, "GET", "/stream/900000");
	raw_ask(&buf, 11, END_STREAM | END_HEADERS, "GET", "/stream/10");
	raw_send(bench, &buf);
	assert_int_equal(bench->sources, 6);
	assert_int_equal(bench->asked, 4);

	/* Whose stream ends gives its place to one that waits. The three others' sources stay
	 * silent, so the last reply is done only if the two take turns. */
	bench->sources_stall = false;
	slv_h2_test_frame(&buf, RST_STREAM, 0, 5, (slv_str){ "\0\0\0\10", 4 });
	raw_send(bench, &buf);
	assert_int_equal(bench->sources, 4);
	slv_buf_done(&buf);
}

/* Four fill the room, two wait for it along with the seventh: a second later all are asked. */
static void sources_that_do_not_answer_hold_up_nobody(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	for (int i = 0; i < 6; i++)
		slv_h2_test_get(&talk->client, "/silent");
	uint32_t id = slv_h2_test_get(&talk->client, "/stream/9000");
	talk_carry(talk);
	assert_int_equal(bench->sources, 7);
	assert_int_equal(bench->asked, 4);
	bench_wait(bench, 900);
	assert_int_equal(bench->asked, 4);
	assert_int_equal(talk_body(talk, id).len, 0);
	bench_wait(bench, 700);
	talk_carry(talk);
	assert_int_equal(talk_body(talk, id).len, 9000);
	assert_int_equal(talk->client.ended, 1);
	assert_int_equal(bench->sources, 6);
	assert_int_equal(talk->client.resets, 0);
}

/* What comes late counts again: of eight parts at the client's shut window no ninth is asked. */
static void late_parts_count_when_they_come(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	bench->part_bytes = SLV_KIB(64);
	bench->sources_stall = true;
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\0", 6 });
	for (uint32_t i = 0; i < 8; i++)
		raw_ask(&buf, 1 + 2 * i, END_STREAM | END_HEADERS, "GET", "/stream/900000");
	raw_send(bench, &buf);
	assert_int_equal(bench->asked, 4);
	bench_wait(bench, 1600);
	assert_int_equal(bench->asked, 8);
	bench_answer_pulls(bench);
	assert_int_equal(bench->pulls, 8);
	bench_wait(bench, 1600);
	raw_ask(&buf, 17, END_STREAM | END_HEADERS, "GET", "/stream/900000");
	raw_send(bench, &buf);
	bench_wait(bench, 1600);
	assert_int_equal(bench->sources, 9);
	assert_int_equal(bench->asked, 8);
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
	talk_carry(talk);
	assert_true(slv_str_eq(talk_body(talk, id), SLV_STR("0123456789+0")));
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
	talk_carry(talk);
	assert_int_equal(talk_body(talk, id).len, sizeof(bytes) + 2);
	assert_memory_equal(talk_body(talk, id).at, bytes, sizeof(bytes));
}

static void trailers_of_a_request_reach_its_service(void **state)
{
	struct talk *talk = *state;
	struct slv_buf buf;
	raw_begin(talk->bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/echo");
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abc"));
	slv_h2_test_frame(&buf, HEADERS, END_STREAM | END_HEADERS, 1,
			SLV_STR("\0\5x-sum\1"
				"1"));
	raw_send(talk->bench, &buf);
	assert_true(slv_str_ends(slv_buf_str(&talk->bench->out), SLV_STR("abc+1")));
	slv_buf_done(&buf);
}

static void an_upload_nobody_pulls_stops_at_the_window(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[16384];
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/later");
	for (int i = 0; i < 4; i++)
		slv_h2_test_frame(&buf, DATA, 0, 1,
				(slv_str){ block, i < 3 ? sizeof(block) : sizeof(block) - 1 });
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, RST_STREAM).count + raw_look(bench, GOAWAY).count, 0);
	bench->out.len = 0;
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("x"));
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, WINDOW_UPDATE).count, 0);
	/* One byte past it is the client's fault: FLOW_CONTROL_ERROR. */
	assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_FLOW_CONTROL_ERROR);
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
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/ignore");
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abc"));
	raw_send(bench, &buf);
	bench->out.len = 0;
	/* What was on its way is swallowed, and opens no window of the stream. */
	for (int i = 0; i < 3; i++)
		slv_h2_test_frame(&buf, DATA, 0, 1, (slv_str){ block, sizeof(block) });
	raw_send(bench, &buf);
	bench_wait(bench, 900);
	/* Not beside the reply, which some clients would then forget. */
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	assert_int_equal(raw_look(bench, WINDOW_UPDATE).count, 0);
	bench_wait(bench, 700);
	assert_int_equal(raw_look(bench, RST_STREAM).code, SLV_H2_NO_ERROR);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 1);
	assert_int_equal(raw_look(bench, GOAWAY).count, 0);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

/* The answer is there, but the client takes none of it and goes on sending. */
static void an_upload_past_its_bound_opens_no_window_after_the_answer(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[10000];
	struct slv_buf buf;
	bench->conf.body_bytes_max = 100000;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\0", 6 });
	raw_ask(&buf, 1, END_HEADERS, "POST", "/bytes/10");
	raw_send(bench, &buf);
	assert_int_equal(bench->served, 1);
	for (int i = 0; i < 10; i++) {
		slv_h2_test_frame(&buf, DATA, 0, 1, (slv_str){ block, sizeof(block) });
		raw_send(bench, &buf);
	}
	/* At the bound as ever; the connection's has opened at the start. */
	assert_int_equal(raw_look(bench, WINDOW_UPDATE).count, 1 + 2);
	assert_int_equal(raw_look(bench, WINDOW_UPDATE).id, 1);
	bench->out.len = 0;
	for (int i = 0; i < 3; i++) {
		slv_h2_test_frame(&buf, DATA, 0, 1, (slv_str){ block, sizeof(block) });
		raw_send(bench, &buf);
	}
	assert_int_equal(raw_look(bench, WINDOW_UPDATE).count, 0);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

/* As that, where the head was answered with its fault. */
static void an_upload_of_a_bad_head_opens_no_window(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[10000];
	struct slv_buf buf;
	bench->conf.h1.target_bytes_max = 10;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\0", 6 });
	raw_ask(&buf, 1, END_HEADERS, "POST", "/0123456789");
	raw_send(bench, &buf);
	bench->out.len = 0;
	for (int i = 0; i < 6; i++) {
		slv_h2_test_frame(&buf, DATA, 0, 1, (slv_str){ block, sizeof(block) });
		raw_send(bench, &buf);
	}
	assert_int_equal(raw_look(bench, WINDOW_UPDATE).count, 0);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void who_was_answered_early_may_end_by_itself(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/ignore");
	raw_send(bench, &buf);
	slv_h2_test_frame(&buf, DATA, END_STREAM, 1, SLV_STR("abc"));
	raw_send(bench, &buf);
	assert_int_equal(bench->served, 1);
	bench_wait(bench, 5000);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void what_a_service_leaves_unread_opens_the_connection_window(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	static char block[16000];
	struct slv_buf buf;
	raw_begin(bench, &buf);
	unsigned updates = 0;
	for (uint32_t id = 1; id < 400; id += 2) {
		raw_ask(&buf, id, END_HEADERS, "POST", "/peek");
		slv_h2_test_frame(&buf, DATA, 0, id, (slv_str){ block, sizeof(block) });
		slv_h2_test_frame(&buf, DATA, 0, id, (slv_str){ block, sizeof(block) });
		raw_send(bench, &buf);
		bench_wait(bench, 1600); /* then they are waved off */
		updates += raw_look(bench, WINDOW_UPDATE).count;
		assert_int_equal(raw_look(bench, GOAWAY).count, 0);
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
	talk_carry(talk);
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(4));
	uint32_t id = slv_h2_test_ask(&talk->client, pairs, &body);
	talk_carry(talk); /* this client does not wait, so none is sent or it comes first */
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, 200);
	assert_true(slv_str_eq(talk_body(talk, id), SLV_STR("abc+0")));
	slv_buf_done(&buf);
}

static void a_100_precedes_the_body(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf, block;
	raw_begin(bench, &buf);
	slv_buf_init(&block, SLV_KIB(4));
	slv_h2_test_field(&block, ":method", "POST");
	slv_h2_test_field(&block, ":scheme", "http");
	slv_h2_test_field(&block, ":authority", "a");
	slv_h2_test_field(&block, ":path", "/echo");
	slv_h2_test_field(&block, "expect", "100-continue");
	slv_h2_test_frame(&buf, HEADERS, END_HEADERS, 1, slv_buf_str(&block));
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, HEADERS).count, 1);
	assert_int_equal(raw_look(bench, HEADERS).flags & END_STREAM, 0);
	slv_h2_test_frame(&buf, DATA, END_STREAM, 1, SLV_STR("abc"));
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, HEADERS).count, 2);
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
	talk_carry(talk);
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
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/echo");
	raw_send(bench, &buf);
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
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/echo");
	unsigned s = 0;
	for (; s < 60 && !bench->upload_error; s++) {
		slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abcdefghij"));
		raw_send(bench, &buf);
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
	talk_carry(talk);
	slv_h2_test_reset(&talk->client, id, SLV_H2_CANCEL);
	talk_carry(talk);
	assert_int_equal(talk->bench->cancelled, 1);
	assert_true(talk->bench->busy);
	bench_answer(talk->bench, 0);
	assert_false(talk->bench->busy);
	talk_carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, 0);
}

static void a_reset_within_a_reply_ends_the_source(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	talk_carry(talk);
	uint32_t id = slv_h2_test_get(&talk->client, "/stream/900000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	assert_int_equal(talk->bench->sources, 1);
	slv_h2_test_reset(&talk->client, id, SLV_H2_CANCEL);
	talk_carry(talk);
	assert_int_equal(talk->bench->sources, 0);
}

static void bytes_that_were_framed_outlive_their_stream(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	talk_carry(talk);
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
	talk_carry(talk);
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
	talk_carry(talk);
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
	talk_carry(talk);
	bench_eof(bench);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	assert_true(slv_h2_test_input(&talk->client, slv_buf_str(&bench->out)));
	assert_true(slv_str_eq(talk_body(talk, id), SLV_STR("late")));
	assert_true(bench->closed);
	assert_false(bench->linger);
}

static void an_upload_that_breaks_off_is_told_to_its_service(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_HEADERS, "POST", "/echo");
	slv_h2_test_frame(&buf, DATA, 0, 1, SLV_STR("abc"));
	raw_send(bench, &buf);
	slv_h2_test_frame(&buf, RST_STREAM, 0, 1, (slv_str){ "\0\0\0\10", 4 });
	raw_send(bench, &buf);
	assert_int_equal(bench->upload_error, SLV_E_CLOSED);
	assert_false(bench->busy);
	slv_buf_done(&buf);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, talk_begin, talk_end)

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
		ROW(bodies_that_are_asked_for_are_bounded),
		ROW(sources_that_do_not_answer_hold_up_nobody),
		ROW(late_parts_count_when_they_come),
		ROW(an_upload_reaches_its_service),
		ROW(a_large_upload_opens_the_windows),
		ROW(trailers_of_a_request_reach_its_service),
		ROW(an_upload_nobody_pulls_stops_at_the_window),
		ROW(an_upload_nobody_wants_is_waved_off),
		ROW(an_upload_past_its_bound_opens_no_window_after_the_answer),
		ROW(an_upload_of_a_bad_head_opens_no_window),
		ROW(who_was_answered_early_may_end_by_itself),
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
