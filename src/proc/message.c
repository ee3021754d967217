#include "proc/message.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Room for one descriptor more than is allowed, so that one too many is seen and closed. */
union control {
	char bytes[CMSG_SPACE(sizeof(int) * (SLV_MESSAGE_FDS_MAX + 1))];
	struct cmsghdr align;
};

static slv_err sys(const char *what)
{
	return (slv_err){ .code = SLV_E_SYS, .sys = errno, .what = what };
}

/* A failed send or receive; what it means is in errno. */
static slv_err io_failed(const char *what)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return SLV_ERR(SLV_E_BUSY, "socket not ready");
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return SLV_ERR(SLV_E_CLOSED, "the other process is gone");
	return sys(what);
}

slv_err slv_message_pair(int ret_fd[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fd) != 0)
		return sys("socketpair");
	return SLV_OK;
}

slv_err slv_message_send(int socket_fd, struct slv_message_head head, const void *body,
		const int *fds, uint32_t fd_count)
{
	slv_assert(head.type != 0 && head.len <= SLV_MESSAGE_BODY_MAX);
	slv_assert(fd_count <= SLV_MESSAGE_FDS_MAX);

	union control control = { 0 };
	/* iovec has no const; sendmsg() only reads. */
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, head.len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = head.len ? 2 : 1 };
	if (fd_count > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	ssize_t sent;
	do {
		sent = sendmsg(socket_fd, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	/* SOCK_SEQPACKET sends all of a datagram or nothing. */
	return sent < 0 ? io_failed("sendmsg") : SLV_OK;
}

/* Gather the descriptors that came; more than fit are closed, and counted in `ret_excess`. */
static uint32_t take_fds(struct msghdr *msg, int fd[SLV_MESSAGE_FDS_MAX], uint32_t *ret_excess)
{
	uint32_t count = 0;
	*ret_excess = 0;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t have = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < have; i++) {
			int one;
			memcpy(&one, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(one));
			if (count < SLV_MESSAGE_FDS_MAX)
				fd[count++] = one;
			else
				slv_fd_done(&one), ++*ret_excess;
		}
	}
	return count;
}

slv_err slv_message_receive(int socket_fd, struct slv_message *ret_message)
{
	struct slv_message message;
	union control control;
	struct iovec iov[2] = { { &message.head, sizeof(message.head) },
		{ message.body, sizeof(message.body) } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t got;
	do {
		got = recvmsg(socket_fd, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return io_failed("recvmsg");

	uint32_t excess;
	message.fd_count = take_fds(&msg, message.fd, &excess);
	if (got == 0 && message.fd_count == 0)
		return SLV_ERR(SLV_E_CLOSED, "the other process is gone");
	if (excess > 0 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
			(size_t)got < sizeof(message.head) || message.head.type == 0 ||
			message.head.len != (size_t)got - sizeof(message.head)) {
		slv_message_done(&message);
		return SLV_ERR(SLV_E_SYNTAX, "not a message of ours");
	}
	/* Only what came: copying 8 KiB for each small message would be waste. */
	ret_message->head = message.head;
	memcpy(ret_message->body, message.body, message.head.len);
	ret_message->fd_count = message.fd_count;
	memcpy(ret_message->fd, message.fd, sizeof(message.fd[0]) * message.fd_count);
	return SLV_OK;
}

void slv_message_done(struct slv_message *message)
{
	for (uint32_t i = 0; i < message->fd_count; i++)
		slv_fd_done(&message->fd[i]);
	message->fd_count = 0;
}

slv_err slv_memfd_new(int *ret_fd)
{
	int fd = memfd_create("selvedge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return sys("memfd_create");
	*ret_fd = fd;
	return SLV_OK;
}

slv_err slv_memfd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) == 0 ? SLV_OK : sys("seal a memfd");
}

slv_err slv_memfd_add(int fd, slv_str bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.at, bytes.len);
		if (put < 0 && errno != EINTR)
			return sys("write a memfd");
		if (put > 0)
			bytes = slv_str_from_index(bytes, (size_t)put);
	}
	return SLV_OK;
}

slv_err slv_memfd_of(slv_str bytes, int *ret_fd)
{
	SLV_CLEANUP(slv_fd_done) int fd = -1;
	slv_err err = slv_memfd_new(&fd);
	if (!slv_failed(err))
		err = slv_memfd_add(fd, bytes);
	if (!slv_failed(err))
		err = slv_memfd_seal(fd);
	if (!slv_failed(err))
		*ret_fd = slv_fd_take(&fd);
	return err;
}

slv_err slv_memfd_check(int fd, uint64_t bytes_max, uint64_t *ret_bytes)
{
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS)
		return SLV_ERR(SLV_E_SYNTAX, "not a sealed memfd");
	/* Not fstat(): a jail may not look at files. The offset is nobody's: mapped, not read. */
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return sys("size of a memfd");
	if ((uint64_t)size > bytes_max)
		return SLV_ERR(SLV_E_LIMIT, "more bytes than allowed");
	*ret_bytes = (uint64_t)size;
	return SLV_OK;
}

slv_err slv_memfd_map(int fd, uint64_t bytes, slv_str *ret_bytes)
{
	void *at = NULL;
	if (bytes > 0) {
		/* All of it will be read: one call instead of a fault for every page. */
		at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	}
	if (at == MAP_FAILED)
		return sys("map a memfd");
	*ret_bytes = (slv_str){ at, bytes };
	return SLV_OK;
}

void slv_memfd_unmap(slv_str bytes)
{
	/* munmap() wants a mutable pointer; it fails only for what was never mapped. */
	if (bytes.len > 0)
		(void)munmap((void *)(uintptr_t)bytes.at, bytes.len);
}
