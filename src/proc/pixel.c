#include "proc/pixel.h"

#include "base/attr.h"

#include <string.h>

#define FTYP_BYTES 64 /* of the box are looked at: twelve brands */

static const slv_str names[SLV_FORMAT_COUNT] = { [SLV_FORMAT_SAME] = SLV_STR_INIT("same"),
#define X(id, name, type) [SLV_FORMAT_##id] = SLV_STR_INIT(name),
	SLV_FORMAT_TABLE(X)
#undef X
};

static const slv_str types[SLV_FORMAT_COUNT] = { [SLV_FORMAT_SAME] = SLV_STR_INIT(""),
#define X(id, name, type) [SLV_FORMAT_##id] = SLV_STR_INIT(type),
	SLV_FORMAT_TABLE(X)
#undef X
};

slv_str slv_format_name(enum slv_format format)
{
	return (unsigned)format < SLV_FORMAT_COUNT ? names[format] : SLV_STR("");
}

slv_str slv_format_type(enum slv_format format)
{
	return (unsigned)format < SLV_FORMAT_COUNT ? types[format] : SLV_STR("");
}

/* NaN is in no range. */
static bool within(double value, double min, double max)
{
	return value >= min && value <= max;
}

static bool turn_ok(uint16_t degrees)
{
	return degrees == 0 || degrees == 90 || degrees == 180 || degrees == 270;
}

static bool point_ok(struct slv_point point)
{
	return within(point.x, 0, 1) && within(point.y, 0, 1);
}

static bool writable(uint8_t format)
{
	return format == SLV_FORMAT_JPEG || format == SLV_FORMAT_PNG || format == SLV_FORMAT_WEBP ||
	       format == SLV_FORMAT_AVIF || format == SLV_FORMAT_GIF;
}

static bool output_ok(const struct slv_pixel_plan *plan)
{
	/* An SVG is not written but passed on. */
	if (plan->format != SLV_FORMAT_SAME && plan->format != SLV_FORMAT_SVG &&
			!writable(plan->format))
		return false;
	/* SAME could be what it has to stand in for. */
	bool same = plan->fallback == SLV_FORMAT_SAME && plan->avoid & SLV_BIT(SLV_FORMAT_AVIF);
	if (!same && plan->fallback != SLV_FORMAT_WEBP && plan->fallback != SLV_FORMAT_JPEG &&
			plan->fallback != SLV_FORMAT_PNG)
		return false;
	for (int i = 0; i < SLV_FORMAT_COUNT; i++) {
		if (writable((uint8_t)i) && !within(plan->quality[i], 1, 100))
			return false;
		if (plan->effort[i] > 10)
			return false;
	}
	return plan->metadata < SLV_METADATA_COUNT;
}

static bool limits_ok(const struct slv_pixel_limits *limits)
{
	return limits->source_pixels_max > 0 && limits->frames_pixels_max > 0 &&
	       limits->frames_max > 0 && limits->output_pixels_max > 0 &&
	       limits->output_side_max > 0 && limits->output_side_max <= SLV_PIXEL_SIDE_MAX;
}

static bool shape_ok(const struct slv_pixel_plan *plan)
{
	const uint32_t max = SLV_PIXEL_SIDE_MAX;
	return plan->width <= max && plan->height <= max && plan->dpr > 0 &&
	       within(plan->dpr, 0, 8) && plan->fit < SLV_FIT_COUNT &&
	       plan->gravity < SLV_GRAVITY_COUNT &&
	       (plan->flip & ~(SLV_FLIP_H | SLV_FLIP_V)) == 0 && plan->trim < SLV_TRIM_COUNT &&
	       turn_ok(plan->rotate) && point_ok(plan->point) && plan->border_top <= max &&
	       plan->border_right <= max && plan->border_bottom <= max && plan->border_left <= max;
}

static bool filters_ok(const struct slv_pixel_plan *plan)
{
	return within(plan->blur, 0, 250) && within(plan->sharpen, 0, 10) &&
	       within(plan->brightness, 0, 1000) && within(plan->contrast, 0, 1000) &&
	       within(plan->saturation, 0, 1000) && plan->gamma > 0 && within(plan->gamma, 0, 1000);
}

static bool draw_ok(const struct slv_pixel_draw *draw)
{
	const uint32_t max = SLV_PIXEL_SIDE_MAX;
	const unsigned upright = SLV_EDGE_TOP | SLV_EDGE_BOTTOM;
	const unsigned level = SLV_EDGE_LEFT | SLV_EDGE_RIGHT;
	return draw->width <= max && draw->height <= max && draw->fit < SLV_FIT_COUNT &&
	       draw->gravity < SLV_GRAVITY_COUNT &&
	       (draw->repeat & ~(SLV_REPEAT_X | SLV_REPEAT_Y)) == 0 &&
	       (draw->edges & ~(upright | level)) == 0 && (draw->edges & upright) != upright &&
	       (draw->edges & level) != level && draw->composite < SLV_COMPOSITE_COUNT &&
	       turn_ok(draw->rotate) && point_ok(draw->point) && draw->top <= max &&
	       draw->right <= max && draw->bottom <= max && draw->left <= max &&
	       within(draw->opacity, 0, 1);
}

bool slv_pixel_plan_ok(const struct slv_pixel_plan *plan)
{
	if (plan->magic != SLV_PIXEL_MAGIC || plan->draw_count > SLV_PIXEL_DRAWS_MAX)
		return false;
	for (uint32_t i = 0; i < plan->draw_count; i++)
		if (!draw_ok(&plan->draw[i]))
			return false;
	return output_ok(plan) && limits_ok(&plan->limits) && shape_ok(plan) && filters_ok(plan);
}

/* A terminated text of printable ASCII. */
static bool text_ok(const char *text, size_t size)
{
	size_t len = strnlen(text, size);
	if (len == size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

bool slv_pixel_result_ok(const struct slv_pixel_result *result)
{
	return result->magic == SLV_PIXEL_MAGIC && result->code >= 0 &&
	       result->code < SLV_E_COUNT && text_ok(result->what, sizeof(result->what)) &&
	       text_ok(result->blurhash, sizeof(result->blurhash)) &&
	       text_ok(result->thumbhash, sizeof(result->thumbhash)) &&
	       result->format < SLV_FORMAT_COUNT && result->source_format < SLV_FORMAT_COUNT &&
	       result->orientation <= 8;
}

static bool magic_at(slv_str bytes, size_t at, const char *magic, size_t len)
{
	return bytes.len >= at + len && memcmp(bytes.at + at, magic, len) == 0;
}

#define MAGIC(at, literal) magic_at(bytes, (at), (literal), sizeof(literal) - 1)

/* ISO 14496-12 §4.3: box length, "ftyp", major brand, minor version, compatible brands. What
 * the major brand leaves open (mif1: any codec) a compatible brand decides. Whether an AVIF is
 * shown as a still picture or as a sequence, if it has both, is for the major brand to say (AVIF
 * §6); an open one wants the still if it is named, msf1 the sequence. */
static enum slv_format sniff_ftyp(slv_str bytes)
{
	if (!MAGIC(4, "ftyp"))
		return SLV_FORMAT_SAME;
	const uint8_t *size = (const uint8_t *)bytes.at;
	uint32_t box = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 |
	               size[3];
	size_t end = box < bytes.len ? box : bytes.len;
	if (end > FTYP_BYTES)
		end = FTYP_BYTES;
	bool still = false, moving = false, heic = false;
	for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
		still = still || MAGIC(at, "avif");
		moving = moving || MAGIC(at, "avis");
		heic = heic || MAGIC(at, "heic") || MAGIC(at, "heix") || MAGIC(at, "heim") ||
		       MAGIC(at, "heis") || MAGIC(at, "hevc") || MAGIC(at, "hevx");
	}
	if (moving && (!still || MAGIC(8, "avis") || MAGIC(8, "msf1")))
		return SLV_FORMAT_AVIS;
	if (still)
		return SLV_FORMAT_AVIF;
	return heic ? SLV_FORMAT_HEIC : SLV_FORMAT_SAME;
}

/* Past white space, a byte order mark, an XML declaration, comments and a document type comes the
 * element. What looks like SVG but does not show it in 1,024 bytes is not taken for it. */
static bool sniff_svg(slv_str bytes)
{
	bytes = slv_str_head(bytes, 1024);
	if (slv_str_starts(bytes, SLV_STR("\xef\xbb\xbf")))
		bytes = slv_str_from_index(bytes, 3);
	for (;;) {
		while (bytes.len > 0 && memchr(" \t\r\n", bytes.at[0], 4))
			bytes = slv_str_from_index(bytes, 1);
		if (slv_str_starts(bytes, SLV_STR("<svg:svg")))
			return true;
		if (slv_str_starts(bytes, SLV_STR("<svg")))
			return bytes.len > 4 && memchr(" \t\r\n/>", bytes.at[4], 6);
		slv_str end;
		if (slv_str_starts(bytes, SLV_STR("<!--")))
			end = SLV_STR("-->");
		else if (slv_str_starts(bytes, SLV_STR("<?")))
			end = SLV_STR("?>");
		else if (slv_str_starts(bytes, SLV_STR("<!DOCTYPE")))
			end = SLV_STR(">");
		else
			return false;
		size_t at = slv_str_find_str(bytes, end);
		if (at == bytes.len)
			return false;
		bytes = slv_str_from_index(bytes, at + end.len);
	}
}

enum slv_format slv_format_sniff(slv_str bytes)
{
	if (MAGIC(0, "\xff\xd8\xff"))
		return SLV_FORMAT_JPEG;
	if (MAGIC(0, "\x89PNG\r\n\x1a\n"))
		return SLV_FORMAT_PNG;
	if (MAGIC(0, "RIFF") && MAGIC(8, "WEBPVP8"))
		return SLV_FORMAT_WEBP;
	if (MAGIC(0, "GIF87a") || MAGIC(0, "GIF89a"))
		return SLV_FORMAT_GIF;
	if (MAGIC(0, "II*\0") || MAGIC(0, "MM\0*") || MAGIC(0, "II+\0") || MAGIC(0, "MM\0+"))
		return SLV_FORMAT_TIFF;
	if (MAGIC(0, "\xff\x0a") || MAGIC(0, "\0\0\0\x0cJXL \r\n\x87\n"))
		return SLV_FORMAT_JXL;
	enum slv_format format = sniff_ftyp(bytes);
	if (format == SLV_FORMAT_SAME && sniff_svg(bytes))
		return SLV_FORMAT_SVG;
	return format;
}

bool slv_format_is_rare(enum slv_format format)
{
	return format == SLV_FORMAT_HEIC || format == SLV_FORMAT_AVIS;
}
