/* failures.h - what failed just now
 *
 * A picture that cannot be made fails for each who asks, and each failure may cost a jail's whole
 * time, or the jail. So its error is remembered for a while and told at once. By variant, where
 * making it failed, for what cannot be made in one way may be made in another, and what one asks
 * must not deny what others do; by the source's own key where the source failed.
 *
 * A failure is remembered for IMAGE_FAILURE_MS, or for as long as jails were at work on it, so that
 * what takes long to fail does not keep a jail busy all the time; but no longer than
 * IMAGE_FAILURE_MS_MAX, for sources change. At most IMAGE_FAILURES_MAX are; the one remembered
 * first goes first.
 *
 * A jail that dies may have been killed by somebody else, so one death is no proof: of
 * SLV_E_INTERNAL only the second is told, of an attempt that began in that time.
 *
 * Thread: one, the home loop.
 */
#ifndef SLV_SERVICE_IMAGE_FAILURES_H
#define SLV_SERVICE_IMAGE_FAILURES_H

#include "store/cache.h"

#define IMAGE_FAILURE_MS 5000u
#define IMAGE_FAILURE_MS_MAX 30000u
#define IMAGE_FAILURES_MAX 1024u
#define IMAGE_WHAT_BYTES 200

struct image_failure {
	struct slv_cache_key key;
	uint64_t until_ms;
	bool told; /* who asks is told; if not, it is only not renewed meanwhile */
	int32_t code;
	char what[IMAGE_WHAT_BYTES];
	struct slv_list link; /* private */
};

/* What was tried in vain. */
struct image_attempt {
	uint64_t begun_ms, ended_ms;
	uint64_t cost_ms; /* of that, with a jail at work; 0: none was */
};

struct image_failures;
struct image_failures *image_failures_new(struct slv_hash_key hash_key);
void image_failures_free(struct image_failures *failures);

/* Remember that `key` failed. `tell`: it lies in the picture, so who asks shall be told. Copies
 * `err.what`. */
void image_failures_add(struct image_failures *failures, const struct slv_cache_key *key,
		const struct image_attempt *attempt, slv_err err, bool tell);

/* NULL if nothing is remembered. Valid until the next call. */
const struct image_failure *image_failures_find(
		struct image_failures *failures, const struct slv_digest *variant, uint64_t now_ms);

/* It came right, or was purged; a source with all its variants; everything. */
void image_failures_forget(struct image_failures *failures, const struct slv_digest *variant);
void image_failures_forget_source(struct image_failures *failures, const struct slv_digest *source);
void image_failures_forget_all(struct image_failures *failures);

#endif
