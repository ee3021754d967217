#include "jail/image/layout.h"

#include <math.h>

#define SCALED_SIDE_MAX 1000000 /* px; libvips counts to 10 million */

struct slv_turn slv_turn_exif(int orientation)
{
	/* TIFF 6.0, tag 274: where row 0 and column 0 are shown */
	static const struct slv_turn turns[] = {
		[2] = { .flip_h = true },
		[3] = { .flip_h = true, .flip_v = true },
		[4] = { .flip_v = true },
		[5] = { .swap = true },
		[6] = { .swap = true, .flip_h = true },
		[7] = { .swap = true, .flip_h = true, .flip_v = true },
		[8] = { .swap = true, .flip_v = true },
	};
	return orientation >= 2 && orientation <= 8 ? turns[orientation] : (struct slv_turn){ 0 };
}

struct slv_turn slv_turn_plan(struct slv_turn turn, const struct slv_pixel_plan *plan)
{
	turn.flip_h ^= (plan->flip & SLV_FLIP_H) != 0;
	turn.flip_v ^= (plan->flip & SLV_FLIP_V) != 0;
	/* A quarter clockwise swaps rows and columns, which makes each mirror the other, and
	 * mirrors horizontally. */
	for (int quarter = plan->rotate / 90; quarter > 0; quarter--)
		turn = (struct slv_turn){ !turn.swap, !turn.flip_v, turn.flip_h };
	return turn;
}

struct slv_rect slv_turn_back(
		struct slv_turn turn, struct slv_rect rect, uint32_t width, uint32_t height)
{
	if (turn.flip_h)
		rect.left = width - rect.left - rect.width;
	if (turn.flip_v)
		rect.top = height - rect.top - rect.height;
	if (turn.swap)
		rect = (struct slv_rect){ rect.top, rect.left, rect.height, rect.width };
	return rect;
}

slv_err slv_layout_trim(struct slv_arena *arena, const struct slv_pixel_plan *plan, uint32_t width,
		uint32_t height, struct slv_rect *ret_rect)
{
	uint64_t left = 0, top = 0, right = width, bottom = height;
	if (plan->trim == SLV_TRIM_SIDES) {
		left = plan->trim_left;
		top = plan->trim_top;
		right = width > plan->trim_right ? width - plan->trim_right : 0;
		bottom = height > plan->trim_bottom ? height - plan->trim_bottom : 0;
	} else if (plan->trim == SLV_TRIM_BOX) {
		left = plan->trim_left;
		top = plan->trim_top;
		if (plan->trim_width > 0 && left + plan->trim_width < right)
			right = left + plan->trim_width;
		if (plan->trim_height > 0 && top + plan->trim_height < bottom)
			bottom = top + plan->trim_height;
	}
	if (left >= right || top >= bottom)
		return slv_err_printf(arena, SLV_E_OPTION,
				"trim: nothing is left of a picture of %u x %u", width, height);
	*ret_rect = (struct slv_rect){ (uint32_t)left, (uint32_t)top, (uint32_t)(right - left),
		(uint32_t)(bottom - top) };
	return SLV_OK;
}

/* A length in px, at least one. What is beyond all limits stays beyond them. */
static uint32_t px(double value)
{
	if (value < 1)
		return 1;
	return value >= 1e9 ? 1000000000u : (uint32_t)lround(value);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

struct box {
	double width, height; /* asked for, dpr included; 0: not */
	enum slv_fit fit;
};

/* The factor that brings `width` x `height` into or over the box. */
static double box_scale(const struct box *box, double width, double height)
{
	double x = box->width / width, y = box->height / height;
	if (box->width <= 0 || box->height <= 0)
		return box->width > 0 ? x : y;

	bool over = box->fit == SLV_FIT_COVER || box->fit == SLV_FIT_CROP ||
	            box->fit == SLV_FIT_ASPECT_CROP;
	return over == (x > y) ? x : y;
}

/* The part of the scaled picture that is kept, its size first. */
static void crop_size(
		const struct box *box, uint32_t width, uint32_t height, struct slv_layout *layout)
{
	uint32_t box_width = px(box->width), box_height = px(box->height);
	layout->crop.width = layout->scaled_width;
	layout->crop.height = layout->scaled_height;
	if (box->width <= 0 || box->height <= 0)
		return;
	if (box->fit == SLV_FIT_COVER || box->fit == SLV_FIT_CROP) {
		layout->crop.width = least(box_width, layout->scaled_width);
		layout->crop.height = least(box_height, layout->scaled_height);
	} else if (box->fit == SLV_FIT_ASPECT_CROP) {
		double shrink = fmin(1, fmin(width / box->width, height / box->height));
		layout->crop.width = least(px(box->width * shrink), layout->scaled_width);
		layout->crop.height = least(px(box->height * shrink), layout->scaled_height);
	}
}

/* The same relative point of both falls together. */
static uint32_t place(uint32_t room, uint32_t len, double at)
{
	return (uint32_t)lround((double)(room - len) * at);
}

static void fit_into(const struct box *box, struct slv_point point, uint32_t width, uint32_t height,
		struct slv_layout *layout)
{
	layout->scaled_width = width;
	layout->scaled_height = height;
	if (box->width > 0 || box->height > 0) {
		double scale = box_scale(box, width, height);
		if (box->fit == SLV_FIT_SCALE_UP)
			scale = fmax(scale, 1);
		else if (box->fit != SLV_FIT_CONTAIN && box->fit != SLV_FIT_COVER &&
				box->fit != SLV_FIT_SQUEEZE)
			scale = fmin(scale, 1);
		layout->scaled_width = px(width * scale);
		layout->scaled_height = px(height * scale);
	}
	bool both = box->width > 0 && box->height > 0;
	if (box->fit == SLV_FIT_SQUEEZE && both) {
		layout->scaled_width = px(box->width);
		layout->scaled_height = px(box->height);
	}
	crop_size(box, width, height, layout);
	layout->crop.left = place(layout->scaled_width, layout->crop.width, point.x);
	layout->crop.top = place(layout->scaled_height, layout->crop.height, point.y);

	layout->canvas_width = layout->crop.width;
	layout->canvas_height = layout->crop.height;
	if (box->fit == SLV_FIT_PAD && both) {
		/* Rounding may have gone one px past the box. */
		layout->scaled_width = layout->crop.width =
				least(layout->scaled_width, px(box->width));
		layout->scaled_height = layout->crop.height =
				least(layout->scaled_height, px(box->height));
		layout->canvas_width = px(box->width);
		layout->canvas_height = px(box->height);
	}
	layout->canvas_left = place(layout->canvas_width, layout->crop.width, point.x);
	layout->canvas_top = place(layout->canvas_height, layout->crop.height, point.y);
}

static slv_err check_size(struct slv_arena *arena, const struct slv_pixel_limits *limits,
		uint64_t width, uint64_t height, uint64_t frames)
{
	uint64_t side = width > height ? width : height;
	if (side > limits->output_side_max)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"output side of %llu px: at most %u are allowed",
				(unsigned long long)side, limits->output_side_max);
	if (width * height * frames > limits->output_pixels_max)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"output of %llu px: at most %llu are allowed",
				(unsigned long long)(width * height * frames),
				(unsigned long long)limits->output_pixels_max);
	return SLV_OK;
}

static slv_err check_scaled(struct slv_arena *arena, const struct slv_pixel_limits *limits,
		const struct slv_layout *layout)
{
	uint64_t width = layout->scaled_width, height = layout->scaled_height;
	uint64_t max = layout->smart ? limits->output_pixels_max : UINT64_MAX;
	if (width > SCALED_SIDE_MAX || height > SCALED_SIDE_MAX || width * height > max)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"picture scaled to %llu x %llu before it is cropped: too large",
				(unsigned long long)width, (unsigned long long)height);
	return SLV_OK;
}

slv_err slv_layout_make(struct slv_arena *arena, const struct slv_pixel_plan *plan, uint32_t width,
		uint32_t height, uint32_t frames, struct slv_layout *ret_layout)
{
	struct slv_layout layout = { 0 };
	bool smart = plan->gravity != SLV_GRAVITY_POINT;
	struct slv_point point = smart ? (struct slv_point){ 0.5, 0.5 } : plan->point;
	struct box box = { plan->width * plan->dpr, plan->height * plan->dpr,
		(enum slv_fit)plan->fit };
	fit_into(&box, point, width, height, &layout);
	layout.smart = smart && (layout.crop.width < layout.scaled_width ||
						layout.crop.height < layout.scaled_height);
	/* A thin strip that fills a large box is scaled to far more than is shown. */
	slv_err err = check_scaled(arena, &plan->limits, &layout);
	if (slv_failed(err))
		return err;

	layout.border_top = (uint32_t)lround(plan->border_top * plan->dpr);
	layout.border_right = (uint32_t)lround(plan->border_right * plan->dpr);
	layout.border_bottom = (uint32_t)lround(plan->border_bottom * plan->dpr);
	layout.border_left = (uint32_t)lround(plan->border_left * plan->dpr);
	layout.width = layout.canvas_width + layout.border_left + layout.border_right;
	layout.height = layout.canvas_height + layout.border_top + layout.border_bottom;
	err = check_size(arena, &plan->limits, layout.width, layout.height, frames);
	if (!slv_failed(err))
		*ret_layout = layout;
	return err;
}

static void shrink_rect(struct slv_rect *rect, double factor, uint32_t width, uint32_t height)
{
	rect->width = least(px(rect->width * factor), width);
	rect->height = least(px(rect->height * factor), height);
	rect->left = least((uint32_t)lround(rect->left * factor), width - rect->width);
	rect->top = least((uint32_t)lround(rect->top * factor), height - rect->height);
}

void slv_layout_shrink(struct slv_layout *layout, double factor)
{
	struct slv_rect canvas = { layout->canvas_left, layout->canvas_top, layout->crop.width,
		layout->crop.height };
	layout->scaled_width = px(layout->scaled_width * factor);
	layout->scaled_height = px(layout->scaled_height * factor);
	layout->canvas_width = px(layout->canvas_width * factor);
	layout->canvas_height = px(layout->canvas_height * factor);
	shrink_rect(&layout->crop, factor, layout->scaled_width, layout->scaled_height);
	layout->crop.width = least(layout->crop.width, layout->canvas_width);
	layout->crop.height = least(layout->crop.height, layout->canvas_height);
	shrink_rect(&canvas, factor, layout->canvas_width, layout->canvas_height);
	layout->canvas_left = least(canvas.left, layout->canvas_width - layout->crop.width);
	layout->canvas_top = least(canvas.top, layout->canvas_height - layout->crop.height);
	layout->border_top = layout->border_right = layout->border_bottom = 0;
	layout->border_left = 0;
	layout->width = layout->canvas_width;
	layout->height = layout->canvas_height;
}

int32_t slv_layout_offset(uint32_t room, uint32_t len, bool has_near, uint32_t near, bool has_far,
		uint32_t far)
{
	if (has_near)
		return (int32_t)near;
	if (has_far)
		return (int32_t)room - (int32_t)len - (int32_t)far;
	return ((int32_t)room - (int32_t)len) / 2;
}
