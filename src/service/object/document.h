/* document.h - the documents that requests of S3 carry
 *
 * Each is read into a struct whose texts and lists live in the arena. Unknown elements, and known
 * ones more often than they may stand, are MalformedXML; what S3 has and we do not is
 * NotImplemented rather than passed over, because it would narrow what is done. Thread: any.
 *
 * All return: MalformedXML; MaxMessageLengthExceeded for a document past its bound or the arena's
 * cap; NotImplemented; and what stands with them.
 */
#ifndef SLV_SERVICE_OBJECT_DOCUMENT_H
#define SLV_SERVICE_OBJECT_DOCUMENT_H

#include "base/arena.h"
#include "service/object/checksum.h"
#include "service/object/error.h"

#define SLV_OBJECT_DELETE_BYTES_MAX SLV_MIB(2)
#define SLV_OBJECT_DELETE_KEYS_MAX 1000
#define SLV_OBJECT_COMPLETE_BYTES_MAX SLV_MIB(4)
#define SLV_OBJECT_CONFIG_BYTES_MAX SLV_KIB(64) /* CORS and location */
#define SLV_OBJECT_CORS_RULES_MAX 100
#define SLV_OBJECT_LIFECYCLE_BYTES_MAX SLV_MIB(2)
#define SLV_OBJECT_LIFECYCLE_RULES_MAX 1000
#define SLV_OBJECT_RULE_ID_MAX 255
#define SLV_OBJECT_DOCUMENT_TEXT_MAX 4096 /* bytes of one text */

/* --- DeleteObjects --- */

struct slv_object_delete_key {
	slv_str key;        /* not empty; its length is unchecked */
	slv_str version_id; /* at == NULL: none */
	slv_str etag;       /* delete only that; without quotes; at == NULL: none */
};

struct slv_object_delete {
	struct slv_object_delete_key *keys; /* 1 to SLV_OBJECT_DELETE_KEYS_MAX */
	uint32_t count;
	bool quiet;
};

slv_object_err slv_object_document_delete(
		struct slv_arena *arena, slv_str xml, struct slv_object_delete *ret_delete);

/* --- CompleteMultipartUpload --- */

struct slv_object_part {
	uint32_t number; /* 1 to SLV_OBJECT_PARTS_MAX, ascending */
	slv_str etag;    /* without quotes */
	bool has_checksum;
	struct slv_object_checksum checksum;
};

struct slv_object_complete {
	struct slv_object_part *parts; /* at least one */
	uint32_t count;
};

/* InvalidPartOrder; InvalidArgument: a number that no part has; InvalidRequest: a checksum that is
 * none. */
slv_object_err slv_object_document_complete(
		struct slv_arena *arena, slv_str xml, struct slv_object_complete *ret_complete);

/* --- CORSConfiguration --- */

struct slv_object_texts {
	slv_str *at;
	uint32_t count;
};

struct slv_object_cors_rule {
	slv_str id;                      /* at == NULL: none */
	struct slv_object_texts origins; /* at least one; "*" stands in one at most once */
	struct slv_object_texts methods; /* at least one of GET, PUT, POST, DELETE, HEAD */
	struct slv_object_texts headers; /* allowed; "*" likewise */
	struct slv_object_texts exposed;
	bool has_max_age;
	uint32_t max_age_s;
};

struct slv_object_cors {
	struct slv_object_cors_rule *rules; /* 1 to SLV_OBJECT_CORS_RULES_MAX */
	uint32_t count;
};

/* InvalidRequest: a method that is none of those, or a second "*". */
slv_object_err slv_object_document_cors(
		struct slv_arena *arena, slv_str xml, struct slv_object_cors *ret_cors);

/* --- LifecycleConfiguration --- */

struct slv_object_lifecycle_rule {
	slv_str id; /* no two rules have the same; at == NULL: none */
	bool enabled;
	slv_str prefix;       /* empty: of all keys */
	uint32_t expire_days; /* 0: not by days */
	int64_t expire_at_s;  /* midnight, since 1970; -1: not at a date */
	uint32_t abort_days;  /* of uploads, after they began; 0: never */
};

struct slv_object_lifecycle {
	struct slv_object_lifecycle_rule *rules; /* 1 to SLV_OBJECT_LIFECYCLE_RULES_MAX */
	uint32_t count;
};

/* InvalidArgument: an id that is doubled or too long, days that are not from 1 to 2^31 - 1, or a
 * date that is no midnight. InvalidRequest: a rule that does nothing. */
slv_object_err slv_object_document_lifecycle(
		struct slv_arena *arena, slv_str xml, struct slv_object_lifecycle *ret_lifecycle);

/* --- CreateBucketConfiguration --- */

/* `*ret_location` is empty if it names none. */
slv_object_err slv_object_document_location(
		struct slv_arena *arena, slv_str xml, slv_str *ret_location);

#endif
