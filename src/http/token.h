/* token.h - the smallest parts of field values (RFC 9110 section 5.6)
 *
 * What the parsers of fields share; which bytes may stand where is in http/scan.h.
 */
#ifndef SLV_HTTP_TOKEN_H
#define SLV_HTTP_TOKEN_H

#include "base/str.h"

/* The number of bytes at the head of `s` that make a token (section 5.6.2); 0 if it does not begin
 * with one. */
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

#endif
