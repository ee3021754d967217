#include "service/image/sign.h"

#include "base/attr.h"
#include "proc/pixel.h"

#include <string.h>

#define HEX_LEN (2 * SLV_SHA256_BYTES)
#define BASE64_LEN_MAX 44 /* of 32 bytes, padded */
#define STAMP_LEN 10      /* digits of a timed token's time of issue */
#define EXP_DIGITS_MAX 12
#define PARTS_MAX 12 /* of a signed text */

static const slv_str set_prefix = SLV_STR_INIT("selvedge-set-1\n");

/* The source's own query has none of these when a link is signed. */
static const slv_str reserved[] = { SLV_STR_INIT("sig"), SLV_STR_INIT("exp"), SLV_STR_INIT("key"),
	SLV_STR_INIT("widths"), SLV_STR_INIT("formats"), SLV_STR_INIT("verify") };

/* --- settings --- */

#define AT(field) offsetof(struct slv_image_signing, field)
#define KEY_AT(field) offsetof(struct slv_image_sign_key, field)

static const struct slv_conf_key key_keys[] = {
	{ "name", SLV_CONF_TEXT, KEY_AT(name), NULL, 1, SLV_IMAGE_KEY_NAME_MAX,
			.help = "Its name, in links with sets" },
	{ "secret", SLV_CONF_SECRET, KEY_AT(secret), NULL, 1, 1024,
			.help = "Any text; 32 random characters are plenty" },
	{ 0 },
};

const struct slv_conf_key slv_image_signing_keys[] = {
	{ "required", SLV_CONF_BOOL, AT(required), "false", .help = "Refuse unsigned links" },
	{ "keys", SLV_CONF_LIST, AT(keys), NULL, 0, SLV_IMAGE_KEYS_MAX,
			.help = "Keys that links may be signed with; the first signs",
			.keys = key_keys, .size = sizeof(struct slv_image_sign_key) },
	{ "timed", SLV_CONF_BOOL, AT(timed), "true", .help = "Accept verify=<time>-<mac> tokens" },
	{ "timed_ttl_s", SLV_CONF_INT, AT(timed_ttl_s), "3600", 1, 1e9,
			.help = "How long such a token holds" },
	{ "timed_form", SLV_CONF_CHOICE, AT(timed_form), "base64", .choices = "base64|base64url",
			.help = "How its mac is written" },
	{ 0 },
};

#undef AT
#undef KEY_AT

static bool name_ok(slv_str name)
{
	if (name.len == 0 || name.len > SLV_IMAGE_KEY_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = slv_lower(name.at[i]);
		if (!(c >= 'a' && c <= 'z') && !slv_is_digit(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

static const struct slv_image_sign_key *find_key(const struct slv_conf_list *keys, slv_str name)
{
	const struct slv_image_sign_key *key = keys->at;
	for (size_t i = 0; i < keys->count; i++)
		if (slv_str_eq(key[i].name, name))
			return &key[i];
	return NULL;
}

slv_err slv_image_signing_check(const struct slv_image_signing *signing)
{
	const struct slv_image_sign_key *key = signing->keys.at;
	if (signing->keys.count > SLV_IMAGE_KEYS_MAX)
		return SLV_ERR(SLV_E_OPTION, "signing has more than 16 keys");
	if (signing->required && signing->keys.count == 0)
		return SLV_ERR(SLV_E_OPTION, "signing is required, but has no key");
	for (size_t i = 0; i < signing->keys.count; i++) {
		if (!name_ok(key[i].name))
			return SLV_ERR(SLV_E_OPTION, "a signing key's name must be 1 to 32 "
						     "letters, digits, '-' and '_'");
		if (key[i].secret.len == 0)
			return SLV_ERR(SLV_E_OPTION, "a signing key's secret is empty");
		if (find_key(&signing->keys, key[i].name) != &key[i])
			return SLV_ERR(SLV_E_OPTION, "two signing keys have the same name");
	}
	return SLV_OK;
}

/* --- macs --- */

static void put_hex(const struct slv_digest *digest, char ret_text[HEX_LEN])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(digest->bytes); i++) {
		ret_text[2 * i] = digits[digest->bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
}

/* A group of one to three bytes as two to four characters; their number. */
static size_t put_base64_group(
		const uint8_t *bytes, size_t len, enum slv_image_mac_form form, char ret_text[4])
{
	static const char plain[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char url[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *alphabet = form == SLV_IMAGE_MAC_BASE64 ? plain : url;
	bool padded = form != SLV_IMAGE_MAC_BASE64URL;
	uint32_t bits = (uint32_t)bytes[0] << 16;
	if (len > 1)
		bits |= (uint32_t)bytes[1] << 8;
	if (len > 2)
		bits |= bytes[2];
	for (size_t i = 0; i < 4; i++)
		ret_text[i] = i <= len ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
	return padded ? 4 : len + 1;
}

void slv_image_add_base64(struct slv_buf *buf, slv_str bytes, enum slv_image_mac_form form)
{
	const uint8_t *at = (const uint8_t *)bytes.at;
	for (size_t i = 0; i < bytes.len; i += 3) {
		char text[4];
		size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
		slv_buf_add(buf, (slv_str){ text, put_base64_group(at + i, left, form, text) });
	}
}

/* As the token has it: base64 percent-encoded, or base64url. Returns its length. */
static size_t put_token(const struct slv_digest *digest, enum slv_image_mac_form form,
		char ret_text[3 * BASE64_LEN_MAX])
{
	size_t len = 0;
	for (size_t i = 0; i < sizeof(digest->bytes); i += 3) {
		char group[4];
		size_t left = sizeof(digest->bytes) - i;
		size_t count = put_base64_group(
				digest->bytes + i, left < 3 ? left : 3, form, group);
		for (size_t j = 0; j < count; j++) {
			const char *escape = group[j] == '+'   ? "%2B"
			                     : group[j] == '/' ? "%2F"
			                     : group[j] == '=' ? "%3D"
			                                       : NULL;
			if (escape)
				memcpy(ret_text + len, escape, 3);
			else
				ret_text[len] = group[j];
			len += escape ? 3 : 1;
		}
	}
	return len;
}

/* A text in parts that a mac is made over. */
struct text {
	slv_str parts[PARTS_MAX];
	size_t count;
};

static void add(struct text *text, slv_str part)
{
	if (part.len)
		text->parts[text->count++] = part;
}

static struct slv_digest mac_of(const struct slv_image_sign_key *key, const struct text *text)
{
	return slv_hmac_sha256(key->secret, text->parts, text->count);
}

static bool mac_is_hex(const struct slv_image_sign_key *key, const struct text *text, slv_str hex)
{
	char expected[HEX_LEN];
	struct slv_digest digest = mac_of(key, text);
	put_hex(&digest, expected);
	return slv_str_eq_secret((slv_str){ expected, sizeof(expected) }, hex);
}

static bool mac_is_token(const struct slv_image_sign_key *key, const struct text *text,
		enum slv_image_mac_form form, slv_str token)
{
	char expected[3 * BASE64_LEN_MAX];
	struct slv_digest digest = mac_of(key, text);
	slv_str whole = { expected, put_token(&digest, form, expected) };
	return slv_str_eq_secret(whole, token);
}

/* --- the query --- */

/* Does a parameter of that name stand anywhere in `query`, with a value or without? */
static bool has_parameter(slv_str query, slv_str name)
{
	for (slv_str rest = query; rest.at;) {
		slv_str pair = slv_str_cut(&rest, '&');
		if (slv_str_eq(slv_str_head(pair, slv_str_find(pair, '=')), name))
			return true;
	}
	return false;
}

static bool has_any(slv_str query, const slv_str *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (has_parameter(query, names[i]))
			return true;
	return false;
}

/* If the last parameter of `*query` is `name`, cut it off and return true. What is left has no
 * '&' at its end, and at == NULL if nothing is. */
static bool cut_last(slv_str *query, slv_str name, slv_str *ret_value)
{
	size_t at = slv_str_find_last(*query, '&');
	slv_str last = at < query->len ? slv_str_from_index(*query, at + 1) : *query;
	if (last.len <= name.len || !slv_str_starts(last, name) || last.at[name.len] != '=')
		return false;
	*ret_value = slv_str_from_index(last, name.len + 1);
	*query = at < query->len ? slv_str_head(*query, at) : (slv_str){ 0 };
	return true;
}

/* Decimal without leading zeros, 1…max. */
static bool read_number(slv_str text, uint64_t max, uint64_t *ret_number)
{
	return text.len && text.at[0] != '0' && slv_str_u64(text, max, ret_number);
}

/* --- sets --- */

/* What scheme 3 needs of a link, found in a target without its signature. */
struct set {
	slv_str widths, formats; /* at == NULL: none */
	slv_str width, format;   /* the values in the options that stand for `*`; views into path */
};

static bool widths_ok(slv_str widths)
{
	uint64_t last = 0, count = 0;
	while (widths.at) {
		uint64_t width;
		if (!read_number(slv_str_cut(&widths, ','), SLV_PIXEL_SIDE_MAX, &width) ||
				width <= last || ++count > SLV_IMAGE_SET_MAX)
			return false;
		last = width;
	}
	return true;
}

static bool word_ok(slv_str word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!(word.at[i] >= 'a' && word.at[i] <= 'z') && word.at[i] != '-')
			return false;
	return word.len > 0;
}

static bool formats_ok(slv_str formats)
{
	slv_str last = { 0 };
	size_t count = 0;
	while (formats.at) {
		slv_str format = slv_str_cut(&formats, ',');
		if (!word_ok(format) || slv_str_cmp(last, format) >= 0 ||
				++count > SLV_IMAGE_SET_MAX)
			return false;
		last = format;
	}
	return true;
}

static bool in_list(slv_str list, slv_str item)
{
	while (list.at)
		if (slv_str_eq(slv_str_cut(&list, ','), item))
			return true;
	return false;
}

/* The value of the one option that is spelled `name`; false if there is none or several. */
static bool one_option(slv_str options, slv_str name, slv_str *ret_value)
{
	size_t count = 0;
	slv_str value = { 0 };
	for (slv_str rest = options; rest.at;) {
		slv_str option = slv_str_cut(&rest, ',');
		size_t equals = slv_str_find(option, '=');
		if (equals == option.len || !slv_str_eq(slv_str_head(option, equals), name))
			continue;
		value = slv_str_from_index(option, equals + 1);
		count++;
	}
	*ret_value = value;
	return count == 1;
}

/* Fill `set`'s values from the options; a reason if they do not go with the lists. */
static const char *set_values(const struct slv_image_target *target, struct set *set)
{
	if (!set->widths.at && !set->formats.at)
		return "a link with sets has neither widths nor formats";
	if (set->widths.at && !widths_ok(set->widths))
		return "widths must be 1 to 32 rising numbers, each 1 to 16384";
	if (set->formats.at && !formats_ok(set->formats))
		return "formats must be 1 to 32 words in alphabetical order";
	if (set->widths.at && !one_option(target->options, SLV_STR("width"), &set->width))
		return "a link with widths needs the option width= once";
	if (set->formats.at && !one_option(target->options, SLV_STR("format"), &set->format))
		return "a link with formats needs the option format= once";
	if (set->widths.at && !in_list(set->widths, set->width))
		return "the option width is not one of the signed widths";
	if (set->formats.at && !in_list(set->formats, set->format))
		return "the option format is not one of the signed formats";
	return NULL;
}

/* The path with `*` in the place of the values. */
static void add_open_path(struct text *text, slv_str path, const struct set *set)
{
	slv_str first = set->width, second = set->format;
	if (!first.at || (second.at && second.at < first.at)) {
		first = set->format;
		second = set->width;
	}
	const char *end = path.at + path.len, *at = path.at;
	const slv_str values[] = { first, second };
	for (size_t i = 0; i < SLV_COUNT(values); i++) {
		if (!values[i].at)
			continue;
		add(text, (slv_str){ at, (size_t)(values[i].at - at) });
		add(text, SLV_STR("*"));
		at = values[i].at + values[i].len;
	}
	add(text, (slv_str){ at, (size_t)(end - at) });
}

static void set_text(struct text *text, slv_str path, const struct set *set, slv_str signed_query)
{
	*text = (struct text){ 0 };
	add(text, set_prefix);
	add_open_path(text, path, set);
	add(text, SLV_STR("?"));
	add(text, signed_query);
}

/* --- verify --- */

static slv_err refuse(const char *reason)
{
	return SLV_ERR(SLV_E_SIGNATURE, reason);
}

/* `left` is the query before `key=`. */
static slv_err verify_set(const struct slv_image_signing *signing,
		const struct slv_image_target *target, slv_str sig, slv_str signed_query,
		slv_str key_name, slv_str left, struct slv_image_grant *ret_grant)
{
	struct set set = { 0 };
	slv_str exp;
	uint64_t exp_s;
	if (!cut_last(&left, SLV_STR("exp"), &exp) || !read_number(exp, SLV_IMAGE_EXP_MAX, &exp_s))
		return refuse("a signed link needs exp=<seconds> before key");
	(void)cut_last(&left, SLV_STR("formats"), &set.formats); /* either may be missing */
	(void)cut_last(&left, SLV_STR("widths"), &set.widths);
	if (has_any(left, reserved, SLV_COUNT(reserved)))
		return refuse("a parameter of the signature is doubled or out of its place");
	const struct slv_image_sign_key *key = find_key(&signing->keys, key_name);
	if (!key)
		return refuse("there is no signing key of that name");
	const char *reason = set_values(target, &set);
	if (reason)
		return refuse(reason);

	struct text text;
	set_text(&text, target->path, &set, signed_query);
	if (!mac_is_hex(key, &text, sig))
		return refuse("the signature is wrong");
	*ret_grant = (struct slv_image_grant){
		.scheme = SLV_IMAGE_SCHEME_SET,
		.key = key,
		.expires_s = exp_s,
		.query = left,
	};
	return SLV_OK;
}

static slv_err verify_exp(const struct slv_image_signing *signing,
		const struct slv_image_target *target, slv_str sig, slv_str signed_query,
		struct slv_image_grant *ret_grant)
{
	slv_str left = signed_query, exp;
	uint64_t exp_s;
	if (!cut_last(&left, SLV_STR("exp"), &exp) || !read_number(exp, SLV_IMAGE_EXP_MAX, &exp_s))
		return refuse("a signed link needs exp=<seconds> before sig");
	if (has_any(left, reserved, SLV_COUNT(reserved)))
		return refuse("a parameter of the signature is doubled or out of its place");

	struct text text = { 0 };
	add(&text, target->path);
	add(&text, SLV_STR("?"));
	add(&text, signed_query);
	const struct slv_image_sign_key *key = signing->keys.at, *made = NULL;
	for (size_t i = 0; i < signing->keys.count; i++)
		if (mac_is_hex(&key[i], &text, sig) && !made)
			made = &key[i];
	if (!made)
		return refuse("the signature is wrong");
	*ret_grant = (struct slv_image_grant){
		.scheme = SLV_IMAGE_SCHEME_EXP,
		.key = made,
		.expires_s = exp_s,
		.query = left,
	};
	return SLV_OK;
}

static slv_err verify_timed(const struct slv_image_signing *signing,
		const struct slv_image_target *target, slv_str value, slv_str left,
		struct slv_image_grant *ret_grant)
{
	slv_str stamp = slv_str_head(value, STAMP_LEN);
	uint64_t issued_s;
	if (!signing->timed)
		return refuse("timed tokens are not accepted here");
	if (value.len <= STAMP_LEN || value.at[STAMP_LEN] != '-' ||
			!slv_str_u64(stamp, UINT64_MAX, &issued_s))
		return refuse("verify must be <10 digits>-<mac>");
	/* `exp=` before the digits would make a text that scheme 1 signs. */
	if (has_any(left, reserved, SLV_COUNT(reserved)))
		return refuse("a parameter of the signature is doubled or out of its place");

	struct text text = { 0 };
	add(&text, target->path);
	if (left.at)
		add(&text, SLV_STR("?"));
	add(&text, left);
	add(&text, stamp);
	slv_str token = slv_str_from_index(value, STAMP_LEN + 1);
	enum slv_image_mac_form form = (enum slv_image_mac_form)signing->timed_form;
	const struct slv_image_sign_key *key = signing->keys.at, *made = NULL;
	for (size_t i = 0; i < signing->keys.count; i++)
		if (mac_is_token(&key[i], &text, form, token) && !made)
			made = &key[i];
	if (!made)
		return refuse("the signature is wrong");
	*ret_grant = (struct slv_image_grant){
		.scheme = SLV_IMAGE_SCHEME_TIMED,
		.key = made,
		.expires_s = issued_s + (uint64_t)signing->timed_ttl_s,
		.query = left,
	};
	return SLV_OK;
}

slv_err slv_image_sign_verify(const struct slv_image_signing *signing,
		const struct slv_image_target *target, uint64_t now_s,
		struct slv_image_grant *ret_grant)
{
	struct slv_image_grant grant = { .query = target->query };
	slv_str left = target->query, value, key_name;
	slv_err err = SLV_OK;
	if (signing->keys.count == 0) {
		*ret_grant = grant;
		return SLV_OK;
	}
	if (cut_last(&left, SLV_STR("verify"), &value)) {
		err = verify_timed(signing, target, value, left, &grant);
	} else if (cut_last(&left, SLV_STR("sig"), &value)) {
		slv_str signed_query = left;
		err = cut_last(&left, SLV_STR("key"), &key_name)
		                      ? verify_set(signing, target, value, signed_query, key_name,
							left, &grant)
		                      : verify_exp(signing, target, value, signed_query, &grant);
	} else if (has_parameter(left, SLV_STR("sig")) || has_parameter(left, SLV_STR("verify"))) {
		err = refuse("the signature must be the last parameter");
	} else if (signing->required) {
		err = refuse("the link is not signed");
	}
	if (slv_failed(err))
		return err;
	if (grant.scheme != SLV_IMAGE_SCHEME_NONE && now_s >= grant.expires_s)
		return SLV_ERR(SLV_E_EXPIRED, "the link has expired");
	*ret_grant = grant;
	return SLV_OK;
}

/* --- make --- */

slv_str slv_image_sign_strip(slv_str query)
{
	static const slv_str names[] = { SLV_STR_INIT("key"), SLV_STR_INIT("exp"),
		SLV_STR_INIT("formats"), SLV_STR_INIT("widths") };
	slv_str value;
	if (cut_last(&query, SLV_STR("verify"), &value) ||
			!cut_last(&query, SLV_STR("sig"), &value))
		return query; /* without `sig` the others are the source's own */
	for (size_t i = 0; i < SLV_COUNT(names); i++)
		(void)cut_last(&query, names[i], &value); /* what is not there stays away */
	return query;
}

static void add_hex(
		struct slv_buf *buf, const struct slv_image_sign_key *key, const struct text *text)
{
	struct slv_digest digest = mac_of(key, text);
	slv_buf_add(buf, SLV_STR("&sig="));
	slv_buf_add_hex(buf, digest.bytes, sizeof(digest.bytes));
}

static slv_err check_make(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, uint64_t exp_s)
{
	if (!name_ok(key->name) || key->secret.len == 0)
		return SLV_ERR(SLV_E_OPTION, "the key needs a name of letters, digits, '-' and "
					     "'_', and a secret");
	if (exp_s == 0 || exp_s > SLV_IMAGE_EXP_MAX)
		return SLV_ERR(SLV_E_OPTION, "exp must be 1 to 253402300799");
	if (target->path.len == 0 || target->path.at[0] != '/')
		return SLV_ERR(SLV_E_OPTION, "the path must begin with '/'");
	if (has_any(target->query, reserved, SLV_COUNT(reserved)))
		return SLV_ERR(SLV_E_OPTION, "the query already has a parameter of a signature");
	return SLV_OK;
}

static slv_err full(const struct slv_buf *buf)
{
	return buf->overflow ? SLV_ERR(SLV_E_LIMIT, "the link is too long") : SLV_OK;
}

/* `[<query>&]` */
static void add_query(struct slv_buf *buf, slv_str query)
{
	if (!query.at)
		return;
	slv_buf_add(buf, query);
	slv_buf_add_char(buf, '&');
}

slv_err slv_image_sign_exp(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, uint64_t exp_s, struct slv_buf *buf)
{
	slv_err err = check_make(key, target, exp_s);
	if (slv_failed(err))
		return err;
	size_t start = buf->len;
	slv_buf_add(buf, target->path);
	slv_buf_add_char(buf, '?');
	add_query(buf, target->query);
	slv_buf_add(buf, SLV_STR("exp="));
	slv_buf_add_u64(buf, exp_s);
	struct text text = { 0 };
	add(&text, slv_str_from_index(slv_buf_str(buf), start));
	add_hex(buf, key, &text);
	return full(buf);
}

slv_err slv_image_sign_timed(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, uint64_t now_s, enum slv_image_mac_form form,
		struct slv_buf *buf)
{
	slv_err err = check_make(key, target, now_s);
	if (slv_failed(err))
		return err;
	if (now_s < UINT64_C(1000000000) || now_s > UINT64_C(9999999999))
		return SLV_ERR(SLV_E_OPTION, "the time of a timed token must have 10 digits");
	char token[3 * BASE64_LEN_MAX], stamp[STAMP_LEN];
	for (size_t i = STAMP_LEN, left = now_s; i--; left /= 10)
		stamp[i] = (char)('0' + left % 10);

	struct text text = { 0 };
	add(&text, target->path);
	if (target->query.at)
		add(&text, SLV_STR("?"));
	add(&text, target->query);
	add(&text, (slv_str){ stamp, sizeof(stamp) });
	struct slv_digest digest = mac_of(key, &text);
	slv_buf_add(buf, target->path);
	slv_buf_add_char(buf, '?');
	add_query(buf, target->query);
	slv_buf_add(buf, SLV_STR("verify="));
	slv_buf_add(buf, (slv_str){ stamp, sizeof(stamp) });
	slv_buf_add_char(buf, '-');
	slv_buf_add(buf, (slv_str){ token, put_token(&digest, form, token) });
	return full(buf);
}

slv_err slv_image_sign_set(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, slv_str widths, slv_str formats,
		uint64_t exp_s, struct slv_buf *buf)
{
	slv_err err = check_make(key, target, exp_s);
	if (slv_failed(err))
		return err;
	struct set set = {
		.widths = widths.len ? widths : (slv_str){ 0 },
		.formats = formats.len ? formats : (slv_str){ 0 },
	};
	const char *reason = set_values(target, &set);
	if (reason)
		return SLV_ERR(SLV_E_OPTION, reason);

	slv_buf_add(buf, target->path);
	slv_buf_add_char(buf, '?');
	size_t start = buf->len;
	add_query(buf, target->query);
	if (widths.len)
		slv_buf_printf(buf, "widths=%.*s&", SLV_FMT(widths));
	if (formats.len)
		slv_buf_printf(buf, "formats=%.*s&", SLV_FMT(formats));
	slv_buf_printf(buf, "exp=%llu&key=%.*s", (unsigned long long)exp_s, SLV_FMT(key->name));
	struct text text;
	set_text(&text, target->path, &set, slv_str_from_index(slv_buf_str(buf), start));
	add_hex(buf, key, &text);
	return full(buf);
}
