#include "service/image/plan.h"

#include "base/attr.h"

#include <string.h>

/* `quality` of JPEG's scale on that of a format whose default is `own`. */
static uint8_t scale_quality(int quality, int jpeg, int own)
{
	if (quality >= 100)
		return 100;
	if (quality <= jpeg) {
		int scaled = (quality * own + jpeg / 2) / jpeg;
		return (uint8_t)(scaled > 0 ? scaled : 1);
	}
	int span = 100 - jpeg, scaled = own + ((quality - jpeg) * (100 - own) + span / 2) / span;
	return (uint8_t)(scaled < 100 ? scaled : 99);
}

static void plan_auto(enum slv_image_class class, struct slv_pixel_plan *plan)
{
	if (class == SLV_IMAGE_CLASS_AVIF || class == SLV_IMAGE_CLASS_AVIF_WEBP)
		plan->format = SLV_FORMAT_AVIF;
	else if (class == SLV_IMAGE_CLASS_WEBP)
		plan->format = SLV_FORMAT_WEBP;

	if (class == SLV_IMAGE_CLASS_AVIF_WEBP)
		plan->fallback = SLV_FORMAT_WEBP;
	else if (class == SLV_IMAGE_CLASS_AVIF)
		plan->fallback = SLV_FORMAT_SAME;
	if (class == SLV_IMAGE_CLASS_AVIF || class == SLV_IMAGE_CLASS_PLAIN)
		plan->avoid = SLV_BIT(SLV_FORMAT_AVIF) | SLV_BIT(SLV_FORMAT_WEBP);
}

static void plan_format(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, enum slv_image_class class,
		struct slv_pixel_plan *plan)
{
	bool given = options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_FORMAT);
	plan->format = SLV_FORMAT_SAME;
	plan->fallback = SLV_FORMAT_JPEG;
	switch (given ? options->format : (int)defaults->format) {
	case SLV_IMAGE_FORMAT_AUTO:
		plan_auto(class, plan);
		break;
	case SLV_IMAGE_FORMAT_AVIF:
		plan->format = SLV_FORMAT_AVIF;
		plan->fallback = SLV_FORMAT_WEBP;
		break;
	case SLV_IMAGE_FORMAT_WEBP:
		plan->format = SLV_FORMAT_WEBP;
		break;
	case SLV_IMAGE_FORMAT_BASELINE_JPEG:
		plan->baseline = true;
		plan->format = SLV_FORMAT_JPEG;
		break;
	case SLV_IMAGE_FORMAT_JPEG:
		plan->format = SLV_FORMAT_JPEG;
		break;
	case SLV_IMAGE_FORMAT_PNG:
	case SLV_IMAGE_FORMAT_PNG_FORCE:
		plan->format = SLV_FORMAT_PNG;
		break;
	case SLV_IMAGE_FORMAT_GIF:
		plan->format = SLV_FORMAT_GIF;
		break;
	case SLV_IMAGE_FORMAT_JSON:
		plan->info_only = true;
		plan->fallback = SLV_FORMAT_WEBP;
		break;
	default: /* as the source; svg */
		plan->fallback = SLV_FORMAT_WEBP;
		break;
	}
}

/* Does `wish` give that format? */
static bool gives(const struct slv_pixel_plan *plan, int wish, enum slv_format format)
{
	if (wish == SLV_FORMAT_SAME)
		return !(plan->avoid & SLV_BIT(format));
	return wish == (int)format;
}

/* Can the result be of that format? */
static bool may_give(const struct slv_pixel_plan *plan, enum slv_format format)
{
	return gives(plan, plan->format, format) ||
	       (plan->format == SLV_FORMAT_AVIF && gives(plan, plan->fallback, format));
}

static void plan_quality(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, bool slow, struct slv_pixel_plan *plan)
{
	const struct {
		enum slv_format format;
		int64_t own;
	} formats[] = {
		{ SLV_FORMAT_JPEG, defaults->quality_jpeg },
		{ SLV_FORMAT_WEBP, defaults->quality_webp },
		{ SLV_FORMAT_AVIF, defaults->quality_avif },
	};
	bool given = options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_QUALITY);
	uint8_t quality = given ? options->quality : (uint8_t)defaults->quality_jpeg;
	if (slow && (options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_SLOW_QUALITY))) {
		given = true;
		quality = options->slow_quality;
	}

	given = given && !plan->info_only;
	for (size_t i = 0; i < SLV_COUNT(formats); i++)
		plan->quality[formats[i].format] =
				given && may_give(plan, formats[i].format)
						? scale_quality(quality,
								  (int)defaults->quality_jpeg,
								  (int)formats[i].own)
						: (uint8_t)formats[i].own;
	plan->palette = given && may_give(plan, SLV_FORMAT_PNG);
	plan->quality[SLV_FORMAT_PNG] = plan->palette ? quality : 100;
	plan->quality[SLV_FORMAT_GIF] = 100;
	plan->effort[SLV_FORMAT_WEBP] = (uint8_t)defaults->effort_webp;
	plan->effort[SLV_FORMAT_AVIF] = (uint8_t)defaults->effort_avif;
	plan->effort[SLV_FORMAT_PNG] = (uint8_t)defaults->effort_png;
	plan->effort[SLV_FORMAT_GIF] = (uint8_t)defaults->effort_gif;
	plan->fast = options->fast && !plan->info_only;
}

static bool fit_crops(uint8_t fit)
{
	return fit == SLV_FIT_COVER || fit == SLV_FIT_CROP || fit == SLV_FIT_ASPECT_CROP ||
	       fit == SLV_FIT_PAD;
}

static void plan_shape(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, uint32_t auto_width,
		struct slv_pixel_plan *plan)
{
	plan->width = options->width;
	if (options->width == SLV_IMAGE_WIDTH_AUTO)
		plan->width = auto_width < defaults->width_max ? auto_width
		                                               : (uint32_t)defaults->width_max;
	plan->height = options->height;
	plan->dpr = options->dpr;
	plan->rotate = options->rotate;
	plan->flip = options->flip;

	bool given = options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_FIT);
	plan->fit = given ? options->fit : (uint8_t)defaults->fit;
	if (!plan->width && !plan->height)
		plan->fit = SLV_FIT_SCALE_DOWN; /* there is no box to fit */
	plan->point = (struct slv_point){ 0.5, 0.5 };
	if (fit_crops(plan->fit)) {
		plan->gravity = options->gravity;
		if (options->gravity == SLV_GRAVITY_POINT)
			plan->point = options->point;
	}

	const struct slv_image_trim *trim = &options->trim;
	bool nothing = !trim->top && !trim->right && !trim->bottom && !trim->left;
	if (trim->mode == SLV_TRIM_NONE || (trim->mode == SLV_TRIM_SIDES && nothing))
		return;
	plan->trim = trim->mode;
	plan->trim_top = trim->top;
	plan->trim_right = trim->right;
	plan->trim_bottom = trim->bottom;
	plan->trim_left = trim->left;
	plan->trim_width = trim->width;
	plan->trim_height = trim->height;
	plan->trim_keep = trim->keep;
	plan->trim_tolerance = trim->tolerance;
	if (trim->colour.a)
		plan->trim_colour = trim->colour;
}

static void plan_limits(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, struct slv_pixel_plan *plan)
{
	plan->limits = (struct slv_pixel_limits){
		.source_pixels_max = (uint64_t)defaults->source_pixels_max,
		.frames_pixels_max = (uint64_t)defaults->frames_pixels_max,
		.frames_max = (uint32_t)defaults->frames_max,
		.output_pixels_max = (uint64_t)defaults->output_pixels_max,
		.output_side_max = (uint32_t)defaults->output_side_max,
		.avif_pixels_max = (uint64_t)defaults->avif_pixels_max,
	};
	plan->animate = options->anim && plan->format != SLV_FORMAT_JPEG &&
	                plan->format != SLV_FORMAT_PNG && options->frames != 1;
	if (plan->animate && options->frames && options->frames < plan->limits.frames_max)
		plan->limits.frames_max = options->frames;
}

void slv_image_plan_make(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, const struct slv_image_choice *choice,
		struct slv_pixel_plan *ret_plan)
{
	struct slv_pixel_plan *plan = ret_plan;
	memset(plan, 0, sizeof(*plan));
	plan->magic = SLV_PIXEL_MAGIC;
	plan_format(options, defaults, choice->class, plan);
	plan_quality(options, defaults, choice->slow, plan);
	plan_shape(options, defaults, choice->width, plan);
	plan_limits(options, defaults, plan);

	plan->allow_jxl = defaults->allow_jxl;
	plan->allow_svg = defaults->allow_svg;
	plan->want_blurhash = options->blurhash || plan->info_only;
	plan->want_thumbhash = options->thumbhash || plan->info_only;
	if (may_give(plan, SLV_FORMAT_JPEG) && !plan->info_only) {
		bool given = options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_METADATA);
		plan->metadata = given ? options->metadata : (uint8_t)defaults->metadata;
	}

	plan->has_background = options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_BACKGROUND);
	plan->background = plan->has_background ? options->background
	                                        : (struct slv_colour){ 255, 255, 255, 255 };
	plan->blur = options->blur;
	plan->sharpen = options->sharpen;
	plan->brightness = options->brightness;
	plan->contrast = options->contrast;
	plan->saturation = options->saturation;
	plan->gamma = options->gamma;
}
