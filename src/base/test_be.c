#include "base/be.h"

#include "base/testing.h"

static void what_is_put_is_got(void **state)
{
	char bytes[8];
	(void)state;
	for (size_t count = 1; count <= 8; count++) {
		uint64_t most = UINT64_MAX >> (64 - 8 * count);
		slv_be_put(bytes, most - 1, count);
		assert_int_equal(slv_be_get(bytes, count), most - 1);
		slv_be_put(bytes, 0, count);
		assert_int_equal(slv_be_get(bytes, count), 0);
	}
}

static void the_most_significant_byte_is_first(void **state)
{
	struct slv_buf buf;
	(void)state;
	slv_buf_init(&buf, 100);
	slv_be_add(&buf, 0x0102030405060708, 8);
	slv_be_add(&buf, 0xffee, 1); /* only the lowest */
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("\1\2\3\4\5\6\7\10\xee")));
	assert_int_equal(slv_be_get("\xff\xfe", 2), 0xfffe);
	slv_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got),
		cmocka_unit_test(the_most_significant_byte_is_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
