/* sweep.c - drafts whose time is over are taken away, and the others and the pictures are counted
 *
 *	timer → rows of expiries → the DRAFTS they are about → REMOVE → … → COUNT → timer
 *
 * Nobody waits for it: a draft that has expired is not shown and takes no upload, whether its row
 * is there or not. Two processes may do it at once. What fails is tried again at the next turn.
 */
#include "api/keys.h"
#include "base/mem.h"
#include "service/image/hosted/private.h"

#include <string.h>

#define EVERY_MS 30000
#define AGAIN_MS 1000  /* there is more, or nothing is there yet */
#define COUNT_TURNS 20 /* from one count to the next */
#define ROWS_MAX 200
#define STEPS_MAX 50 /* of one turn */

/* What is counted, by rows of which each has one (record.h). */
#define PICTURES 'o'
#define DRAFTS 'u'

struct hosted_sweep {
	struct slv_loop *loop;
	struct hosted *hosted; /* NULL once it is stopped */
	struct slv_timer timer;
	unsigned steps, turns;
	bool under_way;
	struct slv_omap *map;
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_omap_rows *rows; /* of expiries */
	slv_str wanted[ROWS_MAX];
	struct slv_omap_change changes[3 * ROWS_MAX];
	char secrets[ROWS_MAX][1 + HOSTED_SECRET_BYTES];
	char until[HOSTED_KEY_BYTES_MAX];
	size_t removing;                     /* drafts of this batch */
	char kind;                           /* of the rows that are counted */
	char from[HOSTED_KEY_BYTES_MAX + 1]; /* those that were not counted yet */
	uint64_t count;
};

static void read_rows(struct hosted_sweep *sweep);
static void count_some(struct hosted_sweep *sweep, size_t from_len);
static void count_rows(struct hosted_sweep *sweep, char kind);

static void pause(struct hosted_sweep *sweep, uint64_t again_ms)
{
	if (sweep->rows)
		sweep->rows->hold.drop(&sweep->rows->hold);
	sweep->rows = NULL;
	sweep->under_way = false;
	if (!sweep->hosted)
		slv_free(sweep);
	else
		slv_timer_start(sweep->loop, &sweep->timer, again_ms);
}

/* --- how many there are --- */

static void counted(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct hosted_sweep *sweep = SLV_CONTAINER(read, struct hosted_sweep, read);
	if (slv_failed(err)) {
		sweep->turns--; /* at the next turn, then */
		pause(sweep, EVERY_MS);
		return;
	}
	bool more = rows->more && sweep->hosted;
	size_t from_len = 0;
	sweep->count += rows->count;
	if (more) {
		slv_str last = rows->at[rows->count - 1].key;
		memcpy(sweep->from, last.at, last.len);
		sweep->from[last.len] = 0;
		from_len = last.len + 1;
	}
	rows->hold.drop(&rows->hold);
	if (more) {
		count_some(sweep, from_len);
		return;
	}
	if (sweep->hosted && sweep->kind == PICTURES) {
		sweep->hosted->count = sweep->count;
		count_rows(sweep, DRAFTS);
		return;
	}
	if (sweep->hosted)
		sweep->hosted->drafts = sweep->count;
	pause(sweep, EVERY_MS);
}

static void count_some(struct hosted_sweep *sweep, size_t from_len)
{
	sweep->read = (struct slv_omap_read){ .map = sweep->map,
		.what = SLV_OMAP_SCAN,
		.from = { sweep->from, from_len },
		.until = { sweep->until, 1 },
		.rows_max = SLV_OMAP_ROWS_MAX,
		.done = counted };
	slv_omap_read(sweep->loop, &sweep->read);
}

static void count_rows(struct hosted_sweep *sweep, char kind)
{
	sweep->kind = kind;
	sweep->count = 0;
	sweep->from[0] = kind;
	sweep->until[0] = (char)(kind + 1);
	count_some(sweep, 1);
}

static void expired_end(struct hosted_sweep *sweep)
{
	if (!sweep->hosted || sweep->turns++ % COUNT_TURNS) {
		pause(sweep, EVERY_MS);
		return;
	}
	count_rows(sweep, PICTURES);
}

/* --- what has expired --- */

static void removed(struct slv_omap_batch *batch, slv_err err)
{
	struct hosted_sweep *sweep = SLV_CONTAINER(batch, struct hosted_sweep, batch);
	sweep->rows->hold.drop(&sweep->rows->hold);
	sweep->rows = NULL;
	for (; !slv_failed(err) && sweep->hosted && sweep->removing; sweep->removing--)
		hosted_draft_ends(sweep->hosted);
	/* Somebody has just changed one of them, or the store is in trouble: later. */
	if (slv_failed(err))
		pause(sweep, AGAIN_MS);
	else
		read_rows(sweep);
}

/* A draft that became a picture, or was changed so, lives on: only its expiry's row goes. */
static size_t add_draft(struct hosted_sweep *sweep, size_t index, const struct slv_omap_row *row,
		size_t count)
{
	struct hosted_image image;
	char room[HOSTED_KEY_BYTES_MAX];
	if (!row->version || row->key.at[0] != 'i' ||
			slv_failed(hosted_image_read(row->value, &image)) || !image.is_draft ||
			image.expires_ms > slv_loop_wall_ms(sweep->loop))
		return count;
	sweep->removing++;
	slv_str secret = hosted_secret_key('u', image.upload, room);
	memcpy(sweep->secrets[index], secret.at, secret.len);
	sweep->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.version = row->version,
		.key = sweep->wanted[index] };
	sweep->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.key = { sweep->secrets[index], secret.len } };
	return count;
}

/* A draft that two rows name is removed once: a batch changes no row twice. */
static bool is_named_before(const struct hosted_sweep *sweep, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (slv_str_eq(sweep->wanted[i], sweep->wanted[index]))
			return true;
	return false;
}

static void drafts_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *drafts)
{
	struct hosted_sweep *sweep = SLV_CONTAINER(read, struct hosted_sweep, read);
	size_t count = 0;
	if (slv_failed(err)) {
		pause(sweep, EVERY_MS);
		return;
	}
	sweep->removing = 0;
	for (size_t i = 0; i < drafts->count; i++) {
		sweep->changes[count++] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = sweep->rows->at[i].key };
		if (!is_named_before(sweep, i))
			count = add_draft(sweep, i, &drafts->at[i], count);
	}
	drafts->hold.drop(&drafts->hold);
	sweep->batch = (struct slv_omap_batch){
		.map = sweep->map, .changes = sweep->changes, .count = count, .done = removed
	};
	slv_omap_write(sweep->loop, &sweep->batch);
}

static void rows_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct hosted_sweep *sweep = SLV_CONTAINER(read, struct hosted_sweep, read);
	sweep->rows = rows;
	if (slv_failed(err)) {
		pause(sweep, EVERY_MS);
		return;
	}
	if (!rows->count) {
		expired_end(sweep);
		return;
	}
	for (size_t i = 0; i < rows->count; i++) {
		int64_t expires_ms;
		if (!hosted_time_read(rows->at[i].key, &expires_ms, &sweep->wanted[i]) ||
				!sweep->wanted[i].len)
			sweep->wanted[i] = SLV_STR("x"); /* it is damaged, and goes */
	}
	sweep->read = (struct slv_omap_read){ .map = sweep->map,
		.what = SLV_OMAP_GET,
		.keys = sweep->wanted,
		.count = rows->count,
		.rows_max = (uint32_t)rows->count,
		.done = drafts_read };
	slv_omap_read(sweep->loop, &sweep->read);
}

static void read_rows(struct hosted_sweep *sweep)
{
	if (!sweep->hosted || ++sweep->steps > STEPS_MAX) {
		pause(sweep, AGAIN_MS);
		return;
	}
	sweep->read = (struct slv_omap_read){ .map = sweep->map,
		.what = SLV_OMAP_SCAN,
		.from = SLV_STR("x"),
		.until = hosted_time_key('x', slv_loop_wall_ms(sweep->loop) + 1, (slv_str){ 0 },
				sweep->until),
		.rows_max = ROWS_MAX,
		.done = rows_read };
	slv_omap_read(sweep->loop, &sweep->read);
}

/* --- turns --- */

static void account_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct hosted_sweep *sweep = SLV_CONTAINER(read, struct hosted_sweep, read);
	bool there = !slv_failed(err) && sweep->hosted &&
	             hosted_account_take(sweep->hosted, &rows->at[0]);
	if (rows)
		rows->hold.drop(&rows->hold);
	pause(sweep, there ? 0 : AGAIN_MS);
}

static void turn(struct slv_timer *timer)
{
	static const slv_str key = SLV_STR_INIT(SLV_API_ACCOUNT_KEY);
	struct hosted_sweep *sweep = SLV_CONTAINER(timer, struct hosted_sweep, timer);
	struct hosted *hosted = sweep->hosted;
	sweep->under_way = true;
	sweep->steps = 0;
	if (hosted->has_account) {
		sweep->map = hosted_map(
				hosted->maps, (slv_str){ hosted->account, HOSTED_ACCOUNT_BYTES });
		read_rows(sweep);
		return;
	}
	sweep->read = (struct slv_omap_read){ .map = slv_api_account_map(hosted->keys),
		.what = SLV_OMAP_GET,
		.keys = &key,
		.count = 1,
		.rows_max = 1,
		.done = account_read };
	slv_omap_read(sweep->loop, &sweep->read);
}

struct hosted_sweep *hosted_sweep_new(struct hosted *hosted)
{
	struct hosted_sweep *sweep = SLV_ALLOC(struct hosted_sweep);
	sweep->loop = hosted->loop;
	sweep->hosted = hosted;
	sweep->timer.fire = turn;
	slv_timer_start(sweep->loop, &sweep->timer, AGAIN_MS);
	return sweep;
}

void hosted_sweep_free(struct hosted_sweep *sweep)
{
	if (!sweep)
		return;
	sweep->hosted = NULL;
	slv_timer_stop(sweep->loop, &sweep->timer);
	if (!sweep->under_way)
		slv_free(sweep);
}
