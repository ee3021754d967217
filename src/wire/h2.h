/* h2.h - the server's side of an HTTP/2 connection (RFC 9113), without I/O
 *
 * Bytes of the peer go in by slv_h2_input(); what they mean comes out through the
 * events, from within that call. Replies are submitted at any time, also from within
 * an event, and wait until slv_h2_output() shows them as parts to be written. Bodies
 * are not copied: the parts point at the bytes that were given.
 *
 *	            ┌── open ── head ── data … ── end ──┐
 *	peer ──▶ input                                   ├── closed ──▶ release()
 *	output ◀── reply() ── send() … drained … send() ─┘
 *
 * A stream is an object of the caller's that embeds struct slv_h2_stream. It lives from
 * `open` until the caller releases it after `closed`; until then it counts against
 * streams_max, so that who resets a request frees no place while it is still served.
 *
 * nghttp2 does framing, HPACK, states and windows. What makes a request well-formed is
 * checked here (h2_head.c): malformed ones are reset with PROTOCOL_ERROR and never
 * become a head. Floods are counted here too (h2_meter.h). Windows open only as the
 * caller consumes.
 *
 * Thread: that of its owner.
 */
#ifndef SLV_WIRE_H2_H
#define SLV_WIRE_H2_H

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "http/body.h"
#include "http/field.h"
#include "http/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct slv_h2;

#define SLV_H2_CONTINUATIONS_MAX 8     /* frames behind a HEADERS frame */
#define SLV_H2_OUTBOUND_ACKS_MAX 1000  /* answers to PING and SETTINGS that wait */
#define SLV_H2_SETTINGS_MAX 32         /* entries of one SETTINGS frame */
#define SLV_H2_RESETS_BURST 1000       /* RST_STREAM frames of the peer, */
#define SLV_H2_RESETS_PER_S 33         /* and how fast their allowance comes back */
#define SLV_H2_OUTPUT_BYTES_MAX 131072 /* shown at once by slv_h2_output(), about */

/* Error codes of RFC 9113 section 7. */
enum slv_h2_code {
	SLV_H2_NO_ERROR = 0,
	SLV_H2_PROTOCOL_ERROR = 1,
	SLV_H2_INTERNAL_ERROR = 2,
	SLV_H2_FLOW_CONTROL_ERROR = 3,
	SLV_H2_STREAM_CLOSED = 5,
	SLV_H2_REFUSED_STREAM = 7,
	SLV_H2_CANCEL = 8,
	SLV_H2_ENHANCE_YOUR_CALM = 11,
};

/* All > 0. Each bound itself is allowed, one more is not. */
struct slv_h2_limits {
	uint32_t streams_max; /* that were opened and are not released */
	uint32_t window_bytes;
	uint32_t connection_window_bytes; /* ≥ 65535 */
	uint32_t target_bytes_max;        /* :path */
	uint32_t field_bytes_max;         /* name and value of one field, decoded */
	uint32_t head_bytes_max;          /* all of them, each with 32 more (section 6.5.2) */
	uint32_t fields_max;
};

/* The head of a request. All of it lives in the stream's arena. */
struct slv_h2_head {
	enum slv_method method;
	slv_str method_name;
	slv_str scheme;           /* "http" or "https" */
	slv_str target;           /* :path, begins with '/'; or "*" */
	struct slv_fields fields; /* in order; Host is among them if the peer sent :authority; the
	                             Cookie fields were joined into one */
	uint64_t length;          /* of the body: as announced; 0: there is none */
	bool expect_continue;     /* the peer waits for 100 before it sends the body */
};

struct slv_h2_stream {
	struct slv_arena *arena;    /* set by the owner when it opens */
	uint32_t id;                /* 0 while it is free */
	uint64_t begun_ms;          /* when its head began */
	struct slv_h2_head head;    /* complete with the event `head` */
	struct slv_fields trailers; /* of the request; complete with the event `end` */
	uint64_t got_bytes;         /* of the request's body */
	uint64_t sent_bytes;        /* of the reply's body, taken by slv_h2_sent() */
	bool input_ended;           /* the peer has sent all of its request */
	bool answered;              /* all of the reply is framed */
	bool shut;                  /* by the owner: what is consumed opens its window no more */

	/* Private. */
	bool closed, told, failed, regular_seen, in_trailers, host_seen, length_seen;
	bool replied, last, awaits_data, nudged;
	struct slv_list narrow; /* waits for more of a window than there is */
	uint32_t list_bytes, fields_seen, cookies;
	slv_str authority;
	slv_err fault;       /* why the head is answered with an error */
	slv_str body;        /* of the reply, not yet framed */
	uint64_t reply_left; /* of the reply's announced length */
	const struct slv_fields *reply_trailers;
	size_t queued_bytes; /* framed, not yet sent */
	uint32_t close_code;
};

struct slv_h2_events {
	/* A request begins. Returns a stream, zeroed but for its arena, or NULL: not now; the peer
	 * is told REFUSED_STREAM. */
	struct slv_h2_stream *(*open)(void *arg);
	/* Its head is complete. With `err` it is well-formed and yet past a bound, or asks for what
	 * we do not do: answer it with that error. Its body will not be told. */
	void (*head)(void *arg, struct slv_h2_stream *stream, slv_err err);
	/* More of its body; the bytes are gone when this returns. They fill the windows until
	 * slv_h2_consume(). */
	void (*data)(void *arg, struct slv_h2_stream *stream, slv_str bytes);
	/* The request has ended; after `head`. */
	void (*end)(void *arg, struct slv_h2_stream *stream);
	/* All that slv_h2_send() was given has been sent: more may be given. */
	void (*drained)(void *arg, struct slv_h2_stream *stream);
	/* The last event of a stream, also of one that never had a head: nothing given for it is in
	 * use any more. `code` is an enum slv_h2_code or another of section 7. */
	void (*closed)(void *arg, struct slv_h2_stream *stream, uint32_t code);
	/* Something of the peer's was refused or makes the connection end; for the log. */
	void (*refused)(void *arg, slv_err err);
};

/* `limits` and `events` are copied. Our SETTINGS are in the output at once. */
struct slv_h2 *slv_h2_new(const struct slv_h2_limits *limits, const struct slv_h2_events *events,
		void *arg, uint64_t now_ms);

/* No event comes; streams that were not closed are the owner's to forget. NULL is fine. */
void slv_h2_free(struct slv_h2 *h2);

/* All of `bytes` are used. An error means that the connection cannot go on: the output may still
 * hold a GOAWAY, and slv_h2_is_over() says when to close. SLV_E_SYNTAX: not HTTP/2. SLV_E_BUSY: a
 * flood. Never from within an event. */
slv_err slv_h2_input(struct slv_h2 *h2, slv_str bytes, uint64_t now_ms);

/* The peer has sent a part of a head, and since then not its end; 0: no. */
uint64_t slv_h2_head_begun_ms(const struct slv_h2 *h2);

/* --- replies: not after `closed` --- */

struct slv_h2_reply {
	int status; /* 200 to 599 */
	slv_str date;
	const struct slv_fields *fields; /* names in any case */
	uint64_t length;                 /* of the body, told as Content-Length unless unknown */
	bool bodiless;                   /* nothing follows: HEAD, 204, 304, or length 0 */
};

/* Submit the head of the final reply; all of it is copied. Once a stream.
 * SLV_E_INTERNAL: a field's name is no token, its value cannot be sent, or it belongs to the
 * connection (Content-Length too); nothing was submitted then. */
slv_err slv_h2_reply(
		struct slv_h2 *h2, struct slv_h2_stream *stream, const struct slv_h2_reply *reply);

/* 100 (Continue), before the reply. */
void slv_h2_continue(struct slv_h2 *h2, struct slv_h2_stream *stream);

/* The next part of the reply's body; it must stay until `drained` or `closed`, and none may be
 * under way. `last`: the body ends with it, as it does where the announced length is reached; then
 * `trailers` (or NULL) follow, those of them that may. A body that does
 * not have the announced length is reset with INTERNAL_ERROR. */
void slv_h2_send(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str bytes, bool last,
		const struct slv_fields *trailers);

/* A frame that only a narrow window makes small waits for the window to open; else frames, and
 * the WINDOW_UPDATEs for them, become smaller and smaller. Who opens it when all of it is used is
 * served by this, to be called about twice a second. True: there may be output. */
bool slv_h2_nudge(struct slv_h2 *h2);

/* Does its reply wait for the peer to open the stream's window? */
bool slv_h2_is_held(const struct slv_h2 *h2, const struct slv_h2_stream *stream);

/* Do all replies wait for the peer to open the connection's window? */
bool slv_h2_is_shut(const struct slv_h2 *h2);

/* Bytes of bodies that slv_h2_sent() took, of all streams so far. */
uint64_t slv_h2_body_bytes(const struct slv_h2 *h2);

/* `len` bytes of the request's body are done with; also after `closed`. */
void slv_h2_consume(struct slv_h2 *h2, struct slv_h2_stream *stream, size_t len);

/* Give up; `closed` follows. */
void slv_h2_reset(struct slv_h2 *h2, struct slv_h2_stream *stream, enum slv_h2_code code);

/* After `closed`: the stream counts no longer. */
void slv_h2_release(struct slv_h2 *h2, struct slv_h2_stream *stream);

/* --- output --- */

/* Streams may close from within. What is to be written: parts that stay valid until slv_h2_sent()
 * has taken them, `*ret_len` bytes in all; returns their number, 0 for nothing. */
int slv_h2_output(struct slv_h2 *h2, const struct iovec **ret_parts, size_t *ret_len);

/* The first `len` bytes of it were taken. Streams may drain and close from within. */
void slv_h2_sent(struct slv_h2 *h2, size_t len, uint64_t now_ms);

/* Frames that wait behind the output. Who does not read makes it grow by what it sends. */
size_t slv_h2_backlog(const struct slv_h2 *h2);

/* --- the end --- */

/* Ask the peer to open no more streams; those under way to us are still taken. */
void slv_h2_drain(struct slv_h2 *h2);

/* Take no more streams; those begun go on. */
void slv_h2_goaway(struct slv_h2 *h2, enum slv_h2_code code);

/* Send GOAWAY as the last frame of all. */
void slv_h2_terminate(struct slv_h2 *h2, enum slv_h2_code code);

/* Nothing more will be read or written: close, once the output is empty. */
bool slv_h2_is_over(const struct slv_h2 *h2);

/* The peer has said GOAWAY: it opens no more streams. */
bool slv_h2_peer_leaves(const struct slv_h2 *h2);

/* Give back buffers that the next request would need again. */
void slv_h2_rest(struct slv_h2 *h2);

#endif
