#include "jail/image/passes.h"

#include <stdbool.h>
#include <string.h>

#define ROWS SLV_PASS_ROWS
#define WIDE SLV_PASS_WIDE
#define TALL SLV_PASS_TALL
#define DOWN_SHIFT (SLV_PASS_WEIGHT - SLV_PASS_FRACTION)
#define DOWN_HALF (1 << (DOWN_SHIFT - 1))
#define ACROSS_SHIFT (SLV_PASS_WEIGHT + SLV_PASS_FRACTION)
#define ACROSS_HALF (1 << (ACROSS_SHIFT - 1))
#define LANES 8 /* of two pixels in one row: three colours and nothing of each */

/* --- any processor --- */

static void widen_from(int16_t *wide, const uint8_t *above, const uint8_t *below, uint32_t begin,
		uint32_t width)
{
	for (uint32_t x = begin; x < width; x++) {
		int16_t *to = wide + (size_t)x / 2 * WIDE + x % 2 * 2;
		for (uint32_t k = 0; k < 3; k++) {
			to[4 * k] = above[3 * (size_t)x + k];
			to[4 * k + 1] = below[3 * (size_t)x + k];
		}
	}
}

static void widen(int16_t *wide, const uint8_t *above, const uint8_t *below, uint32_t width)
{
	widen_from(wide, above, below, 0, width);
}

static int32_t bounded(int32_t value, int32_t least, int32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void down(int16_t *tall, const int16_t *const *wide, const struct slv_pass_weight *weight,
		uint32_t count, uint32_t begin, uint32_t end)
{
	for (uint32_t pair = begin; pair < end; pair++) {
		int32_t sum[LANES] = { 0 };
		for (uint32_t i = 0; i < count; i++) {
			const int16_t *from = wide[i] + (size_t)pair * WIDE;
			for (uint32_t k = 0; k < LANES; k++)
				sum[k] += from[2 * k] * weight[i].first +
				          from[2 * k + 1] * weight[i].second;
		}
		for (uint32_t k = 0; k < LANES; k++)
			tall[(size_t)pair * TALL + k] = (int16_t)bounded(
					(sum[k] + DOWN_HALF) >> DOWN_SHIFT, INT16_MIN, INT16_MAX);
	}
}

static void across(uint8_t *const *rgb, const int16_t *tall, const uint32_t *first,
		const struct slv_pass_weight *weights, uint32_t count, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, weights += count) {
		int32_t sum[TALL / 2] = { 0 };
		for (uint32_t i = 0; i < count; i++) {
			const int16_t *from = tall + (size_t)(first[x] + i) * TALL;
			for (uint32_t k = 0; k < TALL / 2; k++)
				sum[k] += from[2 * k] * weights[i].first +
				          from[2 * k + 1] * weights[i].second;
		}
		for (uint32_t k = 0; k < TALL / 2; k++)
			if (k % 4 < 3)
				rgb[k / 4][3 * (size_t)x + k % 4] = (uint8_t)bounded(
						(sum[k] + ACROSS_HALF) >> ACROSS_SHIFT, 0, 255);
	}
}

static const struct slv_passes plain = { widen, down, across };

#if defined(__x86_64__)

#include <immintrin.h>

/* --- SSE2, which all have --- */

static __m128i sse_add(__m128i sum, const int16_t *at, __m128i weight)
{
	__m128i value = _mm_loadu_si128((const __m128i *)(const void *)at);
	return _mm_add_epi32(sum, _mm_madd_epi16(value, weight));
}

static __m128i sse_spread(struct slv_pass_weight weight)
{
	int32_t both;
	memcpy(&both, &weight, sizeof(both));
	return _mm_set1_epi32(both);
}

static void sse_put_down(int16_t *tall, __m128i left, __m128i right)
{
	const __m128i half = _mm_set1_epi32(DOWN_HALF);
	left = _mm_srai_epi32(_mm_add_epi32(left, half), DOWN_SHIFT);
	right = _mm_srai_epi32(_mm_add_epi32(right, half), DOWN_SHIFT);
	_mm_storeu_si128((__m128i *)(void *)tall, _mm_packs_epi32(left, right));
}

static void sse_down(int16_t *tall, const int16_t *const *wide,
		const struct slv_pass_weight *weight, uint32_t count, uint32_t begin, uint32_t end)
{
	for (uint32_t pair = begin; pair < end; pair += 4) {
		__m128i a = _mm_setzero_si128(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
		for (uint32_t i = 0; i < count; i++) {
			const int16_t *from = wide[i] + (size_t)pair * WIDE;
			__m128i by = sse_spread(weight[i]);
			a = sse_add(a, from, by);
			b = sse_add(b, from + WIDE / 2, by);
			c = sse_add(c, from + WIDE, by);
			d = sse_add(d, from + 3 * WIDE / 2, by);
			e = sse_add(e, from + 2 * WIDE, by);
			f = sse_add(f, from + 5 * WIDE / 2, by);
			g = sse_add(g, from + 3 * WIDE, by);
			h = sse_add(h, from + 7 * WIDE / 2, by);
		}
		int16_t *to = tall + (size_t)pair * TALL;
		sse_put_down(to, a, b);
		sse_put_down(to + TALL, c, d);
		sse_put_down(to + 2 * TALL, e, f);
		sse_put_down(to + 3 * TALL, g, h);
	}
}

/* Three bytes for a row; a fourth is written too where another pixel comes over it. */
static void put_pixel(uint8_t *rgb, const uint8_t *pixel, bool last)
{
	if (last)
		memcpy(rgb, pixel, 3);
	else
		memcpy(rgb, pixel, 4);
}

static void sse_across(uint8_t *const *rgb, const int16_t *tall, const uint32_t *first,
		const struct slv_pass_weight *weights, uint32_t count, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, weights += count) {
		const int16_t *from = tall + (size_t)first[x] * TALL;
		__m128i sum[ROWS];
		for (uint32_t row = 0; row < ROWS; row++)
			sum[row] = _mm_set1_epi32(ACROSS_HALF);
		for (uint32_t i = 0; i < count; i++, from += TALL) {
			__m128i by = sse_spread(weights[i]);
			for (uint32_t row = 0; row < ROWS; row++)
				sum[row] = sse_add(sum[row], from + TALL / ROWS * row, by);
		}
		uint8_t pixel[ROWS][4];
		for (uint32_t row = 0; row < ROWS; row += 4) {
			for (uint32_t i = row; i < row + 4; i++)
				sum[i] = _mm_srai_epi32(sum[i], ACROSS_SHIFT);
			__m128i two = _mm_packs_epi32(sum[row], sum[row + 1]);
			__m128i four = _mm_packs_epi32(sum[row + 2], sum[row + 3]);
			_mm_storeu_si128(
					(__m128i *)(void *)pixel[row], _mm_packus_epi16(two, four));
		}
		for (uint32_t row = 0; row < ROWS; row++)
			put_pixel(rgb[row] + 3 * (size_t)x, pixel[row], x + 1 == width);
	}
}

static const struct slv_passes sse = { widen, sse_down, sse_across };

/* --- AVX2 --- */

#define AVX2 __attribute__((target("avx2")))

AVX2 static __m256i avx_spread(struct slv_pass_weight weight)
{
	int32_t both;
	memcpy(&both, &weight, sizeof(both));
	return _mm256_set1_epi32(both);
}

AVX2 static __m256i avx_add(__m256i sum, const int16_t *at, __m256i weight)
{
	__m256i value = _mm256_loadu_si256((const __m256i *)(const void *)at);
	return _mm256_add_epi32(sum, _mm256_madd_epi16(value, weight));
}

AVX2 static __m128i avx_pixels(const uint8_t *rgb)
{
	const __m128i order = _mm_setr_epi8(0, 3, 1, 4, 2, 5, -1, -1, 6, 9, 7, 10, 8, 11, -1, -1);
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)rgb);
	return _mm_shuffle_epi8(bytes, order);
}

/* Four pixels of both rows at a time, for which sixteen bytes are looked at. */
AVX2 static void avx_widen(
		int16_t *wide, const uint8_t *above, const uint8_t *below, uint32_t width)
{
	uint32_t x = 0;
	for (; 3 * (size_t)x + 16 <= 3 * (size_t)width; x += 4) {
		__m128i a = avx_pixels(above + 3 * (size_t)x);
		__m128i b = avx_pixels(below + 3 * (size_t)x);
		__m256i *to = (__m256i *)(void *)(wide + (size_t)x / 2 * WIDE);
		_mm256_storeu_si256(to, _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)));
		_mm256_storeu_si256(to + 1, _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b)));
	}
	widen_from(wide, above, below, x, width);
}

AVX2 static void avx_put_down(int16_t *tall, __m256i one, __m256i two)
{
	const __m256i half = _mm256_set1_epi32(DOWN_HALF);
	one = _mm256_srai_epi32(_mm256_add_epi32(one, half), DOWN_SHIFT);
	two = _mm256_srai_epi32(_mm256_add_epi32(two, half), DOWN_SHIFT);
	/* Packed, the halves of both lie between each other. */
	__m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(one, two), 0xd8);
	_mm_storeu_si128((__m128i *)(void *)tall, _mm256_castsi256_si128(both));
	_mm_storeu_si128((__m128i *)(void *)(tall + TALL), _mm256_extracti128_si256(both, 1));
}

AVX2 static void avx_down(int16_t *tall, const int16_t *const *wide,
		const struct slv_pass_weight *weight, uint32_t count, uint32_t begin, uint32_t end)
{
	for (uint32_t pair = begin; pair < end; pair += SLV_PASS_BLOCK) {
		__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
		for (uint32_t i = 0; i < count; i++) {
			const int16_t *from = wide[i] + (size_t)pair * WIDE;
			__m256i by = avx_spread(weight[i]);
			a = avx_add(a, from, by);
			b = avx_add(b, from + WIDE, by);
			c = avx_add(c, from + 2 * WIDE, by);
			d = avx_add(d, from + 3 * WIDE, by);
			e = avx_add(e, from + 4 * WIDE, by);
			f = avx_add(f, from + 5 * WIDE, by);
			g = avx_add(g, from + 6 * WIDE, by);
			h = avx_add(h, from + 7 * WIDE, by);
		}
		int16_t *to = tall + (size_t)pair * TALL;
		avx_put_down(to, a, b);
		avx_put_down(to + 2 * TALL, c, d);
		avx_put_down(to + 4 * TALL, e, f);
		avx_put_down(to + 6 * TALL, g, h);
	}
}

AVX2 static void avx_across(uint8_t *const *rgb, const int16_t *tall, const uint32_t *first,
		const struct slv_pass_weight *weights, uint32_t count, uint32_t width)
{
	static const uint8_t order[ROWS] = { 0, 2, 4, 6, 1, 3, 5, 7 }; /* as they are packed */
	for (uint32_t x = 0; x < width; x++, weights += count) {
		const int16_t *from = tall + (size_t)first[x] * TALL;
		__m256i a = _mm256_set1_epi32(ACROSS_HALF), b = a, c = a, d = a;
		for (uint32_t i = 0; i < count; i++, from += TALL) {
			__m256i by = avx_spread(weights[i]);
			a = avx_add(a, from, by);
			b = avx_add(b, from + TALL / 4, by);
			c = avx_add(c, from + TALL / 2, by);
			d = avx_add(d, from + 3 * TALL / 4, by);
		}
		a = _mm256_packs_epi32(_mm256_srai_epi32(a, ACROSS_SHIFT),
				_mm256_srai_epi32(b, ACROSS_SHIFT));
		c = _mm256_packs_epi32(_mm256_srai_epi32(c, ACROSS_SHIFT),
				_mm256_srai_epi32(d, ACROSS_SHIFT));
		uint8_t pixel[ROWS][4];
		_mm256_storeu_si256((__m256i *)(void *)pixel, _mm256_packus_epi16(a, c));
		for (uint32_t i = 0; i < ROWS; i++)
			put_pixel(rgb[order[i]] + 3 * (size_t)x, pixel[i], x + 1 == width);
	}
}

static const struct slv_passes avx = { avx_widen, avx_down, avx_across };

const struct slv_passes *slv_passes_of(unsigned way)
{
	switch (way) {
	case 0:
		return __builtin_cpu_supports("avx2") ? &avx : &sse;
	case 1:
		return &sse;
	case 2:
		return &plain;
	default:
		return NULL;
	}
}

#else

const struct slv_passes *slv_passes_of(unsigned way)
{
	return way == 0 ? &plain : NULL;
}

#endif
