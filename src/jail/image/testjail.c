#include "jail/image/testjail.h"

#include "base/assert.h"
#include "base/fd.h"
#include "proc/message.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void slv_testjail_start(struct slv_testjail *jail, const char *path)
{
	slv_testjail_start_bounded(jail, path, NULL);
}

void slv_testjail_start_bounded(struct slv_testjail *jail, const char *path, const char *result_mib)
{
	int fd[2];
	slv_assert(!slv_failed(slv_message_pair(fd)));
	pid_t pid = fork();
	slv_assert(pid >= 0);
	if (pid == 0) {
		dup2(fd[1], 3); /* without close-on-exec */
		execl(path, path, result_mib ? "2048" : NULL, result_mib, (char *)NULL);
		perror(path);
		_exit(127);
	}
	slv_fd_done(&fd[1]);
	*jail = (struct slv_testjail){ .socket_fd = fd[0], .pid = pid };
}

int slv_testjail_stop(struct slv_testjail *jail)
{
	int status = 0;
	slv_fd_done(&jail->socket_fd);
	slv_assert(waitpid(jail->pid, &status, 0) == jail->pid);
	return status;
}

struct slv_pixel_plan slv_testjail_plan(void)
{
	struct slv_pixel_plan plan = { .magic = SLV_PIXEL_MAGIC,
		.fallback = SLV_FORMAT_WEBP,
		.animate = true,
		.dpr = 1,
		.point = { 0.5, 0.5 },
		.background = { 255, 255, 255, 255 },
		.brightness = 1,
		.contrast = 1,
		.saturation = 1,
		.gamma = 1,
		.limits = { .source_pixels_max = 100000000,
				.frames_pixels_max = 50000000,
				.frames_max = 256,
				.output_pixels_max = 50000000,
				.output_side_max = SLV_PIXEL_SIDE_MAX,
				.avif_pixels_max = 2000000 } };
	memset(plan.quality, 85, sizeof(plan.quality));
	plan.effort[SLV_FORMAT_WEBP] = 4;
	plan.effort[SLV_FORMAT_PNG] = 6;
	plan.effort[SLV_FORMAT_GIF] = 7;
	return plan;
}

bool slv_testjail_ask(struct slv_testjail *jail, const struct slv_pixel_plan *plan, slv_str source,
		const slv_str *draws, struct slv_testjail_answer *ret_answer)
{
	int fds[SLV_MESSAGE_FDS_MAX];
	slv_assert(!slv_failed(slv_memfd_of(source, &fds[0])));
	for (uint32_t i = 0; i < plan->draw_count; i++)
		slv_assert(!slv_failed(slv_memfd_of(draws[i], &fds[1 + i])));
	struct slv_message_head head = { SLV_MESSAGE_PIXEL_JOB, sizeof(*plan), ++jail->jobs };
	slv_err err = slv_message_send(jail->socket_fd, head, plan, fds, 1 + plan->draw_count);
	for (uint32_t i = 0; i <= plan->draw_count; i++)
		slv_fd_done(&fds[i]);
	struct slv_message message = { 0 };
	if (!slv_failed(err))
		err = slv_message_receive(jail->socket_fd, &message);
	if (slv_failed(err)) {
		slv_assert(err.code == SLV_E_CLOSED);
		return false;
	}
	const struct slv_pixel_result *result = (const struct slv_pixel_result *)message.body;
	slv_assert(message.head.type == SLV_MESSAGE_PIXEL_RESULT && message.head.id == jail->jobs &&
			message.head.len == sizeof(*result) && slv_pixel_result_ok(result));
	*ret_answer = (struct slv_testjail_answer){ .result = *result };
	slv_assert(message.fd_count == (result->bytes > 0));
	if (message.fd_count == 1) {
		uint64_t bytes;
		slv_assert(!slv_failed(slv_memfd_check(message.fd[0], result->bytes, &bytes)));
		slv_assert(bytes == result->bytes);
		slv_assert(!slv_failed(slv_memfd_map(message.fd[0], bytes, &ret_answer->bytes)));
	}
	slv_message_done(&message);
	return true;
}

void slv_testjail_answer_done(struct slv_testjail_answer *answer)
{
	slv_memfd_unmap(answer->bytes);
	answer->bytes = (slv_str){ 0 };
}
