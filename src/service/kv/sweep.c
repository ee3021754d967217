/* sweep.c - what has expired, and what was in namespaces that were removed, is taken away
 *
 *	timer → a page of namespaces → ROWS of one → the KEYS they are about → REMOVE → ROWS …
 *
 * Nobody waits for it: a key that has expired is not shown, whether its row is there or not. On the
 * first loop only; two processes may do it at once. What fails is tried again at the next turn,
 * which begins with the first namespace once all had theirs. While blobs are removed too slowly no
 * more go.
 */
#include "base/mem.h"
#include "service/kv/private.h"

#include <string.h>

#define EVERY_MS 30000
#define AGAIN_MS 1000 /* there is more */
#define ROWS_MAX 200
#define STEPS_MAX 50 /* of one turn */
#define REMOVED_S 600
#define SPACES_MAX 1000

struct kv_sweep {
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_omap *names; /* of namespaces */
	struct slv_timer timer;
	unsigned steps; /* of this turn */
	bool under_way, stopped;
	bool again; /* what was looked at may have changed since */

	struct slv_omap_rows *spaces; /* a page of them */
	size_t next;                  /* of that */
	char from[4 + KV_ID_BYTES];
	size_t from_len;

	struct slv_omap *map; /* that is being swept */
	bool removed;         /* all of it goes */
	struct slv_omap_rows *rows;
	struct slv_omap_rows *keys; /* that the rows are about; NULL: the rows are themselves */
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_omap_drop gone; /* of a namespace's map */
	struct slv_omap_change changes[2 * ROWS_MAX];
	slv_str wanted[ROWS_MAX];
	char wanted_keys[ROWS_MAX][KV_ROW_KEY_BYTES_MAX];
	char until[KV_ROW_KEY_BYTES_MAX];
};

static void next_space(struct kv_sweep *sweep);
static void read_rows(struct kv_sweep *sweep);

static void drop(struct slv_omap_rows **rows)
{
	if (*rows)
		(*rows)->hold.drop(&(*rows)->hold);
	*rows = NULL;
}

static void end(struct kv_sweep *sweep)
{
	drop(&sweep->spaces);
	slv_free(sweep);
}

/* The next turn goes on where this one was. */
static void pause(struct kv_sweep *sweep, uint64_t again_ms)
{
	drop(&sweep->rows);
	drop(&sweep->keys);
	sweep->under_way = false;
	if (sweep->stopped)
		end(sweep);
	else
		slv_timer_start(sweep->loop, &sweep->timer, again_ms);
}

/* All namespaces were looked at. */
static void turn_end(struct kv_sweep *sweep)
{
	drop(&sweep->spaces);
	pause(sweep, sweep->again ? AGAIN_MS : EVERY_MS);
}

static void space_end(struct kv_sweep *sweep)
{
	drop(&sweep->rows);
	drop(&sweep->keys);
	sweep->next++;
	next_space(sweep);
}

/* --- taking away --- */

static void remove_blob(struct kv_sweep *sweep, const struct slv_omap_row *row)
{
	struct kv_meta meta;
	if (!row->version || row->key.at[0] != 'k' || slv_failed(kv_meta_read(row->value, &meta)) ||
			!meta.has_blob)
		return;
	slv_blob_discard(sweep->loop, sweep->blobs, &meta.blob);
}

static bool was_removed(const struct kv_sweep *sweep, slv_str key)
{
	for (size_t i = 0; i < sweep->batch.count; i++)
		if (slv_str_eq(sweep->changes[i].key, key))
			return true;
	return false;
}

static void rows_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct kv_sweep *sweep = SLV_CONTAINER(batch, struct kv_sweep, batch);
	/* Somebody has written one of the keys meanwhile, or the store is in trouble: later. */
	if (slv_failed(err)) {
		space_end(sweep);
		return;
	}
	/* As the rows were when they went, and not when they were read. */
	for (size_t i = 0; i < batch->old->count; i++)
		remove_blob(sweep, &batch->old->at[i]);
	drop(&batch->old);
	drop(&sweep->rows);
	drop(&sweep->keys);
	read_rows(sweep);
}

static void remove_rows(struct kv_sweep *sweep, size_t count)
{
	sweep->batch = (struct slv_omap_batch){
		.map = sweep->map,
		.changes = sweep->changes,
		.count = count,
		.wants_old = true,
		.done = rows_removed,
	};
	slv_omap_write(sweep->loop, &sweep->batch);
}

static size_t add_rows(struct kv_sweep *sweep)
{
	for (size_t i = 0; i < sweep->rows->count; i++)
		sweep->changes[i] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = sweep->rows->at[i].key };
	return sweep->rows->count;
}

/* --- what has expired --- */

static void keys_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *keys)
{
	struct kv_sweep *sweep = SLV_CONTAINER(read, struct kv_sweep, read);
	int64_t now_s = slv_loop_wall_s(sweep->loop);
	sweep->keys = keys;
	if (slv_failed(err)) {
		space_end(sweep);
		return;
	}
	size_t count = add_rows(sweep);
	for (size_t i = 0; i < keys->count; i++) {
		struct kv_meta meta;
		const struct slv_omap_row *row = &keys->at[i];
		/* A key that was written again since lives on. */
		if (!row->version || slv_failed(kv_meta_read(row->value, &meta)) ||
				!kv_expired(&meta, now_s) || was_removed(sweep, row->key))
			continue;
		sweep->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.when = SLV_OMAP_IF_VERSION,
			.version = row->version,
			.key = row->key };
		sweep->batch.count = count; /* for was_removed() */
	}
	remove_rows(sweep, count);
}

static void read_keys(struct kv_sweep *sweep)
{
	sweep->batch.count = 0;
	for (size_t i = 0; i < sweep->rows->count; i++) {
		int64_t expires_s;
		slv_str key;
		kv_expiry_read(sweep->rows->at[i].key, &expires_s, &key);
		sweep->wanted[i] = kv_row_key(key, sweep->wanted_keys[i]);
	}
	sweep->read = (struct slv_omap_read){ .map = sweep->map,
		.what = SLV_OMAP_GET,
		.keys = sweep->wanted,
		.count = sweep->rows->count,
		.rows_max = (uint32_t)sweep->rows->count,
		.done = keys_read };
	slv_omap_read(sweep->loop, &sweep->read);
}

/* --- one namespace --- */

static void gone_noted(struct slv_omap_batch *batch, slv_err err)
{
	(void)err; /* then it is looked at again */
	space_end(SLV_CONTAINER(batch, struct kv_sweep, batch));
}

/* The map is dropped; now the note that it was to be. */
static void dropped(struct slv_omap_drop *gone, slv_err err)
{
	struct kv_sweep *sweep = SLV_CONTAINER(gone, struct kv_sweep, gone);
	if (slv_failed(err)) {
		space_end(sweep);
		return;
	}
	sweep->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.key = sweep->spaces->at[sweep->next].key };
	sweep->batch = (struct slv_omap_batch){
		.map = sweep->names, .changes = sweep->changes, .count = 1, .done = gone_noted
	};
	slv_omap_write(sweep->loop, &sweep->batch);
}

/* Nothing is left in it. It is looked at for a while all the same: who was writing to it when it
 * was removed may end his write only now. */
static void note_gone(struct kv_sweep *sweep)
{
	uint64_t removed_s;
	const struct slv_omap_row *row = &sweep->spaces->at[sweep->next];
	if (slv_str_u64(row->value, INT64_MAX, &removed_s) &&
			(int64_t)removed_s + REMOVED_S > slv_loop_wall_s(sweep->loop)) {
		space_end(sweep);
		return;
	}
	sweep->gone = (struct slv_omap_drop){ .map = sweep->map, .done = dropped };
	slv_omap_drop(sweep->loop, &sweep->gone);
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kv_sweep *sweep = SLV_CONTAINER(read, struct kv_sweep, read);
	sweep->rows = rows;
	if (slv_failed(err))
		space_end(sweep);
	else if (rows->count == 0 && sweep->removed)
		note_gone(sweep);
	else if (rows->count == 0)
		space_end(sweep);
	else if (sweep->removed)
		remove_rows(sweep, add_rows(sweep));
	else
		read_keys(sweep);
}

static void read_rows(struct kv_sweep *sweep)
{
	if (sweep->stopped || ++sweep->steps > STEPS_MAX || slv_blobs_behind(sweep->blobs)) {
		pause(sweep, AGAIN_MS);
		return;
	}
	sweep->read = (struct slv_omap_read){
		.map = sweep->map, .what = SLV_OMAP_SCAN, .rows_max = ROWS_MAX, .done = rows_read
	};
	if (!sweep->removed) {
		sweep->read.from = SLV_STR("x");
		sweep->read.until = kv_expiry_key(
				slv_loop_wall_s(sweep->loop) + 1, (slv_str){ 0 }, sweep->until);
	}
	slv_omap_read(sweep->loop, &sweep->read);
}

/* --- all namespaces --- */

static void read_spaces(struct kv_sweep *sweep);

static void next_space(struct kv_sweep *sweep)
{
	if (sweep->next == sweep->spaces->count) {
		if (sweep->spaces->more && !sweep->stopped)
			read_spaces(sweep);
		else
			turn_end(sweep);
		return;
	}
	slv_str key = sweep->spaces->at[sweep->next].key;
	sweep->removed = key.at[0] == 'r';
	sweep->map = kv_map(sweep->maps, slv_str_from_index(key, 2));
	read_rows(sweep);
}

static void spaces_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kv_sweep *sweep = SLV_CONTAINER(read, struct kv_sweep, read);
	drop(&sweep->spaces);
	sweep->spaces = rows;
	sweep->next = 0;
	if (slv_failed(err))
		turn_end(sweep);
	else
		next_space(sweep);
}

static void read_spaces(struct kv_sweep *sweep)
{
	if (sweep->spaces) { /* behind the last of them */
		slv_str last = sweep->spaces->at[sweep->spaces->count - 1].key;
		memcpy(sweep->from, last.at, last.len);
		sweep->from[last.len] = 0;
		sweep->from_len = last.len + 1;
	}
	sweep->read = (struct slv_omap_read){
		.map = sweep->names,
		.what = SLV_OMAP_SCAN,
		.from = { sweep->from, sweep->from_len },
		.until = SLV_STR("s"),
		.rows_max = SPACES_MAX,
		.done = spaces_read,
	};
	slv_omap_read(sweep->loop, &sweep->read);
}

static void turn(struct slv_timer *timer)
{
	struct kv_sweep *sweep = SLV_CONTAINER(timer, struct kv_sweep, timer);
	sweep->under_way = true;
	sweep->steps = 0;
	if (sweep->spaces) {
		next_space(sweep);
		return;
	}
	sweep->again = false;
	sweep->from[0] = 'n';
	sweep->from_len = 1;
	read_spaces(sweep);
}

struct kv_sweep *kv_sweep_new(struct kv *kv)
{
	struct kv_sweep *sweep = SLV_ALLOC(struct kv_sweep);
	sweep->loop = kv->loop;
	sweep->maps = kv->maps;
	sweep->blobs = kv->blobs;
	sweep->names = kv->spaces;
	sweep->timer.fire = turn;
	slv_timer_start(kv->loop, &sweep->timer, AGAIN_MS);
	return sweep;
}

void kv_sweep_free(struct kv_sweep *sweep)
{
	if (!sweep)
		return;
	sweep->stopped = true;
	slv_timer_stop(sweep->loop, &sweep->timer);
	if (!sweep->under_way)
		end(sweep);
}

void kv_sweep_soon(struct kv_sweep *sweep)
{
	if (!sweep)
		return;
	sweep->again = true;
	if (!sweep->under_way)
		slv_timer_start(sweep->loop, &sweep->timer, AGAIN_MS);
}
