#include "jail/image/testclip.h"

#include "base/assert.h"
#include "base/mem.h"
#include "jail/image/testmovie.h"

#include <string.h>

struct slv_testclip slv_testclip_plain(uint32_t width, uint32_t height, uint32_t frames,
		const struct slv_testcolour *colours)
{
	struct slv_testclip clip = {
		.width = width, .height = height, .frames = frames, .timescale = 10
	};
	slv_assert(frames <= SLV_TESTCLIP_FRAMES_MAX);
	for (uint32_t i = 0; i < frames; i++) {
		for (int quarter = 0; quarter < 4; quarter++)
			clip.quarters[i][quarter] = colours[i];
		clip.durations[i] = 1;
	}
	return clip;
}

static void paint(const struct slv_testclip *clip, uint32_t index, avifImage *image)
{
	avifRGBImage rgb;
	avifRGBImageSetDefaults(&rgb, image);
	rgb.depth = 8;
	rgb.format = AVIF_RGB_FORMAT_RGBA;
	rgb.ignoreAlpha = !clip->alpha;
	avifRGBImageAllocatePixels(&rgb);
	for (uint32_t y = 0; y < clip->height; y++)
		for (uint32_t x = 0; x < clip->width; x++) {
			uint32_t quarter = x * 2 / clip->width + y * 2 / clip->height * 2;
			memcpy(rgb.pixels + y * rgb.rowBytes + x * 4,
					clip->quarters[index][quarter].c, 4);
		}
	slv_assert(avifImageRGBToYUV(image, &rgb) == AVIF_RESULT_OK);
	avifRGBImageFreePixels(&rgb);
}

static void add_frame(avifEncoder *encoder, const struct slv_testclip *clip, uint32_t index)
{
	avifPixelFormat format = clip->format ? clip->format : AVIF_PIXEL_FORMAT_YUV444;
	avifImage *image = avifImageCreate(
			clip->width, clip->height, clip->depth ? clip->depth : 8, format);
	image->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
	image->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
	image->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT601;
	image->yuvRange = clip->limited ? AVIF_RANGE_LIMITED : AVIF_RANGE_FULL;
	image->alphaPremultiplied = clip->premultiplied;
	image->transformFlags = clip->transforms;
	image->irot = clip->irot;
	image->imir = clip->imir;
	image->clap = clip->clap;
	if (clip->icc.len > 0)
		avifImageSetProfileICC(image, (const uint8_t *)clip->icc.at, clip->icc.len);
	paint(clip, index, image);
	avifResult result = avifEncoderAddImage(encoder, image, clip->durations[index],
			clip->frames == 1 ? AVIF_ADD_IMAGE_FLAG_SINGLE : AVIF_ADD_IMAGE_FLAG_NONE);
	slv_assert(result == AVIF_RESULT_OK);
	avifImageDestroy(image);
}

/* The still picture's boxes become free space, and its brand one that all sequences have. */
static void drop_still(char *file, size_t len)
{
	slv_str whole = { file, len };
	uint32_t brands = slv_testmovie_u32(whole, 0);
	for (size_t at = 16; at < brands; at += 4)
		if (memcmp(file + at, "avif", 4) == 0)
			memcpy(file + at, "msf1", 4);
	memcpy(file + (slv_testmovie_box(whole, "meta").at - file) + 4, "free", 4);
}

slv_str slv_testclip_file(const struct slv_testclip *clip)
{
	avifEncoder *encoder = avifEncoderCreate();
	encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
	encoder->maxThreads = 1;
	encoder->speed = 10;
	encoder->timescale = clip->timescale;
	encoder->minQuantizer = encoder->minQuantizerAlpha = 0;
	encoder->maxQuantizer = encoder->maxQuantizerAlpha = 10;
	for (uint32_t i = 0; i < clip->frames; i++)
		add_frame(encoder, clip, i);
	avifRWData out = AVIF_DATA_EMPTY;
	slv_assert(avifEncoderFinish(encoder, &out) == AVIF_RESULT_OK);
	avifEncoderDestroy(encoder);
	char *file = slv_alloc(out.size);
	memcpy(file, out.data, out.size);
	slv_str whole = { file, out.size };
	avifRWDataFree(&out);
	if (clip->only_track)
		drop_still(file, whole.len);
	return whole;
}

void slv_testclip_free(slv_str file)
{
	slv_free((void *)(uintptr_t)file.at);
}

const struct slv_testcolour slv_testclip_colours[] = { SLV_RED, SLV_GREEN, SLV_BLUE, SLV_YELLOW,
	SLV_INK(128, 64, 32, 255) };

slv_str slv_testclip_five(bool only_track)
{
	struct slv_testclip clip = slv_testclip_plain(SLV_TESTCLIP_FIVE_WIDTH,
			SLV_TESTCLIP_FIVE_HEIGHT, SLV_TESTCLIP_FIVE_FRAMES, slv_testclip_colours);
	clip.only_track = only_track;
	return slv_testclip_file(&clip);
}
