#include "store/omap/pg.h"

/* The formatter knows no SQL. Each line of it begins with a blank. */
/* clang-format off */

/* All of it or nothing. IF NOT EXISTS is no protection against somebody else who sets up, the lock
 * is. Who changes anything here raises the format. */
const char pg_setup[] =
	" BEGIN;"
	" SELECT pg_advisory_xact_lock(7310887);"
	" CREATE SCHEMA IF NOT EXISTS selvedge;"

	" CREATE TABLE IF NOT EXISTS selvedge.format ("
	"   one int PRIMARY KEY CHECK (one = 1),"
	"   number int NOT NULL);"
	" INSERT INTO selvedge.format VALUES (1, 2)"
	" ON CONFLICT (one) DO UPDATE SET number = excluded.number;"

	" CREATE TABLE IF NOT EXISTS selvedge.map ("
	"   id serial PRIMARY KEY,"
	/* NULL: it was dropped. */
	"   name text UNIQUE,"
	"   version bigint NOT NULL DEFAULT 0,"
	"   forgotten bigint NOT NULL DEFAULT 0,"
	"   gone bigint NOT NULL DEFAULT 0,"
	"   epoch bigint NOT NULL DEFAULT ("
	"     'x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 15)"
	"   )::bit(60)::bigint | 1);"

	" CREATE TABLE IF NOT EXISTS selvedge.row ("
	"   map int,"
	"   key bytea,"
	"   version bigint NOT NULL,"
	"   sum bigint NOT NULL,"
	"   value bytea NOT NULL,"
	"   body_sum bigint,"
	"   body bytea,"
	"   PRIMARY KEY (map, key));"
	/* Pictures do not shrink. */
	" ALTER TABLE selvedge.row ALTER COLUMN body SET STORAGE EXTERNAL;"
	" CREATE UNIQUE INDEX IF NOT EXISTS row_version ON selvedge.row (map, version);"

	" CREATE TABLE IF NOT EXISTS selvedge.gone ("
	"   map int,"
	"   version bigint,"
	"   key bytea NOT NULL,"
	"   sum bigint NOT NULL,"
	"   PRIMARY KEY (map, version));"
	" CREATE UNIQUE INDEX IF NOT EXISTS gone_key ON selvedge.gone (map, key);"

	/* whats: 0 put, 1 remove, 2 check. whens: 0 always, 1 absent, 2 present, 3 of versions[i].
	 * `failed` counts from 0; -1: none did; -2: the map was dropped. One row, or with `wants`
	 * one for each change, with what was there before. */
	" CREATE OR REPLACE FUNCTION selvedge.write("
	"   the_map int, whats int[], whens int[], versions bigint[], keys bytea[], sums bigint[],"
	"   vals bytea[], body_sums bigint[], bodies bytea[], wants bool)"
	" RETURNS TABLE ("
	"   failed int, latest bigint, the_epoch bigint,"
	"   old_version bigint, old_sum bigint, old_value bytea, old_len int)"
	" AS $$"
	" DECLARE"
	"   gone_count bigint; made bigint; removed bigint; returned bigint; edge bigint;"
	"   old_versions bigint[] := '{NULL}'; old_sums bigint[]; old_vals bytea[]; old_lens int[];"
	" BEGIN"
	"   SELECT m.version, m.gone, m.epoch INTO latest, gone_count, the_epoch"
	"   FROM selvedge.map AS m WHERE m.id = the_map AND m.name IS NOT NULL FOR UPDATE;"
	"   IF NOT FOUND THEN failed := -2; RETURN NEXT; RETURN; END IF;"

	"   SELECT coalesce(min(c.i) - 1, -1) INTO failed"
	"   FROM unnest(whens, versions, keys) WITH ORDINALITY AS c (at, version, key, i)"
	"   LEFT JOIN selvedge.row AS r ON r.map = the_map AND r.key = c.key"
	"   WHERE NOT CASE c.at"
	"     WHEN 0 THEN true"
	"     WHEN 1 THEN r.key IS NULL"
	"     WHEN 2 THEN r.key IS NOT NULL"
	"     ELSE coalesce(r.version = c.version, false) END;"
	"   IF failed >= 0 THEN RETURN NEXT; RETURN; END IF;"

	"   IF wants THEN"
	"     SELECT array_agg(r.version ORDER BY c.i), array_agg(r.sum ORDER BY c.i),"
	"       array_agg(r.value ORDER BY c.i), array_agg(octet_length(r.body) ORDER BY c.i)"
	"     INTO old_versions, old_sums, old_vals, old_lens"
	"     FROM unnest(keys) WITH ORDINALITY AS c (key, i)"
	"     LEFT JOIN selvedge.row AS r ON r.map = the_map AND r.key = c.key;"
	"   END IF;"

	"   WITH change AS ("
	"     SELECT c.*, latest + row_number() OVER (ORDER BY c.i) AS version"
	"     FROM unnest(whats, keys, sums, vals, body_sums, bodies) WITH ORDINALITY"
	"       AS c (what, key, sum, value, body_sum, body, i)"
	"     WHERE c.what = 0 OR (c.what = 1 AND EXISTS ("
	"       SELECT FROM selvedge.row AS r WHERE r.map = the_map AND r.key = c.key))),"
	"   taken AS ("
	"     DELETE FROM selvedge.row AS r USING change AS c"
	"     WHERE c.what = 1 AND r.map = the_map AND r.key = c.key),"
	"   put AS ("
	"     INSERT INTO selvedge.row AS r (map, key, version, sum, value, body_sum, body)"
	"     SELECT the_map, c.key, c.version, c.sum, c.value,"
	"       CASE WHEN c.body <> '' THEN c.body_sum END, nullif(c.body, '')"
	"     FROM change AS c WHERE c.what = 0"
	"     ON CONFLICT (map, key) DO UPDATE SET version = excluded.version,"
	"       sum = excluded.sum, value = excluded.value, body_sum = excluded.body_sum,"
	"       body = excluded.body),"
	"   noted AS ("
	"     INSERT INTO selvedge.gone (map, version, key, sum)"
	"     SELECT the_map, c.version, c.key, c.sum FROM change AS c WHERE c.what = 1),"
	"   back AS ("
	"     DELETE FROM selvedge.gone AS g USING change AS c"
	"     WHERE c.what = 0 AND g.map = the_map AND g.key = c.key RETURNING 1)"
	"   SELECT count(*), count(*) FILTER (WHERE c.what = 1), (SELECT count(*) FROM back)"
	"   INTO made, removed, returned FROM change AS c;"

	"   IF made > 0 THEN"
	"     latest := latest + made;"
	"     gone_count := gone_count + removed - returned;"
	"     UPDATE selvedge.map AS m SET version = latest, gone = gone_count"
	"     WHERE m.id = the_map;"
	"   END IF;"

	"   IF gone_count > 100000 THEN"
	"     SELECT g.version INTO edge FROM selvedge.gone AS g WHERE g.map = the_map"
	"     ORDER BY g.version OFFSET gone_count - 100000 + 9999 LIMIT 1;"
	"     DELETE FROM selvedge.gone AS g WHERE g.map = the_map AND g.version <= edge;"
	"     GET DIAGNOSTICS removed = ROW_COUNT;"
	"     UPDATE selvedge.map AS m SET forgotten = edge, gone = gone_count - removed"
	"     WHERE m.id = the_map;"
	"   END IF;"

	"   RETURN QUERY SELECT failed, latest, the_epoch, o.*"
	"   FROM unnest(old_versions, old_sums, old_vals, old_lens) AS o;"
	" END $$ LANGUAGE plpgsql;"

	/* A step of what removes the rows of maps that were dropped; how many it removed, or NULL
	 * if there is nothing to remove, or somebody else does. */
	" CREATE OR REPLACE FUNCTION selvedge.clear(at_once bigint)"
	" RETURNS bigint"
	" AS $$"
	" DECLARE"
	"   dropped int; removed bigint; more bigint;"
	" BEGIN"
	"   SELECT m.id INTO dropped FROM selvedge.map AS m WHERE m.name IS NULL"
	"   ORDER BY m.id LIMIT 1 FOR UPDATE SKIP LOCKED;"
	"   IF NOT FOUND THEN RETURN NULL; END IF;"
	"   DELETE FROM selvedge.row AS r WHERE r.map = dropped AND r.key IN ("
	"     SELECT o.key FROM selvedge.row AS o WHERE o.map = dropped"
	"     ORDER BY o.key LIMIT at_once);"
	"   GET DIAGNOSTICS removed = ROW_COUNT;"
	"   DELETE FROM selvedge.gone AS g WHERE g.map = dropped AND g.version IN ("
	"     SELECT o.version FROM selvedge.gone AS o WHERE o.map = dropped"
	"     ORDER BY o.version LIMIT at_once);"
	"   GET DIAGNOSTICS more = ROW_COUNT;"
	"   IF removed + more = 0 THEN"
	"     DELETE FROM selvedge.map AS m WHERE m.id = dropped;"
	"   END IF;"
	"   RETURN removed + more;"
	" END $$ LANGUAGE plpgsql;"

	/* A scan that begins again behind each group that it folds. */
	" CREATE OR REPLACE FUNCTION selvedge.fold("
	"   the_map int, first bytea, behind bytea, skip int, fold bytea, rows_max bigint)"
	" RETURNS TABLE ("
	"   key bytea, version bigint, sum bigint, value bytea, body_len int, kind int)"
	" AS $$"
	" DECLARE"
	"   r record; at bytea := first; place int; count bigint := 0;"
	" BEGIN"
	"   WHILE count < rows_max LOOP"
	"     SELECT t.key, t.version, t.sum, t.value, octet_length(t.body) AS len INTO r"
	"     FROM selvedge.row AS t"
	"     WHERE t.map = the_map AND t.key >= at AND (behind = '' OR t.key < behind)"
	"     ORDER BY t.key LIMIT 1;"
	"     EXIT WHEN NOT FOUND;"
	"     count := count + 1;"
	"     place := position(fold IN substring(r.key FROM skip + 1));"
	"     IF place = 0 THEN"
	"       key := r.key; version := r.version; sum := r.sum; value := r.value;"
	"       body_len := r.len; kind := 0;"
	"       RETURN NEXT;"
	"       at := r.key || '\\x00'::bytea;"
	"     ELSE"
	"       key := substring(r.key FOR skip + place - 1 + octet_length(fold));"
	"       version := 0; sum := 0; value := ''; body_len := NULL; kind := 2;"
	"       RETURN NEXT;"
	"       place := octet_length(key);"
	"       WHILE place > 0 AND get_byte(key, place - 1) = 255 LOOP"
	"         place := place - 1;"
	"       END LOOP;"
	"       EXIT WHEN place = 0;"
	"       at := set_byte(substring(key FOR place), place - 1,"
	"         get_byte(key, place - 1) + 1);"
	"     END IF;"
	"   END LOOP;"
	" END $$ LANGUAGE plpgsql STABLE;"
	" COMMIT";

/* What a read finds, in one statement, and so of one moment: the map's state with each row. Of the
 * rows those up to the bound of bytes and one more, so that the end is told from a bound. Kinds: 0
 * a row, 1 one that was removed, 2 a fold, 3 none. */
#define FOUND(rows) \
	" SELECT m.version, m.forgotten, m.epoch, w.*" \
	" FROM selvedge.map AS m LEFT JOIN (" \
	"   SELECT *," \
	"     sum(size) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - size AS before," \
	"     row_number() OVER (ORDER BY place) AS number" \
	"   FROM (" rows ") AS wanted) AS w" \
	" ON w.before <= $3 OR w.number <= 2" \
	" WHERE m.id = $1 AND m.name IS NOT NULL ORDER BY w.place"

#define COLUMNS(place) \
	" SELECT r.key, r.version, r.sum, r.value, r.body_sum, octet_length(r.body) AS body_len," \
	"   CASE WHEN $4 THEN r.body END AS body, 0 AS kind, " place " AS place," \
	"   octet_length(r.key) + octet_length(r.value)" \
	"     + CASE WHEN $4 THEN coalesce(octet_length(r.body), 0) ELSE 0 END AS size" \
	" FROM selvedge.row AS r WHERE r.map = $1 AND "

/* The first arguments of a read: the map, how many rows at most, how many bytes, whether bodies. */
const struct pg_text pg_statements[PG_STATEMENT_COUNT] = {
	[PG_FIND_MAP] = { "find_map",
		"SELECT id FROM selvedge.map WHERE name = $1" },
	[PG_MAKE_MAP] = { "make_map",
		" WITH made AS ("
		"   INSERT INTO selvedge.map (name) VALUES ($1) ON CONFLICT DO NOTHING"
		"   RETURNING id)"
		" SELECT id FROM made"
		" UNION ALL SELECT id FROM selvedge.map WHERE name = $1" },
	[PG_GET] = { "get", FOUND(
		" SELECT k.key, r.version, r.sum, r.value, r.body_sum,"
		"   octet_length(r.body) AS body_len,"
		"   CASE WHEN $4::bool THEN r.body END AS body,"
		"   CASE WHEN r.key IS NULL THEN 3 ELSE 0 END AS kind,"
		"   k.i AS place,"
		"   octet_length(k.key) + coalesce(octet_length(r.value), 0)"
		"     + CASE WHEN $4 THEN coalesce(octet_length(r.body), 0) ELSE 0 END AS size"
		" FROM unnest($5::bytea[]) WITH ORDINALITY AS k (key, i)"
		" LEFT JOIN selvedge.row AS r ON r.map = $1 AND r.key = k.key"
		" LIMIT $2::bigint") },
	[PG_SCAN] = { "scan", FOUND(
		COLUMNS("r.key") "r.key >= $5::bytea"
		" ORDER BY r.key LIMIT $2::bigint") },
	[PG_SCAN_TO] = { "scan_to", FOUND(
		COLUMNS("r.key") "r.key >= $5::bytea AND r.key < $6::bytea"
		" ORDER BY r.key LIMIT $2::bigint") },
	[PG_FOLD] = { "fold", FOUND(
		" SELECT f.key, f.version, f.sum, f.value, NULL::bigint AS body_sum, f.body_len,"
		"   NULL::bytea AS body, f.kind, f.key AS place,"
		"   octet_length(f.key) + octet_length(f.value) AS size"
		" FROM selvedge.fold($1, $5, $6, $7, $8, $2) AS f"
		" WHERE $4::bool IS NOT NULL") },
	[PG_CHANGES] = { "changes", FOUND(
		" (" COLUMNS("r.version") "r.version > $5::bigint"
		"   ORDER BY r.version LIMIT $2::bigint)"
		" UNION ALL ("
		"   SELECT g.key, g.version, g.sum, ''::bytea, NULL, NULL, NULL, 1, g.version,"
		"     octet_length(g.key)"
		"   FROM selvedge.gone AS g WHERE g.map = $1 AND g.version > $5"
		"   ORDER BY g.version LIMIT $2)"
		" ORDER BY place LIMIT $2") },
	[PG_WRITE] = { "write",
		"SELECT * FROM selvedge.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)" },
	[PG_DROP] = { "drop",
		"UPDATE selvedge.map SET name = NULL WHERE name = $1 RETURNING id" },
	[PG_CLEAR] = { "clear",
		"SELECT selvedge.clear($1)" },
	[PG_LIST] = { "list",
		" SELECT convert_to(name, 'UTF8') AS bytes FROM selvedge.map"
		" WHERE convert_to(name, 'UTF8') > $1::bytea AND version > 0"
		" ORDER BY bytes LIMIT $2" },
};

/* clang-format on */
