#include "service/image/testing_source.h"

#include "base/mem.h"
#include "client/client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint32_t ttl_s(const struct stage *stage, const struct wanted *wanted)
{
	return (uint32_t)((wanted->source.fresh_until_ms - stage->bench->wall_ms) / 1000);
}

static struct slv_digest key_of(const struct stage *stage, slv_str source)
{
	return slv_image_source_key(stage->bench->self->site, source);
}

/* --- sharing --- */

static void who_wants_the_same_at_once_shares_a_load(void **state)
{
	struct stage *stage = *state;
	struct wanted one, two, other;
	stage_get(stage, &one, "/a.png?v=1");
	stage_get(stage, &two, "/a.png?v=1");
	stage_get(stage, &other, "/a.png?v=2");
	assert_int_equal(stage->bench->source_count, 2);
	assert_string_equal(stage->bench->sources[0].target, "/a.png?v=1");
	bench_source(stage->bench, 0, 200, stage_picture, NULL);
	expect_picture(&one);
	expect_picture(&two);
	assert_int_equal(other.done, 0);
	bench_source(stage->bench, 1, 200, stage_picture, NULL);
	expect_picture(&other);
}

static void a_request_inside_says_where_it_comes_from(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	stage_get_as(stage, &wanted,
			&(struct image_want){ .source = SLV_STR("/a.png"), .depth = 3 });
	assert_int_equal(stage->bench->sources[0].req->depth, 4);
	assert_int_equal(stage->bench->sources[0].req->site, 1);
	bench_source(stage->bench, 0, 508, SLV_STR(""), NULL);
	expect_error(&wanted, SLV_E_CYCLE, "leads back to itself");
}

/* --- keeping --- */

static void what_is_fresh_comes_from_the_cache(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	stage_get(stage, &wanted, "/a.png");
	stage_give(stage, NULL);
	bench_pass(stage->bench, 99999);
	stage_get(stage, &wanted, "/a.png");
	expect_picture(&wanted);
	assert_int_equal(stage->bench->source_count, 1);
	bench_pass(stage->bench, 1);
	stage_get(stage, &wanted, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	stage_give(stage, NULL);
}

static void what_is_stale_is_asked_for_by_its_etag(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	stage_get(stage, &wanted, "/a.png");
	assert_string_equal(stage->bench->sources[0].if_none_match, "");
	stage_give(stage, NULL);
	bench_pass(stage->bench, 100000);
	stage_get(stage, &wanted, "/a.png");
	assert_string_equal(stage->bench->sources[1].if_none_match, "\"v1\"");
	bench_source(stage->bench, 1, 304, SLV_STR(""), "max-age=20");
	expect_picture(&wanted);
	assert_int_equal(ttl_s(stage, &wanted), 20);
	bench_pass(stage->bench, 20000);
	stage_get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 2, 304, SLV_STR(""), NULL); /* as was said before */
	assert_int_equal(ttl_s(stage, &wanted), 20);
	bench_pass(stage->bench, 20000);
	stage_get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 3, 200, SLV_STR("\xff\xd8\xff another"), NULL);
	assert_int_equal(wanted.source.format, SLV_FORMAT_JPEG);
	assert_string_equal(wanted.body, "\xff\xd8\xff another");
}

static void a_304_may_bring_another_etag(void **state)
{
	struct stage *stage = *state;
	struct bench *bench = stage->bench;
	struct wanted wanted;
	char longest[128], too_long[129];
	memset(longest, 'e', sizeof(longest));
	memset(too_long, 'e', sizeof(too_long));
	longest[sizeof(longest) - 1] = too_long[sizeof(too_long) - 1] = 0;
	const struct {
		const char *said, *asked; /* next time */
	} rows[] = { { "\"1\"", "\"1\"" }, { "\"2\"", "\"2\"" }, { "", "\"2\"" },
		{ longest, longest }, { too_long, "" } };
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		stage_get(stage, &wanted, "/a.png");
		if (i > 0)
			assert_string_equal(bench->sources[i].if_none_match, rows[i - 1].asked);
		bench->etag = rows[i].said;
		bench_source(bench, (unsigned)i, i > 0 ? 304 : 200,
				i > 0 ? SLV_STR("") : stage_picture, "max-age=60");
		expect_picture(&wanted);
		bench_pass(bench, 61000);
	}
	stage_get(stage, &wanted, "/a.png");
	assert_string_equal(bench->sources[SLV_COUNT(rows)].if_none_match, "");
	stage_give(stage, NULL);
	expect_picture(&wanted);
}

/* It lies on a disk already: it is neither looked for in the cache's folder nor kept there. */
static void a_file_is_kept_in_memory_only(void **state)
{
	struct stage *stage = *state;
	struct slv_cache *cache = stage->bench->cache;
	struct wanted wanted;
	stage_get(stage, &wanted, BENCH_FILES "a.png");
	stage_give(stage, "max-age=60");
	expect_picture(&wanted);
	assert_int_equal(slv_cache_stats(cache).misses, 0);
	stage_get(stage, &wanted, BENCH_FILES "a.png");
	expect_picture(&wanted);
	assert_int_equal(stage->bench->source_count, 1);

	stage_get(stage, &wanted, "/a.png");
	stage_give(stage, "max-age=60");
	expect_picture(&wanted);
	assert_int_equal(slv_cache_stats(cache).misses, 1);
}

static void an_unasked_304_is_an_error(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	stage_get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 0, 304, SLV_STR(""), NULL);
	expect_error(&wanted, SLV_E_UPSTREAM, "did not answer with a picture");
}

/* The settings say 100 s, and bounds of 10 and 1000. */
static void the_source_says_how_long_it_is_fresh_within_bounds(void **state)
{
	static const struct {
		const char *control;
		uint32_t ttl_s;
		bool never_stale;
		const char *age;
	} rows[] = {
		{ NULL, 100, false, NULL },
		{ "max-age=50", 50, false, NULL },
		{ "s-maxage=70, max-age=50", 70, true, NULL },
		{ "max-age=9", 10, false, NULL },
		{ "max-age=1001", 1000, false, NULL },
		{ "no-cache", 10, true, NULL },
		{ "max-age=50, must-revalidate", 50, true, NULL },
		{ "Proxy-Revalidate", 100, true, NULL },
		{ "max-age=50", 30, false, "20" },
		{ NULL, 100, false, "20" },
	};
	struct stage *stage = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		char source[32];
		struct wanted wanted;
		snprintf(source, sizeof(source), "/%zu.png", i);
		stage_get(stage, &wanted, source);
		stage->bench->age = rows[i].age;
		stage_give(stage, rows[i].control);
		expect_picture(&wanted);
		if (ttl_s(stage, &wanted) != rows[i].ttl_s)
			fail_msg("%s: %u", rows[i].control, ttl_s(stage, &wanted));
		assert_int_equal(wanted.source.never_stale, rows[i].never_stale);
		assert_false(wanted.source.private_data);
	}
}

static void private_sources_are_not_kept(void **state)
{
	static const char *const rows[] = { "private", "no-store", "max-age=50, Private",
		"NO-STORE,public", "private=\"set-cookie\"" };
	struct stage *stage = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		for (unsigned again = 0; again < 2; again++) {
			struct wanted wanted;
			char source[32];
			snprintf(source, sizeof(source), "/%zu.png", i);
			stage_get(stage, &wanted, source);
			stage_give(stage, rows[i]);
			expect_picture(&wanted);
			assert_true(wanted.source.private_data);
		}
		assert_int_equal(stage->bench->source_count, 2 * (i + 1));
	}
}

static void what_is_purged_meanwhile_is_neither_kept_nor_joined(void **state)
{
	struct stage *stage = *state;
	struct wanted before, after;
	stage_get(stage, &before, "/a.png");
	struct slv_digest source = key_of(stage, SLV_STR("/a.png"));
	image_sources_revoke(stage->sources, &source);
	stage_get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	bench_source(stage->bench, 0, 200, stage_picture, NULL);
	expect_picture(&before);
	assert_int_equal(after.done, 0);
	bench_source(stage->bench, 1, 404, SLV_STR(""), NULL);
	expect_error(&after, SLV_E_MISSING, "not there");
	stage_get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 3); /* what was purged is not found */
	bench_source(stage->bench, 2, 200, stage_picture, NULL);
	expect_picture(&after);
}

static void a_purge_of_another_source_changes_nothing_for_a_load(void **state)
{
	struct stage *stage = *state;
	struct wanted before, after;
	struct slv_digest other = key_of(stage, SLV_STR("/b.png"));
	stage_get(stage, &before, "/a.png");
	image_sources_revoke(stage->sources, &other);
	stage_get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 1);
	bench_source(stage->bench, 0, 200, stage_picture, NULL);
	expect_picture(&before);
	expect_picture(&after);
	stage_get(stage, &after, "/a.png");
	expect_picture(&after);
	assert_int_equal(stage->bench->source_count, 1); /* it was kept */
}

/* Two loads of one source under way at once: the first is too old to be joined. */
static void begin_two(struct stage *stage, struct wanted *first, struct wanted *second)
{
	stage_get(stage, first, "/a.png");
	bench_pass(stage->bench, BENCH_JOB_MS);
	stage_get(stage, second, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
}

static void what_an_older_load_has_is_not_kept_once_the_source_is_private(void **state)
{
	struct stage *stage = *state;
	struct wanted older, newer;
	begin_two(stage, &older, &newer);
	bench_source(stage->bench, 1, 200, stage_picture, "private");
	assert_true(newer.source.private_data);
	assert_false(newer.want.revoked); /* it knows that itself */
	assert_int_equal(older.done, 0);
	bench_source(stage->bench, 0, 200, stage_picture, "max-age=500");
	expect_picture(&older);
	assert_true(older.want.revoked);
	stage_get(stage, &older, "/a.png");
	assert_int_equal(stage->bench->source_count, 3);
	stage_give(stage, NULL);
}

static void a_newer_load_is_not_joined_once_an_older_was_told_it_is_private(void **state)
{
	struct stage *stage = *state;
	struct wanted older, newer, later;
	begin_two(stage, &older, &newer);
	bench_source(stage->bench, 0, 200, stage_picture, "private");
	stage_get(stage, &later, "/a.png");
	assert_int_equal(stage->bench->source_count, 3);
	bench_source(stage->bench, 1, 200, stage_picture,
			"max-age=500"); /* asked when it was public? */
	assert_true(newer.want.revoked);
	bench_source(stage->bench, 2, 200, stage_picture, "max-age=500");
	assert_false(later.want.revoked);
	stage_get(stage, &later, "/a.png");
	expect_picture(&later);
	assert_int_equal(stage->bench->source_count, 3);
}

/* --- errors --- */

static void each_status_has_its_error(void **state)
{
	static const struct {
		int status;
		enum slv_code code;
	} rows[] = {
		{ 201, SLV_E_UPSTREAM },
		{ 204, SLV_E_UPSTREAM },
		{ 206, SLV_E_UPSTREAM },
		{ 301, SLV_E_UPSTREAM },
		{ 400, SLV_E_UPSTREAM },
		{ 401, SLV_E_DENIED },
		{ 403, SLV_E_DENIED },
		{ 404, SLV_E_MISSING },
		{ 410, SLV_E_MISSING },
		{ 418, SLV_E_UPSTREAM },
		{ 429, SLV_E_BUSY },
		{ 500, SLV_E_UPSTREAM },
		{ 503, SLV_E_BUSY },
		{ 504, SLV_E_UPSTREAM },
		{ 508, SLV_E_CYCLE },
	};
	struct stage *stage = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct wanted wanted;
		stage_get(stage, &wanted, "/a.png");
		bench_source(stage->bench, (unsigned)i, rows[i].status, stage_picture, NULL);
		expect_error(&wanted, rows[i].code, "the source");
	}
}

static void what_is_no_picture_is_refused(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	stage_get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 0, 200, SLV_STR("<!doctype html>"), NULL);
	expect_error(&wanted, SLV_E_MEDIA, "no picture of a kind that is read here");
	stage_get(stage, &wanted, "/b.png");
	bench_source(stage->bench, 1, 200, SLV_STR(""), NULL);
	expect_error(&wanted, SLV_E_MEDIA, "empty");
}

static void a_source_has_source_bytes_and_no_more(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	char bytes[1001] = BENCH_PICTURE;
	stage_get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 0, 200, (slv_str){ bytes, 1000 }, NULL);
	expect_picture(&wanted);
	stage_get(stage, &wanted, "/b.png");
	bench_source(stage->bench, 1, 200, (slv_str){ bytes, 1001 }, NULL);
	expect_error(&wanted, SLV_E_LIMIT, "source_bytes");
}

static void what_lies_in_a_source_is_told_again_for_five_seconds(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	char bytes[1001] = BENCH_PICTURE;
	for (unsigned i = 0; i < 2; i++) {
		stage_get(stage, &wanted, "/a.png");
		assert_int_equal(wanted.done, 0);
		bench_source(stage->bench, i, 200,
				i ? SLV_STR("<!doctype html>") : (slv_str){ bytes, 1001 }, NULL);
		expect_error(&wanted, i ? SLV_E_MEDIA : SLV_E_LIMIT, "the source is");
		assert_false(wanted.want.known);
		bench_pass(stage->bench, IMAGE_FAILURE_MS - 1);
		stage_get(stage, &wanted, "/a.png");
		expect_error(&wanted, i ? SLV_E_MEDIA : SLV_E_LIMIT, "the source is");
		assert_true(wanted.want.known);
		bench_pass(stage->bench, 1); /* from the first time on, not from the last */
	}
	stage_get(stage, &wanted, "/a.png");
	stage_give(stage, NULL);
	expect_picture(&wanted);
}

static void a_source_that_failed_is_forgiven_when_it_is_purged(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct slv_digest source = key_of(stage, SLV_STR("/a.png"));
	for (unsigned i = 0; i < 2; i++) {
		stage_get(stage, &wanted, "/a.png");
		assert_int_equal(wanted.done, 0);
		if (i) /* while it fails */
			image_sources_revoke(stage->sources, &source);
		bench_source(stage->bench, i, 200, SLV_STR("nothing"), NULL);
		expect_error(&wanted, SLV_E_MEDIA, "no picture");
		if (!i)
			image_failures_forget_source(stage->failures, &source);
	}
	stage_get(stage, &wanted, "/a.png");
	stage_give(stage, NULL);
	expect_picture(&wanted);
}

static void a_load_that_is_parted_from_is_kept_and_its_failure_is_not_remembered(void **state)
{
	struct stage *stage = *state;
	struct wanted before, after;
	struct slv_digest source = key_of(stage, SLV_STR("/a.png"));
	stage_get(stage, &before, "/a.png");
	image_sources_part(stage->sources, &source);
	stage_get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 2); /* not joined */
	bench_source(stage->bench, 0, 200, SLV_STR("nothing"), NULL);
	expect_error(&before, SLV_E_MEDIA, "no picture");
	stage_get(stage, &before, "/a.png");
	assert_int_equal(stage->bench->source_count, 2); /* not known: it joins the second */
	image_sources_part(stage->sources, &source);
	bench_source(stage->bench, 1, 200, stage_picture, NULL);
	expect_picture(&before);
	expect_picture(&after);
	assert_false(after.want.revoked);
	stage_get(stage, &after, "/a.png");
	expect_picture(&after);
	assert_int_equal(stage->bench->source_count, 2);
}

static void what_is_kept_is_served_though_its_renewal_failed(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted, renews;
	stage_get(stage, &wanted, "/a.png");
	stage_give(stage, NULL);
	stage_get_as(stage, &renews,
			&(struct image_want){ .source = SLV_STR("/a.png"), .renew = true });
	bench_source(stage->bench, 1, 200, SLV_STR("nothing"), NULL);
	expect_error(&renews, SLV_E_MEDIA, "no picture");
	stage_get(stage, &wanted, "/a.png");
	expect_picture(&wanted);
	assert_int_equal(stage->bench->source_count, 2);
}

/* --- leaving --- */

static void who_leaves_is_told_nothing_and_the_others_stay(void **state)
{
	struct stage *stage = *state;
	struct wanted leaves, stays;
	stage_get(stage, &leaves, "/a.png");
	stage_get(stage, &stays, "/a.png");
	image_source_leave(stage->sources, &leaves.want);
	stage_give(stage, NULL);
	expect_picture(&stays);
	assert_int_equal(leaves.done, 0);
}

static void a_load_that_nobody_wants_is_not_joined_and_what_comes_is_dropped(void **state)
{
	struct stage *stage = *state;
	struct wanted leaves, later;
	stage_get(stage, &leaves, "/a.png");
	image_source_leave(stage->sources, &leaves.want);
	stage_get(stage, &later, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	bench_source(stage->bench, 0, 200, SLV_STR("\xff\xd8\xff late"), NULL);
	assert_int_equal(leaves.done + later.done, 0);
	bench_source(stage->bench, 1, 200, stage_picture, NULL);
	expect_picture(&later);
}

static void a_load_is_joined_in_its_first_job_ms(void **state)
{
	struct stage *stage = *state;
	struct wanted first, joins, begins;
	stage_get(stage, &first, "/a.png");
	bench_pass(stage->bench, BENCH_JOB_MS - 1);
	stage_get(stage, &joins, "/a.png");
	assert_int_equal(stage->bench->source_count, 1);
	bench_pass(stage->bench, 1);
	stage_get(stage, &begins, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	bench_source(stage->bench, 0, 404, SLV_STR(""), NULL);
	expect_error(&first, SLV_E_MISSING, "not there");
	expect_error(&joins, SLV_E_MISSING, "not there");
	assert_int_equal(begins.done, 0);
	bench_source(stage->bench, 1, 200, stage_picture, NULL);
	expect_picture(&begins);
}

/* --- bounds --- */

static void so_many_loads_and_no_more(void **state)
{
	struct stage *stage = *state;
	static struct wanted wanted[IMAGE_LOADS_MAX + 2];
	char source[IMAGE_LOADS_MAX + 1][16];
	for (unsigned i = 0; i < IMAGE_LOADS_MAX + 1; i++) {
		snprintf(source[i], sizeof(source[i]), "/%u.png", i);
		stage_get(stage, &wanted[i], source[i]);
	}
	assert_int_equal(stage->bench->source_count, IMAGE_LOADS_MAX);
	assert_int_equal(wanted[IMAGE_LOADS_MAX - 1].done, 0);
	expect_error(&wanted[IMAGE_LOADS_MAX], SLV_E_BUSY, "512 sources");
	stage_get(stage, &wanted[IMAGE_LOADS_MAX + 1], source[0]); /* joining needs no room */
	assert_int_equal(wanted[IMAGE_LOADS_MAX + 1].done, 0);
	bench_source(stage->bench, 0, 200, stage_picture, NULL);
	expect_picture(&wanted[IMAGE_LOADS_MAX + 1]);
	stage_get(stage, &wanted[IMAGE_LOADS_MAX], source[IMAGE_LOADS_MAX]);
	assert_int_equal(stage->bench->source_count, IMAGE_LOADS_MAX + 1);
	for (unsigned i = 1; i <= IMAGE_LOADS_MAX; i++) {
		bench_source(stage->bench, i, 404, SLV_STR(""), NULL);
		expect_error(&wanted[i], SLV_E_MISSING, "not there");
	}
}

/* --- from an origin --- */

/* A socket that takes connections and never answers. */
static int listen_silently(uint16_t *ret_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static void a_fetch_that_nobody_wants_is_given_up(void **state)
{
	struct stage *stage = *state;
	struct bench *bench = stage->bench;
	struct slv_client_conf conf = { .connect_ms = 5000,
		.total_ms = 15000,
		.fetches_max = 4,
		.connections_per_host_max = 4,
		.private_networks = true };
	struct wanted one, two;
	uint16_t port;
	int fd = listen_silently(&port), peer = -1;
	slv_str origin = slv_str_printf(&bench->arena, "http://127.0.0.1:%u/", port);
	slv_str url = slv_str_printf(&bench->arena, "%.*sa.png", SLV_FMT(origin));
	struct slv_conf_list origins = { &origin, 1 };
	assert_false(slv_failed(image_origins_prepare(&bench->arena, &origins,
			&bench->self->origins, &bench->self->origins_count)));
	bench->env.client = slv_client_new(bench->loop, &conf, bench->metrics);

	stage_get(stage, &one, slv_cstr(&bench->arena, url));
	stage_get(stage, &two, slv_cstr(&bench->arena, url));
	while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		slv_loop_turn(bench->loop, true);
	image_source_leave(stage->sources, &one.want);
	bench_turn(bench);
	char bytes[4096];
	ssize_t len;
	while ((len = read(peer, bytes, sizeof(bytes))) > 0)
		continue;
	assert_int_equal(len, -1); /* it is still open */
	image_source_leave(stage->sources, &two.want);
	bench_turn(bench);
	while ((len = read(peer, bytes, sizeof(bytes))) > 0)
		continue;
	assert_int_equal(len, 0);
	assert_int_equal(one.done + two.done, 0);
	slv_client_free(bench->env.client);
	close(peer);
	close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(who_wants_the_same_at_once_shares_a_load),
		T(a_request_inside_says_where_it_comes_from),
		T(what_is_fresh_comes_from_the_cache),
		T(what_is_stale_is_asked_for_by_its_etag),
		T(a_304_may_bring_another_etag),
		T(a_file_is_kept_in_memory_only),
		T(an_unasked_304_is_an_error),
		T(the_source_says_how_long_it_is_fresh_within_bounds),
		T(private_sources_are_not_kept),
		T(what_is_purged_meanwhile_is_neither_kept_nor_joined),
		T(a_purge_of_another_source_changes_nothing_for_a_load),
		T(what_an_older_load_has_is_not_kept_once_the_source_is_private),
		T(a_newer_load_is_not_joined_once_an_older_was_told_it_is_private),
		T(each_status_has_its_error),
		T(what_is_no_picture_is_refused),
		T(a_source_has_source_bytes_and_no_more),
		T(what_lies_in_a_source_is_told_again_for_five_seconds),
		T(a_source_that_failed_is_forgiven_when_it_is_purged),
		T(a_load_that_is_parted_from_is_kept_and_its_failure_is_not_remembered),
		T(what_is_kept_is_served_though_its_renewal_failed),
		T(who_leaves_is_told_nothing_and_the_others_stay),
		T(a_load_that_nobody_wants_is_not_joined_and_what_comes_is_dropped),
		T(a_load_is_joined_in_its_first_job_ms),
		T(so_many_loads_and_no_more),
		T(a_fetch_that_nobody_wants_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
