/* object.h - buckets of objects, as S3 has them
 *
 * The contract is S3's, as far as R2 implements it (docs/s3.md has the table). Signed requests only
 * (http/sigv4.h), with the keys that API tokens are (api/token.h). Buckets are named in the path,
 * or by the host below one of `hosts`.
 *
 * It has a listener of its own and is no route of a site: its edge hands paths over as sent,
 * because any byte may be in a key.
 */
#ifndef SLV_SERVICE_OBJECT_OBJECT_H
#define SLV_SERVICE_OBJECT_OBJECT_H

#include "service/service.h"

#define SLV_OBJECT_KEY_BYTES_MAX 1024
#define SLV_OBJECT_METADATA_BYTES_MAX 8192
#define SLV_OBJECT_PUT_BYTES_MAX (UINT64_C(5) << 30) /* of one upload or part */
#define SLV_OBJECT_BYTES_MAX (UINT64_C(5) << 40)
#define SLV_OBJECT_PART_BYTES_MIN (UINT64_C(5) << 20) /* of a part but the last */
#define SLV_OBJECT_BUCKETS_MAX 10000

/* The settings of its route, made by main; outlives the service. */
struct slv_object_settings {
	struct slv_conf_list hosts; /* of slv_str: below these names are buckets */
	int64_t keep_replaced_s; /* parts of objects that were replaced or deleted stay so long */
};

extern const struct slv_service slv_object_service;

/* A bucket that everybody may read, as a route of a site: what is below its path is the key. */
extern const struct slv_service slv_bucket_service;
extern const struct slv_conf_key slv_bucket_keys[];

/* Bytes of the struct that they fill (public.c sees to it). */
#define SLV_BUCKET_SETTINGS_SIZE 64

#endif
