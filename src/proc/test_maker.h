/* test_maker.h - a jail maker that spawns by itself, for the tests of the lanes */
#ifndef SLV_PROC_TEST_MAKER_H
#define SLV_PROC_TEST_MAKER_H

#include "loop/loop.h"
#include "proc/child.h"
#include "proc/lanes.h"

struct test_maker;

struct test_spawned {
	struct slv_list link; /* in maker->due until it is handed over, then in maker->alive */
	struct slv_child child;
	struct test_maker *maker;
	void *arg;
	void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd);
};

struct test_maker {
	struct slv_jail_maker base; /* first */
	struct slv_loop *loop;
	const char *path;          /* of the jail */
	struct slv_task hand_over; /* start it when `hold` ends */
	struct slv_list due, alive;
	bool hold; /* hand nothing over */
	bool fail; /* every request */
	uint32_t asked, ended, ended_by_kill, rare;
};

void test_maker_init(struct test_maker *maker, struct slv_loop *loop, const char *path);

#endif
