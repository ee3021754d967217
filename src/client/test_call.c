#include "client/call.h"

#include "base/mem.h"
#include "base/testing.h"
#include "client/endpoint.h"
#include "loop/crew.h"

#include <stdio.h>
#include <string.h>

#define BODY_BYTES 200000

/* Made anew for every test. */
struct kit {
	struct slv_loop *loop;
	struct endpoint *endpoint;
	struct slv_crew *crew;
	struct slv_caller *caller;
	struct slv_arena arena;
	struct slv_buf reply;
	struct slv_fields fields;
	struct slv_call call;
	char url[64];
	slv_err err;
	bool done;
	struct slv_chore chore;
	struct slv_post post;
};

static const struct slv_caller_conf conf = {
	.connect_ms = 5000, .silence_s = 1, .total_ms = 20000
};

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	kit->loop = slv_loop_new(0, NULL, NULL);
	kit->endpoint = endpoint_new(kit->loop);
	kit->caller = slv_caller_new(&conf);
	slv_arena_init(&kit->arena, 4096, SLV_KIB(64));
	slv_buf_init(&kit->reply, 100);
	slv_fields_init(&kit->fields, &kit->arena);
	assert_false(slv_failed(slv_crew_new(1, &kit->crew)));
	snprintf(kit->url, sizeof(kit->url), "http://127.0.0.1:%u/a/../b?c=d", kit->endpoint->port);
	kit->call = (struct slv_call){ .method = "GET",
		.url = kit->url,
		.fields = &kit->fields,
		.arena = &kit->arena,
		.reply = &kit->reply };
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	slv_crew_free(kit->crew);
	slv_caller_free(kit->caller);
	endpoint_free(kit->endpoint);
	slv_loop_free(kit->loop);
	slv_buf_done(&kit->reply);
	slv_arena_done(&kit->arena);
	slv_free(kit);
	return 0;
}

static void came(struct slv_post *post)
{
	struct kit *kit = SLV_CONTAINER(post, struct kit, post);
	slv_loop_came(kit->loop);
	kit->done = true;
}

static void work(struct slv_chore *chore)
{
	struct kit *kit = SLV_CONTAINER(chore, struct kit, chore);
	kit->err = slv_call(kit->caller, &kit->call);
	kit->post = (struct slv_post){ .run = came };
	slv_loop_post(kit->loop, &kit->post);
}

static void make(struct kit *kit)
{
	kit->done = false;
	kit->chore = (struct slv_chore){ .work = work };
	slv_buf_clear(&kit->reply);
	slv_loop_await(kit->loop);
	slv_crew_add(kit->crew, &kit->chore);
	while (!kit->done)
		slv_loop_turn(kit->loop, true);
}

static void fails(struct kit *kit, enum slv_code code)
{
	make(kit);
	assert_int_equal(kit->err.code, code);
}

static void gives(struct kit *kit, int status, const char *body)
{
	make(kit);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_int_equal(kit->call.status, status);
	assert_true(slv_str_eq(slv_buf_str(&kit->reply), slv_str_from(body)));
}

static void sends(const struct kit *kit, const char *part)
{
	assert_non_null(strstr(kit->endpoint->heads[kit->endpoint->asked - 1], part));
}

static void it_asks_what_it_is_told(void **state)
{
	struct kit *kit = *state;
	endpoint_says(kit->endpoint, "HTTP/1.1 404 No\r\nContent-Length: 2\r\nX-A:  b \r\n\r\nno");
	assert_false(slv_failed(slv_fields_add(&kit->fields, SLV_STR("X-Some"), SLV_STR("thing"))));
	gives(kit, 404, "no");
	sends(kit, "GET /a/../b?c=d HTTP/1.1\r\n");
	sends(kit, "\r\nX-Some: thing");
	const struct slv_field *field =
			slv_fields_find_name(&kit->call.reply_fields, SLV_STR("x-a"));
	assert_non_null(field);
	assert_true(slv_str_eq(field->value, SLV_STR("b")));
}

static void a_body_is_sent_with_any_method_that_has_one(void **state)
{
	struct kit *kit = *state;
	static const char *const methods[] = { "PUT", "POST" };
	char *bytes = slv_alloc(BODY_BYTES);
	memset(bytes, 'b', BODY_BYTES);
	for (size_t i = 0; i < SLV_COUNT(methods); i++) {
		char line[40];
		snprintf(line, sizeof(line), "%s /a/../b?c=d HTTP/1.1\r\n", methods[i]);
		endpoint_says(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		endpoint_says(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		kit->call.method = methods[i];
		kit->call.body = (slv_str){ bytes, BODY_BYTES };
		gives(kit, 200, "");
		sends(kit, line);
		sends(kit, "\r\nContent-Length: 200000");
		assert_int_equal(kit->endpoint->body.len, BODY_BYTES);
		const char *head = kit->endpoint->heads[kit->endpoint->asked - 1];
		assert_null(strstr(head, "Expect"));
		assert_null(strstr(head, "Content-Type"));
		kit->call.body = SLV_STR("");
		gives(kit, 200, "");
		sends(kit, line);
		sends(kit, "\r\nContent-Length: 0");
	}
	slv_free(bytes);
}

static void a_head_has_no_body(void **state)
{
	struct kit *kit = *state;
	kit->call.method = "HEAD";
	endpoint_says(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
	gives(kit, 200, "");
	assert_true(slv_str_eq(slv_fields_get(&kit->call.reply_fields, SLV_FIELD_CONTENT_LENGTH),
			SLV_STR("77")));
}

static void a_connection_is_kept(void **state)
{
	struct kit *kit = *state;
	for (int i = 0; i < 5; i++) {
		endpoint_says(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
		gives(kit, 200, "x");
	}
	assert_int_equal(kit->endpoint->accepted, 1);
	assert_int_equal(kit->endpoint->asked, 5);
}

/* It cannot be known whether what was sent there was done. */
static void what_a_closed_connection_has_lost_is_sent_again_and_counted(void **state)
{
	struct kit *kit = *state;
	kit->call.method = "POST";
	kit->call.body = SLV_STR("x");
	endpoint_says(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	endpoint_says(kit->endpoint, NULL);
	endpoint_says(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny");
	gives(kit, 200, "x");
	assert_int_equal(kit->call.sent, 1);
	gives(kit, 200, "y");
	assert_int_equal(kit->call.sent, 2);
	assert_int_equal(kit->endpoint->asked, 3);
}

static void a_redirect_is_an_answer(void **state)
{
	struct kit *kit = *state;
	endpoint_says(kit->endpoint, "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\n"
				     "Content-Length: 0\r\n\r\n");
	gives(kit, 307, "");
}

static void a_reply_has_a_bound(void **state)
{
	struct kit *kit = *state;
	static const char hundred[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
				      "1234567890123456789012345678901234567890123456789"
				      "1234567890123456789012345678901234567890123456789xy";
	static const char more[] = "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
				   "1234567890123456789012345678901234567890123456789"
				   "1234567890123456789012345678901234567890123456789xyz";
	endpoint_says(kit->endpoint, hundred);
	endpoint_says(kit->endpoint, more);
	gives(kit, 200, strstr(hundred, "\r\n\r\n") + 4);
	fails(kit, SLV_E_LIMIT);
}

static void a_field_has_a_bound(void **state)
{
	struct kit *kit = *state;
	char value[SLV_KIB(8)];
	const size_t most = sizeof(value) - strlen("X-A: ") - 1;
	memset(value, 'v', sizeof(value));
	assert_false(slv_failed(
			slv_fields_add(&kit->fields, SLV_STR("X-A"), (slv_str){ value, most })));
	endpoint_says(kit->endpoint, "HTTP/1.1 204 OK\r\n\r\n");
	gives(kit, 204, "");
	kit->fields.at[0].value.len++;
	fails(kit, SLV_E_LIMIT);
	assert_int_equal(kit->endpoint->asked, 1);
}

static void silence_is_given_up(void **state)
{
	struct kit *kit = *state;
	endpoint_says(kit->endpoint, "");
	fails(kit, SLV_E_TIMEOUT);
	assert_false(kit->call.unreached);
}

static void what_hangs_up_or_speaks_something_else_is_told(void **state)
{
	struct kit *kit = *state;
	static const char *const bad[] = { NULL, "SSH-2.0-x\r\n\r\nConnection: close",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabc" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		endpoint_says(kit->endpoint, bad[i]);
		fails(kit, SLV_E_UPSTREAM);
		assert_false(kit->call.unreached);
	}
}

static void who_is_not_there_was_not_reached(void **state)
{
	struct kit *kit = *state;
	static const char *const urls[] = { NULL, "https://127.0.0.1:1/",
		"http://no-such.invalid/" };
	endpoint_free(kit->endpoint);
	kit->endpoint = NULL;
	for (size_t i = 0; i < SLV_COUNT(urls); i++) {
		if (urls[i])
			kit->call.url = urls[i];
		fails(kit, SLV_E_UPSTREAM);
		assert_true(kit->call.unreached);
	}
}

/* A server that speaks no TLS is reached by nobody who wants it. */
static void tls_is_not_left_out(void **state)
{
	struct kit *kit = *state;
	char url[64];
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", kit->endpoint->port);
	kit->call.url = url;
	endpoint_says(kit->endpoint, NULL);
	make(kit);
	assert_true(kit->err.code == SLV_E_UPSTREAM || kit->err.code == SLV_E_TIMEOUT);
	assert_true(kit->call.unreached);
	assert_int_equal(kit->endpoint->asked, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_asks_what_it_is_told),
		TEST(a_body_is_sent_with_any_method_that_has_one),
		TEST(a_head_has_no_body),
		TEST(a_connection_is_kept),
		TEST(what_a_closed_connection_has_lost_is_sent_again_and_counted),
		TEST(a_redirect_is_an_answer),
		TEST(a_reply_has_a_bound),
		TEST(a_field_has_a_bound),
		TEST(silence_is_given_up),
		TEST(what_hangs_up_or_speaks_something_else_is_told),
		TEST(who_is_not_there_was_not_reached),
		TEST(tls_is_not_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
