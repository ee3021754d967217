/* pixel.h - what the image jail is asked and what it answers
 *
 * One SOCK_SEQPACKET message each way (proc/message.h). The request is a plan with
 * the picture as a sealed memfd, and one more memfd per overlay; the answer is a
 * result with the encoded bytes as a sealed memfd. The plan names no sources and
 * holds no text of a client: everything is a number in a checked range, and
 * slv_pixel_plan_ok() is called on both sides.
 *
 * The service decides what is wanted; sizes that depend on the picture are worked
 * out in the jail, which alone looks inside.
 */
#ifndef SLV_PROC_PIXEL_H
#define SLV_PROC_PIXEL_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SLV_PIXEL_DRAWS_MAX 4
#define SLV_PIXEL_SIDE_MAX 16384 /* px: no output side beyond this, whatever the settings */

/* id, short name, media type */
#define SLV_FORMAT_TABLE(X)                                                                        \
	X(JPEG, "jpeg", "image/jpeg")                                                              \
	X(PNG, "png", "image/png")                                                                 \
	X(WEBP, "webp", "image/webp")                                                              \
	X(AVIF, "avif", "image/avif")                                                              \
	X(GIF, "gif", "image/gif")                                                                 \
	X(JXL, "jxl", "image/jxl")                                                                 \
	X(SVG, "svg", "image/svg+xml")                                                             \
	X(HEIC, "heic", "image/heic")                                                              \
	X(TIFF, "tiff", "image/tiff")                                                              \
	X(AVIS, "avis", "image/avif") /* an image sequence; in results it is AVIF */

enum slv_format {
	SLV_FORMAT_SAME, /* as the source if it can be written (JPEG, PNG, WebP, AVIF, GIF), else
	                    JPEG, or PNG where there is transparency */
#define X(id, name, type) SLV_FORMAT_##id,
	SLV_FORMAT_TABLE(X)
#undef X
			SLV_FORMAT_COUNT
};

enum slv_fit {
	SLV_FIT_SCALE_DOWN, /* inside the box, never enlarged */
	SLV_FIT_CONTAIN,    /* inside the box, enlarged if need be */
	SLV_FIT_COVER,      /* fills the box, cropped, enlarged if need be */
	SLV_FIT_CROP, /* as cover, but never enlarged: a smaller source is cropped to what it has */
	SLV_FIT_ASPECT_CROP, /* as crop, but a smaller source is still cropped to the box's ratio */
	SLV_FIT_PAD,         /* as contain without enlarging, then background up to the box */
	SLV_FIT_SQUEEZE,     /* exactly the box, ratio ignored */
	SLV_FIT_SCALE_UP,    /* inside the box, only ever enlarged */
	SLV_FIT_COUNT
};

enum slv_gravity {
	SLV_GRAVITY_POINT, /* x, y in 0…1: that relative point of source and box fall together */
	SLV_GRAVITY_ENTROPY,   /* the part with the most detail */
	SLV_GRAVITY_ATTENTION, /* the part that draws the eye ("auto") */
	SLV_GRAVITY_COUNT
};

enum slv_metadata {
	SLV_METADATA_NONE,
	SLV_METADATA_COPYRIGHT,
	SLV_METADATA_KEEP,
	SLV_METADATA_COUNT
};

enum slv_composite {
	SLV_COMPOSITE_OVER,
	SLV_COMPOSITE_IN,
	SLV_COMPOSITE_ATOP,
	SLV_COMPOSITE_OUT,
	SLV_COMPOSITE_XOR,
	SLV_COMPOSITE_LIGHTER,
	SLV_COMPOSITE_COUNT
};

enum { SLV_FLIP_H = 1, SLV_FLIP_V = 2 };
enum { SLV_REPEAT_X = 1, SLV_REPEAT_Y = 2 };
enum { SLV_EDGE_TOP = 1, SLV_EDGE_RIGHT = 2, SLV_EDGE_BOTTOM = 4, SLV_EDGE_LEFT = 8 };

struct slv_colour {
	uint8_t r, g, b, a;
};

struct slv_point {
	double x, y;
};

enum slv_trim { SLV_TRIM_NONE, SLV_TRIM_SIDES, SLV_TRIM_BOX, SLV_TRIM_BORDER, SLV_TRIM_COUNT };

/* An overlay; the n-th has the n-th descriptor behind the picture's. Lengths in output px. */
struct slv_pixel_draw {
	uint32_t width, height; /* 0: its own */
	uint8_t fit;            /* enum slv_fit */
	uint8_t gravity;        /* enum slv_gravity */
	uint8_t repeat;         /* SLV_REPEAT_… */
	uint8_t edges; /* which of the four offsets below hold; opposite ones exclude each other;
	                  an axis with neither is centred */
	uint8_t composite; /* enum slv_composite */
	uint8_t pad;
	uint16_t rotate;        /* 0, 90, 180, 270 */
	struct slv_point point; /* of SLV_GRAVITY_POINT */
	uint32_t top, right, bottom, left;
	double opacity;               /* 0…1 */
	struct slv_colour background; /* a == 0: none */
};

struct slv_pixel_limits {
	uint64_t source_pixels_max; /* width × height of one frame */
	uint64_t frames_pixels_max; /* of all frames together; an animation past it keeps its first
	                               frame */
	uint32_t frames_max;        /* frames past it are dropped */
	uint64_t output_pixels_max; /* of all frames together */
	uint32_t output_side_max;   /* ≤ SLV_PIXEL_SIDE_MAX */
	uint64_t avif_pixels_max;   /* an AVIF larger than that is written in `fallback` instead */
};

struct slv_pixel_plan {
	uint32_t magic;   /* SLV_PIXEL_MAGIC: both programs are of one build */
	uint8_t format;   /* enum slv_format that can be written, or SAME; or SVG: an SVG source is
	                     passed on without what can act, others are written as SAME */
	uint8_t fallback; /* for AVIF past its area, or of an animation that this can hold: WEBP,
	                     JPEG or PNG; SAME, if `avoid` has AVIF */
	uint16_t avoid;   /* SLV_BIT() of each format that SAME does not give, because the client
	                     cannot show it: then JPEG, or PNG where there is transparency */
	bool info_only;   /* decode no more than needed: `result` and hashes, no bytes */
	bool baseline;    /* JPEG: not progressive */
	bool animate;     /* keep frames, if the output format can */
	bool fast;        /* compression=fast: the least effort */
	bool want_blurhash, want_thumbhash;
	bool allow_jxl, allow_svg; /* as sources */
	bool palette;              /* PNG: quantise to `quality` */
	uint8_t metadata;          /* enum slv_metadata; copyright and keep apply to JPEG only */

	uint8_t quality[SLV_FORMAT_COUNT]; /* 1…100 for each output format */
	uint8_t effort[SLV_FORMAT_COUNT];  /* 0…10; AVIF and WebP and PNG in their own scales */

	uint32_t width, height; /* px before dpr; 0: not asked */
	double dpr;             /* 0 < dpr ≤ 8 */
	uint8_t fit;            /* enum slv_fit */
	uint8_t gravity;        /* enum slv_gravity */
	uint8_t flip;           /* SLV_FLIP_… */
	uint8_t trim;           /* enum slv_trim */
	uint16_t rotate;        /* 0, 90, 180, 270, clockwise; after flip */
	struct slv_point point;

	/* SIDES: px to cut; BOX: left, top, width, height (0: to the end); in source px after
	 * EXIF rotation. BORDER: cut what is like trim_colour (a == 0: like the top left px)
	 * within trim_tolerance (0…255), but leave trim_keep px. */
	uint32_t trim_top, trim_right, trim_bottom, trim_left, trim_width, trim_height, trim_keep;
	uint8_t trim_tolerance;
	struct slv_colour trim_colour;

	struct slv_colour background; /* behind transparency and pads; a < 255 stays translucent
	                                 where the output format can */
	bool has_background; /* the client asked for one: flatten even if the output has alpha */
	double blur;         /* 0…250, radius; 0 off */
	double sharpen;      /* 0…10; 0 off */
	double brightness, contrast, saturation, gamma; /* factors; 1: unchanged */

	struct slv_colour border_colour;
	uint32_t border_top, border_right, border_bottom, border_left; /* px, before dpr */

	uint32_t draw_count;
	struct slv_pixel_draw draw[SLV_PIXEL_DRAWS_MAX];
	struct slv_pixel_limits limits;
};

#define SLV_PIXEL_MAGIC 0x32786c73u /* raise with each change of the structs */

struct slv_pixel_result {
	uint32_t magic;
	int32_t code;   /* enum slv_code; 0: done */
	char what[160]; /* terminated; why not. One line, ours: no text of a library or file */
	uint8_t format; /* of the bytes */
	uint8_t source_format;
	bool fell_back; /* AVIF was too large */
	bool source_alpha;
	uint16_t orientation;                                /* EXIF, 1…8 */
	uint32_t width, height, frames;                      /* of the output */
	uint32_t source_width, source_height, source_frames; /* as shown: after EXIF rotation */
	uint64_t bytes;                                      /* length of the output memfd */
	char blurhash[64];                                   /* terminated; empty if not asked */
	char thumbhash[48]; /* base64, terminated; empty if not asked */
	uint32_t decode_us, process_us, encode_us;
	uint64_t rss_kib; /* of the jail, now */
	uint32_t jobs;    /* that this jail has done */
};

/* Every field of the plan in its range. */
bool slv_pixel_plan_ok(const struct slv_pixel_plan *plan);

/* A result that is well-formed: strings terminated, enumerators known. */
bool slv_pixel_result_ok(const struct slv_pixel_result *result);

/* "jpeg", "image/jpeg"; of SAME: "same", "". */
slv_str slv_format_name(enum slv_format format);
slv_str slv_format_type(enum slv_format format);

/* The format of a picture by its first bytes (64 are enough; SVG looks at 1,024 of them), by
 * content alone; SLV_FORMAT_SAME if it is none that we read. */
enum slv_format slv_format_sniff(slv_str bytes);

/* HEIC and AVIF sequences: their decoders are in a jail of their own, which runs when one comes. */
bool slv_format_is_rare(enum slv_format format);

#endif
