/* pour.c - from a body into memory or a blob
 *
 *	pull → came → (blob_written →) pull … → end (→ blob_finished) → told
 */
#include "service/object/pour.h"

static void pour_drop(void *arg)
{
	struct object_pour *pour = arg;
	slv_body_done(&pour->body);
	slv_blob_writer_free(pour->writer);
	slv_buf_done(&pour->bytes);
}

static void tell(struct object_pour *pour, slv_object_err err)
{
	slv_body_done(&pour->body);
	pour->done(pour, err);
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct object_pour *pour = arg;
	if (!slv_failed(err)) {
		pour->has_blob = true;
		pour->ref = *ref;
	}
	tell(pour, object_err(err));
}

static void end(struct object_pour *pour)
{
	if (pour->wants_md5)
		slv_digest_finish(&pour->md5_stream, pour->md5);
	if (pour->wants_checksum)
		slv_object_checksum_finish(&pour->checksum_stream, &pour->checksum);
	if (pour->writer)
		slv_blob_finish(pour->writer, blob_finished, pour);
	else
		tell(pour, SLV_OBJECT_OK);
}

static void go_on(struct object_pour *pour)
{
	if (pour->left && pour->body.source)
		slv_source_pull(pour->body.source, &pour->pull);
	else
		end(pour);
}

static void blob_written(void *arg, slv_err err)
{
	struct object_pour *pour = arg;
	if (slv_failed(err))
		tell(pour, object_err(err));
	else
		go_on(pour);
}

/* `bytes` live until the next pull, or as long as the body. */
static void take(struct object_pour *pour, slv_str bytes)
{
	pour->left -= bytes.len;
	if (pour->wants_md5)
		slv_digest_add(&pour->md5_stream, bytes);
	if (pour->wants_checksum)
		slv_object_checksum_add(&pour->checksum_stream, bytes);
	if (pour->writer && bytes.len) {
		slv_blob_write(pour->writer, bytes, blob_written, pour);
		return;
	}
	slv_buf_add(&pour->bytes, bytes);
	go_on(pour);
}

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct object_pour *pour = SLV_CONTAINER(pull, struct object_pour, pull);
	if (!slv_failed(err) && (!bytes.len || bytes.len > pour->left))
		err = SLV_ERR(SLV_E_CORRUPT, "an object is not as long as its row says");
	if (slv_failed(err))
		tell(pour, object_err(err));
	else
		take(pour, bytes);
}

void object_pour_start(struct object_pour *pour)
{
	struct object *self = pour->ask->self;
	pour->left = pour->body.length;
	pour->pull.done = came;
	slv_digest_init(&pour->md5_stream, SLV_DIGEST_MD5);
	slv_object_checksum_init(&pour->checksum_stream, pour->kind);
	slv_buf_init(&pour->bytes, OBJECT_INLINE_BYTES_MAX);
	if (!slv_arena_defer(pour->ask->req->arena, pour_drop, pour)) {
		tell(pour, object_no_memory());
		return;
	}
	slv_err err = SLV_OK;
	if (pour->to_blob || pour->left > OBJECT_INLINE_BYTES_MAX)
		err = slv_blob_writer_new(self->loop, self->blobs, &pour->writer);
	if (slv_failed(err))
		tell(pour, object_err(err));
	else if (pour->body.source)
		go_on(pour);
	else
		take(pour, pour->body.bytes);
}
