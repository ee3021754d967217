#include "service/kv/row.h"

#include "base/assert.h"
#include "base/be.h"

#include <string.h>

#define FORMAT 1
#define HAS_BLOB 1
#define HEAD_BYTES 18 /* format, flags, expiry, length */

size_t kv_meta_write(const struct kv_meta *meta, char row[static KV_ROW_BYTES_MAX])
{
	size_t len = HEAD_BYTES;
	slv_assert(meta->metadata.len <= SLV_KV_METADATA_BYTES_MAX);
	row[0] = FORMAT;
	row[1] = meta->has_blob ? HAS_BLOB : 0;
	slv_be_put(row + 2, (uint64_t)meta->expires_s, 8);
	slv_be_put(row + 10, meta->len, 8);
	if (meta->has_blob) {
		memcpy(row + len, meta->blob.bytes, SLV_BLOB_ID_BYTES);
		len += SLV_BLOB_ID_BYTES;
	}
	if (meta->metadata.len)
		memcpy(row + len, meta->metadata.at, meta->metadata.len);
	return len + meta->metadata.len;
}

slv_err kv_meta_read(slv_str row, struct kv_meta *ret_meta)
{
	struct kv_meta meta = { 0 };
	size_t at = HEAD_BYTES;
	if (row.len < HEAD_BYTES || row.at[0] != FORMAT)
		return SLV_ERR(SLV_E_CORRUPT, "a row of a key is of no known format");
	meta.expires_s = (int64_t)slv_be_get(row.at + 2, 8);
	meta.len = slv_be_get(row.at + 10, 8);
	meta.has_blob = row.at[1] & HAS_BLOB;
	if (meta.has_blob) {
		if (row.len < at + SLV_BLOB_ID_BYTES)
			return SLV_ERR(SLV_E_CORRUPT, "a row of a key ends too early");
		memcpy(meta.blob.bytes, row.at + at, SLV_BLOB_ID_BYTES);
		at += SLV_BLOB_ID_BYTES;
	}
	meta.metadata = slv_str_from_index(row, at);
	*ret_meta = meta;
	return SLV_OK;
}

slv_str kv_row_key(slv_str key, char room[static KV_ROW_KEY_BYTES_MAX])
{
	slv_assert(key.len && key.len <= SLV_KV_KEY_BYTES_MAX);
	room[0] = 'k';
	memcpy(room + 1, key.at, key.len);
	return (slv_str){ room, 1 + key.len };
}

slv_str kv_expiry_key(int64_t expires_s, slv_str key, char room[static KV_ROW_KEY_BYTES_MAX])
{
	slv_assert(key.len <= SLV_KV_KEY_BYTES_MAX);
	room[0] = 'x';
	slv_be_put(room + 1, (uint64_t)expires_s, 8);
	if (key.len)
		memcpy(room + 9, key.at, key.len);
	return (slv_str){ room, 9 + key.len };
}

void kv_expiry_read(slv_str row_key, int64_t *ret_expires_s, slv_str *ret_key)
{
	slv_assert(row_key.len >= 9);
	*ret_expires_s = (int64_t)slv_be_get(row_key.at + 1, 8);
	*ret_key = slv_str_from_index(row_key, 9);
}

bool kv_expired(const struct kv_meta *meta, int64_t now_s)
{
	return meta->expires_s && meta->expires_s <= now_s;
}
