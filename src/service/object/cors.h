/* cors.h - the rules of a bucket by which pages of other sites may ask
 *
 * As S3 reads them: the first rule that fits decides. A pattern has one "*" at most, which stands
 * for any text, an empty one among them. Origins and methods are compared as they are, names of
 * header fields without case. Thread: any.
 *
 * Source: "Using cross-origin resource sharing" of the S3 manual; the Fetch standard.
 */
#ifndef SLV_SERVICE_OBJECT_CORS_H
#define SLV_SERVICE_OBJECT_CORS_H

#include "service/object/document.h"

#define OBJECT_CORS_HEADERS_MAX 200 /* that one preflight may ask for */

struct object_cors_ask {
	slv_str origin;  /* the field Origin */
	slv_str method;  /* that is used or, of a preflight, wanted */
	slv_str headers; /* of a preflight: names that are wanted, as "a, b" */
};

struct object_cors_found {
	const struct slv_object_cors_rule *rule;
	bool any_origin; /* it allows all, so that no one is to be named */
};

/* False: no rule allows it. Nor is it allowed to want more than OBJECT_CORS_HEADERS_MAX headers. */
bool object_cors_find(const struct slv_object_cors *cors, const struct object_cors_ask *ask,
		struct object_cors_found *ret_found);

/* Append the document. */
void object_cors_print(const struct slv_object_cors *cors, struct slv_buf *xml);

#endif
