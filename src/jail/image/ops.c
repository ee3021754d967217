#include "jail/image/ops.h"

#include "jail/image/picture.h"

static slv_err failed(const char *what)
{
	vips_error_clear();
	return SLV_ERR(SLV_E_INTERNAL, what);
}

slv_err slv_ops_crop(VipsImage **image, struct slv_rect rect)
{
	VipsImage *out;
	if ((int)rect.width == vips_image_get_width(*image) &&
			(int)rect.height == vips_image_get_height(*image))
		return SLV_OK;
	if (vips_extract_area(*image, &out, (int)rect.left, (int)rect.top, (int)rect.width,
			    (int)rect.height, NULL) != 0)
		return failed("crop");
	slv_picture_put(image, out);
	return SLV_OK;
}

/* Colours next to transparent pixels must not bleed: they are weighted with their alpha while
 * they are mixed. */
static int resize(VipsImage **image, double x, double y)
{
	bool alpha = vips_image_hasalpha(*image);
	VipsBandFormat format = vips_image_get_format(*image);
	VipsImage *out;
	if (x == 1 && y == 1)
		return 0;
	if (alpha) {
		if (vips_premultiply(*image, &out, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
		if (vips_cast(*image, &out, format, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
	}
	if (vips_resize(*image, &out, x, "vscale", y, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	if (alpha) {
		if (vips_unpremultiply(*image, &out, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
		if (vips_cast(*image, &out, format, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
	}
	return 0;
}

/* To 8-bit sRGB, through the profile that came with the picture if there is one. */
static int to_srgb(VipsImage **image)
{
	VipsImage *out;
	bool cmyk = vips_image_get_interpretation(*image) == VIPS_INTERPRETATION_CMYK;
	if (vips_image_get_typeof(*image, VIPS_META_ICC_NAME) != 0 || cmyk) {
		if (vips_icc_transform(*image, &out, "srgb", "embedded", TRUE, "input_profile",
				    cmyk ? "cmyk" : "srgb", "depth", 8, NULL) == 0)
			slv_picture_put(image, out);
		else
			vips_error_clear(); /* a profile of no use: as if it were not there */
	}
	if (vips_image_get_interpretation(*image) != VIPS_INTERPRETATION_sRGB ||
			vips_image_get_format(*image) != VIPS_FORMAT_UCHAR) {
		if (vips_colourspace(*image, &out, VIPS_INTERPRETATION_sRGB, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
		if (vips_cast(*image, &out, VIPS_FORMAT_UCHAR, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
	}
	return 0;
}

slv_err slv_ops_scale(VipsImage **image, uint32_t width, uint32_t height, struct slv_rect rect)
{
	double x = (double)width / vips_image_get_width(*image);
	double y = (double)height / vips_image_get_height(*image);
	if (resize(image, x, y) != 0)
		return failed("resize");
	slv_err err = slv_ops_crop(image, rect);
	if (slv_failed(err))
		return err;
	if (to_srgb(image) != 0)
		return failed("colours");
	VipsImage *out = vips_image_copy_memory(*image);
	if (!out) {
		vips_error_clear();
		return SLV_ERR(SLV_E_CORRUPT, "the picture is damaged or truncated");
	}
	slv_picture_put(image, out);
	return SLV_OK;
}
