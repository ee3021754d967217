#include "service/image/private.h"

#include <string.h>

struct image_meta image_meta_make(const struct slv_pixel_result *result,
		const struct slv_digest *digest, bool json, int64_t modified_s)
{
	struct image_meta meta = {
		.magic = IMAGE_META_MAGIC,
		.format = json ? SLV_FORMAT_SAME : result->format,
		.width = result->width,
		.height = result->height,
		.frames = result->frames,
		.modified_s = modified_s,
	};
	struct slv_buf etag;
	slv_buf_init(&etag, sizeof(meta.etag) - 1);
	slv_buf_add_char(&etag, '"');
	slv_buf_add_hex(&etag, digest->bytes, 16);
	slv_buf_add_char(&etag, '"');
	memcpy(meta.etag, etag.at, etag.len);
	slv_buf_done(&etag);
	memcpy(meta.blurhash, result->blurhash, sizeof(meta.blurhash));
	memcpy(meta.thumbhash, result->thumbhash, sizeof(meta.thumbhash));
	return meta;
}

const struct image_meta *image_meta_of(const struct slv_cache_hit *hit)
{
	const struct image_meta *meta = (const struct image_meta *)(const void *)hit->head.at;
	if (hit->head.len != sizeof(*meta) || meta->magic != IMAGE_META_MAGIC)
		return NULL;
	return meta;
}

void image_facts_print(
		const struct slv_pixel_result *result, size_t source_bytes, struct slv_buf *json)
{
	slv_buf_printf(json, "{\"width\":%u,\"height\":%u,\"frames\":%u,\"format\":", result->width,
			result->height, result->frames);
	slv_buf_add_json(json, slv_format_type(result->format));
	slv_buf_printf(json,
			",\"original\":{\"file_size\":%zu,\"width\":%u,\"height\":%u,\"frames\":%u,"
			"\"format\":",
			source_bytes, result->source_width, result->source_height,
			result->source_frames);
	slv_buf_add_json(json, slv_format_type(result->source_format));
	slv_buf_printf(json, "},\"blurhash\":\"");
	/* Its alphabet holds nothing that JSON escapes. */
	slv_buf_add(json, slv_str_from(result->blurhash));
	slv_buf_printf(json, "\",\"thumbhash\":\"%s\"}\n", result->thumbhash);
}
