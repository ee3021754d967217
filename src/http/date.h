/* date.h - HTTP dates (RFC 9110 section 5.6.7), and those of JSON (RFC 3339) */
#ifndef SLV_HTTP_DATE_H
#define SLV_HTTP_DATE_H

#include "base/str.h"

#define SLV_DATE_BYTES 29
#define SLV_DATE_ISO_BYTES 20

/* "Sun, 06 Nov 1994 08:49:37 GMT" for seconds since 1970, into exactly that many bytes. */
void slv_date_print(int64_t unix_s, char text[static SLV_DATE_BYTES]);

/* The three forms of the RFC. `now_s` decides the century of the RFC 850 form. */
bool slv_date_parse(slv_str text, int64_t now_s, int64_t *ret_unix_s);

/* "19941106T084937Z", the basic form of ISO 8601 in UTC; printed as slv_date_print(). */
#define SLV_DATE_BASIC_BYTES 16
bool slv_date_parse_basic(slv_str text, int64_t *ret_unix_s);
void slv_date_print_basic(int64_t unix_s, char text[static SLV_DATE_BASIC_BYTES]);

/* "1994-11-06T08:49:37Z", into exactly that many bytes. */
void slv_date_print_iso(int64_t unix_s, char text[static SLV_DATE_ISO_BYTES]);

/* RFC 3339 section 5.6, as "1994-11-06T09:49:37.5+01:00"; a fraction is read and dropped. */
bool slv_date_parse_iso(slv_str text, int64_t *ret_unix_s);

#endif
