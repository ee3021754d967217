#include "base/assert.h"
#include "base/mem.h"
#include "loop/log.h"
#include "proto/h2_private.h"

#include <string.h>

#define INPUT_BYTES SLV_KIB(16)
#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define PARTS_BYTES_MAX SLV_KIB(256) /* of reply bodies from sources, per connection */
#define PART_BYTES SLV_KIB(64)       /* what a pull counts as until its answer tells */
#define PULL_MS 1000u                /* then a pull counts no more until its answer is here */
#define SPARE_MAX 16u                /* streams kept warm */
#define BACKLOG_MAX 256u             /* frames that wait while the transport is blocked */
#define ROUNDS_MAX 8u                /* of output at a time; then others get their turn */
#define TICK_MS 500u                 /* how exact deadlines are */
#define DRAIN_MS 500u                /* for streams that were on their way to us */
#define WAVE_OFF_MS 1000u            /* for who was answered early to stop by itself */

static const unsigned h2_may[H2_STATES] = {
	[H2_HEAD] = SLV_BIT(H2_SERVE) | SLV_BIT(H2_END),
	[H2_SERVE] = SLV_BIT(H2_SEND) | SLV_BIT(H2_ORPHAN),
	[H2_SEND] = SLV_BIT(H2_END),
	[H2_ORPHAN] = SLV_BIT(H2_END),
	[H2_END] = 0,
};

static void move(struct h2_stream *stream, enum h2_state next)
{
	slv_assert(h2_may[stream->state] & SLV_BIT(next));
	stream->state = next;
}

void h2_flush_later(struct h2 *h2)
{
	if (h2->session.transport)
		slv_task_start(h2->loop, &h2->flush);
}

static struct h2_stream *stream_of(struct slv_h2_stream *wire)
{
	return SLV_CONTAINER(wire, struct h2_stream, wire);
}

/* --- the end of a stream --- */

static void stream_free(struct h2_stream *stream)
{
	slv_arena_done(&stream->arena);
	slv_free(stream);
}

static void spare_clear(struct h2 *h2)
{
	for (struct slv_list *link; (link = slv_list_pop(&h2->spare));)
		stream_free(SLV_CONTAINER(link, struct h2_stream, link));
	h2->spare_count = 0;
}

static void h2_destroy(struct h2 *h2)
{
	spare_clear(h2);
	slv_free(h2->input);
	slv_free(h2);
}

static void feed_starved(struct h2 *h2);

static void stream_end(struct h2_stream *stream)
{
	struct h2 *h2 = stream->h2;
	move(stream, H2_END);
	slv_list_remove(&stream->wait);
	h2->parts_bytes -= stream->part_bytes;
	slv_body_done(&stream->body);
	slv_body_done(&stream->req.body);
	h2_upload_end(stream);
	stream->req.sent_bytes = stream->wire.sent_bytes;
	if (stream->serving) {
		stream->req.times.sent_ms = slv_loop_now_ms(h2->loop);
		slv_edge_finish(h2->edge, &stream->req);
	}
	if (h2->wire)
		slv_h2_release(h2->wire, &stream->wire);
	slv_arena_reset(&stream->arena);
	slv_list_remove(&stream->link);
	h2->streams_count--;
	if (h2->spare_count < SPARE_MAX) {
		slv_list_push_front(&h2->spare, &stream->link);
		h2->spare_count++;
	} else {
		stream_free(stream);
	}
	if (h2->session.transport) {
		feed_starved(h2);
		if (h2->streams_count)
			return;
		h2->idle_ms = slv_loop_now_ms(h2->loop);
		h2->session.transport->ops->busy(h2->session.transport, false);
		h2_flush_later(h2); /* it may have been the last one */
	} else if (!h2->streams_count && !h2->freeing) {
		h2_destroy(h2);
	}
}

/* Resets are heard when their turn comes, behind what honest clients ask. */
static void orphan(struct h2_stream *stream)
{
	move(stream, H2_ORPHAN);
	h2_upload_break(stream);
	slv_list_push(&stream->h2->cancels, &stream->wait);
}

static void cancel_all(struct h2 *h2)
{
	for (struct slv_list *link; (link = slv_list_pop(&h2->cancels));)
		slv_edge_cancel(h2->edge, &SLV_CONTAINER(link, struct h2_stream, wait)->req);
}

static void cancel_run(struct slv_task *task)
{
	cancel_all(SLV_CONTAINER(task, struct h2, cancel));
}

/* The client went before it had all of the reply. */
static void left(struct h2_stream *stream)
{
	if (stream->state == H2_SEND && !stream->req.error_code)
		stream->req.error_code = slv_code_name(SLV_E_CLOSED);
}

static void on_closed(void *arg, struct slv_h2_stream *wire, uint32_t code)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(wire);
	(void)code;
	if (stream->state == H2_SERVE && stream->serving) {
		orphan(stream);
		slv_task_start(h2->loop, &h2->cancel);
		return;
	}
	slv_assert(stream->state != H2_SERVE);
	if (!wire->answered)
		left(stream);
	stream_end(stream);
}

/* --- bodies of replies --- */

/* Count `bytes` for the stream in place of what it counted before. */
static void count_part(struct h2_stream *stream, size_t bytes)
{
	stream->h2->parts_bytes += bytes - stream->part_bytes;
	stream->part_bytes = bytes;
}

static bool has_room(const struct h2 *h2)
{
	return h2->parts_bytes + PART_BYTES <= PARTS_BYTES_MAX;
}

/* Ask for a part. It counts from now on, for all may be asked before the first is here. */
static void pull_next(struct h2_stream *stream)
{
	struct h2 *h2 = stream->h2;
	if (!has_room(h2)) {
		if (!slv_list_linked(&stream->wait))
			slv_list_push(&h2->starved, &stream->wait);
		return;
	}
	count_part(stream, PART_BYTES);
	stream->asked_ms = slv_loop_now_ms(h2->loop);
	slv_source_pull(stream->body.source, &stream->pull);
}

static void feed_starved(struct h2 *h2)
{
	while (has_room(h2)) {
		struct slv_list *link = slv_list_pop(&h2->starved);
		if (!link)
			return;
		pull_next(SLV_CONTAINER(link, struct h2_stream, wait));
	}
}

static void on_drained(void *arg, struct slv_h2_stream *wire)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(wire);
	count_part(stream, 0);
	slv_list_push(&h2->starved, &stream->wait); /* behind who waits already */
	feed_starved(h2);
}

static void part_came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct h2_stream *stream = SLV_CONTAINER(pull, struct h2_stream, pull);
	struct h2 *h2 = stream->h2;
	count_part(stream, bytes.len);
	stream->asked_ms = 0;
	h2_flush_later(h2);
	if (slv_failed(err)) {
		slv_log(slv_loop_log(h2->loop), SLV_WARN, "h2.body", SLV_KV("why", err.what),
				SLV_KV("path", slv_req_logged_path(&stream->req)));
		stream->req.error_code = slv_code_name(err.code);
		slv_h2_reset(h2->wire, &stream->wire, SLV_H2_INTERNAL_ERROR);
		return;
	}
	stream->seen_ms = slv_loop_now_ms(h2->loop);
	slv_h2_send(h2->wire, &stream->wire, bytes, bytes.len == 0, stream->body.source->trailers);
	feed_starved(h2);
}

/* --- replies --- */

static slv_err send_head(struct h2_stream *stream, int status, const struct slv_fields *fields,
		uint64_t length, bool bodiless)
{
	struct slv_h2_reply head = {
		.status = status,
		.date = slv_edge_date(stream->h2->edge),
		.fields = fields,
		.length = length,
		.bodiless = bodiless,
	};
	return slv_h2_reply(stream->h2->wire, &stream->wire, &head);
}

static void send_reply(struct h2_stream *stream, struct slv_reply *reply)
{
	struct h2 *h2 = stream->h2;
	bool bodiless = stream->req.method == SLV_METHOD_HEAD ||
	                slv_status_is_bare(reply->status) ||
	                (!reply->body.source && !reply->body.bytes.len);
	slv_err err = send_head(
			stream, reply->status, &reply->fields, reply->body.length, bodiless);
	if (slv_failed(err)) {
		/* A service made a head that cannot be sent: that is ours, not the client's. */
		slv_log(slv_loop_log(h2->loop), SLV_ERROR, "h2.reply", SLV_KV("why", err.what),
				SLV_KV("path", slv_req_logged_path(&stream->req)));
		slv_body_done(&reply->body);
		reply->status = 500;
		bodiless = true;
		err = send_head(stream, 500, NULL, 0, true);
		slv_assert(!slv_failed(err));
	}
	stream->req.sent_status = reply->status;
	stream->body = reply->body;
	if (bodiless)
		slv_body_done(&stream->body);
	else if (stream->body.source)
		pull_next(stream);
	else
		slv_h2_send(h2->wire, &stream->wire, stream->body.bytes, true, NULL);
}

static void sink_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct h2_stream *stream = SLV_CONTAINER(sink, struct h2_stream, sink);
	struct h2 *h2 = stream->h2;
	slv_assert(req == &stream->req);
	req->times.reply_ms = slv_loop_now_ms(h2->loop);
	req->error_code = reply->code;
	if (stream->state == H2_ORPHAN) {
		slv_body_done(&reply->body);
		stream_end(stream);
		return;
	}
	move(stream, H2_SEND);
	stream->seen_ms = req->times.reply_ms;
	send_reply(stream, reply);
	h2_flush_later(h2);
}

static const struct slv_sink_ops sink_ops = { .reply = sink_reply };

/* --- requests --- */

static void begin_drain(struct h2 *h2)
{
	if (h2->draining || h2->closing)
		return;
	h2->draining = true;
	h2->drain_ms = slv_loop_now_ms(h2->loop);
	slv_h2_drain(h2->wire);
	h2_flush_later(h2);
	if (!slv_timer_running(&h2->timer) || h2->timer.at_ms > h2->drain_ms + TICK_MS)
		slv_timer_start(h2->loop, &h2->timer, TICK_MS);
}

static struct h2_stream *stream_take(struct h2 *h2)
{
	struct slv_list *link = slv_list_pop(&h2->spare);
	if (!link) {
		struct h2_stream *stream = SLV_ALLOC(struct h2_stream);
		slv_arena_init(&stream->arena, ARENA_BLOCK_BYTES, h2->conf->request_arena_bytes);
		return stream;
	}
	h2->spare_count--;
	struct h2_stream *stream = SLV_CONTAINER(link, struct h2_stream, link);
	struct slv_arena arena = stream->arena;
	memset(stream, 0, sizeof(*stream));
	stream->arena = arena;
	return stream;
}

/* Of all bodies, what has reached the client. */
static uint64_t delivered(const struct h2 *h2)
{
	uint64_t bytes = slv_h2_body_bytes(h2->wire);
	size_t unacked = h2->session.transport->ops->unacked(h2->session.transport);
	return bytes > unacked ? bytes - unacked : 0;
}

static struct slv_h2_stream *on_open(void *arg)
{
	struct h2 *h2 = arg;
	unsigned pressure = slv_edge_pressure(h2->edge);
	uint64_t now_ms = slv_loop_now_ms(h2->loop);
	if (pressure >= 92 || h2->requests + 1 >= h2->conf->requests_max ||
			now_ms - h2->born_ms >= h2->conf->age_ms)
		begin_drain(h2);
	if (pressure >= 85 || h2->closing)
		return NULL;

	h2->requests++;
	struct h2_stream *stream = stream_take(h2);
	stream->wire.arena = &stream->arena;
	stream->h2 = h2;
	stream->sink.ops = &sink_ops;
	stream->pull.done = part_came;
	slv_list_push(&h2->streams, &stream->link);
	if (h2->streams_count++ == 0) {
		h2->begun_bytes = delivered(h2);
		h2->shut_ms = 0;
		h2->moved_ms = now_ms;
		h2->session.transport->ops->busy(h2->session.transport, true);
		if (h2->timer.at_ms > now_ms + TICK_MS)
			slv_timer_start(h2->loop, &h2->timer, TICK_MS);
	}
	return &stream->wire;
}

static void request_init(struct h2_stream *stream)
{
	const struct slv_h2_head *head = &stream->wire.head;
	struct slv_transport *transport = stream->h2->session.transport;
	struct slv_req *req = &stream->req; /* zeroes so far */
	req->arena = &stream->arena;
	req->sink = &stream->sink;
	req->version = 20;
	req->method = head->method;
	req->method_name = head->method_name;
	req->target = head->target;
	req->fields = head->fields;
	req->scheme = transport->secure ? SLV_STR("https") : SLV_STR("http");
	req->peer = transport->peer;
	req->times.begun_ms = stream->wire.begun_ms;
	req->times.read_ms = slv_loop_now_ms(stream->h2->loop);
}

static void refuse(struct h2_stream *stream, slv_err err)
{
	stream->serving = true;
	slv_edge_refuse(stream->h2->edge, &stream->req, err);
}

static void on_head(void *arg, struct slv_h2_stream *wire, slv_err err)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(wire);
	request_init(stream);
	move(stream, H2_SERVE);
	if (!slv_failed(err))
		err = slv_uri_parse(stream->req.target, &stream->req.uri);
	if (!slv_failed(err) && wire->head.length != SLV_LENGTH_UNKNOWN &&
			wire->head.length > h2->conf->body_bytes_max)
		err = SLV_ERR(SLV_E_LIMIT, "request body is larger than limits.body_bytes");
	if (slv_failed(err)) {
		refuse(stream, err);
		return;
	}
	if (wire->head.length)
		h2_upload_begin(stream);
	stream->serving = true;
	slv_edge_request(h2->edge, &stream->req);
}

static void on_data(void *arg, struct slv_h2_stream *wire, slv_str bytes)
{
	(void)arg;
	h2_upload_data(stream_of(wire), bytes);
}

static void on_end(void *arg, struct slv_h2_stream *wire)
{
	(void)arg;
	h2_upload_ended(stream_of(wire));
}

static void on_refused(void *arg, slv_err err)
{
	struct h2 *h2 = arg;
	slv_edge_refused(h2->edge, &h2->session.transport->peer, err);
}

static const struct slv_h2_events events = {
	.open = on_open,
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.drained = on_drained,
	.closed = on_closed,
	.refused = on_refused,
};

/* --- the connection --- */

static void close_transport(struct h2 *h2, bool linger)
{
	if (h2->closing)
		return;
	h2->closing = true;
	slv_timer_stop(h2->loop, &h2->timer);
	h2->session.transport->ops->close(h2->session.transport, linger);
}

/* Streams that will get no further without the peer do not count once it has gone. */
static bool is_idle(struct h2 *h2)
{
	if (!h2->eof)
		return !h2->streams_count;
	SLV_LIST_EACH(link, &h2->streams)
	if (SLV_CONTAINER(link, struct h2_stream, link)->state != H2_HEAD)
		return false;
	return true;
}

static void throttle(struct h2 *h2)
{
	bool throttled = h2->blocked_ms && slv_h2_backlog(h2->wire) > BACKLOG_MAX;
	if (throttled != h2->throttled)
		h2->session.transport->ops->want_input(h2->session.transport, !throttled);
	h2->throttled = throttled;
}

/* True once all that there is was taken. */
static bool send_output(struct h2 *h2)
{
	struct slv_transport *transport = h2->session.transport;
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		const struct iovec *parts = NULL;
		size_t len = 0;
		int count = slv_h2_output(h2->wire, &parts, &len);
		if (!count)
			return true;
		uint64_t now_ms = slv_loop_now_ms(h2->loop);
		size_t taken = transport->ops->write(transport, parts, count, false);
		if (taken)
			h2->blocked_ms = 0;
		slv_h2_sent(h2->wire, taken, now_ms);
		if (taken < len) {
			h2->blocked_ms = h2->blocked_ms ? h2->blocked_ms : now_ms;
			return false;
		}
	}
	h2_flush_later(h2);
	return false;
}

static void flush(struct h2 *h2)
{
	if (h2->closing)
		return;
	bool all = !h2->blocked_ms && send_output(h2);
	throttle(h2);
	if (!all)
		return;
	if (slv_h2_is_over(h2->wire)) {
		close_transport(h2, !h2->eof);
		return;
	}
	bool last = h2->leaving || h2->eof || slv_h2_peer_leaves(h2->wire);
	if (!last || !is_idle(h2))
		return;
	slv_h2_terminate(h2->wire, SLV_H2_NO_ERROR);
	h2_flush_later(h2);
}

static void flush_run(struct slv_task *task)
{
	flush(SLV_CONTAINER(task, struct h2, flush));
}

/* --- time --- */

static void cut_off(struct h2_stream *stream)
{
	stream->req.error_code = slv_code_name(SLV_E_SLOW);
	slv_h2_reset(stream->h2->wire, &stream->wire, SLV_H2_CANCEL);
	h2_flush_later(stream->h2);
}

/* A client that keeps the window of one reply shut, or opens it too slowly, loses that one; that
 * others of its streams come first is not its fault. Who was answered before it had asked all, and
 * does not stop by itself, is told to (RFC 9113 section 8.1); not along with the reply, which some
 * clients forget then (curl 7.88). */
static void check_reply(struct h2_stream *stream, uint64_t now_ms)
{
	struct h2 *h2 = stream->h2;
	if (stream->wire.answered) {
		if (now_ms - stream->seen_ms < WAVE_OFF_MS)
			return;
		slv_h2_reset(h2->wire, &stream->wire, SLV_H2_NO_ERROR);
		h2_flush_later(h2);
		return;
	}
	bool held = slv_h2_is_held(h2->wire, &stream->wire);
	if (held)
		stream->held_ms += TICK_MS;
	if (!held || stream->wire.sent_bytes != stream->seen_bytes) {
		stream->seen_bytes = stream->wire.sent_bytes;
		stream->seen_ms = now_ms;
	}
	uint64_t floor_bytes_s = h2->conf->write_floor_bytes_s / h2->streams_count; /* shared */
	if (now_ms - stream->seen_ms >= h2->conf->write_idle_ms ||
			slv_is_below_floor(stream->wire.sent_bytes, stream->held_ms, floor_bytes_s))
		cut_off(stream);
}

static void check_stream(struct h2_stream *stream, uint64_t now_ms)
{
	if (stream->asked_ms && now_ms - stream->asked_ms >= PULL_MS)
		count_part(stream, 0);
	if (stream->state == H2_SERVE)
		h2_upload_check(stream, now_ms);
	else if (stream->state == H2_SEND)
		check_reply(stream, now_ms);
}

static void give_up(struct h2 *h2, slv_err err)
{
	on_refused(h2, err);
	slv_h2_terminate(h2->wire, SLV_H2_ENHANCE_YOUR_CALM);
	flush(h2); /* the GOAWAY, if there is room for it */
	close_transport(h2, false);
}

static void check_idle(struct h2 *h2, uint64_t now_ms)
{
	spare_clear(h2);
	slv_h2_rest(h2->wire);
	slv_free(h2->input);
	h2->input = NULL;
	uint64_t most_ms = h2->requests ? h2->conf->keep_alive_ms : h2->conf->header_ms;
	uint64_t idle_ms = now_ms - h2->idle_ms;
	if (idle_ms >= most_ms) {
		slv_h2_terminate(h2->wire, SLV_H2_NO_ERROR);
		h2->leaving = true;
		h2_flush_later(h2);
	}
	bool soon = idle_ms >= most_ms || (h2->draining && !h2->leaving) || h2->blocked_ms ||
	            slv_h2_head_begun_ms(h2->wire);
	slv_timer_start(h2->loop, &h2->timer, soon ? TICK_MS : most_ms - idle_ms);
}

/* Bytes that reach the client are progress, though there may be no room for others yet. */
static void note_delivery(struct h2 *h2, uint64_t now_ms)
{
	size_t unacked = h2->session.transport->ops->unacked(h2->session.transport);
	if (h2->blocked_ms && unacked < h2->unacked)
		h2->blocked_ms = h2->moved_ms = now_ms;
	h2->unacked = unacked;
}

/* A client that lets all its streams wait: its connection takes nothing, or its window is shut. */
static slv_err check_way(struct h2 *h2, uint64_t now_ms)
{
	uint64_t bytes = slv_h2_body_bytes(h2->wire);
	bool shut = h2->blocked_ms || slv_h2_is_shut(h2->wire);
	if (!shut || bytes != h2->moved_bytes)
		h2->moved_ms = now_ms;
	h2->moved_bytes = bytes;
	if (shut)
		h2->shut_ms += TICK_MS;
	if (now_ms - h2->moved_ms >= h2->conf->write_idle_ms)
		return SLV_ERR(SLV_E_SLOW, "the client takes nothing for write_idle_ms");
	uint64_t reached = delivered(h2), before = h2->begun_bytes;
	if (slv_is_below_floor(reached > before ? reached - before : 0, h2->shut_ms,
			    h2->conf->write_floor_bytes_s))
		return SLV_ERR(SLV_E_SLOW, "the client is slower than write_floor_bytes_s");
	return SLV_OK;
}

static void tick(struct slv_timer *timer)
{
	struct h2 *h2 = SLV_CONTAINER(timer, struct h2, timer);
	uint64_t now_ms = slv_loop_now_ms(h2->loop);
	uint64_t head_ms = slv_h2_head_begun_ms(h2->wire);
	note_delivery(h2, now_ms);
	if (head_ms && now_ms - head_ms >= h2->conf->header_ms) {
		give_up(h2, SLV_ERR(SLV_E_SLOW, "request header took longer than header_ms"));
		return;
	}
	if (h2->blocked_ms && now_ms - h2->blocked_ms >= h2->conf->write_idle_ms) {
		give_up(h2, SLV_ERR(SLV_E_SLOW, "the client takes nothing for write_idle_ms"));
		return;
	}
	if (h2->draining && !h2->leaving && now_ms - h2->drain_ms >= DRAIN_MS) {
		h2->leaving = true;
		slv_h2_goaway(h2->wire, SLV_H2_NO_ERROR);
		h2_flush_later(h2);
	}
	if (!h2->streams_count) {
		check_idle(h2, now_ms);
		return;
	}
	slv_err err = check_way(h2, now_ms);
	if (slv_failed(err)) {
		give_up(h2, err);
		return;
	}
	if (slv_h2_nudge(h2->wire))
		h2_flush_later(h2);
	/* Replies that a check causes come later; only the stream itself may end. */
	SLV_LIST_EACH(link, &h2->streams)
	check_stream(SLV_CONTAINER(link, struct h2_stream, link), now_ms);
	feed_starved(h2);
	slv_timer_start(h2->loop, &h2->timer, TICK_MS);
}

/* --- what the transport tells --- */

static size_t session_room(struct slv_session *session, char **ret_at)
{
	struct h2 *h2 = SLV_CONTAINER(session, struct h2, session);
	if (!h2->input)
		h2->input = slv_realloc(NULL, INPUT_BYTES);
	*ret_at = h2->input;
	return INPUT_BYTES;
}

static void take_input(struct h2 *h2, slv_str bytes)
{
	if (h2->closing)
		return;
	/* What is wrong was told to on_refused; a GOAWAY may be in the output. */
	slv_err err = slv_h2_input(h2->wire, bytes, slv_loop_now_ms(h2->loop));
	(void)err;
	if (slv_h2_head_begun_ms(h2->wire) && h2->timer.at_ms > slv_loop_now_ms(h2->loop) + TICK_MS)
		slv_timer_start(h2->loop, &h2->timer, TICK_MS);
	h2_flush_later(h2);
}

static void session_input(struct slv_session *session, size_t len)
{
	struct h2 *h2 = SLV_CONTAINER(session, struct h2, session);
	slv_assert(len <= INPUT_BYTES);
	take_input(h2, (slv_str){ h2->input, len });
}

static void session_writable(struct slv_session *session)
{
	struct h2 *h2 = SLV_CONTAINER(session, struct h2, session);
	h2->blocked_ms = 0;
	flush(h2);
}

static void session_eof(struct slv_session *session, slv_err err)
{
	struct h2 *h2 = SLV_CONTAINER(session, struct h2, session);
	(void)err; /* a broken connection is freed by its transport */
	h2->eof = true;
	SLV_LIST_EACH(link, &h2->streams)
	{
		struct h2_stream *stream = SLV_CONTAINER(link, struct h2_stream, link);
		if (stream->state == H2_SERVE && !stream->wire.input_ended)
			h2_upload_break(stream);
	}
	h2_flush_later(h2);
}

static void session_drain(struct slv_session *session)
{
	begin_drain(SLV_CONTAINER(session, struct h2, session));
}

static void session_free(struct slv_session *session)
{
	struct h2 *h2 = SLV_CONTAINER(session, struct h2, session);
	h2->session.transport = NULL;
	h2->freeing = true;
	slv_timer_stop(h2->loop, &h2->timer);
	slv_task_stop(&h2->flush);
	slv_task_stop(&h2->cancel);
	slv_h2_free(h2->wire);
	h2->wire = NULL;
	SLV_LIST_EACH(link, &h2->streams)
	{
		struct h2_stream *stream = SLV_CONTAINER(link, struct h2_stream, link);
		left(stream);
		if (stream->state == H2_SERVE)
			orphan(stream);
		else if (stream->state != H2_ORPHAN)
			stream_end(stream);
	}
	cancel_all(h2);
	h2->freeing = false;
	if (!h2->streams_count)
		h2_destroy(h2);
}

static const struct slv_session_ops session_ops = {
	.room = session_room,
	.input = session_input,
	.writable = session_writable,
	.eof = session_eof,
	.drain = session_drain,
	.free = session_free,
};

struct slv_session *slv_h2_session_new(struct slv_transport *transport, struct slv_edge *edge,
		const struct slv_session_conf *conf, slv_str early)
{
	struct h2 *h2 = SLV_ALLOC(struct h2);
	h2->session = (struct slv_session){ .ops = &session_ops, .transport = transport };
	h2->edge = edge;
	h2->loop = transport->loop;
	h2->conf = conf;
	h2->born_ms = h2->idle_ms = slv_loop_now_ms(h2->loop);
	h2->flush.run = flush_run;
	h2->cancel.run = cancel_run;
	h2->timer.fire = tick;
	slv_list_init(&h2->streams);
	slv_list_init(&h2->spare);
	slv_list_init(&h2->starved);
	slv_list_init(&h2->cancels);
	transport->session = &h2->session;

	struct slv_h2_limits limits = {
		.streams_max = conf->h2_streams_max,
		.window_bytes = conf->h2_window_bytes,
		.connection_window_bytes = conf->h2_connection_window_bytes,
		.target_bytes_max = conf->h1.target_bytes_max,
		.field_bytes_max = conf->h1.field_bytes_max,
		.head_bytes_max = conf->h1.head_bytes_max,
		.fields_max = conf->h1.fields_max,
	};
	h2->wire = slv_h2_new(&limits, &events, h2, h2->born_ms);
	slv_timer_start(h2->loop, &h2->timer, conf->header_ms);
	h2_flush_later(h2);
	if (early.len)
		take_input(h2, early);
	return &h2->session;
}
