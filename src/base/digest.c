#include "base/digest.h"

#include "base/assert.h"
#include "base/mem.h"

#include <openssl/sha.h>

#include <string.h>

/* The one-shot EVP calls fetch their algorithm anew each time, which costs more
 * than hashing a URL does; SHA256_* do the same work without. OpenSSL 3 marks
 * them deprecated for applications that want to swap providers: we do not. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define BLOCK_BYTES 64

static void feed(SHA256_CTX *ctx, const slv_str *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		SHA256_Update(ctx, parts[i].at, parts[i].len);
}

struct slv_digest slv_sha256(const slv_str *parts, size_t count)
{
	SHA256_CTX ctx;
	struct slv_digest digest;
	SHA256_Init(&ctx);
	feed(&ctx, parts, count);
	SHA256_Final(digest.bytes, &ctx);
	return digest;
}

static void start_with_pad(SHA256_CTX *ctx, const uint8_t key[BLOCK_BYTES], uint8_t pad)
{
	uint8_t block[BLOCK_BYTES];
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		block[i] = key[i] ^ pad;
	SHA256_Init(ctx);
	SHA256_Update(ctx, block, BLOCK_BYTES);
	slv_wipe(block, sizeof(block));
}

struct slv_digest slv_hmac_sha256(slv_str key, const slv_str *parts, size_t count)
{
	uint8_t block[BLOCK_BYTES] = { 0 };
	if (key.len > BLOCK_BYTES) {
		struct slv_digest folded = slv_sha256(&key, 1);
		memcpy(block, folded.bytes, sizeof(folded.bytes));
	} else if (key.len) {
		memcpy(block, key.at, key.len);
	}

	SHA256_CTX ctx;
	struct slv_digest inner, outer;
	start_with_pad(&ctx, block, 0x36);
	feed(&ctx, parts, count);
	SHA256_Final(inner.bytes, &ctx);
	start_with_pad(&ctx, block, 0x5c);
	SHA256_Update(&ctx, inner.bytes, sizeof(inner.bytes));
	SHA256_Final(outer.bytes, &ctx);
	slv_wipe(block, sizeof(block));
	slv_wipe(&ctx, sizeof(ctx));
	return outer;
}

void slv_hmac_sha1(slv_str key, const slv_str *parts, size_t count, uint8_t ret_mac[SLV_SHA1_BYTES])
{
	uint8_t block[BLOCK_BYTES] = { 0 }, inner[SLV_SHA1_BYTES];
	SHA_CTX ctx;
	if (key.len > BLOCK_BYTES)
		SHA1((const uint8_t *)key.at, key.len, block);
	else if (key.len)
		memcpy(block, key.at, key.len);
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		block[i] ^= 0x36;
	SHA1_Init(&ctx);
	SHA1_Update(&ctx, block, BLOCK_BYTES);
	for (size_t i = 0; i < count; i++)
		SHA1_Update(&ctx, parts[i].at, parts[i].len);
	SHA1_Final(inner, &ctx);

	for (size_t i = 0; i < BLOCK_BYTES; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&ctx);
	SHA1_Update(&ctx, block, BLOCK_BYTES);
	SHA1_Update(&ctx, inner, sizeof(inner));
	SHA1_Final(ret_mac, &ctx);
	slv_wipe(block, sizeof(block));
	slv_wipe(&ctx, sizeof(ctx));
}
