/* preset.h - named options, and what only they can have: borders and overlays
 *
 *	presets:
 *	  card:
 *	    options: fit=cover,width=640,height=360
 *	    border: { color: "#fff", width: 4 }
 *	    draw:
 *	      - { url: /brand/mark.png, width: 80, bottom: 8, right: 8, opacity: 0.6 }
 *
 * A URL names it by preset=card. Options beside it replace the preset's, one by one, as far
 * as the policy lets them. Prepared once from the configuration; read-only afterwards.
 * Thread: any.
 */
#ifndef SLV_SERVICE_IMAGE_PRESET_H
#define SLV_SERVICE_IMAGE_PRESET_H

#include "service/image/options.h"

#define SLV_IMAGE_PRESETS_MAX 1000

/* --- as configured --- */

struct slv_image_border_conf {
	slv_str color;
	int64_t width;                    /* of the sides that are not given */
	int64_t top, right, bottom, left; /* -1: not given */
};

struct slv_image_draw_conf {
	slv_str url; /* a path of the site, or http(s)://… */
	int64_t width, height;
	int64_t fit;     /* enum slv_fit */
	slv_str gravity; /* as the option, without auto and face */
	double opacity;
	int64_t repeat;                   /* SLV_REPEAT_… */
	int64_t top, right, bottom, left; /* -1: not given */
	slv_str background;               /* empty: none */
	int64_t rotate;                   /* quarters */
	int64_t composite;                /* enum slv_composite */
};

struct slv_image_preset_conf {
	slv_str name, options;
	const struct slv_image_border_conf *border; /* NULL: none */
	struct slv_conf_list draw;                  /* struct slv_image_draw_conf */
};

/* The rows of struct slv_image_preset_conf, for an SLV_CONF_MAP. */
extern const struct slv_conf_key slv_image_preset_keys[];

/* --- prepared --- */

struct slv_image_preset {
	slv_str name;
	struct slv_image_options options;
	struct slv_colour border_colour;
	uint32_t border_top, border_right, border_bottom, border_left;
	uint32_t draw_count;
	struct slv_pixel_draw draw[SLV_PIXEL_DRAWS_MAX];
	slv_str draw_url[SLV_PIXEL_DRAWS_MAX];
};

struct slv_image_presets {
	const struct slv_image_preset *at; /* by name */
	size_t count;
	uint64_t allowed;  /* SLV_IMAGE_GIVEN() of the options a URL may name */
	bool presets_only; /* and a URL must name a preset */
};

/* Check and prepare. `conf` is a list of struct slv_image_preset_conf. `allowed` is a list of
 * slv_str, names of options; `preset` is always allowed, and each part of trim stands for all of
 * trim. Empty means all; but with `presets_only`, where a URL must name a preset, none beside it.
 * Texts stay in the configuration. SLV_E_OPTION and SLV_E_UNSUPPORTED name the preset and what
 * is wrong with it; SLV_E_LIMIT: the arena is full. */
slv_err slv_image_presets_prepare(struct slv_arena *arena, const struct slv_conf_list *conf,
		const struct slv_conf_list *allowed, bool presets_only,
		const struct slv_image_defaults *defaults, struct slv_image_presets *ret_presets);

const struct slv_image_preset *slv_image_preset_find(
		const struct slv_image_presets *presets, slv_str name);

/* What slv_image_options_parse() read from a URL, made complete by its preset. `*ret_preset` is
 * NULL if it names none. SLV_E_DENIED: an option that is not allowed, or no preset where one
 * must be; SLV_E_OPTION: no such preset. */
slv_err slv_image_presets_resolve(const struct slv_image_presets *presets, struct slv_arena *arena,
		struct slv_image_options *options, const struct slv_image_preset **ret_preset);

/* Put border and draws into a plan; NULL is fine. The n-th draw's picture is
 * preset->draw_url[n]. */
void slv_image_preset_apply(const struct slv_image_preset *preset, struct slv_pixel_plan *plan);

#endif
