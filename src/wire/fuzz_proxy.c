/* A header is asked for more until it is complete, and then is what it is in one piece. */
#include "wire/proxy.h"

#include "base/assert.h"

#include <string.h>

static bool same_addr(const struct slv_addr *a, const struct slv_addr *b)
{
	return a->known == b->known && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	struct slv_proxy whole;
	size_t used = 0;
	slv_err err = slv_proxy_parse(bytes, &whole, &used);
	if (slv_failed(err))
		return 0;
	if (used == 0) {
		slv_assert(size < 16 + SLV_PROXY_V2_BYTES_MAX);
		return 0;
	}
	slv_assert(used <= size && used <= 16 + SLV_PROXY_V2_BYTES_MAX);
	slv_assert(whole.version == 2 || used <= SLV_PROXY_V1_BYTES_MAX);
	slv_assert(whole.source.known == whole.told && whole.dest.known == whole.told);
	for (size_t len = 0; len < used; len++) {
		struct slv_proxy part;
		size_t part_used = 1;
		err = slv_proxy_parse(slv_str_head(bytes, len), &part, &part_used);
		slv_assert(!slv_failed(err) && part_used == 0);
	}
	struct slv_proxy exact;
	size_t exact_used = 0;
	err = slv_proxy_parse(slv_str_head(bytes, used), &exact, &exact_used);
	slv_assert(!slv_failed(err) && exact_used == used);
	slv_assert(same_addr(&exact.source, &whole.source) && same_addr(&exact.dest, &whole.dest));
	return 0;
}
