/* be.h - whole numbers as bytes, the most significant first
 *
 * So they stand in rows of the store, where their order is that of their bytes.
 */
#ifndef SLV_BASE_BE_H
#define SLV_BASE_BE_H

#include "base/buf.h"

/* The lowest `bytes` bytes of `value`, at most 8. */
static inline void slv_be_put(char *to, uint64_t value, size_t bytes)
{
	while (bytes--)
		*to++ = (char)(value >> 8 * bytes);
}

static inline uint64_t slv_be_get(const char *from, size_t bytes)
{
	uint64_t value = 0;
	while (bytes--)
		value = value << 8 | (uint8_t)*from++;
	return value;
}

static inline void slv_be_add(struct slv_buf *buf, uint64_t value, size_t bytes)
{
	char digits[8];
	slv_be_put(digits, value, bytes);
	slv_buf_add(buf, (slv_str){ digits, bytes });
}

#endif
