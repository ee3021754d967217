#include "service/object/target.h"

#include "http/condition.h"

static slv_object_err check(struct object_target *target)
{
	const struct slv_omap_row *row = target->recall.row;
	struct object_meta meta;
	char room[OBJECT_ETAG_BYTES_MAX];
	struct slv_validator have = { 0 };
	/* As of a GET, so that If-Modified-Since counts, as with R2. */
	struct slv_req asked = { .method = SLV_METHOD_GET, .fields = *target->conditions };
	if (row->version) {
		slv_err err = object_meta_read(NULL, row->value, &meta);
		if (slv_failed(err))
			return object_err(err);
		have.etag = object_etag(&meta, room);
		have.modified_s = meta.modified_ms / 1000;
	}
	/* S3: a condition on what is not there is NoSuchKey, not a failed one. */
	if (!row->version && slv_fields_find(&asked.fields, SLV_FIELD_IF_MATCH, NULL))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_KEY, NULL);
	if (slv_condition_check(&asked, row->version ? &have : NULL,
			    slv_loop_wall_s(target->ask->self->loop)) != SLV_CONDITION_GO)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_PRECONDITION_FAILED, NULL);
	target->looked = true;
	target->version = row->version;
	return SLV_OBJECT_OK;
}

static void found(struct object_target *target)
{
	slv_object_err err = check(target);
	target->recall.hold->drop(target->recall.hold);
	target->done(target, err);
}

static void row_read(struct slv_omap_recall *recall, slv_err err)
{
	struct object_target *target = SLV_CONTAINER(recall, struct object_target, recall);
	if (slv_failed(err))
		target->done(target, object_err(err));
	else
		found(target);
}

static bool has_conditions(const struct slv_fields *fields)
{
	static const enum slv_field_id ids[] = { SLV_FIELD_IF_MATCH, SLV_FIELD_IF_NONE_MATCH,
		SLV_FIELD_IF_MODIFIED_SINCE, SLV_FIELD_IF_UNMODIFIED_SINCE };
	for (size_t i = 0; i < SLV_COUNT(ids); i++)
		if (slv_fields_find(fields, ids[i], NULL))
			return true;
	return false;
}

void object_target_find(struct object_target *target)
{
	struct object_ask *ask = target->ask;
	target->looked = false;
	target->key = object_row_key(ask->key, target->room);
	if (!has_conditions(target->conditions)) {
		target->done(target, SLV_OBJECT_OK);
		return;
	}
	target->recall = (struct slv_omap_recall){
		.memory = ask->self->memory,
		.map = ask->map,
		.key = target->key,
		.done = row_read,
	};
	if (slv_omap_recall(&target->recall))
		found(target);
}

struct slv_omap_change object_target_change(const struct object_target *target)
{
	struct slv_omap_change change = { .what = SLV_OMAP_PUT, .key = target->key };
	if (target->looked)
		change.when = target->version ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT;
	change.version = target->version;
	return change;
}

slv_object_err object_target_err(
		const struct object_target *target, const struct slv_omap_batch *batch, slv_err err)
{
	if (object_is_closed(batch, err))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_BUCKET, NULL);
	if (err.code == SLV_E_PRECONDITION && target->version)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_CONDITIONAL_REQUEST_CONFLICT, NULL);
	return object_err(err);
}
