#include "service/object/policy.h"

#include "base/base64.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1375747199) /* 2013-08-05T23:59:59Z */
#define UNTIL "\"expiration\": \"2013-08-06T00:00:00.000Z\""

/* Made anew for every test: a form with a key and a type. */
struct kit {
	struct slv_arena arena;
	struct slv_fields fields;
	struct slv_object_form form;
	struct slv_object_policy policy;
	slv_object_err err;
};

static void add(struct kit *kit, const char *name, const char *value)
{
	assert_false(slv_failed(
			slv_fields_add(&kit->fields, slv_str_from(name), slv_str_from(value))));
}

static int set_up(void **state)
{
	struct kit *kit = test_calloc(1, sizeof(*kit));
	slv_arena_init(&kit->arena, 4096, SLV_MIB(1));
	slv_fields_init(&kit->fields, &kit->arena);
	kit->form = (struct slv_object_form){ SLV_STR("photos"), &kit->fields, NOW };
	add(kit, "key", "user/eric/cat.jpg");
	add(kit, "Content-Type", "image/jpeg");
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	slv_arena_done(&kit->arena);
	test_free(kit);
	return 0;
}

static void check(struct kit *kit, const char *json)
{
	char base64[16384];
	size_t len = strlen(json);
	assert_true(SLV_BASE64_CHARS(len) <= sizeof(base64));
	slv_base64((const uint8_t *)json, len, base64);
	kit->err = slv_object_policy_check(&kit->arena, (slv_str){ base64, SLV_BASE64_CHARS(len) },
			&kit->form, &kit->policy);
}

static void allows(struct kit *kit, const char *json)
{
	check(kit, json);
	if (slv_object_failed(kit->err))
		fail_msg("%s: %s", json, kit->err.what);
}

static void refuses(struct kit *kit, const char *json, enum slv_object_code code, const char *part)
{
	check(kit, json);
	if (kit->err.code != code || !strstr(kit->err.what, part))
		fail_msg("%s: %s", json, kit->err.what ? kit->err.what : "taken");
}

#define BOTH "[\"starts-with\", \"$key\", \"user/eric/\"], {\"content-type\": \"image/jpeg\"}"

static void a_form_that_is_as_it_says_may_be_sent(void **state)
{
	struct kit *kit = *state;
	allows(kit, "{" UNTIL ", \"conditions\": [" BOTH "]}");
	assert_true(kit->policy.bytes_min == 0 && kit->policy.bytes_max == UINT64_MAX);
	allows(kit, "{" UNTIL ", \"conditions\": [" BOTH ", {\"bucket\": \"photos\"}]}");
	allows(kit, "{" UNTIL ", \"conditions\": [[\"EQ\", \"$Key\", \"user/eric/cat.jpg\"],"
		    "[\"starts-with\", \"$Content-Type\", \"\"], [\"eq\", \"$nothing\", \"\"]]}");
	add(kit, "policy", "p");
	add(kit, "X-Amz-Signature", "s");
	add(kit, "x-ignore-me", "i");
	allows(kit, "{" UNTIL ", \"conditions\": [" BOTH "]}");
}

static void a_form_that_is_not_is_told_why(void **state)
{
	struct kit *kit = *state;
	static const struct {
		const char *conditions, *part;
	} table[] = {
		{ "{\"content-type\": \"image/jpeg\"}", "Extra input fields: key" },
		{ "[\"starts-with\", \"$key\", \"\"]", "Extra input fields: Content-Type" },
		{ BOTH ", {\"bucket\": \"other\"}", "Condition failed: the field is bucket" },
		{ BOTH ", [\"starts-with\", \"$key\", \"user/erica\"]", "is key" },
		{ BOTH ", [\"eq\", \"$key\", \"user/eric/\"]", "is key" },
		{ BOTH ", {\"Content-Type\": \"image/JPEG\"}", "is Content-Type" },
		{ BOTH ", {\"x-amz-meta-a\": \"b\"}", "is x-amz-meta-a" },
		{ BOTH ", [\"starts-with\", \"$acl\", \"p\"]", "is acl" },
	};
	char json[1000];
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		snprintf(json, sizeof(json), "{" UNTIL ", \"conditions\": [%s]}",
				table[i].conditions);
		refuses(kit, json, SLV_OBJECT_E_ACCESS_DENIED, table[i].part);
	}
}

static void the_bucket_may_be_a_field(void **state)
{
	struct kit *kit = *state;
	static const char by_any[] = "{" UNTIL ", \"conditions\": [" BOTH
				     ", [\"starts-with\", \"$bucket\", \"\"]]}";
	add(kit, "bucket", "photos");
	allows(kit, "{" UNTIL ", \"conditions\": [" BOTH ", {\"bucket\": \"photos\"}]}");
	allows(kit, "{" UNTIL ", \"conditions\": [" BOTH ", [\"eq\", \"$Bucket\", \"photos\"]]}");
	allows(kit, by_any);
	refuses(kit, "{" UNTIL ", \"conditions\": [" BOTH "]}", SLV_OBJECT_E_ACCESS_DENIED,
			"Extra input fields: bucket");
	kit->fields.at[2].value = SLV_STR("other");
	refuses(kit, by_any, SLV_OBJECT_E_ACCESS_DENIED, "Condition failed: the field is bucket");
	refuses(kit, "{" UNTIL ", \"conditions\": [" BOTH ", {\"bucket\": \"photos\"}]}",
			SLV_OBJECT_E_ACCESS_DENIED, "Condition failed: the field is bucket");
}

static void it_ends_when_it_says(void **state)
{
	struct kit *kit = *state;
	kit->form.now_s = NOW + 1;
	refuses(kit, "{" UNTIL ", \"conditions\": [" BOTH "]}", SLV_OBJECT_E_ACCESS_DENIED,
			"Policy expired");
}

static void ranges_are_the_narrowest(void **state)
{
	struct kit *kit = *state;
	allows(kit, "{" UNTIL ", \"conditions\": [" BOTH
		    ", [\"content-length-range\", 10, 100], [\"content-length-range\", \"5\","
		    " \"50\"]]}");
	assert_true(kit->policy.bytes_min == 10 && kit->policy.bytes_max == 50);
}

static void what_is_no_policy_is_refused(void **state)
{
	struct kit *kit = *state;
	static const char *const bad[] = { "", "hello", "[]", "{}", "{" UNTIL "}",
		"{" UNTIL ", \"conditions\": {}}", "{\"conditions\": []}",
		"{\"expiration\": 1, \"conditions\": []}",
		"{\"expiration\": \"tomorrow\", \"conditions\": []}",
		"{" UNTIL ", \"conditions\": [1]}", "{" UNTIL ", \"conditions\": [[]]}",
		"{" UNTIL ", \"conditions\": [{}]}",
		"{" UNTIL ", \"conditions\": [{\"a\": \"\", \"b\": \"\"}]}",
		"{" UNTIL ", \"conditions\": [{\"a\": 1}]}",
		"{" UNTIL ", \"conditions\": [[\"eq\", \"key\", \"a\"]]}",
		"{" UNTIL ", \"conditions\": [[\"eq\", \"$a\", 1]]}",
		"{" UNTIL ", \"conditions\": [[\"eq\", \"$a\"]]}",
		"{" UNTIL ", \"conditions\": [[\"eq\", \"$a\", \"\", \"\"]]}",
		"{" UNTIL ", \"conditions\": [[\"ends-with\", \"$a\", \"\"]]}",
		"{" UNTIL ", \"conditions\": [[\"content-length-range\", -1, 2]]}",
		"{" UNTIL ", \"conditions\": [[\"content-length-range\", 1, \"x\"]]}",
		"{" UNTIL ", " UNTIL ", \"conditions\": []}" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		refuses(kit, bad[i], SLV_OBJECT_E_INVALID_POLICY_DOCUMENT, "");
	kit->err = slv_object_policy_check(
			&kit->arena, SLV_STR("{}"), &kit->form, &kit->policy); /* no Base64 */
	assert_int_equal(kit->err.code, SLV_OBJECT_E_INVALID_POLICY_DOCUMENT);
}

static void conditions_have_a_bound(void **state)
{
	struct kit *kit = *state;
	char json[12000];
	for (int more = 0; more < 2; more++) {
		size_t len = (size_t)sprintf(json, "{" UNTIL ", \"conditions\": [" BOTH);
		for (int i = 2; i < SLV_OBJECT_CONDITIONS_MAX + more; i++)
			len += (size_t)sprintf(json + len, ", [\"starts-with\", \"$key\", \"u\"]");
		strcpy(json + len, "]}");
		if (more)
			refuses(kit, json, SLV_OBJECT_E_INVALID_POLICY_DOCUMENT, "256");
		else
			allows(kit, json);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_form_that_is_as_it_says_may_be_sent),
		TEST(a_form_that_is_not_is_told_why),
		TEST(the_bucket_may_be_a_field),
		TEST(it_ends_when_it_says),
		TEST(ranges_are_the_narrowest),
		TEST(what_is_no_policy_is_refused),
		TEST(conditions_have_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
