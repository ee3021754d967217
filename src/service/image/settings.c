#include "service/image/private.h"

#include <stddef.h>

#define AT(member) offsetof(struct image_conf, member)

const struct slv_conf_key slv_image_keys[] = {
	{ .name = "signing",
			.type = SLV_CONF_SECTION,
			.offset = AT(signing),
			.keys = slv_image_signing_keys,
			.help = "Who may make links" },
	{ .name = "defaults",
			.type = SLV_CONF_SECTION,
			.offset = AT(defaults),
			.keys = slv_image_defaults_keys,
			.help = "What holds when an option does not say otherwise, and bounds" },
	{ .name = "presets",
			.type = SLV_CONF_MAP,
			.offset = AT(presets),
			.max = SLV_IMAGE_PRESETS_MAX,
			.keys = slv_image_preset_keys,
			.size = sizeof(struct slv_image_preset_conf),
			.help = "Named options, used as preset=<name>" },
	{ .name = "presets_only",
			.type = SLV_CONF_BOOL,
			.offset = AT(presets_only),
			.fallback = "false",
			.help = "A URL must name a preset" },
	{ .name = "allowed_options",
			.type = SLV_CONF_TEXTS,
			.offset = AT(allowed),
			.max = 100,
			.help = "Options that a URL may name; none listed: all, or with "
				"presets_only none "
				"but preset" },
	{ .name = "origins",
			.type = SLV_CONF_TEXTS,
			.offset = AT(origins),
			.max = 1000,
			.help = "Where sources may come from besides the site itself: "
				"https://host/path/, https://*.host/" },
	{ .name = "svg",
			.type = SLV_CONF_BOOL,
			.offset = AT(svg),
			.fallback = "true",
			.help = "Pass SVG on, without scripts and references" },
	{ .name = "source_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(source_bytes),
			.fallback = "100M",
			.min = 1024,
			.max = 2147483648.0,
			.help = "Length of a source" },
	{ .name = "job_ms",
			.type = SLV_CONF_INT,
			.offset = AT(job_ms),
			.fallback = "15000",
			.min = 100,
			.max = 300000,
			.help = "To get a source and transform it" },
	{ .name = "ttl_s",
			.type = SLV_CONF_INT,
			.offset = AT(ttl_s),
			.fallback = "14400",
			.min = 0,
			.max = 31536000,
			.help = "How long an answer is fresh if its source does not say" },
	{ .name = "ttl_least_s",
			.type = SLV_CONF_INT,
			.offset = AT(ttl_least_s),
			.fallback = "60",
			.min = 0,
			.max = 31536000,
			.help = "At least this, whatever the source says" },
	{ .name = "ttl_most_s",
			.type = SLV_CONF_INT,
			.offset = AT(ttl_most_s),
			.fallback = "31536000",
			.min = 0,
			.max = 31536000,
			.help = "At most this, whatever the source says" },
	{ .name = "stale_s",
			.type = SLV_CONF_INT,
			.offset = AT(stale_s),
			.fallback = "7200",
			.min = 0,
			.max = 31536000,
			.help = "How long after that an answer is still served while it is "
				"renewed" },
	{ 0 },
};

_Static_assert(sizeof(struct image_conf) <= SLV_IMAGE_SETTINGS_SIZE, "raise it");

slv_err image_check(struct slv_arena *scratch, const void *settings)
{
	const struct image_conf *conf = settings;
	struct slv_image_presets presets;
	struct image_origin *origins;
	size_t count;
	slv_err err = slv_image_signing_check(&conf->signing);
	if (slv_failed(err))
		return err;
	if (conf->ttl_least_s > conf->ttl_most_s)
		return SLV_ERR(SLV_E_OPTION, "ttl_least_s is more than ttl_most_s");
	err = slv_image_presets_prepare(scratch, &conf->presets, &conf->allowed, conf->presets_only,
			&conf->defaults, &presets);
	if (slv_failed(err))
		return err;
	return image_origins_prepare(scratch, &conf->origins, &origins, &count);
}
