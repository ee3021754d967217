#include "proc/child.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a terminal or a service manager sends to all of us; the parent alone acts on it. */
static const int ignored_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

/* --- in the child, between fork and exec: async-signal-safe calls only, for other threads of the
 * parent may hold any lock --- */

static bool reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	/* Who started us may have had some ignored, which exec(2) keeps. */
	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &action, NULL); /* KILL and STOP have no other */
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < SLV_COUNT(ignored_signals); i++)
		if (sigaction(ignored_signals[i], &action, NULL) != 0)
			return false;
	sigset_t none;
	return sigemptyset(&none) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Put the spec's descriptors to 3, 4, … and close all others. `status_fd` becomes the one behind
 * them, closing on exec. First all go above the targets, so that none is overwritten. */
static bool arrange_fds(const struct slv_child_spec *spec, int *fds, int *status_fd)
{
	int end = SLV_CHILD_FD_FIRST + (int)spec->fd_count;
	for (size_t i = 0; i < spec->fd_count; i++) {
		fds[i] = fcntl(spec->fds[i], F_DUPFD_CLOEXEC, end + 1);
		if (fds[i] < 0)
			return false;
	}
	int status = fcntl(*status_fd, F_DUPFD_CLOEXEC, end + 1);
	if (status < 0)
		return false;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0)
		return false;
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !spec->keep_output; fd++)
		if (dup2(null_fd, fd) < 0)
			return false;
	if (spec->stderr_fd > 0 && dup2(spec->stderr_fd, STDERR_FILENO) < 0)
		return false;
	for (size_t i = 0; i < spec->fd_count; i++)
		if (dup2(fds[i], SLV_CHILD_FD_FIRST + (int)i) < 0)
			return false;
	if (dup3(status, end, O_CLOEXEC) < 0)
		return false;
	*status_fd = end;
	return close_range((unsigned)end + 1, ~0u, 0) == 0;
}

/* Become the program; if that fails tell the errno through `status_fd`. */
static _Noreturn void child_main(
		const struct slv_child_spec *spec, int *fds, int status_fd, pid_t parent)
{
	bool is_ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setsid() >= 0 && reset_signals() &&
	                arrange_fds(spec, fds, &status_fd);
	/* The parent may have gone before prctl. */
	if (is_ready && getppid() == parent) {
		char *const *env = spec->env ? (char *const *)(uintptr_t)spec->env : environ;
		(void)execve(spec->path, (char *const *)(uintptr_t)spec->argv, env);
	}
	int why = errno;
	ssize_t told = write(status_fd, &why, sizeof(why));
	_exit(told == sizeof(why) ? 127 : 126);
}

/* --- in the parent --- */

static void describe_end(const siginfo_t *info, struct slv_child_end *end)
{
	*end = (struct slv_child_end){ .clean = info->si_code == CLD_EXITED &&
		                                info->si_status == 0 };
	if (info->si_code == CLD_EXITED) {
		(void)snprintf(end->reason, sizeof(end->reason), "exit status %d", info->si_status);
		return;
	}
	end->signal = info->si_status;
	const char *name = sigdescr_np(info->si_status);
	(void)snprintf(end->reason, sizeof(end->reason), "signal %d (%s)%s", info->si_status,
			name ? name : "unknown",
			info->si_code == CLD_DUMPED ? ", core dumped" : "");
}

static void child_forget(struct slv_child *child)
{
	slv_io_free(child->io);
	slv_fd_done(&child->pid_fd);
	child->io = NULL;
	child->pid = 0;
}

static void child_ready(void *arg, int events)
{
	(void)events; /* only reading was asked for */
	struct slv_child *child = arg;
	siginfo_t info = { .si_pid = 0 };
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
		return;
	struct slv_child_end end;
	describe_end(&info, &end);
	child_forget(child);
	child->exited(child, &end);
}

/* Wait for the end of a child that is being killed or has failed to start. */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Fork and exec; 0 or the errno of what failed. */
static int launch(const struct slv_child_spec *spec, pid_t *ret_pid)
{
	int status_fds[2];
	if (pipe2(status_fds, O_CLOEXEC) != 0)
		return errno;
	int *fds = slv_alloc((spec->fd_count + 1) * sizeof(*fds));
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid == 0)
		child_main(spec, fds, status_fds[1], self);
	int why = pid < 0 ? errno : 0;
	slv_free(fds);
	slv_fd_done(&status_fds[1]);
	/* Closed without a word when exec has succeeded. */
	ssize_t got = 0;
	if (pid > 0)
		do
			got = read(status_fds[0], &why, sizeof(why));
		while (got < 0 && errno == EINTR);
	slv_fd_done(&status_fds[0]);
	if (pid < 0)
		return why;
	if (got != 0) {
		reap(pid);
		return got == sizeof(why) && why != 0 ? why : EIO;
	}
	*ret_pid = pid;
	return 0;
}

slv_err slv_child_start(struct slv_arena *arena, struct slv_loop *loop,
		const struct slv_child_spec *spec, struct slv_child *child)
{
	slv_loop_assert(loop);
	slv_assert(child->exited);
	if (spec->fd_count > SLV_CHILD_FDS_MAX)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"start '%s': %zu descriptors, at most %d can be passed", spec->path,
				spec->fd_count, SLV_CHILD_FDS_MAX);
	pid_t pid = 0;
	int why = launch(spec, &pid);
	if (why != 0)
		return slv_err_sys(arena, why, "start '%s'", spec->path);
	child->pid = pid;
	child->pid_fd = pidfd_open(pid, 0);
	slv_err err = child->pid_fd >= 0 ? slv_io_new(loop, child->pid_fd, child_ready, child,
							   &child->io)
	                                 : slv_err_sys(arena, errno, "start '%s': pidfd_open",
							   spec->path);
	if (slv_failed(err)) {
		(void)kill(pid, SIGKILL); /* it is ours and not reaped: this cannot fail */
		reap(pid);
		child_forget(child);
		return err;
	}
	slv_io_want(child->io, SLV_IO_READ);
	return SLV_OK;
}

void slv_child_kill(struct slv_child *child)
{
	/* It fails only when the child has ended, which is what is wanted. */
	if (child->pid)
		(void)pidfd_send_signal(child->pid_fd, SIGKILL, NULL, 0);
}

void slv_child_done(struct slv_child *child)
{
	if (!child->pid)
		return;
	slv_child_kill(child);
	reap(child->pid);
	child_forget(child);
}
