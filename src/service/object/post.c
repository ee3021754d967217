/* post.c - PostObject: a form that a page sends, with the policy of whoever signed it
 *
 *	READ → DECODE (→ BLOB → DECODE …) → READ … → FINISH → the row → told
 *
 * The fields stand before the file. Once the file begins it is known who signed the form, what it
 * may upload and where to: then the bucket is looked for, and the file goes on as it comes. What
 * stands behind it is passed over. Nothing counts before the form is over and well-formed.
 *
 * Source: "POST Object" and "Browser-based uploads using POST" of the S3 API reference.
 */
#include "service/object/post.h"
#include "base/assert.h"
#include "http/multipart.h"
#include "http/uri.h"
#include "service/object/commit.h"
#include "service/object/policy.h"

#include <string.h>

#define FIELDS_BYTES_MAX SLV_KIB(20) /* before the file, names among them */
#define PIECE_BYTES SLV_KIB(256)     /* that is written to a blob at a time */

enum step {
	READ,   /* wait for bytes of the request */
	DECODE, /* look at what came */
	BLOB,   /* wait for the blob to take some */
	FINISH, /* wait for the blob to be on the disk */
	END,    /* the file is there, or it is known why not */
	WAIT    /* as what a step returns: somebody calls back */
};

struct post {
	struct object_ask *ask;
	enum step step;
	slv_object_err err;
	struct slv_body stream;
	struct slv_pull pull;
	slv_str bytes; /* that came and are not looked at yet */
	bool at_end;

	struct slv_multipart form;
	enum { FIELD, FILE_PART, BEHIND } in;
	struct slv_fields fields;
	size_t fields_bytes;
	slv_str name;
	struct slv_buf text; /* of the field */
	slv_str filename;

	struct slv_object_policy policy;
	struct object_meta meta;
	struct slv_fields conditions; /* none */
	struct object_target target;
	struct slv_digest_stream md5;
	struct slv_object_checksum_stream checksum;
	struct slv_object_checksum told;
	struct slv_buf piece; /* of the file, or all of it */
	struct slv_blob_writer *writer;
	struct object_commit commit;
};

static void run(struct post *post);

static void post_drop(void *arg)
{
	struct post *post = arg;
	slv_body_done(&post->stream);
	slv_blob_writer_free(post->writer);
	slv_buf_done(&post->text);
	slv_buf_done(&post->piece);
}

static slv_object_err bad_argument(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT, what);
}

/* The value of a field of the form; at == NULL: it is not there. */
static slv_str told(const struct post *post, const char *name)
{
	const struct slv_field *field = slv_fields_find_name(&post->fields, slv_str_from(name));
	return field ? field->value : (slv_str){ 0 };
}

/* --- the key --- */

/* What stands behind the last slash of either kind. */
static slv_str base_name(slv_str name)
{
	size_t from = 0;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] == '/' || name.at[i] == '\\')
			from = i + 1;
	return slv_str_from_index(name, from);
}

/* With the file's name for each ${filename}. */
static slv_object_err key_make(struct post *post, struct slv_field *field)
{
	static const slv_str hole = SLV_STR_INIT("${filename}");
	struct slv_buf key;
	slv_str rest = field->value;
	slv_buf_init(&key, SLV_OBJECT_KEY_BYTES_MAX);
	while (rest.len) {
		size_t at = slv_str_find_str(rest, hole);
		slv_buf_add(&key, slv_str_head(rest, at));
		if (at < rest.len)
			slv_buf_add(&key, base_name(post->filename));
		rest = slv_str_from_index(rest, at < rest.len ? at + hole.len : at);
	}
	field->value = slv_str_copy(post->ask->req->arena, slv_buf_str(&key));
	bool overflow = key.overflow;
	slv_buf_done(&key);
	if (overflow)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_KEY_TOO_LONG, NULL);
	if (!field->value.at)
		return object_no_memory();
	if (!field->value.len || memchr(field->value.at, 0, field->value.len))
		return bad_argument("The key of a form has at least one byte, and none is 0.");
	post->ask->key = field->value;
	return SLV_OBJECT_OK;
}

/* --- all fields are there --- */

/* Of what may become a field of replies, so no line ends. */
static slv_object_err check_fields(struct post *post)
{
	for (uint32_t i = 0; i < post->fields.count; i++) {
		struct slv_field *field = &post->fields.at[i];
		if (slv_str_eq(field->name, SLV_STR("key")))
			continue;
		if (!slv_field_name_ok(field->name) ||
				(field->value.len && !slv_field_value_ok(field->value)))
			return bad_argument("A field of the form has control characters, or white "
					    "space at its ends.");
	}
	return SLV_OBJECT_OK;
}

static slv_object_err check_policy(struct post *post)
{
	struct object_ask *ask = post->ask;
	struct slv_object_form form = { .bucket = ask->bucket,
		.fields = &post->fields,
		.now_s = slv_loop_wall_s(ask->self->loop) };
	return slv_object_policy_check(ask->req->arena, told(post, "policy"), &form, &post->policy);
}

static void signer_known(struct object_ask *ask, slv_object_err err)
{
	if (!slv_object_failed(err))
		err = check_policy(ask->post);
	object_known(ask, err); /* which goes on with object_post() */
}

static slv_object_err fields_end(struct post *post)
{
	static const char *const needed[] = { "x-amz-algorithm", "x-amz-credential", "x-amz-date",
		"x-amz-signature" };
	struct slv_field *key = NULL;
	for (uint32_t i = 0; i < post->fields.count && !key; i++)
		if (slv_str_eq(post->fields.at[i].name, SLV_STR("key")))
			key = &post->fields.at[i];
	if (!key)
		return bad_argument("The form has no field key before its file.");
	if (!told(post, "policy").at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_DENIED, NULL);
	for (size_t i = 0; i < SLV_COUNT(needed); i++)
		if (!told(post, needed[i]).at)
			return bad_argument("The form is signed by the fields x-amz-algorithm, "
					    "x-amz-credential, x-amz-date and x-amz-signature.");
	slv_object_err err = key_make(post, key);
	return slv_object_failed(err) ? err : check_fields(post);
}

static enum step authenticate(struct post *post)
{
	post->err = fields_end(post);
	if (slv_object_failed(post->err))
		return END;
	const struct object_form_signature form = { .algorithm = told(post, "x-amz-algorithm"),
		.credential = told(post, "x-amz-credential"),
		.date = told(post, "x-amz-date"),
		.signature = told(post, "x-amz-signature"),
		.policy = told(post, "policy") };
	object_authenticate_form(post->ask, &form, signer_known);
	return WAIT;
}

/* --- parts of the form --- */

static slv_object_err count_field(struct post *post, size_t bytes)
{
	post->fields_bytes += bytes;
	return post->fields_bytes <= FIELDS_BYTES_MAX
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_MAX_POST_PRE_DATA, NULL);
}

static slv_object_err part_begin(struct post *post)
{
	struct slv_arena *arena = post->ask->req->arena;
	const struct slv_multipart_part *part = &post->form.part;
	if (post->in != FIELD)
		return SLV_OBJECT_OK;
	slv_buf_clear(&post->text);
	post->name = slv_str_copy_lower(arena, part->name);
	post->in = slv_str_eq(post->name, SLV_STR("file")) ? FILE_PART : FIELD;
	if (post->in == FILE_PART)
		post->filename = slv_str_copy(arena, part->filename);
	return post->name.at && (post->in == FIELD || post->filename.at)
	                       ? count_field(post, part->name.len)
	                       : object_no_memory();
}

static slv_object_err field_end(struct post *post)
{
	slv_str value = slv_str_copy(post->ask->req->arena, slv_buf_str(&post->text));
	if (slv_fields_find_name(&post->fields, post->name))
		return bad_argument("A field of the form stands twice.");
	return value.at ? object_err(slv_fields_add(&post->fields, post->name, value))
	                : object_no_memory();
}

static slv_object_err take(struct post *post, slv_str data)
{
	if (post->in == BEHIND)
		return SLV_OBJECT_OK;
	if (post->in == FIELD) {
		slv_buf_add(&post->text, data);
		return count_field(post, data.len);
	}
	post->meta.len += data.len;
	if (post->meta.len > post->policy.bytes_max || post->meta.len > SLV_OBJECT_PUT_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_ENTITY_TOO_LARGE, NULL);
	slv_digest_add(&post->md5, data);
	if (post->meta.has_checksum)
		slv_object_checksum_add(&post->checksum, data);
	slv_buf_add(&post->piece, data);
	return SLV_OBJECT_OK;
}

static slv_object_err malformed(slv_err err)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_POST_REQUEST, err.what);
}

static slv_object_err form_end(struct post *post)
{
	struct object_meta *meta = &post->meta;
	slv_err err = slv_multipart_finish(&post->form);
	if (slv_failed(err))
		return malformed(err);
	if (post->in != BEHIND)
		return bad_argument("The form has no part file.");
	if (meta->len < post->policy.bytes_min)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_ENTITY_TOO_SMALL,
				"The file is smaller than the policy of the form allows.");
	slv_digest_finish(&post->md5, meta->md5);
	if (!meta->has_checksum)
		return SLV_OBJECT_OK;
	slv_object_checksum_finish(&post->checksum, &meta->checksum);
	return slv_object_checksum_eq(&meta->checksum, &post->told)
	                       ? SLV_OBJECT_OK
	                       : SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_DIGEST, NULL);
}

/* --- steps --- */

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct post *post = SLV_CONTAINER(pull, struct post, pull);
	post->bytes = bytes;
	post->at_end = !bytes.len;
	post->step = DECODE;
	if (slv_failed(err)) {
		post->err = SLV_OBJECT_ERR(err.code == SLV_E_SLOW ? SLV_OBJECT_E_REQUEST_TIMEOUT
								  : SLV_OBJECT_E_INCOMPLETE_BODY,
				NULL);
		post->step = END;
	}
	run(post);
}

static enum step read_some(struct post *post)
{
	if (post->stream.source) {
		slv_source_pull(post->stream.source, &post->pull);
		return WAIT;
	}
	post->bytes = post->stream.bytes;
	post->stream.bytes = (slv_str){ 0 };
	post->at_end = !post->bytes.len;
	return DECODE;
}

static enum step at_end(struct post *post)
{
	post->err = form_end(post);
	if (slv_object_failed(post->err))
		return END;
	bool to_blob = post->writer || post->piece.len > OBJECT_INLINE_BYTES_MAX;
	return !to_blob ? END : post->piece.len ? BLOB : FINISH;
}

static enum step decode(struct post *post)
{
	while (!post->at_end) {
		enum slv_multipart_event event;
		size_t used;
		slv_str data;
		slv_err err = slv_multipart_decode(&post->form, post->bytes, &used, &event, &data);
		post->err = slv_failed(err) ? malformed(err) : SLV_OBJECT_OK;
		if (slv_failed(err))
			return END;
		post->bytes = slv_str_from_index(post->bytes, used);
		if (event == SLV_MULTIPART_NEED)
			return READ;
		bool was_field = post->in == FIELD;
		if (event == SLV_MULTIPART_PART)
			post->err = part_begin(post);
		else if (event == SLV_MULTIPART_DATA)
			post->err = take(post, data);
		else if (event == SLV_MULTIPART_PART_END && was_field)
			post->err = field_end(post);
		else if (event == SLV_MULTIPART_PART_END)
			post->in = BEHIND;
		if (slv_object_failed(post->err))
			return END;
		if (was_field && post->in == FILE_PART)
			return authenticate(post);
		if (post->piece.len >= PIECE_BYTES)
			return BLOB;
	}
	return at_end(post);
}

static void blob_written(void *arg, slv_err err)
{
	struct post *post = arg;
	slv_buf_clear(&post->piece);
	post->err = object_err(err);
	post->step = slv_failed(err) ? END : post->at_end ? FINISH : DECODE;
	run(post);
}

static enum step write_some(struct post *post)
{
	struct object *self = post->ask->self;
	if (!post->writer)
		post->err = object_err(slv_blob_writer_new(self->loop, self->blobs, &post->writer));
	if (slv_object_failed(post->err))
		return END;
	slv_blob_write(post->writer, slv_buf_str(&post->piece), blob_written, post);
	return WAIT;
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct post *post = arg;
	post->err = object_err(err);
	if (!slv_failed(err)) {
		post->commit.has_blob = true;
		post->commit.ref = *ref;
	}
	post->step = END;
	run(post);
}

static enum step finish(struct post *post)
{
	slv_blob_finish(post->writer, blob_finished, post);
	return WAIT;
}

/* --- answering --- */

/* Append where the object is. */
static void add_location(const struct post *post, struct slv_buf *buf)
{
	const struct slv_req *req = post->ask->req;
	slv_str host = req->uri.authority.len ? req->uri.authority
	                                      : slv_fields_get(&req->fields, SLV_FIELD_HOST);
	slv_str path = req->uri.path;
	slv_buf_printf(buf, "%.*s://%.*s%.*s%s", SLV_FMT(req->scheme), SLV_FMT(host), SLV_FMT(path),
			slv_str_ends(path, SLV_STR("/")) ? "" : "/");
	slv_uri_encode(buf, post->ask->key, SLV_STR("/"));
}

/* Append where the page wants to go; nothing, if that is nowhere. */
static void add_redirect(const struct post *post, slv_str etag, struct slv_buf *buf)
{
	slv_str to = told(post, "success_action_redirect");
	if (!to.at)
		to = told(post, "redirect");
	if (!slv_str_starts(to, SLV_STR("http://")) && !slv_str_starts(to, SLV_STR("https://")))
		return;
	const struct {
		const char *name;
		slv_str value;
	} params[] = { { "bucket", post->ask->bucket }, { "key", post->ask->key },
		{ "etag", etag } };
	slv_buf_add(buf, to);
	for (size_t i = 0; i < SLV_COUNT(params); i++) {
		bool first = i == 0 && slv_str_find(to, '?') == to.len;
		slv_buf_printf(buf, "%s%s=", first ? "?" : "&", params[i].name);
		slv_uri_encode(buf, params[i].value, SLV_STR(""));
	}
}

static void print_posted(
		const struct post *post, slv_str location, slv_str etag, struct slv_buf *xml)
{
	slv_object_xml_begin(xml);
	slv_object_xml_open(xml, "PostResponse");
	slv_object_xml_text(xml, "Location", location);
	slv_object_xml_text(xml, "Bucket", post->ask->bucket);
	slv_object_xml_text(xml, "Key", post->ask->key);
	slv_object_xml_text(xml, "ETag", etag);
	slv_object_xml_close(xml, "PostResponse");
}

static int status_of(const struct post *post)
{
	slv_str status = told(post, "success_action_status");
	if (slv_str_eq(status, SLV_STR("200")))
		return 200;
	return slv_str_eq(status, SLV_STR("201")) ? 201 : 204;
}

static slv_err answer(struct post *post)
{
	struct object_ask *ask = post->ask;
	struct slv_reply reply;
	struct slv_buf where, xml;
	char room[OBJECT_ETAG_BYTES_MAX];
	slv_str etag = object_etag(&post->meta, room);
	slv_buf_init(&where, SLV_KIB(32));
	add_redirect(post, etag, &where);
	int status = where.len ? 303 : status_of(post);
	if (!where.len)
		add_location(post, &where);
	slv_str location = slv_str_copy(ask->req->arena, slv_buf_str(&where));
	bool fits = !where.overflow && location.at;
	slv_buf_done(&where);
	slv_err err = fits ? object_reply_init(ask, status, &reply)
	                   : SLV_ERR(SLV_E_LIMIT, "no memory for a reply");
	if (!slv_failed(err))
		err = slv_fields_add_id(&reply.fields, SLV_FIELD_LOCATION, location);
	if (!slv_failed(err))
		err = object_commit_fields(&post->commit, &reply);
	if (!slv_failed(err) && status == 201)
		err = slv_fields_add_id(
				&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("application/xml"));
	if (slv_failed(err))
		return err;
	if (status == 201) {
		slv_buf_init(&xml, SLV_KIB(64));
		print_posted(post, location, etag, &xml);
		reply.body = slv_body_take(&xml);
	}
	slv_req_reply(ask->req, &reply);
	return SLV_OK;
}

static void committed(struct object_commit *commit, slv_object_err err)
{
	struct post *post = SLV_CONTAINER(commit, struct post, commit);
	if (!slv_object_failed(err))
		err = object_err(answer(post));
	if (slv_object_failed(err))
		object_fail(post->ask, err);
}

static void end(struct post *post)
{
	slv_body_done(&post->stream);
	if (slv_object_failed(post->err)) {
		object_fail(post->ask, post->err);
		return;
	}
	struct object_commit *commit = &post->commit;
	commit->ask = post->ask;
	commit->target = &post->target;
	commit->meta = &post->meta;
	commit->bytes = slv_buf_str(&post->piece);
	commit->done = committed;
	object_commit(commit);
}

static void run(struct post *post)
{
	static enum step (*const steps[])(struct post *) = {
		[READ] = read_some,
		[DECODE] = decode,
		[BLOB] = write_some,
		[FINISH] = finish,
	};
	static const unsigned may[] = {
		[READ] = SLV_BIT(DECODE),
		[DECODE] = SLV_BIT(READ) | SLV_BIT(BLOB) | SLV_BIT(FINISH) | SLV_BIT(END),
		[BLOB] = SLV_BIT(END),
		[FINISH] = 0,
	};
	while (post->step != END) {
		enum step next = steps[post->step](post);
		if (next == WAIT)
			return;
		slv_assert(may[post->step] & SLV_BIT(next));
		post->step = next;
	}
	end(post);
}

/* --- the beginning, and where the file begins --- */

void object_post_read(struct object_ask *ask)
{
	struct slv_req *req = ask->req;
	struct post *post = SLV_NEW(req->arena, struct post);
	slv_str type = slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE);
	slv_err err = SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	if (post)
		err = slv_multipart_init(&post->form, req->arena, type, &SLV_MULTIPART_LIMITS);
	if (err.code == SLV_E_MEDIA) {
		object_fail(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_PRECONDITION_FAILED,
						 "A POST to a bucket is multipart/form-data."));
		return;
	}
	if (slv_failed(err)) {
		object_fail(ask, err.code == SLV_E_SYNTAX ? malformed(err) : object_no_memory());
		return;
	}
	ask->post = post;
	post->ask = ask;
	post->pull.done = came;
	slv_fields_init(&post->fields, req->arena);
	slv_fields_init(&post->conditions, req->arena);
	slv_buf_init(&post->text, FIELDS_BYTES_MAX);
	slv_buf_init(&post->piece, SLV_MIB(16));
	if (!slv_arena_defer(req->arena, post_drop, post)) {
		object_fail(ask, object_no_memory());
		return;
	}
	post->stream = req->body;
	req->body = (struct slv_body){ 0 };
	run(post);
}

void object_post_close(struct object_ask *ask)
{
	slv_body_done(&ask->post->stream);
}

static void may_be_put(struct object_target *target, slv_object_err err)
{
	struct post *post = SLV_CONTAINER(target, struct post, target);
	post->err = err;
	post->step = slv_object_failed(err) ? END : DECODE;
	run(post);
}

slv_object_err object_post(struct object_ask *ask)
{
	struct post *post = ask->post;
	slv_str acl = told(post, "acl");
	if (acl.len && !slv_str_eq(acl, SLV_STR("private")))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "acl other than private");
	if (told(post, "tagging").at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED, "tagging");
	slv_object_err err = object_upload_check(ask->req->arena, &post->fields, &post->meta);
	if (!slv_object_failed(err))
		err = slv_object_checksum_told(&post->fields, &post->meta.has_checksum, &post->told,
				&post->checksum);
	if (slv_object_failed(err))
		return err;
	slv_digest_init(&post->md5, SLV_DIGEST_MD5);
	post->target = (struct object_target){
		.ask = ask, .conditions = &post->conditions, .done = may_be_put
	};
	object_target_find(&post->target);
	return SLV_OBJECT_OK;
}
