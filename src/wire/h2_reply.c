/* h2_reply.c - replies on their way to nghttp2, and frames on their way out
 *
 * nghttp2 frames a body without seeing it: it asks how much there is, and tells when a
 * frame of it is due; the frame's head is copied into the output's text, and its payload
 * becomes a part of its own that points at the caller's bytes.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "wire/chunk.h"
#include "wire/h2_private.h"
#include "wire/reply_field.h"

#include <string.h>

#define WORTH_BYTES 256u   /* a DATA frame of this size is work, not oddity */
#define NARROW_BYTES 1024u /* one of less, of a body that goes on, waits for a wider window */

/* --- fields --- */

static nghttp2_nv pair(slv_str name, slv_str value, uint8_t flags)
{
	return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.at,
		.namelen = name.len,
		.value = (uint8_t *)(uintptr_t)value.at,
		.valuelen = value.len,
		.flags = flags };
}

static slv_err check_field(const struct slv_field *field)
{
	if (field->id == SLV_FIELD_UPGRADE)
		return SLV_ERR(SLV_E_INTERNAL, "upgrade in a reply of HTTP/2");
	return slv_reply_field_check(field);
}

/* Place for `count` pairs. Names and values are copied by nghttp2 when they are submitted, and
 * the names become lower-case then. */
static nghttp2_nv *place(struct slv_h2 *h2, size_t count)
{
	if (count > h2->fields_cap) {
		h2->fields_cap = count < 16 ? 16 : count;
		h2->fields = slv_realloc(h2->fields, h2->fields_cap * sizeof(*h2->fields));
	}
	return h2->fields;
}

static slv_err add_fields(nghttp2_nv *at, const struct slv_fields *fields, size_t *ret_count)
{
	size_t count = 0;
	for (uint32_t i = 0; fields && i < fields->count; i++) {
		const struct slv_field *field = &fields->at[i];
		slv_err err = check_field(field);
		if (slv_failed(err))
			return err;
		bool known = field->id != SLV_FIELD_OTHER;
		at[count++] = pair(known ? slv_field_name(field->id) : field->name, field->value,
				known ? NGHTTP2_NV_FLAG_NO_COPY_NAME : NGHTTP2_NV_FLAG_NONE);
	}
	*ret_count = count;
	return SLV_OK;
}

/* --- bodies --- */

static void submit_trailers(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	const struct slv_fields *trailers = stream->reply_trailers;
	nghttp2_nv *at = place(h2, trailers->count);
	size_t count = 0;
	slv_err err = add_fields(at, trailers, &count);
	slv_assert(!slv_failed(err)); /* checked by slv_h2_send() */
	int rc = nghttp2_submit_trailer(h2->session, (int32_t)stream->id, at, count);
	slv_assert(rc == 0);
}

/* The sender's part against silly windows, as TCP has it (RFC 9293 section 3.8.6.2.1). */
static bool is_too_narrow(struct slv_h2 *h2, const struct slv_h2_stream *stream, size_t len)
{
	if (stream->nudged || len == stream->body.len || len >= NARROW_BYTES)
		return false;
	return len < nghttp2_session_get_remote_settings(
				     h2->session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) /
	                             2;
}

static void resume(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	/* Refused once the stream is being reset: nobody will ask for the data. */
	(void)nghttp2_session_resume_data(h2->session, (int32_t)stream->id);
}

void h2_window_opened(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	if (stream) {
		if (slv_list_linked(&stream->narrow))
			resume(h2, stream);
		return;
	}
	SLV_LIST_EACH(link, &h2->narrow)
	resume(h2, SLV_CONTAINER(link, struct slv_h2_stream, narrow));
}

bool slv_h2_is_held(const struct slv_h2 *h2, const struct slv_h2_stream *stream)
{
	int32_t own = nghttp2_session_get_stream_remote_window_size(
			h2->session, (int32_t)stream->id);
	return stream->body.len &&
	       (own <= 0 || (slv_list_linked(&stream->narrow) &&
					    own <= nghttp2_session_get_remote_window_size(
								   h2->session)));
}

bool slv_h2_is_shut(const struct slv_h2 *h2)
{
	return nghttp2_session_get_remote_window_size(h2->session) <= 0;
}

uint64_t slv_h2_body_bytes(const struct slv_h2 *h2)
{
	return h2->body_bytes;
}

bool slv_h2_nudge(struct slv_h2 *h2)
{
	SLV_LIST_EACH(link, &h2->narrow)
	SLV_CONTAINER(link, struct slv_h2_stream, narrow)->nudged = true;
	h2_window_opened(h2, NULL);
	return !slv_list_empty(&h2->narrow);
}

/* How much there is to frame. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *unused, size_t most,
		uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct slv_h2 *h2 = arg;
	struct slv_h2_stream *stream = source->ptr;
	(void)session;
	(void)id;
	(void)unused;
	size_t len = stream->body.len < most ? stream->body.len : most;
	if (!len && !stream->last) {
		stream->awaits_data = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	slv_list_remove(&stream->narrow);
	if (is_too_narrow(h2, stream, len)) {
		slv_list_push(&h2->narrow, &stream->narrow);
		return NGHTTP2_ERR_DEFERRED;
	}
	stream->nudged = false;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (len < stream->body.len || !stream->last)
		return (ssize_t)len;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (stream->reply_trailers) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		submit_trailers(h2, stream);
	}
	return (ssize_t)len;
}

slv_err slv_h2_reply(
		struct slv_h2 *h2, struct slv_h2_stream *stream, const struct slv_h2_reply *reply)
{
	slv_assert(!stream->closed && !stream->replied);
	slv_assert(reply->status >= 200 && reply->status <= 999);
	char status[SLV_U64_DIGITS], length[SLV_U64_DIGITS];
	size_t count = 0, more = 0;
	nghttp2_nv *at = place(h2, (reply->fields ? reply->fields->count : 0) + 3);

	at[count++] = pair(SLV_STR(":status"), slv_str_of_u64((uint64_t)reply->status, status),
			NGHTTP2_NV_FLAG_NO_COPY_NAME);
	if (reply->date.len &&
			!(reply->fields && slv_fields_find(reply->fields, SLV_FIELD_DATE, NULL)))
		at[count++] = pair(SLV_STR("date"), reply->date, NGHTTP2_NV_FLAG_NO_COPY_NAME);
	slv_err err = add_fields(at + count, reply->fields, &more);
	if (slv_failed(err))
		return err;
	count += more;
	bool bare = slv_status_is_bare(reply->status);
	if (reply->length != SLV_LENGTH_UNKNOWN && !bare)
		at[count++] = pair(SLV_STR("content-length"), slv_str_of_u64(reply->length, length),
				NGHTTP2_NV_FLAG_NO_COPY_NAME);

	stream->replied = true;
	stream->reply_left = reply->length;
	nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_body };
	int rc = nghttp2_submit_response(h2->session, (int32_t)stream->id, at, count,
			reply->bodiless ? NULL : &provider);
	slv_assert(rc == 0);
	return SLV_OK;
}

void slv_h2_continue(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	nghttp2_nv status = pair(SLV_STR(":status"), SLV_STR("100"), NGHTTP2_NV_FLAG_NONE);
	slv_assert(!stream->closed && !stream->replied);
	int rc = nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, (int32_t)stream->id, NULL,
			&status, 1, NULL);
	slv_assert(rc == 0);
}

static bool trailers_ok(const struct slv_fields *trailers)
{
	for (uint32_t i = 0; i < trailers->count; i++)
		if (slv_failed(check_field(&trailers->at[i])) ||
				!slv_chunk_trailer_ok(trailers->at[i].id, trailers->at[i].name))
			return false;
	return true;
}

void slv_h2_send(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str bytes, bool last,
		const struct slv_fields *trailers)
{
	slv_assert(stream->replied && !stream->closed && !stream->last && !stream->body.len);
	slv_assert(bytes.len || last);
	bool known = stream->reply_left != SLV_LENGTH_UNKNOWN;
	if (known && (bytes.len > stream->reply_left || (last && bytes.len < stream->reply_left))) {
		slv_h2_reset(h2, stream, SLV_H2_INTERNAL_ERROR);
		return;
	}
	if (known)
		stream->reply_left -= bytes.len;
	last |= known && !stream->reply_left;
	stream->body = bytes;
	stream->last = last;
	stream->reply_trailers =
			trailers && trailers->count && trailers_ok(trailers) ? trailers : NULL;
	if (!stream->awaits_data)
		return;
	stream->awaits_data = false;
	resume(h2, stream);
}

/* --- output --- */

static bool is_full(const struct h2_output *output)
{
	return output->borrowed || output->count + 2 > H2_PARTS_MAX ||
	       output->used + H2_FRAME_HEAD_BYTES > H2_OUTPUT_TEXT_BYTES ||
	       output->len >= SLV_H2_OUTPUT_BYTES_MAX;
}

static void add_part(
		struct h2_output *output, const void *at, size_t len, struct slv_h2_stream *owner)
{
	slv_assert(output->count < H2_PARTS_MAX);
	output->parts[output->count] =
			(struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = len };
	output->owners[output->count++] = owner;
	output->len += len;
}

/* Copy what nghttp2 has made; it follows upon what is there already. */
static void add_text(struct h2_output *output, const void *at, size_t len)
{
	char *to = output->text + output->used;
	memcpy(to, at, len);
	output->used += len;
	struct iovec *last = output->count ? &output->parts[output->count - 1] : NULL;
	if (last && !output->owners[output->count - 1] &&
			(char *)last->iov_base + last->iov_len == to) {
		last->iov_len += len;
		output->len += len;
		return;
	}
	add_part(output, to, len, NULL);
}

int h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
		nghttp2_data_source *source, void *arg)
{
	struct slv_h2 *h2 = arg;
	struct slv_h2_stream *stream = source->ptr;
	(void)session;
	slv_assert(frame->data.padlen == 0 && len <= stream->body.len);
	if (is_full(&h2->output))
		return NGHTTP2_ERR_WOULDBLOCK;
	add_text(&h2->output, head, H2_FRAME_HEAD_BYTES);
	if (len) {
		add_part(&h2->output, stream->body.at, len, stream);
		stream->queued_bytes += len;
		stream->body = slv_str_from_index(stream->body, len);
	}
	h2->meter.payload_bytes += len;
	if (len >= WORTH_BYTES || frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		h2_meter_work(&h2->meter, 2);
	return 0;
}

static void gather(struct slv_h2 *h2)
{
	struct h2_output *output = &h2->output;
	if (!output->text)
		output->text = slv_realloc(NULL, H2_OUTPUT_TEXT_BYTES);
	while (!is_full(output)) {
		const uint8_t *at = NULL;
		ssize_t len = nghttp2_session_mem_send(h2->session, &at);
		if (len <= 0) {
			h2->broken |= len < 0;
			return;
		}
		if ((size_t)len <= H2_OUTPUT_TEXT_BYTES - output->used) {
			add_text(output, at, (size_t)len);
			continue;
		}
		add_part(output, at, (size_t)len, NULL);
		output->borrowed = true;
	}
}

int slv_h2_output(struct slv_h2 *h2, const struct iovec **ret_parts, size_t *ret_len)
{
	struct h2_output *output = &h2->output;
	h2->opened = 0;
	if (!output->len && !h2->broken && nghttp2_session_want_write(h2->session))
		gather(h2);
	*ret_parts = output->parts + output->first;
	*ret_len = output->len;
	return output->count - output->first;
}

static void part_sent(struct slv_h2 *h2, struct slv_h2_stream *stream, size_t len)
{
	stream->sent_bytes += len;
	h2->body_bytes += len;
	stream->queued_bytes -= len;
	if (stream->queued_bytes)
		return;
	if (stream->closed)
		h2_stream_tell_closed(h2, stream);
	else if (!stream->body.len && !stream->last && !stream->failed)
		h2->events.drained(h2->arg, stream);
}

void slv_h2_sent(struct slv_h2 *h2, size_t len, uint64_t now_ms)
{
	struct h2_output *output = &h2->output;
	slv_assert(len <= output->len);
	h2->now_ms = now_ms;
	h2->meter.bytes += len;
	output->len -= len;
	while (len) {
		struct iovec *part = &output->parts[output->first];
		struct slv_h2_stream *owner = output->owners[output->first];
		size_t taken = len < part->iov_len ? len : part->iov_len;
		part->iov_base = (char *)part->iov_base + taken;
		part->iov_len -= taken;
		len -= taken;
		if (!part->iov_len)
			output->first++;
		if (owner)
			part_sent(h2, owner, taken);
	}
	if (!output->len) {
		output->first = output->count = 0;
		output->used = 0;
		output->borrowed = false;
	}
}

size_t slv_h2_backlog(const struct slv_h2 *h2)
{
	return nghttp2_session_get_outbound_queue_size(h2->session);
}

void slv_h2_rest(struct slv_h2 *h2)
{
	struct h2_output *output = &h2->output;
	h2_heap_rest(&h2->heap);
	if (output->len)
		return;
	slv_free(output->text);
	output->text = NULL;
}
