/* field.c - fields and the ids of their names
 *
 * An id is found without a search: length, first and last letter pick one of SLOTS
 * slots, and one comparison with the name that is there decides. The multipliers
 * of SLOT() were searched so that no two names share a slot; if a new row does,
 * the compiler says that an initializer is overridden: try others.
 */
#include "http/field.h"

#include "base/assert.h"
#include "base/attr.h"
#include "http/scan.h"

#include <string.h>

#define SLOTS 1024u
#define SLOT(len, first, last)                                                                     \
	(((unsigned)(len)*5 + (uint8_t)(first)*7u + (uint8_t)(last)*9u) % SLOTS)

#define FIELDS_FIRST 16u /* places in a list that gets its first field */

static const slv_str names[SLV_FIELD_COUNT] = { SLV_STR_INIT(""),
#define X(id, name) SLV_STR_INIT(name),
	SLV_FIELD_TABLE(X)
#undef X
};

enum name_len {
#define X(id, name) LEN_##id = sizeof(name) - 1,
	SLV_FIELD_TABLE(X)
#undef X
};

/* First and last letter of each name. A row that is missing or wrong fails the test that
 * looks up every name of the table. */
#define ROW(id, first, last) [SLOT(LEN_##id, first, last)] = SLV_FIELD_##id
static const uint8_t slots[SLOTS] = {
	ROW(ACCEPT, 'a', 't'),
	ROW(ACCEPT_ENCODING, 'a', 'g'),
	ROW(ACCEPT_RANGES, 'a', 's'),
	ROW(AGE, 'a', 'e'),
	ROW(ALLOW, 'a', 'w'),
	ROW(AUTHORIZATION, 'a', 'n'),
	ROW(CACHE_CONTROL, 'c', 'l'),
	ROW(CACHE_STATUS, 'c', 's'),
	ROW(CONNECTION, 'c', 'n'),
	ROW(CONTENT_DISPOSITION, 'c', 'n'),
	ROW(CONTENT_ENCODING, 'c', 'g'),
	ROW(CONTENT_LENGTH, 'c', 'h'),
	ROW(CONTENT_RANGE, 'c', 'e'),
	ROW(CONTENT_SECURITY_POLICY, 'c', 'y'),
	ROW(CONTENT_TYPE, 'c', 'e'),
	ROW(COOKIE, 'c', 'e'),
	ROW(DATE, 'd', 'e'),
	ROW(DOWNLINK, 'd', 'k'),
	ROW(DPR, 'd', 'r'),
	ROW(ECT, 'e', 't'),
	ROW(ETAG, 'e', 'g'),
	ROW(EXPECT, 'e', 't'),
	ROW(EXPIRES, 'e', 's'),
	ROW(FORWARDED, 'f', 'd'),
	ROW(HOST, 'h', 't'),
	ROW(IF_MATCH, 'i', 'h'),
	ROW(IF_MODIFIED_SINCE, 'i', 'e'),
	ROW(IF_NONE_MATCH, 'i', 'h'),
	ROW(IF_RANGE, 'i', 'e'),
	ROW(IF_UNMODIFIED_SINCE, 'i', 'e'),
	ROW(KEEP_ALIVE, 'k', 'e'),
	ROW(LAST_MODIFIED, 'l', 'd'),
	ROW(LOCATION, 'l', 'n'),
	ROW(ORIGIN, 'o', 'n'),
	ROW(PRAGMA, 'p', 'a'),
	ROW(PROXY_CONNECTION, 'p', 'n'),
	ROW(RANGE, 'r', 'e'),
	ROW(REFERER, 'r', 'r'),
	ROW(RETRY_AFTER, 'r', 'r'),
	ROW(RTT, 'r', 't'),
	ROW(SAVE_DATA, 's', 'a'),
	ROW(SEC_CH_DPR, 's', 'r'),
	ROW(SEC_CH_VIEWPORT_WIDTH, 's', 'h'),
	ROW(SEC_CH_WIDTH, 's', 'h'),
	ROW(SERVER, 's', 'r'),
	ROW(SET_COOKIE, 's', 'e'),
	ROW(TE, 't', 'e'),
	ROW(TRAILER, 't', 'r'),
	ROW(TRANSFER_ENCODING, 't', 'g'),
	ROW(UPGRADE, 'u', 'e'),
	ROW(USER_AGENT, 'u', 't'),
	ROW(VARY, 'v', 'y'),
	ROW(VIEWPORT_WIDTH, 'v', 'h'),
	ROW(WIDTH, 'w', 'h'),
	ROW(X_CONTENT_TYPE_OPTIONS, 'x', 's'),
	ROW(X_FORWARDED_FOR, 'x', 'r'),
	ROW(X_FORWARDED_HOST, 'x', 't'),
	ROW(X_FORWARDED_PROTO, 'x', 'o'),
};
#undef ROW

/* Eight bytes of a name against eight of one in lower case: they may differ in the bit
 * 0x20 where that has a letter. */
static bool word_is(const char *any, const char *lower)
{
	uint64_t a, b;
	memcpy(&a, any, 8);
	memcpy(&b, lower, 8);
	return ((a ^ b) & ~((b & 0x4040404040404040u) >> 1)) == 0;
}

static bool name_is(const char *any, const char *lower, size_t len)
{
	if (len < 8) {
		for (size_t i = 0; i < len; i++)
			if (slv_lower(any[i]) != lower[i])
				return false;
		return true;
	}
	for (size_t i = 0; i + 8 < len; i += 8)
		if (!word_is(any + i, lower + i))
			return false;
	return word_is(any + len - 8, lower + len - 8);
}

enum slv_field_id slv_field_id(slv_str name)
{
	if (name.len == 0)
		return SLV_FIELD_OTHER;
	unsigned slot = SLOT(name.len, name.at[0] | 0x20, name.at[name.len - 1] | 0x20);
	uint8_t id = slots[slot % SLOTS];
	bool same = names[id].len == name.len && name_is(name.at, names[id].at, name.len);
	return same ? (enum slv_field_id)id : SLV_FIELD_OTHER;
}

slv_str slv_field_name(enum slv_field_id id)
{
	slv_assert(id > SLV_FIELD_OTHER && id < SLV_FIELD_COUNT);
	return names[id];
}

bool slv_field_name_ok(slv_str name)
{
	return name.len && slv_scan_plain(name.at, 0, name.len, SLV_SCAN_TOKEN) == name.len;
}

bool slv_field_value_ok(slv_str value)
{
	if (value.len == 0)
		return true;
	if (slv_is_blank(value.at[0]) || slv_is_blank(value.at[value.len - 1]))
		return false;
	return slv_scan_value(value.at, 0, value.len) == value.len;
}

void slv_fields_init(struct slv_fields *fields, struct slv_arena *arena)
{
	*fields = (struct slv_fields){ .arena = arena };
}

static bool fields_grow(struct slv_fields *fields)
{
	uint32_t cap = fields->cap ? fields->cap * 2 : FIELDS_FIRST;
	if (cap <= fields->cap)
		return false;
	struct slv_field *at = SLV_NEW_ARRAY(fields->arena, struct slv_field, cap);
	if (!at)
		return false;
	if (fields->count)
		memcpy(at, fields->at, fields->count * sizeof(*at));
	fields->at = at;
	fields->cap = cap;
	return true;
}

static slv_err fields_push(struct slv_fields *fields, struct slv_field field)
{
	if (fields->count == fields->cap && !fields_grow(fields))
		return SLV_ERR(SLV_E_LIMIT, "no memory for another field");
	fields->at[fields->count++] = field;
	return SLV_OK;
}

slv_err slv_fields_add(struct slv_fields *fields, slv_str name, slv_str value)
{
	return fields_push(fields,
			(struct slv_field){
					.name = name, .value = value, .id = slv_field_id(name) });
}

slv_err slv_fields_add_id(struct slv_fields *fields, enum slv_field_id id, slv_str value)
{
	return fields_push(fields,
			(struct slv_field){ .name = slv_field_name(id), .value = value, .id = id });
}

slv_err slv_fields_set(struct slv_fields *fields, enum slv_field_id id, slv_str value)
{
	slv_fields_remove(fields, id);
	return slv_fields_add_id(fields, id, value);
}

const struct slv_field *slv_fields_find(const struct slv_fields *fields, enum slv_field_id id,
		const struct slv_field *after)
{
	size_t from = after ? (size_t)(after - fields->at) + 1 : 0;
	slv_assert(from <= fields->count);
	for (size_t i = from; i < fields->count; i++)
		if (fields->at[i].id == id)
			return &fields->at[i];
	return NULL;
}

const struct slv_field *slv_fields_find_name(const struct slv_fields *fields, slv_str name)
{
	enum slv_field_id id = slv_field_id(name);
	if (id != SLV_FIELD_OTHER)
		return slv_fields_find(fields, id, NULL);
	for (size_t i = 0; i < fields->count; i++)
		if (fields->at[i].id == id && slv_str_eq_nocase(fields->at[i].name, name))
			return &fields->at[i];
	return NULL;
}

slv_str slv_fields_get(const struct slv_fields *fields, enum slv_field_id id)
{
	const struct slv_field *field = slv_fields_find(fields, id, NULL);
	return field ? field->value : (slv_str){ 0 };
}

void slv_fields_remove(struct slv_fields *fields, enum slv_field_id id)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < fields->count; i++)
		if (fields->at[i].id != id)
			fields->at[kept++] = fields->at[i];
	fields->count = kept;
}
