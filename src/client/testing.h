/* testing.h - a small origin on loopback, on the loop of the client; for tests only */
#ifndef SLV_CLIENT_TESTING_H
#define SLV_CLIENT_TESTING_H

#include "base/testing.h"
#include "client/private.h"
#include "tls/tls.h"

enum after { AFTER_KEEP, AFTER_CLOSE, AFTER_HOLD, AFTER_REPEAT };

/* What the origin answers to one path. */
struct script {
	const char *path;
	slv_str reply;
	enum after after; /* keep the connection; close it; be silent; send `repeat` for ever */
	slv_str repeat;
};

#define SCRIPTS_MAX 12u

/* Made anew for every test. */
struct stage {
	struct slv_loop *loop, *clock;
	uint64_t late_ms; /* what the loop's clock is ahead of the true one */
	struct slv_arena arena;
	struct slv_metrics *metrics;
	struct slv_client_conf conf; /* the defaults, with private_networks */
	struct slv_client *client;

	int listen_fd;
	uint16_t port;
	struct slv_io *listen_io;
	struct slv_list peers;
	struct slv_tls *tls; /* NULL: plain */
	struct script scripts[SCRIPTS_MAX];
	size_t scripts_count;
	size_t accepted, requests;
	char request[8192]; /* the last one; terminated */
};

int stage_setup(void **state);
int stage_teardown(void **state);
void stage_client(struct stage *stage); /* makes the client of stage->conf, anew */

/* `reply` must live as long as the stage. */
void stage_says(struct stage *stage, const char *path, const char *reply, enum after after);
void stage_repeats(struct stage *stage, const char *path, const char *reply, slv_str repeat);

/* Formatted text of the stage's life. */
const char *stage_text(struct stage *stage, const char *fmt, ...) SLV_PRINTF(2, 3);

/* Handle all that is ready, time standing still. */
void stage_settle(struct stage *stage);
void stage_until_requests(struct stage *stage, size_t count);

/* --- fetches --- */

struct got {
	struct slv_fetch fetch; /* first */
	struct stage *stage;
	unsigned called;
	slv_err err;
	int status;
	struct slv_fields fields;
	bool has_body;
	uint64_t body_bytes;
	char body[65536]; /* its head */

	/* What is allowed. */
	size_t asked;
	char hops[4][128];     /* as "scheme host port path" */
	size_t allowed_most;   /* hops; the next is refused */
	size_t cancels_at_hop; /* 0: never */
	struct got *starts;    /* in the callback */
};

/* `path` with its leading '/', or a whole URL. */
void got_init(struct got *got, struct stage *stage, const char *path);
void got_start(struct got *got);
void got_wait(struct got *got);
void got_run(struct got *got); /* start and wait */

/* Fetch `path` and look how that ends. */
void fetch_fails(struct stage *stage, const char *path, enum slv_code code, const char *part);
void fetch_gives(struct stage *stage, const char *path, int status, const char *body);

#endif
