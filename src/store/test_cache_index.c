#include "store/cache_index.h"

#include "base/testing.h"

#include <string.h>

static const struct slv_hash_key hash_key = { 0xd6e8feb86659fd93, 0xa0761d6478bd642f };

static struct slv_cache_key key_of(uint32_t number)
{
	struct slv_cache_key key = { 0 };
	memcpy(key.variant.bytes, &number, sizeof(number));
	return key;
}

static uint32_t number_of(const struct slv_cache_key *key)
{
	uint32_t number;
	memcpy(&number, key->variant.bytes, sizeof(number));
	return number;
}

/* `count` entries of 100 bytes, the first used longest ago. */
static struct slv_cache_index *index_of(uint32_t count)
{
	struct slv_cache_index *index = slv_cache_index_new(hash_key);
	for (uint32_t i = 0; i < count; i++) {
		struct slv_cache_key key = key_of(i);
		assert_true(slv_cache_index_put(index, &key, 100, i));
	}
	return index;
}

static void sums_follow_what_is_put_and_removed(void **state)
{
	(void)state;
	struct slv_cache_index *index = index_of(10);
	struct slv_cache_key key = key_of(3), none = key_of(99);
	assert_int_equal(slv_cache_index_bytes(index), 1000);
	assert_true(slv_cache_index_put(index, &key, 50, 7));
	assert_int_equal(slv_cache_index_bytes(index), 950);
	assert_true(slv_cache_index_add(index, &key, 70, 8)); /* it is there */
	assert_int_equal(slv_cache_index_bytes(index), 950);
	slv_cache_index_remove(index, &key);
	slv_cache_index_remove(index, &none);
	assert_int_equal(slv_cache_index_bytes(index), 900);
	assert_int_equal(slv_cache_index_count(index), 9);
	slv_cache_index_clear(index);
	assert_int_equal(slv_cache_index_bytes(index), 0);
	assert_int_equal(slv_cache_index_count(index), 0);
	slv_cache_index_free(index);
}

static void the_cutoff_frees_enough_and_no_more(void **state)
{
	(void)state;
	struct slv_cache_index *index = index_of(50);
	assert_int_equal(slv_cache_index_cutoff(index, 1, 0), 0);
	assert_int_equal(slv_cache_index_cutoff(index, 100, 0), 0);
	assert_int_equal(slv_cache_index_cutoff(index, 101, 0), 1);
	assert_int_equal(slv_cache_index_cutoff(index, 1, 5), 4);
	assert_int_equal(slv_cache_index_cutoff(index, 1000000, 0), 49);
	assert_true(slv_cache_index_cutoff(index, 0, 0) < 0);
	slv_cache_index_free(index);
}

static void a_walk_takes_the_old_in_parts(void **state)
{
	(void)state;
	struct slv_cache_index *index = index_of(50);
	struct slv_cache_index_walk walk = { .cutoff_ms = 19 };
	struct slv_cache_key keys[8];
	size_t count, taken = 0;
	bool seen[50] = { false }, more = true;
	while (more) {
		more = slv_cache_index_take(index, &walk, keys, SLV_COUNT(keys), &count);
		assert_true(!more || count == SLV_COUNT(keys));
		for (size_t i = 0; i < count; i++) {
			assert_in_range(number_of(&keys[i]), 0, 19);
			assert_false(seen[number_of(&keys[i])]);
			seen[number_of(&keys[i])] = true;
		}
		taken += count;
	}
	assert_int_equal(taken, 20);
	assert_int_equal(slv_cache_index_count(index), 30);
	slv_cache_index_free(index);
}

static void a_walk_ends_at_its_goal(void **state)
{
	(void)state;
	struct slv_cache_index *index = index_of(50);
	struct slv_cache_index_walk walk = {
		.cutoff_ms = 100, .bytes_goal = 4700, .count_goal = 50
	};
	struct slv_cache_key keys[8];
	size_t count;
	assert_false(slv_cache_index_take(index, &walk, keys, SLV_COUNT(keys), &count));
	assert_int_equal(count, 3);
	assert_int_equal(slv_cache_index_bytes(index), 4700);
	slv_cache_index_free(index);
}

static bool is_even(void *arg, const struct slv_cache_key *key)
{
	(void)arg;
	return number_of(key) % 2 == 0;
}

static void who_is_spared_counts_as_used(void **state)
{
	(void)state;
	struct slv_cache_index *index = index_of(10);
	struct slv_cache_index_walk walk = { .cutoff_ms = 3, .spare = is_even, .spared_ms = 100 };
	struct slv_cache_key keys[8];
	size_t count;
	assert_false(slv_cache_index_take(index, &walk, keys, SLV_COUNT(keys), &count));
	assert_int_equal(count, 2); /* 1 and 3 */
	/* 4 to 9 are the older now, then 0 and 2. */
	assert_int_equal(slv_cache_index_cutoff(index, 600, 0), 9);
	assert_int_equal(slv_cache_index_cutoff(index, 601, 0), 100);
	slv_cache_index_free(index);
}

static void a_full_index_takes_no_more(void **state)
{
	(void)state;
	struct slv_cache_index *index = index_of(SLV_CACHE_INDEX_MAX);
	struct slv_cache_key key = key_of(SLV_CACHE_INDEX_MAX), known = key_of(1);
	assert_false(slv_cache_index_put(index, &key, 100, 0));
	assert_false(slv_cache_index_add(index, &key, 100, 0));
	assert_true(slv_cache_index_put(index, &known, 200, 0));
	assert_int_equal(slv_cache_index_count(index), SLV_CACHE_INDEX_MAX);
	assert_int_equal(slv_cache_index_bytes(index), 100 * (uint64_t)SLV_CACHE_INDEX_MAX + 100);
	slv_cache_index_remove(index, &known);
	assert_true(slv_cache_index_put(index, &key, 100, 0));
	slv_cache_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_follow_what_is_put_and_removed),
		cmocka_unit_test(the_cutoff_frees_enough_and_no_more),
		cmocka_unit_test(a_walk_takes_the_old_in_parts),
		cmocka_unit_test(a_walk_ends_at_its_goal),
		cmocka_unit_test(who_is_spared_counts_as_used),
		cmocka_unit_test(a_full_index_takes_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
