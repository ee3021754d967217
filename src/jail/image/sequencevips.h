/* sequencevips.h - AVIF image sequences (sequence.h) as libvips' images */
#ifndef SLV_JAIL_IMAGE_SEQUENCEVIPS_H
#define SLV_JAIL_IMAGE_SEQUENCEVIPS_H

#include "base/err.h"
#include "base/str.h"

#include <vips/vips.h>

/* The first `frames` frames below each other, as a stream that is read once from top to bottom,
 * with the profile, and if they are several their height, number and times as metadata, as of an
 * animation that libvips reads. No more frames are decoded than that. `bytes` outlive the image,
 * and slv_sequence_open() has taken them before. SLV_E_CORRUPT, SLV_E_LIMIT. */
slv_err slv_sequencevips_open(slv_str bytes, uint32_t frames, VipsImage **ret_image);

#endif
