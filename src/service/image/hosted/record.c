#include "service/image/hosted/record.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/base64.h"
#include "base/be.h"
#include "base/digest.h"

#include <stdio.h>
#include <string.h>

#define FORMAT 1
#define IS_DRAFT 1
#define IS_SIGNED 2
#define NEVER_SIGNED 1
#define FLEXIBLE 1

/* --- names --- */

struct slv_omap *hosted_map(struct slv_omaps *maps, slv_str account)
{
	char name[HOSTED_MAP_BYTES] = HOSTED_MAP "-";
	if (account.len != HOSTED_ACCOUNT_BYTES)
		return NULL;
	memcpy(name + sizeof(HOSTED_MAP), account.at, account.len);
	return slv_omap_named(maps, (slv_str){ name, sizeof(name) });
}

void hosted_account_hash(slv_str account, char ret_hash[static HOSTED_HASH_BYTES])
{
	const slv_str parts[] = { SLV_STR("images of account "), account };
	char text[SLV_BASE64_CHARS(SLV_SHA256_BYTES)];
	struct slv_digest digest = slv_sha256(parts, SLV_COUNT(parts));
	slv_base64(digest.bytes, sizeof(digest.bytes), text);
	for (size_t i = 0; i < HOSTED_HASH_BYTES; i++)
		ret_hash[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
}

static bool is_utf8(slv_str text)
{
	while (text.len) {
		size_t len = slv_str_utf8_len(text);
		if (!len)
			return false;
		text = slv_str_from_index(text, len);
	}
	return true;
}

/* It is delivered below a path, and the edge takes none that somebody could resolve. */
static bool has_odd_segment(slv_str id)
{
	slv_str rest = id;
	while (rest.at) {
		slv_str segment = slv_str_cut(&rest, '/');
		if (!segment.len || slv_str_eq(segment, SLV_STR(".")) ||
				slv_str_eq(segment, SLV_STR("..")))
			return true;
	}
	return false;
}

slv_err hosted_id_check(slv_str id)
{
	if (!id.len)
		return SLV_ERR(SLV_E_SYNTAX, "id has 1 byte at least");
	if (id.len > HOSTED_ID_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "id has 1024 bytes at most");
	if (slv_str_find(id, 0) < id.len)
		return SLV_ERR(SLV_E_SYNTAX, "id has no byte 0");
	if (!is_utf8(id))
		return SLV_ERR(SLV_E_SYNTAX, "id is UTF-8");
	if (slv_str_find(id, '\\') < id.len)
		return SLV_ERR(SLV_E_SYNTAX, "id has no '\\'");
	if (has_odd_segment(id))
		return SLV_ERR(SLV_E_SYNTAX, "id has no '.', '..' or nothing between its slashes");
	return SLV_OK;
}

bool hosted_id_is_uuid(slv_str id)
{
	if (id.len != HOSTED_UUID_BYTES)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? id.at[i] != '-' : slv_hex_value(id.at[i]) < 0)
			return false;
	}
	return true;
}

/* RFC 9562 section 5.4 */
void hosted_uuid_print(const uint8_t random[static 16], char ret_id[static HOSTED_UUID_BYTES])
{
	static const uint8_t lens[] = { 4, 2, 2, 2, 6 };
	uint8_t bytes[16];
	memcpy(bytes, random, sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	const uint8_t *from = bytes;
	for (size_t i = 0; i < sizeof(lens); i++) {
		slv_str_hex(from, lens[i], ret_id);
		from += lens[i];
		ret_id += 2 * lens[i];
		if (i + 1 < sizeof(lens))
			*ret_id++ = '-';
	}
}

/* Names that stand in paths, between slashes, and are no options, which have a '='. */
static bool is_name(slv_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = slv_lower(name.at[i]);
		if (!slv_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
			return false;
	}
	return name.len;
}

slv_err hosted_variant_id_check(slv_str id)
{
	if (id.len > HOSTED_VARIANT_ID_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "id of a variant has 99 bytes at most");
	return is_name(id) ? SLV_OK
	                   : SLV_ERR(SLV_E_SYNTAX, "id of a variant is made of letters, digits, "
						   "'-' and '_'");
}

slv_err hosted_key_name_check(slv_str name)
{
	if (name.len > HOSTED_KEY_NAME_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "the name of a key has 32 bytes at most");
	return is_name(name) ? SLV_OK
	                     : SLV_ERR(SLV_E_SYNTAX, "the name of a key is made of letters, "
						     "digits, '-' and '_'");
}

/* --- a picture --- */

struct writer {
	char *at;
	size_t len;
};

static void add_int(struct writer *writer, uint64_t value, size_t bytes)
{
	slv_be_put(writer->at + writer->len, value, bytes);
	writer->len += bytes;
}

static void add_bytes(struct writer *writer, const void *bytes, size_t len)
{
	if (len)
		memcpy(writer->at + writer->len, bytes, len);
	writer->len += len;
}

static void add_text(struct writer *writer, slv_str text)
{
	add_int(writer, text.len, 2);
	add_bytes(writer, text.at, text.len);
}

size_t hosted_image_write(const struct hosted_image *image, char row[static HOSTED_IMAGE_BYTES_MAX])
{
	struct writer writer = { .at = row };
	slv_assert(image->filename.len <= HOSTED_FILENAME_BYTES_MAX);
	slv_assert(image->creator.len <= HOSTED_CREATOR_BYTES_MAX);
	slv_assert(image->metadata.len <= HOSTED_METADATA_BYTES_MAX);
	add_int(&writer, FORMAT, 1);
	add_int(&writer, (image->is_draft ? IS_DRAFT : 0) | (image->is_signed ? IS_SIGNED : 0), 1);
	add_int(&writer, (uint64_t)image->uploaded_ms, 8);
	if (image->is_draft) {
		add_int(&writer, (uint64_t)image->expires_ms, 8);
		add_bytes(&writer, image->upload, HOSTED_SECRET_BYTES);
	} else {
		add_bytes(&writer, image->blob.id.bytes, SLV_BLOB_ID_BYTES);
		add_int(&writer, image->blob.len, 8);
		add_int(&writer, image->format, 1);
		add_int(&writer, image->width, 4);
		add_int(&writer, image->height, 4);
	}
	add_text(&writer, image->filename);
	add_text(&writer, image->creator);
	add_text(&writer, image->metadata);
	return writer.len;
}

/* What is left to read; `broken` once something was not there. */
struct reader {
	slv_str rest;
	bool broken;
};

static slv_str take(struct reader *reader, size_t len)
{
	slv_str taken = slv_str_head(reader->rest, len);
	reader->rest = slv_str_from_index(reader->rest, len);
	reader->broken |= taken.len < len;
	return taken;
}

static uint64_t take_int(struct reader *reader, size_t len)
{
	slv_str bytes = take(reader, len);
	return slv_be_get(bytes.at, bytes.len);
}

static void take_bytes(struct reader *reader, void *to, size_t len)
{
	slv_str bytes = take(reader, len);
	if (bytes.len == len)
		memcpy(to, bytes.at, len);
}

static slv_str take_text(struct reader *reader, size_t max)
{
	size_t len = (size_t)take_int(reader, 2);
	reader->broken |= len > max;
	return take(reader, len);
}

slv_err hosted_image_read(slv_str row, struct hosted_image *ret_image)
{
	struct hosted_image image = { 0 };
	struct reader reader = { .rest = row };
	bool known = take_int(&reader, 1) == FORMAT;
	uint64_t flags = take_int(&reader, 1);
	image.is_draft = flags & IS_DRAFT;
	image.is_signed = flags & IS_SIGNED;
	image.uploaded_ms = (int64_t)take_int(&reader, 8);
	if (image.is_draft) {
		image.expires_ms = (int64_t)take_int(&reader, 8);
		take_bytes(&reader, image.upload, HOSTED_SECRET_BYTES);
	} else {
		take_bytes(&reader, image.blob.id.bytes, SLV_BLOB_ID_BYTES);
		image.blob.len = take_int(&reader, 8);
		image.format = (uint8_t)take_int(&reader, 1);
		image.width = (uint32_t)take_int(&reader, 4);
		image.height = (uint32_t)take_int(&reader, 4);
	}
	image.filename = take_text(&reader, HOSTED_FILENAME_BYTES_MAX);
	image.creator = take_text(&reader, HOSTED_CREATOR_BYTES_MAX);
	image.metadata = take_text(&reader, HOSTED_METADATA_BYTES_MAX);
	if (!known || reader.broken || reader.rest.len)
		return SLV_ERR(SLV_E_CORRUPT, "the row of a picture is damaged");
	*ret_image = image;
	return SLV_OK;
}

void hosted_version(const struct hosted_image *image, char ret_version[static HOSTED_VERSION_BYTES])
{
	slv_str_hex(image->blob.id.bytes, SLV_BLOB_ID_BYTES, ret_version);
}

#define SOURCE "hosted:" /* <version>.<length> */

slv_str hosted_source_name(
		const struct slv_blob_ref *ref, char room[static HOSTED_SOURCE_BYTES_MAX])
{
	char version[HOSTED_VERSION_BYTES];
	slv_str_hex(ref->id.bytes, SLV_BLOB_ID_BYTES, version);
	int len = snprintf(room, HOSTED_SOURCE_BYTES_MAX, SOURCE "%.*s.%llu", HOSTED_VERSION_BYTES,
			version, (unsigned long long)ref->len);
	slv_assert(len > 0 && (size_t)len < HOSTED_SOURCE_BYTES_MAX);
	return (slv_str){ room, (size_t)len };
}

bool hosted_source_read(slv_str name, struct slv_blob_ref *ret_ref)
{
	slv_str prefix = SLV_STR(SOURCE), len = slv_str_from_index(name, prefix.len);
	if (!slv_str_starts(name, prefix))
		return false;
	slv_str version = slv_str_cut(&len, '.');
	return slv_str_unhex(version, ret_ref->id.bytes, SLV_BLOB_ID_BYTES) &&
	       slv_str_u64(len, SLV_BLOB_BYTES_MAX, &ret_ref->len) && ret_ref->len;
}

/* --- a variant, and what the API changes --- */

size_t hosted_variant_write(
		const struct hosted_variant *variant, char row[static HOSTED_VARIANT_BYTES_MAX])
{
	struct writer writer = { .at = row };
	slv_assert(variant->options.len <= HOSTED_OPTIONS_BYTES_MAX);
	add_int(&writer, FORMAT, 1);
	add_int(&writer, variant->never_signed ? NEVER_SIGNED : 0, 1);
	add_bytes(&writer, variant->options.at, variant->options.len);
	return writer.len;
}

slv_err hosted_variant_read(slv_str row, struct hosted_variant *ret_variant)
{
	if (row.len < 2 || row.len > HOSTED_VARIANT_BYTES_MAX || row.at[0] != FORMAT)
		return SLV_ERR(SLV_E_CORRUPT, "the row of a variant is damaged");
	*ret_variant = (struct hosted_variant){ .never_signed = row.at[1] & NEVER_SIGNED,
		.options = slv_str_from_index(row, 2) };
	return SLV_OK;
}

size_t hosted_config_write(const struct hosted_config *config, char row[static HOSTED_CONFIG_BYTES])
{
	row[0] = FORMAT;
	row[1] = config->flexible_variants ? FLEXIBLE : 0;
	return HOSTED_CONFIG_BYTES;
}

slv_err hosted_config_read(slv_str row, struct hosted_config *ret_config)
{
	if (row.len && (row.len != HOSTED_CONFIG_BYTES || row.at[0] != FORMAT))
		return SLV_ERR(SLV_E_CORRUPT, "the settings of an account's pictures are damaged");
	*ret_config = (struct hosted_config){ .flexible_variants =
							      row.len && (row.at[1] & FLEXIBLE) };
	return SLV_OK;
}

/* --- signing keys --- */

size_t hosted_keys_write(const struct hosted_keys *keys, char row[static HOSTED_KEYS_BYTES_MAX])
{
	struct writer writer = { .at = row };
	slv_assert(keys->count <= HOSTED_KEYS_MAX);
	add_int(&writer, FORMAT, 1);
	for (size_t i = 0; i < keys->count; i++) {
		const struct hosted_key *key = &keys->at[i];
		slv_assert(key->name.len <= HOSTED_KEY_NAME_BYTES_MAX);
		slv_assert(key->value.len <= HOSTED_KEY_VALUE_BYTES_MAX);
		add_text(&writer, key->name);
		add_text(&writer, key->value);
	}
	return writer.len;
}

slv_err hosted_keys_read(slv_str row, struct hosted_keys *ret_keys)
{
	struct hosted_keys keys = { 0 };
	struct reader reader = { .rest = row };
	reader.broken = row.len && take_int(&reader, 1) != FORMAT;
	while (reader.rest.len && !reader.broken && keys.count < HOSTED_KEYS_MAX) {
		struct hosted_key *key = &keys.at[keys.count++];
		key->name = take_text(&reader, HOSTED_KEY_NAME_BYTES_MAX);
		key->value = take_text(&reader, HOSTED_KEY_VALUE_BYTES_MAX);
		reader.broken |= !is_name(key->name) || !key->value.len;
	}
	if (reader.broken || reader.rest.len)
		return SLV_ERR(SLV_E_CORRUPT, "the row of an account's signing keys is damaged");
	*ret_keys = keys;
	return SLV_OK;
}

/* --- keys of rows --- */

slv_str hosted_row_key(char kind, slv_str id, char room[static HOSTED_KEY_BYTES_MAX])
{
	slv_assert(id.len <= HOSTED_ID_BYTES_MAX);
	room[0] = kind;
	if (id.len)
		memcpy(room + 1, id.at, id.len);
	return (slv_str){ room, 1 + id.len };
}

slv_str hosted_time_key(
		char kind, int64_t time_ms, slv_str id, char room[static HOSTED_KEY_BYTES_MAX])
{
	slv_assert(id.len <= HOSTED_KEY_BYTES_MAX - 9);
	room[0] = kind;
	slv_be_put(room + 1, kind == 'n' ? ~(uint64_t)time_ms : (uint64_t)time_ms, 8);
	if (id.len)
		memcpy(room + 9, id.at, id.len);
	return (slv_str){ room, 9 + id.len };
}

slv_str hosted_secret_key(char kind, const uint8_t digest[static HOSTED_SECRET_BYTES],
		char room[static HOSTED_KEY_BYTES_MAX])
{
	room[0] = kind;
	memcpy(room + 1, digest, HOSTED_SECRET_BYTES);
	return (slv_str){ room, 1 + HOSTED_SECRET_BYTES };
}

bool hosted_time_read(slv_str row_key, int64_t *ret_time_ms, slv_str *ret_id)
{
	if (row_key.len < 9)
		return false;
	uint64_t time_ms = slv_be_get(row_key.at + 1, 8);
	*ret_time_ms = (int64_t)(row_key.at[0] == 'n' ? ~time_ms : time_ms);
	*ret_id = slv_str_from_index(row_key, 9);
	return true;
}
