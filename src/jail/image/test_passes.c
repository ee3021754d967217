#include "jail/image/passes.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

#define WIDTH_MAX 70
#define PAIRS_MAX ((WIDTH_MAX / 2 / SLV_PASS_BLOCK + 1) * SLV_PASS_BLOCK)
#define COUNT_MAX 13
#define GUARD 0xa5

/* Numbers that are anything, but the same in each run. */
static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static void noise(void *at, size_t len)
{
	uint32_t state = 7;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)at)[i] = (uint8_t)next(&state);
}

/* Call `holds` with each way but the last, which is plain C and what the others are held against;
 * there may be no other. */
static void each_way(void (*holds)(const struct slv_passes *fast, const struct slv_passes *plain))
{
	unsigned last = 0;
	while (slv_passes_of(last + 1))
		last++;
	for (unsigned way = 0; way < last; way++)
		holds(slv_passes_of(way), slv_passes_of(last));
}

static void same_wide(const struct slv_passes *fast, const struct slv_passes *plain)
{
	for (uint32_t width = 1; width <= WIDTH_MAX; width++) {
		uint8_t *rows = test_malloc(2 * 3 * (size_t)width); /* no byte behind them */
		int16_t a[PAIRS_MAX * SLV_PASS_WIDE] = { 0 }, b[PAIRS_MAX * SLV_PASS_WIDE] = { 0 };
		noise(rows, 2 * 3 * (size_t)width);
		fast->widen(a, rows, rows + 3 * (size_t)width, width);
		plain->widen(b, rows, rows + 3 * (size_t)width, width);
		assert_memory_equal(a, b, sizeof(a));
		test_free(rows);
	}
}

static void same_tall(const struct slv_passes *fast, const struct slv_passes *plain)
{
	static int16_t wide[COUNT_MAX][PAIRS_MAX * SLV_PASS_WIDE];
	static int16_t a[PAIRS_MAX * SLV_PASS_TALL], b[PAIRS_MAX * SLV_PASS_TALL];
	const int16_t *rows[COUNT_MAX];
	struct slv_pass_weight weight[COUNT_MAX];
	noise(wide, sizeof(wide));
	noise(weight, sizeof(weight)); /* so large that sums are cut, too */
	for (uint32_t i = 0; i < COUNT_MAX; i++) {
		rows[i] = wide[i];
		for (uint32_t k = 0; k < SLV_COUNT(wide[i]); k++)
			wide[i][k] = wide[i][k] & 0xff;
	}
	for (uint32_t count = 1; count <= COUNT_MAX; count++)
		for (uint32_t end = SLV_PASS_BLOCK; end <= PAIRS_MAX; end += SLV_PASS_BLOCK) {
			memset(a, GUARD, sizeof(a));
			memset(b, GUARD, sizeof(b));
			fast->down(a, rows, weight, count, end - SLV_PASS_BLOCK, end);
			plain->down(b, rows, weight, count, end - SLV_PASS_BLOCK, end);
			assert_memory_equal(a, b, sizeof(a));
		}
}

static void same_pixels(const struct slv_passes *fast, const struct slv_passes *plain)
{
	static int16_t tall[PAIRS_MAX * SLV_PASS_TALL];
	static uint8_t a[SLV_PASS_ROWS][3 * WIDTH_MAX + 8], b[SLV_PASS_ROWS][3 * WIDTH_MAX + 8];
	struct slv_pass_weight weights[WIDTH_MAX * 5];
	uint32_t first[WIDTH_MAX], state = 3;
	uint8_t *a_rows[SLV_PASS_ROWS], *b_rows[SLV_PASS_ROWS];
	noise(tall, sizeof(tall));
	for (uint32_t i = 0; i < SLV_COUNT(weights); i++) {
		weights[i].first = (int16_t)(next(&state) % 8192 - 2048);
		weights[i].second = (int16_t)(next(&state) % 8192 - 2048);
	}
	for (uint32_t i = 0; i < WIDTH_MAX; i++)
		first[i] = next(&state) % (PAIRS_MAX - 5);
	for (uint32_t i = 0; i < SLV_PASS_ROWS; i++) {
		a_rows[i] = a[i];
		b_rows[i] = b[i];
	}
	for (uint32_t width = 1; width <= WIDTH_MAX; width++) {
		memset(a, GUARD, sizeof(a));
		memset(b, GUARD, sizeof(b));
		fast->across(a_rows, tall, first, weights, 5, width);
		plain->across(b_rows, tall, first, weights, 5, width);
		assert_memory_equal(a, b, sizeof(a));
		assert_int_equal(b[0][3 * width], GUARD);
	}
}

static void rows_become_wide_in_all_ways_alike(void **state)
{
	(void)state;
	each_way(same_wide);
}

static void wide_rows_go_down_in_all_ways_alike(void **state)
{
	(void)state;
	each_way(same_tall);
}

static void tall_rows_go_across_in_all_ways_alike(void **state)
{
	(void)state;
	each_way(same_pixels);
}

static void a_colour_lands_where_the_header_says(void **state)
{
	(void)state;
	const struct slv_passes *passes = slv_passes_of(0);
	const uint8_t above[] = { 1, 2, 3, 4, 5, 6 }, below[] = { 11, 12, 13, 14, 15, 16 };
	int16_t wide[SLV_PASS_BLOCK * SLV_PASS_WIDE] = { 0 };
	static const int16_t want[SLV_PASS_WIDE] = { 1, 11, 4, 14, 2, 12, 5, 15, 3, 13, 6, 16 };
	passes->widen(wide, above, below, 2);
	assert_memory_equal(wide, want, sizeof(want));

	/* A quarter of the row above and three of the one below; then the same of the pixels. */
	const int16_t *rows[] = { wide };
	struct slv_pass_weight weight = { 8192, 24576 };
	int16_t tall[SLV_PASS_BLOCK * SLV_PASS_TALL] = { 0 };
	passes->down(tall, rows, &weight, 1, 0, SLV_PASS_BLOCK);
	assert_int_equal(tall[0], 64 * (1 + 3 * 11) / 4);
	assert_int_equal(tall[1], 64 * (4 + 3 * 14) / 4);
	assert_int_equal(tall[4], 64 * (3 + 3 * 13) / 4);
	uint8_t rgb[SLV_PASS_ROWS][3], *at[SLV_PASS_ROWS];
	for (uint32_t i = 0; i < SLV_PASS_ROWS; i++)
		at[i] = rgb[i];
	const uint32_t first = 0;
	passes->across(at, tall, &first, &weight, 1, 1);
	for (int k = 0; k < 3; k++) {
		int left = above[k] + 3 * below[k], right = above[3 + k] + 3 * below[3 + k];
		assert_int_equal(rgb[0][k], (left + 3 * right + 8) / 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_wide_in_all_ways_alike),
		cmocka_unit_test(wide_rows_go_down_in_all_ways_alike),
		cmocka_unit_test(tall_rows_go_across_in_all_ways_alike),
		cmocka_unit_test(a_colour_lands_where_the_header_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
