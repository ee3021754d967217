/* fuzz_accept.c - weights stay in their bounds and depend on nothing that they should not */
#include "base/assert.h"
#include "base/attr.h"
#include "http/accept.h"

#include <string.h>

#define VALUE_BYTES_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const slv_str types[] = { SLV_STR_INIT("image/avif"), SLV_STR_INIT("image/webp"),
	SLV_STR_INIT("application/json"), SLV_STR_INIT("text/plain"), SLV_STR_INIT("x/y") };

static void check_bounds(const struct slv_accept *accept)
{
	slv_assert(accept->count <= accept->seen && accept->seen <= SLV_ACCEPT_MAX);
	for (size_t i = 0; i < SLV_COUNT(types); i++) {
		unsigned q = slv_accept_q(accept, types[i]);
		unsigned named = slv_accept_q_named(accept, types[i]);
		slv_assert(q <= 1000 && (named == 0 || named == q));
	}
	if (slv_accept_prefers_json(accept))
		slv_assert(slv_accept_q(accept, types[2]) > 0);
}

static void check_same(const struct slv_accept *a, const struct slv_accept *b, size_t from)
{
	for (size_t i = from; i < SLV_COUNT(types); i++) {
		slv_assert(slv_accept_q(a, types[i]) == slv_accept_q(b, types[i]));
		slv_assert(slv_accept_q_named(a, types[i]) == slv_accept_q_named(b, types[i]));
	}
}

/* Upper case means the same. */
static void check_case(const struct slv_accept *accept, slv_str value)
{
	char text[VALUE_BYTES_MAX];
	struct slv_accept upper;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		text[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
	}
	slv_accept_init(&upper);
	slv_accept_add(&upper, (slv_str){ text, value.len });
	check_same(accept, &upper, 0);
}

/* An element in front weighs its own type and leaves the others alone. */
static void check_front(const struct slv_accept *accept, slv_str value)
{
	struct slv_accept more;
	slv_accept_init(&more);
	slv_accept_add(&more, SLV_STR("image/avif;q=0.123"));
	slv_accept_add(&more, value);
	unsigned before = slv_accept_q_named(accept, types[0]);
	if (accept->seen == SLV_ACCEPT_MAX)
		return; /* one at the end may have fallen off */
	slv_assert(slv_accept_q(&more, types[0]) == (before > 123 ? before : 123));
	if (accept->told)
		check_same(accept, &more, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str value = { (const char *)data, size };
	struct slv_accept accept;
	if (size > VALUE_BYTES_MAX)
		return 0;
	slv_accept_init(&accept);
	slv_accept_add(&accept, value);
	check_bounds(&accept);
	check_case(&accept, value);
	check_front(&accept, value);
	return 0;
}
