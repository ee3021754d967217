#include "service/image/hosted/testing.h"

#include "base/mem.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"

static void on_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct kit_call *call = SLV_CONTAINER(sink, struct kit_call, sink);
	(void)req;
	call->status = reply->status;
	call->body = slv_api_json(reply->body.bytes);
	slv_body_done(&reply->body);
}

int kit_set_up(void **state)
{
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

static void start(struct kit *kit, struct kit_call *call, enum slv_method method, const char *path,
		const char *param, const char *type)
{
	static const struct slv_sink_ops sink_ops = { .reply = on_reply };
	bool of_account = strncmp(path, "/accounts/", 10) == 0;
	call->sink.ops = &sink_ops;
	call->req.arena = &call->arena;
	call->req.sink = &call->sink;
	call->req.method = method;
	call->req.scheme = SLV_STR("http");
	call->req.host = SLV_STR("localhost");
	call->req.uri.query = kit->query ? slv_str_from(kit->query) : (slv_str){ 0 };
	slv_arena_init(&call->arena, 4096, SLV_MIB(1));
	slv_fields_init(&call->req.fields, &call->arena);
	slv_err err = slv_fields_add_id(
			&call->req.fields, SLV_FIELD_CONTENT_TYPE, slv_str_from(type));
	assert_false(slv_failed(err));
	call->ask = (struct slv_api_ask){ .req = &call->req,
		.loop = kit->loop,
		.call = find_call(method, path),
		.group = &slv_hosted_calls,
		.self = kit->hosted };
	call->ask.params[0] = SLV_STR(ACCOUNT);
	call->ask.params[of_account] = slv_str_from(param);
	err = call->ask.call->serve(&call->ask);
	assert_int_equal(err.code, SLV_E_NONE);
}

static void held_pull(struct slv_source *source, struct slv_pull *pull)
{
	SLV_CONTAINER(source, struct kit_call, source)->pull = pull;
}

static void held_close(struct slv_source *source)
{
	SLV_CONTAINER(source, struct kit_call, source)->pull = NULL;
}

void kit_begin(struct kit *kit, struct kit_call *call, enum slv_method method, const char *path,
		const char *param, const char *type)
{
	static const struct slv_source_ops held_ops = { .pull = held_pull, .close = held_close };
	*call = (struct kit_call){ .source.ops = &held_ops };
	call->req.body = (struct slv_body){ .length = SLV_LENGTH_UNKNOWN, .source = &call->source };
	start(kit, call, method, path, param, type);
	while (!call->pull && !call->status)
		slv_loop_turn(kit->loop, true);
}

void kit_give(struct kit_call *call, slv_str bytes)
{
	struct slv_pull *pull = call->pull;
	assert_non_null(pull);
	call->pull = NULL;
	pull->done(pull, SLV_OK, bytes);
}

int kit_wait(struct kit *kit, struct kit_call *call)
{
	while (!call->status) {
		if (bench_jobs(kit->bench)) {
			struct bench_job job = bench_job(kit->bench);
			assert_true(job.plan.info_only && !job.plan.want_blurhash);
			bench_made(kit->bench, &job, (slv_str){ 0 });
		}
		sched_yield();
	}
	return call->status;
}

void kit_end(struct kit_call *call)
{
	json_decref(call->body);
	slv_body_done(&call->req.body);
	slv_arena_done(&call->arena);
}

int kit_ask(struct kit *kit, enum slv_method method, const char *path, const char *param,
		const char *type, slv_str body)
{
	kit->call = (struct kit_call){ .req.body = slv_body_bytes(body, NULL) };
	start(kit, &kit->call, method, path, param, type);
	kit->status = kit_wait(kit, &kit->call);
	kit->body = kit->call.body;
	return kit->status;
}

void kit_done(struct kit *kit)
{
	kit_end(&kit->call);
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
