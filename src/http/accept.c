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

/* What is left of a value. */
struct rest {
	const char *at, *end;
};

static bool rest_is(const struct rest *rest, char c)
{
	return rest->at < rest->end && *rest->at == c;
}

static void skip_space(struct rest *rest)
{
	while (rest_is(rest, ' ') || rest_is(rest, '\t'))
		rest->at++;
}

static slv_str rest_str(const struct rest *rest)
{
	return (slv_str){ rest->at, (size_t)(rest->end - rest->at) };
}

static slv_str cut_token(struct rest *rest)
{
	slv_str token = { rest->at, slv_token_len(rest_str(rest)) };
	rest->at += token.len;
	return token;
}

/* Take "name=value" off, the value with its quotes if it has any. */
static bool cut_parameter(struct rest *rest, slv_str *ret_name, slv_str *ret_value)
{
	slv_str name = cut_token(rest);
	if (name.len == 0 || !rest_is(rest, '='))
		return false;
	rest->at++;
	slv_str value = cut_token(rest);
	if (value.len == 0) {
		value.len = slv_token_quoted_len(rest_str(rest));
		rest->at += value.len;
	}
	*ret_name = name;
	*ret_value = value;
	return value.len > 0;
}

/* The parameters behind a range, up to the comma, and its weight. `*ret_narrow`: there are
 * some that no type of ours has. What stands behind the weight means nothing (section
 * 12.5.1) but must parse. */
static bool cut_parameters(struct rest *rest, uint16_t *ret_q, bool *ret_narrow)
{
	bool weighed = false;
	*ret_q = Q_MAX;
	*ret_narrow = false;
	for (;;) {
		slv_str name, value;
		skip_space(rest);
		if (rest->at == rest->end || *rest->at == ',')
			return true;
		if (*rest->at++ != ';')
			return false;
		skip_space(rest);
		if (rest->at == rest->end || *rest->at == ';' || *rest->at == ',')
			continue; /* an empty parameter, section 5.6.6 */
		if (!cut_parameter(rest, &name, &value))
			return false;
		if (weighed)
			continue;
		weighed = name.len == 1 && slv_lower(name.at[0]) == 'q';
		if (weighed && !parse_q(value, ret_q))
			return false;
		if (!weighed && !slv_str_eq_nocase(name, SLV_STR("charset")))
			*ret_narrow = true;
	}
}

static bool is_star(slv_str token)
{
	return token.len == 1 && token.at[0] == '*';
}

/* Take "type/subtype" off, with stars as section 12.5.1 allows them. */
static bool cut_range(struct rest *rest, struct slv_accept_range *ret_range)
{
	slv_str type = cut_token(rest);
	if (type.len == 0 || !rest_is(rest, '/'))
		return false;
	rest->at++;
	slv_str subtype = cut_token(rest);
	if (subtype.len == 0 || (is_star(type) && !is_star(subtype)))
		return false;

	if (is_star(type)) {
		type.len = 0;
		ret_range->how = SLV_ACCEPT_ANY;
	} else if (is_star(subtype)) {
		ret_range->how = SLV_ACCEPT_GROUP;
	} else {
		type.len += 1 + subtype.len;
		ret_range->how = SLV_ACCEPT_EXACT;
	}
	ret_range->type = type;
	return true;
}

/* Take the element at hand off, comma included. */
static void read_element(struct slv_accept *accept, struct rest *rest)
{
	struct slv_accept_range *range = &accept->ranges[accept->count];
	const char *begin = rest->at;
	bool narrow;
	accept->seen++;
	if (cut_range(rest, range) && cut_parameters(rest, &range->q, &narrow)) {
		accept->told = true;
		accept->count += !narrow;
		return;
	}
	slv_str all = { begin, (size_t)(rest->end - begin) }, element;
	slv_token_next(&all, &element);
	rest->at = all.at;
}

void slv_accept_add(struct slv_accept *accept, slv_str value)
{
	struct rest rest = { value.at, value.len ? value.at + value.len : value.at };
	while (accept->seen < SLV_ACCEPT_MAX) {
		while (rest_is(&rest, ',') || rest_is(&rest, ' ') || rest_is(&rest, '\t'))
			rest.at++;
		if (rest.at == rest.end)
			break;
		read_element(accept, &rest);
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
