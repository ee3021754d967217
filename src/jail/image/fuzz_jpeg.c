/* fuzz_jpeg.c - each row is decoded whole or not at all: what was in its memory never shows */
#include "base/assert.h"
#include "base/mem.h"
#include "jail/image/jpeg.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIXELS_MAX 1000000
#define CHUNK_ROWS 7

/* All rows, into memory full of `fill`; NULL if it fails. The caller frees. */
static uint8_t *decode(slv_str bytes, uint32_t shrink, uint8_t fill, size_t *ret_len)
{
	struct slv_jpeg *jpeg;
	struct slv_jpeg_head head;
	uint32_t width = 0, height = 0;
	if (slv_failed(slv_jpeg_open(bytes, &jpeg, &head)))
		return NULL;
	slv_assert(head.width > 0 && head.height > 0);
	struct slv_buf icc;
	slv_buf_init(&icc, SLV_JPEG_ICC_MAX);
	slv_jpeg_icc(jpeg, &icc);
	slv_assert(icc.len <= bytes.len && head.exif.len <= bytes.len);
	slv_buf_done(&icc);
	uint8_t *rows = NULL;
	bool small = (uint64_t)head.width * head.height <= PIXELS_MAX;
	if (head.plain && small && !slv_failed(slv_jpeg_start(jpeg, shrink, &width, &height))) {
		slv_assert(width == (head.width + shrink - 1) / shrink);
		slv_assert(height == (head.height + shrink - 1) / shrink);
		size_t stride = (size_t)width * (head.grey ? 1 : 3);
		*ret_len = stride * height;
		rows = slv_alloc(*ret_len);
		memset(rows, fill, *ret_len);
		slv_err err = SLV_OK;
		for (uint32_t at = 0; at < height && !slv_failed(err); at += CHUNK_ROWS) {
			uint32_t count = height - at < CHUNK_ROWS ? height - at : CHUNK_ROWS;
			err = slv_jpeg_read(jpeg, rows + at * stride, stride, count);
		}
		if (slv_failed(err)) {
			slv_free(rows);
			rows = NULL;
		}
	}
	slv_jpeg_free(jpeg);
	return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	size_t len = 0, len_again = 0;
	uint32_t shrink = 1u << (size & 3);
	uint8_t *once = decode(bytes, shrink, 0x55, &len);
	uint8_t *again = decode(bytes, shrink, 0xaa, &len_again);
	slv_assert(!once == !again && len == len_again);
	slv_assert(!once || memcmp(once, again, len) == 0);
	slv_free(once);
	slv_free(again);
	return 0;
}
