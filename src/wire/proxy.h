/* proxy.h - who a load balancer says the client is: the PROXY protocol, versions 1 and 2
 *
 * Stands before the first byte of a connection, TLS included. Only for listeners
 * that are told to expect it, from peers that are trusted: it is believed.
 */
#ifndef SLV_WIRE_PROXY_H
#define SLV_WIRE_PROXY_H

#include "base/err.h"
#include "base/str.h"
#include "http/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of version 1 with its CRLF. */
#define SLV_PROXY_V1_BYTES_MAX 107
/* What may follow the 16 bytes that begin version 2: addresses and TLVs. */
#define SLV_PROXY_V2_BYTES_MAX 4096

struct slv_proxy {
	uint8_t version; /* 1 or 2 */
	/* The balancer speaks for itself (LOCAL) or does not know (UNKNOWN, unspecified or local
	 * addresses): then neither address is known and the connection's own are to be used. */
	bool told;
	struct slv_addr source; /* the client */
	struct slv_addr dest;   /* what it connected to */
};

/* Parse the header at the start of `bytes`. `*ret_used` == 0 asks for more bytes behind the
 * same ones, at most 16 + SLV_PROXY_V2_BYTES_MAX in all. TLVs are checked for form and skipped.
 * Allocates nothing; error texts are static.
 *
 * SLV_E_SYNTAX  neither version, or not of its grammar
 * SLV_E_LIMIT   longer than the bounds above */
slv_err slv_proxy_parse(slv_str bytes, struct slv_proxy *ret_proxy, size_t *ret_used);

#endif
