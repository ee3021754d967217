#include "http/sigv4.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/date.h"
#include "http/uri.h"

#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DATE_LEN 8
#define TEXT_BYTES_MAX SLV_MIB(1) /* of a canonical request */

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* --- what a request says --- */

/* "AKID/20130524/us-east-1/s3/aws4_request"; a key id has no slash here. */
static bool read_credential(slv_str text, struct slv_sigv4 *signature)
{
	signature->key_id = slv_str_cut(&text, '/');
	signature->date = slv_str_cut(&text, '/');
	signature->region = slv_str_cut(&text, '/');
	signature->service = slv_str_cut(&text, '/');
	return signature->key_id.len > 0 && signature->date.len == DATE_LEN &&
	       slv_str_eq(text, SLV_STR("aws4_request"));
}

static bool is_hex(slv_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.at[i] >= '0' && text.at[i] <= '9') ||
				    (text.at[i] >= 'a' && text.at[i] <= 'f')))
			return false;
	return text.len == SLV_SIGV4_HEX_BYTES;
}

static slv_err finish(struct slv_sigv4 *signature)
{
	if (!slv_date_parse_basic(signature->time, &signature->time_s))
		return SLV_ERR(SLV_E_SYNTAX, "x-amz-date is no time like 20130524T000000Z");
	if (!slv_str_eq(slv_str_head(signature->time, DATE_LEN), signature->date))
		return SLV_ERR(SLV_E_SYNTAX, "the credential's date is not that of x-amz-date");
	if (!is_hex(signature->signature))
		return SLV_ERR(SLV_E_SYNTAX, "a signature is 64 hexadecimal digits");
	return SLV_OK;
}

static slv_err find_in_field(
		slv_str value, const struct slv_fields *fields, struct slv_sigv4 *signature)
{
	slv_str rest = value, credential = { 0 };
	if (!slv_str_eq(slv_str_cut(&rest, ' '), SLV_STR(ALGORITHM)))
		return SLV_ERR(SLV_E_SYNTAX, "Authorization is not of AWS4-HMAC-SHA256");
	while (rest.at) {
		slv_str part = slv_str_trim(slv_str_cut(&rest, ','));
		slv_str name = slv_str_cut(&part, '=');
		if (slv_str_eq(name, SLV_STR("Credential")))
			credential = part;
		else if (slv_str_eq(name, SLV_STR("SignedHeaders")))
			signature->signed_fields = part;
		else if (slv_str_eq(name, SLV_STR("Signature")))
			signature->signature = part;
	}
	if (!read_credential(credential, signature))
		return SLV_ERR(SLV_E_SYNTAX,
				"the credential is not ID/DATE/REGION/SERVICE/aws4_request");
	const struct slv_field *time = slv_fields_find_name(fields, SLV_STR("x-amz-date"));
	signature->time = time ? time->value : (slv_str){ 0 };
	return finish(signature);
}

static slv_err find_in_query(struct slv_arena *arena, slv_str query, struct slv_sigv4 *signature)
{
	slv_str algorithm = { 0 }, credential = { 0 }, expires = { 0 };
	const struct {
		slv_str name, *value;
	} wanted[] = {
		{ SLV_STR("X-Amz-Algorithm"), &algorithm },
		{ SLV_STR("X-Amz-Credential"), &credential },
		{ SLV_STR("X-Amz-Date"), &signature->time },
		{ SLV_STR("X-Amz-Expires"), &expires },
		{ SLV_STR("X-Amz-SignedHeaders"), &signature->signed_fields },
		{ SLV_STR("X-Amz-Signature"), &signature->signature },
	};
	while (query.at) {
		slv_str value = slv_str_cut(&query, '&'), name = slv_str_cut(&value, '=');
		for (size_t i = 0; i < SLV_COUNT(wanted); i++) {
			if (!slv_str_eq(name, wanted[i].name))
				continue;
			if (wanted[i].value->at)
				return SLV_ERR(SLV_E_SYNTAX,
						"a parameter of the signature stands twice");
			slv_err err = slv_uri_decode(arena, value, wanted[i].value);
			if (slv_failed(err))
				return err;
		}
	}
	uint64_t seconds;
	if (!slv_str_eq(algorithm, SLV_STR(ALGORITHM)))
		return SLV_ERR(SLV_E_SYNTAX, "X-Amz-Algorithm is not AWS4-HMAC-SHA256");
	if (!read_credential(credential, signature))
		return SLV_ERR(SLV_E_SYNTAX,
				"the credential is not ID/DATE/REGION/SERVICE/aws4_request");
	if (!slv_str_u64(expires, SLV_SIGV4_EXPIRES_MAX, &seconds) || seconds < 1)
		return SLV_ERR(SLV_E_SYNTAX, "X-Amz-Expires: from 1 to 604800 seconds are allowed");
	signature->expires_s = (uint32_t)seconds;
	signature->presigned = true;
	return finish(signature);
}

slv_err slv_sigv4_find(struct slv_arena *arena, const struct slv_sigv4_request *request,
		struct slv_sigv4 *ret_signature)
{
	const struct slv_field *field =
			slv_fields_find(request->fields, SLV_FIELD_AUTHORIZATION, NULL);
	bool presigned = slv_str_find_str(request->query, SLV_STR("X-Amz-Signature=")) <
	                 request->query.len;
	*ret_signature = (struct slv_sigv4){ 0 };
	if (field && presigned)
		return SLV_ERR(SLV_E_SYNTAX, "two signatures: in Authorization and in the query");
	if (presigned)
		return find_in_query(arena, request->query, ret_signature);
	if (!field)
		return SLV_ERR(SLV_E_UNAUTHORIZED, "the request is not signed");
	return find_in_field(field->value, request->fields, ret_signature);
}

/* --- the canonical request --- */

struct param {
	slv_str name, value; /* encoded */
};

static int by_name(const void *a, const void *b)
{
	const struct param *left = a, *right = b;
	int order = slv_str_cmp(left->name, right->name);
	return order ? order : slv_str_cmp(left->value, right->value);
}

/* Decoded, and encoded as it must be. */
static slv_err encode_again(struct slv_arena *arena, slv_str text, slv_str keep, slv_str *ret_text)
{
	slv_str plain;
	slv_err err = slv_uri_decode(arena, text, &plain);
	if (slv_failed(err))
		return err;
	struct slv_buf buf;
	slv_buf_init(&buf, TEXT_BYTES_MAX);
	slv_uri_encode(&buf, plain, keep);
	*ret_text = slv_str_copy(arena, slv_buf_str(&buf));
	slv_buf_done(&buf);
	return ret_text->at ? SLV_OK : SLV_ERR(SLV_E_LIMIT, "the request is too large to sign");
}

static slv_err add_query(
		struct slv_arena *arena, slv_str query, bool presigned, struct slv_buf *out)
{
	struct param params[SLV_SIGV4_PARAMS_MAX];
	size_t count = 0;
	while (query.at) {
		slv_str value = slv_str_cut(&query, '&'), name = slv_str_cut(&value, '=');
		if (name.len == 0 || (presigned && slv_str_eq(name, SLV_STR("X-Amz-Signature"))))
			continue;
		if (count == SLV_SIGV4_PARAMS_MAX)
			return SLV_ERR(SLV_E_LIMIT, "parameters of a signed query: at most 100");
		struct param *param = &params[count++];
		slv_err err = encode_again(arena, name, SLV_STR(""), &param->name);
		if (!slv_failed(err))
			err = encode_again(arena, value, SLV_STR(""), &param->value);
		if (slv_failed(err))
			return err;
	}
	qsort(params, count, sizeof(*params), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			slv_buf_add_char(out, '&');
		slv_buf_add(out, params[i].name);
		slv_buf_add_char(out, '=');
		slv_buf_add(out, params[i].value);
	}
	return SLV_OK;
}

/* Trimmed, and one space for each run of them. */
static void add_value(struct slv_buf *out, slv_str value)
{
	value = slv_str_trim(value);
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] != ' ' || value.at[i - 1] != ' ')
			slv_buf_add_char(out, value.at[i]);
}

/* All fields of a name, in their order, between commas. */
static bool add_field(struct slv_buf *out, const struct slv_fields *fields, slv_str name)
{
	bool found = false;
	slv_buf_add(out, name);
	slv_buf_add_char(out, ':');
	for (uint32_t i = 0; i < fields->count; i++) {
		if (!slv_str_eq_nocase(fields->at[i].name, name))
			continue;
		if (found)
			slv_buf_add_char(out, ',');
		add_value(out, fields->at[i].value);
		found = true;
	}
	slv_buf_add_char(out, '\n');
	return found;
}

static bool is_signed(slv_str list, slv_str name)
{
	while (list.at)
		if (slv_str_eq_nocase(slv_str_cut(&list, ';'), name))
			return true;
	return false;
}

/* What may not be changed on the way: where it goes, and what S3 is asked for. */
static bool must_be_signed(slv_str name)
{
	slv_str prefix = SLV_STR("x-amz-");
	return slv_str_eq_nocase(name, SLV_STR("host")) ||
	       slv_str_eq_nocase(slv_str_head(name, prefix.len), prefix);
}

static slv_err add_fields(const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, struct slv_buf *out)
{
	const struct slv_fields *fields = request->fields;
	slv_str rest = signature->signed_fields;
	size_t count = 0;
	while (rest.at) {
		slv_str name = slv_str_cut(&rest, ';');
		if (++count > SLV_SIGV4_SIGNED_MAX)
			return SLV_ERR(SLV_E_LIMIT, "signed header fields: at most 64 are allowed");
		if (!add_field(out, fields, name))
			return SLV_ERR(SLV_E_SYNTAX, "a signed header field is not there");
	}
	for (uint32_t i = 0; i < fields->count; i++)
		if (must_be_signed(fields->at[i].name) &&
				!is_signed(signature->signed_fields, fields->at[i].name))
			return SLV_ERR(SLV_E_SYNTAX, "Host and x-amz- fields must be signed");
	return SLV_OK;
}

static slv_err write_canonical(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, struct slv_buf *out)
{
	slv_str path;
	slv_err err = encode_again(arena, request->path, SLV_STR("/"), &path);
	if (slv_failed(err))
		return err;
	slv_buf_add(out, request->method);
	slv_buf_add_char(out, '\n');
	slv_buf_add(out, path);
	slv_buf_add_char(out, '\n');
	err = add_query(arena, request->query, signature->presigned, out);
	if (slv_failed(err))
		return err;
	slv_buf_add_char(out, '\n');
	err = add_fields(request, signature, out);
	if (slv_failed(err))
		return err;
	slv_buf_add_char(out, '\n');
	slv_buf_add(out, signature->signed_fields);
	slv_buf_add_char(out, '\n');
	slv_buf_add(out, request->payload);
	return out->overflow ? SLV_ERR(SLV_E_LIMIT, "the request is too large to sign") : SLV_OK;
}

/* --- signatures --- */

static slv_str text_of(const struct slv_digest *digest)
{
	return (slv_str){ (const char *)digest->bytes, sizeof(digest->bytes) };
}

static void write_hex(const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	for (size_t i = 0; i < sizeof(digest->bytes); i++) {
		ret_hex[2 * i] = "0123456789abcdef"[digest->bytes[i] >> 4];
		ret_hex[2 * i + 1] = "0123456789abcdef"[digest->bytes[i] & 15];
	}
}

struct slv_digest slv_sigv4_key(slv_str secret, slv_str date, slv_str region, slv_str service)
{
	struct slv_buf start;
	slv_buf_init(&start, TEXT_BYTES_MAX);
	slv_buf_add(&start, SLV_STR("AWS4"));
	slv_buf_add(&start, secret);
	struct slv_digest key = slv_hmac_sha256(slv_buf_str(&start), &date, 1);
	slv_wipe(start.at, start.len);
	slv_buf_done(&start);
	const slv_str parts[] = { region, service, SLV_STR("aws4_request") };
	for (size_t i = 0; i < SLV_COUNT(parts); i++)
		key = slv_hmac_sha256(text_of(&key), &parts[i], 1);
	return key;
}

/* Of the kind, the time, the scope and `parts`, a line each. */
static void sign(const struct slv_sigv4 *signature, const struct slv_digest *key, const char *kind,
		const slv_str *parts, size_t count, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	slv_str text[16] = { slv_str_from(kind), SLV_STR("\n"), signature->time, SLV_STR("\n"),
		signature->date, SLV_STR("/"), signature->region, SLV_STR("/"), signature->service,
		SLV_STR("/aws4_request") };
	size_t used = 10;
	for (size_t i = 0; i < count; i++) {
		text[used++] = SLV_STR("\n");
		text[used++] = parts[i];
	}
	struct slv_digest mac = slv_hmac_sha256(text_of(key), text, used);
	write_hex(&mac, ret_hex);
}

slv_err slv_sigv4_sign(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, const struct slv_digest *key,
		char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	struct slv_buf text;
	slv_buf_init(&text, TEXT_BYTES_MAX);
	slv_err err = write_canonical(arena, request, signature, &text);
	if (!slv_failed(err)) {
		char hex[SLV_SIGV4_HEX_BYTES];
		slv_str all = slv_buf_str(&text), digest = { hex, sizeof(hex) };
		struct slv_digest of_all = slv_sha256(&all, 1);
		write_hex(&of_all, hex);
		sign(signature, key, ALGORITHM, &digest, 1, ret_hex);
	}
	slv_buf_done(&text);
	return err;
}

void slv_sigv4_sign_chunk(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	char hex[SLV_SIGV4_HEX_BYTES];
	write_hex(digest, hex);
	const slv_str parts[] = { before, SLV_STR(EMPTY_SHA256), { hex, sizeof(hex) } };
	sign(signature, key, ALGORITHM "-PAYLOAD", parts, SLV_COUNT(parts), ret_hex);
}

void slv_sigv4_sign_trailer(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	char hex[SLV_SIGV4_HEX_BYTES];
	write_hex(digest, hex);
	const slv_str parts[] = { before, { hex, sizeof(hex) } };
	sign(signature, key, ALGORITHM "-TRAILER", parts, SLV_COUNT(parts), ret_hex);
}
