#include "client/client.h"

#include <stddef.h>

#define AT(member) offsetof(struct slv_client_conf, member)
#define BOUND(member, fallback_, min_, max_, help_)                                                \
	{                                                                                          \
		.name = #member, .type = SLV_CONF_INT, .offset = AT(member),                       \
		.fallback = (fallback_), .min = (min_), .max = (max_), .help = (help_)             \
	}
#define SWITCH(member, fallback_, help_)                                                           \
	{                                                                                          \
		.name = #member, .type = SLV_CONF_BOOL, .offset = AT(member),                      \
		.fallback = (fallback_), .help = (help_)                                           \
	}

const struct slv_conf_key slv_client_keys[] = {
	BOUND(connect_ms, "5000", 10, 300000, "Until an origin is connected, its TLS included"),
	BOUND(total_ms, "15000", 10, 3600000, "Of one fetch, its redirects included"),
	BOUND(floor_bytes_s, "1024", 0, 1e9,
			"An origin that sends slower than that for 10 s is given up; 0: never"),
	BOUND(redirects_max, "3", 0, 20, "Redirects that a fetch follows"),
	BOUND(fetches_max, "64", 1, 10000, "Fetches at once, per loop; past it they fail as busy"),
	BOUND(connections_per_host_max, "8", 1, 1000,
			"Connections to one origin, per loop; further fetches wait"),
	SWITCH(private_networks, "false",
			"Allow origins on loopback, private, link-local and other addresses that "
			"are not public"),
	SWITCH(verify_tls, "true", "Origins must show a certificate that is trusted and theirs"),
	{ .name = "ca_path",
			.type = SLV_CONF_PATH,
			.offset = AT(ca_path),
			.fallback = "",
			.max = 4096,
			.help = "PEM file of the authorities that are trusted; empty: the "
				"system's" },
	{ 0 },
};
