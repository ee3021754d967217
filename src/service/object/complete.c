/* complete.c - CompleteMultipartUpload: the parts become an object
 *
 *	document → upload's row → conditions → rows of its parts → one batch → unnamed parts → told
 *	               ↑  ↘ none: the object's row → told              ↓
 *	               '------------ a part came meanwhile ------------'
 *
 * No byte moves: the object's row lists the parts, which stay where they are. The batch removes the
 * upload's row if that is as it was before the parts were read: so of two that complete one wins,
 * and no part is replaced behind the object's back (upload.h). Who did not hear our answer and asks
 * again finds the object that the upload has become, and hears it then.
 */
#include "service/object/target.h"
#include "service/object/upload.h"
#include "service/object/whole.h"

#include <string.h>

#define MEMORY_BYTES_MAX SLV_MIB(8) /* of the document, read, and the changes */
#define XML_BYTES_MAX SLV_KIB(32)
#define TRIES_MAX 4

struct complete {
	struct object_ask *ask;
	slv_str id;
	struct slv_arena memory; /* for what 10,000 parts need is more than a request has */
	struct object_document document;
	struct slv_object_complete named;
	struct object_target target;
	unsigned tries;

	char upload_key[OBJECT_ROW_KEY_BYTES_MAX], object_key[OBJECT_ROW_KEY_BYTES_MAX];
	char from[OBJECT_PART_KEY_BYTES], until[OBJECT_PART_KEY_BYTES];
	slv_str key; /* that is read */
	struct slv_omap_read read;
	struct object_meta upload; /* its row is `upload_row` */
	slv_str upload_row;
	uint64_t upload_version;
	struct slv_omap_rows *rows; /* of its parts; held */

	struct object_meta meta; /* of the object */
	struct slv_buf row, list;
	struct slv_omap_change changes[3], *removals;
	struct slv_omap_batch batch;
};

static void drop_rows(struct complete *complete)
{
	if (complete->rows)
		complete->rows->hold.drop(&complete->rows->hold);
	complete->rows = NULL;
}

static void complete_drop(void *arg)
{
	struct complete *complete = arg;
	drop_rows(complete);
	slv_buf_done(&complete->row);
	slv_buf_done(&complete->list);
	slv_arena_done(&complete->memory);
}

static void read_upload(struct complete *complete);

/* --- the answer --- */

static void add_location(const struct object_ask *ask, struct slv_buf *xml)
{
	const struct slv_req *req = ask->req;
	slv_object_xml_open(xml, "Location");
	slv_buf_printf(xml, "%.*s://%.*s", SLV_FMT(req->scheme), SLV_FMT(req->host));
	if (req->host_port)
		slv_buf_printf(xml, ":%u", (unsigned)req->host_port);
	/* As sent, so that it needs nothing but to be asked for. */
	slv_object_xml_escape(xml, req->uri.path);
	slv_object_xml_close(xml, "Location");
}

static void answer(struct complete *complete)
{
	struct object_ask *ask = complete->ask;
	const struct object_meta *meta = &complete->meta;
	struct slv_buf xml;
	char etag[OBJECT_ETAG_BYTES_MAX];
	slv_buf_init(&xml, XML_BYTES_MAX);
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, "CompleteMultipartUploadResult");
	add_location(ask, &xml);
	slv_object_xml_text(&xml, "Bucket", ask->bucket);
	slv_object_xml_text(&xml, "Key", ask->key);
	slv_object_xml_text(&xml, "ETag", object_etag(meta, etag));
	if (meta->has_checksum) {
		object_checksum_xml(&meta->checksum, &xml);
		slv_object_xml_text(&xml, "ChecksumType",
				meta->checksum.parts ? SLV_STR("COMPOSITE")
						     : SLV_STR("FULL_OBJECT"));
	}
	slv_object_xml_close(&xml, "CompleteMultipartUploadResult");
	object_reply_xml(ask, &xml);
}

/* --- parts that were written and not named: nobody will ask for them --- */

static void unnamed_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct complete *complete = SLV_CONTAINER(batch, struct complete, batch);
	struct object_parts parts = { &complete->named, complete->rows->at, complete->rows->count };
	const struct slv_omap_row *row;
	/* What is not removed now goes with the object. */
	for (size_t i = 0; !slv_failed(err) && (row = object_whole_unnamed(&parts, &i));) {
		struct object_meta meta;
		if (!slv_failed(object_meta_read(NULL, row->value, &meta)))
			object_clean_blob(complete->ask->self, meta.blob);
	}
	answer(complete);
}

static void remove_unnamed(struct complete *complete)
{
	struct object_parts parts = { &complete->named, complete->rows->at, complete->rows->count };
	size_t count = 0, most = parts.count - complete->named.count;
	const struct slv_omap_row *row;
	if (most)
		complete->removals = SLV_NEW_ARRAY(&complete->memory, struct slv_omap_change, most);
	if (!complete->removals) {
		answer(complete);
		return;
	}
	for (size_t i = 0; (row = object_whole_unnamed(&parts, &i));)
		complete->removals[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = row->key };
	complete->batch = (struct slv_omap_batch){
		.map = complete->ask->map,
		.changes = complete->removals,
		.count = count,
		.done = unnamed_removed,
	};
	slv_omap_write(complete->ask->self->loop, &complete->batch);
}

/* --- the batch --- */

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct complete *complete = SLV_CONTAINER(batch, struct complete, batch);
	if (err.code == SLV_E_PRECONDITION && batch->failed == 1) {
		drop_rows(complete);
		read_upload(complete);
		return;
	}
	if (slv_failed(err)) {
		object_fail(complete->ask, object_target_err(&complete->target, batch, err));
		return;
	}
	object_clean(complete->ask->self, batch->map, batch->old);
	batch->old->hold.drop(&batch->old->hold);
	remove_unnamed(complete);
}

static void write(struct complete *complete)
{
	struct object_ask *ask = complete->ask;
	complete->changes[0] = object_target_change(&complete->target);
	complete->changes[0].value = slv_buf_str(&complete->row);
	complete->changes[0].body = slv_buf_str(&complete->list);
	complete->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.key = object_upload_key(ask->key, complete->id, complete->upload_key),
		.version = complete->upload_version };
	complete->changes[2] = object_open_check();
	complete->batch = (struct slv_omap_batch){
		.map = ask->map,
		.changes = complete->changes,
		.count = 3,
		.wants_old = true,
		.done = written,
	};
	slv_omap_write(ask->self->loop, &complete->batch);
}

/* Is the object what the client takes it for? */
static slv_object_err check_told(const struct complete *complete)
{
	const struct object_ask *ask = complete->ask;
	const struct object_meta *meta = &complete->meta;
	slv_str size = object_field(ask, "x-amz-mp-object-size");
	uint64_t len;
	if (size.at && (!slv_str_u64(size, INT64_MAX, &len) || len != meta->len))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"x-amz-mp-object-size is not the length of the parts.");
	if (!meta->has_checksum)
		return SLV_OBJECT_OK;
	slv_str field = slv_object_checksum_field(meta->checksum.kind);
	const struct slv_field *told = slv_fields_find_name(&ask->req->fields, field);
	struct slv_object_checksum checksum;
	if (!told)
		return SLV_OBJECT_OK;
	if (!slv_object_checksum_parse(meta->checksum.kind, told->value, &checksum))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST, "The checksum told is none.");
	/* Clients tell a COMPOSITE with the number of its parts, or without. */
	if (!checksum.parts)
		checksum.parts = meta->checksum.parts;
	return slv_object_checksum_eq(&checksum, &meta->checksum)
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_DIGEST, NULL);
}

static slv_object_err make(struct complete *complete)
{
	struct object_meta *meta = &complete->meta;
	struct object_parts parts = { &complete->named, complete->rows->at, complete->rows->count };
	slv_buf_clear(&complete->row);
	slv_buf_clear(&complete->list);
	*meta = (struct object_meta){ .where = OBJECT_PARTS,
		.modified_ms = slv_loop_wall_ms(complete->ask->self->loop),
		.fields = complete->upload.fields };
	memcpy(meta->upload, complete->id.at, OBJECT_ID_BYTES);
	slv_object_err err = object_whole_make(&parts, &complete->upload, meta, &complete->list);
	if (!slv_object_failed(err))
		err = check_told(complete);
	if (slv_object_failed(err))
		return err;
	return slv_failed(object_meta_write(meta, &complete->row))
	                       ? SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL)
	                       : SLV_OBJECT_OK;
}

/* --- what there is --- */

static void parts_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct complete *complete = SLV_CONTAINER(read, struct complete, read);
	slv_object_err fail = object_err(err);
	complete->rows = rows;
	if (!slv_failed(err))
		fail = make(complete);
	if (slv_object_failed(fail))
		object_fail(complete->ask, fail);
	else
		write(complete);
}

static void read_parts(struct complete *complete)
{
	complete->read = (struct slv_omap_read){
		.map = complete->ask->map,
		.what = SLV_OMAP_SCAN,
		.from = object_part_key(complete->id, 1, complete->from),
		.until = object_part_key(complete->id, SLV_OBJECT_PARTS_MAX + 1, complete->until),
		.rows_max = SLV_OBJECT_PARTS_MAX,
		.done = parts_read,
	};
	slv_omap_read(complete->ask->self->loop, &complete->read);
}

static void read_row(struct complete *complete, slv_str key,
		void (*done)(struct slv_omap_read *, slv_err, struct slv_omap_rows *))
{
	complete->key = key;
	complete->read = (struct slv_omap_read){
		.map = complete->ask->map,
		.what = SLV_OMAP_GET,
		.keys = &complete->key,
		.count = 1,
		.rows_max = 1,
		.done = done,
	};
	slv_omap_read(complete->ask->self->loop, &complete->read);
}

/* Has the upload become the object that is there now? Then that was asked for once before. */
static slv_object_err check_object(struct complete *complete, const struct slv_omap_row *row)
{
	uint8_t md5[OBJECT_MD5_BYTES];
	struct object_meta *meta = &complete->meta;
	slv_object_err gone = SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_UPLOAD, NULL);
	if (!row->version)
		return gone;
	slv_err err = object_meta_read(NULL, row->value, meta);
	if (slv_failed(err))
		return object_err(err);
	bool same = meta->where == OBJECT_PARTS &&
	            memcmp(meta->upload, complete->id.at, OBJECT_ID_BYTES) == 0 &&
	            object_whole_md5(&complete->named, md5) &&
	            memcmp(meta->md5, md5, sizeof(md5)) == 0;
	return same ? SLV_OBJECT_OK : gone;
}

static void object_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct complete *complete = SLV_CONTAINER(read, struct complete, read);
	slv_object_err fail = object_err(err);
	if (!slv_failed(err)) {
		fail = check_object(complete, &rows->at[0]);
		rows->hold.drop(&rows->hold);
	}
	if (slv_object_failed(fail))
		object_fail(complete->ask, fail);
	else
		answer(complete);
}

static slv_object_err take_upload(struct complete *complete, const struct slv_omap_row *row)
{
	struct slv_arena *arena = complete->ask->req->arena;
	complete->upload_row = slv_str_copy(arena, row->value);
	if (!complete->upload_row.at)
		return object_no_memory();
	complete->upload_version = row->version;
	return object_err(object_meta_read(arena, complete->upload_row, &complete->upload));
}

static void conditions_found(struct object_target *target, slv_object_err err)
{
	struct complete *complete = SLV_CONTAINER(target, struct complete, target);
	if (slv_object_failed(err))
		object_fail(complete->ask, err);
	else
		read_parts(complete);
}

static void upload_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct complete *complete = SLV_CONTAINER(read, struct complete, read);
	slv_object_err fail = object_err(err);
	bool is_there = rows && rows->at[0].version;
	if (is_there)
		fail = take_upload(complete, &rows->at[0]);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_object_failed(fail))
		object_fail(complete->ask, fail);
	else if (is_there)
		object_target_find(&complete->target);
	else
		read_row(complete, object_row_key(complete->ask->key, complete->object_key),
				object_read);
}

static void read_upload(struct complete *complete)
{
	struct object_ask *ask = complete->ask;
	if (complete->tries++ == TRIES_MAX) {
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_SLOW_DOWN,
						 "Parts are still being uploaded."));
		return;
	}
	read_row(complete, object_upload_key(ask->key, complete->id, complete->upload_key),
			upload_read);
}

/* --- the beginning --- */

static void document_came(struct object_document *document, slv_object_err err, slv_str text)
{
	struct complete *complete = SLV_CONTAINER(document, struct complete, document);
	if (!slv_object_failed(err))
		err = slv_object_document_complete(&complete->memory, text, &complete->named);
	if (slv_object_failed(err))
		object_fail(complete->ask, err);
	else
		read_upload(complete);
}

slv_object_err object_complete(struct object_ask *ask)
{
	struct complete *complete = SLV_NEW(ask->req->arena, struct complete);
	if (!complete)
		return object_no_memory();
	complete->ask = ask;
	slv_object_err err = object_upload_param(ask, &complete->id);
	if (slv_object_failed(err))
		return err;
	slv_arena_init(&complete->memory, SLV_KIB(64), MEMORY_BYTES_MAX);
	slv_buf_init(&complete->row, OBJECT_ROW_BYTES_MAX);
	slv_buf_init(&complete->list, SLV_OMAP_BODY_BYTES_MAX);
	if (!slv_arena_defer(ask->req->arena, complete_drop, complete))
		return object_no_memory();
	complete->target = (struct object_target){
		.ask = ask, .conditions = &ask->req->fields, .done = conditions_found
	};
	complete->document = (struct object_document){
		.ask = ask,
		.bytes_max = SLV_OBJECT_COMPLETE_BYTES_MAX,
		.ignores_checksum = true,
		.done = document_came,
	};
	return object_document_read(&complete->document);
}
