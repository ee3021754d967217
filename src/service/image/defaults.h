/* defaults.h - settings of the images service that become part of every plan
 *
 * What holds when an option does not say otherwise, and the bounds of options, sources and
 * results. In YAML a section with the rows of slv_image_defaults_keys.
 */
#ifndef SLV_SERVICE_IMAGE_DEFAULTS_H
#define SLV_SERVICE_IMAGE_DEFAULTS_H

#include "conf/schema.h"

#include <stdbool.h>

#define SLV_IMAGE_FRAMES_MAX 65535

struct slv_image_defaults {
	int64_t fit;      /* SLV_FIT_SCALE_DOWN or SLV_FIT_CONTAIN */
	int64_t format;   /* SLV_IMAGE_FORMAT_SOURCE or SLV_IMAGE_FORMAT_AUTO */
	int64_t metadata; /* enum slv_metadata */

	/* On each format's own scale, and what goes together: see quality in options.h. */
	int64_t quality_jpeg, quality_webp, quality_avif;

	/* Encoders' own scales. AVIF: 0 takes a tenth of the time of 4 and gives files that are
	 * hardly larger. */
	int64_t effort_webp, effort_avif, effort_png, effort_gif;

	int64_t width_max, height_max; /* of the options */
	double dpr_max;
	bool allow_jxl, allow_svg; /* as sources to decode */
	int64_t source_pixels_max, frames_pixels_max, frames_max, output_pixels_max,
			output_side_max, avif_pixels_max; /* struct slv_pixel_limits */
};

extern const struct slv_conf_key slv_image_defaults_keys[];

/* The fallbacks of the rows, for those who have no configuration. */
void slv_image_defaults_init(struct slv_image_defaults *defaults);

#endif
