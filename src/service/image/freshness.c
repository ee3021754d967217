#include "service/image/freshness.h"

#include "http/date.h"
#include "http/token.h"

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
	if (*age_s != SLV_IMAGE_UNSAID_S)
		return;
	if (value.len >= 2 && slv_token_quoted_len(value) == value.len)
		value = slv_str_from_index(slv_str_head(value, value.len - 1), 1);
	(void)read_seconds(value, &seconds); /* no number is 0 */
	*age_s = seconds;
}

static void read_directive(slv_str text, struct slv_image_said *said)
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

static void read_control(const struct slv_fields *fields, struct slv_image_said *said)
{
	const struct slv_field *field = slv_fields_find(fields, SLV_FIELD_CACHE_CONTROL, NULL);
	if (field)
		*said = (struct slv_image_said){ .max_age_s = SLV_IMAGE_UNSAID_S,
			.s_maxage_s = SLV_IMAGE_UNSAID_S,
			.expires_s = said->expires_s };
	for (; field; field = slv_fields_find(fields, SLV_FIELD_CACHE_CONTROL, field)) {
		slv_str rest = field->value, directive;
		while (slv_token_next(&rest, &directive))
			read_directive(directive, said);
	}
}

/* What is no date is over (section 5.3). */
static void read_expires(
		const struct slv_fields *fields, int64_t now_s, struct slv_image_said *said)
{
	if (slv_fields_find(fields, SLV_FIELD_EXPIRES, NULL) &&
			!slv_date_parse(slv_fields_get(fields, SLV_FIELD_EXPIRES), now_s,
					&said->expires_s))
		said->expires_s = INT64_MIN;
}

/* The time at the origin; ours if it does not tell. */
static int64_t read_date(const struct slv_fields *fields, int64_t now_s)
{
	int64_t date_s;
	return slv_date_parse(slv_fields_get(fields, SLV_FIELD_DATE), now_s, &date_s) ? date_s
	                                                                              : now_s;
}

/* How old it was when it came (section 4.2.3). */
static uint64_t read_how_old(const struct slv_fields *fields, int64_t now_s, int64_t date_s)
{
	slv_str text = slv_fields_get(fields, SLV_FIELD_AGE);
	uint64_t age_s = 0, apparent_s = now_s > date_s ? (uint64_t)(now_s - date_s) : 0;
	(void)read_seconds(slv_str_trim(slv_str_cut(&text, ',')), &age_s); /* no number is 0 */
	return age_s > apparent_s ? age_s : apparent_s;
}

/* From Date on; SLV_IMAGE_UNSAID_S: nothing is said. */
static uint64_t lifetime_s(const struct slv_image_said *said, int64_t date_s)
{
	if (said->s_maxage_s != SLV_IMAGE_UNSAID_S)
		return said->s_maxage_s;
	if (said->max_age_s != SLV_IMAGE_UNSAID_S)
		return said->max_age_s;
	if (said->expires_s == INT64_MAX)
		return SLV_IMAGE_UNSAID_S;
	return said->expires_s > date_s ? (uint64_t)(said->expires_s - date_s) : 0;
}

static uint32_t bounded(const struct slv_image_ttl *ttl, uint64_t ttl_s)
{
	return ttl_s < ttl->least_s  ? ttl->least_s
	       : ttl_s > ttl->most_s ? ttl->most_s
	                             : (uint32_t)ttl_s;
}

struct slv_image_freshness slv_image_freshness_read(const struct slv_fields *fields,
		const struct slv_image_ttl *ttl, int64_t now_s, struct slv_image_said *said)
{
	read_control(fields, said);
	read_expires(fields, now_s, said);
	int64_t date_s = read_date(fields, now_s);
	uint64_t ttl_s = lifetime_s(said, date_s), age_s = read_how_old(fields, now_s, date_s);
	if (said->no_cache)
		ttl_s = 0;
	else if (ttl_s == SLV_IMAGE_UNSAID_S)
		ttl_s = ttl->unsaid_s;
	else
		ttl_s = age_s < ttl_s ? ttl_s - age_s : 0;
	return (struct slv_image_freshness){ .ttl_s = bounded(ttl, ttl_s),
		.private_data = said->private_data,
		.never_stale = said->no_cache || said->revalidate ||
		               said->s_maxage_s != SLV_IMAGE_UNSAID_S };
}
