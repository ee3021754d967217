#include "service/image/testing.h"

#include "base/mem.h"
#include "client/client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const slv_str picture = SLV_STR_INIT(BENCH_PICTURE);

/* Sources without the flights. */
struct stage {
	struct bench *bench;
	struct image_failures *failures;
	struct image_sources *sources;
};

static int setup(void **state)
{
	struct stage *stage = SLV_ALLOC(struct stage);
	void *bench = NULL;
	bench_setup(&bench);
	stage->bench = bench;
	stage->failures = image_failures_new(slv_loop_hash_key(stage->bench->loop));
	stage->sources =
			image_sources_new(stage->bench->loop, stage->bench->cache, stage->failures);
	image_sources_meet(stage->sources, &stage->bench->env);
	*state = stage;
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;
	void *bench = stage->bench;
	image_sources_free(stage->sources); /* asserts that nothing is under way */
	image_failures_free(stage->failures);
	bench_teardown(&bench);
	slv_free(stage);
	return 0;
}

struct wanted {
	struct image_want want;
	unsigned done;
	int32_t code;
	char what[200], body[64];
	struct image_source source; /* without the hit, which was dropped */
};

static void want_done(struct image_want *want, slv_err err, const struct image_source *source)
{
	struct wanted *wanted = SLV_CONTAINER(want, struct wanted, want);
	wanted->done++;
	wanted->code = err.code;
	snprintf(wanted->what, sizeof(wanted->what), "%s", err.what ? err.what : "");
	assert_true(!source == slv_failed(err));
	if (!source)
		return;
	wanted->source = *source;
	image_source_drop(want);
	snprintf(wanted->body, sizeof(wanted->body), "%.*s", SLV_FMT(source->hit->body));
	source->hit->hold.drop(&source->hit->hold);
}

static void get(struct stage *stage, struct wanted *wanted, const char *source)
{
	*wanted = (struct wanted){ .want = { .self = stage->bench->self,
						   .source = slv_str_from(source),
						   .done = want_done } };
	image_source_get(stage->sources, &wanted->want);
	bench_turn(stage->bench);
}

static void expect_picture(const struct wanted *wanted)
{
	if (wanted->code)
		fail_msg("%s", wanted->what);
	assert_int_equal(wanted->done, 1);
	assert_string_equal(wanted->body, BENCH_PICTURE);
	assert_int_equal(wanted->source.format, SLV_FORMAT_PNG);
}

static void expect_error(const struct wanted *wanted, enum slv_code code, const char *part)
{
	assert_int_equal(wanted->done, 1);
	assert_int_equal(wanted->code, code);
	if (!strstr(wanted->what, part))
		fail_msg("'%s' says nothing of '%s'", wanted->what, part);
}

static uint32_t ttl_s(const struct stage *stage, const struct wanted *wanted)
{
	return (uint32_t)((wanted->source.fresh_until_ms - stage->bench->wall_ms) / 1000);
}

static struct slv_digest key_of(const struct stage *stage, slv_str source)
{
	return slv_image_source_key(stage->bench->self->site, source);
}

static void give(struct stage *stage, const char *control)
{
	bench_source(stage->bench, stage->bench->source_count - 1, 200, picture, control);
}

/* --- sharing --- */

static void who_wants_the_same_at_once_shares_a_load(void **state)
{
	struct stage *stage = *state;
	struct wanted one, two, other;
	get(stage, &one, "/a.png?v=1");
	get(stage, &two, "/a.png?v=1");
	get(stage, &other, "/a.png?v=2");
	assert_int_equal(stage->bench->source_count, 2);
	assert_string_equal(stage->bench->sources[0].target, "/a.png?v=1");
	bench_source(stage->bench, 0, 200, picture, NULL);
	expect_picture(&one);
	expect_picture(&two);
	assert_int_equal(other.done, 0);
	bench_source(stage->bench, 1, 200, picture, NULL);
	expect_picture(&other);
}

static void a_request_inside_says_where_it_comes_from(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted = { .want = { .self = stage->bench->self,
						 .source = SLV_STR("/a.png"),
						 .depth = 3,
						 .done = want_done } };
	image_source_get(stage->sources, &wanted.want);
	bench_turn(stage->bench);
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
	get(stage, &wanted, "/a.png");
	give(stage, NULL);
	bench_pass(stage->bench, 99999);
	get(stage, &wanted, "/a.png");
	expect_picture(&wanted);
	assert_int_equal(stage->bench->source_count, 1);
	bench_pass(stage->bench, 1);
	get(stage, &wanted, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	give(stage, NULL);
}

static void what_is_stale_is_asked_for_by_its_etag(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	get(stage, &wanted, "/a.png");
	assert_string_equal(stage->bench->sources[0].if_none_match, "");
	give(stage, NULL);
	bench_pass(stage->bench, 100000);
	get(stage, &wanted, "/a.png");
	assert_string_equal(stage->bench->sources[1].if_none_match, "\"v1\"");
	bench_source(stage->bench, 1, 304, SLV_STR(""), "max-age=20");
	expect_picture(&wanted);
	assert_int_equal(ttl_s(stage, &wanted), 20);
	bench_pass(stage->bench, 20000);
	get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 2, 304, SLV_STR(""), NULL); /* as was said before */
	assert_int_equal(ttl_s(stage, &wanted), 20);
	bench_pass(stage->bench, 20000);
	get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 3, 200, SLV_STR("\xff\xd8\xff another"), NULL);
	assert_int_equal(wanted.source.format, SLV_FORMAT_JPEG);
	assert_string_equal(wanted.body, "\xff\xd8\xff another");
}

static void an_unasked_304_is_an_error(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	get(stage, &wanted, "/a.png");
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
		get(stage, &wanted, source);
		stage->bench->age = rows[i].age;
		give(stage, rows[i].control);
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
			get(stage, &wanted, source);
			give(stage, rows[i]);
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
	get(stage, &before, "/a.png");
	struct slv_digest source = key_of(stage, SLV_STR("/a.png"));
	image_sources_revoke(stage->sources, &source);
	get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	bench_source(stage->bench, 0, 200, picture, NULL);
	expect_picture(&before);
	assert_int_equal(after.done, 0);
	bench_source(stage->bench, 1, 404, SLV_STR(""), NULL);
	expect_error(&after, SLV_E_MISSING, "not there");
	get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 3); /* what was purged is not found */
	bench_source(stage->bench, 2, 200, picture, NULL);
	expect_picture(&after);
}

static void a_purge_of_another_source_changes_nothing_for_a_load(void **state)
{
	struct stage *stage = *state;
	struct wanted before, after;
	struct slv_digest other = key_of(stage, SLV_STR("/b.png"));
	get(stage, &before, "/a.png");
	image_sources_revoke(stage->sources, &other);
	get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 1);
	bench_source(stage->bench, 0, 200, picture, NULL);
	expect_picture(&before);
	expect_picture(&after);
	get(stage, &after, "/a.png");
	expect_picture(&after);
	assert_int_equal(stage->bench->source_count, 1); /* it was kept */
}

/* Two loads of one source under way at once: the first is too old to be joined. */
static void begin_two(struct stage *stage, struct wanted *first, struct wanted *second)
{
	get(stage, first, "/a.png");
	bench_pass(stage->bench, BENCH_JOB_MS);
	get(stage, second, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
}

static void what_an_older_load_has_is_not_kept_once_the_source_is_private(void **state)
{
	struct stage *stage = *state;
	struct wanted older, newer;
	begin_two(stage, &older, &newer);
	bench_source(stage->bench, 1, 200, picture, "private");
	assert_true(newer.source.private_data);
	assert_false(newer.want.revoked); /* it knows that itself */
	assert_int_equal(older.done, 0);
	bench_source(stage->bench, 0, 200, picture, "max-age=500");
	expect_picture(&older);
	assert_true(older.want.revoked);
	get(stage, &older, "/a.png");
	assert_int_equal(stage->bench->source_count, 3);
	give(stage, NULL);
}

static void a_newer_load_is_not_joined_once_an_older_was_told_it_is_private(void **state)
{
	struct stage *stage = *state;
	struct wanted older, newer, later;
	begin_two(stage, &older, &newer);
	bench_source(stage->bench, 0, 200, picture, "private");
	get(stage, &later, "/a.png");
	assert_int_equal(stage->bench->source_count, 3);
	bench_source(stage->bench, 1, 200, picture, "max-age=500"); /* asked when it was public? */
	assert_true(newer.want.revoked);
	bench_source(stage->bench, 2, 200, picture, "max-age=500");
	assert_false(later.want.revoked);
	get(stage, &later, "/a.png");
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
		get(stage, &wanted, "/a.png");
		bench_source(stage->bench, (unsigned)i, rows[i].status, picture, NULL);
		expect_error(&wanted, rows[i].code, "the source");
	}
}

static void what_is_no_picture_is_refused(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 0, 200, SLV_STR("<!doctype html>"), NULL);
	expect_error(&wanted, SLV_E_MEDIA, "no picture of a kind that is read here");
	get(stage, &wanted, "/b.png");
	bench_source(stage->bench, 1, 200, SLV_STR(""), NULL);
	expect_error(&wanted, SLV_E_MEDIA, "empty");
}

static void a_source_has_source_bytes_and_no_more(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	char bytes[1001] = BENCH_PICTURE;
	get(stage, &wanted, "/a.png");
	bench_source(stage->bench, 0, 200, (slv_str){ bytes, 1000 }, NULL);
	expect_picture(&wanted);
	get(stage, &wanted, "/b.png");
	bench_source(stage->bench, 1, 200, (slv_str){ bytes, 1001 }, NULL);
	expect_error(&wanted, SLV_E_LIMIT, "source_bytes");
}

static void what_lies_in_a_source_is_told_again_for_five_seconds(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	char bytes[1001] = BENCH_PICTURE;
	for (unsigned i = 0; i < 2; i++) {
		get(stage, &wanted, "/a.png");
		assert_int_equal(wanted.done, 0);
		bench_source(stage->bench, i, 200,
				i ? SLV_STR("<!doctype html>") : (slv_str){ bytes, 1001 }, NULL);
		expect_error(&wanted, i ? SLV_E_MEDIA : SLV_E_LIMIT, "the source is");
		assert_false(wanted.want.known);
		bench_pass(stage->bench, IMAGE_FAILURE_MS - 1);
		get(stage, &wanted, "/a.png");
		expect_error(&wanted, i ? SLV_E_MEDIA : SLV_E_LIMIT, "the source is");
		assert_true(wanted.want.known);
		bench_pass(stage->bench, 1); /* from the first time on, not from the last */
	}
	get(stage, &wanted, "/a.png");
	give(stage, NULL);
	expect_picture(&wanted);
}

static void a_source_that_failed_is_forgiven_when_it_is_purged(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct slv_digest source = key_of(stage, SLV_STR("/a.png"));
	for (unsigned i = 0; i < 2; i++) {
		get(stage, &wanted, "/a.png");
		assert_int_equal(wanted.done, 0);
		if (i) /* while it fails */
			image_sources_revoke(stage->sources, &source);
		bench_source(stage->bench, i, 200, SLV_STR("nothing"), NULL);
		expect_error(&wanted, SLV_E_MEDIA, "no picture");
		if (!i)
			image_failures_forget_source(stage->failures, &source);
	}
	get(stage, &wanted, "/a.png");
	give(stage, NULL);
	expect_picture(&wanted);
}

static void a_load_that_is_parted_from_is_kept_and_its_failure_is_not_remembered(void **state)
{
	struct stage *stage = *state;
	struct wanted before, after;
	struct slv_digest source = key_of(stage, SLV_STR("/a.png"));
	get(stage, &before, "/a.png");
	image_sources_part(stage->sources, &source);
	get(stage, &after, "/a.png");
	assert_int_equal(stage->bench->source_count, 2); /* not joined */
	bench_source(stage->bench, 0, 200, SLV_STR("nothing"), NULL);
	expect_error(&before, SLV_E_MEDIA, "no picture");
	get(stage, &before, "/a.png");
	assert_int_equal(stage->bench->source_count, 2); /* not known: it joins the second */
	image_sources_part(stage->sources, &source);
	bench_source(stage->bench, 1, 200, picture, NULL);
	expect_picture(&before);
	expect_picture(&after);
	assert_false(after.want.revoked);
	get(stage, &after, "/a.png");
	expect_picture(&after);
	assert_int_equal(stage->bench->source_count, 2);
}

static void what_is_kept_is_served_though_its_renewal_failed(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted, renews = { .want = { .self = stage->bench->self,
							 .source = SLV_STR("/a.png"),
							 .renew = true,
							 .done = want_done } };
	get(stage, &wanted, "/a.png");
	give(stage, NULL);
	image_source_get(stage->sources, &renews.want);
	bench_turn(stage->bench);
	bench_source(stage->bench, 1, 200, SLV_STR("nothing"), NULL);
	expect_error(&renews, SLV_E_MEDIA, "no picture");
	get(stage, &wanted, "/a.png");
	expect_picture(&wanted);
	assert_int_equal(stage->bench->source_count, 2);
}

/* --- bodies in parts --- */

struct parts {
	struct slv_source source; /* first */
	struct slv_pull *pull;    /* waits for a part */
	unsigned pulls, closed;
};

static void parts_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct parts *parts = SLV_CONTAINER(source, struct parts, source);
	assert_null(parts->pull);
	parts->pull = pull;
	parts->pulls++;
}

static void parts_close(struct slv_source *source)
{
	struct parts *parts = SLV_CONTAINER(source, struct parts, source);
	parts->pull = NULL;
	parts->closed++;
}

static const struct slv_source_ops parts_ops = { .pull = parts_pull, .close = parts_close };

/* Answer the last request with `parts`. */
static void give_parts(struct stage *stage, struct parts *parts, uint64_t length)
{
	struct bench_source *asked = &stage->bench->sources[stage->bench->source_count - 1];
	struct slv_req *req = asked->req;
	struct slv_reply reply;
	*parts = (struct parts){ .source.ops = &parts_ops };
	slv_reply_init(&reply, req, 200);
	reply.body = (struct slv_body){ .length = length, .source = &parts->source };
	asked->req = NULL;
	slv_req_reply(req, &reply);
	bench_turn(stage->bench);
}

static void give_part(struct stage *stage, struct parts *parts, slv_err err, slv_str bytes)
{
	struct slv_pull *pull = parts->pull;
	assert_non_null(pull);
	parts->pull = NULL;
	pull->done(pull, err, bytes);
	bench_turn(stage->bench);
}

static void a_source_may_come_in_parts(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, picture.len);
	give_part(stage, &parts, SLV_OK, slv_str_head(picture, 9));
	assert_int_equal(wanted.done, 0);
	give_part(stage, &parts, SLV_OK, slv_str_from_index(picture, 9));
	give_part(stage, &parts, SLV_OK, SLV_STR(""));
	expect_picture(&wanted);
	assert_int_equal(parts.closed, 1);
}

static void a_part_that_fails_fails_the_source(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	give_part(stage, &parts, SLV_OK, picture);
	give_part(stage, &parts, SLV_ERR(SLV_E_UPSTREAM, "it broke"), SLV_STR(""));
	expect_error(&wanted, SLV_E_UPSTREAM, "it broke");
	assert_int_equal(parts.closed, 1);
}

static void parts_are_counted_and_a_told_length_is_believed_first(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	char bytes[1000] = BENCH_PICTURE;
	get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	give_part(stage, &parts, SLV_OK, (slv_str){ bytes, 1000 });
	assert_int_equal(wanted.done, 0);
	give_part(stage, &parts, SLV_OK, SLV_STR("x"));
	expect_error(&wanted, SLV_E_LIMIT, "source_bytes");
	assert_int_equal(parts.closed, 1);
	get(stage, &wanted, "/b.png");
	give_parts(stage, &parts, 1001);
	expect_error(&wanted, SLV_E_LIMIT, "source_bytes");
	assert_int_equal(parts.pulls, 0);
	assert_int_equal(parts.closed, 1);
}

static void sources_under_way_have_a_gib_and_no_more(void **state)
{
	struct stage *stage = *state;
	struct wanted whole, more, unsaid;
	struct parts parts, other;
	stage->bench->conf.source_bytes = (int64_t)IMAGE_LOADING_BYTES_MAX + 1;
	get(stage, &whole, "/a.png");
	give_parts(stage, &parts, IMAGE_LOADING_BYTES_MAX + 1);
	expect_error(&whole, SLV_E_BUSY, "more than 1 GiB");
	assert_int_equal(parts.pulls, 0);
	get(stage, &whole, "/a.png"); /* which is not remembered */
	give_parts(stage, &parts, IMAGE_LOADING_BYTES_MAX);
	assert_int_equal(whole.done, 0);
	assert_int_equal(parts.pulls, 1);

	get(stage, &more, "/b.png");
	give_parts(stage, &other, 1);
	expect_error(&more, SLV_E_BUSY, "more than 1 GiB");
	assert_int_equal(other.pulls, 0);
	assert_int_equal(other.closed, 1);
	get(stage, &unsaid, "/c.png");
	give_parts(stage, &other, SLV_LENGTH_UNKNOWN);
	give_part(stage, &other, SLV_OK, SLV_STR("\xff\xd8\xff"));
	expect_error(&unsaid, SLV_E_BUSY, "more than 1 GiB");

	give_part(stage, &parts, SLV_OK, picture); /* it was counted before */
	assert_int_equal(whole.done, 0);
	get(stage, &more, "/b.png");
	give_parts(stage, &other, 1);
	expect_error(&more, SLV_E_BUSY, "more than 1 GiB");
	give_part(stage, &parts, SLV_ERR(SLV_E_UPSTREAM, "it broke"), SLV_STR(""));
	expect_error(&whole, SLV_E_UPSTREAM, "it broke");
	get(stage, &more, "/b.png"); /* there is room again */
	give_parts(stage, &other, SLV_LENGTH_UNKNOWN);
	give_part(stage, &other, SLV_OK, picture);
	give_part(stage, &other, SLV_OK, SLV_STR(""));
	expect_picture(&more);
}

static void what_is_no_picture_is_not_read_to_its_end(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	give_part(stage, &parts, SLV_OK, SLV_STR("<!doctype html>"));
	expect_error(&wanted, SLV_E_MEDIA, "no picture");
	assert_int_equal(parts.pulls, 1);
	assert_int_equal(parts.closed, 1);
}

/* --- leaving --- */

static void who_leaves_is_told_nothing_and_the_others_stay(void **state)
{
	struct stage *stage = *state;
	struct wanted leaves, stays;
	get(stage, &leaves, "/a.png");
	get(stage, &stays, "/a.png");
	image_source_leave(stage->sources, &leaves.want);
	give(stage, NULL);
	expect_picture(&stays);
	assert_int_equal(leaves.done, 0);
}

static void a_load_that_nobody_wants_is_not_joined_and_what_comes_is_dropped(void **state)
{
	struct stage *stage = *state;
	struct wanted leaves, later;
	get(stage, &leaves, "/a.png");
	image_source_leave(stage->sources, &leaves.want);
	get(stage, &later, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	bench_source(stage->bench, 0, 200, SLV_STR("\xff\xd8\xff late"), NULL);
	assert_int_equal(leaves.done + later.done, 0);
	bench_source(stage->bench, 1, 200, picture, NULL);
	expect_picture(&later);
}

static void a_body_that_nobody_wants_is_closed_at_its_next_part(void **state)
{
	struct stage *stage = *state;
	struct wanted wanted;
	struct parts parts;
	get(stage, &wanted, "/a.png");
	give_parts(stage, &parts, SLV_LENGTH_UNKNOWN);
	image_source_leave(stage->sources, &wanted.want);
	give_part(stage, &parts, SLV_OK, picture);
	assert_int_equal(parts.pulls, 1);
	assert_int_equal(parts.closed, 1);
	assert_int_equal(wanted.done, 0);
}

static void a_load_is_joined_in_its_first_job_ms(void **state)
{
	struct stage *stage = *state;
	struct wanted first, joins, begins;
	get(stage, &first, "/a.png");
	bench_pass(stage->bench, BENCH_JOB_MS - 1);
	get(stage, &joins, "/a.png");
	assert_int_equal(stage->bench->source_count, 1);
	bench_pass(stage->bench, 1);
	get(stage, &begins, "/a.png");
	assert_int_equal(stage->bench->source_count, 2);
	bench_source(stage->bench, 0, 404, SLV_STR(""), NULL);
	expect_error(&first, SLV_E_MISSING, "not there");
	expect_error(&joins, SLV_E_MISSING, "not there");
	assert_int_equal(begins.done, 0);
	bench_source(stage->bench, 1, 200, picture, NULL);
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
		get(stage, &wanted[i], source[i]);
	}
	assert_int_equal(stage->bench->source_count, IMAGE_LOADS_MAX);
	assert_int_equal(wanted[IMAGE_LOADS_MAX - 1].done, 0);
	expect_error(&wanted[IMAGE_LOADS_MAX], SLV_E_BUSY, "512 sources");
	get(stage, &wanted[IMAGE_LOADS_MAX + 1], source[0]); /* joining needs no room */
	assert_int_equal(wanted[IMAGE_LOADS_MAX + 1].done, 0);
	bench_source(stage->bench, 0, 200, picture, NULL);
	expect_picture(&wanted[IMAGE_LOADS_MAX + 1]);
	get(stage, &wanted[IMAGE_LOADS_MAX], source[IMAGE_LOADS_MAX]);
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

	get(stage, &one, slv_cstr(&bench->arena, url));
	get(stage, &two, slv_cstr(&bench->arena, url));
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
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(who_wants_the_same_at_once_shares_a_load),
		T(a_request_inside_says_where_it_comes_from),
		T(what_is_fresh_comes_from_the_cache),
		T(what_is_stale_is_asked_for_by_its_etag),
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
		T(a_source_may_come_in_parts),
		T(a_part_that_fails_fails_the_source),
		T(parts_are_counted_and_a_told_length_is_believed_first),
		T(sources_under_way_have_a_gib_and_no_more),
		T(what_is_no_picture_is_not_read_to_its_end),
		T(who_leaves_is_told_nothing_and_the_others_stay),
		T(a_load_that_nobody_wants_is_not_joined_and_what_comes_is_dropped),
		T(a_body_that_nobody_wants_is_closed_at_its_next_part),
		T(a_load_is_joined_in_its_first_job_ms),
		T(so_many_loads_and_no_more),
		T(a_fetch_that_nobody_wants_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
