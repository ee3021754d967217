/* sqlite.h - what the files of the SQLite driver share
 *
 * Each map is a file. Any connection reads or writes; each is used by one thread at a time. The log
 * that is written ahead (WAL) is synced by each commit, and readers see what was committed when
 * they began.
 *
 *     row    what there is, by key, and by version for who follows the changes
 *     body   of those that have one, by the row's version, so that new ones are at the end
 *     gone   what was removed: the last of them, so that followers hear of it
 *     state  the version of the last change; up to which one `gone` was shortened, and what it has;
 *            the epoch: 0 if the map was dropped, and what else is in the file does not count then
 */
#ifndef SLV_STORE_OMAP_SQLITE_H
#define SLV_STORE_OMAP_SQLITE_H

#include "store/omap/private.h"

#include <sqlite3.h>

enum sqlite_statement {
	SQL_BEGIN_READ,
	SQL_BEGIN_WRITE,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_STATE,
	SQL_SET_STATE,
	SQL_GET,
	SQL_SCAN,
	SQL_SCAN_TO,
	SQL_CHANGES,
	SQL_BODY,
	SQL_INSERT,
	SQL_UPDATE,
	SQL_REMOVE,
	SQL_ADD_BODY,
	SQL_REMOVE_BODY,
	SQL_ADD_GONE,
	SQL_DROP_GONE,
	SQL_EDGE_GONE,
	SQL_SHORTEN_GONE,
	SQL_DROP,
	SQL_CLEAR_ROWS,
	SQL_CLEAR_BODIES,
	SQL_CLEAR_GONE,
	SQL_BEGIN_ANEW,
	SQL_STATEMENT_COUNT
};

#define SQLITE_BUSY_MS 5000 /* for another process that writes */
#define SQLITE_TRY_MS 5     /* between looks whether a file is still locked */

struct sqlite_maps {
	struct slv_omaps maps;   /* first */
	char *folder;            /* terminated */
	_Atomic(char *) real;    /* its path without symbolic links; NULL: it was not there yet */
	_Atomic bool has_folder; /* its name is on the disk */
	pthread_mutex_t lock;
	struct slv_list idle; /* sessions of all maps, the last used first; under `lock` */
	size_t idle_count;
	pthread_mutex_t setting_up; /* one thread at a time; other processes wait as below */
	int stamps_fd;              /* its lock is held as long as we may write; or -1 */
	_Atomic bool has_stamps;    /* it is known whether there are any; under `setting_up` */
};

struct sqlite_map {
	struct slv_omap map;  /* first */
	struct slv_list idle; /* its sessions; under the lock of all */
};

/* One connection, used by one thread at a time. */
struct sqlite_session {
	struct slv_list link; /* in the map's idle */
	struct slv_list used; /* in the idle of all */
	struct slv_omaps *omaps;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_STATEMENT_COUNT];
};

/* --- statements --- */

/* What the last call of `session` says, in our words; SQLite's own go to the log. */
slv_err sqlite_failed(const struct sqlite_session *session);
slv_err sqlite_damaged(void);

/* Ready to be bound and stepped; NULL if it cannot be prepared, which sqlite_failed() tells. */
sqlite3_stmt *sqlite_statement(struct sqlite_session *session, enum sqlite_statement which);

/* False, too, if there is no `stmt`. `text` must live until the statement is reset. */
bool sqlite_bind_text(sqlite3_stmt *stmt, int index, slv_str text);
bool sqlite_bind_number(sqlite3_stmt *stmt, int index, uint64_t number);

/* Run to the end what has no rows. */
bool sqlite_finish(sqlite3_stmt *stmt);
bool sqlite_run(struct sqlite_session *session, enum sqlite_statement which);
bool sqlite_run_with_number(
		struct sqlite_session *session, enum sqlite_statement which, uint64_t number);
bool sqlite_run_with_text(
		struct sqlite_session *session, enum sqlite_statement which, slv_str text);

slv_str sqlite_text_of(sqlite3_stmt *stmt, int column);
uint64_t sqlite_number_of(sqlite3_stmt *stmt, int column);

/* --- the folder --- */

/* SLV_E_MISSING: it is not there, and we are not about to write. */
slv_err sqlite_folder_find(struct sqlite_maps *maps, bool writes);

/* Files are opened with the door open, and removed with it closed: who opens one cannot meet the
 * log of another of the same name. A descriptor, to be closed again, or -errno; EBUSY after a
 * while. */
int sqlite_door(struct sqlite_maps *maps, bool closes);

/* --- sessions --- */

/* An idle one, or a new one. SLV_E_MISSING: nobody has written to the map, and we are not about to.
 */
slv_err sqlite_session_open(
		struct sqlite_map *map, bool writes, struct sqlite_session **ret_session);
slv_err sqlite_session_take(
		struct sqlite_map *map, bool writes, struct sqlite_session **ret_session);
void sqlite_session_give(struct sqlite_map *map, struct sqlite_session *session);
void sqlite_session_close(struct sqlite_session *session); /* instead: it is in doubt */
void sqlite_sessions_close(struct sqlite_map *map);        /* those that are idle */

char *sqlite_path(const struct sqlite_map *map); /* for sqlite3_free() */

/* The number or the word that `pragma` answers with. */
bool sqlite_ask(struct sqlite_session *session, const char *pragma, int *ret_number,
		char ret_word[8]);

/* --- stamps: sqlite_stamps.c --- */

/* To be called before anything is written, and where something is read, before that; once the
 * folder is found. */
slv_err sqlite_stamps_open(struct sqlite_maps *maps);
void sqlite_stamps_close(struct sqlite_maps *maps);

/* --- what stands in a file --- */

struct sqlite_state {
	uint64_t version, forgotten, gone, epoch;
};

slv_err sqlite_state_read(struct sqlite_session *session, struct sqlite_state *ret_state);

/* A row; its texts are valid until the statement moves on. */
struct sqlite_stored {
	struct slv_omap_row row;
	size_t body_len;
};

/* The row that `stmt` is at. SLV_E_CORRUPT. */
slv_err sqlite_stored_read(sqlite3_stmt *stmt, struct sqlite_stored *ret_stored);

/* --- the driver --- */

/* The transaction in progress. */
struct sqlite_writing {
	struct sqlite_session *session;
	struct sqlite_state state;
	slv_err err; /* the file has failed: nothing of it is committed */
};

void sqlite_writing_failed(struct sqlite_writing *writing);

/* Whatever the file had before the map was dropped. */
bool sqlite_clear(struct sqlite_session *session);

void sqlite_commit(struct sqlite_writing *writing, struct slv_omap *omap,
		struct slv_omap_batch **batches, size_t count);

slv_err sqlite_read(struct slv_omap *omap, const struct slv_omap_read *read,
		struct slv_omap_found *found);
slv_err sqlite_write(struct slv_omap *omap, struct slv_omap_batch **batches, size_t count);
slv_err sqlite_drop(struct slv_omap *omap, struct slv_omap_batch *batch);
slv_err sqlite_list(struct slv_omaps *omaps, const struct slv_omap_list *list,
		struct slv_omap_found *found);

#endif
