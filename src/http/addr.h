/* addr.h - an IP address and port, as a value
 *
 * IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that one
 * comparison serves both.
 */
#ifndef SLV_HTTP_ADDR_H
#define SLV_HTTP_ADDR_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

struct slv_addr {
	uint8_t ip[16];
	uint16_t port; /* host order; 0 if not known */
	bool known;    /* false: a local socket or not told */
};

/* A network: the first `bits` of `ip`. */
struct slv_net {
	uint8_t ip[16];
	uint8_t bits; /* of 128; an IPv4 /8 is 104 */
};

/* Of 4 or 16 bytes in the network's order; without a port. */
struct slv_addr slv_addr_v4(const void *bytes);
struct slv_addr slv_addr_v6(const void *bytes);

/* "192.0.2.1", "2001:db8::1", with "[…]" allowed around IPv6; no port, no zone. */
bool slv_addr_parse(slv_str text, struct slv_addr *ret_addr);

/* "10.0.0.0/8", "::1/128", or a single address. Bits behind the prefix must be 0. */
bool slv_net_parse(slv_str text, struct slv_net *ret_net);
bool slv_net_has(const struct slv_net *net, const struct slv_addr *addr);

bool slv_addr_is_v4(const struct slv_addr *addr);

/* Append without port: dotted for IPv4, RFC 5952 for IPv6; "unknown" if so. */
void slv_addr_print(const struct slv_addr *addr, struct slv_buf *buf);

#endif
