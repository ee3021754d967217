#include "main/bucket_page.h"

#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#define PAGE(inner)                                                                                \
	"<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/\">"         \
	"<EncodingType>url</EncodingType>" inner "</ListBucketResult>"
#define OBJECT(key, size) "<Contents><Key>" key "</Key><Size>" size "</Size></Contents>"

struct seen {
	char text[200];
	enum slv_code refuses;
};

static slv_err see(void *arg, slv_str key)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);
	snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s ", SLV_FMT(key));
	return (slv_err){ .code = seen->refuses, .what = "as the test says" };
}

static slv_err read_page(struct slv_arena *arena, const char *xml, struct seen *seen,
		struct bucket_page *page)
{
	slv_arena_init(arena, 256, 4096);
	*page = (struct bucket_page){ .object = see, .arg = seen };
	return bucket_page_read(arena, slv_str_from(xml), page);
}

static void expect(const char *xml, const char *text, const char *next)
{
	struct slv_arena arena;
	struct bucket_page page;
	struct seen seen = { 0 };
	assert_false(slv_failed(read_page(&arena, xml, &seen, &page)));
	assert_string_equal(seen.text, text);
	assert_true(slv_str_eq(page.next, slv_str_from(next)));
	slv_arena_done(&arena);
}

static void refuse(const char *xml, enum slv_code code, const char *part)
{
	struct slv_arena arena;
	struct bucket_page page;
	struct seen seen = { 0 };
	slv_err err = read_page(&arena, xml, &seen, &page);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.what, part));
	slv_arena_done(&arena);
}

static void objects_are_told_in_order_with_decoded_keys(void **state)
{
	(void)state;
	expect(PAGE(""), "", "");
	expect(PAGE(OBJECT("a", "1") OBJECT("b%20c/%C3%BC%26", "0")), "a b c/\xc3\xbc& ", "");
	expect(PAGE(OBJECT("a+b%2Bc", "1")), "a b+c ", "");
	expect(PAGE("<Contents><Size>7</Size><ETag>x</ETag><Key>k</Key></Contents>"), "k ", "");
}

static void a_page_says_how_to_go_on(void **state)
{
	(void)state;
	expect(PAGE("<NextContinuationToken>a=+/</NextContinuationToken>" OBJECT("a", "1")), "a ",
			"a=+/");
	expect(PAGE("<NextContinuationToken>a&amp;b&lt;&gt;&quot;&apos;</NextContinuationToken>"),
			"", "a&b<>\"'");
	expect(PAGE("<NextContinuationToken>&amp;lt;&amp&#38;&</NextContinuationToken>"), "",
			"&lt;&amp&#38;&");
}

static void what_is_no_page_is_refused(void **state)
{
	(void)state;
	refuse("", SLV_E_SYNTAX, "encoding-type=url");
	refuse("<EncodingType>path</EncodingType>", SLV_E_SYNTAX, "encoding-type=url");
	refuse(PAGE("<Contents></Contents>"), SLV_E_SYNTAX, "without a key");
	refuse(PAGE(OBJECT("", "1")), SLV_E_SYNTAX, "without a key");
	refuse(PAGE(OBJECT("%zz", "1")), SLV_E_SYNTAX, "%");
}

static void who_is_told_may_end_it(void **state)
{
	struct slv_arena arena;
	struct bucket_page page;
	struct seen seen = { .refuses = SLV_E_LIMIT };
	(void)state;
	slv_err err = read_page(&arena, PAGE(OBJECT("a", "1") OBJECT("b", "1")), &seen, &page);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_string_equal(seen.text, "a ");
	slv_arena_done(&arena);
}

static void an_error_has_a_code(void **state)
{
	(void)state;
	slv_str xml = SLV_STR("<Error><Code>NoSuchBucket</Code></Error>");
	assert_true(slv_str_eq(bucket_error_read(xml), SLV_STR("NoSuchBucket")));
	assert_int_equal(bucket_error_read(SLV_STR("<Code>x")).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_told_in_order_with_decoded_keys),
		cmocka_unit_test(a_page_says_how_to_go_on),
		cmocka_unit_test(what_is_no_page_is_refused),
		cmocka_unit_test(who_is_told_may_end_it),
		cmocka_unit_test(an_error_has_a_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
