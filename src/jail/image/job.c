#include "jail/image/job.h"

#include "base/attr.h"
#include "jail/image/draw.h"
#include "jail/image/encode.h"
#include "jail/image/exif.h"
#include "jail/image/hash.h"
#include "jail/image/layout.h"
#include "jail/image/load.h"
#include "jail/image/ops.h"
#include "jail/image/picture.h"
#include "jail/image/svg.h"

#include <stdio.h>
#include <string.h>

#define WEBP_SIDE_MAX 16383 /* its container has 14 bits */

struct work {
	struct slv_arena *arena;
	const struct slv_job *job;
	const struct slv_pixel_plan *plan;
	struct slv_pixel_result *result;
	struct slv_load load;
	enum slv_format format; /* of the output */
	VipsImage **frames;     /* load.source.frames of them */
	VipsImage *overlays[SLV_PIXEL_DRAWS_MAX];
};

static uint32_t elapsed_us(gint64 *since)
{
	gint64 now = g_get_monotonic_time();
	gint64 us = now - *since;
	*since = now;
	return us < 0 ? 0 : (uint32_t)us;
}

/* As the source, if it can be written and the client shows it. */
static enum slv_format same_format(
		const struct slv_pixel_plan *plan, const struct slv_source *source)
{
	static const unsigned written = SLV_BIT(SLV_FORMAT_JPEG) | SLV_BIT(SLV_FORMAT_PNG) |
	                                SLV_BIT(SLV_FORMAT_WEBP) | SLV_BIT(SLV_FORMAT_AVIF) |
	                                SLV_BIT(SLV_FORMAT_GIF);
	if (written & ~(unsigned)plan->avoid & SLV_BIT(source->format))
		return source->format;
	return source->alpha ? SLV_FORMAT_PNG : SLV_FORMAT_JPEG;
}

/* What stands in where AVIF cannot. */
static enum slv_format fallback_format(
		const struct slv_pixel_plan *plan, const struct slv_source *source)
{
	return plan->fallback == SLV_FORMAT_SAME ? same_format(plan, source)
	                                         : (enum slv_format)plan->fallback;
}

static void fall_back(struct work *work)
{
	work->format = fallback_format(work->plan, &work->load.source);
	work->result->fell_back = true;
}

/* The header, the format and what is to be decoded. An animation cannot be written as AVIF: if the
 * fallback can hold it, that is taken, for a frame is not what was meant. */
static slv_err start(struct work *work)
{
	const struct slv_pixel_plan *plan = work->plan;
	slv_err err = slv_load_head(work->arena, work->job->source, plan, &work->load);
	if (slv_failed(err))
		return err;
	struct slv_source *source = &work->load.source;
	struct slv_pixel_result *result = work->result;
	result->source_format = (uint8_t)source->format;
	result->source_alpha = source->alpha;
	result->source_width = work->load.width;
	result->source_height = work->load.height;
	result->source_frames = source->frames_total;
	result->orientation = (uint16_t)source->orientation;

	bool same = plan->format == SLV_FORMAT_SAME || plan->format == SLV_FORMAT_SVG;
	work->format = same ? same_format(plan, source) : (enum slv_format)plan->format;
	if (plan->animate) {
		struct slv_source moving = *source;
		slv_decode_animate(&moving, &plan->limits);
		if (moving.frames > 1 && work->format == SLV_FORMAT_AVIF &&
				slv_encode_has_frames(fallback_format(plan, source)))
			fall_back(work);
		if (slv_encode_has_frames(work->format))
			*source = moving;
	}
	return slv_load_layout(work->arena, plan, &work->load);
}

/* The output is known now. */
static slv_err settle(struct work *work)
{
	const struct slv_layout *layout = &work->load.layout;
	struct slv_pixel_result *result = work->result;
	uint64_t pixels = (uint64_t)layout->width * layout->height;
	if (work->format == SLV_FORMAT_AVIF && pixels > work->plan->limits.avif_pixels_max)
		fall_back(work);
	uint32_t side = layout->width > layout->height ? layout->width : layout->height;
	if (work->format == SLV_FORMAT_WEBP && side > WEBP_SIDE_MAX)
		return slv_err_printf(work->arena, SLV_E_LIMIT,
				"output side of %u px: WebP has at most %u", side, WEBP_SIDE_MAX);
	result->format = (uint8_t)work->format;
	result->width = layout->width;
	result->height = layout->height;
	result->frames = work->load.source.frames;
	return SLV_OK;
}

static bool wants_hash(const struct slv_pixel_plan *plan)
{
	return plan->want_blurhash || plan->want_thumbhash;
}

static slv_err decode(struct work *work)
{
	struct slv_load *load = &work->load;
	if (work->plan->info_only) {
		struct slv_layout *layout = &load->layout;
		uint32_t side = layout->canvas_width > layout->canvas_height
		                                ? layout->canvas_width
		                                : layout->canvas_height;
		double factor = (double)SLV_HASH_SIDE_MAX / side;
		slv_layout_shrink(layout, factor < 1 ? factor : 1);
		load->source.frames = 1;
	}
	work->frames = g_new0(VipsImage *, load->source.frames);
	slv_err err = slv_load_frames(work->arena, work->plan, load, work->frames);
	if (slv_failed(err) || work->plan->info_only)
		return err;
	for (uint32_t i = 0; i < work->plan->draw_count && !slv_failed(err); i++)
		err = slv_draw_load(work->arena, work->job->draws[i], work->plan,
				&work->plan->draw[i], &work->overlays[i]);
	return err;
}

static slv_err flatten(const struct work *work, VipsImage **frame)
{
	struct slv_colour behind = work->plan->background;
	if (!slv_encode_has_alpha(work->format))
		behind.a = 255;
	else if (!work->plan->has_background)
		return SLV_OK;
	return slv_ops_flatten(frame, behind);
}

/* A frame that is scaled and turned becomes what is encoded. */
static slv_err finish(struct work *work, VipsImage **frame)
{
	const struct slv_pixel_plan *plan = work->plan;
	const struct slv_layout *layout = &work->load.layout;
	struct slv_colour behind = plan->background, border = plan->border_colour;
	if (!slv_encode_has_alpha(work->format))
		behind.a = border.a = 255;
	slv_err err = flatten(work, frame);
	if (!slv_failed(err))
		err = slv_ops_embed(frame, (int32_t)layout->canvas_left,
				(int32_t)layout->canvas_top, layout->canvas_width,
				layout->canvas_height, behind);
	if (plan->info_only || slv_failed(err))
		return slv_failed(err) ? err : slv_ops_pull(frame);
	err = slv_ops_embed(frame, (int32_t)layout->border_left, (int32_t)layout->border_top,
			layout->width, layout->height, border);
	for (uint32_t i = 0; i < plan->draw_count && !slv_failed(err); i++)
		err = slv_draw_onto(frame, work->overlays[i], &plan->draw[i]);
	if (!slv_failed(err))
		err = slv_ops_filter(frame, plan);
	/* An overlay may have made holes. */
	if (!slv_failed(err) && !slv_encode_has_alpha(work->format))
		err = flatten(work, frame);
	return slv_failed(err) ? err : slv_ops_pull(frame);
}

/* The hashes of the first frame. */
static slv_err hash(struct work *work)
{
	const struct slv_pixel_plan *plan = work->plan;
	if (!wants_hash(plan))
		return SLV_OK;
	g_object_ref(work->frames[0]);
	SLV_CLEANUP(slv_picture_done) VipsImage *small = work->frames[0];
	uint32_t width = (uint32_t)vips_image_get_width(small);
	uint32_t height = (uint32_t)vips_image_get_height(small);
	double factor = (double)SLV_HASH_SIDE_MAX / (width > height ? width : height);
	if (factor > 1)
		factor = 1;
	struct slv_layout layout = { .scaled_width = width, .scaled_height = height };
	slv_layout_shrink(&layout, factor);
	width = layout.scaled_width;
	height = layout.scaled_height;
	slv_err err = slv_ops_scale(
			&small, width, height, (struct slv_rect){ 0, 0, width, height });
	if (!slv_failed(err))
		err = slv_ops_add_alpha(&small);
	if (!slv_failed(err))
		err = slv_ops_pull(&small);
	if (slv_failed(err))
		return err;
	if (plan->want_thumbhash)
		slv_hash_thumb(VIPS_IMAGE_ADDR(small, 0, 0), width, height,
				work->result->thumbhash);
	if (!plan->want_blurhash)
		return SLV_OK;
	struct slv_colour behind = plan->background;
	behind.a = 255;
	err = slv_ops_flatten(&small, behind);
	if (!slv_failed(err))
		err = slv_ops_add_alpha(&small);
	if (!slv_failed(err))
		err = slv_ops_pull(&small);
	if (!slv_failed(err))
		slv_hash_blur(VIPS_IMAGE_ADDR(small, 0, 0), width, height, work->result->blurhash);
	return err;
}

/* All frames below each other, with their times. */
static slv_err join_frames(struct work *work, VipsImage **ret_roll)
{
	uint32_t count = work->load.source.frames;
	VipsImage *out;
	if (count == 1) {
		g_object_ref(work->frames[0]);
		*ret_roll = work->frames[0];
		return SLV_OK;
	}
	if (vips_arrayjoin(work->frames, &out, (int)count, "across", 1, NULL) != 0)
		return SLV_ERR(SLV_E_INTERNAL, "join frames");
	/* Its metadata is of the first, and shared with it until it is copied. */
	SLV_CLEANUP(slv_picture_done) VipsImage *joined = out;
	if (vips_copy(joined, &out, NULL) != 0)
		return SLV_ERR(SLV_E_INTERNAL, "join frames");
	vips_image_set_int(out, VIPS_META_PAGE_HEIGHT, vips_image_get_height(work->frames[0]));
	vips_image_set_int(out, VIPS_META_N_PAGES, (int)count);
	int *delay, delay_count;
	if (vips_image_get_typeof(out, "delay") != 0 &&
			vips_image_get_array_int(out, "delay", &delay, &delay_count) == 0 &&
			delay_count > (int)count) {
		int *kept = g_memdup2(delay, sizeof(int) * count);
		vips_image_set_array_int(out, "delay", kept, (int)count);
		g_free(kept);
	}
	*ret_roll = out;
	return SLV_OK;
}

static bool goes_along(const struct work *work, slv_str field)
{
	if (slv_str_eq(field, SLV_STR(VIPS_META_PAGE_HEIGHT)) ||
			slv_str_eq(field, SLV_STR(VIPS_META_N_PAGES)) ||
			slv_str_eq(field, SLV_STR("delay")) || slv_str_eq(field, SLV_STR("loop")))
		return true;
	return work->plan->metadata == SLV_METADATA_KEEP && work->format == SLV_FORMAT_JPEG &&
	       slv_str_starts(field, SLV_STR("exif-"));
}

/* Take off all that the source said about itself but times of frames, and EXIF if it is to be kept.
 * Savers are told the same; but not all of them listen, and one trips over what it was told to
 * leave out. */
static slv_err strip(const struct work *work, VipsImage **image)
{
	VipsImage *out;
	if (vips_copy(*image, &out, NULL) != 0)
		return SLV_ERR(SLV_E_INTERNAL, "strip");
	slv_picture_put(image, out);
	char **fields = vips_image_get_fields(out);
	for (int i = 0; fields[i]; i++)
		if (!goes_along(work, slv_str_from(fields[i])))
			(void)vips_image_remove(out, fields[i]); /* false for width and kin */
	g_strfreev(fields);
	/* The picture is upright now, and a thumbnail may show what was cut. */
	vips_image_set_int(out, VIPS_META_ORIENTATION, 1);
	return SLV_OK;
}

static slv_err add_owner(struct work *work, VipsImage *image, void **bytes, size_t *len)
{
	const void *block;
	size_t block_len;
	struct slv_exif_owner owner;
	if (work->plan->metadata != SLV_METADATA_COPYRIGHT || work->format != SLV_FORMAT_JPEG ||
			vips_image_get_typeof(image, VIPS_META_EXIF_NAME) == 0 ||
			vips_image_get_blob(image, VIPS_META_EXIF_NAME, &block, &block_len) != 0 ||
			!slv_exif_read((slv_str){ block, block_len }, &owner))
		return SLV_OK;
	void *with;
	size_t with_len;
	if (!slv_exif_insert((slv_str){ *bytes, *len }, &owner, &with, &with_len))
		return SLV_ERR(SLV_E_INTERNAL, "no JPEG to put EXIF into");
	g_free(*bytes);
	*bytes = with;
	*len = with_len;
	return SLV_OK;
}

static slv_err encode(struct work *work, void **ret_bytes, size_t *ret_len)
{
	SLV_CLEANUP(slv_picture_done) VipsImage *roll = NULL;
	slv_err err = join_frames(work, &roll);
	if (slv_failed(err))
		return err;
	err = strip(work, &roll);
	if (!slv_failed(err))
		err = slv_encode(roll, work->format, work->plan, ret_bytes, ret_len);
	if (!slv_failed(err))
		err = add_owner(work, work->frames[0], ret_bytes, ret_len);
	return err;
}

static slv_err run(struct work *work, void **ret_bytes, size_t *ret_len)
{
	gint64 since = g_get_monotonic_time();
	slv_err err = start(work);
	if (!slv_failed(err))
		err = settle(work);
	if (slv_failed(err) || (work->plan->info_only && !wants_hash(work->plan)))
		return err;
	err = decode(work);
	work->result->decode_us = elapsed_us(&since);
	for (uint32_t i = 0; i < work->load.source.frames && !slv_failed(err); i++)
		err = finish(work, &work->frames[i]);
	if (!slv_failed(err))
		err = hash(work);
	work->result->process_us = elapsed_us(&since);
	if (slv_failed(err) || work->plan->info_only)
		return err;
	err = encode(work, ret_bytes, ret_len);
	work->result->encode_us = elapsed_us(&since);
	return err;
}

/* An SVG that is passed on is text: no pixel is made of it. */
static bool is_svg_only(const struct slv_job *job)
{
	const struct slv_pixel_plan *plan = job->plan;
	if (slv_format_sniff(job->source) != SLV_FORMAT_SVG)
		return false;
	return plan->format == SLV_FORMAT_SVG || (plan->info_only && !plan->allow_svg);
}

static slv_err run_svg(struct work *work, void **ret_bytes, size_t *ret_len)
{
	struct slv_buf clean;
	struct slv_pixel_result *result = work->result;
	gint64 since = g_get_monotonic_time();
	slv_buf_init(&clean, SLV_SVG_BYTES_MAX);
	slv_err err = slv_svg_clean(work->job->source, &clean, &result->width, &result->height);
	if (!slv_failed(err) && !work->plan->info_only) {
		*ret_bytes = g_memdup2(clean.at, clean.len);
		*ret_len = clean.len;
	}
	slv_buf_done(&clean);
	result->format = result->source_format = SLV_FORMAT_SVG;
	result->source_width = result->width;
	result->source_height = result->height;
	result->frames = result->source_frames = 1;
	result->process_us = elapsed_us(&since);
	return err;
}

void slv_job_run(struct slv_arena *arena, const struct slv_job *job,
		struct slv_pixel_result *ret_result, void **ret_bytes, size_t *ret_len)
{
	struct slv_pixel_result result = { .magic = SLV_PIXEL_MAGIC, .orientation = 1 };
	struct work work = { .arena = arena, .job = job, .plan = job->plan, .result = &result };
	*ret_bytes = NULL;
	*ret_len = 0;
	slv_err err = is_svg_only(job) ? run_svg(&work, ret_bytes, ret_len)
	                               : run(&work, ret_bytes, ret_len);
	for (uint32_t i = 0; work.frames && i < work.load.source.frames; i++)
		g_clear_object(&work.frames[i]);
	g_free(work.frames);
	for (uint32_t i = 0; i < SLV_PIXEL_DRAWS_MAX; i++)
		g_clear_object(&work.overlays[i]);
	vips_error_clear();
	if (slv_failed(err)) {
		g_free(*ret_bytes);
		*ret_bytes = NULL;
		*ret_len = 0;
	}
	result.code = err.code;
	snprintf(result.what, sizeof(result.what), "%s", err.what ? err.what : "");
	result.bytes = *ret_len;
	*ret_result = result;
}
