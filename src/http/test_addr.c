#include "http/addr.h"

#include "base/testing.h"

#include <string.h>

/* What `text` is printed as, terminated; "" if it does not parse. */
static const char *again(const char *text, char printed[static 64])
{
	struct slv_addr addr;
	struct slv_buf buf;
	printed[0] = '\0';
	if (!slv_addr_parse(slv_str_from(text), &addr))
		return printed;
	slv_buf_init(&buf, 63);
	slv_addr_print(&addr, &buf);
	assert_false(buf.overflow);
	memcpy(printed, buf.at, buf.len);
	printed[buf.len] = '\0';
	slv_buf_done(&buf);
	return printed;
}

static void addresses_are_printed_as_rfc_5952_says(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:c000:0201", "192.0.2.1" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "2001:0db8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "0:0:0:0:0:0:0:0", "::" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "fe80::", "fe80::" },
	};
	char printed[64];
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_string_equal(again(cases[i][0], printed), cases[i][1]);
}

static void bytes_of_the_wire_are_addresses(void **state)
{
	(void)state;
	struct slv_addr addr, same;
	assert_true(slv_addr_parse(SLV_STR("192.0.2.1"), &addr));
	same = slv_addr_v4("\xc0\0\2\1");
	assert_memory_equal(same.ip, addr.ip, sizeof(addr.ip));
	assert_true(same.known && same.port == 0 && slv_addr_is_v4(&same));
	assert_true(slv_addr_parse(SLV_STR("2001:db8::7"), &addr));
	same = slv_addr_v6("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7");
	assert_memory_equal(same.ip, addr.ip, sizeof(addr.ip));
	assert_true(same.known && same.port == 0 && !slv_addr_is_v4(&same));
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04",
		"01.2.3.4", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80",
		"[1.2.3.4]", "[::1", "::1]", "[]", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
		"12345::", "g::", "fe80::1%eth0", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
		"1:2:3:4:5:6:7:1.2.3.4", "1:2", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "0x7f.0.0.1",
		"-1.2.3.4", "::1/128" };
	struct slv_addr addr = { .port = 77 };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		assert_false(slv_addr_parse(slv_str_from(cases[i]), &addr));
		assert_int_equal(addr.port, 77);
	}
}

static bool net_has(const char *net_text, const char *addr_text)
{
	struct slv_net net;
	struct slv_addr addr;
	assert_true(slv_net_parse(slv_str_from(net_text), &net));
	assert_true(slv_addr_parse(slv_str_from(addr_text), &addr));
	return slv_net_has(&net, &addr);
}

static void networks_hold_what_shares_their_first_bits(void **state)
{
	(void)state;
	assert_true(net_has("10.0.0.0/8", "10.255.255.255"));
	assert_false(net_has("10.0.0.0/8", "11.0.0.0"));
	assert_true(net_has("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(net_has("192.0.2.128/25", "192.0.2.128"));
	assert_false(net_has("192.0.2.128/25", "192.0.2.127"));
	assert_true(net_has("192.0.2.7", "192.0.2.7"));
	assert_false(net_has("192.0.2.7", "192.0.2.6"));
	assert_true(net_has("192.0.2.7/32", "192.0.2.7"));
	assert_true(net_has("0.0.0.0/0", "255.1.2.3"));
	assert_false(net_has("0.0.0.0/0", "2001:db8::1"));
	assert_true(net_has("::/0", "2001:db8::1"));
	assert_true(net_has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(net_has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(net_has("::1/128", "::1"));
	assert_false(net_has("::1", "::2"));
}

static void networks_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129",
		"10.0.0.1/8", "10.0.0.0/7/8", "10.0.0.0/08x", "10.0.0.0/-1", "::1/127",
		"2001:db8::/28", "10.0.0.0/ 8", "[::1]/128", "10.0.0.0/0008" };
	struct slv_net net;
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_false(slv_net_parse(slv_str_from(cases[i]), &net));
	assert_true(slv_net_parse(SLV_STR("10.0.0.0/32"), &net));
	assert_int_equal(net.bits, 128);
	assert_true(slv_net_parse(SLV_STR("::/128"), &net));
}

static void an_unknown_address_is_in_no_network(void **state)
{
	(void)state;
	struct slv_net net;
	struct slv_addr addr = { 0 };
	struct slv_buf buf;
	assert_true(slv_net_parse(SLV_STR("::/0"), &net));
	assert_false(slv_net_has(&net, &addr));
	slv_buf_init(&buf, 64);
	slv_addr_print(&addr, &buf);
	assert_true(slv_str_eq(slv_buf_str(&buf), SLV_STR("unknown")));
	slv_buf_done(&buf);
}

static void v4_is_told_from_v6(void **state)
{
	(void)state;
	struct slv_addr addr;
	assert_true(slv_addr_parse(SLV_STR("192.0.2.1"), &addr));
	assert_true(slv_addr_is_v4(&addr) && addr.known && addr.port == 0);
	assert_true(slv_addr_parse(SLV_STR("::fffe:192.0.2.1"), &addr));
	assert_false(slv_addr_is_v4(&addr));
	assert_true(slv_addr_parse(SLV_STR("::192.0.2.1"), &addr));
	assert_false(slv_addr_is_v4(&addr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_printed_as_rfc_5952_says),
		cmocka_unit_test(bytes_of_the_wire_are_addresses),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(networks_hold_what_shares_their_first_bits),
		cmocka_unit_test(networks_that_are_none_are_refused),
		cmocka_unit_test(an_unknown_address_is_in_no_network),
		cmocka_unit_test(v4_is_told_from_v6),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
