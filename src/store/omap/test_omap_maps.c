/* Maps that are listed and dropped. The test's own program also plays the other process that writes
 * to them meanwhile. */
#include "store/omap/private.h"
#include "store/omap/testing.h"

#include <libpq-fe.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND_NS 1000000000u

static void use(struct kit *kit, const char *name)
{
	kit->map = slv_omap_named(kit->omaps, slv_str_from(name));
	assert_non_null(kit->map);
}

static void drop(struct kit *kit)
{
	kit_drop(kit);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

static uint64_t since(struct kit *kit, uint64_t begun_ns)
{
	return slv_loop_fresh_ns(kit->loop) - begun_ns;
}

/* A second one on the same store, as in another process. */
static void other_open(struct kit *other, const struct kit *kit)
{
	*other = (struct kit){ .loop = NULL };
	snprintf(other->url, sizeof(other->url), "%s", kit->url);
	kit_open(other);
}

/* --- listing --- */

static void maps_are_listed_in_order_and_in_pages(void **state)
{
	struct kit *kit = *state;
	static const char *const names[] = { "c", "a-b", "a", "a.b", "a_b", "stamps" };
	kit_lists(kit, "", 10, "");
	for (size_t i = 0; i < SLV_COUNT(names); i++) {
		use(kit, names[i]);
		kit_put(kit, "key", "");
	}
	use(kit, "only-read");
	(void)kit_get(kit, "key");
	kit_lists(kit, "", 10, "a a-b a.b a_b c stamps ");
	kit_lists(kit, "", 6, "a a-b a.b a_b c stamps ");
	kit_lists(kit, "", 5, "a a-b a.b a_b c …");
	kit_lists(kit, "a", 2, "a-b a.b …");
	kit_lists(kit, "a.b", 10, "a_b c stamps ");
	kit_lists(kit, "a.c", 1, "a_b …");
	kit_lists(kit, "stamps", 10, "");
	kit_lists(kit, "\xff", 10, "");
}

static void a_batch_that_fails_makes_no_map(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change changes[] = { putting("a", "one"),
		{ .what = SLV_OMAP_CHECK, .when = SLV_OMAP_IF_PRESENT, .key = SLV_STR("b") } };
	kit_write(kit, changes, SLV_COUNT(changes), NULL);
	assert_int_equal(kit->err.code, SLV_E_PRECONDITION);
	kit_lists(kit, "", 10, "");
	kit_put(kit, "b", "two");
	char name[40];
	(void)snprintf(name, sizeof(name), "%s ", kit->map->name); /* it fits */
	kit_lists(kit, "", 10, name);
}

static void on_refused(struct slv_omap_list *list, slv_err err, struct slv_omap_rows *rows)
{
	assert_null(rows);
	assert_int_equal(err.code, SLV_E_LIMIT);
	list->rows_max = 7;
}

static void bounds_of_a_list_hold(void **state)
{
	struct kit *kit = *state;
	static const uint32_t bad[] = { 0, SLV_OMAP_ROWS_MAX + 1 };
	kit_lists(kit, "", SLV_OMAP_ROWS_MAX, "");
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		struct slv_omap_list list = {
			.omaps = kit->omaps, .rows_max = bad[i], .done = on_refused
		};
		slv_omap_list(kit->loop, &list);
		while (list.rows_max != 7)
			slv_loop_turn(kit->loop, true);
	}
}

static void a_damaged_map_is_listed(void **state)
{
	struct kit *kit = *state;
	char path[80];
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "");
	snprintf(path, sizeof(path), "%s/maps/bad.db", kit->folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("this is no file of a map, but somebody's letter\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	kit_lists(kit, "", 10, "bad things ");
}

/* --- dropping --- */

static void a_dropped_map_is_empty_and_another_afterwards(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("a", "one"), putting("b", "two"),
		putting("c", "three") };
	struct slv_omap_read changes = { .what = SLV_OMAP_CHANGES };
	use(kit, "another");
	kit_put(kit, "a", "stays");
	use(kit, "things");
	list[1].body = SLV_STR("body");
	assert_int_equal(kit_write(kit, list, SLV_COUNT(list), NULL), 3);
	list[0].what = SLV_OMAP_REMOVE;
	assert_int_equal(kit_write(kit, list, 1, NULL), 4);
	changes.epoch = kit_read(kit, changes)->epoch;
	drop(kit);
	scan_gives(kit, "", "", "");
	assert_int_equal(kit->rows->version, 0);
	assert_int_equal(kit->rows->epoch, 0);
	assert_int_equal(kit_get(kit, "b")->version, 0);
	assert_null(kit_read(kit, changes));
	assert_int_equal(kit->err.code, SLV_E_RANGE);
	kit_lists(kit, "", 10, "another ");
	drop(kit); /* of what is not there */

	list[2].when = SLV_OMAP_IF_PRESENT; /* which leaves it as it is */
	assert_int_equal(kit_write(kit, &list[2], 1, NULL), 0);
	assert_int_equal(kit->err.code, SLV_E_PRECONDITION);
	scan_gives(kit, "", "", "");

	assert_int_equal(kit_put(kit, "b", "new"), 1);
	scan_gives(kit, "", "", "b ");
	is_text(kit_get(kit, "b")->body, "");
	assert_true(kit->rows->epoch != 0 && kit->rows->epoch != changes.epoch);
	changes.epoch = 0;
	assert_int_equal(kit_read(kit, changes)->count, 1);
	kit_close(kit);
	kit_open(kit);
	scan_gives(kit, "", "", "b ");
	kit_lists(kit, "", 10, "another things ");
	use(kit, "another");
	is_text(kit_get(kit, "a")->value, "stays");
}

static void what_is_asked_before_a_drop_is_before_it(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change changes[] = { putting("a", "1"), putting("b", "2"),
		putting("c", "3"), putting("d", "4") };
	struct wrote wrote[SLV_COUNT(changes)];
	struct dropping dropping = { { .map = kit->map, .done = on_drop }, kit };
	kit_put(kit, "first", "");
	for (size_t i = 0; i < SLV_COUNT(changes); i++) {
		wrote[i] = (struct wrote){ { .map = kit->map, .changes = &changes[i], .count = 1 },
			kit };
		wrote[i].batch.done = on_write;
		kit->pending++;
		slv_omap_write(kit->loop, &wrote[i].batch);
		if (i != 1)
			continue;
		kit->pending++;
		slv_omap_drop(kit->loop, &dropping.drop);
	}
	kit_wait(kit);
	for (size_t i = 0; i < SLV_COUNT(changes); i++)
		assert_int_equal(wrote[i].batch.err.code, SLV_E_NONE);
	assert_int_equal(dropping.drop.batch.err.code, SLV_E_NONE);
	assert_int_equal(wrote[0].batch.version, 2);
	assert_int_equal(wrote[1].batch.version, 3);
	assert_int_equal(wrote[2].batch.version, 1);
	assert_int_equal(wrote[3].batch.version, 2);
	scan_gives(kit, "", "", "c d ");
}

static void a_drop_changes_all_stamps_of_the_map(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, "a", "one");
	uint64_t a = slv_omap_stamp(kit->map, SLV_STR("a"));
	uint64_t none = slv_omap_stamp(kit->map, SLV_STR("none"));
	struct slv_omap *another = slv_omap_named(kit->omaps, SLV_STR("another"));
	uint64_t of_another = slv_omap_stamp(another, SLV_STR("a"));
	drop(kit);
	uint64_t after = slv_omap_stamp(kit->map, SLV_STR("a"));
	assert_true(a != 0 && after != 0 && after != a);
	after = slv_omap_stamp(kit->map, SLV_STR("none"));
	assert_true(none != 0 && after != 0 && after != none);
	after = slv_omap_stamp(another, SLV_STR("a"));
	assert_true(after != 0 && (after == of_another || !kit_is_sqlite(kit)));
}

static bool has_file(const struct kit *kit, const char *name, struct stat *ret_st)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/maps/%s", kit->folder, name);
	return stat(path, ret_st) == 0;
}

static void what_a_dropped_map_had_makes_room(void **state)
{
	struct kit *kit = *state;
	enum { ROWS = 2500 }; /* more than are removed at once */
	static char keys[ROWS][8], body[10000];
	static struct slv_omap_change list[ROWS];
	struct stat st;
	for (int i = 0; i < ROWS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%d", i);
		list[i] = putting(keys[i], "");
		list[i].body = (slv_str){ body, i % 2 ? sizeof(body) / 4 : sizeof(body) / 8 };
	}
	assert_int_equal(kit_write(kit, list, ROWS, NULL), ROWS);
	assert_int_equal(kit_write(kit,
					 &(struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
							 .key = SLV_STR("7") },
					 1, NULL),
			ROWS + 1);
	drop(kit);
	if (kit_is_sqlite(kit)) {
		assert_false(has_file(kit, "things.db", &st));
		assert_false(has_file(kit, "things.db-wal", &st));
		assert_false(has_file(kit, "things.db-shm", &st));
		assert_true(has_file(kit, "stamps", &st));
		return;
	}
	PGconn *db = PQconnectdb(kit->url);
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop);
	for (bool left = true; left;) {
		PGresult *result = PQexec(db, "SELECT FROM selvedge.row UNION ALL SELECT FROM "
					      "selvedge.gone UNION ALL SELECT FROM selvedge.map");
		assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
		left = PQntuples(result) > 0;
		PQclear(result);
		assert_true(since(kit, begun_ns) < 20 * (uint64_t)SECOND_NS);
	}
	PQfinish(db);
}

/* As in the other of two processes. */
static void who_has_it_open_goes_on_in_the_new_one(void **state)
{
	struct kit *kit = *state, other;
	static char body[SLV_OMAP_BODY_BYTES_MAX];
	struct slv_omap_change large = putting("large", "");
	struct stat st;
	large.body = (slv_str){ body, sizeof(body) };
	for (int i = 0; i < 20; i++)
		assert_true(kit_write(kit, &large, 1, NULL) > 0);
	other_open(&other, kit);
	assert_int_equal(kit_get(&other, "large")->version, 20);
	drop(kit);
	if (kit_is_sqlite(kit)) { /* it stays, and is empty */
		assert_true(has_file(kit, "things.db", &st));
		assert_true(st.st_size < (off_t)SLV_KIB(100));
	}
	kit_lists(kit, "", 10, "");
	kit_lists(&other, "", 10, "");
	scan_gives(&other, "", "", "");
	assert_int_equal(kit_put(&other, "a", "one"), 1);
	is_text(kit_get(kit, "a")->value, "one");
	drop(&other);
	scan_gives(kit, "", "", "");
	assert_int_equal(kit_put(kit, "b", "two"), 1);
	scan_gives(&other, "", "", "b ");
	kit_close(&other);
	drop(kit);
	assert_true(!kit_is_sqlite(kit) || !has_file(kit, "things.db", &st));
	kit_put(kit, "c", "three");
	scan_gives(kit, "", "", "c ");
}

/* Also if the rows of the old one cannot be removed yet. */
static void who_writes_next_writes_to_the_new_one(void **state)
{
	struct kit *kit = *state, other;
	PGconn *db = NULL;
	kit_put(kit, "a", "one");
	other_open(&other, kit);
	kit_put(&other, "b", "two");
	if (!kit_is_sqlite(kit)) {
		db = PQconnectdb(kit->url);
		PQclear(PQexec(db, "BEGIN; SELECT FROM selvedge.row FOR UPDATE"));
	}
	drop(kit);
	uint64_t version = kit_put(&other, "c", "three");
	PQfinish(db);
	scan_gives(kit, "", "", "c ");
	assert_int_equal(version, 1);
	kit_close(&other);
}

/* As of one who was killed before he removed the file: without a log, with what it had. */
static void a_drop_that_was_cut_short_is_one(void **state)
{
	struct kit *kit = *state;
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	kit_close(kit);
	kit_run(kit, "UPDATE state SET version = 0, epoch = 0; PRAGMA journal_mode=DELETE", NULL);
	kit_open(kit);
	scan_gives(kit, "", "", "");
	assert_int_equal(kit->rows->epoch, 0);
	kit_lists(kit, "", 10, "");
	assert_int_equal(kit_put(kit, "b", "two"), 1);
	scan_gives(kit, "", "", "b ");
	sqlite3 *db = kit_sqlite(kit);
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "wal");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* --- another process writes meanwhile --- */

static int be_another(const char *url)
{
	struct kit kit = { 0 };
	char key[8], value[16];
	slv_assert(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	snprintf(kit.url, sizeof(kit.url), "%s", url);
	kit_open(&kit);
	for (unsigned number = 1;; number++) {
		snprintf(key, sizeof(key), "k%u", number % 7);
		snprintf(value, sizeof(value), "%u", number);
		struct slv_omap_change change = putting(key, value);
		/* So that it opens the file again and again. */
		if (number % 50 == 0) {
			kit_close(&kit);
			kit_open(&kit);
		}
		slv_assert(kit_write(&kit, &change, 1, NULL) > 0);
		slv_assert(kit.rows == NULL);
	}
}

/* The least and the most that a row says; 0: there is none. */
static void look(struct kit *kit, unsigned *ret_least, unsigned *ret_most)
{
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN });
	if (!rows)
		fail_msg("%s", kit->err.what);
	*ret_least = *ret_most = 0;
	for (size_t i = 0; i < rows->count; i++) {
		char text[16] = "";
		memcpy(text, rows->at[i].value.at, rows->at[i].value.len);
		unsigned number = (unsigned)strtoul(text, NULL, 10);
		*ret_least = *ret_least && *ret_least < number ? *ret_least : number;
		*ret_most = *ret_most > number ? *ret_most : number;
		assert_true(rows->at[i].version <= rows->version);
	}
}

static void nothing_comes_back_though_another_process_writes(void **state)
{
	struct kit *kit = *state;
	char program[] = "/proc/self/exe", deed[] = "put-for-ever";
	char *const args[] = { program, deed, kit->url, NULL };
	unsigned least, most = 0, last, drops = 0;
	pid_t pid;
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, args, environ), 0);
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop), past_ns = 0;
	for (; past_ns < SECOND_NS || drops < 20; drops++) {
		for (last = most; most <= last + drops % 5; past_ns = since(kit, begun_ns)) {
			look(kit, &least, &most); /* until more is written */
			assert_true(past_ns < 60 * (uint64_t)SECOND_NS);
		}
		last = most;
		drop(kit);
		look(kit, &least, &most);
		assert_true(least == 0 || least > last);
		most = most > last ? most : last;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	print_message("%u dropped, %u written\n", drops, most);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return be_another(argv[2]);
	slv_assert(argc == 2);
	char *url = argv[1];
	const struct CMUnitTest tests[] = {
		KIT_TEST(maps_are_listed_in_order_and_in_pages, url),
		KIT_TEST(a_batch_that_fails_makes_no_map, url),
		KIT_TEST(bounds_of_a_list_hold, url),
		KIT_TEST(a_damaged_map_is_listed, url),
		KIT_TEST(a_dropped_map_is_empty_and_another_afterwards, url),
		KIT_TEST(what_is_asked_before_a_drop_is_before_it, url),
		KIT_TEST(a_drop_changes_all_stamps_of_the_map, url),
		KIT_TEST(what_a_dropped_map_had_makes_room, url),
		KIT_TEST(who_has_it_open_goes_on_in_the_new_one, url),
		KIT_TEST(who_writes_next_writes_to_the_new_one, url),
		KIT_TEST(a_drop_that_was_cut_short_is_one, url),
		KIT_TEST(nothing_comes_back_though_another_process_writes, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
