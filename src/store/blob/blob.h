/* blob.h - blobs: bytes that are written once, by id
 *
 * For what is too large for a row of an ordered map: the row refers to it. A blob is written as it
 * comes, is there once it is finished, which means that it is on the disk, and never changes. Each
 * 64 KiB of it have a checksum (XXH3, 64 bits, of the bytes, the id and their place), which is
 * looked at whenever they are read from the disk: SLV_E_CORRUPT, and nothing of them is handed out.
 *
 * What is not finished leaves nothing; if the process dies, a file that slv_blob_list() tells of.
 * Whether a blob is still referred to is not known here: who removes a row removes the blob
 * afterwards, and what stays because the process dies in between is found by that list, too.
 *
 * Drivers: files, one for each blob; objects of S3, likewise, at any endpoint. Which one is said by
 * a URL.
 *
 * Calls end in exactly one callback, on their loop, never before the call returns, and the loop
 * does not end before. Of a writer or a reader one call is under way at a time. Thread: the loop's.
 *
 * Errors: SLV_E_SYS, the disk or the endpoint refuses; SLV_E_UPSTREAM, the endpoint is away or has
 * trouble, which may pass; SLV_E_MISSING, no such blob; SLV_E_BUSY, too many are under way, or too
 * much of them; SLV_E_LIMIT past a bound below. `err.what` is static.
 */
#ifndef SLV_STORE_BLOB_H
#define SLV_STORE_BLOB_H

#include "base/err.h"
#include "base/str.h"
#include "loop/crew.h"
#include "loop/loop.h"

struct slv_blobs;
struct slv_cache;
struct slv_blob_writer;
struct slv_blob_reader;

#define SLV_BLOB_ID_BYTES 16
#define SLV_BLOB_SPAN_BYTES SLV_KIB(64)          /* that have a checksum */
#define SLV_BLOB_BYTES_MAX (UINT64_C(5) << 30)   /* of a blob; larger things are several */
#define SLV_BLOB_READ_BYTES_MAX SLV_MIB(1)       /* of one call */
#define SLV_BLOB_REMEMBERED_BYTES_MAX SLV_MIB(8) /* of a blob of which pieces stay in memory */
#define SLV_BLOB_UNDER_WAY_MAX 1024      /* writers and readers, a descriptor each, or two */
#define SLV_BLOB_DISCARDS_MAX (1u << 20) /* that wait; 112 bytes each, so 112 MiB */
#define SLV_BLOB_DISCARDS_MANY 8192      /* what can be discarded later waits elsewhere */
#define SLV_BLOB_SHARDS 256              /* of the list */
#define SLV_BLOB_LISTED_MAX 1000000      /* of a shard */

struct slv_blob_id {
	uint8_t bytes[SLV_BLOB_ID_BYTES]; /* random */
};

/* What a row keeps of a blob. */
struct slv_blob_ref {
	struct slv_blob_id id;
	uint64_t len;
};

/* `url`: "file:FOLDER" (made if need be, mode 0700; it may be a symbolic link, what is in it may
 * not), or "s3://KEY_ID@HOST[:PORT]/BUCKET[/PREFIX][?region=us-east-1&tls=true&ca=/FILE]" with the
 * `secret` of that key; the bucket is there. SLV_E_SYNTAX. */
slv_err slv_blobs_check(slv_str url, slv_str secret);

/* Only looks at the text, as the check, and starts threads. `log` (may be NULL) gets what the disk
 * or the endpoint says when it refuses. */
slv_err slv_blobs_open(
		slv_str url, slv_str secret, struct slv_log *log, struct slv_blobs **ret_blobs);

/* After the loops have ended. NULL is fine. */
void slv_blobs_close(struct slv_blobs *blobs);

/* Keep what is read more than once in the memory of `cache`, which outlives the blobs, and read it
 * from there. Before the first read. */
void slv_blobs_remember(struct slv_blobs *blobs, struct slv_cache *cache);

/* --- writing --- */

/* Waits for nothing. SLV_E_BUSY. */
slv_err slv_blob_writer_new(struct slv_loop *loop, struct slv_blobs *blobs,
		struct slv_blob_writer **ret_writer);

/* Likewise, with that id, for who copies blobs: a finished one that has it is replaced. SLV_E_SYS
 * of the first write (files): one that has it was begun and not finished; remove it first. */
slv_err slv_blob_writer_new_as(struct slv_loop *loop, struct slv_blobs *blobs,
		const struct slv_blob_id *id, struct slv_blob_writer **ret_writer);

/* Add `bytes`, which must live until the callback. After an error only the free may follow. */
void slv_blob_write(struct slv_blob_writer *writer, slv_str bytes,
		void (*done)(void *arg, slv_err err), void *arg);

/* It is there, and stays, once this has called back well. `ref` is valid until the free. */
void slv_blob_finish(struct slv_blob_writer *writer,
		void (*done)(void *arg, slv_err err, const struct slv_blob_ref *ref), void *arg);

/* Unless it was told that it is finished nothing of it stays. A call that is under way calls back
 * with SLV_E_CANCELLED, once its bytes are not needed any more. NULL is fine. */
void slv_blob_writer_free(struct slv_blob_writer *writer);

/* --- reading --- */

/* Waits for nothing. SLV_E_BUSY. */
slv_err slv_blob_reader_new(struct slv_loop *loop, struct slv_blobs *blobs,
		const struct slv_blob_ref *ref, struct slv_blob_reader **ret_reader);

/* The `len` bytes from `offset` on, which must be in it; 1 to SLV_BLOB_READ_BYTES_MAX. They are
 * valid until the next call. */
void slv_blob_read(struct slv_blob_reader *reader, uint64_t offset, size_t len,
		void (*done)(void *arg, slv_err err, slv_str bytes), void *arg);

/* A memfd with the bytes that were read last from *ret_offset on, valid as long as they are; -1 if
 * they are in none. */
int slv_blob_read_fd(const struct slv_blob_reader *reader, uint64_t *ret_offset);

/* A call that is under way calls back with SLV_E_CANCELLED. NULL is fine. */
void slv_blob_reader_free(struct slv_blob_reader *reader);

/* --- the rest: requests are the caller's until the callback --- */

enum slv_blob_begun {
	SLV_BLOB_BEGUN_NOT, /* it is finished */
	SLV_BLOB_BEGUN_TOO, /* it may not be finished: look for that, too */
	SLV_BLOB_BEGUN_ONLY /* what is not finished; a blob that is there stays */
};

struct slv_blob_remove {
	struct slv_blobs *blobs;
	struct slv_blob_id id;
	enum slv_blob_begun begun;
	void (*done)(struct slv_blob_remove *remove,
			slv_err err); /* SLV_OK if there is none, too */
	/* Private. */
	struct slv_loop *loop;
	struct slv_chore chore;
	struct slv_post post;
	slv_err err;
};
void slv_blob_remove(struct slv_loop *loop, struct slv_blob_remove *remove);

/* Likewise, and nobody waits for it: if it fails the blob stays, and is found by the list. So does
 * one that comes while SLV_BLOB_DISCARDS_MAX wait; the log tells that it begins, and at its end how
 * many stayed. */
void slv_blob_discard(struct slv_loop *loop, struct slv_blobs *blobs, const struct slv_blob_id *id);

/* More than SLV_BLOB_DISCARDS_MANY wait: who can discard later (a sweep) should, for what waits
 * here stays if the process dies. Thread: any. */
bool slv_blobs_behind(const struct slv_blobs *blobs);

struct slv_blob_listed {
	struct slv_blob_id id;
	bool finished;
	int64_t written_ms; /* last, or in S3 begun; wall clock, since 1970 */
};

/* The blobs of one shard, in no order; all shards together are all blobs. */
struct slv_blob_list {
	struct slv_blobs *blobs;
	unsigned shard; /* below SLV_BLOB_SHARDS */
	/* `listed` are valid until it returns. SLV_E_LIMIT: they are too many; those are told. */
	void (*done)(struct slv_blob_list *list, slv_err err, const struct slv_blob_listed *listed,
			size_t count);
	/* Private. */
	struct slv_loop *loop;
	struct slv_chore chore;
	struct slv_post post;
	slv_err err;
	struct slv_blob_listed *listed;
	size_t count, room;
};
void slv_blob_list(struct slv_loop *loop, struct slv_blob_list *list);

#endif
