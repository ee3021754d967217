#include "store/omap/testing.h"

#include <stdio.h>
#include <string.h>

static void what_was_put_is_found(void **state)
{
	struct kit *kit = *state;
	assert_int_equal(kit_get(kit, "a")->version, 0);
	assert_int_equal(kit_put(kit, "a", "one"), 1);
	assert_int_equal(kit_put(kit, "b", ""), 2);
	const struct slv_omap_row *row = kit_get(kit, "a");
	is_text(row->value, "one");
	assert_int_equal(row->version, 1);
	assert_int_equal(kit->rows->version, 2);
	row = kit_get(kit, "b");
	is_text(row->value, "");
	assert_int_equal(row->version, 2);
	assert_int_equal(kit_put(kit, "a", "other"), 3);
	row = kit_get(kit, "a");
	is_text(row->value, "other");
	assert_int_equal(row->version, 3);
}

static void it_is_found_after_a_restart(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, "a", "one");
	struct slv_omap_change change = removing("a");
	kit_put(kit, "b", "two");
	assert_int_equal(kit_write(kit, &change, 1, NULL), 3);
	kit_close(kit);
	kit_open(kit);
	assert_int_equal(kit_get(kit, "a")->version, 0);
	is_text(kit_get(kit, "b")->value, "two");
	assert_int_equal(kit_changes(kit, 2)->count, 1);
	assert_int_equal(kit_put(kit, "a", "three"), 4);
}

static void maps_do_not_see_each_other(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, "a", "one");
	assert_ptr_equal(slv_omap_named(kit->omaps, SLV_STR("things")), kit->map);
	kit->map = slv_omap_named(kit->omaps, SLV_STR("others"));
	assert_int_equal(kit_get(kit, "a")->version, 0);
	assert_int_equal(kit_put(kit, "a", "two"), 1);
}

static void keys_are_in_the_order_of_their_bytes(void **state)
{
	struct kit *kit = *state;
	static const slv_str keys[] = { SLV_STR("\0"), SLV_STR("\0\0"), SLV_STR("\0\xff"),
		SLV_STR("A"), SLV_STR("AA"), SLV_STR("a"), SLV_STR("a\0"), SLV_STR("a/"),
		SLV_STR("ab"), SLV_STR("\x7f"), SLV_STR("\x80"), SLV_STR("\xc3\xa4"),
		SLV_STR("\xff"), SLV_STR("\xff\xff") };
	struct slv_omap_change list[SLV_COUNT(keys)];
	for (size_t i = 0; i < SLV_COUNT(keys); i++)
		list[i] = (struct slv_omap_change){ .key = keys[i * 5 % SLV_COUNT(keys)] };
	assert_int_equal(kit_write(kit, list, SLV_COUNT(keys), NULL), SLV_COUNT(keys));
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN });
	assert_int_equal(rows->count, SLV_COUNT(keys));
	for (size_t i = 0; i < SLV_COUNT(keys); i++)
		assert_true(slv_str_eq(rows->at[i].key, keys[i]));
}

static void a_scan_begins_and_ends_where_it_is_told(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("a", ""), putting("a/1", ""), putting("a/2", ""),
		putting("a0", ""), putting("b", "") };
	kit_write(kit, list, SLV_COUNT(list), NULL);
	scan_gives(kit, "", "", "a a/1 a/2 a0 b ");
	scan_gives(kit, "a/", "a0", "a/1 a/2 ");
	scan_gives(kit, "a/1", "a/2", "a/1 ");
	scan_gives(kit, "a/15", "", "a/2 a0 b ");
	scan_gives(kit, "b", "b", "");
	scan_gives(kit, "c", "", "");
	scan_gives(kit, "b", "a", "");
}

static void a_batch_is_made_whole_or_not_at_all(void **state)
{
	struct kit *kit = *state;
	size_t failed = 99;
	kit_put(kit, "there", "1");
	struct slv_omap_change list[] = { putting("a", "1"), removing("there"), putting("b", "2"),
		putting("c", "4") };
	list[3].when = SLV_OMAP_IF_PRESENT;
	assert_int_equal(kit_write(kit, list, SLV_COUNT(list), &failed), 0);
	assert_int_equal(kit->err.code, SLV_E_PRECONDITION);
	assert_int_equal(failed, 3);
	scan_gives(kit, "", "", "there ");
	assert_int_equal(kit_changes(kit, 0)->count, 1);
	assert_int_equal(kit->rows->version, 1); /* nothing of it counts */

	list[3].when = SLV_OMAP_ALWAYS;
	assert_int_equal(kit_write(kit, list, SLV_COUNT(list), NULL), 5);
	scan_gives(kit, "", "", "a b c ");
}

static void conditions_hold_or_name_what_fails(void **state)
{
	struct kit *kit = *state;
	uint64_t version = kit_put(kit, "there", "1");
	static const struct {
		const char *key;
		int when;
		int of_version; /* 1: the row's, 2: another */
		bool holds;
	} table[] = {
		{ "there", SLV_OMAP_ALWAYS, 0, true },
		{ "there", SLV_OMAP_IF_ABSENT, 0, false },
		{ "there", SLV_OMAP_IF_PRESENT, 0, true },
		{ "there", SLV_OMAP_IF_VERSION, 1, true },
		{ "there", SLV_OMAP_IF_VERSION, 2, false },
		{ "there", SLV_OMAP_IF_VERSION, 0, false },
		{ "not", SLV_OMAP_ALWAYS, 0, true },
		{ "not", SLV_OMAP_IF_ABSENT, 0, true },
		{ "not", SLV_OMAP_IF_PRESENT, 0, false },
		{ "not", SLV_OMAP_IF_VERSION, 1, false },
		{ "not", SLV_OMAP_IF_VERSION, 0, false },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_omap_change check = { .what = SLV_OMAP_CHECK,
			.key = slv_str_from(table[i].key) };
		check.when = (unsigned)table[i].when;
		check.version = table[i].of_version == 1   ? version
		                : table[i].of_version == 2 ? version + 1
		                                           : 0;
		uint64_t now = kit_write(kit, &check, 1, NULL);
		assert_int_equal(kit->err.code, table[i].holds ? SLV_E_NONE : SLV_E_PRECONDITION);
		assert_false(kit->in_doubt);
		assert_int_equal(now, table[i].holds ? version : 0); /* a check changes nothing */
	}
}

static void a_condition_sees_the_map_before_the_batch(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, "a", "1");
	struct slv_omap_change list[] = { removing("a"), putting("b", "2") };
	list[0].when = SLV_OMAP_IF_PRESENT;
	list[1].when = SLV_OMAP_IF_ABSENT;
	assert_int_equal(kit_write(kit, list, SLV_COUNT(list), NULL), 3);
	assert_int_equal(kit_write(kit, list, SLV_COUNT(list), NULL), 0);
	assert_int_equal(kit->err.code, SLV_E_PRECONDITION);
}

static void a_key_stands_in_a_batch_once(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("a", "1"), putting("ab", "2"), removing("a") };
	assert_int_equal(kit_write(kit, list, 2, NULL), 2);
	assert_int_equal(kit_write(kit, list, 3, NULL), 0);
	assert_int_equal(kit->err.code, SLV_E_SYNTAX);
}

static void changes_are_told_in_their_order(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change first[] = { putting("c", "1"), putting("b", "2"),
		putting("a", "3") };
	struct slv_omap_change list[] = { removing("b"), putting("c", "5"), removing("none") };
	assert_int_equal(kit_write(kit, first, SLV_COUNT(first), NULL), 3);
	assert_int_equal(kit_write(kit, list, SLV_COUNT(list), NULL), 5);
	struct slv_omap_rows *rows = kit_changes(kit, 0);
	assert_int_equal(rows->count, 3); /* of each key the last */
	is_text(rows->at[0].key, "a");
	assert_int_equal(rows->at[0].version, 3);
	is_text(rows->at[1].key, "b");
	assert_true(rows->at[1].removed);
	assert_int_equal(rows->at[1].version, 4);
	is_text(rows->at[2].key, "c");
	is_text(rows->at[2].value, "5");
	assert_false(rows->at[2].removed);
	assert_int_equal(rows->version, 5);
	assert_int_equal(kit_changes(kit, 4)->count, 1);
	assert_int_equal(kit_changes(kit, 5)->count, 0);
	kit_put(kit, "b", "again");
	rows = kit_changes(kit, 3);
	assert_int_equal(rows->count, 2); /* that it was gone once does not matter any more */
	assert_false(rows->at[1].removed);
	is_text(rows->at[1].key, "b");
}

static void bodies_are_read_if_they_are_asked_for(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("a", "1"), putting("b", "2") };
	list[0].body = SLV_STR("long");
	kit_write(kit, list, SLV_COUNT(list), NULL);
	is_text(kit_get(kit, "a")->body, "long");
	is_text(kit_get(kit, "b")->body, "");
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN });
	is_text(rows->at[0].value, "1");
	is_text(rows->at[0].body, "");
	rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_CHANGES, .bodies = true });
	is_text(rows->at[0].body, "long");

	list[0].body = (slv_str){ 0 };
	list[1].body = SLV_STR("other");
	kit_write(kit, list, SLV_COUNT(list), NULL);
	is_text(kit_get(kit, "a")->body, "");
	is_text(kit_get(kit, "b")->body, "other");
	struct slv_omap_change change = removing("b");
	kit_write(kit, &change, 1, NULL);
	kit_put(kit, "b", "3");
	is_text(kit_get(kit, "b")->body, "");
}

static void many_are_got_in_the_order_asked(void **state)
{
	struct kit *kit = *state;
	slv_str keys[] = { SLV_STR("c"), SLV_STR("none"), SLV_STR("a"), SLV_STR("c") };
	struct slv_omap_read read = {
		.what = SLV_OMAP_GET, .keys = keys, .count = SLV_COUNT(keys), .rows_max = 4
	};
	kit_put(kit, "a", "1");
	kit_put(kit, "b", "2");
	kit_put(kit, "c", "3");
	struct slv_omap_rows *rows = kit_read(kit, read);
	assert_int_equal(rows->count, 4);
	is_text(rows->at[0].value, "3");
	is_text(rows->at[1].key, "none");
	assert_int_equal(rows->at[1].version, 0);
	is_text(rows->at[2].value, "1");
	is_text(rows->at[3].key, "c");
	assert_int_equal(rows->at[3].version, 3);
	assert_false(rows->more);
	read.bytes_max = 7; /* 2 for "c", 4 for "none", 2 for "a" */
	rows = kit_read(kit, read);
	assert_int_equal(rows->count, 2);
	assert_true(rows->more);
}

/* The keys of a scan from `from` that folds at `fold` behind `skip` bytes; a fold in brackets. */
static void folds_to(struct kit *kit, const char *from, size_t skip, slv_str fold,
		uint32_t rows_max, const char *want)
{
	char text[300] = "";
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN,
								   .from = slv_str_from(from),
								   .fold = fold,
								   .fold_skip = skip,
								   .rows_max = rows_max });
	for (size_t i = 0; i < rows->count; i++) {
		const struct slv_omap_row *row = &rows->at[i];
		assert_true(row->folded == (row->version == 0));
		strcat(text, row->folded ? "[" : "");
		strncat(text, row->key.at, row->key.len);
		strcat(text, row->folded ? "] " : " ");
	}
	strcat(text, rows->more ? "…" : "");
	assert_string_equal(text, want);
}

static void a_scan_folds_what_begins_alike(void **state)
{
	struct kit *kit = *state;
	static const char *const keys[] = { "a", "a/", "a/1", "a/b/1", "a/b/2", "a/c", "ab",
		"b/x/y", "c", "d\xff",
		"d\xff\xff"
		"1",
		"e--1", "e--2",
		"\xff\xff"
		"1",
		"\xff\xff"
		"2" };
	for (size_t i = 0; i < SLV_COUNT(keys); i++)
		kit_put(kit, keys[i], "v");
	folds_to(kit, "", 0, SLV_STR("/"), 99,
			"a [a/] ab [b/] c d\xff d\xff\xff"
			"1 e--1 e--2 \xff\xff"
			"1 \xff\xff"
			"2 ");
	folds_to(kit, "a/", 2, SLV_STR("/"), 4, "a/ a/1 [a/b/] a/c …");
	folds_to(kit, "a/b0", 2, SLV_STR("/"), 2, "a/c ab …");
	folds_to(kit, "d", 0, SLV_STR("--"), 99,
			"d\xff d\xff\xff"
			"1 [e--] \xff\xff"
			"1 \xff\xff"
			"2 ");
	folds_to(kit, "d", 0, SLV_STR("\xff"), 99, "[d\xff] e--1 e--2 [\xff] ");
	folds_to(kit, "d", 0, SLV_STR("\xff\xff"), 99,
			"d\xff [d\xff\xff] e--1 e--2 [\xff\xff] "); /* nothing is behind */
	folds_to(kit, "", 0, SLV_STR("/"), 1, "a …");
	folds_to(kit, "", 0, SLV_STR("/"), 2, "a [a/] …");
	folds_to(kit, "", 99, SLV_STR("/"), 3, "a a/ a/1 …");
	folds_to(kit, "", 0, SLV_STR("a"), 99,
			"[a] b/x/y c d\xff d\xff\xff"
			"1 e--1 e--2 \xff\xff"
			"1 \xff\xff"
			"2 ");
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN,
								   .from = SLV_STR("a/"),
								   .until = SLV_STR("a/b/2"),
								   .fold_skip = 2,
								   .fold = SLV_STR("/") });
	assert_int_equal(rows->count, 3); /* a/ a/1 [a/b/] */
	assert_true(rows->at[2].folded);
}

static void a_batch_tells_what_was_there(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("a", "new"), removing("b"), putting("c", "3"),
		{ .what = SLV_OMAP_CHECK, .key = SLV_STR("d") } };
	kit_put(kit, "a", "old");
	kit_put(kit, "b", "");
	kit_put(kit, "d", "4");
	struct wrote wrote = { { .map = kit->map, .changes = list, .count = 4, .wants_old = true },
		kit };
	wrote.batch.done = on_write;
	kit->pending++;
	slv_omap_write(kit->loop, &wrote.batch);
	kit_wait(kit);
	struct slv_omap_rows *old = wrote.batch.old;
	assert_non_null(old);
	assert_int_equal(old->count, 4);
	assert_int_equal(old->version, 6);
	is_text(old->at[0].key, "a");
	is_text(old->at[0].value, "old");
	assert_int_equal(old->at[0].version, 1);
	assert_int_equal(old->at[1].version, 2);
	is_text(old->at[2].key, "c");
	assert_int_equal(old->at[2].version, 0);
	is_text(old->at[3].value, "4");
	old->hold.drop(&old->hold);

	list[3].when = SLV_OMAP_IF_ABSENT;
	kit->pending++;
	slv_omap_write(kit->loop, &wrote.batch);
	kit_wait(kit);
	assert_int_equal(kit->err.code, SLV_E_PRECONDITION);
	assert_null(wrote.batch.old);
}

static void an_epoch_is_of_one_map(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_read read = { .what = SLV_OMAP_CHANGES };
	assert_int_equal(kit_read(kit, read)->epoch, 0);
	read.since = 1;
	assert_null(kit_read(kit, read)); /* there was none yet */
	assert_int_equal(kit->err.code, SLV_E_RANGE);
	kit_put(kit, "a", "");
	read.since = 0;
	uint64_t epoch = kit_read(kit, read)->epoch;
	assert_true(epoch != 0);
	kit_close(kit);
	kit_open(kit);
	read.epoch = epoch;
	assert_int_equal(kit_read(kit, read)->epoch, epoch);
	read.epoch = epoch + 2;
	assert_null(kit_read(kit, read));
	assert_int_equal(kit->err.code, SLV_E_RANGE);
	read.epoch = epoch;
	read.since = 1;
	assert_int_equal(kit_read(kit, read)->count, 0);
	read.since = 2;
	assert_null(kit_read(kit, read));
	assert_int_equal(kit->err.code, SLV_E_RANGE);
	kit->map = slv_omap_named(kit->omaps, SLV_STR("others"));
	kit_put(kit, "a", "");
	read.since = read.epoch = 0;
	assert_true(kit_read(kit, read)->epoch != epoch);
}

/* As two processes do while one takes over from the other. */
static void two_may_write_to_one_store(void **state)
{
	struct kit *kit = *state, other = *kit;
	enum { ROUNDS = 50 };
	other.rows = NULL;
	slv_err err = slv_omaps_open(
			slv_str_from(kit->url), slv_loop_hash_key(kit->loop), NULL, &other.omaps);
	assert_int_equal(err.code, SLV_E_NONE);
	other.map = slv_omap_named(other.omaps, SLV_STR("things"));
	struct wrote both[2];
	struct kit *kits[] = { kit, &other };
	for (int round = 0; round < ROUNDS; round++) {
		char keys[2][20];
		struct slv_omap_change list[2];
		for (int i = 0; i < 2; i++) { /* at once */
			snprintf(keys[i], sizeof(keys[i]), "%d-%d", round, i);
			list[i] = putting(keys[i], "");
			both[i] = (struct wrote){
				{ .map = kits[i]->map, .changes = &list[i], .count = 1 }, kits[i]
			};
			both[i].batch.done = on_write;
			kits[i]->pending++;
			slv_omap_write(kit->loop, &both[i].batch);
		}
		while (kit->pending + other.pending > 0)
			slv_loop_turn(kit->loop, true);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		assert_int_equal(other.err.code, SLV_E_NONE);
		assert_int_equal(both[0].batch.version + both[1].batch.version, 4 * round + 3);
		assert_int_equal(kit_get(&other, keys[0])->version, both[0].batch.version);
		assert_int_equal(kit_get(kit, keys[1])->version, both[1].batch.version);
	}
	assert_int_equal(kit_changes(kit, 0)->count, 2 * ROUNDS);
	other.rows->hold.drop(&other.rows->hold);
	slv_omaps_close(other.omaps);
}

int main(int argc, char **argv)
{
	slv_assert(argc == 2);
	char *url = argv[1];
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_was_put_is_found, url),
		KIT_TEST(it_is_found_after_a_restart, url),
		KIT_TEST(maps_do_not_see_each_other, url),
		KIT_TEST(keys_are_in_the_order_of_their_bytes, url),
		KIT_TEST(a_scan_begins_and_ends_where_it_is_told, url),
		KIT_TEST(a_batch_is_made_whole_or_not_at_all, url),
		KIT_TEST(conditions_hold_or_name_what_fails, url),
		KIT_TEST(a_condition_sees_the_map_before_the_batch, url),
		KIT_TEST(a_key_stands_in_a_batch_once, url),
		KIT_TEST(changes_are_told_in_their_order, url),
		KIT_TEST(bodies_are_read_if_they_are_asked_for, url),
		KIT_TEST(many_are_got_in_the_order_asked, url),
		KIT_TEST(a_scan_folds_what_begins_alike, url),
		KIT_TEST(a_batch_tells_what_was_there, url),
		KIT_TEST(an_epoch_is_of_one_map, url),
		KIT_TEST(two_may_write_to_one_store, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
