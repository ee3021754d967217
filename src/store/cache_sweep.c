/* The housekeeping of the disk tier, in steps that take a few milliseconds:
 *
 *	remove what was purged ─> scan, once ─> remove the oldest ─> rest
 *
 * What is purged while it scans is removed at the next step, which scans on once that is done.
 * A folder full of files is never walked in one go: each step ends after so many of them, and
 * the walk (a struct slv_cache_scan, an index walk, or what is left in the folder) goes on
 * where it was.
 */
#include "store/cache_disk_private.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>

#define STEP_NAMES 512u /* looked at or removed in one step */
#define STEP_EVICTS 64u
#define GONE_DEPTH 3   /* of what is removed: entries, the 256, the sources */
#define NEW_MS 3600000 /* older than this nobody writes it any more */
#define TOPS 256u
#define SCAN_TRIES_MAX 16
#define GOAL_PERCENT 95u
#define COUNT_TRIGGER (SLV_CACHE_INDEX_MAX - SLV_CACHE_INDEX_MAX / 64)
#define COUNT_GOAL (SLV_CACHE_INDEX_MAX / 100 * GOAL_PERCENT)

bool slv_cache_disk_is_over(const struct slv_cache_disk *disk)
{
	return slv_cache_index_bytes(disk->index) > disk->conf.bytes_max ||
	       slv_cache_index_count(disk->index) > COUNT_TRIGGER;
}

bool slv_cache_disk_is_untidy(const struct slv_cache_disk *disk, uint64_t mono_ms)
{
	bool is_ours = !disk->left;
	return mono_ms >= disk->sweep_after_ms &&
	       (disk->has_gone || (is_ours && (!disk->is_scanned || slv_cache_disk_is_over(disk))));
}

/* --- what was purged --- */

/* Remove `name`, whatever it is, down to `depth` folders below it. 0 when it is gone, 1 when
 * `*left` names were removed and there are more, or -errno. */
static int remove_tree(struct slv_cache_disk *disk, int dir_fd, const char *name, int depth,
		unsigned *left)
{
	struct slv_disk *on = disk->conf.disk;
	if (!*left)
		return 1;
	--*left;
	int result = on->ops->unlink(on, dir_fd, name);
	if (result != -EISDIR || depth < 0)
		return result == -ENOENT ? 0 : result;

	SLV_CLEANUP(slv_fd_done) int fd = slv_cache_disk_open(disk, dir_fd, name, false);
	struct slv_disk_dir *dir;
	result = fd < 0 ? fd : on->ops->dir_open(on, fd, &dir);
	if (result < 0)
		return result;
	const char *child;
	while (!result && (child = on->ops->dir_next(on, dir)))
		result = remove_tree(disk, fd, child, depth - 1, left);
	on->ops->dir_close(on, dir);
	return result ? result : on->ops->rmdir(on, dir_fd, name);
}

/* 0 when all is gone, 1 when there is more, or -errno. */
static int sweep_gone(struct slv_cache_disk *disk, int root_fd, uint64_t mono_ms)
{
	struct slv_disk *on = disk->conf.disk;
	unsigned left = STEP_NAMES;
	struct slv_disk_dir *dir;
	disk->has_gone = false; /* before we look: a purge meanwhile sets it again */
	int result = on->ops->dir_open(on, root_fd, &dir);
	if (!result) {
		const char *name;
		while (!result && (name = on->ops->dir_next(on, dir)))
			if (strncmp(name, SLV_CACHE_GONE, strlen(SLV_CACHE_GONE)) == 0)
				result = remove_tree(disk, root_fd, name, GONE_DEPTH, &left);
		on->ops->dir_close(on, dir);
	}
	if (result > 0)
		disk->has_gone = true;
	if (result < 0) /* the next purge or start tries again; the rest goes on */
		slv_cache_disk_trouble(disk, SLV_CACHE_REMOVE_TROUBLE, result, mono_ms);
	return result;
}

/* --- what was there at the start --- */

static void close_dir(struct slv_cache_disk *disk, struct slv_disk_dir **dir, int *fd)
{
	disk->conf.disk->ops->dir_close(disk->conf.disk, *dir);
	*dir = NULL;
	slv_fd_done(fd);
}

/* What is not there, or no folder, is passed over. */
static void not_opened(struct slv_cache_disk *disk, int result, uint64_t mono_ms)
{
	if (result != -ENOENT && result != -ENOTDIR && result != -ELOOP)
		slv_cache_disk_trouble(disk, SLV_CACHE_READ_TROUBLE, result, mono_ms);
}

/* Open `name` for the scan. */
static void open_dir(struct slv_cache_disk *disk, int parent_fd, const char *name, uint64_t mono_ms,
		int *ret_fd, struct slv_disk_dir **ret_dir)
{
	struct slv_disk *on = disk->conf.disk;
	SLV_CLEANUP(slv_fd_done) int fd = slv_cache_disk_open(disk, parent_fd, name, false);
	int result = fd < 0 ? fd : on->ops->dir_open(on, fd, ret_dir);
	if (!result)
		*ret_fd = slv_fd_take(&fd);
	else
		not_opened(disk, result, mono_ms);
}

/* `name` is that of a digest as we write it. */
static bool digest_of(const char *name, struct slv_digest *ret_digest)
{
	struct slv_digest digest;
	char ours[SLV_CACHE_NAME_BYTES];
	if (!slv_str_unhex(slv_str_from(name), digest.bytes, sizeof(digest.bytes)))
		return false;
	slv_cache_disk_name(&digest, ours);
	if (strcmp(name, ours) != 0)
		return false;
	*ret_digest = digest;
	return true;
}

/* There was a purge since the folders were opened: what we hold open may be what it took away. A
 * purge counts between that and its look into the index, so either it finds there what we put, or
 * we notice behind that; and who opens the folders after it has counted opens what is there now. */
static bool is_outdated(const struct slv_cache_disk *disk)
{
	return disk->scan.purges != disk->purges;
}

/* Open the folders that the scan is in by their names again; -1: it is not there now. The scan goes
 * on with the names of before: of what was purged there are no files in these folders, and what was
 * written since is in the index. */
static void scan_renew(struct slv_cache_disk *disk, int root_fd, uint64_t mono_ms)
{
	struct slv_cache_scan *scan = &disk->scan;
	char top[SLV_CACHE_TOP_BYTES], source[SLV_CACHE_NAME_BYTES];
	struct slv_digest first = { { (uint8_t)(scan->top - 1) } };
	slv_cache_disk_top(&first, top);
	slv_cache_disk_name(&scan->key.source, source);
	scan->purges = disk->purges;
	slv_fd_done(&scan->top_fd);
	slv_fd_done(&scan->source_fd);
	int fd = slv_cache_disk_open_top(disk, root_fd, top, false);
	if (fd >= 0) {
		scan->top_fd = fd;
		if (!scan->source_dir)
			return;
		fd = slv_cache_disk_open(disk, scan->top_fd, source, false);
	}
	if (fd >= 0)
		scan->source_fd = fd;
	else
		not_opened(disk, fd, mono_ms);
}

/* Count the file, or remove it if there is no room for its record. */
static void scan_entry(struct slv_cache_disk *disk, const char *name)
{
	struct slv_disk *on = disk->conf.disk;
	struct slv_cache_scan *scan = &disk->scan;
	struct slv_disk_stat stat;
	if (scan->source_fd < 0 || on->ops->stat(on, scan->source_fd, name, &stat) < 0)
		return; /* gone meanwhile */
	if (!slv_cache_index_add(
			    disk->index, &scan->key, slv_cache_disk_cost(stat.bytes), stat.used_ms))
		/* who fails to remove it here fails elsewhere too, and is told */
		(void)on->ops->unlink(on, scan->source_fd, name);
}

static void scan_new(struct slv_cache_disk *disk, const char *name, int64_t now_ms)
{
	struct slv_disk *on = disk->conf.disk;
	struct slv_disk_stat stat;
	/* What a crash has left, if it is old. */
	if (on->ops->stat(on, disk->scan.source_fd, name, &stat) == 0 &&
			stat.used_ms < now_ms - NEW_MS)
		(void)on->ops->unlink(on, disk->scan.source_fd, name); /* as above */
}

static void scan_file(struct slv_cache_disk *disk, int root_fd, const char *name, int64_t now_ms,
		uint64_t mono_ms)
{
	struct slv_cache_scan *scan = &disk->scan;
	if (strncmp(name, SLV_CACHE_NEW, strlen(SLV_CACHE_NEW)) == 0) {
		scan_new(disk, name, now_ms);
		return;
	}
	if (!digest_of(name, &scan->key.variant))
		return; /* not our business */
	/* Each further try is for a purge within the few calls of the one before. After the last
	 * the file is not counted; it is once it is read. */
	for (unsigned tries = 0; tries < SCAN_TRIES_MAX; tries++) {
		if (is_outdated(disk))
			scan_renew(disk, root_fd, mono_ms);
		scan_entry(disk, name);
		if (!is_outdated(disk))
			return;
		slv_cache_index_remove(disk->index, &scan->key);
	}
}

/* Go on by one name. False at the end of all. */
static bool scan_name(struct slv_cache_disk *disk, int root_fd, int64_t now_ms, uint64_t mono_ms)
{
	struct slv_disk *on = disk->conf.disk;
	struct slv_cache_scan *scan = &disk->scan;
	if (scan->top_dir && is_outdated(disk))
		scan_renew(disk, root_fd, mono_ms);
	if (scan->source_dir && scan->source_fd < 0)
		close_dir(disk, &scan->source_dir, &scan->source_fd);
	if (scan->top_dir && scan->top_fd < 0)
		close_dir(disk, &scan->top_dir, &scan->top_fd);
	if (scan->source_dir) {
		const char *name = on->ops->dir_next(on, scan->source_dir);
		if (name)
			scan_file(disk, root_fd, name, now_ms, mono_ms);
		else
			close_dir(disk, &scan->source_dir, &scan->source_fd);
		return true;
	}
	if (scan->top_dir) {
		const char *name = on->ops->dir_next(on, scan->top_dir);
		if (!name)
			close_dir(disk, &scan->top_dir, &scan->top_fd);
		else if (digest_of(name, &scan->key.source))
			open_dir(disk, scan->top_fd, name, mono_ms, &scan->source_fd,
					&scan->source_dir);
		return true;
	}
	if (scan->top == TOPS)
		return false;
	scan->purges = disk->purges;
	struct slv_digest first = { { (uint8_t)scan->top++ } };
	char top[SLV_CACHE_TOP_BYTES];
	slv_cache_disk_top(&first, top);
	SLV_CLEANUP(slv_fd_done)
	int entries_fd = slv_cache_disk_open(disk, root_fd, SLV_CACHE_ENTRIES, false);
	if (entries_fd >= 0)
		open_dir(disk, entries_fd, top, mono_ms, &scan->top_fd, &scan->top_dir);
	return true;
}

static void sweep_scan(struct slv_cache_disk *disk, int root_fd, int64_t now_ms, uint64_t mono_ms)
{
	for (unsigned left = STEP_NAMES; left; left--) {
		if (!scan_name(disk, root_fd, now_ms, mono_ms)) {
			disk->is_scanned = true;
			return;
		}
	}
}

/* --- what was used longest ago --- */

static uint64_t bytes_goal(const struct slv_cache_disk *disk)
{
	return disk->conf.bytes_max / 100 * GOAL_PERCENT;
}

static bool is_above_goal(const struct slv_cache_disk *disk)
{
	return slv_cache_index_bytes(disk->index) > bytes_goal(disk) ||
	       slv_cache_index_count(disk->index) > COUNT_GOAL;
}

static uint64_t above(uint64_t value, uint64_t goal)
{
	return value > goal ? value - goal : 0;
}

/* What the memory serves is not asked for on the disk, and looks old there. */
static bool is_in_memory(void *arg, const struct slv_cache_key *key)
{
	return slv_cache_mem_holds(arg, key);
}

static void evict_start(struct slv_cache_disk *disk, int64_t now_ms, bool sparing)
{
	disk->evicting = true;
	disk->walk = (struct slv_cache_index_walk){
		.bytes_goal = bytes_goal(disk),
		.count_goal = COUNT_GOAL,
		.spare = sparing ? is_in_memory : NULL,
		.arg = disk->conf.mem,
		.spared_ms = now_ms,
	};
	disk->walk.cutoff_ms = slv_cache_index_cutoff(disk->index,
			above(slv_cache_index_bytes(disk->index), disk->walk.bytes_goal),
			above(slv_cache_index_count(disk->index), disk->walk.count_goal));
}

static bool evict_some(struct slv_cache_disk *disk, int root_fd, uint64_t mono_ms)
{
	struct slv_cache_key keys[STEP_EVICTS];
	size_t count;
	bool more = slv_cache_index_take(disk->index, &disk->walk, keys, STEP_EVICTS, &count);
	for (size_t i = 0; i < count; i++) {
		int result = slv_cache_disk_remove(disk, root_fd, &keys[i]);
		if (result)
			slv_cache_disk_trouble(disk, SLV_CACHE_REMOVE_TROUBLE, result, mono_ms);
	}
	disk->evictions += count;
	return more;
}

static bool sweep_evict(struct slv_cache_disk *disk, int root_fd, int64_t now_ms, uint64_t mono_ms)
{
	if (!disk->evicting) {
		if (!slv_cache_disk_is_over(disk))
			return false;
		evict_start(disk, now_ms, true);
		return true;
	}
	if (evict_some(disk, root_fd, mono_ms))
		return true;
	/* Those that were spared count as new now, and leave in a second walk if they must. */
	bool again = disk->walk.spare && is_above_goal(disk);
	disk->evicting = false;
	if (again)
		evict_start(disk, now_ms, false);
	return again || slv_cache_disk_is_over(disk);
}

bool slv_cache_disk_sweep(struct slv_cache_disk *disk, int64_t now_ms, uint64_t mono_ms)
{
	int root_fd = slv_cache_disk_root(disk, mono_ms);
	if (root_fd < 0)
		return false;
	int gone = disk->has_gone ? sweep_gone(disk, root_fd, mono_ms) : 0;
	if (gone != 0)
		return gone > 0;
	if (disk->left)
		return false;
	if (!disk->is_scanned) {
		sweep_scan(disk, root_fd, now_ms, mono_ms);
		return true;
	}
	return sweep_evict(disk, root_fd, now_ms, mono_ms);
}
