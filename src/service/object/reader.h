/* reader.h - a document against a table of what may stand in it
 *
 * Elements are named by their path from the root, as "Delete/Object/Key". What is not in the table
 * is refused, so the table bounds the depth. Attributes (namespaces, that is), comments and
 * processing instructions are passed over; a document type is refused, and with it entities of
 * one's own. Expat does the reading.
 */
#ifndef SLV_SERVICE_OBJECT_READER_H
#define SLV_SERVICE_OBJECT_READER_H

#include "base/arena.h"
#include "service/object/error.h"

#define OBJECT_DOCUMENT_PATH_MAX 96 /* bytes of a path */

enum object_element_kind {
	OBJECT_ELEMENT_GROUP,  /* elements, and white space between them */
	OBJECT_ELEMENT_TEXT,   /* text alone */
	OBJECT_ELEMENT_REFUSED /* known, and not done here: NotImplemented */
};

struct object_element {
	const char *path;
	enum object_element_kind kind;
	/* When a group begins or ends and when a text has ended; NULL: nothing is to do. `text` is
	 * valid during the call, and empty for groups. */
	slv_object_err (*begin)(void *document);
	slv_object_err (*end)(void *document, slv_str text);
};

/* Read all of `xml`, calling `elements` with `document`. Longer documents than `bytes_max` are
 * MaxMessageLengthExceeded, texts longer than `text_bytes_max` and all else that does not fit
 * are MalformedXML. The first error of an element ends it. */
slv_object_err object_read(slv_str xml, size_t bytes_max, size_t text_bytes_max,
		const struct object_element *elements, size_t count, void *document);

#endif
