#include "store/cache_mem.h"

#include "base/testing.h"

#include <string.h>

#define BODY_BYTES 1000u

static const struct slv_hash_key hash_key = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9 };

static struct slv_cache_key key_of(uint32_t source, uint32_t variant)
{
	struct slv_cache_key key = { 0 };
	memcpy(key.source.bytes, &source, sizeof(source));
	memcpy(key.variant.bytes, &source, sizeof(source));
	memcpy(key.variant.bytes + sizeof(source), &variant, sizeof(variant));
	return key;
}

static struct slv_cache_entry *entry_of(struct slv_cache_key key, size_t body_len)
{
	struct slv_cache_entry *entry = slv_cache_entry_new(NULL, &key, 0, body_len);
	static const char zeroes[4096];
	for (size_t left = body_len; left;) {
		size_t len = left < sizeof(zeroes) ? left : sizeof(zeroes);
		slv_cache_entry_append(entry, (slv_str){ zeroes, len });
		left -= len;
	}
	slv_cache_entry_seal(entry);
	entry->hit.stale_until_ms = 1000;
	return entry;
}

static void put(struct slv_cache_mem *mem, struct slv_cache_key key, size_t body_len)
{
	struct slv_cache_entry *entry = entry_of(key, body_len);
	slv_cache_mem_put(mem, entry);
	slv_cache_entry_unref(entry);
}

static bool has(struct slv_cache_mem *mem, struct slv_cache_key key)
{
	struct slv_cache_entry *entry = slv_cache_mem_get(mem, &key, 0);
	if (entry)
		slv_cache_entry_unref(entry);
	return entry != NULL;
}

/* What one entry with such a body costs. */
static uint64_t cost_of(size_t body_len)
{
	struct slv_cache_entry *entry = entry_of(key_of(0, 0), body_len);
	uint64_t cost = entry->cost;
	slv_cache_entry_unref(entry);
	return cost;
}

/* 400 pictures fill the memory and are asked for twice; then a crawler brings in 4,000 that nobody
 * asks for again, while one in ten of its steps somebody asks for one of ours. */
static void a_scan_of_ten_times_the_memory_leaves_the_hot_set(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(500 * cost_of(BODY_BYTES), hash_key);
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 400; i++)
			if (!has(mem, key_of(1, i)))
				put(mem, key_of(1, i), BODY_BYTES);

	unsigned asked = 0, found = 0;
	for (uint32_t i = 0; i < 5000; i++) {
		put(mem, key_of(2, i), BODY_BYTES);
		if (i % 10)
			continue;
		asked++;
		found += has(mem, key_of(1, (i / 10) % 400));
	}
	assert_int_equal(asked, 500);
	assert_in_range(found, 490, 500);

	unsigned left = 0;
	for (uint32_t i = 0; i < 400; i++)
		left += has(mem, key_of(1, i));
	assert_in_range(left, 390, 400);
	slv_cache_mem_free(mem);
}

static void what_left_the_small_queue_comes_back_into_the_main_one(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(100 * cost_of(BODY_BYTES), hash_key);
	for (uint32_t i = 0; i < 101; i++)
		put(mem, key_of(1, i), BODY_BYTES);
	assert_false(has(mem, key_of(1, 0)));

	put(mem, key_of(1, 0), BODY_BYTES); /* known to the ghost */
	for (uint32_t i = 0; i < 300; i++)
		put(mem, key_of(2, i), BODY_BYTES);
	assert_true(has(mem, key_of(1, 0)));
	assert_false(has(mem, key_of(1, 50)));
	slv_cache_mem_free(mem);
}

static void the_bound_is_exact_to_the_byte(void **state)
{
	(void)state;
	uint64_t cost = cost_of(BODY_BYTES);
	struct slv_cache_mem *mem = slv_cache_mem_new(20 * cost, hash_key);
	for (uint32_t i = 0; i < 20; i++)
		put(mem, key_of(1, i), BODY_BYTES);
	struct slv_cache_mem_stats stats = slv_cache_mem_stats(mem);
	assert_int_equal(stats.bytes, 20 * cost);
	assert_int_equal(stats.entries, 20);
	assert_int_equal(stats.evictions, 0);
	slv_cache_mem_free(mem);

	mem = slv_cache_mem_new(20 * cost - 1, hash_key);
	for (uint32_t i = 0; i < 20; i++)
		put(mem, key_of(1, i), BODY_BYTES);
	stats = slv_cache_mem_stats(mem);
	assert_int_equal(stats.bytes, 19 * cost);
	assert_int_equal(stats.entries, 19);
	assert_int_equal(stats.evictions, 1);
	slv_cache_mem_free(mem);
}

static void an_entry_of_an_eighth_is_kept_and_one_byte_more_is_not(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(8 * cost_of(5000), hash_key);
	put(mem, key_of(1, 0), 5000);
	assert_true(has(mem, key_of(1, 0)));
	put(mem, key_of(1, 0), 5001); /* and takes away what it replaces */
	assert_false(has(mem, key_of(1, 0)));
	assert_int_equal(slv_cache_mem_stats(mem).bytes, 0);
	slv_cache_mem_free(mem);
}

static void an_entry_is_found_until_it_is_too_stale(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(100000, hash_key);
	struct slv_cache_key key = key_of(1, 1);
	put(mem, key, 10); /* stale until 1000 */
	struct slv_cache_entry *entry = slv_cache_mem_get(mem, &key, 1000);
	assert_non_null(entry);
	slv_cache_entry_unref(entry);
	assert_null(slv_cache_mem_get(mem, &key, 1001));
	slv_cache_mem_free(mem);
}

static void the_same_variant_of_another_source_is_another_entry(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(100000, hash_key);
	struct slv_cache_key key = key_of(1, 1), other = key;
	other.source.bytes[31] ^= 1;
	put(mem, key, 10);
	assert_false(has(mem, other));
	put(mem, other, 10);
	assert_int_equal(slv_cache_mem_stats(mem).entries, 2);
	slv_cache_mem_remove(mem, &other);
	assert_true(has(mem, key));
	slv_cache_mem_free(mem);
}

static void a_held_entry_outlives_eviction_purge_and_cache(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(10 * cost_of(BODY_BYTES), hash_key);
	struct slv_cache_key keys[] = { key_of(1, 0), key_of(1, 1), key_of(1, 2), key_of(1, 3) };
	struct slv_cache_entry *held[SLV_COUNT(keys)];
	for (size_t i = 0; i < SLV_COUNT(keys); i++) {
		put(mem, keys[i], BODY_BYTES);
		held[i] = slv_cache_mem_get(mem, &keys[i], 0);
		assert_non_null(held[i]);
	}
	slv_cache_mem_remove(mem, &keys[0]);
	for (uint32_t i = 0; i < 100; i++) {
		put(mem, key_of(2, i), BODY_BYTES);
		has(mem, key_of(2, i));
	}
	assert_false(slv_cache_mem_holds(mem, &keys[1]));
	put(mem, keys[2], 10);
	slv_cache_mem_free(mem);

	for (size_t i = 0; i < SLV_COUNT(keys); i++) {
		assert_int_equal(held[i]->hit.body.len, BODY_BYTES);
		for (size_t at = 0; at < BODY_BYTES; at++)
			assert_int_equal(held[i]->hit.body.at[at], 0);
		held[i]->hit.hold.drop(&held[i]->hit.hold);
	}
}

/* More variants than are removed under one lock. */
static void a_source_goes_with_all_its_variants(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(SLV_MIB(4), hash_key);
	for (uint32_t i = 0; i < 600; i++) {
		put(mem, key_of(1, i), 10);
		put(mem, key_of(2, i), 10);
	}
	struct slv_digest source = key_of(1, 0).source;
	slv_cache_mem_remove_source(mem, &source);
	for (uint32_t i = 0; i < 600; i++) {
		assert_false(has(mem, key_of(1, i)));
		assert_true(has(mem, key_of(2, i)));
	}
	assert_int_equal(slv_cache_mem_stats(mem).entries, 600);
	slv_cache_mem_free(mem);
}

static void all_go_at_once_and_new_ones_come_in(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(SLV_MIB(4), hash_key);
	for (uint32_t i = 0; i < 100; i++) {
		put(mem, key_of(1, i), 10);
		has(mem, key_of(1, i));
	}
	struct slv_list gone;
	slv_list_init(&gone);
	slv_cache_mem_remove_all(mem, &gone);
	put(mem, key_of(1, 7), 10);
	assert_true(has(mem, key_of(1, 7)));
	assert_false(has(mem, key_of(1, 8)));
	assert_int_equal(slv_cache_mem_stats(mem).entries, 1);

	slv_cache_mem_drop(&gone);
	assert_true(has(mem, key_of(1, 7)));
	slv_cache_mem_free(mem);
}

static void what_comes_from_disk_replaces_nothing_newer(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(100000, hash_key);
	struct slv_cache_claims *claims = slv_cache_claims_new(hash_key);
	struct slv_cache_key key = key_of(1, 1);
	struct slv_cache_claim claim = slv_cache_claim_begin(claims, &key);

	struct slv_cache_entry *old = entry_of(key, 10), *new = entry_of(key, 20);
	old->hit.stored_ms = 5;
	new->hit.stored_ms = 6;
	assert_ptr_equal(slv_cache_mem_add(mem, new, claims, &claim), new);
	assert_ptr_equal(slv_cache_mem_add(mem, old, claims, &claim), new);
	struct slv_cache_entry *found = slv_cache_mem_get(mem, &key, 0);
	assert_ptr_equal(found, new);

	for (int i = 0; i < 3; i++) /* of the look-up and of the two calls */
		slv_cache_entry_unref(new);
	slv_cache_claims_free(claims);
	slv_cache_mem_free(mem);
}

static void what_comes_from_disk_after_a_purge_is_not_kept(void **state)
{
	(void)state;
	struct slv_cache_mem *mem = slv_cache_mem_new(100000, hash_key);
	struct slv_cache_claims *claims = slv_cache_claims_new(hash_key);
	struct slv_cache_key key = key_of(1, 1);
	enum slv_cache_scope scopes[] = { SLV_CACHE_VARIANT, SLV_CACHE_SOURCE, SLV_CACHE_ALL };

	for (size_t i = 0; i < SLV_COUNT(scopes); i++) {
		struct slv_cache_entry *entry = entry_of(key, 10);
		struct slv_cache_claim claim = slv_cache_claim_begin(claims, &key);
		slv_cache_purge_begin(claims, scopes[i], &key);
		assert_ptr_equal(slv_cache_mem_add(mem, entry, claims, &claim), entry);
		assert_false(has(mem, key));
		assert_true(slv_cache_claim_pending(claims, &claim));
		slv_cache_purge_end(claims, scopes[i], &key);
		assert_false(slv_cache_claim_pending(claims, &claim));

		/* A claim begun now is good. */
		claim = slv_cache_claim_begin(claims, &key);
		assert_ptr_equal(slv_cache_mem_add(mem, entry, claims, &claim), entry);
		assert_true(has(mem, key));
		slv_cache_mem_remove(mem, &key);
		slv_cache_entry_unref(entry);
	}
	slv_cache_claims_free(claims);
	slv_cache_mem_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_of_ten_times_the_memory_leaves_the_hot_set),
		cmocka_unit_test(what_left_the_small_queue_comes_back_into_the_main_one),
		cmocka_unit_test(the_bound_is_exact_to_the_byte),
		cmocka_unit_test(an_entry_of_an_eighth_is_kept_and_one_byte_more_is_not),
		cmocka_unit_test(an_entry_is_found_until_it_is_too_stale),
		cmocka_unit_test(the_same_variant_of_another_source_is_another_entry),
		cmocka_unit_test(a_held_entry_outlives_eviction_purge_and_cache),
		cmocka_unit_test(a_source_goes_with_all_its_variants),
		cmocka_unit_test(all_go_at_once_and_new_ones_come_in),
		cmocka_unit_test(what_comes_from_disk_replaces_nothing_newer),
		cmocka_unit_test(what_comes_from_disk_after_a_purge_is_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
