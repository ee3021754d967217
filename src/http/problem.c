#include "http/problem.h"

#include "base/assert.h"
#include "base/buf.h"
#include "http/accept.h"

#define MESSAGE_BYTES_MAX 512u /* of the reason that is told; the rest is cut */
#define JSON_BYTES_MAX (6 * MESSAGE_BYTES_MAX + 256)

/* What the client may know. Our own failures name files, calls and addresses. */
static slv_str message_of(slv_err err)
{
	int status = slv_code_status(err.code);
	slv_str text = slv_str_from(status == 500 ? NULL : err.what);
	if (text.len == 0)
		return slv_status_reason(status);
	if (text.len <= MESSAGE_BYTES_MAX)
		return text;

	size_t len = MESSAGE_BYTES_MAX;
	while (len && ((uint8_t)text.at[len] & 0xc0) == 0x80)
		len--; /* not inside a UTF-8 sequence */
	return slv_str_head(text, len);
}

/* One line: a reason may quote the request, so control bytes become '?'. */
static slv_str make_text(struct slv_arena *arena, slv_str message)
{
	char *text = slv_arena_bytes(arena, message.len + 1);
	if (!text)
		return (slv_str){ 0 };
	for (size_t i = 0; i < message.len; i++) {
		uint8_t c = (uint8_t)message.at[i];
		text[i] = c < 0x20 || c == 0x7f ? '?' : message.at[i];
	}
	text[message.len] = '\n';
	return (slv_str){ text, message.len + 1 };
}

static slv_str make_json(struct slv_arena *arena, slv_err err, slv_str message)
{
	struct slv_buf buf;
	slv_buf_init(&buf, JSON_BYTES_MAX);
	slv_buf_add(&buf, SLV_STR("{\"error\":{\"code\":"));
	slv_buf_add_json(&buf, slv_str_from(slv_code_name(err.code)));
	slv_buf_add(&buf, SLV_STR(",\"status\":"));
	slv_buf_add_u64(&buf, (uint64_t)slv_code_status(err.code));
	slv_buf_add(&buf, SLV_STR(",\"message\":"));
	slv_buf_add_json(&buf, message);
	slv_buf_add(&buf, SLV_STR("}}\n"));
	slv_assert(!buf.overflow);
	slv_str json = slv_str_copy(arena, slv_buf_str(&buf));
	slv_buf_done(&buf);
	return json;
}

/* The fields that stand without a body. */
static slv_err add_fields(struct slv_fields *fields, slv_err err)
{
	slv_err failed = slv_fields_add(
			fields, SLV_STR("Selvedge-Error"), slv_str_from(slv_code_name(err.code)));
	if (!slv_failed(failed))
		failed = slv_fields_add_id(fields, SLV_FIELD_CACHE_CONTROL, SLV_STR("no-store"));
	if (!slv_failed(failed) && err.code == SLV_E_BUSY)
		failed = slv_fields_add_id(fields, SLV_FIELD_RETRY_AFTER, SLV_STR("1"));
	return failed;
}

static slv_err add_body(struct slv_req *req, slv_err err, struct slv_reply *reply)
{
	struct slv_accept accept;
	slv_accept_read(&req->fields, &accept);
	bool json = slv_accept_prefers_json(&accept);
	slv_str message = message_of(err);
	slv_str body = json ? make_json(req->arena, err, message) : make_text(req->arena, message);
	slv_str type = json ? SLV_STR("application/json") : SLV_STR("text/plain; charset=utf-8");
	if (!body.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the text of an error");

	slv_err failed = slv_fields_add_id(&reply->fields, SLV_FIELD_CONTENT_TYPE, type);
	if (!slv_failed(failed))
		failed = slv_fields_add_id(&reply->fields, SLV_FIELD_X_CONTENT_TYPE_OPTIONS,
				SLV_STR("nosniff"));
	if (!slv_failed(failed))
		reply->body = slv_body_bytes(body, NULL);
	return failed;
}

void slv_problem_make(struct slv_req *req, slv_err err, struct slv_reply *ret_reply)
{
	slv_assert(slv_failed(err));
	slv_reply_init(ret_reply, req, slv_code_status(err.code));
	ret_reply->code = slv_code_name(err.code);
	slv_err failed = add_fields(&ret_reply->fields, err);
	if (!slv_failed(failed))
		failed = add_body(req, err, ret_reply);
	/* An arena that is full may be why we are here: what fits of the reply will do. */
	(void)failed;
	/* Last, for it is only for the log. */
	req->error_why = slv_str_copy(req->arena, slv_str_from(err.what));
}

void slv_problem_reply(struct slv_req *req, slv_err err)
{
	struct slv_reply reply;
	slv_problem_make(req, err, &reply);
	slv_req_reply(req, &reply);
}

void slv_problem_reply_with(struct slv_req *req, slv_err err, slv_str name, slv_str value)
{
	struct slv_reply reply;
	slv_problem_make(req, err, &reply);
	err = slv_fields_add(&reply.fields, name, value);
	(void)err; /* without memory for the field the status still tells */
	slv_req_reply(req, &reply);
}
