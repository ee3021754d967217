#include "store/omap/sqlite.h"

#include "base/mem.h"

/* What a change meets. */
struct before {
	uint64_t version; /* 0: there is no row */
	bool has_body;
};

void sqlite_writing_failed(struct sqlite_writing *writing)
{
	if (!slv_failed(writing->err))
		writing->err = sqlite_failed(writing->session);
}

/* As it is; with `old` it is added there, too. The batch fails if it is damaged: its version and
 * its body may be those of another row, and the file's index of versions may not fit it. */
static struct before look(struct sqlite_writing *writing, struct slv_omap_batch *batch,
		const struct slv_omap_change *change, struct slv_omap_found *old)
{
	sqlite3_stmt *stmt = sqlite_statement(writing->session, SQL_GET);
	struct sqlite_stored stored = { .row.key = change->key };
	int rc = sqlite_bind_text(stmt, 1, change->key) ? sqlite3_step(stmt) : SQLITE_ERROR;
	if (rc == SQLITE_ROW) {
		slv_err err = sqlite_stored_read(stmt, &stored);
		if (slv_failed(err))
			batch->err = err;
	} else if (rc != SQLITE_DONE) {
		sqlite_writing_failed(writing);
	}
	if (old)
		(void)slv_omap_found_add(old, &stored.row); /* it has room for all */
	struct before before = { stored.row.version, stored.body_len > 0 };
	if (stmt)
		sqlite3_reset(stmt);
	return before;
}

static bool condition_holds(const struct slv_omap_change *change, const struct before *before)
{
	switch (change->when) {
	case SLV_OMAP_IF_ABSENT:
		return before->version == 0;
	case SLV_OMAP_IF_PRESENT:
		return before->version != 0;
	case SLV_OMAP_IF_VERSION:
		return before->version != 0 && before->version == change->version;
	case SLV_OMAP_ALWAYS:
	default:
		return true;
	}
}

static bool put_row(struct sqlite_session *session, const struct slv_omap_change *change,
		uint64_t version, bool is_new)
{
	sqlite3_stmt *stmt = sqlite_statement(session, is_new ? SQL_INSERT : SQL_UPDATE);
	uint64_t sum = slv_omap_row_sum(change->key, version, change->body.len, change->value);
	return sqlite_bind_text(stmt, 1, change->key) && sqlite_bind_number(stmt, 2, version) &&
	       sqlite_bind_number(stmt, 3, sum) && sqlite_bind_number(stmt, 4, change->body.len) &&
	       sqlite_bind_text(stmt, 5, change->value) && sqlite_finish(stmt);
}

static bool put_body(struct sqlite_session *session, const struct slv_omap_change *change,
		uint64_t version)
{
	if (change->body.len == 0)
		return true;
	sqlite3_stmt *stmt = sqlite_statement(session, SQL_ADD_BODY);
	uint64_t sum = slv_omap_body_sum(change->key, version, change->body);
	return sqlite_bind_number(stmt, 1, version) && sqlite_bind_number(stmt, 2, sum) &&
	       sqlite_bind_text(stmt, 3, change->body) && sqlite_finish(stmt);
}

static bool drop_gone(struct sqlite_writing *writing, slv_str key)
{
	if (writing->state.gone == 0)
		return true;
	if (!sqlite_run_with_text(writing->session, SQL_DROP_GONE, key))
		return false;
	writing->state.gone -= (uint64_t)sqlite3_changes(writing->session->db);
	return true;
}

static bool put(struct sqlite_writing *writing, const struct slv_omap_change *change,
		const struct before *before)
{
	struct sqlite_session *session = writing->session;
	uint64_t version = ++writing->state.version;
	if (before->has_body && !sqlite_run_with_number(session, SQL_REMOVE_BODY, before->version))
		return false;
	if (!before->version && !drop_gone(writing, change->key))
		return false;
	return put_row(session, change, version, !before->version) &&
	       put_body(session, change, version);
}

static bool add_gone(struct sqlite_writing *writing, slv_str key)
{
	sqlite3_stmt *stmt = sqlite_statement(writing->session, SQL_ADD_GONE);
	uint64_t version = ++writing->state.version;
	writing->state.gone++;
	return sqlite_bind_number(stmt, 1, version) && sqlite_bind_text(stmt, 2, key) &&
	       sqlite_bind_number(stmt, 3, slv_omap_row_sum(key, version, 0, (slv_str){ 0 })) &&
	       sqlite_finish(stmt);
}

static bool take_away(struct sqlite_writing *writing, const struct slv_omap_change *change,
		const struct before *before)
{
	struct sqlite_session *session = writing->session;
	if (!before->version)
		return true;
	if (before->has_body && !sqlite_run_with_number(session, SQL_REMOVE_BODY, before->version))
		return false;
	return sqlite_run_with_text(session, SQL_REMOVE, change->key) &&
	       add_gone(writing, change->key);
}

static bool make_change(struct sqlite_writing *writing, const struct slv_omap_change *change,
		const struct before *before)
{
	switch (change->what) {
	case SLV_OMAP_PUT:
		return put(writing, change, before);
	case SLV_OMAP_REMOVE:
		return take_away(writing, change, before);
	case SLV_OMAP_CHECK:
	default:
		return true;
	}
}

static void batch_make(struct sqlite_writing *writing, struct slv_omap_batch *batch,
		const struct before *before)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (condition_holds(&batch->changes[i], &before[i]))
			continue;
		batch->failed = i;
		batch->err = SLV_ERR(SLV_E_PRECONDITION, "a condition does not hold");
		return;
	}
	for (size_t i = 0; i < batch->count && !slv_failed(writing->err); i++)
		if (!make_change(writing, &batch->changes[i], &before[i]))
			sqlite_writing_failed(writing);
	batch->version = writing->state.version;
}

/* All changes of one, or none. */
static void write_batch(struct sqlite_writing *writing, struct slv_omap_batch *batch)
{
	struct slv_omap_found old;
	struct before *before = slv_alloc(batch->count * sizeof(*before));
	slv_omap_found_init(&old, SLV_OMAP_ROWS_MAX, UINT32_MAX);
	for (size_t i = 0; i < batch->count && !slv_failed(writing->err); i++)
		before[i] = look(
				writing, batch, &batch->changes[i], batch->wants_old ? &old : NULL);
	if (!slv_failed(writing->err) && !slv_failed(batch->err))
		batch_make(writing, batch, before);
	old.version = batch->version;
	old.epoch = writing->state.epoch;
	if (batch->wants_old && !slv_failed(writing->err))
		batch->old = slv_omap_found_keep(&old); /* dropped again if `batch` fails */
	else
		slv_omap_found_done(&old);
	slv_free(before);
}

/* Forget the oldest of what was removed. */
static bool shorten_gone(struct sqlite_writing *writing)
{
	struct sqlite_session *session = writing->session;
	struct sqlite_state *state = &writing->state;
	if (state->gone <= SLV_OMAP_GONE_MAX)
		return true;
	sqlite3_stmt *stmt = sqlite_statement(session, SQL_EDGE_GONE);
	if (!sqlite_bind_number(stmt, 1, state->gone - SLV_OMAP_GONE_MAX + SLV_OMAP_GONE_STEP - 1))
		return false;
	bool found = sqlite3_step(stmt) == SQLITE_ROW;
	uint64_t edge = found ? sqlite_number_of(stmt, 0) : 0;
	sqlite3_reset(stmt);
	if (!found || !sqlite_run_with_number(session, SQL_SHORTEN_GONE, edge))
		return false;
	state->gone -= (uint64_t)sqlite3_changes(session->db);
	state->forgotten = edge;
	return true;
}

static bool write_state(struct sqlite_writing *writing)
{
	sqlite3_stmt *stmt = sqlite_statement(writing->session, SQL_SET_STATE);
	const struct sqlite_state *state = &writing->state;
	return sqlite_bind_number(stmt, 1, state->version) &&
	       sqlite_bind_number(stmt, 2, state->forgotten) &&
	       sqlite_bind_number(stmt, 3, state->gone) && sqlite_finish(stmt);
}

/* One that fails is in doubt: it may stand in the log, where nobody finds it but who mends what
 * somebody left that was killed. The next commit takes its place there. */
void sqlite_commit(struct sqlite_writing *writing, struct slv_omap *omap,
		struct slv_omap_batch **batches, size_t count)
{
	slv_omap_stamps_begin(omap, batches, count);
	if (sqlite_run(writing->session, SQL_COMMIT)) {
		slv_omap_stamps_end(omap, batches, count);
	} else {
		sqlite_writing_failed(writing);
		slv_omap_stamps_doubt(omap, batches, count);
		slv_omap_doubt(batches, count);
	}
}

bool sqlite_clear(struct sqlite_session *session)
{
	return sqlite_run(session, SQL_CLEAR_ROWS) && sqlite_run(session, SQL_CLEAR_BODIES) &&
	       sqlite_run(session, SQL_CLEAR_GONE);
}

/* The map was dropped. */
static void begin_anew(struct sqlite_writing *writing)
{
	if (sqlite_clear(writing->session) && sqlite_run(writing->session, SQL_BEGIN_ANEW))
		writing->err = sqlite_state_read(writing->session, &writing->state);
	else
		sqlite_writing_failed(writing);
}

static slv_err write_group(struct sqlite_session *session, struct slv_omap *omap,
		struct slv_omap_batch **batches, size_t count)
{
	struct sqlite_writing writing = { .session = session };
	if (!sqlite_run(session, SQL_BEGIN_WRITE))
		return sqlite_failed(session);
	/* What another process may have changed is read again. */
	writing.err = sqlite_state_read(session, &writing.state);
	if (!slv_failed(writing.err) && writing.state.epoch == 0)
		begin_anew(&writing);
	uint64_t version = writing.state.version;
	for (size_t i = 0; i < count && !slv_failed(writing.err); i++)
		write_batch(&writing, batches[i]);
	bool changed = writing.state.version != version;
	if (!slv_failed(writing.err) && changed &&
			(!shorten_gone(&writing) || !write_state(&writing)))
		sqlite_writing_failed(&writing);
	if (!slv_failed(writing.err) && changed)
		sqlite_commit(&writing, omap, batches, count);
	else if (!slv_failed(writing.err) && !sqlite_run(session, SQL_ROLLBACK))
		sqlite_writing_failed(&writing);
	return writing.err;
}

slv_err sqlite_write(struct slv_omap *omap, struct slv_omap_batch **batches, size_t count)
{
	struct sqlite_map *map = SLV_CONTAINER(omap, struct sqlite_map, map);
	struct sqlite_session *session;
	slv_err err = sqlite_session_take(map, true, &session);
	if (slv_failed(err))
		return err;
	err = sqlite_stamps_open(SLV_CONTAINER(omap->omaps, struct sqlite_maps, maps));
	if (!slv_failed(err))
		err = write_group(session, omap, batches, count);
	if (slv_failed(err))
		sqlite_session_close(session); /* which rolls back what is in doubt */
	else
		sqlite_session_give(map, session);
	return err;
}
