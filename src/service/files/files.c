#include "service/files/files.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "http/condition.h"
#include "http/problem.h"
#include "service/files/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#define FDS_SHARE 5u       /* of the limit of open files: a fifth is for files being sent */
#define STREAMS_MAX 16384u /* and no more than a GiB is for their buffers */

#define AT(member) offsetof(struct files_conf, member)

const struct slv_conf_key slv_files_keys[] = {
	{ .name = "root",
			.type = SLV_CONF_PATH,
			.offset = AT(root),
			.min = 1,
			.max = 4096,
			.help = "The folder; nothing outside it is served" },
	{ .name = "index",
			.type = SLV_CONF_TEXT,
			.offset = AT(index),
			.fallback = "index.html",
			.max = 255,
			.help = "File that stands for its folder; empty: none" },
	{ .name = "listing",
			.type = SLV_CONF_BOOL,
			.offset = AT(listing),
			.fallback = "false",
			.help = "Show what is in a folder that has no index" },
	{ .name = "max_age_s",
			.type = SLV_CONF_INT,
			.offset = AT(max_age_s),
			.fallback = "-1",
			.min = -1,
			.max = 31536000,
			.help = "How long clients may keep a file without asking; 0: they always "
				"ask; -1: "
				"nothing is said" },
	{ 0 },
};

_Static_assert(sizeof(struct files_conf) <= SLV_FILES_SETTINGS_SIZE, "raise it");

/* A request and the job that looks for its file. */
struct ask {
	struct slv_job job;
	struct files *self;
	struct slv_req *req;
	const char *path; /* relative to the root; in the request's arena */
	struct files_found found;
};

static slv_err add_fields(const struct files *self, struct slv_reply *reply, slv_str type)
{
	slv_err err = slv_fields_add_id(&reply->fields, SLV_FIELD_CONTENT_TYPE, type);
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply->fields, SLV_FIELD_X_CONTENT_TYPE_OPTIONS,
				SLV_STR("nosniff"));
	return slv_failed(err) ? err : slv_reply_max_age(reply, self->conf->max_age_s);
}

/* A long file: what the request leaves of it, as a stream. */
static slv_err reply_stream(
		struct ask *ask, struct slv_reply *reply, const struct slv_validator *have)
{
	struct files_found *found = &ask->found;
	reply->body.length = found->bytes;
	struct slv_range range = slv_condition_apply(
			ask->req, reply, have, slv_loop_wall_s(ask->self->loop));
	if (range.count) {
		struct slv_source *source = NULL;
		slv_err err = files_source_new(
				ask->self->budget, &found->fd, range.first, range.count, &source);
		if (slv_failed(err))
			return err;
		reply->body = (struct slv_body){ .length = range.count, .source = source };
	}
	slv_req_reply(ask->req, reply);
	return SLV_OK;
}

static slv_err reply_file(struct ask *ask)
{
	struct slv_reply reply;
	struct files_found *found = &ask->found;
	struct slv_validator have = { .etag = slv_str_from(found->etag),
		.modified_s = found->modified_s };
	slv_str name = slv_str_from(ask->path);
	bool is_index = !name.len || slv_str_ends(name, SLV_STR("/"));
	slv_reply_init(&reply, ask->req, 200);
	slv_err err = add_fields(
			ask->self, &reply, files_type(is_index ? ask->self->conf->index : name));
	if (slv_failed(err))
		return err;
	/* The etag lives in the ask, which ends before the reply is sent. */
	have.etag = slv_str_copy(ask->req->arena, have.etag);
	if (!have.etag.at)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (found->text.len != found->bytes)
		return reply_stream(ask, &reply, &have);
	reply.body = slv_body_take(&found->text);
	slv_condition_reply(ask->req, &reply, &have, slv_loop_wall_s(ask->self->loop));
	return SLV_OK;
}

static slv_err reply_listing(struct ask *ask)
{
	struct slv_reply reply;
	slv_reply_init(&reply, ask->req, 200);
	slv_err err = add_fields(ask->self, &reply, SLV_STR("text/html; charset=utf-8"));
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_CONTENT_SECURITY_POLICY,
				SLV_STR("default-src 'none'"));
	if (slv_failed(err))
		return err;
	reply.body = slv_body_take(&ask->found.text);
	slv_req_reply(ask->req, &reply);
	return SLV_OK;
}

/* A folder without its slash: relative links in its index would go astray. */
static slv_err reply_slash(struct slv_req *req)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, 301);
	slv_str query = req->uri.query;
	/* A path that begins with two slashes would be read as another host. */
	slv_str path = req->uri.path;
	while (slv_str_starts(path, SLV_STR("//")))
		path = slv_str_from_index(path, 1);
	slv_str place = slv_str_printf(req->arena, "%.*s/%s%.*s", SLV_FMT(path),
			query.at ? "?" : "", SLV_FMT(query));
	slv_err err = place.at ? slv_fields_add_id(&reply.fields, SLV_FIELD_LOCATION, place)
	                       : SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (slv_failed(err))
		return err;
	slv_req_reply(req, &reply);
	return SLV_OK;
}

static slv_err reply_none(const struct files_found *found)
{
	if (found->sys == EACCES || found->sys == EPERM)
		return SLV_ERR(SLV_E_DENIED, "that file may not be read");
	if (found->sys == EMFILE || found->sys == ENFILE)
		return SLV_ERR(SLV_E_BUSY, "too many files are open");
	/* EXDEV and ELOOP: the path leads outside, where nothing of ours is. */
	return SLV_ERR(SLV_E_MISSING, "no such file");
}

static void looked(struct slv_job *job)
{
	struct ask *ask = SLV_CONTAINER(job, struct ask, job);
	struct slv_req *req = ask->req;
	slv_err err;
	switch (ask->found.what) {
	case FILES_FILE:
		err = reply_file(ask);
		break;
	case FILES_LISTING:
		err = reply_listing(ask);
		break;
	case FILES_FOLDER:
		err = reply_slash(req);
		break;
	default:
		err = reply_none(&ask->found);
	}
	files_found_done(&ask->found);
	slv_free(ask);
	if (slv_failed(err))
		slv_problem_reply(req, err);
}

static void look(struct slv_job *job)
{
	struct ask *ask = SLV_CONTAINER(job, struct ask, job);
	files_find(ask->self->root_fd, ask->path, ask->self->conf, &ask->found);
}

static bool is_hidden(slv_str path)
{
	while (path.at)
		if (files_is_hidden(slv_str_cut(&path, '/')))
			return true;
	return false;
}

static slv_err files_serve(void *me, struct slv_req *req)
{
	struct files *self = me;
	if (req->method != SLV_METHOD_GET && req->method != SLV_METHOD_HEAD) {
		slv_problem_reply_with(req,
				SLV_ERR(SLV_E_METHOD, "files are asked for with GET or HEAD"),
				SLV_STR("Allow"), SLV_STR("GET, HEAD"));
		return SLV_OK;
	}
	slv_str path = slv_str_from_index(req->path, self->route_path.len);
	while (slv_str_starts(path, SLV_STR("/")))
		path = slv_str_from_index(path, 1);
	if (is_hidden(path))
		return SLV_ERR(SLV_E_MISSING, "no such file");
	const char *text = slv_cstr(req->arena, path);
	if (!text)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	struct ask *ask = SLV_ALLOC(struct ask);
	*ask = (struct ask){ .self = self, .req = req, .path = text };
	ask->job.work = look;
	ask->job.done = looked;
	slv_job_start(self->loop, &ask->job);
	return SLV_OK;
}

static slv_err files_check(struct slv_arena *scratch, const void *settings)
{
	const struct files_conf *conf = settings;
	const char *root = slv_cstr(scratch, conf->root);
	SLV_CLEANUP(slv_fd_done)
	int fd = root ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return fd < 0 ? slv_err_sys(scratch, errno, "root '%.*s'", SLV_FMT(conf->root)) : SLV_OK;
}

/* What the instances share: a budget for each loop. */
struct files_shared {
	struct slv_list budgets;
	uint32_t streams_max; /* of all loops */
	uint32_t loops;
};

/* A share of the descriptors that listen and store leave. */
static uint32_t all_streams_max(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return STREAMS_MAX;
	rlim_t share = limit.rlim_cur / FDS_SHARE;
	return share < STREAMS_MAX ? (uint32_t)share : STREAMS_MAX;
}

static slv_err files_open(struct slv_service_env *home, void **ret_shared)
{
	(void)home;
	struct files_shared *shared = SLV_ALLOC(struct files_shared);
	slv_list_init(&shared->budgets);
	shared->streams_max = all_streams_max();
	*ret_shared = shared;
	return SLV_OK;
}

static void files_close(void *me)
{
	struct files_shared *shared = me;
	for (struct slv_list *link; (link = slv_list_pop(&shared->budgets));)
		slv_free(SLV_CONTAINER(link, struct files_budget, link));
	slv_free(shared);
}

/* The budget of a loop. All loops start before any runs, so each share is final by then. */
static struct files_budget *budget_of(struct files_shared *shared, struct slv_loop *loop)
{
	struct files_budget *found = NULL;
	SLV_LIST_EACH(link, &shared->budgets)
	{
		struct files_budget *budget = SLV_CONTAINER(link, struct files_budget, link);
		if (budget->loop == loop)
			found = budget;
	}
	if (found)
		return found;
	found = SLV_ALLOC(struct files_budget);
	found->loop = loop;
	slv_list_push(&shared->budgets, &found->link);
	shared->loops++;
	uint32_t share = shared->streams_max / shared->loops;
	SLV_LIST_EACH(link, &shared->budgets)
	SLV_CONTAINER(link, struct files_budget, link)->streams_max = share ? share : 1;
	return found;
}

static slv_err files_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	struct slv_arena scratch;
	const struct files_conf *conf = place->settings;
	slv_arena_init(&scratch, SLV_KIB(8), SLV_KIB(8));
	const char *root = slv_cstr(&scratch, conf->root);
	int fd = root ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	slv_arena_done(&scratch);
	if (fd < 0)
		return SLV_ERR(SLV_E_SYS, "files.root is no folder that can be opened");
	struct files *self = SLV_ALLOC(struct files);
	*self = (struct files){
		.loop = env->loop,
		.budget = budget_of(place->shared, env->loop),
		.conf = conf,
		.route_path = place->route_path,
		.root_fd = fd,
	};
	*ret_self = self;
	return SLV_OK;
}

static void files_stop(void *me)
{
	struct files *self = me;
	slv_fd_done(&self->root_fd);
	slv_free(self);
}

const struct slv_service slv_files_service = {
	.name = "files",
	.keys = slv_files_keys,
	.settings_size = SLV_FILES_SETTINGS_SIZE,
	.path_only = true,
	.check = files_check,
	.open = files_open,
	.start = files_start,
	.serve = files_serve,
	.stop = files_stop,
	.close = files_close,
};
