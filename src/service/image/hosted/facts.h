/* facts.h - what a jail says of a picture that is uploaded: that it can be read, and how large it
 * is
 *
 * No byte of a picture is looked at in this process but the first few, which say its format. The
 * rest gathers in a memfd beside the blob, and a jail reads its header; no pixel is decoded. All
 * that gathers at once, of one loop, is bounded.
 *
 * Thread: the lanes' loop.
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_FACTS_H
#define SLV_SERVICE_IMAGE_HOSTED_FACTS_H

#include "proc/lanes.h"
#include "service/image/hosted/private.h"

#define HOSTED_GATHERED_BYTES_MAX SLV_MIB(256) /* of all uploads of a loop at once */

struct hosted_facts {
	struct hosted *hosted;
	struct slv_arena *arena; /* texts of errors */
	/* SLV_E_MEDIA: it cannot be read; SLV_E_LIMIT: it has too many pixels; SLV_E_BUSY,
	 * SLV_E_TIMEOUT, SLV_E_INTERNAL of the jails. `width` and `height` are 0 if it has none. */
	void (*done)(struct hosted_facts *facts, slv_err err);
	uint32_t width, height; /* as shown */

	/* Private. */
	int fd;
	uint64_t bytes;
	struct slv_pixel_job job;
};

/* Nothing has come yet. */
void hosted_facts_init(struct hosted_facts *facts, struct hosted *hosted, struct slv_arena *arena);

/* Give back what gathered. Not between the ask and done(). */
void hosted_facts_done(struct hosted_facts *facts);

/* The next bytes of the picture. SLV_E_BUSY: too much has gathered; SLV_E_SYS. */
slv_err hosted_facts_add(struct hosted_facts *facts, slv_str bytes);

/* All of them have come: done() will. `format` is what they begin as. An error: it will not. */
slv_err hosted_facts_ask(struct hosted_facts *facts, enum slv_format format);

#endif
