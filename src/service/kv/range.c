#include "service/kv/range.h"

#include "base/assert.h"

#include <string.h>

slv_err kv_cursor_read(slv_str cursor, char room[static SLV_KV_KEY_BYTES_MAX], slv_str *ret_key)
{
	if (cursor.len > KV_CURSOR_BYTES_MAX || cursor.len % 2 ||
			!slv_str_unhex(cursor, (uint8_t *)room, cursor.len / 2))
		return SLV_ERR(SLV_E_SYNTAX, "cursor is none that was handed out");
	*ret_key = (slv_str){ room, cursor.len / 2 };
	return SLV_OK;
}

void kv_cursor_write(slv_str key, struct slv_buf *buf)
{
	if (key.len)
		slv_buf_add_hex(buf, (const uint8_t *)key.at, key.len);
}

void kv_range_init(struct kv_range *range, slv_str prefix, slv_str last)
{
	slv_assert(prefix.len <= SLV_KV_KEY_BYTES_MAX);
	range->from[0] = range->until[0] = 'k';
	if (prefix.len) {
		memcpy(range->from + 1, prefix.at, prefix.len);
		memcpy(range->until + 1, prefix.at, prefix.len);
	}
	range->from_len = 1 + prefix.len;
	range->until_len = slv_omap_behind(range->until, range->from_len);
	if (last.len && slv_str_cmp(last, prefix) >= 0)
		kv_range_go_on(range, last);
}

void kv_range_go_on(struct kv_range *range, slv_str last)
{
	slv_assert(last.len <= SLV_KV_KEY_BYTES_MAX);
	if (last.len)
		memcpy(range->from + 1, last.at, last.len);
	range->from[1 + last.len] = 0; /* the next key that can be */
	range->from_len = last.len + 2;
}
