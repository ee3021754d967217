/* hold.h - memory that somebody else keeps for us */
#ifndef SLV_BASE_HOLD_H
#define SLV_BASE_HOLD_H

/* `drop` is called once, when the memory is no longer needed, on the thread that had it last.
 * Who keeps the memory embeds it. */
struct slv_hold {
	void (*drop)(struct slv_hold *hold);
};

#endif
