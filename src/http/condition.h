/* condition.h - conditional requests (RFC 9110 section 13) */
#ifndef SLV_HTTP_CONDITION_H
#define SLV_HTTP_CONDITION_H

#include "http/message.h"
#include "http/range.h"

/* What there is to compare with. */
struct slv_validator {
	slv_str etag;       /* with its quotes and W/ if any; empty: none */
	int64_t modified_s; /* seconds since 1970; < 0: not known */
};

enum slv_condition {
	SLV_CONDITION_GO,     /* answer as if there were none */
	SLV_CONDITION_SAME,   /* 304 */
	SLV_CONDITION_FAILED, /* 412 */
};

/* Evaluate If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of
 * section 13.2.2. `now_s` is the wall clock. `have` is NULL if there is no representation yet,
 * which `If-None-Match: *` asks for and `If-Match: *` refuses. */
enum slv_condition slv_condition_check(
		const struct slv_req *req, const struct slv_validator *have, int64_t now_s);

/* The Range of `req` for a representation of `length` bytes, with If-Range weighed. Only
 * GET has one. */
enum slv_range_verdict slv_condition_range(const struct slv_req *req,
		const struct slv_validator *have, uint64_t length, int64_t now_s,
		struct slv_range *ret_range);

/* Answer a GET or HEAD for bytes in memory, conditions and range included: `reply` holds
 * the fields of a 200 and a body of known bytes; status, fields and body are changed to
 * 304, 412, 206 or 416 as the request asks, then it is sent. ETag, Last-Modified and
 * Accept-Ranges are added from `have`. */
void slv_condition_reply(struct slv_req *req, struct slv_reply *reply,
		const struct slv_validator *have, int64_t now_s);

/* As that, for bytes that are elsewhere: `reply->body` has nothing but their length, and the reply
 * is not sent. Returns what is to be sent of them: where `count` is 0 (304, 412, 416) the reply is
 * complete, else its body is still to be put in place of that length. */
struct slv_range slv_condition_apply(struct slv_req *req, struct slv_reply *reply,
		const struct slv_validator *have, int64_t now_s);

#endif
