#include "jail/image/decode.h"

#include "base/assert.h"
#include "base/attr.h"
#include "jail/image/boxes.h"
#include "jail/image/exif.h"
#include "jail/image/jpegvips.h"
#include "jail/image/picture.h"
#ifdef SLV_IMAGE_RARE
#include "jail/image/sequence.h"
#include "jail/image/sequencevips.h"
#endif

#include <string.h>

/* What a shrinking decoder must leave over: twice the wanted size, less a little so that 2,040
 * → 512 px still halves. Below that quality is lost visibly. */
#define SHRINK_MARGIN 1.75

#define FRAMES_ROWS_MAX 10000000u /* of all frames together: as far as libvips 8.14 counts */
#define PNG_PACKED_MAX 65536      /* bytes of all packed texts together, as they are packed */

/* Loaders for still pictures and animations, with libvips' names for their classes. */
struct loader {
	const char *name, *class_name;
	bool paged;  /* has frames */
	bool listed; /* refused unless the plan says otherwise */
};

static const struct loader loaders[SLV_FORMAT_COUNT] = {
	[SLV_FORMAT_JPEG] = { "jpegload_buffer", "VipsForeignLoadJpegBuffer", false, false },
	[SLV_FORMAT_PNG] = { "pngload_buffer", "VipsForeignLoadPngBuffer", false, false },
	[SLV_FORMAT_WEBP] = { "webpload_buffer", "VipsForeignLoadWebpBuffer", true, false },
	[SLV_FORMAT_AVIF] = { "heifload_buffer", "VipsForeignLoadHeifBuffer", false, false },
	[SLV_FORMAT_GIF] = { "gifload_buffer", "VipsForeignLoadNsgifBuffer", true, false },
	[SLV_FORMAT_TIFF] = { "tiffload_buffer", "VipsForeignLoadTiffBuffer", false, false },
	[SLV_FORMAT_SVG] = { "svgload_buffer", "VipsForeignLoadSvgBuffer", false, true },
	[SLV_FORMAT_JXL] = { "jxlload_buffer", "VipsForeignLoadJxlBuffer", false, true },
#ifdef SLV_IMAGE_RARE
	[SLV_FORMAT_HEIC] = { "heifload_buffer", "VipsForeignLoadHeifBuffer", false, false },
#endif
};

void slv_decode_allow(void)
{
	vips_operation_block_set("VipsForeignLoad", TRUE);
	for (int i = 0; i < SLV_FORMAT_COUNT; i++)
		if (loaders[i].class_name && g_type_from_name(loaders[i].class_name))
			vips_operation_block_set(loaders[i].class_name, FALSE);
}

static slv_err damaged(struct slv_arena *arena, enum slv_format format)
{
	vips_error_clear();
	slv_str name = slv_format_name(format);
	return slv_err_printf(arena, SLV_E_CORRUPT, "the %.*s picture is damaged", SLV_FMT(name));
}

static bool may_load(const struct slv_pixel_plan *plan, enum slv_format format)
{
	const struct loader *loader = &loaders[format];
	if (!loader->name || !g_type_from_name(loader->class_name))
		return false;
	return !loader->listed || (format == SLV_FORMAT_JXL && plan->allow_jxl) ||
	       (format == SLV_FORMAT_SVG && plan->allow_svg);
}

/* Call the loader of the source's format. Options that it does not have are left out. */
static int load(const struct slv_source *source, uint32_t shrink, double zoom, VipsImage **out)
{
	/* The constructor takes a mutable pointer and only reads. */
	void *at = (void *)(uintptr_t)source->bytes.at;
	size_t len = source->bytes.len;
	int frames = (int)source->frames;
	switch (source->format) {
	case SLV_FORMAT_JPEG:
		return vips_jpegload_buffer(at, len, out, "shrink", (int)shrink, "fail_on",
				VIPS_FAIL_ON_ERROR, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	case SLV_FORMAT_PNG:
		return vips_pngload_buffer(at, len, out, "fail_on", VIPS_FAIL_ON_ERROR, "access",
				VIPS_ACCESS_SEQUENTIAL, NULL);
	case SLV_FORMAT_WEBP:
		return vips_webpload_buffer(at, len, out, "n", frames, "scale", 1.0 / shrink,
				"fail_on", VIPS_FAIL_ON_ERROR, "access", VIPS_ACCESS_SEQUENTIAL,
				NULL);
	case SLV_FORMAT_AVIF:
	case SLV_FORMAT_HEIC:
		return vips_heifload_buffer(at, len, out, "fail_on", VIPS_FAIL_ON_ERROR, "access",
				VIPS_ACCESS_SEQUENTIAL, NULL);
	case SLV_FORMAT_GIF:
		return vips_gifload_buffer(at, len, out, "n", frames, "fail_on", VIPS_FAIL_ON_ERROR,
				"access", VIPS_ACCESS_SEQUENTIAL, NULL);
	case SLV_FORMAT_TIFF:
		return vips_tiffload_buffer(at, len, out, "fail_on", VIPS_FAIL_ON_ERROR, "access",
				VIPS_ACCESS_SEQUENTIAL, NULL);
	case SLV_FORMAT_SVG:
		return vips_svgload_buffer(at, len, out, "scale", zoom, "access",
				VIPS_ACCESS_SEQUENTIAL, NULL);
	case SLV_FORMAT_JXL:
		return vips_jxlload_buffer(at, len, out, "fail_on", VIPS_FAIL_ON_ERROR, "access",
				VIPS_ACCESS_SEQUENTIAL, NULL);
	default:
		return -1;
	}
}

static slv_err too_many_pixels(
		struct slv_arena *arena, uint64_t width, uint64_t height, uint64_t max)
{
	return slv_err_printf(arena, SLV_E_LIMIT,
			"picture of %llu x %llu px: at most %llu px are allowed",
			(unsigned long long)width, (unsigned long long)height,
			(unsigned long long)max);
}

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A zTXt, or an iTXt whose flag behind the keyword says so (PNG 11.3.3). */
static bool is_packed_text(const uint8_t *chunk, size_t len)
{
	if (memcmp(chunk + 4, "zTXt", 4) == 0)
		return true;
	if (memcmp(chunk + 4, "iTXt", 4) != 0)
		return false;
	size_t keyword = strnlen((const char *)chunk + 8, len);
	return keyword + 1 < len && chunk[8 + keyword + 1] != 0;
}

/* The decoder unpacks texts, a thousandfold if they are made for that, before we can say that
 * they are of no use. */
static slv_err check_texts(struct slv_arena *arena, slv_str png)
{
	size_t packed = 0;
	for (size_t at = 8; png.len - at >= 12;) {
		const uint8_t *chunk = (const uint8_t *)png.at + at;
		uint32_t len = read_u32(chunk);
		if (len > png.len - at - 12)
			break; /* cut: the decoder will see */
		if (is_packed_text(chunk, len))
			packed += len;
		if (packed > PNG_PACKED_MAX)
			return slv_err_printf(arena, SLV_E_LIMIT,
					"packed texts in a PNG: at most %d bytes are allowed",
					PNG_PACKED_MAX);
		at += 12 + (size_t)len;
	}
	return SLV_OK;
}

#ifdef SLV_IMAGE_RARE
static slv_err read_track(struct slv_arena *arena, const struct slv_pixel_plan *plan,
		const struct slv_boxes *boxes, struct slv_source *source)
{
	slv_err err = slv_sequence_open(arena, source->bytes, boxes, plan->limits.source_pixels_max,
			&source->sequence);
	if (slv_failed(err))
		return err;
	const struct slv_sequence_head *head = slv_sequence_head(source->sequence);
	source->width = head->width;
	source->height = head->height;
	source->frames_total = head->frames;
	source->orientation = head->orientation;
	source->alpha = head->alpha;
	return SLV_OK;
}
#endif

/* Tracks are read of AVIF alone, and only here if libavif is; else a sequence's still picture. A
 * file without one is whole, but for the decoder, which reads that alone, damaged. */
static slv_err read_boxes(struct slv_arena *arena, const struct slv_pixel_plan *plan, bool sequence,
		struct slv_source *source)
{
	struct slv_boxes boxes = slv_boxes_read(source->bytes);
#ifdef SLV_IMAGE_RARE
	if (boxes.tracks > 0 && sequence)
		return read_track(arena, plan, &boxes, source);
#else
	(void)arena;
	(void)plan;
	(void)sequence;
#endif
	if (boxes.tracks > 0 && !boxes.still)
		return SLV_ERR(SLV_E_MEDIA,
				"an image sequence without a still picture is not read here");
	return SLV_OK;
}

/* The head of a JPEG; `plain` tells whether the rest can be read as directly. Those whose EXIF is
 * kept are not: libvips takes it apart, to write it again. */
static slv_err read_jpeg_head(const struct slv_pixel_plan *plan, struct slv_source *source)
{
	struct slv_jpeg *jpeg;
	struct slv_jpeg_head head;
	slv_err err = slv_jpeg_open(source->bytes, &jpeg, &head);
	if (slv_failed(err))
		return err;
	source->width = head.width;
	source->height = head.height;
	source->frames_total = 1;
	source->orientation = slv_exif_orientation(head.exif);
	source->plain = head.plain && (head.exif.len == 0 || plan->metadata != SLV_METADATA_KEEP);
	slv_jpeg_free(jpeg);
	return SLV_OK;
}

static slv_err read_head(struct slv_arena *arena, struct slv_source *source)
{
	SLV_CLEANUP(slv_picture_done) VipsImage *image = NULL;
	if (load(source, 1, 1, &image) != 0)
		return damaged(arena, source->format);
	source->width = (uint32_t)vips_image_get_width(image);
	source->height = (uint32_t)vips_image_get_page_height(image);
	/* Not vips_image_get_n_pages(): to that, more than 10,000 are none. */
	int frames = 1;
	if (vips_image_get_typeof(image, VIPS_META_N_PAGES) != 0 &&
			vips_image_get_int(image, VIPS_META_N_PAGES, &frames) != 0)
		vips_error_clear();
	source->frames_total = frames > 1 ? (uint32_t)frames : 1;
	source->orientation = vips_image_get_orientation(image);
	source->alpha = vips_image_hasalpha(image);
	source->cmyk = vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK;
	return SLV_OK;
}

slv_err slv_decode_head(struct slv_arena *arena, slv_str bytes, const struct slv_pixel_plan *plan,
		struct slv_source *ret_source)
{
	struct slv_source source = { .bytes = bytes, .frames = 1 };
	source.format = slv_format_sniff(bytes);
	bool sequence = source.format == SLV_FORMAT_AVIS;
	if (sequence)
		source.format = SLV_FORMAT_AVIF;
	if (source.format == SLV_FORMAT_SAME)
		return SLV_ERR(SLV_E_MEDIA, "not a picture in a format that is read here");
	if (!may_load(plan, source.format)) {
		slv_str name = slv_format_name(source.format);
		return slv_err_printf(arena, SLV_E_MEDIA, "%.*s pictures are not read here",
				SLV_FMT(name));
	}

	slv_err err = SLV_OK;
	if (source.format == SLV_FORMAT_PNG)
		err = check_texts(arena, bytes);
	else if (source.format == SLV_FORMAT_AVIF || source.format == SLV_FORMAT_HEIC)
		err = read_boxes(arena, plan, sequence, &source);
	else if (source.format == SLV_FORMAT_JPEG)
		err = read_jpeg_head(plan, &source);
	if (!slv_failed(err) && !source.plain && !source.sequence)
		err = read_head(arena, &source);
	if (slv_failed(err))
		return err;
	uint64_t max = plan->limits.source_pixels_max;
	if ((uint64_t)source.width * source.height > max)
		return too_many_pixels(arena, source.width, source.height, max);

	*ret_source = source;
	return SLV_OK;
}

void slv_decode_animate(struct slv_source *source, const struct slv_pixel_limits *limits)
{
	uint32_t frames = source->frames_total;
	if (!loaders[source->format].paged && !source->sequence)
		return;
	if (frames > limits->frames_max)
		frames = limits->frames_max;
	uint64_t rows = (uint64_t)source->height * frames;
	bool fits = rows <= FRAMES_ROWS_MAX && rows * source->width <= limits->frames_pixels_max;
	source->frames = fits ? frames : 1;
}

uint32_t slv_decode_shrink(
		const struct slv_source *source, double scale, uint32_t left, uint32_t top)
{
	bool jpeg = source->format == SLV_FORMAT_JPEG;
	if (!jpeg && source->format != SLV_FORMAT_WEBP)
		return 1;
	if (source->frames > 1)
		return 1;
	for (uint32_t shrink = 8; shrink > 1; shrink /= 2)
		if (scale / shrink >= SHRINK_MARGIN && left % shrink == 0 && top % shrink == 0)
			return shrink;
	return 1;
}

slv_err slv_decode_open(struct slv_arena *arena, const struct slv_source *source, uint32_t shrink,
		double zoom, VipsImage **ret_image)
{
	slv_assert(shrink >= 1 && shrink <= 8);
	if (source->plain)
		return slv_jpegvips_open(source->bytes, shrink, ret_image);
#ifdef SLV_IMAGE_RARE
	if (source->sequence)
		return slv_sequencevips_open(source->sequence, source->frames, ret_image);
#endif
	VipsImage *image = NULL;
	if (load(source, shrink, zoom, &image) != 0)
		return damaged(arena, source->format);
	*ret_image = image;
	return SLV_OK;
}
