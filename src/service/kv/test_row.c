#include "base/testing.h"

#include "base/attr.h"
#include "service/kv/row.h"

#include <string.h>

static struct kv_meta meta_of(bool has_blob, slv_str metadata)
{
	struct kv_meta meta = {
		.expires_s = INT64_C(0x1122334455667788),
		.len = UINT64_C(0x8877665544332211),
		.has_blob = has_blob,
		.metadata = metadata,
	};
	for (size_t i = 0; i < SLV_BLOB_ID_BYTES && has_blob; i++)
		meta.blob.bytes[i] = (uint8_t)(0xf0 + i);
	return meta;
}

static void comes_back(struct kv_meta meta)
{
	char row[KV_ROW_BYTES_MAX];
	struct kv_meta back;
	size_t len = kv_meta_write(&meta, row);
	assert_true(len <= sizeof(row));
	assert_false(slv_failed(kv_meta_read((slv_str){ row, len }, &back)));
	assert_int_equal(back.expires_s, meta.expires_s);
	assert_int_equal(back.len, meta.len);
	assert_int_equal(back.has_blob, meta.has_blob);
	assert_memory_equal(back.blob.bytes, meta.blob.bytes, SLV_BLOB_ID_BYTES);
	assert_true(slv_str_eq(back.metadata, meta.metadata));
}

static void a_row_comes_back_as_it_was(void **state)
{
	char most[SLV_KV_METADATA_BYTES_MAX];
	(void)state;
	memset(most, 'm', sizeof(most));
	for (int has_blob = 0; has_blob < 2; has_blob++) {
		comes_back(meta_of(has_blob, (slv_str){ 0 }));
		comes_back(meta_of(has_blob, SLV_STR("{\"a\":1}")));
		comes_back(meta_of(has_blob, (slv_str){ most, sizeof(most) }));
	}
	comes_back((struct kv_meta){ 0 });
}

static void a_row_that_is_cut_is_damaged(void **state)
{
	char row[KV_ROW_BYTES_MAX];
	struct kv_meta back, meta = meta_of(true, (slv_str){ 0 });
	(void)state;
	size_t len = kv_meta_write(&meta, row);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(kv_meta_read((slv_str){ row, i }, &back).code, SLV_E_CORRUPT);
	assert_false(slv_failed(kv_meta_read((slv_str){ row, len }, &back)));
}

static void a_row_of_another_format_is_damaged(void **state)
{
	char row[KV_ROW_BYTES_MAX];
	struct kv_meta back, meta = meta_of(false, (slv_str){ 0 });
	(void)state;
	size_t len = kv_meta_write(&meta, row);
	row[0]++;
	assert_int_equal(kv_meta_read((slv_str){ row, len }, &back).code, SLV_E_CORRUPT);
}

static void the_row_of_an_expiry_tells_when_and_what(void **state)
{
	char room[KV_ROW_KEY_BYTES_MAX];
	int64_t expires_s;
	slv_str key;
	(void)state;
	kv_expiry_read(kv_expiry_key(1234567890, SLV_STR("a key"), room), &expires_s, &key);
	assert_int_equal(expires_s, 1234567890);
	assert_true(slv_str_eq(key, SLV_STR("a key")));
}

static void rows_of_expiries_are_in_the_order_of_time(void **state)
{
	static const int64_t times[] = { 1, 255, 256, 65535, 65536, 1700000000, INT64_C(1) << 40 };
	char earlier[KV_ROW_KEY_BYTES_MAX], later[KV_ROW_KEY_BYTES_MAX];
	(void)state;
	for (size_t i = 1; i < SLV_COUNT(times); i++)
		assert_true(slv_str_cmp(kv_expiry_key(times[i - 1], SLV_STR("zz"), earlier),
					    kv_expiry_key(times[i], SLV_STR("a"), later)) < 0);
}

static void a_key_has_expired_when_its_time_has_come(void **state)
{
	struct kv_meta meta = { .expires_s = 100 }, for_ever = { 0 };
	(void)state;
	assert_false(kv_expired(&meta, 99));
	assert_true(kv_expired(&meta, 100));
	assert_false(kv_expired(&for_ever, INT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_comes_back_as_it_was),
		cmocka_unit_test(a_row_that_is_cut_is_damaged),
		cmocka_unit_test(a_row_of_another_format_is_damaged),
		cmocka_unit_test(the_row_of_an_expiry_tells_when_and_what),
		cmocka_unit_test(rows_of_expiries_are_in_the_order_of_time),
		cmocka_unit_test(a_key_has_expired_when_its_time_has_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
