#include "main/upload.h"

#include "api/api.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "http/uri.h"
#include "loop/log.h"
#include "main/store.h"
#include "proc/pixel.h"
#include "service/image/hosted/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASK_MS 60000      /* a request that is waited for alone */
#define UPLOAD_MS 3600000 /* a picture on its way */
#define TRIES 5           /* of what is busy, or does not answer */
#define RETRY_MS 500      /* before the second try; doubled for each that follows */
#define SHOW_NS 200000000u
#define HEAD_BYTES_MAX SLV_KIB(16) /* of a form, in front of the file */
#define SNIFF_BYTES SLV_KIB(2)
#define SLOT_BYTES_MAX SLV_MIB(4)
#define LIST_PAGE 10000
#define BOUNDARY_BYTES 32

/* A picture on its way. */
struct slot {
	struct uploads *uploads;
	const struct upload_picture *picture; /* NULL: the slot is free */
	struct slv_arena arena;
	struct slv_fetch fetch;
	struct slv_timer pause;
	struct slv_task go;
	unsigned tries;
	int fd;
	uint64_t bytes; /* of the file */
	struct slv_fields fields;
	struct slv_buf head; /* of the form */
	slv_str tail;
};

void uploads_init(struct uploads *uploads, const char *deed)
{
	struct slv_client_conf conf = { .connect_ms = 10000,
		.total_ms = ASK_MS,
		.redirects_max = 3,
		.fetches_max = UPLOAD_AT_ONCE_MAX + 1,
		.connections_per_host_max = UPLOAD_AT_ONCE_MAX,
		.private_networks = true, /* who types where has the say */
		.verify_tls = true };
	*uploads = (struct uploads){ .deed = deed };
	slv_arena_init(&uploads->arena, SLV_KIB(64), UPLOAD_MEMORY_MAX);
	uploads->log = slv_log_new(STDERR_FILENO, SLV_WARN);
	uploads->loop = slv_loop_new(0, uploads->log, NULL);
	uploads->client = slv_client_new(uploads->loop, &conf, NULL);
	slv_map_init(&uploads->there, slv_loop_hash_key(uploads->loop));
	uploads->is_terminal = isatty(STDERR_FILENO);
	uploads->begun_ns = slv_loop_fresh_ns(uploads->loop);
}

void uploads_done(struct uploads *uploads)
{
	slv_client_free(uploads->client);
	slv_loop_free(uploads->loop);
	slv_log_free(uploads->log);
	slv_map_done(&uploads->there);
	slv_free(uploads->pictures);
	slv_arena_done(&uploads->arena);
}

slv_err upload_add(struct uploads *uploads, slv_str name, slv_str name_in_id)
{
	if (uploads->count == UPLOAD_PICTURES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "more than 10000000 pictures at once");
	if (uploads->count == uploads->room) {
		uploads->room = uploads->room ? 2 * uploads->room : 64;
		uploads->pictures = slv_realloc(
				uploads->pictures, uploads->room * sizeof(*uploads->pictures));
	}
	struct upload_picture picture = { .name = slv_str_copy(&uploads->arena, name),
		.id = slv_str_printf(&uploads->arena, "%.*s%.*s", SLV_FMT(uploads->id_prefix),
				SLV_FMT(name_in_id)) };
	if (!picture.name.at || !picture.id.at)
		return SLV_ERR(SLV_E_LIMIT, "names of more than 4 GiB");
	uploads->pictures[uploads->count++] = picture;
	return SLV_OK;
}

/* --- telling --- */

void uploads_unshow(const struct uploads *uploads)
{
	if (uploads->is_terminal)
		(void)fprintf(stderr, "\r\033[K"); /* who cannot be told is not told */
}

static void show(struct uploads *uploads)
{
	char bytes[STORE_SIZE_BYTES], rate[STORE_SIZE_BYTES];
	uint64_t now_ns = slv_loop_fresh_ns(uploads->loop);
	uint64_t ms = (now_ns - uploads->begun_ns) / 1000000 + 1;
	if (!uploads->is_terminal || now_ns - uploads->shown_ns < SHOW_NS)
		return;
	uploads->shown_ns = now_ns;
	store_size(uploads->done.bytes, bytes);
	store_size((uint64_t)((double)uploads->done.bytes * 1000 / (double)ms), rate);
	(void)fprintf(stderr, "\r\033[K%s: %zu of %zu, %s, %s/s", uploads->deed,
			uploads->next - uploads->under_way, uploads->count, bytes, rate);
	if (uploads->done.failed)
		(void)fprintf(stderr, ", %" PRIu64 " failed", uploads->done.failed);
}

/* What begins with a character of so many bytes; 0: it is none, and a terminal that is not of UTF-8
 * may take its bytes for controls, too. U+0080 to U+009F are those of ISO 6429. */
static bool is_control(slv_str text, size_t len)
{
	uint8_t c = (uint8_t)text.at[0];
	if (len == 1)
		return c < ' ' || c == 0x7f;
	return len == 0 || (len == 2 && c == 0xc2 && (uint8_t)text.at[1] < 0xa0);
}

/* Names are whatever somebody has chosen: nothing in them is to reach a terminal but text. */
static void print_name(FILE *to, slv_str name)
{
	while (name.len) {
		size_t len = slv_str_utf8_len(name);
		if (is_control(name, len)) {
			(void)fprintf(to, "\\x%02x", (uint8_t)name.at[0]);
			len = 1;
		} else {
			(void)fprintf(to, "%.*s", (int)len, name.at);
		}
		name = slv_str_from_index(name, len);
	}
}

static void tell_failed(
		struct uploads *uploads, const struct upload_picture *picture, const char *why)
{
	uploads->done.failed++;
	uploads_unshow(uploads);
	(void)fprintf(stderr, "selvedge: ");
	print_name(stderr, picture->name);
	(void)fprintf(stderr, ": ");
	print_name(stderr, slv_str_from(why));
	(void)fputc('\n', stderr);
}

int uploads_sum_up(struct uploads *uploads)
{
	char bytes[STORE_SIZE_BYTES];
	uploads_unshow(uploads);
	store_size(uploads->done.bytes, bytes);
	(void)fprintf(stderr, "%s: %" PRIu64 " uploaded (%s), %" PRIu64 " were there",
			uploads->deed, uploads->done.uploaded, bytes, uploads->done.skipped);
	if (uploads->done.others)
		(void)fprintf(stderr, ", %" PRIu64 " are no pictures", uploads->done.others);
	(void)fprintf(stderr, ", %" PRIu64 " failed\n", uploads->done.failed);
	return uploads->done.failed > 0;
}

/* --- one request after the other --- */

struct get {
	struct slv_fetch fetch;
	struct slv_arena *arena;
	struct upload_reply reply;
	bool over;
};

static slv_err read_body(
		struct slv_arena *arena, const struct slv_fetched *fetched, slv_str *ret_body)
{
	char *room = slv_arena_bytes(arena, (size_t)fetched->body_bytes + 1);
	if (!room)
		return SLV_ERR(SLV_E_LIMIT, "the reply is too long");
	ssize_t len = fetched->body_fd < 0 ? 0
	                                   : pread(fetched->body_fd, room,
							     (size_t)fetched->body_bytes, 0);
	if (len < 0 || (uint64_t)len != fetched->body_bytes)
		return SLV_ERR(SLV_E_SYS, "the reply cannot be read");
	*ret_body = (slv_str){ room, (size_t)len };
	return SLV_OK;
}

static void got(struct slv_fetch *fetch, slv_err err, struct slv_fetched *fetched)
{
	struct get *get = SLV_CONTAINER(fetch, struct get, fetch);
	get->over = true;
	get->reply.err = err;
	if (!fetched)
		return;
	get->reply.status = fetched->status;
	get->reply.err = read_body(get->arena, fetched, &get->reply.body);
	slv_fd_done(&fetched->body_fd);
}

struct upload_reply upload_get(struct uploads *uploads, struct slv_arena *arena, slv_str url,
		const struct slv_fields *fields)
{
	struct get get = { .arena = arena };
	get.fetch = (struct slv_fetch){ .url = url,
		.body_bytes_max = UPLOAD_REPLY_BYTES_MAX,
		.arena = arena,
		.fields = fields,
		.done = got };
	slv_fetch_start(uploads->client, &get.fetch);
	while (!get.over)
		slv_loop_turn(uploads->loop, true);
	return get.reply;
}

/* --- what the API says --- */

static slv_err token_field(const struct uploads *uploads, struct slv_arena *arena,
		struct slv_fields *ret_fields)
{
	slv_str value = slv_str_printf(arena, "Bearer %.*s", SLV_FMT(uploads->token));
	slv_fields_init(ret_fields, arena);
	return value.at ? slv_fields_add(ret_fields, SLV_STR("Authorization"), value)
	                : SLV_ERR(SLV_E_LIMIT, "the token is too long");
}

/* What went wrong, as the API tells it. Lives in `arena`. */
static const char *reason(struct slv_arena *arena, int status, slv_str body)
{
	json_t *root = slv_api_json(body);
	const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
	slv_str told = slv_api_member(first, "message");
	slv_str text = told.len ? slv_str_printf(arena, "%.*s (status %d)", SLV_FMT(told), status)
	                        : slv_str_printf(arena, "the server answered with status %d",
						  status);
	json_decref(root);
	return text.at ? text.at : "it failed";
}

/* A call that must end well; `*ret_root` is the caller's. The error's text lives as long as
 * `uploads`. */
static slv_err api_get(struct uploads *uploads, slv_str path, json_t **ret_root)
{
	struct slv_arena arena;
	struct slv_fields fields;
	slv_arena_init(&arena, SLV_KIB(64), 2 * UPLOAD_REPLY_BYTES_MAX);
	slv_str url = slv_str_printf(
			&arena, "%.*s" SLV_API_PREFIX "%.*s", SLV_FMT(uploads->api), SLV_FMT(path));
	slv_err err = url.at ? token_field(uploads, &arena, &fields)
	                     : SLV_ERR(SLV_E_LIMIT, "the URL of the API is too long");
	struct upload_reply reply = { 0 };
	if (!slv_failed(err)) {
		reply = upload_get(uploads, &arena, url, &fields);
		err = reply.err;
	}
	json_t *root = slv_failed(err) ? NULL : slv_api_json(reply.body);
	if (slv_failed(err))
		err = slv_err_printf(&uploads->arena, SLV_E_UPSTREAM, "%.*s: %s",
				SLV_FMT(uploads->api), err.what);
	else if (reply.status != 200 || !root)
		err = slv_err_printf(&uploads->arena, SLV_E_UPSTREAM, "%.*s: %s",
				SLV_FMT(uploads->api), reason(&arena, reply.status, reply.body));
	slv_arena_done(&arena);
	if (slv_failed(err))
		json_decref(root);
	else
		*ret_root = root;
	return err;
}

static slv_err find_account(struct uploads *uploads)
{
	json_t *root;
	if (uploads->account.len)
		return SLV_OK;
	slv_err err = api_get(uploads, SLV_STR("/accounts"), &root);
	if (slv_failed(err))
		return err;
	const json_t *first = json_array_get(json_object_get(root, "result"), 0);
	uploads->account = slv_str_copy(&uploads->arena, slv_api_member(first, "id"));
	json_decref(root);
	return uploads->account.len ? SLV_OK : SLV_ERR(SLV_E_UPSTREAM, "the token has no account");
}

static slv_err note_ids(struct uploads *uploads, const json_t *result, slv_str *ret_next)
{
	const json_t *images = json_object_get(result, "images");
	for (size_t i = 0; i < json_array_size(images); i++) {
		slv_str id = slv_str_copy(
				&uploads->arena, slv_api_member(json_array_get(images, i), "id"));
		if (!id.at)
			return SLV_ERR(SLV_E_LIMIT, "names of more than 4 GiB");
		slv_map_put(&uploads->there, id, uploads);
	}
	*ret_next = slv_str_copy(&uploads->arena, slv_api_member(result, "continuation_token"));
	return SLV_OK;
}

static slv_err list_there(struct uploads *uploads)
{
	slv_str next = { 0 };
	slv_err err;
	do {
		json_t *root;
		struct slv_buf path;
		slv_buf_init(&path, SLV_KIB(16));
		slv_buf_printf(&path, "/accounts/%.*s/images/v2?per_page=%d",
				SLV_FMT(uploads->account), LIST_PAGE);
		if (next.len) {
			slv_buf_add(&path, SLV_STR("&continuation_token="));
			slv_uri_encode(&path, next, SLV_STR(""));
		}
		err = api_get(uploads, slv_buf_str(&path), &root);
		slv_buf_done(&path);
		if (!slv_failed(err)) {
			err = note_ids(uploads, json_object_get(root, "result"), &next);
			json_decref(root);
		}
	} while (!slv_failed(err) && next.len);
	return err;
}

/* --- a picture --- */

static void slot_next(struct slot *slot);
static void slot_send(struct slot *slot);

static void slot_end(struct slot *slot)
{
	slv_fd_done(&slot->fd);
	slv_buf_clear(&slot->head);
	slv_arena_reset(&slot->arena);
	slot->picture = NULL;
	slot->uploads->under_way--;
	show(slot->uploads);
	slv_task_start(slot->uploads->loop, &slot->go);
}

static void slot_fail(struct slot *slot, const char *why)
{
	tell_failed(slot->uploads, slot->picture, why);
	slot_end(slot);
}

/* Later again, if that may help. */
static bool slot_again(struct slot *slot, int status)
{
	bool may_help = !status || status == 429 || status >= 500;
	if (!may_help || ++slot->tries >= TRIES)
		return false;
	slv_timer_start(slot->uploads->loop, &slot->pause, (uint64_t)RETRY_MS << (slot->tries - 1));
	return true;
}

static void tell_uploaded(struct slot *slot, slv_str body)
{
	struct uploads *uploads = slot->uploads;
	json_t *root = slv_api_json(body);
	const json_t *links = json_object_get(json_object_get(root, "result"), "variants");
	const char *link = json_string_value(json_array_get(links, 0));
	uploads_unshow(uploads);
	print_name(stdout, slot->picture->name);
	putchar('\t');
	print_name(stdout, slot->picture->id);
	putchar('\t');
	print_name(stdout, slv_str_from(link));
	putchar('\n');
	(void)fflush(stdout); /* a full disk does not end what is done */
	json_decref(root);
}

static void sent(struct slv_fetch *fetch, slv_err err, struct slv_fetched *fetched)
{
	struct slot *slot = SLV_CONTAINER(fetch, struct slot, fetch);
	struct uploads *uploads = slot->uploads;
	slv_str body = { 0 };
	int status = fetched ? fetched->status : 0;
	if (fetched) {
		err = read_body(&slot->arena, fetched, &body);
		slv_fd_done(&fetched->body_fd);
	}
	if (slv_failed(err) && err.code != SLV_E_SYS && slot_again(slot, 0))
		return;
	if (slv_failed(err)) {
		slot_fail(slot, err.what);
	} else if (status == 200) {
		uploads->done.uploaded++;
		uploads->done.bytes += slot->bytes;
		if (uploads->tells_each)
			tell_uploaded(slot, body);
		slot_end(slot);
	} else if (status == 409) { /* another was faster */
		uploads->done.skipped++;
		slot_end(slot);
	} else if (!slot_again(slot, status)) {
		slot_fail(slot, reason(&slot->arena, status, body));
	}
}

static size_t form_piece(struct slv_fetch *fetch, uint64_t offset, char *room, size_t len)
{
	const struct slot *slot = SLV_CONTAINER(fetch, struct slot, fetch);
	slv_str head = slv_buf_str(&slot->head);
	slv_str rest = slv_str_from_index(head, offset < head.len ? (size_t)offset : head.len);
	uint64_t in_file = offset - head.len;
	if (!rest.len && in_file < slot->bytes) {
		uint64_t left = slot->bytes - in_file;
		ssize_t got_len = pread(
				slot->fd, room, left < len ? (size_t)left : len, (off_t)in_file);
		return got_len > 0 ? (size_t)got_len : 0;
	}
	if (!rest.len)
		rest = slv_str_from_index(slot->tail, (size_t)(in_file - slot->bytes));
	len = rest.len < len ? rest.len : len;
	memcpy(room, rest.at, len);
	return len;
}

/* As forms are to write it (HTML: "multipart/form-data encoding algorithm"). */
static void add_quoted(struct slv_buf *buf, slv_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == '"' || c == '\r' || c == '\n')
			slv_buf_printf(buf, "%%%02X", (unsigned)c);
		else
			slv_buf_add_char(buf, c);
	}
}

static void add_part(struct slv_buf *head, slv_str boundary, const char *name, slv_str value)
{
	slv_buf_printf(head, "--%.*s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n",
			SLV_FMT(boundary), name);
	slv_buf_add(head, value);
	slv_buf_add(head, SLV_STR("\r\n"));
}

static slv_err make_form(struct slot *slot)
{
	struct uploads *uploads = slot->uploads;
	const struct upload_picture *picture = slot->picture;
	uint8_t random[BOUNDARY_BYTES / 2];
	char hex[BOUNDARY_BYTES];
	slv_str boundary = { hex, sizeof(hex) };
	slv_loop_random(uploads->loop, random, sizeof(random));
	slv_str_hex(random, sizeof(random), hex);
	slv_buf_clear(&slot->head);
	add_part(&slot->head, boundary, "id", picture->id);
	if (uploads->is_private)
		add_part(&slot->head, boundary, "requireSignedURLs", SLV_STR("true"));
	slv_buf_printf(&slot->head,
			"--%.*s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"",
			SLV_FMT(boundary));
	size_t slash = slv_str_find_last(picture->name, '/');
	add_quoted(&slot->head, slash < picture->name.len
						? slv_str_from_index(picture->name, slash + 1)
						: picture->name);
	slv_buf_add(&slot->head, SLV_STR("\"\r\nContent-Type: application/octet-stream\r\n\r\n"));
	slot->tail = slv_str_printf(&slot->arena, "\r\n--%.*s--\r\n", SLV_FMT(boundary));
	slv_str type = slv_str_printf(
			&slot->arena, "multipart/form-data; boundary=%.*s", SLV_FMT(boundary));
	if (slot->head.overflow || !slot->tail.at || !type.at)
		return SLV_ERR(SLV_E_LIMIT, "its name is too long");
	slv_err err = token_field(uploads, &slot->arena, &slot->fields);
	return slv_failed(err) ? err
	                       : slv_fields_add_id(&slot->fields, SLV_FIELD_CONTENT_TYPE, type);
}

/* Its bytes are in slot->fd. */
static void slot_upload(struct slot *slot)
{
	struct uploads *uploads = slot->uploads;
	slv_err err = make_form(slot);
	slv_str url = slv_str_printf(&slot->arena, "%.*s" SLV_API_PREFIX "/accounts/%.*s/images/v1",
			SLV_FMT(uploads->api), SLV_FMT(uploads->account));
	if (slv_failed(err) || !url.at) {
		slot_fail(slot, err.what ? err.what : "its name is too long");
		return;
	}
	slot->fetch = (struct slv_fetch){ .url = url,
		.body_bytes_max = SLV_MIB(1),
		.deadline_ms = UPLOAD_MS,
		.arena = &slot->arena,
		.method = SLV_STR("POST"),
		.fields = &slot->fields,
		.send_bytes = slot->head.len + slot->bytes + slot->tail.len,
		.send = form_piece,
		.done = sent };
	slv_fetch_start(uploads->client, &slot->fetch);
}

static void slot_other(struct slot *slot)
{
	if (slot->uploads->tells_each) {
		slot_fail(slot, "it is no picture of a kind that is read");
		return;
	}
	slot->uploads->done.others++;
	slot_end(slot);
}

/* What is no picture is not even sent, nor one that can have no such id. */
static void slot_look(struct slot *slot)
{
	char bytes[SNIFF_BYTES];
	slv_err err = hosted_id_check(slot->picture->id);
	ssize_t len = pread(slot->fd, bytes, sizeof(bytes), 0);
	if (len < 0) {
		slot_fail(slot, strerror(errno));
	} else if (slv_format_sniff((slv_str){ bytes, (size_t)len }) == SLV_FORMAT_SAME) {
		slot_other(slot);
	} else if (slv_failed(err)) {
		slot_fail(slot, err.what);
	} else {
		slot_upload(slot);
	}
}

/* --- where it comes from --- */

static void fetched_object(struct slv_fetch *fetch, slv_err err, struct slv_fetched *fetched)
{
	struct slot *slot = SLV_CONTAINER(fetch, struct slot, fetch);
	int status = fetched ? fetched->status : 0;
	if (status == 200 && fetched->body_fd >= 0) {
		slot->fd = slv_fd_take(&fetched->body_fd);
		slot->bytes = fetched->body_bytes;
		slot_look(slot);
		return;
	}
	if (fetched)
		slv_fd_done(&fetched->body_fd);
	if (err.code != SLV_E_LIMIT && status != 200 && slot_again(slot, status))
		return;
	slv_str text = slv_str_printf(&slot->arena, "the bucket answered with status %d", status);
	slot_fail(slot, slv_failed(err) ? err.what : text.at ? text.at : "it is not there");
}

static void slot_fetch(struct slot *slot)
{
	struct uploads *uploads = slot->uploads;
	slv_str url;
	slv_err err = bucket_request(&slot->arena, uploads->bucket, slot->picture->name,
			slv_loop_wall_s(uploads->loop), &url, &slot->fields);
	if (slv_failed(err)) {
		slot_fail(slot, err.what);
		return;
	}
	slot->fetch = (struct slv_fetch){ .url = url,
		.body_bytes_max = UPLOAD_SOURCE_BYTES_MAX,
		.deadline_ms = UPLOAD_MS,
		.arena = &slot->arena,
		.fields = &slot->fields,
		.done = fetched_object };
	slv_fetch_start(uploads->client, &slot->fetch);
}

static void slot_open(struct slot *slot)
{
	struct stat info;
	char *path = slv_cstr(&slot->arena, slot->picture->name);
	slot->fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (slot->fd < 0 || fstat(slot->fd, &info) != 0) {
		slot_fail(slot, path ? strerror(errno) : "its name is too long");
	} else if (!S_ISREG(info.st_mode)) {
		slot_fail(slot, "it is no file");
	} else {
		slot->bytes = (uint64_t)info.st_size;
		slot_look(slot);
	}
}

static void slot_send(struct slot *slot)
{
	slv_fd_done(&slot->fd);
	slv_arena_reset(&slot->arena);
	if (slot->uploads->bucket)
		slot_fetch(slot);
	else
		slot_open(slot);
}

/* --- all of them --- */

/* The next picture that is not there yet. */
static void slot_next(struct slot *slot)
{
	struct uploads *uploads = slot->uploads;
	while (uploads->next < uploads->count) {
		const struct upload_picture *picture = &uploads->pictures[uploads->next++];
		const void *found = slv_map_get(&uploads->there, picture->id);
		if (found == uploads) {
			uploads->done.skipped++;
			continue;
		}
		if (found) {
			tell_failed(uploads, picture, "its id is that of another one of this run");
			continue;
		}
		slv_map_put(&uploads->there, picture->id, slot); /* of this run */
		uploads->under_way++;
		slot->picture = picture;
		slot->tries = 0;
		slot_send(slot);
		return;
	}
}

static void go_fire(struct slv_task *task)
{
	slot_next(SLV_CONTAINER(task, struct slot, go));
}

static void pause_fire(struct slv_timer *timer)
{
	slot_send(SLV_CONTAINER(timer, struct slot, pause));
}

slv_err uploads_run(struct uploads *uploads)
{
	slv_err err = find_account(uploads);
	if (!slv_failed(err))
		err = list_there(uploads);
	if (slv_failed(err))
		return err;
	slv_assert(uploads->at_once && uploads->at_once <= UPLOAD_AT_ONCE_MAX);
	struct slot *slots = slv_alloc(uploads->at_once * sizeof(*slots));
	for (size_t i = 0; i < uploads->at_once; i++) {
		struct slot *slot = &slots[i];
		slot->uploads = uploads;
		slot->fd = -1;
		slot->go.run = go_fire;
		slot->pause.fire = pause_fire;
		slv_arena_init(&slot->arena, SLV_KIB(16), SLOT_BYTES_MAX);
		slv_buf_init(&slot->head, HEAD_BYTES_MAX);
		slv_task_start(uploads->loop, &slot->go);
	}
	do {
		slv_loop_turn(uploads->loop, uploads->under_way > 0);
		show(uploads);
	} while (uploads->under_way || uploads->next < uploads->count);
	for (size_t i = 0; i < uploads->at_once; i++) {
		slv_task_stop(&slots[i].go);
		slv_arena_done(&slots[i].arena);
		slv_buf_done(&slots[i].head);
	}
	slv_free(slots);
	return SLV_OK;
}
