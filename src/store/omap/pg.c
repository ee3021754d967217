#include "store/omap/pg.h"

#include "base/assert.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define IDLE_MAX 8 /* sessions that are kept for the next request */
#define AWAY_MS 1000

/* --- errors --- */

static slv_err unreachable(void)
{
	return SLV_ERR(SLV_E_SYS, "the database cannot be reached");
}

slv_err pg_told(struct slv_omaps *omaps, const PGconn *db, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	/* Not the details, which have what is in the row. */
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	slv_omap_log(omaps, words ? words : PQerrorMessage(db));
	if (PQstatus(db) != CONNECTION_OK || !state || strncmp(state, "08", 2) == 0 ||
			strncmp(state, "57P", 3) == 0)
		return unreachable();
	if (strcmp(state, "53100") == 0) {
		slv_err err = SLV_ERR(SLV_E_SYS, "the database's disk is full");
		err.sys = ENOSPC;
		return err;
	}
	if (strcmp(state, "XX001") == 0 || strcmp(state, "XX002") == 0)
		return SLV_ERR(SLV_E_CORRUPT, "the database is damaged: restore it from a backup");
	if (strncmp(state, "40", 2) == 0 || strncmp(state, "53", 2) == 0 ||
			strncmp(state, "55", 2) == 0 || strcmp(state, "57014") == 0)
		return SLV_ERR(SLV_E_BUSY, "the database has too much to do");
	return SLV_ERR(SLV_E_SYS, "the database refuses");
}

/* --- sessions --- */

static void session_close(struct pg_session *session)
{
	PQfinish(session->db);
	slv_free(session);
}

slv_err pg_await(struct slv_omaps *omaps, PGconn *db)
{
	const struct pg_maps *maps = SLV_CONTAINER(omaps, struct pg_maps, maps);
	uint64_t begun_ms = slv_crew_now_ms(), past_ms = 0, answer_ms = maps->answer_ms;
	for (;;) {
		int unsent = PQflush(db);
		if (unsent < 0 || !PQisBusy(db))
			return SLV_OK; /* or the result has the error */
		past_ms = slv_crew_now_ms() - begun_ms;
		if (past_ms >= answer_ms)
			return SLV_ERR(SLV_E_TIMEOUT, "the database does not answer");
		/* Both ways at once, so that neither side waits for the other. */
		struct pollfd poll_fd = { .fd = PQsocket(db),
			.events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };
		int ready = poll(&poll_fd, 1, (int)(answer_ms - past_ms));
		if (ready > 0 && poll_fd.revents & ~POLLOUT && !PQconsumeInput(db))
			return SLV_OK;
	}
}

PGresult *pg_last(struct slv_omaps *omaps, PGconn *db, slv_err *ret_err)
{
	PGresult *last = NULL;
	for (;;) {
		*ret_err = pg_await(omaps, db);
		if (slv_failed(*ret_err)) {
			PQclear(last);
			return NULL;
		}
		PGresult *next = PQgetResult(db);
		if (!next)
			return last;
		PQclear(last);
		last = next;
	}
}

slv_err pg_simple(struct slv_omaps *omaps, PGconn *db, const char *text)
{
	slv_err err;
	if (!PQsendQuery(db, text))
		return pg_told(omaps, db, NULL);
	PGresult *result = pg_last(omaps, db, &err);
	ExecStatusType status = PQresultStatus(result);
	if (!slv_failed(err) && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		err = pg_told(omaps, db, result);
	PQclear(result);
	return err;
}

static void be_quiet(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result; /* "already exists, skipping" */
}

/* 0: there is none. */
static slv_err read_format(struct slv_omaps *omaps, PGconn *db, uint64_t *ret_format)
{
	slv_err err;
	*ret_format = 0;
	if (!PQsendQuery(db, "SELECT number FROM selvedge.format"))
		return pg_told(omaps, db, NULL);
	PGresult *result = pg_last(omaps, db, &err);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	bool is_there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	/* No such table, no such schema. */
	bool is_new = state && (strcmp(state, "42P01") == 0 || strcmp(state, "3F000") == 0);
	if (!slv_failed(err) && !is_new &&
			(!is_there || !slv_str_u64(slv_str_from(PQgetvalue(result, 0, 0)),
						      UINT32_MAX, ret_format)))
		err = pg_told(omaps, db, result);
	PQclear(result);
	return err;
}

/* What is set up is left alone: to make it again would wait for all who read, and all would wait
 * for us. */
static slv_err set_up(struct pg_maps *maps, PGconn *db)
{
	struct slv_omaps *omaps = &maps->maps;
	uint64_t format;
	if (atomic_load(&maps->is_set_up))
		return SLV_OK;
	slv_err err = read_format(omaps, db, &format);
	if (!slv_failed(err) && format > PG_FORMAT)
		return SLV_ERR(SLV_E_UNSUPPORTED, "the store was written by a newer selvedge");
	if (!slv_failed(err) && format < PG_FORMAT)
		err = pg_simple(omaps, db, pg_setup);
	if (!slv_failed(err) && !atomic_exchange(&maps->is_set_up, true))
		pg_clear_start(maps); /* what was not done when somebody ended */
	return err;
}

static slv_err session_prepare(struct pg_maps *maps, PGconn *db)
{
	struct slv_omaps *omaps = &maps->maps;
	PQsetNoticeReceiver(db, be_quiet, NULL);
	if (PQsetnonblocking(db, 1) != 0)
		return pg_told(omaps, db, NULL);
	/* What was acknowledged is on the disk, whatever the server's own setting promises. */
	slv_err err = pg_simple(omaps, db,
			"SELECT set_config('statement_timeout', '30000', false),"
			" set_config('lock_timeout', '10000', false),"
			" set_config('timezone', 'UTC', false);"
			"SELECT set_config('synchronous_commit', 'on', false)"
			" WHERE current_setting('synchronous_commit') IN ('off', 'local')");
	if (!slv_failed(err))
		err = set_up(maps, db);
	for (size_t i = 0; i < PG_STATEMENT_COUNT && !slv_failed(err); i++) {
		const struct pg_text *text = &pg_statements[i];
		if (!PQsendPrepare(db, text->name, text->text, 0, NULL))
			return pg_told(omaps, db, NULL);
		PGresult *result = pg_last(omaps, db, &err);
		if (!slv_failed(err) && PQresultStatus(result) != PGRES_COMMAND_OK)
			err = pg_told(omaps, db, result);
		PQclear(result);
	}
	return err;
}

static PGconn *dial(const char *url)
{
	static const char *const words[] = { "dbname", "connect_timeout", "tcp_user_timeout",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "application_name",
		NULL };
	const char *const values[] = { url, "5", "10000", "10", "5", "3", "selvedge", NULL };
	return PQconnectdbParams(words, values, 1);
}

/* One that cannot be reached is not tried for a second: each try may take five. */
static slv_err session_open(struct pg_maps *maps, struct pg_session **ret_session)
{
	if (slv_crew_now_ms() < atomic_load(&maps->away_until_ms))
		return unreachable();
	struct pg_session *session = SLV_ALLOC(struct pg_session);
	slv_err err;
	session->db = dial(maps->url);
	if (PQstatus(session->db) == CONNECTION_OK) {
		err = session_prepare(maps, session->db);
	} else {
		err = pg_told(&maps->maps, session->db, NULL);
		atomic_store(&maps->away_until_ms, slv_crew_now_ms() + AWAY_MS);
	}
	if (slv_failed(err))
		session_close(session);
	else
		*ret_session = session;
	return err;
}

/* An idle server says nothing, but that it ends. */
static bool is_alive(const PGconn *db)
{
	struct pollfd poll_fd = { .fd = PQsocket(db), .events = POLLIN };
	return poll(&poll_fd, 1, 0) == 0;
}

slv_err pg_session_find(struct pg_maps *maps, struct pg_session **ret_session)
{
	for (;;) {
		pthread_mutex_lock(&maps->lock);
		struct slv_list *link = slv_list_pop(&maps->idle);
		maps->idle_count -= link != NULL;
		pthread_mutex_unlock(&maps->lock);
		if (!link)
			return session_open(maps, ret_session);
		*ret_session = SLV_CONTAINER(link, struct pg_session, link);
		if (is_alive((*ret_session)->db))
			return SLV_OK;
		session_close(*ret_session);
	}
}

/* One that is not where it began is not used again. */
void pg_session_give(struct pg_maps *maps, struct pg_session *session)
{
	bool fit = PQstatus(session->db) == CONNECTION_OK &&
	           PQtransactionStatus(session->db) == PQTRANS_IDLE &&
	           PQpipelineStatus(session->db) == PQ_PIPELINE_OFF;
	pthread_mutex_lock(&maps->lock);
	fit = fit && maps->idle_count < IDLE_MAX;
	if (fit)
		slv_list_push_front(&maps->idle, &session->link);
	maps->idle_count += fit;
	pthread_mutex_unlock(&maps->lock);
	if (!fit)
		session_close(session);
}

/* --- maps --- */

static slv_err map_id(struct pg_map *map, struct pg_session *session, bool writes, int32_t *ret_id)
{
	enum pg_statement which = writes ? PG_MAKE_MAP : PG_FIND_MAP;
	slv_err err = SLV_OK;
	*ret_id = atomic_load(&map->id);
	/* Somebody else may make it at the same time: then it is there when we look again. */
	for (int attempt = 0; *ret_id == 0 && attempt < (writes ? 3 : 1); attempt++) {
		struct pg_params params = { .count = 0 };
		pg_param_bytes(&params, slv_str_from(map->map.name));
		PGresult *result = pg_ask(map->map.omaps, session->db, which, &params, &err);
		if (!result)
			return err;
		if (PQntuples(result) > 0)
			*ret_id = (int32_t)pg_number_at(result, 0, 0);
		PQclear(result);
	}
	if (*ret_id == 0 && writes)
		return SLV_ERR(SLV_E_SYS, "the database does not take a map");
	atomic_store(&map->id, *ret_id);
	return SLV_OK;
}

slv_err pg_session_take(struct slv_omap *omap, bool writes, struct pg_session **ret_session,
		int32_t *ret_id)
{
	struct pg_maps *maps = pg_maps_of(omap);
	slv_err err = pg_session_find(maps, ret_session);
	if (slv_failed(err))
		return err;
	err = map_id(SLV_CONTAINER(omap, struct pg_map, map), *ret_session, writes, ret_id);
	if (slv_failed(err))
		pg_session_give(maps, *ret_session);
	return err;
}

void pg_map_forget(struct slv_omap *omap, int32_t id)
{
	struct pg_map *map = SLV_CONTAINER(omap, struct pg_map, map);
	(void)atomic_compare_exchange_strong(&map->id, &id, 0); /* somebody may know the next */
}

slv_err pg_dropped_again(void)
{
	return SLV_ERR(SLV_E_BUSY, "the map is dropped again and again");
}

/* --- life --- */

static struct slv_omap *pg_map_new(struct slv_omaps *omaps)
{
	(void)omaps;
	return &SLV_ALLOC(struct pg_map)->map;
}

static void pg_map_free(struct slv_omap *omap)
{
	slv_free(SLV_CONTAINER(omap, struct pg_map, map));
}

static void pg_free(struct slv_omaps *omaps)
{
	struct pg_maps *maps = SLV_CONTAINER(omaps, struct pg_maps, maps);
	for (struct slv_list *link; (link = slv_list_pop(&maps->idle));)
		session_close(SLV_CONTAINER(link, struct pg_session, link));
	pthread_mutex_destroy(&maps->lock);
	slv_free(atomic_load(&maps->maps.stamps));
	slv_wipe(maps->url, strlen(maps->url)); /* it may have a password */
	slv_free(maps->url);
	slv_free(maps);
}

static const struct slv_omap_driver driver = { pg_map_new, pg_map_free, pg_free, pg_read, pg_write,
	pg_drop, pg_list };

slv_err slv_omap_pg_open(slv_str url, struct slv_omaps **ret_omaps)
{
	struct pg_maps *maps = SLV_ALLOC(struct pg_maps);
	maps->maps.driver = &driver;
	atomic_store(&maps->maps.stamps, slv_alloc(SLV_OMAP_STAMPS_BYTES));
	maps->maps.stamps_age = true;
	maps->answer_ms = PG_ANSWER_MS;
	maps->url = slv_alloc(url.len + 1);
	memcpy(maps->url, url.at, url.len);
	slv_assert(pthread_mutex_init(&maps->lock, NULL) == 0);
	slv_list_init(&maps->idle);
	*ret_omaps = &maps->maps;
	return SLV_OK;
}
