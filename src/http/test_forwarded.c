#include "http/forwarded.h"

#include "base/attr.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

/* What is found for lines of one field, the trusted networks being 10/8 and fd00::/8. */
static struct slv_forwarded find(enum slv_forwarded_family family, const char *peer_text,
		const char *const (*lines)[2])
{
	static const char *const nets[] = { "10.0.0.0/8", "fd00::/8" };
	struct slv_net trusted[SLV_COUNT(nets)];
	for (size_t i = 0; i < SLV_COUNT(nets); i++)
		assert_true(slv_net_parse(slv_str_from(nets[i]), &trusted[i]));

	struct slv_field at[8];
	struct slv_fields fields = { .at = at, .cap = SLV_COUNT(at) };
	for (; (*lines)[0]; lines++) {
		assert_true(fields.count < fields.cap);
		assert_false(slv_failed(slv_fields_add(
				&fields, slv_str_from((*lines)[0]), slv_str_from((*lines)[1]))));
	}

	struct slv_addr peer = { 0 };
	struct slv_forwarded found;
	if (peer_text[0]) {
		assert_true(slv_addr_parse(slv_str_from(peer_text), &peer));
		peer.port = 4000;
	}
	slv_forwarded_find(&fields, family, &peer, trusted, SLV_COUNT(trusted), &found);
	return found;
}

static bool addr_is(const struct slv_addr *addr, const char *text)
{
	struct slv_addr expected;
	assert_true(slv_addr_parse(slv_str_from(text), &expected));
	return addr->known && memcmp(addr->ip, expected.ip, sizeof(addr->ip)) == 0;
}

static void check_x(const char *value, const char *client)
{
	const char *const lines[][2] = { { "X-Forwarded-For", value }, { NULL, NULL } };
	struct slv_forwarded found = find(SLV_FORWARDED_X, "10.0.0.1", lines);
	assert_true(addr_is(&found.client, client));
}

static void check_rfc(const char *value, const char *client)
{
	const char *const lines[][2] = { { "Forwarded", value }, { NULL, NULL } };
	struct slv_forwarded found = find(SLV_FORWARDED_RFC, "10.0.0.1", lines);
	assert_true(addr_is(&found.client, client));
}

static void the_first_address_from_the_right_that_is_not_trusted_is_the_client(void **state)
{
	(void)state;
	check_x("192.0.2.1", "192.0.2.1");
	check_x("192.0.2.1, 10.0.0.2", "192.0.2.1");
	check_x("6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1");
	check_x("10.0.0.3, 192.0.2.1", "192.0.2.1");
	check_x("192.0.2.1,fd00::1,10.0.0.2", "192.0.2.1");
	check_x("2001:db8::1", "2001:db8::1");
	check_x("[2001:db8::1]:80, 10.1.1.1:90", "2001:db8::1");
	check_x(" , 192.0.2.1 ,, ", "192.0.2.1");
	check_x("10.0.0.3, 10.0.0.2", "10.0.0.3");
	check_x("", "10.0.0.1");

	check_rfc("for=192.0.2.1", "192.0.2.1");
	check_rfc("For=\"192.0.2.1:80\";proto=https;by=10.0.0.1", "192.0.2.1");
	check_rfc("for=6.6.6.6, for=192.0.2.1;x=y, for=10.0.0.2", "192.0.2.1");
	check_rfc("for=\"[2001:db8::1]\", for=\"[fd00::1]:8080\"", "2001:db8::1");
	check_rfc("by=\"a,b\";for=192.0.2.1, host=\"h.example:80\";for=10.0.0.2", "192.0.2.1");
	check_rfc("for=10.0.0.3 ; by=_x,for=10.0.0.2;", "10.0.0.3");
}

static void lines_follow_each_other(void **state)
{
	(void)state;
	const char *const lines[][2] = { { "X-Forwarded-For", "6.6.6.6, 192.0.2.1" },
		{ "Accept", "7.7.7.7" }, { "x-forwarded-for", "" },
		{ "X-FORWARDED-FOR", "10.0.0.3, 10.0.0.2" }, { NULL, NULL } };
	struct slv_forwarded found = find(SLV_FORWARDED_X, "10.0.0.1", lines);
	assert_true(addr_is(&found.client, "192.0.2.1"));
}

static void a_peer_that_is_not_trusted_is_the_client(void **state)
{
	(void)state;
	const char *const lines[][2] = { { "X-Forwarded-For", "192.0.2.1" },
		{ "X-Forwarded-Proto", "https" }, { "X-Forwarded-Host", "h" },
		{ "Forwarded", "for=192.0.2.1;proto=https;host=h" }, { NULL, NULL } };
	for (int family = SLV_FORWARDED_NONE; family <= SLV_FORWARDED_RFC; family++) {
		struct slv_forwarded found =
				find((enum slv_forwarded_family)family, "9.9.9.9", lines);
		assert_true(addr_is(&found.client, "9.9.9.9") && found.client.port == 4000);
		assert_true(found.scheme.len == 0 && found.host.len == 0);
		found = find((enum slv_forwarded_family)family, "", lines);
		assert_false(found.client.known);
		assert_true(found.scheme.len == 0 && found.host.len == 0);
	}
}

static void only_the_family_of_the_setting_is_read(void **state)
{
	(void)state;
	const char *const lines[][2] = { { "X-Forwarded-For", "192.0.2.1" },
		{ "X-Forwarded-Proto", "https" }, { "Forwarded", "for=192.0.2.2;proto=http" },
		{ NULL, NULL } };
	struct slv_forwarded found = find(SLV_FORWARDED_NONE, "10.0.0.1", lines);
	assert_true(addr_is(&found.client, "10.0.0.1") && found.scheme.len == 0);
	found = find(SLV_FORWARDED_X, "10.0.0.1", lines);
	assert_true(addr_is(&found.client, "192.0.2.1"));
	assert_true(slv_str_eq(found.scheme, SLV_STR("https")));
	found = find(SLV_FORWARDED_RFC, "10.0.0.1", lines);
	assert_true(addr_is(&found.client, "192.0.2.2"));
	assert_true(slv_str_eq(found.scheme, SLV_STR("http")));
}

static void an_entry_that_does_not_parse_ends_the_walk(void **state)
{
	(void)state;
	static const char *const x[] = { "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "a.example",
		"192.0.2.1:", "192.0.2.1:x", "192.0.2.1:65536", "192.0.2.1:123456", "[2001:db8::1",
		"[2001:db8::1]80", "[192.0.2.1]", "\"192.0.2.1\"", "192.0.2.1 192.0.2.2",
		"for=192.0.2.1", ":80" };
	static const char *const rfc[] = { "for=unknown", "for=_hidden", "192.0.2.1", "for=", "for",
		"for=192.0.2.1:80", "for=2001:db8::1", "for=\"2001:db8::1\"", "for=\"\"",
		"for=[2001:db8::1]", "for=\"192.0.2.1", "for=\"192.0.2\\.1\"", "for = 192.0.2.1",
		"for=192.0.2.1;for=192.0.2.1", "for=192.0.2.1;proto=ftp",
		"for=192.0.2.1;proto=http;proto=http", "for=192.0.2.1;host=\"a b\"",
		"for=192.0.2.1;host=a;host=b", "for=192.0.2.1 x=y", "for=192.0.2.1;=y",
		"proto=http", "for=192.0.2.1;x=\"\\\"\"", "for=192.0.2.1;x=\"a\\b\"" };
	char value[128];
	for (size_t i = 0; i < SLV_COUNT(x); i++) {
		snprintf(value, sizeof(value), "6.6.6.6, %s, 10.0.0.2", x[i]);
		check_x(value, "10.0.0.2");
	}
	for (size_t i = 0; i < SLV_COUNT(rfc); i++) {
		snprintf(value, sizeof(value), "for=6.6.6.6, %s, for=10.0.0.2", rfc[i]);
		check_rfc(value, "10.0.0.2");
	}
}

/* Text of the client, on the left, that would join itself to what the proxy appended if
 * quotes were paired from the left. */
static void what_the_client_wrote_cannot_swallow_what_a_proxy_appended(void **state)
{
	(void)state;
	check_rfc("for=6.6.6.6;x=\", for=192.0.2.1", "192.0.2.1");
	check_rfc("for=\"6.6.6.6, for=192.0.2.1;host=\"h\", for=10.0.0.2", "192.0.2.1");
	check_rfc("\"\\, for=192.0.2.1", "192.0.2.1");
	check_x("6.6.6.6, \", 192.0.2.1", "192.0.2.1");
	/* A proxy that quotes a Host of `a", for=6.6.6.6;x="b`: an entry with a backslash is
	 * none. */
	check_rfc("for=192.0.2.1;host=\"a\\\", for=6.6.6.6;x=\\\"b\"", "10.0.0.1");
	check_rfc("for=192.0.2.1;host=\"a\\\", for=6.6.6.6\"", "10.0.0.1");
}

static void the_port_is_kept_if_it_was_told(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint16_t port;
	} cases[] = { { "192.0.2.1", 0 }, { "192.0.2.1:65535", 65535 }, { "[2001:db8::1]:8", 8 },
		{ "2001:db8::8", 0 }, { "192.0.2.1:_p.1-x", 0 } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		const char *const lines[][2] = { { "X-Forwarded-For", cases[i].value },
			{ NULL, NULL } };
		struct slv_forwarded found = find(SLV_FORWARDED_X, "10.0.0.1", lines);
		assert_false(addr_is(&found.client, "10.0.0.1"));
		assert_int_equal(found.client.port, cases[i].port);
	}
}

static void scheme_and_host_are_those_of_the_nearest_proxy_that_told(void **state)
{
	(void)state;
	const char *const rfc[][2] = { { "Forwarded", "for=6.6.6.6;proto=http;host=evil" },
		{ "Forwarded", "for=192.0.2.1;proto=HTTPS;host=\"far.example:8443\"" },
		{ "Forwarded", "for=10.0.0.2;host=near.example" }, { NULL, NULL } };
	struct slv_forwarded found = find(SLV_FORWARDED_RFC, "10.0.0.1", rfc);
	assert_true(slv_str_eq(found.scheme, SLV_STR("https")));
	assert_true(slv_str_eq(found.host, SLV_STR("near.example")));
	found = find(SLV_FORWARDED_RFC, "10.0.0.1", rfc + 3);
	assert_true(found.scheme.len == 0 && found.host.len == 0);

	/* Behind the client nothing is believed. */
	const char *const behind[][2] = { { "Forwarded", "for=6.6.6.6;proto=http;host=evil" },
		{ "Forwarded", "for=192.0.2.1" }, { NULL, NULL } };
	found = find(SLV_FORWARDED_RFC, "10.0.0.1", behind);
	assert_true(found.scheme.len == 0 && found.host.len == 0);

	/* An entry without an address tells the rest, and ends the walk. */
	const char *const hidden[][2] = { { "Forwarded", "for=6.6.6.6, proto=https;host=h" },
		{ NULL, NULL } };
	found = find(SLV_FORWARDED_RFC, "10.0.0.1", hidden);
	assert_true(addr_is(&found.client, "10.0.0.1"));
	assert_true(slv_str_eq(found.scheme, SLV_STR("https")));
	assert_true(slv_str_eq(found.host, SLV_STR("h")));
}

static void scheme_and_host_of_the_x_fields_are_their_last_entries(void **state)
{
	(void)state;
	const char *const good[][2] = { { "X-Forwarded-Proto", "http, HTTPS" },
		{ "X-Forwarded-Host", "evil" }, { "X-Forwarded-Host", "a, b.example:81" },
		{ NULL, NULL } };
	struct slv_forwarded found = find(SLV_FORWARDED_X, "10.0.0.1", good);
	assert_true(slv_str_eq(found.scheme, SLV_STR("https")));
	assert_true(slv_str_eq(found.host, SLV_STR("b.example:81")));
	assert_true(addr_is(&found.client, "10.0.0.1"));

	const char *const bad[][2] = { { "X-Forwarded-Proto", "https, gopher" },
		{ "X-Forwarded-Host", "a, b/c" }, { NULL, NULL } };
	found = find(SLV_FORWARDED_X, "10.0.0.1", bad);
	assert_true(found.scheme.len == 0 && found.host.len == 0);
}

static void the_walk_ends_after_32_entries(void **state)
{
	(void)state;
	char value[1024] = "192.0.2.1";
	for (unsigned i = 1; i < SLV_FORWARDED_HOPS_MAX; i++)
		strncat(value, ",10.0.0.2", sizeof(value) - strlen(value) - 1);
	check_x(value, "192.0.2.1");
	strncat(value, ",10.0.0.2", sizeof(value) - strlen(value) - 1);
	check_x(value, "10.0.0.2");

	memcpy(value, "192.0.2.1", 9);
	memset(value + 9, ',', 31);
	value[40] = '\0';
	check_x(value, "192.0.2.1");
	strncat(value, ",", sizeof(value) - strlen(value) - 1);
	check_x(value, "10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
				the_first_address_from_the_right_that_is_not_trusted_is_the_client),
		cmocka_unit_test(lines_follow_each_other),
		cmocka_unit_test(a_peer_that_is_not_trusted_is_the_client),
		cmocka_unit_test(only_the_family_of_the_setting_is_read),
		cmocka_unit_test(an_entry_that_does_not_parse_ends_the_walk),
		cmocka_unit_test(what_the_client_wrote_cannot_swallow_what_a_proxy_appended),
		cmocka_unit_test(the_port_is_kept_if_it_was_told),
		cmocka_unit_test(scheme_and_host_are_those_of_the_nearest_proxy_that_told),
		cmocka_unit_test(scheme_and_host_of_the_x_fields_are_their_last_entries),
		cmocka_unit_test(the_walk_ends_after_32_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
