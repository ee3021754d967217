/* put.c - write one value, as it comes
 *
 *	READ ──▶ END ──▶ COMMIT ──▶ DONE
 *	          │        ▲
 *	          └▶ FINISH ┘        whichever fails: DONE
 *
 * Raw, or as a form with the parts `value` and `metadata` (service/intake.h). Up to 64 KiB stay in
 * memory and go into the row; past that all goes into a blob, which is finished before the row that
 * names it is written. What fails before that leaves nothing. Whether the namespace is there is
 * asked at the beginning, and again before the commit.
 */
#include "base/assert.h"
#include "http/query.h"
#include "service/intake.h"
#include "service/kv/private.h"

#include <string.h>

enum state {
	READ,   /* wait for bytes of the request */
	END,    /* the request is over */
	FINISH, /* wait for the blob to be on the disk */
	COMMIT, /* wait for the row */
	DONE,
};

struct put {
	struct kv_call call;
	slv_str key;
	int64_t expires_s;
	char row_key[KV_ROW_KEY_BYTES_MAX], expiry_key[KV_ROW_KEY_BYTES_MAX];
	char row[KV_ROW_BYTES_MAX];

	enum state state;
	bool asked;           /* for what the state waits for */
	slv_err err;          /* of that, or of what was made of it */
	struct slv_intake in; /* `kept`: the value, or what the blob does not have yet */
	enum { NO_PART, VALUE, METADATA } part;
	bool had_value;
	struct slv_buf metadata; /* as sent */
	uint64_t len;

	struct slv_omap_change changes[2];
	struct slv_omap_batch batch;
};

static void put_run(struct put *put);

static void put_drop(void *arg)
{
	struct put *put = arg;
	slv_intake_done(&put->in);
	slv_buf_done(&put->metadata);
}

/* --- what came --- */

/* Past what a row holds all goes into a blob. */
static slv_err value_add(struct put *put, slv_str bytes)
{
	put->len += bytes.len;
	if (put->len > SLV_KV_VALUE_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "a value has 25 MiB at most");
	slv_intake_keep(&put->in, bytes);
	return put->in.writer || put->in.kept.len <= KV_INLINE_BYTES_MAX
	                       ? SLV_OK
	                       : slv_intake_open(&put->in);
}

static slv_err metadata_add(struct put *put, slv_str bytes)
{
	slv_buf_add(&put->metadata, bytes);
	return put->metadata.overflow ? SLV_ERR(SLV_E_LIMIT, "metadata has 1024 bytes at most")
	                              : SLV_OK;
}

static slv_err part_begun(struct slv_intake *in)
{
	struct put *put = SLV_CONTAINER(in, struct put, in);
	slv_str name = in->form.part.name;
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

static slv_err data_came(struct slv_intake *in, slv_str bytes)
{
	struct put *put = SLV_CONTAINER(in, struct put, in);
	return in->is_form && put->part == METADATA ? metadata_add(put, bytes)
	                                            : value_add(put, bytes);
}

/* It is asked again. */
static void woke(struct slv_intake *in)
{
	struct put *put = SLV_CONTAINER(in, struct put, in);
	put->asked = false;
	put_run(put);
}

static const struct slv_intake_ops in_ops = { .part = part_begun, .data = data_came, .wake = woke };

static bool ask_read(struct put *put)
{
	return slv_intake_go(&put->in) != SLV_INTAKE_WAITS;
}

static enum state take_read(struct put *put)
{
	put->err = put->in.err;
	return END;
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

static enum state take_end(struct put *put)
{
	if (put->in.is_form && !put->had_value)
		put->err = SLV_ERR(SLV_E_SYNTAX, "the form has no part 'value'");
	if (!slv_failed(put->err))
		put->err = metadata_check(put);
	return put->in.writer ? FINISH : COMMIT;
}

static bool ask_finish(struct put *put)
{
	return slv_intake_finish(&put->in);
}

static enum state take_finish(struct put *put)
{
	put->err = put->in.err;
	return COMMIT;
}

static void committed(struct slv_omap_batch *batch, slv_err err)
{
	struct put *put = SLV_CONTAINER(batch, struct put, batch);
	put->err = err;
	put->in.has_ref = put->in.writer && slv_failed(err) && !batch->in_doubt;
	if (!slv_failed(err)) {
		kv_clean(put->call.kv, batch);
		batch->old->hold.drop(&batch->old->hold);
	}
	put_run(put);
}

static slv_err write_row(struct kv_call *call)
{
	struct put *put = SLV_CONTAINER(call, struct put, call);
	struct kv_meta meta = {
		.expires_s = put->expires_s,
		.len = put->len,
		.has_blob = put->in.writer != NULL,
		.blob = put->in.ref.id,
		.metadata = slv_buf_str(&put->metadata),
	};
	put->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = kv_row_key(put->key, put->row_key),
		.value = { put->row, kv_meta_write(&meta, put->row) },
		.body = meta.has_blob ? (slv_str){ 0 } : slv_buf_str(&put->in.kept) };
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
	put->in.has_ref = false; /* it may be named from now on */
	slv_omap_write(put->call.kv->loop, &put->batch);
	return SLV_OK;
}

static bool ask_commit(struct put *put)
{
	slv_err err = kv_begin(&put->call, put->call.ask, write_row);
	(void)err; /* there is none: kv_begin() answers what fails */
	return false;
}

static enum state take_commit(struct put *put)
{
	(void)put;
	return DONE;
}

static bool ask_nothing(struct put *put)
{
	(void)put;
	return true;
}

static void answer(struct put *put)
{
	if (slv_failed(put->err))
		kv_fail(&put->call, put->err);
	else
		slv_api_reply(put->call.ask->req, json_object(), NULL);
}

static void put_run(struct put *put)
{
	static const struct {
		bool (*ask)(struct put *put); /* true: it is there at once */
		enum state (*take)(struct put *put);
		unsigned may;
	} steps[] = {
		[READ] = { ask_read, take_read, SLV_BIT(END) },
		[END] = { ask_nothing, take_end, SLV_BIT(FINISH) | SLV_BIT(COMMIT) },
		[FINISH] = { ask_finish, take_finish, SLV_BIT(COMMIT) },
		[COMMIT] = { ask_commit, take_commit, SLV_BIT(DONE) },
	};
	while (put->state != DONE && !slv_failed(put->err)) {
		if (!put->asked) {
			put->asked = true;
			if (!steps[put->state].ask(put))
				return;
		}
		put->asked = false;
		if (slv_failed(put->err))
			break;
		enum state next = steps[put->state].take(put);
		slv_assert(steps[put->state].may & SLV_BIT(next));
		put->state = next;
	}
	answer(put);
}

/* --- the beginning --- */

static slv_err begin(struct kv_call *call)
{
	struct slv_req *req = call->ask->req;
	struct put *put = SLV_CONTAINER(call, struct put, call);
	struct slv_multipart_limits limits = SLV_MULTIPART_LIMITS;
	limits.parts_max = 2;
	slv_err err = slv_intake_take(&put->in, &req->body, req->arena,
			slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE), &limits);
	if (!slv_failed(err))
		put_run(put);
	return err;
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

slv_err kv_serve_put(struct slv_api_ask *ask)
{
	const struct kv *kv = ask->self;
	struct put *put = SLV_NEW(ask->req->arena, struct put);
	if (!put)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	put->key = ask->params[2];
	slv_intake_init(&put->in, &in_ops, kv->loop, kv->blobs, SLV_KV_VALUE_BYTES_MAX);
	slv_buf_init(&put->metadata, SLV_KV_METADATA_BYTES_MAX);
	slv_err err = kv_key_check(put->key);
	if (!slv_failed(err) && ask->req->body.length != SLV_LENGTH_UNKNOWN &&
			ask->req->body.length > SLV_KV_VALUE_BYTES_MAX + SLV_KIB(16))
		err = SLV_ERR(SLV_E_LIMIT, "a value has 25 MiB at most"); /* form or not */
	if (!slv_failed(err))
		err = read_expiry(put, ask);
	if (!slv_failed(err) && !slv_arena_defer(ask->req->arena, put_drop, put))
		err = SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return slv_failed(err) ? err : kv_begin(&put->call, ask, begin);
}
