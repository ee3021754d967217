/* endpoint.h - a server on loopback that gives one answer after the other; for tests only
 *
 * On a loop of the test's, so that whoever asks must be on another thread. TLS is for client.h's
 * tests; this is for what is waited for (call.h).
 */
#ifndef SLV_CLIENT_ENDPOINT_H
#define SLV_CLIENT_ENDPOINT_H

#include "base/buf.h"
#include "base/testing.h"
#include "loop/loop.h"

#define ENDPOINT_ANSWERS_MAX 128u

struct endpoint {
	struct slv_loop *loop;
	uint16_t port;
	const char *answers[ENDPOINT_ANSWERS_MAX]; /* they live as long */
	const char *rests[ENDPOINT_ANSWERS_MAX];   /* what follows late, or NULL */
	uint64_t late_ms[ENDPOINT_ANSWERS_MAX];
	size_t answers_count, asked;
	char heads[ENDPOINT_ANSWERS_MAX][10240]; /* of the requests; terminated */
	size_t body_lens[ENDPOINT_ANSWERS_MAX];
	struct slv_buf body; /* of the last one */
	size_t accepted;
	/* Private. */
	int fd;
	struct slv_io *io;
	struct slv_list peers;
};

struct endpoint *endpoint_new(struct slv_loop *loop);
void endpoint_free(struct endpoint *endpoint);

/* The next answer: all of its bytes; NULL, the connection is closed; "", nothing ever comes. A
 * request that has none is closed, too. The connection stays unless it says "Connection: close". */
void endpoint_says(struct endpoint *endpoint, const char *answer);

/* Likewise, and then, so much later, the rest. */
void endpoint_says_late(
		struct endpoint *endpoint, const char *answer, uint64_t late_ms, const char *rest);

#endif
