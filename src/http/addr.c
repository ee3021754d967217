#include "http/addr.h"

#include "base/attr.h"

#include <string.h>

#define MAPPED_BYTES 12u /* before the IPv4 address */

static const uint8_t mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

struct slv_addr slv_addr_v4(const void *bytes)
{
	struct slv_addr addr = { .known = true };
	memcpy(addr.ip, mapped, MAPPED_BYTES);
	memcpy(addr.ip + MAPPED_BYTES, bytes, 4);
	return addr;
}

struct slv_addr slv_addr_v6(const void *bytes)
{
	struct slv_addr addr = { .known = true };
	memcpy(addr.ip, bytes, sizeof(addr.ip));
	return addr;
}

static bool parse_v4(slv_str text, uint8_t ret_ip[static 4])
{
	for (int i = 0; i < 4; i++) {
		if (!text.at)
			return false;
		slv_str part = slv_str_cut(&text, '.');
		uint64_t value;
		/* "010" is 8 to some and 10 to others. */
		if (part.len > 3 || (part.len > 1 && part.at[0] == '0') ||
				!slv_str_u64(part, 255, &value))
			return false;
		ret_ip[i] = (uint8_t)value;
	}
	return !text.at;
}

static bool parse_group(slv_str text, uint8_t ret_ip[static 2])
{
	unsigned value = 0;
	if (text.len == 0 || text.len > 4)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = slv_hex_value(text.at[i]);
		if (digit < 0)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	ret_ip[0] = (uint8_t)(value >> 8);
	ret_ip[1] = (uint8_t)value;
	return true;
}

/* Groups between colons, a dotted address allowed as the last two (`v4_ok`). The number of
 * bytes, or -1. */
static int parse_groups(slv_str text, bool v4_ok, uint8_t ret_ip[static 16])
{
	int len = 0;
	if (text.len == 0)
		return 0;
	while (text.at) {
		slv_str part = slv_str_cut(&text, ':');
		if (v4_ok && !text.at && len <= 12 && parse_v4(part, ret_ip + len))
			return len + 4;
		if (len > 14 || !parse_group(part, ret_ip + len))
			return -1;
		len += 2;
	}
	return len;
}

/* RFC 4291 section 2.2; "::" stands for one group or more. */
static bool parse_v6(slv_str text, uint8_t ret_ip[static 16])
{
	uint8_t head[16], tail[16];
	size_t gap = slv_str_find_str(text, SLV_STR("::"));
	if (gap == text.len)
		return parse_groups(text, true, ret_ip) == 16;

	int head_len = parse_groups(slv_str_head(text, gap), false, head);
	int tail_len = parse_groups(slv_str_from_index(text, gap + 2), true, tail);
	if (head_len < 0 || tail_len < 0 || head_len + tail_len > 14)
		return false;
	memset(ret_ip, 0, 16);
	memcpy(ret_ip, head, (size_t)head_len);
	memcpy(ret_ip + 16 - tail_len, tail, (size_t)tail_len);
	return true;
}

static bool parse_ip(slv_str text, uint8_t ret_ip[static 16])
{
	uint8_t ip[16];
	bool colon = slv_str_find(text, ':') < text.len;
	if (!colon)
		memcpy(ip, mapped, MAPPED_BYTES);
	if (!(colon ? parse_v6(text, ip) : parse_v4(text, ip + MAPPED_BYTES)))
		return false;
	memcpy(ret_ip, ip, 16);
	return true;
}

bool slv_addr_parse(slv_str text, struct slv_addr *ret_addr)
{
	struct slv_addr addr = { .known = true };
	if (slv_str_starts(text, SLV_STR("["))) {
		if (!slv_str_ends(text, SLV_STR("]")))
			return false;
		text = slv_str_from_index(slv_str_head(text, text.len - 1), 1);
		if (slv_str_find(text, ':') == text.len)
			return false;
	}
	if (!parse_ip(text, addr.ip))
		return false;
	*ret_addr = addr;
	return true;
}

/* Bit `bit` of `ip`, 0 being the first. */
static bool ip_bit(const uint8_t ip[static 16], unsigned bit)
{
	return ip[bit / 8] >> (7 - bit % 8) & 1;
}

bool slv_net_parse(slv_str text, struct slv_net *ret_net)
{
	struct slv_net net;
	slv_str ip = slv_str_cut(&text, '/');
	if (!parse_ip(ip, net.ip))
		return false;

	bool dotted = slv_str_find(ip, ':') == ip.len;
	uint64_t most = dotted ? 32 : 128, bits = most;
	if (text.at && (text.len > 3 || !slv_str_u64(text, most, &bits)))
		return false;
	net.bits = (uint8_t)(dotted ? 8 * MAPPED_BYTES + bits : bits);
	for (unsigned bit = net.bits; bit < 128; bit++)
		if (ip_bit(net.ip, bit))
			return false;
	*ret_net = net;
	return true;
}

bool slv_net_has(const struct slv_net *net, const struct slv_addr *addr)
{
	if (!addr->known)
		return false;
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	if (memcmp(net->ip, addr->ip, whole) != 0)
		return false;
	return rest == 0 || (net->ip[whole] ^ addr->ip[whole]) >> (8 - rest) == 0;
}

bool slv_addr_is_v4(const struct slv_addr *addr)
{
	return memcmp(addr->ip, mapped, MAPPED_BYTES) == 0;
}

static unsigned group_at(const uint8_t ip[static 16], unsigned group)
{
	return (unsigned)ip[2 * group] << 8 | ip[2 * group + 1];
}

/* The first of the longest runs of zero groups that are worth "::"; at least two groups. */
static unsigned longest_zeroes(const uint8_t ip[static 16], unsigned *ret_first)
{
	unsigned best = 1, run = 0, first = 8;
	for (unsigned i = 0; i < 8; i++) {
		run = group_at(ip, i) ? 0 : run + 1;
		if (run > best) {
			best = run;
			first = i + 1 - run;
		}
	}
	*ret_first = first;
	return first < 8 ? best : 0;
}

static void print_v6(const uint8_t ip[static 16], struct slv_buf *buf)
{
	unsigned first, count = longest_zeroes(ip, &first);
	for (unsigned i = 0; i < 8; i++) {
		if (count && i == first) {
			slv_buf_add(buf, SLV_STR("::"));
			i += count - 1;
			continue;
		}
		if (i && !(count && i == first + count))
			slv_buf_add_char(buf, ':');
		slv_buf_printf(buf, "%x", group_at(ip, i));
	}
}

void slv_addr_print(const struct slv_addr *addr, struct slv_buf *buf)
{
	if (!addr->known) {
		slv_buf_add(buf, SLV_STR("unknown"));
		return;
	}
	if (!slv_addr_is_v4(addr)) {
		print_v6(addr->ip, buf);
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			slv_buf_add_char(buf, '.');
		slv_buf_add_u64(buf, addr->ip[MAPPED_BYTES + i]);
	}
}
