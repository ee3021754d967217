#include "service/image/hosted/testing.h"

#include "base/mem.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"

static void on_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct kit *kit = SLV_CONTAINER(sink, struct kit, sink);
	(void)req;
	kit->status = reply->status;
	kit->body = slv_api_json(reply->body.bytes);
	slv_body_done(&reply->body);
}

int kit_set_up(void **state)
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
		.images_max = 10,
		.drafts_max = 1000 };
	kit->sink.ops = &sink_ops;
	kit->hosted = SLV_ALLOC(struct hosted);
	*kit->hosted = (struct hosted){ .loop = kit->loop,
		.maps = kit->maps,
		.blobs = kit->blobs,
		.lanes = kit->bench->env.lanes,
		.settings = &kit->settings,
		.list_limits = HOSTED_LIST_LIMITS,
		.bodies.bytes_max = 100000,
		.has_account = true };
	slv_list_init(&kit->hosted->by_links);
	memcpy(kit->hosted->account, ACCOUNT, HOSTED_ACCOUNT_BYTES);
	*state = kit;
	return 0;
}

int kit_tear_down(void **state)
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

int kit_ask(struct kit *kit, enum slv_method method, const char *path, const char *param,
		const char *type, slv_str body)
{
	kit->status = 0;
	slv_arena_init(&kit->arena, 4096, SLV_MIB(1));
	kit->req = (struct slv_req){ .arena = &kit->arena,
		.sink = &kit->sink,
		.method = method,
		.scheme = SLV_STR("http"),
		.host = SLV_STR("localhost"),
		.uri.query = kit->query ? slv_str_from(kit->query) : (slv_str){ 0 },
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

void kit_done(struct kit *kit)
{
	json_decref(kit->body);
	slv_arena_done(&kit->arena);
}

/* --- rows --- */

static void on_write(struct slv_omap_batch *batch, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(batch, struct kit, batch);
	assert_int_equal(err.code, SLV_E_NONE);
	kit->pending = false;
}

void kit_write(struct kit *kit, const struct slv_omap_change *changes, size_t count)
{
	kit->batch = (struct slv_omap_batch){
		.map = kit->map, .changes = changes, .count = count, .done = on_write
	};
	kit->pending = true;
	slv_omap_write(kit->loop, &kit->batch);
	while (kit->pending)
		slv_loop_turn(kit->loop, true);
}

static void on_count(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct kit, read);
	assert_int_equal(err.code, SLV_E_NONE);
	kit->count = rows->count;
	kit->pending = false;
	rows->hold.drop(&rows->hold);
}

size_t kit_rows_of(struct kit *kit, char kind)
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
