/* get.c - GetObject and HeadObject */
#include "http/condition.h"
#include "http/date.h"
#include "service/blob_body.h"
#include "service/object/private.h"

#include <string.h>

#define TRIES 5 /* of an object that is replaced again and again while it is read */

struct get {
	struct object_ask *ask;
	struct slv_omap_recall recall;
	char key[OBJECT_ROW_KEY_BYTES_MAX];
	struct object_meta meta;
	struct slv_reply reply; /* while the first piece of its body is read */
	unsigned tries;
	uint64_t part_first, part_len; /* of partNumber */
	uint32_t part;                 /* 0: none was asked for */
};

static void read_row(struct get *get);

/* --- fields --- */

slv_err object_reply_checksum(
		struct object_ask *ask, struct slv_reply *reply, const struct object_meta *meta)
{
	struct slv_buf text;
	slv_buf_init(&text, 128);
	slv_object_checksum_print(&meta->checksum, &text);
	slv_str value = slv_str_copy(ask->req->arena, slv_buf_str(&text));
	slv_buf_done(&text);
	slv_err err = slv_fields_add(
			&reply->fields, slv_object_checksum_field(meta->checksum.kind), value);
	if (slv_failed(err))
		return err;
	return slv_fields_add(&reply->fields, SLV_STR("x-amz-checksum-type"),
			meta->checksum.parts ? SLV_STR("COMPOSITE") : SLV_STR("FULL_OBJECT"));
}

static const struct {
	const char *name, *param;
} overrides[] = {
	{ "cache-control", "response-cache-control" },
	{ "content-disposition", "response-content-disposition" },
	{ "content-encoding", "response-content-encoding" },
	{ "content-language", "response-content-language" },
	{ "content-type", "response-content-type" },
	{ "expires", "response-expires" },
};

/* What a presigned link may say instead: response-content-type=… and kin. Only who signed can. What
 * no field can have is not said. */
static slv_str override(const struct object_ask *ask, slv_str name)
{
	slv_str value = { 0 };
	for (size_t i = 0; i < SLV_COUNT(overrides) && !ask->is_public; i++)
		if (slv_str_eq(name, slv_str_from(overrides[i].name)))
			value = object_param(ask, overrides[i].param);
	return slv_field_value_ok(value) ? value : (slv_str){ 0 };
}

static slv_err add_overrides(struct object_ask *ask, struct slv_reply *reply)
{
	slv_err err = SLV_OK;
	for (size_t i = 0; i < SLV_COUNT(overrides) && !slv_failed(err); i++) {
		slv_str name = slv_str_from(overrides[i].name), value = override(ask, name);
		if (value.len)
			err = slv_fields_add(&reply->fields, name, value);
	}
	return err;
}

slv_err object_reply_meta(
		struct object_ask *ask, struct slv_reply *reply, const struct object_meta *meta)
{
	slv_err err = add_overrides(ask, reply);
	for (uint32_t i = 0; i < meta->fields.count && !slv_failed(err); i++) {
		const struct slv_field *field = &meta->fields.at[i];
		if (override(ask, field->name).len)
			continue;
		/* The row may go before the reply does. */
		slv_str name = slv_str_copy(ask->req->arena, field->name);
		slv_str value = slv_str_copy(ask->req->arena, field->value);
		err = name.at && value.at ? slv_fields_add(&reply->fields, name, value)
		                          : SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	}
	if (!slv_failed(err) && !slv_fields_find(&reply->fields, SLV_FIELD_CONTENT_TYPE, NULL))
		err = slv_fields_add_id(&reply->fields, SLV_FIELD_CONTENT_TYPE,
				SLV_STR("binary/octet-stream"));
	return err;
}

/* --- the answer --- */

static slv_err add_parts_count(struct get *get, struct slv_reply *reply)
{
	if (!get->part)
		return SLV_OK;
	slv_str count = slv_str_printf(get->ask->req->arena, "%u",
			get->meta.where == OBJECT_PARTS ? get->meta.parts : 1u);
	return slv_fields_add(&reply->fields, SLV_STR("x-amz-mp-parts-count"), count);
}

/* S3 answers a HEAD as the GET that it is of, Range included. */
static struct slv_range apply(
		struct get *get, struct slv_reply *reply, const struct slv_validator *have)
{
	struct slv_req *req = get->ask->req;
	enum slv_method method = req->method;
	req->method = SLV_METHOD_GET;
	struct slv_range range = slv_condition_apply(
			req, reply, have, slv_loop_wall_s(get->ask->self->loop));
	req->method = method;
	return range;
}

/* One part is a range that the client did not work out itself. One without bytes is all there is,
 * and no range can tell it. */
static slv_err part_reply(struct get *get, struct slv_reply *reply,
		const struct slv_validator *have, struct slv_range *ret_range)
{
	uint64_t end = get->part_first + get->part_len;
	*ret_range = apply(get, reply, have);
	if (reply->status != 200 || !get->part_len)
		return SLV_OK;
	*ret_range = (struct slv_range){ get->part_first, get->part_len };
	reply->status = 206;
	reply->body.length = get->part_len;
	slv_str text = slv_str_printf(get->ask->req->arena, "bytes %llu-%llu/%llu",
			(unsigned long long)get->part_first, (unsigned long long)(end - 1),
			(unsigned long long)get->meta.len);
	return slv_fields_add_id(&reply->fields, SLV_FIELD_CONTENT_RANGE, text);
}

static slv_object_err code_of(struct get *get, const struct slv_reply *reply)
{
	if (reply->status == 412)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_PRECONDITION_FAILED, NULL);
	if (reply->status != 416)
		return SLV_OBJECT_OK;
	get->ask->content_range = slv_fields_get(&reply->fields, SLV_FIELD_CONTENT_RANGE);
	return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_RANGE, NULL);
}

/* That of all bytes: of a part of them it would be wrong, and clients check it. */
static bool wants_checksum(const struct get *get)
{
	return get->meta.has_checksum &&
	       slv_str_eq_nocase(object_field(get->ask, "x-amz-checksum-mode"), SLV_STR("enabled"));
}

/* What the row said was replaced or removed since it was read: what is there now? */
static void opened(void *arg, slv_err err)
{
	struct get *get = arg;
	if (!slv_failed(err)) {
		slv_req_reply(get->ask->req, &get->reply);
		return;
	}
	slv_body_done(&get->reply.body);
	if (err.code == SLV_E_MISSING && ++get->tries < TRIES)
		read_row(get);
	else
		object_fail(get->ask, object_err(err));
}

/* The hold of the row is ours, unless this succeeds. */
static slv_object_err reply_object(struct get *get)
{
	struct object_ask *ask = get->ask;
	struct slv_req *req = ask->req;
	struct slv_reply reply;
	struct slv_range range;
	char room[OBJECT_ETAG_BYTES_MAX];
	struct slv_validator have = {
		.etag = slv_str_copy(req->arena, object_etag(&get->meta, room)),
		.modified_s = get->meta.modified_ms / 1000,
	};
	slv_err err = object_reply_init(ask, 200, &reply);
	if (!slv_failed(err))
		err = object_reply_meta(ask, &reply, &get->meta);
	if (!slv_failed(err))
		err = add_parts_count(get, &reply);
	if (!slv_failed(err) && ask->is_public)
		err = object_public_fields(ask, &reply);
	if (slv_failed(err))
		return object_err(err);
	reply.body.length = get->meta.len;
	if (get->part)
		err = part_reply(get, &reply, &have, &range);
	else
		range = apply(get, &reply, &have);
	if (slv_failed(err))
		return object_err(err);
	slv_object_err bad = code_of(get, &reply);
	if (slv_object_failed(bad))
		return bad;
	if (reply.status == 200 && wants_checksum(get))
		err = object_reply_checksum(ask, &reply, &get->meta);
	if (slv_failed(err))
		return object_err(err);
	if (range.count && req->method != SLV_METHOD_HEAD)
		err = object_body(ask->self, ask->map, &get->meta, get->recall.row,
				get->recall.hold, range.first, range.count, &reply.body);
	else
		get->recall.hold->drop(get->recall.hold);
	if (slv_failed(err))
		return object_err(err);
	if (!reply.body.source) {
		slv_req_reply(req, &reply);
		return SLV_OBJECT_OK;
	}
	get->reply = reply;
	slv_blob_body_open(&get->reply.body, opened, get);
	return SLV_OBJECT_OK;
}

/* --- which bytes --- */

static slv_object_err find_part(struct get *get)
{
	uint64_t number;
	slv_str text = { 0 };
	if (!get->ask->is_public)
		text = object_param(get->ask, "partNumber");
	struct object_part_item item = { .len = get->meta.len };
	if (!text.at)
		return SLV_OBJECT_OK;
	if (!slv_str_u64(text, SLV_OBJECT_PARTS_MAX, &number) || !number ||
			object_field(get->ask, "range").at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"partNumber is from 1 to 10000, and not with a Range.");
	get->part = (uint32_t)number;
	if (get->meta.where != OBJECT_PARTS && number != 1)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_PART_NUMBER, NULL);
	/* By its place: S3 counts the parts that an object has, not what they were called. */
	for (size_t i = 0; get->meta.where == OBJECT_PARTS && i < number; i++) {
		get->part_first += i ? item.len : 0;
		if (!object_part_item_read(get->recall.row->body, i, &item))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_PART_NUMBER, NULL);
	}
	get->part_len = item.len;
	return SLV_OBJECT_OK;
}

static void found(struct get *get)
{
	struct slv_omap_recall *recall = &get->recall;
	slv_object_err err = SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_KEY, NULL);
	if (recall->row->version)
		err = object_err(object_meta_read(
				get->ask->req->arena, recall->row->value, &get->meta));
	if (!slv_object_failed(err))
		err = find_part(get);
	if (!slv_object_failed(err))
		err = reply_object(get);
	if (slv_object_failed(err)) {
		struct slv_object_error_detail key = { "Key", get->ask->key };
		recall->hold->drop(recall->hold);
		object_fail_with(get->ask, err, &key, err.code == SLV_OBJECT_E_NO_SUCH_KEY);
	}
}

static void row_read(struct slv_omap_recall *recall, slv_err err)
{
	struct get *get = SLV_CONTAINER(recall, struct get, recall);
	if (slv_failed(err))
		object_fail(get->ask, object_err(err));
	else
		found(get);
}

static void read_row(struct get *get)
{
	struct object_ask *ask = get->ask;
	get->part_first = 0;
	get->recall = (struct slv_omap_recall){
		.memory = ask->self->memory,
		.map = ask->map,
		.key = object_row_key(ask->key, get->key),
		.done = row_read,
	};
	if (slv_omap_recall(&get->recall))
		found(get);
}

slv_object_err object_get(struct object_ask *ask)
{
	struct get *get = SLV_NEW(ask->req->arena, struct get);
	if (!get)
		return object_no_memory();
	get->ask = ask;
	read_row(get);
	return SLV_OBJECT_OK;
}

slv_object_err object_head(struct object_ask *ask)
{
	return object_get(ask);
}
