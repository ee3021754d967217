#include "store/omap/pg.h"

enum { WHATS, WHENS, VERSIONS, KEYS, SUMS, VALUES, BODY_SUMS, BODIES, ARRAYS };

static void add_change(struct slv_buf *arrays, const struct slv_omap_change *change)
{
	bool puts = change->what == SLV_OMAP_PUT;
	slv_str value = puts ? change->value : (slv_str){ 0 };
	slv_str body = puts ? change->body : (slv_str){ 0 };
	pg_item_u32(&arrays[WHATS], change->what);
	pg_item_u32(&arrays[WHENS], change->when);
	pg_item_u64(&arrays[VERSIONS], change->version);
	pg_item_bytes(&arrays[KEYS], change->key);
	pg_item_u64(&arrays[SUMS], slv_omap_row_sum(change->key, 0, body.len, value));
	pg_item_bytes(&arrays[VALUES], value);
	pg_item_u64(&arrays[BODY_SUMS], body.len ? slv_omap_body_sum(change->key, 0, body) : 0);
	pg_item_bytes(&arrays[BODIES], body);
}

/* The arguments of selvedge.write(): the map, an array for each part of a change, a flag. */
static bool send_batch(PGconn *db, int32_t id, const struct slv_omap_batch *batch)
{
	static const Oid types[ARRAYS] = { OID_INT4, OID_INT4, OID_INT8, OID_BYTEA, OID_INT8,
		OID_BYTEA, OID_INT8, OID_BYTEA };
	struct slv_buf arrays[ARRAYS];
	struct pg_params params = { .count = 0 };
	for (int i = 0; i < ARRAYS; i++)
		pg_array_init(&arrays[i], types[i], batch->count);
	for (size_t i = 0; i < batch->count; i++)
		add_change(arrays, &batch->changes[i]);
	pg_param_i32(&params, (uint32_t)id);
	for (int i = 0; i < ARRAYS; i++)
		pg_param_bytes(&params, slv_buf_str(&arrays[i]));
	pg_param_bool(&params, batch->wants_old);
	bool sent = PQsendQueryPrepared(db, pg_statements[PG_WRITE].name, params.count, params.at,
				    params.len, params.format, 1) == 1;
	for (int i = 0; i < ARRAYS; i++)
		slv_buf_done(&arrays[i]);
	return sent;
}

enum { NO_MAP = -2 }; /* in OF_FAILED */
enum { OF_FAILED, OF_LATEST, OF_EPOCH, OF_VERSION, OF_SUM, OF_VALUE, OF_BODY_LEN };

/* The rows as they were, which stand behind the answer. */
static slv_err take_old(const PGresult *result, const struct slv_omap_batch *batch,
		struct slv_omap_found *old)
{
	if ((size_t)PQntuples(result) != batch->count)
		return SLV_ERR(SLV_E_SYS, "the database does not say what was there");
	for (size_t i = 0; i < batch->count; i++) {
		struct slv_omap_row row = { .key = batch->changes[i].key };
		if (!PQgetisnull(result, (int)i, OF_VERSION)) {
			row.version = pg_number_at(result, (int)i, OF_VERSION);
			row.value = pg_bytes_at(result, (int)i, OF_VALUE);
			uint64_t body_len =
					PQgetisnull(result, (int)i, OF_BODY_LEN)
							? 0
							: pg_number_at(result, (int)i, OF_BODY_LEN);
			if (slv_omap_row_sum(row.key, 0, body_len, row.value) !=
					pg_number_at(result, (int)i, OF_SUM))
				return SLV_ERR(SLV_E_CORRUPT, "a row of the store is damaged");
		}
		(void)slv_omap_found_add(old, &row); /* it has room for all */
	}
	return SLV_OK;
}

static void take_written(const PGresult *result, struct slv_omap_batch *batch)
{
	int64_t failed = (int64_t)pg_number_at(result, 0, OF_FAILED);
	if (failed == NO_MAP) {
		batch->err = SLV_ERR(SLV_E_MISSING, "the map was dropped"); /* it begins again */
		return;
	}
	batch->version = pg_number_at(result, 0, OF_LATEST);
	if (failed >= 0) {
		batch->failed = (size_t)failed;
		batch->err = SLV_ERR(SLV_E_PRECONDITION, "a condition does not hold");
		return;
	}
	if (!batch->wants_old)
		return;
	struct slv_omap_found old;
	slv_omap_found_init(&old, SLV_OMAP_ROWS_MAX, UINT32_MAX);
	old.version = batch->version;
	old.epoch = pg_number_at(result, 0, OF_EPOCH);
	batch->err = take_old(result, batch, &old);
	batch->in_doubt = slv_failed(batch->err); /* it is made with the others */
	if (slv_failed(batch->err))
		slv_omap_found_done(&old);
	else
		batch->old = slv_omap_found_keep(&old);
}

/* The next answer; all are taken, also behind an error, or the session could not be used again. */
static slv_err take_answer(struct slv_omaps *omaps, PGconn *db, struct slv_omap_batch *batch)
{
	slv_err err = pg_await(omaps, db);
	if (slv_failed(err))
		return err;
	PGresult *result = PQgetResult(db);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_TUPLES_OK && batch)
		take_written(result, batch);
	else if (status == PGRES_PIPELINE_ABORTED)
		err = SLV_ERR(SLV_E_SYS, "the database refuses"); /* the first said why */
	else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
			status != PGRES_PIPELINE_SYNC)
		err = pg_told(omaps, db, result);
	PQclear(result);
	if (result && status != PGRES_PIPELINE_SYNC && PQstatus(db) == CONNECTION_OK) {
		slv_err ended = pg_await(omaps, db);
		if (slv_failed(ended))
			return ended;
		PQclear(PQgetResult(db)); /* NULL: the end of this one */
	}
	return err;
}

static bool send_text(PGconn *db, const char *text)
{
	return PQsendQueryParams(db, text, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

static slv_err send_group(struct slv_omaps *omaps, PGconn *db, int32_t id,
		struct slv_omap_batch **batches, size_t count)
{
	bool sent = PQenterPipelineMode(db) == 1 &&
	            send_text(db, "BEGIN ISOLATION LEVEL READ COMMITTED");
	for (size_t i = 0; i < count && sent; i++)
		sent = send_batch(db, id, batches[i]);
	sent = sent && send_text(db, "COMMIT") && PQpipelineSync(db) == 1;
	return sent ? SLV_OK : pg_told(omaps, db, NULL);
}

/* With a connection that is lost, or a server that does not answer, nothing more comes. */
static slv_err write_group(struct slv_omaps *omaps, PGconn *db, int32_t id,
		struct slv_omap_batch **batches, size_t count)
{
	slv_err err = send_group(omaps, db, id, batches, count);
	if (slv_failed(err))
		return err;
	/* BEGIN, the batches, COMMIT, the sync. */
	for (size_t i = 0; i < count + 3; i++) {
		bool is_batch = i > 0 && i <= count;
		slv_err next = take_answer(omaps, db, is_batch ? batches[i - 1] : NULL);
		if (!slv_failed(err))
			err = next;
		if (next.code == SLV_E_TIMEOUT || PQstatus(db) != CONNECTION_OK)
			return err;
	}
	if (PQexitPipelineMode(db) != 1 && !slv_failed(err))
		err = pg_told(omaps, db, NULL);
	return err;
}

/* Whoever writes first locks the map, so that it is there for all of a group or for none. */
static bool was_dropped(struct slv_omap_batch **batches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (batches[i]->err.code != SLV_E_MISSING)
			return false;
	return true;
}

static slv_err write_once(struct slv_omap *omap, struct slv_omap_batch **batches, size_t count,
		bool *ret_dropped)
{
	struct pg_maps *maps = pg_maps_of(omap);
	struct pg_session *session;
	int32_t id;
	slv_err err = pg_session_take(omap, true, &session, &id);
	if (slv_failed(err))
		return err;
	/* Ended whatever came of it: a commit that comes through later is as one of another
	 * process, seen within a second. */
	slv_omap_stamps_begin(omap, batches, count);
	err = write_group(omap->omaps, session->db, id, batches, count);
	slv_omap_stamps_end(omap, batches, count);
	if (slv_failed(err))
		slv_omap_doubt(batches, count);
	if (slv_failed(err) && PQtransactionStatus(session->db) == PQTRANS_INERROR)
		(void)pg_simple(omap->omaps, session->db, "ROLLBACK"); /* told already */
	pg_session_give(maps, session);
	*ret_dropped = !slv_failed(err) && was_dropped(batches, count);
	if (*ret_dropped)
		pg_map_forget(omap, id);
	return err;
}

slv_err pg_write(struct slv_omap *omap, struct slv_omap_batch **batches, size_t count)
{
	for (int attempt = 0; attempt < PG_ATTEMPTS; attempt++) {
		bool dropped = false;
		slv_err err = write_once(omap, batches, count, &dropped);
		if (!dropped)
			return err;
		for (size_t i = 0; i < count; i++)
			batches[i]->err = SLV_OK;
	}
	return pg_dropped_again();
}
