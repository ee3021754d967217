#include "api/api.h"

#include "http/problem.h"
#include "http/query.h"

#define REPLY_BYTES_MAX SLV_MIB(64)

static void add_escape(struct slv_buf *buf, char c)
{
	static const char hex[] = "0123456789abcdef";
	const char text[] = { '\\', 'u', '0', '0', hex[(c >> 4) & 15], hex[c & 15] };
	if (c == '"' || c == '\\')
		slv_buf_add(buf, (slv_str){ (char[]){ '\\', c }, 2 });
	else if (c == '\n')
		slv_buf_add(buf, SLV_STR("\\n"));
	else
		slv_buf_add(buf, (slv_str){ text, sizeof(text) });
}

/* It is UTF-8. A value may be long and nothing but escapes: those who wait for the loop must not
 * notice, so this gives up once there is no room. */
static void dump_text(slv_str text, struct slv_buf *buf)
{
	size_t begin = 0;
	slv_buf_add_char(buf, '"');
	for (size_t i = 0; i < text.len && !buf->overflow; i++) {
		uint8_t c = (uint8_t)text.at[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		slv_buf_add(buf, (slv_str){ text.at + begin, i - begin });
		add_escape(buf, text.at[i]);
		begin = i + 1;
	}
	slv_buf_add(buf, slv_str_from_index(text, begin));
	slv_buf_add_char(buf, '"');
}

static int add_bytes(const char *bytes, size_t len, void *arg)
{
	struct slv_buf *buf = arg;
	slv_buf_add(buf, (slv_str){ bytes, len });
	return 0;
}

static void dump_array(const json_t *array, struct slv_buf *buf)
{
	slv_buf_add_char(buf, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			slv_buf_add_char(buf, ',');
		slv_api_dump(json_array_get(array, i), buf);
	}
	slv_buf_add_char(buf, ']');
}

static void dump_object(const json_t *object, struct slv_buf *buf)
{
	const char *name;
	size_t len;
	json_t *value;
	bool first = true;
	slv_buf_add_char(buf, '{');
	json_object_keylen_foreach((json_t *)(uintptr_t)object, name, len, value)
	{
		if (!first)
			slv_buf_add_char(buf, ',');
		first = false;
		dump_text((slv_str){ name, len }, buf);
		slv_buf_add_char(buf, ':');
		slv_api_dump(value, buf);
	}
	slv_buf_add_char(buf, '}');
}

/* As deep as jansson parses, 2048. */
void slv_api_dump(const json_t *value, struct slv_buf *buf)
{
	if (json_is_string(value))
		dump_text((slv_str){ json_string_value(value), json_string_length(value) }, buf);
	else if (json_is_array(value))
		dump_array(value, buf);
	else if (json_is_object(value))
		dump_object(value, buf);
	else /* it fails only if add_bytes() does */
		(void)json_dump_callback(value, add_bytes, buf, JSON_ENCODE_ANY);
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
	if (slv_failed(err)) {
		slv_buf_done(text);
		slv_problem_reply(req, err);
		return;
	}
	reply.code = code;
	reply.body = slv_body_take(text);
	slv_req_reply(req, &reply);
}

static void fail(struct slv_req *req, int status, int code, const char *name, const char *message,
		const char *why, slv_str allowed)
{
	struct slv_buf text;
	slv_buf_init(&text, REPLY_BYTES_MAX);
	slv_buf_printf(&text, "{\"success\":false,\"errors\":[{\"code\":%d,\"message\":", code);
	slv_buf_add_json(&text, slv_str_from(message));
	slv_buf_add(&text, SLV_STR("}],\"messages\":[],\"result\":null}\n"));
	req->error_why = slv_str_copy(req->arena, slv_str_from(why)); /* for the log only */
	reply_text(req, status, name, allowed, &text);
}

void slv_api_fail(struct slv_req *req, int status, int code, const char *message)
{
	fail(req, status, code, "api", message, message, (slv_str){ 0 });
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
	if (text.overflow) {
		slv_buf_done(&text);
		slv_api_fail(req, 413, SLV_API_E_LIMIT,
				"the reply is larger than 64 MiB; ask for less");
		return;
	}
	reply_text(req, 200, NULL, (slv_str){ 0 }, &text);
}

void slv_api_fail_method(struct slv_req *req, slv_str allowed)
{
	const char *message = "Method not available for that URI; see the documentation";
	fail(req, 405, SLV_API_E_METHOD, "api", message, message, allowed);
}

void slv_api_fail_err(struct slv_api_ask *ask, slv_err err)
{
	struct slv_req *req = ask->req;
	bool has_own = ask->group && ask->group->limit_code;
	int limit_code = has_own ? ask->group->limit_code : SLV_API_E_LIMIT;
	/* To the API a damaged row is no fault of the request, as a damaged picture is; and no
	 * origin answers here, but a store that may be back in a moment. */
	int status = err.code == SLV_E_CORRUPT    ? 500
	             : err.code == SLV_E_UPSTREAM ? 503
	                                          : slv_code_status(err.code);
	bool ours = status >= 500 && status != 503;
	int code = err.code == SLV_E_LIMIT ? limit_code
	           : status >= 500         ? SLV_API_E_STORE
	                                   : SLV_API_E_INPUT;
	/* What a disk or a database said is for the log. */
	fail(req, status, code, slv_code_name(err.code),
			ours ? "the store cannot answer now; see the log" : err.what, err.what,
			(slv_str){ 0 });
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
