#include "base/base64.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

static void both_ways_as_the_rfc_says(void **state)
{
	(void)state;
	/* RFC 4648 section 10, and both characters that are no letters or digits. */
	static const struct {
		const char *bytes, *text;
	} table[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		char text[12] = { 0 };
		uint8_t bytes[8];
		slv_str plain = slv_str_from(table[i].bytes);
		slv_base64((const uint8_t *)plain.at, plain.len, text);
		assert_string_equal(text, table[i].text);
		assert_true(slv_base64_parse(slv_str_from(text), bytes, plain.len));
		assert_memory_equal(bytes, plain.at, plain.len);
	}
}

static void every_byte_comes_back(void **state)
{
	(void)state;
	uint8_t bytes[256], again[256];
	char text[SLV_BASE64_CHARS(256)];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t from = 0; from < 3; from++) {
		size_t len = sizeof(bytes) - from;
		slv_base64(bytes + from, len, text);
		assert_true(slv_base64_parse((slv_str){ text, SLV_BASE64_CHARS(len) }, again, len));
		assert_memory_equal(bytes + from, again, len);
	}
}

static void another_text_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
	} table[] = {
		{ "Zg==", 2 },
		{ "Zm8=", 1 },
		{ "Zm9v", 2 },
		{ "Zg=", 1 },
		{ "Zg", 1 },
		{ "Zh==", 1 },
		{ "Zm9=", 2 },
		{ "Z===", 1 },
		{ "Zm=v", 3 },
		{ "====", 1 },
		{ "Zm9-", 3 },
		{ "Zm 9", 3 },
		{ "Zg==\n", 1 },
		{ "Zg=A", 1 },
		{ "", 1 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		uint8_t bytes[4] = { 7, 7, 7, 7 };
		assert_false(slv_base64_parse(slv_str_from(table[i].text), bytes, table[i].len));
		assert_memory_equal(bytes, "\7\7\7\7", 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_as_the_rfc_says),
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(another_text_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
