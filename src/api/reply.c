#include "api/api.h"

#include "http/problem.h"
#include "http/query.h"

#define REPLY_BYTES_MAX SLV_MIB(64)

static int add_bytes(const char *bytes, size_t len, void *arg)
{
	struct slv_buf *buf = arg;
	slv_buf_add(buf, (slv_str){ bytes, len });
	return 0;
}

void slv_api_dump(const json_t *value, struct slv_buf *buf)
{
	/* It fails only if add_bytes() does. */
	(void)json_dump_callback(value, add_bytes, buf, JSON_COMPACT | JSON_ENCODE_ANY);
}

json_t *slv_api_json(slv_str text)
{
	return json_loadb(text.at ? text.at : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

json_t *slv_api_text(slv_str text)
{
	return json_stringn(text.at ? text.at : "", text.len);
}

slv_str slv_api_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	if (!json_is_string(value))
		return (slv_str){ 0 };
	return (slv_str){ json_string_value(value), json_string_length(value) };
}

/* A field more, unless its value is empty. */
static slv_err add_field(struct slv_reply *reply, slv_err err, enum slv_field_id id, slv_str value)
{
	return slv_failed(err) || !value.len ? err : slv_fields_add_id(&reply->fields, id, value);
}

/* `text` is taken. */
static void reply_text(struct slv_req *req, int status, const char *code, slv_str allowed,
		struct slv_buf *text)
{
	struct slv_reply reply;
	slv_reply_init(&reply, req, status);
	slv_str retry = status == 503 ? SLV_STR("1") : (slv_str){ 0 };
	slv_str allow = slv_str_copy(req->arena, allowed);
	slv_err err = slv_fields_add_id(
			&reply.fields, SLV_FIELD_CONTENT_TYPE, SLV_STR("application/json"));
	err = add_field(&reply, err, SLV_FIELD_CACHE_CONTROL, SLV_STR("no-store"));
	err = add_field(&reply, err, SLV_FIELD_RETRY_AFTER, retry);
	err = add_field(&reply, err, SLV_FIELD_ALLOW, allow);
	if (!slv_failed(err) && text->overflow)
		err = SLV_ERR(SLV_E_LIMIT, "the reply is larger than 64 MiB; ask for less");
	if (slv_failed(err)) {
		slv_buf_done(text);
		slv_problem_reply(req, err);
		return;
	}
	reply.code = code;
	reply.body = slv_body_take(text);
	slv_req_reply(req, &reply);
}

void slv_api_reply(struct slv_req *req, json_t *result, json_t *info)
{
	struct slv_buf text;
	slv_buf_init(&text, REPLY_BYTES_MAX);
	slv_buf_add(&text, SLV_STR("{\"success\":true,\"errors\":[],\"messages\":[],\"result\":"));
	if (result)
		slv_api_dump(result, &text);
	else
		slv_buf_add(&text, SLV_STR("null"));
	if (info) {
		slv_buf_add(&text, SLV_STR(",\"result_info\":"));
		slv_api_dump(info, &text);
	}
	slv_buf_add(&text, SLV_STR("}\n"));
	json_decref(result);
	json_decref(info);
	reply_text(req, 200, NULL, (slv_str){ 0 }, &text);
}

static void fail(struct slv_req *req, int status, int code, const char *name, const char *message,
		slv_str allowed)
{
	struct slv_buf text;
	slv_buf_init(&text, REPLY_BYTES_MAX);
	slv_buf_printf(&text, "{\"success\":false,\"errors\":[{\"code\":%d,\"message\":", code);
	slv_buf_add_json(&text, slv_str_from(message));
	slv_buf_add(&text, SLV_STR("}],\"messages\":[],\"result\":null}\n"));
	req->error_why = slv_str_copy(req->arena, slv_str_from(message)); /* for the log only */
	reply_text(req, status, name, allowed, &text);
}

void slv_api_fail(struct slv_req *req, int status, int code, const char *message)
{
	fail(req, status, code, "api", message, (slv_str){ 0 });
}

void slv_api_fail_method(struct slv_req *req, slv_str allowed)
{
	fail(req, 405, SLV_API_E_METHOD, "api",
			"Method not available for that URI; see the documentation", allowed);
}

void slv_api_fail_err(struct slv_api_ask *ask, slv_err err)
{
	struct slv_req *req = ask->req;
	bool has_own = ask->group && ask->group->limit_code;
	int limit_code = has_own ? ask->group->limit_code : SLV_API_E_LIMIT;
	/* To the API a damaged row is no fault of the request, as a damaged picture is. */
	int status = err.code == SLV_E_CORRUPT ? 500 : slv_code_status(err.code);
	bool ours = status >= 500 && status != 503;
	int code = err.code == SLV_E_LIMIT ? limit_code
	           : status >= 500         ? SLV_API_E_STORE
	                                   : SLV_API_E_INPUT;
	/* What a disk or a database said is for the log. */
	fail(req, status, code, slv_code_name(err.code),
			ours ? "the store cannot answer now; see the log" : err.what,
			(slv_str){ 0 });
	if (ours)
		req->error_why = slv_str_copy(req->arena, slv_str_from(err.what));
}

/* --- pages --- */

static slv_err number_read(
		struct slv_req *req, slv_str name, uint64_t least, uint64_t most, uint64_t *value)
{
	slv_str text;
	slv_err err = slv_query_get(req->arena, req->uri.query, name, SLV_QUERY_SPACE, &text);
	if (slv_failed(err) || !text.at)
		return err;
	uint64_t number;
	if (!slv_str_u64(text, most, &number) || number < least)
		return slv_err_printf(req->arena, SLV_E_SYNTAX,
				"%.*s is a whole number from %llu to %llu", SLV_FMT(name),
				(unsigned long long)least, (unsigned long long)most);
	*value = number;
	return SLV_OK;
}

slv_err slv_api_page_read(struct slv_req *req, uint64_t per_page, uint64_t per_page_min,
		uint64_t per_page_max, struct slv_api_page *ret_page)
{
	*ret_page = (struct slv_api_page){ .page = 1, .per_page = per_page };
	slv_err err = number_read(req, SLV_STR("page"), 1, 1000000000, &ret_page->page);
	if (slv_failed(err))
		return err;
	return number_read(
			req, SLV_STR("per_page"), per_page_min, per_page_max, &ret_page->per_page);
}

void slv_api_reply_page(struct slv_req *req, json_t *all, const struct slv_api_page *page)
{
	uint64_t total = json_array_size(all), from = (page->page - 1) * page->per_page;
	json_t *part = json_array();
	for (uint64_t i = from; i < total && i < from + page->per_page; i++)
		json_array_append(part, json_array_get(all, i));
	json_decref(all);
	json_t *info = json_pack("{s:I, s:I, s:I, s:I, s:I}", "page", (json_int_t)page->page,
			"per_page", (json_int_t)page->per_page, "count",
			(json_int_t)json_array_size(part), "total_count", (json_int_t)total,
			"total_pages", (json_int_t)((total + page->per_page - 1) / page->per_page));
	slv_api_reply(req, part, info);
}
