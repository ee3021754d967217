#include "base/assert.h"
#include "base/mem.h"
#include "client/client.h"
#include "service/image/source.h"

#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define ARENA_BYTES_MAX SLV_MIB(8) /* presets and origins */
#define PURGE_BYTES_MAX SLV_MIB(1) /* to read one */
#define SOURCE_BYTES_MAX 4096u     /* of a source in a URL */

/* --- from a URL to a plan --- */

/* "<route><options>/<source>", as sent. */
static slv_err split(const struct image *self, slv_str path, struct slv_image_target *target,
		slv_str *ret_source)
{
	if (!slv_str_starts(path, self->route_path))
		return SLV_ERR(SLV_E_SOURCE, "the route's own path must not be percent-encoded");
	slv_str rest = slv_str_from_index(path, self->route_path.len);
	size_t slash = slv_str_find(rest, '/');
	target->options = slv_str_head(rest, slash);
	slv_str source = slv_str_from_index(rest, slash);
	if (!target->options.len)
		return SLV_ERR(SLV_E_OPTION,
				"no options; write <options>/<source>, as width=400/cat.jpg");
	if (source.len < 2)
		return SLV_ERR(SLV_E_SOURCE, "no source behind the options");
	/* As a Location it would name another host. */
	if (slv_str_starts(source, SLV_STR("//")))
		return SLV_ERR(SLV_E_SOURCE, "a source must not begin with two slashes");
	if (source.len > SOURCE_BYTES_MAX)
		return SLV_ERR(SLV_E_SOURCE, "source is longer than 4096 bytes");
	slv_str url = slv_str_from_index(source, 1);
	*ret_source = image_source_is_url(url) ? url : source;
	return SLV_OK;
}

static slv_err check_url_source(const struct image *self, slv_str source)
{
	struct slv_uri uri;
	struct slv_host host;
	if (slv_failed(slv_uri_parse(source, &uri)) ||
			slv_failed(slv_host_parse(uri.authority, &host)))
		return SLV_ERR(SLV_E_SOURCE, "source is no URL that can be fetched");
	for (size_t i = 0; i < host.name.len; i++)
		if (host.name.at[i] != slv_lower(host.name.at[i]))
			return SLV_ERR(SLV_E_SOURCE, "the host of a source must be in lower case");
	if (!image_origin_allows(self->origins, self->origins_count, uri.scheme, host.name,
			    host.port, uri.path.len ? uri.path : SLV_STR("/")))
		return SLV_ERR(SLV_E_DENIED, "the source's origin is not in `origins`");
	return SLV_OK;
}

/* An origin of ours asks us: we fetched it to make a picture (RFC 8586). */
static bool came_around(const struct slv_req *req)
{
	const struct slv_field *field = slv_fields_find_name(&req->fields, SLV_STR("cdn-loop"));
	return field &&
	       slv_str_find_str(field->value, SLV_STR(SLV_CLIENT_LOOP_ID)) < field->value.len;
}

/* The source gets its own query, its name and its key. */
static slv_err name_source(const struct image *self, struct slv_arena *arena, slv_str query,
		struct image_question *q)
{
	if (query.len)
		q->source = slv_str_printf(arena, "%.*s?%.*s", SLV_FMT(q->source), SLV_FMT(query));
	if (!q->source.at)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	slv_err err = image_source_name(self, arena, q->source, &q->name);
	if (slv_failed(err))
		return err;
	q->key.source = slv_image_source_key(self->site, q->name);
	return SLV_OK;
}

static slv_err work_out(const struct image *self, struct slv_req *req, struct image_question *q)
{
	struct slv_image_target target = { .path = req->uri.path, .query = req->uri.query };
	slv_err err = split(self, req->uri.path, &target, &q->source);
	if (slv_failed(err))
		return err;
	err = slv_image_sign_verify(&self->conf->signing, &target,
			(uint64_t)slv_loop_wall_s(self->env->loop), &q->grant);
	if (slv_failed(err))
		return err;
	err = image_question_read(self, req->arena, target.options, q);
	if (slv_failed(err))
		return err;
	if (image_source_is_url(q->source)) {
		err = came_around(req) ? SLV_ERR(SLV_E_CYCLE, "the source leads back to here")
		                       : check_url_source(self, q->source);
		if (slv_failed(err))
			return err;
	}
	err = name_source(self, req->arena, q->grant.query, q);
	if (slv_failed(err))
		return err;

	struct slv_image_choice choice =
			slv_image_choose(&req->fields, q->auto_width, q->slow_quality);
	image_question_plan(self, q, &choice);
	return SLV_OK;
}

static slv_err image_serve(void *me, struct slv_req *req)
{
	struct image *self = me;
	struct image_question q = { .max_age_s = INT64_MAX };
	if (!image_question_allowed(req))
		return SLV_OK;
	slv_err err = work_out(self, req, &q);
	if (slv_failed(err)) {
		slv_metric_add(self->refused, 1);
		return err;
	}
	return image_question_serve(self, req, &q);
}

/* --- purge --- */

static size_t purge_url(struct image *self, struct slv_arena *arena, slv_str text)
{
	struct image_question q = { 0 };
	struct slv_uri uri;
	struct slv_image_target target;
	if (slv_failed(slv_uri_parse(text, &uri)) ||
			slv_failed(split(self, uri.path, &target, &q.source)) ||
			slv_failed(image_question_read(self, arena, target.options, &q)))
		return 0;
	/* A signature is no part of what is stored; what stands before it is. */
	q.grant.query = self->conf->signing.keys.count ? slv_image_sign_strip(uri.query)
	                                               : uri.query;
	if (slv_failed(name_source(self, arena, q.grant.query, &q)))
		return 0;
	image_question_purge(self, &q);
	for (uint32_t i = 0; i < q.plan.draw_count; i++) {
		slv_str name;
		if (slv_failed(image_source_name(self, arena, q.preset->draw_url[i], &name)))
			continue; /* nor is it ever asked for */
		struct slv_digest source = slv_image_source_key(self->site, name);
		image_home_purged_load(self->home, &source);
	}
	return 1;
}

static size_t purge_source(struct image *self, struct slv_arena *arena, slv_str text)
{
	slv_str name;
	if (slv_failed(image_source_name(self, arena, text, &name)))
		return 0;
	struct slv_digest source = slv_image_source_key(self->site, name);
	image_source_purge(self, &source);
	return 1;
}

static size_t image_purge(void *me, const struct slv_purge *purge)
{
	struct image *self = me;
	struct slv_arena arena;
	size_t named = 1;
	slv_arena_init(&arena, ARENA_BLOCK_BYTES, PURGE_BYTES_MAX);
	if (purge->what == SLV_PURGE_ALL) {
		image_home_purged_all(self->home);
		slv_cache_purge_all(self->env->cache, self->env->loop, NULL, NULL);
	} else if (purge->what == SLV_PURGE_SOURCE) {
		named = purge_source(self, &arena, purge->target);
	} else {
		named = purge_url(self, &arena, purge->target);
	}
	slv_arena_done(&arena);
	return named;
}

/* --- life --- */

static void image_stop(void *me)
{
	struct image *self = me;
	slv_arena_done(&self->arena);
	slv_free(self);
}

static slv_err prepare(struct image *self)
{
	const struct image_conf *conf = self->conf;
	slv_err err = slv_image_presets_prepare(&self->arena, &conf->presets, &conf->allowed,
			conf->presets_only, &conf->defaults, &self->presets);
	if (slv_failed(err))
		return err;
	return image_origins_prepare(
			&self->arena, &conf->origins, &self->origins, &self->origins_count);
}

static slv_err image_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	struct image *self = SLV_ALLOC(struct image);
	slv_arena_init(&self->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	self->env = env;
	self->conf = place->settings;
	self->home = place->shared;
	self->route_path = place->route_path;
	/* Routes of one site may differ in what they allow, so what they keep is apart. */
	self->site = slv_str_printf(&self->arena, "%.*s%.*s", SLV_FMT(place->site_name),
			SLV_FMT(place->route_path));
	self->site_index = place->site;
	image_metrics_get(self);
	slv_err err = self->site.at ? prepare(self) : SLV_ERR(SLV_E_LIMIT, "route too long");
	if (slv_failed(err)) {
		image_stop(self);
		return err;
	}
	if (slv_loop_index(env->loop) == 0)
		image_home_meet(self->home, env);
	*ret_self = self;
	return SLV_OK;
}

const struct slv_service slv_image_service = {
	.name = "images",
	.keys = slv_image_keys,
	.settings_size = SLV_IMAGE_SETTINGS_SIZE,
	.check = image_check,
	.open = image_home_open,
	.start = image_start,
	.serve = image_serve,
	.purge = image_purge,
	.stop = image_stop,
	.close = image_home_close,
};
