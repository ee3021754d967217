#include "store/omap/recall.h"

#include "store/omap/testing.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

/* One that is handed out, or what came instead. */
struct one {
	struct slv_omap_recall recall;
	struct kit *kit;
	slv_err err;
	bool hit;
};

static void on_recall(struct slv_omap_recall *recall, slv_err err)
{
	struct one *one = SLV_CONTAINER(recall, struct one, recall);
	one->err = err;
	one->kit->pending--;
}

static void recall_one(
		struct kit *kit, struct slv_omap_memory *memory, const char *key, struct one *one)
{
	*one = (struct one){ .kit = kit };
	one->recall = (struct slv_omap_recall){
		.memory = memory, .map = kit->map, .key = slv_str_from(key), .done = on_recall
	};
	one->hit = slv_omap_recall(&one->recall);
	if (!one->hit) {
		kit->pending++;
		kit_wait(kit);
	}
}

/* Its body is `want` (NULL: there is no such row). Was it in memory? */
static bool is(struct kit *kit, struct slv_omap_memory *memory, const char *key, const char *want)
{
	struct one one;
	recall_one(kit, memory, key, &one);
	assert_int_equal(one.err.code, SLV_E_NONE);
	assert_int_equal(one.recall.row->version != 0, want != NULL);
	if (want)
		is_text(one.recall.row->body, want);
	one.recall.hold->drop(one.recall.hold);
	return one.hit;
}

static void put(struct kit *kit, const char *key, const char *body)
{
	struct slv_omap_change change = putting(key, "v");
	change.body = slv_str_from(body);
	assert_true(kit_write(kit, &change, 1, NULL) > 0);
}

static void a_row_that_was_read_is_in_memory(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	put(kit, "a", "one");
	put(kit, "b", "two");
	assert_false(is(kit, memory, "a", "one"));
	assert_true(is(kit, memory, "a", "one"));
	assert_true(is(kit, memory, "a", "one"));
	assert_false(is(kit, memory, "b", "two"));
	assert_true(is(kit, memory, "b", "two"));
	slv_omap_memory_free(memory);
}

static void a_row_of_another_map_is_another(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	put(kit, "a", "one");
	assert_false(is(kit, memory, "a", "one"));
	kit->map = slv_omap_named(kit->omaps, SLV_STR("others"));
	put(kit, "a", "of another");
	assert_false(is(kit, memory, "a", "of another"));
	kit->map = slv_omap_named(kit->omaps, SLV_STR("things"));
	assert_true(is(kit, memory, "a", "one"));
	slv_omap_memory_free(memory);
}

static void what_was_written_since_is_read(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	put(kit, "a", "one");
	assert_false(is(kit, memory, "a", "one"));
	put(kit, "a", "two");
	assert_false(is(kit, memory, "a", "two"));
	assert_true(is(kit, memory, "a", "two"));
	struct slv_omap_change change = removing("a");
	assert_true(kit_write(kit, &change, 1, NULL) > 0);
	assert_false(is(kit, memory, "a", NULL));
	slv_omap_memory_free(memory);
}

/* As another process has it: opened for itself. */
static void what_another_one_wrote_is_read(void **state)
{
	struct kit *kit = *state, other = *kit;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	kit_open(&other);
	put(kit, "a", "one");
	assert_false(is(kit, memory, "a", "one"));
	assert_true(is(kit, memory, "a", "one"));
	put(&other, "a", "of another");
	assert_false(is(kit, memory, "a", "of another"));
	assert_true(is(kit, memory, "a", "of another"));
	slv_omap_memory_free(memory);
	kit_close(&other);
}

static void that_a_row_is_not_there_is_remembered(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	put(kit, "a", "one");
	assert_false(is(kit, memory, "none", NULL));
	assert_true(is(kit, memory, "none", NULL));
	put(kit, "none", "now");
	assert_false(is(kit, memory, "none", "now"));
	slv_omap_memory_free(memory);
}

static void before_there_are_stamps_nothing_is_kept(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	assert_int_equal(slv_omap_stamp(kit->map, SLV_STR("a")), 0);
	for (int i = 0; i < 3; i++)
		assert_false(is(kit, memory, "a", NULL));
	put(kit, "b", "makes them");
	assert_int_not_equal(slv_omap_stamp(kit->map, SLV_STR("a")), 0);
	assert_false(is(kit, memory, "a", NULL));
	assert_true(is(kit, memory, "a", NULL));
	slv_omap_memory_free(memory);
}

static void what_was_not_read_for_longest_makes_room(void **state)
{
	struct kit *kit = *state;
	char body[1001];
	memset(body, 'x', 1000);
	body[1000] = 0;
	/* Two of them and what holds them. */
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, 3000);
	for (const char *key = "a\0b\0c\0"; *key; key += 2)
		put(kit, key, body);
	assert_false(is(kit, memory, "a", body));
	assert_false(is(kit, memory, "b", body));
	assert_true(is(kit, memory, "a", body));
	assert_false(is(kit, memory, "c", body));
	assert_true(is(kit, memory, "a", body));
	assert_true(is(kit, memory, "c", body));
	assert_false(is(kit, memory, "b", body));
	assert_false(is(kit, memory, "a", body)); /* b took its place */
	slv_omap_memory_free(memory);
}

static void what_is_not_there_takes_no_place_of_what_is(void **state)
{
	struct kit *kit = *state;
	char body[1001], key[8];
	memset(body, 'x', 1000);
	body[1000] = 0;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, 3000);
	put(kit, "a", body);
	put(kit, "b", body);
	assert_false(is(kit, memory, "a", body));
	for (int i = 0; i < 2 * 100; i++) { /* each twice, as if it were wanted */
		(void)snprintf(key, sizeof(key), "n%d", i / 2); /* it fits */
		(void)is(kit, memory, key, NULL);               /* in memory or not */
	}
	assert_true(is(kit, memory, "n0", NULL)); /* while there is room */
	assert_true(is(kit, memory, "a", body));
	assert_false(is(kit, memory, "b", body));
	assert_true(is(kit, memory, "b", body));
	assert_true(is(kit, memory, "a", body));
	slv_omap_memory_free(memory);
}

static void what_is_larger_than_all_memory_is_not_kept(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, 500);
	char body[1001];
	memset(body, 'x', 1000);
	body[1000] = 0;
	put(kit, "small", "s");
	put(kit, "large", body);
	assert_false(is(kit, memory, "small", "s"));
	for (int i = 0; i < 3; i++)
		assert_false(is(kit, memory, "large", body));
	assert_true(is(kit, memory, "small", "s"));
	slv_omap_memory_free(memory);
}

static void a_row_that_is_held_stays_as_it_was(void **state)
{
	struct kit *kit = *state;
	struct one held;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	put(kit, "a", "one");
	assert_false(is(kit, memory, "a", "one"));
	recall_one(kit, memory, "a", &held);
	assert_true(held.hit);
	put(kit, "a", "two");
	assert_false(is(kit, memory, "a", "two"));
	is_text(held.recall.row->body, "one");
	slv_omap_memory_free(memory);
	is_text(held.recall.row->body, "one");
	held.recall.hold->drop(held.recall.hold);
}

static void an_error_is_told_and_not_kept(void **state)
{
	struct kit *kit = *state;
	struct one one;
	struct slv_omap_memory *memory = slv_omap_memory_new(kit->loop, SLV_MIB(1));
	put(kit, "a", "one");
	kit_run(kit, "UPDATE row SET value = x'00'", "");
	recall_one(kit, memory, "a", &one);
	assert_int_equal(one.err.code, SLV_E_CORRUPT);
	assert_null(one.recall.hold);
	put(kit, "b", "two");
	assert_false(is(kit, memory, "b", "two"));
	slv_omap_memory_free(memory);
}

int main(int argc, char **argv)
{
	slv_assert(argc == 2);
	void *url = argv[1];
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_row_that_was_read_is_in_memory, url),
		KIT_TEST(a_row_of_another_map_is_another, url),
		KIT_TEST(what_was_written_since_is_read, url),
		KIT_TEST(what_another_one_wrote_is_read, url),
		KIT_TEST(that_a_row_is_not_there_is_remembered, url),
		KIT_TEST(before_there_are_stamps_nothing_is_kept, url),
		KIT_TEST(what_was_not_read_for_longest_makes_room, url),
		KIT_TEST(what_is_not_there_takes_no_place_of_what_is, url),
		KIT_TEST(what_is_larger_than_all_memory_is_not_kept, url),
		KIT_TEST(a_row_that_is_held_stays_as_it_was, url),
		KIT_TEST(an_error_is_told_and_not_kept, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
