#include "service/image/testing.h"

#include "base/mem.h"
#include "http/message.h"

#include <stdio.h>
#include <string.h>

#define FRESH_MS 100000 /* as the bench's settings say, as is STALE_MS */
#define STALE_MS 50000

static const slv_str picture = SLV_STR_INIT(BENCH_PICTURE);

/* A client's request and what came of it. */
struct client {
	struct slv_sink sink;
	struct slv_req req;
	struct slv_arena arena;
	struct bench *bench;
	unsigned replies;
	int status;
	char body[256], cache_status[64], fields[2048];
};

static void client_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct client *client = SLV_CONTAINER(sink, struct client, sink);
	size_t len = 0;
	client->replies++;
	client->status = reply->status;
	snprintf(client->body, sizeof(client->body), "%.*s", SLV_FMT(reply->body.bytes));
	snprintf(client->cache_status, sizeof(client->cache_status), "%.*s",
			SLV_FMT(req->cache_status));
	for (uint32_t i = 0; i < reply->fields.count && len < sizeof(client->fields); i++) {
		const struct slv_field *field = &reply->fields.at[i];
		len += (size_t)snprintf(client->fields + len, sizeof(client->fields) - len,
				"%.*s: %.*s\n", SLV_FMT(field->name), SLV_FMT(field->value));
	}
	slv_body_done(&reply->body);
}

static const struct slv_sink_ops client_ops = { .reply = client_reply };

static void client_init_with(
		struct bench *bench, struct client *client, const char *target, size_t memory_bytes)
{
	*client = (struct client){ .sink.ops = &client_ops, .bench = bench };
	slv_arena_init(&client->arena, 64, memory_bytes);
	client->req = (struct slv_req){
		.arena = &client->arena,
		.sink = &client->sink,
		.method = SLV_METHOD_GET,
		.method_name = SLV_STR("GET"),
		.target = slv_str_from(target),
	};
	slv_fields_init(&client->req.fields, &client->arena);
	assert_false(slv_failed(slv_uri_parse(client->req.target, &client->req.uri)));
}

static void client_init(struct bench *bench, struct client *client, const char *target)
{
	client_init_with(bench, client, target, SLV_KIB(256));
}

static void client_says(struct client *client, const char *name, const char *value)
{
	assert_false(slv_failed(slv_fields_add(
			&client->req.fields, slv_str_from(name), slv_str_from(value))));
}

/* As edge does it. */
static slv_err client_send(struct client *client)
{
	slv_err err = slv_image_service.serve(client->bench->self, &client->req);
	bench_turn(client->bench);
	return err;
}

static void client_begin(struct bench *bench, struct client *client, const char *target)
{
	client_init(bench, client, target);
	assert_false(slv_failed(client_send(client)));
}

static void client_end(struct client *client, int status, const char *body)
{
	assert_int_equal(client->replies, 1);
	assert_int_equal(client->status, status);
	if (body)
		assert_string_equal(client->body, body);
	slv_arena_done(&client->arena);
}

static void has_field(const struct client *client, const char *line)
{
	if (!strstr(client->fields, line))
		fail_msg("no '%s' in\n%s", line, client->fields);
}

/* Have the cache keep "made" as the answer to `target`, which is `source` with options. */
static void make(struct bench *bench, const char *target)
{
	struct client client;
	client_begin(bench, &client, target);
	if (bench->sources[bench->source_count - 1].req)
		bench_source(bench, bench->source_count - 1, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	client_end(&client, 200, "made");
}

static void expect_hit(struct bench *bench, const char *target, const char *body)
{
	struct client client;
	unsigned sources = bench->source_count;
	client_begin(bench, &client, target);
	assert_int_equal(bench->source_count, sources);
	assert_int_equal(bench_jobs(bench), 0);
	assert_memory_equal(client.cache_status, "Selvedge; hit; ttl=", 19);
	client_end(&client, 200, body);
}

static slv_err refused(struct bench *bench, const char *target)
{
	static struct client client; /* its arena has the text */
	slv_arena_done(&client.arena);
	client_init(bench, &client, target);
	slv_err err = client_send(&client);
	assert_int_equal(client.replies, 0);
	return err;
}

/* --- answers --- */

static void a_picture_is_made_once_and_then_found(void **state)
{
	struct bench *bench = *state;
	struct client first, second;
	client_begin(bench, &first, "/i/width=5/a.png?v=1");
	assert_string_equal(bench->sources[0].target, "/a.png?v=1");
	bench_source(bench, 0, 200, picture, NULL);
	client_begin(bench, &second, "/i/width=5/a.png?v=1");
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	assert_string_equal(first.cache_status, "Selvedge; fwd=uri-miss; stored");
	assert_string_equal(second.cache_status, "Selvedge; fwd=uri-miss; collapsed");
	has_field(&first, "cache-control: public, max-age=100\n");
	has_field(&first, "content-type: image/png\n");
	has_field(&first, "x-content-type-options: nosniff\n");
	client_end(&first, 200, "made");
	client_end(&second, 200, "made");
	bench_pass(bench, 40000);
	struct client third;
	client_begin(bench, &third, "/i/width=5/a.png?v=1");
	assert_string_equal(third.cache_status, "Selvedge; hit; ttl=60");
	has_field(&third, "cache-control: public, max-age=60\n");
	client_end(&third, 200, "made");
}

static void only_get_and_head_are_answered(void **state)
{
	struct bench *bench = *state;
	struct client client;
	client_init(bench, &client, "/i/width=5/a.png");
	client.req.method = SLV_METHOD_POST;
	assert_false(slv_failed(client_send(&client)));
	has_field(&client, "Allow: GET, HEAD\n");
	client_end(&client, 405, NULL);
	assert_int_equal(bench->source_count, 0);
	make(bench, "/i/width=5/a.png");
	client_init(bench, &client, "/i/width=5/a.png");
	client.req.method = SLV_METHOD_HEAD;
	assert_false(slv_failed(client_send(&client)));
	client_end(&client, 200, NULL);
}

static void what_the_url_says_wrong_is_refused_at_once(void **state)
{
	static const struct {
		const char *target;
		enum slv_code code;
	} rows[] = {
		{ "/i/", SLV_E_OPTION },
		{ "/i/width=5", SLV_E_SOURCE },
		{ "/i/width=5/", SLV_E_SOURCE },
		{ "/%69/width=5/a.png", SLV_E_SOURCE },
		{ "/i/width=5//a.png", SLV_E_SOURCE },
		{ "/i/width=no/a.png", SLV_E_OPTION },
		{ "/i/preset=none/a.png", SLV_E_OPTION },
		{ "/i/width=5/https://example.com/a.png", SLV_E_DENIED },
		{ "/i/width=5/https://EXAMPLE.com/a.png", SLV_E_SOURCE },
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		slv_err err = refused(bench, rows[i].target);
		if (err.code != (int32_t)rows[i].code)
			fail_msg("%s: %s", rows[i].target, slv_code_name(err.code));
	}
	assert_int_equal(bench->source_count, 0);
}

static void a_source_has_4096_bytes_and_no_more(void **state)
{
	struct bench *bench = *state;
	char target[4200] = "/i/width=5/";
	size_t options = strlen(target) - 1;
	memset(target + options + 1, 'a', 4096);
	slv_err err = refused(bench, target);
	assert_int_equal(err.code, SLV_E_SOURCE);
	assert_string_equal(err.what, "source is longer than 4096 bytes");
	target[options + 4096] = 0;
	struct client client;
	client_begin(bench, &client, target);
	bench_source(bench, 0, 404, SLV_STR(""), NULL);
	client_end(&client, 404, NULL);
}

static void a_failure_is_told_or_leads_to_the_source(void **state)
{
	struct bench *bench = *state;
	struct client told, redirected;
	client_begin(bench, &told, "/i/width=5/a.png?v=1");
	client_begin(bench, &redirected, "/i/width=6,onerror=redirect/a.png?v=1");
	bench_source(bench, 0, 404, SLV_STR(""), NULL);
	has_field(&told, "Selvedge-Error: missing\n");
	has_field(&told, "cache-control: no-store\n");
	client_end(&told, 404, "the source is not there\n");
	has_field(&redirected, "location: /a.png?v=1\n");
	has_field(&redirected, "Selvedge-Error: missing\n");
	client_end(&redirected, 302, NULL);
}

static void what_failed_just_now_is_told_again_and_says_so(void **state)
{
	struct bench *bench = *state;
	struct client client;
	client_begin(bench, &client, "/i/width=5/a.png");
	bench_source(bench, 0, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_not_made(bench, &job, SLV_E_CORRUPT, "the picture is torn");
	has_field(&client, "Cache-Status: Selvedge; fwd=uri-miss\n");
	client_end(&client, 422, "the picture is torn\n");
	for (unsigned i = 0; i < 2; i++) {
		client_begin(bench, &client,
				i ? "/i/width=5,onerror=redirect/a.png" : "/i/width=5/a.png");
		assert_int_equal(bench_jobs(bench), 0);
		has_field(&client, i ? "cache-status: Selvedge; hit; detail=failed\n"
				     : "Cache-Status: Selvedge; hit; detail=failed\n");
		has_field(&client, "Selvedge-Error: corrupt\n");
		has_field(&client, "cache-control: no-store\n");
		assert_string_equal(client.cache_status, "Selvedge; hit; detail=failed");
		client_end(&client, i ? 302 : 422, i ? NULL : "the picture is torn\n");
	}
	bench_pass(bench, IMAGE_FAILURE_MS);
	client_begin(bench, &client, "/i/width=5/a.png");
	job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	client_end(&client, 200, "made");
}

static void who_has_it_already_is_told_so(void **state)
{
	struct bench *bench = *state;
	struct client first, again;
	make(bench, "/i/width=5/a.png");
	client_begin(bench, &first, "/i/width=5/a.png");
	const char *etag = strstr(first.fields, "etag: ");
	assert_non_null(etag);
	char value[64];
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(etag + 6, "\n"), etag + 6);
	client_end(&first, 200, "made");
	client_init(bench, &again, "/i/width=5/a.png");
	client_says(&again, "If-None-Match", value);
	assert_false(slv_failed(client_send(&again)));
	client_end(&again, 304, "");
}

static void what_is_private_is_shown_and_not_kept(void **state)
{
	struct bench *bench = *state;
	for (unsigned i = 0; i < 2; i++) {
		struct client client;
		client_begin(bench, &client, "/i/width=5/a.png");
		bench_source(bench, i, 200, picture, "no-store");
		struct bench_job job = bench_job(bench);
		bench_made(bench, &job, SLV_STR("secret"));
		has_field(&client, "cache-control: private, no-store\n");
		assert_string_equal(client.cache_status, "Selvedge; fwd=uri-miss");
		client_end(&client, 200, "secret");
	}
}

static void what_becomes_private_is_forgotten(void **state)
{
	struct bench *bench = *state;
	struct client client;
	make(bench, "/i/width=5/a.png");
	make(bench, "/i/width=6/a.png");
	bench_pass(bench, FRESH_MS);
	client_begin(bench, &client, "/i/width=5/a.png"); /* stale, and renewed */
	client_end(&client, 200, "made");
	bench_source(bench, 1, 200, picture, "private");
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("secret"));
	for (unsigned i = 0; i < 2; i++) {
		client_begin(bench, &client, i ? "/i/width=6/a.png" : "/i/width=5/a.png");
		bench_source(bench, 2 + i, 200, picture, "private");
		job = bench_job(bench);
		bench_made(bench, &job, SLV_STR("secret"));
		has_field(&client, "cache-control: private, no-store\n");
		client_end(&client, 200, "secret");
	}
}

static void a_result_is_fresh_as_long_as_its_source(void **state)
{
	struct bench *bench = *state;
	struct client client;
	make(bench, "/i/width=5/a.png");
	bench_pass(bench, FRESH_MS - 3000);
	client_begin(bench, &client, "/i/width=6/a.png");
	assert_int_equal(bench->source_count, 1);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("later"));
	has_field(&client, "cache-control: public, max-age=3\n");
	client_end(&client, 200, "later");
}

static void what_must_be_revalidated_is_never_shown_stale(void **state)
{
	struct bench *bench = *state;
	struct client client;
	client_begin(bench, &client, "/i/width=5/a.png");
	bench_source(bench, 0, 200, picture, "max-age=50, must-revalidate");
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	client_end(&client, 200, "made");
	bench_pass(bench, 49000);
	expect_hit(bench, "/i/width=5/a.png", "made");
	bench_pass(bench, 1001);
	client_begin(bench, &client, "/i/width=5/a.png");
	assert_int_equal(client.replies, 0);
	bench_source(bench, 1, 200, picture, "max-age=50, must-revalidate");
	job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("anew"));
	client_end(&client, 200, "anew");
}

static void a_fallback_for_want_of_time_is_soon_tried_again(void **state)
{
	struct bench *bench = *state;
	struct client client;
	client_begin(bench, &client, "/i/width=5,format=avif/a.png");
	bench_source(bench, 0, 200, picture, NULL);
	(void)bench_job(bench);
	bench_pass(bench, BENCH_JOB_MS * 6 / 10 + 1);
	struct bench_job job = bench_job(bench);
	assert_int_equal(job.plan.format, SLV_FORMAT_WEBP);
	bench_made(bench, &job, SLV_STR("webp"));
	has_field(&client, "cache-control: public, max-age=10\n");
	client_end(&client, 200, "webp");
}

/* --- time --- */

static void each_client_has_a_504_of_his_own(void **state)
{
	struct bench *bench = *state;
	struct client first, second;
	client_begin(bench, &first, "/i/width=5/a.png");
	bench_pass(bench, 900);
	client_begin(bench, &second, "/i/width=5/a.png");
	bench_pass(bench, 100);
	has_field(&first, "Selvedge-Error: timeout\n");
	client_end(&first, 504, "the source took longer than job_ms\n");
	bench_pass(bench, 899);
	assert_int_equal(second.replies, 0);
	bench_pass(bench, 1);
	client_end(&second, 504, "the source took longer than job_ms\n");
	assert_int_equal(bench->source_count, 1);
}

static void who_goes_away_is_answered_and_the_others_wait_on(void **state)
{
	struct bench *bench = *state;
	struct client gone, stays;
	client_begin(bench, &gone, "/i/width=5/a.png");
	client_begin(bench, &stays, "/i/width=5/a.png");
	gone.req.on_cancel(&gone.req);
	assert_int_equal(gone.replies, 1); /* so that its memory goes */
	slv_arena_done(&gone.arena);
	bench_source(bench, 0, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	assert_int_equal(gone.replies, 1);
	client_end(&stays, 200, "made");
}

/* --- stale --- */

static void what_is_stale_is_served_and_renewed_once(void **state)
{
	struct bench *bench = *state;
	make(bench, "/i/width=5/a.png");
	bench_pass(bench, FRESH_MS - 1);
	expect_hit(bench, "/i/width=5/a.png", "made");
	bench_pass(bench, 1);
	struct client stale[3];
	for (size_t i = 0; i < SLV_COUNT(stale); i++) {
		client_begin(bench, &stale[i], "/i/width=5/a.png");
		assert_string_equal(stale[i].cache_status, "Selvedge; hit; ttl=-1");
		has_field(&stale[i], "cache-control: public, max-age=0\n");
		client_end(&stale[i], 200, "made");
	}
	assert_int_equal(bench->source_count, 2);
	assert_string_equal(bench->sources[1].if_none_match, "\"v1\"");
	bench_source(bench, 1, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("anew"));
	expect_hit(bench, "/i/width=5/a.png", "anew");
}

static void a_renewal_that_fails_pauses_renewals(void **state)
{
	struct bench *bench = *state;
	struct client client;
	make(bench, "/i/width=5/a.png");
	bench_pass(bench, FRESH_MS);
	client_begin(bench, &client, "/i/width=5/a.png");
	client_end(&client, 200, "made");
	bench_source(bench, 1, 500, SLV_STR(""), NULL);
	bench_pass(bench, 4999);
	expect_hit(bench, "/i/width=5/a.png", "made"); /* asks nobody */
	bench_pass(bench, 1);
	client_begin(bench, &client, "/i/width=5/a.png");
	client_end(&client, 200, "made");
	assert_int_equal(bench->source_count, 3);
}

static void what_is_too_old_is_made_while_the_client_waits(void **state)
{
	struct bench *bench = *state;
	struct client client;
	make(bench, "/i/width=5/a.png");
	bench_pass(bench, FRESH_MS + STALE_MS);
	client_begin(bench, &client, "/i/width=5/a.png");
	client_end(&client, 200, "made");
	bench_source(bench, 1, 404, SLV_STR(""), NULL);
	bench_pass(bench, 1);
	client_begin(bench, &client, "/i/width=5/a.png");
	assert_int_equal(client.replies, 0);
	bench_source(bench, 2, 404, SLV_STR(""), NULL);
	client_end(&client, 404, NULL);
}

/* --- purge --- */

static void a_purged_url_is_forgotten_for_all_clients(void **state)
{
	struct bench *bench = *state;
	struct client plain, modern;
	make(bench, "/i/width=5,format=auto/a.png");
	client_init(bench, &modern, "/i/width=5,format=auto/a.png");
	client_says(&modern, "Accept", "image/avif,image/webp,*/*");
	assert_false(slv_failed(client_send(&modern)));
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("avif"));
	client_end(&modern, 200, "avif");
	make(bench, "/i/width=6/a.png");

	struct slv_purge purge = { .what = SLV_PURGE_URL,
		.target = SLV_STR("/i/width=5,format=auto/a.png") };
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	client_begin(bench, &plain, "/i/width=5,format=auto/a.png");
	job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("plain anew"));
	client_end(&plain, 200, "plain anew");
	client_init(bench, &modern, "/i/width=5,format=auto/a.png");
	client_says(&modern, "Accept", "image/avif,image/webp,*/*");
	assert_false(slv_failed(client_send(&modern)));
	job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("avif anew"));
	client_end(&modern, 200, "avif anew");
	expect_hit(bench, "/i/width=6/a.png", "made"); /* another URL */
}

static void a_purged_source_is_forgotten_with_all_that_was_made_of_it(void **state)
{
	struct bench *bench = *state;
	struct client client;
	make(bench, "/i/width=5/a.png");
	make(bench, "/i/width=6/a.png");
	make(bench, "/i/width=5/b.png");
	struct slv_purge purge = { .what = SLV_PURGE_SOURCE, .target = SLV_STR("/a.png") };
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	expect_hit(bench, "/i/width=5/b.png", "made");
	for (unsigned i = 0; i < 2; i++) {
		client_begin(bench, &client, i ? "/i/width=6/a.png" : "/i/width=5/a.png");
		assert_int_equal(bench->source_count, 3 + i);
		bench_source(bench, 2 + i, 404, SLV_STR(""), NULL);
		client_end(&client, 404, NULL);
	}
}

static void all_spellings_of_a_file_are_one_picture_and_any_purges_it(void **state)
{
	static const char *const links[] = { "/i/width=5/f/a.png", "/i/width=5/f/%61.png",
		"/i/width=5/f//a.png", "/i/width=5/f/a.png?x=1", "/i/width=5/f/a.png?" };
	static const struct slv_purge purges[] = {
		{ .what = SLV_PURGE_SOURCE, .target = SLV_STR_INIT("/f/a.png") },
		{ .what = SLV_PURGE_SOURCE, .target = SLV_STR_INIT("//f/%61.png?y=2") },
		{ .what = SLV_PURGE_URL, .target = SLV_STR_INIT("/i/w=5/f//%61.png?y=2") },
	};
	struct bench *bench = *state;
	make(bench, links[1]);
	assert_string_equal(bench->sources[0].target, "/f/a.png");
	for (size_t i = 0; i < SLV_COUNT(purges); i++) {
		for (size_t k = 0; k < SLV_COUNT(links); k++)
			expect_hit(bench, links[k], "made");
		assert_int_equal(slv_image_service.purge(bench->self, &purges[i]), 1);
		make(bench, links[i]); /* it fails if there is no job for it */
	}
}

static void elsewhere_the_query_is_part_of_the_source(void **state)
{
	struct bench *bench = *state;
	make(bench, "/i/width=5/a.png?x=1");
	make(bench, "/i/width=5/a.png?x=2");
	make(bench, "/i/width=5/%61.png?x=1");
	assert_string_equal(bench->sources[2].target, "/%61.png?x=1");
	struct slv_purge purge = { .what = SLV_PURGE_SOURCE, .target = SLV_STR("/a.png?x=1") };
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	expect_hit(bench, "/i/width=5/a.png?x=2", "made");
	expect_hit(bench, "/i/width=5/%61.png?x=1", "made");
	make(bench, "/i/width=5/a.png?x=1");
}

static void a_redirect_leads_to_the_source_as_it_was_sent(void **state)
{
	struct bench *bench = *state;
	struct client client;
	client_begin(bench, &client, "/i/width=5,onerror=redirect/f/%61.png?x=1");
	bench_source(bench, 0, 404, SLV_STR(""), NULL);
	has_field(&client, "location: /f/%61.png?x=1\n");
	client_end(&client, 302, NULL);
}

static void a_url_that_names_nothing_purges_nothing(void **state)
{
	struct bench *bench = *state;
	struct slv_purge purge = { .what = SLV_PURGE_URL, .target = SLV_STR("/i/width=no/a.png") };
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 0);
	purge.target = SLV_STR("/elsewhere/width=5/a.png");
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 0);
	purge.target = SLV_STR("/i/width=5/../a.png");
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 0);
	purge = (struct slv_purge){ .what = SLV_PURGE_SOURCE, .target = SLV_STR("/../a.png") };
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 0);
}

/* --- presets --- */

/* Have preset=mark, which draws `url`. */
static void draw_a_mark(struct bench *bench, const char *url)
{
	struct slv_image_draw_conf draw = {
		.url = slv_str_copy(&bench->arena, slv_str_from(url)),
		.gravity = SLV_STR("center"),
		.opacity = 1,
		.top = -1,
		.right = -1,
		.bottom = -1,
		.left = -1,
	};
	struct slv_image_preset_conf preset = { .name = SLV_STR("mark"), .draw = { &draw, 1 } };
	struct slv_conf_list presets = { &preset, 1 }, allowed = { 0 };
	assert_false(slv_failed(slv_image_presets_prepare(&bench->arena, &presets, &allowed, false,
			&bench->conf.defaults, &bench->self->presets)));
}

/* So much that to name it takes more than all else of a request. */
static void draw_a_long_mark(struct bench *bench)
{
	char url[2000] = BENCH_FILES "%61/";
	memset(url + strlen(url), 'x', sizeof(url) - 1 - strlen(url));
	draw_a_mark(bench, url);
}

/* Files are asked for at once: the picture, then the mark. */
#define MARKED "/i/preset=mark" BENCH_FILES "a.png"
#define LONG_MARK BENCH_FILES "a/xxx" /* as its name begins */

static void a_mark_that_cannot_be_named_for_want_of_room_fails_the_request(void **state)
{
	struct bench *bench = *state;
	slv_err err;
	unsigned refusals = 0;
	draw_a_long_mark(bench);
	for (size_t bytes = SLV_KIB(1);; bytes += 64) {
		struct client client;
		client_init_with(bench, &client, MARKED, bytes);
		err = client_send(&client);
		if (!slv_failed(err)) {
			bench_source(bench, 1, 404, SLV_STR(""), NULL);
			bench_source(bench, 0, 404, SLV_STR(""), NULL);
			client_end(&client, 404, NULL);
			break;
		}
		assert_int_equal(err.code, SLV_E_LIMIT);
		assert_int_equal(client.replies, 0);
		slv_arena_done(&client.arena);
		refusals++;
	}
	assert_true(refusals > 10);
	assert_memory_equal(bench->sources[1].target, LONG_MARK, strlen(LONG_MARK));
}

static void a_renewal_that_there_is_no_room_for_is_dropped(void **state)
{
	struct bench *bench = *state;
	struct client client;
	unsigned dropped = 0;
	draw_a_long_mark(bench);
	client_begin(bench, &client, MARKED);
	bench_source(bench, 0, 200, picture, NULL);
	bench_source(bench, 1, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	client_end(&client, 200, "made");
	bench_pass(bench, FRESH_MS);
	for (size_t bytes = SLV_KIB(1); bench->source_count == 2; bytes += 64) {
		client_init_with(bench, &client, MARKED, bytes);
		slv_err err = client_send(&client);
		if (!slv_failed(err))
			assert_int_equal(client.status, 200); /* renewed or not */
		dropped += !slv_failed(err) && bench->source_count == 2;
		slv_arena_done(&client.arena);
	}
	assert_true(dropped > 10);
	assert_memory_equal(bench->sources[3].target, LONG_MARK, strlen(LONG_MARK));
}

static void a_purged_link_forgives_what_it_draws(void **state)
{
	struct bench *bench = *state;
	struct slv_purge purge = { .what = SLV_PURGE_URL, .target = SLV_STR(MARKED) };
	struct client client, later;
	draw_a_mark(bench, BENCH_FILES "%6Cogo.png");
	client_begin(bench, &client, MARKED);
	assert_string_equal(bench->sources[1].target, BENCH_FILES "logo.png");
	bench_source(bench, 0, 200, picture, NULL);
	bench_source(bench, 1, 200, SLV_STR("<!doctype html>"), NULL);
	client_end(&client, 415, NULL);
	client_begin(bench, &client, MARKED);
	assert_int_equal(bench->source_count, 2);
	client_end(&client, 415, NULL);

	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	client_begin(bench, &client, MARKED);
	assert_int_equal(bench->source_count, 3);
	assert_int_equal(slv_image_service.purge(bench->self, &purge), 1);
	client_begin(bench, &later, MARKED); /* does not join that load */
	assert_int_equal(bench->source_count, 4);
	bench_source(bench, 2, 200, SLV_STR("<!doctype html>"), NULL);
	client_end(&client, 415, NULL);
	bench_source(bench, 3, 200, picture, NULL);
	struct bench_job job = bench_job(bench);
	bench_made(bench, &job, SLV_STR("made"));
	client_end(&later, 200, "made");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(a_picture_is_made_once_and_then_found),
		T(only_get_and_head_are_answered),
		T(what_the_url_says_wrong_is_refused_at_once),
		T(a_source_has_4096_bytes_and_no_more),
		T(a_failure_is_told_or_leads_to_the_source),
		T(what_failed_just_now_is_told_again_and_says_so),
		T(who_has_it_already_is_told_so),
		T(what_is_private_is_shown_and_not_kept),
		T(what_becomes_private_is_forgotten),
		T(a_result_is_fresh_as_long_as_its_source),
		T(what_must_be_revalidated_is_never_shown_stale),
		T(a_fallback_for_want_of_time_is_soon_tried_again),
		T(each_client_has_a_504_of_his_own),
		T(who_goes_away_is_answered_and_the_others_wait_on),
		T(what_is_stale_is_served_and_renewed_once),
		T(a_renewal_that_fails_pauses_renewals),
		T(what_is_too_old_is_made_while_the_client_waits),
		T(a_purged_url_is_forgotten_for_all_clients),
		T(a_purged_source_is_forgotten_with_all_that_was_made_of_it),
		T(all_spellings_of_a_file_are_one_picture_and_any_purges_it),
		T(elsewhere_the_query_is_part_of_the_source),
		T(a_redirect_leads_to_the_source_as_it_was_sent),
		T(a_url_that_names_nothing_purges_nothing),
		T(a_mark_that_cannot_be_named_for_want_of_room_fails_the_request),
		T(a_renewal_that_there_is_no_room_for_is_dropped),
		T(a_purged_link_forgives_what_it_draws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
