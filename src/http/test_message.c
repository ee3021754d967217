#include "http/message.h"

#include "base/attr.h"
#include "base/testing.h"

struct catcher {
	struct slv_sink sink;
	struct slv_req *req;
	struct slv_reply reply;
	int replies;
};

static void catch_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct catcher *catcher = SLV_CONTAINER(sink, struct catcher, sink);
	catcher->req = req;
	catcher->reply = *reply;
	catcher->replies++;
}

static const struct slv_sink_ops catcher_ops = { .reply = catch_reply };

static void a_reply_begins_empty(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 256, 4096);
	struct slv_req req = { .arena = &arena };
	struct slv_reply reply;
	slv_reply_init(&reply, &req, 201);
	assert_int_equal(reply.status, 201);
	assert_int_equal(reply.fields.count, 0);
	assert_ptr_equal(reply.fields.arena, &arena);
	assert_true(reply.body.length == 0 && !reply.body.source && !reply.code);
	slv_arena_done(&arena);
}

static void a_reply_goes_to_the_sink_of_its_request(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 256, 4096);
	struct catcher catcher = { .sink.ops = &catcher_ops };
	struct slv_req req = { .arena = &arena, .sink = &catcher.sink };
	struct slv_reply reply;
	slv_reply_init(&reply, &req, 404);
	reply.code = "missing";
	reply.body = slv_body_bytes(SLV_STR("no"), NULL);
	slv_req_reply(&req, &reply);
	assert_int_equal(catcher.replies, 1);
	assert_ptr_equal(catcher.req, &req);
	assert_int_equal(catcher.reply.status, 404);
	assert_true(slv_str_eq(catcher.reply.body.bytes, SLV_STR("no")));
	assert_string_equal(req.error_code, "missing");
	/* What only the one who sends can know is left alone. */
	assert_int_equal(req.sent_status, 0);
	assert_true(req.times.reply_ms == 0 && req.times.sent_ms == 0 && req.sent_bytes == 0);
	slv_arena_done(&arena);
}

static void a_reply_to_head_may_tell_only_a_length(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 256, 4096);
	struct catcher catcher = { .sink.ops = &catcher_ops };
	struct slv_req req = { .arena = &arena, .sink = &catcher.sink, .method = SLV_METHOD_HEAD };
	struct slv_reply reply;
	slv_reply_init(&reply, &req, 200);
	reply.body.length = 1000;
	slv_req_reply(&req, &reply);
	assert_true(catcher.reply.body.length == 1000);
	slv_arena_done(&arena);
}

static void how_long_a_reply_may_be_kept_is_told(void **state)
{
	static const struct {
		int64_t max_age_s;
		const char *before, *told; /* NULL: nothing is */
	} table[] = {
		{ -1, NULL, NULL },
		{ 0, NULL, "no-cache" },
		{ 1, NULL, "public, max-age=1" },
		{ 31536000, NULL, "public, max-age=31536000" },
		{ 60, "private", "private" },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_arena arena;
		slv_arena_init(&arena, 256, 4096);
		struct slv_req req = { .arena = &arena };
		struct slv_reply reply;
		slv_reply_init(&reply, &req, 200);
		if (table[i].before)
			assert_false(slv_failed(slv_fields_add_id(&reply.fields,
					SLV_FIELD_CACHE_CONTROL, slv_str_from(table[i].before))));
		assert_false(slv_failed(slv_reply_max_age(&reply, table[i].max_age_s)));
		slv_str told = slv_fields_get(&reply.fields, SLV_FIELD_CACHE_CONTROL);
		assert_true(slv_str_eq(told, slv_str_from(table[i].told)));
		assert_int_equal(reply.fields.count, table[i].told != NULL);
		slv_arena_done(&arena);
	}
}

static void where_there_is_no_memory_it_is_an_error(void **state)
{
	struct slv_arena arena;
	(void)state;
	slv_arena_init(&arena, 64, 64);
	struct slv_req req = { .arena = &arena };
	struct slv_reply reply;
	slv_reply_init(&reply, &req, 200);
	assert_non_null(slv_arena_bytes(&arena, 64));
	assert_int_equal(slv_reply_max_age(&reply, 60).code, SLV_E_LIMIT);
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_begins_empty),
		cmocka_unit_test(how_long_a_reply_may_be_kept_is_told),
		cmocka_unit_test(where_there_is_no_memory_it_is_an_error),
		cmocka_unit_test(a_reply_goes_to_the_sink_of_its_request),
		cmocka_unit_test(a_reply_to_head_may_tell_only_a_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
