/* h1_reply.h - the head of an HTTP/1.1 reply
 *
 * Writes the status line, the fields, and those fields that belong to the
 * connection rather than to the reply: Date, Content-Length or Transfer-Encoding,
 * Connection. What would let a value break out of its line is refused here, at the
 * last door, whoever made it.
 */
#ifndef SLV_WIRE_H1_REPLY_H
#define SLV_WIRE_H1_REPLY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/field.h"

#include <stdbool.h>
#include <stdint.h>

enum slv_h1_body {
	SLV_H1_BODY_NONE,    /* nothing said: 1xx, 204, 304 without a length */
	SLV_H1_BODY_LENGTH,  /* Content-Length; also where HEAD or 304 only tell it */
	SLV_H1_BODY_CHUNKED, /* Transfer-Encoding: chunked; not to an HTTP/1.0 client */
	SLV_H1_BODY_CLOSE,   /* the end of the connection ends it; needs !keep_alive */
};

struct slv_h1_reply {
	int status;      /* 100 to 599 */
	uint8_t version; /* of the request: 10 or 11; the reply's own is always 1.1 */
	bool keep_alive; /* another request may follow */
	enum slv_h1_body body;
	uint64_t length; /* for SLV_H1_BODY_LENGTH */
	slv_str date;    /* SLV_DATE_BYTES, as http/date.h prints it; or empty for no Date */
	const struct slv_fields *fields; /* or NULL; a Date among them replaces `date` */
};

/* Append the head of `reply` to `buf`, whose room is the bound. Allocates in `buf` only.
 *
 * SLV_E_INTERNAL  a field's name is no token, its value holds CR, LF, NUL or another control
 *                 byte or white space at its ends; a field that this function writes
 *                 (Content-Length, Transfer-Encoding, Connection, Keep-Alive) stands among
 *                 the fields; or the framing does not fit the status, version or keep_alive
 * SLV_E_LIMIT     the buffer's maximum
 * `buf` holds what it held before; past its maximum its overflow stays set. */
slv_err slv_h1_reply_write(struct slv_buf *buf, const struct slv_h1_reply *reply);

#endif
