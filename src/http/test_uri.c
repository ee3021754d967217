#include "http/uri.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/testing.h"

#include <string.h>

static void targets_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *target, *scheme, *authority, *path, *query;
	} cases[] = {
		{ "/", "", "", "/", NULL },
		{ "/a/b?c=d&e", "", "", "/a/b", "c=d&e" },
		{ "/a?", "", "", "/a", "" },
		{ "/a?b?c", "", "", "/a", "b?c" },
		{ "//a/b", "", "", "//a/b", NULL },
		{ "/http://x/", "", "", "/http://x/", NULL },
		{ "*", "", "", "*", NULL },
		{ "http://example.com", "http", "example.com", "/", NULL },
		{ "http://example.com?x", "http", "example.com", "/", "x" },
		{ "HTTPS://Example.com:8443/a?b", "https", "Example.com:8443", "/a", "b" },
		{ "http://[::1]:80/a:b@c", "http", "[::1]:80", "/a:b@c", NULL },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_uri uri;
		assert_false(slv_failed(slv_uri_parse(slv_str_from(cases[i].target), &uri)));
		assert_true(slv_str_eq(uri.scheme, slv_str_from(cases[i].scheme)));
		assert_true(slv_str_eq(uri.authority, slv_str_from(cases[i].authority)));
		assert_true(slv_str_eq(uri.path, slv_str_from(cases[i].path)));
		assert_true(slv_str_eq(uri.query, slv_str_from(cases[i].query)));
		assert_int_equal(uri.query.at != NULL, cases[i].query != NULL);
	}
}

static void targets_that_are_none_are_syntax_errors(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "a", "a/b", "?x", "**", "*?x", "ftp://a/",
		"http:/a", "http:///a", "http://", "http://?x", "http://user@host/",
		"http://u:p@host/", "://host/", "example.com:443", "/a b", "/a#b", "/a\tb",
		"/a\r\nb", "/\x7f", "/\xc3\xb6", "\\a", "http://a b/", "http://host:99999/",
		"http://ho%73t/", "javascript://host/" };
	struct slv_uri uri;
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(slv_uri_parse(slv_str_from(cases[i]), &uri).code, SLV_E_SYNTAX);
	assert_int_equal(slv_uri_parse(SLV_STR("/a\0b"), &uri).code, SLV_E_SYNTAX);
}

/* At every place of a target that is read in words and a rest. */
static void targets_have_only_visible_ascii(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool allowed = c > 0x20 && c < 0x7f && c != '#';
		for (size_t at = 1; at < 19; at++) {
			char text[19];
			struct slv_uri uri;
			memset(text, at % 2 ? '~' : '!', sizeof(text));
			text[0] = '/';
			text[at] = (char)c;
			assert_int_equal(!slv_failed(slv_uri_parse((slv_str){ text, 19 }, &uri)),
					allowed);
		}
	}
}

static void hosts_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
		uint16_t port;
	} cases[] = {
		{ "example.com", "example.com", 0 },
		{ "Example.COM:8080", "Example.COM", 8080 },
		{ "example.com.", "example.com.", 0 },
		{ "a_b-c.d", "a_b-c.d", 0 },
		{ "localhost:65535", "localhost", 65535 },
		{ "localhost:1", "localhost", 1 },
		{ "localhost:", "localhost", 0 },
		{ "192.0.2.1:80", "192.0.2.1", 80 },
		{ "[2001:db8::1]", "2001:db8::1", 0 },
		{ "[::1]:443", "::1", 443 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_host host;
		assert_false(slv_failed(slv_host_parse(slv_str_from(cases[i].text), &host)));
		assert_true(slv_str_eq(host.name, slv_str_from(cases[i].name)));
		assert_int_equal(host.port, cases[i].port);
	}
}

static void hosts_that_are_none_are_syntax_errors(void **state)
{
	(void)state;
	static const char *const cases[] = { "", ":80", ".", "..", ".a", "a..b", "a..", "a b",
		"a/b", "a@b", "a,b", "a:b", "a:65536", "a:0", "a:-1", "a:80:80", "a: 80", "::1",
		"[::1", "[::1]80", "[::1]a", "[]", "[1.2.3.4]", "[v1.a]", "[::1%25lo]", "[::1]]",
		"a%41", "h\xc3\xb6st", "a?b", "a#b", "a\\b" };
	struct slv_host host;
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(slv_host_parse(slv_str_from(cases[i]), &host).code, SLV_E_SYNTAX);
	assert_int_equal(slv_host_parse(SLV_STR("a\0b"), &host).code, SLV_E_SYNTAX);
}

static void a_host_name_has_at_most_253_bytes(void **state)
{
	(void)state;
	char name[256];
	struct slv_host host;
	memset(name, 'a', sizeof(name));
	for (size_t i = 60; i < 250; i += 60)
		name[i] = '.';
	assert_false(slv_failed(slv_host_parse((slv_str){ name, 253 }, &host)));
	assert_int_equal(slv_host_parse((slv_str){ name, 254 }, &host).code, SLV_E_SYNTAX);
}

static void escapes_are_decoded_once(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_str text;
	slv_arena_init(&arena, 256, SLV_KIB(4));
	assert_false(slv_failed(slv_uri_decode(&arena, SLV_STR("a%20b%2Fc%2f%25%41+%ff"), &text)));
	assert_true(slv_str_eq(text, SLV_STR("a b/c/%A+\xff")));
	assert_false(slv_failed(slv_uri_decode(&arena, SLV_STR("%252e"), &text)));
	assert_true(slv_str_eq(text, SLV_STR("%2e")));
	assert_false(slv_failed(slv_uri_decode(&arena, (slv_str){ 0 }, &text)));
	assert_int_equal(text.len, 0);
	slv_arena_done(&arena);
}

static void broken_escapes_are_syntax_errors(void **state)
{
	(void)state;
	static const char *const cases[] = { "%", "a%", "%2", "%g0", "%0g", "%%41", "% 41", "%00",
		"a%00b", "%-1" };
	struct slv_arena arena;
	slv_str text;
	slv_arena_init(&arena, 256, SLV_KIB(4));
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(slv_uri_decode(&arena, slv_str_from(cases[i]), &text).code,
				SLV_E_SYNTAX);
	assert_int_equal(slv_uri_decode(&arena, SLV_STR("a\0b"), &text).code, SLV_E_SYNTAX);
	slv_arena_done(&arena);
}

static void decoding_past_the_arena_is_a_limit(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_str text;
	char path[101];
	memset(path, '/', sizeof(path));
	slv_arena_init(&arena, 50, 100);
	assert_false(slv_failed(slv_uri_decode(&arena, (slv_str){ path, 100 }, &text)));
	slv_arena_done(&arena);
	slv_arena_init(&arena, 50, 100);
	assert_int_equal(slv_uri_decode(&arena, (slv_str){ path, 101 }, &text).code, SLV_E_LIMIT);
	assert_int_equal(slv_uri_decode_path(&arena, (slv_str){ path, 101 }, &text).code,
			SLV_E_LIMIT);
	slv_arena_done(&arena);
}

static void paths_that_lead_elsewhere_are_syntax_errors(void **state)
{
	(void)state;
	static const char *const cases[] = { "/.", "/..", "/../a", "/a/./b", "/a/..", "/%2e",
		"/%2e%2E/a", "/.%2e/", "/a%2fb", "/a%2Fb", "/a\\b", "/a%5cb", "/a%5Cb", "..", ".",
		"/%00", "/%2", "/..%2f" };
	struct slv_arena arena;
	slv_str path;
	slv_arena_init(&arena, 256, SLV_KIB(4));
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(slv_uri_decode_path(&arena, slv_str_from(cases[i]), &path).code,
				SLV_E_SYNTAX);
	slv_arena_done(&arena);
}

static void other_paths_are_decoded(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "/", "/" },
		{ "*", "*" },
		{ "//a//", "/a/" },
		{ "///", "/" },
		{ "/a///b//c", "/a/b/c" },
		{ "/a/https://b/c", "/a/https:/b/c" },
		{ "/...", "/..." },
		{ "/.a/..b/a..", "/.a/..b/a.." },
		{ "/a%20b", "/a b" },
		{ "/%252e%252e/x", "/%2e%2e/x" },
		{ "/..;/a", "/..;/a" },
	};
	struct slv_arena arena;
	slv_arena_init(&arena, 256, SLV_KIB(4));
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		slv_str path;
		assert_false(slv_failed(
				slv_uri_decode_path(&arena, slv_str_from(cases[i][0]), &path)));
		assert_true(slv_str_eq(path, slv_str_from(cases[i][1])));
	}
	slv_arena_done(&arena);
}

static void encoding_spares_what_is_unreserved_or_kept(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 256);
	slv_uri_encode(&buf, SLV_STR("/a b-._~/%\xc3\xb6?"), SLV_STR("/"));
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("/a%20b-._~/%25%C3%B6%3F")));
	slv_buf_clear(&buf);
	slv_uri_encode(&buf, SLV_STR("/az09AZ"), (slv_str){ 0 });
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("%2Faz09AZ")));
	slv_buf_clear(&buf);
	slv_uri_encode(&buf, (slv_str){ 0 }, (slv_str){ 0 });
	assert_int_equal(buf.len, 0);
	slv_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_split),
		cmocka_unit_test(targets_that_are_none_are_syntax_errors),
		cmocka_unit_test(targets_have_only_visible_ascii),
		cmocka_unit_test(hosts_are_split),
		cmocka_unit_test(hosts_that_are_none_are_syntax_errors),
		cmocka_unit_test(a_host_name_has_at_most_253_bytes),
		cmocka_unit_test(escapes_are_decoded_once),
		cmocka_unit_test(broken_escapes_are_syntax_errors),
		cmocka_unit_test(decoding_past_the_arena_is_a_limit),
		cmocka_unit_test(paths_that_lead_elsewhere_are_syntax_errors),
		cmocka_unit_test(other_paths_are_decoded),
		cmocka_unit_test(encoding_spares_what_is_unreserved_or_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
