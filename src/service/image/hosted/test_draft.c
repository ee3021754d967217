/* Drafts and their links in time, with the clock of the test and stores in a folder of its own. */
#include "base/testing.h"

#include "base/mem.h"
#include "http/date.h"
#include "service/image/hosted/private.h"
#include "service/image/testing.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS UINT64_C(60000000000)
#define TICK_MS 10
#define ACCOUNT "0123456789abcdef0123456789abcdef"

struct kit {
	struct bench *bench; /* its loop, its clock, its jails */
	struct hosted *hosted;
	struct slv_loop *loop, *watch; /* the other has the real clock, for deadlines */
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_omap *map;
	struct slv_hosted_settings settings;
	char folder[40];

	/* Of the call under way. */
	struct slv_arena arena;
	struct slv_sink sink;
	struct slv_req req;
	struct slv_api_ask ask;
	int status; /* 0: not answered yet */
	json_t *body;

	struct slv_omap_read read;
	size_t count;
	struct hosted_image image;
	bool pending;
};

static void on_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct kit *kit = SLV_CONTAINER(sink, struct kit, sink);
	(void)req;
	kit->status = reply->status;
	kit->body = slv_api_json(reply->body.bytes);
	slv_body_done(&reply->body);
}

static int set_up(void **state)
{
	static const struct slv_sink_ops sink_ops = { .reply = on_reply };
	struct kit *kit = SLV_ALLOC(struct kit);
	char url[60];
	void *bench;
	assert_int_equal(bench_setup(&bench), 0);
	kit->bench = bench;
	kit->loop = kit->bench->loop;
	strcpy(kit->folder, "/tmp/selvedge-hosted-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	kit->watch = slv_loop_new(1, NULL, NULL);
	snprintf(url, sizeof(url), "sqlite:%s/maps", kit->folder);
	slv_err err = slv_omaps_open(
			slv_str_from(url), slv_loop_hash_key(kit->loop), NULL, &kit->maps);
	assert_int_equal(err.code, SLV_E_NONE);
	snprintf(url, sizeof(url), "file:%s/blobs", kit->folder);
	err = slv_blobs_open(slv_str_from(url), SLV_STR(""), NULL, &kit->blobs);
	assert_int_equal(err.code, SLV_E_NONE);
	kit->map = hosted_map(kit->maps, SLV_STR(ACCOUNT));
	kit->settings = (struct slv_hosted_settings){ .url = SLV_STR("https://img.example.com"),
		.upload_url = SLV_STR("https://up.example.com"),
		.image_bytes = 100000,
		.side_max = 12000,
		.pixels_max = 100000000,
		.images_max = 10 };
	kit->sink.ops = &sink_ops;
	kit->hosted = SLV_ALLOC(struct hosted);
	*kit->hosted = (struct hosted){ .loop = kit->loop,
		.maps = kit->maps,
		.blobs = kit->blobs,
		.lanes = kit->bench->env.lanes,
		.settings = &kit->settings,
		.bodies.bytes_max = 100000,
		.has_account = true };
	slv_list_init(&kit->hosted->by_links);
	memcpy(kit->hosted->account, ACCOUNT, HOSTED_ACCOUNT_BYTES);
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	void *bench = kit->bench;
	char command[60];
	hosted_sweep_free(kit->hosted->sweep);
	assert_int_equal(kit->hosted->gathered_bytes, 0);
	assert_true(slv_list_empty(&kit->hosted->by_links));
	/* Before the loop ends: a sweep that is under way does not need it. */
	slv_free(kit->hosted);
	assert_int_equal(bench_teardown(&bench), 0);
	slv_loop_free(kit->watch);
	slv_omaps_close(kit->maps);
	slv_blobs_close(kit->blobs);
	snprintf(command, sizeof(command), "rm -r %s", kit->folder);
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

/* --- calls --- */

static const struct slv_api_call *find_call(enum slv_method method, const char *path)
{
	const struct slv_api_call *call = slv_hosted_calls.calls;
	while (call->path && !(call->method == method && strcmp(call->path, path) == 0))
		call++;
	assert_non_null(call->path);
	return call;
}

/* Its status; the body is dropped by done(). `param` stands for what is behind the account. */
static int ask(struct kit *kit, enum slv_method method, const char *path, const char *param,
		const char *type, slv_str body)
{
	kit->status = 0;
	slv_arena_init(&kit->arena, 4096, SLV_MIB(1));
	kit->req = (struct slv_req){ .arena = &kit->arena,
		.sink = &kit->sink,
		.method = method,
		.scheme = SLV_STR("http"),
		.host = SLV_STR("localhost"),
		.body = slv_body_bytes(body, NULL) };
	slv_fields_init(&kit->req.fields, &kit->arena);
	slv_err err = slv_fields_add_id(
			&kit->req.fields, SLV_FIELD_CONTENT_TYPE, slv_str_from(type));
	assert_false(slv_failed(err));
	kit->ask = (struct slv_api_ask){ .req = &kit->req,
		.loop = kit->loop,
		.call = find_call(method, path),
		.group = &slv_hosted_calls,
		.self = kit->hosted };
	bool of_account = strncmp(path, "/accounts/", 10) == 0;
	kit->ask.params[0] = SLV_STR(ACCOUNT);
	kit->ask.params[of_account] = slv_str_from(param);
	err = kit->ask.call->serve(&kit->ask);
	assert_int_equal(err.code, SLV_E_NONE);
	while (!kit->status) {
		if (bench_jobs(kit->bench)) {
			struct bench_job job = bench_job(kit->bench);
			assert_true(job.plan.info_only && !job.plan.want_blurhash);
			bench_made(kit->bench, &job, (slv_str){ 0 });
		}
		sched_yield();
	}
	return kit->status;
}

static void done(struct kit *kit)
{
	json_decref(kit->body);
	slv_arena_done(&kit->arena);
}

#define V1 "/accounts/:/images/v1"

static int get(struct kit *kit, const char *id)
{
	int status = ask(kit, SLV_METHOD_GET, V1 "/*", id, "", (slv_str){ 0 });
	done(kit);
	return status;
}

/* A draft with that id for so long; its link's secret. */
static void draft(struct kit *kit, const char *id, int64_t seconds, char secret[static 64])
{
	char form[512], expiry[SLV_DATE_ISO_BYTES];
	slv_date_print_iso(slv_loop_wall_s(kit->loop) + seconds, expiry);
	int len = snprintf(form, sizeof(form),
			"--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n%s\r\n"
			"--b\r\nContent-Disposition: form-data; name=\"expiry\"\r\n\r\n%.*s\r\n"
			"--b--\r\n",
			id, SLV_DATE_ISO_BYTES, expiry);
	assert_int_equal(ask(kit, SLV_METHOD_POST, "/accounts/:/images/v2/direct_upload", "",
					 "multipart/form-data; boundary=b",
					 (slv_str){ form, (size_t)len }),
			200);
	slv_str url = slv_api_member(json_object_get(kit->body, "result"), "uploadURL");
	slv_str text = slv_str_from_index(url, slv_str_find_last(url, '/') + 1);
	snprintf(secret, 64, "%.*s", SLV_FMT(text));
	done(kit);
}

static int upload(struct kit *kit, const char *secret)
{
	int status = ask(kit, SLV_METHOD_POST, "/upload/:", secret, "image/png",
			SLV_STR(BENCH_PICTURE));
	done(kit);
	return status;
}

/* --- rows --- */

static void on_count(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct kit, read);
	assert_int_equal(err.code, SLV_E_NONE);
	kit->count = rows->count;
	kit->pending = false;
	rows->hold.drop(&rows->hold);
}

static void on_row(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct kit, read);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_int_equal(hosted_image_read(rows->at[0].value, &kit->image).code, SLV_E_NONE);
	kit->pending = false;
	rows->hold.drop(&rows->hold);
}

/* What is kept of it; its texts are not valid. */
static struct hosted_image picture(struct kit *kit, const char *id)
{
	char room[HOSTED_KEY_BYTES_MAX];
	slv_str key = hosted_row_key('i', slv_str_from(id), room);
	kit->read = (struct slv_omap_read){ .map = kit->map,
		.what = SLV_OMAP_GET,
		.keys = &key,
		.count = 1,
		.rows_max = 1,
		.done = on_row };
	kit->pending = true;
	slv_omap_read(kit->loop, &kit->read);
	while (kit->pending)
		slv_loop_turn(kit->loop, true);
	return kit->image;
}

/* Rows whose keys begin with that letter. */
static size_t rows_of(struct kit *kit, char kind)
{
	char from[] = { kind }, until[] = { (char)(kind + 1) };
	kit->read = (struct slv_omap_read){ .map = kit->map,
		.what = SLV_OMAP_SCAN,
		.from = { from, 1 },
		.until = { until, 1 },
		.rows_max = SLV_OMAP_ROWS_MAX,
		.done = on_count };
	kit->pending = true;
	slv_omap_read(kit->loop, &kit->read);
	while (kit->pending)
		slv_loop_turn(kit->loop, true);
	return kit->count;
}

/* A little time passes, in which the loop does what is due, until there are so many such rows. */
static void until_rows(struct kit *kit, char kind, size_t count)
{
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	while (rows_of(kit, kind) != count) {
		bench_pass(kit->bench, TICK_MS);
		sched_yield();
		if (slv_loop_fresh_ns(kit->watch) - begun_ns > PATIENCE_NS)
			fail_msg("nothing comes of it");
	}
}

#define IN_10_MINUTES 600
#define IN_1_HOUR 3600

/* --- what holds, and until when --- */

static void a_link_holds_until_its_time_is_over(void **state)
{
	struct kit *kit = *state;
	char one[64], other[64];
	draft(kit, "one", IN_10_MINUTES, one);
	draft(kit, "other", IN_10_MINUTES, other);
	bench_pass(kit->bench, 599999);
	assert_int_equal(get(kit, "other"), 200);
	assert_int_equal(upload(kit, one), 200);
	bench_pass(kit->bench, 1);
	assert_int_equal(upload(kit, other), 403);
	assert_int_equal(get(kit, "other"), 404);
	assert_int_equal(get(kit, "one"), 200);
}

static void what_was_a_draft_leaves_no_rows_of_one(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	assert_int_equal(rows_of(kit, 'u'), 1);
	assert_int_equal(rows_of(kit, 'x'), 1);
	assert_int_equal(rows_of(kit, 'n'), 0);
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(rows_of(kit, 'u'), 0);
	assert_int_equal(rows_of(kit, 'x'), 0);
	assert_int_equal(rows_of(kit, 'n'), 1);
	assert_int_equal(rows_of(kit, 'o'), 1);
	assert_int_equal(upload(kit, secret), 403);
}

static void drafts_that_have_expired_are_taken_away_and_nothing_else_is(void **state)
{
	struct kit *kit = *state;
	char secret[64], later[64];
	draft(kit, "used", IN_10_MINUTES, secret);
	assert_int_equal(upload(kit, secret), 200);
	draft(kit, "gone", IN_10_MINUTES, secret);
	draft(kit, "later", IN_1_HOUR, later);
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000);
	until_rows(kit, 'i', 2);
	assert_int_equal(rows_of(kit, 'u'), 1);
	assert_int_equal(rows_of(kit, 'x'), 1);
	assert_int_equal(upload(kit, secret), 403);
	draft(kit, "gone", IN_1_HOUR, secret); /* the id is free again */
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(upload(kit, later), 200);
	assert_int_equal(rows_of(kit, 'o'), 3);
}

static void a_sweep_goes_on_until_all_of_them_are_gone(void **state)
{
	struct kit *kit = *state;
	char secret[64], id[20];
	for (int i = 0; i < 250; i++) { /* more than it takes at once */
		snprintf(id, sizeof(id), "draft %d", i);
		draft(kit, id, IN_10_MINUTES, secret);
	}
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000);
	until_rows(kit, 'x', 0);
	assert_int_equal(rows_of(kit, 'i'), 0);
	assert_int_equal(rows_of(kit, 'u'), 0);
}

static void pictures_are_counted(void **state)
{
	struct kit *kit = *state;
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(kit->hosted->count, 1);
	kit->hosted->count = 7; /* what others do is not known here */
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	while (kit->hosted->count != 1) {
		bench_pass(kit->bench, TICK_MS);
		sched_yield();
		assert_true(slv_loop_fresh_ns(kit->watch) - begun_ns < PATIENCE_NS);
	}
}

static void what_a_jail_says_is_kept(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	assert_int_equal(upload(kit, secret), 200);
	struct hosted_image image = picture(kit, "one");
	assert_int_equal(image.width, 50);
	assert_int_equal(image.height, 40);
	assert_int_equal(image.format, SLV_FORMAT_PNG);
	assert_int_equal(image.blob.len, sizeof(BENCH_PICTURE) - 1);
}

static void it_ends_while_it_sweeps(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "gone", IN_10_MINUTES, secret);
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000);
	slv_loop_turn(kit->loop, false);
	slv_loop_turn(kit->loop, false); /* its first read may be under way: tear_down ends it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				a_link_holds_until_its_time_is_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				what_was_a_draft_leaves_no_rows_of_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				drafts_that_have_expired_are_taken_away_and_nothing_else_is, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				a_sweep_goes_on_until_all_of_them_are_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pictures_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_jail_says_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_ends_while_it_sweeps, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
