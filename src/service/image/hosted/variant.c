#include "service/image/hosted/variant.h"

#include "api/api.h"
#include "service/image/options.h"

/* Is it one value, wherever it stands in a list? Commas within parentheses belong to a colour. */
static bool is_one(slv_str text)
{
	size_t depth = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == ',' && !depth)
			return false;
		depth += text.at[i] == '(';
		depth -= text.at[i] == ')' && depth;
	}
	return !depth;
}

static slv_err add_option(
		struct slv_arena *arena, slv_str name, const json_t *value, struct slv_buf *options)
{
	slv_str text = { json_string_value(value), json_string_length(value) };
	enum slv_image_option option = slv_image_option_find(name);
	if (option == SLV_IMAGE_OPTION_COUNT || option == SLV_IMAGE_OPTION_PRESET)
		return slv_err_printf(arena, SLV_E_OPTION, "options: '%.*s' is none of a variant",
				SLV_FMT(name));
	if (!json_is_string(value) && !json_is_number(value) && !json_is_boolean(value))
		return slv_err_printf(arena, SLV_E_OPTION,
				"options: '%.*s' is a text, a number, true or false",
				SLV_FMT(name));
	/* Nothing that would be read otherwise than it is shown. */
	if (slv_str_find(text, '%') < text.len || slv_str_find(text, 0) < text.len)
		return slv_err_printf(
				arena, SLV_E_OPTION, "options: '%.*s' has no '%%'", SLV_FMT(name));
	if (!is_one(text))
		return slv_err_printf(arena, SLV_E_OPTION,
				"options: '%.*s' is more than the value of one option",
				SLV_FMT(name));
	slv_buf_add(options, options->len ? SLV_STR(",") : SLV_STR(""));
	slv_buf_add(options, name);
	slv_buf_add_char(options, '=');
	if (json_is_string(value))
		slv_buf_add(options, text);
	else if (json_is_real(value))
		slv_buf_printf(options, "%.6g", json_real_value(value));
	else
		slv_api_dump(value, options);
	return SLV_OK;
}

slv_err hosted_variant_options(struct slv_arena *arena, const json_t *said, struct slv_buf *options)
{
	const char *name;
	size_t len;
	json_t *value;
	if (!json_is_object(said) || !json_object_size(said))
		return SLV_ERR(SLV_E_SYNTAX, "options is an object, as {\"width\": 400}");
	json_object_keylen_foreach((json_t *)(uintptr_t)said, name, len, value)
	{
		slv_err err = add_option(arena, (slv_str){ name, len }, value, options);
		if (slv_failed(err))
			return err;
	}
	if (options->overflow)
		return SLV_ERR(SLV_E_LIMIT, "options of a variant have 1024 bytes at most");
	struct slv_image_defaults defaults;
	struct slv_image_options parsed;
	slv_image_defaults_init(&defaults);
	return slv_image_options_parse(arena, slv_buf_str(options), &defaults, &parsed);
}

/* Colours are texts, though some are written as numbers are. */
static bool is_colour(slv_str name)
{
	enum slv_image_option option = slv_image_option_find(name);
	return option == SLV_IMAGE_OPTION_BACKGROUND || option == SLV_IMAGE_OPTION_TRIM_COLOUR;
}

static json_t *value_shown(slv_str name, slv_str value)
{
	uint64_t whole;
	double number;
	if (!is_colour(name) && slv_str_u64(value, UINT32_MAX, &whole))
		return json_integer((json_int_t)whole);
	if (!is_colour(name) && slv_str_double(value, &number))
		return json_real(number);
	if (slv_str_eq(value, SLV_STR("true")) || slv_str_eq(value, SLV_STR("false")))
		return json_boolean(value.len == 4);
	return slv_api_text(value);
}

/* Cut the next "name=value" off `*rest`; commas within parentheses belong to a colour. */
static slv_str cut_option(slv_str *rest)
{
	size_t depth = 0, i = 0;
	for (; i < rest->len; i++) {
		char c = rest->at[i];
		depth += c == '(';
		depth -= c == ')' && depth;
		if (c == ',' && !depth)
			break;
	}
	slv_str option = slv_str_head(*rest, i);
	*rest = slv_str_from_index(*rest, i + 1);
	return option;
}

json_t *hosted_variant_shown(slv_str id, const struct hosted_variant *variant)
{
	json_t *options = json_object();
	slv_str rest = variant->options;
	while (rest.len) {
		slv_str value = cut_option(&rest), name = slv_str_cut(&value, '=');
		json_object_setn_new(options, name.at, name.len, value_shown(name, value));
	}
	return json_pack("{s:s%, s:o, s:b}", "id", id.at, id.len, "options", options,
			"neverRequireSignedURLs", variant->never_signed);
}
