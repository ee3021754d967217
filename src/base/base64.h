/* base64.h - bytes as text (RFC 4648 section 4): the plain alphabet, padded
 *
 * Reading is strict: one text for the same bytes, no white space. Thread: any.
 */
#ifndef SLV_BASE_BASE64_H
#define SLV_BASE_BASE64_H

#include "base/str.h"

/* Characters that `len` bytes become. */
#define SLV_BASE64_CHARS(len) (((len) + 2) / 3 * 4)

/* Write SLV_BASE64_CHARS(len) characters, without a NUL. */
void slv_base64(const uint8_t *bytes, size_t len, char *ret_text);

/* All of `text` means exactly `len` bytes. Bits behind the last byte must be 0. */
bool slv_base64_parse(slv_str text, uint8_t *ret_bytes, size_t len);

#endif
