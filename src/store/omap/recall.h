/* recall.h - rows that were read lately, in memory
 *
 * One for each loop. A row is handed out from memory only while its stamp is what it was before it
 * was read (omap.h): so what another loop or process of this machine wrote is seen at once. What
 * was read last stays longest. That there is no such row is remembered, too, while there is room:
 * it never takes the place of a row.
 *
 * Thread: the loop's.
 */
#ifndef SLV_STORE_OMAP_RECALL_H
#define SLV_STORE_OMAP_RECALL_H

#include "store/omap/omap.h"

struct slv_omap_memory;

/* `bytes_max` of keys, values and bodies, with what holds them. */
struct slv_omap_memory *slv_omap_memory_new(struct slv_loop *loop, size_t bytes_max);

/* After the last recall has called back; rows that were handed out may still be held. NULL is fine.
 */
void slv_omap_memory_free(struct slv_omap_memory *memory);

struct slv_omap_recall {
	struct slv_omap_memory *memory;
	struct slv_omap *map;
	slv_str key; /* lives until the end */
	void (*done)(struct slv_omap_recall *recall, slv_err err);

	/* The row, with its body; version 0: there is none. The receiver's until
	 * drop(hold), on this loop. */
	const struct slv_omap_row *row;
	struct slv_hold *hold; /* NULL on an error */

	/* Private. */
	struct slv_omap_read read;
	uint64_t stamp;
};

/* True: it was in memory, and nothing calls back. Else done() comes. */
bool slv_omap_recall(struct slv_omap_recall *recall);

#endif
