#include "service/image/testing_source.h"

struct parts {
	struct slv_source source; /* first */
	struct slv_pull *pull;    /* waits for a part */
	unsigned pulls, closed;
};

static void parts_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct parts *parts = SLV_CONTAINER(source, struct parts, source);
	assert_null(parts->pull);
	parts->pull = pull;
	parts->pulls++;
}

static void parts_close(struct slv_source *source)
{
	struct parts *parts = SLV_CONTAINER(source, struct parts, source);
	parts->pull = NULL;
	parts->closed++;
}

static const struct slv_source_ops parts_ops = { .pull = parts_pull, .close = parts_close };

/* Answer the last request with `parts`. */
static void give_parts(struct stage *stage, struct parts *parts, uint64_t length)
{
	struct bench_source *asked = &stage->bench->sources[stage->bench->source_count - 1];
	struct slv_req *req = asked->req;
	struct slv_reply reply;
	*parts = (struct parts){ .source.ops = &parts_ops };
	slv_reply_init(&reply, req, 200);
	reply.body = (struct slv_body){ .length = length, .source = &parts->source };
	asked->req = NULL;
	slv_req_reply(req, &reply);
	bench_turn(stage->bench);
}

static void give_part(struct stage *stage, struct parts *parts, slv_err err, slv_str bytes)
{
	struct slv_pull *pull = parts->pull;
	assert_non_null(pull);
	parts->pull = NULL;
	pull->done(pull, err, bytes);
	bench_turn(stage->bench);
}

static void a_source_may_come_in_parts(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	stage_get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, stage_picture.len);
	give_part(stage, &parts, SLV_OK, slv_str_head(stage_picture, 9));
	assert_int_equal(wanted.done, 0);
	give_part(stage, &parts, SLV_OK, slv_str_from_index(stage_picture, 9));
	give_part(stage, &parts, SLV_OK, SLV_STR(""));
	expect_picture(&wanted);
	assert_int_equal(parts.closed, 1);
}

static void a_part_that_fails_fails_the_source(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	stage_get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	give_part(stage, &parts, SLV_OK, stage_picture);
	give_part(stage, &parts, SLV_ERR(SLV_E_UPSTREAM, "it broke"), SLV_STR(""));
	expect_error(&wanted, SLV_E_UPSTREAM, "it broke");
	assert_int_equal(parts.closed, 1);
}

static void parts_are_counted_and_a_told_length_is_believed_first(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	char bytes[1000] = BENCH_PICTURE;
	stage_get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	give_part(stage, &parts, SLV_OK, (slv_str){ bytes, 1000 });
	assert_int_equal(wanted.done, 0);
	give_part(stage, &parts, SLV_OK, SLV_STR("x"));
	expect_error(&wanted, SLV_E_LIMIT, "source_bytes");
	assert_int_equal(parts.closed, 1);
	stage_get(stage, &wanted, "/b.png");
	give_parts(stage, &parts, 1001);
	expect_error(&wanted, SLV_E_LIMIT, "source_bytes");
	assert_int_equal(parts.pulls, 0);
	assert_int_equal(parts.closed, 1);
}

static void sources_under_way_have_a_gib_and_no_more(void **state)
{
	struct stage *stage = *state;
	struct wanted whole, more, unsaid;
	struct parts parts, other;
	stage->bench->conf.source_bytes = (int64_t)IMAGE_LOADING_BYTES_MAX + 1;
	stage_get(stage, &whole, "/a.png");
	give_parts(stage, &parts, IMAGE_LOADING_BYTES_MAX + 1);
	expect_error(&whole, SLV_E_BUSY, "more than 1 GiB");
	assert_int_equal(parts.pulls, 0);
	stage_get(stage, &whole, "/a.png"); /* which is not remembered */
	give_parts(stage, &parts, IMAGE_LOADING_BYTES_MAX);
	assert_int_equal(whole.done, 0);
	assert_int_equal(parts.pulls, 1);

	stage_get(stage, &more, "/b.png");
	give_parts(stage, &other, 1);
	expect_error(&more, SLV_E_BUSY, "more than 1 GiB");
	assert_int_equal(other.pulls, 0);
	assert_int_equal(other.closed, 1);
	stage_get(stage, &unsaid, "/c.png");
	give_parts(stage, &other, SLV_LENGTH_UNKNOWN);
	give_part(stage, &other, SLV_OK, SLV_STR("\xff\xd8\xff"));
	expect_error(&unsaid, SLV_E_BUSY, "more than 1 GiB");

	give_part(stage, &parts, SLV_OK, stage_picture); /* it was counted before */
	assert_int_equal(whole.done, 0);
	stage_get(stage, &more, "/b.png");
	give_parts(stage, &other, 1);
	expect_error(&more, SLV_E_BUSY, "more than 1 GiB");
	give_part(stage, &parts, SLV_ERR(SLV_E_UPSTREAM, "it broke"), SLV_STR(""));
	expect_error(&whole, SLV_E_UPSTREAM, "it broke");
	stage_get(stage, &more, "/b.png"); /* there is room again */
	give_parts(stage, &other, SLV_LENGTH_UNKNOWN);
	give_part(stage, &other, SLV_OK, stage_picture);
	give_part(stage, &other, SLV_OK, SLV_STR(""));
	expect_picture(&more);
}

static void what_is_no_picture_is_not_read_to_its_end(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	stage_get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	give_part(stage, &parts, SLV_OK, SLV_STR("<!doctype html>"));
	expect_error(&wanted, SLV_E_MEDIA, "no picture");
	assert_int_equal(parts.pulls, 1);
	assert_int_equal(parts.closed, 1);
}

static void a_body_that_nobody_wants_is_closed_at_its_next_part(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	stage_get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	image_source_leave(stage->sources, &wanted.want);
	give_part(stage, &parts, SLV_OK, stage_picture);
	assert_int_equal(parts.pulls, 1);
	assert_int_equal(parts.closed, 1);
	assert_int_equal(wanted.done, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(a_source_may_come_in_parts),
		T(a_part_that_fails_fails_the_source),
		T(parts_are_counted_and_a_told_length_is_believed_first),
		T(sources_under_way_have_a_gib_and_no_more),
		T(what_is_no_picture_is_not_read_to_its_end),
		T(a_body_that_nobody_wants_is_closed_at_its_next_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
