#include "http/range.h"

#include "http/token.h"

/* A number of any length; past 64 bits it is the largest. */
static bool parse_position(slv_str text, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!slv_is_digit(text.at[i]))
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
				__builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value))
			value = UINT64_MAX;
	}
	*ret_value = value;
	return true;
}

/* "-5": the last 5 bytes. Of nothing even those are nothing, which no Content-Range can
 * tell, so that the whole is. */
static enum slv_range_verdict parse_suffix(
		slv_str text, uint64_t length, struct slv_range *ret_range)
{
	uint64_t count;
	if (!parse_position(text, &count))
		return SLV_RANGE_WHOLE;
	if (count == 0)
		return SLV_RANGE_BAD;
	if (length == 0)
		return SLV_RANGE_WHOLE;
	if (count > length)
		count = length;
	*ret_range = (struct slv_range){ .first = length - count, .count = count };
	return SLV_RANGE_PART;
}

static enum slv_range_verdict parse_spec(slv_str spec, uint64_t length, struct slv_range *ret_range)
{
	uint64_t first, last = UINT64_MAX;
	slv_str head = slv_str_cut(&spec, '-');
	if (!spec.at)
		return SLV_RANGE_WHOLE;
	if (head.len == 0)
		return parse_suffix(spec, length, ret_range);
	if (!parse_position(head, &first) || (spec.len && !parse_position(spec, &last)))
		return SLV_RANGE_WHOLE;
	if (first > last)
		return SLV_RANGE_WHOLE;
	if (first >= length)
		return SLV_RANGE_BAD;
	uint64_t most = length - first;
	uint64_t count = last - first < most ? last - first + 1 : most;
	*ret_range = (struct slv_range){ .first = first, .count = count };
	return SLV_RANGE_PART;
}

enum slv_range_verdict slv_range_parse(slv_str value, uint64_t length, struct slv_range *ret_range)
{
	slv_str spec, second;
	slv_str unit = slv_str_cut(&value, '=');
	if (!value.at || !slv_str_eq_nocase(unit, SLV_STR("bytes")))
		return SLV_RANGE_WHOLE;
	if (!slv_token_next(&value, &spec) || slv_token_next(&value, &second))
		return SLV_RANGE_WHOLE;
	return parse_spec(spec, length, ret_range);
}
