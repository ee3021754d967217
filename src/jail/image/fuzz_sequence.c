/* fuzz_sequence.c - frames are decoded whole or not at all, and twice the same */
#include "base/arena.h"
#include "base/assert.h"
#include "base/attr.h"
#include "base/mem.h"
#include "jail/image/sequence.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIXELS_MAX 65536
#define FRAMES_MAX 4
#define CHUNK_ROWS 7

static void check_head(const struct slv_sequence *sequence, slv_str bytes)
{
	const struct slv_sequence_head *head = slv_sequence_head(sequence);
	int delays[SLV_SEQUENCE_FRAMES_MAX];
	slv_assert(head->width > 0 && head->height > 0);
	slv_assert((uint64_t)head->width * head->height <= PIXELS_MAX);
	slv_assert(head->frames >= 1 && head->frames <= SLV_SEQUENCE_FRAMES_MAX);
	slv_assert(head->orientation >= 1 && head->orientation <= 8);
	slv_assert(slv_sequence_icc(sequence).len <= bytes.len);
	slv_sequence_delays(sequence, delays, head->frames);
	for (uint32_t i = 0; i < head->frames; i++)
		slv_assert(delays[i] >= 0 && delays[i] <= SLV_SEQUENCE_DELAY_MS_MAX);
}

/* The first frames, into memory full of `fill`; NULL if it fails. The caller frees. */
static uint8_t *decode(struct slv_sequence *sequence, uint8_t fill, size_t *ret_len)
{
	const struct slv_sequence_head *head = slv_sequence_head(sequence);
	uint32_t frames = head->frames < FRAMES_MAX ? head->frames : FRAMES_MAX;
	uint32_t height = head->height * frames;
	size_t stride = (size_t)head->width * (head->alpha ? 4 : 3);
	*ret_len = stride * height;
	uint8_t *rows = slv_alloc(*ret_len);
	memset(rows, fill, *ret_len);
	slv_err err = SLV_OK;
	for (uint32_t at = 0; at < height && !slv_failed(err); at += CHUNK_ROWS) {
		uint32_t count = height - at < CHUNK_ROWS ? height - at : CHUNK_ROWS;
		err = slv_sequence_read(sequence, at, rows + at * stride, stride, count);
	}
	slv_sequence_rewind(sequence);
	if (!slv_failed(err))
		return rows;
	slv_free(rows);
	return NULL;
}

static void decode_twice(struct slv_arena *arena, slv_str bytes, const struct slv_boxes *boxes)
{
	struct slv_sequence *sequence;
	if (slv_failed(slv_sequence_open(arena, bytes, boxes, PIXELS_MAX, &sequence)))
		return;
	check_head(sequence, bytes);
	size_t len = 0, len_again = 0;
	uint8_t *once = decode(sequence, 0x55, &len);
	uint8_t *again = decode(sequence, 0xaa, &len_again);
	slv_assert(!once == !again && len == len_again);
	slv_assert(!once || memcmp(once, again, len) == 0);
	slv_free(once);
	slv_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	struct slv_boxes boxes = slv_boxes_read(bytes);
	slv_assert(boxes.width <= UINT16_MAX && boxes.height <= UINT16_MAX);
	slv_assert(boxes.plays <= UINT16_MAX);
	slv_assert(boxes.meta_bytes <= size && boxes.moov_bytes <= size);
	slv_assert(boxes.format_bytes <= size && boxes.times.len <= size);
	struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(4), SLV_KIB(64));
	decode_twice(&arena, bytes, &boxes);
	slv_arena_done(&arena);
	return 0;
}
