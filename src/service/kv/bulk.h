/* bulk.h - the pairs of a bulk request, taken apart
 *
 * Pair by pair: a tree of all of it would take several times its memory. No I/O; thread: any.
 */
#ifndef SLV_SERVICE_KV_BULK_H
#define SLV_SERVICE_KV_BULK_H

#include "base/arena.h"
#include "base/buf.h"
#include "service/kv/kv.h"

struct kv_pair {
	size_t key_at, value_at, metadata_at; /* in the texts */
	size_t key_len, value_len, metadata_len;
	int64_t expires_s;
};

struct kv_pairs {
	struct slv_buf texts; /* of all pairs, decoded */
	struct slv_buf at;    /* struct kv_pair, one behind the other */
};

void kv_pairs_init(struct kv_pairs *pairs);
void kv_pairs_done(struct kv_pairs *pairs);

size_t kv_pairs_count(const struct kv_pairs *pairs);
const struct kv_pair *kv_pairs_at(const struct kv_pairs *pairs, size_t index);
slv_str kv_pair_key(const struct kv_pairs *pairs, size_t index);
slv_str kv_pair_value(const struct kv_pairs *pairs, size_t index);
slv_str kv_pair_metadata(const struct kv_pairs *pairs, size_t index);

/* [{"key", "value", "base64", "expiration", "expiration_ttl", "metadata"}, …], or with `keys_only`
 * ["key", …]. Errors name the pair, in `arena`; SLV_E_LIMIT past a bound. */
slv_err kv_pairs_read(struct kv_pairs *pairs, struct slv_arena *arena, slv_str text, bool keys_only,
		int64_t now_s);

#endif
