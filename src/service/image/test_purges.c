#include "service/image/purges.h"

#include "base/mem.h"
#include "base/testing.h"

#include <string.h>

static struct slv_cache_key key_of(unsigned source, unsigned variant)
{
	struct slv_cache_key key = { 0 };
	memcpy(key.source.bytes, &source, sizeof(source));
	memcpy(key.variant.bytes, &variant, sizeof(variant));
	return key;
}

static void purge_another(struct image_purges *purges, unsigned variant)
{
	struct slv_cache_key key = key_of(9, 100 + variant);
	image_purges_add_variant(purges, &key.variant);
}

static int setup(void **state)
{
	*state = SLV_ALLOC(struct image_purges);
	return 0;
}

static int teardown(void **state)
{
	slv_free(*state);
	return 0;
}

static void a_purge_covers_what_it_names_and_nothing_else(void **state)
{
	struct image_purges *purges = *state;
	struct slv_cache_key own = key_of(1, 2), sibling = key_of(1, 3), other = key_of(2, 1);
	assert_false(image_purges_cover(purges, 0, &own));
	image_purges_add_variant(purges, &own.variant);
	assert_true(image_purges_cover(purges, 0, &own));
	assert_false(image_purges_cover(purges, 0, &sibling));
	assert_false(image_purges_cover(purges, 0, &other));
	image_purges_add_source(purges, &own.source);
	assert_true(image_purges_cover(purges, 1, &own));
	assert_true(image_purges_cover(purges, 1, &sibling));
	assert_false(image_purges_cover(purges, 0, &other)); /* whose variant is that number */
	image_purges_add_all(purges);
	assert_true(image_purges_cover(purges, 2, &other));
}

static void what_was_purged_before_does_not_count(void **state)
{
	struct image_purges *purges = *state;
	struct slv_cache_key own = key_of(1, 2);
	image_purges_add_all(purges);
	image_purges_add_source(purges, &own.source);
	image_purges_add_variant(purges, &own.variant);
	assert_true(image_purges_cover(purges, 2, &own));
	assert_false(image_purges_cover(purges, 3, &own));
}

static void as_many_as_are_kept_are_told_apart_and_one_more_is_all(void **state)
{
	struct image_purges *purges = *state;
	struct slv_cache_key own = key_of(1, 2), other = key_of(3, 4);
	image_purges_add_source(purges, &other.source); /* before both began */
	image_purges_add_source(purges, &own.source);
	for (unsigned i = 1; i < IMAGE_PURGES_KEPT; i++)
		purge_another(purges, i);
	assert_int_equal(purges->count, IMAGE_PURGES_KEPT + 1);
	assert_true(image_purges_cover(purges, 1, &own)); /* by the oldest that is kept */
	assert_false(image_purges_cover(purges, 1, &other));
	assert_false(image_purges_cover(purges, 2, &own));
	purge_another(purges, 0);
	assert_true(image_purges_cover(purges, 1, &other)); /* nobody knows any more */
	assert_true(image_purges_cover(purges, 1, &own));
	assert_false(image_purges_cover(purges, 2, &other));
	assert_false(image_purges_cover(purges, 2, &own));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_purge_covers_what_it_names_and_nothing_else),
		T(what_was_purged_before_does_not_count),
		T(as_many_as_are_kept_are_told_apart_and_one_more_is_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
