/* str.h - text as pointer and length
 *
 * A slv_str is a view: not terminated, never owning, copied freely. Who hands
 * one out says how long the bytes live. Print it with "%.*s", SLV_FMT(s).
 */
#ifndef SLV_BASE_STR_H
#define SLV_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct slv_str {
	const char *at; /* may be NULL when len is 0 */
	size_t len;     /* bytes */
} slv_str;

/* A view of a string literal; also usable as a static initializer. */
#define SLV_STR(literal) ((slv_str){ "" literal, sizeof(literal) - 1 })
#define SLV_STR_INIT(literal)                                                                      \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}
#define SLV_FMT(s) ((int)(s).len), ((s).at ? (s).at : "")

/* A view of a C string; NULL gives the empty view. */
slv_str slv_str_from(const char *text);

bool slv_str_eq(slv_str a, slv_str b);
bool slv_str_eq_nocase(slv_str a, slv_str b); /* ASCII case only */
bool slv_str_starts(slv_str s, slv_str prefix);
bool slv_str_ends(slv_str s, slv_str suffix);
int slv_str_cmp(slv_str a, slv_str b); /* bytewise, as strcmp */

/* The index of the first `c` or of the first `needle`; s.len when there is none. */
size_t slv_str_find(slv_str s, char c);
size_t slv_str_find_str(slv_str s, slv_str needle);
size_t slv_str_find_last(slv_str s, char c);

/* The part from `from` on; the first `len` bytes. Both clamp to the view. */
slv_str slv_str_from_index(slv_str s, size_t from);
slv_str slv_str_head(slv_str s, size_t len);

/* Without spaces and tabs at both ends. */
slv_str slv_str_trim(slv_str s);

/* Split at the first `sep`: the part before it is returned, `*rest` becomes the
 * part behind. Without a `sep` all of it is returned and `*rest` is empty with
 * at == NULL, so `while (rest.at)` walks a list, empty parts included. */
slv_str slv_str_cut(slv_str *rest, char sep);

/* All of `s` is a decimal number without sign, at most `max`. */
bool slv_str_u64(slv_str s, uint64_t max, uint64_t *ret_value);

/* All of `s` is a plain decimal, as `-1`, `0.25` or `3.`; no exponent, at most
 * 15 digits, no locale. */
bool slv_str_double(slv_str s, double *ret_value);

/* Two hexadecimal digits a byte, either case; `s.len` must be 2 * `len`. */
bool slv_str_unhex(slv_str s, uint8_t *ret_bytes, size_t len);

/* Two lower-case digits a byte: 2 * `len` characters, without a NUL. */
void slv_str_hex(const uint8_t *bytes, size_t len, char *ret_hex);

/* The length of the UTF-8 sequence at the head of `s`, 1 to 4; 0 if there is none (RFC 3629). */
size_t slv_str_utf8_len(slv_str s);

/* Equal, in a time that depends on the lengths only. For secrets. */
bool slv_str_eq_secret(slv_str a, slv_str b);

/* ASCII only; other bytes are returned as they are. */
static inline char slv_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool slv_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A space or a tab. */
static inline bool slv_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The decimal digits of `value`, written to the end of `room`. */
#define SLV_U64_DIGITS 20
slv_str slv_str_of_u64(uint64_t value, char room[static SLV_U64_DIGITS]);

/* The value of a hexadecimal digit, or -1. */
int slv_hex_value(char c);

#endif
