/* serve.c - the parent: reads the configuration, starts the edge, prints where it listens */
#include "base/assert.h"
#include "base/buf.h"
#include "base/fd.h"
#include "loop/log.h"
#include "main/commands.h"
#include "main/settings.h"
#include "proc/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES SLV_KIB(16)
#define ARENA_BYTES_MAX SLV_MIB(16)
#define CONFIG_BYTES_MAX SLV_MIB(1)

struct serve {
	const char *config_path; /* NULL: built in */
	struct slv_log *log;
	bool announced;
};

static slv_err read_text(struct slv_arena *arena, const char *path, slv_str *ret_text)
{
	if (!path) {
		*ret_text = slv_str_from(settings_builtin);
		return SLV_OK;
	}
	SLV_CLEANUP(slv_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return slv_err_sys(arena, errno, "open '%s'", path);
	char *text = slv_arena_bytes(arena, CONFIG_BYTES_MAX + 1);
	if (!text)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the configuration");
	size_t len = 0;
	for (ssize_t part; (part = read(fd, text + len, CONFIG_BYTES_MAX + 1 - len)) != 0;) {
		if (part < 0)
			return slv_err_sys(arena, errno, "read '%s'", path);
		len += (size_t)part;
		if (len > CONFIG_BYTES_MAX)
			return slv_err_printf(arena, SLV_E_LIMIT, "%s is larger than 1 MiB", path);
	}
	*ret_text = (slv_str){ text, len };
	return SLV_OK;
}

static slv_err folder_of(struct slv_arena *arena, const char *path, slv_str *ret_folder)
{
	char resolved[PATH_MAX];
	slv_str folder = SLV_STR(".");
	if (path) {
		folder = slv_str_from(path);
		size_t slash = slv_str_find_last(folder, '/');
		folder = slash < folder.len ? slv_str_head(folder, slash ? slash : 1)
		                            : SLV_STR(".");
	}
	const char *text = slv_cstr(arena, folder);
	if (!text || !realpath(text, resolved))
		return slv_err_sys(arena, errno, "folder of the configuration");
	*ret_folder = slv_str_copy(arena, slv_str_from(resolved));
	return SLV_OK;
}

static void plan_of(
		const struct settings *settings, slv_str *addresses, struct slv_parent_plan *plan)
{
	const struct slv_listen_conf *listeners[SLV_LISTENERS_MAX];
	size_t count = settings_listeners(settings, listeners);
	int64_t backlog = 0;
	for (size_t i = 0; i < count; i++) {
		addresses[i] = listeners[i]->address;
		if (listeners[i]->backlog > backlog)
			backlog = listeners[i]->backlog;
	}
	plan->addresses = addresses;
	plan->address_count = count;
	plan->loops = settings_loops(settings);
	plan->backlog = (uint32_t)backlog;
	plan->jail_memory_mib = (uint32_t)(settings->jails.memory_limit_bytes >> 20);
	plan->ready_ms = (uint32_t)settings->ready_ms;
	plan->drain_ms = (uint32_t)settings->drain_ms;
	plan->ticket_key_s = (uint32_t)settings->ticket_key_s;
}

static slv_err load(void *arg, struct slv_arena *arena, struct slv_parent_plan *ret_plan)
{
	struct serve *serve = arg;
	struct slv_parent_plan plan = { .config_name = slv_str_from(serve->config_path) };
	struct slv_conf *conf;
	if (!serve->config_path)
		plan.config_name = SLV_STR("built-in configuration");
	slv_err err = read_text(arena, serve->config_path, &plan.config_text);
	if (!slv_failed(err))
		err = folder_of(arena, serve->config_path, &plan.config_folder);
	if (slv_failed(err))
		return err;
	const char *name = slv_cstr(arena, plan.config_name);
	const char *folder = slv_cstr(arena, plan.config_folder);
	slv_str *addresses = SLV_NEW_ARRAY(arena, slv_str, SLV_LISTENERS_MAX);
	if (!name || !folder || !addresses)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the configuration");
	err = settings_parse(arena, plan.config_text, name, folder, &conf);
	if (slv_failed(err))
		return err;
	plan_of(slv_conf_root(conf), addresses, &plan);
	for (size_t i = 0; i < plan.address_count; i++)
		addresses[i] = slv_str_copy(arena, addresses[i]);
	slv_conf_free(conf);
	*ret_plan = plan;
	return SLV_OK;
}

static void ready(void *arg, const struct slv_listener *listeners, size_t count)
{
	struct serve *serve = arg;
	struct slv_buf line;
	if (serve->announced)
		return;
	serve->announced = true;
	slv_buf_init(&line, 4096);
	for (size_t i = 0; i < count; i++) {
		slv_buf_add(&line, SLV_STR(" "));
		slv_listener_print(&listeners[i], &line);
	}
	fprintf(stderr, "selvedge: listening on%.*s\n", SLV_FMT(slv_buf_str(&line)));
	slv_buf_done(&line);
}

/* The jails' programs stand beside this one, in ../libexec/selvedge when installed, or where the
 * build leaves them. */
static const char *jail_path(struct slv_arena *arena, const char *name)
{
	static const char *const places[] = { "", "../libexec/selvedge/", "src/jail/image/" };
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));
	slv_str folder = { self, len > 0 ? (size_t)len : 0 };
	folder = slv_str_head(folder, slv_str_find_last(folder, '/'));
	for (size_t i = 0; i < SLV_COUNT(places); i++) {
		slv_str path = slv_str_printf(arena, "%.*s/%s%s", SLV_FMT(folder), places[i], name);
		if (path.at && access(path.at, X_OK) == 0)
			return path.at;
	}
	return NULL;
}

/* A connection needs a descriptor; the soft limit is there for programs that use select(2). */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* Where it fails, connections_max follows the limit that there is. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where this program is: after an upgrade another file is there, and a reload starts that. */
static const char *own_path(struct slv_arena *arena)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	slv_str copy = { path, len > 0 ? (size_t)len : 0 };
	return len > 0 && (size_t)len < sizeof(path) ? slv_cstr(arena, copy) : NULL;
}

static int run(struct serve *serve, struct slv_arena *arena, struct slv_loop *loop)
{
	static const char *const edge_argv[] = { "selvedge", "edge", NULL };
	struct slv_parent *parent;
	struct slv_parent_conf conf = {
		.edge_path = own_path(arena),
		.edge_argv = edge_argv,
		.image_path = jail_path(arena, "selvedge-image"),
		.rare_path = jail_path(arena, "selvedge-image-heic"),
		.load = load,
		.ready = ready,
		.arg = serve,
	};
	if (!conf.edge_path)
		return command_fail("/proc is needed to find this program");
	if (!conf.image_path)
		return command_fail(
				"selvedge-image is not beside selvedge nor in ../libexec/selvedge");
	slv_err err = slv_parent_new(arena, loop, &conf, &parent);
	if (slv_failed(err))
		return command_fail(err.what);
	slv_loop_run(loop);
	int status = slv_parent_status(parent);
	slv_parent_free(parent);
	return status;
}

int command_serve(int argc, char **argv)
{
	struct serve serve = { 0 };
	for (int i = 0; i < argc;) {
		slv_str path;
		if (!command_option(argc, argv, &i, "--config", &path) || !path.len)
			return command_usage("serve", "only --config FILE is understood");
		serve.config_path = path.at;
	}
	raise_file_limit();
	slv_parent_block_signals();
	struct slv_arena arena;
	slv_arena_init(&arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	serve.log = slv_log_new(STDERR_FILENO, SLV_INFO);
	struct slv_loop *loop = slv_loop_new(0, serve.log, NULL);
	int status = run(&serve, &arena, loop);
	slv_loop_free(loop);
	slv_log_free(serve.log);
	slv_arena_done(&arena);
	return status;
}
