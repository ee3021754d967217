#include "api/path.h"

#include "base/assert.h"
#include "http/uri.h"

slv_err slv_api_path_fit(struct slv_arena *arena, slv_str pattern, slv_str path,
		slv_str params[static SLV_API_PARAMS_MAX], bool *ret_fits)
{
	slv_str raw[SLV_API_PARAMS_MAX];
	size_t count = 0;
	*ret_fits = false;
	while (pattern.at && path.at) {
		slv_str want = slv_str_cut(&pattern, '/');
		bool one = slv_str_eq(want, SLV_STR(":")), rest = slv_str_eq(want, SLV_STR("*"));
		slv_str have = rest ? path : slv_str_cut(&path, '/');
		if (one ? !have.len : !rest && !slv_str_eq(want, have))
			return SLV_OK;
		if (rest)
			path = (slv_str){ 0 };
		if (one || rest) {
			slv_assert(count < SLV_API_PARAMS_MAX);
			raw[count++] = have;
		}
	}
	if (pattern.at || path.at)
		return SLV_OK;
	*ret_fits = true;
	slv_err err = SLV_OK;
	for (size_t i = 0; i < count && !slv_failed(err); i++)
		err = slv_uri_decode(arena, raw[i], &params[i]);
	return err;
}
