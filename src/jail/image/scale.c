#include "jail/image/scale.h"

#include "base/assert.h"
#include "base/mem.h"
#include "jail/image/passes.h"

#include <math.h>
#include <string.h>

#define LOBES 3
#define PI 3.14159265358979323846
#define LINE 64
#define ROWS SLV_PASS_ROWS
#define STRIP (8 * SLV_PASS_BLOCK) /* pairs that go down for all ROWS in turn, in a near cache */

/* Which source positions a result position is made of, and how much of each. */
struct weights {
	uint32_t count;             /* pairs of positions, for each */
	uint32_t *first;            /* of a result position: the first pair */
	struct slv_pass_weight *at; /* `count` for each result position */
};

/* From one source position to the next. */
struct turn {
	double reach; /* positions, to either side */
	double step;  /* the angle */
	double sine, cosine;
};

/* --- weights --- */

/* In whole numbers that come to 1 together, so that one colour stays that: what rounding has left
 * over goes to the largest. 1 itself is one too many, of 32,768, which no result shows. */
static void make_whole(const double *share, double sum, int16_t *whole, uint32_t count)
{
	const int32_t one = 1 << SLV_PASS_WEIGHT;
	double factor = one / sum;
	int32_t left = one, largest = 0;
	uint32_t place = 0;
	for (uint32_t i = 0; i < count; i++) {
		int32_t weight = (int32_t)floor(share[i] * factor + 0.5);
		left -= weight;
		whole[i] = (int16_t)(weight > INT16_MAX ? INT16_MAX : weight);
		if (weight > largest) {
			largest = weight;
			place = i;
		}
	}
	largest += left;
	whole[place] = (int16_t)(largest > INT16_MAX ? INT16_MAX : largest);
}

/* The weights of one result position; what reaches past an edge counts for the edge. `share` is
 * for 2 * weights->count numbers.
 *
 * Lanczos 3 at x is sin(pi x) sin(pi x / 3) / (pi^2 x^2 / 3). With a third of the angle all of it
 * is a polynomial of one sine, and those of steps of one size need one rotation each. */
static void weigh(struct weights *weights, uint32_t index, double centre, const struct turn *turn,
		uint32_t from, double *share)
{
	int64_t pairs = ((int64_t)from + 1) / 2, last = pairs - weights->count;
	double reach = turn->reach, sum = 0;
	int64_t begin = (int64_t)floor(centre - reach) + 1;
	int64_t first = begin < 0 ? 0 : begin / 2 > last ? last : begin / 2;
	double angle = ((double)begin - centre) * turn->step;
	double sine = sin(angle), cosine = cos(angle);
	memset(share, 0, 2 * weights->count * sizeof(*share));
	for (int64_t i = begin; (double)i < centre + reach; i++) {
		int64_t edge = i < 0 ? 0 : i >= from ? from - 1 : i;
		double square = sine * sine;
		double weight = fabs(angle) < 1e-6
		                                ? 1
		                                : square * (3 - 4 * square) / (3 * angle * angle);
		share[edge - 2 * first] += weight;
		sum += weight;
		double turned = sine * turn->cosine + cosine * turn->sine;
		cosine = cosine * turn->cosine - sine * turn->sine;
		sine = turned;
		angle += turn->step;
	}
	weights->first[index] = (uint32_t)first;
	make_whole(share, sum, &weights->at[(size_t)index * weights->count].first,
			2 * weights->count);
}

/* For `wanted` of `to` result positions, from `begin` on. */
static void weights_init(struct weights *weights, uint32_t from, uint32_t to, uint32_t begin,
		uint32_t wanted)
{
	double ratio = (double)from / to;
	/* The positions may begin with the second of a pair. */
	uint32_t count = (uint32_t)ceil(2 * LOBES * ratio) / 2 + 1, pairs = (from + 1) / 2;
	weights->count = count < pairs ? count : pairs;
	weights->first = slv_alloc(wanted * sizeof(*weights->first));
	weights->at = slv_alloc((size_t)wanted * weights->count * sizeof(*weights->at));
	double *share = slv_alloc(2 * weights->count * sizeof(*share));
	struct turn turn = { .reach = LOBES * ratio, .step = PI / (LOBES * ratio) };
	turn.sine = sin(turn.step);
	turn.cosine = cos(turn.step);
	for (uint32_t i = 0; i < wanted; i++)
		weigh(weights, i, (begin + i + 0.5) * ratio - 0.5, &turn, from, share);
	slv_free(share);
}

static void weights_done(struct weights *weights)
{
	slv_free(weights->first);
	slv_free(weights->at);
}

/* --- all of it --- */

struct run {
	const struct slv_scale *scale;
	const struct slv_passes *passes;
	struct weights down, across;
	uint32_t pairs; /* of pixels in a row, filled up to whole blocks */
	int16_t *ring;  /* wide rows: as many as ROWS result rows need */
	uint32_t ring_rows;
	const int16_t **at; /* the wide rows that a result row is made of */
	int16_t *tall;      /* ROWS result rows, not yet across */
	void *memory[2];
	uint32_t have; /* wide rows that are there, or were and are not needed */
};

static int16_t *wide_row(const struct run *run, uint32_t index)
{
	return run->ring + (size_t)(index % run->ring_rows) * run->pairs * SLV_PASS_WIDE;
}

/* The wide rows up to `end`, of which those before `first` are not needed. */
static void take_rows(struct run *run, uint32_t first, uint32_t end)
{
	const struct slv_scale *scale = run->scale;
	if (run->have < first)
		run->have = first;
	for (; run->have < end; run->have++) {
		const uint8_t *above = scale->rgb + 2 * (size_t)run->have * scale->stride;
		bool last = 2 * run->have + 1 == scale->height;
		run->passes->widen(wide_row(run, run->have), above,
				last ? above : above + scale->stride, scale->width);
	}
}

/* Rows y to y + rows - 1 of the result, not yet across. */
static void make_rows(struct run *run, uint32_t y, uint32_t rows)
{
	uint32_t count = run->down.count;
	const uint32_t *first = run->down.first + y;
	take_rows(run, first[0], first[rows - 1] + count);
	for (uint32_t strip = 0; strip < run->pairs; strip += STRIP) {
		uint32_t end = strip + STRIP < run->pairs ? strip + STRIP : run->pairs;
		for (uint32_t row = 0; row < rows; row++) {
			for (uint32_t i = 0; i < count; i++)
				run->at[i] = wide_row(run, first[row] + i);
			run->passes->down(run->tall + SLV_PASS_TALL / ROWS * row, run->at,
					run->down.at + (size_t)(y + row) * count, count, strip,
					end);
		}
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
	return to_width > 0 && to_width <= width &&
	       width <= (uint64_t)to_width * SLV_SCALE_RATIO_MAX && to_height > 0 &&
	       to_height <= height && height <= (uint64_t)to_height * SLV_SCALE_RATIO_MAX;
}

/* Numbers that begin with a line of the processor's cache, so that no load takes two. */
static int16_t *lined_up(size_t count, void **ret_memory)
{
	*ret_memory = slv_alloc(count * sizeof(int16_t) + LINE);
	uintptr_t at = (uintptr_t)*ret_memory;
	return (int16_t *)(void *)((char *)*ret_memory + (LINE - at % LINE) % LINE);
}

static void run_init(struct run *run, const struct slv_scale *scale)
{
	const struct slv_rect *rect = &scale->rect;
	*run = (struct run){ .scale = scale, .passes = slv_passes_of(0) };
	uint32_t pairs = (scale->width + 1) / 2;
	run->pairs = (pairs + SLV_PASS_BLOCK - 1) / SLV_PASS_BLOCK * SLV_PASS_BLOCK;
	weights_init(&run->down, scale->height, scale->to_height, rect->top, rect->height);
	weights_init(&run->across, scale->width, scale->to_width, rect->left, rect->width);
	run->ring_rows = rows_at_once(&run->down, rect->height);
	slv_assert(run->ring_rows > 0);
	run->ring = lined_up((size_t)run->pairs * run->ring_rows * SLV_PASS_WIDE, &run->memory[0]);
	run->tall = lined_up((size_t)run->pairs * SLV_PASS_TALL, &run->memory[1]);
	run->at = slv_alloc(run->down.count * sizeof(*run->at));
}

static void run_done(struct run *run)
{
	slv_free(run->at);
	slv_free(run->memory[0]);
	slv_free(run->memory[1]);
	weights_done(&run->down);
	weights_done(&run->across);
}

void slv_scale_run(const struct slv_scale *scale, uint8_t *rgb, size_t stride)
{
	const struct slv_rect *rect = &scale->rect;
	slv_assert(slv_scale_fits(scale->width, scale->height, scale->to_width, scale->to_height));
	slv_assert(rect->left + rect->width <= scale->to_width &&
			rect->top + rect->height <= scale->to_height);
	struct run run;
	run_init(&run, scale);
	uint8_t *spare = slv_alloc(3 * (size_t)rect->width); /* for rows past the end */
	for (uint32_t y = 0; y < rect->height; y += ROWS) {
		uint32_t rows = rect->height - y < ROWS ? rect->height - y : ROWS;
		uint8_t *at[ROWS];
		make_rows(&run, y, rows);
		for (uint32_t row = 0; row < ROWS; row++)
			at[row] = row < rows ? rgb + (y + row) * stride : spare;
		run.passes->across(at, run.tall, run.across.first, run.across.at, run.across.count,
				rect->width);
	}
	slv_free(spare);
	run_done(&run);
}
