/* What a look-up costs: `bench_store_cache [entries [threads]]`. Not a test. Measured is the
 * thread's own time, for the machine may be busy with others. */
#include "store/cache.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define GETS 4000000u
#define THREADS_MAX 16u

struct bench {
	struct slv_cache *cache;
	uint32_t entries, first;
	double ns; /* of one look-up */
};

static struct slv_cache_key key_of(uint32_t number)
{
	slv_str bytes = { (const char *)&number, sizeof(number) };
	return (struct slv_cache_key){ .variant = slv_sha256(&bytes, 1) };
}

static double thread_ns(void)
{
	struct rusage usage;
	slv_assert(getrusage(RUSAGE_THREAD, &usage) == 0);
	return 1e9 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       1e3 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void look_up(void *arg)
{
	struct bench *bench = arg;
	/* Keys are made before, in an order that no prefetcher guesses. */
	struct slv_cache_key *keys = slv_alloc(bench->entries * sizeof(*keys));
	for (uint32_t i = 0; i < bench->entries; i++)
		keys[i] = key_of(i);

	double start = thread_ns();
	uint64_t at = bench->first;
	for (uint32_t i = 0; i < GETS; i++) {
		at = at * 6364136223846793005u + 1442695040888963407u;
		const struct slv_cache_key *key = &keys[(at >> 33) % bench->entries];
		struct slv_cache_hit *hit = slv_cache_get(bench->cache, key, 0);
		slv_assert(hit);
		hit->hold.drop(&hit->hold);
	}
	bench->ns = (thread_ns() - start) / GETS;
	slv_free(keys);
}

static unsigned argument(int argc, char **argv, int index, unsigned otherwise, unsigned max)
{
	uint64_t value;
	if (argc <= index || !slv_str_u64(slv_str_from(argv[index]), max, &value) || !value)
		return otherwise;
	return (unsigned)value;
}

int main(int argc, char **argv)
{
	unsigned entries = argument(argc, argv, 1, 10000, 1000000);
	unsigned count = argument(argc, argv, 2, 1, THREADS_MAX);
	struct slv_cache_conf conf = {
		.memory_bytes_max = (uint64_t)entries * 4096,
		.entry_bytes_max = SLV_MIB(1),
	};
	struct slv_hash_key hash_key = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9 };
	struct slv_cache *cache = slv_cache_new(&conf, hash_key);
	struct slv_loop *loop = slv_loop_new(0, NULL, NULL);
	static char body[1024];
	for (uint32_t i = 0; i < entries; i++) {
		struct slv_cache_key key = key_of(i);
		struct slv_cache_hit *hit = slv_cache_put(cache, loop, &key, SLV_STR("head"),
				(slv_str){ body, sizeof(body) }, -1, 0, 0, INT64_MAX);
		hit->hold.drop(&hit->hold);
	}

	struct bench benches[THREADS_MAX];
	struct slv_thread *threads[THREADS_MAX];
	for (unsigned i = 0; i < count; i++) {
		benches[i] = (struct bench){ .cache = cache, .entries = entries, .first = i };
		slv_err err = slv_thread_start(look_up, &benches[i], &threads[i]);
		slv_assert(!slv_failed(err));
	}
	for (unsigned i = 0; i < count; i++) {
		slv_thread_join(threads[i]);
		printf("%u entries of 1 KiB, thread %u of %u: %.1f ns a look-up and drop\n",
				entries, i + 1, count, benches[i].ns);
	}
	slv_loop_free(loop);
	slv_cache_free(cache);
	return 0;
}
