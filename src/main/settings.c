#include "main/settings.h"

#include "loop/loop.h"
#include "main/services.h"
#include "store/blob/blob.h"

#include <stddef.h>

#define AT(member) offsetof(struct settings, member)
#define CONF_NAME_BUILTIN "built-in configuration"
#define LOOPS_MAX 64

const char settings_builtin[] =
		"data: ./.selvedge\n" /* files show no name that begins with a dot */
		"listen:\n"
		"  - address: 127.0.0.1:8080\n"
		"sites:\n"
		"  - hosts: ['*']\n"
		"    routes:\n"
		"      - path: /\n"
		"        files: { root: . }\n"
		"      - path: /cdn-cgi/image/\n"
		"        images: {}\n"
		"      - path: /cdn-cgi/imagedelivery/\n"
		"        imagedelivery: {}\n";

static const struct slv_conf_key site_keys[] = {
	{ .name = "hosts",
			.type = SLV_CONF_TEXTS,
			.offset = offsetof(struct slv_edge_site, hosts),
			.min = 1,
			.max = 1000,
			.help = "Names it answers to: example.com, *.example.com, or * for any" },
	{ .name = "routes",
			.type = SLV_CONF_LIST,
			.offset = offsetof(struct slv_edge_site, routes),
			.min = 1,
			.max = 1000,
			.keys = services_route_keys,
			.size = sizeof(struct slv_edge_route),
			.help = "What serves which paths; each has exactly one service" },
	{ 0 },
};

static const struct slv_conf_key admin_keys[] = {
	{ .name = "enabled",
			.type = SLV_CONF_BOOL,
			.offset = AT(admin.enabled) - AT(admin),
			.fallback = "true",
			.help = "Have an admin listener" },
	{ .name = "listen",
			.type = SLV_CONF_SECTION,
			.offset = AT(admin.listen) - AT(admin),
			.keys = slv_listen_keys,
			.fallback = "{ address: '127.0.0.1:8081' }",
			.help = "Where /metrics, /healthz, /readyz and /purge are" },
	{ .name = "hosts",
			.type = SLV_CONF_TEXTS,
			.offset = AT(admin.hosts) - AT(admin),
			.max = 100,
			.help = "Names it may be asked by besides localhost and addresses: a page "
				"in a "
				"browser could point its own name here" },
	{ .name = "token",
			.type = SLV_CONF_SECRET,
			.offset = AT(admin.token) - AT(admin),
			.fallback = "''",
			.max = 1024,
			.help = "Bearer token that /purge asks for; empty: only clients on this "
				"machine may purge" },
	{ 0 },
};

static const struct slv_conf_key s3_keys[] = {
	{ .name = "enabled",
			.type = SLV_CONF_BOOL,
			.offset = AT(s3.enabled) - AT(s3),
			.fallback = "true",
			.help = "Have an S3 listener" },
	{ .name = "listen",
			.type = SLV_CONF_SECTION,
			.offset = AT(s3.listen) - AT(s3),
			.keys = slv_listen_keys,
			.fallback = "{ address: '127.0.0.1:8082' }",
			.help = "Where it is; limits.body_bytes does not count here, uploads of "
				"5 GiB are taken" },
	{ .name = "hosts",
			.type = SLV_CONF_TEXTS,
			.offset = AT(s3.hosts) - AT(s3),
			.max = 100,
			.help = "Names below which buckets are, as s3.example.com for "
				"photos.s3.example.com; elsewhere they are in the path" },
	{ .name = "keep_replaced_s",
			.type = SLV_CONF_INT,
			.offset = AT(s3.keep_replaced_s) - AT(s3),
			.fallback = "3600",
			.min = 0,
			.max = 604800,
			.help = "How long the parts of an object that was replaced or deleted stay "
				"for those who are downloading it" },
	{ 0 },
};

static const struct slv_conf_key log_keys[] = {
	{ .name = "level",
			.type = SLV_CONF_CHOICE,
			.offset = AT(log.level) - AT(log),
			.choices = "debug|info|warn|error",
			.fallback = "info",
			.help = "Events below it are not logged" },
	{ .name = "access",
			.type = SLV_CONF_BOOL,
			.offset = AT(log.access) - AT(log),
			.fallback = "true",
			.help = "One line per request on standard output" },
	{ 0 },
};

static const struct slv_conf_key cache_keys[] = {
	{ .name = "memory_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(cache.memory_bytes) - AT(cache),
			.fallback = "256M",
			.min = 1048576,
			.max = 1e13,
			.help = "Of the memory tier, which has what is read again and again of "
				"objects, too" },
	{ .name = "disk_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(cache.disk_bytes) - AT(cache),
			.fallback = "4G",
			.min = 0,
			.max = 1e15,
			.help = "Of the disk tier, in the folder cache of data; 0: none" },
	{ .name = "entry_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(cache.entry_bytes) - AT(cache),
			.fallback = "64M",
			.min = 1024,
			.max = 1e10,
			.help = "Larger ones are not kept" },
	{ 0 },
};

static const struct slv_conf_key store_keys[] = {
	{ .name = "maps",
			.type = SLV_CONF_SECRET,
			.offset = AT(store.maps) - AT(store),
			.fallback = "''",
			.max = 2048,
			.help = "Where rows are kept: sqlite:/FOLDER, or postgresql://… as libpq "
				"takes it; empty: the folder maps of data" },
	{ .name = "blobs",
			.type = SLV_CONF_TEXT,
			.offset = AT(store.blobs) - AT(store),
			.fallback = "''",
			.max = 2048,
			.help = "Where what is too large for a row is kept: file:/FOLDER, or "
				"s3://KEY_ID@HOST:PORT/BUCKET/PREFIX, with ?region=…&tls=false if "
				"need be; empty: the folder blobs of data" },
	{ .name = "blobs_secret",
			.type = SLV_CONF_SECRET,
			.offset = AT(store.blobs_secret) - AT(store),
			.fallback = "''",
			.max = 1024,
			.help = "The secret of the key in an s3:// of blobs" },
	{ 0 },
};

static const struct slv_conf_key jail_keys[] = {
	{ .name = "count",
			.type = SLV_CONF_INT,
			.offset = AT(jails.count) - AT(jails),
			.fallback = "0",
			.min = 0,
			.max = 256,
			.help = "Image jails that run at once; 0: one for each core that we may "
				"use" },
	{ .name = "queue_max",
			.type = SLV_CONF_INT,
			.offset = AT(jails.queue_max) - AT(jails),
			.fallback = "256",
			.min = 1,
			.max = 65536,
			.help = "Pictures that wait in each of the three size classes; past it "
				"503" },
	{ .name = "jobs_per_jail",
			.type = SLV_CONF_INT,
			.offset = AT(jails.jobs_per_jail) - AT(jails),
			.fallback = "10000",
			.min = 1,
			.max = 1e9,
			.help = "Pictures after which a jail is replaced" },
	{ .name = "memory_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(jails.memory_bytes) - AT(jails),
			.fallback = "512M",
			.min = 67108864,
			.max = 1e12,
			.help = "Resident memory above which a jail is replaced after its answer" },
	{ .name = "memory_limit_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(jails.memory_limit_bytes) - AT(jails),
			.fallback = "2G",
			.min = 268435456,
			.max = 1099511627776,
			.help = "Memory that a jail can have at all; a picture that needs more "
				"fails" },
	{ 0 },
};

static const struct slv_conf_key overload_keys[] = {
	{ .name = "memory_bytes",
			.type = SLV_CONF_INT,
			.fallback = "0",
			.min = 0,
			.max = 1e13,
			.offset = AT(overload.memory_bytes) - AT(overload),
			.help = "Resident memory of the edge at which requests are refused; from "
				"85 % on load is shed; 0: three quarters of the machine's" },
	{ .name = "lag_ms",
			.type = SLV_CONF_INT,
			.offset = AT(overload.lag_ms) - AT(overload),
			.fallback = "2000",
			.min = 0,
			.max = 60000,
			.help = "Lateness of a loop at which requests are refused; 0: no mark" },
	{ 0 },
};

const struct slv_conf_key settings_keys[] = {
	{ .name = "data",
			.type = SLV_CONF_PATH,
			.offset = AT(data),
			.fallback = "./data",
			.min = 1,
			.max = 4096,
			.help = "Folder of all that lasts" },
	{ .name = "loops",
			.type = SLV_CONF_INT,
			.offset = AT(loops),
			.fallback = "0",
			.min = 0,
			.max = LOOPS_MAX,
			.help = "Event loops, a thread each; 0: one for each core that we may "
				"use" },
	{ .name = "listen",
			.type = SLV_CONF_LIST,
			.offset = AT(listen),
			.keys = slv_listen_keys,
			.min = 1,
			.max = SLV_LISTENERS_MAX - 2,
			.size = sizeof(struct slv_listen_conf),
			.help = "Addresses of the sites" },
	{ .name = "admin",
			.type = SLV_CONF_SECTION,
			.offset = AT(admin),
			.keys = admin_keys,
			.help = "The listener for those who run it" },
	{ .name = "s3",
			.type = SLV_CONF_SECTION,
			.offset = AT(s3),
			.keys = s3_keys,
			.help = "The listener for buckets of objects" },
	{ .name = "trusted_proxies",
			.type = SLV_CONF_TEXTS,
			.offset = AT(trusted_proxies),
			.max = 1000,
			.help = "Networks of proxies that tell whom they forward for" },
	{ .name = "trusted_field",
			.type = SLV_CONF_CHOICE,
			.offset = AT(trusted_field),
			.choices = "x-forwarded|forwarded",
			.fallback = "x-forwarded",
			.help = "What they tell it in: X-Forwarded-For, -Proto, -Host, or "
				"Forwarded" },
	{ .name = "sites",
			.type = SLV_CONF_LIST,
			.offset = AT(sites),
			.keys = site_keys,
			.min = 1,
			.max = 10000,
			.size = sizeof(struct slv_edge_site),
			.help = "What is served" },
	{ .name = "log",
			.type = SLV_CONF_SECTION,
			.offset = AT(log),
			.keys = log_keys,
			.help = "Events go to standard error, requests to standard output" },
	{ .name = "cache",
			.type = SLV_CONF_SECTION,
			.offset = AT(cache),
			.keys = cache_keys,
			.help = "The response cache" },
	{ .name = "store",
			.type = SLV_CONF_SECTION,
			.offset = AT(store),
			.keys = store_keys,
			.help = "What lasts: keys and values, objects, tokens" },
	{ .name = "images_store",
			.type = SLV_CONF_SECTION,
			.offset = AT(images_store),
			.keys = slv_hosted_keys,
			.help = "Pictures that are uploaded by the API" },
	{ .name = "jails",
			.type = SLV_CONF_SECTION,
			.offset = AT(jails),
			.keys = jail_keys,
			.help = "The processes that touch pixels" },
	{ .name = "client",
			.type = SLV_CONF_SECTION,
			.offset = AT(client),
			.keys = slv_client_keys,
			.help = "Fetching from other servers" },
	{ .name = "overload",
			.type = SLV_CONF_SECTION,
			.offset = AT(overload),
			.keys = overload_keys,
			.help = "When to shed load" },
	{ .name = "ready_ms",
			.type = SLV_CONF_INT,
			.offset = AT(ready_ms),
			.fallback = "20000",
			.min = 100,
			.max = 600000,
			.help = "A new edge that is not ready by then is killed" },
	{ .name = "drain_ms",
			.type = SLV_CONF_INT,
			.offset = AT(drain_ms),
			.fallback = "30000",
			.min = 0,
			.max = 3600000,
			.help = "What an old edge has not finished by then is cut off" },
	{ .name = "ticket_key_s",
			.type = SLV_CONF_INT,
			.offset = AT(ticket_key_s),
			.fallback = "43200",
			.min = 60,
			.max = 604800,
			.help = "Age at which the key of TLS session tickets is replaced" },
	{ 0 },
};

uint32_t settings_loops(const struct settings *settings)
{
	uint32_t loops = settings->loops ? (uint32_t)settings->loops : slv_loop_cores();
	return loops > LOOPS_MAX ? LOOPS_MAX : loops;
}

static slv_str store_url(struct slv_arena *arena, const struct settings *settings, slv_str url,
		const char *driver, const char *folder)
{
	if (url.len)
		return url;
	return slv_str_printf(arena, "%s:%.*s/%s", driver, SLV_FMT(settings->data), folder);
}

slv_str settings_maps(struct slv_arena *arena, const struct settings *settings)
{
	return store_url(arena, settings, settings->store.maps, "sqlite", "maps");
}

slv_str settings_blobs(struct slv_arena *arena, const struct settings *settings)
{
	return store_url(arena, settings, settings->store.blobs, "file", "blobs");
}

slv_err settings_trusted(struct slv_arena *arena, const struct settings *settings,
		struct slv_conf_list *ret_nets)
{
	const slv_str *texts = settings->trusted_proxies.at;
	size_t count = settings->trusted_proxies.count;
	struct slv_net *nets = SLV_NEW_ARRAY(arena, struct slv_net, count);
	if (!nets)
		return SLV_ERR(SLV_E_LIMIT, "too many networks in trusted_proxies");
	for (size_t i = 0; i < count; i++)
		if (!slv_net_parse(texts[i], &nets[i]))
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"trusted_proxies: '%.*s' is no network; write 10.0.0.0/8 "
					"or ::1",
					SLV_FMT(texts[i]));
	*ret_nets = (struct slv_conf_list){ .at = nets, .count = count };
	return SLV_OK;
}

size_t settings_listeners(const struct settings *settings,
		const struct slv_listen_conf *ret_listeners[static SLV_LISTENERS_MAX])
{
	const struct slv_listen_conf *listen = settings->listen.at;
	size_t count = 0;
	for (; count < settings->listen.count; count++)
		ret_listeners[count] = &listen[count];
	if (settings->s3.enabled)
		ret_listeners[count++] = &settings->s3.listen;
	if (settings->admin.enabled)
		ret_listeners[count++] = &settings->admin.listen;
	return count;
}

static slv_err check_listeners(struct slv_arena *arena, const struct settings *settings)
{
	const struct slv_listen_conf *listeners[SLV_LISTENERS_MAX];
	size_t count = settings_listeners(settings, listeners);
	for (size_t i = 0; i < count; i++) {
		slv_err err = slv_listener_check(arena, listeners[i]->address);
		if (!slv_failed(err))
			err = slv_listen_check(arena, listeners[i]);
		if (slv_failed(err))
			return slv_err_wrap(arena, err, "listen");
		for (size_t k = 0; k < i; k++)
			if (slv_str_eq(listeners[k]->address, listeners[i]->address))
				return slv_err_printf(arena, SLV_E_SYNTAX,
						"two listeners have the address %.*s",
						SLV_FMT(listeners[i]->address));
	}
	return SLV_OK;
}

/* The folder of a store that is one must be said from the root on: who opens it does not know where
 * the configuration lies. */
static slv_err check_store(struct slv_arena *arena, const char *name, slv_str url, slv_str local,
		slv_str remote)
{
	if (!url.len || slv_str_starts(url, local) || slv_str_starts(url, remote))
		return SLV_OK;
	return slv_err_printf(arena, SLV_E_SYNTAX, "store.%s must begin with %.*s or %.*s", name,
			SLV_FMT(local), SLV_FMT(remote));
}

static slv_err check(struct slv_arena *arena, const struct settings *settings)
{
	struct slv_conf_list nets;
	struct slv_edge_conf edge = { .services = services, .sites = settings->sites };
	slv_err err = check_listeners(arena, settings);
	if (!slv_failed(err))
		err = settings_trusted(arena, settings, &nets);
	if (!slv_failed(err))
		err = slv_edge_conf_check(arena, &edge);
	if (!slv_failed(err))
		err = check_store(arena, "maps", settings->store.maps, SLV_STR("sqlite:/"),
				SLV_STR("postgresql://"));
	if (!slv_failed(err))
		err = check_store(arena, "blobs", settings->store.blobs, SLV_STR("file:/"),
				SLV_STR("s3://"));
	if (!slv_failed(err) && settings->store.blobs.len) {
		err = slv_blobs_check(settings->store.blobs, settings->store.blobs_secret);
		if (slv_failed(err))
			err = slv_err_wrap(arena, err, "store.blobs");
	}
	if (!slv_failed(err))
		err = slv_hosted_check(arena, &settings->images_store);
	return err;
}

static slv_err checked(struct slv_arena *arena, const char *name, struct slv_conf *conf,
		struct slv_conf **ret_conf)
{
	slv_err err = check(arena, slv_conf_root(conf));
	if (slv_failed(err)) {
		slv_conf_free(conf);
		return slv_err_wrap(arena, err, "%s", name);
	}
	*ret_conf = conf;
	return SLV_OK;
}

slv_err settings_parse(struct slv_arena *arena, slv_str text, const char *name, const char *folder,
		struct slv_conf **ret_conf)
{
	struct slv_conf *conf;
	slv_err err = slv_conf_parse(
			arena, text, name, folder, settings_keys, sizeof(struct settings), &conf);
	return slv_failed(err) ? err : checked(arena, name, conf, ret_conf);
}

slv_err settings_load(struct slv_arena *arena, const char *path, struct slv_conf **ret_conf)
{
	struct slv_conf *conf;
	if (!path)
		return settings_parse(arena, slv_str_from(settings_builtin), CONF_NAME_BUILTIN, ".",
				ret_conf);
	slv_err err = slv_conf_load(arena, path, settings_keys, sizeof(struct settings), &conf);
	return slv_failed(err) ? err : checked(arena, path, conf, ret_conf);
}
