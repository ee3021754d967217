#include "base/testing.h"

#include "base/fd.h"
#include "proc/message.h"
#include "proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMFD_BYTES 65536

/* Run `act` in a child behind the lock; the status that it ends with. It exits 0 by itself if
 * `act` returns true, else 1. 90: it could not be locked in. */
static int behind_lock(bool (*act)(struct slv_sandbox *sandbox))
{
	int fd[2];
	assert_false(slv_failed(slv_message_pair(fd)));
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct slv_sandbox sandbox = { .memory_bytes_max = 256 << 20,
			.memfd_bytes_max = MEMFD_BYTES };
		if (slv_failed(slv_sandbox_isolate(&sandbox, fd[1])) ||
				slv_failed(slv_sandbox_lock(&sandbox)))
			_exit(90);
		_exit(act(&sandbox) ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	slv_fd_done(&fd[0]);
	slv_fd_done(&fd[1]);
	return status;
}

static bool opens(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool makes_socket(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool executes(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	char *none[] = { NULL };
	return execve("/bin/true", none, none) == 0;
}

static bool forks(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return fork() >= 0;
}

static bool kills_others(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return kill(1, 0) == 0 || errno != 0;
}

static bool traces(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool maps_code(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static bool enters_namespace(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return syscall(SYS_unshare, 0x10000000) == 0;
}

static void forbidden_calls_kill(void **state)
{
	(void)state;
	bool (*acts[])(struct slv_sandbox *) = { opens, makes_socket, executes, forks, kills_others,
		traces, maps_code, enters_namespace };
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = behind_lock(acts[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("act %zu ends with status %x", i, status);
	}
}

static bool works(struct slv_sandbox *sandbox)
{
	int memfd = -1;
	uint64_t bytes = 0;
	slv_str view = { 0 };
	char *volatile heap = malloc(40 << 20); /* volatile: not optimised away */
	memset(heap, 1, 40 << 20);
	bool rss = sandbox->statm_fd < 0 || slv_sandbox_rss_kib(sandbox) > 40 << 10;
	free(heap);
	struct slv_message_head head = { 1, 3, 9 };
	return rss && !slv_failed(slv_memfd_of(SLV_STR("abc"), &memfd)) &&
	       !slv_failed(slv_memfd_check(memfd, 3, &bytes)) &&
	       !slv_failed(slv_memfd_map(memfd, 3, &view)) &&
	       !slv_failed(slv_message_send(SLV_SANDBOX_CHANNEL, head, view.at, &memfd, 1));
}

static void memory_memfds_and_messages_work_behind_the_lock(void **state)
{
	(void)state;
	assert_int_equal(behind_lock(works), 0);
}

/* As many bytes as `len`, into a memfd. */
static bool fills(size_t len)
{
	static const char zeroes[MEMFD_BYTES + 1];
	int memfd = -1;
	return !slv_failed(slv_memfd_of((slv_str){ zeroes, len }, &memfd));
}

static bool fills_a_memfd(struct slv_sandbox *sandbox)
{
	return fills(sandbox->memfd_bytes_max);
}

static bool overfills_a_memfd(struct slv_sandbox *sandbox)
{
	return fills(sandbox->memfd_bytes_max + 1);
}

static bool lengthens_a_memfd(struct slv_sandbox *sandbox)
{
	int memfd = -1;
	return !slv_failed(slv_memfd_new(&memfd)) &&
	       ftruncate(memfd, (off_t)sandbox->memfd_bytes_max + 1) == 0;
}

static void a_memfd_past_its_bound_kills(void **state)
{
	(void)state;
	assert_int_equal(behind_lock(fills_a_memfd), 0);
	bool (*acts[])(struct slv_sandbox *) = { overfills_a_memfd, lengthens_a_memfd };
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = behind_lock(acts[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGXFSZ)
			fail_msg("act %zu ends with status %x", i, status);
	}
}

/* A whole message of descriptors and an answer, and no more. */
static bool has_so_many_descriptors(struct slv_sandbox *sandbox)
{
	int memfd = -1, made = 0;
	while (made < 100 && !slv_failed(slv_memfd_new(&memfd)))
		made++;
	return errno == EMFILE && made == SLV_MESSAGE_FDS_MAX + (sandbox->statm_fd < 0 ? 2 : 1);
}

static void descriptors_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(behind_lock(has_so_many_descriptors), 0);
}

static bool has_only_its_descriptors(struct slv_sandbox *sandbox)
{
	int last = sandbox->statm_fd < 0 ? SLV_SANDBOX_CHANNEL : sandbox->statm_fd;
	for (int fd = 0; fd < 200; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd <= last))
			return false;
	char byte;
	return read(0, &byte, 1) == 0;
}

static void other_descriptors_are_closed(void **state)
{
	(void)state;
	int other = fcntl(2, F_DUPFD, 100);
	assert_int_equal(behind_lock(has_only_its_descriptors), 0);
	slv_fd_done(&other);
}

static bool is_root_no_more(struct slv_sandbox *sandbox)
{
	uid_t uid = (uid_t)syscall(SYS_getuid);
	(void)sandbox;
	return uid != 0;
}

static void asking_who_one_is_is_not_needed_either(void **state)
{
	(void)state;
	int status = behind_lock(is_root_no_more);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

#if !SLV_SANITIZED
static bool takes_too_much(struct slv_sandbox *sandbox)
{
	(void)sandbox;
	return mmap(NULL, 300 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	                       MAP_FAILED &&
	       errno == ENOMEM &&
	       mmap(NULL, 200 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	                       MAP_FAILED;
}

static void memory_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(behind_lock(takes_too_much), 0);
}
#endif

/* Where this test runs as root with all rights, everything has to hold; elsewhere what lacks is
 * named. */
static void what_is_not_permitted_is_named(void **state)
{
	(void)state;
	int fd[2], report[2];
	assert_false(slv_failed(slv_message_pair(fd)));
	assert_int_equal(pipe(report), 0);
	pid_t pid = fork();
	if (pid == 0) {
		/* stderr survives: the report goes there. */
		dup2(report[1], 2);
		struct slv_sandbox sandbox = { .memory_bytes_max = 256 << 20,
			.memfd_bytes_max = MEMFD_BYTES };
		bool ok = !slv_failed(slv_sandbox_isolate(&sandbox, fd[1])) &&
		          !slv_failed(slv_sandbox_lock(&sandbox));
		_exit(!ok || write(2, &sandbox, sizeof(sandbox)) != sizeof(sandbox));
	}
	struct slv_sandbox sandbox;
	assert_int_equal(read(report[0], &sandbox, sizeof(sandbox)), sizeof(sandbox));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	bool all = sandbox.holds == (SLV_SANDBOX_NAMESPACES | SLV_SANDBOX_ROOT | SLV_SANDBOX_USER);
	assert_int_equal(all, sandbox.lacks[0] == '\0');
	print_message("lacks: '%s'\n", sandbox.lacks);
	for (int i = 0; i < 2; i++) {
		slv_fd_done(&fd[i]);
		slv_fd_done(&report[i]);
	}
}

static void a_jail_dies_with_its_parent(void **state)
{
	(void)state;
	int fd[2];
	assert_false(slv_failed(slv_message_pair(fd)));
	pid_t pid = fork();
	if (pid == 0) {
		int lock[2];
		if (pipe(lock) != 0)
			_exit(1);
		if (fork() == 0) {
			struct slv_sandbox sandbox = { .memory_bytes_max = 256 << 20,
				.memfd_bytes_max = MEMFD_BYTES };
			dup2(lock[1], 2);
			if (slv_failed(slv_sandbox_isolate(&sandbox, fd[1])) ||
					slv_failed(slv_sandbox_lock(&sandbox)))
				_exit(1);
			(void)!write(2, "x", 1);
			for (;;) /* no end of the channel: it stays open in the test */
				usleep(100000);
		}
		char byte;
		(void)!read(lock[0], &byte, 1);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The grandchild's end of the channel closes when it is gone. */
	slv_fd_done(&fd[1]);
	struct slv_message got = { 0 };
	assert_int_equal(slv_message_receive(fd[0], &got).code, SLV_E_CLOSED);
	slv_fd_done(&fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(memory_memfds_and_messages_work_behind_the_lock),
		cmocka_unit_test(other_descriptors_are_closed),
		cmocka_unit_test(descriptors_are_bounded),
		cmocka_unit_test(a_memfd_past_its_bound_kills),
		cmocka_unit_test(asking_who_one_is_is_not_needed_either),
#if !SLV_SANITIZED
		cmocka_unit_test(memory_is_bounded),
#endif
		cmocka_unit_test(what_is_not_permitted_is_named),
		cmocka_unit_test(a_jail_dies_with_its_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
