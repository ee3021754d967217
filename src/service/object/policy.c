#include "service/object/policy.h"

#include "base/base64.h"
#include "http/date.h"

#include <jansson.h>

#define CONDITION_FAILED "Policy Condition failed: the field is "

struct check {
	struct slv_arena *arena;
	const struct slv_object_form *form;
	uint8_t *named; /* fields of the form that a condition names */
	struct slv_object_policy policy;
};

static slv_object_err spent(void)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_SLOW_DOWN, NULL);
}

static slv_object_err invalid(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_POLICY_DOCUMENT, what);
}

static slv_object_err denied(const struct check *check, const char *what, slv_str name)
{
	slv_str text = slv_str_printf(
			check->arena, "Invalid according to Policy: %s%.*s", what, SLV_FMT(name));
	const char *terminated = text.at ? slv_cstr(check->arena, text) : NULL;
	return terminated ? SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_DENIED, terminated) : spent();
}

static slv_str text_of(const json_t *text)
{
	return (slv_str){ json_string_value(text), json_string_length(text) };
}

static bool is_bucket(slv_str name)
{
	return slv_str_eq_nocase(name, SLV_STR("bucket"));
}

/* What the form says to `name`, and that it was asked for. It need not say the bucket. */
static slv_str value_of(struct check *check, slv_str name)
{
	const struct slv_fields *fields = check->form->fields;
	slv_str value = is_bucket(name) ? check->form->bucket : SLV_STR("");
	for (uint32_t i = 0; i < fields->count; i++) {
		if (!slv_str_eq_nocase(fields->at[i].name, name))
			continue;
		check->named[i] = 1;
		value = fields->at[i].value;
	}
	return value;
}

static slv_object_err hold(struct check *check, slv_str name, slv_str want, bool starts)
{
	slv_str have = value_of(check, name);
	bool good = starts ? slv_str_starts(have, want) : slv_str_eq(have, want);
	return good ? SLV_OBJECT_OK : denied(check, CONDITION_FAILED, name);
}

/* A whole number, or one in a text. */
static bool read_bytes(const json_t *number, uint64_t *ret_bytes)
{
	if (json_is_integer(number) && json_integer_value(number) >= 0) {
		*ret_bytes = (uint64_t)json_integer_value(number);
		return true;
	}
	return json_is_string(number) && slv_str_u64(text_of(number), UINT64_MAX, ret_bytes);
}

static slv_object_err hold_range(struct check *check, const json_t *least, const json_t *most)
{
	uint64_t min, max;
	if (!read_bytes(least, &min) || !read_bytes(most, &max))
		return invalid("content-length-range takes two whole numbers.");
	if (min > check->policy.bytes_min)
		check->policy.bytes_min = min;
	if (max < check->policy.bytes_max)
		check->policy.bytes_max = max;
	return SLV_OBJECT_OK;
}

static slv_object_err hold_list(struct check *check, const json_t *condition)
{
	const json_t *what = json_array_get(condition, 0), *name = json_array_get(condition, 1);
	const json_t *value = json_array_get(condition, 2);
	if (json_array_size(condition) != 3 || !json_is_string(what))
		return invalid("A condition is a list of three, or an object.");
	if (slv_str_eq_nocase(text_of(what), SLV_STR("content-length-range")))
		return hold_range(check, name, value);
	bool starts = slv_str_eq_nocase(text_of(what), SLV_STR("starts-with"));
	if (!starts && !slv_str_eq_nocase(text_of(what), SLV_STR("eq")))
		return invalid("A condition is eq, starts-with or content-length-range.");
	if (!json_is_string(name) || !json_is_string(value) ||
			!slv_str_starts(text_of(name), SLV_STR("$")))
		return invalid("A condition is about a '$' and the name of a field, and a text.");
	return hold(check, slv_str_from_index(text_of(name), 1), text_of(value), starts);
}

static slv_object_err hold_object(struct check *check, json_t *condition)
{
	const char *name;
	size_t len;
	json_t *value;
	slv_object_err err = SLV_OBJECT_OK;
	if (json_object_size(condition) != 1)
		return invalid("A condition that is an object has one field.");
	json_object_keylen_foreach(condition, name, len, value)
	{
		err = json_is_string(value)
		                      ? hold(check, (slv_str){ name, len }, text_of(value), false)
		                      : invalid("A condition's value is a text.");
	}
	return err;
}

/* Fields that no condition needs to name. */
static bool is_free(slv_str name)
{
	return slv_str_eq_nocase(name, SLV_STR("policy")) ||
	       slv_str_eq_nocase(name, SLV_STR("x-amz-signature")) ||
	       slv_str_eq_nocase(slv_str_head(name, 9), SLV_STR("x-ignore-"));
}

static slv_object_err hold_all(struct check *check, const json_t *conditions)
{
	const struct slv_fields *fields = check->form->fields;
	size_t index;
	json_t *condition;
	if (!json_is_array(conditions))
		return invalid("The policy has no list of conditions.");
	if (json_array_size(conditions) > SLV_OBJECT_CONDITIONS_MAX)
		return invalid("Conditions: at most 256 are allowed.");
	json_array_foreach(conditions, index, condition)
	{
		slv_object_err err = json_is_object(condition) ? hold_object(check, condition)
		                                               : hold_list(check, condition);
		if (slv_object_failed(err))
			return err;
	}
	for (uint32_t i = 0; i < fields->count; i++) {
		const struct slv_field *field = &fields->at[i];
		if (!check->named[i] && !is_free(field->name))
			return denied(check, "Extra input fields: ", field->name);
		if (is_bucket(field->name) && !slv_str_eq(field->value, check->form->bucket))
			return denied(check, CONDITION_FAILED, field->name);
	}
	return SLV_OBJECT_OK;
}

static slv_object_err hold_time(const struct check *check, const json_t *expiration)
{
	int64_t until_s;
	if (!json_is_string(expiration) || !slv_date_parse_iso(text_of(expiration), &until_s))
		return invalid("The policy has no expiration like 2013-08-06T12:00:00.000Z.");
	return check->form->now_s < until_s ? SLV_OBJECT_OK
	                                    : denied(check, "Policy expired.", SLV_STR(""));
}

/* The bytes of `base64`, which is padded; at == NULL: it is none, or there is no memory. */
static slv_str decode(struct slv_arena *arena, slv_str base64)
{
	size_t len = base64.len / 4 * 3;
	for (size_t i = base64.len; i > 0 && len > 0 && base64.at[i - 1] == '='; i--)
		len--;
	uint8_t *bytes = slv_arena_take(arena, len + 1, 1, 1);
	return bytes && slv_base64_parse(base64, bytes, len) ? (slv_str){ (char *)bytes, len }
	                                                     : (slv_str){ 0 };
}

slv_object_err slv_object_policy_check(struct slv_arena *arena, slv_str base64,
		const struct slv_object_form *form, struct slv_object_policy *ret_policy)
{
	struct check check = { .arena = arena,
		.form = form,
		.named = slv_arena_take(arena, form->fields->count + 1u, 1, 1),
		.policy = { .bytes_max = UINT64_MAX } };
	slv_str text = decode(arena, base64);
	if (!check.named)
		return spent();
	json_t *root = text.at ? json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	slv_object_err err =
			json_is_object(root)
					? hold_time(&check, json_object_get(root, "expiration"))
					: invalid("The policy is no JSON in Base64.");
	if (!slv_object_failed(err))
		err = hold_all(&check, json_object_get(root, "conditions"));
	json_decref(root);
	if (!slv_object_failed(err))
		*ret_policy = check.policy;
	return err;
}
