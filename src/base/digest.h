/* digest.h - SHA-256 and HMAC-SHA-256 (OpenSSL's)
 *
 * The only digests that names and signatures of ours rest on. SHA-1 and MD5 are here because
 * contracts of others want them: links of thumbor's, checksums and ETags of S3's. Thread: any.
 */
#ifndef SLV_BASE_DIGEST_H
#define SLV_BASE_DIGEST_H

#include "base/str.h"

#include <stdint.h>

#define SLV_SHA256_BYTES 32
#define SLV_SHA1_BYTES 20
#define SLV_MD5_BYTES 16
#define SLV_DIGEST_BYTES_MAX SLV_SHA256_BYTES

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

/* --- piece by piece --- */

enum slv_digest_kind { SLV_DIGEST_MD5, SLV_DIGEST_SHA1, SLV_DIGEST_SHA256 };

/* A digest under way. It holds nothing that must be given back, and a copy of it goes on from
 * where the original was. */
struct slv_digest_stream {
	enum slv_digest_kind kind;
	uint64_t state[14]; /* OpenSSL's */
};

size_t slv_digest_bytes(enum slv_digest_kind kind);

void slv_digest_init(struct slv_digest_stream *stream, enum slv_digest_kind kind);
void slv_digest_add(struct slv_digest_stream *stream, slv_str bytes);

/* Write the digest, slv_digest_bytes() long. Only init may follow. */
void slv_digest_finish(struct slv_digest_stream *stream, uint8_t *ret_bytes);

#endif
