#include "http/body.h"

#include "base/mem.h"

#include "base/assert.h"

void slv_body_done(struct slv_body *body)
{
	struct slv_source *source = body->source;
	struct slv_hold *hold = body->hold;

	/* Zeroed first: what is called back may look at the message that the body is of. */
	*body = (struct slv_body){ 0 };
	if (source)
		slv_source_close(source);
	if (hold)
		hold->drop(hold);
}

struct taken {
	struct slv_hold hold;
	struct slv_buf buf;
};

static void taken_drop(struct slv_hold *hold)
{
	struct taken *taken = SLV_CONTAINER(hold, struct taken, hold);
	slv_buf_done(&taken->buf);
	slv_free(taken);
}

struct slv_body slv_body_take(struct slv_buf *buf)
{
	struct taken *taken = SLV_ALLOC(struct taken);
	taken->hold.drop = taken_drop;
	taken->buf = *buf;
	slv_buf_init(buf, buf->max);
	return slv_body_bytes(slv_buf_str(&taken->buf), &taken->hold);
}
