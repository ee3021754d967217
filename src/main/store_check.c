/* store_check.c - is all of a store there, and whole?
 *
 * First the blobs are listed, then all maps are walked, then what was listed and not met is looked
 * at: as many shards of blobs at once as fit into blobs_max, so that a store with more of them is
 * walked more than once, and memory is bounded (24 bytes a blob, 96 MiB).
 *
 * Others write meanwhile; why no blob that is in use is taken for an orphan:
 *
 *  1. A blob is named by the row of one key, from after it was finished until that row is removed
 *     or names another: no blob goes from one key to another. A completed upload keeps the rows of
 *     its parts, a copy has blobs of its own.
 *  2. An orphan was last written before B - age, where B is when this began, before the blobs were
 *     listed. Its row, if there ever was one, was committed before B: from the last write of a blob
 *     to the commit of its row there is one sync and one batch, far less than a day; and who is
 *     silent for so long while he uploads is cut off.
 *  3. A scan in pages meets each row that is there from before it to behind it. So a row that was
 *     committed before B and is not met was removed, and what it named is removed by who did that,
 *     or left behind by him: it is an orphan.
 *  4. One that was listed as unfinished may have been finished since, at an endpoint that tells
 *     only when it was begun, and its row committed: of these only what is unfinished is removed.
 *  5. What we cannot read may have named anything: after one damaged row, one unreadable map, or
 *     one map of a kind that this version does not know nothing is removed.
 *
 * With an age of seconds the second point does not hold while a server runs.
 *
 * A blob that is missing where a row was met may have been removed since, with its row: it is
 * reported if the row still is the same afterwards.
 */
#include "base/mem.h"
#include "main/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000
#define BYTES_MAX SLV_MIB(4)

struct listed {
	struct slv_blob_id id;
	uint64_t written_ms : 62; /* since 1970 */
	uint64_t finished : 1;
	uint64_t named : 1;
};

struct check {
	struct store_tool *tool;
	const struct store *store;
	const struct store_check *how;
	int64_t orphans_before_ms;
	unsigned shard, shards_end; /* of this walk */
	bool again;                 /* not the first walk: what is damaged was told */
	bool blind;                 /* not all that is named is known */
	struct listed *listed;      /* by id */
	size_t count, room;
	char from[SLV_OMAP_KEY_BYTES_MAX + 1];
};

/* --- what is listed --- */

static int by_id(const void *a, const void *b)
{
	const struct listed *left = a, *right = b;
	int order = memcmp(left->id.bytes, right->id.bytes, sizeof(left->id.bytes));
	return order ? order : (int)right->finished - (int)left->finished;
}

static void take(void *arg, const struct slv_blob_listed *found, size_t count)
{
	struct check *check = arg;
	if (check->count + count > check->room) {
		check->room = check->count + count > 2 * check->room ? check->count + count
		                                                     : 2 * check->room;
		check->listed = slv_realloc(check->listed, check->room * sizeof(*check->listed));
	}
	for (size_t i = 0; i < count; i++)
		check->listed[check->count++] = (struct listed){ .id = found[i].id,
			.written_ms = (uint64_t)found[i].written_ms & (UINT64_MAX >> 2),
			.finished = found[i].finished };
}

/* From check->shard on. One that does not fit as a whole is left for the next walk. */
static slv_err list_blobs(struct check *check)
{
	check->count = 0;
	check->shards_end = check->shard;
	while (check->shards_end < SLV_BLOB_SHARDS) {
		size_t before = check->count;
		slv_err err = store_blobs_list(
				check->tool, check->store->blobs, check->shards_end, take, check);
		if (slv_failed(err) && err.code != SLV_E_LIMIT) /* then the others stay */
			return err;
		if (before > 0 && check->count > check->how->blobs_max) {
			check->count = before;
			break;
		}
		check->shards_end++;
	}
	if (check->count)
		qsort(check->listed, check->count, sizeof(*check->listed), by_id);
	check->tool->count.blobs_all += check->count;
	return SLV_OK;
}

static struct listed *find(struct check *check, const struct slv_blob_id *id)
{
	struct listed wanted = { .id = *id, .finished = true };
	return check->count ? bsearch(&wanted, check->listed, check->count, sizeof(wanted), by_id)
	                    : NULL;
}

/* --- what rows name --- */

/* Whether the row still is as it was met. */
static slv_err is_same(struct check *check, struct slv_omap *map, const struct slv_omap_row *row,
		bool *ret_same)
{
	struct slv_omap_rows *rows;
	struct slv_omap_read read = { .map = map,
		.what = SLV_OMAP_GET,
		.tells_damaged = true,
		.keys = &row->key,
		.count = 1,
		.rows_max = 1 };
	slv_err err = store_read(check->tool, &read, &rows);
	if (slv_failed(err))
		return err;
	*ret_same = rows->at[0].version == row->version &&
	            slv_str_eq(rows->at[0].value, row->value);
	store_rows_drop(&rows);
	return SLV_OK;
}

static slv_err read_whole(struct check *check, const struct slv_blob_ref *ref)
{
	struct store_tool *tool = check->tool;
	struct slv_blob_reader *reader;
	slv_err err = slv_blob_reader_new(tool->loop, check->store->blobs, ref, &reader);
	if (slv_failed(err))
		return err;
	for (uint64_t at = 0; at < ref->len && !slv_failed(err);) {
		uint64_t left = ref->len - at;
		size_t len = left < SLV_BLOB_READ_BYTES_MAX ? (size_t)left
		                                            : SLV_BLOB_READ_BYTES_MAX;
		slv_str bytes;
		err = store_blob_read(tool, reader, at, len, &bytes);
		at += len;
		if (slv_failed(err))
			break;
		tool->count.blob_bytes += len;
		store_pace(tool, len);
	}
	slv_blob_reader_free(reader);
	return err;
}

/* What one row of `map` names. */
static slv_err look_at_ref(struct check *check, slv_str name, struct slv_omap *map,
		const struct slv_omap_row *row, const struct slv_blob_ref *ref)
{
	struct store_tool *tool = check->tool;
	char id[STORE_ID_TEXT];
	bool same;
	if (ref->id.bytes[0] < check->shard || ref->id.bytes[0] >= check->shards_end)
		return SLV_OK; /* that is for another walk */
	struct listed *listed = find(check, &ref->id);
	slv_err err = SLV_OK;
	if (listed)
		listed->named = true;
	if (check->how->scrubs)
		err = read_whole(check, ref);
	else if (!listed)
		err = store_blob_look(tool, check->store->blobs, ref);
	if (!slv_failed(err)) {
		tool->count.blobs++;
		if (!check->how->scrubs)
			tool->count.blob_bytes += ref->len;
		return SLV_OK;
	}
	if (err.code != SLV_E_MISSING && err.code != SLV_E_CORRUPT)
		return err;
	bool missing = err.code == SLV_E_MISSING;
	err = is_same(check, map, row, &same);
	if (slv_failed(err) || !same)
		return err;
	*(missing ? &tool->count.missing : &tool->count.damaged) += 1;
	store_id_text(&ref->id, id);
	store_say(tool, "%s blob: %s, which %.*s %s names", missing ? "missing" : "damaged", id,
			SLV_FMT(name), store_printable(tool, row->key));
	return SLV_OK;
}

/* --- the walk --- */

static void tell_damage(struct check *check, slv_str name, slv_str key, const char *what)
{
	check->blind = true;
	if (check->again)
		return;
	check->tool->count.damaged++;
	store_say(check->tool, "damaged row: %.*s %s%s", SLV_FMT(name),
			store_printable(check->tool, key), what);
}

static slv_err look_at(struct check *check, slv_str name, struct slv_omap *map,
		const struct slv_omap_row *row)
{
	struct slv_blob_ref ref;
	bool has;
	if (!check->again) {
		check->tool->count.rows++;
		check->tool->count.row_bytes += row->key.len + row->value.len + row->body.len;
	}
	if (row->damaged) {
		tell_damage(check, name, row->key, "");
		return SLV_OK;
	}
	if (slv_failed(store_ref_read(name, row->key, row->value, &has, &ref))) {
		tell_damage(check, name, row->key, ", which is of no known form");
		return SLV_OK;
	}
	return has ? look_at_ref(check, name, map, row, &ref) : SLV_OK;
}

static void tell_map(struct check *check, slv_str name, slv_str behind, const char *what)
{
	check->blind = true;
	if (check->again)
		return;
	check->tool->count.damaged++;
	store_say(check->tool, "damaged map: %.*s cannot be read behind %s: %s", SLV_FMT(name),
			store_printable(check->tool, behind), what);
}

static slv_err walk_map(struct check *check, slv_str name)
{
	struct slv_omap *map = slv_omap_named(check->store->maps, name);
	slv_str from = { check->from, 0 };
	bool more = true;
	slv_err err = SLV_OK;
	while (more && !slv_failed(err)) {
		struct slv_omap_rows *rows;
		struct slv_omap_read read = { .map = map,
			.what = SLV_OMAP_SCAN,
			.bodies = !check->again,
			.tells_damaged = true,
			.from = from,
			.rows_max = ROWS_MAX,
			.bytes_max = BYTES_MAX };
		err = store_read(check->tool, &read, &rows);
		if (err.code == SLV_E_CORRUPT) {
			tell_map(check, name, from, err.what);
			return SLV_OK;
		}
		if (slv_failed(err))
			return err;
		more = rows->more;
		slv_str last = rows->count ? rows->at[rows->count - 1].key : (slv_str){ 0 };
		for (size_t i = 0; i < rows->count && !slv_failed(err); i++)
			err = look_at(check, name, map, &rows->at[i]);
		if (more && last.len > SLV_OMAP_KEY_BYTES_MAX) {
			tell_map(check, name, from, "a key is too long");
			more = false;
		} else if (more) {
			if (last.len)
				memcpy(check->from, last.at, last.len);
			check->from[last.len] = 0; /* the first behind it */
			from.len = last.len + 1;
		}
		store_rows_drop(&rows);
	}
	return err;
}

/* What its rows name is not known, so nothing is an orphan. */
static void tell_unknown(struct check *check, slv_str name)
{
	check->blind = true;
	if (!check->again)
		store_say(check->tool,
				"unknown map: %.*s is of a kind that this version does not know",
				SLV_FMT(name));
}

/* As above for what the walk does not look at (uploads), or has met while it was well. */
static slv_err look_for_parts(struct check *check, slv_str name)
{
	slv_err err = store_check_parts(check->tool, check->store, check->how, name);
	if (err.code != SLV_E_CORRUPT)
		return err;
	check->blind = true;
	check->tool->count.damaged++;
	store_say(check->tool, "damaged map: %.*s, whose parts were not looked at: %s",
			SLV_FMT(name), err.what);
	return SLV_OK;
}

static slv_err walk(struct check *check)
{
	char after[SLV_OMAP_NAME_BYTES_MAX];
	slv_str behind = { after, 0 };
	slv_err err = SLV_OK;
	bool more = true, any = false;
	while (more && !slv_failed(err)) {
		struct slv_omap_rows *names;
		err = store_maps_list(check->tool, check->store->maps, behind, &names);
		if (slv_failed(err))
			return err;
		more = names->more;
		for (size_t i = 0; i < names->count && !slv_failed(err); i++) {
			slv_str name = names->at[i].key;
			any = true;
			if (!store_knows(name))
				tell_unknown(check, name);
			err = walk_map(check, name);
			if (!slv_failed(err) && !check->again && !check->blind)
				err = look_for_parts(check, name);
			check->tool->count.maps += !check->again;
			memcpy(after, name.at, name.len);
			behind.len = name.len;
		}
		store_rows_drop(&names);
	}
	if (!any && check->count > 0) {
		check->blind = true;
		store_say(check->tool, "there are blobs and no maps: is store.maps right?");
	}
	return err;
}

/* --- what nobody names --- */

/* What was begun beside a blob of the same id is passed over, as by the list of an endpoint. */
static bool is_orphan(const struct check *check, size_t i)
{
	const struct listed *listed = &check->listed[i];
	if (listed->named || (int64_t)listed->written_ms >= check->orphans_before_ms)
		return false;
	return listed->finished || i == 0 ||
	       memcmp(&listed->id, &listed[-1].id, sizeof(listed->id)) != 0;
}

static slv_err look_for_orphans(struct check *check)
{
	struct store_tool *tool = check->tool;
	for (size_t i = 0; i < check->count; i++) {
		const struct listed *listed = &check->listed[i];
		bool removes = check->how->repairs && !check->blind;
		char id[STORE_ID_TEXT];
		if (!is_orphan(check, i))
			continue;
		tool->count.orphans++;
		store_id_text(&listed->id, id);
		store_say(tool, "orphan%s: %s, which no row %snames", removes ? " removed" : "", id,
				check->blind ? "that can be read " : "");
		if (!removes)
			continue;
		slv_err err = store_blob_remove(tool, check->store->blobs, &listed->id,
				listed->finished ? SLV_BLOB_BEGUN_TOO : SLV_BLOB_BEGUN_ONLY);
		if (slv_failed(err))
			return err;
		tool->count.removed++;
	}
	return SLV_OK;
}

slv_err store_check(
		struct store_tool *tool, const struct store *store, const struct store_check *how)
{
	struct check check = { .tool = tool, .store = store, .how = how };
	slv_err err = SLV_OK;
	check.orphans_before_ms = slv_loop_wall_ms(tool->loop) - (int64_t)how->orphan_age_s * 1000;
	while (check.shard < SLV_BLOB_SHARDS && !slv_failed(err)) {
		err = list_blobs(&check);
		if (!slv_failed(err))
			err = walk(&check);
		if (!slv_failed(err))
			err = look_for_orphans(&check);
		check.shard = check.shards_end;
		check.again = true;
	}
	if (!slv_failed(err) && how->repairs && check.blind && tool->count.orphans)
		store_say(tool, "orphans were not removed: what cannot be read may name them");
	slv_free(check.listed);
	return err;
}
