/* target.h - the key that a request writes to, and whether what is there may be replaced
 *
 * The conditions are looked at before anything else is done, and once more by the store when the
 * row is written: in between others may have been quicker.
 */
#ifndef SLV_SERVICE_OBJECT_TARGET_H
#define SLV_SERVICE_OBJECT_TARGET_H

#include "service/object/private.h"

struct object_target {
	struct object_ask *ask;
	const struct slv_fields *conditions; /* If-Match and its like, or what else there is */
	void (*done)(struct object_target *target, slv_object_err err);

	/* Private. */
	bool looked;
	slv_str key;
	char room[OBJECT_ROW_KEY_BYTES_MAX];
	uint64_t version; /* of the row, if looked; 0: there is none */
	struct slv_omap_recall recall;
};

/* Calls back before it returns if there is nothing to wait for. */
void object_target_find(struct object_target *target);

/* The change that puts it, but for value and body. */
struct slv_omap_change object_target_change(const struct object_target *target);

/* Why the batch with that change and object_open_check() was not written. */
slv_object_err object_target_err(const struct object_target *target,
		const struct slv_omap_batch *batch, slv_err err);

#endif
