#include "http/problem.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/testing.h"

#include <string.h>

struct asked {
	struct slv_arena arena;
	struct slv_sink sink;
	struct slv_req req;
	struct slv_reply reply; /* that came */
	int replies;
};

static void take_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct asked *asked = SLV_CONTAINER(sink, struct asked, sink);
	assert_ptr_equal(req, &asked->req);
	asked->reply = *reply;
	asked->replies++;
}

static const struct slv_sink_ops ops = { .reply = take_reply };

static void ask(struct asked *asked, const char *accept)
{
	*asked = (struct asked){ .sink.ops = &ops };
	slv_arena_init(&asked->arena, 1024, SLV_KIB(16));
	asked->req = (struct slv_req){
		.arena = &asked->arena, .sink = &asked->sink, .method = SLV_METHOD_GET
	};
	slv_fields_init(&asked->req.fields, &asked->arena);
	if (accept)
		assert_false(slv_failed(slv_fields_add_id(
				&asked->req.fields, SLV_FIELD_ACCEPT, slv_str_from(accept))));
}

static slv_str field(const struct asked *asked, const char *name)
{
	const struct slv_field *found =
			slv_fields_find_name(&asked->reply.fields, slv_str_from(name));
	return found ? found->value : (slv_str){ 0 };
}

static bool body_is(const struct asked *asked, const char *text)
{
	return slv_str_eq(asked->reply.body.bytes, slv_str_from(text)) &&
	       asked->reply.body.length == strlen(text);
}

static void an_error_is_one_line_of_text(void **state)
{
	(void)state;
	struct asked asked;
	ask(&asked, NULL);
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_LIMIT, "width past 12000"));
	assert_int_equal(asked.replies, 1);
	assert_int_equal(asked.reply.status, 413);
	assert_true(body_is(&asked, "width past 12000\n"));
	assert_true(slv_str_eq(field(&asked, "selvedge-error"), SLV_STR("limit")));
	assert_true(slv_str_eq(field(&asked, "cache-control"), SLV_STR("no-store")));
	assert_true(slv_str_eq(
			field(&asked, "content-type"), SLV_STR("text/plain; charset=utf-8")));
	assert_true(slv_str_eq(field(&asked, "x-content-type-options"), SLV_STR("nosniff")));
	assert_null(field(&asked, "retry-after").at);
	assert_string_equal(asked.reply.code, "limit");
	assert_string_equal(asked.req.error_code, "limit");
	slv_arena_done(&asked.arena);
}

static void an_error_is_json_for_who_likes_that(void **state)
{
	(void)state;
	struct asked asked;
	ask(&asked, "application/json");
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_OPTION, "option \"fit\n\" \xff is unknown"));
	assert_int_equal(asked.reply.status, 400);
	assert_true(body_is(&asked,
			"{\"error\":{\"code\":\"option\",\"status\":400,\"message\":\"option "
			"\\\"fit\\n\\\" \xef\xbf\xbd is unknown\"}}\n"));
	assert_true(slv_str_eq(field(&asked, "content-type"), SLV_STR("application/json")));
	slv_arena_done(&asked.arena);

	ask(&asked, "text/html,*/*;q=0.8");
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_OPTION, "no"));
	assert_true(body_is(&asked, "no\n"));
	slv_arena_done(&asked.arena);
}

static void control_bytes_do_not_make_further_lines(void **state)
{
	(void)state;
	struct asked asked;
	ask(&asked, NULL);
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_SYNTAX, "a\r\nb\x7f\x1b[1m\xc3\xb6"));
	assert_true(body_is(&asked, "a??b??[1m\xc3\xb6\n"));
	slv_arena_done(&asked.arena);
}

static void our_own_errors_are_not_told(void **state)
{
	(void)state;
	static const enum slv_code codes[] = { SLV_E_INTERNAL, SLV_E_SYS };
	for (size_t i = 0; i < SLV_COUNT(codes); i++) {
		struct asked asked;
		ask(&asked, i ? "application/json" : NULL);
		slv_problem_reply(&asked.req, SLV_ERR(codes[i], "open '/etc/secret'"));
		assert_int_equal(asked.reply.status, 500);
		slv_str body = asked.reply.body.bytes;
		assert_int_equal(slv_str_find_str(body, SLV_STR("secret")), body.len);
		assert_true(slv_str_find_str(body, SLV_STR("Internal Server Error")) < body.len);
		slv_arena_done(&asked.arena);
	}
}

static void every_code_makes_a_reply_of_its_status(void **state)
{
	(void)state;
	for (int32_t code = SLV_E_NONE + 1; code < SLV_E_COUNT; code++) {
		struct asked asked;
		ask(&asked, NULL);
		slv_problem_reply(&asked.req, (slv_err){ .code = code });
		assert_int_equal(asked.reply.status, slv_code_status(code));
		assert_true(asked.reply.body.length > 4); /* the phrase of the status */
		assert_true(slv_str_eq(field(&asked, "selvedge-error"),
				slv_str_from(slv_code_name(code))));
		assert_int_equal(field(&asked, "retry-after").at != NULL, code == SLV_E_BUSY);
		slv_arena_done(&asked.arena);
	}
}

static void a_long_reason_is_cut_between_characters(void **state)
{
	(void)state;
	char reason[601];
	struct asked asked;
	memset(reason, 'a', 600);
	reason[600] = '\0';
	ask(&asked, NULL);
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_SYNTAX, reason));
	assert_int_equal(asked.reply.body.length, 513);
	slv_arena_done(&asked.arena);

	memcpy(reason + 511, "\xc3\xb6", 2); /* one character over the cut */
	ask(&asked, NULL);
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_SYNTAX, reason));
	assert_int_equal(asked.reply.body.length, 512);
	assert_int_equal(asked.reply.body.bytes.at[510], 'a');
	slv_arena_done(&asked.arena);

	memset(reason, 1, 600); /* six bytes each in JSON */
	ask(&asked, "application/json");
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_SYNTAX, reason));
	assert_true(asked.reply.body.length > 3072);
	slv_arena_done(&asked.arena);
}

/* Without memory for anything it is still the status; with memory for fields only, those. */
static void a_full_arena_does_not_stop_the_reply(void **state)
{
	(void)state;
	struct asked asked;
	ask(&asked, NULL);
	while (slv_arena_bytes(&asked.arena, 1))
		continue;
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_HEADERS, "fields past 32 KiB"));
	assert_int_equal(asked.reply.status, 431);
	assert_int_equal(asked.reply.fields.count, 0);
	assert_true(asked.reply.body.length == 0);
	slv_arena_done(&asked.arena);

	size_t fields_bytes = 16 * sizeof(struct slv_field);
	ask(&asked, NULL);
	slv_arena_done(&asked.arena);
	slv_arena_init(&asked.arena, fields_bytes, fields_bytes);
	slv_fields_init(&asked.req.fields, &asked.arena);
	slv_problem_reply(&asked.req, SLV_ERR(SLV_E_BUSY, "the queue of pictures is full"));
	assert_int_equal(asked.reply.status, 503);
	assert_true(slv_str_eq(field(&asked, "selvedge-error"), SLV_STR("busy")));
	assert_true(slv_str_eq(field(&asked, "cache-control"), SLV_STR("no-store")));
	assert_true(slv_str_eq(field(&asked, "retry-after"), SLV_STR("1")));
	assert_null(field(&asked, "content-type").at);
	assert_true(asked.reply.body.length == 0);
	slv_arena_done(&asked.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_one_line_of_text),
		cmocka_unit_test(an_error_is_json_for_who_likes_that),
		cmocka_unit_test(control_bytes_do_not_make_further_lines),
		cmocka_unit_test(our_own_errors_are_not_told),
		cmocka_unit_test(every_code_makes_a_reply_of_its_status),
		cmocka_unit_test(a_long_reason_is_cut_between_characters),
		cmocka_unit_test(a_full_arena_does_not_stop_the_reply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
