#include "service/image/testing.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Bytes whose digest is still worked out at once. */
#define AT_ONCE_BYTES SLV_KIB(256)

/* --- those who meet --- */

static void identical_questions_meet_in_one_flight_and_one_load(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[5];
	bench_ask(bench, &waiters[0], "width=5", "/a.png");
	bench_ask(bench, &waiters[1], "width=5", "/a.png");
	assert_int_equal(bench->source_count, 1);
	assert_string_equal(bench->sources[0].target, "/a.png");
	bench_give(bench, 0);
	bench_ask(bench, &waiters[2], "w=5", "/a.png");
	struct bench_job job = bench_job(bench);
	assert_int_equal(bench_jobs(bench), 0);
	assert_string_equal(job.source, BENCH_PICTURE);
	assert_int_equal(job.plan.width, 5);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&waiters[0], IMAGE_MADE, "made");
	expect_told(&waiters[1], IMAGE_COALESCED, "made");
	expect_told(&waiters[2], IMAGE_COALESCED, "made");
	assert_string_equal(waiters[0].etag, waiters[1].etag);
	assert_int_equal(bench->source_count, 1);
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	assert_true(bench_keeps(bench, &recipe));
}

static void different_options_share_one_source(void **state)
{
	struct bench *bench = *state;
	struct waiter small, large, later;
	bench_ask(bench, &small, "width=5", "/a.png");
	bench_ask(bench, &large, "width=6", "/a.png");
	assert_int_equal(bench->source_count, 1);
	bench_give(bench, 0);
	struct bench_job first = bench_job(bench), second = bench_job(bench);
	bench_made(bench, &first, SLV_STR("first"));
	bench_made(bench, &second, SLV_STR("second"));
	expect_told(&small, IMAGE_MADE, first.plan.width == 5 ? "first" : "second");
	expect_told(&large, IMAGE_MADE, first.plan.width == 5 ? "second" : "first");
	bench_ask(bench, &later, "width=7", "/a.png");
	struct bench_job third = bench_job(bench);
	bench_made(bench, &third, SLV_STR("third"));
	expect_told(&later, IMAGE_MADE, "third");
	assert_int_equal(bench->source_count, 1); /* it was kept */
}

static void different_sources_are_different_flights(void **state)
{
	struct bench *bench = *state;
	struct waiter a, b;
	bench_ask(bench, &a, "width=5", "/a.png");
	bench_ask(bench, &b, "width=5", "/b.png");
	assert_int_equal(bench->source_count, 2);
	bench_source(bench, 0, 404, SLV_STR(""), NULL);
	expect_failed(&a, SLV_E_MISSING, "not there");
	assert_int_equal(b.told, 0);
	bench_give(bench, 1);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("b"));
	expect_told(&b, IMAGE_MADE, "b");
}

static void overlays_are_sources_too(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter, failing;
	struct image_recipe recipe = bench_recipe_with_draw(bench);
	bench_ask_recipe(bench, &waiter, &recipe);
	bench_turn(bench);
	assert_int_equal(bench->source_count, 2);
	assert_string_equal(bench->sources[1].target, "/logo.png");
	bench_give(bench, 1);
	assert_int_equal(bench_jobs(bench), 0);
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	assert_int_equal(job.fd_count, 2);
	bench_made(bench, &job, SLV_STR("both"));
	expect_told(&waiter, IMAGE_MADE, "both");

	recipe.draws[0] = SLV_STR("/none.png");
	recipe.key.variant = slv_image_variant_key(&recipe.key.source, &recipe.plan, recipe.draws);
	bench_ask_recipe(bench, &failing, &recipe);
	bench_turn(bench);
	bench_source(bench, 2, 403, SLV_STR(""), NULL);
	expect_failed(&failing, SLV_E_DENIED, "does not hand it out");
}

/* --- those who fail together --- */

static void a_failing_job_fails_all_its_waiters_with_its_own_status(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3], other;
	for (size_t i = 0; i < SLV_COUNT(waiters); i++)
		bench_ask(bench, &waiters[i], "width=5", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_ask(bench, &other, "width=6", "/a.png");
	bench_not_made(bench, &job, SLV_E_CORRUPT, "the picture is torn");
	for (size_t i = 0; i < SLV_COUNT(waiters); i++)
		expect_failed(&waiters[i], SLV_E_CORRUPT, "the picture is torn");
	assert_int_equal(other.told, 0);
	struct bench_job good = bench_job(bench);
	bench_made(bench, &good, SLV_STR("good"));
	expect_told(&other, IMAGE_MADE, "good");
}

static void a_failing_load_fails_all_flights_that_wait_for_it(void **state)
{
	struct bench *bench = *state;
	struct waiter a, b;
	bench_ask(bench, &a, "width=5", "/a.png");
	bench_ask(bench, &b, "width=6", "/a.png");
	bench_source(bench, 0, 503, SLV_STR(""), NULL);
	expect_failed(&a, SLV_E_BUSY, "overloaded");
	expect_failed(&b, SLV_E_BUSY, "overloaded");
}

static void what_failed_is_tried_again_by_the_next(void **state)
{
	struct bench *bench = *state;
	struct waiter first, next;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_source(bench, 0, 500, SLV_STR(""), NULL);
	expect_failed(&first, SLV_E_UPSTREAM, "did not answer with a picture");
	bench_ask(bench, &next, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 2);
	bench_source(bench, 1, 410, SLV_STR(""), NULL);
	expect_failed(&next, SLV_E_MISSING, "not there");
}

static void an_svg_is_passed_on_only_where_the_settings_say_so(void **state)
{
	struct bench *bench = *state;
	struct waiter passed, refused;
	bench_ask(bench, &passed, "width=5", "/a.svg");
	bench_source(bench, 0, 200, SLV_STR("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), NULL);
	struct bench_job job = bench_job(bench);
	assert_int_equal(job.plan.format, SLV_FORMAT_SVG);
	bench_made(bench, &job, SLV_STR("<svg/>"));
	expect_told(&passed, IMAGE_MADE, "<svg/>");
	bench->conf.svg = false;
	bench_ask(bench, &refused, "width=6", "/a.svg");
	expect_failed(&refused, SLV_E_MEDIA, "images.svg");
	assert_int_equal(bench_jobs(bench), 0);
}

/* --- results --- */

/* Ask for `width`, have a result of `len` bytes, and look that its ETag is its digest's. */
static void make_large(struct bench *bench, const char *options, size_t len)
{
	struct waiter waiter;
	char expected[40], *bytes = slv_alloc(len);
	memset(bytes, 'x', len);
	bench_ask(bench, &waiter, options, "/a.png");
	if (bench->source_count == 1 && bench->sources[0].req)
		bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, (slv_str){ bytes, len });
	while (!waiter.told)
		slv_loop_turn(bench->loop, true);
	assert_int_equal(waiter.code, SLV_E_NONE);
	assert_int_equal(waiter.bytes, len);
	slv_str body = { bytes, len };
	struct slv_digest digest = slv_sha256(&body, 1);
	for (size_t i = 0; i < 16; i++)
		snprintf(expected + 1 + 2 * i, 3, "%02x", digest.bytes[i]);
	expected[0] = expected[33] = '"';
	expected[34] = 0;
	assert_string_equal(waiter.etag, expected);
	slv_free(bytes);
}

static void the_etag_is_the_digest_of_small_and_of_large_results(void **state)
{
	struct bench *bench = *state;
	make_large(bench, "width=5", 1);
	make_large(bench, "width=6", AT_ONCE_BYTES);
	make_large(bench, "width=7", AT_ONCE_BYTES + 1);
	make_large(bench, "width=8", SLV_MIB(4));
}

static void facts_are_told_as_json(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_ask(bench, &waiter, "width=5,format=json", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	assert_true(job.plan.info_only);
	bench_made(bench, &job, SLV_STR(""));
	assert_int_equal(waiter.how, IMAGE_MADE);
	assert_memory_equal(waiter.body, "{\"width\":5,\"height\":4,\"frames\":1,", 32);
}

/* --- AVIF --- */

#define SHARE_MS 601 /* 60 % of BENCH_JOB_MS, rounded up */

static struct bench_job begin_avif(struct bench *bench, struct waiter *waiter)
{
	bench_ask(bench, waiter, "width=5,format=avif", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	assert_int_equal(job.plan.format, SLV_FORMAT_AVIF);
	return job;
}

static void an_avif_that_takes_too_long_becomes_webp(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	begin_avif(bench, &waiter);
	bench_pass(bench, SHARE_MS - 1);
	assert_int_equal(bench->jails_ended + bench_jobs(bench), 0);
	bench_pass(bench, 1);
	assert_int_equal(bench->jails_ended, 1);
	struct bench_job fallback = bench_job(bench);
	assert_int_equal(fallback.plan.format, SLV_FORMAT_WEBP);
	bench_made(bench, &fallback, SLV_STR("webp"));
	expect_told(&waiter, IMAGE_MADE, "webp");
}

static void it_does_so_once(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	begin_avif(bench, &waiter);
	bench_pass(bench, SHARE_MS);
	(void)bench_job(bench); /* the fallback, which takes too long, too */
	bench_pass(bench, BENCH_JOB_MS - SHARE_MS - 1);
	assert_int_equal(waiter.told, 0);
	bench_pass(bench, 1);
	expect_failed(&waiter, SLV_E_TIMEOUT, "took longer");
	assert_int_equal(bench->jails_ended, 2);
	assert_int_equal(bench_jobs(bench), 0);
}

static void an_avif_that_only_waited_for_a_jail_is_tried_again(void **state)
{
	struct bench *bench = *state;
	struct waiter others[BENCH_JAILS], waiter;
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		bench_ask(bench, &others[i], i ? "width=6" : "width=7", "/b.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench), other = bench_job(bench);
	bench_ask(bench, &waiter, "width=5,format=avif", "/a.png");
	bench_give(bench, 1);
	bench_pass(bench, SHARE_MS + 50);
	bench_made(bench, &job, SLV_STR("one"));
	bench_made(bench, &other, SLV_STR("two"));
	job = bench_job(bench);
	assert_int_equal(job.plan.format, SLV_FORMAT_AVIF);
	bench_made(bench, &job, SLV_STR("avif"));
	expect_told(&waiter, IMAGE_MADE, "avif");
	assert_int_equal(bench->jails_ended, 0);
}

static void an_avif_that_fails_otherwise_stays_failed(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct bench_job job = begin_avif(bench, &waiter);
	bench_not_made(bench, &job, SLV_E_CORRUPT, "torn");
	expect_failed(&waiter, SLV_E_CORRUPT, "torn");
	assert_int_equal(bench_jobs(bench), 0);
}

static void who_joins_an_avif_does_not_delay_the_fallback(void **state)
{
	struct bench *bench = *state;
	struct waiter first, second;
	begin_avif(bench, &first);
	bench_pass(bench, 500);
	bench_ask(bench, &second, "width=5,format=avif", "/a.png");
	bench_pass(bench, SHARE_MS - 500);
	struct bench_job fallback = bench_job(bench);
	bench_pass(bench, BENCH_JOB_MS - SHARE_MS);
	expect_failed(&first, SLV_E_TIMEOUT, "took longer");
	bench_pass(bench, 499); /* the fallback has the time of the second */
	bench_made(bench, &fallback, SLV_STR("webp"));
	expect_told(&second, IMAGE_COALESCED, "webp");
}

/* --- deadlines --- */

static void who_joins_late_has_time_of_his_own_for_the_source(void **state)
{
	struct bench *bench = *state;
	struct waiter first, second;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_pass(bench, 900);
	bench_ask(bench, &second, "width=5", "/a.png");
	bench_pass(bench, 99);
	assert_int_equal(first.told, 0);
	bench_pass(bench, 1);
	expect_failed(&first, SLV_E_TIMEOUT, "the source took longer than job_ms");
	bench_pass(bench, 899);
	assert_int_equal(second.told, 0);
	assert_int_equal(bench->source_count, 1);
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&second, IMAGE_COALESCED, "made");
}

static void who_joins_late_has_time_of_his_own_for_the_job(void **state)
{
	struct bench *bench = *state;
	struct waiter first, second;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_pass(bench, 900);
	bench_ask(bench, &second, "width=5", "/a.png");
	bench_pass(bench, 100);
	expect_failed(&first, SLV_E_TIMEOUT, "the picture took longer than job_ms");
	bench_pass(bench, 899);
	assert_int_equal(bench->jails_ended + second.told, 0);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&second, IMAGE_COALESCED, "made");
}

static void work_ends_when_the_last_time_is_up(void **state)
{
	struct bench *bench = *state;
	struct waiter first, second;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_give(bench, 0);
	(void)bench_job(bench); /* it hangs */
	bench_pass(bench, 900);
	bench_ask(bench, &second, "width=5", "/a.png");
	bench_pass(bench, 999);
	assert_int_equal(first.told, 1);
	assert_int_equal(bench->jails_ended + second.told, 0);
	bench_pass(bench, 1);
	expect_failed(&second, SLV_E_TIMEOUT, "took longer");
	assert_int_equal(bench->jails_ended, 1);
}

static void endless_joiners_do_not_keep_a_flight_alive(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[30];
	uint64_t asked_ms[SLV_COUNT(waiters)];
	for (size_t i = 0; i < SLV_COUNT(waiters); i++) {
		asked_ms[i] = bench->now_ms;
		bench_ask(bench, &waiters[i], "width=5", "/hangs.png");
		bench_pass(bench, BENCH_JOB_MS / 10);
	}
	bench_pass(bench, BENCH_JOB_MS);
	for (size_t i = 0; i < SLV_COUNT(waiters); i++) {
		expect_failed(&waiters[i], SLV_E_TIMEOUT, "the source took longer than job_ms");
		/* The last ones' time was up in the last pass. */
		if (i < SLV_COUNT(waiters) - 10)
			assert_int_equal(waiters[i].told_ms - asked_ms[i], BENCH_JOB_MS);
	}
	assert_int_equal(bench->source_count, 3); /* one in each job_ms */
}

static void a_flight_is_joined_in_its_first_job_ms(void **state)
{
	struct bench *bench = *state;
	struct waiter first, joins, begins;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_pass(bench, BENCH_JOB_MS - 1);
	bench_ask(bench, &joins, "width=5", "/a.png");
	assert_int_equal(bench_jobs(bench), 0);
	bench_pass(bench, 1);
	bench_ask(bench, &begins, "width=5", "/a.png");
	struct bench_job other = bench_job(bench);
	bench_made(bench, &job, SLV_STR("old"));
	bench_made(bench, &other, SLV_STR("new"));
	expect_failed(&first, SLV_E_TIMEOUT, "took longer");
	expect_told(&joins, IMAGE_COALESCED, "old");
	expect_told(&begins, IMAGE_MADE, "new");
}

static void a_load_goes_on_for_the_flight_that_joined_it(void **state)
{
	struct bench *bench = *state;
	struct waiter first, second;
	bench_ask(bench, &first, "width=5", "/a.png");
	bench_pass(bench, 900);
	bench_ask(bench, &second, "width=6", "/a.png");
	bench_pass(bench, 100);
	expect_failed(&first, SLV_E_TIMEOUT, "the source took longer than job_ms");
	bench_pass(bench, 899);
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	assert_int_equal(job.plan.width, 6);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&second, IMAGE_MADE, "made");
	assert_int_equal(bench_jobs(bench), 0);
}

static void a_picture_that_came_does_not_wait_for_a_hanging_overlay(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	struct image_recipe recipe = bench_recipe_with_draw(bench);
	bench_ask_recipe(bench, &waiter, &recipe);
	bench_turn(bench);
	bench_give(bench, 0);
	bench_pass(bench, BENCH_JOB_MS);
	expect_failed(&waiter, SLV_E_TIMEOUT, "the source took longer than job_ms");
	bench_give(bench, 1); /* too late, and for nobody */
	assert_int_equal(bench_jobs(bench), 0);
}

static void a_source_that_comes_when_all_time_is_up_is_dropped(void **state)
{
	struct bench *bench = *state;
	struct waiter late, next;
	bench_ask(bench, &late, "width=5", "/a.png");
	bench_pass(bench, BENCH_JOB_MS);
	expect_failed(&late, SLV_E_TIMEOUT, "the source took longer than job_ms");
	bench_give(bench, 0);
	assert_int_equal(bench_jobs(bench), 0);
	bench_ask(bench, &next, "width=5", "/a.png");
	assert_int_equal(bench->source_count, 2);
	bench_source(bench, 1, 404, SLV_STR(""), NULL);
	expect_failed(&next, SLV_E_MISSING, "not there");
}

static void the_time_of_the_source_counts(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench_pass(bench, 600);
	bench_give(bench, 0);
	(void)bench_job(bench); /* it hangs */
	bench_pass(bench, 399);
	assert_int_equal(waiter.told + bench->jails_ended, 0);
	bench_pass(bench, 1);
	expect_failed(&waiter, SLV_E_TIMEOUT, "took longer");
	assert_int_equal(bench->jails_ended, 1);
}

/* --- those who go --- */

static void who_cancels_leaves_the_others(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3];
	for (size_t i = 0; i < SLV_COUNT(waiters); i++)
		bench_ask(bench, &waiters[i], "width=5", "/a.png");
	image_ask_cancel(waiters[0].ask);
	image_ask_cancel(waiters[1].ask);
	bench_turn(bench);
	assert_int_equal(bench->unheard, 2);
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&waiters[2], IMAGE_COALESCED, "made");
	assert_int_equal(waiters[0].told + waiters[1].told, 0);
}

static void what_nobody_waits_for_is_kept_all_the_same(void **state)
{
	struct bench *bench = *state;
	struct waiter gone, back;
	bench_ask(bench, &gone, "width=5", "/a.png");
	image_ask_cancel(gone.ask);
	bench_turn(bench);
	bench_give(bench, 0);
	struct bench_job job = bench_job(bench);
	bench_ask(bench, &back, "width=5", "/a.png");
	bench_made(bench, &job, SLV_STR("made"));
	expect_told(&back, IMAGE_COALESCED, "made");
	assert_int_equal(gone.told, 0);
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	assert_true(bench_keeps(bench, &recipe));
}

static void who_cancels_what_was_just_told_is_told_once(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter;
	bench_ask(bench, &waiter, "width=5", "/a.png");
	bench->now_ms += BENCH_JOB_MS; /* its time is up, but no turn has seen it */
	image_ask_cancel(waiter.ask);
	bench_turn(bench);
	assert_int_equal(waiter.told, 0);
	assert_int_equal(bench->unheard, 1);
}

/* --- bounds --- */

static void so_many_flights_and_no_more(void **state)
{
	struct bench *bench = *state;
	struct waiter *waiters = slv_alloc((IMAGE_FLIGHTS_MAX + 2) * sizeof(*waiters));
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	for (uint32_t i = 0; i < IMAGE_FLIGHTS_MAX + 1; i++) {
		memcpy(recipe.key.variant.bytes, &i, sizeof(i));
		bench_ask_recipe(bench, &waiters[i], &recipe);
	}
	bench_turn(bench);
	assert_int_equal(waiters[IMAGE_FLIGHTS_MAX - 1].told, 0);
	expect_failed(&waiters[IMAGE_FLIGHTS_MAX], SLV_E_BUSY, "4096 pictures");
	/* One that is on its way may still be joined. */
	uint32_t first = 0;
	memcpy(recipe.key.variant.bytes, &first, sizeof(first));
	bench_ask_recipe(bench, &waiters[IMAGE_FLIGHTS_MAX + 1], &recipe);
	bench_turn(bench);
	assert_int_equal(waiters[IMAGE_FLIGHTS_MAX + 1].told, 0);
	assert_int_equal(bench->source_count, 1);
	bench_source(bench, 0, 404, SLV_STR(""), NULL);
	for (uint32_t i = 0; i < IMAGE_FLIGHTS_MAX; i++)
		expect_failed(&waiters[i], SLV_E_MISSING, "not there");
	bench_ask(bench, &waiters[0], "width=5", "/b.png");
	assert_int_equal(bench->source_count, 2); /* there is room again */
	bench_source(bench, 1, 404, SLV_STR(""), NULL);
	slv_free(waiters);
}

static void so_many_asks_and_no_more(void **state)
{
	struct bench *bench = *state;
	struct waiter *waiters = slv_alloc((IMAGE_ASKS_MAX + 1) * sizeof(*waiters));
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	for (uint32_t i = 0; i < IMAGE_ASKS_MAX + 1; i++)
		bench_ask_recipe(bench, &waiters[i], &recipe);
	bench_turn(bench);
	for (uint32_t i = 0; i < IMAGE_ASKS_MAX; i++)
		assert_int_equal(waiters[i].told, 0);
	expect_failed(&waiters[IMAGE_ASKS_MAX], SLV_E_BUSY, "16384 requests");
	bench_source(bench, 0, 404, SLV_STR(""), NULL);
	for (uint32_t i = 0; i < IMAGE_ASKS_MAX; i++)
		expect_failed(&waiters[i], SLV_E_MISSING, "not there");
	slv_free(waiters);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(identical_questions_meet_in_one_flight_and_one_load),
		T(different_options_share_one_source),
		T(different_sources_are_different_flights),
		T(overlays_are_sources_too),
		T(a_failing_job_fails_all_its_waiters_with_its_own_status),
		T(a_failing_load_fails_all_flights_that_wait_for_it),
		T(what_failed_is_tried_again_by_the_next),
		T(an_svg_is_passed_on_only_where_the_settings_say_so),
		T(the_etag_is_the_digest_of_small_and_of_large_results),
		T(facts_are_told_as_json),
		T(an_avif_that_takes_too_long_becomes_webp),
		T(it_does_so_once),
		T(an_avif_that_only_waited_for_a_jail_is_tried_again),
		T(an_avif_that_fails_otherwise_stays_failed),
		T(who_joins_an_avif_does_not_delay_the_fallback),
		T(who_joins_late_has_time_of_his_own_for_the_source),
		T(who_joins_late_has_time_of_his_own_for_the_job),
		T(work_ends_when_the_last_time_is_up),
		T(endless_joiners_do_not_keep_a_flight_alive),
		T(a_flight_is_joined_in_its_first_job_ms),
		T(a_load_goes_on_for_the_flight_that_joined_it),
		T(a_picture_that_came_does_not_wait_for_a_hanging_overlay),
		T(a_source_that_comes_when_all_time_is_up_is_dropped),
		T(the_time_of_the_source_counts),
		T(who_cancels_leaves_the_others),
		T(what_nobody_waits_for_is_kept_all_the_same),
		T(who_cancels_what_was_just_told_is_told_once),
		T(so_many_flights_and_no_more),
		T(so_many_asks_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
