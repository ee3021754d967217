/*
 *   PREAMBLE --delimiter--> LINE --CR--> LINE_LF --> HEAD --empty line--> DATA
 *                            ^ |                                           |
 *                            | +--'-'--> DASH --'-'--> OVER --> CLOSE      |
 *                            +-------------delimiter-----------------------+
 *
 *   CLOSE --CR--> CLOSE_LF --> EPILOGUE
 *
 * A delimiter is CRLF, "--" and the boundary. CR can be its first byte only, so that where a match
 * breaks off, no byte of it can begin another: the search never goes back, and what was held back
 * are the first bytes of the delimiter, which are handed out from there.
 *
 * Its CRLF may be one that is no data: none at all where the body begins, or the empty line that
 * ends the head of a part without a body (RFC 2046 section 5.1.1). It counts as matched then, and
 * is `unsent` if no delimiter follows.
 */
#include "http/multipart.h"

#include "base/assert.h"
#include "base/attr.h"
#include "http/token.h"

#include <string.h>

#define CRLF_BYTES 2

enum multipart_state {
	MULTIPART_PREAMBLE,
	MULTIPART_LINE,     /* behind a boundary */
	MULTIPART_LINE_LF,  /* LF that ends its line */
	MULTIPART_HEAD,     /* fields of a part */
	MULTIPART_DATA,     /* its body */
	MULTIPART_DASH,     /* the second '-' behind the last boundary */
	MULTIPART_OVER,     /* the end is still to be told */
	MULTIPART_CLOSE,    /* behind the last boundary's "--" */
	MULTIPART_CLOSE_LF, /* LF that ends its line */
	MULTIPART_EPILOGUE,
};

/* --- parameters of Content-Type and Content-Disposition --- */

struct param {
	slv_str name, value; /* the value without its quotes, escapes as sent */
	bool quoted;
};

/* The index of the quote that closes the text whose opening one is rest[0]; rest.len if none
 * does. One behind a backslash does if nothing or another parameter follows. */
static size_t find_close(slv_str rest)
{
	size_t at = 1;
	for (; at < rest.len; at++) {
		at += slv_str_find(slv_str_from_index(rest, at), '"');
		slv_str behind = slv_token_skip_space(slv_str_from_index(rest, at + 1));
		if (at == rest.len || rest.at[at - 1] != '\\' || behind.len == 0 ||
				behind.at[0] == ';')
			break;
	}
	return at;
}

/* Cut `; name=value` off `*rest`. */
static slv_err cut_param(slv_str *rest, struct param *ret_param)
{
	if (rest->at[0] != ';')
		return SLV_ERR(SLV_E_SYNTAX, "parameter of a form not behind ';'");
	slv_str text = slv_token_skip_space(slv_str_from_index(*rest, 1));
	size_t len = slv_token_len(text);
	if (len == 0 || len == text.len || text.at[len] != '=')
		return SLV_ERR(SLV_E_SYNTAX, "parameter of a form is not name=value");
	struct param param = { .name = slv_str_head(text, len) };

	text = slv_str_from_index(text, len + 1);
	param.quoted = slv_str_starts(text, SLV_STR("\""));
	size_t end = param.quoted ? find_close(text) : slv_token_len(text);
	if (param.quoted ? end >= text.len : end == 0)
		return SLV_ERR(SLV_E_SYNTAX, "parameter of a form without a value that ends");
	param.value = slv_str_from_index(slv_str_head(text, end), param.quoted);
	*rest = slv_token_skip_space(slv_str_from_index(text, end + param.quoted));
	*ret_param = param;
	return SLV_OK;
}

/* --- the boundary --- */

/* RFC 2046 section 5.1.1. */
static bool boundary_ok(slv_str boundary)
{
	if (boundary.len == 0 || boundary.len > SLV_MULTIPART_BOUNDARY_BYTES_MAX ||
			boundary.at[boundary.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < boundary.len; i++) {
		char c = boundary.at[i], low = slv_lower(c);
		bool alnum = slv_is_digit(c) || (low >= 'a' && low <= 'z');
		slv_str others = SLV_STR("'()+_,-./:=? ");
		if (!alnum && slv_str_find(others, c) == others.len)
			return false;
	}
	return true;
}

static slv_err find_boundary(slv_str content_type, slv_str *ret_boundary)
{
	slv_str rest = slv_str_trim(content_type), boundary = { 0 };
	size_t len = slv_str_find(rest, ';');
	slv_str type = slv_str_trim(slv_str_head(rest, len));
	if (!slv_str_eq_nocase(type, SLV_STR("multipart/form-data")))
		return SLV_ERR(SLV_E_MEDIA, "the body is not multipart/form-data");
	rest = slv_str_from_index(rest, len);
	while (rest.len) {
		struct param param;
		slv_err err = cut_param(&rest, &param);
		if (slv_failed(err))
			return err;
		if (!slv_str_eq_nocase(param.name, SLV_STR("boundary")))
			continue;
		if (boundary.at)
			return SLV_ERR(SLV_E_SYNTAX, "form with two boundaries");
		boundary = param.value;
	}
	if (!boundary.at || !boundary_ok(boundary))
		return SLV_ERR(SLV_E_SYNTAX,
				"form without a boundary of 1 to 70 bytes that may be in one");
	*ret_boundary = boundary;
	return SLV_OK;
}

slv_err slv_multipart_init(struct slv_multipart *decoder, struct slv_arena *arena,
		slv_str content_type, const struct slv_multipart_limits *limits)
{
	slv_assert(limits->parts_max && limits->head_bytes_max && limits->fields_max &&
			limits->name_bytes_max);
	slv_str boundary;
	slv_err err = find_boundary(content_type, &boundary);
	if (slv_failed(err))
		return err;

	struct slv_multipart made = {
		.arena = arena,
		.limits = *limits,
		.delim = "\r\n--",
		.delim_len = (uint8_t)(4 + boundary.len),
		.matched = CRLF_BYTES,
		.unsent = CRLF_BYTES,
		.skip_bytes_left = SLV_MULTIPART_PREAMBLE_BYTES_MAX,
		.head = slv_arena_bytes(arena, limits->head_bytes_max),
	};
	slv_fields_init(&made.part.fields, arena);
	if (!made.head)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the head of a form's part");
	memcpy(made.delim + 4, boundary.at, boundary.len);
	*decoder = made;
	return SLV_OK;
}

/* --- what the head of a part says --- */

/* The texts of Content-Disposition; at == NULL if not there. */
struct disposition {
	slv_str name, filename, filename_ext;
};

/* Write what the escape at the head of `text` means. Its length; 0 if it is none. */
static size_t read_escape(slv_str text, char *ret_c)
{
	static const struct {
		slv_str escape;
		char c;
	} escapes[] = {
		{ SLV_STR_INIT("%22"), '"' },
		{ SLV_STR_INIT("%0D"), '\r' },
		{ SLV_STR_INIT("%0A"), '\n' },
		{ SLV_STR_INIT("\\\""), '"' },
	};
	for (size_t i = 0; i < SLV_COUNT(escapes); i++) {
		if (slv_str_starts(text, escapes[i].escape)) {
			*ret_c = escapes[i].c;
			return escapes[i].escape.len;
		}
	}
	return 0;
}

/* Decode a quoted text where it stands, in the head. */
static slv_str decode_quoted(struct slv_multipart *decoder, slv_str text)
{
	char *out = decoder->head + (text.at - decoder->head);
	size_t len = 0;
	for (size_t at = 0; at < text.len; len++) {
		char c = text.at[at];
		size_t escape = read_escape(slv_str_from_index(text, at), &c);
		at += escape ? escape : 1;
		out[len] = c;
	}
	return slv_str_head(text, len);
}

/* charset'language'text of RFC 8187 section 3.2, decoded where it stands. */
static slv_err decode_ext(struct slv_multipart *decoder, slv_str text, slv_str *ret_text)
{
	slv_str charset = slv_str_cut(&text, '\'');
	slv_str_cut(&text, '\'');
	if (!text.at || !slv_str_eq_nocase(charset, SLV_STR("utf-8")))
		return SLV_ERR(SLV_E_SYNTAX, "filename* of a form's part is not UTF-8''text");
	char *out = decoder->head + (text.at - decoder->head);
	size_t len = 0;
	for (size_t at = 0; at < text.len; at++) {
		uint8_t byte = (uint8_t)text.at[at];
		if (byte == '%') {
			slv_str digits = slv_str_head(slv_str_from_index(text, at + 1), 2);
			if (!slv_str_unhex(digits, &byte, 1) || byte == 0)
				return SLV_ERR(SLV_E_SYNTAX,
						"'%' in filename* without two hexadecimal digits, "
						"or %00");
			at += 2;
		}
		out[len++] = (char)byte;
	}
	*ret_text = slv_str_head(text, len);
	return SLV_OK;
}

static slv_err set_text(struct slv_multipart *decoder, struct param param, slv_str *text)
{
	if (text->at)
		return SLV_ERR(SLV_E_SYNTAX, "two names of a kind in one Content-Disposition");
	bool ext = slv_str_ends(param.name, SLV_STR("*"));
	if (ext && param.quoted)
		return SLV_ERR(SLV_E_SYNTAX, "filename* of a form's part in quotes");
	if (ext) {
		slv_err err = decode_ext(decoder, param.value, text);
		if (slv_failed(err))
			return err;
	} else {
		*text = param.quoted ? decode_quoted(decoder, param.value) : param.value;
	}
	if (text->len > decoder->limits.name_bytes_max)
		return slv_err_printf(decoder->arena, SLV_E_LIMIT,
				"bytes in a name of a form's part: more than %u (name_bytes_max)",
				decoder->limits.name_bytes_max);
	return SLV_OK;
}

static slv_err parse_disposition(
		struct slv_multipart *decoder, slv_str value, struct disposition *disposition)
{
	size_t len = slv_token_len(value);
	if (!slv_str_eq_nocase(slv_str_head(value, len), SLV_STR("form-data")))
		return SLV_ERR(SLV_E_SYNTAX, "part without 'Content-Disposition: form-data'");
	slv_str rest = slv_token_skip_space(slv_str_from_index(value, len));
	while (rest.len) {
		struct param param;
		slv_err err = cut_param(&rest, &param);
		if (slv_failed(err))
			return err;
		if (slv_str_eq_nocase(param.name, SLV_STR("name")))
			err = set_text(decoder, param, &disposition->name);
		else if (slv_str_eq_nocase(param.name, SLV_STR("filename")))
			err = set_text(decoder, param, &disposition->filename);
		else if (slv_str_eq_nocase(param.name, SLV_STR("filename*")))
			err = set_text(decoder, param, &disposition->filename_ext);
		if (slv_failed(err))
			return err;
	}
	if (!disposition->name.at)
		return SLV_ERR(SLV_E_SYNTAX, "part of a form without a name");
	return SLV_OK;
}

static slv_err add_field(struct slv_multipart *decoder, slv_str line)
{
	struct slv_fields *fields = &decoder->part.fields;
	slv_str value = line;
	slv_str name = slv_str_cut(&value, ':');
	value = slv_str_trim(value);
	if (!value.at || !slv_field_name_ok(name) || !slv_field_value_ok(value))
		return SLV_ERR(SLV_E_SYNTAX, "line in the head of a part is no field");
	if (fields->count == decoder->limits.fields_max)
		return slv_err_printf(decoder->arena, SLV_E_LIMIT,
				"fields of a form's part: more than %u (fields_max)",
				decoder->limits.fields_max);
	enum slv_field_id id = slv_field_id(name);
	bool single = id == SLV_FIELD_CONTENT_DISPOSITION || id == SLV_FIELD_CONTENT_TYPE;
	if (single && slv_fields_find(fields, id, NULL))
		return SLV_ERR(SLV_E_SYNTAX,
				"two Content-Disposition or Content-Type in a form's part");
	if (slv_str_eq_nocase(name, SLV_STR("content-transfer-encoding")) &&
			!slv_str_eq_nocase(value, SLV_STR("7bit")) &&
			!slv_str_eq_nocase(value, SLV_STR("8bit")) &&
			!slv_str_eq_nocase(value, SLV_STR("binary")))
		return SLV_ERR(SLV_E_UNSUPPORTED,
				"Content-Transfer-Encoding other than 7bit, 8bit, binary in a "
				"form's part");
	return slv_fields_add(fields, name, value);
}

/* The head is complete: each line of it ends with CRLF, and the last is empty. */
static slv_err end_head(struct slv_multipart *decoder)
{
	struct slv_multipart_part *part = &decoder->part;
	slv_str rest = { decoder->head, decoder->head_len - CRLF_BYTES };
	part->fields.count = 0;
	while (rest.len) {
		slv_str line = slv_str_cut(&rest, '\n');
		slv_err err = add_field(decoder, slv_str_head(line, line.len - 1));
		if (slv_failed(err))
			return err;
	}
	struct disposition disposition = { 0 };
	slv_err err = parse_disposition(decoder,
			slv_fields_get(&part->fields, SLV_FIELD_CONTENT_DISPOSITION), &disposition);
	if (slv_failed(err))
		return err;
	slv_fields_remove(&part->fields, SLV_FIELD_CONTENT_DISPOSITION);
	part->name = disposition.name;
	part->filename = disposition.filename_ext.at ? disposition.filename_ext
	                                             : disposition.filename;
	part->content_type = slv_fields_get(&part->fields, SLV_FIELD_CONTENT_TYPE);
	return SLV_OK;
}

/* --- the states --- */

/* The number of bytes that both begin with. */
static size_t shared_len(slv_str a, slv_str b)
{
	size_t len = 0;
	while (len < a.len && len < b.len && a.at[len] == b.at[len])
		len++;
	return len;
}

/* Eat what is before a delimiter, and the delimiter. `*data` is what is surely none of it. */
static void eat_to_delim(struct slv_multipart *decoder, slv_str bytes, size_t *used, slv_str *data)
{
	slv_str delim = { decoder->delim, decoder->delim_len };
	if (decoder->matched) {
		size_t more = shared_len(bytes, slv_str_from_index(delim, decoder->matched));
		decoder->matched = (uint8_t)(decoder->matched + more);
		*used = more;
		if (decoder->matched == delim.len || more == bytes.len)
			return;
		*data = slv_str_from_index(slv_str_head(delim, decoder->matched), decoder->unsent);
		decoder->matched = decoder->unsent = 0;
		return;
	}
	size_t at = 0, matched;
	for (;; at += matched) {
		at += slv_str_find(slv_str_from_index(bytes, at), '\r');
		matched = shared_len(slv_str_from_index(bytes, at), delim);
		if (matched == delim.len || at + matched == bytes.len)
			break;
	}
	*data = slv_str_head(bytes, at);
	*used = at + matched;
	decoder->matched = (uint8_t)matched;
}

/* Eat as that; behind the delimiter the state is another. */
static void eat_data(struct slv_multipart *decoder, slv_str bytes, size_t *used, slv_str *data)
{
	eat_to_delim(decoder, bytes, used, data);
	if (decoder->matched == decoder->delim_len) {
		decoder->state = MULTIPART_LINE;
		decoder->matched = decoder->unsent = 0;
	}
}

static slv_err skip(struct slv_multipart *decoder, size_t len)
{
	if (len > decoder->skip_bytes_left)
		return SLV_ERR(SLV_E_LIMIT,
				"more than 1024 bytes before the first boundary of a form or "
				"behind its last");
	decoder->skip_bytes_left -= (uint32_t)len;
	return SLV_OK;
}

static slv_err eat_preamble(struct slv_multipart *decoder, slv_str bytes, size_t *used)
{
	slv_str skipped = { 0 };
	eat_data(decoder, bytes, used, &skipped);
	return skip(decoder, skipped.len);
}

/* Keep what belongs to the current line of the head. */
static slv_err eat_head(struct slv_multipart *decoder, slv_str bytes, size_t *used,
		enum slv_multipart_event *event)
{
	size_t len = slv_str_find(bytes, '\n');
	bool line = len < bytes.len;
	len += line;
	if (len > decoder->limits.head_bytes_max - decoder->head_len)
		return slv_err_printf(decoder->arena, SLV_E_LIMIT,
				"bytes in the head of a form's part: more than %u (head_bytes_max)",
				decoder->limits.head_bytes_max);
	memcpy(decoder->head + decoder->head_len, bytes.at, len);
	decoder->head_len += (uint32_t)len;
	*used = len;

	slv_str head = { decoder->head, decoder->head_len };
	if (!line)
		return SLV_OK;
	if (!slv_str_ends(head, SLV_STR("\r\n")))
		return SLV_ERR(SLV_E_SYNTAX, "line in the head of a part ends with LF without CR");
	if (head.len > CRLF_BYTES && !slv_str_ends(head, SLV_STR("\r\n\r\n")))
		return SLV_OK;
	decoder->state = MULTIPART_DATA;
	decoder->matched = decoder->unsent = CRLF_BYTES;
	*event = SLV_MULTIPART_PART;
	return end_head(decoder);
}

/* A part before this boundary is over. */
static void end_part(const struct slv_multipart *decoder, enum slv_multipart_event *event)
{
	if (decoder->parts)
		*event = SLV_MULTIPART_PART_END;
}

/* The states that want a certain byte. */
static slv_err eat_fixed(struct slv_multipart *decoder, char c, enum slv_multipart_event *event)
{
	if (decoder->state == MULTIPART_LINE && (c == '\r' || c == '-')) {
		decoder->state = c == '-' ? MULTIPART_DASH : MULTIPART_LINE_LF;
	} else if (decoder->state == MULTIPART_LINE_LF && c == '\n') {
		if (decoder->parts == decoder->limits.parts_max)
			return slv_err_printf(decoder->arena, SLV_E_LIMIT,
					"parts of a form: more than %u (parts_max)",
					decoder->limits.parts_max);
		end_part(decoder, event);
		decoder->parts++;
		decoder->head_len = 0;
		decoder->state = MULTIPART_HEAD;
	} else if (decoder->state == MULTIPART_DASH && c == '-') {
		end_part(decoder, event);
		decoder->state = MULTIPART_OVER;
	} else if (decoder->state == MULTIPART_CLOSE && c == '\r') {
		decoder->state = MULTIPART_CLOSE_LF;
	} else if (decoder->state == MULTIPART_CLOSE_LF && c == '\n') {
		decoder->skip_bytes_left = SLV_MULTIPART_EPILOGUE_BYTES_MAX;
		decoder->state = MULTIPART_EPILOGUE;
	} else {
		return SLV_ERR(SLV_E_SYNTAX,
				"boundary of a form followed by neither CRLF nor '--'");
	}
	return SLV_OK;
}

/* One step. `*used` is 1, and is changed by the steps that eat more or nothing. */
static slv_err eat(struct slv_multipart *decoder, slv_str bytes, size_t *used,
		enum slv_multipart_event *event, slv_str *data)
{
	switch (decoder->state) {
	case MULTIPART_PREAMBLE:
		return eat_preamble(decoder, bytes, used);
	case MULTIPART_HEAD:
		return eat_head(decoder, bytes, used, event);
	case MULTIPART_DATA:
		eat_data(decoder, bytes, used, data);
		if (data->len)
			*event = SLV_MULTIPART_DATA;
		return SLV_OK;
	case MULTIPART_OVER:
		*used = 0;
		*event = SLV_MULTIPART_END;
		decoder->state = MULTIPART_CLOSE;
		return SLV_OK;
	case MULTIPART_EPILOGUE:
		*used = bytes.len;
		return skip(decoder, bytes.len);
	default:
		return eat_fixed(decoder, bytes.at[0], event);
	}
}

slv_err slv_multipart_decode(struct slv_multipart *decoder, slv_str bytes, size_t *ret_used,
		enum slv_multipart_event *ret_event, slv_str *ret_data)
{
	enum slv_multipart_event event = SLV_MULTIPART_NEED;
	slv_str data = { 0 };
	size_t at = 0;
	while (event == SLV_MULTIPART_NEED &&
			(at < bytes.len || decoder->state == MULTIPART_OVER)) {
		size_t used = 1;
		slv_err err = eat(decoder, slv_str_from_index(bytes, at), &used, &event, &data);
		if (slv_failed(err))
			return err;
		at += used;
	}
	*ret_used = at;
	*ret_event = event;
	*ret_data = data;
	return SLV_OK;
}

slv_err slv_multipart_finish(const struct slv_multipart *decoder)
{
	switch (decoder->state) {
	case MULTIPART_CLOSE:
	case MULTIPART_EPILOGUE:
		return SLV_OK;
	case MULTIPART_PREAMBLE:
		return SLV_ERR(SLV_E_SYNTAX, "the boundary of the form is not in its body");
	default:
		return SLV_ERR(SLV_E_SYNTAX, "the form ends before its last boundary");
	}
}
