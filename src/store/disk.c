#include "store/disk.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int or_errno(int result)
{
	return result < 0 ? -errno : result;
}

static int disk_open(struct slv_disk *disk, int dir_fd, const char *name, int flags)
{
	(void)disk;
	return or_errno(openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600));
}

static ssize_t disk_read(struct slv_disk *disk, int fd, void *bytes, size_t len)
{
	(void)disk;
	ssize_t count;
	do {
		count = read(fd, bytes, len);
	} while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

static ssize_t disk_write(struct slv_disk *disk, int fd, const void *bytes, size_t len)
{
	(void)disk;
	ssize_t count;
	do {
		count = write(fd, bytes, len);
	} while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

static ssize_t disk_read_at(struct slv_disk *disk, int fd, void *bytes, size_t len, uint64_t offset)
{
	(void)disk;
	ssize_t count;
	do {
		count = pread(fd, bytes, len, (off_t)offset);
	} while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

static int disk_sync(struct slv_disk *disk, int fd)
{
	(void)disk;
	return or_errno(fsync(fd));
}

static int disk_stat(
		struct slv_disk *disk, int dir_fd, const char *name, struct slv_disk_stat *ret_stat)
{
	(void)disk;
	struct stat st;
	int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
	if (fstatat(dir_fd, name, &st, flags) != 0)
		return -errno;
	*ret_stat = (struct slv_disk_stat){
		.bytes = (uint64_t)st.st_size,
		.used_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
	};
	return 0;
}

static int disk_touch(struct slv_disk *disk, int fd)
{
	(void)disk;
	return or_errno(futimens(fd, NULL));
}

static int disk_rename(
		struct slv_disk *disk, int from_fd, const char *from, int to_fd, const char *to)
{
	(void)disk;
	return or_errno(renameat(from_fd, from, to_fd, to));
}

static int disk_unlink(struct slv_disk *disk, int dir_fd, const char *name)
{
	(void)disk;
	return or_errno(unlinkat(dir_fd, name, 0));
}

static int disk_mkdir(struct slv_disk *disk, int dir_fd, const char *name)
{
	(void)disk;
	return or_errno(mkdirat(dir_fd, name, 0700));
}

static int disk_rmdir(struct slv_disk *disk, int dir_fd, const char *name)
{
	(void)disk;
	return or_errno(unlinkat(dir_fd, name, AT_REMOVEDIR));
}

/* A slv_disk_dir is a DIR with a descriptor of its own. */
static int disk_dir_open(struct slv_disk *disk, int fd, struct slv_disk_dir **ret_dir)
{
	(void)disk;
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	DIR *dir = fdopendir(own);
	if (!dir) {
		int sys = errno;
		(void)close(own);
		return -sys;
	}
	*ret_dir = (struct slv_disk_dir *)dir;
	return 0;
}

static const char *disk_dir_next(struct slv_disk *disk, struct slv_disk_dir *dir)
{
	(void)disk;
	struct dirent *entry;
	while ((entry = readdir((DIR *)dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	return NULL;
}

static void disk_dir_close(struct slv_disk *disk, struct slv_disk_dir *dir)
{
	(void)disk;
	(void)closedir((DIR *)dir);
}

const struct slv_disk_ops slv_disk_ops = {
	.open = disk_open,
	.read = disk_read,
	.write = disk_write,
	.read_at = disk_read_at,
	.sync = disk_sync,
	.stat = disk_stat,
	.touch = disk_touch,
	.rename = disk_rename,
	.unlink = disk_unlink,
	.mkdir = disk_mkdir,
	.rmdir = disk_rmdir,
	.dir_open = disk_dir_open,
	.dir_next = disk_dir_next,
	.dir_close = disk_dir_close,
};

static int made(int result)
{
	return result == -EEXIST ? 0 : result;
}

static int open_folder(struct slv_disk *disk, int dir_fd, const char *name, bool sync)
{
	const struct slv_disk_ops *ops = disk->ops;
	int fd = ops->open(disk, dir_fd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || !sync)
		return fd;
	int above = ops->open(disk, fd, "..", O_RDONLY | O_DIRECTORY);
	int result = above < 0 ? above : ops->sync(disk, above);
	slv_fd_done(&above);
	if (result < 0)
		slv_fd_done(&fd);
	return result < 0 ? result : fd;
}

int slv_disk_folder(struct slv_disk *disk, int dir_fd, const char *name, bool sync)
{
	int result = made(disk->ops->mkdir(disk, dir_fd, name));
	return result < 0 ? result : open_folder(disk, dir_fd, name, sync);
}

int slv_disk_root(struct slv_disk *disk, const char *path, bool make, char *ret_real)
{
	int result = make ? made(disk->ops->mkdir(disk, AT_FDCWD, path)) : 0;
	if (result < 0)
		return result;
	if (!realpath(path, ret_real))
		return -errno;
	return open_folder(disk, AT_FDCWD, ret_real, make);
}
