#include "service/image/failures.h"

#include "base/testing.h"

#include <string.h>

#define NOW_MS 1000000u

static const slv_err torn = { .code = SLV_E_CORRUPT, .what = "torn" };
static const slv_err died = { .code = SLV_E_INTERNAL, .what = "image jail died" };

static struct slv_cache_key key_of(unsigned source, unsigned variant)
{
	struct slv_cache_key key = { 0 };
	memcpy(key.source.bytes, &source, sizeof(source));
	memcpy(key.variant.bytes, &variant, sizeof(variant));
	return key;
}

static int setup(void **state)
{
	*state = image_failures_new((struct slv_hash_key){ 0 });
	return 0;
}

static int teardown(void **state)
{
	image_failures_free(*state);
	return 0;
}

/* Began and failed then, with so much of a jail's time. */
static void fail_at(struct image_failures *failures, const struct slv_cache_key *key,
		uint64_t at_ms, uint64_t cost_ms, slv_err err)
{
	struct image_attempt attempt = { at_ms, at_ms, cost_ms };
	image_failures_add(failures, key, &attempt, err, true);
}

static void remember(struct image_failures *failures, unsigned source, unsigned variant)
{
	struct slv_cache_key key = key_of(source, variant);
	fail_at(failures, &key, NOW_MS, 0, torn);
}

static bool is_known(struct image_failures *failures, unsigned variant, uint64_t now_ms)
{
	struct slv_cache_key key = key_of(0, variant);
	return image_failures_find(failures, &key.variant, now_ms);
}

static void a_failure_is_known_with_its_reason(void **state)
{
	struct slv_cache_key key = key_of(1, 2);
	assert_null(image_failures_find(*state, &key.variant, NOW_MS));
	remember(*state, 1, 2);
	const struct image_failure *failure = image_failures_find(*state, &key.variant, NOW_MS);
	assert_non_null(failure);
	assert_true(failure->told);
	assert_int_equal(failure->code, SLV_E_CORRUPT);
	assert_string_equal(failure->what, "torn");
	assert_false(is_known(*state, 1, NOW_MS)); /* that is the source's number */
}

static void it_lapses_after_five_seconds(void **state)
{
	remember(*state, 1, 2);
	assert_true(is_known(*state, 2, NOW_MS + IMAGE_FAILURE_MS - 1));
	assert_false(is_known(*state, 2, NOW_MS + IMAGE_FAILURE_MS));
}

static void what_took_long_to_fail_is_known_for_as_long_within_bounds(void **state)
{
	static const struct {
		uint64_t took_ms, lasts_ms;
	} rows[] = {
		{ IMAGE_FAILURE_MS - 1, IMAGE_FAILURE_MS },
		{ IMAGE_FAILURE_MS, IMAGE_FAILURE_MS },
		{ IMAGE_FAILURE_MS + 1, IMAGE_FAILURE_MS + 1 },
		{ IMAGE_FAILURE_MS_MAX, IMAGE_FAILURE_MS_MAX },
		{ IMAGE_FAILURE_MS_MAX + 1, IMAGE_FAILURE_MS_MAX },
	};
	for (unsigned i = 0; i < SLV_COUNT(rows); i++) {
		struct slv_cache_key key = key_of(1, i);
		fail_at(*state, &key, NOW_MS, rows[i].took_ms, torn);
		assert_true(is_known(*state, i, NOW_MS + rows[i].lasts_ms - 1));
		assert_false(is_known(*state, i, NOW_MS + rows[i].lasts_ms));
	}
}

static void what_is_not_to_be_told_is_known_all_the_same(void **state)
{
	struct slv_cache_key key = key_of(1, 2);
	struct image_attempt attempt = { NOW_MS, NOW_MS, 0 };
	image_failures_add(*state, &key, &attempt, torn, false);
	assert_false(image_failures_find(*state, &key.variant, NOW_MS)->told);
}

static void of_two_deaths_in_time_the_second_is_told(void **state)
{
	struct slv_cache_key key = key_of(1, 2);
	fail_at(*state, &key, NOW_MS, 0, died);
	assert_false(image_failures_find(*state, &key.variant, NOW_MS)->told);
	fail_at(*state, &key, NOW_MS + IMAGE_FAILURE_MS, 0, died); /* too late */
	assert_false(image_failures_find(*state, &key.variant, NOW_MS + IMAGE_FAILURE_MS)->told);
	uint64_t later_ms = NOW_MS + 2 * IMAGE_FAILURE_MS - 1;
	fail_at(*state, &key, later_ms, 0, died);
	assert_true(image_failures_find(*state, &key.variant, later_ms)->told);
}

/* Each takes longer than the one before is told. */
static void of_slow_deaths_too_the_second_is_told(void **state)
{
	struct slv_cache_key key = key_of(1, 2);
	struct image_attempt first = { NOW_MS, NOW_MS + 7000, 7000 };
	struct image_attempt second = { NOW_MS + 7001, NOW_MS + 15000, 7000 };
	image_failures_add(*state, &key, &first, died, true);
	assert_false(is_known(*state, 2, NOW_MS + 14000)); /* somebody looks meanwhile */
	image_failures_add(*state, &key, &second, died, true);
	assert_true(image_failures_find(*state, &key.variant, NOW_MS + 15000)->told);
	struct image_attempt late = { NOW_MS + 22000, NOW_MS + 22001, 1 };
	image_failures_add(*state, &key, &late, died, true); /* begun when that was over */
	assert_false(image_failures_find(*state, &key.variant, NOW_MS + 22001)->told);
}

static void another_failure_before_is_no_death(void **state)
{
	struct slv_cache_key key = key_of(1, 2);
	remember(*state, 1, 2);
	fail_at(*state, &key, NOW_MS, 0, died);
	assert_false(image_failures_find(*state, &key.variant, NOW_MS)->told);
}

static void a_reason_is_cut_to_its_bound(void **state)
{
	char text[IMAGE_WHAT_BYTES + 1];
	struct slv_cache_key key = key_of(1, 2);
	memset(text, 'x', IMAGE_WHAT_BYTES);
	text[IMAGE_WHAT_BYTES] = 0;
	slv_err long_one = { .code = SLV_E_LIMIT, .what = text };
	fail_at(*state, &key, NOW_MS, 0, long_one);
	const struct image_failure *failure = image_failures_find(*state, &key.variant, NOW_MS);
	assert_int_equal(strlen(failure->what), IMAGE_WHAT_BYTES - 1);
}

static void one_a_source_and_all_are_forgotten(void **state)
{
	struct slv_cache_key key = key_of(1, 12);
	for (unsigned i = 0; i < 3; i++)
		remember(*state, 1, 10 + i);
	remember(*state, 2, 20);
	remember(*state, 3, 30);
	image_failures_forget(*state, &key.variant);
	image_failures_forget(*state, &key.variant); /* there is none any more */
	assert_false(is_known(*state, 12, NOW_MS));
	assert_true(is_known(*state, 10, NOW_MS) && is_known(*state, 11, NOW_MS));
	image_failures_forget_source(*state, &key.source);
	assert_false(is_known(*state, 10, NOW_MS) || is_known(*state, 11, NOW_MS));
	assert_true(is_known(*state, 20, NOW_MS) && is_known(*state, 30, NOW_MS));
	image_failures_forget_all(*state);
	assert_false(is_known(*state, 20, NOW_MS) || is_known(*state, 30, NOW_MS));
}

static void so_many_are_known_and_past_it_the_first_goes(void **state)
{
	for (unsigned i = 1; i <= IMAGE_FAILURES_MAX; i++)
		remember(*state, 1, i);
	for (unsigned i = 1; i <= IMAGE_FAILURES_MAX; i++)
		assert_true(is_known(*state, i, NOW_MS));
	remember(*state, 1, 1); /* anew: it needs no room, and is the last now */
	remember(*state, 1, IMAGE_FAILURES_MAX + 1);
	assert_true(is_known(*state, IMAGE_FAILURES_MAX + 1, NOW_MS));
	assert_true(is_known(*state, 1, NOW_MS));
	assert_false(is_known(*state, 2, NOW_MS));
	for (unsigned i = 3; i <= IMAGE_FAILURES_MAX; i++)
		assert_true(is_known(*state, i, NOW_MS));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_failure_is_known_with_its_reason),
		T(it_lapses_after_five_seconds),
		T(what_took_long_to_fail_is_known_for_as_long_within_bounds),
		T(what_is_not_to_be_told_is_known_all_the_same),
		T(of_two_deaths_in_time_the_second_is_told),
		T(of_slow_deaths_too_the_second_is_told),
		T(another_failure_before_is_no_death),
		T(a_reason_is_cut_to_its_bound),
		T(one_a_source_and_all_are_forgotten),
		T(so_many_are_known_and_past_it_the_first_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
