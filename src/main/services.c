#include "main/services.h"

#include "edge/edge.h"
#include "service/files/files.h"
#include "service/image/hosted/hosted.h"
#include "service/image/image.h"
#include "service/kv/kv.h"
#include "service/object/object.h"

#include <stddef.h>

enum { FILES, IMAGES, DELIVERY, BUCKET, SERVICES };

const struct slv_service *const services[] = {
	[FILES] = &slv_files_service,
	[IMAGES] = &slv_image_service,
	[DELIVERY] = &slv_delivery_service,
	[BUCKET] = &slv_bucket_service,
	[SERVICES] = NULL,
};

const struct slv_conf_key services_route_keys[] = {
	{ .name = "path",
			.type = SLV_CONF_TEXT,
			.offset = offsetof(struct slv_edge_route, path),
			.min = 1,
			.max = 1024,
			.help = "Prefix of the paths that come here; the longest one wins" },
	{ .name = "files",
			.type = SLV_CONF_OPTION,
			.offset = offsetof(struct slv_edge_route, settings[FILES]),
			.keys = slv_files_keys,
			.size = SLV_FILES_SETTINGS_SIZE,
			.help = "Files of a folder" },
	{ .name = "images",
			.type = SLV_CONF_OPTION,
			.offset = offsetof(struct slv_edge_route, settings[IMAGES]),
			.keys = slv_image_keys,
			.size = SLV_IMAGE_SETTINGS_SIZE,
			.help = "Pictures in other sizes and formats" },
	{ .name = "imagedelivery",
			.type = SLV_CONF_OPTION,
			.offset = offsetof(struct slv_edge_route, settings[DELIVERY]),
			.keys = slv_delivery_keys,
			.size = SLV_DELIVERY_SETTINGS_SIZE,
			.help = "Pictures of the image store, by their variants" },
	{ .name = "bucket",
			.type = SLV_CONF_OPTION,
			.offset = offsetof(struct slv_edge_route, settings[BUCKET]),
			.keys = slv_bucket_keys,
			.size = SLV_BUCKET_SETTINGS_SIZE,
			.help = "Objects of a bucket, for everybody" },
	{ 0 },
};

static slv_str without_slash(slv_str path)
{
	return slv_str_ends(path, SLV_STR("/")) ? slv_str_head(path, path.len - 1) : path;
}

slv_str services_delivery_path(const struct slv_conf_list *sites)
{
	const struct slv_edge_site *site = sites->at;
	for (size_t i = 0; i < sites->count; i++) {
		const struct slv_edge_route *route = site[i].routes.at;
		for (size_t k = 0; k < site[i].routes.count; k++)
			if (route[k].settings[DELIVERY])
				return without_slash(route[k].path);
	}
	return (slv_str){ 0 };
}

const struct slv_api_group *const services_api_groups[] = {
	[SERVICES_API_KV] = &slv_kv_calls,
	[SERVICES_API_IMAGES] = &slv_hosted_calls,
	NULL,
};
