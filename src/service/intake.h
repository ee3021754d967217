/* intake.h - the body of a request as it comes, a form or not, and a blob for what is to be kept
 *
 *	READ ──▶ DECODE ──▶ … ──▶ OVER        KEEP: the blob takes a large piece, and nothing more
 *	           │ ▲             │ ▲        is read meanwhile
 *	           ▼ │             ▼ │
 *	           KEEP            KEEP
 *
 * Its owner embeds it, and is told what comes by callbacks. What of it is to be kept gathers in
 * memory, until the owner opens a blob; from then on it goes there. What fails, or is not wanted
 * after all, leaves nothing: unless the owner takes the finished blob, slv_intake_done() discards
 * it.
 *
 * Thread: the loop's.
 */
#ifndef SLV_SERVICE_INTAKE_H
#define SLV_SERVICE_INTAKE_H

#include "base/buf.h"
#include "http/body.h"
#include "http/multipart.h"
#include "store/blob/blob.h"

#define SLV_INTAKE_PIECE_BYTES SLV_KIB(64) /* what goes into the blob at once, at least */

struct slv_intake;

/* None of them goes on with the intake itself. An error ends it. */
struct slv_intake_ops {
	/* A part of a form begins, `form.part`, or has ended. */
	slv_err (*part)(struct slv_intake *intake);
	slv_err (*part_end)(struct slv_intake *intake); /* NULL: nobody asks */
	/* Bytes of that part, or of a body that is no form; valid until this returns. */
	slv_err (*data)(struct slv_intake *intake, slv_str bytes);
	/* What slv_intake_go() or slv_intake_finish() waited for is there: call it again. */
	void (*wake)(struct slv_intake *intake);
};

enum slv_intake_what {
	SLV_INTAKE_WAITS,  /* wake() comes */
	SLV_INTAKE_STOPS,  /* a callback has set `stop`; it is to be asked again */
	SLV_INTAKE_IS_OVER /* all has come, and the blob has what was kept; or `err` */
};

struct slv_intake {
	const struct slv_intake_ops *ops;
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	slv_err err;
	bool is_form, stop;
	struct slv_multipart form;
	struct slv_buf kept;            /* what the blob does not have yet */
	struct slv_blob_writer *writer; /* NULL: there is no blob */
	struct slv_blob_ref ref;        /* once that is finished */
	bool has_ref; /* it is, and no row names it: the owner says when that is not so any more */

	/* Private. */
	uint8_t state;
	bool asked; /* for what the state waits for */
	struct slv_body stream;
	struct slv_pull pull;
	slv_str bytes; /* that came and are not decoded yet */
	bool at_end, is_over, is_finished;
};

/* `kept_max`: bytes that may be kept, all in all. */
void slv_intake_init(struct slv_intake *intake, const struct slv_intake_ops *ops,
		struct slv_loop *loop, struct slv_blobs *blobs, size_t kept_max);

/* Not while anything is waited for. */
void slv_intake_done(struct slv_intake *intake);

/* Is that the type of a form? */
bool slv_intake_is_form(slv_str type);

/* Take the body; it is given back when all of it has come, or at the first error, so that an answer
 * may follow. `type` is that of its content: a form is decoded, in `arena`. SLV_E_SYNTAX,
 * SLV_E_LIMIT: it is said to be a form, and can be none. */
slv_err slv_intake_take(struct slv_intake *intake, struct slv_body *body, struct slv_arena *arena,
		slv_str type, const struct slv_multipart_limits *limits);

/* Go on. Once it is over, again if more was kept since: then only until the blob has that. */
enum slv_intake_what slv_intake_go(struct slv_intake *intake);

/* Keep these: for the callbacks, and once it is over. Past `kept_max` is a mistake of ours. */
void slv_intake_keep(struct slv_intake *intake, slv_str bytes);

/* What is kept goes into a blob from now on. SLV_E_BUSY. Not twice. */
slv_err slv_intake_open(struct slv_intake *intake);

/* It is over: let the blob be on the disk. False: wake() comes. Then `has_ref`, or `err`. */
bool slv_intake_finish(struct slv_intake *intake);

#endif
