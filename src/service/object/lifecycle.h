/* lifecycle.h - when objects expire and uploads are given up, by the rules of a bucket
 *
 * Days count from when an object was last modified or an upload began; the end of the last one is
 * put off to the next midnight (UTC), if it is none itself. A date is a midnight, from which on the
 * rule holds, for what is written later, too. Of several rules that fit, the earliest time counts.
 * Rules that are disabled do nothing.
 *
 * Uploads that nobody completes are given up after OBJECT_ABORT_DAYS, as with R2, unless a rule of
 * the bucket says something about it, be it disabled.
 *
 * Times are milliseconds since 1970. Thread: any.
 *
 * Source: "Lifecycle configuration elements" of the S3 manual.
 */
#ifndef SLV_SERVICE_OBJECT_LIFECYCLE_H
#define SLV_SERVICE_OBJECT_LIFECYCLE_H

#include "service/object/document.h"

#define OBJECT_ABORT_DAYS 7
#define OBJECT_NEVER_MS INT64_MAX

/* From when on an object is to be removed. */
int64_t object_lifecycle_expires_ms(
		const struct slv_object_lifecycle *lifecycle, slv_str key, int64_t modified_ms);

/* From when on an upload to that key is to be given up. */
int64_t object_lifecycle_aborts_ms(
		const struct slv_object_lifecycle *lifecycle, slv_str key, int64_t began_ms);

/* Can any object expire? Then `*ret_prefix` is what the keys of all those begin with. */
bool object_lifecycle_expires(const struct slv_object_lifecycle *lifecycle, slv_str *ret_prefix);

/* Append the document. */
void object_lifecycle_print(const struct slv_object_lifecycle *lifecycle, struct slv_buf *xml);

#endif
