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
	uint64_t meta_bytes, moov_bytes; /* of the longest */
	bool still;                      /* has a still picture */
	uint32_t tracks;                 /* 0: it does not move */
	/* The most that a track says; 0 without one. */
	uint32_t width, height; /* px */
	uint64_t entries;       /* of a table of samples, so that frames are not more */
	uint32_t plays;         /* how often to show the frames; 0: for ever */
};

/* Look at them up to the first that is cut or has an impossible length. What a file does not say
 * is 0. Takes time that grows as `file`, and no memory. */
struct slv_boxes slv_boxes_read(slv_str file);

#endif
