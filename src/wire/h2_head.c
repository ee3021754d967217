/* h2_head.c - what makes a request well-formed (RFC 9113 section 8)
 *
 * Fields are judged as they are unpacked. Malformed ones fail the stream. Those past a
 * bound, and those that we do not do, leave a fault: the rest of the head is passed over
 * and the owner answers with it.
 */
#include "base/assert.h"
#include "http/scan.h"
#include "http/token.h"
#include "wire/chunk.h"
#include "wire/h2_private.h"

#include <string.h>

#define LIST_FIELD_BYTES 32u /* that a field counts beside its text, section 6.5.2 */

static void fault(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_err err)
{
	h2_meter_odd(&h2->meter, H2_SCORE_MALFORMED, h2->now_ms);
	stream->fault = err;
}

static bool is_lower(slv_str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] >= 'A' && name.at[i] <= 'Z')
			return false;
	return true;
}

/* A copy in the stream's arena; at is NULL past its cap, and the fault is set. */
static slv_str keep(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str text)
{
	slv_str copy = slv_str_copy(stream->arena, text);
	if (!copy.at)
		fault(h2, stream, SLV_ERR(SLV_E_HEADERS, "no memory for the request header"));
	return copy;
}

static void add(struct slv_h2 *h2, struct slv_h2_stream *stream, struct slv_fields *fields,
		enum slv_field_id id, slv_str name, slv_str value)
{
	slv_err err = id == SLV_FIELD_OTHER ? slv_fields_add(fields, name, value)
	                                    : slv_fields_add_id(fields, id, value);
	if (slv_failed(err))
		fault(h2, stream, SLV_ERR(SLV_E_HEADERS, "no memory for the request header"));
}

/* RFC 9218 section 4: `u=0` to `u=7` and `i`; what is not understood is passed over. */
static void set_priority(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str value)
{
	nghttp2_extpri priority = { .urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY };
	slv_str element;
	while (slv_token_next(&value, &element)) {
		if (element.len == 3 && slv_str_starts(element, SLV_STR("u=")) &&
				element.at[2] >= '0' && element.at[2] <= '7')
			priority.urgency = (uint32_t)(element.at[2] - '0');
		else if (slv_str_eq(element, SLV_STR("i")) || slv_str_eq(element, SLV_STR("i=?1")))
			priority.inc = 1;
		else if (slv_str_eq(element, SLV_STR("i=?0")))
			priority.inc = 0;
	}
	int rc = nghttp2_session_change_extpri_stream_priority(
			h2->session, (int32_t)stream->id, &priority, 0);
	slv_assert(rc == 0);
}

void h2_head_begin(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	(void)h2;
	stream->in_trailers = true;
	stream->list_bytes = stream->fields_seen = 0;
	stream->regular_seen = false;
	slv_fields_init(&stream->trailers, stream->arena);
}

/* --- pseudo-header fields --- */

/* Where it is kept; NULL if a request has none of that name. */
static slv_str *pseudo_place(struct slv_h2_stream *stream, slv_str name)
{
	struct slv_h2_head *head = &stream->head;
	switch (name.len) {
	case sizeof(":path") - 1:
		return slv_str_eq(name, SLV_STR(":path")) ? &head->target : NULL;
	case sizeof(":method") - 1:
		if (slv_str_eq(name, SLV_STR(":method")))
			return &head->method_name;
		return slv_str_eq(name, SLV_STR(":scheme")) ? &head->scheme : NULL;
	case sizeof(":authority") - 1:
		return slv_str_eq(name, SLV_STR(":authority")) ? &stream->authority : NULL;
	default:
		return NULL;
	}
}

static const char *take_pseudo(
		struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str name, slv_str value)
{
	slv_str *place = pseudo_place(stream, name);
	if (!place || stream->in_trailers)
		return "pseudo-header field that a request does not have";
	if (stream->regular_seen)
		return "pseudo-header field behind others";
	if (place->at)
		return "pseudo-header field twice";
	if (!value.len || !slv_field_value_ok(value))
		return "pseudo-header field without a proper value";
	*place = keep(h2, stream, value);
	return NULL;
}

/* --- the others --- */

static const char *take_length(struct slv_h2_stream *stream, slv_str value)
{
	uint64_t length = 0;
	if (stream->length_seen || !slv_str_u64(value, UINT64_MAX - 1, &length))
		return "content-length twice or not a number";
	stream->length_seen = true;
	stream->head.length = length;
	return NULL;
}

static const char *judge_field(struct slv_h2 *h2, struct slv_h2_stream *stream,
		enum slv_field_id id, slv_str value)
{
	switch (id) {
	case SLV_FIELD_CONNECTION:
	case SLV_FIELD_KEEP_ALIVE:
	case SLV_FIELD_PROXY_CONNECTION:
	case SLV_FIELD_TRANSFER_ENCODING:
	case SLV_FIELD_UPGRADE:
		return "connection-specific field";
	case SLV_FIELD_TE:
		return slv_str_eq(value, SLV_STR("trailers")) ? NULL : "te other than trailers";
	case SLV_FIELD_CONTENT_LENGTH:
		return take_length(stream, value);
	case SLV_FIELD_HOST:
		if (stream->host_seen || !value.len)
			return "host twice or empty";
		stream->host_seen = true;
		return NULL;
	case SLV_FIELD_COOKIE:
		stream->cookies++;
		return NULL;
	case SLV_FIELD_EXPECT:
		if (slv_str_eq_nocase(value, SLV_STR("100-continue")))
			stream->head.expect_continue = true;
		else
			fault(h2, stream,
					SLV_ERR(SLV_E_EXPECT, "expectation other than "
							      "100-continue"));
		return NULL;
	default:
		return NULL;
	}
}

static const char *take_field(
		struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str name, slv_str value)
{
	stream->regular_seen = true;
	if (!slv_field_name_ok(name) || !is_lower(name))
		return "field name is no token in lower case";
	if (!slv_field_value_ok(value))
		return "control byte in a field value, or white space at its ends";
	if (slv_scan_name(name.at, 0, name.len) != name.len) {
		fault(h2, stream, SLV_ERR(SLV_E_SYNTAX, "underscore in a field name"));
		return NULL;
	}
	enum slv_field_id id = slv_field_id(name);
	if (stream->in_trailers && !slv_chunk_trailer_ok(id, name))
		return "field that may not be a trailer";
	const char *why = stream->in_trailers ? NULL : judge_field(h2, stream, id, value);
	if (why || slv_failed(stream->fault))
		return why;

	struct slv_fields *fields = stream->in_trailers ? &stream->trailers : &stream->head.fields;
	slv_str own_name = id == SLV_FIELD_OTHER ? keep(h2, stream, name) : slv_field_name(id);
	slv_str own_value = keep(h2, stream, value);
	if (own_name.at && own_value.at)
		add(h2, stream, fields, id, own_name, own_value);
	if (stream->in_trailers || id != SLV_FIELD_OTHER || !slv_str_eq(name, SLV_STR("priority")))
		return NULL;
	set_priority(h2, stream, value);
	return NULL;
}

/* The size as the peer can reckon it from our SETTINGS. */
static slv_err check_size(
		struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str name, slv_str value)
{
	const struct slv_h2_limits *limits = &h2->limits;
	size_t bytes = name.len + value.len;
	stream->list_bytes += (uint32_t)bytes + LIST_FIELD_BYTES;
	stream->fields_seen++;
	if (stream->list_bytes > limits->head_bytes_max)
		return SLV_ERR(SLV_E_HEADERS, "request header is larger than head_bytes");
	if (stream->fields_seen > limits->fields_max)
		return SLV_ERR(SLV_E_HEADERS, "more fields than fields_max");
	if (bytes > limits->field_bytes_max + (name.len && name.at[0] == ':' ? name.len : 0))
		return SLV_ERR(SLV_E_HEADERS, "a field is larger than field_bytes");
	return SLV_OK;
}

void h2_head_field(struct slv_h2 *h2, struct slv_h2_stream *stream, slv_str name, slv_str value)
{
	if (slv_failed(stream->fault))
		return; /* what HPACK makes of a few bytes is stored no further */
	slv_err err = check_size(h2, stream, name, value);
	if (slv_failed(err)) {
		bool is_path = slv_str_eq(name, SLV_STR(":path"));
		fault(h2, stream,
				is_path ? SLV_ERR(SLV_E_URI, "request target is longer than "
							     "target_bytes")
					: err);
		return;
	}
	const char *why = name.len && name.at[0] == ':' ? take_pseudo(h2, stream, name, value)
	                                                : take_field(h2, stream, name, value);
	if (why)
		h2_stream_fail(h2, stream, why);
}

/* --- the whole --- */

/* Crumbs of a Cookie belong together: section 8.2.3. Empty ones would leave a blank at the end. */
static slv_err join_cookies(struct slv_h2_stream *stream)
{
	struct slv_fields *fields = &stream->head.fields;
	size_t most = 0, len = 0;
	for (uint32_t i = 0; i < fields->count; i++)
		if (fields->at[i].id == SLV_FIELD_COOKIE)
			most += fields->at[i].value.len + 2;
	char *joined = slv_arena_bytes(stream->arena, most);
	if (!joined)
		return SLV_ERR(SLV_E_HEADERS, "no memory for the request header");
	for (uint32_t i = 0; i < fields->count; i++) {
		slv_str value = fields->at[i].value;
		if (fields->at[i].id != SLV_FIELD_COOKIE || !value.len)
			continue;
		if (len) {
			joined[len++] = ';';
			joined[len++] = ' ';
		}
		memcpy(joined + len, value.at, value.len);
		len += value.len;
	}
	return slv_fields_set(fields, SLV_FIELD_COOKIE, (slv_str){ joined, len });
}

static const char *check_authority(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	struct slv_fields *fields = &stream->head.fields;
	slv_str host = slv_fields_get(fields, SLV_FIELD_HOST);
	if (!stream->authority.at)
		return stream->host_seen ? NULL : "neither :authority nor host";
	if (stream->host_seen)
		return slv_str_eq_nocase(host, stream->authority) ? NULL
		                                                  : ":authority and host differ";
	add(h2, stream, fields, SLV_FIELD_HOST, slv_field_name(SLV_FIELD_HOST), stream->authority);
	return NULL;
}

static const char *check_target(struct slv_h2 *h2, struct slv_h2_stream *stream)
{
	struct slv_h2_head *head = &stream->head;
	if (head->method == SLV_METHOD_CONNECT) {
		if (head->scheme.at || head->target.at || !stream->authority.at)
			return "CONNECT with :scheme or :path, or without :authority";
		fault(h2, stream, SLV_ERR(SLV_E_NOT_DONE, "CONNECT is not done here"));
		return NULL;
	}
	if (!head->scheme.at || !head->target.at)
		return "request without :scheme or :path";
	bool star = slv_str_eq(head->target, SLV_STR("*"));
	if (head->target.at[0] != '/' && !(star && head->method == SLV_METHOD_OPTIONS))
		return ":path does not begin with '/'";
	if (!slv_str_eq(head->scheme, SLV_STR("http")) &&
			!slv_str_eq(head->scheme, SLV_STR("https")))
		fault(h2, stream, SLV_ERR(SLV_E_SYNTAX, "scheme other than http and https"));
	return check_authority(h2, stream);
}

static const char *check_head(struct slv_h2 *h2, struct slv_h2_stream *stream, bool ends_stream)
{
	struct slv_h2_head *head = &stream->head;
	if (!stream->length_seen)
		head->length = ends_stream ? 0 : SLV_LENGTH_UNKNOWN;
	head->method = slv_method_from(head->method_name);
	if (slv_failed(stream->fault))
		return NULL;
	if (!slv_field_name_ok(head->method_name))
		return "request without a proper :method";
	if (ends_stream && head->length)
		return "content-length without DATA";
	if (head->target.len > h2->limits.target_bytes_max) {
		fault(h2, stream, SLV_ERR(SLV_E_URI, "request target is longer than target_bytes"));
		return NULL;
	}
	const char *why = check_target(h2, stream);
	if (!why && stream->cookies > 1 && !slv_failed(stream->fault)) {
		slv_err err = join_cookies(stream);
		if (slv_failed(err))
			fault(h2, stream, err);
	}
	return why;
}

static const char *check_trailers(struct slv_h2_stream *stream, bool ends_stream)
{
	if (!ends_stream)
		return "second header without the end of the stream";
	return slv_failed(stream->fault) ? stream->fault.what : NULL;
}

void h2_head_end(struct slv_h2 *h2, struct slv_h2_stream *stream, bool ends_stream)
{
	bool answered = !stream->in_trailers;
	const char *why = answered ? check_head(h2, stream, ends_stream)
	                           : check_trailers(stream, ends_stream);
	if (why)
		h2_stream_fail(h2, stream, why);
	else if (answered)
		h2->events.head(h2->arg, stream, stream->fault);
}
