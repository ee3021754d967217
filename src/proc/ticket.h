/* ticket.h - the keys that TLS session tickets are sealed with
 *
 * The parent makes them, so that all loops share them and sessions survive a reload and
 * a restart of the edge. Tickets are made with the first; those of the second are still
 * read (RFC 5077 section 5.5 on rotation).
 */
#ifndef SLV_PROC_TICKET_H
#define SLV_PROC_TICKET_H

#include <stdint.h>

#define SLV_TICKET_KEY_BYTES 80 /* as OpenSSL and nginx: 16 name, 32 cipher, 32 MAC */
#define SLV_TICKET_KEYS 2

struct slv_ticket_keys {
	uint32_t count;                                     /* 1, or 2 after a rotation */
	uint8_t key[SLV_TICKET_KEYS][SLV_TICKET_KEY_BYTES]; /* newest first */
};

#endif
