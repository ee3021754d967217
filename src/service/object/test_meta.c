#include "base/testing.h"

#include "base/attr.h"
#include "service/object/meta.h"

#include <stdlib.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef"

static int with_arena(void **state)
{
	struct slv_arena *arena = malloc(sizeof(*arena));
	slv_arena_init(arena, 4096, 1 << 20);
	*state = arena;
	return 0;
}

static int without_arena(void **state)
{
	slv_arena_done(*state);
	free(*state);
	return 0;
}

static void add(struct object_meta *meta, const char *name, const char *value)
{
	assert_false(slv_failed(
			slv_fields_add(&meta->fields, slv_str_from(name), slv_str_from(value))));
}

/* An object in parts that has all that one can have. */
static struct object_meta full(struct slv_arena *arena)
{
	struct object_meta meta = { .len = UINT64_C(5) << 40,
		.modified_ms = 1234567890123,
		.parts = 10000,
		.has_checksum = true,
		.checksum = { .kind = SLV_OBJECT_SHA256, .parts = 10000 },
		.full_object = true,
		.where = OBJECT_PARTS };
	memset(meta.md5, 0xab, sizeof(meta.md5));
	memset(meta.checksum.bytes, 0xcd, sizeof(meta.checksum.bytes));
	memcpy(meta.upload, ID, OBJECT_ID_BYTES);
	slv_fields_init(&meta.fields, arena);
	add(&meta, "content-type", "image/png");
	add(&meta, "x-amz-meta-empty", "");
	return meta;
}

static void what_is_written_is_read_again(void **state)
{
	struct object_meta meta = full(*state), again;
	struct slv_buf row;
	char room[OBJECT_ETAG_BYTES_MAX];
	slv_buf_init(&row, OBJECT_ROW_BYTES_MAX);
	assert_false(slv_failed(object_meta_write(&meta, &row)));
	assert_false(slv_failed(object_meta_read(*state, slv_buf_str(&row), &again)));
	assert_true(again.len == meta.len && again.modified_ms == meta.modified_ms);
	assert_int_equal(again.parts, 10000);
	assert_int_equal(again.where, OBJECT_PARTS);
	assert_true(again.full_object && again.has_checksum);
	assert_true(slv_object_checksum_eq(&again.checksum, &meta.checksum));
	assert_memory_equal(again.upload, ID, OBJECT_ID_BYTES);
	assert_int_equal(again.fields.count, 2);
	assert_true(slv_str_eq(again.fields.at[0].value, SLV_STR("image/png")));
	assert_true(slv_str_eq(again.fields.at[1].name, SLV_STR("x-amz-meta-empty")));
	assert_true(slv_str_eq(object_etag(&again, room),
			SLV_STR("\"abababababababababababababababab-10000\"")));
	slv_buf_done(&row);
}

/* A row that ends early, wherever, is damaged or has fewer fields; never read behind its end. */
static void a_row_that_ends_early_is_found(void **state)
{
	struct object_meta meta = full(*state), again;
	struct slv_buf row;
	slv_buf_init(&row, OBJECT_ROW_BYTES_MAX);
	assert_false(slv_failed(object_meta_write(&meta, &row)));
	size_t damaged = 0;
	for (size_t len = 0; len < row.len; len++) {
		char *copy = malloc(len + 1);
		memcpy(copy, row.at, len);
		slv_err err = object_meta_read(*state, (slv_str){ copy, len }, &again);
		if (slv_failed(err))
			assert_int_equal(err.code, SLV_E_CORRUPT);
		else
			assert_true(again.fields.count < 2);
		damaged += slv_failed(err);
		free(copy);
	}
	assert_int_equal(damaged, row.len - 2); /* but at the two places between fields */
	slv_buf_done(&row);
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
	for (unsigned over = 0; over < 2; over++) {
		struct object_meta meta = { 0 }, again;
		struct slv_buf row;
		slv_fields_init(&meta.fields, *state);
		for (unsigned i = 0; i < 128 + over; i++)
			add(&meta, "x-amz-meta-a", "b");
		slv_buf_init(&row, OBJECT_ROW_BYTES_MAX);
		slv_err err = object_meta_write(&meta, &row);
		assert_int_equal(err.code, over ? SLV_E_LIMIT : SLV_E_NONE);
		if (!over)
			assert_false(slv_failed(
					object_meta_read(*state, slv_buf_str(&row), &again)));
		slv_buf_done(&row);
	}
}

static void keys_of_rows_tell_what_they_are_about(void **state)
{
	char room[OBJECT_ROW_KEY_BYTES_MAX], part[OBJECT_PART_KEY_BYTES];
	slv_str key, upload;
	(void)state;
	slv_str row = object_upload_key(SLV_STR("a/b"), SLV_STR(ID), room);
	assert_int_equal(row.len, 1 + 3 + 1 + OBJECT_ID_BYTES);
	object_upload_read(row, &key, &upload);
	assert_true(slv_str_eq(key, SLV_STR("a/b")) && slv_str_eq(upload, SLV_STR(ID)));
	assert_int_equal(object_part_number(object_part_key(SLV_STR(ID), 10000, part)), 10000);
}

static void a_bucket_has_its_documents(void **state)
{
	static const struct {
		slv_str body;
		const char *cors, *lifecycle;
	} table[] = {
		{ SLV_STR_INIT(""), "", "" },
		{ SLV_STR_INIT("\0\0"), "", "" },
		{ SLV_STR_INIT("<c/>\0\0"), "<c/>", "" },
		{ SLV_STR_INIT("\0<l/>\0"), "", "<l/>" },
		{ SLV_STR_INIT("<c/>\0<l/>\0"), "<c/>", "<l/>" },
	};
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		slv_str cors = object_config(table[i].body, OBJECT_CORS);
		slv_str lifecycle = object_config(table[i].body, OBJECT_LIFECYCLE);
		assert_true(slv_str_eq(cors, slv_str_from(table[i].cors)));
		assert_true(slv_str_eq(lifecycle, slv_str_from(table[i].lifecycle)));
	}
}

static void a_bucket_is_read_as_it_was_written(void **state)
{
	struct object_bucket bucket = { .created_ms = 1234567890123 }, read;
	struct slv_buf row;
	(void)state;
	memcpy(bucket.id, ID, OBJECT_ID_BYTES);
	slv_buf_init(&row, 100);
	object_bucket_write(&bucket, &row);
	assert_true(object_bucket_read(slv_buf_str(&row), &read));
	assert_memory_equal(read.id, ID, OBJECT_ID_BYTES);
	assert_int_equal(read.created_ms, 1234567890123);
	assert_false(object_bucket_read(slv_str_head(slv_buf_str(&row), row.len - 1), &read));
	slv_buf_add(&row, SLV_STR("x"));
	assert_false(object_bucket_read(slv_buf_str(&row), &read));
	row.at[0] = 2; /* another format */
	assert_false(object_bucket_read(slv_str_head(slv_buf_str(&row), row.len - 1), &read));
	assert_false(object_bucket_read((slv_str){ 0 }, &read));
	slv_buf_done(&row);
}

static void names_of_buckets(void **state)
{
	static const char *const good[] = { "abc", "0-9", "a.b.c", "a1-b",
		"a23456789012345678901234567890123456789012345678901234567890123" };
	static const char *const bad[] = { "", "ab", "Abc", "abC", "-ab", "ab-", ".ab", "ab.",
		"a..b", "a.-b", "a-.b", "a_b", "a b", "a/b", "192.0.2.1", "\xc3\xa4\xc3\xb6",
		"a234567890123456789012345678901234567890123456789012345678901234" };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(good); i++)
		assert_true(object_bucket_name_is_ok(slv_str_from(good[i])));
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_false(object_bucket_name_is_ok(slv_str_from(bad[i])));
	assert_false(object_bucket_name_is_ok(SLV_STR("ab\0c")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_has_its_documents),
		cmocka_unit_test(a_bucket_is_read_as_it_was_written),
		cmocka_unit_test(names_of_buckets),
		cmocka_unit_test_setup_teardown(
				what_is_written_is_read_again, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				a_row_that_ends_early_is_found, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(what_could_not_be_read_again_is_not_written,
				with_arena, without_arena),
		cmocka_unit_test(keys_of_rows_tell_what_they_are_about),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
