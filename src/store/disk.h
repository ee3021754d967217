/* disk.h - the one way to files
 *
 * All that the store does to a disk goes through these calls, so that a test can put a disk in
 * their place that is full, broken, or forgets. Names are relative to the folder `dir_fd`; the
 * last part is never followed as a symbolic link.
 *
 * Results below 0 are -errno. Thread: any, and all of them may wait; loops call none.
 */
#ifndef SLV_STORE_DISK_H
#define SLV_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct slv_disk;
struct slv_disk_dir;

struct slv_disk_stat {
	uint64_t bytes;
	int64_t used_ms; /* of the last write or touch, since 1970 */
};

struct slv_disk_ops {
	/* The descriptor, closed with close(2). A file that is made has mode 0600. */
	int (*open)(struct slv_disk *disk, int dir_fd, const char *name, int flags);
	/* As read(2) and write(2): fewer bytes than asked for are no error. */
	ssize_t (*read)(struct slv_disk *disk, int fd, void *bytes, size_t len);
	ssize_t (*write)(struct slv_disk *disk, int fd, const void *bytes, size_t len);
	ssize_t (*read_at)(struct slv_disk *disk, int fd, void *bytes, size_t len, uint64_t offset);
	/* What was written to it, of a folder the names in it, is on the disk. */
	int (*sync)(struct slv_disk *disk, int fd);
	/* Of the file itself when `name` is empty. */
	int (*stat)(struct slv_disk *disk, int dir_fd, const char *name,
			struct slv_disk_stat *ret_stat);
	int (*touch)(struct slv_disk *disk, int fd); /* it is used now */
	int (*rename)(struct slv_disk *disk, int from_fd, const char *from, int to_fd,
			const char *to);
	int (*unlink)(struct slv_disk *disk, int dir_fd, const char *name);
	int (*mkdir)(struct slv_disk *disk, int dir_fd, const char *name); /* mode 0700 */
	int (*rmdir)(struct slv_disk *disk, int dir_fd, const char *name);

	/* The names in an open folder, in no order and without "." and "..". The descriptor stays
	 * the caller's. A name is valid until the next call; NULL is the end, or an error. */
	int (*dir_open)(struct slv_disk *disk, int fd, struct slv_disk_dir **ret_dir);
	const char *(*dir_next)(struct slv_disk *disk, struct slv_disk_dir *dir);
	void (*dir_close)(struct slv_disk *disk, struct slv_disk_dir *dir);
};

/* An implementation embeds it first. */
struct slv_disk {
	const struct slv_disk_ops *ops;
};

/* The descriptor of the folder `name`, which is made if need be. With `sync` its name is on the
 * disk then: whoever made it may not have synced it yet. */
int slv_disk_folder(struct slv_disk *disk, int dir_fd, const char *name, bool sync);

/* The folder at `path`, as the administrator wrote it, who may use symbolic links, and in
 * `ret_real`, of PATH_MAX bytes, its path without them. What is below is reached by the calls
 * above, which follow none. With `make` as slv_disk_folder() with `sync`. */
int slv_disk_root(struct slv_disk *disk, const char *path, bool make, char *ret_real);

/* The real one. */
extern const struct slv_disk_ops slv_disk_ops;

#endif
