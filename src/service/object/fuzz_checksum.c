/* fuzz_checksum.c - a text that is read is printed the same; cuts and joins change no checksum
 *
 * The first byte names the kind, the second where to cut; the rest is text, and bytes.
 */
#include "service/object/checksum.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(enum slv_object_checksum_kind kind, slv_str text)
{
	struct slv_object_checksum checksum;
	if (!slv_object_checksum_parse(kind, text, &checksum))
		return;
	struct slv_buf buf;
	slv_buf_init(&buf, 256);
	slv_object_checksum_print(&checksum, &buf);
	/* But for zeroes before the number of parts. */
	slv_assert(slv_str_starts(text, slv_str_head(slv_buf_str(&buf), slv_str_find(text, '-'))));
	slv_assert((checksum.parts > 0) == (slv_str_find(text, '-') < text.len));
	slv_buf_done(&buf);
}

static struct slv_object_checksum sum(enum slv_object_checksum_kind kind, slv_str a, slv_str b)
{
	struct slv_object_checksum_stream stream;
	struct slv_object_checksum checksum;
	slv_object_checksum_init(&stream, kind);
	slv_object_checksum_add(&stream, a);
	slv_object_checksum_add(&stream, b);
	slv_object_checksum_finish(&stream, &checksum);
	return checksum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	enum slv_object_checksum_kind kind = data[0] % SLV_OBJECT_CHECKSUM_COUNT;
	slv_str rest = { (const char *)data + 2, size - 2 }, none = { 0 };
	check_text(kind, rest);

	slv_str head = slv_str_head(rest, data[1]), tail = slv_str_from_index(rest, data[1]);
	struct slv_object_checksum whole = sum(kind, rest, none), cut = sum(kind, head, tail);
	slv_assert(slv_object_checksum_eq(&whole, &cut));
	if (slv_object_checksum_joins(kind)) {
		struct slv_object_checksum left = sum(kind, head, none),
					   right = sum(kind, tail, none);
		slv_object_checksum_join(&left, &right, tail.len);
		slv_assert(slv_object_checksum_eq(&whole, &left));
	}
	return 0;
}
