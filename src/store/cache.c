#include "store/cache.h"

#include "base/assert.h"
#include "base/mem.h"
#include "store/cache_claim.h"
#include "store/cache_mem.h"

#include <stdatomic.h>
#include <sys/resource.h>

/* Entries have this part of the descriptors that the process may open, and not more than that
 * many: each is also a mapping, of which a process has 65,530 by default. */
#define FDS_SHARE 4u
#define FDS_MAX 16384u

struct slv_cache {
	uint64_t entry_bytes_max;
	struct slv_cache_mem *mem;
	struct slv_cache_claims *claims;
	struct slv_cache_fds *fds;
	_Atomic uint64_t hits_disk, misses;
};

/* A purge under way: what the memory forgot is given up by a job, for it may be a lot. */
struct purge {
	struct slv_job job; /* first */
	struct slv_cache *cache;
	enum slv_cache_scope scope;
	struct slv_cache_key key;
	struct slv_list gone; /* of the memory tier */
	void (*done)(void *arg);
	void *arg;
};

static uint32_t fds_max(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	rlim_t share = limit.rlim_cur / FDS_SHARE;
	return share < FDS_MAX ? (uint32_t)share : FDS_MAX;
}

struct slv_cache *slv_cache_new(const struct slv_cache_conf *conf, struct slv_hash_key hash_key)
{
	struct slv_cache *cache = SLV_ALLOC(struct slv_cache);
	cache->entry_bytes_max = conf->entry_bytes_max;
	cache->mem = slv_cache_mem_new(conf->memory_bytes_max, hash_key);
	cache->claims = slv_cache_claims_new(hash_key);
	cache->fds = slv_cache_fds_new(fds_max());
	return cache;
}

void slv_cache_free(struct slv_cache *cache)
{
	if (!cache)
		return;
	slv_cache_mem_free(cache->mem);
	slv_cache_claims_free(cache->claims);
	slv_cache_fds_unref(cache->fds);
	slv_free(cache);
}

struct slv_cache_hit *slv_cache_get(
		struct slv_cache *cache, const struct slv_cache_key *key, int64_t now_ms)
{
	struct slv_cache_entry *entry = slv_cache_mem_get(cache->mem, key, now_ms);
	return entry ? &entry->hit : NULL;
}

static void fetch_finish(struct slv_cache_fetch *fetch)
{
	struct slv_cache *cache = fetch->cache;
	atomic_fetch_add_explicit(
			fetch->hit ? &cache->hits_disk : &cache->misses, 1, memory_order_relaxed);
	fetch->done(fetch, fetch->hit);
}

static void fetch_task(struct slv_task *task)
{
	fetch_finish(SLV_CONTAINER(task, struct slv_cache_fetch, task));
}

void slv_cache_fetch(struct slv_cache *cache, struct slv_loop *loop, struct slv_cache_fetch *fetch,
		int64_t now_ms)
{
	fetch->cache = cache;
	fetch->now_ms = now_ms;
	fetch->hit = NULL;
	fetch->task = (struct slv_task){ .run = fetch_task };
	slv_task_start(loop, &fetch->task);
}

struct slv_cache_hit *slv_cache_put(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd,
		int64_t now_ms, int64_t fresh_until_ms, int64_t stale_until_ms)
{
	(void)loop;
	struct slv_cache_entry *entry = slv_cache_entry_make(cache->fds, key, head, body, body_fd);
	entry->hit.stored_ms = now_ms;
	entry->hit.fresh_until_ms = fresh_until_ms;
	entry->hit.stale_until_ms = stale_until_ms;
	if (head.len + body.len <= cache->entry_bytes_max)
		slv_cache_mem_put(cache->mem, entry);
	else
		slv_cache_mem_remove(cache->mem, key);
	return &entry->hit;
}

static void purge_work(struct slv_job *job)
{
	struct purge *purge = (struct purge *)job;
	slv_cache_mem_drop(&purge->gone);
}

static void purge_done(struct slv_job *job)
{
	struct purge *purge = (struct purge *)job;
	slv_cache_purge_end(purge->cache->claims, purge->scope, &purge->key);
	if (purge->done)
		purge->done(purge->arg);
	slv_free(purge);
}

static void purge_start(struct slv_cache *cache, struct slv_loop *loop, enum slv_cache_scope scope,
		const struct slv_cache_key *key, void (*done)(void *arg), void *arg)
{
	struct purge *purge = SLV_ALLOC(struct purge);
	*purge = (struct purge){
		.job = { .work = purge_work, .done = purge_done },
		.cache = cache,
		.scope = scope,
		.key = *key,
		.done = done,
		.arg = arg,
	};
	slv_list_init(&purge->gone);
	slv_cache_purge_begin(cache->claims, scope, key);
	if (scope == SLV_CACHE_VARIANT)
		slv_cache_mem_remove(cache->mem, key);
	else if (scope == SLV_CACHE_SOURCE)
		slv_cache_mem_remove_source(cache->mem, &key->source);
	else
		slv_cache_mem_remove_all(cache->mem, &purge->gone);
	slv_job_start(loop, &purge->job);
}

void slv_cache_purge_variant(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, void (*done)(void *arg), void *arg)
{
	purge_start(cache, loop, SLV_CACHE_VARIANT, key, done, arg);
}

void slv_cache_purge_source(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_digest *source, void (*done)(void *arg), void *arg)
{
	struct slv_cache_key key = { .source = *source };
	purge_start(cache, loop, SLV_CACHE_SOURCE, &key, done, arg);
}

void slv_cache_purge_all(
		struct slv_cache *cache, struct slv_loop *loop, void (*done)(void *arg), void *arg)
{
	struct slv_cache_key key = { 0 };
	purge_start(cache, loop, SLV_CACHE_ALL, &key, done, arg);
}

struct slv_cache_stats slv_cache_stats(const struct slv_cache *cache)
{
	struct slv_cache_mem_stats mem = slv_cache_mem_stats(cache->mem);
	return (struct slv_cache_stats){
		.memory_bytes = mem.bytes,
		.memory_entries = mem.entries,
		.hits_memory = mem.hits,
		.hits_disk = atomic_load_explicit(&cache->hits_disk, memory_order_relaxed),
		.misses = atomic_load_explicit(&cache->misses, memory_order_relaxed),
		.evictions = mem.evictions,
	};
}
