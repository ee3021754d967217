/* What flights know of the past: purges, renewals, failures. */
#include "service/image/testing.h"

#include "base/fd.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const slv_str picture = SLV_STR_INIT(BENCH_PICTURE);

/* --- purges --- */

static void what_is_purged_meanwhile_is_served_but_not_kept(void **state)
{
	struct bench *bench = *state;
	struct waiter before, after;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	struct slv_purge purge = { .what = SLV_PURGE_ALL };
	bench_ask(bench, &before, "width=5", "/a.png");
	bench_give(bench, 0);
	struct bench_job old = bench_job(bench);
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	bench_ask(bench, &after, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 2); /* the source was forgotten, too */
	bench_made(bench, &old, SLV_STR("old"));
	expect_told(&before, IMAGE_LOOSE, "old");
	assert_false(bench_keeps(bench, &recipe));
	bench_give(bench, 1);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("new"));
	expect_told(&after, IMAGE_MADE, "new");
	assert_true(bench_keeps(bench, &recipe));
}

static void a_purge_while_the_digest_is_worked_out_counts(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct slv_purge purge = { .what = SLV_PURGE_ALL };
	char *bytes = slv_alloc(SLV_MIB(4));
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_send_made(bench, &job, (slv_str){ bytes, SLV_MIB(4) });
	slv_free(bytes);
	slv_loop_turn(bench->loop, false); /* the answer comes; what it starts takes another turn */
	assert_int_equal(waiter.told, 0);
	(void)slv_image_service.purge(bench->self, &purge);
	while (!waiter.told)
		slv_loop_turn(bench->loop, true);
	assert_int_equal(waiter.how, IMAGE_LOOSE);
}

/* Have a flight in the jail's hands. */
static struct bench_job begin(struct bench *bench, struct waiter *waiter)
{
	bench_ask(bench, waiter, "width=5", "/a.png");
	if (bench->sources[bench->source_count - 1].req)
		bench_give(bench, bench->source_count - 1);
	return bench_job(bench);
}

static void what_has_nothing_to_do_with_a_flight_is_purged_beside_it(void **state)
{
	static const struct slv_purge purges[] = {
		{ .what = SLV_PURGE_SOURCE, .target = SLV_STR_INIT("/b.png") },
		{ .what = SLV_PURGE_URL, .target = SLV_STR_INIT("/i/width=6/a.png") },
		{ .what = SLV_PURGE_URL, .target = SLV_STR_INIT("/i/width=5/b.png") },
	};
	struct bench *bench = *state;
	struct waiter first, joins;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	struct bench_job job = begin(bench, &first);
	for (size_t i = 0; i < SLV_COUNT(purges); i++)
		assert_int_equal(slv_image_service.purge(bench->self, &purges[i]), 1);
	bench_ask(bench, &joins, "width=5", "/a.png");
	assert_int_equal(bench_jobs(bench), 0);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&first, IMAGE_MADE, "made");
	expect_told(&joins, IMAGE_COALESCED, "made");
	assert_true(bench_keeps(bench, &recipe));
}

static void each_kind_of_purge_parts_a_flight_from_those_who_come_later(void **state)
{
	static const struct slv_purge purges[] = {
		{ .what = SLV_PURGE_SOURCE, .target = SLV_STR_INIT("/a.png") },
		{ .what = SLV_PURGE_URL, .target = SLV_STR_INIT("/i/width=5/a.png") },
		{ .what = SLV_PURGE_ALL },
	};
	struct bench *bench = *state;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	for (size_t i = 0; i < SLV_COUNT(purges); i++) {
		struct waiter before, after;
		struct slv_purge all = { .what = SLV_PURGE_ALL };
		struct bench_job old = begin(bench, &before);
		assert_int_equal(slv_image_service.purge(bench->self, &purges[i]), 1);
		struct bench_job new = begin(bench, &after);
		bench_made(bench, &old, SLV_STR("old"));
		expect_told(&before, IMAGE_LOOSE, "old");
		assert_false(bench_keeps(bench, &recipe));
		bench_made(bench, &new, SLV_STR("new"));
		expect_told(&after, IMAGE_MADE, "new");
		assert_true(bench_keeps(bench, &recipe));
		assert_int_equal(slv_image_service.purge(bench->self, &all), 1);
	}
}

static void a_purged_link_parts_the_load_of_its_source_too(void **state)
{
	struct bench *bench = *state;
	struct waiter before, after, sibling;
	struct slv_purge purge = { .what = SLV_PURGE_URL, .target = SLV_STR("/i/width=5/a.png") };
	struct image_recipe recipe = bench_recipe(bench, "width=6", "/a.png");
	bench_ask(bench, &before, "width=5", "/a.png");
	bench_ask(bench, &sibling, "width=6", "/a.png");
	assert_int_equal(bench->source_count, 1);
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	bench_ask(bench, &after, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 2);
	bench_give(bench, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct bench_job job = bench_job(bench);
		bench_made(bench, &job, SLV_STR("old"));
	}
	expect_told(&before, IMAGE_LOOSE, "old");
	expect_told(&sibling, IMAGE_MADE, "old"); /* another link */
	assert_true(bench_keeps(bench, &recipe));
	bench_source(bench, 1, 200, SLV_STR("<!doctype html>"), NULL);
	expect_failed(&after, SLV_E_MEDIA, "no picture");
}

static void so_many_purges_of_others_change_nothing(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct bench_job job = begin(bench, &waiter);
	for (unsigned i = 0; i < 2000; i++) {
		char target[32];
		snprintf(target, sizeof(target), i % 2 ? "/%u.png" : "/i/width=5/%u.png", i);
		struct slv_purge purge = { .what = i % 2 ? SLV_PURGE_SOURCE : SLV_PURGE_URL,
			.target = slv_str_from(target) };
		assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	}
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&waiter, IMAGE_MADE, "made");
}

static void a_purged_overlay_counts_for_what_it_is_drawn_on(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct image_recipe recipe = bench_recipe_with_draw(bench);
	struct slv_purge purge = { .what = SLV_PURGE_SOURCE, .target = SLV_STR("/logo.png") };
	bench_ask_recipe(bench, &waiter, &recipe);
	bench_turn(bench);
	bench_give(bench, 0);
	bench_give(bench, 1);
	struct bench_job job = bench_job(bench);
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	bench_made(bench, &job, SLV_STR("both"));
	expect_told(&waiter, IMAGE_LOOSE, "both");
	assert_false(bench_keeps(bench, &recipe));
}

static void what_comes_of_a_private_source_is_not_kept(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_source(bench, 0, 200, picture, "private");
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("secret"));
	expect_told(&waiter, IMAGE_LOOSE, "secret");
	assert_false(bench_keeps(bench, &recipe));
}

static void what_is_being_made_of_a_source_that_becomes_private_is_not_kept(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	struct bench_job public = begin(bench, &waiter);
	bench_renew(bench, "width=6", "/a.png");
	bench_source(bench, 1, 200, picture, "private");
	struct bench_job private = bench_job(bench);
	bench_made(bench, &public, SLV_STR("of before"));
	expect_told(&waiter, IMAGE_LOOSE, "of before");
	assert_false(bench_keeps(bench, &recipe));
	bench_made(bench, &private, SLV_STR("secret"));
}

static void it_is_not_kept_either_if_the_source_was_not(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter, other, joins, later;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	struct bench_job public = begin(bench, &waiter);
	slv_cache_purge_all(bench->cache, bench->loop, NULL, NULL); /* as if it left for room */
	bench_ask(bench, &other, "width=6", "/a.png");
	bench_ask(bench, &joins, "width=6", "/a.png");
	bench_source(bench, 1, 200, picture, "private");
	struct bench_job private = bench_job(bench);
	bench_ask(bench, &later, "width=5", "/a.png"); /* not what was made when it was public */
	bench_made(bench, &public, SLV_STR("of before"));
	expect_told(&waiter, IMAGE_LOOSE, "of before");
	assert_false(bench_keeps(bench, &recipe));
	assert_int_equal(later.told, 0);
	bench_made(bench, &private, SLV_STR("secret"));
	expect_told(&other, IMAGE_LOOSE, "secret");
	expect_told(&joins, IMAGE_COALESCED, "secret"); /* those who wait for it are not parted */
	bench_source(bench, 2, 404, SLV_STR(""), NULL);
	expect_failed(&later, SLV_E_MISSING, "not there");
}

static void an_overlay_that_becomes_private_counts_too(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter, other;
	struct image_recipe recipe = bench_recipe_with_draw(bench);
	bench_ask_recipe(bench, &waiter, &recipe);
	bench_turn(bench);
	bench_give(bench, 0);
	bench_give(bench, 1);
	struct bench_job public = bench_job(bench);
	slv_cache_purge_all(bench->cache, bench->loop, NULL, NULL);
	bench_ask(bench, &other, "width=6", "/logo.png");
	bench_source(bench, 2, 200, picture, "private");
	bench_made(bench, &public, SLV_STR("both"));
	expect_told(&waiter, IMAGE_LOOSE, "both");
	assert_false(bench_keeps(bench, &recipe));
}

static void what_is_made_of_another_source_is_kept_all_the_same(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter, other;
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	struct bench_job job = begin(bench, &waiter);
	bench_ask(bench, &other, "width=5", "/b.png");
	bench_source(bench, 1, 200, picture, "private");
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&waiter, IMAGE_MADE, "made");
	assert_true(bench_keeps(bench, &recipe));
}

static void identical_questions_for_a_private_picture_meet(void **state)
{
	struct bench *bench = *state;
	struct waiter first, joins;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_source(bench, 0, 200, picture, "private");
	struct bench_job job = bench_job(bench);
	bench_ask(bench, &joins, "width=5", "/a.png");
	assert_int_equal(bench_jobs(bench), 0);
	bench_made(bench, &job, SLV_STR("secret"));
	expect_told(&first, IMAGE_LOOSE, "secret");
	expect_told(&joins, IMAGE_COALESCED, "secret");
}

/* --- renewals --- */

static void a_renewal_asks_the_source_though_it_is_fresh(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	bench_renew(bench, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 2);
	assert_string_equal(bench->sources[1].if_none_match, "\"v1\"");
	bench_source(bench, 1, 304, SLV_STR(""), NULL);
	job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("anew"));
	assert_int_equal(bench->unheard, 1);
}

static void a_renewal_is_refused_while_one_is_under_way(void **state)
{
	struct bench *bench = *state;
	bench_renew(bench, "width=5", "/a.png");
	bench_renew(bench, "width=5", "/a.png");
	assert_int_equal(bench->unheard, 1);
	assert_int_equal(bench->source_count, 1);
}

static void after_a_failure_renewals_pause_for_five_seconds(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_renew(bench, "width=5", "/a.png");
	bench_source(bench, 0, 500, SLV_STR(""), NULL);
	bench_pass(bench, 4999);
	bench_renew(bench, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 1);
	bench_renew(bench, "width=6", "/a.png"); /* another picture */
	assert_int_equal(bench->source_count, 2);
	bench_ask(bench, &waiter, "width=5", "/b.png"); /* who waits is not refused */
	assert_int_equal(bench->source_count, 3);
	bench_source(bench, 2, 404, SLV_STR(""), NULL);
	expect_failed(&waiter, SLV_E_MISSING, "not there");
	bench_pass(bench, 1);
	bench_source(bench, 1, 500, SLV_STR(""), NULL);
	bench_renew(bench, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 4);
}

/* --- what fails --- */

/* Nothing is tried: the answer of before comes again. */
static void expect_known(struct bench *bench, const char *options, enum slv_code code)
{
	struct waiter waiter;
	unsigned sources = bench->source_count;
	bench_ask(bench, &waiter, options, "/a.png");
	assert_int_equal(bench->source_count, sources);
	assert_int_equal(bench_jobs(bench), 0);
	assert_int_equal(waiter.told, 1);
	assert_int_equal(waiter.how, IMAGE_KNOWN);
	assert_int_equal(waiter.code, code);
}

/* It is tried, and made. */
static void expect_made(struct bench *bench, const char *options)
{
	struct waiter waiter;
	bench_ask(bench, &waiter, options, "/a.png");
	if (bench->sources[bench->source_count - 1].req)
		bench_give(bench, bench->source_count - 1);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&waiter, IMAGE_MADE, "made");
}

static void fail_in_jail(struct bench *bench, enum slv_code code)
{
	struct waiter waiter;
	struct bench_job job = begin(bench, &waiter);
	bench_not_made(bench, &job, code, "it cannot be");
	expect_failed(&waiter, code, "it cannot be");
	assert_int_equal(waiter.how, IMAGE_NONE);
}

static void what_lies_in_the_picture_is_told_again_for_five_seconds(void **state)
{
	static const enum slv_code codes[] = { SLV_E_CORRUPT, SLV_E_LIMIT, SLV_E_MEDIA,
		SLV_E_UNSUPPORTED };
	struct bench *bench = *state;
	for (size_t i = 0; i < SLV_COUNT(codes); i++) {
		struct slv_purge all = { .what = SLV_PURGE_ALL };
		fail_in_jail(bench, codes[i]);
		expect_known(bench, "width=5", codes[i]);
		bench_pass(bench, IMAGE_FAILURE_MS - 1);
		expect_known(bench, "width=5", codes[i]);
		bench_pass(bench, 1);
		expect_made(bench, "width=5");
		assert_int_equal(slv_image_service.purge(bench->self, &all), 1);
	}
}

static void what_fails_in_one_way_may_be_made_in_another(void **state)
{
	struct bench *bench = *state;
	fail_in_jail(bench, SLV_E_CORRUPT);
	expect_made(bench, "width=6");
	expect_known(bench, "width=5", SLV_E_CORRUPT);
}

static void what_fails_for_want_of_room_is_tried_again(void **state)
{
	struct bench *bench = *state;
	fail_in_jail(bench, SLV_E_BUSY);
	expect_made(bench, "width=5");
}

static void fail_by_death(struct bench *bench)
{
	struct waiter waiter;
	struct bench_job job = begin(bench, &waiter);
	slv_fd_done(&bench->jails[job.jail].fd);
	bench_turn(bench);
	expect_failed(&waiter, SLV_E_INTERNAL, "image jail died");
}

static void a_jail_that_dies_costs_one_request_and_of_two_the_picture_is_blamed(void **state)
{
	struct bench *bench = *state;
	fail_by_death(bench);
	expect_made(bench, "width=6");
	fail_by_death(bench);
	expect_known(bench, "width=5", SLV_E_INTERNAL);
	bench_pass(bench, IMAGE_FAILURE_MS);
	expect_made(bench, "width=5");
}

static void a_picture_that_took_too_long_is_not_tried_at_once(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench->conf.job_ms = 12000;
	begin(bench, &waiter);
	bench_pass(bench, 12000);
	expect_failed(&waiter, SLV_E_TIMEOUT, "took longer");
	bench_pass(bench, 11999); /* for as long as it took */
	expect_known(bench, "width=5", SLV_E_TIMEOUT);
	bench_pass(bench, 1);
	expect_made(bench, "width=5");
}

static void one_that_had_less_than_half_its_time_is_tried_again(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_pass(bench, BENCH_JOB_MS / 2 + 1); /* the source is slow */
	bench_give(bench, 0);
	(void)bench_job(bench);
	bench_pass(bench, BENCH_JOB_MS / 2 - 1);
	expect_failed(&waiter, SLV_E_TIMEOUT, "took longer");
	expect_made(bench, "width=5");
}

static void one_that_only_waited_is_tried_again(void **state)
{
	struct bench *bench = *state;
	struct waiter others[BENCH_JAILS], waiter;
	struct bench_job jobs[BENCH_JAILS];
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		bench_ask(bench, &others[i], i ? "width=6" : "width=7", "/b.png");
	bench_give(bench, 0);
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		jobs[i] = bench_job(bench);
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_give(bench, 1);
	bench_pass(bench, BENCH_JOB_MS - 1);
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		bench_ask(bench, &others[i], i ? "width=6" : "width=7", "/b.png"); /* more time */
	bench_pass(bench, 1);
	expect_failed(&waiter, SLV_E_TIMEOUT, "waited");
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		bench_made(bench, &jobs[i], SLV_STR("made"));
	expect_made(bench, "width=5");
}

/* Have `jobs` in all the jails. */
static void fill_jails(struct bench *bench, struct waiter *others, struct bench_job *jobs)
{
	unsigned asked = bench->source_count;
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		bench_ask(bench, &others[i], i ? "width=6" : "width=7", "/b.png");
	if (bench->source_count > asked)
		bench_give(bench, asked);
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		jobs[i] = bench_job(bench);
}

static void the_time_that_it_waited_for_a_jail_is_not_the_pictures(void **state)
{
	struct bench *bench = *state;
	struct waiter others[BENCH_JAILS], waiter;
	struct bench_job jobs[BENCH_JAILS];
	bench->conf.job_ms = 12000;
	for (unsigned i = 0; i < 2; i++) {
		/* To wait for half of the time and 1 ms leaves less than what is blamed. */
		uint64_t waits_ms = i ? 6000 : 6001;
		struct slv_purge all = { .what = SLV_PURGE_ALL };
		(void)slv_image_service.purge(bench->self, &all);
		fill_jails(bench, others, jobs);
		bench_ask(bench, &waiter, "width=5", "/a.png");
		bench_give(bench, bench->source_count - 1);
		bench_pass(bench, waits_ms);
		for (unsigned k = 0; k < BENCH_JAILS; k++)
			bench_made(bench, &jobs[k], SLV_STR("made"));
		(void)bench_job(bench);
		bench_pass(bench, 12000 - waits_ms);
		expect_failed(&waiter, SLV_E_TIMEOUT, "took longer");
		if (!i)
			expect_made(bench, "width=5");
	}
	bench_pass(bench, 5999); /* as long as it ran */
	expect_known(bench, "width=5", SLV_E_TIMEOUT);
	bench_pass(bench, 1);
	expect_made(bench, "width=5");
}

static void both_tries_of_an_avif_count(void **state)
{
	static const char options[] = "width=5,format=avif";
	struct bench *bench = *state;
	struct waiter waiter;
	bench->conf.job_ms = 20000;
	bench_ask(bench, &waiter, options, "/a.png");
	bench_give(bench, 0);
	(void)bench_job(bench);
	bench_pass(bench, 12001);
	struct bench_job fallback = bench_job(bench);
	assert_int_equal(fallback.plan.format, SLV_FORMAT_WEBP);
	bench_pass(bench, 7999);
	expect_failed(&waiter, SLV_E_TIMEOUT, "took longer");
	bench_pass(bench, 19999);
	expect_known(bench, options, SLV_E_TIMEOUT);
	bench_pass(bench, 1);
	expect_made(bench, options);
}

static void slow_deaths_are_told_too(void **state)
{
	struct bench *bench = *state;
	bench->conf.job_ms = 12000;
	for (unsigned i = 0; i < 2; i++) {
		struct waiter waiter;
		struct bench_job job = begin(bench, &waiter);
		bench_pass(bench, 7000);
		slv_fd_done(&bench->jails[job.jail].fd);
		bench_turn(bench);
		expect_failed(&waiter, SLV_E_INTERNAL, "image jail died");
	}
	expect_known(bench, "width=5", SLV_E_INTERNAL);
}

static void after_a_slow_failure_renewals_pause_for_five_seconds_too(void **state)
{
	struct bench *bench = *state;
	bench->conf.job_ms = 12000;
	bench_renew(bench, "width=5", "/a.png");
	bench_give(bench, 0);
	(void)bench_job(bench);
	bench_pass(bench, 12000);
	assert_int_equal(bench->unheard, 1);
	bench_pass(bench, IMAGE_FAILURE_MS - 1);
	bench_renew(bench, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 1);
	bench_pass(bench, 1);
	bench_renew(bench, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 2);
}

static void a_purge_clears_what_failed(void **state)
{
	static const struct slv_purge purges[] = {
		{ .what = SLV_PURGE_SOURCE, .target = SLV_STR_INIT("/a.png") },
		{ .what = SLV_PURGE_URL, .target = SLV_STR_INIT("/i/width=5/a.png") },
		{ .what = SLV_PURGE_ALL },
	};
	static const struct slv_purge other = { .what = SLV_PURGE_SOURCE,
		.target = SLV_STR_INIT("/b.png") };
	struct bench *bench = *state;
	for (size_t i = 0; i < SLV_COUNT(purges); i++) {
		fail_in_jail(bench, SLV_E_CORRUPT);
		assert_int_equal(slv_image_service.purge(bench->self, &other), 1);
		expect_known(bench, "width=5", SLV_E_CORRUPT);
		assert_int_equal(slv_image_service.purge(bench->self, &purges[i]), 1);
	}
	expect_made(bench, "width=5");
}

static void what_was_purged_while_it_failed_is_not_remembered(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct slv_purge purge = { .what = SLV_PURGE_SOURCE, .target = SLV_STR("/a.png") };
	struct bench_job job = begin(bench, &waiter);
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	bench_not_made(bench, &job, SLV_E_CORRUPT, "torn");
	expect_failed(&waiter, SLV_E_CORRUPT, "torn");
	expect_made(bench, "width=5");
}

static void a_renewal_that_fails_hides_nothing_that_is_kept(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	expect_made(bench, "width=5");
	bench_renew(bench, "width=5", "/a.png");
	bench_source(bench, 1, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_not_made(bench, &job, SLV_E_CORRUPT, "torn");
	bench_renew(bench, "width=5", "/a.png"); /* not now */
	assert_int_equal(bench->source_count, 2);
	/* Whoever comes here has not found it in memory, but may on disk. */
	bench_ask(bench, &waiter, "width=5", "/a.png");
	job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&waiter, IMAGE_MADE, "made");
	bench_renew(bench, "width=5", "/a.png"); /* since it came right */
	assert_int_equal(bench->source_count, 3);
}

static void a_source_that_is_no_picture_is_not_asked_at_once_by_any_variant(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_source(bench, 0, 200, SLV_STR("<!doctype html>"), NULL);
	expect_failed(&waiter, SLV_E_MEDIA, "no picture");
	assert_int_equal(waiter.how, IMAGE_NONE);
	expect_known(bench, "width=5", SLV_E_MEDIA);
	expect_known(bench, "width=6", SLV_E_MEDIA);
	struct slv_purge purge = { .what = SLV_PURGE_URL, .target = SLV_STR("/i/width=7/a.png") };
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_source(bench, 1, 200, SLV_STR("<!doctype html>"), NULL);
	expect_failed(&waiter, SLV_E_MEDIA, "no picture");
	bench_pass(bench, IMAGE_FAILURE_MS);
	expect_made(bench, "width=6");
	expect_made(bench, "width=5");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_purged_meanwhile_is_served_but_not_kept),
		T(a_purge_while_the_digest_is_worked_out_counts),
		T(what_has_nothing_to_do_with_a_flight_is_purged_beside_it),
		T(each_kind_of_purge_parts_a_flight_from_those_who_come_later),
		T(a_purged_link_parts_the_load_of_its_source_too),
		T(so_many_purges_of_others_change_nothing),
		T(a_purged_overlay_counts_for_what_it_is_drawn_on),
		T(what_comes_of_a_private_source_is_not_kept),
		T(what_is_being_made_of_a_source_that_becomes_private_is_not_kept),
		T(it_is_not_kept_either_if_the_source_was_not),
		T(an_overlay_that_becomes_private_counts_too),
		T(what_is_made_of_another_source_is_kept_all_the_same),
		T(identical_questions_for_a_private_picture_meet),
		T(a_renewal_asks_the_source_though_it_is_fresh),
		T(a_renewal_is_refused_while_one_is_under_way),
		T(after_a_failure_renewals_pause_for_five_seconds),
		T(what_lies_in_the_picture_is_told_again_for_five_seconds),
		T(what_fails_in_one_way_may_be_made_in_another),
		T(what_fails_for_want_of_room_is_tried_again),
		T(a_jail_that_dies_costs_one_request_and_of_two_the_picture_is_blamed),
		T(a_picture_that_took_too_long_is_not_tried_at_once),
		T(one_that_had_less_than_half_its_time_is_tried_again),
		T(one_that_only_waited_is_tried_again),
		T(the_time_that_it_waited_for_a_jail_is_not_the_pictures),
		T(both_tries_of_an_avif_count),
		T(slow_deaths_are_told_too),
		T(after_a_slow_failure_renewals_pause_for_five_seconds_too),
		T(a_purge_clears_what_failed),
		T(what_was_purged_while_it_failed_is_not_remembered),
		T(a_renewal_that_fails_hides_nothing_that_is_kept),
		T(a_source_that_is_no_picture_is_not_asked_at_once_by_any_variant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
