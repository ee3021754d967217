/* err.h - why something failed, as a value
 *
 * What can fail returns a slv_err. The codes are one table: each has a stable
 * name that clients may rely on (http/problem.h puts it into a header) and the
 * HTTP status that a request fails with because of it.
 */
#ifndef SLV_BASE_ERR_H
#define SLV_BASE_ERR_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct slv_arena;

/*  code          status  stable name        when */
#define SLV_ERR_TABLE(X)                                                                           \
	X(INTERNAL, 500, "internal")         /* we are wrong */                                    \
	X(SYS, 500, "system")                /* the operating system refused; see sys */           \
	X(SYNTAX, 400, "syntax")             /* not of the grammar */                              \
	X(OPTION, 400, "option")             /* an option unknown, doubled or out of range */      \
	X(SOURCE, 400, "source")             /* a source that cannot be named so */                \
	X(UNSUPPORTED, 400, "unsupported")   /* known, and not done here */                        \
	X(SIGNATURE, 403, "signature")       /* missing or wrong */                                \
	X(EXPIRED, 403, "expired")           /* signed, and over */                                \
	X(DENIED, 403, "denied")             /* not allowed by the settings */                     \
	X(UNAUTHORIZED, 401, "unauthorized") /* no valid token */                                  \
	X(MISSING, 404, "missing")           /* nothing there */                                   \
	X(METHOD, 405, "method")             /* not with this method */                            \
	X(CONFLICT, 409, "conflict")         /* somebody else was faster */                        \
	X(PRECONDITION, 412, "precondition") /* If-Match and kin */                                \
	X(LIMIT, 413, "limit")               /* past a named bound */                              \
	X(URI, 414, "uri-too-long")          /* request target past its bound */                   \
	X(MEDIA, 415, "media-type")          /* not a picture that we read */                      \
	X(RANGE, 416, "range")               /* Range outside the bytes */                         \
	X(EXPECT, 417, "expectation")        /* Expect that we do not meet */                      \
	X(MISDIRECTED, 421, "misdirected")   /* not a host of ours */                              \
	X(CORRUPT, 422, "corrupt")           /* a picture or file that is damaged */               \
	X(HEADERS, 431, "headers-too-large") /* request fields past their bound */                 \
	X(NOT_DONE, 501, "not-implemented")  /* a method or coding that we do not do */            \
	X(UPSTREAM, 502, "upstream")         /* an origin answered badly or not at all */          \
	X(BUSY, 503, "busy")                 /* a queue is full; try later */                      \
	X(TIMEOUT, 504, "timeout")           /* a deadline passed */                               \
	X(VERSION, 505, "http-version")      /* not a version that we speak */                     \
	X(CYCLE, 508, "cycle")               /* a request that leads to itself */                  \
	X(SLOW, 408, "request-timeout")      /* the client took too long */                        \
	X(CLOSED, 499, "closed")             /* the other side went away */                        \
	X(CANCELLED, 499, "cancelled")       /* our side gave up */

enum slv_code {
	SLV_E_NONE,
#define X(name, status, text) SLV_E_##name,
	SLV_ERR_TABLE(X)
#undef X
			SLV_E_COUNT
};

typedef struct SLV_NODISCARD slv_err {
	int32_t code;     /* enum slv_code; 0 is success */
	int32_t sys;      /* errno where it failed, or 0 */
	const char *what; /* for the log and the client; static, or in the call's arena */
} slv_err;

#define SLV_OK ((slv_err){ 0 })

/* An error with static text. */
#define SLV_ERR(code_, what_) ((slv_err){ .code = (code_), .what = (what_) })

static inline bool slv_failed(slv_err err)
{
	return err.code != SLV_E_NONE;
}

/* The stable name of a code, as "limit". */
const char *slv_code_name(int32_t code);

/* The HTTP status that goes with a code. */
int slv_code_status(int32_t code);

/* An error with formatted text in `arena`; past its cap the text is "(no memory for the reason)".
 */
slv_err slv_err_printf(struct slv_arena *arena, enum slv_code code, const char *fmt, ...)
		SLV_PRINTF(3, 4);

/* The system call that `fmt` describes failed with errno `sys`. The text becomes
 * "<fmt>: <strerror>". ENOENT and ENOTDIR give SLV_E_MISSING, others SLV_E_SYS. */
slv_err slv_err_sys(struct slv_arena *arena, int sys, const char *fmt, ...) SLV_PRINTF(3, 4);

/* `err` with "<fmt>: " before its text. */
slv_err slv_err_wrap(struct slv_arena *arena, slv_err err, const char *fmt, ...) SLV_PRINTF(3, 4);

#endif
