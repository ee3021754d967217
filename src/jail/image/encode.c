#include "jail/image/encode.h"

/* A progressive JPEG is larger below the one and slow to decode above the other. */
#define PROGRESSIVE_MIN 50
#define PROGRESSIVE_MAX 3000

#if VIPS_MAJOR_VERSION > 8 || VIPS_MINOR_VERSION >= 15
#define STRIP "keep", VIPS_FOREIGN_KEEP_NONE
#else
#define STRIP "strip", TRUE
#endif

static int save_jpeg(VipsImage *image, const struct slv_pixel_plan *plan, void **at, size_t *len)
{
	int width = vips_image_get_width(image), height = vips_image_get_height(image);
	bool small = width < PROGRESSIVE_MIN || height < PROGRESSIVE_MIN;
	bool large = width > PROGRESSIVE_MAX || height > PROGRESSIVE_MAX;
	bool progressive = !plan->baseline && !plan->fast && !small && !large;
	return vips_jpegsave_buffer(image, at, len, "Q", (int)plan->quality[SLV_FORMAT_JPEG],
			"optimize_coding", TRUE, "interlace", progressive, STRIP, NULL);
}

slv_err slv_encode(VipsImage *image, enum slv_format format, const struct slv_pixel_plan *plan,
		void **ret_bytes, size_t *ret_len)
{
	if (save_jpeg(image, plan, ret_bytes, ret_len) != 0) {
		vips_error_clear();
		slv_str name = slv_format_name(format);
		(void)name;
		return SLV_ERR(SLV_E_INTERNAL, "the encoder failed");
	}
	return SLV_OK;
}
