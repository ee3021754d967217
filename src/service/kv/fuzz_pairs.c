/* fuzz_pairs.c - a bulk request from anybody
 *
 * What is taken has keys, values and metadata within their bounds, and says the same when it is
 * read once more. The first byte chooses whether it is pairs or keys alone.
 */
#include "base/assert.h"
#include "service/kv/bulk.h"

#define NOW_S 1000000
#define WORDS_BYTES_MAX SLV_KIB(16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct kv_pairs *pairs, const struct kv_pairs *again)
{
	slv_assert(kv_pairs_count(pairs) <= SLV_KV_BULK_PAIRS_MAX);
	slv_assert(kv_pairs_count(pairs) == kv_pairs_count(again));
	for (size_t i = 0; i < kv_pairs_count(pairs); i++) {
		const struct kv_pair *pair = kv_pairs_at(pairs, i);
		slv_str key = kv_pair_key(pairs, i), metadata = kv_pair_metadata(pairs, i);
		slv_assert(key.len && key.len <= SLV_KV_KEY_BYTES_MAX);
		slv_assert(!slv_str_eq(key, SLV_STR(".")) && !slv_str_eq(key, SLV_STR("..")));
		slv_assert(metadata.len <= SLV_KV_METADATA_BYTES_MAX);
		slv_assert(!pair->expires_s || pair->expires_s >= NOW_S + SLV_KV_TTL_S_MIN);
		slv_assert(slv_str_eq(key, kv_pair_key(again, i)));
		slv_assert(slv_str_eq(kv_pair_value(pairs, i), kv_pair_value(again, i)));
		slv_assert(slv_str_eq(metadata, kv_pair_metadata(again, i)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kv_pairs pairs, again;
	struct slv_arena arena;
	if (!size)
		return 0;
	slv_str text = { (const char *)data + 1, size - 1 };
	bool keys_only = data[0] & 1;
	slv_arena_init(&arena, WORDS_BYTES_MAX, WORDS_BYTES_MAX);
	kv_pairs_init(&pairs);
	kv_pairs_init(&again);
	slv_err err = kv_pairs_read(&pairs, &arena, text, keys_only, NOW_S);
	slv_err second = kv_pairs_read(&again, &arena, text, keys_only, NOW_S);
	slv_assert(err.code == second.code);
	if (!slv_failed(err))
		check(&pairs, &again);
	kv_pairs_done(&again);
	kv_pairs_done(&pairs);
	slv_arena_done(&arena);
	return 0;
}
