/* parts.c - uploads in parts: begun, their parts written, given up */
#include "service/object/upload.h"

#include <string.h>

#define XML_BYTES_MAX SLV_KIB(16)

/* --- what is said of uploads --- */

slv_object_err object_upload_param(const struct object_ask *ask, slv_str *ret_upload)
{
	slv_str upload = object_param(ask, "uploadId");
	bool is_one = upload.len == OBJECT_ID_BYTES;
	for (size_t i = 0; i < upload.len && is_one; i++)
		is_one = slv_hex_value(upload.at[i]) >= 0;
	if (!is_one)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_UPLOAD, NULL);
	*ret_upload = upload;
	return SLV_OBJECT_OK;
}

static slv_object_err number_param(const struct object_ask *ask, uint32_t *ret_number)
{
	uint64_t number;
	if (!slv_str_u64(object_param(ask, "partNumber"), SLV_OBJECT_PARTS_MAX, &number) || !number)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"partNumber is a whole number from 1 to 10000.");
	*ret_number = (uint32_t)number;
	return SLV_OBJECT_OK;
}

void object_checksum_xml(const struct slv_object_checksum *checksum, struct slv_buf *xml)
{
	static const char *const names[] = {
#define X(id, name, bytes, field) [SLV_OBJECT_##id] = "Checksum" name,
		SLV_OBJECT_CHECKSUM_TABLE(X)
#undef X
	};
	slv_object_xml_open(xml, names[checksum->kind]);
	slv_object_checksum_print(checksum, xml);
	slv_object_xml_close(xml, names[checksum->kind]);
}

/* --- CreateMultipartUpload --- */

struct create {
	struct object_ask *ask;
	struct object_meta meta;
	char upload[OBJECT_ID_BYTES], key[OBJECT_ROW_KEY_BYTES_MAX];
	struct slv_buf row;
	struct slv_omap_change changes[2];
	struct slv_omap_batch batch;
};

static void create_drop(void *arg)
{
	struct create *create = arg;
	slv_buf_done(&create->row);
}

static slv_err add_checksum_fields(const struct object_meta *meta, struct slv_reply *reply)
{
	if (!meta->has_checksum)
		return SLV_OK;
	slv_err err = slv_fields_add(&reply->fields, SLV_STR("x-amz-checksum-algorithm"),
			slv_object_checksum_name(meta->checksum.kind));
	if (slv_failed(err))
		return err;
	return slv_fields_add(&reply->fields, SLV_STR("x-amz-checksum-type"),
			meta->full_object ? SLV_STR("FULL_OBJECT") : SLV_STR("COMPOSITE"));
}

static void created(struct slv_omap_batch *batch, slv_err err)
{
	struct create *create = SLV_CONTAINER(batch, struct create, batch);
	struct object_ask *ask = create->ask;
	struct slv_reply reply;
	struct slv_buf xml;
	if (!slv_failed(err))
		err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = slv_fields_add_id(
				&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("application/xml"));
	if (!slv_failed(err))
		err = add_checksum_fields(&create->meta, &reply);
	if (slv_failed(err)) {
		object_fail(ask, object_is_closed(batch, err)
						 ? SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_BUCKET, NULL)
						 : object_err(err));
		return;
	}
	slv_buf_init(&xml, XML_BYTES_MAX);
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, "InitiateMultipartUploadResult");
	slv_object_xml_text(&xml, "Bucket", ask->bucket);
	slv_object_xml_text(&xml, "Key", ask->key);
	slv_object_xml_text(&xml, "UploadId", (slv_str){ create->upload, OBJECT_ID_BYTES });
	slv_object_xml_close(&xml, "InitiateMultipartUploadResult");
	reply.body = slv_body_take(&xml);
	slv_req_reply(ask->req, &reply);
}

/* Which checksum its parts and then the object have. */
static slv_object_err checksum_read(const struct object_ask *ask, struct object_meta *meta)
{
	slv_str name = object_field(ask, "x-amz-checksum-algorithm");
	slv_str type = object_field(ask, "x-amz-checksum-type");
	bool is_full = slv_str_eq_nocase(type, SLV_STR("FULL_OBJECT"));
	bool is_composite = slv_str_eq_nocase(type, SLV_STR("COMPOSITE"));
	if (type.at && !is_full && !is_composite)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"x-amz-checksum-type is COMPOSITE or FULL_OBJECT.");
	if (!name.at)
		return type.at ? SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
						 "x-amz-checksum-type goes with "
						 "x-amz-checksum-algorithm.")
		               : SLV_OBJECT_OK;
	if (!slv_object_checksum_of_name(name, &meta->checksum.kind))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"x-amz-checksum-algorithm names none.");
	enum slv_object_checksum_kind kind = meta->checksum.kind;
	if ((is_full && !slv_object_checksum_joins(kind)) ||
			(is_composite && kind == SLV_OBJECT_CRC64NVME))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"x-amz-checksum-type is not one of that algorithm.");
	meta->has_checksum = true;
	meta->full_object = is_full || kind == SLV_OBJECT_CRC64NVME;
	return SLV_OBJECT_OK;
}

slv_object_err object_create_upload(struct object_ask *ask)
{
	struct create *create = SLV_NEW(ask->req->arena, struct create);
	if (!create || !slv_arena_defer(ask->req->arena, create_drop, create))
		return object_no_memory();
	create->ask = ask;
	slv_buf_init(&create->row, OBJECT_ROW_BYTES_MAX);
	create->meta.modified_ms = slv_loop_wall_ms(ask->self->loop);
	slv_object_err err = object_upload_check(ask->req->arena, &ask->req->fields, &create->meta);
	if (!slv_object_failed(err))
		err = checksum_read(ask, &create->meta);
	if (slv_object_failed(err))
		return err;
	if (slv_failed(object_meta_write(&create->meta, &create->row)))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL);
	slv_loop_random_hex(ask->self->loop, create->upload, OBJECT_ID_BYTES);
	create->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = object_upload_key(ask->key, (slv_str){ create->upload, OBJECT_ID_BYTES },
				create->key),
		.value = slv_buf_str(&create->row) };
	create->changes[1] = object_open_check();
	create->batch = (struct slv_omap_batch){
		.map = ask->map, .changes = create->changes, .count = 2, .done = created
	};
	slv_omap_write(ask->self->loop, &create->batch);
	return SLV_OBJECT_OK;
}

/* --- a part --- */

static void part_drop(void *arg)
{
	struct object_part *part = arg;
	slv_buf_done(&part->row);
}

/* The rest of this part is done with memory that is the request's. */
static slv_object_err take_upload(struct object_part *part, const struct slv_omap_row *row)
{
	if (!row->version)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_UPLOAD, NULL);
	part->upload_row = slv_str_copy(part->ask->req->arena, row->value);
	if (!part->upload_row.at)
		return object_no_memory();
	return object_err(object_meta_read(NULL, part->upload_row, &part->upload));
}

static void upload_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct object_part *part = SLV_CONTAINER(read, struct object_part, read);
	slv_object_err fail = object_err(err);
	if (!slv_failed(err)) {
		fail = take_upload(part, &rows->at[0]);
		rows->hold.drop(&rows->hold);
	}
	part->found(part, fail);
}

slv_object_err object_part_begin(struct object_part *part)
{
	struct object_ask *ask = part->ask;
	slv_object_err err = number_param(ask, &part->number);
	if (!slv_object_failed(err))
		err = object_upload_param(ask, &part->id);
	if (slv_object_failed(err))
		return err;
	slv_buf_init(&part->row, OBJECT_ROW_BYTES_MAX);
	if (!slv_arena_defer(ask->req->arena, part_drop, part))
		return object_no_memory();
	part->key = object_upload_key(ask->key, part->id, part->upload_key);
	part->read = (struct slv_omap_read){
		.map = ask->map,
		.what = SLV_OMAP_GET,
		.keys = &part->key,
		.count = 1,
		.rows_max = 1,
		.done = upload_read,
	};
	slv_omap_read(ask->self->loop, &part->read);
	return SLV_OBJECT_OK;
}

static void part_written(struct slv_omap_batch *batch, slv_err err)
{
	struct object_part *part = SLV_CONTAINER(batch, struct object_part, batch);
	struct object *self = part->ask->self;
	slv_object_err fail = object_err(err);
	if (!slv_failed(err)) {
		object_clean(self, batch->map, batch->old);
		batch->old->hold.drop(&batch->old->hold);
	}
	if (slv_failed(err) && !batch->in_doubt)
		object_clean_blob(self, part->meta.blob);
	if (err.code == SLV_E_PRECONDITION)
		fail = SLV_OBJECT_ERR(object_is_closed(batch, err) ? SLV_OBJECT_E_NO_SUCH_BUCKET
								   : SLV_OBJECT_E_NO_SUCH_UPLOAD,
				NULL);
	part->done(part, fail);
}

void object_part_write(struct object_part *part)
{
	struct object_ask *ask = part->ask;
	part->meta.where = OBJECT_BLOB;
	part->meta.modified_ms = slv_loop_wall_ms(ask->self->loop);
	slv_err err = object_meta_write(&part->meta, &part->row);
	if (slv_failed(err)) {
		object_clean_blob(ask->self, part->meta.blob);
		part->done(part, object_err(err));
		return;
	}
	part->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = object_part_key(part->id, part->number, part->part_key),
		.value = slv_buf_str(&part->row) };
	part->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_PRESENT,
		.key = part->key,
		.value = part->upload_row };
	part->changes[2] = object_open_check();
	part->batch = (struct slv_omap_batch){
		.map = ask->map,
		.changes = part->changes,
		.count = 3,
		.wants_old = true,
		.done = part_written,
	};
	slv_omap_write(ask->self->loop, &part->batch);
}

/* --- UploadPart --- */

struct put_part {
	struct object_part part;
	struct object_intake intake;
};

static void put_part_written(struct object_part *part, slv_object_err fail)
{
	struct object_ask *ask = part->ask;
	struct slv_reply reply;
	char room[OBJECT_ETAG_BYTES_MAX];
	if (slv_object_failed(fail)) {
		object_fail(ask, fail);
		return;
	}
	slv_str etag = slv_str_copy(ask->req->arena, object_etag(&part->meta, room));
	slv_err err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_ETAG, etag);
	if (!slv_failed(err) && part->meta.has_checksum)
		err = object_reply_checksum(ask, &reply, &part->meta);
	if (slv_failed(err))
		object_fail(ask, object_err(err));
	else
		slv_req_reply(ask->req, &reply);
}

static void put_part_came(struct object_intake *intake, slv_object_err err)
{
	struct put_part *put = SLV_CONTAINER(intake, struct put_part, intake);
	struct object_meta *meta = &put->part.meta;
	if (slv_object_failed(err)) {
		object_fail(intake->ask, err);
		return;
	}
	meta->len = intake->len;
	memcpy(meta->md5, intake->md5, OBJECT_MD5_BYTES);
	meta->has_checksum = intake->has_checksum;
	meta->checksum = intake->checksum;
	meta->blob = intake->ref.id;
	object_part_write(&put->part);
}

static void put_part_found(struct object_part *part, slv_object_err err)
{
	struct put_part *put = SLV_CONTAINER(part, struct put_part, part);
	put->intake = (struct object_intake){
		.ask = part->ask,
		.to_blob = true,
		.wants_checksum = part->upload.has_checksum,
		.kind = part->upload.checksum.kind,
		.bytes_max = SLV_OBJECT_PUT_BYTES_MAX,
		.done = put_part_came,
	};
	if (!slv_object_failed(err))
		err = object_intake_start(&put->intake);
	if (slv_object_failed(err))
		object_fail(part->ask, err);
}

slv_object_err object_put_part(struct object_ask *ask)
{
	struct put_part *put = SLV_NEW(ask->req->arena, struct put_part);
	if (!put)
		return object_no_memory();
	put->part.ask = ask;
	put->part.found = put_part_found;
	put->part.done = put_part_written;
	return object_part_begin(&put->part);
}

/* --- AbortMultipartUpload --- */

struct abort {
	struct object_ask *ask;
	slv_str upload;
	char upload_key[OBJECT_ROW_KEY_BYTES_MAX], remains_key[OBJECT_PART_KEY_BYTES];
	struct slv_omap_change changes[2];
	struct slv_omap_batch batch;
};

static void aborted(struct slv_omap_batch *batch, slv_err err)
{
	struct abort *abort = SLV_CONTAINER(batch, struct abort, batch);
	if (slv_failed(err)) {
		object_fail(abort->ask,
				err.code == SLV_E_PRECONDITION
						? SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_UPLOAD, NULL)
						: object_err(err));
		return;
	}
	object_clean_parts(abort->ask->self, batch->map, abort->upload);
	object_reply_empty(abort->ask, 204);
}

slv_object_err object_abort(struct object_ask *ask)
{
	struct abort *abort = SLV_NEW(ask->req->arena, struct abort);
	if (!abort)
		return object_no_memory();
	abort->ask = ask;
	slv_object_err err = object_upload_param(ask, &abort->upload);
	if (slv_object_failed(err))
		return err;
	abort->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_PRESENT,
		.key = object_upload_key(ask->key, abort->upload, abort->upload_key) };
	abort->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = object_remains_key(abort->upload, abort->remains_key) };
	abort->batch = (struct slv_omap_batch){
		.map = ask->map, .changes = abort->changes, .count = 2, .done = aborted
	};
	slv_omap_write(ask->self->loop, &abort->batch);
	return SLV_OBJECT_OK;
}
