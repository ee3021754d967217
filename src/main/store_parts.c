/* store_parts.c - parts of uploads that nothing names any more
 *
 * The parts of an object have rows p<upload>… of their own. That an object was replaced is known
 * only behind its batch, and then noted by a row r<upload>, by which the sweep takes its parts away
 * (service/object/clean.c). If the process dies in between, they stay, and so do their blobs, for
 * their rows name them. With --repair the note is written that was lost; the rest is the sweep's.
 *
 * In each bucket, rows p are read first, then u (uploads under way), then o (objects), then r. Why
 * nothing in use is taken for what is left, though others write meanwhile: an upload's row u is
 * there before any of its parts, goes with the batch that makes it an object, or with the one that
 * notes r, and never comes back. So if it was not met behind the parts, the upload had ended before
 * the rows o were read; a scan meets each that is there from before it to behind it; and no upload
 * becomes an object twice.
 *
 * What cannot be read may have named anything: a bucket with such a row is not looked at further.
 * One that is not open is left alone: it is being removed, with all that is in it.
 */
#include "base/mem.h"
#include "main/store.h"
#include "service/object/meta.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000
#define BYTES_MAX SLV_MIB(4)
#define UPLOADS_FIRST 64 /* there is room for */
#define ID_BYTES (OBJECT_ID_BYTES / 2)
#define FROM_BYTES_MAX (SLV_OMAP_KEY_BYTES_MAX + 1)

struct upload {
	uint8_t id[ID_BYTES];
	bool named;
};

struct parts {
	struct store_tool *tool;
	const struct store_check *how;
	slv_str name; /* of the map */
	struct slv_omap *map;
	struct upload *uploads; /* by id, as the rows of their parts come */
	size_t count, room, max;
	char next[FROM_BYTES_MAX]; /* where the rows of the next ones begin */
	size_t next_len;
};

/* --- what rows name --- */

static slv_err no_form(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "a row is of no known form");
}

/* SLV_E_LIMIT: there is no room for that one. */
static slv_err take_part(struct parts *parts, const struct slv_omap_row *row)
{
	struct upload upload = { .named = false };
	if (row->key.len != OBJECT_PART_KEY_BYTES ||
			!slv_str_unhex((slv_str){ row->key.at + 1, OBJECT_ID_BYTES }, upload.id,
					ID_BYTES))
		return SLV_OK; /* so it is not found to be left */
	if (parts->count && memcmp(parts->uploads[parts->count - 1].id, upload.id, ID_BYTES) == 0)
		return SLV_OK;
	if (parts->count == parts->max)
		return SLV_ERR(SLV_E_LIMIT, "more uploads than are looked at at once");
	if (parts->count == parts->room) {
		parts->room = parts->room ? 2 * parts->room : UPLOADS_FIRST;
		parts->uploads = slv_realloc(parts->uploads, parts->room * sizeof(upload));
	}
	parts->uploads[parts->count++] = upload;
	return SLV_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct upload *)a)->id, ((const struct upload *)b)->id, ID_BYTES);
}

static slv_err name(struct parts *parts, slv_str id)
{
	struct upload wanted = { .named = true };
	if (!slv_str_unhex(id, wanted.id, ID_BYTES))
		return no_form();
	struct upload *found =
			bsearch(&wanted, parts->uploads, parts->count, sizeof(wanted), by_id);
	if (found)
		found->named = true;
	return SLV_OK;
}

static slv_err take_upload(struct parts *parts, const struct slv_omap_row *row)
{
	slv_str key, upload;
	if (row->key.len < 2 + OBJECT_ID_BYTES)
		return no_form();
	object_upload_read(row->key, &key, &upload);
	return name(parts, upload);
}

static slv_err take_object(struct parts *parts, const struct slv_omap_row *row)
{
	struct object_meta meta;
	if (slv_failed(object_meta_read(NULL, row->value, &meta)))
		return no_form();
	return meta.where == OBJECT_PARTS ? name(parts, (slv_str){ meta.upload, OBJECT_ID_BYTES })
	                                  : SLV_OK;
}

static slv_err take_remains(struct parts *parts, const struct slv_omap_row *row)
{
	return name(parts, slv_str_from_index(row->key, 1));
}

static void next_is(struct parts *parts, slv_str key)
{
	memcpy(parts->next, key.at, key.len);
	parts->next_len = key.len;
}

/* Hand the rows from parts->next on to `take`, until it fails; with SLV_E_LIMIT: then `*ret_more`,
 * and the next is the one that it did not take. */
static slv_err scan(struct parts *parts, slv_str until,
		slv_err (*take)(struct parts *parts, const struct slv_omap_row *row),
		bool *ret_more)
{
	slv_err err = SLV_OK;
	bool more = true;
	*ret_more = false;
	while (more && !*ret_more && !slv_failed(err)) {
		struct slv_omap_rows *rows;
		struct slv_omap_read read = { .map = parts->map,
			.what = SLV_OMAP_SCAN,
			.from = { parts->next, parts->next_len },
			.until = until,
			.rows_max = ROWS_MAX,
			.bytes_max = BYTES_MAX };
		err = store_read(parts->tool, &read, &rows);
		if (slv_failed(err))
			return err;
		more = rows->more && rows->count;
		for (size_t i = 0; i < rows->count && !slv_failed(err); i++) {
			err = take(parts, &rows->at[i]);
			next_is(parts, rows->at[i].key);
		}
		*ret_more = err.code == SLV_E_LIMIT;
		if (more && !slv_failed(err))
			parts->next[parts->next_len++] = 0; /* the first behind it */
		store_rows_drop(&rows);
	}
	return *ret_more ? SLV_OK : err;
}

/* --- what is left --- */

/* As the note of who replaced the object would have been, from now on. */
static slv_err note(struct parts *parts, slv_str upload, bool *ret_noted)
{
	char key[OBJECT_PART_KEY_BYTES], since[SLV_U64_DIGITS];
	struct slv_omap_change changes[] = {
		{ .what = SLV_OMAP_PUT,
				.when = SLV_OMAP_IF_ABSENT,
				.key = object_remains_key(upload, key),
				.value = slv_str_of_u64(
						(uint64_t)slv_loop_wall_ms(parts->tool->loop),
						since) },
		{ .what = SLV_OMAP_CHECK,
				.when = SLV_OMAP_IF_PRESENT,
				.key = SLV_STR(OBJECT_OPEN_KEY) },
	};
	struct slv_omap_batch batch = { .map = parts->map, .changes = changes, .count = 2 };
	slv_err err = store_write(parts->tool, &batch);
	*ret_noted = !slv_failed(err);
	return err.code == SLV_E_PRECONDITION ? SLV_OK : err;
}

static slv_err tell_left(struct parts *parts)
{
	slv_err err = SLV_OK;
	for (size_t i = 0; i < parts->count && !slv_failed(err); i++) {
		char text[OBJECT_ID_BYTES];
		bool noted = false;
		if (parts->uploads[i].named)
			continue;
		slv_str_hex(parts->uploads[i].id, ID_BYTES, text);
		if (parts->how->repairs)
			err = note(parts, (slv_str){ text, sizeof(text) }, &noted);
		parts->tool->count.left++;
		parts->tool->count.noted += noted;
		store_say(parts->tool, "left parts%s: %.*s upload %.*s, which no object names",
				noted ? " noted" : "", SLV_FMT(parts->name), (int)sizeof(text),
				text);
	}
	return err;
}

/* So many uploads as there is room for, from parts->next on. */
static slv_err look_at_some(struct parts *parts, bool *ret_more)
{
	static const struct {
		const char *from, *until;
		slv_err (*take)(struct parts *parts, const struct slv_omap_row *row);
	} names[] = { { "u", "v", take_upload }, { "o", "p", take_object },
		{ "r", "s", take_remains } };
	char here[OBJECT_PART_KEY_BYTES];
	bool more;
	parts->count = 0;
	slv_err err = scan(parts, SLV_STR("q"), take_part, ret_more);
	if (slv_failed(err) || !parts->count)
		return err;
	memcpy(here, parts->next, sizeof(here)); /* if there are more, that of a part */
	for (size_t i = 0; i < SLV_COUNT(names) && !slv_failed(err); i++) {
		next_is(parts, slv_str_from(names[i].from));
		err = scan(parts, slv_str_from(names[i].until), names[i].take, &more);
	}
	next_is(parts, (slv_str){ here, sizeof(here) });
	return slv_failed(err) ? err : tell_left(parts);
}

static slv_err is_open(struct parts *parts, bool *ret_open)
{
	slv_str key = SLV_STR(OBJECT_OPEN_KEY);
	struct slv_omap_rows *rows;
	struct slv_omap_read read = {
		.map = parts->map, .what = SLV_OMAP_GET, .keys = &key, .count = 1, .rows_max = 1
	};
	slv_err err = store_read(parts->tool, &read, &rows);
	if (slv_failed(err))
		return err;
	*ret_open = rows->at[0].version > 0;
	store_rows_drop(&rows);
	return SLV_OK;
}

slv_err store_check_parts(struct store_tool *tool, const struct store *store,
		const struct store_check *how, slv_str map)
{
	struct parts parts = { .tool = tool,
		.how = how,
		.name = map,
		.map = slv_omap_named(store->maps, map),
		.max = how->blobs_max ? how->blobs_max : 1 };
	bool open = false, more = true;
	if (!slv_str_starts(map, SLV_STR(OBJECT_BUCKETS_MAP "-")))
		return SLV_OK;
	slv_err err = is_open(&parts, &open);
	if (slv_failed(err) || !open)
		return err;
	next_is(&parts, SLV_STR("p"));
	while (more && !slv_failed(err))
		err = look_at_some(&parts, &more);
	slv_free(parts.uploads);
	return err;
}
