#include "jail/image/scale.h"

#include "base/assert.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

#define LOBES 3
#define PI 3.14159265358979323846
#define ROWS 4    /* result rows that go across together */
#define BLOCK 16  /* pixels that are widened together; a multiple of DOWN */
#define DOWN 8    /* pixels that go down together */
#define STRIP 128 /* pixels that go down for all ROWS in turn, from the nearest cache */
#define ALIGN 64

/* Compiled with and without AVX2; which one runs is chosen when the program is loaded, before
 * sanitizers are ready for it. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&                \
		!defined(__SANITIZE_THREAD__)
#define WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define WIDE
#endif

/* A pixel is four floats, of which the last does not count: what every processor adds at once.
 * Wider ones gcc 12 takes apart badly where the processor lacks them. */
typedef float pixel __attribute__((vector_size(16), may_alias));
typedef int32_t numbers __attribute__((vector_size(16)));

/* Which source positions a result position is made of, and how much of each. */
struct weights {
	uint32_t count;  /* for each */
	uint32_t *first; /* of a result position: the first of them */
	float *at;       /* `count` for each result position */
};

/* --- weights --- */

static double lanczos(double x)
{
	double angle = PI * fabs(x);
	if (angle < 1e-9)
		return 1;
	if (angle >= PI * LOBES)
		return 0;
	double third = sin(angle / LOBES);
	double whole = third * (3 - 4 * third * third); /* sin(angle), as LOBES is 3 */
	return LOBES * whole * third / (angle * angle);
}

/* The weights of one result position; what reaches past an edge counts for the edge. */
static uint32_t weigh(double centre, double ratio, uint32_t from, uint32_t count, float *at)
{
	double reach = LOBES * ratio, sum = 0;
	int64_t begin = (int64_t)floor(centre - reach) + 1, last = (int64_t)from - count;
	int64_t first = begin < 0 ? 0 : begin > last ? last : begin;
	for (int64_t i = begin; (double)i < centre + reach; i++) {
		int64_t edge = i < 0 ? 0 : i >= from ? from - 1 : i;
		double weight = lanczos(((double)i - centre) / ratio);
		at[edge - first] += (float)weight;
		sum += weight;
	}
	for (uint32_t i = 0; i < count; i++)
		at[i] = (float)(at[i] / sum);
	return (uint32_t)first;
}

/* For `wanted` of `to` result positions, from `begin` on. */
static void weights_init(struct weights *weights, uint32_t from, uint32_t to, uint32_t begin,
		uint32_t wanted)
{
	double ratio = (double)from / to;
	uint32_t count = (uint32_t)ceil(2 * LOBES * ratio);
	weights->count = count < from ? count : from;
	weights->first = slv_alloc(wanted * sizeof(*weights->first));
	weights->at = slv_alloc((size_t)wanted * weights->count * sizeof(*weights->at));
	for (uint32_t i = 0; i < wanted; i++)
		weights->first[i] = weigh((begin + i + 0.5) * ratio - 0.5, ratio, from,
				weights->count, weights->at + (size_t)i * weights->count);
}

static void weights_done(struct weights *weights)
{
	slv_free(weights->first);
	slv_free(weights->at);
}

/* --- the passes --- */

/* Loops of known length, for the compiler to make vectors of. */
WIDE static void widen(float *restrict to, const uint8_t *restrict from, uint32_t count)
{
	uint32_t i = 0;
	for (; i + BLOCK < count; i += BLOCK) { /* a byte behind the block is looked at */
		uint32_t part[BLOCK];
		uint8_t bytes[4 * BLOCK];
		for (uint32_t k = 0; k < BLOCK; k++)
			memcpy(&part[k], from + 3 * ((size_t)i + k), sizeof(part[k]));
		memcpy(bytes, part, sizeof(bytes));
		for (uint32_t k = 0; k < 4 * BLOCK; k++)
			to[4 * (size_t)i + k] = bytes[k];
	}
	for (; i < count; i++)
		for (uint32_t k = 0; k < 3; k++)
			to[4 * (size_t)i + k] = from[3 * (size_t)i + k];
}

/* A strip of one result row, of as many pixels of `count` source rows. Pixel i goes to i * ROWS. */
WIDE static void go_down(pixel *restrict to, const float *const *rows, const float *weight,
		uint32_t count, uint32_t strip, uint32_t width)
{
	for (uint32_t begin = strip; begin < width && begin < strip + STRIP; begin += DOWN) {
		pixel a = { 0 }, b = a, c = a, d = a, e = a, f = a, g = a, h = a;
		for (uint32_t i = 0; i < count; i++) {
			const pixel *from = (const pixel *)(rows[i] + 4 * (size_t)begin);
			a += weight[i] * from[0];
			b += weight[i] * from[1];
			c += weight[i] * from[2];
			d += weight[i] * from[3];
			e += weight[i] * from[4];
			f += weight[i] * from[5];
			g += weight[i] * from[6];
			h += weight[i] * from[7];
		}
		pixel *at = to + (size_t)ROWS * begin;
		at[0] = a;
		at[ROWS] = b;
		at[2 * ROWS] = c;
		at[3 * ROWS] = d;
		at[4 * ROWS] = e;
		at[5 * ROWS] = f;
		at[6 * ROWS] = g;
		at[7 * ROWS] = h;
	}
}

static void store(uint8_t *rgb, pixel sum)
{
	numbers value = __builtin_convertvector(sum + 0.5f, numbers);
	value &= ~(value < 0);
	value = (value & ~(value > 255)) | ((value > 255) & 255);
	rgb[0] = (uint8_t)value[0];
	rgb[1] = (uint8_t)value[1];
	rgb[2] = (uint8_t)value[2];
}

/* ROWS result rows from what go_down() left. */
WIDE static void go_across(uint8_t *const *rows, const pixel *restrict from,
		const struct weights *weights, uint32_t width)
{
	uint32_t count = weights->count;
	for (uint32_t x = 0; x < width; x++) {
		const float *weight = weights->at + (size_t)x * count;
		const pixel *at = from + (size_t)ROWS * weights->first[x];
		pixel a = { 0 }, b = a, c = a, d = a;
		for (uint32_t i = 0; i < count; i++, at += ROWS) {
			a += weight[i] * at[0];
			b += weight[i] * at[1];
			c += weight[i] * at[2];
			d += weight[i] * at[3];
		}
		store(rows[0] + 3 * (size_t)x, a);
		store(rows[1] + 3 * (size_t)x, b);
		store(rows[2] + 3 * (size_t)x, c);
		store(rows[3] + 3 * (size_t)x, d);
	}
}

/* --- all of it --- */

struct run {
	const struct slv_scale *scale;
	struct weights down, across;
	size_t stride; /* floats from one kept row to the next */
	float *ring;   /* source rows, wide: as many as ROWS result rows need */
	uint32_t ring_rows;
	const float **at; /* the rows that a result row is made of */
	pixel *tall;      /* ROWS result rows, not yet across */
	void *memory[2];
	uint32_t have; /* source rows that are wide, or were and are not needed */
};

static void *aligned(size_t bytes, void **ret_memory)
{
	*ret_memory = slv_alloc(bytes + ALIGN);
	uintptr_t at = (uintptr_t)*ret_memory;
	return (char *)*ret_memory + (ALIGN - at % ALIGN) % ALIGN;
}

static void take_rows(struct run *run, uint32_t first, uint32_t end)
{
	const struct slv_scale *scale = run->scale;
	if (run->have < first)
		run->have = first;
	for (; run->have < end; run->have++)
		widen(run->ring + run->have % run->ring_rows * run->stride,
				scale->rgb + run->have * scale->stride, scale->width);
}

/* Rows y to y + rows - 1 of the result, not yet across. */
static void make_rows(struct run *run, uint32_t y, uint32_t rows)
{
	uint32_t count = run->down.count, width = run->scale->width;
	const uint32_t *first = run->down.first + y;
	take_rows(run, first[0], first[rows - 1] + count);
	for (uint32_t strip = 0; strip < width; strip += STRIP)
		for (uint32_t lane = 0; lane < rows; lane++) {
			for (uint32_t i = 0; i < count; i++)
				run->at[i] = run->ring +
				             (first[lane] + i) % run->ring_rows * run->stride;
			go_down(run->tall + lane, run->at,
					run->down.at + (size_t)(y + lane) * count, count, strip,
					width);
		}
}

static uint32_t rows_at_once(const struct weights *down, uint32_t wanted)
{
	uint32_t most = 0;
	for (uint32_t y = 0; y < wanted; y++) {
		uint32_t last = y + ROWS - 1 < wanted ? y + ROWS - 1 : wanted - 1;
		uint32_t rows = down->first[last] + down->count - down->first[y];
		most = rows > most ? rows : most;
	}
	return most;
}

bool slv_scale_fits(uint32_t width, uint32_t height, uint32_t to_width, uint32_t to_height)
{
	return to_width > 0 && to_width <= width && width / SLV_SCALE_RATIO_MAX <= to_width &&
	       to_height > 0 && to_height <= height && height / SLV_SCALE_RATIO_MAX <= to_height;
}

void slv_scale_run(const struct slv_scale *scale, uint8_t *rgb, size_t stride)
{
	const struct slv_rect *rect = &scale->rect;
	slv_assert(slv_scale_fits(scale->width, scale->height, scale->to_width, scale->to_height));
	slv_assert(rect->left + rect->width <= scale->to_width &&
			rect->top + rect->height <= scale->to_height);
	struct run run = { .scale = scale };
	size_t width = ((size_t)scale->width + BLOCK - 1) / BLOCK * BLOCK;
	weights_init(&run.down, scale->height, scale->to_height, rect->top, rect->height);
	weights_init(&run.across, scale->width, scale->to_width, rect->left, rect->width);
	/* Not a power of two, or all rows would share a few lines of the processor's cache. */
	run.stride = 4 * width + 48;
	run.ring_rows = rows_at_once(&run.down, rect->height);
	slv_assert(run.ring_rows > 0);
	run.ring = aligned(run.stride * run.ring_rows * sizeof(float), &run.memory[0]);
	run.tall = aligned(width * ROWS * sizeof(pixel), &run.memory[1]);
	run.at = slv_alloc(run.down.count * sizeof(*run.at));
	uint8_t *spare = slv_alloc(3 * (size_t)rect->width + 1); /* for rows past the end */
	for (uint32_t y = 0; y < rect->height; y += ROWS) {
		uint32_t rows = rect->height - y < ROWS ? rect->height - y : ROWS;
		make_rows(&run, y, rows);
		uint8_t *at[ROWS];
		for (uint32_t lane = 0; lane < ROWS; lane++)
			at[lane] = lane < rows ? rgb + (y + lane) * stride : spare;
		go_across(at, run.tall, &run.across, rect->width);
	}
	slv_free(spare);
	slv_free(run.at);
	slv_free(run.memory[0]);
	slv_free(run.memory[1]);
	weights_done(&run.down);
	weights_done(&run.across);
}
