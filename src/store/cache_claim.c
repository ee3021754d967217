#include "store/cache_claim.h"

#include "base/mem.h"

#include <stdatomic.h>

#define CLAIM_SLOTS 4096u /* a power of two */

struct claim_slot {
	_Atomic uint64_t voided;  /* moved by purges */
	_Atomic uint32_t pending; /* purges that have not cleaned the disk */
	_Atomic uint32_t renames; /* under way; of variants only */
};

struct slv_cache_claims {
	struct slv_hash_key hash_key;
	_Atomic uint32_t puts_begun;
	/* The latest put of each variant's slot: half a hash of the variant, then its number. */
	_Atomic uint64_t puts[CLAIM_SLOTS];
	struct claim_slot all;
	struct claim_slot source[CLAIM_SLOTS];
	struct claim_slot variant[CLAIM_SLOTS];
};

struct slv_cache_claims *slv_cache_claims_new(struct slv_hash_key hash_key)
{
	struct slv_cache_claims *claims = SLV_ALLOC(struct slv_cache_claims);
	claims->hash_key = hash_key;
	return claims;
}

void slv_cache_claims_free(struct slv_cache_claims *claims)
{
	slv_free(claims);
}

static uint64_t hash_of(const struct slv_cache_claims *claims, const struct slv_digest *digest)
{
	slv_str bytes = { (const char *)digest->bytes, sizeof(digest->bytes) };
	return slv_hash(claims->hash_key, bytes);
}

static uint32_t slot_of(const struct slv_cache_claims *claims, const struct slv_digest *digest)
{
	return (uint32_t)(hash_of(claims, digest) & (CLAIM_SLOTS - 1));
}

/* Counters only grow, so the sum is the same only if each of them is. */
static uint64_t token_of(struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	return claims->all.voided + claims->source[claim->source].voided +
	       claims->variant[claim->variant].voided;
}

struct slv_cache_claim slv_cache_claim_begin(
		struct slv_cache_claims *claims, const struct slv_cache_key *key)
{
	struct slv_cache_claim claim = {
		.source = slot_of(claims, &key->source),
		.variant = slot_of(claims, &key->variant),
	};
	claim.token = token_of(claims, &claim);
	return claim;
}

struct slv_cache_claim slv_cache_claim_begin_put(
		struct slv_cache_claims *claims, const struct slv_cache_key *key)
{
	struct slv_cache_claim claim = slv_cache_claim_begin(claims, key);
	uint64_t half = hash_of(claims, &key->variant) >> 32 << 32;
	claim.put = half | ++claims->puts_begun;
	claims->puts[claim.variant] = claim.put;
	return claim;
}

/* A put of the same variant began later. If the slot has passed to another variant meanwhile it is
 * not noticed, and the older of two writes at the same time may stay: it is not wrong. */
static bool is_overtaken(struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	uint64_t latest = claims->puts[claim->variant];
	return claim->put && latest != claim->put && latest >> 32 == claim->put >> 32;
}

bool slv_cache_claim_pending(struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	return claims->all.pending || claims->source[claim->source].pending ||
	       claims->variant[claim->variant].pending;
}

bool slv_cache_claim_holds(struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	return token_of(claims, claim) == claim->token && !is_overtaken(claims, claim);
}

/* A file whose claim is void is seen only between its rename and its removal. A reader who saw
 * it comes here later: then the rename is still under way, or it has ended and moved the
 * counter, which is therefore read second. */
bool slv_cache_claim_reads(struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	return !claims->variant[claim->variant].renames && slv_cache_claim_holds(claims, claim);
}

void slv_cache_claim_rename_begin(
		struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	claims->variant[claim->variant].renames++;
}

void slv_cache_claim_rename_end(
		struct slv_cache_claims *claims, const struct slv_cache_claim *claim, bool voided)
{
	struct claim_slot *slot = &claims->variant[claim->variant];
	if (voided)
		slot->voided++;
	slot->renames--;
}

static struct claim_slot *slot_in(struct slv_cache_claims *claims, enum slv_cache_scope scope,
		const struct slv_cache_key *key)
{
	switch (scope) {
	case SLV_CACHE_VARIANT:
		return &claims->variant[slot_of(claims, &key->variant)];
	case SLV_CACHE_SOURCE:
		return &claims->source[slot_of(claims, &key->source)];
	default:
		return &claims->all;
	}
}

/* First pending, then void: a claim begun between the two finds the purge pending. */
void slv_cache_purge_begin(struct slv_cache_claims *claims, enum slv_cache_scope scope,
		const struct slv_cache_key *key)
{
	struct claim_slot *slot = slot_in(claims, scope, key);
	slot->pending++;
	slot->voided++;
}

void slv_cache_purge_end(struct slv_cache_claims *claims, enum slv_cache_scope scope,
		const struct slv_cache_key *key)
{
	slot_in(claims, scope, key)->pending--;
}
