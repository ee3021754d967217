#include "jail/image/sequence.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/mem.h"

#include <avif/avif.h>
#include <string.h>

struct slv_sequence {
	avifDecoder *avif;
	struct slv_sequence_head head;
	struct slv_boxes boxes;
	bool lost;                          /* it could not begin again */
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

/* A run of no samples is nowhere in a file, and costs as much to pass over as any other. */
static slv_err check_times(const struct slv_boxes *boxes)
{
	if (boxes->time_boxes > 1 || boxes->empty_runs)
		return damaged();
	if (boxes->entries * boxes->entries * boxes->runs_most > SLV_SEQUENCE_TIME_STEPS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence with too many different times");
	return SLV_OK;
}

/* 0 × 0 is what libavif knows itself to be wrong. */
static slv_err check(struct slv_arena *arena, const struct slv_boxes *boxes, uint64_t pixels_max)
{
	if (boxes->tracks == 0)
		return damaged();
	if ((uint64_t)boxes->width * boxes->height > pixels_max)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"picture of %u x %u px: at most %llu px are allowed", boxes->width,
				boxes->height, (unsigned long long)pixels_max);
	if (boxes->entries > SLV_SEQUENCE_FRAMES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence of more than 10000 frames");
	if (boxes->tracks > SLV_SEQUENCE_TRACKS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence of more than 16 tracks");
	if (boxes->formats > SLV_SEQUENCE_FORMATS_MAX)
		return SLV_ERR(SLV_E_LIMIT,
				"an image sequence with a track of more than one format");
	if (boxes->format_bytes > SLV_SEQUENCE_FORMAT_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT,
				"an image sequence with a box stsd of more than 256 KiB");
	if (boxes->meta_bytes > SLV_SEQUENCE_META_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT,
				"an image sequence with boxes meta of more than 64 KiB");
	if (boxes->moov_bytes > SLV_SEQUENCE_MOOV_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an image sequence with a box moov of more than 2 MiB");
	return check_times(boxes);
}

static void free_sequence(void *arg)
{
	struct slv_sequence *sequence = arg;
	avifDecoderDestroy(sequence->avif);
	slv_free(sequence->pixels);
	slv_free(sequence);
}

slv_err slv_sequence_open(struct slv_arena *arena, slv_str bytes, const struct slv_boxes *boxes,
		uint64_t pixels_max, struct slv_sequence **ret_sequence)
{
	if (pixels_max > AVIF_DEFAULT_IMAGE_SIZE_LIMIT)
		pixels_max = AVIF_DEFAULT_IMAGE_SIZE_LIMIT;
	slv_err err = check(arena, boxes, pixels_max);
	if (slv_failed(err))
		return err;
	struct slv_sequence *sequence = SLV_ALLOC(struct slv_sequence);
	*sequence = (struct slv_sequence){ .avif = avifDecoderCreate(), .boxes = *boxes };
	if (!slv_arena_defer(arena, free_sequence, sequence)) {
		free_sequence(sequence);
		return SLV_ERR(SLV_E_LIMIT, "too many image sequences");
	}
	/* Of stills too, which may be larger than the frames. */
	sequence->avif->imageSizeLimit = (uint32_t)pixels_max;
	err = open_as(sequence, bytes, AVIF_DECODER_SOURCE_TRACKS);
	if (slv_failed(err))
		return err;
	sequence->avif->imageSizeLimit = sequence->coded_width * sequence->coded_height;
	slv_sequence_rewind(sequence);
	sequence->head.plays = boxes->plays;
	*ret_sequence = sequence;
	return SLV_OK;
}

const struct slv_sequence_head *slv_sequence_head(const struct slv_sequence *sequence)
{
	return &sequence->head;
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

/* The last run goes on until the end. */
void slv_sequence_delays(const struct slv_sequence *sequence, int *ret_ms, uint32_t count)
{
	slv_assert(count <= sequence->head.frames);
	const struct slv_boxes *boxes = &sequence->boxes;
	uint64_t timescale = sequence->avif->timescale, start = 0;
	struct slv_boxes_run run = { 0, 1 };
	uint32_t runs = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (run.samples == 0 && runs < boxes->runs)
			run = slv_boxes_run(boxes, runs++);
		run.samples -= run.samples > 0;
		uint64_t end = start + run.ticks;
		uint64_t ms = to_ms(end, timescale) - to_ms(start, timescale);
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
	if (sequence->lost || avifDecoderNextImage(avif) != AVIF_RESULT_OK)
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

void slv_sequence_rewind(struct slv_sequence *sequence)
{
	slv_free(sequence->pixels);
	sequence->pixels = NULL;
	sequence->frame_count = 0;
	sequence->lost = avifDecoderReset(sequence->avif) != AVIF_RESULT_OK;
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
