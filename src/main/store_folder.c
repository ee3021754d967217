#include "main/store_folder.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "selvedge-backup"
#define MARK_NEW MARK ".new"
#define WHOLE "whole\n"
#define UNFINISHED "unfinished\n"

static slv_err folder_open(struct slv_arena *arena, const char *path, int lock, int *ret_fd)
{
	SLV_CLEANUP(slv_fd_done) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return slv_err_sys(arena, errno, "open the folder '%s'", path);
	if (flock(fd, lock | LOCK_NB) != 0)
		return slv_err_printf(arena, SLV_E_BUSY, "the backup '%s' is in use", path);
	*ret_fd = slv_fd_take(&fd);
	return SLV_OK;
}

/* What the mark says; "" if there is none. */
static slv_err mark_read(struct slv_arena *arena, int folder, char text[static 16])
{
	SLV_CLEANUP(slv_fd_done) int fd = openat(folder, MARK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	memset(text, 0, 16);
	if (fd < 0)
		return errno == ENOENT ? SLV_OK : slv_err_sys(arena, errno, "open '" MARK "'");
	return read(fd, text, 15) < 0 ? slv_err_sys(arena, errno, "read '" MARK "'") : SLV_OK;
}

static slv_err mark_write(struct slv_arena *arena, int folder, slv_str text)
{
	SLV_CLEANUP(slv_fd_done)
	int fd = openat(folder, MARK_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0 || write(fd, text.at, text.len) != (ssize_t)text.len || fsync(fd) != 0 ||
			renameat(folder, MARK_NEW, folder, MARK) != 0 || fsync(folder) != 0)
		return slv_err_sys(arena, errno, "write '" MARK "'");
	return SLV_OK;
}

static slv_err is_empty(struct slv_arena *arena, int folder, bool *ret_empty)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		slv_err err = slv_err_sys(arena, errno, "read the folder");
		slv_fd_done(&fd);
		return err;
	}
	*ret_empty = true;
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
				strcmp(entry->d_name, MARK_NEW) != 0)
			*ret_empty = false;
	(void)closedir(dir); /* only read */
	return SLV_OK;
}

slv_err store_folder_begin(struct slv_arena *arena, const char *path, int *ret_fd)
{
	char text[16];
	bool empty = false;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return slv_err_sys(arena, errno, "make the folder '%s'", path);
	SLV_CLEANUP(slv_fd_done) int fd = -1;
	slv_err err = folder_open(arena, path, LOCK_EX, &fd);
	if (!slv_failed(err))
		err = mark_read(arena, fd, text);
	if (!slv_failed(err) && !text[0])
		err = is_empty(arena, fd, &empty);
	if (!slv_failed(err) && !text[0] && !empty)
		err = slv_err_printf(arena, SLV_E_CONFLICT,
				"'%s' is not empty and no backup: name another folder", path);
	if (!slv_failed(err))
		err = mark_write(arena, fd, SLV_STR(UNFINISHED));
	if (!slv_failed(err))
		*ret_fd = slv_fd_take(&fd);
	return err;
}

slv_err store_folder_end(struct slv_arena *arena, int fd)
{
	return mark_write(arena, fd, SLV_STR(WHOLE));
}

slv_err store_folder_open(struct slv_arena *arena, const char *path, int *ret_fd)
{
	char text[16];
	SLV_CLEANUP(slv_fd_done) int fd = -1;
	slv_err err = folder_open(arena, path, LOCK_SH, &fd);
	if (!slv_failed(err))
		err = mark_read(arena, fd, text);
	if (!slv_failed(err) && strcmp(text, WHOLE) != 0)
		err = slv_err_printf(arena, SLV_E_CONFLICT,
				text[0] ? "the backup '%s' is not whole: run it again, to its end"
					: "'%s' is no backup",
				path);
	if (!slv_failed(err))
		*ret_fd = slv_fd_take(&fd);
	return err;
}
