#include "http/token.h"

#include <string.h>

#define T 3 /* in a token, and in a field value */
#define V 2 /* in a field value only */

static const uint8_t kinds[256] = {
	/* clang-format off */
	0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	V, T, V, T, T, T, T, T, V, V, T, T, V, T, T, V,
	T, T, T, T, T, T, T, T, T, T, V, V, V, V, V, V,
	V, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
	T, T, T, T, T, T, T, T, T, T, T, V, V, V, T, T,
	T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
	T, T, T, T, T, T, T, T, T, T, T, V, T, V, T, 0,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	/* clang-format on */
};

bool slv_token_has(char c)
{
	return kinds[(uint8_t)c] == T;
}

size_t slv_token_len(slv_str s)
{
	size_t len = 0;
	while (len < s.len && kinds[(uint8_t)s.at[len]] == T)
		len++;
	return len;
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
	while (skip < s.len && (s.at[skip] == ' ' || s.at[skip] == '\t'))
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

static bool bytes_are_text(slv_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!kinds[(uint8_t)s.at[i]])
			return false;
	return true;
}

bool slv_token_is_text(slv_str s)
{
	size_t at = 0;
	for (; s.len - at >= 8; at += 8) {
		uint64_t word;
		memcpy(&word, s.at + at, 8);
		/* A tab is below too, and allowed. */
		bool suspect = slv_token_word_below(word, 0x20) || slv_token_word_has(word, 0x7f);
		if (suspect && !bytes_are_text((slv_str){ s.at + at, 8 }))
			return false;
	}
	return bytes_are_text(slv_str_from_index(s, at));
}
