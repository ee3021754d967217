#include "jail/image/jpegvips.h"

#include "base/attr.h"
#include "jail/image/picture.h"

#define STREAM_ROWS 16

/* Metadata is what the colour step and the owner's names are taken from. */
static void describe(VipsImage *image, const struct slv_jpeg *jpeg, slv_str exif)
{
	struct slv_buf icc;
	slv_buf_init(&icc, SLV_JPEG_ICC_MAX);
	slv_jpeg_icc(jpeg, &icc);
	if (icc.len > 0)
		vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, icc.at, icc.len);
	slv_buf_done(&icc);
	if (exif.len > 0)
		vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, exif.at, exif.len);
}

static void init(VipsImage *image, uint32_t width, uint32_t height, bool grey)
{
	vips_image_init_fields(image, (int)width, (int)height, grey ? 1 : 3, VIPS_FORMAT_UCHAR,
			VIPS_CODING_NONE, grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
			1, 1);
}

static slv_err read_all(struct slv_jpeg *jpeg, VipsImage *image)
{
	if (vips_image_write_prepare(image) != 0) {
		vips_error_clear();
		return SLV_ERR(SLV_E_LIMIT, "no memory for the picture");
	}
	return slv_jpeg_read(jpeg, VIPS_IMAGE_ADDR(image, 0, 0), VIPS_IMAGE_SIZEOF_LINE(image),
			(uint32_t)vips_image_get_height(image));
}

/* libvips asks for the rows of `region`: from top to bottom, as the image is behind
 * vips_sequential(). */
static int read_region(VipsRegion *region, void *sequence, void *jpeg, void *b, gboolean *stop)
{
	(void)sequence;
	(void)b;
	(void)stop;
	const VipsRect *area = &region->valid;
	if ((uint32_t)area->top != slv_jpeg_row(jpeg) || area->width != region->im->Xsize) {
		vips_error("jpeg", "rows are asked for out of order");
		return -1;
	}
	slv_err err = slv_jpeg_read(jpeg, VIPS_REGION_ADDR(region, 0, area->top),
			(size_t)VIPS_REGION_LSKIP(region), (uint32_t)area->height);
	if (slv_failed(err))
		vips_error("jpeg", "%s", err.what);
	return slv_failed(err) ? -1 : 0;
}

static void drop(VipsImage *image, void *jpeg)
{
	(void)image;
	slv_jpeg_free(jpeg);
}

/* Takes `jpeg`. */
static slv_err make_stream(struct slv_jpeg *jpeg, VipsImage **image)
{
	VipsImage *out;
	g_signal_connect(*image, "postclose", G_CALLBACK(drop), jpeg);
	if (vips_image_pipelinev(*image, VIPS_DEMAND_STYLE_THINSTRIP, NULL) != 0 ||
			vips_image_generate(*image, NULL, read_region, NULL, jpeg, NULL) != 0 ||
			vips_sequential(*image, &out, "tile_height", STREAM_ROWS, NULL) != 0) {
		vips_error_clear();
		return SLV_ERR(SLV_E_INTERNAL, "stream of a JPEG");
	}
	slv_picture_put(image, out);
	return SLV_OK;
}

/* A last column or row that only part of the picture's pixels went into is cut off: it would be
 * stretched. */
static slv_err cut_edges(VipsImage **image, uint32_t width, uint32_t height)
{
	VipsImage *out;
	int whole_width = vips_image_get_width(*image),
	    whole_height = vips_image_get_height(*image);
	int kept_width = width > 0 ? (int)width : 1, kept_height = height > 0 ? (int)height : 1;
	if (kept_width == whole_width && kept_height == whole_height)
		return SLV_OK;
	if (vips_extract_area(*image, &out, 0, 0, kept_width, kept_height, NULL) != 0) {
		vips_error_clear();
		return SLV_ERR(SLV_E_INTERNAL, "edges of a JPEG");
	}
	slv_picture_put(image, out);
	return SLV_OK;
}

slv_err slv_jpegvips_open(slv_str bytes, uint32_t shrink, VipsImage **ret_image)
{
	struct slv_jpeg *jpeg;
	struct slv_jpeg_head head;
	uint32_t width = 0, height = 0;
	slv_err err = slv_jpeg_open(bytes, &jpeg, &head);
	if (slv_failed(err))
		return err;
	err = slv_jpeg_start(jpeg, shrink, &width, &height);
	if (slv_failed(err)) {
		slv_jpeg_free(jpeg);
		return err;
	}
	bool hold = (uint64_t)width * height * (head.grey ? 1 : 3) <= SLV_PICTURE_HELD_MAX;
	SLV_CLEANUP(slv_picture_done) VipsImage *image = NULL;
	image = hold ? vips_image_new_memory() : vips_image_new();
	init(image, width, height, head.grey);
	describe(image, jpeg, head.exif);
	if (hold) {
		err = read_all(jpeg, image);
		slv_jpeg_free(jpeg);
	} else {
		err = make_stream(jpeg, &image);
	}
	if (!slv_failed(err))
		err = cut_edges(&image, head.width / shrink, head.height / shrink);
	if (!slv_failed(err))
		*ret_image = slv_picture_take(&image);
	return err;
}

slv_err slv_jpegvips_write(VipsImage *image, const struct slv_jpeg_style *style, void **ret_bytes,
		size_t *ret_len)
{
	uint32_t width = (uint32_t)vips_image_get_width(image);
	uint32_t height = (uint32_t)vips_image_get_height(image);
	/* Only refers to it if it is in memory already. */
	SLV_CLEANUP(slv_picture_done) VipsImage *held = NULL;
	held = vips_image_copy_memory(image);
	if (!held)
		return SLV_ERR(SLV_E_INTERNAL, "no memory for the picture");
	struct slv_buf out;
	slv_buf_init(&out, SIZE_MAX / 2);
	slv_err err = slv_jpeg_write(VIPS_IMAGE_ADDR(held, 0, 0), width, height, style, &out);
	if (!slv_failed(err)) {
		*ret_bytes = g_memdup2(out.at, out.len);
		*ret_len = out.len;
	}
	slv_buf_done(&out);
	return err;
}
