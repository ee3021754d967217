#include "service/image/hosted/fields.h"

#include "api/api.h"

/* Paths of calls: a picture with such an id could not be asked for. */
static bool is_reserved(slv_str id)
{
	static const char *const names[] = { "stats", "variants", "keys", "config", "batch_token" };
	for (size_t i = 0; i < SLV_COUNT(names); i++)
		if (slv_str_eq(id, slv_str_from(names[i])))
			return true;
	return false;
}

void hosted_fields_init(struct hosted_fields *fields, struct slv_arena *arena)
{
	*fields = (struct hosted_fields){ .arena = arena };
	slv_buf_init(&fields->metadata_text, HOSTED_METADATA_BYTES_MAX);
}

void hosted_fields_done(struct hosted_fields *fields)
{
	json_decref(fields->metadata);
	fields->metadata = NULL;
	slv_buf_done(&fields->metadata_text);
}

/* --- metadata --- */

static slv_err no_metadata(void)
{
	return SLV_ERR(SLV_E_SYNTAX, "metadata is a JSON object");
}

static slv_err set_metadata(struct hosted_fields *fields, slv_str value)
{
	if (fields->metadata)
		return SLV_ERR(SLV_E_SYNTAX, "metadata is said twice");
	if (!value.len)
		return SLV_OK;
	fields->metadata = slv_api_json(value);
	return fields->metadata ? SLV_OK : no_metadata();
}

/* Cut "name]" off `*path`, which begins behind its '['. */
static bool cut_name(slv_str *path, slv_str *ret_name)
{
	size_t end = slv_str_find(*path, ']');
	if (end == path->len || end == 0)
		return false;
	*ret_name = slv_str_head(*path, end);
	*path = slv_str_from_index(*path, end + 1);
	return !path->len || path->at[0] == '[';
}

/* `path` is "[a][b]". */
static slv_err set_member(struct hosted_fields *fields, slv_str path, slv_str value)
{
	if (!fields->metadata)
		fields->metadata = json_object();
	json_t *at = fields->metadata;
	for (int depth = 0; depth < HOSTED_METADATA_DEPTH_MAX; depth++) {
		slv_str name;
		path = slv_str_from_index(path, 1);
		if (!cut_name(&path, &name))
			return SLV_ERR(SLV_E_SYNTAX, "members of metadata are metadata[name]");
		json_t *member = json_object_getn(at, name.at, name.len);
		if (!json_is_object(at) || (member && !(path.len && json_is_object(member))))
			return SLV_ERR(SLV_E_SYNTAX, "a member of metadata is said twice");
		if (!member) {
			member = path.len ? json_object() : slv_api_text(value);
			if (!member || json_object_setn_new(at, name.at, name.len, member) < 0)
				return SLV_ERR(SLV_E_SYNTAX, "metadata is UTF-8");
		}
		if (!path.len)
			return SLV_OK;
		at = member;
	}
	return SLV_ERR(SLV_E_LIMIT, "metadata has 5 levels at most");
}

slv_err hosted_metadata_check(const json_t *metadata, struct slv_buf *text)
{
	slv_buf_clear(text);
	if (!metadata || json_is_null(metadata))
		return SLV_OK;
	if (!json_is_object(metadata))
		return no_metadata();
	if (json_object_size(metadata))
		slv_api_dump(metadata, text);
	return text->overflow ? SLV_ERR(SLV_E_LIMIT, "metadata has 1024 bytes at most") : SLV_OK;
}

/* --- the others --- */

slv_err hosted_creator_check(slv_str creator)
{
	if (creator.len > HOSTED_CREATOR_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "creator has 1024 bytes at most");
	json_t *text = slv_api_text(creator);
	json_decref(text);
	return text ? SLV_OK : SLV_ERR(SLV_E_SYNTAX, "creator is UTF-8");
}

static slv_err set_text(struct hosted_fields *fields, slv_str name, slv_str value, slv_str *text)
{
	if (text->at)
		return slv_err_printf(
				fields->arena, SLV_E_SYNTAX, "%.*s is said twice", SLV_FMT(name));
	*text = slv_str_copy(fields->arena, value.at ? value : SLV_STR(""));
	return text->at ? SLV_OK : SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
}

/* It is looked for while the rest is still on its way: so what cannot be one is told at once. */
static slv_err set_id(struct hosted_fields *fields, slv_str value)
{
	slv_err err = value.len ? hosted_id_check(value) : SLV_OK;
	if (slv_failed(err))
		return err;
	if (hosted_id_is_uuid(value))
		return SLV_ERR(SLV_E_SYNTAX, "an id of your own cannot be a UUID");
	if (is_reserved(value))
		return SLV_ERR(SLV_E_SYNTAX, "that id is the name of a call");
	return set_text(fields, SLV_STR("id"), value, &fields->id);
}

static slv_err set_signed(struct hosted_fields *fields, slv_str value)
{
	bool yes = slv_str_eq(value, SLV_STR("true"));
	if (fields->has_signed)
		return SLV_ERR(SLV_E_SYNTAX, "requireSignedURLs is said twice");
	if (!yes && !slv_str_eq(value, SLV_STR("false")))
		return SLV_ERR(SLV_E_SYNTAX, "requireSignedURLs is true or false");
	fields->has_signed = true;
	fields->is_signed = yes;
	return SLV_OK;
}

slv_err hosted_fields_set(struct hosted_fields *fields, slv_str name, slv_str value)
{
	static const slv_str bracket = SLV_STR_INIT("metadata[");
	if (slv_str_eq(name, SLV_STR("id")))
		return set_id(fields, value);
	if (slv_str_eq(name, SLV_STR("url")))
		return set_text(fields, name, value, &fields->url);
	if (slv_str_eq(name, SLV_STR("creator")))
		return set_text(fields, name, value, &fields->creator);
	if (slv_str_eq(name, SLV_STR("expiry")))
		return set_text(fields, name, value, &fields->expiry);
	if (slv_str_eq(name, SLV_STR("requireSignedURLs")))
		return set_signed(fields, value);
	if (slv_str_eq(name, SLV_STR("metadata")))
		return set_metadata(fields, value);
	if (slv_str_starts(name, bracket))
		return set_member(fields, slv_str_from_index(name, bracket.len - 1), value);
	return SLV_OK;
}

slv_err hosted_fields_check(struct hosted_fields *fields)
{
	slv_err err = hosted_metadata_check(fields->metadata, &fields->metadata_text);
	if (!slv_failed(err))
		err = hosted_creator_check(fields->creator);
	if (!slv_failed(err) && fields->url.len > HOSTED_URL_BYTES_MAX)
		err = SLV_ERR(SLV_E_LIMIT, "url has 2048 bytes at most");
	return err;
}
