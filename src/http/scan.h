/* scan.h - where a run of good bytes ends
 *
 * One table holds the classes of all bytes. The three classes that heads are made of
 * have a function that looks at 16 bytes at a time where the machine can; the
 * plain one is its twin, and a test holds them equal.
 */
#ifndef SLV_HTTP_SCAN_H
#define SLV_HTTP_SCAN_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum slv_scan_class {
	SLV_SCAN_TOKEN = 1,  /* RFC 9110 section 5.6.2 tchar */
	SLV_SCAN_NAME = 2,   /* tchar without '_' */
	SLV_SCAN_TARGET = 4, /* 0x21 to 0x7e without '#' */
	SLV_SCAN_VALUE = 8,  /* tab, and 0x20 up without 0x7f */
	SLV_SCAN_HEX = 16,
};

extern const uint8_t slv_scan_table[256];

static inline bool slv_scan_is(char c, enum slv_scan_class class)
{
	return (slv_scan_table[(uint8_t)c] & class) != 0;
}

/* The index of the first byte from `at` on, below `end`, that is not of `class`; else `end`. */
static inline size_t slv_scan_plain(
		const char *bytes, size_t at, size_t end, enum slv_scan_class class)
{
	while (at < end && slv_scan_is(bytes[at], class))
		at++;
	return at;
}

/* As slv_scan_plain() for SLV_SCAN_NAME, SLV_SCAN_TARGET, SLV_SCAN_VALUE; reads no byte from
 * `end` on. */
size_t slv_scan_name(const char *bytes, size_t at, size_t end);
size_t slv_scan_target(const char *bytes, size_t at, size_t end);
size_t slv_scan_value(const char *bytes, size_t at, size_t end);

#endif
