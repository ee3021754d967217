#include "service/image/negotiate.h"

#include "base/attr.h"

#define DPR_MAX 8

enum slv_image_class slv_image_class_of(const struct slv_accept *accept)
{
	unsigned avif = slv_accept_q_named(accept, SLV_STR("image/avif"));
	unsigned webp = slv_accept_q_named(accept, SLV_STR("image/webp"));
	unsigned jpeg = slv_accept_q(accept, SLV_STR("image/jpeg"));
	bool shows_webp = webp > 0 && webp >= jpeg;
	bool shows_avif = avif > 0 && avif >= jpeg && avif >= webp;
	return (enum slv_image_class)((shows_webp ? SLV_IMAGE_CLASS_WEBP : 0) |
				      (shows_avif ? SLV_IMAGE_CLASS_AVIF : 0));
}

/* The number in a field; false if it is missing or none. */
static bool field_number(const struct slv_fields *fields, enum slv_field_id id, double *ret_number)
{
	return slv_str_double(slv_fields_get(fields, id), ret_number) && *ret_number >= 0;
}

bool slv_image_is_slow(const struct slv_fields *fields)
{
	double rtt, downlink;
	if (field_number(fields, SLV_FIELD_RTT, &rtt) && rtt > 150)
		return true;
	if (field_number(fields, SLV_FIELD_DOWNLINK, &downlink) && downlink < 5)
		return true;
	if (slv_str_eq_nocase(slv_fields_get(fields, SLV_FIELD_SAVE_DATA), SLV_STR("on")))
		return true;
	slv_str ect = slv_fields_get(fields, SLV_FIELD_ECT);
	return slv_str_eq(ect, SLV_STR("slow-2g")) || slv_str_eq(ect, SLV_STR("2g")) ||
	       slv_str_eq(ect, SLV_STR("3g"));
}

static uint32_t bucket(double px)
{
	static const uint16_t buckets[] = { 320, 768, 960, 1200 };
	size_t i = 0;
	while (i < SLV_COUNT(buckets) - 1 && px > buckets[i])
		i++;
	return buckets[i];
}

static bool agent_has(slv_str agent, slv_str word)
{
	return slv_str_find_str(agent, word) < agent.len;
}

static uint32_t agent_width(slv_str agent)
{
	bool mobile = agent_has(agent, SLV_STR("Mobi"));
	if (agent_has(agent, SLV_STR("iPad")) || agent_has(agent, SLV_STR("Tablet")) ||
			(!mobile && agent_has(agent, SLV_STR("Android"))))
		return 960;
	return mobile ? 768 : 1200;
}

uint32_t slv_image_auto_width(const struct slv_fields *fields)
{
	double px, dpr = 1;
	if (field_number(fields, SLV_FIELD_SEC_CH_WIDTH, &px) ||
			field_number(fields, SLV_FIELD_WIDTH, &px))
		return bucket(px);
	if (!field_number(fields, SLV_FIELD_SEC_CH_VIEWPORT_WIDTH, &px) &&
			!field_number(fields, SLV_FIELD_VIEWPORT_WIDTH, &px))
		return agent_width(slv_fields_get(fields, SLV_FIELD_USER_AGENT));
	if (!field_number(fields, SLV_FIELD_SEC_CH_DPR, &dpr) &&
			!field_number(fields, SLV_FIELD_DPR, &dpr))
		dpr = 1;
	return bucket(px * (dpr < DPR_MAX ? dpr : DPR_MAX));
}

struct slv_image_choice slv_image_choose(
		const struct slv_fields *fields, bool auto_width, bool slow_quality)
{
	struct slv_accept accept;
	slv_accept_read(fields, &accept);
	return (struct slv_image_choice){
		.class = (uint8_t)slv_image_class_of(&accept),
		.slow = slow_quality && slv_image_is_slow(fields),
		.width = auto_width ? slv_image_auto_width(fields) : 0,
	};
}

#define WIDTH_HINTS "Sec-CH-Width, Sec-CH-Viewport-Width, Sec-CH-DPR"
#define OLD_WIDTH_HINTS "Width, Viewport-Width, DPR"
#define SLOW_HINTS "RTT, Downlink, ECT, Save-Data"
#define WIDTH_VARY WIDTH_HINTS ", " OLD_WIDTH_HINTS ", User-Agent"

slv_str slv_image_vary(bool auto_width, bool slow_quality)
{
	if (auto_width && slow_quality)
		return SLV_STR("Accept, " WIDTH_VARY ", " SLOW_HINTS);
	if (auto_width)
		return SLV_STR("Accept, " WIDTH_VARY);
	return slow_quality ? SLV_STR("Accept, " SLOW_HINTS) : SLV_STR("Accept");
}

slv_str slv_image_accept_ch(bool auto_width, bool slow_quality)
{
	if (auto_width && slow_quality)
		return SLV_STR(WIDTH_HINTS ", " SLOW_HINTS);
	if (auto_width)
		return SLV_STR(WIDTH_HINTS);
	return slow_quality ? SLV_STR(SLOW_HINTS) : SLV_STR("");
}
