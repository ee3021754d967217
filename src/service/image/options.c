#include "service/image/options.h"

#include "base/assert.h"
#include "base/attr.h"
#include "http/uri.h"
#include "service/image/colour.h"

#include <string.h>

#define SHOWN_BYTES_MAX 64 /* of a client's text in a reason */
#define JPEG_QUALITY_DEFAULT 85

static const struct {
	slv_str name, alias;
} names[SLV_IMAGE_OPTION_COUNT] = {
#define X(id, name, alias) [SLV_IMAGE_OPTION_##id] = { SLV_STR_INIT(name), SLV_STR_INIT(alias) },
	SLV_IMAGE_OPTION_TABLE(X)
#undef X
};

/* The index of `word` in `words`, which '|' separates; -1 if it is none. */
static int word_index(const char *words, slv_str word)
{
	slv_str rest = slv_str_from(words);
	for (int i = 0; rest.at; i++)
		if (slv_str_eq(slv_str_cut(&rest, '|'), word))
			return i;
	return -1;
}

/* --- one option's value --- */

enum read { READ_OK, READ_WRONG, READ_MODEL };

struct rule {
	const char *may; /* what the value may be, for the reason; NULL: depends on settings */
	enum read (*read)(const struct rule *rule, slv_str value, void *field);
	uint16_t offset, size; /* of the field in struct slv_image_options; size 0: of no effect */
	double min, max;       /* of a number */
	const char *words;     /* of a word: its index + min is the value */
};

static enum read read_integer(const struct rule *rule, slv_str value, void *field)
{
	uint64_t number;
	if (!slv_str_u64(value, (uint64_t)rule->max, &number) || (double)number < rule->min)
		return READ_WRONG;
	if (rule->size == sizeof(uint8_t))
		*(uint8_t *)field = (uint8_t)number;
	else
		*(uint32_t *)field = (uint32_t)number;
	return READ_OK;
}

static enum read read_width(const struct rule *rule, slv_str value, void *field)
{
	if (!slv_str_eq(value, SLV_STR("auto")))
		return read_integer(rule, value, field);
	*(uint32_t *)field = SLV_IMAGE_WIDTH_AUTO;
	return READ_OK;
}

static enum read read_decimal(const struct rule *rule, slv_str value, void *field)
{
	double number;
	if (!slv_str_double(value, &number) || !(number >= rule->min && number <= rule->max))
		return READ_WRONG;
	*(double *)field = number + 0.0; /* no -0.0, which has other bytes than 0 */
	return READ_OK;
}

static enum read read_dpr(const struct rule *rule, slv_str value, void *field)
{
	double dpr;
	if (read_decimal(rule, value, &dpr) != READ_OK || dpr <= 0)
		return READ_WRONG;
	*(double *)field = dpr;
	return READ_OK;
}

/* Of a factor 0 says "unchanged", as in Cloudflare. */
static enum read read_factor(const struct rule *rule, slv_str value, void *field)
{
	double factor;
	if (read_decimal(rule, value, &factor) != READ_OK)
		return READ_WRONG;
	*(double *)field = factor > 0 ? factor : 1;
	return READ_OK;
}

static enum read read_word(const struct rule *rule, slv_str value, void *field)
{
	int index = word_index(rule->words, value);
	if (index < 0)
		return READ_WRONG;
	if (rule->size)
		*(uint8_t *)field = (uint8_t)(index + (int)rule->min);
	return READ_OK;
}

static enum read read_upscale(const struct rule *rule, slv_str value, void *field)
{
	if (slv_str_eq(value, SLV_STR("generate")))
		return READ_MODEL;
	return read_word(rule, value, field);
}

static enum read read_segment(const struct rule *rule, slv_str value, void *field)
{
	return read_word(rule, value, field) == READ_OK ? READ_MODEL : READ_WRONG;
}

static enum read read_quality(const struct rule *rule, slv_str value, void *field)
{
	static const uint8_t levels[] = { 90, 80, 65, 50 };
	int level = word_index("high|medium-high|medium-low|low", value);
	if (level < 0)
		return read_integer(rule, value, field);
	*(uint8_t *)field = levels[level];
	return READ_OK;
}

static enum read read_rotate(const struct rule *rule, slv_str value, void *field)
{
	int quarter = word_index(rule->words, value);
	if (quarter < 0)
		return READ_WRONG;
	*(uint16_t *)field = (uint16_t)(quarter % 4 * 90);
	return READ_OK;
}

static enum read read_colour(const struct rule *rule, slv_str value, void *field)
{
	(void)rule;
	return slv_image_colour_parse(value, field) ? READ_OK : READ_WRONG;
}

/* `field` is the whole struct. */
static enum read read_gravity(const struct rule *rule, slv_str value, void *field)
{
	static const struct slv_point points[] = {
		{ 0, 0.5 },
		{ 1, 0.5 },
		{ 0.5, 0 },
		{ 0.5, 1 },
		{ 0.5, 0.5 },
	};
	struct slv_image_options *options = field;
	if (slv_str_eq(value, SLV_STR("face")))
		return READ_MODEL;
	if (slv_str_eq(value, SLV_STR("auto")) || slv_str_eq(value, SLV_STR("entropy"))) {
		options->gravity = value.at[0] == 'a' ? SLV_GRAVITY_ATTENTION : SLV_GRAVITY_ENTROPY;
		return READ_OK;
	}

	int side = word_index(rule->words, value);
	struct slv_point point;
	if (side >= 0) {
		point = points[side];
	} else {
		slv_str y = value, x = slv_str_cut(&y, 'x');
		if (read_decimal(rule, x, &point.x) != READ_OK ||
				read_decimal(rule, y, &point.y) != READ_OK)
			return READ_WRONG;
	}
	options->gravity = SLV_GRAVITY_POINT;
	options->point = point;
	return READ_OK;
}

static enum read read_trim(const struct rule *rule, slv_str value, void *field)
{
	struct slv_image_trim *trim = field;
	if (slv_str_eq(value, SLV_STR("border"))) {
		trim->mode = SLV_TRIM_BORDER;
		return READ_OK;
	}
	uint32_t px[4];
	slv_str rest = value;
	for (size_t i = 0; i < SLV_COUNT(px); i++)
		if (read_integer(rule, slv_str_cut(&rest, ';'), &px[i]) != READ_OK)
			return READ_WRONG;
	if (rest.at)
		return READ_WRONG;
	trim->mode = SLV_TRIM_SIDES;
	trim->top = px[0];
	trim->right = px[1];
	trim->bottom = px[2];
	trim->left = px[3];
	return READ_OK;
}

bool slv_image_preset_name_ok(slv_str name)
{
	if (name.len == 0 || name.len > SLV_IMAGE_PRESET_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = slv_lower(name.at[i]);
		if (!(c >= 'a' && c <= 'z') && !slv_is_digit(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

static enum read read_preset(const struct rule *rule, slv_str value, void *field)
{
	(void)rule;
	if (!slv_image_preset_name_ok(value))
		return READ_WRONG;
	*(slv_str *)field = value;
	return READ_OK;
}

#define FIELD(field)                                                                               \
	.offset = offsetof(struct slv_image_options, field),                                       \
	.size = sizeof(((struct slv_image_options *)0)->field)
#define RULE(id) [SLV_IMAGE_OPTION_##id]
#define TRIM_PX(id, field_, min_)                                                                  \
	RULE(TRIM_##id) = { #min_ " to 65535", read_integer, FIELD(trim.field_), min_,             \
		SLV_IMAGE_PX_MAX, NULL }
#define FACTOR(id, field_, read_) RULE(id) = { "0 to 10", read_, FIELD(field_), 0, 10, NULL }
#define FLAG(id, field_)                                                                           \
	RULE(id) = { "true or false", read_word, FIELD(field_), 0, 0, "false|true" }
#define QUALITY_MAY "1 to 100, high, medium-high, medium-low or low"

static const struct rule rules[SLV_IMAGE_OPTION_COUNT] = {
	RULE(WIDTH) = { NULL, read_width, FIELD(width), 1, SLV_PIXEL_SIDE_MAX, NULL },
	RULE(HEIGHT) = { NULL, read_integer, FIELD(height), 1, SLV_PIXEL_SIDE_MAX, NULL },
	RULE(DPR) = { NULL, read_dpr, FIELD(dpr), 0, 8, NULL },
	RULE(FIT) = { "scale-down, contain, cover, crop, aspect-crop, pad, squeeze or scale-up",
			read_word, FIELD(fit), 0, 0,
			"scale-down|contain|cover|crop|aspect-crop|pad|squeeze|scale-up" },
	RULE(GRAVITY) = { "auto, entropy, left, right, top, bottom, center, or XxY with both in 0 "
			  "to 1",
			read_gravity, 0, sizeof(struct slv_image_options), 0, 1,
			"left|right|top|bottom|center" },
	RULE(ZOOM) = { "0 to 1", read_decimal, FIELD(zoom), 0, 1, NULL },
	RULE(QUALITY) = { QUALITY_MAY, read_quality, FIELD(quality), 1, 100, NULL },
	RULE(SLOW_QUALITY) = { QUALITY_MAY, read_quality, FIELD(slow_quality), 1, 100, NULL },
	RULE(FORMAT) = { "auto, avif, webp, jpeg, baseline-jpeg, json, png, png-force, svg or gif",
			read_word, FIELD(format), SLV_IMAGE_FORMAT_AUTO, 0,
			"auto|avif|webp|jpeg|baseline-jpeg|json|png|png-force|svg|gif" },
	FLAG(ANIM, anim),
	RULE(BACKGROUND) = { "a CSS colour", read_colour, FIELD(background), 0, 0, NULL },
	RULE(BLUR) = { "0 to 250", read_decimal, FIELD(blur), 0, 250, NULL },
	FACTOR(SHARPEN, sharpen, read_decimal),
	FACTOR(BRIGHTNESS, brightness, read_factor),
	FACTOR(CONTRAST, contrast, read_factor),
	FACTOR(SATURATION, saturation, read_decimal),
	FACTOR(GAMMA, gamma, read_factor),
	RULE(ROTATE) = { "0, 90, 180, 270 or 360", read_rotate, FIELD(rotate), 0, 0,
			"0|90|180|270|360" },
	RULE(FLIP) = { "h, v or hv", read_word, FIELD(flip), SLV_FLIP_H, 0, "h|v|hv" },
	RULE(TRIM) = { "border, or top;right;bottom;left with each 0 to 65535", read_trim,
			FIELD(trim), 0, SLV_IMAGE_PX_MAX, NULL },
	TRIM_PX(TOP, top, 0),
	TRIM_PX(RIGHT, right, 0),
	TRIM_PX(BOTTOM, bottom, 0),
	TRIM_PX(LEFT, left, 0),
	TRIM_PX(WIDTH, width, 1),
	TRIM_PX(HEIGHT, height, 1),
	RULE(TRIM_COLOUR) = { "a CSS colour", read_colour, FIELD(trim.colour), 0, 0, NULL },
	RULE(TRIM_TOLERANCE) = { "0 to 255", read_integer, FIELD(trim.tolerance), 0, 255, NULL },
	TRIM_PX(KEEP, keep, 0),
	RULE(METADATA) = { "none, copyright or keep", read_word, FIELD(metadata), 0, 0,
			"none|copyright|keep" },
	RULE(ONERROR) = { "redirect", read_word, FIELD(redirect), 1, 0, "redirect" },
	RULE(COMPRESSION) = { "fast", read_word, FIELD(fast), 1, 0, "fast" },
	RULE(UPSCALE) = { "interpolate", read_upscale, 0, 0, 0, 0, "interpolate" },
	RULE(SEGMENT) = { "left out", read_segment, 0, 0, 0, 0, "foreground" },
	RULE(PRESET) = { "the name of a preset", read_preset, FIELD(preset), 0, 0, NULL },
	FLAG(BLURHASH, blurhash),
	FLAG(THUMBHASH, thumbhash),
	RULE(FRAMES) = { "1 to 65535", read_integer, FIELD(frames), 1, SLV_IMAGE_FRAMES_MAX, NULL },
};

/* --- the segment --- */

struct parse {
	struct slv_arena *arena;
	const struct slv_image_defaults *defaults;
	struct slv_image_options *options;
	uint64_t given; /* as SLV_IMAGE_GIVEN(), trim's each of its own */
};

/* A client's text for a reason: one short line of printable ASCII. */
static slv_str shown(struct slv_arena *arena, slv_str text)
{
	slv_str head = slv_str_head(text, SHOWN_BYTES_MAX);
	char *copy = slv_arena_bytes(arena, head.len + 3);
	if (!copy)
		return SLV_STR("?");
	for (size_t i = 0; i < head.len; i++)
		copy[i] = head.at[i] >= ' ' && head.at[i] <= '~' ? head.at[i] : '?';
	if (head.len == text.len)
		return (slv_str){ copy, head.len };
	memcpy(copy + head.len, "...", 3);
	return (slv_str){ copy, head.len + 3 };
}

static slv_err wrong(const struct parse *parse, enum slv_image_option option, slv_str value)
{
	const struct slv_image_defaults *defaults = parse->defaults;
	slv_str name = names[option].name, seen = shown(parse->arena, value);
	if (option == SLV_IMAGE_OPTION_WIDTH)
		return slv_err_printf(parse->arena, SLV_E_OPTION,
				"option width is '%.*s', must be 1 to %lld or auto", SLV_FMT(seen),
				(long long)defaults->width_max);
	if (option == SLV_IMAGE_OPTION_HEIGHT)
		return slv_err_printf(parse->arena, SLV_E_OPTION,
				"option height is '%.*s', must be 1 to %lld", SLV_FMT(seen),
				(long long)defaults->height_max);
	if (option == SLV_IMAGE_OPTION_DPR)
		return slv_err_printf(parse->arena, SLV_E_OPTION,
				"option dpr is '%.*s', must be above 0, to %g", SLV_FMT(seen),
				defaults->dpr_max);
	return slv_err_printf(parse->arena, SLV_E_OPTION, "option %.*s is '%.*s', must be %s",
			SLV_FMT(name), SLV_FMT(seen), rules[option].may);
}

static slv_err unknown(const struct parse *parse, slv_str name)
{
	slv_str head = slv_str_head(name, slv_str_find(name, '.'));
	head = slv_str_head(head, slv_str_find(head, '['));
	if (slv_str_eq(head, SLV_STR("border")) || slv_str_eq(head, SLV_STR("draw")))
		return slv_err_printf(parse->arena, SLV_E_OPTION,
				"option %.*s is for presets only: it cannot stand in a URL",
				SLV_FMT(shown(parse->arena, name)));
	return slv_err_printf(parse->arena, SLV_E_OPTION, "there is no option '%.*s'",
			SLV_FMT(shown(parse->arena, name)));
}

static bool past_settings(const struct parse *parse, enum slv_image_option option)
{
	const struct slv_image_options *options = parse->options;
	const struct slv_image_defaults *defaults = parse->defaults;
	if (option == SLV_IMAGE_OPTION_WIDTH)
		return options->width != SLV_IMAGE_WIDTH_AUTO &&
		       options->width > defaults->width_max;
	if (option == SLV_IMAGE_OPTION_HEIGHT)
		return options->height > defaults->height_max;
	return option == SLV_IMAGE_OPTION_DPR && options->dpr > defaults->dpr_max;
}

static slv_err read_option(struct parse *parse, slv_str text)
{
	size_t equals = slv_str_find(text, '=');
	slv_str name = slv_str_head(text, equals), value = slv_str_from_index(text, equals + 1);
	if (text.len == 0)
		return SLV_ERR(SLV_E_OPTION, "an option is empty, must be name=value");
	enum slv_image_option option = slv_image_option_find(name);
	if (option == SLV_IMAGE_OPTION_COUNT)
		return unknown(parse, name);
	if (equals == text.len || value.len == 0)
		return slv_err_printf(parse->arena, SLV_E_OPTION,
				"option %.*s has no value, must be name=value", SLV_FMT(name));
	if (parse->given & SLV_IMAGE_GIVEN(option))
		return slv_err_printf(parse->arena, SLV_E_OPTION,
				"option %.*s is '%.*s', but was given before",
				SLV_FMT(names[option].name), SLV_FMT(shown(parse->arena, value)));

	const struct rule *rule = &rules[option];
	switch (rule->read(rule, value, (char *)parse->options + rule->offset)) {
	case READ_OK:
		break;
	case READ_WRONG:
		return wrong(parse, option, value);
	case READ_MODEL:
		return slv_err_printf(parse->arena, SLV_E_UNSUPPORTED,
				"option %.*s=%.*s needs a model, which is not supported",
				SLV_FMT(names[option].name), SLV_FMT(value));
	}
	if (past_settings(parse, option))
		return wrong(parse, option, value);
	parse->given |= SLV_IMAGE_GIVEN(option);
	return SLV_OK;
}

#define TRIM(id) SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_TRIM_##id)

/* Trim's options make one trim, or contradict each other. */
static slv_err settle_trim(struct parse *parse)
{
	const uint64_t sides = TRIM(TOP) | TRIM(LEFT) | TRIM(RIGHT) | TRIM(BOTTOM);
	const uint64_t box = TRIM(WIDTH) | TRIM(HEIGHT);
	const uint64_t border = TRIM(COLOUR) | TRIM(TOLERANCE) | TRIM(KEEP);
	struct slv_image_trim *trim = &parse->options->trim;
	uint64_t given = parse->given;
	uint64_t all = given & (sides | box | border | SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_TRIM));
	if (!all)
		return SLV_OK;
	if ((given & box) && (given & (TRIM(RIGHT) | TRIM(BOTTOM))))
		return SLV_ERR(SLV_E_OPTION, "options trim.width and trim.height cannot be given "
					     "beside trim.right or trim.bottom");
	if (((given & (sides | box)) && trim->mode != SLV_TRIM_NONE) ||
			((given & border) && trim->mode == SLV_TRIM_SIDES))
		return SLV_ERR(SLV_E_OPTION, "option trim cannot be given beside its parts, but "
					     "for trim=border and trim.border");
	if ((given & (sides | box)) && (given & border))
		return SLV_ERR(SLV_E_OPTION, "option trim.border cannot be given beside sides or "
					     "a box");

	if (given & box)
		trim->mode = SLV_TRIM_BOX;
	else if (given & sides)
		trim->mode = SLV_TRIM_SIDES;
	else if (given & border)
		trim->mode = SLV_TRIM_BORDER;
	if (trim->mode == SLV_TRIM_BORDER && !(given & TRIM(TOLERANCE)))
		trim->tolerance = SLV_IMAGE_TOLERANCE_DEFAULT;
	parse->given = (given & ~all) | SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_TRIM);
	return SLV_OK;
}

#undef TRIM

/* Cut the next option off; commas between parentheses are a colour's. */
static slv_str cut_option(slv_str *rest)
{
	size_t depth = 0, at = 0;
	for (; at < rest->len; at++) {
		char c = rest->at[at];
		if (c == ',' && depth == 0)
			break;
		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
	}
	slv_str option = slv_str_head(*rest, at);
	*rest = at < rest->len ? slv_str_from_index(*rest, at + 1) : (slv_str){ 0 };
	return option;
}

slv_err slv_image_options_parse(struct slv_arena *arena, slv_str text,
		const struct slv_image_defaults *defaults, struct slv_image_options *ret_options)
{
	struct slv_image_options options;
	struct parse parse = { .arena = arena, .defaults = defaults, .options = &options };
	if (text.len > SLV_IMAGE_OPTIONS_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "options are longer than 2048 bytes");
	if (text.len == 0)
		return SLV_ERR(SLV_E_OPTION, "there are no options, must be name=value");
	if (slv_str_find(text, '%') < text.len) {
		slv_err err = slv_uri_decode(arena, text, &text);
		if (err.code == SLV_E_LIMIT)
			return err;
		if (slv_failed(err))
			return SLV_ERR(SLV_E_OPTION, "options are not percent-encoded rightly");
	}

	slv_image_options_init(&options);
	while (text.at) {
		slv_err err = read_option(&parse, cut_option(&text));
		if (slv_failed(err))
			return err;
	}
	slv_err err = settle_trim(&parse);
	if (slv_failed(err))
		return err;
	options.given = parse.given;
	*ret_options = options;
	return SLV_OK;
}

void slv_image_options_init(struct slv_image_options *options)
{
	memset(options, 0, sizeof(*options));
	options->anim = true;
	options->quality = options->slow_quality = JPEG_QUALITY_DEFAULT;
	options->point = (struct slv_point){ 0.5, 0.5 };
	options->dpr = options->brightness = options->contrast = options->saturation =
			options->gamma = 1;
}

void slv_image_options_override(
		struct slv_image_options *options, const struct slv_image_options *over)
{
	for (int i = 0; i < SLV_IMAGE_OPTION_COUNT; i++) {
		const struct rule *rule = &rules[i];
		if (!(over->given & SLV_IMAGE_GIVEN(i)) || i == SLV_IMAGE_OPTION_GRAVITY)
			continue;
		memcpy((char *)options + rule->offset, (const char *)over + rule->offset,
				rule->size);
	}
	if (over->given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_GRAVITY)) {
		options->gravity = over->gravity;
		options->point = over->point;
	}
	options->given |= over->given;
}

/* As slv_str_eq(), here so that the compiler sees into it: most of a parse is this. */
static bool is_name(slv_str text, slv_str name)
{
	return text.len == name.len && text.at[0] == name.at[0] &&
	       memcmp(text.at, name.at, name.len) == 0;
}

enum slv_image_option slv_image_option_find(slv_str name)
{
	for (int i = 0; name.len && i < SLV_IMAGE_OPTION_COUNT; i++)
		if (is_name(name, names[i].name) || is_name(name, names[i].alias))
			return (enum slv_image_option)i;
	return SLV_IMAGE_OPTION_COUNT;
}

slv_str slv_image_option_name(enum slv_image_option option)
{
	slv_assert((unsigned)option < SLV_IMAGE_OPTION_COUNT);
	return names[option].name;
}
