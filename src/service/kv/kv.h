/* kv.h - namespaces of keys and values, by the paths of Workers KV
 *
 *	GET POST       /accounts/{a}/storage/kv/namespaces
 *	GET PUT DELETE …/namespaces/{n}
 *	GET            …/namespaces/{n}/keys              ?prefix=&cursor=&limit=
 *	GET PUT DELETE …/namespaces/{n}/values/{key}
 *	GET            …/namespaces/{n}/metadata/{key}
 *	PUT            …/namespaces/{n}/bulk              pairs to write
 *	POST           …/namespaces/{n}/bulk/get, …/bulk/delete
 *
 * A namespace is an ordered map of its own. A write is on the disk when it is answered, and every
 * read after that sees it: Workers KV promises only that within a minute. One key is not bound to
 * one write a second.
 *
 * The limits are those of Workers KV. Errors are told as there, with its codes where they are
 * publicly known (docs/kv.md has the table).
 */
#ifndef SLV_SERVICE_KV_KV_H
#define SLV_SERVICE_KV_KV_H

#include "api/api.h"

#define SLV_KV_KEY_BYTES_MAX 512
#define SLV_KV_VALUE_BYTES_MAX SLV_MIB(25)
#define SLV_KV_METADATA_BYTES_MAX 1024
#define SLV_KV_TITLE_BYTES_MAX 512
#define SLV_KV_SPACES_MAX 10000
#define SLV_KV_TTL_S_MIN 60
#define SLV_KV_BULK_PAIRS_MAX 10000
#define SLV_KV_BULK_BYTES_MAX 100000000
#define SLV_KV_BULK_GET_MAX 100
#define SLV_KV_BULK_GET_BYTES_MAX SLV_MIB(25)

/* Its settings are NULL. */
extern const struct slv_api_group slv_kv_calls;

#endif
