/* config.c - what a bucket is told to do: CORS and lifecycle, read, replaced and removed
 *
 * The documents are kept as they are printed, in the body of the bucket's row, which is written
 * anew only if it is still what was read; else all begins with the row that is there now.
 */
#include "base/mem.h"
#include "service/object/cors.h"
#include "service/object/lifecycle.h"
#include "service/object/private.h"

#define TRIES_MAX 8
#define ARENA_BYTES_MAX SLV_MIB(16) /* of a document while it is read */

struct config {
	struct object_ask *ask;
	enum object_config which;
	int status; /* of the reply if all is well */
	struct object_document document;
	struct slv_buf xml;  /* the new one; empty: none is to be there */
	struct slv_buf body; /* of the row */
	unsigned tries;
	struct slv_omap_recall recall; /* the row, if it was changed meanwhile */
	struct slv_omap_change change;
	struct slv_omap_batch batch;
};

static void config_drop(void *arg)
{
	struct config *config = arg;
	if (config->recall.hold)
		config->recall.hold->drop(config->recall.hold);
	slv_buf_done(&config->xml);
	slv_buf_done(&config->body);
}

static struct config *config_new(struct object_ask *ask, enum object_config which, int status)
{
	struct config *config = SLV_NEW(ask->req->arena, struct config);
	if (!config || !slv_arena_defer(ask->req->arena, config_drop, config))
		return NULL;
	config->ask = ask;
	config->which = which;
	config->status = status;
	slv_buf_init(&config->xml, SLV_OMAP_BODY_BYTES_MAX);
	slv_buf_init(&config->body, SLV_OMAP_BODY_BYTES_MAX);
	return config;
}

/* --- told --- */

static slv_object_err tell(
		struct object_ask *ask, enum object_config which, enum slv_object_code missing)
{
	slv_str document = object_config(ask->recall.row->body, which);
	struct slv_buf xml;
	if (!document.len)
		return SLV_OBJECT_ERR(missing, NULL);
	slv_buf_init(&xml, SLV_OMAP_BODY_BYTES_MAX);
	slv_buf_add(&xml, document);
	object_reply_xml(ask, &xml);
	return SLV_OBJECT_OK;
}

slv_object_err object_get_cors(struct object_ask *ask)
{
	return tell(ask, OBJECT_CORS, SLV_OBJECT_E_NO_SUCH_CORS);
}

slv_object_err object_get_lifecycle(struct object_ask *ask)
{
	return tell(ask, OBJECT_LIFECYCLE, SLV_OBJECT_E_NO_SUCH_LIFECYCLE);
}

/* --- written --- */

static slv_object_err write(struct config *config, const struct slv_omap_row *row);

static void read_again(struct config *config)
{
	const struct slv_omap_row *row = config->recall.row;
	struct slv_object_error_detail name = { "BucketName", config->ask->bucket };
	slv_object_err err = SLV_OBJECT_ERR(SLV_OBJECT_E_NO_SUCH_BUCKET, NULL);
	if (!row->version) {
		object_fail_with(config->ask, err, &name, 1);
		return;
	}
	err = write(config, row);
	if (slv_object_failed(err))
		object_fail(config->ask, err);
}

static void row_read(struct slv_omap_recall *recall, slv_err err)
{
	struct config *config = SLV_CONTAINER(recall, struct config, recall);
	if (slv_failed(err))
		object_fail(config->ask, object_err(err));
	else
		read_again(config);
}

/* Somebody else was faster: what he wrote beside ours must stay. */
static void again(struct config *config)
{
	struct object_ask *ask = config->ask;
	if (++config->tries == TRIES_MAX) {
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_OPERATION_ABORTED, NULL));
		return;
	}
	if (config->recall.hold)
		config->recall.hold->drop(config->recall.hold);
	config->recall = (struct slv_omap_recall){
		.memory = ask->self->memory,
		.map = ask->self->buckets,
		.key = ask->recall.key,
		.done = row_read,
	};
	if (slv_omap_recall(&config->recall))
		read_again(config);
}

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct config *config = SLV_CONTAINER(batch, struct config, batch);
	if (err.code == SLV_E_PRECONDITION)
		again(config);
	else if (slv_failed(err))
		object_fail(config->ask, object_err(err));
	else
		object_reply_empty(config->ask, config->status);
}

static slv_object_err write(struct config *config, const struct slv_omap_row *row)
{
	slv_buf_clear(&config->body);
	for (int i = 0; i < OBJECT_CONFIG_COUNT; i++) {
		enum object_config which = (enum object_config)i;
		slv_buf_add(&config->body, which == config->which
							   ? slv_buf_str(&config->xml)
							   : object_config(row->body, which));
		slv_buf_add_char(&config->body, '\0');
	}
	if (config->body.overflow)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MAX_MESSAGE_LENGTH,
				"What the bucket is told to do has more than 256 KiB.");
	config->change = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_VERSION,
		.version = row->version,
		.key = config->ask->recall.key,
		.value = row->value,
		.body = slv_buf_str(&config->body) };
	config->batch = (struct slv_omap_batch){ .map = config->ask->self->buckets,
		.changes = &config->change,
		.count = 1,
		.done = written };
	slv_omap_write(config->ask->self->loop, &config->batch);
	return SLV_OBJECT_OK;
}

/* --- replaced and removed --- */

static slv_object_err print(struct config *config, slv_str text)
{
	struct slv_object_cors cors;
	struct slv_object_lifecycle lifecycle;
	struct slv_arena arena;
	slv_object_err err;
	slv_arena_init(&arena, SLV_KIB(64), ARENA_BYTES_MAX);
	if (config->which == OBJECT_CORS)
		err = slv_object_document_cors(&arena, text, &cors);
	else
		err = slv_object_document_lifecycle(&arena, text, &lifecycle);
	if (!slv_object_failed(err) && config->which == OBJECT_CORS)
		object_cors_print(&cors, &config->xml);
	else if (!slv_object_failed(err))
		object_lifecycle_print(&lifecycle, &config->xml);
	slv_arena_done(&arena);
	if (!slv_object_failed(err) && config->xml.overflow)
		err = SLV_OBJECT_ERR(SLV_OBJECT_E_MAX_MESSAGE_LENGTH,
				"The document has more than 256 KiB.");
	return err;
}

static void document_came(struct object_document *document, slv_object_err err, slv_str text)
{
	struct config *config = SLV_CONTAINER(document, struct config, document);
	if (!slv_object_failed(err) && !text.len)
		err = SLV_OBJECT_ERR(SLV_OBJECT_E_MISSING_REQUEST_BODY, NULL);
	if (!slv_object_failed(err))
		err = print(config, text);
	if (!slv_object_failed(err))
		err = write(config, config->ask->recall.row);
	if (slv_object_failed(err))
		object_fail(config->ask, err);
}

static slv_object_err replace(struct object_ask *ask, enum object_config which, size_t bytes_max)
{
	struct config *config = config_new(ask, which, 200);
	if (!config)
		return object_no_memory();
	config->document = (struct object_document){
		.ask = ask, .bytes_max = bytes_max, .done = document_came
	};
	return object_document_read(&config->document);
}

slv_object_err object_put_cors(struct object_ask *ask)
{
	return replace(ask, OBJECT_CORS, SLV_OBJECT_CONFIG_BYTES_MAX);
}

slv_object_err object_put_lifecycle(struct object_ask *ask)
{
	return replace(ask, OBJECT_LIFECYCLE, SLV_OBJECT_LIFECYCLE_BYTES_MAX);
}

static slv_object_err take_away(struct object_ask *ask, enum object_config which)
{
	struct config *config = config_new(ask, which, 204);
	return config ? write(config, ask->recall.row) : object_no_memory();
}

slv_object_err object_delete_cors(struct object_ask *ask)
{
	return take_away(ask, OBJECT_CORS);
}

slv_object_err object_delete_lifecycle(struct object_ask *ask)
{
	return take_away(ask, OBJECT_LIFECYCLE);
}
