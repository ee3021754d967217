/* crc64.h - CRC-64/NVME, the checksum that S3 calls CRC64NVME
 *
 * Reflected polynomial 0x9a6c9329ac4bc9b5, begun with ones and inverted at the end. ISA-L of
 * Debian 12 does not have it. Thread: any.
 */
#ifndef SLV_SERVICE_OBJECT_CRC64_H
#define SLV_SERVICE_OBJECT_CRC64_H

#include "base/str.h"

#define SLV_OBJECT_CRC64_POLY UINT64_C(0x9a6c9329ac4bc9b5)

/* The checksum of what `crc` is the checksum of, and `bytes` behind it. That of nothing is 0. */
uint64_t slv_object_crc64(uint64_t crc, slv_str bytes);

/* The same without the machine's carry-less multiplication: what it is held to by its test. */
uint64_t slv_object_crc64_plain(uint64_t crc, slv_str bytes);

#endif
