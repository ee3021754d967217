#include "base/assert.h"
#include "base/mem.h"
#include "proto/h1_private.h"

#include <string.h>

#define UPLOAD_BUFFER_BYTES SLV_KIB(16)

static struct h1 *h1_of(struct slv_source *source)
{
	return SLV_CONTAINER(source, struct h1, upload.source);
}

/* The next data in the input; `*ret_used` of it are done with once the data are. */
static slv_err upload_decode(struct h1 *h1, size_t *ret_used, slv_str *ret_data)
{
	struct h1_upload *upload = &h1->upload;
	slv_str bytes = { h1->input.at + h1->input.start, h1->input.end - h1->input.start };
	if (upload->chunked) {
		slv_err err = slv_chunk_decode(&upload->decoder, bytes, ret_used, ret_data);
		if (slv_failed(err))
			return err;
		upload->open = !upload->decoder.done;
	} else {
		*ret_data = slv_str_head(
				bytes, upload->left < bytes.len ? upload->left : bytes.len);
		*ret_used = ret_data->len;
		upload->left -= ret_data->len;
		upload->open = upload->left > 0;
	}
	upload->got += ret_data->len;
	if (upload->got > h1->conf->body_bytes_max)
		return SLV_ERR(SLV_E_LIMIT, "request body is larger than limits.body_bytes");
	return SLV_OK;
}

static void upload_answer(struct h1 *h1, slv_err err, slv_str data)
{
	struct h1_upload *upload = &h1->upload;
	struct slv_pull *pull = upload->pull;
	upload->pull = NULL;
	if (upload->waits_ms)
		upload->waited_ms += slv_loop_now_ms(h1->loop) - upload->waits_ms;
	upload->waits_ms = 0;
	slv_timer_stop(h1->loop, &h1->timer);
	pull->done(pull, err, data);
}

/* Wait for more, within the time that a body has. */
static void upload_wait(struct h1 *h1)
{
	struct h1_upload *upload = &h1->upload;
	if (upload->continue_due && h1->session.transport) {
		upload->continue_due = false;
		h1->pending[0] = SLV_STR("HTTP/1.1 100 Continue\r\n\r\n");
		h1_send_interim(h1);
	}
	/* Bytes that are no data, as of trailers, do not make the wait another one. */
	if (!upload->waits_ms) {
		upload->waits_ms = slv_loop_now_ms(h1->loop);
		slv_timer_start(h1->loop, &h1->timer, h1->conf->body_idle_ms);
	}
	if (h1->session.transport)
		h1->session.transport->ops->want_input(h1->session.transport, true);
}

static bool upload_too_slow(const struct h1 *h1)
{
	const struct h1_upload *upload = &h1->upload;
	uint64_t now_ms = slv_loop_now_ms(h1->loop);
	uint64_t waited_ms = upload->waited_ms + (upload->waits_ms ? now_ms - upload->waits_ms : 0);
	return slv_is_below_floor(upload->got, waited_ms, h1->conf->body_floor_bytes_s);
}

static void upload_try(struct slv_task *task)
{
	struct h1 *h1 = SLV_CONTAINER(task, struct h1, upload.task);
	struct h1_upload *upload = &h1->upload;
	slv_str data = { 0 };
	if (!upload->pull)
		return;
	while (upload->open && h1->input.end > h1->input.start) {
		size_t used = 0;
		slv_err err = upload_decode(h1, &used, &data);
		if (slv_failed(err)) {
			h1->last = true;
			upload->open = false;
			upload_answer(h1, err, (slv_str){ 0 });
			return;
		}
		if (data.len) {
			upload->continue_due = false;
			upload->lent = used;
			upload_answer(h1, SLV_OK, data);
			return;
		}
		h1_input_drop(h1, used);
		if (!used)
			break;
	}
	if (!upload->open) {
		if (upload->chunked)
			upload->source.trailers = &upload->decoder.trailers;
		upload_answer(h1, SLV_OK, (slv_str){ 0 });
	} else if (h1->eof) {
		upload_answer(h1, SLV_ERR(SLV_E_CLOSED, "the client left within its request body"),
				(slv_str){ 0 });
	} else if (upload_too_slow(h1)) {
		h1->last = true;
		upload_answer(h1,
				SLV_ERR(SLV_E_SLOW,
						"request body is slower than body_floor_bytes_s"),
				(slv_str){ 0 });
	} else {
		upload_wait(h1);
	}
}

static void upload_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct h1 *h1 = h1_of(source);
	slv_assert(!h1->upload.pull);
	h1_input_drop(h1, h1->upload.lent);
	h1->upload.lent = 0;
	h1->upload.pull = pull;
	slv_task_start(h1->loop, &h1->upload.task);
}

static void upload_close(struct slv_source *source)
{
	struct h1 *h1 = h1_of(source);
	h1_input_drop(h1, h1->upload.lent);
	h1->upload.lent = 0;
	h1->upload.pull = NULL;
	h1->upload.taken = false;
	slv_task_stop(&h1->upload.task);
}

static const struct slv_source_ops upload_ops = { .pull = upload_pull, .close = upload_close };

/* The views of the head point into the input buffer; the body gets a fresh one. */
static void upload_split_input(struct h1 *h1, size_t head_len)
{
	struct h1_input *input = &h1->input;
	size_t behind = input->end - input->start - head_len;
	size_t cap = behind > UPLOAD_BUFFER_BYTES ? behind : UPLOAD_BUFFER_BYTES;
	char *fresh = slv_alloc(cap);
	if (behind)
		memcpy(fresh, input->at + input->start + head_len, behind);
	h1->pinned = input->at;
	*input = (struct h1_input){ .at = fresh, .cap = cap, .end = behind };
}

void h1_upload_begin(struct h1 *h1, size_t head_len)
{
	const struct slv_h1_framing *framing = &h1->head.framing;
	struct h1_upload *upload = &h1->upload;
	*upload = (struct h1_upload){ .task = { .run = upload_try } };
	if (!framing->chunked && framing->length == 0) {
		return;
	}
	upload->source.ops = &upload_ops;
	upload->open = true;
	upload->taken = true;
	upload->chunked = framing->chunked;
	upload->left = framing->length;
	upload->continue_due = h1->head.expect_continue;
	upload->decoder =
			(struct slv_chunk_decoder){ .arena = &h1->arena, .limits = &h1->conf->h1 };
	h1->req.body = (struct slv_body){
		.length = framing->chunked ? SLV_LENGTH_UNKNOWN : framing->length,
		.source = &upload->source,
	};
	upload_split_input(h1, head_len);
}

void h1_upload_input(struct h1 *h1)
{
	if (h1->upload.pull)
		slv_task_start(h1->loop, &h1->upload.task);
}

slv_err h1_upload_skip(struct h1 *h1, bool *ret_ended)
{
	struct h1_upload *upload = &h1->upload;
	while (upload->open && h1->input.end > h1->input.start) {
		size_t used = 0;
		slv_str data = { 0 };
		slv_err err = upload_decode(h1, &used, &data);
		if (slv_failed(err))
			return err;
		h1_input_drop(h1, used);
		if (!used)
			break;
	}
	*ret_ended = !upload->open;
	return SLV_OK;
}

void h1_upload_end(struct h1 *h1)
{
	slv_assert(!h1->upload.taken);
	slv_task_stop(&h1->upload.task);
	slv_free(h1->pinned);
	h1->pinned = NULL;
}
