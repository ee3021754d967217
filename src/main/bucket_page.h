/* bucket_page.h - a page of a bucket's list, as S3 writes it
 *
 * Thread: any; no I/O.
 */
#ifndef SLV_MAIN_BUCKET_PAGE_H
#define SLV_MAIN_BUCKET_PAGE_H

#include "base/arena.h"
#include "base/err.h"

/* A page of a list (ListObjectsV2 with encoding-type=url). Keys come decoded. */
struct bucket_page {
	slv_err (*object)(void *arg, slv_str key);
	void *arg;
	slv_str next; /* continuation-token; empty: it was the last */
};

/* Tells each object. Texts live in `arena`, or are views. SLV_E_SYNTAX: it is none; SLV_E_LIMIT:
 * past the arena's cap; what object() returns. */
slv_err bucket_page_read(struct slv_arena *arena, slv_str xml, struct bucket_page *page);

/* The code of an error; empty: it is none. */
slv_str bucket_error_read(slv_str xml);

#endif
