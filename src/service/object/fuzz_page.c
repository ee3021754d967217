/* fuzz_page.c - a key is in the rows of a page if it is behind the marker and begins as is asked
 * for
 *
 * The lines are the prefix, the delimiter, the marker and a key.
 */
#include "service/object/page.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is it behind the marker, and behind all that the marker stands for? */
static bool is_behind(const struct object_page_ask *ask, slv_str key)
{
	slv_str marker = ask->marker;
	if (slv_str_cmp(marker, ask->prefix) < 0)
		return true;
	size_t folded_len = object_page_folded_len(ask, marker);
	return slv_str_cmp(key, marker) > 0 &&
	       !(folded_len && slv_str_starts(key, slv_str_head(marker, folded_len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object_page page;
	char room[OBJECT_ROW_KEY_BYTES_MAX];
	slv_str rest = { (const char *)data, size };
	struct object_page_ask ask = { .kind = 'o' };
	ask.prefix = slv_str_cut(&rest, '\n');
	ask.delimiter = slv_str_cut(&rest, '\n');
	ask.marker = slv_str_cut(&rest, '\n');
	if (slv_object_failed(object_page_check(&ask)))
		return 0;
	bool some = object_page_init(&page, &ask);
	/* No key has a NUL. */
	if (rest.len > SLV_OBJECT_KEY_BYTES_MAX || (rest.len && memchr(rest.at, 0, rest.len)))
		return 0;
	slv_str row = object_row_key(rest, room);
	bool is_in = some && slv_str_cmp(row, (slv_str){ page.from, page.from_len }) >= 0 &&
	             slv_str_cmp(row, (slv_str){ page.until, page.until_len }) < 0;
	slv_assert(is_in == (slv_str_starts(rest, ask.prefix) &&
					    (!ask.marker.len || is_behind(&ask, rest))));
	return 0;
}
