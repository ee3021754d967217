/* options.h - the options of an image URL; plan.h says what becomes of them
 *
 * Cloudflare's grammar: `/cdn-cgi/image/<options>/<source>`, where <options> is
 * `name=value` separated by commas (commas within parentheses belong to a colour). The
 * segment is percent-decoded once, as a whole, and never again. Names and words are in
 * lower case; only colours are read in any case.
 *
 *	width, w                 1…16384 or auto      anim               true, false
 *	height, h                1…16384              background         a colour (colour.h)
 *	dpr                      above 0, to 2        blur               0…250
 *	fit                      scale-down, contain, sharpen            0…10
 *	   cover, crop, aspect-crop, pad, squeeze,    brightness, contrast, saturation, gamma 0…10
 *	   scale-up                                   rotate             0, 90, 180, 270, 360
 *	gravity, g               auto, entropy,       flip               h, v, hv
 *	   left, right, top, bottom, center, or XxY   metadata           copyright, keep, none
 *	   with both in 0…1                           onerror            redirect
 *	zoom, face-zoom          0…1; needs a face,   compression        fast
 *	   so it changes nothing                      upscale            interpolate
 *	quality, q               1…100, high, medium-high, medium-low, low
 *	slow-connection-quality, scq                  as quality, for a slow client
 *	format, f                auto, avif, webp, jpeg, baseline-jpeg, json, png, png-force,
 *	                         svg, gif
 *	trim                     top;right;bottom;left in px, or border
 *	trim.top .left .right .bottom .width .height  px; width and height are not mixed with
 *	                         right and bottom
 *	trim.border.color, .tolerance (0…255), .keep (px)
 *
 * Ours: preset=<name>, blurhash=true|false, thumbhash=true|false, frames=<1…>.
 * Refused as SLV_E_UNSUPPORTED, because they need a model: segment, upscale=generate,
 * gravity=face. `border` and `draw` are for presets only (preset.h).
 *
 * A quality is a number on JPEG's scale, whatever the format (plan.h); a word is the same
 * as its number: high 90, medium-high 80, medium-low 65, low 50.
 *
 * An option that is unknown, empty, malformed, out of range or given twice (an alias
 * counts) is refused with one line that names it, its value and what it may be. So there
 * are never more options than the table has.
 * Thread: any.
 */
#ifndef SLV_SERVICE_IMAGE_OPTIONS_H
#define SLV_SERVICE_IMAGE_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "proc/pixel.h"
#include "service/image/defaults.h"

#define SLV_IMAGE_OPTIONS_BYTES_MAX 2048 /* of the segment, as sent */
#define SLV_IMAGE_PX_MAX 65535           /* trim and border */
#define SLV_IMAGE_WIDTH_AUTO UINT32_MAX
#define SLV_IMAGE_PRESET_NAME_MAX 64   /* letters, digits, '-', '_' and '.' */
#define SLV_IMAGE_TOLERANCE_DEFAULT 10 /* trim.border.tolerance */

/* id, name, alias ("" if it has none) */
#define SLV_IMAGE_OPTION_TABLE(X)                                                                  \
	X(WIDTH, "width", "w")                                                                     \
	X(HEIGHT, "height", "h")                                                                   \
	X(DPR, "dpr", "")                                                                          \
	X(FIT, "fit", "")                                                                          \
	X(GRAVITY, "gravity", "g")                                                                 \
	X(ZOOM, "zoom", "face-zoom")                                                               \
	X(QUALITY, "quality", "q")                                                                 \
	X(SLOW_QUALITY, "slow-connection-quality", "scq")                                          \
	X(FORMAT, "format", "f")                                                                   \
	X(ANIM, "anim", "")                                                                        \
	X(BACKGROUND, "background", "")                                                            \
	X(BLUR, "blur", "")                                                                        \
	X(SHARPEN, "sharpen", "")                                                                  \
	X(BRIGHTNESS, "brightness", "")                                                            \
	X(CONTRAST, "contrast", "")                                                                \
	X(SATURATION, "saturation", "")                                                            \
	X(GAMMA, "gamma", "")                                                                      \
	X(ROTATE, "rotate", "")                                                                    \
	X(FLIP, "flip", "")                                                                        \
	X(TRIM, "trim", "")                                                                        \
	X(TRIM_TOP, "trim.top", "")                                                                \
	X(TRIM_RIGHT, "trim.right", "")                                                            \
	X(TRIM_BOTTOM, "trim.bottom", "")                                                          \
	X(TRIM_LEFT, "trim.left", "")                                                              \
	X(TRIM_WIDTH, "trim.width", "")                                                            \
	X(TRIM_HEIGHT, "trim.height", "")                                                          \
	X(TRIM_COLOUR, "trim.border.color", "")                                                    \
	X(TRIM_TOLERANCE, "trim.border.tolerance", "")                                             \
	X(TRIM_KEEP, "trim.border.keep", "")                                                       \
	X(METADATA, "metadata", "")                                                                \
	X(ONERROR, "onerror", "")                                                                  \
	X(COMPRESSION, "compression", "")                                                          \
	X(UPSCALE, "upscale", "")                                                                  \
	X(SEGMENT, "segment", "")                                                                  \
	X(PRESET, "preset", "")                                                                    \
	X(BLURHASH, "blurhash", "")                                                                \
	X(THUMBHASH, "thumbhash", "")                                                              \
	X(FRAMES, "frames", "")

enum slv_image_option {
#define X(id, name, alias) SLV_IMAGE_OPTION_##id,
	SLV_IMAGE_OPTION_TABLE(X)
#undef X
			SLV_IMAGE_OPTION_COUNT
};

#define SLV_IMAGE_GIVEN(option) (UINT64_C(1) << (option))

/* What format= may say. */
enum slv_image_format {
	SLV_IMAGE_FORMAT_SOURCE, /* nothing: as the source */
	SLV_IMAGE_FORMAT_AUTO,
	SLV_IMAGE_FORMAT_AVIF,
	SLV_IMAGE_FORMAT_WEBP,
	SLV_IMAGE_FORMAT_JPEG,
	SLV_IMAGE_FORMAT_BASELINE_JPEG,
	SLV_IMAGE_FORMAT_JSON,
	SLV_IMAGE_FORMAT_PNG,
	SLV_IMAGE_FORMAT_PNG_FORCE, /* PNG of an SVG source too, where rasterising is allowed;
	                               with every other format an SVG is passed on as SVG */
	SLV_IMAGE_FORMAT_SVG,       /* an SVG is passed on; other sources stay what they are */
	SLV_IMAGE_FORMAT_GIF,
	SLV_IMAGE_FORMAT_COUNT
};

struct slv_image_trim {
	uint8_t mode;             /* enum slv_trim */
	uint8_t tolerance;        /* 0…255 */
	struct slv_colour colour; /* of the border; transparent: like the top left px */
	uint32_t top, right, bottom, left, width, height, keep;
};

/* What was asked, before defaults. Only fields whose option is in `given` count; the
 * others hold the value that changes nothing. */
struct slv_image_options {
	uint64_t given;  /* SLV_IMAGE_GIVEN() of each; all of trim's are SLV_IMAGE_OPTION_TRIM */
	slv_str preset;  /* lives as long as the text, or as `arena` if that was encoded */
	uint32_t width;  /* or SLV_IMAGE_WIDTH_AUTO; 0: not asked */
	uint32_t height; /* 0: not asked */
	uint32_t frames; /* at most; 0: as the settings say */
	uint8_t fit;     /* enum slv_fit */
	uint8_t gravity; /* enum slv_gravity */
	uint8_t quality; /* 1…100, JPEG's scale */
	uint8_t slow_quality;
	uint8_t format;   /* enum slv_image_format */
	uint8_t flip;     /* SLV_FLIP_… */
	uint8_t metadata; /* enum slv_metadata */
	bool anim;
	bool redirect; /* onerror=redirect: to the source, when it cannot be transformed */
	bool fast;     /* compression=fast */
	bool blurhash, thumbhash; /* as response fields; with format=json in the JSON anyway */
	uint16_t rotate;
	struct slv_colour background;
	struct slv_point point; /* of SLV_GRAVITY_POINT */
	double dpr, zoom, blur, sharpen, brightness, contrast, saturation, gamma;
	struct slv_image_trim trim;
};

/* Read the segment as sent. It is not empty. `arena` holds reasons and, where `text` is
 * percent-encoded, its decoded form; a segment without '%' that is right takes nothing.
 * SLV_E_OPTION, SLV_E_UNSUPPORTED as above; SLV_E_LIMIT: too many bytes, or the arena is full. */
slv_err slv_image_options_parse(struct slv_arena *arena, slv_str text,
		const struct slv_image_defaults *defaults, struct slv_image_options *ret_options);

/* What nobody asked. */
void slv_image_options_init(struct slv_image_options *options);

/* What is given in `over` replaces what `options` has. Trim is replaced as a whole. */
void slv_image_options_override(
		struct slv_image_options *options, const struct slv_image_options *over);

/* The option of a name or alias; SLV_IMAGE_OPTION_COUNT if there is none. */
enum slv_image_option slv_image_option_find(slv_str name);
slv_str slv_image_option_name(enum slv_image_option option);

bool slv_image_preset_name_ok(slv_str name);

#endif
