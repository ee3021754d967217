/*
 * Sixteen bytes are a polynomial whose first bit has the highest power. Multiplied by x^d modulo
 * that of the checksum, they may be added to those that stand d bits behind, and the checksum stays
 * what it was. So four accumulators run over the bytes, 64 at a time; at the end they are
 * added to one, and its sixteen bytes go the plain way.
 *
 * The method: Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel, 2009.
 */
#include "service/object/crc64.h"

#include "base/attr.h"

#ifdef __x86_64__
#include <emmintrin.h>
#include <wmmintrin.h>
#endif

#define FOLD_BYTES 64

/* Half a byte at a time: for ends, and for machines without anything better. */
static uint64_t eat_plain(uint64_t state, const char *at, size_t len)
{
	static const uint64_t table[16] = { 0x0000000000000000, 0x78e0ff3b88be6f81,
		0xf1c1fe77117cdf02, 0x8921014c99c2b083, 0xd75adabd7a6e2d6f, 0xafba2586f2d042ee,
		0x269b24ca6b12f26d, 0x5e7bdbf1e3ac9dec, 0x9a6c9329ac4bc9b5, 0xe28c6c1224f5a634,
		0x6bad6d5ebd3716b7, 0x134d926535897936, 0x4d364994d625e4da, 0x35d6b6af5e9b8b5b,
		0xbcf7b7e3c7593bd8, 0xc41748d84fe75459 };
	for (size_t i = 0; i < len; i++) {
		state ^= (uint8_t)at[i];
		state = state >> 4 ^ table[state & 15];
		state = state >> 4 ^ table[state & 15];
	}
	return state;
}

uint64_t slv_object_crc64_plain(uint64_t crc, slv_str bytes)
{
	return ~eat_plain(~crc, bytes.at, bytes.len);
}

#ifdef __x86_64__

/* `x` times x^d, where `by` holds x^(d - 1) for its upper and x^(d + 63) for its lower half. */
__attribute__((target("pclmul"))) static inline __m128i shifted(__m128i x, __m128i by)
{
	return _mm_xor_si128(_mm_clmulepi64_si128(x, by, 0x00), _mm_clmulepi64_si128(x, by, 0x11));
}

/* `len` is a multiple of FOLD_BYTES and not 0. */
__attribute__((target("pclmul"))) static uint64_t eat_folding(
		uint64_t state, const char *at, size_t len)
{
	const __m128i by_512 = _mm_set_epi64x(0x62242240ace5045a, 0x0c32cdb31e18a84a);
	const __m128i by_128 = _mm_set_epi64x(0x21e9761e252621ac, (int64_t)0xeadc41fd2ba3d420);
	__m128i sum[4];
	for (size_t i = 0; i < 4; i++)
		sum[i] = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
	sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi64_si128((int64_t)state));
	for (size_t done = FOLD_BYTES; done < len; done += FOLD_BYTES) {
		for (size_t i = 0; i < 4; i++) {
			const void *next = at + done + 16 * i;
			sum[i] = _mm_xor_si128(shifted(sum[i], by_512),
					_mm_loadu_si128((const __m128i *)next));
		}
	}
	for (size_t i = 1; i < 4; i++)
		sum[i] = _mm_xor_si128(shifted(sum[i - 1], by_128), sum[i]);
	char last[16];
	_mm_storeu_si128((__m128i *)(void *)last, sum[3]);
	return eat_plain(0, last, sizeof(last));
}

uint64_t slv_object_crc64(uint64_t crc, slv_str bytes)
{
	size_t folded = bytes.len & ~(size_t)(FOLD_BYTES - 1);
	if (!folded || !__builtin_cpu_supports("pclmul"))
		return slv_object_crc64_plain(crc, bytes);
	crc = ~eat_folding(~crc, bytes.at, folded);
	return slv_object_crc64_plain(crc, slv_str_from_index(bytes, folded));
}

#else

uint64_t slv_object_crc64(uint64_t crc, slv_str bytes)
{
	return slv_object_crc64_plain(crc, bytes);
}

#endif
