/* The image jail of the tests: does well, badly or nothing at all, as the plan asks. */
#include "proc/test_jail.h"
#include "base/assert.h"
#include "base/fd.h"
#include "proc/message.h"
#include "proc/pixel.h"

#include <string.h>
#include <unistd.h>

#define JAIL_FD 3

/* The descriptor that goes with the answer. */
static int output_fd(enum test_jail_verb verb, const struct slv_pixel_plan *plan, uint64_t *bytes)
{
	int fd, pipe_fds[2];
	*bytes = sizeof(TEST_JAIL_BYTES) - 1;
	if (verb == TEST_JAIL_LIES_PIPE) {
		slv_assert(pipe(pipe_fds) == 0);
		slv_fd_done(&pipe_fds[1]);
		return pipe_fds[0];
	}
	slv_assert(!slv_failed(slv_memfd_new(&fd)));
	slv_assert(write(fd, TEST_JAIL_BYTES, *bytes) == (ssize_t)*bytes);
	if (verb == TEST_JAIL_LIES_HUGE) {
		*bytes = plan->limits.output_pixels_max * 8 + SLV_MIB(1) + 1;
		slv_assert(ftruncate(fd, (off_t)*bytes) == 0);
	}
	if (verb != TEST_JAIL_LIES_UNSEALED)
		slv_assert(!slv_failed(slv_memfd_seal(fd)));
	return fd;
}

static void answer(const struct slv_message *question, uint32_t jobs)
{
	const struct slv_pixel_plan *plan = (const struct slv_pixel_plan *)question->body;
	enum test_jail_verb verb = plan->width;
	struct slv_pixel_result result = {
		.magic = verb == TEST_JAIL_LIES_MAGIC ? 1 : SLV_PIXEL_MAGIC,
		.format = SLV_FORMAT_JPEG,
		.width = (uint32_t)getpid(),
		.height = plan->height,
		.rss_kib = TEST_JAIL_RSS_KIB + (verb == TEST_JAIL_EATS ? plan->height : 0),
		.jobs = jobs,
	};
	bool fails = verb == TEST_JAIL_REFUSES || verb == TEST_JAIL_LIES_BOTH;
	if (fails) {
		result.code = SLV_E_CORRUPT;
		memcpy(result.what, "torn", sizeof("torn"));
	}
	if (verb == TEST_JAIL_LIES_TEXT)
		memset(result.what, 'x', sizeof(result.what));
	int fds[2] = { -1, -1 };
	uint32_t fd_count = 0;
	bool unasked = plan->info_only && verb != TEST_JAIL_LIES_UNASKED;
	if (!unasked && verb != TEST_JAIL_REFUSES && verb != TEST_JAIL_LIES_NONE)
		fds[fd_count++] = output_fd(verb, plan, &result.bytes);
	if (verb == TEST_JAIL_LIES_TWO)
		fds[fd_count++] = dup(fds[0]);
	result.bytes += verb == TEST_JAIL_LIES_BYTES;
	struct slv_message_head head = {
		.type = verb == TEST_JAIL_LIES_TYPE ? SLV_MESSAGE_PIXEL_JOB
		                                    : SLV_MESSAGE_PIXEL_RESULT,
		.len = sizeof(result) - (verb == TEST_JAIL_LIES_LEN ? 1 : 0),
		.id = question->head.id + (verb == TEST_JAIL_LIES_ID ? 1 : 0),
	};
	/* Failing means that nobody listens any more; the next receive tells. */
	for (int i = 0; i < (verb == TEST_JAIL_CHATTERS ? 2 : 1); i++)
		(void)slv_failed(slv_message_send(JAIL_FD, head, &result, fds, fd_count));
	slv_fd_done(&fds[0]);
	slv_fd_done(&fds[1]);
}

int main(void)
{
	struct slv_message message;
	for (uint32_t jobs = 1; !slv_failed(slv_message_receive(JAIL_FD, &message)); jobs++) {
		const struct slv_pixel_plan *plan = (const struct slv_pixel_plan *)message.body;
		char byte;
		slv_assert(message.head.len == sizeof(*plan) && slv_pixel_plan_ok(plan) &&
				message.fd_count == 1 + plan->draw_count);
		if (plan->width == TEST_JAIL_HANGS)
			for (;;)
				(void)pause(); /* no signal is expected to end it */
		if (plan->width == TEST_JAIL_DIES)
			_exit(3);
		if (plan->width == TEST_JAIL_GATED)
			slv_assert(read(message.fd[1], &byte, 1) >= 0);
		answer(&message, jobs);
		slv_message_done(&message);
	}
	return 0;
}
