/* commit.h - the row that makes an object of what came, and what it replaces is cleaned */
#ifndef SLV_SERVICE_OBJECT_COMMIT_H
#define SLV_SERVICE_OBJECT_COMMIT_H

#include "service/object/target.h"

struct object_commit {
	struct object_ask *ask;
	struct object_target *target; /* that was found */
	struct object_meta *meta;     /* all but when it was written and where it is */
	bool has_blob;
	struct slv_blob_ref ref;
	slv_str bytes; /* if it is no blob; valid until the callback */
	/* After an error the blob is gone, if the row surely is not there. */
	void (*done)(struct object_commit *commit, slv_object_err err);

	/* Private. */
	struct slv_buf row;
	struct slv_omap_change changes[2]; /* the row, and that the bucket is open */
	struct slv_omap_batch batch;
};

/* In the request's arena. May call back before it returns. */
void object_commit(struct object_commit *commit);

/* The fields of a reply that tell of what was stored. */
slv_err object_commit_fields(const struct object_commit *commit, struct slv_reply *reply);

#endif
