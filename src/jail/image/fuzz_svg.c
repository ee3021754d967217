/* fuzz_svg.c - what comes out is clean: cleaning it again changes nothing, and no word that
 * acts is a tag or an attribute of it */
#include "base/assert.h"
#include "jail/image/svg.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void has_no_tag(slv_str text, const char *name)
{
	slv_assert(slv_str_find_str(text, slv_str_from(name)) == text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_buf once, twice;
	uint32_t width, height;
	slv_buf_init(&once, SLV_MIB(1));
	slv_buf_init(&twice, SLV_MIB(1));
	slv_err err = slv_svg_clean((slv_str){ (const char *)data, size }, &once, &width, &height);
	if (!slv_failed(err)) {
		has_no_tag(slv_buf_str(&once), "<script");
		has_no_tag(slv_buf_str(&once), "<foreignObject");
		has_no_tag(slv_buf_str(&once), "<!");
		has_no_tag(slv_buf_str(&once), "<?");
		has_no_tag(slv_buf_str(&once), " onload=\"");
		err = slv_svg_clean(slv_buf_str(&once), &twice, &width, &height);
		slv_assert(!slv_failed(err) && slv_str_eq(slv_buf_str(&once), slv_buf_str(&twice)));
	}
	slv_buf_done(&once);
	slv_buf_done(&twice);
	return 0;
}
