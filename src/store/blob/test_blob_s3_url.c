#include "base/testing.h"
#include "store/blob/s3.h"

#include <stdio.h>
#include <string.h>

static void urls_are_read(void **state)
{
	struct s3_url url;
	(void)state;
	assert_false(slv_failed(s3_url_read(SLV_STR("s3://K-1.x_y@h.example/buck.et"), &url)));
	assert_true(slv_str_eq(url.key_id, SLV_STR("K-1.x_y")));
	assert_true(slv_str_eq(url.host, SLV_STR("h.example")));
	assert_true(slv_str_eq(url.bucket, SLV_STR("buck.et")));
	assert_true(slv_str_eq(url.region, SLV_STR("us-east-1")));
	assert_int_equal(url.prefix.len + url.ca.len, 0);
	assert_false(url.plain);
	assert_false(slv_failed(s3_url_read(SLV_STR("s3://k@[::1]:9000/bucket/a/"
						    "b-1?region=eu-west-3&tls=false&ca=/c.pem"),
			&url)));
	assert_true(slv_str_eq(url.host, SLV_STR("[::1]:9000")));
	assert_true(slv_str_eq(url.prefix, SLV_STR("a/b-1")));
	assert_true(slv_str_eq(url.region, SLV_STR("eu-west-3")));
	assert_true(slv_str_eq(url.ca, SLV_STR("/c.pem")));
	assert_true(url.plain);
	assert_false(slv_failed(s3_url_read(SLV_STR("s3://k@h:65535/bucket/?tls=true"), &url)));
	assert_int_equal(url.prefix.len, 0);
}

static void urls_that_are_none_are_refused(void **state)
{
	struct s3_url url;
	(void)state;
	static const char *const bad[] = { "", "s3:", "s3:/k@h/bucket", "S3://k@h/bucket",
		"s3://h/bucket", "s3://@h/bucket", "s3://k:secret@h/bucket", "s3://k%20@h/bucket",
		"s3://k@/bucket", "s3://k@h", "s3://k@h/", "s3://k@h/bu", "s3://k@h/bu%20ck",
		"s3://k@h:/bucket", "s3://k@h:0/bucket", "s3://k@h:65536/bucket",
		"s3://k@h:1x/bucket", "s3://k@h@h/bucket", "s3://k@[::1/bucket", "s3://k@[]/bucket",
		"s3://k@[::1]1/bucket", "s3://k@h/bucket/a//b", "s3://k@h/bucket/a/",
		"s3://k@h/bucket//a", "s3://k@h/bucket/../a", "s3://k@h/bucket/a/.",
		"s3://k@h/bucket/a b", "s3://k@h/bucket?",
		"s3://k@h/bucket?region=", "s3://k@h/bucket?region=a_b", "s3://k@h/bucket?tls=no",
		"s3://k@h/bucket?ca=c.pem", "s3://k@h/bucket?style=path",
		"s3://k@h/bucket?tls=true&" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		if (s3_url_read(slv_str_from(bad[i]), &url).code != SLV_E_SYNTAX)
			fail_msg("%s is taken", bad[i]);
}

static void names_in_urls_have_bounds(void **state)
{
	char text[700], part[300];
	struct s3_url url;
	static const struct {
		const char *fmt;
		int most;
	} table[] = { { "s3://%.*s@h/bucket", 128 }, { "s3://k@%.*s/bucket", 260 },
		{ "s3://k@h/%.*s", 63 }, { "s3://k@h/bucket/%.*s", 256 },
		{ "s3://k@h/bucket?region=%.*s", 128 } };
	(void)state;
	memset(part, 'a', sizeof(part));
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		for (int more = 0; more < 2; more++) {
			const char *hole = strstr(table[i].fmt, "%.*s");
			snprintf(text, sizeof(text), "%.*s%.*s%s", (int)(hole - table[i].fmt),
					table[i].fmt, table[i].most + more, part, hole + 4);
			assert_int_equal(slv_failed(s3_url_read(slv_str_from(text), &url)), more);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_read),
		cmocka_unit_test(urls_that_are_none_are_refused),
		cmocka_unit_test(names_in_urls_have_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
