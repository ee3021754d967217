#include "service/object/checksum.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/base64.h"
#include "service/object/crc64.h"

#include <isa-l/crc.h>
#include <string.h>

#define CRC32_POLY 0xedb88320
#define CRC32C_POLY 0x82f63b78

static const struct {
	slv_str name, field;
	size_t bytes;
} kinds[] = {
#define X(id, name, bytes, field) { SLV_STR_INIT(name), SLV_STR_INIT(field), bytes },
	SLV_OBJECT_CHECKSUM_TABLE(X)
#undef X
};

slv_str slv_object_checksum_name(enum slv_object_checksum_kind kind)
{
	return kinds[kind].name;
}

slv_str slv_object_checksum_field(enum slv_object_checksum_kind kind)
{
	return kinds[kind].field;
}

size_t slv_object_checksum_bytes(enum slv_object_checksum_kind kind)
{
	return kinds[kind].bytes;
}

bool slv_object_checksum_joins(enum slv_object_checksum_kind kind)
{
	return kind == SLV_OBJECT_CRC32 || kind == SLV_OBJECT_CRC32C ||
	       kind == SLV_OBJECT_CRC64NVME;
}

bool slv_object_checksum_of_name(slv_str name, enum slv_object_checksum_kind *ret_kind)
{
	for (size_t i = 0; i < SLV_COUNT(kinds); i++) {
		if (!slv_str_eq_nocase(name, kinds[i].name))
			continue;
		*ret_kind = (enum slv_object_checksum_kind)i;
		return true;
	}
	return false;
}

bool slv_object_checksum_of_field(slv_str field, enum slv_object_checksum_kind *ret_kind)
{
	for (size_t i = 0; i < SLV_COUNT(kinds); i++) {
		if (!slv_str_eq_nocase(field, kinds[i].field))
			continue;
		*ret_kind = (enum slv_object_checksum_kind)i;
		return true;
	}
	return false;
}

/* --- streams --- */

void slv_object_checksum_init(
		struct slv_object_checksum_stream *stream, enum slv_object_checksum_kind kind)
{
	slv_assert(kind < SLV_OBJECT_CHECKSUM_COUNT);
	stream->kind = kind;
	stream->parts = 0;
	stream->crc = 0;
	if (kind == SLV_OBJECT_SHA1)
		slv_digest_init(&stream->digest, SLV_DIGEST_SHA1);
	if (kind == SLV_OBJECT_SHA256)
		slv_digest_init(&stream->digest, SLV_DIGEST_SHA256);
}

/* ISA-L counts in int, reads through a pointer to what is not const, and leaves inverting to us. */
static uint32_t crc32c(uint32_t crc, slv_str bytes)
{
	crc = ~crc;
	while (bytes.len) {
		slv_str piece = slv_str_head(bytes, SLV_MIB(1024));
		crc = crc32_iscsi((unsigned char *)(uintptr_t)piece.at, (int)piece.len, crc);
		bytes = slv_str_from_index(bytes, piece.len);
	}
	return ~crc;
}

void slv_object_checksum_add(struct slv_object_checksum_stream *stream, slv_str bytes)
{
	if (!bytes.len)
		return;
	switch (stream->kind) {
	case SLV_OBJECT_CRC32:
		stream->crc = crc32_gzip_refl(
				(uint32_t)stream->crc, (const unsigned char *)bytes.at, bytes.len);
		return;
	case SLV_OBJECT_CRC32C:
		stream->crc = crc32c((uint32_t)stream->crc, bytes);
		return;
	case SLV_OBJECT_CRC64NVME:
		stream->crc = slv_object_crc64(stream->crc, bytes);
		return;
	default:
		slv_digest_add(&stream->digest, bytes);
	}
}

void slv_object_checksum_add_part(
		struct slv_object_checksum_stream *stream, const struct slv_object_checksum *part)
{
	slv_assert(part->kind == stream->kind && part->parts == 0);
	slv_str bytes = { (const char *)part->bytes, kinds[part->kind].bytes };
	slv_object_checksum_add(stream, bytes);
	stream->parts++;
}

static void store_crc(struct slv_object_checksum *checksum, uint64_t crc)
{
	for (size_t i = kinds[checksum->kind].bytes; i-- > 0; crc >>= 8)
		checksum->bytes[i] = (uint8_t)crc;
}

static uint64_t load_crc(const struct slv_object_checksum *checksum)
{
	uint64_t crc = 0;
	for (size_t i = 0; i < kinds[checksum->kind].bytes; i++)
		crc = crc << 8 | checksum->bytes[i];
	return crc;
}

void slv_object_checksum_finish(
		struct slv_object_checksum_stream *stream, struct slv_object_checksum *ret_checksum)
{
	*ret_checksum = (struct slv_object_checksum){ .kind = stream->kind,
		.parts = stream->parts };
	if (slv_object_checksum_joins(stream->kind))
		store_crc(ret_checksum, stream->crc);
	else
		slv_digest_finish(&stream->digest, ret_checksum->bytes);
}

/* --- joining: the CRC of what comes first, times x to the number of bits behind it --- */

/* A reflected polynomial: `one` is x^0, the bit below it x^1. */
struct field {
	uint64_t one, poly;
};

static uint64_t times_x(struct field field, uint64_t a)
{
	return a & 1 ? a >> 1 ^ field.poly : a >> 1;
}

static uint64_t times(struct field field, uint64_t a, uint64_t b)
{
	uint64_t product = 0;
	for (uint64_t bit = field.one; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = times_x(field, b);
	}
	return product;
}

static uint64_t times_x_to_bytes(struct field field, uint64_t a, uint64_t bytes)
{
	uint64_t power = field.one >> 8; /* x^8, squared in each turn */
	for (; bytes; bytes >>= 1) {
		if (bytes & 1)
			a = times(field, a, power);
		power = times(field, power, power);
	}
	return a;
}

void slv_object_checksum_join(struct slv_object_checksum *whole,
		const struct slv_object_checksum *part, uint64_t part_len)
{
	slv_assert(whole->kind == part->kind && slv_object_checksum_joins(part->kind));
	slv_assert(whole->parts == 0 && part->parts == 0);
	static const struct field fields[] = {
		[SLV_OBJECT_CRC32] = { UINT64_C(1) << 31, CRC32_POLY },
		[SLV_OBJECT_CRC32C] = { UINT64_C(1) << 31, CRC32C_POLY },
		[SLV_OBJECT_CRC64NVME] = { UINT64_C(1) << 63, SLV_OBJECT_CRC64_POLY },
	};
	uint64_t before = times_x_to_bytes(fields[part->kind], load_crc(whole), part_len);
	store_crc(whole, before ^ load_crc(part));
}

/* --- text --- */

bool slv_object_checksum_eq(
		const struct slv_object_checksum *a, const struct slv_object_checksum *b)
{
	return a->kind == b->kind && a->parts == b->parts &&
	       memcmp(a->bytes, b->bytes, kinds[a->kind].bytes) == 0;
}

void slv_object_checksum_print(const struct slv_object_checksum *checksum, struct slv_buf *buf)
{
	char text[SLV_BASE64_CHARS(SLV_OBJECT_CHECKSUM_BYTES_MAX)];
	size_t bytes = kinds[checksum->kind].bytes;
	slv_base64(checksum->bytes, bytes, text);
	slv_buf_add(buf, (slv_str){ text, SLV_BASE64_CHARS(bytes) });
	if (checksum->parts) {
		slv_buf_add_char(buf, '-');
		slv_buf_add_u64(buf, checksum->parts);
	}
}

bool slv_object_checksum_parse(enum slv_object_checksum_kind kind, slv_str text,
		struct slv_object_checksum *ret_checksum)
{
	struct slv_object_checksum checksum = { .kind = kind };
	slv_str parts = text;
	uint64_t count = 0;
	text = slv_str_cut(&parts, '-');
	if (parts.at && (!slv_str_u64(parts, SLV_OBJECT_PARTS_MAX, &count) || count == 0))
		return false;
	if (!slv_base64_parse(text, checksum.bytes, kinds[kind].bytes))
		return false;
	checksum.parts = (uint32_t)count;
	*ret_checksum = checksum;
	return true;
}

slv_object_err slv_object_checksum_told(const struct slv_fields *fields, bool *ret_is_told,
		struct slv_object_checksum *ret_told, struct slv_object_checksum_stream *ret_stream)
{
	struct slv_object_checksum told = { .parts = 0 };
	bool is_told = false;
	for (size_t i = 0; i < SLV_OBJECT_CHECKSUM_COUNT; i++) {
		enum slv_object_checksum_kind kind = (enum slv_object_checksum_kind)i;
		const struct slv_field *field =
				slv_fields_find_name(fields, slv_object_checksum_field(kind));
		if (!field)
			continue;
		if (is_told)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
					"One checksum can be told, not several.");
		if (!slv_object_checksum_parse(kind, field->value, &told) || told.parts)
			return SLV_OBJECT_ERR(
					SLV_OBJECT_E_INVALID_REQUEST, "The checksum told is none.");
		is_told = true;
	}
	*ret_is_told = is_told;
	if (is_told) {
		*ret_told = told;
		slv_object_checksum_init(ret_stream, told.kind);
	}
	return SLV_OBJECT_OK;
}
