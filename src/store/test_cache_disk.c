#include "store/cache_disk.h"
#include "store/cache_file.h"
#include "store/testing.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	kit_init(kit);
	kit_start(kit);
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	kit_done(*state);
	slv_free(*state);
	return 0;
}

static uint64_t errors(const struct kit *kit)
{
	return slv_cache_stats(kit->cache).disk_errors;
}

/* Files of any name in the folder. */
static unsigned count_files(const struct kit *kit)
{
	char command[200];
	unsigned count = 99;
	snprintf(command, sizeof(command), "find %s -type f | wc -l", kit->folder);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &count), 1);
	pclose(pipe);
	return count;
}

static void put_and_settle(struct kit *kit, struct slv_cache_key key)
{
	kit_put(kit, key, 1000, 0);
	kit_settle(kit);
}

static void a_full_disk_stops_caching_not_serving(void **state)
{
	struct kit *kit = *state;
	kit->disk.write = ENOSPC;
	put_and_settle(kit, kit_key(1, 1));
	assert_true(kit_gets(kit, kit_key(1, 1), 0));
	assert_false(kit_fetches(kit, kit_key(1, 1), 0));
	assert_int_equal(errors(kit), 1);
	assert_int_equal(kit->told, 1);
	assert_int_equal(kit->told_sys, ENOSPC);
	assert_string_equal(kit->told_what, "a cache file cannot be written");
	assert_int_equal(count_files(kit), 0);
}

static void after_an_error_of_writing_none_is_tried_for_a_while(void **state)
{
	struct kit *kit = *state;
	uint64_t start_ms = kit->mono_ms;
	kit->disk.write = ENOSPC;
	put_and_settle(kit, kit_key(1, 1));
	assert_int_equal(kit->disk.writes, 1);

	kit->mono_ms = start_ms + SLV_CACHE_BACK_OFF_MS - 1;
	put_and_settle(kit, kit_key(1, 2));
	assert_int_equal(kit->disk.writes, 1);
	assert_true(kit_gets(kit, kit_key(1, 2), 0));

	kit->mono_ms = start_ms + SLV_CACHE_BACK_OFF_MS;
	put_and_settle(kit, kit_key(1, 3));
	assert_int_equal(kit->disk.writes, 2);
	assert_int_equal(errors(kit), 2);
	assert_int_equal(kit->told, 1); /* once a minute */

	kit->mono_ms = start_ms + SLV_CACHE_TROUBLE_GAP_MS - 1;
	put_and_settle(kit, kit_key(1, 4));
	assert_int_equal(kit->told, 1);
	kit->mono_ms = start_ms + SLV_CACHE_TROUBLE_GAP_MS + SLV_CACHE_BACK_OFF_MS;
	put_and_settle(kit, kit_key(1, 5));
	assert_int_equal(kit->told, 2);

	kit->disk.write = 0;
	kit->mono_ms += SLV_CACHE_BACK_OFF_MS;
	put_and_settle(kit, kit_key(1, 6));
	assert_true(kit_fetches(kit, kit_key(1, 6), 0));
}

static void whatever_fails_in_writing_leaves_nothing(void **state)
{
	struct kit *kit = *state;
	_Atomic int *calls[] = { &kit->disk.mkdir, &kit->disk.open_new, &kit->disk.write,
		&kit->disk.rename };
	const int errnos[] = { EIO, ENOSPC, EDQUOT, EROFS, EACCES, EMFILE };
	uint64_t count = 0;
	for (size_t i = 0; i < SLV_COUNT(calls); i++) {
		for (size_t j = 0; j < SLV_COUNT(errnos); j++) {
			kit->mono_ms += SLV_CACHE_TROUBLE_GAP_MS;
			*calls[i] = errnos[j];
			struct slv_cache_key key = kit_key((uint32_t)i, (uint32_t)j);
			put_and_settle(kit, key);
			*calls[i] = 0;
			assert_int_equal(errors(kit), ++count);
			assert_int_equal(kit->told, count);
			assert_int_equal(kit->told_sys, errnos[j]);
			assert_true(kit_gets(kit, key, 0));
			assert_false(kit_fetches(kit, key, 0));
			assert_int_equal(count_files(kit), 0);
		}
	}
	assert_int_equal(slv_cache_stats(kit->cache).disk_bytes, 0);
}

static void a_disk_that_fills_on_the_way_leaves_nothing(void **state)
{
	struct kit *kit = *state;
	const uint64_t lens[] = { 1, 119, 120, 121, 129, 130, 131, 1129 }; /* of 1,130 */
	for (uint32_t i = 0; i < SLV_COUNT(lens); i++) {
		kit->mono_ms += SLV_CACHE_BACK_OFF_MS;
		kit->disk.write_left = lens[i] + 1;
		put_and_settle(kit, kit_key(1, i));
		assert_int_equal(errors(kit), i + 1);
		assert_int_equal(count_files(kit), 0);
	}
	kit->mono_ms += SLV_CACHE_BACK_OFF_MS;
	kit->disk.write_left = 1131;
	put_and_settle(kit, kit_key(2, 1));
	assert_true(kit_fetches(kit, kit_key(2, 1), 0));
}

static void short_writes_are_carried_on(void **state)
{
	struct kit *kit = *state;
	kit->disk.write_len_max = 7;
	put_and_settle(kit, kit_key(1, 1));
	assert_true(kit->disk.writes > 1000 / 7);
	kit_stop(kit);
	kit_start(kit);
	assert_true(kit_fetches(kit, kit_key(1, 1), 0));
}

static void an_error_of_reading_is_a_miss(void **state)
{
	struct kit *kit = *state;
	put_and_settle(kit, kit_key(1, 1));
	kit->disk.read = EIO;
	assert_false(kit_fetches(kit, kit_key(1, 1), 0));
	assert_int_equal(errors(kit), 1);
	assert_string_equal(kit->told_what, "a cache file cannot be read");
	assert_int_equal(kit->told_sys, EIO);
	kit->disk.read = 0;
	assert_true(kit_fetches(kit, kit_key(1, 1), 0)); /* it was left alone */
}

/* --- damage --- */

static size_t read_file(const char *path, char *bytes, size_t max)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t len = fread(bytes, 1, max, file);
	fclose(file);
	return len;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	char folder[300];
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	(void)mkdir(folder, 0700); /* it goes with its last file */
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

/* The file of `key` is a miss, is counted, and is gone then. */
static void is_found_damaged(struct kit *kit, struct slv_cache_key key)
{
	uint64_t before = errors(kit);
	assert_true(kit_has_file(kit, key));
	assert_false(kit_fetches(kit, key, 0));
	assert_int_equal(errors(kit), before + 1);
	assert_false(kit_has_file(kit, key));
}

static void every_flipped_byte_and_torn_length_is_a_miss(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	char path[300], whole[1000], bytes[1000];
	kit_put(kit, key, 20, 0);
	kit_settle(kit);
	kit_stop(kit);
	kit_start(kit); /* with an empty memory */
	kit_path(kit, key, path, sizeof(path));
	size_t len = read_file(path, whole, sizeof(whole));
	assert_int_equal(len, SLV_CACHE_FILE_HEADER_BYTES + 10 + 20);

	for (size_t i = 0; i < len; i++) {
		memcpy(bytes, whole, len);
		bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
		write_file(path, bytes, len);
		is_found_damaged(kit, key);
		write_file(path, whole, i);
		is_found_damaged(kit, key);
		memset(bytes, 0, len); /* as a crash leaves blocks that were not written */
		memcpy(bytes, whole, i);
		if (memcmp(bytes, whole, len) == 0)
			continue;
		write_file(path, bytes, len);
		is_found_damaged(kit, key);
	}
	memcpy(bytes, whole, len);
	write_file(path, bytes, len + 1);
	is_found_damaged(kit, key);
	assert_int_equal(kit->told, 1);
	assert_string_equal(kit->told_what, "a damaged cache file was removed");

	write_file(path, whole, len);
	assert_true(kit_fetches(kit, key, 0));
}

static void the_file_of_another_entry_is_a_miss(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1), other = kit_key(1, 2);
	char path[300], other_path[300];
	put_and_settle(kit, key);
	kit_path(kit, key, path, sizeof(path));
	kit_path(kit, other, other_path, sizeof(other_path));
	assert_int_equal(rename(path, other_path), 0);
	is_found_damaged(kit, other);
}

static void a_link_is_not_followed(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	char path[300], elsewhere[300];
	put_and_settle(kit, key);
	kit_path(kit, key, path, sizeof(path));
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", kit->folder);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, path), 0);
	assert_false(kit_fetches(kit, key, 0));
	assert_int_equal(kit->told_sys, ELOOP);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(elsewhere, path), 0);
	assert_true(kit_fetches(kit, key, 0));
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
	struct kit *kit = *state;
	char file[100], folder[200];
	kit_stop(kit);
	snprintf(file, sizeof(file), "%s/file", kit->folder);
	snprintf(folder, sizeof(folder), "%s/folder", file);
	write_file(file, "", 0);
	kit->conf.folder = slv_str_from(folder);
	kit_start(kit);
	put_and_settle(kit, kit_key(1, 1));
	assert_true(kit_gets(kit, kit_key(1, 1), 0));
	assert_false(kit_fetches(kit, kit_key(1, 2), 0));
	assert_int_equal(kit->told, 1);
	assert_string_equal(kit->told_what, "the cache folder cannot be opened");
	assert_int_equal(kit->told_sys, ENOTDIR);

	/* And is tried again. */
	assert_int_equal(unlink(file), 0);
	kit->mono_ms += SLV_CACHE_BACK_OFF_MS;
	put_and_settle(kit, kit_key(1, 3));
	assert_true(kit_fetches(kit, kit_key(1, 3), 0));
	kit_stop(kit);
}

/* --- what a crash leaves --- */

static void set_age(const char *path, int64_t ms)
{
	struct timespec times[2] = { { .tv_sec = ms / 1000 }, { .tv_sec = ms / 1000 } };
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void the_scan_removes_what_a_crash_has_left(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	char path[300], old[400], young[400], ours[400], gone[200], below[300];
	put_and_settle(kit, key);
	kit_stop(kit);

	kit_path(kit, key, path, sizeof(path));
	snprintf(gone, sizeof(gone), "%s/gone-0123456789abcdef", kit->folder);
	snprintf(below, sizeof(below), "%s/some", gone);
	assert_int_equal(mkdir(gone, 0700), 0);
	write_file(below, "x", 1);
	snprintf(ours, sizeof(ours), "%s/notes.txt", kit->folder);
	write_file(ours, "not the cache's", 15);
	*strrchr(path, '/') = '\0';
	snprintf(old, sizeof(old), "%s/new-00000000000000aa", path);
	snprintf(young, sizeof(young), "%s/new-00000000000000bb", path);
	write_file(old, "x", 1);
	write_file(young, "x", 1);
	set_age(old, kit->wall_ms - 3600000 - 2000);
	set_age(young, kit->wall_ms - 3600000 + 2000);

	kit_start(kit);
	assert_false(kit_fetches(kit, kit_key(2, 2), 0)); /* starts it */
	kit_until_disk_bytes(kit, 4096);
	kit_settle(kit);
	while (access(old, F_OK) == 0)
		kit_turn(kit);
	assert_int_equal(access(young, F_OK), 0);
	assert_int_equal(access(ours, F_OK), 0);
	assert_int_equal(access(gone, F_OK), -1);
	assert_int_equal(kit->told, 0);
}

static void a_use_is_remembered_over_a_restart(void **state)
{
	struct kit *kit = *state;
	char path[300];
	kit_stop(kit);
	kit->conf.memory_bytes_max = 0;
	kit->conf.disk_bytes_max = 100 * 4096;
	kit_start(kit);
	for (uint32_t i = 0; i < 100; i++)
		kit_put(kit, kit_key(1, i), 10, 0);
	kit_settle(kit);
	for (uint32_t i = 0; i < 100; i++) {
		kit_path(kit, kit_key(1, i), path, sizeof(path));
		set_age(path, kit->wall_ms - 1000 * (1000 - (int64_t)i));
	}
	assert_true(kit_fetches(kit, kit_key(1, 0), 0));
	kit_stop(kit);

	kit_start(kit);
	assert_false(kit_fetches(kit, kit_key(2, 0), 0));
	kit_until_disk_bytes(kit, 100 * 4096);
	kit_put(kit, kit_key(3, 0), 10, kit->wall_ms);
	kit_until_evictions(kit, 6);
	kit_settle(kit);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(kit_has_file(kit, kit_key(1, i)), i == 0 || i > 6);
	assert_true(kit_has_file(kit, kit_key(3, 0)));
}

static void the_folder_of_a_source_goes_with_its_last_variant(void **state)
{
	struct kit *kit = *state;
	char folder[300];
	struct slv_cache_key keys[] = { kit_key(1, 1), kit_key(1, 2) };
	put_and_settle(kit, keys[0]);
	put_and_settle(kit, keys[1]);
	kit_path(kit, keys[0], folder, sizeof(folder));
	*strrchr(folder, '/') = '\0';
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(access(folder, F_OK), 0);
		slv_cache_purge_variant(kit->cache, kit->loop, &keys[i], NULL, NULL);
		kit_settle(kit);
	}
	assert_int_equal(access(folder, F_OK), -1);
	put_and_settle(kit, keys[0]); /* and comes again */
	assert_true(kit_fetches(kit, keys[0], 0));
}

/* --- races: somebody stands in a call to the disk while the rest goes on --- */

static void purge(struct kit *kit, enum slv_cache_scope scope, struct slv_cache_key key)
{
	if (scope == SLV_CACHE_VARIANT)
		slv_cache_purge_variant(kit->cache, kit->loop, &key, kit_on_done, kit);
	else if (scope == SLV_CACHE_SOURCE)
		slv_cache_purge_source(kit->cache, kit->loop, &key.source, kit_on_done, kit);
	else
		slv_cache_purge_all(kit->cache, kit->loop, kit_on_done, kit);
}

static const enum slv_cache_scope scopes[] = { SLV_CACHE_VARIANT, SLV_CACHE_SOURCE, SLV_CACHE_ALL };

static void a_put_under_way_does_not_outlive_a_purge(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SLV_COUNT(scopes); i++) {
		struct slv_cache_key key = kit_key(1, i);
		put_and_settle(kit, kit_key(1, 100 + i)); /* so that there is something to rename */
		kit->disk.at_rename.closed = true;
		kit_put(kit, key, 1000, 0);
		gate_wait(&kit->disk.at_rename);
		kit->done = 0;
		purge(kit, scopes[i], key);
		while (!kit->done)
			kit_turn(kit);
		gate_open(&kit->disk.at_rename);
		kit_settle(kit);
		assert_false(kit_gets(kit, key, 0));
		assert_false(kit_fetches(kit, key, 0));
		assert_false(kit_has_file(kit, key));

		put_and_settle(kit, key);
		assert_true(kit_fetches(kit, key, 0));
	}
	assert_int_equal(kit->told, 0);
}

struct waiting_fetch {
	struct slv_cache_fetch fetch; /* first */
	bool done, found;
};

static void on_fetched(struct slv_cache_fetch *fetch, struct slv_cache_hit *hit)
{
	struct waiting_fetch *waiting = (struct waiting_fetch *)fetch;
	waiting->done = true;
	waiting->found = hit;
	if (hit)
		hit->hold.drop(&hit->hold);
}

static void a_fetch_under_way_does_not_outlive_a_purge(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SLV_COUNT(scopes); i++) {
		struct slv_cache_key key = kit_key(1, i);
		put_and_settle(kit, key);
		kit_stop(kit);
		kit_start(kit);

		struct waiting_fetch waiting = { .fetch = { .key = key, .done = on_fetched } };
		kit->disk.at_read.closed = true;
		slv_cache_fetch(kit->cache, kit->loop, &waiting.fetch, 0);
		gate_wait(&kit->disk.at_read); /* the file is open */
		kit->done = 0;
		purge(kit, scopes[i], key);
		while (!kit->done)
			kit_turn(kit);
		gate_open(&kit->disk.at_read);
		while (!waiting.done)
			kit_turn(kit);
		assert_false(waiting.found);
		assert_false(kit_gets(kit, key, 0));
	}
}

/* It is read and in memory, and its loop has not been told yet. */
static void a_fetch_that_has_ended_does_not_outlive_a_purge(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SLV_COUNT(scopes); i++) {
		struct slv_cache_key key = kit_key(1, i);
		put_and_settle(kit, key);
		kit_stop(kit);
		kit_start(kit);

		struct waiting_fetch waiting = { .fetch = { .key = key, .done = on_fetched } };
		slv_cache_fetch(kit->cache, kit->loop, &waiting.fetch, 0);
		while (!kit_gets(kit, key, 0))
			sched_yield();
		purge(kit, scopes[i], key);
		while (!waiting.done)
			kit_turn(kit);
		assert_false(waiting.found);
		kit_settle(kit);
		assert_false(kit_fetches(kit, key, 0));
	}
}

/* Three variants of two sources, and a cache that has not looked for them yet. */
static void start_without_a_scan(struct kit *kit)
{
	put_and_settle(kit, kit_key(1, 1));
	put_and_settle(kit, kit_key(1, 2));
	put_and_settle(kit, kit_key(2, 3));
	kit_stop(kit);
	kit_start(kit);
}

/* Up to a file, which it has seen and not counted. */
static void begin_scan(struct kit *kit)
{
	kit->disk.at_scan.closed = true;
	assert_false(kit_fetches(kit, kit_key(3, 3), 0)); /* starts it */
	while (sem_trywait(&kit->disk.at_scan.reached) != 0) {
		kit->mono_ms++; /* it has steps before, and then no event comes */
		slv_loop_turn(kit->loop, false);
		sched_yield();
	}
}

static void end_scan(struct kit *kit, unsigned left)
{
	gate_open(&kit->disk.at_scan);
	kit_until_disk_bytes(kit, 4096 * left);
	for (int more = 0; more < 50; more++) /* until the sweep has ended */
		assert_false(kit_fetches(kit, kit_key(3, 3), 0));
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, left);
}

static const unsigned left_by[] = { 2, 1, 0 };

static void a_scan_under_way_counts_nothing_that_was_purged(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SLV_COUNT(scopes); i++) {
		start_without_a_scan(kit);
		begin_scan(kit);
		kit->done = 0;
		purge(kit, scopes[i], kit_key(1, 1));
		while (!kit->done)
			kit_turn(kit);
		end_scan(kit, left_by[i]);
	}
}

static void nor_does_one_that_begins_within_a_purge(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SLV_COUNT(scopes); i++) {
		struct gate *gate = scopes[i] == SLV_CACHE_VARIANT ? &kit->disk.at_unlink
		                                                   : &kit->disk.at_rename;
		start_without_a_scan(kit);
		kit->done = 0;
		gate->closed = true;
		purge(kit, scopes[i], kit_key(1, 1));
		gate_wait(gate);
		begin_scan(kit);
		gate_open(gate);
		while (!kit->done)
			kit_turn(kit);
		end_scan(kit, left_by[i]);
	}
}

/* The disk still has it, but its purge has begun. */
static void while_a_purge_is_pending_the_disk_is_not_asked(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	put_and_settle(kit, key);
	kit->disk.at_unlink.closed = true;
	purge(kit, SLV_CACHE_VARIANT, key);
	gate_wait(&kit->disk.at_unlink);
	assert_true(kit_has_file(kit, key));
	assert_false(kit_gets(kit, key, 0));
	assert_false(kit_fetches(kit, key, 0));
	assert_false(kit_gets(kit, key, 0));

	/* What comes now is in memory, but must not be written to where the purge goes through. */
	uint64_t writes = kit->disk.writes;
	kit_put(kit, key, 500, 1);
	assert_true(kit_gets(kit, key, 1));
	gate_open(&kit->disk.at_unlink);
	kit_settle(kit);
	assert_int_equal(kit->disk.writes, writes);
	assert_int_equal(kit->done, 1);
	assert_true(kit_gets(kit, key, 1));
	assert_false(kit_has_file(kit, key));
}

static void of_two_puts_at_once_the_older_does_not_stay(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	kit->disk.at_rename.closed = true;
	kit_put(kit, key, 1000, 1);
	gate_wait(&kit->disk.at_rename);
	kit_put(kit, key, 1000, 2);
	kit_until_disk_bytes(kit, 4096); /* the second is there, then comes the first */
	gate_open(&kit->disk.at_rename);
	kit_settle(kit);
	kit_stop(kit);
	kit_start(kit);
	assert_false(kit_fetches(kit, key, 5));
}

static void a_purge_that_the_disk_refuses_holds_and_is_tried_again(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SLV_COUNT(scopes); i++) {
		struct slv_cache_key key = kit_key(1, i);
		kit->mono_ms += SLV_CACHE_TROUBLE_GAP_MS;
		put_and_settle(kit, key);
		kit->done = 0;
		kit->told = 0;
		kit->disk.unlink = kit->disk.rename = EIO;
		purge(kit, scopes[i], key);
		kit_settle(kit);
		assert_int_equal(kit->done, 0);
		assert_int_equal(kit->told, 1);
		assert_string_equal(kit->told_what, "a cache file cannot be removed");
		assert_true(kit_has_file(kit, key));
		assert_false(kit_gets(kit, key, 0));
		assert_false(kit_fetches(kit, key, 0));

		kit->disk.unlink = kit->disk.rename = 0;
		kit->mono_ms += SLV_CACHE_BACK_OFF_MS;
		while (!kit->done)
			kit_turn(kit);
		assert_false(kit_has_file(kit, key));
	}
	/* One that is still refused at the end ends with the cache. */
	put_and_settle(kit, kit_key(1, 1));
	kit->disk.unlink = EIO;
	purge(kit, SLV_CACHE_VARIANT, kit_key(1, 1));
	kit_settle(kit);
}

/* --- leaving --- */

static void a_disk_that_was_left_is_read_and_purged_but_not_written(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key before = kit_key(1, 1), after = kit_key(1, 2), again = kit_key(2, 1);
	put_and_settle(kit, before);
	put_and_settle(kit, again);
	slv_cache_leave_disk(kit->cache);
	put_and_settle(kit, after);
	assert_true(kit_gets(kit, after, 0));
	assert_false(kit_has_file(kit, after));
	assert_true(kit_fetches(kit, before, 0));
	purge(kit, SLV_CACHE_SOURCE, before);
	while (!kit->done)
		kit_turn(kit);
	kit_settle(kit);
	assert_false(kit_has_file(kit, before));
	assert_false(kit_gets(kit, after, 0));
	assert_true(kit_has_file(kit, again));
	assert_int_equal(errors(kit), 0);
}

static void what_is_being_written_when_it_is_left_does_not_stay(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	kit->disk.at_rename.closed = true;
	kit_put(kit, key, 1000, 0);
	gate_wait(&kit->disk.at_rename);
	slv_cache_leave_disk(kit->cache);
	gate_open(&kit->disk.at_rename);
	kit_settle(kit);
	assert_int_equal(count_files(kit), 0);
	assert_true(kit_gets(kit, key, 0));
	assert_int_equal(errors(kit), 0);
}

static void a_disk_that_was_left_is_not_swept(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < 20; i++)
		put_and_settle(kit, kit_key(i, 1));
	kit_stop(kit);
	kit->conf.memory_bytes_max = 0; /* else what it holds is spared */
	kit->conf.disk_bytes_max = 10 * 4096;
	kit_start(kit);
	slv_cache_leave_disk(kit->cache);
	assert_true(kit_fetches(kit, kit_key(1, 1), 0)); /* a sweep would begin with it */
	kit_settle(kit);
	for (unsigned i = 0; i < 50; i++) {
		kit->mono_ms++;
		slv_loop_turn(kit->loop, false);
		kit_settle(kit);
	}
	assert_int_equal(count_files(kit), 20);
}

/* --- bounds --- */

static void only_so_much_waits_to_be_written(void **state)
{
	struct kit *kit = *state;
	struct slv_hash_key hash_key = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9 };
	struct slv_cache_disk_conf conf = {
		.bytes_max = SLV_MIB(1024),
		.entry_bytes_max = SLV_MIB(64),
		.folder = slv_str_from(kit->folder),
		.disk = &kit->disk.disk,
	};
	struct slv_cache_key key = kit_key(1, 1);
	struct slv_cache_disk *disk = slv_cache_disk_new(&conf, hash_key);
	struct slv_cache_entry *small = slv_cache_entry_new(NULL, &key, 0, 10);
	for (int i = 0; i < 256; i++)
		assert_true(slv_cache_disk_wants(disk, small, 0));
	assert_false(slv_cache_disk_wants(disk, small, 0));
	slv_cache_disk_free(disk);

	/* 64 MiB in all, with the headers and in whole blocks. */
	disk = slv_cache_disk_new(&conf, hash_key);
	struct slv_cache_entry *half = slv_cache_entry_new(
			NULL, &key, 0, SLV_MIB(32) - SLV_CACHE_FILE_HEADER_BYTES);
	assert_true(slv_cache_disk_wants(disk, half, 0));
	assert_true(slv_cache_disk_wants(disk, half, 0));
	assert_false(slv_cache_disk_wants(disk, small, 0));
	slv_cache_disk_free(disk);

	/* An eighth of the tier is the most for one. */
	conf.bytes_max = 8 * SLV_MIB(32);
	disk = slv_cache_disk_new(&conf, hash_key);
	assert_true(slv_cache_disk_wants(disk, half, 0));
	slv_cache_disk_free(disk);
	conf.bytes_max--;
	disk = slv_cache_disk_new(&conf, hash_key);
	assert_false(slv_cache_disk_wants(disk, half, 0));
	slv_cache_disk_free(disk);
	slv_cache_entry_unref(small);
	slv_cache_entry_unref(half);
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(a_full_disk_stops_caching_not_serving),
		CACHE_TEST(after_an_error_of_writing_none_is_tried_for_a_while),
		CACHE_TEST(whatever_fails_in_writing_leaves_nothing),
		CACHE_TEST(a_disk_that_fills_on_the_way_leaves_nothing),
		CACHE_TEST(short_writes_are_carried_on),
		CACHE_TEST(an_error_of_reading_is_a_miss),
		CACHE_TEST(every_flipped_byte_and_torn_length_is_a_miss),
		CACHE_TEST(the_file_of_another_entry_is_a_miss),
		CACHE_TEST(a_link_is_not_followed),
		CACHE_TEST(a_folder_that_cannot_be_made_is_told),
		CACHE_TEST(the_scan_removes_what_a_crash_has_left),
		CACHE_TEST(a_use_is_remembered_over_a_restart),
		CACHE_TEST(the_folder_of_a_source_goes_with_its_last_variant),
		CACHE_TEST(a_put_under_way_does_not_outlive_a_purge),
		CACHE_TEST(a_fetch_under_way_does_not_outlive_a_purge),
		CACHE_TEST(a_fetch_that_has_ended_does_not_outlive_a_purge),
		CACHE_TEST(a_scan_under_way_counts_nothing_that_was_purged),
		CACHE_TEST(nor_does_one_that_begins_within_a_purge),
		CACHE_TEST(while_a_purge_is_pending_the_disk_is_not_asked),
		CACHE_TEST(of_two_puts_at_once_the_older_does_not_stay),
		CACHE_TEST(a_purge_that_the_disk_refuses_holds_and_is_tried_again),
		CACHE_TEST(a_disk_that_was_left_is_read_and_purged_but_not_written),
		CACHE_TEST(what_is_being_written_when_it_is_left_does_not_stay),
		CACHE_TEST(a_disk_that_was_left_is_not_swept),
		CACHE_TEST(only_so_much_waits_to_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
