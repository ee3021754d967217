/* intake.c - a body that comes: checked as it comes, kept once it is known to be right
 *
 *	READ → TAKE (→ BLOB → TAKE …) → READ … → CHECK (→ BLOB) → FINISH → told
 *
 * Nothing of a body counts before all of it was there and held: until then a blob is not finished,
 * and what is not finished leaves nothing.
 */
#include "base/assert.h"
#include "base/base64.h"
#include "base/mem.h"
#include "service/object/private.h"

#include <string.h>

#define PIECE_BYTES SLV_KIB(256) /* that is written to a blob at a time */

enum step {
	READ,   /* wait for bytes of the request */
	TAKE,   /* look at what came */
	BLOB,   /* wait for the blob to take some */
	CHECK,  /* the request is over: is it what it said? */
	FINISH, /* wait for the blob to be on the disk */
	TOLD,
	WAIT, /* as what a step returns: somebody calls back */
};

struct object_intake_state {
	struct object_intake *intake;
	enum step step;
	slv_object_err err;
	struct slv_body stream;
	struct slv_pull pull;
	slv_str bytes; /* that came and are not looked at yet */
	bool at_end, checked;

	uint64_t expected; /* bytes, decoded */
	bool is_chunked;   /* in the coding aws-chunked */
	struct slv_object_awschunk chunks;
	struct slv_digest_stream md5, sha256;
	bool has_sha256, has_md5;
	uint8_t told_md5[OBJECT_MD5_BYTES];
	struct slv_object_checksum_stream checksum;
	bool has_checksum;    /* one is worked out */
	bool told, told_late; /* in the header; in the trailer */
	struct slv_object_checksum told_checksum;

	struct slv_blob_writer *writer;
};

static void run(struct object_intake_state *state);

static void state_drop(void *arg)
{
	struct object_intake_state *state = arg;
	slv_body_done(&state->stream);
	slv_blob_writer_free(state->writer);
	slv_buf_done(&state->intake->bytes);
}

/* --- what the request says of its body --- */

static slv_object_err expect_length(struct object_intake_state *state)
{
	struct object_ask *ask = state->intake->ask;
	slv_str decoded = object_field(ask, "x-amz-decoded-content-length");
	uint64_t length = ask->req->body.length;
	if (state->is_chunked) {
		if (!decoded.at)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_MISSING_CONTENT_LENGTH,
					"x-amz-decoded-content-length is missing.");
		if (!slv_str_u64(decoded, INT64_MAX, &length))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
					"x-amz-decoded-content-length is no number.");
	}
	if (length == SLV_LENGTH_UNKNOWN)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MISSING_CONTENT_LENGTH, NULL);
	if (length > state->intake->bytes_max)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_ENTITY_TOO_LARGE, NULL);
	state->expected = length;
	return SLV_OBJECT_OK;
}

static slv_object_err expect_md5(struct object_intake_state *state)
{
	slv_str told = object_field(state->intake->ask, "content-md5");
	if (!told.at)
		return SLV_OBJECT_OK;
	state->has_md5 = true;
	return slv_base64_parse(told, state->told_md5, sizeof(state->told_md5))
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_DIGEST, NULL);
}

/* A checksum in the header, or announced for the trailer. */
static slv_object_err expect_checksum(struct object_intake_state *state)
{
	struct object_ask *ask = state->intake->ask;
	slv_str trailer = object_field(ask, "x-amz-trailer");
	enum slv_object_checksum_kind kind;
	slv_object_err err = slv_object_checksum_told(
			&ask->req->fields, &state->told, &state->told_checksum, &state->checksum);
	if (slv_object_failed(err))
		return err;
	state->has_checksum = state->told;
	if (!trailer.at || state->has_checksum)
		return SLV_OBJECT_OK;
	if (!state->is_chunked || !slv_object_checksum_of_field(slv_str_trim(trailer), &kind))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"x-amz-trailer names no checksum that can follow.");
	state->has_checksum = state->told_late = true;
	slv_object_checksum_init(&state->checksum, kind);
	return SLV_OBJECT_OK;
}

/* A checksum that is wanted though none is told. */
static slv_object_err want_checksum(struct object_intake_state *state)
{
	const struct object_intake *intake = state->intake;
	if (!intake->wants_checksum)
		return SLV_OBJECT_OK;
	if (state->has_checksum)
		return state->checksum.kind == intake->kind
		                       ? SLV_OBJECT_OK
		                       : SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
							 "The checksum told is of another kind "
							 "than the "
							 "upload's.");
	state->has_checksum = true;
	slv_object_checksum_init(&state->checksum, intake->kind);
	return SLV_OBJECT_OK;
}

static void expect_payload(struct object_intake_state *state)
{
	struct object_ask *ask = state->intake->ask;
	enum slv_object_payload payload = ask->payload;
	state->has_sha256 = payload == SLV_OBJECT_PAYLOAD_DIGEST;
	state->is_chunked = payload >= SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS;
	if (!state->is_chunked)
		return;
	bool is_signed = payload != SLV_OBJECT_PAYLOAD_UNSIGNED_CHUNKS_TRAILER;
	state->chunks = (struct slv_object_awschunk){
		.arena = ask->req->arena,
		.signature = is_signed ? &ask->signature : NULL,
		.key = is_signed ? &ask->sign_key : NULL,
		.has_trailer = payload != SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS,
	};
}

/* --- bytes --- */

static slv_object_err add(struct object_intake_state *state, slv_str bytes)
{
	struct object_intake *intake = state->intake;
	intake->len += bytes.len;
	if (intake->len > state->expected)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INCOMPLETE_BODY, NULL);
	slv_digest_add(&state->md5, bytes);
	if (state->has_sha256)
		slv_digest_add(&state->sha256, bytes);
	if (state->has_checksum)
		slv_object_checksum_add(&state->checksum, bytes);
	slv_buf_add(&intake->bytes, bytes);
	return SLV_OBJECT_OK;
}

/* Take as much of what came as there is room for. */
static slv_object_err take_some(struct object_intake_state *state)
{
	slv_str data;
	size_t used;
	if (!state->is_chunked) {
		slv_str bytes = state->bytes;
		state->bytes = (slv_str){ 0 };
		return add(state, bytes);
	}
	if (state->chunks.done)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INCOMPLETE_BODY,
				"There are bytes behind the last chunk.");
	slv_object_err err = slv_object_awschunk_decode(&state->chunks, state->bytes, &used, &data);
	if (slv_object_failed(err))
		return err;
	state->bytes = slv_str_from_index(state->bytes, used);
	return add(state, data);
}

static slv_object_err begin_blob(struct object_intake_state *state)
{
	struct object *self = state->intake->ask->self;
	if (state->writer)
		return SLV_OBJECT_OK;
	return object_err(slv_blob_writer_new(self->loop, self->blobs, &state->writer));
}

static bool is_to_blob(const struct object_intake_state *state)
{
	const struct object_intake *intake = state->intake;
	return intake->to_blob || (!intake->in_memory && state->expected > OBJECT_INLINE_BYTES_MAX);
}

static enum step take(struct object_intake_state *state)
{
	while (state->bytes.len) {
		state->err = take_some(state);
		if (slv_object_failed(state->err))
			return TOLD;
		if (is_to_blob(state) && state->intake->bytes.len >= PIECE_BYTES)
			return BLOB;
	}
	return state->at_end ? CHECK : READ;
}

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct object_intake_state *state = SLV_CONTAINER(pull, struct object_intake_state, pull);
	state->bytes = bytes;
	state->at_end = !bytes.len;
	state->step = TAKE;
	if (slv_failed(err)) {
		state->err = err.code == SLV_E_SLOW
		                             ? SLV_OBJECT_ERR(SLV_OBJECT_E_REQUEST_TIMEOUT, NULL)
		                             : SLV_OBJECT_ERR(SLV_OBJECT_E_INCOMPLETE_BODY, NULL);
		state->step = TOLD;
	}
	run(state);
}

static enum step read_some(struct object_intake_state *state)
{
	if (state->stream.source) {
		slv_source_pull(state->stream.source, &state->pull);
		return WAIT;
	}
	state->bytes = state->stream.bytes;
	state->at_end = true;
	return TAKE;
}

static void blob_written(void *arg, slv_err err)
{
	struct object_intake_state *state = arg;
	slv_buf_clear(&state->intake->bytes);
	state->err = object_err(err);
	state->step = slv_failed(err) ? TOLD : state->checked ? FINISH : TAKE;
	run(state);
}

static enum step write_some(struct object_intake_state *state)
{
	state->err = begin_blob(state);
	if (slv_object_failed(state->err))
		return TOLD;
	slv_blob_write(state->writer, slv_buf_str(&state->intake->bytes), blob_written, state);
	return WAIT;
}

/* --- is it what it said? --- */

static slv_object_err check_trailer(struct object_intake_state *state)
{
	slv_str field = slv_object_checksum_field(state->checksum.kind);
	const struct slv_field *told = slv_fields_find_name(&state->chunks.trailers, field);
	if (!told)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_TRAILER,
				"The checksum that x-amz-trailer announced is missing.");
	return slv_object_checksum_parse(
			       state->checksum.kind, told->value, &state->told_checksum) &&
	                                       !state->told_checksum.parts
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
						 "The checksum told is none.");
}

static slv_object_err check_checksum(struct object_intake_state *state)
{
	struct object_intake *intake = state->intake;
	slv_object_err err = state->told_late ? check_trailer(state) : SLV_OBJECT_OK;
	if (slv_object_failed(err) || !state->has_checksum)
		return err;
	slv_object_checksum_finish(&state->checksum, &intake->checksum);
	intake->has_checksum = true;
	if (!state->told && !state->told_late)
		return SLV_OBJECT_OK;
	return slv_object_checksum_eq(&intake->checksum, &state->told_checksum)
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_DIGEST, NULL);
}

static slv_object_err check_sha256(struct object_intake_state *state)
{
	uint8_t told[SLV_SHA256_BYTES], digest[SLV_SHA256_BYTES];
	if (!state->has_sha256)
		return SLV_OBJECT_OK;
	slv_digest_finish(&state->sha256, digest);
	return slv_str_unhex(state->intake->ask->sha256, told, sizeof(told)) &&
	                                       memcmp(told, digest, sizeof(told)) == 0
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_X_AMZ_CONTENT_SHA256_MISMATCH, NULL);
}

static enum step check(struct object_intake_state *state)
{
	struct object_intake *intake = state->intake;
	slv_object_err err = SLV_OBJECT_OK;
	if (intake->len != state->expected || (state->is_chunked && !state->chunks.done))
		err = SLV_OBJECT_ERR(SLV_OBJECT_E_INCOMPLETE_BODY, NULL);
	slv_digest_finish(&state->md5, intake->md5);
	if (!slv_object_failed(err) && state->has_md5 &&
			memcmp(intake->md5, state->told_md5, OBJECT_MD5_BYTES) != 0)
		err = SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_DIGEST, NULL);
	if (!slv_object_failed(err))
		err = check_sha256(state);
	if (!slv_object_failed(err))
		err = check_checksum(state);
	state->err = err;
	state->checked = true;
	if (slv_object_failed(err) || !is_to_blob(state))
		return TOLD;
	if (intake->bytes.len)
		return BLOB;
	state->err = begin_blob(state); /* it may be empty */
	return slv_object_failed(state->err) ? TOLD : FINISH;
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct object_intake_state *state = arg;
	state->err = object_err(err);
	if (!slv_failed(err)) {
		state->intake->has_blob = true;
		state->intake->ref = *ref;
	}
	state->step = TOLD;
	run(state);
}

static enum step finish(struct object_intake_state *state)
{
	slv_blob_finish(state->writer, blob_finished, state);
	return WAIT;
}

static void run(struct object_intake_state *state)
{
	static enum step (*const steps[])(struct object_intake_state *) = {
		[READ] = read_some,
		[TAKE] = take,
		[BLOB] = write_some,
		[CHECK] = check,
		[FINISH] = finish,
	};
	static const unsigned may[] = {
		[READ] = SLV_BIT(TAKE),
		[TAKE] = SLV_BIT(READ) | SLV_BIT(BLOB) | SLV_BIT(CHECK) | SLV_BIT(TOLD),
		[BLOB] = SLV_BIT(TOLD),
		[CHECK] = SLV_BIT(BLOB) | SLV_BIT(FINISH) | SLV_BIT(TOLD),
		[FINISH] = 0,
	};
	while (state->step != TOLD) {
		enum step next = steps[state->step](state);
		if (next == WAIT)
			return;
		slv_assert(may[state->step] & SLV_BIT(next));
		state->step = next;
	}
	slv_body_done(&state->stream);
	state->intake->done(state->intake, state->err);
}

slv_object_err object_intake_start(struct object_intake *intake)
{
	struct slv_req *req = intake->ask->req;
	struct object_intake_state *state = SLV_NEW(req->arena, struct object_intake_state);
	if (!state)
		return object_no_memory();
	intake->state = state;
	intake->len = 0;
	intake->has_checksum = intake->has_blob = false;
	slv_buf_init(&intake->bytes, SLV_MIB(16));
	state->intake = intake;
	state->pull.done = came;
	expect_payload(state);
	slv_object_err err = expect_length(state);
	if (!slv_object_failed(err))
		err = expect_md5(state);
	if (!slv_object_failed(err) && !intake->ignores_checksum)
		err = expect_checksum(state);
	if (!slv_object_failed(err))
		err = want_checksum(state);
	if (!slv_object_failed(err) && !slv_arena_defer(req->arena, state_drop, state))
		err = object_no_memory();
	if (slv_object_failed(err))
		return err;
	state->chunks.length = state->expected;
	slv_digest_init(&state->md5, SLV_DIGEST_MD5);
	slv_digest_init(&state->sha256, SLV_DIGEST_SHA256);
	state->stream = req->body;
	req->body = (struct slv_body){ 0 };
	run(state);
	return SLV_OBJECT_OK;
}

/* --- documents --- */

static void document_came(struct object_intake *intake, slv_object_err err)
{
	struct object_document *document = SLV_CONTAINER(intake, struct object_document, intake);
	document->done(document, err, slv_buf_str(&intake->bytes));
}

slv_object_err object_document_read(struct object_document *document)
{
	slv_assert(document->bytes_max <= OBJECT_DOCUMENT_BYTES_MAX);
	document->intake = (struct object_intake){
		.ask = document->ask,
		.bytes_max = document->bytes_max,
		.in_memory = true,
		.ignores_checksum = document->ignores_checksum,
		.done = document_came,
	};
	return object_intake_start(&document->intake);
}
