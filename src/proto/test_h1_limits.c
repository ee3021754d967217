#include "proto/testing_h1.h"

/* --- time --- */

static void a_head_has_an_absolute_deadline(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /hello HTTP/1.1\r\n");
	for (int i = 0; i < 9; i++) {
		bench_wait(bench, 1000);
		say(bench, "X: y\r\n");
		assert_int_equal(bench->out.len, 0);
	}
	bench_wait(bench, 1100);
	assert_true(has(heard(bench), "HTTP/1.1 408 "));
	assert_true(bench->closed);
}

static void a_connection_that_asks_nothing_is_closed(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	bench_wait(bench, 9900);
	assert_false(bench->closed);
	bench_wait(bench, 200);
	assert_true(bench->closed);
	assert_int_equal(bench->out.len, 0);
}

static void a_kept_connection_has_its_own_time(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench_wait(bench, 59900);
	assert_false(bench->closed);
	bench_wait(bench, 200);
	assert_true(bench->closed);
}

static void an_upload_that_stands_still_is_408(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"));
	bench_wait(bench, 29900);
	assert_int_equal(bench->out.len, 0);
	bench_wait(bench, 200);
	assert_int_equal(bench->upload_error, SLV_E_SLOW);
	assert_true(has(heard(bench), "HTTP/1.1 408 "));
	assert_true(bench->closed);
}

static void an_upload_that_crawls_is_408(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"));
	unsigned s = 0;
	for (; s < 60 && !bench->upload_error; s++) {
		bench_wait(bench, 1000);
		say(bench, "abcdefghij");
	}
	assert_in_range(s, 10, 12);
	assert_int_equal(bench->upload_error, SLV_E_SLOW);
}

static void an_upload_at_the_floor_rate_goes_on(void **state)
{
	struct bench *bench = *state;
	static char block[1101];
	memset(block, 'x', sizeof(block) - 1);
	bench_h1(bench, SLV_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 33000\r\n\r\n"));
	for (int s = 0; s < 30; s++) {
		say(bench, block);
		bench_wait(bench, 1000);
	}
	assert_int_equal(bench->upload_error, 0);
	assert_true(has(heard(bench), "HTTP/1.1 200 OK"));
}

static void a_client_that_takes_nothing_is_closed(void **state)
{
	struct bench *bench = *state;
	bench->room = 1000;
	bench_h1(bench, SLV_STR("GET /bytes/9000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench_wait(bench, 29000);
	bench_room(bench, 10); /* progress puts it off */
	bench_wait(bench, 29000);
	assert_false(bench->closed);
	bench_wait(bench, 1100);
	assert_true(bench->closed);
}

static void a_client_that_takes_what_the_system_has_is_not_closed(void **state)
{
	struct bench *bench = *state;
	bench->room = 80000;
	bench->unacked = 70000;
	bench_h1(bench, SLV_STR("GET /bytes/90000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	for (unsigned i = 0; i < 10; i++) {
		bench_wait(bench, 29000);
		bench->unacked--;
		assert_false(bench->closed);
	}
	bench_wait(bench, 29000);
	assert_false(bench->closed);
	bench_wait(bench, 32000);
	assert_true(bench->closed);
}

/* Of the reply itself nothing arrives as long as those before it do. */
static void nor_one_that_takes_replies_before_it(void **state)
{
	struct bench *bench = *state;
	bench->conf.write_floor_bytes_s = 0;
	bench->room = 160000;
	bench->unacked = 160000;
	bench_h1(bench, SLV_STR("GET /bytes/80000 HTTP/1.1\r\nHost: a\r\n\r\n"
				"GET /bytes/90000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	for (unsigned i = 0; i < 5; i++) {
		bench_wait(bench, 29000);
		bench->unacked -= 1000;
		assert_false(bench->closed);
	}
	bench_wait(bench, 61000);
	assert_true(bench->closed);
}

static void but_there_is_a_floor_for_it(void **state)
{
	struct bench *bench = *state;
	bench->conf.write_floor_bytes_s = 1000;
	bench->room = 80000;
	bench->unacked = 79000;
	bench_h1(bench, SLV_STR("GET /bytes/90000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench_wait(bench, 29000);
	bench->unacked -= 35000;
	bench_wait(bench, 29000); /* at 30 s there are 36,000 bytes with it */
	assert_false(bench->closed);
	bench->unacked -= 10000;
	bench_wait(bench, 4000); /* at 60 s 46,000 */
	assert_true(bench->closed);
}

static void trailers_are_no_progress_of_an_upload(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
				"Transfer-Encoding: chunked\r\n\r\n0\r\nx: "));
	unsigned s = 0;
	for (; s < 60 && !bench->upload_error; s++) {
		say(bench, "y");
		bench_wait(bench, 1000);
	}
	assert_in_range(s, 10, 12);
	assert_int_equal(bench->upload_error, SLV_E_SLOW);
}

static void without_a_floor_an_upload_still_has_its_idle_time(void **state)
{
	struct bench *bench = *state;
	bench->conf.body_floor_bytes_s = 0;
	bench_h1(bench, SLV_STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
				"Transfer-Encoding: chunked\r\n\r\n5;"));
	unsigned s = 0;
	for (; s < 60 && !bench->upload_error; s++) {
		say(bench, "e");
		bench_wait(bench, 1000);
	}
	assert_in_range(s, 29, 31);
	assert_int_equal(bench->upload_error, SLV_E_SLOW);
}

/* Take `bytes` of the reply a second; after how many seconds the connection is closed, or 0. */
static unsigned taken_until_closed(struct bench *bench, size_t bytes, unsigned seconds)
{
	for (unsigned s = 0; s < seconds; s++) {
		bench_room(bench, bytes);
		bench_wait(bench, 1000);
		if (bench->closed)
			return s + 1;
	}
	return 0;
}

static void a_reply_has_a_floor(void **state)
{
	struct bench *bench = *state;
	bench->conf.write_floor_bytes_s = 1000;
	bench->room = 0;
	bench_h1(bench, SLV_STR("GET /bytes/90000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(taken_until_closed(bench, 1100, 30), 0);
	assert_int_equal(taken_until_closed(bench, 5000, 3), 0);
	/* What was taken fast before counts too. */
	assert_in_range(taken_until_closed(bench, 100, 60), 5, 30);
}

static void so_has_one_that_comes_in_parts(void **state)
{
	struct bench *bench = *state;
	bench->conf.write_floor_bytes_s = 100000;
	bench->room = 0;
	bench_h1(bench, SLV_STR("GET /stream/9000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_in_range(taken_until_closed(bench, 60000, 60), 10, 13);
}

static void a_reply_that_was_taken_whole_is_not_cut_off(void **state)
{
	struct bench *bench = *state;
	bench->conf.write_floor_bytes_s = 1000;
	bench->room = 0;
	bench_h1(bench, SLV_STR("GET /bytes/9000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench_wait(bench, 25000);
	bench_room(bench, SIZE_MAX);
	bench_wait(bench, 1000);
	assert_false(bench->closed);
	assert_int_equal(strlen(strstr(heard(bench), "\r\n\r\n") + 4), 9000);
}

static void a_slow_source_is_not_the_clients_fault(void **state)
{
	struct bench *bench = *state;
	bench->sources_stall = true;
	bench_h1(bench, SLV_STR("GET /stream/9000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench_wait(bench, 120000);
	assert_false(bench->closed);
}

/* --- the end of connections --- */

static void the_last_request_of_a_connection_says_so(void **state)
{
	struct bench *bench = *state;
	bench->conf.requests_max = 2;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(has(heard(bench), "onnection: close"));
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(has(heard(bench), "onnection: close"));
	assert_true(bench->closed);
}

static void an_old_connection_is_closed_after_its_request(void **state)
{
	struct bench *bench = *state;
	bench->conf.age_ms = 5000;
	bench_h1(bench, SLV_STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench_wait(bench, 5000);
	assert_false(bench->closed);
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(bench->closed);
}

static void draining_finishes_what_is_begun(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"));
	bench->transport.draining = true;
	bench->transport.session->ops->drain(bench->transport.session);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	assert_true(has(heard(bench), "onnection: close"));
	assert_true(bench->closed);
}

static void a_request_that_meets_the_drain_is_still_answered(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	bench->transport.draining = true;
	bench->transport.session->ops->drain(bench->transport.session);
	assert_false(bench->closed);
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(has(heard(bench), "onnection: close"));
	assert_true(bench->closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_head_has_an_absolute_deadline),
		ROW(a_connection_that_asks_nothing_is_closed),
		ROW(a_kept_connection_has_its_own_time),
		ROW(an_upload_that_stands_still_is_408),
		ROW(an_upload_that_crawls_is_408),
		ROW(an_upload_at_the_floor_rate_goes_on),
		ROW(a_client_that_takes_nothing_is_closed),
		ROW(a_client_that_takes_what_the_system_has_is_not_closed),
		ROW(nor_one_that_takes_replies_before_it),
		ROW(but_there_is_a_floor_for_it),
		ROW(trailers_are_no_progress_of_an_upload),
		ROW(without_a_floor_an_upload_still_has_its_idle_time),
		ROW(a_reply_has_a_floor),
		ROW(so_has_one_that_comes_in_parts),
		ROW(a_reply_that_was_taken_whole_is_not_cut_off),
		ROW(a_slow_source_is_not_the_clients_fault),
		ROW(the_last_request_of_a_connection_says_so),
		ROW(an_old_connection_is_closed_after_its_request),
		ROW(draining_finishes_what_is_begun),
		ROW(a_request_that_meets_the_drain_is_still_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
