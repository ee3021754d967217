/* pg.h - what the files of the PostgreSQL driver share
 *
 * All maps share the tables of the schema "selvedge"; a map is a number in them. A batch is one
 * call of the function selvedge.write(), which locks the map's row, so that versions have no gaps
 * whoever else writes. The batches of a group are sent without waiting for each other's answers
 * (pipeline mode) and committed together. A read is one statement. A map without a name was
 * dropped: its rows are removed little by little, and its number never comes again.
 *
 * Checksums are of key and value, or body; the version is the server's word.
 */
#ifndef SLV_STORE_OMAP_PG_H
#define SLV_STORE_OMAP_PG_H

#include "store/omap/private.h"

#include <libpq-fe.h>

/* --- what is asked: pg_schema.c --- */

#define PG_FORMAT 2 /* of the schema */

extern const char pg_setup[];

enum pg_statement {
	PG_FIND_MAP,
	PG_MAKE_MAP,
	PG_GET,
	PG_SCAN,
	PG_SCAN_TO,
	PG_FOLD,
	PG_CHANGES,
	PG_WRITE,
	PG_DROP,
	PG_CLEAR,
	PG_LIST,
	PG_STATEMENT_COUNT
};

extern const struct pg_text {
	const char *name, *text;
} pg_statements[PG_STATEMENT_COUNT];

/* --- sessions: pg.c --- */

/* One connection, used by one thread at a time. */
struct pg_session {
	struct slv_list link; /* on the idle */
	PGconn *db;
};

struct pg_maps {
	struct slv_omaps maps; /* first */
	char *url;             /* terminated */
	pthread_mutex_t lock;
	struct slv_list idle;
	size_t idle_count;
	_Atomic bool is_set_up;
	_Atomic uint64_t away_until_ms; /* it could not be reached: nobody tries before */
	_Atomic uint64_t answer_ms;     /* for one answer; PG_ANSWER_MS but in tests */
	_Atomic bool wants_clearing;
	_Atomic bool clearing; /* `clearer` is under way */
	struct slv_chore clearer;
};

struct pg_map {
	struct slv_omap map; /* first */
	_Atomic int32_t id;  /* 0: not known yet */
};

static inline struct pg_maps *pg_maps_of(const struct slv_omap *omap)
{
	return SLV_CONTAINER(omap->omaps, struct pg_maps, maps);
}

/* A server that hangs is left after so long; before that its own statement_timeout ends. */
#define PG_ANSWER_MS 40000

/* What the server said, in our words; its own go to the log. `result` may be NULL. */
slv_err pg_told(struct slv_omaps *omaps, const PGconn *db, const PGresult *result);

/* Send what is left and take in what comes, until PQgetResult() would not wait. SLV_E_TIMEOUT: it
 * takes too long; the session is of no use then. */
slv_err pg_await(struct slv_omaps *omaps, PGconn *db);

/* Statements without arguments, and without an answer that matters. */
slv_err pg_simple(struct slv_omaps *omaps, PGconn *db, const char *text);

/* The last answer of what was sent. NULL: as pg_await(). */
PGresult *pg_last(struct slv_omaps *omaps, PGconn *db, slv_err *ret_err);

/* An idle one, or a new one, and the number of the map, which is made if `writes`; 0: nobody has
 * written to it. Give it back, unless this fails. */
slv_err pg_session_take(struct slv_omap *omap, bool writes, struct pg_session **ret_session,
		int32_t *ret_id);
void pg_session_give(struct pg_maps *maps, struct pg_session *session);

/* Without a map. */
slv_err pg_session_find(struct pg_maps *maps, struct pg_session **ret_session);

/* The map of that number was dropped: the next session_take() looks for another. */
void pg_map_forget(struct slv_omap *omap, int32_t id);

/* So often a request begins again whose map is dropped by somebody else meanwhile. */
#define PG_ATTEMPTS 5
slv_err pg_dropped_again(void);

/* --- arguments and answers, binary: pg_value.c --- */

#define PARAMS_MAX 10

struct pg_params {
	Oid types[PARAMS_MAX];
	const char *at[PARAMS_MAX];
	int len[PARAMS_MAX], format[PARAMS_MAX];
	int count;
	uint64_t numbers[PARAMS_MAX]; /* what `at` points to */
};

/* `bytes` must live until the statement is sent. */
void pg_param_bytes(struct pg_params *params, slv_str bytes);
void pg_param_i64(struct pg_params *params, uint64_t value);
void pg_param_i32(struct pg_params *params, uint32_t value);
void pg_param_bool(struct pg_params *params, bool value);

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23 };

/* An array of `count` items, which follow. */
void pg_array_init(struct slv_buf *buf, Oid type, size_t count);
void pg_item_u32(struct slv_buf *buf, uint32_t value);
void pg_item_u64(struct slv_buf *buf, uint64_t value);
void pg_item_bytes(struct slv_buf *buf, slv_str bytes);

uint64_t pg_number_at(const PGresult *result, int row, int column);
slv_str pg_bytes_at(const PGresult *result, int row, int column); /* as long as `result` */

/* NULL with the error told. */
PGresult *pg_ask(struct slv_omaps *omaps, PGconn *db, enum pg_statement which,
		const struct pg_params *params, slv_err *ret_err);

/* --- the driver --- */

slv_err pg_read(struct slv_omap *omap, const struct slv_omap_read *read,
		struct slv_omap_found *found);
slv_err pg_write(struct slv_omap *omap, struct slv_omap_batch **batches, size_t count);
slv_err pg_drop(struct slv_omap *omap, struct slv_omap_batch *batch);
slv_err pg_list(struct slv_omaps *omaps, const struct slv_omap_list *list,
		struct slv_omap_found *found);

/* Remove the rows of maps that were dropped, step by step, as a chore of the writers. */
void pg_clear_start(struct pg_maps *maps);

#endif
