/* h2_private.h - what the parts of the HTTP/2 codec share: private to wire
 *
 * h2.c feeds nghttp2 and hears its callbacks, h2_head.c judges fields, h2_reply.c submits
 * replies and gathers output.
 */
#ifndef SLV_WIRE_H2_PRIVATE_H
#define SLV_WIRE_H2_PRIVATE_H

#include "wire/h2.h"
#include "wire/h2_heap.h"
#include "wire/h2_meter.h"

#include <nghttp2/nghttp2.h>

#define H2_PARTS_MAX 64
#define H2_OUTPUT_TEXT_BYTES 8192u /* frame heads and control frames, of one output */
#define H2_FRAME_HEAD_BYTES 9u
#define H2_MAGIC_BYTES 24u

/* What nghttp2 has framed and nobody has sent yet. */
struct h2_output {
	struct iovec parts[H2_PARTS_MAX];
	struct slv_h2_stream *owners[H2_PARTS_MAX]; /* whose body it is; NULL: a frame's */
	int first, count;
	size_t len;    /* bytes in all parts */
	char *text;    /* frames are copied here, as nghttp2 reuses its memory; or NULL */
	size_t used;   /* of it */
	bool borrowed; /* the last part is nghttp2's own memory: frame nothing more */
};

/* The frame that is coming, seen before nghttp2 sees it. */
struct h2_frames {
	uint32_t magic_left;
	uint8_t head[H2_FRAME_HEAD_BYTES];
	uint32_t head_len, payload_left;
	uint32_t continuations;
	bool head_open;         /* END_HEADERS has not come */
	uint64_t head_begun_ms; /* when its HEADERS frame began */
};

struct slv_h2 {
	nghttp2_session *session;
	struct slv_h2_limits limits;
	struct slv_h2_events events;
	void *arg;
	uint64_t now_ms;
	struct h2_heap heap; /* nghttp2's */
	struct h2_meter meter;
	struct h2_frames frames;
	struct h2_output output;

	struct slv_list narrow;        /* streams that wait for a wider window */
	struct slv_h2_stream *heading; /* the head that nghttp2 is unpacking, or NULL */
	uint32_t streams;              /* not released */
	uint64_t body_bytes;           /* of replies, sent */
	uint32_t opened;               /* since the last output */
	uint32_t last_id;              /* the highest that the peer has used */
	uint32_t skipped_id;           /* the highest that it left out */
	uint32_t reset_id;             /* the highest that we have reset */
	uint32_t overflow_id;          /* whose window WINDOW_UPDATE made overflow */
	bool leaving;                  /* a GOAWAY of ours makes nghttp2 ignore streams */
	bool calmed;                   /* it was because of a flood */
	bool broken;                   /* nghttp2 can do no more */
	bool peer_leaves;

	nghttp2_nv *fields; /* of a reply, in between */
	size_t fields_cap;
};

/* h2_reply.c: a window has opened: of a stream, or NULL: of all. */
void h2_window_opened(struct slv_h2 *h2, struct slv_h2_stream *stream);

/* h2.c: reset because of what the peer did; counted. */
void h2_stream_fail(struct slv_h2 *h2, struct slv_h2_stream *stream, const char *why);
void h2_stream_rst(struct slv_h2 *h2, uint32_t id, uint32_t code);
void h2_stream_tell_closed(struct slv_h2 *h2, struct slv_h2_stream *stream);

/* h2_head.c: one more field of a head or of trailers; the head, or the trailers, are complete. */
void h2_head_begin(struct slv_h2 *h2, struct slv_h2_stream *stream);
void h2_head_field(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str name, slv_str value);
void h2_head_end(struct slv_h2 *h2, struct slv_h2_stream *stream, bool ends_stream);

/* h2_reply.c: callbacks of nghttp2. */
int h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
		nghttp2_data_source *source, void *arg);

#endif
