/* files.h - the files service: a folder, read-only
 *
 * Paths are opened beneath the root with openat2(2) and RESOLVE_BENEATH, so that neither dots nor
 * links lead out. Replies have ETag, Last-Modified, a type by extension; conditions and one
 * range are honoured. Hidden files (a segment that begins with a dot, but for ".well-known") are
 * not there.
 *
 * A file of more than 64 KiB is read while it is sent, and holds a descriptor for as long. A fifth
 * of the limit of open files is for those, divided by the loops; past it the answer is SLV_E_BUSY.
 */
#ifndef SLV_SERVICE_FILES_FILES_H
#define SLV_SERVICE_FILES_FILES_H

#include "service/service.h"

extern const struct slv_service slv_files_service;
extern const struct slv_conf_key slv_files_keys[];

/* Bytes of the struct that they fill (files.c sees to it). */
#define SLV_FILES_SETTINGS_SIZE 256

#endif
