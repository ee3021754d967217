/* fuzz_range.c - a part lies in the whole, and saying it again gives the same
 *
 * The first eight bytes are the length of the representation, the rest is the field.
 */
#include "base/assert.h"
#include "base/attr.h"
#include "http/range.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(struct slv_range part, slv_str value, uint64_t length)
{
	struct slv_range again;
	slv_assert(slv_range_parse(value, length, &again) == SLV_RANGE_PART);
	slv_assert(again.first == part.first && again.count == part.count);
}

static void check_part(struct slv_range part, uint64_t length)
{
	char text[64];
	slv_assert(part.count > 0 && part.first < length && part.count <= length - part.first);

	snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)part.first,
			(unsigned long long)(part.first + part.count - 1));
	check_same(part, slv_str_from(text), length);
	if (part.first + part.count < length)
		return;
	snprintf(text, sizeof(text), "bytes=%llu-", (unsigned long long)part.first);
	check_same(part, slv_str_from(text), length);
	snprintf(text, sizeof(text), "Bytes=, -%llu ,", (unsigned long long)part.count);
	check_same(part, slv_str_from(text), length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t length;
	struct slv_range part = { 1, 0 };
	if (size < sizeof(length))
		return 0;
	memcpy(&length, data, sizeof(length));
	slv_str value = { (const char *)data + sizeof(length), size - sizeof(length) };

	enum slv_range_verdict verdict = slv_range_parse(value, length, &part);
	if (verdict == SLV_RANGE_PART)
		check_part(part, length);
	else
		slv_assert(part.first == 1 && part.count == 0);
	if (length == 0)
		slv_assert(verdict != SLV_RANGE_PART);

	/* What is bad for a length is no part of a shorter one. */
	struct slv_range shorter;
	if (verdict == SLV_RANGE_BAD)
		slv_assert(slv_range_parse(value, length / 2, &shorter) == SLV_RANGE_BAD);
	return 0;
}
