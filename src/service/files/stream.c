/* stream.c - a part of a file, read by jobs, a buffer at a time */
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "service/files/private.h"

#include <errno.h>
#include <unistd.h>

#define PART_BYTES SLV_KIB(64) /* held for a client that takes its time */

struct stream {
	struct slv_source source;
	struct files_budget *budget;
	struct slv_job job;
	struct slv_task end;   /* tells the end, which needs no job */
	struct slv_pull *pull; /* waiting, or NULL */
	int fd;
	uint64_t offset, left;
	bool reading, closed;
	ssize_t len; /* of the last read */
	int sys;
	char *buffer; /* NULL until the first pull */
};

static void stream_free(struct stream *stream)
{
	slv_task_stop(&stream->end);
	slv_fd_done(&stream->fd);
	stream->budget->streams--;
	slv_free(stream->buffer);
	slv_free(stream);
}

static void stream_work(struct slv_job *job)
{
	struct stream *stream = SLV_CONTAINER(job, struct stream, job);
	size_t want = stream->left < PART_BYTES ? stream->left : PART_BYTES;
	stream->len = pread(stream->fd, stream->buffer, want, (off_t)stream->offset);
	stream->sys = errno;
}

static void stream_done(struct slv_job *job)
{
	struct stream *stream = SLV_CONTAINER(job, struct stream, job);
	stream->reading = false;
	if (stream->closed) {
		stream_free(stream);
		return;
	}
	struct slv_pull *pull = stream->pull;
	stream->pull = NULL;
	if (stream->len <= 0) {
		pull->done(pull,
				stream->len < 0 ? SLV_ERR(SLV_E_SYS, "a file could not be read")
						: SLV_ERR(SLV_E_CORRUPT, "a file shrank while it "
									 "was sent"),
				(slv_str){ 0 });
		return;
	}
	stream->offset += (uint64_t)stream->len;
	stream->left -= (uint64_t)stream->len;
	pull->done(pull, SLV_OK, (slv_str){ stream->buffer, (size_t)stream->len });
}

static void stream_end(struct slv_task *task)
{
	struct stream *stream = SLV_CONTAINER(task, struct stream, end);
	struct slv_pull *pull = stream->pull;
	stream->pull = NULL;
	pull->done(pull, SLV_OK, (slv_str){ 0 });
}

static void stream_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct stream *stream = SLV_CONTAINER(source, struct stream, source);
	slv_assert(!stream->pull && !stream->closed);
	stream->pull = pull;
	if (!stream->left) {
		slv_task_start(stream->budget->loop, &stream->end);
		return;
	}
	if (!stream->buffer)
		stream->buffer = slv_alloc(PART_BYTES);
	stream->reading = true;
	slv_job_start(stream->budget->loop, &stream->job);
}

static void stream_close(struct slv_source *source)
{
	struct stream *stream = SLV_CONTAINER(source, struct stream, source);
	stream->closed = true;
	if (!stream->reading)
		stream_free(stream);
}

static const struct slv_source_ops stream_ops = { .pull = stream_pull, .close = stream_close };

slv_err files_source_new(struct files_budget *budget, int *fd, uint64_t offset, uint64_t bytes,
		struct slv_source **ret_source)
{
	if (budget->streams >= budget->streams_max)
		return SLV_ERR(SLV_E_BUSY,
				"as many long files as descriptors allow are being sent");
	budget->streams++;
	struct stream *stream = SLV_ALLOC(struct stream);
	stream->source.ops = &stream_ops;
	stream->budget = budget;
	stream->job.work = stream_work;
	stream->job.done = stream_done;
	stream->end.run = stream_end;
	stream->fd = slv_fd_take(fd);
	stream->offset = offset;
	stream->left = bytes;
	*ret_source = &stream->source;
	return SLV_OK;
}
