#include "service/object/cors.h"

#include "service/object/xml.h"

/* --- matching --- */

static bool eq(slv_str a, slv_str b, bool nocase)
{
	return nocase ? slv_str_eq_nocase(a, b) : slv_str_eq(a, b);
}

static bool fits(slv_str pattern, slv_str text, bool nocase)
{
	size_t star = slv_str_find(pattern, '*');
	if (star == pattern.len)
		return eq(pattern, text, nocase);
	slv_str head = slv_str_head(pattern, star), tail = slv_str_from_index(pattern, star + 1);
	return text.len >= head.len + tail.len && eq(slv_str_head(text, head.len), head, nocase) &&
	       eq(slv_str_from_index(text, text.len - tail.len), tail, nocase);
}

/* The first that fits; NULL: none does. */
static const slv_str *find(const struct slv_object_texts *patterns, slv_str text, bool nocase)
{
	for (uint32_t i = 0; i < patterns->count; i++)
		if (fits(patterns->at[i], text, nocase))
			return &patterns->at[i];
	return NULL;
}

static bool allows_method(const struct slv_object_cors_rule *rule, slv_str method)
{
	for (uint32_t i = 0; i < rule->methods.count; i++)
		if (slv_str_eq(rule->methods.at[i], method))
			return true;
	return false;
}

static bool allows_headers(const struct slv_object_cors_rule *rule, slv_str wanted)
{
	slv_str rest = wanted;
	while (rest.at) {
		slv_str name = slv_str_trim(slv_str_cut(&rest, ','));
		if (name.len && !find(&rule->headers, name, true))
			return false;
	}
	return true;
}

static size_t count_headers(slv_str wanted)
{
	size_t count = 0;
	for (slv_str rest = wanted; rest.at; count++)
		(void)slv_str_cut(&rest, ','); /* only how many */
	return count;
}

bool object_cors_find(const struct slv_object_cors *cors, const struct object_cors_ask *ask,
		struct object_cors_found *ret_found)
{
	if (count_headers(ask->headers) > OBJECT_CORS_HEADERS_MAX)
		return false;
	for (uint32_t i = 0; i < cors->count; i++) {
		const struct slv_object_cors_rule *rule = &cors->rules[i];
		const slv_str *origin = find(&rule->origins, ask->origin, false);
		if (!origin || !allows_method(rule, ask->method) ||
				!allows_headers(rule, ask->headers))
			continue;
		ret_found->rule = rule;
		ret_found->any_origin = slv_str_eq(*origin, SLV_STR("*"));
		return true;
	}
	return false;
}

/* --- printing --- */

static void print_texts(struct slv_buf *xml, const char *name, const struct slv_object_texts *texts)
{
	for (uint32_t i = 0; i < texts->count; i++)
		slv_object_xml_text(xml, name, texts->at[i]);
}

void object_cors_print(const struct slv_object_cors *cors, struct slv_buf *xml)
{
	slv_object_xml_begin(xml);
	slv_object_xml_open_root(xml, "CORSConfiguration");
	for (uint32_t i = 0; i < cors->count; i++) {
		const struct slv_object_cors_rule *rule = &cors->rules[i];
		slv_object_xml_open(xml, "CORSRule");
		if (rule->id.at)
			slv_object_xml_text(xml, "ID", rule->id);
		print_texts(xml, "AllowedMethod", &rule->methods);
		print_texts(xml, "AllowedOrigin", &rule->origins);
		print_texts(xml, "AllowedHeader", &rule->headers);
		print_texts(xml, "ExposeHeader", &rule->exposed);
		if (rule->has_max_age)
			slv_object_xml_u64(xml, "MaxAgeSeconds", rule->max_age_s);
		slv_object_xml_close(xml, "CORSRule");
	}
	slv_object_xml_close(xml, "CORSConfiguration");
}
