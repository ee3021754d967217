/* svg.h - SVG without what can act
 *
 * Parsed by expat and written anew from a list of allowed elements: shapes, text, gradients,
 * filters, styles. Everything else goes, with what is in it: script, foreignObject, frames, forms,
 * animation, handlers. Links go, what they surround stays. A reference may lead to a part of
 * the same picture ("#shadow"), or in `image` be a picture in a data: URL of a pixel format; none
 * leads outside. Styles that could load something, or that hide what they say behind escapes,
 * go. DOCTYPE, processing instructions and comments go; a document that declares entities is
 * refused.
 *
 * The reply carries a Content-Security-Policy as well: neither relies on the other.
 */
#ifndef SLV_JAIL_IMAGE_SVG_H
#define SLV_JAIL_IMAGE_SVG_H

#include "base/buf.h"
#include "base/err.h"

#define SLV_SVG_BYTES_MAX SLV_MIB(10)
#define SLV_SVG_DEPTH_MAX 128
#define SLV_SVG_ELEMENTS_MAX 100000
#define SLV_SVG_ATTRIBUTES_MAX 256 /* of one element */

/* Append the clean document to `out`. `*ret_width` and `*ret_height` are those of the root element
 * in px, by width and height or else by viewBox; 0 where neither tells.
 *
 * SLV_E_LIMIT    one of the bounds above, or the maximum of `out`
 * SLV_E_CORRUPT  not well-formed, or no svg at its root
 * SLV_E_MEDIA    it declares entities */
slv_err slv_svg_clean(slv_str svg, struct slv_buf *out, uint32_t *ret_width, uint32_t *ret_height);

#endif
