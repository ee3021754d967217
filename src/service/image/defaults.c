#include "service/image/defaults.h"

#include "proc/pixel.h"

#include <string.h>

#define AT(field) offsetof(struct slv_image_defaults, field)
#define NUMBER(field, fallback, min, max, help_)                                                   \
	{                                                                                          \
#field, SLV_CONF_INT, AT(field), fallback, min, max, .help = (help_)               \
	}

const struct slv_conf_key slv_image_defaults_keys[] = {
	{ "fit", SLV_CONF_CHOICE, AT(fit), "scale-down", .choices = "scale-down|contain",
			.help = "How a picture goes into its box when the URL does not say" },
	{ "format", SLV_CONF_CHOICE, AT(format), "source", .choices = "source|auto",
			.help = "The format when the URL does not say" },
	{ "metadata", SLV_CONF_CHOICE, AT(metadata), "copyright", .choices = "none|copyright|keep",
			.help = "What a JPEG keeps of its metadata when the URL does not say" },
	NUMBER(quality_jpeg, "85", 1, 100, "Quality of JPEG, and the scale of quality= in a URL"),
	NUMBER(quality_webp, "80", 1, 100,
			"Quality of WebP that goes with JPEG's default; 100 is lossless"),
	NUMBER(quality_avif, "62", 1, 100, "Quality of AVIF that goes with JPEG's default"),
	NUMBER(effort_webp, "4", 0, 6, "CPU spent on smaller WebP"),
	NUMBER(effort_avif, "0", 0, 9,
			"CPU spent on smaller AVIF; each step costs much and saves little"),
	NUMBER(effort_png, "6", 0, 9, "Compression level of PNG"),
	NUMBER(effort_gif, "7", 1, 10, "CPU spent on smaller GIF"),
	NUMBER(width_max, "16384", 1, SLV_PIXEL_SIDE_MAX, "Largest width= of a URL, in px"),
	NUMBER(height_max, "16384", 1, SLV_PIXEL_SIDE_MAX, "Largest height= of a URL, in px"),
	{ "dpr_max", SLV_CONF_DECIMAL, AT(dpr_max), "2", 0.01, 8, .help = "Largest dpr= of a URL" },
	{ "allow_jxl", SLV_CONF_BOOL, AT(allow_jxl), "false", .help = "Read JPEG XL" },
	{ "allow_svg", SLV_CONF_BOOL, AT(allow_svg), "false",
			.help = "Rasterise SVG where a URL asks for format=png-force" },
	NUMBER(source_pixels_max, "100000000", 1, 1e10, "Pixels of a source, of one frame"),
	NUMBER(frames_pixels_max, "50000000", 1, 1e10,
			"Pixels of all frames together; past it an animation keeps its first"),
	NUMBER(frames_max, "256", 1, SLV_IMAGE_FRAMES_MAX,
			"Frames of an animation; further ones are dropped"),
	NUMBER(output_pixels_max, "50000000", 1, 1e10, "Pixels of a result, of all frames"),
	NUMBER(output_side_max, "12000", 1, SLV_PIXEL_SIDE_MAX,
			"Largest width or height of a result, in px"),
	NUMBER(avif_pixels_max, "2500000", 0, 1e10,
			"Pixels of an AVIF; a larger result becomes WebP or JPEG"),
	{ 0 },
};

/* The index of `word` in `words`, which '|' separates. */
static int64_t choice_index(const char *words, slv_str word)
{
	int64_t index = 0;
	for (slv_str rest = slv_str_from(words); !slv_str_eq(slv_str_cut(&rest, '|'), word);)
		index++;
	return index;
}

void slv_image_defaults_init(struct slv_image_defaults *defaults)
{
	memset(defaults, 0, sizeof(*defaults));
	for (const struct slv_conf_key *key = slv_image_defaults_keys; key->name; key++) {
		void *field = (char *)defaults + key->offset;
		slv_str text = slv_str_from(key->fallback);
		uint64_t number;
		double decimal;
		if (key->type == SLV_CONF_INT && slv_str_u64(text, INT64_MAX, &number))
			*(int64_t *)field = (int64_t)number;
		else if (key->type == SLV_CONF_DECIMAL && slv_str_double(text, &decimal))
			*(double *)field = decimal;
		else if (key->type == SLV_CONF_CHOICE)
			*(int64_t *)field = choice_index(key->choices, text);
		else
			*(bool *)field = slv_str_eq(text, SLV_STR("true"));
	}
}
