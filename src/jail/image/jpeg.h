/* jpeg.h - the common JPEG, by libjpeg-turbo itself
 *
 * Most pictures are JPEGs of 8-bit YCbCr or grey. libvips reads and writes them by the same
 * algorithms, but hands the bytes to its codec in small pieces and its rows from buffer to
 * buffer, which costs a fifth of the time. What is not plain is left to it.
 *
 * Nothing here knows libvips: its headers bring a jpeglib.h of another ABI along.
 *
 * A warning of the codec about what it decodes is an error: a cut or damaged file never becomes
 * pixels. Warnings about what no pixel depends on are passed over: an odd JFIF version or Adobe
 * transform, wrong spectral numbers in a sequential scan, bytes between header segments and before
 * the end marker. What follows the end marker is not looked at.
 */
#ifndef SLV_JAIL_IMAGE_JPEG_H
#define SLV_JAIL_IMAGE_JPEG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SLV_JPEG_SCANS_MAX 100 /* each scan of a progressive file goes over the whole picture */
#define SLV_JPEG_ICC_MAX SLV_MIB(16) /* 255 segments hold no more */

struct slv_jpeg; /* one being decoded */

struct slv_jpeg_head {
	uint32_t width, height;
	bool grey;    /* one channel a pixel instead of red, green, blue */
	bool plain;   /* 8-bit YCbCr or grey, Huffman-coded: slv_jpeg_start() takes no other */
	slv_str exif; /* the first APP1 with EXIF, its "Exif\0\0" included; lives as `jpeg` does */
};

/* Read all up to the first scan. `bytes` outlive `*ret_jpeg`. SLV_E_CORRUPT: damaged;
 * SLV_E_LIMIT: a side of more than 65,500 px. */
slv_err slv_jpeg_open(slv_str bytes, struct slv_jpeg **ret_jpeg, struct slv_jpeg_head *ret_head);

/* Its ICC profile, which comes in numbered segments, added to `out`; nothing if it has none or they
 * do not fit together. */
void slv_jpeg_icc(const struct slv_jpeg *jpeg, struct slv_buf *out);

/* Get ready for rows of the picture with each side divided by `shrink` (1, 2, 4, 8) and rounded up.
 * Decodes all of a progressive file. SLV_E_CORRUPT; SLV_E_LIMIT: more than SLV_JPEG_SCANS_MAX
 * scans, or no memory for their coefficients. */
slv_err slv_jpeg_start(
		struct slv_jpeg *jpeg, uint32_t shrink, uint32_t *ret_width, uint32_t *ret_height);

/* The next `count` rows, `stride` bytes apart; there are as many. SLV_E_CORRUPT, and then what is
 * in `rows` is of no use. */
slv_err slv_jpeg_read(struct slv_jpeg *jpeg, uint8_t *rows, size_t stride, uint32_t count);

/* Which row is read next, from 0. */
uint32_t slv_jpeg_row(const struct slv_jpeg *jpeg);

void slv_jpeg_free(struct slv_jpeg *jpeg);

struct slv_jpeg_style {
	int quality;      /* 1…100; chroma is halved below 90 */
	bool progressive; /* which implies optimised tables */
	bool optimised;   /* Huffman tables made for this picture */
};

/* Write `height` rows of `width` pixels, three bytes each without gaps, to the end of `out`.
 * SLV_E_LIMIT if it is full. */
slv_err slv_jpeg_write(const uint8_t *rgb, uint32_t width, uint32_t height,
		const struct slv_jpeg_style *style, struct slv_buf *out);

#endif
