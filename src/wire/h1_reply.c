#include "wire/h1_reply.h"

#include "base/assert.h"
#include "http/date.h"
#include "http/scan.h"
#include "http/status.h"
#include "wire/reply_field.h"

#include <string.h>

/* Status line and the fields that are written here, at their longest. */
#define OWN_BYTES_MAX 256

static slv_err check_framing(const struct slv_h1_reply *reply)
{
	bool bare = slv_status_is_bare(reply->status);
	switch (reply->body) {
	case SLV_H1_BODY_NONE:
		return SLV_OK;
	case SLV_H1_BODY_LENGTH:
		if (bare && reply->status != 304)
			return SLV_ERR(SLV_E_INTERNAL, "Content-Length in a reply without content");
		return SLV_OK;
	case SLV_H1_BODY_CHUNKED:
		if (bare)
			return SLV_ERR(SLV_E_INTERNAL, "chunks in a reply without content");
		if (reply->version < 11)
			return SLV_ERR(SLV_E_INTERNAL, "chunks to an HTTP/1.0 client");
		return SLV_OK;
	case SLV_H1_BODY_CLOSE:
		if (bare || reply->keep_alive)
			return SLV_ERR(SLV_E_INTERNAL, "body up to the close of a connection that "
						       "is kept");
		return SLV_OK;
	}
	return SLV_ERR(SLV_E_INTERNAL, "unknown framing");
}

/* `*ret_bytes` bounds the head's size. */
static slv_err check_reply(const struct slv_h1_reply *reply, size_t *ret_bytes)
{
	slv_assert(reply->status >= 100 && reply->status <= 599);
	slv_err err = check_framing(reply);
	if (slv_failed(err))
		return err;
	if (reply->date.len && (reply->date.len != SLV_DATE_BYTES ||
					       slv_scan_value(reply->date.at, 0, SLV_DATE_BYTES) !=
							       SLV_DATE_BYTES))
		return SLV_ERR(SLV_E_INTERNAL, "date that is none");
	size_t bytes = OWN_BYTES_MAX;
	for (uint32_t i = 0; reply->fields && i < reply->fields->count; i++) {
		const struct slv_field *field = &reply->fields->at[i];
		err = slv_reply_field_check(field);
		if (slv_failed(err))
			return err;
		bytes += field->name.len + field->value.len + sizeof(": \r\n") - 1;
	}
	*ret_bytes = bytes;
	return SLV_OK;
}

/* Writes where the room was made beforehand. */
static char *put(char *at, slv_str bytes)
{
	if (bytes.len)
		memcpy(at, bytes.at, bytes.len);
	return at + bytes.len;
}

static char *put_u64(char *at, uint64_t value)
{
	char text[SLV_U64_DIGITS];
	return put(at, slv_str_of_u64(value, text));
}

static char *put_status(char *at, int status)
{
	if (status == 200)
		return put(at, SLV_STR("HTTP/1.1 200 OK\r\n"));
	at = put(at, SLV_STR("HTTP/1.1 "));
	at = put_u64(at, (uint64_t)status);
	*at++ = ' ';
	at = put(at, slv_status_reason(status));
	return put(at, SLV_STR("\r\n"));
}

static char *put_connection(char *at, const struct slv_h1_reply *reply)
{
	if (reply->status == 101)
		return put(at, SLV_STR("connection: upgrade\r\n"));
	if (reply->status < 200)
		return at;
	if (!reply->keep_alive)
		return put(at, SLV_STR("connection: close\r\n"));
	if (reply->version < 11)
		return put(at, SLV_STR("connection: keep-alive\r\n"));
	return at;
}

static char *put_framing(char *at, const struct slv_h1_reply *reply)
{
	if (reply->body == SLV_H1_BODY_CHUNKED)
		return put(at, SLV_STR("transfer-encoding: chunked\r\n"));
	if (reply->body != SLV_H1_BODY_LENGTH)
		return at;
	at = put(at, SLV_STR("content-length: "));
	at = put_u64(at, reply->length);
	return put(at, SLV_STR("\r\n"));
}

static char *put_fields(char *at, const struct slv_fields *fields, bool *ret_date)
{
	for (uint32_t i = 0; fields && i < fields->count; i++) {
		const struct slv_field *field = &fields->at[i];
		*ret_date |= field->id == SLV_FIELD_DATE;
		at = put(at, field->name);
		at = put(at, SLV_STR(": "));
		at = put(at, field->value);
		at = put(at, SLV_STR("\r\n"));
	}
	return at;
}

slv_err slv_h1_reply_write(struct slv_buf *buf, const struct slv_h1_reply *reply)
{
	size_t bytes;
	slv_err err = check_reply(reply, &bytes);
	if (slv_failed(err))
		return err;
	char *begin = slv_buf_room(buf, bytes);
	if (!begin)
		return SLV_ERR(SLV_E_LIMIT, "reply head longer than its buffer");

	bool dated = false;
	char *at = put_status(begin, reply->status);
	at = put_fields(at, reply->fields, &dated);
	if (reply->date.len && !dated) {
		at = put(at, SLV_STR("date: "));
		at = put(at, reply->date);
		at = put(at, SLV_STR("\r\n"));
	}
	at = put_framing(at, reply);
	at = put_connection(at, reply);
	at = put(at, SLV_STR("\r\n"));
	slv_assert((size_t)(at - begin) <= bytes);
	slv_buf_grown(buf, (size_t)(at - begin));
	return SLV_OK;
}
