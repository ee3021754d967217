/* fuzz_path.c - paths from anybody, against patterns of each shape that calls have: what fits, made
 * again of what was taken from it, fits again with the same */
#include "api/path.h"

#include "base/assert.h"
#include "base/attr.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {
	"/accounts",
	"/accounts/:",
	"/accounts/:/images/v1",
	"/accounts/:/images/v1/:",
	"/accounts/:/images/v1/variants/:",
	"/accounts/:/images/v1/*",
	"/accounts/:/storage/kv/namespaces/:/values/*",
	"/:/:/:/:",
	"/:/:/:/*",
	"/*",
};

/* A segment of a pattern, as long as there are some. */
static bool next(slv_str *pattern, slv_str *ret_segment)
{
	if (!pattern->at)
		return false;
	*ret_segment = slv_str_cut(pattern, '/');
	return true;
}

static void path_make(slv_str pattern, const slv_str *params, struct slv_buf *buf)
{
	size_t used = 0;
	slv_str segment;
	(void)slv_str_cut(&pattern, '/'); /* what is before the first is empty */
	while (next(&pattern, &segment)) {
		bool rest = slv_str_eq(segment, SLV_STR("*"));
		slv_buf_add_char(buf, '/');
		if (!rest && !slv_str_eq(segment, SLV_STR(":"))) {
			slv_buf_add(buf, segment);
			continue;
		}
		slv_uri_encode(buf, params[used++], rest ? SLV_STR("/") : SLV_STR(""));
	}
}

static void is_same_again(struct slv_arena *arena, slv_str pattern, const slv_str *params)
{
	slv_str again[SLV_API_PARAMS_MAX] = { 0 };
	bool fits;
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, SLV_MIB(4));
	path_make(pattern, params, &buf);
	slv_assert(!buf.overflow);
	slv_err err = slv_api_path_fit(arena, pattern, slv_buf_str(&buf), again, &fits);
	slv_assert(!slv_failed(err) && fits);
	for (size_t i = 0; i < SLV_API_PARAMS_MAX; i++)
		slv_assert(slv_str_eq(again[i], params[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str path = { (const char *)data, size };
	struct slv_arena arena;
	if (!size || path.at[0] != '/')
		return 0;
	slv_arena_init(&arena, SLV_KIB(4), SLV_MIB(16));
	for (size_t i = 0; i < SLV_COUNT(patterns); i++) {
		slv_str params[SLV_API_PARAMS_MAX] = { 0 }, pattern = slv_str_from(patterns[i]);
		bool fits;
		slv_err err = slv_api_path_fit(&arena, pattern, path, params, &fits);
		slv_assert(fits || !slv_failed(err));
		slv_assert(fits || !params[0].at);
		if (fits && !slv_failed(err))
			is_same_again(&arena, pattern, params);
	}
	slv_arena_done(&arena);
	return 0;
}
