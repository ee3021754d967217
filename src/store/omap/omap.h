/* omap.h - ordered maps: what lasts, by key and in order
 *
 * Byte keys in the order of memcmp(3); many maps beside each other, each with a name. A row has a
 * value, which lists read, and may have a body, which only those read that ask for it: so a list of
 * large things is not slower than one of small ones.
 *
 * A write is a batch: all of it or nothing, if its conditions hold; when it is told that it is done
 * it is on the disk. Batches that come while others are being synced share the next sync (group
 * commit). Each change of a map has a version of its own, from 1 on without gaps, and each row
 * knows its last one: so a map can be followed (SLV_OMAP_CHANGES), and moved between drivers. Its
 * epoch tells whether it is still the same map: who restores one must give it another.
 *
 * Drivers: SQLite, a file for each map; PostgreSQL, a schema for all. Which one is said by a URL.
 * Several processes may use one store at once. What nobody has written to is empty, and is not made
 * by who only reads.
 *
 * What is read was checked: each row has checksums (XXH3, 64 bits) of its key, version, value and
 * body. SLV_E_CORRUPT says that one does not hold; such a row is never handed out.
 *
 * Ends in exactly one callback, on the loop that asked, never before the call returns, and the loop
 * does not end before. Requests are the caller's, with all that they point to, until then. Thread:
 * the loop that is named, which may be another for each request.
 *
 * Errors of all: SLV_E_SYS, the disk or the database refused; SLV_E_TIMEOUT, it does not answer;
 * SLV_E_BUSY, it has too much to do, or too many wait for the map. The next request tries again.
 * A batch that failed was not made, unless it says that this is in doubt. SLV_E_LIMIT past a bound
 * below. `err.what` is static.
 */
#ifndef SLV_STORE_OMAP_H
#define SLV_STORE_OMAP_H

#include "base/err.h"
#include "base/hold.h"
#include "base/list.h"
#include "base/str.h"
#include "loop/crew.h"
#include "loop/loop.h"

struct slv_omaps; /* a driver with its maps */
struct slv_omap;  /* one map */

#define SLV_OMAP_NAME_BYTES_MAX 100 /* of a map: a-z, 0-9, '-', '_', '.' */
#define SLV_OMAP_KEY_BYTES_MAX 2048 /* and at least one */
#define SLV_OMAP_VALUE_BYTES_MAX SLV_KIB(16)
#define SLV_OMAP_BODY_BYTES_MAX SLV_KIB(256)
#define SLV_OMAP_CHANGES_MAX 10000           /* of a batch */
#define SLV_OMAP_BATCH_BYTES_MAX SLV_MIB(16) /* of its keys, values and bodies */
#define SLV_OMAP_ROWS_MAX 10000              /* of a read */
#define SLV_OMAP_READ_BYTES_MAX SLV_MIB(16)
#define SLV_OMAP_FOLD_BYTES_MAX 1024
#define SLV_OMAP_OLD_MAX 500      /* changes of a batch that wants the old rows */
#define SLV_OMAP_WAITING_MAX 4096 /* batches that wait for one map; reads, too */
#define SLV_OMAP_WAITING_BYTES_MAX SLV_MIB(64)

/* --- life --- */

/* `url`: "sqlite:FOLDER" (made if need be, mode 0700; it may be a symbolic link, what is in it may
 * not) or "postgresql://…", as libpq takes it.
 * Only looks at the text, and starts threads; the rest is opened by the first request. `hash_key`
 * is a secret; `log` (may be NULL) gets the database's own words when it refuses. SLV_E_SYNTAX. */
slv_err slv_omaps_open(slv_str url, struct slv_hash_key hash_key, struct slv_log *log,
		struct slv_omaps **ret_omaps);

/* After the loops have ended. NULL is fine. */
void slv_omaps_close(struct slv_omaps *omaps);

/* The map of that name; lives as long as `omaps`, so name only what is known to be, nothing that a
 * stranger says. NULL: no such name can be. Thread: any. */
struct slv_omap *slv_omap_named(struct slv_omaps *omaps, slv_str name);

/* --- reading --- */

struct slv_omap_row {
	slv_str key;
	slv_str value;
	slv_str body;     /* if it was asked for */
	uint64_t version; /* 0: there is no such row, or it is folded */
	bool removed;     /* only in changes: there is no value */
	bool damaged;     /* only if the read tells of them: the key, as stored, is all there is */
	bool folded;      /* of a scan: stands for all rows whose keys begin with `key` */
};

/* What was found: the receiver's, until drop(&rows->hold). */
struct slv_omap_rows {
	struct slv_hold hold;
	uint64_t version; /* of the map's last change when this was read; 0: it has had none */
	uint64_t epoch;   /* 0: nobody has written to it yet */
	bool more;        /* a bound was reached before the end */
	size_t count;
	struct slv_omap_row *at;
};

struct slv_omap_read {
	struct slv_omap *map;
	enum {
		SLV_OMAP_GET,    /* a row for each of `keys`, in that order; version 0: none */
		SLV_OMAP_SCAN,   /* the rows from `from` on, before `until` */
		SLV_OMAP_CHANGES /* rows whose last change is after `since`, in that order, those
		                    that were removed, too. SLV_E_RANGE: so long ago that it is not
		                    remembered, or of another epoch, or not yet */
	} what;
	bool bodies;        /* too */
	bool tells_damaged; /* of such rows, rather than to end with SLV_E_CORRUPT because of one */

	const slv_str *keys; /* of a get: `count`, 1 to rows_max */
	size_t count;

	slv_str from;
	slv_str until; /* empty: no end */
	/* If not empty: rows whose keys have it behind their first `fold_skip` bytes are told as
	 * one for all that begin alike up to and with it. Not with bodies. */
	slv_str fold;
	size_t fold_skip;

	uint64_t since, epoch; /* of changes; epoch 0: any */

	uint32_t rows_max;  /* 1 to SLV_OMAP_ROWS_MAX */
	uint32_t bytes_max; /* of all but the first row; 0: all that is allowed */

	/* `rows` is NULL on an error. */
	void (*done)(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows);

	/* Private. */
	struct slv_loop *loop;
	struct slv_chore chore;
	struct slv_post post;
	struct slv_task task;
	slv_err err;
	struct slv_omap_rows *rows;
};

void slv_omap_read(struct slv_loop *loop, struct slv_omap_read *read);

/* Where a scan of all keys that begin with `key` ends: the first one behind them, made of it in
 * place. Its length; 0: there is none. The last byte that can be made greater is, and those behind
 * it are dropped. */
static inline size_t slv_omap_behind(char *key, size_t len)
{
	while (len > 0 && (uint8_t)key[len - 1] == 0xff)
		len--;
	if (len > 0)
		key[len - 1]++;
	return len;
}

/* What is kept of a row (or of there being none), in whatever form, is true for as long as its
 * stamp does not change: take the stamp, read the row, keep both. 0: it must not be kept, and what
 * was kept must be read again; it is being written, or stamps cannot be had, as before the first
 * request. Stamps are of `omaps`: none is true of others, or of those that are opened later. The
 * write of another row may change them, too.
 *
 * SQLite: between all processes; once a write has ended, no stamp of it is as before. Who is killed
 * while he writes leaves these rows without a stamp until nobody has the store open.
 * PostgreSQL: within this process; what another one wrote is seen within a second.
 *
 * Two loads from memory, and for PostgreSQL a look at the clock; never waits. Thread: any. */
uint64_t slv_omap_stamp(struct slv_omap *map, slv_str key);

/* --- writing --- */

struct slv_omap_change {
	enum { SLV_OMAP_PUT, SLV_OMAP_REMOVE, SLV_OMAP_CHECK } what; /* CHECK: the condition only */
	enum { SLV_OMAP_ALWAYS, SLV_OMAP_IF_ABSENT, SLV_OMAP_IF_PRESENT, SLV_OMAP_IF_VERSION } when;
	slv_str key, value, body;
	uint64_t version; /* for IF_VERSION: that the row has */
};

/* A key stands in a batch once. Conditions are of the map as it was before the batch. To remove
 * what is not there is no change and no error. A batch that meets a damaged row may fail with
 * SLV_E_CORRUPT. */
struct slv_omap_batch {
	struct slv_omap *map;
	const struct slv_omap_change *changes;
	size_t count;
	bool wants_old; /* the rows as they were before */
	/* SLV_E_PRECONDITION: the condition of changes[failed] does not hold. SLV_E_SYNTAX: a key
	 * stands twice. */
	void (*done)(struct slv_omap_batch *batch, slv_err err);
	size_t failed;
	bool in_doubt;    /* it failed, and may have been made all the same, or may be yet */
	uint64_t version; /* of the map's last change after this one */
	/* If wanted and all went well, one for each change, without bodies (version 0: there was
	 * none); the receiver's, as of a read. Else NULL. */
	struct slv_omap_rows *old;

	/* Private. */
	struct slv_loop *loop;
	struct slv_post post;
	struct slv_list link;
	struct slv_task task;
	size_t bytes, weight; /* of what it brings; and of the old rows at most */
	bool drops;
	slv_err err;
};

void slv_omap_write(struct slv_loop *loop, struct slv_omap_batch *batch);

/* --- maps --- */

/* The map is as one that nobody has written to: its rows are gone, for good once this is told, and
 * all their stamps change. What was asked before is done before, what is asked later begins
 * another map of that name, with another epoch and versions from 1 on: a version that was read
 * before may then be that of another row. So it is with what other processes write at the same
 * time: each of their batches is before, and gone, or after. To drop what is not there is no error.
 */
struct slv_omap_drop {
	struct slv_omap *map;
	void (*done)(struct slv_omap_drop *drop, slv_err err);

	/* Private. */
	struct slv_omap_batch batch;
	struct slv_omap_change all;
};

void slv_omap_drop(struct slv_loop *loop, struct slv_omap_drop *drop);

/* The names of the maps that somebody has written to, in order; those that are damaged, too. */
struct slv_omap_list {
	struct slv_omaps *omaps;
	slv_str after;     /* names behind this one; empty: all */
	uint32_t rows_max; /* 1 to SLV_OMAP_ROWS_MAX */
	/* A row for each, with the name as its key and nothing else. `rows` is NULL on an error. */
	void (*done)(struct slv_omap_list *list, slv_err err, struct slv_omap_rows *rows);

	/* Private. */
	struct slv_loop *loop;
	struct slv_chore chore;
	struct slv_post post;
	struct slv_task task;
	slv_err err;
	struct slv_omap_rows *rows;
};

/* With SQLite it opens the file of each. */
void slv_omap_list(struct slv_loop *loop, struct slv_omap_list *list);

#endif
