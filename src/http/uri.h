/* uri.h - request targets and URLs (RFC 3986, RFC 9112 section 3.2)
 *
 * Paths are decoded once, here, and never again. Dot segments are refused rather
 * than resolved: no honest client sends them, and each resolver differs. Slashes in
 * a row are one: honest clients do send those, and to files they mean one.
 */
#ifndef SLV_HTTP_URI_H
#define SLV_HTTP_URI_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct slv_uri {
	slv_str scheme;    /* "http" or "https"; empty in origin form */
	slv_str authority; /* host and port as sent; empty in origin form */
	slv_str path;      /* as sent, begins with '/'; or "*" */
	slv_str query;     /* behind '?', without it; at == NULL if there is no '?' */
};

/* A host as in `Host`: a name of letters, digits, '-', '_' and single dots, of at most 253
 * bytes, or an address. */
struct slv_host {
	slv_str name;  /* without brackets and port, case as sent */
	uint16_t port; /* 0 if there is none */
};

/* Split a request target in origin, absolute or asterisk form. Allocates nothing.
 * SLV_E_SYNTAX: control bytes, space, '#', a byte above 126, a path that does not begin
 * with '/', a scheme other than http and https, or user information. */
slv_err slv_uri_parse(slv_str target, struct slv_uri *ret_uri);

/* SLV_E_SYNTAX unless `text` is host [":" port]. */
slv_err slv_host_parse(slv_str text, struct slv_host *ret_host);

/* Percent-decode all of `text` into `arena`. SLV_E_SYNTAX: a '%' without two hex digits, or
 * an octet 0 that results. SLV_E_LIMIT past the arena's cap. */
slv_err slv_uri_decode(struct slv_arena *arena, slv_str text, slv_str *ret_text);

/* Decode a path for routing and files: as slv_uri_decode(), with one '/' for each run of them, and
 * SLV_E_SYNTAX for a segment "." or "..", for an encoded '/' (%2f) or any '\\', before or after
 * decoding. */
slv_err slv_uri_decode_path(struct slv_arena *arena, slv_str path, slv_str *ret_path);

/* Append `text` percent-encoded but for unreserved characters and those in `keep`. */
struct slv_buf;
void slv_uri_encode(struct slv_buf *buf, slv_str text, slv_str keep);

#endif
