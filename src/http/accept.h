/* accept.h - which media types a client likes (RFC 9110 section 12.5.1)
 *
 * An Accept field is read once into a small table on the caller's stack; asking it is
 * a walk over a few entries. What does not parse is passed over, as are ranges with
 * parameters other than `charset`: no type that this program offers has any, so they
 * match none. Elements past SLV_ACCEPT_MAX are not read.
 */
#ifndef SLV_HTTP_ACCEPT_H
#define SLV_HTTP_ACCEPT_H

#include "base/str.h"
#include "http/field.h"

#define SLV_ACCEPT_MAX 64u /* elements of all Accept lines together */

struct slv_accept_range {
	slv_str type; /* as "image/avif", "image" of "image/" and a star, or empty for any */
	uint16_t q;   /* thousandths, 0…1000 */
	uint8_t how;  /* enum slv_accept_how */
};

/* How closely a range names a type. The closest one that matches decides. */
enum slv_accept_how {
	SLV_ACCEPT_ANY,   /* any type */
	SLV_ACCEPT_GROUP, /* any subtype of one */
	SLV_ACCEPT_EXACT, /* that type */
};

struct slv_accept {
	uint32_t seen;  /* elements read, malformed ones too */
	uint32_t count; /* of `ranges` */
	bool told;      /* an element that parses was there */
	struct slv_accept_range ranges[SLV_ACCEPT_MAX];
};

/* Nothing told: every type is as good as any. */
void slv_accept_init(struct slv_accept *accept);

/* Read the value of one Accept line more. Its bytes must live as long as `accept`. */
void slv_accept_add(struct slv_accept *accept, slv_str value);

/* Init, then add every Accept line of `fields`. */
void slv_accept_read(const struct slv_fields *fields, struct slv_accept *ret_accept);

/* How much `type`, as "image/avif" in lower case and without parameters, is liked:
 * thousandths, 0 for not acceptable. 1000 for all if nothing was told. Of several equally
 * close ranges the most liked decides. */
unsigned slv_accept_q(const struct slv_accept *accept, slv_str type);

/* As that, but by ranges that name exactly this type: 0 if there is none. For what a client
 * must have asked for by name because stars promise too much. */
unsigned slv_accept_q_named(const struct slv_accept *accept, slv_str type);

/* JSON is liked better than plain text, or as much and is named. */
bool slv_accept_prefers_json(const struct slv_accept *accept);

#endif
