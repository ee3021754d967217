/* copy.c - CopyObject and UploadPartCopy: bytes that are here already
 *
 *	CopyObject       source → target's conditions → (bytes) → row
 *	UploadPartCopy   upload → source → bytes → row of the part
 *
 * A copy has blobs of its own, so that each object can go without a look at others. Only an object
 * that is copied onto itself keeps its bytes: its row is written anew.
 */
#include "http/condition.h"
#include "http/uri.h"
#include "service/object/pour.h"
#include "service/object/target.h"
#include "service/object/upload.h"

#include <string.h>

#define XML_BYTES_MAX SLV_KIB(4)
#define META_PREFIX SLV_STR("x-amz-meta-")

/* What is copied. */
struct source {
	struct object_ask *ask;
	slv_str bucket, key;
	struct slv_omap *map;
	struct slv_omap_recall bucket_recall, recall;
	char row_key[OBJECT_ROW_KEY_BYTES_MAX];
	/* Then `recall` holds its row; taken when its hold is NULL. */
	void (*found)(struct source *source, slv_object_err err);
	struct object_meta meta; /* with its fields, in the request's arena */
};

static slv_object_err argument(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT, what);
}

/* --- the source --- */

static void source_drop(void *arg)
{
	struct source *source = arg;
	if (source->recall.hold)
		source->recall.hold->drop(source->recall.hold);
}

/* "/bucket/key" or "bucket/key", encoded. */
static slv_object_err source_name(struct source *source)
{
	struct slv_arena *arena = source->ask->req->arena;
	slv_str name = object_field(source->ask, "x-amz-copy-source");
	if (slv_str_find_str(name, SLV_STR("?versionId=")) < name.len)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "versionId");
	if (slv_str_starts(name, SLV_STR("/")))
		name = slv_str_from_index(name, 1);
	/* Some encode the slash, too. */
	slv_err err = slv_uri_decode(arena, name, &name);
	if (err.code == SLV_E_LIMIT)
		return object_no_memory();
	source->bucket = slv_str_cut(&name, '/');
	source->key = name;
	if (slv_failed(err) || !source->bucket.len || !source->key.len)
		return argument("x-amz-copy-source is a bucket and a key, URL-encoded.");
	if (source->key.len > SLV_OBJECT_KEY_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_KEY_TOO_LONG, NULL);
	return SLV_OBJECT_OK;
}

/* x-amz-copy-source-if-match and its like are to the source what If-Match is to a GET. */
static slv_object_err check_source(const struct source *source)
{
	static const struct {
		const char *name;
		enum slv_field_id id;
	} conditions[] = {
		{ "x-amz-copy-source-if-match", SLV_FIELD_IF_MATCH },
		{ "x-amz-copy-source-if-none-match", SLV_FIELD_IF_NONE_MATCH },
		{ "x-amz-copy-source-if-modified-since", SLV_FIELD_IF_MODIFIED_SINCE },
		{ "x-amz-copy-source-if-unmodified-since", SLV_FIELD_IF_UNMODIFIED_SINCE },
	};
	char room[OBJECT_ETAG_BYTES_MAX];
	struct slv_req asked = { .method = SLV_METHOD_GET };
	struct slv_validator have = {
		.etag = object_etag(&source->meta, room),
		.modified_s = source->meta.modified_ms / 1000,
	};
	slv_fields_init(&asked.fields, source->ask->req->arena);
	for (size_t i = 0; i < SLV_COUNT(conditions); i++) {
		slv_str value = object_field(source->ask, conditions[i].name);
		if (value.at && slv_failed(slv_fields_add_id(
						&asked.fields, conditions[i].id, value)))
			return object_no_memory();
	}
	return slv_condition_check(&asked, &have, slv_loop_wall_s(source->ask->self->loop)) ==
	                                       SLV_CONDITION_GO
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_PRECONDITION_FAILED, NULL);
}

/* The fields are told after the row has gone. */
static slv_err fields_keep(struct slv_arena *arena, struct slv_fields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++) {
		struct slv_field *field = &fields->at[i];
		field->name = slv_str_copy(arena, field->name);
		field->value = slv_str_copy(arena, field->value);
		if (!field->name.at || !field->value.at)
			return SLV_ERR(SLV_E_BUSY, "request_memory_bytes is used up");
	}
	return SLV_OK;
}

static slv_object_err source_read(struct source *source)
{
	struct slv_arena *arena = source->ask->req->arena;
	if (!slv_arena_defer(arena, source_drop, source)) {
		source_drop(source);
		return object_no_memory();
	}
	if (!source->recall.row->version)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_KEY, NULL);
	slv_err err = object_meta_read(arena, source->recall.row->value, &source->meta);
	if (!slv_failed(err))
		err = fields_keep(arena, &source->meta.fields);
	return slv_failed(err) ? object_err(err) : check_source(source);
}

static void row_read(struct slv_omap_recall *recall, slv_err err)
{
	struct source *source = SLV_CONTAINER(recall, struct source, recall);
	source->found(source, slv_failed(err) ? object_err(err) : source_read(source));
}

static void find_row(struct source *source)
{
	source->recall = (struct slv_omap_recall){
		.memory = source->ask->self->memory,
		.map = source->map,
		.key = object_row_key(source->key, source->row_key),
		.done = row_read,
	};
	if (slv_omap_recall(&source->recall))
		source->found(source, source_read(source));
}

static void bucket_found(struct source *source)
{
	struct slv_omap_recall *recall = &source->bucket_recall;
	bool is_there = recall->row->version;
	if (is_there)
		source->map = object_map(source->ask->self, recall->row->value);
	recall->hold->drop(recall->hold);
	if (source->map)
		find_row(source);
	else
		source->found(source, SLV_OBJECT_ERR(is_there ? SLV_OBJECT_E_INTERNAL
							      : SLV_OBJECT_E_NO_SUCH_BUCKET,
						      NULL));
}

static void bucket_read(struct slv_omap_recall *recall, slv_err err)
{
	struct source *source = SLV_CONTAINER(recall, struct source, bucket_recall);
	if (slv_failed(err))
		source->found(source, object_err(err));
	else
		bucket_found(source);
}

/* Calls found(), maybe before it returns. */
static void source_find(struct source *source)
{
	struct object_ask *ask = source->ask;
	if (slv_str_eq(source->bucket, ask->bucket)) {
		source->map = ask->map;
		find_row(source);
		return;
	}
	slv_str key = slv_str_printf(ask->req->arena, "b/%.*s", SLV_FMT(source->bucket));
	if (!key.at || !object_bucket_name_is_ok(source->bucket)) {
		source->found(source, key.at ? SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_BUCKET, NULL)
					     : object_no_memory());
		return;
	}
	source->bucket_recall = (struct slv_omap_recall){
		.memory = ask->self->memory,
		.map = ask->self->buckets,
		.key = key,
		.done = bucket_read,
	};
	if (slv_omap_recall(&source->bucket_recall))
		bucket_found(source);
}

static slv_object_err source_init(struct source *source, struct object_ask *ask,
		void (*found)(struct source *source, slv_object_err err))
{
	source->ask = ask;
	source->found = found;
	slv_object_err err = source_name(source);
	if (slv_object_failed(err))
		return err;
	if (object_field(ask, "x-amz-copy-source-server-side-encryption-customer-algorithm").at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED,
				"x-amz-copy-source-server-side-encryption-customer-algorithm");
	return object_may(ask, SLV_API_ITEM_READ, source->bucket, source->key)
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_DENIED, NULL);
}

/* Some of its bytes are poured; its row is held as long as they need it. */
static slv_object_err source_pour(
		struct source *source, uint64_t first, uint64_t count, struct object_pour *pour)
{
	if (count > SLV_OBJECT_PUT_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"What is copied in one piece has 5 GiB at most.");
	slv_err err = object_body(source->ask->self, source->map, &source->meta, source->recall.row,
			source->recall.hold, first, count, &pour->body);
	if (slv_failed(err))
		return object_err(err);
	source->recall.hold = NULL;
	pour->ask = source->ask;
	object_pour_start(pour);
	return SLV_OBJECT_OK;
}

/* --- the answers --- */

static void answer(struct object_ask *ask, const char *name, const struct object_meta *meta)
{
	struct slv_buf xml;
	char etag[OBJECT_ETAG_BYTES_MAX];
	slv_buf_init(&xml, XML_BYTES_MAX);
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, name);
	slv_object_xml_time(&xml, "LastModified", meta->modified_ms);
	slv_object_xml_text(&xml, "ETag", object_etag(meta, etag));
	if (meta->has_checksum)
		object_checksum_xml(&meta->checksum, &xml);
	slv_object_xml_close(&xml, name);
	object_reply_xml(ask, &xml);
}

/* --- CopyObject --- */

enum directive { COPY, REPLACE, MERGE };

struct copy {
	struct object_ask *ask;
	struct source source;
	struct object_target target;
	struct slv_fields conditions; /* of the target */
	enum directive directive;
	bool wants_kind;
	enum slv_object_checksum_kind kind; /* of the copy's checksum */
	bool in_place;                      /* its bytes stay */

	struct object_meta meta;
	struct object_pour pour;
	struct slv_buf row;
	struct slv_omap_change changes[2];
	struct slv_omap_batch batch;
};

static void copy_drop(void *arg)
{
	struct copy *copy = arg;
	slv_buf_done(&copy->row);
}

static void copy_fail(struct copy *copy, slv_object_err err)
{
	if (copy->pour.has_blob)
		object_clean_blob(copy->ask->self, copy->pour.ref.id);
	object_fail(copy->ask, err);
}

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct copy *copy = SLV_CONTAINER(batch, struct copy, batch);
	if (slv_failed(err)) {
		if (batch->in_doubt) /* its row may name the blob */
			copy->pour.has_blob = false;
		copy_fail(copy, object_target_err(&copy->target, batch, err));
		return;
	}
	if (batch->old) {
		object_clean(copy->ask->self, batch->map, batch->old);
		batch->old->hold.drop(&batch->old->hold);
	}
	answer(copy->ask, "CopyObjectResult", &copy->meta);
}

static void write(struct copy *copy)
{
	struct object_ask *ask = copy->ask;
	copy->meta.modified_ms = slv_loop_wall_ms(ask->self->loop);
	if (slv_failed(object_meta_write(&copy->meta, &copy->row))) {
		copy_fail(copy, SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL));
		return;
	}
	copy->changes[0] = object_target_change(&copy->target);
	copy->changes[0].value = slv_buf_str(&copy->row);
	if (copy->in_place) {
		/* Nothing of the old row is cleaned, so it must be the one that was read. */
		copy->target.version = copy->source.recall.row->version;
		copy->changes[0].when = SLV_OMAP_IF_VERSION;
		copy->changes[0].version = copy->target.version;
		copy->changes[0].body = copy->source.recall.row->body;
	} else if (!copy->pour.has_blob) {
		copy->changes[0].body = slv_buf_str(&copy->pour.bytes);
	}
	copy->changes[1] = object_open_check();
	copy->batch = (struct slv_omap_batch){
		.map = ask->map,
		.changes = copy->changes,
		.count = 2,
		.wants_old = !copy->in_place,
		.done = written,
	};
	slv_omap_write(ask->self->loop, &copy->batch);
}

static void poured(struct object_pour *pour, slv_object_err err)
{
	struct copy *copy = SLV_CONTAINER(pour, struct copy, pour);
	struct object_meta *meta = &copy->meta;
	if (slv_object_failed(err)) {
		copy_fail(copy, err);
		return;
	}
	meta->where = pour->has_blob ? OBJECT_BLOB : OBJECT_INLINE;
	meta->blob = pour->ref.id;
	meta->parts = 0;
	meta->full_object = false;
	if (pour->wants_md5)
		memcpy(meta->md5, pour->md5, OBJECT_MD5_BYTES);
	if (pour->wants_checksum) {
		meta->has_checksum = true;
		meta->checksum = pour->checksum;
	}
	write(copy);
}

/* What is not known of the whole, but only of its parts, is worked out. */
static void copy_bytes(struct copy *copy)
{
	const struct object_meta *from = &copy->source.meta;
	bool has_composite = from->has_checksum && from->checksum.parts;
	copy->pour = (struct object_pour){
		.wants_md5 = from->parts,
		.wants_checksum = copy->wants_kind || has_composite,
		.kind = copy->wants_kind ? copy->kind : from->checksum.kind,
		.done = poured,
	};
	slv_object_err err = source_pour(&copy->source, 0, from->len, &copy->pour);
	if (slv_object_failed(err))
		object_fail(copy->ask, err);
}

static bool is_same_object(const struct copy *copy)
{
	return copy->source.map == copy->ask->map && slv_str_eq(copy->source.key, copy->ask->key);
}

static void conditions_found(struct object_target *target, slv_object_err err)
{
	struct copy *copy = SLV_CONTAINER(target, struct copy, target);
	const struct object_meta *from = &copy->source.meta;
	copy->in_place = is_same_object(copy) &&
	                 (!copy->wants_kind || (from->has_checksum && !from->checksum.parts &&
							       from->checksum.kind == copy->kind));
	if (slv_object_failed(err))
		object_fail(copy->ask, err);
	else if (copy->in_place)
		write(copy);
	else
		copy_bytes(copy);
}

/* What is said of the copy: as of the source, as the request says, or both, the request first. */
static slv_object_err fields_make(struct copy *copy)
{
	struct object_meta *meta = &copy->meta;
	struct slv_fields said = meta->fields;
	size_t metadata = 0;
	*meta = copy->source.meta;
	if (copy->directive == COPY)
		return SLV_OBJECT_OK;
	for (uint32_t i = 0; copy->directive == MERGE && i < meta->fields.count; i++) {
		const struct slv_field *field = &meta->fields.at[i];
		if (!slv_fields_find_name(&said, field->name) &&
				slv_failed(slv_fields_add(&said, field->name, field->value)))
			return object_no_memory();
	}
	meta->fields = said;
	for (uint32_t i = 0; i < said.count; i++)
		if (slv_str_starts(said.at[i].name, META_PREFIX))
			metadata += said.at[i].name.len - META_PREFIX.len + said.at[i].value.len;
	return metadata > SLV_OBJECT_METADATA_BYTES_MAX
	                       ? SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL)
	                       : SLV_OBJECT_OK;
}

static void source_found(struct source *source, slv_object_err err)
{
	struct copy *copy = SLV_CONTAINER(source, struct copy, source);
	bool changes = copy->directive != COPY || copy->wants_kind ||
	               object_field(copy->ask, "x-amz-storage-class").at;
	if (!slv_object_failed(err) && is_same_object(copy) && !changes)
		err = SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"An object is copied onto itself only to change what is said of "
				"it.");
	if (!slv_object_failed(err))
		err = fields_make(copy);
	if (slv_object_failed(err))
		object_fail(copy->ask, err);
	else
		object_target_find(&copy->target);
}

static slv_object_err directive_read(struct copy *copy)
{
	slv_str said = object_field(copy->ask, "x-amz-metadata-directive");
	slv_str name = object_field(copy->ask, "x-amz-checksum-algorithm");
	if (!said.at || slv_str_eq_nocase(said, SLV_STR("COPY")))
		copy->directive = COPY;
	else if (slv_str_eq_nocase(said, SLV_STR("REPLACE")))
		copy->directive = REPLACE;
	else if (slv_str_eq_nocase(said, SLV_STR("MERGE")))
		copy->directive = MERGE;
	else
		return argument("x-amz-metadata-directive is COPY, REPLACE or MERGE.");
	copy->wants_kind = name.at != NULL;
	if (name.at && !slv_object_checksum_of_name(name, &copy->kind))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"x-amz-checksum-algorithm names none.");
	return SLV_OBJECT_OK;
}

/* R2 has names of its own for the conditions of the target; S3 has the plain ones. */
static slv_object_err conditions_read(struct copy *copy)
{
	static const struct {
		const char *name;
		enum slv_field_id id;
	} conditions[] = {
		{ "cf-copy-destination-if-match", SLV_FIELD_IF_MATCH },
		{ "cf-copy-destination-if-none-match", SLV_FIELD_IF_NONE_MATCH },
		{ "cf-copy-destination-if-modified-since", SLV_FIELD_IF_MODIFIED_SINCE },
		{ "cf-copy-destination-if-unmodified-since", SLV_FIELD_IF_UNMODIFIED_SINCE },
	};
	slv_fields_init(&copy->conditions, copy->ask->req->arena);
	for (size_t i = 0; i < SLV_COUNT(conditions); i++) {
		slv_str value = object_field(copy->ask, conditions[i].name);
		if (!value.at)
			value = slv_fields_get(&copy->ask->req->fields, conditions[i].id);
		if (value.at && slv_failed(slv_fields_add_id(
						&copy->conditions, conditions[i].id, value)))
			return object_no_memory();
	}
	return SLV_OBJECT_OK;
}

slv_object_err object_copy(struct object_ask *ask)
{
	struct copy *copy = SLV_NEW(ask->req->arena, struct copy);
	if (!copy || !slv_arena_defer(ask->req->arena, copy_drop, copy))
		return object_no_memory();
	copy->ask = ask;
	slv_buf_init(&copy->row, OBJECT_ROW_BYTES_MAX);
	copy->target = (struct object_target){
		.ask = ask, .conditions = &copy->conditions, .done = conditions_found
	};
	slv_object_err err = object_upload_check(ask->req->arena, &ask->req->fields, &copy->meta);
	if (!slv_object_failed(err))
		err = directive_read(copy);
	if (!slv_object_failed(err))
		err = conditions_read(copy);
	if (!slv_object_failed(err))
		err = source_init(&copy->source, ask, source_found);
	if (!slv_object_failed(err))
		source_find(&copy->source);
	return err;
}

/* --- UploadPartCopy --- */

struct copy_part {
	struct object_part part;
	struct source source;
	struct object_pour pour;
};

static void part_written(struct object_part *part, slv_object_err err)
{
	if (slv_object_failed(err))
		object_fail(part->ask, err);
	else
		answer(part->ask, "CopyPartResult", &part->meta);
}

static void part_poured(struct object_pour *pour, slv_object_err err)
{
	struct copy_part *copy = SLV_CONTAINER(pour, struct copy_part, pour);
	struct object_meta *meta = &copy->part.meta;
	if (slv_object_failed(err)) {
		object_fail(pour->ask, err);
		return;
	}
	meta->len = pour->ref.len;
	memcpy(meta->md5, pour->md5, OBJECT_MD5_BYTES);
	meta->has_checksum = pour->wants_checksum;
	meta->checksum = pour->checksum;
	meta->blob = pour->ref.id;
	object_part_write(&copy->part);
}

/* "bytes=0-9", and nothing else that a Range may be; all of the source if it is not there. */
static slv_object_err range_read(
		const struct source *source, uint64_t *ret_first, uint64_t *ret_count)
{
	uint64_t first, last;
	slv_str text = object_field(source->ask, "x-amz-copy-source-range");
	*ret_first = 0;
	*ret_count = source->meta.len;
	if (!text.at)
		return SLV_OBJECT_OK;
	slv_str range = slv_str_from_index(text, strlen("bytes="));
	slv_str head = slv_str_cut(&range, '-');
	if (!slv_str_starts(text, SLV_STR("bytes=")) || !slv_str_u64(head, INT64_MAX, &first) ||
			!slv_str_u64(range, INT64_MAX, &last) || first > last)
		return argument("x-amz-copy-source-range is bytes=first-last.");
	if (last >= source->meta.len)
		return argument("x-amz-copy-source-range is not within the source.");
	*ret_first = first;
	*ret_count = last - first + 1;
	return SLV_OBJECT_OK;
}

static void part_source_found(struct source *source, slv_object_err err)
{
	struct copy_part *copy = SLV_CONTAINER(source, struct copy_part, source);
	uint64_t first, count;
	copy->pour = (struct object_pour){
		.to_blob = true,
		.wants_md5 = true,
		.wants_checksum = copy->part.upload.has_checksum,
		.kind = copy->part.upload.checksum.kind,
		.done = part_poured,
	};
	if (!slv_object_failed(err))
		err = range_read(source, &first, &count);
	if (!slv_object_failed(err))
		err = source_pour(source, first, count, &copy->pour);
	if (slv_object_failed(err))
		object_fail(source->ask, err);
}

static void part_found(struct object_part *part, slv_object_err err)
{
	struct copy_part *copy = SLV_CONTAINER(part, struct copy_part, part);
	if (slv_object_failed(err))
		object_fail(part->ask, err);
	else
		source_find(&copy->source);
}

slv_object_err object_copy_part(struct object_ask *ask)
{
	struct copy_part *copy = SLV_NEW(ask->req->arena, struct copy_part);
	if (!copy)
		return object_no_memory();
	copy->part.ask = ask;
	copy->part.found = part_found;
	copy->part.done = part_written;
	slv_object_err err = source_init(&copy->source, ask, part_source_found);
	return slv_object_failed(err) ? err : object_part_begin(&copy->part);
}
