#include "base/testing.h"

#include "client/client.h"

#include <string.h>

static bool ok(const char *text, const char **ret_why)
{
	struct slv_addr addr;
	if (!slv_addr_parse(slv_str_from(text), &addr))
		fail_msg("%s is no address", text);
	*ret_why = NULL;
	bool good = slv_client_address_ok(addr.ip, ret_why);
	assert_true(good == (*ret_why == NULL));
	return good;
}

static void accepts(const char *text)
{
	const char *why;
	if (!ok(text, &why))
		fail_msg("%s is refused: %s", text, why);
}

static void refuses(const char *text, const char *kind)
{
	const char *why;
	if (ok(text, &why))
		fail_msg("%s is accepted", text);
	if (strcmp(why, kind) != 0)
		fail_msg("%s is refused as %s", text, why);
}

/* A range, and what lies at both sides of it (NULL: of another kind, tested there). */
struct edge {
	const char *before, *first, *last, *after, *kind;
};

static void hold(const struct edge *edges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (edges[i].before)
			accepts(edges[i].before);
		refuses(edges[i].first, edges[i].kind);
		refuses(edges[i].last, edges[i].kind);
		if (edges[i].after)
			accepts(edges[i].after);
	}
}

static void ipv4_that_is_not_public_is_refused(void **state)
{
	static const struct edge edges[] = {
		{ NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0", "this network" },
		{ "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "private" },
		{ "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", "shared" },
		{ "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", "loopback" },
		{ "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0",
				"link-local" },
		{ "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", "private" },
		{ "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", "reserved" },
		{ "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", "documentation" },
		{ "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", "6to4 relay" },
		{ "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", "private" },
		{ "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", "benchmarking" },
		{ "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0",
				"documentation" },
		{ "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", "documentation" },
		{ "223.255.255.255", "224.0.0.0", "239.255.255.255", NULL, "multicast" },
		{ NULL, "240.0.0.0", "255.255.255.255", NULL, "reserved" },
	};
	(void)state;
	hold(edges, SLV_COUNT(edges));
}

static void ipv6_that_is_not_public_is_refused(void **state)
{
	static const struct edge edges[] = {
		{ NULL, "::", "::", NULL, "unspecified" },
		{ NULL, "::1", "::1", NULL, "loopback" },
		{ NULL, "::2", "::ffff:ffff", NULL, "IPv4-compatible" },
		{ NULL, "::1:0:0", "::fffe:ffff:ffff", NULL, "reserved" },
		{ NULL, "::1:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "reserved" },
		{ NULL, "64:ff9b::1:0:0", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", NULL, "reserved" },
		{ NULL, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, "local NAT64" },
		{ NULL, "64:ff9b:2::", "ff:ffff::", NULL, "reserved" },
		{ NULL, "100::", "100::ffff:ffff:ffff:ffff", NULL, "discard" },
		{ NULL, "100:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL,
				"reserved" },
		{ "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "Teredo" },
		{ NULL, "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
				"2001:200::", "reserved" },
		{ "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
				"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
				"2001:db9::", "documentation" },
		{ "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::",
				"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", "6to4" },
		{ "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
				"3fff:1000::", "documentation" },
		{ "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::",
				"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "reserved" },
		{ NULL, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "private" },
		{ NULL, "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "reserved" },
		{ NULL, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "link-local" },
		{ NULL, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "site-local" },
		{ NULL, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "multicast" },
	};
	(void)state;
	hold(edges, SLV_COUNT(edges));
}

static void mapped_addresses_count_as_ipv4(void **state)
{
	static const struct edge edges[] = {
		{ NULL, "::ffff:0.0.0.0", "::ffff:0.255.255.255", "::ffff:1.0.0.0",
				"this network" },
		{ "::ffff:126.255.255.255", "::ffff:127.0.0.1", "::ffff:7fff:ffff",
				"::ffff:128.0.0.0", "loopback" },
		{ "::ffff:a9fd:ffff", "::ffff:169.254.169.254", "::ffff:a9fe:ffff",
				"::ffff:169.255.0.0", "link-local" },
	};
	(void)state;
	hold(edges, SLV_COUNT(edges));
}

static void nat64_counts_as_the_ipv4_inside(void **state)
{
	static const struct edge edges[] = {
		{ NULL, "64:ff9b::0.0.0.0", "64:ff9b::0.255.255.255", "64:ff9b::1.0.0.0",
				"this network" },
		{ "64:ff9b::126.255.255.255", "64:ff9b::127.0.0.0", "64:ff9b::127.255.255.255",
				"64:ff9b::128.0.0.0", "loopback" },
		{ "64:ff9b::9.255.255.255", "64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255",
				"64:ff9b::8.8.8.8", "private" },
	};
	(void)state;
	hold(edges, SLV_COUNT(edges));
	refuses("64:ff9b::a9fe:a9fe", "link-local");
	refuses("64:ff9b:1::8.8.8.8", "local NAT64");
}

static void isatap_counts_as_the_ipv4_inside(void **state)
{
	(void)state;
	refuses("2a00::5efe:127.0.0.1", "loopback");
	refuses("2a00::200:5efe:10.1.2.3", "private");
	refuses("2a00::100:5efe:192.168.0.1", "private");
	accepts("2a00::5efe:8.8.8.8");
	accepts("2a00::5efd:127.0.0.1"); /* no longer of that form */
	accepts("2a00::5eff:127.0.0.1");
	accepts("2a00::400:5efe:127.0.0.1");
	refuses("fe80::5efe:8.8.8.8", "link-local");
}

static void embeddings_of_no_public_server_are_refused(void **state)
{
	(void)state;
	refuses("2002:7f00:1::", "6to4"); /* 127.0.0.1 */
	refuses("2002:808:808::1", "6to4");
	refuses("2001:0:808:808::f5ff:fffe", "Teredo"); /* 10.0.0.1, inverted */
	refuses("::127.0.0.1", "IPv4-compatible");
	refuses("::8.8.8.8", "IPv4-compatible");
	refuses("::ffff:0:127.0.0.1", "reserved"); /* translated, RFC 2765 */
}

static void public_addresses_are_accepted(void **state)
{
	(void)state;
	accepts("8.8.8.8");
	accepts("1.1.1.1");
	accepts("2606:4700:4700::1111");
	accepts("2a00:1450:4001::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_that_is_not_public_is_refused),
		cmocka_unit_test(ipv6_that_is_not_public_is_refused),
		cmocka_unit_test(mapped_addresses_count_as_ipv4),
		cmocka_unit_test(nat64_counts_as_the_ipv4_inside),
		cmocka_unit_test(isatap_counts_as_the_ipv4_inside),
		cmocka_unit_test(embeddings_of_no_public_server_are_refused),
		cmocka_unit_test(public_addresses_are_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
