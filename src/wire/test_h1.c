#include "wire/h1.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"

#include <string.h>

#define HOST "Host: a.example\r\n"

static int set_up(void **state)
{
	struct slv_arena *arena = SLV_ALLOC(struct slv_arena);
	slv_arena_init(arena, 4096, 65536);
	*state = arena;
	return 0;
}

static int tear_down(void **state)
{
	slv_arena_done(*state);
	slv_free(*state);
	return 0;
}

static slv_err parse(void **state, slv_str bytes, struct slv_h1_head *head, size_t *used)
{
	struct slv_h1_parser parser = { 0 };
	*used = SIZE_MAX;
	return slv_h1_parse(&parser, *state, bytes, &SLV_H1_LIMITS_DEFAULT, head, used);
}

static struct slv_h1_head parsed(void **state, slv_str bytes)
{
	struct slv_h1_head head;
	size_t used;
	slv_err err = parse(state, bytes, &head, &used);
	if (slv_failed(err))
		fail_msg("%.*s: %s", SLV_FMT(bytes), err.what);
	assert_int_equal(used, bytes.len);
	return head;
}

static void fails(void **state, slv_str bytes, enum slv_code code, const char *part)
{
	struct slv_h1_head head;
	size_t used;
	slv_err err = parse(state, bytes, &head, &used);
	assert_int_equal(err.code, code);
	assert_non_null(err.what);
	if (!strstr(err.what, part))
		fail_msg("'%s' does not tell of '%s'", err.what, part);
	assert_int_equal(used, SIZE_MAX); /* outputs are written on success only */
}

static void is(slv_str got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	if (got.len)
		assert_memory_equal(got.at, want, got.len);
}

static void a_browsers_request_is_understood(void **state)
{
	slv_str bytes = SLV_STR("GET /a/b?c=%20d HTTP/1.1\r\n"
				"Host: a.example:8080\r\n"
				"Accept: image/avif,image/webp,*/*;q=0.8\r\n"
				"Cookie:a=b; c=\"\xc3\xa4\"\r\n"
				"X-Empty:\r\n"
				"X-Blank: \t \r\n"
				"X-Inner: \t a \t b \t\r\n"
				"\r\n");
	struct slv_h1_head head = parsed(state, bytes);
	assert_int_equal(head.method, SLV_METHOD_GET);
	is(head.method_name, "GET");
	is(head.target, "/a/b?c=%20d");
	is(head.host, "a.example:8080");
	assert_int_equal(head.version, 11);
	assert_true(head.keep_alive);
	assert_false(head.expect_continue);
	assert_false(head.framing.chunked);
	assert_int_equal(head.framing.length, 0);
	assert_int_equal(head.fields.count, 6);
	is(head.fields.at[1].name, "Accept");
	assert_int_equal(head.fields.at[1].id, SLV_FIELD_ACCEPT);
	is(head.fields.at[2].value, "a=b; c=\"\xc3\xa4\"");
	is(head.fields.at[3].value, "");
	is(head.fields.at[4].value, "");
	is(head.fields.at[5].name, "X-Inner");
	is(head.fields.at[5].value, "a \t b");
	/* views of the bytes, not copies */
	assert_ptr_equal(head.method_name.at, bytes.at);
	assert_true(head.fields.at[5].value.at > bytes.at &&
			head.fields.at[5].value.at < bytes.at + bytes.len);
}

static void what_is_behind_the_head_is_left(void **state)
{
	slv_str first = SLV_STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n");
	slv_str bodies[] = { SLV_STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab"),
		SLV_STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n\r\n\r\n"),
		SLV_STR("POST / HTTP/1.1\r\n" HOST
			"Content-Length: 4\r\n\r\nabcdGET / HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\na\nb\n\n") };
	for (size_t i = 0; i < SLV_COUNT(bodies); i++) {
		struct slv_h1_head head;
		size_t used;
		assert_false(slv_failed(parse(state, bodies[i], &head, &used)));
		assert_int_equal(used, first.len);
		assert_int_equal(head.framing.length, 4);
	}
}

/* Feed byte by byte; each call gets bytes at another place. */
static void a_head_may_come_byte_by_byte(void **state)
{
	slv_str whole = SLV_STR("\r\nPUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
				"Expect: 100-continue\r\n\r\n");
	struct slv_h1_parser parser = { 0 };
	for (size_t len = 0; len <= whole.len; len++) {
		char *copy = slv_alloc(len);
		memcpy(copy, whole.at, len);
		struct slv_h1_head head;
		size_t used = SIZE_MAX;
		slv_err err = slv_h1_parse(&parser, *state, (slv_str){ copy, len },
				&SLV_H1_LIMITS_DEFAULT, &head, &used);
		assert_false(slv_failed(err));
		assert_int_equal(used, len == whole.len ? len : 0);
		if (used) {
			assert_true(head.framing.chunked);
			assert_true(head.expect_continue);
			is(head.host, "a.example");
		}
		slv_free(copy);
	}
}

static void a_growing_buffer_is_searched_once(void **state)
{
	slv_str part = SLV_STR("GET / HTTP/1.1\r\n" HOST "A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	struct slv_h1_parser parser = { 0 };
	struct slv_h1_head head;
	size_t used;
	slv_err err = slv_h1_parse(&parser, *state, part, &SLV_H1_LIMITS_DEFAULT, &head, &used);
	assert_false(slv_failed(err));
	assert_int_equal(used, 0);
	assert_int_equal(parser.scanned, part.len);
}

static void one_empty_line_may_come_first(void **state)
{
	parsed(state, SLV_STR("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"));
	fails(state, SLV_STR("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), SLV_E_SYNTAX, "method");
	fails(state, SLV_STR("\nGET / HTTP/1.1\r\n" HOST "\r\n"), SLV_E_SYNTAX, "method");
	fails(state, SLV_STR("\rGET / HTTP/1.1\r\n" HOST "\r\n"), SLV_E_SYNTAX, "CR");
}

static void the_connection_is_kept_as_the_version_says(void **state)
{
	const struct {
		slv_str bytes;
		bool keep;
	} rows[] = {
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "\r\n"), true },
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), false },
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: x , CLOSE,,\r\n\r\n"), false },
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, close\r\n\r\n"),
				false },
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: x\r\nConnection: close\r\n\r\n"),
				false },
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n"), true },
		{ SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection:\r\n\r\n"), true },
		{ SLV_STR("GET / HTTP/1.0\r\n\r\n"), false },
		{ SLV_STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true },
		{ SLV_STR("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), false },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++)
		assert_int_equal(parsed(state, rows[i].bytes).keep_alive, rows[i].keep);
	fails(state, SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: a b\r\n\r\n"), SLV_E_SYNTAX,
			"Connection");
	fails(state, SLV_STR("GET / HTTP/1.1\r\n" HOST "Connection: \"close\"\r\n\r\n"),
			SLV_E_SYNTAX, "Connection");
}

static void the_host_is_the_targets_or_the_fields(void **state)
{
	is(parsed(state, SLV_STR("GET http://b.example:81/x HTTP/1.1\r\n" HOST "\r\n")).host,
			"b.example:81");
	is(parsed(state, SLV_STR("GET HTTPS://[::1]/ HTTP/1.0\r\n\r\n")).host, "[::1]");
	is(parsed(state, SLV_STR("GET / HTTP/1.0\r\n" HOST "\r\n")).host, "a.example");
	is(parsed(state, SLV_STR("GET / HTTP/1.0\r\n\r\n")).host, "");
	is(parsed(state, SLV_STR("OPTIONS * HTTP/1.1\r\n" HOST "\r\n")).host, "a.example");
}

static void a_request_has_one_valid_host(void **state)
{
	const char *one = "Host";
	fails(state, SLV_STR("GET / HTTP/1.1\r\n\r\n"), SLV_E_SYNTAX, "without Host");
	fails(state, SLV_STR("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), SLV_E_SYNTAX, "than one Host");
	fails(state, SLV_STR("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), SLV_E_SYNTAX, "than one Host");
	fails(state, SLV_STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), SLV_E_SYNTAX, one);
	fails(state, SLV_STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), SLV_E_SYNTAX, one);
	fails(state, SLV_STR("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), SLV_E_SYNTAX, one);
	fails(state, SLV_STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), SLV_E_SYNTAX, one);
	fails(state, SLV_STR("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"), SLV_E_SYNTAX, one);
	/* the target's authority does not excuse a bad or missing one */
	fails(state, SLV_STR("GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n"), SLV_E_SYNTAX, one);
	fails(state, SLV_STR("GET http://b/ HTTP/1.1\r\n\r\n"), SLV_E_SYNTAX, one);
}

static void targets_have_three_forms(void **state)
{
	is(parsed(state, SLV_STR("GET //x HTTP/1.1\r\n" HOST "\r\n")).target, "//x");
	slv_str bad[] = {
		SLV_STR("GET x HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET * HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("OPTIONS *x HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET a.example:80 HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET ftp://a.example/ HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET http:///x HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET http://u@a.example/ HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET /# HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
	};
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		fails(state, bad[i], SLV_E_SYNTAX, "");
}

static void the_request_line_is_three_words(void **state)
{
	slv_str bad[] = {
		SLV_STR("GET  / HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET /  HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET / HTTP/1.1 \r\n" HOST "\r\n"),
		SLV_STR("GET / HTTP/1.1 x\r\n" HOST "\r\n"),
		SLV_STR(" GET / HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET /\r\n" HOST "\r\n"),
		SLV_STR("GET\r\n\r\n"),
		SLV_STR("GET /\r\n\r\n"),
		SLV_STR("GET / \r\n\r\n"),
		SLV_STR("GET / HTTP\r\n\r\n"),
		SLV_STR("G\x01T / HTTP/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET / http/1.1\r\n" HOST "\r\n"),
		SLV_STR("GET / HTTP/11\r\n" HOST "\r\n"),
		SLV_STR("GET / HTTP/1,1\r\n" HOST "\r\n"),
		SLV_STR("GET / HTTP/1.10\r\n" HOST "\r\n"),
		SLV_STR("GET / HTTP/1.1\n" HOST "\r\n"),
		SLV_STR("\x16\x03\x01\x02"),
	};
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		fails(state, bad[i], SLV_E_SYNTAX, "");
}

static void only_two_versions_are_spoken(void **state)
{
	assert_int_equal(parsed(state, SLV_STR("GET / HTTP/1.0\r\n\r\n")).version, 10);
	fails(state, SLV_STR("GET / HTTP/0.9\r\n" HOST "\r\n"), SLV_E_VERSION, "HTTP/1.1");
	fails(state, SLV_STR("GET / HTTP/1.2\r\n" HOST "\r\n"), SLV_E_VERSION, "HTTP/1.1");
	fails(state, SLV_STR("PRI * HTTP/2.0\r\n\r\n"), SLV_E_VERSION, "HTTP/1.1");
}

static void methods_are_tokens_of_at_most_32_bytes(void **state)
{
	struct slv_h1_head head = parsed(state,
			SLV_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ-12345 / HTTP/1.1\r\n" HOST "\r\n"));
	assert_int_equal(head.method, SLV_METHOD_OTHER);
	assert_int_equal(head.method_name.len, SLV_H1_METHOD_BYTES_MAX);
	assert_int_equal(parsed(state, SLV_STR("get / HTTP/1.1\r\n" HOST "\r\n")).method,
			SLV_METHOD_OTHER);
	fails(state, SLV_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ-123456 / HTTP/1.1\r\n" HOST "\r\n"),
			SLV_E_SYNTAX, "32 bytes");
	fails(state, SLV_STR("CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"), SLV_E_NOT_DONE, "CONNECT");
}

static void expectations_are_met_or_refused(void **state)
{
	assert_true(parsed(state, SLV_STR("PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n"
					  "Content-Length: 1\r\n\r\n"))
					.expect_continue);
	/* nothing to wait for, or not to be waited for */
	assert_false(parsed(
			state, SLV_STR("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n"))
					.expect_continue);
	assert_false(parsed(state, SLV_STR("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n"
					   "Content-Length: 1\r\n\r\n"))
					.expect_continue);
	fails(state, SLV_STR("GET / HTTP/1.1\r\n" HOST "Expect: gold\r\n\r\n"), SLV_E_EXPECT,
			"100-continue");
	fails(state, SLV_STR("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue, x\r\n\r\n"),
			SLV_E_EXPECT, "100-continue");
}

static void a_length_has_at_most_19_digits(void **state)
{
	struct slv_h1_head head =
			parsed(state, SLV_STR("PUT / HTTP/1.1\r\n" HOST
					      "Content-Length: 9999999999999999999\r\n\r\n"));
	assert_true(head.framing.length == 9999999999999999999u);
	fails(state,
			SLV_STR("PUT / HTTP/1.1\r\n" HOST
				"Content-Length: 10000000000000000000\r\n\r\n"),
			SLV_E_SYNTAX, "19 digits");
}

/* A request whose parts have given sizes; the head as a whole can be padded by more fields. */
static slv_str sized(struct slv_buf *buf, size_t target, size_t field, size_t fields)
{
	slv_buf_clear(buf);
	slv_buf_add(buf, SLV_STR("GET /"));
	for (size_t i = 1; i < target; i++)
		slv_buf_add_char(buf, 't');
	slv_buf_add(buf, SLV_STR(" HTTP/1.1\r\n" HOST));
	for (size_t i = 1; i < fields; i++) {
		slv_buf_add(buf, SLV_STR("x: "));
		for (size_t j = 1; j < field; j++)
			slv_buf_add_char(buf, 'v');
		slv_buf_add(buf, SLV_STR("\r\n"));
	}
	slv_buf_add(buf, SLV_STR("\r\n"));
	return slv_buf_str(buf);
}

static void limited(void **state, slv_str bytes, const struct slv_h1_limits *limits,
		enum slv_code code, const char *limit)
{
	/* in one piece, then half by half */
	for (size_t first = bytes.len; first; first = first == bytes.len ? first / 2 : 0) {
		struct slv_h1_parser parser = { 0 };
		struct slv_h1_head head;
		size_t used = 0;
		slv_err err = slv_h1_parse(
				&parser, *state, slv_str_head(bytes, first), limits, &head, &used);
		if (!slv_failed(err) && !used)
			err = slv_h1_parse(&parser, *state, bytes, limits, &head, &used);
		assert_int_equal(err.code, code);
		assert_int_equal(used, code ? 0 : bytes.len);
		if (code)
			assert_non_null(strstr(err.what, limit));
	}
}

static void each_bound_is_allowed_and_one_more_is_not(void **state)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 100000);
	struct slv_h1_limits limits = SLV_H1_LIMITS_DEFAULT;

	limited(state, sized(&buf, 8192, 1, 1), &limits, SLV_E_NONE, "");
	limited(state, sized(&buf, 8193, 1, 1), &limits, SLV_E_URI, "8192 (target_bytes_max)");
	limited(state, sized(&buf, 9000, 1, 1), &limits, SLV_E_URI, "8192 (target_bytes_max)");
	limited(state, sized(&buf, 50000, 1, 1), &limits, SLV_E_URI, "8192 (target_bytes_max)");
	limited(state, sized(&buf, 1, 8192, 2), &limits, SLV_E_NONE, "");
	limited(state, sized(&buf, 1, 8193, 2), &limits, SLV_E_HEADERS, "8192 (field_bytes_max)");
	limited(state, sized(&buf, 1, 1, 128), &limits, SLV_E_NONE, "");
	limited(state, sized(&buf, 1, 1, 129), &limits, SLV_E_HEADERS, "128 (fields_max)");
	limited(state, sized(&buf, 1, 8000, 6), &limits, SLV_E_HEADERS, "32768 (head_bytes_max)");

	slv_str head = sized(&buf, 10, 20, 5);
	limits.head_bytes_max = (uint32_t)head.len;
	limited(state, head, &limits, SLV_E_NONE, "");
	limits.head_bytes_max--;
	limited(state, head, &limits, SLV_E_HEADERS, "(head_bytes_max)");
	slv_buf_done(&buf);
}

static void an_endless_request_line_is_cut_off(void **state)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 100000);
	for (int i = 0; i < 8300; i++)
		slv_buf_add_char(&buf, 'a');
	fails(state, slv_buf_str(&buf), SLV_E_SYNTAX, "32 bytes");
	memcpy(buf.at, "GET / ", 6);
	fails(state, slv_buf_str(&buf), SLV_E_SYNTAX, "HTTP/ and a version");
	memcpy(buf.at, "GET /aaa", 8);
	fails(state, slv_buf_str(&buf), SLV_E_URI, "target_bytes_max");
	slv_buf_done(&buf);
}

static void an_endless_head_is_cut_off_at_its_bound(void **state)
{
	char bytes[300];
	memset(bytes, 'v', sizeof(bytes));
	memcpy(bytes, "GET / HTTP/1.1\r\nx: ", 19);
	struct slv_h1_limits limits = SLV_H1_LIMITS_DEFAULT;
	limits.head_bytes_max = 256;
	struct slv_h1_parser parser = { 0 };
	struct slv_h1_head head;
	size_t used = 1;
	for (size_t len = 1; len < 256; len++) {
		slv_err err = slv_h1_parse(
				&parser, *state, (slv_str){ bytes, len }, &limits, &head, &used);
		assert_false(slv_failed(err));
		assert_int_equal(used, 0);
	}
	slv_err err = slv_h1_parse(&parser, *state, (slv_str){ bytes, 256 }, &limits, &head, &used);
	assert_int_equal(err.code, SLV_E_HEADERS);
}

static void a_full_arena_fails_the_request(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 100000);
	slv_str bytes = sized(&buf, 1, 1, 100);
	for (size_t max = 64; max <= 4096; max *= 2) {
		struct slv_arena small;
		slv_arena_init(&small, 64, max);
		struct slv_h1_parser parser = { 0 };
		struct slv_h1_head head;
		size_t used = 0;
		slv_err err = slv_h1_parse(
				&parser, &small, bytes, &SLV_H1_LIMITS_DEFAULT, &head, &used);
		assert_int_equal(err.code, SLV_E_HEADERS);
		slv_arena_done(&small);
	}
	slv_buf_done(&buf);
}

static void field_lines_can_be_parsed_alone(void **state)
{
	struct slv_fields fields;
	struct slv_h1_limits limits = SLV_H1_LIMITS_DEFAULT;
	slv_err err = slv_h1_parse_fields(
			*state, SLV_STR("A: b\r\nDate:  c \r\n\r\n"), &limits, &fields);
	assert_false(slv_failed(err));
	assert_int_equal(fields.count, 2);
	assert_int_equal(fields.at[1].id, SLV_FIELD_DATE);
	is(fields.at[1].value, "c");
	assert_false(slv_failed(slv_h1_parse_fields(*state, SLV_STR("\r\n"), &limits, &fields)));
	assert_int_equal(fields.count, 0);

	slv_str bad[] = { SLV_STR(""), SLV_STR("\n"), SLV_STR("A: b\r\n"), SLV_STR("A: b"),
		SLV_STR("A: b\r\n\r\nC: d\r\n\r\n"), SLV_STR("\r\n\r\n"),
		SLV_STR("A: b\n\r\n\r\n") };
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(slv_h1_parse_fields(*state, bad[i], &limits, &fields).code,
				SLV_E_SYNTAX);
	limits.fields_max = 1;
	err = slv_h1_parse_fields(*state, SLV_STR("A: b\r\nC: d\r\n\r\n"), &limits, &fields);
	assert_int_equal(err.code, SLV_E_HEADERS);
}

static void the_preface_of_http2_is_recognised(void **state)
{
	(void)state;
	slv_str preface = SLV_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	for (size_t len = 0; len < preface.len; len++)
		assert_int_equal(slv_h1_is_h2_preface(slv_str_head(preface, len)),
				SLV_H1_PREFACE_MORE);
	assert_int_equal(slv_h1_is_h2_preface(preface), SLV_H1_PREFACE_YES);
	assert_int_equal(slv_h1_is_h2_preface(SLV_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0")),
			SLV_H1_PREFACE_YES);
	assert_int_equal(slv_h1_is_h2_preface(SLV_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r")),
			SLV_H1_PREFACE_NO);
	assert_int_equal(slv_h1_is_h2_preface(SLV_STR("PUT")), SLV_H1_PREFACE_NO);
	assert_int_equal(slv_h1_is_h2_preface(SLV_STR("GET")), SLV_H1_PREFACE_NO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_browsers_request_is_understood),
		TEST(what_is_behind_the_head_is_left),
		TEST(a_head_may_come_byte_by_byte),
		TEST(a_growing_buffer_is_searched_once),
		TEST(one_empty_line_may_come_first),
		TEST(the_connection_is_kept_as_the_version_says),
		TEST(the_host_is_the_targets_or_the_fields),
		TEST(a_request_has_one_valid_host),
		TEST(targets_have_three_forms),
		TEST(the_request_line_is_three_words),
		TEST(only_two_versions_are_spoken),
		TEST(methods_are_tokens_of_at_most_32_bytes),
		TEST(expectations_are_met_or_refused),
		TEST(a_length_has_at_most_19_digits),
		TEST(each_bound_is_allowed_and_one_more_is_not),
		TEST(an_endless_request_line_is_cut_off),
		TEST(an_endless_head_is_cut_off_at_its_bound),
		TEST(a_full_arena_fails_the_request),
		TEST(field_lines_can_be_parsed_alone),
		TEST(the_preface_of_http2_is_recognised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
