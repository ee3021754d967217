/* checksum.h - the five checksums that S3 keeps of objects and parts
 *
 * Streamed in, told in base64, CRCs most significant byte first. Of an object in parts there are
 * two kinds: COMPOSITE, the checksum of its parts' checksums, told with "-" and the number of
 * parts; and, of CRCs, FULL_OBJECT, that of all its bytes, which can be worked out from those of
 * the parts and their lengths. Thread: any.
 */
#ifndef SLV_SERVICE_OBJECT_CHECKSUM_H
#define SLV_SERVICE_OBJECT_CHECKSUM_H

#include "base/buf.h"
#include "base/digest.h"
#include "http/field.h"
#include "service/object/error.h"

#define SLV_OBJECT_CHECKSUM_BYTES_MAX SLV_SHA256_BYTES
#define SLV_OBJECT_PARTS_MAX 10000

/* id, as x-amz-checksum-algorithm names it, bytes, field */
#define SLV_OBJECT_CHECKSUM_TABLE(X)                                                               \
	X(CRC32, "CRC32", 4, "x-amz-checksum-crc32")                                               \
	X(CRC32C, "CRC32C", 4, "x-amz-checksum-crc32c")                                            \
	X(CRC64NVME, "CRC64NVME", 8, "x-amz-checksum-crc64nvme")                                   \
	X(SHA1, "SHA1", SLV_SHA1_BYTES, "x-amz-checksum-sha1")                                     \
	X(SHA256, "SHA256", SLV_SHA256_BYTES, "x-amz-checksum-sha256")

enum slv_object_checksum_kind {
#define X(id, name, bytes, field) SLV_OBJECT_##id,
	SLV_OBJECT_CHECKSUM_TABLE(X)
#undef X
			SLV_OBJECT_CHECKSUM_COUNT
};

/* What is known; compare with slv_object_checksum_eq(). */
struct slv_object_checksum {
	enum slv_object_checksum_kind kind;
	uint32_t parts; /* of which it is COMPOSITE; 0: it is of the bytes */
	uint8_t bytes[SLV_OBJECT_CHECKSUM_BYTES_MAX];
};

/* One under way. It holds nothing that must be given back, and may be copied. */
struct slv_object_checksum_stream {
	enum slv_object_checksum_kind kind;
	uint32_t parts; /* added as such */
	uint64_t crc;
	struct slv_digest_stream digest;
};

slv_str slv_object_checksum_name(enum slv_object_checksum_kind kind);
slv_str slv_object_checksum_field(enum slv_object_checksum_kind kind);
size_t slv_object_checksum_bytes(enum slv_object_checksum_kind kind);

/* It is a CRC: slv_object_checksum_join() works. */
bool slv_object_checksum_joins(enum slv_object_checksum_kind kind);

/* By either name, in any case. False: there is none. */
bool slv_object_checksum_of_name(slv_str name, enum slv_object_checksum_kind *ret_kind);
bool slv_object_checksum_of_field(slv_str field, enum slv_object_checksum_kind *ret_kind);

/* Add bytes, or parts for a COMPOSITE: never both to one. A part's kind is the stream's, and it is
 * of bytes itself. */
void slv_object_checksum_init(
		struct slv_object_checksum_stream *stream, enum slv_object_checksum_kind kind);
void slv_object_checksum_add(struct slv_object_checksum_stream *stream, slv_str bytes);
void slv_object_checksum_add_part(
		struct slv_object_checksum_stream *stream, const struct slv_object_checksum *part);

/* Only init may follow. */
void slv_object_checksum_finish(struct slv_object_checksum_stream *stream,
		struct slv_object_checksum *ret_checksum);

/* `*whole` becomes that of its bytes and of the `part_len` bytes that `part` is of, behind them.
 * Both are CRCs of one kind, and of bytes. */
void slv_object_checksum_join(struct slv_object_checksum *whole,
		const struct slv_object_checksum *part, uint64_t part_len);

bool slv_object_checksum_eq(
		const struct slv_object_checksum *a, const struct slv_object_checksum *b);

/* "y/Q5Jg==", or "ht4zsg==-3" of three parts. Reading is as strict as base/base64.h; up to
 * SLV_OBJECT_PARTS_MAX parts. */
void slv_object_checksum_print(const struct slv_object_checksum *checksum, struct slv_buf *buf);
bool slv_object_checksum_parse(enum slv_object_checksum_kind kind, slv_str text,
		struct slv_object_checksum *ret_checksum);

/* The one that `fields` tell of bytes, and a stream begun to compare it with. If none does, only
 * `*ret_is_told` is written. InvalidRequest: several do, or it is none. */
slv_object_err slv_object_checksum_told(const struct slv_fields *fields, bool *ret_is_told,
		struct slv_object_checksum *ret_told,
		struct slv_object_checksum_stream *ret_stream);

#endif
