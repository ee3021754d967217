#include "jail/image/warm.h"

#include "base/attr.h"
#include "jail/image/job.h"
#include "jail/image/picture.h"

/* A small picture with some detail and alpha. */
static VipsImage *sample(void)
{
	VipsImage *out = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *noise = NULL;
	if (vips_gaussnoise(&noise, 64, 64, "mean", 128.0, "sigma", 40.0, NULL) != 0)
		return NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *grey = NULL;
	if (vips_cast(noise, &grey, VIPS_FORMAT_UCHAR, NULL) != 0)
		return NULL;
	VipsImage *bands[] = { grey, grey, grey };
	SLV_CLEANUP(slv_picture_done) VipsImage *joined = NULL;
	if (vips_bandjoin(bands, &joined, 3, NULL) != 0)
		return NULL;
	if (vips_copy(joined, &out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) != 0)
		return NULL;
	return out;
}

void slv_warm_codecs(void)
{
	SLV_CLEANUP(slv_picture_done) VipsImage *image = sample();
	void *bytes = NULL;
	size_t len = 0;
	if (image && vips_jpegsave_buffer(image, &bytes, &len, NULL) == 0) {
		VipsImage *back = NULL;
		if (vips_jpegload_buffer(bytes, len, &back, NULL) == 0) {
			double mean;
			vips_avg(back, &mean, NULL);
		}
		g_clear_object(&back);
	}
	g_free(bytes);
	vips_error_clear();
}
