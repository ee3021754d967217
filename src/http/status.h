/* status.h - methods and status codes (RFC 9110 sections 9 and 15) */
#ifndef SLV_HTTP_STATUS_H
#define SLV_HTTP_STATUS_H

#include "base/str.h"

#define SLV_METHOD_TABLE(X)                                                                        \
	X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(CONNECT) X(OPTIONS) X(TRACE) X(PATCH) X(PURGE)

enum slv_method {
	SLV_METHOD_OTHER, /* a token that we do not know */
#define X(name) SLV_METHOD_##name,
	SLV_METHOD_TABLE(X)
#undef X
			SLV_METHOD_COUNT
};

/* Methods are case-sensitive. */
enum slv_method slv_method_from(slv_str name);

/* Its name; empty for one that we do not know. */
slv_str slv_method_name(enum slv_method method);

/* The reason phrase, as "Not Found"; "Unknown" for one without. */
slv_str slv_status_reason(int status);

/* A reply with this status has no content (1xx, 204, 304). */
bool slv_status_is_bare(int status);

#endif
