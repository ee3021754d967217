#include "service/image/failures.h"

#include "base/map.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct image_failures {
	struct slv_map map;   /* by variant */
	struct slv_list list; /* the first to be remembered first */
};

static slv_str name_of(const struct slv_digest *variant)
{
	return (slv_str){ (const char *)variant->bytes, SLV_SHA256_BYTES };
}

struct image_failures *image_failures_new(struct slv_hash_key hash_key)
{
	struct image_failures *failures = SLV_ALLOC(struct image_failures);
	slv_map_init(&failures->map, hash_key);
	slv_list_init(&failures->list);
	return failures;
}

static void forget(struct image_failures *failures, struct image_failure *failure)
{
	slv_map_remove(&failures->map, name_of(&failure->key.variant));
	slv_list_remove(&failure->link);
	slv_free(failure);
}

void image_failures_free(struct image_failures *failures)
{
	if (!failures)
		return;
	image_failures_forget_all(failures);
	slv_map_done(&failures->map);
	slv_free(failures);
}

static uint64_t lasts_ms(uint64_t cost_ms)
{
	return cost_ms < IMAGE_FAILURE_MS       ? IMAGE_FAILURE_MS
	       : cost_ms > IMAGE_FAILURE_MS_MAX ? IMAGE_FAILURE_MS_MAX
	                                        : cost_ms;
}

/* One that has lapsed stays until there is no room: an attempt that began before may fail yet. */
void image_failures_add(struct image_failures *failures, const struct slv_cache_key *key,
		const struct image_attempt *attempt, slv_err err, bool tell)
{
	struct image_failure *before = slv_map_get(&failures->map, name_of(&key->variant));
	bool again = before && before->code == err.code && attempt->begun_ms < before->until_ms;
	bool told = tell && (err.code != SLV_E_INTERNAL || again);
	if (before)
		forget(failures, before);
	if (failures->map.count >= IMAGE_FAILURES_MAX)
		forget(failures, SLV_CONTAINER(failures->list.next, struct image_failure, link));

	struct image_failure *failure = SLV_ALLOC(struct image_failure);
	failure->key = *key;
	failure->until_ms = attempt->ended_ms + lasts_ms(attempt->cost_ms);
	failure->told = told;
	failure->code = err.code;
	snprintf(failure->what, sizeof(failure->what), "%s", err.what ? err.what : "failed");
	slv_list_push(&failures->list, &failure->link);
	slv_map_put(&failures->map, name_of(&failure->key.variant), failure);
}

const struct image_failure *image_failures_find(
		struct image_failures *failures, const struct slv_digest *variant, uint64_t now_ms)
{
	const struct image_failure *failure = slv_map_get(&failures->map, name_of(variant));
	return failure && failure->until_ms > now_ms ? failure : NULL;
}

void image_failures_forget(struct image_failures *failures, const struct slv_digest *variant)
{
	struct image_failure *failure = slv_map_get(&failures->map, name_of(variant));
	if (failure)
		forget(failures, failure);
}

void image_failures_forget_source(struct image_failures *failures, const struct slv_digest *source)
{
	struct slv_list *next;
	for (struct slv_list *at = failures->list.next; at != &failures->list; at = next) {
		struct image_failure *failure = SLV_CONTAINER(at, struct image_failure, link);
		next = at->next;
		if (memcmp(&failure->key.source, source, sizeof(*source)) == 0)
			forget(failures, failure);
	}
}

void image_failures_forget_all(struct image_failures *failures)
{
	while (!slv_list_empty(&failures->list))
		forget(failures, SLV_CONTAINER(failures->list.next, struct image_failure, link));
}
