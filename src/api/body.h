/* body.h - a request's body as a whole, in memory
 *
 * For calls that take JSON. All bodies that are in memory at once, of one loop, are bounded: past
 * that a request is told to come again. Thread: the loop's.
 */
#ifndef SLV_API_BODY_H
#define SLV_API_BODY_H

#include "base/buf.h"
#include "http/message.h"

struct slv_api_bodies {
	size_t bytes, bytes_max; /* in memory now, of all that are being read or used */
};

struct slv_api_body {
	struct slv_api_bodies *bodies;
	struct slv_req *req;
	size_t bytes_max;
	/* SLV_E_LIMIT: larger than bytes_max; SLV_E_BUSY: too many are in memory; or what the
	 * client's side of the connection gave. `text` is valid until slv_api_body_done(), which is
	 * owed. */
	void (*done)(struct slv_api_body *body, slv_err err);
	struct slv_buf text;

	/* Private. */
	struct slv_body stream;
	struct slv_pull pull;
	size_t counted;
};

/* Read all of req->body. Calls back before it returns if there is nothing to wait for. */
void slv_api_body_read(struct slv_api_body *body);

/* Give the text back. It counts until slv_api_body_done(), for what was made of it. */
void slv_api_body_clear(struct slv_api_body *body);

void slv_api_body_done(struct slv_api_body *body);

#endif
