/* forwarded.h - who asked, if proxies that we trust forwarded it
 *
 * Each proxy appends whom it got the request from, so the list is walked from its right
 * end: the last entry was written by the connection's peer, the one before it by the
 * proxy that the last entry names, and so on. An entry is believed only as long as its
 * writer is in a trusted network; the first address that is not is the client. What is
 * to the left of it is the client's own invention.
 *
 * The walk ends at an entry that does not parse, that hides its address ("unknown",
 * "_name"), or after SLV_FORWARDED_HOPS_MAX: then the client is the last address reached.
 */
#ifndef SLV_HTTP_FORWARDED_H
#define SLV_HTTP_FORWARDED_H

#include "base/str.h"
#include "http/addr.h"
#include "http/field.h"

#define SLV_FORWARDED_HOPS_MAX 32u /* entries looked at, empty ones too */

/* Which fields the trusted proxies write. A proxy rewrites one family and passes the other
 * on as the client sent it, so this is a setting and is never guessed from the request. */
enum slv_forwarded_family {
	SLV_FORWARDED_NONE,
	SLV_FORWARDED_X,   /* X-Forwarded-For, -Proto, -Host */
	SLV_FORWARDED_RFC, /* Forwarded (RFC 7239) */
};

struct slv_forwarded {
	struct slv_addr client; /* the peer, if nothing was forwarded or it is not trusted */
	slv_str scheme;         /* "http" or "https"; empty if no trusted proxy told */
	slv_str host;           /* host [":" port], checked; empty if no trusted proxy told */
};

/* Find who asked. Scheme and host are those told by the trusted proxy nearest to us that
 * told any: of X-Forwarded-Proto and -Host that is the last entry. `scheme` is static, `host`
 * points into `fields`. Allocates nothing. */
void slv_forwarded_find(const struct slv_fields *fields, enum slv_forwarded_family family,
		const struct slv_addr *peer, const struct slv_net *trusted, size_t trusted_count,
		struct slv_forwarded *ret_forwarded);

#endif
