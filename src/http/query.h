/* query.h - the parameters of a query string, or of a form that is sent as one
 *
 * name=value between '&' (URL standard, application/x-www-form-urlencoded). The views are raw, as
 * sent; a name is compared by what it means, so that `pre%66ix` is `prefix`. Nothing here looks at
 * case, and ';' separates nothing.
 *
 * A '+' means two things. RFC 3986, S3 and its signatures take it for itself; web forms write a
 * space as one. Who asks says which.
 */
#ifndef SLV_HTTP_QUERY_H
#define SLV_HTTP_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Parameters that a look-up reads. */
#define SLV_QUERY_PARAMS_MAX 128

enum slv_query_plus {
	SLV_QUERY_PLUS,  /* '+' is itself */
	SLV_QUERY_SPACE, /* '+' is a space; a plus is "%2B" */
};

/* Cut the next parameter off `*rest`, in order and not decoded. The value of a name without '=' is
 * empty with at == NULL, with '=' and nothing behind it only empty. Nothing between two '&' is no
 * parameter. False at the end. */
bool slv_query_next(slv_str *rest, slv_str *ret_name, slv_str *ret_value);

/* Decode one raw name or value into `arena`. SLV_E_SYNTAX and SLV_E_LIMIT as slv_uri_decode(). */
slv_err slv_query_decode(
		struct slv_arena *arena, slv_str text, enum slv_query_plus plus, slv_str *ret_text);

/* The decoded value, in `arena`, of the parameter whose decoded name is `name`; empty with
 * at == NULL if there is none, which takes no memory.
 * SLV_E_SYNTAX: it is there twice, its value or any name cannot be decoded (slv_uri_decode()).
 * SLV_E_LIMIT: more than SLV_QUERY_PARAMS_MAX parameters, or past the arena's cap. */
slv_err slv_query_get(struct slv_arena *arena, slv_str query, slv_str name,
		enum slv_query_plus plus, slv_str *ret_value);

#endif
