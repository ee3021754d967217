#include "jail/image/hash.h"

#include "base/assert.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define BLUR_X 4
#define BLUR_Y 3
#define PI 3.14159265358979323846

struct rgb {
	double channel[3];
};

/* IEC 61966-2-1 */
static double linear_of(uint8_t value)
{
	double v = value / 255.0;
	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static uint32_t srgb_of(double linear)
{
	double v = fmax(0, fmin(1, linear));
	v = v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
	return (uint32_t)(v * 255 + 0.5);
}

static char *put_base83(char *at, uint32_t value, int digits)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
				       "wxyz#$%*+,-.:;=?@[]^_{|}~";
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = alphabet[value % 83];
		value /= 83;
	}
	return at + digits;
}

static void blur_terms(const uint8_t *rgba, uint32_t width, uint32_t height,
		struct rgb terms[BLUR_Y][BLUR_X])
{
	double table[256], wave_x[BLUR_X][SLV_HASH_SIDE_MAX];
	for (int i = 0; i < 256; i++)
		table[i] = linear_of((uint8_t)i);
	for (int i = 0; i < BLUR_X; i++)
		for (uint32_t x = 0; x < width; x++)
			wave_x[i][x] = cos(PI * i * x / width);

	memset(terms, 0, sizeof(struct rgb) * BLUR_X * BLUR_Y);
	for (uint32_t y = 0; y < height; y++) {
		struct rgb row[BLUR_X] = { 0 };
		for (uint32_t x = 0; x < width; x++, rgba += 4)
			for (int term = 0; term < BLUR_X * 3; term++)
				row[term / 3].channel[term % 3] +=
						wave_x[term / 3][x] * table[rgba[term % 3]];
		for (int term = 0; term < BLUR_Y * BLUR_X * 3; term++) {
			int j = term / (BLUR_X * 3), i = term / 3 % BLUR_X, c = term % 3;
			terms[j][i].channel[c] += cos(PI * j * y / height) * row[i].channel[c];
		}
	}
	for (int term = 0; term < BLUR_Y * BLUR_X * 3; term++) {
		double scale = (term < 3 ? 1.0 : 2.0) / ((double)width * height);
		terms[term / (BLUR_X * 3)][term / 3 % BLUR_X].channel[term % 3] *= scale;
	}
}

/* -9…9 on a scale of square roots, as 0…18 */
static uint32_t quantise(double value)
{
	double root = copysign(sqrt(fabs(value)), value);
	return (uint32_t)fmax(0, fmin(18, floor(root * 9 + 9.5)));
}

void slv_hash_blur(const uint8_t *rgba, uint32_t width, uint32_t height,
		char ret_text[SLV_HASH_TEXT_MAX])
{
	slv_assert(width > 0 && width <= SLV_HASH_SIDE_MAX);
	slv_assert(height > 0 && height <= SLV_HASH_SIDE_MAX);
	struct rgb terms[BLUR_Y][BLUR_X];
	blur_terms(rgba, width, height, terms);

	double most = 0;
	for (int term = 3; term < BLUR_Y * BLUR_X * 3; term++)
		most = fmax(most, fabs(terms[term / (BLUR_X * 3)][term / 3 % BLUR_X]
								  .channel[term % 3]));
	uint32_t step = (uint32_t)fmax(0, fmin(82, floor(most * 166 - 0.5)));
	double scale = (step + 1) / 166.0;

	char *at = put_base83(ret_text, (BLUR_X - 1) + (BLUR_Y - 1) * 9, 1);
	at = put_base83(at, step, 1);
	const double *mean = terms[0][0].channel;
	at = put_base83(at, srgb_of(mean[0]) << 16 | srgb_of(mean[1]) << 8 | srgb_of(mean[2]), 4);
	for (int i = 1; i < BLUR_X * BLUR_Y; i++) {
		const double *c = terms[i / BLUR_X][i % BLUR_X].channel;
		at = put_base83(at,
				quantise(c[0] / scale) * 19 * 19 + quantise(c[1] / scale) * 19 +
						quantise(c[2] / scale),
				2);
	}
	*at = '\0';
}

/* One channel of a ThumbHash: its mean, its largest term, and the terms as 0…1. */
struct channel {
	double mean, scale, terms[32];
	uint32_t count;
};

struct planes {
	uint32_t width, height;
	double plane[4][SLV_HASH_SIDE_MAX * SLV_HASH_SIDE_MAX]; /* lightness, two hues, alpha */
};

static double transform(const struct planes *planes, int index, uint32_t cx, uint32_t cy)
{
	double sum = 0, wave[SLV_HASH_SIDE_MAX];
	const double *at = planes->plane[index];
	for (uint32_t x = 0; x < planes->width; x++)
		wave[x] = cos(PI / planes->width * cx * (x + 0.5));
	for (uint32_t y = 0; y < planes->height; y++) {
		double row = 0;
		for (uint32_t x = 0; x < planes->width; x++)
			row += *at++ * wave[x];
		sum += row * cos(PI / planes->height * cy * (y + 0.5));
	}
	return sum / planes->width / planes->height;
}

static struct channel thumb_channel(
		const struct planes *planes, int index, uint32_t nx, uint32_t ny)
{
	struct channel channel = { 0 };
	for (uint32_t cy = 0; cy < ny; cy++)
		for (uint32_t cx = 0; cx * ny < nx * (ny - cy); cx++) {
			double term = transform(planes, index, cx, cy);
			if (cx == 0 && cy == 0) {
				channel.mean = term;
				continue;
			}
			channel.terms[channel.count++] = term;
			channel.scale = fmax(channel.scale, fabs(term));
		}
	for (uint32_t i = 0; i < channel.count && channel.scale > 0; i++)
		channel.terms[i] = 0.5 + 0.5 / channel.scale * channel.terms[i];
	return channel;
}

/* Transparent pixels take the mean colour, so that they add no edges. */
static bool split_planes(const uint8_t *rgba, struct planes *planes)
{
	size_t count = (size_t)planes->width * planes->height;
	double mean[3] = { 0 }, weight = 0;
	for (size_t i = 0; i < count; i++) {
		double alpha = rgba[i * 4 + 3] / 255.0;
		for (int c = 0; c < 3; c++)
			mean[c] += alpha / 255 * rgba[i * 4 + (size_t)c];
		weight += alpha;
	}
	for (int c = 0; c < 3 && weight > 0; c++)
		mean[c] /= weight;
	for (size_t i = 0; i < count; i++) {
		double alpha = rgba[i * 4 + 3] / 255.0, c[3];
		for (int k = 0; k < 3; k++)
			c[k] = mean[k] * (1 - alpha) + alpha / 255 * rgba[i * 4 + (size_t)k];
		planes->plane[0][i] = (c[0] + c[1] + c[2]) / 3;
		planes->plane[1][i] = (c[0] + c[1]) / 2 - c[2];
		planes->plane[2][i] = c[0] - c[1];
		planes->plane[3][i] = alpha;
	}
	return weight < (double)count;
}

static uint32_t rounded(double value)
{
	return (uint32_t)lround(value);
}

struct nibbles {
	uint8_t bytes[32];
	uint32_t count; /* of half bytes */
};

static void put_terms(struct nibbles *out, const struct channel *channel)
{
	for (uint32_t i = 0; i < channel->count; i++, out->count++)
		out->bytes[out->count / 2] |=
				(uint8_t)(rounded(15 * channel->terms[i]) << (out->count % 2 * 4));
}

static void put_base64(const uint8_t *bytes, size_t len, char *text)
{
	static const char alphabet[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;
		group |= i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= i + 2 < len ? bytes[i + 2] : 0;
		*text++ = alphabet[group >> 18];
		*text++ = alphabet[group >> 12 & 63];
		*text++ = i + 1 < len ? alphabet[group >> 6 & 63] : '=';
		*text++ = i + 2 < len ? alphabet[group & 63] : '=';
	}
	*text = '\0';
}

static uint32_t share(uint32_t limit, uint32_t side, uint32_t longer)
{
	uint32_t terms = rounded((double)limit * side / longer);
	return terms < 1 ? 1 : terms;
}

void slv_hash_thumb(const uint8_t *rgba, uint32_t width, uint32_t height,
		char ret_text[SLV_HASH_TEXT_MAX])
{
	slv_assert(width > 0 && width <= SLV_HASH_SIDE_MAX);
	slv_assert(height > 0 && height <= SLV_HASH_SIDE_MAX);
	struct planes planes = { .width = width, .height = height };
	bool alpha = split_planes(rgba, &planes), wide = width > height;
	uint32_t limit = alpha ? 5 : 7, longer = wide ? width : height;
	uint32_t lx = share(limit, width, longer), ly = share(limit, height, longer);
	struct channel l = thumb_channel(&planes, 0, lx < 3 ? 3 : lx, ly < 3 ? 3 : ly);
	struct channel p = thumb_channel(&planes, 1, 3, 3);
	struct channel q = thumb_channel(&planes, 2, 3, 3);

	uint32_t head = rounded(63 * l.mean) | rounded(31.5 + 31.5 * p.mean) << 6 |
	                rounded(31.5 + 31.5 * q.mean) << 12 | rounded(31 * l.scale) << 18 |
	                (uint32_t)alpha << 23;
	uint32_t more = (wide ? ly : lx) | rounded(63 * p.scale) << 3 | rounded(63 * q.scale) << 9 |
	                (uint32_t)wide << 15;
	struct nibbles out = { .bytes = { (uint8_t)head, (uint8_t)(head >> 8),
					       (uint8_t)(head >> 16), (uint8_t)more,
					       (uint8_t)(more >> 8) },
		.count = 10 };
	struct channel a = { 0 };
	if (alpha) {
		a = thumb_channel(&planes, 3, 5, 5);
		out.bytes[5] = (uint8_t)(rounded(15 * a.mean) | rounded(15 * a.scale) << 4);
		out.count = 12;
	}
	put_terms(&out, &l);
	put_terms(&out, &p);
	put_terms(&out, &q);
	put_terms(&out, &a);
	put_base64(out.bytes, (out.count + 1) / 2, ret_text);
}
