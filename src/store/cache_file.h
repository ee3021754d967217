/* cache_file.h - an entry of the cache as a file
 *
 *	 0  magic "SLVCACHE"               8
 *	 8  version, 1                     4
 *	12  length of the head             4
 *	16  length of the body             8
 *	24  stored, fresh and stale until  3 x 8   milliseconds since 1970
 *	48  source, variant                2 x 32
 *	112 CRC-32 of head and body        4
 *	116 CRC-32 of the bytes before     4
 *	120 head, then body, then the end
 *
 * All numbers are little-endian. The file is written beside its place and renamed but not
 * synced, so what a crash leaves may be torn anywhere: the checksums tell.
 *
 * Thread: any.
 */
#ifndef SLV_STORE_CACHE_FILE_H
#define SLV_STORE_CACHE_FILE_H

#include "store/cache.h"

#define SLV_CACHE_FILE_HEADER_BYTES 120

struct slv_cache_file {
	struct slv_cache_key key;
	uint32_t head_len; /* at most SLV_CACHE_HEAD_BYTES_MAX */
	uint64_t body_len;
	int64_t stored_ms, fresh_until_ms, stale_until_ms;
	uint32_t crc; /* of head and body */
};

void slv_cache_file_print(
		const struct slv_cache_file *file, char ret_bytes[SLV_CACHE_FILE_HEADER_BYTES]);

/* The header of a file of `file_bytes`, of which `bytes` are the first. SLV_E_CORRUPT unless it is
 * whole, ours, and the lengths add up to the file's. */
slv_err slv_cache_file_parse(slv_str bytes, uint64_t file_bytes, struct slv_cache_file *ret_file);

/* CRC-32 (that of gzip), carried on from `crc`; begin with 0. */
uint32_t slv_cache_file_crc(uint32_t crc, slv_str bytes);

#endif
