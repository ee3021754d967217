#include "base/assert.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/private.h"

struct job_work {
	uv_work_t uv;
	struct slv_loop *loop;
	struct slv_job *job;
};

static void on_work(uv_work_t *uv)
{
	struct slv_job *job = SLV_CONTAINER(uv, struct job_work, uv)->job;
	job->work(job);
}

static void on_done(uv_work_t *uv, int status)
{
	slv_assert(status == 0); /* jobs are never cancelled */
	struct job_work *work = SLV_CONTAINER(uv, struct job_work, uv);
	struct slv_loop *loop = work->loop;
	struct slv_job *job = work->job;
	slv_free(work);
	job->private_uv = NULL;
	slv_loop_came(loop);
	slv_loop_enter(loop);
	job->done(job);
	slv_loop_leave(loop);
}

void slv_job_start(struct slv_loop *loop, struct slv_job *job)
{
	slv_assert(job->work && job->done);
	slv_assert(!job->private_uv); /* it runs already */
	struct job_work *work = SLV_ALLOC(struct job_work);
	work->loop = loop;
	work->job = job;
	job->private_uv = work;
	slv_loop_await(loop);
	slv_assert(uv_queue_work(&loop->uv, &work->uv, on_work, on_done) == 0);
}

void slv_loop_await(struct slv_loop *loop)
{
	slv_loop_assert(loop);
	loop->awaited++;
}

void slv_loop_came(struct slv_loop *loop)
{
	slv_loop_assert(loop);
	slv_assert(loop->awaited > 0);
	loop->awaited--;
}
