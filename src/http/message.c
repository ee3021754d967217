#include "http/message.h"

#include "base/assert.h"

slv_str slv_req_logged_path(const struct slv_req *req)
{
	return req->logged_path.len ? req->logged_path : req->uri.path;
}

void slv_reply_init(struct slv_reply *reply, struct slv_req *req, int status)
{
	slv_assert(status >= 100 && status <= 999);
	*reply = (struct slv_reply){ .status = status };
	slv_fields_init(&reply->fields, req->arena);
}

slv_err slv_reply_max_age(struct slv_reply *reply, int64_t max_age_s)
{
	slv_str value = SLV_STR("no-cache");
	if (max_age_s < 0 || slv_fields_find(&reply->fields, SLV_FIELD_CACHE_CONTROL, NULL))
		return SLV_OK;
	if (max_age_s)
		value = slv_str_printf(
				reply->fields.arena, "public, max-age=%lld", (long long)max_age_s);
	return value.at ? slv_fields_add_id(&reply->fields, SLV_FIELD_CACHE_CONTROL, value)
	                : SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
}

void slv_req_reply(struct slv_req *req, struct slv_reply *reply)
{
	slv_assert(reply->status >= 100 && reply->status <= 999);
	/* A reply to HEAD may tell a length without having the bytes. */
	slv_assert(reply->body.source || reply->body.length == reply->body.bytes.len ||
			req->method == SLV_METHOD_HEAD);
	req->error_code = reply->code;
	req->sink->ops->reply(req->sink, req, reply);
}
