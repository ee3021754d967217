/* problem.h - errors as replies
 *
 * One line that names what is wrong, as text, or as JSON when the client prefers
 * that; the stable name of the code in `Selvedge-Error`. Errors are not stored:
 * `Cache-Control: no-store`. SLV_E_BUSY gets `Retry-After: 1`.
 */
#ifndef SLV_HTTP_PROBLEM_H
#define SLV_HTTP_PROBLEM_H

#include "http/message.h"

/* Answer `req` with what `err` says. An error of ours (500 and SLV_E_SYS) is told without
 * its text, which is for the log only. */
void slv_problem_reply(struct slv_req *req, slv_err err);

/* As that with one more field: Allow of SLV_E_METHOD (RFC 9110 section 15.5.6), WWW-Authenticate of
 * SLV_E_UNAUTHORIZED (section 15.5.2). */
void slv_problem_reply_with(struct slv_req *req, slv_err err, slv_str name, slv_str value);

/* As that, but into `ret_reply`, for those who add fields. */
void slv_problem_make(struct slv_req *req, slv_err err, struct slv_reply *ret_reply);

#endif
