/* lanes.h - the queue in front of the image jails
 *
 * Jobs wait in lanes by the size of their picture (up to 512 KiB, up to 4 MiB, larger),
 * so that thumbnails of small ones do not stand behind panoramas: the smallest go
 * first, but every fourth turn is the larger ones', so that none starves. Each lane is
 * bounded; past it a job fails at once with SLV_E_BUSY. As many jobs run as there are
 * jails. A jail past its job's deadline is killed and replaced (SLV_E_TIMEOUT); one that
 * dies fails its one job (SLV_E_INTERNAL, "image jail died"), and one that answers
 * nonsense is killed and does likewise; one above its memory mark or its number of jobs
 * is retired after its answer.
 *
 * HEIC and AVIF sequences go to a jail of their own, which is made when it is wanted and
 * retired when idle for a minute.
 *
 * When SLV_LANES_DEATHS_MAX new jails (younger than 10 s, no answer yet) have died
 * without one answer between, more are made only after a pause, which doubles from 100 ms
 * to 10 s (to 1 s if they die of pictures rather than at their start, or one bad picture
 * would stop all). While it lasts and no jail lives, jobs fail with SLV_E_BUSY.
 *
 * Thread: the loop that made the lanes; others post to it.
 */
#ifndef SLV_PROC_LANES_H
#define SLV_PROC_LANES_H

#include "loop/loop.h"
#include "loop/metric.h"
#include "proc/pixel.h"

#define SLV_LANES_DEATHS_MAX 5
#define SLV_LANES_RARE_IDLE_MS 60000

struct slv_image_lanes;

struct slv_lanes_conf {
	uint32_t jails;            /* how many run; ≥ 1 */
	uint32_t queue_max;        /* jobs waiting in each lane */
	uint32_t job_ms;           /* the longest deadline a job may have */
	uint32_t jobs_per_jail;    /* then it is retired */
	uint64_t jail_rss_kib_max; /* above it is retired */
};

/* Where jails come from: each call owes one callback with the socket of a fresh jail and a pidfd of
 * it (both then ours), or an error. In the edge process the parent is asked (proc/edge.h); tests
 * spawn their own. */
struct slv_jail_maker {
	void (*make)(struct slv_jail_maker *maker, enum slv_format needs, void *arg,
			void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd));
};

struct slv_pixel_job {
	struct slv_pixel_plan plan;
	int source_fd;                    /* sealed memfd; stays the caller's */
	int draw_fd[SLV_PIXEL_DRAWS_MAX]; /* likewise */
	enum slv_format source_format;    /* sniffed; rare ones go to the jail that can */
	uint64_t source_bytes;            /* decides the lane */
	uint32_t deadline_ms;             /* from the submit on, waiting included; 0: job_ms */
	/* `result` and `out_fd` (-1 if there are no bytes) hold when `err` is OK; `out_fd` is then
	 * the receiver's. A plan the jail could not follow comes as `err` with its code and text,
	 * which lives until the callback returns. */
	void (*done)(struct slv_pixel_job *job, slv_err err, const struct slv_pixel_result *result,
			int out_fd);
	bool ran;             /* a jail has begun with it; holds in `done` */
	uint64_t ran_ms;      /* in that jail; likewise */
	struct slv_list link; /* private, as all below */
	struct slv_timer timer;
	struct slv_image_lanes *lanes;
	void *pool, *jail; /* where it waits or runs */
	uint64_t submit_ns;
	slv_err verdict; /* what its callback will be given */
};

struct slv_image_lanes *slv_lanes_new(struct slv_loop *loop, const struct slv_lanes_conf *conf,
		struct slv_jail_maker *maker, struct slv_metrics *metrics);

/* Fail what waits and runs with SLV_E_CANCELLED, kill the jails, free. NULL is fine. */
void slv_lanes_free(struct slv_image_lanes *lanes);

struct slv_loop *slv_lanes_loop(struct slv_image_lanes *lanes);

/* Queue `job`, which stays put until its callback. Those errors that the jail has no part in:
 * SLV_E_BUSY (lane full, or jails keep dying), SLV_E_TIMEOUT, SLV_E_CANCELLED, SLV_E_INTERNAL (the
 * jail died or answered nonsense; or the plan is out of range). */
void slv_lanes_submit(struct slv_image_lanes *lanes, struct slv_pixel_job *job);

/* Have its deadline be `deadline_ms` from now on (0: job_ms), wherever it is. Nothing if its
 * callback is due already. */
void slv_lanes_extend(
		struct slv_image_lanes *lanes, struct slv_pixel_job *job, uint32_t deadline_ms);

/* Forget a job: its callback comes with SLV_E_CANCELLED; a running one is let finish unseen. */
void slv_lanes_cancel(struct slv_image_lanes *lanes, struct slv_pixel_job *job);

#endif
