#include "store/testing.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

static void what_was_put_is_got_and_fetched(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	assert_false(kit_gets(kit, key, 0));
	assert_false(kit_fetches(kit, key, 0));
	kit_put(kit, key, 100, 0);
	assert_true(kit_gets(kit, key, 0));
	kit_settle(kit);
	assert_true(kit_fetches(kit, key, 0));

	struct slv_cache_stats stats = slv_cache_stats(kit->cache);
	assert_int_equal(stats.memory_entries, 1);
	assert_int_equal(stats.disk_entries, 1);
	assert_int_equal(stats.disk_bytes, 4096);
	assert_int_equal(stats.hits_memory, 1);
	assert_int_equal(stats.hits_disk, 1);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.disk_errors, 0);
	assert_int_equal(kit->told, 0);
}

static void a_restart_serves_the_disk(void **state)
{
	struct kit *kit = *state;
	const size_t lens[] = { 0, 1, 16384, 16385, 65536, 300000 };
	for (uint32_t i = 0; i < SLV_COUNT(lens); i++)
		kit_put(kit, kit_key(i, 1), lens[i], 50);
	kit_settle(kit);
	uint64_t bytes = slv_cache_stats(kit->cache).disk_bytes;
	kit_stop(kit);
	kit_start(kit);

	for (uint32_t i = 0; i < SLV_COUNT(lens); i++) {
		assert_false(kit_gets(kit, kit_key(i, 1), 60));
		assert_true(kit_fetches(kit, kit_key(i, 1), 60));
		struct slv_cache_key key = kit_key(i, 1);
		struct slv_cache_hit *hit = slv_cache_get(kit->cache, &key, 60);
		assert_non_null(hit); /* it went to memory */
		assert_int_equal(hit->body.len, lens[i]);
		assert_int_equal(hit->stored_ms, 50);
		assert_int_equal(hit->body_fd >= 0, lens[i] > 16384);
		hit->hold.drop(&hit->hold);
	}
	kit_until_disk_bytes(kit, bytes);
	assert_int_equal(slv_cache_stats(kit->cache).hits_disk, SLV_COUNT(lens));
}

static void the_scan_learns_what_is_there(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < 1200; i++) { /* more than a step does */
		kit_put(kit, kit_key(i % 40, i), 10, 0);
		if (i % 100 == 99)
			kit_settle(kit);
	}
	kit_stop(kit);
	kit_start(kit);
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 0);
	assert_true(kit_fetches(kit, kit_key(39, 1199), 0)); /* before the scan has ended */
	kit_until_disk_bytes(kit, 1200 * 4096);
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 1200);
}

static void an_entry_is_found_until_it_is_too_stale(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	kit_put(kit, key, 10, 0); /* stale until 100 */
	kit_settle(kit);
	assert_true(kit_gets(kit, key, 100));
	assert_false(kit_gets(kit, key, 101));
	assert_true(kit_fetches(kit, key, 100));
	assert_true(kit_has_file(kit, key));
	assert_false(kit_fetches(kit, key, 101));
	assert_false(kit_has_file(kit, key));
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 0);
	assert_int_equal(slv_cache_stats(kit->cache).disk_errors, 0);
}

static void what_is_larger_than_the_bound_is_returned_and_not_kept(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	kit_put(kit, key, kit->conf.entry_bytes_max - 1, 0);
	assert_false(kit_gets(kit, key, 0)); /* an eighth of the memory, and its overhead */
	kit_settle(kit);
	assert_false(kit_fetches(kit, key, 0)); /* an eighth of the disk, and its header */
	kit_stop(kit);

	kit->conf.memory_bytes_max = kit->conf.disk_bytes_max = SLV_MIB(100);
	kit_start(kit);
	kit_put(kit, key, kit->conf.entry_bytes_max, 0);
	kit_settle(kit);
	assert_true(kit_gets(kit, key, 0));
	assert_true(kit_fetches(kit, key, 0));

	/* And what it would replace is over. */
	kit_put(kit, key, kit->conf.entry_bytes_max + 1, 0);
	kit_settle(kit);
	assert_false(kit_gets(kit, key, 0));
	assert_false(kit_fetches(kit, key, 0));
	assert_false(kit_has_file(kit, key));
}

/* What a put of so many bytes says. */
static bool says_kept(struct kit *kit, struct slv_cache_key key, size_t len)
{
	char *body = slv_alloc(len);
	struct slv_cache_hit *hit = slv_cache_put(kit->cache, kit->loop, &key, SLV_STR("h"),
			(slv_str){ body, len }, -1, 0, 1, 2);
	bool kept = hit->kept;
	assert_int_equal(hit->body.len, len);
	hit->hold.drop(&hit->hold);
	slv_free(body);
	kit_settle(kit);
	return kept;
}

static void what_is_put_in_memory_only_is_not_on_disk(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	struct slv_cache_hit *hit = slv_cache_put_memory(
			kit->cache, kit->loop, &key, SLV_STR("h"), SLV_STR("body"), -1, 0, 10, 100);
	assert_true(hit->kept);
	hit->hold.drop(&hit->hold);
	hit = slv_cache_get(kit->cache, &key, 50);
	assert_non_null(hit);
	hit->hold.drop(&hit->hold);
	kit_settle(kit);
	assert_int_equal(kit->disk.writes, 0);
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 0);

	kit_stop(kit);
	kit->conf.memory_bytes_max = 0;
	kit_start(kit);
	hit = slv_cache_put_memory(
			kit->cache, kit->loop, &key, SLV_STR("h"), SLV_STR("body"), -1, 0, 10, 100);
	assert_false(hit->kept);
	hit->hold.drop(&hit->hold);
}

static void a_put_tells_whether_it_was_kept(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	size_t len = kit->conf.entry_bytes_max;
	assert_true(says_kept(kit, key, 100));
	assert_false(says_kept(kit, key, len + 1));
	assert_false(says_kept(kit, key, len)); /* past an eighth of either tier */
	assert_false(kit_fetches(kit, key, 0));

	const struct {
		uint64_t memory, disk;
		bool kept;
	} cases[] = { { SLV_MIB(100), 0, true }, { 0, SLV_MIB(100), true }, { 0, 0, false } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		kit_stop(kit);
		kit->conf.memory_bytes_max = cases[i].memory;
		kit->conf.disk_bytes_max = cases[i].disk;
		kit_start(kit);
		assert_int_equal(says_kept(kit, key, len), cases[i].kept);
	}

	/* And one that was found in one of them. */
	kit_stop(kit);
	kit->conf.memory_bytes_max = kit->conf.disk_bytes_max = SLV_MIB(100);
	kit_start(kit);
	kit_put(kit, key, 100, 0);
	kit_settle(kit);
	kit_stop(kit);
	kit_start(kit);
	assert_true(kit_fetches(kit, key, 0));
	struct slv_cache_hit *hit = slv_cache_get(kit->cache, &key, 0);
	assert_non_null(hit);
	assert_true(hit->kept);
	hit->hold.drop(&hit->hold);
	hit = slv_cache_loose(SLV_STR("h"), SLV_STR("b"), -1, 0);
	assert_false(hit->kept);
	hit->hold.drop(&hit->hold);
}

static void a_head_past_its_bound_is_returned_and_not_kept(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	char *head = slv_alloc(SLV_CACHE_HEAD_BYTES_MAX + 1);
	for (size_t over = 0; over < 2; over++) {
		slv_str text = { head, SLV_CACHE_HEAD_BYTES_MAX + over };
		struct slv_cache_hit *hit = slv_cache_put(
				kit->cache, kit->loop, &key, text, SLV_STR("body"), -1, 0, 10, 100);
		assert_true(slv_str_eq(hit->head, text));
		hit->hold.drop(&hit->hold);
		kit_settle(kit);
		hit = slv_cache_get(kit->cache, &key, 0);
		assert_int_equal(hit != NULL, over == 0);
		if (hit)
			hit->hold.drop(&hit->hold);
		assert_int_equal(kit_has_file(kit, key), over == 0);
	}
	slv_free(head);
}

static void a_lowered_bound_holds_for_what_is_on_disk(void **state)
{
	struct kit *kit = *state;
	kit_put(kit, kit_key(1, 1), 5000, 0);
	kit_put(kit, kit_key(1, 2), 5001, 0);
	kit_stop(kit);
	kit->conf.entry_bytes_max = 5000;
	kit_start(kit);
	assert_true(kit_fetches(kit, kit_key(1, 1), 0));
	assert_false(kit_fetches(kit, kit_key(1, 2), 0));
	assert_false(kit_has_file(kit, kit_key(1, 2)));
}

static void what_is_put_again_is_the_newer(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	for (int64_t i = 1; i <= 3; i++) {
		kit_put(kit, key, 20000, i);
		kit_settle(kit);
	}
	kit_stop(kit);
	kit_start(kit);
	assert_true(kit_fetches(kit, key, 30));
	struct slv_cache_hit *hit = slv_cache_get(kit->cache, &key, 30);
	assert_int_equal(hit->stored_ms, 3);
	hit->hold.drop(&hit->hold);
}

static void the_disk_is_bounded_and_the_oldest_leave(void **state)
{
	struct kit *kit = *state;
	kit_stop(kit);
	kit->conf.memory_bytes_max = 0; /* else what it holds is spared */
	kit->conf.disk_bytes_max = 100 * 4096;
	kit_start(kit);
	for (uint32_t i = 0; i < 100; i++)
		kit_put(kit, kit_key(i % 7, i), 10, i);
	kit_until_disk_bytes(kit, 100 * 4096);
	assert_false(kit_fetches(kit, kit_key(9, 9), 99)); /* the first sweep has ended by now */
	kit_settle(kit);
	assert_int_equal(slv_cache_stats(kit->cache).evictions, 0);
	assert_true(kit_fetches(kit, kit_key(2, 2), 99)); /* used again */

	kit_put(kit, kit_key(8, 100), 10, 100);
	kit_until_evictions(kit, 6);
	kit_settle(kit);
	assert_int_equal(slv_cache_stats(kit->cache).evictions, 6);
	assert_int_equal(slv_cache_stats(kit->cache).disk_bytes, 95 * 4096);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(kit_has_file(kit, kit_key(i % 7, i)), i == 2 || i > 6);
	assert_true(kit_has_file(kit, kit_key(8, 100)));
}

static void what_memory_serves_is_spared_on_disk(void **state)
{
	struct kit *kit = *state;
	kit_stop(kit);
	kit->conf.disk_bytes_max = 100 * 4096;
	kit->conf.memory_bytes_max = 40000;
	kit_start(kit);
	kit_put(kit, kit_key(1, 0), 10, 0);
	for (uint32_t i = 1; i < 100; i++) {
		assert_true(kit_gets(kit, kit_key(1, 0), i));
		kit_put(kit, kit_key(1, i), 1000, i);
	}
	kit_until_disk_bytes(kit, 100 * 4096);
	kit_settle(kit);
	kit_put(kit, kit_key(1, 100), 1000, 100);
	while (slv_cache_stats(kit->cache).disk_entries != 95)
		kit_turn(kit);
	kit_settle(kit);
	assert_true(kit_has_file(kit, kit_key(1, 0)));
	for (uint32_t i = 1; i <= 6; i++)
		assert_false(kit_has_file(kit, kit_key(1, i)));
	assert_true(kit_has_file(kit, kit_key(1, 7)));
}

/* All that is on disk is in memory too. */
static void the_disk_is_bounded_even_if_memory_serves_all(void **state)
{
	struct kit *kit = *state;
	kit_stop(kit);
	kit->conf.disk_bytes_max = 100 * 4096;
	kit_start(kit);
	for (uint32_t i = 0; i < 101; i++)
		kit_put(kit, kit_key(1, i), 10, i);
	kit_until_evictions(kit, 6);
	kit_settle(kit);
	assert_int_equal(slv_cache_stats(kit->cache).disk_bytes, 95 * 4096);
	assert_int_equal(slv_cache_stats(kit->cache).memory_entries, 101);
}

static void a_purged_variant_is_gone_everywhere(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1), other = kit_key(1, 2);
	kit_put(kit, key, 10, 0);
	kit_put(kit, other, 10, 0);
	kit_settle(kit);
	slv_cache_purge_variant(kit->cache, kit->loop, &key, kit_on_done, kit);
	assert_int_equal(kit->done, 0);
	assert_false(kit_gets(kit, key, 0));
	assert_false(kit_fetches(kit, key, 0));
	kit_settle(kit);
	assert_int_equal(kit->done, 1);
	assert_false(kit_has_file(kit, key));
	assert_true(kit_gets(kit, other, 0));
	assert_true(kit_fetches(kit, other, 0));
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 1);

	kit_put(kit, key, 10, 0); /* and may come again */
	kit_settle(kit);
	assert_true(kit_fetches(kit, key, 0));
}

static void a_purged_source_is_gone_with_its_variants(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < 50; i++) {
		kit_put(kit, kit_key(1, i), 10, 0);
		kit_put(kit, kit_key(257, i), 10, 0); /* its neighbour: the same first byte */
	}
	kit_settle(kit);
	struct slv_digest source = kit_key(1, 0).source;
	slv_cache_purge_source(kit->cache, kit->loop, &source, kit_on_done, kit);
	for (uint32_t i = 0; i < 50; i++) {
		assert_false(kit_gets(kit, kit_key(1, i), 0));
		assert_false(kit_fetches(kit, kit_key(1, i), 0));
		assert_true(kit_gets(kit, kit_key(257, i), 0));
	}
	kit_settle(kit);
	assert_int_equal(kit->done, 1);
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 50);
	for (uint32_t i = 0; i < 50; i++) {
		assert_false(kit_has_file(kit, kit_key(1, i)));
		assert_true(kit_fetches(kit, kit_key(257, i), 0));
	}
}

/* The folders in the cache's, but for that of the entries. */
static unsigned count_gone(const struct kit *kit)
{
	char command[200];
	unsigned count = 99;
	snprintf(command, sizeof(command), "ls %s | grep -c gone-", kit->folder);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &count), 1);
	pclose(pipe);
	return count;
}

static void after_a_purge_of_all_nothing_is_left(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < 1500; i++) { /* more than a step removes */
		kit_put(kit, kit_key(i % 300, i), 10, 0);
		if (i % 100 == 99)
			kit_settle(kit);
	}
	assert_int_equal(slv_cache_stats(kit->cache).disk_entries, 1500);
	slv_cache_purge_all(kit->cache, kit->loop, kit_on_done, kit);
	assert_false(kit_gets(kit, kit_key(0, 0), 0));
	assert_false(kit_fetches(kit, kit_key(0, 0), 0));
	while (!kit->done)
		kit_turn(kit);
	struct slv_cache_stats stats = slv_cache_stats(kit->cache);
	assert_int_equal(stats.memory_entries, 0);
	assert_int_equal(stats.memory_bytes, 0);
	assert_int_equal(stats.disk_entries, 0);
	assert_int_equal(stats.disk_bytes, 0);
	for (uint32_t i = 0; i < 1500; i += 50)
		assert_false(kit_fetches(kit, kit_key(i % 300, i), 0));

	kit_put(kit, kit_key(1, 1), 10, 0);
	while (count_gone(kit) > 0)
		kit_turn(kit);
	kit_settle(kit);
	assert_true(kit_fetches(kit, kit_key(1, 1), 0));
	assert_int_equal(kit->told, 0);
}

static void without_a_disk_tier_fetches_miss_and_purges_end(void **state)
{
	struct kit *kit = *state;
	kit_stop(kit);
	kit->conf.disk_bytes_max = 0;
	kit_start(kit);
	struct slv_cache_key key = kit_key(1, 1);
	kit_put(kit, key, 10, 0);
	assert_true(kit_gets(kit, key, 0));
	assert_false(kit_fetches(kit, key, 0));
	slv_cache_purge_variant(kit->cache, kit->loop, &key, kit_on_done, kit);
	slv_cache_purge_source(kit->cache, kit->loop, &key.source, kit_on_done, kit);
	slv_cache_purge_all(kit->cache, kit->loop, kit_on_done, kit);
	kit_settle(kit);
	assert_int_equal(kit->done, 3);
	assert_false(kit_gets(kit, key, 0));
	assert_false(kit_has_file(kit, key));
}

static void a_hit_outlives_its_cache(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key keys[] = { kit_key(1, 1), kit_key(1, 2) };
	struct slv_cache_hit *hits[2];
	kit_put(kit, keys[0], 100, 0);
	kit_put(kit, keys[1], 100000, 0);
	for (size_t i = 0; i < 2; i++)
		hits[i] = slv_cache_get(kit->cache, &keys[i], 0);
	kit_stop(kit);
	for (size_t i = 0; i < 2; i++) {
		kit_is_body_of(hits[i], keys[i]);
		hits[i]->hold.drop(&hits[i]->hold);
	}
}

static void a_memfd_is_taken_over_without_a_copy(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	static char body[40000];
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	struct slv_cache_hit *hit = slv_cache_put(kit->cache, kit->loop, &key, SLV_STR("h"),
			(slv_str){ body, sizeof(body) }, fd, 0, 10, 100);
	assert_int_equal(hit->body_fd, fd);
	hit->hold.drop(&hit->hold);
	kit_settle(kit);
	hit = slv_cache_get(kit->cache, &key, 0);
	assert_int_equal(hit->body_fd, fd);
	hit->hold.drop(&hit->hold);
}

static void a_second_reference_is_dropped_like_the_first(void **state)
{
	struct kit *kit = *state;
	struct slv_cache_key key = kit_key(1, 1);
	kit_put(kit, key, 100000, 0);
	struct slv_cache_hit *hit = slv_cache_get(kit->cache, &key, 0);
	assert_ptr_equal(slv_cache_ref(hit), hit);
	kit_stop(kit);
	hit->hold.drop(&hit->hold);
	kit_is_body_of(hit, key); /* the other one keeps it */
	hit->hold.drop(&hit->hold);
}

static void a_loose_entry_is_of_no_cache(void **state)
{
	(void)state;
	static char body[40000];
	slv_str text = { body, sizeof(body) };
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
	const int fds[] = { -1, fd };
	for (size_t i = 0; i < 2; i++) {
		struct slv_cache_hit *hit = slv_cache_loose(SLV_STR("head"), text, fds[i], 7);
		assert_true(slv_str_eq(hit->head, SLV_STR("head")));
		assert_true(slv_str_eq(hit->body, text));
		assert_int_equal(hit->body_fd, fds[i]);
		assert_int_equal(hit->stored_ms, 7);
		assert_true(hit->fresh_until_ms <= 7 && hit->stale_until_ms <= 7);
		hit->hold.drop(&hit->hold);
	}
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void two_caches_share_a_folder(void **state)
{
	struct kit *kit = *state;
	struct slv_hash_key hash_key = { 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3 };
	struct slv_cache *old = kit->cache, *new = slv_cache_new(&kit->conf, hash_key);
	for (uint32_t i = 0; i < 60; i++) {
		kit->cache = i % 2 ? new : old;
		kit_put(kit, kit_key(i % 5, i), 2000, 0);
	}
	kit_settle(kit);
	for (uint32_t i = 0; i < 60; i++) {
		kit->cache = i % 2 ? old : new; /* the other one */
		assert_true(kit_fetches(kit, kit_key(i % 5, i), 0));
	}
	kit->cache = new;
	slv_cache_purge_all(new, kit->loop, NULL, NULL);
	kit_settle(kit);
	kit->cache = old;
	struct slv_cache_key again = kit_key(3, 77);
	kit_put(kit, again, 10, 0); /* into a folder that is no more */
	kit_settle(kit);
	kit->cache = new;
	assert_true(kit_fetches(kit, again, 0));
	kit_settle(kit);
	slv_cache_free(new);
	kit->cache = old;
}

static void the_folder_is_ours_alone(void **state)
{
	struct kit *kit = *state;
	char folder[100], command[300];
	kit_stop(kit);
	snprintf(folder, sizeof(folder), "%s/a/b/c", kit->folder);
	kit->conf.folder = slv_str_from(folder);
	kit_start(kit);
	kit_put(kit, kit_key(1, 1), 10, 0);
	kit_settle(kit);
	struct stat st;
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);

	/* Everything below is for nobody else either. */
	snprintf(command, sizeof(command), "test -z \"$(find %s -perm /077)\"", folder);
	assert_int_equal(system(command), 0);
	kit_stop(kit);
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(what_was_put_is_got_and_fetched),
		CACHE_TEST(a_restart_serves_the_disk),
		CACHE_TEST(the_scan_learns_what_is_there),
		CACHE_TEST(an_entry_is_found_until_it_is_too_stale),
		CACHE_TEST(what_is_larger_than_the_bound_is_returned_and_not_kept),
		CACHE_TEST(what_is_put_in_memory_only_is_not_on_disk),
		CACHE_TEST(a_put_tells_whether_it_was_kept),
		CACHE_TEST(a_head_past_its_bound_is_returned_and_not_kept),
		CACHE_TEST(a_lowered_bound_holds_for_what_is_on_disk),
		CACHE_TEST(what_is_put_again_is_the_newer),
		CACHE_TEST(the_disk_is_bounded_and_the_oldest_leave),
		CACHE_TEST(what_memory_serves_is_spared_on_disk),
		CACHE_TEST(the_disk_is_bounded_even_if_memory_serves_all),
		CACHE_TEST(a_purged_variant_is_gone_everywhere),
		CACHE_TEST(a_purged_source_is_gone_with_its_variants),
		CACHE_TEST(after_a_purge_of_all_nothing_is_left),
		CACHE_TEST(without_a_disk_tier_fetches_miss_and_purges_end),
		CACHE_TEST(a_hit_outlives_its_cache),
		CACHE_TEST(a_memfd_is_taken_over_without_a_copy),
		CACHE_TEST(a_second_reference_is_dropped_like_the_first),
		CACHE_TEST(a_loose_entry_is_of_no_cache),
		CACHE_TEST(two_caches_share_a_folder),
		CACHE_TEST(the_folder_is_ours_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
