/* put.c - write one value, as it comes
 *
 *	READ → (BLOB) → READ … → END → COMMIT → answered
 *
 * Raw, or as a form with the parts `value` and `metadata`. Up to 64 KiB stay in memory and go into
 * the row; past that all goes into a blob, which is finished before the row that names it is
 * written. What fails before that leaves nothing. Whether the namespace is there is asked at the
 * beginning, and again before the commit.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "http/multipart.h"
#include "http/query.h"
#include "service/kv/private.h"

#include <string.h>

enum state {
	READ,   /* wait for bytes of the request */
	DECODE, /* look at what came */
	BLOB,   /* wait for the blob to take some */
	END,    /* the request is over */
	FINISH, /* wait for the blob to be on the disk */
	COMMIT, /* wait for the row */
	DONE,
	WAIT, /* as what a step returns: somebody calls back */
};

struct put {
	struct kv_call call;
	slv_str key;
	int64_t expires_s;
	char row_key[KV_ROW_KEY_BYTES_MAX], expiry_key[KV_ROW_KEY_BYTES_MAX];
	char row[KV_ROW_BYTES_MAX];

	enum state state;
	slv_err err; /* of what was waited for */
	struct slv_body stream;
	struct slv_pull pull;
	slv_str bytes; /* that came and are not looked at yet */
	bool at_end;
	bool is_form;
	struct slv_multipart form;
	enum { NO_PART, VALUE, METADATA } part;
	bool had_value;

	struct slv_buf value;    /* all of it, or what the blob does not have yet */
	struct slv_buf metadata; /* as sent */
	uint64_t len;
	struct slv_blob_writer *writer;
	struct slv_blob_ref ref;
	bool has_ref; /* the blob is finished, and no row names it, or may name it yet */

	struct slv_omap_change changes[2];
	struct slv_omap_batch batch;
};

static void put_run(struct put *put);

static void put_drop(void *arg)
{
	struct put *put = arg;
	slv_body_done(&put->stream);
	slv_buf_done(&put->value);
	slv_buf_done(&put->metadata);
	slv_blob_writer_free(put->writer);
	if (put->has_ref)
		slv_blob_discard(put->call.kv->loop, put->call.kv->blobs, &put->ref.id);
}

/* --- bytes of the value --- */

/* Past what a row holds all goes into a blob, a large piece at a time: `*ret_waits`. */
static slv_err value_add(struct put *put, slv_str bytes, bool *ret_waits)
{
	put->len += bytes.len;
	if (put->len > SLV_KV_VALUE_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "a value has 25 MiB at most");
	slv_buf_add(&put->value, bytes);
	if (put->value.len <= KV_INLINE_BYTES_MAX)
		return SLV_OK;
	*ret_waits = true;
	return put->writer ? SLV_OK
	                   : slv_blob_writer_new(
					     put->call.kv->loop, put->call.kv->blobs, &put->writer);
}

static void blob_written(void *arg, slv_err err)
{
	struct put *put = arg;
	slv_buf_clear(&put->value);
	put->err = err;
	put->state = DECODE;
	put_run(put);
}

/* --- what came --- */

static slv_err metadata_add(struct put *put, slv_str bytes)
{
	slv_buf_add(&put->metadata, bytes);
	return put->metadata.overflow ? SLV_ERR(SLV_E_LIMIT, "metadata has 1024 bytes at most")
	                              : SLV_OK;
}

static slv_err part_begun(struct put *put)
{
	slv_str name = put->form.part.name;
	put->part = slv_str_eq(name, SLV_STR("value"))      ? VALUE
	            : slv_str_eq(name, SLV_STR("metadata")) ? METADATA
	                                                    : NO_PART;
	if (put->part == VALUE && put->had_value)
		return SLV_ERR(SLV_E_SYNTAX, "the part 'value' is there twice");
	if (put->part == METADATA && put->metadata.len)
		return SLV_ERR(SLV_E_SYNTAX, "the part 'metadata' is there twice");
	if (put->part == NO_PART)
		return SLV_ERR(SLV_E_SYNTAX, "the parts of this form are 'value' and 'metadata'");
	put->had_value |= put->part == VALUE;
	return SLV_OK;
}

/* The next of a form. */
static slv_err form_step(struct put *put, bool *ret_more, bool *ret_waits)
{
	size_t used;
	slv_str data;
	enum slv_multipart_event event;
	slv_err err = slv_multipart_decode(&put->form, put->bytes, &used, &event, &data);
	if (slv_failed(err))
		return err;
	put->bytes = slv_str_from_index(put->bytes, used);
	*ret_more = event != SLV_MULTIPART_NEED;
	if (event == SLV_MULTIPART_PART)
		return part_begun(put);
	if (event == SLV_MULTIPART_DATA && put->part == VALUE)
		return value_add(put, data, ret_waits);
	if (event == SLV_MULTIPART_DATA && put->part == METADATA)
		return metadata_add(put, data);
	return SLV_OK;
}

static slv_err raw_step(struct put *put, bool *ret_more, bool *ret_waits)
{
	slv_str bytes = put->bytes;
	put->bytes = (slv_str){ 0 };
	*ret_more = false;
	return bytes.len ? value_add(put, bytes, ret_waits) : SLV_OK;
}

static enum state decode(struct put *put)
{
	bool more = true, waits = false;
	if (slv_failed(put->err))
		return DONE;
	while (more && !waits) {
		put->err = put->is_form ? form_step(put, &more, &waits)
		                        : raw_step(put, &more, &waits);
		if (slv_failed(put->err))
			return DONE;
	}
	return waits ? BLOB : put->at_end ? END : READ;
}

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct put *put = SLV_CONTAINER(pull, struct put, pull);
	put->err = err;
	put->bytes = bytes;
	put->at_end = !bytes.len;
	put->state = DECODE;
	put_run(put);
}

static enum state read_some(struct put *put)
{
	if (put->stream.source) {
		slv_source_pull(put->stream.source, &put->pull);
		return WAIT;
	}
	/* All of it was there at once. */
	put->at_end = true;
	return DECODE;
}

static enum state blob_some(struct put *put)
{
	slv_blob_write(put->writer, slv_buf_str(&put->value), blob_written, put);
	return WAIT;
}

/* --- the end --- */

static slv_err metadata_check(struct put *put)
{
	slv_str text = slv_buf_str(&put->metadata);
	if (!text.len)
		return SLV_OK;
	json_t *metadata = slv_api_json(text);
	if (!metadata)
		return SLV_ERR(SLV_E_SYNTAX, "metadata is JSON");
	json_decref(metadata);
	return SLV_OK;
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct put *put = arg;
	put->err = err;
	if (!slv_failed(err)) {
		put->ref = *ref;
		put->has_ref = true;
	}
	put->state = slv_failed(err) ? DONE : COMMIT;
	put_run(put);
}

static enum state end(struct put *put)
{
	if (put->is_form)
		put->err = slv_multipart_finish(&put->form);
	if (!slv_failed(put->err) && put->is_form && !put->had_value)
		put->err = SLV_ERR(SLV_E_SYNTAX, "the form has no part 'value'");
	if (!slv_failed(put->err))
		put->err = metadata_check(put);
	if (slv_failed(put->err))
		return DONE;
	if (!put->writer)
		return COMMIT;
	return put->value.len ? BLOB : FINISH;
}

static enum state finish(struct put *put)
{
	slv_blob_finish(put->writer, blob_finished, put);
	return WAIT;
}

static void committed(struct slv_omap_batch *batch, slv_err err)
{
	struct put *put = SLV_CONTAINER(batch, struct put, batch);
	put->err = err;
	put->has_ref = put->writer && slv_failed(err) && !batch->in_doubt;
	if (!slv_failed(err)) {
		kv_clean(put->call.kv, batch);
		batch->old->hold.drop(&batch->old->hold);
	}
	put->state = DONE;
	put_run(put);
}

static slv_err write_row(struct kv_call *call)
{
	struct put *put = SLV_CONTAINER(call, struct put, call);
	struct kv_meta meta = {
		.expires_s = put->expires_s,
		.len = put->len,
		.has_blob = put->writer != NULL,
		.blob = put->ref.id,
		.metadata = slv_buf_str(&put->metadata),
	};
	put->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = kv_row_key(put->key, put->row_key),
		.value = { put->row, kv_meta_write(&meta, put->row) },
		.body = meta.has_blob ? (slv_str){ 0 } : slv_buf_str(&put->value) };
	if (put->expires_s)
		put->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
			.key = kv_expiry_key(put->expires_s, put->key, put->expiry_key) };
	put->batch = (struct slv_omap_batch){
		.map = put->call.map,
		.changes = put->changes,
		.count = put->expires_s ? 2 : 1,
		.wants_old = true,
		.done = committed,
	};
	put->has_ref = false;
	slv_omap_write(put->call.kv->loop, &put->batch);
	return SLV_OK;
}

static enum state commit(struct put *put)
{
	slv_body_done(&put->stream); /* all of it has come, and an answer may now */
	slv_err err = kv_begin(&put->call, put->call.ask, write_row);
	(void)err; /* there is none: kv_begin() answers what fails */
	return WAIT;
}

static void answer(struct put *put)
{
	slv_body_done(&put->stream);
	if (slv_failed(put->err))
		kv_fail(&put->call, put->err);
	else
		slv_api_reply(put->call.ask->req, json_object(), NULL);
}

static void put_run(struct put *put)
{
	static enum state (*const steps[])(struct put *) = {
		[READ] = read_some,
		[DECODE] = decode,
		[BLOB] = blob_some,
		[END] = end,
		[FINISH] = finish,
		[COMMIT] = commit,
	};
	static const unsigned may[] = {
		[READ] = SLV_BIT(DECODE),
		[DECODE] = SLV_BIT(READ) | SLV_BIT(BLOB) | SLV_BIT(END) | SLV_BIT(DONE),
		[BLOB] = 0,
		[END] = SLV_BIT(BLOB) | SLV_BIT(FINISH) | SLV_BIT(COMMIT) | SLV_BIT(DONE),
		[FINISH] = 0,
		[COMMIT] = 0,
	};
	while (put->state != DONE) {
		enum state next = steps[put->state](put);
		if (next == WAIT)
			return;
		slv_assert(may[put->state] & SLV_BIT(next));
		put->state = next;
	}
	answer(put);
}

/* --- the beginning --- */

static slv_err begin(struct kv_call *call)
{
	struct put *put = SLV_CONTAINER(call, struct put, call);
	put->stream = call->ask->req->body;
	call->ask->req->body = (struct slv_body){ 0 };
	put->bytes = put->stream.source ? (slv_str){ 0 } : put->stream.bytes;
	put->state = READ;
	put_run(put);
	return SLV_OK;
}

static slv_err number(struct slv_req *req, slv_str name, int64_t *ret_value)
{
	uint64_t value;
	slv_str text;
	*ret_value = -1;
	slv_err err = slv_query_get(req->arena, req->uri.query, name, SLV_QUERY_SPACE, &text);
	if (slv_failed(err) || !text.len)
		return err;
	if (!slv_str_u64(text, INT32_MAX * UINT64_C(100), &value))
		return slv_err_printf(req->arena, SLV_E_SYNTAX, "%.*s is a number of seconds",
				SLV_FMT(name));
	*ret_value = (int64_t)value;
	return SLV_OK;
}

static slv_err read_expiry(struct put *put, struct slv_api_ask *ask)
{
	int64_t at_s, ttl_s;
	slv_err err = number(ask->req, SLV_STR("expiration"), &at_s);
	if (!slv_failed(err))
		err = number(ask->req, SLV_STR("expiration_ttl"), &ttl_s);
	if (slv_failed(err))
		return err;
	return kv_expiry(slv_loop_wall_s(ask->loop), at_s, ttl_s, &put->expires_s);
}

static slv_err read_form(struct put *put, struct slv_req *req)
{
	slv_str type = slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE), kind = type;
	put->is_form = slv_str_eq_nocase(
			slv_str_trim(slv_str_cut(&kind, ';')), SLV_STR("multipart/form-data"));
	if (!put->is_form)
		return SLV_OK;
	struct slv_multipart_limits limits = SLV_MULTIPART_LIMITS;
	limits.parts_max = 2;
	return slv_multipart_init(&put->form, req->arena, type, &limits);
}

slv_err kv_serve_put(struct slv_api_ask *ask)
{
	struct put *put = SLV_NEW(ask->req->arena, struct put);
	if (!put)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	put->key = ask->params[2];
	put->pull.done = came;
	slv_buf_init(&put->value, SLV_KV_VALUE_BYTES_MAX);
	slv_buf_init(&put->metadata, SLV_KV_METADATA_BYTES_MAX);
	slv_err err = kv_key_check(put->key);
	if (!slv_failed(err) && ask->req->body.length != SLV_LENGTH_UNKNOWN &&
			ask->req->body.length > SLV_KV_VALUE_BYTES_MAX + SLV_KIB(16))
		err = SLV_ERR(SLV_E_LIMIT, "a value has 25 MiB at most"); /* form or not */
	if (!slv_failed(err))
		err = read_expiry(put, ask);
	if (!slv_failed(err))
		err = read_form(put, ask->req);
	if (!slv_failed(err) && !slv_arena_defer(ask->req->arena, put_drop, put))
		err = SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return slv_failed(err) ? err : kv_begin(&put->call, ask, begin);
}
