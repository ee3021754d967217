#include "service/image/testing.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/message.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A message takes as many turns from loop to loop, to a jail and back. */
#define TURNS 6

/* --- the clock --- */

static uint64_t world_now_ms(void *arg)
{
	return ((struct bench *)arg)->now_ms;
}

static int64_t world_wall_ms(void *arg)
{
	return ((struct bench *)arg)->wall_ms;
}

/* The same in each run, and no eight bytes twice in one. */
static void world_random(void *arg, void *bytes, size_t len)
{
	struct bench *bench = arg;
	size_t part = sizeof(bench->randoms);
	for (size_t at = 0; at < len; at += part) {
		uint64_t mixed = ++bench->randoms * UINT64_C(0x9e3779b97f4a7c15);
		mixed ^= mixed >> 29;
		memcpy((char *)bytes + at, &mixed, len - at < part ? len - at : part);
	}
}

/* --- jails --- */

static void maker_make(struct slv_jail_maker *maker, enum slv_format needs, void *arg,
		void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd))
{
	struct bench *bench = SLV_CONTAINER(maker, struct bench, maker);
	slv_assert(needs == SLV_FORMAT_SAME && bench->order_count < BENCH_JAILS);
	bench->orders[bench->order_count].arg = arg;
	bench->orders[bench->order_count++].made = made;
	slv_task_start(bench->loop, &bench->hand_over);
}

/* Take what came in, and forget jails that the lanes have killed. */
static void look_at(struct bench *bench, unsigned index)
{
	struct slv_message message;
	int *fd = &bench->jails[index].fd;
	slv_err err = *fd >= 0 ? slv_message_receive(*fd, &message) : SLV_ERR(SLV_E_BUSY, NULL);
	if (err.code == SLV_E_BUSY)
		return;
	if (slv_failed(err)) {
		slv_assert(err.code == SLV_E_CLOSED);
		slv_fd_done(fd);
		bench->jails[index].has_job = false;
		bench->jails_ended++;
		return;
	}
	struct bench_job *job = &bench->jails[index].job;
	slv_assert(!bench->jails[index].has_job && message.fd_count > 0);
	*job = (struct bench_job){
		.jail = index, .id = message.head.id, .fd_count = message.fd_count
	};
	memcpy(&job->plan, message.body, sizeof(job->plan));
	slv_assert(pread(message.fd[0], job->source, sizeof(job->source) - 1, 0) > 0);
	bench->jails[index].has_job = true;
	slv_message_done(&message);
}

static void maker_hand_over(struct slv_task *task)
{
	struct bench *bench = SLV_CONTAINER(task, struct bench, hand_over);
	while (bench->order_count) {
		int pair[2];
		unsigned at = 0;
		for (; at < BENCH_JAILS; at++) {
			look_at(bench, at);
			if (bench->jails[at].fd < 0)
				break;
		}
		slv_assert(at < BENCH_JAILS && !slv_failed(slv_message_pair(pair)));
		slv_assert(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
		bench->jails[at].fd = pair[0];
		bench->order_count--;
		/* Instead of a process something that no signal can be sent to. */
		bench->orders[bench->order_count].made(bench->orders[bench->order_count].arg,
				SLV_OK, pair[1], open("/dev/null", O_RDONLY | O_CLOEXEC));
	}
}

void bench_turn(struct bench *bench)
{
	for (unsigned i = 0; i < TURNS; i++) {
		slv_loop_turn(bench->loop, false);
		for (unsigned jail = 0; jail < BENCH_JAILS; jail++)
			look_at(bench, jail);
	}
}

void bench_pass(struct bench *bench, uint64_t ms)
{
	bench->now_ms += ms;
	bench->wall_ms += (int64_t)ms;
	bench_turn(bench);
}

unsigned bench_jobs(struct bench *bench)
{
	unsigned count = 0;
	bench_turn(bench);
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		count += bench->jails[i].has_job;
	return count;
}

struct bench_job bench_job(struct bench *bench)
{
	bench_turn(bench);
	for (unsigned i = 0; i < BENCH_JAILS; i++) {
		if (!bench->jails[i].has_job)
			continue;
		bench->jails[i].has_job = false;
		return bench->jails[i].job;
	}
	fail_msg("no jail was asked");
	return (struct bench_job){ 0 };
}

static void send_result(struct bench *bench, const struct bench_job *job,
		const struct slv_pixel_result *result, const int *fd)
{
	struct slv_message_head head = { SLV_MESSAGE_PIXEL_RESULT, sizeof(*result), job->id };
	slv_err err = slv_message_send(bench->jails[job->jail].fd, head, result, fd, fd ? 1 : 0);
	assert_false(slv_failed(err));
}

void bench_send_made(struct bench *bench, const struct bench_job *job, slv_str bytes)
{
	struct slv_pixel_result result = {
		.magic = SLV_PIXEL_MAGIC,
		.format = job->plan.format == SLV_FORMAT_SAME ? SLV_FORMAT_PNG : job->plan.format,
		.source_format = SLV_FORMAT_PNG,
		.orientation = 1,
		.width = 5,
		.height = 4,
		.frames = 1,
		.source_width = 50,
		.source_height = 40,
		.source_frames = 1,
		.bytes = job->plan.info_only ? 0 : bytes.len,
	};
	int fd = -1;
	if (job->plan.info_only) {
		send_result(bench, job, &result, NULL);
		return;
	}
	assert_false(slv_failed(slv_memfd_of(bytes, &fd)));
	send_result(bench, job, &result, &fd);
	slv_fd_done(&fd);
}

void bench_made(struct bench *bench, const struct bench_job *job, slv_str bytes)
{
	bench_send_made(bench, job, bytes);
	bench_turn(bench);
}

void bench_not_made(struct bench *bench, const struct bench_job *job, enum slv_code code,
		const char *what)
{
	struct slv_pixel_result result = { .magic = SLV_PIXEL_MAGIC, .code = code };
	snprintf(result.what, sizeof(result.what), "%s", what);
	send_result(bench, job, &result, NULL);
	bench_turn(bench);
}

/* --- sources --- */

static void dispatch(struct slv_service_env *env, struct slv_req *req)
{
	struct bench *bench = SLV_CONTAINER(env, struct bench, env);
	slv_assert(bench->source_count < SLV_COUNT(bench->sources));
	struct bench_source *source = &bench->sources[bench->source_count++];
	slv_str etag = slv_fields_get(&req->fields, SLV_FIELD_IF_NONE_MATCH);
	source->req = req;
	snprintf(source->target, sizeof(source->target), "%.*s", SLV_FMT(req->target));
	snprintf(source->if_none_match, sizeof(source->if_none_match), "%.*s", SLV_FMT(etag));
}

static bool path_only(struct slv_service_env *env, uint32_t site, slv_str path)
{
	struct bench *bench = SLV_CONTAINER(env, struct bench, env);
	assert_int_equal(site, bench->self->site_index);
	return slv_str_starts(path, SLV_STR(BENCH_FILES));
}

static const struct slv_service_env_ops env_ops = { .dispatch = dispatch, .path_only = path_only };

void bench_source(
		struct bench *bench, unsigned index, int status, slv_str body, const char *control)
{
	struct slv_reply reply;
	slv_assert(index < bench->source_count && bench->sources[index].req);
	struct slv_req *req = bench->sources[index].req;
	slv_err err = SLV_OK;
	bench->sources[index].req = NULL;
	slv_reply_init(&reply, req, status);
	reply.body = slv_body_bytes(body, NULL);
	if (control)
		err = slv_fields_add_id(
				&reply.fields, SLV_FIELD_CACHE_CONTROL, slv_str_from(control));
	if (!slv_failed(err) && bench->age)
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_AGE, slv_str_from(bench->age));
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_ETAG,
				slv_str_from(bench->etag ? bench->etag : "\"v1\""));
	assert_false(slv_failed(err));
	slv_req_reply(req, &reply);
	bench_turn(bench);
}

void bench_give(struct bench *bench, unsigned index)
{
	bench_source(bench, index, 200, SLV_STR(BENCH_PICTURE), NULL);
}

/* --- questions --- */

struct image_recipe bench_recipe(struct bench *bench, const char *options, const char *source)
{
	struct slv_image_options parsed;
	struct slv_image_choice choice = { .class = SLV_IMAGE_CLASS_AVIF_WEBP };
	struct image_recipe recipe = { .self = bench->self, .source = slv_str_from(source) };
	slv_err err = slv_image_options_parse(
			&bench->arena, slv_str_from(options), &bench->conf.defaults, &parsed);
	if (slv_failed(err))
		fail_msg("'%s': %s", options, err.what);
	slv_image_plan_make(&parsed, &bench->conf.defaults, &choice, &recipe.plan);
	recipe.json = parsed.format == SLV_IMAGE_FORMAT_JSON;
	recipe.key.source = slv_image_source_key(bench->self->site, recipe.source);
	recipe.key.variant = slv_image_variant_key(&recipe.key.source, &recipe.plan, NULL);
	return recipe;
}

struct image_recipe bench_recipe_with_draw(struct bench *bench)
{
	struct image_recipe recipe = bench_recipe(bench, "width=5", "/a.png");
	recipe.plan.draw_count = 1;
	recipe.plan.draw[0].opacity = 1;
	recipe.draws[0] = SLV_STR("/logo.png");
	recipe.key.variant = slv_image_variant_key(&recipe.key.source, &recipe.plan, recipe.draws);
	return recipe;
}

static void was_told(struct image_ask *ask)
{
	struct bench *bench = SLV_CONTAINER(ask->recipe.self->env, struct bench, env);
	struct slv_cache_hit *hit = ask->hit;
	if (ask->req) {
		struct waiter *waiter = SLV_CONTAINER(ask->req, struct waiter, req);
		waiter->told++;
		waiter->told_ms = bench->now_ms;
		waiter->how = ask->how;
		waiter->code = ask->code;
		snprintf(waiter->what, sizeof(waiter->what), "%s", ask->what);
		assert_true(!hit == (ask->code != SLV_E_NONE));
		if (hit) {
			waiter->bytes = hit->body.len;
			snprintf(waiter->body, sizeof(waiter->body), "%.*s", SLV_FMT(hit->body));
			assert_non_null(image_meta_of(hit));
			memcpy(waiter->etag, image_meta_of(hit)->etag, sizeof(waiter->etag));
		}
	} else {
		bench->unheard++;
	}
	if (hit)
		hit->hold.drop(&hit->hold);
	image_ask_done(ask);
}

static struct image_ask *ask(const struct image_recipe *recipe, struct waiter *waiter)
{
	struct image_ask *own =
			slv_alloc(sizeof(struct image_ask) + image_recipe_text_bytes(recipe));
	image_recipe_copy(recipe, &own->recipe, own->text);
	own->req = waiter ? &waiter->req : NULL;
	own->answered = was_told;
	image_ask(own);
	return own;
}

void bench_ask_recipe(struct bench *bench, struct waiter *waiter, const struct image_recipe *recipe)
{
	*waiter = (struct waiter){ .bench = bench };
	waiter->ask = ask(recipe, waiter);
	assert_int_equal(waiter->told, 0);
}

void bench_ask(struct bench *bench, struct waiter *waiter, const char *options, const char *source)
{
	struct image_recipe recipe = bench_recipe(bench, options, source);
	bench_ask_recipe(bench, waiter, &recipe);
	bench_turn(bench);
}

void bench_renew(struct bench *bench, const char *options, const char *source)
{
	struct image_recipe recipe = bench_recipe(bench, options, source);
	recipe.renew = true;
	(void)ask(&recipe, NULL); /* nobody waits for it */
	bench_turn(bench);
}

void expect_told(const struct waiter *waiter, enum image_how how, const char *body)
{
	if (waiter->code)
		fail_msg("%s", waiter->what);
	assert_int_equal(waiter->told, 1);
	assert_int_equal(waiter->how, how);
	assert_string_equal(waiter->body, body);
}

void expect_failed(const struct waiter *waiter, enum slv_code code, const char *part)
{
	assert_int_equal(waiter->told, 1);
	assert_int_equal(waiter->code, code);
	if (!strstr(waiter->what, part))
		fail_msg("'%s' says nothing of '%s'", waiter->what, part);
}

bool bench_keeps(struct bench *bench, const struct image_recipe *recipe)
{
	struct slv_cache_hit *hit = slv_cache_get(bench->cache, &recipe->key, bench->wall_ms);
	if (hit)
		hit->hold.drop(&hit->hold);
	return hit;
}

/* --- life --- */

static void start_service(struct bench *bench)
{
	struct slv_service_place place = {
		.route_path = SLV_STR("/i/"),
		.site_name = SLV_STR("test"),
		.site = 1,
		.settings = &bench->conf,
	};
	void *self = NULL;
	slv_image_defaults_init(&bench->conf.defaults);
	bench->conf.svg = true;
	bench->conf.source_bytes = 1000;
	bench->conf.job_ms = BENCH_JOB_MS;
	bench->conf.ttl_s = 100;
	bench->conf.ttl_least_s = 10;
	bench->conf.ttl_most_s = 1000;
	bench->conf.stale_s = 50;
	slv_assert(!slv_failed(slv_image_service.open(&bench->env, &bench->shared)));
	place.shared = bench->shared;
	slv_assert(!slv_failed(slv_image_service.start(&bench->env, &place, &self)));
	bench->self = self;
}

int bench_setup(void **state)
{
	struct bench *bench = SLV_ALLOC(struct bench);
	struct slv_lanes_conf lanes = { .jails = BENCH_JAILS,
		.queue_max = 100,
		.job_ms = 300000,
		.jobs_per_jail = 1000,
		.jail_rss_kib_max = UINT64_MAX };
	struct slv_cache_conf cache = { .memory_bytes_max = SLV_MIB(64),
		.entry_bytes_max = SLV_MIB(8) };
	struct slv_loop_world world = { world_now_ms, world_wall_ms, world_random, bench };
	slv_arena_init(&bench->arena, SLV_KIB(4), SLV_MIB(16));
	bench->now_ms = 1000000;
	bench->wall_ms = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
	bench->loop = slv_loop_new(0, NULL, &world);
	bench->metrics = slv_metrics_new();
	bench->cache = slv_cache_new(&cache, slv_loop_hash_key(bench->loop));
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		bench->jails[i].fd = -1;
	bench->maker.make = maker_make;
	bench->hand_over.run = maker_hand_over;
	bench->env = (struct slv_service_env){ .ops = &env_ops,
		.loop = bench->loop,
		.metrics = bench->metrics,
		.cache = bench->cache,
		.lanes = slv_lanes_new(bench->loop, &lanes, &bench->maker, bench->metrics) };
	start_service(bench);
	bench_turn(bench);
	*state = bench;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;
	for (unsigned i = 0; i < bench->source_count; i++)
		if (bench->sources[i].req)
			bench_source(bench, i, 404, SLV_STR(""), NULL);
	slv_lanes_free(bench->env.lanes);
	bench_turn(bench);
	slv_image_service.stop(bench->self);
	slv_image_service.close(bench->shared); /* asserts that nothing is under way */
	for (unsigned i = 0; i < BENCH_JAILS; i++)
		slv_fd_done(&bench->jails[i].fd);
	slv_task_stop(&bench->hand_over);
	slv_loop_free(bench->loop);
	slv_cache_free(bench->cache);
	slv_metrics_free(bench->metrics);
	slv_arena_done(&bench->arena);
	slv_free(bench);
	return 0;
}
