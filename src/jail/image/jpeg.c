#include "jail/image/jpeg.h"

#include "base/assert.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

#include <string.h>

/* Coefficients of a progressive picture of 100 million px without subsampling take 600. */
#define MEMORY_MAX SLV_MIB(768)

#define CHROMA_FULL_QUALITY 90
#define OUTPUT_STEP SLV_KIB(16)
#define ROWS_AT_ONCE 16

#define ICC_MARK "ICC_PROFILE\0"
#define ICC_MARK_LEN 12
#define ICC_HEAD_LEN (ICC_MARK_LEN + 2) /* the segment's number, from 1, and how many there are */

/* Where the codec's errors go. */
struct guard {
	struct jpeg_error_mgr errors; /* first: the codec hands back a pointer to it */
	jmp_buf escape;
	slv_err err;
};

struct slv_jpeg {
	struct guard guard;
	struct jpeg_decompress_struct codec;
	struct jpeg_progress_mgr progress;
	slv_str bytes;
	uint8_t *rows; /* of the read in progress */
	size_t stride;
	uint32_t count;
	bool decodes; /* past the header */
};

struct writer {
	struct guard guard;
	struct jpeg_compress_struct codec;
	struct jpeg_destination_mgr destination;
	struct slv_buf *out;
	const struct slv_jpeg_style *style;
	const uint8_t *rgb;
};

/* Run `step`, which calls the codec; false if that failed. The codec's handler of errors must not
 * return, so there is no other way out of it. Whatever `step` changes is behind `arg`: no local of
 * ours lives across the jump. */
static bool guarded(struct guard *guard, void (*step)(void *arg), void *arg)
{
	if (setjmp(guard->escape) != 0)
		return false;
	step(arg);
	return true;
}

static void give_up(j_common_ptr codec)
{
	struct guard *guard = (struct guard *)codec->err;
	switch (guard->errors.msg_code) {
	case JERR_IMAGE_TOO_BIG:
		guard->err = SLV_ERR(SLV_E_LIMIT, "JPEG side: at most 65500 px are allowed");
		break;
	case JERR_OUT_OF_MEMORY:
	case JERR_NO_BACKING_STORE:
		guard->err = SLV_ERR(SLV_E_LIMIT, "no memory for a JPEG of many scans");
		break;
	case JERR_CANT_SUSPEND:
		guard->err = SLV_ERR(SLV_E_LIMIT, "no room for the JPEG");
		break;
	default:
		if (!slv_failed(guard->err))
			guard->err = SLV_ERR(SLV_E_CORRUPT, "the jpeg picture is damaged");
	}
	longjmp(guard->escape, 1);
}

/* No pixel depends on it. */
static bool is_harmless(j_common_ptr codec)
{
	switch (codec->err->msg_code) {
	case JWRN_JFIF_MAJOR:
	case JWRN_ADOBE_XFORM:
	case JWRN_NOT_SEQUENTIAL:
		return true;
	case JWRN_EXTRANEOUS_DATA:
		/* Bytes before a segment of the header; before the end, cameras pad. */
		return !SLV_CONTAINER(codec, struct slv_jpeg, codec)->decodes ||
		       codec->err->msg_parm.i[1] == JPEG_EOI;
	default:
		return false;
	}
}

/* `level` is negative for warnings; the rest is chatter. */
static void hear(j_common_ptr codec, int level)
{
	if (level < 0 && !is_harmless(codec))
		give_up(codec);
}

static void count_scans(j_common_ptr codec)
{
	if (((j_decompress_ptr)codec)->input_scan_number <= SLV_JPEG_SCANS_MAX)
		return;
	struct guard *guard = (struct guard *)codec->err;
	guard->err = SLV_ERR(SLV_E_LIMIT, "JPEG of many scans: at most 100 are allowed");
	give_up(codec);
}

static struct jpeg_error_mgr *guard_init(struct guard *guard)
{
	jpeg_std_error(&guard->errors);
	guard->errors.error_exit = give_up;
	guard->errors.emit_message = hear;
	return &guard->errors;
}

static void read_head(void *arg)
{
	struct slv_jpeg *jpeg = arg;
	j_decompress_ptr codec = &jpeg->codec;
	jpeg_create_decompress(codec);
	codec->mem->max_memory_to_use = (long)MEMORY_MAX;
	codec->progress = &jpeg->progress;
	jpeg_save_markers(codec, JPEG_APP0 + 1, 0xffff);
	jpeg_save_markers(codec, JPEG_APP0 + 2, 0xffff);
	jpeg_mem_src(codec, (const unsigned char *)jpeg->bytes.at, jpeg->bytes.len);
	(void)jpeg_read_header(codec, TRUE); /* a picture, or it has failed */
}

static slv_str segment(const struct jpeg_marker_struct *marker)
{
	return (slv_str){ (const char *)marker->data, marker->data_length };
}

static struct slv_jpeg_head head_of(const struct slv_jpeg *jpeg)
{
	const struct jpeg_decompress_struct *codec = &jpeg->codec;
	struct slv_jpeg_head head = { .width = codec->image_width, .height = codec->image_height };
	head.grey = codec->jpeg_color_space == JCS_GRAYSCALE;
	head.plain = codec->data_precision == 8 && !codec->arith_code &&
	             ((head.grey && codec->num_components == 1) ||
				     (codec->jpeg_color_space == JCS_YCbCr &&
						     codec->num_components == 3));
	for (const struct jpeg_marker_struct *at = codec->marker_list; at; at = at->next) {
		if (at->marker != JPEG_APP0 + 1 ||
				!slv_str_starts(segment(at), SLV_STR("Exif\0\0")))
			continue;
		head.exif = segment(at);
		break;
	}
	return head;
}

slv_err slv_jpeg_open(slv_str bytes, struct slv_jpeg **ret_jpeg, struct slv_jpeg_head *ret_head)
{
	struct slv_jpeg *jpeg = SLV_ALLOC(struct slv_jpeg);
	jpeg->bytes = bytes;
	jpeg->codec.err = guard_init(&jpeg->guard);
	jpeg->progress.progress_monitor = count_scans;
	if (!guarded(&jpeg->guard, read_head, jpeg)) {
		slv_err err = jpeg->guard.err;
		slv_jpeg_free(jpeg);
		return err;
	}
	*ret_jpeg = jpeg;
	*ret_head = head_of(jpeg);
	return SLV_OK;
}

void slv_jpeg_icc(const struct slv_jpeg *jpeg, struct slv_buf *out)
{
	slv_str part[256] = { 0 };
	int count = 0;
	for (const struct jpeg_marker_struct *at = jpeg->codec.marker_list; at; at = at->next) {
		slv_str data = segment(at);
		if (at->marker != JPEG_APP0 + 2 || data.len <= ICC_HEAD_LEN ||
				memcmp(data.at, ICC_MARK, ICC_MARK_LEN) != 0)
			continue;
		count = at->data[ICC_MARK_LEN + 1];
		part[at->data[ICC_MARK_LEN]] = slv_str_from_index(data, ICC_HEAD_LEN);
	}
	for (int i = 1; i <= count; i++)
		if (part[i].len == 0)
			return;
	for (int i = 1; i <= count; i++)
		slv_buf_add(out, part[i]);
}

static void start(void *arg)
{
	struct slv_jpeg *jpeg = arg;
	(void)jpeg_start_decompress(&jpeg->codec); /* never waits: all bytes are there */
}

slv_err slv_jpeg_start(
		struct slv_jpeg *jpeg, uint32_t shrink, uint32_t *ret_width, uint32_t *ret_height)
{
	slv_assert(shrink == 1 || shrink == 2 || shrink == 4 || shrink == 8);
	slv_assert(!jpeg->decodes);
	jpeg->decodes = true;
	jpeg->codec.scale_num = 8 / shrink;
	jpeg->codec.scale_denom = 8;
	if (!guarded(&jpeg->guard, start, jpeg))
		return jpeg->guard.err;
	*ret_width = jpeg->codec.output_width;
	*ret_height = jpeg->codec.output_height;
	return SLV_OK;
}

static void read_rows(void *arg)
{
	struct slv_jpeg *jpeg = arg;
	while (jpeg->count > 0) {
		JSAMPROW row[ROWS_AT_ONCE];
		uint32_t count = jpeg->count < ROWS_AT_ONCE ? jpeg->count : ROWS_AT_ONCE;
		for (uint32_t i = 0; i < count; i++)
			row[i] = jpeg->rows + i * jpeg->stride;
		uint32_t got = jpeg_read_scanlines(&jpeg->codec, row, count);
		jpeg->rows += got * jpeg->stride;
		jpeg->count -= got;
	}
}

slv_err slv_jpeg_read(struct slv_jpeg *jpeg, uint8_t *rows, size_t stride, uint32_t count)
{
	slv_assert(jpeg->decodes &&
			count <= jpeg->codec.output_height - jpeg->codec.output_scanline);
	if (slv_failed(jpeg->guard.err))
		return jpeg->guard.err;
	jpeg->rows = rows;
	jpeg->stride = stride;
	jpeg->count = count;
	return guarded(&jpeg->guard, read_rows, jpeg) ? SLV_OK : jpeg->guard.err;
}

uint32_t slv_jpeg_row(const struct slv_jpeg *jpeg)
{
	return jpeg->codec.output_scanline;
}

void slv_jpeg_free(struct slv_jpeg *jpeg)
{
	if (!jpeg)
		return;
	jpeg_destroy_decompress(&jpeg->codec);
	slv_free(jpeg);
}

/* The codec's destination: `out`, a step at a time. */
static void put_room(j_compress_ptr codec)
{
	struct writer *writer = SLV_CONTAINER(codec, struct writer, codec);
	char *room = slv_buf_room(writer->out, OUTPUT_STEP);
	if (!room)
		ERREXIT(codec, JERR_CANT_SUSPEND);
	codec->dest->next_output_byte = (JOCTET *)room;
	codec->dest->free_in_buffer = OUTPUT_STEP;
}

static boolean put_more(j_compress_ptr codec)
{
	/* All of it is full, whatever the codec says is free (libjpeg.txt, "Compressed data
	 * handling"). */
	slv_buf_grown(SLV_CONTAINER(codec, struct writer, codec)->out, OUTPUT_STEP);
	put_room(codec);
	return TRUE;
}

static void put_end(j_compress_ptr codec)
{
	slv_buf_grown(SLV_CONTAINER(codec, struct writer, codec)->out,
			OUTPUT_STEP - codec->dest->free_in_buffer);
}

static void write_all(void *arg)
{
	struct writer *writer = arg;
	j_compress_ptr codec = &writer->codec;
	jpeg_set_defaults(codec);
	jpeg_set_quality(codec, writer->style->quality, TRUE);
	if (writer->style->quality >= CHROMA_FULL_QUALITY)
		codec->comp_info[0].h_samp_factor = codec->comp_info[0].v_samp_factor = 1;
	codec->optimize_coding = writer->style->optimised;
	codec->write_JFIF_header = FALSE; /* 18 bytes that tell nothing: YCbCr is understood */
	if (writer->style->progressive)
		jpeg_simple_progression(codec);
	jpeg_start_compress(codec, TRUE);
	size_t stride = (size_t)codec->image_width * 3;
	while (codec->next_scanline < codec->image_height) {
		/* The codec takes a mutable pointer and only reads. */
		JSAMPROW row = (JSAMPROW)(uintptr_t)(writer->rgb + codec->next_scanline * stride);
		(void)jpeg_write_scanlines(codec, &row, 1);
	}
	jpeg_finish_compress(codec);
}

static void write_new(void *arg)
{
	struct writer *writer = arg;
	jpeg_create_compress(&writer->codec);
}

slv_err slv_jpeg_write(const uint8_t *rgb, uint32_t width, uint32_t height,
		const struct slv_jpeg_style *style, struct slv_buf *out)
{
	struct writer writer = { .out = out, .style = style, .rgb = rgb };
	writer.codec.err = guard_init(&writer.guard);
	bool ok = guarded(&writer.guard, write_new, &writer);
	writer.destination = (struct jpeg_destination_mgr){ .init_destination = put_room,
		.empty_output_buffer = put_more,
		.term_destination = put_end };
	writer.codec.dest = &writer.destination;
	writer.codec.image_width = width;
	writer.codec.image_height = height;
	writer.codec.input_components = 3;
	writer.codec.in_color_space = JCS_RGB;
	ok = ok && guarded(&writer.guard, write_all, &writer);
	jpeg_destroy_compress(&writer.codec);
	return ok ? SLV_OK : writer.guard.err;
}
