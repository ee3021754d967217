/* private.h - what ordered maps share with their drivers */
#ifndef SLV_STORE_OMAP_PRIVATE_H
#define SLV_STORE_OMAP_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "store/omap/omap.h"

#include <pthread.h>
#include <stdatomic.h>

/* What was removed is remembered for who follows the changes: so many keys of a map; past that as
 * many as a step are forgotten at once. */
#define SLV_OMAP_GONE_MAX 100000
#define SLV_OMAP_GONE_STEP 10000

/* Rows as they are found; they become one piece of memory at the end. */
struct slv_omap_found {
	uint32_t rows_max, bytes_max;
	uint64_t version, epoch;
	bool more;
	size_t count, room;
	struct slv_omap_row *rows; /* their texts are in `bytes`, one behind the other */
	struct slv_buf bytes;
};

void slv_omap_found_init(struct slv_omap_found *found, uint32_t rows_max, uint32_t bytes_max);
void slv_omap_found_done(struct slv_omap_found *found);

/* Copy `row`. False when a bound was reached: no more are wanted. */
bool slv_omap_found_add(struct slv_omap_found *found, const struct slv_omap_row *row);

/* `found` is done with. */
struct slv_omap_rows *slv_omap_found_keep(struct slv_omap_found *found);

/* Whether the changes that a read asks for are remembered by a map of that state. */
slv_err slv_omap_check_since(const struct slv_omap_read *read, uint64_t version, uint64_t forgotten,
		uint64_t epoch);

/* What a map that nobody has written to gives. */
slv_err slv_omap_read_nothing(const struct slv_omap_read *read, struct slv_omap_found *found);

/* The length of what stands for `key` in a scan that folds; 0: itself does. */
size_t slv_omap_folded_len(const struct slv_omap_read *read, slv_str key);

/* The checksums of a row, as they stand in it. A driver whose server gives the version leaves it
 * out: 0. */
uint64_t slv_omap_row_sum(slv_str key, uint64_t version, uint64_t body_len, slv_str value);
uint64_t slv_omap_body_sum(slv_str key, uint64_t version, slv_str body);

/* --- stamps: stamps.c --- */

struct slv_omap_slot {
	_Atomic uint64_t writes; /* stamps.c */
};

#define SLV_OMAP_STAMPS_COUNT (128 * 1024u)
#define SLV_OMAP_STAMPS_BYTES (SLV_OMAP_STAMPS_COUNT * sizeof(struct slv_omap_slot))

uint64_t slv_omap_stamps_seed(slv_str name);

/* What the changes of these batches touch is being written: before others may see it. */
void slv_omap_stamps_begin(
		struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count);

/* It was written, or never will be; and so it is with all that was in doubt. */
void slv_omap_stamps_end(struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count);

/* Instead: it may be seen at any time, or never, until more is written. */
void slv_omap_stamps_doubt(
		struct slv_omap *map, struct slv_omap_batch *const *batches, size_t count);

/* The commit of these failed: nobody knows whether they were made. */
static inline void slv_omap_doubt(struct slv_omap_batch *const *batches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		batches[i]->in_doubt = true;
}

/* A driver embeds struct slv_omaps and struct slv_omap first in its own. read() and write() may
 * wait and come on threads of a crew; write() once at a time for each map. */
struct slv_omap_driver {
	struct slv_omap *(*map_new)(struct slv_omaps *omaps); /* waits for nothing */
	void (*map_free)(struct slv_omap *map);
	void (*free)(struct slv_omaps *omaps);

	slv_err (*read)(struct slv_omap *map, const struct slv_omap_read *read,
			struct slv_omap_found *found);

	/* Make the changes of the batches, which are `count`, in one transaction. Each that fails
	 * has its `err`, and none of its changes; an error that is returned holds for all. Those
	 * that may have been made though they failed are in doubt. */
	slv_err (*write)(struct slv_omap *map, struct slv_omap_batch **batches, size_t count);

	/* In its turn among the writes. The one change of `batch` is for the stamps. */
	slv_err (*drop)(struct slv_omap *map, struct slv_omap_batch *batch);

	/* The names behind list->after, in order, as keys. */
	slv_err (*list)(struct slv_omaps *omaps, const struct slv_omap_list *list,
			struct slv_omap_found *found);
};

struct slv_omaps {
	const struct slv_omap_driver *driver;
	struct slv_log *log;
	struct slv_hash_key hash_key;
	struct slv_crew *readers, *writers;
	pthread_mutex_t lock;
	struct slv_map by_name;
	_Atomic bool closing;                   /* who adds chores to a crew for ever ends that */
	_Atomic(struct slv_omap_slot *) stamps; /* the driver's; NULL: there are none */
	bool stamps_age;                        /* others write whom they do not tell of */
};

struct slv_omap {
	struct slv_omaps *omaps;
	char *name;      /* terminated */
	uint64_t seed;   /* of its stamps */
	uint8_t *doubts; /* the writer's: a bit for each stamp that is in doubt; or NULL */

	/* Under `lock`. */
	pthread_mutex_t lock;
	struct slv_list batches; /* that wait */
	size_t waiting, waiting_bytes;
	bool writing; /* a chore takes them */

	_Atomic size_t reading;
	struct slv_chore writer;
};

/* Whether a map can have that name. */
bool slv_omap_name_is_ok(slv_str name);

/* For each driver: what is behind its name in the URL. */
slv_err slv_omap_sqlite_open(slv_str folder, struct slv_omaps **ret_omaps);
slv_err slv_omap_pg_open(slv_str url, struct slv_omaps **ret_omaps);

/* What the database said went wrong, in its own words, for the log only. Thread: any. */
void slv_omap_log(struct slv_omaps *omaps, const char *words);

#endif
