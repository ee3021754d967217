/* A change of interest costs two system calls in libuv, so less interest in reading is
 * not told to it: most often it comes back before there is anything to read. When an
 * event comes that nobody wants, the watch is cut down to what is wanted. Interest in
 * writing is cut at once, because a socket is nearly always writable.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/private.h"

struct slv_io {
	uv_poll_t uv; /* first: slv_io_on_closed() frees the handle */
	struct slv_loop *loop;
	void (*ready)(void *arg, int events);
	void *arg;
	int want;    /* what the owner wants */
	int watched; /* what libuv watches */
	bool closing;
};

_Static_assert((int)SLV_IO_READ == (int)UV_READABLE, "events are those of uv");
_Static_assert((int)SLV_IO_WRITE == (int)UV_WRITABLE, "events are those of uv");

static void watch_wanted(struct slv_io *io);

static void on_poll(uv_poll_t *uv, int status, int events)
{
	struct slv_io *io = SLV_CONTAINER(uv, struct slv_io, uv);
	struct slv_loop *loop = io->loop;
	slv_loop_enter(loop);
	if (status < 0) {
		io->watched = 0; /* libuv ends a watch that fails */
		events = io->want;
	}
	int unwanted = events & ~io->want;
	if (events & io->want)
		io->ready(io->arg, events & io->want);
	/* A closed `io` lives until the end of the turn. */
	if (!io->closing && ((unwanted & ~io->want) || (io->want & ~io->watched)))
		watch_wanted(io);
	slv_loop_leave(loop);
}

static void watch_wanted(struct slv_io *io)
{
	int err = io->want ? uv_poll_start(&io->uv, io->want, on_poll) : uv_poll_stop(&io->uv);
	slv_assert(err == 0); /* else two watch one descriptor */
	io->watched = io->want;
}

slv_err slv_io_new(struct slv_loop *loop, int fd, void (*ready)(void *arg, int events), void *arg,
		struct slv_io **ret_io)
{
	slv_loop_assert(loop);
	slv_assert(ready);
	struct slv_io *io = SLV_ALLOC(struct slv_io);
	io->loop = loop;
	io->ready = ready;
	io->arg = arg;
	int err = uv_poll_init(&loop->uv, &io->uv, fd);
	if (err) {
		slv_free(io);
		return (slv_err){ .code = SLV_E_SYS, .sys = -err, .what = "watch a descriptor" };
	}
	*ret_io = io;
	return SLV_OK;
}

void slv_io_want(struct slv_io *io, int events)
{
	slv_loop_assert(io->loop);
	slv_assert(!io->closing && !(events & ~(SLV_IO_READ | SLV_IO_WRITE)));
	if (events == io->want)
		return;
	io->want = events;
	bool more = events & ~io->watched;
	bool less = io->watched & ~events & SLV_IO_WRITE;
	if (more || less)
		watch_wanted(io);
}

void slv_io_on_closed(uv_handle_t *handle)
{
	slv_free(SLV_CONTAINER(handle, struct slv_io, uv));
}

void slv_io_free(struct slv_io *io)
{
	if (!io)
		return;
	slv_loop_assert(io->loop);
	slv_assert(!io->closing);
	io->closing = true;
	uv_close((uv_handle_t *)&io->uv, slv_io_on_closed);
}
