#include "proto/testing_h1.h"

#include <stdio.h>

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;
	while ((text = strstr(text, part))) {
		text++;
		count++;
	}
	return count;
}

static bool ends_with(const char *text, const char *end_)
{
	return slv_str_ends(slv_str_from(text), slv_str_from(end_));
}

/* --- one request --- */

static void a_get_is_answered_and_the_connection_kept(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_true(slv_str_starts(slv_str_from(text), SLV_STR("HTTP/1.1 200 OK\r\n")));
	assert_true(has(text, "Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_true(ends_with(text, "\r\n\r\nhello"));
	assert_false(bench->closed);
	assert_false(bench->busy);
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(ends_with(heard(bench), "\r\n\r\nhello"));
	assert_int_equal(bench->served, 2);
}

static void bytes_may_come_one_by_one(void **state)
{
	struct bench *bench = *state;
	const char *text = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
			   "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
	bench_h1(bench, (slv_str){ text, 1 });
	for (size_t i = 1; text[i]; i++)
		bench_input(bench, (slv_str){ text + i, 1 });
	text = heard(bench);
	assert_true(has(text, "\r\n\r\nabcde+1HTTP/1.1 200 OK\r\n"));
	assert_true(ends_with(text, "\r\n\r\nhello"));
}

static void what_was_read_early_is_used(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(ends_with(heard(bench), "hello"));
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
		   "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
		   "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(bench->out.len, 0);
	assert_true(bench->busy);
	bench_answer(bench, 0);
	const char *text = heard(bench);
	const char *late = strstr(text, "late"), *hello = strstr(text, "hello");
	assert_true(late && hello && late < hello);
	assert_true(has(hello, "HTTP/1.1 204 No Content\r\n"));
}

static void what_was_pipelined_before_a_half_close_is_answered(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	bench_eof(bench);
	assert_false(bench->closed);
	bench_answer(bench, 0);
	assert_true(ends_with(heard(bench), "hello"));
	assert_true(bench->closed);
	assert_false(bench->linger);
}

static void a_close_of_the_clients_is_honoured(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_true(has(heard(bench), "onnection: close\r\n"));
	assert_true(bench->closed && bench->linger);
}

static void an_old_client_gets_no_chunks(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /stream/2500 HTTP/1.0\r\n\r\n");
	const char *text = heard(bench);
	assert_false(has(text, "chunked"));
	assert_true(has(text, "onnection: close\r\n"));
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 2500);
	assert_true(bench->closed);
}

/* --- replies --- */

static void head_gets_the_length_and_no_body(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "HEAD /bytes/100000 HTTP/1.1\r\nHost: a\r\n\r\n"
		   "HEAD /stream/5000 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(bench->holds, 0);
	assert_int_equal(bench->sources, 0);
	assert_int_equal(bench->pulls, 0);
	const char *text = heard(bench);
	assert_true(has(text, "ontent-Length: 100000\r\n") ||
			has(text, "ontent-length: 100000\r\n"));
	assert_true(ends_with(text, "\r\n\r\n"));
	assert_int_equal(count_of(text, "\r\n\r\n"), 2);
}

static void a_304_and_a_204_have_no_body(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /unchanged HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: "
		   "a\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "304 Not Modified\r\n") && has(text, "\"v1\"\r\n"));
	assert_true(has(text, "204 No Content\r\n"));
	assert_false(has(text, "ength"));
	assert_int_equal(count_of(text, "\r\n\r\n"), 2);
}

static void a_body_of_unknown_length_comes_in_chunks_with_its_trailers(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /stream/2500 HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "\r\n\r\n3e8\r\nabc"));
	assert_int_equal(count_of(text, "\r\n3e8\r\n"), 2);
	assert_int_equal(count_of(text, "\r\n1f4\r\n"), 1);
	assert_true(ends_with(text, "\r\n0\r\nx-sum: 42\r\n\r\n"));
	assert_int_equal(bench->sources, 0);
	assert_false(bench->closed);
}

static void a_source_that_tells_its_length_has_it(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /sized/2500 HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 2500);
	assert_false(bench->closed);
}

static void a_source_that_ends_early_breaks_the_connection(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 2500);
	assert_true(bench->closed);
	assert_int_equal(bench->served, 1);
}

static void a_source_that_gives_too_much_is_cut(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 1500);
	assert_true(bench->closed);
	assert_int_equal(bench->sources, 0);
}

static void a_source_that_fails_leaves_the_chunks_open(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(ends_with(heard(bench), "0\r\n\r\n"));
	assert_true(bench->closed);
}

static void a_field_that_cannot_be_sent_gives_500(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "HTTP/1.1 500 "));
	assert_false(has(text, "never sent") || has(text, "b: c"));
	assert_true(bench->closed);
}

static void a_file_is_sent_by_the_kernel(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /file/65536 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(bench->sendfiles, 1);
	const char *text = heard(bench);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 65536);
	say(bench, "GET /file/65535 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(bench->sendfiles, 1); /* a smaller one is copied */
	text = heard(bench);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 65535);
	assert_int_equal(bench->holds, 0);
}

static void pieces_of_a_file_are_sent_by_the_kernel(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	bench->part_bytes = 100000;
	say(bench, "GET /sized/250000 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(bench->sendfiles, 2); /* and the last piece is written */
	slv_str sent = slv_str_copy(&bench->arena, slv_str_from(strstr(heard(bench), "\r\n\r\n")));
	say(bench, "GET /bytes/250000 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(slv_str_eq(sent, slv_str_from(strstr(heard(bench), "\r\n\r\n"))));
	assert_int_equal(bench->sendfiles + bench->sources, 2);
}

/* Each amount of room at a time, so that every cut is met. */
static void a_transport_that_takes_little_gets_all(void **state)
{
	struct bench *bench = *state;
	static const char *const paths[] = { "/bytes/3000", "/stream/3000", "/file/20000",
		"/file/70000", "/sized/250000", "/stream/250000" };
	bench->part_bytes = 100000;
	bench_h1(bench, (slv_str){ 0 });
	for (size_t i = 0; i < SLV_COUNT(paths); i++) {
		char text[100];
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
		bench->room = 0;
		say(bench, text);
		assert_int_equal(bench->out.len, 0);
		for (size_t room = 1; bench->busy; room = room % 97 + 1)
			bench_room(bench, room);
		assert_int_equal(bench->holds + bench->sources, 0);
		slv_str small = slv_str_copy(&bench->arena, slv_str_from(heard(bench)));
		bench_room(bench, SIZE_MAX);
		say(bench, text);
		slv_str whole = slv_buf_str(&bench->out);
		assert_true(slv_str_eq(small, whole));
		slv_buf_clear(&bench->out);
	}
}

/* --- request bodies --- */

static void an_upload_reaches_its_service(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
	assert_int_equal(bench->out.len, 0);
	say(bench, "56789GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "\r\n\r\n0123456789+0HTTP"));
	assert_true(ends_with(text, "hello"));
}

static void an_upload_is_read_only_as_it_is_pulled(void **state)
{
	struct bench *bench = *state;
	char block[4096];
	memset(block, 'x', sizeof(block));
	bench->conf.body_bytes_max = 1000000;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
	size_t taken = 0;
	for (int i = 0; i < 100; i++) {
		char *at = NULL;
		struct slv_session *session = bench->transport.session;
		size_t room = session->ops->room(session, &at);
		if (!room)
			break;
		size_t part = room < sizeof(block) ? room : sizeof(block);
		memcpy(at, block, part);
		session->ops->input(session, part);
		taken += part;
	}
	assert_in_range(taken, 1, 65536);
	bench_answer(bench, 0);
	assert_true(has(heard(bench), "late"));
	assert_true(bench->closed); /* that much is not worth reading */
}

static void a_large_upload_comes_through(void **state)
{
	struct bench *bench = *state;
	static char body[100000];
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)('a' + i % 26);
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
	bench_turn(bench);
	for (size_t at = 0; at < sizeof(body);) {
		/* As far as there is room; then the service has its turn. */
		char *to = NULL;
		struct slv_session *session = bench->transport.session;
		size_t room = session->ops->room(session, &to);
		size_t part = room < sizeof(body) - at ? room : sizeof(body) - at;
		memcpy(to, body + at, part);
		if (part)
			session->ops->input(session, part);
		at += part;
		bench_turn(bench);
	}
	bench_turn(bench);
	slv_str out = slv_buf_str(&bench->out);
	size_t head = slv_str_find_str(out, SLV_STR("\r\n\r\n")) + 4;
	assert_int_equal(out.len - head, sizeof(body) + 2);
	assert_memory_equal(out.at + head, body, sizeof(body));
}

static void the_rest_of_a_body_nobody_read_is_skipped(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
	assert_true(ends_with(heard(bench), "ignored"));
	assert_true(bench->busy);
	say(bench, "56789GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(ends_with(heard(bench), "hello"));
	say(bench, "POST /peek HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc");
	assert_true(ends_with(heard(bench), "peeked"));
	say(bench, "\r\n4\r\ndefg\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(ends_with(heard(bench), "hello"));
	assert_false(bench->closed);
}

static void a_body_past_its_bound_is_413(void **state)
{
	struct bench *bench = *state;
	bench->conf.body_bytes_max = 10;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
	assert_true(has(heard(bench), "0123456789+0"));
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		   "a\r\n0123456789\r\n0\r\n\r\n");
	assert_true(has(heard(bench), "0123456789+0"));
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		   "b\r\n0123456789a\r\n0\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "HTTP/1.1 413 ") && has(text, "limits.body_bytes"));
	assert_true(bench->closed);
}

static void an_announced_length_past_the_bound_is_refused_at_once(void **state)
{
	struct bench *bench = *state;
	bench->conf.body_bytes_max = 10;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "HEAD /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "HTTP/1.1 413 "));
	assert_true(ends_with(text, "\r\n\r\n")); /* and HEAD has no body, even so */
	assert_int_equal(bench->served, 0);
	assert_true(bench->closed);
}

static void chunks_that_are_none_are_400(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
	assert_true(has(heard(bench), "HTTP/1.1 400 "));
	assert_true(bench->closed);
	assert_int_equal(bench->upload_error, SLV_E_SYNTAX);
}

static void who_expects_gets_100_once_somebody_reads(void **state)
{
	struct bench *bench = *state;
	const char *head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
			   "Content-Length: 3\r\n\r\n";
	bench_h1(bench, (slv_str){ 0 });
	say(bench, head);
	assert_string_equal(heard(bench), "HTTP/1.1 100 Continue\r\n\r\n");
	say(bench, "abc");
	assert_true(ends_with(heard(bench), "\r\n\r\nabc+0"));

	/* For one of no bytes, too: it was announced, and there are clients that wait for it. */
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		   "Content-Length: 0\r\n\r\n");
	assert_true(slv_str_starts(slv_str_from(heard(bench)),
			SLV_STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")));

	/* Not if the body is there already, nor if nobody wants it. */
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		   "Content-Length: 3\r\n\r\nabc");
	assert_false(has(heard(bench), "100 Continue"));
	say(bench, "POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		   "Content-Length: 3\r\n\r\n");
	const char *text = heard(bench);
	assert_false(has(text, "100 Continue"));
	assert_true(has(text, "onnection: close\r\n"));
	assert_true(bench->closed);
}

static void a_100_that_finds_no_room_is_sent_in_pieces(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	bench->room = 7;
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		   "Content-Length: 3\r\n\r\n");
	assert_string_equal(heard(bench), "HTTP/1.");
	bench_room(bench, 5);
	assert_string_equal(heard(bench), "1 100");
	say(bench, "abc");
	bench_room(bench, SIZE_MAX);
	const char *text = heard(bench);
	assert_true(slv_str_starts(
			slv_str_from(text), SLV_STR(" Continue\r\n\r\nHTTP/1.1 200 OK\r\n")));
	assert_true(ends_with(text, "abc+0"));
}

/* --- what goes wrong --- */

static void a_head_that_is_none_is_answered_and_the_rest_dropped(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "GET /hello HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\nGET /hello HTTP/1.1\r\nHost: "
		   "a\r\n\r\n");
	const char *text = heard(bench);
	assert_true(has(text, "HTTP/1.1 400 ") && has(text, "onnection: close\r\n"));
	assert_int_equal(count_of(text, "HTTP/1.1"), 1);
	assert_true(bench->closed && bench->linger);
	assert_int_equal(bench->served, 0);
}

static void errors_have_their_status(void **state)
{
	static const struct {
		const char *head, *status;
	} rows[] = {
		{ "GET /a HTTP/3.0\r\nHost: a\r\n\r\n", " 505 " },
		{ "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", " 501 " },
		{ "GET /a HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", " 417 " },
		{ "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n", " 404 " },
		{ "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", " 400 " },
		{ "GET /hello HTTP/1.1\r\n\r\n", " 400 " },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct bench *bench = bench_new();
		bench_h1(bench, slv_str_from(rows[i].head));
		assert_true(has(heard(bench), rows[i].status));
		bench_free(bench);
	}
}

static void a_head_past_its_bound_is_431(void **state)
{
	struct bench *bench = *state;
	static char head[40000] = "GET /hello HTTP/1.1\r\nHost: a\r\n";
	size_t len = strlen(head);
	while (len < 33000)
		len += (size_t)snprintf(head + len, sizeof(head) - len, "X: %01000d\r\n", 1);
	bench_h1(bench, (slv_str){ 0 });
	say(bench, head);
	assert_true(has(heard(bench), "HTTP/1.1 431 "));
	assert_true(bench->closed);
}

static void a_client_that_leaves_cancels_its_request(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(bench->held_count, 1);
	bench_close(bench);
	assert_int_equal(bench->cancelled, 1);
	bench_answer(bench, 0); /* is still owed, and dropped */
	assert_int_equal(bench->out.len, 0);
}

static void a_client_that_leaves_within_its_upload_is_told_to_the_service(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
	bench_eof(bench);
	assert_int_equal(bench->upload_error, SLV_E_CLOSED);
	assert_true(bench->closed);
	bench_close(bench);

	bench->closed = false;
	bench->upload_error = 0;
	bench_h1(bench, (slv_str){ 0 });
	say(bench, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
	bench_close(bench);
	assert_int_equal(bench->upload_error, SLV_E_CLOSED);
}

static void a_client_that_leaves_within_its_reply_ends_the_source(void **state)
{
	struct bench *bench = *state;
	bench->room = 1500;
	bench_h1(bench, SLV_STR("GET /stream/9000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(bench->sources, 1);
	bench_close(bench);
	assert_int_equal(bench->sources, 0);
}

static void a_half_closed_client_without_a_request_is_closed(void **state)
{
	struct bench *bench = *state;
	bench_h1(bench, SLV_STR("GET /hel"));
	bench_eof(bench);
	assert_true(bench->closed);
	assert_int_equal(bench->out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_get_is_answered_and_the_connection_kept),
		ROW(bytes_may_come_one_by_one),
		ROW(what_was_read_early_is_used),
		ROW(pipelined_requests_are_answered_in_order),
		ROW(what_was_pipelined_before_a_half_close_is_answered),
		ROW(a_close_of_the_clients_is_honoured),
		ROW(an_old_client_gets_no_chunks),
		ROW(head_gets_the_length_and_no_body),
		ROW(a_304_and_a_204_have_no_body),
		ROW(a_body_of_unknown_length_comes_in_chunks_with_its_trailers),
		ROW(a_source_that_tells_its_length_has_it),
		ROW(a_source_that_ends_early_breaks_the_connection),
		ROW(a_source_that_gives_too_much_is_cut),
		ROW(a_source_that_fails_leaves_the_chunks_open),
		ROW(a_field_that_cannot_be_sent_gives_500),
		ROW(a_file_is_sent_by_the_kernel),
		ROW(pieces_of_a_file_are_sent_by_the_kernel),
		ROW(a_transport_that_takes_little_gets_all),
		ROW(an_upload_reaches_its_service),
		ROW(an_upload_is_read_only_as_it_is_pulled),
		ROW(a_large_upload_comes_through),
		ROW(the_rest_of_a_body_nobody_read_is_skipped),
		ROW(a_body_past_its_bound_is_413),
		ROW(an_announced_length_past_the_bound_is_refused_at_once),
		ROW(chunks_that_are_none_are_400),
		ROW(who_expects_gets_100_once_somebody_reads),
		ROW(a_100_that_finds_no_room_is_sent_in_pieces),
		ROW(a_head_that_is_none_is_answered_and_the_rest_dropped),
		ROW(errors_have_their_status),
		ROW(a_head_past_its_bound_is_431),
		ROW(a_client_that_leaves_cancels_its_request),
		ROW(a_client_that_leaves_within_its_upload_is_told_to_the_service),
		ROW(a_client_that_leaves_within_its_reply_ends_the_source),
		ROW(a_half_closed_client_without_a_request_is_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
