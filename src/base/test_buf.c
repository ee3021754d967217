#include "base/buf.h"

#include "base/testing.h"

static void past_the_maximum_it_keeps_what_it_has(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 4);
	slv_buf_add(&buf, SLV_STR("abcd"));
	assert_false(buf.overflow);
	slv_buf_add(&buf, SLV_STR("e"));
	assert_true(buf.overflow);
	slv_buf_add(&buf, SLV_STR(""));
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("abcd")));
	slv_buf_clear(&buf);
	slv_buf_printf(&buf, "%d", 123);
	assert_false(buf.overflow);
	slv_buf_clear(&buf);
	slv_buf_printf(&buf, "%d", 12345);
	assert_true(buf.overflow);
	slv_buf_done(&buf);
}

static void numbers_and_hex(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 100);
	slv_buf_add_u64(&buf, 0);
	slv_buf_add_char(&buf, ' ');
	slv_buf_add_u64(&buf, UINT64_MAX);
	slv_buf_add_char(&buf, ' ');
	slv_buf_add_hex(&buf, (const uint8_t *)"\x00\xfe", 2);
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("0 18446744073709551615 00fe")));
	slv_buf_done(&buf);
}

static void json_text_is_always_valid(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 200);
	slv_buf_add_json(&buf, SLV_STR("a\"\\\n\x01\x7f\xc3\xa9"));
	assert_true(slv_str_eq(
			slv_buf_str(&buf), SLV_STR("\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\"")));
	slv_buf_clear(&buf);
	/* A lone start, an overlong slash, a surrogate: RFC 3629 allows none. */
	slv_buf_add_json(&buf, SLV_STR("\xc3(\xc0\xaf\xed\xa0\x80"));
	for (size_t i = 0; i < buf.len; i++)
		assert_int_not_equal((uint8_t)buf.at[i], 0xc0);
	assert_true(slv_str_starts(slv_buf_str(&buf), SLV_STR("\"\xef\xbf\xbd(")));
	slv_buf_done(&buf);
}

static void a_reader_fills_the_room(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 8);
	char *room = slv_buf_room(&buf, 8);
	room[0] = 'x';
	slv_buf_grown(&buf, 1);
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("x")));
	assert_null(slv_buf_room(&buf, 8));
	assert_true(buf.overflow);
	slv_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(past_the_maximum_it_keeps_what_it_has),
		cmocka_unit_test(numbers_and_hex),
		cmocka_unit_test(json_text_is_always_valid),
		cmocka_unit_test(a_reader_fills_the_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
