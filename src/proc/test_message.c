#include "base/testing.h"

#include "base/fd.h"
#include "proc/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int pair(void **state)
{
	static int fd[2];
	*state = fd;
	return slv_failed(slv_message_pair(fd)) ? -1 : 0;
}

static int unpair(void **state)
{
	int *fd = *state;
	slv_fd_done(&fd[0]);
	slv_fd_done(&fd[1]);
	return 0;
}

static int open_count(void)
{
	int count = 0;
	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void a_message_arrives_as_it_was_sent(void **state)
{
	int *fd = *state, memfd, open_before = open_count();
	assert_false(slv_failed(slv_memfd_of(SLV_STR("bytes"), &memfd)));
	struct slv_message_head head = { SLV_MESSAGE_PIXEL_JOB, 6, 77 };
	assert_false(slv_failed(slv_message_send(fd[0], head, "hello", &memfd, 1)));
	slv_fd_done(&memfd);

	struct slv_message got = { 0 };
	assert_false(slv_failed(slv_message_receive(fd[1], &got)));
	assert_int_equal(got.head.type, SLV_MESSAGE_PIXEL_JOB);
	assert_int_equal(got.head.len, 6);
	assert_int_equal(got.head.id, 77);
	assert_string_equal((const char *)got.body, "hello");
	assert_int_equal(got.fd_count, 1);
	assert_true(fcntl(got.fd[0], F_GETFD) & FD_CLOEXEC);
	char text[8] = { 0 };
	assert_int_equal(pread(got.fd[0], text, sizeof(text), 0), 5);
	assert_string_equal(text, "bytes");
	slv_message_done(&got);
	slv_message_done(&got);
	assert_int_equal(open_count(), open_before);
}

static void the_largest_body_and_all_descriptors_fit(void **state)
{
	int *fd = *state, fds[SLV_MESSAGE_FDS_MAX];
	static char body[SLV_MESSAGE_BODY_MAX];
	for (int i = 0; i < SLV_MESSAGE_FDS_MAX; i++)
		fds[i] = fd[0];
	memset(body, 'x', sizeof(body));
	struct slv_message_head head = { 1, sizeof(body), 0 };
	assert_false(slv_failed(slv_message_send(fd[0], head, body, fds, SLV_MESSAGE_FDS_MAX)));
	struct slv_message got = { 0 };
	assert_false(slv_failed(slv_message_receive(fd[1], &got)));
	assert_memory_equal(got.body, body, sizeof(body));
	assert_int_equal(got.fd_count, SLV_MESSAGE_FDS_MAX);
	slv_message_done(&got);
}

static void a_non_blocking_end_is_busy_when_empty_or_full(void **state)
{
	int *fd = *state;
	struct slv_message got = { 0 };
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(slv_message_receive(fd[0], &got).code, SLV_E_BUSY);
	struct slv_message_head head = { 1, 0, 0 };
	slv_err err = SLV_OK;
	for (int i = 0; i < 100000 && !slv_failed(err); i++)
		err = slv_message_send(fd[0], head, NULL, NULL, 0);
	assert_int_equal(err.code, SLV_E_BUSY);
}

static void a_closed_end_is_told_apart(void **state)
{
	int *fd = *state;
	struct slv_message got = { 0 };
	slv_fd_done(&fd[1]);
	assert_int_equal(slv_message_receive(fd[0], &got).code, SLV_E_CLOSED);
	struct slv_message_head head = { 1, 0, 0 };
	assert_int_equal(slv_message_send(fd[0], head, NULL, NULL, 0).code, SLV_E_CLOSED);
}

/* A datagram of `len` bytes with `fd_count` copies of a descriptor, as no sender of ours makes. */
static void send_raw(int fd, const void *bytes, size_t len, int fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (fd_count > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		for (int i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(cmsg) + (size_t)i * sizeof(int), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(fd, &msg, 0), len);
}

static void what_is_no_message_is_refused_and_leaves_no_descriptor(void **state)
{
	int *fd = *state, open_before = open_count();
	static char bytes[sizeof(struct slv_message_head) + SLV_MESSAGE_BODY_MAX + 1];
	struct {
		struct slv_message_head head;
		size_t len;
		int fd_count;
	} cases[] = {
		{ { 1, 0, 0 }, 1, 1 },                                   /* a part of a head */
		{ { 1, 0, 0 }, sizeof(struct slv_message_head) - 1, 2 }, /* … */
		{ { 0, 0, 0 }, sizeof(struct slv_message_head), 1 },     /* no type */
		{ { 1, 8, 0 }, sizeof(struct slv_message_head) + 7, 1 }, /* short */
		{ { 1, 8, 0 }, sizeof(struct slv_message_head) + 9, 1 }, /* long */
		{ { 1, 0xffffffff, 0 }, sizeof(struct slv_message_head), 5 },
		{ { 1, SLV_MESSAGE_BODY_MAX + 1, 0 }, sizeof(bytes), 1 }, /* truncated */
		{ { 1, 0, 0 }, sizeof(struct slv_message_head), 6 },      /* one fd too many */
		{ { 1, 0, 0 }, sizeof(struct slv_message_head), 12 },     /* more than are read */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bytes, &cases[i].head, sizeof(cases[i].head));
		send_raw(fd[0], bytes, cases[i].len, cases[i].fd_count);
		struct slv_message got = { 0 };
		assert_int_equal(slv_message_receive(fd[1], &got).code, SLV_E_SYNTAX);
		assert_int_equal(open_count(), open_before);
	}
}

static void a_sealed_memfd_is_known_from_others(void **state)
{
	(void)state;
	int fd;
	uint64_t bytes = 0;
	assert_false(slv_failed(slv_memfd_of(SLV_STR("12345"), &fd)));
	assert_false(slv_failed(slv_memfd_check(fd, 5, &bytes)));
	assert_int_equal(bytes, 5);
	assert_int_equal(slv_memfd_check(fd, 4, &bytes).code, SLV_E_LIMIT);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	slv_str view;
	assert_false(slv_failed(slv_memfd_map(fd, bytes, &view)));
	assert_true(slv_str_eq(view, SLV_STR("12345")));
	slv_memfd_unmap(view);
	slv_fd_done(&fd);

	static const int partly[] = { F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
		F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL,
		F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };
	for (size_t i = 0; i < 4; i++) {
		assert_false(slv_failed(slv_memfd_new(&fd)));
		assert_int_equal(slv_memfd_check(fd, 5, &bytes).code, SLV_E_SYNTAX);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, partly[i]), 0);
		assert_int_equal(slv_memfd_check(fd, 5, &bytes).code, SLV_E_SYNTAX);
		slv_fd_done(&fd);
	}
	assert_int_equal(slv_memfd_check(0, 5, &bytes).code, SLV_E_SYNTAX);
}

static void what_is_added_to_a_memfd_follows_what_is_there(void **state)
{
	(void)state;
	int fd;
	uint64_t bytes;
	slv_str view;
	assert_false(slv_failed(slv_memfd_new(&fd)));
	assert_false(slv_failed(slv_memfd_add(fd, SLV_STR("123"))));
	assert_false(slv_failed(slv_memfd_add(fd, (slv_str){ 0 })));
	assert_false(slv_failed(slv_memfd_add(fd, SLV_STR("45"))));
	assert_false(slv_failed(slv_memfd_seal(fd)));
	slv_err err = slv_memfd_add(fd, SLV_STR("6"));
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_equal(err.sys, EPERM);
	assert_false(slv_failed(slv_memfd_check(fd, 5, &bytes)));
	assert_false(slv_failed(slv_memfd_map(fd, bytes, &view)));
	assert_true(slv_str_eq(view, SLV_STR("12345")));
	slv_memfd_unmap(view);
	slv_fd_done(&fd);
}

static void an_empty_memfd_maps_to_nothing(void **state)
{
	(void)state;
	int fd;
	uint64_t bytes = 1;
	slv_str view = SLV_STR("x");
	assert_false(slv_failed(slv_memfd_of(SLV_STR(""), &fd)));
	assert_false(slv_failed(slv_memfd_check(fd, 0, &bytes)));
	assert_false(slv_failed(slv_memfd_map(fd, bytes, &view)));
	assert_int_equal(view.len, 0);
	slv_memfd_unmap(view);
	slv_fd_done(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_arrives_as_it_was_sent, pair, unpair),
		cmocka_unit_test_setup_teardown(
				the_largest_body_and_all_descriptors_fit, pair, unpair),
		cmocka_unit_test_setup_teardown(
				a_non_blocking_end_is_busy_when_empty_or_full, pair, unpair),
		cmocka_unit_test_setup_teardown(a_closed_end_is_told_apart, pair, unpair),
		cmocka_unit_test_setup_teardown(
				what_is_no_message_is_refused_and_leaves_no_descriptor, pair,
				unpair),
		cmocka_unit_test(a_sealed_memfd_is_known_from_others),
		cmocka_unit_test(what_is_added_to_a_memfd_follows_what_is_there),
		cmocka_unit_test(an_empty_memfd_maps_to_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
