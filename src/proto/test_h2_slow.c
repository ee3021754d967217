/* Clients that take little of what they asked for, or nothing. */
#include "base/testing.h"
#include "proto/testing_h2.h"
#include "wire/h2.h"

#include <string.h>

static void a_client_that_takes_nothing_is_closed(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	talk_carry(talk);
	talk->bench->room = 100;
	slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	bench_wait(talk->bench, 29000);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 1600);
	assert_true(talk->bench->closed);
}

static void a_client_that_takes_what_the_system_has_is_not_closed(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	talk_carry(talk);
	talk->bench->conf.write_floor_bytes_s = 0;
	talk->bench->room = 100;
	talk->bench->unacked = 90;
	slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	for (unsigned i = 0; i < 10; i++) {
		bench_wait(talk->bench, 29000);
		talk->bench->unacked--;
		assert_false(talk->bench->closed);
	}
	bench_wait(talk->bench, 29000);
	assert_false(talk->bench->closed);
	bench_wait(talk->bench, 2600);
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
	talk_carry(talk);
	uint32_t id = slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(talk->bench, slv_buf_str(&talk->client.out));
	slv_buf_clear(&talk->client.out);
	bench_wait(talk->bench, 29000);
	assert_int_equal(raw_look(talk->bench, RST_STREAM).count, 0);
	bench_wait(talk->bench, 2000);
	assert_int_equal(raw_look(talk->bench, RST_STREAM).id, id);
	assert_int_equal(raw_look(talk->bench, RST_STREAM).code, SLV_H2_CANCEL);
	assert_int_equal(talk->bench->holds, 0);
	assert_false(talk->bench->closed);
	slv_buf_done(&buf);
}

/* Open the stream's window by that much; returns how many DATA frames come for it. */
static unsigned frames_for(struct bench *bench, uint32_t id, uint8_t bytes_high, uint8_t bytes_low)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(1));
	char more[4] = { 0, 0, (char)bytes_high, (char)bytes_low };
	bench->out.len = 0;
	slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, id, (slv_str){ more, 4 });
	raw_send(bench, &buf);
	slv_buf_done(&buf);
	return raw_look(bench, DATA).count;
}

static void frames_do_not_become_silly(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\x10\0", 6 });
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/9000");
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, DATA).count, 1); /* 4096 bytes */
	assert_int_equal(frames_for(bench, 1, 3, 255), 0);
	assert_int_equal(frames_for(bench, 1, 0, 1), 1); /* 1024 */
	/* A client may open it only when all of it is used. */
	assert_int_equal(frames_for(bench, 1, 0, 1), 0);
	bench_wait(bench, 600);
	assert_int_equal(raw_look(bench, DATA).count, 1);
	/* 3879 are left, and the last of them may be few. */
	assert_int_equal(frames_for(bench, 1, 15, 38), 1);
	assert_int_equal(frames_for(bench, 1, 0, 1), 1);
	slv_buf_done(&buf);
}

static void who_has_small_windows_is_served_by_them(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\x64", 6 });
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/9000");
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, DATA).count, 1);
	assert_int_equal(frames_for(bench, 1, 0, 49), 0);
	assert_int_equal(frames_for(bench, 1, 0, 1), 1);
	/* A wider window for all lets the held go on. */
	assert_int_equal(frames_for(bench, 1, 0, 10), 0);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\x10\0", 6 });
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, DATA).count, 1);
	slv_buf_done(&buf);
}

/* Open the stream's window by `bytes` once a second, for `seconds`. */
static void take_slowly(struct bench *bench, uint32_t id, uint32_t bytes, unsigned seconds)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(4));
	char more[4] = { (char)(bytes >> 24), (char)(bytes >> 16), (char)(bytes >> 8),
		(char)bytes };
	while (seconds--) {
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, id, (slv_str){ more, 4 });
		raw_send(bench, &buf);
		bench_wait(bench, 1000);
	}
	slv_buf_done(&buf);
}

static void a_reply_has_a_floor(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	bench->conf.write_floor_bytes_s = 1000;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\0\0\0", 6 });
	slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 0, (slv_str){ "\0\x0f\0\0", 4 });
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_send(bench, &buf);
	take_slowly(bench, 1, 1100, 30);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	take_slowly(bench, 1, 5000, 30);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	/* Now there are two, which share the floor; the other one is within its half of it. */
	raw_ask(&buf, 3, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_send(bench, &buf);
	take_slowly(bench, 3, 550, 9);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	take_slowly(bench, 3, 400, 20);
	assert_int_equal(raw_look(bench, RST_STREAM).count, 1);
	assert_int_equal(raw_look(bench, RST_STREAM).id, 3);
	assert_int_equal(raw_look(bench, RST_STREAM).code, SLV_H2_CANCEL);
	assert_false(bench->closed);
	slv_buf_done(&buf);
}

static void a_reply_may_wait_for_others(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	bench->conf.write_floor_bytes_s = 1000;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\x0f\0\0", 6 });
	slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 0, (slv_str){ "\0\x7f\0\0", 4 });
	bench->room = 0;
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_ask(&buf, 3, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_send(bench, &buf);
	for (unsigned second = 0; second < 100; second++) {
		bench_room(bench, 20000);
		bench_wait(bench, 1000);
	}
	assert_int_equal(raw_look(bench, RST_STREAM).count, 0);
	assert_false(bench->closed);
	assert_int_equal(bench->holds, 0); /* both were taken whole */
	slv_buf_done(&buf);
}

static void a_connection_whose_window_stays_shut_is_closed(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\x0f\0\0", 6 });
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_send(bench, &buf);
	bench_wait(bench, 29000);
	assert_false(bench->closed);
	bench_wait(bench, 2000);
	assert_true(bench->closed);
	slv_buf_done(&buf);
}

/* What goes out besides, as answers to PING, is no progress of a reply. */
static void and_other_frames_do_not_put_it_off(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	bench->conf.write_floor_bytes_s = 0;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\x0f\0\0", 6 });
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_send(bench, &buf);
	for (unsigned ms = 0; ms < 31000; ms += 500) {
		bench_wait(bench, 500);
		bench->unacked = 17 - bench->unacked;
	}
	assert_true(bench->closed);
	slv_buf_done(&buf);
}

/* A reply that was taken whole is on its way when the next one begins. */
static void what_is_on_its_way_does_not_count_against_the_next_reply(void **state)
{
	struct talk *talk = *state;
	struct bench *bench = talk->bench;
	bench->conf.write_floor_bytes_s = 1000;
	bench_h2(bench, (slv_str){ 0 });
	talk_carry(talk);
	slv_h2_test_get(&talk->client, "/bytes/60000");
	talk_carry(talk);
	bench->unacked = 50000;
	bench->room = 0;
	slv_h2_test_get(&talk->client, "/bytes/9000");
	slv_h2_test_output(&talk->client);
	bench_input(bench, slv_buf_str(&talk->client.out));
	for (unsigned s = 0; s < 40; s++) {
		bench->unacked -= 1200;
		bench_wait(bench, 1000);
		assert_false(bench->closed);
	}
}

static void a_download_may_open_its_windows_by_little(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/stream/20000000");
	raw_send(bench, &buf);
	for (unsigned i = 0; i < 4800; i++) { /* 19.6 MB, as Go's client does it */
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 0, (slv_str){ "\0\0\x10\0", 4 });
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 1, (slv_str){ "\0\0\x10\0", 4 });
		if (i % 100 == 99)
			raw_send(bench, &buf);
	}
	assert_int_equal(raw_look(bench, GOAWAY).count, 0);
	assert_false(bench->closed);
	assert_true(bench->out.len > 19000000);
	slv_buf_done(&buf);
}

/* A window may open by little, not by next to nothing: 1024 bytes are no oddity, 1023 are. */
static void a_window_that_opens_by_next_to_nothing_is_a_flood(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	for (unsigned i = 0; i < 2100; i++)
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 0, (slv_str){ "\0\0\4\0", 4 });
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, GOAWAY).count, 0);
	for (unsigned i = 0; i < 2100; i++)
		slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 0, (slv_str){ "\0\0\3\xff", 4 });
	raw_send(bench, &buf);
	assert_int_equal(raw_look(bench, GOAWAY).code, SLV_H2_ENHANCE_YOUR_CALM);
	slv_buf_done(&buf);
}

static void a_connection_has_a_floor(void **state)
{
	struct bench *bench = ((struct talk *)*state)->bench;
	bench->conf.write_floor_bytes_s = 1000;
	struct slv_buf buf;
	raw_begin(bench, &buf);
	slv_h2_test_frame(&buf, SETTINGS, 0, 0, (slv_str){ "\0\4\0\x0f\0\0", 6 });
	slv_h2_test_frame(&buf, WINDOW_UPDATE, 0, 0, (slv_str){ "\0\x0f\0\0", 4 });
	bench->room = 0;
	raw_ask(&buf, 1, END_STREAM | END_HEADERS, "GET", "/bytes/900000");
	raw_send(bench, &buf);
	for (unsigned second = 0; second < 30; second++) {
		bench_room(bench, 1100);
		bench_wait(bench, 1000);
	}
	assert_false(bench->closed);
	for (unsigned second = 0; second < 30 && !bench->closed; second++) {
		bench_room(bench, 500);
		bench_wait(bench, 1000);
	}
	assert_true(bench->closed);
	slv_buf_done(&buf);
}

static void a_slow_source_is_not_the_clients_fault(void **state)
{
	struct talk *talk = *state;
	talk->bench->sources_stall = true;
	bench_h2(talk->bench, (slv_str){ 0 });
	slv_h2_test_get(&talk->client, "/stream/9000");
	talk_carry(talk);
	bench_wait(talk->bench, 120000);
	talk_carry(talk);
	assert_int_equal(talk->client.resets, 0);
	assert_false(talk->bench->closed);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, talk_begin, talk_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_client_that_takes_nothing_is_closed),
		ROW(a_client_that_takes_what_the_system_has_is_not_closed),
		ROW(a_window_that_stays_shut_costs_its_stream),
		ROW(frames_do_not_become_silly),
		ROW(who_has_small_windows_is_served_by_them),
		ROW(a_reply_has_a_floor),
		ROW(a_reply_may_wait_for_others),
		ROW(a_connection_whose_window_stays_shut_is_closed),
		ROW(and_other_frames_do_not_put_it_off),
		ROW(what_is_on_its_way_does_not_count_against_the_next_reply),
		ROW(a_download_may_open_its_windows_by_little),
		ROW(a_window_that_opens_by_next_to_nothing_is_a_flood),
		ROW(a_connection_has_a_floor),
		ROW(a_slow_source_is_not_the_clients_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
