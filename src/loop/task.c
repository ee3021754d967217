#include "base/assert.h"
#include "loop/loop.h"
#include "loop/private.h"

void slv_task_start(struct slv_loop *loop, struct slv_task *task)
{
	slv_loop_assert(loop);
	slv_assert(task->run);
	if (!slv_list_linked(&task->link))
		slv_list_push(&loop->tasks, &task->link);
}

void slv_task_stop(struct slv_task *task)
{
	slv_list_remove(&task->link);
}

void slv_task_run_waiting(struct slv_loop *loop)
{
	for (unsigned i = 0; i < SLV_LOOP_TASKS_MAX; i++) {
		struct slv_list *link = slv_list_pop(&loop->tasks);
		if (!link)
			return;
		struct slv_task *task = SLV_CONTAINER(link, struct slv_task, link);
		task->run(task);
	}
}
