#include "store/cache_file.h"

#include "base/assert.h"

#include <string.h>
#include <zlib.h>

#define MAGIC "SLVCACHE"
#define VERSION 1
#define CHUNK_MAX SLV_MIB(512) /* zlib counts in unsigned int */

enum {
	AT_VERSION = 8,
	AT_HEAD = 12,
	AT_BODY = 16,
	AT_STORED = 24,
	AT_FRESH = 32,
	AT_STALE = 40,
	AT_SOURCE = 48,
	AT_VARIANT = 80,
	AT_CONTENT_CRC = 112,
	AT_HEADER_CRC = 116,
};

_Static_assert(AT_HEADER_CRC + 4 == SLV_CACHE_FILE_HEADER_BYTES, "the header ends with its CRC");

static void put_number(char *bytes, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(uint8_t)(value >> (8 * i));
}

static uint64_t number_at(const char *bytes, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value |= (uint64_t)(uint8_t)bytes[i] << (8 * i);
	return value;
}

uint32_t slv_cache_file_crc(uint32_t crc, slv_str bytes)
{
	uLong sum = crc;
	while (bytes.len) {
		slv_str chunk = slv_str_head(bytes, CHUNK_MAX);
		sum = crc32(sum, (const Bytef *)chunk.at, (uInt)chunk.len);
		bytes = slv_str_from_index(bytes, chunk.len);
	}
	return (uint32_t)sum;
}

void slv_cache_file_print(
		const struct slv_cache_file *file, char ret_bytes[SLV_CACHE_FILE_HEADER_BYTES])
{
	slv_assert(file->head_len <= SLV_CACHE_HEAD_BYTES_MAX);
	memcpy(ret_bytes, MAGIC, AT_VERSION);
	put_number(ret_bytes + AT_VERSION, VERSION, 4);
	put_number(ret_bytes + AT_HEAD, file->head_len, 4);
	put_number(ret_bytes + AT_BODY, file->body_len, 8);
	put_number(ret_bytes + AT_STORED, (uint64_t)file->stored_ms, 8);
	put_number(ret_bytes + AT_FRESH, (uint64_t)file->fresh_until_ms, 8);
	put_number(ret_bytes + AT_STALE, (uint64_t)file->stale_until_ms, 8);
	memcpy(ret_bytes + AT_SOURCE, file->key.source.bytes, SLV_SHA256_BYTES);
	memcpy(ret_bytes + AT_VARIANT, file->key.variant.bytes, SLV_SHA256_BYTES);
	put_number(ret_bytes + AT_CONTENT_CRC, file->crc, 4);
	uint32_t crc = slv_cache_file_crc(0, (slv_str){ ret_bytes, AT_HEADER_CRC });
	put_number(ret_bytes + AT_HEADER_CRC, crc, 4);
}

slv_err slv_cache_file_parse(slv_str bytes, uint64_t file_bytes, struct slv_cache_file *ret_file)
{
	if (bytes.len < SLV_CACHE_FILE_HEADER_BYTES)
		return SLV_ERR(SLV_E_CORRUPT, "cache file shorter than its header");
	if (memcmp(bytes.at, MAGIC, AT_VERSION) != 0)
		return SLV_ERR(SLV_E_CORRUPT, "not a cache file");
	if (number_at(bytes.at + AT_VERSION, 4) != VERSION)
		return SLV_ERR(SLV_E_CORRUPT, "cache file of another version");
	uint32_t crc = slv_cache_file_crc(0, slv_str_head(bytes, AT_HEADER_CRC));
	if (number_at(bytes.at + AT_HEADER_CRC, 4) != crc)
		return SLV_ERR(SLV_E_CORRUPT, "cache file with a damaged header");

	uint64_t head_len = number_at(bytes.at + AT_HEAD, 4);
	uint64_t body_len = number_at(bytes.at + AT_BODY, 8);
	if (head_len > SLV_CACHE_HEAD_BYTES_MAX)
		return SLV_ERR(SLV_E_CORRUPT, "cache file with a head past its bound");
	uint64_t before_body = SLV_CACHE_FILE_HEADER_BYTES + head_len;
	if (file_bytes < before_body || file_bytes - before_body != body_len)
		return SLV_ERR(SLV_E_CORRUPT, "cache file of another length than it says");

	*ret_file = (struct slv_cache_file){
		.head_len = (uint32_t)head_len,
		.body_len = body_len,
		.stored_ms = (int64_t)number_at(bytes.at + AT_STORED, 8),
		.fresh_until_ms = (int64_t)number_at(bytes.at + AT_FRESH, 8),
		.stale_until_ms = (int64_t)number_at(bytes.at + AT_STALE, 8),
		.crc = (uint32_t)number_at(bytes.at + AT_CONTENT_CRC, 4),
	};
	memcpy(ret_file->key.source.bytes, bytes.at + AT_SOURCE, SLV_SHA256_BYTES);
	memcpy(ret_file->key.variant.bytes, bytes.at + AT_VARIANT, SLV_SHA256_BYTES);
	return SLV_OK;
}
