/* private.h - what the files of the images service share */
#ifndef SLV_SERVICE_IMAGE_PRIVATE_H
#define SLV_SERVICE_IMAGE_PRIVATE_H

#include "base/map.h"
#include "proc/lanes.h"
#include "service/image/failures.h"
#include "service/image/image.h"
#include "service/image/key.h"
#include "service/image/negotiate.h"
#include "service/image/options.h"
#include "service/image/plan.h"
#include "service/image/preset.h"
#include "service/image/sign.h"
#include "store/cache.h"

/* An origin that may be a source: "https://img.example.com/photos/", "https://" and a star for a
 * label. */
struct image_origin {
	slv_str scheme;
	slv_str host;  /* lower case */
	bool below;    /* "*.": names below `host`, not itself */
	uint16_t port; /* never 0 */
	slv_str path;  /* prefix, begins with '/' */
};

/* The settings of a route. */
struct image_conf {
	struct slv_image_signing signing;
	struct slv_image_defaults defaults;
	struct slv_conf_list presets; /* struct slv_image_preset_conf */
	struct slv_conf_list allowed; /* of slv_str: options that a URL may name */
	bool presets_only;
	struct slv_conf_list origins;           /* of slv_str */
	bool svg;                               /* pass SVG on, sanitised */
	int64_t source_bytes;                   /* of a source */
	int64_t job_ms;                         /* to get and transform */
	int64_t ttl_s, ttl_least_s, ttl_most_s; /* how long an answer is fresh, and bounds for what
	                                           a source says of itself */
	int64_t stale_s; /* how long it may be served after that, while it is renewed */
};

/* One loop's instance of a route. */
struct image {
	struct slv_service_env *env;
	const struct image_conf *conf;
	struct image_home *home;
	struct slv_arena arena; /* of what is prepared */
	struct slv_image_presets presets;
	struct image_origin *origins;
	size_t origins_count;
	slv_str route_path;
	slv_str site;        /* names site and route in keys */
	uint32_t site_index; /* slv_service_place.site */
	struct slv_metric *hits, *stale, *misses, *known, *refused;
};

/* --- questions to the home loop: ask.c and flight.c --- */

/* How long things take. Each ask has job_ms from when it arrives, and its own SLV_E_TIMEOUT when
 * they are over. A flight goes on until the time of the last who joined it is over, whether he
 * still waits or not; it is joined in its first job_ms only, so it ends within two. A source's load
 * goes on as long as a flight wants it, and is likewise joined in its first job_ms only, so it ends
 * within three. Who comes later begins another, so that nobody waits for what hangs with less time
 * than he would have alone, and what hangs ends, however many join. */

#define IMAGE_FLIGHTS_MAX 4096u /* variants on their way at once; past it SLV_E_BUSY */
#define IMAGE_ASKS_MAX 16384u   /* requests that wait for them; likewise */
#define IMAGE_LOADS_MAX 512u    /* sources on their way at once; likewise */
#define IMAGE_LOADING_BYTES_MAX SLV_MIB(1024) /* of those of the site itself; likewise */

enum image_how {
	IMAGE_NONE,      /* there is no picture */
	IMAGE_MADE,      /* and stored */
	IMAGE_LOOSE,     /* made, and not to be stored */
	IMAGE_FOUND,     /* on disk */
	IMAGE_COALESCED, /* made for somebody else */
	IMAGE_KNOWN,     /* there is none, as was found out just now: failures.h */
};

/* What is to be made, and how. */
struct image_recipe {
	struct image *self; /* whose settings hold; of the loop that asks */
	struct slv_cache_key key;
	struct slv_pixel_plan plan;
	slv_str source;                     /* by its name: image_source_name() */
	slv_str draws[SLV_PIXEL_DRAWS_MAX]; /* likewise */
	bool json;                          /* answer with facts, not pixels */
	bool renew;                         /* what is cached is stale: ask the source anew */
	uint8_t depth;                      /* slv_req.depth of who asks */
};

/* Bytes of its texts; copy it with them into `text`, which has as many. */
size_t image_recipe_text_bytes(const struct image_recipe *recipe);
void image_recipe_copy(
		const struct image_recipe *recipe, struct image_recipe *ret_copy, char *text);

struct image_ask {
	struct slv_post post;   /* there and back; first, for its allocation is the ask's */
	struct slv_post cancel; /* there and back too: the ask must outlive it */
	struct slv_req *req; /* touched on its own loop only; NULL: nobody waits, it is a renewal or
	                        the client is gone */
	uint8_t pending;     /* of answer and cancel: those that are still to come back */
	struct image_recipe recipe;

	/* Touched on the home loop only. */
	bool leads;           /* its flight was begun for it */
	uint64_t until_ms;    /* it waits so long */
	struct slv_list link; /* on a flight */

	/* The answer. */
	struct slv_cache_hit *hit; /* ours; NULL: `code` and `what` say why */
	enum image_how how;
	int32_t code;
	char what[IMAGE_WHAT_BYTES];
	void (*answered)(struct image_ask *ask); /* on the loop of recipe.self; ends with
	                                            image_ask_done() */

	char text[]; /* of the recipe */
};

/* Hand `ask` over. Thread: the loop of its instance. */
void image_ask(struct image_ask *ask);

/* Nobody waits any more: forget ask->req. Its answer still comes; the others on its flight stay.
 * Thread: as above. */
void image_ask_cancel(struct image_ask *ask);

/* One of its ways is over; the last frees it. Thread: as above. */
void image_ask_done(struct image_ask *ask);

/* Send `ask` back with its answer. Thread: the home loop. */
void image_ask_answer(struct image_ask *ask);

slv_err image_home_open(struct slv_service_env *env, void **ret_shared);
void image_home_close(void *shared);

struct slv_loop *image_home_loop(const struct image_home *home);

/* What ask.c has brought: it owes image_ask_answer() once. Thread: the home loop. */
void image_home_ask(struct image_home *home, struct image_ask *ask);

/* Nobody waits for `ask` any more: answer now, if it was not answered yet. Thread: likewise. */
void image_home_leave(struct image_home *home, struct image_ask *ask);

/* The home loop's own environment is there: what dispatches requests for sources. */
void image_home_meet(struct image_home *home, struct slv_service_env *env);

/* What is purged: whatever is under way now and is of it is not stored, and nobody joins it any
 * more; that it failed is forgotten. Each looks at all that is under way. Thread: the home loop. */
void image_home_purged_all(struct image_home *home);
void image_home_purged_source(struct image_home *home, const struct slv_digest *source);

/* Of a link: its variants, all of one source. */
void image_home_purged_link(
		struct image_home *home, const struct slv_cache_key *keys, size_t count);

/* Of a link's source, or of what it draws: loads under way are not joined any more, but stay
 * loads of that source for all else; that it failed is forgotten. */
void image_home_purged_load(struct image_home *home, const struct slv_digest *source);

/* What goes into the head of a stored result. */
struct image_meta {
	uint32_t magic;
	uint8_t format; /* of the body; SLV_FORMAT_SAME: JSON */
	uint8_t pad[3];
	uint32_t width, height, frames;
	int64_t modified_s; /* of the source; < 0 if not known */
	char etag[40];      /* with quotes, terminated */
	char blurhash[64], thumbhash[48];
};
#define IMAGE_META_MAGIC 0x31676d69u

/* --- results: result.c --- */

/* Of a result whose bytes have that digest; `json`: they tell about the picture. */
struct image_meta image_meta_make(const struct slv_pixel_result *result,
		const struct slv_digest *digest, bool json, int64_t modified_s);

/* NULL if the head is none of ours. */
const struct image_meta *image_meta_of(const struct slv_cache_hit *hit);

/* Cloudflare's format=json, and the hashes beside it. */
#define IMAGE_JSON_BYTES_MAX 1024u
void image_facts_print(
		const struct slv_pixel_result *result, size_t source_bytes, struct slv_buf *json);

/* --- questions: question.c --- */

/* What a request asks, worked out. */
struct image_question {
	struct slv_image_options options;
	const struct slv_image_preset *preset;
	struct slv_image_grant grant;
	struct slv_pixel_plan plan;
	struct slv_cache_key key;
	slv_str source; /* as sent, with its query */
	slv_str name;   /* image_source_name() */
	bool auto_width, slow_quality, json;
	bool is_private;   /* only who asked may keep it */
	int64_t max_age_s; /* a client may keep it for so long, at most; 0: it asks each time */
	/* Optional: the source is not there. True: it owes the reply now; in the arena of the
	 * request. */
	bool (*gone)(struct image *self, struct slv_req *req, const struct image_question *q);
	void *asker;           /* of gone() */
	struct image_ask *ask; /* the home loop was asked */
};

/* GET or HEAD? Else it was answered. */
bool image_question_allowed(struct slv_req *req);

/* What the options of a link say, with their preset. */
slv_err image_question_read(const struct image *self, struct slv_arena *arena, slv_str text,
		struct image_question *q);

/* The plan of that, for a client that `choice` describes, and the key of the variant; the source's
 * is there already. */
void image_question_plan(const struct image *self, struct image_question *q,
		const struct slv_image_choice *choice);

/* Owes `req` one reply, unless it returns an error. `q` is copied. */
slv_err image_question_serve(struct image *self, struct slv_req *req, struct image_question *q);

/* Forget what such a question has had for answers, for all clients. */
void image_question_purge(struct image *self, struct image_question *q);

/* Forget a source and all that was made of it. */
void image_source_purge(struct image *self, const struct slv_digest *source);

/* The counters of an instance. */
void image_metrics_get(struct image *self);

/* --- origin.c --- */

slv_err image_origins_prepare(struct slv_arena *arena, const struct slv_conf_list *texts,
		struct image_origin **ret_origins, size_t *ret_count);
bool image_origin_allows(const struct image_origin *origins, size_t count, slv_str scheme,
		slv_str host, uint16_t port, slv_str path);

/* --- settings.c --- */

slv_err image_check(struct slv_arena *scratch, const void *settings);

#endif
