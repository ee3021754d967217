/* store_copy.c - one store is made the same as another, which may be written to meanwhile
 *
 * A map is copied in three steps that may be repeated at any time:
 *
 *	merge    its rows, in order and in pages, beside those that the copy has: what is equal
 *	         stays, what differs is written, what is too much goes
 *	follow   the changes since the first page: after each page, and once all maps are merged
 *	settle   a row whose blob was not there is either no longer the same, which the next
 *	         follow brings, or its blob is missing
 *
 * Why the copy of a map is its exact state at one version: let a follow end at version V with
 * nothing more to come. A row whose last change was after the first page's version was told by one
 * of the follows, in its state at V: it would have been told again if it had changed since. Any
 * other row was the same in all pages, and the merge has seen to it.
 *
 * The blobs of a row are copied before the row is written, and those of a row that is replaced are
 * removed afterwards, as services do it: whenever this ends, what a row of the copy names is there
 * but for what was missing, and the next time goes on from there.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "main/store.h"

#include <string.h>

#define ROWS_MAX SLV_OMAP_OLD_MAX /* of a page, and of a batch */
#define BYTES_MAX SLV_MIB(8)
#define MERGES_MAX 10      /* of a map whose changes are not remembered for so long, in turn */
#define ROUNDS_MAX 100     /* in which rows change faster than their blobs can be copied */
#define WANTING_MAX 100000 /* rows whose blobs are not there */

struct map {
	struct slv_omap *from, *to;
	char name[SLV_OMAP_NAME_BYTES_MAX];
	size_t name_len;
	bool merged;
	bool broken;             /* told; what the copy has of it stays */
	uint64_t epoch, version; /* of what the copy is like; epoch 0: nobody has written to it */
};

/* A row whose blob was not there. */
struct wanting {
	size_t map; /* index */
	uint64_t version;
	struct slv_blob_id id;
	bool damaged;
	size_t key_len;
	char *key;
};

struct copy {
	struct store_tool *tool;
	const struct store *from, *to;
	struct map **maps; /* a place each, in no order */
	size_t map_count;
	bool has_blobs; /* `to`: before there is one, there is no folder to look into */
	struct wanting *wanting;
	size_t wanting_count;
	size_t batch_count;
	struct slv_omap_change batch[ROWS_MAX];
};

static slv_str name_of(const struct map *map)
{
	return (slv_str){ map->name, map->name_len };
}

/* --- blobs --- */

static slv_err want(struct copy *copy, size_t map, const struct slv_omap_row *row,
		const struct slv_blob_ref *ref, bool damaged)
{
	if (copy->wanting_count == WANTING_MAX)
		return SLV_ERR(SLV_E_LIMIT, "more than 100000 blobs are missing: is store.blobs "
					    "right?");
	copy->wanting = slv_realloc(
			copy->wanting, (copy->wanting_count + 1) * sizeof(*copy->wanting));
	struct wanting *wanting = &copy->wanting[copy->wanting_count++];
	*wanting = (struct wanting){ .map = map,
		.version = row->version,
		.id = ref->id,
		.damaged = damaged,
		.key_len = row->key.len,
		.key = slv_alloc(row->key.len) };
	memcpy(wanting->key, row->key.at, row->key.len);
	return SLV_OK;
}

/* `*ret_source` is the error of who is read. */
static slv_err pump(struct copy *copy, struct slv_blob_reader *reader,
		struct slv_blob_writer *writer, uint64_t len, slv_err *ret_source)
{
	slv_err err = SLV_OK;
	*ret_source = SLV_OK;
	for (uint64_t at = 0; at < len && !slv_failed(err);) {
		uint64_t left = len - at;
		size_t count = left < SLV_BLOB_READ_BYTES_MAX ? (size_t)left
		                                              : SLV_BLOB_READ_BYTES_MAX;
		slv_str bytes;
		*ret_source = store_blob_read(copy->tool, reader, at, count, &bytes);
		if (slv_failed(*ret_source))
			return SLV_OK;
		err = store_blob_write(copy->tool, writer, bytes);
		at += count;
		copy->tool->count.blob_bytes += count;
	}
	return slv_failed(err) ? err : store_blob_finish(copy->tool, writer);
}

/* What a copy that was interrupted has left is in the way. */
static slv_err blob_copy(struct copy *copy, const struct slv_blob_ref *ref, slv_err *ret_source)
{
	struct store_tool *tool = copy->tool;
	struct slv_blob_reader *reader;
	struct slv_blob_writer *writer;
	slv_err err = store_blob_remove(tool, copy->to->blobs, &ref->id, SLV_BLOB_BEGUN_TOO);
	if (!slv_failed(err))
		err = slv_blob_writer_new_as(tool->loop, copy->to->blobs, &ref->id, &writer);
	if (slv_failed(err))
		return err;
	err = slv_blob_reader_new(tool->loop, copy->from->blobs, ref, &reader);
	if (!slv_failed(err)) {
		err = pump(copy, reader, writer, ref->len, ret_source);
		slv_blob_reader_free(reader);
	}
	slv_blob_writer_free(writer);
	return err;
}

/* What `row` names is in the copy, or the row is wanting. */
static slv_err blob_see_to(struct copy *copy, size_t map, const struct slv_omap_row *row)
{
	struct slv_blob_ref ref;
	slv_err source = SLV_OK;
	bool has;
	/* A row of no known form is copied as it is: it is the check's to tell. */
	if (slv_failed(store_ref_read(
			    name_of(copy->maps[map]), row->key, row->value, &has, &ref)) ||
			!has)
		return SLV_OK;
	slv_err err = copy->has_blobs ? store_blob_look(copy->tool, copy->to->blobs, &ref)
	                              : SLV_ERR(SLV_E_MISSING, "there are none");
	if (err.code == SLV_E_MISSING || err.code == SLV_E_CORRUPT)
		err = blob_copy(copy, &ref, &source);
	if (slv_failed(err))
		return err;
	copy->has_blobs |= !slv_failed(source);
	if (source.code == SLV_E_MISSING || source.code == SLV_E_CORRUPT)
		return want(copy, map, row, &ref, source.code == SLV_E_CORRUPT);
	copy->tool->count.blobs += !slv_failed(source);
	return source;
}

/* What a row of the copy named, unless it names it again. */
static slv_err blob_give_up(struct copy *copy, size_t map, const struct slv_omap_row *old,
		const struct slv_omap_change *change)
{
	slv_str name = name_of(copy->maps[map]);
	struct slv_blob_ref was, is;
	bool had, has = false;
	if (!old->version || slv_failed(store_ref_read(name, old->key, old->value, &had, &was)) ||
			!had)
		return SLV_OK;
	if (change->what == SLV_OMAP_PUT &&
			slv_failed(store_ref_read(name, change->key, change->value, &has, &is)))
		has = false;
	if (has && memcmp(&is.id, &was.id, sizeof(is.id)) == 0)
		return SLV_OK;
	return store_blob_remove(copy->tool, copy->to->blobs, &was.id, SLV_BLOB_BEGUN_TOO);
}

/* --- writing --- */

static slv_err copy_damaged(void)
{
	return SLV_ERR(SLV_E_SYS, "the copy is damaged: begin another one");
}

static slv_err flush(struct copy *copy, size_t map)
{
	struct slv_omap_batch batch = { .map = copy->maps[map]->to,
		.changes = copy->batch,
		.count = copy->batch_count,
		.wants_old = true };
	if (!copy->batch_count)
		return SLV_OK;
	slv_err err = store_write(copy->tool, &batch);
	if (err.code == SLV_E_CORRUPT)
		return copy_damaged();
	if (slv_failed(err))
		return err;
	for (size_t i = 0; i < copy->batch_count && !slv_failed(err); i++)
		err = blob_give_up(copy, map, &batch.old->at[i], &copy->batch[i]);
	store_rows_drop(&batch.old);
	copy->batch_count = 0;
	return err;
}

static slv_err put(struct copy *copy, size_t map, const struct slv_omap_row *row)
{
	slv_err err = blob_see_to(copy, map, row);
	if (slv_failed(err))
		return err;
	copy->batch[copy->batch_count++] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT, .key = row->key, .value = row->value, .body = row->body
	};
	return copy->batch_count == ROWS_MAX ? flush(copy, map) : SLV_OK;
}

static slv_err take_away(struct copy *copy, size_t map, slv_str key)
{
	copy->batch[copy->batch_count++] =
			(struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = key };
	return copy->batch_count == ROWS_MAX ? flush(copy, map) : SLV_OK;
}

static void tell_damage(struct copy *copy, size_t map, slv_str key)
{
	copy->tool->count.damaged++;
	store_say(copy->tool, "damaged row, not copied: %.*s %s", SLV_FMT(name_of(copy->maps[map])),
			store_printable(copy->tool, key));
}

static void count_row(struct copy *copy, const struct slv_omap_row *row)
{
	copy->tool->count.rows++;
	copy->tool->count.row_bytes += row->key.len + row->value.len + row->body.len;
}

/* --- a page of rows beside those of the copy --- */

/* The rows of a map from one key to another, one after the other. */
struct cursor {
	struct copy *copy;
	size_t map;
	struct slv_omap *of;
	slv_str until;
	struct slv_omap_rows *rows;
	size_t index;
	bool at_end;
	size_t from_len;
	char from[SLV_OMAP_KEY_BYTES_MAX + 1]; /* where the next page begins */
};

static void cursor_move(struct cursor *cursor, slv_str last)
{
	slv_assert(last.len <= SLV_OMAP_KEY_BYTES_MAX);
	if (last.len)
		memcpy(cursor->from, last.at, last.len);
	cursor->from[last.len] = 0; /* the first key behind it */
	cursor->from_len = last.len + 1;
}

static slv_err cursor_load(struct cursor *cursor)
{
	struct slv_omap_read read = { .map = cursor->of,
		.what = SLV_OMAP_SCAN,
		.bodies = true,
		.tells_damaged = true,
		.from = { cursor->from, cursor->from_len },
		.until = cursor->until,
		.rows_max = ROWS_MAX,
		.bytes_max = BYTES_MAX };
	/* What waits to be written points into the rows. */
	slv_err err = flush(cursor->copy, cursor->map);
	store_rows_drop(&cursor->rows);
	cursor->index = 0;
	if (!slv_failed(err))
		err = store_read(cursor->copy->tool, &read, &cursor->rows);
	if (err.code == SLV_E_CORRUPT && cursor->of == cursor->copy->maps[cursor->map]->to)
		return copy_damaged();
	if (slv_failed(err))
		return err;
	cursor->at_end = !cursor->rows->more;
	slv_str last = cursor->rows->count ? cursor->rows->at[cursor->rows->count - 1].key
	                                   : (slv_str){ 0 };
	if (last.len > SLV_OMAP_KEY_BYTES_MAX)
		return SLV_ERR(SLV_E_CORRUPT, "a key in the store is too long");
	cursor_move(cursor, last);
	return SLV_OK;
}

/* The next row; NULL: there is none. */
static slv_err cursor_peek(struct cursor *cursor, const struct slv_omap_row **ret_row)
{
	while (!cursor->rows || (cursor->index == cursor->rows->count && !cursor->at_end)) {
		slv_err err = cursor_load(cursor);
		if (slv_failed(err))
			return err;
	}
	*ret_row = cursor->index < cursor->rows->count ? &cursor->rows->at[cursor->index] : NULL;
	return SLV_OK;
}

/* All that the copy has before `key` goes; `*ret_row` is what is there, or NULL. */
static slv_err pass_to(struct cursor *cursor, slv_str key, const struct slv_omap_row **ret_row)
{
	for (;;) {
		slv_err err = cursor_peek(cursor, ret_row);
		if (slv_failed(err) || !*ret_row)
			return err;
		int order = slv_str_cmp((*ret_row)->key, key);
		if (order >= 0) {
			*ret_row = order ? NULL : *ret_row;
			return SLV_OK;
		}
		err = take_away(cursor->copy, cursor->map, (*ret_row)->key);
		if (slv_failed(err))
			return err;
		cursor->index++;
	}
}

static slv_err pass_all(struct cursor *cursor)
{
	for (;;) {
		const struct slv_omap_row *row;
		slv_err err = cursor_peek(cursor, &row);
		if (slv_failed(err) || !row)
			return err;
		err = take_away(cursor->copy, cursor->map, row->key);
		if (slv_failed(err))
			return err;
		cursor->index++;
	}
}

/* What is damaged here and good in the copy stays there. */
static slv_err merge_row(struct cursor *has, const struct slv_omap_row *row)
{
	const struct slv_omap_row *there;
	slv_err err = pass_to(has, row->key, &there);
	if (slv_failed(err))
		return err;
	if (there)
		has->index++;
	if (row->damaged) {
		tell_damage(has->copy, has->map, row->key);
		return SLV_OK;
	}
	count_row(has->copy, row);
	if (there && !there->damaged && slv_str_eq(there->value, row->value) &&
			slv_str_eq(there->body, row->body))
		return blob_see_to(has->copy, has->map, row);
	return put(has->copy, has->map, row);
}

static slv_err merge_page(struct copy *copy, size_t map, slv_str from,
		const struct slv_omap_rows *rows, slv_str until)
{
	struct cursor *has = SLV_ALLOC(struct cursor);
	slv_err err = SLV_OK;
	*has = (struct cursor){
		.copy = copy, .map = map, .of = copy->maps[map]->to, .until = until
	};
	if (from.len)
		memcpy(has->from, from.at, from.len);
	has->from_len = from.len;
	for (size_t i = 0; i < rows->count && !slv_failed(err); i++)
		err = merge_row(has, &rows->at[i]);
	if (!slv_failed(err))
		err = pass_all(has);
	if (!slv_failed(err))
		err = flush(copy, map);
	copy->batch_count = 0;
	store_rows_drop(&has->rows);
	slv_free(has);
	return err;
}

/* --- changes --- */

static slv_err apply(struct copy *copy, size_t map, const struct slv_omap_rows *rows)
{
	slv_err err = SLV_OK;
	for (size_t i = 0; i < rows->count && !slv_failed(err); i++) {
		const struct slv_omap_row *row = &rows->at[i];
		if (row->damaged)
			tell_damage(copy, map, row->key);
		else if (row->removed)
			err = take_away(copy, map, row->key);
		else
			err = put(copy, map, row);
	}
	if (!slv_failed(err))
		err = flush(copy, map);
	copy->batch_count = 0;
	return err;
}

/* SLV_E_RANGE: it must be merged again. */
static slv_err follow(struct copy *copy, size_t map_index)
{
	struct map *map = copy->maps[map_index];
	bool more = true;
	slv_err err = SLV_OK;
	while (more && !slv_failed(err)) {
		struct slv_omap_rows *rows;
		struct slv_omap_read read = { .map = map->from,
			.what = SLV_OMAP_CHANGES,
			.bodies = true,
			.tells_damaged = true,
			.since = map->version,
			.epoch = map->epoch,
			.rows_max = ROWS_MAX,
			.bytes_max = BYTES_MAX };
		err = store_read(copy->tool, &read, &rows);
		if (slv_failed(err))
			return err;
		more = rows->more;
		err = apply(copy, map_index, rows);
		map->epoch = rows->epoch;
		/* That of a damaged row may be anything. */
		uint64_t last = more ? rows->at[rows->count - 1].version : rows->version;
		map->version = last < rows->version ? last : rows->version;
		store_rows_drop(&rows);
	}
	return err;
}

/* --- a map --- */

/* One page, and the changes meanwhile. */
static slv_err merge_some(struct copy *copy, size_t map_index, struct cursor *at)
{
	struct map *map = copy->maps[map_index];
	size_t begun_len = at->from_len;
	char begun[SLV_OMAP_KEY_BYTES_MAX + 1];
	memcpy(begun, at->from, begun_len);
	slv_err err = cursor_load(at);
	if (slv_failed(err))
		return err;
	if (!map->merged) { /* the first page */
		map->version = at->rows->version;
		map->epoch = at->rows->epoch;
		map->merged = true;
	}
	slv_str until = at->at_end ? (slv_str){ 0 } : (slv_str){ at->from, at->from_len };
	err = merge_page(copy, map_index, (slv_str){ begun, begun_len }, at->rows, until);
	return slv_failed(err) ? err : follow(copy, map_index);
}

static slv_err merge(struct copy *copy, size_t map_index)
{
	struct cursor *at = SLV_ALLOC(struct cursor);
	slv_err err = SLV_OK;
	*at = (struct cursor){ .copy = copy, .map = map_index, .of = copy->maps[map_index]->from };
	copy->maps[map_index]->merged = false;
	while (!at->at_end && !slv_failed(err))
		err = merge_some(copy, map_index, at);
	store_rows_drop(&at->rows);
	slv_free(at);
	return err;
}

static void tell_broken(struct copy *copy, struct map *map, const char *what)
{
	map->broken = true;
	copy->tool->count.damaged++;
	store_say(copy->tool, "damaged map, not copied: %.*s: %s", SLV_FMT(name_of(map)), what);
}

/* As it is now. */
static slv_err bring_up(struct copy *copy, size_t map_index)
{
	struct map *map = copy->maps[map_index];
	if (map->broken)
		return SLV_OK;
	slv_err err = map->merged ? follow(copy, map_index) : SLV_ERR(SLV_E_RANGE, "new");
	for (int i = 0; i < MERGES_MAX && err.code == SLV_E_RANGE; i++)
		err = merge(copy, map_index);
	if (err.code == SLV_E_CORRUPT) {
		tell_broken(copy, map, err.what);
		return SLV_OK;
	}
	/* Dropped, or never there: then its rows are gone by now. */
	if (!slv_failed(err) && map->epoch == 0)
		err = store_drop(copy->tool, map->to);
	return err;
}

/* --- all of them --- */

static bool is_known(const struct copy *copy, slv_str name)
{
	for (size_t i = 0; i < copy->map_count; i++)
		if (slv_str_eq(name_of(copy->maps[i]), name))
			return true;
	return false;
}

static void add_map(struct copy *copy, slv_str name)
{
	if (is_known(copy, name))
		return;
	struct map *map = SLV_ALLOC(struct map);
	memcpy(map->name, name.at, name.len);
	map->name_len = name.len;
	map->from = slv_omap_named(copy->from->maps, name);
	map->to = slv_omap_named(copy->to->maps, name);
	copy->maps = slv_realloc(copy->maps, (copy->map_count + 1) * sizeof(struct map *));
	copy->maps[copy->map_count++] = map;
}

static slv_err add_maps(struct copy *copy, struct slv_omaps *maps)
{
	char after[SLV_OMAP_NAME_BYTES_MAX];
	slv_str behind = { after, 0 };
	bool more = true;
	while (more) {
		struct slv_omap_rows *names;
		slv_err err = store_maps_list(copy->tool, maps, behind, &names);
		if (slv_failed(err))
			return err;
		more = names->more;
		for (size_t i = 0; i < names->count; i++) {
			add_map(copy, names->at[i].key);
			behind.len = names->at[i].key.len;
			memcpy(after, names->at[i].key.at, behind.len);
		}
		store_rows_drop(&names);
	}
	return SLV_OK;
}

/* --- rows whose blobs were not there --- */

static slv_err settle_one(struct copy *copy, const struct wanting *wanting, bool *ret_again)
{
	struct map *map = copy->maps[wanting->map];
	slv_str key = { wanting->key, wanting->key_len };
	char id[STORE_ID_TEXT];
	struct slv_omap_rows *rows;
	struct slv_omap_read read = {
		.map = map->from,
		.what = SLV_OMAP_GET,
		.tells_damaged = true,
		.keys = &key,
		.count = 1,
		.rows_max = 1,
	};
	slv_err err = store_read(copy->tool, &read, &rows);
	if (slv_failed(err))
		return err;
	bool same = rows->epoch == map->epoch && rows->at[0].version == wanting->version;
	store_rows_drop(&rows);
	if (!same) {
		*ret_again = true;
		return SLV_OK;
	}
	*(wanting->damaged ? &copy->tool->count.damaged : &copy->tool->count.missing) += 1;
	store_id_text(&wanting->id, id);
	store_say(copy->tool, "%s blob: %s, which %.*s %s names",
			wanting->damaged ? "damaged" : "missing", id, SLV_FMT(name_of(map)),
			store_printable(copy->tool, key));
	return SLV_OK;
}

/* `*ret_again`: something has changed since, and must be followed. */
static slv_err settle(struct copy *copy, bool *ret_again)
{
	slv_err err = SLV_OK;
	*ret_again = false;
	for (size_t i = 0; i < copy->wanting_count; i++) {
		if (!slv_failed(err))
			err = settle_one(copy, &copy->wanting[i], ret_again);
		slv_free(copy->wanting[i].key);
	}
	copy->wanting_count = 0;
	return err;
}

/* The first round brings what there is, the second what was written meanwhile, shortly after each
 * other for all maps. */
static slv_err rounds(struct copy *copy)
{
	bool again = true;
	slv_err err = add_maps(copy, copy->to->maps);
	for (int round = 0; again && !slv_failed(err); round++) {
		if (round == ROUNDS_MAX)
			return SLV_ERR(SLV_E_BUSY,
					"it is written to faster than it can be copied; try again");
		err = add_maps(copy, copy->from->maps);
		for (size_t i = 0; i < copy->map_count && !slv_failed(err); i++)
			err = bring_up(copy, i);
		if (!slv_failed(err) && round > 0)
			err = settle(copy, &again);
	}
	for (size_t i = 0; i < copy->map_count; i++)
		copy->tool->count.maps += copy->maps[i]->epoch != 0;
	return err;
}

slv_err store_copy(struct store_tool *tool, const struct store *from, const struct store *to)
{
	struct copy *copy = SLV_ALLOC(struct copy);
	copy->tool = tool;
	copy->from = from;
	copy->to = to;
	slv_err err = store_has_blobs(tool, to->blobs, &copy->has_blobs);
	if (!slv_failed(err))
		err = rounds(copy);
	for (size_t i = 0; i < copy->wanting_count; i++)
		slv_free(copy->wanting[i].key);
	for (size_t i = 0; i < copy->map_count; i++)
		slv_free(copy->maps[i]);
	slv_free(copy->wanting);
	slv_free(copy->maps);
	slv_free(copy);
	return err;
}
