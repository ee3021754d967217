#include "service/blob_body.h"

#include "base/attr.h"
#include "store/blob/testing.h"

#include <unistd.h>

#define LEN (3 * SLV_KIB(256) + 7) /* of each blob: several pieces */

/* Two blobs, told a turn after they are asked for; the second one may be an error. */
struct chain {
	struct slv_blob_chain chain;
	struct blobs_kit *kit;
	struct slv_task task;
	struct slv_blob_ref refs[2];
	unsigned next;
	slv_err early, late; /* instead of the second */
	bool dropped;
};

static void chain_told(struct slv_task *task)
{
	struct chain *chain = SLV_CONTAINER(task, struct chain, task);
	unsigned index = chain->next++;
	slv_blob_body_next(chain->chain.body, index ? chain->late : SLV_OK, &chain->refs[index]);
}

static slv_err chain_next(struct slv_blob_chain *base)
{
	struct chain *chain = SLV_CONTAINER(base, struct chain, chain);
	assert_true(chain->next < 2);
	if (chain->next && slv_failed(chain->early))
		return chain->early;
	slv_task_start(chain->kit->loop, &chain->task);
	return SLV_OK;
}

static void chain_drop(struct slv_blob_chain *base)
{
	struct chain *chain = SLV_CONTAINER(base, struct chain, chain);
	slv_task_stop(&chain->task);
	chain->dropped = true;
}

static struct chain chain_of_two(struct blobs_kit *kit)
{
	struct chain chain = { .chain = { .next = chain_next, .drop = chain_drop },
		.kit = kit,
		.task = { .run = chain_told } };
	for (unsigned i = 0; i < 2; i++) {
		blobs_kit_put(kit, i, LEN, SLV_KIB(64));
		chain.refs[i] = kit->ref;
	}
	return chain;
}

/* --- who pulls --- */

struct pulling {
	struct slv_pull pull;
	struct blobs_kit *kit;
	slv_err err;
	slv_str bytes;
};

static void on_pulled(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct pulling *pulling = SLV_CONTAINER(pull, struct pulling, pull);
	pulling->err = err;
	pulling->bytes = bytes;
	pulling->kit->pending--;
}

static struct pulling pull(struct blobs_kit *kit, struct slv_body *body)
{
	struct pulling pulling = { .pull.done = on_pulled, .kit = kit };
	kit->pending++;
	slv_source_pull(body->source, &pulling.pull);
	assert_int_equal(kit->pending, 1); /* not before it returns */
	blobs_kit_wait(kit);
	return pulling;
}

static void on_opened(void *arg, slv_err err)
{
	struct blobs_kit *kit = arg;
	kit->err = err;
	kit->pending--;
}

static slv_err open_body(struct blobs_kit *kit, struct slv_body *body)
{
	kit->pending++;
	slv_blob_body_open(body, on_opened, kit);
	blobs_kit_wait(kit);
	return kit->err;
}

/* All that comes are the bytes of the two blobs from `first` on; their count. */
static uint64_t pull_all(struct blobs_kit *kit, struct slv_body *body, uint64_t first)
{
	uint64_t count = 0;
	for (;;) {
		struct pulling pulling = pull(kit, body);
		assert_int_equal(pulling.err.code, SLV_E_NONE);
		if (!pulling.bytes.len)
			return count;
		for (size_t i = 0; i < pulling.bytes.len; i++, count++) {
			uint64_t at = first + count;
			assert_int_equal(pulling.bytes.at[i], blobs_kit_byte(at >= LEN, at % LEN));
		}
	}
}

/* --- tests --- */

static void some_of_one_blob_come(void **state)
{
	static const uint64_t ranges[][2] = { { 0, LEN }, { 0, 1 }, { LEN - 1, 1 },
		{ 100, SLV_KIB(256) }, { SLV_KIB(256), SLV_KIB(512) } };
	struct blobs_kit *kit = *state;
	blobs_kit_put(kit, 0, LEN, SLV_KIB(64));
	struct slv_blob_ref ref = kit->ref;
	for (size_t i = 0; i < 2 * SLV_COUNT(ranges); i++) {
		const uint64_t *range = ranges[i / 2];
		struct slv_body body;
		assert_false(slv_failed(slv_blob_body_new(
				kit->loop, kit->blobs, &ref, range[0], range[1], &body)));
		assert_int_equal(body.length, range[1]);
		if (i % 2)
			assert_int_equal(open_body(kit, &body).code, SLV_E_NONE);
		assert_int_equal(pull_all(kit, &body, range[0]), range[1]);
		slv_body_done(&body);
	}
}

static void some_of_two_blobs_come(void **state)
{
	static const uint64_t ranges[][2] = { { 0, UINT64_C(2) * LEN }, { LEN - 1, 2 },
		{ LEN - 1, LEN + 1 }, { 5, LEN - 5 } };
	struct blobs_kit *kit = *state;
	struct chain two = chain_of_two(kit);
	for (size_t i = 0; i < 2 * SLV_COUNT(ranges); i++) {
		const uint64_t *range = ranges[i / 2];
		struct slv_body body;
		struct chain chain = two;
		slv_blob_body_new_of(
				kit->loop, kit->blobs, &chain.chain, range[0], range[1], &body);
		if (i % 2)
			assert_int_equal(open_body(kit, &body).code, SLV_E_NONE);
		assert_int_equal(pull_all(kit, &body, range[0]), range[1]);
		assert_false(chain.dropped);
		slv_body_done(&body);
		assert_true(chain.dropped);
	}
}

static void what_is_gone_is_told_before_the_reply(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_body body;
	char path[120];
	blobs_kit_put(kit, 0, LEN, SLV_KIB(64));
	struct slv_blob_ref ref = kit->ref;
	blobs_kit_path(kit, &ref.id, path);
	assert_false(slv_failed(slv_blob_body_new(kit->loop, kit->blobs, &ref, 0, LEN, &body)));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_body(kit, &body).code, SLV_E_MISSING);
	slv_body_done(&body);
}

static void what_is_removed_once_it_is_open_comes_to_its_end(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_body body;
	char path[120];
	blobs_kit_put(kit, 0, LEN, SLV_KIB(64));
	struct slv_blob_ref ref = kit->ref;
	blobs_kit_path(kit, &ref.id, path);
	assert_false(slv_failed(slv_blob_body_new(kit->loop, kit->blobs, &ref, 0, LEN, &body)));
	assert_int_equal(open_body(kit, &body).code, SLV_E_NONE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(pull_all(kit, &body, 0), LEN);
	slv_body_done(&body);
}

/* What the chain says at once is told later, and what it says later as it is. */
static void a_chain_that_breaks_is_told(void **state)
{
	struct blobs_kit *kit = *state;
	struct chain two = chain_of_two(kit);
	for (int late = 0; late < 2; late++) {
		struct chain chain = two;
		struct slv_body body;
		struct pulling pulling;
		uint64_t count = 0;
		*(late ? &chain.late : &chain.early) = SLV_ERR(SLV_E_CORRUPT, "broken");
		slv_blob_body_new_of(
				kit->loop, kit->blobs, &chain.chain, 0, UINT64_C(2) * LEN, &body);
		while (!slv_failed((pulling = pull(kit, &body)).err))
			count += pulling.bytes.len;
		assert_int_equal(pulling.err.code, SLV_E_CORRUPT);
		assert_int_equal(count, LEN);
		slv_body_done(&body);
	}
}

static void a_blob_that_is_too_short_is_told(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_body body;
	struct pulling pulling;
	blobs_kit_put(kit, 0, 10, 10);
	struct slv_blob_ref ref = kit->ref;
	assert_false(slv_failed(slv_blob_body_new(kit->loop, kit->blobs, &ref, 0, 11, &body)));
	pulling = pull(kit, &body);
	assert_int_equal(pulling.bytes.len, 10);
	pulling = pull(kit, &body);
	assert_int_equal(pulling.err.code, SLV_E_CORRUPT);
	slv_body_done(&body);
}

/* The sanitizer sees what is left, and cmocka whether anybody is called. */
static void it_may_be_closed_at_any_time(void **state)
{
	struct blobs_kit *kit = *state;
	struct chain two = chain_of_two(kit);
	for (int turns = 0; turns < 20; turns++) {
		struct chain chain = two;
		struct pulling pulling = { .pull.done = on_pulled, .kit = kit };
		struct slv_body body;
		slv_blob_body_new_of(kit->loop, kit->blobs, &chain.chain, LEN - 1, 2, &body);
		kit->pending++;
		slv_source_pull(body.source, &pulling.pull);
		for (int i = 0; i < turns && kit->pending; i++)
			slv_loop_turn(kit->loop, false);
		slv_body_done(&body);
		assert_true(chain.dropped);
		kit->pending = 0;
		slv_loop_turn(kit->loop, false);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, blobs_kit_set_up, blobs_kit_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(some_of_one_blob_come),
		TEST(some_of_two_blobs_come),
		TEST(what_is_gone_is_told_before_the_reply),
		TEST(what_is_removed_once_it_is_open_comes_to_its_end),
		TEST(a_chain_that_breaks_is_told),
		TEST(a_blob_that_is_too_short_is_told),
		TEST(it_may_be_closed_at_any_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
