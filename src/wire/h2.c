/* h2.c - between nghttp2 and the events
 *
 * Frames are looked at twice: here by their heads, before nghttp2 sees them, to count what
 * a peer makes us do and to tell the few cases in which nghttp2 is more lenient than the
 * standard; and by nghttp2, which does the rest. nghttp2 is told not to check messages
 * (RFC 9113 section 8): h2_head.c does that in one place.
 */
#include "wire/h2.h"

#include "base/assert.h"
#include "base/mem.h"
#include "wire/h2_private.h"

#include <string.h>

static void refused(struct slv_h2 *h2, slv_err err)
{
	h2->events.refused(h2->arg, err);
}

/* --- streams --- */

static struct slv_h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

void h2_stream_rst(struct slv_h2 *h2, uint32_t id, uint32_t code)
{
	if (id > h2->reset_id)
		h2->reset_id = id;
	int rc = nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, (int32_t)id, code);
	slv_assert(rc == 0);
}

void h2_stream_fail(struct slv_h2 *h2, struct slv_h2_stream *stream, const char *why)
{
	if (stream->failed)
		return;
	stream->failed = true;
	h2_meter_odd(&h2->meter, H2_SCORE_MALFORMED, h2->now_ms);
	refused(h2, SLV_ERR(SLV_E_SYNTAX, why));
	h2_stream_rst(h2, stream->id, SLV_H2_PROTOCOL_ERROR);
}

void h2_stream_tell_closed(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	if (!stream->closed || stream->queued_bytes || stream->told)
		return;
	stream->told = true;
	stream->body = (slv_str){ 0 };
	h2->events.closed(h2->arg, stream, stream->close_code);
}

void slv_h2_release(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	slv_assert(stream->told && h2->streams);
	stream->id = 0;
	h2->streams--;
}

void slv_h2_reset(struct slv_h2 *h2, struct slv_h2_stream *stream, enum slv_h2_code code)
{
	if (stream->closed || stream->failed)
		return;
	stream->failed = true;
	h2_stream_rst(h2, stream->id, code);
}

void slv_h2_consume(struct slv_h2 *h2, struct slv_h2_stream *stream, size_t len)
{
	bool shut = stream->closed || stream->answered || stream->shut || slv_failed(stream->fault);
	int rc = shut ? nghttp2_session_consume_connection(h2->session, len)
	              : nghttp2_session_consume(h2->session, (int32_t)stream->id, len);
	slv_assert(rc == 0);
}

/* --- callbacks --- */

static bool may_open(struct slv_h2 *h2)
{
	/* One turn's output is the measure: no honest peer opens more before it hears of us. */
	if (h2->streams < h2->limits.streams_max && h2->opened < 2 * h2->limits.streams_max)
		return true;
	h2->meter.refused++;
	return false;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct slv_h2 *h2 = arg;
	struct slv_h2_stream *stream = stream_of(session, frame->hd.stream_id);
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
		h2->heading = stream && !slv_failed(stream->fault) ? stream : NULL;
		if (h2->heading)
			h2_head_begin(h2, stream);
		return 0;
	}
	h2->opened++;
	stream = may_open(h2) ? h2->events.open(h2->arg) : NULL;
	h2->heading = stream;
	if (!stream) {
		h2_stream_rst(h2, (uint32_t)frame->hd.stream_id, SLV_H2_REFUSED_STREAM);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	h2->streams++;
	h2->meter.requests++;
	h2_meter_work(&h2->meter, 2);
	stream->id = (uint32_t)frame->hd.stream_id;
	stream->begun_ms = h2->frames.head_begun_ms;
	slv_fields_init(&stream->head.fields, stream->arena);
	int rc = nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
	slv_assert(rc == 0);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct slv_h2 *h2 = arg;
	(void)session;
	(void)frame;
	(void)flags;
	nghttp2_vec name_at = nghttp2_rcbuf_get_buf(name), value_at = nghttp2_rcbuf_get_buf(value);
	h2->meter.payload_bytes += name_at.len + value_at.len;
	if (h2->heading && !h2->heading->failed)
		h2_head_field(h2, h2->heading, (slv_str){ (const char *)name_at.base, name_at.len },
				(slv_str){ (const char *)value_at.base, value_at.len });
	return 0;
}

static void input_ended(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	if (stream->failed || stream->input_ended)
		return;
	if (stream->head.length != SLV_LENGTH_UNKNOWN && stream->got_bytes != stream->head.length) {
		h2_stream_fail(h2, stream, "content-length differs from the DATA that came");
		return;
	}
	stream->input_ended = true;
	if (!slv_failed(stream->fault))
		h2->events.end(h2->arg, stream);
}

static void on_headers(struct slv_h2 *h2, const nghttp2_frame *frame)
{
	struct slv_h2_stream *stream = h2->heading;
	bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	h2->heading = NULL;
	if (stream && !stream->failed)
		h2_head_end(h2, stream, ends);
	if (!stream) /* trailers of one that was answered with its fault */
		stream = stream_of(h2->session, frame->hd.stream_id);
	if (stream && ends)
		input_ended(h2, stream);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct slv_h2 *h2 = arg;
	struct slv_h2_stream *stream;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		on_headers(h2, frame);
		break;
	case NGHTTP2_DATA:
		stream = stream_of(session, frame->hd.stream_id);
		if (stream && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
			input_ended(h2, stream);
		break;
	case NGHTTP2_RST_STREAM:
		stream = stream_of(session, frame->hd.stream_id);
		h2_meter_reset(&h2->meter, stream ? stream->begun_ms : 0, h2->now_ms);
		break;
	case NGHTTP2_SETTINGS:
		h2_window_opened(h2, NULL);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		/* One of substance is no oddity: it says that we have sent so much. */
		if (frame->window_update.window_size_increment >= H2_WINDOW_WORTH_BYTES)
			h2_meter_work(&h2->meter, 1);
		h2_window_opened(h2, stream_of(session, frame->hd.stream_id));
		break;
	case NGHTTP2_GOAWAY:
		h2->peer_leaves = true;
		break;
	default:
		break;
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
		size_t len, void *arg)
{
	struct slv_h2 *h2 = arg;
	struct slv_h2_stream *stream = stream_of(session, id);
	(void)flags;
	h2->meter.payload_bytes += len;
	slv_assert(stream);
	stream->got_bytes += len;
	if (stream->head.length != SLV_LENGTH_UNKNOWN && stream->got_bytes > stream->head.length)
		h2_stream_fail(h2, stream, "more DATA than content-length told");
	if (stream->failed || slv_failed(stream->fault))
		slv_h2_consume(h2, stream, len);
	else
		h2->events.data(h2->arg, stream, (slv_str){ (const char *)bytes, len });
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct slv_h2 *h2 = arg;
	struct slv_h2_stream *stream = stream_of(session, id);
	if (!stream)
		return 0;
	if (h2->heading == stream)
		h2->heading = NULL;
	slv_list_remove(&stream->narrow);
	stream->closed = true;
	stream->close_code = code;
	h2_stream_tell_closed(h2, stream);
	return 0;
}

/* What the peer has provoked us to reset counts like a reset of its own: else it would have
 * us begin work and drop it as cheaply as with RST_STREAM. */
static void on_rst_sent(struct slv_h2 *h2, const nghttp2_frame *frame)
{
	uint32_t id = (uint32_t)frame->hd.stream_id, code = frame->rst_stream.error_code;
	struct slv_h2_stream *stream = stream_of(h2->session, frame->hd.stream_id);
	if (id > h2->reset_id)
		h2->reset_id = id;
	/* A window that SETTINGS made overflow is an error of the connection (section 6.9.2), for
	 * which nghttp2 resets the stream; so it does for DATA past our window. */
	if (code == SLV_H2_FLOW_CONTROL_ERROR && id != h2->overflow_id)
		slv_h2_terminate(h2, SLV_H2_FLOW_CONTROL_ERROR);
	bool ours = code == SLV_H2_NO_ERROR || code == SLV_H2_INTERNAL_ERROR ||
	            code == SLV_H2_REFUSED_STREAM || code == SLV_H2_CANCEL;
	if (!ours)
		h2_meter_reset(&h2->meter, stream ? stream->begun_ms : h2->now_ms, h2->now_ms);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct slv_h2 *h2 = arg;
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		on_rst_sent(h2, frame);
		return 0;
	}
	bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
	            frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (!ends)
		return 0;
	struct slv_h2_stream *stream = stream_of(session, frame->hd.stream_id);
	if (stream)
		stream->answered = true;
	return 0;
}

static int on_invalid_frame(
		nghttp2_session *session, const nghttp2_frame *frame, int lib_code, void *arg)
{
	struct slv_h2 *h2 = arg;
	(void)session;
	if (lib_code == NGHTTP2_ERR_REFUSED_STREAM) /* past streams_max, our SETTINGS unheard */
		h2->meter.refused++;
	else
		h2_meter_odd(&h2->meter, H2_SCORE_MALFORMED, h2->now_ms);
	if ((uint32_t)frame->hd.stream_id > h2->reset_id)
		h2->reset_id = (uint32_t)frame->hd.stream_id;
	if (lib_code == NGHTTP2_ERR_FLOW_CONTROL)
		h2->overflow_id = (uint32_t)frame->hd.stream_id;
	refused(h2, SLV_ERR(SLV_E_SYNTAX, nghttp2_strerror(lib_code)));
	return 0;
}

/* --- frames, before nghttp2 sees them --- */

/* nghttp2 ignores frames on streams that it has forgotten. They are only right while the peer
 * may not have heard that we reset the stream. */
static enum slv_h2_code check_old_stream(struct slv_h2 *h2, uint32_t id)
{
	if (h2->leaving || id > h2->last_id || id <= h2->reset_id || id % 2 == 0 ||
			stream_of(h2->session, (int32_t)id))
		return SLV_H2_NO_ERROR;
	return id <= h2->skipped_id ? SLV_H2_PROTOCOL_ERROR : SLV_H2_STREAM_CLOSED;
}

static uint32_t frame_id(const struct h2_frames *frames)
{
	const uint8_t *head = frames->head;
	return (uint32_t)(head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 |
	       head[8];
}

/* What is right about the frame depends on those before it. */
static bool by_state(const struct slv_h2 *h2)
{
	uint8_t type = h2->frames.head[3];
	return type == NGHTTP2_DATA ||
	       (type == NGHTTP2_HEADERS && frame_id(&h2->frames) <= h2->last_id);
}

static enum slv_h2_code headers_begin(struct slv_h2 *h2, uint32_t id, uint8_t flags)
{
	struct h2_frames *frames = &h2->frames;
	frames->head_begun_ms = h2->now_ms;
	frames->head_open = !(flags & NGHTTP2_FLAG_END_HEADERS);
	frames->continuations = 0;
	if (id <= h2->last_id)
		return check_old_stream(h2, id);
	if (id > h2->last_id + (h2->last_id ? 2 : 1))
		h2->skipped_id = id - 2;
	h2->last_id = id;
	if (h2->leaving) /* nghttp2 will not even refuse it */
		h2_meter_odd(&h2->meter, 1, h2->now_ms);
	return SLV_H2_NO_ERROR;
}

static enum slv_h2_code frame_begin(struct slv_h2 *h2)
{
	struct h2_frames *frames = &h2->frames;
	const uint8_t *head = frames->head;
	uint8_t type = head[3], flags = head[4];
	uint32_t id = frame_id(frames);
	frames->payload_left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];

	switch (type) {
	case NGHTTP2_HEADERS:
		return headers_begin(h2, id, flags);
	case NGHTTP2_CONTINUATION:
		frames->head_open = !(flags & NGHTTP2_FLAG_END_HEADERS);
		h2_meter_odd(&h2->meter, 1, h2->now_ms);
		if (++frames->continuations > SLV_H2_CONTINUATIONS_MAX)
			return SLV_H2_ENHANCE_YOUR_CALM;
		return SLV_H2_NO_ERROR;
	case NGHTTP2_DATA:
		if (frames->payload_left == 0 && !(flags & NGHTTP2_FLAG_END_STREAM))
			h2_meter_odd(&h2->meter, 1, h2->now_ms);
		return check_old_stream(h2, id);
	case NGHTTP2_RST_STREAM:
		h2_meter_odd(&h2->meter, 2, h2->now_ms);
		return SLV_H2_NO_ERROR;
	case NGHTTP2_PRIORITY: /* nghttp2 ignores it all */
		h2_meter_odd(&h2->meter, 1, h2->now_ms);
		return id ? SLV_H2_NO_ERROR : SLV_H2_PROTOCOL_ERROR;
	default: /* of control, or unknown */
		h2_meter_odd(&h2->meter, 1, h2->now_ms);
		return SLV_H2_NO_ERROR;
	}
}

/* --- input --- */

static slv_err fail(struct slv_h2 *h2, enum slv_h2_code code, slv_err err)
{
	refused(h2, err);
	slv_h2_terminate(h2, code);
	return err;
}

static slv_err feed(struct slv_h2 *h2, slv_str bytes)
{
	if (!bytes.len)
		return SLV_OK;
	ssize_t used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.at, bytes.len);
	if (used >= 0)
		return SLV_OK;
	if (used == NGHTTP2_ERR_FLOODED || used == NGHTTP2_ERR_TOO_MANY_SETTINGS)
		return fail(h2, SLV_H2_ENHANCE_YOUR_CALM,
				SLV_ERR(SLV_E_BUSY, "flood of PING or SETTINGS"));
	h2->broken = used == NGHTTP2_ERR_BAD_CLIENT_MAGIC;
	return fail(h2, SLV_H2_PROTOCOL_ERROR, SLV_ERR(SLV_E_SYNTAX, nghttp2_strerror((int)used)));
}

static slv_err frame_fail(struct slv_h2 *h2, enum slv_h2_code code)
{
	if (code == SLV_H2_ENHANCE_YOUR_CALM)
		return fail(h2, code, SLV_ERR(SLV_E_BUSY, "flood of CONTINUATION frames"));
	return fail(h2, code, SLV_ERR(SLV_E_SYNTAX, "frame on a stream that it cannot be on"));
}

/* Pass over magic and payload. Returns how many bytes. */
static size_t skip(struct h2_frames *frames, size_t len)
{
	uint32_t *left = frames->magic_left ? &frames->magic_left : &frames->payload_left;
	size_t part = len < *left ? len : *left;
	*left -= (uint32_t)part;
	return part;
}

static slv_err feed_frames(struct slv_h2 *h2, slv_str bytes)
{
	struct h2_frames *frames = &h2->frames;
	size_t fed = 0;
	for (size_t at = 0; at < bytes.len;) {
		if (frames->magic_left || frames->payload_left) {
			at += skip(frames, bytes.len - at);
			continue;
		}
		frames->head[frames->head_len++] = (uint8_t)bytes.at[at++];
		if (frames->head_len < H2_FRAME_HEAD_BYTES)
			continue;
		frames->head_len = 0;
		/* All frames before this one are to be known to nghttp2; it looks at this one
		 * with the last byte of its head. */
		if (by_state(h2) && at - 1 > fed) {
			slv_err err = feed(h2, (slv_str){ bytes.at + fed, at - 1 - fed });
			if (slv_failed(err))
				return err;
			fed = at - 1;
		}
		enum slv_h2_code code = frame_begin(h2);
		if (code != SLV_H2_NO_ERROR)
			return frame_fail(h2, code);
	}
	return feed(h2, slv_str_from_index(bytes, fed));
}

slv_err slv_h2_input(struct slv_h2 *h2, slv_str bytes, uint64_t now_ms)
{
	h2->now_ms = now_ms;
	h2->meter.bytes += bytes.len;
	if (h2->broken || !nghttp2_session_want_read(h2->session))
		return SLV_OK; /* after GOAWAY nobody listens */
	slv_err err = feed_frames(h2, bytes);
	if (slv_failed(err))
		return err;
	enum h2_verdict verdict = h2_meter_judge(&h2->meter, h2->limits.streams_max);
	if (verdict == H2_CLOSE)
		return fail(h2, SLV_H2_ENHANCE_YOUR_CALM, h2->meter.why);
	if (verdict == H2_GOAWAY && !h2->calmed) {
		h2->calmed = true;
		refused(h2, h2->meter.why);
		slv_h2_goaway(h2, SLV_H2_ENHANCE_YOUR_CALM);
	}
	return SLV_OK;
}

uint64_t slv_h2_head_begun_ms(const struct slv_h2 *h2)
{
	const struct h2_frames *frames = &h2->frames;
	bool in_head = frames->payload_left &&
	               (frames->head[3] == NGHTTP2_HEADERS ||
				       frames->head[3] == NGHTTP2_CONTINUATION);
	return in_head || frames->head_open ? frames->head_begun_ms : 0;
}

/* --- the end --- */

void slv_h2_drain(struct slv_h2 *h2)
{
	int rc = nghttp2_submit_shutdown_notice(h2->session);
	slv_assert(rc == 0);
}

void slv_h2_goaway(struct slv_h2 *h2, enum slv_h2_code code)
{
	h2->leaving = true;
	int32_t last_id = nghttp2_session_get_last_proc_stream_id(h2->session);
	/* Refused once nothing more may be sent; then the peer knows. */
	(void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, last_id, code, NULL, 0);
}

void slv_h2_terminate(struct slv_h2 *h2, enum slv_h2_code code)
{
	h2->leaving = true;
	int rc = nghttp2_session_terminate_session(h2->session, code);
	slv_assert(rc == 0);
}

bool slv_h2_is_over(const struct slv_h2 *h2)
{
	bool wants = nghttp2_session_want_read(h2->session) ||
	             nghttp2_session_want_write(h2->session);
	return h2->broken || (!wants && !h2->output.len);
}

bool slv_h2_peer_leaves(const struct slv_h2 *h2)
{
	return h2->peer_leaves;
}

/* --- life --- */

static nghttp2_option *options(void)
{
	nghttp2_option *option = NULL;
	int rc = nghttp2_option_new(&option);
	slv_assert(rc == 0);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_http_messaging(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
	/* We count them ourselves: nghttp2 counts the pieces that a frame's head comes in. */
	nghttp2_option_set_max_continuations(
			option, (SLV_H2_CONTINUATIONS_MAX + 1) * H2_FRAME_HEAD_BYTES);
	nghttp2_option_set_stream_reset_rate_limit(
			option, SLV_H2_RESETS_BURST, SLV_H2_RESETS_PER_S);
	nghttp2_option_set_max_outbound_ack(option, SLV_H2_OUTBOUND_ACKS_MAX);
	nghttp2_option_set_max_settings(option, SLV_H2_SETTINGS_MAX);
	nghttp2_option_set_max_send_header_block_length(option, SLV_KIB(256));
	return option;
}

static nghttp2_session_callbacks *callbacks(void)
{
	nghttp2_session_callbacks *set = NULL;
	int rc = nghttp2_session_callbacks_new(&set);
	slv_assert(rc == 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(set, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(set, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(set, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(set, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(set, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(set, on_frame_send);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(set, on_invalid_frame);
	nghttp2_session_callbacks_set_send_data_callback(set, h2_send_data);
	return set;
}

static void say_hello(struct slv_h2 *h2)
{
	const struct slv_h2_limits *limits = &h2->limits;
	nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams_max },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window_bytes },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes_max },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	int rc = nghttp2_submit_settings(
			h2->session, NGHTTP2_FLAG_NONE, settings, SLV_COUNT(settings));
	slv_assert(rc == 0);
	rc = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
			(int32_t)limits->connection_window_bytes);
	slv_assert(rc == 0);
}

struct slv_h2 *slv_h2_new(const struct slv_h2_limits *limits, const struct slv_h2_events *events,
		void *arg, uint64_t now_ms)
{
	struct slv_h2 *h2 = SLV_ALLOC(struct slv_h2);
	h2->limits = *limits;
	h2->events = *events;
	h2->arg = arg;
	h2->now_ms = h2->meter.leaked_ms = h2->meter.resets_ms = now_ms;
	h2->frames.magic_left = H2_MAGIC_BYTES;
	slv_list_init(&h2->narrow);

	nghttp2_mem mem = h2_heap_mem(&h2->heap);
	nghttp2_option *option = options();
	nghttp2_session_callbacks *set = callbacks();
	int rc = nghttp2_session_server_new3(&h2->session, set, h2, option, &mem);
	slv_assert(rc == 0);
	nghttp2_session_callbacks_del(set);
	nghttp2_option_del(option);
	say_hello(h2);
	return h2;
}

void slv_h2_free(struct slv_h2 *h2)
{
	if (!h2)
		return;
	nghttp2_session_del(h2->session);
	h2_heap_rest(&h2->heap);
	slv_free(h2->output.text);
	slv_free(h2->fields);
	slv_free(h2);
}
