/* Whatever a bucket answers: keys are told that its bytes may stand for, and nothing is read past
 * them. */
#include "base/assert.h"
#include "main/bucket_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static slv_err see(void *arg, slv_str key)
{
	size_t *left = arg;
	slv_assert(key.len <= *left);
	*left -= key.len;
	return SLV_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str xml = { (const char *)data, size };
	size_t left = size;
	struct bucket_page page = { .object = see, .arg = &left };
	struct slv_arena arena;
	slv_arena_init(&arena, 4096, 1 << 20);
	if (!slv_failed(bucket_page_read(&arena, xml, &page)))
		slv_assert(page.next.len <= size);
	slv_assert(bucket_error_read(xml).len <= size);
	slv_arena_done(&arena);
	return 0;
}
