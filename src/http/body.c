#include "http/body.h"

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
