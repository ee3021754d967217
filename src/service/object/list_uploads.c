/* list_uploads.c - the uploads in parts that have begun, and the parts of one
 *
 * A key may have several uploads, so that a page of them begins behind a key and an upload. They
 * are folded here and not by the store, which would find a delimiter in an upload's id, too.
 */
#include "service/object/page.h"
#include "service/object/private.h"
#include "service/object/upload.h"

#include <string.h>

#define XML_BYTES_MAX SLV_MIB(16)

static void add_person(const struct object_ask *ask, const char *name, struct slv_buf *xml)
{
	slv_object_xml_open(xml, name);
	slv_object_xml_text(xml, "ID", ask->find.account);
	slv_object_xml_text(xml, "DisplayName", ask->find.account);
	slv_object_xml_close(xml, name);
}

/* What an upload says of its checksum. */
static void add_checksum_kind(const struct object_meta *upload, struct slv_buf *xml)
{
	if (!upload->has_checksum)
		return;
	slv_object_xml_text(
			xml, "ChecksumAlgorithm", slv_object_checksum_name(upload->checksum.kind));
	slv_object_xml_text(xml, "ChecksumType",
			upload->full_object ? SLV_STR("FULL_OBJECT") : SLV_STR("COMPOSITE"));
}

/* --- uploads --- */

struct uploads {
	struct object_ask *ask;
	bool url;
	uint32_t max, count;
	slv_str upload_marker; /* as sent; at == NULL: not sent */
	struct object_page_ask of;
	struct object_page page;
	struct slv_omap_read read;
	struct slv_buf items, prefixes; /* what was found, as it is answered */
	bool is_truncated;

	/* The last that was found: a key and an upload, or a group. */
	char last[SLV_OBJECT_KEY_BYTES_MAX], last_upload[OBJECT_ID_BYTES];
	size_t last_len;
	bool last_is_group;
};

static void uploads_drop(void *arg)
{
	struct uploads *uploads = arg;
	slv_buf_done(&uploads->items);
	slv_buf_done(&uploads->prefixes);
}

static void add_next(const struct uploads *uploads, struct slv_buf *xml)
{
	slv_str upload = { uploads->last_upload, OBJECT_ID_BYTES };
	slv_object_xml_key(xml, "NextKeyMarker", (slv_str){ uploads->last, uploads->last_len },
			uploads->url);
	slv_object_xml_text(xml, "NextUploadIdMarker",
			uploads->last_is_group ? (slv_str){ 0 } : upload);
}

static void answer_uploads(struct uploads *uploads)
{
	struct slv_buf xml;
	slv_buf_init(&xml, XML_BYTES_MAX);
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, "ListMultipartUploadsResult");
	slv_object_xml_text(&xml, "Bucket", uploads->ask->bucket);
	slv_object_xml_key(&xml, "KeyMarker", uploads->of.marker, uploads->url);
	slv_object_xml_text(&xml, "UploadIdMarker", uploads->upload_marker);
	if (uploads->is_truncated && uploads->count)
		add_next(uploads, &xml);
	slv_object_xml_key(&xml, "Prefix", uploads->of.prefix, uploads->url);
	if (uploads->of.delimiter.len)
		slv_object_xml_key(&xml, "Delimiter", uploads->of.delimiter, uploads->url);
	if (uploads->url)
		slv_object_xml_text(&xml, "EncodingType", SLV_STR("url"));
	slv_object_xml_u64(&xml, "MaxUploads", uploads->max);
	slv_object_xml_bool(&xml, "IsTruncated", uploads->is_truncated);
	slv_buf_add(&xml, slv_buf_str(&uploads->items));
	slv_buf_add(&xml, slv_buf_str(&uploads->prefixes));
	slv_object_xml_close(&xml, "ListMultipartUploadsResult");
	xml.overflow |= uploads->items.overflow || uploads->prefixes.overflow;
	object_reply_xml(uploads->ask, &xml);
}

static slv_err add_upload(struct uploads *uploads, slv_str key, slv_str upload, slv_str row)
{
	struct object_meta meta;
	struct slv_buf *xml = &uploads->items;
	slv_err err = object_meta_read(NULL, row, &meta);
	if (slv_failed(err))
		return err;
	slv_object_xml_open(xml, "Upload");
	slv_object_xml_key(xml, "Key", key, uploads->url);
	slv_object_xml_text(xml, "UploadId", upload);
	add_person(uploads->ask, "Initiator", xml);
	add_person(uploads->ask, "Owner", xml);
	slv_object_xml_text(xml, "StorageClass", SLV_STR("STANDARD"));
	slv_object_xml_time(xml, "Initiated", meta.modified_ms);
	add_checksum_kind(&meta, xml);
	slv_object_xml_close(xml, "Upload");
	memcpy(uploads->last_upload, upload.at, OBJECT_ID_BYTES);
	return SLV_OK;
}

static void add_group(struct uploads *uploads, slv_str key)
{
	slv_object_xml_open(&uploads->prefixes, "CommonPrefixes");
	slv_object_xml_key(&uploads->prefixes, "Prefix", key, uploads->url);
	slv_object_xml_close(&uploads->prefixes, "CommonPrefixes");
}

/* One more that was found, unless it is of the group that was told last. */
static slv_err take_upload(struct uploads *uploads, const struct slv_omap_row *row)
{
	slv_str key, upload;
	slv_str last = { uploads->last, uploads->last_len };
	if (row->key.len < 2 + OBJECT_ID_BYTES)
		return SLV_ERR(SLV_E_CORRUPT, "the row of an upload is damaged");
	object_upload_read(row->key, &key, &upload);
	size_t folded_len = object_page_folded_len(&uploads->of, key);
	if (uploads->last_is_group && slv_str_starts(key, last))
		return SLV_OK;
	if (uploads->count == uploads->max) {
		uploads->is_truncated = true;
		return SLV_OK;
	}
	if (folded_len)
		key = slv_str_head(key, folded_len);
	slv_err err = folded_len ? SLV_OK : add_upload(uploads, key, upload, row->value);
	if (slv_failed(err) || key.len > SLV_OBJECT_KEY_BYTES_MAX)
		return err;
	if (folded_len)
		add_group(uploads, key);
	memcpy(uploads->last, key.at, key.len);
	uploads->last_len = key.len;
	uploads->last_is_group = folded_len > 0;
	uploads->count++;
	return SLV_OK;
}

static void uploads_more(struct uploads *uploads);

/* The next rows are behind the last that was read, and behind the group it may be in. */
static void go_behind(struct uploads *uploads, slv_str row_key)
{
	struct object_page *page = &uploads->page;
	if (uploads->last_is_group) {
		object_page_pass(page, 'u', (slv_str){ uploads->last, uploads->last_len });
		return;
	}
	memcpy(page->from, row_key.at, row_key.len);
	page->from_len = row_key.len;
	page->from[page->from_len++] = 0;
}

static slv_err take_uploads(struct uploads *uploads, const struct slv_omap_rows *rows)
{
	for (size_t i = 0; i < rows->count && !uploads->is_truncated; i++) {
		slv_err err = take_upload(uploads, &rows->at[i]);
		if (slv_failed(err))
			return err;
	}
	if (uploads->is_truncated || !rows->more || !rows->count) {
		answer_uploads(uploads);
		return SLV_OK;
	}
	go_behind(uploads, rows->at[rows->count - 1].key);
	uploads_more(uploads);
	return SLV_OK;
}

static void uploads_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct uploads *uploads = SLV_CONTAINER(read, struct uploads, read);
	if (!slv_failed(err))
		err = take_uploads(uploads, rows);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_failed(err))
		object_fail(uploads->ask, object_err(err));
}

static void uploads_more(struct uploads *uploads)
{
	uploads->read = (struct slv_omap_read){
		.map = uploads->ask->map,
		.what = SLV_OMAP_SCAN,
		.from = { uploads->page.from, uploads->page.from_len },
		.until = { uploads->page.until, uploads->page.until_len },
		.rows_max = uploads->max - uploads->count + 1,
		.done = uploads_read,
	};
	slv_omap_read(uploads->ask->self->loop, &uploads->read);
}

/* Behind an upload of the key that is the marker, which others of it may follow. */
static slv_object_err upload_marker_take(struct uploads *uploads)
{
	slv_str marker = uploads->of.marker, upload = uploads->upload_marker;
	struct object_page *page = &uploads->page;
	bool counts = marker.len && upload.len && !object_page_folded_len(&uploads->of, marker) &&
	              slv_str_cmp(marker, uploads->of.prefix) >= 0;
	if (!counts)
		return SLV_OBJECT_OK;
	if (upload.len != OBJECT_ID_BYTES)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"The upload-id-marker is no upload's id.");
	page->from_len = object_upload_key(marker, upload, page->from).len;
	page->from[page->from_len++] = 0;
	return SLV_OBJECT_OK;
}

static slv_object_err uploads_ask_read(struct uploads *uploads)
{
	struct object_ask *ask = uploads->ask;
	uploads->of = (struct object_page_ask){ .kind = 'u',
		.prefix = object_param(ask, "prefix"),
		.delimiter = object_param(ask, "delimiter"),
		.marker = object_param(ask, "key-marker") };
	uploads->upload_marker = object_param(ask, "upload-id-marker");
	slv_object_err err = object_page_max(object_param(ask, "max-uploads"), &uploads->max);
	if (!slv_object_failed(err))
		err = object_page_encoding(object_param(ask, "encoding-type"), &uploads->url);
	return slv_object_failed(err) ? err : object_page_check(&uploads->of);
}

slv_object_err object_list_uploads(struct object_ask *ask)
{
	struct uploads *uploads = SLV_NEW(ask->req->arena, struct uploads);
	if (!uploads)
		return object_no_memory();
	uploads->ask = ask;
	slv_buf_init(&uploads->items, XML_BYTES_MAX);
	slv_buf_init(&uploads->prefixes, XML_BYTES_MAX);
	slv_object_err err = uploads_ask_read(uploads);
	if (slv_object_failed(err))
		return err;
	bool may_be_some = object_page_init(&uploads->page, &uploads->of) && uploads->max;
	err = upload_marker_take(uploads);
	if (slv_object_failed(err))
		return err;
	if (!slv_arena_defer(ask->req->arena, uploads_drop, uploads))
		return object_no_memory();
	if (may_be_some)
		uploads_more(uploads);
	else
		answer_uploads(uploads);
	return SLV_OBJECT_OK;
}

/* --- parts --- */

struct parts {
	struct object_ask *ask;
	slv_str upload;
	uint32_t marker, max;
	char upload_key[OBJECT_ROW_KEY_BYTES_MAX];
	char from[OBJECT_PART_KEY_BYTES], until[OBJECT_PART_KEY_BYTES];
	slv_str key; /* of the upload's row */
	struct slv_omap_read read;
	struct object_meta meta; /* of the upload, without its fields */
};

static slv_err add_part(const struct slv_omap_row *row, struct slv_buf *xml)
{
	struct object_meta meta;
	char etag[OBJECT_ETAG_BYTES_MAX];
	slv_err err = row->key.len == OBJECT_PART_KEY_BYTES
	                              ? object_meta_read(NULL, row->value, &meta)
	                              : SLV_ERR(SLV_E_CORRUPT, "the row of a part is damaged");
	if (slv_failed(err))
		return err;
	slv_object_xml_open(xml, "Part");
	slv_object_xml_u64(xml, "PartNumber", object_part_number(row->key));
	slv_object_xml_time(xml, "LastModified", meta.modified_ms);
	slv_object_xml_text(xml, "ETag", object_etag(&meta, etag));
	slv_object_xml_u64(xml, "Size", meta.len);
	if (meta.has_checksum)
		object_checksum_xml(&meta.checksum, xml);
	slv_object_xml_close(xml, "Part");
	return SLV_OK;
}

static slv_err print_parts(
		const struct parts *parts, const struct slv_omap_rows *rows, struct slv_buf *xml)
{
	size_t count = rows->count < parts->max ? rows->count : parts->max;
	slv_str last = count ? rows->at[count - 1].key : (slv_str){ 0 };
	slv_object_xml_begin(xml);
	slv_object_xml_open_root(xml, "ListPartsResult");
	slv_object_xml_text(xml, "Bucket", parts->ask->bucket);
	slv_object_xml_text(xml, "Key", parts->ask->key);
	slv_object_xml_text(xml, "UploadId", parts->upload);
	slv_object_xml_u64(xml, "PartNumberMarker", parts->marker);
	slv_object_xml_u64(xml, "NextPartNumberMarker",
			last.len == OBJECT_PART_KEY_BYTES ? object_part_number(last) : 0);
	slv_object_xml_u64(xml, "MaxParts", parts->max);
	slv_object_xml_bool(xml, "IsTruncated", parts->max && (rows->more || rows->count > count));
	for (size_t i = 0; i < count; i++) {
		slv_err err = add_part(&rows->at[i], xml);
		if (slv_failed(err))
			return err;
	}
	add_person(parts->ask, "Initiator", xml);
	add_person(parts->ask, "Owner", xml);
	slv_object_xml_text(xml, "StorageClass", SLV_STR("STANDARD"));
	add_checksum_kind(&parts->meta, xml);
	slv_object_xml_close(xml, "ListPartsResult");
	return SLV_OK;
}

static void parts_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct parts *parts = SLV_CONTAINER(read, struct parts, read);
	struct slv_buf xml;
	slv_buf_init(&xml, XML_BYTES_MAX);
	if (!slv_failed(err))
		err = print_parts(parts, rows, &xml);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (!slv_failed(err)) {
		object_reply_xml(parts->ask, &xml);
		return;
	}
	slv_buf_done(&xml);
	object_fail(parts->ask, object_err(err));
}

static void parts_scan(struct parts *parts)
{
	parts->read = (struct slv_omap_read){
		.map = parts->ask->map,
		.what = SLV_OMAP_SCAN,
		.from = object_part_key(parts->upload, parts->marker + 1, parts->from),
		.until = object_part_key(parts->upload, SLV_OBJECT_PARTS_MAX + 1, parts->until),
		.rows_max = parts->max + 1,
		.done = parts_read,
	};
	slv_omap_read(parts->ask->self->loop, &parts->read);
}

static void upload_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct parts *parts = SLV_CONTAINER(read, struct parts, read);
	slv_object_err fail = object_err(err);
	if (!slv_failed(err))
		fail = rows->at[0].version ? object_err(object_meta_read(
							     NULL, rows->at[0].value, &parts->meta))
		                           : SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_UPLOAD, NULL);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_object_failed(fail))
		object_fail(parts->ask, fail);
	else
		parts_scan(parts);
}

slv_object_err object_list_parts(struct object_ask *ask)
{
	uint64_t marker = 0;
	struct parts *parts = SLV_NEW(ask->req->arena, struct parts);
	slv_str number = object_param(ask, "part-number-marker");
	if (!parts)
		return object_no_memory();
	parts->ask = ask;
	if (number.len && !slv_str_u64(number, INT32_MAX, &marker))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"The part-number-marker is a whole number.");
	parts->marker = (uint32_t)(marker < SLV_OBJECT_PARTS_MAX ? marker : SLV_OBJECT_PARTS_MAX);
	slv_object_err err = object_page_max(object_param(ask, "max-parts"), &parts->max);
	if (!slv_object_failed(err))
		err = object_upload_param(ask, &parts->upload);
	if (slv_object_failed(err))
		return err;
	parts->key = object_upload_key(ask->key, parts->upload, parts->upload_key);
	parts->read = (struct slv_omap_read){
		.map = ask->map,
		.what = SLV_OMAP_GET,
		.keys = &parts->key,
		.count = 1,
		.rows_max = 1,
		.done = upload_read,
	};
	slv_omap_read(ask->self->loop, &parts->read);
	return SLV_OBJECT_OK;
}
