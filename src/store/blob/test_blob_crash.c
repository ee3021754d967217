/* What a power cut leaves of blobs: all that is done to the disk is recorded, and after each step
 * the folder is made anew, as it may be found: of the names and bytes that were not synced all are
 * there, or none, or some of the names and some sectors. Each blob that was acknowledged must be
 * whole, and each that has a name at all. */
#include "store/blob/testing.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOBS = 14, NODES_MAX = 64, FDS_MAX = 1024, SECTOR = 512 };

/* --- the record --- */

struct op {
	enum { MAKE, WRITE, SYNC, RENAME, UNLINK, ACK } what;
	int node;   /* that it is done to; of ACK the blob's number */
	int folder; /* that has the name */
	char name[48], to[48];
	size_t len;
	char *bytes;
};

struct node {
	bool is_folder;
};

struct record {
	struct slv_disk disk; /* first */
	pthread_mutex_t lock;
	struct op *ops;
	size_t count, room;
	struct node nodes[NODES_MAX];
	int node_count;
	int node_of_fd[FDS_MAX]; /* -1: none of ours */
	struct entry {
		char name[48];
		int folder, node;
	} names[NODES_MAX]; /* now */
	size_t name_count;
};

static struct record *record_of(struct slv_disk *disk)
{
	return SLV_CONTAINER(disk, struct record, disk);
}

static void note(struct record *record, struct op op, const void *bytes)
{
	if (op.len > 0) {
		op.bytes = slv_alloc(op.len);
		memcpy(op.bytes, bytes, op.len);
	}
	if (record->count == record->room) {
		record->room = record->room ? 2 * record->room : 256;
		record->ops = slv_realloc(record->ops, record->room * sizeof(op));
	}
	record->ops[record->count++] = op;
}

static struct entry *find(struct record *record, int folder, const char *name)
{
	for (size_t i = 0; i < record->name_count; i++)
		if (record->names[i].folder == folder && strcmp(record->names[i].name, name) == 0)
			return &record->names[i];
	return NULL;
}

static int make(struct record *record, int folder, const char *name, bool is_folder)
{
	struct op op = { .what = MAKE, .node = record->node_count, .folder = folder };
	assert_true(record->node_count < NODES_MAX);
	record->nodes[record->node_count].is_folder = is_folder;
	struct entry *entry = &record->names[record->name_count++];
	*entry = (struct entry){ .folder = folder, .node = record->node_count };
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	snprintf(op.name, sizeof(op.name), "%s", name);
	note(record, op, NULL);
	return record->node_count++;
}

/* The node of a folder's descriptor; the one above is the root's, -1. */
static int folder_of(const struct record *record, int dir_fd)
{
	return dir_fd == AT_FDCWD ? -1 : record->node_of_fd[dir_fd];
}

static const char *last_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

/* The folder that `node` is in; -1: the one that the test is in. */
static int above(const struct record *record, int node)
{
	for (size_t i = 0; i < record->name_count; i++)
		if (record->names[i].node == node)
			return record->names[i].folder;
	return -1;
}

static int record_open(struct slv_disk *disk, int dir_fd, const char *name, int flags)
{
	struct record *record = record_of(disk);
	pthread_mutex_lock(&record->lock);
	int fd = slv_disk_ops.open(disk, dir_fd, name, flags);
	if (fd >= 0) {
		int folder = folder_of(record, dir_fd);
		struct entry *entry = find(record, folder, last_of(name));
		assert_true(fd < FDS_MAX);
		if (flags & O_CREAT)
			record->node_of_fd[fd] = make(record, folder, name, false);
		else
			record->node_of_fd[fd] = entry ? entry->node : above(record, folder);
	}
	pthread_mutex_unlock(&record->lock);
	return fd;
}

static int record_mkdir(struct slv_disk *disk, int dir_fd, const char *name)
{
	struct record *record = record_of(disk);
	pthread_mutex_lock(&record->lock);
	int result = slv_disk_ops.mkdir(disk, dir_fd, name);
	if (result == 0)
		(void)make(record, folder_of(record, dir_fd), last_of(name), true);
	pthread_mutex_unlock(&record->lock);
	return result;
}

static ssize_t record_write(struct slv_disk *disk, int fd, const void *bytes, size_t len)
{
	struct record *record = record_of(disk);
	pthread_mutex_lock(&record->lock);
	ssize_t count = slv_disk_ops.write(disk, fd, bytes, len);
	if (count > 0)
		note(record,
				(struct op){ .what = WRITE,
						.node = record->node_of_fd[fd],
						.len = (size_t)count },
				bytes);
	pthread_mutex_unlock(&record->lock);
	return count;
}

static int record_sync(struct slv_disk *disk, int fd)
{
	struct record *record = record_of(disk);
	pthread_mutex_lock(&record->lock);
	note(record, (struct op){ .what = SYNC, .node = record->node_of_fd[fd] }, NULL);
	pthread_mutex_unlock(&record->lock);
	return 0; /* the machine itself stays up */
}

static int record_rename(
		struct slv_disk *disk, int from_fd, const char *from, int to_fd, const char *to)
{
	struct record *record = record_of(disk);
	struct op op = { .what = RENAME };
	pthread_mutex_lock(&record->lock);
	int result = slv_disk_ops.rename(disk, from_fd, from, to_fd, to);
	assert_int_equal(result, 0);
	op.folder = folder_of(record, from_fd);
	snprintf(op.name, sizeof(op.name), "%s", from);
	snprintf(op.to, sizeof(op.to), "%s", to);
	struct entry *entry = find(record, op.folder, from);
	snprintf(entry->name, sizeof(entry->name), "%s", to);
	note(record, op, NULL);
	pthread_mutex_unlock(&record->lock);
	return result;
}

static int record_unlink(struct slv_disk *disk, int dir_fd, const char *name)
{
	struct record *record = record_of(disk);
	struct op op = { .what = UNLINK };
	pthread_mutex_lock(&record->lock);
	int result = slv_disk_ops.unlink(disk, dir_fd, name);
	if (result == 0) {
		op.folder = folder_of(record, dir_fd);
		snprintf(op.name, sizeof(op.name), "%s", name);
		find(record, op.folder, name)->folder = -2; /* nowhere */
		note(record, op, NULL);
	}
	pthread_mutex_unlock(&record->lock);
	return result;
}

/* --- what is found --- */

struct image {
	char *bytes; /* of a file */
	size_t len;
};

/* The names and bytes that are on the disk. */
struct world {
	struct image files[NODES_MAX];
	struct entry names[NODES_MAX];
	size_t name_count;
};

static bool luck(unsigned *dice)
{
	*dice = *dice * 1103515245 + 12345;
	return (*dice >> 16) % 2;
}

static void name_do(struct world *world, const struct op *op)
{
	if (op->what == MAKE) {
		struct entry *entry = &world->names[world->name_count++];
		*entry = (struct entry){ .folder = op->folder, .node = op->node };
		memcpy(entry->name, op->name, sizeof(entry->name));
		return;
	}
	for (size_t i = 0; i < world->name_count; i++) {
		struct entry *entry = &world->names[i];
		if (entry->folder != op->folder || strcmp(entry->name, op->name) != 0)
			continue;
		if (op->what == UNLINK)
			entry->folder = -2;
		else
			memcpy(entry->name, op->to, sizeof(entry->name));
	}
}

/* `from` on: where the sectors may be missing. */
static void file_do(struct image *image, const struct op *op, unsigned *dice)
{
	image->bytes = slv_realloc(image->bytes, image->len + op->len);
	memcpy(image->bytes + image->len, op->bytes, op->len);
	for (size_t at = 0; dice && at < op->len; at += SECTOR) {
		size_t len = op->len - at < SECTOR ? op->len - at : SECTOR;
		if (!luck(dice))
			memset(image->bytes + image->len + at, 0, len);
	}
	image->len += op->len;
}

enum manner { ALL, NONE, SOME, MANNERS };

/* The last sync of `node` before `count`; 0: none. */
static size_t synced_until(const struct record *record, size_t count, int node)
{
	while (count > 0) {
		const struct op *op = &record->ops[--count];
		if (op->what == SYNC && op->node == node)
			return count;
	}
	return 0;
}

static void world_make(const struct record *record, size_t count, enum manner manner,
		struct world *ret_world)
{
	unsigned dice = (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		const struct op *op = &record->ops[i];
		bool is_name = op->what == MAKE || op->what == RENAME || op->what == UNLINK;
		if (!is_name && op->what != WRITE)
			continue;
		bool synced = i < synced_until(record, count, is_name ? op->folder : op->node);
		if (!synced && (manner == NONE || (manner == SOME && is_name && !luck(&dice))))
			continue;
		if (is_name)
			name_do(ret_world, op);
		else
			file_do(&ret_world->files[op->node], op,
					!synced && manner == SOME ? &dice : NULL);
	}
}

static void world_save(const struct record *record, const struct world *world, int folder,
		const char *path)
{
	for (size_t i = 0; i < world->name_count; i++) {
		const struct entry *entry = &world->names[i];
		char own[200];
		if (entry->folder != folder)
			continue;
		snprintf(own, sizeof(own), "%s/%s", path, entry->name);
		if (record->nodes[entry->node].is_folder) {
			assert_int_equal(mkdir(own, 0700), 0);
			world_save(record, world, entry->node, own);
			continue;
		}
		const struct image *image = &world->files[entry->node];
		FILE *file = fopen(own, "w");
		assert_non_null(file);
		if (image->len > 0)
			assert_int_equal(fwrite(image->bytes, 1, image->len, file), image->len);
		assert_int_equal(fclose(file), 0);
	}
}

static void folder_remake(
		const struct record *record, size_t count, enum manner manner, const char *folder)
{
	char command[100], above[60];
	struct world *world = SLV_ALLOC(struct world);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
	snprintf(above, sizeof(above), "%s", folder);
	*strrchr(above, '/') = 0;
	world_make(record, count, manner, world);
	world_save(record, world, -1, above);
	for (int i = 0; i < NODES_MAX; i++)
		slv_free(world->files[i].bytes);
	slv_free(world);
}

/* --- the work --- */

static uint64_t len_of(unsigned number)
{
	static const uint64_t lens[] = { 1, 511, 65536, 65537, 100, 200000, 131072 };
	return lens[number % SLV_COUNT(lens)];
}

/* Ids that are told apart and lie in two shards. */
static void ids(void *arg, void *bytes, size_t len)
{
	unsigned *next = arg;
	for (size_t i = 0; i < len; i++) {
		unsigned id = *next + (unsigned)i / SLV_BLOB_ID_BYTES;
		((uint8_t *)bytes)[i] = (uint8_t)(i % SLV_BLOB_ID_BYTES == 0 ? id % 2 : id / 2);
	}
	*next += (unsigned)len / SLV_BLOB_ID_BYTES;
}

struct listing {
	struct slv_blob_list list;
	struct blobs_kit *kit;
	const struct slv_blob_ref *refs;
};

/* Each that has a name is whole. */
static void on_listed(struct slv_blob_list *list, slv_err err, const struct slv_blob_listed *listed,
		size_t count)
{
	struct listing *listing = SLV_CONTAINER(list, struct listing, list);
	struct slv_blob_listed found[BLOBS];
	assert_int_equal(err.code, SLV_E_NONE);
	assert_true(count <= BLOBS);
	if (count > 0)
		memcpy(found, listed, count * sizeof(*found));
	listing->kit->pending--;
	for (size_t i = 0; i < count; i++) {
		unsigned number = 0;
		while (memcmp(&listing->refs[number].id, &found[i].id, SLV_BLOB_ID_BYTES) != 0)
			assert_true(++number < BLOBS);
		if (!found[i].finished)
			continue;
		char path[120];
		struct stat st;
		blobs_kit_path(listing->kit, &found[i].id, path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size,
				len_of(number) + (len_of(number) + 65535) / 65536 * 8 + 32);
	}
}

static void folder_is_whole(struct blobs_kit *kit, const struct slv_blob_ref *refs, unsigned acked)
{
	blobs_kit_open(kit);
	for (unsigned i = 0; i < acked; i++) {
		blobs_kit_read(kit, &refs[i], i, 0, (size_t)refs[i].len);
		if (slv_failed(kit->err))
			fail_msg("blob %u was acknowledged: %s", i, kit->err.what);
	}
	for (unsigned shard = 0; shard < 2; shard++) {
		struct listing listing = {
			{ .blobs = kit->blobs, .shard = shard, .done = on_listed }, kit, refs
		};
		kit->pending++;
		slv_blob_list(kit->loop, &listing.list);
		blobs_kit_wait(kit);
	}
	blobs_kit_put(kit, 99, 1000, 1000);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_close(kit);
}

static void a_power_cut_loses_nothing_that_was_acknowledged(void **state)
{
	struct blobs_kit *kit = *state;
	struct record record = { .count = 0 };
	struct slv_blob_ref refs[BLOBS];
	unsigned next = 0, acked = 0;
	struct slv_disk_ops ops = slv_disk_ops;
	struct slv_loop_world world = { .random = ids, .arg = &next };
	ops.open = record_open;
	ops.mkdir = record_mkdir;
	ops.write = record_write;
	ops.sync = record_sync;
	ops.rename = record_rename;
	ops.unlink = record_unlink;
	record.disk.ops = &ops;
	assert_int_equal(pthread_mutex_init(&record.lock, NULL), 0);
	blobs_kit_close(kit);
	kit->disk = &record.disk;
	kit->world = &world;
	blobs_kit_open(kit);
	for (unsigned i = 0; i < BLOBS; i++) {
		blobs_kit_put(kit, i, len_of(i), 70000);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		refs[i] = kit->ref;
		note(&record, (struct op){ .what = ACK, .node = (int)i }, NULL);
	}
	blobs_kit_close(kit);
	kit->disk = NULL;
	kit->world = NULL;
	assert_true(record.count > 5 * BLOBS);
	for (size_t count = 0; count <= record.count; count++) {
		acked += count > 0 && record.ops[count - 1].what == ACK;
		for (int manner = 0; manner < MANNERS; manner++) {
			folder_remake(&record, count, (enum manner)manner, kit->folder);
			folder_is_whole(kit, refs, acked);
		}
	}
	assert_int_equal(acked, BLOBS);
	for (size_t i = 0; i < record.count; i++)
		slv_free(record.ops[i].bytes);
	slv_free(record.ops);
	blobs_kit_open(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_power_cut_loses_nothing_that_was_acknowledged,
				blobs_kit_set_up, blobs_kit_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
