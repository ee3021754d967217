#include "base/assert.h"
#include "proto/h2_private.h"

static struct h2_stream *stream_of(struct slv_source *source)
{
	return SLV_CONTAINER(source, struct h2_stream, upload.source);
}

/* The windows open by what is done with. */
static void consume(struct h2_stream *stream, size_t len)
{
	if (!len || !stream->h2->wire)
		return;
	slv_h2_consume(stream->h2->wire, &stream->wire, len);
	h2_flush_later(stream->h2);
}

static void answer(struct h2_stream *stream, slv_err err, slv_str data)
{
	struct h2_upload *upload = &stream->upload;
	struct slv_pull *pull = upload->pull;
	upload->pull = NULL;
	if (upload->waits_ms)
		upload->waited_ms += slv_loop_now_ms(stream->h2->loop) - upload->waits_ms;
	upload->waits_ms = 0;
	pull->done(pull, err, data);
}

/* Wait for more, within the time that a body has. */
static void upload_wait(struct h2_stream *stream)
{
	struct h2_upload *upload = &stream->upload;
	if (!upload->waits_ms)
		upload->waits_ms = slv_loop_now_ms(stream->h2->loop);
	if (!upload->continue_due)
		return;
	upload->continue_due = false;
	slv_h2_continue(stream->h2->wire, &stream->wire);
	h2_flush_later(stream->h2);
}

static void upload_try(struct slv_task *task)
{
	struct h2_stream *stream = SLV_CONTAINER(task, struct h2_stream, upload.task);
	struct h2_upload *upload = &stream->upload;
	if (!upload->pull)
		return;
	if (slv_failed(upload->err)) {
		answer(stream, upload->err, (slv_str){ 0 });
	} else if (upload->fresh.len) {
		struct slv_buf lent = upload->lent;
		upload->lent = upload->fresh;
		upload->fresh = lent;
		answer(stream, SLV_OK, slv_buf_str(&upload->lent));
	} else if (upload->ended) {
		upload->source.trailers =
				stream->wire.trailers.count ? &stream->wire.trailers : NULL;
		answer(stream, SLV_OK, (slv_str){ 0 });
	} else if (upload->broken) {
		answer(stream, SLV_ERR(SLV_E_CLOSED, "the client left within its request body"),
				(slv_str){ 0 });
	} else {
		upload_wait(stream);
	}
}

static void give_back(struct h2_stream *stream)
{
	struct h2_upload *upload = &stream->upload;
	consume(stream, upload->lent.len);
	slv_buf_clear(&upload->lent);
}

static void upload_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct h2_stream *stream = stream_of(source);
	slv_assert(!stream->upload.pull);
	give_back(stream);
	stream->upload.pull = pull;
	slv_task_start(stream->h2->loop, &stream->upload.task);
}

static void upload_close(struct slv_source *source)
{
	struct h2_stream *stream = stream_of(source);
	struct h2_upload *upload = &stream->upload;
	give_back(stream);
	consume(stream, upload->fresh.len);
	slv_buf_clear(&upload->fresh);
	upload->pull = NULL;
	upload->taken = false;
	slv_task_stop(&upload->task);
}

static const struct slv_source_ops upload_ops = { .pull = upload_pull, .close = upload_close };

void h2_upload_begin(struct h2_stream *stream)
{
	struct h2_upload *upload = &stream->upload;
	const struct slv_h2_head *head = &stream->wire.head;
	uint32_t window_bytes = stream->h2->conf->h2_window_bytes;
	upload->source.ops = &upload_ops;
	upload->task.run = upload_try;
	upload->taken = true;
	upload->continue_due = head->expect_continue;
	slv_buf_init(&upload->fresh, window_bytes);
	slv_buf_init(&upload->lent, window_bytes);
	stream->req.body = (struct slv_body){ .length = head->length, .source = &upload->source };
}

static void wake(struct h2_stream *stream)
{
	if (stream->upload.pull)
		slv_task_start(stream->h2->loop, &stream->upload.task);
}

void h2_upload_data(struct h2_stream *stream, slv_str bytes)
{
	struct h2_upload *upload = &stream->upload;
	upload->continue_due = false;
	stream->wire.shut = stream->wire.got_bytes > stream->h2->conf->body_bytes_max;
	if (stream->wire.shut)
		upload->err = SLV_ERR(SLV_E_LIMIT, "request body is larger than limits.body_bytes");
	/* Past the window nghttp2 resets the stream, and hands the bytes on all the same. */
	size_t held = upload->fresh.len + upload->lent.len;
	bool fits = held + bytes.len <= stream->h2->conf->h2_window_bytes;
	bool wanted = upload->taken && stream->state == H2_SERVE && !slv_failed(upload->err);
	if (fits && wanted)
		slv_buf_add(&upload->fresh, bytes);
	else
		consume(stream, bytes.len);
	wake(stream);
}

void h2_upload_ended(struct h2_stream *stream)
{
	stream->upload.ended = true;
	wake(stream);
}

void h2_upload_break(struct h2_stream *stream)
{
	stream->upload.broken = true;
	stream->upload.continue_due = false;
	wake(stream);
}

void h2_upload_check(struct h2_stream *stream, uint64_t now_ms)
{
	struct h2_upload *upload = &stream->upload;
	if (!upload->waits_ms || slv_list_linked(&upload->task.link))
		return;
	uint64_t still_ms = now_ms - upload->waits_ms;
	uint64_t waited_ms = upload->waited_ms + still_ms;
	const struct slv_session_conf *conf = stream->h2->conf;
	if (still_ms >= conf->body_idle_ms)
		upload->err = SLV_ERR(SLV_E_SLOW, "request body stood still for body_idle_ms");
	else if (slv_is_below_floor(stream->wire.got_bytes, waited_ms, conf->body_floor_bytes_s))
		upload->err = SLV_ERR(SLV_E_SLOW, "request body is slower than body_floor_bytes_s");
	if (slv_failed(upload->err))
		answer(stream, upload->err, (slv_str){ 0 });
}

void h2_upload_end(struct h2_stream *stream)
{
	struct h2_upload *upload = &stream->upload;
	slv_assert(!upload->taken);
	slv_task_stop(&upload->task);
	slv_buf_done(&upload->fresh);
	slv_buf_done(&upload->lent);
}
