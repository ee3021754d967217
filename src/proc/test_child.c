#include "base/testing.h"
#include "proc/child.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIVE_UP_S 100

/* A shell, what it writes to its descriptor 3, and how it ended. */
struct fixture {
	struct slv_loop *loop;
	struct slv_arena arena;
	struct slv_child child;
	struct slv_child_end end;
	int ends;
	int pipe[2];
	struct slv_buf said;
};

static struct fixture fixture;
static const struct slv_child_spec usual;

static void exited(struct slv_child *child, const struct slv_child_end *end)
{
	struct fixture *f = SLV_CONTAINER(child, struct fixture, child);
	assert_int_equal(child->pid, 0);
	f->end = *end;
	f->ends++;
}

static int setup(void **state)
{
	struct fixture *f = &fixture;
	*f = (struct fixture){ .loop = slv_loop_new(0, NULL, NULL), .child.exited = exited };
	slv_arena_init(&f->arena, 4096, 65536);
	slv_buf_init(&f->said, 65536);
	*state = f;
	(void)alarm(GIVE_UP_S); /* there is no earlier one */
	return pipe2(f->pipe, O_CLOEXEC);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	slv_child_done(&f->child);
	slv_fd_done(&f->pipe[0]);
	slv_fd_done(&f->pipe[1]);
	slv_buf_done(&f->said);
	slv_arena_done(&f->arena);
	slv_loop_free(f->loop);
	return 0;
}

static slv_err shell(struct fixture *f, const char *script, struct slv_child_spec spec)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	int fds[] = { f->pipe[1] };
	spec.argv = argv;
	spec.path = spec.path ? spec.path : "/bin/sh";
	spec.fds = fds;
	spec.fd_count = 1;
	slv_err err = slv_child_start(&f->arena, f->loop, &spec, &f->child);
	slv_fd_done(&f->pipe[1]);
	return err;
}

/* All that it says to descriptor 3, and its end. */
static void hear(struct fixture *f)
{
	for (ssize_t got = 1; got > 0;) {
		char *room = slv_buf_room(&f->said, 4096);
		assert_non_null(room);
		got = read(f->pipe[0], room, 4096);
		assert_true(got >= 0);
		slv_buf_grown(&f->said, (size_t)got);
	}
	while (!f->ends)
		slv_loop_turn(f->loop, true);
}

static void expect_said(struct fixture *f, const char *text)
{
	if (!slv_str_eq(slv_buf_str(&f->said), slv_str_from(text)))
		fail_msg("it said '%.*s', not '%s'", SLV_FMT(slv_buf_str(&f->said)), text);
}

static void an_end_is_told_with_its_reason(void **state)
{
	struct fixture *f = *state;
	assert_false(slv_failed(shell(f, "exit 3", usual)));
	hear(f);
	assert_false(f->end.clean);
	assert_int_equal(f->end.signal, 0);
	assert_string_equal(f->end.reason, "exit status 3");
}

static void a_clean_end_is_clean(void **state)
{
	struct fixture *f = *state;
	assert_false(slv_failed(shell(f, ":", usual)));
	hear(f);
	assert_true(f->end.clean);
	assert_string_equal(f->end.reason, "exit status 0");
}

static void a_killed_one_ends_by_signal(void **state)
{
	struct fixture *f = *state;
	assert_false(slv_failed(shell(f, "exec sleep 1000", usual)));
	slv_child_kill(&f->child);
	hear(f);
	assert_int_equal(f->end.signal, SIGKILL);
	assert_string_equal(f->end.reason, "signal 9 (Killed)");
	slv_child_kill(&f->child); /* it has ended: nothing */
	assert_int_equal(f->ends, 1);
}

static void one_that_is_done_with_is_not_heard_of_again(void **state)
{
	struct fixture *f = *state;
	assert_false(slv_failed(shell(f, "exec sleep 1000", usual)));
	pid_t pid = f->child.pid;
	slv_child_done(&f->child);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	slv_loop_turn(f->loop, false);
	assert_int_equal(f->ends, 0);
	slv_child_done(&f->child); /* zeroes are fine */
}

static void a_program_that_is_not_there_is_named(void **state)
{
	struct fixture *f = *state;
	slv_err err = shell(f, ":", (struct slv_child_spec){ .path = "/nowhere/jail" });
	assert_int_equal(err.code, SLV_E_MISSING);
	assert_string_equal(err.what, "start '/nowhere/jail': No such file or directory");
	assert_int_equal(f->child.pid, 0);
}

static void a_file_that_is_no_program_is_named(void **state)
{
	struct fixture *f = *state;
	slv_err err = shell(f, ":", (struct slv_child_spec){ .path = "/etc/passwd" });
	assert_int_equal(err.code, SLV_E_SYS);
	assert_int_equal(err.sys, EACCES);
	assert_string_equal(err.what, "start '/etc/passwd': Permission denied");
}

static void it_has_the_descriptors_named_and_no_others(void **state)
{
	struct fixture *f = *state;
	int more[] = { open("/dev/null", O_RDONLY), dup(f->pipe[0]), dup2(f->pipe[0], 200) };
	/* Built-in commands alone, which open nothing themselves. */
	const char *script = "n=0; while [ $n -lt 300 ]; do"
			     " [ -e /proc/$$/fd/$n ] && a=\"$a $n\"; n=$((n+1)); done; echo $a >&3";
	assert_false(slv_failed(shell(f, script, usual)));
	hear(f);
	expect_said(f, "0 1 2 3\n");
	for (size_t i = 0; i < SLV_COUNT(more); i++)
		slv_fd_done(&more[i]);
}

static void many_descriptors_keep_their_order(void **state)
{
	struct fixture *f = *state;
	int fds[12], pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	/* Sources that lie where others are to go. */
	for (size_t i = 0; i < SLV_COUNT(fds); i++)
		fds[i] = i % 2 ? f->pipe[0] : pipes[1];
	fds[SLV_COUNT(fds) - 1] = f->pipe[1];
	const char *const argv[] = { "sh", "-c",
		"for n in 3 4 5 13 14; do readlink /proc/$$/fd/$n; done | cat >/proc/$$/fd/14",
		NULL };
	const struct slv_child_spec spec = {
		.path = "/bin/sh", .argv = argv, .fds = fds, .fd_count = SLV_COUNT(fds)
	};
	char in[64], out[64], want[512], name[64];
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", f->pipe[0]);
	in[readlink(name, in, sizeof(in) - 1)] = '\0';
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", pipes[1]);
	out[readlink(name, out, sizeof(out) - 1)] = '\0';
	in[strcspn(in, "]") + 1] = out[strcspn(out, "]") + 1] = '\0';
	assert_false(slv_failed(slv_child_start(&f->arena, f->loop, &spec, &f->child)));
	slv_fd_done(&f->pipe[1]);
	hear(f);
	(void)snprintf(want, sizeof(want), "%s\n%s\n%s\n%s\n%s\n", out, in, out, out, in);
	expect_said(f, want);
	slv_fd_done(&pipes[0]);
	slv_fd_done(&pipes[1]);
}

static void its_output_goes_nowhere_unless_it_is_kept(void **state)
{
	struct fixture *f = *state;
	const char *script = "echo lost; echo lost >&2;"
			     "exec find /proc/self/fd/[012] -fprintf /proc/self/fd/3 '%l\\n'";
	assert_false(slv_failed(shell(f, script, usual)));
	hear(f);
	expect_said(f, "/dev/null\n/dev/null\n/dev/null\n");
	assert_true(f->end.clean);
}

static void kept_output_is_ours(void **state)
{
	struct fixture *f = *state;
	int before = dup(STDOUT_FILENO);
	assert_int_equal(dup2(f->pipe[1], STDOUT_FILENO), STDOUT_FILENO);
	slv_err err = shell(f, "echo kept; readlink /proc/$$/fd/0",
			(struct slv_child_spec){ .keep_output = true });
	assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
	slv_fd_done(&before);
	assert_false(slv_failed(err));
	hear(f);
	expect_said(f, "kept\n/dev/null\n");
}

static void its_stderr_may_be_a_pipe(void **state)
{
	struct fixture *f = *state;
	assert_false(slv_failed(shell(f, "echo lost; echo told >&2",
			(struct slv_child_spec){ .stderr_fd = f->pipe[1] })));
	hear(f);
	expect_said(f, "told\n");
}

static void its_environment_is_the_one_given(void **state)
{
	struct fixture *f = *state;
	static const char *const env[] = { "ONLY=this", NULL };
	assert_false(slv_failed(shell(
			f, "echo $ONLY ${HOME-none} >&3", (struct slv_child_spec){ .env = env })));
	hear(f);
	expect_said(f, "this none\n");
}

static void signals_for_the_group_do_not_reach_it(void **state)
{
	struct fixture *f = *state;
	sigset_t usr, before;
	assert_int_equal(sigemptyset(&usr) | sigaddset(&usr, SIGUSR1), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr, &before), 0);
	/* HUP 1, INT 2, PIPE 13, TERM 15; and what we block it does not. */
	slv_err err = shell(f, "exec grep -E 'SigIgn|SigBlk' /proc/self/status >&3", usual);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_false(slv_failed(err));
	hear(f);
	slv_buf_add_char(&f->said, '\0');
	assert_non_null(strstr(f->said.at, "SigBlk:\t0000000000000000\n"));
	const char *ignored = strstr(f->said.at, "SigIgn:\t");
	assert_non_null(ignored);
	/* 32 and 33 are libc's own: it lets nobody set them, whoever may have ignored them before.
	 */
	assert_int_equal(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0x5003);
}

static void it_is_a_session_of_its_own(void **state)
{
	struct fixture *f = *state;
	assert_false(slv_failed(shell(f, "exec sleep 1000", usual)));
	assert_int_equal(getsid(f->child.pid), f->child.pid);
}

static void too_many_descriptors_are_refused(void **state)
{
	struct fixture *f = *state;
	int *fds = slv_alloc((SLV_CHILD_FDS_MAX + 1) * sizeof(*fds));
	const char *const argv[] = { "sh", NULL };
	const struct slv_child_spec spec = {
		.path = "/bin/sh", .argv = argv, .fds = fds, .fd_count = SLV_CHILD_FDS_MAX + 1
	};
	slv_err err = slv_child_start(&f->arena, f->loop, &spec, &f->child);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_string_equal(
			err.what, "start '/bin/sh': 4097 descriptors, at most 4096 can be passed");
	slv_free(fds);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_end_is_told_with_its_reason),
		T(a_clean_end_is_clean),
		T(a_killed_one_ends_by_signal),
		T(one_that_is_done_with_is_not_heard_of_again),
		T(a_program_that_is_not_there_is_named),
		T(a_file_that_is_no_program_is_named),
		T(it_has_the_descriptors_named_and_no_others),
		T(many_descriptors_keep_their_order),
		T(its_output_goes_nowhere_unless_it_is_kept),
		T(kept_output_is_ours),
		T(its_stderr_may_be_a_pipe),
		T(its_environment_is_the_one_given),
		T(signals_for_the_group_do_not_reach_it),
		T(it_is_a_session_of_its_own),
		T(too_many_descriptors_are_refused),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
