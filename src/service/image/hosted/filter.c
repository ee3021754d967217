#include "service/image/hosted/filter.h"

#include "api/api.h"
#include "http/query.h"

/* --- reading --- */

static bool find_word(slv_str word, const char *const *words, size_t count, unsigned *ret_index)
{
	for (size_t i = 0; i < count; i++) {
		if (slv_str_eq(word, slv_str_from(words[i]))) {
			*ret_index = (unsigned)i;
			return true;
		}
	}
	return false;
}

/* "[op]" or "[op:type]". */
static slv_err read_operator(struct hosted_condition *condition, slv_str text)
{
	static const char *const whats[] = { "eq", "in", "gt", "gte", "lt", "lte" };
	static const char *const types[] = { "", "string", "number", "boolean" };
	unsigned what, type = HOSTED_ANY;
	if (!slv_str_ends(text, SLV_STR("]")))
		return SLV_ERR(SLV_E_SYNTAX, "a filter is meta.name[operator]=value");
	slv_str rest = slv_str_from_index(slv_str_head(text, text.len - 1), 1);
	slv_str word = slv_str_cut(&rest, ':');
	if (!find_word(word, whats, SLV_COUNT(whats), &what))
		return SLV_ERR(SLV_E_SYNTAX, "operators are eq, in, gt, gte, lt and lte");
	if (rest.at && (!rest.len || !find_word(rest, types, SLV_COUNT(types), &type)))
		return SLV_ERR(SLV_E_SYNTAX, "types of a filter are string, number and boolean");
	if ((what >= HOSTED_GT && type != HOSTED_ANY && type != HOSTED_NUMBER) ||
			(what == HOSTED_IN && type == HOSTED_BOOLEAN))
		return SLV_ERR(SLV_E_SYNTAX, "that operator is not for that type");
	condition->what = what;
	condition->type = what >= HOSTED_GT ? HOSTED_NUMBER : type;
	return SLV_OK;
}

static slv_err read_names(struct hosted_condition *condition, slv_str path)
{
	while (path.at) {
		slv_str name = slv_str_cut(&path, '.');
		if (!name.len)
			return SLV_ERR(SLV_E_SYNTAX, "a filter is meta.name[operator]=value");
		if (condition->depth == HOSTED_FILTER_DEPTH_MAX)
			return SLV_ERR(SLV_E_LIMIT, "a filter has 5 names at most");
		condition->names[condition->depth++] = name;
	}
	return SLV_OK;
}

static bool is_boolean(slv_str value)
{
	return slv_str_eq(value, SLV_STR("true")) || slv_str_eq(value, SLV_STR("false"));
}

static slv_err read_values(struct hosted_condition *condition, slv_str rest)
{
	double number;
	do {
		slv_str value = rest;
		if (condition->what == HOSTED_IN)
			value = slv_str_cut(&rest, '|');
		else
			rest = (slv_str){ 0 };
		if (condition->type == HOSTED_NUMBER && !slv_str_double(value, &number))
			return SLV_ERR(SLV_E_SYNTAX, "the value of that filter is a number");
		if (condition->type == HOSTED_BOOLEAN && !is_boolean(value))
			return SLV_ERR(SLV_E_SYNTAX, "the value of that filter is true or false");
		if (condition->count == HOSTED_FILTER_VALUES_MAX)
			return SLV_ERR(SLV_E_LIMIT, "a filter has 10 values at most");
		condition->values[condition->count++] = value;
	} while (rest.at);
	return SLV_OK;
}

static slv_err read_condition(struct hosted_filter *filter, slv_str name, slv_str value)
{
	size_t bracket = slv_str_find(name, '[');
	if (filter->count == HOSTED_FILTERS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "there are 5 filters of metadata at most");
	struct hosted_condition *condition = &filter->conditions[filter->count++];
	slv_err err = read_names(condition, slv_str_head(name, bracket));
	if (!slv_failed(err))
		err = read_operator(condition, slv_str_from_index(name, bracket));
	return slv_failed(err) ? err : read_values(condition, value);
}

slv_err hosted_filter_read(struct hosted_filter *filter, struct slv_arena *arena, slv_str query)
{
	static const slv_str meta = SLV_STR_INIT("meta.");
	slv_str raw_name, raw_value, name, value;
	*filter = (struct hosted_filter){ 0 };
	for (size_t i = 0; slv_query_next(&query, &raw_name, &raw_value); i++) {
		if (i == SLV_QUERY_PARAMS_MAX)
			return SLV_ERR(SLV_E_LIMIT, "there are too many parameters");
		slv_err err = slv_query_decode(arena, raw_name, SLV_QUERY_SPACE, &name);
		if (!slv_failed(err))
			err = slv_query_decode(arena, raw_value, SLV_QUERY_SPACE, &value);
		if (slv_failed(err))
			return err;
		if (slv_str_eq(name, SLV_STR("creator"))) {
			if (filter->has_creator)
				return SLV_ERR(SLV_E_SYNTAX, "creator is there twice");
			filter->has_creator = true;
			filter->creator = value;
		} else if (slv_str_starts(name, meta)) {
			err = read_condition(filter, slv_str_from_index(name, meta.len), value);
		}
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

/* --- looking --- */

static bool is_value(const struct hosted_condition *condition, const json_t *member, slv_str value)
{
	double number;
	bool any = condition->type == HOSTED_ANY;
	if (json_is_string(member))
		return (any || condition->type == HOSTED_STRING) &&
		       slv_str_eq((slv_str){ json_string_value(member),
						  json_string_length(member) },
				       value);
	if (json_is_number(member))
		return (any || condition->type == HOSTED_NUMBER) &&
		       slv_str_double(value, &number) && json_number_value(member) == number;
	return (any || condition->type == HOSTED_BOOLEAN) && json_is_boolean(member) &&
	       slv_str_eq(value, json_is_true(member) ? SLV_STR("true") : SLV_STR("false"));
}

static bool is_within(const struct hosted_condition *condition, const json_t *member)
{
	double bound, value = json_number_value(member);
	if (!json_is_number(member) || !slv_str_double(condition->values[0], &bound))
		return false;
	switch (condition->what) {
	case HOSTED_GT:
		return value > bound;
	case HOSTED_GTE:
		return value >= bound;
	case HOSTED_LT:
		return value < bound;
	default:
		return value <= bound;
	}
}

static bool holds(const struct hosted_condition *condition, const json_t *metadata)
{
	const json_t *member = metadata;
	for (size_t i = 0; i < condition->depth && member; i++)
		member = json_object_getn(member, condition->names[i].at, condition->names[i].len);
	if (!member)
		return false;
	if (condition->what >= HOSTED_GT)
		return is_within(condition, member);
	for (size_t i = 0; i < condition->count; i++)
		if (is_value(condition, member, condition->values[i]))
			return true;
	return false;
}

bool hosted_filter_fits(const struct hosted_filter *filter, const struct hosted_image *image)
{
	if (filter->has_creator && !slv_str_eq(filter->creator, image->creator))
		return false;
	if (!filter->count)
		return true;
	json_t *metadata = image->metadata.len ? slv_api_json(image->metadata) : NULL;
	bool fits = true;
	for (size_t i = 0; i < filter->count && fits; i++)
		fits = holds(&filter->conditions[i], metadata);
	json_decref(metadata);
	return fits;
}
