#include "proc/signals.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct slv_signals {
	int fd;
	struct slv_io *io;
	void (*got)(void *arg, int number);
	void *arg;
};

static sigset_t signal_set(const int *signals, size_t count)
{
	sigset_t set;
	slv_assert(sigemptyset(&set) == 0);
	for (size_t i = 0; i < count; i++)
		slv_assert(sigaddset(&set, signals[i]) == 0);
	return set;
}

void slv_signals_block(const int *signals, size_t count)
{
	sigset_t set = signal_set(signals, count);
	slv_assert(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

static void signals_ready(void *arg, int events)
{
	(void)events; /* only reading was asked for */
	struct slv_signals *signals = arg;
	struct signalfd_siginfo info;
	/* One at a time: `got` may free us, and the watch is level-triggered. */
	if (read(signals->fd, &info, sizeof(info)) == sizeof(info))
		signals->got(signals->arg, (int)info.ssi_signo);
}

slv_err slv_signals_new(struct slv_loop *loop, const int *signals, size_t count,
		void (*got)(void *arg, int number), void *arg, struct slv_signals **ret_signals)
{
	sigset_t set = signal_set(signals, count);
	SLV_CLEANUP(slv_fd_done) int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return (slv_err){ .code = SLV_E_SYS, .sys = errno, .what = "signalfd failed" };
	struct slv_signals *self = SLV_ALLOC(struct slv_signals);
	*self = (struct slv_signals){ .fd = fd, .got = got, .arg = arg };
	slv_err err = slv_io_new(loop, fd, signals_ready, self, &self->io);
	if (slv_failed(err)) {
		slv_free(self);
		return err;
	}
	slv_io_want(self->io, SLV_IO_READ);
	(void)slv_fd_take(&fd); /* it is `self`'s now */
	*ret_signals = self;
	return SLV_OK;
}

void slv_signals_free(struct slv_signals *signals)
{
	if (!signals)
		return;
	slv_io_free(signals->io);
	slv_fd_done(&signals->fd);
	slv_free(signals);
}
