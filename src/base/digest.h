/* digest.h - SHA-256 and HMAC-SHA-256 (OpenSSL's)
 *
 * The only digests that names and signatures of ours rest on. HMAC-SHA-1 is here because
 * links of others (thumbor's) are signed with it. Thread: any.
 */
#ifndef SLV_BASE_DIGEST_H
#define SLV_BASE_DIGEST_H

#include "base/str.h"

#include <stdint.h>

#define SLV_SHA256_BYTES 32
#define SLV_SHA1_BYTES 20

struct slv_digest {
	uint8_t bytes[SLV_SHA256_BYTES];
};

/* FIPS 180-4 over the parts, one behind the other. */
struct slv_digest slv_sha256(const slv_str *parts, size_t count);

/* RFC 2104 over the parts, one behind the other. `key` may be of any length. */
struct slv_digest slv_hmac_sha256(slv_str key, const slv_str *parts, size_t count);

/* RFC 2202, likewise. For signatures of others; none of ours may rest on it. */
void slv_hmac_sha1(
		slv_str key, const slv_str *parts, size_t count, uint8_t ret_mac[SLV_SHA1_BYTES]);

#endif
