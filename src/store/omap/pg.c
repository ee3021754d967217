#include "store/omap/pg.h"

#include "base/assert.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define IDLE_MAX 8 /* sessions that are kept for the next request */

/* --- errors --- */

static slv_err unreachable(void)
{
	return SLV_ERR(SLV_E_SYS, "the database cannot be reached");
}

slv_err pg_told(struct slv_omaps *omaps, const PGconn *db, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = result ? PQresultErrorMessage(result) : PQerrorMessage(db);
	slv_omap_log(omaps, words);
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

slv_err pg_simple(struct slv_omaps *omaps, PGconn *db, const char *text)
{
	PGresult *result = PQexec(db, text);
	ExecStatusType status = PQresultStatus(result);
	slv_err err = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
	                              ? SLV_OK
	                              : pg_told(omaps, db, result);
	PQclear(result);
	return err;
}

static void be_quiet(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result; /* "already exists, skipping" */
}

static slv_err check_format(struct slv_omaps *omaps, PGconn *db)
{
	PGresult *result = PQexec(db, "SELECT number FROM selvedge.format");
	slv_err err = SLV_OK;
	uint64_t format;
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1 ||
			!slv_str_u64(slv_str_from(PQgetvalue(result, 0, 0)), UINT32_MAX, &format))
		err = pg_told(omaps, db, result);
	else if (format > PG_FORMAT)
		err = SLV_ERR(SLV_E_UNSUPPORTED, "the store was written by a newer selvedge");
	PQclear(result);
	return err;
}

static slv_err set_up(struct pg_maps *maps, PGconn *db)
{
	struct slv_omaps *omaps = &maps->maps;
	if (atomic_load(&maps->is_set_up))
		return SLV_OK;
	slv_err err = pg_simple(omaps, db, pg_setup_format);
	if (!slv_failed(err))
		err = check_format(omaps, db);
	if (!slv_failed(err))
		err = pg_simple(omaps, db, pg_setup);
	if (!slv_failed(err))
		atomic_store(&maps->is_set_up, true);
	return err;
}

static slv_err session_prepare(struct pg_maps *maps, PGconn *db)
{
	PQsetNoticeReceiver(db, be_quiet, NULL);
	/* What was acknowledged is on the disk, whatever the server's own setting promises. */
	slv_err err = pg_simple(&maps->maps, db,
			"SELECT set_config('synchronous_commit', 'on', false)"
			" WHERE current_setting('synchronous_commit') IN ('off', 'local')");
	if (!slv_failed(err))
		err = set_up(maps, db);
	for (size_t i = 0; i < PG_STATEMENT_COUNT && !slv_failed(err); i++) {
		PGresult *result = PQprepare(
				db, pg_statements[i].name, pg_statements[i].text, 0, NULL);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			err = pg_told(&maps->maps, db, result);
		PQclear(result);
	}
	return err;
}

/* A server that hangs is found out: neither it nor the network may hold a thread for ever. */
static PGconn *dial(const char *url)
{
	static const char *const words[] = { "dbname", "connect_timeout", "tcp_user_timeout",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "options",
		"application_name", NULL };
	const char *const values[] = { url, "5", "10000", "10", "5", "3",
		"-c statement_timeout=30000 -c lock_timeout=10000 -c timezone=UTC", "selvedge",
		NULL };
	return PQconnectdbParams(words, values, 1);
}

static slv_err session_open(struct pg_maps *maps, struct pg_session **ret_session)
{
	struct pg_session *session = SLV_ALLOC(struct pg_session);
	session->db = dial(maps->url);
	slv_err err = PQstatus(session->db) == CONNECTION_OK
	                              ? session_prepare(maps, session->db)
	                              : pg_told(&maps->maps, session->db, NULL);
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

slv_err pg_session_take(struct pg_maps *maps, struct pg_session **ret_session)
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

slv_err pg_map_id(struct pg_map *map, struct pg_session *session, bool writes, int32_t *ret_id)
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
	slv_wipe(maps->url, strlen(maps->url)); /* it may have a password */
	slv_free(maps->url);
	slv_free(maps);
}

static const struct slv_omap_driver driver = { pg_map_new, pg_map_free, pg_free, pg_read,
	pg_write };

slv_err slv_omap_pg_open(slv_str url, struct slv_omaps **ret_omaps)
{
	struct pg_maps *maps = SLV_ALLOC(struct pg_maps);
	maps->maps.driver = &driver;
	maps->url = slv_alloc(url.len + 1);
	memcpy(maps->url, url.at, url.len);
	slv_assert(pthread_mutex_init(&maps->lock, NULL) == 0);
	slv_list_init(&maps->idle);
	*ret_omaps = &maps->maps;
	return SLV_OK;
}
