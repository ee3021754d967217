/* The head is parsed only once all of it is there. That it is, is known either from a look at
 * the last four bytes (a request without a body, alone in the buffer: the usual case), or from
 * a search for the empty line, which goes on where it stopped when the buffer grows. Either way
 * the parser proper runs over bytes that end with an empty line. No class of bytes holds CR or
 * LF, so every scan stops at that line at the latest, and needs no other bound. */
#include "wire/h1.h"

#include "base/assert.h"
#include "http/scan.h"
#include "http/uri.h"

#include <string.h>

/* Longest line behind the target: " HTTP/1.1\r\n". */
#define VERSION_BYTES 11
#define LENGTH_DIGITS_MAX 19

struct parse {
	struct slv_arena *arena;
	const struct slv_h1_limits *limits;
	const char *bytes; /* ends with an empty line at `end` */
	size_t at, end;
};

/* What the fields that matter here said. */
struct seen {
	slv_str host, length, coding;
	uint8_t hosts, lengths, codings; /* how many; stops at 2 */
	bool close, keep_alive;
	bool expect_continue;
};

static slv_err too_long(struct slv_arena *arena, enum slv_code code, const char *what,
		uint32_t bound, const char *limit)
{
	return slv_err_printf(arena, code, "%s more than %u (%s)", what, bound, limit);
}

static slv_err head_too_long(struct slv_arena *arena, const struct slv_h1_limits *limits)
{
	return too_long(arena, SLV_E_HEADERS, "bytes in the request head:", limits->head_bytes_max,
			"head_bytes_max");
}

/* Method and target, which are followed by a space each. */
static slv_err parse_method(struct parse *parse, slv_str *ret_method)
{
	const char *bytes = parse->bytes;
	size_t bound = parse->end - parse->at > SLV_H1_METHOD_BYTES_MAX
	                               ? parse->at + SLV_H1_METHOD_BYTES_MAX
	                               : parse->end;
	size_t end = slv_scan_plain(bytes, parse->at, bound, SLV_SCAN_TOKEN);
	if (end == parse->end || bytes[end] != ' ') {
		if (end < parse->end && slv_scan_is(bytes[end], SLV_SCAN_TOKEN))
			return SLV_ERR(SLV_E_SYNTAX, "method longer than 32 bytes");
		return SLV_ERR(SLV_E_SYNTAX,
				"request line does not begin with a method and one space");
	}
	*ret_method = (slv_str){ bytes + parse->at, end - parse->at };
	parse->at = end + 1;
	return SLV_OK;
}

static slv_err parse_target(struct parse *parse, slv_str *ret_target)
{
	const char *bytes = parse->bytes;
	size_t end = slv_scan_target(bytes, parse->at, parse->end);
	size_t len = end - parse->at;
	if (len > parse->limits->target_bytes_max)
		return too_long(parse->arena, SLV_E_URI,
				"bytes in the request target:", parse->limits->target_bytes_max,
				"target_bytes_max");
	if (end == parse->end || bytes[end] != ' ') {
		if (end < parse->end && (bytes[end] == '\r' || bytes[end] == '\n'))
			return SLV_ERR(SLV_E_SYNTAX, "request line without an HTTP version");
		return SLV_ERR(SLV_E_SYNTAX, "request target holds '#', a control byte, or a byte "
					     "above 126");
	}
	if (len == 0)
		return SLV_ERR(SLV_E_SYNTAX, "more than one space in the request line");
	*ret_target = (slv_str){ bytes + parse->at, len };
	parse->at = end + 1;
	return SLV_OK;
}

static slv_err parse_version(struct parse *parse, uint8_t *ret_version)
{
	const char *at = parse->bytes + parse->at;
	if (parse->end - parse->at < VERSION_BYTES - 1 || memcmp(at, "HTTP/", 5) != 0 ||
			!slv_is_digit(at[5]) || at[6] != '.' || !slv_is_digit(at[7]))
		return SLV_ERR(SLV_E_SYNTAX, "request line does not end with HTTP/ and a version");
	if (at[8] != '\r' || at[9] != '\n')
		return SLV_ERR(SLV_E_SYNTAX, "no CRLF behind the HTTP version");
	if (at[5] != '1' || (at[7] != '0' && at[7] != '1'))
		return SLV_ERR(SLV_E_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	*ret_version = at[7] == '1' ? 11 : 10;
	parse->at += VERSION_BYTES - 1;
	return SLV_OK;
}

/* RFC 9112 section 3.2. An absolute target's authority goes before Host. */
static slv_err check_target(struct slv_h1_head *head)
{
	slv_str target = head->target;
	if (slv_str_starts(target, SLV_STR("/")))
		return SLV_OK;
	if (slv_str_eq(target, SLV_STR("*"))) {
		if (head->method != SLV_METHOD_OPTIONS)
			return SLV_ERR(SLV_E_SYNTAX, "request target * is for OPTIONS only");
		return SLV_OK;
	}
	struct slv_uri uri;
	slv_err err = slv_uri_parse(target, &uri);
	if (slv_failed(err))
		return err;
	struct slv_host host;
	err = slv_host_parse(uri.authority, &host);
	if (slv_failed(err))
		return err;
	head->host = uri.authority;
	return SLV_OK;
}

static slv_err parse_request_line(struct parse *parse, struct slv_h1_head *head)
{
	slv_err err = parse_method(parse, &head->method_name);
	if (slv_failed(err))
		return err;
	head->method = slv_method_from(head->method_name);
	if (head->method == SLV_METHOD_CONNECT)
		return SLV_ERR(SLV_E_NOT_DONE, "CONNECT is not done here");
	err = parse_target(parse, &head->target);
	if (slv_failed(err))
		return err;
	err = parse_version(parse, &head->version);
	if (slv_failed(err))
		return err;
	return check_target(head);
}

/* Why the byte at `stop` ends no name. */
static slv_err name_error(const struct parse *parse, size_t stop)
{
	char c = parse->bytes[stop];
	bool first = stop == parse->at;
	if (first && slv_is_blank(c))
		return SLV_ERR(SLV_E_SYNTAX, "line begins with white space (folded line)");
	if (first && c == ':')
		return SLV_ERR(SLV_E_SYNTAX, "field without a name");
	if (slv_is_blank(c))
		return SLV_ERR(SLV_E_SYNTAX, "white space before the colon of a field");
	if (c == '_')
		return SLV_ERR(SLV_E_SYNTAX, "underscore in a field name");
	if (c == '\r' || c == '\n')
		return SLV_ERR(SLV_E_SYNTAX, "field line without a colon");
	return slv_err_printf(parse->arena, SLV_E_SYNTAX, "byte 0x%02x in a field name",
			(unsigned)(uint8_t)c);
}

static slv_err value_error(const struct parse *parse, size_t stop)
{
	char c = parse->bytes[stop];
	if (c == '\r')
		return SLV_ERR(SLV_E_SYNTAX, "CR without LF in a field value");
	if (c == '\n')
		return SLV_ERR(SLV_E_SYNTAX, "line ends with LF without CR");
	return slv_err_printf(parse->arena, SLV_E_SYNTAX, "control byte 0x%02x in a field value",
			(unsigned)(uint8_t)c);
}

static slv_err fields_push(
		struct parse *parse, struct slv_fields *fields, slv_str name, slv_str value)
{
	if (name.len + value.len > parse->limits->field_bytes_max)
		return too_long(parse->arena, SLV_E_HEADERS,
				"bytes in a field:", parse->limits->field_bytes_max,
				"field_bytes_max");
	if (fields->count >= parse->limits->fields_max)
		return too_long(parse->arena, SLV_E_HEADERS, "fields:", parse->limits->fields_max,
				"fields_max");
	if (SLV_LIKELY(fields->count < fields->cap)) {
		fields->at[fields->count++] = (struct slv_field){ name, value, slv_field_id(name) };
		return SLV_OK;
	}
	if (slv_failed(slv_fields_add(fields, name, value)))
		return SLV_ERR(SLV_E_HEADERS, "fields take more memory than a request may have");
	return SLV_OK;
}

static slv_err parse_field(struct parse *parse, struct slv_fields *fields)
{
	const char *bytes = parse->bytes;
	size_t colon = slv_scan_name(bytes, parse->at, parse->end);
	if (bytes[colon] != ':' || colon == parse->at)
		return name_error(parse, colon);

	size_t begin = colon + 1;
	while (slv_is_blank(bytes[begin]))
		begin++;
	size_t stop = slv_scan_value(bytes, begin, parse->end);
	if (bytes[stop] != '\r' || bytes[stop + 1] != '\n')
		return value_error(parse, stop);
	size_t end = stop;
	while (end > begin && slv_is_blank(bytes[end - 1]))
		end--;

	slv_err err = fields_push(parse, fields, (slv_str){ bytes + parse->at, colon - parse->at },
			(slv_str){ bytes + begin, end - begin });
	parse->at = stop + 2;
	return err;
}

/* All elements of a list of tokens (RFC 9110 section 7.6.1); empty elements do not count. */
static slv_err see_connection(struct seen *seen, slv_str value)
{
	while (value.at) {
		slv_str option = slv_str_trim(slv_str_cut(&value, ','));
		if (slv_scan_plain(option.at, 0, option.len, SLV_SCAN_TOKEN) != option.len)
			return SLV_ERR(SLV_E_SYNTAX, "Connection is not a list of tokens");
		if (slv_str_eq_nocase(option, SLV_STR("close")))
			seen->close = true;
		else if (slv_str_eq_nocase(option, SLV_STR("keep-alive")))
			seen->keep_alive = true;
	}
	return SLV_OK;
}

/* A tab is white space as good as a space, but not all readers strip it. Elsewhere that does
 * no harm. */
static bool has_tab(const struct slv_field *field)
{
	const char *at = field->name.at + field->name.len;
	while (*at != '\r' && *at != '\t')
		at++;
	return *at == '\t';
}

static slv_err see_framing(slv_str *seen, uint8_t *count, const struct slv_field *field)
{
	if (has_tab(field))
		return SLV_ERR(SLV_E_SYNTAX, "tab in Content-Length or Transfer-Encoding");
	*seen = field->value;
	if (*count < 2)
		++*count;
	return SLV_OK;
}

static slv_err see_field(struct seen *seen, const struct slv_field *field)
{
	switch (field->id) {
	case SLV_FIELD_HOST:
		seen->host = field->value;
		seen->hosts += seen->hosts < 2;
		return SLV_OK;
	case SLV_FIELD_CONTENT_LENGTH:
		return see_framing(&seen->length, &seen->lengths, field);
	case SLV_FIELD_TRANSFER_ENCODING:
		return see_framing(&seen->coding, &seen->codings, field);
	case SLV_FIELD_CONNECTION:
		return see_connection(seen, field->value);
	case SLV_FIELD_EXPECT:
		if (!slv_str_eq_nocase(field->value, SLV_STR("100-continue")))
			return SLV_ERR(SLV_E_EXPECT, "no expectation but 100-continue is met");
		seen->expect_continue = true;
		return SLV_OK;
	default:
		return SLV_OK;
	}
}

/* Fields up to and with the empty line. `seen` may be NULL. */
static slv_err parse_fields(struct parse *parse, struct slv_fields *fields, struct seen *seen)
{
	slv_fields_init(fields, parse->arena);
	while (parse->bytes[parse->at] != '\r') {
		slv_err err = parse_field(parse, fields);
		if (slv_failed(err))
			return err;
		slv_assert(parse->at + 2 <= parse->end);
		if (!seen)
			continue;
		err = see_field(seen, &fields->at[fields->count - 1]);
		if (slv_failed(err))
			return err;
	}
	if (parse->bytes[parse->at + 1] != '\n')
		return SLV_ERR(SLV_E_SYNTAX, "CR without LF at the begin of a line");
	parse->at += 2;
	return SLV_OK;
}

static slv_err check_host(const struct seen *seen, struct slv_h1_head *head)
{
	if (seen->hosts > 1)
		return SLV_ERR(SLV_E_SYNTAX, "more than one Host");
	if (seen->hosts == 0)
		return head->version == 10 ? SLV_OK
		                           : SLV_ERR(SLV_E_SYNTAX, "HTTP/1.1 request without Host");
	struct slv_host host;
	if (slv_failed(slv_host_parse(seen->host, &host)))
		return SLV_ERR(SLV_E_SYNTAX, "Host is not a host and port");
	if (head->host.len == 0)
		head->host = seen->host;
	return SLV_OK;
}

static slv_err parse_length(slv_str text, uint64_t *ret_length)
{
	uint64_t length = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!slv_is_digit(text.at[i]))
			return SLV_ERR(SLV_E_SYNTAX, "Content-Length is not digits only");
		if (i >= LENGTH_DIGITS_MAX)
			return SLV_ERR(SLV_E_SYNTAX, "Content-Length of more than 19 digits");
		length = length * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (text.len == 0)
		return SLV_ERR(SLV_E_SYNTAX, "empty Content-Length");
	*ret_length = length;
	return SLV_OK;
}

/* RFC 9112 section 6.3, without the cases that it leaves to the reader's taste. The coding's
 * name may not even vary in case, as section 7 allows: no client in use does that, and
 * attempts to hide the field from one of two readers do. */
static slv_err check_framing(const struct seen *seen, struct slv_h1_head *head)
{
	if (seen->lengths > 1)
		return SLV_ERR(SLV_E_SYNTAX, "more than one Content-Length");
	if (seen->codings > 1)
		return SLV_ERR(SLV_E_SYNTAX, "more than one Transfer-Encoding");
	if (seen->codings && seen->lengths)
		return SLV_ERR(SLV_E_SYNTAX, "Transfer-Encoding beside Content-Length");
	if (seen->codings && head->version == 10)
		return SLV_ERR(SLV_E_SYNTAX, "Transfer-Encoding in HTTP/1.0");
	if (seen->codings && !slv_str_eq(seen->coding, SLV_STR("chunked")))
		return SLV_ERR(SLV_E_NOT_DONE, "no Transfer-Encoding but chunked is read");
	head->framing.chunked = seen->codings == 1;
	return seen->lengths ? parse_length(seen->length, &head->framing.length) : SLV_OK;
}

static slv_err parse_head(struct parse *parse, struct slv_h1_head *head)
{
	struct seen seen = { 0 };
	slv_err err = parse_request_line(parse, head);
	if (slv_failed(err))
		return err;
	err = parse_fields(parse, &head->fields, &seen);
	if (slv_failed(err))
		return err;
	err = check_host(&seen, head);
	if (slv_failed(err))
		return err;
	err = check_framing(&seen, head);
	if (slv_failed(err))
		return err;

	bool body = head->framing.chunked || seen.lengths;
	head->keep_alive = !seen.close && (head->version == 11 || seen.keep_alive);
	/* RFC 9110 section 10.1.1: to be ignored in HTTP/1.0 */
	head->expect_continue = seen.expect_continue && body && head->version == 11;
	return SLV_OK;
}

/* The request line is not complete and cannot become so within its bounds. */
static slv_err check_open_line(struct parse *parse)
{
	size_t line_max = SLV_H1_METHOD_BYTES_MAX + 1 + parse->limits->target_bytes_max +
	                  VERSION_BYTES;
	size_t len = parse->end - parse->at;
	if (len <= line_max || memchr(parse->bytes + parse->at, '\n', line_max))
		return SLV_OK;

	slv_str part;
	slv_err err = parse_method(parse, &part);
	if (!slv_failed(err))
		err = parse_target(parse, &part);
	if (slv_failed(err))
		return err;
	return SLV_ERR(SLV_E_SYNTAX, "request line does not end with HTTP/ and a version");
}

/* Does the head end within parse->end? Then `*ret_whole` is true, and parse->end is behind an
 * empty line that is the head's or comes later. */
static slv_err find_end(struct slv_h1_parser *parser, struct parse *parse, bool *ret_whole)
{
	const char *bytes = parse->bytes;
	size_t begin = parse->at, end = parse->end;
	uint32_t max = parse->limits->head_bytes_max;

	*ret_whole = end - begin <= max && end - begin >= 4 &&
	             memcmp(bytes + end - 4, "\r\n\r\n", 4) == 0;
	if (*ret_whole)
		return SLV_OK;

	size_t bound = end - begin > max ? begin + max : end;
	size_t at = parser->scanned > begin ? parser->scanned : begin;
	while (at < bound) {
		const char *found = memchr(bytes + at, '\n', bound - at);
		if (!found)
			break;
		at = (size_t)(found - bytes) + 1;
		/* The first byte of all is of a token, so two bytes behind it is safe. */
		if (found[-1] != '\r')
			return SLV_ERR(SLV_E_SYNTAX, "line ends with LF without CR");
		if (found[-2] == '\n') {
			parse->end = at;
			*ret_whole = true;
			return SLV_OK;
		}
	}
	parser->scanned = bound;

	slv_err err = check_open_line(parse);
	if (!slv_failed(err) && end - begin >= max)
		err = head_too_long(parse->arena, parse->limits);
	return err;
}

/* `*ret_begin` == bytes.len: nothing of the request line is there yet. */
static slv_err skip_empty_line(slv_str bytes, size_t *ret_begin)
{
	size_t begin = 0;
	if (bytes.len > 0 && bytes.at[0] == '\r') {
		if (bytes.len > 1 && bytes.at[1] != '\n')
			return SLV_ERR(SLV_E_SYNTAX, "CR without LF before the request line");
		begin = bytes.len > 1 ? 2 : 1;
	}
	if (begin < bytes.len && !slv_scan_is(bytes.at[begin], SLV_SCAN_TOKEN))
		return SLV_ERR(SLV_E_SYNTAX, "request line does not begin with a method");
	*ret_begin = begin;
	return SLV_OK;
}

slv_err slv_h1_parse(struct slv_h1_parser *parser, struct slv_arena *arena, slv_str bytes,
		const struct slv_h1_limits *limits, struct slv_h1_head *ret_head, size_t *ret_used)
{
	slv_assert(limits->target_bytes_max && limits->field_bytes_max && limits->head_bytes_max &&
			limits->fields_max);
	struct parse parse = { arena, limits, bytes.at, 0, bytes.len };
	slv_err err = skip_empty_line(bytes, &parse.at);
	if (slv_failed(err))
		return err;

	bool whole = false;
	if (parse.at < bytes.len)
		err = find_end(parser, &parse, &whole);
	if (slv_failed(err))
		return err;
	if (!whole) {
		*ret_used = 0;
		return SLV_OK;
	}

	struct slv_h1_head head = { 0 };
	err = parse_head(&parse, &head);
	if (slv_failed(err))
		return err;
	*ret_head = head;
	*ret_used = parse.at;
	return SLV_OK;
}

slv_err slv_h1_parse_fields(struct slv_arena *arena, slv_str lines,
		const struct slv_h1_limits *limits, struct slv_fields *ret_fields)
{
	bool whole = slv_str_ends(lines, SLV_STR("\r\n\r\n")) || slv_str_eq(lines, SLV_STR("\r\n"));
	if (!whole)
		return SLV_ERR(SLV_E_SYNTAX, "fields do not end with an empty line");

	struct parse parse = { arena, limits, lines.at, 0, lines.len };
	struct slv_fields fields;
	slv_err err = parse_fields(&parse, &fields, NULL);
	if (slv_failed(err))
		return err;
	if (parse.at != lines.len)
		return SLV_ERR(SLV_E_SYNTAX, "bytes behind the empty line that ends the fields");
	*ret_fields = fields;
	return SLV_OK;
}

enum slv_h1_preface slv_h1_is_h2_preface(slv_str bytes)
{
	const slv_str preface = SLV_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	size_t len = bytes.len < preface.len ? bytes.len : preface.len;
	if (!slv_str_eq(slv_str_head(bytes, len), slv_str_head(preface, len)))
		return SLV_H1_PREFACE_NO;
	return len == preface.len ? SLV_H1_PREFACE_YES : SLV_H1_PREFACE_MORE;
}
