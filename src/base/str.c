#include "base/str.h"

#include <string.h>

slv_str slv_str_from(const char *text)
{
	return text ? (slv_str){ text, strlen(text) } : (slv_str){ 0 };
}

bool slv_str_eq(slv_str a, slv_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool slv_str_eq_nocase(slv_str a, slv_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (slv_lower(a.at[i]) != slv_lower(b.at[i]))
			return false;
	return true;
}

bool slv_str_starts(slv_str s, slv_str prefix)
{
	return s.len >= prefix.len && slv_str_eq(slv_str_head(s, prefix.len), prefix);
}

bool slv_str_ends(slv_str s, slv_str suffix)
{
	return s.len >= suffix.len && slv_str_eq(slv_str_from_index(s, s.len - suffix.len), suffix);
}

int slv_str_cmp(slv_str a, slv_str b)
{
	size_t shared = a.len < b.len ? a.len : b.len;
	int order = shared ? memcmp(a.at, b.at, shared) : 0;
	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

size_t slv_str_find(slv_str s, char c)
{
	const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;
	return hit ? (size_t)(hit - s.at) : s.len;
}

size_t slv_str_find_str(slv_str s, slv_str needle)
{
	if (needle.len == 0)
		return 0;
	const char *hit = s.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
	return hit ? (size_t)(hit - s.at) : s.len;
}

size_t slv_str_find_last(slv_str s, char c)
{
	const char *hit = s.len ? memrchr(s.at, c, s.len) : NULL;
	return hit ? (size_t)(hit - s.at) : s.len;
}

slv_str slv_str_from_index(slv_str s, size_t from)
{
	if (from >= s.len)
		return (slv_str){ s.at ? s.at + s.len : NULL, 0 };
	return (slv_str){ s.at + from, s.len - from };
}

slv_str slv_str_head(slv_str s, size_t len)
{
	return (slv_str){ s.at, len < s.len ? len : s.len };
}

slv_str slv_str_trim(slv_str s)
{
	while (s.len && slv_is_blank(s.at[0]))
		s = slv_str_from_index(s, 1);
	while (s.len && slv_is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

slv_str slv_str_cut(slv_str *rest, char sep)
{
	slv_str all = *rest;
	size_t at = slv_str_find(all, sep);
	*rest = at < all.len ? slv_str_from_index(all, at + 1) : (slv_str){ 0 };
	return slv_str_head(all, at);
}

slv_str slv_str_of_u64(uint64_t value, char room[static SLV_U64_DIGITS])
{
	size_t begin = SLV_U64_DIGITS;
	do {
		room[--begin] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return (slv_str){ room + begin, SLV_U64_DIGITS - begin };
}

bool slv_str_u64(slv_str s, uint64_t max, uint64_t *ret_value)
{
	if (s.len == 0)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (!slv_is_digit(s.at[i]))
			return false;
		uint64_t digit = (uint64_t)(s.at[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}

bool slv_str_double(slv_str s, double *ret_value)
{
	bool negative = s.len && s.at[0] == '-';
	if (negative)
		s = slv_str_from_index(s, 1);

	uint64_t digits = 0, scale = 1;
	unsigned count = 0;
	bool point = false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (!slv_is_digit(s.at[i]) || ++count > 15)
			return false;
		digits = digits * 10 + (uint64_t)(s.at[i] - '0');
		if (point)
			scale *= 10;
	}
	if (count == 0)
		return false;
	double value = (double)digits / (double)scale;
	*ret_value = negative ? -value : value;
	return true;
}

int slv_hex_value(char c)
{
	if (slv_is_digit(c))
		return c - '0';
	c = slv_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool slv_str_unhex(slv_str s, uint8_t *ret_bytes, size_t len)
{
	if (s.len != 2 * len)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (slv_hex_value(s.at[i]) < 0)
			return false;
	for (size_t i = 0; i < len; i++)
		ret_bytes[i] = (uint8_t)(slv_hex_value(s.at[2 * i]) * 16 +
					 slv_hex_value(s.at[2 * i + 1]));
	return true;
}

void slv_str_hex(const uint8_t *bytes, size_t len, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 15];
	}
}

size_t slv_str_utf8_len(slv_str s)
{
	if (!s.len)
		return 0;
	const uint8_t *b = (const uint8_t *)s.at;
	size_t len = b[0] < 0x80   ? 1
	             : b[0] < 0xc2 ? 0
	             : b[0] < 0xe0 ? 2
	             : b[0] < 0xf0 ? 3
	             : b[0] < 0xf5 ? 4
	                           : 0;
	if (len == 0 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
	bool surrogate = b[0] == 0xed && b[1] > 0x9f;
	bool beyond = b[0] == 0xf4 && b[1] > 0x8f;
	return overlong || surrogate || beyond ? 0 : len;
}

bool slv_str_eq_secret(slv_str a, slv_str b)
{
	if (a.len != b.len)
		return false;
	volatile uint8_t differs = 0;
	for (size_t i = 0; i < a.len; i++)
		differs |= (uint8_t)(a.at[i] ^ b.at[i]);
	return differs == 0;
}
