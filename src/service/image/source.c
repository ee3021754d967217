/* source.c - the pictures that results are made of
 *
 * Kept in the cache apart from results, so that four sizes of one picture fetch it once. A source
 * comes from the site's own routes, by a request inside the program, from an allowed origin by the
 * guarded client, or from the image store, where it is a blob. Who wants the same source at the
 * same time shares one load, which has no deadline of its own: it ends when nobody wants it any
 * more.
 */
#include "service/image/source.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/client.h"
#include "http/date.h"
#include "loop/log.h"
#include "proc/message.h"
#include "service/image/freshness.h"
#include "service/image/hosted/record.h"
#include "service/image/told.h"

#include <fcntl.h>
#include <string.h>

#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define ARENA_BYTES_MAX SLV_MIB(1)
#define SNIFF_BYTES 1024u
#define ETAG_BYTES 128u
#define LOAD_LASTS_JOBS 3u /* times job_ms: longer than that nobody waits */
#define META_MAGIC 0x32637273u

/* What goes into the head of a stored source. */
struct source_meta {
	uint32_t magic, ttl_s;
	uint8_t format;
	uint8_t private_data;
	uint8_t never_stale;
	uint8_t pad[5];
	int64_t modified_s;
	struct slv_image_said said; /* which a 304 leaves as it does not say otherwise */
	char etag[ETAG_BYTES];      /* terminated; empty if it has none or a longer one */
};

struct image_sources {
	struct slv_loop *loop;
	struct slv_cache *cache;
	struct slv_service_env *env;
	struct slv_map loads; /* by source key: those that may be joined */
	uint32_t loading;     /* loads, all told */
	struct slv_list all;  /* those loads */
	struct slv_list held; /* wants that have a source */
	uint64_t bytes;       /* that those of the site have taken, or will */
	struct image_failures *failures;
};

/* One source on its way. */
struct image_load {
	struct image_sources *sources;
	struct slv_list link;  /* in sources->all */
	struct slv_list wants; /* none: it is over, and what is at work is on its way back */
	bool known;            /* that it fails; it is not even tried */
	bool revoked;          /* nothing of it is kept */
	bool forgiven;         /* that it fails is not remembered */
	bool at_work; /* the disk, a request inside the program, a pull or a fetch is to call us */
	struct slv_cache_key key;
	uint64_t begun_ms;

	/* What the first who wanted it said; it holds for all. */
	struct image *self;
	slv_str source;
	bool renew;
	bool is_file;
	uint8_t depth;

	struct slv_cache_fetch disk;
	struct slv_cache_hit
			*old; /* stale, or to be renewed: spares the bytes if it is still right */
	struct slv_arena arena;

	/* From the site's own routes. */
	struct slv_req req;
	struct slv_sink sink;
	struct slv_body body;
	struct slv_pull pull;

	/* From an origin. */
	struct slv_fetch fetch;
	bool fetching;

	/* From the image store. */
	struct image_blob blob;
	bool is_hosted, reading;

	/* What came. */
	int status;
	struct slv_fields fields;
	int fd;
	uint64_t bytes;
	uint64_t counted; /* of those, what sources->bytes has */
};

static const struct source_meta *source_meta_of(const struct slv_cache_hit *hit)
{
	const struct source_meta *meta = (const struct source_meta *)(const void *)hit->head.at;
	if (hit->head.len != sizeof(*meta) || meta->magic != META_MAGIC)
		return NULL;
	return meta;
}

/* The key of a source itself, beside those of what is made of it. */
static struct slv_cache_key source_cache_key(const struct slv_digest *source)
{
	struct slv_cache_key key = { .source = *source };
	slv_str parts[] = { SLV_STR("source"),
		{ (const char *)key.source.bytes, SLV_SHA256_BYTES } };
	key.variant = slv_sha256(parts, SLV_COUNT(parts));
	return key;
}

/* --- end --- */

static void load_free(struct image_load *load)
{
	slv_assert(!load->at_work);
	slv_list_remove(&load->link);
	load->sources->loading--;
	load->sources->bytes -= load->counted;
	if (load->old)
		load->old->hold.drop(&load->old->hold);
	slv_fd_done(&load->fd);
	slv_arena_done(&load->arena);
	slv_free(load);
}

/* Nobody joins it any more. */
static void load_hide(struct image_load *load)
{
	slv_str name = { (const char *)load->key.source.bytes, SLV_SHA256_BYTES };
	if (slv_map_get(&load->sources->loads, name) == load)
		slv_map_remove(&load->sources->loads, name);
}

/* What was at work has called us; if nobody wants the load any more that was the end. */
static bool load_is_over(struct image_load *load)
{
	load->at_work = false;
	if (!slv_list_empty(&load->wants))
		return false;
	slv_body_done(&load->body);
	load_free(load);
	return true;
}

static bool is_of(const struct slv_digest *own, const struct slv_digest *source)
{
	return !source || memcmp(own, source, sizeof(*own)) == 0;
}

static void load_revoke(struct image_load *load)
{
	load->revoked = true;
	load_hide(load);
	SLV_LIST_EACH(link, &load->wants)
	{
		SLV_CONTAINER(link, struct image_want, link)->revoked = true;
	}
}

/* `source` may be NULL: each; so may `except`. */
static void revoke_all(struct image_sources *sources, const struct slv_digest *source,
		const struct image_load *except)
{
	SLV_LIST_EACH(link, &sources->all)
	{
		struct image_load *load = SLV_CONTAINER(link, struct image_load, link);
		if (load != except && is_of(&load->key.source, source))
			load_revoke(load);
	}
	SLV_LIST_EACH(link, &sources->held)
	{
		struct image_want *want = SLV_CONTAINER(link, struct image_want, link);
		want->revoked |= is_of(&want->key, source);
	}
}

/* What lies in the source, and was fetched in vain. */
static void remember_failure(struct image_load *load, slv_err err)
{
	struct image_sources *sources = load->sources;
	struct image_attempt attempt = { .begun_ms = load->begun_ms,
		.ended_ms = slv_loop_now_ms(sources->loop) };
	if ((err.code == SLV_E_LIMIT || err.code == SLV_E_MEDIA) && !load->known &&
			!load->revoked && !load->forgiven)
		image_failures_add(sources->failures, &load->key, &attempt, err, true);
}

/* Tell all who want it. Takes a reference of `hit`. */
static void load_end(struct image_load *load, slv_err err, struct slv_cache_hit *hit)
{
	slv_assert(!load->at_work);
	load_hide(load);
	if (slv_failed(err))
		remember_failure(load, err);
	for (struct slv_list *link; (link = slv_list_pop(&load->wants));) {
		struct image_want *want = SLV_CONTAINER(link, struct image_want, link);
		struct image_source source = { 0 };
		if (hit) {
			const struct source_meta *meta = source_meta_of(hit);
			source = (struct image_source){ .hit = slv_cache_ref(hit),
				.format = meta->format,
				.modified_s = meta->modified_s,
				.fresh_until_ms = meta->private_data ? 0 : hit->fresh_until_ms,
				.private_data = meta->private_data,
				.never_stale = meta->never_stale };
			slv_list_push(&load->sources->held, &want->link);
		}
		want->known = load->known;
		want->done(want, err, hit ? &source : NULL);
	}
	if (hit)
		hit->hold.drop(&hit->hold);
	load_free(load);
}

/* --- what came --- */

/* As its fields say, after what is said in `meta`. */
static void set_freshness(struct image_load *load, struct source_meta *meta)
{
	const struct image_conf *conf = load->self->conf;
	struct slv_image_ttl ttl = { .unsaid_s = (uint32_t)conf->ttl_s,
		.least_s = (uint32_t)conf->ttl_least_s,
		.most_s = (uint32_t)conf->ttl_most_s };
	struct slv_image_freshness fresh = slv_image_freshness_read(
			&load->fields, &ttl, slv_loop_wall_s(load->sources->loop), &meta->said);
	meta->ttl_s = fresh.ttl_s;
	meta->private_data = fresh.private_data;
	meta->never_stale = fresh.never_stale;
}

/* As its fields say; what they are silent about stays (RFC 9111, 3.2). */
static void set_validators(struct image_load *load, struct source_meta *meta)
{
	slv_str etag = slv_fields_get(&load->fields, SLV_FIELD_ETAG);
	if (etag.len > 0) {
		bool fits = etag.len < sizeof(meta->etag);
		memset(meta->etag, 0, sizeof(meta->etag));
		memcpy(meta->etag, etag.at, fits ? etag.len : 0);
	}
	int64_t modified_s;
	if (slv_date_parse(slv_fields_get(&load->fields, SLV_FIELD_LAST_MODIFIED),
			    slv_loop_wall_s(load->sources->loop), &modified_s))
		meta->modified_s = modified_s;
}

static struct source_meta meta_from(struct image_load *load, enum slv_format format)
{
	struct source_meta meta = { .magic = META_MAGIC,
		.format = (uint8_t)format,
		.modified_s = -1,
		.said = SLV_IMAGE_UNSAID };
	set_validators(load, &meta);
	set_freshness(load, &meta);
	return meta;
}

/* What was made of it while it was public, or is just being made or fetched, is not for everybody
 * now. Those who wait for this load will know it themselves. */
static void not_public_any_more(struct image_load *load)
{
	struct image_sources *sources = load->sources;
	slv_cache_purge_source(sources->cache, sources->loop, &load->key.source, NULL, NULL);
	revoke_all(sources, &load->key.source, load);
}

static void load_keep(struct image_load *load, const struct source_meta *meta, slv_str body, int fd)
{
	struct image_sources *sources = load->sources;
	int64_t now_ms = slv_loop_wall_ms(sources->loop);
	int64_t fresh_ms = now_ms + (int64_t)meta->ttl_s * 1000;
	int64_t stale_ms = fresh_ms + (meta->never_stale ? 0 : load->self->conf->stale_s * 1000);
	slv_str head = { (const char *)meta, sizeof(*meta) };
	struct slv_cache_hit *hit;
	if (meta->private_data)
		not_public_any_more(load);
	if (meta->private_data || load->revoked)
		hit = slv_cache_loose(head, body, fd, now_ms);
	else if (load->is_file) /* it lies on a disk as it is */
		hit = slv_cache_put_memory(sources->cache, sources->loop, &load->key, head, body,
				fd, now_ms, fresh_ms, stale_ms);
	else
		hit = slv_cache_put(sources->cache, sources->loop, &load->key, head, body, fd,
				now_ms, fresh_ms, stale_ms);
	load_end(load, SLV_OK, hit);
}

/* 304: what we had is still right. */
static void load_renewed(struct image_load *load)
{
	struct source_meta meta = *source_meta_of(load->old);
	set_validators(load, &meta);
	set_freshness(load, &meta);
	int fd = load->old->body_fd >= 0 && load->old->body_offset == 0
	                         ? fcntl(load->old->body_fd, F_DUPFD_CLOEXEC, 0)
	                         : -1;
	load_keep(load, &meta, load->old->body, fd);
}

static slv_err status_error(int status)
{
	if (status == 404 || status == 410)
		return SLV_ERR(SLV_E_MISSING, "the source is not there");
	if (status == 401 || status == 403)
		return SLV_ERR(SLV_E_DENIED, "the source's origin does not hand it out");
	if (status == 503 || status == 429)
		return SLV_ERR(SLV_E_BUSY, "the source's origin is overloaded");
	if (status == 508)
		return SLV_ERR(SLV_E_CYCLE, "the source leads back to itself more than 4 times");
	return SLV_ERR(SLV_E_UPSTREAM, "the source's origin did not answer with a picture");
}

static slv_err load_sniff(struct image_load *load, slv_str body)
{
	enum slv_format format = slv_format_sniff(slv_str_head(body, SNIFF_BYTES));
	if (format == SLV_FORMAT_SAME)
		return SLV_ERR(SLV_E_MEDIA, "the source is no picture of a kind that is read here");
	struct source_meta meta = meta_from(load, format);
	int fd = slv_fd_take(&load->fd);
	load_keep(load, &meta, body, fd);
	return SLV_OK;
}

/* All of it is in load->fd. */
static void load_came(struct image_load *load)
{
	slv_str body = { 0 };
	if (load->status == 304 && load->old) {
		load_renewed(load);
		return;
	}
	slv_err err = load->status == 200 ? SLV_OK : status_error(load->status);
	if (!slv_failed(err) && !load->bytes)
		err = SLV_ERR(SLV_E_MEDIA, "the source is empty");
	if (!slv_failed(err))
		err = slv_memfd_seal(load->fd);
	if (!slv_failed(err))
		err = slv_memfd_map(load->fd, load->bytes, &body);
	if (!slv_failed(err)) {
		err = load_sniff(load, body); /* on success the load is over */
		slv_memfd_unmap(body);
		if (!slv_failed(err))
			return;
	}
	load_end(load, err, NULL);
}

/* --- from the site's own routes --- */

static void inner_pull(struct image_load *load)
{
	load->at_work = true;
	slv_source_pull(load->body.source, &load->pull);
}

static void inner_end(struct image_load *load, slv_err err)
{
	slv_body_done(&load->body);
	if (slv_failed(err))
		load_end(load, err, NULL);
	else
		load_came(load);
}

/* The source has so many bytes at least. Those that it says it has count from its beginning, so
 * that nobody fetches half of what there will be no room for. */
static slv_err inner_count(struct image_load *load, uint64_t bytes)
{
	struct image_sources *sources = load->sources;
	if (bytes > (uint64_t)load->self->conf->source_bytes)
		return SLV_ERR(SLV_E_LIMIT, "the source is larger than source_bytes");
	if (bytes <= load->counted)
		return SLV_OK;
	if (sources->bytes + (bytes - load->counted) > IMAGE_LOADING_BYTES_MAX)
		return SLV_ERR(SLV_E_BUSY, "sources of more than 1 GiB are being fetched");
	sources->bytes += bytes - load->counted;
	load->counted = bytes;
	return SLV_OK;
}

static slv_err inner_check(struct image_load *load, slv_str bytes)
{
	slv_err err = inner_count(load, load->bytes + bytes.len);
	if (slv_failed(err))
		return err;
	/* What is no picture is not even read to its end. */
	if (!load->bytes && slv_format_sniff(slv_str_head(bytes, SNIFF_BYTES)) == SLV_FORMAT_SAME)
		return SLV_ERR(SLV_E_MEDIA, "the source is no picture of a kind that is read here");
	return SLV_OK;
}

static slv_err inner_write(struct image_load *load, slv_str bytes)
{
	slv_err err = inner_check(load, bytes);
	if (!slv_failed(err))
		err = slv_memfd_add(load->fd, bytes);
	if (!slv_failed(err))
		load->bytes += bytes.len;
	return err;
}

static void inner_part(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct image_load *load = SLV_CONTAINER(pull, struct image_load, pull);
	if (load_is_over(load))
		return;
	if (!slv_failed(err) && bytes.len) {
		err = inner_write(load, bytes);
		if (!slv_failed(err)) {
			inner_pull(load);
			return;
		}
	}
	inner_end(load, err);
}

static void inner_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct image_load *load = SLV_CONTAINER(sink, struct image_load, sink);
	(void)req;
	load->body = reply->body;
	if (load_is_over(load))
		return;
	load->status = reply->status;
	load->fields = reply->fields;
	bool wanted = reply->status == 200 && load->body.length;
	slv_err err = wanted && load->body.length != SLV_LENGTH_UNKNOWN
	                              ? inner_count(load, load->body.length)
	                              : SLV_OK;
	if (slv_failed(err) || !wanted) {
		inner_end(load, err);
	} else if (load->body.source) {
		inner_pull(load);
	} else {
		inner_end(load, inner_write(load, load->body.bytes));
	}
}

static const struct slv_sink_ops inner_ops = { .reply = inner_reply };

static slv_err inner_request(struct image_load *load)
{
	struct slv_req *req = &load->req;
	*req = (struct slv_req){
		.arena = &load->arena,
		.sink = &load->sink,
		.method = SLV_METHOD_GET,
		.method_name = SLV_STR("GET"),
		.target = load->source,
		.scheme = SLV_STR("http"),
		.version = 11,
		.depth = (uint8_t)(load->depth + 1),
		.site = load->self->site_index,
		.times = { .begun_ms = slv_loop_now_ms(load->sources->loop) },
	};
	slv_fields_init(&req->fields, &load->arena);
	slv_err err = slv_uri_parse(req->target, &req->uri);
	if (!slv_failed(err) && load->old && source_meta_of(load->old)->etag[0])
		err = slv_fields_add_id(&req->fields, SLV_FIELD_IF_NONE_MATCH,
				slv_str_from(source_meta_of(load->old)->etag));
	return err;
}

static void inner_start(struct image_load *load)
{
	slv_err err = inner_request(load);
	if (slv_failed(err)) {
		load_end(load, err, NULL);
		return;
	}
	load->sink.ops = &inner_ops;
	load->pull.done = inner_part;
	load->at_work = true;
	load->sources->env->ops->dispatch(load->sources->env, &load->req);
}

/* --- from an origin --- */

static bool origin_allow(
		struct slv_fetch *fetch, slv_str scheme, slv_str host, uint16_t port, slv_str path)
{
	const struct image_load *load = SLV_CONTAINER(fetch, struct image_load, fetch);
	const struct image *self = load->self;
	return image_origin_allows(self->origins, self->origins_count, scheme, host, port, path);
}

/* What went wrong at an origin, for the client: the client's own text may name what is behind it.
 */
static slv_err told(const struct image_load *load, slv_err err)
{
	/* Its query may be what lets somebody in there. */
	slv_str place = slv_str_head(load->source, slv_str_find(load->source, '?'));
	if (err.code == SLV_E_LIMIT && !load->fetch.body_is_too_large)
		err.code = SLV_E_UPSTREAM; /* another bound, as that of its header */
	const char *text = err.code == SLV_E_LIMIT     ? "the source is larger than source_bytes"
	                   : err.code == SLV_E_TIMEOUT ? "the origin took longer than job_ms"
	                                               : slv_image_told(err.code);
	slv_log(slv_loop_log(load->sources->loop), SLV_INFO, "image.source",
			SLV_KV("source", place), SLV_KV("why", err.what));
	if (text)
		err.what = text;
	return err;
}

static void origin_done(struct slv_fetch *fetch, slv_err err, struct slv_fetched *fetched)
{
	struct image_load *load = SLV_CONTAINER(fetch, struct image_load, fetch);
	load->fetching = false;
	if (slv_failed(err))
		err = told(load, err);
	if (load_is_over(load))
		return;
	if (slv_failed(err)) {
		load_end(load, err, NULL);
		return;
	}
	slv_fd_done(&load->fd);
	load->fd = fetched->body_fd;
	load->bytes = fetched->body_bytes;
	load->status = fetched->status;
	load->fields = fetched->fields;
	load_came(load);
}

static void origin_start(struct image_load *load)
{
	load->fetch = (struct slv_fetch){
		.url = load->source,
		.if_none_match = load->old ? slv_str_from(source_meta_of(load->old)->etag)
		                           : (slv_str){ 0 },
		.body_bytes_max = (uint64_t)load->self->conf->source_bytes,
		.deadline_ms = (uint32_t)load->self->conf->job_ms * LOAD_LASTS_JOBS,
		.arena = &load->arena,
		.allow = origin_allow,
		.done = origin_done,
	};
	load->at_work = load->fetching = true;
	slv_fetch_start(load->sources->env->client, &load->fetch);
}

/* --- from the image store --- */

static void hosted_done(struct image_blob *blob, slv_err err)
{
	struct image_load *load = SLV_CONTAINER(blob, struct image_load, blob);
	load->reading = false;
	if (load_is_over(load))
		return;
	if (err.code == SLV_E_MISSING)
		err = status_error(404);
	else if (err.code == SLV_E_CORRUPT) /* not as who stored it has sent it */
		err = SLV_ERR(SLV_E_SYS, "the picture is damaged in the store");
	if (slv_failed(err)) {
		load_end(load, err, NULL);
		return;
	}
	load->status = 200;
	load->bytes = blob->ref.len;
	load_came(load);
}

static void hosted_start(struct image_load *load)
{
	load->blob.fd = load->fd;
	load->blob.done = hosted_done;
	slv_err err = inner_count(load, load->blob.ref.len);
	if (!slv_failed(err))
		err = image_blob_start(load->sources->loop, load->sources->env->blobs, &load->blob);
	if (slv_failed(err))
		load_end(load, err, NULL);
	else
		load->at_work = load->reading = true;
}

static void load_fetch(struct image_load *load)
{
	const struct image_failure *failure = image_failures_find(load->sources->failures,
			&load->key.variant, slv_loop_now_ms(load->sources->loop));
	char what[IMAGE_WHAT_BYTES]; /* what is remembered may go while it is told */
	if (failure) {
		memcpy(what, failure->what, sizeof(what));
		load->known = true;
		load_end(load, (slv_err){ .code = failure->code, .what = what }, NULL);
		return;
	}
	slv_err err = slv_memfd_new(&load->fd);
	if (slv_failed(err))
		load_end(load, err, NULL);
	else if (load->is_hosted)
		hosted_start(load);
	else if (slv_str_starts(load->source, SLV_STR("/")))
		inner_start(load);
	else
		origin_start(load);
}

/* --- from the cache --- */

/* Have an entry of ours: fresh ones end the load, stale ones spare the bytes at best. */
static bool load_found(struct image_load *load, struct slv_cache_hit *hit)
{
	int64_t now_ms = slv_loop_wall_ms(load->sources->loop);
	if (!source_meta_of(hit)) {
		hit->hold.drop(&hit->hold);
		return false;
	}
	if (hit->fresh_until_ms > now_ms && !load->renew) {
		load_end(load, SLV_OK, hit);
		return true;
	}
	load->old = hit;
	return false;
}

static void disk_done(struct slv_cache_fetch *disk, struct slv_cache_hit *hit)
{
	struct image_load *load = SLV_CONTAINER(disk, struct image_load, disk);
	if (load_is_over(load)) {
		if (hit)
			hit->hold.drop(&hit->hold);
	} else if (!hit || !load_found(load, hit)) {
		load_fetch(load);
	}
}

static void load_start(struct image_load *load)
{
	struct image_sources *sources = load->sources;
	int64_t now_ms = slv_loop_wall_ms(sources->loop);
	struct slv_cache_hit *hit = slv_cache_get(sources->cache, &load->key, now_ms);
	if (hit && load_found(load, hit))
		return;
	if (hit || load->is_file) {
		load_fetch(load);
		return;
	}
	load->disk.key = load->key;
	load->disk.done = disk_done;
	load->at_work = true;
	slv_cache_fetch(sources->cache, sources->loop, &load->disk, now_ms);
}

/* --- the door --- */

static bool load_is_open(const struct image_load *load)
{
	uint64_t age_ms = slv_loop_now_ms(load->sources->loop) - load->begun_ms;
	return age_ms < (uint64_t)load->self->conf->job_ms;
}

static void load_join(struct image_load *load, struct image_want *want)
{
	want->load = load;
	slv_list_push(&load->wants, &want->link);
}

void image_source_get(struct image_sources *sources, struct image_want *want)
{
	struct slv_digest digest = slv_image_source_key(want->self->site, want->source);
	struct slv_cache_key key = source_cache_key(&digest);
	slv_str name = { (const char *)key.source.bytes, SLV_SHA256_BYTES };
	struct image_load *load = slv_map_get(&sources->loads, name);
	want->link = (struct slv_list){ 0 };
	want->key = digest;
	want->revoked = false;
	if (load && load_is_open(load)) {
		load_join(load, want);
		return;
	}
	if (load)
		load_hide(load);
	if (sources->loading >= IMAGE_LOADS_MAX) {
		want->done(want, SLV_ERR(SLV_E_BUSY, "more than 512 sources are being fetched"),
				NULL);
		return;
	}
	load = SLV_ALLOC(struct image_load);
	sources->loading++;
	slv_list_push(&sources->all, &load->link);
	load->sources = sources;
	load->key = key;
	load->begun_ms = slv_loop_now_ms(sources->loop);
	load->fd = -1;
	slv_arena_init(&load->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	load->self = want->self;
	load->source = slv_str_copy(&load->arena, want->source);
	slv_assert(load->source.at); /* it fits, as part of a request */
	load->is_hosted = hosted_source_read(load->source, &load->blob.ref);
	load->is_file = load->is_hosted ||
	                image_source_is_file(load->self, &load->arena, load->source);
	load->renew = want->renew;
	load->depth = want->depth;
	slv_list_init(&load->wants);
	load_join(load, want);
	name.at = (const char *)load->key.source.bytes;
	slv_map_put(&sources->loads, name, load);
	load_start(load);
}

void image_source_leave(struct image_sources *sources, struct image_want *want)
{
	struct image_load *load = want->load;
	slv_assert(slv_list_linked(&want->link) && load->at_work);
	slv_list_remove(&want->link);
	if (!slv_list_empty(&load->wants))
		return;
	load_hide(load);
	if (load->fetching)
		slv_fetch_cancel(sources->env->client, &load->fetch);
	if (load->reading)
		image_blob_stop(&load->blob);
}

void image_source_drop(struct image_want *want)
{
	slv_list_remove(&want->link);
}

void image_sources_revoke(struct image_sources *sources, const struct slv_digest *source)
{
	revoke_all(sources, source, NULL);
}

void image_sources_part(struct image_sources *sources, const struct slv_digest *source)
{
	SLV_LIST_EACH(link, &sources->all)
	{
		struct image_load *load = SLV_CONTAINER(link, struct image_load, link);
		if (!is_of(&load->key.source, source))
			continue;
		load->forgiven = true;
		load_hide(load);
	}
}

struct image_sources *image_sources_new(
		struct slv_loop *loop, struct slv_cache *cache, struct image_failures *failures)
{
	struct image_sources *sources = SLV_ALLOC(struct image_sources);
	sources->loop = loop;
	sources->cache = cache;
	slv_list_init(&sources->all);
	slv_list_init(&sources->held);
	sources->failures = failures;
	slv_map_init(&sources->loads, slv_loop_hash_key(loop));
	return sources;
}

void image_sources_free(struct image_sources *sources)
{
	slv_assert(!sources->loading && slv_list_empty(&sources->held));
	slv_map_done(&sources->loads);
	slv_free(sources);
}

void image_sources_meet(struct image_sources *sources, struct slv_service_env *env)
{
	sources->env = env;
}
