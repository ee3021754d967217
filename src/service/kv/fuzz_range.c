/* fuzz_range.c - prefixes and cursors from anybody: "<prefix>?<cursor>" */
#include "service/kv/range.h"

#include "base/assert.h"
#include "base/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_written_as_it_was(slv_str cursor, slv_str key)
{
	char lower[KV_CURSOR_BYTES_MAX];
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, KV_CURSOR_BYTES_MAX);
	kv_cursor_write(key, &buf);
	slv_assert(!buf.overflow && buf.len == cursor.len);
	for (size_t i = 0; i < cursor.len; i++)
		lower[i] = (char)(cursor.at[i] >= 'A' && cursor.at[i] <= 'F' ? cursor.at[i] + 32
									     : cursor.at[i]);
	slv_assert(slv_str_eq(slv_buf_str(&buf), (slv_str){ lower, cursor.len }));
}

/* A key counts if it has the prefix and is behind the cursor. */
static void has(const struct kv_range *range, slv_str key, bool wanted)
{
	char room[KV_ROW_KEY_BYTES_MAX];
	slv_str row = kv_row_key(key, room);
	slv_str from = { range->from, range->from_len }, until = { range->until, range->until_len };
	bool is_in = slv_str_cmp(row, from) >= 0 && slv_str_cmp(row, until) < 0;
	slv_assert(is_in == wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str cursor = { (const char *)data, size }, prefix = slv_str_cut(&cursor, '?'), last;
	char room[SLV_KV_KEY_BYTES_MAX];
	struct kv_range range;
	if (prefix.len > SLV_KV_KEY_BYTES_MAX || slv_failed(kv_cursor_read(cursor, room, &last)))
		return 0;
	is_written_as_it_was(cursor, last);
	kv_range_init(&range, prefix, last);
	slv_assert(range.from_len <= SLV_OMAP_KEY_BYTES_MAX);
	slv_assert(range.from_len <= sizeof(range.from) && range.until_len > 0);
	if (prefix.len)
		has(&range, prefix, !last.len || slv_str_cmp(prefix, last) > 0);
	if (last.len)
		has(&range, last, false);
	return 0;
}
