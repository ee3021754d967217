/* sweep.c - what has expired, and what is left of removed things, is taken away
 *
 *	REST → BUCKET → CLOSED → UPLOADS → OBJECTS → REMAINS ⇄ PARTS
 *	  ↑     ↑  ↓       ↓ ↑       (each page by page)  ↓
 *	  └─────┤ ALL    TOUCH → OPEN                   BUCKET
 *	        │  ↓
 *	        └ DROP → FORGET
 *
 * A pass looks at every bucket: one that somebody left closed is opened again, uploads that nobody
 * completes are given up, objects expire; and then what these and others left is taken away, parts
 * by their rows r<upload>, once nobody is thought to read them. Of a removed bucket all goes.
 *
 * Nobody waits for it. It does one thing at a time, rests after some, also while blobs are removed
 * too slowly, and longer the more often the store refuses; a bucket that cannot be swept is left
 * for the next pass. On the first loop only; two processes may do it at once: each removes only
 * what still is as it was read, or what nobody can ask for any more.
 */
#include "base/mem.h"
#include "service/object/lifecycle.h"
#include "service/object/private.h"

#include <string.h>

#define FIRST_MS 1000
#define EVERY_MS 3600000
#define SOON_MS 60000   /* there is something to come back for */
#define CLOSED_MS 60000 /* a bucket that is closed for so long was left so */
#define PAUSE_MS 100
#define PAUSE_MS_MAX 60000
#define STEPS_MAX 20 /* between two pauses */
#define ROWS_MAX 250 /* of a page; each may make two changes */
#define LIFECYCLE_BYTES_MAX SLV_MIB(16)

enum step {
	BUCKET, /* read the next bucket's row */
	CLOSED, /* is it open? */
	TOUCH,  /* write its row anew: who removes it gives up */
	OPEN,
	UPLOADS,
	OBJECTS,
	REMAINS, /* find an upload whose parts are to go */
	PARTS,
	ALL, /* of a removed bucket */
	DROP,
	FORGET,
	REST,
	WAIT, /* as what a step returns: something calls back */
};

struct object_sweep {
	struct object self; /* a copy: the service may end before a turn does */
	struct slv_timer timer;
	enum step step;
	bool stopped;
	bool soon;         /* the next pass is not to wait long */
	unsigned steps;    /* since the last pause */
	unsigned failures; /* in a row */

	struct slv_omap_rows *bucket; /* its row */
	char bucket_key[OBJECT_BUCKET_KEY_BYTES_MAX + 1];
	size_t bucket_key_len;
	struct slv_omap *map;
	struct slv_arena arena;                /* of its rules */
	struct slv_object_lifecycle lifecycle; /* they */
	bool has_lifecycle;                    /* else they are damaged */
	uint64_t closed_version;               /* of its row c; 0: there is none */

	char from[OBJECT_ROW_KEY_BYTES_MAX + 1], until[OBJECT_ROW_KEY_BYTES_MAX];
	size_t from_len, until_len;          /* what is still to be looked at; from_len 0: all */
	struct slv_omap_rows *rows;          /* a page of it */
	bool skips[ROWS_MAX];                /* rows that somebody has written meanwhile */
	char remains[OBJECT_PART_KEY_BYTES]; /* the row r<upload> that is looked at, and a NUL */
	size_t remains_len;                  /* 0: none yet */
	char since[SLV_U64_DIGITS];          /* now, in new ones */

	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[2 * ROWS_MAX];
	size_t change_rows[2 * ROWS_MAX];                  /* of which row each is */
	char change_keys[ROWS_MAX][OBJECT_PART_KEY_BYTES]; /* r<upload> */
	struct slv_omap_drop drop;
};

static void run(struct object_sweep *sweep);

static void drop_rows(struct slv_omap_rows **rows)
{
	if (*rows)
		(*rows)->hold.drop(&(*rows)->hold);
	*rows = NULL;
}

static int64_t now_ms(const struct object_sweep *sweep)
{
	return slv_loop_wall_ms(sweep->self.loop);
}

/* A time to come was told by a clock that has been put back since. */
static bool is_older(const struct object_sweep *sweep, int64_t since_ms, int64_t ms)
{
	int64_t age_ms = now_ms(sweep) - since_ms;
	return age_ms >= ms || age_ms <= -ms;
}

/* --- steps that failed, pauses --- */

static void pause(struct object_sweep *sweep, uint64_t ms)
{
	sweep->steps = 0;
	slv_timer_start(sweep->self.loop, &sweep->timer, ms);
}

/* The store does not do as it is asked: this bucket is left, and all a while. */
static void failed(struct object_sweep *sweep)
{
	uint64_t ms = PAUSE_MS;
	drop_rows(&sweep->rows);
	sweep->soon = true;
	for (unsigned i = 0; i < sweep->failures && ms < PAUSE_MS_MAX; i++)
		ms *= 2;
	sweep->failures++;
	sweep->step = sweep->step == BUCKET ? REST : BUCKET;
	if (sweep->stopped)
		run(sweep);
	else
		pause(sweep, ms < PAUSE_MS_MAX ? ms : PAUSE_MS_MAX);
}

static void next(struct object_sweep *sweep, enum step step)
{
	sweep->failures = 0;
	sweep->step = step;
	run(sweep);
}

/* --- reading and writing --- */

static void set_key(char *to, size_t *to_len, slv_str key)
{
	memcpy(to, key.at, key.len);
	*to_len = key.len;
}

static void set_range(struct object_sweep *sweep, slv_str from, slv_str until)
{
	set_key(sweep->from, &sweep->from_len, from);
	set_key(sweep->until, &sweep->until_len, until);
}

/* Go on behind the rows of this page; false: there are no more. */
static bool next_page(struct object_sweep *sweep)
{
	bool more = sweep->rows->more && sweep->rows->count;
	if (more) {
		slv_str last = sweep->rows->at[sweep->rows->count - 1].key;
		set_key(sweep->from, &sweep->from_len, last);
		sweep->from[sweep->from_len++] = 0;
	}
	drop_rows(&sweep->rows);
	return more;
}

static enum step read_rows(struct object_sweep *sweep, uint32_t rows_max,
		void (*done)(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows))
{
	sweep->read = (struct slv_omap_read){
		.map = sweep->map,
		.what = SLV_OMAP_SCAN,
		.from = { sweep->from, sweep->from_len },
		.until = { sweep->until, sweep->until_len },
		.rows_max = rows_max,
		.done = done,
	};
	slv_omap_read(sweep->self.loop, &sweep->read);
	return WAIT;
}

static void write(struct object_sweep *sweep, struct slv_omap *map, size_t count, bool wants_old,
		void (*done)(struct slv_omap_batch *batch, slv_err err))
{
	sweep->batch = (struct slv_omap_batch){ .map = map,
		.changes = sweep->changes,
		.count = count,
		.wants_old = wants_old,
		.done = done };
	slv_omap_write(sweep->self.loop, &sweep->batch);
}

/* Blobs of rows that are gone; parts have rows of their own. */
static void remove_blobs(struct object_sweep *sweep, struct slv_omap_rows *old)
{
	for (size_t i = 0; i < old->count; i++) {
		const struct slv_omap_row *row = &old->at[i];
		struct object_meta meta;
		if (row->version && (row->key.at[0] == 'o' || row->key.at[0] == 'p') &&
				!slv_failed(object_meta_read(NULL, row->value, &meta)) &&
				meta.where == OBJECT_BLOB)
			object_clean_blob(&sweep->self, meta.blob);
	}
	old->hold.drop(&old->hold);
}

/* --- a bucket --- */

static void read_lifecycle(struct object_sweep *sweep)
{
	slv_str document = object_config(sweep->bucket->at[0].body, OBJECT_LIFECYCLE);
	slv_arena_reset(&sweep->arena);
	sweep->lifecycle = (struct slv_object_lifecycle){ 0 };
	sweep->has_lifecycle = !document.len ||
	                       !slv_object_failed(slv_object_document_lifecycle(
					       &sweep->arena, document, &sweep->lifecycle));
}

static void bucket_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct object_sweep *sweep = SLV_CONTAINER(read, struct object_sweep, read);
	if (slv_failed(err)) {
		failed(sweep);
		return;
	}
	sweep->bucket = rows;
	if (!rows->count) {
		next(sweep, REST);
		return;
	}
	const struct slv_omap_row *row = &rows->at[0];
	set_key(sweep->bucket_key, &sweep->bucket_key_len,
			slv_str_head(row->key, OBJECT_BUCKET_KEY_BYTES_MAX));
	sweep->bucket_key[sweep->bucket_key_len++] = 0; /* the next one is behind it */
	bool removed = row->key.at[0] == 'r';
	sweep->remains_len = 0;
	sweep->map = removed ? object_map_of(&sweep->self, slv_str_from_index(row->key, 2))
	                     : object_map(&sweep->self, row->value);
	if (!removed)
		read_lifecycle(sweep);
	next(sweep, !sweep->map ? BUCKET : removed ? ALL : CLOSED);
}

static enum step read_bucket(struct object_sweep *sweep)
{
	drop_rows(&sweep->bucket);
	sweep->read = (struct slv_omap_read){
		.map = sweep->self.buckets,
		.what = SLV_OMAP_SCAN,
		.bodies = true,
		.from = { sweep->bucket_key, sweep->bucket_key_len },
		.until = SLV_STR("s"),
		.rows_max = 1,
		.done = bucket_read,
	};
	slv_omap_read(sweep->self.loop, &sweep->read);
	return WAIT;
}

/* --- one that is closed --- */

/* Since when: by its row c or, if that was not written yet, since it was made. */
static int64_t closed_since_ms(struct object_sweep *sweep, const struct slv_omap_row *closed)
{
	uint64_t ms;
	struct object_bucket bucket = { 0 };
	if (!closed) {
		(void)object_bucket_read(sweep->bucket->at[0].value, &bucket); /* or long ago */
		return bucket.created_ms;
	}
	return slv_str_u64(closed->value, INT64_MAX, &ms) ? (int64_t)ms : 0;
}

static void closed_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct object_sweep *sweep = SLV_CONTAINER(read, struct object_sweep, read);
	const struct slv_omap_row *closed = NULL;
	bool is_open = false;
	if (slv_failed(err)) {
		failed(sweep);
		return;
	}
	for (size_t i = 0; i < rows->count; i++) {
		if (slv_str_eq(rows->at[i].key, SLV_STR(OBJECT_OPEN_KEY)))
			is_open = true;
		else if (slv_str_eq(rows->at[i].key, SLV_STR(OBJECT_CLOSED_KEY)))
			closed = &rows->at[i];
	}
	bool left = is_older(sweep, closed_since_ms(sweep, closed), CLOSED_MS);
	sweep->closed_version = closed ? closed->version : 0;
	rows->hold.drop(&rows->hold);
	if (is_open) {
		set_range(sweep, SLV_STR("u"), SLV_STR("v"));
		next(sweep, UPLOADS);
	} else {
		sweep->soon = true;
		next(sweep, left ? TOUCH : BUCKET);
	}
}

static enum step look_if_closed(struct object_sweep *sweep)
{
	set_range(sweep, SLV_STR(OBJECT_OPEN_KEY), SLV_STR("d"));
	return read_rows(sweep, 2, closed_read);
}

static void touched(struct slv_omap_batch *batch, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(batch, struct object_sweep, batch);
	if (err.code == SLV_E_PRECONDITION) /* removed, or told something */
		next(sweep, BUCKET);
	else if (slv_failed(err))
		failed(sweep);
	else
		next(sweep, OPEN);
}

static enum step touch(struct object_sweep *sweep)
{
	const struct slv_omap_row *row = &sweep->bucket->at[0];
	sweep->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_VERSION,
		.version = row->version,
		.key = row->key,
		.value = row->value,
		.body = row->body };
	write(sweep, sweep->self.buckets, 1, false, touched);
	return WAIT;
}

static void opened(struct slv_omap_batch *batch, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(batch, struct object_sweep, batch);
	if (slv_failed(err) && err.code != SLV_E_PRECONDITION)
		failed(sweep);
	else
		next(sweep, BUCKET);
}

static enum step open_bucket(struct object_sweep *sweep)
{
	bool closed = sweep->closed_version > 0;
	sweep->changes[0] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT, .when = SLV_OMAP_IF_ABSENT, .key = SLV_STR(OBJECT_OPEN_KEY)
	};
	sweep->changes[1] = (struct slv_omap_change){ .key = SLV_STR(OBJECT_CLOSED_KEY),
		.what = closed ? SLV_OMAP_REMOVE : SLV_OMAP_CHECK,
		.when = closed ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT,
		.version = sweep->closed_version };
	write(sweep, sweep->map, 2, false, opened);
	return WAIT;
}

/* --- what is due: uploads and objects --- */

static bool is_due(struct object_sweep *sweep, const struct slv_omap_row *row,
		const struct object_meta *meta)
{
	slv_str key, upload;
	if (row->key.at[0] == 'o')
		return object_lifecycle_expires_ms(&sweep->lifecycle,
				       slv_str_from_index(row->key, 1),
				       meta->modified_ms) <= now_ms(sweep);
	if (row->key.len < 2 + OBJECT_ID_BYTES)
		return false;
	object_upload_read(row->key, &key, &upload);
	return object_lifecycle_aborts_ms(&sweep->lifecycle, key, meta->modified_ms) <=
	       now_ms(sweep);
}

/* Whose parts go with that row; empty: there are none. */
static slv_str parts_of(const struct slv_omap_row *row, const struct object_meta *meta)
{
	slv_str key, upload;
	if (row->key.at[0] == 'o')
		return meta->where == OBJECT_PARTS ? (slv_str){ meta->upload, OBJECT_ID_BYTES }
		                                   : (slv_str){ 0 };
	object_upload_read(row->key, &key, &upload);
	return upload;
}

/* The row goes, if it still is that one, and it is noted whose parts are to go then. */
static size_t add_changes(struct object_sweep *sweep, size_t index, size_t count)
{
	const struct slv_omap_row *row = &sweep->rows->at[index];
	struct object_meta meta;
	if (sweep->skips[index] || slv_failed(object_meta_read(NULL, row->value, &meta)) ||
			!is_due(sweep, row, &meta))
		return count;
	sweep->change_rows[count] = index;
	sweep->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.version = row->version,
		.key = row->key };
	slv_str upload = parts_of(row, &meta);
	if (!upload.len)
		return count;
	sweep->change_rows[count] = index;
	sweep->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = object_remains_key(upload, sweep->change_keys[index]) };
	if (row->key.at[0] == 'o') /* of an upload nobody reads them */
		sweep->changes[count - 1].value =
				slv_str_of_u64((uint64_t)now_ms(sweep), sweep->since);
	return count;
}

/* Objects whose keys begin with that. A longer prefix than keys may be is cut: there are none. */
static void set_objects(struct object_sweep *sweep, slv_str prefix)
{
	char room[OBJECT_ROW_KEY_BYTES_MAX];
	slv_str from = object_row_key(slv_str_head(prefix, SLV_OBJECT_KEY_BYTES_MAX), room);
	set_range(sweep, from, from);
	sweep->until_len = slv_omap_behind(sweep->until, sweep->until_len);
}

static void remove_due(struct object_sweep *sweep);

static void due_end(struct object_sweep *sweep)
{
	slv_str prefix;
	bool objects = sweep->step == OBJECTS;
	if (next_page(sweep)) {
		next(sweep, sweep->step);
	} else if (!objects && object_lifecycle_expires(&sweep->lifecycle, &prefix)) {
		set_objects(sweep, prefix);
		next(sweep, OBJECTS);
	} else {
		next(sweep, REMAINS);
	}
}

static void due_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(batch, struct object_sweep, batch);
	if (err.code == SLV_E_PRECONDITION) { /* that one was written again, and lives */
		sweep->skips[sweep->change_rows[batch->failed]] = true;
		remove_due(sweep);
	} else if (slv_failed(err)) {
		failed(sweep);
	} else {
		remove_blobs(sweep, batch->old);
		due_end(sweep);
	}
}

static void remove_due(struct object_sweep *sweep)
{
	size_t count = 0;
	for (size_t i = 0; i < sweep->rows->count; i++)
		count = add_changes(sweep, i, count);
	if (count)
		write(sweep, sweep->map, count, true, due_removed);
	else
		due_end(sweep);
}

static void due_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct object_sweep *sweep = SLV_CONTAINER(read, struct object_sweep, read);
	if (slv_failed(err)) {
		failed(sweep);
		return;
	}
	sweep->rows = rows;
	memset(sweep->skips, 0, sizeof(sweep->skips));
	remove_due(sweep);
}

static enum step look_for_due(struct object_sweep *sweep)
{
	return sweep->has_lifecycle ? read_rows(sweep, ROWS_MAX, due_read) : REMAINS;
}

/* --- what is left: parts --- */

/* May its parts go? */
static bool is_left(const struct object_sweep *sweep, const struct slv_omap_row *row)
{
	uint64_t ms;
	if (row->key.len != 1 + OBJECT_ID_BYTES)
		return false;
	return !slv_str_u64(row->value, INT64_MAX, &ms) ||
	       is_older(sweep, (int64_t)ms, sweep->self.settings->keep_replaced_s * 1000);
}

static void set_parts(struct object_sweep *sweep, slv_str upload)
{
	char from[OBJECT_PART_KEY_BYTES], until[OBJECT_PART_KEY_BYTES];
	set_range(sweep, object_part_key(upload, 0, from),
			object_part_key(upload, SLV_OBJECT_PARTS_MAX + 1, until));
}

static void remains_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct object_sweep *sweep = SLV_CONTAINER(read, struct object_sweep, read);
	enum step step = BUCKET;
	if (slv_failed(err)) {
		failed(sweep);
		return;
	}
	for (size_t i = 0; i < rows->count && step == BUCKET; i++) {
		slv_str key = rows->at[i].key;
		bool left = is_left(sweep, &rows->at[i]);
		if (!left && !(rows->more && i + 1 == rows->count))
			continue;
		/* The next look begins behind it. */
		set_key(sweep->remains, &sweep->remains_len,
				slv_str_head(key, OBJECT_PART_KEY_BYTES - 1));
		sweep->remains[sweep->remains_len++] = 0;
		step = left ? PARTS : REMAINS;
		if (left)
			set_parts(sweep, slv_str_from_index(key, 1));
	}
	rows->hold.drop(&rows->hold);
	next(sweep, step);
}

static enum step look_for_remains(struct object_sweep *sweep)
{
	slv_str from = { sweep->remains, sweep->remains_len };
	set_range(sweep, from.len ? from : SLV_STR("r"), SLV_STR("s"));
	return read_rows(sweep, ROWS_MAX, remains_read);
}

static void noted(struct slv_omap_batch *batch, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(batch, struct object_sweep, batch);
	if (slv_failed(err))
		failed(sweep);
	else
		next(sweep, REMAINS);
}

/* --- all of a range: parts of an upload, or what was in a removed bucket --- */

static void all_removed(struct slv_omap_batch *batch, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(batch, struct object_sweep, batch);
	if (slv_failed(err)) {
		failed(sweep);
		return;
	}
	remove_blobs(sweep, batch->old);
	drop_rows(&sweep->rows);
	next(sweep, sweep->step); /* until none is left */
}

/* Nothing is left of it. */
static void all_gone(struct object_sweep *sweep)
{
	drop_rows(&sweep->rows);
	if (sweep->step == ALL) {
		next(sweep, DROP);
		return;
	}
	sweep->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.key = { sweep->remains, 1 + OBJECT_ID_BYTES } };
	write(sweep, sweep->map, 1, false, noted);
}

static void all_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct object_sweep *sweep = SLV_CONTAINER(read, struct object_sweep, read);
	if (slv_failed(err)) {
		failed(sweep);
		return;
	}
	sweep->rows = rows;
	for (size_t i = 0; i < rows->count; i++)
		sweep->changes[i] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = rows->at[i].key };
	if (rows->count)
		write(sweep, sweep->map, rows->count, true, all_removed);
	else
		all_gone(sweep);
}

static enum step remove_parts(struct object_sweep *sweep)
{
	return read_rows(sweep, ROWS_MAX, all_read);
}

static enum step remove_all(struct object_sweep *sweep)
{
	sweep->from_len = sweep->until_len = 0;
	return read_rows(sweep, ROWS_MAX, all_read);
}

static void dropped(struct slv_omap_drop *drop, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(drop, struct object_sweep, drop);
	if (slv_failed(err))
		failed(sweep);
	else
		next(sweep, FORGET);
}

static enum step drop_map(struct object_sweep *sweep)
{
	sweep->drop = (struct slv_omap_drop){ .map = sweep->map, .done = dropped };
	slv_omap_drop(sweep->self.loop, &sweep->drop);
	return WAIT;
}

static void forgotten(struct slv_omap_batch *batch, slv_err err)
{
	struct object_sweep *sweep = SLV_CONTAINER(batch, struct object_sweep, batch);
	if (slv_failed(err))
		failed(sweep);
	else
		next(sweep, BUCKET);
}

static enum step forget(struct object_sweep *sweep)
{
	sweep->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.key = sweep->bucket->at[0].key };
	write(sweep, sweep->self.buckets, 1, false, forgotten);
	return WAIT;
}

/* --- turns --- */

static enum step rest(struct object_sweep *sweep)
{
	drop_rows(&sweep->bucket);
	slv_arena_reset(&sweep->arena);
	pause(sweep, sweep->soon ? SOON_MS : EVERY_MS);
	sweep->soon = false;
	sweep->bucket_key_len = 0;
	sweep->step = BUCKET;
	return WAIT;
}

static void end(struct object_sweep *sweep)
{
	drop_rows(&sweep->rows);
	drop_rows(&sweep->bucket);
	slv_arena_done(&sweep->arena);
	slv_free(sweep);
}

static void run(struct object_sweep *sweep)
{
	static enum step (*const steps[])(struct object_sweep *) = {
		[BUCKET] = read_bucket,
		[CLOSED] = look_if_closed,
		[TOUCH] = touch,
		[OPEN] = open_bucket,
		[UPLOADS] = look_for_due,
		[OBJECTS] = look_for_due,
		[REMAINS] = look_for_remains,
		[PARTS] = remove_parts,
		[ALL] = remove_all,
		[DROP] = drop_map,
		[FORGET] = forget,
		[REST] = rest,
	};
	enum step step;
	do {
		if (sweep->stopped) {
			end(sweep);
			return;
		}
		bool rests = ++sweep->steps > STEPS_MAX || slv_blobs_behind(sweep->self.blobs);
		if (sweep->step != REST && rests) {
			pause(sweep, PAUSE_MS);
			return;
		}
		step = steps[sweep->step](sweep);
		if (step != WAIT)
			sweep->step = step;
	} while (step != WAIT);
}

static void turn(struct slv_timer *timer)
{
	run(SLV_CONTAINER(timer, struct object_sweep, timer));
}

struct object_sweep *object_sweep_new(struct object *self)
{
	struct object_sweep *sweep = SLV_ALLOC(struct object_sweep);
	sweep->self = *self;
	sweep->timer.fire = turn;
	slv_arena_init(&sweep->arena, SLV_KIB(64), LIFECYCLE_BYTES_MAX);
	slv_timer_start(self->loop, &sweep->timer, FIRST_MS);
	return sweep;
}

void object_sweep_free(struct object_sweep *sweep)
{
	if (!sweep)
		return;
	sweep->stopped = true;
	bool waits = slv_timer_running(&sweep->timer); /* and not for the store */
	slv_timer_stop(sweep->self.loop, &sweep->timer);
	if (waits)
		end(sweep);
}
