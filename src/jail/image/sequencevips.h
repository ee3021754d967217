/* sequencevips.h - AVIF image sequences (sequence.h) as libvips' images */
#ifndef SLV_JAIL_IMAGE_SEQUENCEVIPS_H
#define SLV_JAIL_IMAGE_SEQUENCEVIPS_H

#include "base/err.h"
#include "jail/image/sequence.h"

#include <vips/vips.h>

/* The first `frames` frames below each other, as a stream that is read once from top to bottom,
 * with the profile, and if they are several their height, number and times as metadata, as of an
 * animation that libvips reads. No more frames are decoded than that. The sequence outlives the
 * image, is at its first frame and, when the image ends, there again. SLV_E_LIMIT. */
slv_err slv_sequencevips_open(
		struct slv_sequence *sequence, uint32_t frames, VipsImage **ret_image);

#endif
