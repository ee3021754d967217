#include "http/message.h"

#include "base/assert.h"

void slv_reply_init(struct slv_reply *reply, struct slv_req *req, int status)
{
	slv_assert(status >= 100 && status <= 999);
	*reply = (struct slv_reply){ .status = status };
	slv_fields_init(&reply->fields, req->arena);
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
