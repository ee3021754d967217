/* s3.c - blobs as objects of S3, at any endpoint
 *
 * BUCKET/PREFIX/xx/ID, where xx is the first byte of the id in hex and ID all of it. Requests wait
 * on the threads of the crews. What fits into a part is sent whole, longer blobs in parts as they
 * come; a finished one is there because the endpoint said so. One that is being written is an
 * upload: nobody sees its parts, and if the process dies, it is what the list has as unfinished.
 *
 * All requests may be sent twice. The one that needs a look is the end of an upload: that is not
 * known any more if it was ended by a try whose answer was lost, and then the blob is there. A good
 * status says nothing there, for it was sent before the end was tried.
 */
#include "store/blob/s3.h"

#include "base/assert.h"
#include "base/mem.h"
#include "http/date.h"
#include "http/uri.h"

#include <stdio.h>
#include <string.h>

#define ID_TEXT (2 * SLV_BLOB_ID_BYTES)
#define KEY_BYTES (3 + ID_TEXT)
#define ETAG_BYTES_MAX 128
#define UPLOAD_ID_BYTES_MAX 1024
#define QUERY_BYTES_MAX SLV_KIB(16)
#define SMALL_BYTES_MAX SLV_KIB(64)        /* of an answer that is no list */
#define PARTS_BYTES_MAX SLV_MIB(1)         /* of the document that ends an upload */
#define ARENA_BYTES_MAX SLV_KIB(64)        /* of what the driver keeps */
#define UPLOADS_MAX SLV_BLOB_UNDER_WAY_MAX /* listed of a shard; the next look finds the rest */

struct blob_open {
	struct s3 *s3;
	char key[KEY_BYTES + 1];

	/* Being written. */
	struct slv_buf part;  /* not sent yet */
	size_t held;          /* of s3->held */
	slv_str upload;       /* its id, on the heap; at == NULL: none */
	struct slv_buf parts; /* what was sent, as the end of the upload tells it */
	unsigned count;
	uint64_t sent; /* bytes */
	bool committed;

	/* Being read. */
	uint64_t size;
	struct slv_buf end; /* its last bytes */
};

static struct s3 *s3_of(struct slv_blobs *blobs)
{
	return SLV_CONTAINER(blobs, struct s3, blobs);
}

static void key_make(const struct slv_blob_id *id, char key[KEY_BYTES + 1])
{
	snprintf(key, 4, "%02x/", id->bytes[0]);
	slv_str_hex(id->bytes, sizeof(id->bytes), key + 3);
	key[KEY_BYTES] = 0;
}

static struct blob_open *open_new(struct s3 *s3, const struct slv_blob_id *id)
{
	struct blob_open *open = SLV_ALLOC(struct blob_open);
	open->s3 = s3;
	key_make(id, open->key);
	slv_buf_init(&open->part, S3_PART_BYTES);
	slv_buf_init(&open->parts, PARTS_BYTES_MAX);
	slv_buf_init(&open->end, S3_END_BYTES);
	return open;
}

/* --- uploads --- */

struct begun {
	slv_str id; /* on the heap */
};

static void begun_element(void *arg, slv_str parent, slv_str name, slv_str text)
{
	struct begun *begun = arg;
	if (begun->id.at || !slv_str_eq(parent, SLV_STR("InitiateMultipartUploadResult")) ||
			!slv_str_eq(name, SLV_STR("UploadId")) || text.len == 0 ||
			text.len > UPLOAD_ID_BYTES_MAX)
		return;
	char *copy = slv_alloc(text.len);
	memcpy(copy, text.at, text.len);
	begun->id = (slv_str){ copy, text.len };
}

static slv_err upload_begin(struct blob_open *open)
{
	struct begun begun = { .id = { 0 } };
	struct s3_ask ask = { .what = "CreateMultipartUpload",
		.method = "POST",
		.key = slv_str_from(open->key),
		.query = SLV_STR("uploads="),
		.body = SLV_STR(""),
		.reply_bytes_max = SMALL_BYTES_MAX,
		.document = true };
	slv_err err = s3_ask(open->s3, &ask);
	if (!slv_failed(err)) {
		err = s3_document_read(slv_buf_str(&ask.reply), begun_element, &begun);
		if (slv_failed(err) || !begun.id.at)
			err = s3_strange(open->s3, &ask, "an upload without an id");
	}
	s3_ask_done(&ask);
	if (slv_failed(err))
		slv_free((void *)(uintptr_t)begun.id.at);
	else
		open->upload = begun.id;
	return err;
}

/* "…&uploadId=ID" */
static void upload_query(struct slv_buf *query, slv_str id)
{
	slv_buf_add(query, SLV_STR("uploadId="));
	slv_uri_encode(query, id, SLV_STR(""));
}

/* What stands in a document without being escaped. */
static bool is_etag(slv_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("<>&", text.at[i]))
			return false;
	return text.len > 0 && text.len <= ETAG_BYTES_MAX;
}

/* Its room is for others, until the next one comes. */
static void part_sent(struct blob_open *open, slv_str etag)
{
	open->count++;
	open->sent += open->part.len;
	slv_buf_printf(&open->parts, "<Part><PartNumber>%u</PartNumber><ETag>%.*s</ETag></Part>",
			open->count, SLV_FMT(etag));
	slv_buf_done(&open->part);
	atomic_fetch_sub(&open->s3->held, open->held);
	open->held = 0;
}

static slv_err upload_part(struct blob_open *open)
{
	struct slv_buf query;
	slv_err err = open->upload.at ? SLV_OK : upload_begin(open);
	if (slv_failed(err))
		return err;
	slv_buf_init(&query, QUERY_BYTES_MAX);
	slv_buf_printf(&query, "partNumber=%u&", open->count + 1);
	upload_query(&query, open->upload);
	struct s3_ask ask = { .what = "UploadPart",
		.method = "PUT",
		.key = slv_str_from(open->key),
		.query = slv_buf_str(&query),
		.body = slv_buf_str(&open->part),
		.reply_bytes_max = SMALL_BYTES_MAX };
	err = s3_ask(open->s3, &ask);
	slv_str etag = slv_failed(err) ? (slv_str){ 0 }
	                               : slv_fields_get(&ask.fields, SLV_FIELD_ETAG);
	if (!slv_failed(err) && !is_etag(etag))
		err = s3_strange(open->s3, &ask, "a part without an ETag");
	if (!slv_failed(err))
		part_sent(open, etag);
	s3_ask_done(&ask);
	slv_buf_done(&query);
	return err;
}

/* All of it is there. */
static bool is_there(struct blob_open *open)
{
	uint64_t bytes;
	struct s3_ask ask = { .what = "HeadObject",
		.method = "HEAD",
		.key = slv_str_from(open->key),
		.may_miss = true,
		.reply_bytes_max = SMALL_BYTES_MAX };
	slv_err err = s3_ask(open->s3, &ask);
	slv_str len = slv_failed(err) ? (slv_str){ 0 }
	                              : slv_fields_get(&ask.fields, SLV_FIELD_CONTENT_LENGTH);
	bool there = len.at && slv_str_u64(len, UINT64_MAX, &bytes) && bytes == open->sent;
	s3_ask_done(&ask);
	return there;
}

static void completed_element(void *arg, slv_str parent, slv_str name, slv_str text)
{
	bool *is_completed = arg;
	(void)text;
	if (parent.len == 0)
		*is_completed = slv_str_eq(name, SLV_STR("CompleteMultipartUploadResult"));
}

/* It says so, in whole. */
static bool says_completed(slv_str document)
{
	bool is_completed = false;
	slv_err err = s3_document_read(document, completed_element, &is_completed);
	return !slv_failed(err) && is_completed;
}

static slv_err upload_complete(struct blob_open *open)
{
	struct slv_buf query, body;
	slv_buf_init(&query, QUERY_BYTES_MAX);
	slv_buf_init(&body, PARTS_BYTES_MAX + SLV_KIB(1));
	upload_query(&query, open->upload);
	slv_buf_printf(&body, "<CompleteMultipartUpload>%.*s</CompleteMultipartUpload>",
			SLV_FMT(slv_buf_str(&open->parts)));
	struct s3_ask ask = { .what = "CompleteMultipartUpload",
		.method = "POST",
		.key = slv_str_from(open->key),
		.query = slv_buf_str(&query),
		.body = slv_buf_str(&body),
		.reply_bytes_max = SMALL_BYTES_MAX,
		.wait_s = open->s3->join_s,
		.document = true,
		.may_miss = true };
	slv_assert(!query.overflow && !open->parts.overflow && !body.overflow);
	slv_err err = s3_ask(open->s3, &ask);
	bool unclear = !slv_failed(err) && !says_completed(slv_buf_str(&ask.reply));
	bool gone = err.code == SLV_E_MISSING;
	if (unclear || gone) {
		bool may_be_there = unclear || ask.sent > 1;
		err = may_be_there && is_there(open)
		                      ? SLV_OK
		                      : s3_strange(open->s3, &ask,
							gone ? "the upload is gone"
							     : "an upload has no end");
	}
	s3_ask_done(&ask);
	slv_buf_done(&body);
	slv_buf_done(&query);
	return err;
}

/* What cannot be taken away now is told, and found by the list. */
static void upload_abort(struct s3 *s3, slv_str key, slv_str upload)
{
	struct slv_buf query;
	slv_buf_init(&query, QUERY_BYTES_MAX);
	upload_query(&query, upload);
	struct s3_ask ask = { .what = "AbortMultipartUpload",
		.method = "DELETE",
		.key = key,
		.query = slv_buf_str(&query),
		.reply_bytes_max = SMALL_BYTES_MAX,
		.may_miss = true };
	(void)s3_ask(s3, &ask);
	s3_ask_done(&ask);
	slv_buf_done(&query);
}

/* --- writing --- */

static slv_err s3_create(
		struct slv_blobs *blobs, const struct slv_blob_id *id, struct blob_open **ret_open)
{
	*ret_open = open_new(s3_of(blobs), id);
	return SLV_OK;
}

/* Room for a part of `len` bytes, if it is there. */
static slv_err hold(struct blob_open *open, size_t len)
{
	size_t more = len > open->held ? len - open->held : 0;
	if (atomic_fetch_add(&open->s3->held, more) + more > S3_HELD_BYTES_MAX) {
		atomic_fetch_sub(&open->s3->held, more);
		return SLV_ERR(SLV_E_BUSY,
				"more than 512 MiB are on their way to the endpoint of the blobs");
	}
	open->held += more;
	return SLV_OK;
}

static slv_err s3_append(struct blob_open *open, slv_str bytes)
{
	while (bytes.len > 0) {
		slv_str more = slv_str_head(bytes, S3_PART_BYTES - open->part.len);
		slv_err err = more.len ? hold(open, open->part.len + more.len) : upload_part(open);
		if (slv_failed(err))
			return err;
		slv_buf_add(&open->part, more);
		bytes = slv_str_from_index(bytes, more.len);
	}
	return SLV_OK;
}

static slv_err put_whole(struct blob_open *open)
{
	struct s3_ask ask = { .what = "PutObject",
		.method = "PUT",
		.key = slv_str_from(open->key),
		.body = slv_buf_str(&open->part),
		.reply_bytes_max = SMALL_BYTES_MAX };
	slv_err err = s3_ask(open->s3, &ask);
	s3_ask_done(&ask);
	return err;
}

static slv_err s3_commit(struct blob_open *open)
{
	slv_err err = open->upload.at ? upload_part(open) : put_whole(open);
	if (!slv_failed(err) && open->upload.at)
		err = upload_complete(open);
	open->committed = !slv_failed(err);
	return err;
}

/* --- reading --- */

/* "bytes FIRST-LAST/SIZE" */
static bool size_read(slv_str range, uint64_t *ret_size)
{
	size_t slash = slv_str_find(range, '/');
	return slash < range.len &&
	       slv_str_u64(slv_str_from_index(range, slash + 1), UINT64_MAX, ret_size);
}

/* All of `len`; `ret_size` may be NULL. */
static slv_err get(struct blob_open *open, uint64_t offset, size_t len, struct slv_buf *bytes,
		uint64_t *ret_size)
{
	char range[64];
	uint64_t size = 0;
	snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)offset,
			(unsigned long long)(offset + len - 1));
	struct s3_ask ask = { .what = "GetObject",
		.method = "GET",
		.key = slv_str_from(open->key),
		.range = slv_str_from(range),
		.may_miss = true,
		.reply_bytes_max = len };
	slv_err err = s3_ask(open->s3, &ask);
	if (!slv_failed(err) &&
			(ask.status != 206 || !size_read(slv_fields_get(&ask.fields,
									 SLV_FIELD_CONTENT_RANGE),
							      &size)))
		err = s3_strange(open->s3, &ask, "a range was asked for, and something else came");
	if (!slv_failed(err) && ask.reply.len != len)
		err = SLV_ERR(SLV_E_CORRUPT, "a blob of the store is damaged");
	if (!slv_failed(err)) {
		slv_buf_add(bytes, slv_buf_str(&ask.reply));
		if (ret_size)
			*ret_size = size;
	}
	s3_ask_done(&ask);
	return err;
}

static slv_err s3_open(struct slv_blobs *blobs, const struct slv_blob_id *id, uint64_t size,
		struct blob_open **ret_open)
{
	struct blob_open *open = open_new(s3_of(blobs), id);
	size_t len = size < S3_END_BYTES ? (size_t)size : S3_END_BYTES;
	slv_err err = get(open, size - len, len, &open->end, &open->size);
	if (slv_failed(err))
		blobs->driver->close(open);
	else
		*ret_open = open;
	return err;
}

static slv_err s3_size(struct blob_open *open, uint64_t *ret_bytes)
{
	*ret_bytes = open->size;
	return SLV_OK;
}

/* What stands in the end that is there is not asked for again. */
static slv_err s3_read(struct blob_open *open, uint64_t offset, char *bytes, size_t len)
{
	uint64_t end_at = open->size - open->end.len;
	size_t ahead = 0;
	slv_assert(offset + len <= open->size);
	if (offset < end_at) {
		struct slv_buf buf;
		ahead = end_at - offset < len ? (size_t)(end_at - offset) : len;
		slv_buf_init(&buf, ahead);
		slv_err err = get(open, offset, ahead, &buf, NULL);
		if (!slv_failed(err))
			memcpy(bytes, buf.at, ahead);
		slv_buf_done(&buf);
		if (slv_failed(err))
			return err;
	}
	if (ahead < len)
		memcpy(bytes + ahead, open->end.at + (offset + ahead - end_at), len - ahead);
	return SLV_OK;
}

static void s3_close(struct blob_open *open)
{
	if (open->upload.at && !open->committed)
		upload_abort(open->s3, slv_str_from(open->key), open->upload);
	atomic_fetch_sub(&open->s3->held, open->held);
	slv_free((void *)(uintptr_t)open->upload.at);
	slv_buf_done(&open->part);
	slv_buf_done(&open->parts);
	slv_buf_done(&open->end);
	slv_free(open);
}

/* --- lists --- */

/* Of objects or of uploads: what an entry says, and where the next page begins. */
struct page {
	struct s3 *s3;
	bool of_uploads;
	slv_str prefix; /* of keys that are of this store */
	slv_str asked;  /* what begins the rest of a key that was asked for */
	void (*entry)(struct page *page, slv_err *err);
	void *arg;
	slv_err err;

	/* The entry that is being read. */
	char key[KEY_BYTES];
	bool is_ours;
	int64_t when_s; /* 0: not told */
	char upload[UPLOAD_ID_BYTES_MAX];
	size_t upload_len;

	bool more;
	struct slv_buf next; /* parameters that ask for the next page */
};

static void page_text(struct page *page, slv_str name, slv_str text)
{
	if (slv_str_eq(name, SLV_STR("Key"))) {
		slv_str key = slv_str_from_index(text, page->prefix.len);
		page->is_ours = slv_str_starts(text, page->prefix) &&
		                slv_str_starts(key, page->asked) && key.len == KEY_BYTES;
		if (page->is_ours)
			memcpy(page->key, key.at, KEY_BYTES);
	} else if (slv_str_eq(name, SLV_STR("LastModified")) ||
			slv_str_eq(name, SLV_STR("Initiated"))) {
		if (!slv_date_parse_iso(text, &page->when_s))
			page->err = SLV_ERR(SLV_E_SYNTAX, "a time that is none");
	} else if (slv_str_eq(name, SLV_STR("UploadId"))) {
		if (text.len > sizeof(page->upload))
			page->err = SLV_ERR(SLV_E_SYNTAX, "an upload's id that is too long");
		else if (text.len)
			memcpy(page->upload, text.at, page->upload_len = text.len);
	}
}

static void page_element(void *arg, slv_str parent, slv_str name, slv_str text)
{
	struct page *page = arg;
	static const struct {
		const char *element, *parameter;
	} next[] = { { "NextContinuationToken", "&continuation-token=" },
		{ "NextKeyMarker", "&key-marker=" },
		{ "NextUploadIdMarker", "&upload-id-marker=" } };
	if (slv_failed(page->err))
		return;
	if (slv_str_eq(parent, SLV_STR("Contents")) || slv_str_eq(parent, SLV_STR("Upload"))) {
		page_text(page, name, text);
	} else if (slv_str_eq(name, SLV_STR("Contents")) || slv_str_eq(name, SLV_STR("Upload"))) {
		if (page->is_ours && page->when_s == 0)
			page->err = SLV_ERR(SLV_E_SYNTAX, "a list without times");
		else if (page->is_ours && page->of_uploads && !page->upload_len)
			page->err = SLV_ERR(SLV_E_SYNTAX, "an upload without an id");
		else if (page->is_ours)
			page->entry(page, &page->err);
		page->is_ours = false;
		page->when_s = 0;
		page->upload_len = 0;
	} else if (slv_str_eq(name, SLV_STR("IsTruncated"))) {
		page->more = slv_str_eq(text, SLV_STR("true"));
	}
	for (size_t i = 0; i < SLV_COUNT(next); i++) {
		if (!slv_str_eq(name, slv_str_from(next[i].element)) || text.len == 0)
			continue;
		slv_buf_add(&page->next, slv_str_from(next[i].parameter));
		slv_uri_encode(&page->next, text, SLV_STR(""));
	}
}

static slv_err page_ask(struct page *page, slv_str query)
{
	struct s3_ask ask = { .what = page->of_uploads ? "ListMultipartUploads" : "ListObjectsV2",
		.method = "GET",
		.query = query,
		.reply_bytes_max = S3_DOCUMENT_BYTES_MAX,
		.document = true,
		.may_lack = page->of_uploads };
	slv_err err = s3_ask(page->s3, &ask);
	slv_buf_clear(&page->next);
	page->more = false;
	if (!slv_failed(err)) {
		err = s3_document_read(slv_buf_str(&ask.reply), page_element, page);
		if (!slv_failed(err))
			err = page->err;
		if (!slv_failed(err) && (page->next.overflow || (page->more && !page->next.len)))
			err = SLV_ERR(SLV_E_SYNTAX, "a list that does not say where it goes on");
		if (!slv_failed(err) && page->more && slv_str_ends(query, slv_buf_str(&page->next)))
			err = SLV_ERR(SLV_E_SYNTAX, "a list that goes on with the same page");
		if (err.code == SLV_E_SYNTAX)
			err = s3_strange(page->s3, &ask, err.what);
	}
	if (err.code == SLV_E_UNSUPPORTED) {
		atomic_store(&page->s3->lists_no_uploads, true);
		err = SLV_OK;
	}
	s3_ask_done(&ask);
	return err;
}

/* All pages of what begins with `key`; an endpoint may send more. */
static slv_err pages_ask(struct page *page, slv_str key)
{
	struct slv_buf query;
	char prefix[2 + 256 + KEY_BYTES];
	const struct s3_url *url = &page->s3->url;
	snprintf(prefix, sizeof(prefix), "%.*s%s", SLV_FMT(url->prefix),
			url->prefix.len ? "/" : "");
	if (page->of_uploads && atomic_load(&page->s3->lists_no_uploads))
		return SLV_OK;
	page->prefix = slv_str_from(prefix);
	page->asked = key;
	slv_buf_init(&page->next, QUERY_BYTES_MAX);
	slv_buf_init(&query, QUERY_BYTES_MAX + SLV_KIB(1));
	slv_err err;
	do {
		slv_str next = slv_buf_str(&page->next);
		slv_buf_clear(&query);
		slv_buf_add(&query, page->of_uploads
						    ? SLV_STR("uploads=&max-uploads=1000&prefix=")
						    : SLV_STR("list-type=2&max-keys=1000&prefix="));
		slv_uri_encode(&query, page->prefix, SLV_STR(""));
		slv_uri_encode(&query, key, SLV_STR(""));
		slv_buf_add(&query, next);
		slv_assert(!query.overflow);
		err = page_ask(page, slv_buf_str(&query));
	} while (!slv_failed(err) && page->more);
	slv_buf_done(&query);
	slv_buf_done(&page->next);
	return err;
}

static bool listed_read(const struct page *page, bool finished, struct slv_blob_listed *ret_listed)
{
	struct slv_blob_id *id = &ret_listed->id;
	ret_listed->finished = finished;
	ret_listed->written_ms = page->when_s * 1000;
	return slv_str_unhex((slv_str){ page->key + 3, ID_TEXT }, id->bytes, sizeof(id->bytes)) &&
	       page->key[2] == '/';
}

static void list_object(struct page *page, slv_err *err)
{
	struct slv_blob_listed listed;
	if (listed_read(page, true, &listed) && !blob_list_add(page->arg, &listed))
		*err = SLV_ERR(SLV_E_LIMIT, "a shard has more than 1000000 blobs");
}

struct uploads {
	struct slv_blob_listed listed[UPLOADS_MAX];
	size_t count;
};

static void list_upload(struct page *page, slv_err *err)
{
	struct uploads *uploads = page->arg;
	(void)err;
	if (uploads->count < UPLOADS_MAX &&
			listed_read(page, false, &uploads->listed[uploads->count]))
		uploads->count++;
}

static bool is_listed(const struct slv_blob_list *list, size_t count, const struct slv_blob_id *id)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&list->listed[i].id, id, sizeof(*id)) == 0)
			return true;
	return false;
}

/* Uploads first: one that is ended meanwhile is found as a blob. What is left of an upload beside
 * its blob, because the answer to its beginning was lost, is passed over: a blob is listed once. */
static slv_err s3_list(struct slv_blobs *blobs, struct slv_blob_list *list)
{
	struct uploads *uploads = SLV_ALLOC(struct uploads);
	struct s3 *s3 = s3_of(blobs);
	struct page begun = { .s3 = s3, .of_uploads = true, .entry = list_upload, .arg = uploads };
	struct page finished = { .s3 = s3, .entry = list_object, .arg = list };
	char shard[4];
	snprintf(shard, sizeof(shard), "%02x/", list->shard & 0xff);
	slv_err err = pages_ask(&begun, slv_str_from(shard));
	if (!slv_failed(err))
		err = pages_ask(&finished, slv_str_from(shard));
	size_t count = list->count;
	for (size_t i = 0; i < uploads->count && !slv_failed(err); i++)
		if (!is_listed(list, count, &uploads->listed[i].id) &&
				!blob_list_add(list, &uploads->listed[i]))
			err = SLV_ERR(SLV_E_LIMIT, "a shard has more than 1000000 blobs");
	slv_free(uploads);
	return err;
}

/* --- removal --- */

static void abort_entry(struct page *page, slv_err *err)
{
	(void)err;
	upload_abort(page->s3, (slv_str){ page->key, KEY_BYTES },
			(slv_str){ page->upload, page->upload_len });
}

static slv_err object_remove(struct s3 *s3, slv_str key)
{
	struct s3_ask ask = { .what = "DeleteObject",
		.method = "DELETE",
		.key = key,
		.reply_bytes_max = SMALL_BYTES_MAX,
		.may_miss = true };
	slv_err err = s3_ask(s3, &ask);
	if (err.code == SLV_E_MISSING)
		err = SLV_OK;
	s3_ask_done(&ask);
	return err;
}

static slv_err s3_remove(
		struct slv_blobs *blobs, const struct slv_blob_id *id, enum slv_blob_begun begun)
{
	struct s3 *s3 = s3_of(blobs);
	char key[KEY_BYTES + 1];
	key_make(id, key);
	slv_err err = begun == SLV_BLOB_BEGUN_ONLY ? SLV_OK : object_remove(s3, slv_str_from(key));
	if (slv_failed(err) || begun == SLV_BLOB_BEGUN_NOT)
		return err;
	struct page page = { .s3 = s3, .of_uploads = true, .entry = abort_entry };
	return pages_ask(&page, slv_str_from(key));
}

/* --- life --- */

static void s3_free(struct slv_blobs *blobs)
{
	struct s3 *s3 = s3_of(blobs);
	while (s3->idle_count > 0)
		slv_caller_free(s3->idle[--s3->idle_count]);
	slv_assert(atomic_load(&s3->held) == 0);
	pthread_mutex_destroy(&s3->lock);
	slv_wipe((void *)(uintptr_t)s3->secret.at, s3->secret.len);
	slv_arena_done(&s3->arena);
	slv_free(s3);
}

static const struct blob_driver driver = {
	.readers = S3_READERS,
	.writers = S3_WRITERS,
	.removers = S3_REMOVERS,
	.free = s3_free,
	.create = s3_create,
	.append = s3_append,
	.commit = s3_commit,
	.open = s3_open,
	.size = s3_size,
	.read = s3_read,
	.close = s3_close,
	.remove = s3_remove,
	.list = s3_list,
};

slv_err blob_s3_check(slv_str url, slv_str secret)
{
	struct s3_url read;
	slv_err err = s3_url_read(url, &read);
	if (!slv_failed(err) && !secret.len)
		err = SLV_ERR(SLV_E_SYNTAX, "the secret of the key in s3:// is missing");
	return err;
}

struct slv_blobs *blob_s3_new(slv_str url, slv_str secret)
{
	struct s3 *s3 = SLV_ALLOC(struct s3);
	slv_arena_init(&s3->arena, SLV_KIB(4), ARENA_BYTES_MAX);
	s3->blobs.driver = &driver;
	s3->join_s = S3_JOIN_S;
	s3->secret = slv_str_copy(&s3->arena, secret);
	slv_err err = s3_url_read(slv_str_copy(&s3->arena, url), &s3->url);
	slv_assert(!slv_failed(err) && s3->secret.at); /* they were checked, and are short */
	s3->conf = (struct slv_caller_conf){ .connect_ms = S3_CONNECT_MS,
		.silence_s = S3_SILENCE_S,
		.total_ms = S3_TOTAL_MS,
		.ca_path = s3->url.ca.len ? slv_cstr(&s3->arena, s3->url.ca) : NULL };
	slv_assert(pthread_mutex_init(&s3->lock, NULL) == 0);
	return &s3->blobs;
}
