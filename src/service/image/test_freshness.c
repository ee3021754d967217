#include "service/image/freshness.h"

#include "base/testing.h"

#define NOW_S 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct slv_image_ttl ttl = { .unsaid_s = 100, .least_s = 10, .most_s = 1000 };

/* `text` is lines of fields; `said` is of replies before. */
static struct slv_image_freshness said_after(struct slv_image_said *said, const char *text)
{
	struct slv_arena arena;
	struct slv_fields fields;
	slv_arena_init(&arena, 1024, 65536);
	slv_fields_init(&fields, &arena);
	for (slv_str rest = slv_str_from(text); rest.len;) {
		slv_str line = slv_str_cut(&rest, '\n'), name = slv_str_cut(&line, ':');
		assert_false(slv_failed(slv_fields_add(&fields, name, slv_str_trim(line))));
	}
	struct slv_image_freshness fresh = slv_image_freshness_read(&fields, &ttl, NOW_S, said);
	slv_arena_done(&arena);
	return fresh;
}

static struct slv_image_freshness said_by(const char *text)
{
	struct slv_image_said said = SLV_IMAGE_UNSAID;
	return said_after(&said, text);
}

static void how_long_is_said_within_bounds(void **state)
{
	static const struct {
		const char *fields;
		uint32_t ttl_s;
	} rows[] = {
		{ "", 100 },
		{ "Cache-Control: public", 100 },
		{ "Cache-Control:", 100 },
		{ "Cache-Control: ,,", 100 },
		{ "Cache-Control: max-age=50", 50 },
		{ "cache-control: public , Max-Age = 50", 50 },
		{ "Cache-Control: max-age=\"50\"", 50 },
		{ "Cache-Control: max-age=50, s-maxage=70", 70 },
		{ "Cache-Control: s-maxage=70, max-age=50", 70 },
		{ "Cache-Control: max-age=50\nCache-Control: s-maxage=70", 70 },
		/* the bounds */
		{ "Cache-Control: max-age=9", 10 },
		{ "Cache-Control: max-age=10", 10 },
		{ "Cache-Control: max-age=11", 11 },
		{ "Cache-Control: max-age=999", 999 },
		{ "Cache-Control: max-age=1000", 1000 },
		{ "Cache-Control: max-age=1001", 1000 },
		{ "Cache-Control: max-age=4294967295", 1000 },
		{ "Cache-Control: max-age=4294967296", 1000 },
		{ "Cache-Control: max-age=99999999999999999999999", 1000 },
		/* no number */
		{ "Cache-Control: max-age=much", 10 },
		{ "Cache-Control: max-age=-1", 10 },
		{ "Cache-Control: max-age=", 10 },
		{ "Cache-Control: max-age", 10 },
		{ "Cache-Control: max-age=50s", 10 },
		{ "Cache-Control: max-age=5 0", 10 },
		{ "Cache-Control: max-age=\"50", 10 },
		{ "Cache-Control: max-age=\"\"", 10 },
		{ "Cache-Control: max-age=0x50", 10 },
		/* twice */
		{ "Cache-Control: max-age=50, max-age=60", 50 },
		{ "Cache-Control: max-age=60\nCache-Control: max-age=50", 60 },
		{ "Cache-Control: max-age=no, max-age=50", 10 },
		/* no directive of its own */
		{ "Cache-Control: x-max-age=50", 100 },
		{ "Cache-Control: x=\"a, max-age=50, b\"", 100 },
		{ "Cache-Control: x=\"\\\", max-age=50, b\"", 100 },
		{ "Cache-Control: x=\"a, b\", max-age=50", 50 },
		{ "Cache-Control: x=\"never ends, max-age=50", 100 },
		{ "Cache-Controls: max-age=50", 100 },
		/* Age */
		{ "Cache-Control: max-age=50\nAge: 20", 30 },
		{ "Age: 20\nCache-Control: max-age=50", 30 },
		{ "Cache-Control: max-age=50\nAge: 40", 10 },
		{ "Cache-Control: max-age=50\nAge: 50", 10 },
		{ "Cache-Control: max-age=50\nAge: 99999999999999999999", 10 },
		{ "Cache-Control: max-age=50\nAge: old", 50 },
		{ "Cache-Control: max-age=50\nAge: -20", 50 },
		{ "Cache-Control: max-age=2000\nAge: 1500", 500 },
		{ "Age: 20", 100 },
		{ "Cache-Control: max-age=50\nAge: 20, 30", 30 },
		{ "Cache-Control: max-age=50\nAge: 20 ,", 30 },
		{ "Cache-Control: max-age=50\nAge: 20\nAge: 30", 30 },
		{ "Cache-Control: max-age=50\nAge: , 30", 50 },
		/* Date */
		{ "Cache-Control: max-age=50\nDate: Sun, 06 Nov 1994 08:49:37 GMT", 50 },
		{ "Cache-Control: max-age=50\nDate: Sun, 06 Nov 1994 08:49:17 GMT", 30 },
		{ "Cache-Control: max-age=50\nDate: Sun, 06 Nov 1994 08:49:17 GMT\nAge: 10", 30 },
		{ "Cache-Control: max-age=50\nDate: Sun, 06 Nov 1994 08:49:17 GMT\nAge: 30", 20 },
		{ "Cache-Control: max-age=50\nDate: Sun, 06 Nov 1994 08:50:37 GMT", 50 },
		{ "Cache-Control: max-age=50\nDate: Thu, 01 Jan 1970 00:00:00 GMT", 10 },
		{ "Cache-Control: max-age=50\nDate: today", 50 },
		{ "Date: Thu, 01 Jan 1970 00:00:00 GMT", 100 },
		/* no-cache */
		{ "Cache-Control: no-cache", 10 },
		{ "Cache-Control: no-cache, max-age=50", 10 },
		{ "Cache-Control: s-maxage=600\nCache-Control: no-cache=\"x\"", 10 },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT\nCache-Control: no-cache", 10 },
		/* Expires */
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT", 60 },
		{ "Expires: Sunday, 06-Nov-94 08:50:37 GMT", 60 },
		{ "Expires: Sun Nov  6 08:50:37 1994", 60 },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT\nAge: 20", 40 },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT\n"
		  "Date: Sun, 06 Nov 1994 08:50:07 GMT",
				30 },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT\n"
		  "Date: Sun, 06 Nov 1994 08:49:17 GMT",
				60 },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT\nDate: today", 60 },
		{ "Expires: Sun, 06 Nov 1994 08:49:37 GMT", 10 },
		{ "Expires: Sun, 06 Nov 1994 08:49:36 GMT", 10 },
		{ "Expires: Thu, 01 Jan 1970 00:00:00 GMT", 10 },
		{ "Expires: Fri, 31 Dec 9999 23:59:59 GMT", 1000 },
		{ "Expires: 0", 10 },
		{ "Expires: -1", 10 },
		{ "Expires:", 10 },
		{ "Expires: 0\nCache-Control: max-age=50", 50 },
		{ "Expires: 0\nCache-Control: s-maxage=50", 50 },
		{ "Expires: 0\nCache-Control: public", 10 },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct slv_image_freshness fresh = said_by(rows[i].fields);
		if (fresh.ttl_s != rows[i].ttl_s)
			fail_msg("%s: %u", rows[i].fields, fresh.ttl_s);
		assert_false(fresh.private_data);
	}
}

static void what_may_not_be_kept_is_told_by_a_directive(void **state)
{
	static const struct {
		const char *fields;
		bool private_data, never_stale;
	} rows[] = {
		{ "", false, false },
		{ "Cache-Control: public, max-age=5", false, false },
		{ "Cache-Control: private", true, false },
		{ "Cache-Control: no-store", true, false },
		{ "Cache-Control: NO-STORE,public", true, false },
		{ "Cache-Control: max-age=50, Private", true, false },
		{ "Cache-Control: private=\"set-cookie\"", true, false },
		{ "Cache-Control: private=", true, false },
		{ "Cache-Control: public\nCache-Control: private", true, false },
		{ "Cache-Control: x=\"y, z\", private", true, false },
		{ "Cache-Control: ,, ,\tprivate", true, false },
		{ "Cache-Control: x=\"private, no-store\"", false, false },
		{ "Cache-Control: no-stored, privat, x-private", false, false },
		{ "Cache-Control: x=private", false, false },
		{ "Pragma: private", false, false },
		{ "Cache-Control: no-cache", false, true },
		{ "Cache-Control: must-revalidate", false, true },
		{ "Cache-Control: max-age=50, Proxy-Revalidate", false, true },
		{ "Cache-Control: s-maxage=50", false, true },
		{ "Cache-Control: S-MaxAge=no, max-age=50", false, true },
		{ "Cache-Control: x-s-maxage=50", false, false },
		{ "Cache-Control: private, no-cache", true, true },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct slv_image_freshness fresh = said_by(rows[i].fields);
		if (fresh.private_data != rows[i].private_data ||
				fresh.never_stale != rows[i].never_stale)
			fail_msg("%s", rows[i].fields);
	}
}

static void a_304_replaces_what_it_says_and_leaves_the_rest(void **state)
{
	static const struct {
		const char *before, *after;
		uint32_t ttl_s;
		bool private_data, never_stale;
	} rows[] = {
		{ "Cache-Control: max-age=50", "", 50, false, false },
		{ "Cache-Control: max-age=50\nAge: 20", "", 50, false, false },
		{ "Cache-Control: max-age=50", "Age: 20", 30, false, false },
		{ "Cache-Control: max-age=50", "Cache-Control: public", 100, false, false },
		{ "Cache-Control: max-age=50", "Cache-Control:", 100, false, false },
		{ "Cache-Control: max-age=50, must-revalidate", "ETag: x", 50, false, true },
		{ "Cache-Control: max-age=50, must-revalidate", "Cache-Control: max-age=60", 60,
				false, false },
		{ "Cache-Control: no-cache", "", 10, false, true },
		{ "Cache-Control: no-cache", "Cache-Control: max-age=60", 60, false, false },
		{ "Cache-Control: s-maxage=70", "", 70, false, true },
		{ "Cache-Control: max-age=50", "Cache-Control: private", 100, true, false },
		{ "Cache-Control: private", "", 100, true, false },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT", "", 60, false, false },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT", "Date: Sun, 06 Nov 1994 08:50:07 GMT",
				30, false, false },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT",
				"Expires: Sun, 06 Nov 1994 08:51:37 GMT", 120, false, false },
		{ "Expires: 0", "", 10, false, false },
		{ "Expires: 0", "Cache-Control: max-age=60", 60, false, false },
		{ "Cache-Control: max-age=50", "Expires: 0", 50, false, false },
		{ "", "", 100, false, false },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct slv_image_said said = SLV_IMAGE_UNSAID;
		(void)said_after(&said, rows[i].before);
		struct slv_image_freshness fresh = said_after(&said, rows[i].after);
		if (fresh.ttl_s != rows[i].ttl_s || fresh.private_data != rows[i].private_data ||
				fresh.never_stale != rows[i].never_stale)
			fail_msg("%s, then %s: %u", rows[i].before, rows[i].after, fresh.ttl_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_long_is_said_within_bounds),
		cmocka_unit_test(a_304_replaces_what_it_says_and_leaves_the_rest),
		cmocka_unit_test(what_may_not_be_kept_is_told_by_a_directive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
