/* said.h - what jails write to their standard error, line by line
 *
 * A jail gets the writing end of a pipe, which does not block it: what does not fit is lost to it.
 * Its lines come to the owner, each cut at SLV_SAID_LINE_MAX bytes and as they are (a log escapes
 * them). All jails of one struct slv_said together may say SLV_SAID_LINES_MAX lines in
 * SLV_SAID_PERIOD_MS, and one may be read from SLV_SAID_READS_MAX times; past either the pipe is
 * left alone until the time is over. So a jail that floods costs some lines and a full pipe.
 *
 * Thread: the loop's, all of it.
 */
#ifndef SLV_PROC_SAID_H
#define SLV_PROC_SAID_H

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define SLV_SAID_LINE_MAX 512
#define SLV_SAID_LINES_MAX 100
#define SLV_SAID_READS_MAX 64
#define SLV_SAID_PERIOD_MS 10000u

/* What all may still say. */
struct slv_said {
	struct slv_loop *loop;
	struct slv_list voices;
	struct slv_timer refill;
	uint32_t lines_left;
	uint64_t lost; /* lines that were read and told to nobody, in this period */
	/* Optional: so many lines were lost in the period that is over. */
	void (*muted)(struct slv_said *said, uint64_t lines);
};

/* One jail's. */
struct slv_voice {
	/* A line has come, without its end; false: it does not count. */
	bool (*heard)(struct slv_voice *voice, slv_str line);
	struct slv_said *said; /* private, as all below */
	struct slv_list link;
	struct slv_io *io;
	int fd; /* the reading end */
	uint32_t reads_left, len;
	char line[SLV_SAID_LINE_MAX];
};

/* `muted` may be set after. */
void slv_said_init(struct slv_said *said, struct slv_loop *loop);
void slv_said_done(struct slv_said *said); /* after all voices */

/* Open a pipe; `heard` is set. `*ret_fd` is the writing end, the caller's, to be passed on. */
slv_err slv_voice_init(struct slv_voice *voice, struct slv_said *said, int *ret_fd);

/* Hear what is left in the pipe, also a last line without an end, and close it. */
void slv_voice_done(struct slv_voice *voice);

#endif
