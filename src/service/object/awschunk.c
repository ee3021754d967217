/*
 *          +-----------------------------------------------------------+
 *          v                                                           |
 *   SIZE --+-----------+--> SIZE_LF --size > 0--> DATA --> DATA_CR --> DATA_LF
 *    |                 ^       |
 *    +-';'-> EXT --CR--+       |size 0
 *                              +--no trailer--> LAST_CR --> LAST_LF --> done
 *                              v                                         ^
 *                             LINE --empty line--------------------------+
 *                             | ^
 *                    LF alone v |any, or CRLF
 *                            AFTER_LF --CR--> SKIP_LF
 */
#include "service/object/awschunk.h"

#include "base/assert.h"

#include <string.h>

#define SIZE_DIGITS_MAX 16
#define EXT_NAME SLV_STR(";chunk-signature=")
#define TRAILER_SIGNATURE SLV_STR("x-amz-trailer-signature")

enum state {
	CHUNK_SIZE, /* digits of the size */
	CHUNK_EXT,  /* ";chunk-signature=…" up to CR */
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_LAST_CR, /* the empty line at the end, when there is no trailer */
	CHUNK_LAST_LF,
	CHUNK_LINE,     /* in a line of the trailer */
	CHUNK_AFTER_LF, /* behind a line that ended with LF alone */
	CHUNK_SKIP_LF   /* of the CRLF behind such a line */
};

bool slv_object_payload_of(slv_str sha256, enum slv_object_payload *ret_payload)
{
	static const struct {
		slv_str text;
		enum slv_object_payload payload;
	} words[] = {
		{ SLV_STR_INIT("UNSIGNED-PAYLOAD"), SLV_OBJECT_PAYLOAD_UNSIGNED },
		{ SLV_STR_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
				SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS },
		{ SLV_STR_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
				SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS_TRAILER },
		{ SLV_STR_INIT("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
				SLV_OBJECT_PAYLOAD_UNSIGNED_CHUNKS_TRAILER },
	};
	for (size_t i = 0; i < SLV_COUNT(words); i++) {
		if (!slv_str_eq(sha256, words[i].text))
			continue;
		*ret_payload = words[i].payload;
		return true;
	}
	uint8_t digest[SLV_SHA256_BYTES];
	if (!slv_str_unhex(sha256, digest, sizeof(digest)))
		return false;
	*ret_payload = SLV_OBJECT_PAYLOAD_DIGEST;
	return true;
}

static slv_object_err bad_chunk(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST, what);
}

static slv_object_err bad_trailer(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_TRAILER, what);
}

/* --- signatures --- */

static slv_object_err check_signature(struct slv_object_awschunk *decoder, bool of_trailer)
{
	struct slv_digest digest;
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_str before = decoder->signature->signature;
	if (decoder->has_before)
		before = (slv_str){ decoder->before, sizeof(decoder->before) };
	slv_digest_finish(&decoder->digest, digest.bytes);
	if (of_trailer)
		slv_sigv4_sign_trailer(decoder->signature, decoder->key, before, &digest, hex);
	else
		slv_sigv4_sign_chunk(decoder->signature, decoder->key, before, &digest, hex);
	if (!slv_str_eq_secret((slv_str){ hex, sizeof(hex) },
			    (slv_str){ decoder->told, sizeof(decoder->told) }))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH,
				of_trailer ? "The signature of the trailer does not hold."
					   : "The signature of a chunk does not hold.");
	memcpy(decoder->before, hex, sizeof(hex));
	decoder->has_before = true;
	return SLV_OBJECT_OK;
}

/* The data of this chunk has ended. */
static slv_object_err end_data(struct slv_object_awschunk *decoder)
{
	if (!decoder->signature)
		return SLV_OBJECT_OK;
	slv_object_err err = check_signature(decoder, false);
	slv_digest_init(&decoder->digest, SLV_DIGEST_SHA256);
	return err;
}

/* --- the line of a chunk --- */

static slv_object_err eat_size(struct slv_object_awschunk *decoder, char c)
{
	int value = slv_hex_value(c);
	if (value >= 0) {
		if (decoder->digits++ == SIZE_DIGITS_MAX)
			return bad_chunk("The size of a chunk has more than 16 digits.");
		decoder->size = decoder->size << 4 | (uint64_t)value;
		return SLV_OBJECT_OK;
	}
	if (decoder->digits == 0 || c != (decoder->signature ? ';' : '\r'))
		return bad_chunk(decoder->signature ? "A chunk does not begin with its size and "
						      "';chunk-signature='."
						    : "A chunk does not begin with its size.");
	decoder->ext_len = 1;
	decoder->state = decoder->signature ? CHUNK_EXT : CHUNK_SIZE_LF;
	return SLV_OBJECT_OK;
}

static slv_object_err eat_ext(struct slv_object_awschunk *decoder, char c)
{
	size_t at = decoder->ext_len, name_len = EXT_NAME.len;
	if (at == name_len + SLV_SIGV4_HEX_BYTES) {
		decoder->state = CHUNK_SIZE_LF;
		return c == '\r' ? SLV_OBJECT_OK
		                 : bad_chunk("The signature of a chunk is too long.");
	}
	if (at < name_len ? c != EXT_NAME.at[at] : slv_hex_value(c) < 0)
		return bad_chunk("The size of a chunk is not followed by ';chunk-signature=' and "
				 "64 digits.");
	if (at >= name_len)
		decoder->told[at - name_len] = c;
	decoder->ext_len++;
	return SLV_OBJECT_OK;
}

/* The line of a chunk has ended. */
static slv_object_err begin_data(struct slv_object_awschunk *decoder)
{
	uint64_t size = decoder->size;
	if (size > decoder->length - decoder->total)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INCOMPLETE_BODY,
				"The chunks have more bytes than x-amz-decoded-content-length.");
	if (size > 0 && decoder->small)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_CHUNK_SIZE, NULL);
	decoder->small = decoder->signature && size < SLV_OBJECT_SIGNED_CHUNK_MIN;
	decoder->total += size;
	decoder->left = size;
	decoder->size = 0;
	decoder->digits = 0;
	decoder->state = CHUNK_DATA;
	if (!decoder->has_before)
		slv_digest_init(&decoder->digest, SLV_DIGEST_SHA256);
	if (size > 0)
		return SLV_OBJECT_OK;
	if (decoder->total != decoder->length)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INCOMPLETE_BODY,
				"The chunks have fewer bytes than x-amz-decoded-content-length.");
	slv_fields_init(&decoder->trailers, decoder->arena);
	decoder->state = decoder->has_trailer ? CHUNK_LINE : CHUNK_LAST_CR;
	return end_data(decoder);
}

/* --- the trailer --- */

static slv_object_err keep_signature(struct slv_object_awschunk *decoder, slv_str value)
{
	if (!decoder->signature || value.len != sizeof(decoder->told))
		return bad_trailer("x-amz-trailer-signature is not of 64 digits, or not of a "
				   "signed body.");
	memcpy(decoder->told, value.at, value.len);
	decoder->trailer_signed = true;
	return SLV_OBJECT_OK;
}

/* Signed is each line as "name:value\n", the name in lower case. */
static void digest_line(struct slv_object_awschunk *decoder, slv_str name, slv_str value)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = slv_lower(name.at[i]);
		slv_digest_add(&decoder->digest, (slv_str){ &c, 1 });
	}
	slv_digest_add(&decoder->digest, SLV_STR(":"));
	slv_digest_add(&decoder->digest, value);
	slv_digest_add(&decoder->digest, SLV_STR("\n"));
}

static slv_object_err end_trailer(struct slv_object_awschunk *decoder)
{
	if (decoder->signature) {
		if (!decoder->trailer_signed)
			return SLV_OBJECT_ERR(SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH,
					"The trailer has no x-amz-trailer-signature.");
		slv_object_err err = check_signature(decoder, true);
		if (slv_object_failed(err))
			return err;
	}
	decoder->done = true;
	return SLV_OBJECT_OK;
}

/* A line without its end. */
static slv_object_err eat_line(struct slv_object_awschunk *decoder, slv_str line)
{
	slv_str value = line, name = slv_str_cut(&value, ':');
	bool is_field = value.at != NULL;
	value = slv_str_trim(value);
	if (!is_field || !slv_field_name_ok(name) || !slv_field_value_ok(value))
		return bad_trailer("A line of the trailer is no field.");
	if (decoder->trailer_signed)
		return bad_trailer("x-amz-trailer-signature is not the last of the trailer.");
	if (slv_str_eq_nocase(name, TRAILER_SIGNATURE))
		return keep_signature(decoder, value);
	if (decoder->trailers.count == SLV_OBJECT_TRAILER_FIELDS_MAX)
		return bad_trailer("More than 16 fields are in the trailer.");
	digest_line(decoder, name, value);
	if (slv_failed(slv_fields_add(&decoder->trailers, name, value)))
		return bad_trailer("The trailer takes more memory than a request may have.");
	return SLV_OBJECT_OK;
}

static slv_object_err end_line(struct slv_object_awschunk *decoder)
{
	slv_str line = { decoder->lines + decoder->line_at, decoder->lines_len - decoder->line_at };
	decoder->line_at = decoder->lines_len;
	if (!slv_str_ends(line, SLV_STR("\r"))) {
		decoder->state = CHUNK_AFTER_LF;
		return eat_line(decoder, line);
	}
	line.len--;
	return line.len ? eat_line(decoder, line) : end_trailer(decoder);
}

static slv_object_err eat_trailer(struct slv_object_awschunk *decoder, char c)
{
	if (!decoder->lines)
		decoder->lines = slv_arena_bytes(decoder->arena, SLV_OBJECT_TRAILER_BYTES_MAX);
	if (!decoder->lines)
		return bad_trailer("The trailer takes more memory than a request may have.");
	if (c == '\n')
		return end_line(decoder);
	if (decoder->lines_len == SLV_OBJECT_TRAILER_BYTES_MAX)
		return bad_trailer("More than 4096 bytes are in the trailer.");
	decoder->lines[decoder->lines_len++] = c;
	return SLV_OBJECT_OK;
}

static slv_object_err eat_after_lf(struct slv_object_awschunk *decoder, char c)
{
	if (c == '\r') {
		decoder->state = CHUNK_SKIP_LF;
		return SLV_OBJECT_OK;
	}
	decoder->state = CHUNK_LINE;
	return eat_trailer(decoder, c);
}

/* --- all of it --- */

/* The bytes that stand for nothing. */
static slv_object_err eat_fixed(struct slv_object_awschunk *decoder, char c)
{
	static const struct {
		char wanted;
		enum state next;
	} fixed[] = {
		[CHUNK_DATA_CR] = { '\r', CHUNK_DATA_LF },
		[CHUNK_DATA_LF] = { '\n', CHUNK_SIZE },
		[CHUNK_LAST_CR] = { '\r', CHUNK_LAST_LF },
		[CHUNK_LAST_LF] = { '\n', CHUNK_LAST_LF },
		[CHUNK_SKIP_LF] = { '\n', CHUNK_LINE },
	};
	slv_assert(fixed[decoder->state].wanted);
	if (c != fixed[decoder->state].wanted)
		return decoder->state == CHUNK_SKIP_LF
		                       ? bad_trailer("A line of the trailer ends with LF and CR.")
		                       : bad_chunk("A chunk does not end with CRLF.");
	decoder->done = decoder->state == CHUNK_LAST_LF;
	decoder->state = fixed[decoder->state].next;
	return SLV_OBJECT_OK;
}

static slv_object_err eat_data(struct slv_object_awschunk *decoder, slv_str bytes, slv_str *data)
{
	*data = slv_str_head(bytes, decoder->left < bytes.len ? decoder->left : bytes.len);
	decoder->left -= data->len;
	if (decoder->signature)
		slv_digest_add(&decoder->digest, *data);
	if (decoder->left > 0)
		return SLV_OBJECT_OK;
	decoder->state = CHUNK_DATA_CR;
	return end_data(decoder);
}

/* One step. `*used` is 1, and is changed by data. */
static slv_object_err eat(
		struct slv_object_awschunk *decoder, slv_str bytes, size_t *used, slv_str *data)
{
	switch (decoder->state) {
	case CHUNK_SIZE:
		return eat_size(decoder, bytes.at[0]);
	case CHUNK_EXT:
		return eat_ext(decoder, bytes.at[0]);
	case CHUNK_SIZE_LF:
		return bytes.at[0] == '\n' ? begin_data(decoder)
		                           : bad_chunk("The size of a chunk has CR without LF.");
	case CHUNK_DATA: {
		slv_object_err err = eat_data(decoder, bytes, data);
		*used = data->len;
		return err;
	}
	case CHUNK_LINE:
		return eat_trailer(decoder, bytes.at[0]);
	case CHUNK_AFTER_LF:
		return eat_after_lf(decoder, bytes.at[0]);
	default:
		return eat_fixed(decoder, bytes.at[0]);
	}
}

slv_object_err slv_object_awschunk_decode(struct slv_object_awschunk *decoder, slv_str bytes,
		size_t *ret_used, slv_str *ret_data)
{
	slv_assert(decoder->arena && !decoder->signature == !decoder->key);
	slv_str data = { 0 };
	size_t at = 0;
	while (at < bytes.len && !decoder->done && data.len == 0) {
		size_t used = 1;
		slv_object_err err = eat(decoder, slv_str_from_index(bytes, at), &used, &data);
		if (slv_object_failed(err))
			return err;
		at += used;
	}
	*ret_used = at;
	*ret_data = data;
	return SLV_OBJECT_OK;
}
