/* h1_private.h - an HTTP/1 session, shared by its two halves
 *
 * h1.c turns heads into requests and replies into bytes; h1_upload.c is the request
 * body in between.
 *
 *	         ┌────────────────────────────────────────┐
 *	         ▼                                        │ kept alive
 *	       HEAD ──▶ SERVE ──▶ SEND ──▶ SKIP ──▶ NEXT ─┘
 *	         │                  │        │        │
 *	         └──────────────────┴────────┴────────┴──▶ DONE
 *
 * HEAD awaits a head, SERVE the service's reply, SEND room in the transport or the next
 * part of the reply's body, SKIP the rest of a request body that nobody wanted. A session
 * whose transport is gone lives on in SERVE until its service has answered.
 */
#ifndef SLV_PROTO_H1_PRIVATE_H
#define SLV_PROTO_H1_PRIVATE_H

#include "base/buf.h"
#include "proto/session.h"
#include "wire/chunk.h"

/* Bytes that were read: those in [start, end) are still to be used. */
struct h1_input {
	char *at;
	size_t cap, start, end;
};

/* The body of the current request, pulled by whoever serves it. */
struct h1_upload {
	struct slv_source source;
	bool open;          /* there is a body and its end was not reached */
	bool chunked;       /* else `left` counts */
	bool taken;         /* a service has the source; it will close it */
	bool continue_due;  /* 100 (Continue) is still to be sent */
	uint64_t left;      /* bytes to come, if not chunked */
	uint64_t got;       /* bytes of data so far */
	uint64_t waits_ms;  /* since when the pull waits; 0: it does not */
	uint64_t waited_ms; /* all that pulls have waited: the client's time, not ours */
	size_t lent;        /* bytes at input.start that the last pull still looks at */
	struct slv_chunk_decoder decoder;
	struct slv_pull *pull; /* waiting, or NULL */
	struct slv_task task;  /* tries to answer it */
};

enum h1_state { H1_HEAD, H1_SERVE, H1_SEND, H1_SKIP, H1_NEXT, H1_DONE, H1_STATES, H1_WAIT };

struct h1 {
	struct slv_session session;
	struct slv_sink sink;
	struct slv_edge *edge;
	struct slv_loop *loop;
	const struct slv_session_conf *conf;

	enum h1_state state;
	bool running;     /* h1_run() is on the stack */
	bool eof;         /* the peer sends no more */
	bool last;        /* close after this reply */
	bool replied;     /* the service has answered */
	bool framed;      /* the reply is in chunks */
	bool pulling;     /* the reply's source owes us a part */
	bool ended;       /* the reply's source has ended */
	bool serving;     /* `req` is alive */
	bool was_blocked; /* the client has once taken none of the reply */
	uint32_t requests;
	uint64_t born_ms;
	struct slv_timer timer; /* what it means follows from the state */

	struct slv_arena arena; /* of the request */
	struct slv_h1_parser parser;
	struct slv_h1_head head;
	struct slv_req req;
	struct h1_input input;
	char *pinned; /* the buffer of the head, once the body has got one of its own */
	struct h1_upload upload;

	uint64_t skip_from;        /* upload.got when the reply came */
	uint64_t written;          /* what the transport has taken, of all replies */
	uint64_t delivered_before; /* of that, what had reached the client when it first took none
	                              of this reply */
	uint64_t delivered;        /* and when the time to send some of it began */
	uint64_t blocked_since_ms; /* the client takes no more; 0: it does */
	uint64_t blocked_ms;       /* how long it has taken none, of this reply */

	struct slv_buf out;    /* the head of the reply, or that of a chunk */
	slv_str pending[4];    /* what is still to be sent: of 100 (Continue), of `out`, of the
	                          body, behind it */
	const char *file_base; /* where in memory body_file begins; NULL: the body is written */
	struct slv_body_file body_file;
	uint64_t owed;        /* of the body's length that was told; or SLV_LENGTH_UNKNOWN */
	struct slv_body body; /* of the reply */
	struct slv_pull pull;
};

void h1_run(struct h1 *h1);

/* Send what is pending of 100 (Continue). */
void h1_send_interim(struct h1 *h1);

/* Bytes that came, in `h1->input`, are used up to `used` more. */
void h1_input_drop(struct h1 *h1, size_t used);

/* --- h1_upload.c --- */

/* Set up req.body for the framing of the head, which is the next `head_len` bytes of the input.
 * With a body they are used up, and live on in `pinned`; without they still are the input. */
void h1_upload_begin(struct h1 *h1, size_t head_len);

/* Input came, or the peer has ended: answer a waiting pull. */
void h1_upload_input(struct h1 *h1);

/* Read and drop what is there. True once the body has ended. An error: it never will. */
slv_err h1_upload_skip(struct h1 *h1, bool *ret_ended);

/* The request ends. */
void h1_upload_end(struct h1 *h1);

#endif
