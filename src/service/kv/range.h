/* range.h - which rows a list of keys is about, and the cursor that it goes on with
 *
 * A cursor is the last key that was handed out, in hexadecimal digits.
 */
#ifndef SLV_SERVICE_KV_RANGE_H
#define SLV_SERVICE_KV_RANGE_H

#include "base/buf.h"
#include "service/kv/row.h"

#define KV_CURSOR_BYTES_MAX (2 * SLV_KV_KEY_BYTES_MAX)

/* The key in a cursor, in `room`. SLV_E_SYNTAX: none was handed out like that. */
slv_err kv_cursor_read(slv_str cursor, char room[static SLV_KV_KEY_BYTES_MAX], slv_str *ret_key);
void kv_cursor_write(slv_str key, struct slv_buf *buf);

struct kv_range {
	char from[KV_ROW_KEY_BYTES_MAX + 1], until[KV_ROW_KEY_BYTES_MAX];
	size_t from_len, until_len;
};

/* Rows of the keys that begin with `prefix`, those behind `last` (may be empty). Both have
 * SLV_KV_KEY_BYTES_MAX at most. */
void kv_range_init(struct kv_range *range, slv_str prefix, slv_str last);

/* From the next key that can be on. */
void kv_range_go_on(struct kv_range *range, slv_str last);

#endif
