/* delivery.c - pictures of the image store, as a route of a site
 *
 *	<route><account hash>/<image id>/<variant, or options>
 *
 * What a link asks is worked out from rows, which are looked at for each request: whether there is
 * such a picture, which bytes it has now, what the variant stands for, who may see it. The bytes'
 * version is in the name of the source, and so in the key of what is made of it: once a row was
 * changed or removed, nothing that was made before is found any more. Rows that were read lately
 * are in memory, by their stamps, so this waits for nothing as a rule.
 *
 *	ACCOUNT ──▶ IMAGE ──▶ CHOICE ──▶ KEYS     CHOICE: the variant, or whether options may
 *	   │          │          │        │       stand in its place
 *	   └──────────┴──────────┴────────┴──▶ END
 *
 * A signature may be of any key. All of them are one row: so a wrong one costs what a right one
 * does.
 */
#include "api/keys.h"
#include "base/assert.h"
#include "base/mem.h"
#include "http/problem.h"
#include "service/image/hosted/record.h"
#include "service/image/link.h"
#include "service/image/sign.h"
#include "service/image/source.h"
#include "store/omap/recall.h"

#include <stddef.h>
#include <string.h>

#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define ARENA_BYTES_MAX SLV_MIB(1)
#define MEMORY_BYTES_MAX SLV_MIB(64) /* of rows, for each loop and route */
#define YEAR_S INT64_C(31536000)     /* what a version says is true for ever */
#define FALLBACK_S 60                /* but what was made for want of time is made anew */
#define LOOKS_MAX 3                  /* at a picture that is replaced again and again */

#define NO_MEMORY SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up")
#define NO_PICTURE SLV_ERR(SLV_E_MISSING, "there is no such picture")

struct delivery_conf {
	struct slv_image_defaults defaults;
	int64_t job_ms;
	int64_t max_age_s;
};

struct delivery {
	struct image image; /* its `conf` is `own` */
	struct image_conf own;
	const struct delivery_conf *conf;
	struct slv_omaps *maps;
	struct slv_omap *accounts;
	struct slv_omap_memory *memory;
	uint32_t refs; /* the route's, and one for each purge that looks at rows */

	uint64_t account_stamp; /* of the row that these were read from; 0: they were not */
	char hash[HOSTED_HASH_BYTES];
	struct slv_omap *map;
};

#define AT(member) offsetof(struct delivery_conf, member)

const struct slv_conf_key slv_delivery_keys[] = {
	{ .name = "defaults",
			.type = SLV_CONF_SECTION,
			.offset = AT(defaults),
			.keys = slv_image_defaults_keys,
			.help = "What holds when a variant does not say otherwise, and bounds; the "
				"format is always auto" },
	{ .name = "job_ms",
			.type = SLV_CONF_INT,
			.offset = AT(job_ms),
			.fallback = "15000",
			.min = 100,
			.max = 300000,
			.help = "To read a picture and transform it" },
	{ .name = "max_age_s",
			.type = SLV_CONF_INT,
			.offset = AT(max_age_s),
			.fallback = "172800",
			.min = 0,
			.max = 31536000,
			.help = "How long clients may keep a picture, whatever becomes of it here; "
				"0: they always ask" },
	{ 0 },
};

_Static_assert(HOSTED_KEY_NAME_BYTES_MAX == SLV_IMAGE_KEY_NAME_MAX, "`selvedge sign` takes any");
_Static_assert(sizeof(struct delivery_conf) <= SLV_DELIVERY_SETTINGS_SIZE, "raise it");

enum look_state { LOOK_ACCOUNT, LOOK_IMAGE, LOOK_CHOICE, LOOK_KEYS, LOOK_END };

/* A look at what the rows say of a link. */
struct look {
	struct delivery *self;
	struct slv_arena *arena;
	struct slv_req *req; /* NULL: of a purge */
	enum look_state state;
	bool asked; /* for the state's row */
	unsigned looks;
	slv_err err; /* of what came last */
	void (*end)(struct look *look, slv_err err);

	/* The link. */
	struct slv_image_target target; /* `options` is its last segment, as sent */
	slv_str hash, id;
	bool of_picture; /* of a purge: no segment is behind the id */

	/* What the rows say. */
	struct slv_omap *map;
	struct hosted_image image; /* without its texts */
	slv_str options;
	bool is_private;  /* who sees it needs a signature for that */
	bool needs_grant; /* or for its options */
	struct slv_image_grant grant;

	struct slv_omap_recall recall;
	char row_key[HOSTED_KEY_BYTES_MAX];
};

static void look_run(struct look *look);

/* --- links --- */

static slv_err split(struct look *look)
{
	struct image_link link;
	slv_err err = image_link_read(look->arena, look->self->image.route_path, look->target.path,
			look->of_picture, &link);
	if (slv_failed(err))
		return err;
	look->hash = link.hash;
	look->id = link.id;
	look->target.options = link.choice;
	return SLV_OK;
}

static bool is_options(slv_str segment)
{
	return slv_str_find(segment, '=') < segment.len;
}

/* --- what is read --- */

/* Ask for a row. True: it is there. */
static bool recall(struct look *look, struct slv_omap *map, slv_str key)
{
	look->recall.map = map;
	look->recall.key = key;
	return slv_omap_recall(&look->recall);
}

static bool ask_account(struct look *look)
{
	return recall(look, look->self->accounts, SLV_STR(SLV_API_ACCOUNT_KEY));
}

static bool ask_image(struct look *look)
{
	return recall(look, look->map, hosted_row_key('i', look->id, look->row_key));
}

/* A name that can be none is that of no row. */
static bool ask_choice(struct look *look)
{
	slv_str last = look->target.options;
	if (is_options(last))
		return recall(look, look->map, SLV_STR(HOSTED_CONFIG_KEY));
	if (slv_failed(hosted_variant_id_check(last)))
		last = (slv_str){ 0 };
	return recall(look, look->map, hosted_row_key('v', last, look->row_key));
}

static bool ask_keys(struct look *look)
{
	return recall(look, look->map, SLV_STR(HOSTED_KEYS_KEY));
}

/* --- what is made of it --- */

static slv_err take_account(struct look *look, enum look_state *ret_next)
{
	struct delivery *self = look->self;
	const struct slv_omap_row *row = look->recall.row;
	if (!row->version)
		return NO_PICTURE;
	if (!look->recall.stamp || self->account_stamp != look->recall.stamp) {
		char id[HOSTED_ACCOUNT_BYTES];
		slv_str account = { id, sizeof(id) };
		slv_err err = slv_api_account_read(row->value, id);
		if (slv_failed(err))
			return SLV_ERR(SLV_E_SYS, err.what);
		hosted_account_hash(account, self->hash);
		self->map = hosted_map(self->maps, account);
		if (!self->map)
			return SLV_ERR(SLV_E_SYS, "the record of the account is damaged");
		self->account_stamp = look->recall.stamp;
	}
	if (!slv_str_eq(look->hash, (slv_str){ self->hash, sizeof(self->hash) }))
		return NO_PICTURE;
	look->map = self->map;
	*ret_next = LOOK_IMAGE;
	return SLV_OK;
}

static slv_err take_image(struct look *look, enum look_state *ret_next)
{
	const struct slv_omap_row *row = look->recall.row;
	if (!row->version)
		return NO_PICTURE;
	slv_err err = hosted_image_read(row->value, &look->image);
	if (slv_failed(err))
		return SLV_ERR(SLV_E_SYS, err.what); /* not as who stored it has sent it */
	if (look->image.is_draft)
		return NO_PICTURE;
	look->is_private = look->image.is_signed;
	*ret_next = look->of_picture ? LOOK_END : LOOK_CHOICE;
	return SLV_OK;
}

static slv_err take_options(struct look *look, const struct slv_omap_row *row)
{
	struct hosted_config config;
	slv_err err = hosted_config_read(row->version ? row->value : (slv_str){ 0 }, &config);
	look->options = look->target.options;
	look->needs_grant = look->is_private || (!slv_failed(err) && !config.flexible_variants);
	return slv_failed(err) ? SLV_ERR(SLV_E_SYS, err.what) : SLV_OK;
}

static slv_err take_variant(struct look *look, const struct slv_omap_row *row)
{
	struct hosted_variant variant = { .options = SLV_STR(HOSTED_PUBLIC_OPTIONS) };
	if (!row->version && !slv_str_eq(look->target.options, SLV_STR(HOSTED_PUBLIC_VARIANT)))
		return SLV_ERR(SLV_E_MISSING, "there is no such variant");
	slv_err err = row->version ? hosted_variant_read(row->value, &variant) : SLV_OK;
	if (slv_failed(err))
		return SLV_ERR(SLV_E_SYS, err.what);
	look->is_private &= !variant.never_signed;
	look->needs_grant = look->is_private;
	look->options = slv_str_copy(look->arena, variant.options);
	return look->options.at ? SLV_OK : NO_MEMORY;
}

static slv_err take_choice(struct look *look, enum look_state *ret_next)
{
	slv_err err = is_options(look->target.options) ? take_options(look, look->recall.row)
	                                               : take_variant(look, look->recall.row);
	if (slv_failed(err))
		return err;
	*ret_next = look->needs_grant && look->req ? LOOK_KEYS : LOOK_END;
	if (*ret_next == LOOK_END || look->target.query.len)
		return SLV_OK;
	return look->is_private ? SLV_ERR(SLV_E_SIGNATURE, "this picture needs a signed link")
	                        : SLV_ERR(SLV_E_DENIED, "options in place of a variant need "
							"flexible variants, or a signed link");
}

static slv_err take_keys(struct look *look, enum look_state *ret_next)
{
	const struct slv_omap_row *row = look->recall.row;
	struct slv_image_sign_key own[HOSTED_KEYS_MAX];
	struct hosted_keys keys;
	slv_err err = hosted_keys_read(row->version ? row->value : (slv_str){ 0 }, &keys);
	if (slv_failed(err))
		return SLV_ERR(SLV_E_SYS, err.what);
	if (!keys.count)
		return SLV_ERR(SLV_E_SIGNATURE, "the account has no signing key");
	for (size_t i = 0; i < keys.count; i++)
		own[i] = (struct slv_image_sign_key){ .name = keys.at[i].name,
			.secret = keys.at[i].value };
	struct slv_image_signing signing = { .required = true,
		.keys = { .at = own, .count = keys.count } };
	int64_t now_s = slv_loop_wall_s(look->self->image.env->loop);
	err = slv_image_sign_verify(&signing, &look->target, (uint64_t)now_s, &look->grant);
	slv_assert(slv_failed(err) || look->grant.key);
	look->grant.key = NULL; /* its row goes now */
	*ret_next = LOOK_END;
	return err;
}

/* --- the look --- */

static const struct {
	bool (*ask)(struct look *look); /* true: it is there at once */
	slv_err (*take)(struct look *look, enum look_state *ret_next);
	unsigned may;
} steps[] = {
	[LOOK_ACCOUNT] = { ask_account, take_account, SLV_BIT(LOOK_IMAGE) },
	[LOOK_IMAGE] = { ask_image, take_image, SLV_BIT(LOOK_CHOICE) | SLV_BIT(LOOK_END) },
	[LOOK_CHOICE] = { ask_choice, take_choice, SLV_BIT(LOOK_KEYS) | SLV_BIT(LOOK_END) },
	[LOOK_KEYS] = { ask_keys, take_keys, SLV_BIT(LOOK_END) },
};

static void recall_came(struct slv_omap_recall *back, slv_err err)
{
	struct look *look = SLV_CONTAINER(back, struct look, recall);
	look->err = err;
	look_run(look);
}

static void look_run(struct look *look)
{
	slv_err err = SLV_OK;
	while (look->state != LOOK_END && !slv_failed(err)) {
		enum look_state next = LOOK_END;
		if (!look->asked) {
			look->asked = true;
			look->err = SLV_OK;
			if (!steps[look->state].ask(look))
				return;
		}
		look->asked = false;
		err = look->err;
		if (!slv_failed(err))
			err = steps[look->state].take(look, &next);
		if (look->recall.hold)
			look->recall.hold->drop(look->recall.hold);
		look->recall.hold = NULL;
		slv_assert(slv_failed(err) || (steps[look->state].may & SLV_BIT(next)));
		look->state = next;
	}
	look->end(look, err);
}

static struct look *look_new(struct delivery *self, struct slv_arena *arena)
{
	struct look *look = SLV_NEW(arena, struct look);
	if (!look)
		return NULL;
	look->self = self;
	look->arena = arena;
	look->recall.memory = self->memory;
	look->recall.done = recall_came;
	return look;
}

/* The question that the link is. */
static slv_err question_of(struct look *look, struct image_question *ret_q)
{
	struct image *image = &look->self->image;
	slv_err err = image_question_read(image, look->arena, look->options, ret_q);
	if (slv_failed(err))
		return err;
	ret_q->options.redirect = false; /* to what? the source has no link of its own */
	ret_q->grant = look->grant;
	ret_q->is_private = look->is_private;
	char name[HOSTED_SOURCE_BYTES_MAX];
	ret_q->name = ret_q->source =
			slv_str_copy(look->arena, hosted_source_name(&look->image.blob, name));
	if (!ret_q->name.at)
		return NO_MEMORY;
	ret_q->key.source = slv_image_source_key(image->site, ret_q->name);
	return SLV_OK;
}

/* --- requests --- */

/* Its bytes were removed after its row was read: what does the row say now? */
static bool look_again(struct image *image, struct slv_req *req, const struct image_question *q)
{
	struct look *look = q->asker;
	(void)image;
	(void)req;
	if (look->looks++ >= LOOKS_MAX)
		return false;
	look->state = LOOK_ACCOUNT;
	look_run(look);
	return true;
}

static slv_err serve_picture(struct look *look)
{
	struct image *image = &look->self->image;
	struct image_question q = { .gone = look_again, .asker = look };
	slv_err err = question_of(look, &q);
	if (slv_failed(err))
		return err;
	/* What the program asks itself is made into something else, and asked for anew when that
	 * is looked at again. */
	q.max_age_s = look->req->depth ? 0 : look->self->conf->max_age_s;
	struct slv_image_choice choice =
			slv_image_choose(&look->req->fields, q.auto_width, q.slow_quality);
	image_question_plan(image, &q, &choice);
	return image_question_serve(image, look->req, &q);
}

static void request_end(struct look *look, slv_err err)
{
	if (slv_failed(err))
		slv_metric_add(look->self->image.refused, 1);
	else
		err = serve_picture(look);
	if (slv_failed(err))
		slv_problem_reply(look->req, err);
}

static slv_err delivery_serve(void *me, struct slv_req *req)
{
	struct delivery *self = me;
	if (!image_question_allowed(req))
		return SLV_OK;
	struct look *look = look_new(self, req->arena);
	if (!look)
		return NO_MEMORY;
	look->req = req;
	look->end = request_end;
	look->target = (struct slv_image_target){ .path = req->uri.path, .query = req->uri.query };
	slv_err err = split(look);
	if (slv_failed(err)) {
		slv_metric_add(self->image.refused, 1);
		return err;
	}
	look_run(look);
	return SLV_OK;
}

/* --- purges --- */

struct delivery_purge {
	struct slv_arena arena;
	struct look *look;
};

static void delivery_unref(struct delivery *self)
{
	if (--self->refs)
		return;
	slv_omap_memory_free(self->memory);
	slv_arena_done(&self->image.arena);
	slv_free(self);
}

static void purge_end(struct look *look, slv_err err)
{
	struct delivery *self = look->self;
	struct slv_arena *arena = look->arena;
	struct image_question q = { 0 };
	/* What is not there has nothing that could be forgotten. */
	if (!slv_failed(err) && look->of_picture) {
		char name[HOSTED_SOURCE_BYTES_MAX];
		struct slv_digest source = slv_image_source_key(
				self->image.site, hosted_source_name(&look->image.blob, name));
		image_source_purge(&self->image, &source);
	} else if (!slv_failed(err) && !slv_failed(question_of(look, &q))) {
		image_question_purge(&self->image, &q);
	}
	slv_arena_done(arena);
	slv_free(arena);
	delivery_unref(self);
}

/* Of a link, or of `<route><account hash>/<image id>`. That it was found is not waited for. */
static size_t purge_some(struct delivery *self, const struct slv_purge *purge)
{
	struct slv_uri uri;
	struct slv_arena *arena = SLV_ALLOC(struct slv_arena);
	slv_arena_init(arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	struct look *look = look_new(self, arena);
	slv_assert(look);
	look->of_picture = purge->what == SLV_PURGE_SOURCE;
	look->end = purge_end;
	slv_str target = slv_str_copy(arena, purge->target);
	bool ok = target.at && !slv_failed(slv_uri_parse(target, &uri));
	if (ok) {
		look->target = (struct slv_image_target){ .path = uri.path, .query = uri.query };
		ok = !slv_failed(split(look));
	}
	if (!ok) {
		slv_arena_done(arena);
		slv_free(arena);
		return 0;
	}
	self->refs++;
	look_run(look);
	return 1;
}

static size_t delivery_purge(void *me, const struct slv_purge *purge)
{
	struct delivery *self = me;
	if (purge->what != SLV_PURGE_ALL)
		return purge_some(self, purge);
	image_home_purged_all(self->image.home);
	slv_cache_purge_all(self->image.env->cache, self->image.env->loop, NULL, NULL);
	return 1;
}

/* --- life --- */

static void delivery_stop(void *me)
{
	delivery_unref(me);
}

static slv_err delivery_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	struct delivery *self = SLV_ALLOC(struct delivery);
	struct image *image = &self->image;
	self->refs = 1;
	self->conf = place->settings;
	self->maps = env->maps;
	self->accounts = slv_omap_named(env->maps, SLV_STR(SLV_API_ACCOUNT_MAP));
	self->memory = slv_omap_memory_new(env->loop, MEMORY_BYTES_MAX);
	self->own = (struct image_conf){ .defaults = self->conf->defaults,
		.svg = true,
		.source_bytes = IMAGE_LOADING_BYTES_MAX,
		.job_ms = self->conf->job_ms,
		.ttl_s = YEAR_S,
		.ttl_least_s = FALLBACK_S,
		.ttl_most_s = YEAR_S };
	self->own.defaults.format = SLV_IMAGE_FORMAT_AUTO;
	slv_arena_init(&image->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	image->env = env;
	image->conf = &self->own;
	image->home = place->shared;
	image->route_path = place->route_path;
	image->site = SLV_STR(HOSTED_SITE);
	image->site_index = place->site;
	image_metrics_get(image);
	slv_err err = slv_image_presets_prepare(&image->arena, &self->own.presets,
			&self->own.allowed, false, &self->own.defaults, &image->presets);
	if (slv_failed(err)) {
		delivery_unref(self);
		return err;
	}
	if (slv_loop_index(env->loop) == 0)
		image_home_meet(image->home, env);
	*ret_self = self;
	return SLV_OK;
}

const struct slv_service slv_delivery_service = {
	.name = "imagedelivery",
	.keys = slv_delivery_keys,
	.settings_size = sizeof(struct delivery_conf),
	.open = image_home_open,
	.start = delivery_start,
	.serve = delivery_serve,
	.purge = delivery_purge,
	.stop = delivery_stop,
	.close = image_home_close,
};
