/* A job waits in a lane of a pool, runs in a jail of that pool, and ends in `verdicts` or with the
 * jail's answer:
 *
 *	submit ─→ waiting ─→ running ─→ done(result)
 *	   │         │          │
 *	   └─────────┴──────────┴─────→ verdicts ─→ done(error), from a task
 *
 * A jail is idle or busy. Whatever is wrong with it, it is killed and forgotten at once; the pool
 * then makes another, unless too many have died in a row.
 */
#include "proc/lanes.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "loop/log.h"
#include "proc/message.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

enum lane { LANE_SMALL, LANE_MEDIUM, LANE_LARGE, LANE_COUNT };

static const uint64_t lane_bytes_max[] = { SLV_KIB(512), SLV_MIB(4), UINT64_MAX };
static const char *const lane_name[] = { "small", "medium", "large" };

/* Whose turn it is; a lane without jobs gives its turn to the smallest that has some. */
static const enum lane turns[] = { LANE_SMALL, LANE_MEDIUM, LANE_SMALL, LANE_LARGE };

enum pool_kind { POOL_PLAIN, POOL_RARE, POOL_COUNT };

static const char *const pool_name[] = { "plain", "rare" };

#define PAUSE_MS_FIRST 100u
#define PAUSE_MS_MAX 10000u
#define PAUSE_MS_MAX_WORKING 1000u /* when jails die of their jobs */
#define ORDERS_MAX 16u             /* jails asked for at once: who makes them takes so many */
#define YOUNG_MS 10000u            /* who dies younger, without an answer, is part of a loop */

struct pool {
	struct slv_image_lanes *lanes;
	enum pool_kind kind;
	uint32_t jails_max;
	struct slv_list waiting[LANE_COUNT];
	uint32_t waiting_count[LANE_COUNT];
	uint32_t turn;
	struct slv_list jails, orders; /* alive; asked for */
	uint32_t jail_count, order_count;
	uint32_t deaths; /* without an answer between */
	uint32_t pause_ms;
	struct slv_timer pause, idle;
};

struct jail {
	struct slv_list link; /* in pool->jails */
	struct pool *pool;
	int socket_fd, pid_fd;
	struct slv_io *io;
	bool busy;
	struct slv_pixel_job *job; /* NULL while idle, and when its job was cancelled */
	uint64_t job_id;
	uint64_t start_ns;
	uint32_t answers;
	uint64_t made_ms;
	struct slv_timer deadline;
};

/* A jail that was asked for. */
struct order {
	struct slv_list link; /* in pool->orders */
	struct pool *pool;    /* NULL: nobody wants it any more */
};

struct slv_image_lanes {
	struct slv_loop *loop;
	struct slv_lanes_conf conf;
	struct slv_jail_maker *maker;
	struct pool pool[POOL_COUNT];
	struct slv_list verdicts; /* jobs whose callback is due */
	struct slv_task deliver;
	uint64_t job_id; /* of the last one sent */
	struct {
		struct slv_metric *waiting[LANE_COUNT], *wait_ms, *job_ms, *alive, *deaths, *kills,
				*retirements, *rejected;
	} metric;
};

/* --- the ends of jobs --- */

static void deliver(struct slv_task *task)
{
	struct slv_image_lanes *lanes = SLV_CONTAINER(task, struct slv_image_lanes, deliver);
	struct slv_list *link;
	while ((link = slv_list_pop(&lanes->verdicts))) {
		struct slv_pixel_job *job = SLV_CONTAINER(link, struct slv_pixel_job, link);
		job->done(job, job->verdict, NULL, -1);
	}
}

/* `job`, which is on no list, fails with `err`, whose text is static. */
static void job_fail(struct slv_pixel_job *job, slv_err err)
{
	struct slv_image_lanes *lanes = job->lanes;
	slv_timer_stop(lanes->loop, &job->timer);
	job->verdict = err;
	slv_list_push(&lanes->verdicts, &job->link);
	slv_task_start(lanes->loop, &lanes->deliver);
}

static enum lane lane_of(const struct slv_pixel_job *job)
{
	enum lane lane = LANE_SMALL;
	while (job->source_bytes > lane_bytes_max[lane])
		lane++;
	return lane;
}

/* Let a job wait in its lane; `again`: it has been the first. */
static void job_queue(struct pool *pool, struct slv_pixel_job *job, bool again)
{
	enum lane lane = lane_of(job);
	job->pool = pool;
	again ? slv_list_push_front(&pool->waiting[lane], &job->link)
	      : slv_list_push(&pool->waiting[lane], &job->link);
	pool->waiting_count[lane]++;
	slv_metric_add(pool->lanes->metric.waiting[lane], 1);
}

/* Take a waiting job off its lane. */
static void job_unqueue(struct slv_pixel_job *job)
{
	struct pool *pool = job->pool;
	enum lane lane = lane_of(job);
	slv_assert(pool->waiting_count[lane] > 0);
	slv_list_remove(&job->link);
	pool->waiting_count[lane]--;
	job->pool = NULL;
	slv_metric_sub(pool->lanes->metric.waiting[lane], 1);
}

static void job_waited_too_long(struct slv_timer *timer)
{
	struct slv_pixel_job *job = SLV_CONTAINER(timer, struct slv_pixel_job, timer);
	job_unqueue(job);
	job_fail(job, SLV_ERR(SLV_E_TIMEOUT, "the picture waited for a jail until its deadline"));
}

static void pool_fail_waiting(struct pool *pool, slv_err err)
{
	for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
		while (!slv_list_empty(&pool->waiting[lane])) {
			struct slv_pixel_job *job = SLV_CONTAINER(
					pool->waiting[lane].next, struct slv_pixel_job, link);
			job_unqueue(job);
			job_fail(job, err);
		}
	}
}

/* --- jails --- */

static void pool_pump(struct pool *pool);
static void pool_fill(struct pool *pool);

/* Kill it and forget it; its job, if any, is the caller's to end. */
static void jail_drop(struct jail *jail)
{
	struct pool *pool = jail->pool;
	struct slv_image_lanes *lanes = pool->lanes;
	slv_timer_stop(lanes->loop, &jail->deadline);
	/* It fails only when the jail has ended, which is what is wanted. */
	(void)pidfd_send_signal(jail->pid_fd, SIGKILL, NULL, 0);
	slv_io_free(jail->io);
	slv_fd_done(&jail->socket_fd);
	slv_fd_done(&jail->pid_fd);
	slv_list_remove(&jail->link);
	slv_assert(pool->jail_count > 0);
	pool->jail_count--;
	slv_metric_sub(lanes->metric.alive, 1);
	slv_free(jail);
}

/* Take the job from a jail that is through with it; NULL if it has none. */
static struct slv_pixel_job *jail_disown(struct jail *jail)
{
	struct slv_pixel_job *job = jail->job;
	if (job) {
		job->ran_ms = (slv_loop_fresh_ns(job->lanes->loop) - jail->start_ns) / 1000000;
		job->jail = NULL;
	}
	jail->job = NULL;
	return job;
}

static bool pool_is_suspect(const struct pool *pool)
{
	return pool->deaths >= SLV_LANES_DEATHS_MAX;
}

/* A new one has died, or none could be made. `working`: of its job, for all we know. */
static void pool_count_death(struct pool *pool, bool working)
{
	struct slv_image_lanes *lanes = pool->lanes;
	pool->deaths++;
	if (!pool_is_suspect(pool))
		return;
	uint32_t pause_max = working ? PAUSE_MS_MAX_WORKING : PAUSE_MS_MAX;
	pool->pause_ms = pool->pause_ms ? pool->pause_ms * 2 : PAUSE_MS_FIRST;
	if (pool->pause_ms > pause_max)
		pool->pause_ms = pause_max;
	slv_timer_start(lanes->loop, &pool->pause, pool->pause_ms);
	slv_log(slv_loop_log(lanes->loop), SLV_ERROR, "jail.loop",
			SLV_KV("kind", pool_name[pool->kind]), SLV_KV("deaths", pool->deaths),
			SLV_KV("pause_ms", pool->pause_ms));
}

static void pool_pause_over(struct slv_timer *timer)
{
	pool_fill(SLV_CONTAINER(timer, struct pool, pause));
}

/* The jail died or lied (`why`): its job fails, another jail takes its place. */
static void jail_failed(struct jail *jail, const char *event, slv_err why)
{
	struct pool *pool = jail->pool;
	struct slv_image_lanes *lanes = pool->lanes;
	struct slv_pixel_job *job = jail_disown(jail);
	bool working = jail->busy;
	/* Many old ones that go at once (somebody killed them) are no loop. */
	bool is_new = jail->answers == 0 && slv_loop_now_ms(lanes->loop) - jail->made_ms < YOUNG_MS;
	slv_log(slv_loop_log(lanes->loop), SLV_WARN, event, SLV_KV("kind", pool_name[pool->kind]),
			SLV_KV("why", why.what), SLV_KV("busy", working),
			SLV_KV("answers", jail->answers));
	jail_drop(jail);
	if (job)
		job_fail(job, why);
	if (is_new)
		pool_count_death(pool, working);
	pool_fill(pool);
}

static void jail_died(struct jail *jail)
{
	slv_metric_add(jail->pool->lanes->metric.deaths, 1);
	jail_failed(jail, "jail.died", SLV_ERR(SLV_E_INTERNAL, "image jail died"));
}

static void jail_lied(struct jail *jail)
{
	slv_metric_add(jail->pool->lanes->metric.kills, 1);
	jail_failed(jail, "jail.nonsense", SLV_ERR(SLV_E_INTERNAL, "image jail answered nonsense"));
}

static void jail_deadline(struct slv_timer *timer)
{
	struct jail *jail = SLV_CONTAINER(timer, struct jail, deadline);
	struct pool *pool = jail->pool;
	struct slv_image_lanes *lanes = pool->lanes;
	struct slv_pixel_job *job = jail_disown(jail);
	slv_metric_add(lanes->metric.kills, 1);
	slv_log(slv_loop_log(lanes->loop), SLV_WARN, "jail.deadline",
			SLV_KV("kind", pool_name[pool->kind]),
			SLV_KV("ran_ms", (slv_loop_fresh_ns(lanes->loop) - jail->start_ns) /
							 1000000));
	jail_drop(jail);
	if (job)
		job_fail(job, SLV_ERR(SLV_E_TIMEOUT, "the picture took longer than its deadline"));
	/* Not counted as a death: a deadline cannot make the machine spin. */
	pool_fill(pool);
}

/* The most bytes that an honest output can have: 16 bits in four channels, and overhead. */
static uint64_t bytes_max(const struct slv_pixel_plan *plan)
{
	uint64_t pixels = plan->limits.output_pixels_max;
	return pixels > UINT64_MAX / 16 ? UINT64_MAX : pixels * 8 + SLV_MIB(1);
}

/* Is `message` an answer to `job` (NULL: cancelled) that can be believed? */
static bool answer_ok(const struct slv_message *message, uint64_t id,
		const struct slv_pixel_job *job, const struct slv_pixel_result *result)
{
	uint64_t bytes;
	if (message->head.type != SLV_MESSAGE_PIXEL_RESULT || message->head.id != id ||
			message->head.len != sizeof(*result) || !slv_pixel_result_ok(result))
		return false;
	if (!job)
		return message->fd_count <= 1;
	if (result->code != SLV_E_NONE || job->plan.info_only)
		return message->fd_count == 0;
	return message->fd_count == 1 && result->bytes > 0 &&
	       !slv_failed(slv_memfd_check(message->fd[0], bytes_max(&job->plan), &bytes)) &&
	       bytes == result->bytes;
}

/* The jail did its job: take the next, or leave. */
static void jail_settle(struct jail *jail, uint64_t rss_kib)
{
	struct pool *pool = jail->pool;
	struct slv_image_lanes *lanes = pool->lanes;
	const struct slv_lanes_conf *conf = &lanes->conf;
	pool->deaths = 0;
	pool->pause_ms = 0;
	slv_timer_stop(lanes->loop, &pool->pause);
	slv_timer_stop(lanes->loop, &jail->deadline);
	jail->busy = false;
	jail->answers++;
	if (jail->answers >= conf->jobs_per_jail || rss_kib > conf->jail_rss_kib_max) {
		slv_metric_add(lanes->metric.retirements, 1);
		jail_drop(jail);
	}
	pool_fill(pool);
	pool_pump(pool);
}

static void jail_answered(struct jail *jail, struct slv_message *message)
{
	struct slv_image_lanes *lanes = jail->pool->lanes;
	const struct slv_pixel_result *result = (const struct slv_pixel_result *)message->body;
	struct slv_pixel_job *job = jail->job;
	if (!jail->busy || !answer_ok(message, jail->job_id, job, result)) {
		jail_lied(jail);
		return;
	}
	slv_metric_observe(lanes->metric.job_ms,
			(double)(slv_loop_fresh_ns(lanes->loop) - jail->start_ns) / 1e6);
	(void)jail_disown(jail); /* it is `job` */
	jail_settle(jail, result->rss_kib);
	if (!job)
		return;
	slv_err err = SLV_ERR(result->code, result->code != SLV_E_NONE ? result->what : NULL);
	int out_fd = message->fd_count ? slv_fd_take(&message->fd[0]) : -1;
	job->done(job, err, slv_failed(err) ? NULL : result, out_fd);
}

static void jail_ready(void *arg, int events)
{
	(void)events; /* only reading was asked for */
	struct jail *jail = arg;
	struct slv_message message;
	slv_err err = slv_message_receive(jail->socket_fd, &message);
	if (err.code == SLV_E_BUSY)
		return;
	if (slv_failed(err)) {
		err.code == SLV_E_SYNTAX ? jail_lied(jail) : jail_died(jail);
		return;
	}
	jail_answered(jail, &message);
	slv_message_done(&message);
}

/* --- pools --- */

static void jail_made(void *arg, slv_err err, int socket_fd, int pid_fd)
{
	struct order *order = arg;
	struct pool *pool = order->pool;
	slv_list_remove(&order->link);
	slv_free(order);
	if (!pool) {
		if (!slv_failed(err)) {
			(void)pidfd_send_signal(pid_fd, SIGKILL, NULL, 0); /* gone is as good */
			slv_fd_done(&socket_fd);
			slv_fd_done(&pid_fd);
		}
		return;
	}
	struct slv_image_lanes *lanes = pool->lanes;
	slv_assert(pool->order_count > 0);
	pool->order_count--;
	if (slv_failed(err)) {
		slv_log(slv_loop_log(lanes->loop), SLV_WARN, "jail.refused",
				SLV_KV("kind", pool_name[pool->kind]), SLV_KV("why", err.what));
		pool_count_death(pool, false);
		pool_fill(pool);
		return;
	}
	struct jail *jail = SLV_ALLOC(struct jail);
	*jail = (struct jail){ .pool = pool, .socket_fd = socket_fd, .pid_fd = pid_fd };
	jail->made_ms = slv_loop_now_ms(lanes->loop);
	jail->deadline.fire = jail_deadline;
	slv_list_push(&pool->jails, &jail->link);
	pool->jail_count++;
	slv_metric_add(lanes->metric.alive, 1);
	err = SLV_OK;
	if (fcntl(socket_fd, F_SETFL, O_NONBLOCK) != 0)
		err = SLV_ERR(SLV_E_SYS, "fcntl failed on a jail's socket");
	if (!slv_failed(err))
		err = slv_io_new(lanes->loop, socket_fd, jail_ready, jail, &jail->io);
	if (slv_failed(err)) {
		jail_failed(jail, "jail.refused", err);
		return;
	}
	slv_io_want(jail->io, SLV_IO_READ);
	pool_fill(pool);
	pool_pump(pool);
}

static bool pool_has_work(const struct pool *pool)
{
	for (enum lane lane = 0; lane < LANE_COUNT; lane++)
		if (pool->waiting_count[lane] > 0)
			return true;
	return false;
}

/* How many jails the pool should have now. */
static uint32_t pool_wants(const struct pool *pool)
{
	if (pool->kind == POOL_RARE)
		return pool->jail_count > 0 || pool_has_work(pool) ? pool->jails_max : 0;
	return pool->jails_max;
}

/* Ask for the jails that are missing; if none can come now, nobody shall wait for one. */
static void pool_fill(struct pool *pool)
{
	struct slv_image_lanes *lanes = pool->lanes;
	bool paused = slv_timer_running(&pool->pause);
	if (paused && pool->jail_count == 0 && pool->order_count == 0)
		pool_fail_waiting(pool, SLV_ERR(SLV_E_BUSY, "image jails keep dying"));
	uint32_t wants = pool_wants(pool);
	if (pool_is_suspect(pool) && wants > 1)
		wants = 1; /* one to try */
	while (!paused && pool->order_count < ORDERS_MAX &&
			pool->jail_count + pool->order_count < wants) {
		struct order *order = SLV_ALLOC(struct order);
		order->pool = pool;
		slv_list_push(&pool->orders, &order->link);
		pool->order_count++;
		lanes->maker->make(lanes->maker,
				pool->kind == POOL_RARE ? SLV_FORMAT_HEIC : SLV_FORMAT_SAME, order,
				jail_made);
		paused = slv_timer_running(&pool->pause);
	}
}

/* The next job by turns; NULL when none waits. */
static struct slv_pixel_job *pool_pick(struct pool *pool)
{
	enum lane lane = turns[pool->turn % SLV_COUNT(turns)];
	if (pool->waiting_count[lane] == 0)
		for (lane = 0; lane < LANE_COUNT && pool->waiting_count[lane] == 0;)
			lane++;
	if (lane == LANE_COUNT)
		return NULL;
	pool->turn++;
	struct slv_pixel_job *job =
			SLV_CONTAINER(pool->waiting[lane].next, struct slv_pixel_job, link);
	job_unqueue(job);
	return job;
}

static struct jail *pool_idle_jail(struct pool *pool)
{
	SLV_LIST_EACH(link, &pool->jails)
	{
		struct jail *jail = SLV_CONTAINER(link, struct jail, link);
		if (!jail->busy)
			return jail;
	}
	return NULL;
}

/* Hand `job` to an idle jail. If that turns out to be dead the job waits on, as the first. */
static void jail_run(struct jail *jail, struct slv_pixel_job *job)
{
	struct pool *pool = jail->pool;
	struct slv_image_lanes *lanes = pool->lanes;
	int fds[1 + SLV_PIXEL_DRAWS_MAX] = { job->source_fd };
	for (uint32_t i = 0; i < job->plan.draw_count; i++)
		fds[1 + i] = job->draw_fd[i];
	struct slv_message_head head = { SLV_MESSAGE_PIXEL_JOB, sizeof(job->plan),
		lanes->job_id + 1 };
	/* An idle jail's socket is empty: there is room, or nobody at the other end. */
	if (slv_failed(slv_message_send(
			    jail->socket_fd, head, &job->plan, fds, 1 + job->plan.draw_count))) {
		job_queue(pool, job, true);
		jail_died(jail);
		return;
	}
	uint64_t now_ms = slv_loop_now_ms(lanes->loop);
	uint64_t left_ms = job->timer.at_ms > now_ms ? job->timer.at_ms - now_ms : 0;
	slv_timer_stop(lanes->loop, &job->timer);
	slv_timer_start(lanes->loop, &jail->deadline, left_ms);
	jail->start_ns = slv_loop_fresh_ns(lanes->loop);
	slv_metric_observe(lanes->metric.wait_ms, (double)(jail->start_ns - job->submit_ns) / 1e6);
	jail->job_id = ++lanes->job_id;
	jail->busy = true;
	jail->job = job;
	job->jail = jail;
	job->ran = true;
}

static void pool_idle_long(struct slv_timer *timer)
{
	struct pool *pool = SLV_CONTAINER(timer, struct pool, idle);
	struct jail *jail = pool_idle_jail(pool);
	if (!jail)
		return;
	slv_metric_add(pool->lanes->metric.retirements, 1);
	jail_drop(jail);
}

/* Give work to the idle. */
static void pool_pump(struct pool *pool)
{
	struct slv_loop *loop = pool->lanes->loop;
	slv_timer_stop(loop, &pool->idle);
	struct jail *jail;
	while ((jail = pool_idle_jail(pool))) {
		struct slv_pixel_job *job = pool_pick(pool);
		if (!job)
			break;
		jail_run(jail, job);
	}
	if (pool->kind == POOL_RARE && jail)
		slv_timer_start(loop, &pool->idle, SLV_LANES_RARE_IDLE_MS);
}

/* --- the interface --- */

static void lanes_declare(struct slv_image_lanes *lanes, struct slv_metrics *metrics)
{
	for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
		char label[32];
		(void)snprintf(label, sizeof(label), "lane=\"%s\"", lane_name[lane]);
		lanes->metric.waiting[lane] =
				slv_metric_get(metrics, SLV_GAUGE, "selvedge_image_jobs_waiting",
						label, "Pictures that wait for a jail");
	}
	lanes->metric.wait_ms = slv_metric_get(metrics, SLV_HISTOGRAM, "selvedge_image_wait_ms",
			NULL, "Time that a picture waited for a jail");
	lanes->metric.job_ms = slv_metric_get(metrics, SLV_HISTOGRAM, "selvedge_image_job_ms", NULL,
			"Time that a picture took in a jail");
	lanes->metric.alive = slv_metric_get(
			metrics, SLV_GAUGE, "selvedge_image_jails", NULL, "Jails alive");
	lanes->metric.deaths = slv_metric_get(metrics, SLV_COUNTER,
			"selvedge_image_jail_deaths_total", NULL, "Jails that died by themselves");
	lanes->metric.kills = slv_metric_get(metrics, SLV_COUNTER,
			"selvedge_image_jail_kills_total", NULL,
			"Jails killed at a deadline or for an answer that made no sense");
	lanes->metric.retirements = slv_metric_get(metrics, SLV_COUNTER,
			"selvedge_image_jail_retirements_total", NULL,
			"Jails retired after their number of jobs or above their memory mark");
	lanes->metric.rejected = slv_metric_get(metrics, SLV_COUNTER,
			"selvedge_image_jobs_rejected_total", NULL,
			"Pictures refused because a lane was full or jails kept dying");
}

struct slv_image_lanes *slv_lanes_new(struct slv_loop *loop, const struct slv_lanes_conf *conf,
		struct slv_jail_maker *maker, struct slv_metrics *metrics)
{
	slv_loop_assert(loop);
	slv_assert(conf->jails >= 1 && conf->queue_max >= 1 && conf->job_ms >= 1 &&
			conf->jobs_per_jail >= 1);
	struct slv_image_lanes *lanes = SLV_ALLOC(struct slv_image_lanes);
	*lanes = (struct slv_image_lanes){ .loop = loop, .conf = *conf, .maker = maker };
	slv_list_init(&lanes->verdicts);
	lanes->deliver.run = deliver;
	lanes_declare(lanes, metrics);
	for (enum pool_kind kind = 0; kind < POOL_COUNT; kind++) {
		struct pool *pool = &lanes->pool[kind];
		pool->lanes = lanes;
		pool->kind = kind;
		pool->jails_max = kind == POOL_RARE ? 1 : conf->jails;
		pool->pause.fire = pool_pause_over;
		pool->idle.fire = pool_idle_long;
		slv_list_init(&pool->jails);
		slv_list_init(&pool->orders);
		for (enum lane lane = 0; lane < LANE_COUNT; lane++)
			slv_list_init(&pool->waiting[lane]);
	}
	pool_fill(&lanes->pool[POOL_PLAIN]);
	return lanes;
}

void slv_lanes_free(struct slv_image_lanes *lanes)
{
	if (!lanes)
		return;
	slv_loop_assert(lanes->loop);
	slv_err over = SLV_ERR(SLV_E_CANCELLED, "the image jails are shut down");
	for (enum pool_kind kind = 0; kind < POOL_COUNT; kind++) {
		struct pool *pool = &lanes->pool[kind];
		pool_fail_waiting(pool, over);
		SLV_LIST_EACH(link, &pool->jails)
		{
			struct jail *jail = SLV_CONTAINER(link, struct jail, link);
			struct slv_pixel_job *job = jail_disown(jail);
			jail_drop(jail);
			if (job)
				job_fail(job, over);
		}
		struct slv_list *link;
		while ((link = slv_list_pop(&pool->orders)))
			SLV_CONTAINER(link, struct order, link)->pool = NULL;
		slv_timer_stop(lanes->loop, &pool->pause);
		slv_timer_stop(lanes->loop, &pool->idle);
	}
	slv_task_stop(&lanes->deliver);
	deliver(&lanes->deliver);
	slv_free(lanes);
}

struct slv_loop *slv_lanes_loop(struct slv_image_lanes *lanes)
{
	return lanes->loop;
}

static uint32_t deadline_of(const struct slv_image_lanes *lanes, uint32_t deadline_ms)
{
	uint32_t most_ms = lanes->conf.job_ms;
	return deadline_ms && deadline_ms < most_ms ? deadline_ms : most_ms;
}

void slv_lanes_submit(struct slv_image_lanes *lanes, struct slv_pixel_job *job)
{
	slv_loop_assert(lanes->loop);
	bool rare = slv_format_is_rare(job->source_format);
	struct pool *pool = &lanes->pool[rare ? POOL_RARE : POOL_PLAIN];
	enum lane lane = lane_of(job);
	job->lanes = lanes;
	job->pool = job->jail = NULL;
	job->ran = false;
	job->ran_ms = 0;
	job->link = (struct slv_list){ 0 };
	job->timer = (struct slv_timer){ .fire = job_waited_too_long };
	job->submit_ns = slv_loop_fresh_ns(lanes->loop);
	if (!slv_pixel_plan_ok(&job->plan)) {
		job_fail(job, SLV_ERR(SLV_E_INTERNAL, "the plan for the picture is out of range"));
		return;
	}
	if (slv_timer_running(&pool->pause) && pool->jail_count + pool->order_count == 0) {
		slv_metric_add(lanes->metric.rejected, 1);
		job_fail(job, SLV_ERR(SLV_E_BUSY, "image jails keep dying"));
		return;
	}
	if (pool->waiting_count[lane] >= lanes->conf.queue_max) {
		slv_metric_add(lanes->metric.rejected, 1);
		job_fail(job, SLV_ERR(SLV_E_BUSY, "too many pictures wait (jails.queue_max)"));
		return;
	}
	slv_timer_start(lanes->loop, &job->timer, deadline_of(lanes, job->deadline_ms));
	job_queue(pool, job, false);
	pool_fill(pool);
	pool_pump(pool);
}

void slv_lanes_extend(
		struct slv_image_lanes *lanes, struct slv_pixel_job *job, uint32_t deadline_ms)
{
	slv_loop_assert(lanes->loop);
	uint32_t left_ms = deadline_of(lanes, deadline_ms);
	if (job->jail) {
		struct jail *jail = job->jail;
		slv_timer_start(lanes->loop, &jail->deadline, left_ms);
	} else if (job->pool) {
		slv_timer_start(lanes->loop, &job->timer, left_ms);
	}
}

void slv_lanes_cancel(struct slv_image_lanes *lanes, struct slv_pixel_job *job)
{
	slv_loop_assert(lanes->loop);
	slv_err err = SLV_ERR(SLV_E_CANCELLED, "nobody waits for the picture any more");
	if (job->jail) {
		struct jail *jail = job->jail;
		slv_assert(jail->job == job);
		(void)jail_disown(jail); /* it is `job` */
		job_fail(job, err);
	} else if (job->pool) {
		job_unqueue(job);
		job_fail(job, err);
	} else {
		job->verdict = err; /* its callback is due already */
	}
}
