/* question.c - what a request asks, worked out: answered from memory, or by the home loop */
#include "base/assert.h"
#include "base/mem.h"
#include "http/condition.h"
#include "http/problem.h"
#include "service/image/source.h"

#include <string.h>

/* The Content-Security-Policy of a sanitised SVG: even if something slipped through, it runs and
 * loads nothing. */
#define SVG_CSP "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/* --- options --- */

void image_question_plan(const struct image *self, struct image_question *q,
		const struct slv_image_choice *choice)
{
	slv_image_plan_make(&q->options, &self->conf->defaults, choice, &q->plan);
	slv_image_preset_apply(q->preset, &q->plan);
	q->key.variant = slv_image_variant_key(
			&q->key.source, &q->plan, q->preset ? q->preset->draw_url : NULL);
}

slv_err image_question_read(const struct image *self, struct slv_arena *arena, slv_str text,
		struct image_question *q)
{
	slv_err err = slv_image_options_parse(arena, text, &self->conf->defaults, &q->options);
	if (slv_failed(err))
		return err;
	err = slv_image_presets_resolve(&self->presets, arena, &q->options, &q->preset);
	if (slv_failed(err))
		return err;
	q->auto_width = q->options.width == SLV_IMAGE_WIDTH_AUTO;
	q->slow_quality = q->options.given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_SLOW_QUALITY);
	q->json = q->options.format == SLV_IMAGE_FORMAT_JSON;
	return SLV_OK;
}

/* --- replies --- */

/* A client must not keep what a signed link shows for longer than the link lives. */
static slv_err add_cache_control(const struct image *self, struct slv_req *req,
		const struct image_question *q, const struct slv_cache_hit *hit,
		struct slv_reply *reply)
{
	int64_t now_ms = slv_loop_wall_ms(self->env->loop);
	slv_str value = q->is_private ? SLV_STR("private, no-cache") : SLV_STR("no-cache");
	if (hit->stale_until_ms <= hit->stored_ms) { /* its source must not be kept */
		value = SLV_STR("private, no-store");
	} else if (q->max_age_s) {
		int64_t age_s = hit->fresh_until_ms > now_ms ? (hit->fresh_until_ms - now_ms) / 1000
		                                             : 0;
		int64_t left_s = q->grant.expires_s ? (int64_t)q->grant.expires_s - now_ms / 1000
		                                    : INT64_MAX;
		left_s = left_s < q->max_age_s ? left_s : q->max_age_s;
		value = slv_str_printf(req->arena, "%s, max-age=%lld",
				q->is_private ? "private" : "public",
				(long long)(age_s < left_s   ? age_s
						: left_s > 0 ? left_s
							     : 0));
	}
	return value.at ? slv_fields_add_id(&reply->fields, SLV_FIELD_CACHE_CONTROL, value)
	                : SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
}

static slv_err add_fields(const struct image *self, struct slv_req *req,
		const struct image_question *q, const struct slv_cache_hit *hit,
		const struct image_meta *meta, struct slv_reply *reply)
{
	struct slv_fields *fields = &reply->fields;
	bool pixels = meta->format != SLV_FORMAT_SAME;
	slv_err err = slv_fields_add_id(fields, SLV_FIELD_CONTENT_TYPE,
			pixels ? slv_format_type(meta->format) : SLV_STR("application/json"));
	if (!slv_failed(err))
		err = add_cache_control(self, req, q, hit, reply);
	if (!slv_failed(err))
		err = slv_fields_add_id(fields, SLV_FIELD_VARY,
				slv_image_vary(q->auto_width, q->slow_quality));
	if (!slv_failed(err))
		err = slv_fields_add_id(fields, SLV_FIELD_CACHE_STATUS, req->cache_status);
	if (!slv_failed(err))
		err = slv_fields_add_id(
				fields, SLV_FIELD_X_CONTENT_TYPE_OPTIONS, SLV_STR("nosniff"));
	slv_str hints = slv_image_accept_ch(q->auto_width, q->slow_quality);
	if (!slv_failed(err) && hints.len)
		err = slv_fields_add(fields, SLV_STR("Accept-CH"), hints);
	if (!slv_failed(err) && meta->format == SLV_FORMAT_SVG)
		err = slv_fields_add_id(
				fields, SLV_FIELD_CONTENT_SECURITY_POLICY, SLV_STR(SVG_CSP));
	if (!slv_failed(err) && pixels && meta->blurhash[0])
		err = slv_fields_add(
				fields, SLV_STR("Selvedge-BlurHash"), slv_str_from(meta->blurhash));
	if (!slv_failed(err) && pixels && meta->thumbhash[0])
		err = slv_fields_add(fields, SLV_STR("Selvedge-ThumbHash"),
				slv_str_from(meta->thumbhash));
	return err;
}

/* Answer with a stored result, whose reference is ours and goes with the reply. */
static slv_err reply_hit(const struct image *self, struct slv_req *req,
		const struct image_question *q, struct slv_cache_hit *hit)
{
	struct slv_reply reply;
	/* A copy: a 304 lets the entry go before its fields are written. */
	struct image_meta *meta = SLV_NEW(req->arena, struct image_meta);
	slv_assert(image_meta_of(hit));
	slv_err err = meta ? SLV_OK : SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	slv_reply_init(&reply, req, 200);
	if (meta) {
		*meta = *image_meta_of(hit);
		err = add_fields(self, req, q, hit, meta, &reply);
	}
	if (slv_failed(err)) {
		hit->hold.drop(&hit->hold);
		return err;
	}
	reply.body = slv_body_bytes(hit->body, &hit->hold);
	reply.body.file = (struct slv_body_file){
		.known = hit->body_fd >= 0, .fd = hit->body_fd, .offset = hit->body_offset
	};
	struct slv_validator have = { .etag = slv_str_from(meta->etag),
		.modified_s = meta->modified_s };
	slv_condition_reply(req, &reply, &have, slv_loop_wall_s(self->env->loop));
	return SLV_OK;
}

/* onerror=redirect: to the source as it is, where that is the same site. */
static void reply_failed(struct slv_req *req, const struct image_question *q, slv_err err)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, 302);
	if (!q->options.redirect || !slv_str_starts(q->source, SLV_STR("/")) ||
			slv_failed(slv_fields_add_id(
					&reply.fields, SLV_FIELD_LOCATION, q->source)) ||
			slv_failed(slv_fields_add_id(&reply.fields, SLV_FIELD_CACHE_CONTROL,
					SLV_STR("no-store"))) ||
			slv_failed(slv_fields_add(&reply.fields, SLV_STR("Selvedge-Error"),
					slv_str_from(slv_code_name(err.code)))) ||
			slv_failed(slv_fields_add_id(&reply.fields, SLV_FIELD_CACHE_STATUS,
					req->cache_status))) {
		slv_problem_reply_with(req, err, SLV_STR("Cache-Status"), req->cache_status);
		return;
	}
	reply.code = slv_code_name(err.code);
	slv_req_reply(req, &reply);
}

/* --- asking the home loop --- */

/* The client is gone: answer nobody now, so that neither the connection's memory nor the request
 * waits for the picture. */
static void cancelled(struct slv_req *req)
{
	struct image_question *q = req->holder;
	image_ask_cancel(q->ask);
	slv_problem_reply(req, SLV_ERR(SLV_E_CANCELLED, "the client went away"));
}

static slv_err serve_hit(struct image *self, struct slv_req *req, struct image_question *q,
		struct slv_cache_hit *hit, int64_t now_ms);

static void answered(struct image_ask *ask)
{
	struct image *self = ask->recipe.self;
	struct slv_req *req = ask->req;
	if (req) {
		static const slv_str how[] = {
			[IMAGE_NONE] = SLV_STR_INIT("Selvedge; fwd=uri-miss"),
			[IMAGE_LOOSE] = SLV_STR_INIT("Selvedge; fwd=uri-miss"),
			[IMAGE_MADE] = SLV_STR_INIT("Selvedge; fwd=uri-miss; stored"),
			[IMAGE_FOUND] = SLV_STR_INIT("Selvedge; hit; detail=disk"),
			[IMAGE_COALESCED] = SLV_STR_INIT("Selvedge; fwd=uri-miss; collapsed"),
			[IMAGE_KNOWN] = SLV_STR_INIT("Selvedge; hit; detail=failed"),
		};
		struct image_question *q = req->holder;
		slv_err err = SLV_OK;
		slv_err why = { .code = ask->code, .what = ask->what };
		req->on_cancel = NULL;
		req->cache_status = how[ask->how];
		slv_metric_add(self->known, ask->how == IMAGE_KNOWN);
		int64_t now_ms = slv_loop_wall_ms(self->env->loop);
		if (ask->hit && ask->how == IMAGE_FOUND && ask->hit->fresh_until_ms <= now_ms)
			err = serve_hit(self, req, q, ask->hit, now_ms);
		else if (ask->hit)
			err = reply_hit(self, req, q, ask->hit);
		else if (!q->gone || why.code != SLV_E_MISSING || !q->gone(self, req, q))
			reply_failed(req, q, why);
		/* `what` lives in the ask, which ends here; the reply copies it. */
		if (slv_failed(err))
			slv_problem_reply(req, err);
	} else if (ask->hit) {
		ask->hit->hold.drop(&ask->hit->hold);
	}
	image_ask_done(ask);
}

/* `req` is who waits; NULL: nobody, it is a renewal. SLV_E_LIMIT: `arena` is full; others: a preset
 * draws what no path can name. */
static slv_err ask_home(struct image *self, struct slv_arena *arena, struct slv_req *req,
		const struct image_question *q, struct image_ask **ret_ask)
{
	struct image_recipe recipe = {
		.self = self,
		.key = q->key,
		.plan = q->plan,
		.source = q->name,
		.json = q->json,
		.renew = !req,
		.depth = req ? req->depth : 0,
	};
	for (uint32_t i = 0; i < q->plan.draw_count; i++) {
		slv_err err = image_source_name(
				self, arena, q->preset->draw_url[i], &recipe.draws[i]);
		if (slv_failed(err))
			return err;
	}
	struct image_ask *ask = slv_alloc(sizeof(*ask) + image_recipe_text_bytes(&recipe));
	image_recipe_copy(&recipe, &ask->recipe, ask->text);
	ask->req = req;
	ask->answered = answered;
	image_ask(ask);
	*ret_ask = ask;
	return SLV_OK;
}

static slv_err serve_hit(struct image *self, struct slv_req *req, struct image_question *q,
		struct slv_cache_hit *hit, int64_t now_ms)
{
	int64_t left_s = (hit->fresh_until_ms - now_ms) / 1000;
	slv_metric_add(self->hits, 1);
	if (now_ms >= hit->fresh_until_ms) {
		struct image_ask *renewal;
		slv_metric_add(self->stale, 1);
		/* Nobody waits for it; what cannot be asked for is not renewed. */
		(void)ask_home(self, req->arena, NULL, q, &renewal);
		left_s = -((now_ms - hit->fresh_until_ms) / 1000) - 1;
	}
	slv_str status = slv_str_printf(req->arena, "Selvedge; hit; ttl=%lld", (long long)left_s);
	req->cache_status = status.at ? status : SLV_STR("Selvedge; hit");
	return reply_hit(self, req, q, hit);
}

slv_err image_question_serve(struct image *self, struct slv_req *req, struct image_question *q)
{
	int64_t now_ms = slv_loop_wall_ms(self->env->loop);
	struct slv_cache_hit *hit = slv_cache_get(self->env->cache, &q->key, now_ms);
	if (hit && image_meta_of(hit))
		return serve_hit(self, req, q, hit, now_ms);
	if (hit) /* of a program with other ideas of its head */
		hit->hold.drop(&hit->hold);

	struct image_question *kept = SLV_NEW(req->arena, struct image_question);
	if (!kept)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	*kept = *q;
	req->holder = kept;
	slv_metric_add(self->misses, 1);
	slv_err err = ask_home(self, req->arena, req, kept, &kept->ask);
	if (slv_failed(err))
		return err;
	req->on_cancel = cancelled;
	return SLV_OK;
}

/* --- purge --- */

static const uint32_t auto_widths[] = { 320, 768, 960, 1200 };

/* A URL has a variant for each class of client, each automatic width, slow or not; but where it
 * says itself what is to come out they are one and the same. */
#define URL_VARIANTS_MAX (SLV_IMAGE_CLASS_COUNT * SLV_COUNT(auto_widths) * 2)

static bool is_among(const struct slv_cache_key *keys, size_t count, const struct slv_digest *key)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&keys[i].variant, key, sizeof(*key)) == 0)
			return true;
	return false;
}

static size_t url_keys(
		const struct image *self, struct image_question *q, struct slv_cache_key *keys)
{
	size_t count = 0;
	for (unsigned i = 0; i < URL_VARIANTS_MAX; i++) {
		struct slv_image_choice choice = {
			.class = (uint8_t)(i % SLV_IMAGE_CLASS_COUNT),
			.width = auto_widths[i / SLV_IMAGE_CLASS_COUNT % SLV_COUNT(auto_widths)],
			.slow = i / SLV_IMAGE_CLASS_COUNT / SLV_COUNT(auto_widths) != 0,
		};
		image_question_plan(self, q, &choice);
		if (!is_among(keys, count, &q->key.variant))
			keys[count++] = q->key;
	}
	return count;
}

void image_question_purge(struct image *self, struct image_question *q)
{
	struct slv_cache_key keys[URL_VARIANTS_MAX];
	size_t count = url_keys(self, q, keys);
	image_home_purged_link(self->home, keys, count);
	for (size_t i = 0; i < count; i++)
		slv_cache_purge_variant(self->env->cache, self->env->loop, &keys[i], NULL, NULL);
}

void image_source_purge(struct image *self, const struct slv_digest *source)
{
	image_home_purged_source(self->home, source);
	slv_cache_purge_source(self->env->cache, self->env->loop, source, NULL, NULL);
}

/* --- the door --- */

void image_metrics_get(struct image *self)
{
	struct slv_metrics *metrics = self->env->metrics;
	self->hits = slv_metric_get(metrics, SLV_COUNTER, "selvedge_image_hits_total", NULL,
			"Pictures answered from memory");
	self->stale = slv_metric_get(metrics, SLV_COUNTER, "selvedge_image_stale_total", NULL,
			"Of those, the ones that were stale and are being renewed");
	self->misses = slv_metric_get(metrics, SLV_COUNTER, "selvedge_image_misses_total", NULL,
			"Pictures that were not in memory, known failures among them");
	self->known = slv_metric_get(metrics, SLV_COUNTER, "selvedge_image_known_failures_total",
			NULL, "Pictures that failed just before and were not tried again");
	self->refused = slv_metric_get(metrics, SLV_COUNTER, "selvedge_image_refused_total", NULL,
			"Image URLs with a wrong option, source or signature");
}

bool image_question_allowed(struct slv_req *req)
{
	if (req->method == SLV_METHOD_GET || req->method == SLV_METHOD_HEAD)
		return true;
	slv_problem_reply_with(req,
			SLV_ERR(SLV_E_METHOD, "pictures are asked for with GET or HEAD"),
			SLV_STR("Allow"), SLV_STR("GET, HEAD"));
	return false;
}
