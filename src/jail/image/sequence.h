/* sequence.h - AVIF image sequences, by libavif
 *
 * libvips reads the still picture of an AVIF file and never its tracks. Here they are decoded, one
 * frame after the other and on this thread, into 8 bits a channel. The frames make one roll, each
 * below the one before; one of them is in memory.
 *
 * Before libavif sees a file its boxes (boxes.h) are held against the limits: a picture of too many
 * pixels, too many tracks, too long boxes and tables of more than SLV_SEQUENCE_FRAMES_MAX entries
 * are refused, and the decoder takes no frame with more pixels than the track has announced. What
 * is cut or damaged fails.
 *
 * Only the colour track's matrix and range and an ICC profile matter; other primaries and transfer
 * functions than sRGB's are passed over, as they are in stills. Turns and mirrors in the sample
 * entry (irot, imir) are told as an EXIF orientation, and its clean aperture is cut out; the
 * matrix in the track header and pixels that are not square are not looked at.
 *
 * Nothing here knows libvips.
 */
#ifndef SLV_JAIL_IMAGE_SEQUENCE_H
#define SLV_JAIL_IMAGE_SEQUENCE_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "jail/image/boxes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLV_SEQUENCE_FRAMES_MAX 10000
/* For each item that is named in a box meta libavif looks through all before. Of all such boxes
 * together: the largest thing in them is an ICC profile, 60 KiB at most where one is common. */
#define SLV_SEQUENCE_META_BYTES_MAX SLV_KIB(64)
/* It takes all that follows in stsd, not only what is in it, for properties of each format: one is
 * the limit, and of what is in this box it keeps about ten times as much. */
#define SLV_SEQUENCE_FORMATS_MAX 1
#define SLV_SEQUENCE_FORMAT_BYTES_MAX SLV_KIB(256)
#define SLV_SEQUENCE_MOOV_BYTES_MAX SLV_MIB(2)
/* To know when a frame is shown it goes over the runs of equal times from the first, for each
 * frame before and for each frame. Frames² times runs: 2154 that are all different, or 10000 in a
 * hundred runs, which is some seconds if all are wanted. */
#define SLV_SEQUENCE_TIME_STEPS_MAX UINT64_C(10000000000)
#define SLV_SEQUENCE_TRACKS_MAX 16         /* colour, alpha, and others that are not looked at */
#define SLV_SEQUENCE_DELAY_MS_MAX 0xffffff /* what WebP can say */

struct slv_sequence; /* one being decoded */

struct slv_sequence_head {
	uint32_t width, height; /* of a frame */
	uint32_t frames;        /* 1 to SLV_SEQUENCE_FRAMES_MAX */
	uint32_t plays;         /* how often to show them all; 0: for ever */
	int orientation;        /* as of EXIF, 1…8 */
	bool alpha;             /* four channels a pixel instead of three */
};

/* Read all but the frames. `bytes` and the arena, with which it ends, outlive `*ret_sequence`;
 * `boxes` are theirs. SLV_E_LIMIT: a frame of more than `pixels_max`, too many frames or tracks, or
 * too much about them; SLV_E_CORRUPT: damaged, or no track of AV1. */
slv_err slv_sequence_open(struct slv_arena *arena, slv_str bytes, const struct slv_boxes *boxes,
		uint64_t pixels_max, struct slv_sequence **ret_sequence);

/* Lives as it does. */
const struct slv_sequence_head *slv_sequence_head(const struct slv_sequence *sequence);

/* Its ICC profile, which lives as it does; empty if it has none. */
slv_str slv_sequence_icc(const struct slv_sequence *sequence);

/* For how long the first `count` frames are shown, rounded so that no error adds up. */
void slv_sequence_delays(const struct slv_sequence *sequence, int *ret_ms, uint32_t count);

/* `count` rows of the roll from `row` on, `stride` bytes apart; there are as many. Decodes up to
 * their frame, and that before it is gone then: a row of one is SLV_E_INTERNAL. SLV_E_CORRUPT:
 * damaged. What is in `rows` is of no use if it fails. */
slv_err slv_sequence_read(struct slv_sequence *sequence, uint64_t row, uint8_t *rows, size_t stride,
		uint32_t count);

/* Begin with the first frame again. Until then none is in memory. */
void slv_sequence_rewind(struct slv_sequence *sequence);

/* Decode the still picture of an AVIF file and forget it, for what the libraries do at their first
 * use. */
void slv_sequence_warm(slv_str still);

#endif
