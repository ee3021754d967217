/* One setting of a scalar type, from its text. */
#include "conf/read.h"

#include <stdio.h>
#include <string.h>

static bool wrong_text(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, const char *how)
{
	char text[SLV_CONF_SHORT_BYTES];
	return slv_conf_fail(read, node, "%s is %s, %s", *key->name ? key->name : "this key",
			slv_conf_short(node->text, text), how);
}

static bool in_bounds(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, double value)
{
	char bound[32], how[64];
	if (slv_conf_has_min(key) && value < key->min) {
		slv_conf_bound(key, key->min, bound);
		snprintf(how, sizeof(how), "at least %s is needed", bound);
		return wrong_text(read, node, key, how);
	}
	if (slv_conf_has_max(key) && value > key->max) {
		slv_conf_bound(key, key->max, bound);
		snprintf(how, sizeof(how), "at most %s is allowed", bound);
		return wrong_text(read, node, key, how);
	}
	return true;
}

static bool bool_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, bool *ret_value)
{
	bool yes = slv_str_eq(node->text, SLV_STR("true"));
	if (!yes && !slv_str_eq(node->text, SLV_STR("false")))
		return slv_conf_wrong(read, node, key);
	*ret_value = yes;
	return true;
}

/* The factor of the suffix that `*text` ends with, which is cut off; 1 without one. */
static uint64_t cut_suffix(slv_str *text)
{
	static const char suffixes[] = { 'k', 'M', 'G' };
	for (size_t i = 0; text->len > 1 && i < sizeof(suffixes); i++) {
		if (text->at[text->len - 1] != suffixes[i])
			continue;
		text->len--;
		return (uint64_t)1 << (10 * (i + 1));
	}
	return 1;
}

static bool int_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, int64_t *ret_value)
{
	slv_str digits = node->text;
	bool negative = slv_str_starts(digits, SLV_STR("-"));
	digits = slv_str_from_index(digits, negative ? 1 : 0);
	uint64_t factor = slv_conf_is_size(key) ? cut_suffix(&digits) : 1;
	if (digits.len == 0)
		return slv_conf_wrong(read, node, key);
	for (size_t i = 0; i < digits.len; i++)
		if (!slv_is_digit(digits.at[i]))
			return slv_conf_wrong(read, node, key);

	uint64_t amount;
	uint64_t amount_max = negative ? (uint64_t)1 << 63 : INT64_MAX;
	if (!slv_str_u64(digits, amount_max / factor, &amount)) {
		/* Past 64 bits: tell the row's bound if it has one. */
		bool bounded = negative ? slv_conf_has_min(key) : slv_conf_has_max(key);
		return bounded ? in_bounds(read, node, key, negative ? -0x1p64 : 0x1p64)
		               : wrong_text(read, node, key, "which is past 64 bits");
	}
	amount *= factor;
	int64_t value = negative ? (int64_t)(0 - amount) : (int64_t)amount;
	if (!in_bounds(read, node, key, (double)value))
		return false;
	*ret_value = value;
	return true;
}

static bool decimal_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, double *ret_value)
{
	double value;
	if (!slv_str_double(node->text, &value))
		return slv_conf_wrong(read, node, key);
	if (!in_bounds(read, node, key, value))
		return false;
	*ret_value = value;
	return true;
}

static bool choice_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, int64_t *ret_value)
{
	int64_t index = 0;
	for (slv_str rest = slv_str_from(key->choices); rest.at; index++) {
		if (!slv_str_eq(slv_str_cut(&rest, '|'), node->text))
			continue;
		*ret_value = index;
		return true;
	}
	return slv_conf_wrong(read, node, key);
}

/* What every text must be, wherever it comes from. Says nothing of its content. */
static bool text_check(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str text)
{
	if (text.len && memchr(text.at, '\0', text.len))
		return slv_conf_fail(read, node, "%s holds a NUL, which no text may",
				*key->name ? key->name : "this key");
	return slv_conf_count(read, node, key, text.len, "byte");
}

static bool secret_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str *ret_secret)
{
	slv_str secret;
	if (!slv_conf_secret_read(read, node, key, &secret) || !text_check(read, node, key, secret))
		return false;
	*ret_secret = secret;
	return true;
}

slv_str slv_conf_join(struct slv_arena *arena, slv_str folder, slv_str path)
{
	if (path.len == 0 || path.at[0] == '/' || folder.len == 0)
		return path;
	while (slv_str_starts(path, SLV_STR("./")))
		path = slv_str_from_index(path, 2);
	const char *slash = slv_str_ends(folder, SLV_STR("/")) ? "" : "/";
	return slv_str_printf(arena, "%.*s%s%.*s", SLV_FMT(folder), slash, SLV_FMT(path));
}

static bool path_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str *ret_path)
{
	if (!text_check(read, node, key, node->text))
		return false;
	slv_str path = slv_conf_join(read->arena, slv_str_from(read->folder), node->text);
	if (!path.at)
		return slv_conf_spent(read);
	*ret_path = path;
	return true;
}

bool slv_conf_scalar(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, void *at)
{
	if (node->kind != SLV_CONF_IS_TEXT)
		return slv_conf_wrong(read, node, key);
	switch (key->type) {
	case SLV_CONF_BOOL:
		return bool_read(read, node, key, at);
	case SLV_CONF_INT:
		return int_read(read, node, key, at);
	case SLV_CONF_DECIMAL:
		return decimal_read(read, node, key, at);
	case SLV_CONF_CHOICE:
		return choice_read(read, node, key, at);
	case SLV_CONF_SECRET:
		return secret_read(read, node, key, at);
	case SLV_CONF_PATH:
		return path_read(read, node, key, at);
	default:
		if (!text_check(read, node, key, node->text))
			return false;
		*(slv_str *)at = node->text;
		return true;
	}
}
