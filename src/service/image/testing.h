/* testing.h - the images service on the bench: a loop with a clock of the test's, sources and jails
 * that answer when the test says so, and a cache in memory
 *
 * The lanes are real; their jails are sockets that the test reads and writes. Only the time that
 * bench_pass() lets pass passes. bench_free() looks that nothing was left under way.
 */
#ifndef SLV_SERVICE_IMAGE_TESTING_H
#define SLV_SERVICE_IMAGE_TESTING_H

#include "base/testing.h"
#include "service/image/private.h"

#define BENCH_JAILS 2
#define BENCH_JOB_MS 1000
#define BENCH_FILES "/f/" /* below it only the path matters, as where there are files */
#define BENCH_PICTURE "\x89PNG\r\n\x1a\n and so on"

/* A request for a source of the site; to be answered in any order. */
struct bench_source {
	struct slv_req *req; /* NULL: answered */
	char target[64];
	char if_none_match[160];
};

/* What a jail was asked. */
struct bench_job {
	unsigned jail; /* index */
	uint64_t id;
	struct slv_pixel_plan plan;
	uint32_t fd_count;
	char source[64]; /* head of the picture's bytes */
};

struct bench {
	struct slv_loop *loop;
	uint64_t now_ms;
	int64_t wall_ms;
	uint64_t randoms; /* that were handed out */
	struct slv_arena arena;
	struct slv_metrics *metrics;
	struct slv_cache *cache;
	struct slv_service_env env;
	struct image_conf conf; /* a test may change it before the first request */
	void *shared;
	struct image *self;

	struct bench_source sources[600];
	unsigned source_count;
	const char *age;  /* of the sources that are given from now on; NULL: it is not told */
	const char *etag; /* of what is answered; NULL: "v1" */

	struct slv_jail_maker maker;
	struct slv_task hand_over;
	struct {
		void *arg;
		void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd);
	} orders[BENCH_JAILS];
	unsigned order_count;
	struct {
		int fd;       /* our end; -1: there is none */
		bool has_job; /* which was not looked at yet */
		struct bench_job job;
	} jails[BENCH_JAILS];
	unsigned jails_ended; /* killed, that is */

	unsigned unheard; /* answers that nobody waited for */
};

/* As setup and teardown of a test; *state is the bench. */
int bench_setup(void **state);
int bench_teardown(void **state);

void bench_turn(struct bench *bench); /* until nothing moves */
void bench_pass(struct bench *bench, uint64_t ms);

/* Answer sources[index]. `control` is the Cache-Control; NULL: none. */
void bench_source(
		struct bench *bench, unsigned index, int status, slv_str body, const char *control);

/* With a picture of which nothing else is told. */
void bench_give(struct bench *bench, unsigned index);

/* The next job in a jail; fails the test if there is none. */
struct bench_job bench_job(struct bench *bench);
unsigned bench_jobs(struct bench *bench); /* of the jails, that nobody looked at yet */
void bench_made(struct bench *bench, const struct bench_job *job, slv_str bytes);
void bench_send_made(struct bench *bench, const struct bench_job *job, slv_str bytes); /* no turn */
void bench_not_made(struct bench *bench, const struct bench_job *job, enum slv_code code,
		const char *what);

/* --- questions to the home loop --- */

/* Who asked. It must be told or cancel before the test returns. */
struct waiter {
	struct slv_req req; /* stands for who waits; never looked into */
	struct image_ask *ask;
	struct bench *bench;
	unsigned told;
	uint64_t told_ms; /* on the bench's clock */
	enum image_how how;
	int32_t code;
	char what[IMAGE_WHAT_BYTES];
	size_t bytes;
	char body[64], etag[40];
};

/* What `options` ask of `source`, for a client that can do everything. */
struct image_recipe bench_recipe(struct bench *bench, const char *options, const char *source);
struct image_recipe bench_recipe_with_draw(struct bench *bench); /* "/logo.png" on "/a.png" */
bool bench_keeps(struct bench *bench, const struct image_recipe *recipe); /* the cache has it */
void bench_ask(struct bench *bench, struct waiter *waiter, const char *options, const char *source);
void bench_ask_recipe(
		struct bench *bench, struct waiter *waiter, const struct image_recipe *recipe);
void bench_renew(struct bench *bench, const char *options, const char *source);

/* `waiter` was told just that. */
void expect_told(const struct waiter *waiter, enum image_how how, const char *body);
void expect_failed(const struct waiter *waiter, enum slv_code code, const char *part);

#endif
