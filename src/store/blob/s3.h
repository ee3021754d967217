/* s3.h - what the parts of the driver for S3 share
 *
 * s3_url.c reads where the blobs are, s3_ask.c asks the endpoint one thing, s3_document.c reads
 * what it says in XML, s3.c is the driver.
 */
#ifndef SLV_STORE_BLOB_S3_H
#define SLV_STORE_BLOB_S3_H

#include "client/call.h"
#include "store/blob/private.h"

#include <pthread.h>

#define S3_READERS 16 /* threads, and so connections at most */
#define S3_WRITERS 16
#define S3_REMOVERS 8
#define S3_CALLERS_MAX (S3_READERS + S3_WRITERS + S3_REMOVERS)

#define S3_PART_BYTES SLV_MIB(8)       /* of an upload in parts; what is not longer is sent whole */
#define S3_HELD_BYTES_MAX SLV_MIB(512) /* of parts that are gathered or sent */
#define S3_END_BYTES SLV_KIB(256)      /* read when a blob is opened: its checksums are there */
#define S3_DOCUMENT_BYTES_MAX SLV_MIB(4)

#define S3_CONNECT_MS 5000
#define S3_SILENCE_S 20
#define S3_TOTAL_MS 300000
#define S3_JOIN_S 600 /* an endpoint that joins parts may say nothing, or only spaces, so long */
#define S3_TRIES_MAX 3
#define S3_PAUSE_MS 100 /* before the second try; then four times that */
#define S3_AWAY_MS 1000 /* one that was not reached, or was silent, is left alone so long */

/* --- s3_url.c --- */

struct s3_url {
	slv_str key_id, host; /* with the port, if it is not the scheme's */
	slv_str bucket, prefix;
	slv_str region, ca; /* ca: empty, the system's */
	bool plain;         /* no TLS */
};

/* "s3://KEY_ID@HOST[:PORT]/BUCKET[/PREFIX][?region=…&tls=false&ca=/FILE]"; views of `url`. All of
 * it stands for itself: nothing is percent-encoded. SLV_E_SYNTAX. */
slv_err s3_url_read(slv_str url, struct s3_url *ret_url);

/* --- s3_document.c --- */

/* Tell of the elements of a document when they end: their names, and their text if they have no
 * elements in them. The parent of the root is empty. White space may stand in front of it.
 * SLV_E_SYNTAX: it is none; deeper than 8, or a text is over 4 KiB. */
slv_err s3_document_read(slv_str xml,
		void (*element)(void *arg, slv_str parent, slv_str name, slv_str text), void *arg);

/* --- s3_ask.c --- */

struct s3 {
	struct slv_blobs blobs; /* first */
	struct slv_arena arena; /* of what follows */
	struct s3_url url;
	slv_str secret;
	pthread_mutex_t lock;
	struct slv_caller *idle[S3_CALLERS_MAX];
	unsigned idle_count;
	struct slv_caller_conf conf;
	_Atomic uint64_t away_until_ms; /* it is not reached, or silent: nobody tries before */
	_Atomic size_t held;            /* bytes of parts */
	uint32_t join_s;                /* S3_JOIN_S, but for tests */
	_Atomic bool lists_no_uploads;  /* the endpoint does uploads, and has no list of them */
};

struct s3_ask {
	const char *what;   /* the operation, for the log */
	const char *method; /* see client/call.h */
	slv_str key;        /* behind the prefix; at == NULL: the bucket is asked */
	slv_str query;      /* encoded */
	slv_str range;      /* "bytes=0-9"; at == NULL: all */
	slv_str body;       /* at == NULL: none */
	size_t reply_bytes_max;
	uint32_t wait_s; /* see client/call.h */
	bool document;   /* the answer is one, and may be an error in spite of its status */
	bool may_miss;   /* what is asked for may not be there */
	bool may_lack;   /* the endpoint may not do this at all */

	/* What comes. */
	struct slv_arena arena;
	struct slv_buf reply;
	struct slv_fields fields;
	int status;
	unsigned tries;
	unsigned sent; /* how often; each but the last may have been done unknown to us */
};

/* Ask, again if that may help: all that we ask may be asked twice. Waits. `ask` is to be done
 * in any case.
 *
 * SLV_E_UPSTREAM     it is away, or has trouble of its own; it was told to the log
 * SLV_E_MISSING      no such key or upload, where that may be
 * SLV_E_UNSUPPORTED  it does not do that at all, where that may be
 * SLV_E_CORRUPT      the key is shorter than the range
 * SLV_E_SYS          it refuses: the key, the bucket, a bound of its own; told, too */
slv_err s3_ask(struct s3 *s3, struct s3_ask *ask);
void s3_ask_done(struct s3_ask *ask);

/* What it answered makes no sense: told to the log. */
slv_err s3_strange(struct s3 *s3, const struct s3_ask *ask, const char *why);

#endif
