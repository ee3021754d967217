/* page.h - which rows a page of a listing reads
 *
 * A listing tells keys, and instead of those that begin alike up to a delimiter behind the prefix
 * what they begin with, once. The next page begins behind the last that was told, whichever it was:
 * so a marker that lies in such a group stands for all of it, and the group is not told again.
 *
 * Rows are as in meta.h; no key has a NUL, so that the first key that can be behind another is that
 * and \1. Thread: any.
 */
#ifndef SLV_SERVICE_OBJECT_PAGE_H
#define SLV_SERVICE_OBJECT_PAGE_H

#include "service/object/error.h"
#include "service/object/meta.h"

#define OBJECT_PAGE_MAX 1000 /* of keys, uploads or parts */

struct object_page {
	char from[OBJECT_ROW_KEY_BYTES_MAX + 1], until[OBJECT_ROW_KEY_BYTES_MAX];
	size_t from_len, until_len;
};

struct object_page_ask {
	char kind; /* the first byte of the rows' keys: 'o' or 'u' */
	slv_str prefix, delimiter;
	slv_str marker; /* tell what comes behind it; empty: from the beginning */
};

/* KeyTooLong; InvalidArgument: a delimiter that is too long. */
slv_object_err object_page_check(const struct object_page_ask *ask);

/* Of what holds: the rows. False: there can be none. */
bool object_page_init(struct object_page *page, const struct object_page_ask *ask);

/* The length of what `key` is told as one of: up to and with the delimiter; 0: it is told itself.
 */
size_t object_page_folded_len(const struct object_page_ask *ask, slv_str key);

/* The rest of the page begins behind all keys that begin with `key`. */
void object_page_pass(struct object_page *page, char kind, slv_str key);

/* --- what is said of it --- */

/* max-keys and its like, as sent; at == NULL: not sent. InvalidArgument. */
slv_object_err object_page_max(slv_str text, uint32_t *ret_max);

/* encoding-type. InvalidArgument. */
slv_object_err object_page_encoding(slv_str text, bool *ret_url);

#endif
