/* upload.c - a picture comes in: a form, the bytes themselves, or by a URL
 *
 *	READ → DECODE → (BLOB) → READ … → END → FACTS → FINISH → COMMIT → answered
 *	                                  └→ FETCH → COPY → BLOB → COPY … ┘
 *
 * Its first bytes say what it is; what is no picture is refused before any of it is stored. The
 * rest goes into a blob, a large piece at a time. A jail looks at the whole (facts.h); then the
 * blob is finished, and then the row that names it is written. What fails before that leaves
 * nothing.
 *
 * An upload with a secret is the same, but that its draft says all but the bytes: its row is
 * replaced if it is still what it was when the upload began. So a second one comes too late. Of one
 * loop it is not even begun: many with one link would take the memory that is for all.
 */
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/client.h"
#include "http/multipart.h"
#include "http/query.h"
#include "loop/log.h"
#include "proc/pixel.h"
#include "service/image/hosted/facts.h"
#include "service/image/hosted/fields.h"
#include "service/image/hosted/private.h"
#include "service/image/told.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES SLV_KIB(64)      /* what is gathered before it goes into the blob */
#define COPY_BYTES SLV_KIB(256)      /* of what was fetched */
#define SNIFF_BYTES SLV_KIB(2)       /* enough to know a picture by */
#define FORM_BYTES_MAX SLV_KIB(64)   /* of a form, beside its file */
#define FIELDS_BYTES_MAX SLV_KIB(16) /* of its fields, together */

enum state {
	READ,   /* wait for bytes of the request */
	DECODE, /* look at what came */
	BLOB,   /* wait for the blob to take some */
	END,    /* the request is over */
	FETCH,  /* wait for what is at the URL */
	COPY,   /* take the next of that */
	FACTS,  /* wait for what a jail says of it */
	FINISH, /* wait for the blob to be on the disk */
	COMMIT, /* wait for the rows */
	DONE,
	WAIT, /* as what a step returns: somebody calls back */
};

struct upload {
	struct hosted_call call;
	struct hosted_fields fields;
	bool by_secret; /* with the secret of a draft: nothing counts but the bytes */

	enum state state;
	slv_err err; /* of what was waited for */
	struct slv_body stream;
	struct slv_pull pull;
	slv_str bytes; /* that came and are not looked at yet */
	bool at_end;
	bool is_form;
	struct slv_multipart form;
	enum { NO_PART, FILE_PART, FIELD_PART } part;
	slv_str field; /* its name */
	struct slv_buf value;
	size_t fields_bytes; /* of all values */
	bool had_file;
	slv_str filename;

	struct slv_buf piece; /* what the blob does not have yet */
	uint64_t len;
	enum slv_format format; /* SAME: not known yet */
	struct slv_blob_writer *writer;
	struct slv_blob_ref ref;
	bool has_ref; /* the blob is finished, and no row names it */
	struct hosted_facts facts;

	struct slv_fetch fetch;
	int fd; /* what was fetched; -1: nothing */
	uint64_t fd_at, fd_bytes;

	struct hosted_image image; /* as it is written */
	slv_str id, key;
	uint64_t version; /* of the draft's row */
	slv_str draft_keys[2];
	struct slv_list link; /* with a secret, and under way */
	char own_id[HOSTED_UUID_BYTES];
	char key_rooms[5][HOSTED_KEY_BYTES_MAX];
	char row[HOSTED_IMAGE_BYTES_MAX];
	struct slv_omap_change changes[5];
};

static void upload_run(struct upload *upload);

static slv_err no_memory(void)
{
	return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
}

/* Somebody else may use it from now on, if it is still good. */
static void end_link(struct upload *upload)
{
	hosted_facts_done(&upload->facts);
	slv_list_remove(&upload->link);
}

static void upload_drop(void *arg)
{
	struct upload *upload = arg;
	struct hosted *hosted = upload->call.hosted;
	slv_body_done(&upload->stream);
	hosted_fields_done(&upload->fields);
	slv_buf_done(&upload->value);
	slv_buf_done(&upload->piece);
	slv_blob_writer_free(upload->writer);
	slv_fd_done(&upload->fd);
	end_link(upload);
	if (upload->has_ref)
		slv_blob_discard(hosted->loop, hosted->blobs, &upload->ref.id);
}

/* --- bytes of the picture --- */

static uint64_t image_bytes(const struct upload *upload)
{
	return (uint64_t)upload->call.hosted->settings->image_bytes;
}

static slv_err too_large(struct upload *upload)
{
	return slv_err_printf(upload->call.ask->req->arena, SLV_E_LIMIT,
			"a picture has %llu bytes at most (images_store.image_bytes)",
			(unsigned long long)image_bytes(upload));
}

/* The first of it are in `piece`: what is it? */
static slv_err sniff(struct upload *upload)
{
	struct hosted *hosted = upload->call.hosted;
	upload->format = slv_format_sniff(slv_buf_str(&upload->piece));
	if (upload->format == SLV_FORMAT_SAME)
		return SLV_ERR(SLV_E_MEDIA, "Uploaded image must have image/jpeg, image/png, "
					    "image/webp, image/gif or image/svg+xml content-type: "
					    "its first bytes are those of none");
	return slv_blob_writer_new(hosted->loop, hosted->blobs, &upload->writer);
}

/* `*ret_waits`: there is a piece for the blob. */
static slv_err file_add(struct upload *upload, slv_str bytes, bool *ret_waits)
{
	upload->len += bytes.len;
	if (upload->len > image_bytes(upload))
		return too_large(upload);
	slv_err err = hosted_facts_add(&upload->facts, bytes);
	if (slv_failed(err))
		return err;
	slv_buf_add(&upload->piece, bytes);
	if (!upload->writer && upload->piece.len >= SNIFF_BYTES) {
		err = sniff(upload);
		if (slv_failed(err))
			return err;
	}
	*ret_waits = upload->piece.len >= PIECE_BYTES;
	return SLV_OK;
}

static void blob_written(void *arg, slv_err err)
{
	struct upload *upload = arg;
	slv_buf_clear(&upload->piece);
	upload->err = err;
	upload->state = slv_failed(err) ? DONE : upload->fd >= 0 ? COPY : DECODE;
	upload_run(upload);
}

static enum state blob_some(struct upload *upload)
{
	slv_blob_write(upload->writer, slv_buf_str(&upload->piece), blob_written, upload);
	return WAIT;
}

/* --- what came --- */

static slv_err part_begun(struct upload *upload)
{
	const struct slv_multipart_part *part = &upload->form.part;
	struct slv_arena *arena = upload->call.ask->req->arena;
	upload->part = upload->by_secret ? NO_PART : FIELD_PART;
	if (slv_str_eq(part->name, SLV_STR("file"))) {
		if (upload->had_file)
			return SLV_ERR(SLV_E_SYNTAX, "the part 'file' is there twice");
		upload->part = FILE_PART;
		upload->had_file = true;
		upload->filename = slv_str_copy(arena, part->filename);
		return part->filename.len && !upload->filename.at ? no_memory() : SLV_OK;
	}
	upload->field = slv_str_copy(arena, part->name);
	return part->name.len && !upload->field.at ? no_memory() : SLV_OK;
}

static slv_err part_ended(struct upload *upload)
{
	slv_err err = SLV_OK;
	if (upload->part == FIELD_PART)
		err = hosted_fields_set(
				&upload->fields, upload->field, slv_buf_str(&upload->value));
	slv_buf_clear(&upload->value);
	upload->part = NO_PART;
	return err;
}

static slv_err field_add(struct upload *upload, slv_str bytes)
{
	struct slv_arena *arena = upload->call.ask->req->arena;
	upload->fields_bytes += bytes.len;
	if (upload->fields_bytes > FIELDS_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT,
				"the fields of a form have 16384 bytes at most, together");
	if (upload->part != FIELD_PART)
		return SLV_OK;
	slv_buf_add(&upload->value, bytes);
	return upload->value.overflow
	                       ? slv_err_printf(arena, SLV_E_LIMIT, "%.*s has 4096 bytes at most",
						 SLV_FMT(upload->field))
	                       : SLV_OK;
}

/* The next of a form. */
static slv_err form_step(struct upload *upload, bool *ret_more, bool *ret_waits)
{
	size_t used;
	slv_str data;
	enum slv_multipart_event event;
	slv_err err = slv_multipart_decode(&upload->form, upload->bytes, &used, &event, &data);
	if (slv_failed(err))
		return err;
	upload->bytes = slv_str_from_index(upload->bytes, used);
	*ret_more = event != SLV_MULTIPART_NEED;
	if (event == SLV_MULTIPART_PART)
		return part_begun(upload);
	if (event == SLV_MULTIPART_PART_END)
		return part_ended(upload);
	if (event == SLV_MULTIPART_DATA)
		return upload->part == FILE_PART ? file_add(upload, data, ret_waits)
		                                 : field_add(upload, data);
	return SLV_OK;
}

static slv_err raw_step(struct upload *upload, bool *ret_more, bool *ret_waits)
{
	slv_str bytes = upload->bytes;
	upload->bytes = (slv_str){ 0 };
	*ret_more = false;
	upload->had_file |= bytes.len;
	return bytes.len ? file_add(upload, bytes, ret_waits) : SLV_OK;
}

static enum state decode(struct upload *upload)
{
	bool more = true, waits = false;
	if (slv_failed(upload->err))
		return DONE;
	while (more && !waits) {
		upload->err = upload->is_form ? form_step(upload, &more, &waits)
		                              : raw_step(upload, &more, &waits);
		if (slv_failed(upload->err))
			return DONE;
	}
	return waits ? BLOB : upload->at_end ? END : READ;
}

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct upload *upload = SLV_CONTAINER(pull, struct upload, pull);
	upload->err = err;
	upload->bytes = bytes;
	upload->at_end = !bytes.len;
	upload->state = DECODE;
	upload_run(upload);
}

static enum state read_some(struct upload *upload)
{
	if (upload->stream.source) {
		slv_source_pull(upload->stream.source, &upload->pull);
		return WAIT;
	}
	/* All of it was there at once. */
	upload->at_end = true;
	return DECODE;
}

/* --- what is at a URL --- */

/* What went wrong there, for who named it; what the client says is for the log. */
static slv_err told(struct upload *upload, slv_err err)
{
	struct slv_arena *arena = upload->call.ask->req->arena;
	const char *text = slv_image_told(err.code);
	slv_log(slv_loop_log(upload->call.hosted->loop), SLV_INFO, "image.upload_url",
			SLV_KV("url", upload->fields.url), SLV_KV("why", err.what));
	if (err.code == SLV_E_LIMIT)
		return too_large(upload);
	if (!text)
		return err;
	/* Whatever is wrong there, it is the request that named it. */
	bool of_theirs = err.code == SLV_E_UPSTREAM || err.code == SLV_E_TIMEOUT;
	return slv_err_printf(arena, of_theirs ? SLV_E_SOURCE : err.code, "url: %s", text);
}

static void fetched(struct slv_fetch *fetch, slv_err err, struct slv_fetched *got)
{
	struct upload *upload = SLV_CONTAINER(fetch, struct upload, fetch);
	struct slv_arena *arena = upload->call.ask->req->arena;
	if (slv_failed(err))
		err = told(upload, err);
	if (!slv_failed(err) && got->body_fd >= 0) {
		upload->fd = got->body_fd;
		upload->fd_bytes = got->body_bytes;
	}
	if (!slv_failed(err) && got->status >= 300)
		err = slv_err_printf(
				arena, SLV_E_SOURCE, "url: its server answered %d", got->status);
	upload->err = err;
	upload->state = slv_failed(err) ? DONE : COPY;
	upload_run(upload);
}

/* Nobody has chosen it as a name: one that is too long is none. */
static slv_str name_in_url(slv_str url)
{
	struct slv_uri uri;
	if (slv_failed(slv_uri_parse(url, &uri)))
		return (slv_str){ 0 };
	slv_str name = slv_str_from_index(uri.path, slv_str_find_last(uri.path, '/') + 1);
	return name.len > HOSTED_FILENAME_BYTES_MAX ? (slv_str){ 0 } : name;
}

static enum state fetch_it(struct upload *upload)
{
	struct hosted *hosted = upload->call.hosted;
	upload->filename = name_in_url(upload->fields.url);
	upload->fetch = (struct slv_fetch){
		.url = upload->fields.url,
		.body_bytes_max = (uint64_t)hosted->settings->image_bytes,
		.arena = upload->call.ask->req->arena,
		.done = fetched,
	};
	slv_fetch_start(hosted->client, &upload->fetch);
	return WAIT;
}

/* It is in memory: to read it does not wait. */
static enum state copy_some(struct upload *upload)
{
	bool waits = false;
	uint64_t left = upload->fd_bytes - upload->fd_at;
	if (!left)
		return upload->piece.len && upload->writer ? BLOB : FACTS;
	size_t len = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
	char *room = slv_alloc(len);
	ssize_t got = pread(upload->fd, room, len, (off_t)upload->fd_at);
	if (got <= 0)
		upload->err = (slv_err){ SLV_E_SYS, errno, "read what was fetched" };
	else
		upload->err = file_add(upload, (slv_str){ room, (size_t)got }, &waits);
	slv_free(room);
	if (slv_failed(upload->err))
		return DONE;
	upload->fd_at += (uint64_t)got;
	return waits ? BLOB : COPY;
}

/* --- the end --- */

static enum state fields_end(struct upload *upload)
{
	bool has_url = upload->fields.url.len;
	if (!upload->by_secret)
		upload->err = hosted_fields_check(&upload->fields);
	if (!slv_failed(upload->err) && has_url && upload->had_file)
		upload->err = SLV_ERR(SLV_E_SYNTAX, "file and url exclude each other");
	if (!slv_failed(upload->err) && !has_url && !upload->had_file)
		upload->err = SLV_ERR(SLV_E_SYNTAX, "there is neither file nor url");
	if (slv_failed(upload->err))
		return DONE;
	slv_body_done(&upload->stream); /* all of it has come, and an answer may now */
	return has_url ? FETCH : FACTS;
}

static enum state end(struct upload *upload)
{
	if (upload->is_form)
		upload->err = slv_multipart_finish(&upload->form);
	if (slv_failed(upload->err))
		return DONE;
	return upload->had_file && upload->piece.len && upload->writer ? BLOB : fields_end(upload);
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct upload *upload = arg;
	upload->err = err;
	if (!slv_failed(err)) {
		upload->ref = *ref;
		upload->has_ref = true;
	}
	upload->state = slv_failed(err) ? DONE : COMMIT;
	upload_run(upload);
}

static void facts_come(struct hosted_facts *facts, slv_err err)
{
	struct upload *upload = SLV_CONTAINER(facts, struct upload, facts);
	upload->err = err;
	upload->image.width = facts->width;
	upload->image.height = facts->height;
	hosted_facts_done(facts);
	slv_fd_done(&upload->fd);
	upload->state = slv_failed(err) ? DONE : FINISH;
	upload_run(upload);
}

static enum state ask_facts(struct upload *upload)
{
	if (!upload->writer) { /* it is small: all of it is in `piece` */
		upload->err = sniff(upload);
		return slv_failed(upload->err) ? DONE : BLOB;
	}
	if (upload->piece.len)
		return BLOB;
	upload->facts.done = facts_come;
	upload->err = hosted_facts_ask(&upload->facts, upload->format);
	return slv_failed(upload->err) ? DONE : WAIT;
}

static enum state finish(struct upload *upload)
{
	slv_blob_finish(upload->writer, blob_finished, upload);
	return WAIT;
}

/* --- the rows --- */

static void committed(struct hosted_call *call, slv_err err)
{
	struct upload *upload = SLV_CONTAINER(call, struct upload, call);
	upload->has_ref = slv_failed(err) && !call->batch.in_doubt;
	call->hosted->count += !slv_failed(err);
	if (!slv_failed(err) && upload->by_secret)
		hosted_draft_ends(call->hosted);
	upload->err = err;
	upload->state = DONE;
	upload_run(upload);
}

static slv_err name_it(struct upload *upload)
{
	uint8_t random[16];
	slv_str name = upload->filename, slash = name;
	while (slash.at) /* a label, and no path */
		name = slv_str_cut(&slash, '/');
	if (name.len > HOSTED_FILENAME_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "filename has 255 bytes at most");
	json_t *text = slv_api_text(name);
	upload->image.filename = text ? name : (slv_str){ 0 };
	json_decref(text);
	if (upload->by_secret)
		return SLV_OK;
	upload->id = upload->fields.id;
	if (!upload->id.len) {
		slv_loop_random(upload->call.hosted->loop, random, sizeof(random));
		hosted_uuid_print(random, upload->own_id);
		upload->id = (slv_str){ upload->own_id, sizeof(upload->own_id) };
	}
	upload->image.is_signed = upload->fields.is_signed;
	upload->image.creator = upload->fields.creator;
	upload->image.metadata = slv_buf_str(&upload->fields.metadata_text);
	return SLV_OK;
}

static enum state commit(struct upload *upload)
{
	struct slv_omap_change *changes = upload->changes;
	upload->err = hosted_check_images(&upload->call);
	if (!slv_failed(upload->err))
		upload->err = name_it(upload);
	if (slv_failed(upload->err))
		return DONE;
	upload->image.is_draft = false;
	upload->image.uploaded_ms = slv_loop_wall_ms(upload->call.hosted->loop);
	upload->image.blob = upload->ref;
	upload->image.format = (uint8_t)upload->format;
	changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = upload->by_secret ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT,
		.version = upload->version,
		.key = hosted_row_key('i', upload->id, upload->key_rooms[0]),
		.value = { upload->row, hosted_image_write(&upload->image, upload->row) } };
	for (size_t i = 1; i < 3; i++)
		changes[i] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
			.key = hosted_time_key(i == 1 ? 'n' : 'o', upload->image.uploaded_ms,
					upload->id, upload->key_rooms[i]) };
	for (size_t i = 3; i < 5; i++)
		changes[i] = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE,
			.key = upload->draft_keys[i - 3] };
	hosted_write(&upload->call, changes, upload->by_secret ? 5 : 3, committed);
	return WAIT;
}

static void answer(struct upload *upload)
{
	struct hosted_call *call = &upload->call;
	slv_body_done(&upload->stream);
	end_link(upload); /* the answer may take its time */
	if (upload->err.code == SLV_E_PRECONDITION && upload->by_secret)
		hosted_refuse(call, 403, HOSTED_E_DENIED, "this link has been used already");
	else if (upload->err.code == SLV_E_PRECONDITION)
		hosted_refuse(call, 409, HOSTED_E_TAKEN, "Resource already exists");
	else if (slv_failed(upload->err))
		hosted_fail(call, upload->err);
	else
		hosted_reply_image(call, hosted_shown(upload->id, &upload->image));
}

static void upload_run(struct upload *upload)
{
	static enum state (*const steps[])(struct upload *) = {
		[READ] = read_some,
		[DECODE] = decode,
		[BLOB] = blob_some,
		[END] = end,
		[FETCH] = fetch_it,
		[COPY] = copy_some,
		[FACTS] = ask_facts,
		[FINISH] = finish,
		[COMMIT] = commit,
	};
	static const unsigned may[] = {
		[READ] = SLV_BIT(DECODE),
		[DECODE] = SLV_BIT(READ) | SLV_BIT(BLOB) | SLV_BIT(END) | SLV_BIT(DONE),
		[BLOB] = 0,
		[END] = SLV_BIT(BLOB) | SLV_BIT(FETCH) | SLV_BIT(FACTS) | SLV_BIT(DONE),
		[FETCH] = 0,
		[COPY] = SLV_BIT(COPY) | SLV_BIT(BLOB) | SLV_BIT(FACTS) | SLV_BIT(DONE),
		[FACTS] = SLV_BIT(BLOB) | SLV_BIT(DONE),
		[FINISH] = 0,
		[COMMIT] = SLV_BIT(DONE),
	};
	while (upload->state != DONE) {
		enum state next = steps[upload->state](upload);
		if (next == WAIT)
			return;
		slv_assert(may[upload->state] & SLV_BIT(next));
		upload->state = next;
	}
	answer(upload);
}

/* --- the beginning --- */

/* What stands beside bytes that are no form. */
static slv_err read_query(struct upload *upload, struct slv_req *req)
{
	slv_str rest = req->uri.query, raw_name, raw_value, name, value;
	while (slv_query_next(&rest, &raw_name, &raw_value)) {
		slv_err err = slv_query_decode(req->arena, raw_name, SLV_QUERY_SPACE, &name);
		if (!slv_failed(err))
			err = slv_query_decode(req->arena, raw_value, SLV_QUERY_SPACE, &value);
		if (!slv_failed(err) && slv_str_eq(name, SLV_STR("url")))
			err = SLV_ERR(SLV_E_SYNTAX, "url is a field of a form");
		if (!slv_failed(err) && slv_str_eq(name, SLV_STR("filename")))
			upload->filename = value;
		else if (!slv_failed(err))
			err = hosted_fields_set(&upload->fields, name, value);
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

static slv_err read_type(struct upload *upload, struct slv_req *req)
{
	slv_str type = slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE), rest = type;
	slv_str kind = slv_str_trim(slv_str_cut(&rest, ';'));
	upload->is_form = slv_str_eq_nocase(kind, SLV_STR("multipart/form-data"));
	if (upload->is_form)
		return slv_multipart_init(&upload->form, req->arena, type, &SLV_MULTIPART_LIMITS);
	if (!slv_str_eq_nocase(slv_str_head(kind, 6), SLV_STR("image/")))
		return SLV_ERR(SLV_E_MEDIA, "send a form (multipart/form-data), or the bytes of "
					    "a picture as image/…");
	return upload->by_secret ? SLV_OK : read_query(upload, req);
}

/* False: it was refused, for another upload with this link is under way. */
static bool begin_link(struct upload *upload)
{
	struct slv_list *uploads = &upload->call.hosted->by_links;
	SLV_LIST_EACH(link, uploads)
	{
		const struct upload *other = SLV_CONTAINER(link, struct upload, link);
		if (!slv_str_eq(other->draft_keys[0], upload->draft_keys[0]))
			continue;
		hosted_refuse(&upload->call, 409, HOSTED_E_TAKEN,
				"another upload with this link is under way");
		return false;
	}
	slv_list_push(uploads, &upload->link);
	return true;
}

static slv_err begin(struct hosted_call *call)
{
	struct upload *upload = SLV_CONTAINER(call, struct upload, call);
	struct slv_req *req = call->ask->req;
	slv_err err = read_type(upload, req);
	if (slv_failed(err))
		return err;
	if (req->body.length != SLV_LENGTH_UNKNOWN &&
			req->body.length > image_bytes(upload) + FORM_BYTES_MAX)
		return too_large(upload);
	if (upload->by_secret && !begin_link(upload))
		return SLV_OK;
	upload->stream = req->body;
	req->body = (struct slv_body){ 0 };
	upload->bytes = upload->stream.source ? (slv_str){ 0 } : upload->stream.bytes;
	upload->state = READ;
	upload_run(upload);
	return SLV_OK;
}

static slv_err serve(
		struct slv_api_ask *ask, bool by_secret, slv_err (*then)(struct hosted_call *call))
{
	struct hosted *hosted = ask->self;
	struct slv_req *req = ask->req;
	struct upload *upload = SLV_NEW(req->arena, struct upload);
	if (!upload)
		return no_memory();
	upload->fd = -1;
	upload->by_secret = by_secret;
	upload->call.hosted = hosted;
	upload->pull.done = came;
	hosted_fields_init(&upload->fields, req->arena);
	hosted_facts_init(&upload->facts, hosted, req->arena);
	slv_buf_init(&upload->value, HOSTED_FIELD_BYTES_MAX);
	slv_buf_init(&upload->piece, (size_t)hosted->settings->image_bytes);
	if (!slv_arena_defer(req->arena, upload_drop, upload)) {
		hosted_fields_done(&upload->fields);
		return no_memory();
	}
	return hosted_begin(&upload->call, ask, then);
}

slv_err hosted_serve_upload(struct slv_api_ask *ask)
{
	return serve(ask, false, begin);
}

/* --- with the secret of a draft --- */

static void refuse_secret(struct hosted_call *call)
{
	hosted_refuse(call, 403, HOSTED_E_DENIED,
			"this link is none, or it is used up, or its time is over");
}

static slv_err draft_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct upload *upload = SLV_CONTAINER(call, struct upload, call);
	struct hosted_image *image = &upload->image;
	slv_err err = rows->at[0].version ? hosted_image_read(rows->at[0].value, image) : SLV_OK;
	if (slv_failed(err))
		return err;
	if (!rows->at[0].version || !image->is_draft ||
			image->expires_ms <= slv_loop_wall_ms(call->hosted->loop) ||
			memcmp(image->upload, upload->draft_keys[0].at + 1, HOSTED_SECRET_BYTES) !=
					0) {
		refuse_secret(call);
		return SLV_OK;
	}
	upload->version = rows->at[0].version;
	upload->draft_keys[1] =
			hosted_time_key('x', image->expires_ms, upload->key, upload->key_rooms[4]);
	struct slv_arena *arena = call->ask->req->arena;
	image->creator = slv_str_copy(arena, image->creator);
	image->metadata = slv_str_copy(arena, image->metadata);
	return begin(call);
}

static slv_err secret_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct upload *upload = SLV_CONTAINER(call, struct upload, call);
	if (!rows->at[0].version) {
		refuse_secret(call);
		return SLV_OK;
	}
	upload->id = slv_str_copy(call->ask->req->arena, rows->at[0].value);
	if (slv_failed(hosted_id_check(upload->id)))
		return SLV_ERR(SLV_E_CORRUPT, "the row of a link for one upload is damaged");
	upload->key = hosted_row_key('i', upload->id, upload->key_rooms[0]);
	hosted_get(call, &upload->key, 1, draft_read);
	return SLV_OK;
}

static slv_err find_draft(struct hosted_call *call)
{
	struct upload *upload = SLV_CONTAINER(call, struct upload, call);
	uint8_t digest[HOSTED_SECRET_BYTES];
	hosted_secret_digest(call->params[0], digest);
	upload->draft_keys[0] = hosted_secret_key('u', digest, upload->key_rooms[3]);
	hosted_get(call, &upload->draft_keys[0], 1, secret_read);
	return SLV_OK;
}

slv_err hosted_serve_upload_once(struct slv_api_ask *ask)
{
	hosted_for_pages(ask->req);
	return serve(ask, true, find_draft);
}
