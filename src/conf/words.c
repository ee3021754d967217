/* How settings, bounds and places are called, the same in mistakes and in the reference. */
#include "conf/read.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 64u

bool slv_conf_has_min(const struct slv_conf_key *key)
{
	return key->min != 0 || key->max != 0;
}

bool slv_conf_has_max(const struct slv_conf_key *key)
{
	return slv_conf_has_min(key) && key->max >= key->min;
}

bool slv_conf_is_size(const struct slv_conf_key *key)
{
	slv_str name = slv_str_from(key->name);
	return key->type == SLV_CONF_INT &&
	       (slv_str_eq(name, SLV_STR("bytes")) || slv_str_ends(name, SLV_STR("_bytes")) ||
			       slv_str_ends(name, SLV_STR("_bytes_max")));
}

void slv_conf_bound(const struct slv_conf_key *key, double bound, char ret_text[32])
{
	static const struct {
		double factor;
		const char *suffix;
	} units[] = { { 0x1p30, "G" }, { 0x1p20, "M" }, { 0x1p10, "k" } };
	for (size_t i = 0; slv_conf_is_size(key) && i < SLV_COUNT(units); i++) {
		double amount = bound / units[i].factor;
		if (amount < 1 || amount >= 0x1p53 || amount != (double)(int64_t)amount)
			continue;
		snprintf(ret_text, 32, "%.0f%s", amount, units[i].suffix);
		return;
	}
	snprintf(ret_text, 32, key->type == SLV_CONF_DECIMAL ? "%.15g" : "%.0f", bound);
}

static void number_words(const struct slv_conf_key *key, const char *what, struct slv_buf *buf)
{
	char min[32], max[32];
	slv_conf_bound(key, key->min, min);
	slv_conf_bound(key, key->max, max);
	slv_buf_add(buf, slv_str_from(what));
	if (slv_conf_has_max(key))
		slv_buf_printf(buf, " from %s to %s", min, max);
	else if (slv_conf_has_min(key))
		slv_buf_printf(buf, " from %s", min);
}

static void count_words(const struct slv_conf_key *key, const char *what, const char *unit,
		struct slv_buf *buf)
{
	slv_buf_add(buf, slv_str_from(what));
	bool bytes = *unit == 'b'; /* which need no word when they are unbounded */
	if (!slv_conf_has_min(key))
		slv_buf_printf(buf, "%s%s%s", bytes ? "" : " of ", bytes ? "" : unit,
				bytes ? "" : "s");
	else if (!slv_conf_has_max(key))
		slv_buf_printf(buf, " of at least %.0f %s%s", key->min, unit,
				key->min > 1 ? "s" : "");
	else if (key->min == key->max)
		slv_buf_printf(buf, " of %.0f %s%s", key->min, unit, key->min > 1 ? "s" : "");
	else if (key->min == 0)
		slv_buf_printf(buf, " of at most %.0f %s%s", key->max, unit,
				key->max > 1 ? "s" : "");
	else
		slv_buf_printf(buf, " of %.0f to %.0f %ss", key->min, key->max, unit);
}

static void choice_words(const struct slv_conf_key *key, struct slv_buf *buf)
{
	slv_buf_add(buf, SLV_STR("one of "));
	for (slv_str rest = slv_str_from(key->choices); rest.at;) {
		slv_buf_add(buf, slv_str_cut(&rest, '|'));
		if (rest.at)
			slv_buf_add(buf, SLV_STR(", "));
	}
}

void slv_conf_type_words(const struct slv_conf_key *key, struct slv_buf *buf)
{
	switch (key->type) {
	case SLV_CONF_END:
		return;
	case SLV_CONF_BOOL:
		return slv_buf_add(buf, SLV_STR("true or false"));
	case SLV_CONF_INT:
		return number_words(key, slv_conf_is_size(key) ? "size" : "whole number", buf);
	case SLV_CONF_DECIMAL:
		return number_words(key, "decimal number", buf);
	case SLV_CONF_TEXT:
		return count_words(key, "text", "byte", buf);
	case SLV_CONF_CHOICE:
		return choice_words(key, buf);
	case SLV_CONF_SECRET:
		return count_words(key, "secret", "byte", buf);
	case SLV_CONF_PATH:
		return count_words(key, "path", "byte", buf);
	case SLV_CONF_SECTION:
	case SLV_CONF_OPTION:
		return slv_buf_add(buf, SLV_STR("mapping"));
	case SLV_CONF_LIST:
		return count_words(key, "list", "mapping", buf);
	case SLV_CONF_TEXTS:
		return count_words(key, "list", "text", buf);
	case SLV_CONF_MAP:
		return count_words(key, "mapping", "name", buf);
	case SLV_CONF_CUSTOM:
		return slv_buf_add(buf, slv_str_from(key->choices ? key->choices : "value"));
	}
}

void slv_conf_needed_words(const struct slv_conf_key *key, struct slv_buf *buf)
{
	if (key->type != SLV_CONF_BOOL && key->type != SLV_CONF_CHOICE &&
			!(key->type == SLV_CONF_CUSTOM && key->choices))
		slv_buf_add(buf, SLV_STR("a "));
	slv_conf_type_words(key, buf);
}

const char *slv_conf_short(slv_str text, char ret_text[SLV_CONF_SHORT_BYTES])
{
	slv_str head = slv_str_head(text, NAME_BYTES_MAX);
	while (head.len < text.len && head.len && ((uint8_t)text.at[head.len] & 0xc0) == 0x80)
		head.len--;
	snprintf(ret_text, SLV_CONF_SHORT_BYTES, "%.*s%s", SLV_FMT(head),
			head.len < text.len ? "..." : "");
	return ret_text;
}

void slv_conf_label(const struct slv_conf_read *read, const struct slv_conf_node *node,
		struct slv_buf *buf)
{
	char name[SLV_CONF_SHORT_BYTES];
	const struct slv_conf_node *parent = node->parent;
	if (!parent) {
		slv_buf_add(buf, read->at ? SLV_STR("it") : SLV_STR("the file"));
		return;
	}
	size_t index = (size_t)(node - parent->items);
	if (parent->kind == SLV_CONF_IS_MAP) {
		const struct slv_conf_node *key = &parent->items[index & ~(size_t)1];
		slv_buf_add(buf, slv_str_from(slv_conf_short(key->text, name)));
		return;
	}
	slv_buf_printf(buf, "item %zu of ", index + 1);
	slv_conf_label(read, parent, buf);
}

bool slv_conf_wrong(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key)
{
	struct slv_buf needed;
	slv_buf_init(&needed, SLV_CONF_MISTAKE_BYTES_MAX);
	slv_conf_needed_words(key, &needed);
	const char *name = *key->name ? key->name : "this key";
	char text[SLV_CONF_SHORT_BYTES + 8];
	char part[SLV_CONF_SHORT_BYTES];
	static const char *const kinds[] = { "has no value", "is a text", "is a list",
		"is a mapping" };
	snprintf(text, sizeof(text), "%s", kinds[node->kind]);
	if (node->kind == SLV_CONF_IS_TEXT && key->type != SLV_CONF_SECRET)
		snprintf(text, sizeof(text), "is '%s'", slv_conf_short(node->text, part));
	slv_conf_fail(read, node, "%s %s, %.*s is needed", name, text,
			SLV_FMT(slv_buf_str(&needed)));
	slv_buf_done(&needed);
	return false;
}

/* Edits from one name to the other: a letter more, less, other, or two swapped (optimal string
 * alignment). */
static size_t distance(slv_str a, slv_str b)
{
	size_t rows[3][NAME_BYTES_MAX + 1];
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = above[j - 1] + (a.at[i - 1] != b.at[j - 1]);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			bool swapped = i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			               a.at[i - 2] == b.at[j - 1];
			if (swapped && older[j - 2] + 1 < best)
				best = older[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a.len % 3][b.len];
}

const struct slv_conf_key *slv_conf_nearest(const struct slv_conf_key *keys, slv_str name)
{
	const struct slv_conf_key *near = NULL;
	size_t least = (name.len + 2) / 3 + 1;
	if (name.len > NAME_BYTES_MAX)
		return NULL;
	for (; keys->type != SLV_CONF_END; keys++) {
		slv_str known = slv_str_from(keys->name);
		if (known.len == 0 || known.len > NAME_BYTES_MAX)
			continue;
		/* Who leaves the unit out means the setting with it. */
		bool begins = slv_str_starts(known, name) && known.len > name.len &&
		              known.at[name.len] == '_';
		size_t far = begins ? 1 : distance(name, known);
		if (far < least) {
			least = far;
			near = keys;
		}
	}
	return near;
}
