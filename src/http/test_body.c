#include "http/body.h"

#include "base/attr.h"
#include "base/testing.h"

struct counted {
	struct slv_source source;
	struct slv_hold hold;
	struct slv_body *body; /* seen as zero when the callback comes */
	int pulls, closes, drops;
};

static void count_pull(struct slv_source *source, struct slv_pull *pull)
{
	(void)pull;
	SLV_CONTAINER(source, struct counted, source)->pulls++;
}

static void count_close(struct slv_source *source)
{
	struct counted *counted = SLV_CONTAINER(source, struct counted, source);
	counted->closes++;
	assert_null(counted->body->source);
}

static void count_drop(struct slv_hold *hold)
{
	struct counted *counted = SLV_CONTAINER(hold, struct counted, hold);
	counted->drops++;
	assert_null(counted->body->hold);
}

static const struct slv_source_ops counted_ops = { .pull = count_pull, .close = count_close };

static void bytes_know_their_length(void **state)
{
	(void)state;
	struct slv_body body = slv_body_bytes(SLV_STR("hello"), NULL);
	assert_true(body.length == 5 && !body.source && !body.hold && !body.file.known);
	slv_body_done(&body);
	assert_true(body.length == 0 && body.bytes.len == 0);
}

static void a_source_is_closed_once(void **state)
{
	(void)state;
	struct slv_body body;
	struct counted counted = { .source.ops = &counted_ops, .body = &body };
	struct slv_pull pull = { 0 };
	body = (struct slv_body){ .length = SLV_LENGTH_UNKNOWN, .source = &counted.source };
	slv_source_pull(body.source, &pull);
	slv_body_done(&body);
	slv_body_done(&body);
	assert_int_equal(counted.pulls, 1);
	assert_int_equal(counted.closes, 1);
}

static void a_hold_is_dropped_once(void **state)
{
	(void)state;
	struct slv_body body;
	struct counted counted = { .hold.drop = count_drop, .body = &body };
	body = slv_body_bytes(SLV_STR("hello"), &counted.hold);
	slv_body_done(&body);
	slv_body_done(&body);
	assert_int_equal(counted.drops, 1);
}

static void zeroes_are_done(void **state)
{
	(void)state;
	struct slv_body body = { 0 };
	slv_body_done(&body);
	assert_null(body.source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_know_their_length),
		cmocka_unit_test(a_source_is_closed_once),
		cmocka_unit_test(a_hold_is_dropped_once),
		cmocka_unit_test(zeroes_are_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
