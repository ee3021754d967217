#include "service/object/commit.h"

static void row_drop(void *arg)
{
	slv_buf_done(arg);
}

static void fail(struct object_commit *commit, slv_object_err err, bool is_gone)
{
	if (commit->has_blob && is_gone)
		object_clean_blob(commit->ask->self, commit->ref.id);
	commit->done(commit, err);
}

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct object_commit *commit = SLV_CONTAINER(batch, struct object_commit, batch);
	if (slv_failed(err)) {
		fail(commit, object_target_err(commit->target, batch, err), !batch->in_doubt);
		return;
	}
	object_clean(commit->ask->self, batch->map, batch->old);
	batch->old->hold.drop(&batch->old->hold);
	commit->done(commit, SLV_OBJECT_OK);
}

void object_commit(struct object_commit *commit)
{
	struct object_ask *ask = commit->ask;
	struct object_meta *meta = commit->meta;
	slv_buf_init(&commit->row, OBJECT_ROW_BYTES_MAX);
	if (!slv_arena_defer(ask->req->arena, row_drop, &commit->row)) {
		fail(commit, object_no_memory(), true);
		return;
	}
	meta->modified_ms = slv_loop_wall_ms(ask->self->loop);
	meta->where = commit->has_blob ? OBJECT_BLOB : OBJECT_INLINE;
	meta->blob = commit->ref.id;
	if (slv_failed(object_meta_write(meta, &commit->row))) {
		fail(commit, SLV_OBJECT_ERR(SLV_OBJECT_E_METADATA_TOO_LARGE, NULL), true);
		return;
	}
	commit->changes[0] = object_target_change(commit->target);
	commit->changes[0].value = slv_buf_str(&commit->row);
	commit->changes[0].body = commit->has_blob ? (slv_str){ 0 } : commit->bytes;
	commit->changes[1] = object_open_check();
	commit->batch = (struct slv_omap_batch){
		.map = ask->map,
		.changes = commit->changes,
		.count = 2,
		.wants_old = true,
		.done = written,
	};
	slv_omap_write(ask->self->loop, &commit->batch);
}

slv_err object_commit_fields(const struct object_commit *commit, struct slv_reply *reply)
{
	struct object_ask *ask = commit->ask;
	char room[OBJECT_ETAG_BYTES_MAX];
	slv_str etag = slv_str_copy(ask->req->arena, object_etag(commit->meta, room));
	slv_err err = slv_fields_add_id(&reply->fields, SLV_FIELD_ETAG, etag);
	if (!slv_failed(err) && commit->meta->has_checksum)
		err = object_reply_checksum(ask, reply, commit->meta);
	return err;
}
