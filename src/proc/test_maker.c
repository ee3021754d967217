#include "proc/test_maker.h"
#include "base/testing.h"

#include "base/fd.h"
#include "base/mem.h"
#include "proc/message.h"

#include <signal.h>
#include <unistd.h>

static void spawned_exited(struct slv_child *child, const struct slv_child_end *end)
{
	struct test_spawned *spawned = SLV_CONTAINER(child, struct test_spawned, child);
	spawned->maker->ended++;
	spawned->maker->ended_by_kill += end->signal == SIGKILL;
	slv_list_remove(&spawned->link);
	slv_free(spawned);
}

static void maker_make(struct slv_jail_maker *base, enum slv_format needs, void *arg,
		void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd))
{
	struct test_maker *maker = (struct test_maker *)base;
	struct test_spawned *spawned = SLV_ALLOC(struct test_spawned);
	*spawned = (struct test_spawned){ .maker = maker, .arg = arg, .made = made };
	spawned->child.exited = spawned_exited;
	maker->asked++;
	maker->rare += needs == SLV_FORMAT_HEIC;
	slv_list_push(&maker->due, &spawned->link);
	slv_task_start(maker->loop, &maker->hand_over);
}

static void spawn(struct test_maker *maker, struct test_spawned *spawned)
{
	struct slv_arena arena;
	int pair[2];
	const char *const argv[] = { maker->path, NULL };
	assert_false(slv_failed(slv_message_pair(pair)));
	slv_arena_init(&arena, 1024, 4096);
	struct slv_child_spec spec = {
		.path = maker->path,
		.argv = argv,
		.fds = &pair[1],
		.fd_count = 1,
		.keep_output = true,
	};
	slv_err err = slv_child_start(&arena, maker->loop, &spec, &spawned->child);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	slv_fd_done(&pair[1]);
	slv_arena_done(&arena);
	slv_list_push(&maker->alive, &spawned->link);
	spawned->made(spawned->arg, SLV_OK, pair[0], dup(spawned->child.pid_fd));
}

static void maker_hand_over(struct slv_task *task)
{
	struct test_maker *maker = SLV_CONTAINER(task, struct test_maker, hand_over);
	struct slv_list *link;
	while (!maker->hold && (link = slv_list_pop(&maker->due))) {
		struct test_spawned *spawned = SLV_CONTAINER(link, struct test_spawned, link);
		if (!maker->fail) {
			spawn(maker, spawned);
			continue;
		}
		spawned->made(spawned->arg, SLV_ERR(SLV_E_SYS, "no more processes"), -1, -1);
		slv_free(spawned);
	}
}

void test_maker_init(struct test_maker *maker, struct slv_loop *loop, const char *path)
{
	*maker = (struct test_maker){ .loop = loop, .path = path };
	maker->base.make = maker_make;
	maker->hand_over.run = maker_hand_over;
	slv_list_init(&maker->due);
	slv_list_init(&maker->alive);
}
