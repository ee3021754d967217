/* token.h - the smallest parts of field values (RFC 9110 section 5.6)
 *
 * Tables and scanners that the parsers of fields share.
 */
#ifndef SLV_HTTP_TOKEN_H
#define SLV_HTTP_TOKEN_H

#include "base/str.h"

/* `c` may stand in a token (section 5.6.2). */
bool slv_token_has(char c);

/* The number of bytes at the head of `s` that make a token; 0 if it does not begin with one. */
size_t slv_token_len(slv_str s);

/* The number of bytes, both quotes included, of the quoted-string at the head of `s` (section
 * 5.6.4); 0 if there is none that ends. */
size_t slv_token_quoted_len(slv_str s);

/* `s` without the spaces and tabs at its head. */
slv_str slv_token_skip_space(slv_str s);

/* Cut the next element of a comma-separated list (section 5.6.1) off `*rest`; commas inside
 * quoted strings do not separate, and a quoted string that does not end reaches to the end.
 * White space around it is dropped and empty elements are passed over. False at the end. */
bool slv_token_next(slv_str *rest, slv_str *ret_element);

/* Eight bytes looked at together: a byte of `word` is below `limit` (at most 128) or is `c`. */
static inline bool slv_token_word_below(uint64_t word, uint8_t limit)
{
	return ((word - limit * 0x0101010101010101u) & ~word & 0x8080808080808080u) != 0;
}

static inline bool slv_token_word_has(uint64_t word, uint8_t c)
{
	return slv_token_word_below(word ^ c * 0x0101010101010101u, 1);
}

/* `s` is a field value of section 5.5: no control bytes but tab. */
bool slv_token_is_text(slv_str s);

#endif
