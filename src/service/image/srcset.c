#include "service/image/srcset.h"

#include "base/attr.h"
#include "service/image/options.h"

#define LINK_BYTES_MAX 8192

static slv_str formats_of(const struct slv_image_picture *picture)
{
	if (picture->avif)
		return picture->webp ? SLV_STR("auto,avif,webp") : SLV_STR("auto,avif");
	return picture->webp ? SLV_STR("auto,webp") : SLV_STR("auto");
}

/* What a request target may hold: no space, no control byte, no '#', nothing above ASCII. */
static bool target_ok(slv_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '#')
			return false;
	return true;
}

static slv_err check(const struct slv_image_picture *picture)
{
	if (!target_ok(picture->origin) || !target_ok(picture->route) ||
			!target_ok(picture->options) || !target_ok(picture->source))
		return SLV_ERR(SLV_E_OPTION, "a part of the link has a byte that must be "
					     "percent-encoded");
	if (slv_str_find(picture->options, '/') < picture->options.len ||
			slv_str_find(picture->options, '?') < picture->options.len)
		return SLV_ERR(SLV_E_OPTION, "the options have '/' or '?'");
	for (slv_str rest = picture->options; rest.at;) {
		slv_str option = slv_str_cut(&rest, ',');
		slv_str name = slv_str_head(option, slv_str_find(option, '='));
		enum slv_image_option id = slv_image_option_find(name);
		if (id == SLV_IMAGE_OPTION_WIDTH || id == SLV_IMAGE_OPTION_FORMAT)
			return SLV_ERR(SLV_E_OPTION, "width and format are not for the options of "
						     "a srcset");
	}
	return SLV_OK;
}

slv_err slv_image_srcset_link(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, uint32_t width, slv_str format,
		struct slv_buf *buf)
{
	slv_err err = check(picture);
	if (slv_failed(err))
		return err;
	slv_str query = picture->source, source = slv_str_cut(&query, '?');
	if (slv_str_starts(source, SLV_STR("/")))
		source = slv_str_from_index(source, 1);

	SLV_CLEANUP(slv_buf_done) struct slv_buf path;
	slv_buf_init(&path, LINK_BYTES_MAX);
	slv_buf_add(&path, picture->route);
	slv_buf_printf(&path, "width=%u,format=%.*s", width, SLV_FMT(format));
	if (picture->options.len)
		slv_buf_add_char(&path, ',');
	slv_buf_add(&path, picture->options);
	size_t options_end = path.len;
	slv_buf_add_char(&path, '/');
	slv_buf_add(&path, source);
	if (path.overflow)
		return SLV_ERR(SLV_E_LIMIT, "the link is too long");

	slv_str all = slv_buf_str(&path);
	struct slv_image_target target = {
		.path = all,
		.options = slv_str_from_index(slv_str_head(all, options_end), picture->route.len),
		.query = query,
	};
	return slv_image_sign_set(
			key, &target, picture->widths, formats_of(picture), picture->exp_s, buf);
}

static void add_escaped(struct slv_buf *buf, slv_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.at[i]) {
		case '&':
			slv_buf_add(buf, SLV_STR("&amp;"));
			break;
		case '<':
			slv_buf_add(buf, SLV_STR("&lt;"));
			break;
		case '>':
			slv_buf_add(buf, SLV_STR("&gt;"));
			break;
		case '"':
			slv_buf_add(buf, SLV_STR("&quot;"));
			break;
		case '\'':
			slv_buf_add(buf, SLV_STR("&#39;"));
			break;
		default:
			slv_buf_add_char(buf, text.at[i]);
			break;
		}
	}
}

static slv_err add_link(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, slv_str width, slv_str format,
		struct slv_buf *buf)
{
	uint64_t px;
	if (!slv_str_u64(width, SLV_PIXEL_SIDE_MAX, &px))
		return SLV_ERR(SLV_E_OPTION, "widths must be 1 to 32 rising numbers, each 1 to "
					     "16384");
	SLV_CLEANUP(slv_buf_done) struct slv_buf link;
	slv_buf_init(&link, LINK_BYTES_MAX);
	slv_err err = slv_image_srcset_link(key, picture, (uint32_t)px, format, &link);
	if (slv_failed(err))
		return err;
	add_escaped(buf, picture->origin);
	add_escaped(buf, slv_buf_str(&link));
	return SLV_OK;
}

/* ` srcset="<link> 320w, …" sizes="…"` */
static slv_err add_srcset(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, slv_str format, struct slv_buf *buf)
{
	slv_buf_add(buf, SLV_STR(" srcset=\""));
	for (slv_str rest = picture->widths; rest.at;) {
		slv_str width = slv_str_cut(&rest, ',');
		slv_err err = add_link(key, picture, width, format, buf);
		if (slv_failed(err))
			return err;
		slv_buf_printf(buf, " %.*sw%s", SLV_FMT(width), rest.at ? ", " : "");
	}
	slv_buf_add(buf, SLV_STR("\" sizes=\""));
	add_escaped(buf, picture->sizes.len ? picture->sizes : SLV_STR("100vw"));
	slv_buf_add_char(buf, '"');
	return SLV_OK;
}

static slv_err add_source(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, slv_str format, struct slv_buf *buf)
{
	slv_buf_printf(buf, "\t<source type=\"image/%.*s\"", SLV_FMT(format));
	slv_err err = add_srcset(key, picture, format, buf);
	slv_buf_add(buf, SLV_STR(">\n"));
	return err;
}

slv_err slv_image_srcset_print(const struct slv_image_sign_key *key,
		const struct slv_image_picture *picture, struct slv_buf *buf)
{
	size_t last = slv_str_find_last(picture->widths, ',');
	slv_str widest = last < picture->widths.len ? slv_str_from_index(picture->widths, last + 1)
	                                            : picture->widths;
	slv_err err = SLV_OK;
	slv_buf_add(buf, SLV_STR("<picture>\n"));
	if (picture->avif)
		err = add_source(key, picture, SLV_STR("avif"), buf);
	if (!slv_failed(err) && picture->webp)
		err = add_source(key, picture, SLV_STR("webp"), buf);
	slv_buf_add(buf, SLV_STR("\t<img src=\""));
	if (!slv_failed(err))
		err = add_link(key, picture, widest, SLV_STR("auto"), buf);
	slv_buf_add_char(buf, '"');
	if (!slv_failed(err))
		err = add_srcset(key, picture, SLV_STR("auto"), buf);
	slv_buf_add(buf, SLV_STR(" alt=\""));
	add_escaped(buf, picture->alt);
	slv_buf_add(buf, SLV_STR("\">\n</picture>\n"));
	if (slv_failed(err))
		return err;
	return buf->overflow ? SLV_ERR(SLV_E_LIMIT, "the element is too long") : SLV_OK;
}
