/* link.h - the parts of a link to a picture of the store
 *
 *	<route><account hash>/<image id>/<variant, or options>
 *
 * An id may have '/' in it, as it is or encoded. The last segment stays as it was sent.
 */
#ifndef SLV_SERVICE_IMAGE_LINK_H
#define SLV_SERVICE_IMAGE_LINK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct image_link {
	slv_str hash;   /* of the account, as sent */
	slv_str id;     /* decoded, and one that a picture can have */
	slv_str choice; /* the last segment, as sent; empty: of a picture there is none */
};

/* `path` as sent; `of_picture`: nothing is behind the id. The id goes into `arena`, the rest are
 * views. SLV_E_SOURCE: the route's own path is encoded; SLV_E_MISSING: that is a link to nothing;
 * those of slv_uri_decode(). */
slv_err image_link_read(struct slv_arena *arena, slv_str route, slv_str path, bool of_picture,
		struct image_link *ret_link);

#endif
