/* buf.h - text and bytes that grow, up to a maximum
 *
 * Append freely and check once: past the maximum the buffer keeps what it has,
 * drops what comes, and `overflow` stays set until it is cleared. The memory is
 * the heap's; slv_buf_done() frees it.
 */
#ifndef SLV_BASE_BUF_H
#define SLV_BASE_BUF_H

#include "base/attr.h"
#include "base/str.h"

#include <stdarg.h>

struct slv_buf {
	char *at;      /* owned; NULL until the first append */
	size_t len;    /* bytes in it */
	size_t cap;    /* bytes allocated */
	size_t max;    /* bytes it may hold */
	bool overflow; /* something was dropped */
};

/* Allocates nothing yet. */
void slv_buf_init(struct slv_buf *buf, size_t max);
void slv_buf_done(struct slv_buf *buf);

/* Empty it and forget an overflow; the memory is kept. */
void slv_buf_clear(struct slv_buf *buf);

void slv_buf_add(struct slv_buf *buf, slv_str bytes);
void slv_buf_add_char(struct slv_buf *buf, char c);
void slv_buf_add_u64(struct slv_buf *buf, uint64_t value); /* decimal */
void slv_buf_add_hex(struct slv_buf *buf, const uint8_t *bytes, size_t len);
void slv_buf_printf(struct slv_buf *buf, const char *fmt, ...) SLV_PRINTF(2, 3);

/* The text as a JSON string, quotes included; bytes that are not UTF-8 become
 * U+FFFD (RFC 8259 section 7). */
void slv_buf_add_json(struct slv_buf *buf, slv_str text);

/* Make room for `len` bytes behind what is there, for a reader to fill; NULL past the
 * maximum (and overflow is set). Follow with slv_buf_grown() for those that were. */
char *slv_buf_room(struct slv_buf *buf, size_t len);
void slv_buf_grown(struct slv_buf *buf, size_t len);

/* The content; valid until the next append. */
static inline slv_str slv_buf_str(const struct slv_buf *buf)
{
	return (slv_str){ buf->at, buf->len };
}

#endif
