#include "jail/image/encode.h"

#include "base/attr.h"
#include "jail/image/jpegvips.h"

/* A progressive JPEG is larger below the one and slow to decode above the other. */
#define PROGRESSIVE_MIN 50
#define PROGRESSIVE_MAX 3000

#if VIPS_MAJOR_VERSION > 8 || VIPS_MINOR_VERSION >= 15
#define KEEP(exif) "keep", (exif) ? VIPS_FOREIGN_KEEP_EXIF : VIPS_FOREIGN_KEEP_NONE
#else
#define KEEP(exif) "strip", !(exif)
#endif

static int clamp(int value, int min, int max)
{
	return value < min ? min : value > max ? max : value;
}

static int effort_of(const struct slv_pixel_plan *plan, enum slv_format format, int least, int max)
{
	return plan->fast ? least : clamp(plan->effort[format], least, max);
}

static int save_jpeg(VipsImage *image, const struct slv_pixel_plan *plan, void **at, size_t *len)
{
	int width = vips_image_get_width(image), height = vips_image_get_height(image);
	bool small = width < PROGRESSIVE_MIN || height < PROGRESSIVE_MIN;
	bool large = width > PROGRESSIVE_MAX || height > PROGRESSIVE_MAX;
	bool progressive = !plan->baseline && !plan->fast && !small && !large;
	bool exif = plan->metadata == SLV_METADATA_KEEP;
	int quality = plan->quality[SLV_FORMAT_JPEG];
	struct slv_jpeg_style style = { quality, progressive, !plan->fast };
	if (!exif && vips_image_get_bands(image) == 3)
		return slv_failed(slv_jpegvips_write(image, &style, at, len)) ? -1 : 0;
	return vips_jpegsave_buffer(image, at, len, "Q", quality, "optimize_coding", !plan->fast,
			"interlace", progressive, KEEP(exif), NULL);
}

static int save_png(VipsImage *image, const struct slv_pixel_plan *plan, void **at, size_t *len)
{
	int effort = effort_of(plan, SLV_FORMAT_PNG, 1, 9);
	if (plan->palette)
		return vips_pngsave_buffer(image, at, len, "compression", effort, "palette", TRUE,
				"Q", (int)plan->quality[SLV_FORMAT_PNG], "effort", effort,
				KEEP(false), NULL);
	return vips_pngsave_buffer(image, at, len, "compression", effort, KEEP(false), NULL);
}

static int save_webp(VipsImage *image, const struct slv_pixel_plan *plan, void **at, size_t *len)
{
	int quality = plan->quality[SLV_FORMAT_WEBP];
	return vips_webpsave_buffer(image, at, len, "Q", quality, "lossless", quality == 100,
			"effort", effort_of(plan, SLV_FORMAT_WEBP, 0, 6), KEEP(false), NULL);
}

static int save_avif(VipsImage *image, const struct slv_pixel_plan *plan, void **at, size_t *len)
{
	return vips_heifsave_buffer(image, at, len, "Q", (int)plan->quality[SLV_FORMAT_AVIF],
			"compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "bitdepth", 8, "effort",
			effort_of(plan, SLV_FORMAT_AVIF, 0, 9), KEEP(false), NULL);
}

static int save_gif(VipsImage *image, const struct slv_pixel_plan *plan, void **at, size_t *len)
{
	return vips_gifsave_buffer(image, at, len, "effort", effort_of(plan, SLV_FORMAT_GIF, 1, 10),
			KEEP(false), NULL);
}

bool slv_encode_has_alpha(enum slv_format format)
{
	return format != SLV_FORMAT_JPEG;
}

bool slv_encode_has_frames(enum slv_format format)
{
	return format == SLV_FORMAT_WEBP || format == SLV_FORMAT_GIF;
}

slv_err slv_encode(VipsImage *image, enum slv_format format, const struct slv_pixel_plan *plan,
		void **ret_bytes, size_t *ret_len)
{
	static int (*const save[SLV_FORMAT_COUNT])(VipsImage * image,
			const struct slv_pixel_plan *plan, void **at, size_t *len) = {
		[SLV_FORMAT_JPEG] = save_jpeg,
		[SLV_FORMAT_PNG] = save_png,
		[SLV_FORMAT_WEBP] = save_webp,
		[SLV_FORMAT_AVIF] = save_avif,
		[SLV_FORMAT_GIF] = save_gif,
	};
	void *bytes = NULL;
	size_t len = 0;
	if (!save[format] || save[format](image, plan, &bytes, &len) != 0) {
		vips_error_clear();
		g_free(bytes);
		return SLV_ERR(SLV_E_INTERNAL, "the encoder failed");
	}
	*ret_bytes = bytes;
	*ret_len = len;
	return SLV_OK;
}
