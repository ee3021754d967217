#include "service/object/meta.h"

#include "base/assert.h"
#include "base/be.h"
#include "http/addr.h"

#include <string.h>

#define FORMAT 1
#define HAS_CHECKSUM 1
#define FULL_OBJECT 2
#define FIELDS_MAX 128
#define BUCKET_BYTES (1 + 8 + OBJECT_ID_BYTES)
#define HEAD_BYTES (1 + 1 + 1 + 8 + 8 + OBJECT_MD5_BYTES + 2)

/* The next `bytes` bytes of `*rest`, which must be there. */
static uint64_t take_int(slv_str *rest, size_t bytes)
{
	slv_assert(rest->len >= bytes);
	uint64_t value = slv_be_get(rest->at, bytes);
	*rest = slv_str_from_index(*rest, bytes);
	return value;
}

static bool take_bytes(slv_str *rest, void *to, size_t len)
{
	if (rest->len < len)
		return false;
	memcpy(to, rest->at, len);
	*rest = slv_str_from_index(*rest, len);
	return true;
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || slv_is_digit(c);
}

bool object_bucket_name_is_ok(slv_str name)
{
	struct slv_addr addr;
	if (name.len < 3 || name.len > OBJECT_BUCKET_BYTES_MAX || !is_label_char(name.at[0]) ||
			!is_label_char(name.at[name.len - 1]) || slv_addr_parse(name, &addr))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		if (!is_label_char(c) && c != '-' && c != '.')
			return false;
		if (c == '.' && !(is_label_char(name.at[i - 1]) && is_label_char(name.at[i + 1])))
			return false;
	}
	return true;
}

void object_bucket_write(const struct object_bucket *bucket, struct slv_buf *row)
{
	slv_be_add(row, FORMAT, 1);
	slv_be_add(row, (uint64_t)bucket->created_ms, 8);
	slv_buf_add(row, (slv_str){ bucket->id, OBJECT_ID_BYTES });
}

bool object_bucket_read(slv_str row, struct object_bucket *ret_bucket)
{
	if (row.len != BUCKET_BYTES || take_int(&row, 1) != FORMAT)
		return false;
	ret_bucket->created_ms = (int64_t)take_int(&row, 8);
	return take_bytes(&row, ret_bucket->id, OBJECT_ID_BYTES);
}

slv_str object_config(slv_str bucket_body, enum object_config which)
{
	slv_str document = { 0 }, rest = bucket_body;
	for (int i = 0; i <= (int)which; i++)
		document = slv_str_cut(&rest, '\0');
	return document;
}

/* --- writing --- */

static void write_checksum(const struct object_meta *meta, struct slv_buf *row)
{
	const struct slv_object_checksum *checksum = &meta->checksum;
	slv_be_add(row, checksum->kind, 1);
	slv_be_add(row, checksum->parts, 2);
	slv_buf_add(row, (slv_str){ (const char *)checksum->bytes,
					 slv_object_checksum_bytes(checksum->kind) });
}

slv_err object_meta_write(const struct object_meta *meta, struct slv_buf *row)
{
	slv_be_add(row, FORMAT, 1);
	slv_be_add(row,
			(meta->has_checksum ? HAS_CHECKSUM : 0) |
					(meta->full_object ? FULL_OBJECT : 0),
			1);
	slv_be_add(row, meta->where, 1);
	slv_be_add(row, meta->len, 8);
	slv_be_add(row, (uint64_t)meta->modified_ms, 8);
	slv_buf_add(row, (slv_str){ (const char *)meta->md5, OBJECT_MD5_BYTES });
	slv_be_add(row, meta->parts, 2);
	if (meta->has_checksum)
		write_checksum(meta, row);
	if (meta->where == OBJECT_BLOB)
		slv_buf_add(row, (slv_str){ (const char *)meta->blob.bytes, SLV_BLOB_ID_BYTES });
	if (meta->where == OBJECT_PARTS)
		slv_buf_add(row, (slv_str){ meta->upload, OBJECT_ID_BYTES });
	if (meta->fields.count > FIELDS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "an object has more than 128 fields");
	for (uint32_t i = 0; i < meta->fields.count; i++) {
		const struct slv_field *field = &meta->fields.at[i];
		if (field->name.len > UINT16_MAX || field->value.len > UINT16_MAX)
			return SLV_ERR(SLV_E_LIMIT, "a field of an object is too long");
		slv_be_add(row, field->name.len, 2);
		slv_buf_add(row, field->name);
		slv_be_add(row, field->value.len, 2);
		slv_buf_add(row, field->value);
	}
	return row->overflow || row->len > OBJECT_ROW_BYTES_MAX
	                       ? SLV_ERR(SLV_E_LIMIT, "what is said of an object is too long")
	                       : SLV_OK;
}

/* --- reading --- */

static slv_err damaged(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "the row of an object is damaged");
}

static bool read_checksum(slv_str *rest, struct object_meta *meta)
{
	struct slv_object_checksum *checksum = &meta->checksum;
	if (rest->len < 3)
		return false;
	uint64_t kind = take_int(rest, 1);
	checksum->parts = (uint32_t)take_int(rest, 2);
	if (kind >= SLV_OBJECT_CHECKSUM_COUNT)
		return false;
	checksum->kind = (enum slv_object_checksum_kind)kind;
	return take_bytes(rest, checksum->bytes, slv_object_checksum_bytes(checksum->kind));
}

static bool take_text(slv_str *rest, slv_str *ret_text)
{
	if (rest->len < 2)
		return false;
	size_t len = (size_t)take_int(rest, 2);
	*ret_text = slv_str_head(*rest, len);
	*rest = slv_str_from_index(*rest, len);
	return ret_text->len == len;
}

static slv_err read_fields(slv_str rest, struct slv_fields *fields)
{
	while (rest.len) {
		slv_str name, value;
		if (!take_text(&rest, &name) || !take_text(&rest, &value) ||
				fields->count == FIELDS_MAX)
			return damaged();
		slv_err err = slv_fields_add(fields, name, value);
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

slv_err object_meta_read(struct slv_arena *arena, slv_str row, struct object_meta *ret_meta)
{
	struct object_meta meta = { 0 };
	if (row.len < HEAD_BYTES || take_int(&row, 1) != FORMAT)
		return damaged();
	uint64_t flags = take_int(&row, 1), where = take_int(&row, 1);
	meta.has_checksum = flags & HAS_CHECKSUM;
	meta.full_object = flags & FULL_OBJECT;
	meta.len = take_int(&row, 8);
	meta.modified_ms = (int64_t)take_int(&row, 8);
	bool ok = take_bytes(&row, meta.md5, OBJECT_MD5_BYTES) && where <= OBJECT_PARTS;
	meta.parts = (uint16_t)take_int(&row, 2);
	meta.where = where;
	if (ok && meta.has_checksum)
		ok = read_checksum(&row, &meta);
	if (ok && where == OBJECT_BLOB)
		ok = take_bytes(&row, meta.blob.bytes, SLV_BLOB_ID_BYTES);
	if (ok && where == OBJECT_PARTS)
		ok = take_bytes(&row, meta.upload, OBJECT_ID_BYTES);
	if (!ok)
		return damaged();
	if (arena) {
		slv_fields_init(&meta.fields, arena);
		slv_err err = read_fields(row, &meta.fields);
		if (slv_failed(err))
			return err;
	}
	*ret_meta = meta;
	return SLV_OK;
}

slv_str object_etag(const struct object_meta *meta, char room[static OBJECT_ETAG_BYTES_MAX])
{
	static const char hex[] = "0123456789abcdef";
	char digits[SLV_U64_DIGITS];
	size_t len = 0;
	room[len++] = '"';
	for (size_t i = 0; i < OBJECT_MD5_BYTES; i++) {
		room[len++] = hex[meta->md5[i] >> 4];
		room[len++] = hex[meta->md5[i] & 15];
	}
	if (meta->parts) {
		slv_str number = slv_str_of_u64(meta->parts, digits);
		room[len++] = '-';
		memcpy(room + len, number.at, number.len);
		len += number.len;
	}
	room[len++] = '"';
	return (slv_str){ room, len };
}

/* --- keys --- */

slv_str object_row_key(slv_str key, char room[static OBJECT_ROW_KEY_BYTES_MAX])
{
	slv_assert(key.len <= SLV_OBJECT_KEY_BYTES_MAX);
	room[0] = 'o';
	if (key.len)
		memcpy(room + 1, key.at, key.len);
	return (slv_str){ room, 1 + key.len };
}

slv_str object_upload_key(slv_str key, slv_str upload, char room[static OBJECT_ROW_KEY_BYTES_MAX])
{
	slv_assert(key.len <= SLV_OBJECT_KEY_BYTES_MAX && upload.len == OBJECT_ID_BYTES);
	room[0] = 'u';
	memcpy(room + 1, key.at, key.len);
	room[1 + key.len] = 0;
	memcpy(room + 2 + key.len, upload.at, upload.len);
	return (slv_str){ room, 2 + key.len + upload.len };
}

slv_str object_part_key(slv_str upload, uint32_t number, char room[static OBJECT_PART_KEY_BYTES])
{
	slv_assert(upload.len == OBJECT_ID_BYTES && number <= SLV_OBJECT_PARTS_MAX + 1);
	room[0] = 'p';
	memcpy(room + 1, upload.at, upload.len);
	slv_be_put(room + 1 + OBJECT_ID_BYTES, number, 2);
	return (slv_str){ room, OBJECT_PART_KEY_BYTES };
}

slv_str object_remains_key(slv_str upload, char room[static OBJECT_PART_KEY_BYTES])
{
	slv_assert(upload.len == OBJECT_ID_BYTES);
	room[0] = 'r';
	memcpy(room + 1, upload.at, upload.len);
	return (slv_str){ room, 1 + OBJECT_ID_BYTES };
}

void object_upload_read(slv_str row_key, slv_str *ret_key, slv_str *ret_upload)
{
	slv_assert(row_key.len >= 2 + OBJECT_ID_BYTES);
	size_t key_len = row_key.len - 2 - OBJECT_ID_BYTES;
	*ret_key = slv_str_head(slv_str_from_index(row_key, 1), key_len);
	*ret_upload = slv_str_from_index(row_key, 2 + key_len);
}

uint32_t object_part_number(slv_str row_key)
{
	slv_assert(row_key.len == OBJECT_PART_KEY_BYTES);
	return (uint32_t)slv_be_get(row_key.at + 1 + OBJECT_ID_BYTES, 2);
}

/* --- lists of parts --- */

void object_part_item_write(struct slv_buf *list, const struct object_part_item *item)
{
	slv_be_add(list, item->number, 2);
	slv_be_add(list, item->len, 8);
}

bool object_part_item_read(slv_str list, size_t index, struct object_part_item *ret_item)
{
	slv_str rest = slv_str_from_index(list, index * OBJECT_PART_ITEM_BYTES);
	if (rest.len < OBJECT_PART_ITEM_BYTES)
		return false;
	ret_item->number = (uint32_t)take_int(&rest, 2);
	ret_item->len = take_int(&rest, 8);
	return true;
}
