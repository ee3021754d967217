/* clean.c - what rows that were replaced or removed stood for: blobs, and parts
 *
 * After the row is gone nobody can ask for these, so nobody waits, and the service may have ended
 * before: nothing of it but the loop and the store is used. What a crash leaves behind is
 * found later: parts by the row r<upload>, and blobs by `selvedge store check`. If an upload is
 * given up, that row is written with its end; that an object in parts was replaced is known only
 * afterwards, and if the row cannot be written then, its parts stay, and their blobs, which they
 * name, until that check finds them, too.
 *
 * Who is reading a blob that is a file reads it to its end, for it is open; of one at an endpoint
 * of S3 nothing comes any more, and the reply breaks off. Parts are opened one after the other: so
 * those of an object stay for a while, wherever they are, and the sweep takes them. */
#include "base/mem.h"
#include "service/object/private.h"

#include <string.h>

#define PARTS_MAX 500 /* of a step */

void object_clean_blob(struct object *self, struct slv_blob_id id)
{
	slv_blob_discard(self->loop, self->blobs, &id);
}

/* --- parts --- */

struct parts {
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	struct slv_omap *map;
	char from[OBJECT_PART_KEY_BYTES], until[OBJECT_PART_KEY_BYTES];
	char remains[OBJECT_PART_KEY_BYTES];
	struct slv_omap_read read;
	struct slv_omap_rows *rows;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[PARTS_MAX + 1];
};

static void read_parts(struct parts *parts);

static void parts_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct parts *parts = SLV_CONTAINER(batch, struct parts, batch);
	struct slv_omap_rows *rows = parts->rows;
	bool more = rows->more;
	for (size_t i = 0; i < rows->count && !slv_failed(err); i++) {
		struct object_meta meta;
		if (!slv_failed(object_meta_read(NULL, rows->at[i].value, &meta)) &&
				meta.where == OBJECT_BLOB)
			slv_blob_discard(parts->loop, parts->blobs, &meta.blob);
	}
	rows->hold.drop(&rows->hold);
	if (more && !slv_failed(err) && !slv_blobs_behind(parts->blobs))
		read_parts(parts);
	else
		slv_free(parts); /* what is left the sweep finds: r<upload> goes with the last */
}

static void parts_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct parts *parts = SLV_CONTAINER(read, struct parts, read);
	if (slv_failed(err)) {
		slv_free(parts);
		return;
	}
	size_t count = rows->count;
	parts->rows = rows;
	for (size_t i = 0; i < count; i++)
		parts->changes[i] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = rows->at[i].key };
	if (!rows->more)
		parts->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = { parts->remains, 1 + OBJECT_ID_BYTES } };
	parts->batch = (struct slv_omap_batch){
		.map = parts->map, .changes = parts->changes, .count = count, .done = parts_removed
	};
	slv_omap_write(parts->loop, &parts->batch);
}

static void read_parts(struct parts *parts)
{
	parts->read = (struct slv_omap_read){
		.map = parts->map,
		.what = SLV_OMAP_SCAN,
		.from = { parts->from, sizeof(parts->from) },
		.until = { parts->until, sizeof(parts->until) },
		.rows_max = PARTS_MAX,
		.done = parts_read,
	};
	slv_omap_read(parts->loop, &parts->read);
}

static void clean_parts(struct slv_loop *loop, struct slv_blobs *blobs, struct slv_omap *map,
		slv_str upload)
{
	struct parts *parts = SLV_ALLOC(struct parts);
	parts->loop = loop;
	parts->blobs = blobs;
	parts->map = map;
	(void)object_part_key(upload, 0, parts->from);                         /* fills it */
	(void)object_part_key(upload, SLV_OBJECT_PARTS_MAX + 1, parts->until); /* likewise */
	(void)object_remains_key(upload, parts->remains);                      /* likewise */
	read_parts(parts);
}

void object_clean_parts(struct object *self, struct slv_omap *map, slv_str upload)
{
	clean_parts(self->loop, self->blobs, map, upload);
}

/* --- rows --- */

#define TRIES_MAX 5

/* The note r<upload>. Only into a bucket that is there: open or, if it is just then being removed,
 * closed, for it may be opened again. */
struct remains {
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	bool at_once; /* the parts go with it */
	unsigned tries;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[2];
	char key[OBJECT_PART_KEY_BYTES], since[SLV_U64_DIGITS];
};

static void note(struct remains *remains, struct slv_omap *map);

static void remains_noted(struct slv_omap_batch *batch, slv_err err)
{
	struct remains *remains = SLV_CONTAINER(batch, struct remains, batch);
	if (err.code == SLV_E_PRECONDITION && ++remains->tries < TRIES_MAX) {
		note(remains, batch->map);
		return;
	}
	if (!slv_failed(err) && remains->at_once)
		clean_parts(remains->loop, remains->blobs, batch->map,
				slv_str_from_index(remains->changes[0].key, 1));
	slv_free(remains);
}

static void note(struct remains *remains, struct slv_omap *map)
{
	remains->changes[1] = object_open_check();
	if (remains->tries % 2)
		remains->changes[1].key = SLV_STR(OBJECT_CLOSED_KEY);
	remains->batch = (struct slv_omap_batch){
		.map = map, .changes = remains->changes, .count = 2, .done = remains_noted
	};
	slv_omap_write(remains->loop, &remains->batch);
}

/* A row that was replaced: that it was in parts was not known before, so it is noted now. */
static void clean_replaced_parts(struct object *self, struct slv_omap *map, slv_str upload)
{
	struct remains *remains = SLV_ALLOC(struct remains);
	remains->loop = self->loop;
	remains->blobs = self->blobs;
	remains->at_once = !self->settings->keep_replaced_s;
	remains->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = object_remains_key(upload, remains->key),
		.value = slv_str_of_u64((uint64_t)slv_loop_wall_ms(self->loop), remains->since) };
	note(remains, map);
}

void object_clean(struct object *self, struct slv_omap *map, const struct slv_omap_rows *old)
{
	for (size_t i = 0; i < old->count; i++) {
		struct object_meta meta;
		const struct slv_omap_row *row = &old->at[i];
		char kind = row->key.len ? row->key.at[0] : 0;
		if (!row->version || (kind != 'o' && kind != 'p') ||
				slv_failed(object_meta_read(NULL, row->value, &meta)))
			continue;
		if (meta.where == OBJECT_BLOB)
			object_clean_blob(self, meta.blob);
		else if (meta.where == OBJECT_PARTS)
			clean_replaced_parts(self, map, (slv_str){ meta.upload, OBJECT_ID_BYTES });
	}
}
