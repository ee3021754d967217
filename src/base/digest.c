#include "base/digest.h"

#include "base/assert.h"
#include "base/mem.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include <string.h>

/* The one-shot EVP calls fetch their algorithm anew each time, which costs more
 * than hashing a URL does; SHA256_* do the same work without, and a stream of them
 * is plain memory. OpenSSL 3 marks them deprecated for applications that want to
 * swap providers: we do not. */
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

/* --- piece by piece --- */

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct slv_digest_stream *)0)->state), "room");
_Static_assert(sizeof(SHA_CTX) <= sizeof(((struct slv_digest_stream *)0)->state), "room");
_Static_assert(sizeof(MD5_CTX) <= sizeof(((struct slv_digest_stream *)0)->state), "room");

size_t slv_digest_bytes(enum slv_digest_kind kind)
{
	switch (kind) {
	case SLV_DIGEST_MD5:
		return SLV_MD5_BYTES;
	case SLV_DIGEST_SHA1:
		return SLV_SHA1_BYTES;
	default:
		return SLV_SHA256_BYTES;
	}
}

void slv_digest_init(struct slv_digest_stream *stream, enum slv_digest_kind kind)
{
	stream->kind = kind;
	switch (kind) {
	case SLV_DIGEST_MD5:
		MD5_Init((MD5_CTX *)stream->state);
		return;
	case SLV_DIGEST_SHA1:
		SHA1_Init((SHA_CTX *)stream->state);
		return;
	case SLV_DIGEST_SHA256:
		SHA256_Init((SHA256_CTX *)stream->state);
		return;
	}
	slv_assert(!"a kind of digest");
}

void slv_digest_add(struct slv_digest_stream *stream, slv_str bytes)
{
	switch (stream->kind) {
	case SLV_DIGEST_MD5:
		MD5_Update((MD5_CTX *)stream->state, bytes.at, bytes.len);
		return;
	case SLV_DIGEST_SHA1:
		SHA1_Update((SHA_CTX *)stream->state, bytes.at, bytes.len);
		return;
	case SLV_DIGEST_SHA256:
		SHA256_Update((SHA256_CTX *)stream->state, bytes.at, bytes.len);
		return;
	}
}

void slv_digest_finish(struct slv_digest_stream *stream, uint8_t *ret_bytes)
{
	switch (stream->kind) {
	case SLV_DIGEST_MD5:
		MD5_Final(ret_bytes, (MD5_CTX *)stream->state);
		return;
	case SLV_DIGEST_SHA1:
		SHA1_Final(ret_bytes, (SHA_CTX *)stream->state);
		return;
	case SLV_DIGEST_SHA256:
		SHA256_Final(ret_bytes, (SHA256_CTX *)stream->state);
		return;
	}
}
