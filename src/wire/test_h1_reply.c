#include "wire/h1_reply.h"

#include "base/testing.h"

#include <string.h>

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

struct writing {
	struct slv_arena arena;
	struct slv_fields fields;
	struct slv_buf buf;
	struct slv_h1_reply reply;
};

static void writing_init(struct writing *writing)
{
	slv_arena_init(&writing->arena, 1024, 4096);
	slv_fields_init(&writing->fields, &writing->arena);
	slv_buf_init(&writing->buf, 4096);
	writing->reply = (struct slv_h1_reply){
		.status = 200,
		.version = 11,
		.keep_alive = true,
		.body = SLV_H1_BODY_LENGTH,
		.length = 5,
		.date = SLV_STR(DATE),
		.fields = &writing->fields,
	};
}

static void writing_done(struct writing *writing)
{
	slv_buf_done(&writing->buf);
	slv_arena_done(&writing->arena);
}

static void add(struct writing *writing, slv_str name, slv_str value)
{
	assert_false(slv_failed(slv_fields_add(&writing->fields, name, value)));
}

static void writes(struct writing *writing, const char *want)
{
	slv_buf_clear(&writing->buf);
	slv_err err = slv_h1_reply_write(&writing->buf, &writing->reply);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	slv_buf_add_char(&writing->buf, '\0');
	assert_string_equal(writing->buf.at, want);
}

/* and leaves what was there */
static void refuses(struct writing *writing, enum slv_code code)
{
	slv_buf_clear(&writing->buf);
	slv_buf_add(&writing->buf, SLV_STR("before"));
	slv_err err = slv_h1_reply_write(&writing->buf, &writing->reply);
	assert_int_equal(err.code, code);
	assert_non_null(err.what);
	assert_true(slv_str_eq(slv_buf_str(&writing->buf), SLV_STR("before")));
}

static void a_reply_has_status_fields_date_and_length(void **state)
{
	(void)state;
	struct writing writing;
	writing_init(&writing);
	add(&writing, SLV_STR("content-type"), SLV_STR("text/plain"));
	add(&writing, SLV_STR("x_y"), SLV_STR(""));
	writes(&writing, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx_y: \r\ndate: " DATE
			 "\r\ncontent-length: 5\r\n\r\n");
	writing.reply.status = 404;
	writing.reply.length = UINT64_MAX;
	writing.fields.count = 0;
	writes(&writing, "HTTP/1.1 404 Not Found\r\ndate: " DATE
			 "\r\ncontent-length: 18446744073709551615\r\n\r\n");
	writing.reply.fields = NULL;
	writing.reply.length = 0;
	writes(&writing, "HTTP/1.1 404 Not Found\r\ndate: " DATE "\r\ncontent-length: 0\r\n\r\n");
	writing_done(&writing);
}

static void an_origins_date_replaces_ours(void **state)
{
	(void)state;
	struct writing writing;
	writing_init(&writing);
	add(&writing, SLV_STR("Date"), SLV_STR("Mon, 07 Nov 1994 08:49:37 GMT"));
	writes(&writing, "HTTP/1.1 200 OK\r\nDate: Mon, 07 Nov 1994 08:49:37 GMT\r\n"
			 "content-length: 5\r\n\r\n");
	writing_done(&writing);
}

static void framing_and_connection_follow_the_version(void **state)
{
	(void)state;
	struct writing writing;
	writing_init(&writing);
	writing.reply.date = (slv_str){ 0 };
	writing.reply.body = SLV_H1_BODY_CHUNKED;
	writes(&writing, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
	writing.reply.keep_alive = false;
	writes(&writing, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
			 "connection: close\r\n\r\n");
	writing.reply.body = SLV_H1_BODY_CLOSE;
	writing.reply.version = 10;
	writes(&writing, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
	writing.reply.body = SLV_H1_BODY_LENGTH;
	writing.reply.keep_alive = true;
	writes(&writing, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n");
	writing_done(&writing);
}

static void replies_without_content_say_no_framing(void **state)
{
	(void)state;
	struct writing writing;
	writing_init(&writing);
	writing.reply.date = (slv_str){ 0 };
	writing.reply.body = SLV_H1_BODY_NONE;
	writing.reply.status = 100;
	writing.reply.keep_alive = false; /* not the interim reply's to say */
	writes(&writing, "HTTP/1.1 100 Continue\r\n\r\n");
	writing.reply.keep_alive = true;
	writing.reply.status = 204;
	writes(&writing, "HTTP/1.1 204 No Content\r\n\r\n");
	writing.reply.status = 304;
	writes(&writing, "HTTP/1.1 304 Not Modified\r\n\r\n");
	writing.reply.body = SLV_H1_BODY_LENGTH;
	writes(&writing, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
	writing.reply.status = 101;
	writing.reply.body = SLV_H1_BODY_NONE;
	add(&writing, SLV_STR("upgrade"), SLV_STR("websocket"));
	writes(&writing, "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
			 "connection: upgrade\r\n\r\n");
	writing_done(&writing);
}

static void framing_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	const struct {
		int status;
		uint8_t version;
		bool keep_alive;
		enum slv_h1_body body;
	} rows[] = {
		{ 100, 11, true, SLV_H1_BODY_LENGTH },
		{ 204, 11, true, SLV_H1_BODY_LENGTH },
		{ 100, 11, true, SLV_H1_BODY_CHUNKED },
		{ 204, 11, true, SLV_H1_BODY_CHUNKED },
		{ 304, 11, true, SLV_H1_BODY_CHUNKED },
		{ 200, 10, true, SLV_H1_BODY_CHUNKED },
		{ 200, 11, true, SLV_H1_BODY_CLOSE },
		{ 304, 11, false, SLV_H1_BODY_CLOSE },
		{ 200, 11, true, (enum slv_h1_body)9 },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct writing writing;
		writing_init(&writing);
		writing.reply.status = rows[i].status;
		writing.reply.version = rows[i].version;
		writing.reply.keep_alive = rows[i].keep_alive;
		writing.reply.body = rows[i].body;
		refuses(&writing, SLV_E_INTERNAL);
		writing_done(&writing);
	}
}

static void a_field_cannot_break_out_of_its_line(void **state)
{
	(void)state;
	const struct {
		slv_str name, value;
	} rows[] = {
		{ SLV_STR("x"), SLV_STR("a\r\nset-cookie: b") },
		{ SLV_STR("x"), SLV_STR("a\rb") },
		{ SLV_STR("x"), SLV_STR("a\nb") },
		{ SLV_STR("x"), SLV_STR("a\0b") },
		{ SLV_STR("x"), SLV_STR("0123456789abcdef0123456789abcdef\n") },
		{ SLV_STR("x"), SLV_STR("\x1b") },
		{ SLV_STR("x"), SLV_STR("\x7f") },
		{ SLV_STR("x"), SLV_STR(" a") },
		{ SLV_STR("x"), SLV_STR("a\t") },
		{ SLV_STR("x y"), SLV_STR("a") },
		{ SLV_STR("x:"), SLV_STR("a") },
		{ SLV_STR("x\r\ny"), SLV_STR("a") },
		{ SLV_STR(""), SLV_STR("a") },
		{ SLV_STR("\xc3\xa4"), SLV_STR("a") },
		{ SLV_STR("Content-Length"), SLV_STR("5") },
		{ SLV_STR("transfer-encoding"), SLV_STR("chunked") },
		{ SLV_STR("connection"), SLV_STR("close") },
		{ SLV_STR("keep-alive"), SLV_STR("timeout=5") },
		{ SLV_STR("Proxy-Connection"), SLV_STR("close") },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct writing writing;
		writing_init(&writing);
		add(&writing, SLV_STR("fine"), SLV_STR("f\xc3\xbc r\tall"));
		add(&writing, rows[i].name, rows[i].value);
		refuses(&writing, SLV_E_INTERNAL);
		writing_done(&writing);
	}
}

static void a_wrong_date_is_refused(void **state)
{
	(void)state;
	struct writing writing;
	writing_init(&writing);
	writing.reply.date = SLV_STR("today");
	refuses(&writing, SLV_E_INTERNAL);
	writing.reply.date = SLV_STR("Sun, 06 Nov 1994\r\nX: 9:37 GMT");
	refuses(&writing, SLV_E_INTERNAL);
	writing_done(&writing);
}

static void the_buffers_maximum_is_the_bound(void **state)
{
	(void)state;
	struct writing writing;
	writing_init(&writing);
	slv_buf_done(&writing.buf);
	slv_buf_init(&writing.buf, 100);
	refuses(&writing, SLV_E_LIMIT);
	assert_true(writing.buf.overflow);
	writing_done(&writing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_has_status_fields_date_and_length),
		cmocka_unit_test(an_origins_date_replaces_ours),
		cmocka_unit_test(framing_and_connection_follow_the_version),
		cmocka_unit_test(replies_without_content_say_no_framing),
		cmocka_unit_test(framing_that_does_not_fit_is_refused),
		cmocka_unit_test(a_field_cannot_break_out_of_its_line),
		cmocka_unit_test(a_wrong_date_is_refused),
		cmocka_unit_test(the_buffers_maximum_is_the_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
