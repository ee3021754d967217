#include "store/omap/pg.h"
#include "store/omap/testing.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void put_two(struct kit *kit)
{
	struct slv_omap_change list[] = { putting("a", "one"), putting("b", "two") };
	list[0].body = SLV_STR("body");
	assert_true(kit_write(kit, list, SLV_COUNT(list), NULL) > 0);
}

static void reading_gives(struct kit *kit, const char *key, enum slv_code code)
{
	slv_str keys[] = { slv_str_from(key) };
	struct slv_omap_read read = {
		.what = SLV_OMAP_GET, .keys = keys, .count = 1, .bodies = true
	};
	(void)kit_read(kit, read);
	assert_int_equal(kit->err.code, code);
}

static void what_is_damaged_is_not_handed_out(void **state)
{
	struct kit *kit = *state;
	static const struct {
		const char *sqlite, *pg;
		bool in_body;
	} table[] = {
		{ "UPDATE row SET value = X'6f6e66' WHERE key = X'61'",
				"UPDATE selvedge.row SET value = 'onf' WHERE key = 'a'", false },
		{ "UPDATE row SET value = X'' WHERE key = X'61'",
				"UPDATE selvedge.row SET value = '' WHERE key = 'a'", false },
		{ "UPDATE row SET sum = sum + 1 WHERE key = X'61'",
				"UPDATE selvedge.row SET sum = sum + 1 WHERE key = 'a'", false },
		{ "UPDATE row SET version = version + 100 WHERE key = X'61'",
				"UPDATE selvedge.row SET sum = 0 WHERE key = 'a'", false },
		{ "UPDATE row SET body = body + 1 WHERE key = X'61'",
				"UPDATE selvedge.row SET body = 'bodyy' WHERE key = 'a'", false },
		{ "UPDATE row SET body = 0 WHERE key = X'61'",
				"UPDATE selvedge.row SET body = NULL WHERE key = 'a'", false },
		{ "UPDATE body SET sum = 0",
				"UPDATE selvedge.row SET body_sum = NULL WHERE key = 'a'", true },
		{ "UPDATE body SET bytes = X'626f647a'",
				"UPDATE selvedge.row SET body = 'bodz' WHERE key = 'a'", true },
		{ "UPDATE body SET sum = sum - 1",
				"UPDATE selvedge.row SET body_sum = 7 WHERE key = 'a'", true },
		{ "DELETE FROM body", "UPDATE selvedge.row SET body_sum = 0 WHERE key = 'a'",
				true },
	};
	kit_put(kit, "b", "two");
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		kit_run(kit, "DELETE FROM row; DELETE FROM body", "DELETE FROM selvedge.row");
		put_two(kit);
		is_text(kit_get(kit, "a")->body, "body");
		kit_run(kit, table[i].sqlite, table[i].pg);
		reading_gives(kit, "a", SLV_E_CORRUPT);
		reading_gives(kit, "b", SLV_E_NONE);
		struct slv_omap_read scan = { .what = SLV_OMAP_SCAN };
		(void)kit_read(kit, scan);
		assert_int_equal(kit->err.code, table[i].in_body ? SLV_E_NONE : SLV_E_CORRUPT);
		scan.bodies = true;
		assert_null(kit_read(kit, scan));
		assert_int_equal(kit->err.code, SLV_E_CORRUPT);
		scan.what = SLV_OMAP_CHANGES;
		assert_null(kit_read(kit, scan));
		assert_int_equal(kit->err.code, SLV_E_CORRUPT);
	}
}

/* The rows "a" and "b" came, and "a" has a body, or is told to be damaged. */
static void are_a_and_b(struct kit *kit, const struct slv_omap_rows *rows, bool damaged)
{
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_int_equal(rows->count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct slv_omap_row *row = &rows->at[i];
		bool is_a = slv_str_eq(row->key, SLV_STR("a"));
		if (!is_a)
			is_text(row->key, "b");
		assert_int_equal(row->damaged, is_a && damaged);
		is_text(row->value, !is_a ? "two" : damaged ? "" : "one");
		is_text(row->body, is_a && !damaged ? "body" : "");
	}
}

static void damaged_rows_are_told_beside_good_ones_if_that_is_asked_for(void **state)
{
	struct kit *kit = *state;
	slv_str keys[] = { SLV_STR("a"), SLV_STR("b") };
	static const struct {
		const char *sqlite, *pg;
	} table[] = {
		{ "SELECT 1", "DELETE FROM selvedge.row WHERE false" },
		{ "UPDATE row SET value = X'6f6e66' WHERE key = X'61'",
				"UPDATE selvedge.row SET value = 'onf' WHERE key = 'a'" },
		{ "UPDATE body SET bytes = X'626f647a'",
				"UPDATE selvedge.row SET body = 'bodz' WHERE key = 'a'" },
		{ "DELETE FROM body", "UPDATE selvedge.row SET body_sum = 0 WHERE key = 'a'" },
	};
	kit_put(kit, "b", "two");
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_omap_read read = { .what = SLV_OMAP_SCAN,
			.bodies = true,
			.tells_damaged = true,
			.keys = keys,
			.count = 2 };
		kit_run(kit, "DELETE FROM row; DELETE FROM body", "DELETE FROM selvedge.row");
		put_two(kit);
		uint64_t before = kit_get(kit, "b")->version - 2;
		kit_run(kit, table[i].sqlite, table[i].pg);
		are_a_and_b(kit, kit_read(kit, read), i > 0);
		read.what = SLV_OMAP_CHANGES;
		read.since = before;
		are_a_and_b(kit, kit_read(kit, read), i > 0);
		read.what = SLV_OMAP_GET;
		are_a_and_b(kit, kit_read(kit, read), i > 0);
	}
}

static void who_asks_what_a_damaged_row_had_is_told(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "new");
	struct wrote wrote = { { .map = kit->map, .changes = &change, .count = 1 }, kit };
	wrote.batch.done = on_write;
	wrote.batch.wants_old = true;
	put_two(kit);
	kit_run(kit, "UPDATE row SET value = X''", "UPDATE selvedge.row SET value = ''");
	kit->pending++;
	slv_omap_write(kit->loop, &wrote.batch);
	kit_wait(kit);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);
	assert_null(wrote.batch.old);
	assert_int_equal(kit->in_doubt, !kit_is_sqlite(kit));
	kit_put(kit, "c", "three"); /* the others go on */
	is_text(kit_get(kit, "c")->value, "three");
}

static void a_newer_format_is_refused(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "");
	kit_put(kit, "a", "");
	kit_close(kit);
	kit_run(kit, "PRAGMA user_version = 2", "UPDATE selvedge.format SET number = 3");
	kit_open(kit);
	reading_gives(kit, "a", SLV_E_UNSUPPORTED);
	kit_write(kit, &change, 1, NULL);
	assert_int_equal(kit->err.code, SLV_E_UNSUPPORTED);
	kit_run(kit, "PRAGMA user_version = 1", "UPDATE selvedge.format SET number = 2");
	reading_gives(kit, "a", SLV_E_NONE);
}

static void who_only_reads_makes_no_map(void **state)
{
	struct kit *kit = *state;
	char folder[60];
	scan_gives(kit, "", "", "");
	assert_int_equal(kit->rows->epoch, 0);
	reading_gives(kit, "a", SLV_E_NONE);
	assert_non_null(kit_changes(kit, 0));
	snprintf(folder, sizeof(folder), "%s/maps", kit->folder);
	assert_int_equal(access(folder, F_OK), -1);
	if (kit_is_sqlite(kit))
		return;
	kit_run(kit, "", "DO $$ BEGIN ASSERT (SELECT count(*) = 0 FROM selvedge.map); END $$");
	kit_put(kit, "a", "");
	kit_run(kit, "", "DO $$ BEGIN ASSERT (SELECT count(*) = 1 FROM selvedge.map); END $$");
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;
	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void many_maps_do_not_take_all_descriptors(void **state)
{
	struct kit *kit = *state;
	enum { MAPS = 300, MOST = 64 * 3 + 20 }; /* 64 sessions: a file, its log and its index */
	size_t before = open_descriptors();
	for (int i = 0; i < MAPS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "map-%d", i);
		kit->map = slv_omap_named(kit->omaps, slv_str_from(name));
		kit_put(kit, "a", name);
	}
	assert_true(open_descriptors() < before + MOST);
	kit->map = slv_omap_named(kit->omaps, SLV_STR("map-0")); /* long closed */
	is_text(kit_get(kit, "a")->value, "map-0");
}

/* --- of SQLite --- */

static void a_file_that_is_none_is_refused(void **state)
{
	struct kit *kit = *state;
	char path[80];
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	kit_close(kit);
	snprintf(path, sizeof(path), "%s/maps/things.db", kit->folder);
	assert_int_equal(truncate(path, 4096 + 100), 0);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
	assert_true(fputs("no page of a tree", file) >= 0);
	assert_int_equal(fclose(file), 0);
	kit_open(kit);
	reading_gives(kit, "a", SLV_E_CORRUPT);
}

static void another_writer_is_waited_for_and_not_for_ever(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "two");
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	sqlite3 *db = kit_sqlite(kit);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop);
	kit_write(kit, &change, 1, NULL);
	assert_int_equal(kit->err.code, SLV_E_BUSY);
	assert_false(kit->in_doubt); /* it had not begun */
	assert_true(slv_loop_fresh_ns(kit->loop) - begun_ns > 4000000000u);
	is_text(kit_get(kit, "a")->value, "one"); /* who reads waits for nobody */
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	kit_put(kit, "a", "two");
	sqlite3_close(db);
}

/* As a disk that is full: files may not grow. */
static void a_file_that_cannot_grow_fails_the_write_and_nothing_else(void **state)
{
	struct kit *kit = *state;
	struct rlimit before, limit;
	static char bytes[SLV_OMAP_BODY_BYTES_MAX];
	struct slv_omap_change change = putting("b", "");
	change.body = (slv_str){ bytes, sizeof(bytes) };
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = SLV_KIB(100);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 3; i++) {
		kit_write(kit, &change, 1, NULL);
		assert_int_equal(kit->err.code, SLV_E_SYS);
		assert_true(kit->in_doubt);
		scan_gives(kit, "", "", "a ");
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(kit_write(kit, &change, 1, NULL), 2);
	scan_gives(kit, "", "", "a b ");
}

/* The administrator may use symbolic links; nobody else puts one into the store. */
static void a_folder_may_be_a_link_and_what_is_in_it_may_not(void **state)
{
	struct kit *kit = *state;
	char path[100], to[100];
	struct slv_omap_change change = putting("a", "two");
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	kit_close(kit);
	snprintf(path, sizeof(path), "%s/maps", kit->folder);
	snprintf(to, sizeof(to), "%s/disk", kit->folder);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink("disk", path), 0);
	kit_open(kit);
	is_text(kit_get(kit, "a")->value, "one");
	kit_put(kit, "a", "two");
	assert_true(slv_omap_stamp(kit->map, SLV_STR("a")) != 0);
	kit_close(kit);
	snprintf(kit->url, sizeof(kit->url), "sqlite:%s/maps/below", kit->folder);
	kit_open(kit);
	kit_put(kit, "a", "below");
	snprintf(path, sizeof(path), "%s/disk/below/things.db", kit->folder);
	assert_int_equal(access(path, F_OK), 0);
	kit_close(kit);

	snprintf(to, sizeof(to), "%s/moved.db", kit->folder);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
	kit_open(kit);
	reading_gives(kit, "a", SLV_E_SYS);
	kit_write(kit, &change, 1, NULL);
	assert_int_equal(kit->err.code, SLV_E_SYS);
	assert_int_equal(unlink(path), 0);
	reading_gives(kit, "a", SLV_E_NONE);
	assert_int_equal(kit->rows->epoch, 0); /* there is none */
}

struct overlap {
	pthread_t thread;
	sqlite3 *db;
	_Atomic bool *over;
};

/* A reader that takes its time, again and again. */
static void *overlap_run(void *arg)
{
	struct overlap *overlap = arg;
	while (!atomic_load(overlap->over)) {
		const struct timespec a_while = { .tv_nsec = 3000000 };
		(void)sqlite3_exec(
				overlap->db, "BEGIN; SELECT version FROM state", NULL, NULL, NULL);
		(void)nanosleep(&a_while, NULL);
		(void)sqlite3_exec(overlap->db, "COMMIT", NULL, NULL, NULL);
	}
	return NULL;
}

static void the_log_is_emptied_though_readers_overlap(void **state)
{
	struct kit *kit = *state;
	static char body[SLV_OMAP_BODY_BYTES_MAX];
	struct overlap overlaps[3];
	_Atomic bool over = false;
	struct slv_omap_change change = putting("b", "");
	struct stat st;
	off_t most = 0;
	char path[80];
	if (!kit_is_sqlite(kit))
		skip();
	change.body = (slv_str){ body, sizeof(body) };
	kit_put(kit, "a", "one");
	for (size_t i = 0; i < SLV_COUNT(overlaps); i++) {
		overlaps[i].db = kit_sqlite(kit);
		overlaps[i].over = &over;
		assert_int_equal(sqlite3_busy_timeout(overlaps[i].db, 5000), SQLITE_OK);
		assert_int_equal(pthread_create(&overlaps[i].thread, NULL, overlap_run,
						 &overlaps[i]),
				0);
	}
	snprintf(path, sizeof(path), "%s/maps/things.db-wal", kit->folder);
	for (int i = 0; i < 800; i++) { /* 200 MiB */
		assert_true(kit_write(kit, &change, 1, NULL) > 0);
		assert_int_equal(stat(path, &st), 0);
		most = st.st_size > most ? st.st_size : most;
	}
	atomic_store(&over, true);
	for (size_t i = 0; i < SLV_COUNT(overlaps); i++) {
		assert_int_equal(pthread_join(overlaps[i].thread, NULL), 0);
		sqlite3_close(overlaps[i].db);
	}
	assert_true(most < 80 << 20);
}

/* --- of PostgreSQL --- */

static void control(const char *what)
{
	char command[300];
	const char *program = getenv("SELVEDGE_PG_CTL"); /* of tests/with-postgres */
	assert_non_null(program);
	snprintf(command, sizeof(command), "%s %s >/dev/null", program, what);
	assert_int_equal(system(command), 0);
}

static void a_server_that_is_away_is_told_and_found_again(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "two");
	if (kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	control("stop -m fast -w");
	for (int i = 0; i < 2; i++) {
		kit_write(kit, &change, 1, NULL);
		assert_int_equal(kit->err.code, SLV_E_SYS);
		assert_non_null(strstr(kit->err.what, "cannot be reached"));
		assert_false(kit->in_doubt);
		reading_gives(kit, "a", SLV_E_SYS);
	}
	control("start -w");
	/* It is tried again after a second. */
	slv_str key = SLV_STR("a");
	struct slv_omap_read read = { .what = SLV_OMAP_GET, .keys = &key, .count = 1 };
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop);
	while (!kit_read(kit, read))
		assert_true(slv_loop_fresh_ns(kit->loop) - begun_ns < 10000000000u);
	is_text(kit_get(kit, "a")->value, "one");
	kit_put(kit, "a", "two");

	/* Sessions of before are not used: nobody sees that it was away. */
	control("restart -m fast -w");
	is_text(kit_get(kit, "a")->value, "two");
	control("restart -m immediate -w");
	kit_put(kit, "a", "three");
	is_text(kit_get(kit, "a")->value, "three");
}

/* What the server's settings promise to nobody is asked for. */
static void a_commit_is_synced_whatever_the_server_is_told(void **state)
{
	struct kit *kit = *state;
	if (kit_is_sqlite(kit))
		skip();
	kit_run(kit, "", "ALTER ROLE selvedge SET synchronous_commit = off");
	kit_run(kit, "",
			"CREATE OR REPLACE FUNCTION public.check_sync() RETURNS trigger AS $$"
			" BEGIN ASSERT current_setting('synchronous_commit') = 'on', 'off';"
			" RETURN NEW; END $$ LANGUAGE plpgsql");
	kit_put(kit, "a", "one");
	kit_run(kit, "",
			"CREATE TRIGGER check_sync BEFORE INSERT ON selvedge.row"
			" FOR EACH ROW EXECUTE FUNCTION public.check_sync()");
	kit_put(kit, "b", "two");
	kit_run(kit, "", "ALTER ROLE selvedge RESET synchronous_commit");
}

/* As a server whose disk hangs. */
static void a_server_that_does_not_answer_is_left(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("b", "two");
	if (kit_is_sqlite(kit))
		skip();
	struct pg_maps *maps = SLV_CONTAINER(kit->omaps, struct pg_maps, maps);
	kit_put(kit, "a", "one");
	maps->answer_ms = 300;
	kit_run(kit, "",
			"CREATE OR REPLACE FUNCTION public.hang() RETURNS trigger AS $$"
			" BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$ LANGUAGE plpgsql");
	kit_run(kit, "",
			"CREATE TRIGGER hang BEFORE INSERT ON selvedge.row"
			" FOR EACH ROW EXECUTE FUNCTION public.hang()");
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop);
	kit_write(kit, &change, 1, NULL);
	assert_int_equal(kit->err.code, SLV_E_TIMEOUT);
	assert_true(kit->in_doubt);
	assert_true(slv_loop_fresh_ns(kit->loop) - begun_ns < 2000000000u);
	is_text(kit_get(kit, "a")->value, "one");
	maps->answer_ms = PG_ANSWER_MS;
	kit_run(kit, "", "DROP TRIGGER hang ON selvedge.row");
	kit_put(kit, "b", "three"); /* behind the one that hung */
	is_text(kit_get(kit, "b")->value, "three");
}

/* Neither side waits for the other while both have much to say. */
static void large_answers_and_large_batches_do_not_meet(void **state)
{
	struct kit *kit = *state;
	enum { COUNT = SLV_OMAP_OLD_MAX, BODIES = 60 };
	static char value[SLV_OMAP_VALUE_BYTES_MAX], body[SLV_OMAP_BODY_BYTES_MAX];
	struct slv_omap_change *list = test_calloc(COUNT, sizeof(*list));
	char(*keys)[8] = test_calloc(COUNT, sizeof(*keys));
	struct wrote *all = test_calloc(1 + BODIES, sizeof(*all));
	struct slv_omap_change *puts = test_calloc(BODIES, sizeof(*puts));
	for (int i = 0; i < COUNT; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%d", i);
		list[i] = putting(keys[i], "");
		list[i].value = (slv_str){ value, sizeof(value) };
	}
	assert_true(kit_write(kit, list, COUNT, NULL) > 0);
	all[0] = (struct wrote){
		{ .map = kit->map, .changes = list, .count = COUNT, .wants_old = true }, kit
	};
	for (int i = 0; i < COUNT; i++)
		list[i].what = SLV_OMAP_REMOVE;
	for (int i = 0; i < BODIES; i++) {
		puts[i] = putting("body", "");
		puts[i].body = (slv_str){ body, sizeof(body) };
		all[1 + i] = (struct wrote){ { .map = kit->map, .changes = &puts[i], .count = 1 },
			kit };
	}
	for (int i = 0; i < 1 + BODIES; i++) {
		all[i].batch.done = on_write;
		kit->pending++;
		slv_omap_write(kit->loop, &all[i].batch);
	}
	kit_wait(kit);
	for (int i = 0; i < 1 + BODIES; i++)
		assert_int_equal(all[i].batch.err.code, SLV_E_NONE);
	assert_int_equal(all[0].batch.old->count, COUNT);
	assert_int_equal(all[0].batch.old->at[7].value.len, sizeof(value));
	all[0].batch.old->hold.drop(&all[0].batch.old->hold);
	test_free(list);
	test_free(keys);
	test_free(all);
	test_free(puts);
}

int main(int argc, char **argv)
{
	slv_assert(argc == 2);
	char *url = argv[1];
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_is_damaged_is_not_handed_out, url),
		KIT_TEST(damaged_rows_are_told_beside_good_ones_if_that_is_asked_for, url),
		KIT_TEST(who_asks_what_a_damaged_row_had_is_told, url),
		KIT_TEST(a_newer_format_is_refused, url),
		KIT_TEST(who_only_reads_makes_no_map, url),
		KIT_TEST(many_maps_do_not_take_all_descriptors, url),
		KIT_TEST(a_file_that_is_none_is_refused, url),
		KIT_TEST(another_writer_is_waited_for_and_not_for_ever, url),
		KIT_TEST(a_file_that_cannot_grow_fails_the_write_and_nothing_else, url),
		KIT_TEST(a_folder_may_be_a_link_and_what_is_in_it_may_not, url),
		KIT_TEST(the_log_is_emptied_though_readers_overlap, url),
		KIT_TEST(a_server_that_is_away_is_told_and_found_again, url),
		KIT_TEST(a_commit_is_synced_whatever_the_server_is_told, url),
		KIT_TEST(a_server_that_does_not_answer_is_left, url),
		KIT_TEST(large_answers_and_large_batches_do_not_meet, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
