#include "jail/image/sequencevips.h"

#include "base/assert.h"
#include "base/attr.h"
#include "jail/image/picture.h"

#define STREAM_ROWS 16 /* at most */

static void describe(VipsImage *image, const struct slv_sequence *sequence, uint32_t frames)
{
	const struct slv_sequence_head *head = slv_sequence_head(sequence);
	slv_str icc = slv_sequence_icc(sequence);
	if (icc.len > 0)
		vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, icc.at, icc.len);
	if (frames == 1)
		return;
	int *delays = g_new0(int, frames);
	slv_sequence_delays(sequence, delays, frames);
	vips_image_set_int(image, VIPS_META_PAGE_HEIGHT, (int)head->height);
	vips_image_set_int(image, VIPS_META_N_PAGES, (int)frames);
	vips_image_set_array_int(image, "delay", delays, (int)frames);
	vips_image_set_int(image, "loop", (int)head->plays);
	g_free(delays);
}

/* libvips asks for the rows of `region`. It goes from top to bottom, but those that it has held for
 * one frame it asks for again for the next. */
static int read_region(VipsRegion *region, void *state, void *sequence, void *b, gboolean *stop)
{
	(void)state;
	(void)b;
	(void)stop;
	const VipsRect *area = &region->valid;
	slv_assert(area->width == region->im->Xsize);
	slv_err err = slv_sequence_read(sequence, (uint64_t)area->top,
			VIPS_REGION_ADDR(region, 0, area->top), (size_t)VIPS_REGION_LSKIP(region),
			(uint32_t)area->height);
	if (slv_failed(err))
		vips_error("sequence", "%s", err.what);
	return slv_failed(err) ? -1 : 0;
}

static void drop(VipsImage *image, void *sequence)
{
	(void)image;
	slv_sequence_rewind(sequence);
}

slv_err slv_sequencevips_open(struct slv_sequence *sequence, uint32_t frames, VipsImage **ret_image)
{
	const struct slv_sequence_head *head = slv_sequence_head(sequence);
	slv_assert(frames >= 1 && frames <= head->frames);
	uint64_t rows = (uint64_t)head->height * frames;
	slv_assert(rows <= (uint64_t)VIPS_MAX_COORD);
	/* No piece of the stream reaches into the next frame, before which this one is gone. */
	int piece = STREAM_ROWS;
	while (head->height % (uint32_t)piece != 0)
		piece--;
	VipsImage *out;
	SLV_CLEANUP(slv_picture_done) VipsImage *image = vips_image_new();
	g_signal_connect(image, "postclose", G_CALLBACK(drop), sequence);
	vips_image_init_fields(image, (int)head->width, (int)rows, head->alpha ? 4 : 3,
			VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
	describe(image, sequence, frames);
	if (vips_image_pipelinev(image, VIPS_DEMAND_STYLE_THINSTRIP, NULL) != 0 ||
			vips_image_generate(image, NULL, read_region, NULL, sequence, NULL) != 0 ||
			vips_sequential(image, &out, "tile_height", piece, NULL) != 0) {
		vips_error_clear();
		return SLV_ERR(SLV_E_INTERNAL, "stream of a sequence");
	}
	*ret_image = out;
	return SLV_OK;
}
