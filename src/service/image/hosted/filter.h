/* filter.h - which pictures of a list are meant: ?creator=ada&meta.shop.shelf[gte:number]=3
 *
 *	creator=TEXT             whose creator is that; empty: those that have none
 *	meta.NAME[OP]=VALUE      whose metadata have a member that holds; NAME is up to 5 names
 *	meta.NAME[OP:TYPE]=VALUE with dots between
 *
 *	eq                       it is VALUE
 *	in                       it is one of up to 10, with '|' between
 *	gt gte lt lte            it is a number above, or from, or below, or up to VALUE
 *
 * TYPE is string, number or boolean. Where it is not said, a text, a number or a boolean is that
 * VALUE if it is written so. All that is asked must hold. Thread: any; no I/O.
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_FILTER_H
#define SLV_SERVICE_IMAGE_HOSTED_FILTER_H

#include "base/arena.h"
#include "service/image/hosted/record.h"

#define HOSTED_FILTERS_MAX 5        /* of metadata */
#define HOSTED_FILTER_DEPTH_MAX 5   /* names with dots between */
#define HOSTED_FILTER_VALUES_MAX 10 /* of `in` */

struct hosted_condition {
	slv_str names[HOSTED_FILTER_DEPTH_MAX];
	size_t depth;
	enum { HOSTED_EQ, HOSTED_IN, HOSTED_GT, HOSTED_GTE, HOSTED_LT, HOSTED_LTE } what;
	enum { HOSTED_ANY, HOSTED_STRING, HOSTED_NUMBER, HOSTED_BOOLEAN } type;
	slv_str values[HOSTED_FILTER_VALUES_MAX];
	size_t count;
};

struct hosted_filter {
	bool has_creator;
	slv_str creator;
	struct hosted_condition conditions[HOSTED_FILTERS_MAX];
	size_t count;
};

/* Of the parameters of a query; others are nobody's business. Texts are in `arena`.
 * SLV_E_SYNTAX, SLV_E_LIMIT: it is none; the text says why. */
slv_err hosted_filter_read(struct hosted_filter *filter, struct slv_arena *arena, slv_str query);

/* Is everything asked for? */
static inline bool hosted_filter_is_empty(const struct hosted_filter *filter)
{
	return !filter->has_creator && !filter->count;
}

/* Is that picture asked for? */
bool hosted_filter_fits(const struct hosted_filter *filter, const struct hosted_image *image);

#endif
