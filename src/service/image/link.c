#include "service/image/link.h"

#include "http/uri.h"
#include "service/image/hosted/record.h"

static slv_err no_picture(void)
{
	return SLV_ERR(SLV_E_MISSING, "there is no such picture");
}

slv_err image_link_read(struct slv_arena *arena, slv_str route, slv_str path, bool of_picture,
		struct image_link *ret_link)
{
	struct image_link link = { .hash = { 0 } };
	if (!slv_str_starts(path, route))
		return SLV_ERR(SLV_E_SOURCE, "the route's own path must not be percent-encoded");
	slv_str rest = slv_str_from_index(path, route.len);
	if (!slv_str_ends(route, SLV_STR("/")) && slv_str_cut(&rest, '/').len)
		return no_picture(); /* "/picturesque/…" is not below "/pictures" */
	if (!of_picture) {
		size_t last = slv_str_find_last(rest, '/');
		link.choice = slv_str_from_index(rest, last + 1);
		rest = slv_str_head(rest, last);
	}
	size_t slash = slv_str_find(rest, '/');
	slv_str id = slv_str_from_index(rest, slash + 1);
	link.hash = slv_str_head(rest, slash);
	if (!id.len || (!of_picture && !link.choice.len))
		return SLV_ERR(SLV_E_MISSING,
				"a picture's path is <account hash>/<image id>/<variant>");
	slv_err err = slv_uri_decode(arena, id, &link.id);
	if (!slv_failed(err) && slv_failed(hosted_id_check(link.id)))
		err = no_picture();
	if (!slv_failed(err))
		*ret_link = link;
	return err;
}
