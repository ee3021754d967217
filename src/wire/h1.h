/* h1.h - the head of an HTTP/1 request (RFC 9112)
 *
 * A strict parser: what two readers of the same bytes could understand in two
 * ways is refused, because that is what request smuggling lives on. So lines end
 * with CRLF and nothing else; there is no folded line and no space before a
 * colon; names are tokens without underscore; Content-Length stands once and is
 * digits; Transfer-Encoding is `chunked` once, in HTTP/1.1, never beside a
 * Content-Length, and in lower case; in both of them a tab is no white space; Host stands once.
 * After any error the connection must be closed once the reply is sent: nobody knows where the next
 * request begins.
 *
 * Nothing is copied. The views of a head point into the bytes given, and only
 * the array of fields is allocated.
 */
#ifndef SLV_WIRE_H1_H
#define SLV_WIRE_H1_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/field.h"
#include "http/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A method is at most this long; no registered one has more than 17 bytes. */
#define SLV_H1_METHOD_BYTES_MAX 32

/* All > 0. Each bound itself is allowed, one more is not. */
struct slv_h1_limits {
	uint32_t target_bytes_max; /* the request target */
	uint32_t field_bytes_max;  /* name and value of one field, without ": " and CRLF */
	uint32_t head_bytes_max;   /* request line, fields, and the empty line */
	uint32_t fields_max;       /* fields */
};

/* What is shipped. */
#define SLV_H1_LIMITS_DEFAULT                                                                      \
	((struct slv_h1_limits){                                                                   \
			.target_bytes_max = 8192,                                                  \
			.field_bytes_max = 8192,                                                   \
			.head_bytes_max = 32768,                                                   \
			.fields_max = 128,                                                         \
	})

/* How the body of the request is delimited. */
struct slv_h1_framing {
	bool chunked;    /* wire/chunk.h decodes it */
	uint64_t length; /* bytes, if not chunked; 0 for none; below 10^19 */
};

struct slv_h1_head {
	enum slv_method method;
	slv_str method_name;      /* as sent */
	slv_str target;           /* as sent: begins with '/', or is an http URL, or is "*" */
	uint8_t version;          /* 10 or 11 */
	struct slv_fields fields; /* as sent, in order; values without white space at the ends */
	struct slv_h1_framing framing;
	bool keep_alive;      /* the client wants another request on this connection */
	bool expect_continue; /* it waits for 100 before it sends the body that it announced, which
	                         may be empty */
	slv_str host;         /* authority of the target, else value of Host; valid. Empty only in
	                         HTTP/1.0 */
};

/* How far the search for the end of the head has come, so that a buffer that grows is
 * looked at once. Zero it before each request. */
struct slv_h1_parser {
	size_t scanned;
};

/* Parse the head at the start of `bytes`. Call it with the same bytes and more behind them
 * until it succeeds with `*ret_used` > 0 or fails. `*ret_used` == 0 asks for more bytes;
 * `*ret_head` is then not written. What is behind `*ret_used` is the body or the next request.
 * One empty line before the request line is skipped (RFC 9112 section 2.2).
 *
 * `bytes` may lie elsewhere at each call; those of the last one must live as long as the head.
 * Fields are allocated in `arena`, which also gets the text of some errors.
 *
 * SLV_E_SYNTAX    not of the grammar, or one of the rules above; the text names the rule
 * SLV_E_URI       target_bytes_max
 * SLV_E_HEADERS   field_bytes_max, head_bytes_max, fields_max, or the arena's cap
 * SLV_E_NOT_DONE  CONNECT, or a transfer coding other than `chunked`
 * SLV_E_VERSION   HTTP, but neither 1.0 nor 1.1
 * SLV_E_EXPECT    an expectation other than 100-continue
 * Faults inside a line may be told only when the head is complete; the deadline for the
 * head is the caller's. */
slv_err slv_h1_parse(struct slv_h1_parser *parser, struct slv_arena *arena, slv_str bytes,
		const struct slv_h1_limits *limits, struct slv_h1_head *ret_head, size_t *ret_used);

/* Does a connection begin with the preface of HTTP/2 (RFC 9113 section 3.4), all 24 bytes?
 * SLV_H1_PREFACE_MORE: so far it does. An empty view needs more. */
enum slv_h1_preface { SLV_H1_PREFACE_NO, SLV_H1_PREFACE_YES, SLV_H1_PREFACE_MORE };
enum slv_h1_preface slv_h1_is_h2_preface(slv_str bytes);

/* Parse field lines up to and with the empty line that ends `lines`, by the same rules:
 * trailers, and heads of other kinds. `*ret_fields` is made with `arena`.
 * SLV_E_SYNTAX and SLV_E_HEADERS as above (field_bytes_max and fields_max count); SLV_E_SYNTAX
 * too unless `lines` ends with the first empty line in it. */
slv_err slv_h1_parse_fields(struct slv_arena *arena, slv_str lines,
		const struct slv_h1_limits *limits, struct slv_fields *ret_fields);

#endif
