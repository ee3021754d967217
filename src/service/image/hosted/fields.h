/* fields.h - what is said of a picture that is uploaded
 *
 * By the parts of a form, or by the parameters of a query: `id`, `url`, `creator`, `metadata`,
 * `requireSignedURLs`, `expiry`. Metadata is JSON, or is said member by member, as forms of
 * JavaScript clients do: `metadata[shop][shelf]` is a text at that place. What has another name is
 * nobody's business.
 *
 * Thread: any; no I/O.
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_FIELDS_H
#define SLV_SERVICE_IMAGE_HOSTED_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "service/image/hosted/record.h"

#include <jansson.h>

#define HOSTED_FIELD_BYTES_MAX 4096 /* of one */
#define HOSTED_METADATA_DEPTH_MAX 5 /* of members of members */
#define HOSTED_URL_BYTES_MAX 2048

struct hosted_fields {
	struct slv_arena *arena;
	slv_str id, url, creator, expiry; /* at == NULL: not said */
	bool has_signed, is_signed;
	json_t *metadata;             /* NULL: not said */
	struct slv_buf metadata_text; /* of it, once it was checked */
};

/* Texts are copied into `arena`. */
void hosted_fields_init(struct hosted_fields *fields, struct slv_arena *arena);
void hosted_fields_done(struct hosted_fields *fields);

/* A field and its value. SLV_E_SYNTAX, SLV_E_LIMIT: it cannot be; the text names it. */
slv_err hosted_fields_set(struct hosted_fields *fields, slv_str name, slv_str value);

/* Metadata as a value of JSON: an object, or null for none. Likewise. */
slv_err hosted_metadata_check(const json_t *metadata, struct slv_buf *text);

/* All was said: is it within its bounds? Likewise. */
slv_err hosted_fields_check(struct hosted_fields *fields);

/* A creator. Likewise. */
slv_err hosted_creator_check(slv_str creator);

#endif
