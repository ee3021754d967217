#include "http/scan.h"

#include "base/mem.h"
#include "base/testing.h"

#include <string.h>

static void the_classes_are_those_of_the_grammar(void **state)
{
	(void)state;
	const char *signs = "!#$%&'*+-.^_`|~";
	for (int c = 0; c < 256; c++) {
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		             (c >= 'A' && c <= 'Z');
		bool token = alnum || (c && strchr(signs, c));
		assert_int_equal(slv_scan_is((char)c, SLV_SCAN_TOKEN), token);
		assert_int_equal(slv_scan_is((char)c, SLV_SCAN_NAME), token && c != '_');
		assert_int_equal(slv_scan_is((char)c, SLV_SCAN_TARGET),
				c > ' ' && c < 0x7f && c != '#');
		assert_int_equal(slv_scan_is((char)c, SLV_SCAN_VALUE),
				c == '\t' || (c >= ' ' && c != 0x7f));
		bool hex = c && strchr("0123456789abcdefABCDEF", c);
		assert_int_equal(slv_scan_is((char)c, SLV_SCAN_HEX), hex);
	}
}

/* Every byte at every place of runs of every length around the 16 of a step. The run is at the
 * end of memory of its own, so that a sanitizer sees a read too far. */
static void the_fast_scans_agree_with_the_plain_one(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 49; len++) {
		char *run = slv_alloc(len);
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				memset(run, 'a', len);
				run[at] = (char)c;
				size_t from = (size_t)c % len;
				assert_int_equal(slv_scan_value(run, from, len),
						slv_scan_plain(run, from, len, SLV_SCAN_VALUE));
				assert_int_equal(slv_scan_name(run, from, len),
						slv_scan_plain(run, from, len, SLV_SCAN_NAME));
				assert_int_equal(slv_scan_target(run, from, len),
						slv_scan_plain(run, from, len, SLV_SCAN_TARGET));
			}
		}
		slv_free(run);
	}
}

static void the_fast_scans_agree_on_mixed_bytes(void **state)
{
	(void)state;
	char run[67];
	uint64_t seed = 88172645463325252u;
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(run); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			/* mostly good, or no run would be longer than a step */
			run[i] = seed % 24 ? (char)('!' + 3 + seed / 24 % 80) : (char)(seed >> 32);
		}
		for (size_t from = 0; from < sizeof(run); from += 7) {
			assert_int_equal(slv_scan_value(run, from, sizeof(run)),
					slv_scan_plain(run, from, sizeof(run), SLV_SCAN_VALUE));
			assert_int_equal(slv_scan_name(run, from, sizeof(run)),
					slv_scan_plain(run, from, sizeof(run), SLV_SCAN_NAME));
			assert_int_equal(slv_scan_target(run, from, sizeof(run)),
					slv_scan_plain(run, from, sizeof(run), SLV_SCAN_TARGET));
		}
	}
}

static void a_clean_run_is_scanned_to_its_end(void **state)
{
	(void)state;
	const char run[] = "abcdefghijklmnopqrstuvwxyz0123456789\x80\xff";
	size_t len = sizeof(run) - 1;
	assert_int_equal(slv_scan_value(run, 0, len), len);
	assert_int_equal(slv_scan_target(run, 0, len), len - 2);
	assert_int_equal(slv_scan_name(run, 0, len), len - 2);
	assert_int_equal(slv_scan_value(run, len, len), len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_classes_are_those_of_the_grammar),
		cmocka_unit_test(the_fast_scans_agree_with_the_plain_one),
		cmocka_unit_test(the_fast_scans_agree_on_mixed_bytes),
		cmocka_unit_test(a_clean_run_is_scanned_to_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
