/* pg_drop.c - maps that are dropped, and those that are there */
#include "store/omap/pg.h"

#define CLEAR_AT_ONCE 1000 /* rows of a step */

/* --- what was dropped is cleared --- */

/* Whether there may be more to do. */
static bool clear_step(struct pg_maps *maps)
{
	struct slv_omaps *omaps = &maps->maps;
	struct pg_session *session;
	struct pg_params params = { .count = 0 };
	slv_err err = pg_session_find(maps, &session);
	if (slv_failed(err))
		return false; /* it is done after the next drop, or by the next process */
	pg_param_i64(&params, CLEAR_AT_ONCE);
	PGresult *result = pg_ask(omaps, session->db, PG_CLEAR, &params, &err);
	bool more = result && PQntuples(result) == 1 && !PQgetisnull(result, 0, 0);
	PQclear(result);
	pg_session_give(maps, session);
	return more;
}

/* One step; what has come meanwhile is before the next. */
static void clearer_work(struct slv_chore *chore)
{
	struct pg_maps *maps = SLV_CONTAINER(chore, struct pg_maps, clearer);
	if (atomic_load(&maps->maps.closing))
		return;
	atomic_store(&maps->wants_clearing, false);
	if (clear_step(maps)) {
		slv_crew_add(maps->maps.writers, &maps->clearer);
		return;
	}
	atomic_store(&maps->clearing, false);
	if (atomic_load(&maps->wants_clearing))
		pg_clear_start(maps); /* somebody asked while we looked */
}

void pg_clear_start(struct pg_maps *maps)
{
	atomic_store(&maps->wants_clearing, true);
	if (atomic_exchange(&maps->clearing, true))
		return;
	maps->clearer = (struct slv_chore){ .work = clearer_work };
	slv_crew_add(maps->maps.writers, &maps->clearer);
}

/* --- the driver --- */

slv_err pg_drop(struct slv_omap *omap, struct slv_omap_batch *batch)
{
	struct pg_maps *maps = pg_maps_of(omap);
	struct pg_session *session;
	struct pg_params params = { .count = 0 };
	slv_err err = pg_session_find(maps, &session);
	if (slv_failed(err))
		return err;
	pg_param_bytes(&params, slv_str_from(omap->name));
	slv_omap_stamps_begin(omap, &batch, 1);
	PGresult *result = pg_ask(omap->omaps, session->db, PG_DROP, &params, &err);
	slv_omap_stamps_end(omap, &batch, 1);
	if (result && PQntuples(result) > 0)
		pg_map_forget(omap, (int32_t)pg_number_at(result, 0, 0));
	PQclear(result);
	pg_session_give(maps, session);
	pg_clear_start(maps);
	return err;
}

slv_err pg_list(struct slv_omaps *omaps, const struct slv_omap_list *list,
		struct slv_omap_found *found)
{
	struct pg_maps *maps = SLV_CONTAINER(omaps, struct pg_maps, maps);
	struct pg_session *session;
	struct pg_params params = { .count = 0 };
	slv_err err = pg_session_find(maps, &session);
	if (slv_failed(err))
		return err;
	pg_param_bytes(&params, list->after);
	pg_param_i64(&params, (uint64_t)list->rows_max + 1);
	PGresult *result = pg_ask(omaps, session->db, PG_LIST, &params, &err);
	for (int i = 0; result && i < PQntuples(result); i++) {
		struct slv_omap_row row = { .key = pg_bytes_at(result, i, 0) };
		if (!slv_omap_found_add(found, &row))
			break;
	}
	PQclear(result);
	pg_session_give(maps, session);
	return err;
}
