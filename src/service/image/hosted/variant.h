/* variant.h - a variant's options as the API says them, and as a link does
 *
 *	{"fit": "cover", "width": 400, "metadata": "none"}   fit=cover,width=400,metadata=none
 *
 * Whatever a link may say, a variant may, but for `preset`, which is of a route. Thread: any; no
 * I/O.
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_VARIANT_H
#define SLV_SERVICE_IMAGE_HOSTED_VARIANT_H

#include "base/arena.h"
#include "base/buf.h"
#include "service/image/hosted/record.h"

#include <jansson.h>

/* Append the options of a link. SLV_E_SYNTAX, SLV_E_OPTION, SLV_E_LIMIT: they cannot be; the text,
 * in `arena`, names what is wrong. */
slv_err hosted_variant_options(
		struct slv_arena *arena, const json_t *said, struct slv_buf *options);

/* {"id", "options", "neverRequireSignedURLs"} */
json_t *hosted_variant_shown(slv_str id, const struct hosted_variant *variant);

#endif
