/* fuzz_meta.c - rows as a damaged store may have them: what is read, written again, is read the
 * same
 */
#include "service/object/meta.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_meta(struct slv_arena *arena, slv_str row)
{
	struct object_meta meta, again;
	struct slv_buf buf, twice;
	if (slv_failed(object_meta_read(arena, row, &meta)))
		return;
	slv_buf_init(&buf, 2 * OBJECT_ROW_BYTES_MAX);
	slv_buf_init(&twice, 2 * OBJECT_ROW_BYTES_MAX);
	slv_err err = object_meta_write(&meta, &buf);
	slv_assert(!slv_failed(err) || row.len > OBJECT_ROW_BYTES_MAX);
	if (!slv_failed(err)) {
		slv_assert(!slv_failed(object_meta_read(arena, slv_buf_str(&buf), &again)));
		slv_assert(again.len == meta.len && again.where == meta.where);
		slv_assert(again.fields.count == meta.fields.count);
		slv_assert(!slv_failed(object_meta_write(&again, &twice)));
		slv_assert(slv_str_eq(slv_buf_str(&buf), slv_buf_str(&twice)));
	}
	slv_buf_done(&buf);
	slv_buf_done(&twice);
}

static void check_list(slv_str list)
{
	struct object_part_item item;
	struct slv_buf buf;
	slv_buf_init(&buf, OBJECT_PART_ITEM_BYTES);
	for (size_t i = 0; object_part_item_read(list, i, &item); i++) {
		slv_str bytes = slv_str_from_index(list, i * OBJECT_PART_ITEM_BYTES);
		object_part_item_write(&buf, &item);
		slv_assert(slv_str_starts(bytes, slv_buf_str(&buf)));
		slv_buf_clear(&buf);
	}
	slv_buf_done(&buf);
}

static void check_bucket(slv_str row)
{
	struct object_bucket bucket;
	struct slv_buf buf;
	if (!object_bucket_read(row, &bucket))
		return;
	slv_buf_init(&buf, 200);
	object_bucket_write(&bucket, &buf);
	slv_assert(slv_str_eq(slv_buf_str(&buf), row));
	slv_buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	slv_str row = { (const char *)data, size };
	slv_arena_init(&arena, 4096, SLV_MIB(1));
	check_meta(&arena, row);
	check_list(row);
	check_bucket(row);
	slv_str cors = object_config(row, OBJECT_CORS),
		rules = object_config(row, OBJECT_LIFECYCLE);
	slv_assert(cors.len + rules.len <= row.len);
	slv_assert(!cors.len || !memchr(cors.at, 0, cors.len));
	slv_arena_done(&arena);
	return 0;
}
