/* What a power cut leaves of a map in SQLite: everything that is written, synced, cut and deleted
 * is recorded on the way to the disk, and after each of those steps the files are made anew, as
 * they may be found: what was not synced is there, or is not, or some sectors of it are. What was
 * acknowledged must be in the map, and nothing of a batch without the rest of it. */
#include "store/omap/testing.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512
enum { DB, WAL, JOURNAL, FILES };  /* the journal is used until there is a log */
enum { BATCHES = 40, DROPS = 13 }; /* each so manieth drops the map instead */

/* --- the record --- */

struct op {
	enum { WRITE, TRUNCATE, SYNC, DELETE, ASK, ACK } what;
	int file;
	int64_t offset; /* the length of a cut file; the number of a batch that is asked for or
	                   acknowledged; whether the folder of a deleted file is synced */
	size_t len;
	char *bytes;
};

struct record {
	sqlite3_vfs vfs; /* first */
	sqlite3_vfs *real;
	pthread_mutex_t lock;
	struct op *ops;
	size_t count, room;
};

static void note(struct record *record, struct op op, const void *bytes)
{
	if (op.len > 0) {
		op.bytes = slv_alloc(op.len);
		memcpy(op.bytes, bytes, op.len);
	}
	pthread_mutex_lock(&record->lock);
	if (record->count == record->room) {
		record->room = record->room ? 2 * record->room : 256;
		record->ops = slv_realloc(record->ops, record->room * sizeof(op));
	}
	record->ops[record->count++] = op;
	pthread_mutex_unlock(&record->lock);
}

/* --- the way to the disk --- */

struct file {
	sqlite3_file base; /* first */
	struct record *record;
	int which;
	sqlite3_file *real;
};

static struct file *file_of(sqlite3_file *base)
{
	return SLV_CONTAINER(base, struct file, base);
}

static int file_close(sqlite3_file *base)
{
	struct file *file = file_of(base);
	return file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *bytes, int len, sqlite3_int64 offset)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xRead(file->real, bytes, len, offset);
}

static int file_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 offset)
{
	struct file *file = file_of(base);
	note(file->record,
			(struct op){ .what = WRITE,
					.file = file->which,
					.offset = offset,
					.len = (size_t)len },
			bytes);
	return file->real->pMethods->xWrite(file->real, bytes, len, offset);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 len)
{
	struct file *file = file_of(base);
	note(file->record, (struct op){ .what = TRUNCATE, .file = file->which, .offset = len },
			NULL);
	return file->real->pMethods->xTruncate(file->real, len);
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct file *file = file_of(base);
	int rc = file->real->pMethods->xSync(file->real, flags);
	note(file->record, (struct op){ .what = SYNC, .file = file->which }, NULL);
	return rc;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_len)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xFileSize(file->real, ret_len);
}

static int file_lock(sqlite3_file *base, int lock)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xLock(file->real, lock);
}

static int file_unlock(sqlite3_file *base, int lock)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xUnlock(file->real, lock);
}

static int file_check_lock(sqlite3_file *base, int *ret_locked)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xCheckReservedLock(file->real, ret_locked);
}

static int file_control(sqlite3_file *base, int what, void *arg)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xFileControl(file->real, what, arg);
}

static int file_sector(sqlite3_file *base)
{
	(void)base;
	return SECTOR;
}

/* Nothing that would spare a sync. */
static int file_traits(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **ret_at)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xShmMap(file->real, page, size, extend, ret_at);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xShmLock(file->real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
	struct file *file = file_of(base);
	file->real->pMethods->xShmBarrier(file->real);
}

static int file_shm_unmap(sqlite3_file *base, int with_file)
{
	struct file *file = file_of(base);
	return file->real->pMethods->xShmUnmap(file->real, with_file);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int record_open(
		sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
	struct record *record = SLV_CONTAINER(vfs, struct record, vfs);
	struct file *file = file_of(base);
	slv_assert(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
	file->record = record;
	file->which = flags & SQLITE_OPEN_WAL            ? WAL
	              : flags & SQLITE_OPEN_MAIN_JOURNAL ? JOURNAL
	                                                 : DB;
	file->real = (sqlite3_file *)(void *)(file + 1);
	base->pMethods = &methods;
	return record->real->xOpen(record->real, name, file->real, flags, ret_flags);
}

static int record_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct record *record = SLV_CONTAINER(vfs, struct record, vfs);
	note(record,
			(struct op){ .what = DELETE,
					.file = strstr(name, "-wal")       ? WAL
	                                        : strstr(name, "-journal") ? JOURNAL
	                                                                   : DB,
					.offset = sync },
			NULL);
	return record->real->xDelete(record->real, name, sync);
}

static struct record *record_begin(void)
{
	struct record *record = SLV_ALLOC(struct record);
	record->real = sqlite3_vfs_find(NULL);
	record->vfs = *record->real;
	record->vfs.pNext = NULL;
	record->vfs.zName = "record";
	record->vfs.szOsFile = (int)sizeof(struct file) + record->real->szOsFile;
	record->vfs.xOpen = record_open;
	record->vfs.xDelete = record_delete;
	assert_int_equal(pthread_mutex_init(&record->lock, NULL), 0);
	assert_int_equal(sqlite3_vfs_register(&record->vfs, 1), SQLITE_OK);
	return record;
}

static void record_end(struct record *record)
{
	assert_int_equal(sqlite3_vfs_unregister(&record->vfs), SQLITE_OK);
	assert_ptr_equal(sqlite3_vfs_find(NULL), record->real);
}

static void record_free(struct record *record)
{
	for (size_t i = 0; i < record->count; i++)
		slv_free(record->ops[i].bytes);
	slv_free(record->ops);
	pthread_mutex_destroy(&record->lock);
	slv_free(record);
}

/* --- the work --- */

#define KEYS 6

/* What batch `number` does to key `k`: it puts it, removes it, or leaves it alone. */
enum deed { PUTS, REMOVES, LEAVES };

static enum deed deed_of(unsigned number, unsigned k)
{
	if (number % DROPS == 0)
		return REMOVES;
	unsigned dice = (number * 7 + k * 5) % 11;
	return dice < 6 ? PUTS : dice < 8 ? REMOVES : LEAVES;
}

static size_t body_len_of(unsigned number, unsigned k)
{
	static const size_t lens[] = { 0, 10, 3000, 4096, 9000, 20000 };
	return lens[(number + k) % SLV_COUNT(lens)];
}

struct work {
	struct wrote wrote;
	struct dropping dropping;
	struct record *record;
	unsigned number;
	struct slv_omap_change changes[KEYS + 1];
	char names[KEYS][8], text[16];
	char *body;
};

static void on_worked(struct slv_omap_batch *batch, slv_err err)
{
	struct work *work = SLV_CONTAINER(batch, struct work, wrote.batch);
	assert_int_equal(err.code, SLV_E_NONE);
	note(work->record, (struct op){ .what = ACK, .offset = work->number }, NULL);
	slv_free(work->body);
	on_write(batch, err);
}

static void on_dropped(struct slv_omap_drop *drop, slv_err err)
{
	struct work *work = SLV_CONTAINER(drop, struct work, dropping.drop);
	assert_int_equal(err.code, SLV_E_NONE);
	note(work->record, (struct op){ .what = ACK, .offset = work->number }, NULL);
	slv_free(work->body);
	on_drop(drop, err);
}

static void work_start(struct kit *kit, struct record *record, struct work *work, unsigned number)
{
	size_t count = 0;
	*work = (struct work){ .record = record, .number = number, .body = slv_alloc(20000) };
	snprintf(work->text, sizeof(work->text), "%u", number);
	memset(work->body, 'a' + (int)number % 26, 20000);
	note(record, (struct op){ .what = ASK, .offset = number }, NULL);
	if (number % DROPS == 0) {
		work->dropping = (struct dropping){ { .map = kit->map, .done = on_dropped }, kit };
		kit->pending++;
		slv_omap_drop(kit->loop, &work->dropping.drop);
		return;
	}
	work->changes[count++] = putting("last", work->text);
	for (unsigned k = 0; k < KEYS; k++) {
		enum deed deed = deed_of(number, k);
		snprintf(work->names[k], sizeof(work->names[k]), "k%u", k);
		if (deed == LEAVES)
			continue;
		struct slv_omap_change *change = &work->changes[count++];
		*change = deed == PUTS ? putting(work->names[k], work->text)
		                       : removing(work->names[k]);
		if (deed == PUTS)
			change->body = (slv_str){ work->body, body_len_of(number, k) };
	}
	work->wrote = (struct wrote){ { .map = kit->map, .changes = work->changes, .count = count },
		kit };
	work->wrote.batch.done = on_worked;
	kit->pending++;
	slv_omap_write(kit->loop, &work->wrote.batch);
}

static void checkpoint(struct kit *kit, const char *how)
{
	char text[60], path[100];
	snprintf(path, sizeof(path), "%s/maps/things.db", kit->folder);
	if (access(path, F_OK) != 0)
		return; /* it was dropped */
	snprintf(text, sizeof(text), "PRAGMA wal_checkpoint(%s)", how);
	kit_run(kit, text, NULL);
}

static void do_the_work(struct kit *kit, struct record *record)
{
	static const char *const hows[] = { NULL, "PASSIVE", NULL, "TRUNCATE", NULL, "RESTART" };
	struct work *work = slv_alloc(BATCHES * sizeof(*work));
	unsigned number = 0;
	for (unsigned round = 0; number < BATCHES; round++) {
		for (unsigned i = 0; i <= round % 4 && number < BATCHES; i++, number++)
			work_start(kit, record, &work[number], number + 1);
		kit_wait(kit);
		if (hows[round % SLV_COUNT(hows)])
			checkpoint(kit, hows[round % SLV_COUNT(hows)]);
	}
	slv_free(work);
}

/* --- what is found --- */

struct image {
	char *bytes;
	size_t len, room;
	bool there;
};

static void image_cut(struct image *image, size_t len)
{
	if (len > image->room) {
		image->room = 2 * len;
		image->bytes = slv_realloc(image->bytes, image->room);
	}
	if (len > image->len)
		memset(image->bytes + image->len, 0, len - image->len);
	image->len = len;
}

static void image_copy(struct image *to, const struct image *from)
{
	image_cut(to, from->len);
	if (from->len > 0)
		memcpy(to->bytes, from->bytes, from->len);
	to->there = from->there;
}

enum manner { ALL, NONE, TORN, MANNERS };

static bool reaches_the_disk(enum manner manner, unsigned *dice)
{
	*dice = *dice * 1103515245 + 12345;
	return manner == ALL || (manner == TORN && (*dice >> 16) % 2);
}

static void image_do(struct image *image, const struct op *op, enum manner manner, unsigned *dice)
{
	switch (op->what) {
	case WRITE:
		for (size_t at = 0; at < op->len; at += SECTOR) {
			size_t len = op->len - at < SECTOR ? op->len - at : SECTOR;
			size_t end = (size_t)op->offset + at + len;
			if (!reaches_the_disk(manner, dice))
				continue;
			if (end > image->len)
				image_cut(image, end);
			memcpy(image->bytes + op->offset + at, op->bytes + at, len);
			image->there = true;
		}
		break;
	case TRUNCATE:
		if (reaches_the_disk(manner, dice))
			image_cut(image, (size_t)op->offset);
		break;
	case DELETE:
		if (reaches_the_disk(manner, dice)) {
			image_cut(image, 0);
			image->there = false;
		}
		break;
	case SYNC:
	case ASK:
	case ACK:
	default:
		break;
	}
}

static void image_save(const struct image *image, const char *path)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	if (image->len > 0)
		assert_int_equal(fwrite(image->bytes, 1, image->len, file), image->len);
	assert_int_equal(fclose(file), 0);
}

/* The files after `count` steps. `synced` are those of the last sync of each, and the steps from
 * `since` on are in doubt. */
static void files_make(const struct record *record, size_t count, const struct image *synced,
		const size_t *since, enum manner manner, const char *folder)
{
	static const char *const names[FILES] = { "things.db", "things.db-wal",
		"things.db-journal" };
	unsigned dice = (unsigned)count;
	for (int which = 0; which < FILES; which++) {
		struct image image = { 0 };
		char path[100];
		image_copy(&image, &synced[which]);
		for (size_t i = since[which]; i < count; i++)
			if (record->ops[i].file == which)
				image_do(&image, &record->ops[i], manner, &dice);
		snprintf(path, sizeof(path), "%s/maps/%s", folder, names[which]);
		(void)unlink(path);
		if (image.there)
			image_save(&image, path);
		slv_free(image.bytes);
		snprintf(path, sizeof(path), "%s/maps/things.db-shm", folder);
		(void)unlink(path);
	}
}

/* Who put key `k` last, up to batch `number`; 0: it is not there. */
static unsigned putter_of(unsigned number, unsigned k)
{
	for (; number > 0; number--)
		if (deed_of(number, k) != LEAVES)
			return deed_of(number, k) == PUTS ? number : 0;
	return 0;
}

static void is_as_after(const struct slv_omap_rows *rows, unsigned number)
{
	size_t at = 0;
	for (unsigned k = 0; k < KEYS; k++) {
		char key[8], value[16];
		unsigned putter = putter_of(number, k);
		if (!putter)
			continue;
		assert_true(at < rows->count);
		const struct slv_omap_row *row = &rows->at[at++];
		snprintf(key, sizeof(key), "k%u", k);
		snprintf(value, sizeof(value), "%u", putter);
		is_text(row->key, key);
		is_text(row->value, value);
		assert_int_equal(row->body.len, body_len_of(putter, k));
		for (size_t i = 0; i < row->body.len; i++)
			assert_int_equal(row->body.at[i], 'a' + (int)putter % 26);
	}
	assert_int_equal(rows->count, at + (number % DROPS != 0)); /* and "last" */
}

/* The map is as after some batch that was not acknowledged before `acked`, and can be written to.
 * `asked` is the last one that was asked for. */
static void map_is_whole(struct kit *kit, unsigned acked, unsigned asked)
{
	struct slv_omap_rows *rows = kit_read(
			kit, (struct slv_omap_read){ .what = SLV_OMAP_SCAN, .bodies = true });
	if (!rows)
		fail_msg("it cannot be read: %s", kit->err.what);
	unsigned number = acked;
	while (rows->count == 0 && number % DROPS != 0 && number <= asked)
		number++; /* the next one that drops, or none yet */
	if (rows->count > 0) {
		const struct slv_omap_row *last = &rows->at[rows->count - 1];
		char text[16] = "";
		is_text(last->key, "last");
		memcpy(text, last->value.at, last->value.len);
		number = (unsigned)strtoul(text, NULL, 10);
	}
	if (number < acked || number > asked)
		fail_msg("batch %u was acknowledged, %u is there", acked, number);
	is_as_after(rows, number);
	uint64_t version = rows->version;
	assert_true(kit_put(kit, "more", "") == version + 1);
}

/* A file that is synced is on the disk; a folder with what was deleted in it before. */
static void step_is_synced(
		const struct record *record, size_t count, struct image *synced, size_t *since)
{
	const struct op *op = &record->ops[count - 1];
	unsigned dice = 0;
	for (int which = 0; which < FILES; which++) {
		size_t until = which == op->file ? count : 0;
		for (size_t i = since[which]; i < count && op->what == DELETE; i++)
			if (record->ops[i].file == which && record->ops[i].what == DELETE)
				until = i + 1;
		for (size_t i = since[which]; i < until; i++)
			if (record->ops[i].file == which)
				image_do(&synced[which], &record->ops[i], ALL, &dice);
		since[which] = until > since[which] ? until : since[which];
	}
}

static void steps_are_replayed(struct kit *kit, const struct record *record)
{
	struct image synced[FILES] = { { 0 } };
	size_t since[FILES] = { 0 };
	unsigned acked = 0, asked = 0;
	for (size_t count = 0; count <= record->count; count++) {
		const struct op *op = count > 0 ? &record->ops[count - 1] : NULL;
		if (op && op->what == ACK && (unsigned)op->offset > acked)
			acked = (unsigned)op->offset;
		if (op && op->what == ASK)
			asked = (unsigned)op->offset;
		files_make(record, count, synced, since, (enum manner)(count % MANNERS),
				kit->folder);
		kit_open(kit);
		map_is_whole(kit, acked, asked);
		kit_close(kit);
		if (op && (op->what == SYNC || (op->what == DELETE && op->offset)))
			step_is_synced(record, count, synced, since);
	}
	assert_int_equal(acked, BATCHES);
	for (int which = 0; which < FILES; which++)
		slv_free(synced[which].bytes);
}

static void a_power_cut_loses_nothing_that_was_acknowledged(void **state)
{
	struct kit *kit = *state;
	kit_close(kit);
	struct record *record = record_begin();
	kit_open(kit);
	do_the_work(kit, record);
	kit_close(kit);
	record_end(record);
	print_message("%zu steps\n", record->count);
	assert_true(record->count > 500);
	steps_are_replayed(kit, record);
	record_free(record);
	kit_open(kit);
}

int main(void)
{
	char url[] = "sqlite";
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_power_cut_loses_nothing_that_was_acknowledged, url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
