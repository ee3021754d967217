#include "http/date.h"

#include <string.h>

#define DAY_S 86400
#define DATE_S_MAX 253402300799 /* the last second of the year 9999 */

static const char day_names[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
	unsigned hour, minute, second;
};

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(int64_t year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01 of the first day of a year, for years from 1 on. */
static int64_t year_days(int64_t year)
{
	int64_t past = year - 1;
	return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

static int64_t civil_to_unix(const struct civil *civil)
{
	int64_t days = year_days(civil->year) + civil->day - 1;
	for (unsigned month = 1; month < civil->month; month++)
		days += month_days(civil->year, month);
	return days * DAY_S + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

/* `unix_s` is between 1970 and 9999. */
static struct civil civil_from_unix(int64_t unix_s)
{
	int64_t days = unix_s / DAY_S, second = unix_s % DAY_S;
	struct civil civil = { .year = 1970 + days / 366, .month = 1 };
	while (year_days(civil.year + 1) <= days)
		civil.year++;
	days -= year_days(civil.year);
	while (days >= month_days(civil.year, civil.month))
		days -= month_days(civil.year, civil.month++);
	civil.day = (unsigned)days + 1;
	civil.hour = (unsigned)(second / 3600);
	civil.minute = (unsigned)(second / 60 % 60);
	civil.second = (unsigned)(second % 60);
	return civil;
}

static void put_digits(char *to, size_t len, uint64_t value)
{
	while (len--) {
		to[len] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Into the years that four digits can tell, from 1970 on. */
static int64_t clamp(int64_t unix_s)
{
	return unix_s < 0 ? 0 : unix_s > DATE_S_MAX ? DATE_S_MAX : unix_s;
}

void slv_date_print(int64_t unix_s, char text[static SLV_DATE_BYTES])
{
	unix_s = clamp(unix_s);
	struct civil civil = civil_from_unix(unix_s);

	memcpy(text, "Www, dd Mmm yyyy hh:mm:ss GMT", SLV_DATE_BYTES);
	memcpy(text, day_names[(unix_s / DAY_S + 4) % 7], 3); /* 1970 began on a Thursday */
	put_digits(text + 5, 2, civil.day);
	memcpy(text + 8, month_names[civil.month - 1], 3);
	put_digits(text + 12, 4, (uint64_t)civil.year);
	put_digits(text + 17, 2, civil.hour);
	put_digits(text + 20, 2, civil.minute);
	put_digits(text + 23, 2, civil.second);
}

void slv_date_print_basic(int64_t unix_s, char text[static SLV_DATE_BASIC_BYTES])
{
	struct civil civil = civil_from_unix(clamp(unix_s));
	memcpy(text, "yyyymmddThhmmssZ", SLV_DATE_BASIC_BYTES);
	put_digits(text, 4, (uint64_t)civil.year);
	put_digits(text + 4, 2, civil.month);
	put_digits(text + 6, 2, civil.day);
	put_digits(text + 9, 2, civil.hour);
	put_digits(text + 11, 2, civil.minute);
	put_digits(text + 13, 2, civil.second);
}

/* --- reading: each step takes its part off the head of `*rest` or fails --- */

static bool take_text(slv_str *rest, slv_str text)
{
	if (!slv_str_starts(*rest, text))
		return false;
	*rest = slv_str_from_index(*rest, text.len);
	return true;
}

static bool take_digits(slv_str *rest, size_t len, unsigned *ret_value)
{
	uint64_t value;
	slv_str head = slv_str_head(*rest, len);
	if (head.len != len || !slv_str_u64(head, UINT32_MAX, &value))
		return false;
	*ret_value = (unsigned)value;
	*rest = slv_str_from_index(*rest, len);
	return true;
}

/* The name of a day, all of it or its first three letters. Which day is not compared with
 * the date: it carries nothing. */
static bool take_day_name(slv_str *rest, bool whole)
{
	for (size_t i = 0; i < 7; i++) {
		slv_str name = slv_str_from(day_names[i]);
		if (take_text(rest, whole ? name : slv_str_head(name, 3)))
			return true;
	}
	return false;
}

static bool take_month(slv_str *rest, unsigned *ret_month)
{
	for (unsigned i = 0; i < 12; i++) {
		if (take_text(rest, slv_str_from(month_names[i]))) {
			*ret_month = i + 1;
			return true;
		}
	}
	return false;
}

static bool take_time(slv_str *rest, struct civil *civil)
{
	return take_digits(rest, 2, &civil->hour) && take_text(rest, SLV_STR(":")) &&
	       take_digits(rest, 2, &civil->minute) && take_text(rest, SLV_STR(":")) &&
	       take_digits(rest, 2, &civil->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_imf(slv_str text, struct civil *civil)
{
	unsigned year;
	bool ok = take_day_name(&text, false) && take_text(&text, SLV_STR(", ")) &&
	          take_digits(&text, 2, &civil->day) && take_text(&text, SLV_STR(" ")) &&
	          take_month(&text, &civil->month) && take_text(&text, SLV_STR(" ")) &&
	          take_digits(&text, 4, &year) && take_text(&text, SLV_STR(" ")) &&
	          take_time(&text, civil) && slv_str_eq(text, SLV_STR(" GMT"));
	if (ok)
		civil->year = year;
	return ok;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT". A year that seems to be more than 50 years ahead is the
 * last one before with those digits. */
static bool read_rfc850(slv_str text, int64_t now_s, struct civil *civil)
{
	unsigned year;
	bool ok = take_day_name(&text, true) && take_text(&text, SLV_STR(", ")) &&
	          take_digits(&text, 2, &civil->day) && take_text(&text, SLV_STR("-")) &&
	          take_month(&text, &civil->month) && take_text(&text, SLV_STR("-")) &&
	          take_digits(&text, 2, &year) && take_text(&text, SLV_STR(" ")) &&
	          take_time(&text, civil) && slv_str_eq(text, SLV_STR(" GMT"));
	if (!ok)
		return false;
	int64_t now_year = civil_from_unix(clamp(now_s)).year;
	civil->year = now_year - now_year % 100 + year;
	if (civil->year > now_year + 50)
		civil->year -= 100;
	else if (civil->year + 100 <= now_year + 50)
		civil->year += 100;
	return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(slv_str text, struct civil *civil)
{
	unsigned year;
	bool ok = take_day_name(&text, false) && take_text(&text, SLV_STR(" ")) &&
	          take_month(&text, &civil->month) && take_text(&text, SLV_STR(" ")) &&
	          (take_text(&text, SLV_STR(" ")) ? take_digits(&text, 1, &civil->day)
						  : take_digits(&text, 2, &civil->day)) &&
	          take_text(&text, SLV_STR(" ")) && take_time(&text, civil) &&
	          take_text(&text, SLV_STR(" ")) && take_digits(&text, 4, &year) && text.len == 0;
	if (ok)
		civil->year = year;
	return ok;
}

/* Second 60 is a leap second (RFC 9110 section 5.6.7). */
static bool civil_ok(const struct civil *civil)
{
	return civil->year >= 1 && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
	       civil->day <= month_days(civil->year, civil->month) && civil->hour <= 23 &&
	       civil->minute <= 59 && civil->second <= 60;
}

bool slv_date_parse(slv_str text, int64_t now_s, int64_t *ret_unix_s)
{
	struct civil civil = { 0 };
	if (!read_imf(text, &civil) && !read_rfc850(text, now_s, &civil) &&
			!read_asctime(text, &civil))
		return false;
	if (!civil_ok(&civil))
		return false;
	*ret_unix_s = civil_to_unix(&civil);
	return true;
}

bool slv_date_parse_basic(slv_str text, int64_t *ret_unix_s)
{
	struct civil civil = { 0 };
	unsigned year;
	if (!take_digits(&text, 4, &year) || !take_digits(&text, 2, &civil.month) ||
			!take_digits(&text, 2, &civil.day) || !take_text(&text, SLV_STR("T")) ||
			!take_digits(&text, 2, &civil.hour) ||
			!take_digits(&text, 2, &civil.minute) ||
			!take_digits(&text, 2, &civil.second) || !slv_str_eq(text, SLV_STR("Z")))
		return false;
	civil.year = year;
	if (!civil_ok(&civil))
		return false;
	*ret_unix_s = civil_to_unix(&civil);
	return true;
}

void slv_date_print_iso(int64_t unix_s, char text[static SLV_DATE_ISO_BYTES])
{
	struct civil civil = civil_from_unix(clamp(unix_s));
	memcpy(text, "yyyy-mm-ddThh:mm:ssZ", SLV_DATE_ISO_BYTES);
	put_digits(text, 4, (uint64_t)civil.year);
	put_digits(text + 5, 2, civil.month);
	put_digits(text + 8, 2, civil.day);
	put_digits(text + 11, 2, civil.hour);
	put_digits(text + 14, 2, civil.minute);
	put_digits(text + 17, 2, civil.second);
}

/* "T" and "Z" may be in lower case. */
static bool take_letter(slv_str *rest, char letter)
{
	if (!rest->len || slv_lower(rest->at[0]) != letter)
		return false;
	*rest = slv_str_from_index(*rest, 1);
	return true;
}

/* ".123", if there is one. */
static bool take_fraction(slv_str *rest)
{
	size_t digits = 0;
	if (!take_text(rest, SLV_STR(".")))
		return true;
	while (digits < rest->len && slv_is_digit(rest->at[digits]))
		digits++;
	*rest = slv_str_from_index(*rest, digits);
	return digits > 0;
}

/* "Z" or "+hh:mm", in seconds to the east; and nothing behind it. */
static bool take_zone(slv_str *rest, int64_t *ret_east_s)
{
	unsigned hour, minute;
	*ret_east_s = 0;
	if (take_letter(rest, 'z'))
		return rest->len == 0;
	bool west = take_text(rest, SLV_STR("-"));
	if (!west && !take_text(rest, SLV_STR("+")))
		return false;
	if (!take_digits(rest, 2, &hour) || !take_text(rest, SLV_STR(":")) ||
			!take_digits(rest, 2, &minute) || rest->len || hour > 23 || minute > 59)
		return false;
	*ret_east_s = (int64_t)(hour * 3600 + minute * 60) * (west ? -1 : 1);
	return true;
}

bool slv_date_parse_iso(slv_str text, int64_t *ret_unix_s)
{
	struct civil civil = { 0 };
	unsigned year;
	int64_t east_s;
	bool ok = take_digits(&text, 4, &year) && take_text(&text, SLV_STR("-")) &&
	          take_digits(&text, 2, &civil.month) && take_text(&text, SLV_STR("-")) &&
	          take_digits(&text, 2, &civil.day) && take_letter(&text, 't') &&
	          take_time(&text, &civil) && take_fraction(&text) && take_zone(&text, &east_s);
	if (!ok)
		return false;
	civil.year = year;
	if (!civil_ok(&civil))
		return false;
	*ret_unix_s = civil_to_unix(&civil) - east_s;
	return true;
}
