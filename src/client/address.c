/* address.c - which addresses are public
 *
 * By the registries of special-purpose addresses (RFC 6890 and IANA's tables since). IPv6 is
 * allowed by what it is, 2000::/3 without the rows below, IPv4 by what it is not.
 */
#include "base/attr.h"
#include "client/client.h"

struct kind {
	struct slv_net net;
	const char *name;
};

#define V4(a, b, c, bits_, name_)                                                                  \
	{                                                                                          \
		{ .ip = { [10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c) },          \
			.bits = 96 + (bits_) },                                                    \
				(name_)                                                            \
	}

static const struct kind kinds_v4[] = {
	V4(0, 0, 0, 8, "this network"),
	V4(10, 0, 0, 8, "private"),
	V4(100, 64, 0, 10, "shared"),
	V4(127, 0, 0, 8, "loopback"),
	V4(169, 254, 0, 16, "link-local"),
	V4(172, 16, 0, 12, "private"),
	V4(192, 0, 0, 24, "reserved"),
	V4(192, 0, 2, 24, "documentation"),
	V4(192, 88, 99, 24, "6to4 relay"),
	V4(192, 168, 0, 16, "private"),
	V4(198, 18, 0, 15, "benchmarking"),
	V4(198, 51, 100, 24, "documentation"),
	V4(203, 0, 113, 24, "documentation"),
	V4(224, 0, 0, 4, "multicast"),
	V4(240, 0, 0, 4, "reserved"),
};

static const struct kind kinds_v6[] = {
	{ { .bits = 128 }, "unspecified" },
	{ { .ip = { [15] = 1 }, .bits = 128 }, "loopback" },
	{ { .bits = 96 }, "IPv4-compatible" },
	{ { .ip = { 0, 0x64, 0xff, 0x9b, 0, 1 }, .bits = 48 }, "local NAT64" },
	{ { .ip = { 1 }, .bits = 64 }, "discard" },
	{ { .ip = { 0x20, 0x01 }, .bits = 32 }, "Teredo" },
	{ { .ip = { 0x20, 0x01 }, .bits = 23 }, "reserved" },
	{ { .ip = { 0x20, 0x01, 0x0d, 0xb8 }, .bits = 32 }, "documentation" },
	{ { .ip = { 0x20, 0x02 }, .bits = 16 }, "6to4" },
	{ { .ip = { 0x3f, 0xff }, .bits = 20 }, "documentation" },
	{ { .ip = { 0xfc }, .bits = 7 }, "private" },
	{ { .ip = { 0xfe, 0x80 }, .bits = 10 }, "link-local" },
	{ { .ip = { 0xfe, 0xc0 }, .bits = 10 }, "site-local" },
	{ { .ip = { 0xff }, .bits = 8 }, "multicast" },
};

static const struct slv_net nat64 = { .ip = { 0, 0x64, 0xff, 0x9b }, .bits = 96 };
static const struct slv_net global = { .ip = { 0x20 }, .bits = 3 };

static const char *kind_of(const struct kind *kinds, size_t count, const struct slv_addr *addr)
{
	for (size_t i = 0; i < count; i++)
		if (slv_net_has(&kinds[i].net, addr))
			return kinds[i].name;
	return NULL;
}

/* The kind of the IPv4 address in the last four bytes; NULL: public. */
static const char *kind_inside(const uint8_t ip[16])
{
	struct slv_addr v4 = slv_addr_v4(ip + 12);
	return kind_of(kinds_v4, SLV_COUNT(kinds_v4), &v4);
}

/* An interface identifier of RFC 5214 section 6.1, under whatever prefix. */
static bool is_isatap(const uint8_t ip[16])
{
	return (ip[8] & 0xfc) == 0 && ip[9] == 0 && ip[10] == 0x5e && ip[11] == 0xfe;
}

bool slv_client_address_ok(const uint8_t ip[16], const char **ret_why)
{
	struct slv_addr addr = slv_addr_v6(ip);
	const char *why;
	if (slv_addr_is_v4(&addr) || slv_net_has(&nat64, &addr)) {
		why = kind_inside(ip);
	} else {
		why = kind_of(kinds_v6, SLV_COUNT(kinds_v6), &addr);
		if (!why && !slv_net_has(&global, &addr))
			why = "reserved";
		if (!why && is_isatap(ip))
			why = kind_inside(ip);
	}
	if (why)
		*ret_why = why;
	return !why;
}
