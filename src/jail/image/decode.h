/* decode.h - from the bytes of a picture to its pixels
 *
 * The format is the one that was sniffed; its loader is called by name and no other is
 * ever tried. The header is read first and held against the limits, so that a bomb costs
 * a few microseconds. Pixels come as a stream from top to bottom: an image from
 * slv_decode_open() may be read once, in order.
 *
 * A damaged or truncated file fails; what could not be decoded never becomes pixels.
 */
#ifndef SLV_JAIL_IMAGE_DECODE_H
#define SLV_JAIL_IMAGE_DECODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "proc/pixel.h"

#include <vips/vips.h>

struct slv_sequence;

struct slv_source {
	slv_str bytes; /* the caller's; outlives every image of it */
	enum slv_format format;
	uint32_t width, height; /* of one frame, raw */
	uint32_t frames;        /* to be decoded: 1 unless an animation is wanted */
	uint32_t frames_total;  /* in the file */
	int orientation;        /* EXIF, 1…8 */
	bool alpha;
	bool cmyk;
	bool plain; /* a JPEG that jpeg.h decodes */
	/* An AVIF whose track is read, by sequence.h, has one, which ends with the arena. */
	struct slv_sequence *sequence;
};

/* Read the header of `bytes`; `frames` is 1. The arena outlives every image of it. Of an image
 * sequence (AVIF, HEIC) the still picture is read, of one in AVIF the track where libavif is.
 * SLV_E_MEDIA: nothing that is read here, as a sequence that has not what is read. SLV_E_CORRUPT:
 * damaged; SLV_E_LIMIT: too large. */
slv_err slv_decode_head(struct slv_arena *arena, slv_str bytes, const struct slv_pixel_plan *plan,
		struct slv_source *ret_source);

/* Decode all frames of an animation, as far as the limits allow. */
void slv_decode_animate(struct slv_source *source, const struct slv_pixel_limits *limits);

/* By what the decoder can divide both sides cheaply, leaving at least `scale` times what is
 * wanted; `scale` is shown size / wanted size, the smaller of both axes. 1 if it cannot. Offsets
 * `left` and `top` stay whole. */
uint32_t slv_decode_shrink(
		const struct slv_source *source, double scale, uint32_t left, uint32_t top);

/* Open the stream of pixels, each side divided by `shrink` and rounded. Frames are below each
 * other. SVG is rendered `zoom` times as large; 1 for others. */
slv_err slv_decode_open(struct slv_arena *arena, const struct slv_source *source, uint32_t shrink,
		double zoom, VipsImage **ret_image);

/* Let libvips run the loaders we name and no others. Call it once. */
void slv_decode_allow(void);

#endif
