/* testjail.h - run a real jail from a test: pictures in, pixels out; for tests only */
#ifndef SLV_JAIL_IMAGE_TESTJAIL_H
#define SLV_JAIL_IMAGE_TESTJAIL_H

#include "base/str.h"
#include "proc/pixel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slv_testjail {
	int socket_fd;
	int pid;
	uint64_t jobs; /* sent */
};

/* Start the program at `path`; the test fails if it cannot. */
void slv_testjail_start(struct slv_testjail *jail, const char *path);

/* The same, but its results may have `result_mib` MiB at most: a number. */
void slv_testjail_start_bounded(
		struct slv_testjail *jail, const char *path, const char *result_mib);

/* Close the channel and wait. Returns the wait status. */
int slv_testjail_stop(struct slv_testjail *jail);

/* A plan that changes nothing, with generous limits. */
struct slv_pixel_plan slv_testjail_plan(void);

struct slv_testjail_answer {
	struct slv_pixel_result result;
	slv_str bytes; /* mapped; slv_testjail_answer_done() */
};

/* Send `source` and the plan's overlays, wait for the answer. False: the jail died. */
bool slv_testjail_ask(struct slv_testjail *jail, const struct slv_pixel_plan *plan, slv_str source,
		const slv_str *draws, struct slv_testjail_answer *ret_answer);
void slv_testjail_answer_done(struct slv_testjail_answer *answer);

#endif
