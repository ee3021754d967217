/* h2_testing.h - an HTTP/2 client for tests
 *
 * nghttp2's own, so that what we send is judged by somebody else. Takes and makes bytes;
 * what is malformed a test writes by hand with slv_h2_test_frame().
 */
#ifndef SLV_WIRE_H2_TESTING_H
#define SLV_WIRE_H2_TESTING_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct nghttp2_session;

#define SLV_H2_TEST_ANSWERS 4096

struct slv_h2_test_answer {
	int status;          /* of the last head that came */
	int heads;           /* 1xx included */
	struct slv_buf text; /* "name: value\n" of all heads and trailers */
	struct slv_buf body;
	bool ended;  /* END_STREAM came */
	bool closed; /* both sides have ended, or a reset came */
	uint32_t code;
};

struct slv_h2_test_client {
	struct nghttp2_session *session;
	struct slv_buf out; /* to be taken to the server */
	struct slv_h2_test_answer *answers;
	uint32_t ended, closed, resets;
	bool keep_bodies; /* else only counted */
	uint64_t body_bytes;
	bool goaway;
	uint32_t goaway_code, goaway_last;
	uint32_t acks; /* of PING */
};

struct slv_h2_test_pair {
	const char *name, *value;
};

void slv_h2_test_client_init(struct slv_h2_test_client *client);
/* With windows of that size for what comes. */
void slv_h2_test_client_init_window(struct slv_h2_test_client *client, uint32_t window_bytes);
void slv_h2_test_client_done(struct slv_h2_test_client *client);

/* Ask; pairs end with { 0 }. A body that is not NULL is sent; it is not copied. Returns the
 * stream's id. */
uint32_t slv_h2_test_ask(struct slv_h2_test_client *client, const struct slv_h2_test_pair *pairs,
		const slv_str *body);
uint32_t slv_h2_test_get(struct slv_h2_test_client *client, const char *path);
void slv_h2_test_reset(struct slv_h2_test_client *client, uint32_t id, uint32_t code);
void slv_h2_test_ping(struct slv_h2_test_client *client);

/* Bytes of the server. True if they are proper HTTP/2. */
bool slv_h2_test_input(struct slv_h2_test_client *client, slv_str bytes);

/* What the client has to say is appended to `out`. */
void slv_h2_test_output(struct slv_h2_test_client *client);

struct slv_h2_test_answer *slv_h2_test_answer(struct slv_h2_test_client *client, uint32_t id);

/* By hand: the preface with empty SETTINGS; a frame; a field that HPACK is to take literally. */
void slv_h2_test_preface(struct slv_buf *buf);
void slv_h2_test_frame(
		struct slv_buf *buf, uint8_t type, uint8_t flags, uint32_t id, slv_str payload);
void slv_h2_test_field(struct slv_buf *buf, const char *name, const char *value);

#endif
