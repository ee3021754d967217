/* warm.h - use every codec once, before the lock
 *
 * Libraries open files, load plugins, start threads and build tables at their first use.
 * Behind the lock they could not.
 */
#ifndef SLV_JAIL_IMAGE_WARM_H
#define SLV_JAIL_IMAGE_WARM_H

struct slv_arena;

/* `arena` is for temporaries and empty afterwards. */
void slv_warm_codecs(struct slv_arena *arena);

#endif
