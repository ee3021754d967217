#include "base/assert.h"
#include "base/mem.h"
#include "loop/log.h"
#include "proto/h1_private.h"
#include "wire/h1_reply.h"

#include <string.h>

#define INPUT_BYTES_FIRST SLV_KIB(4)
#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define OUT_BYTES_MAX SLV_KIB(64) /* head of a reply, ours */
/* Below, one copy is cheaper than looking up each page of a memfd (docs/PERFORMANCE.md). */
#define SENDFILE_BYTES_MIN SLV_KIB(64)
#define DRAIN_WAIT_MS 2000u         /* for another request, while the program ends */
#define SKIP_BYTES_MAX SLV_KIB(256) /* of a body nobody wants, before we rather close */

enum { PENDING_INTERIM, PENDING_HEAD, PENDING_BODY, PENDING_TAIL };

/* --- input --- */

void h1_input_drop(struct h1 *h1, size_t used)
{
	struct h1_input *input = &h1->input;
	slv_assert(used <= input->end - input->start);
	input->start += used;
	if (input->start == input->end)
		input->start = input->end = 0;
}

/* Bytes may be moved: no view of them is in use. */
static bool input_is_free(const struct h1 *h1)
{
	return h1->state == H1_HEAD || (h1->pinned && !h1->upload.lent);
}

static void input_make_room(struct h1 *h1)
{
	struct h1_input *input = &h1->input;
	if (input->start && input_is_free(h1)) {
		memmove(input->at, input->at + input->start, input->end - input->start);
		input->end -= input->start;
		input->start = 0;
	}
	size_t most = h1->conf->h1.head_bytes_max + 2; /* and the empty line that may precede it */
	if (input->end == input->cap && h1->state == H1_HEAD && input->cap < most) {
		size_t cap = input->cap ? input->cap * 4 : INPUT_BYTES_FIRST;
		input->cap = cap < most ? cap : most;
		input->at = slv_realloc(input->at, input->cap);
	}
}

static size_t session_room(struct slv_session *session, char **ret_at)
{
	struct h1 *h1 = SLV_CONTAINER(session, struct h1, session);
	struct h1_input *input = &h1->input;
	if (input->end == input->cap)
		input_make_room(h1);
	*ret_at = input->at + input->end;
	return input->cap - input->end;
}

static void session_input(struct slv_session *session, size_t len)
{
	struct h1 *h1 = SLV_CONTAINER(session, struct h1, session);
	slv_assert(len <= h1->input.cap - h1->input.end);
	h1->input.end += len;
	if (h1->state == H1_SERVE)
		h1_upload_input(h1);
	else
		h1_run(h1);
}

/* --- HEAD --- */

static void close_transport(struct h1 *h1, bool linger)
{
	slv_timer_stop(h1->loop, &h1->timer);
	if (h1->session.transport)
		h1->session.transport->ops->close(h1->session.transport, linger);
}

static void request_init(struct h1 *h1)
{
	uint64_t begun_ms = h1->req.times.begun_ms;
	h1->req = (struct slv_req){
		.arena = &h1->arena,
		.sink = &h1->sink,
		.version = 11,
		.scheme = h1->session.transport->secure ? SLV_STR("https") : SLV_STR("http"),
		.peer = h1->session.transport->peer,
		.times = { .begun_ms = begun_ms, .read_ms = slv_loop_now_ms(h1->loop) },
	};
	slv_fields_init(&h1->req.fields, &h1->arena);
	h1->replied = false;
	h1->session.transport->ops->busy(h1->session.transport, true);
}

/* What cannot be served is answered once, and nothing behind it is read. */
static enum h1_state refuse(struct h1 *h1, slv_err err)
{
	h1->last = true;
	h1->serving = true;
	slv_edge_refuse(h1->edge, &h1->req, err);
	return H1_SERVE;
}

static void await_head(struct h1 *h1)
{
	uint64_t now = slv_loop_now_ms(h1->loop);
	uint64_t wait_ms;
	if (h1->input.end > h1->input.start) {
		if (!h1->req.times.begun_ms)
			h1->req.times.begun_ms = now;
		uint64_t until = h1->req.times.begun_ms + h1->conf->header_ms;
		wait_ms = until > now ? until - now : 0;
	} else {
		wait_ms = h1->requests ? h1->conf->keep_alive_ms : h1->conf->header_ms;
		if (h1->session.transport->draining && wait_ms > DRAIN_WAIT_MS)
			wait_ms = DRAIN_WAIT_MS;
	}
	slv_timer_start(h1->loop, &h1->timer, wait_ms);
	h1->session.transport->ops->want_input(h1->session.transport, true);
}

/* Who has half-closed may have sent further requests before. */
static bool is_last_request(const struct h1 *h1, size_t head_len)
{
	bool more = h1->input.end - h1->input.start > head_len;
	return !h1->head.keep_alive || (h1->eof && !more) || h1->session.transport->draining ||
	       h1->requests >= h1->conf->requests_max ||
	       slv_loop_now_ms(h1->loop) - h1->born_ms >= h1->conf->age_ms ||
	       slv_edge_pressure(h1->edge) >= 92;
}

static enum h1_state begin_request(struct h1 *h1, size_t head_len)
{
	struct slv_req *req = &h1->req;
	request_init(h1);
	req->method = h1->head.method;
	req->method_name = h1->head.method_name;
	req->target = h1->head.target;
	req->version = h1->head.version;
	req->fields = h1->head.fields;
	h1->requests++;
	h1->last = is_last_request(h1, head_len);

	slv_err err = slv_uri_parse(req->target, &req->uri);
	if (slv_failed(err))
		return refuse(h1, err);
	if (!h1->head.framing.chunked && h1->head.framing.length > h1->conf->body_bytes_max)
		return refuse(h1, SLV_ERR(SLV_E_LIMIT,
						  "request body is larger than limits.body_bytes"));
	if (h1->head.framing.chunked || h1->head.framing.length)
		h1_upload_begin(h1, head_len);
	else
		h1->input.start += head_len; /* its views stay until the request ends */
	h1->serving = true;
	slv_edge_request(h1->edge, req);
	return H1_SERVE;
}

static enum h1_state step_head(struct h1 *h1)
{
	slv_str bytes = { h1->input.at + h1->input.start, h1->input.end - h1->input.start };
	size_t used = 0;
	if (bytes.len) {
		if (!h1->req.times.begun_ms)
			h1->req.times.begun_ms = slv_loop_now_ms(h1->loop);
		slv_err err = slv_h1_parse(
				&h1->parser, &h1->arena, bytes, &h1->conf->h1, &h1->head, &used);
		if (slv_failed(err)) {
			request_init(h1);
			return refuse(h1, err);
		}
	}
	if (used) {
		slv_timer_stop(h1->loop, &h1->timer);
		return begin_request(h1, used);
	}
	if (h1->eof) {
		close_transport(h1, false);
		return H1_DONE;
	}
	await_head(h1);
	return H1_WAIT;
}

/* --- SERVE --- */

static bool has_body(const struct h1 *h1, int status)
{
	return h1->req.method != SLV_METHOD_HEAD && !slv_status_is_bare(status);
}

static enum slv_h1_body framing_of(struct h1 *h1, const struct slv_reply *reply)
{
	if (reply->status == 304 || slv_status_is_bare(reply->status))
		return SLV_H1_BODY_NONE;
	if (reply->body.length != SLV_LENGTH_UNKNOWN)
		return SLV_H1_BODY_LENGTH;
	if (h1->req.method == SLV_METHOD_HEAD)
		return h1->req.version == 11 ? SLV_H1_BODY_CHUNKED : SLV_H1_BODY_NONE;
	if (h1->req.version == 11)
		return SLV_H1_BODY_CHUNKED;
	h1->last = true;
	return SLV_H1_BODY_CLOSE;
}

static void write_head(struct h1 *h1, struct slv_reply *reply)
{
	struct slv_h1_reply head = {
		.status = reply->status,
		.version = h1->req.version,
		.body = framing_of(h1, reply),
		.length = reply->body.length,
		.date = slv_edge_date(h1->edge),
		.fields = &reply->fields,
	};
	head.keep_alive = !h1->last;
	h1->framed = head.body == SLV_H1_BODY_CHUNKED && has_body(h1, reply->status);
	h1->owed = head.body == SLV_H1_BODY_LENGTH ? reply->body.length : SLV_LENGTH_UNKNOWN;
	slv_buf_clear(&h1->out);
	/* Nobody reads an empty body, so nobody asked for it. botocore, which expects 100 for one,
	 * takes the next reply of the connection for this one unless it gets it. */
	if (h1->head.expect_continue && !h1->head.framing.chunked && !h1->head.framing.length)
		slv_buf_add(&h1->out, SLV_STR("HTTP/1.1 100 Continue\r\n\r\n"));
	slv_err err = slv_h1_reply_write(&h1->out, &head);
	if (!slv_failed(err))
		return;

	/* A service made a head that cannot be sent: that is ours, not the client's. */
	slv_log(slv_loop_log(h1->loop), SLV_ERROR, "h1.reply", SLV_KV("why", err.what),
			SLV_KV("path", slv_req_logged_path(&h1->req)));
	slv_body_done(&reply->body);
	h1->last = true;
	h1->framed = false;
	head = (struct slv_h1_reply){ .status = 500,
		.version = h1->req.version,
		.body = SLV_H1_BODY_LENGTH,
		.date = head.date };
	slv_buf_clear(&h1->out);
	err = slv_h1_reply_write(&h1->out, &head);
	slv_assert(!slv_failed(err));
	reply->status = 500;
}

/* The bytes of the body that are to be sent next. */
static void set_body(struct h1 *h1, slv_str bytes, const struct slv_body_file *file)
{
	bool by_kernel = file->known && bytes.len >= SENDFILE_BYTES_MIN && h1->session.transport &&
	                 h1->session.transport->ops->sendfile;
	h1->pending[PENDING_BODY] = bytes;
	h1->file_base = by_kernel ? bytes.at : NULL;
	h1->body_file = *file;
}

static void sink_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct h1 *h1 = SLV_CONTAINER(sink, struct h1, sink);
	slv_assert(req == &h1->req && !h1->replied);
	h1->replied = true;
	h1->skip_from = h1->upload.got;
	req->times.reply_ms = slv_loop_now_ms(h1->loop);
	req->error_code = reply->code;
	slv_timer_stop(h1->loop, &h1->timer);
	if (h1->session.transport) {
		/* A body that was announced and not asked for will not come (or not stop coming).
		 */
		if (h1->upload.open &&
				(h1->upload.continue_due || h1->upload.left > SKIP_BYTES_MAX))
			h1->last = true;
		write_head(h1, reply);
		h1->was_blocked = false;
		h1->body = reply->body;
		if (!has_body(h1, reply->status))
			slv_body_done(&h1->body);
		req->sent_status = reply->status;
		h1->pending[PENDING_HEAD] = slv_buf_str(&h1->out);
		set_body(h1, h1->body.source ? (slv_str){ 0 } : h1->body.bytes, &h1->body.file);
		h1->pending[PENDING_TAIL] = (slv_str){ 0 };
	} else {
		slv_body_done(&reply->body);
	}
	h1_run(h1);
}

static enum h1_state step_serve(struct h1 *h1)
{
	if (!h1->replied)
		return H1_WAIT;
	return h1->session.transport ? H1_SEND : H1_NEXT;
}

/* --- SEND --- */

static void advance(struct h1 *h1, size_t taken)
{
	h1->written += taken;
	for (size_t i = 0; i < SLV_COUNT(h1->pending) && taken; i++) {
		size_t part = taken < h1->pending[i].len ? taken : h1->pending[i].len;
		h1->pending[i] = slv_str_from_index(h1->pending[i], part);
		if (i == PENDING_BODY)
			h1->req.sent_bytes += part;
		taken -= part;
	}
	slv_assert(taken == 0);
}

static bool send_parts(struct h1 *h1, size_t first, size_t count, bool more)
{
	struct iovec parts[SLV_COUNT(h1->pending)];
	int used = 0;
	size_t len = 0;
	for (size_t i = first; i < first + count; i++) {
		if (!h1->pending[i].len)
			continue;
		parts[used++] = (struct iovec){ .iov_base = (void *)(uintptr_t)h1->pending[i].at,
			.iov_len = h1->pending[i].len };
		len += h1->pending[i].len;
	}
	if (!len)
		return true;
	struct slv_transport *transport = h1->session.transport;
	size_t taken = transport->ops->write(transport, parts, used, more);
	advance(h1, taken);
	return taken == len;
}

void h1_send_interim(struct h1 *h1)
{
	(void)send_parts(h1, PENDING_INTERIM, 1, false); /* the rest goes before the reply */
}

static bool send_file(struct h1 *h1)
{
	struct slv_transport *transport = h1->session.transport;
	slv_str rest = h1->pending[PENDING_BODY];
	if (!rest.len)
		return true;
	uint64_t offset = h1->body_file.offset + (uint64_t)(rest.at - h1->file_base);
	size_t taken = transport->ops->sendfile(transport, h1->body_file.fd, offset, rest.len);
	advance(h1, taken);
	return taken == rest.len;
}

/* True once all that is pending has been taken. */
static bool send_pending(struct h1 *h1)
{
	if (!h1->file_base)
		return send_parts(h1, PENDING_INTERIM, SLV_COUNT(h1->pending), false);
	return send_parts(h1, PENDING_INTERIM, PENDING_BODY, true) && send_file(h1) &&
	       send_parts(h1, PENDING_TAIL, 1, false);
}

/* What the source gives is cut to the length that was told. Less than that only a connection
 * that breaks can tell. */
static slv_str keep_length(struct h1 *h1, slv_str bytes)
{
	if (bytes.len > h1->owed || (h1->ended && h1->owed)) {
		slv_log(slv_loop_log(h1->loop), SLV_ERROR, "h1.body",
				SLV_KV("why", "a body does not have the length that was told"),
				SLV_KV("path", slv_req_logged_path(&h1->req)));
		h1->last = true;
		h1->ended = true;
	}
	bytes = slv_str_head(bytes, h1->owed < SIZE_MAX ? (size_t)h1->owed : SIZE_MAX);
	h1->owed -= bytes.len;
	return bytes;
}

static void write_last_chunk(struct h1 *h1)
{
	if (!slv_failed(slv_chunk_last(&h1->out, h1->body.source->trailers)))
		return;
	slv_err err = slv_chunk_last(&h1->out, NULL); /* those cannot be sent */
	slv_assert(!slv_failed(err));
}

static void part_came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct h1 *h1 = SLV_CONTAINER(pull, struct h1, pull);
	h1->pulling = false;
	if (slv_failed(err)) {
		/* The status was sent already: only a connection that breaks tells the client. */
		slv_log(slv_loop_log(h1->loop), SLV_WARN, "h1.body", SLV_KV("why", err.what),
				SLV_KV("path", slv_req_logged_path(&h1->req)));
		h1->req.error_code = slv_code_name(err.code);
		h1->last = true;
		h1->ended = true;
		h1->framed = false;
		h1_run(h1);
		return;
	}
	h1->ended = bytes.len == 0;
	if (h1->owed != SLV_LENGTH_UNKNOWN)
		bytes = keep_length(h1, bytes);
	slv_buf_clear(&h1->out);
	if (h1->framed && !h1->ended) {
		slv_chunk_begin(&h1->out, bytes.len);
		h1->pending[PENDING_TAIL] = SLV_STR("\r\n");
	} else if (h1->framed) {
		write_last_chunk(h1);
	}
	h1->pending[PENDING_HEAD] = slv_buf_str(&h1->out);
	set_body(h1, bytes, &h1->body.source->file);
	h1_run(h1);
}

static size_t pending_len(const struct h1 *h1)
{
	size_t len = 0;
	for (size_t i = 0; i < SLV_COUNT(h1->pending); i++)
		len += h1->pending[i].len;
	return len;
}

/* Only the time that the client made us wait counts, not that of a slow origin. */
static void count_wait(struct h1 *h1, bool still_blocked)
{
	uint64_t now_ms = slv_loop_now_ms(h1->loop);
	if (h1->blocked_since_ms)
		h1->blocked_ms += now_ms - h1->blocked_since_ms;
	h1->blocked_since_ms = still_blocked ? now_ms : 0;
}

/* What has reached the client, of all replies. */
static uint64_t delivered(const struct h1 *h1)
{
	size_t unacked = h1->session.transport->ops->unacked(h1->session.transport);
	return h1->written > unacked ? h1->written - unacked : 0;
}

static void begin_wait(struct h1 *h1, uint64_t bytes)
{
	if (!h1->was_blocked)
		h1->delivered_before = bytes;
	h1->was_blocked = true;
	h1->delivered = bytes;
	slv_timer_start(h1->loop, &h1->timer, h1->conf->write_idle_ms);
}

static void cut_off(struct h1 *h1)
{
	h1->last = true;
	h1->req.error_code = slv_code_name(SLV_E_SLOW);
	close_transport(h1, false); /* ends the session, which ends the request */
}

/* There was no room for long: does the client take nothing, or what the system still had? */
static void send_stands_still(struct h1 *h1)
{
	uint64_t bytes = delivered(h1), before = h1->delivered_before;
	count_wait(h1, true);
	if (bytes <= h1->delivered ||
			slv_is_below_floor(bytes > before ? bytes - before : 0, h1->blocked_ms,
					h1->conf->write_floor_bytes_s))
		cut_off(h1);
	else
		begin_wait(h1, bytes);
}

static enum h1_state step_send(struct h1 *h1)
{
	if (h1->pulling)
		return H1_WAIT;
	size_t before = pending_len(h1);
	bool all = send_pending(h1);
	bool more = !all || (h1->body.source && !h1->ended);
	count_wait(h1, !all);
	if (more && slv_is_below_floor(h1->req.sent_bytes, h1->blocked_ms,
				    h1->conf->write_floor_bytes_s)) {
		cut_off(h1);
		return H1_WAIT;
	}
	if (!all) {
		if (pending_len(h1) != before || !slv_timer_running(&h1->timer))
			begin_wait(h1, delivered(h1));
		return H1_WAIT;
	}
	slv_timer_stop(h1->loop, &h1->timer);
	if (h1->body.source && !h1->ended) {
		h1->pulling = true;
		slv_source_pull(h1->body.source, &h1->pull);
		return H1_WAIT;
	}
	return H1_SKIP;
}

/* --- SKIP, NEXT --- */

static enum h1_state step_skip(struct h1 *h1)
{
	bool ended = !h1->upload.open;
	if (!ended && !h1->last && !slv_failed(h1_upload_skip(h1, &ended)) && !ended && !h1->eof &&
			h1->upload.got - h1->skip_from <= SKIP_BYTES_MAX) {
		if (!slv_timer_running(&h1->timer)) /* one time for all of it */
			slv_timer_start(h1->loop, &h1->timer, h1->conf->body_idle_ms);
		h1->session.transport->ops->want_input(h1->session.transport, true);
		return H1_WAIT;
	}
	slv_timer_stop(h1->loop, &h1->timer);
	h1->last |= !ended;
	return H1_NEXT;
}

static void end_request(struct h1 *h1)
{
	slv_body_done(&h1->body);
	slv_body_done(&h1->req.body);
	if (h1->serving) {
		h1->req.times.sent_ms = slv_loop_now_ms(h1->loop);
		slv_edge_finish(h1->edge, &h1->req);
	}
	/* The request's views point into what this frees, so the log comes first. */
	h1_upload_end(h1);
	h1->upload = (struct h1_upload){ 0 };
	h1->serving = false;
	h1->ended = h1->pulling = false;
	h1->blocked_since_ms = h1->blocked_ms = 0;
	h1->parser = (struct slv_h1_parser){ 0 };
	h1->req.times = (struct slv_req_times){ 0 };
	slv_arena_reset(&h1->arena);
}

static enum h1_state step_next(struct h1 *h1)
{
	end_request(h1);
	if (!h1->session.transport)
		return H1_DONE;
	h1->session.transport->ops->busy(h1->session.transport, false);
	if (h1->last) {
		close_transport(h1, !h1->eof);
		return H1_DONE;
	}
	h1_input_drop(h1, 0); /* begins at the front again where nothing is left */
	return H1_HEAD;
}

static enum h1_state step_done(struct h1 *h1)
{
	(void)h1;
	return H1_WAIT;
}

/* --- the machine --- */

static enum h1_state (*const h1_step[H1_STATES])(struct h1 *h1) = {
	[H1_HEAD] = step_head,
	[H1_SERVE] = step_serve,
	[H1_SEND] = step_send,
	[H1_SKIP] = step_skip,
	[H1_NEXT] = step_next,
	[H1_DONE] = step_done,
};

static const unsigned h1_may[H1_STATES] = {
	[H1_HEAD] = SLV_BIT(H1_SERVE) | SLV_BIT(H1_DONE),
	[H1_SERVE] = SLV_BIT(H1_SEND) | SLV_BIT(H1_NEXT),
	[H1_SEND] = SLV_BIT(H1_SKIP),
	[H1_SKIP] = SLV_BIT(H1_NEXT),
	[H1_NEXT] = SLV_BIT(H1_HEAD) | SLV_BIT(H1_DONE),
	[H1_DONE] = 0,
};

static void h1_destroy(struct h1 *h1)
{
	slv_timer_stop(h1->loop, &h1->timer);
	slv_arena_done(&h1->arena);
	slv_buf_done(&h1->out);
	slv_free(h1->pinned);
	slv_free(h1->input.at);
	slv_free(h1);
}

void h1_run(struct h1 *h1)
{
	if (h1->running)
		return;
	h1->running = true;
	for (;;) {
		enum h1_state next = h1_step[h1->state](h1);
		if (next == H1_WAIT)
			break;
		slv_assert(h1_may[h1->state] & SLV_BIT(next));
		h1->state = next;
	}
	h1->running = false;
	if (!h1->session.transport && h1->state == H1_DONE)
		h1_destroy(h1);
}

static void timed_out(struct slv_timer *timer)
{
	struct h1 *h1 = SLV_CONTAINER(timer, struct h1, timer);
	if (h1->state == H1_SERVE && h1->upload.pull) {
		struct slv_pull *pull = h1->upload.pull;
		h1->upload.pull = NULL;
		h1->last = true;
		pull->done(pull, SLV_ERR(SLV_E_SLOW, "request body stood still for body_idle_ms"),
				(slv_str){ 0 });
	} else if (h1->state == H1_HEAD && h1->input.end > h1->input.start) {
		h1->running = true;
		request_init(h1);
		h1->state = refuse(h1,
				SLV_ERR(SLV_E_SLOW, "request header took longer than header_ms"));
		h1->running = false;
		h1_run(h1);
	} else if (h1->state == H1_HEAD) {
		close_transport(h1, false);
		h1->state = H1_DONE;
	} else if (h1->state == H1_SEND) {
		send_stands_still(h1);
	} else if (h1->state == H1_SKIP) {
		h1->last = true;
		close_transport(h1, false);
	}
}

static void session_writable(struct slv_session *session)
{
	struct h1 *h1 = SLV_CONTAINER(session, struct h1, session);
	if (h1->state == H1_SEND)
		h1_run(h1);
	else if (h1->state == H1_SERVE)
		h1_send_interim(h1);
}

static void session_eof(struct slv_session *session, slv_err err)
{
	struct h1 *h1 = SLV_CONTAINER(session, struct h1, session);
	(void)err; /* a broken connection is freed by its transport */
	h1->eof = true;
	h1_upload_input(h1);
	h1_run(h1);
}

static void session_drain(struct slv_session *session)
{
	struct h1 *h1 = SLV_CONTAINER(session, struct h1, session);
	/* One that never asked anything may be about to: its request is in the socket. One between
	 * two requests may be, too; it is closed when it asks, or by its keep-alive time. */
	if (h1->state != H1_HEAD)
		h1->last |= h1->state == H1_SERVE && !h1->replied;
}

static void session_free(struct slv_session *session)
{
	struct h1 *h1 = SLV_CONTAINER(session, struct h1, session);
	slv_assert(!h1->running);
	h1->session.transport = NULL;
	slv_timer_stop(h1->loop, &h1->timer);
	if (h1->state == H1_SERVE && !h1->replied) {
		h1->eof = true;
		h1_upload_input(h1);
		slv_edge_cancel(h1->edge, &h1->req); /* its reply will free us */
		return;
	}
	if (h1->state == H1_SEND && !h1->req.error_code)
		h1->req.error_code = slv_code_name(SLV_E_CLOSED);
	if (h1->state != H1_HEAD && h1->state != H1_DONE)
		end_request(h1);
	h1_destroy(h1);
}

static const struct slv_session_ops session_ops = {
	.room = session_room,
	.input = session_input,
	.writable = session_writable,
	.eof = session_eof,
	.drain = session_drain,
	.free = session_free,
};

static const struct slv_sink_ops sink_ops = { .reply = sink_reply };

struct slv_session *slv_h1_session_new(struct slv_transport *transport, struct slv_edge *edge,
		const struct slv_session_conf *conf, slv_str early)
{
	struct h1 *h1 = SLV_ALLOC(struct h1);
	h1->session = (struct slv_session){ .ops = &session_ops, .transport = transport };
	h1->sink.ops = &sink_ops;
	h1->edge = edge;
	h1->loop = transport->loop;
	h1->conf = conf;
	h1->born_ms = slv_loop_now_ms(h1->loop);
	h1->timer.fire = timed_out;
	h1->pull.done = part_came;
	slv_arena_init(&h1->arena, ARENA_BLOCK_BYTES, conf->request_arena_bytes);
	slv_buf_init(&h1->out, OUT_BYTES_MAX);

	size_t cap = early.len > INPUT_BYTES_FIRST ? early.len : INPUT_BYTES_FIRST;
	h1->input = (struct h1_input){ .at = slv_alloc(cap), .cap = cap, .end = early.len };
	if (early.len)
		memcpy(h1->input.at, early.at, early.len);
	transport->session = &h1->session;
	h1_run(h1);
	return &h1->session;
}
