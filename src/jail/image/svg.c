#include "jail/image/svg.h"

#include "base/mem.h"

#include <expat.h>
#include <string.h>

#define SVG_NS "http://www.w3.org/2000/svg"
#define XLINK_NS "http://www.w3.org/1999/xlink"
#define CSS_BYTES_MAX SLV_KIB(256) /* of one style element */

/* What is kept. Names are case-sensitive (XML). */
static const char *const elements[] = { "circle", "clipPath", "defs", "desc", "ellipse", "feBlend",
	"feColorMatrix", "feComponentTransfer", "feComposite", "feConvolveMatrix",
	"feDiffuseLighting", "feDisplacementMap", "feDistantLight", "feDropShadow", "feFlood",
	"feFuncA", "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feMerge", "feMergeNode",
	"feMorphology", "feOffset", "fePointLight", "feSpecularLighting", "feSpotLight", "feTile",
	"feTurbulence", "filter", "g", "image", "line", "linearGradient", "marker", "mask", "path",
	"pattern", "polygon", "polyline", "radialGradient", "rect", "stop", "style", "svg",
	"switch", "symbol", "text", "textPath", "title", "tspan", "use", "view" };

/* Kept without their own tags: what they surround is harmless. */
static const char *const transparent[] = { "a" };

static const char *const data_types[] = { "data:image/png;", "data:image/jpeg;", "data:image/gif;",
	"data:image/webp;", "data:image/avif;" };

struct clean {
	XML_Parser parser;
	struct slv_buf *out;
	uint32_t depth, count;
	uint32_t skipping; /* depth at which what is dropped began; 0: nothing is */
	bool open;         /* the last start tag still lacks its '>' */
	bool root;         /* the root element was seen */
	bool in_style;
	bool shown[SLV_SVG_DEPTH_MAX + 1]; /* by depth: its tags were written */
	struct slv_buf css;
	double width, height, box_width, box_height;
	slv_err err;
};

static bool is_one_of(const char *const *names, size_t count, slv_str name)
{
	for (size_t i = 0; i < count; i++)
		if (slv_str_eq(slv_str_from(names[i]), name))
			return true;
	return false;
}

static void fail(struct clean *clean, slv_err err)
{
	if (slv_failed(clean->err))
		return;
	clean->err = err;
	(void)XML_StopParser(
			clean->parser, XML_FALSE); /* it fails only if it has stopped already */
}

static void escape(struct slv_buf *out, slv_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == '<')
			slv_buf_add(out, SLV_STR("&lt;"));
		else if (c == '>')
			slv_buf_add(out, SLV_STR("&gt;"));
		else if (c == '&')
			slv_buf_add(out, SLV_STR("&amp;"));
		else if (c == '"')
			slv_buf_add(out, SLV_STR("&quot;"));
		else
			slv_buf_add_char(out, c);
	}
}

static void close_tag(struct clean *clean)
{
	if (clean->open)
		slv_buf_add_char(clean->out, '>');
	clean->open = false;
}

/* --- values --- */

static bool has_nocase(slv_str text, slv_str word)
{
	for (size_t i = 0; i + word.len <= text.len; i++)
		if (slv_str_eq_nocase(slv_str_head(slv_str_from_index(text, i), word.len), word))
			return true;
	return false;
}

/* Every url(…) is a reference to a part of this picture. */
static bool urls_are_local(slv_str text)
{
	slv_str word = SLV_STR("url");
	for (size_t i = 0; i + word.len <= text.len; i++) {
		slv_str rest = slv_str_from_index(text, i);
		if (!slv_str_eq_nocase(slv_str_head(rest, word.len), word))
			continue;
		rest = slv_str_from_index(rest, word.len);
		if (!rest.len || rest.at[0] != '(')
			continue; /* only the word */
		rest = slv_str_from_index(rest, 1);
		while (rest.len && (rest.at[0] == ' ' || rest.at[0] == '"' || rest.at[0] == '\''))
			rest = slv_str_from_index(rest, 1);
		if (!rest.len || rest.at[0] != '#')
			return false;
	}
	return true;
}

/* CSS that loads nothing, runs nothing, and says so plainly: an escape could spell any of it. */
static bool css_is_plain(slv_str css)
{
	static const slv_str bad[] = { SLV_STR_INIT("\\"), SLV_STR_INIT("@import"),
		SLV_STR_INIT("@font-face"), SLV_STR_INIT("@namespace"), SLV_STR_INIT("expression"),
		SLV_STR_INIT("-moz-binding"), SLV_STR_INIT("behavior"), SLV_STR_INIT("javascript"),
		SLV_STR_INIT("image-set"), SLV_STR_INIT("src("), SLV_STR_INIT("/*"),
		SLV_STR_INIT("<") };
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		if (has_nocase(css, bad[i]))
			return false;
	return urls_are_local(css);
}

static bool reference_ok(slv_str element, slv_str value)
{
	if (slv_str_starts(value, SLV_STR("#")))
		return true;
	if (!slv_str_eq(element, SLV_STR("image")))
		return false;
	for (size_t i = 0; i < SLV_COUNT(data_types); i++)
		if (slv_str_starts(value, slv_str_from(data_types[i])))
			return true;
	return false;
}

static bool name_ok(slv_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = slv_lower(name.at[i]);
		if (!(c >= 'a' && c <= 'z') && !slv_is_digit(c) && c != '-' && c != '_' &&
				c != ':' && c != '.')
			return false;
	}
	return name.len > 0;
}

static bool namespace_ok(slv_str name, slv_str value)
{
	if (slv_str_eq(name, SLV_STR("xmlns")))
		return slv_str_eq(value, SLV_STR(SVG_NS));
	return slv_str_eq(name, SLV_STR("xmlns:xlink")) && slv_str_eq(value, SLV_STR(XLINK_NS));
}

static bool attribute_ok(slv_str element, slv_str name, slv_str value)
{
	static const slv_str prefixed[] = { SLV_STR_INIT("xml:space"), SLV_STR_INIT("xml:lang"),
		SLV_STR_INIT("xlink:title") };
	if (!name_ok(name) || slv_str_eq_nocase(slv_str_head(name, 2), SLV_STR("on")))
		return false;
	if (slv_str_starts(name, SLV_STR("xmlns")))
		return namespace_ok(name, value);
	if (slv_str_eq(name, SLV_STR("href")) || slv_str_eq(name, SLV_STR("xlink:href")))
		return reference_ok(element, value);
	if (slv_str_find(name, ':') < name.len) {
		for (size_t i = 0; i < SLV_COUNT(prefixed); i++)
			if (slv_str_eq(name, prefixed[i]))
				return true;
		return false;
	}
	if (slv_str_eq(name, SLV_STR("style")))
		return css_is_plain(value);
	/* Presentation attributes are CSS too: fill="url(…)". */
	return urls_are_local(value) && !has_nocase(value, SLV_STR("javascript")) &&
	       slv_str_find(value, '\\') == value.len;
}

/* --- the root's size --- */

/* A length at the head of `text`, in px; units other than px count as none. */
static double length_of(slv_str text)
{
	size_t len = 0;
	double value;
	while (len < text.len && (slv_is_digit(text.at[len]) || text.at[len] == '.'))
		len++;
	slv_str unit = slv_str_from_index(text, len);
	if (unit.len && !slv_str_eq(unit, SLV_STR("px")))
		return 0;
	return slv_str_double(slv_str_head(text, len), &value) ? value : 0;
}

static void read_box(struct clean *clean, slv_str value)
{
	double numbers[4] = { 0 };
	for (size_t i = 0; i < 4; i++) {
		while (value.len && (value.at[0] == ' ' || value.at[0] == ','))
			value = slv_str_from_index(value, 1);
		size_t len = 0;
		while (len < value.len && value.at[len] != ' ' && value.at[len] != ',')
			len++;
		if (!slv_str_double(slv_str_head(value, len), &numbers[i]))
			return;
		value = slv_str_from_index(value, len);
	}
	clean->box_width = numbers[2];
	clean->box_height = numbers[3];
}

static void read_root(struct clean *clean, const char **attributes)
{
	for (size_t i = 0; attributes[i]; i += 2) {
		slv_str name = slv_str_from(attributes[i]), value = slv_str_from(attributes[i + 1]);
		if (slv_str_eq(name, SLV_STR("width")))
			clean->width = length_of(value);
		else if (slv_str_eq(name, SLV_STR("height")))
			clean->height = length_of(value);
		else if (slv_str_eq(name, SLV_STR("viewBox")))
			read_box(clean, value);
	}
}

/* --- what expat tells --- */

/* The element's name without a prefix that stands for SVG itself. */
static slv_str local_name(const char *name)
{
	slv_str text = slv_str_from(name);
	slv_str prefix = SLV_STR("svg:");
	return slv_str_starts(text, prefix) ? slv_str_from_index(text, prefix.len) : text;
}

static void write_attributes(struct clean *clean, slv_str element, const char **attributes)
{
	bool has_namespace = false;
	for (size_t i = 0; attributes[i]; i += 2) {
		slv_str name = slv_str_from(attributes[i]), value = slv_str_from(attributes[i + 1]);
		if (i / 2 >= SLV_SVG_ATTRIBUTES_MAX) {
			fail(clean, SLV_ERR(SLV_E_LIMIT,
						    "SVG element with more than 256 attributes"));
			return;
		}
		if (!attribute_ok(element, name, value))
			continue;
		has_namespace |= slv_str_eq(name, SLV_STR("xmlns"));
		slv_buf_add_char(clean->out, ' ');
		slv_buf_add(clean->out, name);
		slv_buf_add(clean->out, SLV_STR("=\""));
		escape(clean->out, value);
		slv_buf_add_char(clean->out, '"');
	}
	/* Written with a prefix it lacked one; a browser needs it to see a picture at all. */
	if (clean->depth == 1 && !has_namespace)
		slv_buf_add(clean->out, SLV_STR(" xmlns=\"" SVG_NS "\""));
}

static bool check_bounds(struct clean *clean, slv_str name)
{
	if (clean->depth > SLV_SVG_DEPTH_MAX)
		fail(clean, SLV_ERR(SLV_E_LIMIT, "SVG nested deeper than 128"));
	else if (++clean->count > SLV_SVG_ELEMENTS_MAX)
		fail(clean, SLV_ERR(SLV_E_LIMIT, "SVG with more than 100,000 elements"));
	else if (clean->out->overflow)
		fail(clean, SLV_ERR(SLV_E_LIMIT, "SVG is larger than 10 MiB"));
	else if (clean->depth == 1 && !slv_str_eq(name, SLV_STR("svg")))
		fail(clean, SLV_ERR(SLV_E_CORRUPT, "no svg element at the root"));
	return !slv_failed(clean->err);
}

static void on_start(void *me, const char *name_text, const char **attributes)
{
	struct clean *clean = me;
	slv_str name = local_name(name_text);
	clean->depth++;
	if (!check_bounds(clean, name))
		return;
	clean->shown[clean->depth] = false;
	if (clean->depth == 1) {
		clean->root = true;
		read_root(clean, attributes);
	}
	if (clean->skipping || is_one_of(transparent, SLV_COUNT(transparent), name))
		return;
	/* Markup within a style is no CSS; nothing is hidden there. */
	if (clean->in_style || !is_one_of(elements, SLV_COUNT(elements), name)) {
		clean->skipping = clean->depth;
		return;
	}
	close_tag(clean);
	clean->shown[clean->depth] = true;
	clean->in_style = slv_str_eq(name, SLV_STR("style"));
	slv_buf_clear(&clean->css);
	slv_buf_add_char(clean->out, '<');
	slv_buf_add(clean->out, name);
	write_attributes(clean, name, attributes);
	clean->open = true;
}

static void on_end(void *me, const char *name_text)
{
	struct clean *clean = me;
	slv_str name = local_name(name_text);
	if (clean->skipping == clean->depth) {
		clean->skipping = 0;
	} else if (!clean->skipping && clean->shown[clean->depth]) {
		if (clean->in_style && clean->css.len && !clean->css.overflow &&
				css_is_plain(slv_buf_str(&clean->css))) {
			close_tag(clean);
			escape(clean->out, slv_buf_str(&clean->css));
		}
		clean->in_style = false;
		if (clean->open) {
			slv_buf_add(clean->out, SLV_STR("/>"));
			clean->open = false;
		} else {
			slv_buf_add(clean->out, SLV_STR("</"));
			slv_buf_add(clean->out, name);
			slv_buf_add_char(clean->out, '>');
		}
	}
	clean->depth--;
}

static void on_text(void *me, const char *text, int len)
{
	struct clean *clean = me;
	slv_str view = { text, (size_t)len };
	if (clean->skipping || !clean->depth)
		return;
	if (clean->in_style) {
		slv_buf_add(&clean->css, view);
		return;
	}
	close_tag(clean);
	escape(clean->out, view);
}

static void on_entity(void *me, const char *name, int is_parameter, const char *value, int len,
		const char *base, const char *system, const char *public, const char *notation)
{
	(void)name, (void)is_parameter, (void)value, (void)len;
	(void)base, (void)system, (void)public, (void)notation;
	fail(me, SLV_ERR(SLV_E_MEDIA, "SVG that declares entities is not passed on"));
}

static uint32_t px(double own, double box)
{
	double value = own > 0 ? own : box;
	return value > 0 && value < 1e6 ? (uint32_t)(value + 0.5) : 0;
}

slv_err slv_svg_clean(slv_str svg, struct slv_buf *out, uint32_t *ret_width, uint32_t *ret_height)
{
	if (svg.len > SLV_SVG_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "SVG is larger than 10 MiB");
	struct clean *clean = SLV_ALLOC(struct clean);
	clean->out = out;
	slv_buf_init(&clean->css, CSS_BYTES_MAX);
	clean->parser = XML_ParserCreate(NULL);
	XML_SetUserData(clean->parser, clean);
	XML_SetElementHandler(clean->parser, on_start, on_end);
	XML_SetCharacterDataHandler(clean->parser, on_text);
	XML_SetEntityDeclHandler(clean->parser, on_entity);

	enum XML_Status status = XML_Parse(clean->parser, svg.at ? svg.at : "", (int)svg.len, 1);
	slv_err err = clean->err;
	if (!slv_failed(err) && (status != XML_STATUS_OK || !clean->root))
		err = SLV_ERR(SLV_E_CORRUPT, "SVG is not well-formed");
	if (!slv_failed(err) && out->overflow)
		err = SLV_ERR(SLV_E_LIMIT, "SVG is larger than 10 MiB");
	if (!slv_failed(err)) {
		*ret_width = px(clean->width, clean->box_width);
		*ret_height = px(clean->height, clean->box_height);
	}
	XML_ParserFree(clean->parser);
	slv_buf_done(&clean->css);
	slv_free(clean);
	return err;
}
