#include "http/condition.h"

#include "base/arena.h"
#include "base/assert.h"
#include "http/date.h"
#include "http/problem.h"
#include "http/token.h"

/* --- entity tags (RFC 9110 section 8.8.3) --- */

/* The tag without W/, quotes included; empty if it is none. */
static slv_str cut_weak(slv_str etag, bool *ret_weak)
{
	*ret_weak = slv_str_starts(etag, SLV_STR("W/"));
	slv_str opaque = slv_str_from_index(etag, *ret_weak ? 2 : 0);
	return opaque.len >= 2 && opaque.at[0] == '"' ? opaque : (slv_str){ 0 };
}

/* Section 8.8.3.2: the strong comparison wants both to be strong. */
static bool etag_same(slv_str a, slv_str b, bool strong)
{
	bool weak_a, weak_b;
	slv_str opaque_a = cut_weak(a, &weak_a), opaque_b = cut_weak(b, &weak_b);
	if (opaque_a.len == 0 || (strong && (weak_a || weak_b)))
		return false;
	return slv_str_eq(opaque_a, opaque_b);
}

/* Take the tag at the head of `*rest` off, or, if there is none, what stands before the next
 * comma: then false. A backslash in a tag is a character like any other, so that this is not
 * the list of slv_token_next(). */
static bool cut_etag(slv_str *rest, slv_str *ret_etag)
{
	size_t quote = slv_str_starts(*rest, SLV_STR("W/")) ? 2 : 0;
	slv_str behind = slv_str_from_index(*rest, quote + 1);
	size_t len = slv_str_find(behind, '"');
	if (quote >= rest->len || rest->at[quote] != '"' || len == behind.len) {
		slv_str_cut(rest, ',');
		return false;
	}
	*ret_etag = slv_str_head(*rest, quote + len + 2);
	*rest = slv_token_skip_space(slv_str_from_index(behind, len + 1));
	bool ended = rest->len == 0 || rest->at[0] == ',';
	slv_str_cut(rest, ',');
	return ended;
}

static bool list_has(slv_str list, slv_str etag, bool strong)
{
	while (list.len) {
		slv_str one;
		list = slv_token_skip_space(list);
		if (cut_etag(&list, &one) && etag_same(one, etag, strong))
			return true;
	}
	return false;
}

/* Any line of the field `id` is a star or lists the tag. */
static bool field_matches(const struct slv_req *req, enum slv_field_id id,
		const struct slv_validator *have, bool strong)
{
	const struct slv_field *field = NULL;
	while (have && (field = slv_fields_find(&req->fields, id, field)))
		if (slv_str_eq(field->value, SLV_STR("*")) ||
				list_has(field->value, have->etag, strong))
			return true;
	return false;
}

/* --- preconditions --- */

/* The date of a field that is there once; one that does not parse is as if it were not there
 * (sections 13.1.3 and 13.1.4). */
static bool field_date(
		const struct slv_req *req, enum slv_field_id id, int64_t now_s, int64_t *ret_date_s)
{
	const struct slv_field *field = slv_fields_find(&req->fields, id, NULL);
	return field && !slv_fields_find(&req->fields, id, field) &&
	       slv_date_parse(field->value, now_s, ret_date_s);
}

static bool is_read(const struct slv_req *req)
{
	return req->method == SLV_METHOD_GET || req->method == SLV_METHOD_HEAD;
}

/* Steps 1 and 2 of section 13.2.2: is this still what the client knows? */
static bool still_known(const struct slv_req *req, const struct slv_validator *have, int64_t now_s)
{
	int64_t date_s;
	if (slv_fields_find(&req->fields, SLV_FIELD_IF_MATCH, NULL))
		return field_matches(req, SLV_FIELD_IF_MATCH, have, true);
	if (!have || have->modified_s < 0 ||
			!field_date(req, SLV_FIELD_IF_UNMODIFIED_SINCE, now_s, &date_s))
		return true;
	return have->modified_s <= date_s;
}

/* Steps 3 and 4: is this what the client has not got yet? */
static bool is_new(const struct slv_req *req, const struct slv_validator *have, int64_t now_s)
{
	int64_t date_s;
	if (slv_fields_find(&req->fields, SLV_FIELD_IF_NONE_MATCH, NULL))
		return !field_matches(req, SLV_FIELD_IF_NONE_MATCH, have, false);
	if (!is_read(req) || !have || have->modified_s < 0 ||
			!field_date(req, SLV_FIELD_IF_MODIFIED_SINCE, now_s, &date_s))
		return true;
	return have->modified_s > date_s;
}

enum slv_condition slv_condition_check(
		const struct slv_req *req, const struct slv_validator *have, int64_t now_s)
{
	/* Methods that select no representation have no preconditions (section 13.2.1). */
	if (req->method == SLV_METHOD_CONNECT || req->method == SLV_METHOD_OPTIONS ||
			req->method == SLV_METHOD_TRACE)
		return SLV_CONDITION_GO;
	if (!still_known(req, have, now_s))
		return SLV_CONDITION_FAILED;
	if (is_new(req, have, now_s))
		return SLV_CONDITION_GO;
	return is_read(req) ? SLV_CONDITION_SAME : SLV_CONDITION_FAILED;
}

/* Section 13.1.5. A date is strong, and so of use here, only when a second change within its
 * second can no longer come (section 8.8.2.2). */
static bool if_range_holds(
		const struct slv_req *req, const struct slv_validator *have, int64_t now_s)
{
	const struct slv_field *field = slv_fields_find(&req->fields, SLV_FIELD_IF_RANGE, NULL);
	int64_t date_s;
	if (!field)
		return true;
	if (slv_fields_find(&req->fields, SLV_FIELD_IF_RANGE, field))
		return false;
	if (etag_same(field->value, have->etag, true))
		return true;
	return have->modified_s >= 0 && have->modified_s < now_s &&
	       slv_date_parse(field->value, now_s, &date_s) && date_s == have->modified_s;
}

enum slv_range_verdict slv_condition_range(const struct slv_req *req,
		const struct slv_validator *have, uint64_t length, int64_t now_s,
		struct slv_range *ret_range)
{
	const struct slv_field *field = slv_fields_find(&req->fields, SLV_FIELD_RANGE, NULL);
	if (req->method != SLV_METHOD_GET || !field ||
			slv_fields_find(&req->fields, SLV_FIELD_RANGE, field))
		return SLV_RANGE_WHOLE;
	if (!if_range_holds(req, have, now_s))
		return SLV_RANGE_WHOLE;
	return slv_range_parse(field->value, length, ret_range);
}

/* --- the reply --- */

/* A clock that is behind must not make us tell a future (section 8.8.2.1). */
static slv_err add_validators(
		struct slv_reply *reply, const struct slv_validator *have, int64_t now_s)
{
	struct slv_fields *fields = &reply->fields;
	if (have->etag.len) {
		slv_err err = slv_fields_set(fields, SLV_FIELD_ETAG, have->etag);
		if (slv_failed(err))
			return err;
	}
	if (have->modified_s >= 0) {
		char *date = slv_arena_bytes(fields->arena, SLV_DATE_BYTES);
		if (!date)
			return SLV_ERR(SLV_E_LIMIT, "no memory for Last-Modified");
		slv_date_print(have->modified_s < now_s ? have->modified_s : now_s, date);
		slv_err err = slv_fields_set(
				fields, SLV_FIELD_LAST_MODIFIED, (slv_str){ date, SLV_DATE_BYTES });
		if (slv_failed(err))
			return err;
	}
	return slv_fields_set(fields, SLV_FIELD_ACCEPT_RANGES, SLV_STR("bytes"));
}

/* What tells about the bytes of a 200, which a 304 has not (section 15.4.5). The other
 * fields replace those that the client has stored. */
static bool is_of_content(const struct slv_field *field)
{
	static const slv_str kept[] = { SLV_STR_INIT("content-location"),
		SLV_STR_INIT("content-security-policy"),
		SLV_STR_INIT("content-security-policy-report-only") };
	slv_str prefix = SLV_STR("content-");
	if (!slv_str_eq_nocase(slv_str_head(field->name, prefix.len), prefix))
		return false;
	for (size_t i = 0; i < SLV_COUNT(kept); i++)
		if (slv_str_eq_nocase(field->name, kept[i]))
			return false;
	return true;
}

static void make_same(struct slv_reply *reply)
{
	struct slv_fields *fields = &reply->fields;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < fields->count; i++)
		if (!is_of_content(&fields->at[i]))
			fields->at[kept++] = fields->at[i];
	fields->count = kept;
	reply->status = 304;
	slv_body_done(&reply->body);
}

/* Put an error in the place of `reply`. */
static void make_problem(struct slv_req *req, struct slv_reply *reply, slv_err err)
{
	slv_body_done(&reply->body);
	slv_problem_make(req, err, reply);
}

static void make_bad_range(struct slv_req *req, struct slv_reply *reply)
{
	uint64_t length = reply->body.length;
	make_problem(req, reply,
			slv_err_printf(req->arena, SLV_E_RANGE,
					"Range begins behind the last of %llu bytes",
					(unsigned long long)length));
	slv_str told = slv_str_printf(req->arena, "bytes */%llu", (unsigned long long)length);
	slv_err err = told.at ? slv_fields_set(&reply->fields, SLV_FIELD_CONTENT_RANGE, told)
	                      : SLV_OK;
	/* Section 15.5.17 only asks for the field; without memory for it 416 is still right. */
	(void)err;
}

/* The hold keeps all of the bytes, so it stays as it is. */
static void cut_body(struct slv_body *body, struct slv_range range)
{
	slv_assert(range.count <= body->length && range.first <= body->length - range.count);
	body->bytes = slv_str_head(slv_str_from_index(body->bytes, range.first), range.count);
	body->length = range.count;
	if (body->file.known)
		body->file.offset += range.first;
}

static slv_err make_part(struct slv_reply *reply, struct slv_range range)
{
	slv_str told = slv_str_printf(reply->fields.arena, "bytes %llu-%llu/%llu",
			(unsigned long long)range.first,
			(unsigned long long)(range.first + range.count - 1),
			(unsigned long long)reply->body.length);
	if (!told.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for Content-Range");
	slv_err err = slv_fields_set(&reply->fields, SLV_FIELD_CONTENT_RANGE, told);
	if (slv_failed(err))
		return err;
	reply->status = 206;
	cut_body(&reply->body, range);
	return SLV_OK;
}

/* The 200 that `reply` is becomes what the request asks for. `*range` is all of it before, and what
 * is to be sent of it after. */
static slv_err apply(struct slv_req *req, struct slv_reply *reply, const struct slv_validator *have,
		int64_t now_s, struct slv_range *range)
{
	slv_err err = add_validators(reply, have, now_s);
	if (slv_failed(err))
		return err;
	switch (slv_condition_check(req, have, now_s)) {
	case SLV_CONDITION_FAILED:
		return SLV_ERR(SLV_E_PRECONDITION, "If-Match or If-Unmodified-Since does not hold");
	case SLV_CONDITION_SAME:
		make_same(reply);
		range->count = 0;
		return SLV_OK;
	case SLV_CONDITION_GO:
		break;
	}
	switch (slv_condition_range(req, have, reply->body.length, now_s, range)) {
	case SLV_RANGE_PART:
		return make_part(reply, *range);
	case SLV_RANGE_BAD:
		make_bad_range(req, reply);
		range->count = 0;
		return SLV_OK;
	case SLV_RANGE_WHOLE:
		break;
	}
	return SLV_OK;
}

struct slv_range slv_condition_apply(struct slv_req *req, struct slv_reply *reply,
		const struct slv_validator *have, int64_t now_s)
{
	struct slv_range range = { .first = 0, .count = reply->body.length };
	slv_assert(is_read(req) && reply->status == 200 && !reply->body.source);
	slv_err err = apply(req, reply, have, now_s, &range);
	if (slv_failed(err)) {
		make_problem(req, reply, err);
		range.count = 0;
	}
	return range;
}

void slv_condition_reply(struct slv_req *req, struct slv_reply *reply,
		const struct slv_validator *have, int64_t now_s)
{
	slv_assert(reply->body.length == reply->body.bytes.len);
	(void)slv_condition_apply(req, reply, have, now_s); /* the body was cut to the range */
	slv_req_reply(req, reply);
}
