/* date.h - HTTP dates (RFC 9110 section 5.6.7) */
#ifndef SLV_HTTP_DATE_H
#define SLV_HTTP_DATE_H

#include "base/str.h"

#define SLV_DATE_BYTES 29

/* "Sun, 06 Nov 1994 08:49:37 GMT" for seconds since 1970, into exactly that many bytes. */
void slv_date_print(int64_t unix_s, char text[static SLV_DATE_BYTES]);

/* The three forms of the RFC. `now_s` decides the century of the RFC 850 form. */
bool slv_date_parse(slv_str text, int64_t now_s, int64_t *ret_unix_s);

/* "19941106T084937Z", the basic form of ISO 8601 in UTC; printed as slv_date_print(). */
#define SLV_DATE_BASIC_BYTES 16
bool slv_date_parse_basic(slv_str text, int64_t *ret_unix_s);
void slv_date_print_basic(int64_t unix_s, char text[static SLV_DATE_BASIC_BYTES]);

#endif
