#include "base/buf.h"
#include "http/uri.h"
#include "service/image/source.h"

#define NAME_BYTES_MAX SLV_KIB(192) /* each byte of a purge's body encoded */

bool image_source_is_url(slv_str source)
{
	return slv_str_starts(source, SLV_STR("https://")) ||
	       slv_str_starts(source, SLV_STR("http://"));
}

/* Its decoded path; empty if it is no file: if another service answers, or another server. */
static slv_err file_path(const struct image *self, struct slv_arena *arena, slv_str source,
		slv_str *ret_path)
{
	slv_str rest = source, path;
	*ret_path = (slv_str){ 0 };
	if (image_source_is_url(source))
		return SLV_OK;
	slv_err err = slv_uri_decode_path(arena, slv_str_cut(&rest, '?'), &path);
	if (!slv_failed(err) && self->env->ops->path_only(self->env, self->site_index, path))
		*ret_path = path;
	return err;
}

bool image_source_is_file(const struct image *self, struct slv_arena *arena, slv_str source)
{
	slv_str path;
	return !slv_failed(file_path(self, arena, source, &path)) && path.len > 0;
}

/* Links may spell a file in many ways, and may be unsigned. Were each a source of its own, they
 * could fill the cache with one picture, and a purge would miss it. */
slv_err image_source_name(const struct image *self, struct slv_arena *arena, slv_str source,
		slv_str *ret_name)
{
	slv_str path;
	slv_err err = file_path(self, arena, source, &path);
	if (slv_failed(err))
		return err;
	if (path.len == 0) {
		*ret_name = source;
		return SLV_OK;
	}
	struct slv_buf encoded;
	slv_buf_init(&encoded, NAME_BYTES_MAX);
	slv_uri_encode(&encoded, path, SLV_STR("/"));
	slv_str name = slv_str_copy(arena, slv_buf_str(&encoded));
	bool fits = name.at && !encoded.overflow;
	slv_buf_done(&encoded);
	if (!fits)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	*ret_name = name;
	return SLV_OK;
}
