#include "service/object/page.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

static struct object_page_ask of(const char *prefix, const char *delimiter, const char *marker)
{
	return (struct object_page_ask){ .kind = 'o',
		.prefix = slv_str_from(prefix),
		.delimiter = slv_str_from(delimiter),
		.marker = slv_str_from(marker) };
}

static void is_bytes(const char *at, size_t len, const char *expected)
{
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(at, expected, len);
}

static void reads(struct object_page_ask ask, const char *from, const char *until)
{
	struct object_page page;
	assert_true(object_page_init(&page, &ask));
	is_bytes(page.from, page.from_len, from);
	is_bytes(page.until, page.until_len, until);
}

static void a_page_is_of_the_prefix(void **state)
{
	(void)state;
	reads(of("", "", ""), "o", "p");
	reads(of("a/", "/", ""), "oa/", "oa0");
	reads(of("a\xff\xff", "", ""), "oa\xff\xff", "ob");
	reads(of("\xff", "", ""), "o\xff", "p");
}

static void it_begins_behind_the_marker(void **state)
{
	(void)state;
	reads(of("", "", "b"), "ob\1", "p");
	reads(of("a/", "", "a/b"), "oa/b\1", "oa0");
	/* A marker before the prefix is before all of it. */
	reads(of("b", "", "a"), "ob", "oc");
	reads(of("ab", "", "a"), "oab", "oac");
}

static void a_marker_in_a_group_stands_for_all_of_it(void **state)
{
	(void)state;
	reads(of("", "/", "a/"), "oa0", "p");
	reads(of("", "/", "a/b/c"), "oa0", "p");
	reads(of("a/", "/", "a/b/c"), "oa/b0", "oa0");
	reads(of("a/", "/", "a/b"), "oa/b\1", "oa0");
	reads(of("", "-\xff", "a-\xff-"), "oa.", "p");
	/* The delimiter in the prefix is not behind it. */
	reads(of("a/b", "/", "a/bc"), "oa/bc\1", "oa/c");
	/* A prefix of a key with a delimiter is no member of the group. */
	reads(of("", "/", "a"), "oa\1", "p");
}

static void behind_the_prefix_there_is_nothing(void **state)
{
	struct object_page page;
	struct object_page_ask asks[] = { of("a/", "", "b"), of("a/", "/", "a0"), of("a", "", "b"),
		of("a/", "//", "a/\xff") };
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_false(object_page_init(&page, &asks[i]));
	assert_true(object_page_init(&page, &asks[3]));
	/* The group is all that there can be. */
	struct object_page_ask group = of("\xff", "\xff", "\xff\xff\xff");
	assert_false(object_page_init(&page, &group));
}

static void keys_are_folded_behind_the_prefix(void **state)
{
	(void)state;
	struct object_page_ask ask = of("a/", "/", "");
	assert_int_equal(object_page_folded_len(&ask, SLV_STR("a/b/c/d")), 4);
	assert_int_equal(object_page_folded_len(&ask, SLV_STR("a//b")), 3);
	assert_int_equal(object_page_folded_len(&ask, SLV_STR("a/b")), 0);
	assert_int_equal(object_page_folded_len(&ask, SLV_STR("b/b/c")), 0);
	ask.delimiter = (slv_str){ 0 };
	assert_int_equal(object_page_folded_len(&ask, SLV_STR("a/b/c/d")), 0);
}

static void passing_a_group_goes_behind_it(void **state)
{
	struct object_page page;
	(void)state;
	object_page_pass(&page, 'u', SLV_STR("a\xff"));
	is_bytes(page.from, page.from_len, "ub");
	object_page_pass(&page, 'u', SLV_STR("a/"));
	is_bytes(page.from, page.from_len, "ua0");
}

static void the_longest_keys_fit(void **state)
{
	static char key[SLV_OBJECT_KEY_BYTES_MAX + 1];
	struct object_page page;
	struct object_page_ask ask = of("", "", "");
	(void)state;
	memset(key, 'k', sizeof(key));
	ask.prefix = ask.marker = (slv_str){ key, SLV_OBJECT_KEY_BYTES_MAX };
	assert_false(slv_object_failed(object_page_check(&ask)));
	assert_true(object_page_init(&page, &ask));
	ask.marker.len++;
	assert_int_equal(object_page_check(&ask).code, SLV_OBJECT_E_KEY_TOO_LONG);
	ask.marker.len--;
	ask.prefix.len++;
	assert_int_equal(object_page_check(&ask).code, SLV_OBJECT_E_KEY_TOO_LONG);
	ask = of("", "", "");
	ask.delimiter = (slv_str){ key, sizeof(key) };
	assert_int_equal(object_page_check(&ask).code, SLV_OBJECT_E_INVALID_ARGUMENT);
}

static void how_many_is_a_number(void **state)
{
	static const struct {
		const char *text;
		uint32_t max;
	} good[] = { { NULL, 1000 }, { "0", 0 }, { "7", 7 }, { "1000", 1000 }, { "1001", 1000 },
		{ "2147483647", 1000 } };
	static const char *const bad[] = { "", "-1", "x", "1x", "2147483648", "1e3", "\n" };
	uint32_t max = 0;
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(good); i++) {
		slv_object_err err = object_page_max(slv_str_from(good[i].text), &max);
		assert_false(slv_object_failed(err));
		assert_int_equal(max, good[i].max);
	}
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(object_page_max(slv_str_from(bad[i]), &max).code,
				SLV_OBJECT_E_INVALID_ARGUMENT);
}

static void the_encoding_is_url(void **state)
{
	bool url = false;
	(void)state;
	assert_false(slv_object_failed(object_page_encoding(SLV_STR("url"), &url)));
	assert_true(url);
	assert_false(slv_object_failed(object_page_encoding((slv_str){ 0 }, &url)));
	assert_false(url);
	assert_int_equal(object_page_encoding(SLV_STR("base64"), &url).code,
			SLV_OBJECT_E_INVALID_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_of_the_prefix),
		cmocka_unit_test(it_begins_behind_the_marker),
		cmocka_unit_test(a_marker_in_a_group_stands_for_all_of_it),
		cmocka_unit_test(behind_the_prefix_there_is_nothing),
		cmocka_unit_test(keys_are_folded_behind_the_prefix),
		cmocka_unit_test(passing_a_group_goes_behind_it),
		cmocka_unit_test(the_longest_keys_fit),
		cmocka_unit_test(how_many_is_a_number),
		cmocka_unit_test(the_encoding_is_url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
