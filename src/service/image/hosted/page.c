/* page.c - an answer that pages of any site may read
 *
 * Who has a link for one upload may do what it says, wherever the page is that does it for him:
 * there is no cookie and no token that a browser would add by itself.
 */
#include "service/image/hosted/private.h"

struct for_pages {
	struct slv_sink sink;
	struct slv_sink *next;
};

static void reply_to_page(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct slv_sink *next = SLV_CONTAINER(sink, struct for_pages, sink)->next;
	/* Without it the page is not told, and that is all. */
	(void)slv_fields_add(&reply->fields, SLV_STR("Access-Control-Allow-Origin"), SLV_STR("*"));
	req->sink = next;
	next->ops->reply(next, req, reply);
}

static const struct slv_sink_ops for_pages_ops = { .reply = reply_to_page };

void hosted_for_pages(struct slv_req *req)
{
	struct for_pages *between = SLV_NEW(req->arena, struct for_pages);
	if (!between)
		return; /* it will fail for want of memory anyway */
	between->sink.ops = &for_pages_ops;
	between->next = req->sink;
	req->sink = &between->sink;
}
