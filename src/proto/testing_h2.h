/* testing_h2.h - what the tests of the HTTP/2 session share: a conversation on the bench */
#ifndef SLV_PROTO_TESTING_H2_H
#define SLV_PROTO_TESTING_H2_H

#include "proto/testing.h"
#include "wire/h2_testing.h"

/* A bench with an HTTP/2 session on it, and a client at the other end. */
struct talk {
	struct bench *bench;
	struct slv_h2_test_client client;
};

/* For cmocka: set up and tear down a struct talk, without a session yet. */
int talk_begin(void **state);
int talk_end(void **state);

/* Carry bytes both ways until nobody has anything to say. */
void talk_carry(struct talk *talk);

slv_str talk_body(struct talk *talk, uint32_t id);

/* A line is among the answer's fields, or the begin of one. */
bool talk_tells(const struct slv_h2_test_answer *answer, const char *line);

/* --- by hand: what no proper client sends --- */

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};
enum { END_STREAM = 1, END_HEADERS = 4 };

/* A session, and in `buf` the preface that is still to be sent. */
void raw_begin(struct bench *bench, struct slv_buf *buf);

/* Add a request's head, which HPACK takes literally. */
void raw_ask(struct slv_buf *buf, uint32_t id, uint8_t flags, const char *method, const char *path);

/* Send and empty the buffer. */
void raw_send(struct bench *bench, struct slv_buf *buf);

struct raw_seen {
	unsigned count;
	uint32_t id, code; /* of the last one; the code of RST_STREAM and GOAWAY */
	uint8_t flags;
};

/* What frames of a type the session has written. */
struct raw_seen raw_look(struct bench *bench, uint8_t type);

#endif
