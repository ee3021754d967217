/* Whether what is kept by a stamp is true: a test of its own program also plays the other processes
 * that write to the store, and those that are killed while they do. */
#include "store/omap/private.h"
#include "store/omap/testing.h"

#include "base/mem.h"

#include <libpq-fe.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND_NS 1000000000u

static uint64_t stamp(struct kit *kit, const char *key)
{
	return slv_omap_stamp(kit->map, slv_str_from(key));
}

static void waits_no_longer_than(struct kit *kit, uint64_t begun_ns, unsigned seconds)
{
	if (slv_loop_fresh_ns(kit->loop) - begun_ns > (uint64_t)seconds * SECOND_NS)
		fail_msg("it takes more than %u s", seconds);
}

/* --- other processes --- */

#define KEYS 64

static pid_t other_start(const char *deed, const char *url)
{
	pid_t pid;
	char *program = strdup("/proc/self/exe"), *a = strdup(deed), *b = strdup(url);
	char *const args[] = { program, a, b, NULL };
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, args, environ), 0);
	free(program);
	free(a);
	free(b);
	return pid;
}

static void other_ends_well(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void put_some(struct kit *kit, unsigned *dice)
{
	char key[8], value[16];
	*dice = *dice * 1103515245 + 12345;
	snprintf(key, sizeof(key), "k%u", (*dice >> 16) % KEYS);
	snprintf(value, sizeof(value), "%u", *dice);
	struct slv_omap_change change = putting(key, value);
	slv_assert(kit_write(kit, &change, 1, NULL) > 0);
}

static int be_another(const char *deed, const char *url)
{
	struct kit kit = { 0 };
	unsigned dice = (unsigned)getpid();
	slv_assert(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	snprintf(kit.url, sizeof(kit.url), "%s", url);
	if (strcmp(deed, "put-one") == 0) {
		kit_open(&kit);
		kit_put(&kit, "a", "from another");
		kit_close(&kit);
	} else if (strcmp(deed, "put-for-ever") == 0) {
		kit_open(&kit);
		for (;;)
			put_some(&kit, &dice);
	} else {
		slv_assert(strcmp(deed, "come-and-go") == 0);
		for (int i = 0; i < 40; i++) {
			kit_open(&kit);
			for (int k = 0; k < 3; k++)
				put_some(&kit, &dice);
			kit_close(&kit);
		}
	}
	return 0;
}

/* --- a cache --- */

struct cache {
	struct {
		uint64_t stamp, version;
	} kept[KEYS];
	unsigned found, changed; /* it was kept and true; it was kept, and its stamp is another */
};

/* What is kept by `key` is what is read, or its stamp changes before that has been read. */
static void cache_try(struct cache *cache, struct kit *kit, unsigned k)
{
	char key[8];
	snprintf(key, sizeof(key), "k%u", k);
	uint64_t kept = cache->kept[k].stamp, before = stamp(kit, key);
	uint64_t version = kit_get(kit, key)->version;
	if (kept && before == kept && stamp(kit, key) == kept) {
		assert_int_equal(version, cache->kept[k].version);
		cache->found++;
		return;
	}
	cache->changed += kept && before && before != kept;
	cache->kept[k].stamp = before;
	cache->kept[k].version = version;
}

/* --- what changes a stamp --- */

/* As often as it needs for one within the same second, if stamps age. */
static void leaves_the_stamp(struct kit *kit, const char *key, void (*deed)(struct kit *kit))
{
	uint64_t before, after;
	int attempt = 0;
	do {
		before = stamp(kit, key);
		deed(kit);
		after = stamp(kit, key);
	} while (before != after && !kit_is_sqlite(kit) && attempt++ < 5);
	assert_true(before != 0);
	assert_true(before == after);
}

static void look_at_a(struct kit *kit)
{
	assert_true(kit_get(kit, "a")->version > 0);
	scan_gives(kit, "a", "b", "a ");
}

static void put_b(struct kit *kit)
{
	kit_put(kit, "b", "");
}

static void check_a(struct kit *kit)
{
	struct slv_omap_change change = { .what = SLV_OMAP_CHECK, .key = SLV_STR("a") };
	assert_true(kit_write(kit, &change, 1, NULL) > 0);
}

static void a_stamp_changes_when_its_row_does(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change list[] = { putting("b", ""), removing("a") };
	kit_put(kit, "b", "");
	uint64_t none = stamp(kit, "a");
	kit_put(kit, "a", "one");
	uint64_t one = stamp(kit, "a");
	kit_put(kit, "a", "two");
	uint64_t two = stamp(kit, "a");
	assert_true(none && one && two && none != one && one != two);
	leaves_the_stamp(kit, "a", look_at_a);
	leaves_the_stamp(kit, "a", put_b);
	leaves_the_stamp(kit, "a", check_a);
	two = stamp(kit, "a");
	kit_write(kit, list, SLV_COUNT(list), NULL);
	assert_true(stamp(kit, "a") && stamp(kit, "a") != two);
}

static void a_failed_condition_leaves_no_write_under_way(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "two");
	change.when = SLV_OMAP_IF_ABSENT;
	kit_put(kit, "a", "one");
	assert_int_equal(kit_write(kit, &change, 1, NULL), 0);
	assert_int_equal(kit->err.code, SLV_E_PRECONDITION);
	leaves_the_stamp(kit, "a", look_at_a);
}

static void what_is_not_there_has_a_stamp(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, "a", "one");
	kit->map = slv_omap_named(kit->omaps, SLV_STR("stamps")); /* as the file, but it is not */
	assert_int_equal(kit_get(kit, "a")->version, 0);
	uint64_t before = stamp(kit, "a");
	kit_put(kit, "a", "two");
	assert_true(before && stamp(kit, "a") && stamp(kit, "a") != before);
	is_text(kit_get(kit, "a")->value, "two");
}

static void another_process_changes_a_stamp(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, "a", "one");
	uint64_t before = stamp(kit, "a"), begun_ns = slv_loop_fresh_ns(kit->loop);
	other_ends_well(other_start("put-one", kit->url));
	while (stamp(kit, "a") == before && !kit_is_sqlite(kit))
		waits_no_longer_than(kit, begun_ns, 5);
	assert_true(stamp(kit, "a") != before && stamp(kit, "a") != 0);
	is_text(kit_get(kit, "a")->value, "from another");
}

/* --- a write that takes its time --- */

/* A disk whose logs are synced when the test lets them, or fail. */
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods methods;
	sqlite3_vfs vfs, *real_vfs;
	_Atomic int result; /* of the next syncs; SQLITE_OK: they are done */
	_Atomic bool stops; /* the next one */
	sem_t reached, go;
} disk;

static void sem_down(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		;
}

static int disk_sync(sqlite3_file *file, int flags)
{
	if (atomic_exchange(&disk.stops, false)) {
		(void)sem_post(&disk.reached);
		sem_down(&disk.go);
	}
	int result = atomic_load(&disk.result);
	return result == SQLITE_OK ? disk.real->xSync(file, flags) : result;
}

static int disk_open(
		sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	(void)vfs;
	int result = disk.real_vfs->xOpen(disk.real_vfs, name, file, flags, ret_flags);
	if (result == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
		disk.real = file->pMethods;
		disk.methods = *disk.real;
		disk.methods.xSync = disk_sync;
		file->pMethods = &disk.methods;
	}
	return result;
}

static void disk_begin(void)
{
	disk.real_vfs = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real_vfs;
	disk.vfs.pNext = NULL;
	disk.vfs.zName = "stops";
	disk.vfs.xOpen = disk_open;
	atomic_store(&disk.result, SQLITE_OK);
	assert_int_equal(sem_init(&disk.reached, 0, 0), 0);
	assert_int_equal(sem_init(&disk.go, 0, 0), 0);
	assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

static void disk_end(void)
{
	assert_int_equal(sqlite3_vfs_unregister(&disk.vfs), SQLITE_OK);
	assert_ptr_equal(sqlite3_vfs_find(NULL), disk.real_vfs);
}

static void put_start(struct wrote *wrote, struct kit *kit, const struct slv_omap_change *change)
{
	*wrote = (struct wrote){ { .map = kit->map, .changes = change, .count = 1 }, kit };
	wrote->batch.done = on_write;
	kit->pending++;
	slv_omap_write(kit->loop, &wrote->batch);
}

static void a_row_that_is_being_written_has_no_stamp(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "two");
	struct wrote wrote;
	PGconn *db = NULL;
	if (kit_is_sqlite(kit))
		disk_begin();
	kit_put(kit, "a", "one");
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop), before = stamp(kit, "a");
	if (kit_is_sqlite(kit)) {
		atomic_store(&disk.stops, true);
		put_start(&wrote, kit, &change);
		sem_down(&disk.reached);
	} else {
		db = PQconnectdb(kit->url);
		PQclear(PQexec(db, "BEGIN; SELECT FROM selvedge.map FOR UPDATE"));
		put_start(&wrote, kit, &change);
		while (stamp(kit, "a") != 0)
			waits_no_longer_than(kit, begun_ns, 5);
	}
	uint64_t during = stamp(kit, "a"), of_another = stamp(kit, "b");
	if (kit_is_sqlite(kit))
		(void)sem_post(&disk.go);
	else
		PQfinish(db);
	kit_wait(kit);
	if (kit_is_sqlite(kit))
		disk_end();
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_int_equal(during, 0);
	assert_true(of_another != 0);
	assert_true(stamp(kit, "a") != 0 && stamp(kit, "a") != before);
}

static void a_commit_in_doubt_leaves_no_stamp_until_the_next(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "two");
	if (!kit_is_sqlite(kit))
		skip();
	disk_begin();
	kit_put(kit, "a", "one");
	uint64_t before = stamp(kit, "a");
	atomic_store(&disk.result, SQLITE_IOERR_FSYNC);
	for (int i = 0; i < 2; i++) {
		kit_write(kit, &change, 1, NULL);
		assert_int_equal(kit->err.code, SLV_E_SYS);
		assert_int_equal(stamp(kit, "a"), 0);
	}
	atomic_store(&disk.result, SQLITE_OK);
	assert_int_equal(stamp(kit, "a"), 0);
	assert_true(stamp(kit, "b") != 0);
	kit_put(kit, "b", "");
	assert_true(stamp(kit, "a") != 0 && stamp(kit, "a") != before);
	leaves_the_stamp(kit, "a", look_at_a);
	disk_end();
}

/* --- who opens the file, and who cannot --- */

static void without_the_file_all_is_read_and_nothing_written(void **state)
{
	struct kit *kit = *state;
	struct slv_omap_change change = putting("a", "two");
	char path[80];
	if (!kit_is_sqlite(kit))
		skip();
	kit_put(kit, "a", "one");
	kit_close(kit);
	snprintf(path, sizeof(path), "%s/maps/stamps", kit->folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	kit_open(kit);
	is_text(kit_get(kit, "a")->value, "one");
	assert_int_equal(stamp(kit, "a"), 0);
	kit_write(kit, &change, 1, NULL);
	assert_int_equal(kit->err.code, SLV_E_SYS);
	assert_non_null(strstr(kit->err.what, "stamps"));
	assert_int_equal(rmdir(path), 0);
	kit_put(kit, "a", "two"); /* it is tried again */
	is_text(kit_get(kit, "a")->value, "two");
	assert_true(stamp(kit, "a") != 0);
}

/* As on a disk that is full: who has none is not passed by who comes later. */
static void without_room_there_are_no_stamps_for_anybody(void **state)
{
	struct kit *kit = *state, other = *kit;
	struct rlimit before, limit;
	if (!kit_is_sqlite(kit))
		skip();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = SLV_KIB(500);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	kit_put(kit, "a", "one");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(stamp(kit, "a"), 0);
	kit_open(&other);
	kit_put(&other, "a", "two");
	assert_int_equal(stamp(&other, "a"), 0);
	kit_put(kit, "a", "three");
	assert_int_equal(stamp(kit, "a"), 0);
	kit_close(kit);
	kit_close(&other);
	kit_open(kit);
	is_text(kit_get(kit, "a")->value, "three");
	assert_true(stamp(kit, "a") != 0);
}

/* Both sides find themselves alone, or not, in whatever order. */
static void who_comes_and_goes_keeps_nothing_stale(void **state)
{
	struct kit *kit = *state;
	pid_t others[2];
	int ended = 0, status;
	if (!kit_is_sqlite(kit))
		skip();
	struct cache *cache = test_calloc(1, sizeof(*cache));
	kit_put(kit, "k0", "");
	for (size_t i = 0; i < SLV_COUNT(others); i++)
		others[i] = other_start("come-and-go", kit->url);
	for (int round = 0; ended < (int)SLV_COUNT(others); round++) {
		for (unsigned k = 0; k < 5; k++)
			cache_try(cache, kit, k);
		if (round % 4 == 3) {
			kit_close(kit);
			kit_open(kit);
			memset(cache->kept, 0, sizeof(cache->kept));
		}
		pid_t pid = waitpid(-1, &status, WNOHANG);
		ended += pid > 0;
		assert_true(pid <= 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	}
	assert_true(cache->found > 0);
	test_free(cache);
}

/* Written by others without end, who are killed at any moment. */
static void nothing_stale_is_kept_though_writers_are_killed(void **state)
{
	struct kit *kit = *state;
	unsigned kills = 0, dice = 1;
	if (!kit_is_sqlite(kit))
		skip();
	struct cache *cache = test_calloc(1, sizeof(*cache));
	kit_put(kit, "k0", "");
	uint64_t begun_ns = slv_loop_fresh_ns(kit->loop), past_ns = 0;
	while (past_ns < 2 * (uint64_t)SECOND_NS || cache->found < 100 || cache->changed < 10) {
		(void)kit_get(kit, "k0");
		uint64_t last = kit->rows->version;
		pid_t pid = other_start("put-for-ever", kit->url);
		dice = dice * 1103515245 + 12345;
		for (unsigned left = (dice >> 16) % 100, k = 0; left > 0; k++) {
			cache_try(cache, kit, k % KEYS);
			left -= kit->rows->version > last; /* it has begun to write */
			waits_no_longer_than(kit, begun_ns, 60);
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		for (unsigned k = 0; k < 2 * KEYS; k++)
			cache_try(cache, kit, k % KEYS);
		kills++;
		past_ns = slv_loop_fresh_ns(kit->loop) - begun_ns;
	}
	unsigned without = 0;
	char key[8];
	for (unsigned k = 0; k < KEYS; k++) {
		snprintf(key, sizeof(key), "k%u", k);
		without += stamp(kit, key) == 0;
	}
	print_message("%u killed, %u found, %u changed, %u without a stamp\n", kills, cache->found,
			cache->changed, without);
	assert_true(without <= kills);
	kit_close(kit);
	kit_open(kit);
	for (unsigned k = 0; k < KEYS; k++) {
		snprintf(key, sizeof(key), "k%u", k);
		(void)kit_get(kit, key);
		assert_true(stamp(kit, key) != 0); /* nobody had it open: all is new */
	}
	test_free(cache);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return be_another(argv[1], argv[2]);
	slv_assert(argc == 2);
	char *url = argv[1];
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_stamp_changes_when_its_row_does, url),
		KIT_TEST(a_failed_condition_leaves_no_write_under_way, url),
		KIT_TEST(what_is_not_there_has_a_stamp, url),
		KIT_TEST(another_process_changes_a_stamp, url),
		KIT_TEST(a_row_that_is_being_written_has_no_stamp, url),
		KIT_TEST(a_commit_in_doubt_leaves_no_stamp_until_the_next, url),
		KIT_TEST(without_the_file_all_is_read_and_nothing_written, url),
		KIT_TEST(without_room_there_are_no_stamps_for_anybody, url),
		KIT_TEST(who_comes_and_goes_keeps_nothing_stale, url),
		KIT_TEST(nothing_stale_is_kept_though_writers_are_killed, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
