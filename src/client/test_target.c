#include "base/testing.h"

#include "base/mem.h"
#include "client/private.h"

#include <string.h>

static void becomes(const char *url, const char *expected)
{
	struct target target;
	slv_err err = target_parse(slv_str_from(url), &target);
	if (slv_failed(err))
		fail_msg("%s: %s", url, err.what);
	assert_string_equal(target.url, expected);
}

static void is_no_url(slv_str url, const char *what)
{
	struct target target;
	slv_err err = target_parse(url, &target);
	if (err.code != SLV_E_SOURCE)
		fail_msg("%.*s is accepted", SLV_FMT(url));
	assert_string_equal(err.what, what);
}

static void leads(const char *from, const char *location, const char *expected)
{
	struct target base, next;
	assert_false(slv_failed(target_parse(slv_str_from(from), &base)));
	slv_err err = target_follow(&base, slv_str_from(location), &next);
	if (slv_failed(err))
		fail_msg("%s: %s", location, err.what);
	assert_string_equal(next.url, expected);
}

static void leads_nowhere(const char *location, enum slv_code code)
{
	struct target base, next;
	assert_false(slv_failed(target_parse(SLV_STR("https://a.example/b/c"), &base)));
	assert_int_equal(target_follow(&base, slv_str_from(location), &next).code, code);
}

static void a_url_has_parts(void **state)
{
	struct target target;
	(void)state;
	slv_err err = target_parse(SLV_STR("HTTPS://A.Example:8443/b/C?d=E"), &target);
	assert_false(slv_failed(err));
	assert_true(slv_str_eq(target.scheme, SLV_STR("https")));
	assert_true(slv_str_eq(target.host, SLV_STR("a.example")));
	assert_int_equal(target.port, 8443);
	assert_true(slv_str_eq(target.path, SLV_STR("/b/C")));
	assert_true(slv_str_eq(target.query, SLV_STR("?d=E")));
	assert_string_equal(target.url, "https://a.example:8443/b/C?d=E");
}

static void urls_take_one_form(void **state)
{
	(void)state;
	becomes("http://a", "http://a/");
	becomes("http://a:80/", "http://a/");
	becomes("http://a:/", "http://a/");
	becomes("https://a:443/", "https://a/");
	becomes("https://a:80/", "https://a:80/");
	becomes("http://a:65535/", "http://a:65535/");
	becomes("http://a?q", "http://a/?q");
	becomes("http://a/?", "http://a/?");
	becomes("http://[2001:DB8::1]:81/x", "http://[2001:db8::1]:81/x");
	becomes("http://a/b%2fc%20d?e=..", "http://a/b%2fc%20d?e=..");
}

static void dot_segments_are_resolved(void **state)
{
	(void)state;
	becomes("http://a/b/../c", "http://a/c");
	becomes("http://a/b/./c", "http://a/b/c");
	becomes("http://a/b/c/..", "http://a/b/");
	becomes("http://a/b/c/.", "http://a/b/c/");
	becomes("http://a/..", "http://a/");
	becomes("http://a/../../b", "http://a/b");
	becomes("http://a/b/%2e%2E/c", "http://a/c");
	becomes("http://a/b/.%2e/c", "http://a/c");
	becomes("http://a/b/%2e/c", "http://a/b/c");
	becomes("http://a//b//../c", "http://a//b/c");
	becomes("http://a/.../..b/c..", "http://a/.../..b/c..");
}

static void hidden_dot_segments_are_refused(void **state)
{
	static const char *const urls[] = { "http://a/b/..%2fc", "http://a/b%2f..%2fc",
		"http://a/b%2F%2e%2e", "http://a/b%5c..%5Cc", "http://a/b/%2e%2e%2f",
		"http://a/%2e%2fb" };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(urls); i++)
		is_no_url(slv_str_from(urls[i]), "URL with dot segments behind encoded slashes");
	is_no_url(SLV_STR("http://a/b\\..\\c"), "URL with a backslash in its path");
}

static void what_is_no_url_is_refused(void **state)
{
	static const char *const urls[] = { "", "/b", "*", "a", "//a/b", "ftp://a/", "file:///b",
		"gopher://a/", "http:/a", "http://", "http:///b", "http://ok@bad/",
		"http://ok:pw@bad/", "http://ok%40bad/", "http://a#b", "http://a b/",
		"http://a/\x01", "http://a/\xc3\xa9", "http://a:0/", "http://a:65536/",
		"http://a:x/", "http://[::1/", "http://[a]/", "http://a..b/", "http://.a/",
		"http://a%2eb/", "http://a\\@b/", "http://[fe80::1%25eth0]/", "javascript:alert(1)",
		"http://\xc3\xa9/" };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(urls); i++)
		is_no_url(slv_str_from(urls[i]), "no http or https URL without user information");
	is_no_url((slv_str){ "http://a/\0b", 11 }, "no http or https URL without user information");
}

static void a_url_has_a_bound(void **state)
{
	struct target target;
	char url[CLIENT_URL_BYTES_MAX + 1];
	(void)state;
	memset(url, 'b', sizeof(url));
	memcpy(url, "http://a/", 9);
	assert_false(slv_failed(target_parse((slv_str){ url, CLIENT_URL_BYTES_MAX }, &target)));
	is_no_url((slv_str){ url, sizeof(url) }, "URL longer than 4096 bytes");

	/* One that grows by the '/' that it lacks. */
	memcpy(url, "http://a?", 9);
	is_no_url((slv_str){ url, CLIENT_URL_BYTES_MAX }, "URL longer than 4096 bytes");
}

/* Those of RFC 3986 section 5.4 that have a host. */
static void locations_are_resolved(void **state)
{
	static const char base[] = "http://a/b/c/d;p?q";
	static const char *const pairs[][2] = {
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g/" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q" },
		{ "g#s", "http://a/b/c/g" },
		{ "g?y#s", "http://a/b/c/g?y" },
		{ ";x", "http://a/b/c/;x" },
		{ "g;x", "http://a/b/c/g;x" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" },
		{ "./g/.", "http://a/b/c/g/" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(pairs); i++)
		leads(base, pairs[i][0], pairs[i][1]);
	leads("https://a:444/b", "//g/x", "https://g/x");
	leads("https://a:444/b", "/x", "https://a:444/x");
	leads("https://a/b", "http://g:443/x", "http://g:443/x");
	leads("https://a/b", "HTTP://G/x", "http://g/x");
	leads("https://[2001:db8::1]/b", "/x", "https://[2001:db8::1]/x");
	leads("https://a/b", "  /x \t", "https://a/x");
	leads("https://a/b", "/caf\xc3\xa9 au lait", "https://a/caf%c3%a9%20au%20lait");
	leads("https://a/b", "c/d:e", "https://a/c/d:e");
}

static void locations_that_lead_nowhere_are_refused(void **state)
{
	(void)state;
	leads_nowhere("ftp://a/", SLV_E_DENIED);
	leads_nowhere("file:///b", SLV_E_DENIED);
	leads_nowhere("javascript:alert(1)", SLV_E_DENIED);
	leads_nowhere("data:,x", SLV_E_DENIED);
	leads_nowhere("x:", SLV_E_DENIED);
	leads_nowhere("http:x", SLV_E_UPSTREAM);
	leads_nowhere("https:/x", SLV_E_UPSTREAM);
	leads_nowhere("http://ok@bad/", SLV_E_UPSTREAM);
	leads_nowhere("//ok@bad/", SLV_E_UPSTREAM);
	leads_nowhere("/\\evil.example/", SLV_E_UPSTREAM);
	leads_nowhere("\\\\evil.example/", SLV_E_UPSTREAM);
	leads_nowhere("/b\x01", SLV_E_UPSTREAM);
	leads_nowhere("/b\x7f", SLV_E_UPSTREAM);
	leads_nowhere("///x", SLV_E_UPSTREAM);
	leads_nowhere("/x/..%2f..%2f", SLV_E_UPSTREAM);
}

static void a_location_has_a_bound(void **state)
{
	struct target base, next;
	char *location = slv_alloc(CLIENT_URL_BYTES_MAX + 1);
	size_t most = CLIENT_URL_BYTES_MAX - 8; /* behind "http://a" */
	(void)state;
	memset(location, 'c', most + 1);
	location[0] = '/';
	assert_false(slv_failed(target_parse(SLV_STR("http://a/b"), &base)));
	assert_false(slv_failed(target_follow(&base, (slv_str){ location, most }, &next)));
	slv_err err = target_follow(&base, (slv_str){ location, most + 1 }, &next);
	assert_int_equal(err.code, SLV_E_UPSTREAM);
	assert_string_equal(err.what, "redirected to a URL longer than 4096 bytes");
	slv_free(location);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_has_parts),
		cmocka_unit_test(urls_take_one_form),
		cmocka_unit_test(dot_segments_are_resolved),
		cmocka_unit_test(hidden_dot_segments_are_refused),
		cmocka_unit_test(what_is_no_url_is_refused),
		cmocka_unit_test(a_url_has_a_bound),
		cmocka_unit_test(locations_are_resolved),
		cmocka_unit_test(locations_that_lead_nowhere_are_refused),
		cmocka_unit_test(a_location_has_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
