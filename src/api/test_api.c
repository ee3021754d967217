/* Which call a path means, and the envelope of answers; with a group of calls that need no token.
 * What tokens open is tried with a running program (tests/e2e/api). */
#include "base/testing.h"

#include "api/api.h"
#include "base/attr.h"
#include "base/mem.h"
#include "store/omap/omap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kit {
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_service_env env;
	void *service;
	struct slv_arena arena;
	struct slv_sink sink;
	struct slv_req req;
	struct slv_reply reply; /* that came */
	int replies;
};

static void take_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct kit *kit = SLV_CONTAINER(sink, struct kit, sink);
	assert_ptr_equal(req, &kit->req);
	kit->reply = *reply;
	kit->replies++;
}

static const struct slv_sink_ops sink_ops = { .reply = take_reply };

/* --- calls --- */

/* Tells its path and what stands for the wild parts of it. */
static slv_err tell(struct slv_api_ask *ask)
{
	json_t *told = json_array();
	json_array_append_new(told, json_string(ask->call->path));
	for (size_t i = 0; i < SLV_API_PARAMS_MAX && ask->params[i].at; i++)
		json_array_append_new(told, slv_api_text(ask->params[i]));
	if (ask->json)
		json_array_append(told, ask->json);
	slv_api_reply(ask->req, told, NULL);
	return SLV_OK;
}

static slv_err fail_with(struct slv_api_ask *ask)
{
	uint64_t code;
	assert_true(slv_str_u64(ask->params[0], SLV_E_COUNT - 1, &code));
	return SLV_ERR((int32_t)code, "what went \"wrong\"");
}

static slv_err pages(struct slv_api_ask *ask)
{
	struct slv_api_page page;
	json_t *all = json_array();
	slv_err err = slv_api_page_read(ask->req, 3, 2, 5, &page);
	if (slv_failed(err)) {
		json_decref(all);
		return err;
	}
	for (int i = 0; i < 7; i++)
		json_array_append_new(all, json_integer(i));
	slv_api_reply_page(ask->req, all, &page);
	return SLV_OK;
}

#define OPEN SLV_API_OPEN
static const struct slv_api_call calls[] = {
	{ SLV_METHOD_GET, "/things", OPEN, SLV_API_NO_BODY, tell },
	{ SLV_METHOD_POST, "/things", OPEN, SLV_API_JSON, tell },
	{ SLV_METHOD_GET, "/things/first", OPEN, SLV_API_NO_BODY, tell },
	{ SLV_METHOD_GET, "/things/:", OPEN, SLV_API_NO_BODY, tell },
	{ SLV_METHOD_GET, "/things/:/parts/:", OPEN, SLV_API_NO_BODY, tell },
	{ SLV_METHOD_PUT, "/things/:/values/*", OPEN, SLV_API_NO_BODY, tell },
	{ SLV_METHOD_GET, "/fail/:", OPEN, SLV_API_NO_BODY, fail_with },
	{ SLV_METHOD_GET, "/pages", OPEN, SLV_API_NO_BODY, pages },
	{ SLV_METHOD_POST, "/links/:", SLV_API_BY_PATH, SLV_API_NO_BODY, tell },
	{ 0 },
};

static slv_err start(struct slv_service_env *env, struct slv_api_keys *keys, const void *settings,
		void **ret_self)
{
	(void)env;
	(void)keys;
	(void)settings;
	*ret_self = NULL;
	return SLV_OK;
}

static void stop(void *self)
{
	(void)self;
}

static const struct slv_api_group group = {
	.name = "things", .calls = calls, .limit_code = 77, .start = start, .stop = stop
};
static const struct slv_api_group *const groups[] = { &group, NULL };
static const struct slv_api_settings settings = { .groups = groups };

/* --- the kit --- */

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	struct slv_service_place place = { .settings = &settings };
	kit->loop = slv_loop_new(0, NULL, NULL);
	/* Nothing is read of it: these calls need no token. */
	slv_err err = slv_omaps_open(SLV_STR("sqlite:/nonexistent/selvedge"),
			slv_loop_hash_key(kit->loop), NULL, &kit->maps);
	assert_int_equal(err.code, SLV_E_NONE);
	kit->env = (struct slv_service_env){ .loop = kit->loop, .maps = kit->maps };
	err = slv_api_service.start(&kit->env, &place, &kit->service);
	assert_int_equal(err.code, SLV_E_NONE);
	slv_arena_init(&kit->arena, 4096, SLV_MIB(1));
	kit->sink.ops = &sink_ops;
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	slv_body_done(&kit->reply.body);
	slv_arena_done(&kit->arena);
	slv_api_service.stop(kit->service);
	slv_loop_free(kit->loop);
	slv_omaps_close(kit->maps);
	slv_free(kit);
	return 0;
}

static void ask(struct kit *kit, enum slv_method method, const char *target, slv_str body)
{
	char *whole;
	slv_body_done(&kit->reply.body);
	slv_arena_done(&kit->arena);
	slv_arena_init(&kit->arena, 4096, SLV_MIB(1));
	kit->replies = 0;
	assert_true(asprintf(&whole, SLV_API_PREFIX "%s", target) > 0);
	kit->req = (struct slv_req){ .arena = &kit->arena, .sink = &kit->sink, .method = method };
	kit->req.target = slv_str_copy(&kit->arena, slv_str_from(whole));
	free(whole);
	assert_int_equal(slv_uri_parse(kit->req.target, &kit->req.uri).code, SLV_E_NONE);
	kit->req.path = kit->req.uri.path;
	kit->req.body = slv_body_bytes(body, NULL);
	slv_fields_init(&kit->req.fields, &kit->arena);
	assert_int_equal(slv_api_service.serve(kit->service, &kit->req).code, SLV_E_NONE);
	assert_int_equal(kit->replies, 1);
}

static void answers(struct kit *kit, int status, const char *want)
{
	slv_str body = kit->reply.body.bytes;
	assert_int_equal(kit->reply.status, status);
	if (!slv_str_eq(body, slv_str_from(want)))
		fail_msg("'%.*s' is not '%s'", SLV_FMT(body), want);
}

static void gets(struct kit *kit, const char *target, int status, const char *want)
{
	ask(kit, SLV_METHOD_GET, target, (slv_str){ 0 });
	answers(kit, status, want);
}

static void puts_to(struct kit *kit, const char *target, int status, const char *want)
{
	ask(kit, SLV_METHOD_PUT, target, (slv_str){ 0 });
	answers(kit, status, want);
}

#define GOOD(result) "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":" result "}\n"
#define BAD(code, message)                                                                         \
	"{\"success\":false,\"errors\":[{\"code\":" code ",\"message\":\"" message                 \
	"\"}],\"messages\":[],\"result\":null}\n"
#define NO_ROUTE                                                                                   \
	BAD("7003", "Could not route to that URI, perhaps your object identifier is invalid?")

static void a_path_means_the_first_call_that_fits(void **state)
{
	struct kit *kit = *state;
	gets(kit, "/things", 200, GOOD("[\"/things\"]"));
	gets(kit, "/things?a=b", 200, GOOD("[\"/things\"]"));
	gets(kit, "/things/first", 200, GOOD("[\"/things/first\"]"));
	gets(kit, "/things/second", 200, GOOD("[\"/things/:\",\"second\"]"));
	gets(kit, "/things/a/parts/b", 200, GOOD("[\"/things/:/parts/:\",\"a\",\"b\"]"));
}

static void what_stands_for_a_part_is_decoded_behind_the_cut(void **state)
{
	struct kit *kit = *state;
	gets(kit, "/things/a%2Fb%20+%c3%bc", 200, GOOD("[\"/things/:\",\"a/b +\xc3\xbc\"]"));
	gets(kit, "/things/%2e%2E", 200, GOOD("[\"/things/:\",\"..\"]"));
	puts_to(kit, "/things/a/values/b/c%2Fd//e/", 200,
			GOOD("[\"/things/:/values/*\",\"a\",\"b/c/d//e/\"]"));
	puts_to(kit, "/things/a/values/values/*", 200,
			GOOD("[\"/things/:/values/*\",\"a\",\"values/*\"]"));
	puts_to(kit, "/things/a/values/", 200, GOOD("[\"/things/:/values/*\",\"a\",\"\"]"));
}

static void a_path_that_fits_no_call_is_told(void **state)
{
	static const char *const targets[] = { "/", "/thing", "/things/", "//things", "/things//",
		"/things/a/", "/things/a/parts", "/things/a/parts/", "/things//parts/b",
		"/things/a/parts/b/", "/things/a/parts/b/c", "/Things", "/%74hings",
		"/things/a/values" };
	for (size_t i = 0; i < SLV_COUNT(targets); i++)
		gets(*state, targets[i], 404, NO_ROUTE);
}

static void an_escape_that_is_broken_is_told(void **state)
{
	struct kit *kit = *state;
	ask(kit, SLV_METHOD_GET, "/things/%zz", (slv_str){ 0 });
	assert_int_equal(kit->reply.status, 400);
	ask(kit, SLV_METHOD_PUT, "/things/a/values/b%0", (slv_str){ 0 });
	assert_int_equal(kit->reply.status, 400);
	ask(kit, SLV_METHOD_GET, "/things/a%00b", (slv_str){ 0 });
	assert_int_equal(kit->reply.status, 400);
}

static void a_method_that_a_path_does_not_have_is_told_with_those_that_it_has(void **state)
{
	struct kit *kit = *state;
	ask(kit, SLV_METHOD_DELETE, "/things", (slv_str){ 0 });
	answers(kit, 405, BAD("7001", "Method not available for that URI; see the documentation"));
	slv_str allow = slv_fields_get(&kit->reply.fields, SLV_FIELD_ALLOW);
	assert_true(slv_str_eq(allow, SLV_STR("GET, HEAD, POST")));
	ask(kit, SLV_METHOD_GET, "/things/a/values/b", (slv_str){ 0 });
	assert_int_equal(kit->reply.status, 405);
	allow = slv_fields_get(&kit->reply.fields, SLV_FIELD_ALLOW);
	assert_true(slv_str_eq(allow, SLV_STR("PUT")));
}

static void a_secret_in_a_path_is_not_for_logs(void **state)
{
	struct kit *kit = *state;
	ask(kit, SLV_METHOD_POST, "/links/open-sesame", (slv_str){ 0 });
	answers(kit, 200, GOOD("[\"/links/:\",\"open-sesame\"]"));
	slv_str shown = SLV_STR(SLV_API_PREFIX "/links/:");
	assert_true(slv_str_eq(slv_req_logged_path(&kit->req), shown));
	ask(kit, SLV_METHOD_GET, "/links/open-sesame", (slv_str){ 0 });
	assert_int_equal(kit->reply.status, 405);
	assert_true(slv_str_eq(slv_req_logged_path(&kit->req), shown));
	ask(kit, SLV_METHOD_GET, "/things", (slv_str){ 0 });
	assert_true(slv_str_eq(slv_req_logged_path(&kit->req), SLV_STR(SLV_API_PREFIX "/things")));
}

static void head_is_answered_as_get(void **state)
{
	struct kit *kit = *state;
	ask(kit, SLV_METHOD_HEAD, "/things/a", (slv_str){ 0 });
	answers(kit, 200, GOOD("[\"/things/:\",\"a\"]"));
}

static void a_body_is_json_or_refused(void **state)
{
	static const char *const wrong[] = { "", "{", "5", "\"x\"", "null", "{}x",
		"{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}" };
	struct kit *kit = *state;
	ask(kit, SLV_METHOD_POST, "/things", SLV_STR(" {\"a\": [1, null]}\n"));
	answers(kit, 200, GOOD("[\"/things\",{\"a\":[1,null]}]"));
	for (size_t i = 0; i < SLV_COUNT(wrong); i++) {
		ask(kit, SLV_METHOD_POST, "/things", slv_str_from(wrong[i]));
		assert_int_equal(kit->reply.status, 400);
	}
}

static void a_body_has_1_mib_at_most(void **state)
{
	struct kit *kit = *state;
	char *text = slv_alloc(SLV_API_JSON_BYTES_MAX + 1);
	memset(text, ' ', SLV_API_JSON_BYTES_MAX + 1);
	text[0] = '[';
	text[1] = ']';
	ask(kit, SLV_METHOD_POST, "/things", (slv_str){ text, SLV_API_JSON_BYTES_MAX });
	answers(kit, 200, GOOD("[\"/things\",[]]"));
	ask(kit, SLV_METHOD_POST, "/things", (slv_str){ text, SLV_API_JSON_BYTES_MAX + 1 });
	answers(kit, 413, BAD("77", "the body is larger than 1048576 bytes"));
	slv_free(text);
}

static void fails(struct kit *kit, int32_t code, int status, const char *want)
{
	char target[40];
	snprintf(target, sizeof(target), "/fail/%d", (int)code);
	gets(kit, target, status, want);
}

static void an_error_has_a_code_and_keeps_what_a_disk_said_to_itself(void **state)
{
	struct kit *kit = *state;
	const char *ours = BAD("10001", "the store cannot answer now; see the log");
	fails(kit, SLV_E_SYNTAX, 400, BAD("10004", "what went \\\"wrong\\\""));
	fails(kit, SLV_E_LIMIT, 413, BAD("77", "what went \\\"wrong\\\""));
	fails(kit, SLV_E_SYS, 500, ours);
	fails(kit, SLV_E_CORRUPT, 500, ours);
	fails(kit, SLV_E_INTERNAL, 500, ours);
	fails(kit, SLV_E_TIMEOUT, 504, ours);
	assert_true(slv_str_eq(kit->req.error_why, SLV_STR("what went \"wrong\"")));
	fails(kit, SLV_E_UPSTREAM, 503, BAD("10001", "what went \\\"wrong\\\""));
	fails(kit, SLV_E_BUSY, 503, BAD("10001", "what went \\\"wrong\\\""));
	assert_true(slv_str_eq(
			slv_fields_get(&kit->reply.fields, SLV_FIELD_RETRY_AFTER), SLV_STR("1")));
}

static void what_is_told_is_json(void **state)
{
	struct kit *kit = *state;
	ask(kit, SLV_METHOD_POST, "/things",
			SLV_STR("[{}, [], {\"\\\"\\n\": [1, -2.5, true, false, null]}, "
				"\"\\u0001\\t\\\\\\"
				"/\\u00fc\\ud83d\\udddd\"]"));
	answers(kit, 200,
			GOOD("[\"/"
			     "things\",[{},[],{\"\\\"\\n\":[1,-2.5,true,false,null]},"
			     "\"\\u0001\\u0009"
			     "\\\\/\xc3\xbc\xf0\x9f\x97\x9d\"]]"));
}

#define PAGE(part, numbers)                                                                        \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":" part                         \
	",\"result_info\":{" numbers ",\"total_count\":7,\"total_pages\":"

static void a_list_comes_by_page(void **state)
{
	struct kit *kit = *state;
	gets(kit, "/pages", 200, PAGE("[0,1,2]", "\"page\":1,\"per_page\":3,\"count\":3") "3}}\n");
	gets(kit, "/pages?page=3", 200,
			PAGE("[6]", "\"page\":3,\"per_page\":3,\"count\":1") "3}}\n");
	gets(kit, "/pages?page=4&per_page=2", 200,
			PAGE("[6]", "\"page\":4,\"per_page\":2,\"count\":1") "4}}\n");
	gets(kit, "/pages?page=1000000000&per_page=5", 200,
			PAGE("[]", "\"page\":1000000000,\"per_page\":5,\"count\":0") "2}}\n");
	gets(kit, "/pages?page=0", 400,
			BAD("10004", "page is a whole number from 1 to 1000000000"));
	gets(kit, "/pages?per_page=1", 400, BAD("10004", "per_page is a whole number from 2 to 5"));
	gets(kit, "/pages?per_page=6", 400, BAD("10004", "per_page is a whole number from 2 to 5"));
}

static void calls_about_tokens_need_one(void **state)
{
	gets(*state, "/accounts", 401,
			BAD("10000", "Authorization: Bearer <API token> is missing"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_path_means_the_first_call_that_fits),
		TEST(what_stands_for_a_part_is_decoded_behind_the_cut),
		TEST(a_path_that_fits_no_call_is_told),
		TEST(an_escape_that_is_broken_is_told),
		TEST(a_method_that_a_path_does_not_have_is_told_with_those_that_it_has),
		TEST(a_secret_in_a_path_is_not_for_logs),
		TEST(head_is_answered_as_get),
		TEST(a_body_is_json_or_refused),
		TEST(a_body_has_1_mib_at_most),
		TEST(an_error_has_a_code_and_keeps_what_a_disk_said_to_itself),
		TEST(what_is_told_is_json),
		TEST(a_list_comes_by_page),
		TEST(calls_about_tokens_need_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
