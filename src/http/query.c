#include "http/query.h"

#include "http/uri.h"

#define NAME_SHOWN_BYTES 64

bool slv_query_next(slv_str *rest, slv_str *ret_name, slv_str *ret_value)
{
	while (rest->at) {
		slv_str value = slv_str_cut(rest, '&');
		if (value.len == 0)
			continue;
		*ret_name = slv_str_cut(&value, '=');
		*ret_value = value;
		return true;
	}
	return false;
}

slv_err slv_query_decode(
		struct slv_arena *arena, slv_str text, enum slv_query_plus plus, slv_str *ret_text)
{
	if (plus == SLV_QUERY_PLUS || slv_str_find(text, '+') == text.len)
		return slv_uri_decode(arena, text, ret_text);

	/* Before the escapes are: "%2B" stays a plus. */
	char *spaced = slv_arena_bytes(arena, text.len);
	if (!spaced)
		return SLV_ERR(SLV_E_LIMIT, "no memory to decode a parameter");
	for (size_t i = 0; i < text.len; i++)
		spaced[i] = text.at[i] == '+' ? ' ' : text.at[i];
	return slv_uri_decode(arena, (slv_str){ spaced, text.len }, ret_text);
}

/* The byte that `raw` means at `*at`, which is stepped over; -1 if there is no way to read it. */
static int decode_byte(slv_str raw, size_t *at, enum slv_query_plus plus)
{
	char c = raw.at[(*at)++];
	if (c == '+' && plus == SLV_QUERY_SPACE)
		return ' ';
	if (c != '%')
		return c ? (unsigned char)c : -1;
	if (raw.len - *at < 2)
		return -1;
	int high = slv_hex_value(raw.at[*at]), low = slv_hex_value(raw.at[*at + 1]);
	if (high < 0 || low < 0 || (high | low) == 0)
		return -1;
	*at += 2;
	return high << 4 | low;
}

/* Does `raw` mean `name`? Without memory: a look-up may pass many names. */
static slv_err compare(slv_str raw, slv_str name, enum slv_query_plus plus, bool *ret_same)
{
	bool same = true;
	size_t len = 0;
	for (size_t at = 0; at < raw.len; len++) {
		int byte = decode_byte(raw, &at, plus);
		if (byte < 0)
			return SLV_ERR(SLV_E_SYNTAX,
					"'%' without two hexadecimal digits, or an octet 0, in "
					"the name of a parameter");
		same = same && len < name.len && (unsigned char)name.at[len] == byte;
	}
	*ret_same = same && len == name.len;
	return SLV_OK;
}

slv_err slv_query_get(struct slv_arena *arena, slv_str query, slv_str name,
		enum slv_query_plus plus, slv_str *ret_value)
{
	slv_str raw_name, raw, value = { 0 };
	unsigned count = 0;
	bool found = false;
	while (slv_query_next(&query, &raw_name, &raw)) {
		if (count++ == SLV_QUERY_PARAMS_MAX)
			return SLV_ERR(SLV_E_LIMIT, "more than 128 parameters in a query");
		bool same;
		slv_err err = compare(raw_name, name, plus, &same);
		if (slv_failed(err))
			return err;
		if (!same)
			continue;
		if (found)
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"parameter '%.*s' is given twice",
					SLV_FMT(slv_str_head(name, NAME_SHOWN_BYTES)));
		found = true;
		value = raw;
	}
	if (found) {
		slv_err err = slv_query_decode(arena, value, plus, &value);
		if (slv_failed(err))
			return slv_err_wrap(arena, err, "parameter '%.*s'",
					SLV_FMT(slv_str_head(name, NAME_SHOWN_BYTES)));
	}
	*ret_value = value;
	return SLV_OK;
}
