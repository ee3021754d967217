/* fuzz_row.c - rows as a damaged store may have them: what is read, written again, is the same */
#include "service/kv/row.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kv_meta meta;
	char row[KV_ROW_BYTES_MAX], key[KV_ROW_KEY_BYTES_MAX];
	slv_str text = { (const char *)data, size };
	if (!slv_failed(kv_meta_read(text, &meta)) &&
			meta.metadata.len <= SLV_KV_METADATA_BYTES_MAX) {
		struct kv_meta again;
		slv_str written = { row, kv_meta_write(&meta, row) };
		slv_assert(written.len == text.len);
		slv_assert(!slv_failed(kv_meta_read(written, &again)));
		slv_assert(again.expires_s == meta.expires_s && again.len == meta.len);
		slv_assert(slv_str_eq(again.metadata, meta.metadata));
		slv_assert(kv_expired(&meta, INT64_MAX) || meta.expires_s == 0);
	}
	if (size >= 9 && size <= sizeof(key) && data[0] == 'x') {
		int64_t expires_s;
		slv_str of;
		kv_expiry_read(text, &expires_s, &of);
		slv_assert(slv_str_eq(kv_expiry_key(expires_s, of, key), text));
	}
	return 0;
}
