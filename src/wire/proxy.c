#include "wire/proxy.h"

#include "base/attr.h"

#include <string.h>

#define V2_HEAD_BYTES 16
#define TLV_HEAD_BYTES 3

static const slv_str v1_begin = SLV_STR_INIT("PROXY ");
static const slv_str v2_begin = SLV_STR_INIT("\r\n\r\n\0\r\nQUIT\n");

/* Bytes of addresses and ports by address family. */
enum { INET_BYTES = 12, INET6_BYTES = 36, UNIX_BYTES = 216 };

static bool begins_like(slv_str bytes, slv_str begin)
{
	size_t len = bytes.len < begin.len ? bytes.len : begin.len;
	return slv_str_eq(slv_str_head(bytes, len), slv_str_head(begin, len));
}

static bool v1_addr(slv_str text, bool v6, struct slv_addr *ret_addr)
{
	bool colon = slv_str_find(text, ':') < text.len;
	bool bracket = slv_str_find(text, '[') < text.len;
	return colon == v6 && !bracket && slv_addr_parse(text, ret_addr);
}

/* Without sign, and without a zero in front of other digits. */
static bool v1_port(slv_str text, struct slv_addr *addr)
{
	uint64_t port;
	if (text.len > 1 && text.at[0] == '0')
		return false;
	if (!slv_str_u64(text, UINT16_MAX, &port))
		return false;
	addr->port = (uint16_t)port;
	return true;
}

/* `line` is what stands between "PROXY " and CRLF. */
static slv_err v1_line(slv_str line, struct slv_proxy *proxy)
{
	slv_str family = slv_str_cut(&line, ' ');
	if (slv_str_eq(family, SLV_STR("UNKNOWN")))
		return SLV_OK; /* the rest of the line is to be ignored */
	bool v6 = slv_str_eq(family, SLV_STR("TCP6"));
	if (!v6 && !slv_str_eq(family, SLV_STR("TCP4")))
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: protocol other than TCP4, TCP6, UNKNOWN");

	slv_str source = slv_str_cut(&line, ' '), dest = slv_str_cut(&line, ' ');
	if (!v1_addr(source, v6, &proxy->source) || !v1_addr(dest, v6, &proxy->dest))
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: not two addresses of the family it names");
	slv_str source_port = slv_str_cut(&line, ' ');
	if (!v1_port(source_port, &proxy->source) || !v1_port(line, &proxy->dest))
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: not two ports behind the addresses");
	proxy->told = true;
	return SLV_OK;
}

static slv_err parse_v1(slv_str bytes, struct slv_proxy *proxy, size_t *ret_used)
{
	slv_str head = slv_str_head(bytes, SLV_PROXY_V1_BYTES_MAX);
	size_t lf = slv_str_find(head, '\n');
	if (lf == head.len && head.len == SLV_PROXY_V1_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "PROXY: line of more than 107 bytes");
	if (lf == head.len) {
		*ret_used = 0;
		return SLV_OK;
	}
	if (slv_str_find(head, '\r') != lf - 1)
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: line does not end with CRLF");
	slv_str line = slv_str_head(slv_str_from_index(head, v1_begin.len), lf - 1 - v1_begin.len);
	slv_err err = v1_line(line, proxy);
	if (!slv_failed(err))
		*ret_used = lf + 1;
	return err;
}

static struct slv_addr addr_of(const char *ip, size_t ip_len, const char *port)
{
	struct slv_addr addr = ip_len == 4 ? slv_addr_v4(ip) : slv_addr_v6(ip);
	addr.port = (uint16_t)((uint8_t)port[0] << 8 | (uint8_t)port[1]);
	return addr;
}

static uint16_t u16_at(const char *at)
{
	return (uint16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
}

static slv_err v2_skip_tlvs(slv_str tlvs)
{
	while (tlvs.len) {
		if (tlvs.len < TLV_HEAD_BYTES)
			return SLV_ERR(SLV_E_SYNTAX, "PROXY: truncated TLV");
		size_t len = u16_at(tlvs.at + 1);
		if (len > tlvs.len - TLV_HEAD_BYTES)
			return SLV_ERR(SLV_E_SYNTAX, "PROXY: TLV longer than its header");
		tlvs = slv_str_from_index(tlvs, TLV_HEAD_BYTES + len);
	}
	return SLV_OK;
}

static slv_err v2_addresses(uint8_t family, slv_str rest, struct slv_proxy *proxy)
{
	size_t need, ip_len = 0;
	switch (family) {
	case 0x00: /* unspecified: all of it is to be ignored */
		return SLV_OK;
	case 0x11:
		need = INET_BYTES;
		ip_len = 4;
		break;
	case 0x21:
		need = INET6_BYTES;
		ip_len = 16;
		break;
	case 0x31:
		need = UNIX_BYTES;
		break;
	default:
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: family other than TCP over IPv4, IPv6, UNIX");
	}
	if (rest.len < need)
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: too short for the addresses it names");
	if (ip_len) {
		const char *ports = rest.at + 2 * ip_len;
		proxy->source = addr_of(rest.at, ip_len, ports);
		proxy->dest = addr_of(rest.at + ip_len, ip_len, ports + 2);
		proxy->told = true;
	}
	return v2_skip_tlvs(slv_str_from_index(rest, need));
}

static slv_err parse_v2(slv_str bytes, struct slv_proxy *proxy, size_t *ret_used)
{
	*ret_used = 0;
	if (bytes.len < V2_HEAD_BYTES)
		return SLV_OK;
	uint8_t what = (uint8_t)bytes.at[12];
	if (what != 0x20 && what != 0x21)
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: version other than 2, or unknown command");
	size_t len = u16_at(bytes.at + 14);
	if (len > SLV_PROXY_V2_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "PROXY: header of more than 4096 bytes");
	if (bytes.len - V2_HEAD_BYTES < len)
		return SLV_OK;

	slv_str rest = slv_str_head(slv_str_from_index(bytes, V2_HEAD_BYTES), len);
	slv_err err = SLV_OK;
	if (what == 0x21)
		err = v2_addresses((uint8_t)bytes.at[13], rest, proxy);
	if (!slv_failed(err))
		*ret_used = V2_HEAD_BYTES + len;
	return err;
}

slv_err slv_proxy_parse(slv_str bytes, struct slv_proxy *ret_proxy, size_t *ret_used)
{
	bool v1 = begins_like(bytes, v1_begin), v2 = begins_like(bytes, v2_begin);
	if (!v1 && !v2)
		return SLV_ERR(SLV_E_SYNTAX, "PROXY: no header of version 1 or 2");
	size_t used = 0;
	struct slv_proxy proxy = { .version = v1 ? 1 : 2 };
	slv_err err = SLV_OK;
	if (v1 && bytes.len >= v1_begin.len)
		err = parse_v1(bytes, &proxy, &used);
	else if (v2 && bytes.len >= v2_begin.len)
		err = parse_v2(bytes, &proxy, &used);
	if (slv_failed(err))
		return err;
	if (used)
		*ret_proxy = proxy;
	*ret_used = used;
	return SLV_OK;
}
