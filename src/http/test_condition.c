#include "http/condition.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

#define MODIFIED_S 784111777 /* DATE */
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW_S 1700000000

static const struct slv_validator strong = { SLV_STR_INIT("\"a,b\""), MODIFIED_S };
static const struct slv_validator weak = { SLV_STR_INIT("W/\"a,b\""), MODIFIED_S };
static const struct slv_validator none = { { 0 }, -1 };

struct asked {
	struct slv_arena arena;
	struct slv_sink sink;
	struct slv_hold hold;
	struct slv_req req;
	struct slv_reply reply; /* that came */
	int replies, drops;
};

static void take_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct asked *asked = SLV_CONTAINER(sink, struct asked, sink);
	assert_ptr_equal(req, &asked->req);
	asked->reply = *reply;
	asked->replies++;
}

static void count_drop(struct slv_hold *hold)
{
	SLV_CONTAINER(hold, struct asked, hold)->drops++;
}

static const struct slv_sink_ops ops = { .reply = take_reply };

/* `lines` are pairs of name and value and end with NULL. */
static void ask(struct asked *asked, enum slv_method method, const char *const *lines)
{
	*asked = (struct asked){ .sink.ops = &ops, .hold.drop = count_drop };
	slv_arena_init(&asked->arena, 4096, SLV_KIB(16));
	asked->req = (struct slv_req){
		.arena = &asked->arena, .sink = &asked->sink, .method = method
	};
	slv_fields_init(&asked->req.fields, &asked->arena);
	for (; lines[0]; lines += 2)
		assert_false(slv_failed(slv_fields_add(&asked->req.fields, slv_str_from(lines[0]),
				slv_str_from(lines[1]))));
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static enum slv_condition check(
		enum slv_method method, const struct slv_validator *have, const char *const *lines)
{
	struct asked asked;
	ask(&asked, method, lines);
	enum slv_condition verdict = slv_condition_check(&asked.req, have, NOW_S);
	slv_arena_done(&asked.arena);
	return verdict;
}

static void if_none_match_compares_weakly(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		bool matches;
	} cases[] = { { "\"a,b\"", true }, { "W/\"a,b\"", true }, { "*", true },
		{ "\"x\", \"a,b\"", true }, { "\"x\",W/\"a,b\" , \"y\"", true },
		{ " ,, \"a,b\"", true }, { "junk, \"a,b\"", true }, { "\"x\" y, \"a,b\"", true },
		{ "\"a\\\", \"a,b\"", true }, { "\"a\"", false }, { "\"b\"", false },
		{ "a,b", false }, { "\"a,b\" x", false }, { "\"a,b", false },
		{ "w/\"a,b\"", false }, { "W/", false }, { "W/x", false }, { "\"", false },
		{ "", false }, { "**", false }, { "\"x\", *", false }, { "\"A,b\"", false } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		const char *const *lines = LINES("If-None-Match", cases[i].value);
		assert_int_equal(check(SLV_METHOD_GET, &strong, lines),
				cases[i].matches ? SLV_CONDITION_SAME : SLV_CONDITION_GO);
		assert_int_equal(check(SLV_METHOD_HEAD, &weak, lines),
				cases[i].matches ? SLV_CONDITION_SAME : SLV_CONDITION_GO);
		assert_int_equal(check(SLV_METHOD_PUT, &strong, lines),
				cases[i].matches ? SLV_CONDITION_FAILED : SLV_CONDITION_GO);
	}
}

static void if_match_compares_strongly(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		enum slv_condition strong, weak;
	} cases[] = { { "\"a,b\"", SLV_CONDITION_GO, SLV_CONDITION_FAILED },
		{ "W/\"a,b\"", SLV_CONDITION_FAILED, SLV_CONDITION_FAILED },
		{ "*", SLV_CONDITION_GO, SLV_CONDITION_GO },
		{ "\"x\", \"a,b\"", SLV_CONDITION_GO, SLV_CONDITION_FAILED },
		{ "\"x\"", SLV_CONDITION_FAILED, SLV_CONDITION_FAILED },
		{ "a,b", SLV_CONDITION_FAILED, SLV_CONDITION_FAILED },
		{ "", SLV_CONDITION_FAILED, SLV_CONDITION_FAILED } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		const char *const *lines = LINES("If-Match", cases[i].value);
		assert_int_equal(check(SLV_METHOD_GET, &strong, lines), cases[i].strong);
		assert_int_equal(check(SLV_METHOD_PUT, &weak, lines), cases[i].weak);
	}
}

static void several_lines_are_one_list(void **state)
{
	(void)state;
	assert_int_equal(check(SLV_METHOD_GET, &strong,
					 LINES("If-None-Match", "\"x\"", "If-None-Match",
							 "\"a,b\"")),
			SLV_CONDITION_SAME);
	assert_int_equal(check(SLV_METHOD_PUT, &strong,
					 LINES("If-Match", "\"x\"", "if-match", "\"a,b\"")),
			SLV_CONDITION_GO);
}

static void without_a_representation_a_star_means_that(void **state)
{
	(void)state;
	assert_int_equal(
			check(SLV_METHOD_PUT, NULL, LINES("If-None-Match", "*")), SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_PUT, NULL, LINES("If-Match", "*")), SLV_CONDITION_FAILED);
	assert_int_equal(check(SLV_METHOD_PUT, NULL, LINES("If-Match", "\"a,b\"")),
			SLV_CONDITION_FAILED);
	assert_int_equal(check(SLV_METHOD_PUT, NULL, LINES("If-Unmodified-Since", DATE)),
			SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_GET, NULL, LINES("If-Modified-Since", DATE)),
			SLV_CONDITION_GO);
	/* One without validators is there all the same. */
	assert_int_equal(check(SLV_METHOD_PUT, &none, LINES("If-Match", "*")), SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_PUT, &none, LINES("If-Match", "\"\"")),
			SLV_CONDITION_FAILED);
}

static void dates_decide_where_no_tags_are_given(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
		enum slv_condition verdict;
	} cases[] = { { "If-Modified-Since", DATE, SLV_CONDITION_SAME },
		{ "If-Modified-Since", AFTER, SLV_CONDITION_SAME },
		{ "If-Modified-Since", BEFORE, SLV_CONDITION_GO },
		{ "If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT", SLV_CONDITION_SAME },
		{ "If-Modified-Since", "yesterday", SLV_CONDITION_GO },
		{ "If-Unmodified-Since", DATE, SLV_CONDITION_GO },
		{ "If-Unmodified-Since", AFTER, SLV_CONDITION_GO },
		{ "If-Unmodified-Since", BEFORE, SLV_CONDITION_FAILED },
		{ "If-Unmodified-Since", "yesterday", SLV_CONDITION_GO } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		const char *const *lines = LINES(cases[i].name, cases[i].value);
		assert_int_equal(check(SLV_METHOD_GET, &strong, lines), cases[i].verdict);
		assert_int_equal(check(SLV_METHOD_GET, &none, lines), SLV_CONDITION_GO);
	}
	assert_int_equal(check(SLV_METHOD_PUT, &strong, LINES("If-Modified-Since", DATE)),
			SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_GET, &strong,
					 LINES("If-Modified-Since", DATE, "If-Modified-Since",
							 DATE)),
			SLV_CONDITION_GO);
}

static void tags_go_before_dates(void **state)
{
	(void)state;
	assert_int_equal(
			check(SLV_METHOD_GET, &strong,
					LINES("If-None-Match", "\"x\"", "If-Modified-Since", DATE)),
			SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_GET, &strong,
					 LINES("If-None-Match", "\"a,b\"", "If-Modified-Since",
							 BEFORE)),
			SLV_CONDITION_SAME);
	assert_int_equal(check(SLV_METHOD_PUT, &strong,
					 LINES("If-Match", "\"a,b\"", "If-Unmodified-Since",
							 BEFORE)),
			SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_GET, &strong,
					 LINES("If-Match", "\"x\"", "If-None-Match", "\"a,b\"")),
			SLV_CONDITION_FAILED);
	assert_int_equal(check(SLV_METHOD_GET, &strong,
					 LINES("If-Match", "\"a,b\"", "If-None-Match", "\"a,b\"")),
			SLV_CONDITION_SAME);
}

static void methods_without_a_representation_have_no_conditions(void **state)
{
	(void)state;
	assert_int_equal(check(SLV_METHOD_OPTIONS, &strong, LINES("If-Match", "\"x\"")),
			SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_TRACE, &strong, LINES("If-None-Match", "*")),
			SLV_CONDITION_GO);
	assert_int_equal(check(SLV_METHOD_CONNECT, &strong, LINES("If-Match", "\"x\"")),
			SLV_CONDITION_GO);
}

static enum slv_range_verdict range(enum slv_method method, const struct slv_validator *have,
		int64_t now_s, const char *const *lines)
{
	struct asked asked;
	struct slv_range ret;
	ask(&asked, method, lines);
	enum slv_range_verdict verdict = slv_condition_range(&asked.req, have, 100, now_s, &ret);
	if (verdict == SLV_RANGE_PART)
		assert_true(ret.first == 1 && ret.count == 2);
	slv_arena_done(&asked.arena);
	return verdict;
}

static void if_range_wants_the_same_strong_tag(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		enum slv_range_verdict strong, weak;
	} cases[] = { { "\"a,b\"", SLV_RANGE_PART, SLV_RANGE_WHOLE },
		{ "W/\"a,b\"", SLV_RANGE_WHOLE, SLV_RANGE_WHOLE },
		{ "\"x\"", SLV_RANGE_WHOLE, SLV_RANGE_WHOLE },
		{ "*", SLV_RANGE_WHOLE, SLV_RANGE_WHOLE }, { "", SLV_RANGE_WHOLE, SLV_RANGE_WHOLE },
		{ DATE, SLV_RANGE_PART, SLV_RANGE_PART },
		{ BEFORE, SLV_RANGE_WHOLE, SLV_RANGE_WHOLE },
		{ AFTER, SLV_RANGE_WHOLE, SLV_RANGE_WHOLE } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		const char *const *lines = LINES("Range", "bytes=1-2", "If-Range", cases[i].value);
		assert_int_equal(range(SLV_METHOD_GET, &strong, NOW_S, lines), cases[i].strong);
		assert_int_equal(range(SLV_METHOD_GET, &weak, NOW_S, lines), cases[i].weak);
		assert_int_equal(range(SLV_METHOD_GET, &none, NOW_S, lines), SLV_RANGE_WHOLE);
	}
}

static void a_date_of_this_second_is_too_weak_for_if_range(void **state)
{
	(void)state;
	const char *const *lines = LINES("Range", "bytes=1-2", "If-Range", DATE);
	assert_int_equal(range(SLV_METHOD_GET, &strong, MODIFIED_S, lines), SLV_RANGE_WHOLE);
	assert_int_equal(range(SLV_METHOD_GET, &strong, MODIFIED_S + 1, lines), SLV_RANGE_PART);
}

static void only_one_range_of_a_get_counts(void **state)
{
	(void)state;
	const char *const *one = LINES("Range", "bytes=1-2");
	assert_int_equal(range(SLV_METHOD_GET, &strong, NOW_S, one), SLV_RANGE_PART);
	assert_int_equal(range(SLV_METHOD_GET, &none, NOW_S, one), SLV_RANGE_PART);
	assert_int_equal(range(SLV_METHOD_HEAD, &strong, NOW_S, one), SLV_RANGE_WHOLE);
	assert_int_equal(range(SLV_METHOD_POST, &strong, NOW_S, one), SLV_RANGE_WHOLE);
	assert_int_equal(range(SLV_METHOD_GET, &strong, NOW_S,
					 LINES("Range", "bytes=1-2", "Range", "bytes=1-2")),
			SLV_RANGE_WHOLE);
	assert_int_equal(range(SLV_METHOD_GET, &strong, NOW_S,
					 LINES("Range", "bytes=1-2", "If-Range", "\"a,b\"",
							 "If-Range", "\"a,b\"")),
			SLV_RANGE_WHOLE);
	assert_int_equal(range(SLV_METHOD_GET, &strong, NOW_S, LINES("Range", "bytes=100-")),
			SLV_RANGE_BAD);
	assert_int_equal(range(SLV_METHOD_GET, &strong, NOW_S, (const char *const[]){ NULL }),
			SLV_RANGE_WHOLE);
}

/* --- replies: ten bytes of a file from its byte 1000 on --- */

static void reply(struct asked *asked, enum slv_method method, const struct slv_validator *have,
		int64_t now_s, const char *const *lines)
{
	static const char *const fields[][2] = { { "Content-Type", "text/plain" },
		{ "Content-Encoding", "identity" }, { "content-language", "en" },
		{ "Content-Location", "/x" }, { "Content-Security-Policy", "default-src 'none'" },
		{ "Cache-Control", "max-age=60" }, { "Vary", "Accept" }, { "Expires", AFTER },
		{ "X-Own", "1" } };
	struct slv_reply made;
	ask(asked, method, lines);
	slv_reply_init(&made, &asked->req, 200);
	for (size_t i = 0; i < SLV_COUNT(fields); i++)
		assert_false(slv_failed(slv_fields_add(&made.fields, slv_str_from(fields[i][0]),
				slv_str_from(fields[i][1]))));
	made.body = slv_body_bytes(SLV_STR("0123456789"), &asked->hold);
	made.body.file.known = true;
	made.body.file.fd = 5;
	made.body.file.offset = 1000;
	slv_condition_reply(&asked->req, &made, have, now_s);
	assert_int_equal(asked->replies, 1);
}

static bool field_is(const struct asked *asked, const char *name, const char *value)
{
	const struct slv_field *field =
			slv_fields_find_name(&asked->reply.fields, slv_str_from(name));
	return value ? field && slv_str_eq(field->value, slv_str_from(value)) : !field;
}

static void done(struct asked *asked)
{
	slv_body_done(&asked->reply.body);
	assert_int_equal(asked->drops, 1);
	slv_arena_done(&asked->arena);
}

static void a_reply_without_conditions_is_whole(void **state)
{
	(void)state;
	struct asked asked;
	for (int i = 0; i < 2; i++) {
		reply(&asked, i ? SLV_METHOD_HEAD : SLV_METHOD_GET, &strong, NOW_S,
				LINES("Range", i ? "bytes=1-2" : "bytes=0-1,3-4"));
		assert_int_equal(asked.reply.status, 200);
		assert_true(slv_str_eq(asked.reply.body.bytes, SLV_STR("0123456789")));
		assert_true(asked.reply.body.file.offset == 1000 && asked.drops == 0);
		assert_true(field_is(&asked, "etag", "\"a,b\""));
		assert_true(field_is(&asked, "last-modified", DATE));
		assert_true(field_is(&asked, "accept-ranges", "bytes"));
		assert_true(field_is(&asked, "content-type", "text/plain"));
		assert_true(field_is(&asked, "content-range", NULL));
		done(&asked);
	}
}

static void a_part_keeps_its_hold_and_moves_its_offset(void **state)
{
	(void)state;
	struct asked asked;
	reply(&asked, SLV_METHOD_GET, &strong, NOW_S, LINES("Range", "bytes=-3"));
	assert_int_equal(asked.reply.status, 206);
	assert_true(field_is(&asked, "content-range", "bytes 7-9/10"));
	assert_true(field_is(&asked, "etag", "\"a,b\""));
	assert_true(field_is(&asked, "content-type", "text/plain"));
	assert_true(field_is(&asked, "cache-control", "max-age=60"));
	struct slv_body *body = &asked.reply.body;
	assert_true(slv_str_eq(body->bytes, SLV_STR("789")) && body->length == 3);
	assert_true(body->file.known && body->file.fd == 5 && body->file.offset == 1007);
	assert_ptr_equal(body->hold, &asked.hold);
	assert_int_equal(asked.drops, 0);
	done(&asked);
}

static void not_modified_keeps_what_a_cache_needs(void **state)
{
	(void)state;
	static const char *const kept[][2] = { { "etag", "W/\"a,b\"" }, { "last-modified", DATE },
		{ "cache-control", "max-age=60" }, { "vary", "Accept" }, { "expires", AFTER },
		{ "content-location", "/x" }, { "x-own", "1" },
		{ "content-security-policy", "default-src 'none'" } };
	static const char *const dropped[] = { "content-type", "content-encoding",
		"content-language", "content-range" };
	struct asked asked;
	reply(&asked, SLV_METHOD_GET, &weak, NOW_S,
			LINES("If-None-Match", "\"a,b\"", "Range", "bytes=1-2"));
	assert_int_equal(asked.reply.status, 304);
	for (size_t i = 0; i < SLV_COUNT(kept); i++)
		assert_true(field_is(&asked, kept[i][0], kept[i][1]));
	for (size_t i = 0; i < SLV_COUNT(dropped); i++)
		assert_true(field_is(&asked, dropped[i], NULL));
	assert_true(asked.reply.body.length == 0 && !asked.reply.body.file.known);
	assert_int_equal(asked.drops, 1);
	done(&asked);
}

static void a_condition_that_fails_is_412(void **state)
{
	(void)state;
	struct asked asked;
	reply(&asked, SLV_METHOD_GET, &strong, NOW_S, LINES("If-Match", "\"x\""));
	assert_int_equal(asked.reply.status, 412);
	assert_true(field_is(&asked, "selvedge-error", "precondition"));
	assert_true(field_is(&asked, "cache-control", "no-store"));
	assert_true(field_is(&asked, "content-encoding", NULL));
	assert_string_equal(asked.req.error_code, "precondition");
	assert_int_equal(asked.drops, 1);
	done(&asked);
}

static void a_range_behind_the_end_is_416(void **state)
{
	(void)state;
	struct asked asked;
	reply(&asked, SLV_METHOD_GET, &strong, NOW_S, LINES("Range", "bytes=10-"));
	assert_int_equal(asked.reply.status, 416);
	assert_true(field_is(&asked, "content-range", "bytes */10"));
	assert_true(field_is(&asked, "selvedge-error", "range"));
	assert_true(field_is(&asked, "cache-control", "no-store"));
	assert_int_equal(asked.drops, 1);
	done(&asked);
}

static void a_last_modified_of_the_future_is_now(void **state)
{
	(void)state;
	struct asked asked;
	reply(&asked, SLV_METHOD_GET, &strong, MODIFIED_S - 1, (const char *const[]){ NULL });
	assert_true(field_is(&asked, "last-modified", BEFORE));
	done(&asked);
}

static void what_is_not_known_is_not_told(void **state)
{
	(void)state;
	struct asked asked;
	reply(&asked, SLV_METHOD_GET, &none, NOW_S, (const char *const[]){ NULL });
	assert_int_equal(asked.reply.status, 200);
	assert_true(field_is(&asked, "etag", NULL));
	assert_true(field_is(&asked, "last-modified", NULL));
	done(&asked);
}

/* Each size of the arena that ends somewhere on the way: an error, never a wrong 206. */
static void a_full_arena_is_a_limit(void **state)
{
	(void)state;
	unsigned limits = 0, parts = 0;
	for (size_t max = 1; max < 2048; max += 16) {
		struct asked asked;
		struct slv_arena arena;
		struct slv_reply made;
		ask(&asked, SLV_METHOD_GET, LINES("Range", "bytes=1-2"));
		slv_arena_init(&arena, max, max);
		asked.req.arena = &arena;
		slv_reply_init(&made, &asked.req, 200);
		made.body = slv_body_bytes(SLV_STR("0123456789"), &asked.hold);
		slv_condition_reply(&asked.req, &made, &strong, NOW_S);
		assert_int_equal(asked.replies, 1);
		limits += asked.reply.status == 413;
		parts += asked.reply.status == 206 &&
		         field_is(&asked, "content-range", "bytes 1-2/10");
		assert_int_equal(asked.drops, asked.reply.status == 413);
		done(&asked);
		slv_arena_done(&arena);
	}
	assert_true(limits > 10 && parts > 10);
	assert_int_equal(limits + parts, 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(if_none_match_compares_weakly),
		cmocka_unit_test(if_match_compares_strongly),
		cmocka_unit_test(several_lines_are_one_list),
		cmocka_unit_test(without_a_representation_a_star_means_that),
		cmocka_unit_test(dates_decide_where_no_tags_are_given),
		cmocka_unit_test(tags_go_before_dates),
		cmocka_unit_test(methods_without_a_representation_have_no_conditions),
		cmocka_unit_test(if_range_wants_the_same_strong_tag),
		cmocka_unit_test(a_date_of_this_second_is_too_weak_for_if_range),
		cmocka_unit_test(only_one_range_of_a_get_counts),
		cmocka_unit_test(a_reply_without_conditions_is_whole),
		cmocka_unit_test(a_part_keeps_its_hold_and_moves_its_offset),
		cmocka_unit_test(not_modified_keeps_what_a_cache_needs),
		cmocka_unit_test(a_condition_that_fails_is_412),
		cmocka_unit_test(a_range_behind_the_end_is_416),
		cmocka_unit_test(a_last_modified_of_the_future_is_now),
		cmocka_unit_test(what_is_not_known_is_not_told),
		cmocka_unit_test(a_full_arena_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
