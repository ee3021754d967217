#include "store/omap/pg.h"

enum { KIND_ROW, KIND_REMOVED, KIND_FOLDED, KIND_NONE };
enum {
	AT_VERSION,
	AT_FORGOTTEN,
	AT_EPOCH,
	AT_KEY,
	AT_ROW_VERSION,
	AT_SUM,
	AT_VALUE,
	AT_BODY_SUM,
	AT_BODY_LEN,
	AT_BODY,
	AT_KIND
};

static slv_err take_row(const PGresult *result, int i, struct slv_omap_row *ret_row)
{
	*ret_row = (struct slv_omap_row){ .key = pg_bytes_at(result, i, AT_KEY) };
	uint64_t kind = pg_number_at(result, i, AT_KIND);
	if (kind == KIND_NONE)
		return SLV_OK;
	ret_row->folded = kind == KIND_FOLDED;
	if (ret_row->folded)
		return SLV_OK;
	ret_row->removed = kind == KIND_REMOVED;
	ret_row->version = pg_number_at(result, i, AT_ROW_VERSION);
	ret_row->value = pg_bytes_at(result, i, AT_VALUE);
	uint64_t body_len = PQgetisnull(result, i, AT_BODY_LEN)
	                                    ? 0
	                                    : pg_number_at(result, i, AT_BODY_LEN);
	if (slv_omap_row_sum(ret_row->key, 0, body_len, ret_row->value) !=
			pg_number_at(result, i, AT_SUM))
		return SLV_ERR(SLV_E_CORRUPT, "a row of the store is damaged");
	if (PQgetisnull(result, i, AT_BODY))
		return SLV_OK;
	ret_row->body = pg_bytes_at(result, i, AT_BODY);
	if (PQgetisnull(result, i, AT_BODY_SUM) ||
			slv_omap_body_sum(ret_row->key, 0, ret_row->body) !=
					pg_number_at(result, i, AT_BODY_SUM))
		return SLV_ERR(SLV_E_CORRUPT, "a body in the store is damaged");
	return SLV_OK;
}

static slv_err take_rows(const PGresult *result, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	found->version = pg_number_at(result, 0, AT_VERSION);
	found->epoch = pg_number_at(result, 0, AT_EPOCH);
	slv_err err = slv_omap_check_since(
			read, found->version, pg_number_at(result, 0, AT_FORGOTTEN), found->epoch);
	for (int i = 0; i < PQntuples(result) && !slv_failed(err); i++) {
		struct slv_omap_row row;
		if (PQgetisnull(result, i, AT_KEY))
			break; /* the map's state alone */
		err = take_row(result, i, &row);
		if (err.code == SLV_E_CORRUPT && read->tells_damaged) {
			row = (struct slv_omap_row){
				.key = row.key, .version = row.version, .damaged = true
			};
			err = SLV_OK;
		}
		if (!slv_failed(err) && !slv_omap_found_add(found, &row))
			break;
	}
	return err;
}

static enum pg_statement reading(const struct slv_omap_read *read)
{
	if (read->what == SLV_OMAP_GET)
		return PG_GET;
	if (read->what == SLV_OMAP_CHANGES)
		return PG_CHANGES;
	return read->fold.len ? PG_FOLD : read->until.len ? PG_SCAN_TO : PG_SCAN;
}

static slv_err read_rows(struct slv_omaps *omaps, struct pg_session *session, int32_t id,
		const struct slv_omap_read *read, struct slv_omap_found *found, bool *ret_dropped)
{
	enum pg_statement which = reading(read);
	struct slv_buf keys = { 0 };
	struct pg_params params = { .count = 0 };
	slv_err err = SLV_OK;
	pg_param_i32(&params, (uint32_t)id);
	pg_param_i64(&params, (uint64_t)found->rows_max + 1);
	pg_param_i64(&params, found->bytes_max);
	pg_param_bool(&params, read->bodies);
	if (which == PG_GET) {
		pg_array_init(&keys, OID_BYTEA, read->count);
		for (size_t i = 0; i < read->count; i++)
			pg_item_bytes(&keys, read->keys[i]);
		pg_param_bytes(&params, slv_buf_str(&keys));
	} else if (which == PG_CHANGES) {
		pg_param_i64(&params, read->since);
	} else {
		pg_param_bytes(&params, read->from);
	}
	if (which == PG_SCAN_TO || which == PG_FOLD)
		pg_param_bytes(&params, read->until);
	if (which == PG_FOLD) {
		pg_param_i32(&params, (uint32_t)read->fold_skip);
		pg_param_bytes(&params, read->fold);
	}
	PGresult *result = pg_ask(omaps, session->db, which, &params, &err);
	slv_buf_done(&keys);
	if (!result)
		return err;
	*ret_dropped = PQntuples(result) == 0; /* else it has the state of the map */
	if (!*ret_dropped)
		err = take_rows(result, read, found);
	PQclear(result);
	return err;
}

slv_err pg_read(struct slv_omap *omap, const struct slv_omap_read *read,
		struct slv_omap_found *found)
{
	struct pg_maps *maps = pg_maps_of(omap);
	for (int attempt = 0; attempt < PG_ATTEMPTS; attempt++) {
		struct pg_session *session;
		int32_t id;
		bool dropped = false;
		slv_err err = pg_session_take(omap, false, &session, &id);
		if (slv_failed(err))
			return err;
		err = id ? read_rows(omap->omaps, session, id, read, found, &dropped)
		         : slv_omap_read_nothing(read, found);
		pg_session_give(maps, session);
		if (!dropped)
			return err;
		pg_map_forget(omap, id);
	}
	return pg_dropped_again();
}
