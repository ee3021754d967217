/* private.h - what the parts of the KV service share */
#ifndef SLV_SERVICE_KV_PRIVATE_H
#define SLV_SERVICE_KV_PRIVATE_H

#include "api/body.h"
#include "service/kv/kv.h"
#include "service/kv/row.h"
#include "store/blob/blob.h"
#include "store/omap/omap.h"
#include "store/omap/recall.h"

/* Codes of Workers KV's errors. */
#define KV_E_KEY_MISSING 10009   /* get: 'key not found' */
#define KV_E_SPACE_MISSING 10013 /* namespace not found */
#define KV_E_TITLE_TAKEN 10014   /* a namespace with this account ID and title already exists */
#define KV_E_LIMIT 10022         /* past a bound of keys, values or lists */

struct kv {
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_omap *spaces;
	struct slv_omap_memory *memory;
	struct kv_sweep *sweep; /* on the first loop only */
	struct slv_api_bodies bulks;
};

/* A call about one namespace: found first, then `then` goes on; what fails is answered. In the
 * arena of the request; a call's own state embeds it. */
struct kv_call {
	struct slv_api_ask *ask;
	struct kv *kv;
	struct slv_omap *map; /* the namespace's */
	slv_err (*then)(struct kv_call *call);

	/* Private. */
	struct slv_omap_recall recall;
	char space_key[2 + KV_ID_BYTES];
};

/* `call` may be answered when this returns. An error is the reply. What took long to come asks once
 * more right before it is written. */
slv_err kv_begin(struct kv_call *call, struct slv_api_ask *ask,
		slv_err (*then)(struct kv_call *call));

/* Answer with an error of ours, or of the store's. */
void kv_fail(struct kv_call *call, slv_err err);

/* The map of the namespace with that id. */
struct slv_omap *kv_map(struct slv_omaps *maps, slv_str id);

/* A key as a client names it. SLV_E_LIMIT, SLV_E_SYNTAX. */
slv_err kv_key_check(slv_str key);

/* Is it UTF-8? */
bool kv_is_text(slv_str text);

/* When something expires, of `expiration` and `expiration_ttl` as they were sent (-1: not sent).
 * SLV_E_SYNTAX: too soon. */
slv_err kv_expiry(int64_t now_s, int64_t expiration_s, int64_t ttl_s, int64_t *ret_expires_s);

/* Forget what rows stood for that were replaced or removed: their blobs, and rows of expiries that
 * now mean nothing. `batch` was made, and wanted the old rows. Not waited for. */
void kv_clean(struct kv *kv, const struct slv_omap_batch *batch);

/* spaces.c */
slv_err kv_serve_spaces(struct slv_api_ask *ask);
slv_err kv_serve_space_new(struct slv_api_ask *ask);
slv_err kv_serve_space(struct slv_api_ask *ask);
slv_err kv_serve_space_rename(struct slv_api_ask *ask);
slv_err kv_serve_space_remove(struct slv_api_ask *ask);

/* value.c, put.c */
slv_err kv_serve_get(struct slv_api_ask *ask);
slv_err kv_serve_metadata(struct slv_api_ask *ask);
slv_err kv_serve_remove(struct slv_api_ask *ask);
slv_err kv_serve_put(struct slv_api_ask *ask);

/* list.c */
slv_err kv_serve_list(struct slv_api_ask *ask);

/* bulk_get.c, bulk.c */
slv_err kv_serve_bulk_get(struct slv_api_ask *ask);
slv_err kv_serve_bulk_remove(struct slv_api_ask *ask);
slv_err kv_serve_bulk_put(struct slv_api_ask *ask);

/* sweep.c: removes what has expired. */
struct kv_sweep *kv_sweep_new(struct kv *kv);
void kv_sweep_free(struct kv_sweep *sweep); /* NULL is fine */
void kv_sweep_soon(struct kv_sweep *sweep); /* a namespace was removed; likewise */

#endif
