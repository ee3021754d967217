#include "service/image/freshness.h"

#include "http/date.h"
#include "http/token.h"

#define UNSAID UINT64_MAX

/* The first that is said of each. */
struct said {
	uint64_t max_age_s, s_maxage_s;
	bool no_cache, private_data, revalidate;
};

/* Digits; more than we count to are as many as we count to (RFC 9111 section 1.2.2). */
static bool read_seconds(slv_str text, uint64_t *ret_s)
{
	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!slv_is_digit(text.at[i]))
			return false;
	if (!slv_str_u64(text, UINT32_MAX, ret_s))
		*ret_s = UINT32_MAX;
	return true;
}

/* Of max-age and s-maxage, in quotes or not (section 5.2). */
static void read_age(slv_str value, uint64_t *age_s)
{
	uint64_t seconds = 0;
	if (*age_s != UNSAID)
		return;
	if (value.len >= 2 && slv_token_quoted_len(value) == value.len)
		value = slv_str_from_index(slv_str_head(value, value.len - 1), 1);
	(void)read_seconds(value, &seconds); /* no number is 0 */
	*age_s = seconds;
}

static void read_directive(slv_str text, struct said *said)
{
	slv_str value = text, name = slv_str_trim(slv_str_cut(&value, '='));
	if (slv_str_eq_nocase(name, SLV_STR("no-store")) ||
			slv_str_eq_nocase(name, SLV_STR("private")))
		said->private_data = true;
	else if (slv_str_eq_nocase(name, SLV_STR("s-maxage")))
		read_age(slv_str_trim(value), &said->s_maxage_s);
	else if (slv_str_eq_nocase(name, SLV_STR("max-age")))
		read_age(slv_str_trim(value), &said->max_age_s);
	else if (slv_str_eq_nocase(name, SLV_STR("no-cache")))
		said->no_cache = true;
	else if (slv_str_eq_nocase(name, SLV_STR("must-revalidate")) ||
			slv_str_eq_nocase(name, SLV_STR("proxy-revalidate")))
		said->revalidate = true;
}

/* Expires less Date; what is no date is over (section 5.3). */
static uint64_t read_expires(const struct slv_fields *fields, int64_t now_s)
{
	int64_t expires_s, date_s = now_s;
	if (!slv_fields_find(fields, SLV_FIELD_EXPIRES, NULL))
		return UNSAID;
	if (!slv_date_parse(slv_fields_get(fields, SLV_FIELD_EXPIRES), now_s, &expires_s))
		return 0;
	if (!slv_date_parse(slv_fields_get(fields, SLV_FIELD_DATE), now_s, &date_s))
		date_s = now_s;
	return expires_s > date_s ? (uint64_t)(expires_s - date_s) : 0;
}

static uint32_t bounded(const struct slv_image_ttl *ttl, uint64_t ttl_s)
{
	return ttl_s < ttl->least_s  ? ttl->least_s
	       : ttl_s > ttl->most_s ? ttl->most_s
	                             : (uint32_t)ttl_s;
}

struct slv_image_freshness slv_image_freshness_read(
		const struct slv_fields *fields, const struct slv_image_ttl *ttl, int64_t now_s)
{
	struct said said = { .max_age_s = UNSAID, .s_maxage_s = UNSAID };
	for (const struct slv_field *field = NULL;
			(field = slv_fields_find(fields, SLV_FIELD_CACHE_CONTROL, field));) {
		slv_str rest = field->value, directive;
		while (slv_token_next(&rest, &directive))
			read_directive(directive, &said);
	}
	uint64_t ttl_s = said.s_maxage_s, age_s = 0;
	if (ttl_s == UNSAID)
		ttl_s = said.max_age_s;
	if (ttl_s == UNSAID)
		ttl_s = read_expires(fields, now_s);
	/* What was said is said of the time at the origin. */
	(void)read_seconds(slv_fields_get(fields, SLV_FIELD_AGE), &age_s);
	if (said.no_cache)
		ttl_s = 0;
	else if (ttl_s == UNSAID)
		ttl_s = ttl->unsaid_s;
	else
		ttl_s = age_s < ttl_s ? ttl_s - age_s : 0;
	return (struct slv_image_freshness){ .ttl_s = bounded(ttl, ttl_s),
		.private_data = said.private_data,
		.never_stale = said.no_cache || said.revalidate };
}
