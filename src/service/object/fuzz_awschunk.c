/* fuzz_awschunk.c - in one piece and byte by byte a body gives the same
 *
 * The first two bytes are the length that the request tells, the lowest bit of the third whether
 * chunks are signed, the next whether there is a trailer; the rest is the body. A signed one is
 * signed anew first, so that more than its first chunk is reached.
 */
#include "service/object/awschunk.h"

#include "base/assert.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slv_digest key = { { 1, 2, 3 } };
static const struct slv_sigv4 signature = { .date = SLV_STR_INIT("20130524"),
	.region = SLV_STR_INIT("auto"),
	.service = SLV_STR_INIT("s3"),
	.time = SLV_STR_INIT("20130524T000000Z"),
	.signature = SLV_STR_INIT(
			"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9") };

struct outcome {
	struct slv_arena arena;
	struct slv_object_awschunk decoder;
	struct slv_buf data;
	slv_object_err err;
	size_t used;
};

/* Feed pieces of `step` bytes, each in memory of its own. */
static void decode(struct outcome *outcome, const uint8_t *head, slv_str body, size_t step)
{
	bool is_signed = head[2] & 1;
	*outcome = (struct outcome){ 0 };
	slv_arena_init(&outcome->arena, 512, 16384);
	slv_buf_init(&outcome->data, body.len + 1);
	outcome->decoder = (struct slv_object_awschunk){ .arena = &outcome->arena,
		.signature = is_signed ? &signature : NULL,
		.key = is_signed ? &key : NULL,
		.has_trailer = head[2] & 2,
		.length = (uint64_t)head[0] << 8 | head[1] };
	while (outcome->used < body.len && !outcome->decoder.done &&
			!slv_object_failed(outcome->err)) {
		slv_str piece = slv_str_head(slv_str_from_index(body, outcome->used), step);
		char *copy = slv_alloc(piece.len);
		memcpy(copy, piece.at, piece.len);
		size_t used = 0;
		slv_str data = { 0 };
		outcome->err = slv_object_awschunk_decode(
				&outcome->decoder, (slv_str){ copy, piece.len }, &used, &data);
		if (!slv_object_failed(outcome->err)) {
			slv_assert(used > 0 && used <= piece.len && data.len <= used);
			slv_buf_add(&outcome->data, data);
			outcome->used += used;
		}
		slv_free(copy);
	}
}

static void outcome_done(struct outcome *outcome)
{
	slv_buf_done(&outcome->data);
	slv_arena_done(&outcome->arena);
}

/* Put the right signature wherever a chunk of `body` has one. */
static void sign_again(char *body, size_t len)
{
	static const slv_str mark = SLV_STR_INIT(";chunk-signature=");
	char before[SLV_SIGV4_HEX_BYTES];
	memcpy(before, signature.signature.at, sizeof(before));
	size_t at = 0;
	while (at < len) {
		slv_str rest = { body + at, len - at };
		size_t digits = slv_str_find_str(rest, mark);
		size_t data = digits + mark.len + SLV_SIGV4_HEX_BYTES + 2, chunk = 0;
		if (data > rest.len || digits > 4)
			return;
		for (size_t i = 0; i < digits; i++)
			chunk = chunk << 4 | (size_t)(slv_hex_value(rest.at[i]) & 15);
		slv_str bytes = slv_str_head(slv_str_from_index(rest, data), chunk);
		struct slv_digest digest = slv_sha256(&bytes, 1);
		char *told = body + at + digits + mark.len;
		slv_sigv4_sign_chunk(&signature, &key, (slv_str){ before, sizeof(before) }, &digest,
				told);
		memcpy(before, told, sizeof(before));
		at += data + chunk + 2;
	}
}

static void check_done(const struct outcome *whole, const struct outcome *bytewise)
{
	const struct slv_object_awschunk *a = &whole->decoder, *b = &bytewise->decoder;
	slv_assert(whole->data.len == a->length && whole->used == bytewise->used);
	slv_assert(!a->signature || a->trailer_signed == a->has_trailer);
	slv_assert(a->trailers.count == b->trailers.count);
	slv_assert(a->trailers.count <= SLV_OBJECT_TRAILER_FIELDS_MAX);
	for (uint32_t i = 0; i < a->trailers.count; i++) {
		slv_assert(slv_str_eq(a->trailers.at[i].name, b->trailers.at[i].name));
		slv_assert(slv_str_eq(a->trailers.at[i].value, b->trailers.at[i].value));
		slv_assert(slv_field_name_ok(a->trailers.at[i].name));
		slv_assert(slv_field_value_ok(a->trailers.at[i].value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct outcome whole, bytewise;
	char *copy = slv_alloc(size);
	slv_str body = { copy, size - 3 };
	memcpy(copy, data + 3, body.len);
	if (data[2] & 1)
		sign_again(copy, body.len);
	decode(&whole, data, body, SIZE_MAX);
	decode(&bytewise, data, body, 1);
	slv_assert(whole.err.code == bytewise.err.code);
	slv_assert(whole.decoder.done == bytewise.decoder.done);
	/* After an error the one may have handed out more of the last chunk. */
	if (!slv_object_failed(whole.err))
		slv_assert(slv_str_eq(slv_buf_str(&whole.data), slv_buf_str(&bytewise.data)));
	if (whole.decoder.done)
		check_done(&whole, &bytewise);
	outcome_done(&whole);
	outcome_done(&bytewise);
	slv_free(copy);
	return 0;
}
