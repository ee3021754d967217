/* hash.h - SipHash-2-4, for tables whose keys a peer may choose
 *
 * Keyed with a secret, so that nobody can aim at one bucket. Not a digest:
 * for names that must never collide take SHA-256 (tls/digest.h).
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef SLV_BASE_HASH_H
#define SLV_BASE_HASH_H

#include "base/str.h"

#include <stdint.h>

struct slv_hash_key {
	uint64_t k0, k1;
};

uint64_t slv_hash(struct slv_hash_key key, slv_str bytes);

#endif
