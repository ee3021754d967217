#include "jail/image/sequence.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/mem.h"
#include "jail/image/boxes.h"

#include <avif/avif.h>
#include <string.h>

struct slv_sequence {
	avifDecoder *avif;
	struct slv_sequence_head head;
	uint32_t coded_width, coded_height; /* before cutting */
	uint32_t left, top;                 /* of what is left of that */
	uint32_t frame_count;               /* decoded so far */
	uint8_t *pixels;                    /* of the last of them, uncut */
};

static slv_err damaged(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "the avif picture is damaged");
}

/* The EXIF orientation that does what irot (quarter turns to the left) and then imir (0: top and
 * bottom change places, 1: left and right) do. */
static int orientation_of(const avifImage *image)
{
	static const int turned[4] = { 1, 8, 3, 6 };
	static const int mirrored[2][4] = { { 4, 5, 2, 7 }, { 2, 7, 4, 5 } };
	unsigned angle = image->transformFlags & AVIF_TRANSFORM_IROT ? image->irot.angle & 3 : 0;
	if (image->transformFlags & AVIF_TRANSFORM_IMIR)
		return mirrored[image->imir.mode & 1][angle];
	return turned[angle];
}

/* ISO 14496-12 §12.1.4. */
static slv_err cut(struct slv_sequence *sequence)
{
	const avifImage *image = sequence->avif->image;
	avifCropRect rect = { 0, 0, image->width, image->height };
	if (image->transformFlags & AVIF_TRANSFORM_CLAP &&
			!avifCropRectConvertCleanApertureBox(&rect, &image->clap, image->width,
					image->height, image->yuvFormat, &sequence->avif->diag))
		return damaged();
	if (rect.width == 0 || rect.height == 0 || rect.width > image->width ||
			rect.height > image->height || rect.x > image->width - rect.width ||
			rect.y > image->height - rect.height)
		return damaged();
	sequence->left = rect.x;
	sequence->top = rect.y;
	sequence->head.width = rect.width;
	sequence->head.height = rect.height;
	return SLV_OK;
}

static slv_err open_as(struct slv_sequence *sequence, slv_str bytes, avifDecoderSource what)
{
	avifDecoder *avif = sequence->avif;
	avif->codecChoice = AVIF_CODEC_CHOICE_DAV1D;
	avif->maxThreads = 1;
	avif->ignoreExif = avif->ignoreXMP = AVIF_TRUE;
	avif->imageCountLimit = SLV_SEQUENCE_FRAMES_MAX;
	if (avifDecoderSetSource(avif, what) != AVIF_RESULT_OK ||
			avifDecoderSetIOMemory(avif, (const uint8_t *)bytes.at, bytes.len) !=
					AVIF_RESULT_OK ||
			avifDecoderParse(avif) != AVIF_RESULT_OK || avif->imageCount < 1)
		return damaged();
	sequence->coded_width = avif->image->width;
	sequence->coded_height = avif->image->height;
	sequence->head.frames = (uint32_t)avif->imageCount;
	sequence->head.alpha = avif->alphaPresent;
	sequence->head.orientation = orientation_of(avif->image);
	return cut(sequence);
}

/* 0 × 0 is what libavif knows itself to be wrong. */
static slv_err check(const struct slv_boxes *boxes, uint64_t pixels_max)
{
	uint64_t pixels = (uint64_t)boxes->width * boxes->height;
	if (boxes->tracks == 0)
		return damaged();
	if (pixels > pixels_max || pixels > AVIF_DEFAULT_IMAGE_SIZE_LIMIT)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence with more pixels than are allowed");
	if (boxes->entries > SLV_SEQUENCE_FRAMES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence of more than 10000 frames");
	if (boxes->tracks > SLV_SEQUENCE_TRACKS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence of more than 16 tracks");
	if (boxes->meta_bytes > SLV_SEQUENCE_META_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT,
				"an image sequence with a box meta of more than 256 KiB");
	if (boxes->moov_bytes > SLV_SEQUENCE_MOOV_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence with a box moov of more than 2 MiB");
	return SLV_OK;
}

slv_err slv_sequence_open(slv_str bytes, uint64_t pixels_max, struct slv_sequence **ret_sequence,
		struct slv_sequence_head *ret_head)
{
	struct slv_boxes boxes = slv_boxes_read(bytes);
	slv_err err = check(&boxes, pixels_max);
	if (slv_failed(err))
		return err;
	struct slv_sequence *sequence = SLV_ALLOC(struct slv_sequence);
	*sequence = (struct slv_sequence){ .avif = avifDecoderCreate() };
	if (boxes.width > 0 && boxes.height > 0)
		sequence->avif->imageSizeLimit = boxes.width * boxes.height;
	err = open_as(sequence, bytes, AVIF_DECODER_SOURCE_TRACKS);
	if (slv_failed(err)) {
		slv_sequence_free(sequence);
		return err;
	}
	sequence->head.plays = boxes.plays;
	*ret_head = sequence->head;
	*ret_sequence = sequence;
	return SLV_OK;
}

slv_str slv_sequence_icc(const struct slv_sequence *sequence)
{
	const avifRWData *icc = &sequence->avif->image->icc;
	return (slv_str){ (const char *)icc->data, icc->size };
}

/* The nearest, in ms. A sum of 32-bit durations of SLV_SEQUENCE_FRAMES_MAX frames fits. */
static uint64_t to_ms(uint64_t ticks, uint64_t timescale)
{
	return timescale ? (ticks * 1000 + timescale / 2) / timescale : 0;
}

void slv_sequence_delays(const struct slv_sequence *sequence, int *ret_ms, uint32_t count)
{
	slv_assert(count <= sequence->head.frames);
	uint64_t start = 0;
	for (uint32_t i = 0; i < count; i++) {
		avifImageTiming timing;
		ret_ms[i] = 0;
		if (avifDecoderNthImageTiming(sequence->avif, i, &timing) != AVIF_RESULT_OK)
			continue;
		uint64_t end = start + timing.durationInTimescales;
		uint64_t ms = to_ms(end, timing.timescale) - to_ms(start, timing.timescale);
		ret_ms[i] = ms < SLV_SEQUENCE_DELAY_MS_MAX ? (int)ms : SLV_SEQUENCE_DELAY_MS_MAX;
		start = end;
	}
}

static uint32_t channels(const struct slv_sequence *sequence)
{
	return sequence->head.alpha ? 4 : 3;
}

/* A frame that is not as its track said is none. */
static slv_err decode_frame(struct slv_sequence *sequence)
{
	avifDecoder *avif = sequence->avif;
	if (avifDecoderNextImage(avif) != AVIF_RESULT_OK)
		return damaged();
	const avifImage *image = avif->image;
	if (image->width != sequence->coded_width || image->height != sequence->coded_height ||
			(sequence->head.alpha && !image->alphaPlane))
		return damaged();
	uint32_t row_bytes = sequence->coded_width * channels(sequence);
	if (!sequence->pixels)
		sequence->pixels = slv_alloc((size_t)row_bytes * sequence->coded_height);
	avifRGBImage rgb;
	avifRGBImageSetDefaults(&rgb, image);
	rgb.depth = 8;
	rgb.format = sequence->head.alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
	rgb.pixels = sequence->pixels;
	rgb.rowBytes = row_bytes;
	if (avifImageYUVToRGB(image, &rgb) != AVIF_RESULT_OK)
		return damaged();
	sequence->frame_count++;
	return SLV_OK;
}

static slv_err read_row(struct slv_sequence *sequence, uint64_t row, uint8_t *out)
{
	const struct slv_sequence_head *head = &sequence->head;
	slv_assert(row < (uint64_t)head->height * head->frames);
	uint64_t frame = row / head->height;
	if (frame + 1 < sequence->frame_count)
		return SLV_ERR(SLV_E_INTERNAL, "a row of a frame that is gone");
	while (sequence->frame_count <= frame) {
		slv_err err = decode_frame(sequence);
		if (slv_failed(err))
			return err;
	}
	size_t from = sequence->top + row % head->height, pixel = channels(sequence);
	memcpy(out, sequence->pixels + (from * sequence->coded_width + sequence->left) * pixel,
			head->width * pixel);
	return SLV_OK;
}

slv_err slv_sequence_read(struct slv_sequence *sequence, uint64_t row, uint8_t *rows, size_t stride,
		uint32_t count)
{
	slv_err err = SLV_OK;
	for (uint32_t i = 0; i < count && !slv_failed(err); i++)
		err = read_row(sequence, row + i, rows + i * stride);
	return err;
}

void slv_sequence_free(struct slv_sequence *sequence)
{
	if (!sequence)
		return;
	avifDecoderDestroy(sequence->avif);
	slv_free(sequence->pixels);
	slv_free(sequence);
}

void slv_sequence_warm(slv_str still)
{
	struct slv_sequence sequence = { .avif = avifDecoderCreate() };
	slv_err err = open_as(&sequence, still, AVIF_DECODER_SOURCE_PRIMARY_ITEM);
	if (!slv_failed(err))
		err = decode_frame(&sequence);
	(void)err; /* a library that lacks the codec says so at each job */
	avifDecoderDestroy(sequence.avif);
	slv_free(sequence.pixels);
}
