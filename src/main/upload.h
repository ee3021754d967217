/* upload.h - many pictures into the image store, over the API
 *
 *	selvedge put, selvedge import      put.c: words, and which files there are
 *	└── the pictures that are wanted   upload.c: several at once; errors by picture
 *	    └── those of a bucket          bucket.c, bucket_page.c: listed, and fetched first
 *
 * Ids are made of names, so that a second run finds what the first has stored, by a list of the
 * account's pictures, and leaves that out. Nothing is written down here: what is there is what
 * the server says is there.
 */
#ifndef SLV_MAIN_UPLOAD_H
#define SLV_MAIN_UPLOAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "client/client.h"

#define UPLOAD_AT_ONCE_MAX 32
#define UPLOAD_PICTURES_MAX 10000000 /* of a run */
#define UPLOAD_MEMORY_MAX SLV_MIB(4096)
#define UPLOAD_SOURCE_BYTES_MAX SLV_MIB(512) /* of an object that is fetched */

struct upload_picture {
	slv_str name; /* as people know it: a path, or a key */
	slv_str id;
};

/* Where objects are. */
struct bucket {
	slv_str endpoint; /* "https://s3.example.com" */
	slv_str name, prefix;
	slv_str key_id, secret, region;
};

struct uploads {
	const char *deed;       /* "put" */
	slv_str api;            /* "http://127.0.0.1:8081" */
	slv_str token, account; /* the account may be empty: then it is asked for */
	slv_str id_prefix;      /* in front of each id */
	bool is_private;        /* they need signed links */
	bool tells_each;        /* a line for each that was uploaded */
	uint64_t at_once;
	const struct bucket *bucket; /* NULL: names are paths of files */

	struct slv_arena arena;
	struct slv_log *log;
	struct slv_loop *loop;
	struct slv_client *client;

	struct upload_picture *pictures; /* upload_add() */
	size_t count, room;
	struct slv_map there; /* ids that the account has, and those of this run */

	size_t next;      /* picture */
	size_t under_way; /* pictures */
	struct {
		uint64_t uploaded, skipped, others, failed; /* pictures; others are none */
		uint64_t bytes;
	} done;
	bool is_terminal; /* standard error */
	uint64_t begun_ns, shown_ns;
};

void uploads_init(struct uploads *uploads, const char *deed);
void uploads_done(struct uploads *uploads);

/* Names and ids are copied; `name_in_id` is what the id ends with. */
slv_err upload_add(struct uploads *uploads, slv_str name, slv_str name_in_id);

/* Upload them. What goes wrong with one is told on standard error; an error returned is about all
 * of them. */
slv_err uploads_run(struct uploads *uploads);

/* The last line; returns the exit status. */
int uploads_sum_up(struct uploads *uploads);

/* Take the progress away, for another line. */
void uploads_unshow(const struct uploads *uploads);

/* --- one request after the other --- */

struct upload_reply {
	slv_err err; /* no reply came; its text lives in the arena of who asked */
	int status;
	slv_str body; /* at most UPLOAD_REPLY_BYTES_MAX; in that arena */
};
#define UPLOAD_REPLY_BYTES_MAX SLV_MIB(16)

/* GET, and wait for it. `fields` may be NULL. */
struct upload_reply upload_get(struct uploads *uploads, struct slv_arena *arena, slv_str url,
		const struct slv_fields *fields);

/* --- buckets: bucket.c --- */

/* Add what is below the prefix. */
slv_err bucket_list(struct uploads *uploads, const struct bucket *bucket);

/* The URL of an object, and the fields with which it may be had now. */
slv_err bucket_request(struct slv_arena *arena, const struct bucket *bucket, slv_str key,
		int64_t now_s, slv_str *ret_url, struct slv_fields *ret_fields);

#endif
