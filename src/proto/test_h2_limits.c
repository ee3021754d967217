#include "base/testing.h"
#include "proto/testing_h2.h"
#include "wire/h2.h"

#include <string.h>

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
		talk_carry(talk);
		assert_int_equal(slv_h2_test_answer(&talk->client, id)->status, rows[i].status);
	}
	assert_false(talk->client.goaway);
}

static void a_malformed_head_is_reset(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "hello");
	raw_ask(&buf, 3, END_STREAM | END_HEADERS, "GET", "/hello");
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 1);
	assert_int_equal(raw_look(bench, RST_STREAM).id, 1);
	assert_int_equal(raw_look(bench, RST_STREAM).code, SLV_H2_PROTOCOL_ERROR);
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
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, PING, 0, 0, SLV_STR("short"));
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, GOAWAY).code, 6); /* FRAME_SIZE_ERROR */
	assert_true(bench->closed && bench->linger);
	slv_buf_done(&buf);
}

/* --- floods --- */

static void a_reset_frees_no_place_while_its_request_is_served(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	bench->conf.h2_streams_max = 10;
	raw_begin(bench, &buf);
	for (uint32_t id = 1; id < 30; id += 2) {
		raw_ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
		slv_h2_test_frame(&buf, RST_STREAM, 0, id, (slv_str){ "\0\0\0\10", 4 });
	}
	raw_send(bench, &buf);
	assert_int_equal(bench->held_count, 10);
	assert_int_equal(bench->cancelled, 10);
	for (unsigned i = 0; i < 10; i++)
		bench_answer(bench, i);
	raw_ask(&buf, 31, END_STREAM | END_HEADERS, "GET", "/later");
	raw_send(bench, &buf);
	assert_int_equal(bench->held_count, 11);
	bench_answer(bench, 10);
	slv_buf_done(&buf);
}

/* Feed `frame` until the session closes; returns how often. */
static unsigned flood(struct bench *bench, struct slv_buf *buf, slv_str frame, unsigned most)
{
	unsigned count = 0;
	raw_send(bench, buf);
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
		raw_begin(bench, &buf);
		raw_ask(&buf, 1, END_HEADERS, "POST", "/later");
		unsigned count = flood(bench, &buf, slv_buf_str(&frame), 5000);
		assert_in_range(count, 1900, 2100);
		assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
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
	raw_begin(bench, &buf);
	for (int i = 0; i < 5000; i++) {
		slv_h2_test_frame(&buf, PING, 0, 0, SLV_STR("12345678"));
		raw_send(bench, &buf);
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
		raw_begin(bench, &buf);
		raw_ask(&buf, 1, END_STREAM, "GET", "/hello");
		for (unsigned i = 1; i <= frames; i++)
			slv_h2_test_frame(&buf, CONTINUATION, i == frames ? END_HEADERS : 0, 1,
					SLV_STR("\0\1x\1y"));
		raw_send(bench, &buf);
		assert_int_equal(bench->closed, frames > 8);
		assert_int_equal(bench->served, frames == 8);
		if (bench->closed)
			assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
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
	raw_begin(bench, &buf);
	slv_buf_init(&block, SLV_KIB(32));
	slv_buf_add(&block, SLV_STR("\x82\x86\x84\x41\x01"
				    "a"));
	slv_buf_add(&block, SLV_STR("\x40\x01x\x7f\xa1\x1e")); /* 4000 bytes follow */
	for (int i = 0; i < 4000; i++)
		slv_buf_add_char(&block, 'v');
	for (int i = 0; i < 10000; i++)
		slv_buf_add_char(&block, '\xbe');
	slv_h2_test_frame(&buf, HEADERS, END_STREAM | END_HEADERS, 1, slv_buf_str(&block));
	raw_ask(&buf, 3, END_STREAM | END_HEADERS, "GET", "/hello");
	bench->out.len = 0;
	raw_send(bench, &buf);
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
	raw_begin(bench, &buf);
	for (; id < 20000 && !bench->closed; id += 2) {
		raw_ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/bytes/100");
		slv_h2_test_frame(&buf, RST_STREAM, 0, id, (slv_str){ "\0\0\0\10", 4 });
		raw_send(bench, &buf);
	}
	assert_in_range(id / 2, 490, 510); /* most of 500 requests were reset at once */
	assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	slv_buf_done(&buf);
}

/* As that, but the client has us reset the streams: a window that overflows. */
static void resets_that_it_provokes_count(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	uint32_t id = 1;
	raw_begin(bench, &buf);
	for (; id < 20000 && !bench->closed; id += 2) {
		raw_ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, id, SLV_STR("\x7f\xff\xff\xff"));
		raw_send(bench, &buf);
		if (bench->held_count)
			bench_answer(bench, 0);
		bench->held_count = 0;
	}
	assert_in_range(id / 2, 140, 510);
	assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	slv_buf_done(&buf);
}

static void requests_that_now_and_then_are_reset_go_on(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	for (uint32_t id = 1; id < 4000; id += 2) {
		raw_ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/hello");
		if (id % 6 == 1)
			slv_h2_test_frame(&buf, RST_STREAM, 0, id, (slv_str){ "\0\0\0\10", 4 });
		raw_send(bench, &buf);
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
	raw_begin(bench, &buf);
	uint32_t id = 1;
	for (; id < 20; id += 2)
		raw_ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	raw_ask(&buf, id, END_STREAM | END_HEADERS, "GET", "/later");
	raw_send(bench, &buf);
	assert_int_equal(bench->held_count, 10);
	assert_true(raw_look(bench, RST_STREAM).code == SLV_H2_REFUSED_STREAM ||
			raw_look(bench, GOAWAY).code == SLV_H2_PROTOCOL_ERROR);
	for (; id < 20000 && !bench->closed; id += 2) {
		raw_ask(&buf, id + 2, END_STREAM | END_HEADERS, "GET", "/later");
		raw_send(bench, &buf);
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
	raw_begin(bench, &buf);
	raw_send(bench, &buf);
	bench->room = 0;
	for (int i = 0; i < 1000 && bench->wants; i++) {
		slv_h2_test_frame(&buf, PING, 0, 0, SLV_STR("12345678"));
		raw_send(bench, &buf);
	}
	assert_false(bench->wants);
	assert_false(bench->closed);
	bench_room(bench, SIZE_MAX);
	assert_true(bench->wants);
	assert_in_range(raw_look(bench, PING).count, 200, 999);
	slv_buf_done(&buf);
}

/* --- time --- */

static void a_head_has_an_absolute_deadline(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_STREAM, "GET", "/hello");
	raw_send(bench, &buf);
	for (int i = 0; i < 7; i++) {
		slv_h2_test_frame(&buf, CONTINUATION, 0, 1, SLV_STR("\0\1x\1y"));
		raw_send(bench, &buf);
		bench_wait(bench, 1300);
	}
	assert_false(bench->closed);
	bench_wait(bench, 1500);
	assert_true(bench->closed);
	assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	assert_int_equal(bench->served, 0);
	slv_buf_done(&buf);
}

static void a_connection_that_asks_nothing_is_closed(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	talk_carry(talk);
	bench_wait(talk->bench, 9900);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 200);
	assert_true(talk->bench->closed);
	talk_carry(talk);
	assert_true(talk->client.goaway);
	assert_int_equal(talk->client.goaway_code, SLV_H2_NO_ERROR);
}

static void an_idle_connection_has_its_time(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	bench_wait(talk->bench, 59500);
	assert_false(talk->bench->closed);
	slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	bench_wait(talk->bench, 59500);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 1100);
	assert_true(talk->bench->closed);
}

/* --- the end of connections --- */

static void draining_takes_what_is_on_its_way_and_finishes(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/later");
	talk_carry(talk);
	/* This one was sent before the client heard of the drain. */
	uint32_t crossing = slv_h2_test_get(&talk->client, "/hello");
	slv_h2_test_output(&talk->client);
	bench->transport.session->ops->drain(bench->transport.session);
	bench_turn(bench);
	assert_int_equal(raw_look(bench, GOAWAY).count, 1);
	talk_carry(talk);
	assert_int_equal(talk->client.goaway_last, 0x7fffffff);
	assert_true(slv_str_eq(talk_body(talk, crossing), SLV_STR("hello")));
	bench_wait(bench, 1100);
	talk_carry(talk);
	assert_int_equal(talk->client.goaway_last, crossing);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	talk_carry(talk);
	assert_int_equal(talk->client.ended, 2);
	assert_true(bench->closed);
}

static void an_idle_connection_drains_politely(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	bench_wait(talk->bench, 5000);
	talk->bench->transport.session->ops->drain(talk->bench->transport.session);
	bench_wait(talk->bench, 1100);
	assert_true(talk->bench->closed);
	talk_carry(talk);
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
		talk_carry(talk);
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
	talk_carry(talk);
	bench_wait(talk->bench, 5000);
	talk_carry(talk);
	assert_false(talk->client.goaway);
	slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	assert_true(talk->client.goaway);
	assert_int_equal(talk->client.ended, 2);
}

static void under_pressure_new_streams_are_refused(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench_h2(bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/later");
	talk_carry(talk);
	bench->edge_conf.lag_ms_max = 100;
	bench_wait(bench, 1000);
	bench->now_ms += 588; /* the edge looks twice a second, and was late by 88 ms */
	bench_turn(bench);
	assert_in_range(slv_edge_pressure(bench->edge), 85, 91);
	uint32_t id = slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	assert_int_equal(slv_h2_test_answer(&talk->client, id)->code, SLV_H2_REFUSED_STREAM);
	assert_false(talk->client.goaway);
	bench_answer(bench, 0);
	talk_carry(talk);
	assert_int_equal(talk->client.ended, 1);
	bench->edge_conf.lag_ms_max = 1000000;
	bench_wait(bench, 1000);
	slv_h2_test_get(&talk->client, "/hello");
	talk_carry(talk);
	assert_int_equal(talk->client.ended, 2);
}

static void a_client_that_says_goaway_is_let_go(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/later");
	slv_h2_test_frame(&buf, GOAWAY, 0, 0, (slv_str){ "\0\0\0\0\0\0\0\0", 8 });
	raw_send(bench, &buf);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	assert_true(bench->closed);
	assert_true(slv_str_find_str(slv_buf_str(&bench->out), SLV_STR("late")) < bench->out.len);
	slv_buf_done(&buf);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, talk_begin, talk_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		ROW(draining_takes_what_is_on_its_way_and_finishes),
		ROW(an_idle_connection_drains_politely),
		ROW(a_connection_ends_after_its_requests),
		ROW(an_old_connection_ends_after_its_request),
		ROW(under_pressure_new_streams_are_refused),
		ROW(a_client_that_says_goaway_is_let_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
