/* cache_claim.h - what a purge takes away from those under way
 *
 * A put or fetch begins with a claim on its key. A purge voids the claims on what it forgets; a
 * put voids those of earlier puts of its key. Who ends looks whether its claim still holds, and
 * brings nothing in if not. The claims are counters in tables of fixed size: a purge now and
 * then voids a claim on something else, which costs a miss.
 *
 * The disk is cleaned later than the memory. Until it is, the purge is pending, and nothing of
 * what it forgets is read or written. That leaves the writer that looked at its claim just
 * before the purge and renames its file just after: it says so with _rename_begin, looks
 * once more behind the rename, and takes the file away again if the claim is void. A reader that
 * may have seen the file meanwhile notices by slv_cache_claim_reads().
 *
 * Thread: any. No locks; every access is sequentially consistent, and the arguments rest on
 * that.
 */
#ifndef SLV_STORE_CACHE_CLAIM_H
#define SLV_STORE_CACHE_CLAIM_H

#include "store/cache.h"

struct slv_cache_claims;

struct slv_cache_claims *slv_cache_claims_new(struct slv_hash_key hash_key);
void slv_cache_claims_free(struct slv_cache_claims *claims);

/* As of a fetch; as of a put, which voids those of earlier puts of the same key. */
struct slv_cache_claim slv_cache_claim_begin(
		struct slv_cache_claims *claims, const struct slv_cache_key *key);
struct slv_cache_claim slv_cache_claim_begin_put(
		struct slv_cache_claims *claims, const struct slv_cache_key *key);

/* A purge of it has not cleaned the disk yet. */
bool slv_cache_claim_pending(struct slv_cache_claims *claims, const struct slv_cache_claim *claim);

/* Nobody has voided it. */
bool slv_cache_claim_holds(struct slv_cache_claims *claims, const struct slv_cache_claim *claim);

/* What was read from the disk since the claim began may be believed. */
bool slv_cache_claim_reads(struct slv_cache_claims *claims, const struct slv_cache_claim *claim);

/* Around a rename that brings a file in. The end with `voided` set says that the file was taken
 * away again. */
void slv_cache_claim_rename_begin(
		struct slv_cache_claims *claims, const struct slv_cache_claim *claim);
void slv_cache_claim_rename_end(
		struct slv_cache_claims *claims, const struct slv_cache_claim *claim, bool voided);

enum slv_cache_scope { SLV_CACHE_VARIANT, SLV_CACHE_SOURCE, SLV_CACHE_ALL };

/* Void the claims within the scope, and let the purge be pending until its end. */
void slv_cache_purge_begin(struct slv_cache_claims *claims, enum slv_cache_scope scope,
		const struct slv_cache_key *key);
void slv_cache_purge_end(struct slv_cache_claims *claims, enum slv_cache_scope scope,
		const struct slv_cache_key *key);

#endif
