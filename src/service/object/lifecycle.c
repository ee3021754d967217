#include "service/object/lifecycle.h"

#include "service/object/xml.h"

#define DAY_MS INT64_C(86400000)

/* --- when --- */

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The midnight at or after `days` from `since_ms`. */
static int64_t after_days(int64_t since_ms, uint32_t days)
{
	if (since_ms < 0)
		since_ms = 0;
	if (since_ms > OBJECT_NEVER_MS / 2) /* no time that we have written */
		return OBJECT_NEVER_MS;
	return ((since_ms + DAY_MS - 1) / DAY_MS + days) * DAY_MS;
}

int64_t object_lifecycle_expires_ms(
		const struct slv_object_lifecycle *lifecycle, slv_str key, int64_t modified_ms)
{
	int64_t at_ms = OBJECT_NEVER_MS;
	for (uint32_t i = 0; i < lifecycle->count; i++) {
		const struct slv_object_lifecycle_rule *rule = &lifecycle->rules[i];
		if (!rule->enabled || !slv_str_starts(key, rule->prefix))
			continue;
		if (rule->expire_days)
			at_ms = min(at_ms, after_days(modified_ms, rule->expire_days));
		if (rule->expire_at_s >= 0)
			at_ms = min(at_ms, rule->expire_at_s * 1000);
	}
	return at_ms;
}

int64_t object_lifecycle_aborts_ms(
		const struct slv_object_lifecycle *lifecycle, slv_str key, int64_t began_ms)
{
	int64_t at_ms = OBJECT_NEVER_MS;
	bool said = false;
	for (uint32_t i = 0; i < lifecycle->count; i++) {
		const struct slv_object_lifecycle_rule *rule = &lifecycle->rules[i];
		if (!rule->abort_days)
			continue;
		said = true;
		if (rule->enabled && slv_str_starts(key, rule->prefix))
			at_ms = min(at_ms, after_days(began_ms, rule->abort_days));
	}
	return said ? at_ms : after_days(began_ms, OBJECT_ABORT_DAYS);
}

static slv_str common(slv_str a, slv_str b)
{
	size_t len = 0;
	while (len < a.len && len < b.len && a.at[len] == b.at[len])
		len++;
	return slv_str_head(a, len);
}

bool object_lifecycle_expires(const struct slv_object_lifecycle *lifecycle, slv_str *ret_prefix)
{
	bool any = false;
	for (uint32_t i = 0; i < lifecycle->count; i++) {
		const struct slv_object_lifecycle_rule *rule = &lifecycle->rules[i];
		if (!rule->enabled || (!rule->expire_days && rule->expire_at_s < 0))
			continue;
		*ret_prefix = any ? common(*ret_prefix, rule->prefix) : rule->prefix;
		any = true;
	}
	return any;
}

/* --- printing --- */

static void print_rule(const struct slv_object_lifecycle_rule *rule, struct slv_buf *xml)
{
	slv_object_xml_open(xml, "Rule");
	if (rule->id.at)
		slv_object_xml_text(xml, "ID", rule->id);
	slv_object_xml_open(xml, "Filter");
	slv_object_xml_text(xml, "Prefix", rule->prefix);
	slv_object_xml_close(xml, "Filter");
	slv_object_xml_text(
			xml, "Status", rule->enabled ? SLV_STR("Enabled") : SLV_STR("Disabled"));
	if (rule->expire_days || rule->expire_at_s >= 0) {
		slv_object_xml_open(xml, "Expiration");
		if (rule->expire_days)
			slv_object_xml_u64(xml, "Days", rule->expire_days);
		else
			slv_object_xml_time(xml, "Date", rule->expire_at_s * 1000);
		slv_object_xml_close(xml, "Expiration");
	}
	if (rule->abort_days) {
		slv_object_xml_open(xml, "AbortIncompleteMultipartUpload");
		slv_object_xml_u64(xml, "DaysAfterInitiation", rule->abort_days);
		slv_object_xml_close(xml, "AbortIncompleteMultipartUpload");
	}
	slv_object_xml_close(xml, "Rule");
}

void object_lifecycle_print(const struct slv_object_lifecycle *lifecycle, struct slv_buf *xml)
{
	slv_object_xml_begin(xml);
	slv_object_xml_open_root(xml, "LifecycleConfiguration");
	for (uint32_t i = 0; i < lifecycle->count; i++)
		print_rule(&lifecycle->rules[i], xml);
	slv_object_xml_close(xml, "LifecycleConfiguration");
}
