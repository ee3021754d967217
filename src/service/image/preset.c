#include "service/image/preset.h"

#include "base/attr.h"
#include "service/image/colour.h"

#include <stdlib.h>
#include <string.h>

/* --- as configured --- */

#define FIT_WORDS "scale-down|contain|cover|crop|aspect-crop|pad|squeeze|scale-up"

#define AT(field) offsetof(struct slv_image_border_conf, field)
#define SIDE(field)                                                                                \
	{                                                                                          \
#field, SLV_CONF_INT, AT(field), "-1", -1, SLV_PIXEL_SIDE_MAX,                     \
				.help = "Width of this side, in px; -1: as width"                  \
	}

static const struct slv_conf_key border_keys[] = {
	{ "color", SLV_CONF_TEXT, AT(color), "black", 1, 100, .help = "A CSS colour" },
	{ "width", SLV_CONF_INT, AT(width), "0", 0, SLV_PIXEL_SIDE_MAX,
			.help = "Width of the sides that are not given, in px before dpr" },
	SIDE(top),
	SIDE(right),
	SIDE(bottom),
	SIDE(left),
	{ 0 },
};

#undef AT
#undef SIDE
#define AT(field) offsetof(struct slv_image_draw_conf, field)
#define PLACE(field)                                                                               \
	{                                                                                          \
#field, SLV_CONF_INT, AT(field), "-1", -1, SLV_PIXEL_SIDE_MAX,                     \
				.help = "Distance from this edge, in px; -1: not given"            \
	}

static const struct slv_conf_key draw_keys[] = {
	{ "url", SLV_CONF_TEXT, AT(url), NULL, 1, 2048,
			.help = "The picture to draw: a path of the site, or http(s)://" },
	{ "width", SLV_CONF_INT, AT(width), "0", 0, SLV_PIXEL_SIDE_MAX,
			.help = "Its width, in px of the result; 0: its own" },
	{ "height", SLV_CONF_INT, AT(height), "0", 0, SLV_PIXEL_SIDE_MAX,
			.help = "Its height, in px of the result; 0: its own" },
	{ "fit", SLV_CONF_CHOICE, AT(fit), "scale-down", .choices = FIT_WORDS,
			.help = "How it goes into that box" },
	{ "gravity", SLV_CONF_TEXT, AT(gravity), "center", 1, 64,
			.help = "What of it stays if it is cropped, as the option" },
	{ "opacity", SLV_CONF_DECIMAL, AT(opacity), "1", 0, 1, .help = "0: invisible; 1: solid" },
	{ "repeat", SLV_CONF_CHOICE, AT(repeat), "none", .choices = "none|x|y|true",
			.help = "Tile it in these directions" },
	PLACE(top),
	PLACE(right),
	PLACE(bottom),
	PLACE(left),
	{ "background", SLV_CONF_TEXT, AT(background), "", 0, 100,
			.help = "A CSS colour behind it; empty: none" },
	{ "rotate", SLV_CONF_CHOICE, AT(rotate), "0", .choices = "0|90|180|270",
			.help = "Turn it clockwise, in degrees" },
	{ "composite", SLV_CONF_CHOICE, AT(composite), "over",
			.choices = "over|in|atop|out|xor|lighter",
			.help = "How it is laid over the picture" },
	{ 0 },
};

#undef AT
#undef PLACE
#define AT(field) offsetof(struct slv_image_preset_conf, field)

const struct slv_conf_key slv_image_preset_keys[] = {
	{ "", SLV_CONF_TEXT, AT(name), NULL, 1, SLV_IMAGE_PRESET_NAME_MAX,
			.help = "The name, for preset=" },
	{ "options", SLV_CONF_TEXT, AT(options), "", 0, SLV_IMAGE_OPTIONS_BYTES_MAX,
			.help = "Options as in a URL" },
	{ "border", SLV_CONF_OPTION, AT(border), .keys = border_keys,
			.size = sizeof(struct slv_image_border_conf),
			.help = "A border around the result" },
	{ "draw", SLV_CONF_LIST, AT(draw), NULL, 0, SLV_PIXEL_DRAWS_MAX, .keys = draw_keys,
			.size = sizeof(struct slv_image_draw_conf),
			.help = "Pictures to draw over the result, in this order" },
	{ 0 },
};

#undef AT

/* --- preparing --- */

static slv_err read_border(
		const struct slv_image_border_conf *conf, struct slv_image_preset *preset)
{
	const struct {
		int64_t own;
		uint32_t *side;
	} sides[] = {
		{ conf->top, &preset->border_top },
		{ conf->right, &preset->border_right },
		{ conf->bottom, &preset->border_bottom },
		{ conf->left, &preset->border_left },
	};
	bool any = false;
	for (size_t i = 0; i < SLV_COUNT(sides); i++) {
		*sides[i].side = (uint32_t)(sides[i].own >= 0 ? sides[i].own : conf->width);
		any = any || *sides[i].side > 0;
	}
	if (!any)
		return SLV_ERR(SLV_E_OPTION, "border has no width");
	if (!slv_image_colour_parse(conf->color, &preset->border_colour))
		return SLV_ERR(SLV_E_OPTION, "border.color must be a CSS colour");
	return SLV_OK;
}

static slv_err read_gravity(struct slv_arena *arena, slv_str gravity,
		const struct slv_image_defaults *defaults, struct slv_pixel_draw *draw)
{
	struct slv_image_options options;
	slv_str text = slv_str_printf(arena, "gravity=%.*s", SLV_FMT(gravity));
	if (!text.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for presets");
	slv_err err = slv_image_options_parse(arena, text, defaults, &options);
	if (slv_failed(err))
		return slv_err_wrap(arena, err, "draw.gravity");
	if (options.given != SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_GRAVITY))
		return SLV_ERR(SLV_E_OPTION, "draw.gravity must be one value");
	draw->gravity = options.gravity;
	draw->point = options.point;
	return SLV_OK;
}

/* One of two opposite edges, or neither. */
static bool read_edges(int64_t near, int64_t far, unsigned near_bit, unsigned far_bit,
		struct slv_pixel_draw *draw)
{
	if (near >= 0 && far >= 0)
		return false;
	if (near >= 0)
		draw->edges |= (uint8_t)near_bit;
	if (far >= 0)
		draw->edges |= (uint8_t)far_bit;
	return true;
}

static uint32_t or_zero(int64_t px)
{
	return px > 0 ? (uint32_t)px : 0;
}

/* `draw` is zeroed, and is filled by field, so that its padding stays zero for key.h. */
static slv_err read_draw(struct slv_arena *arena, const struct slv_image_draw_conf *conf,
		const struct slv_image_defaults *defaults, struct slv_pixel_draw *draw)
{
	bool local = slv_str_starts(conf->url, SLV_STR("/"));
	if (!local && !slv_str_starts(conf->url, SLV_STR("http://")) &&
			!slv_str_starts(conf->url, SLV_STR("https://")))
		return SLV_ERR(SLV_E_OPTION, "draw.url must begin with / or http:// or https://");
	if (!read_edges(conf->top, conf->bottom, SLV_EDGE_TOP, SLV_EDGE_BOTTOM, draw))
		return SLV_ERR(SLV_E_OPTION, "draw has both top and bottom, must have one");
	if (!read_edges(conf->left, conf->right, SLV_EDGE_LEFT, SLV_EDGE_RIGHT, draw))
		return SLV_ERR(SLV_E_OPTION, "draw has both left and right, must have one");
	if (conf->background.len && !slv_image_colour_parse(conf->background, &draw->background))
		return SLV_ERR(SLV_E_OPTION, "draw.background must be a CSS colour");

	draw->width = (uint32_t)conf->width;
	draw->height = (uint32_t)conf->height;
	draw->fit = (uint8_t)conf->fit;
	draw->repeat = (uint8_t)conf->repeat;
	draw->composite = (uint8_t)conf->composite;
	draw->rotate = (uint16_t)(conf->rotate * 90);
	draw->top = or_zero(conf->top);
	draw->right = or_zero(conf->right);
	draw->bottom = or_zero(conf->bottom);
	draw->left = or_zero(conf->left);
	draw->opacity = conf->opacity;
	return read_gravity(arena, conf->gravity, defaults, draw);
}

static slv_err read_preset(struct slv_arena *arena, const struct slv_image_preset_conf *conf,
		const struct slv_image_defaults *defaults, struct slv_image_preset *preset)
{
	preset->name = conf->name;
	slv_image_options_init(&preset->options);
	if (!slv_image_preset_name_ok(conf->name))
		return SLV_ERR(SLV_E_OPTION, "the name must be 1 to 64 letters, digits, '-', '_' "
					     "and '.'");
	if (conf->options.len) {
		slv_err err = slv_image_options_parse(
				arena, conf->options, defaults, &preset->options);
		if (slv_failed(err))
			return err;
	}
	if (preset->options.given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_PRESET))
		return SLV_ERR(SLV_E_OPTION, "a preset cannot name another");
	if (conf->border) {
		slv_err err = read_border(conf->border, preset);
		if (slv_failed(err))
			return err;
	}

	const struct slv_image_draw_conf *draw = conf->draw.at;
	if (conf->draw.count > SLV_PIXEL_DRAWS_MAX)
		return SLV_ERR(SLV_E_OPTION, "a preset has more than 4 draws");
	for (size_t i = 0; i < conf->draw.count; i++) {
		slv_err err = read_draw(arena, &draw[i], defaults, &preset->draw[i]);
		if (slv_failed(err))
			return err;
		preset->draw_url[i] = draw[i].url;
	}
	preset->draw_count = (uint32_t)conf->draw.count;
	return SLV_OK;
}

static slv_err read_allowed(struct slv_arena *arena, const struct slv_conf_list *names,
		bool presets_only, uint64_t *ret_allowed)
{
	const slv_str *name = names->at;
	uint64_t allowed = 0;
	for (size_t i = 0; i < names->count; i++) {
		enum slv_image_option option = slv_image_option_find(name[i]);
		if (option == SLV_IMAGE_OPTION_COUNT)
			return slv_err_printf(arena, SLV_E_OPTION,
					"allowed options: there is no option '%.*s'",
					SLV_FMT(name[i]));
		if (slv_str_starts(name[i], SLV_STR("trim.")))
			option = SLV_IMAGE_OPTION_TRIM;
		allowed |= SLV_IMAGE_GIVEN(option);
	}
	if (!names->count && !presets_only)
		allowed = UINT64_MAX;
	*ret_allowed = allowed | SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_PRESET);
	return SLV_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct slv_image_preset *left = a, *right = b;
	return slv_str_cmp(left->name, right->name);
}

slv_err slv_image_presets_prepare(struct slv_arena *arena, const struct slv_conf_list *conf,
		const struct slv_conf_list *allowed, bool presets_only,
		const struct slv_image_defaults *defaults, struct slv_image_presets *ret_presets)
{
	struct slv_image_presets presets = { .count = conf->count, .presets_only = presets_only };
	if (conf->count > SLV_IMAGE_PRESETS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "there are more than 1000 presets");
	slv_err err = read_allowed(arena, allowed, presets_only, &presets.allowed);
	if (slv_failed(err))
		return err;

	const struct slv_image_preset_conf *from = conf->at;
	struct slv_image_preset *at = SLV_NEW_ARRAY(arena, struct slv_image_preset, conf->count);
	if (conf->count && !at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for presets");
	for (size_t i = 0; i < conf->count; i++) {
		err = read_preset(arena, &from[i], defaults, &at[i]);
		if (slv_failed(err))
			return slv_err_wrap(arena, err, "preset '%.*s'", SLV_FMT(from[i].name));
	}
	if (conf->count)
		qsort(at, conf->count, sizeof(*at), by_name);
	for (size_t i = 1; i < conf->count; i++)
		if (slv_str_eq(at[i - 1].name, at[i].name))
			return slv_err_printf(arena, SLV_E_OPTION, "preset '%.*s' is there twice",
					SLV_FMT(at[i].name));
	presets.at = at;
	*ret_presets = presets;
	return SLV_OK;
}

/* --- using --- */

const struct slv_image_preset *slv_image_preset_find(
		const struct slv_image_presets *presets, slv_str name)
{
	size_t low = 0, high = presets->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = slv_str_cmp(name, presets->at[middle].name);
		if (order == 0)
			return &presets->at[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static slv_err check_allowed(
		const struct slv_image_presets *presets, struct slv_arena *arena, uint64_t given)
{
	uint64_t refused = given & ~presets->allowed;
	for (int i = 0; refused && i < SLV_IMAGE_OPTION_COUNT; i++)
		if (refused & SLV_IMAGE_GIVEN(i))
			return slv_err_printf(arena, SLV_E_DENIED,
					"option %.*s is not allowed in a URL here",
					SLV_FMT(slv_image_option_name((enum slv_image_option)i)));
	return SLV_OK;
}

slv_err slv_image_presets_resolve(const struct slv_image_presets *presets, struct slv_arena *arena,
		struct slv_image_options *options, const struct slv_image_preset **ret_preset)
{
	slv_err err = check_allowed(presets, arena, options->given);
	if (slv_failed(err))
		return err;
	if (!(options->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_PRESET))) {
		if (presets->presets_only)
			return SLV_ERR(SLV_E_DENIED, "option preset is missing: only presets are "
						     "allowed here");
		*ret_preset = NULL;
		return SLV_OK;
	}
	const struct slv_image_preset *preset = slv_image_preset_find(presets, options->preset);
	if (!preset)
		return slv_err_printf(arena, SLV_E_OPTION,
				"option preset is '%.*s', must be the "
				"name of a preset",
				SLV_FMT(options->preset));
	struct slv_image_options merged = preset->options;
	slv_image_options_override(&merged, options);
	*options = merged;
	*ret_preset = preset;
	return SLV_OK;
}

void slv_image_preset_apply(const struct slv_image_preset *preset, struct slv_pixel_plan *plan)
{
	if (!preset)
		return;
	plan->border_colour = preset->border_colour;
	plan->border_top = preset->border_top;
	plan->border_right = preset->border_right;
	plan->border_bottom = preset->border_bottom;
	plan->border_left = preset->border_left;
	plan->draw_count = preset->draw_count;
	memcpy(plan->draw, preset->draw, sizeof(plan->draw));
}
