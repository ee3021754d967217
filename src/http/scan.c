#include "http/scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define IN(c, low, high) ((c) >= (low) && (c) <= (high))
#define ALNUM(c) (IN(c, '0', '9') || IN(c, 'A', 'Z') || IN(c, 'a', 'z'))
#define SIGN(c)                                                                                    \
	((c) == '!' || IN(c, '#', '\'') || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' || \
			(c) == '^' || (c) == '`' || (c) == '|' || (c) == '~')
#define HEX(c) (IN(c, '0', '9') || IN(c, 'A', 'F') || IN(c, 'a', 'f'))

#define CLASS(c)                                                                                   \
	((ALNUM(c) || SIGN(c) || (c) == '_' ? SLV_SCAN_TOKEN : 0) |                                \
			(ALNUM(c) || SIGN(c) ? SLV_SCAN_NAME : 0) |                                \
			(IN(c, 0x21, 0x7e) && (c) != '#' ? SLV_SCAN_TARGET : 0) |                  \
			((c) == '\t' || (IN(c, 0x20, 0xff) && (c) != 0x7f) ? SLV_SCAN_VALUE : 0) | \
			(HEX(c) ? SLV_SCAN_HEX : 0))
#define CLASS4(c) CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define CLASS16(c) CLASS4(c), CLASS4((c) + 4), CLASS4((c) + 8), CLASS4((c) + 12)

const uint8_t slv_scan_table[256] = {
	CLASS16(0x00), CLASS16(0x10), CLASS16(0x20), CLASS16(0x30), /* ASCII */
	CLASS16(0x40), CLASS16(0x50), CLASS16(0x60), CLASS16(0x70), /* ASCII */
	CLASS16(0x80), CLASS16(0x90), CLASS16(0xa0), CLASS16(0xb0), /* obs-text */
	CLASS16(0xc0), CLASS16(0xd0), CLASS16(0xe0), CLASS16(0xf0), /* obs-text */
};

#ifdef __SSE2__

/* Comparisons of SSE2 are signed; this turns the order of unsigned bytes into theirs. */
static inline __m128i below(__m128i bytes, uint8_t bound)
{
	const __m128i flip = _mm_set1_epi8((char)0x80);
	return _mm_cmplt_epi8(_mm_xor_si128(bytes, flip), _mm_set1_epi8((char)(bound ^ 0x80)));
}

static inline __m128i between(__m128i bytes, uint8_t low, uint8_t high)
{
	return below(_mm_sub_epi8(bytes, _mm_set1_epi8((char)low)), (uint8_t)(high - low + 1));
}

/* Names are letters and '-', some have digits; the other signs are left to the table. */
size_t slv_scan_name(const char *bytes, size_t at, size_t end)
{
	for (; end - at >= 16; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
		__m128i good = between(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
		good = _mm_or_si128(good, _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
		good = _mm_or_si128(good, between(x, '0', '9'));
		int mask = _mm_movemask_epi8(good) ^ 0xffff;
		if (!mask)
			continue;
		at += (size_t)__builtin_ctz((unsigned)mask);
		if (!slv_scan_is(bytes[at], SLV_SCAN_NAME))
			return at;
		break;
	}
	return slv_scan_plain(bytes, at, end, SLV_SCAN_NAME);
}

size_t slv_scan_target(const char *bytes, size_t at, size_t end)
{
	for (; end - at >= 16; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
		/* As signed bytes 0x80 and up are below all others: one comparison does for both.
		 */
		__m128i bad = _mm_cmplt_epi8(x, _mm_set1_epi8(0x21));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8('#')));
		int mask = _mm_movemask_epi8(bad);
		if (mask)
			return at + (size_t)__builtin_ctz((unsigned)mask);
	}
	return slv_scan_plain(bytes, at, end, SLV_SCAN_TARGET);
}

size_t slv_scan_value(const char *bytes, size_t at, size_t end)
{
	for (; end - at >= 16; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
		__m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
		__m128i bad = _mm_andnot_si128(tab, below(x, 0x20));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
		int mask = _mm_movemask_epi8(bad);
		if (mask)
			return at + (size_t)__builtin_ctz((unsigned)mask);
	}
	return slv_scan_plain(bytes, at, end, SLV_SCAN_VALUE);
}

#else

size_t slv_scan_name(const char *bytes, size_t at, size_t end)
{
	return slv_scan_plain(bytes, at, end, SLV_SCAN_NAME);
}

size_t slv_scan_target(const char *bytes, size_t at, size_t end)
{
	return slv_scan_plain(bytes, at, end, SLV_SCAN_TARGET);
}

size_t slv_scan_value(const char *bytes, size_t at, size_t end)
{
	return slv_scan_plain(bytes, at, end, SLV_SCAN_VALUE);
}

#endif
