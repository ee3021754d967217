#include "store/omap/sqlite.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define IDLE_MAX 64 /* connections, of all maps, that are kept for the next request */
#define FORMAT 1
#define LOG_PAGES 2000      /* of 4 KiB: past it the log is moved into the file */
#define LOG_PAGES_MAX 16384 /* past it whoever reads is waited for */

/* EXTRA is FULL, but that the folder is synced, too, when the journal is removed that is used until
 * there is a log: a journal that came back would undo the log's very beginning. */
static const char setup[] = "PRAGMA synchronous=EXTRA; PRAGMA temp_store=MEMORY;"
			    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
			    "PRAGMA cache_size=-2048; PRAGMA mmap_size=0;"
			    "PRAGMA journal_size_limit=67108864;";

static const char schema[] =
		"BEGIN IMMEDIATE;"
		"CREATE TABLE IF NOT EXISTS row (key BLOB PRIMARY KEY, version INTEGER NOT NULL"
		" UNIQUE, sum INTEGER NOT NULL, body INTEGER NOT NULL, value BLOB NOT NULL)"
		" WITHOUT ROWID;"
		"CREATE TABLE IF NOT EXISTS body (version INTEGER PRIMARY KEY,"
		" sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
		"CREATE TABLE IF NOT EXISTS gone (version INTEGER PRIMARY KEY,"
		" key BLOB NOT NULL UNIQUE, sum INTEGER NOT NULL);"
		"CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1),"
		" version INTEGER NOT NULL, forgotten INTEGER NOT NULL, gone INTEGER NOT NULL,"
		" epoch INTEGER NOT NULL);"
		"INSERT OR IGNORE INTO state VALUES (1, 0, 0, 0, random() & 0x7fffffffffffffff | "
		"1);"
		"PRAGMA user_version=1;"
		"COMMIT;";

#define COLUMNS "SELECT key, version, sum, body, value FROM row "

static const char *const texts[SQL_STATEMENT_COUNT] = {
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_STATE] = "SELECT version, forgotten, gone, epoch FROM state",
	[SQL_SET_STATE] = "UPDATE state SET version = ?1, forgotten = ?2, gone = ?3",
	[SQL_GET] = COLUMNS "WHERE key = ?1",
	[SQL_SCAN] = COLUMNS "WHERE key >= ?1 ORDER BY key",
	[SQL_SCAN_TO] = COLUMNS "WHERE key >= ?1 AND key < ?2 ORDER BY key",
	[SQL_CHANGES] = COLUMNS "WHERE version > ?1 UNION ALL"
				" SELECT key, version, sum, 0, NULL FROM gone WHERE version > ?1"
				" ORDER BY version",
	[SQL_BODY] = "SELECT sum, bytes FROM body WHERE version = ?1",
	[SQL_INSERT] = "INSERT INTO row (key, version, sum, body, value) VALUES (?1, ?2, ?3, ?4, "
		       "?5)",
	[SQL_UPDATE] = "UPDATE row SET version = ?2, sum = ?3, body = ?4, value = ?5 WHERE key = "
		       "?1",
	[SQL_REMOVE] = "DELETE FROM row WHERE key = ?1",
	[SQL_ADD_BODY] = "INSERT INTO body (version, sum, bytes) VALUES (?1, ?2, ?3)",
	[SQL_REMOVE_BODY] = "DELETE FROM body WHERE version = ?1",
	[SQL_ADD_GONE] = "INSERT INTO gone (version, key, sum) VALUES (?1, ?2, ?3)",
	[SQL_DROP_GONE] = "DELETE FROM gone WHERE key = ?1",
	[SQL_EDGE_GONE] = "SELECT version FROM gone ORDER BY version LIMIT 1 OFFSET ?1",
	[SQL_SHORTEN_GONE] = "DELETE FROM gone WHERE version <= ?1",
	[SQL_DROP] = "UPDATE state SET version = 0, forgotten = 0, gone = 0, epoch = 0",
	[SQL_CLEAR_ROWS] = "DELETE FROM row",
	[SQL_CLEAR_BODIES] = "DELETE FROM body",
	[SQL_CLEAR_GONE] = "DELETE FROM gone",
	[SQL_BEGIN_ANEW] = "UPDATE state SET epoch = random() & 0x7fffffffffffffff | 1",
};

static struct sqlite_maps *maps_of(const struct sqlite_map *map)
{
	return SLV_CONTAINER(map->map.omaps, struct sqlite_maps, maps);
}

/* --- errors --- */

slv_err sqlite_damaged(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "the store's file is damaged: restore it from a backup");
}

slv_err sqlite_failed(const struct sqlite_session *session)
{
	slv_err err = SLV_ERR(SLV_E_SYS, "the store's file cannot be used");
	slv_omap_log(session->omaps, sqlite3_errmsg(session->db));
	switch (sqlite3_errcode(session->db) & 0xff) {
	case SQLITE_FULL:
		err = SLV_ERR(SLV_E_SYS, "the store's disk is full");
		err.sys = ENOSPC;
		return err;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return sqlite_damaged();
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return SLV_ERR(SLV_E_BUSY, "another program has locked the store's file");
	default:
		err.sys = sqlite3_system_errno(session->db);
		return err;
	}
}

/* --- statements --- */

/* Ready to be bound and stepped; NULL if it cannot be prepared, which sqlite_failed() tells. */
sqlite3_stmt *sqlite_statement(struct sqlite_session *session, enum sqlite_statement which)
{
	sqlite3_stmt **at = &session->statements[which];
	if (!*at && sqlite3_prepare_v3(session->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, at,
				    NULL) != SQLITE_OK)
		return NULL;
	return *at;
}

bool sqlite_bind_text(sqlite3_stmt *stmt, int index, slv_str text)
{
	/* Not NULL even if it is empty. */
	return stmt && sqlite3_bind_blob(stmt, index, text.at ? text.at : "", (int)text.len,
				       SQLITE_STATIC) == SQLITE_OK;
}

bool sqlite_bind_number(sqlite3_stmt *stmt, int index, uint64_t number)
{
	return stmt && sqlite3_bind_int64(stmt, index, (sqlite3_int64)number) == SQLITE_OK;
}

bool sqlite_finish(sqlite3_stmt *stmt)
{
	if (!stmt)
		return false;
	int rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE;
}

bool sqlite_run(struct sqlite_session *session, enum sqlite_statement which)
{
	return sqlite_finish(sqlite_statement(session, which));
}

bool sqlite_run_with_number(
		struct sqlite_session *session, enum sqlite_statement which, uint64_t number)
{
	sqlite3_stmt *stmt = sqlite_statement(session, which);
	return sqlite_bind_number(stmt, 1, number) && sqlite_finish(stmt);
}

bool sqlite_run_with_text(struct sqlite_session *session, enum sqlite_statement which, slv_str text)
{
	sqlite3_stmt *stmt = sqlite_statement(session, which);
	return sqlite_bind_text(stmt, 1, text) && sqlite_finish(stmt);
}

slv_str sqlite_text_of(sqlite3_stmt *stmt, int column)
{
	const char *at = sqlite3_column_blob(stmt, column);
	return (slv_str){ at, (size_t)sqlite3_column_bytes(stmt, column) };
}

uint64_t sqlite_number_of(sqlite3_stmt *stmt, int column)
{
	return (uint64_t)sqlite3_column_int64(stmt, column);
}

/* --- sessions --- */

void sqlite_session_close(struct sqlite_session *session)
{
	for (int i = 0; i < SQL_STATEMENT_COUNT; i++)
		sqlite3_finalize(session->statements[i]);
	sqlite3_close(session->db);
	slv_free(session);
}

bool sqlite_ask(struct sqlite_session *session, const char *pragma, int *ret_number,
		char ret_word[8])
{
	sqlite3_stmt *stmt = NULL;
	bool told = sqlite3_prepare_v2(session->db, pragma, -1, &stmt, NULL) == SQLITE_OK &&
	            sqlite3_step(stmt) == SQLITE_ROW;
	if (told) {
		const unsigned char *word = sqlite3_column_text(stmt, 0);
		*ret_number = sqlite3_column_int(stmt, 0);
		sqlite3_snprintf(8, ret_word, "%s", word ? (const char *)word : "");
	}
	sqlite3_finalize(stmt);
	return told;
}

/* Nothing is promised of a file system that has no shared memory for the log. */
static slv_err session_set_up(struct sqlite_session *session)
{
	int number;
	char word[8];
	if (!sqlite_ask(session, "PRAGMA journal_mode=WAL", &number, word))
		return sqlite_failed(session);
	if (strcmp(word, "wal") != 0)
		return SLV_ERR(SLV_E_SYS, "the store's file system cannot do write-ahead logs");
	if (sqlite3_exec(session->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_failed(session);
	return SLV_OK;
}

/* After each commit. Readers do not wait for the first kind, and so may keep it from emptying the
 * log for ever, if they overlap; the second waits until they read what it has moved. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	const struct sqlite_session *session = arg;
	int how = pages >= LOG_PAGES_MAX ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
	if (pages < LOG_PAGES)
		return SQLITE_OK;
	int rc = sqlite3_wal_checkpoint_v2(db, name, how, NULL, NULL);
	/* The commit is good all the same, and the next one tries again. */
	if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		slv_omap_log(session->omaps, sqlite3_errmsg(db));
	return SQLITE_OK;
}

/* SLV_E_MISSING: nobody has written to it, and we are not about to. */
static slv_err session_prepare(struct sqlite_map *map, struct sqlite_session *session, bool writes)
{
	struct sqlite_maps *maps = maps_of(map);
	slv_err err = SLV_OK;
	int format, number;
	char word[8];
	(void)sqlite3_wal_hook(session->db, on_commit, session); /* returns the hook before */
	if (sqlite3_busy_timeout(session->db, SQLITE_BUSY_MS) != SQLITE_OK ||
			sqlite3_exec(session->db, setup, NULL, NULL, NULL) != SQLITE_OK ||
			!sqlite_ask(session, "PRAGMA user_version", &format, word))
		return sqlite_failed(session);
	if (format > FORMAT)
		return SLV_ERR(SLV_E_UNSUPPORTED, "the store was written by a newer selvedge");
	if (format < FORMAT && !writes)
		return SLV_ERR(SLV_E_MISSING, "not set up");
	if (!sqlite_ask(session, "PRAGMA journal_mode", &number, word))
		return sqlite_failed(session);
	/* Who dropped it may have been killed before he removed it: then it has no log. */
	if (format == FORMAT && strcmp(word, "wal") == 0)
		return SLV_OK;
	pthread_mutex_lock(&maps->setting_up);
	err = session_set_up(session);
	pthread_mutex_unlock(&maps->setting_up);
	return err;
}

slv_err sqlite_folder_find(struct sqlite_maps *maps, bool writes)
{
	struct slv_disk disk = { &slv_disk_ops };
	slv_err err = SLV_ERR(SLV_E_SYS, "the store's folder cannot be used");
	char real[PATH_MAX];
	if (atomic_load(&maps->has_folder) || (!writes && atomic_load(&maps->real)))
		return SLV_OK;
	int fd = slv_disk_root(&disk, maps->folder, writes, real);
	if (fd == -ENOENT && !writes)
		return SLV_ERR(SLV_E_MISSING, "no folder");
	if (fd < 0) {
		err.sys = -fd;
		return err;
	}
	slv_fd_done(&fd);
	pthread_mutex_lock(&maps->setting_up);
	if (!atomic_load(&maps->real)) {
		char *copy = slv_alloc(strlen(real) + 1);
		memcpy(copy, real, strlen(real));
		atomic_store(&maps->real, copy);
	}
	pthread_mutex_unlock(&maps->setting_up);
	if (writes)
		atomic_store(&maps->has_folder, true);
	return SLV_OK;
}

char *sqlite_path(const struct sqlite_map *map)
{
	char *path = sqlite3_mprintf("%s/%s.db", atomic_load(&maps_of(map)->real), map->map.name);
	slv_assert(path); /* as slv_alloc() */
	return path;
}

int sqlite_door(struct sqlite_maps *maps, bool closes)
{
	SLV_CLEANUP(slv_fd_done)
	int fd = open(atomic_load(&maps->real), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	uint64_t begun_ms = slv_crew_now_ms();
	while (flock(fd, (closes ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (slv_crew_now_ms() - begun_ms >= SQLITE_BUSY_MS)
			return -EBUSY;
		(void)poll(NULL, 0, SQLITE_TRY_MS); /* a pause */
	}
	return slv_fd_take(&fd);
}

slv_err sqlite_session_open(
		struct sqlite_map *map, bool writes, struct sqlite_session **ret_session)
{
	struct sqlite_maps *maps = maps_of(map);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	            SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
	slv_err err = sqlite_folder_find(maps, writes);
	if (slv_failed(err))
		return err;
	(void)sqlite_stamps_open(maps); /* who writes looks whether it went well */
	SLV_CLEANUP(slv_fd_done) int door = sqlite_door(maps, false);
	if (door < 0) {
		err = SLV_ERR(SLV_E_SYS, "the store's folder cannot be locked");
		err.code = door == -EBUSY ? SLV_E_BUSY : SLV_E_SYS;
		err.sys = -door;
		return err;
	}
	char *path = sqlite_path(map);
	struct sqlite_session *session = SLV_ALLOC(struct sqlite_session);
	session->omaps = map->map.omaps;
	if (!writes && access(path, F_OK) != 0 && errno == ENOENT)
		err = SLV_ERR(SLV_E_MISSING, "no file");
	else if (sqlite3_open_v2(path, &session->db, flags | (writes ? SQLITE_OPEN_CREATE : 0),
				 NULL) != SQLITE_OK)
		err = sqlite_failed(session);
	else
		err = session_prepare(map, session, writes);
	sqlite3_free(path);
	if (slv_failed(err))
		sqlite_session_close(session);
	else
		*ret_session = session;
	return err;
}

slv_err sqlite_session_take(
		struct sqlite_map *map, bool writes, struct sqlite_session **ret_session)
{
	struct sqlite_maps *maps = maps_of(map);
	pthread_mutex_lock(&maps->lock);
	struct slv_list *link = slv_list_pop(&map->idle);
	if (link) {
		*ret_session = SLV_CONTAINER(link, struct sqlite_session, link);
		slv_list_remove(&(*ret_session)->used);
		maps->idle_count--;
	}
	pthread_mutex_unlock(&maps->lock);
	return link ? SLV_OK : sqlite_session_open(map, writes, ret_session);
}

void sqlite_session_give(struct sqlite_map *map, struct sqlite_session *session)
{
	struct sqlite_maps *maps = maps_of(map);
	struct sqlite_session *oldest = NULL;
	pthread_mutex_lock(&maps->lock);
	slv_list_push_front(&map->idle, &session->link);
	slv_list_push_front(&maps->idle, &session->used);
	if (++maps->idle_count > IDLE_MAX) {
		oldest = SLV_CONTAINER(maps->idle.prev, struct sqlite_session, used);
		slv_list_remove(&oldest->used);
		slv_list_remove(&oldest->link);
		maps->idle_count--;
	}
	pthread_mutex_unlock(&maps->lock);
	if (oldest)
		sqlite_session_close(oldest);
}

void sqlite_sessions_close(struct sqlite_map *map)
{
	struct sqlite_maps *maps = maps_of(map);
	for (;;) {
		struct sqlite_session *session = NULL;
		pthread_mutex_lock(&maps->lock);
		struct slv_list *link = slv_list_pop(&map->idle);
		if (link) {
			session = SLV_CONTAINER(link, struct sqlite_session, link);
			slv_list_remove(&session->used);
			maps->idle_count--;
		}
		pthread_mutex_unlock(&maps->lock);
		if (!session)
			return;
		sqlite_session_close(session);
	}
}

/* --- life --- */

static struct slv_omap *sqlite_map_new(struct slv_omaps *omaps)
{
	(void)omaps;
	struct sqlite_map *map = SLV_ALLOC(struct sqlite_map);
	slv_list_init(&map->idle);
	return &map->map;
}

static void sqlite_map_free(struct slv_omap *omap)
{
	struct sqlite_map *map = SLV_CONTAINER(omap, struct sqlite_map, map);
	sqlite_sessions_close(map);
	slv_free(map);
}

static void sqlite_free(struct slv_omaps *omaps)
{
	struct sqlite_maps *maps = SLV_CONTAINER(omaps, struct sqlite_maps, maps);
	pthread_mutex_destroy(&maps->lock);
	pthread_mutex_destroy(&maps->setting_up);
	sqlite_stamps_close(maps);
	slv_free(maps->folder);
	slv_free(atomic_load(&maps->real));
	slv_free(maps);
}

static const struct slv_omap_driver driver = { sqlite_map_new, sqlite_map_free, sqlite_free,
	sqlite_read, sqlite_write, sqlite_drop, sqlite_list };

slv_err slv_omap_sqlite_open(slv_str folder, struct slv_omaps **ret_omaps)
{
	struct sqlite_maps *maps = SLV_ALLOC(struct sqlite_maps);
	maps->maps.driver = &driver;
	maps->folder = slv_alloc(folder.len + 1);
	memcpy(maps->folder, folder.at, folder.len);
	slv_assert(pthread_mutex_init(&maps->lock, NULL) == 0);
	slv_assert(pthread_mutex_init(&maps->setting_up, NULL) == 0);
	slv_list_init(&maps->idle);
	maps->stamps_fd = -1;
	*ret_omaps = &maps->maps;
	return SLV_OK;
}
