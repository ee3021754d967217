/* draft.c - a picture to be, and a link by which somebody may upload it once
 *
 * The link's secret is told once; what is kept is its digest. The draft is a row like that of a
 * picture, so that nobody else gets its id; it goes when its time is over (sweep.c).
 */
#include "http/date.h"
#include "http/multipart.h"
#include "service/image/hosted/fields.h"
#include "service/image/hosted/private.h"

#include <string.h>

#define BODY_BYTES_MAX SLV_KIB(16)
#define LEAST_S 120
#define MOST_S (6 * 3600)
#define USUAL_S 1800
#define SLACK_S 60      /* clocks differ */
#define SECRET_BYTES 48 /* hexadecimal digits */

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	struct slv_api_body body;
	struct hosted_fields fields;
	struct slv_buf value;
	slv_str id;
	char own_id[HOSTED_UUID_BYTES];
	char secret[SECRET_BYTES];
	char row[HOSTED_IMAGE_BYTES_MAX];
	char keys[3][HOSTED_KEY_BYTES_MAX];
	struct slv_omap_change changes[3];
};

static void work_drop(void *arg)
{
	struct work *work = arg;
	slv_api_body_done(&work->body);
	hosted_fields_done(&work->fields);
	slv_buf_done(&work->value);
}

/* --- what is asked for --- */

static slv_err take_part(struct work *work, struct slv_multipart *form, slv_str *bytes,
		enum slv_multipart_event *event, slv_str *name)
{
	size_t used;
	slv_str data;
	slv_err err = slv_multipart_decode(form, *bytes, &used, event, &data);
	if (slv_failed(err))
		return err;
	*bytes = slv_str_from_index(*bytes, used);
	if (*event == SLV_MULTIPART_PART) {
		*name = slv_str_copy(work->call.ask->req->arena, form->part.name);
		slv_buf_clear(&work->value);
	} else if (*event == SLV_MULTIPART_DATA) {
		slv_buf_add(&work->value, data);
	} else if (*event == SLV_MULTIPART_PART_END) {
		return hosted_fields_set(&work->fields, *name, slv_buf_str(&work->value));
	}
	return SLV_OK;
}

static slv_err read_form(struct work *work)
{
	struct slv_req *req = work->call.ask->req;
	slv_str type = slv_fields_get(&req->fields, SLV_FIELD_CONTENT_TYPE), name = { 0 };
	slv_str bytes = slv_buf_str(&work->body.text);
	struct slv_multipart form;
	enum slv_multipart_event event = SLV_MULTIPART_PART;
	if (!bytes.len)
		return SLV_OK;
	slv_err err = slv_multipart_init(&form, req->arena, type, &SLV_MULTIPART_LIMITS);
	while (!slv_failed(err) && event != SLV_MULTIPART_NEED)
		err = take_part(work, &form, &bytes, &event, &name);
	return slv_failed(err) ? err : slv_multipart_finish(&form);
}

static slv_err read_expiry(struct work *work, int64_t *ret_expires_ms)
{
	int64_t now_ms = slv_loop_wall_ms(work->call.hosted->loop), expires_s;
	*ret_expires_ms = now_ms + INT64_C(1000) * USUAL_S;
	if (!work->fields.expiry.len)
		return SLV_OK;
	if (!slv_date_parse_iso(work->fields.expiry, &expires_s))
		return SLV_ERR(SLV_E_SYNTAX, "expiry is a time, as 2030-01-31T12:00:00Z");
	if (expires_s < now_ms / 1000 + LEAST_S - SLACK_S ||
			expires_s > now_ms / 1000 + MOST_S + SLACK_S)
		return SLV_ERR(SLV_E_SYNTAX, "expiry is 2 minutes to 6 hours from now");
	*ret_expires_ms = expires_s * 1000;
	return SLV_OK;
}

/* --- the answer --- */

/* Where the API was asked, unless the settings say where to upload. */
static slv_str link_of(const struct work *work)
{
	const struct slv_req *req = work->call.ask->req;
	slv_str url = work->call.hosted->settings->upload_url;
	slv_str secret = { work->secret, sizeof(work->secret) };
	if (url.len)
		return slv_str_printf(req->arena, "%.*s/%.*s", SLV_FMT(url), SLV_FMT(secret));
	bool is_v6 = slv_str_find(req->host, ':') < req->host.len;
	slv_str port = { 0 };
	if (req->host_port)
		port = slv_str_printf(req->arena, ":%u", req->host_port);
	return slv_str_printf(req->arena, "%.*s://%s%.*s%s%.*s" SLV_API_PREFIX "/upload/%.*s",
			SLV_FMT(req->scheme), is_v6 ? "[" : "", SLV_FMT(req->host),
			is_v6 ? "]" : "", SLV_FMT(port), SLV_FMT(secret));
}

static void written(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	slv_str url = link_of(work);
	if (slv_failed(err) && !call->batch.in_doubt)
		hosted_draft_ends(call->hosted);
	if (err.code == SLV_E_PRECONDITION)
		hosted_refuse(call, 409, HOSTED_E_TAKEN, "Resource already exists");
	else if (slv_failed(err))
		hosted_fail(call, err);
	else
		slv_api_reply(call->ask->req,
				json_pack("{s:s%, s:s%}", "id", work->id.at, work->id.len,
						"uploadURL", url.at ? url.at : "", url.len),
				NULL);
}

/* --- the rows --- */

static void write_draft(struct work *work, int64_t expires_ms)
{
	struct hosted *hosted = work->call.hosted;
	uint8_t random[16];
	struct hosted_image image = {
		.is_draft = true,
		.uploaded_ms = slv_loop_wall_ms(hosted->loop),
		.expires_ms = expires_ms,
		.is_signed = work->fields.is_signed,
		.creator = work->fields.creator,
		.metadata = slv_buf_str(&work->fields.metadata_text),
	};
	slv_loop_random_hex(hosted->loop, work->secret, sizeof(work->secret));
	hosted_secret_digest((slv_str){ work->secret, sizeof(work->secret) }, image.upload);
	work->id = work->fields.id;
	if (!work->id.len) {
		slv_loop_random(hosted->loop, random, sizeof(random));
		hosted_uuid_print(random, work->own_id);
		work->id = (slv_str){ work->own_id, sizeof(work->own_id) };
	}
	work->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_ABSENT,
		.key = hosted_row_key('i', work->id, work->keys[0]),
		.value = { work->row, hosted_image_write(&image, work->row) } };
	work->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = hosted_secret_key('u', image.upload, work->keys[1]),
		.value = work->id };
	work->changes[2] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = hosted_time_key('x', expires_ms, work->changes[0].key, work->keys[2]) };
	hosted->drafts++;
	hosted_write(&work->call, work->changes, 3, written);
}

static void body_read(struct slv_api_body *body, slv_err err)
{
	struct work *work = SLV_CONTAINER(body, struct work, body);
	int64_t expires_ms = 0;
	if (!slv_failed(err))
		err = read_form(work);
	if (!slv_failed(err))
		err = hosted_fields_check(&work->fields);
	if (!slv_failed(err))
		err = read_expiry(work, &expires_ms);
	if (!slv_failed(err))
		err = hosted_check_drafts(&work->call); /* others were not held up by their body */
	slv_api_body_done(body);
	if (slv_failed(err))
		hosted_fail(&work->call, err);
	else
		write_draft(work, expires_ms);
}

static slv_err begin(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	slv_err err = hosted_check_images(call);
	if (!slv_failed(err))
		err = hosted_check_drafts(call);
	if (slv_failed(err))
		return err;
	work->body = (struct slv_api_body){
		.bodies = &call->hosted->bodies,
		.req = call->ask->req,
		.bytes_max = BODY_BYTES_MAX,
		.done = body_read,
	};
	slv_api_body_read(&work->body);
	return SLV_OK;
}

slv_err hosted_serve_draft(struct slv_api_ask *ask)
{
	struct hosted *hosted = ask->self;
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	work->body.bodies = &hosted->bodies;
	hosted_fields_init(&work->fields, ask->req->arena);
	slv_buf_init(&work->value, BODY_BYTES_MAX);
	if (!slv_arena_defer(ask->req->arena, work_drop, work))
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return hosted_begin(&work->call, ask, begin);
}
