#include "jail/image/scale.h"

#include "base/testing.h"

#include <math.h>
#include <string.h>

#define SIDE_MAX 300
#define ERROR_MAX 0.02 /* steps of 255, beside what rounding takes */

/* --- Lanczos 3 again: in doubles, position by position, with nothing shared --- */

static double kernel(double x)
{
	if (x == 0)
		return 1;
	if (fabs(x) >= 3)
		return 0;
	return 3 * sin(M_PI * x) * sin(M_PI * x / 3) / (M_PI * M_PI * x * x);
}

/* Result position `to` of one line of `count` values, `step` apart. */
static double line(const double *at, int count, int step, int to_count, int to)
{
	double ratio = (double)count / to_count, centre = (to + 0.5) * ratio - 0.5;
	double sum = 0, weight = 0;
	for (int i = (int)floor(centre - 3 * ratio); i <= (int)ceil(centre + 3 * ratio); i++) {
		double w = kernel((i - centre) / ratio);
		sum += w * at[step * (i < 0 ? 0 : i >= count ? count - 1 : i)];
		weight += w;
	}
	return sum / weight;
}

static double pixel_of(const uint8_t *rgb, const struct slv_scale *scale, int x, int y, int channel)
{
	static double column[SIDE_MAX], row[SIDE_MAX];
	int width = (int)scale->width, height = (int)scale->height;
	for (int i = 0; i < width; i++) {
		for (int k = 0; k < height; k++)
			column[k] = rgb[(size_t)k * scale->stride + 3 * (size_t)i +
					(size_t)channel];
		row[i] = line(column, height, 1, (int)scale->to_height, y);
	}
	double value = line(row, width, 1, (int)scale->to_width, x);
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* --- pictures --- */

static void noise(uint8_t *at, size_t len)
{
	uint32_t state = 1;
	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		at[i] = (uint8_t)(state >> 24);
	}
}

/* Scale, and hold some pixels (all, in small results) against the sum above. */
static void agrees_on(bool extreme, uint32_t width, uint32_t height, uint32_t to_width,
		uint32_t to_height, struct slv_rect rect)
{
	size_t stride = 3 * (size_t)width + 5;
	uint8_t *rgb = test_malloc(stride * height);
	uint8_t *out = test_malloc(3 * (size_t)rect.width * rect.height);
	noise(rgb, stride * height);
	for (size_t i = 0; extreme && i < stride * height; i++)
		rgb[i] = rgb[i] & 1 ? 255 : 0;
	struct slv_scale scale = { rgb, stride, width, height, to_width, to_height, rect };
	slv_scale_run(&scale, out, 3 * (size_t)rect.width);
	uint32_t step = rect.width * rect.height > 400 ? 37 : 1;
	for (uint32_t i = 0; i < rect.width * rect.height; i += step) {
		uint32_t x = i % rect.width, y = i / rect.width;
		for (int channel = 0; channel < 3; channel++) {
			double want = pixel_of(rgb, &scale, (int)(rect.left + x),
					(int)(rect.top + y), channel);
			if (fabs(want - out[3 * (size_t)i + (size_t)channel]) > 0.5 + ERROR_MAX)
				fail_msg("%u x %u to %u x %u: pixel %u, %u is %u, not %f", width,
						height, to_width, to_height, x, y,
						out[3 * (size_t)i + (size_t)channel], want);
		}
	}
	test_free(rgb);
	test_free(out);
}

static void agrees(uint32_t width, uint32_t height, uint32_t to_width, uint32_t to_height,
		struct slv_rect rect)
{
	agrees_on(false, width, height, to_width, to_height, rect);
}

static struct slv_rect all(uint32_t width, uint32_t height)
{
	return (struct slv_rect){ 0, 0, width, height };
}

/* --- tests --- */

static void each_pixel_is_the_weighted_sum_of_its_neighbours(void **state)
{
	(void)state;
	static const uint32_t sizes[][4] = { { 100, 80, 50, 40 }, { 100, 80, 100, 80 },
		{ 100, 80, 99, 79 }, { 100, 80, 26, 21 }, { 100, 80, 25, 20 }, { 97, 61, 33, 60 },
		{ 33, 20, 17, 5 }, { 16, 16, 15, 15 }, { 255, 7, 99, 2 }, { 7, 255, 2, 99 },
		{ 300, 300, 151, 149 } };
	for (size_t i = 0; i < SLV_COUNT(sizes); i++)
		agrees(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3],
				all(sizes[i][2], sizes[i][3]));
}

static void black_and_white_dots_are_as_exact(void **state)
{
	(void)state;
	agrees_on(true, 253, 253, 67, 67, all(67, 67));
	agrees_on(true, 100, 80, 26, 21, all(26, 21));
	agrees_on(true, 100, 80, 99, 79, all(99, 79));
}

static void the_smallest_pictures_scale(void **state)
{
	(void)state;
	for (uint32_t width = 1; width <= 9; width++)
		for (uint32_t to = (width + SLV_SCALE_RATIO_MAX - 1) / SLV_SCALE_RATIO_MAX;
				to <= width; to++)
			agrees(width, 10 - width, to, 10 - width, all(to, 10 - width));
}

static void a_part_is_the_same_as_in_the_whole(void **state)
{
	(void)state;
	agrees(120, 90, 60, 45, (struct slv_rect){ 0, 0, 1, 1 });
	agrees(120, 90, 60, 45, (struct slv_rect){ 59, 44, 1, 1 });
	agrees(120, 90, 60, 45, (struct slv_rect){ 13, 7, 30, 31 });
	agrees(120, 90, 37, 45, (struct slv_rect){ 0, 40, 37, 5 });
}

static void what_overshoots_is_cut_at_black_and_white(void **state)
{
	(void)state;
	/* Beside an edge between black and white Lanczos goes past both. */
	uint8_t rgb[40 * 3 * 4], out[20 * 3 * 4];
	for (size_t i = 0; i < sizeof(rgb); i++)
		rgb[i] = i / 3 % 40 < 20 ? 0 : 255;
	struct slv_scale scale = { rgb, 120, 40, 4, 20, 4, all(20, 4) };
	slv_scale_run(&scale, out, 60);
	for (size_t i = 0; i < sizeof(out); i++) {
		size_t x = i / 3 % 20;
		if (x < 9)
			assert_in_range(out[i], 0, 8);
		if (x > 10)
			assert_in_range(out[i], 247, 255);
	}
}

static void one_colour_stays_that(void **state)
{
	(void)state;
	static uint8_t rgb[64 * 64 * 3], out[64 * 64 * 3];
	for (int colour = 0; colour < 256; colour += 5) {
		memset(rgb, colour, sizeof(rgb));
		struct slv_scale scale = { rgb, 192, 64, 64, 23, 41, all(23, 41) };
		slv_scale_run(&scale, out, 69);
		for (size_t i = 0; i < (size_t)23 * 41 * 3; i++)
			assert_int_equal(out[i], colour);
	}
}

static void what_fits_is_smaller_but_not_by_far(void **state)
{
	(void)state;
	assert_true(slv_scale_fits(100, 100, 100, 100));
	assert_true(slv_scale_fits(100, 100, 25, 25));
	assert_true(slv_scale_fits(8, 8, 2, 2));
	assert_false(slv_scale_fits(9, 8, 2, 2));
	assert_false(slv_scale_fits(8, 9, 2, 2));
	assert_false(slv_scale_fits(7, 7, 1, 7));
	assert_false(slv_scale_fits(100, 100, 24, 25));
	assert_false(slv_scale_fits(100, 100, 25, 24));
	assert_false(slv_scale_fits(100, 100, 101, 100));
	assert_false(slv_scale_fits(100, 100, 100, 101));
	assert_false(slv_scale_fits(3, 3, 0, 3));
	assert_false(slv_scale_fits(3, 3, 3, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pixel_is_the_weighted_sum_of_its_neighbours),
		cmocka_unit_test(black_and_white_dots_are_as_exact),
		cmocka_unit_test(the_smallest_pictures_scale),
		cmocka_unit_test(a_part_is_the_same_as_in_the_whole),
		cmocka_unit_test(what_overshoots_is_cut_at_black_and_white),
		cmocka_unit_test(one_colour_stays_that),
		cmocka_unit_test(what_fits_is_smaller_but_not_by_far),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
