/* Decoding in one piece and byte by byte must give the same data, trailers and end. */
#include "wire/chunk.h"

#include "base/assert.h"
#include "base/mem.h"

#include <string.h>

struct outcome {
	struct slv_arena arena;
	struct slv_chunk_decoder decoder;
	struct slv_buf data;
	slv_err err;
	size_t used;
};

static const struct slv_h1_limits limits = { 8192, 100, 300, 8 };
/* Encoded again, each of the 8 trailers may have got a space that it did not have. */
static const struct slv_h1_limits more_limits = { 8192, 100, 308, 8 };

static void outcome_init(struct outcome *outcome, size_t size)
{
	slv_arena_init(&outcome->arena, 512, 16384);
	slv_buf_init(&outcome->data, size + 1);
	outcome->decoder =
			(struct slv_chunk_decoder){ .arena = &outcome->arena, .limits = &limits };
	outcome->err = SLV_OK;
	outcome->used = 0;
}

static void outcome_done(struct outcome *outcome)
{
	slv_buf_done(&outcome->data);
	slv_arena_done(&outcome->arena);
}

/* Feed pieces of `step` bytes, each in memory of its own. */
static void decode(struct outcome *outcome, slv_str bytes, size_t step)
{
	while (outcome->used < bytes.len && !outcome->decoder.done && !slv_failed(outcome->err)) {
		slv_str piece = slv_str_head(slv_str_from_index(bytes, outcome->used), step);
		char *copy = slv_alloc(piece.len);
		memcpy(copy, piece.at, piece.len);
		size_t used = 0;
		slv_str data = { 0 };
		outcome->err = slv_chunk_decode(
				&outcome->decoder, (slv_str){ copy, piece.len }, &used, &data);
		if (!slv_failed(outcome->err)) {
			slv_assert(used > 0 && used <= piece.len && data.len <= used);
			slv_buf_add(&outcome->data, data);
			outcome->used += used;
		}
		slv_free(copy);
	}
}

static void same(const struct outcome *a, const struct outcome *b)
{
	slv_assert(a->err.code == b->err.code);
	slv_assert(a->decoder.done == b->decoder.done);
	slv_assert(slv_str_eq(slv_buf_str(&a->data), slv_buf_str(&b->data)));
	if (!a->decoder.done)
		return;
	slv_assert(a->used == b->used);
	slv_assert(a->decoder.trailers.count == b->decoder.trailers.count);
	for (size_t i = 0; i < a->decoder.trailers.count; i++) {
		const struct slv_field *left = &a->decoder.trailers.at[i];
		const struct slv_field *right = &b->decoder.trailers.at[i];
		slv_assert(slv_str_eq(left->name, right->name));
		slv_assert(slv_str_eq(left->value, right->value));
		slv_assert(slv_chunk_trailer_ok(left->id, left->name));
	}
}

/* What was decoded, encoded again, decodes to the same. */
static void round_trip(const struct outcome *first)
{
	struct slv_buf buf;
	slv_str data = slv_buf_str(&first->data);
	slv_buf_init(&buf, 2 * data.len + 4096);
	if (data.len) {
		slv_chunk_begin(&buf, data.len);
		slv_buf_add(&buf, data);
		slv_buf_add(&buf, SLV_STR("\r\n"));
	}
	slv_assert(!slv_failed(slv_chunk_last(&buf, &first->decoder.trailers)));
	slv_assert(!buf.overflow);
	struct outcome again;
	outcome_init(&again, data.len);
	again.decoder.limits = &more_limits;
	decode(&again, slv_buf_str(&buf), SIZE_MAX);
	slv_assert(again.decoder.done && again.used == buf.len);
	slv_assert(slv_str_eq(slv_buf_str(&again.data), data));
	slv_assert(again.decoder.trailers.count == first->decoder.trailers.count);
	outcome_done(&again);
	slv_buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	struct outcome whole, bytewise;
	outcome_init(&whole, size);
	outcome_init(&bytewise, size);
	decode(&whole, bytes, SIZE_MAX);
	decode(&bytewise, bytes, 1);
	same(&whole, &bytewise);
	if (whole.decoder.done)
		round_trip(&whole);
	outcome_done(&bytewise);
	outcome_done(&whole);
	return 0;
}
