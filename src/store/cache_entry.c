#include "store/cache_entry.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an entry costs beside its bytes: the allocator's header and its share of the tables. */
#define ENTRY_COST_EXTRA 48
#define PAGE_BYTES 4096u
#define SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

_Static_assert(offsetof(struct slv_cache_entry, hit) == 0, "a hit is the start of its entry");

struct slv_cache_fds *slv_cache_fds_new(uint32_t max)
{
	struct slv_cache_fds *fds = SLV_ALLOC(struct slv_cache_fds);
	atomic_init(&fds->refs, 1);
	fds->max = max;
	return fds;
}

void slv_cache_fds_unref(struct slv_cache_fds *fds)
{
	if (atomic_fetch_sub_explicit(&fds->refs, 1, memory_order_acq_rel) == 1)
		slv_free(fds);
}

static bool fds_take(struct slv_cache_fds *fds)
{
	if (atomic_fetch_add_explicit(&fds->used, 1, memory_order_relaxed) >= fds->max) {
		atomic_fetch_sub_explicit(&fds->used, 1, memory_order_relaxed);
		return false;
	}
	atomic_fetch_add_explicit(&fds->refs, 1, memory_order_relaxed);
	return true;
}

static void fds_give(struct slv_cache_fds *fds)
{
	atomic_fetch_sub_explicit(&fds->used, 1, memory_order_relaxed);
	slv_cache_fds_unref(fds);
}

/* The mapping is private for the sake of kernels before 6.7, which refuse a shared one of a
 * write-sealed memfd even when it only reads; the pages are the memfd's own all the same. */
static const char *map_body(int fd, size_t len)
{
	void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static void entry_free(struct slv_cache_entry *entry)
{
	if (entry->fds) {
		if (entry->hit.body.at)
			/* The view is const, the mapping is ours. */
			(void)munmap((void *)(uintptr_t)entry->hit.body.at, entry->hit.body.len);
		slv_fd_done(&entry->hit.body_fd);
		fds_give(entry->fds);
	}
	slv_free(entry->room);
	slv_free(entry);
}

static void entry_drop(struct slv_hold *hold)
{
	slv_cache_entry_unref(SLV_CONTAINER(hold, struct slv_cache_entry, hit.hold));
}

void slv_cache_entry_unref(struct slv_cache_entry *entry)
{
	uint32_t before = atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel);
	slv_assert(before > 0);
	if (before == 1)
		entry_free(entry);
}

/* An entry with room for its head and `behind` bytes more. */
static struct slv_cache_entry *entry_alloc(
		const struct slv_cache_key *key, size_t head_len, size_t body_len, size_t behind)
{
	size_t size = sizeof(struct slv_cache_entry) + head_len + behind;
	struct slv_cache_entry *entry = slv_alloc(size);
	atomic_init(&entry->refs, 1);
	entry->key = *key;
	entry->hit.hold.drop = entry_drop;
	entry->hit.head = (slv_str){ entry->bytes, head_len };
	entry->hit.body.len = body_len;
	entry->hit.body_fd = -1;
	entry->cost = size + ENTRY_COST_EXTRA;
	return entry;
}

static uint64_t whole_pages(size_t len)
{
	return (len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Give `entry` the memfd `fd`, whose place in `fds` is taken. */
static void entry_own_fd(struct slv_cache_entry *entry, struct slv_cache_fds *fds, int fd)
{
	entry->fds = fds;
	entry->hit.body_fd = fd;
	entry->cost += whole_pages(entry->hit.body.len);
}

static int memfd_for_body(struct slv_cache_fds *fds, size_t body_len)
{
	if (!fds || body_len <= SLV_CACHE_HEAP_BODY_MAX || !fds_take(fds))
		return -1;
	int fd = memfd_create("selvedge-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		fds_give(fds);
	return fd;
}

struct slv_cache_entry *slv_cache_entry_new(struct slv_cache_fds *fds,
		const struct slv_cache_key *key, size_t head_len, size_t body_len)
{
	bool small = body_len <= SLV_CACHE_HEAP_BODY_MAX;
	struct slv_cache_entry *entry = entry_alloc(key, head_len, body_len, small ? body_len : 0);
	int fd = memfd_for_body(fds, body_len);
	if (fd >= 0) {
		entry_own_fd(entry, fds, fd);
	} else if (!small) {
		entry->room = slv_alloc(body_len);
		entry->cost += body_len + ENTRY_COST_EXTRA;
	}
	return entry;
}

char *slv_cache_entry_head(struct slv_cache_entry *entry)
{
	return entry->bytes;
}

void slv_cache_entry_append(struct slv_cache_entry *entry, slv_str bytes)
{
	slv_assert(bytes.len <= entry->hit.body.len - entry->filled);
	if (!bytes.len)
		return;
	if (!entry->fds) {
		char *body = entry->room ? entry->room : entry->bytes + entry->hit.head.len;
		memcpy(body + entry->filled, bytes.at, bytes.len);
		entry->filled += bytes.len;
		return;
	}
	while (bytes.len) {
		ssize_t count = write(entry->hit.body_fd, bytes.at, bytes.len);
		if (count < 0 && errno == EINTR)
			continue;
		slv_assert(count > 0); /* else the kernel has no memory */
		entry->filled += (size_t)count;
		bytes = slv_str_from_index(bytes, (size_t)count);
	}
}

/* The memfd could not be mapped (there is a limit on mappings): keep the bytes on the heap. */
static void entry_leave_fd(struct slv_cache_entry *entry)
{
	size_t len = entry->hit.body.len, at = 0;
	entry->room = slv_alloc(len);
	while (at < len) {
		ssize_t count = pread(entry->hit.body_fd, entry->room + at, len - at, (off_t)at);
		if (count < 0 && errno == EINTR)
			continue;
		slv_assert(count > 0);
		at += (size_t)count;
	}
	slv_fd_done(&entry->hit.body_fd);
	fds_give(entry->fds);
	entry->fds = NULL;
}

void slv_cache_entry_seal(struct slv_cache_entry *entry)
{
	slv_assert(entry->filled == entry->hit.body.len);
	if (entry->fds) {
		int failed = fcntl(
				entry->hit.body_fd, F_ADD_SEALS, SEALS | F_SEAL_GROW | F_SEAL_SEAL);
		slv_assert(!failed);
		entry->hit.body.at = map_body(entry->hit.body_fd, entry->hit.body.len);
		if (entry->hit.body.at)
			return;
		entry_leave_fd(entry);
	}
	entry->hit.body.at = entry->room ? entry->room : entry->bytes + entry->hit.head.len;
}

/* Nobody can change it any more, and it holds `len` bytes. */
static bool memfd_is_fit(int fd, size_t len)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 &&
	       (uint64_t)st.st_size == len;
}

/* The entry takes `fd` over, or NULL. */
static struct slv_cache_entry *entry_adopt(struct slv_cache_fds *fds,
		const struct slv_cache_key *key, size_t head_len, size_t body_len, int fd)
{
	if (!fds || fd < 0 || body_len <= SLV_CACHE_HEAP_BODY_MAX || !memfd_is_fit(fd, body_len))
		return NULL;
	if (!fds_take(fds))
		return NULL;
	const char *map = map_body(fd, body_len);
	if (!map) {
		fds_give(fds);
		return NULL;
	}
	struct slv_cache_entry *entry = entry_alloc(key, head_len, body_len, 0);
	entry_own_fd(entry, fds, fd);
	entry->hit.body.at = map;
	return entry;
}

struct slv_cache_entry *slv_cache_entry_make(struct slv_cache_fds *fds,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd)
{
	struct slv_cache_entry *entry = entry_adopt(fds, key, head.len, body.len, body_fd);
	if (!entry) {
		entry = slv_cache_entry_new(fds, key, head.len, body.len);
		slv_cache_entry_append(entry, body);
		slv_cache_entry_seal(entry);
		slv_fd_done(&body_fd);
	}
	if (head.len)
		memcpy(entry->bytes, head.at, head.len);
	return entry;
}

/* --- beside the cache --- */

struct slv_cache_hit *slv_cache_ref(struct slv_cache_hit *hit)
{
	slv_cache_entry_ref(SLV_CONTAINER(hit, struct slv_cache_entry, hit));
	return hit;
}

struct slv_cache_hit *slv_cache_loose(slv_str head, slv_str body, int body_fd, int64_t now_ms)
{
	/* It counts for no cache, and so for itself: with as many descriptors as it brings. */
	struct slv_cache_fds *fds = slv_cache_fds_new(body_fd >= 0);
	struct slv_cache_key key = { 0 };
	struct slv_cache_entry *entry = slv_cache_entry_make(fds, &key, head, body, body_fd);
	slv_cache_fds_unref(fds);
	entry->hit.stored_ms = entry->hit.fresh_until_ms = entry->hit.stale_until_ms = now_ms;
	return &entry->hit;
}
