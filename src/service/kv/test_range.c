#include "base/testing.h"

#include "service/kv/range.h"

#include <string.h>

static slv_str from(const struct kv_range *range)
{
	return (slv_str){ range->from, range->from_len };
}

static slv_str until(const struct kv_range *range)
{
	return (slv_str){ range->until, range->until_len };
}

static void a_range_is_of_keys_with_a_prefix(void **state)
{
	struct kv_range range;
	(void)state;
	kv_range_init(&range, (slv_str){ 0 }, (slv_str){ 0 });
	assert_true(slv_str_eq(from(&range), SLV_STR("k")));
	assert_true(slv_str_eq(until(&range), SLV_STR("l")));
	kv_range_init(&range, SLV_STR("ab"), (slv_str){ 0 });
	assert_true(slv_str_eq(from(&range), SLV_STR("kab")));
	assert_true(slv_str_eq(until(&range), SLV_STR("kac")));
	kv_range_init(&range, SLV_STR("a\xff"), (slv_str){ 0 });
	assert_true(slv_str_eq(until(&range), SLV_STR("kb")));
	kv_range_init(&range, SLV_STR("\xff"), (slv_str){ 0 });
	assert_true(slv_str_eq(until(&range), SLV_STR("l")));
}

static void behind_a_key_it_goes_on(void **state)
{
	struct kv_range range;
	(void)state;
	kv_range_init(&range, SLV_STR("ab"), SLV_STR("abc"));
	assert_true(slv_str_eq(from(&range), SLV_STR("kabc\0")));
	kv_range_init(&range, SLV_STR("ab"), SLV_STR("ab"));
	assert_true(slv_str_eq(from(&range), SLV_STR("kab\0")));
	kv_range_init(&range, SLV_STR("ab"), SLV_STR("aa")); /* of another list: all */
	assert_true(slv_str_eq(from(&range), SLV_STR("kab")));
	kv_range_go_on(&range, SLV_STR("abd"));
	assert_true(slv_str_eq(from(&range), SLV_STR("kabd\0")));
	assert_true(slv_str_eq(until(&range), SLV_STR("kac")));
}

static void a_cursor_is_the_longest_key_at_most(void **state)
{
	char key[SLV_KV_KEY_BYTES_MAX], room[SLV_KV_KEY_BYTES_MAX];
	slv_str whole = { key, sizeof(key) }, read;
	struct slv_buf cursor;
	(void)state;
	memset(key, 0xff, sizeof(key));
	slv_buf_init(&cursor, KV_CURSOR_BYTES_MAX + 2);
	kv_cursor_write(whole, &cursor);
	assert_int_equal(cursor.len, KV_CURSOR_BYTES_MAX);
	assert_false(slv_failed(kv_cursor_read(slv_buf_str(&cursor), room, &read)));
	assert_true(slv_str_eq(read, whole));
	slv_buf_add(&cursor, SLV_STR("00"));
	assert_int_equal(kv_cursor_read(slv_buf_str(&cursor), room, &read).code, SLV_E_SYNTAX);
	slv_buf_done(&cursor);
}

static void what_is_no_cursor_is_refused(void **state)
{
	static const char *const bad[] = { "a", "abc", "0x", "zz", "a b0", "--" };
	char room[SLV_KV_KEY_BYTES_MAX];
	slv_str read;
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(kv_cursor_read(slv_str_from(bad[i]), room, &read).code,
				SLV_E_SYNTAX);
	assert_false(slv_failed(kv_cursor_read((slv_str){ 0 }, room, &read)));
	assert_int_equal(read.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_of_keys_with_a_prefix),
		cmocka_unit_test(behind_a_key_it_goes_on),
		cmocka_unit_test(a_cursor_is_the_longest_key_at_most),
		cmocka_unit_test(what_is_no_cursor_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
