/* row.h - how keys and values are kept in rows
 *
 * In the map "kv", of all namespaces:
 *
 *	n/<id>      {"title"}
 *	i/<title>   the id
 *	r/<id>      when it was removed, as seconds: what was in it is not yet all gone
 *
 * In the map "kv-<id>", of one:
 *
 *	k<key>               value: when it expires, how long it is, its metadata; body: itself, up
 *	                     to 64 KiB, or else where its blob is
 *	x<expiry, 8 bytes><key>   what may have expired by then; written behind its key, so that
 *	                     its version is the next one
 *
 * The row of an expiry may be left over from an earlier value: what counts is what the key says.
 */
#ifndef SLV_SERVICE_KV_ROW_H
#define SLV_SERVICE_KV_ROW_H

#include "base/err.h"
#include "base/str.h"
#include "service/kv/kv.h"
#include "store/blob/blob.h"
#include "store/omap/omap.h"

#define KV_INLINE_BYTES_MAX SLV_KIB(64) /* larger values are blobs */
#define KV_ID_BYTES 32                  /* of a namespace: hexadecimal digits */
#define KV_SPACES_MAP "kv"

struct kv_meta {
	int64_t expires_s; /* since 1970; 0: never */
	uint64_t len;      /* of the value */
	bool has_blob;
	struct slv_blob_id blob;
	slv_str metadata; /* JSON; empty: none */
};

#define KV_ROW_BYTES_MAX (2 + 8 + 8 + SLV_BLOB_ID_BYTES + SLV_KV_METADATA_BYTES_MAX)
#define KV_ROW_KEY_BYTES_MAX (1 + 8 + SLV_KV_KEY_BYTES_MAX)

/* The row's value; returns its length. */
size_t kv_meta_write(const struct kv_meta *meta, char row[static KV_ROW_BYTES_MAX]);

/* SLV_E_CORRUPT: it is none. */
slv_err kv_meta_read(slv_str row, struct kv_meta *ret_meta);

/* Keys of rows, put into `room`. */
slv_str kv_row_key(slv_str key, char room[static KV_ROW_KEY_BYTES_MAX]);
slv_str kv_expiry_key(int64_t expires_s, slv_str key, char room[static KV_ROW_KEY_BYTES_MAX]);

/* What the row of an expiry is about. */
void kv_expiry_read(slv_str row_key, int64_t *ret_expires_s, slv_str *ret_key);

bool kv_expired(const struct kv_meta *meta, int64_t now_s);

#endif
