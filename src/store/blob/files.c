/* files.c - blobs as files
 *
 * FOLDER/xx/ID, where xx is the first byte of the id in hex and ID all of it. A blob that is being
 * written is ID.new beside its place, and is renamed once it is synced; then its folder is.
 */
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "loop/log.h"
#include "store/blob/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ID_TEXT (2 * SLV_BLOB_ID_BYTES)
#define NEW ".new"

struct files {
	struct slv_blobs blobs; /* first */
	struct slv_disk *disk;
	struct slv_disk real;
	char *path; /* of the folder, terminated */
	pthread_mutex_t lock;
	int folder;                              /* -1: not open yet */
	_Atomic bool is_synced[SLV_BLOB_SHARDS]; /* its name is on the disk */
};

struct names {
	char final[ID_TEXT + 1];
	char unfinished[ID_TEXT + sizeof(NEW)];
};

struct blob_open {
	struct files *files;
	int shard; /* its folder; -1 once it is read only */
	int fd;
	bool is_new;
	struct names names;
};

static struct files *files_of(struct slv_blobs *blobs)
{
	return SLV_CONTAINER(blobs, struct files, blobs);
}

/* `result` is -errno. */
static slv_err refused(struct files *files, int result)
{
	slv_err err = SLV_ERR(SLV_E_SYS, "the disk of the blobs refuses");
	if (result == -ENOSPC || result == -EDQUOT)
		err.what = "the disk of the blobs is full";
	err.sys = -result;
	if (files->blobs.log)
		slv_log(files->blobs.log, SLV_WARN, "store.trouble",
				SLV_KV("why", strerror(-result)));
	return err;
}

static void names_make(const struct slv_blob_id *id, struct names *ret_names)
{
	slv_str_hex(id->bytes, sizeof(id->bytes), ret_names->final);
	ret_names->final[ID_TEXT] = '\0';
	memcpy(ret_names->unfinished, ret_names->final, ID_TEXT);
	memcpy(ret_names->unfinished + ID_TEXT, NEW, sizeof(NEW));
}

/* --- folders --- */

/* -ENODEV: it is not there, and we are not about to write. */
static int files_folder(struct files *files, bool writes)
{
	int result;
	char real[PATH_MAX];
	pthread_mutex_lock(&files->lock);
	if (files->folder < 0)
		files->folder = slv_disk_root(files->disk, files->path, writes, real);
	result = files->folder == -ENOENT ? -ENODEV : files->folder;
	pthread_mutex_unlock(&files->lock);
	return result;
}

/* A folder of blobs, to be closed. For one who writes its name is on the disk. */
static int shard_open(struct files *files, unsigned shard, bool writes)
{
	const struct slv_disk_ops *ops = files->disk->ops;
	char name[3];
	int result = files_folder(files, writes);
	if (result < 0)
		return result;
	snprintf(name, sizeof(name), "%02x", shard & 0xff);
	if (!writes)
		return ops->open(files->disk, files->folder, name, O_RDONLY | O_DIRECTORY);
	int fd = slv_disk_folder(
			files->disk, files->folder, name, !atomic_load(&files->is_synced[shard]));
	if (fd >= 0)
		atomic_store(&files->is_synced[shard], true);
	return fd;
}

/* --- one blob --- */

static slv_err files_create(
		struct slv_blobs *blobs, const struct slv_blob_id *id, struct blob_open **ret_open)
{
	struct files *files = files_of(blobs);
	struct blob_open *open = SLV_ALLOC(struct blob_open);
	names_make(id, &open->names);
	open->files = files;
	open->shard = shard_open(files, id->bytes[0], true);
	open->fd = open->shard < 0 ? open->shard
	                           : files->disk->ops->open(files->disk, open->shard,
						     open->names.unfinished,
						     O_WRONLY | O_CREAT | O_EXCL);
	if (open->fd < 0) {
		slv_err err = refused(files, open->fd);
		slv_fd_done(&open->shard);
		slv_free(open);
		return err;
	}
	open->is_new = true;
	*ret_open = open;
	return SLV_OK;
}

static slv_err files_append(struct blob_open *open, slv_str bytes)
{
	struct files *files = open->files;
	while (bytes.len > 0) {
		ssize_t count = files->disk->ops->write(files->disk, open->fd, bytes.at, bytes.len);
		if (count <= 0)
			return refused(files, count < 0 ? (int)count : -EIO);
		bytes = slv_str_from_index(bytes, (size_t)count);
	}
	return SLV_OK;
}

static slv_err files_commit(struct blob_open *open)
{
	struct files *files = open->files;
	const struct slv_disk_ops *ops = files->disk->ops;
	int result = ops->sync(files->disk, open->fd);
	if (result == 0)
		result = ops->rename(files->disk, open->shard, open->names.unfinished, open->shard,
				open->names.final);
	if (result == 0) {
		open->is_new = false;
		result = ops->sync(files->disk, open->shard);
	}
	return result < 0 ? refused(files, result) : SLV_OK;
}

static slv_err files_open(struct slv_blobs *blobs, const struct slv_blob_id *id, uint64_t size,
		struct blob_open **ret_open)
{
	struct files *files = files_of(blobs);
	(void)size;
	struct blob_open *open = SLV_ALLOC(struct blob_open);
	names_make(id, &open->names);
	open->files = files;
	open->shard = shard_open(files, id->bytes[0], false);
	open->fd = open->shard < 0 ? open->shard
	                           : files->disk->ops->open(files->disk, open->shard,
						     open->names.final, O_RDONLY);
	slv_fd_done(&open->shard);
	if (open->fd < 0) {
		slv_err err = open->fd == -ENOENT ? SLV_ERR(SLV_E_MISSING, "there is no such blob")
		                                  : refused(files, open->fd);
		slv_free(open);
		return err;
	}
	*ret_open = open;
	return SLV_OK;
}

static slv_err files_size(struct blob_open *open, uint64_t *ret_bytes)
{
	struct slv_disk_stat stat;
	int result = open->files->disk->ops->stat(open->files->disk, open->fd, "", &stat);
	if (result < 0)
		return refused(open->files, result);
	*ret_bytes = stat.bytes;
	return SLV_OK;
}

static slv_err files_read(struct blob_open *open, uint64_t offset, char *bytes, size_t len)
{
	struct files *files = open->files;
	while (len > 0) {
		ssize_t count = files->disk->ops->read_at(
				files->disk, open->fd, bytes, len, offset);
		if (count < 0)
			return refused(files, (int)count);
		if (count == 0)
			return SLV_ERR(SLV_E_CORRUPT, "a blob of the store is damaged");
		bytes += count;
		offset += (uint64_t)count;
		len -= (size_t)count;
	}
	return SLV_OK;
}

static void files_close(struct blob_open *open)
{
	struct files *files = open->files;
	if (open->is_new) {
		int result = files->disk->ops->unlink(
				files->disk, open->shard, open->names.unfinished);
		if (result < 0)
			(void)refused(files, result); /* told; the list will find it */
	}
	slv_fd_done(&open->shard);
	slv_fd_done(&open->fd);
	slv_free(open);
}

/* What was only begun costs nothing to find here, so it goes in any case. */
static slv_err files_remove(
		struct slv_blobs *blobs, const struct slv_blob_id *id, enum slv_blob_begun begun)
{
	struct files *files = files_of(blobs);
	struct names names;
	names_make(id, &names);
	int shard = shard_open(files, id->bytes[0], false), result = shard;
	if (shard >= 0) {
		result = -ENOENT;
		if (begun != SLV_BLOB_BEGUN_ONLY)
			result = files->disk->ops->unlink(files->disk, shard, names.final);
		if (result == -ENOENT)
			result = files->disk->ops->unlink(files->disk, shard, names.unfinished);
	}
	slv_fd_done(&shard);
	return result < 0 && result != -ENOENT && result != -ENODEV ? refused(files, result)
	                                                            : SLV_OK;
}

/* --- the list --- */

/* What is not ours is passed over. */
static bool name_read(const char *name, struct slv_blob_listed *ret_listed)
{
	struct slv_blob_id *id = &ret_listed->id;
	slv_str text = slv_str_from(name), rest;
	if (text.len < ID_TEXT ||
			!slv_str_unhex(slv_str_head(text, ID_TEXT), id->bytes, sizeof(id->bytes)))
		return false;
	rest = slv_str_from_index(text, ID_TEXT);
	ret_listed->finished = rest.len == 0;
	return ret_listed->finished || slv_str_eq(rest, SLV_STR(NEW));
}

static slv_err list_dir(
		struct files *files, int fd, struct slv_disk_dir *dir, struct slv_blob_list *list)
{
	const struct slv_disk_ops *ops = files->disk->ops;
	const char *name;
	while ((name = ops->dir_next(files->disk, dir))) {
		struct slv_blob_listed listed = { .finished = false };
		struct slv_disk_stat stat;
		if (!name_read(name, &listed) || ops->stat(files->disk, fd, name, &stat) < 0)
			continue; /* or it is gone */
		listed.written_ms = stat.used_ms;
		if (!blob_list_add(list, &listed))
			return SLV_ERR(SLV_E_LIMIT, "a shard has more than 1000000 blobs");
	}
	return SLV_OK;
}

static slv_err files_list(struct slv_blobs *blobs, struct slv_blob_list *list)
{
	struct files *files = files_of(blobs);
	const struct slv_disk_ops *ops = files->disk->ops;
	struct slv_disk_dir *dir;
	int fd = shard_open(files, list->shard, false);
	if (fd == -ENOENT || fd == -ENODEV)
		return SLV_OK;
	int result = fd < 0 ? fd : ops->dir_open(files->disk, fd, &dir);
	if (result < 0) {
		slv_fd_done(&fd);
		return refused(files, result);
	}
	slv_err err = list_dir(files, fd, dir, list);
	ops->dir_close(files->disk, dir);
	slv_fd_done(&fd);
	return err;
}

/* --- life --- */

static void files_free(struct slv_blobs *blobs)
{
	struct files *files = files_of(blobs);
	slv_fd_done(&files->folder);
	pthread_mutex_destroy(&files->lock);
	slv_free(files->path);
	slv_free(files);
}

static const struct blob_driver driver = {
	.readers = 4,
	.writers = 4,
	.removers = 2,
	.free = files_free,
	.create = files_create,
	.append = files_append,
	.commit = files_commit,
	.open = files_open,
	.size = files_size,
	.read = files_read,
	.close = files_close,
	.remove = files_remove,
	.list = files_list,
};

struct slv_blobs *blob_files_new(slv_str folder, struct slv_disk *disk)
{
	struct files *files = SLV_ALLOC(struct files);
	files->blobs.driver = &driver;
	files->real.ops = &slv_disk_ops;
	files->disk = disk ? disk : &files->real;
	files->folder = -1;
	files->path = slv_alloc(folder.len + 1);
	memcpy(files->path, folder.at, folder.len);
	slv_assert(pthread_mutex_init(&files->lock, NULL) == 0);
	return &files->blobs;
}
