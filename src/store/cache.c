#include "store/cache.h"

#include "base/assert.h"
#include "base/mem.h"
#include "store/cache_claim.h"
#include "store/cache_disk.h"
#include "store/cache_mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* Entries have this part of the descriptors that the process may open, and not more than that
 * many: each is also a mapping, of which a process has 65,530 by default. */
#define FDS_SHARE 4u
#define FDS_MAX 16384u

/* Between the steps of the sweep, which end with their loop. */
#define SWEEP_GAP_MS 1u

struct slv_cache {
	uint64_t entry_bytes_max;
	struct slv_cache_mem *mem;
	struct slv_cache_claims *claims;
	struct slv_cache_fds *fds;
	_Atomic uint64_t hits_disk, misses;

	struct slv_disk own_disk;
	struct slv_cache_disk *disk; /* NULL: no disk tier */

	/* The sweep of the disk tier: belongs to `sweep_loop` while `sweeping`. */
	_Atomic bool sweeping;
	struct slv_loop *sweep_loop;
	struct slv_job sweep_job;
	struct slv_timer sweep_timer;
	int64_t sweep_now_ms;
	uint64_t sweep_mono_ms;
	bool sweep_more;

	pthread_mutex_t purges_lock;
	struct slv_list purges; /* under way */
};

/* An entry on its way to the disk. */
struct writing {
	struct slv_job job; /* first */
	struct slv_cache *cache;
	struct slv_loop *loop;
	struct slv_cache_entry *entry;
	struct slv_cache_claim claim;
	uint64_t mono_ms;
};

/* A purge under way. While the disk refuses it is tried again, and nothing of its scope is read
 * there. */
struct purge {
	struct slv_job job; /* first */
	struct slv_cache *cache;
	struct slv_loop *loop;
	struct slv_timer timer; /* until the next try */
	struct slv_list link;
	enum slv_cache_scope scope;
	struct slv_cache_key key;
	struct slv_list gone; /* what the memory forgot; given up by the job, for it may be a lot */
	uint64_t mono_ms;
	bool is_clean;
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

struct slv_cache *slv_cache_new_on(const struct slv_cache_conf *conf, struct slv_hash_key hash_key,
		struct slv_disk *disk)
{
	struct slv_cache *cache = SLV_ALLOC(struct slv_cache);
	cache->entry_bytes_max = conf->entry_bytes_max;
	cache->mem = slv_cache_mem_new(conf->memory_bytes_max, hash_key);
	cache->claims = slv_cache_claims_new(hash_key);
	cache->fds = slv_cache_fds_new(fds_max());
	cache->own_disk.ops = &slv_disk_ops;
	pthread_mutex_init(&cache->purges_lock, NULL);
	slv_list_init(&cache->purges);
	if (!conf->disk_bytes_max)
		return cache;

	struct slv_cache_disk_conf disk_conf = {
		.bytes_max = conf->disk_bytes_max,
		.entry_bytes_max = conf->entry_bytes_max,
		.folder = conf->folder,
		.disk = disk ? disk : &cache->own_disk,
		.mem = cache->mem,
		.claims = cache->claims,
		.fds = cache->fds,
		.on_trouble = conf->on_trouble,
		.arg = conf->arg,
	};
	cache->disk = slv_cache_disk_new(&disk_conf, hash_key);
	return cache;
}

struct slv_cache *slv_cache_new(const struct slv_cache_conf *conf, struct slv_hash_key hash_key)
{
	return slv_cache_new_on(conf, hash_key, NULL);
}

void slv_cache_free(struct slv_cache *cache)
{
	if (!cache)
		return;
	struct slv_list *link;
	while ((link = slv_list_pop(&cache->purges)))
		slv_free(SLV_CONTAINER(link, struct purge, link));
	pthread_mutex_destroy(&cache->purges_lock);
	slv_cache_disk_free(cache->disk);
	slv_cache_mem_free(cache->mem);
	slv_cache_claims_free(cache->claims);
	slv_cache_fds_unref(cache->fds);
	slv_free(cache);
}

/* --- the sweep --- */

static void sweep_work(struct slv_job *job)
{
	struct slv_cache *cache = SLV_CONTAINER(job, struct slv_cache, sweep_job);
	cache->sweep_more = slv_cache_disk_sweep(
			cache->disk, cache->sweep_now_ms, cache->sweep_mono_ms);
}

static void sweep_done(struct slv_job *job);

static void sweep_step(struct slv_cache *cache)
{
	cache->sweep_now_ms = slv_loop_wall_ms(cache->sweep_loop);
	cache->sweep_mono_ms = slv_loop_now_ms(cache->sweep_loop);
	cache->sweep_job = (struct slv_job){ .work = sweep_work, .done = sweep_done };
	slv_job_start(cache->sweep_loop, &cache->sweep_job);
}

static void sweep_fire(struct slv_timer *timer)
{
	sweep_step(SLV_CONTAINER(timer, struct slv_cache, sweep_timer));
}

/* Begin to sweep if there is a need and nobody does. */
static void sweep_start(struct slv_cache *cache, struct slv_loop *loop)
{
	if (!slv_cache_disk_is_untidy(cache->disk, slv_loop_now_ms(loop)))
		return;
	if (atomic_exchange(&cache->sweeping, true))
		return;
	cache->sweep_loop = loop;
	cache->sweep_timer = (struct slv_timer){ .fire = sweep_fire };
	sweep_step(cache);
}

static void sweep_done(struct slv_job *job)
{
	struct slv_cache *cache = SLV_CONTAINER(job, struct slv_cache, sweep_job);
	struct slv_loop *loop = cache->sweep_loop;
	if (cache->sweep_more) {
		/* A timer, so that a loop that ends does not wait for the end of the sweep. */
		slv_timer_start(loop, &cache->sweep_timer, SWEEP_GAP_MS);
		return;
	}
	atomic_store(&cache->sweeping, false);
	sweep_start(cache, loop); /* somebody may have looked just before */
}

/* --- look-ups --- */

struct slv_cache_hit *slv_cache_get(
		struct slv_cache *cache, const struct slv_cache_key *key, int64_t now_ms)
{
	struct slv_cache_entry *entry = slv_cache_mem_get(cache->mem, key, now_ms);
	return entry ? &entry->hit : NULL;
}

static void fetch_finish(struct slv_cache_fetch *fetch)
{
	struct slv_cache *cache = fetch->cache;
	struct slv_cache_hit *hit = fetch->hit;
	atomic_fetch_add_explicit(
			hit ? &cache->hits_disk : &cache->misses, 1, memory_order_relaxed);
	fetch->done(fetch, hit);
}

static void fetch_task(struct slv_task *task)
{
	fetch_finish(SLV_CONTAINER(task, struct slv_cache_fetch, task));
}

static void fetch_work(struct slv_job *job)
{
	struct slv_cache_fetch *fetch = SLV_CONTAINER(job, struct slv_cache_fetch, job);
	struct slv_cache *cache = fetch->cache;
	struct slv_cache_entry *entry = slv_cache_disk_read(
			cache->disk, &fetch->key, &fetch->claim, fetch->now_ms, fetch->mono_ms);
	if (!entry)
		return;
	entry->hit.kept = true;
	entry = slv_cache_mem_add(cache->mem, entry, cache->claims, &fetch->claim);
	fetch->hit = &entry->hit;
}

static void fetch_done(struct slv_job *job)
{
	struct slv_cache_fetch *fetch = SLV_CONTAINER(job, struct slv_cache_fetch, job);
	struct slv_cache *cache = fetch->cache;
	if (!slv_cache_claim_holds(cache->claims, &fetch->claim)) {
		/* Purged meanwhile; but what was put since then is good. */
		if (fetch->hit)
			fetch->hit->hold.drop(&fetch->hit->hold);
		fetch->hit = slv_cache_get(cache, &fetch->key, fetch->now_ms);
	}
	sweep_start(cache, fetch->loop);
	fetch_finish(fetch);
}

void slv_cache_fetch(struct slv_cache *cache, struct slv_loop *loop, struct slv_cache_fetch *fetch,
		int64_t now_ms)
{
	fetch->cache = cache;
	fetch->loop = loop;
	fetch->now_ms = now_ms;
	fetch->hit = NULL;
	if (!cache->disk) {
		fetch->task = (struct slv_task){ .run = fetch_task };
		slv_task_start(loop, &fetch->task);
		return;
	}
	fetch->mono_ms = slv_loop_now_ms(loop);
	fetch->claim = slv_cache_claim_begin(cache->claims, &fetch->key);
	fetch->job = (struct slv_job){ .work = fetch_work, .done = fetch_done };
	slv_job_start(loop, &fetch->job);
}

/* --- put --- */

static void writing_work(struct slv_job *job)
{
	struct writing *writing = (struct writing *)job;
	slv_cache_disk_write(
			writing->cache->disk, writing->entry, &writing->claim, writing->mono_ms);
}

static void writing_done(struct slv_job *job)
{
	struct writing *writing = (struct writing *)job;
	slv_cache_entry_unref(writing->entry);
	sweep_start(writing->cache, writing->loop);
	slv_free(writing);
}

/* The disk has said that it wants `entry`. */
static void write_behind(struct slv_cache *cache, struct slv_loop *loop,
		struct slv_cache_entry *entry, const struct slv_cache_claim *claim,
		uint64_t mono_ms)
{
	struct writing *writing = SLV_ALLOC(struct writing);
	*writing = (struct writing){
		.job = { .work = writing_work, .done = writing_done },
		.cache = cache,
		.loop = loop,
		.entry = entry,
		.claim = *claim,
		.mono_ms = mono_ms,
	};
	slv_cache_entry_ref(entry);
	slv_job_start(loop, &writing->job);
}

static struct slv_cache_hit *put(struct slv_cache *cache, struct slv_loop *loop, bool disk,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd,
		int64_t now_ms, int64_t fresh_until_ms, int64_t stale_until_ms)
{
	uint64_t mono_ms = slv_loop_now_ms(loop);
	struct slv_cache_entry *entry = slv_cache_entry_make(cache->fds, key, head, body, body_fd);
	entry->hit.stored_ms = now_ms;
	entry->hit.fresh_until_ms = fresh_until_ms;
	entry->hit.stale_until_ms = stale_until_ms;

	struct slv_cache_claim claim = slv_cache_claim_begin_put(cache->claims, key);
	if (body.len > cache->entry_bytes_max || head.len > SLV_CACHE_HEAD_BYTES_MAX) {
		/* What it replaces is over all the same. */
		if (disk)
			slv_cache_purge_variant(cache, loop, key, NULL, NULL);
		else
			slv_cache_mem_remove(cache->mem, key);
		return &entry->hit;
	}
	bool on_disk = disk && cache->disk && slv_cache_disk_wants(cache->disk, entry, mono_ms);
	/* Before others can see it. */
	entry->hit.kept = on_disk || entry->cost <= slv_cache_mem_cost_max(cache->mem);
	slv_cache_mem_put(cache->mem, entry);
	if (on_disk)
		write_behind(cache, loop, entry, &claim, mono_ms);
	return &entry->hit;
}

struct slv_cache_hit *slv_cache_put(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd,
		int64_t now_ms, int64_t fresh_until_ms, int64_t stale_until_ms)
{
	return put(cache, loop, true, key, head, body, body_fd, now_ms, fresh_until_ms,
			stale_until_ms);
}

struct slv_cache_hit *slv_cache_put_memory(struct slv_cache *cache, struct slv_loop *loop,
		const struct slv_cache_key *key, slv_str head, slv_str body, int body_fd,
		int64_t now_ms, int64_t fresh_until_ms, int64_t stale_until_ms)
{
	return put(cache, loop, false, key, head, body, body_fd, now_ms, fresh_until_ms,
			stale_until_ms);
}

/* --- purge --- */

static void purge_work(struct slv_job *job)
{
	struct purge *purge = (struct purge *)job;
	struct slv_cache *cache = purge->cache;
	slv_cache_mem_drop(&purge->gone);
	purge->is_clean = !cache->disk || slv_cache_disk_purge(cache->disk, purge->scope,
							  &purge->key, purge->mono_ms);
}

static void purge_done(struct slv_job *job);

static void purge_try(struct purge *purge)
{
	purge->mono_ms = slv_loop_now_ms(purge->loop);
	purge->job = (struct slv_job){ .work = purge_work, .done = purge_done };
	slv_job_start(purge->loop, &purge->job);
}

static void purge_fire(struct slv_timer *timer)
{
	purge_try(SLV_CONTAINER(timer, struct purge, timer));
}

static void purge_done(struct slv_job *job)
{
	struct purge *purge = (struct purge *)job;
	struct slv_cache *cache = purge->cache;
	if (!purge->is_clean) {
		slv_timer_start(purge->loop, &purge->timer, SLV_CACHE_BACK_OFF_MS);
		return;
	}
	slv_cache_purge_end(cache->claims, purge->scope, &purge->key);
	pthread_mutex_lock(&cache->purges_lock);
	slv_list_remove(&purge->link);
	pthread_mutex_unlock(&cache->purges_lock);
	if (cache->disk)
		sweep_start(cache, purge->loop);
	if (purge->done)
		purge->done(purge->arg);
	slv_free(purge);
}

static void purge_start(struct slv_cache *cache, struct slv_loop *loop, enum slv_cache_scope scope,
		const struct slv_cache_key *key, void (*done)(void *arg), void *arg)
{
	struct purge *purge = SLV_ALLOC(struct purge);
	*purge = (struct purge){
		.cache = cache,
		.loop = loop,
		.timer = { .fire = purge_fire },
		.scope = scope,
		.key = *key,
		.done = done,
		.arg = arg,
	};
	slv_list_init(&purge->gone);
	pthread_mutex_lock(&cache->purges_lock);
	slv_list_push(&cache->purges, &purge->link);
	pthread_mutex_unlock(&cache->purges_lock);

	slv_cache_purge_begin(cache->claims, scope, key);
	if (scope == SLV_CACHE_VARIANT)
		slv_cache_mem_remove(cache->mem, key);
	else if (scope == SLV_CACHE_SOURCE)
		slv_cache_mem_remove_source(cache->mem, &key->source);
	else
		slv_cache_mem_remove_all(cache->mem, &purge->gone);
	purge_try(purge);
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

void slv_cache_leave_disk(struct slv_cache *cache)
{
	if (cache->disk)
		slv_cache_disk_leave(cache->disk);
}

struct slv_cache_stats slv_cache_stats(const struct slv_cache *cache)
{
	struct slv_cache_mem_stats mem = slv_cache_mem_stats(cache->mem);
	struct slv_cache_disk_stats disk = { 0 };
	if (cache->disk)
		disk = slv_cache_disk_stats(cache->disk);
	return (struct slv_cache_stats){
		.memory_bytes = mem.bytes,
		.memory_entries = mem.entries,
		.disk_bytes = disk.bytes,
		.disk_entries = disk.entries,
		.hits_memory = mem.hits,
		.hits_disk = atomic_load_explicit(&cache->hits_disk, memory_order_relaxed),
		.misses = atomic_load_explicit(&cache->misses, memory_order_relaxed),
		.evictions = mem.evictions + disk.evictions,
		.disk_errors = disk.errors,
	};
}
