#include "base/base64.h"
#include "service/kv/bulk.h"
#include "service/kv/private.h"

#define ITEM_BESIDES_BYTES_MAX SLV_KIB(64)

void kv_pairs_init(struct kv_pairs *pairs)
{
	slv_buf_init(&pairs->texts, SLV_KV_BULK_BYTES_MAX);
	slv_buf_init(&pairs->at, SLV_KV_BULK_PAIRS_MAX * sizeof(struct kv_pair));
}

void kv_pairs_done(struct kv_pairs *pairs)
{
	slv_buf_done(&pairs->texts);
	slv_buf_done(&pairs->at);
}

size_t kv_pairs_count(const struct kv_pairs *pairs)
{
	return pairs->at.len / sizeof(struct kv_pair);
}

const struct kv_pair *kv_pairs_at(const struct kv_pairs *pairs, size_t index)
{
	return (const struct kv_pair *)(const void *)pairs->at.at + index;
}

static slv_str text_at(const struct kv_pairs *pairs, size_t at, size_t len)
{
	return (slv_str){ len ? pairs->texts.at + at : NULL, len };
}

slv_str kv_pair_key(const struct kv_pairs *pairs, size_t index)
{
	const struct kv_pair *pair = kv_pairs_at(pairs, index);
	return text_at(pairs, pair->key_at, pair->key_len);
}

slv_str kv_pair_value(const struct kv_pairs *pairs, size_t index)
{
	const struct kv_pair *pair = kv_pairs_at(pairs, index);
	return text_at(pairs, pair->value_at, pair->value_len);
}

slv_str kv_pair_metadata(const struct kv_pairs *pairs, size_t index)
{
	const struct kv_pair *pair = kv_pairs_at(pairs, index);
	return text_at(pairs, pair->metadata_at, pair->metadata_len);
}

/* --- reading --- */

/* A text is mostly shorter decoded, but not metadata: 1e16 is printed with all its digits. */
static slv_err add(struct kv_pairs *pairs, slv_str text, size_t *ret_at, size_t *ret_len)
{
	*ret_at = pairs->texts.len;
	*ret_len = text.len;
	slv_buf_add(&pairs->texts, text);
	return pairs->texts.overflow
	                       ? SLV_ERR(SLV_E_LIMIT, "a bulk request has 100 MB at most, decoded")
	                       : SLV_OK;
}

static slv_err add_key(struct kv_pairs *pairs, const json_t *key, struct kv_pair *pair)
{
	if (!json_is_string(key))
		return SLV_ERR(SLV_E_SYNTAX, "a key is a text");
	slv_str text = { json_string_value(key), json_string_length(key) };
	slv_err err = kv_key_check(text);
	if (!slv_failed(err))
		err = add(pairs, text, &pair->key_at, &pair->key_len);
	return err;
}

static slv_err add_base64(struct kv_pairs *pairs, slv_str text, struct kv_pair *pair)
{
	size_t len = text.len / 4 * 3;
	for (size_t i = text.len; i > 0 && text.len - i < 2 && text.at[i - 1] == '='; i--)
		len--;
	char *room = slv_buf_room(&pairs->texts, len + 1);
	if (!room || !slv_base64_parse(text, (uint8_t *)room, len))
		return SLV_ERR(SLV_E_SYNTAX, "the value is said to be base64, and is not");
	pair->value_at = pairs->texts.len;
	pair->value_len = len;
	slv_buf_grown(&pairs->texts, len);
	return SLV_OK;
}

static slv_err add_value(struct kv_pairs *pairs, const json_t *item, struct kv_pair *pair)
{
	const json_t *value = json_object_get(item, "value");
	if (!json_is_string(value))
		return SLV_ERR(SLV_E_SYNTAX,
				"value is a text; with \"base64\": true it is decoded");
	slv_str text = { json_string_value(value), json_string_length(value) };
	slv_err err = SLV_OK;
	if (json_is_true(json_object_get(item, "base64")))
		err = add_base64(pairs, text, pair);
	else
		err = add(pairs, text, &pair->value_at, &pair->value_len);
	if (!slv_failed(err) && pair->value_len > SLV_KV_VALUE_BYTES_MAX)
		err = SLV_ERR(SLV_E_LIMIT, "a value has 25 MiB at most");
	return err;
}

static slv_err add_metadata(struct kv_pairs *pairs, const json_t *item, struct kv_pair *pair)
{
	const json_t *metadata = json_object_get(item, "metadata");
	if (!metadata || json_is_null(metadata))
		return SLV_OK;
	struct slv_buf text;
	slv_buf_init(&text, SLV_KV_METADATA_BYTES_MAX);
	slv_api_dump(metadata, &text);
	slv_err err = text.overflow ? SLV_ERR(SLV_E_LIMIT, "metadata has 1024 bytes at most")
	                            : SLV_OK;
	if (!slv_failed(err))
		err = add(pairs, slv_buf_str(&text), &pair->metadata_at, &pair->metadata_len);
	slv_buf_done(&text);
	return err;
}

/* -1: it was not said. */
static slv_err number(const json_t *item, const char *name, int64_t *ret_value)
{
	const json_t *value = json_object_get(item, name);
	*ret_value = -1;
	if (!value || json_is_null(value))
		return SLV_OK;
	double number = json_number_value(value);
	if (!json_is_number(value) || number < 0 || number > 1e12)
		return SLV_ERR(SLV_E_SYNTAX,
				"expiration and expiration_ttl are numbers of seconds");
	*ret_value = (int64_t)number;
	return SLV_OK;
}

static slv_err add_pair(
		struct kv_pairs *pairs, const json_t *item, int64_t now_s, struct kv_pair *pair)
{
	int64_t at_s = -1, ttl_s = -1;
	if (!json_is_object(item))
		return SLV_ERR(SLV_E_SYNTAX, "a pair is an object with key and value");
	slv_err err = add_key(pairs, json_object_get(item, "key"), pair);
	if (!slv_failed(err))
		err = add_value(pairs, item, pair);
	if (!slv_failed(err))
		err = add_metadata(pairs, item, pair);
	if (!slv_failed(err))
		err = number(item, "expiration", &at_s);
	if (!slv_failed(err))
		err = number(item, "expiration_ttl", &ttl_s);
	if (!slv_failed(err))
		err = kv_expiry(now_s, at_s, ttl_s, &pair->expires_s);
	return err;
}

static slv_str skip_space(slv_str text)
{
	size_t at = 0;
	while (at < text.len &&
			(slv_is_blank(text.at[at]) || text.at[at] == '\n' || text.at[at] == '\r'))
		at++;
	return slv_str_from_index(text, at);
}

static bool take(slv_str *text, char c)
{
	*text = skip_space(*text);
	if (!text->len || text->at[0] != c)
		return false;
	*text = slv_str_from_index(*text, 1);
	return true;
}

/* Is there little beside texts in what begins there, up to its end? A tree of numbers and brackets
 * takes forty times the memory of its text, one of a long text no more than that. */
static bool is_slim(slv_str text)
{
	size_t depth = 0, besides = 0;
	bool in_text = false;
	for (size_t i = 0; i < text.len && besides <= ITEM_BESIDES_BYTES_MAX; i++) {
		char c = text.at[i];
		if (in_text && c == '\\') {
			i++;
			continue;
		}
		in_text ^= c == '"';
		if (in_text && c != '"')
			continue;
		besides += !slv_is_blank(c) && c != '\n' && c != '\r';
		depth += c == '[' || c == '{';
		if (depth && (c == ']' || c == '}'))
			depth--;
		if (!depth && !in_text)
			break; /* or it is no JSON, which is found out next */
	}
	return besides <= ITEM_BESIDES_BYTES_MAX;
}

static slv_err read_one(struct kv_pairs *pairs, struct slv_arena *arena, slv_str *text,
		bool keys_only, int64_t now_s)
{
	struct kv_pair pair = { 0 };
	json_error_t why;
	size_t index = kv_pairs_count(pairs);
	if (index == SLV_KV_BULK_PAIRS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "a bulk request has 10000 keys at most");
	if (!is_slim(*text))
		return slv_err_printf(arena, SLV_E_LIMIT,
				"item %zu has more than 64 KiB besides its texts", index);
	json_t *item = json_loadb(text->at, text->len,
			JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL |
					JSON_REJECT_DUPLICATES,
			&why);
	if (!item)
		return slv_err_printf(
				arena, SLV_E_SYNTAX, "item %zu is no JSON: %s", index, why.text);
	*text = slv_str_from_index(*text, (size_t)why.position);
	slv_err err = keys_only ? add_key(pairs, item, &pair) : add_pair(pairs, item, now_s, &pair);
	json_decref(item);
	if (slv_failed(err))
		return slv_err_wrap(arena, err, "item %zu", index);
	slv_buf_add(&pairs->at, (slv_str){ (const char *)&pair, sizeof(pair) });
	return SLV_OK;
}

slv_err kv_pairs_read(struct kv_pairs *pairs, struct slv_arena *arena, slv_str text, bool keys_only,
		int64_t now_s)
{
	if (!take(&text, '['))
		return SLV_ERR(SLV_E_SYNTAX, "the body is a JSON array");
	bool ends = take(&text, ']');
	while (!ends) {
		text = skip_space(text);
		slv_err err = read_one(pairs, arena, &text, keys_only, now_s);
		if (slv_failed(err))
			return err;
		ends = take(&text, ']');
		if (!ends && !take(&text, ','))
			return SLV_ERR(SLV_E_SYNTAX, "the array of the body does not end");
	}
	if (skip_space(text).len)
		return SLV_ERR(SLV_E_SYNTAX, "something is behind the array of the body");
	return SLV_OK;
}
