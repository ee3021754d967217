#include "service/image/hosted/hosted.h"

#include "http/uri.h"
#include "service/image/hosted/facts.h"

#include <stddef.h>

#define AT(member) offsetof(struct slv_hosted_settings, member)

const struct slv_conf_key slv_hosted_keys[] = {
	{ .name = "url",
			.type = SLV_CONF_TEXT,
			.offset = AT(url),
			.fallback = "''",
			.max = 1024,
			.help = "What the API's links to pictures begin with, as "
				"https://img.example.com; empty: the first address of listen" },
	{ .name = "upload_url",
			.type = SLV_CONF_TEXT,
			.offset = AT(upload_url),
			.fallback = "''",
			.max = 1024,
			.help = "What links for one upload begin with; empty: where the API was "
				"asked, with /client/v4/upload" },
	{ .name = "image_bytes",
			.type = SLV_CONF_INT,
			.offset = AT(image_bytes),
			.fallback = "10M",
			.min = 1024,
			.max = HOSTED_GATHERED_BYTES_MAX,
			.help = "Length of a picture that is uploaded" },
	{ .name = "side_max",
			.type = SLV_CONF_INT,
			.offset = AT(side_max),
			.fallback = "12000",
			.min = 1,
			.max = 65535,
			.help = "Pixels of its width, and of its height" },
	{ .name = "pixels_max",
			.type = SLV_CONF_INT,
			.offset = AT(pixels_max),
			.fallback = "100000000",
			.min = 1,
			.max = 1e9,
			.help = "Pixels of both together" },
	{ .name = "images_max",
			.type = SLV_CONF_INT,
			.offset = AT(images_max),
			.fallback = "100000",
			.min = 1,
			.max = 10000000,
			.help = "Pictures that an account may have" },
	{ .name = "drafts_max",
			.type = SLV_CONF_INT,
			.offset = AT(drafts_max),
			.fallback = "10000",
			.min = 1,
			.max = 10000000,
			.help = "Drafts that an account may have at once: links for one upload "
				"that are not used yet; one whose time is over counts until it is "
				"swept" },
	{ 0 },
};

static slv_err check_url(struct slv_arena *scratch, const char *name, slv_str url)
{
	struct slv_uri uri;
	if (!url.len)
		return SLV_OK;
	if (slv_failed(slv_uri_parse(url, &uri)) || !uri.scheme.len || uri.query.at ||
			slv_str_ends(url, SLV_STR("/")))
		return slv_err_printf(scratch, SLV_E_SYNTAX,
				"images_store.%s: '%.*s' is none; write https://img.example.com, "
				"without a '/' at the end",
				name, SLV_FMT(url));
	return SLV_OK;
}

slv_err slv_hosted_check(struct slv_arena *scratch, const struct slv_hosted_settings *settings)
{
	slv_err err = check_url(scratch, "url", settings->url);
	return slv_failed(err) ? err : check_url(scratch, "upload_url", settings->upload_url);
}
