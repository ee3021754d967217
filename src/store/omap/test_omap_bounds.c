#include "store/omap/testing.h"

#include <stdio.h>
#include <string.h>

static void a_read_ends_at_its_bounds(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("a", "123"), putting("b", "12345678"),
		putting("c", "1") };
	static const struct {
		uint32_t rows_max, bytes_max;
		size_t count;
		bool more, bodies;
	} table[] = {
		{ 3, 0, 3, false, false },
		{ 2, 0, 2, true, false },
		{ 1, 0, 1, true, false },
		{ 9, 15, 3, false, false },
		{ 9, 14, 2, true, false },
		{ 9, 12, 1, true, false },
		{ 9, 1, 1, true, false }, /* the first always */
		{ 9, 115, 3, false, true },
		{ 9, 114, 2, true, true },
		{ 9, 112, 1, true, true },
	};
	char bytes[100];
	memset(bytes, 'b', sizeof(bytes));
	list[1].body = (slv_str){ bytes, sizeof(bytes) };
	kit_write(kit, list, SLV_COUNT(list), NULL);
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_omap_rows *rows =
				kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN,
							      .rows_max = table[i].rows_max,
							      .bytes_max = table[i].bytes_max,
							      .bodies = table[i].bodies });
		assert_int_equal(rows->count, table[i].count);
		assert_int_equal(rows->more, table[i].more);
		if (rows->count > 1)
			assert_int_equal(rows->at[1].body.len, table[i].bodies ? sizeof(bytes) : 0);
	}
}

static void fails_with(struct kit *kit, const struct slv_omap_change *list, size_t count, int code)
{
	kit_write(kit, list, count, NULL);
	assert_int_equal(kit->err.code, code);
}

static void bounds_of_a_change_hold_and_are_named(void **state)
{
	struct kit *kit = *state;
	char *bytes = test_calloc(1, SLV_OMAP_BODY_BYTES_MAX + 1);
	struct slv_omap_change most = { .key = { bytes, SLV_OMAP_KEY_BYTES_MAX },
		.value = { bytes, SLV_OMAP_VALUE_BYTES_MAX },
		.body = { bytes, SLV_OMAP_BODY_BYTES_MAX } };
	struct slv_omap_change change = most;
	fails_with(kit, &change, 1, SLV_E_NONE);
	struct slv_omap_rows *rows = kit_read(
			kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN, .bodies = true });
	assert_int_equal(rows->count, 1);
	assert_true(slv_str_eq(rows->at[0].key, most.key));
	assert_true(slv_str_eq(rows->at[0].value, most.value));
	assert_true(slv_str_eq(rows->at[0].body, most.body));
	change.key.len++;
	fails_with(kit, &change, 1, SLV_E_LIMIT);
	assert_non_null(strstr(kit->err.what, "2048"));
	change.key.len = 0;
	fails_with(kit, &change, 1, SLV_E_LIMIT);
	change = most;
	change.value.len++;
	fails_with(kit, &change, 1, SLV_E_LIMIT);
	assert_non_null(strstr(kit->err.what, "16 KiB"));
	change = most;
	change.body.len++;
	fails_with(kit, &change, 1, SLV_E_LIMIT);
	assert_non_null(strstr(kit->err.what, "256 KiB"));
	test_free(bytes);
}

static void bounds_of_a_batch_hold_and_are_named(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change *many = test_calloc(SLV_OMAP_CHANGES_MAX + 1, sizeof(*many));
	char(*keys)[8] = test_calloc(SLV_OMAP_CHANGES_MAX + 1, sizeof(*keys));
	char *bytes = test_calloc(1, SLV_OMAP_BODY_BYTES_MAX);
	for (size_t i = 0; i <= SLV_OMAP_CHANGES_MAX; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%05zu", i);
		many[i] = putting(keys[i], "");
	}
	fails_with(kit, many, SLV_OMAP_CHANGES_MAX, SLV_E_NONE);
	fails_with(kit, many, SLV_OMAP_CHANGES_MAX + 1, SLV_E_LIMIT);
	assert_non_null(strstr(kit->err.what, "10000"));
	fails_with(kit, many, 0, SLV_E_LIMIT);
	size_t full = SLV_OMAP_BATCH_BYTES_MAX / SLV_OMAP_BODY_BYTES_MAX;
	for (size_t i = 0; i < full; i++)
		many[i].body = (slv_str){ bytes, SLV_OMAP_BODY_BYTES_MAX - 5 };
	fails_with(kit, many, full, SLV_E_NONE);
	many[0].body.len++;
	fails_with(kit, many, full, SLV_E_LIMIT);
	assert_non_null(strstr(kit->err.what, "16 MiB"));
	struct wrote wrote = { { .map = kit->map,
					       .changes = many,
					       .count = SLV_OMAP_OLD_MAX + 1,
					       .wants_old = true },
		kit };
	wrote.batch.done = on_write;
	for (size_t i = 0; i <= SLV_OMAP_OLD_MAX; i++)
		many[i].body = (slv_str){ 0 };
	for (; wrote.batch.count >= SLV_OMAP_OLD_MAX; wrote.batch.count--) {
		kit->pending++;
		slv_omap_write(kit->loop, &wrote.batch);
		kit_wait(kit);
		assert_int_equal(kit->err.code,
				wrote.batch.count > SLV_OMAP_OLD_MAX ? SLV_E_LIMIT : SLV_E_NONE);
	}
	wrote.batch.old->hold.drop(&wrote.batch.old->hold);
	test_free(many);
	test_free(keys);
	test_free(bytes);
}

static void refuses_to_read(struct kit *kit, struct slv_omap_read read)
{
	assert_null(kit_read(kit, read));
	assert_int_equal(kit->err.code, SLV_E_LIMIT);
}

static void bounds_of_a_read_hold(void **state)
{
	struct kit *kit = *state;
	char *bytes = test_calloc(1, SLV_OMAP_KEY_BYTES_MAX + 2);
	slv_str key = { bytes, SLV_OMAP_KEY_BYTES_MAX };
	struct slv_omap_read most = { .what = SLV_OMAP_SCAN,
		.rows_max = SLV_OMAP_ROWS_MAX,
		.bytes_max = SLV_OMAP_READ_BYTES_MAX,
		.fold = { bytes, SLV_OMAP_FOLD_BYTES_MAX } };
	struct slv_omap_read read = most;
	kit_put(kit, "a", "");
	assert_non_null(kit_read(kit, read));
	read.rows_max++;
	refuses_to_read(kit, read);
	read = most;
	read.bytes_max++;
	refuses_to_read(kit, read);
	read = most;
	read.fold.len++;
	refuses_to_read(kit, read);
	read = most;
	read.fold_skip = SLV_OMAP_KEY_BYTES_MAX;
	read.from = read.until = (slv_str){ bytes, SLV_OMAP_KEY_BYTES_MAX + 1 };
	assert_non_null(kit_read(kit, read));
	read.from.len++;
	refuses_to_read(kit, read);
	read.from.len--;
	read.until.len++;
	refuses_to_read(kit, read);
	read.until.len--;
	read.fold_skip++;
	refuses_to_read(kit, read);
	read = (struct slv_omap_read){ .what = SLV_OMAP_GET, .keys = &key, .count = 1 };
	assert_non_null(kit_read(kit, read));
	key.len++;
	refuses_to_read(kit, read);
	key.len = 0;
	refuses_to_read(kit, read);
	key.len = 1;
	read.count = 0;
	refuses_to_read(kit, read);
	read.count = 2;
	read.rows_max = 1;
	refuses_to_read(kit, read);
	test_free(bytes);
}

static void names_are_plain(void **state)
{
	struct kit *kit = *state;
	char name[SLV_OMAP_NAME_BYTES_MAX + 2];
	static const char *const bad[] = { "", ".", ".a", "..", "a/b", "A", "a b", "\xc3\xa4" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_null(slv_omap_named(kit->omaps, slv_str_from(bad[i])));
	memset(name, 'a', sizeof(name));
	assert_non_null(slv_omap_named(kit->omaps, (slv_str){ name, SLV_OMAP_NAME_BYTES_MAX }));
	assert_null(slv_omap_named(kit->omaps, (slv_str){ name, SLV_OMAP_NAME_BYTES_MAX + 1 }));
	assert_non_null(slv_omap_named(kit->omaps, SLV_STR("bucket-1_a.b")));
}

/* Put `value` so often at once, while nothing is written; how often it was refused. */
static size_t put_often(struct kit *kit, size_t count, slv_str body)
{
	struct wrote *all = test_calloc(count, sizeof(*all));
	struct slv_omap_change change = putting("a", "");
	size_t busy = 0;
	sqlite3 *db = kit_is_sqlite(kit) ? kit_sqlite(kit) : NULL;
	change.body = body;
	if (db) /* the writer waits for us, with a group in its hands */
		assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < count; i++) {
		all[i] = (struct wrote){ { .map = kit->map, .changes = &change, .count = 1 }, kit };
		all[i].batch.done = on_write;
		kit->pending++;
		slv_omap_write(kit->loop, &all[i].batch);
	}
	sqlite3_close(db);
	kit_wait(kit);
	for (size_t i = 0; i < count; i++) {
		busy += all[i].batch.err.code == SLV_E_BUSY;
		assert_false(all[i].batch.in_doubt);
		if (all[i].batch.err.code != SLV_E_BUSY)
			assert_int_equal(all[i].batch.err.code, SLV_E_NONE);
	}
	test_free(all);
	return busy;
}

static void what_waits_is_bounded(void **state)
{
	struct kit *kit = *state;
	static char bytes[SLV_OMAP_BODY_BYTES_MAX];
	enum { GROUP = 512, MORE = 100 };
	size_t whole = SLV_OMAP_WAITING_BYTES_MAX / (sizeof(bytes) + 1);
	size_t group = SLV_OMAP_BATCH_BYTES_MAX / (sizeof(bytes) + 1);
	uint64_t version = kit_put(kit, "a", "");
	assert_int_equal(put_often(kit, SLV_OMAP_WAITING_MAX, SLV_STR("")), 0);
	version += SLV_OMAP_WAITING_MAX;
	assert_int_equal(kit_get(kit, "a")->version, version);
	size_t busy = put_often(kit, SLV_OMAP_WAITING_MAX + GROUP + MORE, SLV_STR(""));
	version += SLV_OMAP_WAITING_MAX + GROUP + MORE - busy;
	assert_int_equal(kit_get(kit, "a")->version, version);
	if (!kit_is_sqlite(kit))
		return; /* whose writer nobody holds; and bounds are the same for all */
	assert_true(busy >= MORE);

	slv_str body = { bytes, sizeof(bytes) };
	assert_int_equal(put_often(kit, whole, body), 0);
	assert_true(put_often(kit, whole + group + MORE, body) >= MORE);
}

static void what_was_removed_long_ago_is_not_remembered(void **state)
{
	struct kit *kit = *state;
	enum { AT_ONCE = 5000, ROUNDS = 21 }; /* past 100,000 */
	static char keys[AT_ONCE][16];
	static struct slv_omap_change puts[AT_ONCE], removes[AT_ONCE];
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++) {
			snprintf(keys[i], sizeof(keys[i]), "%d", round * AT_ONCE + i);
			puts[i] = putting(keys[i], "");
			removes[i] = removing(keys[i]);
		}
		kit_write(kit, puts, AT_ONCE, NULL);
		kit_write(kit, removes, AT_ONCE, NULL);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		if (round == ROUNDS - 2)
			assert_non_null(kit_changes(kit, 0)); /* all 100,000 */
	}
	assert_null(kit_changes(kit, 0));
	assert_int_equal(kit->err.code, SLV_E_RANGE);
	/* 105,000 removed, 15,000 forgotten: those of the first three rounds. */
	uint64_t edge = 3 * 2 * AT_ONCE;
	assert_null(kit_changes(kit, edge - 1));
	struct slv_omap_rows *rows = kit_changes(kit, edge);
	assert_non_null(rows);
	is_text(rows->at[0].key, "15000");
	assert_int_equal(rows->version, ROUNDS * 2 * AT_ONCE);
}

int main(int argc, char **argv)
{
	slv_assert(argc == 2);
	char *url = argv[1];
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_read_ends_at_its_bounds, url),
		KIT_TEST(bounds_of_a_change_hold_and_are_named, url),
		KIT_TEST(bounds_of_a_batch_hold_and_are_named, url),
		KIT_TEST(bounds_of_a_read_hold, url),
		KIT_TEST(names_are_plain, url),
		KIT_TEST(what_waits_is_bounded, url),
		KIT_TEST(what_was_removed_long_ago_is_not_remembered, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
