/* fuzz_pixel_sniff.c - formats by their first bytes; and results, which come out of a jail */
#include "base/assert.h"
#include "proc/pixel.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	enum slv_format format = slv_format_sniff(bytes);
	slv_assert(format >= SLV_FORMAT_SAME && format < SLV_FORMAT_COUNT);
	/* A format is told by the first 1,024 bytes alone. */
	if (format != SLV_FORMAT_SVG)
		slv_assert(slv_format_sniff(slv_str_head(bytes, 1024)) == format);

	struct slv_pixel_result result = { .magic = SLV_PIXEL_MAGIC };
	size_t skip = sizeof(result.magic);
	size_t len = size < sizeof(result) - skip ? size : sizeof(result) - skip;
	memcpy((char *)&result + skip, data, len);
	if (slv_pixel_result_ok(&result))
		slv_assert(memchr(result.what, '\0', sizeof(result.what)) != NULL);
	return 0;
}
