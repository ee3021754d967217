/* fuzz_s3_document.c - what an endpoint of S3 answers with, and, as its first line, a URL of one */
#include "base/assert.h"
#include "store/blob/s3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t roots;
};

static void element(void *arg, slv_str parent, slv_str name, slv_str text)
{
	struct seen *seen = arg;
	slv_assert(seen->roots == 0); /* it is the last to end */
	slv_assert(name.len > 0 && name.len <= 64 && text.len <= SLV_KIB(4));
	seen->roots += parent.len == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { .roots = 0 };
	struct s3_url url;
	slv_str rest = { (const char *)data, size }, line = slv_str_cut(&rest, '\n');
	if (!slv_failed(s3_url_read(line, &url))) {
		slv_assert(url.key_id.len > 0 && url.host.len > 0 && url.bucket.len >= 3);
		slv_assert(slv_str_find(url.host, '@') == url.host.len);
		slv_assert(slv_str_find(url.prefix, '?') == url.prefix.len);
	}
	slv_err err = s3_document_read(rest, element, &seen);
	slv_assert(slv_failed(err) || seen.roots == 1);
	return 0;
}
