/* body.h - the bytes of a message
 *
 * A body is nothing, or bytes in memory, or a stream that is pulled. Pulling
 * carries the back-pressure: who consumes asks for the next part when it has room
 * for it, so that a slow client slows its origin and nothing piles up between.
 */
#ifndef SLV_HTTP_BODY_H
#define SLV_HTTP_BODY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hold.h"
#include "base/str.h"

#include <stdint.h>

struct slv_source;
struct slv_fields;

#define SLV_LENGTH_UNKNOWN UINT64_MAX

/* Who pulls. The callback comes once per pull, never before slv_source_pull() returns.
 * `bytes` stay valid until the next pull or the close; an empty view is the end. After
 * an error or the end only close is allowed. */
struct slv_pull {
	void (*done)(struct slv_pull *pull, slv_err err, slv_str bytes);
};

struct slv_source_ops {
	/* Owes one `pull->done`. At most one pull at a time. */
	void (*pull)(struct slv_source *source, struct slv_pull *pull);
	/* The last call. An open pull is dropped: its callback never comes. Frees the source. */
	void (*close)(struct slv_source *source);
};

/* Where bytes in memory lie in a file, too, so that the kernel can send them from there. */
struct slv_body_file {
	bool known;
	int fd;
	uint64_t offset;
};

/* An implementation embeds it first. */
struct slv_source {
	const struct slv_source_ops *ops;
	/* Of the bytes given last; the descriptor lives as long as they do. */
	struct slv_body_file file;
	/* Set at the end at the latest: trailer fields, or NULL. */
	const struct slv_fields *trailers;
};

static inline void slv_source_pull(struct slv_source *source, struct slv_pull *pull)
{
	source->ops->pull(source, pull);
}

static inline void slv_source_close(struct slv_source *source)
{
	source->ops->close(source);
}

struct slv_body {
	uint64_t length;           /* bytes; 0 for none; SLV_LENGTH_UNKNOWN if only the end tells */
	slv_str bytes;             /* all of it, if `source` is NULL */
	struct slv_hold *hold;     /* keeps `bytes`; NULL if they live in the request's arena or for
	                              ever */
	struct slv_source *source; /* owned by whoever has the body; or NULL */
	struct slv_body_file file; /* of `bytes`; kept by `hold` */
};

static inline struct slv_body slv_body_bytes(slv_str bytes, struct slv_hold *hold)
{
	return (struct slv_body){ .length = bytes.len, .bytes = bytes, .hold = hold };
}

/* The content of `buf` as a body; its memory goes with it and `buf` is left empty. */
struct slv_body slv_body_take(struct slv_buf *buf);

/* Close the source or drop the hold, whichever there is. Accepts zeroes and leaves them. */
void slv_body_done(struct slv_body *body);

#endif
