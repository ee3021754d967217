#include "base/hash.h"

#include <string.h>

static uint64_t rotl(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t slv_hash(struct slv_hash_key key, slv_str bytes)
{
	uint64_t v[4] = {
		key.k0 ^ 0x736f6d6570736575u,
		key.k1 ^ 0x646f72616e646f6du,
		key.k0 ^ 0x6c7967656e657261u,
		key.k1 ^ 0x7465646279746573u,
	};
	size_t whole = bytes.len & ~(size_t)7;
	uint64_t word;
	for (size_t i = 0; i < whole; i += 8) {
		memcpy(&word, bytes.at + i, 8);
		sip_word(v, word);
	}
	word = 0;
	if (bytes.len > whole)
		memcpy(&word, bytes.at + whole, bytes.len - whole);
	sip_word(v, word | (uint64_t)bytes.len << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
