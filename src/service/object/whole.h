/* whole.h - what the parts of an upload become when it is completed
 *
 * Parts are those that the client names, ascending, and those that have been written, as rows in
 * the order of their numbers; both lists are walked once, side by side. Thread: any.
 */
#ifndef SLV_SERVICE_OBJECT_WHOLE_H
#define SLV_SERVICE_OBJECT_WHOLE_H

#include "service/object/document.h"
#include "service/object/meta.h"

struct object_parts {
	const struct slv_object_complete *named;
	const struct slv_omap_row *rows; /* p-rows of the upload */
	size_t count;
};

/* The length, digests and number of parts of the object, put into `meta`, and the list of its parts
 * appended to `list`. `upload` says which checksum it has.
 * InvalidPart, EntityTooSmall, EntityTooLarge, InternalError. */
slv_object_err object_whole_make(const struct object_parts *parts, const struct object_meta *upload,
		struct object_meta *meta, struct slv_buf *list);

/* The next row from `*index` on that is of no part that was named; `*index` is then behind it.
 * NULL: there is none. */
const struct slv_omap_row *object_whole_unnamed(const struct object_parts *parts, size_t *index);

/* The MD5 that parts of these ETags have together; false: one of them cannot be. */
bool object_whole_md5(
		const struct slv_object_complete *named, uint8_t ret_md5[static OBJECT_MD5_BYTES]);

#endif
