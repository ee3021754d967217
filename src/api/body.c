#include "api/body.h"

#include "base/attr.h"

static slv_err count(struct slv_api_body *body)
{
	struct slv_api_bodies *bodies = body->bodies;
	size_t more = body->text.len - body->counted;
	if (more > bodies->bytes_max - bodies->bytes)
		return SLV_ERR(SLV_E_BUSY, "too many large requests are under way; try again");
	bodies->bytes += more;
	body->counted += more;
	return SLV_OK;
}

static slv_err add(struct slv_api_body *body, slv_str bytes)
{
	slv_buf_add(&body->text, bytes);
	if (body->text.overflow)
		return slv_err_printf(body->req->arena, SLV_E_LIMIT,
				"the body is larger than %zu bytes", body->bytes_max);
	return count(body);
}

static void end(struct slv_api_body *body, slv_err err)
{
	slv_body_done(&body->stream);
	body->done(body, err);
}

static void part(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct slv_api_body *body = SLV_CONTAINER(pull, struct slv_api_body, pull);
	if (!slv_failed(err))
		err = add(body, bytes);
	if (slv_failed(err) || !bytes.len)
		end(body, err);
	else
		slv_source_pull(body->stream.source, &body->pull);
}

void slv_api_body_read(struct slv_api_body *body)
{
	slv_buf_init(&body->text, body->bytes_max);
	body->counted = 0;
	body->stream = body->req->body;
	body->req->body = (struct slv_body){ 0 };
	if (!body->stream.source) {
		end(body, add(body, body->stream.bytes));
		return;
	}
	body->pull.done = part;
	slv_source_pull(body->stream.source, &body->pull);
}

void slv_api_body_clear(struct slv_api_body *body)
{
	slv_buf_done(&body->text);
}

void slv_api_body_done(struct slv_api_body *body)
{
	body->bodies->bytes -= body->counted;
	body->counted = 0;
	slv_buf_done(&body->text);
}
