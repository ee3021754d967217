/* test_client.h - who asks the fake edge, for the tests of the parent */
#ifndef SLV_PROC_TEST_CLIENT_H
#define SLV_PROC_TEST_CLIENT_H

#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct test_client {
	int fd;
	struct slv_io *io;
	char answer[4096]; /* terminated */
	size_t len;
	bool is_done;
};

/* A connection to a port of 127.0.0.1; -1 if it is refused. */
int test_client_connect(uint16_t port);

/* Connect, whoever accepts and when, and ask. */
void test_client_ask(
		struct slv_loop *loop, struct test_client *client, uint16_t port, char question);

/* Turn the loop until the other side has closed. */
void test_client_hear(struct slv_loop *loop, struct test_client *client);

/* The answer as a process id; it must be one. */
pid_t test_client_pid(const struct test_client *client);

#endif
