/* crew.h - threads of a module's own, for what blocks so long or so often that the pool of jobs
 * should not wait for it: syncs of a disk, answers of a database
 *
 * Chores are begun in the order in which they came. */
#ifndef SLV_LOOP_CREW_H
#define SLV_LOOP_CREW_H

#include "base/err.h"

#define SLV_CREW_THREADS_MAX 64u

struct slv_crew;

struct slv_chore {
	void (*work)(struct slv_chore *chore); /* on a thread of the crew; owns `chore` */
	struct slv_chore *next;                /* private */
};

/* 1 to SLV_CREW_THREADS_MAX threads. */
slv_err slv_crew_new(unsigned threads, struct slv_crew **ret_crew);

/* Does what still waits, and what that adds, and ends the threads. NULL is fine. Thread: none of
 * its own. */
void slv_crew_free(struct slv_crew *crew);

/* Monotonic milliseconds, read now. For chores: loops have clocks of their own. Thread: any. */
uint64_t slv_crew_now_ms(void);

/* Seconds since 1970, likewise. */
int64_t slv_crew_wall_s(void);

/* Thread: any. */
void slv_crew_add(struct slv_crew *crew, struct slv_chore *chore);

#endif
