#include "jail/image/exif.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

#define TAG_ARTIST 0x013b
#define TAG_COPYRIGHT 0x8298
#define TAG_ORIENTATION 0x0112
#define TYPE_ASCII 2
#define TYPE_SHORT 3
#define ENTRY_BYTES 12
#define ENTRIES_MAX 512 /* more are no camera's */

struct reader {
	slv_str tiff; /* offsets count from its start */
	bool big;     /* byte order */
};

static uint32_t number(const struct reader *reader, size_t at, size_t bytes)
{
	uint32_t value = 0;
	for (size_t i = 0; i < bytes; i++) {
		size_t from = reader->big ? i : bytes - 1 - i;
		value = value << 8 | (uint8_t)reader->tiff.at[at + from];
	}
	return value;
}

static slv_str text_of(const struct reader *reader, size_t entry)
{
	uint32_t len = number(reader, entry + 4, 4);
	uint32_t at = len <= 4 ? (uint32_t)entry + 8 : number(reader, entry + 8, 4);
	if (number(reader, entry + 2, 2) != TYPE_ASCII || at > reader->tiff.len ||
			len > reader->tiff.len - at)
		return (slv_str){ 0 };
	slv_str text = slv_str_head((slv_str){ reader->tiff.at + at, len }, SLV_EXIF_TEXT_MAX);
	return slv_str_head(text, slv_str_find(text, '\0'));
}

/* The entries of the first directory; 0 if `block` is no EXIF. They lie `*ret_at` and on. */
static uint32_t open_directory(slv_str block, struct reader *ret_reader, size_t *ret_at)
{
	if (slv_str_starts(block, SLV_STR("Exif\0\0")))
		block = slv_str_from_index(block, 6);
	struct reader reader = { .tiff = block };
	if (slv_str_starts(block, SLV_STR("MM\0*")))
		reader.big = true;
	else if (!slv_str_starts(block, SLV_STR("II*\0")))
		return 0;
	if (block.len < 8)
		return 0;
	uint32_t at = number(&reader, 4, 4);
	if (at > block.len || block.len - at < 2)
		return 0;
	uint32_t count = number(&reader, at, 2);
	size_t whole = (block.len - at - 2) / ENTRY_BYTES;
	if (count > whole)
		count = (uint32_t)whole;
	*ret_reader = reader;
	*ret_at = (size_t)at + 2;
	return count > ENTRIES_MAX ? ENTRIES_MAX : count;
}

bool slv_exif_read(slv_str block, struct slv_exif_owner *ret_owner)
{
	struct reader reader;
	size_t entry;
	struct slv_exif_owner owner = { 0 };
	for (uint32_t left = open_directory(block, &reader, &entry); left > 0; left--) {
		uint32_t tag = number(&reader, entry, 2);
		if (tag == TAG_ARTIST)
			owner.artist = text_of(&reader, entry);
		else if (tag == TAG_COPYRIGHT)
			owner.copyright = text_of(&reader, entry);
		entry += ENTRY_BYTES;
	}
	*ret_owner = owner;
	return owner.artist.len > 0 || owner.copyright.len > 0;
}

int slv_exif_orientation(slv_str block)
{
	struct reader reader;
	size_t entry;
	for (uint32_t left = open_directory(block, &reader, &entry); left > 0; left--) {
		if (number(&reader, entry, 2) == TAG_ORIENTATION &&
				number(&reader, entry + 2, 2) == TYPE_SHORT) {
			uint32_t value = number(&reader, entry + 8, 2);
			return value >= 1 && value <= 8 ? (int)value : 1;
		}
		entry += ENTRY_BYTES;
	}
	return 1;
}

struct writer {
	uint8_t bytes[128 + 2 * (SLV_EXIF_TEXT_MAX + 1)];
	size_t len;
};

static void put(struct writer *writer, uint32_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		writer->bytes[writer->len++] = (uint8_t)(value >> (8 * i));
}

/* One entry of the directory; its text lies at `at`, or in the entry itself if it is short. */
static void put_entry(struct writer *writer, uint16_t tag, slv_str text, uint32_t at)
{
	put(writer, tag, 2);
	put(writer, TYPE_ASCII, 2);
	put(writer, (uint32_t)text.len + 1, 4);
	if (text.len + 1 > 4) {
		put(writer, at, 4);
		return;
	}
	memset(writer->bytes + writer->len, 0, 4);
	memcpy(writer->bytes + writer->len, text.at, text.len);
	writer->len += 4;
}

static void put_text(struct writer *writer, slv_str text)
{
	if (text.len + 1 <= 4)
		return;
	memcpy(writer->bytes + writer->len, text.at, text.len);
	writer->len += text.len;
	writer->bytes[writer->len++] = 0;
}

static uint32_t room_of(slv_str text)
{
	return text.len + 1 <= 4 ? 0 : (uint32_t)text.len + 1;
}

/* The APP1 segment: marker, length, "Exif", big-endian TIFF with one directory. */
static void write_segment(struct writer *writer, const struct slv_exif_owner *owner)
{
	slv_str artist = slv_str_head(owner->artist, SLV_EXIF_TEXT_MAX);
	slv_str copyright = slv_str_head(owner->copyright, SLV_EXIF_TEXT_MAX);
	uint32_t entries = (artist.len > 0) + (copyright.len > 0);
	uint32_t texts = 8 + 2 + entries * ENTRY_BYTES + 4; /* head, directory */
	uint32_t len = texts + (artist.len ? room_of(artist) : 0) +
	               (copyright.len ? room_of(copyright) : 0);
	put(writer, 0xffe1, 2);
	put(writer, 2 + 6 + len, 2);
	memcpy(writer->bytes + writer->len, "Exif\0\0MM\0*\0\0\0\x08", 14);
	writer->len += 14;
	put(writer, entries, 2);
	if (artist.len > 0)
		put_entry(writer, TAG_ARTIST, artist, texts);
	if (copyright.len > 0)
		put_entry(writer, TAG_COPYRIGHT, copyright,
				texts + (artist.len ? room_of(artist) : 0));
	put(writer, 0, 4); /* no directory follows */
	if (artist.len > 0)
		put_text(writer, artist);
	if (copyright.len > 0)
		put_text(writer, copyright);
}

bool slv_exif_insert(
		slv_str jpeg, const struct slv_exif_owner *owner, void **ret_bytes, size_t *ret_len)
{
	const uint8_t *at = (const uint8_t *)jpeg.at;
	if (jpeg.len < 4 || at[0] != 0xff || at[1] != 0xd8)
		return false;
	size_t split = 2;
	if (jpeg.len >= 6 && at[2] == 0xff && at[3] == 0xe0)
		split = 4 + ((size_t)at[4] << 8 | at[5]);
	if (split > jpeg.len)
		return false;

	struct writer writer = { .len = 0 };
	write_segment(&writer, owner);
	char *bytes = g_malloc(jpeg.len + writer.len);
	memcpy(bytes, jpeg.at, split);
	memcpy(bytes + split, writer.bytes, writer.len);
	memcpy(bytes + split + writer.len, jpeg.at + split, jpeg.len - split);
	*ret_bytes = bytes;
	*ret_len = jpeg.len + writer.len;
	return true;
}
