/* close.c - DeleteBucket
 *
 *	CLOSE → OBJECTS? → UPLOADS? → REMOVE the bucket's row → told
 *	                ↘ OPEN again ↙ → told why not
 *
 * What is put into the bucket while it is being removed must be refused or must stop that: so no
 * row can be put any more (meta.h) before it is found empty. Only one who removes it can have
 * closed it. The bucket's row is removed only if it still is what it was before: the sweep, which
 * opens what was left closed, writes that row anew first, and so who is slow gives up.
 */
#include "service/object/private.h"

#include "base/assert.h"

struct removal {
	struct object_ask *ask;
	uint64_t closed_version; /* of the row `c` */
	slv_str since, remains;
	slv_object_err err; /* why not */
	struct slv_omap_read read;
	struct slv_omap_change changes[2];
	struct slv_omap_batch batch;
};

static void write(struct removal *removal, struct slv_omap *map,
		void (*done)(struct slv_omap_batch *batch, slv_err err))
{
	removal->batch = (struct slv_omap_batch){
		.map = map, .changes = removal->changes, .count = 2, .done = done
	};
	slv_omap_write(removal->ask->self->loop, &removal->batch);
}

/* --- not empty, or something went wrong --- */

static void opened(struct slv_omap_batch *batch, slv_err err)
{
	struct removal *removal = SLV_CONTAINER(batch, struct removal, batch);
	(void)err; /* if it stayed closed, the sweep opens it */
	object_fail(removal->ask, removal->err);
}

static void open_again(struct removal *removal, slv_object_err why)
{
	removal->err = why;
	removal->changes[0] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT, .when = SLV_OMAP_IF_ABSENT, .key = SLV_STR(OBJECT_OPEN_KEY)
	};
	removal->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.version = removal->closed_version,
		.key = SLV_STR(OBJECT_CLOSED_KEY) };
	write(removal, removal->ask->map, opened);
}

/* --- the row --- */

static void removed(struct slv_omap_batch *batch, slv_err err)
{
	struct removal *removal = SLV_CONTAINER(batch, struct removal, batch);
	if (err.code == SLV_E_PRECONDITION)
		open_again(removal, SLV_OBJECT_ERR(SLV_OBJECT_E_OPERATION_ABORTED, NULL));
	else if (slv_failed(err)) /* it may be gone all the same, and must then stay closed */
		object_fail(removal->ask, object_err(err));
	else
		object_reply_empty(removal->ask, 204);
}

static void remove_row(struct removal *removal)
{
	struct object_ask *ask = removal->ask;
	removal->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_VERSION,
		.version = ask->recall.row->version,
		.key = ask->recall.key };
	removal->changes[1] =
			(struct slv_omap_change){ .what = SLV_OMAP_PUT, .key = removal->remains };
	write(removal, ask->self->buckets, removed);
}

/* --- is it empty? --- */

static void uploads_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows);

/* Is there a row from `from` on, before `until`? */
static void look(struct removal *removal, slv_str from, slv_str until,
		void (*done)(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows))
{
	removal->read = (struct slv_omap_read){
		.map = removal->ask->map,
		.what = SLV_OMAP_SCAN,
		.from = from,
		.until = until,
		.rows_max = 1,
		.done = done,
	};
	slv_omap_read(removal->ask->self->loop, &removal->read);
}

/* False: it was opened again. */
static bool is_none(struct removal *removal, slv_err err, struct slv_omap_rows *rows)
{
	bool empty = rows && !rows->count;
	if (rows)
		rows->hold.drop(&rows->hold);
	if (slv_failed(err))
		open_again(removal, object_err(err));
	else if (!empty)
		open_again(removal, SLV_OBJECT_ERR(SLV_OBJECT_E_BUCKET_NOT_EMPTY, NULL));
	return empty;
}

static void objects_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct removal *removal = SLV_CONTAINER(read, struct removal, read);
	if (is_none(removal, err, rows))
		look(removal, SLV_STR("u"), SLV_STR("v"), uploads_read);
}

static void uploads_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct removal *removal = SLV_CONTAINER(read, struct removal, read);
	if (is_none(removal, err, rows))
		remove_row(removal);
}

/* --- closed --- */

static void closed(struct slv_omap_batch *batch, slv_err err)
{
	struct removal *removal = SLV_CONTAINER(batch, struct removal, batch);
	if (err.code == SLV_E_PRECONDITION) {
		object_fail(removal->ask, SLV_OBJECT_ERR(SLV_OBJECT_E_OPERATION_ABORTED, NULL));
	} else if (slv_failed(err)) {
		object_fail(removal->ask, object_err(err));
	} else {
		removal->closed_version = batch->version; /* `c` is the last change */
		look(removal, SLV_STR("o"), SLV_STR("p"), objects_read);
	}
}

static slv_str remains_key(struct object_ask *ask)
{
	struct object_bucket bucket;
	bool ok = object_bucket_read(ask->recall.row->value, &bucket);
	slv_assert(ok); /* its map was found by it */
	return slv_str_printf(ask->req->arena, "r/%.*s", OBJECT_ID_BYTES, bucket.id);
}

slv_object_err object_delete_bucket(struct object_ask *ask)
{
	struct removal *removal = SLV_NEW(ask->req->arena, struct removal);
	if (!removal)
		return object_no_memory();
	removal->ask = ask;
	removal->since = slv_str_printf(
			ask->req->arena, "%lld", (long long)slv_loop_wall_ms(ask->self->loop));
	removal->remains = remains_key(ask);
	if (!removal->since.at || !removal->remains.at)
		return object_no_memory();
	removal->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
		.when = SLV_OMAP_IF_PRESENT,
		.key = SLV_STR(OBJECT_OPEN_KEY) };
	removal->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_ABSENT,
		.key = SLV_STR(OBJECT_CLOSED_KEY),
		.value = removal->since };
	write(removal, ask->map, closed);
	return SLV_OBJECT_OK;
}
