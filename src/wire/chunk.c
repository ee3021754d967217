/*
 *          +--------------------------------------------------------------+
 *          v                                                              |
 *   SIZE --+--> SIZE_LF --size > 0--> DATA --> DATA_CR --> DATA_LF -------+
 *    |     ^       |
 *    +-';'-> EXT --+ size 0
 *                  v
 *               TRAILER --CR--> LAST_LF --> done
 *                  |                          ^
 *                  +--other--> LINES ---------+
 */
#include "wire/chunk.h"

#include "base/assert.h"
#include "http/scan.h"

#include <string.h>

#define SIZE_DIGITS_MAX 16
#define LINES_BYTES_FIRST 256

enum chunk_state {
	CHUNK_SIZE,    /* digits of the size */
	CHUNK_EXT,     /* extensions up to CR */
	CHUNK_SIZE_LF, /* LF that ends the size line */
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* begin of the trailer section */
	CHUNK_LINES,   /* in trailer lines */
	CHUNK_LAST_LF, /* LF of the empty line, when there are no trailers */
};

/* Not in http/field.h's table, and of the kinds that RFC 9110 section 6.5.1 rules out. */
static const slv_str not_trailers[] = {
	SLV_STR_INIT("max-forwards"),
	SLV_STR_INIT("proxy-authenticate"),
	SLV_STR_INIT("proxy-authorization"),
	SLV_STR_INIT("warning"),
	SLV_STR_INIT("www-authenticate"),
};

bool slv_chunk_trailer_ok(enum slv_field_id id, slv_str name)
{
	switch (id) {
	case SLV_FIELD_CONNECTION: /* framing and the connection */
	case SLV_FIELD_CONTENT_LENGTH:
	case SLV_FIELD_KEEP_ALIVE:
	case SLV_FIELD_PROXY_CONNECTION:
	case SLV_FIELD_TE:
	case SLV_FIELD_TRAILER:
	case SLV_FIELD_TRANSFER_ENCODING:
	case SLV_FIELD_UPGRADE:
	case SLV_FIELD_FORWARDED: /* routing, and whom the client is taken for */
	case SLV_FIELD_HOST:
	case SLV_FIELD_X_FORWARDED_FOR:
	case SLV_FIELD_X_FORWARDED_HOST:
	case SLV_FIELD_X_FORWARDED_PROTO:
	case SLV_FIELD_CACHE_CONTROL: /* request modifiers and conditions */
	case SLV_FIELD_EXPECT:
	case SLV_FIELD_IF_MATCH:
	case SLV_FIELD_IF_MODIFIED_SINCE:
	case SLV_FIELD_IF_NONE_MATCH:
	case SLV_FIELD_IF_RANGE:
	case SLV_FIELD_IF_UNMODIFIED_SINCE:
	case SLV_FIELD_PRAGMA:
	case SLV_FIELD_RANGE:
	case SLV_FIELD_AUTHORIZATION: /* authentication */
	case SLV_FIELD_COOKIE:
	case SLV_FIELD_SET_COOKIE:
	case SLV_FIELD_AGE: /* how to take the reply */
	case SLV_FIELD_DATE:
	case SLV_FIELD_EXPIRES:
	case SLV_FIELD_LOCATION:
	case SLV_FIELD_RETRY_AFTER:
	case SLV_FIELD_VARY:
	case SLV_FIELD_CONTENT_ENCODING: /* how to take the content */
	case SLV_FIELD_CONTENT_RANGE:
	case SLV_FIELD_CONTENT_TYPE:
		return false;
	default:
		break;
	}
	for (size_t i = 0; i < SLV_COUNT(not_trailers); i++)
		if (slv_str_eq_nocase(name, not_trailers[i]))
			return false;
	return true;
}

static slv_err end_lines(struct slv_chunk_decoder *decoder)
{
	slv_str lines = { decoder->lines, decoder->lines_len };
	slv_err err = slv_h1_parse_fields(
			decoder->arena, lines, decoder->limits, &decoder->trailers);
	if (slv_failed(err))
		return err;
	for (uint32_t i = 0; i < decoder->trailers.count; i++) {
		const struct slv_field *field = &decoder->trailers.at[i];
		if (!slv_chunk_trailer_ok(field->id, field->name))
			return slv_err_printf(decoder->arena, SLV_E_SYNTAX,
					"field '%.*s' may not be a trailer",
					SLV_FMT(slv_str_head(field->name, 64)));
	}
	decoder->done = true;
	return SLV_OK;
}

static slv_err keep_lines(struct slv_chunk_decoder *decoder, slv_str bytes)
{
	if (bytes.len > decoder->limits->head_bytes_max - decoder->lines_len)
		return slv_err_printf(decoder->arena, SLV_E_HEADERS,
				"bytes in the trailers: more than %u (head_bytes_max)",
				decoder->limits->head_bytes_max);
	uint32_t need = decoder->lines_len + (uint32_t)bytes.len;
	if (need > decoder->lines_cap) {
		uint32_t cap = decoder->lines_cap ? 2 * decoder->lines_cap : LINES_BYTES_FIRST;
		if (cap < need)
			cap = need;
		char *lines = slv_arena_bytes(decoder->arena, cap);
		if (!lines)
			return SLV_ERR(SLV_E_HEADERS,
					"trailers take more memory than a request may have");
		if (decoder->lines_len)
			memcpy(lines, decoder->lines, decoder->lines_len);
		decoder->lines = lines;
		decoder->lines_cap = cap;
	}
	memcpy(decoder->lines + decoder->lines_len, bytes.at, bytes.len);
	decoder->lines_len = need;
	return SLV_OK;
}

/* Keep what belongs to the current trailer line. */
static slv_err eat_lines(struct slv_chunk_decoder *decoder, slv_str bytes, size_t *ret_used)
{
	size_t len = slv_str_find(bytes, '\n');
	bool line = len < bytes.len;
	len += line;
	slv_err err = keep_lines(decoder, slv_str_head(bytes, len));
	if (slv_failed(err))
		return err;
	*ret_used = len;
	slv_str lines = { decoder->lines, decoder->lines_len };
	if (line && !slv_str_ends(lines, SLV_STR("\r\n")))
		return SLV_ERR(SLV_E_SYNTAX, "trailer line ends with LF without CR");
	return line && slv_str_ends(lines, SLV_STR("\r\n\r\n")) ? end_lines(decoder) : SLV_OK;
}

static slv_err eat_size(struct slv_chunk_decoder *decoder, char c)
{
	int digit = slv_hex_value(c);
	if (digit >= 0) {
		if (decoder->digits == SIZE_DIGITS_MAX)
			return SLV_ERR(SLV_E_SYNTAX, "chunk size of more than 16 digits");
		decoder->digits++;
		decoder->left = decoder->left << 4 | (uint64_t)digit;
		return SLV_OK;
	}
	if (decoder->digits == 0)
		return SLV_ERR(SLV_E_SYNTAX, "chunk without a size");
	if (c != ';' && c != '\r')
		return SLV_ERR(SLV_E_SYNTAX, "chunk size not followed by ';' or CRLF");
	decoder->state = c == ';' ? CHUNK_EXT : CHUNK_SIZE_LF;
	decoder->ext_bytes = 0;
	return SLV_OK;
}

static slv_err eat_ext(struct slv_chunk_decoder *decoder, char c)
{
	if (c == '\r') {
		decoder->state = CHUNK_SIZE_LF;
		return SLV_OK;
	}
	if (!slv_scan_is(c, SLV_SCAN_VALUE))
		return SLV_ERR(SLV_E_SYNTAX, "control byte in a chunk extension");
	if (++decoder->ext_bytes > SLV_CHUNK_EXT_BYTES_MAX)
		return SLV_ERR(SLV_E_SYNTAX, "chunk extensions of more than 256 bytes");
	if (++decoder->ext_bytes_all > SLV_CHUNK_EXT_BYTES_ALL_MAX)
		return SLV_ERR(SLV_E_SYNTAX, "chunk extensions of more than 16384 bytes in all");
	return SLV_OK;
}

/* The states that want one certain byte. */
static slv_err eat_fixed(struct slv_chunk_decoder *decoder, char c)
{
	char want = decoder->state == CHUNK_DATA_CR ? '\r' : '\n';
	if (c != want && decoder->state == CHUNK_DATA_CR)
		return SLV_ERR(SLV_E_SYNTAX, "chunk data not followed by CRLF");
	if (c != want)
		return SLV_ERR(SLV_E_SYNTAX, "CR without LF between chunks");
	switch (decoder->state) {
	case CHUNK_SIZE_LF:
		decoder->state = decoder->left ? CHUNK_DATA : CHUNK_TRAILER;
		break;
	case CHUNK_DATA_CR:
		decoder->state = CHUNK_DATA_LF;
		break;
	case CHUNK_DATA_LF:
		decoder->state = CHUNK_SIZE;
		decoder->digits = 0;
		break;
	default:
		slv_assert(decoder->state == CHUNK_LAST_LF);
		slv_fields_init(&decoder->trailers, decoder->arena);
		decoder->done = true;
	}
	return SLV_OK;
}

static slv_str eat_data(struct slv_chunk_decoder *decoder, slv_str bytes)
{
	slv_str data = slv_str_head(bytes, decoder->left < bytes.len ? decoder->left : bytes.len);
	decoder->left -= data.len;
	if (decoder->left == 0)
		decoder->state = CHUNK_DATA_CR;
	return data;
}

/* One step. `*used` is 1, and is changed by the steps that eat more. */
static slv_err eat(struct slv_chunk_decoder *decoder, slv_str bytes, size_t *used, slv_str *data)
{
	switch (decoder->state) {
	case CHUNK_SIZE:
		return eat_size(decoder, bytes.at[0]);
	case CHUNK_EXT:
		return eat_ext(decoder, bytes.at[0]);
	case CHUNK_DATA:
		*data = eat_data(decoder, bytes);
		*used = data->len;
		return SLV_OK;
	case CHUNK_TRAILER:
		decoder->state = bytes.at[0] == '\r' ? CHUNK_LAST_LF : CHUNK_LINES;
		*used = bytes.at[0] == '\r';
		return SLV_OK;
	case CHUNK_LINES:
		return eat_lines(decoder, bytes, used);
	default:
		return eat_fixed(decoder, bytes.at[0]);
	}
}

slv_err slv_chunk_decode(struct slv_chunk_decoder *decoder, slv_str bytes, size_t *ret_used,
		slv_str *ret_data)
{
	slv_assert(decoder->arena && decoder->limits);
	slv_str data = { 0 };
	size_t at = 0;
	while (at < bytes.len && !decoder->done && data.len == 0) {
		size_t used = 1;
		slv_err err = eat(decoder, slv_str_from_index(bytes, at), &used, &data);
		if (slv_failed(err))
			return err;
		at += used;
	}
	*ret_used = at;
	*ret_data = data;
	return SLV_OK;
}

void slv_chunk_begin(struct slv_buf *buf, uint64_t len)
{
	slv_assert(len > 0);
	char text[SIZE_DIGITS_MAX + 2];
	size_t at = SIZE_DIGITS_MAX;
	text[SIZE_DIGITS_MAX] = '\r';
	text[SIZE_DIGITS_MAX + 1] = '\n';
	for (; len; len >>= 4)
		text[--at] = "0123456789abcdef"[len & 15];
	slv_buf_add(buf, (slv_str){ text + at, sizeof(text) - at });
}

slv_err slv_chunk_last(struct slv_buf *buf, const struct slv_fields *trailers)
{
	uint32_t count = trailers ? trailers->count : 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct slv_field *field = &trailers->at[i];
		if (!slv_field_name_ok(field->name) || !slv_field_value_ok(field->value))
			return SLV_ERR(SLV_E_SYNTAX, "trailer that cannot be sent");
		if (!slv_chunk_trailer_ok(field->id, field->name))
			return SLV_ERR(SLV_E_SYNTAX, "field that may not be a trailer");
	}
	slv_buf_add(buf, SLV_STR("0\r\n"));
	for (uint32_t i = 0; i < count; i++) {
		slv_buf_add(buf, trailers->at[i].name);
		slv_buf_add(buf, SLV_STR(": "));
		slv_buf_add(buf, trailers->at[i].value);
		slv_buf_add(buf, SLV_STR("\r\n"));
	}
	slv_buf_add(buf, SLV_STR("\r\n"));
	return SLV_OK;
}
