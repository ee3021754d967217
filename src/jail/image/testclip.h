/* testclip.h - AVIF image sequences by libavif's encoder; for tests only */
#ifndef SLV_JAIL_IMAGE_TESTCLIP_H
#define SLV_JAIL_IMAGE_TESTCLIP_H

#include "base/str.h"
#include "jail/image/testpicture.h"

#include <avif/avif.h>

#define SLV_TESTCLIP_FRAMES_MAX 8

struct slv_testclip {
	uint32_t width, height;
	uint32_t frames; /* 1: a still picture, without a track */
	/* Of the left top, right top, left bottom and right bottom quarter of each. */
	struct slv_testcolour quarters[SLV_TESTCLIP_FRAMES_MAX][4];
	uint64_t timescale, durations[SLV_TESTCLIP_FRAMES_MAX];
	uint32_t depth;         /* bits; 0: 8 */
	bool alpha;             /* have it */
	bool premultiplied;     /* so, with alpha */
	avifPixelFormat format; /* NONE: 4:4:4 */
	bool limited;           /* range */
	avifTransformFlags transforms;
	avifImageRotation irot;
	avifImageMirror imir;
	avifCleanApertureBox clap;
	slv_str icc;
	bool only_track; /* without the still picture that stands beside it */
};

/* Frames of these plain colours, 100 ms each. */
struct slv_testclip slv_testclip_plain(uint32_t width, uint32_t height, uint32_t frames,
		const struct slv_testcolour *colours);

/* A clip that many tests begin with: these colours, in this order. */
#define SLV_TESTCLIP_FIVE_FRAMES 5
#define SLV_TESTCLIP_FIVE_WIDTH 48
#define SLV_TESTCLIP_FIVE_HEIGHT 20
extern const struct slv_testcolour slv_testclip_colours[SLV_TESTCLIP_FIVE_FRAMES];
slv_str slv_testclip_five(bool only_track);

/* Its file; free with slv_testclip_free(). */
slv_str slv_testclip_file(const struct slv_testclip *clip);
void slv_testclip_free(slv_str file);

#endif
