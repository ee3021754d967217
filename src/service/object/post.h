/* post.h - PostObject: a form, whose fields say who signed it */
#ifndef SLV_SERVICE_OBJECT_POST_H
#define SLV_SERVICE_OBJECT_POST_H

#include "service/object/private.h"

/* Read the form up to its file, then object_known(), which goes on with object_post(). */
void object_post_read(struct object_ask *ask);
slv_object_err object_post(struct object_ask *ask);
void object_post_close(struct object_ask *ask); /* its body, before an error is told */

/* What signs a form; the policy as it was sent. */
struct object_form_signature {
	slv_str algorithm, credential, date, signature, policy;
};

/* auth.c: whose signature? As object_authenticate(). */
void object_authenticate_form(struct object_ask *ask, const struct object_form_signature *form,
		void (*done)(struct object_ask *ask, slv_object_err err));

#endif
