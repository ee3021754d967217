#include "service/image/colour.h"

#include "base/attr.h"

/* By name, for a binary search. CSS Color Module Level 4, section 6.1. */
static const struct {
	const char *name;
	uint32_t rgb;
} names[] = {
	{ "aliceblue", 0xf0f8ff },
	{ "antiquewhite", 0xfaebd7 },
	{ "aqua", 0x00ffff },
	{ "aquamarine", 0x7fffd4 },
	{ "azure", 0xf0ffff },
	{ "beige", 0xf5f5dc },
	{ "bisque", 0xffe4c4 },
	{ "black", 0x000000 },
	{ "blanchedalmond", 0xffebcd },
	{ "blue", 0x0000ff },
	{ "blueviolet", 0x8a2be2 },
	{ "brown", 0xa52a2a },
	{ "burlywood", 0xdeb887 },
	{ "cadetblue", 0x5f9ea0 },
	{ "chartreuse", 0x7fff00 },
	{ "chocolate", 0xd2691e },
	{ "coral", 0xff7f50 },
	{ "cornflowerblue", 0x6495ed },
	{ "cornsilk", 0xfff8dc },
	{ "crimson", 0xdc143c },
	{ "cyan", 0x00ffff },
	{ "darkblue", 0x00008b },
	{ "darkcyan", 0x008b8b },
	{ "darkgoldenrod", 0xb8860b },
	{ "darkgray", 0xa9a9a9 },
	{ "darkgreen", 0x006400 },
	{ "darkgrey", 0xa9a9a9 },
	{ "darkkhaki", 0xbdb76b },
	{ "darkmagenta", 0x8b008b },
	{ "darkolivegreen", 0x556b2f },
	{ "darkorange", 0xff8c00 },
	{ "darkorchid", 0x9932cc },
	{ "darkred", 0x8b0000 },
	{ "darksalmon", 0xe9967a },
	{ "darkseagreen", 0x8fbc8f },
	{ "darkslateblue", 0x483d8b },
	{ "darkslategray", 0x2f4f4f },
	{ "darkslategrey", 0x2f4f4f },
	{ "darkturquoise", 0x00ced1 },
	{ "darkviolet", 0x9400d3 },
	{ "deeppink", 0xff1493 },
	{ "deepskyblue", 0x00bfff },
	{ "dimgray", 0x696969 },
	{ "dimgrey", 0x696969 },
	{ "dodgerblue", 0x1e90ff },
	{ "firebrick", 0xb22222 },
	{ "floralwhite", 0xfffaf0 },
	{ "forestgreen", 0x228b22 },
	{ "fuchsia", 0xff00ff },
	{ "gainsboro", 0xdcdcdc },
	{ "ghostwhite", 0xf8f8ff },
	{ "gold", 0xffd700 },
	{ "goldenrod", 0xdaa520 },
	{ "gray", 0x808080 },
	{ "green", 0x008000 },
	{ "greenyellow", 0xadff2f },
	{ "grey", 0x808080 },
	{ "honeydew", 0xf0fff0 },
	{ "hotpink", 0xff69b4 },
	{ "indianred", 0xcd5c5c },
	{ "indigo", 0x4b0082 },
	{ "ivory", 0xfffff0 },
	{ "khaki", 0xf0e68c },
	{ "lavender", 0xe6e6fa },
	{ "lavenderblush", 0xfff0f5 },
	{ "lawngreen", 0x7cfc00 },
	{ "lemonchiffon", 0xfffacd },
	{ "lightblue", 0xadd8e6 },
	{ "lightcoral", 0xf08080 },
	{ "lightcyan", 0xe0ffff },
	{ "lightgoldenrodyellow", 0xfafad2 },
	{ "lightgray", 0xd3d3d3 },
	{ "lightgreen", 0x90ee90 },
	{ "lightgrey", 0xd3d3d3 },
	{ "lightpink", 0xffb6c1 },
	{ "lightsalmon", 0xffa07a },
	{ "lightseagreen", 0x20b2aa },
	{ "lightskyblue", 0x87cefa },
	{ "lightslategray", 0x778899 },
	{ "lightslategrey", 0x778899 },
	{ "lightsteelblue", 0xb0c4de },
	{ "lightyellow", 0xffffe0 },
	{ "lime", 0x00ff00 },
	{ "limegreen", 0x32cd32 },
	{ "linen", 0xfaf0e6 },
	{ "magenta", 0xff00ff },
	{ "maroon", 0x800000 },
	{ "mediumaquamarine", 0x66cdaa },
	{ "mediumblue", 0x0000cd },
	{ "mediumorchid", 0xba55d3 },
	{ "mediumpurple", 0x9370db },
	{ "mediumseagreen", 0x3cb371 },
	{ "mediumslateblue", 0x7b68ee },
	{ "mediumspringgreen", 0x00fa9a },
	{ "mediumturquoise", 0x48d1cc },
	{ "mediumvioletred", 0xc71585 },
	{ "midnightblue", 0x191970 },
	{ "mintcream", 0xf5fffa },
	{ "mistyrose", 0xffe4e1 },
	{ "moccasin", 0xffe4b5 },
	{ "navajowhite", 0xffdead },
	{ "navy", 0x000080 },
	{ "oldlace", 0xfdf5e6 },
	{ "olive", 0x808000 },
	{ "olivedrab", 0x6b8e23 },
	{ "orange", 0xffa500 },
	{ "orangered", 0xff4500 },
	{ "orchid", 0xda70d6 },
	{ "palegoldenrod", 0xeee8aa },
	{ "palegreen", 0x98fb98 },
	{ "paleturquoise", 0xafeeee },
	{ "palevioletred", 0xdb7093 },
	{ "papayawhip", 0xffefd5 },
	{ "peachpuff", 0xffdab9 },
	{ "peru", 0xcd853f },
	{ "pink", 0xffc0cb },
	{ "plum", 0xdda0dd },
	{ "powderblue", 0xb0e0e6 },
	{ "purple", 0x800080 },
	{ "rebeccapurple", 0x663399 },
	{ "red", 0xff0000 },
	{ "rosybrown", 0xbc8f8f },
	{ "royalblue", 0x4169e1 },
	{ "saddlebrown", 0x8b4513 },
	{ "salmon", 0xfa8072 },
	{ "sandybrown", 0xf4a460 },
	{ "seagreen", 0x2e8b57 },
	{ "seashell", 0xfff5ee },
	{ "sienna", 0xa0522d },
	{ "silver", 0xc0c0c0 },
	{ "skyblue", 0x87ceeb },
	{ "slateblue", 0x6a5acd },
	{ "slategray", 0x708090 },
	{ "slategrey", 0x708090 },
	{ "snow", 0xfffafa },
	{ "springgreen", 0x00ff7f },
	{ "steelblue", 0x4682b4 },
	{ "tan", 0xd2b48c },
	{ "teal", 0x008080 },
	{ "thistle", 0xd8bfd8 },
	{ "tomato", 0xff6347 },
	{ "turquoise", 0x40e0d0 },
	{ "violet", 0xee82ee },
	{ "wheat", 0xf5deb3 },
	{ "white", 0xffffff },
	{ "whitesmoke", 0xf5f5f5 },
	{ "yellow", 0xffff00 },
	{ "yellowgreen", 0x9acd32 },
};

#define NAME_BYTES_MAX 20 /* lightgoldenrodyellow */

static bool read_name(slv_str text, struct slv_colour *ret_colour)
{
	char lower[NAME_BYTES_MAX];
	if (text.len > sizeof(lower))
		return false;
	for (size_t i = 0; i < text.len; i++)
		lower[i] = slv_lower(text.at[i]);
	slv_str name = { lower, text.len };
	if (slv_str_eq(name, SLV_STR("transparent"))) {
		*ret_colour = (struct slv_colour){ 0 };
		return true;
	}

	size_t low = 0, high = SLV_COUNT(names);
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = slv_str_cmp(name, slv_str_from(names[middle].name));
		if (order == 0) {
			uint32_t rgb = names[middle].rgb;
			*ret_colour = (struct slv_colour){ (uint8_t)(rgb >> 16),
				(uint8_t)(rgb >> 8), (uint8_t)rgb, 255 };
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool read_hex(slv_str text, struct slv_colour *ret_colour)
{
	char full[8] = "ffffffff";
	if (text.len == 3 || text.len == 4)
		for (size_t i = 0; i < text.len; i++)
			full[2 * i] = full[2 * i + 1] = text.at[i];
	else if (text.len == 6 || text.len == 8)
		for (size_t i = 0; i < text.len; i++)
			full[i] = text.at[i];
	else
		return false;

	uint8_t bytes[4];
	if (!slv_str_unhex((slv_str){ full, sizeof(full) }, bytes, sizeof(bytes)))
		return false;
	*ret_colour = (struct slv_colour){ bytes[0], bytes[1], bytes[2], bytes[3] };
	return true;
}

/* A part of a function's arguments: the number, and whether '%' is behind it. */
struct part {
	double value;
	bool percent;
};

static bool read_part(slv_str text, struct part *ret_part)
{
	bool percent = slv_str_ends(text, SLV_STR("%"));
	double value;
	if (!slv_str_double(slv_str_head(text, text.len - percent), &value))
		return false;
	*ret_part = (struct part){ value, percent };
	return true;
}

/* `value` of 0…`max`, as a byte. */
static bool scale(double value, double max, uint8_t *ret_byte)
{
	if (!(value >= 0 && value <= max))
		return false;
	*ret_byte = (uint8_t)(value * 255 / max + 0.5);
	return true;
}

/* Split "a, b, c, d" or "a b c / d"; the last may be missing and is then empty. */
static bool split(slv_str inside, slv_str ret_parts[4])
{
	char sep = slv_str_find(inside, ',') < inside.len ? ',' : ' ';
	slv_str alpha = { 0 };
	if (sep == ' ') {
		size_t slash = slv_str_find(inside, '/');
		if (slash < inside.len) {
			alpha = slv_str_trim(slv_str_from_index(inside, slash + 1));
			inside = slv_str_head(inside, slash);
			if (alpha.len == 0)
				return false;
		}
	}

	size_t count = 0;
	ret_parts[3] = alpha;
	for (slv_str rest = slv_str_trim(inside); rest.at;) {
		slv_str part = slv_str_trim(slv_str_cut(&rest, sep));
		if (part.len == 0 && sep == ' ')
			continue; /* one of several spaces */
		if (part.len == 0 || count == (sep == ',' ? 4 : 3))
			return false;
		ret_parts[count++] = part;
	}
	return count >= 3;
}

static bool read_alpha(slv_str text, uint8_t *ret_alpha)
{
	struct part part;
	if (text.len == 0) {
		*ret_alpha = 255;
		return true;
	}
	return read_part(text, &part) && scale(part.value, part.percent ? 100 : 1, ret_alpha);
}

static bool read_rgb(const slv_str parts[4], struct slv_colour *colour)
{
	struct part r, g, b;
	if (!read_part(parts[0], &r) || !read_part(parts[1], &g) || !read_part(parts[2], &b))
		return false;
	if (r.percent != g.percent || g.percent != b.percent)
		return false;
	double max = r.percent ? 100 : 255;
	return scale(r.value, max, &colour->r) && scale(g.value, max, &colour->g) &&
	       scale(b.value, max, &colour->b);
}

/* In degrees, 0 ≤ hue < 360. */
static bool read_hue(slv_str text, double *ret_hue)
{
	static const struct {
		slv_str name;
		double degrees;
	} units[] = {
		{ SLV_STR_INIT("deg"), 1 },
		{ SLV_STR_INIT("grad"), 0.9 },
		{ SLV_STR_INIT("rad"), 57.29577951308232 },
		{ SLV_STR_INIT("turn"), 360 },
	};
	double degrees = 1;
	for (size_t i = 0; i < SLV_COUNT(units); i++) {
		slv_str unit = units[i].name;
		if (text.len > unit.len &&
				slv_str_eq_nocase(slv_str_from_index(text, text.len - unit.len),
						unit)) {
			degrees = units[i].degrees;
			text.len -= unit.len;
			break;
		}
	}
	double value;
	if (!slv_str_double(text, &value) || value > 1e6 || value < -1e6)
		return false;
	value *= degrees;
	double turns = (double)(int64_t)(value / 360);
	value -= turns * 360;
	*ret_hue = value < 0 ? value + 360 : value;
	return true;
}

/* CSS Color Module Level 4, section 7: the channel that is `n` twelfths round. */
static uint8_t hsl_channel(double n, double hue, double s, double l)
{
	double k = n + hue / 30;
	k = k >= 12 ? k - 12 : k;
	double wave = k - 3 < 9 - k ? k - 3 : 9 - k;
	wave = wave > 1 ? 1 : wave < -1 ? -1 : wave;
	double reach = s * (l < 1 - l ? l : 1 - l);
	return (uint8_t)((l - reach * wave) * 255 + 0.5);
}

static bool read_hsl(const slv_str parts[4], struct slv_colour *colour)
{
	double hue;
	struct part s, l;
	if (!read_hue(parts[0], &hue) || !read_part(parts[1], &s) || !read_part(parts[2], &l))
		return false;
	if (!s.percent || !l.percent || !(s.value >= 0 && s.value <= 100) ||
			!(l.value >= 0 && l.value <= 100))
		return false;
	colour->r = hsl_channel(0, hue, s.value / 100, l.value / 100);
	colour->g = hsl_channel(8, hue, s.value / 100, l.value / 100);
	colour->b = hsl_channel(4, hue, s.value / 100, l.value / 100);
	return true;
}

static bool read_function(slv_str text, struct slv_colour *ret_colour)
{
	size_t open = slv_str_find(text, '(');
	if (!slv_str_ends(text, SLV_STR(")")) || open == text.len)
		return false;
	slv_str name = slv_str_head(text, open), parts[4];
	slv_str inside = { text.at + open + 1, text.len - open - 2 };
	struct slv_colour colour;
	if (!split(inside, parts) || !read_alpha(parts[3], &colour.a))
		return false;

	bool rgb = slv_str_eq_nocase(name, SLV_STR("rgb")) ||
	           slv_str_eq_nocase(name, SLV_STR("rgba"));
	bool hsl = slv_str_eq_nocase(name, SLV_STR("hsl")) ||
	           slv_str_eq_nocase(name, SLV_STR("hsla"));
	if (!(rgb && read_rgb(parts, &colour)) && !(hsl && read_hsl(parts, &colour)))
		return false;
	*ret_colour = colour;
	return true;
}

bool slv_image_colour_parse(slv_str text, struct slv_colour *ret_colour)
{
	if (slv_str_starts(text, SLV_STR("#")))
		return read_hex(slv_str_from_index(text, 1), ret_colour);
	return read_name(text, ret_colour) || read_hex(text, ret_colour) ||
	       read_function(text, ret_colour);
}
