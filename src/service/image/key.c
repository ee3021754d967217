#include "service/image/key.h"

#include "base/assert.h"
#include "base/attr.h"

#include <string.h>

#define WORD_BYTES sizeof(uint64_t)
#define PLAN_WORDS (sizeof(struct slv_pixel_plan) / WORD_BYTES)

_Static_assert(sizeof(struct slv_pixel_plan) % WORD_BYTES == 0, "a plan is whole words");
_Static_assert(PLAN_WORDS <= UINT8_MAX, "a word's index is one byte");

#define STRING_(number) #number
#define STRING(number) STRING_(number)

/* A length before each text, so that no two lists of texts give the same bytes. */
struct length {
	uint8_t bytes[4];
};

static struct length length_of(size_t len)
{
	slv_assert(len <= UINT32_MAX);
	return (struct length){ { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
			(uint8_t)len } };
}

static slv_str bytes_of(const void *at, size_t len)
{
	return (slv_str){ at, len };
}

struct slv_digest slv_image_source_key(slv_str site, slv_str source)
{
	struct length site_len = length_of(site.len);
	const slv_str parts[] = {
		SLV_STR("image source " STRING(SLV_IMAGE_KEY_VERSION)),
		bytes_of(&site_len, sizeof(site_len)),
		site,
		source,
	};
	return slv_sha256(parts, SLV_COUNT(parts));
}

size_t slv_image_plan_bytes(
		const struct slv_pixel_plan *plan, uint8_t ret_bytes[SLV_IMAGE_PLAN_BYTES_MAX])
{
	const char *at = (const char *)plan;
	size_t len = 0;
	for (size_t i = 0; i < PLAN_WORDS; i++, at += WORD_BYTES) {
		uint64_t word;
		memcpy(&word, at, WORD_BYTES);
		if (!word)
			continue;
		ret_bytes[len++] = (uint8_t)i;
		memcpy(ret_bytes + len, &word, WORD_BYTES);
		len += WORD_BYTES;
	}
	return len;
}

struct slv_digest slv_image_variant_key(const struct slv_digest *source,
		const struct slv_pixel_plan *plan, const slv_str *draws)
{
	uint8_t plan_bytes[SLV_IMAGE_PLAN_BYTES_MAX];
	size_t plan_len = slv_image_plan_bytes(plan, plan_bytes);
	struct length lengths[1 + SLV_PIXEL_DRAWS_MAX] = { length_of(plan_len) };
	slv_str parts[4 + 2 * SLV_PIXEL_DRAWS_MAX] = {
		SLV_STR("image variant " STRING(SLV_IMAGE_KEY_VERSION)),
		bytes_of(source->bytes, sizeof(source->bytes)),
		bytes_of(&lengths[0], sizeof(lengths[0])),
		bytes_of(plan_bytes, plan_len),
	};
	size_t count = 4;
	slv_assert(plan->draw_count <= SLV_PIXEL_DRAWS_MAX);
	for (uint32_t i = 0; i < plan->draw_count; i++) {
		lengths[1 + i] = length_of(draws[i].len);
		parts[count++] = bytes_of(&lengths[1 + i], sizeof(lengths[0]));
		parts[count++] = draws[i];
	}
	return slv_sha256(parts, count);
}
