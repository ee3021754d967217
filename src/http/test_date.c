#include "http/date.h"

#include "base/attr.h"
#include "base/testing.h"

#define EXAMPLE_S 784111777 /* RFC 9110 section 5.6.7 */
#define NOW_S 1700000000    /* November 2023 */

static void check(int64_t unix_s, slv_str expected)
{
	char text[SLV_DATE_BYTES];
	int64_t back;
	slv_date_print(unix_s, text);
	assert_true(slv_str_eq((slv_str){ text, sizeof(text) }, expected));
	assert_true(slv_date_parse(expected, NOW_S, &back));
	assert_true(back == unix_s);
}

static void dates_are_printed_and_read_back(void **state)
{
	(void)state;
	check(0, SLV_STR("Thu, 01 Jan 1970 00:00:00 GMT"));
	check(EXAMPLE_S, SLV_STR("Sun, 06 Nov 1994 08:49:37 GMT"));
	check(951782400, SLV_STR("Tue, 29 Feb 2000 00:00:00 GMT"));
	check(1709251199, SLV_STR("Thu, 29 Feb 2024 23:59:59 GMT"));
	check(4107542400, SLV_STR("Mon, 01 Mar 2100 00:00:00 GMT"));
	check(253402300799, SLV_STR("Fri, 31 Dec 9999 23:59:59 GMT"));
}

/* A day apart, over four centuries: each date reads back as what was printed, and the days of
 * the week follow each other. */
static void every_day_reads_back(void **state)
{
	(void)state;
	slv_str names = SLV_STR("ThuFriSatSunMonTueWed");
	for (int64_t day = 0; day < 146097; day++) {
		char text[SLV_DATE_BYTES];
		int64_t back;
		slv_date_print(day * 86400 + day % 86400, text);
		slv_str name = slv_str_head(slv_str_from_index(names, day % 7 * 3), 3);
		assert_true(slv_str_eq((slv_str){ text, 3 }, name));
		assert_true(slv_date_parse((slv_str){ text, sizeof(text) }, NOW_S, &back));
		assert_true(back == day * 86400 + day % 86400);
	}
}

static void times_outside_of_the_calendar_are_clamped(void **state)
{
	(void)state;
	char text[SLV_DATE_BYTES];
	slv_date_print(-1, text);
	assert_memory_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT", SLV_DATE_BYTES);
	slv_date_print(INT64_MAX, text);
	assert_memory_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT", SLV_DATE_BYTES);
}

static int64_t parsed(slv_str text, int64_t now_s)
{
	int64_t unix_s = -1;
	assert_true(slv_date_parse(text, now_s, &unix_s));
	return unix_s;
}

static void the_three_forms_are_one_date(void **state)
{
	(void)state;
	int64_t then = EXAMPLE_S;
	assert_true(parsed(SLV_STR("Sun, 06 Nov 1994 08:49:37 GMT"), NOW_S) == then);
	assert_true(parsed(SLV_STR("Sunday, 06-Nov-94 08:49:37 GMT"), NOW_S) == then);
	assert_true(parsed(SLV_STR("Sun Nov  6 08:49:37 1994"), NOW_S) == then);
	assert_true(parsed(SLV_STR("Wed Nov 16 08:49:37 1994"), NOW_S) == then + 10 * 86400);
}

static void two_digits_of_a_year_are_at_most_50_years_ahead(void **state)
{
	(void)state;
	/* In 2023: 73 is 2073, 74 is 1974. */
	assert_true(parsed(SLV_STR("Sunday, 01-Jan-73 00:00:00 GMT"), NOW_S) ==
			parsed(SLV_STR("Sun, 01 Jan 2073 00:00:00 GMT"), NOW_S));
	assert_true(parsed(SLV_STR("Tuesday, 01-Jan-74 00:00:00 GMT"), NOW_S) ==
			parsed(SLV_STR("Tue, 01 Jan 1974 00:00:00 GMT"), NOW_S));
	/* In 2079: 05 is 2105. */
	assert_true(parsed(SLV_STR("Thursday, 01-Jan-05 00:00:00 GMT"), 3439756800) ==
			parsed(SLV_STR("Thu, 01 Jan 2105 00:00:00 GMT"), NOW_S));
	/* A clock that is off does not matter. */
	assert_true(parsed(SLV_STR("Thursday, 01-Jan-05 00:00:00 GMT"), INT64_MIN) ==
			parsed(SLV_STR("Thu, 01 Jan 2005 00:00:00 GMT"), NOW_S));
}

static void a_leap_second_is_the_next_minute(void **state)
{
	(void)state;
	assert_true(parsed(SLV_STR("Sat, 31 Dec 2016 23:59:60 GMT"), NOW_S) ==
			parsed(SLV_STR("Sun, 01 Jan 2017 00:00:00 GMT"), NOW_S));
}

static void what_is_no_date_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "0", "784111777", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nom 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 1900 00:00:00 GMT",
		"Thu, 29 Feb 2023 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov 19945 08:49:37 GMT",
		"Sun, 06 Nov 1994 +8:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
		"Sun Nov 06 08:49:37 1994 GMT", "Sun, 06 Nov 1994 08:49" };
	int64_t unix_s = 5;
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_false(slv_date_parse(slv_str_from(cases[i]), NOW_S, &unix_s));
	assert_true(unix_s == 5);
}

static void the_basic_form_is_read_too(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t unix_s; /* -1: it is none */
	} table[] = {
		{ "19700101T000000Z", 0 },
		{ "19941106T084937Z", 784111777 },
		{ "20240229T235959Z", 1709251199 },
		{ "20230229T000000Z", -1 },
		{ "20241301T000000Z", -1 },
		{ "20240101T240000Z", -1 },
		{ "20240101T000000", -1 },
		{ "20240101T000000z", -1 },
		{ "20240101T000000Z ", -1 },
		{ "20240101 000000Z", -1 },
		{ "2024-01-01T00:00:00Z", -1 },
		{ "+0240101T000000Z", -1 },
		{ "", -1 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		int64_t unix_s = -1;
		bool is = slv_date_parse_basic(slv_str_from(table[i].text), &unix_s);
		assert_true(is == (table[i].unix_s >= 0));
		assert_true(unix_s == table[i].unix_s);
		if (!is)
			continue;
		char again[SLV_DATE_BASIC_BYTES];
		slv_date_print_basic(unix_s, again);
		assert_memory_equal(again, table[i].text, sizeof(again));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_printed_and_read_back),
		cmocka_unit_test(every_day_reads_back),
		cmocka_unit_test(times_outside_of_the_calendar_are_clamped),
		cmocka_unit_test(the_three_forms_are_one_date),
		cmocka_unit_test(two_digits_of_a_year_are_at_most_50_years_ahead),
		cmocka_unit_test(a_leap_second_is_the_next_minute),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(the_basic_form_is_read_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
