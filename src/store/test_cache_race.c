/* Several loops on one cache that is too small for them: whatever they find is what was put.
 * Worth most under the thread sanitizer. */
#include "store/testing.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

#define THREADS 4u
#define ROUNDS 1500u
#define SOURCES 20u
#define VARIANTS 20u

struct racer {
	struct slv_cache *cache;
	struct slv_loop *loop;
	unsigned number;
	uint32_t random; /* state of a small generator, of its own and so the same each time */
	struct slv_task task;
	unsigned round;
	unsigned waiting; /* fetches and purges without an answer yet */
	unsigned found, purged;
	bool wrong;
};

struct racing_fetch {
	struct slv_cache_fetch fetch; /* first */
	struct racer *racer;
};

static uint32_t next_random(struct racer *racer)
{
	racer->random = racer->random * 1664525 + 1013904223;
	return racer->random >> 8;
}

/* Every body is its key over and over, of a length that its key gives. */
static size_t length_of(struct slv_cache_key key)
{
	return (key.variant.bytes[0] * 977u + key.variant.bytes[4] * 3001u) % 40000;
}

static void check(struct racer *racer, struct slv_cache_hit *hit, struct slv_cache_key key)
{
	if (!hit)
		return;
	racer->found++;
	bool right = hit->body.len == length_of(key) && hit->head.len == sizeof(key) &&
	             memcmp(hit->head.at, &key, sizeof(key)) == 0;
	for (size_t i = 0; right && i < hit->body.len; i += 61)
		right = hit->body.at[i] == (char)((uint8_t *)&key)[i % sizeof(key)];
	racer->wrong |= !right;
	hit->hold.drop(&hit->hold);
}

static void put(struct racer *racer, struct slv_cache_key key)
{
	size_t len = length_of(key);
	char *body = slv_alloc(len);
	for (size_t i = 0; i < len; i++)
		body[i] = (char)((uint8_t *)&key)[i % sizeof(key)];
	struct slv_cache_hit *hit = slv_cache_put(racer->cache, racer->loop, &key,
			(slv_str){ (const char *)&key, sizeof(key) }, (slv_str){ body, len }, -1,
			racer->round, racer->round, INT64_MAX);
	slv_free(body);
	check(racer, hit, key);
}

static void on_fetched(struct slv_cache_fetch *fetch, struct slv_cache_hit *hit)
{
	struct racing_fetch *racing = (struct racing_fetch *)fetch;
	struct racer *racer = racing->racer;
	check(racer, hit, fetch->key);
	if (!hit)
		put(racer, fetch->key);
	slv_free(racing);
	racer->waiting--;
}

static void on_purged(void *arg)
{
	struct racer *racer = arg;
	racer->purged++;
	racer->waiting--;
}

static void act(struct racer *racer)
{
	struct slv_cache_key key =
			kit_key(next_random(racer) % SOURCES, next_random(racer) % VARIANTS);
	uint32_t what = next_random(racer) % 500;
	if (what < 6) {
		racer->waiting++;
		if (what < 3)
			slv_cache_purge_variant(racer->cache, racer->loop, &key, on_purged, racer);
		else if (what < 5)
			slv_cache_purge_source(
					racer->cache, racer->loop, &key.source, on_purged, racer);
		else
			slv_cache_purge_all(racer->cache, racer->loop, on_purged, racer);
		return;
	}
	struct slv_cache_hit *hit = slv_cache_get(racer->cache, &key, racer->round);
	if (hit) {
		check(racer, hit, key);
		return;
	}
	struct racing_fetch *racing = SLV_ALLOC(struct racing_fetch);
	*racing = (struct racing_fetch){
		.fetch = { .key = key, .done = on_fetched },
		.racer = racer,
	};
	racer->waiting++;
	slv_cache_fetch(racer->cache, racer->loop, &racing->fetch, racer->round);
}

static void race(void *arg)
{
	struct racer *racer = arg;
	racer->loop = slv_loop_new(racer->number, NULL, NULL);
	for (racer->round = 0; racer->round < ROUNDS; racer->round++) {
		act(racer);
		slv_loop_turn(racer->loop, racer->waiting > 8);
	}
	slv_loop_stop(racer->loop);
	slv_loop_run(racer->loop);
}

static void what_is_found_is_what_was_put(void **state)
{
	(void)state;
	struct kit *kit = SLV_ALLOC(struct kit);
	kit_init(kit);
	kit->conf.memory_bytes_max = SLV_MIB(1); /* all would take 8 */
	kit->conf.disk_bytes_max = SLV_MIB(3);
	kit_start(kit);

	struct racer racers[THREADS] = { 0 };
	struct slv_thread *threads[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ .cache = kit->cache, .number = i, .random = i + 1 };
		slv_err err = slv_thread_start(race, &racers[i], &threads[i]);
		assert_false(slv_failed(err));
	}
	for (unsigned i = 0; i < THREADS; i++)
		slv_thread_join(threads[i]);

	struct slv_cache_stats stats = slv_cache_stats(kit->cache);
	unsigned purged = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		assert_false(racers[i].wrong);
		assert_int_equal(racers[i].waiting, 0);
		assert_true(racers[i].found > ROUNDS / 4);
		purged += racers[i].purged;
		slv_loop_free(racers[i].loop);
	}
	assert_true(purged > 0 && stats.hits_memory > 0 && stats.evictions > 0);
	assert_true(stats.memory_bytes <= kit->conf.memory_bytes_max);
	assert_true(stats.disk_bytes <= kit->conf.disk_bytes_max * 21 / 20 + SLV_MIB(1));
	assert_int_equal(stats.disk_errors, 0);

	/* And a purge of all at the end leaves nothing of it. */
	slv_cache_purge_all(kit->cache, kit->loop, kit_on_done, kit);
	while (!kit->done)
		kit_turn(kit);
	for (uint32_t i = 0; i < SOURCES * VARIANTS; i++) {
		assert_false(kit_gets(kit, kit_key(i / VARIANTS, i % VARIANTS), 0));
		assert_false(kit_fetches(kit, kit_key(i / VARIANTS, i % VARIANTS), 0));
	}
	kit_done(kit);
	slv_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_found_is_what_was_put),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
