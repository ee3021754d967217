/* xml.h - the documents that S3 answers with
 *
 * Elements are appended in order; whoever opens closes. Text is escaped, and so are carriage
 * returns, which a reader would turn into line feeds. What XML 1.0 cannot carry at all
 * (section 2.2: most control characters, U+FFFE, U+FFFF, what is not UTF-8) becomes U+FFFD; a
 * client that must know such keys asks for encoding-type=url. Names are ours and are not checked.
 * An overflow of `buf` is the caller's to check. Thread: any.
 */
#ifndef SLV_SERVICE_OBJECT_XML_H
#define SLV_SERVICE_OBJECT_XML_H

#include "base/buf.h"

#define SLV_OBJECT_XML_NS "http://s3.amazonaws.com/doc/2006-03-01/"

/* The declaration. */
void slv_object_xml_begin(struct slv_buf *buf);

void slv_object_xml_open(struct slv_buf *buf, const char *name);
void slv_object_xml_close(struct slv_buf *buf, const char *name);

/* As open, in the namespace of S3: for the first element of all but errors. */
void slv_object_xml_open_root(struct slv_buf *buf, const char *name);

/* <name>…</name> */
void slv_object_xml_text(struct slv_buf *buf, const char *name, slv_str text);
void slv_object_xml_u64(struct slv_buf *buf, const char *name, uint64_t value);
void slv_object_xml_bool(struct slv_buf *buf, const char *name, bool value);

/* "2013-05-24T00:00:00.000Z" */
void slv_object_xml_time(struct slv_buf *buf, const char *name, int64_t unix_ms);

/* A key, prefix or delimiter of a listing: percent-encoded but for '/' if `url` (it was asked for
 * with encoding-type=url). Both kinds of decoders take it: a space is %20, a plus %2B. */
void slv_object_xml_key(struct slv_buf *buf, const char *name, slv_str key, bool url);

/* `text` alone, escaped. */
void slv_object_xml_escape(struct slv_buf *buf, slv_str text);

#endif
