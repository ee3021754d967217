#include "jail/image/load.h"

#include "base/attr.h"
#include "jail/image/ops.h"
#include "jail/image/picture.h"

#include <stdlib.h>

slv_err slv_load_head(struct slv_arena *arena, slv_str bytes, const struct slv_pixel_plan *plan,
		struct slv_load *ret_load)
{
	struct slv_load load = { 0 };
	slv_err err = slv_decode_head(arena, bytes, plan, &load.source);
	if (slv_failed(err))
		return err;
	struct slv_turn exif = slv_turn_exif(load.source.orientation);
	load.width = exif.swap ? load.source.height : load.source.width;
	load.height = exif.swap ? load.source.width : load.source.height;
	load.turn = slv_turn_plan(exif, plan);
	*ret_load = load;
	return SLV_OK;
}

static uint32_t less(uint32_t value, uint32_t by)
{
	return value > by ? value - by : 0;
}

/* What is border: a colour or, with `of_alpha`, an opacity. */
struct border {
	bool of_alpha;
	int ink[3];
};

/* A corner that is not seen says that the border is what is not seen: the colours behind it are
 * anything, and mostly the black that a logo may consist of. */
static struct border choose_border(VipsImage *image, const struct slv_pixel_plan *plan,
		struct slv_turn exif, uint32_t shown_width, uint32_t shown_height)
{
	struct slv_colour colour = plan->trim_colour;
	if (colour.a == 0) {
		struct slv_rect corner = slv_turn_back(
				exif, (struct slv_rect){ 0, 0, 1, 1 }, shown_width, shown_height);
		const VipsPel *pel = VIPS_IMAGE_ADDR(image, (int)corner.left, (int)corner.top);
		if (vips_image_hasalpha(image) && pel[3] <= plan->trim_tolerance)
			return (struct border){ .of_alpha = true };
		colour = (struct slv_colour){ pel[0], pel[1], pel[2], 255 };
	}
	return (struct border){ .ink = { colour.r, colour.g, colour.b } };
}

static bool stands_out(const VipsPel *pel, bool alpha, const struct border *border, int tolerance)
{
	if (border->of_alpha)
		return pel[3] > tolerance;
	int opacity = alpha ? pel[3] : 255;
	for (int i = 0; i < 3; i++)
		if (abs(pel[i] - border->ink[i]) * opacity > tolerance * 255)
			return true;
	return false;
}

/* The box around what differs from the border, raw; `image` is in memory, with three channels or
 * four. Not vips_find_trim(): of what is one pixel wide it would lose all, by a filter that libvips
 * 8.14 has no option to leave out. */
static struct slv_rect find_border(
		VipsImage *image, const struct slv_pixel_plan *plan, const struct border *border)
{
	bool alpha = vips_image_hasalpha(image);
	int pel_bytes = image->Bands, left = image->Xsize, top = -1, right = -1, bottom = -1;
	for (int y = 0; y < image->Ysize; y++) {
		const VipsPel *row = VIPS_IMAGE_ADDR(image, 0, y);
		int first = 0, last = image->Xsize - 1;
		while (first <= last && !stands_out(row + first * pel_bytes, alpha, border,
							plan->trim_tolerance))
			first++;
		if (first > last)
			continue;
		while (!stands_out(row + last * pel_bytes, alpha, border, plan->trim_tolerance))
			last--;
		left = first < left ? first : left;
		right = last > right ? last : right;
		top = top < 0 ? y : top;
		bottom = y;
	}
	uint32_t raw_width = (uint32_t)image->Xsize, raw_height = (uint32_t)image->Ysize;
	if (bottom < 0) /* all of one colour: nothing stands out, nothing is cut */
		return (struct slv_rect){ 0, 0, raw_width, raw_height };
	uint32_t keep = plan->trim_keep;
	uint32_t past_right = less(raw_width, (uint32_t)right + 1);
	uint32_t past_bottom = less(raw_height, (uint32_t)bottom + 1);
	struct slv_rect rect = { less((uint32_t)left, keep), less((uint32_t)top, keep), 0, 0 };
	rect.width = raw_width - rect.left - less(past_right, keep);
	rect.height = raw_height - rect.top - less(past_bottom, keep);
	return rect;
}

static slv_err trim_border(
		struct slv_arena *arena, const struct slv_pixel_plan *plan, struct slv_load *load)
{
	struct slv_source first = load->source;
	first.frames = 1;
	SLV_CLEANUP(slv_picture_done) VipsImage *image = NULL;
	slv_err err = slv_decode_open(arena, &first, 1, 1, &image);
	if (!slv_failed(err))
		err = slv_ops_plain(&image);
	if (!slv_failed(err))
		err = slv_ops_pull(&image);
	if (slv_failed(err))
		return err;
	if (image->Bands < 3)
		return SLV_ERR(SLV_E_CORRUPT, "a picture without three colours");
	struct border border = choose_border(
			image, plan, slv_turn_exif(first.orientation), load->width, load->height);
	load->trim = find_border(image, plan, &border);
	return SLV_OK;
}

slv_err slv_load_layout(
		struct slv_arena *arena, const struct slv_pixel_plan *plan, struct slv_load *load)
{
	slv_err err;
	if (plan->trim == SLV_TRIM_BORDER) {
		err = trim_border(arena, plan, load);
	} else {
		err = slv_layout_trim(arena, plan, load->width, load->height, &load->trim);
		if (!slv_failed(err))
			load->trim = slv_turn_back(slv_turn_exif(load->source.orientation),
					load->trim, load->width, load->height);
	}
	if (slv_failed(err))
		return err;
	bool swap = load->turn.swap;
	return slv_layout_make(arena, plan, swap ? load->trim.height : load->trim.width,
			swap ? load->trim.width : load->trim.height, load->source.frames,
			&load->layout);
}

/* How the file is decoded: what it is divided by, or for SVG multiplied with. */
struct lens {
	uint32_t shrink;
	double zoom;
	struct slv_rect trim;  /* through it */
	uint32_t frame_height; /* through it */
};

static struct lens choose_lens(
		const struct slv_load *load, uint32_t width, uint32_t height, uint64_t pixels_max)
{
	const struct slv_source *source = &load->source;
	double x = (double)load->trim.width / width, y = (double)load->trim.height / height;
	double scale = x < y ? x : y;
	uint32_t shrink = slv_decode_shrink(source, scale, load->trim.left, load->trim.top);
	struct lens lens = { .shrink = shrink, .zoom = 1, .trim = load->trim };
	lens.trim.left /= shrink;
	lens.trim.top /= shrink;
	lens.trim.width = (lens.trim.width + shrink - 1) / shrink;
	lens.trim.height = (lens.trim.height + shrink - 1) / shrink;
	lens.frame_height = (source->height + shrink - 1) / shrink;

	bool whole = load->trim.width == source->width && load->trim.height == source->height;
	double pixels = source->width / scale * (source->height / scale);
	if (source->format == SLV_FORMAT_SVG && whole && pixels <= (double)pixels_max) {
		lens.zoom = 1 / scale;
		lens.trim.width = lens.trim.height = 0; /* known when it is opened */
	}
	return lens;
}

/* The `index`-th frame of the stream, scaled, in memory, turned. */
static slv_err take_frame(VipsImage *stream, const struct slv_load *load, const struct lens *lens,
		uint32_t index, VipsImage **ret_frame)
{
	const struct slv_layout *layout = &load->layout;
	bool swap = load->turn.swap;
	uint32_t width = swap ? layout->scaled_height : layout->scaled_width;
	uint32_t height = swap ? layout->scaled_width : layout->scaled_height;
	struct slv_rect crop = { 0, 0, width, height };
	if (!layout->smart)
		crop = slv_turn_back(load->turn, layout->crop, layout->scaled_width,
				layout->scaled_height);
	struct slv_rect area = lens->trim;
	area.top += index * lens->frame_height;

	g_object_ref(stream);
	SLV_CLEANUP(slv_picture_done) VipsImage *frame = stream;
	slv_err err = slv_ops_crop(&frame, area);
	if (!slv_failed(err))
		err = slv_ops_scale(&frame, width, height, crop);
	if (!slv_failed(err))
		err = slv_ops_pull(&frame);
	if (!slv_failed(err))
		err = slv_ops_turn(&frame, load->turn);
	if (!slv_failed(err))
		*ret_frame = slv_picture_take(&frame);
	return err;
}

static slv_err take_frames(VipsImage *stream, const struct slv_pixel_plan *plan,
		struct slv_load *load, const struct lens *lens, VipsImage **frames, uint32_t *count)
{
	struct slv_layout *layout = &load->layout;
	slv_err err = SLV_OK;
	for (*count = 0; *count < load->source.frames && !slv_failed(err);) {
		VipsImage **frame = &frames[*count];
		err = take_frame(stream, load, lens, *count, frame);
		if (slv_failed(err))
			break;
		++*count;
		/* What is interesting in the first frame is taken of all. */
		if (layout->smart && *count == 1) {
			err = slv_ops_pull(frame);
			if (!slv_failed(err))
				err = slv_ops_interesting(*frame, (enum slv_gravity)plan->gravity,
						&layout->crop);
		}
		if (layout->smart && !slv_failed(err))
			err = slv_ops_crop(frame, layout->crop);
	}
	return err;
}

slv_err slv_load_frames(struct slv_arena *arena, const struct slv_pixel_plan *plan,
		struct slv_load *load, VipsImage **ret_frames)
{
	const struct slv_layout *layout = &load->layout;
	bool swap = load->turn.swap;
	struct lens lens = choose_lens(load, swap ? layout->scaled_height : layout->scaled_width,
			swap ? layout->scaled_width : layout->scaled_height,
			plan->limits.source_pixels_max);
	SLV_CLEANUP(slv_picture_done) VipsImage *stream = NULL;
	slv_err err = slv_decode_open(arena, &load->source, lens.shrink, lens.zoom, &stream);
	if (slv_failed(err))
		return err;
	uint32_t width = (uint32_t)vips_image_get_width(stream);
	uint32_t height = (uint32_t)vips_image_get_height(stream);
	if (lens.trim.width == 0)
		lens.trim = (struct slv_rect){ 0, 0, width, height };
	/* A decoder may round the other way. */
	if (lens.trim.left + lens.trim.width > width)
		lens.trim.width = width - lens.trim.left;
	if (lens.trim.top + lens.trim.height > height)
		lens.trim.height = height - lens.trim.top;

	uint32_t count = 0;
	err = take_frames(stream, plan, load, &lens, ret_frames, &count);
	while (slv_failed(err) && count > 0)
		g_clear_object(&ret_frames[--count]);
	return err;
}
