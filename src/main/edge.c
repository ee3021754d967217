/* edge.c - the edge process: what it is put together from, and how it ends
 *
 * Everything is made on the main thread before any loop runs, then each loop gets its
 * thread; loop 0 stays on this one and is also home to the lanes, the parent's link and the
 * admin listener. While it drains, the loops go on until their last connection is gone.
 */
#include "proc/edge.h"
#include "api/api.h"
#include "api/keys.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "loop/log.h"
#include "main/commands.h"
#include "main/services.h"
#include "main/settings.h"
#include "service/admin/admin.h"
#include "service/object/object.h"
#include "store/blob/blob.h"
#include "store/cache.h"
#include "store/omap/omap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES SLV_KIB(16)
#define ARENA_BYTES_MAX SLV_MIB(64)
#define REFRESH_MS 60000u /* between looks at the files of certificates */

struct core; /* one loop with what lives on it */

struct program {
	struct slv_arena arena;
	struct slv_edge_link *link;
	struct slv_conf *conf;
	const struct settings *settings;
	struct slv_log *log, *access;
	struct slv_cache *cache;
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_image_lanes *lanes;
	struct slv_edge_conf edge_conf;
	void *shared[SLV_SERVICES_MAX];
	struct core *cores;
	uint32_t count;
	struct slv_metrics **metrics; /* of each core */

	struct slv_edge_conf s3_conf;
	struct slv_edge_site s3_site;
	struct slv_edge_route s3_route;
	struct slv_object_settings s3;
	struct slv_listen_conf s3_listen;

	struct slv_edge_conf admin_conf;
	struct slv_edge_site admin_site;
	struct slv_edge_route admin_routes[2];
	struct slv_admin_settings admin;
	struct slv_api_settings api;
	struct slv_hosted_settings images_store;
	struct slv_api_first first;
	struct slv_edge *admin_edge;
	struct slv_listen *admin_listen;
	struct slv_tls *admin_tls;
	struct slv_metric *gauges[11];
	bool draining;
	uint32_t undrained; /* listens that still have connections */
};

struct core {
	struct program *program;
	uint32_t index;
	struct slv_loop *loop;
	struct slv_metrics *metrics;
	struct slv_client *client;
	struct slv_edge *edge, *s3_edge;
	struct slv_listen *listen;
	struct slv_listen_port *ports;
	size_t port_count;
	struct slv_timer refresh;
	struct slv_thread *thread;
	struct slv_post drain, drained, tickets;
	struct slv_ticket_keys keys;
};

/* --- made before the loops run --- */

static void disk_trouble(void *arg, const char *what, int sys)
{
	struct program *program = arg;
	slv_log(program->log, SLV_WARN, "cache.disk", SLV_KV("what", what),
			SLV_KV("why", strerrordesc_np(sys)));
}

static slv_err start_cache(struct program *program)
{
	const struct settings *settings = program->settings;
	struct slv_arena *arena = &program->arena;
	const char *data = slv_cstr(arena, settings->data);
	slv_str folder = slv_str_printf(arena, "%.*s/cache", SLV_FMT(settings->data));
	if (!data || !folder.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the name of the data folder");
	if (mkdir(data, 0700) != 0 && errno != EEXIST)
		return slv_err_sys(arena, errno, "make the data folder '%s'", data);
	struct slv_cache_conf conf = {
		.memory_bytes_max = (uint64_t)settings->cache.memory_bytes,
		.disk_bytes_max = (uint64_t)settings->cache.disk_bytes,
		.entry_bytes_max = (uint64_t)settings->cache.entry_bytes,
		.folder = folder,
		.on_trouble = disk_trouble,
		.arg = program,
	};
	program->cache = slv_cache_new(&conf, slv_loop_hash_key(program->cores[0].loop));
	return SLV_OK;
}

static slv_err start_stores(struct program *program)
{
	const struct settings *settings = program->settings;
	slv_str maps = settings_maps(&program->arena, settings);
	slv_str blobs = settings_blobs(&program->arena, settings);
	if (!maps.at || !blobs.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the name of the data folder");
	slv_err err = slv_omaps_open(maps, slv_loop_hash_key(program->cores[0].loop), program->log,
			&program->maps);
	if (slv_failed(err))
		return slv_err_wrap(&program->arena, err, "store.maps");
	err = slv_blobs_open(blobs, settings->store.blobs_secret, program->log, &program->blobs);
	if (slv_failed(err))
		return slv_err_wrap(&program->arena, err, "store.blobs");
	slv_blobs_remember(program->blobs, program->cache);
	return SLV_OK;
}

static void start_lanes(struct program *program)
{
	const struct settings *settings = program->settings;
	struct slv_lanes_conf conf = {
		.jails = settings->jails.count ? (uint32_t)settings->jails.count : slv_loop_cores(),
		.queue_max = (uint32_t)settings->jails.queue_max,
		.job_ms = 300000, /* each route has its own job_ms below it */
		.jobs_per_jail = (uint32_t)settings->jails.jobs_per_jail,
		.jail_rss_kib_max = (uint64_t)settings->jails.memory_bytes / 1024,
	};
	program->lanes = slv_lanes_new(program->cores[0].loop, &conf,
			slv_edge_link_maker(program->link), program->cores[0].metrics);
}

static void core_init(struct program *program, uint32_t index)
{
	struct core *core = &program->cores[index];
	core->program = program;
	core->index = index;
	core->loop = slv_loop_new(index, program->log, NULL);
	core->metrics = slv_metrics_new();
	core->client = slv_client_new(core->loop, &program->settings->client, core->metrics);
	program->metrics[index] = core->metrics;
}

static struct slv_service_env env_of(struct program *program, struct core *core)
{
	return (struct slv_service_env){
		.loop = core->loop,
		.metrics = core->metrics,
		.cache = program->cache,
		.maps = program->maps,
		.blobs = program->blobs,
		.lanes = program->lanes,
		.client = core->client,
		.shared = program->shared,
	};
}

static slv_err open_services(struct program *program)
{
	struct slv_service_env env = env_of(program, &program->cores[0]);
	for (size_t i = 0; services[i]; i++) {
		if (!services[i]->open)
			continue;
		slv_err err = services[i]->open(&env, &program->shared[i]);
		if (slv_failed(err))
			return slv_err_wrap(&program->arena, err, "%s", services[i]->name);
	}
	return SLV_OK;
}

static slv_err start_tls(struct program *program, struct core *core,
		const struct slv_listen_conf *conf, struct slv_tls **ret_tls)
{
	struct slv_tls_conf tls = {
		.certificates = conf->tls.at,
		.count = conf->tls.count,
		.least = (enum slv_tls_version)conf->tls_least,
		.h2 = conf->http2,
	};
	*ret_tls = NULL;
	if (!tls.count)
		return SLV_OK;
	slv_err err = slv_tls_new(&program->arena, core->loop, &tls,
			slv_edge_link_tickets(program->link), ret_tls);
	return slv_failed(err) ? slv_err_wrap(&program->arena, err, "listen %.*s",
						 SLV_FMT(conf->address))
	                       : SLV_OK;
}

/* The sockets of an address that this loop accepts on: after a reload there may be more than
 * loops. */
static size_t sockets_of(struct program *program, const struct core *core, slv_str address,
		const int **ret_fds)
{
	const int *all;
	size_t count = slv_edge_link_sockets(program->link, address, &all), own = 0;
	int *fds = SLV_NEW_ARRAY(&program->arena, int, count);
	slv_assert(fds);
	for (size_t i = core->index; i < count; i += program->count)
		fds[own++] = all[i];
	*ret_fds = fds;
	return own;
}

static slv_err start_port(struct program *program, struct core *core,
		const struct slv_listen_conf *conf, struct slv_edge *edge,
		struct slv_listen_port *port)
{
	*port = (struct slv_listen_port){ .conf = conf, .edge = edge };
	port->fd_count = sockets_of(program, core, conf->address, &port->fds);
	return start_tls(program, core, conf, &port->tls);
}

static void refresh_certificates(struct slv_timer *timer)
{
	struct core *core = SLV_CONTAINER(timer, struct core, refresh);
	for (size_t i = 0; i < core->port_count; i++)
		if (core->ports[i].tls)
			slv_tls_refresh(core->ports[i].tls);
	if (core->index == 0 && core->program->admin_tls)
		slv_tls_refresh(core->program->admin_tls);
	slv_timer_start(core->loop, timer, REFRESH_MS);
}

/* --- S3: an edge of its own on each loop --- */

static const slv_str any_host = SLV_STR_INIT("*");

static void name_s3(struct program *program)
{
	static const struct slv_service *const s3_services[] = { &slv_object_service, NULL };
	const struct settings *settings = program->settings;
	program->s3.hosts = settings->s3.hosts;
	program->s3.keep_replaced_s = settings->s3.keep_replaced_s;
	program->s3_route.path = SLV_STR("/");
	program->s3_route.settings[0] = &program->s3;
	program->s3_site.hosts = (struct slv_conf_list){ (void *)(uintptr_t)&any_host, 1 };
	program->s3_site.routes = (struct slv_conf_list){ &program->s3_route, 1 };
	program->s3_conf = program->edge_conf;
	program->s3_conf.raw_paths = true; /* any byte may be in a key */
	program->s3_conf.services = s3_services;
	program->s3_conf.sites = (struct slv_conf_list){ &program->s3_site, 1 };
	program->s3_listen = settings->s3.listen;
	/* The service bounds what it takes; this is for what frames it. */
	program->s3_listen.limits.body_bytes = (int64_t)SLV_OBJECT_PUT_BYTES_MAX * 2;
}

static slv_err start_s3(struct program *program, struct core *core)
{
	struct slv_service_env env = env_of(program, core);
	if (!program->settings->s3.enabled)
		return SLV_OK;
	env.shared = NULL;
	slv_err err = slv_edge_new(
			&program->arena, &env, &program->s3_conf, program->access, &core->s3_edge);
	if (!slv_failed(err))
		err = start_port(program, core, &program->s3_listen, core->s3_edge,
				&core->ports[core->port_count]);
	core->port_count++;
	return err;
}

static slv_err start_core(struct program *program, struct core *core)
{
	const struct settings *settings = program->settings;
	const struct slv_listen_conf *listen = settings->listen.at;
	struct slv_service_env env = env_of(program, core);
	slv_err err = slv_edge_new(
			&program->arena, &env, &program->edge_conf, program->access, &core->edge);
	core->ports = SLV_NEW_ARRAY(
			&program->arena, struct slv_listen_port, settings->listen.count + 1);
	if (!slv_failed(err) && !core->ports)
		err = SLV_ERR(SLV_E_LIMIT, "too many listeners");
	for (; !slv_failed(err) && core->port_count < settings->listen.count; core->port_count++)
		err = start_port(program, core, &listen[core->port_count], core->edge,
				&core->ports[core->port_count]);
	if (!slv_failed(err))
		err = start_s3(program, core);
	if (slv_failed(err))
		return err;
	core->refresh.fire = refresh_certificates;
	slv_timer_start(core->loop, &core->refresh, REFRESH_MS);
	return slv_listen_new(&program->arena, core->loop, core->metrics, core->ports,
			core->port_count, program->count, &core->listen);
}

/* --- admin --- */

static void refresh_gauges(void *arg)
{
	struct program *program = arg;
	struct slv_cache_stats stats = slv_cache_stats(program->cache);
	const uint64_t values[] = { stats.memory_bytes, stats.memory_entries, stats.disk_bytes,
		stats.disk_entries, stats.hits_memory, stats.hits_disk, stats.misses,
		stats.evictions, stats.disk_errors, slv_log_lost(program->log),
		program->access ? slv_log_lost(program->access) : 0 };
	_Static_assert(SLV_COUNT(values) == SLV_COUNT(program->gauges), "one value each");
	for (size_t i = 0; i < SLV_COUNT(values); i++)
		slv_metric_set(program->gauges[i], values[i]);
}

static size_t purge(void *arg, struct slv_arena *scratch, const struct slv_purge *what)
{
	struct program *program = arg;
	return slv_edge_purge(program->cores[0].edge, scratch, what);
}

#define LOST_HELP "Lines that nobody took in time, since the start"

static void name_gauges(struct program *program)
{
	static const struct {
		const char *name, *labels, *help;
	} gauges[] = {
		{ "selvedge_cache_memory_bytes", NULL, "Bytes in the memory tier" },
		{ "selvedge_cache_memory_entries", NULL, "Entries in the memory tier" },
		{ "selvedge_cache_disk_bytes", NULL, "Bytes in the disk tier" },
		{ "selvedge_cache_disk_entries", NULL, "Entries in the disk tier" },
		{ "selvedge_cache_memory_hits", NULL, "Found in memory, since the start" },
		{ "selvedge_cache_disk_hits", NULL, "Found on disk, since the start" },
		{ "selvedge_cache_misses", NULL, "Found in neither, since the start" },
		{ "selvedge_cache_evictions", NULL, "Entries given up, since the start" },
		{ "selvedge_cache_disk_errors", NULL, "Errors of the disk, since the start" },
		{ "selvedge_log_lost_lines", "log=\"events\"", LOST_HELP },
		{ "selvedge_log_lost_lines", "log=\"access\"", LOST_HELP },
	};
	_Static_assert(SLV_COUNT(gauges) == SLV_COUNT(program->gauges), "one name each");
	for (size_t i = 0; i < SLV_COUNT(gauges); i++)
		program->gauges[i] = slv_metric_get(program->cores[0].metrics, SLV_GAUGE,
				gauges[i].name, gauges[i].labels, gauges[i].help);
}

/* Where people see it: it is said once. */
static void first_done(struct slv_api_first *first, slv_err err, slv_str account, slv_str value)
{
	struct program *program = first->arg;
	if (slv_failed(err))
		slv_log(program->log, SLV_ERROR, "api.no_account",
				SLV_KV("code", slv_code_name(err.code)), SLV_KV("why", err.what));
	else if (value.len)
		(void)fprintf(stderr,
				"selvedge: account %.*s; its first API token, shown only now: "
				"%.*s\n",
				SLV_FMT(account), SLV_FMT(value)); /* else another can be made */
}

/* Where the sites are, for links to them: good enough on one machine. */
static slv_str own_url(struct program *program)
{
	const struct slv_listen_conf *listen = program->settings->listen.at;
	slv_str url = slv_str_printf(&program->arena, "%s://%.*s%.*s",
			listen->tls.count ? "https" : "http", SLV_FMT(listen->address),
			SLV_FMT(services_delivery_path(&program->settings->sites)));
	return url.at ? url : SLV_STR("");
}

static slv_err start_admin(struct program *program)
{
	enum { ADMIN, API };
	static const struct slv_service *const admin_services[] = {
		[ADMIN] = &slv_admin_service, [API] = &slv_api_service, NULL
	};
	struct core *home = &program->cores[0];
	const struct settings *settings = program->settings;
	struct slv_listen_port port;
	if (!settings->admin.enabled)
		return SLV_OK;
	name_gauges(program);
	program->admin = (struct slv_admin_settings){
		.metrics = program->metrics,
		.metrics_count = program->count,
		.token = settings->admin.token,
		.hosts = settings->admin.hosts,
		.draining = &program->draining,
		.refresh = refresh_gauges,
		.purge = purge,
		.arg = program,
	};
	program->images_store = settings->images_store;
	program->images_store.own_url = own_url(program);
	program->api = (struct slv_api_settings){ .groups = services_api_groups,
		.settings = { [SERVICES_API_IMAGES] = &program->images_store } };
	program->admin_routes[ADMIN].path = SLV_STR("/");
	program->admin_routes[ADMIN].settings[ADMIN] = &program->admin;
	program->admin_routes[API].path = SLV_STR(SLV_API_PREFIX "/");
	program->admin_routes[API].settings[API] = &program->api;
	program->admin_site.hosts = (struct slv_conf_list){ (void *)(uintptr_t)&any_host, 1 };
	program->admin_site.routes = (struct slv_conf_list){ program->admin_routes,
		SLV_COUNT(program->admin_routes) };
	program->admin_conf.raw_paths = true; /* keys are in them */
	program->admin_conf.services = admin_services;
	program->admin_conf.sites = (struct slv_conf_list){ &program->admin_site, 1 };

	struct slv_service_env env = env_of(program, home);
	env.shared = NULL;
	slv_err err = slv_edge_new(
			&program->arena, &env, &program->admin_conf, NULL, &program->admin_edge);
	if (!slv_failed(err))
		err = start_port(
				program, home, &settings->admin.listen, program->admin_edge, &port);
	if (slv_failed(err))
		return err;
	/* It has one loop, so all of its sockets are that loop's. */
	port.fd_count = slv_edge_link_sockets(
			program->link, settings->admin.listen.address, &port.fds);
	program->admin_tls = port.tls;
	program->first = (struct slv_api_first){
		.maps = program->maps, .done = first_done, .arg = program
	};
	slv_api_first(home->loop, &program->first);
	return slv_listen_new(&program->arena, home->loop, home->metrics, &port, 1, 1,
			&program->admin_listen);
}

/* --- the end --- */

static void drained(void *arg)
{
	struct program *program = arg;
	slv_assert(program->undrained);
	if (--program->undrained)
		return;
	for (uint32_t i = 0; i < program->count; i++)
		slv_loop_stop(program->cores[i].loop);
}

static void core_drained_home(struct slv_post *post)
{
	drained(SLV_CONTAINER(post, struct core, drained)->program);
}

static void core_drained(void *arg)
{
	struct core *core = arg;
	core->drained.run = core_drained_home;
	slv_loop_post(core->program->cores[0].loop, &core->drained);
}

static void core_drain(struct slv_post *post)
{
	struct core *core = SLV_CONTAINER(post, struct core, drain);
	slv_listen_drain(core->listen, core_drained, core);
}

static void on_drain(void *arg, uint32_t drain_ms, bool replaced)
{
	struct program *program = arg;
	(void)drain_ms; /* the parent kills us then */
	program->draining = true;
	/* Purges reach the next edge; what we wrote would bring back what they forget. */
	if (replaced)
		slv_cache_leave_disk(program->cache);
	program->undrained = program->count + (program->admin_listen ? 1 : 0);
	for (uint32_t i = 0; i < program->count; i++) {
		program->cores[i].drain.run = core_drain;
		slv_loop_post(program->cores[i].loop, &program->cores[i].drain);
	}
	if (program->admin_listen)
		slv_listen_drain(program->admin_listen, drained, program);
}

static void on_stop(void *arg)
{
	(void)arg;
	_exit(1); /* without a parent nobody would ever stop or restart us */
}

static void core_tickets(struct slv_post *post)
{
	struct core *core = SLV_CONTAINER(post, struct core, tickets);
	for (size_t i = 0; i < core->port_count; i++)
		if (core->ports[i].tls)
			slv_tls_tickets(core->ports[i].tls, &core->keys);
}

/* Rotations are minutes apart at least, so the last post has long been run. */
static void on_tickets(void *arg, const struct slv_ticket_keys *keys)
{
	struct program *program = arg;
	if (program->admin_tls)
		slv_tls_tickets(program->admin_tls, keys);
	for (uint32_t i = 0; i < program->count; i++) {
		program->cores[i].keys = *keys;
		program->cores[i].tickets.run = core_tickets;
		slv_loop_post(program->cores[i].loop, &program->cores[i].tickets);
	}
}

/* --- start --- */

static uint64_t memory_mark_kib(const struct settings *settings)
{
	uint64_t machine_kib = (uint64_t)sysconf(_SC_PHYS_PAGES) *
	                       ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
	return settings->overload.memory_bytes ? (uint64_t)settings->overload.memory_bytes / 1024
	                                       : machine_kib / 4 * 3;
}

static slv_err read_settings(struct program *program)
{
	struct slv_arena *arena = &program->arena;
	const char *name = slv_cstr(arena, slv_edge_link_config_name(program->link));
	const char *folder = slv_cstr(arena, slv_edge_link_config_folder(program->link));
	if (!name || !folder)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the configuration");
	slv_err err = settings_parse(arena, slv_edge_link_config_text(program->link), name, folder,
			&program->conf);
	if (slv_failed(err))
		return err;
	program->settings = slv_conf_root(program->conf);
	program->edge_conf = (struct slv_edge_conf){
		.services = services,
		.sites = program->settings->sites,
		.forwarded = program->settings->trusted_field + SLV_FORWARDED_X,
		.rss_kib_max = memory_mark_kib(program->settings),
		.lag_ms_max = (uint32_t)program->settings->overload.lag_ms,
	};
	return settings_trusted(arena, program->settings, &program->edge_conf.trusted);
}

static slv_err start(struct program *program)
{
	slv_err err = read_settings(program);
	if (slv_failed(err))
		return err;
	program->log = slv_log_new(STDERR_FILENO, (enum slv_level)program->settings->log.level);
	if (program->settings->log.access)
		program->access = slv_log_new(STDOUT_FILENO, SLV_INFO);
	program->count = slv_edge_link_loops(program->link);
	program->cores = slv_alloc(program->count * sizeof(*program->cores));
	program->metrics = slv_alloc(program->count * sizeof(*program->metrics));
	for (uint32_t i = 0; i < program->count; i++)
		core_init(program, i);

	struct slv_edge_events events = {
		.tickets = on_tickets, .drain = on_drain, .stop = on_stop, .arg = program
	};
	err = slv_edge_link_start(&program->arena, program->link, program->cores[0].loop, &events);
	if (!slv_failed(err))
		err = start_cache(program);
	if (!slv_failed(err))
		err = start_stores(program);
	if (slv_failed(err))
		return err;
	start_lanes(program);
	err = open_services(program);
	name_s3(program);
	for (uint32_t i = 0; i < program->count && !slv_failed(err); i++)
		err = start_core(program, &program->cores[i]);
	return slv_failed(err) ? err : start_admin(program);
}

static void core_run(void *arg)
{
	struct core *core = arg;
	slv_loop_run(core->loop);
}

static slv_err run(struct program *program)
{
	for (uint32_t i = 1; i < program->count; i++) {
		struct core *core = &program->cores[i];
		slv_err err = slv_thread_start(core_run, core, &core->thread);
		if (slv_failed(err))
			return err;
	}
	slv_edge_link_ready(program->link);
	slv_loop_run(program->cores[0].loop);
	for (uint32_t i = 1; i < program->count; i++)
		slv_thread_join(program->cores[i].thread);
	return SLV_OK;
}

int command_edge(int argc, char **argv)
{
	struct program *program = SLV_ALLOC(struct program);
	(void)argv;
	if (argc)
		return command_usage("edge", "it takes no arguments");
	slv_arena_init(&program->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	slv_err err = slv_edge_link_open(&program->arena, &program->link);
	if (slv_failed(err))
		return command_fail(err.what);
	err = start(program);
	if (!slv_failed(err))
		err = run(program);
	/* Either way the kernel takes the memory faster than we could give it back. */
	if (slv_failed(err)) {
		slv_edge_link_fail(program->link, err);
		_exit(1);
	}
	/* The last connection is gone. What is still under way is renewals and evictions, which the
	 * next start makes good. */
	slv_log_free(program->access);
	slv_log_free(program->log);
	_exit(0);
}
