/* call.h - one request to a server of the administrator's, waited for
 *
 * For drivers of stores, whose work may wait, on threads of a crew. Where client.h guards what
 * strangers name, this asks what the configuration names: no address is refused. It follows no
 * redirect and uses no proxy. Bodies are in memory both ways.
 *
 * A caller keeps its connection for the next call. One whose server is gone without a word is found
 * out within minutes, however long an answer is waited for.
 *
 * Thread: any, one at a time.
 */
#ifndef SLV_CLIENT_CALL_H
#define SLV_CLIENT_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/field.h"

#define SLV_CALL_FLOOR_BYTES_S 1024 /* slower than that for silence_s is given up */

struct slv_caller;

struct slv_caller_conf {
	uint32_t connect_ms, silence_s, total_ms; /* bounds of one call; none is 0 */
	const char *ca_path;                      /* PEM, terminated; NULL: the system's */
};

/* `conf` is copied, but for the text. */
struct slv_caller *slv_caller_new(const struct slv_caller_conf *conf);
void slv_caller_free(struct slv_caller *caller); /* NULL is fine */

struct slv_call {
	const char *method; /* GET, HEAD, PUT, POST or DELETE */
	const char *url;    /* http or https; terminated */
	const struct slv_fields *fields;
	slv_str body;    /* at == NULL: none */
	uint32_t wait_s; /* bounds silence and all of it instead, where an answer takes long to
	                    make; 0: as the caller's */

	/* What comes. */
	struct slv_arena *arena; /* fields, texts of errors */
	struct slv_buf *reply;   /* the body is appended; its maximum is the bound */
	int status;
	struct slv_fields reply_fields;
	bool unreached; /* after an error: there was no connection, so nothing was done */
	unsigned sent;  /* how often: again, if a kept connection was closed before an answer */
};

/* Any status is a success. SLV_E_UPSTREAM: not resolved, connected, trusted, or it does not speak
 * HTTP; SLV_E_TIMEOUT; SLV_E_LIMIT: past the bound of `reply`, or the arena's cap. */
slv_err slv_call(struct slv_caller *caller, struct slv_call *call);

#endif
