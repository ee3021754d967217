/* passes.h - the loops that scaling spends its time in
 *
 * Whole numbers of 16 bits, two of which are multiplied and added at once. A source row is kept
 * together with the one below it, and a pixel with its right neighbour, for that is what comes
 * together in the sums:
 *
 *     wide   two source rows; for each two pixels, for each of red, green, blue and nothing:
 *            left above, left below, right above, right below
 *     tall   SLV_PASS_ROWS result rows that are not yet across; for each two pixels, for each
 *            row, for each of red, green, blue and nothing: left, right; in 64ths
 *
 * Weights are in 32,768ths; a whole one is the largest number there is, one less. Each processor
 * comes to the same numbers.
 *
 * Sizes are in px unless they say `pairs`: two pixels beside each other. Errors: none. Thread: any.
 */
#ifndef SLV_JAIL_IMAGE_PASSES_H
#define SLV_JAIL_IMAGE_PASSES_H

#include <stdint.h>

#define SLV_PASS_ROWS 8                   /* result rows that are made together */
#define SLV_PASS_WIDE 16                  /* numbers in a wide row for two pixels */
#define SLV_PASS_TALL (8 * SLV_PASS_ROWS) /* in tall rows */
#define SLV_PASS_BLOCK 8    /* pairs that go down together; a width is filled up to them */
#define SLV_PASS_WEIGHT 15  /* bits behind the point */
#define SLV_PASS_FRACTION 6 /* likewise, of tall rows */

struct slv_pass_weight {
	int16_t first, second; /* of the row above, or the left pixel; of the other */
};

struct slv_passes {
	/* Two rows of three bytes a pixel. */
	void (*widen)(int16_t *wide, const uint8_t *above, const uint8_t *below, uint32_t width);

	/* The pairs [begin, end) of one result row, of `count` wide rows. `tall` is where that row
	 * has its first pixel. Both bounds are multiples of SLV_PASS_BLOCK. */
	void (*down)(int16_t *tall, const int16_t *const *wide,
			const struct slv_pass_weight *weight, uint32_t count, uint32_t begin,
			uint32_t end);

	/* Result pixel x of all rows is of `count` pairs from first[x] on. */
	void (*across)(uint8_t *const *rgb, const int16_t *tall, const uint32_t *first,
			const struct slv_pass_weight *weights, uint32_t count, uint32_t width);
};

/* The ways to do them that this processor has, the fastest first; NULL past the last. */
const struct slv_passes *slv_passes_of(unsigned way);

#endif
