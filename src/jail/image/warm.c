#include "jail/image/warm.h"

#include "base/arena.h"
#include "base/attr.h"
#include "jail/image/encode.h"
#include "jail/image/job.h"
#include "jail/image/picture.h"
#ifdef SLV_IMAGE_RARE
#include "jail/image/sequence.h"
#endif

#include <string.h>

/* A small picture with some detail and alpha. */
static VipsImage *sample(void)
{
	SLV_CLEANUP(slv_picture_done) VipsImage *noise = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *grey = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *joined = NULL;
	VipsImage *out = NULL;
	if (vips_gaussnoise(&noise, 64, 64, "mean", 128.0, "sigma", 40.0, NULL) != 0 ||
			vips_cast(noise, &grey, VIPS_FORMAT_UCHAR, NULL) != 0)
		return NULL;
	VipsImage *bands[] = { grey, grey, grey, grey };
	if (vips_bandjoin(bands, &joined, 4, NULL) != 0 ||
			vips_copy(joined, &out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) !=
					0)
		return NULL;
	return out;
}

static struct slv_pixel_plan plan_for(enum slv_format format)
{
	struct slv_pixel_plan plan = { .magic = SLV_PIXEL_MAGIC,
		.format = (uint8_t)format,
		.fallback = SLV_FORMAT_WEBP,
		.allow_jxl = true,
		.allow_svg = true,
		.want_blurhash = true,
		.want_thumbhash = true,
		.width = 40,
		.height = 30,
		.dpr = 1,
		.fit = SLV_FIT_COVER,
		.gravity = SLV_GRAVITY_ATTENTION,
		.rotate = 90,
		.blur = 2,
		.sharpen = 1,
		.brightness = 1.1,
		.contrast = 1.1,
		.saturation = 1.1,
		.gamma = 1.1,
		.border_top = 1,
		.draw_count = 1,
		.limits = { 1000000, 1000000, 10, 1000000, 1000, 1000000 } };
	memset(plan.quality, 80, sizeof(plan.quality));
	plan.draw[0].opacity = 0.5;
	return plan;
}

/* From one format to another, by the way that every job takes. */
static void pass(struct slv_arena *arena, slv_str bytes, enum slv_format format)
{
	struct slv_pixel_plan plan = plan_for(format);
	struct slv_job job = { .plan = &plan, .source = bytes, .draws = { bytes } };
	struct slv_pixel_result result;
	void *out;
	size_t len;
	slv_job_run(arena, &job, &result, &out, &len);
	g_free(out);
	slv_arena_reset(arena);
}

static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>"
			  "<rect width='5' height='5' fill='red'/><text y='9'>x</text></svg>";

void slv_warm_codecs(struct slv_arena *arena)
{
	static const enum slv_format formats[] = { SLV_FORMAT_JPEG, SLV_FORMAT_PNG, SLV_FORMAT_WEBP,
		SLV_FORMAT_AVIF, SLV_FORMAT_GIF };
	SLV_CLEANUP(slv_picture_done) VipsImage *image = sample();
	if (!image)
		return;
	void *bytes = NULL;
	size_t len = 0;
	for (size_t i = 0; i < SLV_COUNT(formats); i++) {
		struct slv_pixel_plan plan = plan_for(formats[i]);
		slv_err err = slv_encode(image, formats[i], &plan, &bytes, &len);
		if (slv_failed(err))
			continue; /* a library that lacks a codec says so at each job */
		pass(arena, (slv_str){ bytes, len }, formats[i]);
#ifdef SLV_IMAGE_RARE
		if (formats[i] == SLV_FORMAT_AVIF)
			slv_sequence_warm((slv_str){ bytes, len });
#endif
		g_free(bytes);
	}
	/* A JPEG of four bands without a profile is CMYK, and converted. */
	SLV_CLEANUP(slv_picture_done) VipsImage *cmyk = NULL;
	if (vips_copy(image, &cmyk, "interpretation", VIPS_INTERPRETATION_CMYK, NULL) == 0 &&
			vips_jpegsave_buffer(cmyk, &bytes, &len, NULL) == 0) {
		pass(arena, (slv_str){ bytes, len }, SLV_FORMAT_PNG);
		g_free(bytes);
	}
	if (vips_tiffsave_buffer(image, &bytes, &len, NULL) == 0) {
		pass(arena, (slv_str){ bytes, len }, SLV_FORMAT_PNG);
		g_free(bytes);
	}
	pass(arena, (slv_str){ svg, sizeof(svg) - 1 }, SLV_FORMAT_PNG);
	vips_error_clear();
}
