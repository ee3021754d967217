/* policy.h - what a form may upload, by the policy that was signed for it
 *
 * A policy is JSON: when it ends, and conditions. Each field of the form must be named by one, but
 * for those that sign it and those that begin with x-ignore-. Names are compared in any case. What
 * a form does not have is compared as empty, but for the bucket, which it may leave to the URL; if
 * it has a field `bucket`, that must name the same.
 *
 * Source: "POST policy" of the S3 API reference. Thread: any.
 */
#ifndef SLV_SERVICE_OBJECT_POLICY_H
#define SLV_SERVICE_OBJECT_POLICY_H

#include "base/arena.h"
#include "http/field.h"
#include "service/object/error.h"

#define SLV_OBJECT_CONDITIONS_MAX 256 /* of a policy */

struct slv_object_form {
	slv_str bucket;
	const struct slv_fields *fields; /* of the form, before its file */
	int64_t now_s;
};

struct slv_object_policy {
	uint64_t bytes_min, bytes_max; /* of the file; UINT64_MAX: any */
};

/* Hold `form` to the policy `base64`. The texts of errors are in `arena`.
 *
 * InvalidPolicyDocument  it is none; more than SLV_OBJECT_CONDITIONS_MAX
 * AccessDenied           it is over, or the form is not as it says
 * SlowDown               the arena's cap */
slv_object_err slv_object_policy_check(struct slv_arena *arena, slv_str base64,
		const struct slv_object_form *form, struct slv_object_policy *ret_policy);

#endif
