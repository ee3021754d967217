/* Arbitrary bytes as a cache file. The sums would stop a fuzzer at once, so the header's is also
 * put right: then the lengths are what is tested. */
#include "base/assert.h"
#include "store/cache_file.h"

#include <string.h>

#define CRC_AT 116

static void parse(slv_str bytes)
{
	struct slv_cache_file file, again;
	if (slv_failed(slv_cache_file_parse(bytes, bytes.len, &file)))
		return;
	slv_assert(file.head_len <= SLV_CACHE_HEAD_BYTES_MAX);
	slv_assert(SLV_CACHE_FILE_HEADER_BYTES + file.head_len + file.body_len == bytes.len);
	slv_str content = slv_str_from_index(bytes, SLV_CACHE_FILE_HEADER_BYTES);
	(void)slv_cache_file_crc(0, content); /* every byte is there */

	char printed[SLV_CACHE_FILE_HEADER_BYTES];
	slv_cache_file_print(&file, printed);
	slv_assert(memcmp(printed, bytes.at, sizeof(printed)) == 0);
	slv_err err = slv_cache_file_parse(
			(slv_str){ printed, sizeof(printed) }, bytes.len, &again);
	slv_assert(!slv_failed(err) && again.body_len == file.body_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	parse(bytes);
	if (size < SLV_CACHE_FILE_HEADER_BYTES || size > SLV_KIB(256))
		return 0;

	char copy[SLV_KIB(256)];
	memcpy(copy, data, size);
	uint32_t crc = slv_cache_file_crc(0, (slv_str){ copy, CRC_AT });
	for (int i = 0; i < 4; i++)
		copy[CRC_AT + i] = (char)(crc >> (8 * i));
	parse((slv_str){ copy, size });
	return 0;
}
