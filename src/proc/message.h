/* message.h - typed messages and descriptors between our processes
 *
 * One message is one datagram on a SOCK_SEQPACKET pair: a header, a body of a known
 * length, and up to SLV_MESSAGE_FDS_MAX descriptors. Bodies are plain structs; both
 * ends are of one build. Whatever is not exactly so (short, long, truncated by the
 * kernel, more descriptors than fit) is an error, and no descriptor of it stays open.
 *
 * Big bytes travel beside the body in sealed memfds: nobody can change or cut them
 * while the other side reads.
 *
 * Sockets may be non-blocking: then SLV_E_BUSY says that nothing was sent or nothing
 * is there yet. Thread: any, one at a time for each socket and direction.
 */
#ifndef SLV_PROC_MESSAGE_H
#define SLV_PROC_MESSAGE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define SLV_MESSAGE_BODY_MAX 8192 /* bytes */
#define SLV_MESSAGE_FDS_MAX 5     /* a picture and its overlays */

/* Types of the image jail; those of the other processes begin at SLV_MESSAGE_OTHER. */
enum slv_message_type {
	SLV_MESSAGE_PIXEL_JOB = 1, /* struct slv_pixel_plan; picture, overlays */
	SLV_MESSAGE_PIXEL_RESULT,  /* struct slv_pixel_result; the bytes, if there are any */
	SLV_MESSAGE_OTHER = 16
};

struct slv_message_head {
	uint32_t type; /* not 0 */
	uint32_t len;  /* of the body */
	uint64_t id;   /* the answer repeats that of the question */
};

struct slv_message {
	struct slv_message_head head;
	uint64_t body[SLV_MESSAGE_BODY_MAX / 8]; /* head.len bytes of it; aligned for any struct */
	uint32_t fd_count;
	int fd[SLV_MESSAGE_FDS_MAX]; /* ours, close-on-exec */
};

/* Two connected ends, close-on-exec, blocking. */
slv_err slv_message_pair(int ret_fd[2]);

/* Send; `head.len` bytes of `body` and `fd_count` descriptors, which stay the caller's.
 * SLV_E_CLOSED: the other end is gone. SLV_E_BUSY: non-blocking, and no room now. */
slv_err slv_message_send(int socket_fd, struct slv_message_head head, const void *body,
		const int *fds, uint32_t fd_count);

/* Receive one. SLV_E_CLOSED: the other end is gone. SLV_E_BUSY: non-blocking, and nothing
 * there. SLV_E_SYNTAX: not a message; its descriptors are closed. `ret_message` is written
 * on success only; then its descriptors are the caller's. */
slv_err slv_message_receive(int socket_fd, struct slv_message *ret_message);

/* Close the descriptors that were not taken (made -1). Accepts zeroes. */
void slv_message_done(struct slv_message *message);

/* A sealed memfd, close-on-exec, that holds a copy of `bytes`. */
slv_err slv_memfd_of(slv_str bytes, int *ret_fd);

/* An empty memfd that can be sealed: add to it, then slv_memfd_seal() it. */
slv_err slv_memfd_new(int *ret_fd);
slv_err slv_memfd_add(int fd, slv_str bytes); /* after an error some of them may be in it */
slv_err slv_memfd_seal(int fd);

/* `fd` is a memfd with all of F_SEAL_SHRINK, GROW, WRITE and SEAL; its length in
 * `ret_bytes`. SLV_E_SYNTAX if it is anything else; SLV_E_LIMIT above `bytes_max`. */
slv_err slv_memfd_check(int fd, uint64_t bytes_max, uint64_t *ret_bytes);

/* Its bytes, mapped to read; check it first. An empty one gives an empty view. */
slv_err slv_memfd_map(int fd, uint64_t bytes, slv_str *ret_bytes);
void slv_memfd_unmap(slv_str bytes);

#endif
