/* sequence.h - AVIF image sequences, by libavif
 *
 * libvips reads the still picture of an AVIF file and never its tracks. Here they are decoded, one
 * frame after the other and on this thread, into 8 bits a channel. The frames make one roll, each
 * below the one before; one of them is in memory.
 *
 * Before libavif sees a file its boxes are held against the limits: a picture of too many pixels,
 * too many tracks, too long boxes and tables of more than SLV_SEQUENCE_FRAMES_MAX entries are
 * refused, and the decoder takes no frame with more pixels than the track has announced. What is
 * cut or damaged fails.
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

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLV_SEQUENCE_FRAMES_MAX 10000
/* libavif keeps some hundred times as much of these boxes, and looks through the former again and
 * again. */
#define SLV_SEQUENCE_META_BYTES_MAX SLV_KIB(256)
#define SLV_SEQUENCE_MOOV_BYTES_MAX SLV_MIB(2)
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

/* Read all but the frames. `bytes` outlive `*ret_sequence`. SLV_E_LIMIT: a frame of more than
 * `pixels_max`, too many frames or tracks, or too much about them; SLV_E_CORRUPT: damaged, or no
 * track of AV1. */
slv_err slv_sequence_open(slv_str bytes, uint64_t pixels_max, struct slv_sequence **ret_sequence,
		struct slv_sequence_head *ret_head);

/* Its ICC profile, which lives as it does; empty if it has none. */
slv_str slv_sequence_icc(const struct slv_sequence *sequence);

/* For how long the first `count` frames are shown, rounded so that no error adds up. */
void slv_sequence_delays(const struct slv_sequence *sequence, int *ret_ms, uint32_t count);

/* `count` rows of the roll from `row` on, `stride` bytes apart; there are as many. Decodes up to
 * their frame, and that before it is gone then: a row of one is SLV_E_INTERNAL. SLV_E_CORRUPT:
 * damaged. What is in `rows` is of no use if it fails. */
slv_err slv_sequence_read(struct slv_sequence *sequence, uint64_t row, uint8_t *rows, size_t stride,
		uint32_t count);

void slv_sequence_free(struct slv_sequence *sequence);

/* Decode the still picture of an AVIF file and forget it, for what the libraries do at their first
 * use. */
void slv_sequence_warm(slv_str still);

#endif
