#include "base/testing.h"

#include "jail/image/hash.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

static const char base83[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,"
			     "-.:;=?@[]^_{|}~";

static uint32_t digits(const char *text, int count)
{
	uint32_t value = 0;
	for (int i = 0; i < count; i++) {
		const char *at = strchr(base83, text[i]);
		assert_non_null(at);
		value = value * 83 + (uint32_t)(at - base83);
	}
	return value;
}

static double linear(uint8_t value)
{
	double v = value / 255.0;
	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* One term by its definition: the mean of colour times the product of two cosines, doubled but for
 * the first. */
static double blur_term(const uint8_t *rgba, int w, int h, int i, int j, int channel)
{
	double sum = 0;
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			sum += cos(PI * i * x / w) * cos(PI * j * y / h) *
			       linear(rgba[(y * w + x) * 4 + channel]);
	return sum / (w * h) * (i || j ? 2 : 1);
}

/* Colours that vary in both directions; deterministic. */
static uint8_t *picture(int w, int h, bool alpha)
{
	uint8_t *rgba = malloc((size_t)w * (size_t)h * 4);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			uint8_t *at = rgba + (y * w + x) * 4;
			at[0] = (uint8_t)(x * 255 / w);
			at[1] = (uint8_t)((x * 3 + y * 7) & 255);
			at[2] = (uint8_t)(y * y * 255 / (h * h));
			at[3] = alpha && x * 3 < w ? (uint8_t)(y * 255 / h) : 255;
		}
	return rgba;
}

static void blurhash_holds_the_terms_of_the_cosine_transform(void **state)
{
	(void)state;
	const int w = 31, h = 23;
	uint8_t *rgba = picture(w, h, false);
	char text[SLV_HASH_TEXT_MAX];
	slv_hash_blur(rgba, w, h, text);
	assert_int_equal(strlen(text), 28); /* 1 + 1 + 4 + 2 * 11 */
	assert_int_equal(digits(text, 1), 3 + 2 * 9);
	double scale = (digits(text + 1, 1) + 1) / 166.0, most = 0;
	uint32_t mean = digits(text + 2, 4);
	for (int c = 0; c < 3; c++) {
		double got = linear((uint8_t)(mean >> (16 - 8 * c)));
		assert_true(fabs(got - blur_term(rgba, w, h, 0, 0, c)) < 0.005);
	}
	for (int n = 1; n < 12; n++) {
		uint32_t value = digits(text + 4 + 2 * n, 2);
		for (int c = 0; c < 3; c++) {
			double want = blur_term(rgba, w, h, n % 4, n / 4, c);
			double step = (c == 0    ? value / 361
					: c == 1 ? value / 19 % 19
						 : value % 19);
			double root = (step - 9) / 9, got = copysign(root * root, root) * scale;
			/* Half a step of square roots, at the larger of both ends. */
			double slack = scale * (1 / 9.0) * (fabs(root) + 1 / 18.0) + 1e-9;
			most = fmax(most, fabs(want));
			assert_true(fabs(got - want) <= slack);
		}
	}
	assert_true(fabs(scale - most) <= 1 / 166.0);
	free(rgba);
}

static void blurhash_of_one_colour_is_its_letters(void **state)
{
	(void)state;
	uint8_t rgba[4 * 6];
	for (int i = 0; i < 6; i++)
		memcpy(rgba + 4 * i, "\xff\x80\x00\xff", 4);
	char text[SLV_HASH_TEXT_MAX];
	slv_hash_blur(rgba, 3, 2, text);
	assert_int_equal(digits(text + 2, 4), 0xff8000);
	assert_int_equal(text[0], 'L');
}

/* Undo base64. */
static size_t unbase64(const char *text, uint8_t *bytes)
{
	static const char alphabet[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;
	uint32_t bits = 0, have = 0;
	assert_int_equal(strlen(text) % 4, 0);
	for (; *text && *text != '='; text++) {
		const char *at = strchr(alphabet, *text);
		assert_non_null(at);
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[len++] = (uint8_t)(bits >> have);
		}
	}
	return len;
}

/* Lightness, the two hues and alpha of one pixel, transparent ones in the mean colour. */
static void planes_of(const uint8_t *rgba, int count, double *planes)
{
	double mean[3] = { 0 }, weight = 0;
	for (int i = 0; i < count; i++) {
		for (int c = 0; c < 3; c++)
			mean[c] += rgba[4 * i + c] / 255.0 * rgba[4 * i + 3] / 255.0;
		weight += rgba[4 * i + 3] / 255.0;
	}
	for (int i = 0; i < count; i++) {
		double a = rgba[4 * i + 3] / 255.0, c[3];
		for (int k = 0; k < 3; k++)
			c[k] = mean[k] / weight * (1 - a) + a * rgba[4 * i + k] / 255.0;
		planes[i] = (c[0] + c[1] + c[2]) / 3;
		planes[count + i] = (c[0] + c[1]) / 2 - c[2];
		planes[2 * count + i] = c[0] - c[1];
		planes[3 * count + i] = a;
	}
}

static double thumb_term(const double *plane, int w, int h, int cx, int cy)
{
	double sum = 0;
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			sum += plane[y * w + x] * cos(PI / w * cx * (x + 0.5)) *
			       cos(PI / h * cy * (y + 0.5));
	return sum / (w * h);
}

/* Compare the terms of one channel with those by definition; advances `*nibble`. Returns the
 * largest. */
static double check_terms(const uint8_t *bytes, uint32_t *nibble, const double *plane, int w, int h,
		int nx, int ny)
{
	double most = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int cy = 0; cy < ny; cy++)
			for (int cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) {
				double want = thumb_term(plane, w, h, cx, cy);
				if (pass == 0) {
					most = fmax(most, fabs(want));
					continue;
				}
				int got = bytes[*nibble / 2] >> (*nibble % 2 * 4) & 15;
				double exact = 15 * (0.5 + 0.5 * want / most);
				assert_true(fabs(got - exact) <= 0.5 + 1e-9);
				++*nibble;
			}
	return most;
}

static void check_thumb(int w, int h, bool alpha)
{
	uint8_t *rgba = picture(w, h, alpha), bytes[40];
	double *planes = malloc(sizeof(double) * 4 * (size_t)(w * h));
	planes_of(rgba, w * h, planes);
	char text[SLV_HASH_TEXT_MAX];
	slv_hash_thumb(rgba, (uint32_t)w, (uint32_t)h, text);
	size_t len = unbase64(text, bytes);
	uint32_t head = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
	uint32_t more = bytes[3] | (uint32_t)bytes[4] << 8;
	int limit = alpha ? 5 : 7, longer = w > h ? w : h;
	int lx = (int)lround(fmax(1, (double)limit * w / longer));
	int ly = (int)lround(fmax(1, (double)limit * h / longer));
	uint32_t nibble = alpha ? 12 : 10;
	const double *l = planes, *p = planes + w * h, *q = p + w * h, *a = q + w * h;
	double l_most = check_terms(bytes, &nibble, l, w, h, lx < 3 ? 3 : lx, ly < 3 ? 3 : ly);
	double p_most = check_terms(bytes, &nibble, p, w, h, 3, 3);
	double q_most = check_terms(bytes, &nibble, q, w, h, 3, 3);
	assert_int_equal(head & 63, lround(63 * thumb_term(l, w, h, 0, 0)));
	assert_int_equal(head >> 6 & 63, lround(31.5 + 31.5 * thumb_term(p, w, h, 0, 0)));
	assert_int_equal(head >> 12 & 63, lround(31.5 + 31.5 * thumb_term(q, w, h, 0, 0)));
	assert_int_equal(head >> 18 & 31, lround(31 * l_most));
	assert_int_equal(head >> 23, alpha);
	assert_int_equal(more & 7, w > h ? ly : lx);
	assert_int_equal(more >> 3 & 63, lround(63 * p_most));
	assert_int_equal(more >> 9 & 63, lround(63 * q_most));
	assert_int_equal(more >> 15, w > h);
	if (alpha) {
		double a_most = check_terms(bytes, &nibble, a, w, h, 5, 5);
		assert_int_equal(bytes[5] & 15, lround(15 * thumb_term(a, w, h, 0, 0)));
		assert_int_equal(bytes[5] >> 4, lround(15 * a_most));
	}
	assert_int_equal(len, (nibble + 1) / 2);
	free(planes);
	free(rgba);
}

static void thumbhash_holds_the_terms_of_the_cosine_transform(void **state)
{
	(void)state;
	check_thumb(31, 23, false);
	check_thumb(23, 31, false);
	check_thumb(100, 100, false);
	check_thumb(100, 9, false);
	check_thumb(31, 23, true);
	check_thumb(9, 70, true);
}

static void the_smallest_and_the_transparent_are_no_trouble(void **state)
{
	(void)state;
	char text[SLV_HASH_TEXT_MAX];
	slv_hash_blur((const uint8_t *)"\0\0\0\0", 1, 1, text);
	assert_int_equal(strlen(text), 28);
	slv_hash_thumb((const uint8_t *)"\0\0\0\0", 1, 1, text);
	assert_true(strlen(text) > 0 && strlen(text) < SLV_HASH_TEXT_MAX);
	slv_hash_thumb((const uint8_t *)"\xff\xff\xff\xff", 1, 1, text);
	assert_true(strlen(text) > 0 && strlen(text) < SLV_HASH_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blurhash_holds_the_terms_of_the_cosine_transform),
		cmocka_unit_test(blurhash_of_one_colour_is_its_letters),
		cmocka_unit_test(thumbhash_holds_the_terms_of_the_cosine_transform),
		cmocka_unit_test(the_smallest_and_the_transparent_are_no_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
