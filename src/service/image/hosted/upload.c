/* upload.c - a picture comes in: a form, the bytes themselves, or by a URL
 *
 *	READ ◀──▶ TAKEN ──▶ FETCH ──▶ COPY ◀──▶ KEEP
 *	  │         ▲         ▲         │        ▲
 *	  ▼         │         │         ▼        │
 *	 END ───────┴─────────┘       WHOLE ─────┘
 *	  └─────────────────────────────▲ │
 *	                                  ▼
 *	                                FACTS ──▶ FINISH ──▶ COMMIT ──▶ DONE
 *
 * Whichever fails: DONE. Its first bytes say what it is; what is no picture is refused before any
 * of it is stored. The rest goes into a blob, a large piece at a time (service/intake.h). A jail
 * looks at the whole (facts.h); then the blob is finished, and then the row that names it is
 * written. What fails before that leaves nothing.
 *
 * That it cannot be is told as soon as it is known: that the account is full before anything is
 * read; that there is such an id already (TAKEN) before the file, if the id stands in front of it.
 *
 * An upload with a secret is the same, but that its draft says all but the bytes: its row is
 * replaced if it is still what it was when the upload began. So a second one comes too late. Of one
 * loop it is not even begun: many with one link would take the memory that is for all.
 */
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/client.h"
#include "http/query.h"
#include "loop/log.h"
#include "proc/pixel.h"
#include "service/image/hosted/facts.h"
#include "service/image/hosted/fields.h"
#include "service/image/hosted/private.h"
#include "service/image/told.h"
#include "service/intake.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES SLV_KIB(256)      /* of what was fetched */
#define SNIFF_BYTES SLV_KIB(2)       /* enough to know a picture by */
#define FORM_BYTES_MAX SLV_KIB(64)   /* of a form, beside its file */
#define FIELDS_BYTES_MAX SLV_KIB(16) /* of its fields, together */

enum state {
	READ,   /* wait for bytes of the request */
	TAKEN,  /* wait for the row of that id */
	END,    /* the request is over */
	FETCH,  /* wait for what is at the URL */
	COPY,   /* take the next of that */
	KEEP,   /* wait for the blob to take it */
	WHOLE,  /* all of the picture has come */
	FACTS,  /* wait for what a jail says of it */
	FINISH, /* wait for the blob to be on the disk */
	COMMIT, /* wait for the rows */
	DONE,
};

struct upload {
	struct hosted_call call;
	struct hosted_fields fields;
	bool by_secret; /* with the secret of a draft: nothing counts but the bytes */

	enum state state;
	bool asked;           /* for what the state waits for */
	slv_err err;          /* of that, or of what was made of it */
	struct slv_intake in; /* `kept`: of the picture, what the blob does not have yet */
	enum { NO_PART, FILE_PART, FIELD_PART } part;
	slv_str field; /* its name */
	struct slv_buf value;
	size_t fields_bytes; /* of all values */
	enum slv_intake_what came;
	bool had_file, had_end;
	slv_str filename;
	struct slv_omap_read look; /* at the row of its id */
	bool looked;

	uint64_t len;
	enum slv_format format; /* SAME: not known yet */
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
	slv_intake_done(&upload->in);
	hosted_fields_done(&upload->fields);
	slv_buf_done(&upload->value);
	slv_fd_done(&upload->fd);
	end_link(upload);
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

/* The first of it are kept: what is it? */
static slv_err sniff(struct upload *upload)
{
	upload->format = slv_format_sniff(slv_buf_str(&upload->in.kept));
	if (upload->format == SLV_FORMAT_SAME)
		return SLV_ERR(SLV_E_MEDIA, "Uploaded image must have image/jpeg, image/png, "
					    "image/webp, image/gif or image/svg+xml content-type: "
					    "its first bytes are those of none");
	return slv_intake_open(&upload->in);
}

static slv_err file_add(struct upload *upload, slv_str bytes)
{
	upload->len += bytes.len;
	if (upload->len > image_bytes(upload))
		return too_large(upload);
	slv_err err = hosted_facts_add(&upload->facts, bytes);
	if (slv_failed(err))
		return err;
	slv_intake_keep(&upload->in, bytes);
	return upload->in.writer || upload->in.kept.len < SNIFF_BYTES ? SLV_OK : sniff(upload);
}

/* --- what came --- */

/* Its id is known, and whether it is free is not. */
static bool wants_look(const struct upload *upload)
{
	return upload->fields.id.len && !upload->by_secret && !upload->looked;
}

static slv_err part_begun(struct slv_intake *in)
{
	struct upload *upload = SLV_CONTAINER(in, struct upload, in);
	const struct slv_multipart_part *part = &in->form.part;
	struct slv_arena *arena = upload->call.ask->req->arena;
	upload->part = upload->by_secret ? NO_PART : FIELD_PART;
	if (slv_str_eq(part->name, SLV_STR("file"))) {
		if (upload->had_file)
			return SLV_ERR(SLV_E_SYNTAX, "the part 'file' is there twice");
		upload->part = FILE_PART;
		upload->had_file = true;
		upload->filename = slv_str_copy(arena, part->filename);
		in->stop = wants_look(upload);
		return part->filename.len && !upload->filename.at ? no_memory() : SLV_OK;
	}
	upload->field = slv_str_copy(arena, part->name);
	return part->name.len && !upload->field.at ? no_memory() : SLV_OK;
}

static slv_err part_ended(struct slv_intake *in)
{
	struct upload *upload = SLV_CONTAINER(in, struct upload, in);
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

static slv_err data_came(struct slv_intake *in, slv_str bytes)
{
	struct upload *upload = SLV_CONTAINER(in, struct upload, in);
	upload->had_file |= !in->is_form;
	return in->is_form && upload->part != FILE_PART ? field_add(upload, bytes)
	                                                : file_add(upload, bytes);
}

/* It is asked again. */
static void woke(struct slv_intake *in)
{
	struct upload *upload = SLV_CONTAINER(in, struct upload, in);
	upload->asked = false;
	upload_run(upload);
}

static const struct slv_intake_ops in_ops = {
	.part = part_begun, .part_end = part_ended, .data = data_came, .wake = woke
};

static bool ask_read(struct upload *upload)
{
	upload->came = slv_intake_go(&upload->in);
	return upload->came != SLV_INTAKE_WAITS;
}

static enum state take_read(struct upload *upload)
{
	upload->err = upload->in.err;
	return upload->came == SLV_INTAKE_STOPS ? TAKEN : END;
}

/* --- is its id free? --- */

static void looked(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct upload *upload = SLV_CONTAINER(read, struct upload, look);
	upload->err = err;
	if (rows && rows->at[0].version)
		upload->err = SLV_ERR(SLV_E_PRECONDITION, "the id is taken");
	if (rows)
		rows->hold.drop(&rows->hold);
	upload_run(upload);
}

static bool ask_taken(struct upload *upload)
{
	upload->looked = true;
	upload->key = hosted_row_key('i', upload->fields.id, upload->key_rooms[0]);
	upload->look = (struct slv_omap_read){
		.map = upload->call.map,
		.what = SLV_OMAP_GET,
		.keys = &upload->key,
		.count = 1,
		.rows_max = 1,
		.done = looked,
	};
	slv_omap_read(upload->call.hosted->loop, &upload->look);
	return false;
}

static enum state take_taken(struct upload *upload)
{
	return upload->had_end ? FETCH : READ;
}

/* --- what is at a URL --- */

/* Without its query, which may be what lets somebody in there; empty: it is none, or it has user
 * information. */
static slv_str logged_url(struct slv_arena *arena, slv_str url)
{
	struct slv_uri uri;
	url = slv_str_head(url, slv_str_find(url, '#'));
	if (slv_failed(slv_uri_parse(url, &uri)) || !uri.scheme.len)
		return (slv_str){ 0 };
	return slv_str_printf(arena, "%.*s://%.*s%.*s", SLV_FMT(uri.scheme), SLV_FMT(uri.authority),
			SLV_FMT(uri.path));
}

/* What went wrong there, for who named it; what the client says is for the log. */
static slv_err told(struct upload *upload, slv_err err)
{
	struct slv_arena *arena = upload->call.ask->req->arena;
	slv_log(slv_loop_log(upload->call.hosted->loop), SLV_INFO, "image.upload_url",
			SLV_KV("url", logged_url(arena, upload->fields.url)),
			SLV_KV("why", err.what));
	if (err.code == SLV_E_LIMIT && upload->fetch.body_is_too_large)
		return too_large(upload);
	if (err.code == SLV_E_LIMIT) /* another bound, as that of its header */
		err.code = SLV_E_UPSTREAM;
	const char *text = slv_image_told(err.code);
	if (!text)
		return err;
	/* Whatever is wrong there, it is the request that named it. */
	bool of_theirs = err.code == SLV_E_UPSTREAM || err.code == SLV_E_TIMEOUT;
	return slv_err_printf(arena, of_theirs ? SLV_E_SOURCE : err.code, "url: %s", text);
}

static void fetched(struct slv_fetch *fetch, slv_err err, struct slv_fetched *got)
{
	struct upload *upload = SLV_CONTAINER(fetch, struct upload, fetch);
	if (slv_failed(err)) {
		upload->err = told(upload, err);
	} else {
		upload->fd = got->body_fd;
		upload->fd_bytes = got->body_fd >= 0 ? got->body_bytes : 0;
		if (got->status >= 300)
			upload->err = slv_err_printf(upload->call.ask->req->arena, SLV_E_SOURCE,
					"url: its server answered %d", got->status);
	}
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

static bool ask_fetch(struct upload *upload)
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
	return false;
}

static enum state take_fetch(struct upload *upload)
{
	(void)upload;
	return COPY;
}

/* It is in memory: to read it does not wait. */
static enum state take_copy(struct upload *upload)
{
	uint64_t left = upload->fd_bytes - upload->fd_at;
	if (!left)
		return WHOLE;
	size_t len = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
	char *room = slv_alloc(len);
	ssize_t got = pread(upload->fd, room, len, (off_t)upload->fd_at);
	if (got > 0)
		upload->err = file_add(upload, (slv_str){ room, (size_t)got });
	else
		upload->err = (slv_err){ SLV_E_SYS, errno, "read what was fetched" };
	slv_free(room);
	upload->fd_at += got > 0 ? (uint64_t)got : 0;
	return KEEP;
}

static enum state take_keep(struct upload *upload)
{
	upload->err = upload->in.err;
	return COPY;
}

/* --- the end --- */

static enum state take_end(struct upload *upload)
{
	bool has_url = upload->fields.url.len;
	upload->had_end = true;
	if (!upload->by_secret)
		upload->err = hosted_fields_check(&upload->fields);
	if (!slv_failed(upload->err) && has_url && upload->had_file)
		upload->err = SLV_ERR(SLV_E_SYNTAX, "file and url exclude each other");
	if (!slv_failed(upload->err) && !has_url && !upload->had_file)
		upload->err = SLV_ERR(SLV_E_SYNTAX, "there is neither file nor url");
	if (!has_url)
		return WHOLE;
	return wants_look(upload) ? TAKEN : FETCH;
}

/* If it is small all of it is kept yet, and nobody has looked what it is. */
static enum state take_whole(struct upload *upload)
{
	if (!upload->in.writer)
		upload->err = sniff(upload);
	return upload->in.kept.len ? KEEP : FACTS;
}

static void facts_come(struct hosted_facts *facts, slv_err err)
{
	struct upload *upload = SLV_CONTAINER(facts, struct upload, facts);
	upload->err = err;
	upload_run(upload);
}

static bool ask_facts(struct upload *upload)
{
	upload->facts.done = facts_come;
	upload->err = hosted_facts_ask(&upload->facts, upload->format);
	return slv_failed(upload->err);
}

static enum state take_facts(struct upload *upload)
{
	upload->image.width = upload->facts.width;
	upload->image.height = upload->facts.height;
	hosted_facts_done(&upload->facts);
	slv_fd_done(&upload->fd);
	return FINISH;
}

static bool ask_finish(struct upload *upload)
{
	return slv_intake_finish(&upload->in);
}

static enum state take_finish(struct upload *upload)
{
	upload->err = upload->in.err;
	return COMMIT;
}

/* --- the rows --- */

static void committed(struct hosted_call *call, slv_err err)
{
	struct upload *upload = SLV_CONTAINER(call, struct upload, call);
	bool is_not_there = slv_failed(err) && !call->batch.in_doubt;
	upload->in.has_ref = is_not_there;
	if (is_not_there)
		hosted_image_ends(call->hosted);
	upload->err = err;
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

static bool ask_commit(struct upload *upload)
{
	struct slv_omap_change *changes = upload->changes;
	upload->err = hosted_check_images(&upload->call);
	if (!slv_failed(upload->err))
		upload->err = name_it(upload);
	if (slv_failed(upload->err))
		return true;
	upload->image.is_draft = false;
	upload->image.uploaded_ms = slv_loop_wall_ms(upload->call.hosted->loop);
	upload->image.blob = upload->in.ref;
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
	upload->in.has_ref = false; /* it may be named from now on */
	upload->call.hosted->count++;
	hosted_write(&upload->call, changes, upload->by_secret ? 5 : 3, committed);
	return false;
}

static enum state take_commit(struct upload *upload)
{
	if (upload->by_secret)
		hosted_draft_ends(upload->call.hosted);
	return DONE;
}

/* --- the steps --- */

static bool ask_nothing(struct upload *upload)
{
	(void)upload;
	return true;
}

static void answer(struct upload *upload)
{
	struct hosted_call *call = &upload->call;
	slv_intake_done(&upload->in);
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
	static const struct {
		bool (*ask)(struct upload *upload); /* true: it is there at once */
		enum state (*take)(struct upload *upload);
		unsigned may;
	} steps[] = {
		[READ] = { ask_read, take_read, SLV_BIT(TAKEN) | SLV_BIT(END) },
		[TAKEN] = { ask_taken, take_taken, SLV_BIT(READ) | SLV_BIT(FETCH) },
		[END] = { ask_nothing, take_end, SLV_BIT(TAKEN) | SLV_BIT(FETCH) | SLV_BIT(WHOLE) },
		[FETCH] = { ask_fetch, take_fetch, SLV_BIT(COPY) },
		[COPY] = { ask_nothing, take_copy, SLV_BIT(KEEP) | SLV_BIT(WHOLE) },
		[KEEP] = { ask_read, take_keep, SLV_BIT(COPY) },
		[WHOLE] = { ask_nothing, take_whole, SLV_BIT(KEEP) | SLV_BIT(FACTS) },
		[FACTS] = { ask_facts, take_facts, SLV_BIT(FINISH) },
		[FINISH] = { ask_finish, take_finish, SLV_BIT(COMMIT) },
		[COMMIT] = { ask_commit, take_commit, SLV_BIT(DONE) },
	};
	while (upload->state != DONE && !slv_failed(upload->err)) {
		if (!upload->asked) {
			upload->asked = true;
			if (!steps[upload->state].ask(upload))
				return;
		}
		upload->asked = false;
		if (slv_failed(upload->err))
			break;
		enum state next = steps[upload->state].take(upload);
		slv_assert(steps[upload->state].may & SLV_BIT(next));
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
	slv_str type = slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE);
	if (slv_intake_is_form(type))
		return SLV_OK;
	if (!slv_str_eq_nocase(slv_str_head(type, 6), SLV_STR("image/")))
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
	slv_err err = hosted_check_images(call);
	if (!slv_failed(err))
		err = read_type(upload, req);
	if (slv_failed(err))
		return err;
	if (req->body.length != SLV_LENGTH_UNKNOWN &&
			req->body.length > image_bytes(upload) + FORM_BYTES_MAX)
		return too_large(upload);
	if (upload->by_secret && !begin_link(upload))
		return SLV_OK;
	err = slv_intake_take(&upload->in, &req->body, req->arena,
			slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE),
			&SLV_MULTIPART_LIMITS);
	if (slv_failed(err))
		return err;
	upload->state = wants_look(upload) ? TAKEN : READ;
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
	hosted_fields_init(&upload->fields, req->arena);
	hosted_facts_init(&upload->facts, hosted, req->arena);
	slv_buf_init(&upload->value, HOSTED_FIELD_BYTES_MAX);
	slv_intake_init(&upload->in, &in_ops, hosted->loop, hosted->blobs,
			(size_t)hosted->settings->image_bytes);
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
