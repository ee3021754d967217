/* range.h - byte ranges (RFC 9110 section 14)
 *
 * One range is served as 206; several, or none that parses, mean the whole
 * (section 14.2 allows ignoring them), so no multipart/byteranges is ever written.
 */
#ifndef SLV_HTTP_RANGE_H
#define SLV_HTTP_RANGE_H

#include "base/str.h"

enum slv_range_verdict {
	SLV_RANGE_WHOLE, /* answer 200 with everything */
	SLV_RANGE_PART,  /* answer 206 with [first, first + count) */
	SLV_RANGE_BAD,   /* answer 416 */
};

struct slv_range {
	uint64_t first, count;
};

/* `value` is the Range field, `length` that of the representation. */
enum slv_range_verdict slv_range_parse(slv_str value, uint64_t length, struct slv_range *ret_range);

#endif
