/* main.c - the image jail: pixels are touched here and nowhere else
 *
 * Started with a socket as descriptor 3 and nothing else of worth. libvips is initialised
 * and every codec used once, so that all files are read and all threads started; then the
 * process locks itself in and answers one job after the other until the socket closes.
 */
#include "base/arena.h"
#include "base/attr.h"
#include "base/fd.h"
#include "jail/image/decode.h"
#include "jail/image/job.h"
#include "jail/image/warm.h"
#include "proc/message.h"
#include "proc/sandbox.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA_BLOCK SLV_KIB(4)
#define ARENA_MAX SLV_KIB(64)
#define SOURCE_BYTES_MAX SLV_MIB(512) /* the edge has its own, smaller limit */
#define MEMORY_MIB 2048               /* if the command line names none */
#define RESULT_MIB 512                /* too; as PNG, 128 million px of noise */
#define NICENESS 12
#define NICENESS_TEXT "12"
#define KEEP_RSS_KIB (SLV_MIB(40) / 1024) /* above it the heap is trimmed after a job */

struct jail {
	struct slv_arena arena;
	struct slv_sandbox sandbox;
	uint32_t jobs;
};

static bool read_mib(const char *text, uint64_t *ret_bytes)
{
	uint64_t mib;
	if (!slv_str_u64(slv_str_from(text), 1 << 20, &mib))
		return false;
	*ret_bytes = mib << 20;
	return true;
}

/* The heap keeps what an ordinary picture takes, for the next one: giving it back and getting it
 * anew, page by page, is a tenth of a job. What large ones take beyond that goes back. One heap for
 * all threads, or each keeps its own crumbs. */
static void tune_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, (int)SLV_MIB(8));
	mallopt(M_TRIM_THRESHOLD, (int)SLV_MIB(256));
}

static void start_vips(void)
{
	/* A picture is held in memory or refused: temporary files there are none. */
	setenv("VIPS_DISC_THRESHOLD", "64g", 1);
	setenv("VIPS_WARNING", "1", 1);
	/* Profiles are dated, and to find the time zone libc looks at a file again and again. */
	setenv("TZ", "UTC0", 1);
	/* No fonts: which file a text needs is known when it is drawn, and then it is too late. */
	setenv("FONTCONFIG_SYSROOT", "/nonexistent", 1);
	if (VIPS_INIT("selvedge-image") != 0) {
		fprintf(stderr, "selvedge-image: libvips does not start\n");
		exit(1);
	}
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	vips_block_untrusted_set(TRUE);
	slv_decode_allow();
}

/* The pictures of `message` as views; how many are mapped is in `ret_count`. */
static slv_err map_sources(const struct slv_message *message, slv_str *views, uint32_t *ret_count)
{
	uint32_t count = 0;
	slv_err err = SLV_OK;
	while (count < message->fd_count && !slv_failed(err)) {
		uint64_t bytes = 0;
		err = slv_memfd_check(message->fd[count], SOURCE_BYTES_MAX, &bytes);
		if (!slv_failed(err))
			err = slv_memfd_map(message->fd[count], bytes, &views[count]);
		if (!slv_failed(err))
			count++;
	}
	*ret_count = count;
	return err;
}

static slv_err send_result(
		struct jail *jail, uint64_t id, struct slv_pixel_result *result, slv_str bytes)
{
	SLV_CLEANUP(slv_fd_done) int out = -1;
	slv_err err = SLV_OK;
	if (bytes.len > jail->sandbox.memfd_bytes_max)
		err = SLV_ERR(SLV_E_LIMIT, "the result is longer than a jail may answer");
	else if (bytes.len > 0)
		err = slv_memfd_of(bytes, &out);
	if (slv_failed(err)) {
		result->code = err.code;
		result->bytes = 0;
		snprintf(result->what, sizeof(result->what), "%s",
				err.code == SLV_E_LIMIT ? err.what : "no memory for the result");
	}
	result->jobs = ++jail->jobs;
	result->rss_kib = slv_sandbox_rss_kib(&jail->sandbox);
	struct slv_message_head head = { SLV_MESSAGE_PIXEL_RESULT, sizeof(*result), id };
	return slv_message_send(SLV_SANDBOX_CHANNEL, head, result, &out, out >= 0);
}

/* Answer one job. An error means that the other side is gone or does not speak our language. */
static slv_err serve(struct jail *jail, const struct slv_message *message)
{
	const struct slv_pixel_plan *plan = (const struct slv_pixel_plan *)message->body;
	if (message->head.type != SLV_MESSAGE_PIXEL_JOB || message->head.len != sizeof(*plan) ||
			!slv_pixel_plan_ok(plan) || message->fd_count != 1 + plan->draw_count)
		return SLV_ERR(SLV_E_SYNTAX, "not a job");

	slv_str views[SLV_MESSAGE_FDS_MAX] = { 0 };
	uint32_t count;
	struct slv_pixel_result result = { .magic = SLV_PIXEL_MAGIC, .orientation = 1 };
	void *bytes = NULL;
	size_t len = 0;
	slv_err err = map_sources(message, views, &count);
	if (slv_failed(err)) {
		result.code = err.code;
		snprintf(result.what, sizeof(result.what), "%s", err.what);
	} else {
		struct slv_job job = { .plan = plan, .source = views[0] };
		memcpy(job.draws, views + 1, sizeof(job.draws));
		slv_job_run(&jail->arena, &job, &result, &bytes, &len);
	}
	for (uint32_t i = 0; i < count; i++)
		slv_memfd_unmap(views[i]);
	slv_arena_reset(&jail->arena);
	if (slv_sandbox_rss_kib(&jail->sandbox) > KEEP_RSS_KIB)
		malloc_trim(0);
	err = send_result(jail, message->head.id, &result, (slv_str){ bytes, len });
	g_free(bytes);
	return err;
}

/* What is cached goes out before what is being made. A jail is a session of its own, and where the
 * kernel schedules sessions as groups (sched(7), autogroup) the group must be nice as well; but not
 * where a test has started it, whose session is somebody's shell. Where either is refused, cached
 * pictures only wait longer. */
static void be_nice(void)
{
	static const char text[] = NICENESS_TEXT;
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	if (getsid(0) != getpid())
		return;
	int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t len = write(fd, text, sizeof(text) - 1);
	(void)len;
	(void)close(fd);
}

int main(int argc, char **argv)
{
	struct jail jail = { 0 };
	jail.sandbox.memory_bytes_max = SLV_MIB(MEMORY_MIB);
	jail.sandbox.memfd_bytes_max = SLV_MIB(RESULT_MIB);
	if (argc > 3 || (argc > 1 && !read_mib(argv[1], &jail.sandbox.memory_bytes_max)) ||
			(argc > 2 && !read_mib(argv[2], &jail.sandbox.memfd_bytes_max))) {
		fprintf(stderr, "usage: selvedge-image [MEMORY_MIB [RESULT_MIB]] 3<>socket\n");
		return 2;
	}
	slv_arena_init(&jail.arena, ARENA_BLOCK, ARENA_MAX);
	tune_memory();
	be_nice();
	slv_err err = slv_sandbox_isolate(&jail.sandbox, SLV_SANDBOX_CHANNEL);
	if (!slv_failed(err)) {
		start_vips();
		slv_warm_codecs(&jail.arena);
		err = slv_sandbox_lock(&jail.sandbox);
	}
	if (slv_failed(err)) {
		fprintf(stderr, "selvedge-image: %s: %s\n", err.what, strerror(err.sys));
		return 1;
	}
	if (jail.sandbox.lacks[0])
		fprintf(stderr, "selvedge-image: " SLV_SANDBOX_LACKS "%s\n", jail.sandbox.lacks);

	while (!slv_failed(err)) {
		struct slv_message message = { 0 };
		err = slv_message_receive(SLV_SANDBOX_CHANNEL, &message);
		if (!slv_failed(err))
			err = serve(&jail, &message);
		slv_message_done(&message);
	}
	/* No exit handlers: they belong to foreign libraries, and nothing is left to save. */
	_exit(err.code == SLV_E_CLOSED ? 0 : 1);
}
