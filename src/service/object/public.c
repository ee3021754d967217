/* public.c - a bucket whose objects anybody may read, as a route of a site
 *
 * What is below the route's path is the key. Slashes in a row are one on the way to it, as for all
 * routes, so that keys with two of them cannot be asked for here.
 */
#include "base/mem.h"
#include "service/object/private.h"

#include <stddef.h>

#define MEMORY_BYTES_MAX SLV_MIB(64) /* of rows, for each loop and route */

struct public_conf {
	slv_str name;
	slv_str index;
	int64_t max_age_s;
};

struct public
{
	struct object object;
	const struct public_conf *conf;
	slv_str route_path;
};

#define AT(member) offsetof(struct public_conf, member)

const struct slv_conf_key slv_bucket_keys[] = {
	{ .name = "name",
			.type = SLV_CONF_TEXT,
			.offset = AT(name),
			.min = 3,
			.max = OBJECT_BUCKET_BYTES_MAX,
			.help = "The bucket; everybody may read what is in it" },
	{ .name = "index",
			.type = SLV_CONF_TEXT,
			.offset = AT(index),
			.fallback = "index.html",
			.max = 255,
			.help = "Object that stands for a path that ends with '/'; empty: none" },
	{ .name = "max_age_s",
			.type = SLV_CONF_INT,
			.offset = AT(max_age_s),
			.fallback = "-1",
			.min = -1,
			.max = 31536000,
			.help = "How long clients may keep an object that says nothing of that "
				"itself; 0: they always ask; -1: nothing is said" },
	{ 0 },
};

_Static_assert(sizeof(struct public_conf) <= SLV_BUCKET_SETTINGS_SIZE, "raise it");

void object_fail_public(struct object_ask *ask, slv_object_err err)
{
	static const struct {
		enum slv_object_code from;
		enum slv_code to;
		const char *what;
	} table[] = {
		{ SLV_OBJECT_E_NO_SUCH_KEY, SLV_E_MISSING, "there is no such object" },
		{ SLV_OBJECT_E_NO_SUCH_BUCKET, SLV_E_MISSING, "there is no such object" },
		{ SLV_OBJECT_E_KEY_TOO_LONG, SLV_E_MISSING, "there is no such object" },
		{ SLV_OBJECT_E_PRECONDITION_FAILED, SLV_E_PRECONDITION,
				"a condition of the request does not hold" },
		{ SLV_OBJECT_E_INVALID_RANGE, SLV_E_RANGE, "the range is outside of the object" },
		{ SLV_OBJECT_E_SLOW_DOWN, SLV_E_BUSY, "too much is under way; try again" },
		{ SLV_OBJECT_E_SERVICE_UNAVAILABLE, SLV_E_BUSY, "not now; try again" },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		if (table[i].from != err.code)
			continue;
		slv_problem_reply(ask->req, SLV_ERR(table[i].to, table[i].what));
		return;
	}
	slv_problem_reply(ask->req, SLV_ERR(SLV_E_SYS, slv_object_code_name(err.code)));
}

slv_err object_public_fields(const struct object_ask *ask, struct slv_reply *reply)
{
	const struct public *self = SLV_CONTAINER(ask->self, struct public, object);
	slv_err err = slv_fields_add_id(
			&reply->fields, SLV_FIELD_X_CONTENT_TYPE_OPTIONS, SLV_STR("nosniff"));
	return slv_failed(err) ? err : slv_reply_max_age(reply, self->conf->max_age_s);
}

/* The key that the path names. */
static slv_str key_of(const struct public *self, struct slv_req *req)
{
	slv_str key = slv_str_from_index(req->path, self->route_path.len);
	bool is_folder = !key.len || key.at[key.len - 1] == '/';
	if (!is_folder || !self->conf->index.len)
		return key;
	return slv_str_printf(req->arena, "%.*s%.*s", SLV_FMT(key), SLV_FMT(self->conf->index));
}

static slv_err public_serve(void *me, struct slv_req *req)
{
	static const struct object_op get = { .name = "GetObject", .serve = object_get };
	struct public *self = me;
	if (req->method != SLV_METHOD_GET && req->method != SLV_METHOD_HEAD) {
		slv_problem_reply_with(req,
				SLV_ERR(SLV_E_METHOD, "not with this method; see Allow"),
				SLV_STR("Allow"), SLV_STR("GET, HEAD"));
		return SLV_OK;
	}
	struct object_ask *ask = SLV_NEW(req->arena, struct object_ask);
	slv_str key = key_of(self, req);
	if (!ask || (!key.at && !key.len && !req->path.at))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (!key.len || key.len > SLV_OBJECT_KEY_BYTES_MAX)
		return SLV_ERR(SLV_E_MISSING, "there is no such object");
	ask->req = req;
	ask->self = &self->object;
	ask->op = &get;
	ask->is_public = true;
	ask->bucket = self->conf->name;
	ask->key = key;
	object_find_bucket(ask);
	return SLV_OK;
}

static slv_err public_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	struct public *self = SLV_ALLOC(struct public);
	self->conf = place->settings;
	self->route_path = place->route_path;
	self->object.loop = env->loop;
	self->object.maps = env->maps;
	self->object.blobs = env->blobs;
	self->object.buckets = slv_omap_named(env->maps, SLV_STR(OBJECT_BUCKETS_MAP));
	self->object.memory = slv_omap_memory_new(env->loop, MEMORY_BYTES_MAX);
	*ret_self = self;
	return SLV_OK;
}

static void public_stop(void *me)
{
	struct public *self = me;
	slv_omap_memory_free(self->object.memory);
	slv_free(self);
}

const struct slv_service slv_bucket_service = {
	.name = "bucket",
	.keys = slv_bucket_keys,
	.settings_size = sizeof(struct public_conf),
	.path_only = true,
	.start = public_start,
	.serve = public_serve,
	.stop = public_stop,
};
