#include "jail/image/ops.h"

#include "base/attr.h"
#include "jail/image/picture.h"
#include "jail/image/scale.h"

#include <math.h>

/* Blurs of more than this are done on a smaller copy: else their cost grows with the radius. */
#define BLUR_SIGMA_FULL 8.0
#define BLUR_SIGMA_SMALL 4.0

static slv_err failed(const char *what)
{
	vips_error_clear();
	return SLV_ERR(SLV_E_INTERNAL, what);
}

static uint32_t width_of(VipsImage *image)
{
	return (uint32_t)vips_image_get_width(image);
}

static uint32_t height_of(VipsImage *image)
{
	return (uint32_t)vips_image_get_height(image);
}

slv_err slv_ops_crop(VipsImage **image, struct slv_rect rect)
{
	VipsImage *out;
	if (rect.width == width_of(*image) && rect.height == height_of(*image))
		return SLV_OK;
	if (vips_extract_area(*image, &out, (int)rect.left, (int)rect.top, (int)rect.width,
			    (int)rect.height, NULL) != 0)
		return failed("crop");
	slv_picture_put(image, out);
	return SLV_OK;
}

static int cast(VipsImage **image, VipsBandFormat format)
{
	VipsImage *out;
	if (vips_image_get_format(*image) == format)
		return 0;
	if (vips_cast(*image, &out, format, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	return 0;
}

/* Colours next to transparent pixels must not bleed: where pixels are mixed they are weighted
 * with their alpha. Both do nothing without alpha. */
static int weigh(VipsImage **image)
{
	VipsBandFormat format = vips_image_get_format(*image);
	VipsImage *out;
	if (!vips_image_hasalpha(*image))
		return 0;
	if (vips_premultiply(*image, &out, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	return cast(image, format);
}

static int unweigh(VipsImage **image)
{
	VipsBandFormat format = vips_image_get_format(*image);
	VipsImage *out;
	if (!vips_image_hasalpha(*image))
		return 0;
	if (vips_unpremultiply(*image, &out, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	return cast(image, format);
}

static int resize(VipsImage **image, double x, double y)
{
	VipsImage *out;
	if (x == 1 && y == 1)
		return 0;
	if (weigh(image) != 0 || vips_resize(*image, &out, x, "vscale", y, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	return unweigh(image);
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
			vips_error_clear(); /* of no use: as if it were not there */
	}
	if (vips_image_get_interpretation(*image) != VIPS_INTERPRETATION_sRGB) {
		if (vips_colourspace(*image, &out, VIPS_INTERPRETATION_sRGB, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
	}
	return cast(image, VIPS_FORMAT_UCHAR);
}

slv_err slv_ops_pull(VipsImage **image)
{
	/* Only refers to it if it is in memory already. */
	VipsImage *out = vips_image_copy_memory(*image);
	if (!out) {
		vips_error_clear();
		return SLV_ERR(SLV_E_CORRUPT, "the picture is damaged or truncated");
	}
	slv_picture_put(image, out);
	return SLV_OK;
}

slv_err slv_ops_plain(VipsImage **image)
{
	if (to_srgb(image) != 0)
		return failed("colours");
	return SLV_OK;
}

/* Most pictures: opaque, 8-bit and, as the decoder has divided them, not much too large. */
static bool scales_plainly(VipsImage *image, uint32_t width, uint32_t height)
{
	return vips_image_get_format(image) == VIPS_FORMAT_UCHAR &&
	       vips_image_get_bands(image) == 3 && !vips_image_hasalpha(image) &&
	       vips_image_get_coding(image) == VIPS_CODING_NONE &&
	       VIPS_IMAGE_SIZEOF_IMAGE(image) <= SLV_PICTURE_HELD_MAX &&
	       slv_scale_fits(width_of(image), height_of(image), width, height);
}

static slv_err scale_plainly(
		VipsImage **image, uint32_t width, uint32_t height, struct slv_rect rect)
{
	slv_err err = slv_ops_pull(image);
	if (slv_failed(err))
		return err;
	VipsImage *out = vips_image_new_memory();
	bool good = vips_image_pipelinev(out, VIPS_DEMAND_STYLE_ANY, *image, NULL) == 0;
	out->Xsize = (int)rect.width;
	out->Ysize = (int)rect.height;
	if (!good || vips_image_write_prepare(out) != 0) {
		g_object_unref(out);
		return failed("resize");
	}
	struct slv_scale scale = {
		.rgb = VIPS_IMAGE_ADDR(*image, 0, 0),
		.stride = VIPS_IMAGE_SIZEOF_LINE(*image),
		.width = width_of(*image),
		.height = height_of(*image),
		.to_width = width,
		.to_height = height,
		.rect = rect,
	};
	slv_scale_run(&scale, VIPS_IMAGE_ADDR(out, 0, 0), VIPS_IMAGE_SIZEOF_LINE(out));
	slv_picture_put(image, out);
	return SLV_OK;
}

slv_err slv_ops_scale(VipsImage **image, uint32_t width, uint32_t height, struct slv_rect rect)
{
	slv_err err = SLV_OK;
	if (scales_plainly(*image, width, height)) {
		err = scale_plainly(image, width, height, rect);
	} else {
		double x = (double)width / width_of(*image);
		double y = (double)height / height_of(*image);
		if (resize(image, x, y) != 0)
			return failed("resize");
		err = slv_ops_crop(image, rect);
	}
	if (slv_failed(err))
		return err;
	return to_srgb(image) != 0 ? failed("colours") : SLV_OK;
}

slv_err slv_ops_turn(VipsImage **image, struct slv_turn turn)
{
	VipsImage *out;
	if (turn.swap) {
		/* A quarter clockwise mirrors horizontally by itself. */
		if (vips_rot(*image, &out, VIPS_ANGLE_D90, NULL) != 0)
			return failed("rotate");
		slv_picture_put(image, out);
		turn.flip_h = !turn.flip_h;
	}
	if (turn.flip_h) {
		if (vips_flip(*image, &out, VIPS_DIRECTION_HORIZONTAL, NULL) != 0)
			return failed("flip");
		slv_picture_put(image, out);
	}
	if (turn.flip_v) {
		if (vips_flip(*image, &out, VIPS_DIRECTION_VERTICAL, NULL) != 0)
			return failed("flip");
		slv_picture_put(image, out);
	}
	return SLV_OK;
}

slv_err slv_ops_interesting(VipsImage *image, enum slv_gravity gravity, struct slv_rect *rect)
{
	SLV_CLEANUP(slv_picture_done) VipsImage *out = NULL;
	VipsInteresting how = gravity == SLV_GRAVITY_ENTROPY ? VIPS_INTERESTING_ENTROPY
	                                                     : VIPS_INTERESTING_ATTENTION;
	if (vips_smartcrop(image, &out, (int)rect->width, (int)rect->height, "interesting", how,
			    NULL) != 0)
		return failed("smart crop");
	/* An area that was cut out remembers where its origin's origin is. */
	rect->left = (uint32_t)-vips_image_get_xoffset(out);
	rect->top = (uint32_t)-vips_image_get_yoffset(out);
	return SLV_OK;
}

slv_err slv_ops_add_alpha(VipsImage **image)
{
	VipsImage *out;
	if (vips_image_hasalpha(*image))
		return SLV_OK;
	if (vips_addalpha(*image, &out, NULL) != 0)
		return failed("alpha");
	slv_picture_put(image, out);
	return SLV_OK;
}

slv_err slv_ops_drop_alpha(VipsImage **image)
{
	VipsImage *out;
	if (!vips_image_hasalpha(*image))
		return SLV_OK;
	if (vips_extract_band(*image, &out, 0, "n", 3, NULL) != 0)
		return failed("alpha");
	slv_picture_put(image, out);
	return SLV_OK;
}

slv_err slv_ops_embed(VipsImage **image, int32_t left, int32_t top, uint32_t width, uint32_t height,
		struct slv_colour colour)
{
	VipsImage *out;
	if (width == width_of(*image) && height == height_of(*image))
		return SLV_OK;
	if (colour.a < 255) {
		slv_err err = slv_ops_add_alpha(image);
		if (slv_failed(err))
			return err;
	}
	double ink[4] = { colour.r, colour.g, colour.b, colour.a };
	VipsArrayDouble *ink_array = vips_array_double_new(ink, vips_image_get_bands(*image));
	int rc = vips_embed(*image, &out, left, top, (int)width, (int)height, "extend",
			VIPS_EXTEND_BACKGROUND, "background", ink_array, NULL);
	vips_area_unref(VIPS_AREA(ink_array));
	if (rc != 0)
		return failed("pad");
	slv_picture_put(image, out);
	return SLV_OK;
}

/* A canvas of one colour, as large as `like`. */
static VipsImage *canvas(VipsImage *like, struct slv_colour colour)
{
	VipsImage *out = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *black = NULL;
	SLV_CLEANUP(slv_picture_done) VipsImage *filled = NULL;
	double ink[4] = { colour.r, colour.g, colour.b, colour.a };
	double ones[4] = { 1, 1, 1, 1 };
	if (vips_black(&black, vips_image_get_width(like), vips_image_get_height(like), "bands", 4,
			    NULL) != 0 ||
			vips_linear(black, &filled, ones, ink, 4, "uchar", TRUE, NULL) != 0 ||
			vips_copy(filled, &out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) !=
					0)
		return NULL;
	return out;
}

slv_err slv_ops_flatten(VipsImage **image, struct slv_colour colour)
{
	VipsImage *out = NULL;
	if (!vips_image_hasalpha(*image))
		return SLV_OK;
	if (colour.a == 255) {
		double ink[3] = { colour.r, colour.g, colour.b };
		VipsArrayDouble *ink_array = vips_array_double_new(ink, 3);
		int rc = vips_flatten(*image, &out, "background", ink_array, NULL);
		vips_area_unref(VIPS_AREA(ink_array));
		if (rc != 0)
			return failed("background");
		slv_picture_put(image, out);
		return cast(image, VIPS_FORMAT_UCHAR) != 0 ? failed("background") : SLV_OK;
	}
	SLV_CLEANUP(slv_picture_done) VipsImage *under = canvas(*image, colour);
	if (!under || vips_composite2(under, *image, &out, VIPS_BLEND_MODE_OVER, NULL) != 0)
		return failed("background");
	slv_picture_put(image, out);
	return cast(image, VIPS_FORMAT_UCHAR) != 0 ? failed("background") : SLV_OK;
}

static int blur(VipsImage **image, double sigma)
{
	int width = vips_image_get_width(*image), height = vips_image_get_height(*image);
	double shrink = sigma > BLUR_SIGMA_FULL ? sigma / BLUR_SIGMA_SMALL : 1;
	double small_x = fmax(1, round(width / shrink)), small_y = fmax(1, round(height / shrink));
	VipsImage *out;
	if (weigh(image) != 0)
		return -1;
	if (shrink > 1) {
		if (vips_resize(*image, &out, small_x / width, "vscale", small_y / height, "kernel",
				    VIPS_KERNEL_LINEAR, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
		sigma = BLUR_SIGMA_SMALL;
	}
	if (vips_gaussblur(*image, &out, sigma, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	if (shrink > 1) {
		if (vips_resize(*image, &out, width / small_x, "vscale", height / small_y, "kernel",
				    VIPS_KERNEL_CUBIC, NULL) != 0)
			return -1;
		slv_picture_put(image, out);
	}
	return unweigh(image);
}

/* Each pixel moves away from the mean of its eight neighbours. */
static int sharpen(VipsImage **image, double amount)
{
	double side = -amount / 16, centre = 1 + amount / 2;
	SLV_CLEANUP(slv_picture_done)
	VipsImage *mask = vips_image_new_matrixv(
			3, 3, side, side, side, side, centre, side, side, side, side);
	VipsImage *out;
	if (!mask || vips_conv(*image, &out, mask, "precision", VIPS_PRECISION_FLOAT, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	VipsImage *rounded;
	if (vips_round(*image, &rounded, VIPS_OPERATION_ROUND_RINT, NULL) != 0)
		return -1;
	slv_picture_put(image, rounded);
	return cast(image, VIPS_FORMAT_UCHAR);
}

static uint8_t byte_of(double value)
{
	return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

/* Brightness, contrast and gamma look at one channel of one pixel: one table does all three. */
static int tone(VipsImage **image, const struct slv_pixel_plan *plan)
{
	uint8_t table[256];
	for (int i = 0; i < 256; i++) {
		double value = i * plan->brightness;
		value = (value - 127.5) * plan->contrast + 127.5;
		value = value < 0 ? 0 : value > 255 ? 255 : value;
		table[i] = byte_of(255 * pow(value / 255, 1 / plan->gamma));
	}
	SLV_CLEANUP(slv_picture_done)
	VipsImage *lut = vips_image_new_from_memory_copy(
			table, sizeof(table), 256, 1, 1, VIPS_FORMAT_UCHAR);
	VipsImage *out;
	if (!lut || vips_maplut(*image, &out, lut, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	return 0;
}

/* Filter Effects 1, saturate(): away from or towards the luma. */
static int saturate(VipsImage **image, double s)
{
	const double r = 0.213, g = 0.715, b = 0.072;
	SLV_CLEANUP(slv_picture_done)
	VipsImage *matrix = vips_image_new_matrixv(3, 3, r + s * (1 - r), g - s * g, b - s * b,
			r - s * r, g + s * (1 - g), b - s * b, r - s * r, g - s * g,
			b + s * (1 - b));
	VipsImage *out;
	if (!matrix || vips_recomb(*image, &out, matrix, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	if (vips_round(*image, &out, VIPS_OPERATION_ROUND_RINT, NULL) != 0)
		return -1;
	slv_picture_put(image, out);
	return cast(image, VIPS_FORMAT_UCHAR);
}

static int filter_colours(VipsImage **image, const struct slv_pixel_plan *plan)
{
	if (plan->sharpen > 0 && sharpen(image, plan->sharpen) != 0)
		return -1;
	if ((plan->brightness != 1 || plan->contrast != 1 || plan->gamma != 1) &&
			tone(image, plan) != 0)
		return -1;
	return plan->saturation != 1 ? saturate(image, plan->saturation) : 0;
}

slv_err slv_ops_filter(VipsImage **image, const struct slv_pixel_plan *plan)
{
	if (plan->blur > 0 && blur(image, plan->blur / 2) != 0)
		return failed("blur");
	bool colours = plan->sharpen > 0 || plan->brightness != 1 || plan->contrast != 1 ||
	               plan->gamma != 1 || plan->saturation != 1;
	if (!colours)
		return SLV_OK;

	/* Alpha stays as it is. */
	SLV_CLEANUP(slv_picture_done) VipsImage *alpha = NULL;
	if (vips_image_hasalpha(*image) && vips_extract_band(*image, &alpha, 3, NULL) != 0)
		return failed("filter");
	slv_err err = slv_ops_drop_alpha(image);
	if (slv_failed(err))
		return err;
	if (filter_colours(image, plan) != 0)
		return failed("filter");
	VipsImage *out;
	if (alpha) {
		if (vips_bandjoin2(*image, alpha, &out, NULL) != 0)
			return failed("filter");
		slv_picture_put(image, out);
	}
	/* Matrices leave pixels that are nobody's. */
	if (vips_copy(*image, &out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) != 0)
		return failed("filter");
	slv_picture_put(image, out);
	return SLV_OK;
}
