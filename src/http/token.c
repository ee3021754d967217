#include "http/token.h"

#include "http/scan.h"

size_t slv_token_len(slv_str s)
{
	return slv_scan_plain(s.at, 0, s.len, SLV_SCAN_TOKEN);
}

size_t slv_token_quoted_len(slv_str s)
{
	if (s.len == 0 || s.at[0] != '"')
		return 0;
	for (size_t i = 1; i < s.len; i++) {
		if (s.at[i] == '"')
			return i + 1;
		if (s.at[i] == '\\')
			i++;
	}
	return 0;
}

slv_str slv_token_skip_space(slv_str s)
{
	size_t skip = 0;
	while (skip < s.len && slv_is_blank(s.at[skip]))
		skip++;
	return slv_str_from_index(s, skip);
}

/* The length of what stands before the next comma that separates. */
static size_t element_len(slv_str s)
{
	size_t i = 0;
	while (i < s.len && s.at[i] != ',') {
		if (s.at[i] != '"') {
			i++;
			continue;
		}
		size_t quoted = slv_token_quoted_len(slv_str_from_index(s, i));
		if (quoted == 0)
			return s.len;
		i += quoted;
	}
	return i;
}

bool slv_token_next(slv_str *rest, slv_str *ret_element)
{
	while (rest->len) {
		size_t len = element_len(*rest);
		slv_str element = slv_str_trim(slv_str_head(*rest, len));
		*rest = slv_str_from_index(*rest, len + 1);
		if (element.len) {
			*ret_element = element;
			return true;
		}
	}
	return false;
}
