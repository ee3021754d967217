#include "http/accept.h"

#include "base/assert.h"
#include "http/token.h"

#define Q_MAX 1000u

void slv_accept_init(struct slv_accept *accept)
{
	/* `ranges` is left as it is: only `count` of them are ever read. */
	accept->seen = accept->count = 0;
	accept->told = false;
}

/* weight = "0" ["." 0*3DIGIT] | "1" ["." 0*3("0")], RFC 9110 section 12.4.2 */
static bool parse_q(slv_str text, uint16_t *ret_q)
{
	if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1'))
		return false;
	if (text.len > 1 && text.at[1] != '.')
		return false;
	unsigned q = text.at[0] == '1' ? Q_MAX : 0, worth = 100;
	for (size_t i = 2; i < text.len; i++) {
		if (!slv_is_digit(text.at[i]))
			return false;
		q += (unsigned)(text.at[i] - '0') * worth;
		worth /= 10;
	}
	if (q > Q_MAX)
		return false;
	*ret_q = (uint16_t)q;
	return true;
}

static slv_str cut_token(slv_str *rest)
{
	size_t len = slv_token_len(*rest);
	slv_str token = slv_str_head(*rest, len);
	*rest = slv_str_from_index(*rest, len);
	return token;
}

/* Take "name=value" off `*rest`, the value with its quotes if it has any. */
static bool cut_parameter(slv_str *rest, slv_str *ret_name, slv_str *ret_value)
{
	slv_str name = cut_token(rest);
	if (name.len == 0 || !slv_str_starts(*rest, SLV_STR("=")))
		return false;
	slv_str value = slv_str_from_index(*rest, 1);
	size_t len = slv_token_len(value);
	if (len == 0)
		len = slv_token_quoted_len(value);
	if (len == 0)
		return false;
	*ret_name = name;
	*ret_value = slv_str_head(value, len);
	*rest = slv_str_from_index(value, len);
	return true;
}

/* The parameters behind a range, and its weight. `*ret_narrow`: there are some that no type
 * of ours has. What stands behind the weight means nothing (section 12.5.1) but must parse. */
static bool parse_parameters(slv_str rest, uint16_t *ret_q, bool *ret_narrow)
{
	bool weighed = false;
	*ret_q = Q_MAX;
	*ret_narrow = false;
	for (;;) {
		slv_str name, value;
		rest = slv_token_skip_space(rest);
		if (rest.len == 0)
			return true;
		if (rest.at[0] != ';')
			return false;
		rest = slv_token_skip_space(slv_str_from_index(rest, 1));
		if (rest.len == 0 || rest.at[0] == ';')
			continue; /* an empty parameter, section 5.6.6 */
		if (!cut_parameter(&rest, &name, &value))
			return false;
		if (weighed)
			continue;
		weighed = slv_str_eq_nocase(name, SLV_STR("q"));
		if (weighed && !parse_q(value, ret_q))
			return false;
		if (!weighed && !slv_str_eq_nocase(name, SLV_STR("charset")))
			*ret_narrow = true;
	}
}

/* Take "type/subtype" off `*rest`, with stars as section 12.5.1 allows them. */
static bool cut_range(slv_str *rest, struct slv_accept_range *ret_range)
{
	slv_str all = *rest;
	slv_str type = cut_token(rest);
	if (type.len == 0 || !slv_str_starts(*rest, SLV_STR("/")))
		return false;
	*rest = slv_str_from_index(*rest, 1);
	slv_str subtype = cut_token(rest);
	if (subtype.len == 0)
		return false;

	bool any_type = slv_str_eq(type, SLV_STR("*"));
	bool any_subtype = slv_str_eq(subtype, SLV_STR("*"));
	if (any_type && !any_subtype)
		return false;
	if (any_type)
		*ret_range = (struct slv_accept_range){ .how = SLV_ACCEPT_ANY };
	else if (any_subtype)
		*ret_range = (struct slv_accept_range){ .type = type, .how = SLV_ACCEPT_GROUP };
	else
		*ret_range = (struct slv_accept_range){
			.type = slv_str_head(all, type.len + 1 + subtype.len),
			.how = SLV_ACCEPT_EXACT,
		};
	return true;
}

void slv_accept_add(struct slv_accept *accept, slv_str value)
{
	slv_str element;
	while (accept->seen < SLV_ACCEPT_MAX && slv_token_next(&value, &element)) {
		struct slv_accept_range range;
		uint16_t q;
		bool narrow;
		accept->seen++;
		if (!cut_range(&element, &range) || !parse_parameters(element, &q, &narrow))
			continue;
		accept->told = true;
		if (narrow)
			continue;
		range.q = q;
		accept->ranges[accept->count++] = range;
	}
	slv_assert(accept->count <= accept->seen && accept->seen <= SLV_ACCEPT_MAX);
}

void slv_accept_read(const struct slv_fields *fields, struct slv_accept *ret_accept)
{
	const struct slv_field *field = NULL;
	slv_accept_init(ret_accept);
	while ((field = slv_fields_find(fields, SLV_FIELD_ACCEPT, field)))
		slv_accept_add(ret_accept, field->value);
}

static bool range_has(const struct slv_accept_range *range, slv_str type)
{
	switch ((enum slv_accept_how)range->how) {
	case SLV_ACCEPT_ANY:
		return true;
	case SLV_ACCEPT_GROUP:
		return type.len > range->type.len && type.at[range->type.len] == '/' &&
		       slv_str_eq_nocase(range->type, slv_str_head(type, range->type.len));
	case SLV_ACCEPT_EXACT:
		return slv_str_eq_nocase(range->type, type);
	}
	return false;
}

/* The closest and then most liked of the ranges that have `type` and are at least as close
 * as `least`. */
static unsigned best_q(const struct slv_accept *accept, slv_str type, uint8_t least)
{
	unsigned q = 0;
	for (uint32_t i = 0; i < accept->count; i++) {
		const struct slv_accept_range *range = &accept->ranges[i];
		if (range->how < least || !range_has(range, type))
			continue;
		if (range->how > least || range->q > q)
			q = range->q;
		least = range->how;
	}
	return q;
}

unsigned slv_accept_q(const struct slv_accept *accept, slv_str type)
{
	return accept->told ? best_q(accept, type, SLV_ACCEPT_ANY) : Q_MAX;
}

unsigned slv_accept_q_named(const struct slv_accept *accept, slv_str type)
{
	return best_q(accept, type, SLV_ACCEPT_EXACT);
}

bool slv_accept_prefers_json(const struct slv_accept *accept)
{
	unsigned json = slv_accept_q(accept, SLV_STR("application/json"));
	unsigned text = slv_accept_q(accept, SLV_STR("text/plain"));
	unsigned named = slv_accept_q_named(accept, SLV_STR("application/json"));
	return json > text || (json > 0 && json == text && named > 0);
}
