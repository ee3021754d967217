#include "proto/testing.h"

#include "base/assert.h"
#include "base/mem.h"
#include "http/problem.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PART_BYTES 1000u

/* --- the transport --- */

static struct bench *bench_of(struct slv_transport *transport)
{
	return SLV_CONTAINER(transport, struct bench, transport);
}

static size_t take(struct bench *bench, const void *at, size_t len)
{
	size_t part = len < bench->room ? len : bench->room;
	if (bench->room != SIZE_MAX)
		bench->room -= part;
	bench->written += part;
	if (!bench->drops_output)
		slv_buf_add(&bench->out, (slv_str){ at, part });
	return part;
}

static size_t fake_write(
		struct slv_transport *transport, const struct iovec *parts, int count, bool more)
{
	struct bench *bench = bench_of(transport);
	size_t taken = 0;
	(void)more;
	slv_assert(!bench->closed && count > 0);
	bench->writes++;
	for (int i = 0; i < count; i++) {
		size_t part = take(bench, parts[i].iov_base, parts[i].iov_len);
		taken += part;
		if (part < parts[i].iov_len)
			break;
	}
	return taken;
}

static size_t fake_sendfile(struct slv_transport *transport, int fd, uint64_t offset, size_t len)
{
	struct bench *bench = bench_of(transport);
	char *bytes = slv_alloc(len);
	slv_assert(pread(fd, bytes, len, (off_t)offset) == (ssize_t)len);
	bench->sendfiles++;
	size_t taken = take(bench, bytes, len);
	slv_free(bytes);
	return taken;
}

static size_t fake_unacked(struct slv_transport *transport)
{
	return bench_of(transport)->unacked;
}

static void fake_want_input(struct slv_transport *transport, bool want)
{
	bench_of(transport)->wants = want;
}

static void fake_busy(struct slv_transport *transport, bool busy)
{
	bench_of(transport)->busy = busy;
}

static void fake_close(struct slv_transport *transport, bool linger)
{
	struct bench *bench = bench_of(transport);
	slv_assert(!bench->closed);
	bench->closed = true;
	bench->linger = linger;
}

static const struct slv_transport_ops fake_ops = {
	.write = fake_write,
	.sendfile = fake_sendfile,
	.unacked = fake_unacked,
	.want_input = fake_want_input,
	.busy = fake_busy,
	.close = fake_close,
};

/* --- bodies --- */

static char *pattern(size_t len)
{
	char *bytes = slv_alloc(len + 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)('a' + i % 26);
	return bytes;
}

struct fake_hold {
	struct slv_hold hold;
	struct bench *bench;
	char *bytes;
	int fd;
};

static void hold_drop(struct slv_hold *hold)
{
	struct fake_hold *own = SLV_CONTAINER(hold, struct fake_hold, hold);
	own->bench->holds--;
	if (own->fd >= 0)
		slv_assert(close(own->fd) == 0);
	slv_free(own->bytes);
	slv_free(own);
}

static struct slv_body held_body(struct bench *bench, size_t len)
{
	struct fake_hold *hold = SLV_ALLOC(struct fake_hold);
	*hold = (struct fake_hold){ .hold.drop = hold_drop, .bench = bench, .fd = -1 };
	hold->bytes = pattern(len);
	bench->holds++;
	return slv_body_bytes((slv_str){ hold->bytes, len }, &hold->hold);
}

/* A file with those bytes behind others. */
static struct slv_body_file file_of(const char *bytes, size_t len)
{
	struct slv_body_file file = { .known = true, .offset = 7 };
	file.fd = memfd_create("body", MFD_CLOEXEC);
	slv_assert(file.fd >= 0 && pwrite(file.fd, bytes, len, 7) == (ssize_t)len);
	return file;
}

static struct slv_body file_body(struct bench *bench, size_t len)
{
	struct slv_body body = held_body(bench, len);
	struct fake_hold *hold = SLV_CONTAINER(body.hold, struct fake_hold, hold);
	body.file = file_of(body.bytes.at, len);
	hold->fd = body.file.fd;
	return body;
}

struct fake_source {
	struct slv_source source;
	struct bench *bench;
	char *bytes;
	size_t len, at, fails_at, given;
	struct slv_pull *pull;
	struct slv_task task;
	struct slv_fields trailers;
	bool with_trailers;
	bool silent;
};

static void source_run(struct slv_task *task)
{
	struct fake_source *own = SLV_CONTAINER(task, struct fake_source, task);
	struct slv_pull *pull = own->pull;
	struct bench *bench = own->bench;
	if (own->silent)
		return;
	if (bench->sources_stall) {
		if (bench->stalled_count < SLV_COUNT(bench->stalled))
			bench->stalled[bench->stalled_count++] = task;
		return;
	}
	own->pull = NULL;
	bench->pulls++;
	size_t part = own->len - own->at < bench->part_bytes ? own->len - own->at
	                                                     : bench->part_bytes;
	slv_str bytes = { own->bytes + own->at, part };
	own->source.file.offset += own->given;
	own->given = part;
	own->at += part;
	if (!part && own->with_trailers)
		own->source.trailers = &own->trailers;
	if (own->fails_at && own->at > own->fails_at)
		pull->done(pull, SLV_ERR(SLV_E_UPSTREAM, "the source broke"), (slv_str){ 0 });
	else
		pull->done(pull, SLV_OK, bytes);
}

static void source_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct fake_source *own = SLV_CONTAINER(source, struct fake_source, source);
	slv_assert(!own->pull);
	own->pull = pull;
	own->bench->asked++;
	slv_task_start(own->bench->loop, &own->task);
}

static void source_close(struct slv_source *source)
{
	struct fake_source *own = SLV_CONTAINER(source, struct fake_source, source);
	own->bench->sources--;
	slv_task_stop(&own->task);
	slv_assert(close(own->source.file.fd) == 0);
	slv_free(own->bytes);
	slv_free(own);
}

static const struct slv_source_ops source_ops = { .pull = source_pull, .close = source_close };

static struct fake_source *fake_source(struct bench *bench, size_t len)
{
	struct fake_source *own = SLV_ALLOC(struct fake_source);
	own->source.ops = &source_ops;
	own->bench = bench;
	own->bytes = pattern(len);
	own->source.file = file_of(own->bytes, len);
	own->len = len;
	own->task.run = source_run;
	bench->sources++;
	return own;
}

/* --- the service --- */

static void answer(struct slv_req *req, int status, slv_str text)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, status);
	slv_err err = slv_fields_add_id(
			&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("text/plain"));
	slv_assert(!slv_failed(err));
	reply.body = slv_body_bytes(text, NULL);
	slv_req_reply(req, &reply);
}

static void answer_body(struct slv_req *req, struct slv_body body)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, 200);
	slv_err err = slv_fields_add(&reply.fields, SLV_STR("X-Made-By"), SLV_STR("bench"));
	slv_assert(!slv_failed(err));
	reply.body = body;
	slv_req_reply(req, &reply);
}

/* Reads the request's body. */
struct reader {
	struct slv_pull pull;
	struct slv_req *req;
	struct slv_source *source;
	struct bench *bench;
	struct slv_buf got;
	bool once;
};

static void reader_end(struct reader *reader, slv_err err)
{
	struct slv_req *req = reader->req;
	const struct slv_fields *trailers = reader->source->trailers;
	slv_str text = slv_str_printf(req->arena, "%.*s+%u", SLV_FMT(slv_buf_str(&reader->got)),
			trailers ? trailers->count : 0);
	slv_source_close(reader->source);
	reader->bench->upload_error = err.code;
	bool once = reader->once;
	slv_buf_done(&reader->got);
	slv_free(reader);
	if (slv_failed(err))
		slv_problem_reply(req, err);
	else
		answer(req, 200, once ? SLV_STR("peeked") : text);
}

static void reader_got(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct reader *reader = SLV_CONTAINER(pull, struct reader, pull);
	slv_buf_add(&reader->got, bytes);
	if (slv_failed(err) || !bytes.len || reader->once)
		reader_end(reader, err);
	else
		slv_source_pull(reader->source, pull);
}

static void read_body(struct bench *bench, struct slv_req *req, bool once)
{
	if (!req->body.source) {
		answer(req, 200, SLV_STR("+none"));
		return;
	}
	struct reader *reader = SLV_ALLOC(struct reader);
	reader->pull.done = reader_got;
	reader->req = req;
	reader->bench = bench;
	reader->source = req->body.source;
	reader->once = once;
	slv_buf_init(&reader->got, SLV_MIB(16));
	req->body = (struct slv_body){ 0 };
	slv_source_pull(reader->source, &reader->pull);
}

static void later_cancelled(struct slv_req *req)
{
	struct bench *bench = req->holder;
	bench->cancelled++;
}

/* What a cached picture's reply looks like. */
static void serve_static(struct slv_req *req)
{
	static const char bytes[1024];
	static const struct {
		enum slv_field_id id;
		slv_str value;
	} fields[] = {
		{ SLV_FIELD_CONTENT_TYPE, SLV_STR_INIT("image/webp") },
		{ SLV_FIELD_ETAG, SLV_STR_INIT("\"0123456789abcdef0123456789abcdef\"") },
		{ SLV_FIELD_CACHE_CONTROL, SLV_STR_INIT("public, max-age=86400") },
		{ SLV_FIELD_LAST_MODIFIED, SLV_STR_INIT("Sun, 06 Nov 1994 08:49:37 GMT") },
		{ SLV_FIELD_VARY, SLV_STR_INIT("Accept") },
		{ SLV_FIELD_CACHE_STATUS, SLV_STR_INIT("selvedge; hit") },
	};
	struct slv_reply reply;
	slv_reply_init(&reply, req, 200);
	for (size_t i = 0; i < SLV_COUNT(fields); i++) {
		slv_err err = slv_fields_add_id(&reply.fields, fields[i].id, fields[i].value);
		slv_assert(!slv_failed(err));
	}
	reply.body = slv_body_bytes((slv_str){ bytes, sizeof(bytes) }, NULL);
	slv_req_reply(req, &reply);
}

static size_t number_of(struct slv_req *req, slv_str prefix)
{
	uint64_t number = 0;
	slv_assert(slv_str_u64(slv_str_from_index(req->path, prefix.len), SLV_MIB(64), &number));
	return (size_t)number;
}

static void serve_source(struct bench *bench, struct slv_req *req)
{
	size_t len = 2500, told = 3000;
	if (slv_str_starts(req->path, SLV_STR("/stream/")))
		len = number_of(req, SLV_STR("/stream/"));
	else if (slv_str_starts(req->path, SLV_STR("/sized/")))
		told = len = number_of(req, SLV_STR("/sized/"));
	else if (slv_str_eq(req->path, SLV_STR("/long")))
		told = 1500;
	struct fake_source *source = fake_source(bench, len);
	if (slv_str_starts(req->path, SLV_STR("/stream/"))) {
		slv_fields_init(&source->trailers, req->arena);
		slv_err err = slv_fields_add(&source->trailers, SLV_STR("x-sum"), SLV_STR("42"));
		slv_assert(!slv_failed(err));
		source->with_trailers = true;
		told = SLV_LENGTH_UNKNOWN;
	}
	source->silent = slv_str_eq(req->path, SLV_STR("/silent"));
	if (slv_str_eq(req->path, SLV_STR("/broken"))) {
		told = SLV_LENGTH_UNKNOWN;
		source->fails_at = PART_BYTES;
	}
	answer_body(req, (struct slv_body){ .length = told, .source = &source->source });
}

static slv_err serve_bad(struct slv_req *req)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, 200);
	slv_err err = slv_fields_add(&reply.fields, SLV_STR("x"), SLV_STR("a\r\nb: c"));
	reply.body = slv_body_bytes(SLV_STR("never sent"), NULL);
	slv_req_reply(req, &reply);
	return err;
}

static void serve_unchanged(struct slv_req *req)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, 304);
	slv_err err = slv_fields_add_id(&reply.fields, SLV_FIELD_ETAG, SLV_STR("\"v1\""));
	slv_assert(!slv_failed(err));
	slv_req_reply(req, &reply);
}

static slv_err bench_serve(void *self, struct slv_req *req)
{
	struct bench *bench = self;
	bench->served++;
	if (slv_str_eq(req->path, SLV_STR("/hello")))
		answer(req, 200, SLV_STR("hello"));
	else if (slv_str_eq(req->path, SLV_STR("/static")))
		serve_static(req);
	else if (slv_str_starts(req->path, SLV_STR("/bytes/")))
		answer_body(req, held_body(bench, number_of(req, SLV_STR("/bytes/"))));
	else if (slv_str_starts(req->path, SLV_STR("/file/")))
		answer_body(req, file_body(bench, number_of(req, SLV_STR("/file/"))));
	else if (slv_str_eq(req->path, SLV_STR("/echo")))
		read_body(bench, req, false);
	else if (slv_str_eq(req->path, SLV_STR("/peek")))
		read_body(bench, req, true);
	else if (slv_str_eq(req->path, SLV_STR("/ignore")))
		answer(req, 200, SLV_STR("ignored"));
	else if (slv_str_eq(req->path, SLV_STR("/empty")))
		answer(req, 204, (slv_str){ 0 });
	else if (slv_str_eq(req->path, SLV_STR("/unchanged")))
		serve_unchanged(req);
	else if (slv_str_eq(req->path, SLV_STR("/bad")))
		return serve_bad(req);
	else if (slv_str_eq(req->path, SLV_STR("/later"))) {
		slv_assert(bench->held_count < BENCH_HELD_MAX);
		req->holder = bench;
		req->on_cancel = later_cancelled;
		bench->held[bench->held_count++] = req;
	} else if (slv_str_starts(req->path, SLV_STR("/missing")))
		return SLV_ERR(SLV_E_MISSING, "nothing there");
	else
		serve_source(bench, req);
	return SLV_OK;
}

static slv_err bench_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	(void)env;
	*ret_self = (void *)(uintptr_t)place->settings;
	return SLV_OK;
}

static void bench_stop(void *self)
{
	(void)self;
}

static const struct slv_service bench_service = {
	.name = "bench",
	.start = bench_start,
	.serve = bench_serve,
	.stop = bench_stop,
};

/* --- life --- */

static uint64_t world_now_ms(void *arg)
{
	return ((struct bench *)arg)->now_ms;
}

static int64_t world_wall_ms(void *arg)
{
	return ((struct bench *)arg)->wall_ms;
}

static void world_random(void *arg, void *bytes, size_t len)
{
	(void)arg;
	memset(bytes, 7, len);
}

static void start_edge(struct bench *bench)
{
	static const struct slv_service *const services[] = { &bench_service, NULL };
	slv_str *hosts = SLV_NEW(&bench->arena, slv_str);
	struct slv_edge_route *route = SLV_NEW(&bench->arena, struct slv_edge_route);
	struct slv_edge_site *site = SLV_NEW(&bench->arena, struct slv_edge_site);
	*hosts = SLV_STR("*");
	route->path = SLV_STR("/");
	route->settings[0] = bench;
	site->hosts = (struct slv_conf_list){ .at = hosts, .count = 1 };
	site->routes = (struct slv_conf_list){ .at = route, .count = 1 };
	bench->edge_conf = (struct slv_edge_conf){
		.services = services,
		.sites = { .at = site, .count = 1 },
		.lag_ms_max = 1000000, /* so that it looks; a test may set the marks */
	};
	bench->metrics = slv_metrics_new();
	struct slv_service_env env = { .loop = bench->loop, .metrics = bench->metrics };
	slv_err err = slv_edge_new(&bench->arena, &env, &bench->edge_conf, NULL, &bench->edge);
	slv_assert(!slv_failed(err));
}

struct bench *bench_new(void)
{
	struct bench *bench = SLV_ALLOC(struct bench);
	slv_arena_init(&bench->arena, SLV_KIB(4), SLV_MIB(1));
	slv_buf_init(&bench->out, SLV_MIB(64));
	bench->now_ms = 1000000;
	bench->wall_ms = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
	bench->room = SIZE_MAX;
	bench->part_bytes = PART_BYTES;
	bench->wants = true;
	struct slv_loop_world world = { world_now_ms, world_wall_ms, world_random, bench };
	bench->loop = slv_loop_new(0, NULL, &world);
	bench->conf = (struct slv_session_conf){
		.h1 = SLV_H1_LIMITS_DEFAULT,
		.body_bytes_max = 100000,
		.header_ms = 10000,
		.body_idle_ms = 30000,
		.body_floor_bytes_s = 1024,
		.write_idle_ms = 30000,
		.keep_alive_ms = 60000,
		.requests_max = 1000000,
		.age_ms = 3600000,
		.request_arena_bytes = 1048576,
		.h2_streams_max = 100,
		.h2_window_bytes = 65535,
		.h2_connection_window_bytes = 1048576,
	};
	start_edge(bench);
	bench->transport = (struct slv_transport){ .ops = &fake_ops, .loop = bench->loop };
	bench->transport.peer = (struct slv_addr){ 0 };
	return bench;
}

void bench_answer_pulls(struct bench *bench)
{
	bench->sources_stall = false;
	while (bench->stalled_count)
		slv_task_start(bench->loop, bench->stalled[--bench->stalled_count]);
	bench_turn(bench);
}

void bench_close(struct bench *bench)
{
	if (bench->transport.session)
		bench->transport.session->ops->free(bench->transport.session);
	bench->transport.session = NULL;
	bench_turn(bench);
}

void bench_free(struct bench *bench)
{
	bench_close(bench);
	slv_assert(!bench->sources && !bench->holds);
	slv_edge_free(bench->edge);
	slv_metrics_free(bench->metrics);
	slv_loop_free(bench->loop);
	slv_buf_done(&bench->out);
	slv_arena_done(&bench->arena);
	slv_free(bench);
}

void bench_h1(struct bench *bench, slv_str early)
{
	slv_h1_session_new(&bench->transport, bench->edge, &bench->conf, early);
	bench_turn(bench);
}

void bench_h2(struct bench *bench, slv_str early)
{
	slv_h2_session_new(&bench->transport, bench->edge, &bench->conf, early);
	bench_turn(bench);
}

void bench_turn(struct bench *bench)
{
	slv_loop_turn(bench->loop, false);
}

void bench_input(struct bench *bench, slv_str bytes)
{
	struct slv_session *session = bench->transport.session;
	while (bytes.len && !bench->closed && bench->wants) {
		char *at = NULL;
		size_t room = session->ops->room(session, &at);
		if (!room)
			break;
		slv_str part = slv_str_head(bytes, room);
		memcpy(at, part.at, part.len);
		session->ops->input(session, part.len);
		bytes = slv_str_from_index(bytes, part.len);
	}
	bench_turn(bench);
}

void bench_eof(struct bench *bench)
{
	bench->transport.session->ops->eof(bench->transport.session, SLV_OK);
	bench_turn(bench);
}

void bench_wait(struct bench *bench, uint64_t ms)
{
	while (ms) {
		uint64_t step = ms < 100 ? ms : 100;
		bench->now_ms += step;
		bench->wall_ms += (int64_t)step;
		ms -= step;
		bench_turn(bench);
	}
}

void bench_room(struct bench *bench, size_t room)
{
	bench->room = room;
	if (!bench->closed)
		bench->transport.session->ops->writable(bench->transport.session);
	bench_turn(bench);
}

void bench_answer(struct bench *bench, unsigned index)
{
	slv_assert(index < bench->held_count && bench->held[index]);
	struct slv_req *req = bench->held[index];
	bench->held[index] = NULL;
	answer(req, 200, SLV_STR("late"));
	bench_turn(bench);
}
