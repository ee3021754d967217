/* sqlite_drop.c - maps that are dropped, and those that are there
 *
 * What drops a map is its epoch, which becomes 0; nothing else in the file counts then. After that
 * the file is removed, if nobody has it open, which SQLite tells: only then does it let go of the
 * log. Else it is emptied, and stays for who writes to the map next.
 */
#include "base/fd.h"
#include "base/mem.h"
#include "store/disk.h"
#include "store/omap/sqlite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct sqlite_maps *maps_of(struct slv_omaps *omaps)
{
	return SLV_CONTAINER(omaps, struct sqlite_maps, maps);
}

/* --- dropping --- */

static slv_err mark(
		struct sqlite_session *session, struct slv_omap *omap, struct slv_omap_batch *batch)
{
	struct sqlite_writing writing = { .session = session };
	if (!sqlite_run(session, SQL_BEGIN_WRITE))
		return sqlite_failed(session);
	writing.err = sqlite_state_read(session, &writing.state);
	if (slv_failed(writing.err))
		return writing.err;
	if (writing.state.epoch == 0) {
		if (!sqlite_run(session, SQL_ROLLBACK))
			sqlite_writing_failed(&writing);
		return writing.err;
	}
	if (sqlite_run(session, SQL_DROP))
		sqlite_commit(&writing, omap, &batch, 1);
	else
		sqlite_writing_failed(&writing);
	return writing.err;
}

/* Whether it is dropped, and not begun anew. */
static bool is_dropped(struct sqlite_session *session)
{
	struct sqlite_state state;
	return !slv_failed(sqlite_state_read(session, &state)) && state.epoch == 0;
}

/* With the door closed: without its log if nobody else has it open, and then nobody can write to
 * it. */
static bool file_remove(struct sqlite_map *map, struct sqlite_session *session)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	int number;
	char word[8];
	bool removed = false;
	if (!is_dropped(session) ||
			!sqlite_ask(session, "PRAGMA journal_mode=DELETE", &number, word) ||
			strcmp(word, "delete") != 0)
		return false;
	if (is_dropped(session)) {
		char *path = sqlite_path(map);
		removed = vfs->xDelete(vfs, path, 1) == SQLITE_OK;
		sqlite3_free(path);
	}
	if (!removed)
		(void)sqlite_ask(session, "PRAGMA journal_mode=WAL", &number, word);
	return removed;
}

/* What it had goes; the file becomes small when the log is moved into it. */
static void file_empty(struct sqlite_session *session)
{
	if (!sqlite_run(session, SQL_BEGIN_WRITE))
		return;
	if (!is_dropped(session) || !sqlite_clear(session) || !sqlite_run(session, SQL_COMMIT)) {
		(void)sqlite_run(session, SQL_ROLLBACK); /* the next one who writes clears it */
		return;
	}
	(void)sqlite3_exec(session->db, "VACUUM", NULL, NULL, NULL); /* or it stays large */
	(void)sqlite3_wal_checkpoint_v2(
			session->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL); /* later */
}

slv_err sqlite_drop(struct slv_omap *omap, struct slv_omap_batch *batch)
{
	struct sqlite_map *map = SLV_CONTAINER(omap, struct sqlite_map, map);
	struct sqlite_maps *maps = maps_of(omap->omaps);
	struct sqlite_session *session;
	slv_err err = sqlite_session_take(map, false, &session);
	if (err.code == SLV_E_MISSING)
		return SLV_OK;
	if (slv_failed(err))
		return err;
	err = sqlite_stamps_open(maps);
	if (!slv_failed(err))
		err = mark(session, omap, batch);
	if (slv_failed(err)) {
		sqlite_session_close(session);
		return err;
	}
	/* It is done; what follows makes room, or does not. While the door is closed nobody opens
	 * any map: that is short if the log is moved into the file before. */
	(void)sqlite3_wal_checkpoint_v2(session->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	sqlite_sessions_close(map);
	int door = sqlite_door(maps, true);
	bool removed = door >= 0 && file_remove(map, session);
	slv_fd_done(&door);
	if (!removed)
		file_empty(session);
	sqlite_session_close(session);
	return SLV_OK;
}

/* --- listing --- */

struct names {
	size_t count, room;
	struct name {
		char text[SLV_OMAP_NAME_BYTES_MAX + 1];
	} * at;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* That of the map whose file is called so, if it is behind `after`. */
static void names_add(struct names *names, slv_str after, slv_str file)
{
	slv_str end = SLV_STR(".db");
	if (!slv_str_ends(file, end))
		return;
	slv_str name = { file.at, file.len - end.len };
	if (!slv_omap_name_is_ok(name) || (after.len > 0 && slv_str_cmp(name, after) <= 0))
		return;
	if (names->count == names->room) {
		names->room = names->room ? 2 * names->room : 64;
		names->at = slv_realloc(names->at, names->room * sizeof(*names->at));
	}
	struct name *to = &names->at[names->count++];
	*to = (struct name){ 0 };
	memcpy(to->text, name.at, name.len);
}

static int names_read(struct sqlite_maps *maps, slv_str after, struct names *names)
{
	struct slv_disk disk = { &slv_disk_ops };
	struct slv_disk_dir *dir;
	SLV_CLEANUP(slv_fd_done)
	int fd = disk.ops->open(&disk, AT_FDCWD, atomic_load(&maps->real), O_RDONLY | O_DIRECTORY);
	int result = fd < 0 ? fd : disk.ops->dir_open(&disk, fd, &dir);
	if (result < 0)
		return result;
	for (const char *name; (name = disk.ops->dir_next(&disk, dir));)
		names_add(names, after, slv_str_from(name));
	disk.ops->dir_close(&disk, dir);
	if (names->count > 0)
		qsort(names->at, names->count, sizeof(*names->at), by_name);
	return 0;
}

/* Not if it is dropped, was never set up, or has had no change: a batch that fails makes a file,
 * too. What cannot be read is there. */
static bool is_there(struct sqlite_maps *maps, char *name)
{
	struct sqlite_map map = { .map = { .omaps = &maps->maps, .name = name } };
	struct sqlite_session *session;
	struct sqlite_state state;
	slv_err err = sqlite_session_open(&map, false, &session);
	if (slv_failed(err))
		return err.code != SLV_E_MISSING;
	err = sqlite_state_read(session, &state);
	sqlite_session_close(session);
	return slv_failed(err) || state.version > 0;
}

slv_err sqlite_list(struct slv_omaps *omaps, const struct slv_omap_list *list,
		struct slv_omap_found *found)
{
	struct sqlite_maps *maps = maps_of(omaps);
	struct names names = { 0 };
	slv_err err = sqlite_folder_find(maps, false);
	if (err.code == SLV_E_MISSING)
		return SLV_OK;
	if (slv_failed(err))
		return err;
	int result = names_read(maps, list->after, &names);
	if (result < 0) {
		err = SLV_ERR(SLV_E_SYS, "the store's folder cannot be read");
		err.sys = -result;
	}
	for (size_t i = 0; i < names.count; i++) {
		struct slv_omap_row row = { .key = slv_str_from(names.at[i].text) };
		if (is_there(maps, names.at[i].text) && !slv_omap_found_add(found, &row))
			break;
	}
	slv_free(names.at);
	return err;
}
