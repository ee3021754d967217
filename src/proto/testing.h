/* testing.h - a session on the bench: a transport without a socket, a loop with a clock of the
 * test's, and a real edge with one service that does what the path says
 *
 *	/hello          200 "hello"
 *	/static         200 with 1 KiB and the fields of a cached picture
 *	/bytes/N        N bytes in memory, held
 *	/stream/N       N bytes from a source in parts of 1000, length unknown, one trailer
 *	/sized/N        as that, with the length told and without the trailer
 *	/short          a source that ends before the length that was told
 *	/long           a source that gives more than the length that was told
 *	/silent         a source that never answers
 *	/broken         a source that fails in its second part
 *	/file/N         N bytes of an open file
 *	/later          answered when the test says so
 *	/echo           the request's body and its trailers' number
 *	/ignore         200 "ignored", the body unread
 *	/peek           200 "peeked" after one part of the body
 *	/empty          204
 *	/unchanged      304 with an ETag
 *	/bad            a field that cannot be sent
 */
#ifndef SLV_PROTO_TESTING_H
#define SLV_PROTO_TESTING_H

#include "base/buf.h"
#include "proto/session.h"

#define BENCH_HELD_MAX 512

struct bench {
	struct slv_transport transport; /* first */
	struct slv_loop *loop;
	struct slv_metrics *metrics;
	struct slv_edge *edge;
	struct slv_edge_conf edge_conf;
	struct slv_session_conf conf;
	struct slv_arena arena;
	uint64_t now_ms;
	int64_t wall_ms;

	/* the transport */
	struct slv_buf out;  /* what the session wrote */
	size_t room;         /* bytes that the transport still takes */
	bool closed, linger; /* close() was called */
	bool wants;          /* want_input() */
	bool busy;
	bool drops_output; /* counts it only */
	unsigned writes, sendfiles;
	size_t unacked; /* bytes that were taken and have not reached the client */
	uint64_t written;

	/* the service */
	struct slv_req *held[BENCH_HELD_MAX]; /* at /later, in order */
	unsigned held_count, cancelled, served;
	unsigned sources, holds;     /* alive */
	unsigned asked, pulls;       /* of our sources, and answered by them */
	int32_t upload_error;        /* code that /echo was told */
	bool sources_stall;          /* sources answer no more pulls */
	struct slv_task *stalled[8]; /* the first that did not */
	unsigned stalled_count;
	size_t part_bytes; /* of a source */
};

struct bench *bench_new(void);
void bench_free(struct bench *bench); /* the session too; nothing may be left */

/* Begin a session. */
void bench_h1(struct bench *bench, slv_str early);
void bench_h2(struct bench *bench, slv_str early);

/* Bytes come, as the transport hands them on; then the loop turns. */
void bench_input(struct bench *bench, slv_str bytes);
void bench_eof(struct bench *bench);
void bench_turn(struct bench *bench);

/* Time passes, at most 100 ms at a time. */
void bench_wait(struct bench *bench, uint64_t ms);

/* The transport has room again. */
void bench_room(struct bench *bench, size_t room);

/* The transport ends the session. */
void bench_close(struct bench *bench);

/* Sources answer again, and the pulls that stalled; none of them may be closed by now. */
void bench_answer_pulls(struct bench *bench);

/* Answer held[index] with "late". */
void bench_answer(struct bench *bench, unsigned index);

#endif
