#include "service/object/whole.h"

#include "base/digest.h"

#include <string.h>

bool object_whole_md5(
		const struct slv_object_complete *named, uint8_t ret_md5[static OBJECT_MD5_BYTES])
{
	struct slv_digest_stream md5;
	uint8_t part[OBJECT_MD5_BYTES];
	slv_digest_init(&md5, SLV_DIGEST_MD5);
	for (uint32_t i = 0; i < named->count; i++) {
		if (!slv_str_unhex(named->parts[i].etag, part, sizeof(part)))
			return false;
		slv_digest_add(&md5, (slv_str){ (const char *)part, sizeof(part) });
	}
	slv_digest_finish(&md5, ret_md5);
	return true;
}

static uint32_t number_of(const struct slv_omap_row *row)
{
	return row->key.len == OBJECT_PART_KEY_BYTES ? object_part_number(row->key) : 0;
}

/* The row of the part with that number, from `*index` on, which is then behind it. */
static const struct slv_omap_row *find(
		const struct object_parts *parts, uint32_t number, size_t *index)
{
	while (*index < parts->count && number_of(&parts->rows[*index]) < number)
		++*index;
	if (*index == parts->count || number_of(&parts->rows[*index]) != number)
		return NULL;
	return &parts->rows[(*index)++];
}

const struct slv_omap_row *object_whole_unnamed(const struct object_parts *parts, size_t *index)
{
	for (; *index < parts->count; ++*index) {
		uint32_t number = number_of(&parts->rows[*index]);
		uint32_t low = 0, high = parts->named->count;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			if (parts->named->parts[middle].number < number)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == parts->named->count || parts->named->parts[low].number != number)
			return &parts->rows[(*index)++];
	}
	return NULL;
}

/* Is it the part that the client means? */
static slv_object_err check(const struct slv_object_part *named, const struct object_meta *part)
{
	uint8_t md5[OBJECT_MD5_BYTES];
	if (part->where != OBJECT_BLOB)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INTERNAL, NULL);
	bool same = slv_str_unhex(named->etag, md5, sizeof(md5)) &&
	            memcmp(md5, part->md5, sizeof(md5)) == 0;
	if (same && named->has_checksum)
		same = part->has_checksum &&
		       slv_object_checksum_eq(&named->checksum, &part->checksum);
	return same ? SLV_OBJECT_OK : SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_PART, NULL);
}

/* The checksum of a part counts for the object: joined to those before, or added as a part. */
static slv_object_err add_checksum(const struct object_meta *upload, const struct object_meta *part,
		bool is_first, struct object_meta *meta,
		struct slv_object_checksum_stream *composite)
{
	if (!upload->has_checksum)
		return SLV_OBJECT_OK;
	if (!part->has_checksum || part->checksum.kind != upload->checksum.kind)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INTERNAL, NULL);
	if (!upload->full_object)
		slv_object_checksum_add_part(composite, &part->checksum);
	else if (is_first)
		meta->checksum = part->checksum;
	else
		slv_object_checksum_join(&meta->checksum, &part->checksum, part->len);
	return SLV_OBJECT_OK;
}

slv_object_err object_whole_make(const struct object_parts *parts, const struct object_meta *upload,
		struct object_meta *meta, struct slv_buf *list)
{
	size_t index = 0;
	const struct slv_object_complete *named = parts->named;
	struct slv_object_checksum_stream composite;
	slv_object_checksum_init(&composite, upload->checksum.kind);
	meta->len = 0;
	for (uint32_t i = 0; i < named->count; i++) {
		struct object_meta part;
		const struct slv_omap_row *row = find(parts, named->parts[i].number, &index);
		if (!row)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_PART, NULL);
		if (slv_failed(object_meta_read(NULL, row->value, &part)))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INTERNAL, NULL);
		slv_object_err err = check(&named->parts[i], &part);
		if (!slv_object_failed(err))
			err = add_checksum(upload, &part, i == 0, meta, &composite);
		if (slv_object_failed(err))
			return err;
		if (i + 1 < named->count && part.len < SLV_OBJECT_PART_BYTES_MIN)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_ENTITY_TOO_SMALL, NULL);
		meta->len += part.len;
		object_part_item_write(list,
				&(struct object_part_item){ named->parts[i].number, part.len });
	}
	if (meta->len > SLV_OBJECT_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_ENTITY_TOO_LARGE, NULL);
	meta->has_checksum = upload->has_checksum;
	meta->full_object = upload->full_object;
	if (meta->has_checksum && !meta->full_object)
		slv_object_checksum_finish(&composite, &meta->checksum);
	meta->parts = (uint16_t)named->count;
	return object_whole_md5(named, meta->md5) && !list->overflow
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_PART, NULL);
}
