/* job.h - one picture, from the plan to the bytes
 *
 * In this order: trim, flip, rotate, resize and fit, background, border, overlays, filters;
 * EXIF rotation and colour profiles come before all of it. Animations frame by frame.
 *
 * An info_only job reads the header. If hashes are wanted it decodes a thumbnail, and
 * overlays, borders and filters are not in the hashes then.
 */
#ifndef SLV_JAIL_IMAGE_JOB_H
#define SLV_JAIL_IMAGE_JOB_H

#include "base/arena.h"
#include "base/str.h"
#include "proc/pixel.h"

#include <stddef.h>

struct slv_job {
	const struct slv_pixel_plan *plan;  /* slv_pixel_plan_ok() */
	slv_str source;                     /* the picture */
	slv_str draws[SLV_PIXEL_DRAWS_MAX]; /* plan->draw_count overlays */
};

/* Do it. `result` says how it went; its code is 0 or why not. The bytes, if there are any, are
 * g_free()d by the caller. `arena` is for temporaries and the reason. */
void slv_job_run(struct slv_arena *arena, const struct slv_job *job,
		struct slv_pixel_result *ret_result, void **ret_bytes, size_t *ret_len);

#endif
