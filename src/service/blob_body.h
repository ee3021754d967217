/* blob_body.h - blobs, one after the other, as the body of a reply
 *
 * The first piece can be read before the reply begins: so a blob that is damaged or gone is an
 * error like others; and one that is open can be removed, and is read to its end all the same, if
 * it is a file. At an endpoint of S3 nothing is open: the body breaks off.
 *
 * Thread: the loop's.
 */
#ifndef SLV_SERVICE_BLOB_BODY_H
#define SLV_SERVICE_BLOB_BODY_H

#include "http/body.h"
#include "store/blob/blob.h"

struct slv_blob_body;

/* Tells which blobs they are, where it is not just one. Its owner embeds it. */
struct slv_blob_chain {
	/* Find the next one, and then call slv_blob_body_next(chain->body), once, never before this
	 * returns. An error: nothing calls back. */
	slv_err (*next)(struct slv_blob_chain *chain);
	/* The body ends; an open next() is not to be answered any more. */
	void (*drop)(struct slv_blob_chain *chain);
	struct slv_blob_body *body; /* set when there is one */
};

/* `count` bytes of that blob, from `first` on; `count` > 0. SLV_E_BUSY. */
slv_err slv_blob_body_new(struct slv_loop *loop, struct slv_blobs *blobs,
		const struct slv_blob_ref *ref, uint64_t first, uint64_t count,
		struct slv_body *ret_body);

/* Of those that `chain` tells, from byte `first` of its first one on. The chain is the body's. */
void slv_blob_body_new_of(struct slv_loop *loop, struct slv_blobs *blobs,
		struct slv_blob_chain *chain, uint64_t first, uint64_t count,
		struct slv_body *ret_body);

/* The next blob, or why there is none. */
void slv_blob_body_next(struct slv_blob_body *body, slv_err err, const struct slv_blob_ref *ref);

/* Read the first piece. Once, before any pull; the body must live until the callback. The errors
 * are those of reading blobs, and of the chain. */
void slv_blob_body_open(struct slv_body *body, void (*opened)(void *arg, slv_err err), void *arg);

#endif
