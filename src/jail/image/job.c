#include "jail/image/job.h"

#include "base/attr.h"
#include "jail/image/decode.h"
#include "jail/image/encode.h"
#include "jail/image/layout.h"
#include "jail/image/ops.h"
#include "jail/image/picture.h"

#include <stdio.h>
#include <string.h>

/* The state of a job; one function per step, each leaves its outcome here. */
struct work {
	struct slv_arena *arena;
	const struct slv_job *job;
	const struct slv_pixel_plan *plan;
	struct slv_pixel_result *result;
	struct slv_source source;
	struct slv_turn turn; /* raw → turned */
	struct slv_rect trim; /* what is left, raw */
	struct slv_layout layout;
	enum slv_format format; /* of the output */
	VipsImage *image;
};

static uint32_t elapsed_us(gint64 *since)
{
	gint64 now = g_get_monotonic_time();
	gint64 us = now - *since;
	*since = now;
	return us < 0 ? 0 : (uint32_t)us;
}

static slv_err read_head(struct work *work)
{
	slv_err err = slv_decode_head(
			work->arena, work->job->source, work->plan, false, &work->source);
	if (slv_failed(err))
		return err;
	const struct slv_source *source = &work->source;
	struct slv_turn exif = slv_turn_exif(source->orientation);
	uint32_t width = exif.swap ? source->height : source->width;
	uint32_t height = exif.swap ? source->width : source->height;
	struct slv_pixel_result *result = work->result;
	result->source_format = (uint8_t)source->format;
	result->source_alpha = source->alpha;
	result->source_width = width;
	result->source_height = height;
	result->source_frames = source->frames_total;
	result->orientation = (uint16_t)source->orientation;
	work->turn = slv_turn_plan(exif, work->plan);

	err = slv_layout_trim(work->arena, work->plan, width, height, &work->trim);
	if (slv_failed(err))
		return err;
	work->trim = slv_turn_back(exif, work->trim, width, height);
	return SLV_OK;
}

static slv_err lay_out(struct work *work)
{
	bool swap = work->turn.swap;
	uint32_t width = swap ? work->trim.height : work->trim.width;
	uint32_t height = swap ? work->trim.width : work->trim.height;
	return slv_layout_make(work->arena, work->plan, width, height, 1, &work->layout);
}

static slv_err pixels(struct work *work)
{
	const struct slv_layout *layout = &work->layout;
	bool swap = work->turn.swap;
	uint32_t width = swap ? layout->scaled_height : layout->scaled_width;
	uint32_t height = swap ? layout->scaled_width : layout->scaled_height;
	double x = (double)work->trim.width / width, y = (double)work->trim.height / height;
	uint32_t shrink = slv_decode_shrink(
			&work->source, x < y ? x : y, work->trim.left, work->trim.top);
	slv_err err = slv_decode_open(work->arena, &work->source, shrink, 1, &work->image);
	if (slv_failed(err))
		return err;
	struct slv_rect trim = { work->trim.left / shrink, work->trim.top / shrink,
		(work->trim.width + shrink - 1) / shrink,
		(work->trim.height + shrink - 1) / shrink };
	err = slv_ops_crop(&work->image, trim);
	if (slv_failed(err))
		return err;
	struct slv_rect crop = slv_turn_back(
			work->turn, layout->crop, layout->scaled_width, layout->scaled_height);
	return slv_ops_scale(&work->image, width, height, crop);
}

static slv_err run(struct work *work, void **ret_bytes, size_t *ret_len)
{
	gint64 since = g_get_monotonic_time();
	slv_err err = read_head(work);
	if (!slv_failed(err))
		err = lay_out(work);
	if (!slv_failed(err))
		err = pixels(work);
	work->result->decode_us = elapsed_us(&since);
	if (slv_failed(err))
		return err;
	work->format = SLV_FORMAT_JPEG;
	work->result->width = (uint32_t)vips_image_get_width(work->image);
	work->result->height = (uint32_t)vips_image_get_height(work->image);
	work->result->frames = 1;
	work->result->format = (uint8_t)work->format;
	err = slv_encode(work->image, work->format, work->plan, ret_bytes, ret_len);
	work->result->encode_us = elapsed_us(&since);
	return err;
}

void slv_job_run(struct slv_arena *arena, const struct slv_job *job,
		struct slv_pixel_result *ret_result, void **ret_bytes, size_t *ret_len)
{
	struct slv_pixel_result result = { .magic = SLV_PIXEL_MAGIC, .orientation = 1 };
	struct work work = { .arena = arena, .job = job, .plan = job->plan, .result = &result };
	*ret_bytes = NULL;
	*ret_len = 0;
	slv_err err = run(&work, ret_bytes, ret_len);
	g_clear_object(&work.image);
	vips_error_clear();
	result.code = err.code;
	snprintf(result.what, sizeof(result.what), "%s", err.what ? err.what : "");
	result.bytes = *ret_len;
	*ret_result = result;
}
