/* bulk.c - many keys in one request: write or remove
 *
 *	body → taken apart (on another thread) → a batch → a batch … → answered
 *
 * All pairs are looked at before one is written, so that a mistake in one leaves all of them
 * unwritten. Batches follow each other, and each is made or not; if one fails those before it
 * stay, which the answer tells, with the keys that were not written.
 */
#include "service/kv/bulk.h"

#include "base/map.h"
#include "base/mem.h"
#include "service/kv/private.h"

#define BATCH_PAIRS_MAX (SLV_OMAP_OLD_MAX / 2) /* each may have a row for its expiry */
#define BATCH_BYTES_MAX SLV_MIB(4)
#define PARSE_ON_LOOP_BYTES SLV_KIB(64)
#define WORDS_BYTES_MAX SLV_KIB(16)

/* The rows of one pair. */
struct rows {
	char key[KV_ROW_KEY_BYTES_MAX], expiry[KV_ROW_KEY_BYTES_MAX];
	char value[KV_ROW_BYTES_MAX];
};

struct bulk {
	struct kv_call call;
	struct slv_api_body body;
	bool removes;

	struct slv_job job;
	int64_t now_s;
	struct slv_arena words; /* of an error that the other thread makes */
	struct kv_pairs pairs;
	slv_err err;

	size_t next;  /* the first pair that is not in a batch yet */
	size_t ready; /* of the batch that is being made: pairs */
	size_t ready_bytes;
	struct slv_map in_batch; /* the keys of its pairs */
	struct slv_blob_writer *writer;
	struct slv_blob_ref ref; /* of pair `next`, if it is a blob */
	bool has_ref;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[2 * BATCH_PAIRS_MAX];
	size_t change_count;
	bool asked; /* the store has that batch, or it failed and may have been made all the same */
	struct rows *rows; /* BATCH_PAIRS_MAX */
};

static void bulk_run(struct bulk *bulk);

/* Of pairs that were surely not written. */
static void drop_blobs(struct bulk *bulk)
{
	struct kv *kv = bulk->call.kv;
	struct kv_meta meta;
	if (bulk->has_ref)
		slv_blob_discard(kv->loop, kv->blobs, &bulk->ref.id);
	for (size_t i = 0; i < bulk->change_count && !bulk->asked; i++)
		if (bulk->changes[i].key.at[0] == 'k' && bulk->changes[i].value.len &&
				!slv_failed(kv_meta_read(bulk->changes[i].value, &meta)) &&
				meta.has_blob)
			slv_blob_discard(kv->loop, kv->blobs, &meta.blob);
}

static void bulk_drop(void *arg)
{
	struct bulk *bulk = arg;
	drop_blobs(bulk);
	slv_api_body_done(&bulk->body);
	slv_blob_writer_free(bulk->writer);
	slv_map_done(&bulk->in_batch);
	kv_pairs_done(&bulk->pairs);
	slv_arena_done(&bulk->words);
	slv_free(bulk->rows);
}

/* --- the answer --- */

static void answer(struct bulk *bulk)
{
	size_t count = kv_pairs_count(&bulk->pairs), written = bulk->next - bulk->ready;
	json_t *failed = json_array();
	for (size_t i = written; i < count; i++)
		json_array_append_new(failed, slv_api_text(kv_pair_key(&bulk->pairs, i)));
	/* What a disk said is in the log; some of it was done, so this is no plain error. */
	if (slv_failed(bulk->err) && written == 0) {
		json_decref(failed);
		kv_fail(&bulk->call, bulk->err);
		return;
	}
	slv_api_reply(bulk->call.ask->req,
			json_pack("{s:I, s:o}", "successful_key_count", (json_int_t)written,
					"unsuccessful_keys", failed),
			NULL);
}

/* --- batches --- */

static void batch_done(struct slv_omap_batch *batch, slv_err err)
{
	struct bulk *bulk = SLV_CONTAINER(batch, struct bulk, batch);
	bulk->asked = batch->in_doubt;
	if (slv_failed(err)) {
		bulk->err = err;
		answer(bulk);
		return;
	}
	kv_clean(bulk->call.kv, batch);
	batch->old->hold.drop(&batch->old->hold);
	bulk->ready = bulk->change_count = bulk->ready_bytes = 0;
	slv_map_done(&bulk->in_batch);
	slv_map_init(&bulk->in_batch, slv_loop_hash_key(bulk->call.kv->loop));
	bulk_run(bulk);
}

static slv_err write_batch(struct kv_call *call)
{
	struct bulk *bulk = SLV_CONTAINER(call, struct bulk, call);
	bulk->asked = true;
	bulk->batch = (struct slv_omap_batch){
		.map = bulk->call.map,
		.changes = bulk->changes,
		.count = bulk->change_count,
		.wants_old = true,
		.done = batch_done,
	};
	slv_omap_write(bulk->call.kv->loop, &bulk->batch);
	return SLV_OK;
}

static void add_change(struct bulk *bulk, slv_str key, slv_str value, slv_str body)
{
	bulk->changes[bulk->change_count++] = (struct slv_omap_change){
		.what = bulk->removes ? SLV_OMAP_REMOVE : SLV_OMAP_PUT,
		.key = key,
		.value = value,
		.body = body,
	};
	bulk->ready_bytes += key.len + value.len + body.len;
}

static void add_pair(struct bulk *bulk)
{
	const struct kv_pair *pair = kv_pairs_at(&bulk->pairs, bulk->next);
	slv_str key = kv_pair_key(&bulk->pairs, bulk->next);
	struct rows *rows = &bulk->rows[bulk->ready];
	slv_str value = { 0 }, body = { 0 };
	if (!bulk->removes) {
		struct kv_meta meta = {
			.expires_s = pair->expires_s,
			.len = pair->value_len,
			.has_blob = bulk->has_ref,
			.blob = bulk->ref.id,
			.metadata = kv_pair_metadata(&bulk->pairs, bulk->next),
		};
		value = (slv_str){ rows->value, kv_meta_write(&meta, rows->value) };
		if (!bulk->has_ref)
			body = kv_pair_value(&bulk->pairs, bulk->next);
	}
	add_change(bulk, kv_row_key(key, rows->key), value, body);
	if (pair->expires_s)
		add_change(bulk, kv_expiry_key(pair->expires_s, key, rows->expiry), (slv_str){ 0 },
				(slv_str){ 0 });
	slv_map_put(&bulk->in_batch, key, bulk);
	bulk->has_ref = false;
	bulk->ready++;
	bulk->next++;
}

/* --- values that are too large for a row --- */

static void blob_end(struct bulk *bulk, slv_err err)
{
	bulk->err = err;
	slv_blob_writer_free(bulk->writer);
	bulk->writer = NULL;
	if (slv_failed(err))
		answer(bulk);
	else
		bulk_run(bulk);
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct bulk *bulk = arg;
	if (!slv_failed(err)) {
		bulk->ref = *ref;
		bulk->has_ref = true;
	}
	blob_end(bulk, err);
}

static void blob_written(void *arg, slv_err err)
{
	struct bulk *bulk = arg;
	if (slv_failed(err))
		blob_end(bulk, err);
	else
		slv_blob_finish(bulk->writer, blob_finished, bulk);
}

static void write_blob(struct bulk *bulk)
{
	struct kv *kv = bulk->call.kv;
	bulk->err = slv_blob_writer_new(kv->loop, kv->blobs, &bulk->writer);
	if (slv_failed(bulk->err))
		answer(bulk);
	else
		slv_blob_write(bulk->writer, kv_pair_value(&bulk->pairs, bulk->next), blob_written,
				bulk);
}

/* --- the way through --- */

/* May the next pair go into the batch? A key that stands in the request twice has its last value:
 * the second one is in a later batch. */
static bool fits(const struct bulk *bulk)
{
	return bulk->ready < BATCH_PAIRS_MAX && bulk->ready_bytes < BATCH_BYTES_MAX &&
	       !slv_map_get(&bulk->in_batch, kv_pair_key(&bulk->pairs, bulk->next));
}

static void bulk_run(struct bulk *bulk)
{
	size_t count = kv_pairs_count(&bulk->pairs);
	while (bulk->next < count && fits(bulk)) {
		const struct kv_pair *pair = kv_pairs_at(&bulk->pairs, bulk->next);
		if (pair->value_len > KV_INLINE_BYTES_MAX && !bulk->has_ref) {
			write_blob(bulk);
			return;
		}
		add_pair(bulk);
	}
	if (!bulk->ready) {
		answer(bulk);
		return;
	}
	slv_err err = kv_begin(&bulk->call, bulk->call.ask, write_batch);
	(void)err; /* there is none: kv_begin() answers what fails */
}

/* --- taking it apart --- */

static void parsed(struct slv_job *job)
{
	struct bulk *bulk = SLV_CONTAINER(job, struct bulk, job);
	slv_api_body_clear(&bulk->body); /* the pairs are about as large */
	if (slv_failed(bulk->err))
		kv_fail(&bulk->call, bulk->err);
	else
		bulk_run(bulk);
}

static void parse(struct slv_job *job)
{
	struct bulk *bulk = SLV_CONTAINER(job, struct bulk, job);
	bulk->err = kv_pairs_read(&bulk->pairs, &bulk->words, slv_buf_str(&bulk->body.text),
			bulk->removes, bulk->now_s);
}

static void body_read(struct slv_api_body *body, slv_err err)
{
	struct bulk *bulk = SLV_CONTAINER(body, struct bulk, body);
	if (slv_failed(err)) {
		kv_fail(&bulk->call, err);
		return;
	}
	bulk->job = (struct slv_job){ .work = parse, .done = parsed };
	if (body->text.len > PARSE_ON_LOOP_BYTES) {
		slv_job_start(bulk->call.kv->loop, &bulk->job);
		return;
	}
	parse(&bulk->job);
	parsed(&bulk->job);
}

static slv_err begin(struct kv_call *call)
{
	struct bulk *bulk = SLV_CONTAINER(call, struct bulk, call);
	bulk->body = (struct slv_api_body){
		.bodies = &call->kv->bulks,
		.req = call->ask->req,
		.bytes_max = SLV_KV_BULK_BYTES_MAX,
		.done = body_read,
	};
	slv_api_body_read(&bulk->body);
	return SLV_OK;
}

static slv_err serve(struct slv_api_ask *ask, bool removes)
{
	struct bulk *bulk = SLV_NEW(ask->req->arena, struct bulk);
	if (!bulk || !slv_arena_defer(ask->req->arena, bulk_drop, bulk))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	struct kv *kv = ask->self;
	bulk->body.bodies = &kv->bulks;
	bulk->removes = removes;
	bulk->now_s = slv_loop_wall_s(ask->loop);
	bulk->rows = slv_alloc(BATCH_PAIRS_MAX * sizeof(*bulk->rows));
	slv_arena_init(&bulk->words, WORDS_BYTES_MAX, WORDS_BYTES_MAX);
	slv_map_init(&bulk->in_batch, slv_loop_hash_key(kv->loop));
	kv_pairs_init(&bulk->pairs);
	return kv_begin(&bulk->call, ask, begin);
}

slv_err kv_serve_bulk_put(struct slv_api_ask *ask)
{
	return serve(ask, false);
}

slv_err kv_serve_bulk_remove(struct slv_api_ask *ask)
{
	return serve(ask, true);
}
