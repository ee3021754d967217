#include "service/object/cors.h"

#include "base/attr.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
	static struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(16), SLV_MIB(1));
	*state = &arena;
	return 0;
}

static int teardown(void **state)
{
	slv_arena_done(*state);
	return 0;
}

static struct slv_object_cors read_rules(struct slv_arena *arena, const char *rules)
{
	struct slv_object_cors cors;
	slv_str xml = slv_str_printf(arena, "<CORSConfiguration>%s</CORSConfiguration>", rules);
	slv_object_err err = slv_object_document_cors(arena, xml, &cors);
	if (slv_object_failed(err))
		fail_msg("%s", err.what);
	return cors;
}

#define RULE(id, rest) "<CORSRule><ID>" id "</ID>" rest "</CORSRule>"
#define ORIGIN(text) "<AllowedOrigin>" text "</AllowedOrigin>"
#define METHOD(text) "<AllowedMethod>" text "</AllowedMethod>"
#define HEADER(text) "<AllowedHeader>" text "</AllowedHeader>"

/* A preflight or a request, and which rule is the one: by its ID, with "*" behind it if it names no
 * origin; NULL: none. */
struct row {
	const char *origin, *method, *headers, *want;
};

static void check(struct slv_arena *arena, const char *rules, const struct row *table, size_t count)
{
	struct slv_object_cors cors = read_rules(arena, rules);
	for (size_t i = 0; i < count; i++) {
		struct object_cors_ask ask = { slv_str_from(table[i].origin),
			slv_str_from(table[i].method), slv_str_from(table[i].headers) };
		struct object_cors_found found;
		char got[300] = "none";
		if (object_cors_find(&cors, &ask, &found))
			(void)snprintf(got, sizeof(got), "%.*s%s", SLV_FMT(found.rule->id),
					found.any_origin ? "*" : ""); /* ids are short here */
		if (strcmp(got, table[i].want ? table[i].want : "none") != 0)
			fail_msg("%s %s [%s]: %s", table[i].method, table[i].origin,
					table[i].headers ? table[i].headers : "", got);
	}
}

static void the_first_rule_that_fits_decides(void **state)
{
	static const struct row table[] = {
		{ "https://a.example", "GET", NULL, "one" },
		{ "https://a.example", "PUT", NULL, "two" },
		{ "https://a.example", "DELETE", NULL, "three*" },
		{ "https://b.example", "GET", NULL, "three*" },
		{ "https://b.example", "PUT", NULL, NULL },
		{ "https://b.example", "HEAD", NULL, NULL },
	};
	check(*state,
			RULE("one", ORIGIN("https://a.example") METHOD("GET")) RULE("two",
					ORIGIN("https://c.example") ORIGIN("https://a.example")
							METHOD("GET") METHOD("PUT"))
					RULE("three", ORIGIN("*") METHOD("DELETE") METHOD("GET")),
			table, SLV_COUNT(table));
}

static void a_star_stands_for_any_text(void **state)
{
	static const struct row table[] = {
		{ "https://a.example.com", "GET", NULL, "mid" },
		{ "https://a.b.example.com", "GET", NULL, "mid" },
		{ "https://.example.com", "GET", NULL, "mid" },
		{ "https://example.com", "GET", NULL, NULL },
		{ "http://a.example.com", "GET", NULL, NULL },
		{ "https://a.example.com.evil", "GET", NULL, NULL },
		{ "https://a.example.co", "GET", NULL, NULL },
		/* Head and tail do not share bytes. */
		{ "abab", "GET", NULL, "overlap" },
		{ "aba", "GET", NULL, NULL },
		{ "https://localhost:8080", "GET", NULL, "end" },
		{ "https://localhost:", "GET", NULL, "end" },
		{ "https://localhost", "GET", NULL, NULL },
		{ "null", "GET", NULL, NULL },
		{ "", "GET", NULL, NULL },
	};
	check(*state,
			RULE("mid", ORIGIN("https://*.example.com") METHOD("GET")) RULE(
					"overlap", ORIGIN("ab*ab") METHOD("GET"))
					RULE("end", ORIGIN("https://localhost:*") METHOD("GET")),
			table, SLV_COUNT(table));
}

static void origins_and_methods_are_compared_with_case(void **state)
{
	static const struct row table[] = {
		{ "https://A.example", "GET", NULL, NULL },
		{ "https://a.example", "get", NULL, NULL },
		{ "https://a.example", "GET", NULL, "one" },
	};
	check(*state, RULE("one", ORIGIN("https://a.example") METHOD("GET")), table,
			SLV_COUNT(table));
}

static void all_headers_that_are_wanted_must_be_allowed(void **state)
{
	static const struct row table[] = {
		{ "o", "GET", NULL, "none-wanted" },
		{ "o", "PUT", NULL, "some" },
		{ "o", "PUT", "Content-Type", "some" },
		{ "o", "PUT", "content-TYPE ,\tX-Amz-Meta-a,x-amz-meta-", "some" },
		{ "o", "PUT", ",content-type,,", "some" },
		{ "o", "PUT", "content-type, authorization", "all" },
		{ "o", "PUT", "content-type2", "all" },
		{ "o", "POST", "x", NULL },
		{ "o", "GET", "x", NULL },
	};
	check(*state,
			RULE("none-wanted", ORIGIN("o") METHOD("GET")) RULE("some",
					ORIGIN("o") METHOD("PUT") HEADER("Content-Type")
							HEADER("x-amz-meta-*"))
					RULE("all", ORIGIN("o") METHOD("PUT") HEADER("*")),
			table, SLV_COUNT(table));
}

static void more_headers_than_may_be_wanted_are_refused(void **state)
{
	struct slv_object_cors cors =
			read_rules(*state, RULE("one", ORIGIN("o") METHOD("GET") HEADER("*")));
	char headers[2 * OBJECT_CORS_HEADERS_MAX + 2];
	struct object_cors_found found;
	for (size_t i = 0; i < sizeof(headers); i += 2)
		memcpy(headers + i, "x,", 2);
	struct object_cors_ask ask = { SLV_STR("o"), SLV_STR("GET"),
		{ headers, 2 * OBJECT_CORS_HEADERS_MAX - 1 } };
	assert_true(object_cors_find(&cors, &ask, &found));
	ask.headers.len += 2;
	assert_false(object_cors_find(&cors, &ask, &found));
}

#define EXPOSED_AND_KEPT "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>"

static void what_is_printed_is_what_was_said(void **state)
{
	static const char said[] = RULE("a&amp;b",
			ORIGIN("https://*.x") ORIGIN("http://y") METHOD("PUT") METHOD("GET")
					HEADER("*") EXPOSED_AND_KEPT) "<CORSRule>" ORIGIN("*")
			METHOD("HEAD") "</CORSRule>";
	struct slv_object_cors cors = read_rules(*state, said);
	struct slv_buf xml;
	slv_buf_init(&xml, SLV_KIB(4));
	object_cors_print(&cors, &xml);
	slv_buf_add_char(&xml, '\0');
	assert_string_equal(xml.at,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			"<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<CORSRule><ID>a&amp;b</ID><AllowedMethod>PUT</AllowedMethod>"
			"<AllowedMethod>GET</AllowedMethod>"
			"<AllowedOrigin>https://*.x</AllowedOrigin>"
			"<AllowedOrigin>http://y</AllowedOrigin><AllowedHeader>*</AllowedHeader>"
			"<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>"
			"</CORSRule><CORSRule><AllowedMethod>HEAD</AllowedMethod>"
			"<AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>");
	struct slv_object_cors again;
	slv_object_err err = slv_object_document_cors(
			*state, slv_str_head(slv_buf_str(&xml), xml.len - 1), &again);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_int_equal(again.count, 2);
	assert_true(slv_str_eq(again.rules[0].id, SLV_STR("a&b")));
	assert_true(again.rules[0].has_max_age);
	assert_false(again.rules[1].has_max_age);
	slv_buf_done(&xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_fits_decides),
		cmocka_unit_test(a_star_stands_for_any_text),
		cmocka_unit_test(origins_and_methods_are_compared_with_case),
		cmocka_unit_test(all_headers_that_are_wanted_must_be_allowed),
		cmocka_unit_test(more_headers_than_may_be_wanted_are_refused),
		cmocka_unit_test(what_is_printed_is_what_was_said),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
