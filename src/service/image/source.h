/* source.h - the pictures that results are made of: their names, and how they come */
#ifndef SLV_SERVICE_IMAGE_SOURCE_H
#define SLV_SERVICE_IMAGE_SOURCE_H

#include "service/image/private.h"
#include "store/blob/blob.h"

/* --- names: name.c --- */

/* An origin's, not of the site. */
bool image_source_is_url(slv_str source);

/* The one name of `source` (a path of the site with its query, or a URL), to fetch and to key it
 * by: of a path where neither query nor spelling matters, its decoded form, encoded in one way;
 * others as they are. Errors as slv_uri_decode_path(), of paths that no request can have. */
slv_err image_source_name(const struct image *self, struct slv_arena *arena, slv_str source,
		slv_str *ret_name);

/* Whether it is a file of the site's, by its path alone; also false if it is no source at all. */
bool image_source_is_file(const struct image *self, struct slv_arena *arena, slv_str source);

/* --- blobs: blob.c --- */

struct image_blob {
	struct slv_blob_ref ref; /* not of nothing */
	int fd;                  /* where it goes; of who asked */
	void (*done)(struct image_blob *blob, slv_err err);

	/* Private. */
	struct slv_blob_reader *reader;
	uint64_t at;
	bool stopped;
};

/* Ends with done(), never before it returns; not if it fails. Errors as slv_blob_read(). */
slv_err image_blob_start(struct slv_loop *loop, struct slv_blobs *blobs, struct image_blob *blob);

/* Nobody waits for it: done() comes with SLV_E_CANCELLED, unless it was the last piece. */
void image_blob_stop(struct image_blob *blob);

/* --- sources: source.c --- */

struct image_source {
	struct slv_cache_hit *hit; /* ours */
	enum slv_format format;
	int64_t modified_s;
	int64_t fresh_until_ms; /* wall clock; 0 if private_data */
	bool never_stale;       /* what is made of it is not served once it is stale */
	bool private_data;      /* no-store or private: neither it nor what is made of it is kept */
};

/* Who wants a source: it waits until it is told or leaves; if it was given one it has it until
 * image_source_drop(). */
struct image_want {
	struct image *self; /* whose settings hold: origins, bounds */
	slv_str source;
	bool renew; /* ask the source even if the cache has it */
	uint8_t depth;
	/* Comes once, perhaps before image_source_get() returns. `err.what` lives until it
	 * returns. */
	void (*done)(struct image_want *want, slv_err err, const struct image_source *source);
	bool known;   /* in done(): the error is remembered, not found out now */
	bool revoked; /* from image_source_get() on: what it has, or waits for, was purged or is
	                 not public any more; nobody else may have what is made of it */
	struct slv_digest key;   /* private, as all below */
	struct image_load *load; /* while it waits */
	struct slv_list link;
};

struct image_sources;

/* What lies in a source goes to `failures`, which outlive it. */
struct image_sources *image_sources_new(
		struct slv_loop *loop, struct slv_cache *cache, struct image_failures *failures);
void image_sources_free(struct image_sources *sources);
void image_sources_meet(struct image_sources *sources, struct slv_service_env *env);
void image_source_get(struct image_sources *sources, struct image_want *want);

/* Want it no more: done() does not come. The load goes on for the others; without any it ends. Not
 * from within done(). */
void image_source_leave(struct image_sources *sources, struct image_want *want);

/* What was given is not used any more. Nothing if nothing was. */
void image_source_drop(struct image_want *want);

/* `source` (NULL: each) is not what it was: loads under way are neither kept nor joined any more,
 * and whoever waits for them or has it is revoked. */
void image_sources_revoke(struct image_sources *sources, const struct slv_digest *source);

/* Loads of `source` under way are not joined any more, and that they fail is not remembered. */
void image_sources_part(struct image_sources *sources, const struct slv_digest *source);

#endif
