#include "base/assert.h"
#include "base/mem.h"
#include "loop/loop.h"

#include <uv.h>

struct slv_thread {
	uv_thread_t uv;
};

slv_err slv_thread_start(void (*run)(void *arg), void *arg, struct slv_thread **ret_thread)
{
	struct slv_thread *thread = SLV_ALLOC(struct slv_thread);
	int err = uv_thread_create(&thread->uv, run, arg);
	if (err) {
		slv_free(thread);
		return (slv_err){ .code = SLV_E_SYS, .sys = -err, .what = "start a thread" };
	}
	*ret_thread = thread;
	return SLV_OK;
}

void slv_thread_join(struct slv_thread *thread)
{
	slv_assert(uv_thread_join(&thread->uv) == 0);
	slv_free(thread);
}

uint32_t slv_loop_cores(void)
{
	return uv_available_parallelism();
}
