/* list.c - the keys of a bucket, by prefix and delimiter, a page at a time
 *
 * One scan of one row more than is wanted: the store folds what begins alike (store/omap/omap.h),
 * so that a group costs as much as a key, however large it is. The next page begins behind the last
 * key or group of this one; in version 2 a token says which, in hexadecimal digits.
 */
#include "service/object/page.h"
#include "service/object/private.h"

#define XML_BYTES_MAX SLV_MIB(16)
#define TOKEN_BYTES_MAX (2 * SLV_OBJECT_KEY_BYTES_MAX)

struct list {
	struct object_ask *ask;
	bool is_v2, url, wants_owner;
	slv_str marker, token, start_after; /* as sent; at == NULL: not sent */
	uint32_t max;
	struct object_page_ask of;
	struct object_page page;
	struct slv_omap_read read;
};

/* --- the answer --- */

static void add_owner(const struct list *list, struct slv_buf *xml)
{
	slv_object_xml_open(xml, "Owner");
	slv_object_xml_text(xml, "ID", list->ask->find.account);
	slv_object_xml_text(xml, "DisplayName", list->ask->find.account);
	slv_object_xml_close(xml, "Owner");
}

static slv_err add_object(
		const struct list *list, const struct slv_omap_row *row, struct slv_buf *xml)
{
	struct object_meta meta;
	char etag[OBJECT_ETAG_BYTES_MAX];
	slv_err err = object_meta_read(NULL, row->value, &meta);
	if (slv_failed(err))
		return err;
	slv_object_xml_open(xml, "Contents");
	slv_object_xml_key(xml, "Key", slv_str_from_index(row->key, 1), list->url);
	slv_object_xml_time(xml, "LastModified", meta.modified_ms);
	slv_object_xml_text(xml, "ETag", object_etag(&meta, etag));
	if (meta.has_checksum) {
		slv_object_xml_text(xml, "ChecksumAlgorithm",
				slv_object_checksum_name(meta.checksum.kind));
		slv_object_xml_text(xml, "ChecksumType",
				meta.checksum.parts ? SLV_STR("COMPOSITE")
						    : SLV_STR("FULL_OBJECT"));
	}
	slv_object_xml_u64(xml, "Size", meta.len);
	slv_object_xml_text(xml, "StorageClass", SLV_STR("STANDARD"));
	if (list->wants_owner)
		add_owner(list, xml);
	slv_object_xml_close(xml, "Contents");
	return SLV_OK;
}

/* What was asked for, as every answer repeats it. */
static void add_asked(const struct list *list, struct slv_buf *xml)
{
	slv_object_xml_text(xml, "Name", list->ask->bucket);
	slv_object_xml_key(xml, "Prefix", list->of.prefix, list->url);
	if (!list->is_v2)
		slv_object_xml_key(xml, "Marker", list->marker, list->url);
	if (list->start_after.at)
		slv_object_xml_key(xml, "StartAfter", list->start_after, list->url);
	if (list->token.at)
		slv_object_xml_text(xml, "ContinuationToken", list->token);
	if (list->of.delimiter.len)
		slv_object_xml_key(xml, "Delimiter", list->of.delimiter, list->url);
	if (list->url)
		slv_object_xml_text(xml, "EncodingType", SLV_STR("url"));
	slv_object_xml_u64(xml, "MaxKeys", list->max);
}

/* Where the next page begins: behind `last`. */
static void add_next(const struct list *list, slv_str last, struct slv_buf *xml)
{
	if (list->is_v2) {
		slv_object_xml_open(xml, "NextContinuationToken");
		slv_buf_add_hex(xml, (const uint8_t *)last.at, last.len);
		slv_object_xml_close(xml, "NextContinuationToken");
	} else if (list->of.delimiter.len) {
		/* Without one clients take the last key, as the reference tells them. */
		slv_object_xml_key(xml, "NextMarker", last, list->url);
	}
}

static slv_err print(const struct list *list, const struct slv_omap_rows *rows, struct slv_buf *xml)
{
	size_t count = rows && rows->count < list->max ? rows->count : list->max;
	if (!rows)
		count = 0;
	bool is_truncated = rows && (rows->more || rows->count > count);
	slv_object_xml_begin(xml);
	slv_object_xml_open_root(xml, "ListBucketResult");
	add_asked(list, xml);
	if (list->is_v2)
		slv_object_xml_u64(xml, "KeyCount", count);
	slv_object_xml_bool(xml, "IsTruncated", is_truncated);
	if (is_truncated && count)
		add_next(list, slv_str_from_index(rows->at[count - 1].key, 1), xml);
	for (size_t i = 0; i < count; i++) {
		slv_err err = rows->at[i].folded ? SLV_OK : add_object(list, &rows->at[i], xml);
		if (slv_failed(err))
			return err;
	}
	for (size_t i = 0; i < count; i++) {
		if (!rows->at[i].folded)
			continue;
		slv_object_xml_open(xml, "CommonPrefixes");
		slv_object_xml_key(
				xml, "Prefix", slv_str_from_index(rows->at[i].key, 1), list->url);
		slv_object_xml_close(xml, "CommonPrefixes");
	}
	slv_object_xml_close(xml, "ListBucketResult");
	return SLV_OK;
}

/* `rows` may be NULL: none. */
static void answer(struct list *list, const struct slv_omap_rows *rows)
{
	struct slv_buf xml;
	slv_buf_init(&xml, XML_BYTES_MAX);
	slv_err err = print(list, rows, &xml);
	if (!slv_failed(err)) {
		object_reply_xml(list->ask, &xml);
		return;
	}
	slv_buf_done(&xml);
	object_fail(list->ask, object_err(err));
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct list *list = SLV_CONTAINER(read, struct list, read);
	if (slv_failed(err)) {
		object_fail(list->ask, object_err(err));
		return;
	}
	answer(list, rows);
	rows->hold.drop(&rows->hold);
}

/* --- what is asked for --- */

static slv_object_err token_read(struct list *list)
{
	if (!list->token.len)
		return SLV_OBJECT_OK;
	slv_object_err wrong = SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
			"The continuation-token is none that was handed out.");
	if (list->token.len > TOKEN_BYTES_MAX || list->token.len % 2)
		return wrong;
	size_t len = list->token.len / 2;
	char *bytes = slv_arena_bytes(list->ask->req->arena, len);
	if (!bytes)
		return object_no_memory();
	if (!slv_str_unhex(list->token, (uint8_t *)bytes, len))
		return wrong;
	list->of.marker = (slv_str){ bytes, len };
	return SLV_OBJECT_OK;
}

/* Where to begin; a token tells more than start-after. */
static slv_object_err marker_read(struct list *list)
{
	if (!list->is_v2) {
		list->marker = list->of.marker = object_param(list->ask, "marker");
		return SLV_OBJECT_OK;
	}
	list->start_after = list->of.marker = object_param(list->ask, "start-after");
	list->token = object_param(list->ask, "continuation-token");
	return token_read(list);
}

static slv_object_err ask_read(struct list *list)
{
	struct object_ask *ask = list->ask;
	list->of = (struct object_page_ask){ .kind = 'o',
		.prefix = object_param(ask, "prefix"),
		.delimiter = object_param(ask, "delimiter") };
	list->wants_owner = !list->is_v2 ||
	                    slv_str_eq_nocase(object_param(ask, "fetch-owner"), SLV_STR("true"));
	slv_object_err err = object_page_max(object_param(ask, "max-keys"), &list->max);
	if (!slv_object_failed(err))
		err = object_page_encoding(object_param(ask, "encoding-type"), &list->url);
	if (!slv_object_failed(err))
		err = marker_read(list);
	return slv_object_failed(err) ? err : object_page_check(&list->of);
}

static slv_object_err serve(struct object_ask *ask, bool is_v2)
{
	struct list *list = SLV_NEW(ask->req->arena, struct list);
	if (!list)
		return object_no_memory();
	list->ask = ask;
	list->is_v2 = is_v2;
	slv_object_err err = ask_read(list);
	if (slv_object_failed(err))
		return err;
	if (!object_page_init(&list->page, &list->of) || !list->max) {
		answer(list, NULL);
		return SLV_OBJECT_OK;
	}
	list->read = (struct slv_omap_read){
		.map = ask->map,
		.what = SLV_OMAP_SCAN,
		.from = { list->page.from, list->page.from_len },
		.until = { list->page.until, list->page.until_len },
		.fold = list->of.delimiter,
		.fold_skip = 1 + list->of.prefix.len,
		.rows_max = list->max + 1,
		.done = rows_read,
	};
	slv_omap_read(ask->self->loop, &list->read);
	return SLV_OBJECT_OK;
}

slv_object_err object_list(struct object_ask *ask)
{
	return serve(ask, false);
}

slv_object_err object_list_v2(struct object_ask *ask)
{
	return serve(ask, true);
}
