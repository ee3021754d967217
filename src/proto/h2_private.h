/* h2_private.h - an HTTP/2 session, shared by its two halves
 *
 * h2.c turns heads into requests and replies into DATA; h2_upload.c is the request body in
 * between. wire/h2.h knows the protocol. Each stream is
 *
 *	 HEAD ──▶ SERVE ──▶ SEND ──▶ END
 *	  │         │                 ▲
 *	  │         └──▶ ORPHAN ──────┤
 *	  └───────────────────────────┘
 *
 * HEAD awaits the end of the head, SERVE the service's reply, SEND the peer and the rest of
 * the reply's body. ORPHAN is a request whose client has gone: its service still owes the
 * reply, and it keeps its place among the streams until then. A session whose transport is
 * gone lives on until the last of them has ended.
 *
 * Of replies' bodies that come from sources, 256 KiB a connection are asked for or on their way;
 * a pull counts 64 KiB from when it is asked. One that is open for more than a second counts
 * nothing until its bytes come, so that sources that do not answer cost the others nothing. Past
 * the 256 KiB there may thus be one part of each stream whose source took more than a second:
 * h2_streams_max parts at most.
 */
#ifndef SLV_PROTO_H2_PRIVATE_H
#define SLV_PROTO_H2_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "proto/session.h"
#include "wire/h2.h"

/* The body of a request, pulled by whoever serves it. */
struct h2_upload {
	struct slv_source source;
	bool taken;            /* somebody will close the source */
	bool ended;            /* the peer has sent all of it */
	bool broken;           /* it never will */
	bool continue_due;     /* 100 (Continue) is still to be sent */
	slv_err err;           /* what the next pull is answered with */
	struct slv_buf fresh;  /* came since */
	struct slv_buf lent;   /* the last pull still looks at it */
	uint64_t waits_ms;     /* since when the pull waits; 0: it does not */
	uint64_t waited_ms;    /* all that pulls have waited: the client's time, not ours */
	struct slv_pull *pull; /* waiting, or NULL */
	struct slv_task task;  /* tries to answer it */
};

enum h2_state { H2_HEAD, H2_SERVE, H2_SEND, H2_ORPHAN, H2_END, H2_STATES };

struct h2_stream {
	struct slv_h2_stream wire; /* first */
	struct h2 *h2;
	struct slv_list link; /* on h2->streams or ->spare */
	struct slv_list wait; /* on h2->starved (SEND) or ->cancels (ORPHAN) */
	struct slv_sink sink;
	struct slv_arena arena;
	struct slv_req req;
	struct h2_upload upload;
	struct slv_body body; /* of the reply */
	struct slv_pull pull;
	size_t part_bytes;   /* of the body's source, asked for or on their way */
	uint64_t asked_ms;   /* since when the pull is open; 0: it is not */
	uint64_t seen_bytes; /* sent when somebody last looked, */
	uint64_t seen_ms;    /* and when that was more than before */
	uint64_t held_ms;    /* how long the client has left its window shut, all in all */
	enum h2_state state;
	bool serving; /* the edge knows `req` */
};

struct h2 {
	struct slv_session session;
	struct slv_edge *edge;
	struct slv_loop *loop;
	const struct slv_session_conf *conf;
	struct slv_h2 *wire; /* NULL once the transport is gone */

	struct slv_list streams;
	uint32_t streams_count;
	struct slv_list spare; /* streams for later use, their arenas warm */
	uint32_t spare_count;
	struct slv_list starved; /* wait until less of others' bodies is on its way */
	struct slv_list cancels; /* whose services are to hear that the client has gone */
	size_t parts_bytes;      /* of all sources, asked for or on their way */

	char *input; /* where bytes are read to; or NULL */
	struct slv_task flush, cancel;
	struct slv_timer timer;
	uint32_t requests;
	uint64_t born_ms, idle_ms, drain_ms;
	uint64_t blocked_ms; /* since when the transport takes nothing; 0: it does */
	/* Since there was a stream: how long the client let all of them wait, what it had got
	 * before, and when it last got something. */
	uint64_t shut_ms, begun_bytes, moved_bytes, moved_ms;
	size_t unacked; /* of the transport, at the last tick */
	bool throttled; /* not reading, because too much waits to be sent */
	bool draining;  /* the peer was asked for no more streams */
	bool leaving;   /* and none are taken */
	bool eof;       /* the peer sends no more */
	bool closing;   /* the transport was told to close */
	bool freeing;
};

/* Output waits: send it later in this turn. */
void h2_flush_later(struct h2 *h2);

/* --- h2_upload.c --- */

/* Set up req.body for the head that has come. */
void h2_upload_begin(struct h2_stream *stream);

/* Bytes came, the end came, or nothing more will. */
void h2_upload_data(struct h2_stream *stream, slv_str bytes);
void h2_upload_ended(struct h2_stream *stream);
void h2_upload_break(struct h2_stream *stream);

/* Look at the clock: a pull that has waited too long is answered with SLV_E_SLOW. */
void h2_upload_check(struct h2_stream *stream, uint64_t now_ms);

/* The request ends. */
void h2_upload_end(struct h2_stream *stream);

#endif
