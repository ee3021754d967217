#include "store/cache_mem.h"

#include "base/assert.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#define SHARDS 16u
#define SHARD_BUCKETS_MIN 64u
#define BUCKET_SHARE 1024u /* bytes of memory for which there is one bucket */
#define GHOST_WAYS 4u
#define COST_SHARE 8u   /* an entry costs at most this part of the memory */
#define SMALL_SHARE 10u /* and the small queue has this part, when there is a main one */
#define USES_MAX 3u
#define CHANCES_MAX 256u /* entries let off in one eviction, lest it takes long */
#define PURGE_BATCH 256u /* entries of a source removed under one lock */

struct shard {
	pthread_mutex_t lock;
	struct slv_cache_entry **buckets;
	uint64_t hits;
	char apart[64]; /* the next shard is another cache line's */
};

struct queue {
	struct slv_list entries; /* oldest first */
	uint64_t bytes;
};

/* One that left; `print` is never 0 in use. */
struct ghost {
	uint32_t print, stamp;
};

struct slv_cache_mem {
	struct shard shards[SHARDS];
	struct slv_hash_key hash_key;
	uint64_t bytes_max;
	size_t bucket_count; /* of one shard; a power of two */
	size_t source_count; /* a power of two */
	size_t ghost_count;  /* a power of two */

	pthread_mutex_t order; /* before a shard's lock; guards what follows */
	struct queue small, main;
	struct slv_cache_entry **sources; /* chains by the source's hash */
	struct ghost *ghosts;             /* sets of GHOST_WAYS */
	uint32_t ghost_stamp;             /* of the newest */
	uint64_t entries, evictions;
};

/* A digest is random already; what is wanted is that nobody who can make many of them can aim at
 * one bucket. Multiplying half of it with secrets does that in a tenth of SipHash's time. */
static uint64_t digest_hash(const struct slv_cache_mem *mem, const struct slv_digest *digest)
{
	uint64_t words[2];
	memcpy(words, digest->bytes, sizeof(words));
	unsigned __int128 product = (unsigned __int128)(words[0] ^ mem->hash_key.k0) *
	                            (words[1] ^ mem->hash_key.k1);
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static struct shard *shard_of(struct slv_cache_mem *mem, uint64_t hash)
{
	return &mem->shards[hash >> 60];
}

static struct slv_cache_entry **bucket_of(
		const struct slv_cache_mem *mem, struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash & (mem->bucket_count - 1)];
}

static struct slv_cache_entry **source_of(
		struct slv_cache_mem *mem, const struct slv_digest *source)
{
	return &mem->sources[digest_hash(mem, source) & (mem->source_count - 1)];
}

static bool key_is(const struct slv_cache_key *a, const struct slv_cache_key *b)
{
	return memcmp(&a->variant, &b->variant, sizeof(a->variant)) == 0 &&
	       memcmp(&a->source, &b->source, sizeof(a->source)) == 0;
}

/* The caller has the shard's lock or the order lock. */
static struct slv_cache_entry *find(const struct slv_cache_mem *mem, struct shard *shard,
		const struct slv_cache_key *key, uint64_t hash)
{
	struct slv_cache_entry *entry = *bucket_of(mem, shard, hash);
	while (entry && (entry->hash != hash || !key_is(&entry->key, key)))
		entry = entry->bucket_next;
	return entry;
}

/* --- life --- */

static size_t power_of_two(uint64_t at_least)
{
	size_t size = 1;
	while (size < at_least)
		size *= 2;
	return size;
}

struct slv_cache_mem *slv_cache_mem_new(uint64_t bytes_max, struct slv_hash_key hash_key)
{
	struct slv_cache_mem *mem = SLV_ALLOC(struct slv_cache_mem);
	mem->hash_key = hash_key;
	mem->bytes_max = bytes_max;
	mem->bucket_count = power_of_two(bytes_max / BUCKET_SHARE / SHARDS);
	if (mem->bucket_count < SHARD_BUCKETS_MIN)
		mem->bucket_count = SHARD_BUCKETS_MIN;
	mem->source_count = mem->ghost_count = mem->bucket_count * SHARDS;

	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&mem->shards[i].lock, NULL);
		mem->shards[i].buckets = slv_alloc(mem->bucket_count * sizeof(void *));
	}
	pthread_mutex_init(&mem->order, NULL);
	slv_list_init(&mem->small.entries);
	slv_list_init(&mem->main.entries);
	mem->sources = slv_alloc(mem->source_count * sizeof(void *));
	mem->ghosts = slv_alloc(mem->ghost_count * sizeof(*mem->ghosts));
	return mem;
}

void slv_cache_mem_free(struct slv_cache_mem *mem)
{
	if (!mem)
		return;
	slv_cache_mem_drop(&mem->small.entries);
	slv_cache_mem_drop(&mem->main.entries);
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&mem->shards[i].lock);
		slv_free(mem->shards[i].buckets);
	}
	pthread_mutex_destroy(&mem->order);
	slv_free(mem->sources);
	slv_free(mem->ghosts);
	slv_free(mem);
}

/* --- look-ups --- */

struct slv_cache_entry *slv_cache_mem_get(
		struct slv_cache_mem *mem, const struct slv_cache_key *key, int64_t now_ms)
{
	uint64_t hash = digest_hash(mem, &key->variant);
	struct shard *shard = shard_of(mem, hash);

	pthread_mutex_lock(&shard->lock);
	struct slv_cache_entry *entry = find(mem, shard, key, hash);
	if (entry && now_ms > entry->hit.stale_until_ms)
		entry = NULL; /* it leaves as others do, or is replaced */
	if (entry) {
		slv_cache_entry_ref(entry);
		shard->hits++;
		/* An eviction may write at the same time; a use lost to it does not matter. */
		uint8_t uses = atomic_load_explicit(&entry->uses, memory_order_relaxed);
		if (uses < USES_MAX)
			atomic_store_explicit(
					&entry->uses, (uint8_t)(uses + 1), memory_order_relaxed);
	}
	pthread_mutex_unlock(&shard->lock);
	return entry;
}

bool slv_cache_mem_holds(struct slv_cache_mem *mem, const struct slv_cache_key *key)
{
	uint64_t hash = digest_hash(mem, &key->variant);
	struct shard *shard = shard_of(mem, hash);
	pthread_mutex_lock(&shard->lock);
	bool holds = find(mem, shard, key, hash);
	pthread_mutex_unlock(&shard->lock);
	return holds;
}

uint64_t slv_cache_mem_cost_max(const struct slv_cache_mem *mem)
{
	return mem->bytes_max / COST_SHARE;
}

/* --- the ghost --- */

/* The place of `hash` in its set, or the oldest there with `*ret_found` false. */
static struct ghost *ghost_find(struct slv_cache_mem *mem, uint64_t hash, bool *ret_found)
{
	struct ghost *set = &mem->ghosts[hash & (mem->ghost_count - GHOST_WAYS)];
	struct ghost *oldest = &set[0];
	uint32_t print = (uint32_t)(hash >> 32) | 1;

	*ret_found = true;
	for (unsigned i = 0; i < GHOST_WAYS; i++) {
		if (set[i].print == print)
			return &set[i];
		if (mem->ghost_stamp - set[i].stamp > mem->ghost_stamp - oldest->stamp)
			oldest = &set[i];
	}
	*ret_found = false;
	return oldest;
}

static void ghost_add(struct slv_cache_mem *mem, uint64_t hash)
{
	bool found;
	struct ghost *ghost = ghost_find(mem, hash, &found);
	*ghost = (struct ghost){ (uint32_t)(hash >> 32) | 1, ++mem->ghost_stamp };
}

/* It left not long ago; it is forgotten with this. */
static bool ghost_take(struct slv_cache_mem *mem, uint64_t hash)
{
	bool found;
	struct ghost *ghost = ghost_find(mem, hash, &found);
	if (!found)
		return false;
	bool recent = mem->ghost_stamp - ghost->stamp <= mem->entries;
	*ghost = (struct ghost){ 0 };
	return recent;
}

/* --- moving entries; the caller has the order lock --- */

static struct queue *queue_of(struct slv_cache_mem *mem, enum slv_cache_queue queue)
{
	return queue == SLV_CACHE_SMALL ? &mem->small : &mem->main;
}

static void queue_push(
		struct slv_cache_mem *mem, enum slv_cache_queue at, struct slv_cache_entry *entry)
{
	struct queue *queue = queue_of(mem, at);
	slv_list_push(&queue->entries, &entry->link);
	queue->bytes += entry->cost;
	entry->queue = (uint8_t)at;
}

static void queue_remove(struct slv_cache_mem *mem, struct slv_cache_entry *entry)
{
	struct queue *queue = queue_of(mem, entry->queue);
	slv_assert(entry->queue != SLV_CACHE_NOWHERE && queue->bytes >= entry->cost);
	slv_list_remove(&entry->link);
	queue->bytes -= entry->cost;
	entry->queue = SLV_CACHE_NOWHERE;
}

static uint64_t bytes_in(const struct slv_cache_mem *mem)
{
	return mem->small.bytes + mem->main.bytes;
}

static void index_entry(struct slv_cache_mem *mem, struct slv_cache_entry *entry)
{
	struct shard *shard = shard_of(mem, entry->hash);
	pthread_mutex_lock(&shard->lock);
	struct slv_cache_entry **bucket = bucket_of(mem, shard, entry->hash);
	entry->bucket_next = *bucket;
	*bucket = entry;
	pthread_mutex_unlock(&shard->lock);

	struct slv_cache_entry **source = source_of(mem, &entry->key.source);
	entry->source_next = *source;
	entry->source_at = source;
	if (*source)
		(*source)->source_at = &entry->source_next;
	*source = entry;
}

/* Off the table, its queue and its source's chain, and onto `gone`. */
static void unlink_entry(
		struct slv_cache_mem *mem, struct slv_cache_entry *entry, struct slv_list *gone)
{
	struct shard *shard = shard_of(mem, entry->hash);
	pthread_mutex_lock(&shard->lock);
	struct slv_cache_entry **at = bucket_of(mem, shard, entry->hash);
	while (*at != entry)
		at = &(*at)->bucket_next;
	*at = entry->bucket_next;
	pthread_mutex_unlock(&shard->lock);

	*entry->source_at = entry->source_next;
	if (entry->source_next)
		entry->source_next->source_at = entry->source_at;
	queue_remove(mem, entry);
	mem->entries--;
	slv_list_push(gone, &entry->link);
}

/* Let the oldest of `small` that nobody asked for again go, or of `main` that nobody asked for
 * since it was queued. False when there is none. */
static bool evict(struct slv_cache_mem *mem, struct slv_list *gone)
{
	for (unsigned chances = 0;; chances++) {
		bool small = slv_list_empty(&mem->main.entries) ||
		             mem->small.bytes > mem->bytes_max / SMALL_SHARE;
		struct slv_list *list = small ? &mem->small.entries : &mem->main.entries;
		if (slv_list_empty(list))
			return false;

		struct slv_cache_entry *oldest =
				SLV_CONTAINER(list->next, struct slv_cache_entry, link);
		uint8_t uses = atomic_load_explicit(&oldest->uses, memory_order_relaxed);
		if (!uses || chances == CHANCES_MAX) {
			unlink_entry(mem, oldest, gone);
			if (small)
				ghost_add(mem, oldest->hash);
			mem->evictions++;
			return true;
		}
		queue_remove(mem, oldest);
		queue_push(mem, SLV_CACHE_MAIN, oldest);
		atomic_store_explicit(&oldest->uses, small ? 0 : (uint8_t)(uses - 1),
				memory_order_relaxed);
	}
}

/* `known`: it has proved itself before. */
static void insert(struct slv_cache_mem *mem, struct slv_cache_entry *entry, bool known,
		struct slv_list *gone)
{
	while (bytes_in(mem) + entry->cost > mem->bytes_max)
		if (!evict(mem, gone))
			break;
	slv_assert(bytes_in(mem) + entry->cost <= mem->bytes_max);

	slv_cache_entry_ref(entry);
	known |= ghost_take(mem, entry->hash);
	queue_push(mem, known ? SLV_CACHE_MAIN : SLV_CACHE_SMALL, entry);
	index_entry(mem, entry);
	mem->entries++;
}

/* --- from outside --- */

void slv_cache_mem_drop(struct slv_list *gone)
{
	struct slv_list *link;
	while ((link = slv_list_pop(gone)))
		slv_cache_entry_unref(SLV_CONTAINER(link, struct slv_cache_entry, link));
}

void slv_cache_mem_put(struct slv_cache_mem *mem, struct slv_cache_entry *entry)
{
	struct slv_list gone;
	slv_list_init(&gone);
	entry->hash = digest_hash(mem, &entry->key.variant);
	bool fits = entry->cost <= slv_cache_mem_cost_max(mem);

	pthread_mutex_lock(&mem->order);
	struct slv_cache_entry *before =
			find(mem, shard_of(mem, entry->hash), &entry->key, entry->hash);
	bool known = before && before->queue == SLV_CACHE_MAIN;
	if (before)
		unlink_entry(mem, before, &gone);
	if (fits)
		insert(mem, entry, known, &gone);
	pthread_mutex_unlock(&mem->order);
	slv_cache_mem_drop(&gone);
}

struct slv_cache_entry *slv_cache_mem_add(struct slv_cache_mem *mem, struct slv_cache_entry *entry,
		struct slv_cache_claims *claims, const struct slv_cache_claim *claim)
{
	struct slv_list gone;
	slv_list_init(&gone);
	entry->hash = digest_hash(mem, &entry->key.variant);
	bool fits = entry->cost <= slv_cache_mem_cost_max(mem);

	/* A purge voids the claim, then takes this lock to remove. So either it comes after us and
	 * removes the entry, or we see it here. */
	pthread_mutex_lock(&mem->order);
	struct slv_cache_entry *before =
			find(mem, shard_of(mem, entry->hash), &entry->key, entry->hash);
	if (before && before->hit.stored_ms >= entry->hit.stored_ms) {
		slv_cache_entry_ref(before);
		pthread_mutex_unlock(&mem->order);
		slv_cache_entry_unref(entry);
		return before;
	}
	if (fits && slv_cache_claim_holds(claims, claim)) {
		bool known = before && before->queue == SLV_CACHE_MAIN;
		if (before)
			unlink_entry(mem, before, &gone);
		insert(mem, entry, known, &gone);
	}
	pthread_mutex_unlock(&mem->order);
	slv_cache_mem_drop(&gone);
	return entry;
}

void slv_cache_mem_remove(struct slv_cache_mem *mem, const struct slv_cache_key *key)
{
	struct slv_list gone;
	slv_list_init(&gone);
	uint64_t hash = digest_hash(mem, &key->variant);

	pthread_mutex_lock(&mem->order);
	struct slv_cache_entry *entry = find(mem, shard_of(mem, hash), key, hash);
	if (entry)
		unlink_entry(mem, entry, &gone);
	pthread_mutex_unlock(&mem->order);
	slv_cache_mem_drop(&gone);
}

/* Some variants of `source`; false when those were all. */
static bool remove_some(struct slv_cache_mem *mem, const struct slv_digest *source)
{
	struct slv_list gone;
	slv_list_init(&gone);
	unsigned count = 0;

	pthread_mutex_lock(&mem->order);
	struct slv_cache_entry *entry = *source_of(mem, source), *next;
	for (; entry && count < PURGE_BATCH; entry = next) {
		next = entry->source_next;
		if (memcmp(&entry->key.source, source, sizeof(*source)) != 0)
			continue;
		unlink_entry(mem, entry, &gone);
		count++;
	}
	pthread_mutex_unlock(&mem->order);
	slv_cache_mem_drop(&gone);
	return count == PURGE_BATCH;
}

void slv_cache_mem_remove_source(struct slv_cache_mem *mem, const struct slv_digest *source)
{
	while (remove_some(mem, source))
		;
}

static void list_steal(struct slv_list *to, struct slv_list *from)
{
	if (slv_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	slv_list_init(from);
}

void slv_cache_mem_remove_all(struct slv_cache_mem *mem, struct slv_list *ret_gone)
{
	/* New tables in place of the old: no entry is touched while the locks are held. */
	struct slv_cache_entry **buckets[SHARDS];
	for (unsigned i = 0; i < SHARDS; i++)
		buckets[i] = slv_alloc(mem->bucket_count * sizeof(void *));
	struct slv_cache_entry **sources = slv_alloc(mem->source_count * sizeof(void *));

	pthread_mutex_lock(&mem->order);
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &mem->shards[i];
		pthread_mutex_lock(&shard->lock);
		struct slv_cache_entry **old = shard->buckets;
		shard->buckets = buckets[i];
		buckets[i] = old;
		pthread_mutex_unlock(&shard->lock);
	}
	struct slv_cache_entry **old_sources = mem->sources;
	mem->sources = sources;
	list_steal(ret_gone, &mem->small.entries);
	list_steal(ret_gone, &mem->main.entries);
	mem->small.bytes = mem->main.bytes = mem->entries = 0;
	pthread_mutex_unlock(&mem->order);

	for (unsigned i = 0; i < SHARDS; i++)
		slv_free(buckets[i]);
	slv_free(old_sources);
}

struct slv_cache_mem_stats slv_cache_mem_stats(struct slv_cache_mem *mem)
{
	struct slv_cache_mem_stats stats = { 0 };
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&mem->shards[i].lock);
		stats.hits += mem->shards[i].hits;
		pthread_mutex_unlock(&mem->shards[i].lock);
	}
	pthread_mutex_lock(&mem->order);
	stats.bytes = bytes_in(mem);
	stats.entries = mem->entries;
	stats.evictions = mem->evictions;
	pthread_mutex_unlock(&mem->order);
	return stats;
}
