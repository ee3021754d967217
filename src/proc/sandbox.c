#include "proc/sandbox.h"

#include "base/attr.h"
#include "base/fd.h"
#include "base/str.h"
#include "proc/message.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534
#define STATM_FD (SLV_SANDBOX_CHANNEL + 1)
_Static_assert(SLV_SANDBOX_FDS_MAX == STATM_FD + 1 + SLV_MESSAGE_FDS_MAX + 1, "see its comment");
#define STACK_BYTES SLV_MIB(8)

static slv_err sys(const char *what)
{
	return (slv_err){ .code = SLV_E_SYS, .sys = errno, .what = what };
}

static void lack(struct slv_sandbox *sandbox, const char *what)
{
	size_t len = strlen(sandbox->lacks);
	snprintf(sandbox->lacks + len, sizeof(sandbox->lacks) - len, "%s%s: %s", len ? "; " : "",
			what, strerror(errno));
}

static slv_err arrange_descriptors(struct slv_sandbox *sandbox, int channel_fd)
{
	SLV_CLEANUP(slv_fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return sys("open /dev/null");
	/* Out of the way first: any of them may sit where another has to go. */
	SLV_CLEANUP(slv_fd_done) int channel = fcntl(channel_fd, F_DUPFD_CLOEXEC, 64);
	SLV_CLEANUP(slv_fd_done) int low = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	SLV_CLEANUP(slv_fd_done) int statm = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 64);
	if (channel < 0)
		return sys("the channel");
	if (dup3(channel, SLV_SANDBOX_CHANNEL, O_CLOEXEC) < 0 || dup2(null, 0) < 0 ||
			dup2(null, 1) < 0)
		return sys("arrange descriptors");
	if (fcntl(2, F_GETFD) < 0 && dup2(null, 2) < 0)
		return sys("arrange descriptors");

	sandbox->statm_fd = -1;
	if (statm >= 0 && dup3(statm, STATM_FD, O_CLOEXEC) >= 0)
		sandbox->statm_fd = STATM_FD;
	unsigned first = sandbox->statm_fd < 0 ? STATM_FD : STATM_FD + 1;
	if (close_range(first, ~0u, 0) != 0)
		return sys("close_range");
	/* They are closed now, or became the one that stays. */
	null = channel = low = statm = -1;
	return SLV_OK;
}

static bool write_file(const char *path, const char *text)
{
	SLV_CLEANUP(slv_fd_done) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Without root a user namespace lends the rights for the others. */
static bool enter_user_namespace(void)
{
	char uids[64], gids[64];
	snprintf(uids, sizeof(uids), "%u %u 1", getuid(), getuid());
	snprintf(gids, sizeof(gids), "%u %u 1", getgid(), getgid());
	return unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", uids) && write_file("/proc/self/gid_map", gids);
}

static void enter_namespaces(struct slv_sandbox *sandbox)
{
	if (geteuid() != 0 && !enter_user_namespace()) {
		lack(sandbox, "user namespace");
		return;
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC) != 0) {
		lack(sandbox, "namespaces");
		return;
	}
	sandbox->holds |= SLV_SANDBOX_NAMESPACES;
}

static bool limit(int what, uint64_t value)
{
	struct rlimit old;
	if (getrlimit((__rlimit_resource_t)what, &old) != 0)
		return false;
	if (value > old.rlim_max)
		value = old.rlim_max;
	struct rlimit limit = { value, value };
	return setrlimit((__rlimit_resource_t)what, &limit) == 0;
}

/* The address space holds, beside private memory, the libraries and what is mapped to read. No
 * limit of processes: it counts all of a user's, and forking is impossible anyway. */
static slv_err set_limits(const struct slv_sandbox *sandbox)
{
	uint64_t memory = sandbox->memory_bytes_max;
	bool ok = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, SLV_SANDBOX_FDS_MAX) &&
	          limit(RLIMIT_FSIZE, sandbox->memfd_bytes_max) && limit(RLIMIT_MEMLOCK, 0);
	if (ok && !SLV_SANITIZED)
		ok = limit(RLIMIT_DATA, memory) &&
		     limit(RLIMIT_AS, 2 * memory + SLV_SANDBOX_THREADS * STACK_BYTES);
	return ok ? SLV_OK : sys("setrlimit");
}

slv_err slv_sandbox_isolate(struct slv_sandbox *sandbox, int channel_fd)
{
	sandbox->holds = 0;
	sandbox->lacks[0] = '\0';
	slv_err err = arrange_descriptors(sandbox, channel_fd);
	if (slv_failed(err))
		return err;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return sys("prctl");
	enter_namespaces(sandbox);
	return SLV_OK;
}

/* A read-only file system of nothing over /tmp, seen by this process alone, becomes the root. */
static void empty_root(struct slv_sandbox *sandbox)
{
	if (!(sandbox->holds & SLV_SANDBOX_NAMESPACES))
		return;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
			mount("none", "/tmp", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
					"size=4k,nr_inodes=2,mode=555") != 0 ||
			chroot("/tmp") != 0 || chdir("/") != 0)
		lack(sandbox, "empty root");
	else
		sandbox->holds |= SLV_SANDBOX_ROOT;
}

static void drop_user(struct slv_sandbox *sandbox)
{
	bool ok = geteuid() != 0 ||
	          (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
				  setresuid(NOBODY, NOBODY, NOBODY) == 0);
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	if (ok && syscall(SYS_capset, &head, none) == 0)
		sandbox->holds |= SLV_SANDBOX_USER;
	else
		lack(sandbox, "unprivileged user");
}

/* Used as they are, whatever the arguments. Descriptors are only those we have, the root is
 * empty, so their arguments can do no harm. */
static const int allowed[] = {
	/* memory, threads, the end */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigaltstack),
	/* the channel and memfds */
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(memfd_create),
	SCMP_SYS(ftruncate),
	/* time, chance, counters */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
};

#define NEEDS (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)
#define NEW_SPACES                                                                                 \
	(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | \
			CLONE_NEWCGROUP)

static int add_rules(scmp_filter_ctx ctx)
{
	int rc = 0;
	for (size_t i = 0; i < SLV_COUNT(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc != 0)
		return rc;

	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, NEEDS | NEW_SPACES, NEEDS);
	const struct scmp_arg_cmp own_pid = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	const int fcntls[] = { F_ADD_SEALS, F_GET_SEALS, F_GETFL, F_GETFD, F_SETFD };
	rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	/* Its flags are in memory, where a filter cannot look; glibc then takes clone(). */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
	/* abort() signals itself. */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, own_pid);
	for (size_t i = 0; i < SLV_COUNT(fcntls) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntls[i], 0));
	/* Libraries name their threads and ask how they are scheduled; both may fail. */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sched_getattr), 0);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sched_setattr), 0);
	return rc;
}

static slv_err filter_calls(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return SLV_ERR(SLV_E_SYS, "seccomp_init");
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* The threads that the libraries have started, too. */
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A binary tree instead of a list: the filter runs at every call. */
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_rules(ctx);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0)
		return (slv_err){ .code = SLV_E_SYS, .sys = -rc, .what = "seccomp filter" };
	return SLV_OK;
}

slv_err slv_sandbox_lock(struct slv_sandbox *sandbox)
{
	empty_root(sandbox);
	drop_user(sandbox);
	/* Another user: the kernel has forgotten it. A parent that went meanwhile has closed the
	 * channel. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
		return sys("prctl");
	slv_err err = set_limits(sandbox);
	return slv_failed(err) ? err : filter_calls();
}

uint64_t slv_sandbox_rss_kib(const struct slv_sandbox *sandbox)
{
	char text[128];
	ssize_t len = sandbox->statm_fd < 0 ? 0 : pread(sandbox->statm_fd, text, sizeof(text), 0);
	if (len <= 0)
		return 0;
	/* "size resident shared …", in pages */
	slv_str rest = { text, (size_t)len };
	uint64_t pages = 0;
	(void)slv_str_cut(&rest, ' '); /* the size is not asked for */
	if (!slv_str_u64(slv_str_cut(&rest, ' '), UINT64_MAX / 4096, &pages))
		return 0;
	return pages * 4; /* x86-64 and usual arm64: 4 KiB */
}
