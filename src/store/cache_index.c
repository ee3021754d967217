#include "store/cache_index.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 16u
#define BUCKETS (SLV_CACHE_INDEX_MAX / SHARDS)

struct record {
	struct record *next;
	struct slv_cache_key key;
	uint64_t bytes;
	int64_t used_ms;
};

struct shard {
	pthread_mutex_t lock;
	struct record **buckets;
};

struct slv_cache_index {
	struct slv_hash_key hash_key;
	struct shard shards[SHARDS];
	_Atomic uint64_t bytes, count;
};

struct slv_cache_index *slv_cache_index_new(struct slv_hash_key hash_key)
{
	struct slv_cache_index *index = SLV_ALLOC(struct slv_cache_index);
	index->hash_key = hash_key;
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&index->shards[i].lock, NULL);
		index->shards[i].buckets = slv_alloc(BUCKETS * sizeof(struct record *));
	}
	return index;
}

void slv_cache_index_free(struct slv_cache_index *index)
{
	if (!index)
		return;
	slv_cache_index_clear(index);
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&index->shards[i].lock);
		slv_free(index->shards[i].buckets);
	}
	slv_free(index);
}

/* The shard of `key`, and the bucket in it. */
static struct shard *shard_of(struct slv_cache_index *index, const struct slv_cache_key *key,
		struct record ***ret_bucket)
{
	slv_str bytes = { (const char *)key, sizeof(*key) };
	uint64_t hash = slv_hash(index->hash_key, bytes);
	struct shard *shard = &index->shards[hash >> 60];
	*ret_bucket = &shard->buckets[hash & (BUCKETS - 1)];
	return shard;
}

/* The link to the record of `key`, or the empty one at the end of the chain. */
static struct record **find(struct record **at, const struct slv_cache_key *key)
{
	while (*at && memcmp(&(*at)->key, key, sizeof(*key)) != 0)
		at = &(*at)->next;
	return at;
}

static bool put(struct slv_cache_index *index, const struct slv_cache_key *key, uint64_t bytes,
		int64_t used_ms, bool replace)
{
	struct record *new = SLV_ALLOC(struct record), *unused = new;
	*new = (struct record){ .key = *key, .bytes = bytes, .used_ms = used_ms };
	struct record **at;
	struct shard *shard = shard_of(index, key, &at);

	pthread_mutex_lock(&shard->lock);
	at = find(at, key);
	bool kept = true;
	if (*at && replace) {
		index->bytes += bytes - (*at)->bytes;
		(*at)->bytes = bytes;
		(*at)->used_ms = used_ms;
	} else if (!*at && atomic_fetch_add(&index->count, 1) < SLV_CACHE_INDEX_MAX) {
		index->bytes += bytes;
		*at = new;
		unused = NULL;
	} else if (!*at) {
		index->count--;
		kept = false;
	}
	pthread_mutex_unlock(&shard->lock);
	slv_free(unused);
	return kept;
}

bool slv_cache_index_put(struct slv_cache_index *index, const struct slv_cache_key *key,
		uint64_t bytes, int64_t used_ms)
{
	return put(index, key, bytes, used_ms, true);
}

bool slv_cache_index_add(struct slv_cache_index *index, const struct slv_cache_key *key,
		uint64_t bytes, int64_t used_ms)
{
	return put(index, key, bytes, used_ms, false);
}

/* Take the record at `at` out and put it before `gone`; the caller has the lock, and frees
 * what is gone without. */
static struct record *cut(struct slv_cache_index *index, struct record **at, struct record *gone)
{
	struct record *record = *at;
	*at = record->next;
	index->bytes -= record->bytes;
	index->count--;
	record->next = gone;
	return record;
}

static void records_free(struct record *gone)
{
	while (gone) {
		struct record *next = gone->next;
		slv_free(gone);
		gone = next;
	}
}

void slv_cache_index_remove(struct slv_cache_index *index, const struct slv_cache_key *key)
{
	struct record **at;
	struct shard *shard = shard_of(index, key, &at);
	pthread_mutex_lock(&shard->lock);
	at = find(at, key);
	struct record *gone = *at ? cut(index, at, NULL) : NULL;
	pthread_mutex_unlock(&shard->lock);
	records_free(gone);
}

void slv_cache_index_clear(struct slv_cache_index *index)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &index->shards[i];
		struct record *gone = NULL;
		pthread_mutex_lock(&shard->lock);
		for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
			while (shard->buckets[bucket])
				gone = cut(index, &shard->buckets[bucket], gone);
		pthread_mutex_unlock(&shard->lock);
		records_free(gone);
	}
}

uint64_t slv_cache_index_bytes(const struct slv_cache_index *index)
{
	return index->bytes;
}

uint64_t slv_cache_index_count(const struct slv_cache_index *index)
{
	return index->count;
}

struct age {
	int64_t used_ms;
	uint64_t bytes;
};

static int older_first(const void *a, const void *b)
{
	int64_t left = ((const struct age *)a)->used_ms, right = ((const struct age *)b)->used_ms;
	return (left > right) - (left < right);
}

/* The ages of one shard, at most `max`. */
static size_t ages_of(struct shard *shard, struct age *ages, size_t max)
{
	size_t count = 0;
	pthread_mutex_lock(&shard->lock);
	for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
		for (struct record *at = shard->buckets[bucket]; at && count < max; at = at->next)
			ages[count++] = (struct age){ at->used_ms, at->bytes };
	pthread_mutex_unlock(&shard->lock);
	return count;
}

int64_t slv_cache_index_cutoff(struct slv_cache_index *index, uint64_t bytes, uint64_t count)
{
	size_t max = slv_cache_index_count(index), filled = 0;
	struct age *ages = slv_alloc(max * sizeof(*ages));
	for (unsigned i = 0; i < SHARDS; i++)
		filled += ages_of(&index->shards[i], ages + filled, max - filled);
	if (filled)
		qsort(ages, filled, sizeof(*ages), older_first);

	int64_t cutoff_ms = INT64_MIN;
	uint64_t freed = 0;
	for (size_t i = 0; i < filled && (freed < bytes || i < count); i++) {
		freed += ages[i].bytes;
		cutoff_ms = ages[i].used_ms;
	}
	slv_free(ages);
	return cutoff_ms;
}

static bool is_enough(const struct slv_cache_index *index, const struct slv_cache_index_walk *walk)
{
	return index->bytes <= walk->bytes_goal && index->count <= walk->count_goal;
}

/* From the bucket where `walk` is; the number of keys. */
static size_t take_here(struct slv_cache_index *index, const struct slv_cache_index_walk *walk,
		struct slv_cache_key *ret_keys, size_t max)
{
	struct shard *shard = &index->shards[walk->shard];
	struct record *gone = NULL;
	size_t count = 0;
	pthread_mutex_lock(&shard->lock);
	struct record **at = &shard->buckets[walk->bucket];
	while (*at && count < max && !is_enough(index, walk)) {
		struct record *record = *at;
		bool old = record->used_ms <= walk->cutoff_ms;
		if (old && walk->spare && walk->spare(walk->arg, &record->key)) {
			record->used_ms = walk->spared_ms;
			old = false;
		}
		if (old) {
			ret_keys[count++] = record->key;
			gone = cut(index, at, gone);
		} else {
			at = &record->next;
		}
	}
	pthread_mutex_unlock(&shard->lock);
	records_free(gone);
	return count;
}

bool slv_cache_index_take(struct slv_cache_index *index, struct slv_cache_index_walk *walk,
		struct slv_cache_key *ret_keys, size_t max, size_t *ret_count)
{
	*ret_count = 0;
	for (; walk->shard < SHARDS; walk->shard++) {
		for (; walk->bucket < BUCKETS; walk->bucket++) {
			*ret_count += take_here(
					index, walk, ret_keys + *ret_count, max - *ret_count);
			if (is_enough(index, walk))
				return false;
			if (*ret_count == max)
				return true; /* the next call begins with this bucket again */
		}
		walk->bucket = 0;
	}
	return false;
}
