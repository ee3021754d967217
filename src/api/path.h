/* path.h - whether a path is that of a call
 *
 * A pattern is that of slv_api_call: its segments are matched as they were sent, and what stands
 * for ':' and '*' is decoded, so that an encoded '/' parts nothing.
 */
#ifndef SLV_API_PATH_H
#define SLV_API_PATH_H

#include "api/api.h"

/* Both begin with '/'. If `*ret_fits` becomes true, so many of `params` are set as the pattern has
 * ':' and '*'; the others stay. It may though an escape is broken: then the error says so. Those of
 * slv_uri_decode(). */
slv_err slv_api_path_fit(struct slv_arena *arena, slv_str pattern, slv_str path,
		slv_str params[static SLV_API_PARAMS_MAX], bool *ret_fits);

#endif
