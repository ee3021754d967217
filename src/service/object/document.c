#include "service/object/document.h"

#include "http/date.h"
#include "service/object/reader.h"

#include <stdlib.h>
#include <string.h>

/* --- what all have in common --- */

static slv_object_err malformed(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_XML, what);
}

static const slv_object_err too_much = { .code = SLV_OBJECT_E_MAX_MESSAGE_LENGTH,
	.what = "The document takes more memory than a request may have." };

static const slv_object_err doubled = { .code = SLV_OBJECT_E_MALFORMED_XML,
	.what = "An element stands more often than it may." };

/* Room for one more behind `count` of `size` bytes each: what is there, or twice as much, into
 * which it was copied. NULL past the arena's cap. */
static void *grow(struct slv_arena *arena, void *at, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return at;
	char *more = slv_arena_take(
			arena, count ? 2 * (size_t)count : 1, size, alignof(max_align_t));
	if (more && count)
		memcpy(more, at, count * size);
	return more;
}

/* Without white space around it, for numbers and words. */
static slv_str word(slv_str text)
{
	while (text.len && strchr(" \t\r\n", text.at[0]))
		text = slv_str_from_index(text, 1);
	while (text.len && strchr(" \t\r\n", text.at[text.len - 1]))
		text.len--;
	return text;
}

static slv_object_err set_text(struct slv_arena *arena, slv_str *text, slv_str value)
{
	if (text->at)
		return doubled;
	*text = slv_str_copy(arena, value);
	return text->at ? SLV_OBJECT_OK : too_much;
}

/* Clients send ETags with and without quotes. */
static slv_object_err set_etag(struct slv_arena *arena, slv_str *etag, slv_str value)
{
	value = word(value);
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
		value = (slv_str){ value.at + 1, value.len - 2 };
	if (value.len == 0)
		return malformed("An ETag is empty.");
	return set_text(arena, etag, value);
}

static slv_object_err add_text(
		struct slv_arena *arena, struct slv_object_texts *texts, slv_str value)
{
	slv_str *at = grow(arena, texts->at, texts->count, sizeof(*at));
	if (!at)
		return too_much;
	texts->at = at;
	at[texts->count] = slv_str_copy(arena, value);
	return at[texts->count++].at ? SLV_OBJECT_OK : too_much;
}

static bool read_bool(slv_str text, bool *ret_value)
{
	text = word(text);
	if (!slv_str_eq_nocase(text, SLV_STR("true")) && !slv_str_eq_nocase(text, SLV_STR("false")))
		return false;
	*ret_value = text.len == 4;
	return true;
}

/* --- DeleteObjects --- */

struct deleting {
	struct slv_arena *arena;
	struct slv_object_delete out;
	bool has_quiet;
};

static struct slv_object_delete_key *last_key(struct deleting *deleting)
{
	return &deleting->out.keys[deleting->out.count - 1];
}

static slv_object_err delete_object(void *document)
{
	struct deleting *deleting = document;
	struct slv_object_delete *out = &deleting->out;
	if (out->count == SLV_OBJECT_DELETE_KEYS_MAX)
		return malformed("More than 1000 objects are to be deleted.");
	void *keys = grow(deleting->arena, out->keys, out->count, sizeof(*out->keys));
	if (!keys)
		return too_much;
	out->keys = keys;
	out->keys[out->count++] = (struct slv_object_delete_key){ 0 };
	return SLV_OBJECT_OK;
}

static slv_object_err delete_object_end(void *document, slv_str text)
{
	(void)text;
	return last_key(document)->key.len ? SLV_OBJECT_OK : malformed("An object has no key.");
}

static slv_object_err delete_key(void *document, slv_str text)
{
	struct deleting *deleting = document;
	return set_text(deleting->arena, &last_key(deleting)->key, text);
}

static slv_object_err delete_version(void *document, slv_str text)
{
	struct deleting *deleting = document;
	return set_text(deleting->arena, &last_key(deleting)->version_id, text);
}

static slv_object_err delete_etag(void *document, slv_str text)
{
	struct deleting *deleting = document;
	return set_etag(deleting->arena, &last_key(deleting)->etag, text);
}

static slv_object_err delete_quiet(void *document, slv_str text)
{
	struct deleting *deleting = document;
	if (deleting->has_quiet)
		return doubled;
	deleting->has_quiet = true;
	return read_bool(text, &deleting->out.quiet) ? SLV_OBJECT_OK
	                                             : malformed("Quiet is true or false.");
}

slv_object_err slv_object_document_delete(
		struct slv_arena *arena, slv_str xml, struct slv_object_delete *ret_delete)
{
	static const struct object_element elements[] = {
		{ "Delete", OBJECT_ELEMENT_GROUP, NULL, NULL },
		{ "Delete/Quiet", OBJECT_ELEMENT_TEXT, NULL, delete_quiet },
		{ "Delete/Object", OBJECT_ELEMENT_GROUP, delete_object, delete_object_end },
		{ "Delete/Object/Key", OBJECT_ELEMENT_TEXT, NULL, delete_key },
		{ "Delete/Object/VersionId", OBJECT_ELEMENT_TEXT, NULL, delete_version },
		{ "Delete/Object/ETag", OBJECT_ELEMENT_TEXT, NULL, delete_etag },
		{ "Delete/Object/LastModifiedTime", OBJECT_ELEMENT_REFUSED, NULL, NULL },
		{ "Delete/Object/Size", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	};
	struct deleting deleting = { .arena = arena };
	slv_object_err err = object_read(xml, SLV_OBJECT_DELETE_BYTES_MAX,
			SLV_OBJECT_DOCUMENT_TEXT_MAX, elements, SLV_COUNT(elements), &deleting);
	if (slv_object_failed(err))
		return err;
	if (deleting.out.count == 0)
		return malformed("Nothing is to be deleted.");
	*ret_delete = deleting.out;
	return SLV_OBJECT_OK;
}

/* --- CompleteMultipartUpload --- */

struct completing {
	struct slv_arena *arena;
	struct slv_object_complete out;
};

static struct slv_object_part *last_part(struct completing *completing)
{
	return &completing->out.parts[completing->out.count - 1];
}

static slv_object_err complete_part(void *document)
{
	struct completing *completing = document;
	struct slv_object_complete *out = &completing->out;
	if (out->count == SLV_OBJECT_PARTS_MAX)
		return malformed("There are more than 10000 parts.");
	void *parts = grow(completing->arena, out->parts, out->count, sizeof(*out->parts));
	if (!parts)
		return too_much;
	out->parts = parts;
	out->parts[out->count++] = (struct slv_object_part){ 0 };
	return SLV_OBJECT_OK;
}

static slv_object_err complete_part_end(void *document, slv_str text)
{
	(void)text;
	const struct slv_object_part *part = last_part(document);
	const struct completing *completing = document;
	if (!part->number || !part->etag.at)
		return malformed("A part has no number or no ETag.");
	if (completing->out.count > 1 && part[-1].number >= part->number)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_PART_ORDER, NULL);
	return SLV_OBJECT_OK;
}

static slv_object_err complete_number(void *document, slv_str text)
{
	struct slv_object_part *part = last_part(document);
	uint64_t number;
	if (part->number)
		return doubled;
	if (!slv_str_u64(word(text), SLV_OBJECT_PARTS_MAX, &number) || number == 0)
		return SLV_OBJECT_ERR(
				SLV_OBJECT_E_INVALID_ARGUMENT, "Part numbers are from 1 to 10000.");
	part->number = (uint32_t)number;
	return SLV_OBJECT_OK;
}

static slv_object_err complete_etag(void *document, slv_str text)
{
	struct completing *completing = document;
	return set_etag(completing->arena, &last_part(completing)->etag, text);
}

static slv_object_err complete_checksum(
		void *document, enum slv_object_checksum_kind kind, slv_str text)
{
	struct slv_object_part *part = last_part(document);
	if (part->has_checksum)
		return malformed("A part has more than one checksum.");
	if (!slv_object_checksum_parse(kind, word(text), &part->checksum) || part->checksum.parts)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"The checksum of a part is not base64 of the right length.");
	part->has_checksum = true;
	return SLV_OBJECT_OK;
}

#define X(id, name, bytes, field)                                                                  \
	static slv_object_err complete_##id(void *document, slv_str text)                          \
	{                                                                                          \
		return complete_checksum(document, SLV_OBJECT_##id, text);                         \
	}
SLV_OBJECT_CHECKSUM_TABLE(X)
#undef X

slv_object_err slv_object_document_complete(
		struct slv_arena *arena, slv_str xml, struct slv_object_complete *ret_complete)
{
#define PART "CompleteMultipartUpload/Part"
	static const struct object_element elements[] = {
		{ "CompleteMultipartUpload", OBJECT_ELEMENT_GROUP, NULL, NULL },
		{ PART, OBJECT_ELEMENT_GROUP, complete_part, complete_part_end },
		{ PART "/PartNumber", OBJECT_ELEMENT_TEXT, NULL, complete_number },
		{ PART "/ETag", OBJECT_ELEMENT_TEXT, NULL, complete_etag },
#define X(id, name, bytes, field)                                                                  \
	{ PART "/Checksum" name, OBJECT_ELEMENT_TEXT, NULL, complete_##id },
		SLV_OBJECT_CHECKSUM_TABLE(X)
#undef X
	};
	struct completing completing = { .arena = arena };
	slv_object_err err = object_read(xml, SLV_OBJECT_COMPLETE_BYTES_MAX,
			SLV_OBJECT_DOCUMENT_TEXT_MAX, elements, SLV_COUNT(elements), &completing);
	if (slv_object_failed(err))
		return err;
	if (completing.out.count == 0)
		return malformed("There are no parts.");
	*ret_complete = completing.out;
	return SLV_OBJECT_OK;
}

/* --- CORSConfiguration --- */

struct cors {
	struct slv_arena *arena;
	struct slv_object_cors out;
};

static struct slv_object_cors_rule *last_cors(struct cors *cors)
{
	return &cors->out.rules[cors->out.count - 1];
}

static slv_object_err cors_rule(void *document)
{
	struct cors *cors = document;
	struct slv_object_cors *out = &cors->out;
	if (out->count == SLV_OBJECT_CORS_RULES_MAX)
		return malformed("There are more than 100 rules.");
	void *rules = grow(cors->arena, out->rules, out->count, sizeof(*out->rules));
	if (!rules)
		return too_much;
	out->rules = rules;
	out->rules[out->count++] = (struct slv_object_cors_rule){ 0 };
	return SLV_OBJECT_OK;
}

static slv_object_err cors_rule_end(void *document, slv_str text)
{
	(void)text;
	const struct slv_object_cors_rule *rule = last_cors(document);
	return rule->origins.count && rule->methods.count
	                       ? SLV_OBJECT_OK
	                       : malformed("A rule has no AllowedOrigin or no AllowedMethod.");
}

static slv_object_err cors_id(void *document, slv_str text)
{
	struct cors *cors = document;
	if (text.len > SLV_OBJECT_RULE_ID_MAX)
		return malformed("The ID of a rule is longer than 255 bytes.");
	return set_text(cors->arena, &last_cors(cors)->id, text);
}

static slv_object_err add_pattern(
		struct slv_arena *arena, struct slv_object_texts *texts, slv_str text)
{
	text = word(text);
	size_t star = slv_str_find(text, '*');
	if (slv_str_find(slv_str_from_index(text, star + 1), '*') + star + 1 < text.len)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"An AllowedOrigin or AllowedHeader has more than one '*'.");
	return text.len ? add_text(arena, texts, text) : malformed("A text of a rule is empty.");
}

static slv_object_err cors_origin(void *document, slv_str text)
{
	struct cors *cors = document;
	return add_pattern(cors->arena, &last_cors(cors)->origins, text);
}

static slv_object_err cors_header(void *document, slv_str text)
{
	struct cors *cors = document;
	return add_pattern(cors->arena, &last_cors(cors)->headers, text);
}

static slv_object_err cors_exposed(void *document, slv_str text)
{
	struct cors *cors = document;
	text = word(text);
	return text.len ? add_text(cors->arena, &last_cors(cors)->exposed, text)
	                : malformed("A text of a rule is empty.");
}

static slv_object_err cors_method(void *document, slv_str text)
{
	static const slv_str methods[] = { SLV_STR_INIT("GET"), SLV_STR_INIT("PUT"),
		SLV_STR_INIT("POST"), SLV_STR_INIT("DELETE"), SLV_STR_INIT("HEAD") };
	struct cors *cors = document;
	for (size_t i = 0; i < SLV_COUNT(methods); i++)
		if (slv_str_eq(word(text), methods[i]))
			return add_text(cors->arena, &last_cors(cors)->methods, methods[i]);
	return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
			"An AllowedMethod is none of GET, PUT, POST, DELETE, HEAD.");
}

static slv_object_err cors_max_age(void *document, slv_str text)
{
	struct slv_object_cors_rule *rule = last_cors(document);
	uint64_t seconds;
	if (rule->has_max_age)
		return doubled;
	if (!slv_str_u64(word(text), INT32_MAX, &seconds))
		return malformed("MaxAgeSeconds is no number that it may be.");
	rule->has_max_age = true;
	rule->max_age_s = (uint32_t)seconds;
	return SLV_OBJECT_OK;
}

slv_object_err slv_object_document_cors(
		struct slv_arena *arena, slv_str xml, struct slv_object_cors *ret_cors)
{
#define CORS "CORSConfiguration/CORSRule"
	static const struct object_element elements[] = {
		{ "CORSConfiguration", OBJECT_ELEMENT_GROUP, NULL, NULL },
		{ CORS, OBJECT_ELEMENT_GROUP, cors_rule, cors_rule_end },
		{ CORS "/ID", OBJECT_ELEMENT_TEXT, NULL, cors_id },
		{ CORS "/AllowedOrigin", OBJECT_ELEMENT_TEXT, NULL, cors_origin },
		{ CORS "/AllowedMethod", OBJECT_ELEMENT_TEXT, NULL, cors_method },
		{ CORS "/AllowedHeader", OBJECT_ELEMENT_TEXT, NULL, cors_header },
		{ CORS "/ExposeHeader", OBJECT_ELEMENT_TEXT, NULL, cors_exposed },
		{ CORS "/MaxAgeSeconds", OBJECT_ELEMENT_TEXT, NULL, cors_max_age },
	};
	struct cors cors = { .arena = arena };
	slv_object_err err = object_read(xml, SLV_OBJECT_CONFIG_BYTES_MAX,
			SLV_OBJECT_DOCUMENT_TEXT_MAX, elements, SLV_COUNT(elements), &cors);
	if (slv_object_failed(err))
		return err;
	if (cors.out.count == 0)
		return malformed("There are no rules.");
	*ret_cors = cors.out;
	return SLV_OBJECT_OK;
}

/* --- LifecycleConfiguration --- */

struct lifecycle {
	struct slv_arena *arena;
	struct slv_object_lifecycle out;
	/* Of the last rule: */
	bool has_status, has_prefix; /* the latter: Prefix or Filter stood there */
	bool has_expiration, has_abort, has_filter_part;
};

static struct slv_object_lifecycle_rule *last_rule(struct lifecycle *lifecycle)
{
	return &lifecycle->out.rules[lifecycle->out.count - 1];
}

static slv_object_err rule_begin(void *document)
{
	struct lifecycle *lifecycle = document;
	struct slv_object_lifecycle *out = &lifecycle->out;
	if (out->count == SLV_OBJECT_LIFECYCLE_RULES_MAX)
		return malformed("There are more than 1000 rules.");
	void *rules = grow(lifecycle->arena, out->rules, out->count, sizeof(*out->rules));
	if (!rules)
		return too_much;
	out->rules = rules;
	out->rules[out->count++] = (struct slv_object_lifecycle_rule){ .expire_at_s = -1 };
	*lifecycle = (struct lifecycle){ .arena = lifecycle->arena, .out = *out };
	return SLV_OBJECT_OK;
}

static slv_object_err rule_end(void *document, slv_str text)
{
	(void)text;
	const struct lifecycle *lifecycle = document;
	if (!lifecycle->has_status || !lifecycle->has_prefix)
		return malformed("A rule has no Status, or neither Filter nor Prefix.");
	if (!lifecycle->has_expiration && !lifecycle->has_abort)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST, "A rule does nothing.");
	return SLV_OBJECT_OK;
}

static slv_object_err rule_id(void *document, slv_str text)
{
	struct lifecycle *lifecycle = document;
	if (text.len > SLV_OBJECT_RULE_ID_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"The ID of a rule is longer than 255 bytes.");
	return set_text(lifecycle->arena, &last_rule(lifecycle)->id, text);
}

static slv_object_err rule_status(void *document, slv_str text)
{
	struct lifecycle *lifecycle = document;
	if (lifecycle->has_status)
		return doubled;
	lifecycle->has_status = true;
	last_rule(lifecycle)->enabled = slv_str_eq(word(text), SLV_STR("Enabled"));
	return last_rule(lifecycle)->enabled || slv_str_eq(word(text), SLV_STR("Disabled"))
	                       ? SLV_OBJECT_OK
	                       : malformed("Status is Enabled or Disabled.");
}

static slv_object_err rule_filter(void *document)
{
	struct lifecycle *lifecycle = document;
	if (lifecycle->has_prefix)
		return doubled;
	lifecycle->has_prefix = true;
	return SLV_OBJECT_OK;
}

/* The old way, beside Filter. */
static slv_object_err rule_prefix(void *document, slv_str text)
{
	struct lifecycle *lifecycle = document;
	slv_object_err err = rule_filter(document);
	return slv_object_failed(err)
	                       ? err
	                       : set_text(lifecycle->arena, &last_rule(lifecycle)->prefix, text);
}

/* A filter has one part, of which And has several; of those, only Prefix is done. */
static slv_object_err filter_part(void *document)
{
	struct lifecycle *lifecycle = document;
	if (lifecycle->has_filter_part)
		return doubled;
	lifecycle->has_filter_part = true;
	return SLV_OBJECT_OK;
}

static slv_object_err filter_prefix(void *document, slv_str text)
{
	struct lifecycle *lifecycle = document;
	return set_text(lifecycle->arena, &last_rule(lifecycle)->prefix, text);
}

static slv_object_err rule_expiration(void *document)
{
	struct lifecycle *lifecycle = document;
	if (lifecycle->has_expiration)
		return doubled;
	lifecycle->has_expiration = true;
	return SLV_OBJECT_OK;
}

static slv_object_err rule_expiration_end(void *document, slv_str text)
{
	(void)text;
	const struct slv_object_lifecycle_rule *rule = last_rule(document);
	return (rule->expire_days > 0) != (rule->expire_at_s >= 0)
	                       ? SLV_OBJECT_OK
	                       : malformed("An Expiration has either Days or Date.");
}

static slv_object_err set_days(uint32_t *days, slv_str text)
{
	uint64_t value;
	if (*days)
		return doubled;
	if (!slv_str_u64(word(text), INT32_MAX, &value) || value == 0)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"Days are a number from 1 to 2147483647.");
	*days = (uint32_t)value;
	return SLV_OBJECT_OK;
}

static slv_object_err expiration_days(void *document, slv_str text)
{
	return set_days(&last_rule(document)->expire_days, text);
}

/* "2030-01-01", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000Z", "…+00:00" */
static bool read_midnight(slv_str text, int64_t *ret_s)
{
	static const slv_str tails[] = { SLV_STR_INIT(""), SLV_STR_INIT("T00:00:00Z"),
		SLV_STR_INIT("T00:00:00.000Z"), SLV_STR_INIT("T00:00:00+00:00") };
	slv_str tail = slv_str_from_index(text, 10);
	size_t i = 0;
	while (i < SLV_COUNT(tails) && !slv_str_eq(tail, tails[i]))
		i++;
	if (i == SLV_COUNT(tails) || text.len < 10 || text.at[4] != '-' || text.at[7] != '-')
		return false;
	char basic[SLV_DATE_BASIC_BYTES];
	memcpy(basic, text.at, 4);
	memcpy(basic + 4, text.at + 5, 2);
	memcpy(basic + 6, text.at + 8, 2);
	memcpy(basic + 8, "T000000Z", 8);
	return slv_date_parse_basic((slv_str){ basic, sizeof(basic) }, ret_s) && *ret_s >= 0;
}

static slv_object_err expiration_date(void *document, slv_str text)
{
	struct slv_object_lifecycle_rule *rule = last_rule(document);
	int64_t date_s;
	if (rule->expire_at_s >= 0)
		return doubled;
	if (!read_midnight(word(text), &date_s))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"Date is a midnight of UTC, as 2030-01-01T00:00:00.000Z.");
	rule->expire_at_s = date_s;
	return SLV_OBJECT_OK;
}

static slv_object_err rule_abort(void *document)
{
	struct lifecycle *lifecycle = document;
	if (lifecycle->has_abort)
		return doubled;
	lifecycle->has_abort = true;
	return SLV_OBJECT_OK;
}

static slv_object_err rule_abort_end(void *document, slv_str text)
{
	(void)text;
	return last_rule(document)->abort_days
	                       ? SLV_OBJECT_OK
	                       : malformed("An AbortIncompleteMultipartUpload has no "
					   "DaysAfterInitiation.");
}

static slv_object_err abort_days(void *document, slv_str text)
{
	return set_days(&last_rule(document)->abort_days, text);
}

static int by_id(const void *a, const void *b)
{
	return slv_str_cmp(*(const slv_str *)a, *(const slv_str *)b);
}

static slv_object_err check_ids(struct slv_arena *arena, const struct slv_object_lifecycle *out)
{
	slv_str *ids = SLV_NEW_ARRAY(arena, slv_str, out->count);
	uint32_t count = 0;
	if (!ids)
		return too_much;
	for (uint32_t i = 0; i < out->count; i++)
		if (out->rules[i].id.len)
			ids[count++] = out->rules[i].id;
	qsort(ids, count, sizeof(*ids), by_id);
	for (uint32_t i = 1; i < count; i++)
		if (slv_str_eq(ids[i - 1], ids[i]))
			return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
					"Two rules have the same ID.");
	return SLV_OBJECT_OK;
}

#define RULE "LifecycleConfiguration/Rule"
static const struct object_element lifecycle_elements[] = {
	{ "LifecycleConfiguration", OBJECT_ELEMENT_GROUP, NULL, NULL },
	{ RULE, OBJECT_ELEMENT_GROUP, rule_begin, rule_end },
	{ RULE "/ID", OBJECT_ELEMENT_TEXT, NULL, rule_id },
	{ RULE "/Status", OBJECT_ELEMENT_TEXT, NULL, rule_status },
	{ RULE "/Prefix", OBJECT_ELEMENT_TEXT, NULL, rule_prefix },
	{ RULE "/Filter", OBJECT_ELEMENT_GROUP, rule_filter, NULL },
	{ RULE "/Filter/Prefix", OBJECT_ELEMENT_TEXT, filter_part, filter_prefix },
	{ RULE "/Filter/And", OBJECT_ELEMENT_GROUP, filter_part, NULL },
	{ RULE "/Filter/And/Prefix", OBJECT_ELEMENT_TEXT, NULL, filter_prefix },
	{ RULE "/Filter/And/Tag", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/Filter/And/ObjectSizeGreaterThan", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/Filter/And/ObjectSizeLessThan", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/Filter/Tag", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/Filter/ObjectSizeGreaterThan", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/Filter/ObjectSizeLessThan", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/Expiration", OBJECT_ELEMENT_GROUP, rule_expiration, rule_expiration_end },
	{ RULE "/Expiration/Days", OBJECT_ELEMENT_TEXT, NULL, expiration_days },
	{ RULE "/Expiration/Date", OBJECT_ELEMENT_TEXT, NULL, expiration_date },
	{ RULE "/Expiration/ExpiredObjectDeleteMarker", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/AbortIncompleteMultipartUpload", OBJECT_ELEMENT_GROUP, rule_abort,
			rule_abort_end },
	{ RULE "/AbortIncompleteMultipartUpload/DaysAfterInitiation", OBJECT_ELEMENT_TEXT, NULL,
			abort_days },
	{ RULE "/Transition", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/NoncurrentVersionTransition", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	{ RULE "/NoncurrentVersionExpiration", OBJECT_ELEMENT_REFUSED, NULL, NULL },
};

slv_object_err slv_object_document_lifecycle(
		struct slv_arena *arena, slv_str xml, struct slv_object_lifecycle *ret_lifecycle)
{
	struct lifecycle lifecycle = { .arena = arena };
	slv_object_err err = object_read(xml, SLV_OBJECT_LIFECYCLE_BYTES_MAX,
			SLV_OBJECT_DOCUMENT_TEXT_MAX, lifecycle_elements,
			SLV_COUNT(lifecycle_elements), &lifecycle);
	if (!slv_object_failed(err) && lifecycle.out.count == 0)
		err = malformed("There are no rules.");
	if (!slv_object_failed(err))
		err = check_ids(arena, &lifecycle.out);
	if (!slv_object_failed(err))
		*ret_lifecycle = lifecycle.out;
	return err;
}

/* --- CreateBucketConfiguration --- */

struct location {
	struct slv_arena *arena;
	slv_str out;
};

static slv_object_err location_constraint(void *document, slv_str text)
{
	struct location *location = document;
	return set_text(location->arena, &location->out, word(text));
}

slv_object_err slv_object_document_location(
		struct slv_arena *arena, slv_str xml, slv_str *ret_location)
{
#define ROOT "CreateBucketConfiguration"
	static const struct object_element elements[] = {
		{ ROOT, OBJECT_ELEMENT_GROUP, NULL, NULL },
		{ ROOT "/LocationConstraint", OBJECT_ELEMENT_TEXT, NULL, location_constraint },
		{ ROOT "/Location", OBJECT_ELEMENT_REFUSED, NULL, NULL },
		{ ROOT "/Bucket", OBJECT_ELEMENT_REFUSED, NULL, NULL },
		{ ROOT "/Tags", OBJECT_ELEMENT_REFUSED, NULL, NULL },
	};
	struct location location = { .arena = arena };
	slv_object_err err = object_read(xml, SLV_OBJECT_CONFIG_BYTES_MAX,
			SLV_OBJECT_DOCUMENT_TEXT_MAX, elements, SLV_COUNT(elements), &location);
	if (!slv_object_failed(err))
		*ret_location = location.out;
	return err;
}
