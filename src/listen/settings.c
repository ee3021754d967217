#include "http/addr.h"
#include "listen/listen.h"
#include "listen/private.h"

#include <stddef.h>

#define LIMIT(name_, fallback_, min_, max_, help_)                                                 \
	{                                                                                          \
		.name = #name_, .type = SLV_CONF_INT,                                              \
		.offset = offsetof(struct slv_listen_limits, name_), .fallback = fallback_,        \
		.min = min_, .max = max_, .help = help_                                            \
	}

static const struct slv_conf_key limit_keys[] = {
	LIMIT(header_ms, "10000", 100, 600000,
			"From the first byte of a request to the end of its header, and from "
			"accept to the "
			"first byte"),
	LIMIT(body_idle_ms, "30000", 100, 600000, "Between two reads of a request body"),
	LIMIT(body_floor_bytes_s, "1024", 0, 1e9,
			"After 10 s a request body must have come at least this fast"),
	LIMIT(write_idle_ms, "30000", 100, 600000,
			"Without a byte of a reply that reaches the client"),
	LIMIT(write_floor_bytes_s, "1024", 0, 1e9,
			"After 10 s of waiting for a client, it must have taken a reply this fast"),
	LIMIT(keep_alive_ms, "60000", 0, 3600000, "Between two requests of a connection"),
	LIMIT(requests_max, "10000", 1, 4e9, "Requests on one connection"),
	LIMIT(age_s, "3600", 1, 86400, "Age of a connection; it is closed after its request"),
	LIMIT(target_bytes, "8192", 64, 65536, "Length of a request target"),
	LIMIT(field_bytes, "8192", 64, 65536, "Length of a header field, name and value"),
	LIMIT(head_bytes, "32768", 256, 262144, "Length of a request header, decoded"),
	LIMIT(fields_max, "128", 1, 1024, "Fields in a request header"),
	LIMIT(body_bytes, "100M", 0, 1e13, "Length of a request body"),
	LIMIT(request_memory_bytes, "1M", 65536, 1e9,
			"Memory that one request may use beside bodies"),
	LIMIT(h2_streams_max, "100", 1, 1000, "HTTP/2 streams open at once on a connection"),
	LIMIT(h2_window_bytes, "65535", 65535, 16777216, "HTTP/2 window of a stream"),
	LIMIT(h2_connection_window_bytes, "1M", 65535, 67108864, "HTTP/2 window of a connection"),
	{ 0 },
};

static const struct slv_conf_key tls_keys[] = {
	{ .name = "certificate",
			.type = SLV_CONF_PATH,
			.offset = offsetof(struct slv_tls_certificate, certificate_path),
			.min = 1,
			.max = 4096,
			.help = "PEM file of the certificate, its chain behind it" },
	{ .name = "key",
			.type = SLV_CONF_PATH,
			.offset = offsetof(struct slv_tls_certificate, key_path),
			.min = 1,
			.max = 4096,
			.help = "PEM file of the private key" },
	{ 0 },
};

const struct slv_conf_key slv_listen_keys[] = {
	{ .name = "address",
			.type = SLV_CONF_TEXT,
			.offset = offsetof(struct slv_listen_conf, address),
			.min = 1,
			.max = 63,
			.help = "As 127.0.0.1:8080, \"[::1]:443\" in quotes, or a port alone for "
				"every address" },
	{ .name = "tls",
			.type = SLV_CONF_LIST,
			.offset = offsetof(struct slv_listen_conf, tls),
			.max = 1000,
			.keys = tls_keys,
			.size = sizeof(struct slv_tls_certificate),
			.help = "Certificates, chosen by server name; none: no TLS" },
	{ .name = "tls_least",
			.type = SLV_CONF_CHOICE,
			.choices = "1.2|1.3",
			.fallback = "1.2",
			.offset = offsetof(struct slv_listen_conf, tls_least),
			.help = "The oldest TLS version that is spoken" },
	{ .name = "http2",
			.type = SLV_CONF_BOOL,
			.fallback = "true",
			.offset = offsetof(struct slv_listen_conf, http2),
			.help = "Speak HTTP/2: by ALPN with TLS, by prior knowledge without" },
	{ .name = "proxy_protocol",
			.type = SLV_CONF_BOOL,
			.fallback = "false",
			.offset = offsetof(struct slv_listen_conf, proxy_protocol),
			.help = "Each connection begins with a PROXY header, version 1 or 2" },
	{ .name = "proxies",
			.type = SLV_CONF_TEXTS,
			.max = 1000,
			.offset = offsetof(struct slv_listen_conf, proxies),
			.help = "Networks that may connect where proxy_protocol is set" },
	{ .name = "connections_max",
			.type = SLV_CONF_INT,
			.fallback = "0",
			.max = 1e7,
			.offset = offsetof(struct slv_listen_conf, connections_max),
			.help = "Connections in all; 0: as the limit of open files allows" },
	{ .name = "client_connections_max",
			.type = SLV_CONF_INT,
			.fallback = "2000",
			.min = 1,
			.max = 1e7,
			.offset = offsetof(struct slv_listen_conf, client_connections_max),
			.help = "Connections of one client (an IPv4 address, an IPv6 /64), per "
				"loop" },
	{ .name = "handshake_ms",
			.type = SLV_CONF_INT,
			.fallback = "5000",
			.min = 100,
			.max = 60000,
			.offset = offsetof(struct slv_listen_conf, handshake_ms),
			.help = "From accept to the end of the TLS handshake" },
	{ .name = "backlog",
			.type = SLV_CONF_INT,
			.fallback = "4096",
			.min = 1,
			.max = 65535,
			.offset = offsetof(struct slv_listen_conf, backlog),
			.help = "Connections that may wait to be accepted" },
	{ .name = "limits",
			.type = SLV_CONF_SECTION,
			.keys = limit_keys,
			.offset = offsetof(struct slv_listen_conf, limits),
			.help = "What one client may ask of a connection" },
	{ 0 },
};

slv_err slv_listen_check(struct slv_arena *scratch, const struct slv_listen_conf *conf)
{
	const slv_str *nets = conf->proxies.at;
	struct slv_net net;
	for (size_t i = 0; i < conf->proxies.count; i++)
		if (!slv_net_parse(nets[i], &net))
			return slv_err_printf(scratch, SLV_E_SYNTAX,
					"'%.*s' in `proxies` is no network; write 10.0.0.0/8 or "
					"::1",
					SLV_FMT(nets[i]));
	if (conf->proxy_protocol && !conf->proxies.count)
		return SLV_ERR(SLV_E_SYNTAX, "proxy_protocol needs `proxies`, the networks that "
					     "may send its header");
	return SLV_OK;
}

void listen_session_conf(const struct slv_listen_conf *conf, struct slv_session_conf *ret_conf)
{
	const struct slv_listen_limits *limits = &conf->limits;
	*ret_conf = (struct slv_session_conf){
		.h1 = {
			.target_bytes_max = (uint32_t)limits->target_bytes,
			.field_bytes_max = (uint32_t)limits->field_bytes,
			.head_bytes_max = (uint32_t)limits->head_bytes,
			.fields_max = (uint32_t)limits->fields_max,
		},
		.body_bytes_max = (uint64_t)limits->body_bytes,
		.header_ms = (uint32_t)limits->header_ms,
		.body_idle_ms = (uint32_t)limits->body_idle_ms,
		.body_floor_bytes_s = (uint32_t)limits->body_floor_bytes_s,
		.write_idle_ms = (uint32_t)limits->write_idle_ms,
		.write_floor_bytes_s = (uint32_t)limits->write_floor_bytes_s,
		.keep_alive_ms = (uint32_t)limits->keep_alive_ms,
		.requests_max = (uint32_t)limits->requests_max,
		.age_ms = (uint32_t)limits->age_s * 1000u,
		.request_arena_bytes = (uint32_t)limits->request_memory_bytes,
		.h2_streams_max = (uint32_t)limits->h2_streams_max,
		.h2_window_bytes = (uint32_t)limits->h2_window_bytes,
		.h2_connection_window_bytes = (uint32_t)limits->h2_connection_window_bytes,
	};
}
