#include "store/omap/testing.h"

#include "base/mem.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void kit_open(struct kit *kit)
{
	kit->loop = slv_loop_new(0, NULL, NULL);
	slv_err err = slv_omaps_open(
			slv_str_from(kit->url), slv_loop_hash_key(kit->loop), NULL, &kit->omaps);
	assert_int_equal(err.code, SLV_E_NONE);
	kit->map = slv_omap_named(kit->omaps, SLV_STR("things"));
	assert_non_null(kit->map);
}

void kit_close(struct kit *kit)
{
	if (kit->rows)
		kit->rows->hold.drop(&kit->rows->hold);
	kit->rows = NULL;
	slv_loop_free(kit->loop);
	slv_omaps_close(kit->omaps);
	kit->loop = NULL; /* a test that fails here is torn down all the same */
	kit->omaps = NULL;
}

bool kit_is_sqlite(const struct kit *kit)
{
	return strncmp(kit->url, "sqlite:", 7) == 0;
}

static void pg_run(const char *url, const char *text)
{
	PGconn *db = PQconnectdb(url);
	PGresult *result = PQexec(db, text);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s", PQerrorMessage(db));
	PQclear(result);
	PQfinish(db);
}

sqlite3 *kit_sqlite(struct kit *kit)
{
	char path[100];
	sqlite3 *db;
	snprintf(path, sizeof(path), "%s/maps/things.db", kit->folder);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	return db;
}

void kit_run(struct kit *kit, const char *sqlite, const char *pg)
{
	if (!kit_is_sqlite(kit)) {
		pg_run(kit->url, pg);
		return;
	}
	sqlite3 *db = kit_sqlite(kit);
	if (sqlite3_exec(db, sqlite, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

int kit_set_up(void **state)
{
	const char *url = *state;
	struct kit *kit = SLV_ALLOC(struct kit);
	strcpy(kit->folder, "/tmp/selvedge-omap-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	if (strcmp(url, "sqlite") == 0)
		snprintf(kit->url, sizeof(kit->url), "sqlite:%s/maps", kit->folder);
	else
		snprintf(kit->url, sizeof(kit->url), "%s", url);
	if (!kit_is_sqlite(kit))
		pg_run(url, "SET client_min_messages = error;"
			    "DROP SCHEMA IF EXISTS selvedge CASCADE");
	kit_open(kit);
	*state = kit;
	return 0;
}

int kit_tear_down(void **state)
{
	struct kit *kit = *state;
	char command[80];
	kit_close(kit);
	snprintf(command, sizeof(command), "rm -r %s", kit->folder);
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

void kit_wait(struct kit *kit)
{
	while (kit->pending > 0)
		slv_loop_turn(kit->loop, true);
}

struct asked {
	struct slv_omap_read read;
	struct kit *kit;
};

static void on_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct asked, read)->kit;
	assert_true(slv_failed(err) == (rows == NULL));
	if (kit->rows)
		kit->rows->hold.drop(&kit->rows->hold);
	kit->rows = rows;
	kit->err = err;
	kit->pending--;
}

/* Rows, until the next call; NULL with kit->err. */
struct slv_omap_rows *kit_read(struct kit *kit, struct slv_omap_read read)
{
	struct asked asked = { read, kit };
	asked.read.map = kit->map;
	asked.read.done = on_read;
	if (!asked.read.rows_max)
		asked.read.rows_max = 1000;
	kit->pending++;
	slv_omap_read(kit->loop, &asked.read);
	assert_int_equal(kit->pending, 1); /* never before the call returns */
	kit_wait(kit);
	return kit->rows;
}

/* Its row; version 0: there is none. Until the next call. */
const struct slv_omap_row *kit_get(struct kit *kit, const char *key)
{
	slv_str keys[] = { slv_str_from(key) };
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_GET,
								   .keys = keys,
								   .count = 1,
								   .bodies = true });
	if (!rows)
		fail_msg("%s", kit->err.what);
	assert_int_equal(rows->count, 1);
	assert_true(slv_str_eq(rows->at[0].key, keys[0]));
	assert_false(rows->more);
	return &rows->at[0];
}

struct slv_omap_rows *kit_changes(struct kit *kit, uint64_t since)
{
	return kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_CHANGES, .since = since });
}

void on_write(struct slv_omap_batch *batch, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(batch, struct wrote, batch)->kit;
	kit->err = err;
	kit->in_doubt = batch->in_doubt;
	kit->pending--;
}

/* The version after it; 0 with kit->err. `ret_failed` may be NULL. */
uint64_t kit_write(struct kit *kit, const struct slv_omap_change *list, size_t count,
		size_t *ret_failed)
{
	struct wrote wrote = { { .map = kit->map, .changes = list, .count = count }, kit };
	wrote.batch.done = on_write;
	kit->pending++;
	slv_omap_write(kit->loop, &wrote.batch);
	assert_int_equal(kit->pending, 1);
	kit_wait(kit);
	if (ret_failed)
		*ret_failed = wrote.batch.failed;
	return slv_failed(kit->err) ? 0 : wrote.batch.version;
}

void on_drop(struct slv_omap_drop *drop, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(drop, struct dropping, drop)->kit;
	kit->err = err;
	kit->pending--;
}

void kit_drop(struct kit *kit)
{
	struct dropping dropping = { { .map = kit->map, .done = on_drop }, kit };
	kit->pending++;
	slv_omap_drop(kit->loop, &dropping.drop);
	assert_int_equal(kit->pending, 1);
	kit_wait(kit);
}

struct listing {
	struct slv_omap_list list;
	struct kit *kit;
};

static void on_list(struct slv_omap_list *list, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(list, struct listing, list)->kit;
	assert_true(slv_failed(err) == (rows == NULL));
	if (kit->rows)
		kit->rows->hold.drop(&kit->rows->hold);
	kit->rows = rows;
	kit->err = err;
	kit->pending--;
}

void kit_lists(struct kit *kit, const char *after, uint32_t rows_max, const char *want)
{
	char text[300] = "";
	struct listing listing = { { .omaps = kit->omaps,
						   .after = slv_str_from(after),
						   .rows_max = rows_max,
						   .done = on_list },
		kit };
	kit->pending++;
	slv_omap_list(kit->loop, &listing.list);
	assert_int_equal(kit->pending, 1);
	kit_wait(kit);
	if (!kit->rows)
		fail_msg("%s", kit->err.what);
	for (size_t i = 0; i < kit->rows->count; i++) {
		strncat(text, kit->rows->at[i].key.at, kit->rows->at[i].key.len);
		strcat(text, " ");
	}
	strcat(text, kit->rows->more ? "…" : "");
	assert_string_equal(text, want);
}

struct slv_omap_change putting(const char *key, const char *value)
{
	return (struct slv_omap_change){ .key = slv_str_from(key), .value = slv_str_from(value) };
}

struct slv_omap_change removing(const char *key)
{
	return (struct slv_omap_change){ .what = SLV_OMAP_REMOVE, .key = slv_str_from(key) };
}

uint64_t kit_put(struct kit *kit, const char *key, const char *value)
{
	struct slv_omap_change change = putting(key, value);
	uint64_t version = kit_write(kit, &change, 1, NULL);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	return version;
}

void is_text(slv_str is, const char *want)
{
	assert_int_equal(is.len, strlen(want));
	assert_memory_equal(is.at, want, is.len);
}

/* The keys that a scan gives, a space behind each. */
void scan_gives(struct kit *kit, const char *from, const char *until, const char *want)
{
	char text[200] = "";
	struct slv_omap_rows *rows = kit_read(kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN,
								   .from = slv_str_from(from),
								   .until = slv_str_from(until) });
	assert_non_null(rows);
	for (size_t i = 0; i < rows->count; i++) {
		strncat(text, rows->at[i].key.at, rows->at[i].key.len);
		strcat(text, " ");
	}
	assert_string_equal(text, want);
	assert_false(rows->more);
}
