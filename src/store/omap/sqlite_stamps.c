/* sqlite_stamps.c - the stamps that all processes share
 *
 * The file "stamps" beside those of the maps, whose names end in ".db" or in what SQLite puts
 * behind that. Whoever has the store open holds a lock of it that others may hold, too. Who is
 * alone with it makes it anew, and nobody else does: counts of writes that somebody began who was
 * killed end there. Who finds it unfinished (the disk was full) does without stamps, as do all
 * others for as long as one of these is there: its writes are not counted. Who cannot have its lock
 * must not write.
 */
#include "base/fd.h"
#include "base/mem.h"
#include "store/omap/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Written, not only cut to its length: a page that the disk has no room for would end the process
 * that touches it. What fails is seen by the length. */
static void make_anew(int fd)
{
	char *zeroes = slv_alloc(SLV_OMAP_STAMPS_BYTES);
	ssize_t len = 0;
	for (size_t at = 0; len >= 0 && at < SLV_OMAP_STAMPS_BYTES; at += (size_t)len)
		len = pwrite(fd, zeroes + at, SLV_OMAP_STAMPS_BYTES - at, (off_t)at);
	slv_free(zeroes);
}

/* A lock that is to become a shared one is let go first: somebody else may then be alone, too, and
 * make anew what we have made. But nobody uses it who does not share the lock. */
static int lock_shared(int fd)
{
	uint64_t begun_ms = slv_crew_now_ms();
	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			make_anew(fd);
		if (flock(fd, LOCK_SH | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return errno;
		if (slv_crew_now_ms() - begun_ms >= SQLITE_BUSY_MS)
			return EBUSY;
		(void)poll(NULL, 0, SQLITE_TRY_MS); /* a pause */
	}
}

static int stamps_open(struct sqlite_maps *maps)
{
	char *path = sqlite3_mprintf("%s/stamps", atomic_load(&maps->real));
	struct stat st;
	SLV_CLEANUP(slv_fd_done)
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int sys = fd < 0 ? errno : 0;
	sqlite3_free(path);
	if (!sys)
		sys = lock_shared(fd);
	if (!sys && fstat(fd, &st) != 0)
		sys = errno;
	if (sys)
		return sys;
	if ((size_t)st.st_size >= SLV_OMAP_STAMPS_BYTES) {
		void *at = mmap(NULL, SLV_OMAP_STAMPS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				0);
		if (at == MAP_FAILED)
			return errno;
		atomic_store(&maps->maps.stamps, at);
	} else {
		slv_omap_log(&maps->maps, "there is no room for stamps: rows are not kept");
	}
	maps->stamps_fd = slv_fd_take(&fd);
	atomic_store(&maps->has_stamps, true);
	return 0;
}

slv_err sqlite_stamps_open(struct sqlite_maps *maps)
{
	slv_err err = SLV_ERR(SLV_E_SYS, "the file \"stamps\" of the store cannot be used");
	if (atomic_load(&maps->has_stamps))
		return SLV_OK;
	pthread_mutex_lock(&maps->setting_up);
	err.sys = atomic_load(&maps->has_stamps) ? 0 : stamps_open(maps);
	pthread_mutex_unlock(&maps->setting_up);
	return err.sys ? err : SLV_OK;
}

void sqlite_stamps_close(struct sqlite_maps *maps)
{
	struct slv_omap_slot *slots = atomic_load(&maps->maps.stamps);
	if (slots)
		(void)munmap(slots, SLV_OMAP_STAMPS_BYTES); /* it is one */
	slv_fd_done(&maps->stamps_fd);
}
