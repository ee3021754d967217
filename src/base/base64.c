#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void slv_base64(const uint8_t *bytes, size_t len, char *ret_text)
{
	for (size_t i = 0; i < len; i += 3, ret_text += 4) {
		size_t have = len - i;
		uint32_t bits = (uint32_t)bytes[i] << 16;
		if (have > 1)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (have > 2)
			bits |= bytes[i + 2];
		ret_text[0] = digits[bits >> 18];
		ret_text[1] = digits[bits >> 12 & 63];
		ret_text[2] = digits[bits >> 6 & 63];
		ret_text[3] = digits[bits & 63];
		if (have < 3)
			ret_text[3] = '=';
		if (have < 2)
			ret_text[2] = '=';
	}
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (slv_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bits of four characters, of which the last `3 - have` must be '='. */
static bool take_bits(const char *text, size_t have, uint32_t *ret_bits)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int value = i <= have ? value_of(text[i]) : text[i] == '=' ? 0 : -1;
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	*ret_bits = bits;
	return have == 3 || (bits & (have == 2 ? 0xff : 0xffff)) == 0;
}

bool slv_base64_parse(slv_str text, uint8_t *ret_bytes, size_t len)
{
	if (text.len != SLV_BASE64_CHARS(len))
		return false;
	uint32_t bits;
	for (size_t i = 0; i < len; i += 3)
		if (!take_bits(text.at + i / 3 * 4, len - i < 3 ? len - i : 3, &bits))
			return false;
	for (size_t i = 0; i < len; i++) {
		if (i % 3 == 0) /* it was good above */
			(void)take_bits(text.at + i / 3 * 4, len - i < 3 ? len - i : 3, &bits);
		ret_bytes[i] = (uint8_t)(bits >> (16 - 8 * (i % 3)));
	}
	return true;
}
