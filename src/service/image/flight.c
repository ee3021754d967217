/* flight.c - one variant on its way, and all who wait for it
 *
 *	DISK ──▶ SOURCES ──▶ JOB ──▶ HASH ──▶ DONE
 *	  │         │         │ ▲     │        ▲
 *	  │         │         └─┘     │        │
 *	  └─────────┴─────────┴───────┴────────┘
 *
 * DISK asks the cache's second tier, SOURCES gets the picture and its overlays, JOB has the jail
 * make the result, HASH works out its ETag. An AVIF that takes more than its share of the time is
 * made once more, as the plan's fallback; so JOB may lead to JOB.
 *
 * All flights are on the home loop; that is where identical questions meet. Each ask has its own
 * time, which begins when it arrives, so the list of asks is in the order of their deadlines and
 * one timer for the first of them is enough.
 */
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/message.h"
#include "service/image/source.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AVIF_SHARE_PERCENT 60u
#define HASH_AT_ONCE_BYTES_MAX SLV_KIB(256) /* a larger result's digest is worked out by a job */

struct image_home {
	struct slv_loop *loop;
	struct slv_cache *cache;
	struct slv_image_lanes *lanes;
	struct image_sources *sources;
	struct slv_map flights;          /* by variant: those that may be joined */
	uint32_t flying, asking;         /* flights and asks, all told */
	struct slv_list all;             /* those flights */
	struct image_failures *failures; /* also renewals that failed: those are not tried again at
	                                    once, or a dead origin would be asked with each hit on
	                                    what is stale */
};

enum flight_state {
	FLIGHT_DISK,
	FLIGHT_SOURCES,
	FLIGHT_JOB,
	FLIGHT_HASH,
	FLIGHT_DONE,
	FLIGHT_STATES,
	FLIGHT_WAIT
};

/* A source on its way to a flight; index 0 is the picture, the others are overlays. */
struct flight_source {
	struct image_want want;
	struct flight *flight;
	struct image_source source;
	bool waiting;
	int temp_fd; /* a memfd of our own, where the cache keeps the bytes elsewhere */
};

struct flight {
	struct image_home *home;
	struct slv_list link; /* in home->all */
	enum flight_state state;
	bool running, begun;  /* the state's operation was begun */
	bool ended;           /* and has come back */
	struct slv_list asks; /* those that wait, the first to give up first */
	struct slv_timer clock;
	uint64_t begun_ms, until_ms;
	bool purged;

	struct slv_cache_fetch disk;
	struct flight_source sources[1 + SLV_PIXEL_DRAWS_MAX];
	uint32_t source_count, sources_left;
	struct slv_pixel_job job;
	uint64_t jailed_ms; /* both tries together, without waiting for jails */
	bool has_share;     /* it is AVIF's, with a part of the time */
	bool second_try;    /* it has what that left */

	struct slv_pixel_result result;
	int result_fd; /* -1: none */
	struct slv_buf json;
	slv_str body;             /* `json`, or `result_fd` mapped */
	struct slv_job hashing;   /* reads `body`, writes `digest` */
	struct slv_digest digest; /* of `body` */

	struct slv_cache_hit *hit;
	enum image_how how;
	int32_t code;
	char what[IMAGE_WHAT_BYTES];

	struct image_recipe recipe; /* of the first who asked; it holds for all */
	char text[];                /* of the recipe */
};

static void flight_run(struct flight *flight);

static slv_str variant_name(const struct slv_cache_key *key)
{
	return (slv_str){ (const char *)key->variant.bytes, SLV_SHA256_BYTES };
}

static void flight_fail(struct flight *flight, slv_err err)
{
	if (flight->code)
		return; /* the first reason counts */
	flight->code = err.code;
	snprintf(flight->what, sizeof(flight->what), "%s", err.what ? err.what : "failed");
}

/* Has it been purged since it began, or something that it is made of, or is that private now? */
static bool flight_was_purged(const struct flight *flight)
{
	bool purged = flight->purged;
	for (uint32_t i = 0; i < flight->source_count; i++)
		purged |= flight->sources[i].want.revoked;
	return purged;
}

static void flight_back(struct flight *flight)
{
	flight->ended = true;
	flight_run(flight);
}

/* --- DISK --- */

static void disk_done(struct slv_cache_fetch *disk, struct slv_cache_hit *hit)
{
	struct flight *flight = SLV_CONTAINER(disk, struct flight, disk);
	/* One that is stale is good enough; who gets it has it renewed. */
	if (hit && !image_meta_of(hit)) {
		hit->hold.drop(&hit->hold);
		hit = NULL;
	}
	flight->hit = hit;
	flight_back(flight);
}

static enum flight_state step_disk(struct flight *flight)
{
	if (flight->recipe.renew)
		return FLIGHT_SOURCES;
	if (!flight->begun) {
		flight->begun = true;
		flight->disk.key = flight->recipe.key;
		flight->disk.done = disk_done;
		slv_cache_fetch(flight->home->cache, flight->home->loop, &flight->disk,
				slv_loop_wall_ms(flight->home->loop));
	}
	if (!flight->ended)
		return FLIGHT_WAIT;
	if (flight->hit)
		flight->how = IMAGE_FOUND;
	return flight->hit ? FLIGHT_DONE : FLIGHT_SOURCES;
}

/* --- SOURCES --- */

/* Until nobody's time is left. */
static uint32_t flight_left_ms(const struct flight *flight)
{
	uint64_t now_ms = slv_loop_now_ms(flight->home->loop);
	return now_ms < flight->until_ms ? (uint32_t)(flight->until_ms - now_ms) : 0;
}

static slv_err too_long(const struct flight *flight)
{
	return flight->state <= FLIGHT_SOURCES
	                       ? SLV_ERR(SLV_E_TIMEOUT, "the source took longer than job_ms")
	                       : SLV_ERR(SLV_E_TIMEOUT, "the picture took longer than job_ms");
}

static void source_done(struct image_want *want, slv_err err, const struct image_source *source)
{
	struct flight_source *from = SLV_CONTAINER(want, struct flight_source, want);
	struct flight *flight = from->flight;
	from->waiting = false;
	flight->sources_left--;
	if (slv_failed(err) && want->known && !flight->code)
		flight->how = IMAGE_KNOWN;
	if (slv_failed(err))
		flight_fail(flight, err);
	else
		from->source = *source;
	if (!flight->sources_left)
		flight_back(flight);
}

static void get_sources(struct flight *flight)
{
	const struct image_recipe *recipe = &flight->recipe;
	flight->source_count = flight->sources_left = 1 + recipe->plan.draw_count;
	for (uint32_t i = 0; i < flight->source_count; i++) {
		struct flight_source *from = &flight->sources[i];
		from->flight = flight;
		from->waiting = true;
		from->want = (struct image_want){
			.self = recipe->self,
			.source = i ? recipe->draws[i - 1] : recipe->source,
			.renew = recipe->renew,
			.depth = recipe->depth,
			.done = source_done,
		};
		image_source_get(flight->home->sources, &from->want);
	}
}

static enum flight_state step_sources(struct flight *flight)
{
	if (!flight->begun && !flight_left_ms(flight)) {
		flight_fail(flight, too_long(flight));
		return FLIGHT_DONE;
	}
	if (!flight->begun) {
		flight->begun = true;
		get_sources(flight);
	}
	if (!flight->ended)
		return FLIGHT_WAIT;
	return flight->code ? FLIGHT_DONE : FLIGHT_JOB;
}

/* Time is up. */
static void leave_sources(struct flight *flight)
{
	for (uint32_t i = 0; i < flight->source_count; i++)
		if (flight->sources[i].waiting)
			image_source_leave(flight->home->sources, &flight->sources[i].want);
	flight_fail(flight, too_long(flight));
	flight_back(flight);
}

/* --- JOB --- */

/* A sealed memfd of a source: the cache's own, or a copy of bytes that it keeps in its heap. */
static slv_err source_fd(struct flight_source *from, int *ret_fd)
{
	const struct slv_cache_hit *hit = from->source.hit;
	if (hit->body_fd >= 0 && hit->body_offset == 0) {
		*ret_fd = hit->body_fd;
		return SLV_OK;
	}
	if (from->temp_fd < 0) {
		slv_err err = slv_memfd_of(hit->body, &from->temp_fd);
		if (slv_failed(err))
			return err;
	}
	*ret_fd = from->temp_fd;
	return SLV_OK;
}

/* An SVG is passed on, sanitised, unless PNG of it was asked for. */
static slv_err plan_for_svg(struct flight *flight)
{
	struct slv_pixel_plan *plan = &flight->job.plan;
	if (flight->sources[0].source.format != SLV_FORMAT_SVG || plan->info_only)
		return SLV_OK;
	if (plan->allow_svg && plan->format != SLV_FORMAT_SVG)
		return SLV_OK;
	if (!flight->recipe.self->conf->svg)
		return SLV_ERR(SLV_E_MEDIA, "SVG is not passed on here (images.svg)");
	plan->format = SLV_FORMAT_SVG;
	return SLV_OK;
}

/* AVIF took its share of the time: the rest is for the fallback; or, if all of that went by before
 * a jail was free, for AVIF once more. */
static bool try_again(struct flight *flight, slv_err err)
{
	struct slv_pixel_plan *plan = &flight->job.plan;
	if (err.code != SLV_E_TIMEOUT || !flight->has_share)
		return false;
	flight->second_try = true;
	if (flight->job.ran)
		plan->format = plan->fallback;
	flight->begun = flight->ended = false;
	return true;
}

static void job_done(struct slv_pixel_job *job, slv_err err, const struct slv_pixel_result *result,
		int out_fd)
{
	struct flight *flight = SLV_CONTAINER(job, struct flight, job);
	flight->jailed_ms += job->ran_ms;
	if (try_again(flight, err)) {
		flight_run(flight);
		return;
	}
	if (slv_failed(err)) {
		flight_fail(flight, err);
	} else {
		flight->result = *result;
		flight->result_fd = out_fd;
	}
	flight_back(flight);
}

static slv_err submit(struct flight *flight)
{
	struct slv_pixel_job *job = &flight->job;
	if (!flight->second_try)
		job->plan = flight->recipe.plan;
	slv_err err = plan_for_svg(flight);
	for (uint32_t i = 0; i < flight->source_count && !slv_failed(err); i++)
		err = source_fd(&flight->sources[i], i ? &job->draw_fd[i - 1] : &job->source_fd);
	if (slv_failed(err))
		return err;
	uint32_t left_ms = flight_left_ms(flight);
	if (!left_ms)
		return SLV_ERR(SLV_E_TIMEOUT, "getting the source took all of job_ms");
	flight->has_share = job->plan.format == SLV_FORMAT_AVIF && !flight->second_try;
	if (flight->has_share)
		left_ms = left_ms * AVIF_SHARE_PERCENT / 100 + 1; /* 0 would be no deadline */
	job->source_format = flight->sources[0].source.format;
	job->source_bytes = flight->sources[0].source.hit->body.len;
	job->deadline_ms = left_ms;
	job->done = job_done;
	slv_lanes_submit(flight->home->lanes, job);
	return SLV_OK;
}

static enum flight_state step_job(struct flight *flight)
{
	if (!flight->begun) {
		flight->begun = true;
		slv_err err = submit(flight);
		if (slv_failed(err)) {
			flight_fail(flight, err);
			return FLIGHT_DONE;
		}
	}
	if (!flight->ended)
		return FLIGHT_WAIT;
	return flight->code ? FLIGHT_DONE : FLIGHT_HASH;
}

/* --- HASH --- */

/* As long as all that it is made of; and a fallback for want of time only until there may be more.
 */
static void set_freshness(const struct flight *flight, int64_t now_ms, int64_t *ret_fresh_ms,
		int64_t *ret_stale_ms)
{
	const struct image_conf *conf = flight->recipe.self->conf;
	bool fell_back = flight->second_try && flight->job.plan.format != SLV_FORMAT_AVIF;
	bool never_stale = false;
	int64_t fresh_ms = fell_back ? now_ms + conf->ttl_least_s * 1000 : INT64_MAX;
	for (uint32_t i = 0; i < flight->source_count; i++) {
		const struct image_source *source = &flight->sources[i].source;
		if (source->fresh_until_ms < fresh_ms)
			fresh_ms = source->fresh_until_ms;
		never_stale |= source->never_stale;
	}
	*ret_fresh_ms = fresh_ms;
	*ret_stale_ms = fresh_ms + (never_stale ? 0 : conf->stale_s * 1000);
}

/* Keep the result, and have it as all who wait shall get it. */
static void store(struct flight *flight)
{
	struct image_meta meta = image_meta_make(&flight->result, &flight->digest,
			flight->recipe.json, flight->sources[0].source.modified_s);
	slv_str head = { (const char *)&meta, sizeof(meta) };
	int fd = slv_fd_take(&flight->result_fd);
	int64_t now_ms = slv_loop_wall_ms(flight->home->loop), fresh_ms, stale_ms;
	set_freshness(flight, now_ms, &fresh_ms, &stale_ms);
	bool keep = !flight_was_purged(flight);
	for (uint32_t i = 0; i < flight->source_count; i++)
		keep &= !flight->sources[i].source.private_data;
	if (keep)
		flight->hit = slv_cache_put(flight->home->cache, flight->home->loop,
				&flight->recipe.key, head, flight->body, fd, now_ms, fresh_ms,
				stale_ms);
	else
		flight->hit = slv_cache_loose(head, flight->body, fd, now_ms);
	flight->how = flight->hit->kept ? IMAGE_MADE : IMAGE_LOOSE;
	image_failures_forget(flight->home->failures, &flight->recipe.key.variant);
}

static slv_err get_body(struct flight *flight)
{
	if (!flight->recipe.json)
		return slv_memfd_map(flight->result_fd, flight->result.bytes, &flight->body);
	slv_buf_init(&flight->json, IMAGE_JSON_BYTES_MAX);
	image_facts_print(&flight->result, flight->sources[0].source.hit->body.len, &flight->json);
	slv_assert(!flight->json.overflow);
	flight->body = slv_buf_str(&flight->json);
	return SLV_OK;
}

static void hash_work(struct slv_job *hashing)
{
	struct flight *flight = SLV_CONTAINER(hashing, struct flight, hashing);
	flight->digest = slv_sha256(&flight->body, 1);
}

static void hash_done(struct slv_job *hashing)
{
	flight_back(SLV_CONTAINER(hashing, struct flight, hashing));
}

static void hash_start(struct flight *flight)
{
	struct slv_job *hashing = &flight->hashing;
	*hashing = (struct slv_job){ .work = hash_work, .done = hash_done };
	if (flight->body.len > HASH_AT_ONCE_BYTES_MAX) {
		slv_job_start(flight->home->loop, hashing);
	} else {
		hash_work(hashing);
		flight->ended = true;
	}
}

static enum flight_state step_hash(struct flight *flight)
{
	if (!flight->begun) {
		flight->begun = true;
		slv_err err = get_body(flight);
		if (slv_failed(err)) {
			flight_fail(flight, err);
			return FLIGHT_DONE;
		}
		hash_start(flight);
	}
	if (!flight->ended)
		return FLIGHT_WAIT;
	store(flight);
	return FLIGHT_DONE;
}

/* --- DONE --- */

/* Back to the loop that asked. */
static void send_answer(struct image_home *home, struct image_ask *ask)
{
	home->asking--;
	image_ask_answer(ask);
}

static void answer(struct flight *flight, struct image_ask *ask)
{
	ask->hit = flight->hit ? slv_cache_ref(flight->hit) : NULL;
	bool made = flight->how == IMAGE_MADE || flight->how == IMAGE_LOOSE;
	ask->how = made && !ask->leads ? IMAGE_COALESCED : flight->how;
	ask->code = flight->code;
	memcpy(ask->what, flight->what, sizeof(ask->what));
	send_answer(flight->home, ask);
}

/* Would it fail for the next as well? Not what failed for want of room here, and not what had
 * little time left when its source had come and a jail was free. */
static bool lies_in_picture(const struct flight *flight)
{
	switch (flight->code) {
	case SLV_E_BUSY:
	case SLV_E_CANCELLED:
	case SLV_E_CLOSED:
	case SLV_E_SYS:
		return false;
	case SLV_E_TIMEOUT:
		return flight->jailed_ms >= (uint64_t)flight->recipe.self->conf->job_ms / 2;
	default:
		return flight->job.ran;
	}
}

static void remember_failure(struct flight *flight)
{
	struct image_home *home = flight->home;
	bool renew = flight->recipe.renew;
	bool tell = !renew && lies_in_picture(flight);
	/* What renewals cost is no reason to put up with what is stale for longer. */
	struct image_attempt attempt = { .begun_ms = flight->begun_ms,
		.ended_ms = slv_loop_now_ms(home->loop),
		.cost_ms = renew ? 0 : flight->jailed_ms };
	slv_err err = { .code = flight->code, .what = flight->what };
	if ((tell || renew) && !flight_was_purged(flight))
		image_failures_add(home->failures, &flight->recipe.key, &attempt, err, tell);
}

/* Nobody joins it any more. */
static void flight_hide(struct flight *flight)
{
	slv_str name = variant_name(&flight->recipe.key);
	if (slv_map_get(&flight->home->flights, name) == flight)
		slv_map_remove(&flight->home->flights, name);
}

static enum flight_state step_done(struct flight *flight)
{
	if (!flight->hit && !flight->code)
		flight_fail(flight, SLV_ERR(SLV_E_INTERNAL, "a flight ended with nothing"));
	if (flight->code)
		remember_failure(flight);
	flight_hide(flight);
	for (struct slv_list *link; (link = slv_list_pop(&flight->asks));)
		answer(flight, SLV_CONTAINER(link, struct image_ask, link));
	return FLIGHT_WAIT;
}

static enum flight_state (*const flight_step[FLIGHT_STATES])(struct flight *flight) = {
	[FLIGHT_DISK] = step_disk,
	[FLIGHT_SOURCES] = step_sources,
	[FLIGHT_JOB] = step_job,
	[FLIGHT_HASH] = step_hash,
	[FLIGHT_DONE] = step_done,
};

static const unsigned flight_may[FLIGHT_STATES] = {
	[FLIGHT_DISK] = SLV_BIT(FLIGHT_SOURCES) | SLV_BIT(FLIGHT_DONE),
	[FLIGHT_SOURCES] = SLV_BIT(FLIGHT_JOB) | SLV_BIT(FLIGHT_DONE),
	[FLIGHT_JOB] = SLV_BIT(FLIGHT_HASH) | SLV_BIT(FLIGHT_DONE),
	[FLIGHT_HASH] = SLV_BIT(FLIGHT_DONE),
	[FLIGHT_DONE] = 0,
};

static void flight_free(struct flight *flight)
{
	flight->home->flying--;
	slv_list_remove(&flight->link);
	slv_timer_stop(flight->home->loop, &flight->clock);
	for (uint32_t i = 0; i < SLV_COUNT(flight->sources); i++) {
		struct flight_source *from = &flight->sources[i];
		image_source_drop(&from->want);
		slv_fd_done(&from->temp_fd);
		if (from->source.hit)
			from->source.hit->hold.drop(&from->source.hit->hold);
	}
	if (flight->hit)
		flight->hit->hold.drop(&flight->hit->hold);
	if (!flight->recipe.json)
		slv_memfd_unmap(flight->body);
	slv_buf_done(&flight->json);
	slv_fd_done(&flight->result_fd);
	slv_free(flight);
}

static void flight_run(struct flight *flight)
{
	if (flight->running)
		return;
	flight->running = true;
	for (;;) {
		enum flight_state next = flight_step[flight->state](flight);
		if (next == FLIGHT_WAIT)
			break;
		slv_assert(flight_may[flight->state] & SLV_BIT(next));
		flight->state = next;
		flight->begun = flight->ended = false;
	}
	flight->running = false;
	if (flight->state == FLIGHT_DONE)
		flight_free(flight);
}

/* --- time --- */

static void refuse(struct image_home *home, struct image_ask *ask, slv_err err)
{
	ask->code = err.code;
	snprintf(ask->what, sizeof(ask->what), "%s", err.what);
	send_answer(home, ask);
}

static void refuse_known(
		struct image_home *home, struct image_ask *ask, const struct image_failure *failure)
{
	ask->how = IMAGE_KNOWN;
	refuse(home, ask, (slv_err){ .code = failure->code, .what = failure->what });
}

static struct image_ask *first_ask(struct flight *flight)
{
	if (slv_list_empty(&flight->asks))
		return NULL;
	return SLV_CONTAINER(flight->asks.next, struct image_ask, link);
}

/* Somebody's time is up, or everybody's. Then what hangs is left; the disk, a job and a digest end
 * by themselves. */
static void clock_fired(struct slv_timer *clock)
{
	struct flight *flight = SLV_CONTAINER(clock, struct flight, clock);
	struct slv_loop *loop = flight->home->loop;
	uint64_t now_ms = slv_loop_now_ms(loop);
	struct image_ask *ask;
	while ((ask = first_ask(flight)) && ask->until_ms <= now_ms) {
		slv_list_remove(&ask->link);
		refuse(flight->home, ask, too_long(flight));
	}
	if (flight_left_ms(flight))
		slv_timer_start(loop, clock, (ask ? ask->until_ms : flight->until_ms) - now_ms);
	else if (flight->state == FLIGHT_SOURCES)
		leave_sources(flight);
}

static bool flight_is_open(struct flight *flight)
{
	uint64_t age_ms = slv_loop_now_ms(flight->home->loop) - flight->begun_ms;
	return age_ms < (uint64_t)flight->recipe.self->conf->job_ms && !flight_was_purged(flight);
}

static void flight_join(struct flight *flight, struct image_ask *ask)
{
	struct image_home *home = flight->home;
	uint32_t job_ms = (uint32_t)ask->recipe.self->conf->job_ms;
	flight->until_ms = ask->until_ms = slv_loop_now_ms(home->loop) + job_ms;
	slv_list_push(&flight->asks, &ask->link);
	if (!slv_timer_running(&flight->clock))
		slv_timer_start(home->loop, &flight->clock, job_ms);
	/* The share of an AVIF stays: who came first shall have the fallback in time. */
	if (flight->state == FLIGHT_JOB && !flight->has_share)
		slv_lanes_extend(home->lanes, &flight->job, job_ms);
}

/* --- the home loop --- */

static void take_off(struct image_home *home, struct image_ask *ask)
{
	struct flight *flight =
			slv_alloc(sizeof(struct flight) + image_recipe_text_bytes(&ask->recipe));
	slv_list_init(&flight->asks);
	for (uint32_t i = 0; i < SLV_COUNT(flight->sources); i++)
		flight->sources[i].temp_fd = -1;
	flight->home = home;
	image_recipe_copy(&ask->recipe, &flight->recipe, flight->text);
	flight->begun_ms = slv_loop_now_ms(home->loop);
	flight->clock.fire = clock_fired;
	flight->result_fd = -1;
	slv_list_push(&home->all, &flight->link);
	home->flying++;
	ask->leads = true;
	flight_join(flight, ask);
	slv_map_put(&home->flights, variant_name(&flight->recipe.key), flight);
	flight_run(flight);
}

void image_home_ask(struct image_home *home, struct image_ask *ask)
{
	const struct image_recipe *recipe = &ask->recipe;
	struct flight *flight = slv_map_get(&home->flights, variant_name(&recipe->key));
	if (flight && !flight_is_open(flight)) {
		flight_hide(flight);
		flight = NULL;
	}
	home->asking++;
	const struct image_failure *failure = image_failures_find(
			home->failures, &recipe->key.variant, slv_loop_now_ms(home->loop));
	if (recipe->renew && (flight || failure))
		refuse(home, ask, SLV_ERR(SLV_E_BUSY, "it is being made or failed just now"));
	else if (!flight && failure && failure->told)
		refuse_known(home, ask, failure);
	else if (home->asking > IMAGE_ASKS_MAX)
		refuse(home, ask, SLV_ERR(SLV_E_BUSY, "16384 requests wait for pictures already"));
	else if (flight)
		flight_join(flight, ask);
	else if (home->flying >= IMAGE_FLIGHTS_MAX)
		refuse(home, ask, SLV_ERR(SLV_E_BUSY, "4096 pictures are being made already"));
	else
		take_off(home, ask);
}

_Static_assert(IMAGE_ASKS_MAX == 16384 && IMAGE_FLIGHTS_MAX == 4096, "as the texts above say");

/* The flight goes on: others may have joined, and who went may come back. */
void image_home_leave(struct image_home *home, struct image_ask *ask)
{
	if (!slv_list_linked(&ask->link))
		return; /* it was answered */
	slv_list_remove(&ask->link);
	send_answer(home, ask);
}

/* --- life --- */

slv_err image_home_open(struct slv_service_env *env, void **ret_shared)
{
	struct image_home *home = SLV_ALLOC(struct image_home);
	home->loop = env->loop;
	home->cache = env->cache;
	home->lanes = env->lanes;
	slv_list_init(&home->all);
	home->failures = image_failures_new(slv_loop_hash_key(env->loop));
	home->sources = image_sources_new(env->loop, env->cache, home->failures);
	slv_map_init(&home->flights, slv_loop_hash_key(env->loop));
	*ret_shared = home;
	return SLV_OK;
}

void image_home_close(void *shared)
{
	struct image_home *home = shared;
	if (!home)
		return;
	slv_assert(!home->flying && !home->asking);
	image_sources_free(home->sources);
	image_failures_free(home->failures);
	slv_map_done(&home->flights);
	slv_free(home);
}

struct slv_loop *image_home_loop(const struct image_home *home)
{
	return home->loop;
}

void image_home_meet(struct image_home *home, struct slv_service_env *env)
{
	image_sources_meet(home->sources, env);
}

/* --- purges --- */

void image_home_purged_all(struct image_home *home)
{
	SLV_LIST_EACH(link, &home->all)
	{
		SLV_CONTAINER(link, struct flight, link)->purged = true;
	}
	image_sources_revoke(home->sources, NULL);
	image_failures_forget_all(home->failures);
}

void image_home_purged_source(struct image_home *home, const struct slv_digest *source)
{
	SLV_LIST_EACH(link, &home->all)
	{
		struct flight *flight = SLV_CONTAINER(link, struct flight, link);
		flight->purged |= memcmp(&flight->recipe.key.source, source, sizeof(*source)) == 0;
	}
	image_sources_revoke(home->sources, source);
	image_failures_forget_source(home->failures, source);
}

static bool is_among(
		const struct slv_cache_key *key, const struct slv_cache_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(key, &keys[i], sizeof(*key)) == 0)
			return true;
	return false;
}

void image_home_purged_link(struct image_home *home, const struct slv_cache_key *keys, size_t count)
{
	SLV_LIST_EACH(link, &home->all)
	{
		struct flight *flight = SLV_CONTAINER(link, struct flight, link);
		flight->purged |= is_among(&flight->recipe.key, keys, count);
	}
	image_home_purged_load(home, &keys[0].source);
}

void image_home_purged_load(struct image_home *home, const struct slv_digest *source)
{
	image_sources_part(home->sources, source);
	image_failures_forget_source(home->failures, source);
}
