/* outgo.c - an object as a body: from its row, from its blob, or from the blobs of its parts */
#include "base/assert.h"
#include "base/mem.h"
#include "service/object/private.h"

#include <string.h>

#define READ_BYTES SLV_KIB(256)

struct outgo {
	struct slv_source source;
	struct object *self;
	struct slv_pull *pull;
	struct slv_task end;
	slv_err err;   /* that the task tells, or */
	slv_str first; /* the piece that was read before anybody pulled */
	bool closed;   /* while a read of a row is under way: it frees this */
	void (*opened)(void *arg, slv_err err);
	void *opened_arg;

	uint64_t left; /* bytes still to come */
	struct slv_blob_reader *reader;
	uint64_t at, len; /* in the blob that is read now; its length */

	/* Of an object in parts. */
	struct slv_omap *map;
	slv_str list; /* its parts; in the row that `hold` keeps */
	struct slv_hold *hold;
	size_t next; /* part */
	char upload[OBJECT_ID_BYTES];
	char key[OBJECT_PART_KEY_BYTES];
	slv_str keys[1];
	struct slv_omap_read read;
	bool reads_row;
};

static void go_on(struct outgo *outgo);

/* To who pulls, or waits for the first piece. */
static void give(struct outgo *outgo, slv_err err, slv_str bytes)
{
	void (*opened)(void *arg, slv_err err) = outgo->opened;
	outgo->opened = NULL;
	if (!opened) {
		outgo->pull->done(outgo->pull, err, bytes);
		return;
	}
	outgo->first = bytes;
	opened(outgo->opened_arg, err);
}

static void told(struct slv_task *task)
{
	struct outgo *outgo = SLV_CONTAINER(task, struct outgo, end);
	slv_str bytes = outgo->first;
	outgo->first = (slv_str){ 0 };
	give(outgo, outgo->err, bytes);
}

/* The end, or an error: told later, for a pull is not answered before it returns. */
static void tell(struct outgo *outgo, slv_err err)
{
	outgo->err = err;
	slv_task_start(outgo->self->loop, &outgo->end);
}

static void blob_read(void *arg, slv_err err, slv_str bytes)
{
	struct outgo *outgo = arg;
	if (err.code == SLV_E_CANCELLED)
		return; /* closed: it is gone */
	outgo->at += bytes.len;
	outgo->left -= bytes.len;
	give(outgo, err, bytes);
}

static slv_err open_blob(struct outgo *outgo, const struct object_meta *meta)
{
	struct slv_blob_ref ref = { .id = meta->blob, .len = meta->len };
	slv_blob_reader_free(outgo->reader);
	outgo->reader = NULL;
	outgo->len = meta->len;
	return slv_blob_reader_new(outgo->self->loop, outgo->self->blobs, &ref, &outgo->reader);
}

static void outgo_free(struct outgo *outgo)
{
	slv_blob_reader_free(outgo->reader);
	if (outgo->hold)
		outgo->hold->drop(outgo->hold);
	slv_free(outgo);
}

static void part_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct outgo *outgo = SLV_CONTAINER(read, struct outgo, read);
	struct object_meta meta = { 0 };
	outgo->reads_row = false;
	if (!slv_failed(err) && !outgo->closed) {
		err = rows->at[0].version ? object_meta_read(NULL, rows->at[0].value, &meta)
		                          : SLV_ERR(SLV_E_MISSING, "a part of an object is gone");
		if (!slv_failed(err) && meta.where != OBJECT_BLOB)
			err = SLV_ERR(SLV_E_CORRUPT, "a part of an object is no blob");
		if (!slv_failed(err))
			err = open_blob(outgo, &meta);
	}
	if (rows)
		rows->hold.drop(&rows->hold);
	if (outgo->closed)
		outgo_free(outgo);
	else if (slv_failed(err))
		give(outgo, err, (slv_str){ 0 });
	else
		go_on(outgo);
}

static void open_part(struct outgo *outgo)
{
	struct object_part_item item;
	if (!object_part_item_read(outgo->list, outgo->next++, &item)) {
		tell(outgo, SLV_ERR(SLV_E_CORRUPT, "an object has fewer parts than bytes"));
		return;
	}
	outgo->keys[0] = object_part_key(
			(slv_str){ outgo->upload, OBJECT_ID_BYTES }, item.number, outgo->key);
	outgo->read = (struct slv_omap_read){
		.map = outgo->map,
		.what = SLV_OMAP_GET,
		.keys = outgo->keys,
		.count = 1,
		.rows_max = 1,
		.done = part_read,
	};
	outgo->reads_row = true;
	slv_omap_read(outgo->self->loop, &outgo->read);
}

static void go_on(struct outgo *outgo)
{
	if (!outgo->left) {
		tell(outgo, SLV_OK);
		return;
	}
	if (outgo->reader && outgo->at < outgo->len) {
		uint64_t here = outgo->len - outgo->at;
		uint64_t count = outgo->left < here ? outgo->left : here;
		slv_blob_read(outgo->reader, outgo->at,
				count < READ_BYTES ? (size_t)count : READ_BYTES, blob_read, outgo);
		return;
	}
	if (outgo->reader)
		outgo->at = 0; /* of the next part */
	if (outgo->list.at)
		open_part(outgo);
	else
		tell(outgo, SLV_ERR(SLV_E_CORRUPT, "a blob is shorter than its row says"));
}

static void outgo_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct outgo *outgo = SLV_CONTAINER(source, struct outgo, source);
	outgo->pull = pull;
	if (outgo->first.len)
		tell(outgo, SLV_OK);
	else
		go_on(outgo);
}

static void outgo_close(struct slv_source *source)
{
	struct outgo *outgo = SLV_CONTAINER(source, struct outgo, source);
	slv_task_stop(&outgo->end);
	outgo->closed = true;
	if (!outgo->reads_row)
		outgo_free(outgo);
}

static const struct slv_source_ops outgo_ops = { .pull = outgo_pull, .close = outgo_close };

/* The part that byte `first` is in, and where in it. */
static bool find_part(slv_str list, uint64_t first, size_t *ret_index, uint64_t *ret_at)
{
	struct object_part_item item;
	for (size_t i = 0; object_part_item_read(list, i, &item); i++) {
		if (first < item.len) {
			*ret_index = i;
			*ret_at = first;
			return true;
		}
		first -= item.len;
	}
	return false;
}

static slv_err begin(struct outgo *outgo, const struct object_meta *meta, uint64_t first)
{
	if (meta->where == OBJECT_BLOB) {
		outgo->at = first;
		return open_blob(outgo, meta);
	}
	if (!find_part(outgo->list, first, &outgo->next, &outgo->at))
		return SLV_ERR(SLV_E_CORRUPT, "an object has fewer parts than bytes");
	return SLV_OK;
}

slv_err object_body(struct object *self, struct slv_omap *map, const struct object_meta *meta,
		const struct slv_omap_row *row, struct slv_hold *hold, uint64_t first,
		uint64_t count, struct slv_body *ret_body)
{
	slv_assert(first <= meta->len && count <= meta->len - first);
	if (meta->where == OBJECT_INLINE && row->body.len != meta->len)
		return SLV_ERR(SLV_E_CORRUPT, "an object is not as long as its row says");
	if (meta->where == OBJECT_INLINE || !count) {
		slv_str bytes = slv_str_from_index(row->body, (size_t)first);
		*ret_body = slv_body_bytes(slv_str_head(bytes, (size_t)count), hold);
		return SLV_OK;
	}
	struct outgo *outgo = SLV_ALLOC(struct outgo);
	outgo->source.ops = &outgo_ops;
	outgo->self = self;
	outgo->end.run = told;
	outgo->left = count;
	outgo->map = map;
	memcpy(outgo->upload, meta->upload, OBJECT_ID_BYTES);
	if (meta->where == OBJECT_PARTS)
		outgo->list = row->body;
	slv_err err = begin(outgo, meta, first);
	if (slv_failed(err)) {
		outgo_free(outgo);
		return err;
	}
	outgo->hold = hold;
	*ret_body = (struct slv_body){ .length = count, .source = &outgo->source };
	return SLV_OK;
}

void object_body_open(struct slv_body *body, void (*opened)(void *arg, slv_err err), void *arg)
{
	slv_assert(body->source && body->source->ops == &outgo_ops);
	struct outgo *outgo = SLV_CONTAINER(body->source, struct outgo, source);
	outgo->opened = opened;
	outgo->opened_arg = arg;
	go_on(outgo);
}
