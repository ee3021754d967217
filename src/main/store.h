/* store.h - what the parts of `selvedge store` share
 *
 * One thing after the other: each call waits until it has ended, and the progress is shown
 * meanwhile. What is found is printed to standard output as it is found, a line each.
 *
 * Errors are of the store; SLV_E_BUSY and SLV_E_TIMEOUT are tried again a few times before.
 */
#ifndef SLV_MAIN_STORE_H
#define SLV_MAIN_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/blob/blob.h"
#include "store/omap/omap.h"

struct store {
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
};

struct store_tool {
	const char *name; /* of what it does: "check" */
	struct slv_arena arena;
	struct slv_log *log;
	struct slv_loop *loop;
	uint64_t rate_bytes; /* of blobs read in a second; 0: as they come */

	struct {
		uint64_t maps, rows, row_bytes; /* so far */
		uint64_t blobs, blob_bytes;
		uint64_t blobs_all; /* 0: not known */
		/* What was found. */
		uint64_t damaged, missing, orphans, removed;
		uint64_t left, noted; /* uploads whose parts nothing names */
	} count;

	bool is_terminal; /* standard error */
	uint64_t begun_ns, shown_ns;
	uint64_t paced_bytes, paced_ns;
	struct slv_timer pause;
};

void store_tool_init(struct store_tool *tool, const char *name);

/* After tool->loop was freed and the stores were closed. */
void store_tool_done(struct store_tool *tool);

/* --- telling: store_tool.c --- */

/* A line about what was found. */
void store_say(struct store_tool *tool, const char *fmt, ...) SLV_PRINTF(2, 3);

/* Take the progress away, for another line. */
void store_unshow(struct store_tool *tool);

/* The last line, with `more` at its end; returns the exit status. */
int store_sum_up(struct store_tool *tool, const char *more);

/* `key` so that it can be printed, in quotes. Lives in the tool's arena until the next call. */
const char *store_printable(struct store_tool *tool, slv_str key);

/* "1.5 MiB" */
#define STORE_SIZE_BYTES 32
void store_size(uint64_t bytes, char room[static STORE_SIZE_BYTES]);

#define STORE_ID_TEXT (2 * SLV_BLOB_ID_BYTES + 1)
void store_id_text(const struct slv_blob_id *id, char room[static STORE_ID_TEXT]);

/* --- waiting: store_tool.c --- */

slv_err store_maps_list(struct store_tool *tool, struct slv_omaps *maps, slv_str after,
		struct slv_omap_rows **ret_rows);
slv_err store_has_maps(struct store_tool *tool, struct slv_omaps *maps, bool *ret_has);
slv_err store_read(struct store_tool *tool, struct slv_omap_read *read,
		struct slv_omap_rows **ret_rows);
void store_rows_drop(struct slv_omap_rows **rows); /* NULL is fine, and then it is */

/* With batch->old, if that is wanted. */
slv_err store_write(struct store_tool *tool, struct slv_omap_batch *batch);
slv_err store_drop(struct store_tool *tool, struct slv_omap *map);

slv_err store_blob_read(struct store_tool *tool, struct slv_blob_reader *reader, uint64_t offset,
		size_t len, slv_str *ret_bytes);
slv_err store_blob_write(struct store_tool *tool, struct slv_blob_writer *writer, slv_str bytes);
slv_err store_blob_finish(struct store_tool *tool, struct slv_blob_writer *writer);
slv_err store_blob_remove(struct store_tool *tool, struct slv_blobs *blobs,
		const struct slv_blob_id *id, enum slv_blob_begun begun);

/* `take` gets all of a shard at once. SLV_E_LIMIT: not all. */
slv_err store_blobs_list(struct store_tool *tool, struct slv_blobs *blobs, unsigned shard,
		void (*take)(void *arg, const struct slv_blob_listed *listed, size_t count),
		void *arg);

/* Finished or not. */
slv_err store_has_blobs(struct store_tool *tool, struct slv_blobs *blobs, bool *ret_has);

/* So that no more than the rate is read: wait, if need be, after `bytes` were. */
void store_pace(struct store_tool *tool, size_t bytes);

/* Is it there, with its first bytes as they were written? */
slv_err store_blob_look(
		struct store_tool *tool, struct slv_blobs *blobs, const struct slv_blob_ref *ref);

/* --- what rows say of blobs: store_ref.c --- */

/* Whether this version knows what the rows of that map name. */
bool store_knows(slv_str map);

/* What a row of `map` names. SLV_E_CORRUPT: it is none that this version knows. */
slv_err store_ref_read(slv_str map, slv_str key, slv_str value, bool *ret_has,
		struct slv_blob_ref *ret_ref);

/* --- what it does --- */

struct store_check {
	bool scrubs;  /* blobs are read, too */
	bool repairs; /* orphans are removed */
	uint64_t orphan_age_s;
	size_t blobs_max; /* at once, 24 bytes each; but a shard always is */
};

#define STORE_BLOBS_MAX (4u << 20)
slv_err store_check(struct store_tool *tool, const struct store *store,
		const struct store_check *how); /* store_check.c */

/* The same for the parts in one map, if it is a bucket's: store_parts.c. SLV_E_CORRUPT: there is a
 * row that cannot be read; what was found before was told. 17 bytes of memory for each upload,
 * and at most blobs_max at once. */
slv_err store_check_parts(struct store_tool *tool, const struct store *store,
		const struct store_check *how, slv_str map);

/* Make `to` the same as `from`: store_copy.c. */
slv_err store_copy(struct store_tool *tool, const struct store *from, const struct store *to);

#endif
