/* hosted.h - pictures that are stored here, by the paths of Cloudflare's Images API
 *
 *	POST GET         /accounts/{a}/images/v1                 upload; list by page
 *	GET              …/images/v2                             list, with a token to go on
 *	GET PATCH DELETE …/images/v1/{id}
 *	GET              …/images/v1/{id}/blob                   as it was uploaded
 *	GET              …/images/v1/stats
 *	GET POST, GET PATCH DELETE   …/images/v1/variants, …/variants/{id}
 *	GET PATCH        …/images/v1/config                      {"flexible_variants"}
 *	GET, PUT DELETE  …/images/v1/keys, …/keys/{name}         what links are signed with
 *	POST             …/images/v2/direct_upload               a draft, and a link to upload it
 *	GET              …/images/v1/batch_token                 for an hour, without the account:
 *	                 /images/v1, /images/v1/{id}, /images/v2, /images/v2/direct_upload
 *	POST             /upload/{secret}                        what that draft shall be
 *
 * An upload is a form with `file` or `url`, or the bytes themselves. It streams into a blob; what
 * does not begin as a picture does is refused before any of it is stored, and what a jail cannot
 * read or finds too large before it is there. What is acknowledged is on the disk.
 * docs/hosted-images.md has the errors and the bounds.
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_HOSTED_H
#define SLV_SERVICE_IMAGE_HOSTED_HOSTED_H

#include "api/api.h"
#include "conf/schema.h"

struct slv_hosted_settings {
	slv_str url;         /* in front of /<account hash>/<id>/<variant>; empty: `own_url` */
	slv_str upload_url;  /* in front of /<secret>; empty: as the API was asked */
	int64_t image_bytes; /* of a picture that is uploaded */
	int64_t side_max;    /* px, of its width and of its height */
	int64_t pixels_max;  /* of both together */
	int64_t images_max;  /* of an account, as stats tell it */
	int64_t drafts_max;  /* of an account: links for one upload that hold */
	slv_str own_url;     /* no setting: where the sites listen, set by main */
};

extern const struct slv_conf_key slv_hosted_keys[];

/* Check the settings beyond their types. */
slv_err slv_hosted_check(struct slv_arena *scratch, const struct slv_hosted_settings *settings);

/* Its settings are a struct slv_hosted_settings. */
extern const struct slv_api_group slv_hosted_calls;

#endif
