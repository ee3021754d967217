/* message.h - a request on its way down, a reply on its way up, and the sink between
 *
 * `proto` makes a struct slv_req and hands it to `edge`; whoever answers calls
 * slv_req_reply() once. Nothing below `proto` needs to know what is above: the
 * reply goes through the struct slv_sink that the request carries.
 *
 * A request, its fields and its replies live in its arena, which ends after the
 * reply has been sent or the request was cancelled, whichever is later.
 *
 * Thread: all of it on the loop of the connection. A request never crosses loops.
 */
#ifndef SLV_HTTP_MESSAGE_H
#define SLV_HTTP_MESSAGE_H

#include "base/list.h"
#include "http/addr.h"
#include "http/body.h"
#include "http/field.h"
#include "http/status.h"
#include "http/uri.h"

struct slv_req;

struct slv_reply {
	int status;
	struct slv_fields fields; /* without Content-Length, Date, Connection: proto writes those */
	struct slv_body body;
	const char *code; /* the stable name of the error it tells, or NULL; for the log */
};

struct slv_sink;
struct slv_sink_ops {
	/* Take over `reply` (its body too) and send it; a HEAD request's body is closed
	 * unread and its length told. Called exactly once a request. */
	void (*reply)(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply);
};

/* Whoever awaits replies embeds it. */
struct slv_sink {
	const struct slv_sink_ops *ops;
};

/* Milliseconds of the loop's clock at which something happened to a request; 0: not yet. */
struct slv_req_times {
	uint64_t begun_ms; /* first byte of the request */
	uint64_t read_ms;  /* its header was complete */
	uint64_t reply_ms; /* slv_req_reply() */
	uint64_t sent_ms;  /* last byte of the reply was given to the kernel */
};

struct slv_req {
	struct slv_arena *arena;
	struct slv_sink *sink;

	enum slv_method method;
	slv_str method_name;
	slv_str target;     /* as sent; in HTTP/2 the :path */
	struct slv_uri uri; /* its parts, as sent */
	slv_str path;       /* uri.path decoded, by edge */
	slv_str scheme;     /* "http" or "https": as the client sees it, if a trusted proxy told */
	slv_str host;       /* name in lower case, without port */
	uint16_t host_port; /* 0 if the client named none */
	struct slv_fields fields;
	struct slv_body body;   /* whoever answers may take it: copy it and zero this one; a source
	                           that was taken is closed before the reply */
	uint8_t version;        /* 10, 11, 20 */
	struct slv_addr peer;   /* the connection's other end, or what PROXY told */
	struct slv_addr client; /* `peer`, or whom trusted proxies forwarded for */

	/* Called once if the client goes away before slv_req_reply(); then slv_req_reply() is
	 * still owed, and what it carries is dropped. Set by whoever holds the request; or NULL. */
	void (*on_cancel)(struct slv_req *req);
	void *holder; /* for on_cancel's use */

	struct slv_req_times times;
	uint64_t sent_bytes;    /* of the reply's body, when it has been sent */
	int sent_status;        /* 0: nothing was sent */
	const char *error_code; /* reply.code, for the log */
	slv_str error_why;      /* what an error reply was made of, for the log; set by problem.h */
	slv_str logged_path;    /* what logs show where uri.path holds a secret; empty: uri.path */
	slv_str cache_status;   /* what the log shows of Cache-Status; set by a service */
	slv_str service;        /* the name of the service that got it; set by edge */
	uint8_t depth;          /* how many requests inside the program led to this one */
	uint32_t site;          /* of one made inside: the site it is for, from 1; 0: by `host` */
	void *edge;             /* edge's own state of this request */
};

/* Its path as logs may show it. */
slv_str slv_req_logged_path(const struct slv_req *req);

/* Set up a reply with no fields and no body. */
void slv_reply_init(struct slv_reply *reply, struct slv_req *req, int status);

/* How long clients may keep it: Cache-Control, unless that is said already. 0: they always ask;
 * below 0: nothing is said. SLV_E_LIMIT: no memory. */
slv_err slv_reply_max_age(struct slv_reply *reply, int64_t max_age_s);

/* Answer. `reply` is taken over: its body is closed by whoever has it last. The request, its arena
 * and all in it may be gone when this returns. */
void slv_req_reply(struct slv_req *req, struct slv_reply *reply);

#endif
