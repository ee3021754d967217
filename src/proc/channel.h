/* channel.h - what the parent and an edge say to each other; private to the two
 *
 * The edge is started with three things at fixed descriptors: its end of the channel
 * (proc/message.h), a sealed memfd with a struct slv_channel_boot and what follows it,
 * and the listening sockets in the order of the boot's listeners.
 *
 * Neither side queues: the socket's own buffer holds more than the requests that may
 * wait, so a full one means that the other side hangs.
 */
#ifndef SLV_PROC_CHANNEL_H
#define SLV_PROC_CHANNEL_H

#include "base/attr.h"
#include "proc/child.h"
#include "proc/message.h"
#include "proc/sockets.h"
#include "proc/ticket.h"

#include <stdint.h>

enum {
	SLV_CHANNEL_FD = SLV_CHILD_FD_FIRST,
	SLV_CHANNEL_BOOT_FD,
	SLV_CHANNEL_SOCKETS_FD,
};

#define SLV_CHANNEL_MAGIC 0x32707365u   /* raise with each change below */
#define SLV_CHANNEL_BOOT_MAX SLV_MIB(4) /* bytes */
#define SLV_CHANNEL_REQUESTS_MAX 64     /* for jails, that wait at once */
#define SLV_CHANNEL_WHAT_MAX 256        /* bytes of a reason, the NUL included */
#define SLV_CHANNEL_FAILURE_MAX 4096    /* bytes of why an edge could not start */

/* Followed by `listener_count` of struct slv_channel_listener, then the three texts. */
struct slv_channel_boot {
	uint32_t magic;
	uint32_t loops;
	uint32_t listener_count;
	uint32_t text_len, name_len, folder_len;
	struct slv_ticket_keys tickets;
};

struct slv_channel_listener {
	char name[SLV_LISTENER_NAME_MAX];
	uint32_t count; /* sockets */
};

enum slv_channel_type {
	SLV_CHANNEL_READY = SLV_MESSAGE_OTHER, /* edge → parent: nothing */
	SLV_CHANNEL_FAILED,                    /* edge → parent: the reason as text */
	SLV_CHANNEL_MAKE,    /* edge → parent: struct slv_channel_make; head.id is its id */
	SLV_CHANNEL_MADE,    /* parent → edge: struct slv_channel_made, same id; socket, pidfd */
	SLV_CHANNEL_TICKETS, /* parent → edge: struct slv_ticket_keys */
	SLV_CHANNEL_DRAIN,   /* parent → edge: struct slv_channel_drain */
};

struct slv_channel_make {
	uint32_t needs; /* enum slv_format */
};

struct slv_channel_made {
	int32_t code;                    /* enum slv_code; 0: there are two descriptors */
	char what[SLV_CHANNEL_WHAT_MAX]; /* terminated */
};

struct slv_channel_drain {
	uint32_t drain_ms;
	uint32_t replaced; /* 1: another edge is there already */
};

#endif
