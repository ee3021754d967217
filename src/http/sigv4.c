#include "http/sigv4.h"

#include "base/assert.h"
#include "base/mem.h"
#include "http/uri.h"

#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define UNSIGNED "UNSIGNED-PAYLOAD"
#define DATE_LEN 8
#define TEXT_BYTES_MAX SLV_MIB(1) /* of a canonical request */

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* --- what a request says --- */

/* `raw`, percent-decoded, is `plain`. */
static bool means(slv_str raw, slv_str plain)
{
	size_t at = 0, i = 0;
	while (at < raw.len && i < plain.len) {
		char c = raw.at[at++];
		if (c == '%' && raw.len - at >= 2) {
			int high = slv_hex_value(raw.at[at]), low = slv_hex_value(raw.at[at + 1]);
			if (high >= 0 && low >= 0) {
				c = (char)(high << 4 | low);
				at += 2;
			}
		}
		if (c != plain.at[i++])
			return false;
	}
	return at == raw.len && i == plain.len;
}

static bool query_is_signed(slv_str query)
{
	while (query.at) {
		slv_str value = slv_str_cut(&query, '&'), name = slv_str_cut(&value, '=');
		if (means(name, SLV_STR("X-Amz-Algorithm")) ||
				means(name, SLV_STR("X-Amz-Credential")) ||
				means(name, SLV_STR("X-Amz-Signature")))
			return true;
	}
	return false;
}

enum slv_sigv4_place slv_sigv4_place(const struct slv_sigv4_request *request)
{
	bool field = slv_fields_find(request->fields, SLV_FIELD_AUTHORIZATION, NULL) != NULL;
	if (query_is_signed(request->query))
		return field ? SLV_SIGV4_IN_BOTH : SLV_SIGV4_IN_QUERY;
	return field ? SLV_SIGV4_IN_FIELD : SLV_SIGV4_NOWHERE;
}

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
		if (!slv_is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
			return false;
	return text.len == SLV_SIGV4_HEX_BYTES;
}

static bool is_lower(slv_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != slv_lower(text.at[i]))
			return false;
	return true;
}

static slv_err check_signed_fields(slv_str list)
{
	slv_str before = { 0 };
	for (size_t count = 1; list.at; count++) {
		slv_str name = slv_str_cut(&list, ';');
		if (count > SLV_SIGV4_SIGNED_MAX)
			return SLV_ERR(SLV_E_LIMIT, "signed header fields: at most 64 are allowed");
		if (!slv_field_name_ok(name) || !is_lower(name))
			return SLV_ERR(SLV_E_SYNTAX,
					"SignedHeaders are names in lower case between ';'");
		if (count > 1 && slv_str_cmp(before, name) >= 0)
			return SLV_ERR(SLV_E_SYNTAX,
					"SignedHeaders are not in order, or one is doubled");
		before = name;
	}
	return before.at ? SLV_OK : SLV_ERR(SLV_E_SYNTAX, "there are no SignedHeaders");
}

static slv_err read_scope(slv_str credential, struct slv_sigv4 *signature)
{
	if (!read_credential(credential, signature))
		return SLV_ERR(SLV_E_SYNTAX,
				"the credential is not ID/DATE/REGION/SERVICE/aws4_request");
	if (!slv_date_parse_basic(signature->time, &signature->time_s))
		return SLV_ERR(SLV_E_SYNTAX, "x-amz-date is no time like 20130524T000000Z");
	if (!slv_str_eq(slv_str_head(signature->time, DATE_LEN), signature->date))
		return SLV_ERR(SLV_E_SYNTAX, "the credential's date is not that of x-amz-date");
	if (!is_hex(signature->signature))
		return SLV_ERR(SLV_E_SYNTAX, "a signature is 64 hexadecimal digits in lower case");
	return SLV_OK;
}

static slv_err finish(slv_str credential, struct slv_sigv4 *signature)
{
	slv_err err = read_scope(credential, signature);
	return slv_failed(err) ? err : check_signed_fields(signature->signed_fields);
}

/* The parts of Authorization behind its first word. */
static slv_err read_parts(slv_str rest, slv_str *credential, struct slv_sigv4 *signature)
{
	const struct {
		slv_str name, *value;
	} wanted[] = {
		{ SLV_STR("Credential"), credential },
		{ SLV_STR("SignedHeaders"), &signature->signed_fields },
		{ SLV_STR("Signature"), &signature->signature },
	};
	while (rest.at) {
		slv_str value = slv_str_trim(slv_str_cut(&rest, ','));
		slv_str name = slv_str_cut(&value, '=');
		size_t i = 0;
		while (i < SLV_COUNT(wanted) && !slv_str_eq(name, wanted[i].name))
			i++;
		if (i == SLV_COUNT(wanted) || !value.at)
			return SLV_ERR(SLV_E_SYNTAX, "Authorization is Credential=…, "
						     "SignedHeaders=…, Signature=…");
		if (wanted[i].value->at)
			return SLV_ERR(SLV_E_SYNTAX, "a part of Authorization stands twice");
		*wanted[i].value = value;
	}
	return SLV_OK;
}

/* The one value of a field; at == NULL: there is none. False if there are several. */
static bool only_value(const struct slv_fields *fields, slv_str name, slv_str *ret_value)
{
	slv_str value = { 0 };
	for (uint32_t i = 0; i < fields->count; i++) {
		if (!slv_str_eq_nocase(fields->at[i].name, name))
			continue;
		if (value.at)
			return false;
		value = (slv_str){ fields->at[i].value.at ? fields->at[i].value.at : "",
			fields->at[i].value.len };
	}
	*ret_value = value;
	return true;
}

/* In x-amz-date or, in any of HTTP's forms too, in Date. */
static slv_err read_time(struct slv_arena *arena, const struct slv_fields *fields, int64_t now_s,
		slv_str *ret_time)
{
	slv_str time, date;
	if (!only_value(fields, SLV_STR("x-amz-date"), &time) ||
			!only_value(fields, SLV_STR("date"), &date))
		return SLV_ERR(SLV_E_SYNTAX, "x-amz-date or Date stands twice");
	int64_t time_s;
	*ret_time = time.at ? time : date;
	if (time.at || !slv_date_parse(date, now_s, &time_s))
		return SLV_OK;
	char *text = slv_arena_bytes(arena, SLV_DATE_BASIC_BYTES);
	if (!text)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the date of a signature");
	slv_date_print_basic(time_s, text);
	*ret_time = (slv_str){ text, SLV_DATE_BASIC_BYTES };
	return SLV_OK;
}

static slv_err find_in_field(struct slv_arena *arena, const struct slv_fields *fields,
		int64_t now_s, struct slv_sigv4 *signature)
{
	slv_str rest, credential = { 0 };
	if (!only_value(fields, SLV_STR("authorization"), &rest))
		return SLV_ERR(SLV_E_SYNTAX, "Authorization stands twice");
	if (!slv_str_eq(slv_str_cut(&rest, ' '), SLV_STR(ALGORITHM)))
		return SLV_ERR(SLV_E_UNSUPPORTED, "Authorization is not of AWS4-HMAC-SHA256");
	slv_err err = read_parts(rest, &credential, signature);
	if (!slv_failed(err))
		err = read_time(arena, fields, now_s, &signature->time);
	return slv_failed(err) ? err : finish(credential, signature);
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
		size_t i = 0;
		while (i < SLV_COUNT(wanted) && !means(name, wanted[i].name))
			i++;
		if (i == SLV_COUNT(wanted))
			continue;
		if (wanted[i].value->at)
			return SLV_ERR(SLV_E_SYNTAX, "a parameter of the signature stands twice");
		slv_err err = slv_uri_decode(arena, value, wanted[i].value);
		if (slv_failed(err))
			return err;
	}
	uint64_t seconds;
	if (!slv_str_eq(algorithm, SLV_STR(ALGORITHM)))
		return SLV_ERR(SLV_E_SYNTAX, "X-Amz-Algorithm is not AWS4-HMAC-SHA256");
	if (!slv_str_u64(expires, SLV_SIGV4_EXPIRES_MAX, &seconds) || seconds < 1)
		return SLV_ERR(SLV_E_SYNTAX, "X-Amz-Expires: from 1 to 604800 seconds are allowed");
	signature->expires_s = (uint32_t)seconds;
	signature->presigned = true;
	return finish(credential, signature);
}

slv_err slv_sigv4_find(struct slv_arena *arena, const struct slv_sigv4_request *request,
		int64_t now_s, struct slv_sigv4 *ret_signature)
{
	struct slv_sigv4 signature = { 0 };
	slv_err err;
	switch (slv_sigv4_place(request)) {
	case SLV_SIGV4_IN_FIELD:
		err = find_in_field(arena, request->fields, now_s, &signature);
		break;
	case SLV_SIGV4_IN_QUERY:
		err = find_in_query(arena, request->query, &signature);
		break;
	case SLV_SIGV4_IN_BOTH:
		return SLV_ERR(SLV_E_SYNTAX, "two signatures: in Authorization and in the query");
	default:
		return SLV_ERR(SLV_E_UNAUTHORIZED, "the request is not signed");
	}
	if (!slv_failed(err))
		*ret_signature = signature;
	return err;
}

slv_err slv_sigv4_find_form(slv_str algorithm, slv_str credential, slv_str date, slv_str hex,
		struct slv_sigv4 *ret_signature)
{
	struct slv_sigv4 signature = { .signature = hex,
		.time = date,
		.presigned = true,
		.expires_s = SLV_SIGV4_EXPIRES_MAX };
	if (!slv_str_eq(algorithm, SLV_STR(ALGORITHM)))
		return SLV_ERR(SLV_E_SYNTAX, "x-amz-algorithm is not AWS4-HMAC-SHA256");
	slv_err err = read_scope(credential, &signature);
	if (!slv_failed(err))
		*ret_signature = signature;
	return err;
}

enum slv_sigv4_when slv_sigv4_when(const struct slv_sigv4 *signature, int64_t now_s)
{
	if (signature->time_s - now_s > SLV_SIGV4_SKEW_S_MAX)
		return SLV_SIGV4_SKEWED;
	if (signature->presigned)
		return now_s - signature->time_s > signature->expires_s ? SLV_SIGV4_EXPIRED
		                                                        : SLV_SIGV4_IN_TIME;
	return now_s - signature->time_s > SLV_SIGV4_SKEW_S_MAX ? SLV_SIGV4_SKEWED
	                                                        : SLV_SIGV4_IN_TIME;
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

static const slv_err too_large = { .code = SLV_E_LIMIT,
	.what = "the request is too large to sign" };

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
	slv_str copy = slv_str_copy(arena, slv_buf_str(&buf));
	bool fits = copy.at && !buf.overflow;
	slv_buf_done(&buf);
	if (!fits)
		return too_large;
	*ret_text = copy;
	return SLV_OK;
}

static slv_err add_query(
		struct slv_arena *arena, slv_str query, bool presigned, struct slv_buf *out)
{
	struct param params[SLV_SIGV4_PARAMS_MAX];
	size_t count = 0;
	while (query.at) {
		slv_str value = slv_str_cut(&query, '&'), name = slv_str_cut(&value, '=');
		bool nothing = name.len == 0 && !value.at;
		if (nothing || (presigned && means(name, SLV_STR("X-Amz-Signature"))))
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

static bool is_listed(slv_str list, slv_str name)
{
	while (list.at)
		if (slv_str_eq_nocase(slv_str_cut(&list, ';'), name))
			return true;
	return false;
}

static bool is_amz(slv_str name)
{
	slv_str prefix = SLV_STR("x-amz-");
	return slv_str_eq_nocase(slv_str_head(name, prefix.len), prefix);
}

/* What may not be changed on the way: where it goes, and what S3 is asked for. */
static slv_err check_all_signed(const struct slv_fields *fields, slv_str list)
{
	if (!is_listed(list, SLV_STR("host")))
		return SLV_ERR(SLV_E_DENIED, "Host is not signed");
	for (uint32_t i = 0; i < fields->count; i++)
		if (is_amz(fields->at[i].name) && !is_listed(list, fields->at[i].name))
			return SLV_ERR(SLV_E_DENIED, "a field x-amz-… is not signed");
	return SLV_OK;
}

static slv_err write_canonical(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, struct slv_buf *out)
{
	slv_str path, rest = signature->signed_fields;
	slv_err err = check_all_signed(request->fields, rest);
	if (!slv_failed(err))
		err = encode_again(arena, request->path, SLV_STR("/"), &path);
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
	while (rest.at)
		if (!add_field(out, request->fields, slv_str_cut(&rest, ';')))
			return SLV_ERR(SLV_E_SIGNATURE, "a signed header field is not there");
	slv_buf_add_char(out, '\n');
	slv_buf_add(out, signature->signed_fields);
	slv_buf_add_char(out, '\n');
	slv_buf_add(out, request->payload);
	return out->overflow ? too_large : SLV_OK;
}

/* --- signatures --- */

static slv_str text_of(const struct slv_digest *digest)
{
	return (slv_str){ (const char *)digest->bytes, sizeof(digest->bytes) };
}

struct slv_digest slv_sigv4_key(slv_str secret, slv_str date, slv_str region, slv_str service)
{
	struct slv_buf start;
	slv_buf_init(&start, SLV_KIB(4) + secret.len);
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
static void sign(const struct slv_sigv4 *signature, const struct slv_digest *key, slv_str kind,
		const slv_str *parts, size_t count, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	slv_str text[16] = { kind, SLV_STR("\n"), signature->time, SLV_STR("\n"), signature->date,
		SLV_STR("/"), signature->region, SLV_STR("/"), signature->service,
		SLV_STR("/aws4_request") };
	size_t used = 10;
	slv_assert(used + 2 * count <= SLV_COUNT(text));
	for (size_t i = 0; i < count; i++) {
		text[used++] = SLV_STR("\n");
		text[used++] = parts[i];
	}
	struct slv_digest mac = slv_hmac_sha256(text_of(key), text, used);
	slv_str_hex(mac.bytes, sizeof(mac.bytes), ret_hex);
}

static slv_err sign_request(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, const struct slv_digest *key,
		char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	struct slv_buf text;
	slv_buf_init(&text, TEXT_BYTES_MAX);
	slv_err err = write_canonical(arena, request, signature, &text);
	if (!slv_failed(err)) {
		char hex[SLV_SIGV4_HEX_BYTES];
		slv_str all = slv_buf_str(&text), digest = { hex, sizeof(hex) };
		slv_str_hex(slv_sha256(&all, 1).bytes, SLV_SHA256_BYTES, hex);
		sign(signature, key, SLV_STR(ALGORITHM), &digest, 1, ret_hex);
	}
	slv_buf_done(&text);
	return err;
}

slv_err slv_sigv4_verify(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, const struct slv_digest *key)
{
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_err err = sign_request(arena, request, signature, key, hex);
	if (slv_failed(err))
		return err;
	return slv_str_eq_secret(signature->signature, (slv_str){ hex, sizeof(hex) })
	                       ? SLV_OK
	                       : SLV_ERR(SLV_E_SIGNATURE, "the signature is another one");
}

slv_err slv_sigv4_verify_policy(
		slv_str policy, const struct slv_sigv4 *signature, const struct slv_digest *key)
{
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_str_hex(slv_hmac_sha256(text_of(key), &policy, 1).bytes, SLV_SHA256_BYTES, hex);
	return slv_str_eq_secret(signature->signature, (slv_str){ hex, sizeof(hex) })
	                       ? SLV_OK
	                       : SLV_ERR(SLV_E_SIGNATURE, "the signature is another one");
}

void slv_sigv4_sign_chunk(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_str_hex(digest->bytes, sizeof(digest->bytes), hex);
	const slv_str parts[] = { before, SLV_STR(EMPTY_SHA256), { hex, sizeof(hex) } };
	sign(signature, key, SLV_STR(ALGORITHM "-PAYLOAD"), parts, SLV_COUNT(parts), ret_hex);
}

void slv_sigv4_sign_trailer(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES])
{
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_str_hex(digest->bytes, sizeof(digest->bytes), hex);
	const slv_str parts[] = { before, { hex, sizeof(hex) } };
	sign(signature, key, SLV_STR(ALGORITHM "-TRAILER"), parts, SLV_COUNT(parts), ret_hex);
}

/* --- what we ask --- */

static int by_bytes(const void *a, const void *b)
{
	return slv_str_cmp(*(const slv_str *)a, *(const slv_str *)b);
}

static bool we_sign(const struct slv_field *field)
{
	return field->id == SLV_FIELD_HOST || field->id == SLV_FIELD_CONTENT_TYPE ||
	       is_amz(field->name);
}

/* The names of what we sign: in lower case, sorted, each once. */
static slv_err list_fields(
		struct slv_arena *arena, const struct slv_fields *fields, slv_str *ret_list)
{
	slv_str names[SLV_SIGV4_SIGNED_MAX];
	size_t count = 0, len = 0;
	for (uint32_t i = 0; i < fields->count; i++) {
		const struct slv_field *field = &fields->at[i];
		if (!we_sign(field))
			continue;
		if (count == SLV_COUNT(names))
			return too_large;
		names[count] = slv_str_copy_lower(arena, field->name);
		if (!names[count++].at)
			return too_large;
		len += field->name.len + 1;
	}
	qsort(names, count, sizeof(*names), by_bytes);
	char *list = slv_arena_bytes(arena, len + 1);
	if (!list)
		return too_large;
	len = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && slv_str_eq(names[i - 1], names[i]))
			continue;
		if (len > 0)
			list[len++] = ';';
		memcpy(list + len, names[i].at, names[i].len);
		len += names[i].len;
	}
	*ret_list = (slv_str){ list, len };
	return SLV_OK;
}

static slv_err begin(struct slv_arena *arena, const struct slv_sigv4_client *client, int64_t now_s,
		struct slv_sigv4 *signature, struct slv_digest *key)
{
	char *time = slv_arena_bytes(arena, SLV_DATE_BASIC_BYTES);
	if (!time)
		return too_large;
	slv_date_print_basic(now_s, time);
	*signature = (struct slv_sigv4){ .key_id = client->key_id,
		.region = client->region,
		.service = client->service,
		.time = { time, SLV_DATE_BASIC_BYTES },
		.date = { time, DATE_LEN },
		.time_s = now_s };
	*key = slv_sigv4_key(client->secret, signature->date, client->region, client->service);
	return SLV_OK;
}

#define CREDENTIAL_FMT "%.*s/%.*s/%.*s/%.*s/aws4_request"
#define CREDENTIAL_OF(s)                                                                           \
	SLV_FMT((s).key_id), SLV_FMT((s).date), SLV_FMT((s).region), SLV_FMT((s).service)

slv_err slv_sigv4_authorize(struct slv_arena *arena, const struct slv_sigv4_client *client,
		struct slv_sigv4_request *request, int64_t now_s)
{
	struct slv_sigv4 signature;
	struct slv_digest key;
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_err err = begin(arena, client, now_s, &signature, &key);
	if (!slv_failed(err))
		err = slv_fields_add(request->fields, SLV_STR("x-amz-date"), signature.time);
	if (!slv_failed(err))
		err = slv_fields_add(
				request->fields, SLV_STR("x-amz-content-sha256"), request->payload);
	if (!slv_failed(err))
		err = list_fields(arena, request->fields, &signature.signed_fields);
	if (!slv_failed(err))
		err = sign_request(arena, request, &signature, &key, hex);
	slv_wipe(&key, sizeof(key));
	if (slv_failed(err))
		return err;
	slv_str text = slv_str_printf(arena,
			ALGORITHM " Credential=" CREDENTIAL_FMT
				  ", SignedHeaders=%.*s, Signature=%.*s",
			CREDENTIAL_OF(signature), SLV_FMT(signature.signed_fields),
			(int)sizeof(hex), hex);
	return text.at ? slv_fields_add_id(request->fields, SLV_FIELD_AUTHORIZATION, text)
	               : too_large;
}

/* The query of `request` and the parameters of a signature, but for the signature. */
static slv_err write_query(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, slv_str *ret_query)
{
	struct slv_buf buf;
	slv_buf_init(&buf, TEXT_BYTES_MAX);
	slv_buf_add(&buf, request->query);
	slv_buf_printf(&buf, "%sX-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=",
			request->query.len ? "&" : "");
	slv_str credential = slv_str_printf(arena, CREDENTIAL_FMT, CREDENTIAL_OF(*signature));
	slv_uri_encode(&buf, credential, SLV_STR(""));
	slv_buf_printf(&buf, "&X-Amz-Date=%.*s&X-Amz-Expires=%u&X-Amz-SignedHeaders=",
			SLV_FMT(signature->time), signature->expires_s);
	slv_uri_encode(&buf, signature->signed_fields, SLV_STR(""));
	slv_str query = slv_str_copy(arena, slv_buf_str(&buf));
	bool fits = credential.at && query.at && !buf.overflow;
	slv_buf_done(&buf);
	if (!fits)
		return too_large;
	*ret_query = query;
	return SLV_OK;
}

static bool has_reserved(slv_str query)
{
	if (query_is_signed(query))
		return true;
	while (query.at) {
		slv_str value = slv_str_cut(&query, '&'), name = slv_str_cut(&value, '=');
		if (means(name, SLV_STR("X-Amz-Date")) || means(name, SLV_STR("X-Amz-Expires")) ||
				means(name, SLV_STR("X-Amz-SignedHeaders")))
			return true;
	}
	return false;
}

slv_err slv_sigv4_presign(struct slv_arena *arena, const struct slv_sigv4_client *client,
		const struct slv_sigv4_request *request, int64_t now_s, uint32_t expires_s,
		struct slv_buf *buf)
{
	if (expires_s < 1 || expires_s > SLV_SIGV4_EXPIRES_MAX)
		return SLV_ERR(SLV_E_OPTION, "expiry: from 1 to 604800 seconds are allowed");
	if (has_reserved(request->query))
		return SLV_ERR(SLV_E_OPTION, "the query has parameters of a signature");
	struct slv_sigv4 signature;
	struct slv_digest key;
	struct slv_sigv4_request whole = *request;
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_str path;
	whole.payload = SLV_STR(UNSIGNED);
	slv_err err = begin(arena, client, now_s, &signature, &key);
	signature.presigned = true;
	signature.expires_s = expires_s;
	if (!slv_failed(err))
		err = list_fields(arena, request->fields, &signature.signed_fields);
	if (!slv_failed(err))
		err = write_query(arena, request, &signature, &whole.query);
	if (!slv_failed(err))
		err = encode_again(arena, request->path, SLV_STR("/"), &path);
	if (!slv_failed(err))
		err = sign_request(arena, &whole, &signature, &key, hex);
	slv_wipe(&key, sizeof(key));
	if (slv_failed(err))
		return err;
	slv_buf_add(buf, path);
	slv_buf_add_char(buf, '?');
	slv_buf_add(buf, whole.query);
	slv_buf_add(buf, SLV_STR("&X-Amz-Signature="));
	slv_buf_add(buf, (slv_str){ hex, sizeof(hex) });
	return buf->overflow ? too_large : SLV_OK;
}
