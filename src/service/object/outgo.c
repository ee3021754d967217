/* outgo.c - an object as a body: from its row, from its blob, or from the blobs of its parts */
#include "base/assert.h"
#include "base/mem.h"
#include "service/blob_body.h"
#include "service/object/private.h"

#include <string.h>

/* The parts of an object: each is looked for when the body comes to it. */
struct outgo {
	struct slv_blob_chain chain;
	struct slv_loop *loop;
	struct slv_omap *map;
	slv_str list; /* in the row that `hold` keeps */
	struct slv_hold *hold;
	size_t next; /* part */
	char upload[OBJECT_ID_BYTES];
	char key[OBJECT_PART_KEY_BYTES];
	slv_str keys[1];
	struct slv_omap_read read;
	bool reads;
	bool dropped; /* while a read is under way: it frees this */
};

static void outgo_free(struct outgo *outgo)
{
	outgo->hold->drop(outgo->hold);
	slv_free(outgo);
}

static slv_err part_ref(const struct slv_omap_row *row, struct slv_blob_ref *ret_ref)
{
	struct object_meta meta;
	if (!row->version)
		return SLV_ERR(SLV_E_MISSING, "a part of an object is gone");
	slv_err err = object_meta_read(NULL, row->value, &meta);
	if (slv_failed(err))
		return err;
	if (meta.where != OBJECT_BLOB)
		return SLV_ERR(SLV_E_CORRUPT, "a part of an object is no blob");
	*ret_ref = (struct slv_blob_ref){ .id = meta.blob, .len = meta.len };
	return SLV_OK;
}

static void part_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct outgo *outgo = SLV_CONTAINER(read, struct outgo, read);
	struct slv_blob_ref ref = { .len = 0 };
	outgo->reads = false;
	if (!slv_failed(err))
		err = part_ref(&rows->at[0], &ref);
	if (rows)
		rows->hold.drop(&rows->hold);
	if (outgo->dropped)
		outgo_free(outgo);
	else
		slv_blob_body_next(outgo->chain.body, err, &ref);
}

static slv_err outgo_next(struct slv_blob_chain *chain)
{
	struct outgo *outgo = SLV_CONTAINER(chain, struct outgo, chain);
	struct object_part_item item;
	if (!object_part_item_read(outgo->list, outgo->next++, &item))
		return SLV_ERR(SLV_E_CORRUPT, "an object has fewer parts than bytes");
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
	outgo->reads = true;
	slv_omap_read(outgo->loop, &outgo->read);
	return SLV_OK;
}

static void outgo_drop(struct slv_blob_chain *chain)
{
	struct outgo *outgo = SLV_CONTAINER(chain, struct outgo, chain);
	outgo->dropped = true;
	if (!outgo->reads)
		outgo_free(outgo);
}

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

static slv_err body_of_parts(struct object *self, struct slv_omap *map,
		const struct object_meta *meta, slv_str list, struct slv_hold *hold, uint64_t first,
		uint64_t count, struct slv_body *ret_body)
{
	size_t index;
	uint64_t at;
	if (!find_part(list, first, &index, &at))
		return SLV_ERR(SLV_E_CORRUPT, "an object has fewer parts than bytes");
	struct outgo *outgo = SLV_ALLOC(struct outgo);
	outgo->chain.next = outgo_next;
	outgo->chain.drop = outgo_drop;
	outgo->loop = self->loop;
	outgo->map = map;
	outgo->list = list;
	outgo->hold = hold;
	outgo->next = index;
	memcpy(outgo->upload, meta->upload, OBJECT_ID_BYTES);
	slv_blob_body_new_of(self->loop, self->blobs, &outgo->chain, at, count, ret_body);
	return SLV_OK;
}

slv_err object_body(struct object *self, struct slv_omap *map, const struct object_meta *meta,
		const struct slv_omap_row *row, struct slv_hold *hold, uint64_t first,
		uint64_t count, struct slv_body *ret_body)
{
	struct slv_blob_ref ref = { .id = meta->blob, .len = meta->len };
	slv_assert(first <= meta->len && count <= meta->len - first);
	if (meta->where == OBJECT_INLINE && row->body.len != meta->len)
		return SLV_ERR(SLV_E_CORRUPT, "an object is not as long as its row says");
	if (meta->where == OBJECT_INLINE || !count) {
		slv_str bytes = slv_str_from_index(row->body, (size_t)first);
		*ret_body = slv_body_bytes(slv_str_head(bytes, (size_t)count), hold);
		return SLV_OK;
	}
	if (meta->where == OBJECT_PARTS)
		return body_of_parts(self, map, meta, row->body, hold, first, count, ret_body);
	slv_err err = slv_blob_body_new(self->loop, self->blobs, &ref, first, count, ret_body);
	if (!slv_failed(err))
		hold->drop(hold);
	return err;
}
