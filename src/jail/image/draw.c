#include "jail/image/draw.h"

#include "base/attr.h"
#include "jail/image/layout.h"
#include "jail/image/load.h"
#include "jail/image/ops.h"
#include "jail/image/picture.h"

static slv_err failed(void)
{
	vips_error_clear();
	return SLV_ERR(SLV_E_INTERNAL, "draw");
}

/* What is asked of an overlay, as if it were a picture. */
static struct slv_pixel_plan overlay_plan(
		const struct slv_pixel_plan *plan, const struct slv_pixel_draw *draw)
{
	return (struct slv_pixel_plan){ .magic = SLV_PIXEL_MAGIC,
		.allow_jxl = plan->allow_jxl,
		.allow_svg = plan->allow_svg,
		.width = draw->width,
		.height = draw->height,
		.dpr = 1,
		.fit = draw->fit,
		.gravity = draw->gravity,
		.point = draw->point,
		.rotate = draw->rotate,
		.limits = plan->limits };
}

static slv_err fade(VipsImage **image, double opacity)
{
	double factors[4] = { 1, 1, 1, opacity }, zeroes[4] = { 0 };
	VipsImage *out;
	if (opacity == 1)
		return SLV_OK;
	if (vips_linear(*image, &out, factors, zeroes, 4, "uchar", TRUE, NULL) != 0)
		return failed();
	slv_picture_put(image, out);
	return SLV_OK;
}

slv_err slv_draw_load(struct slv_arena *arena, slv_str bytes, const struct slv_pixel_plan *plan,
		const struct slv_pixel_draw *draw, VipsImage **ret_overlay)
{
	struct slv_pixel_plan own = overlay_plan(plan, draw);
	struct slv_load load;
	slv_err err = slv_load_head(arena, bytes, &own, &load);
	if (!slv_failed(err))
		err = slv_load_layout(arena, &own, &load);
	if (slv_failed(err))
		return err;
	const struct slv_layout *layout = &load.layout;
	SLV_CLEANUP(slv_picture_done) VipsImage *image = NULL;
	err = slv_load_frames(arena, &own, &load, &image);
	if (!slv_failed(err))
		err = slv_ops_add_alpha(&image);
	if (!slv_failed(err))
		err = slv_ops_embed(&image, (int32_t)layout->canvas_left,
				(int32_t)layout->canvas_top, layout->canvas_width,
				layout->canvas_height, (struct slv_colour){ 0 });
	if (!slv_failed(err) && draw->background.a > 0)
		err = slv_ops_flatten(&image, draw->background);
	if (!slv_failed(err))
		err = slv_ops_add_alpha(&image);
	if (!slv_failed(err))
		err = fade(&image, draw->opacity);
	if (!slv_failed(err))
		err = slv_ops_pull(&image);
	if (!slv_failed(err))
		*ret_overlay = slv_picture_take(&image);
	return err;
}

/* One axis of a repeated overlay: how many, and where the first begins. */
static int32_t tile(int32_t at, uint32_t len, uint32_t room, int *ret_count)
{
	int32_t size = (int32_t)len;
	int32_t first = at % size;
	if (first > 0)
		first -= size;
	*ret_count = ((int32_t)room - first + size - 1) / size;
	return first;
}

static VipsBlendMode blend_of(uint8_t composite)
{
	static const VipsBlendMode modes[SLV_COMPOSITE_COUNT] = {
		[SLV_COMPOSITE_OVER] = VIPS_BLEND_MODE_OVER,
		[SLV_COMPOSITE_IN] = VIPS_BLEND_MODE_IN,
		[SLV_COMPOSITE_ATOP] = VIPS_BLEND_MODE_ATOP,
		[SLV_COMPOSITE_OUT] = VIPS_BLEND_MODE_OUT,
		[SLV_COMPOSITE_XOR] = VIPS_BLEND_MODE_XOR,
		[SLV_COMPOSITE_LIGHTER] = VIPS_BLEND_MODE_ADD,
	};
	return modes[composite];
}

slv_err slv_draw_onto(VipsImage **image, VipsImage *overlay, const struct slv_pixel_draw *draw)
{
	uint32_t width = (uint32_t)vips_image_get_width(*image);
	uint32_t height = (uint32_t)vips_image_get_height(*image);
	uint32_t own_width = (uint32_t)vips_image_get_width(overlay);
	uint32_t own_height = (uint32_t)vips_image_get_height(overlay);
	int32_t x = slv_layout_offset(width, own_width, draw->edges & SLV_EDGE_LEFT, draw->left,
			draw->edges & SLV_EDGE_RIGHT, draw->right);
	int32_t y = slv_layout_offset(height, own_height, draw->edges & SLV_EDGE_TOP, draw->top,
			draw->edges & SLV_EDGE_BOTTOM, draw->bottom);
	int across = 1, down = 1;
	if (draw->repeat & SLV_REPEAT_X)
		x = tile(x, own_width, width, &across);
	if (draw->repeat & SLV_REPEAT_Y)
		y = tile(y, own_height, height, &down);

	SLV_CLEANUP(slv_picture_done) VipsImage *tiles = NULL;
	VipsImage *out;
	bool alpha = vips_image_hasalpha(*image);
	if (vips_replicate(overlay, &tiles, across, down, NULL) != 0 ||
			vips_composite2(*image, tiles, &out, blend_of(draw->composite), "x", (int)x,
					"y", (int)y, NULL) != 0)
		return failed();
	slv_picture_put(image, out);
	if (vips_cast(*image, &out, VIPS_FORMAT_UCHAR, NULL) != 0)
		return failed();
	slv_picture_put(image, out);
	bool stays = draw->composite == SLV_COMPOSITE_OVER ||
	             draw->composite == SLV_COMPOSITE_ATOP ||
	             draw->composite == SLV_COMPOSITE_LIGHTER;
	return !alpha && stays ? slv_ops_drop_alpha(image) : SLV_OK;
}
