#include "store/blob/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The real disk, but that calls of one kind fail. */
struct bad_disk {
	struct slv_disk disk; /* first */
	struct slv_disk_ops ops;
	enum bad_call { NOTHING, MKDIR, CREATE, WRITE, SYNC, RENAME, OPEN, READ, CALLS } what;
	int sys;
	unsigned good; /* so many of them are good before */
};

static bool is_bad(struct slv_disk *disk, enum bad_call what)
{
	struct bad_disk *bad = SLV_CONTAINER(disk, struct bad_disk, disk);
	if (bad->what != what)
		return false;
	if (bad->good == 0)
		return true;
	bad->good--;
	return false;
}

static int sys_of(struct slv_disk *disk)
{
	return -SLV_CONTAINER(disk, struct bad_disk, disk)->sys;
}

static int bad_open(struct slv_disk *disk, int dir_fd, const char *name, int flags)
{
	enum bad_call what = flags & O_CREAT ? CREATE : flags & O_DIRECTORY ? NOTHING : OPEN;
	if (what != NOTHING && is_bad(disk, what))
		return sys_of(disk);
	return slv_disk_ops.open(disk, dir_fd, name, flags);
}

static int bad_mkdir(struct slv_disk *disk, int dir_fd, const char *name)
{
	return is_bad(disk, MKDIR) ? sys_of(disk) : slv_disk_ops.mkdir(disk, dir_fd, name);
}

static ssize_t bad_write(struct slv_disk *disk, int fd, const void *bytes, size_t len)
{
	return is_bad(disk, WRITE) ? sys_of(disk) : slv_disk_ops.write(disk, fd, bytes, len);
}

static ssize_t bad_read_at(struct slv_disk *disk, int fd, void *bytes, size_t len, uint64_t offset)
{
	return is_bad(disk, READ) ? sys_of(disk)
	                          : slv_disk_ops.read_at(disk, fd, bytes, len, offset);
}

static int bad_sync(struct slv_disk *disk, int fd)
{
	return is_bad(disk, SYNC) ? sys_of(disk) : slv_disk_ops.sync(disk, fd);
}

static int bad_rename(
		struct slv_disk *disk, int from_fd, const char *from, int to_fd, const char *to)
{
	return is_bad(disk, RENAME) ? sys_of(disk)
	                            : slv_disk_ops.rename(disk, from_fd, from, to_fd, to);
}

static void bad_init(struct bad_disk *bad)
{
	*bad = (struct bad_disk){ .ops = slv_disk_ops };
	bad->ops.open = bad_open;
	bad->ops.mkdir = bad_mkdir;
	bad->ops.write = bad_write;
	bad->ops.read_at = bad_read_at;
	bad->ops.sync = bad_sync;
	bad->ops.rename = bad_rename;
	bad->disk.ops = &bad->ops;
}

static void reopen(struct blobs_kit *kit, struct slv_disk *disk)
{
	blobs_kit_close(kit);
	kit->disk = disk;
	blobs_kit_open(kit);
}

/* Each way to write fails with its error, leaves nothing, and the next one is good. */
static void a_disk_that_refuses_to_write_is_told(void **state)
{
	struct blobs_kit *kit = *state;
	static const struct {
		enum bad_call what;
		unsigned good;
		int sys;
		const char *text;
	} table[] = {
		{ MKDIR, 0, EACCES, "refuses" }, /* of the blobs */
		{ MKDIR, 1, EMFILE, "refuses" }, /* of the shard */
		{ SYNC, 0, EIO, "refuses" },     /* above the blobs */
		{ SYNC, 1, EIO, "refuses" },     /* of the blobs */
		{ CREATE, 0, ENOSPC, "full" },
		{ WRITE, 0, ENOSPC, "full" },
		{ WRITE, 1, EDQUOT, "full" },
		{ WRITE, 2, EIO, "refuses" }, /* the checksums */
		{ SYNC, 2, EIO, "refuses" },  /* of the file */
		{ RENAME, 0, EIO, "refuses" },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct bad_disk bad;
		char command[100];
		bad_init(&bad);
		reopen(kit, &bad.disk);
		bad.what = table[i].what;
		bad.good = table[i].good;
		bad.sys = table[i].sys;
		blobs_kit_put(kit, 1, 2000, 1000);
		assert_int_equal(kit->err.code, SLV_E_SYS);
		assert_int_equal(kit->err.sys, table[i].sys);
		assert_non_null(strstr(kit->err.what, table[i].text));
		reopen(kit, &bad.disk); /* waits for what is closed */
		blobs_kit_has(kit, 0);
		bad.what = NOTHING;
		blobs_kit_put(kit, 1, 2000, 1000);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		struct slv_blob_ref ref = kit->ref;
		blobs_kit_read(kit, &ref, 1, 0, 2000);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		reopen(kit, NULL);
		snprintf(command, sizeof(command), "rm -r %s", kit->folder);
		assert_int_equal(system(command), 0);
	}
}

/* The name is there, but may not be on the disk: nobody is told that it is. */
static void a_folder_that_is_not_synced_fails_the_blob(void **state)
{
	struct blobs_kit *kit = *state;
	struct bad_disk bad;
	bad_init(&bad);
	reopen(kit, &bad.disk);
	bad.what = SYNC;
	bad.good = 3;
	bad.sys = EIO;
	blobs_kit_put(kit, 1, 2000, 1000);
	assert_int_equal(kit->err.code, SLV_E_SYS);
	reopen(kit, NULL);
	blobs_kit_has(kit, 1); /* which the list tells of */
}

static void a_disk_that_refuses_to_read_is_told(void **state)
{
	struct blobs_kit *kit = *state;
	struct bad_disk bad;
	bad_init(&bad);
	reopen(kit, &bad.disk);
	blobs_kit_put(kit, 1, 200000, 100000);
	struct slv_blob_ref ref = kit->ref;
	bad.sys = EIO;
	static const enum bad_call calls[] = { OPEN, READ };
	for (size_t i = 0; i < SLV_COUNT(calls); i++) {
		bad.what = calls[i];
		blobs_kit_read(kit, &ref, 1, 0, 200000);
		assert_int_equal(kit->err.code, SLV_E_SYS);
		assert_int_equal(kit->err.sys, EIO);
	}
	bad.good = 1; /* the tail is read, the bytes are not */
	blobs_kit_read(kit, &ref, 1, 0, 200000);
	assert_int_equal(kit->err.code, SLV_E_SYS);
	bad.what = NOTHING;
	blobs_kit_read(kit, &ref, 1, 0, 200000);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	reopen(kit, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, blobs_kit_set_up, blobs_kit_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_disk_that_refuses_to_write_is_told),
		TEST(a_folder_that_is_not_synced_fails_the_blob),
		TEST(a_disk_that_refuses_to_read_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
