/* private.h - what the parts of the image store share */
#ifndef SLV_SERVICE_IMAGE_HOSTED_PRIVATE_H
#define SLV_SERVICE_IMAGE_HOSTED_PRIVATE_H

#include "api/body.h"
#include "base/list.h"
#include "service/image/hosted/hosted.h"
#include "service/image/hosted/record.h"
#include "store/blob/blob.h"
#include "store/omap/omap.h"

/* Codes of Cloudflare Images' errors. */
#define HOSTED_E_INPUT 5400   /* what was sent is not what it should be */
#define HOSTED_E_DENIED 5403  /* not here, or not any more */
#define HOSTED_E_MISSING 5404 /* Image not found */
#define HOSTED_E_TAKEN 5409   /* Resource already exists, or somebody else was faster */
#define HOSTED_E_LIMIT 5413   /* past a bound */
#define HOSTED_E_MEDIA 5455   /* no picture */

#define HOSTED_RETRIES_MAX 5 /* when somebody else writes the same row meanwhile */

struct hosted_sweep;

/* Of one list. Tests have smaller ones. */
struct hosted_list_limits {
	size_t page_bytes;  /* of the pictures of a page, as JSON; but of the first */
	uint64_t looked_at; /* pictures, with a filter, where the list goes on by token */
	uint64_t looked_at_by_page;
};

#define HOSTED_LIST_LIMITS                                                                         \
	((struct hosted_list_limits){ .page_bytes = SLV_MIB(8),                                    \
			.looked_at = 10000,                                                        \
			.looked_at_by_page = 100000 })

struct hosted {
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_cache *cache; /* of what is made of pictures */
	struct slv_client *client;
	struct slv_image_lanes *lanes;
	struct slv_api_keys *keys;
	const struct slv_hosted_settings *settings;
	struct hosted_list_limits list_limits;
	struct slv_api_bodies bodies;
	uint64_t gathered_bytes;  /* of uploads, in memory for the jails (facts.h) */
	struct slv_list by_links; /* uploads with links that are under way (upload.c) */
	struct hosted_sweep *sweep;
	char account[HOSTED_ACCOUNT_BYTES];
	bool has_account; /* it is known */
	/* Pictures, and drafts, as far as this process knows: counted now and then, and each of its
	 * own changes with it, as soon as it is being written. So a bound may be passed by a few
	 * while two processes write. */
	uint64_t count, drafts;
};

/* A call about the pictures of the account: the account is found first, and a batch token looked
 * at; then `then` goes on. What fails is answered. In the arena of the request; a call's own state
 * embeds it. One read or write is under way at a time. */
struct hosted_call {
	struct slv_api_ask *ask;
	struct hosted *hosted;
	struct slv_omap *map;  /* the account's */
	const slv_str *params; /* of the path, behind the account's id */
	unsigned retries;

	/* Private. */
	slv_err (*then)(struct hosted_call *call);
	slv_err (*then_rows)(struct hosted_call *call, const struct slv_omap_rows *rows);
	void (*then_written)(struct hosted_call *call, slv_err err);
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	slv_str key; /* of a row that is read before `then` */
	json_t *result;
};

/* Once. What `then` fails with is answered; an error returned is the reply. */
slv_err hosted_begin(struct hosted_call *call, struct slv_api_ask *ask,
		slv_err (*then)(struct hosted_call *call));

/* Read rows, and give them to `then`, whose error is the reply. `keys` live until then. */
void hosted_get(struct hosted_call *call, const slv_str *keys, size_t count,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows));
void hosted_scan(struct hosted_call *call, slv_str from, slv_str until, uint32_t rows_max,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows));

/* Write a batch; `changes` live until `then`. */
void hosted_write(struct hosted_call *call, const struct slv_omap_change *changes, size_t count,
		void (*then)(struct hosted_call *call, slv_err err));

/* --- answers --- */

/* Answer with an error of ours, or of the store's. */
void hosted_fail(struct hosted_call *call, slv_err err);

/* Answer with "ERROR <code>: <message>", which is how Cloudflare's begin. */
void hosted_refuse(struct hosted_call *call, int status, int code, const char *message);

/* 404: there is no such picture. */
void hosted_missing(struct hosted_call *call);

/* A picture as the API shows it, but for its variants. */
json_t *hosted_shown(slv_str id, const struct hosted_image *image);

/* Answer with that, which is taken, and its variants. */
void hosted_reply_image(struct hosted_call *call, json_t *shown);

/* The same in steps: read the rows of variants; their names, from the rows; and those as links. */
void hosted_scan_variants(struct hosted_call *call,
		slv_err (*then)(struct hosted_call *call, const struct slv_omap_rows *rows));
json_t *hosted_variant_names(const struct slv_omap_rows *rows);
void hosted_add_links(const struct hosted_call *call, json_t *shown, const json_t *variants);

/* Know the account by its row; false: it is none. */
bool hosted_account_take(struct hosted *hosted, const struct slv_omap_row *row);

/* SLV_E_LIMIT: the account has as many pictures, or drafts, as it may. Whoever writes a row for one
 * more asks right before, and counts it then: others may be under way. */
slv_err hosted_check_images(struct hosted_call *call);
slv_err hosted_check_drafts(struct hosted_call *call);

/* One less: it was not written, or is gone. A draft may have become a picture. */
static inline void hosted_image_ends(struct hosted *hosted)
{
	hosted->count -= hosted->count > 0; /* one that was not counted yet may end */
}

static inline void hosted_draft_ends(struct hosted *hosted)
{
	hosted->drafts -= hosted->drafts > 0;
}

/* Is that a batch token which holds? `secret` is what they are signed with. */
bool hosted_batch_holds(slv_str secret, slv_str token, int64_t now_s);

/* What is kept of a secret. */
void hosted_secret_digest(slv_str secret, uint8_t ret_digest[static HOSTED_SECRET_BYTES]);

/* --- calls --- */

/* image.c */
slv_err hosted_serve_image(struct slv_api_ask *ask);
slv_err hosted_serve_edit(struct slv_api_ask *ask);
slv_err hosted_serve_remove(struct slv_api_ask *ask);

/* original.c */
slv_err hosted_serve_blob(struct slv_api_ask *ask);

/* upload.c */
slv_err hosted_serve_upload(struct slv_api_ask *ask);
slv_err hosted_serve_upload_once(struct slv_api_ask *ask);

/* page.c: pages of other sites may read the answer. */
void hosted_for_pages(struct slv_req *req);

/* list.c */
slv_err hosted_serve_list(struct slv_api_ask *ask);
slv_err hosted_serve_list_v2(struct slv_api_ask *ask);
slv_err hosted_serve_stats(struct slv_api_ask *ask);

/* draft.c */
slv_err hosted_serve_draft(struct slv_api_ask *ask);

/* variants.c */
slv_err hosted_serve_variants(struct slv_api_ask *ask);
slv_err hosted_serve_variant(struct slv_api_ask *ask);
slv_err hosted_serve_variant_new(struct slv_api_ask *ask);
slv_err hosted_serve_variant_edit(struct slv_api_ask *ask);
slv_err hosted_serve_variant_remove(struct slv_api_ask *ask);
slv_err hosted_serve_config(struct slv_api_ask *ask);
slv_err hosted_serve_config_edit(struct slv_api_ask *ask);

/* keys.c */
slv_err hosted_serve_keys(struct slv_api_ask *ask);
slv_err hosted_serve_key_new(struct slv_api_ask *ask);
slv_err hosted_serve_key_remove(struct slv_api_ask *ask);

/* batch.c */
slv_err hosted_serve_batch_token(struct slv_api_ask *ask);

/* sweep.c: removes drafts that have expired, and counts pictures and drafts. */
struct hosted_sweep *hosted_sweep_new(struct hosted *hosted);
void hosted_sweep_free(struct hosted_sweep *sweep); /* NULL is fine */

#endif
