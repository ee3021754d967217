#include "service/object/lifecycle.h"

#include "base/attr.h"
#include "base/testing.h"
#include "http/date.h"

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

static struct slv_object_lifecycle read_rules(struct slv_arena *arena, const char *rules)
{
	struct slv_object_lifecycle lifecycle;
	slv_str xml = slv_str_printf(
			arena, "<LifecycleConfiguration>%s</LifecycleConfiguration>", rules);
	slv_object_err err = slv_object_document_lifecycle(arena, xml, &lifecycle);
	if (slv_object_failed(err))
		fail_msg("%s", err.what);
	return lifecycle;
}

/* "2030-01-31T10:00:00.001Z"; NULL: never. */
static int64_t ms(const char *text)
{
	int64_t s;
	if (!text)
		return OBJECT_NEVER_MS;
	assert_true(slv_date_parse_iso(slv_str_from(text), &s));
	return s * 1000 +
	       (text[19] == '.' ? (text[20] - '0') * 100 + (text[21] - '0') * 10 + (text[22] - '0')
				: 0);
}

#define RULE(prefix, status, rest)                                                                 \
	"<Rule><Filter><Prefix>" prefix "</Prefix></Filter><Status>" status "</Status>" rest "</R" \
	"ule>"
#define ON(prefix, rest) RULE(prefix, "Enabled", rest)
#define OFF(prefix, rest) RULE(prefix, "Disabled", rest)
#define DAYS(n) "<Expiration><Days>" #n "</Days></Expiration>"
#define DATE(text) "<Expiration><Date>" text "</Date></Expiration>"
#define ABORT(n)                                                                                   \
	"<AbortIncompleteMultipartUpload><DaysAfterInitiation>" #n "</DaysAfterInitiation></"      \
	"AbortIncompleteMultipartUpload>"

static void days_end_at_a_midnight(void **state)
{
	static const struct {
		const char *modified, *due;
	} table[] = {
		/* The example of S3's manual. */
		{ "2014-01-15T10:30:00.000Z", "2014-01-19T00:00:00.000Z" },
		{ "2014-01-15T00:00:00.001Z", "2014-01-19T00:00:00.000Z" },
		{ "2014-01-15T23:59:59.999Z", "2014-01-19T00:00:00.000Z" },
		{ "2014-01-16T00:00:00.000Z", "2014-01-19T00:00:00.000Z" },
		{ "2016-02-27T12:00:00.000Z", "2016-03-02T00:00:00.000Z" },
	};
	struct slv_object_lifecycle lifecycle = read_rules(*state, ON("", DAYS(3)));
	for (size_t i = 0; i < SLV_COUNT(table); i++)
		assert_int_equal(object_lifecycle_expires_ms(
						 &lifecycle, SLV_STR("k"), ms(table[i].modified)),
				ms(table[i].due));
}

static void the_earliest_rule_of_a_key_counts(void **state)
{
	static const struct {
		const char *key, *due;
	} table[] = {
		{ "logs/a", "2030-01-03T00:00:00Z" },
		{ "logs/keep/a", "2030-01-03T00:00:00Z" },
		{ "log", "2030-01-12T00:00:00Z" },
		{ "old/a", "2020-06-01T00:00:00Z" },
		{ "off/a", "2030-01-12T00:00:00Z" },
		{ "abort/a", "2030-01-12T00:00:00Z" },
	};
	struct slv_object_lifecycle lifecycle = read_rules(*state,
			ON("", DAYS(10)) ON("logs/", DAYS(1)) ON("logs/keep/", DAYS(30))
					ON("old/", DATE("2020-06-01")) OFF("off/", DAYS(1))
							ON("abort/", ABORT(1)));
	for (size_t i = 0; i < SLV_COUNT(table); i++)
		assert_int_equal(object_lifecycle_expires_ms(&lifecycle, slv_str_from(table[i].key),
						 ms("2030-01-01T12:00:00Z")),
				ms(table[i].due));
}

static void what_no_rule_is_about_stays(void **state)
{
	struct slv_object_lifecycle lifecycle =
			read_rules(*state, ON("a/", DAYS(1)) OFF("b/", DATE("2020-06-01")));
	struct slv_object_lifecycle none = { 0 };
	int64_t at = ms("2030-01-01T12:00:00Z");
	assert_int_equal(object_lifecycle_expires_ms(&lifecycle, SLV_STR("b/x"), at),
			OBJECT_NEVER_MS);
	assert_int_equal(
			object_lifecycle_expires_ms(&lifecycle, SLV_STR("a"), at), OBJECT_NEVER_MS);
	assert_int_equal(object_lifecycle_expires_ms(&none, SLV_STR("a/"), at), OBJECT_NEVER_MS);
	/* The longest time that a rule may say, and one that nobody wrote. */
	lifecycle = read_rules(*state, ON("", DAYS(2147483647)));
	assert_true(object_lifecycle_expires_ms(&lifecycle, SLV_STR("a"), at) > at);
	assert_int_equal(object_lifecycle_expires_ms(&lifecycle, SLV_STR("a"), INT64_MAX),
			OBJECT_NEVER_MS);
}

static void uploads_are_given_up_by_rules_or_after_a_week(void **state)
{
	static const struct {
		const char *rules, *key, *due;
	} table[] = {
		{ ON("", DAYS(1)), "a", "2030-01-09T00:00:00Z" },
		{ ON("", ABORT(2)), "a", "2030-01-04T00:00:00Z" },
		{ ON("a", ABORT(2)) ON("", ABORT(1)), "a", "2030-01-03T00:00:00Z" },
		{ ON("", ABORT(30)), "a", "2030-02-01T00:00:00Z" },
		/* Said, but not about this one. */
		{ ON("b", ABORT(2)), "a", NULL },
		{ OFF("", ABORT(2)), "a", NULL },
		{ OFF("", ABORT(2)) ON("a", ABORT(3)), "a", "2030-01-05T00:00:00Z" },
	};
	struct slv_object_lifecycle none = { 0 };
	int64_t began = ms("2030-01-01T12:00:00Z");
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_lifecycle lifecycle = read_rules(*state, table[i].rules);
		assert_int_equal(object_lifecycle_aborts_ms(
						 &lifecycle, slv_str_from(table[i].key), began),
				ms(table[i].due));
	}
	assert_int_equal(object_lifecycle_aborts_ms(&none, SLV_STR("a"), began),
			ms("2030-01-09T00:00:00Z"));
}

static void only_keys_that_may_expire_need_be_looked_at(void **state)
{
	static const struct {
		const char *rules, *prefix; /* NULL: none may */
	} table[] = {
		{ ON("", ABORT(1)), NULL },
		{ OFF("a", DAYS(1)), NULL },
		{ ON("a/b", DAYS(1)), "a/b" },
		{ ON("a/b", DAYS(1)) ON("a/c", DATE("2030-01-01")), "a/" },
		{ ON("a/b", DAYS(1)) ON("a/", DAYS(2)), "a/" },
		{ ON("a/b", DAYS(1)) ON("b/b", DAYS(2)), "" },
		{ ON("a/b", DAYS(1)) ON("", ABORT(2)) OFF("c", DAYS(1)), "a/b" },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_lifecycle lifecycle = read_rules(*state, table[i].rules);
		slv_str prefix;
		bool any = object_lifecycle_expires(&lifecycle, &prefix);
		assert_true(any == (table[i].prefix != NULL));
		if (any)
			assert_true(slv_str_eq(prefix, slv_str_from(table[i].prefix)));
	}
}

static void what_is_printed_is_what_was_said(void **state)
{
	struct slv_object_lifecycle lifecycle = read_rules(*state,
			"<Rule><ID>x&lt;y</ID><Prefix> "
			"a&amp;b</Prefix><Status>Enabled</Status>" DAYS(3)
					ABORT(4) "</Rule>" OFF("", DATE("2030-01-01")));
	struct slv_buf xml;
	slv_buf_init(&xml, SLV_KIB(4));
	object_lifecycle_print(&lifecycle, &xml);
	slv_str text = slv_buf_str(&xml);
	const char *want =
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			"<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<Rule><ID>x&lt;y</ID><Filter><Prefix> a&amp;b</Prefix></Filter>"
			"<Status>Enabled</Status><Expiration><Days>3</Days></Expiration>"
			"<AbortIncompleteMultipartUpload><DaysAfterInitiation>4"
			"</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>"
			"<Rule><Filter><Prefix></Prefix></Filter><Status>Disabled</Status>"
			"<Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>"
			"</LifecycleConfiguration>";
	assert_int_equal(text.len, strlen(want));
	assert_memory_equal(text.at, want, text.len);
	struct slv_object_lifecycle again;
	slv_object_err err = slv_object_document_lifecycle(*state, text, &again);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_int_equal(again.count, 2);
	assert_true(slv_str_eq(again.rules[0].prefix, SLV_STR(" a&b")));
	assert_int_equal(again.rules[0].abort_days, 4);
	assert_int_equal(again.rules[1].expire_at_s * 1000, ms("2030-01-01T00:00:00Z"));
	assert_false(again.rules[1].enabled);
	slv_buf_done(&xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_end_at_a_midnight),
		cmocka_unit_test(the_earliest_rule_of_a_key_counts),
		cmocka_unit_test(what_no_rule_is_about_stays),
		cmocka_unit_test(uploads_are_given_up_by_rules_or_after_a_week),
		cmocka_unit_test(only_keys_that_may_expire_need_be_looked_at),
		cmocka_unit_test(what_is_printed_is_what_was_said),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
