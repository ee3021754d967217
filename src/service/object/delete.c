/* delete.c - DeleteObject, DeleteObjects */
#include "service/object/document.h"
#include "service/object/private.h"

#include <string.h>

/* --- one --- */

struct one {
	struct object_ask *ask;
	char key[OBJECT_ROW_KEY_BYTES_MAX];
	struct slv_omap_change change;
	struct slv_omap_batch batch;
};

static void one_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct one *one = SLV_CONTAINER(batch, struct one, batch);
	if (slv_failed(err)) {
		object_fail(one->ask, object_err(err));
		return;
	}
	object_clean(one->ask->self, batch->map, batch->old);
	batch->old->hold.drop(&batch->old->hold);
	object_reply_empty(one->ask, 204);
}

slv_object_err object_delete(struct object_ask *ask)
{
	struct one *one = SLV_NEW(ask->req->arena, struct one);
	if (!one)
		return object_no_memory();
	if (object_param(ask, "versionId").at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "versionId");
	one->ask = ask;
	one->change = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.key = object_row_key(ask->key, one->key) };
	one->batch = (struct slv_omap_batch){
		.map = ask->map,
		.changes = &one->change,
		.count = 1,
		.wants_old = true,
		.done = one_removed,
	};
	slv_omap_write(ask->self->loop, &one->batch);
	return SLV_OBJECT_OK;
}

/* --- many: at most as many in a batch as may want their old rows --- */

#define KEYS_PER_BATCH 250
#define MEMORY_BYTES_MAX SLV_MIB(4) /* of the document, read, and a batch */

struct many {
	struct object_ask *ask;
	struct slv_arena memory; /* for what 1000 keys need is more than a request has */
	struct object_document document;
	struct slv_object_delete wanted;
	slv_object_err *results; /* of each key */
	uint32_t next, in_batch;
	uint32_t batch_keys[KEYS_PER_BATCH];
	uint32_t *same_as; /* of each key: the first with that name; itself, if it is the only one
	                    */
	char (*row_keys)[OBJECT_ROW_KEY_BYTES_MAX];
	struct slv_omap_change changes[KEYS_PER_BATCH];
	struct slv_omap_batch batch;
};

static void many_run(struct many *many);

static void many_drop(void *arg)
{
	struct many *many = arg;
	slv_arena_done(&many->memory);
}

static void print_one(const struct many *many, uint32_t index, struct slv_buf *xml)
{
	slv_str key = many->wanted.keys[index].key;
	slv_object_err err = many->results[many->same_as[index]];
	if (!slv_object_failed(err) && many->wanted.quiet)
		return;
	const char *name = slv_object_failed(err) ? "Error" : "Deleted";
	slv_object_xml_open(xml, name);
	slv_object_xml_text(xml, "Key", key);
	if (slv_object_failed(err)) {
		slv_object_xml_text(xml, "Code", slv_str_from(slv_object_code_name(err.code)));
		slv_object_xml_text(xml, "Message",
				slv_str_from(err.what ? err.what : slv_object_code_text(err.code)));
	}
	slv_object_xml_close(xml, name);
}

static void many_answer(struct many *many)
{
	struct slv_buf xml;
	slv_buf_init(&xml, SLV_MIB(8));
	slv_object_xml_begin(&xml);
	slv_object_xml_open_root(&xml, "DeleteResult");
	for (uint32_t i = 0; i < many->wanted.count; i++)
		print_one(many, i, &xml);
	slv_object_xml_close(&xml, "DeleteResult");
	object_reply_xml(many->ask, &xml);
}

static void batch_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct many *many = SLV_CONTAINER(batch, struct many, batch);
	for (uint32_t i = 0; i < many->in_batch; i++)
		many->results[many->batch_keys[i]] = object_err(err);
	if (!slv_failed(err)) {
		object_clean(many->ask->self, batch->map, batch->old);
		batch->old->hold.drop(&batch->old->hold);
	}
	many_run(many);
}

/* May that key be removed? If not, why is its result. */
static bool is_removable(struct many *many, uint32_t index)
{
	const struct slv_object_delete_key *wanted = &many->wanted.keys[index];
	slv_object_err *result = &many->results[index];
	if (wanted->key.len > SLV_OBJECT_KEY_BYTES_MAX)
		*result = SLV_OBJECT_ERR(SLV_OBJECT_E_KEY_TOO_LONG, NULL);
	else if (wanted->version_id.at && wanted->version_id.len &&
			!slv_str_eq(wanted->version_id, SLV_STR("null")))
		*result = SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_VERSION, NULL);
	else if (wanted->etag.at)
		*result = SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "ETag");
	else if (!object_may(many->ask, SLV_API_ITEM_WRITE, many->ask->bucket, wanted->key))
		*result = SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_DENIED, NULL);
	return !slv_object_failed(*result);
}

/* A key may be named twice, but stands in a batch once: then it has the result of the first. */
static bool is_in_batch(struct many *many, uint32_t index)
{
	slv_str key = many->wanted.keys[index].key;
	for (uint32_t i = 0; i < many->in_batch; i++) {
		if (!slv_str_eq(many->wanted.keys[many->batch_keys[i]].key, key))
			continue;
		many->same_as[index] = many->batch_keys[i];
		return true;
	}
	return false;
}

static void many_run(struct many *many)
{
	many->in_batch = 0;
	for (; many->next < many->wanted.count && many->in_batch < KEYS_PER_BATCH; many->next++) {
		slv_str key = many->wanted.keys[many->next].key;
		if (!is_removable(many, many->next) || is_in_batch(many, many->next))
			continue;
		uint32_t at = many->in_batch++;
		many->batch_keys[at] = many->next;
		many->changes[at] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = object_row_key(key, many->row_keys[at]) };
	}
	if (!many->in_batch) {
		many_answer(many);
		return;
	}
	many->batch = (struct slv_omap_batch){
		.map = many->ask->map,
		.changes = many->changes,
		.count = many->in_batch,
		.wants_old = true,
		.done = batch_removed,
	};
	slv_omap_write(many->ask->self->loop, &many->batch);
}

static void document_came(struct object_document *document, slv_object_err err, slv_str text)
{
	struct many *many = SLV_CONTAINER(document, struct many, document);
	struct slv_arena *arena = &many->memory;
	if (!slv_object_failed(err))
		err = slv_object_document_delete(arena, text, &many->wanted);
	if (!slv_object_failed(err)) {
		many->results = SLV_NEW_ARRAY(arena, slv_object_err, many->wanted.count);
		many->same_as = SLV_NEW_ARRAY(arena, uint32_t, many->wanted.count);
		many->row_keys = slv_arena_take(
				arena, KEYS_PER_BATCH, sizeof(*many->row_keys), alignof(char));
		if (!many->results || !many->same_as || !many->row_keys)
			err = object_no_memory();
		for (uint32_t i = 0; many->same_as && i < many->wanted.count; i++)
			many->same_as[i] = i;
	}
	if (slv_object_failed(err))
		object_fail(many->ask, err);
	else
		many_run(many);
}

slv_object_err object_delete_many(struct object_ask *ask)
{
	struct many *many = SLV_NEW(ask->req->arena, struct many);
	if (!many || !slv_arena_defer(ask->req->arena, many_drop, many))
		return object_no_memory();
	slv_arena_init(&many->memory, SLV_KIB(64), MEMORY_BYTES_MAX);
	many->ask = ask;
	many->document = (struct object_document){
		.ask = ask, .bytes_max = SLV_OBJECT_DELETE_BYTES_MAX, .done = document_came
	};
	return object_document_read(&many->document);
}
