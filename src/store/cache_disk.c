#include "store/cache_disk_private.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "store/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define WAITING_MAX 256u              /* entries that wait to be written */
#define WAITING_BYTES_MAX SLV_MIB(64) /* and their bytes */
#define COST_SHARE 8u                 /* an entry takes at most this part of the disk tier */
#define OVER_SHARE 20u                /* above the bound by this part nothing is written */
#define BLOCK_BYTES 4096u
#define CHUNK_BYTES SLV_KIB(64) /* read at a time */
#define UNIQUE_BYTES 32         /* "gone-" or "new-", 16 hex digits, NUL */

struct slv_cache_disk *slv_cache_disk_new(
		const struct slv_cache_disk_conf *conf, struct slv_hash_key hash_key)
{
	struct slv_cache_disk *disk = SLV_ALLOC(struct slv_cache_disk);
	disk->conf = *conf;
	disk->hash_key = hash_key;
	disk->folder = slv_alloc(conf->folder.len);
	memcpy(disk->folder, conf->folder.at, conf->folder.len);
	disk->conf.folder = (slv_str){ disk->folder, conf->folder.len };
	disk->index = slv_cache_index_new(hash_key);
	disk->root_fd = -1;
	disk->has_gone = true;
	disk->scan.top_fd = disk->scan.source_fd = -1;
	return disk;
}

void slv_cache_disk_free(struct slv_cache_disk *disk)
{
	if (!disk)
		return;
	const struct slv_disk_ops *ops = disk->conf.disk->ops;
	if (disk->scan.top_dir)
		ops->dir_close(disk->conf.disk, disk->scan.top_dir);
	if (disk->scan.source_dir)
		ops->dir_close(disk->conf.disk, disk->scan.source_dir);
	slv_fd_done(&disk->scan.top_fd);
	slv_fd_done(&disk->scan.source_fd);
	int root_fd = disk->root_fd;
	slv_fd_done(&root_fd);
	slv_cache_index_free(disk->index);
	slv_free(disk->folder);
	slv_free(disk);
}

/* --- trouble --- */

void slv_cache_disk_trouble(struct slv_cache_disk *disk, enum slv_cache_trouble kind, int result,
		uint64_t mono_ms)
{
	static const char *const what[] = {
#define X(name, text) text,
		SLV_CACHE_TROUBLES(X)
#undef X
	};
	disk->errors++;
	if (kind == SLV_CACHE_WRITE_TROUBLE || kind == SLV_CACHE_FOLDER_TROUBLE)
		disk->write_after_ms = mono_ms + SLV_CACHE_BACK_OFF_MS;
	if (kind == SLV_CACHE_REMOVE_TROUBLE || kind == SLV_CACHE_FOLDER_TROUBLE)
		disk->sweep_after_ms = mono_ms + SLV_CACHE_BACK_OFF_MS;

	uint64_t after_ms = disk->tell_after_ms[kind];
	bool tell = mono_ms >= after_ms &&
	            atomic_compare_exchange_strong(&disk->tell_after_ms[kind], &after_ms,
				    mono_ms + SLV_CACHE_TROUBLE_GAP_MS);
	if (tell && disk->conf.on_trouble)
		disk->conf.on_trouble(disk->conf.arg, what[kind], -result);
}

/* --- folders and names --- */

void slv_cache_disk_top(const struct slv_digest *source, char ret_top[SLV_CACHE_TOP_BYTES])
{
	slv_str_hex(source->bytes, 1, ret_top);
	ret_top[SLV_CACHE_TOP_BYTES - 1] = '\0';
}

void slv_cache_disk_name(const struct slv_digest *digest, char ret_name[SLV_CACHE_NAME_BYTES])
{
	slv_str_hex(digest->bytes, sizeof(digest->bytes), ret_name);
	ret_name[SLV_CACHE_NAME_BYTES - 1] = '\0';
}

/* A name that no other has, in this process or in one beside it: of the count, where we are in
 * memory, and the time. */
static void unique_name(struct slv_cache_disk *disk, const char *prefix, uint64_t mono_ms,
		char ret_name[UNIQUE_BYTES])
{
	uint64_t parts[] = { ++disk->names, (uintptr_t)disk, mono_ms };
	slv_str bytes = { (const char *)parts, sizeof(parts) };
	unsigned long long hash = slv_hash(disk->hash_key, bytes);
	(void)snprintf(ret_name, UNIQUE_BYTES, "%s%016llx", prefix, hash); /* it fits */
}

int slv_cache_disk_open(struct slv_cache_disk *disk, int dir_fd, const char *name, bool make)
{
	struct slv_disk *on = disk->conf.disk;
	int fd = on->ops->open(on, dir_fd, name, O_RDONLY | O_DIRECTORY);
	if (fd != -ENOENT || !make)
		return fd;
	int made = on->ops->mkdir(on, dir_fd, name);
	if (made < 0 && made != -EEXIST)
		return made;
	return on->ops->open(on, dir_fd, name, O_RDONLY | O_DIRECTORY);
}

/* Make the folder at `path` and those above it, where they are not, and open it. It may be a
 * symbolic link of the operator's, hence "/." behind it. */
static int open_root(struct slv_disk *on, char *path, size_t len)
{
	for (size_t i = 1; i <= len; i++) {
		char end = path[i];
		if (end != '/' && i < len)
			continue;
		path[i] = '\0';
		int made = on->ops->mkdir(on, AT_FDCWD, path);
		path[i] = end;
		if (made < 0 && made != -EEXIST && i == len)
			return made;
	}
	memcpy(path + len, "/.", sizeof("/."));
	return on->ops->open(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}

int slv_cache_disk_root(struct slv_cache_disk *disk, uint64_t mono_ms)
{
	int root_fd = disk->root_fd;
	if (root_fd >= 0)
		return root_fd;

	slv_str folder = disk->conf.folder;
	char *path = slv_alloc(folder.len + sizeof("/."));
	memcpy(path, folder.at, folder.len);
	int fd = open_root(disk->conf.disk, path, folder.len);
	slv_free(path);
	if (fd < 0) {
		slv_cache_disk_trouble(disk, SLV_CACHE_FOLDER_TROUBLE, fd, mono_ms);
		return fd;
	}
	if (atomic_compare_exchange_strong(&disk->root_fd, &root_fd, fd))
		return fd;
	slv_fd_done(&fd); /* another was faster */
	return root_fd;
}

int slv_cache_disk_open_top(struct slv_cache_disk *disk, int root_fd, const char *top, bool make)
{
	SLV_CLEANUP(slv_fd_done)
	int entries_fd = slv_cache_disk_open(disk, root_fd, SLV_CACHE_ENTRIES, make);
	return entries_fd < 0 ? entries_fd : slv_cache_disk_open(disk, entries_fd, top, make);
}

/* The folder of a source. */
static int open_source(struct slv_cache_disk *disk, int root_fd, const struct slv_digest *source,
		bool make)
{
	char top[SLV_CACHE_TOP_BYTES], name[SLV_CACHE_NAME_BYTES];
	slv_cache_disk_top(source, top);
	slv_cache_disk_name(source, name);
	SLV_CLEANUP(slv_fd_done) int top_fd = slv_cache_disk_open_top(disk, root_fd, top, make);
	return top_fd < 0 ? top_fd : slv_cache_disk_open(disk, top_fd, name, make);
}

/* --- write --- */

uint64_t slv_cache_disk_cost(uint64_t file_bytes)
{
	return (file_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

static uint64_t cost_of(const struct slv_cache_entry *entry)
{
	return slv_cache_disk_cost(
			SLV_CACHE_FILE_HEADER_BYTES + entry->hit.head.len + entry->hit.body.len);
}

bool slv_cache_disk_wants(
		struct slv_cache_disk *disk, const struct slv_cache_entry *entry, uint64_t mono_ms)
{
	uint64_t cost = cost_of(entry), max = disk->conf.bytes_max;
	if (disk->left || mono_ms < disk->write_after_ms || cost > max / COST_SHARE)
		return false;
	if (slv_cache_index_bytes(disk->index) + cost > max + max / OVER_SHARE)
		return false; /* the sweep does not keep up */

	uint64_t waiting = atomic_fetch_add(&disk->waiting, 1) + 1;
	uint64_t waiting_bytes = atomic_fetch_add(&disk->waiting_bytes, cost) + cost;
	if (waiting <= WAITING_MAX && waiting_bytes <= WAITING_BYTES_MAX)
		return true;
	disk->waiting--;
	disk->waiting_bytes -= cost;
	return false;
}

static int write_all(struct slv_disk *on, int fd, slv_str bytes)
{
	while (bytes.len) {
		ssize_t count = on->ops->write(on, fd, bytes.at, bytes.len);
		if (count <= 0)
			return count < 0 ? (int)count : -EIO;
		bytes = slv_str_from_index(bytes, (size_t)count);
	}
	return 0;
}

static int write_entry(struct slv_disk *on, int fd, const struct slv_cache_entry *entry)
{
	const struct slv_cache_hit *hit = &entry->hit;
	struct slv_cache_file file = {
		.key = entry->key,
		.head_len = (uint32_t)hit->head.len,
		.body_len = hit->body.len,
		.stored_ms = hit->stored_ms,
		.fresh_until_ms = hit->fresh_until_ms,
		.stale_until_ms = hit->stale_until_ms,
		.crc = slv_cache_file_crc(slv_cache_file_crc(0, hit->head), hit->body),
	};
	char header[SLV_CACHE_FILE_HEADER_BYTES];
	slv_cache_file_print(&file, header);

	int result = write_all(on, fd, (slv_str){ header, sizeof(header) });
	if (!result)
		result = write_all(on, fd, hit->head);
	if (!result)
		result = write_all(on, fd, hit->body);
	return result;
}

/* Let the index know of a file that was written or read under `claim`. A purge voids claims before
 * it looks into the index, so either it finds this there or we notice. False when the index is
 * full. */
static bool note(struct slv_cache_disk *disk, const struct slv_cache_entry *entry,
		const struct slv_cache_claim *claim, int64_t used_ms)
{
	bool kept = slv_cache_index_put(disk->index, &entry->key, cost_of(entry), used_ms);
	if (!slv_cache_claim_holds(disk->conf.claims, claim))
		slv_cache_index_remove(disk->index, &entry->key);
	return kept;
}

/* Rename what was written to its place, unless the claim is void by now or the disk was left. */
static int bring_in(struct slv_cache_disk *disk, int dir_fd, const char *temp,
		const struct slv_cache_entry *entry, const struct slv_cache_claim *claim)
{
	struct slv_disk *on = disk->conf.disk;
	struct slv_cache_claims *claims = disk->conf.claims;
	char name[SLV_CACHE_NAME_BYTES];
	slv_cache_disk_name(&entry->key.variant, name);

	int result = -ECANCELED;
	bool voided = false;
	slv_cache_claim_rename_begin(claims, claim);
	if (!disk->left && !slv_cache_claim_pending(claims, claim) &&
			slv_cache_claim_holds(claims, claim)) {
		result = on->ops->rename(on, dir_fd, temp, dir_fd, name);
		voided = !result && (disk->left || !slv_cache_claim_holds(claims, claim));
	}
	if (voided) {
		result = on->ops->unlink(on, dir_fd, name);
		if (result && result != -ENOENT)
			return result; /* the rename never ends: nobody may see that file */
		result = -ECANCELED;
	}
	slv_cache_claim_rename_end(claims, claim, voided);
	if (!result && !note(disk, entry, claim, entry->hit.stored_ms))
		(void)on->ops->unlink(on, dir_fd, name); /* no more files than the index holds */
	return result;
}

static int write_file(struct slv_cache_disk *disk, const struct slv_cache_entry *entry,
		const struct slv_cache_claim *claim, uint64_t mono_ms)
{
	struct slv_disk *on = disk->conf.disk;
	int root_fd = slv_cache_disk_root(disk, mono_ms);
	if (root_fd < 0)
		return -ECANCELED; /* told */
	SLV_CLEANUP(slv_fd_done) int dir_fd = open_source(disk, root_fd, &entry->key.source, true);
	if (dir_fd < 0)
		return dir_fd;

	char temp[UNIQUE_BYTES];
	unique_name(disk, SLV_CACHE_NEW, mono_ms, temp);
	SLV_CLEANUP(slv_fd_done)
	int fd = on->ops->open(on, dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	int result = write_entry(on, fd, entry);
	if (!result)
		result = bring_in(disk, dir_fd, temp, entry, claim);
	if (result)
		(void)on->ops->unlink(on, dir_fd, temp); /* else the scan finds it */
	return result;
}

void slv_cache_disk_write(struct slv_cache_disk *disk, const struct slv_cache_entry *entry,
		const struct slv_cache_claim *claim, uint64_t mono_ms)
{
	struct slv_cache_claims *claims = disk->conf.claims;
	int result = 0;
	if (!disk->left && !slv_cache_claim_pending(claims, claim) &&
			slv_cache_claim_holds(claims, claim))
		result = write_file(disk, entry, claim, mono_ms);
	/* ENOENT: the folder was purged or emptied while we were in it. */
	if (result && result != -ENOENT && result != -ECANCELED)
		slv_cache_disk_trouble(disk, SLV_CACHE_WRITE_TROUBLE, result, mono_ms);
	disk->waiting--;
	disk->waiting_bytes -= cost_of(entry);
}

/* --- read --- */

/* 0, or -ENODATA if the file ends before. */
static int read_all(struct slv_disk *on, int fd, char *bytes, size_t len)
{
	while (len) {
		ssize_t count = on->ops->read(on, fd, bytes, len);
		if (count <= 0)
			return count < 0 ? (int)count : -ENODATA;
		bytes += count;
		len -= (size_t)count;
	}
	return 0;
}

static int read_header(struct slv_disk *on, int fd, struct slv_cache_file *ret_file)
{
	char bytes[SLV_CACHE_FILE_HEADER_BYTES];
	struct slv_disk_stat stat;
	int result = on->ops->stat(on, fd, "", &stat);
	if (!result)
		result = read_all(on, fd, bytes, sizeof(bytes));
	if (result)
		return result;
	slv_err err = slv_cache_file_parse((slv_str){ bytes, sizeof(bytes) }, stat.bytes, ret_file);
	return slv_failed(err) ? -ENODATA : 0;
}

/* The bytes behind the header, as they are checked. -ENODATA if they are not those written. */
static int read_content(struct slv_disk *on, int fd, const struct slv_cache_file *file,
		struct slv_cache_entry *entry)
{
	int result = read_all(on, fd, slv_cache_entry_head(entry), file->head_len);
	uint32_t crc = result ? 0 : slv_cache_file_crc(0, entry->hit.head);
	size_t chunk_max = file->body_len < CHUNK_BYTES ? file->body_len : CHUNK_BYTES;
	char *chunk = slv_alloc(chunk_max);
	for (size_t left = file->body_len; left && !result;) {
		size_t len = left < chunk_max ? left : chunk_max;
		result = read_all(on, fd, chunk, len);
		if (result)
			break;
		crc = slv_cache_file_crc(crc, (slv_str){ chunk, len });
		slv_cache_entry_append(entry, (slv_str){ chunk, len });
		left -= len;
	}
	slv_free(chunk);
	if (!result && crc != file->crc)
		result = -ENODATA;
	return result;
}

/* The entry in the open file. -ENODATA if it is damaged, -ETIME if it is over, -EFBIG if it is
 * larger than is kept now. */
static int read_entry(struct slv_cache_disk *disk, int fd, const struct slv_cache_key *key,
		int64_t now_ms, struct slv_cache_entry **ret_entry)
{
	struct slv_disk *on = disk->conf.disk;
	struct slv_cache_file file;
	int result = read_header(on, fd, &file);
	if (result)
		return result;
	if (memcmp(&file.key, key, sizeof(*key)) != 0)
		return -ENODATA;
	if (now_ms > file.stale_until_ms)
		return -ETIME;
	if (file.body_len > disk->conf.entry_bytes_max)
		return -EFBIG;

	struct slv_cache_entry *entry =
			slv_cache_entry_new(disk->conf.fds, key, file.head_len, file.body_len);
	result = read_content(on, fd, &file, entry);
	if (result) {
		slv_cache_entry_unref(entry);
		return result;
	}
	slv_cache_entry_seal(entry);
	entry->hit.stored_ms = file.stored_ms;
	entry->hit.fresh_until_ms = file.fresh_until_ms;
	entry->hit.stale_until_ms = file.stale_until_ms;
	*ret_entry = entry;
	return 0;
}

static int read_file(struct slv_cache_disk *disk, int dir_fd, const struct slv_cache_key *key,
		int64_t now_ms, struct slv_cache_entry **ret_entry)
{
	struct slv_disk *on = disk->conf.disk;
	char name[SLV_CACHE_NAME_BYTES];
	slv_cache_disk_name(&key->variant, name);
	SLV_CLEANUP(slv_fd_done) int fd = on->ops->open(on, dir_fd, name, O_RDONLY);
	if (fd < 0)
		return fd;
	int result = read_entry(disk, fd, key, now_ms, ret_entry);
	if (!result)
		/* So that the scan of the next start knows; without, it is removed earlier. */
		(void)on->ops->touch(on, fd);
	return result;
}

/* What to do with a file that gave no entry. */
static void read_failed(struct slv_cache_disk *disk, int root_fd, const struct slv_cache_key *key,
		int result, uint64_t mono_ms)
{
	bool over = result == -ETIME || result == -EFBIG;
	if (result == -ENODATA)
		slv_cache_disk_trouble(disk, SLV_CACHE_DAMAGE_TROUBLE, 0, mono_ms);
	if (result == -ENODATA || over) {
		result = slv_cache_disk_remove(disk, root_fd, key);
		if (result)
			slv_cache_disk_trouble(disk, SLV_CACHE_REMOVE_TROUBLE, result, mono_ms);
	} else if (result != -ENOENT) {
		slv_cache_disk_trouble(disk, SLV_CACHE_READ_TROUBLE, result, mono_ms);
		return; /* it may be there */
	}
	slv_cache_index_remove(disk->index, key);
}

struct slv_cache_entry *slv_cache_disk_read(struct slv_cache_disk *disk,
		const struct slv_cache_key *key, const struct slv_cache_claim *claim,
		int64_t now_ms, uint64_t mono_ms)
{
	if (slv_cache_claim_pending(disk->conf.claims, claim))
		return NULL;
	int root_fd = slv_cache_disk_root(disk, mono_ms);
	if (root_fd < 0)
		return NULL;

	struct slv_cache_entry *entry = NULL;
	SLV_CLEANUP(slv_fd_done) int dir_fd = open_source(disk, root_fd, &key->source, false);
	int result = dir_fd < 0 ? dir_fd : read_file(disk, dir_fd, key, now_ms, &entry);
	if (result) {
		read_failed(disk, root_fd, key, result, mono_ms);
		return NULL;
	}
	if (!slv_cache_claim_reads(disk->conf.claims, claim)) {
		slv_cache_entry_unref(entry);
		return NULL;
	}
	/* A full index does without it; the file is removed when it is swept. */
	(void)note(disk, entry, claim, now_ms);
	return entry;
}

/* --- remove --- */

int slv_cache_disk_remove(struct slv_cache_disk *disk, int root_fd, const struct slv_cache_key *key)
{
	struct slv_disk *on = disk->conf.disk;
	char top[SLV_CACHE_TOP_BYTES], source[SLV_CACHE_NAME_BYTES], name[SLV_CACHE_NAME_BYTES];
	slv_cache_disk_top(&key->source, top);
	slv_cache_disk_name(&key->source, source);
	slv_cache_disk_name(&key->variant, name);

	SLV_CLEANUP(slv_fd_done) int top_fd = slv_cache_disk_open_top(disk, root_fd, top, false);
	SLV_CLEANUP(slv_fd_done)
	int source_fd = top_fd < 0 ? top_fd : slv_cache_disk_open(disk, top_fd, source, false);
	int result = source_fd < 0 ? source_fd : on->ops->unlink(on, source_fd, name);
	if (result && result != -ENOENT)
		return result;
	if (top_fd >= 0)
		(void)on->ops->rmdir(on, top_fd, source); /* fails while others are in it */
	return 0;
}

/* Let the index forget those in the folder `name` of `root_fd`, which was that of `source`. */
static void forget_source(struct slv_cache_disk *disk, int root_fd, const char *name,
		const struct slv_digest *source)
{
	struct slv_disk *on = disk->conf.disk;
	struct slv_cache_key key = { .source = *source };
	struct slv_disk_dir *dir;
	const char *variant;
	SLV_CLEANUP(slv_fd_done) int fd = slv_cache_disk_open(disk, root_fd, name, false);
	if (fd < 0 || on->ops->dir_open(on, fd, &dir) < 0)
		return; /* the sweep tells, and the index rights itself */
	while ((variant = on->ops->dir_next(on, dir)))
		if (slv_str_unhex(slv_str_from(variant), key.variant.bytes, sizeof(key.variant)))
			slv_cache_index_remove(disk->index, &key);
	on->ops->dir_close(on, dir);
}

/* All of them take away first, count the purge then, and look into the index last: see
 * is_outdated() of the scan. */

static int purge_source(struct slv_cache_disk *disk, int root_fd, const struct slv_digest *source,
		const char *gone)
{
	struct slv_disk *on = disk->conf.disk;
	char top[SLV_CACHE_TOP_BYTES], name[SLV_CACHE_NAME_BYTES];
	slv_cache_disk_top(source, top);
	slv_cache_disk_name(source, name);
	SLV_CLEANUP(slv_fd_done) int top_fd = slv_cache_disk_open_top(disk, root_fd, top, false);
	int result = top_fd < 0 ? top_fd : on->ops->rename(on, top_fd, name, root_fd, gone);
	disk->purges++;
	if (!result)
		forget_source(disk, root_fd, gone, source);
	return result;
}

static int purge_all(struct slv_cache_disk *disk, int root_fd, const char *gone)
{
	struct slv_disk *on = disk->conf.disk;
	int result = on->ops->rename(on, root_fd, SLV_CACHE_ENTRIES, root_fd, gone);
	disk->purges++;
	if (!result)
		slv_cache_index_clear(disk->index);
	return result;
}

static int purge_variant(struct slv_cache_disk *disk, int root_fd, const struct slv_cache_key *key)
{
	int result = slv_cache_disk_remove(disk, root_fd, key);
	disk->purges++;
	slv_cache_index_remove(disk->index, key);
	return result;
}

bool slv_cache_disk_purge(struct slv_cache_disk *disk, enum slv_cache_scope scope,
		const struct slv_cache_key *key, uint64_t mono_ms)
{
	int result = slv_cache_disk_root(disk, mono_ms);
	if (result < 0)
		return false;
	int root_fd = result;
	char gone[UNIQUE_BYTES];
	unique_name(disk, SLV_CACHE_GONE, mono_ms, gone);
	if (scope == SLV_CACHE_ALL)
		result = purge_all(disk, root_fd, gone);
	else if (scope == SLV_CACHE_SOURCE)
		result = purge_source(disk, root_fd, &key->source, gone);
	else
		result = purge_variant(disk, root_fd, key);
	if (!result && scope != SLV_CACHE_VARIANT)
		disk->has_gone = true;
	if (!result || result == -ENOENT)
		return true;
	slv_cache_disk_trouble(disk, SLV_CACHE_REMOVE_TROUBLE, result, mono_ms);
	return false;
}

void slv_cache_disk_leave(struct slv_cache_disk *disk)
{
	disk->left = true;
}

struct slv_cache_disk_stats slv_cache_disk_stats(const struct slv_cache_disk *disk)
{
	return (struct slv_cache_disk_stats){
		.bytes = slv_cache_index_bytes(disk->index),
		.entries = slv_cache_index_count(disk->index),
		.evictions = disk->evictions,
		.errors = disk->errors,
	};
}
