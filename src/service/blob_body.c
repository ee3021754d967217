#include "service/blob_body.h"

#include "base/assert.h"
#include "base/mem.h"

#define READ_BYTES SLV_KIB(256)

struct slv_blob_body {
	struct slv_source source;
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	struct slv_pull *pull;
	struct slv_task task;
	slv_err err;   /* that the task tells, or */
	slv_str first; /* the piece that was read before anybody pulled */
	void (*opened)(void *arg, slv_err err);
	void *opened_arg;

	uint64_t left; /* bytes still to come */
	struct slv_blob_reader *reader;
	uint64_t at, len;             /* in the blob that is read now; its length */
	struct slv_blob_chain *chain; /* NULL: there is one blob only */
};

/* To who pulls, or waits for the first piece. */
static void give(struct slv_blob_body *body, slv_err err, slv_str bytes)
{
	void (*opened)(void *arg, slv_err err) = body->opened;
	body->opened = NULL;
	if (!opened) {
		body->pull->done(body->pull, err, bytes);
		return;
	}
	body->first = bytes;
	opened(body->opened_arg, err);
}

static void told(struct slv_task *task)
{
	struct slv_blob_body *body = SLV_CONTAINER(task, struct slv_blob_body, task);
	slv_str bytes = body->first;
	body->first = (slv_str){ 0 };
	give(body, body->err, bytes);
}

/* The end, or an error: told later, for a pull is not answered before it returns. */
static void tell(struct slv_blob_body *body, slv_err err)
{
	body->err = err;
	slv_task_start(body->loop, &body->task);
}

static void blob_read(void *arg, slv_err err, slv_str bytes)
{
	struct slv_blob_body *body = arg;
	if (err.code == SLV_E_CANCELLED)
		return; /* closed: it is gone */
	body->at += bytes.len;
	body->left -= bytes.len;
	struct slv_body_file *file = &body->source.file;
	file->fd = slv_blob_read_fd(body->reader, &file->offset);
	file->known = file->fd >= 0;
	give(body, err, bytes);
}

static slv_err open_blob(struct slv_blob_body *body, const struct slv_blob_ref *ref)
{
	slv_blob_reader_free(body->reader);
	body->reader = NULL;
	body->len = ref->len;
	return slv_blob_reader_new(body->loop, body->blobs, ref, &body->reader);
}

static void next_blob(struct slv_blob_body *body)
{
	slv_err err = SLV_ERR(SLV_E_CORRUPT, "a blob is shorter than its row says");
	if (body->reader)
		body->at = 0; /* of the next one */
	if (body->chain)
		err = body->chain->next(body->chain);
	if (slv_failed(err))
		tell(body, err);
}

static void go_on(struct slv_blob_body *body)
{
	if (!body->left) {
		tell(body, SLV_OK);
		return;
	}
	if (!body->reader || body->at >= body->len) {
		next_blob(body);
		return;
	}
	uint64_t here = body->len - body->at;
	uint64_t count = body->left < here ? body->left : here;
	slv_blob_read(body->reader, body->at, count < READ_BYTES ? (size_t)count : READ_BYTES,
			blob_read, body);
}

void slv_blob_body_next(struct slv_blob_body *body, slv_err err, const struct slv_blob_ref *ref)
{
	if (!slv_failed(err))
		err = open_blob(body, ref);
	if (slv_failed(err))
		give(body, err, (slv_str){ 0 });
	else
		go_on(body);
}

static void body_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct slv_blob_body *body = SLV_CONTAINER(source, struct slv_blob_body, source);
	body->pull = pull;
	if (body->first.len)
		tell(body, SLV_OK);
	else
		go_on(body);
}

static void body_close(struct slv_source *source)
{
	struct slv_blob_body *body = SLV_CONTAINER(source, struct slv_blob_body, source);
	slv_task_stop(&body->task);
	slv_blob_reader_free(body->reader);
	if (body->chain)
		body->chain->drop(body->chain);
	slv_free(body);
}

static const struct slv_source_ops body_ops = { .pull = body_pull, .close = body_close };

static struct slv_blob_body *body_new(
		struct slv_loop *loop, struct slv_blobs *blobs, uint64_t first, uint64_t count)
{
	slv_assert(count > 0);
	struct slv_blob_body *body = SLV_ALLOC(struct slv_blob_body);
	body->source.ops = &body_ops;
	body->loop = loop;
	body->blobs = blobs;
	body->task.run = told;
	body->at = first;
	body->left = count;
	return body;
}

slv_err slv_blob_body_new(struct slv_loop *loop, struct slv_blobs *blobs,
		const struct slv_blob_ref *ref, uint64_t first, uint64_t count,
		struct slv_body *ret_body)
{
	struct slv_blob_body *body = body_new(loop, blobs, first, count);
	slv_err err = open_blob(body, ref);
	if (slv_failed(err)) {
		slv_free(body);
		return err;
	}
	*ret_body = (struct slv_body){ .length = count, .source = &body->source };
	return SLV_OK;
}

void slv_blob_body_new_of(struct slv_loop *loop, struct slv_blobs *blobs,
		struct slv_blob_chain *chain, uint64_t first, uint64_t count,
		struct slv_body *ret_body)
{
	struct slv_blob_body *body = body_new(loop, blobs, first, count);
	body->chain = chain;
	chain->body = body;
	*ret_body = (struct slv_body){ .length = count, .source = &body->source };
}

void slv_blob_body_open(struct slv_body *body, void (*opened)(void *arg, slv_err err), void *arg)
{
	slv_assert(body->source && body->source->ops == &body_ops);
	struct slv_blob_body *own = SLV_CONTAINER(body->source, struct slv_blob_body, source);
	own->opened = opened;
	own->opened_arg = arg;
	go_on(own);
}
