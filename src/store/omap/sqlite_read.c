#include "store/omap/sqlite.h"

#include <string.h>

slv_err sqlite_state_read(struct sqlite_session *session, struct sqlite_state *ret_state)
{
	sqlite3_stmt *stmt = sqlite_statement(session, SQL_STATE);
	slv_err err = SLV_OK;
	if (!stmt)
		return sqlite_failed(session);
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_state = (struct sqlite_state){ sqlite_number_of(stmt, 0),
			sqlite_number_of(stmt, 1), sqlite_number_of(stmt, 2),
			sqlite_number_of(stmt, 3) };
	else
		err = rc == SQLITE_DONE ? sqlite_damaged() : sqlite_failed(session);
	sqlite3_reset(stmt);
	return err;
}

slv_err sqlite_stored_read(sqlite3_stmt *stmt, struct sqlite_stored *ret_stored)
{
	struct slv_omap_row *row = &ret_stored->row;
	*row = (struct slv_omap_row){
		.key = sqlite_text_of(stmt, 0),
		.version = sqlite_number_of(stmt, 1),
		.value = sqlite_text_of(stmt, 4),
		.removed = sqlite3_column_type(stmt, 4) == SQLITE_NULL,
	};
	ret_stored->body_len = (size_t)sqlite_number_of(stmt, 3);
	if (slv_omap_row_sum(row->key, row->version, ret_stored->body_len, row->value) !=
			sqlite_number_of(stmt, 2))
		return SLV_ERR(SLV_E_CORRUPT, "a row of the store is damaged");
	return SLV_OK;
}

/* What is damaged is told, where that is asked for, and nothing else ends. */
static slv_err damage_told(
		const struct slv_omap_read *read, slv_err err, struct sqlite_stored *stored)
{
	if (err.code != SLV_E_CORRUPT || !read->tells_damaged)
		return err;
	stored->row = (struct slv_omap_row){
		.key = stored->row.key, .version = stored->row.version, .damaged = true
	};
	stored->body_len = 0;
	return SLV_OK;
}

/* Add it, with its body if need be. */
static slv_err found_add(struct sqlite_session *session, const struct slv_omap_read *read,
		struct sqlite_stored *stored, struct slv_omap_found *found, bool *ret_more)
{
	if (!read->bodies || stored->body_len == 0) {
		*ret_more = slv_omap_found_add(found, &stored->row);
		return SLV_OK;
	}
	sqlite3_stmt *stmt = sqlite_statement(session, SQL_BODY);
	if (!sqlite_bind_number(stmt, 1, stored->row.version))
		return sqlite_failed(session);
	slv_err err = SLV_OK;
	int rc = sqlite3_step(stmt);
	slv_str body = rc == SQLITE_ROW ? sqlite_text_of(stmt, 1) : (slv_str){ 0 };
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = sqlite_failed(session);
	else if (body.len != stored->body_len ||
			slv_omap_body_sum(stored->row.key, stored->row.version, body) !=
					sqlite_number_of(stmt, 0))
		err = SLV_ERR(SLV_E_CORRUPT, "a body in the store is damaged");
	stored->row.body = body;
	err = damage_told(read, err, stored);
	if (!slv_failed(err))
		*ret_more = slv_omap_found_add(found, &stored->row);
	sqlite3_reset(stmt);
	return err;
}

static slv_err read_keys(struct sqlite_session *session, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	sqlite3_stmt *stmt = sqlite_statement(session, SQL_GET);
	slv_err err = SLV_OK;
	bool more = true;
	for (size_t i = 0; i < read->count && more && !slv_failed(err); i++) {
		struct sqlite_stored stored = { .row.key = read->keys[i] };
		if (!sqlite_bind_text(stmt, 1, read->keys[i]))
			return sqlite_failed(session);
		int rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW)
			err = damage_told(read, sqlite_stored_read(stmt, &stored), &stored);
		else if (rc != SQLITE_DONE)
			err = sqlite_failed(session);
		if (!slv_failed(err))
			err = found_add(session, read, &stored, found, &more);
		sqlite3_reset(stmt);
	}
	return err;
}

/* What stands for several keys. */
struct folded {
	size_t len; /* 0: nothing */
	char name[SLV_OMAP_KEY_BYTES_MAX];
};

/* The rows of `stmt` until a bound is reached, or one that is folded. */
static slv_err read_rows(struct sqlite_session *session, const struct slv_omap_read *read,
		sqlite3_stmt *stmt, struct slv_omap_found *found, struct folded *ret_folded)
{
	slv_err err = SLV_OK;
	int rc;
	bool more = true;
	ret_folded->len = 0;
	while (more && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct sqlite_stored stored;
		err = damage_told(read, sqlite_stored_read(stmt, &stored), &stored);
		if (slv_failed(err))
			break;
		size_t len = slv_omap_folded_len(read, stored.row.key);
		if (len == 0) {
			err = found_add(session, read, &stored, found, &more);
			if (slv_failed(err))
				break;
			continue;
		}
		struct slv_omap_row row = { .key = { stored.row.key.at, len }, .folded = true };
		if (slv_omap_found_add(found, &row)) {
			memcpy(ret_folded->name, row.key.at, len);
			ret_folded->len = len;
		}
		break;
	}
	if (more && !slv_failed(err) && rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = sqlite_failed(session);
	sqlite3_reset(stmt);
	return err;
}

/* Behind what was folded it begins again, however much there is in it. */
static slv_err read_scan(struct sqlite_session *session, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	sqlite3_stmt *stmt = sqlite_statement(session, read->until.len ? SQL_SCAN_TO : SQL_SCAN);
	struct folded folded;
	slv_str from = read->from;
	do {
		if (!sqlite_bind_text(stmt, 1, from) ||
				(read->until.len && !sqlite_bind_text(stmt, 2, read->until)))
			return sqlite_failed(session);
		slv_err err = read_rows(session, read, stmt, found, &folded);
		if (slv_failed(err))
			return err;
		from = (slv_str){ folded.name, slv_omap_behind(folded.name, folded.len) };
	} while (from.len > 0);
	return SLV_OK;
}

static slv_err read_changes(struct sqlite_session *session, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	sqlite3_stmt *stmt = sqlite_statement(session, SQL_CHANGES);
	struct folded none;
	if (!sqlite_bind_number(stmt, 1, read->since))
		return sqlite_failed(session);
	return read_rows(session, read, stmt, found, &none);
}

/* All of it is of one moment. */
static slv_err read_all(struct sqlite_session *session, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	struct sqlite_state state = { 0 };
	slv_err err = sqlite_state_read(session, &state);
	if (!slv_failed(err) && state.epoch != 0)
		err = slv_omap_check_since(read, state.version, state.forgotten, state.epoch);
	if (slv_failed(err))
		return err;
	if (state.epoch == 0)
		return slv_omap_read_nothing(read, found);
	found->version = state.version;
	found->epoch = state.epoch;
	switch (read->what) {
	case SLV_OMAP_GET:
		return read_keys(session, read, found);
	case SLV_OMAP_CHANGES:
		return read_changes(session, read, found);
	case SLV_OMAP_SCAN:
	default:
		return read_scan(session, read, found);
	}
}

slv_err sqlite_read(struct slv_omap *omap, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	struct sqlite_map *map = SLV_CONTAINER(omap, struct sqlite_map, map);
	struct sqlite_session *session;
	slv_err err = sqlite_session_take(map, false, &session);
	if (err.code == SLV_E_MISSING)
		return slv_omap_read_nothing(read, found);
	if (slv_failed(err))
		return err;
	if (!sqlite_run(session, SQL_BEGIN_READ)) {
		err = sqlite_failed(session);
	} else {
		err = read_all(session, read, found);
		if (!sqlite_run(session, SQL_COMMIT) && !slv_failed(err))
			err = sqlite_failed(session);
	}
	if (slv_failed(err) && err.code != SLV_E_RANGE)
		sqlite_session_close(session);
	else
		sqlite_session_give(map, session);
	return err;
}
