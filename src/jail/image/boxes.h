/* boxes.h - what the boxes of an AVIF or HEIC file say, before a decoder believes them
 *
 * A still picture is in a box `meta`, a sequence in the tracks of `moov` (ISO 23008-12 §7). Only
 * sizes and counts are looked at: a decoder makes tables as large as the file says they are, and
 * goes over some of them once for each frame.
 */
#ifndef SLV_JAIL_IMAGE_BOXES_H
#define SLV_JAIL_IMAGE_BOXES_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct slv_boxes {
	uint64_t meta_bytes; /* of all together, those in tracks too */
	uint64_t moov_bytes; /* of the longest */
	bool still;          /* has a still picture */
	uint32_t tracks;     /* 0: it does not move */
	/* The most that a track says; 0 without one. */
	uint32_t width, height; /* px */
	uint64_t entries;       /* of a table of samples, so that frames are not more */
	uint64_t formats;       /* of its samples, as stsd counts them */
	uint64_t format_bytes;  /* of its stsd */
	uint32_t time_boxes;    /* its stts, of which one is right */
	uint64_t runs_most;     /* what they count */
	bool empty_runs;        /* some are of no samples */
	/* Of the track that a decoder takes for the colours: the first with an ID and chunks of AV1
	 * that says of no other that it is an auxiliary of that. */
	uint32_t plays; /* how often to show the frames; 0: for ever */
	slv_str times;  /* its last stts, without the count */
	uint32_t runs;  /* what that counts */
};

/* Samples after each other that are shown equally long. */
struct slv_boxes_run {
	uint32_t samples, ticks;
};

/* Look at them up to the first that is cut or has an impossible length. What a file does not say
 * is 0. Takes time that grows as `file`, and no memory; `times` is in `file`. */
struct slv_boxes slv_boxes_read(slv_str file);

/* The `index`-th of `runs`; zeroes where the box ends before. */
struct slv_boxes_run slv_boxes_run(const struct slv_boxes *boxes, uint32_t index);

#endif
