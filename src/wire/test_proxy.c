#include "wire/proxy.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x01\xc6\x33\x64\x02\x04\xd2\x01\xbb"
#define V6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"

static struct slv_proxy parsed(slv_str bytes, size_t left)
{
	struct slv_proxy proxy = { 0 };
	size_t used = 0;
	slv_err err = slv_proxy_parse(bytes, &proxy, &used);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	assert_int_equal(used, bytes.len - left);
	return proxy;
}

static void fails(slv_str bytes, enum slv_code code, const char *part)
{
	struct slv_proxy proxy = { .version = 9 };
	size_t used = 77;
	slv_err err = slv_proxy_parse(bytes, &proxy, &used);
	assert_int_equal(err.code, code);
	if (!strstr(err.what, part))
		fail_msg("'%s' does not tell of '%s'", err.what, part);
	assert_true(used == 77 && proxy.version == 9);
}

static void addr_is(const struct slv_addr *addr, slv_str text, uint16_t port)
{
	struct slv_addr want;
	assert_true(slv_addr_parse(text, &want));
	assert_true(addr->known);
	assert_memory_equal(addr->ip, want.ip, sizeof(want.ip));
	assert_int_equal(addr->port, port);
}

static void version_1_tells_two_addresses(void **state)
{
	(void)state;
	struct slv_proxy proxy =
			parsed(SLV_STR("PROXY TCP4 192.0.2.1 198.51.100.2 1234 443\r\nGET"), 3);
	assert_int_equal(proxy.version, 1);
	assert_true(proxy.told);
	addr_is(&proxy.source, SLV_STR("192.0.2.1"), 1234);
	addr_is(&proxy.dest, SLV_STR("198.51.100.2"), 443);
	proxy = parsed(SLV_STR("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"), 0);
	addr_is(&proxy.source, SLV_STR("2001:db8::1"), 65535);
	addr_is(&proxy.dest, SLV_STR("::1"), 0);
}

static void version_1_may_not_know(void **state)
{
	(void)state;
	assert_false(parsed(SLV_STR("PROXY UNKNOWN\r\n"), 0).told);
	struct slv_proxy proxy = parsed(SLV_STR("PROXY UNKNOWN 1.2.3.4 any thing\r\n\r\n"), 2);
	assert_false(proxy.told || proxy.source.known || proxy.dest.known);
}

static void version_1_lines_that_are_wrong_are_refused(void **state)
{
	(void)state;
	const slv_str rows[] = {
		SLV_STR_INIT("PROXY \r\n"),
		SLV_STR_INIT("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n"),
		SLV_STR_INIT("PROXY UNKNOWNX\r\n"),
		SLV_STR_INIT("PROXY TCP4\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n"),
		SLV_STR_INIT("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 +1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 ::1 ::1 1 1\r\n"),
		SLV_STR_INIT("PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n"),
		SLV_STR_INIT("PROXY TCP6 [::1] [::1] 1 1\r\n"),
		SLV_STR_INIT("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n"),
		SLV_STR_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n"),
		SLV_STR_INIT("PROXY UNKNOWN\rx\r\n"),
		SLV_STR_INIT("PROXYTCP4"),
		SLV_STR_INIT("proxy TCP4"),
		SLV_STR_INIT("GET / HTTP/1.1\r\n"),
		SLV_STR_INIT("\r\n\r\nx"),
		SLV_STR_INIT("\x16\x03\x01"),
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++)
		fails(rows[i], SLV_E_SYNTAX, "PROXY");
}

static void a_line_of_107_bytes_is_the_longest(void **state)
{
	(void)state;
	char line[120];
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + 105, "\r\n", 2);
	assert_false(parsed((slv_str){ line, 107 }, 0).told);
	memcpy(line + 105, "x\r\n", 3);
	fails((slv_str){ line, 108 }, SLV_E_LIMIT, "107 bytes");
	fails((slv_str){ line, 107 }, SLV_E_LIMIT, "107 bytes");
}

static void version_2_tells_two_addresses(void **state)
{
	(void)state;
	struct slv_proxy proxy = parsed(SLV_STR(SIGNATURE "\x21\x11\x00\x0c" V4 "GET"), 3);
	assert_int_equal(proxy.version, 2);
	assert_true(proxy.told);
	addr_is(&proxy.source, SLV_STR("192.0.2.1"), 1234);
	addr_is(&proxy.dest, SLV_STR("198.51.100.2"), 443);
	proxy = parsed(SLV_STR(SIGNATURE "\x21\x21\x00\x24" V6 V6 "\x00\x01\xff\xff"), 0);
	addr_is(&proxy.source, SLV_STR("2001:db8::1"), 1);
	addr_is(&proxy.dest, SLV_STR("2001:db8::1"), 65535);
}

static void version_2_may_not_know(void **state)
{
	(void)state;
	assert_false(parsed(SLV_STR(SIGNATURE "\x20\x00\x00\x00"), 0).told);
	assert_false(parsed(SLV_STR(SIGNATURE "\x20\x11\x00\x04junk"), 0).told);
	assert_false(parsed(SLV_STR(SIGNATURE "\x21\x00\x00\x03xyz"), 0).told);
	char local[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/a";
	struct slv_proxy proxy = parsed((slv_str){ local, sizeof(local) }, 0);
	assert_false(proxy.told || proxy.source.known);
}

static void tlvs_are_skipped_if_well_formed(void **state)
{
	(void)state;
	assert_true(parsed(SLV_STR(SIGNATURE "\x21\x11\x00\x11" V4 "\x01\x00\x02h2"), 0).told);
	assert_true(parsed(SLV_STR(SIGNATURE "\x21\x11\x00\x12" V4 "\x04\0\0\x04\0\0"), 0).told);
	fails(SLV_STR(SIGNATURE "\x21\x11\x00\x11" V4 "\x01\x00\x03h2"), SLV_E_SYNTAX, "TLV");
	fails(SLV_STR(SIGNATURE "\x21\x11\x00\x0e" V4 "\x01\x00"), SLV_E_SYNTAX, "TLV");
}

static void version_2_headers_that_are_wrong_are_refused(void **state)
{
	(void)state;
	fails(SLV_STR(SIGNATURE "\x11\x11\x00\x0c" V4), SLV_E_SYNTAX, "version");
	fails(SLV_STR(SIGNATURE "\x22\x11\x00\x0c" V4), SLV_E_SYNTAX, "command");
	fails(SLV_STR(SIGNATURE "\x21\x12\x00\x0c" V4), SLV_E_SYNTAX, "family");
	fails(SLV_STR(SIGNATURE "\x21\x41\x00\x0c" V4), SLV_E_SYNTAX, "family");
	fails(SLV_STR(SIGNATURE "\x21\x11\x00\x0b" V4), SLV_E_SYNTAX, "too short");
	fails(SLV_STR(SIGNATURE "\x21\x21\x00\x0c" V4), SLV_E_SYNTAX, "too short");
}

static void version_2_is_bounded(void **state)
{
	(void)state;
	char bytes[16 + SLV_PROXY_V2_BYTES_MAX] = SIGNATURE "\x21\x11\x10\x00" V4;
	/* one TLV fills it: 4096 - 12 - 3 = 0x0ff1 */
	memcpy(bytes + 28, "\x04\x0f\xf1", 3);
	assert_true(parsed((slv_str){ bytes, sizeof(bytes) }, 0).told);
	memcpy(bytes + 14, "\x10\x01", 2);
	fails((slv_str){ bytes, 16 }, SLV_E_LIMIT, "4096");
}

static void a_part_of_a_header_asks_for_more(void **state)
{
	(void)state;
	const slv_str rows[] = {
		SLV_STR_INIT("PROXY TCP4 192.0.2.1 198.51.100.2 1234 443\r\n"),
		SLV_STR_INIT(SIGNATURE "\x21\x11\x00\x11" V4 "\x01\x00\x02h2"),
		SLV_STR_INIT(SIGNATURE "\x20\x00\x00\x00"),
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		for (size_t len = 0; len < rows[i].len; len++) {
			struct slv_proxy proxy;
			size_t used = 1;
			slv_err err = slv_proxy_parse(slv_str_head(rows[i], len), &proxy, &used);
			assert_false(slv_failed(err));
			assert_int_equal(used, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_tells_two_addresses),
		cmocka_unit_test(version_1_may_not_know),
		cmocka_unit_test(version_1_lines_that_are_wrong_are_refused),
		cmocka_unit_test(a_line_of_107_bytes_is_the_longest),
		cmocka_unit_test(version_2_tells_two_addresses),
		cmocka_unit_test(version_2_may_not_know),
		cmocka_unit_test(tlvs_are_skipped_if_well_formed),
		cmocka_unit_test(version_2_headers_that_are_wrong_are_refused),
		cmocka_unit_test(version_2_is_bounded),
		cmocka_unit_test(a_part_of_a_header_asks_for_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
